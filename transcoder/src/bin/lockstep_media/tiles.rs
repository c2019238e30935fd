//! The small pictures of one chunk, taken from its smallest rung as it is encoded, on one sheet.

use ff::format::Pixel;
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::{
    protocol::{ChunkTask, SegmentHead, TILES, TilesTask},
    storyboard::{TILE_HEIGHT, TILE_WIDTH, place, sheet},
};

use crate::{Bench, fail, graph::Scaler, jpeg, libav, pictures::Shape};

/// JPEG quantiser: small pictures are looked at for a moment.
const QUANTISER: u8 = 8;

/// The sheet in the making.
pub struct Tiles {
    task: TilesTask,
    timescale: u32,
    sheet: ff::frame::Video,
    /// Tiles that are drawn.
    drawn: u32,
    /// The last one drawn: what a time without a picture of its own shows.
    last: Option<ff::frame::Video>,
}

impl Tiles {
    /// `None` where the chunk has none.
    pub fn open(task: &ChunkTask) -> Option<Self> {
        let tiles = task.tiles.clone()?;
        let (columns, rows) = sheet(u32::try_from(tiles.ticks.len()).ok()?);
        let mut empty = ff::frame::Video::new(Pixel::YUVJ420P, columns * TILE_WIDTH, rows * TILE_HEIGHT);
        for plane in 0..empty.planes() {
            empty.data_mut(plane).fill(if plane == 0 { 0 } else { 128 });
        }
        Some(Self { task: tiles, timescale: task.clock.timescale, sheet: empty, drawn: 0, last: None })
    }

    /// Looks at one picture of the smallest rung.
    pub fn see(&mut self, picture: &ff::frame::Video, tick: i64) -> Result<(), ff::Error> {
        if self.due().is_none_or(|due| tick < due) {
            return Ok(());
        }
        let mut shared = libav::share(picture)?;
        shared.set_color_space(ff::color::Space::BT709);
        shared.set_color_range(ff::color::Range::MPEG);
        let shape = Shape { rotation_degrees: 0, interlaced: false };
        let size = (self.task.width, self.task.height);
        let mut scaler = Scaler::new(vec![size], shape, self.timescale, Pixel::YUVJ420P);
        let mut scaled = scaler.push(shared, tick)?;
        scaled.extend(scaler.finish()?);
        let (_, _, small) = scaled.into_iter().next().ok_or(ff::Error::Bug)?;
        // Where the film has no picture of that time, the one before it was shown.
        while self.following().is_some_and(|next| tick >= next) {
            let held = self.last.take();
            self.draw(held.as_ref().unwrap_or(&small));
            self.last = held;
        }
        self.draw(&small);
        self.last = Some(small);
        Ok(())
    }

    fn due(&self) -> Option<i64> {
        self.task.ticks.get(self.drawn as usize).copied()
    }

    fn following(&self) -> Option<i64> {
        self.task.ticks.get(self.drawn as usize + 1).copied()
    }

    /// Copies a picture into the middle of the next tile.
    fn draw(&mut self, small: &ff::frame::Video) {
        let (left, top) = place(self.drawn);
        let middle = |room: u32, size: u32| room.saturating_sub(size) / 4 * 2;
        let (left, top) = (left + middle(TILE_WIDTH, small.width()), top + middle(TILE_HEIGHT, small.height()));
        for plane in 0..3 {
            let half = u32::from(plane > 0);
            let (left, top) = ((left >> half) as usize, (top >> half) as usize);
            let (width, height) = (small.width().div_ceil(1 + half) as usize, small.height().div_ceil(1 + half));
            let (from_stride, to_stride) = (small.stride(plane), self.sheet.stride(plane));
            for row in 0..height as usize {
                let from = &small.data(plane)[row * from_stride..][..width];
                self.sheet.data_mut(plane)[(top + row) * to_stride + left..][..width].copy_from_slice(from);
            }
        }
        self.drawn += 1;
    }

    /// Sends the sheet, named by the chunk's first segment.
    pub fn finish(mut self, bench: &Bench, task: &ChunkTask) -> Result<(), Failure> {
        let broken = |error| fail::broken("small pictures", error);
        while let Some(last) = self.last.take().filter(|_| self.due().is_some()) {
            self.draw(&last);
            self.last = Some(last);
        }
        let Some(first) = task.spans.first().filter(|_| self.drawn > 0) else { return Ok(()) };
        self.sheet.set_pts(Some(0));
        let bytes = jpeg::encode(&self.sheet, QUANTISER).map_err(broken)?;
        let (rendition, pts_us) = (TILES.to_owned(), task.clock.us(first.start));
        let segment =
            SegmentHead { rendition, number: first.number, pts_us, duration_us: 0, codecs: None, label: None };
        bench.wire.segment(&segment, &bytes).map_err(|_| fail::gone())
    }
}
