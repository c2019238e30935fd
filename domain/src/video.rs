//! One film, from the wish to upload it to the stream people watch.

mod chapters;
mod error;
mod event;
mod facts;
mod library;
mod media;
mod poster;
mod upload;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, Personal,
    account::AccountState,
    channel::Visibility,
    ids::AccountId,
    time::{MediaTime, Timestamp},
    work::{Failure, WorkItem},
};

pub use chapters::{CHAPTER_TITLE_CHARS_MAX, CHAPTERS_MAX, Chapter, chapters};
pub use error::VideoError;
pub use event::VideoEvent;
pub use facts::{RenditionFacts, RenditionPlan, Source};
pub use library::{DESCRIPTION_CHARS_MAX, Edit, Keeper, Place, TAG_CHARS_MAX, TAGS_MAX, TRASH_LIFE_US, Wish};
pub use media::{
    CAPTIONS_MAX, CaptionOrigin, CaptionTrack, LABEL_CHARS_MAX, SoundRole, SoundTrack, Storyboard, TextKind, TextTrack,
};
pub use poster::Poster;
pub use upload::{AbortReason, FINGERPRINT_CHARS, PART_BYTES_MIN, PartPlan, SINGLE_PUT_BYTES_MAX, Step};

/// One upload's size limit, bytes: 100 GB.
pub const UPLOAD_BYTES_MAX: u64 = 100_000_000_000;
/// A title has 1 to this many characters after trimming.
pub const TITLE_CHARS_MAX: usize = 200;
const PERCENT_MAX: u32 = 100;
/// The content types an upload may declare.
pub const CONTENT_TYPES: [&str; 6] =
    ["video/mp4", "video/quicktime", "video/x-msvideo", "video/webm", "video/x-matroska", "video/ogg"];

#[derive(Debug, Clone, PartialEq)]
pub enum VideoCommand {
    RequestUpload {
        owner: AccountId,
        title: String,
        file_name: String,
        size_bytes: u64,
        content_type: String,
        object_key: String,
        /// Tells the same file of the same account again.
        fingerprint: Option<String>,
    },
    Upload(Step),
    /// The stored object exists with the declared size and a known magic number (checked by the caller).
    CompleteUpload,
    /// The stored object is not what was declared.
    RejectUpload {
        reason: String,
    },
    StartTranscode,
    RecordProbe {
        source: Source,
    },
    Plan {
        renditions: Vec<RenditionPlan>,
        items: Vec<WorkItem>,
    },
    ReportProgress {
        percent: u32,
        stage: String,
        eta_s: Option<u32>,
    },
    CompleteRendition {
        rendition: RenditionFacts,
    },
    RecordThumbnail {
        object_key: String,
        width: u32,
        height: u32,
    },
    /// Captions found in the source.
    RecordCaptions {
        captions: CaptionTrack,
    },
    /// Captions somebody uploads to a finished film.
    UploadCaptions {
        captions: CaptionTrack,
        by: AccountId,
        actor: AccountState,
    },
    RemoveCaptions {
        id: String,
        by: AccountId,
        actor: AccountState,
    },
    RecordStoryboard {
        storyboard: Storyboard,
    },
    CompleteTranscode {
        hls_key: String,
        dash_key: String,
        duration: MediaTime,
    },
    FailTranscode {
        failure: Failure,
    },
    RecordInterimRemoved,
    /// What a keeper of the library wants.
    Keep {
        by: Keeper,
        wish: Wish,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Unknown,
    Uploading,
    Uploaded,
    Processing,
    Ready,
    Failed,
    Rejected,
    Aborted,
}

/// The folded film.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VideoState {
    pub status: Status,
    pub owner: Option<AccountId>,
    pub title: Personal<String>,
    pub file_name: Personal<String>,
    pub size_bytes: u64,
    pub content_type: String,
    pub object_key: String,
    pub source: Option<Source>,
    pub renditions: Vec<RenditionPlan>,
    pub items: Vec<WorkItem>,
    pub completed: Vec<RenditionFacts>,
    pub percent: u32,
    pub stage: String,
    pub eta_s: Option<u32>,
    pub thumbnail_key: Option<String>,
    pub captions: Vec<CaptionTrack>,
    pub storyboard: Option<Storyboard>,
    /// Chosen by its keeper, instead of the thumbnail.
    pub poster: Option<Poster>,
    pub hls_key: Option<String>,
    pub dash_key: Option<String>,
    pub failure: Option<Failure>,
    pub interim_removed: bool,
    pub description: Personal<String>,
    pub tags: Personal<Vec<String>>,
    pub visibility: Visibility,
    pub place: Place,
    pub fingerprint: Option<String>,
    /// Of the upload in parts.
    pub upload_id: Option<String>,
}

