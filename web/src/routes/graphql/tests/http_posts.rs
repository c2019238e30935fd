//! Statuses, media types and bodies of `POST /graphql` (GraphQL over HTTP, and what keeps other sites out).

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{ORIGIN, Site};
use crate::routes::graphql::{BODY_BYTES_MAX, STRANGER_BYTES_MAX};

pub(super) const JSON: &str = "application/json";
pub(super) const GRAPHQL: &str = "application/graphql-response+json";

pub(super) struct Answer {
    pub status: StatusCode,
    content_type: String,
    pub headers: http::HeaderMap,
    pub body: Value,
}

pub(super) fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

impl Site {
    pub(super) async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send("POST", headers, body).await
    }

    async fn send(&self, method: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let request = request(method, "/graphql", headers).map(|_| body.into());
        self.answer(request).await
    }

    /// A request without a body.
    pub(super) async fn fetch(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Answer {
        self.answer(request(method, uri, headers)).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            content_type: parts.headers["content-type"].to_str().unwrap().to_owned(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).expect("every answer is JSON"),
        }
    }

    /// A request in JSON with this `Accept`.
    async fn ask(&self, accept: &str, body: Value) -> Answer {
        self.post(&[("content-type", JSON), ("accept", accept)], body.to_string()).await
    }
}

