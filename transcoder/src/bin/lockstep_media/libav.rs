//! The few libav calls that ffmpeg-next has no safe form of.

use std::ptr;

use ff::ffi;
use ffmpeg_next as ff;
use lockstep_transcoder::limits::ALLOCATION_BYTES_MAX;

/// Sets the limits that hold for the whole process.
pub fn prepare() {
    unsafe { ffi::av_max_alloc(ALLOCATION_BYTES_MAX) };
    ff::log::set_level(ff::log::Level::Error);
}

/// Makes the demuxer skip every stream but this one.
pub fn keep_only(input: &mut ff::format::context::Input, stream: usize) {
    unsafe {
        let context = input.as_mut_ptr();
        for index in 0..(*context).nb_streams as usize {
            let other = *(*context).streams.add(index);
            if index != stream {
                (*other).discard = ffi::AVDiscard::AVDISCARD_ALL;
            }
        }
    }
}

/// Makes the demuxer skip every stream but these; of `pictures` it hands over the key pictures, as signs of life.
pub fn keep_words(input: &mut ff::format::context::Input, words: &[usize], pictures: Option<usize>) {
    unsafe {
        let context = input.as_mut_ptr();
        for index in 0..(*context).nb_streams as usize {
            let stream = *(*context).streams.add(index);
            if pictures == Some(index) {
                (*stream).discard = ffi::AVDiscard::AVDISCARD_NONKEY;
            } else if !words.contains(&index) {
                (*stream).discard = ffi::AVDiscard::AVDISCARD_ALL;
            }
        }
    }
}

/// The container's own duration in microseconds, unless it was guessed from the bit rate.
pub fn told_duration_us(input: &ff::format::context::Input) -> Option<i64> {
    unsafe {
        let context = input.as_ptr();
        let guessed =
            (*context).duration_estimation_method == ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE;
        Some((*context).duration).filter(|us| *us > 0 && !guessed)
    }
}

/// Degrees the picture must be turned clockwise to stand upright: 0, 90, 180 or 270.
pub fn rotation(stream: &ff::format::stream::Stream<'_>) -> i32 {
    let matrix = stream.side_data().find(|data| data.kind() == ff::packet::side_data::Type::DisplayMatrix);
    let Some(matrix) = matrix.filter(|data| data.data().len() >= 36) else { return 0 };
    let mut values = [0_i32; 9];
    for (value, bytes) in values.iter_mut().zip(matrix.data().chunks_exact(4)) {
        *value = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let degrees = unsafe { ffi::av_display_rotation_get(values.as_ptr()) };
    if !degrees.is_finite() {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "an angle in quarter turns")]
    let quarters = (-degrees / 90.0).round() as i32;
    quarters.rem_euclid(4) * 90
}

/// A second reference to the same picture.
pub fn share(frame: &ff::frame::Video) -> Result<ff::frame::Video, ff::Error> {
    unsafe {
        let copy = ffi::av_frame_clone(frame.as_ptr());
        if copy.is_null() {
            return Err(ff::Error::Other { errno: ff::error::ENOMEM });
        }
        Ok(ff::frame::Video::from(ff::Frame::wrap(copy)))
    }
}

/// An opened encoder's out-of-band header.
pub fn extradata(encoder: &ff::codec::Context) -> Vec<u8> {
    unsafe {
        let context = encoder.as_ptr();
        let (data, size) = ((*context).extradata, usize::try_from((*context).extradata_size).unwrap_or(0));
        if data.is_null() || size == 0 { Vec::new() } else { std::slice::from_raw_parts(data, size).to_vec() }
    }
}

/// The coded picture size the container tells.
pub fn stream_size(stream: &ff::format::stream::Stream<'_>) -> (u32, u32) {
    unsafe {
        let parameters = stream.parameters();
        let parameters = parameters.as_ptr();
        let side = |value: i32| u32::try_from(value).unwrap_or(0);
        (side((*parameters).width), side((*parameters).height))
    }
}

/// The stream's sample aspect ratio, 1:1 when unknown.
pub fn sample_aspect(input: &ff::format::context::Input, stream: usize) -> (u32, u32) {
    unsafe {
        let context = input.as_ptr().cast_mut();
        let stream = *(*context).streams.add(stream);
        let ratio = ffi::av_guess_sample_aspect_ratio(context, stream, ptr::null_mut());
        match (u32::try_from(ratio.num), u32::try_from(ratio.den)) {
            (Ok(num), Ok(den)) if num > 0 && den > 0 => (num, den),
            _ => (1, 1),
        }
    }
}

/// True when the stream says that it is interlaced.
pub fn interlaced(stream: &ff::format::stream::Stream<'_>) -> bool {
    unsafe {
        let order = (*stream.parameters().as_ptr()).field_order;
        !matches!(order, ffi::AVFieldOrder::AV_FIELD_UNKNOWN | ffi::AVFieldOrder::AV_FIELD_PROGRESSIVE)
    }
}

/// Gives a frame of unknown speaker order the default order for its number of channels; returns the layout's mask.
pub fn settle_layout(frame: &mut ff::frame::Audio) -> u64 {
    unsafe {
        let frame = frame.as_mut_ptr();
        let channels = (*frame).ch_layout.nb_channels.clamp(1, 8);
        if (*frame).ch_layout.order != ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE {
            ffi::av_channel_layout_default(&raw mut (*frame).ch_layout, channels);
        }
        (*frame).ch_layout.u.mask
    }
}

/// The pixel format's number, as the `buffer` filter wants it.
pub fn pixel_format(format: ff::format::Pixel) -> i32 {
    ffi::AVPixelFormat::from(format) as i32
}

/// The version of libavcodec that this process runs with, as `major.minor.micro`.
pub fn version() -> String {
    let version = ffmpeg_next::codec::version();
    format!("{}.{}.{}", version >> 16, (version >> 8) & 0xff, version & 0xff)
}
