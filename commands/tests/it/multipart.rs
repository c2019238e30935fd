//! Uploads in parts: they go on where they stopped, nothing acknowledged is lost, nothing given up stays.

use lockstep_commands::{
    CommandError, Services,
    upload::{self, SIGNED_PARTS_MAX, Uploads},
    video::{self, Upload, VideoRefusal, system_context},
};
use lockstep_domain::{
    ids::{AccountId, StreamId, VideoId},
    video::{AbortReason, PartPlan, Status, Video, VideoCommand, VideoError},
};
use uuid::Uuid;

use crate::{
    support::World,
    uploads::{age, status},
};

/// Just above what is sent whole: nine parts of 8 MiB, the last of one MiB.
const SIZE: u64 = (64 << 20) + (1 << 20);
pub const PARTS: u32 = 9;

pub fn large(fingerprint: Option<&str>) -> Upload {
    Upload {
        title: "Holiday".to_owned(),
        file_name: "holiday.mp4".to_owned(),
        size_bytes: SIZE,
        content_type: "video/mp4".to_owned(),
        fingerprint: fingerprint.map(str::to_owned),
        again: false,
    }
}

async fn requested(world: &World, owner: AccountId) -> VideoId {
    let ticket = video::request_upload(&world.services, &world.context(owner), large(None)).await.expect("requested");
    assert_eq!(ticket.parts, PartPlan::of(SIZE));
    ticket.video
}

/// An upload that is in the log alone: nothing has begun in the store.
async fn noted(world: &World, owner: AccountId) -> VideoId {
    let video = VideoId(Uuid::now_v7());
    let Upload { title, file_name, size_bytes, content_type, .. } = large(None);
    let request = VideoCommand::RequestUpload {
        owner,
        title,
        file_name,
        size_bytes,
        content_type,
        object_key: format!("u/{video}"),
        fingerprint: None,
    };
    let context = world.context(owner);
    let noted = world.services.dispatcher.execute::<Video>(StreamId::video(video), None, &context, request);
    noted.await.expect("noted");
    video
}

/// Sends one part as a browser does; gives the store's answer.
async fn send(world: &World, owner: AccountId, video: VideoId, number: u32) -> u16 {
    let signed = upload::sign_parts(&world.services, &world.context(owner), video, &[number]).await.expect("signed").0;
    let mut body = vec![number as u8; signed[0].bytes as usize];
    if number == 1 {
        body[..12].copy_from_slice(b"\0\0\0\x20ftypisom");
    }
    let target = signed[0].url.strip_prefix("http://localhost:1").expect("the public address");
    let request = http::Request::put(target).header("host", "localhost:1").header("content-length", body.len());
    world.embedded.handle(request.body(axum::body::Body::from(body)).expect("a request")).await.status().as_u16()
}

async fn received(world: &World, owner: AccountId, video: VideoId) -> Vec<u32> {
    upload::parts(&world.services, &world.context(owner), video).await.expect("listed").1
}

/// What the store has open, by key.
async fn open(world: &World) -> Vec<String> {
    let open = world.services.objects.interim.list_multiparts("").await.expect("listed");
    open.into_iter().map(|upload| upload.key).collect()
}

fn system(world: &World) -> impl Fn() -> lockstep_commands::Context {
    || system_context(Uuid::now_v7(), world.services.clock.now(), None)
}

#[tokio::test]
async fn an_upload_goes_on_where_it_stopped() {
    let world = World::new().await;
    let (ada, eve) = (world.account("Ada").await, world.account("Eve").await);
    let video = requested(&world, ada).await;
    for number in [3, 1, 2, 4, 5, 6, 8, 7] {
        assert_eq!(send(&world, ada, video, number).await, 200);
    }
    let context = world.context(ada);
    let early = video::confirm_upload(&world.services, &context, video).await;
    assert!(matches!(early, Err(CommandError::Refused(VideoRefusal::NotArrived))), "{early:?}");
    let unfinished = upload::unfinished(&world.services, ada).await.expect("listed");
    assert_eq!((unfinished.len(), unfinished[0].video), (1, video));
    assert_eq!(unfinished[0].received, (1..PARTS).collect::<Vec<_>>());
    assert!(upload::unfinished(&world.services, eve).await.expect("listed").is_empty(), "another's are not shown");
    assert_eq!(send(&world, ada, video, PARTS).await, 200);
    let first = video::confirm_upload(&world.services, &context, video).await.expect("confirmed");
    let again = video::confirm_upload(&world.services, &context, video).await.expect("repeated");
    assert_eq!(again.position, first.position);
    assert_eq!(status(&world, video).await, Status::Uploaded);
    let head = world.services.objects.interim.head(&format!("u/{video}")).await.expect("asks").expect("is there");
    assert_eq!((head.bytes, head.content_type.as_str()), (SIZE, "video/mp4"));
    assert!(open(&world).await.is_empty());
    assert!(upload::unfinished(&world.services, ada).await.expect("listed").is_empty());
}