pub struct Video;

impl Aggregate for Video {
    const KIND: &'static str = "video";
    type State = VideoState;
    type Command = VideoCommand;
    type Event = VideoEvent;
    type Error = VideoError;

    fn decide(state: &VideoState, command: &VideoCommand) -> Result<Vec<VideoEvent>, VideoError> {
        if let VideoCommand::RequestUpload { .. } = command {
            return upload::request(state, command);
        }
        if state.status == Status::Unknown {
            return Err(VideoError::Unknown);
        }
        if let VideoCommand::Keep { by, wish, at } = command {
            return library::decide(state, by, wish, *at);
        }
        if matches!(state.place, Place::Purging | Place::Purged) {
            return Err(VideoError::Unknown);
        }
        match command {
            VideoCommand::RequestUpload { .. } => upload::request(state, command),
            VideoCommand::Upload(step) => upload::decide(state, step),
            VideoCommand::CompleteUpload => match state.status {
                Status::Uploading => Ok(vec![VideoEvent::UploadCompleted {}]),
                Status::Rejected | Status::Aborted => Err(VideoError::WrongStatus(state.status)),
                _ => Ok(vec![]),
            },
            VideoCommand::RejectUpload { reason } => match state.status {
                Status::Uploading => Ok(vec![VideoEvent::UploadRejected { reason: reason.clone() }]),
                Status::Rejected => Ok(vec![]),
                other => Err(VideoError::WrongStatus(other)),
            },
            VideoCommand::StartTranscode => match state.status {
                Status::Uploaded => Ok(vec![VideoEvent::TranscodeStarted {}]),
                Status::Processing | Status::Ready => Ok(vec![]),
                other => Err(VideoError::WrongStatus(other)),
            },
            VideoCommand::RecordInterimRemoved => {
                Ok(if state.interim_removed { vec![] } else { vec![VideoEvent::InterimObjectRemoved {}] })
            }
            VideoCommand::UploadCaptions { captions, by, actor } => media::upload(state, captions, *by, actor),
            VideoCommand::RemoveCaptions { id, by, actor } => media::remove(state, id, *by, actor),
            processing => transcode(state, processing),
        }
    }

    fn evolve(state: &mut VideoState, event: &VideoEvent) {
        match event {
            VideoEvent::UploadRequested { owner, title, file_name, size_bytes, content_type, object_key } => {
                state.status = Status::Uploading;
                state.owner = Some(*owner);
                state.title = title.clone();
                state.file_name = file_name.clone();
                state.size_bytes = *size_bytes;
                state.content_type.clone_from(content_type);
                state.object_key.clone_from(object_key);
            }
            VideoEvent::UploadCompleted {} => state.status = Status::Uploaded,
            VideoEvent::UploadRejected { .. } => state.status = Status::Rejected,
            VideoEvent::TranscodeStarted {} => {
                state.status = Status::Processing;
                state.failure = None;
            }
            VideoEvent::SourceProbed { source } => state.source = Some(source.clone()),
            VideoEvent::TranscodePlanned { renditions, items } => {
                state.renditions.clone_from(renditions);
                state.items.clone_from(items);
            }
            VideoEvent::TranscodeProgressed { percent, stage, eta_s } => {
                state.percent = *percent;
                state.stage.clone_from(stage);
                state.eta_s = *eta_s;
            }
            VideoEvent::RenditionCompleted { rendition } => state.completed.push(rendition.clone()),
            VideoEvent::ThumbnailsGenerated { object_key, .. } => state.thumbnail_key = Some(object_key.clone()),
            VideoEvent::CaptionsAdded { captions } => state.captions.push(captions.clone()),
            VideoEvent::CaptionsRemoved { id, .. } => state.captions.retain(|held| held.id != *id),
            VideoEvent::StoryboardGenerated { storyboard } => state.storyboard = Some(storyboard.clone()),
            VideoEvent::TranscodeCompleted { hls_key, dash_key, .. } => {
                state.status = Status::Ready;
                state.percent = PERCENT_MAX;
                state.hls_key = Some(hls_key.clone());
                state.dash_key = Some(dash_key.clone());
            }
            VideoEvent::TranscodeFailed { failure } => {
                state.status = Status::Failed;
                state.failure = Some(failure.clone());
            }
            VideoEvent::InterimObjectRemoved {} => state.interim_removed = true,
            VideoEvent::Retitled { title } => state.title = title.clone(),
            VideoEvent::Described { description } => state.description = description.clone(),
            VideoEvent::Tagged { tags } => state.tags = tags.clone(),
            VideoEvent::VisibilityChanged { visibility } => state.visibility = *visibility,
            VideoEvent::Trashed { purge_at_us } => state.place = Place::Trash { purge_at: *purge_at_us },
            VideoEvent::Restored {} => state.place = Place::Library,
            VideoEvent::PurgeStarted {} => state.place = Place::Purging,
            VideoEvent::Purged {} => state.place = Place::Purged,
            VideoEvent::UploadFingerprinted { fingerprint } => state.fingerprint = Some(fingerprint.clone()),
            VideoEvent::MultipartStarted { upload_id, .. } => state.upload_id = Some(upload_id.clone()),
            VideoEvent::UploadAborted { .. } => state.status = Status::Aborted,
            VideoEvent::PosterChosen { poster, .. } => state.poster = Some(poster.clone()),
            VideoEvent::PosterReset { .. } => state.poster = None,
        }
    }
}

