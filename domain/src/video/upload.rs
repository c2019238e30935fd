//! The wish to upload, how a large file is divided, and the steps of an upload in parts.

use serde::{Deserialize, Serialize};

use super::{
    CONTENT_TYPES, Status, TITLE_CHARS_MAX, UPLOAD_BYTES_MAX, VideoCommand, VideoError, VideoEvent, VideoState,
};
use crate::Personal;

/// A file above this is sent in parts: 64 MiB.
pub const SINGLE_PUT_BYTES_MAX: u64 = 64 << 20;
/// Smallest part but the last: 8 MiB.
pub const PART_BYTES_MIN: u64 = 8 << 20;
/// Parts that the part size aims at; the protocol ends at 10 000.
pub const PARTS_AIM: u64 = 9_000;
/// Characters of a fingerprint: SHA-256 in hexadecimal.
pub const FINGERPRINT_CHARS: usize = 64;

/// How a file is divided. It follows from the size alone and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPlan {
    pub size_bytes: u64,
    /// Of every part but the last.
    pub part_bytes: u64,
    pub parts: u32,
}

impl PartPlan {
    /// The plan of a file of this size; `None` when it is sent whole.
    #[must_use]
    pub fn of(size_bytes: u64) -> Option<Self> {
        if size_bytes <= SINGLE_PUT_BYTES_MAX {
            return None;
        }
        let part_bytes = PART_BYTES_MIN.max(size_bytes.div_ceil(PARTS_AIM));
        let parts = u32::try_from(size_bytes.div_ceil(part_bytes)).ok()?;
        Some(Self { size_bytes, part_bytes, parts })
    }

    /// Bytes of part `number`, counted from 1; `None` when there is no such part.
    #[must_use]
    pub fn bytes_of(&self, number: u32) -> Option<u64> {
        let before = u64::from(number.checked_sub(1)?) * self.part_bytes;
        (number <= self.parts).then(|| self.part_bytes.min(self.size_bytes - before))
    }
}

/// Why an upload was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortReason {
    /// Its owner did.
    Withdrawn,
    /// It was not finished in time.
    Abandoned,
}

/// A step between the wish to upload and the arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The store has begun an upload in parts under this id.
    StartMultipart {
        upload_id: String,
        /// The one before, which the store does not know any more (looked up by the caller).
        lost: Option<String>,
    },
    Abort {
        reason: AbortReason,
    },
}

pub(super) fn decide(state: &VideoState, step: &Step) -> Result<Vec<VideoEvent>, VideoError> {
    match (step, state.status) {
        (Step::StartMultipart { upload_id, lost }, Status::Uploading) => {
            let Some(plan) = PartPlan::of(state.size_bytes) else { return Err(VideoError::SentWhole) };
            // The first id stands, parts have been signed for it: until the store has lost it.
            let begins = state.upload_id == *lost && state.upload_id.as_ref() != Some(upload_id);
            Ok(if begins { vec![started(upload_id, &plan)] } else { vec![] })
        }
        (Step::Abort { reason }, Status::Uploading) => Ok(vec![VideoEvent::UploadAborted { reason: *reason }]),
        (Step::Abort { .. }, Status::Aborted) => Ok(vec![]),
        (_, other) => Err(VideoError::WrongStatus(other)),
    }
}

fn started(upload_id: &str, plan: &PartPlan) -> VideoEvent {
    VideoEvent::MultipartStarted { upload_id: upload_id.to_owned(), part_bytes: plan.part_bytes, parts: plan.parts }
}

/// A fingerprint is 64 hexadecimal digits in lower case.
fn check_fingerprint(fingerprint: Option<&String>) -> Result<(), VideoError> {
    let digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    match fingerprint {
        Some(text) if text.len() != FINGERPRINT_CHARS || !text.bytes().all(digit) => Err(VideoError::Fingerprint),
        _ => Ok(()),
    }
}

/// The wish to upload a film; the same wish again yields nothing.
pub(super) fn request(state: &VideoState, command: &VideoCommand) -> Result<Vec<VideoEvent>, VideoError> {
    let VideoCommand::RequestUpload { owner, title, file_name, size_bytes, content_type, object_key, fingerprint } =
        command
    else {
        return Ok(vec![]);
    };
    check_fingerprint(fingerprint.as_ref())?;
    if *size_bytes == 0 {
        return Err(VideoError::Empty);
    }
    if *size_bytes > UPLOAD_BYTES_MAX {
        return Err(VideoError::TooLarge);
    }
    if !CONTENT_TYPES.contains(&content_type.as_str()) {
        return Err(VideoError::ContentType(content_type.clone()));
    }
    let title = title.trim();
    if !(1..=TITLE_CHARS_MAX).contains(&title.chars().count()) || title.chars().any(char::is_control) {
        return Err(VideoError::Title);
    }
    let file_name: String = file_name.chars().filter(|c| !c.is_control()).take(TITLE_CHARS_MAX).collect();
    let requested = VideoEvent::UploadRequested {
        owner: *owner,
        title: Personal::new(owner, title.to_owned()),
        file_name: Personal::new(owner, file_name),
        size_bytes: *size_bytes,
        content_type: content_type.clone(),
        object_key: object_key.clone(),
    };
    match state.owner {
        None => {
            let fingerprinted = |text: &String| VideoEvent::UploadFingerprinted { fingerprint: text.clone() };
            Ok(std::iter::once(requested).chain(fingerprint.as_ref().map(fingerprinted)).collect())
        }
        Some(held) if held == *owner && state.object_key == *object_key => Ok(vec![]),
        Some(_) => Err(VideoError::Exists),
    }
}
