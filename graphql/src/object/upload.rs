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
    pub number: i32,
    pub bytes: f64,
    pub url: String,
    pub headers: Vec<Header>,
}

/// Addresses of parts.
#[derive(SimpleObject)]
pub(crate) struct UploadPartsSigned {
    pub parts: Vec<UploadPart>,
    pub expires_at: DateTime,
}

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
    pub part_bytes: f64,
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
    pub plan: UploadPlan,
    /// Numbers of the parts the store holds whole.
    pub received: Vec<i32>,
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
    pub video: Uuid,
    pub title: String,
    pub file_name: String,
    pub size_bytes: f64,
    pub content_type: String,
    /// Null for a file that is sent whole.
    pub plan: Option<UploadPlan>,
    /// Numbers of the parts the store holds whole.
    pub received: Vec<i32>,
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
    pub bytes_used: f64,
    pub bytes_max: f64,
    pub films_used: f64,
    pub films_max: f64,
    pub unfinished_used: f64,
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
    pub message: String,
    pub used: f64,
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
    pub video: Uuid,
    pub title: String,
    pub status: VideoStatus,
}

fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The log keeps numbers within ±2^53.
fn bytes(value: u64) -> f64 {
    float(i64::try_from(value).unwrap_or(i64::MAX))
}
