//! What a film may be, and what reading one may cost. A film beyond these is refused by the probe, before anything is
//! transcoded; `docs/uploads.md` says them to people.

use std::time::Duration;

/// Films longer than twelve hours are refused, microseconds.
pub const DURATION_US_MAX: i64 = 12 * 3600 * 1_000_000;
/// Pictures with more samples than this are refused.
pub const PIXELS_MAX: u64 = 8192 * 4320;
/// Pictures with a shorter side are refused, samples.
pub const SIDE_MIN: u32 = 16;
/// Pictures per second on average; a film with more is refused.
pub const SOURCE_RATE_MAX: u32 = 1_000;
/// Tracks of a file; one with more is not opened.
pub const STREAMS_MAX: u32 = 32;
/// Bytes for each second of film; a file with more is refused. Above what studios' codecs need for 4K.
pub const BYTES_PER_S_MAX: u64 = 400_000_000;
/// Bytes that no film is refused for, however short it is.
pub const BYTES_FREE: u64 = 256 << 20;

/// Bytes and microseconds of a file that are looked at to find out what is in it.
pub const PROBE_BYTES: u64 = 32 << 20;
pub const ANALYZE_US: i64 = 10_000_000;
/// Address space of a child, bytes.
pub const ADDRESS_SPACE_BYTES: u64 = 3 << 30;
/// The largest single allocation libav may make in a child, bytes.
pub const ALLOCATION_BYTES_MAX: usize = 512 << 20;
/// CPU seconds of every child, and more for each second of media that it goes through.
pub const CPU_S: u64 = 60;
pub const CPU_S_PER_MEDIA_S: u64 = 30;
/// Descriptors of a child: with stdin, stdout and stderr open there is no number left below this.
pub const DESCRIPTORS: u64 = 3;
/// A child without a new segment or new progress for this long is killed.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Whether so many pictures in so many microseconds are more than a film has.
pub fn is_too_fast(pictures: u64, us: i64) -> bool {
    let s = us.max(0).unsigned_abs() / 1_000_000 + 1;
    pictures > u64::from(SOURCE_RATE_MAX) * s
}

/// Whether a film this long is in a file of more bytes than it may be.
pub fn is_too_dense(bytes: u64, us: i64) -> bool {
    let us = u128::from(us.max(0).unsigned_abs());
    u128::from(bytes) > u128::from(BYTES_FREE) + u128::from(BYTES_PER_S_MAX) * us / 1_000_000
}
