//! What is confirmed is there, whole, and a video by its first bytes.

use bytes::Bytes;
use lockstep_commands::{
    CommandError,
    video::{self, Upload, UploadSweep, VideoRefusal, system_context},
};
use lockstep_domain::{
    ids::{AccountId, StreamId, VideoId},
    video::{Status, Video, VideoError},
};
use uuid::Uuid;

use crate::support::World;

const MP4: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0and then some";

async fn requested(world: &World, owner: AccountId, size_bytes: usize) -> VideoId {
    let upload = Upload {
        title: "Holiday".to_owned(),
        file_name: "holiday.mp4".to_owned(),
        size_bytes: size_bytes as u64,
        content_type: "video/mp4".to_owned(),
        fingerprint: None,
        again: false,
    };
    video::request_upload(&world.services, &world.context(owner), upload).await.expect("requested").video
}

async fn arrives(world: &World, video: VideoId, bytes: &'static [u8]) {
    let key = format!("u/{video}");
    world.services.objects.interim.put(&key, Bytes::from_static(bytes), "video/mp4").await.expect("stored");
}

pub async fn status(world: &World, video: VideoId) -> Status {
    world.services.dispatcher.load::<Video>(&StreamId::video(video)).await.expect("loads").state.status
}

/// Makes everything older on the database's clock; only the owner of the tables can do this.
pub async fn age(world: &World, by: &str) {
    let tables = sqlx::PgPool::connect(&world.database.url()).await.expect("connects");
    let aged = format!("UPDATE events SET recorded_at = recorded_at - interval '{by}'");
    for statement in ["ALTER TABLE events DISABLE TRIGGER USER", &aged] {
        sqlx::query(statement).execute(&tables).await.expect("ages");
    }
}

#[tokio::test]
async fn an_upload_is_confirmed_when_it_is_there() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let video = requested(&world, owner, MP4.len()).await;
    let early = video::confirm_upload(&world.services, &world.context(owner), video).await;
    assert!(matches!(early, Err(CommandError::Refused(VideoRefusal::NotArrived))));
    arrives(&world, video, MP4).await;
    let other = world.account("Eve").await;
    let foreign = video::confirm_upload(&world.services, &world.context(other), video).await;
    assert!(matches!(foreign, Err(CommandError::Refused(VideoRefusal::Rule(VideoError::Unknown)))));
    let context = world.context(owner);
    let first = video::confirm_upload(&world.services, &context, video).await.expect("confirmed");
    let again = video::confirm_upload(&world.services, &context, video).await.expect("repeated");
    assert_eq!(again.position, first.position);
    assert_eq!(status(&world, video).await, Status::Uploaded);
}

#[tokio::test]
async fn what_is_not_a_video_is_rejected_with_its_reason() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot a film";
    let video = requested(&world, owner, PNG.len()).await;
    arrives(&world, video, PNG).await;
    let refused = video::confirm_upload(&world.services, &world.context(owner), video).await;
    let Err(CommandError::Refused(VideoRefusal::Rejected(reason))) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("png"), "{reason}");
    assert_eq!(status(&world, video).await, Status::Rejected);
    let wrong_size = requested(&world, owner, 5).await;
    arrives(&world, wrong_size, MP4).await;
    let refused = video::confirm_upload(&world.services, &world.context(owner), wrong_size).await;
    assert!(matches!(refused, Err(CommandError::Refused(VideoRefusal::Rejected(_)))));
}

#[tokio::test]
async fn the_sweep_confirms_what_arrived_unconfirmed() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let video = requested(&world, owner, MP4.len()).await;
    arrives(&world, video, MP4).await;
    let context = || system_context(Uuid::now_v7(), world.services.clock.now(), None);
    let mut sweep = UploadSweep::default();
    assert_eq!(sweep.run(&world.services, context).await.expect("sweeps"), 0, "too young to be given up");
    age(&world, "1 minute").await;
    assert_eq!(sweep.run(&world.services, context).await.expect("sweeps"), 1);
    assert_eq!(status(&world, video).await, Status::Uploaded);
    assert_eq!(sweep.run(&world.services, context).await.expect("sweeps"), 0);
}

#[tokio::test]
async fn uploads_that_never_arrive_keep_no_other_waiting_for_the_sweep() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let mut videos = Vec::new();
    for _ in 0..3 {
        videos.push(requested(&world, owner, MP4.len()).await);
    }
    age(&world, "1 minute").await;
    let context = || system_context(Uuid::now_v7(), world.services.clock.now(), None);
    let mut sweep = UploadSweep::by(1);
    arrives(&world, videos[2], MP4).await;
    for arrived in [0, 0, 1] {
        assert_eq!(sweep.run(&world.services, context).await.expect("sweeps"), arrived);
    }
    assert_eq!(status(&world, videos[2]).await, Status::Uploaded);
    // From the beginning again.
    arrives(&world, videos[0], MP4).await;
    let mut arrived = 0;
    for _ in 0..3 {
        arrived += sweep.run(&world.services, context).await.expect("sweeps");
    }
    assert_eq!(arrived, 1);
}

#[tokio::test]
async fn the_interim_object_goes_when_it_is_not_needed() {
    let world = World::new().await;
    let owner = world.account("Ada").await;
    let video = requested(&world, owner, MP4.len()).await;
    arrives(&world, video, MP4).await;
    let context = system_context(Uuid::now_v7(), world.services.clock.now(), None);
    let first = video::remove_interim(&world.services, &context, video).await.expect("removed");
    assert!(world.services.objects.interim.head(&format!("u/{video}")).await.expect("asks").is_none());
    let again = video::remove_interim(&world.services, &context, video).await.expect("repeated");
    assert_eq!(first.position, again.position);
}
