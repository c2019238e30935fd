//! The whole sound as one continuous AAC track that starts at the picture's zero and ends with the picture.

use ff::{codec, encoder, filter, format::Sample as Format};
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::{
    cmaf::{self, AudioTrack, Sample},
    protocol::{AudioTask, SegmentHead, Span, scale},
};

use crate::{Bench, fail, libav, open, pictures};

/// Samples per second of the output, and ticks of its track.
const RATE: u32 = 48_000;
/// Samples of one AAC frame.
const FRAME: i64 = 1024;
/// Packets that may fail to decode before the rest is silence.
const BAD_PACKETS_MAX: u32 = 50_000;

/// Encodes the sound.
pub fn run(bench: &Bench, task: &AudioTask) -> Result<(), Failure> {
    let mut input = open::open(bench)?;
    let missing = || fail::broken("sound", ff::Error::StreamNotFound);
    let named = task.stream.and_then(|stream| usize::try_from(stream).ok());
    let stream = named.or_else(|| open::audio_stream(&input)).ok_or_else(missing)?;
    let clock = lockstep_transcoder::plan::clock(25, 1);
    let zero_us = pictures::Pictures::open(bench, clock)?.origin_us();
    libav::keep_only(&mut input, stream);
    let time_base = input.stream(stream).ok_or_else(missing)?.time_base();
    let zero = pictures::rescale(zero_us, ff::Rational(1, 1_000_000), time_base);
    let mut decoder = open::decoder(&input, stream, bench.allow_list)
        .and_then(ff::codec::decoder::Opened::audio)
        .map_err(|error| fail::broken("sound", error))?;
    let mut track = Track::open(bench, task)?;
    let mut resampler = Resampler { time_base, samples: track.end, graph: None };
    let mut bad_packets = 0;
    loop {
        let mut packet = ff::Packet::empty();
        match packet.read(&mut input) {
            Ok(()) if packet.stream() != stream => continue,
            Ok(()) => bad_packets += u32::from(decoder.send_packet(&packet).is_err()),
            Err(ff::Error::InvalidData) => bad_packets += 1,
            Err(_) => break,
        }
        drain(&mut decoder, zero, &mut resampler, &mut track)?;
        if bad_packets > BAD_PACKETS_MAX || track.full() {
            break;
        }
    }
    let _ = decoder.send_eof();
    drain(&mut decoder, zero, &mut resampler, &mut track)?;
    resampler.finish(&mut track)?;
    track.finish()
}

fn drain(
    decoder: &mut codec::decoder::Audio,
    zero: i64,
    resampler: &mut Resampler,
    track: &mut Track<'_>,
) -> Result<(), Failure> {
    let mut frame = ff::frame::Audio::empty();
    while decoder.receive_frame(&mut frame).is_ok() {
        let time = frame.timestamp().map(|time| time - zero);
        frame.set_pts(time);
        resampler.push(&mut frame, track)?;
        frame = ff::frame::Audio::empty();
    }
    Ok(())
}

/// Any sound to 48 kHz stereo, gaps filled with silence, exactly as long as the picture.
struct Resampler {
    time_base: ff::Rational,
    /// Samples of the whole track.
    samples: i64,
    graph: Option<(Shape, filter::Graph)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    format: Format,
    rate: u32,
    layout: u64,
}

impl Resampler {
    /// A frame of another shape than the first one is left out: silence takes its place.
    fn push(&mut self, frame: &mut ff::frame::Audio, track: &mut Track<'_>) -> Result<(), Failure> {
        let broken = |error| fail::broken("resample", error);
        let layout = libav::settle_layout(frame);
        let shape = Shape { format: frame.format(), rate: frame.rate(), layout };
        if self.graph.is_none() {
            self.graph = Some((shape, self.build(shape).map_err(broken)?));
        }
        let Some((built, graph)) = &mut self.graph else { return Ok(()) };
        if *built != shape {
            return Ok(());
        }
        graph.get("in").ok_or_else(|| broken(ff::Error::FilterNotFound))?.source().add(frame).map_err(broken)?;
        Self::take(graph, track)
    }

