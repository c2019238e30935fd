//! Scalars and enums of the wire, apart from the domain's types.

use async_graphql::{Enum, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use lockstep_domain::{ids, time::MediaTime, time::Timestamp, video::Status};

use crate::problem::Problem;

/// A place in the event log. Opaque: store it and hand it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Position(pub ids::Position);

/// A place in the event log. Opaque: store it and hand it back.
#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => text.parse().map(Self).map_err(|_| InputValueError::custom("not a position")),
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A moment, as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(pub Timestamp);

/// A moment, as RFC 3339 in UTC.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => match text.parse::<jiff::Timestamp>() {
                Ok(moment) => Ok(Self(Timestamp(moment.as_microsecond()))),
                Err(_) => Err(InputValueError::custom("not a moment as RFC 3339")),
            },
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        let moment = jiff::Timestamp::from_microsecond(self.0.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Value::String(moment.to_string())
    }
}

/// What an account may do on the whole platform.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::account::PlatformRole")]
pub(crate) enum PlatformRole {
    /// Runs the installation.
    Administrator,
    /// Has an account with a password.
    Member,
    /// Came by a link, with a name alone.
    Guest,
}

/// Who may make an account with a password.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::installation::Registration")]
pub(crate) enum Registration {
    /// Everybody who finds the site.
    Open,
    /// Whoever has an administrator's link.
    InviteOnly,
    /// Nobody, whatever they hold.
    Closed,
}

/// What a member may do in one channel, from least to most.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::permission::ChannelRole")]
pub(crate) enum ChannelRole {
    /// Watches and talks.
    Viewer,
    /// Keeps the peace as well.
    Moderator,
    /// Sets the channel up as well.
    Admin,
    /// May do everything in it.
    Owner,
}

/// Who can find and enter a channel.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::channel::Visibility")]
pub(crate) enum Visibility {
    /// Everybody finds it.
    Public,
    /// Who has its link finds it.
    Unlisted,
    /// Its own people alone find it.
    Private,
}

/// Where a film is on its way to being watched.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VideoStatus {
    /// Its file is on the way.
    Uploading,
    /// Its file is there, and waits.
    Uploaded,
    /// It is being made ready.
    Processing,
    /// It can be watched.
    Ready,
    /// It could not be made ready; the failure says why.
    Failed,
    /// Its file was not accepted.
    Rejected,
    /// Its upload was given up.
    Aborted,
}

impl From<Status> for VideoStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Unknown | Status::Uploading => Self::Uploading,
            Status::Uploaded => Self::Uploaded,
            Status::Processing => Self::Processing,
            Status::Ready => Self::Ready,
            Status::Failed => Self::Failed,
            Status::Rejected => Self::Rejected,
            Status::Aborted => Self::Aborted,
        }
    }
}

impl From<VideoStatus> for Status {
    fn from(status: VideoStatus) -> Self {
        match status {
            VideoStatus::Uploading => Self::Uploading,
            VideoStatus::Uploaded => Self::Uploaded,
            VideoStatus::Processing => Self::Processing,
            VideoStatus::Ready => Self::Ready,
            VideoStatus::Failed => Self::Failed,
            VideoStatus::Rejected => Self::Rejected,
            VideoStatus::Aborted => Self::Aborted,
        }
    }
}

/// Whole numbers in a Float are exact up to this.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Microseconds or bytes from a Float.
pub(crate) fn whole(value: f64, what: &str) -> Result<i64, Problem> {
    if value.is_finite() && value.abs() <= EXACT_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53 by the check above")]
        return Ok(value.round() as i64);
    }
    Err(Problem::Invalid(format!("{what} is out of range")))
}

/// A place in a film from a Float of microseconds.
pub(crate) fn media(value: f64) -> Result<MediaTime, Problem> {
    whole(value, "the position").map(MediaTime)
}

/// A Float of a whole number; the log keeps those within ±2^53.
#[expect(clippy::cast_precision_loss, reason = "within ±2^53")]
pub(crate) fn float(value: i64) -> f64 {
    value as f64
}
