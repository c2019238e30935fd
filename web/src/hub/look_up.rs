//! What the hub asks the log: where somebody stands, and where a film is.

use lockstep_commands::{LoadError, Services, member, refusal::Coded};
use lockstep_domain::{
    Aggregate,
    channel::Channel,
    ids::{AccountId, ChannelId, Position, StreamId},
    playback::{Playback, PlaybackEvent},
};
use lockstep_event_store::{ReadError, RecordedEvent};
use lockstep_sync_hub::{ChangeKind, PlaybackSnapshot, Refusal, Snapshot, Standing};

use super::HubClock;

/// Events read past the folded state; more than this in the time of one read is another look-up's work.
const TAIL_EVENTS_MAX: usize = 64;

/// Whether this account may be in the channel, and as what.
pub(super) async fn standing(services: &Services, channel: ChannelId, account: AccountId) -> Result<Standing, Refusal> {
    let (found, version) = member::standing_of(services, channel, account).await.map_err(unavailable)?;
    match found.is_in() {
        Ok(role) => Ok(Standing { role, version }),
        Err(denied) => Err(Refusal::new(denied.code(), denied.to_string())),
    }
}

/// The channel's folded playback and how old its last change is, both clocks read side by side.
pub(super) async fn playback(services: &Services, clock: HubClock, channel: ChannelId) -> Result<Snapshot, Refusal> {
    let held = services.dispatcher.load::<Channel>(&StreamId::channel(channel)).await.map_err(unavailable)?;
    let snapshot = |playback, position| Snapshot {
        playback,
        position,
        remote: held.state.remote,
        channel_position: held.position,
    };
    let stream = StreamId::playback(channel);
    let mut loaded = services.dispatcher.load::<Playback>(&stream).await.map_err(unavailable)?;
    if loaded.version == 0 {
        return Ok(snapshot(None, Position::START));
    }
    let tail = services.store.read_stream(&stream, loaded.version - 1, TAIL_EVENTS_MAX).await.map_err(unreadable)?;
    let mut last = None;
    for recorded in &tail {
        let event = decoded(recorded)?;
        if recorded.version > loaded.version {
            Playback::evolve(&mut loaded.state, &event);
        }
        last = Some((recorded, kind(&event)));
    }
    let (Some((recorded, last)), Some(video)) = (last, loaded.state.video) else {
        return Ok(snapshot(None, loaded.position));
    };
    let before = clock.now();
    let database_now = services.store.database_now().await.map_err(unreadable)?;
    let after = clock.now();
    let playback = PlaybackSnapshot {
        video,
        duration: loaded.state.duration,
        position: loaded.state.position,
        playing: loaded.state.playing,
        speed_ppm: loaded.state.speed_ppm,
        held_us: loaded.state.held_until.map(|until| until.as_micros() - loaded.state.at.as_micros()),
        last,
        elapsed_us: database_now.as_micros() - recorded.recorded_at.as_micros(),
        read_at: before + after.since_us(before) / 2,
    };
    Ok(snapshot(Some(playback), recorded.position))
}

fn decoded(recorded: &RecordedEvent) -> Result<PlaybackEvent, Refusal> {
    serde_json::from_value(recorded.payload.clone()).map_err(|error| {
        tracing::error!(%error, position = %recorded.position, "a playback event cannot be decoded");
        Refusal::unavailable("this channel cannot be opened now")
    })
}

/// Which change an event is.
pub(super) fn kind(event: &PlaybackEvent) -> ChangeKind {
    match event {
        PlaybackEvent::VideoLoaded { .. } => ChangeKind::Loaded,
        PlaybackEvent::Played { .. } => ChangeKind::Played,
        PlaybackEvent::Paused { .. } => ChangeKind::Paused,
        PlaybackEvent::Seeked { .. } => ChangeKind::Seeked,
        PlaybackEvent::Ended { .. } | PlaybackEvent::Skipped { .. } => ChangeKind::Ended,
        PlaybackEvent::Held { .. } => ChangeKind::Held,
        PlaybackEvent::Released { .. } => ChangeKind::Released,
        PlaybackEvent::RateChanged { .. } => ChangeKind::RateChanged,
    }
}

fn unavailable(error: LoadError) -> Refusal {
    tracing::warn!(%error, "the hub could not look something up");
    Refusal::unavailable("this cannot be answered now")
}

fn unreadable(error: ReadError) -> Refusal {
    unavailable(error.into())
}