    fn finish(&mut self, track: &mut Track<'_>) -> Result<(), Failure> {
        let Some((_, graph)) = &mut self.graph else { return Ok(()) };
        let source = graph.get("in").map(|mut source| source.source().flush());
        if source.is_some_and(|flushed| flushed.is_ok()) { Self::take(graph, track) } else { Ok(()) }
    }

    fn take(graph: &mut filter::Graph, track: &mut Track<'_>) -> Result<(), Failure> {
        loop {
            let mut frame = ff::frame::Audio::empty();
            let mut sink = graph.get("out").ok_or_else(|| fail::broken("resample", ff::Error::FilterNotFound))?;
            match sink.sink().frame(&mut frame) {
                Ok(()) => track.encode(&mut frame)?,
                Err(_) => return Ok(()),
            }
        }
    }

    fn build(&self, shape: Shape) -> Result<filter::Graph, ff::Error> {
        let find = |name: &str| filter::find(name).ok_or(ff::Error::FilterNotFound);
        let arguments = format!(
            "time_base={}/{}:sample_rate={}:sample_fmt={}:channel_layout=0x{:x}",
            self.time_base.numerator(),
            self.time_base.denominator(),
            shape.rate,
            shape.format.name(),
            shape.layout
        );
        let mut graph = filter::Graph::new();
        graph.add(&find("abuffer")?, "in", &arguments)?;
        graph.add(&find("abuffersink")?, "out", "")?;
        // `async` fills gaps and drops overlaps, `first_pts` starts at the picture's zero.
        let description = format!(
            "[in]aresample={RATE}:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo:sample_rates={RATE},\
             apad=whole_len={0},atrim=end_sample={0}[out]",
            self.samples
        );
        graph.output("in", 0)?.input("out", 0)?.parse(&description)?;
        graph.validate()?;
        graph.get("out").ok_or(ff::Error::FilterNotFound)?.sink().set_frame_size(u32::try_from(FRAME).unwrap_or(1024));
        Ok(graph)
    }
}

/// The encoder and the segments cut from its packets.
struct Track<'a> {
    bench: &'a Bench,
    rendition: String,
    encoder: encoder::audio::Encoder,
    spans: Vec<Span>,
    timescale: u32,
    open: usize,
    samples: Vec<Sample>,
    /// Samples put in so far, and samples of the whole track.
    taken: i64,
    end: i64,
}

impl<'a> Track<'a> {
    fn open(bench: &'a Bench, task: &AudioTask) -> Result<Self, Failure> {
        let encoder = open_encoder(task).map_err(|error| fail::broken("sound", error))?;
        let config = libav::extradata(&encoder);
        let init = cmaf::init_audio(&AudioTrack { rate: RATE, bitrate_bps: task.bitrate_bps, config: &config });
        let codecs = Some(cmaf::AAC_CODEC.to_owned());
        let rendition = task.rendition.clone();
        let segment = SegmentHead { rendition, number: 0, pts_us: 0, duration_us: 0, codecs, label: None };
        bench.wire.segment(&segment, &init).map_err(|_| fail::gone())?;
        let spans = task.spans.clone();
        let end = spans.last().map_or(0, |last| scale(last.end, i64::from(RATE), i64::from(task.timescale)));
        let (rendition, timescale) = (task.rendition.clone(), task.timescale);
        Ok(Self { bench, rendition, encoder, spans, timescale, open: 0, samples: Vec::new(), taken: 0, end })
    }

    fn full(&self) -> bool {
        self.taken >= self.end
    }

