//! Everything that happens in a channel, for those who may read it.

use std::sync::Arc;

use async_graphql::{Context, Object, Subscription};
use futures::{Stream, StreamExt};
use lockstep_domain::{
    channel::ChannelEvent as DomainChannelEvent,
    ids::{AccountId, ChannelId, member_parts},
    member::MemberEvent,
};
use lockstep_projections::{Reader, RecordedEvent, Scope, channels, members, messages, playback, tail::Cursor};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    context::Shared,
    object::{
        account::{self, Account},
        member::Member,
        message::Message,
        timeline::Timeline,
    },
    problem::{Nullable, Problem, nullable},
    scalar::{DateTime, Position},
};

/// An event of the log, shown to those who may read its channel.
pub(crate) struct ChannelEvent {
    channel: ChannelId,
    event: Arc<RecordedEvent>,
}

#[derive(Default)]
pub(crate) struct Channels;

#[Subscription]
impl Channels {
    /// What happens in a channel after `after`, or from now on. Ends when the asker loses the right.
    async fn channel_events(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = ChannelEvent> + use<>, Problem> {
        let (reader, channel) = (ctx.reader().clone(), ChannelId(channel));
        let asker = ctx.asker().ok_or(Problem::SignedOut)?;
        let head = reader.store().head().await?;
        reader.wait_for(&["channels", "members"], head).await?;
        if !readable(&reader, asker, channel).await? {
            return Err(Problem::NotFound);
        }
        let position = after.map_or(head, |after| after.0);
        let live = ctx.deps().tail.follow(Scope::Channel(channel), Cursor { position, version: 0 });
        Ok(async_stream::stream! {
            let mut live = Box::pin(live);
            while let Some(Ok(event)) = live.next().await {
                if concerns_rights(&event, asker) && !still_readable(&reader, asker, channel, &event).await {
                    break;
                }
                // Who reported whom is for the moderators' queue alone.
                if event.stream.kind() == "report" {
                    continue;
                }
                yield ChannelEvent { channel, event };
            }
        })
    }
}

async fn readable(reader: &Reader, asker: AccountId, channel: ChannelId) -> Result<bool, Problem> {
    let row = channels::by_id(reader.pool(), Some(asker), channel).await?;
    Ok(row.is_some_and(|row| row.readable()))
}

/// Whether after this event the asker's right must be looked at again.
fn concerns_rights(event: &RecordedEvent, asker: AccountId) -> bool {
    match event.stream.kind() {
        "member" => {
            member_parts(event.stream.id()).is_some_and(|(_, account)| account == asker)
                && matches!(
                    MemberEvent::deserialize(&event.payload),
                    Ok(MemberEvent::Banned { .. } | MemberEvent::Removed { .. }) | Err(_)
                )
        }
        "channel" => !matches!(
            DomainChannelEvent::deserialize(&event.payload),
            Ok(DomainChannelEvent::Created { .. } | DomainChannelEvent::Renamed { .. })
        ),
        _ => false,
    }
}

/// A right that cannot be looked up is lost.
async fn still_readable(reader: &Reader, asker: AccountId, channel: ChannelId, event: &RecordedEvent) -> bool {
    let waited = reader.wait_for(&["channels", "members"], event.position).await;
    waited.is_ok() && readable(reader, asker, channel).await.unwrap_or(false)
}

/// Something happened in a channel.
#[Object]
impl ChannelEvent {
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.event.position)
    }
    /// The name of the event in the log.
    async fn event_type(&self) -> &str {
        &self.event.event_type
    }
    /// When it happened.
    async fn at(&self) -> DateTime {
        DateTime(self.event.recorded_at)
    }
    /// Who did it, if a person did.
    async fn actor(&self, ctx: &Context<'_>) -> Nullable<Account> {
        nullable(async {
            match self.event.metadata.actor.parse::<AccountId>() {
                Ok(id) => account::load(ctx.loaders(), id).await,
                Err(_) => Ok(None),
            }
        })
        .await
    }
    /// `channel`, `member`, `playback`, `message` or `visit`.
    async fn kind(&self) -> &str {
        self.event.stream.kind()
    }
    /// The channel it happened in.
    async fn channel(&self) -> Uuid {
        self.channel.0
    }
    /// The message that this is about, as of now.
    async fn message(&self, ctx: &Context<'_>) -> Nullable<Message> {
        nullable(async {
            let Some(id) = self.event.stream.id().parse().ok().filter(|_| self.event.stream.kind() == "message") else {
                return Ok(None);
            };
            ctx.reader().wait_for(&["messages", "accounts"], self.event.position).await?;
            let rows = messages::by_ids(ctx.reader().pool(), &[id]).await?;
            Ok(rows.into_iter().next().map(Message::from))
        })
        .await
    }
    /// The timeline as of now, at or after this event.
    async fn playback(&self, ctx: &Context<'_>) -> Nullable<Timeline> {
        nullable(async {
            if self.event.stream.kind() != "playback" {
                return Ok(None);
            }
            ctx.reader().wait_for(&["playback"], self.event.position).await?;
            let rows = playback::by_channels(ctx.reader().pool(), &[self.channel]).await?;
            Ok(rows.into_iter().next().map(|row| Timeline { row }))
        })
        .await
    }
    /// The member that this is about, as of now.
    async fn member(&self, ctx: &Context<'_>) -> Nullable<Member> {
        nullable(async {
            let Some((channel, account)) =
                member_parts(self.event.stream.id()).filter(|_| self.event.stream.kind() == "member")
            else {
                return Ok(None);
            };
            ctx.reader().wait_for(&["members"], self.event.position).await?;
            let row = members::one(ctx.reader().pool(), channel, account).await?;
            Ok(row.map(Member::from))
        })
        .await
    }
}
