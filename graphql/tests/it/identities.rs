//! What opens one's own account besides a password, through the schema.

use lockstep_commands::{
    Actor, Context, Principal,
    entry::Entry,
    identity::{self, Arrival, Claimed},
    session,
};
use lockstep_domain::{account::PlatformRole, installation::Registration};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, ISSUER};

const GOOD: &str = "correct horse battery";
const OWN: &str = "{ loginName identities { id issuer current linkedAt lastUsedAt } confirmedUntil }";

fn claimed(subject: &str, fresh: bool) -> Claimed {
    Claimed { issuer: ISSUER.to_owned(), subject: subject.to_owned(), name: Some(subject.to_owned()), fresh }
}

/// Links an identity to this person; its id.
pub async fn linked(app: &App, by: &Principal, subject: &str) -> String {
    let context = Context { actor: Actor::Account(by.account), ..app.system() };
    identity::link(&app.services, &context, by, &claimed(subject, false)).await.expect("linked");
    let rows = identity::list(&app.services, by.account).await.expect("rows");
    rows.last().expect("one").id.to_string()
}

/// Somebody who came by the provider and has no password.
async fn arrived(app: &App, name: &str, fresh: bool) -> Principal {
    let entry = Entry { registration: Some(Registration::Open), ..Entry::default() };
    let claimed = claimed(name, fresh);
    let arrival = Arrival { claimed: &claimed, chosen: None, link: None };
    let started = entry.sign_in_by_identity(&app.services, &app.system(), None, arrival).await.expect("in");
    session::authenticate(&app.services, started.token.expose()).await.expect("reads").expect("alive")
}

fn unlink(identity: &Value, password: &str) -> Value {
    json!({ "operationId": Uuid::new_v4(), "identity": identity, "password": password })
}

#[tokio::test]
async fn people_see_the_provider_and_what_opens_their_own_account() {
    let app = App::new().await;
    let shown = app.data(None, "{ identityProvider { name } }", json!({})).await;
    assert_eq!(shown, json!({ "identityProvider": { "name": "Company account" } }));
    let ada = app.person("Ada", PlatformRole::Member).await;
    let id = linked(&app, &ada, "ada").await;
    let own = app.data(Some(&ada), OWN, json!({})).await;
    assert_eq!((&own["loginName"], &own["confirmedUntil"]), (&json!("Ada"), &Value::Null));
    let [shown] = own["identities"].as_array().unwrap().as_slice() else { panic!("{own}") };
    assert_eq!((&shown["id"], &shown["issuer"], &shown["current"]), (&json!(id), &json!(ISSUER), &json!(true)));
    assert_eq!(shown["lastUsedAt"], Value::Null, "nobody signed in by it");
    let bea = arrived(&app, "Bea", true).await;
    let own = app.data(Some(&bea), OWN, json!({})).await;
    assert_eq!((&own["loginName"], own["identities"].as_array().unwrap().len()), (&Value::Null, 1), "no password");
    assert!(own["confirmedUntil"].is_string() && own["identities"][0]["lastUsedAt"].is_string(), "{own}");
    let refused = app.ask(None, OWN, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "signed_out");
}

#[tokio::test]
async fn unlinking_asks_for_the_password_and_leaves_the_only_way_in() {
    let app = App::new().await;
    let (ada, eve) = (app.person("Ada", PlatformRole::Member).await, app.person("Eve", PlatformRole::Member).await);
    let id = json!(linked(&app, &ada, "ada").await);
    let code = async |by: &Principal, input: Value| app.change(Some(by), "unlinkIdentity", input).await["code"].clone();
    assert_eq!(code(&ada, unlink(&id, "a guess")).await, "wrong_password");
    let nothing = app.change(Some(&eve), "unlinkIdentity", unlink(&id, GOOD)).await;
    assert_eq!(nothing["changed"], false, "somebody else's is nothing to Eve: {nothing}");
    let done = app.change(Some(&ada), "unlinkIdentity", unlink(&id, GOOD)).await;
    assert_eq!(done["changed"], true, "{done}");
    assert_eq!(app.data(Some(&ada), OWN, json!({})).await["identities"], json!([]));
    let bea = arrived(&app, "Bea", true).await;
    let id = app.data(Some(&bea), OWN, json!({})).await["identities"][0]["id"].clone();
    assert_eq!(code(&bea, unlink(&id, "")).await, "last_way_in");
    let cid = arrived(&app, "Cid", false).await;
    let id = app.data(Some(&cid), OWN, json!({})).await["identities"][0]["id"].clone();
    assert_eq!(code(&cid, unlink(&id, "")).await, "confirm_first");
}

#[tokio::test]
async fn an_account_without_a_password_makes_tokens_and_sets_one_once_confirmed() {
    let app = App::new().await;
    let wanted = || {
        json!({ "operationId": Uuid::new_v4(), "name": "script", "scopes": ["UPLOAD"],
            "expiresAt": "2023-12-01T00:00:00Z", "password": "" })
    };
    let cid = arrived(&app, "Cid", false).await;
    assert_eq!(app.change(Some(&cid), "createApiToken", wanted()).await["code"], "confirm_first");
    let bea = arrived(&app, "Bea", true).await;
    assert_eq!(app.change(Some(&bea), "createApiToken", wanted()).await["__typename"], "ApiTokenCreated");
    let next = json!({ "operationId": Uuid::new_v4(), "current": "", "next": "a first good one" });
    assert_eq!(app.change(Some(&cid), "changePassword", next.clone()).await["code"], "confirm_first");
    assert_eq!(app.change(Some(&bea), "changePassword", next).await["__typename"], "SignedIn");
    let input = json!({ "name": "Bea", "password": "a first good one" });
    let again = app.change(None, "signIn", input).await;
    assert_eq!(again["account"]["id"], json!(bea.account.0), "{again}");
}
