//! Uploads in parts on the embedded store: held to the byte, nothing acknowledged is lost, nothing given up stays.

use bytes::Bytes;
use lockstep_object_store::{Bucket, ObjectError, StoredPart};
use reqwest::StatusCode;

use crate::support::{MINUTE, Store, TYPE, open, status};

const FIRST: usize = 5 << 20;
const LAST: usize = 1_000;

fn content() -> Bytes {
    (0..FIRST + LAST).map(|at| (at % 251) as u8).collect()
}

async fn send(store: &Store, key: &str, id: &str, number: u32, part: Bytes) -> StatusCode {
    let signed = store.buckets.interim.presign_part(key, id, number, part.len() as u64, MINUTE).await.unwrap();
    status(store.put(&signed, part)).await
}

async fn listed(bucket: &Bucket, key: &str, id: &str) -> Vec<StoredPart> {
    bucket.list_parts(key, id).await.unwrap().unwrap()
}

/// Both parts of `u/1` have arrived.
async fn arrived(store: &Store) -> String {
    let id = store.buckets.interim.create_multipart("u/1", TYPE).await.unwrap();
    assert_eq!(send(store, "u/1", &id, 2, content().slice(FIRST..)).await, StatusCode::OK);
    assert_eq!(send(store, "u/1", &id, 1, content().slice(..FIRST)).await, StatusCode::OK);
    id
}

