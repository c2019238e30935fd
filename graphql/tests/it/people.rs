//! Cookies and tokens, one's own account, and the administrators' side, through the schema.

use lockstep_commands::session;
use lockstep_domain::account::PlatformRole;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, context, request};

const GOOD: &str = "correct horse battery";
const SIGN_IN: &str =
    "mutation($i: SignInInput!) { signIn(input: $i) { __typename ... on Refused { code retryAfterMs } } }";

/// The payload and the one cookie of an answer.
async fn with_cookie(
    app: &App,
    by: Option<&lockstep_commands::Principal>,
    query: &str,
    input: Value,
) -> (Value, String) {
    let answer = app.schema.execute(request(query, json!({ "i": input })), context(by)).await;
    let cookies: Vec<&str> =
        answer.http_headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let cookie = cookies.first().map(ToString::to_string).unwrap_or_default();
    assert!(cookies.len() <= 1, "{cookies:?}");
    (serde_json::to_value(&answer.data).unwrap(), cookie)
}

fn token(cookie: &str) -> &str {
    cookie.split(['=', ';']).nth(1).unwrap()
}

#[tokio::test]
async fn the_cookie_is_of_this_host_alone_and_out_of_reach_of_scripts() {
    let app = App::new().await;
    app.person("Ada", PlatformRole::Member).await;
    let (_, cookie) = with_cookie(&app, None, SIGN_IN, json!({ "name": "Ada", "password": GOOD })).await;
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-lockstep="), "{pair}");
    let mut attributes: Vec<&str> = attributes.split("; ").collect();
    attributes.sort_unstable();
    let age = format!("Max-Age={}", session::ABSOLUTE_DAYS * 86_400);
    assert_eq!(attributes, ["HttpOnly", age.as_str(), "Path=/", "SameSite=Lax", "Secure"], "and no Domain");
}

