//! Files that are not films, or want to be more: straight into `lockstep-media`, past every check of the upload.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use lockstep_transcoder::{
    child::{ChildError, MediaProgram},
    plan,
    protocol::Task,
};

use crate::{
    clips,
    rig::{self, Kept, Memory},
};

/// Counts connections on a local port until dropped.
struct Listener {
    port: u16,
    hits: Arc<AtomicUsize>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&hits);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(connection);
            }
        });
        Self { port, hits }
    }
    fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

fn playlist(url: &str) -> Memory {
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\n{url}\n#EXT-X-ENDLIST\n"
    );
    Memory(Bytes::from(text))
}

fn open_door(unconfined: bool) -> MediaProgram {
    let mut program = rig::program();
    program.arguments.push("--hostile-files-test-without-allow-list".to_owned());
    if unconfined {
        program.arguments.push("--hostile-files-test-unconfined".to_owned());
    }
    program
}

#[tokio::test]
async fn an_empty_file_and_a_picture_and_a_text_are_not_films() {
    assert_eq!(rig::refused(&Memory(Bytes::new())).await.code, "empty");
    let folder = tempfile::tempdir().unwrap();
    let png = clips::make(folder.path(), "picture.png", "-f lavfi -i testsrc2=size=64x64:rate=1 -frames:v 1");
    let told = rig::refused(&Memory::file(&png)).await;
    assert_eq!((told.code.as_str(), told.retryable), ("not_a_video", false));
    assert_eq!(told.reason, "This file is not a video we can read.");
    assert_eq!(rig::refused(&Memory(Bytes::from_static(b"just a text\n"))).await.code, "not_a_video");
    let sound = clips::make(folder.path(), "sound.mp4", "-f lavfi -i sine=frequency=440 -t 1 -c:a aac");
    assert_eq!(rig::refused(&Memory::file(&sound)).await.code, "no_video_track");
}

#[tokio::test]
async fn a_playlist_reaches_neither_the_network_nor_a_file() {
    let listener = Listener::start();
    let folder = tempfile::tempdir().unwrap();
    let secret = clips::film(folder.path(), "secret.ts", "160x120", "25", 1);
    let before = std::fs::metadata(&secret).unwrap().accessed().unwrap();
    for url in [
        format!("http://127.0.0.1:{}/x.ts", listener.port),
        format!("tcp://127.0.0.1:{}", listener.port),
        format!("file://{}", secret.display()),
        secret.display().to_string(),
        format!("concat:http://127.0.0.1:{}/x.ts|{}", listener.port, secret.display()),
    ] {
        let told = rig::refused(&playlist(&url)).await;
        assert_eq!(told.code, "not_a_video", "{url}");
    }
    assert_eq!(listener.hits(), 0);
    assert_eq!(std::fs::metadata(&secret).unwrap().accessed().unwrap(), before);
}

/// The positive control: the same playlist, with the protections off, does reach the listener and the file.
#[tokio::test]
async fn with_the_allow_list_off_the_listener_is_hit() {
    let listener = Listener::start();
    let bait = playlist(&format!("http://127.0.0.1:{}/x.ts", listener.port));
    let ended = rig::try_probe(&open_door(true), &bait).await;
    assert!(ended.is_err());
    assert!(listener.hits() > 0, "the control must show the hit: {ended:?}");
    // The second wall holds by itself: confined, the same open door leads nowhere.
    let listener = Listener::start();
    let bait = playlist(&format!("http://127.0.0.1:{}/x.ts", listener.port));
    let ended = rig::try_probe(&open_door(false), &bait).await;
    assert!(ended.is_err());
    assert_eq!(listener.hits(), 0);
}

#[tokio::test]
async fn with_the_allow_list_off_the_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let secret = clips::film(folder.path(), "secret.ts", "160x120", "25", 1);
    let bait = playlist(&format!("file://{}", secret.display()));
    let found = rig::try_probe(&open_door(true), &bait).await;
    assert_eq!(found.map(|(source, _)| (source.width, source.height)).ok(), Some((160, 120)));
}

#[tokio::test]
async fn the_child_gives_up_what_it_does_not_need() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Memory::file(&clips::film(folder.path(), "film.mp4", "160x120", "25", 1));
    let (_, sandbox) = rig::try_probe(&rig::program(), &clip).await.unwrap();
    assert!(sandbox.no_new_privs && sandbox.no_new_descriptors && sandbox.limits && sandbox.allow_list, "{sandbox:?}");
}

#[tokio::test]
async fn a_film_cut_off_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    // Index first: everything but the end of the pictures is there.
    let whole = Memory::file(&clips::film(folder.path(), "film.mp4", "320x240", "25", 20)).0;
    let told = rig::refused(&Memory(whole.slice(..whole.len() / 2))).await;
    assert_eq!(told.code, "truncated");
    assert!(told.reason.contains("cut off"), "{}", told.reason);
    // Index last: it is what is missing.
    let late = clips::make(
        folder.path(),
        "late.mp4",
        "-f lavfi -i testsrc2=size=320x240:rate=25 -t 4 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let late = Memory::file(&late).0;
    assert_eq!(rig::refused(&Memory(late.slice(..late.len() / 2))).await.code, "truncated");
}

#[tokio::test]
async fn a_film_cut_off_after_the_probe_fails_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Memory::file(&clips::film(folder.path(), "film.mp4", "320x240", "25", 20));
    let probed = rig::probe(&whole).await;
    let half = Memory(whole.0.slice(..whole.0.len() / 4));
    let task = Task::Chunk(plan::chunk_task(&probed, 5, 5));
    let ended = rig::run(&rig::program(), &half, task, &mut Kept::default()).await;
    match ended {
        Err(ChildError::Failed(told)) => assert_eq!(told.code, "truncated"),
        // What could be read is a still picture: acceptable, but never a hang or a crash.
        Ok(_) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn damage_in_the_middle_never_kills_the_parent() {
    let folder = tempfile::tempdir().unwrap();
    let whole = Memory::file(&clips::film(folder.path(), "film.mp4", "320x240", "25", 4)).0;
    for seed in 1..=6_usize {
        let mut bytes = whole.to_vec();
        for step in 0..40 {
            let at = (seed * 7919 + step * 104_729) % bytes.len();
            bytes[at] ^= 1 << (step % 8);
        }
        let damaged = Memory(Bytes::from(bytes));
        match rig::try_probe(&rig::program(), &damaged).await {
            Ok((probed, _)) => {
                let task = Task::Chunk(plan::chunk_task(&probed, 1, 1));
                let ended = rig::run(&rig::program(), &damaged, task, &mut Kept::default()).await;
                assert!(matches!(ended, Ok(_) | Err(ChildError::Failed(_) | ChildError::Crashed { .. })), "{ended:?}");
            }
            Err(ChildError::Failed(_) | ChildError::Crashed { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_silent_child_is_killed() {
    let program = MediaProgram {
        path: "/bin/sleep".into(),
        arguments: vec!["600".to_owned()],
        silence_max: Duration::from_millis(300),
    };
    let ended = rig::try_probe(&program, &Memory(Bytes::from_static(b"x"))).await;
    assert_eq!(ended.unwrap_err(), ChildError::Silent(Duration::from_millis(300)));
}
