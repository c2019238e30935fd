//! The film and the place in it: what it was is computed from what was known before, as the timeline is.

use lockstep_domain::{
    Aggregate,
    ids::{ChannelId, VideoId},
    playback::{Playback, PlaybackEvent, PlaybackState},
    time::{MediaTime, Timestamp},
    undo::{Facet, Undoable},
};
use lockstep_event_store::RecordedEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{Entry, value, word};
use crate::projection::ApplyError;

/// A timeline as the value of its facet.
#[derive(Serialize, Deserialize)]
struct Kept {
    video: Option<VideoId>,
    duration_us: MediaTime,
    position_us: MediaTime,
    at_us: Timestamp,
    playing: bool,
    speed_ppm: i64,
}

pub(super) async fn entry(
    tx: &mut PgConnection,
    channel: ChannelId,
    event: &RecordedEvent,
    playback: &PlaybackEvent,
) -> Result<Entry, ApplyError> {
    let held = value(tx, channel, &word(Facet::Place), event).await?;
    let mut state =
        held.and_then(|held| serde_json::from_value::<Kept>(held).ok()).map_or_else(PlaybackState::default, |kept| {
            PlaybackState {
                video: kept.video,
                duration: kept.duration_us,
                position: kept.position_us,
                at: kept.at_us,
                playing: kept.playing,
                speed_ppm: kept.speed_ppm,
                ..PlaybackState::default()
            }
        });
    let (before, speed) = (at(&state, moment(playback)), state.speed_ppm);
    Playback::evolve(&mut state, playback);
    let kept = Kept {
        video: state.video,
        duration_us: state.duration,
        position_us: state.position,
        at_us: state.at,
        playing: state.playing,
        speed_ppm: state.speed_ppm,
    };
    let kept = serde_json::to_value(kept).map_err(|error| ApplyError::undecodable(event, error))?;
    if let PlaybackEvent::RateChanged { rate_ppm, .. } = playback {
        let (facet, place) = (word(Facet::Speed), (word(Facet::Place), kept));
        let mut entry = Entry::changed(facet, json!(rate_ppm), Playback::needs(playback));
        entry.values.push(place);
        return Ok(Entry { video: state.video, before: Some(json!(speed)), ..entry });
    }
    Ok(Entry {
        video: state.video,
        facet: Some(word(Facet::Place)),
        before,
        after: at(&state, moment(playback)),
        needs: Playback::needs(playback),
        values: vec![(word(Facet::Place), kept)],
        ..Entry::default()
    })
}

fn at(state: &PlaybackState, moment: Timestamp) -> Option<Value> {
    let video = state.video?;
    Some(json!({ "video": video, "position_us": state.position_at(moment) }))
}

fn moment(event: &PlaybackEvent) -> Timestamp {
    match event {
        PlaybackEvent::VideoLoaded { at_us, .. }
        | PlaybackEvent::Played { at_us, .. }
        | PlaybackEvent::Paused { at_us, .. }
        | PlaybackEvent::Seeked { at_us, .. }
        | PlaybackEvent::Ended { at_us }
        | PlaybackEvent::Held { at_us, .. }
        | PlaybackEvent::Released { at_us, .. }
        | PlaybackEvent::RateChanged { at_us, .. }
        | PlaybackEvent::Skipped { at_us, .. } => *at_us,
    }
}
