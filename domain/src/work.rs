//! One work item of a transcode: a chunk of the picture, or the sound. A claim is an append with the
//! expected version: one worker wins, and a stale worker's next append is refused.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, event_names, time::MediaTime};

/// What one item covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// All video rungs of segments `first_segment..=last_segment`, decoded once.
    Chunk { first_segment: u32, last_segment: u32 },
    /// The whole sound track.
    Audio,
    /// The poster picture.
    Thumbnail,
    /// Another sound track of the source, from the second on, whole.
    Sound { track: u32 },
    /// Every text track of the source.
    Captions,
}

/// One planned item. `number` is the n of the stream `work-<video>.<n>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkItem {
    pub number: u32,
    pub kind: WorkKind,
    pub start_us: MediaTime,
    pub end_us: MediaTime,
}

/// Why something ended without a result, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `probe`, `plan`, `encode`, `package` or `publish`.
    pub stage: String,
    /// A stable word, for example `not_a_video`.
    pub code: String,
    /// A sentence the uploader understands.
    pub reason: String,
    pub retryable: bool,
}

/// One published media segment (or init segment, number 0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub rendition: String,
    /// 1-based; 0 is the init segment.
    pub number: u32,
    pub pts_us: MediaTime,
    pub duration_us: MediaTime,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
    /// RFC 6381 codecs, on init segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codecs: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum WorkEvent {
    Claimed {
        worker: String,
        attempt: u32,
    },
    SegmentPublished {
        attempt: u32,
        segment: Segment,
    },
    WorkCompleted {
        attempt: u32,
    },
    ClaimLapsed {
        attempt: u32,
    },
    WorkFailed {
        attempt: u32,
        failure: Failure,
    },
    /// It may be claimed again although it failed.
    Reopened {},
}
event_names!(WorkEvent { Claimed, SegmentPublished, WorkCompleted, ClaimLapsed, WorkFailed, Reopened });

#[derive(Debug, Clone, PartialEq)]
pub enum WorkCommand {
    Claim {
        worker: String,
    },
    PublishSegment {
        worker: String,
        attempt: u32,
        segment: Segment,
    },
    Complete {
        worker: String,
        attempt: u32,
    },
    /// The lease ran out on the database clock (looked up by the caller).
    Lapse {
        attempt: u32,
    },
    Fail {
        worker: String,
        attempt: u32,
        failure: Failure,
    },
    /// The film is tried again.
    Reopen,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    #[error("this item is claimed by another worker")]
    Claimed,
    #[error("this item is done")]
    Done,
    #[error("this claim is no longer held")]
    Stale,
}

/// The folded item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkState {
    /// The worker that holds it, while claimed.
    pub holder: Option<String>,
    /// How often it was claimed.
    pub attempt: u32,
    pub segments: Vec<Segment>,
    pub completed: bool,
    pub failure: Option<Failure>,
}

pub struct Work;

impl Aggregate for Work {
    const KIND: &'static str = "work";
    type State = WorkState;
    type Command = WorkCommand;
    type Event = WorkEvent;
    type Error = WorkError;

    fn decide(state: &WorkState, command: &WorkCommand) -> Result<Vec<WorkEvent>, WorkError> {
        match command {
            WorkCommand::Claim { worker } => match &state.holder {
                _ if state.completed || state.failure.is_some() => Err(WorkError::Done),
                Some(holder) if holder == worker => Ok(vec![]),
                Some(_) => Err(WorkError::Claimed),
                None => Ok(vec![WorkEvent::Claimed { worker: worker.clone(), attempt: state.attempt + 1 }]),
            },
            WorkCommand::PublishSegment { worker, attempt, segment } => {
                if state.segments.contains(segment) {
                    return Ok(vec![]);
                }
                holds(state, worker, *attempt)?;
                Ok(vec![WorkEvent::SegmentPublished { attempt: *attempt, segment: segment.clone() }])
            }
            WorkCommand::Complete { worker, attempt } => {
                if state.completed && state.attempt == *attempt {
                    return Ok(vec![]);
                }
                holds(state, worker, *attempt)?;
                Ok(vec![WorkEvent::WorkCompleted { attempt: *attempt }])
            }
            WorkCommand::Lapse { attempt } => {
                let held = state.holder.is_some() && state.attempt == *attempt;
                Ok(if held { vec![WorkEvent::ClaimLapsed { attempt: *attempt }] } else { vec![] })
            }
            WorkCommand::Fail { worker, attempt, failure } => {
                if state.failure.as_ref() == Some(failure) {
                    return Ok(vec![]);
                }
                holds(state, worker, *attempt)?;
                Ok(vec![WorkEvent::WorkFailed { attempt: *attempt, failure: failure.clone() }])
            }
            WorkCommand::Reopen => Ok(if state.failure.is_some() { vec![WorkEvent::Reopened {}] } else { vec![] }),
        }
    }

    fn evolve(state: &mut WorkState, event: &WorkEvent) {
        match event {
            WorkEvent::Claimed { worker, attempt } => {
                state.holder = Some(worker.clone());
                state.attempt = *attempt;
            }
            WorkEvent::SegmentPublished { segment, .. } => {
                state.segments.retain(|held| (&held.rendition, held.number) != (&segment.rendition, segment.number));
                state.segments.push(segment.clone());
            }
            WorkEvent::WorkCompleted { .. } => {
                state.completed = true;
                state.holder = None;
            }
            WorkEvent::ClaimLapsed { .. } => state.holder = None,
            WorkEvent::WorkFailed { failure, .. } => {
                state.failure = Some(failure.clone());
                state.holder = None;
            }
            WorkEvent::Reopened {} => state.failure = None,
        }
    }
}

fn holds(state: &WorkState, worker: &str, attempt: u32) -> Result<(), WorkError> {
    if state.completed || state.failure.is_some() {
        return Err(WorkError::Done);
    }
    let held = state.holder.as_deref() == Some(worker) && state.attempt == attempt;
    if held { Ok(()) } else { Err(WorkError::Stale) }
}
