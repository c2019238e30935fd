//! What the source is: container, picture, sound and true length; or why it cannot be watched.

use ff::format::context::Input;
use ffmpeg_next as ff;
use lockstep_domain::{time::MediaTime, video::Source, work::Failure};
use lockstep_transcoder::{
    limits::{DURATION_US_MAX, PIXELS_MAX, SIDE_MIN, is_too_dense, is_too_fast},
    plan::clock,
};

use crate::{Bench, fail, libav, open, pictures, pictures::Pictures, tracks};

/// How far from the told end the look at the real end starts, microseconds.
const TAIL_US: i64 = 10_000_000;
/// A file that ends this much earlier than it says is cut off.
const MISSING_US_MAX: i64 = 2_000_000;
/// Packets between two progress frames while a file without a length is read through.
const PROGRESS_PACKETS: u32 = 2_000;

/// Looks at the source.
pub fn run(bench: &Bench) -> Result<Source, Failure> {
    let mut input = open::open(bench)?;
    let audio = open::audio_stream(&input);
    let Some(video) = open::video_stream(&input) else {
        return Err(fail::no_video_track(audio.is_some()));
    };
    let stream = input.stream(video).ok_or_else(fail::undecodable)?;
    let (told_width, told_height) = libav::stream_size(&stream);
    if u64::from(told_width) * u64::from(told_height) > PIXELS_MAX {
        return Err(fail::too_large());
    }
    let pictures_told = u64::try_from(stream.frames()).unwrap_or(0);
    let (picture, start_us) = first_picture(bench)?;
    let (width, height, rotation_degrees) = displayed(&input, video, &picture)?;
    let rate = rate(&input, video);
    let container = input.format().name().to_owned();
    let name = |index: usize| input.stream(index).map(|stream| stream.parameters().id().name().to_owned());
    let (video_codec, audio_codec) = (name(video).unwrap_or_default(), audio.and_then(name));
    let audio_channels = audio.and_then(|index| open::decoder(&input, index, true).ok()?.audio().ok());
    let audio_channels = audio_channels.map_or(0, |decoder| u32::from(decoder.channels()));
    let (sounds, texts) = (tracks::sounds(&input), tracks::texts(&input));
    let duration_us = duration(bench, &mut input, video, start_us, rate)?;
    if is_too_fast(pictures_told, duration_us) {
        return Err(fail::too_fast());
    }
    if is_too_dense(bench.source_bytes, duration_us) {
        return Err(fail::too_dense());
    }
    let chapters = tracks::chapters(&input, start_us, MediaTime::from_micros(duration_us));
    Ok(Source {
        container: friendly(&container),
        video_codec,
        audio_codec,
        duration_us: MediaTime::from_micros(duration_us),
        width,
        height,
        rotation_degrees,
        frame_rate_num: rate.0,
        frame_rate_den: rate.1,
        audio_channels,
        sounds,
        texts,
        chapters,
    })
}

/// One picture must decode: a file without one is not a film. With it comes the film's zero, microseconds.
fn first_picture(bench: &Bench) -> Result<(ff::frame::Video, i64), Failure> {
    let mut pictures = Pictures::open(bench, clock(25, 1))?;
    let first = pictures.next()?.ok_or_else(fail::undecodable)?;
    Ok((first.frame, pictures.origin_us()))
}

/// The size as displayed: square samples, upright.
fn displayed(input: &Input, video: usize, picture: &ff::frame::Video) -> Result<(u32, u32, i32), Failure> {
    let (coded_width, height) = (picture.width(), picture.height());
    if u64::from(coded_width) * u64::from(height) > PIXELS_MAX {
        return Err(fail::too_large());
    }
    let (num, den) = libav::sample_aspect(input, video);
    // An aspect nobody displays is a broken header, not a wish.
    let wide = u64::from(coded_width) * u64::from(num) / u64::from(den);
    let sane = (1..=16 * u64::from(coded_width)).contains(&wide);
    let width = if sane { u32::try_from(wide).unwrap_or(coded_width) } else { coded_width };
    if width < SIDE_MIN || height < SIDE_MIN {
        return Err(fail::too_small());
    }
    let rotation = input.stream(video).as_ref().map_or(0, libav::rotation);
    let turned = matches!(rotation, 90 | 270);
    Ok(if turned { (height, width, rotation) } else { (width, height, rotation) })
}

/// Frames per second: what the container tells if it agrees with the average, else the average; familiar rates exactly.
fn rate(input: &Input, video: usize) -> (u32, u32) {
    let Some(stream) = input.stream(video) else { return (25, 1) };
    let (told, average) = (f64::from(stream.rate()), f64::from(stream.avg_frame_rate()));
    let agree = told > 0.0 && average > 0.0 && (told - average).abs() <= average * 0.002;
    let rate = if agree || average <= 0.0 || !average.is_finite() { told } else { average };
    familiar(rate)
}

