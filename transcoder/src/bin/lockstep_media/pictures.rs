//! The source's pictures on the film's time axis: demuxed, decoded, with repaired and strictly growing times.

use ff::{codec::decoder::Opened, format::context::Input};
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::{
    plan::RATE_MAX,
    protocol::{Clock, scale},
};

use crate::{Bench, fail, libav, open};

/// How far before a cut the decoder starts looking for a key picture, microseconds; then from the beginning.
const LEADS_US: [i64; 2] = [1_000_000, 12_000_000];
/// How far the first picture may be from the time the container tells before that time is believed instead, seconds.
const FIRST_S: std::ops::RangeInclusive<i64> = -1..=10;
/// Packets in a row that may fail to decode before the stream is given up.
const BAD_PACKETS_MAX: u32 = 5_000;

/// One decoded picture.
pub struct Picture {
    /// On the film's clock.
    pub tick: i64,
    pub frame: ff::frame::Video,
}

/// The decoder, at some place in the source.
pub struct Pictures<'a> {
    bench: &'a Bench,
    input: Input,
    stream: usize,
    decoder: Opened,
    clock: Clock,
    /// Constant frame rate: times snap to the clock's frames.
    constant: bool,
    /// The film's zero in the stream's own time: its first picture.
    origin: i64,
    time_base: ff::Rational,
    last_tick: Option<i64>,
    pending: Option<Picture>,
    draining: bool,
    bad_packets: u32,
}

/// What the pipeline has to do to every picture.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub rotation_degrees: i32,
    pub interlaced: bool,
}

impl<'a> Pictures<'a> {
    /// Opens the source at its start; its first picture is the film's zero.
    pub fn open(bench: &'a Bench, clock: Clock) -> Result<Self, Failure> {
        let mut input = open::open(bench)?;
        let stream = open::video_stream(&input).ok_or_else(|| fail::no_video_track(false))?;
        libav::keep_only(&mut input, stream);
        let decoder = open::decoder(&input, stream, bench.allow_list).map_err(|_| fail::undecodable())?;
        let track = input.stream(stream).ok_or_else(fail::undecodable)?;
        let (time_base, told) = (track.time_base(), zero(&track));
        let constant = constant_rate(&track, clock);
        let mut pictures = Self {
            bench,
            input,
            stream,
            decoder,
            clock,
            constant,
            origin: told,
            time_base,
            last_tick: None,
            pending: None,
            draining: false,
            bad_packets: 0,
        };
        pictures.find_zero(told)?;
        Ok(pictures)
    }

    /// Containers tell when the first packet is decoded, or do not tell: the first picture knows.
    fn find_zero(&mut self, told: i64) -> Result<(), Failure> {
        let Some(frame) = self.decoded()? else { return Ok(()) };
        let believed = |first: &i64| FIRST_S.contains(&rescale(first - told, self.time_base, ff::Rational(1, 1)));
        self.origin = frame.timestamp().filter(believed).unwrap_or(told);
        self.pending = self.place(&frame).map(|tick| Picture { tick, frame });
        Ok(())
    }

    /// The film's zero, microseconds of the container's time.
    pub fn origin_us(&self) -> i64 {
        rescale(self.origin, self.time_base, ff::Rational(1, 1_000_000))
    }

    pub fn shape(&self) -> Shape {
        let stream = self.input.stream(self.stream);
        Shape {
            rotation_degrees: stream.as_ref().map_or(0, libav::rotation),
            interlaced: stream.as_ref().is_some_and(libav::interlaced),
        }
    }

    /// Goes to a key picture at or before `tick`: the next picture is not after it, if there is such a picture.
    pub fn seek_before(&mut self, tick: i64) -> Result<(), Failure> {
        if tick <= 0 {
            return Ok(());
        }
        for lead_us in LEADS_US {
            let target_us = self.clock.us(tick) - lead_us;
            if target_us <= 0 {
                break;
            }
            if self.seek_to(target_us).is_ok()
                && let Some(first) = self.next()?
            {
                let early = first.tick <= tick;
                self.pending = Some(first);
                if early {
                    return Ok(());
                }
            }
        }
        *self = Self::open(self.bench, self.clock)?;
        Ok(())
    }

