//! The poster: one picture of the film as a JPEG.

use ff::{codec, encoder, format::Pixel};
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::protocol::{SegmentHead, THUMBNAIL, ThumbnailTask};

use crate::{Bench, fail, graph::Scaler, pictures::Pictures};

/// The poster's clock: fine enough for any film.
const CLOCK: (u32, u32) = (25, 1);
/// JPEG quantiser, 2 (best) to 31.
const QUANTISER: &str = "4";

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
    let jpeg = encode(task, &picture).map_err(broken)?;
    let rendition = THUMBNAIL.to_owned();
    let segment = SegmentHead { rendition, number: 1, pts_us: task.at_us, duration_us: 0, codecs: None };
    bench.wire.segment(&segment, &jpeg).map_err(|_| fail::gone())
}

fn encode(task: &ThumbnailTask, picture: &ff::frame::Video) -> Result<Vec<u8>, ff::Error> {
    let codec = encoder::find_by_name("mjpeg").ok_or(ff::Error::EncoderNotFound)?;
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(task.width);
    video.set_height(task.height);
    video.set_format(Pixel::YUVJ420P);
    video.set_color_range(ff::color::Range::JPEG);
    video.set_time_base((1, 25));
    video.set_flags(codec::Flags::QSCALE | codec::Flags::BITEXACT);
    let mut options = ff::Dictionary::new();
    options.set("qmin", QUANTISER);
    options.set("qmax", QUANTISER);
    options.set("threads", "1");
    let mut encoder = video.open_with(options)?;
    encoder.send_frame(picture)?;
    encoder.send_eof()?;
    let mut packet = ff::Packet::empty();
    encoder.receive_packet(&mut packet)?;
    packet.data().map(<[u8]>::to_vec).ok_or(ff::Error::InvalidData)
}
