//! The whole service on a real log: films become streams, whoever dies on the way.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lockstep_domain::{ids::VideoId, video::VideoEvent, work::WorkEvent};

use crate::{
    clips,
    world::{Happened, History, World},
};

/// Every published segment of the film: once per rendition and number (an init segment once per item).
fn assert_published_once(history: &History) {
    let mut seen = BTreeSet::new();
    for (item, event, _) in history.works() {
        if let WorkEvent::SegmentPublished { segment, .. } = event {
            let item = if segment.number == 0 { item } else { 0 };
            assert!(seen.insert((item, segment.rendition.clone(), segment.number)), "{segment:?} came twice");
        }
    }
}

/// Percentages that never go back, and at most one event per second.
fn assert_progress(history: &History) {
    let percents: Vec<u32> = history
        .videos()
        .filter_map(|event| match event {
            VideoEvent::TranscodeProgressed { percent, .. } => Some(*percent),
            _ => None,
        })
        .collect();
    assert!(percents.windows(2).all(|pair| pair[0] <= pair[1]), "{percents:?}");
}

/// Downloads the film as a player would and decodes it from both manifests.
async fn assert_plays(world: &World, video: VideoId, frames: usize) {
    let folder = tempfile::tempdir().unwrap();
    let prefix = format!("v/{video}/");
    for key in world.services.objects.media.list(&prefix, 1000).await.unwrap() {
        let object = world.services.objects.media.get(&key).await.unwrap().expect("it is listed");
        let bytes: Bytes = object.body.collect(64 << 20).await.unwrap();
        let to = folder.path().join(key.strip_prefix(&prefix).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
    for rung in
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let name = rung.file_name().unwrap().to_string_lossy().into_owned();
        // Small pictures are no stream.
        if name == "tiles" {
            continue;
        }
        let playlist = rung.join("playlist.m3u8");
        let hashes = clips::decode_lenient(&playlist);
        if name != "audio" {
            assert_eq!(hashes.len(), frames, "{name}");
        }
    }
    for manifest in ["master.m3u8", "manifest.mpd"] {
        let found =
            clips::ffprobe(&folder.path().join(manifest), &["-show_entries", "stream=codec_name", "-of", "csv=p=0"]);
        assert!(found.contains("h264") && found.contains("aac"), "{manifest}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_becomes_a_stream() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let video = world.upload_file(&clips::film(folder.path(), "film.mp4", "320x240", "25", 9)).await;
    let transcoder = world.transcoder("one", 2).await;
    let mut history = world.history(video);
    history.until_ready().await;
    assert_published_once(&history);
    assert_progress(&history);
    let renditions: Vec<&str> = history
        .videos()
        .filter_map(|event| match event {
            VideoEvent::RenditionCompleted { rendition } => Some(rendition.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(renditions, ["audio", "360p"]);
    assert!(
        history.videos().any(|event| matches!(event, VideoEvent::ThumbnailsGenerated { width: 320, height: 240, .. }))
    );
    assert!(matches!(
        history.videos().last(),
        Some(VideoEvent::TranscodeCompleted { duration_us, .. }) if (duration_us.as_micros() - 9_000_000).abs() < 25_000
    ));
    assert_plays(&world, video, 225).await;
    transcoder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_work() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let film = clips::film(folder.path(), "film.mp4", "320x240", "25", 25);
    let first = world.transcoder("one", 1).await;
    let second = world.transcoder("two", 1).await;
    let video = world.upload_file(&film).await;
    let mut history = world.history(video);
    history.until_ready().await;
    assert_published_once(&history);
    let mut items_of: BTreeMap<String, usize> = BTreeMap::new();
    for (_, event, _) in history.works() {
        if let WorkEvent::Claimed { worker, attempt } = event {
            assert_eq!(*attempt, 1, "nobody waits, nobody doubles work");
            *items_of.entry(worker.clone()).or_default() += 1;
        }
    }
    assert_eq!(items_of.keys().collect::<BTreeSet<_>>(), [&first.worker, &second.worker].into());
    for event_type in ["SourceProbed", "TranscodePlanned", "TranscodeCompleted"] {
        use lockstep_domain::aggregate::Event as _;
        assert_eq!(history.videos().filter(|event| event.event_type() == event_type).count(), 1, "{event_type}");
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_s_item_is_taken_over_within_fifteen_seconds() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let video = world.upload_file(&clips::film(folder.path(), "film.mp4", "320x240", "25", 12)).await;
    let doomed = world.transcoder("doomed", 1).await;
    let mut history = world.history(video);
    history
        .until("segment of a chunk", |happened| {
            matches!(happened, Happened::Work(3, WorkEvent::SegmentPublished { .. }, _))
        })
        .await;
    let dead = doomed.worker.clone();
    doomed.kill().await;
    let killed_at = world.services.store.database_now().await.unwrap();
    let heir = world.transcoder("heir", 1).await;
    history.until_ready().await;
    let claims: Vec<_> = history
        .works()
        .filter_map(|(item, event, at)| match event {
            WorkEvent::Claimed { worker, attempt } => Some((item, worker.clone(), *attempt, at)),
            _ => None,
        })
        .collect();
    let lost = claims.iter().rfind(|(_, worker, _, _)| *worker == dead).unwrap();
    let taken = claims.iter().find(|(item, worker, _, _)| *item == lost.0 && *worker == heir.worker).unwrap();
    assert_eq!(taken.2, 2);
    let waited_us = taken.3.as_micros() - killed_at.as_micros();
    assert!(waited_us < 15_000_000, "{waited_us}");
    assert_published_once(&history);
    assert_plays(&world, video, 300).await;
    heir.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_a_film_fails_with_words_and_the_next_film_is_fine() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let transcoder = world.transcoder("one", 1).await;
    let png = clips::make(folder.path(), "picture.png", "-f lavfi -i testsrc2=size=64x64:rate=1 -frames:v 1");
    for (bytes, code) in [
        (Bytes::from(std::fs::read(png).unwrap()), "not_a_video"),
        (Bytes::from_static(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"), "not_a_video"),
        (Bytes::new(), "empty"),
    ] {
        let video = world.upload(bytes).await;
        let mut history = world.history(video);
        history
            .until("failure", |happened| matches!(happened, Happened::Video(VideoEvent::TranscodeFailed { .. })))
            .await;
        let Some(VideoEvent::TranscodeFailed { failure }) = history.videos().last() else { panic!("it failed") };
        assert_eq!(failure.code, code);
        assert!(failure.reason.ends_with('.') && !failure.retryable);
        assert!(history.works().any(|(item, event, _)| item == 0 && matches!(event, WorkEvent::WorkFailed { .. })));
    }
    let video = world.upload_file(&clips::film(folder.path(), "film.mp4", "160x120", "25", 2)).await;
    world.history(video).until_ready().await;
    transcoder.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_program_waits_instead_of_failing_films() {
    use lockstep_transcoder::{Transcoder, TranscoderOptions};
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let video = world.upload_file(&clips::film(folder.path(), "film.mp4", "160x120", "25", 2)).await;
    let options =
        TranscoderOptions { worker: "blind".to_owned(), media_program: "/no/such/program".into(), concurrency: 1 };
    let blind = Transcoder::new(world.other_process().await, options);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(blind.run(shutdown.clone()));
    let mut history = world.history(video);
    history.until("release", |happened| matches!(happened, Happened::Work(0, WorkEvent::ClaimLapsed { .. }, _))).await;
    shutdown.cancel();
    task.await.unwrap();
    let able = world.transcoder("able", 1).await;
    history.until_ready().await;
    able.stop().await;
}
