//! The plan of a transcode: ladder, segment grid and work items, as pure functions of the probed source.

use lockstep_domain::{
    time::MediaTime,
    video::{RenditionPlan, Source},
    work::{WorkItem, WorkKind},
};

use crate::{
    protocol::{AUDIO, AudioTask, CaptionsTask, ChunkTask, Clock, Span, ThumbnailTask, TilesTask, scale},
    storyboard,
};

/// Nominal length of a segment; two groups of pictures.
pub const SEGMENT_S: u32 = 4;
/// A work item covers at most this many segments and [`ITEM_US_MAX`] of media, in films of up to an hour.
pub const ITEM_SEGMENTS_MAX: u32 = 2;
/// At most this much media in one work item, so that a killed worker costs little.
pub const ITEM_US_MAX: i64 = 8_000_000;
/// A plan is one event, which has at most 64 KiB: films over an hour get longer items instead of more.
pub const ITEMS_MAX: usize = 450;
/// A rest shorter than this joins the segment before it.
const REST_US_MIN: i64 = 1_000_000;
/// Frames per second of the output at most (Apple authoring specification 1.15).
pub const RATE_MAX: u32 = 60;
/// Bits per second of the sound.
pub const AUDIO_BPS: u32 = 128_000;
/// Longer side of the poster picture.
const THUMBNAIL_SIDE_MAX: u32 = 640;

/// Rung name, height of its 16:9 box, bits per second.
const RUNGS: [(&str, u32, u32); 4] =
    [("1080p", 1080, 4_500_000), ("720p", 720, 2_500_000), ("480p", 480, 1_200_000), ("360p", 360, 600_000)];

/// Everything decided about one film's transcode.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Video rungs, largest first, then `audio` if there is sound.
    pub renditions: Vec<RenditionPlan>,
    pub items: Vec<WorkItem>,
}

/// The film's time axis cut into segments and groups of pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    pub clock: Clock,
    pub spans: Vec<Span>,
    /// Ticks between two IDR pictures.
    pub gop_ticks: i64,
}

/// The plan for this source.
pub fn plan(source: &Source) -> Plan {
    let grid = grid(source);
    let mut renditions = ladder(source.width, source.height);
    let mut items = vec![item(WorkKind::Thumbnail, MediaTime::ZERO, MediaTime::ZERO)];
    if source.audio_codec.is_some() {
        renditions.push(RenditionPlan { name: AUDIO.to_owned(), width: 0, height: 0, bitrate_bps: AUDIO_BPS });
        items.push(item(WorkKind::Audio, MediaTime::ZERO, grid.time(grid.end())));
        for track in (2..).take(source.sounds.len().saturating_sub(1)) {
            renditions.push(RenditionPlan { name: sound_name(track), width: 0, height: 0, bitrate_bps: AUDIO_BPS });
            items.push(item(WorkKind::Sound { track }, MediaTime::ZERO, grid.time(grid.end())));
        }
    }
    if !source.texts.is_empty() {
        items.push(item(WorkKind::Captions, MediaTime::ZERO, grid.time(grid.end())));
    }
    items.extend(chunks(&grid));
    for (number, item) in (1..).zip(&mut items) {
        item.number = number;
    }
    Plan { renditions, items }
}

/// The rendition name of a sound track, counted from 1.
pub fn sound_name(track: u32) -> String {
    if track <= 1 { AUDIO.to_owned() } else { format!("{AUDIO}{track}") }
}

fn item(kind: WorkKind, start_us: MediaTime, end_us: MediaTime) -> WorkItem {
    WorkItem { number: 0, kind, start_us, end_us }
}

