//! One rung: an H.264 encoder and the segments cut from its packets.

use ff::{codec, encoder, format::Pixel, picture};
use ffmpeg_next as ff;
use lockstep_domain::{video::RenditionPlan, work::Failure};
use lockstep_transcoder::{
    cmaf::{self, Sample, VideoTrack},
    protocol::{ChunkTask, SegmentHead, Span},
};

use crate::{Bench, fail, libav};

/// Rate control over the planned bit rate: peak and buffer, percent.
const PEAK_PERCENT: u64 = 107;
const BUFFER_PERCENT: u64 = 150;
/// From this many samples on an encoder gets two threads.
const PIXELS_FOR_TWO_THREADS: u32 = 1280 * 720;

/// An open encoder of one rung.
pub struct Rung {
    plan: RenditionPlan,
    encoder: encoder::video::Encoder,
    spans: Vec<Span>,
    /// Index of the span whose samples are being gathered.
    open: usize,
    samples: Vec<Sample>,
}

impl Rung {
    /// Opens the encoder and sends the init segment.
    pub fn open(bench: &Bench, plan: &RenditionPlan, task: &ChunkTask) -> Result<Self, Failure> {
        let encoder = open_encoder(plan, task).map_err(|error| fail::broken("open", error))?;
        let header = libav::extradata(&encoder);
        let units = cmaf::nal_units(&header);
        let find = |kind: u8| units.iter().copied().find(|unit| cmaf::nal_type(unit) == kind);
        let (Some(sps), Some(pps)) = (find(7), find(8)) else {
            return Err(fail::broken("header", ff::Error::InvalidData));
        };
        let (width, height) = (plan.width, plan.height);
        let (timescale, delay) = (task.clock.timescale, task.clock.delay());
        let init = cmaf::init_video(&VideoTrack { timescale, width, height, delay, sps, pps });
        let codecs = Some(cmaf::avc_codec(sps));
        let rendition = plan.name.clone();
        let segment = SegmentHead { rendition, number: 0, pts_us: 0, duration_us: 0, codecs, label: None };
        bench.wire.segment(&segment, &init).map_err(|_| fail::gone())?;
        Ok(Self { plan: plan.clone(), encoder, spans: task.spans.clone(), open: 0, samples: Vec::new() })
    }

    /// Encodes one picture.
    pub fn encode(
        &mut self,
        bench: &Bench,
        task: &ChunkTask,
        picture: &mut ff::frame::Video,
        tick: i64,
        key: bool,
    ) -> Result<(), Failure> {
        picture.set_pts(Some(tick));
        picture.set_kind(if key { picture::Type::I } else { picture::Type::None });
        self.encoder.send_frame(picture).map_err(|error| fail::broken("encode", error))?;
        self.collect(bench, task)
    }

    /// Ends the stream; the last segment lasts until `end`.
    pub fn finish(mut self, bench: &Bench, task: &ChunkTask, end: i64) -> Result<(), Failure> {
        self.encoder.send_eof().map_err(|error| fail::broken("flush", error))?;
        self.collect(bench, task)?;
        self.close(bench, task, end)?;
        if self.open == self.spans.len() { Ok(()) } else { Err(fail::broken("cut", ff::Error::Bug)) }
    }

    fn collect(&mut self, bench: &Bench, task: &ChunkTask) -> Result<(), Failure> {
        loop {
            let mut packet = ff::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => self.gather(bench, task, &packet)?,
                Err(ff::Error::Eof | ff::Error::Other { errno: ff::error::EAGAIN }) => return Ok(()),
                Err(error) => return Err(fail::broken("encode", error)),
            }
        }
    }

    /// Groups of pictures are closed, so a segment is whole when the next one's IDR picture arrives.
    fn gather(&mut self, bench: &Bench, task: &ChunkTask, packet: &ff::Packet) -> Result<(), Failure> {
        let (Some(pts), Some(data)) = (packet.pts(), packet.data()) else {
            return Err(fail::broken("packet", ff::Error::InvalidData));
        };
        let key = packet.is_key();
        let next = self.spans.get(self.open + 1);
        if key && !self.samples.is_empty() && next.is_some_and(|next| pts >= next.start) {
            self.close(bench, task, pts)?;
        }
        self.samples.push(Sample { pts, bytes: cmaf::length_prefixed(data), key });
        Ok(())
    }

    fn close(&mut self, bench: &Bench, task: &ChunkTask, end: i64) -> Result<(), Failure> {
        let samples = std::mem::take(&mut self.samples);
        let (Some(span), Some(first)) = (self.spans.get(self.open), samples.first()) else {
            return Err(fail::broken("cut", ff::Error::Bug));
        };
        let (pts_us, end_us) = (task.clock.us(first.pts), task.clock.us(end));
        let segment = SegmentHead {
            rendition: self.plan.name.clone(),
            number: span.number,
            pts_us,
            duration_us: end_us - pts_us,
            codecs: None,
            label: None,
        };
        let bytes = cmaf::media_segment(span.number, &samples, end, task.clock.delay());
        bench.wire.segment(&segment, &bytes).map_err(|_| fail::gone())?;
        self.open += 1;
        Ok(())
    }
}

/// x264 with a closed group of pictures and our own cuts; the same input gives the same bytes.
fn open_encoder(plan: &RenditionPlan, task: &ChunkTask) -> Result<encoder::video::Encoder, ff::Error> {
    let codec = encoder::find_by_name("libx264").ok_or(ff::Error::EncoderNotFound)?;
    let clock = task.clock;
    let integer = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(plan.width);
    video.set_height(plan.height);
    video.set_format(Pixel::YUV420P);
    video.set_aspect_ratio((1, 1));
    video.set_time_base((1, integer(clock.timescale)));
    video.set_frame_rate(Some((integer(clock.rate_num), integer(clock.rate_den))));
    video.set_color_range(ff::color::Range::MPEG);
    video.set_colorspace(ff::color::Space::BT709);
    video.set_color_primaries(ff::color::Primaries::BT709);
    video.set_color_transfer_characteristic(ff::color::TransferCharacteristic::BT709);
    // `set_flags` replaces: GLOBAL_HEADER alone would wipe x264's closed groups of pictures.
    video.set_flags(codec::Flags::CLOSED_GOP | codec::Flags::GLOBAL_HEADER | codec::Flags::BITEXACT);
    video.set_gop(10 * clock.rate_num.div_ceil(clock.rate_den));
    video.set_max_b_frames(3);
    let bitrate = u64::from(plan.bitrate_bps);
    let threads = if plan.width * plan.height >= PIXELS_FOR_TWO_THREADS { "2" } else { "1" };
    let mut options = ff::Dictionary::new();
    for (key, value) in [
        ("preset", "veryfast"),
        ("profile", "high"),
        ("b", &bitrate.to_string()),
        ("maxrate", &(bitrate * PEAK_PERCENT / 100).to_string()),
        ("bufsize", &(bitrate * BUFFER_PERCENT / 100).to_string()),
        ("keyint_min", "1"),
        ("sc_threshold", "0"),
        ("forced-idr", "1"),
        ("threads", threads),
        ("x264-params", "sync-lookahead=0:vbv-init=0.9"),
    ] {
        options.set(key, value);
    }
    video.open_with(options)
}
