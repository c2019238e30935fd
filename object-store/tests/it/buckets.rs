//! The server's own way to the embedded store: no listener is involved, the answers are the same.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use lockstep_object_store::{Buckets, EmbeddedS3, KEY_BYTES_MAX, ObjectError, OpenError};
use tempfile::TempDir;

use crate::support::{Disk, INTERIM, MINUTE, Store, TYPE, open, status};

fn quiet() -> (TempDir, Arc<Disk>, EmbeddedS3, Buckets) {
    let folder = TempDir::new().unwrap();
    let disk = Arc::new(Disk::default());
    let (embedded, buckets) = open(folder.path(), "http://localhost:1", disk.clone());
    (folder, disk, embedded, buckets)
}

fn pattern(bytes: usize) -> Bytes {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_put_is_read_back_whole_and_in_parts() {
    let (_folder, disk, _embedded, buckets) = quiet();
    let content = pattern(1_000_003);
    buckets.media.put("v/1/720p/00001.m4s", content.clone(), "video/iso.segment").await.unwrap();
    assert!(disk.flushed.lock().unwrap().iter().any(|path| path.ends_with("v/1/720p/00001.m4s")));
    let head = buckets.media.head("v/1/720p/00001.m4s").await.unwrap().unwrap();
    assert_eq!((head.bytes, head.content_type.as_str()), (1_000_003, "video/iso.segment"));
    let object = buckets.media.get("v/1/720p/00001.m4s").await.unwrap().unwrap();
    assert_eq!((object.bytes, &object.etag), (1_000_003, &head.etag));
    assert_eq!(object.body.collect(2_000_000).await.unwrap(), content);
    for (start, len) in [(0, 1), (0, 4096), (250_000, 500_000), (1_000_000, 100), (1_000_002, 1)] {
        let part = buckets.media.get_range("v/1/720p/00001.m4s", start, len).await.unwrap().unwrap();
        let end = (start + len).min(1_000_003) as usize;
        assert_eq!(part, content[start as usize..end], "{start}+{len}");
    }
    let mut object = buckets.media.get_stream("v/1/720p/00001.m4s", Some(10..20)).await.unwrap().unwrap();
    assert_eq!(object.bytes, 10);
    assert_eq!(object.body.next().await.unwrap().unwrap(), content[10..20]);
    assert!(object.body.next().await.is_none());
}

#[tokio::test]
async fn ranges_behind_the_end_are_told_apart_from_missing_objects() {
    let (_folder, _disk, _embedded, buckets) = quiet();
    let interim = &buckets.interim;
    interim.put("u/1", pattern(5), TYPE).await.unwrap();
    assert_eq!(interim.get_range("u/1", 5, 10).await, Ok(Some(Bytes::new())));
    let behind = interim.get_stream("u/1", Some(5..6)).await;
    assert_eq!(behind.map(drop), Err(ObjectError::RangeNotSatisfiable));
    assert_eq!(interim.get_range("u/2", 0, 10).await, Ok(None));
    assert!(interim.get("u/2").await.unwrap().is_none());
    assert_eq!(interim.head("u/2").await, Ok(None));
    assert_eq!(interim.delete("u/2").await, Ok(()));
    assert_eq!(interim.make_durable("u/2").await, Err(ObjectError::Missing));
    assert_eq!(interim.local_path("u/2"), None);
}

#[tokio::test]
async fn a_body_larger_than_asked_for_is_not_collected() {
    let (_folder, _disk, _embedded, buckets) = quiet();
    buckets.interim.put("u/1", pattern(10), TYPE).await.unwrap();
    let object = buckets.interim.get("u/1").await.unwrap().unwrap();
    assert!(matches!(object.body.collect(9).await, Err(ObjectError::Invalid(_))));
}

#[tokio::test]
async fn a_file_is_put_in_chunks_and_can_be_found_on_disk() {
    let (folder, _disk, _embedded, buckets) = quiet();
    let file = folder.path().join("source");
    std::fs::write(&file, pattern(3_000_000)).unwrap();
    buckets.media.put_file("v/1/init.mp4", &file, TYPE).await.unwrap();
    let path = buckets.media.local_path("v/1/init.mp4").unwrap();
    assert_eq!(std::fs::read(path).unwrap(), pattern(3_000_000));
}

#[tokio::test]
async fn delete_leaves_nothing_behind() {
    let store = Store::start().await;
    for key in ["v/1/720p/00001.m4s", "v/1/720p/00002.m4s", "v/2/thumb.jpg"] {
        store.buckets.media.put(key, pattern(10), TYPE).await.unwrap();
    }
    let presigned = store.presign("u/1", 5).await;
    assert_eq!(status(store.put(&presigned, "12345")).await, 200);
    assert_eq!(store.files().len(), 4 * 3, "an object and two side files each");
    store.buckets.media.delete("v/1/720p/00001.m4s").await.unwrap();
    assert_eq!(store.files().len(), 3 * 3);
    assert!(store.buckets.media.head("v/1/720p/00002.m4s").await.unwrap().is_some(), "its neighbour stays");
    store.buckets.media.delete("v/1/720p/00002.m4s").await.unwrap();
    store.buckets.media.delete("v/2/thumb.jpg").await.unwrap();
    store.buckets.interim.delete("u/1").await.unwrap();
    assert_eq!(store.files(), Vec::<std::path::PathBuf>::new());
    let media = store.folder.path().join("buckets/media");
    assert!(media.join("v").is_dir() && !media.join("v/1").exists() && !media.join("v/2").exists());
    assert!(store.buckets.interim.head("u/1").await.unwrap().is_none());
}

#[tokio::test]
async fn list_gives_keys_by_prefix_in_order_and_within_the_limit() {
    let (_folder, _disk, _embedded, buckets) = quiet();
    for key in ["v/2/b", "v/1/b", "v/1/a", "v/10/a"] {
        buckets.media.put(key, pattern(1), TYPE).await.unwrap();
    }
    assert_eq!(buckets.media.list("v/1/", 100).await.unwrap(), ["v/1/a", "v/1/b"]);
    assert_eq!(buckets.media.list("v/", 3).await.unwrap(), ["v/1/a", "v/1/b", "v/10/a"]);
    assert_eq!(buckets.media.list("v/", 0).await.unwrap(), [""; 0]);
    assert_eq!(buckets.interim.list("", 100).await.unwrap(), [""; 0], "the other bucket is another bucket");
}

#[tokio::test]
async fn an_object_without_its_last_side_file_is_not_there_yet() {
    let store = Store::start().await;
    store.buckets.interim.put("u/1", pattern(5), TYPE).await.unwrap();
    let tag = store.files().into_iter().find(|path| path.to_string_lossy().ends_with(".internal.json")).unwrap();
    std::fs::remove_file(tag).unwrap();
    assert_eq!(store.buckets.interim.head("u/1").await, Ok(None));
    assert!(store.buckets.interim.get("u/1").await.unwrap().is_none());
    assert_eq!(store.buckets.interim.make_durable("u/1").await, Err(ObjectError::Missing));
}

#[tokio::test]
async fn make_durable_flushes_again_and_reports_a_broken_disk() {
    let (_folder, disk, _embedded, buckets) = quiet();
    buckets.interim.put("u/1", pattern(5), TYPE).await.unwrap();
    disk.flushed.lock().unwrap().clear();
    buckets.interim.make_durable("u/1").await.unwrap();
    assert!(disk.flushed.lock().unwrap().iter().any(|path| path.ends_with("u/1")));
    *disk.broken.lock().unwrap() = true;
    assert!(matches!(buckets.interim.make_durable("u/1").await, Err(ObjectError::Unavailable(_))));
    assert!(matches!(buckets.interim.put("u/2", pattern(5), TYPE).await, Err(ObjectError::Unavailable(_))));
}

#[tokio::test]
async fn keys_sizes_and_lives_outside_the_limits_are_refused() {
    let (_folder, _disk, _embedded, buckets) = quiet();
    let interim = &buckets.interim;
    let longest = "k".repeat(KEY_BYTES_MAX);
    interim.put(&longest, pattern(1), TYPE).await.unwrap();
    assert!(interim.head(&longest).await.unwrap().is_some(), "the longest key fits into a file name");
    for key in ["../../escape", "a/../../b", "", &"k".repeat(KEY_BYTES_MAX + 1)] {
        assert!(matches!(interim.put(key, pattern(1), TYPE).await, Err(ObjectError::Invalid(_))), "{key}");
        assert!(matches!(interim.presign_put(key, TYPE, 1, MINUTE).await, Err(ObjectError::Invalid(_))), "{key}");
    }
    for bytes in [0, interim.put_bytes_max() + 1] {
        assert!(matches!(interim.presign_put("u/1", TYPE, bytes, MINUTE).await, Err(ObjectError::Invalid(_))));
    }
    for life in [Duration::ZERO, Duration::from_secs(8 * 24 * 3600)] {
        assert!(matches!(interim.presign_put("u/1", TYPE, 1, life).await, Err(ObjectError::Invalid(_))));
    }
}

#[tokio::test]
async fn the_folder_keeps_its_keys_and_objects_and_has_one_user() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, disk, embedded, buckets) = quiet();
    buckets.interim.put("u/1", pattern(5), TYPE).await.unwrap();
    let keys = folder.path().join("keys.json");
    assert_eq!(std::fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&keys).unwrap();
    let second = EmbeddedS3::open(folder.path(), "http://localhost:1", INTERIM, "media");
    assert!(matches!(second, Err(OpenError::InUse(_))));
    drop((embedded, buckets));
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (_embedded, buckets) = open(folder.path(), "http://localhost:1", disk);
    assert_eq!(std::fs::read(&keys).unwrap(), before);
    assert_eq!(std::fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700, "closed again");
    assert_eq!(buckets.interim.head("u/1").await.unwrap().unwrap().bytes, 5);
    assert_eq!(buckets.interim.check().await, Ok(()));
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let (folder, _disk, embedded, buckets) = quiet();
    let keys: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("keys.json")).unwrap()).unwrap();
    let presigned = buckets.interim.presign_put("u/1", TYPE, 5, MINUTE).await.unwrap();
    let printed = format!("{embedded:?} {buckets:?} {presigned:?}");
    assert!(!printed.contains(keys["secret_key"].as_str().unwrap()) && !printed.contains("Signature"), "{printed}");
}
