//! What plays next: after a film that ended or was skipped, after an item was put on, after enough votes.

use std::time::Duration;

use lockstep_domain::{
    Aggregate,
    ids::{ChannelId, QueueItemId},
    playback::{Playback, PlaybackEvent},
    queue::{Queue, QueueEvent},
};
use lockstep_event_store::RecordedEvent;
use serde::de::DeserializeOwned;

use super::caused_by;
use crate::{
    CommandError, Services, playback,
    queue::{self, Onward},
};

/// How often a step is tried: half a minute and more, so that a database that is away that long costs no room its next film.
const TRIES_MAX: u32 = 40;
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What an event calls for.
#[derive(Debug, Clone, Copy)]
enum Next {
    Advance(Onward),
    /// This item is on: it has no more to do in the queue.
    Take(QueueItemId),
    Skip {
        load: u64,
    },
}

pub(super) async fn react(services: &Services, event: &RecordedEvent) {
    let Ok(channel) = event.stream.id().parse::<ChannelId>() else { return };
    let next = match event.stream.kind() {
        Playback::KIND => read(event).and_then(|event| after_playback(&event)),
        Queue::KIND => read(event).and_then(|event| after_queue(&event)),
        _ => None,
    };
    let Some(next) = next else { return };
    for attempt in 1..=TRIES_MAX {
        match run(services, event, channel, next).await {
            Ok(()) => return,
            Err(reason) if attempt == TRIES_MAX => {
                tracing::error!(%channel, ?next, reason, "the queue does not go on");
            }
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt)).min(PAUSE_MAX)).await;
            }
        }
    }
}

fn read<E: DeserializeOwned>(event: &RecordedEvent) -> Option<E> {
    serde_json::from_value(event.payload.clone())
        .inspect_err(|error| tracing::error!(position = %event.position, %error, "an event cannot be decoded"))
        .ok()
}

fn after_playback(event: &PlaybackEvent) -> Option<Next> {
    match event {
        PlaybackEvent::Ended { .. } => Some(Next::Advance(Onward::Ended)),
        PlaybackEvent::Skipped { .. } => Some(Next::Advance(Onward::Skipped)),
        PlaybackEvent::VideoLoaded { item, .. } => item.map(Next::Take),
        PlaybackEvent::Played { .. }
        | PlaybackEvent::Paused { .. }
        | PlaybackEvent::Seeked { .. }
        | PlaybackEvent::Held { .. }
        | PlaybackEvent::Released { .. }
        | PlaybackEvent::RateChanged { .. } => None,
    }
}

fn after_queue(event: &QueueEvent) -> Option<Next> {
    match event {
        QueueEvent::SkipVotesCounted { load, have, need } if have >= need => Some(Next::Skip { load: *load }),
        QueueEvent::SkipVotesCounted { .. }
        | QueueEvent::VideoQueued { .. }
        | QueueEvent::VideoDequeued { .. }
        | QueueEvent::VideoMoved { .. }
        | QueueEvent::SkipVoteCast { .. }
        | QueueEvent::SkipVoteWithdrawn { .. }
        | QueueEvent::Cleared { .. }
        | QueueEvent::Restored { .. }
        | QueueEvent::AutoplaySet { .. }
        | QueueEvent::LoopSet { .. } => None,
    }
}

/// `Err`: a fault that may pass. A rule's no is an answer: people were faster.
async fn run(services: &Services, event: &RecordedEvent, channel: ChannelId, next: Next) -> Result<(), String> {
    let context = |what| caused_by(services, event, what);
    match next {
        Next::Advance(why) => done(queue::advance(services, &context("advance"), channel, why).await),
        Next::Take(item) => done(queue::take_loaded(services, &context("take"), channel, item).await),
        Next::Skip { load } => done(playback::skip(services, &context("skip"), channel, load).await),
    }
}

fn done<T, E: std::fmt::Display>(answer: Result<T, CommandError<E>>) -> Result<(), String> {
    match answer {
        Ok(_) | Err(CommandError::Refused(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
