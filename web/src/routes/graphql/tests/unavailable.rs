//! A part is out of reach: 503 with when to come again where nothing was answered, and what was answered otherwise.

use axum::http::StatusCode;
use serde_json::json;

use super::{
    Site,
    http_posts::{GRAPHQL, JSON},
};

#[tokio::test]
async fn what_the_database_keeps_from_being_answered_is_503() {
    let site = Site::new().await;
    site.services.pool.close().await;
    let guest = "mutation { joinAsGuest(input: { name: \"Gast\" }) { __typename } }";
    for (accept, cookie, query) in [
        (GRAPHQL, "", "{ setUpNeeded }"),
        (JSON, "", "{ setUpNeeded }"),
        (JSON, "", guest),
        (JSON, "session=ada", "{ videos { hasMore } }"),
        (JSON, "session=ada", "{ setUpNeeded videos { hasMore } }"),
    ] {
        let headers = [("content-type", JSON), ("accept", accept), ("cookie", cookie)];
        let answer = site.post(&headers, json!({ "query": query }).to_string()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{query}: {}", answer.body);
        assert_eq!(answer.headers["retry-after"], "1", "{query}");
        let said = &answer.body["errors"][0]["extensions"];
        assert_eq!((&said["code"], &said["retryAfterS"]), (&json!("unavailable"), &json!(1)), "{query}");
        assert!(!answer.body.to_string().contains("pool"), "{}", answer.body);
    }
}

#[tokio::test]
async fn what_could_be_answered_is_answered() {
    let site = Site::new().await;
    site.services.pool.close().await;
    let headers = [("content-type", JSON), ("cookie", "session=ada")];
    let answer = site.post(&headers, json!({ "query": "{ me { name } videos { hasMore } }" }).to_string()).await;
    assert_eq!((answer.status, &answer.body["data"]["me"]["name"]), (StatusCode::OK, &json!("Ada")), "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "unavailable");
    let refused = site.post(&headers[..1], json!({ "query": "{ videos { hasMore } }" }).to_string()).await;
    assert_eq!(
        (refused.status, &refused.body["errors"][0]["extensions"]["code"]),
        (StatusCode::OK, &json!("signed_out"))
    );
}

#[tokio::test]
async fn streams_say_it_by_its_code() {
    let site = Site::new().await;
    site.services.pool.close().await;
    let stream = site.streamed("session=ada", "{ setUpNeeded }").await;
    assert!(stream.contains("\"code\":\"unavailable\"") && stream.contains("\"retryAfterS\":1"), "{stream}");
}
