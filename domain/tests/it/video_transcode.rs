//! Films in the transcoder: what it may report, when, and what a late repeat does.

use lockstep_domain::{
    Aggregate, Personal,
    channel::Visibility,
    time::MediaTime,
    video::{
        AbortReason, Place, RenditionPlan, SINGLE_PUT_BYTES_MAX, Source, Status, Step, Video, VideoCommand as Do,
        VideoError as No, VideoEvent as Did, VideoState,
    },
    work::{Failure, WorkItem},
};
use proptest::{prelude::*, sample::select};

use crate::{
    captions::captions_by,
    check::{repeats, total},
    sample::{
        ADA, BOB, captions, completed, failure, items, named, plan, planned, rendition, requested, secs, source,
        storyboard, videos,
    },
    video::{failed, given, processing, processing_then, ready, rejected, request_as, uploaded},
};

fn make_plan(renditions: Vec<RenditionPlan>, items: Vec<WorkItem>) -> Do {
    Do::Plan { renditions, items }
}

fn progress(percent: u32, stage: &str) -> Do {
    Do::ReportProgress { percent, stage: stage.into(), eta_s: Some(30) }
}

fn progressed(percent: u32, stage: &str) -> Did {
    Did::TranscodeProgressed { percent, stage: stage.into(), eta_s: Some(30) }
}

fn thumbnail(object_key: &str) -> Do {
    Do::RecordThumbnail { object_key: object_key.into(), width: 640, height: 360 }
}

fn complete() -> Do {
    Do::CompleteTranscode {
        hls_key: "v/film/master.m3u8".into(),
        dash_key: "v/film/manifest.mpd".into(),
        duration: secs(12),
    }
}

fn fail() -> Do {
    Do::FailTranscode { failure: failure() }
}

#[test]
fn a_transcode_starts() {
    given(uploaded()).when(Do::StartTranscode).then([Did::TranscodeStarted {}]);
    given(processing()).when(Do::StartTranscode).then([]);
    given(ready()).when(Do::StartTranscode).then([]);
    given([requested()]).when(Do::StartTranscode).refused(No::WrongStatus(Status::Uploading));
    given([requested(), rejected()]).when(Do::StartTranscode).refused(No::WrongStatus(Status::Rejected));
    given(failed()).when(Do::StartTranscode).refused(No::WrongStatus(Status::Failed));
}

#[test]
fn the_source_is_probed() {
    let record = |source| Do::RecordProbe { source };
    let probed = |source| Did::SourceProbed { source };
    given(processing()).when(record(source())).then([probed(source())]);
    given(processing_then(probed(source()))).when(record(source())).then([]);
    let silent = Source { audio_codec: None, audio_channels: 0, ..source() };
    given(processing_then(probed(source()))).when(record(silent.clone())).then([probed(silent)]);
}

#[test]
fn the_work_is_planned() {
    given(processing()).when(make_plan(plan(), items())).then([planned()]);
    given(processing_then(planned())).when(make_plan(plan(), items())).then([]);
    let audio_only = Did::TranscodePlanned { renditions: plan()[1..].to_vec(), items: items() };
    given(processing_then(planned())).when(make_plan(plan()[1..].to_vec(), items())).then([audio_only]);
    given(processing()).when(make_plan(vec![], vec![])).then([]);
}

#[test]
fn progress_only_grows() {
    given(processing()).when(progress(42, "encode")).then([progressed(42, "encode")]);
    let at_42 = || processing_then(progressed(42, "encode"));
    given(at_42()).when(progress(42, "encode")).then([]);
    given(at_42()).when(progress(41, "encode")).then([]);
    given(at_42()).when(progress(41, "package")).then([]);
    given(at_42()).when(progress(42, "package")).then([progressed(42, "package")]);
    given(at_42()).when(progress(43, "encode")).then([progressed(43, "encode")]);
    given(at_42()).when(progress(250, "encode")).then([progressed(100, "encode")]);
    given(ready()).when(progress(99, "encode")).then([]);
}

#[test]
fn renditions_complete() {
    let complete = |name| Do::CompleteRendition { rendition: rendition(name) };
    let done = |name| Did::RenditionCompleted { rendition: rendition(name) };
    given(processing()).when(complete("720p")).then([done("720p")]);
    given(processing_then(done("720p"))).when(complete("360p")).then([done("360p")]);
    given(processing_then(done("720p"))).when(complete("720p")).then([]);
}

#[test]
fn a_thumbnail_is_recorded() {
    let made = |key: &str| Did::ThumbnailsGenerated { object_key: key.into(), width: 640, height: 360 };
    given(processing()).when(thumbnail("a")).then([made("a")]);
    given(processing_then(made("a"))).when(thumbnail("a")).then([]);
    given(processing_then(made("a"))).when(thumbnail("b")).then([made("b")]);
}

#[test]
fn a_transcode_completes() {
    given(processing()).when(complete()).then([completed()]);
    given(ready()).when(complete()).then([]);
    given(failed()).when(complete()).refused(No::WrongStatus(Status::Failed));
    let film = Video::fold(&ready());
    assert_eq!((film.status, film.percent), (Status::Ready, 100));
}

#[test]
fn a_transcode_fails() {
    given(processing()).when(fail()).then([Did::TranscodeFailed { failure: failure() }]);
    given(failed()).when(fail()).then([]);
    given(ready()).when(fail()).refused(No::WrongStatus(Status::Ready));
}

