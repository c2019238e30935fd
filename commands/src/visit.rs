//! Arrivals and departures of viewers, noted by the hub.

use lockstep_domain::{
    ids::{AccountId, ChannelId, StreamId, VisitId},
    visit::{Visit, VisitCommand, VisitError},
};

use crate::{CommandError, Context, Outcome, Services};

type Answer = Result<Outcome, CommandError<VisitError>>;

/// A viewer's socket joined a channel.
pub async fn arrive(
    services: &Services,
    context: &Context,
    visit: VisitId,
    channel: ChannelId,
    account: AccountId,
) -> Answer {
    let command = VisitCommand::Arrive { channel, account };
    services.dispatcher.execute::<Visit>(StreamId::visit(visit), Some(channel), context, command).await
}

/// A viewer's socket is gone for good.
pub async fn depart(services: &Services, context: &Context, visit: VisitId, channel: ChannelId) -> Answer {
    services.dispatcher.execute::<Visit>(StreamId::visit(visit), Some(channel), context, VisitCommand::Depart).await
}
