//! Opening the source: no path, no URL, no hint, and only the demuxers and decoders listed here.

use ff::format::context::{Input, StreamIo};
use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::limits::{ANALYZE_US, PIXELS_MAX, PROBE_BYTES, STREAMS_MAX};

use crate::{Bench, fail, source::Source};

/// Demuxers an uploaded film may need. Never one that opens something else: hls, dash, concat, image2, sdp, rtsp,
/// tty, lavfi.
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,ogg";
/// Decoders of films.
const CODECS: &str = "h264,hevc,vp8,vp9,libdav1d,av1,mpeg1video,mpeg2video,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,h263,\
    flv,mjpeg,theora,prores,dnxhd,wmv1,wmv2,wmv3,vc1,aac,aac_latm,mp3float,mp3,mp2float,mp2,mp1float,ac3,eac3,dca,opus,\
    vorbis,flac,alac,wmav2,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,pcm_f32be,pcm_u8,pcm_mulaw,\
    pcm_alaw,adpcm_ms,adpcm_ima_wav";
/// Bytes of libav's own buffer over our reader.
const BUFFER_BYTES: usize = 1 << 20;
/// Threads of the decoder.
const DECODER_THREADS: usize = 2;

/// Opens the source for demuxing.
pub fn open(bench: &Bench) -> Result<Input, Failure> {
    let source = Source::new(bench.wire.clone(), bench.source_bytes);
    let io =
        StreamIo::from_read_seek_with_capacity(source, BUFFER_BYTES).map_err(|error| fail::broken("open", error))?;
    let mut options = ff::Dictionary::new();
    options.set("max_streams", &STREAMS_MAX.to_string());
    options.set("probesize", &PROBE_BYTES.to_string());
    options.set("analyzeduration", &ANALYZE_US.to_string());
    // The hint that makes libav take a playlist for one: only in the positive control.
    let hint = if bench.allow_list {
        options.set("format_whitelist", FORMATS);
        options.set("protocol_whitelist", "none");
        options.set("codec_whitelist", CODECS);
        None
    } else {
        Some("upload.m3u8")
    };
    ff::format::input_from_stream(io, hint, Some(options)).map_err(|error| refused(bench, error))
}

/// Why libav would not open it: one track too many and an index beyond what may be allocated look alike to it; a film that
/// lost its index is cut off, anything else is not a film.
fn refused(bench: &Bench, error: ff::Error) -> Failure {
    if matches!(error, ff::Error::Other { errno: ff::error::ENOMEM }) {
        return fail::too_much();
    }
    let start = bench.wire.range(0, 64).unwrap_or_default();
    let known = start.get(4..8).is_some_and(|kind| kind == b"ftyp" || kind == b"moov" || kind == b"mdat")
        || start.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
        || start.starts_with(b"RIFF")
        || start.starts_with(b"OggS");
    if known { fail::truncated() } else { fail::not_a_video() }
}

/// The film's picture: the default video stream, else the largest; never an embedded cover.
pub fn video_stream(input: &Input) -> Option<usize> {
    use ff::format::stream::Disposition;
    input
        .streams()
        .filter(|stream| stream.parameters().medium() == ff::media::Type::Video)
        .filter(|stream| !stream.disposition().contains(Disposition::ATTACHED_PIC))
        .max_by_key(|stream| {
            let (width, height) = crate::libav::stream_size(stream);
            let first = std::cmp::Reverse(stream.index());
            (stream.disposition().contains(Disposition::DEFAULT), u64::from(width) * u64::from(height), first)
        })
        .map(|stream| stream.index())
}

/// The film's sound: what libav thinks is the best stream, if it can be decoded.
pub fn audio_stream(input: &Input) -> Option<usize> {
    let stream = input.streams().best(ff::media::Type::Audio)?;
    decoder(input, stream.index(), true).ok().map(|_| stream.index())
}

/// A decoder for one stream, held to the list.
pub fn decoder(input: &Input, index: usize, allow_list: bool) -> Result<ff::codec::decoder::Opened, ff::Error> {
    let stream = input.stream(index).ok_or(ff::Error::StreamNotFound)?;
    let mut context = ff::codec::Context::from_parameters(stream.parameters())?;
    context.set_threading(ff::codec::threading::Config {
        kind: ff::codec::threading::Type::Frame,
        count: DECODER_THREADS,
        safe: false,
    });
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let codec = ff::codec::decoder::find(decoder.id()).ok_or(ff::Error::DecoderNotFound)?;
    let mut options = ff::Dictionary::new();
    if allow_list {
        options.set("codec_whitelist", CODECS);
    }
    options.set("max_pixels", &PIXELS_MAX.to_string());
    decoder.open_as_with(codec, options)
}
