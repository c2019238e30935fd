//! The queue, and what concerns everybody's viewing at once: speed, waiting for each other, votes to skip.

use async_graphql::{Context, InputObject, Object};
use lockstep_commands::{playback, queue};
use lockstep_domain::{
    ids::{ChannelId, QueueItemId, VideoId},
    queue::Place,
};
use uuid::Uuid;

use super::member::ChannelInput;
use crate::{
    answer::{ChangePayload, Refused, change},
    context::Shared,
    object::queue::LoopMode,
    problem::{Nullable, Problem, nullable},
    scalar::media,
};

/// What `queueVideo` is given.
#[derive(InputObject)]
struct QueueVideoInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The film it is about.
    video: Uuid,
    /// The item to stand in front of; at the end when absent.
    before: Option<Uuid>,
}

/// What `queueItem` is given.
#[derive(InputObject)]
struct QueueItemInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The place in the queue.
    item: Uuid,
}

/// What `moveInQueue` is given.
#[derive(InputObject)]
struct MoveInQueueInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The place in the queue.
    item: Uuid,
    /// The item to stand in front of; at the end when absent.
    before: Option<Uuid>,
}

/// Give either a film that is not in the queue yet, or an item of it.
#[derive(InputObject)]
struct PlayNextInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// The film it is about.
    video: Option<Uuid>,
    /// The place in the queue.
    item: Option<Uuid>,
}

/// What `voteSkip` is given.
#[derive(InputObject)]
struct VoteSkipInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Takes the vote back.
    #[graphql(default = false)]
    withdraw: bool,
}

/// What `setAutoplay` is given.
#[derive(InputObject)]
struct SetAutoplayInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Whether it goes on by itself.
    on: bool,
}

/// What `setLoop` is given.
#[derive(InputObject)]
struct SetLoopInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// How it is set.
    mode: LoopMode,
}

/// What `changeRate` is given.
#[derive(InputObject)]
struct ChangeRateInput {
    /// Names this wish: the same one again has one effect.
    operation_id: Uuid,
    /// The channel it is about.
    channel: Uuid,
    /// Parts per million: 500 000 to 2 000 000 in steps of 250 000.
    rate_ppm: i32,
    /// Microseconds; where the log says the film is, when absent.
    position_us: Option<f64>,
}

fn place(before: Option<Uuid>) -> Place {
    before.map_or(Place::End, |item| Place::Before(QueueItemId(item)))
}

#[derive(Default)]
pub(crate) struct Queue;

#[Object(name = "QueueMutations")]
impl Queue {
    /// Puts a film in the queue.
    async fn queue_video(&self, ctx: &Context<'_>, input: QueueVideoInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, video, place) = (ChannelId(input.channel), VideoId(input.video), place(input.before));
            change(queue::add(ctx.services(), &command, channel, video, place).await)
        })
        .await
    }

    /// Takes an item out of the queue; one's own may always be taken out.
    async fn dequeue_video(&self, ctx: &Context<'_>, input: QueueItemInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, item) = (ChannelId(input.channel), QueueItemId(input.item));
            change(queue::remove(ctx.services(), &command, channel, item).await)
        })
        .await
    }

    /// Moves an item in the queue.
    async fn move_in_queue(&self, ctx: &Context<'_>, input: MoveInQueueInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, item) = (ChannelId(input.channel), QueueItemId(input.item));
            change(queue::move_to(ctx.services(), &command, channel, item, place(input.before)).await)
        })
        .await
    }

    /// Puts an item on, whatever plays. It starts when everybody is ready, and leaves the queue.
    async fn play_now(&self, ctx: &Context<'_>, input: QueueItemInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, item) = (ChannelId(input.channel), QueueItemId(input.item));
            change(queue::play_now(ctx.services(), &command, channel, item).await)
        })
        .await
    }

    /// Puts a film or an item at the front of the queue.
    async fn play_next(&self, ctx: &Context<'_>, input: PlayNextInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (services, channel) = (ctx.services(), ChannelId(input.channel));
            match (input.video, input.item) {
                (Some(video), None) => {
                    change(queue::add(services, &command, channel, VideoId(video), Place::Front).await)
                }
                (None, Some(item)) => {
                    change(queue::move_to(services, &command, channel, QueueItemId(item), Place::Front).await)
                }
                _ => Err(Problem::Invalid("give either video or item".to_owned())),
            }
        })
        .await
    }

    /// Votes to go on to the next film. More than half of those who are here and may vote suffice.
    async fn vote_skip(&self, ctx: &Context<'_>, input: VoteSkipInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(queue::vote(ctx.services(), &command, ChannelId(input.channel), input.withdraw).await)
        })
        .await
    }

    /// Puts back what was in the queue when it last was emptied or cleared.
    async fn restore_queue(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(queue::restore(ctx.services(), &command, ChannelId(input.channel)).await)
        })
        .await
    }

    /// Takes everything out of the queue.
    async fn clear_queue(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(queue::clear(ctx.services(), &command, ChannelId(input.channel)).await)
        })
        .await
    }

    /// Whether the next film starts by itself when one ends.
    async fn set_autoplay(&self, ctx: &Context<'_>, input: SetAutoplayInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(queue::set_autoplay(ctx.services(), &command, ChannelId(input.channel), input.on).await)
        })
        .await
    }

    /// What is played again.
    async fn set_loop(&self, ctx: &Context<'_>, input: SetLoopInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(queue::set_loop(ctx.services(), &command, ChannelId(input.channel), input.mode.into()).await)
        })
        .await
    }

    /// Sets the speed for everybody.
    async fn change_rate(&self, ctx: &Context<'_>, input: ChangeRateInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            let (channel, rate) = (ChannelId(input.channel), i64::from(input.rate_ppm));
            let at = input.position_us.map(media).transpose()?;
            change(playback::change_rate(ctx.services(), &command, channel, rate, at).await)
        })
        .await
    }

    /// Starts a film that waits for viewers, without waiting any longer.
    async fn release_hold(&self, ctx: &Context<'_>, input: ChannelInput) -> Nullable<ChangePayload> {
        nullable(async {
            let Some(command) = ctx.acting(input.operation_id) else { return Ok(Some(Refused::signed_out())) };
            change(playback::start_now(ctx.services(), &command, ChannelId(input.channel)).await)
        })
        .await
    }
}
