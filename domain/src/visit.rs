//! One viewer's stay in one channel. Apart from playback, so that a herd of joins never contends with a seek.

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::{AccountId, ChannelId},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VisitEvent {
    Arrived { channel: ChannelId, account: AccountId },
    Departed { channel: ChannelId, account: AccountId },
}
event_names!(VisitEvent { Arrived, Departed });

#[derive(Debug, Clone, PartialEq)]
pub enum VisitCommand {
    Arrive { channel: ChannelId, account: AccountId },
    Depart,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VisitError {
    #[error("another visit has this id")]
    Exists,
    #[error("there is no such visit")]
    Unknown,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct VisitState {
    pub of: Option<(ChannelId, AccountId)>,
    pub departed: bool,
}

pub struct Visit;

impl Aggregate for Visit {
    const KIND: &'static str = "visit";
    type State = VisitState;
    type Command = VisitCommand;
    type Event = VisitEvent;
    type Error = VisitError;

    fn decide(state: &VisitState, command: &VisitCommand) -> Result<Vec<VisitEvent>, VisitError> {
        match (command, state.of) {
            (VisitCommand::Arrive { channel, account }, None) => {
                Ok(vec![VisitEvent::Arrived { channel: *channel, account: *account }])
            }
            (VisitCommand::Arrive { channel, account }, Some(of)) if of == (*channel, *account) => Ok(vec![]),
            (VisitCommand::Arrive { .. }, Some(_)) => Err(VisitError::Exists),
            (VisitCommand::Depart, None) => Err(VisitError::Unknown),
            (VisitCommand::Depart, Some(_)) if state.departed => Ok(vec![]),
            (VisitCommand::Depart, Some((channel, account))) => Ok(vec![VisitEvent::Departed { channel, account }]),
        }
    }

    fn evolve(state: &mut VisitState, event: &VisitEvent) {
        match event {
            VisitEvent::Arrived { channel, account } => state.of = Some((*channel, *account)),
            VisitEvent::Departed { .. } => state.departed = true,
        }
    }
}
