//! The object store is killed in the midst of uploads, deletions and captions, and started again on what it had: nothing
//! is lost, nothing is left over, and its listing is what the log says.

use lockstep_commands::{
    CommandError, Context,
    captions::{self, CaptionFile},
    library, loose, upload,
    video::{self, system_context},
};
use lockstep_domain::{
    ids::{AccountId, StreamId, VideoId},
    video::{Place, Status, Video, VideoState},
};
use lockstep_object_store::Buckets;
use uuid::Uuid;

use crate::{
    library::ready,
    listing::listing_equals_log,
    multipart::{PARTS, large},
    stand_in::{At, Fuse, StandIn},
    support::World,
};

/// A world whose objects are in a store that can die.
struct Mortal {
    world: World,
    store: StandIn,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

type Tried<T> = Result<T, String>;

impl Mortal {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StandIn::start(folder.path());
        let mut world = World::new().await;
        world.services.objects = Buckets::connect(&store.settings()).expect("settings");
        Self { world, store, http: reqwest::Client::new(), _folder: folder }
    }

    fn system(&self) -> Context {
        system_context(Uuid::now_v7(), self.world.services.clock.now(), None)
    }

    async fn state(&self, video: VideoId) -> VideoState {
        self.world.services.dispatcher.load::<Video>(&StreamId::video(video)).await.expect("a film").state
    }

    /// An upload in parts as a browser with patience does it: whatever fails is tried again. Gives how often it did.
    async fn upload(&mut self, owner: AccountId) -> (VideoId, u32) {
        let context = self.world.context(owner);
        for failures in 0..5 {
            match self.try_upload(owner, &context).await {
                Ok(video) => return (video, failures),
                Err(error) => assert!(self.store.is_dead(), "{error}"),
            }
            self.store.restart();
        }
        panic!("it never arrives");
    }

    async fn try_upload(&self, owner: AccountId, context: &Context) -> Tried<VideoId> {
        let services = &self.world.services;
        let ticket = video::request_upload(services, context, large(None)).await.map_err(text)?;
        let own = self.world.context(owner);
        let received = upload::parts(services, &own, ticket.video).await.map_err(text)?.1;
        for number in (1..=PARTS).filter(|number| !received.contains(number)) {
            let signed = upload::sign_parts(services, &own, ticket.video, &[number]).await.map_err(text)?.0;
            let mut body = vec![number as u8; signed[0].bytes as usize];
            if number == 1 {
                body[..12].copy_from_slice(b"\0\0\0\x20ftypisom");
            }
            let answer = self.http.put(&signed[0].url).body(body).send().await.map_err(|error| error.to_string())?;
            assert_eq!(answer.status(), 200, "part {number}");
        }
        video::confirm_upload(services, &own, ticket.video).await.map_err(text)?;
        Ok(ticket.video)
    }

    /// Tries until the trash is empty, starting the store again when it dies.
    async fn sweep_until_gone(&mut self, video: VideoId) {
        for _ in 0..3 {
            library::sweep_trash(&self.world.services, || self.system()).await.expect("sweeps");
            if self.state(video).await.place == Place::Purged {
                return;
            }
            assert!(self.store.is_dead(), "it ends when the store lives");
            self.store.restart();
        }
        panic!("it never ends");
    }
}

fn text<E: std::fmt::Display>(error: CommandError<E>) -> String {
    error.to_string()
}

/// The requests of an upload in parts: begun, a part, put together, looked at.
const OF_AN_UPLOAD: [(fn(&str, &str) -> bool, u32, At); 8] = [
    (|method, url| method == "POST" && url.contains("uploads"), 0, At::Before),
    (|method, url| method == "POST" && url.contains("uploads"), 0, At::After),
    (|method, url| method == "PUT" && url.contains("partNumber="), 2, At::Within),
    (|method, url| method == "PUT" && url.contains("partNumber="), 5, At::After),
    (|method, url| method == "POST" && url.contains("uploadId="), 0, At::Before),
    (|method, url| method == "POST" && url.contains("uploadId="), 0, At::Within),
    (|method, url| method == "POST" && url.contains("uploadId="), 0, At::After),
    (|method, url| method == "GET" && url.contains("/interim/u/") && url.contains("GetObject"), 0, At::Before),
];

#[tokio::test]
async fn a_store_killed_anywhere_in_an_upload_loses_nothing_and_keeps_nothing_else() {
    let mut mortal = Mortal::new().await;
    let ada = mortal.world.account("Ada").await;
    for (case, (of, passes, at)) in OF_AN_UPLOAD.into_iter().enumerate() {
        mortal.store.arm(Fuse { of, passes, at });
        let (video, deaths) = mortal.upload(ada).await;
        assert_eq!(deaths, 1, "case {case} {at:?}");
        assert_eq!(mortal.state(video).await.status, Status::Uploaded, "case {case} {at:?}");
        // What the sweep does after a start.
        upload::sweep_store(&mortal.world.services, || mortal.system()).await.expect("sweeps");
        listing_equals_log(&mortal.world.services).await;
    }
}

#[tokio::test]
async fn an_upload_that_the_store_has_lost_begins_again() {
    let mut mortal = Mortal::new().await;
    let ada = mortal.world.account("Ada").await;
    let context = mortal.world.context(ada);
    let ticket = video::request_upload(&mortal.world.services, &context, large(None)).await.expect("requested");
    let lost = mortal.state(ticket.video).await.upload_id.expect("begun");
    let interim = &mortal.world.services.objects.interim;
    interim.abort_multipart(&format!("u/{}", ticket.video), &lost).await.expect("the store forgets it");
    let video = mortal.try_upload(ada, &context).await.expect("arrives");
    assert_ne!(mortal.state(video).await.upload_id, Some(lost));
    listing_equals_log(&mortal.world.services).await;
    assert_eq!(mortal.upload(ada).await.1, 0, "and the next is as always");
}

