//! Films: the wish to upload, the upload, and which end follows from which status.

use lockstep_domain::{
    ids::AccountId,
    video::{
        CONTENT_TYPES, Status, TITLE_CHARS_MAX, UPLOAD_BYTES_MAX, Video, VideoCommand as Do, VideoError as No,
        VideoEvent as Did,
    },
};

use crate::{
    check::Given,
    sample::{ADA, BOB, completed, failure, named, requested},
};

pub fn given(history: impl IntoIterator<Item = Did>) -> Given<Video> {
    crate::check::given(history)
}

pub fn request_as(owner: AccountId, title: &str, size_bytes: u64, content_type: &str, object_key: &str) -> Do {
    Do::RequestUpload {
        owner,
        title: title.into(),
        file_name: "holiday.mp4".into(),
        size_bytes,
        content_type: content_type.into(),
        object_key: object_key.into(),
        fingerprint: None,
    }
}

fn request() -> Do {
    request_as(ADA, "Holiday", 1_048_576, "video/mp4", "u/film")
}

fn titled(title: &str) -> Do {
    request_as(ADA, title, 1_048_576, "video/mp4", "u/film")
}

fn sized(size_bytes: u64) -> Do {
    request_as(ADA, "Holiday", size_bytes, "video/mp4", "u/film")
}

pub fn rejected() -> Did {
    Did::UploadRejected { reason: "too small".into() }
}

pub fn uploaded() -> Vec<Did> {
    vec![requested(), Did::UploadCompleted {}]
}

pub fn processing() -> Vec<Did> {
    vec![requested(), Did::UploadCompleted {}, Did::TranscodeStarted {}]
}

pub fn processing_then(event: Did) -> Vec<Did> {
    [processing(), vec![event]].concat()
}

pub fn ready() -> Vec<Did> {
    processing_then(completed())
}

pub fn failed() -> Vec<Did> {
    processing_then(Did::TranscodeFailed { failure: failure() })
}

#[test]
fn an_upload_is_requested() {
    given([]).when(request()).then([requested()]);
    given([]).when(titled(" Holiday\n")).then([requested()]);
    given([requested()]).when(request()).then([]);
    given(ready()).when(request()).then([]);
}

#[test]
fn a_stream_holds_one_film() {
    let of_bob = request_as(BOB, "Holiday", 1_048_576, "video/mp4", "u/film");
    given([requested()]).when(of_bob).refused(No::Exists);
    let elsewhere = request_as(ADA, "Holiday", 1_048_576, "video/mp4", "u/other");
    given([requested()]).when(elsewhere).refused(No::Exists);
}

#[test]
fn the_size_is_bounded() {
    given([]).when(sized(0)).refused(No::Empty);
    given([]).when(sized(UPLOAD_BYTES_MAX + 1)).refused(No::TooLarge);
    for size in [1, UPLOAD_BYTES_MAX] {
        let Did::UploadRequested { owner, title, file_name, content_type, object_key, .. } = requested() else {
            unreachable!("the sample is a request");
        };
        let expected = Did::UploadRequested { owner, title, file_name, size_bytes: size, content_type, object_key };
        given([]).when(sized(size)).then([expected]);
    }
}

#[test]
fn only_video_is_taken() {
    for taken in CONTENT_TYPES {
        given([requested()]).when(request_as(ADA, "Holiday", 1, taken, "u/film")).then([]);
    }
    for other in ["", "video/MP4", "text/html", "video/mp4; codecs=avc1", "image/png"] {
        let refused = No::ContentType(other.into());
        given([]).when(request_as(ADA, "Holiday", 1, other, "u/film")).refused(refused);
    }
}

#[test]
fn a_title_is_bounded() {
    let longest = "é".repeat(TITLE_CHARS_MAX);
    given([requested()]).when(titled(&longest)).then([]);
    for bad in ["", "  ", "a\u{0}b", "a\nb", &format!("{longest}x")] {
        given([]).when(titled(bad)).refused(No::Title);
    }
}

#[test]
fn a_file_name_is_made_harmless() {
    let mut wish = request();
    let Do::RequestUpload { file_name, .. } = &mut wish else { unreachable!("the sample is a request") };
    *file_name = format!("a\u{0}\n{}", "é".repeat(TITLE_CHARS_MAX));
    let mut expected = requested();
    let Did::UploadRequested { file_name, .. } = &mut expected else { unreachable!("the sample is a request") };
    *file_name = named(ADA, &format!("a{}", "é".repeat(TITLE_CHARS_MAX - 1)));
    given([]).when(wish).then([expected]);
}

#[test]
fn an_upload_completes() {
    given([requested()]).when(Do::CompleteUpload).then([Did::UploadCompleted {}]);
    for later in [uploaded(), processing(), ready(), failed()] {
        given(later).when(Do::CompleteUpload).then([]);
    }
    given([requested(), rejected()]).when(Do::CompleteUpload).refused(No::WrongStatus(Status::Rejected));
}

#[test]
fn an_upload_is_rejected() {
    let reject = || Do::RejectUpload { reason: "too small".into() };
    given([requested()]).when(reject()).then([rejected()]);
    given([requested(), rejected()]).when(reject()).then([]);
    for (later, status) in [
        (uploaded(), Status::Uploaded),
        (processing(), Status::Processing),
        (ready(), Status::Ready),
        (failed(), Status::Failed),
    ] {
        given(later).when(reject()).refused(No::WrongStatus(status));
    }
}

#[test]
fn the_interim_object_is_removed_once() {
    for history in [ready(), failed(), vec![requested(), rejected()]] {
        given(history.clone()).when(Do::RecordInterimRemoved).then([Did::InterimObjectRemoved {}]);
        let removed = [history, vec![Did::InterimObjectRemoved {}]].concat();
        given(removed).when(Do::RecordInterimRemoved).then([]);
    }
}

#[test]
fn nothing_happens_to_a_film_nobody_asked_for() {
    for command in [
        Do::CompleteUpload,
        Do::RejectUpload { reason: "too small".into() },
        Do::StartTranscode,
        Do::RecordInterimRemoved,
        Do::FailTranscode { failure: failure() },
        Do::ReportProgress { percent: 0, stage: String::new(), eta_s: None },
    ] {
        given([]).when(command).refused(No::Unknown);
    }
}
