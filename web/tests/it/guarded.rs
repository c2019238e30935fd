//! Headers that keep a page safe, on every route of the program and on every kind of answer.

use reqwest::{Method, header::HeaderMap};

use crate::process::{Server, data_folder};

fn said<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// What is wrong with the headers of an answer.
fn wrong(headers: &HeaderMap) -> Vec<String> {
    let mut found = Vec::new();
    let policy = said(headers, "content-security-policy");
    for part in ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"] {
        if !policy.contains(part) {
            found.push(format!("no {part} in {policy:?}"));
        }
    }
    if policy.contains("unsafe-inline") || policy.contains("unsafe-eval") {
        found.push(policy.to_owned());
    }
    let seconds = said(headers, "strict-transport-security").strip_prefix("max-age=").and_then(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    if seconds.is_none_or(|seconds| seconds < 365 * 24 * 3_600) {
        found.push(format!("https is remembered for {seconds:?} s"));
    }
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
    ] {
        if said(headers, name) != value {
            found.push(format!("{name} is {:?}", said(headers, name)));
        }
    }
    if !matches!(said(headers, "referrer-policy"), "same-origin" | "no-referrer") {
        found.push(format!("referrer-policy is {:?}", said(headers, "referrer-policy")));
    }
    if said(headers, "x-request-id").parse::<uuid::Uuid>().is_err() {
        found.push("the request has no id".to_owned());
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_has_the_headers_that_keep_a_page_safe() {
    let data = data_folder();
    let env = [
        ("LOCKSTEP_PUBLIC_URL", "https://watch.example"),
        ("LOCKSTEP_LIMIT_STREAMING", "1/600"),
        ("LOCKSTEP_OIDC_ISSUER", "http://127.0.0.1:1"),
        ("LOCKSTEP_OIDC_CLIENT_ID", "lockstep"),
        ("LOCKSTEP_OIDC_CLIENT_SECRET", "none"),
    ];
    let server = Server::start_behind(data.path(), &env).await;
    let routes = [
        (Method::GET, "/"),
        (Method::GET, "/channel/some/page"),
        (Method::POST, "/"),
        (Method::GET, "/library"),
        (Method::GET, "/nothing/here"),
        (Method::GET, "/assets/none.js"),
        (Method::GET, "/api/none"),
        (Method::GET, "/objects/none"),
        (Method::GET, "/graphql"),
        (Method::POST, "/graphql"),
        (Method::DELETE, "/graphql"),
        (Method::GET, "/sync"),
        (Method::GET, "/auth/oidc/callback"),
        (Method::GET, "/auth/oidc/start"),
        (Method::POST, "/auth/oidc/start"),
        (Method::POST, "/auth/oidc/name"),
        (Method::GET, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::GET, "/v/forged/master.m3u8"),
        // The second one is one too many.
        (Method::GET, "/v/forged/master.m3u8"),
        (Method::GET, "/lockstep-interim/none"),
        (Method::PUT, "/lockstep-interim/none"),
        (Method::OPTIONS, "/lockstep-interim/none"),
    ];
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let mut statuses = Vec::new();
    for (method, path) in routes {
        let request = client.request(method.clone(), format!("{}{path}", server.url));
        let answer = request.send().await.expect("answers");
        statuses.push(answer.status().as_u16());
        assert_eq!(wrong(answer.headers()), Vec::<String>::new(), "{method} {path}");
    }
    for status in [200, 303, 403, 405, 415, 429] {
        assert!(statuses.contains(&status), "every kind of answer was looked at, also {status}: {statuses:?}");
    }
    server.stop();
}