#[tokio::test]
async fn parts_are_fixed_by_the_server_and_for_the_owner() {
    let world = World::new().await;
    let (ada, eve) = (world.account("Ada").await, world.account("Eve").await);
    let video = requested(&world, ada).await;
    let sign = async |by, video, numbers: &[u32]| {
        upload::sign_parts(&world.services, &world.context(by), video, numbers).await.map(|(parts, _)| parts)
    };
    let signed = sign(ada, video, &[1, PARTS]).await.expect("signed");
    assert_eq!(signed.iter().map(|part| part.bytes).collect::<Vec<_>>(), [8 << 20, 1 << 20]);
    let many: Vec<u32> = vec![1; SIGNED_PARTS_MAX + 1];
    for numbers in [&[0][..], &[PARTS + 1], &[], &many] {
        let refused = sign(ada, video, numbers).await;
        assert!(matches!(refused, Err(CommandError::Refused(VideoRefusal::Parts))), "{numbers:?}: {refused:?}");
    }
    let unknown = VideoId(Uuid::now_v7());
    for (by, video) in [(eve, video), (ada, unknown)] {
        let context = world.context(by);
        let answers = [
            sign(by, video, &[1]).await.map(drop),
            upload::parts(&world.services, &context, video).await.map(drop),
            upload::abort(&world.services, &context, video, AbortReason::Withdrawn).await.map(drop),
            video::confirm_upload(&world.services, &context, video).await.map(drop),
        ];
        for answer in answers {
            let unknown = Err(CommandError::Refused(VideoRefusal::Rule(VideoError::Unknown)));
            assert_eq!(answer, unknown, "a foreign upload is as one that is not there");
        }
    }
    let small = Upload { size_bytes: 1_000, ..large(None) };
    let small = video::request_upload(&world.services, &world.context(ada), small).await.expect("requested");
    assert!(small.parts.is_none() && !small.url.is_empty());
    let whole = sign(ada, small.video, &[1]).await;
    assert!(matches!(whole, Err(CommandError::Refused(VideoRefusal::Rule(VideoError::SentWhole)))));
}

#[tokio::test]
async fn giving_up_frees_the_parts_and_what_comes_late() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let video = requested(&world, ada).await;
    assert_eq!(send(&world, ada, video, 1).await, 200);
    let context = world.context(ada);
    let abort = async || upload::abort(&world.services, &context, video, AbortReason::Withdrawn).await;
    let first = abort().await.expect("aborted");
    assert_eq!(abort().await.expect("repeated").position, first.position);
    assert_eq!(status(&world, video).await, Status::Aborted);
    let late = upload::sign_parts(&world.services, &world.context(ada), video, &[2]).await;
    assert!(matches!(late, Err(CommandError::Refused(VideoRefusal::Rule(VideoError::WrongStatus(Status::Aborted))))));
    let confirmed = video::confirm_upload(&world.services, &world.context(ada), video).await;
    assert!(matches!(confirmed, Err(CommandError::Refused(VideoRefusal::Rule(VideoError::WrongStatus(_))))));
    // What the reaction does.
    video::remove_interim(&world.services, &system(&world)(), video).await.expect("removed");
    assert!(open(&world).await.is_empty());
    // An address that was still good: the object comes after the end.
    let key = format!("u/{video}");
    world.services.objects.interim.put(&key, bytes::Bytes::from_static(b"late"), "video/mp4").await.expect("stored");
    assert_eq!(upload::sweep_store(&world.services, system(&world)).await.expect("sweeps"), 1);
    assert!(world.services.objects.interim.list("", 10).await.expect("listed").is_empty());
}