/// The rungs a picture of this display size gets: those whose box it fills, never larger than it is.
///
/// A rung's box is 16:9 lying or standing. A source up to a tenth smaller than a box still gets that rung, at
/// its own size; one smaller than every box gets the last rung at its own size.
pub fn ladder(width: u32, height: u32) -> Vec<RenditionPlan> {
    let (width, height) = (u64::from(width.max(2)), u64::from(height.max(2)));
    let (long, short) = (width.max(height), width.min(height));
    let mut rungs = Vec::new();
    for (name, side, bitrate_bps) in RUNGS {
        let (box_short, box_long) = (u64::from(side), u64::from(side) * 16 / 9);
        let fills = long * 11 >= box_long * 10 || short * 11 >= box_short * 10;
        let last = rungs.is_empty() && side == 360;
        if !fills && !last {
            continue;
        }
        let (w, h) = fit(width, height, box_long, box_short);
        let same = rungs.last().is_some_and(|above: &RenditionPlan| (above.width, above.height) == (w, h));
        if !same {
            rungs.push(RenditionPlan { name: name.to_owned(), width: w, height: h, bitrate_bps });
        }
    }
    rungs
}

/// The largest even size inside the box (turned to the picture's orientation) that is not larger than the picture.
fn fit(width: u64, height: u64, box_long: u64, box_short: u64) -> (u32, u32) {
    let (box_w, box_h) = if width >= height { (box_long, box_short) } else { (box_short, box_long) };
    if width <= box_w && height <= box_h {
        return (nearest_even(width - width % 2, 1), nearest_even(height - height % 2, 1));
    }
    if width * box_h >= height * box_w {
        (nearest_even(box_w, 1), nearest_even(height * box_w, width))
    } else {
        (nearest_even(width * box_h, height), nearest_even(box_h, 1))
    }
}

/// `num / den` as the nearest even number.
fn nearest_even(num: u64, den: u64) -> u32 {
    u32::try_from((num + den) / (2 * den) * 2).unwrap_or(2).max(2)
}

/// The clock and the cuts for this source: whole frames per segment, at most four seconds each.
pub fn grid(source: &Source) -> Grid {
    let clock = clock(source.frame_rate_num, source.frame_rate_den);
    let gop_frames = (u64::from(clock.rate_num) * u64::from(SEGMENT_S) / 2 / u64::from(clock.rate_den)).max(1);
    let gop_ticks = i64::try_from(gop_frames).unwrap_or(1) * i64::from(clock.frame_ticks);
    let length = gop_ticks * 2;
    let frame = i64::from(clock.frame_ticks);
    let end = scale(clock.ticks(source.duration_us.as_micros()), 1, frame).max(1) * frame;
    let rest_min = clock.ticks(REST_US_MIN);
    let mut spans: Vec<Span> = Vec::new();
    let mut start = 0;
    while start < end {
        let stop = if end - start - length < rest_min { end } else { start + length };
        spans.push(Span { number: u32::try_from(spans.len() + 1).unwrap_or(u32::MAX), start, end: stop });
        start = stop;
    }
    Grid { clock, spans, gop_ticks }
}

