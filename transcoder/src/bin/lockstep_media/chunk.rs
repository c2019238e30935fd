//! A few segments of every rung, from one decode.
//!
//! Times are absolute, so chunks encoded by different workers join without touching each other: a chunk owns
//! exactly the pictures whose tick lies in its spans, and its last picture lasts until the next chunk's first.

use ff::format::Pixel;
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::protocol::ChunkTask;

use crate::{
    Bench,
    encoder::Rung,
    fail,
    graph::{Scaled, Scaler},
    libav,
    pictures::{Picture, Pictures},
    tiles::Tiles,
};

/// Pictures around a chunk that a deinterlacer may look at.
const NEIGHBOURS: i64 = 4;
/// A picture this much later than its group's start, microseconds, gets a repetition of the one before it there.
const HOLD_US: i64 = 250_000;
/// Pictures between two progress frames.
const PROGRESS_PICTURES: u32 = 25;

/// Encodes the chunk.
pub fn run(bench: &Bench, task: &ChunkTask) -> Result<(), Failure> {
    let (Some(first), Some(last)) = (task.spans.first(), task.spans.last()) else { return Ok(()) };
    let (start, end) = (first.start, last.end);
    let mut pictures = Pictures::open(bench, task.clock)?;
    let shape = pictures.shape();
    let sizes = task.rungs.iter().map(|rung| (rung.width, rung.height)).collect();
    let scaler = Scaler::new(sizes, shape, task.clock.timescale, Pixel::YUV420P);
    let rungs = task.rungs.iter().map(|rung| Rung::open(bench, rung, task)).collect::<Result<_, _>>()?;
    let margin = if shape.interlaced { NEIGHBOURS * i64::from(task.clock.frame_ticks) } else { 0 };
    pictures.seek_before(start - margin)?;
    let tiles = Tiles::open(task);
    let mut line = Line { bench, task, scaler, rungs, tiles, due: 0, since_progress: 0, span: (start, end) };
    let next = line.feed(&mut pictures, margin)?;
    line.finish(next)
}

/// The way of a picture through scaler and encoders.
struct Line<'a> {
    bench: &'a Bench,
    task: &'a ChunkTask,
    scaler: Scaler,
    rungs: Vec<Rung>,
    tiles: Option<Tiles>,
    /// Index of the next forced IDR picture.
    due: usize,
    since_progress: u32,
    /// Ticks this chunk owns.
    span: (i64, i64),
}

impl Line<'_> {
    /// Pushes every picture of the chunk; returns the tick of the first picture after it.
    fn feed(&mut self, pictures: &mut Pictures<'_>, margin: i64) -> Result<i64, Failure> {
        let (start, end) = self.span;
        let mut before: Option<Picture> = None;
        let mut covered = start;
        let mut after = None;
        while let Some(mut picture) = pictures.next()? {
            // The film starts at zero, whatever its first picture's time is.
            if start == 0 && before.is_none() {
                picture.tick = 0;
            }
            covered = self.fill(before.as_ref(), covered, picture.tick)?;
            if picture.tick >= end {
                after = after.or(Some(picture.tick));
                if picture.tick >= end + margin {
                    break;
                }
            }
            if picture.tick >= start - margin {
                let shared = libav::share(&picture.frame).map_err(|error| fail::broken("share", error))?;
                self.push(shared, picture.tick)?;
            }
            if picture.tick < start {
                // A long way from the key picture is work too: the parent must hear of it.
                self.tell(start)?;
            }
            if (start..end).contains(&picture.tick) {
                covered = self.after(picture.tick);
            }
            before = Some(picture);
        }
        if before.is_none() {
            return Err(fail::no_pictures(self.task.clock.us(start)));
        }
        self.fill(before.as_ref(), covered, i64::MAX)?;
        Ok(self.stop(after, before.as_ref()))
    }

    /// The start of the first group of pictures after `tick`, or the chunk's end.
    fn after(&self, tick: i64) -> i64 {
        self.task.keyframes.iter().copied().find(|at| *at > tick).unwrap_or(self.span.1)
    }

    /// Repeats the last picture at the start of each group of pictures, from `at` on, whose own first picture is
    /// far: so that every segment starts where its neighbours and the sound expect it. `next` is the next picture's
    /// tick. Returns the first start that has no picture yet.
    fn fill(&mut self, last: Option<&Picture>, mut at: i64, next: i64) -> Result<i64, Failure> {
        while let Some(last) = last.filter(|_| at < self.span.1 && next - at > self.hold()) {
            let shared = libav::share(&last.frame).map_err(|error| fail::broken("share", error))?;
            self.push(shared, at)?;
            at = self.after(at);
        }
        Ok(at)
    }

    /// How late after its due time the first picture of a group may be, ticks.
    fn hold(&self) -> i64 {
        self.task.clock.ticks(HOLD_US)
    }

    /// Where the chunk's last picture ends: at the next chunk's first picture (its own, or our repetition at the
    /// cut), or at the film's end.
    fn stop(&self, after: Option<i64>, last: Option<&Picture>) -> i64 {
        let (_, end) = self.span;
        match (after, last) {
            (Some(tick), _) if tick - end <= self.hold() => tick,
            (None, Some(last)) => end.max(last.tick + 1),
            _ => end,
        }
    }

    fn push(&mut self, frame: ff::frame::Video, tick: i64) -> Result<(), Failure> {
        let scaled = self.scaler.push(frame, tick).map_err(|error| fail::broken("scale", error))?;
        self.encode(scaled)
    }

    fn encode(&mut self, mut scaled: Scaled) -> Result<(), Failure> {
        // One picture of every rung at a time, in presentation order: the rungs share their IDR pictures.
        scaled.sort_by_key(|(rung, tick, _)| (*tick, *rung));
        let mut key_tick = None;
        for (rung, tick, mut picture) in scaled {
            if !(self.span.0..self.span.1).contains(&tick) {
                continue;
            }
            if rung == 0 && self.task.keyframes.get(self.due).is_some_and(|at| tick >= *at) {
                self.due = self.task.keyframes.iter().take_while(|at| **at <= tick).count();
                key_tick = Some(tick);
            }
            let key = key_tick == Some(tick);
            if let Some(tiles) = self.tiles.as_mut().filter(|_| rung + 1 == self.rungs.len()) {
                tiles.see(&picture, tick).map_err(|error| fail::broken("small pictures", error))?;
            }
            self.rungs[rung].encode(self.bench, self.task, &mut picture, tick, key)?;
            if rung == 0 {
                self.tell(tick)?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, tick: i64) -> Result<(), Failure> {
        self.since_progress += 1;
        if self.since_progress < PROGRESS_PICTURES {
            return Ok(());
        }
        self.since_progress = 0;
        self.bench.wire.progress(self.task.clock.us(tick - self.span.0)).map_err(|_| fail::gone())
    }

    fn finish(mut self, end: i64) -> Result<(), Failure> {
        let rest = self.scaler.finish().map_err(|error| fail::broken("scale", error))?;
        self.encode(rest)?;
        for rung in self.rungs {
            rung.finish(self.bench, self.task, end)?;
        }
        self.tiles.map_or(Ok(()), |tiles| tiles.finish(self.bench, self.task))
    }
}
