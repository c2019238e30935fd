//! The program with the embedded store is killed at every flush, and at many other moments: what was acknowledged is there
//! when it starts again, and once the same things are done again nothing is left over.

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lockstep_object_store::Buckets;

use crate::sequence::{self, KEPT, MADE, SOURCE, content};

/// More flushes than the sequence has.
const FLUSHES_MAX: u32 = 400;
/// Kills at moments spread over the sequence.
const KILLS: u32 = 24;

/// What a child said, and whether it came to its end.
struct Life {
    said: BTreeSet<String>,
    ended: bool,
}

fn child(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-store-child"));
    command.arg(folder).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn life(status: std::process::ExitStatus, said: &[u8]) -> Life {
    let said = String::from_utf8_lossy(said).lines().map(str::to_owned).collect();
    Life { said, ended: status.success() }
}

/// Everything below the folder that is not the store's own furniture.
fn files(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (vec![], vec![folder.join("buckets"), folder.join("multipart")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path.display().to_string()) }
        }
    }
    found
}

async fn whole(buckets: &Buckets, what: &str) {
    let object = buckets.interim.get(SOURCE).await.unwrap().unwrap_or_else(|| panic!("lost after {what}"));
    assert_eq!(object.content_type, "video/mp4", "{what}");
    assert_eq!(object.body.collect(8 << 20).await.unwrap(), content(), "{what}");
}

/// What was acknowledged is there; the rest is done; then everything goes, and nothing is left.
async fn recovers(folder: &Path, life: &Life, what: &str) {
    let (embedded, buckets) = sequence::open(folder, None);
    let said = |step: &str| life.said.contains(step);
    let Buckets { interim, media } = &buckets;
    if said("complete") {
        whole(&buckets, what).await;
    } else if said("begun") && interim.head(SOURCE).await.unwrap().is_none() {
        let open = interim.list_multiparts("").await.unwrap();
        assert_eq!(open.len(), 1, "{what}: what was begun is open");
        let parts = interim.list_parts(SOURCE, &open[0].upload_id).await.unwrap().unwrap();
        let parts: Vec<u32> = parts.iter().map(|part| part.number).collect();
        for number in [1, 2] {
            assert!(parts.contains(&number) || !said(&format!("part {number}")), "{what}: {parts:?}");
        }
    }
    if said("stored") {
        assert!(media.head(KEPT).await.unwrap().is_some(), "{what}");
    }
    if said("deleted") {
        assert_eq!(media.list("v/", 10).await.unwrap(), [KEPT], "{what}");
    }
    sequence::go(&embedded, &buckets, |_| ()).await;
    whole(&buckets, what).await;
    assert_eq!(media.list("", 10).await.unwrap(), [KEPT], "{what}");
    assert_eq!(interim.list("", 10).await.unwrap(), [SOURCE], "{what}");
    // As the sweep does.
    for open in interim.list_multiparts("").await.unwrap() {
        interim.abort_multipart(&open.key, &open.upload_id).await.unwrap();
    }
    for (bucket, key) in [(interim, SOURCE), (media, KEPT), (media, MADE)] {
        bucket.delete(key).await.unwrap();
    }
    assert_eq!(files(folder), Vec::<String>::new(), "{what}");
}

#[tokio::test]
async fn a_program_killed_at_any_flush_recovers() {
    for flush in 0..FLUSHES_MAX {
        let folder = tempfile::TempDir::new().unwrap();
        let ran = child(folder.path()).arg(flush.to_string()).output().unwrap();
        let life = life(ran.status, &ran.stdout);
        recovers(folder.path(), &life, &format!("flush {flush}, {:?}", life.said)).await;
        if life.ended {
            assert!(flush > 20, "only {flush} flushes");
            return;
        }
    }
    panic!("it never came to its end");
}

#[tokio::test]
async fn a_program_killed_at_any_moment_recovers() {
    let folder = tempfile::TempDir::new().unwrap();
    let started = Instant::now();
    assert!(child(folder.path()).status().unwrap().success());
    let whole_life = started.elapsed();
    let mut cut_short = 0;
    for kill in 0..KILLS {
        let folder = tempfile::TempDir::new().unwrap();
        let mut running = tokio::process::Command::from(child(folder.path())).spawn().unwrap();
        let moment = whole_life * kill / KILLS + Duration::from_micros(u64::from(kill) * 37);
        if tokio::time::timeout(moment, running.wait()).await.is_err() {
            running.start_kill().unwrap();
        }
        let ran = running.wait_with_output().await.unwrap();
        let life = life(ran.status, &ran.stdout);
        cut_short += u32::from(!life.ended);
        recovers(folder.path(), &life, &format!("kill {kill}, {:?}", life.said)).await;
    }
    assert!(cut_short > KILLS / 3, "only {cut_short} kills came in time");
}
