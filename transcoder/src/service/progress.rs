//! How far each film is, from what was published and what local children say; noted at most once a second.

use std::time::Duration;

use lockstep_commands::transcode;
use lockstep_domain::{
    ids::VideoId,
    time::Timestamp,
    video::RenditionPlan,
    work::{WorkItem, WorkKind},
};

use super::{board::Film, shared::Shared};

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1_050);
/// Share of the bar that encoding gets; the rest is probing before and packaging after.
const ENCODING_PERCENT: u64 = 97;
/// CPU milliseconds per second of media of the sound, and of the poster altogether.
const AUDIO_COST: u64 = 34;
const POSTER_COST: u64 = 200;
/// CPU milliseconds per second of media of looking for words.
const CAPTIONS_COST: u64 = 2;

/// One film's progress as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub percent: u32,
    pub stage: &'static str,
    pub eta_s: Option<u32>,
}

/// Notes progress for ever.
pub async fn report(shared: &Shared) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let now = shared.services.clock.now();
        let news: Vec<(VideoId, String, Report)> = {
            let (board, live) = (shared.board(), shared.live());
            let live = |video: VideoId, item: u32| live.get(&(video, item)).copied().unwrap_or(0);
            board
                .processing()
                .map(|(video, film)| (video, film, measure(film, |item| live(video, item), now)))
                .filter(|(_, film, report)| is_news(film, report))
                .map(|(video, film, report)| (video, film.correlation.clone(), report))
                .collect()
        };
        for (video, correlation, report) in news {
            let context = shared.context(&correlation);
            let Report { percent, stage, eta_s } = report;
            let noted = transcode::report_progress(&shared.services, &context, video, percent, stage, eta_s).await;
            if let Err(error) = noted {
                tracing::debug!(%video, %error, "progress is not noted");
            }
        }
    }
}

fn is_news(film: &Film, report: &Report) -> bool {
    report.percent > film.state.percent || (report.percent == film.state.percent && report.stage != film.state.stage)
}

/// The film's progress; `live` is the media time a local child has gone through in an item.
pub fn measure(film: &Film, live: impl Fn(u32) -> i64, now: Timestamp) -> Report {
    if film.state.items.is_empty() {
        return Report { percent: 0, stage: "probing", eta_s: None };
    }
    if film.open_items().next().is_none() {
        return Report { percent: 99, stage: "packaging", eta_s: Some(1) };
    }
    let (mut done, mut total) = (0, 0);
    for item in &film.state.items {
        let cost = cost(item, &film.state.renditions);
        total += cost;
        done += cost * u64::from(per_mille(film, item, live(item.number))) / 1000;
    }
    let percent = 1 + u32::try_from(done * ENCODING_PERCENT / total.max(1)).unwrap_or(0);
    Report { percent, stage: "encoding", eta_s: eta(film, percent, now) }
}

/// Seconds left at the pace so far.
fn eta(film: &Film, percent: u32, now: Timestamp) -> Option<u32> {
    let elapsed_us = now.as_micros().checked_sub(film.started_at?.as_micros()).filter(|us| *us > 0)?;
    let left_us = elapsed_us / i64::from(percent.max(1)) * i64::from(100 - percent.min(100));
    Some(u32::try_from(left_us / 1_000_000).unwrap_or(u32::MAX).max(1)).filter(|_| percent >= 3)
}

/// How much of an item is done, in thousandths: by its published segments, or by its child's word.
fn per_mille(film: &Film, item: &WorkItem, live_us: i64) -> u32 {
    let Some(work) = film.works.get(&item.number) else { return 0 };
    if work.completed {
        return 1000;
    }
    let length_us = (item.end_us.as_micros() - item.start_us.as_micros()).max(1);
    let rungs = match item.kind {
        WorkKind::Chunk { .. } => film.state.renditions.iter().filter(|plan| plan.height > 0).count(),
        WorkKind::Audio | WorkKind::Sound { .. } | WorkKind::Captions | WorkKind::Thumbnail => 1,
    };
    let published_us: i64 = work.segments.iter().map(|segment| segment.duration_us.as_micros()).sum();
    let published = published_us * 1000 / (length_us * i64::try_from(rungs.max(1)).unwrap_or(1));
    let told = live_us.saturating_mul(950) / length_us;
    u32::try_from(published.max(told).clamp(0, 990)).unwrap_or(0)
}

/// Measured CPU milliseconds an item costs.
fn cost(item: &WorkItem, renditions: &[RenditionPlan]) -> u64 {
    let ms = u64::try_from(item.end_us.as_micros() - item.start_us.as_micros()).unwrap_or(0) / 1000;
    let per_second = match item.kind {
        WorkKind::Thumbnail => return POSTER_COST,
        WorkKind::Captions => CAPTIONS_COST,
        WorkKind::Audio | WorkKind::Sound { .. } => AUDIO_COST,
        WorkKind::Chunk { .. } => renditions.iter().map(|plan| rung_cost(&plan.name)).sum(),
    };
    ms * per_second / 1000
}

/// CPU milliseconds per second of media of one rung on the machine the costs were measured on.
fn rung_cost(name: &str) -> u64 {
    match name {
        "1080p" => 1_470,
        "720p" => 610,
        "480p" => 250,
        "360p" => 160,
        _ => 0,
    }
}