fn parts_on_disk(store: &Store) -> usize {
    let uploads = std::fs::read_dir(store.folder.path().join("multipart")).unwrap();
    uploads.map(|upload| std::fs::read_dir(upload.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn parts_in_any_order_become_the_object_once() {
    let store = Store::start().await;
    let id = arrived(&store).await;
    let interim = &store.buckets.interim;
    let parts = listed(interim, "u/1", &id).await;
    let sizes: Vec<_> = parts.iter().map(|part| (part.number, part.bytes)).collect();
    assert_eq!(sizes, [(1, FIRST as u64), (2, LAST as u64)]);
    assert_eq!(interim.head("u/1").await, Ok(None), "nothing is visible before it is complete");
    store.disk.flushed.lock().unwrap().clear();
    interim.complete_multipart("u/1", &id, &parts).await.unwrap();
    assert!(store.disk.flushed.lock().unwrap().iter().any(|path| path.ends_with("interim-test/u/1")));
    let object = interim.get("u/1").await.unwrap().unwrap();
    assert_eq!((object.bytes, object.content_type.as_str()), ((FIRST + LAST) as u64, TYPE));
    assert_eq!(object.body.collect(8 << 20).await.unwrap(), content());
    assert_eq!(interim.get_range("u/1", FIRST as u64 - 5, 10).await.unwrap().unwrap(), content()[FIRST - 5..FIRST + 5]);
    assert_eq!(interim.complete_multipart("u/1", &id, &parts).await, Ok(()), "again is no error");
    assert_eq!(interim.list_parts("u/1", &id).await, Ok(None));
    assert_eq!(parts_on_disk(&store), 0);
    interim.delete("u/1").await.unwrap();
    assert!(store.files().is_empty(), "{:?}", store.files());
    assert_eq!(interim.complete_multipart("u/1", &id, &parts).await, Err(ObjectError::Missing));
}

#[tokio::test]
async fn a_part_is_held_to_its_size_number_and_upload() {
    let store = Store::start().await;
    let interim = &store.buckets.interim;
    let id = interim.create_multipart("u/1", TYPE).await.unwrap();
    let signed = interim.presign_part("u/1", &id, 1, 5, MINUTE).await.unwrap();
    assert!(signed.headers.is_empty(), "a browser sets none: {:?}", signed.headers);
    for body in ["1234", "123456", ""] {
        assert_eq!(status(store.put(&signed, body)).await, StatusCode::FORBIDDEN, "{body:?}");
    }
    let other = interim.create_multipart("u/2", TYPE).await.unwrap();
    let url = &signed.url;
    let tampered = [
        url.replace("partNumber=1", "partNumber=2"),
        url.replace(&id, &other),
        url.replace("/u/1?", "/u/2?"),
        url.replace("partNumber=1&", ""),
    ];
    for tampered in tampered {
        assert_ne!(&tampered, url);
        assert_eq!(status(store.http.put(&tampered).body("12345")).await, StatusCode::FORBIDDEN, "{tampered}");
    }
    assert_eq!(status(store.http.get(url)).await, StatusCode::FORBIDDEN, "only PUT");
    assert_eq!(listed(interim, "u/1", &id).await, []);
    assert_eq!(status(store.put(&signed, "12345")).await, StatusCode::OK);
    assert_eq!(listed(interim, "u/1", &id).await.len(), 1);
    assert_eq!(
        send(&store, "u/1", &other, 1, content().slice(..5)).await,
        StatusCode::NOT_FOUND,
        "another object's id"
    );
    assert_eq!(interim.list_parts("u/1", &other).await, Ok(None));
    assert_eq!(interim.abort_multipart("u/1", &other).await, Ok(()));
    assert_eq!(listed(interim, "u/2", &other).await, [], "and it is still there");
    for (number, bytes) in [(0, 5), (10_001, 5), (1, 0), (1, 6 << 30)] {
        let refused = interim.presign_part("u/1", &id, number, bytes, MINUTE).await;
        assert!(matches!(refused, Err(ObjectError::Invalid(_))), "{number} {bytes}");
    }
}

#[tokio::test]
async fn what_is_missing_small_or_replaced_is_not_put_together() {
    let store = Store::start().await;
    let interim = &store.buckets.interim;
    let id = arrived(&store).await;
    let parts = listed(interim, "u/1", &id).await;
    assert!(matches!(interim.complete_multipart("u/1", &id, &parts[..1]).await, Err(ObjectError::Refused(_))));
    assert!(matches!(interim.complete_multipart("u/1", &id, &[]).await, Err(ObjectError::Refused(_))));
    assert_eq!(send(&store, "u/1", &id, 1, content().slice(1..=FIRST)).await, StatusCode::OK, "sent again");
    assert!(matches!(interim.complete_multipart("u/1", &id, &parts).await, Err(ObjectError::Refused(_))), "other tags");
    assert_eq!(send(&store, "u/1", &id, 1, content().slice(..5)).await, StatusCode::OK, "and again");
    let small = listed(interim, "u/1", &id).await;
    assert_eq!(small[0].bytes, 5);
    assert!(matches!(interim.complete_multipart("u/1", &id, &small).await, Err(ObjectError::Refused(_))), "too small");
    assert_eq!(interim.head("u/1").await, Ok(None));
    assert_eq!(listed(interim, "u/1", &id).await.len(), 2, "what arrived is kept");
}

#[tokio::test]
async fn an_abort_frees_the_parts_and_refuses_late_ones() {
    let store = Store::start().await;
    let interim = &store.buckets.interim;
    let id = arrived(&store).await;
    assert_eq!(interim.list_multiparts("u/").await.unwrap().len(), 1);
    assert_eq!(interim.list_multiparts("v/").await.unwrap().len(), 0);
    assert_eq!(store.buckets.media.list_multiparts("").await.unwrap().len(), 0);
    let late = interim.presign_part("u/1", &id, 1, 5, MINUTE).await.unwrap();
    assert_eq!(interim.abort_multipart("u/1", &id).await, Ok(()));
    assert_eq!(parts_on_disk(&store), 0);
    assert_eq!(interim.list_multiparts("").await.unwrap(), []);
    assert_eq!(interim.abort_multipart("u/1", &id).await, Ok(()), "again is no error");
    assert_eq!(status(store.put(&late, "12345")).await, StatusCode::NOT_FOUND);
    assert_eq!(interim.abort_multipart("u/1", "no-such-id").await, Ok(()));
    assert_eq!(parts_on_disk(&store), 0);
}

#[tokio::test]
async fn a_crash_keeps_what_was_acknowledged_and_nothing_else() {
    let store = Store::start().await;
    let id = arrived(&store).await;
    let folder = store.folder.path().join("multipart").join(&id);
    std::fs::write(folder.join("new-half"), b"half a part").unwrap();
    let gone = store.folder.path().join("multipart/gone");
    std::fs::create_dir(&gone).unwrap();
    std::fs::write(gone.join("part-1"), b"of an aborted upload").unwrap();
    // A second store on a copy of the folder: the first still holds its lock.
    let copy = tempfile::TempDir::new().unwrap();
    let copied =
        std::process::Command::new("cp").arg("-a").arg(store.folder.path().join(".")).arg(copy.path()).status();
    assert!(copied.unwrap().success());
    let (_embedded, buckets) = open(copy.path(), "http://localhost:1", store.disk.clone());
    let parts = listed(&buckets.interim, "u/1", &id).await;
    assert_eq!(parts.len(), 2);
    let left: Vec<_> = std::fs::read_dir(copy.path().join("multipart")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(!copy.path().join("multipart").join(&id).join("new-half").exists());
    buckets.interim.complete_multipart("u/1", &id, &parts).await.unwrap();
    assert_eq!(buckets.interim.get("u/1").await.unwrap().unwrap().body.collect(8 << 20).await.unwrap(), content());
}

#[tokio::test]
async fn a_broken_disk_acknowledges_nothing_and_loses_no_part() {
    let store = Store::start().await;
    let interim = &store.buckets.interim;
    let id = arrived(&store).await;
    let parts = listed(interim, "u/1", &id).await;
    *store.disk.broken.lock().unwrap() = true;
    assert!(matches!(interim.complete_multipart("u/1", &id, &parts).await, Err(ObjectError::Unavailable(_))));
    assert_eq!(send(&store, "u/1", &id, 3, content().slice(..5)).await, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(interim.head("u/1").await, Ok(None));
    assert_eq!(listed(interim, "u/1", &id).await, parts);
    *store.disk.broken.lock().unwrap() = false;
    interim.complete_multipart("u/1", &id, &parts).await.unwrap();
    assert_eq!(interim.head("u/1").await.unwrap().unwrap().bytes, (FIRST + LAST) as u64);
}