#[test]
fn the_transcoder_reports_only_while_processing() {
    let reports = [
        Do::RecordProbe { source: source() },
        make_plan(plan(), items()),
        progress(42, "encode"),
        Do::CompleteRendition { rendition: rendition("720p") },
        thumbnail("a"),
        Do::RecordCaptions { captions: captions() },
        Do::RecordStoryboard { storyboard: storyboard() },
        complete(),
        fail(),
    ];
    for report in reports {
        given([requested()]).when(report.clone()).refused(No::WrongStatus(Status::Uploading));
        given(uploaded()).when(report.clone()).refused(No::WrongStatus(Status::Uploaded));
        given([requested(), rejected()]).when(report).refused(No::WrongStatus(Status::Rejected));
    }
}

#[test]
fn a_film_remembers_what_happened() {
    let film = Video::fold(&videos()[..1]);
    let asked = VideoState {
        status: Status::Uploading,
        owner: Some(ADA),
        title: named(ADA, "Holiday"),
        file_name: named(ADA, "holiday.mp4"),
        size_bytes: 1_048_576,
        content_type: "video/mp4".into(),
        object_key: "u/film".into(),
        ..VideoState::default()
    };
    assert_eq!(film, asked);
    let ended = |event: &Did| matches!(event, Did::UploadRejected { .. } | Did::UploadAborted { .. });
    let every_event = videos().into_iter().filter(|event| !ended(event));
    let every_event: Vec<Did> = every_event.collect();
    let done = VideoState {
        status: Status::Failed,
        source: Some(source()),
        renditions: plan(),
        items: items(),
        completed: vec![rendition("720p")],
        percent: 100,
        stage: "encode".into(),
        eta_s: Some(30),
        thumbnail_key: Some("v/film/thumb.jpg".into()),
        storyboard: Some(storyboard()),
        hls_key: Some("v/film/master.m3u8".into()),
        dash_key: Some("v/film/manifest.mpd".into()),
        failure: Some(failure()),
        interim_removed: true,
        title: named(ADA, "Holiday in Lisbon"),
        description: named(ADA, "Two weeks by the sea."),
        tags: Personal::new(ADA, vec!["sea".to_owned(), "summer".to_owned()]),
        visibility: Visibility::Unlisted,
        place: Place::Purged,
        fingerprint: Some("5f".repeat(32)),
        upload_id: Some("b2f7".into()),
        ..asked
    };
    assert_eq!(Video::fold(&every_event), done);
    let again = [every_event, vec![Did::TranscodeStarted {}]].concat();
    assert_eq!(Video::fold(&again), VideoState { status: Status::Processing, failure: None, ..done });
}

fn uploads() -> impl Strategy<Value = Do> {
    let sizes = select(vec![0_u64, 1, SINGLE_PUT_BYTES_MAX + 1, u64::MAX]);
    let request = (select(vec![ADA, BOB]), select(vec!["Holiday", " Holiday ", ""]), sizes);
    let print = proptest::option::of(select(vec!["5f".repeat(32), "a0".repeat(32)]));
    prop_oneof![
        (request, select(vec!["u/film", "u/other"]), print).prop_map(|((owner, title, size), key, print)| {
            let mut wish = request_as(owner, title, size, "video/mp4", key);
            let Do::RequestUpload { fingerprint, .. } = &mut wish else { unreachable!("it is a request") };
            *fingerprint = print;
            wish
        }),
        (select(vec!["b2f7", "other"]), proptest::option::of(select(vec!["b2f7", "other"]))).prop_map(|(id, lost)| {
            Do::Upload(Step::StartMultipart { upload_id: id.to_owned(), lost: lost.map(str::to_owned) })
        }),
        select(vec![AbortReason::Withdrawn, AbortReason::Abandoned])
            .prop_map(|reason| Do::Upload(Step::Abort { reason })),
        Just(Do::CompleteUpload),
        Just(Do::RejectUpload { reason: "too small".into() }),
        Just(Do::StartTranscode),
        Just(Do::RecordInterimRemoved),
    ]
}

fn reports() -> impl Strategy<Value = Do> {
    let source = (1_i64..3).prop_map(|s| Source { duration_us: MediaTime(s), ..source() });
    let stage = select(vec!["", "encode", "package"]).prop_map(str::to_owned);
    let failure = any::<bool>().prop_map(|retryable| Failure { retryable, ..failure() });
    prop_oneof![
        source.prop_map(|source| Do::RecordProbe { source }),
        (0_usize..3, 0_usize..3)
            .prop_map(|(rungs, parts)| make_plan(plan()[..rungs].to_vec(), items()[..parts].to_vec())),
        (prop_oneof![0_u32..200, any::<u32>()], stage, proptest::option::of(0_u32..9))
            .prop_map(|(percent, stage, eta_s)| Do::ReportProgress { percent, stage, eta_s }),
        select(vec!["720p", "360p"]).prop_map(|name| Do::CompleteRendition { rendition: rendition(name) }),
        select(vec!["a", "b"]).prop_map(thumbnail),
        Just(Do::RecordCaptions { captions: captions() }),
        Just(Do::RecordStoryboard { storyboard: storyboard() }),
        Just(complete()),
        failure.prop_map(|failure| Do::FailTranscode { failure }),
    ]
}

fn commands() -> impl Strategy<Value = Do> {
    let captions = captions_by(select(vec![ADA, ADA, BOB]));
    prop_oneof![3 => uploads(), 4 => reports(), 4 => captions, 3 => crate::video_library::wishes()]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Video>(Did::TYPES, select(videos()), commands());
}

#[test]
fn any_history_folds() {
    total::<Video>(select(videos()), commands());
}
