//! One picture as a JPEG file.

use ff::{codec, encoder, format::Pixel};
use ffmpeg_next as ff;

/// Encodes a full-range 4:2:0 picture; the quantiser goes from 2 (best) to 31.
pub fn encode(picture: &ff::frame::Video, quantiser: u8) -> Result<Vec<u8>, ff::Error> {
    let codec = encoder::find_by_name("mjpeg").ok_or(ff::Error::EncoderNotFound)?;
    let mut video = codec::Context::new_with_codec(codec).encoder().video()?;
    video.set_width(picture.width());
    video.set_height(picture.height());
    video.set_format(Pixel::YUVJ420P);
    video.set_color_range(ff::color::Range::JPEG);
    video.set_time_base((1, 25));
    video.set_flags(codec::Flags::QSCALE | codec::Flags::BITEXACT);
    let mut options = ff::Dictionary::new();
    options.set("qmin", &quantiser.to_string());
    options.set("qmax", &quantiser.to_string());
    options.set("threads", "1");
    let mut encoder = video.open_with(options)?;
    encoder.send_frame(picture)?;
    encoder.send_eof()?;
    let mut packet = ff::Packet::empty();
    encoder.receive_packet(&mut packet)?;
    packet.data().map(<[u8]>::to_vec).ok_or(ff::Error::InvalidData)
}
