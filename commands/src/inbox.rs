//! Marking notifications as read: facts of the person who read them.

use lockstep_domain::{
    account::Account,
    ids::{NotificationId, Position, StreamId},
    inbox::{Inbox, InboxCommand, InboxError},
};
use lockstep_event_store::Guard;

use crate::{CommandError, Context, Outcome, Services};

/// A mark was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboxRefusal {
    #[error("sign in first")]
    SignedOut,
    #[error(transparent)]
    Rule(#[from] InboxError),
}

type Answer = Result<Outcome, CommandError<InboxRefusal>>;

/// The acting account has read these.
pub async fn mark_read(services: &Services, context: &Context, notifications: Vec<NotificationId>) -> Answer {
    let notifications = &notifications;
    mark(services, context, |suspended| InboxCommand::Mark { notifications: notifications.clone(), suspended }).await
}

/// The acting account has read everything up to this position.
pub async fn mark_read_through(services: &Services, context: &Context, position: Position) -> Answer {
    let head = services.store.head().await?;
    mark(services, context, |suspended| InboxCommand::MarkThrough { position, head, suspended }).await
}

async fn mark(services: &Services, context: &Context, command: impl Fn(bool) -> InboxCommand) -> Answer {
    let account = context.account().ok_or(CommandError::Refused(InboxRefusal::SignedOut))?;
    let command = &command;
    services
        .dispatcher
        .execute_with::<Inbox, _, _>(StreamId::inbox(account), None, context, |facts| async move {
            let stream = StreamId::account(account);
            let held = facts.load::<Account>(&stream).await?;
            Ok((command(held.state.suspended), vec![Guard { stream, version: held.version }]))
        })
        .await
        .map_err(|error| error.map(InboxRefusal::Rule))
}