#[tokio::test]
async fn what_is_older_than_a_day_is_given_up_and_what_arrived_is_not() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let (left, arrived) = (requested(&world, ada).await, requested(&world, ada).await);
    assert_eq!(send(&world, ada, left, 1).await, 200);
    for number in 1..=PARTS {
        assert_eq!(send(&world, ada, arrived, number).await, 200);
    }
    assert_eq!(upload::sweep_abandoned(&world.services, system(&world)).await.expect("sweeps"), 0, "too young");
    age(&world, "25 hours").await;
    assert_eq!(upload::sweep_abandoned(&world.services, system(&world)).await.expect("sweeps"), 1);
    assert_eq!(status(&world, left).await, Status::Aborted);
    assert_eq!(status(&world, arrived).await, Status::Uploaded, "the browser died after the last part");
    assert_eq!(upload::sweep_abandoned(&world.services, system(&world)).await.expect("sweeps"), 0);
    upload::sweep_store(&world.services, system(&world)).await.expect("sweeps");
    assert!(open(&world).await.is_empty());
    assert_eq!(world.services.objects.interim.list("", 10).await.expect("listed"), [format!("u/{arrived}")]);
}

#[tokio::test]
async fn a_store_that_dies_in_mid_upload_loses_nothing_and_keeps_nothing_else() {
    let mut world = World::new().await;
    let ada = world.account("Ada").await;
    let video = requested(&world, ada).await;
    for number in [1, 2, 5] {
        assert_eq!(send(&world, ada, video, number).await, 200);
    }
    world.stop_objects();
    let context = world.context(ada);
    let down = video::confirm_upload(&world.services, &context, video).await;
    assert!(matches!(down, Err(CommandError::Unavailable(_))), "{down:?}");
    let refused = video::request_upload(&world.services, &world.context(ada), large(None)).await;
    assert!(matches!(refused, Err(CommandError::Unavailable(_))), "{refused:?}");
    assert_eq!(status(&world, video).await, Status::Uploading);
    world.start_objects();
    assert_eq!(received(&world, ada, video).await, [1, 2, 5], "what was acknowledged is there");
    for number in [3, 4, 6, 7, 8, 9] {
        assert_eq!(send(&world, ada, video, number).await, 200);
    }
    video::confirm_upload(&world.services, &context, video).await.expect("confirmed");
    assert_eq!(status(&world, video).await, Status::Uploaded);
    assert!(open(&world).await.is_empty(), "the store's listing is what the log says");
}

#[tokio::test]
async fn a_crash_between_the_store_and_the_log_leaves_no_orphan() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    // Requested in the log, begun in the store, and then the process died.
    let video = noted(&world, ada).await;
    let (key, stream) = (format!("u/{video}"), StreamId::video(video));
    let interim = &world.services.objects.interim;
    let orphan = interim.create_multipart(&key, "video/mp4").await.expect("created");
    assert_eq!(send(&world, ada, video, 1).await, 200);
    let held = world.services.dispatcher.load::<Video>(&stream).await.expect("loads");
    assert_eq!(held.state.upload_id.as_ref(), Some(&orphan), "the one that was there goes on");
    assert_eq!(open(&world).await.len(), 1);
    // One the log knows nothing of goes; the one it knows stays.
    interim.create_multipart(&key, "video/mp4").await.expect("created");
    assert_eq!(upload::sweep_store(&world.services, system(&world)).await.expect("sweeps"), 1);
    assert_eq!(received(&world, ada, video).await, [1]);
    assert_eq!(open(&world).await.len(), 1);
}

#[tokio::test]
async fn many_who_begin_at_once_begin_once() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let video = noted(&world, ada).await;
    let pool = world.database.pool().await;
    let node = Services { uploads: Uploads::default(), pool, ..world.other_node().await };
    let nodes = [&world.services, &node];
    let contexts: Vec<_> = (0..8).map(|_| world.context(ada)).collect();
    let asked =
        contexts.iter().enumerate().map(|(index, context)| upload::sign_parts(nodes[index % 2], context, video, &[1]));
    for signed in futures::future::join_all(asked).await {
        signed.expect("signed");
    }
    assert_eq!(open(&world).await.len(), 1);
    assert_eq!(send(&world, ada, video, 1).await, 200);
    assert_eq!(received(&world, ada, video).await, [1], "the one that is open is the one the log knows");
}
