//! What one person has read of their notifications. A notification itself is no event: it follows from what happened.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::{NotificationId, Position},
};

/// Notifications marked by one command.
pub const MARKED_MAX: usize = 100;
/// Single marks that are remembered; beyond that a mark repeated is an event again, to no effect.
const REMEMBERED_MAX: usize = 500;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum InboxEvent {
    /// Everything up to this position of the log.
    ReadThrough {
        position: Position,
    },
    Read {
        notifications: Vec<NotificationId>,
    },
}
event_names!(InboxEvent { ReadThrough, Read });

#[derive(Debug, Clone, PartialEq)]
pub enum InboxCommand {
    /// `head`: the log's end, as looked up; nothing later can have been read.
    MarkThrough {
        position: Position,
        head: Position,
        suspended: bool,
    },
    Mark {
        notifications: Vec<NotificationId>,
        suspended: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboxError {
    #[error("at most {MARKED_MAX} notifications are marked at once")]
    TooMany,
    #[error("nothing has happened there yet")]
    Future,
    #[error("this account is suspended")]
    Suspended,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboxState {
    pub through: Position,
    /// Read one by one since.
    pub read: BTreeSet<NotificationId>,
}

pub struct Inbox;

impl Aggregate for Inbox {
    const KIND: &'static str = "inbox";
    type State = InboxState;
    type Command = InboxCommand;
    type Event = InboxEvent;
    type Error = InboxError;

    fn decide(state: &InboxState, command: &InboxCommand) -> Result<Vec<InboxEvent>, InboxError> {
        match command {
            InboxCommand::MarkThrough { suspended: true, .. } | InboxCommand::Mark { suspended: true, .. } => {
                Err(InboxError::Suspended)
            }
            InboxCommand::MarkThrough { position, head, .. } if position > head => Err(InboxError::Future),
            InboxCommand::MarkThrough { position, .. } if *position <= state.through => Ok(vec![]),
            InboxCommand::MarkThrough { position, .. } => Ok(vec![InboxEvent::ReadThrough { position: *position }]),
            InboxCommand::Mark { notifications, .. } if notifications.len() > MARKED_MAX => Err(InboxError::TooMany),
            InboxCommand::Mark { notifications, .. } => {
                let new: BTreeSet<_> = notifications.iter().filter(|id| !state.read.contains(id)).copied().collect();
                if new.is_empty() {
                    return Ok(vec![]);
                }
                Ok(vec![InboxEvent::Read { notifications: new.into_iter().collect() }])
            }
        }
    }

    fn evolve(state: &mut InboxState, event: &InboxEvent) {
        match event {
            InboxEvent::ReadThrough { position } => {
                state.through = *position;
                state.read.clear();
            }
            InboxEvent::Read { notifications } => {
                if state.read.len() + notifications.len() > REMEMBERED_MAX {
                    state.read.clear();
                }
                state.read.extend(notifications);
            }
        }
    }
}