#[tokio::test]
async fn a_store_killed_while_a_film_is_deleted_leaves_nothing_of_it() {
    let mut mortal = Mortal::new().await;
    let ada = mortal.world.account("Ada").await;
    for (passes, at) in [(0, At::Before), (1, At::Within), (2, At::After), (5, At::After)] {
        let video = ready(&mortal.world, ada).await;
        library::trash(&mortal.world.services, &mortal.world.context(ada), video).await.expect("trashed");
        library::purge(&mortal.world.services, &mortal.world.context(ada), video).await.expect("begun");
        mortal.store.arm(Fuse { of: |method, _| method == "DELETE", passes, at });
        let ended = library::finish_purge(&mortal.world.services, &mortal.system(), video).await;
        assert!(matches!(ended, Err(CommandError::Unavailable(_))), "{at:?}: {ended:?}");
        mortal.store.died().await;
        assert_eq!(mortal.state(video).await.place, Place::Purging, "nobody says that it is gone");
        mortal.sweep_until_gone(video).await;
        listing_equals_log(&mortal.world.services).await;
    }
}

#[tokio::test]
async fn a_film_deleted_in_mid_upload_takes_its_parts_with_it() {
    let mut mortal = Mortal::new().await;
    let ada = mortal.world.account("Ada").await;
    mortal.store.arm(Fuse {
        of: |method, url| method == "PUT" && url.contains("partNumber="),
        passes: 4,
        at: At::After,
    });
    let context = mortal.world.context(ada);
    mortal.try_upload(ada, &context).await.expect_err("dies");
    mortal.store.restart();
    let ticket = video::request_upload(&mortal.world.services, &context, large(None)).await.expect("is there");
    library::trash(&mortal.world.services, &mortal.world.context(ada), ticket.video).await.expect("trashed");
    library::purge(&mortal.world.services, &mortal.world.context(ada), ticket.video).await.expect("begun");
    mortal.sweep_until_gone(ticket.video).await;
    listing_equals_log(&mortal.world.services).await;
}

#[tokio::test]
async fn a_source_that_could_not_be_removed_goes_with_the_next_sweep() {
    let mut mortal = Mortal::new().await;
    let ada = mortal.world.account("Ada").await;
    let video = ready(&mortal.world, ada).await;
    // What the reaction to the end of a transcode does; it gives up after a while.
    mortal.store.arm(Fuse { of: |method, _| method == "DELETE", passes: 0, at: At::Before });
    let removed = video::remove_interim(&mortal.world.services, &mortal.system(), video).await;
    assert!(matches!(removed, Err(CommandError::Unavailable(_))), "{removed:?}");
    mortal.store.died().await;
    mortal.store.restart();
    assert_eq!(upload::sweep_store(&mortal.world.services, || mortal.system()).await.expect("sweeps"), 1);
    assert!(mortal.state(video).await.interim_removed);
    let left = mortal.world.services.objects.interim.list("", 10).await.expect("lists");
    assert!(left.is_empty(), "{left:?}");
}

const CAPTIONS: &str = "1\n00:00:01,000 --> 00:00:02,000\nHello\n";

#[tokio::test]
async fn captions_are_stored_as_long_as_the_log_has_them() {
    let mut mortal = Mortal::new().await;
    let ada = mortal.world.account("Ada").await;
    let video = ready(&mortal.world, ada).await;
    let file = || CaptionFile { language: None, label: "English".to_owned(), text: CAPTIONS.to_owned() };
    let texts = async |mortal: &Mortal| {
        let media = &mortal.world.services.objects.media;
        media.list(&format!("v/{video}/text/"), 10).await.expect("lists").len()
    };
    // Stored, but its answer never came, and nobody asks again.
    mortal.store.arm(Fuse { of: |method, url| method == "PUT" && url.contains("/text/"), passes: 0, at: At::After });
    let dead = captions::upload(&mortal.world.services, &mortal.world.context(ada), video, file()).await;
    assert!(matches!(dead, Err(CommandError::Unavailable(_))), "{dead:?}");
    mortal.store.died().await;
    mortal.store.restart();
    assert_eq!(texts(&mortal).await, 1);
    assert_eq!(loose::sweep(&mortal.world.services).await.expect("sweeps"), 0, "its event may still come");
    let hour = "UPDATE loose_objects SET due = due - interval '1 hour'";
    sqlx::query(hour).execute(&mortal.world.services.pool).await.expect("an hour passes");
    assert_eq!(loose::sweep(&mortal.world.services).await.expect("sweeps"), 1);
    assert_eq!(texts(&mortal).await, 0);
    // What is in the log stays, however often it is asked for.
    let context = mortal.world.context(ada);
    for _ in 0..2 {
        captions::upload(&mortal.world.services, &context, video, file()).await.expect("added");
    }
    sqlx::query(hour).execute(&mortal.world.services.pool).await.expect("an hour passes");
    assert_eq!(loose::sweep(&mortal.world.services).await.expect("sweeps"), 0, "nothing is loose");
    assert_eq!(texts(&mortal).await, 1);
    // Taken away while the store is dead, by the reaction: the sweep makes it good.
    let id = mortal.state(video).await.captions[0].id.clone();
    captions::remove(&mortal.world.services, &mortal.world.context(ada), video, id.clone()).await.expect("removed");
    mortal.store.kill();
    captions::discard(&mortal.world.services, video, &id).await.expect_err("nobody answers");
    mortal.store.restart();
    assert_eq!(loose::sweep(&mortal.world.services).await.expect("sweeps"), 1);
    assert_eq!(texts(&mortal).await, 0);
}
