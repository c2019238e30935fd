//! The object store is killed while films are published, and started again: every film becomes ready, and the store's
//! listing is what the log says. And a film that failed is tried again, for real.

use std::os::unix::fs::PermissionsExt;

use lockstep_commands::{Actor, library};
use lockstep_domain::{
    ids::StreamId,
    video::{Video, VideoEvent},
    work::WorkEvent,
};
use lockstep_object_store::Buckets;
use lockstep_transcoder::{Transcoder, TranscoderOptions};
use tokio_util::sync::CancellationToken;

use crate::{
    clips,
    listing::listing_equals_log,
    stand_in::{At, Fuse, StandIn},
    world::{Happened, World},
};

async fn mortal() -> (World, StandIn, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = StandIn::start(folder.path());
    let mut world = World::new().await;
    world.services.objects = Buckets::connect(&store.settings()).unwrap();
    (world, store, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_killed_while_a_film_is_published_loses_and_leaves_nothing() {
    let (world, mut store, folder) = mortal().await;
    let film = clips::film(folder.path(), "film.mp4", "160x120", "25", 9);
    let transcoder = world.transcoder("one", 2).await;
    let deaths: [(fn(&str, &str) -> bool, u32, At); 5] = [
        (|method, url| method == "PUT" && url.contains(".m4s"), 0, At::Within),
        (|method, url| method == "PUT" && url.contains(".m4s"), 2, At::After),
        (|method, url| method == "PUT" && url.contains("master.m3u8"), 0, At::After),
        (|method, url| method == "PUT" && url.contains("storyboard.vtt"), 0, At::Within),
        (|method, url| method == "GET" && url.contains("/interim/u/"), 2, At::Before),
    ];
    for (of, passes, at) in deaths {
        let video = world.upload_file(&film).await;
        store.arm(Fuse { of, passes, at });
        store.died().await;
        store.restart();
        world.history(video).until_ready().await;
        listing_equals_log(&world.services).await;
    }
    transcoder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stays_away_costs_time_alone() {
    let (world, mut store, folder) = mortal().await;
    let video = world.upload_file(&clips::film(folder.path(), "film.mp4", "160x120", "25", 9)).await;
    store.arm(Fuse { of: |method, url| method == "PUT" && url.contains(".m4s"), passes: 1, at: At::Within });
    let transcoder = world.transcoder("one", 1).await;
    store.died().await;
    assert!(store.is_dead());
    let mut history = world.history(video);
    // Long enough for the work to be given back.
    history
        .until("given back", |happened| matches!(happened, Happened::Work(_, WorkEvent::ClaimLapsed { .. }, _)))
        .await;
    store.restart();
    history.until_ready().await;
    listing_equals_log(&world.services).await;
    transcoder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_whose_reader_crashed_is_tried_again_and_becomes_ready() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let video = world.upload_file(&clips::film(folder.path(), "film.mp4", "160x120", "25", 9)).await;
    // Reads the film and makes one item of it; from then on it is killed whenever it starts.
    let program = folder.path().join("media");
    let (real, turns) = (env!("CARGO_BIN_EXE_lockstep-media"), folder.path().display());
    let script = format!(
        "#!/bin/sh\nfor n in 1 2; do mkdir {turns}/turn$n 2>/dev/null && exec {real} \"$@\"; done\nkill -9 $$\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let options = TranscoderOptions { worker: "frail".to_owned(), media_program: program, concurrency: 1 };
    let shutdown = CancellationToken::new();
    let frail = tokio::spawn(Transcoder::new(world.other_process().await, options).run(shutdown.clone()));
    let mut history = world.history(video);
    history.until("failure", |happened| matches!(happened, Happened::Video(VideoEvent::TranscodeFailed { .. }))).await;
    let Some(VideoEvent::TranscodeFailed { failure }) = history.videos().last() else { panic!("it failed") };
    assert_eq!(failure.code, "crashed");
    shutdown.cancel();
    frail.await.unwrap();
    let held = world.services.dispatcher.load::<Video>(&StreamId::video(video)).await.unwrap().state;
    let owner = world.context(Actor::Account(held.owner.unwrap()));
    library::retry(&world.services, &owner, video).await.unwrap();
    let able = world.transcoder("able", 1).await;
    history.until_ready().await;
    // What was made before it failed was not made again.
    let done = |history: &crate::world::History| {
        history
            .works()
            .filter(|(_, event, _)| matches!(event, WorkEvent::WorkCompleted { .. }))
            .map(|(item, ..)| item)
            .collect::<Vec<_>>()
    };
    let mut once = done(&history);
    let all = once.len();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), all, "no item twice");
    listing_equals_log(&world.services).await;
    able.stop().await;
}
