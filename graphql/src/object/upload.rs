//! Uploads in parts as their owner sees them.

use async_graphql::{SimpleObject, Union};
use lockstep_commands::{
    refusal::Coded,
    upload::{Limits, QuotaKind, SignedPart, Unfinished, Usage},
    video::VideoRefusal,
};
use lockstep_domain::{
    time::Timestamp,
    video::{PartPlan, VideoState},
};
use uuid::Uuid;

use crate::{
    answer::{Header, Refused},
    scalar::{DateTime, VideoStatus, float},
};

/// Where to PUT one part.
#[derive(SimpleObject)]
pub(crate) struct UploadPart {
    /// Which one, from 1.
    pub number: i32,
    /// How many bytes.
    pub bytes: f64,
    /// Where it leads.
    pub url: String,
    /// Headers to send with it, as they are.
    pub headers: Vec<Header>,
}

/// Addresses of parts.
#[derive(SimpleObject)]
pub(crate) struct UploadPartsSigned {
    /// The parts.
    pub parts: Vec<UploadPart>,
    /// When it ends.
    pub expires_at: DateTime,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum PartsPayload {
    UploadPartsSigned(UploadPartsSigned),
    Refused(Refused),
}

pub(crate) fn signed(parts: Vec<SignedPart>, expires_at: Timestamp) -> UploadPartsSigned {
    let part = |part: SignedPart| UploadPart {
        number: whole(part.number),
        bytes: bytes(part.bytes),
        url: part.url,
        headers: part.headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
    };
    UploadPartsSigned { parts: parts.into_iter().map(part).collect(), expires_at: DateTime(expires_at) }
}

/// How a large file is divided: every part has `bytes` but the last.
#[derive(SimpleObject)]
pub(crate) struct UploadPlan {
    /// Bytes of each part but the last.
    pub part_bytes: f64,
    /// How many parts.
    pub parts: i32,
}

impl From<PartPlan> for UploadPlan {
    fn from(plan: PartPlan) -> Self {
        Self { part_bytes: bytes(plan.part_bytes), parts: whole(plan.parts) }
    }
}

/// What has arrived of an upload.
#[derive(SimpleObject)]
pub(crate) struct UploadParts {
    /// How the file is cut.
    pub plan: UploadPlan,
    /// Numbers of the parts the store holds whole.
    pub received: Vec<i32>,
    /// How far it is.
    pub status: VideoStatus,
}

impl UploadParts {
    /// `None` for a file that is sent whole.
    pub(crate) fn of(state: &VideoState, received: &[u32]) -> Option<Self> {
        let plan = PartPlan::of(state.size_bytes)?;
        let received = received.iter().copied().map(whole).collect();
        Some(Self { plan: plan.into(), received, status: state.status.into() })
    }
}

/// An upload to go on with.
#[derive(SimpleObject)]
pub(crate) struct UnfinishedUpload {
    /// The film it is about.
    pub video: Uuid,
    /// The title.
    pub title: String,
    /// The name of the file.
    pub file_name: String,
    /// The size of the file.
    pub size_bytes: f64,
    /// The media type that was declared.
    pub content_type: String,
    /// Null for a file that is sent whole.
    pub plan: Option<UploadPlan>,
    /// Numbers of the parts the store holds whole.
    pub received: Vec<i32>,
    /// When it was begun.
    pub requested_at: DateTime,
}

impl From<Unfinished> for UnfinishedUpload {
    fn from(upload: Unfinished) -> Self {
        let Unfinished { video, state, requested_at, received } = upload;
        Self {
            video: video.0,
            title: state.title.value().cloned().unwrap_or_default(),
            file_name: state.file_name.value().cloned().unwrap_or_default(),
            size_bytes: bytes(state.size_bytes),
            content_type: state.content_type,
            plan: PartPlan::of(state.size_bytes).map(UploadPlan::from),
            received: received.into_iter().map(whole).collect(),
            requested_at: DateTime(requested_at),
        }
    }
}

/// What an account has uploaded, and may.
#[derive(SimpleObject)]
pub(crate) struct UploadQuota {
    /// Bytes of all films.
    pub bytes_used: f64,
    /// Bytes allowed.
    pub bytes_max: f64,
    /// Films there are.
    pub films_used: f64,
    /// Films allowed.
    pub films_max: f64,
    /// Uploads under way.
    pub unfinished_used: f64,
    /// Uploads under way allowed.
    pub unfinished_max: f64,
}

impl UploadQuota {
    pub(crate) fn of(used: Usage, limits: Limits) -> Self {
        Self {
            bytes_used: bytes(used.bytes),
            bytes_max: bytes(limits.bytes_max),
            films_used: bytes(used.films),
            films_max: bytes(limits.films_max),
            unfinished_used: bytes(used.unfinished),
            unfinished_max: bytes(limits.unfinished_max),
        }
    }
}

/// A limit of the account was reached; nothing was changed.
#[derive(SimpleObject)]
pub(crate) struct QuotaExceeded {
    /// `quota_bytes`, `quota_films` or `quota_uploads`.
    pub code: String,
    /// What is used up, for people.
    pub message: String,
    /// How much is used, in bytes or films.
    pub used: f64,
    /// How much is allowed, in bytes or films.
    pub allowed: f64,
}

impl QuotaExceeded {
    pub(crate) fn of(kind: QuotaKind, used: u64, allowed: u64) -> Self {
        let refusal = VideoRefusal::Quota { kind, used, allowed };
        let (used, allowed) = (bytes(used), bytes(allowed));
        Self { code: refusal.code().to_owned(), message: refusal.to_string(), used, allowed }
    }
}

/// The same file of the same account is there: go on with it, or ask again with `again`.
#[derive(SimpleObject)]
pub(crate) struct AlreadyUploaded {
    /// The film that has this file.
    pub video: Uuid,
    /// Its title.
    pub title: String,
    /// How far it is.
    pub status: VideoStatus,
}

fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The log keeps numbers within ±2^53.
fn bytes(value: u64) -> f64 {
    float(i64::try_from(value).unwrap_or(i64::MAX))
}
