//! What happens to a film. These names are stored for ever.

use serde::{Deserialize, Serialize};

use super::{AbortReason, CaptionTrack, Poster, RenditionFacts, RenditionPlan, Source, Storyboard};
use crate::{
    Personal,
    channel::Visibility,
    event_names,
    ids::AccountId,
    time::{MediaTime, Timestamp},
    work::{Failure, WorkItem},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VideoEvent {
    UploadRequested {
        owner: AccountId,
        title: Personal<String>,
        file_name: Personal<String>,
        size_bytes: u64,
        content_type: String,
        /// The object's key in the interim bucket.
        object_key: String,
    },
    UploadCompleted {},
    UploadRejected {
        reason: String,
    },
    TranscodeStarted {},
    SourceProbed {
        source: Source,
    },
    TranscodePlanned {
        renditions: Vec<RenditionPlan>,
        items: Vec<WorkItem>,
    },
    TranscodeProgressed {
        percent: u32,
        stage: String,
        eta_s: Option<u32>,
    },
    RenditionCompleted {
        rendition: RenditionFacts,
    },
    ThumbnailsGenerated {
        object_key: String,
        width: u32,
        height: u32,
    },
    /// A caption track lies in the media bucket: found in the source, or uploaded.
    CaptionsAdded {
        #[serde(flatten)]
        captions: CaptionTrack,
    },
    CaptionsRemoved {
        id: String,
        by: AccountId,
    },
    /// Small pictures of the whole film lie in the media bucket.
    StoryboardGenerated {
        #[serde(flatten)]
        storyboard: Storyboard,
    },
    TranscodeCompleted {
        hls_key: String,
        dash_key: String,
        duration_us: MediaTime,
    },
    TranscodeFailed {
        failure: Failure,
    },
    InterimObjectRemoved {},
    Retitled {
        title: Personal<String>,
    },
    Described {
        description: Personal<String>,
    },
    /// All tags, as they are from now on.
    Tagged {
        tags: Personal<Vec<String>>,
    },
    VisibilityChanged {
        visibility: Visibility,
    },
    Trashed {
        /// When it is removed for good, unless it is restored.
        purge_at_us: Timestamp,
    },
    Restored {},
    PurgeStarted {},
    Purged {},
    /// Tells the same file of the same account again; other accounts' fingerprints cannot be compared with it.
    UploadFingerprinted {
        fingerprint: String,
    },
    MultipartStarted {
        /// The store's word for the upload.
        upload_id: String,
        part_bytes: u64,
        parts: u32,
    },
    UploadAborted {
        reason: AbortReason,
    },
    /// Another picture stands for the film.
    PosterChosen {
        #[serde(flatten)]
        poster: Poster,
        /// The object of the picture chosen before, which goes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<String>,
    },
    /// The picture that was found at first stands for it again.
    PosterReset {
        replaces: String,
    },
}
event_names!(VideoEvent {
    UploadRequested,
    UploadCompleted,
    UploadRejected,
    TranscodeStarted,
    SourceProbed,
    TranscodePlanned,
    TranscodeProgressed,
    RenditionCompleted,
    ThumbnailsGenerated,
    CaptionsAdded,
    CaptionsRemoved,
    StoryboardGenerated,
    TranscodeCompleted,
    TranscodeFailed,
    InterimObjectRemoved,
    Retitled,
    Described,
    Tagged,
    VisibilityChanged,
    Trashed,
    Restored,
    PurgeStarted,
    Purged,
    UploadFingerprinted,
    MultipartStarted,
    UploadAborted,
    PosterChosen,
    PosterReset,
});
