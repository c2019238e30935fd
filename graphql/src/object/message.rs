//! Chat messages and their pages.

use async_graphql::SimpleObject;
use lockstep_projections::messages::MessageRow;
use uuid::Uuid;

use super::account::Account;
use crate::scalar::{DateTime, Position, float};

/// Something somebody said in a channel.
#[derive(SimpleObject)]
pub(crate) struct Message {
    pub id: Uuid,
    pub author: Account,
    /// Empty once its author was erased.
    pub text: String,
    pub sent_at: DateTime,
    /// Where in the film it was said, microseconds.
    pub playback_us: Option<f64>,
    pub position: Position,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.message.0,
            author: row.author.into(),
            text: row.text,
            sent_at: DateTime(row.sent_at),
            playback_us: row.playback.map(|at| float(at.as_micros())),
            position: Position(row.position),
        }
    }
}

/// Messages in the order they were said.
#[derive(SimpleObject, Default)]
pub(crate) struct MessagePage {
    pub nodes: Vec<Message>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// Give it as `before` for the page of older ones.
    pub start_cursor: Option<Position>,
}

impl MessagePage {
    /// From up to `last` + 1 rows, oldest first.
    pub(crate) fn of(mut rows: Vec<MessageRow>, last: usize) -> Self {
        let has_more = rows.len() > last;
        if has_more {
            rows.drain(..rows.len() - last);
        }
        let start_cursor = rows.first().map(|row| Position(row.position));
        Self { nodes: rows.into_iter().map(Message::from).collect(), has_more, start_cursor }
    }
}
