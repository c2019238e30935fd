//! The published segments of one film, put in order and measured.

use std::collections::BTreeMap;

use lockstep_domain::{
    video::{RenditionFacts, RenditionPlan, SoundRole, SoundTrack, Source},
    work::Segment,
};

use crate::plan::{self, grid};

/// The published segments do not make a film.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("{rendition} has no init segment")]
    NoInit { rendition: String },
    #[error("{rendition} has two different init segments")]
    InitsDiffer { rendition: String },
    #[error("{rendition} lacks segment {number}")]
    Missing { rendition: String, number: u32 },
    #[error("{rendition} does not start at zero")]
    Late { rendition: String },
    #[error("segment {number} of {rendition} does not join the one before it")]
    Gap { rendition: String, number: u32 },
}

/// One rendition with its segments in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub plan: RenditionPlan,
    /// RFC 6381.
    pub codecs: String,
    /// From number 1, without gaps.
    pub segments: Vec<Segment>,
    /// All bytes, the init segment's too.
    pub bytes: u64,
}

/// A whole film, ready to be described.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// Largest first.
    pub video: Vec<Track>,
    /// In the order of the source's tracks.
    pub audio: Vec<Track>,
    /// What each sound is, when there are several.
    pub sounds: Vec<SoundTrack>,
    /// Output frames per second as a fraction.
    pub rate: (u32, u32),
}

impl Ledger {
    /// Orders what the work items published and checks that each rendition is whole and starts at zero.
    pub fn new<'a>(
        source: &Source,
        renditions: &[RenditionPlan],
        published: impl IntoIterator<Item = &'a Segment>,
    ) -> Result<Self, LedgerError> {
        let mut by_name: BTreeMap<&str, Vec<&Segment>> = BTreeMap::new();
        for segment in published {
            by_name.entry(&segment.rendition).or_default().push(segment);
        }
        let expected = u32::try_from(grid(source).spans.len()).unwrap_or(u32::MAX);
        let mut tracks = Vec::new();
        for plan in renditions {
            let held = by_name.remove(plan.name.as_str()).unwrap_or_default();
            tracks.push(track(plan, &held, expected)?);
        }
        let (audio, tracks) = tracks.into_iter().partition(|track| track.plan.height == 0);
        let clock = plan::clock(source.frame_rate_num, source.frame_rate_den);
        let rate = (clock.rate_num, clock.rate_den);
        Ok(Self { video: tracks, audio, sounds: source.sounds.clone(), rate })
    }

    /// What a sound track is called in manifests; names differ within a film.
    pub fn sound_name(&self, place: usize) -> String {
        let Some(told) = self.sounds.get(place) else { return "Sound".to_owned() };
        let role = match told.role {
            SoundRole::Main => None,
            SoundRole::Commentary => Some("commentary"),
            SoundRole::Description => Some("description"),
        };
        let about: Vec<&str> = told.language.as_deref().into_iter().chain(role).collect();
        let number = place + 1;
        if about.is_empty() { format!("Sound {number}") } else { format!("Sound {number} ({})", about.join(", ")) }
    }

    /// The longest track, microseconds.
    pub fn duration_us(&self) -> i64 {
        self.video.iter().chain(&self.audio).map(Track::duration_us).max().unwrap_or(0)
    }
}

fn track(plan: &RenditionPlan, held: &[&Segment], expected: u32) -> Result<Track, LedgerError> {
    let rendition = || plan.name.clone();
    let mut inits = held.iter().filter(|segment| segment.number == 0);
    let init = inits.next().ok_or_else(|| LedgerError::NoInit { rendition: rendition() })?;
    if inits.any(|other| other.sha256 != init.sha256) {
        return Err(LedgerError::InitsDiffer { rendition: rendition() });
    }
    let ordered: BTreeMap<u32, &Segment> =
        held.iter().filter(|segment| segment.number > 0).map(|segment| (segment.number, *segment)).collect();
    let mut end_us = 0;
    for number in 1..=expected {
        let missing = || LedgerError::Missing { rendition: rendition(), number };
        let segment = ordered.get(&number).ok_or_else(missing)?;
        let start_us = segment.pts_us.as_micros();
        if number == 1 && start_us != 0 {
            return Err(LedgerError::Late { rendition: rendition() });
        }
        if start_us != end_us {
            return Err(LedgerError::Gap { rendition: rendition(), number });
        }
        end_us = start_us + segment.duration_us.as_micros();
    }
    let segments: Vec<Segment> = ordered.into_values().cloned().collect();
    let bytes = init.bytes + segments.iter().map(|segment| segment.bytes).sum::<u64>();
    Ok(Track { plan: plan.clone(), codecs: init.codecs.clone().unwrap_or_default(), segments, bytes })
}

impl Track {
    /// Where the track ends, microseconds.
    pub fn duration_us(&self) -> i64 {
        self.segments.last().map_or(0, |last| last.pts_us.as_micros() + last.duration_us.as_micros())
    }

    /// Whole seconds no segment is longer than, rounded as RFC 8216 4.3.3.1 wants.
    pub fn target_duration_s(&self) -> u64 {
        let longest = self.segments.iter().map(|segment| segment.duration_us.as_micros()).max().unwrap_or(0);
        u64::try_from((longest + 500_000) / 1_000_000).unwrap_or(1).max(1)
    }

    /// Peak bit rate: the largest of any run of segments lasting half to one and a half target durations
    /// (RFC 8216 4.1); of the whole track when it is shorter.
    pub fn peak_bps(&self) -> u64 {
        let target_us = i64::try_from(self.target_duration_s()).unwrap_or(1) * 1_000_000;
        let mut peak = 0;
        for first in 0..self.segments.len() {
            let (mut bytes, mut us) = (0, 0);
            for segment in &self.segments[first..] {
                bytes += segment.bytes;
                us += segment.duration_us.as_micros();
                if us * 2 > target_us * 3 {
                    break;
                }
                if us * 2 >= target_us {
                    peak = peak.max(bits_per_second(bytes, us));
                }
            }
        }
        peak.max(self.average_bps())
    }

    /// Average bit rate of the media segments.
    pub fn average_bps(&self) -> u64 {
        bits_per_second(self.segments.iter().map(|segment| segment.bytes).sum(), self.duration_us())
    }

    /// What the log keeps about this rendition.
    pub fn facts(&self) -> RenditionFacts {
        RenditionFacts {
            name: self.plan.name.clone(),
            width: self.plan.width,
            height: self.plan.height,
            bandwidth_bps: self.peak_bps(),
            average_bandwidth_bps: self.average_bps(),
            codecs: self.codecs.clone(),
            bytes: self.bytes,
            segments: u32::try_from(self.segments.len()).unwrap_or(u32::MAX),
        }
    }
}

fn bits_per_second(bytes: u64, us: i64) -> u64 {
    let us = u64::try_from(us).unwrap_or(0).max(1);
    u64::try_from((u128::from(bytes) * 8_000_000).div_ceil(u128::from(us))).unwrap_or(u64::MAX)
}