    fn seek_to(&mut self, us: i64) -> Result<(), ff::Error> {
        let origin_us = self.origin_us();
        self.input.seek(us + origin_us, ..us + origin_us)?;
        self.decoder.flush();
        (self.last_tick, self.pending, self.draining) = (None, None, false);
        Ok(())
    }

    /// The next picture in presentation order; `None` at the end of what can be read.
    pub fn next(&mut self) -> Result<Option<Picture>, Failure> {
        if let Some(picture) = self.pending.take() {
            return Ok(Some(picture));
        }
        while let Some(frame) = self.decoded()? {
            if let Some(tick) = self.place(&frame) {
                return Ok(Some(Picture { tick, frame }));
            }
        }
        Ok(None)
    }

    /// The decoder's next picture.
    fn decoded(&mut self) -> Result<Option<ff::frame::Video>, Failure> {
        loop {
            let mut frame = ff::frame::Video::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => return Ok(Some(frame)),
                Err(ff::Error::Other { errno: ff::error::EAGAIN }) if !self.draining => self.feed()?,
                Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => return Ok(None),
                Err(_) => self.forgive()?,
            }
        }
    }

    /// A damaged packet costs its pictures, not the film; a stream of nothing else is given up.
    fn forgive(&mut self) -> Result<(), Failure> {
        self.bad_packets += 1;
        if self.bad_packets > BAD_PACKETS_MAX || self.draining { Err(fail::undecodable()) } else { self.feed() }
    }

    /// Gives the decoder the stream's next packet, or tells it that there is none.
    fn feed(&mut self) -> Result<(), Failure> {
        let mut packet = ff::Packet::empty();
        loop {
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => break,
                Ok(()) => {}
                Err(ff::Error::InvalidData) if self.bad_packets < BAD_PACKETS_MAX => self.bad_packets += 1,
                Err(_) => {
                    if self.bench.wire.source_failed() {
                        return Err(fail::unavailable());
                    }
                    self.draining = true;
                    return self.decoder.send_eof().or(Ok(()));
                }
            }
        }
        if self.decoder.send_packet(&packet).is_err() {
            self.bad_packets += 1;
        }
        if self.bad_packets > BAD_PACKETS_MAX { Err(fail::undecodable()) } else { Ok(()) }
    }

    /// The picture's tick; `None` when it is before zero, no later than the one before it, or one too many.
    fn place(&mut self, frame: &ff::frame::Video) -> Option<i64> {
        let follows = self.last_tick.map_or(0, |last| last + i64::from(self.clock.frame_ticks));
        let tick = frame.timestamp().map_or(follows, |time| self.tick(time));
        let spacing = if self.constant { 1 } else { i64::from(self.clock.timescale / (RATE_MAX + RATE_MAX / 10)) };
        let grows = self.last_tick.is_none_or(|last| tick >= last + spacing);
        if tick < 0 || !grows {
            return None;
        }
        self.last_tick = Some(tick);
        Some(tick)
    }

    fn tick(&self, time: i64) -> i64 {
        let since = time.saturating_sub(self.origin);
        let ticks =
            rescale(since, self.time_base, ff::Rational(1, i32::try_from(self.clock.timescale).unwrap_or(i32::MAX)));
        let frame = i64::from(self.clock.frame_ticks);
        if self.constant { scale(ticks, 1, frame) * frame } else { ticks }
    }
}

/// When the container says that the stream starts, in the stream's time.
fn zero(stream: &ff::format::stream::Stream<'_>) -> i64 {
    Some(stream.start_time()).filter(|time| *time != ff::ffi::AV_NOPTS_VALUE).unwrap_or(0)
}

/// True when the stream's rate is the clock's rate, or a multiple of it that the clock halves.
fn constant_rate(stream: &ff::format::stream::Stream<'_>, clock: Clock) -> bool {
    let told = f64::from(stream.rate());
    let average = f64::from(stream.avg_frame_rate());
    let ours = f64::from(clock.rate_num) / f64::from(clock.rate_den);
    let near = |a: f64, b: f64| (a - b).abs() <= b * 0.002;
    told > 0.0 && near(told, average) && near(told, ours)
}

/// `value` from one time base in another, rounded to nearest.
pub fn rescale(value: i64, from: ff::Rational, to: ff::Rational) -> i64 {
    let num = i64::from(from.numerator()) * i64::from(to.denominator());
    let den = i64::from(from.denominator()) * i64::from(to.numerator());
    scale(value, num, den)
}
