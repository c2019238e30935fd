//! Chat messages.

use async_graphql::{ComplexObject, Context, SimpleObject};
use lockstep_projections::messages::MessageRow;
use uuid::Uuid;

use super::account::{self, Account};
use crate::{
    context::Shared,
    loader::{MessageOf, ReactionsOf},
    problem::Problem,
    scalar::{DateTime, Position, float},
};

/// Something somebody said in a channel.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Message {
    /// Its id.
    pub id: Uuid,
    /// The channel it is about.
    pub channel: Uuid,
    /// Who wrote it; null for somebody erased.
    pub author: Account,
    /// Empty once it was taken back, or its author was erased.
    pub text: String,
    /// When it was sent.
    pub sent_at: DateTime,
    /// Where in the film it was said, microseconds.
    pub playback_us: Option<f64>,
    /// Where it was said in the log: the order of messages.
    pub position: Position,
    /// The last event it shows.
    pub changed_position: Position,
    /// When it was last changed; null if never.
    pub edited_at: Option<DateTime>,
    /// Whether it is pinned.
    pub pinned: bool,
    #[graphql(skip)]
    row: MessageRow,
}

/// Who took a message back.
#[derive(SimpleObject)]
pub(crate) struct Redaction {
    /// Who did it.
    pub by: Option<Account>,
    /// Why, for people.
    pub reason: Option<String>,
}

/// One emoji under a message.
#[derive(SimpleObject)]
pub(crate) struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many people.
    pub count: i32,
    /// Whether the asker is among them.
    pub mine: bool,
}

/// The message that another one answers.
#[derive(SimpleObject)]
pub(crate) struct Quote {
    /// Its id.
    pub id: Uuid,
    /// Who wrote it; null for somebody erased.
    pub author: Option<Account>,
    /// Empty once it was taken back, or its author was erased.
    pub text: String,
    /// Whether it was taken back.
    pub redacted: bool,
}

#[ComplexObject]
impl Message {
    /// Set when the message was taken back.
    async fn redacted(&self, ctx: &Context<'_>) -> Result<Option<Redaction>, Problem> {
        let Some((by, reason)) = self.row.redacted.clone() else { return Ok(None) };
        Ok(Some(Redaction { by: account::load(ctx.loaders(), by).await?, reason }))
    }
    /// In the order they were first used.
    async fn reactions(&self, ctx: &Context<'_>) -> Result<Vec<Reaction>, Problem> {
        let key = ReactionsOf { message: self.row.message, asker: ctx.asker() };
        let rows = ctx.loaders().messages.load_one(key).await?.unwrap_or_default();
        let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(rows.into_iter().map(|row| Reaction { emoji: row.emoji, count: count(row.count), mine: row.mine }).collect())
    }
    /// The message this answers.
    async fn reply_to(&self, ctx: &Context<'_>) -> Result<Option<Quote>, Problem> {
        let Some((id, author)) = self.row.reply_to else { return Ok(None) };
        let row = ctx.loaders().messages.load_one(MessageOf(id)).await?;
        let author = match (&row, author) {
            (Some(row), _) => Some(row.author.clone().into()),
            (None, Some(author)) => account::load(ctx.loaders(), author).await?,
            (None, None) => None,
        };
        let redacted = row.as_ref().is_some_and(|row| row.redacted.is_some());
        Ok(Some(Quote { id: id.0, author, text: row.map(|row| row.text).unwrap_or_default(), redacted }))
    }
    /// The members it speaks to.
    async fn mentions(&self) -> Vec<Uuid> {
        self.row.mentions.iter().map(|account| account.0).collect()
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.message.0,
            channel: row.channel.0,
            author: row.author.clone().into(),
            text: row.text.clone(),
            sent_at: DateTime(row.sent_at),
            playback_us: row.playback.map(|at| float(at.as_micros())),
            position: Position(row.position),
            changed_position: Position(row.changed),
            edited_at: row.edited_at.map(DateTime),
            pinned: row.pinned,
            row,
        }
    }
}

/// Messages in the order they were said.
#[derive(SimpleObject, Default)]
pub(crate) struct MessagePage {
    /// The rows of this page.
    pub nodes: Vec<Message>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// Whether there are newer ones; known for pages asked for by `after` or `around`.
    pub has_newer: bool,
    /// Give it as `before` for the page of older ones.
    pub start_cursor: Option<Position>,
    /// Give it as `after` for the page of newer ones.
    pub end_cursor: Option<Position>,
}

impl MessagePage {
    /// From up to `last` + 1 rows, oldest first.
    pub(crate) fn of(mut rows: Vec<MessageRow>, last: usize) -> Self {
        let has_more = rows.len() > last;
        if has_more {
            rows.drain(..rows.len() - last);
        }
        Self::exactly(rows, has_more, false)
    }

    /// From up to `first` + 1 rows after a place, oldest first.
    pub(crate) fn after(mut rows: Vec<MessageRow>, first: usize) -> Self {
        let has_newer = rows.len() > first;
        rows.truncate(first);
        Self::exactly(rows, true, has_newer)
    }

    pub(crate) fn exactly(rows: Vec<MessageRow>, has_more: bool, has_newer: bool) -> Self {
        let cursor = |row: Option<&MessageRow>| row.map(|row| Position(row.position));
        let (start_cursor, end_cursor) = (cursor(rows.first()), cursor(rows.last()));
        let nodes = rows.into_iter().map(Message::from).collect();
        Self { nodes, has_more, has_newer, start_cursor, end_cursor }
    }
}
