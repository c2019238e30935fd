//! Small pictures for the seek bar: when they are taken, where they lie on their sheets, and the WebVTT file that says
//! so. Pure.
//!
//! A chunk's sheet is made in its own decode, so sheets need no joining: as many small files as there are chunks.

use std::{collections::BTreeSet, fmt::Write as _};

use lockstep_domain::{captions::stamp, time::MediaTime, video::Source, work::WorkItem, work::WorkKind};

use crate::{
    keys,
    plan::{Grid, grid},
};

/// The size of one tile.
pub const TILE_WIDTH: u32 = 160;
pub const TILE_HEIGHT: u32 = 90;
/// Tiles in a row, and rows of a sheet, at most.
pub const COLUMNS_MAX: u32 = 10;
pub const ROWS_MAX: u32 = 10;
/// Films up to ten minutes get a picture every two seconds, up to an hour every five, longer ones every ten.
const INTERVALS_US: [(i64, i64); 2] = [(600_000_000, 2_000_000), (3_600_000_000, 5_000_000)];
const INTERVAL_US_MAX: i64 = 10_000_000;

/// The time from one small picture to the next.
pub fn interval(source: &Source) -> MediaTime {
    let long_us = source.duration_us.as_micros();
    let fits = INTERVALS_US.iter().find(|(up_to_us, _)| long_us <= *up_to_us);
    MediaTime::from_micros(fits.map_or(INTERVAL_US_MAX, |(_, interval_us)| *interval_us))
}

/// When the pictures of segments `first..=last` are taken: whole multiples of the interval, in ticks.
pub fn ticks(source: &Source, grid: &Grid, first: u32, last: u32) -> Vec<i64> {
    let spans = || grid.spans.iter().filter(|span| (first..=last).contains(&span.number));
    let (Some(start), Some(end)) = (spans().map(|span| span.start).min(), spans().map(|span| span.end).max()) else {
        return vec![];
    };
    let interval_us = interval(source).as_micros();
    let from = grid.clock.us(start).div_euclid(interval_us);
    let due = (from..).map(|n| grid.clock.ticks(n * interval_us)).skip_while(|tick| *tick < start);
    due.take_while(|tick| *tick < end).take((COLUMNS_MAX * ROWS_MAX) as usize).collect()
}

/// Columns and rows of a sheet with so many tiles.
pub fn sheet(tiles: u32) -> (u32, u32) {
    (tiles.clamp(1, COLUMNS_MAX), tiles.div_ceil(COLUMNS_MAX).max(1))
}

/// Left and top of a tile on its sheet.
pub fn place(tile: u32) -> (u32, u32) {
    (tile % COLUMNS_MAX * TILE_WIDTH, tile / COLUMNS_MAX * TILE_HEIGHT)
}

/// A film's storyboard, and how many small pictures it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    pub text: String,
    pub tiles: u32,
}

/// The storyboard over the sheets that are there, by the first segments of their chunks; `None` without any.
pub fn board(source: &Source, items: &[WorkItem], sheets: &BTreeSet<u32>) -> Option<Board> {
    let (grid, interval_us) = (grid(source), interval(source).as_micros());
    let end_us = grid.clock.us(grid.end());
    let (mut text, mut tiles) = (String::from("WEBVTT\n"), 0);
    for item in items {
        let WorkKind::Chunk { first_segment, last_segment } = item.kind else { continue };
        if !sheets.contains(&first_segment) {
            continue;
        }
        for (n, tick) in (0..).zip(ticks(source, &grid, first_segment, last_segment)) {
            let start_us = grid.clock.us(tick);
            let (from, to) = (milliseconds(start_us), milliseconds((start_us + interval_us).min(end_us)));
            let ((x, y), sheet) = (place(n), keys::sheet_name(first_segment));
            let (from, to) = (stamp(from), stamp(to));
            let _ = write!(text, "\n{from} --> {to}\n{sheet}#xywh={x},{y},{TILE_WIDTH},{TILE_HEIGHT}\n");
            tiles += 1;
        }
    }
    (tiles > 0).then_some(Board { text, tiles })
}

fn milliseconds(us: i64) -> u32 {
    u32::try_from(us.max(0) / 1000).unwrap_or(u32::MAX)
}
