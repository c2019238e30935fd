//! One attempt, one browser, once: state, code, PKCE, the issuer's name, and where it goes on to.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use super::*;

#[tokio::test]
async fn an_answer_without_this_browsers_state_is_not_taken() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({})).await;
    let (code, state) = site.provider.agree(&address, "Ada");
    for path in [
        format!("/auth/oidc/callback?code={code}"),
        format!("/auth/oidc/callback?code={code}&state="),
        format!("/auth/oidc/callback?code={code}&state={}", "x".repeat(43)),
        format!("/auth/oidc/callback?code={code}&state={state}&state={state}"),
    ] {
        assert_eq!(browser.get(&path).await.to(), "/sign-in?problem=attempt_ended", "{path}");
    }
    assert_eq!(site.provider.asked("token"), 0, "the provider is not asked about it");
    assert_eq!(browser.come_back(&code, &state).await.to(), "/", "and the attempt goes on");
}

#[tokio::test]
async fn an_answer_is_taken_once() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({})).await;
    let attempt = browser.cookies[ATTEMPT].clone();
    let (code, state) = site.provider.agree(&address, "Ada");
    assert_eq!(browser.come_back(&code, &state).await.to(), "/");
    // With everything that the browser had, also what it was told to forget.
    browser.cookies.insert(ATTEMPT.to_owned(), attempt);
    let (code, _) = site.provider.agree(&address, "Ada");
    assert_eq!(browser.come_back(&code, &state).await.to(), "/sign-in?problem=attempt_ended");
    assert_eq!(site.provider.asked("token"), 1);
}

#[tokio::test]
async fn an_answer_to_another_browsers_attempt_is_not_taken() {
    let site = Site::new().await;
    let (mut mallory, mut victim) = (site.browser(), site.browser());
    let address = mallory.set_out(json!({})).await;
    let (code, state) = site.provider.agree(&address, "Mallory");
    assert_eq!(victim.come_back(&code, &state).await.to(), "/sign-in?problem=attempt_ended", "without an attempt");
    victim.set_out(json!({})).await;
    assert_eq!(victim.come_back(&code, &state).await.to(), "/sign-in?problem=attempt_ended", "with one of its own");
    assert!(victim.principal().await.is_none());
}

#[tokio::test]
async fn an_attempt_ends_after_ten_minutes() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({})).await;
    let (code, state) = site.provider.agree(&address, "Ada");
    site.run("UPDATE sign_in_attempts SET expires_at = expires_at - interval '10 minutes'").await;
    assert_eq!(browser.come_back(&code, &state).await.to(), "/sign-in?problem=attempt_ended");
    assert!(browser.principal().await.is_none());
}

#[tokio::test]
async fn a_code_is_good_once_and_for_its_own_attempt_only() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({})).await;
    let (code, state) = site.provider.agree(&address, "Ada");
    assert_eq!(browser.come_back(&code, &state).await.to(), "/");
    let mut thief = site.browser();
    let own = thief.set_out(json!({})).await;
    let (_, state) = site.provider.agree(&own, "Thief");
    assert_eq!(thief.come_back(&code, &state).await.to(), "/sign-in?problem=provider_refused", "used up");
    // A code that was caught on its way, before its owner brought it: the verifier of another attempt does not fit.
    let address = browser.set_out(json!({})).await;
    let (caught, _) = site.provider.agree(&address, "Ada");
    let own = thief.set_out(json!({})).await;
    // The nonce alone would stop them too: here it fits, so that nothing but the verifier is in the way.
    let nonce = own.query_pairs().find(|(name, _)| name == "nonce").unwrap().1.into_owned();
    site.provider.twist(move |claims| claims["nonce"] = json!(nonce));
    let (_, state) = site.provider.agree(&own, "Thief");
    assert_eq!(thief.come_back(&caught, &state).await.to(), "/sign-in?problem=provider_refused", "another verifier");
    assert!(thief.principal().await.is_none());
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_is_not_taken() {
    let site = Site::new().await;
    let issuer = site.provider.issuer().to_owned();
    let come = async |iss: &str| {
        let mut browser = site.browser();
        let address = browser.set_out(json!({})).await;
        let (code, state) = site.provider.agree(&address, "Ada");
        browser.get(&format!("/auth/oidc/callback?code={code}&state={state}{iss}")).await.to().to_owned()
    };
    assert_eq!(come("&iss=https://evil.example").await, "/sign-in?problem=provider_refused");
    assert_eq!(come("&error=access_denied&iss=https://evil.example").await, "/sign-in?problem=provider_refused");
    assert_eq!(site.provider.asked("token"), 0, "the code stays here");
    assert_eq!(come(&format!("&iss={issuer}")).await, "/");
    assert_eq!(come("").await, "/", "this one says nothing about naming itself");
}