/// The familiar rate within 0.2 percent, else thousandths; 25 when there is none.
fn familiar(rate: f64) -> (u32, u32) {
    const FAMILIAR: [(u32, u32); 14] = [
        (24_000, 1001),
        (24, 1),
        (25, 1),
        (30_000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60_000, 1001),
        (60, 1),
        (10, 1),
        (12, 1),
        (15, 1),
        (20, 1),
        (120, 1),
    ];
    if !rate.is_finite() || !(0.01..=1000.0).contains(&rate) {
        return (25, 1);
    }
    let distance = |(num, den): (u32, u32)| (f64::from(num) / f64::from(den) - rate).abs();
    let nearest = FAMILIAR.into_iter().min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    match nearest.filter(|known| distance(*known) <= rate * 0.0005) {
        Some(known) => known,
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a million")]
        None => ((rate * 1000.0).round().max(1.0) as u32, 1000),
    }
}

/// The picture's real length, microseconds: from its zero at `start_us` to the end of its last packet.
fn duration(bench: &Bench, input: &mut Input, video: usize, start_us: i64, rate: (u32, u32)) -> Result<i64, Failure> {
    let told_us = libav::told_duration_us(input);
    if let Some(told_us) = told_us.filter(|us| *us > TAIL_US) {
        let near_end = start_us.saturating_add(told_us) - TAIL_US;
        if input.seek(near_end, ..near_end).is_err() {
            *input = open::open(bench)?;
        }
    } else {
        *input = open::open(bench)?;
    }
    let frame_us = 1_000_000 * i64::from(rate.1) / i64::from(rate.0.max(1));
    let ends = ends(bench, input, video, frame_us)?;
    let Some(video_end_us) = ends.video_us else { return Err(fail::truncated()) };
    if is_too_fast(ends.pictures, video_end_us.saturating_sub(ends.first_us.unwrap_or(video_end_us))) {
        return Err(fail::too_fast());
    }
    let missing = told_us
        .is_some_and(|told| start_us.saturating_add(told).saturating_sub(ends.any_us.unwrap_or(0)) > MISSING_US_MAX);
    if missing {
        return Err(fail::truncated());
    }
    match video_end_us.saturating_sub(start_us) {
        us if us <= 0 => Err(fail::truncated()),
        us if us > DURATION_US_MAX => Err(fail::too_long()),
        us => Ok(us),
    }
}

/// The latest ends of packets, microseconds of the container's time; and how many pictures there are, from which on.
#[derive(Default)]
struct Ends {
    pictures: u64,
    first_us: Option<i64>,
    video_us: Option<i64>,
    any_us: Option<i64>,
}

fn ends(bench: &Bench, input: &mut Input, video: usize, frame_us: i64) -> Result<Ends, Failure> {
    let bases: Vec<ff::Rational> = input.streams().map(|stream| stream.time_base()).collect();
    let micro = ff::Rational(1, 1_000_000);
    let mut ends = Ends::default();
    let mut packets = 0;
    let mut packet = ff::Packet::empty();
    loop {
        match packet.read(input) {
            Ok(()) => {}
            Err(ff::Error::InvalidData) if packets < u32::MAX => {
                packets += 1;
                continue;
            }
            Err(_) => break,
        }
        packets += 1;
        if packets % PROGRESS_PACKETS == 0 {
            bench.wire.progress(0).map_err(|_| fail::gone())?;
        }
        let (Some(base), Some(time)) = (bases.get(packet.stream()), packet.pts().or(packet.dts())) else { continue };
        let is_video = packet.stream() == video;
        let lasts_us = pictures::rescale(packet.duration(), *base, micro);
        let lasts_us = if lasts_us > 0 || !is_video { lasts_us } else { frame_us };
        let begin_us = pictures::rescale(time, *base, micro);
        let end_us = begin_us.saturating_add(lasts_us);
        ends.any_us = ends.any_us.max(Some(end_us));
        if is_video {
            ends.pictures += 1;
            ends.first_us = Some(ends.first_us.map_or(begin_us, |first| first.min(begin_us)));
            ends.video_us = ends.video_us.max(Some(end_us));
        }
    }
    if bench.wire.source_failed() { Err(fail::unavailable()) } else { Ok(ends) }
}

/// A container's name for people.
fn friendly(container: &str) -> String {
    let name = match container {
        mp4 if mp4.contains("mp4") => "mp4",
        webm if webm.contains("matroska") => "matroska",
        other => other,
    };
    name.to_owned()
}
