//! What asking costs: known before it runs, charged to the asker, refused when it does not fit.

use lockstep_commands::window::Share;
use lockstep_domain::account::PlatformRole;
use lockstep_graphql::{Introspection, is_request_error};
use serde_json::json;

use crate::app::App;

/// Asks for ten films' ids: with the page and this field, so many points.
const TEN: &str = "{ videos(first: 10) { nodes { id } } rateLimit { cost limit remaining used } }";

#[tokio::test]
async fn a_request_tells_what_it_cost_and_what_is_left() {
    let app = App::on_budget(Introspection::SignedIn, Share { units_max: 1_000, window_s: 60 }).await;
    let (ada, bob) = (app.person("Ada", PlatformRole::Member).await, app.person("Bob", PlatformRole::Member).await);
    let first = app.data(Some(&ada), TEN, json!({})).await["rateLimit"].clone();
    let cost = first["cost"].as_i64().unwrap();
    assert!(cost > 20, "ten films and their ids: {first}");
    assert_eq!(first, json!({ "cost": cost, "limit": 1_000, "remaining": 1_000 - cost, "used": cost }));
    let second = app.data(Some(&ada), &TEN.replace("10", "20"), json!({})).await["rateLimit"].clone();
    let dearer = second["cost"].as_i64().unwrap();
    assert!(dearer > cost + 15, "twice as many: {second}");
    assert_eq!(second["used"], cost + dearer);
    let his = app.data(Some(&bob), TEN, json!({})).await["rateLimit"].clone();
    assert_eq!(his["used"], cost, "everybody has a budget of their own");
    let nobody = app.data(None, "{ setUpNeeded rateLimit { cost } }", json!({})).await;
    assert!(nobody["rateLimit"].is_null(), "this process itself is not counted");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_runs() {
    let app = App::on_budget(Introspection::SignedIn, Share { units_max: 100, window_s: 60 }).await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let used = app.data(Some(&ada), TEN, json!({})).await["rateLimit"]["used"].as_i64().unwrap();
    let dear = app.respond(Some(&ada), "{ videos(first: 90) { nodes { id } } }", json!({})).await;
    assert!(is_request_error(&dear));
    let error = serde_json::to_value(&dear.errors[0]).unwrap();
    assert_eq!(error["extensions"]["code"], "rate_limited", "{error}");
    assert!((1..=60).contains(&error["extensions"]["retryAfterS"].as_i64().unwrap()), "{error}");
    let after = app.data(Some(&ada), "{ rateLimit { used cost } }", json!({})).await["rateLimit"].clone();
    assert_eq!(after["used"], used + after["cost"].as_i64().unwrap(), "the refused one cost nothing");
    // A thousand tries by aliases cost as much as a thousand tries.
    let aliases = (0..15).map(|n| format!("a{n}: videos(first: 5) {{ nodes {{ id }} }} ")).collect::<String>();
    let many = app.respond(Some(&ada), &format!("{{ {aliases} }}"), json!({})).await;
    assert!(is_request_error(&many) && many.errors[0].message.contains("points"), "{:?}", many.errors);
}
