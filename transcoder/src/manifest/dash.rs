//! MPEG-DASH (ISO/IEC 23009-1): one static MPD over the same segments, through the types of `dash-mpd-core`,
//! the half of the crate `dash-mpd` that fetches nothing.

use std::time::Duration;

use dash_mpd_core::{
    AdaptationSet, AudioChannelConfiguration, Label, MPD, Period, Representation, Role, S, SegmentTemplate,
    SegmentTimeline,
};
use lockstep_domain::{
    video::{SoundRole, SoundTrack},
    work::Segment,
};

use super::{Ledger, Track};

/// Live profile (numbered segments) and the CMAF profile.
const PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019";
/// Ticks per second of every timeline here: the ledger's microseconds.
const TIMESCALE: u64 = 1_000_000;
/// Above the priority a set has by itself, which is 1.
const FIRST_CHOICE: u64 = 2;

/// `manifest.mpd`: one period, the picture sizes as one switching set, the sound as another set.
pub fn mpd(ledger: &Ledger) -> String {
    let duration = micros(ledger.duration_us());
    let sounds = ledger.audio.iter().enumerate().map(|(place, track)| sound(ledger, place, track));
    let adaptations = std::iter::once(pictures(ledger)).chain(sounds).collect();
    let period = Period {
        id: Some("1".to_owned()),
        start: Some(Duration::ZERO),
        duration: Some(duration),
        adaptations,
        ..Default::default()
    };
    let longest = ledger.video.iter().chain(&ledger.audio).map(longest_us).max().unwrap_or(0);
    let mpd = MPD {
        xmlns: Some("urn:mpeg:dash:schema:mpd:2011".to_owned()),
        profiles: Some(PROFILES.to_owned()),
        mpdtype: Some("static".to_owned()),
        mediaPresentationDuration: Some(duration),
        minBufferTime: Some(Duration::from_secs(4)),
        maxSegmentDuration: Some(micros(longest)),
        periods: vec![period],
        ..Default::default()
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{mpd}\n")
}

fn longest_us(track: &Track) -> i64 {
    track.segments.iter().map(|segment| segment.duration_us.as_micros()).max().unwrap_or(0)
}

fn micros(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

fn pictures(ledger: &Ledger) -> AdaptationSet {
    let rate = match ledger.rate {
        (num, 1) => num.to_string(),
        (num, den) => format!("{num}/{den}"),
    };
    AdaptationSet {
        id: Some("1".to_owned()),
        contentType: Some("video".to_owned()),
        mimeType: Some("video/mp4".to_owned()),
        segmentAlignment: Some(true),
        startWithSAP: Some(1),
        sar: Some("1:1".to_owned()),
        frameRate: Some(rate.clone()),
        maxWidth: ledger.video.iter().map(|track| track.plan.width.into()).max(),
        maxHeight: ledger.video.iter().map(|track| track.plan.height.into()).max(),
        Role: vec![main_role()],
        SegmentTemplate: ledger.video.first().map(template),
        representations: ledger
            .video
            .iter()
            .map(|track| Representation {
                width: Some(track.plan.width.into()),
                height: Some(track.plan.height.into()),
                sar: Some("1:1".to_owned()),
                frameRate: Some(rate.clone()),
                scanType: Some("progressive".to_owned()),
                ..representation(track)
            })
            .collect(),
        ..Default::default()
    }
}

/// Several sound tracks are sets of their own: the first is the one to begin with.
fn sound(ledger: &Ledger, place: usize, track: &Track) -> AdaptationSet {
    let told = ledger.sounds.get(place);
    let channels = AudioChannelConfiguration {
        schemeIdUri: "urn:mpeg:dash:23003:3:audio_channel_configuration:2011".to_owned(),
        value: Some("2".to_owned()),
        ..Default::default()
    };
    AdaptationSet {
        id: Some((place + 2).to_string()),
        lang: told.and_then(|told| told.language.clone()),
        selectionPriority: told.filter(|_| place == 0).map(|_| FIRST_CHOICE),
        contentType: Some("audio".to_owned()),
        mimeType: Some("audio/mp4".to_owned()),
        segmentAlignment: Some(true),
        startWithSAP: Some(1),
        Label: told.map(|_| Label { content: ledger.sound_name(place), ..Default::default() }).into_iter().collect(),
        Role: vec![role(place, told)],
        SegmentTemplate: Some(template(track)),
        representations: vec![Representation {
            audioSamplingRate: Some("48000".to_owned()),
            AudioChannelConfiguration: vec![channels],
            ..representation(track)
        }],
        ..Default::default()
    }
}

fn main_role() -> Role {
    named_role("main")
}

fn role(place: usize, told: Option<&SoundTrack>) -> Role {
    named_role(match told.map_or(SoundRole::Main, |told| told.role) {
        SoundRole::Main if place == 0 => "main",
        SoundRole::Main => "dub",
        SoundRole::Commentary => "commentary",
        SoundRole::Description => "description",
    })
}

fn named_role(word: &str) -> Role {
    Role { schemeIdUri: "urn:mpeg:dash:role:2011".to_owned(), value: Some(word.to_owned()), ..Default::default() }
}

fn representation(track: &Track) -> Representation {
    Representation {
        id: Some(track.plan.name.clone()),
        bandwidth: Some(track.peak_bps()),
        codecs: Some(track.codecs.clone()),
        ..Default::default()
    }
}

/// Numbered files with exact times; every rung of a set has the same cuts, so the set has one template.
fn template(track: &Track) -> SegmentTemplate {
    SegmentTemplate {
        timescale: Some(TIMESCALE),
        startNumber: Some(1),
        initialization: Some("$RepresentationID$/init.mp4".to_owned()),
        media: Some("$RepresentationID$/$Number%05d$.m4s".to_owned()),
        SegmentTimeline: Some(SegmentTimeline { segments: timeline(&track.segments) }),
        ..Default::default()
    }
}

/// Runs of equal durations as one `S` each.
fn timeline(segments: &[Segment]) -> Vec<S> {
    let mut runs: Vec<S> = Vec::new();
    for segment in segments {
        let d = u64::try_from(segment.duration_us.as_micros()).unwrap_or(0);
        match runs.last_mut() {
            Some(run) if run.d == d => run.r = Some(run.r.unwrap_or(0) + 1),
            Some(_) => runs.push(S { d, ..Default::default() }),
            None => runs.push(S { t: Some(0), d, ..Default::default() }),
        }
    }
    runs
}
