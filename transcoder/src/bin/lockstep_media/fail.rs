//! Failures in the uploader's words. Codes are stable; sentences may change.

use ffmpeg_next as ff;
use lockstep_domain::work::Failure;
use lockstep_transcoder::{
    limits::{BYTES_PER_S_MAX, SOURCE_RATE_MAX, STREAMS_MAX},
    protocol::failure,
};

pub fn empty() -> Failure {
    failure("probe", "empty", "This file is empty.")
}

pub fn not_a_video() -> Failure {
    failure("probe", "not_a_video", "This file is not a video we can read.")
}

pub fn truncated() -> Failure {
    failure("probe", "truncated", "This file is cut off: a part of it is missing. Please upload it again.")
}

pub fn no_video_track(has_audio: bool) -> Failure {
    let reason = if has_audio { "This file has sound but no picture." } else { "This file has no picture." };
    failure("probe", "no_video_track", reason)
}

pub fn undecodable() -> Failure {
    failure(
        "probe",
        "undecodable",
        "The picture in this file cannot be decoded: it is damaged or of a kind we cannot read.",
    )
}

pub fn too_long() -> Failure {
    failure("probe", "too_long", "This film is longer than twelve hours.")
}

pub fn too_large() -> Failure {
    failure("probe", "too_large", "The picture of this film is larger than 8192 by 4320.")
}

pub fn too_small() -> Failure {
    failure("probe", "too_small", "The picture of this film is smaller than 16 by 16.")
}

pub fn too_fast() -> Failure {
    failure("probe", "too_fast", format!("This film has more than {SOURCE_RATE_MAX} pictures a second."))
}

pub fn too_dense() -> Failure {
    let mb = BYTES_PER_S_MAX / 1_000_000;
    failure(
        "probe",
        "too_dense",
        format!("This file is too large for so short a film: at most {mb} MB for each second."),
    )
}

pub fn too_much() -> Failure {
    let reason = format!("This file has more than {STREAMS_MAX} tracks, or an index too large to read.");
    failure("probe", "too_much", reason)
}

/// The parent could not read the stored object; trying again later may help.
pub fn unavailable() -> Failure {
    let told = failure("encode", "source_unavailable", "The stored file could not be read just now.");
    Failure { retryable: true, ..told }
}

/// The picture ends, or breaks, before a segment that should have it.
pub fn no_pictures(at_us: i64) -> Failure {
    let s = at_us / 1_000_000;
    failure(
        "encode",
        "truncated",
        format!("The picture cannot be read at {}:{:02}. The file is damaged.", s / 60, s % 60),
    )
}

/// Something of ours did not work as it must.
pub fn broken(what: &str, error: ff::Error) -> Failure {
    failure("encode", "encoder", format!("The film could not be encoded ({what}: {error})."))
}

/// The parent went away.
pub fn gone() -> Failure {
    failure("publish", "parent_gone", "The transcoder stopped.")
}