/// The output clock for a source rate: at most [`RATE_MAX`] frames per second, fine enough for variable rates.
pub fn clock(num: u32, den: u32) -> Clock {
    let sane = num > 0 && den > 0 && num <= 240_000 && u64::from(num) >= u64::from(den);
    let (num, mut den) = if sane && num / den <= 1000 { (num, den) } else { (25, 1) };
    let divisor = num.div_ceil(RATE_MAX * den).max(1);
    den *= divisor;
    let shared = gcd(num, den);
    let (rate_num, rate_den) = (num / shared, den / shared);
    let mut factor = 1;
    while rate_num * factor < 60_000 {
        factor *= 2;
    }
    Clock { timescale: rate_num * factor, frame_ticks: rate_den * factor, rate_num, rate_den }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

impl Grid {
    /// The end of the film, in ticks.
    pub fn end(&self) -> i64 {
        self.spans.last().map_or(0, |span| span.end)
    }
    /// Ticks as media time.
    pub fn time(&self, ticks: i64) -> MediaTime {
        MediaTime::from_micros(self.clock.us(ticks))
    }
}

/// Items of at most two segments and eight seconds, in the order people watch; longer ones only where those would
/// be more than [`ITEMS_MAX`].
fn chunks(grid: &Grid) -> Vec<WorkItem> {
    let fewest = u32::try_from(grid.spans.len().div_ceil(ITEMS_MAX)).unwrap_or(u32::MAX);
    let segments_max = fewest.max(ITEM_SEGMENTS_MAX);
    let us_max = ITEM_US_MAX / i64::from(ITEM_SEGMENTS_MAX) * i64::from(segments_max);
    let mut items = Vec::new();
    let mut open: Option<(Span, Span)> = None;
    for span in &grid.spans {
        open = match open {
            Some((first, last)) => {
                let joined = span.number - first.number < segments_max
                    && grid.clock.us(span.end) - grid.clock.us(first.start) <= us_max;
                if joined {
                    Some((first, *span))
                } else {
                    items.push(chunk(grid, first, last));
                    Some((*span, *span))
                }
            }
            None => Some((*span, *span)),
        };
    }
    items.extend(open.map(|(first, last)| chunk(grid, first, last)));
    items
}

fn chunk(grid: &Grid, first: Span, last: Span) -> WorkItem {
    let kind = WorkKind::Chunk { first_segment: first.number, last_segment: last.number };
    item(kind, grid.time(first.start), grid.time(last.end))
}

/// The child's task for segments `first..=last`.
pub fn chunk_task(source: &Source, first: u32, last: u32) -> ChunkTask {
    let grid = grid(source);
    let spans: Vec<Span> = grid.spans.iter().copied().filter(|span| (first..=last).contains(&span.number)).collect();
    let mut keyframes = Vec::new();
    for span in &spans {
        let mut at = span.start;
        while at < span.end {
            keyframes.push(at);
            at += grid.gop_ticks;
        }
    }
    let ticks = storyboard::ticks(source, &grid, first, last);
    let (width, height) = tile(source);
    let tiles = (!ticks.is_empty()).then_some(TilesTask { width, height, ticks });
    ChunkTask { rungs: ladder(source.width, source.height), clock: grid.clock, spans, keyframes, tiles }
}

/// The size of a small picture inside its tile.
fn tile(source: &Source) -> (u32, u32) {
    let (w, h) = (u64::from(source.width.max(2)), u64::from(source.height.max(2)));
    let (tile_w, tile_h) = (u64::from(storyboard::TILE_WIDTH), u64::from(storyboard::TILE_HEIGHT));
    let high = |width: u64| nearest_even(h * width, w);
    if high(tile_w) <= storyboard::TILE_HEIGHT {
        (storyboard::TILE_WIDTH, high(tile_w))
    } else {
        (nearest_even(w * tile_h, h), storyboard::TILE_HEIGHT)
    }
}

/// The child's task for a sound track, counted from 1.
pub fn audio_task(source: &Source, track: u32) -> AudioTask {
    let grid = grid(source);
    let stream = usize::try_from(track).ok().and_then(|track| source.sounds.get(track.saturating_sub(1)));
    AudioTask {
        rendition: sound_name(track),
        stream: stream.map(|sound| sound.stream),
        bitrate_bps: AUDIO_BPS,
        timescale: grid.clock.timescale,
        spans: grid.spans,
    }
}

/// The child's task for the text tracks.
pub fn captions_task(source: &Source) -> CaptionsTask {
    let media_s = u64::try_from(source.duration_us.as_micros() / 1_000_000).unwrap_or(0) + 1;
    CaptionsTask { tracks: source.texts.clone(), media_s }
}

/// The child's task for the poster: a tenth into the film, at most ten seconds.
pub fn thumbnail_task(source: &Source) -> ThumbnailTask {
    let (w, h) = (u64::from(source.width.max(2)), u64::from(source.height.max(2)));
    let side = u64::from(THUMBNAIL_SIDE_MAX);
    let (width, height) = fit(w, h, side, side);
    ThumbnailTask { at_us: (source.duration_us.as_micros() / 10).clamp(0, 10_000_000), width, height }
}