#[tokio::test]
async fn signing_in_gives_a_new_token_and_the_one_before_dies() {
    let app = App::new().await;
    app.person("Ada", PlatformRole::Member).await;
    let guest = app.person("Gast", PlatformRole::Guest).await;
    let input = json!({ "name": "Ada", "password": GOOD });
    let (_, first) = with_cookie(&app, Some(&guest), SIGN_IN, input.clone()).await;
    assert!(!session::is_alive(&app.services, &guest).await.unwrap(), "the session that was planted is dead");
    let ada = session::authenticate(&app.services, token(&first)).await.unwrap().unwrap();
    let (_, second) = with_cookie(&app, Some(&ada), SIGN_IN, input).await;
    assert_ne!(token(&first), token(&second));
    assert_eq!(session::authenticate(&app.services, token(&first)).await, Ok(None));
    let change = "mutation($i: ChangePasswordInput!) { changePassword(input: $i) { __typename } }";
    let ada = session::authenticate(&app.services, token(&second)).await.unwrap().unwrap();
    let input = json!({ "operationId": Uuid::new_v4(), "current": GOOD, "next": "another good one" });
    let (_, third) = with_cookie(&app, Some(&ada), change, input).await;
    assert_eq!(session::authenticate(&app.services, token(&second)).await, Ok(None));
    assert!(session::authenticate(&app.services, token(&third)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_get_the_same_answer_to_the_byte() {
    let app = App::new().await;
    app.person("Ada", PlatformRole::Member).await;
    let query = "mutation($i: SignInInput!) {
        signIn(input: $i) { __typename ... on Refused { code message retryAfterMs } } }";
    let mut answers = Vec::new();
    for name in ["Ada", "Nobody"] {
        let input = json!({ "i": { "name": name, "password": "not this one" } });
        let answer = app.schema.execute(request(query, input), context(None)).await;
        assert!(answer.http_headers.is_empty(), "{:?}", answer.http_headers);
        answers.push(serde_json::to_string(&answer).unwrap());
    }
    assert!(answers[0].contains("wrong_credentials"), "{}", answers[0]);
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn too_many_tries_are_refused_with_the_time_to_wait() {
    let app = App::new().await;
    app.person("Ada", PlatformRole::Member).await;
    let input = json!({ "name": "Ada", "password": "not this one" });
    for _ in 0..lockstep_commands::throttle::NAME.units_max {
        let (payload, _) = with_cookie(&app, None, SIGN_IN, input.clone()).await;
        assert_eq!(payload["signIn"]["code"], "wrong_credentials");
    }
    let (payload, cookie) = with_cookie(&app, None, SIGN_IN, json!({ "name": "Ada", "password": GOOD })).await;
    assert_eq!((payload["signIn"]["code"].as_str(), cookie.as_str()), (Some("throttled"), ""));
    let after_ms = payload["signIn"]["retryAfterMs"].as_i64().unwrap();
    assert!((1..=900_000).contains(&after_ms), "{after_ms}");
}

#[tokio::test]
async fn people_see_their_own_sessions_with_this_one_marked() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    app.person("Bob", PlatformRole::Member).await;
    lockstep_commands::account::sign_in(&app.services, "Ada", GOOD).await.expect("on another device");
    let query = "{ loginName sessions { id current address userAgent createdAt lastSeenAt } }";
    let shown = app.data(Some(&ada), query, json!({})).await;
    assert_eq!(shown["loginName"], "Ada");
    let sessions = shown["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "and nobody else's");
    let current: Vec<_> = sessions.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["id"], ada.session_hash);
    let refused = app.ask(None, query, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "signed_out");
}

#[tokio::test]
async fn administrators_find_people_and_suspend_and_reinstate_them() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Administrator).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    app.person("Bobby", PlatformRole::Member).await;
    app.person("Guest Bob", PlatformRole::Guest).await;
    let people = "query($search: String, $first: Int, $after: UUID, $guests: Boolean, $at: Position) {
        people(search: $search, first: $first, after: $after, guests: $guests, minPosition: $at) { hasMore endCursor
            nodes { account { name role } loginName suspended suspendedReason lastSeenAt } } }";
    let names = |page: &Value| -> Vec<String> {
        let nodes = page["people"]["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["account"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let at = app.settle().await.to_string();
    let found = app.data(Some(&ada), people, json!({ "search": "bob", "at": at })).await;
    assert_eq!(names(&found), ["Bob", "Bobby"]);
    let guests = app.data(Some(&ada), people, json!({ "search": "BOB", "guests": true })).await;
    assert_eq!(names(&guests), ["Bob", "Bobby", "Guest Bob"]);
    let first = app.data(Some(&ada), people, json!({ "first": 2 })).await;
    assert_eq!((names(&first).len(), &first["people"]["hasMore"]), (2, &json!(true)));
    let rest = app.data(Some(&ada), people, json!({ "first": 2, "after": first["people"]["endCursor"] })).await;
    assert_eq!(names(&rest), ["Bobby"]);
    let input = json!({ "operationId": Uuid::new_v4(), "account": bob.account.0, "reason": "sells tickets" });
    let done = app.change(Some(&ada), "suspendAccount", input).await;
    let shown = app.data(Some(&ada), people, json!({ "search": "Bob", "at": done["position"] })).await;
    assert_eq!(shown["people"]["nodes"][0]["suspended"], true);
    assert_eq!(shown["people"]["nodes"][0]["suspendedReason"], "sells tickets");
    assert!(!session::is_alive(&app.services, &bob).await.unwrap());
    let input = json!({ "operationId": Uuid::new_v4(), "account": bob.account.0 });
    let done = app.change(Some(&ada), "reinstateAccount", input).await;
    let shown = app.data(Some(&ada), people, json!({ "search": "Bob", "at": done["position"] })).await;
    assert_eq!(shown["people"]["nodes"][0]["suspended"], false);
    for by in [None, Some(&bob)] {
        for query in ["{ people { hasMore } }", "{ registrationLinks { id } }"] {
            let refused = app.ask(by, query, json!({})).await;
            assert_eq!(refused["errors"][0]["extensions"]["code"], "not_permitted", "{query}");
        }
    }
}

#[tokio::test]
async fn a_registration_link_is_issued_used_and_taken_back() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Administrator).await;
    let status = "query($t: String) { registration(token: $t) { mode fixed open } }";
    let of = async |token: Option<&str>| app.data(None, status, json!({ "t": token })).await["registration"].clone();
    assert_eq!(of(None).await, json!({ "mode": "INVITE_ONLY", "fixed": false, "open": false }));
    let issue = json!({ "operationId": Uuid::new_v4(), "expiresAt": "2023-11-20T00:00:00Z", "uses": 2 });
    let issued = app.change(Some(&ada), "issueRegistrationLink", issue).await;
    let link = issued["token"].as_str().unwrap_or_else(|| panic!("{issued}"));
    assert_eq!(of(Some(link)).await["open"], true);
    let register = json!({ "name": "Bob", "password": GOOD, "token": link });
    assert_eq!(app.change(None, "register", register).await["account"]["role"], "MEMBER");
    let links = "{ registrationLinks { id uses usesMax } }";
    let shown = app.data(Some(&ada), links, json!({})).await["registrationLinks"].clone();
    assert_eq!((&shown[0]["uses"], &shown[0]["usesMax"]), (&json!(1), &json!(2)));
    let revoke = json!({ "operationId": Uuid::new_v4(), "link": shown[0]["id"] });
    assert_eq!(app.change(Some(&ada), "revokeRegistrationLink", revoke).await["__typename"], "Changed");
    assert_eq!(of(Some(link)).await["open"], false);
    let register = json!({ "name": "Eve", "password": GOOD, "token": link });
    assert_eq!(app.change(None, "register", register).await["code"], "registration_link");
    let open = json!({ "operationId": Uuid::new_v4(), "registration": "OPEN" });
    assert_eq!(app.change(Some(&ada), "changeRegistration", open).await["__typename"], "Changed");
    assert_eq!(of(None).await, json!({ "mode": "OPEN", "fixed": false, "open": true }));
}

#[tokio::test]
async fn tries_in_one_request_count_one_by_one() {
    let app = App::new().await;
    app.person("Ada", PlatformRole::Member).await;
    let tries_max = lockstep_commands::throttle::NAME.units_max as usize;
    let one = |n: usize| format!("t{n}: signIn(input: $i) {{ ... on Refused {{ code }} }}");
    let many: String = (0..tries_max + 4).map(one).collect();
    let query = format!("mutation($i: SignInInput!) {{ {many} }}");
    let (payload, _) = with_cookie(&app, None, &query, json!({ "name": "Ada", "password": "not this one" })).await;
    let codes: Vec<&str> =
        (0..tries_max + 4).map(|n| payload[format!("t{n}")]["code"].as_str().unwrap_or_default()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "wrong_credentials").count(), tries_max, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "throttled").count(), 4, "{codes:?}");
}