/// Commands of the transcoder: only while the film is processing; late repeats of what is done yield nothing.
fn transcode(state: &VideoState, command: &VideoCommand) -> Result<Vec<VideoEvent>, VideoError> {
    let repeated = match command {
        VideoCommand::RecordProbe { source } => state.source.as_ref() == Some(source),
        VideoCommand::Plan { renditions, items } => state.renditions == *renditions && state.items == *items,
        VideoCommand::ReportProgress { percent, stage, .. } => {
            let percent = *percent.min(&PERCENT_MAX);
            percent < state.percent || (percent == state.percent && *stage == state.stage)
        }
        VideoCommand::CompleteRendition { rendition } => state.completed.iter().any(|held| held.name == rendition.name),
        VideoCommand::RecordThumbnail { object_key, .. } => state.thumbnail_key.as_ref() == Some(object_key),
        VideoCommand::RecordCaptions { captions } => state.captions.iter().any(|held| held.id == captions.id),
        VideoCommand::RecordStoryboard { storyboard } => state.storyboard.as_ref() == Some(storyboard),
        VideoCommand::CompleteTranscode { .. } => state.status == Status::Ready,
        VideoCommand::FailTranscode { .. } => state.status == Status::Failed,
        VideoCommand::RequestUpload { .. }
        | VideoCommand::Upload(_)
        | VideoCommand::CompleteUpload
        | VideoCommand::RejectUpload { .. }
        | VideoCommand::StartTranscode
        | VideoCommand::UploadCaptions { .. }
        | VideoCommand::RemoveCaptions { .. }
        | VideoCommand::RecordInterimRemoved
        | VideoCommand::Keep { .. } => true,
    };
    if repeated {
        return Ok(vec![]);
    }
    if state.status != Status::Processing {
        return Err(VideoError::WrongStatus(state.status));
    }
    Ok(match command.clone() {
        VideoCommand::RecordProbe { source } => vec![VideoEvent::SourceProbed { source }],
        VideoCommand::Plan { renditions, items } => vec![VideoEvent::TranscodePlanned { renditions, items }],
        VideoCommand::ReportProgress { percent, stage, eta_s } => {
            vec![VideoEvent::TranscodeProgressed { percent: percent.min(PERCENT_MAX), stage, eta_s }]
        }
        VideoCommand::CompleteRendition { rendition } => vec![VideoEvent::RenditionCompleted { rendition }],
        VideoCommand::RecordThumbnail { object_key, width, height } => {
            vec![VideoEvent::ThumbnailsGenerated { object_key, width, height }]
        }
        VideoCommand::RecordCaptions { captions } => vec![VideoEvent::CaptionsAdded { captions }],
        VideoCommand::RecordStoryboard { storyboard } => vec![VideoEvent::StoryboardGenerated { storyboard }],
        VideoCommand::CompleteTranscode { hls_key, dash_key, duration } => {
            vec![VideoEvent::TranscodeCompleted { hls_key, dash_key, duration_us: duration }]
        }
        VideoCommand::FailTranscode { failure } => vec![VideoEvent::TranscodeFailed { failure }],
        VideoCommand::RequestUpload { .. }
        | VideoCommand::Upload(_)
        | VideoCommand::CompleteUpload
        | VideoCommand::RejectUpload { .. }
        | VideoCommand::StartTranscode
        | VideoCommand::UploadCaptions { .. }
        | VideoCommand::RemoveCaptions { .. }
        | VideoCommand::RecordInterimRemoved
        | VideoCommand::Keep { .. } => vec![],
    })
}
