//! GraphQL over server-sent events: what a stream says, when it ends, how many there may be.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use axum::{body::Body, extract::ConnectInfo, http::StatusCode};
use futures::StreamExt;
use lockstep_domain::ids::VideoId;
use serde_json::json;
use tower::ServiceExt;
use uuid::Uuid;

use super::{Site, http_posts::request, sockets::upload};
use crate::gate::SOCKETS_PER_ACCOUNT_MAX;

const STREAM: &str = "text/event-stream";
/// Nothing here takes that long on a healthy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The text of a stream, as it comes.
struct Events {
    status: StatusCode,
    content_type: String,
    body: axum::body::BodyDataStream,
    text: String,
}

impl Events {
    /// Reads on until the text has this in it, or the stream ends.
    async fn until(&mut self, wanted: &str) -> &str {
        while !self.text.contains(wanted) {
            match tokio::time::timeout(PATIENCE, self.body.next()).await.expect("something is heard") {
                Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap()),
                None => break,
            }
        }
        &self.text
    }

    /// The whole text of a stream that ends.
    async fn whole(mut self) -> String {
        self.until("\u{0}").await.to_owned()
    }
}

impl Site {
    async fn events(&self, query: &str) -> Events {
        self.events_of("session=ada", query).await
    }

    /// The whole stream that this asker gets for a query.
    pub(super) async fn streamed(&self, cookie: &str, query: &str) -> String {
        self.events_of(cookie, query).await.whole().await
    }

    async fn events_of(&self, cookie: &str, query: &str) -> Events {
        let headers = [("content-type", "application/json"), ("accept", STREAM), ("cookie", cookie)];
        let mut request =
            request("POST", "/graphql", &headers).map(|_| Body::from(json!({ "query": query }).to_string()));
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        Events {
            status: response.status(),
            content_type: response.headers()["content-type"].to_str().unwrap().to_owned(),
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }
}

fn status_of(video: VideoId) -> String {
    format!("subscription {{ videoStatus(id: \"{video}\") {{ eventType }} }}")
}

#[tokio::test]
async fn what_a_token_asks_is_answered_to_its_end() {
    let site = Site::new().await;
    let answer = site.streamed("session=token", "{ me { name } }").await;
    assert!(answer.contains("event: next") && answer.contains("Ada"), "{answer}");
    assert!(answer.contains("event: complete"), "{answer}");
}

#[tokio::test]
async fn a_query_is_one_event_and_then_the_end() {
    let site = Site::new().await;
    let events = site.events("{ __typename }").await;
    assert_eq!((events.status, events.content_type.as_str()), (StatusCode::OK, STREAM));
    let data = "event: next\ndata: {\"data\":{\"__typename\":\"Query\"}}\n\n";
    assert_eq!(events.whole().await, format!("{data}event: complete\ndata: null\n\n"));
    let refused = site.events("{ nonsense }").await.whole().await;
    assert!(refused.starts_with("event: next\ndata: {\"errors\":["), "{refused}");
    assert!(refused.ends_with("event: complete\ndata: null\n\n") && !refused.contains("\"data\":"), "{refused}");
}

#[tokio::test]
async fn a_subscription_goes_on_until_its_session_ends() {
    let site = Site::new().await;
    let video = VideoId(Uuid::now_v7());
    site.film(video, upload(video)).await;
    let mut events = site.events(&status_of(video)).await;
    assert!(events.until("UploadRequested").await.contains("event: next\n"));
    assert!(events.until(": ").await.contains(": "), "a quiet stream is kept alive");
    site.sessions.signed_in.store(false, Ordering::SeqCst);
    site.sessions.signed_out.notify_waiters();
    assert!(!events.whole().await.contains("event: complete"), "it was cut, not finished");
}

#[tokio::test]
async fn a_drain_ends_every_stream() {
    let site = Site::new().await;
    let video = VideoId(Uuid::now_v7());
    site.film(video, upload(video)).await;
    let mut events = site.events(&status_of(video)).await;
    events.until("UploadRequested").await;
    site.shutdown.cancel();
    assert!(!events.whole().await.contains("event: complete"));
}

#[tokio::test]
async fn an_account_has_so_many_streams_and_gets_a_place_back() {
    let site = Site::new().await;
    let video = VideoId(Uuid::now_v7());
    site.film(video, upload(video)).await;
    let mut open = Vec::new();
    for _ in 0..SOCKETS_PER_ACCOUNT_MAX {
        open.push(site.events(&status_of(video)).await);
    }
    assert!(open.iter().all(|events| events.status == StatusCode::OK));
    assert_eq!(site.events(&status_of(video)).await.status, StatusCode::TOO_MANY_REQUESTS);
    open.pop();
    assert_eq!(site.events(&status_of(video)).await.status, StatusCode::OK);
}
