//! Whose account it is: by issuer and subject, never by a name or an address; linking, confirming, choosing a name.

use lockstep_commands::{
    CommandError, administration, identity,
    token::{self, Wanted},
};
use lockstep_domain::token::Scope;

use super::*;

#[tokio::test]
async fn the_same_identity_is_the_same_account_and_each_sign_in_a_new_session() {
    let site = Site::new().await;
    let mut browser = site.browser();
    assert_eq!(browser.sign_in("Ada").await, "/");
    let first = browser.me().await;
    assert_eq!((first.role, first.name.as_str()), (PlatformRole::Member, "Ada"));
    let token = browser.cookies[SESSION].clone();
    assert_eq!(browser.sign_in("Ada").await, "/");
    let second = browser.me().await;
    assert_eq!(second.account, first.account);
    assert_ne!(browser.cookies[SESSION], token);
    assert_eq!(session::authenticate(&site.services, &token).await, Ok(None), "the session before has ended");
    let mut elsewhere = site.browser();
    elsewhere.sign_in("Ada").await;
    assert_eq!(elsewhere.me().await.account, first.account);
    assert_eq!(session::list(&site.services, first.account).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_that_was_planted_dies_at_sign_in() {
    let site = Site::new().await;
    let mut browser = site.person("Mallory's guest", PlatformRole::Guest).await;
    let planted = browser.cookies[SESSION].clone();
    let mut owner = site.browser();
    owner.sign_in("Ada").await;
    assert_eq!(browser.sign_in("Ada").await, "/");
    assert_eq!(browser.me().await.account, owner.me().await.account);
    assert_ne!(browser.cookies[SESSION], planted);
    assert_eq!(session::authenticate(&site.services, &planted).await, Ok(None));
}

#[tokio::test]
async fn an_equal_address_or_name_links_nothing() {
    let site = Site::new().await;
    let ada = site.person("ada@example.org", PlatformRole::Administrator).await.me().await;
    let mut browser = site.browser();
    site.provider.twist(|claims| {
        claims["name"] = json!("ada@example.org");
        claims["preferred_username"] = json!("ada@example.org");
    });
    // A name of theirs is asked for: that one is somebody's.
    assert_eq!(browser.sign_in("s-1").await, "/sign-in/name#ada%40example.org");
    assert!(browser.principal().await.is_none(), "nobody yet");
    let taken = browser.post("/auth/oidc/name", json!({ "name": "Ada@example.org" })).await;
    assert_eq!((taken.status.as_u16(), &taken.body["code"]), (409, &json!("name_taken")));
    let made = browser.post("/auth/oidc/name", json!({ "name": "Another Ada" })).await;
    assert_eq!((made.status.as_u16(), &made.body["to"]), (200, &json!("/")));
    let me = browser.me().await;
    assert_ne!(me.account, ada.account);
    assert_eq!((me.name.as_str(), me.role), ("Another Ada", PlatformRole::Member));
    assert_eq!(identity::list(&site.services, ada.account).await.unwrap(), []);
    let again = browser.post("/auth/oidc/name", json!({ "name": "A third" })).await;
    assert_eq!(again.body["code"], "attempt_ended", "{}", again.body);
}

#[tokio::test]
async fn a_name_is_chosen_in_the_browser_that_was_asked() {
    let site = Site::new().await;
    site.provider.twist(|claims| drop(claims.as_object_mut().unwrap().remove("name")));
    let mut browser = site.browser();
    assert_eq!(browser.journey(json!({ "returnTo": "/c/movie-night" }), "s-1").await, "/sign-in/name");
    let stranger = site.browser().post("/auth/oidc/name", json!({ "name": "Eve" })).await;
    assert_eq!(stranger.body["code"], "attempt_ended");
    let mut early = site.browser();
    early.set_out(json!({})).await;
    let unnamed = early.post("/auth/oidc/name", json!({ "name": "Eve" })).await;
    assert_eq!(unnamed.body["code"], "attempt_ended", "the provider has said nothing yet");
    let mut foreign = Request::post("/auth/oidc/name").header(header::CONTENT_TYPE, "application/json");
    foreign = foreign.header(header::ORIGIN, "https://evil.example");
    let refused = browser.send(foreign.body(Body::from("{\"name\":\"Eve\"}")).unwrap()).await;
    assert_eq!(refused.status.as_u16(), 403);
    let made = browser.post("/auth/oidc/name", json!({ "name": "Ada" })).await;
    assert_eq!(made.body["to"], "/c/movie-night", "{}", made.body);
    assert_eq!(browser.sign_in("s-1").await, "/");
    assert_eq!(site.accounts().await, 1);
}

#[tokio::test]
async fn the_preferred_name_is_the_second_best() {
    let site = Site::new().await;
    site.provider.twist(|claims| {
        claims["name"] = json!(" ");
        claims["preferred_username"] = json!("ada");
    });
    let mut browser = site.browser();
    assert_eq!(browser.sign_in("s-1").await, "/");
    assert_eq!(browser.me().await.name, "ada");
}

#[tokio::test]
async fn who_may_register_is_the_installations_word() {
    let closed = Site::with(Registration::Closed).await;
    refused(&closed, "registration_closed").await;
    let site = Site::with(Registration::InviteOnly).await;
    refused(&site, "registration_link").await;
    let mut admin = site.person("Root", PlatformRole::Administrator).await;
    let context = Context { actor: Actor::Account(admin.me().await.account), ..site.context() };
    let until = Timestamp(site.services.clock.now().0 + 3_600_000_000);
    let link = administration::issue_link(&site.services, &context, until, 1).await.unwrap().token;
    let mut browser = site.browser();
    assert_eq!(browser.journey(json!({ "token": link }), "Ada").await, "/");
    let late = site.browser().journey(json!({ "token": link }), "Bob").await;
    assert_eq!(late, "/sign-in?problem=registration_link");
    assert_eq!(site.browser().sign_in("Ada").await, "/", "whoever has an account needs no link");
    assert_eq!(admin.get("/auth/oidc/callback").await.to(), "/sign-in?problem=attempt_ended");
}

#[tokio::test]
async fn a_guest_keeps_the_account_and_who_is_suspended_stays_out() {
    let site = Site::new().await;
    let mut browser = site.person("Gus", PlatformRole::Guest).await;
    let guest = browser.me().await;
    assert_eq!(browser.sign_in("Gustav").await, "/");
    let member = browser.me().await;
    assert_eq!((member.account, member.role, member.name.as_str()), (guest.account, PlatformRole::Member, "Gustav"));
    let root = site.person("Root", PlatformRole::Administrator).await.me().await;
    let context = Context { actor: Actor::Account(root.account), ..site.context() };
    administration::suspend(&site.services, &context, member.account, None).await.unwrap();
    let mut out = site.browser();
    assert_eq!(out.sign_in("Gustav").await, "/sign-in?problem=suspended");
    assert!(out.principal().await.is_none());
}

#[tokio::test]
async fn linking_asks_for_the_password_and_lets_the_identity_in() {
    let site = Site::new().await;
    let mut browser = site.person("Ada", PlatformRole::Member).await;
    let ada = browser.me().await;
    let link = |password: &str| json!({ "purpose": "link", "returnTo": "/account", "password": password });
    let refused = browser.post("/auth/oidc/start", link("a guess")).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (409, &json!("wrong_password")));
    let nobody = site.browser().post("/auth/oidc/start", link(PASSWORD)).await;
    assert_eq!((nobody.status.as_u16(), &nobody.body["code"]), (401, &json!("signed_out")));
    let mut guest = site.person("Gus", PlatformRole::Guest).await;
    assert_eq!(guest.post("/auth/oidc/start", link(PASSWORD)).await.body["code"], "guest");
    assert_eq!(browser.journey(link(PASSWORD), "s-1").await, "/account");
    assert_eq!(browser.me().await.session_hash, ada.session_hash, "the session goes on");
    let mut elsewhere = site.browser();
    assert_eq!(elsewhere.sign_in("s-1").await, "/");
    assert_eq!(elsewhere.me().await.account, ada.account);
    let mut bob = site.person("Bob", PlatformRole::Member).await;
    assert_eq!(bob.journey(link(PASSWORD), "s-1").await, "/account?problem=identity_taken");
}

#[tokio::test]
async fn an_attempt_to_link_ends_with_its_session() {
    let site = Site::new().await;
    let mut browser = site.person("Ada", PlatformRole::Member).await;
    let wish = json!({ "purpose": "link", "returnTo": "/account", "password": PASSWORD });
    let address = browser.set_out(wish.clone()).await;
    let (code, state) = site.provider.agree(&address, "s-1");
    // Somebody else signs in meanwhile: their account must not get Ada's identity, nor hers theirs.
    let mallory = site.person("Mallory", PlatformRole::Member).await;
    browser.cookies.insert(SESSION.to_owned(), mallory.cookies[SESSION].clone());
    assert_eq!(browser.come_back(&code, &state).await.to(), "/account?problem=attempt_ended");
    let address = browser.set_out(wish).await;
    let (code, state) = site.provider.agree(&address, "s-1");
    session::revoke(&site.services, &browser.me().await.session_hash).await.unwrap();
    assert_eq!(browser.come_back(&code, &state).await.to(), "/account?problem=attempt_ended");
    let linked: i64 =
        sqlx::query_scalar("SELECT count(*) FROM identities").fetch_one(&site.services.pool).await.unwrap();
    assert_eq!(linked, 0);
}

#[tokio::test]
async fn an_account_without_a_password_makes_a_token_once_the_provider_has_asked_anew() {
    let site = Site::new().await;
    let mut browser = site.browser();
    browser.sign_in("Ada").await;
    let me = browser.me().await;
    let issue = async || {
        let context = Context { actor: Actor::Account(me.account), ..site.context() };
        let wanted = Wanted {
            name: "script",
            scopes: [Scope::Upload].into(),
            expires_at: Timestamp(context.now.0 + 3_600_000_000),
            password: "",
        };
        match token::issue(&site.services, &Entry::default(), &context, &me, wanted).await {
            Ok(_) => "made".to_owned(),
            Err(CommandError::Refused(refusal)) => lockstep_commands::refusal::Coded::code(&refusal).to_owned(),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(issue().await, "confirm_first");
    let confirm = || json!({ "purpose": "confirm", "returnTo": "/account#tokens" });
    let address = browser.set_out(confirm()).await;
    let said: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
    assert_eq!((said["prompt"].as_str(), said["max_age"].as_str()), ("login", "0"), "{address}");
    let now_s = site.provider.manners().now_s;
    site.provider.twist(move |claims| claims["auth_time"] = json!(now_s - 361));
    assert_eq!(browser.journey(confirm(), "Ada").await, "/account?problem=not_fresh#tokens");
    assert_eq!(issue().await, "confirm_first", "whoever was asked long ago was not asked anew");
    site.provider.twist(move |claims| claims["auth_time"] = json!(now_s - 5));
    assert_eq!(browser.journey(confirm(), "Somebody else").await, "/account?problem=not_your_identity#tokens");
    assert_eq!(issue().await, "confirm_first");
    assert_eq!(browser.journey(confirm(), "Ada").await, "/account#tokens");
    assert_eq!(issue().await, "made");
    site.run("UPDATE sessions SET confirmed_at = confirmed_at - interval '301 seconds'").await;
    assert_eq!(issue().await, "confirm_first", "five minutes later");
    site.provider.twist(|claims| drop(claims.as_object_mut().unwrap().remove("auth_time")));
    // What it was told by way of the browser proves nothing.
    assert_eq!(browser.journey(confirm(), "Ada").await, "/account?problem=not_fresh#tokens");
    assert_eq!(issue().await, "confirm_first");
}

#[tokio::test]
async fn a_provider_that_never_says_when_it_asked_is_believed_where_that_is_set() {
    for (without_auth_time, to) in [(false, "/account?problem=not_fresh"), (true, "/account")] {
        let site = Site::of(Registration::Open, without_auth_time).await;
        let mut browser = site.browser();
        browser.sign_in("Ada").await;
        let me = browser.me().await;
        let confirmed = async || session::confirmed_until(&site.services, &me.session_hash).await.unwrap().is_some();
        assert!(!confirmed().await, "a sign-in that asked nobody anew");
        let confirm = json!({ "purpose": "confirm", "returnTo": "/account" });
        assert_eq!(browser.journey(confirm, "Ada").await, to);
        assert_eq!(confirmed().await, without_auth_time);
    }
}
