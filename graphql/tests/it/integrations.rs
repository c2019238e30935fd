//! API tokens and webhooks: made, listed, ended by their owner; and what a token may ask.

use std::{collections::BTreeSet, sync::Arc};

use lockstep_commands::{Principal, token as tokens, webhook};
use lockstep_domain::{
    account::PlatformRole,
    ids::{Position, VideoId},
    token::Scope,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

/// A minute after the clock's start, and then some.
const SOON: &str = "2023-11-20T00:00:00Z";
const TOKENS: &str = "{ apiTokens { id name scopes prefix expiresAt lastUsedAt expired } }";
const WEBHOOKS: &str = "{ webhooks { id url topics everybody disabled } }";
const DELIVERIES: &str =
    "query($id: UUID!) { webhookDeliveries(webhook: $id) { id topic video state attempts error } }";

fn wanted(scopes: &[&str]) -> Value {
    json!({
        "operationId": Uuid::new_v4(), "name": "script", "scopes": scopes, "expiresAt": SOON,
        "password": "correct horse battery",
    })
}

/// A token of this person's.
pub async fn token(app: &App, by: &Principal, scopes: &[&str]) -> Value {
    let issued = app.change(Some(by), "createApiToken", wanted(scopes)).await;
    assert_eq!(issued["__typename"], "ApiTokenCreated", "{issued}");
    issued
}

/// A webhook of this person's and what it is to be told of a film that is ready: their ids.
pub async fn told(app: &App, by: &Principal) -> (String, String) {
    let input = json!({ "operationId": Uuid::new_v4(), "url": "https://hooks.example.org", "topics": ["VIDEO_READY"] });
    let registered = app.change(Some(by), "registerWebhook", input).await;
    let id = registered["id"].as_str().unwrap_or_else(|| panic!("{registered}")).to_owned();
    app.ready_film(by, VideoId(Uuid::new_v4())).await;
    let events = app.services.store.read_after(Position::START, 1_000).await.unwrap();
    webhook::note(&app.services, &events).await.unwrap();
    let told = app.data(Some(by), DELIVERIES, json!({ "id": id })).await["webhookDeliveries"].clone();
    (id, told[0]["id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned())
}

async fn principal(app: &App, token: &Value) -> Option<Principal> {
    tokens::authenticate(&app.services, token["token"].as_str().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_token_is_shown_once_and_listed_without_its_secret() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let issued = token(&app, &ada, &["VIDEOS_READ", "UPLOAD"]).await;
    let secret = issued["token"].as_str().unwrap();
    assert!(secret.starts_with("lsk_") && secret.len() == 47, "{secret}");
    let listed = app.data(Some(&ada), TOKENS, json!({})).await;
    let expected = json!([{
        "id": issued["id"], "name": "script", "scopes": ["VIDEOS_READ", "UPLOAD"], "prefix": secret[..10],
        "expiresAt": SOON, "lastUsedAt": null, "expired": false,
    }]);
    assert_eq!(listed["apiTokens"], expected);
    let acting = principal(&app, &issued).await.expect("it works");
    assert_eq!(
        (acting.account, acting.scopes),
        (ada.account, Some(BTreeSet::from([Scope::VideosRead, Scope::Upload])))
    );
    let used = app.data(Some(&ada), TOKENS, json!({})).await;
    assert!(used["apiTokens"][0]["lastUsedAt"].is_string(), "{used}");
}

#[tokio::test]
async fn a_token_asks_for_the_password_and_the_same_wish_makes_one_token() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let guest = app.person("Gus", PlatformRole::Guest).await;
    let mut wish = wanted(&["UPLOAD"]);
    let first = app.change(Some(&ada), "createApiToken", wish.clone()).await;
    let again = app.change(Some(&ada), "createApiToken", wish.clone()).await;
    assert_eq!(first["id"], again["id"]);
    assert!(principal(&app, &first).await.is_none(), "the secret before dies");
    assert!(principal(&app, &again).await.is_some());
    assert_eq!(app.data(Some(&ada), TOKENS, json!({})).await["apiTokens"].as_array().unwrap().len(), 1);
    wish["password"] = json!("a guess");
    wish["operationId"] = json!(Uuid::new_v4());
    assert_eq!(app.change(Some(&ada), "createApiToken", wish).await["code"], "wrong_password");
    assert_eq!(app.change(Some(&guest), "createApiToken", wanted(&["UPLOAD"])).await["code"], "no_password");
    assert_eq!(app.change(Some(&ada), "createApiToken", wanted(&[])).await["code"], "no_scope");
}

#[tokio::test]
async fn a_token_dies_with_its_owners_word_or_suspension_at_once() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let (first, second) = (token(&app, &ada, &["UPLOAD"]).await, token(&app, &ada, &["UPLOAD"]).await);
    let revoke = |token: &Value| json!({ "operationId": Uuid::new_v4(), "apiToken": token["id"] });
    assert_eq!(app.change(Some(&eve), "revokeApiToken", revoke(&first)).await["code"], "not_found");
    assert!(principal(&app, &first).await.is_some());
    assert_eq!(app.change(Some(&ada), "revokeApiToken", revoke(&first)).await["changed"], true);
    assert!(principal(&app, &first).await.is_none());
    assert_eq!(app.data(Some(&ada), TOKENS, json!({})).await["apiTokens"].as_array().unwrap().len(), 1);
    let suspend = json!({ "operationId": Uuid::new_v4(), "account": ada.account.0, "reason": "a test" });
    assert_eq!(app.change(Some(&root), "suspendAccount", suspend).await["__typename"], "Changed");
    assert!(principal(&app, &second).await.is_none());
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let mut app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let issued = token(&app, &ada, &["UPLOAD"]).await;
    struct Later;
    impl lockstep_commands::Clock for Later {
        fn now(&self) -> lockstep_domain::time::Timestamp {
            lockstep_domain::time::Timestamp(1_900_000_000_000_000)
        }
    }
    app.services.clock = Arc::new(Later);
    assert!(principal(&app, &issued).await.is_none());
}

#[tokio::test]
async fn a_token_asks_within_its_scopes_and_nothing_else() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Administrator).await;
    let reader = principal(&app, &token(&app, &ada, &["VIDEOS_READ"]).await).await.unwrap();
    let all = ["VIDEOS_READ", "VIDEOS_WRITE", "UPLOAD", "NOTIFICATIONS_READ", "WEBHOOKS_READ"];
    let all = principal(&app, &token(&app, &ada, &all).await).await.unwrap();
    let code = async |by: &Principal, query: &str| {
        let answer = app.ask(Some(by), query, json!({})).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
    };
    for query in ["{ me { id } position }", "{ videos { totalCount } }", "{ __typename library { totalCount } }"] {
        assert_eq!(code(&reader, query).await, "none", "{query}");
    }
    let trash = format!(
        "mutation {{ trashFilm(input: {{ operationId: \"{0}\", video: \"{0}\" }}) {{ __typename }} }}",
        Uuid::new_v4()
    );
    for query in [
        "{ notifications { hasMore } }",
        "{ uploadQuota { bytesUsed } }",
        "{ videos { totalCount } unreadCount }",
        "query { ...F } fragment F on Query { unreadCount }",
        "query { ... on Query { a: unreadCount } }",
        "query A { me { id } } query B { unreadCount }",
        &trash,
    ] {
        let refused = code(&reader, query).await;
        assert_eq!(refused, "scope", "{query}");
    }
    assert_eq!(code(&all, &trash).await, "none");
    let name = "mutation { changeDisplayName(input: { operationId: \"00000000-0000-4000-8000-000000000001\", name: \"Eve\" }) { __typename } }";
    for query in [
        "{ apiTokens { id } }",
        "{ sessions { __typename } }",
        "{ identities { id } }",
        "{ confirmedUntil }",
        "{ identityProvider { name } }",
        "{ people { hasMore } }",
        "{ webhooks { id } }",
        "{ auditKinds { kind } }",
        name,
        "subscription { videoStatus(id: \"x\") { __typename } }",
    ] {
        assert_eq!(code(&all, query).await, "scope", "{query}");
    }
    assert_eq!(code(&ada, name).await, "none", "the session itself may");
}

