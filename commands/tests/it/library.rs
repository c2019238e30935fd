//! The trash, the end of a film in the store and in the log, trying again, and who may put a film on.

use lockstep_commands::{
    CommandError, Context, library, playback, transcode, video::VideoRefusal, video::system_context,
};
use lockstep_domain::{
    channel::Visibility,
    ids::{AccountId, StreamId, VideoId},
    time::MediaTime,
    video::{Edit, Place, Source, Status, TRASH_LIFE_US, Video, VideoCommand, VideoError, VideoState},
    work::{Failure, Work},
};
use lockstep_object_store::{Buckets, S3Settings};
use uuid::Uuid;

use crate::support::World;

fn system(world: &World) -> Context {
    system_context(Uuid::now_v7(), world.services.clock.now(), None)
}

async fn film(world: &World, video: VideoId, command: VideoCommand) {
    world
        .services
        .dispatcher
        .execute::<Video>(StreamId::video(video), None, &system(world), command)
        .await
        .expect("happens");
}

async fn uploaded(world: &World, owner: AccountId) -> VideoId {
    let video = VideoId(Uuid::now_v7());
    let request = VideoCommand::RequestUpload {
        owner,
        title: "Holiday".to_owned(),
        file_name: "holiday.mp4".to_owned(),
        size_bytes: 3,
        content_type: "video/mp4".to_owned(),
        object_key: format!("u/{video}"),
        fingerprint: None,
    };
    for command in [request, VideoCommand::CompleteUpload, VideoCommand::StartTranscode] {
        film(world, video, command).await;
    }
    world.services.objects.interim.put(&format!("u/{video}"), "abc".into(), "video/mp4").await.expect("stored");
    video
}

fn source() -> Source {
    Source {
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: None,
        duration_us: MediaTime(60_000_000),
        width: 1,
        height: 1,
        rotation_degrees: 0,
        frame_rate_num: 25,
        frame_rate_den: 1,
        audio_channels: 0,
        sounds: vec![],
        texts: vec![],
        chapters: vec![],
    }
}

/// A finished film with a few objects of each kind.
pub async fn ready(world: &World, owner: AccountId) -> VideoId {
    let video = uploaded(world, owner).await;
    film(world, video, VideoCommand::RecordProbe { source: source() }).await;
    let (hls_key, dash_key) = (format!("v/{video}/master.m3u8"), format!("v/{video}/manifest.mpd"));
    film(world, video, VideoCommand::CompleteTranscode { hls_key, dash_key, duration: MediaTime(60_000_000) }).await;
    for name in ["master.m3u8", "manifest.mpd", "thumb.jpg", "720p/init.mp4", "720p/00001.m4s"] {
        world.services.objects.media.put(&format!("v/{video}/{name}"), "x".into(), "video/mp4").await.expect("stored");
    }
    video
}

async fn objects(world: &World, video: VideoId) -> usize {
    let (interim, media) = (&world.services.objects.interim, &world.services.objects.media);
    let source = interim.list(&format!("u/{video}"), 100).await.expect("lists").len();
    source + media.list(&format!("v/{video}/"), 100).await.expect("lists").len()
}

async fn state(world: &World, video: VideoId) -> VideoState {
    world.services.dispatcher.load::<Video>(&StreamId::video(video)).await.expect("a film").state
}

async fn sweep(world: &World) -> u32 {
    library::sweep_trash(&world.services, || system(world)).await.expect("sweeps")
}

#[tokio::test]
async fn a_film_leaves_the_trash_after_seven_days_with_everything_stored_of_it() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let (gone, kept) = (ready(&world, ada).await, ready(&world, ada).await);
    for video in [gone, kept] {
        library::trash(&world.services, &world.context(ada), video).await.expect("trashed");
    }
    library::restore(&world.services, &world.context(ada), kept).await.expect("restored");
    world.clock.advance(TRASH_LIFE_US - 1);
    assert_eq!((sweep(&world).await, objects(&world, gone).await), (0, 6), "a moment too early");
    world.clock.advance(1);
    assert_eq!((sweep(&world).await, objects(&world, gone).await, objects(&world, kept).await), (1, 0, 6));
    assert_eq!((state(&world, gone).await.place, state(&world, kept).await.place), (Place::Purged, Place::Library));
    assert_eq!(sweep(&world).await, 0, "it has ended");
}

/// The media bucket of a store that is not there.
fn dead_store() -> Buckets {
    Buckets::connect(&S3Settings {
        endpoint_url: "http://127.0.0.1:1".to_owned(),
        public_url: None,
        region: "us-east-1".to_owned(),
        access_key: "k".to_owned(),
        secret_key: "s".to_owned(),
        path_style: true,
        interim: "interim".to_owned(),
        media: "media".to_owned(),
    })
    .expect("settings")
}