#[tokio::test]
async fn who_always_names_itself_is_not_believed_without() {
    let site = Site::new().await;
    site.provider.manners().says_issuer = true;
    refused(&site, "provider_refused").await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({})).await;
    let (code, state) = site.provider.agree(&address, "Ada");
    let path = format!("/auth/oidc/callback?code={code}&state={state}&iss={}", site.provider.issuer());
    assert_eq!(browser.get(&path).await.to(), "/");
}

#[tokio::test]
async fn the_provider_sends_browsers_back_to_one_address() {
    let site = Site::new().await;
    let address = site.browser().set_out(json!({ "returnTo": "/c/movie-night" })).await;
    let back = address.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(back, format!("{ORIGIN}/auth/oidc/callback"));
    assert!(!address.as_str().contains(CLIENT_SECRET), "{address}");
}

#[tokio::test]
async fn it_goes_on_to_a_page_of_this_site_only() {
    let site = Site::new().await;
    assert_eq!(site.browser().journey(json!({ "returnTo": "/i/abc?x=1#y" }), "Ada").await, "/i/abc?x=1#y");
    for place in
        ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "javascript:alert(1)", ""]
    {
        let body = json!({ "purpose": "sign_in", "returnTo": place });
        let answer = site.browser().post("/auth/oidc/start", body).await;
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (400, &json!("return_to")), "{place}");
    }
}

#[tokio::test]
async fn only_our_own_pages_set_out() {
    let site = Site::new().await;
    let body = json!({ "purpose": "sign_in", "returnTo": "/" }).to_string();
    let ask = |origin: Option<&str>, kind: Option<&str>, body: String| {
        let mut request = Request::post("/auth/oidc/start");
        for (name, value) in [(header::ORIGIN, origin), (header::CONTENT_TYPE, kind)] {
            request = value.into_iter().fold(request, |request, value| request.header(&name, value));
        }
        request.body(Body::from(body)).unwrap()
    };
    let json_kind = Some("application/json");
    let cases = [
        (ask(None, json_kind, body.clone()), 403),
        (ask(Some("https://evil.example"), json_kind, body.clone()), 403),
        (ask(Some("null"), json_kind, body.clone()), 403),
        (ask(Some(ORIGIN), None, body.clone()), 415),
        (ask(Some(ORIGIN), Some("text/plain"), body.clone()), 415),
        (ask(Some(ORIGIN), json_kind, "{}".to_owned()), 400),
        (ask(Some(ORIGIN), json_kind, body.replace("returnTo", "return_to")), 400),
        (ask(Some(ORIGIN), json_kind, " ".repeat(9_000)), 413),
        (ask(Some(ORIGIN), json_kind, body), 200),
    ];
    for (request, status) in cases {
        assert_eq!(site.browser().send(request).await.status.as_u16(), status);
    }
    assert_eq!(site.browser().get("/auth/oidc/start").await.status.as_u16(), 405);
}

#[tokio::test]
async fn who_turns_back_at_the_provider_is_told_so() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({ "returnTo": "/c/movie-night" })).await;
    let (code, state) = site.provider.agree(&address, "Ada");
    let cancelled = browser.get(&format!("/auth/oidc/callback?error=access_denied&state={state}")).await;
    assert_eq!(cancelled.to(), "/sign-in?next=%2Fc%2Fmovie-night&problem=cancelled");
    assert_eq!(browser.come_back(&code, &state).await.to(), "/sign-in?problem=attempt_ended", "it has ended");
    let address = browser.set_out(json!({})).await;
    let (_, state) = site.provider.agree(&address, "Ada");
    let failed = browser.get(&format!("/auth/oidc/callback?error=server_error&state={state}")).await;
    assert_eq!(failed.to(), "/sign-in?problem=provider_refused");
}

#[tokio::test]
async fn attempts_are_counted_by_address_as_tries_at_passwords_are() {
    let site = Site::new().await;
    let ask = |last: u8| {
        let mut request = Request::get("/auth/oidc/callback").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, last], 1))));
        request
    };
    let mut browser = site.browser();
    for left in (0..60).rev() {
        let answer = browser.send(ask(7)).await;
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-remaining")),
            (StatusCode::SEE_OTHER, left.to_string().as_str())
        );
        assert!(answer.header("ratelimit-policy").starts_with("\"auth\";q=60;w=900"));
    }
    let refused = browser.send(ask(7)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(browser.send(ask(8)).await.status, StatusCode::SEE_OTHER);
}