#[tokio::test]
async fn a_query_is_answered_in_the_format_asked_for() {
    let site = Site::new().await;
    let query = json!({ "query": "{ __typename }" });
    for (accept, format) in [
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("text/html, application/graphql-response+json;q=0.1", GRAPHQL),
        ("application/json; charset=utf-8", JSON),
    ] {
        let answer = site.ask(accept, query.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{accept}");
        assert_eq!(answer.content_type, format!("{format}; charset=utf-8"), "{accept}");
        assert_eq!(answer.body, json!({ "data": { "__typename": "Query" } }), "{accept}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    let without = site.post(&[("content-type", JSON)], query.to_string()).await;
    assert_eq!(without.content_type, format!("{JSON}; charset=utf-8"));
    for neither in ["text/html", "application/json;q=0", "image/*"] {
        assert_eq!(site.ask(neither, query.clone()).await.status, StatusCode::NOT_ACCEPTABLE, "{neither}");
    }
}

#[tokio::test]
async fn a_request_that_cannot_run_has_no_data() {
    let site = Site::new().await;
    for query in ["{", "{ nonsense }", "subscription { videoStatus(id: \"x\") { detail } }"] {
        let new = site.ask(GRAPHQL, json!({ "query": query })).await;
        assert_eq!(new.status, StatusCode::BAD_REQUEST, "{query}");
        let old = site.ask(JSON, json!({ "query": query })).await;
        assert_eq!(old.status, StatusCode::OK, "{query}");
        for answer in [new, old] {
            assert_eq!(answer.body.get("data"), None, "{query}");
            assert!(answer.body["errors"][0]["message"].is_string(), "{query}");
        }
    }
    // A fault while it runs is an answer, with data.
    let ran = site.ask(GRAPHQL, json!({ "query": "{ videos { hasMore } }" })).await;
    assert_eq!((ran.status, &ran.body["data"]), (StatusCode::OK, &json!({ "videos": null })));
    assert_eq!(ran.body["errors"][0]["extensions"]["code"], "signed_out");
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let site = Site::new().await;
    let q = "{ __typename }";
    for body in [
        json!({}),
        json!({ "query": null }),
        json!({ "query": 1 }),
        json!({ "query": [q] }),
        json!({ "query": q, "operationName": 1 }),
        json!({ "query": q, "variables": "{}" }),
        json!({ "query": q, "variables": [] }),
        json!({ "query": q, "extensions": 0 }),
        json!([{ "query": q }]),
        json!([{ "query": q }, { "query": q }]),
        json!("{ __typename }"),
    ] {
        for accept in [JSON, GRAPHQL] {
            let answer = site.ask(accept, body.clone()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
            assert_eq!(answer.body.get("data"), None, "{body}");
        }
    }
    let answer = site.post(&[("content-type", JSON)], "{ \"query\": ").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body["errors"][0]["extensions"]["requestId"].is_string());
    let nulls = json!({ "query": q, "operationName": null, "variables": null, "extensions": null });
    assert_eq!(site.ask(GRAPHQL, nulls).await.status, StatusCode::OK);
    let maps = json!({ "query": q, "variables": { "a": 1 }, "extensions": { "b": 2 } });
    assert_eq!(site.ask(GRAPHQL, maps).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_json_is_read_and_only_so_much() {
    let site = Site::new().await;
    let body = json!({ "query": "mutation { signOut { __typename } }" }).to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=iso-8859-1",
        "application/jsonp",
        "",
    ] {
        let answer = site.post(&[("content-type", content_type)], body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    assert_eq!(site.post(&[], body.clone()).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for content_type in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""] {
        assert_eq!(site.post(&[("content-type", content_type)], body.clone()).await.status, StatusCode::OK);
    }
    let filled = |bytes: usize| {
        let empty = json!({ "query": "{ __typename }", "extensions": { "x": "" } }).to_string();
        empty.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - empty.len())))
    };
    let stranger = site.post(&[("content-type", JSON)], filled(BODY_BYTES_MAX)).await;
    assert_eq!(stranger.status, StatusCode::PAYLOAD_TOO_LARGE, "more is taken from whoever is signed in");
    for (cookie, bytes_max) in [("session=ada", BODY_BYTES_MAX), ("", STRANGER_BYTES_MAX)] {
        let headers = [("content-type", JSON), ("cookie", cookie)];
        assert_eq!(site.post(&headers, filled(bytes_max)).await.status, StatusCode::OK, "{cookie}");
        assert_eq!(site.post(&headers, filled(bytes_max + 1)).await.status, StatusCode::PAYLOAD_TOO_LARGE, "{cookie}");
    }
}

const GUEST: &str = "/graphql?query=mutation%7BjoinAsGuest(input:%7Bname:%22Gast%22%7D)%7B__typename%7D%7D";
const TYPENAME: &str = "/graphql?query=%7B__typename%7D";

#[tokio::test]
async fn nothing_changes_over_get() {
    let site = Site::new().await;
    let before = site.services.store.head().await.unwrap();
    let several =
        format!("{GUEST}%20query%20Q%7B__typename%7D&operationName=Q").replace("mutation%7B", "mutation%20M%7B");
    let named = several.replace("operationName=Q", "operationName=M");
    let get = async |uri: &str| site.fetch("GET", uri, &[("accept", GRAPHQL)]).await;
    for uri in [GUEST, &named] {
        let answer = get(uri).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{uri}");
        assert_eq!(answer.headers["allow"], "POST", "{uri}");
    }
    assert_eq!(get(&several).await.body, json!({ "data": { "__typename": "Query" } }), "the query beside it runs");
    assert_eq!(site.services.store.head().await.unwrap(), before, "and no guest came");
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = site.router.clone().oneshot(request(method, "/graphql", &[])).await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[tokio::test]
async fn only_a_program_reads_over_get() {
    let site = Site::new().await;
    let (plain, fetch) = (("accept", "*/*"), ("sec-fetch-mode", "cors"));
    for (headers, status) in [
        (vec![("accept", GRAPHQL)], StatusCode::OK),
        (vec![("accept", JSON)], StatusCode::OK),
        (vec![plain, fetch], StatusCode::OK),
        (vec![plain, fetch, ("origin", "https://evil.example")], StatusCode::FORBIDDEN),
        (vec![("accept", JSON), ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (vec![plain], StatusCode::NOT_ACCEPTABLE),
        (vec![], StatusCode::NOT_ACCEPTABLE),
        (vec![plain, ("sec-fetch-mode", "no-cors")], StatusCode::NOT_ACCEPTABLE),
        (vec![("accept", "text/html,*/*;q=0.8"), ("sec-fetch-mode", "navigate")], StatusCode::NOT_ACCEPTABLE),
    ] {
        let answer = site.fetch("GET", TYPENAME, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.body["data"]["__typename"] == "Query", status == StatusCode::OK, "{headers:?}");
    }
    let get = async |tail: &str| site.fetch("GET", &format!("/graphql?{tail}"), &[("accept", JSON)]).await;
    let variables = "query=query($v:Boolean!)%7BsetUpNeeded%20@include(if:$v)%7D&variables=%7B%22v%22:true%7D";
    let answer = get(variables).await;
    assert!(answer.body["data"]["setUpNeeded"].is_boolean(), "{}", answer.body);
    for wrong in [
        "",
        "query=",
        "query=%7Ba%7D&query=%7Bb%7D",
        "query=%7B__typename%7D&variables=nonsense",
        "query=%7B__typename%7D&extensions=[]",
    ] {
        assert_eq!(get(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_document_is_sent_once_and_then_known_by_its_hash() {
    let site = Site::new().await;
    // `{ __typename }`, and its SHA-256.
    let (query, hash) = ("{ __typename }", hex::encode(<sha2::Sha256 as sha2::Digest>::digest("{ __typename }")));
    let by = |hash: &str| json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let code = |answer: &Answer| answer.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
    let unknown = site.ask(GRAPHQL, json!({ "extensions": by(&hash) })).await;
    assert_eq!((unknown.status, code(&unknown).as_str()), (StatusCode::BAD_REQUEST, "PERSISTED_QUERY_NOT_FOUND"));
    let other = site.ask(JSON, json!({ "query": "{ me { name } }", "extensions": by(&hash) })).await;
    assert_eq!(code(&other), "PERSISTED_QUERY_MISMATCH");
    for wrong in [json!(1), json!({ "version": 2, "sha256Hash": hash }), by("ab"), by("nonsense")] {
        let extensions = if wrong.get("persistedQuery").is_some() { wrong } else { json!({ "persistedQuery": wrong }) };
        assert_eq!(code(&site.ask(JSON, json!({ "extensions": extensions })).await), "PERSISTED_QUERY_INVALID");
    }
    let typename = json!({ "data": { "__typename": "Query" } });
    assert_eq!(site.ask(JSON, json!({ "query": query, "extensions": by(&hash) })).await.body, typename);
    assert_eq!(site.ask(JSON, json!({ "extensions": by(&hash) })).await.body, typename);
    let short =
        format!("/graphql?extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{hash}%22%7D%7D");
    assert_eq!(site.fetch("GET", &short, &[("accept", JSON)]).await.body, typename);
    // What does not pass the limits is not remembered.
    let long = format!("{{ {} }}", "__typename ".repeat(30));
    let its = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&long));
    assert_eq!(code(&site.ask(JSON, json!({ "query": long, "extensions": by(&its) })).await), "bad_request");
    assert_eq!(code(&site.ask(JSON, json!({ "extensions": by(&its) })).await), "PERSISTED_QUERY_NOT_FOUND");
    // A mutation by its hash is a mutation still.
    let sign_out = "mutation { signOut { __typename } }";
    let its = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(sign_out));
    site.ask(JSON, json!({ "query": sign_out, "extensions": by(&its) })).await;
    let get = site.fetch("GET", &short.replace(&hash, &its), &[("accept", JSON)]).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn other_sites_are_refused() {
    let site = Site::new().await;
    let body = json!({ "query": "{ me { name } }" }).to_string();
    let of = |more: (&'static str, &'static str)| vec![("content-type", JSON), ("cookie", "session=ada"), more];
    for origin in [
        "https://evil.example",
        "null",
        "http://watch.example.org",
        "https://watch.example.org.evil.example",
        "https://watch.example.org:8443",
        "https://WATCH.example.org",
        "",
    ] {
        let headers = of(("origin", origin));
        assert_eq!(site.post(&headers, body.clone()).await.status, StatusCode::FORBIDDEN, "{origin}");
    }
    let cross = of(("sec-fetch-site", "cross-site"));
    assert_eq!(site.post(&cross, body.clone()).await.status, StatusCode::FORBIDDEN);
    for fine in [("origin", ORIGIN), ("sec-fetch-site", "same-origin"), ("x-nothing", "")] {
        let answer = site.post(&of(fine), body.clone()).await;
        assert_eq!(answer.body["data"]["me"]["name"], "Ada", "{fine:?}");
    }
}

#[tokio::test]
async fn without_sessions_it_says_try_again() {
    let site = Site::new().await;
    let headers = [("content-type", JSON), ("cookie", "session=broken")];
    let answer = site.post(&headers, json!({ "query": "{ __typename }" }).to_string()).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(!answer.body.to_string().contains("the table is gone"), "{}", answer.body);
}

#[tokio::test]
async fn the_session_cookie_is_set_by_the_response() {
    let site = Site::new().await;
    let query = "mutation { joinAsGuest(input: { name: \"Gast\" }) { __typename } }";
    let answer = site.ask(GRAPHQL, json!({ "query": query })).await;
    assert_eq!(answer.body["data"]["joinAsGuest"]["__typename"], "SignedIn");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("lockstep=") && cookie.contains("HttpOnly"), "{cookie}");
}

#[tokio::test]
async fn every_answer_says_what_is_left_and_the_last_says_when_to_come_back() {
    let site = Site::new().await;
    let headers = [("content-type", JSON), ("cookie", "session=ada"), ("accept", GRAPHQL)];
    let dear = json!({ "query": "{ videos(first: 99) { nodes { id } } }" }).to_string();
    let left = |answer: &Answer| answer.headers["x-ratelimit-remaining"].to_str().unwrap().parse::<u32>().unwrap();
    let first = site.post(&headers, dear.clone()).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.headers["x-ratelimit-limit"], super::BUDGET.to_string().as_str());
    assert!(first.headers.contains_key("x-ratelimit-reset") && left(&first) < super::BUDGET);
    let cost = super::BUDGET - left(&first);
    for _ in 1..super::BUDGET / cost {
        assert_eq!(site.post(&headers, dear.clone()).await.status, StatusCode::OK);
    }
    let refused = site.post(&headers, dear.clone()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(left(&refused), super::BUDGET % cost, "and it cost nothing");
    let wait_s: u32 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait_s), "{wait_s}");
    assert_eq!(refused.body["errors"][0]["extensions"]["code"], "rate_limited");
    let older = site.post(&[("content-type", JSON), ("cookie", "session=ada")], dear).await;
    assert_eq!(older.status, StatusCode::TOO_MANY_REQUESTS, "in the older format too");
}
