//! The poster: one picture of the film as a JPEG.

use ff::format::Pixel;
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::protocol::{SegmentHead, THUMBNAIL, ThumbnailTask};

use crate::{Bench, fail, graph::Scaler, jpeg, pictures::Pictures};

/// The poster's clock: fine enough for any film.
const CLOCK: (u32, u32) = (25, 1);
/// JPEG quantiser, 2 (best) to 31.
const QUANTISER: u8 = 4;

/// Makes the poster.
pub fn run(bench: &Bench, task: &ThumbnailTask) -> Result<(), Failure> {
    let clock = lockstep_transcoder::plan::clock(CLOCK.0, CLOCK.1);
    let mut pictures = Pictures::open(bench, clock)?;
    let mut shape = pictures.shape();
    shape.interlaced = false;
    let tick = clock.ticks(task.at_us);
    pictures.seek_before(tick)?;
    let mut chosen = None;
    while let Some(picture) = pictures.next()? {
        let enough = picture.tick >= tick;
        chosen = Some(picture);
        if enough {
            break;
        }
    }
    let chosen = chosen.ok_or_else(|| fail::no_pictures(task.at_us))?;
    let broken = |error| fail::broken("poster", error);
    let mut scaler = Scaler::new(vec![(task.width, task.height)], shape, clock.timescale, Pixel::YUVJ420P);
    let mut scaled = scaler.push(chosen.frame, 0).map_err(broken)?;
    scaled.extend(scaler.finish().map_err(broken)?);
    let (_, _, mut picture) = scaled.into_iter().next().ok_or_else(|| broken(ff::Error::Bug))?;
    picture.set_pts(Some(0));
    let jpeg = jpeg::encode(&picture, QUANTISER).map_err(broken)?;
    let rendition = THUMBNAIL.to_owned();
    let segment = SegmentHead { rendition, number: 1, pts_us: task.at_us, duration_us: 0, codecs: None, label: None };
    bench.wire.segment(&segment, &jpeg).map_err(|_| fail::gone())
}
