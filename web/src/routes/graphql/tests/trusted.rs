//! What is run for those without an account: our own documents, by every transport, and nothing else.

use axum::http::StatusCode;
use lockstep_graphql::{Anonymous, DOCUMENT_NOT_TRUSTED, TrustedDocuments};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Site,
    http_posts::{Answer, GRAPHQL, JSON},
};
use crate::routes::ui;

/// The one document of these pages.
const OURS: &str = "query Needed { setUpNeeded }";
const OTHER: &str = "query Other { setUpNeeded }";
const STRANGERS: [&str; 2] = ["", "session=guest"];

fn by_hash(text: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hex::encode(Sha256::digest(text)) } } })
}

async fn site() -> Site {
    Site::that_runs(Anonymous::Trusted, TrustedDocuments::of([OURS.to_owned()])).await
}

impl Site {
    async fn sent(&self, cookie: &str, accept: &str, body: &Value) -> Answer {
        self.post(&[("content-type", JSON), ("accept", accept), ("cookie", cookie)], body.to_string()).await
    }
}

fn code(answer: &Answer) -> &str {
    answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn without_an_account_only_our_own_documents_are_run() {
    let site = site().await;
    let needed = json!({ "data": { "setUpNeeded": true } });
    for cookie in STRANGERS {
        for body in [json!({ "query": OURS }), by_hash(OURS)] {
            assert_eq!(site.sent(cookie, GRAPHQL, &body).await.body, needed, "{cookie} {body}");
        }
        for (accept, status) in [(GRAPHQL, StatusCode::BAD_REQUEST), (JSON, StatusCode::OK)] {
            // One more space is another document.
            let unused = "{ __typename } fragment F on Query { setUpNeeded }";
            for text in [OTHER, "query Needed { setUpNeeded  }", "{ __typename setUpNeeded }", "{ nonsense }", unused] {
                let refused = site.sent(cookie, accept, &json!({ "query": text })).await;
                assert_eq!((refused.status, code(&refused)), (status, DOCUMENT_NOT_TRUSTED), "{cookie} {text}");
                assert_eq!(refused.body.get("data"), None);
            }
        }
        let alive = site.sent(cookie, GRAPHQL, &json!({ "query": "{ __typename }" })).await;
        assert_eq!(alive.body, json!({ "data": { "__typename": "Query" } }), "a probe is answered");
        let schema = site.sent(cookie, GRAPHQL, &json!({ "query": "{ __schema { types { name } } }" })).await;
        assert!(!schema.body.to_string().contains("\"name\""), "and told nothing: {}", schema.body);
    }
    let member = site.sent("session=ada", GRAPHQL, &json!({ "query": OTHER })).await;
    assert_eq!(member.body, needed, "members ask what they like");
}

#[tokio::test]
async fn what_a_member_had_remembered_is_not_trusted() {
    let site = site().await;
    let mut with_text = by_hash(OTHER);
    with_text["query"] = json!(OTHER);
    assert_eq!(code(&site.sent("", GRAPHQL, &with_text).await), DOCUMENT_NOT_TRUSTED);
    assert_eq!(
        code(&site.sent("session=ada", GRAPHQL, &by_hash(OTHER)).await),
        "PERSISTED_QUERY_NOT_FOUND",
        "nor kept"
    );
    assert_eq!(code(&site.sent("session=ada", GRAPHQL, &with_text).await), "none");
    assert_eq!(code(&site.sent("session=ada", GRAPHQL, &by_hash(OTHER)).await), "none");
    assert_eq!(code(&site.sent("", GRAPHQL, &by_hash(OTHER)).await), DOCUMENT_NOT_TRUSTED);
}

#[tokio::test]
async fn the_same_holds_by_get_by_stream_and_by_socket() {
    let site = site().await;
    let get = async |cookie: &str, text: &str| {
        let query = text.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D");
        site.fetch("GET", &format!("/graphql?query={query}"), &[("accept", GRAPHQL), ("cookie", cookie)]).await
    };
    for cookie in STRANGERS {
        assert_eq!(code(&get(cookie, OURS).await), "none");
        assert_eq!(code(&get(cookie, OTHER).await), DOCUMENT_NOT_TRUSTED);
        assert!(site.streamed(cookie, OURS).await.contains("\"setUpNeeded\":true"));
        let refused = site.streamed(cookie, OTHER).await;
        assert!(refused.contains(DOCUMENT_NOT_TRUSTED) && !refused.contains("setUpNeeded\":"), "{refused}");
    }
    // Who is nobody has no socket; a guest has one.
    let mut socket = site.client_of("session=guest").await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": { "query": OTHER } })).await;
    let refused = socket.hear().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("1")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], DOCUMENT_NOT_TRUSTED);
    socket.send(json!({ "type": "subscribe", "id": "2", "payload": by_hash(OURS) })).await;
    assert_eq!(socket.hear().await["payload"], json!({ "data": { "setUpNeeded": true } }));
}

/// Needs the pages to be built, as they are for every test run.
#[tokio::test]
async fn every_document_of_the_pages_is_known_by_its_hash() {
    let pages = ui::documents().unwrap();
    assert!(pages.count() > 50, "{} documents: build the pages first", pages.count());
    let site = Site::that_runs(Anonymous::Trusted, pages.clone()).await;
    for text in pages.texts() {
        let answer = site.sent("", GRAPHQL, &by_hash(text)).await;
        // Variables are missing here, or somebody who is signed in; the document itself is taken.
        let message = answer.body["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(!["PERSISTED_QUERY_NOT_FOUND", DOCUMENT_NOT_TRUSTED].contains(&code(&answer)), "{text}");
        assert!(!message.contains("at most") && !message.contains("Unknown"), "{text}: {message}");
    }
    let first = "query Me { setUpNeeded me { id name role } }";
    assert!(pages.texts().any(|text| text == first), "as the pages send it");
}