    fn encode(&mut self, frame: &mut ff::frame::Audio) -> Result<(), Failure> {
        frame.set_pts(Some(self.taken));
        self.taken += i64::try_from(frame.samples()).unwrap_or(FRAME);
        self.encoder.send_frame(frame).map_err(|error| fail::broken("sound", error))?;
        self.collect()
    }

    fn collect(&mut self) -> Result<(), Failure> {
        loop {
            let mut packet = ff::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => self.gather(&packet)?,
                Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => return Ok(()),
                Err(error) => return Err(fail::broken("sound", error)),
            }
        }
    }

    /// The encoder's priming lies before zero and is left out: the track's first sample is the film's zero.
    fn gather(&mut self, packet: &ff::Packet) -> Result<(), Failure> {
        let (Some(pts), Some(data)) = (packet.pts(), packet.data()) else { return Ok(()) };
        if pts < 0 || pts >= self.end {
            return Ok(());
        }
        let next = self.spans.get(self.open + 1).map(|next| self.cut(next.start));
        if next.is_some_and(|cut| pts >= cut) && !self.samples.is_empty() {
            self.close(pts)?;
        }
        self.samples.push(Sample { pts, bytes: data.to_vec(), key: true });
        Ok(())
    }

    /// The AAC frame nearest to a picture cut, in samples.
    fn cut(&self, tick: i64) -> i64 {
        scale(scale(tick, i64::from(RATE), i64::from(self.timescale)), 1, FRAME) * FRAME
    }

    fn close(&mut self, end: i64) -> Result<(), Failure> {
        let samples = std::mem::take(&mut self.samples);
        let (Some(span), Some(first)) = (self.spans.get(self.open), samples.first()) else { return Ok(()) };
        let us = |samples: i64| scale(samples, 1_000_000, i64::from(RATE));
        let segment = SegmentHead {
            rendition: self.rendition.clone(),
            number: span.number,
            pts_us: us(first.pts),
            duration_us: us(end) - us(first.pts),
            codecs: None,
            label: None,
        };
        let bytes = cmaf::media_segment(span.number, &samples, end, 0);
        self.bench.wire.segment(&segment, &bytes).map_err(|_| fail::gone())?;
        self.open += 1;
        self.bench.wire.progress(us(end)).map_err(|_| fail::gone())
    }

    fn finish(mut self) -> Result<(), Failure> {
        let broken = |error| fail::broken("sound", error);
        while !self.full() {
            let mut silence = self.silence();
            self.encode(&mut silence)?;
        }
        self.encoder.send_eof().map_err(broken)?;
        self.collect()?;
        let end = self.samples.last().map_or(0, |last| last.pts + FRAME);
        self.close(end)?;
        if self.open == self.spans.len() { Ok(()) } else { Err(broken(ff::Error::Bug)) }
    }

    fn silence(&self) -> ff::frame::Audio {
        let samples = usize::try_from((self.end - self.taken).clamp(1, FRAME)).unwrap_or(1);
        let mut frame = ff::frame::Audio::new(format(), samples, ff::ChannelLayout::STEREO);
        frame.set_rate(RATE);
        for plane in 0..frame.planes() {
            frame.data_mut(plane).fill(0);
        }
        frame
    }
}

fn format() -> Format {
    Format::F32(ff::format::sample::Type::Planar)
}

fn open_encoder(task: &AudioTask) -> Result<encoder::audio::Encoder, ff::Error> {
    let codec = encoder::find_by_name("aac").ok_or(ff::Error::EncoderNotFound)?;
    let rate = i32::try_from(RATE).unwrap_or(i32::MAX);
    let mut audio = codec::Context::new_with_codec(codec).encoder().audio()?;
    audio.set_rate(rate);
    audio.set_format(format());
    audio.set_channel_layout(ff::ChannelLayout::STEREO);
    audio.set_channels(2);
    audio.set_time_base((1, rate));
    audio.set_bit_rate(task.bitrate_bps as usize);
    audio.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
    audio.open()
}
