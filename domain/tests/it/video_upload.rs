//! Films: how a large file is divided, and the steps of an upload in parts.

use lockstep_domain::video::{
    AbortReason, PART_BYTES_MIN, PartPlan, SINGLE_PUT_BYTES_MAX, Status, Step, UPLOAD_BYTES_MAX, VideoCommand as Do,
    VideoError as No, VideoEvent as Did,
};

use crate::{
    sample::{ADA, requested},
    video::{given, processing, ready, rejected, request_as, uploaded},
};

const LARGE: u64 = SINGLE_PUT_BYTES_MAX + 1;

fn large() -> Did {
    let mut event = requested();
    let Did::UploadRequested { size_bytes, .. } = &mut event else { unreachable!("the sample is a request") };
    *size_bytes = LARGE;
    event
}

fn start(upload_id: &str) -> Do {
    Do::Upload(Step::StartMultipart { upload_id: upload_id.into(), lost: None })
}

fn started() -> Did {
    Did::MultipartStarted { upload_id: "b2f7".into(), part_bytes: PART_BYTES_MIN, parts: 9 }
}

fn abort() -> Do {
    Do::Upload(Step::Abort { reason: AbortReason::Withdrawn })
}

fn aborted() -> Did {
    Did::UploadAborted { reason: AbortReason::Withdrawn }
}

#[test]
fn parts_are_as_long_as_the_size_says_and_add_up() {
    assert_eq!(PartPlan::of(SINGLE_PUT_BYTES_MAX), None);
    let sizes = [LARGE, 300_000_000, 9_000 * PART_BYTES_MIN, 9_000 * PART_BYTES_MIN + 1, UPLOAD_BYTES_MAX];
    for size in sizes {
        let plan = PartPlan::of(size).expect("in parts");
        assert!(plan.part_bytes >= PART_BYTES_MIN && plan.parts <= 9_000, "{size}: {plan:?}");
        let bytes = (1..=plan.parts).map(|number| plan.bytes_of(number).expect("a part"));
        assert_eq!(bytes.sum::<u64>(), size);
        assert_eq!((plan.bytes_of(0), plan.bytes_of(plan.parts + 1)), (None, None), "{size}");
    }
    assert_eq!(PartPlan::of(UPLOAD_BYTES_MAX).map(|plan| plan.part_bytes), Some(11_111_112));
}

#[test]
fn an_upload_in_parts_starts_once() {
    given([large()]).when(start("b2f7")).then([started()]);
    given([large(), started()]).when(start("other")).then([]);
    given([requested()]).when(start("b2f7")).refused(No::SentWhole);
    given([large(), aborted()]).when(start("b2f7")).refused(No::WrongStatus(Status::Aborted));
    given(uploaded()).when(start("b2f7")).refused(No::WrongStatus(Status::Uploaded));
    given([]).when(start("b2f7")).refused(No::Unknown);
}

#[test]
fn an_upload_that_the_store_has_lost_starts_again_once() {
    let again = |upload_id: &str, lost: &str| {
        Do::Upload(Step::StartMultipart { upload_id: upload_id.into(), lost: Some(lost.into()) })
    };
    let anew = || Did::MultipartStarted { upload_id: "c3".into(), part_bytes: PART_BYTES_MIN, parts: 9 };
    given([large(), started()]).when(again("c3", "b2f7")).then([anew()]);
    given([large(), started(), anew()]).when(again("c3", "b2f7")).then([]);
    given([large(), started(), anew()]).when(again("d4", "b2f7")).then([]);
    given([large(), started()]).when(again("b2f7", "b2f7")).then([]);
    given([large(), started(), aborted()]).when(again("c3", "b2f7")).refused(No::WrongStatus(Status::Aborted));
}

#[test]
fn an_upload_is_given_up_before_it_arrived() {
    for held in [vec![requested()], vec![large(), started()]] {
        given(held).when(abort()).then([aborted()]);
    }
    given([requested(), aborted()]).when(abort()).then([]);
    given([requested(), rejected()]).when(abort()).refused(No::WrongStatus(Status::Rejected));
    for (held, status) in [(uploaded(), Status::Uploaded), (processing(), Status::Processing), (ready(), Status::Ready)]
    {
        given(held).when(abort()).refused(No::WrongStatus(status));
    }
    for late in [Do::CompleteUpload, Do::RejectUpload { reason: "late".into() }, Do::StartTranscode] {
        given([requested(), aborted()]).when(late).refused(No::WrongStatus(Status::Aborted));
    }
}

#[test]
fn a_fingerprint_goes_with_the_request() {
    let with = |fingerprint: &str| {
        let mut wish = request_as(ADA, "Holiday", 1_048_576, "video/mp4", "u/film");
        let Do::RequestUpload { fingerprint: held, .. } = &mut wish else { unreachable!("it is a request") };
        *held = Some(fingerprint.into());
        wish
    };
    let print = "5f".repeat(32);
    given([]).when(with(&print)).then([requested(), Did::UploadFingerprinted { fingerprint: print.clone() }]);
    given([requested()]).when(with(&print)).then([]);
    for bad in ["", "5f", &"5F".repeat(32), &"g".repeat(64)] {
        given([]).when(with(bad)).refused(No::Fingerprint);
    }
}
