//! The answer to who knocked: one person's own standing in one channel, as it changes.

use async_graphql::{Context, SimpleObject, Subscription};
use futures::{Stream, StreamExt};
use lockstep_domain::{
    Aggregate,
    ids::{ChannelId, Position as LogPosition, StreamId},
    member::{Member, MemberEvent, MemberState},
};
use lockstep_projections::{Scope, tail::Cursor};
use serde::Deserialize;
use uuid::Uuid;

use crate::{context::Shared, problem::Problem, scalar::Position};

/// How the asker stands at a channel's door.
#[derive(SimpleObject)]
pub(crate) struct DoorAnswer {
    /// Where it is in the log.
    pub position: Position,
    /// Waits for an answer.
    pub asking: bool,
    /// May come in.
    pub admitted: bool,
    /// Whether they may not come back.
    pub banned: bool,
}

impl DoorAnswer {
    fn of(state: &MemberState, position: LogPosition) -> Self {
        Self {
            position: Position(position),
            asking: state.asking,
            admitted: state.admitted && !state.banned,
            banned: state.banned,
        }
    }
}

#[derive(Default)]
pub(crate) struct Doors;

#[Subscription]
impl Doors {
    /// How the asker stands at a channel's door, now and whenever that changes. Says nothing about the channel: one that
    /// does not exist answers alike.
    async fn door_answers(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
    ) -> Result<impl Stream<Item = DoorAnswer> + use<>, Problem> {
        let asker = ctx.asker().ok_or(Problem::SignedOut)?;
        let stream = StreamId::member(ChannelId(channel), asker);
        let held = ctx.services().dispatcher.load::<Member>(&stream).await?;
        let (position, version) = (held.position, held.version);
        let live = ctx.deps().tail.follow(Scope::Stream(stream), Cursor { position, version });
        Ok(async_stream::stream! {
            let mut state = held.state;
            yield DoorAnswer::of(&state, position);
            let mut live = Box::pin(live);
            while let Some(Ok(recorded)) = live.next().await {
                let Ok(event) = MemberEvent::deserialize(&recorded.payload) else { break };
                Member::evolve(&mut state, &event);
                yield DoorAnswer::of(&state, recorded.position);
            }
        })
    }
}