#[tokio::test]
async fn a_store_that_fails_half_way_leaves_nothing_behind_once_it_is_back() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let video = ready(&world, ada).await;
    library::trash(&world.services, &world.context(ada), video).await.expect("trashed");
    library::purge(&world.services, &world.context(ada), video).await.expect("begun");
    let mut broken = world.services.clone();
    broken.objects.media = dead_store().media;
    let refused = library::finish_purge(&broken, &system(&world), video).await;
    assert!(matches!(refused, Err(CommandError::Unavailable(_))), "{refused:?}");
    assert_eq!((objects(&world, video).await, state(&world, video).await.place), (5, Place::Purging), "half way");
    assert_eq!(sweep(&world).await, 1);
    assert_eq!((objects(&world, video).await, state(&world, video).await.place), (0, Place::Purged));
}

#[tokio::test]
async fn what_comes_late_goes_too() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let video = ready(&world, ada).await;
    library::trash(&world.services, &world.context(ada), video).await.expect("trashed");
    library::purge(&world.services, &world.context(ada), video).await.expect("begun");
    assert_eq!(sweep(&world).await, 1);
    world.services.objects.media.put(&format!("v/{video}/720p/00002.m4s"), "x".into(), "video/mp4").await.expect("put");
    library::sweep_late_objects(&world.services).await.expect("sweeps");
    assert_eq!(objects(&world, video).await, 0);
}

#[tokio::test]
async fn only_its_keepers_and_nobody_suspended() {
    let world = World::new().await;
    let (ada, eve) = (world.account("Ada").await, world.account("Eve").await);
    let video = ready(&world, ada).await;
    let edit = Edit { title: Some("Mine".to_owned()), ..Edit::default() };
    let refused = library::edit(&world.services, &world.context(eve), video, edit.clone()).await;
    assert_eq!(refused, Err(CommandError::Refused(VideoRefusal::Rule(VideoError::Unknown))));
    library::edit(&world.services, &world.context(ada), video, edit).await.expect("edited");
    assert_eq!(state(&world, video).await.title.value().map(String::as_str), Some("Mine"));
    let context = world.context(ada);
    let none = library::each(&[], |video| library::trash(&world.services, &context, video)).await;
    assert!(matches!(none, Err(CommandError::Refused(VideoRefusal::TooMany))));
}

#[tokio::test]
async fn a_film_that_failed_is_opened_again_with_its_failed_items() {
    let world = World::new().await;
    let ada = world.account("Ada").await;
    let video = uploaded(&world, ada).await;
    let failure =
        Failure { stage: "probe".into(), code: "unreadable".into(), reason: "It broke off.".into(), retryable: true };
    let claimed = transcode::claim(&world.services, &system(&world), video, 0, "w1").await.expect("asks");
    let transcode::Claimed::Held(claim, _) = claimed else { panic!("{claimed:?}") };
    transcode::fail_item(&world.services, &system(&world), &claim, failure.clone()).await.expect("fails");
    transcode::fail(&world.services, &system(&world), video, failure).await.expect("fails");
    library::retry(&world.services, &world.context(ada), video).await.expect("again");
    let item = world.services.dispatcher.load::<Work>(&StreamId::work(video, 0)).await.expect("an item").state;
    assert_eq!((state(&world, video).await.status, item.failure), (Status::Processing, None));
    let claimed = transcode::claim(&world.services, &system(&world), video, 0, "w2").await.expect("asks");
    assert!(matches!(claimed, transcode::Claimed::Held(..)), "{claimed:?}");
}

#[tokio::test]
async fn a_private_or_deleted_film_is_put_on_by_nobody_else() {
    let world = World::new().await;
    let (ada, bob) = (world.account("Ada").await, world.account("Bob").await);
    let video = ready(&world, ada).await;
    let (own, other) = (world.channel(ada).await, world.channel(bob).await);
    let load = async |by, channel| playback::load_video(&world.services, &world.context(by), channel, video).await;
    let visibility = Some(Visibility::Private);
    let edit = Edit { visibility, ..Edit::default() };
    library::edit(&world.services, &world.context(ada), video, edit).await.expect("private");
    assert!(load(bob, other).await.is_err());
    load(ada, own).await.expect("the owner puts it on");
    library::trash(&world.services, &world.context(ada), video).await.expect("trashed");
    assert!(load(ada, own).await.is_err());
}
