//! What the embedded store goes through while it is killed: an upload in parts, its completion, an object, a deletion. Each
//! step goes on from whatever is there, as callers do, so the same sequence is the recovery.

use std::path::Path;

use bytes::Bytes;
use http_body_util::Full;
use lockstep_object_store::{Buckets, EmbeddedOptions, EmbeddedS3, SyncFn};

pub const SOURCE: &str = "u/1";
pub const MADE: &str = "v/1/720p/00001.m4s";
pub const KEPT: &str = "v/1/thumb.jpg";
pub const FIRST: usize = 5 << 20;
pub const LAST: usize = 1_000;

pub fn content() -> Bytes {
    (0..FIRST + LAST).map(|at| (at % 251) as u8).collect()
}

pub fn open(root: &Path, sync: Option<SyncFn>) -> (EmbeddedS3, Buckets) {
    EmbeddedS3::open_with(EmbeddedOptions {
        root: root.to_owned(),
        public_url: "http://localhost:1".to_owned(),
        interim: "interim".to_owned(),
        media: "media".to_owned(),
        sync,
    })
    .expect("opens")
}

/// Calls `done` after each step that was acknowledged.
pub async fn go(embedded: &EmbeddedS3, buckets: &Buckets, mut done: impl FnMut(&str)) {
    let Buckets { interim, media } = buckets;
    if interim.head(SOURCE).await.expect("asks").is_none() {
        let open = interim.list_multiparts(SOURCE).await.expect("lists").into_iter().next();
        let id = match open {
            Some(open) => open.upload_id,
            None => interim.create_multipart(SOURCE, "video/mp4").await.expect("begins"),
        };
        done("begun");
        let whole = content();
        let held = interim.list_parts(SOURCE, &id).await.expect("lists").expect("is there");
        for (number, part) in [(2, whole.slice(FIRST..)), (1, whole.slice(..FIRST))] {
            // As callers do: what has arrived is not sent again.
            if held.iter().all(|part| part.number != number) {
                send(embedded, buckets, &id, number, part).await;
            }
            done(&format!("part {number}"));
        }
        let parts = interim.list_parts(SOURCE, &id).await.expect("lists").expect("is there");
        interim.complete_multipart(SOURCE, &id, &parts).await.expect("put together");
    }
    done("complete");
    for key in [MADE, KEPT] {
        media.put(key, Bytes::from_static(b"a part of a film"), "video/mp4").await.expect("stored");
    }
    done("stored");
    media.delete(MADE).await.expect("deleted");
    done("deleted");
}

async fn send(embedded: &EmbeddedS3, buckets: &Buckets, id: &str, number: u32, part: Bytes) {
    let life = std::time::Duration::from_secs(60);
    let signed = buckets.interim.presign_part(SOURCE, id, number, part.len() as u64, life).await.expect("signed");
    let target = signed.url.strip_prefix("http://localhost:1").expect("the public address");
    let request = http::Request::put(target).header("host", "localhost:1").header("content-length", part.len());
    let answer = embedded.handle(request.body(Full::new(part)).expect("a request")).await;
    assert_eq!(answer.status(), 200, "part {number}");
}
