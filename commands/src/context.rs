//! Who asks, under which operation id, when, and because of what.

use lockstep_domain::{
    ids::{AccountId, CommandId},
    time::Timestamp,
};
use lockstep_event_store::Metadata;

/// Who causes an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    Account(AccountId),
    /// A transcoding worker, by name.
    Worker(String),
    /// A reaction or the program itself.
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Worker(name) => write!(f, "worker:{name}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// The circumstances of one command.
#[derive(Debug, Clone)]
pub struct Context {
    pub actor: Actor,
    /// The operation id: the same id by the same actor on the same stream has one effect, for ever.
    pub command_id: CommandId,
    /// Ties together everything that one request caused.
    pub correlation_id: String,
    /// The event that caused this command, if one did.
    pub causation_id: Option<String>,
    /// Wall time of the request.
    pub now: Timestamp,
}

impl Context {
    /// The account that acts, if a person does.
    pub fn account(&self) -> Option<AccountId> {
        match self.actor {
            Actor::Account(id) => Some(id),
            Actor::Worker(_) | Actor::System => None,
        }
    }

    pub(crate) fn metadata(&self, channel: Option<lockstep_domain::ids::ChannelId>) -> Metadata {
        Metadata {
            actor: self.actor.to_string(),
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
            command_id: Some(self.command_id.to_string()),
            channel_id: channel.map(|id| id.to_string()),
        }
    }
}