#[tokio::test]
async fn tokens_and_webhooks_are_in_the_log_without_their_secrets() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let issued = token(&app, &ada, &["UPLOAD"]).await;
    let (webhook, _) = told(&app, &ada).await;
    let events = app.services.store.read_after(Position::START, 1_000).await.unwrap();
    let of = |kind: &str, id: &str| {
        let found = events.iter().find(|event| event.stream.to_string() == format!("{kind}-{id}"));
        let found = found.unwrap_or_else(|| panic!("no {kind}"));
        (found.event_type.clone(), found.metadata.actor.clone())
    };
    let ada = ada.account.to_string();
    assert_eq!(of("token", issued["id"].as_str().unwrap()), ("Issued".to_owned(), ada.clone()));
    assert_eq!(of("webhook", &webhook), ("Registered".to_owned(), ada));
    let stored: Vec<Value> =
        sqlx::query_scalar("SELECT payload FROM events").fetch_all(&app.services.pool).await.unwrap();
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT t::text FROM api_tokens t").fetch_all(&app.services.pool).await.unwrap();
    let secret = issued["token"].as_str().unwrap();
    for text in stored.iter().map(Value::to_string).chain(rows) {
        assert!(
            !text.contains(secret) && !text.contains(&secret[12..24]) && !text.contains("hooks.example.org"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_webhooks_secret_is_rotated_by_its_owner_and_shown_once() {
    const LISTED: &str = "{ webhooks { id oldSecretsUntil } }";
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let (id, _) = told(&app, &ada).await;
    let wanted = |old: Value| json!({ "operationId": Uuid::new_v4(), "webhook": id, "oldHours": old });
    let input = wanted(Value::Null);
    let rotated = app.change(Some(&ada), "rotateWebhookSecret", input.clone()).await;
    assert_eq!(rotated["secret"], format!("whsec_{id}.1"), "{rotated}");
    assert!(rotated["oldSecretsUntil"].as_str().is_some_and(|until| until.starts_with("2023-11-15T22:")), "{rotated}");
    let again = app.change(Some(&ada), "rotateWebhookSecret", input).await;
    assert_eq!((&again["secret"], &again["position"]), (&rotated["secret"], &rotated["position"]), "the same wish");
    let listed = app.data(Some(&ada), LISTED, json!({})).await["webhooks"][0].clone();
    assert_eq!(listed["oldSecretsUntil"], rotated["oldSecretsUntil"]);
    let leaked = app.change(Some(&ada), "rotateWebhookSecret", wanted(json!(0))).await;
    assert_eq!((&leaked["secret"], &leaked["oldSecretsUntil"]), (&json!(format!("whsec_{id}.2")), &Value::Null));
    let listed = app.data(Some(&ada), LISTED, json!({})).await["webhooks"][0].clone();
    assert_eq!(listed["oldSecretsUntil"], Value::Null);
    let long = app.change(Some(&ada), "rotateWebhookSecret", wanted(json!(73))).await;
    assert_eq!((&long["__typename"], &long["code"]), (&json!("Refused"), &json!("old_hours")));
    let hers = app.change(Some(&eve), "rotateWebhookSecret", wanted(Value::Null)).await;
    assert_eq!(hers["code"], "not_found");
}

#[tokio::test]
async fn a_webhook_is_registered_listed_enabled_and_removed_by_its_owner() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let input = json!({ "operationId": Uuid::new_v4(), "url": "https://hooks.example.org/x", "topics": ["VIDEO_READY", "VIDEO_FAILED"] });
    let registered = app.change(Some(&ada), "registerWebhook", input.clone()).await;
    assert_eq!(registered["secret"], format!("whsec_{}.0", registered["id"].as_str().unwrap()), "{registered}");
    assert_eq!(app.change(Some(&ada), "registerWebhook", input).await["id"], registered["id"]);
    let everybody = json!({ "operationId": Uuid::new_v4(), "url": "https://a.example", "topics": ["VIDEO_READY"], "everybody": true });
    assert_eq!(app.change(Some(&ada), "registerWebhook", everybody).await["code"], "not_permitted");
    let listed = app.data(Some(&ada), WEBHOOKS, json!({})).await;
    let expected = json!([{
        "id": registered["id"], "url": "https://hooks.example.org/x", "topics": ["VIDEO_READY", "VIDEO_FAILED"],
        "everybody": false, "disabled": false,
    }]);
    assert_eq!(listed["webhooks"], expected);
    assert_eq!(app.data(Some(&eve), WEBHOOKS, json!({})).await["webhooks"], json!([]));
    let named = || json!({ "operationId": Uuid::new_v4(), "webhook": registered["id"] });
    for field in ["removeWebhook", "enableWebhook"] {
        assert_eq!(app.change(Some(&eve), field, named()).await["code"], "not_found", "{field}");
    }
    assert_eq!(app.change(Some(&ada), "removeWebhook", named()).await["changed"], true);
    assert_eq!(app.data(Some(&ada), WEBHOOKS, json!({})).await["webhooks"], json!([]));
}
