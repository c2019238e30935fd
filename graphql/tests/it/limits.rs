//! What asks for too much is refused before anything runs.

use lockstep_domain::account::PlatformRole;
use lockstep_graphql::{ALIASES_MAX, Introspection, ROOT_FIELDS_MAX, TOKENS_MAX, is_request_error};
use serde_json::json;

use crate::app::App;

const INTROSPECTION: &str = "query I { __schema { queryType { name } types { kind name fields(includeDeprecated: true) { \
    name args { name type { ...T } } type { ...T } } inputFields { name type { ...T } } } directives { name } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

async fn refused(app: &App, query: &str, because: &str) {
    let ada = app.person(&format!("Ada {}", uuid::Uuid::new_v4().simple()), PlatformRole::Guest).await;
    let response = app.respond(Some(&ada), query, json!({})).await;
    let start: String = query.chars().take(60).collect();
    assert!(is_request_error(&response), "{start}: {:?}", response.data);
    let message = &response.errors[0].message;
    assert!(message.to_lowercase().contains(because), "{start}: {message}");
}

#[tokio::test]
async fn too_much_is_refused_before_it_runs() {
    let app = App::new().await;
    let repeat = |text: &str, count: usize| text.repeat(count);
    refused(&app, &format!("{{ me {{ {} }} }}", repeat("a: id ", ALIASES_MAX + 1)), "aliases").await;
    refused(&app, &format!("{{ {} }}", repeat("position ", ROOT_FIELDS_MAX + 1)), "fields at the top").await;
    let spread = format!("{{ ...F ...F }} fragment F on Query {{ {} }}", repeat("position ", ROOT_FIELDS_MAX + 1));
    refused(&app, &spread, "fields at the top").await;
    refused(&app, &format!("{{ me {{ {} }} }}", repeat("id ", TOKENS_MAX)), "tokens").await;
    let directives = format!("{{ me {} {{ id }} }}", repeat("@skip(if: false) ", 6));
    refused(&app, &directives, "directives").await;
    refused(
        &app,
        "{ videos(first: 100) { nodes { id title owner { id name role } renditions { name width height codecs } } } }",
        "complex",
    )
    .await;
    let deep = "{ channels(first: 1) { playback { video { owner { id } } } } }";
    assert!(!is_request_error(&app.respond(None, deep, json!({})).await));
    let nested = format!("{{ me {} {{ id }} {} }}", repeat("{ me ", 40), repeat("}", 40));
    refused(&app, &nested, "recursion").await;
    let too_deep = format!("{{ __schema {{ types {} {{ name }} {} }} }}", repeat("{ ofType ", 12), repeat("}", 12));
    refused(&app, &too_deep, "").await;
    // Not deep, not long, no alias: a type's fields have types that have fields, each three times.
    let spread = |next: u32| format!("fields {{ type {{ ...F{next} }} }} ").repeat(3);
    let fragment = |n: u32| format!("fragment F{n} on __Type {{ {} }} ", spread(n + 1));
    let fragments: String = (0..4).map(fragment).collect();
    let endless = format!("{{ __schema {{ types {{ ...F0 }} }} }} {fragments} fragment F4 on __Type {{ name }}");
    refused(&app, &endless, "too much at once").await;
}

#[tokio::test]
async fn a_question_about_the_schema_stands_alone() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let both = app.data(Some(&ada), "{ me { name } __schema { queryType { name } } }", json!({})).await;
    assert_eq!((&both["me"]["name"], &both["__schema"]), (&json!("Ada"), &json!(null)), "{both}");
    assert!(app.data(Some(&ada), "{ __schema { queryType { name } } }", json!({})).await["__schema"].is_object());
}

#[tokio::test]
async fn no_text_holds_a_nul() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let by_slug = "query($s: String) { channel(slug: $s) { id } }";
    for (query, variables) in [
        (r#"{ channel(slug: "a\u0000b") { id } }"#, json!({})),
        ("{ channel(slug: \"a\0b\") { id } }", json!({})),
        (by_slug, json!({ "s": "a\u{0}b" })),
        (by_slug, json!({ "unused": [{ "deep": "\u{0}" }], "s": "a" })),
    ] {
        let response = app.respond(Some(&ada), query, variables).await;
        assert!(is_request_error(&response) && response.errors[0].message.contains("NUL"), "{:?}", response.errors);
    }
    assert!(app.data(Some(&ada), by_slug, json!({ "s": "a" })).await["channel"].is_null());
}

#[tokio::test]
async fn hostile_nesting_does_not_break_the_parser() {
    let app = App::new().await;
    for (open, close) in [("{ a ", "}"), ("{ a(b: [", "]) }"), ("{ ... ", "}")] {
        let query = format!("{}{}", open.repeat(480), close.repeat(480));
        let response = app.respond(None, &query, json!({})).await;
        assert!(is_request_error(&response));
    }
    let list = format!("{{ me(a: {}{}) {{ id }} }}", "[".repeat(900), "]".repeat(900));
    assert!(is_request_error(&app.respond(None, &list, json!({})).await));
}

#[tokio::test]
async fn pages_have_at_most_a_hundred_rows() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Administrator).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    let film = lockstep_domain::ids::VideoId(uuid::Uuid::new_v4());
    app.ready_film(&ada, film).await;
    app.settle().await;
    let sdl = app.schema.sdl();
    let lists = ["first: Int", "last: Int", "count: Int = 30"];
    let paged = sdl.lines().filter(|line| lists.iter().any(|list| line.contains(list))).count();
    let queries = [
        "{ videos(first: N) { hasMore } }".to_owned(),
        "{ library(first: N) { hasMore } }".to_owned(),
        format!("{{ filmEvents(video: \"{film}\", first: N) {{ hasMore }} }}"),
        "{ channels(first: N) { id } }".to_owned(),
        "{ people(first: N) { hasMore } }".to_owned(),
        format!("{{ channel(id: \"{channel}\") {{ members(first: N) {{ role }} }} }}"),
        format!("{{ channel(id: \"{channel}\") {{ messages(last: N) {{ hasMore }} }} }}"),
        format!("{{ channel(id: \"{channel}\") {{ activity(first: N) {{ hasMore }} }} }}"),
        "{ notifications(first: N) { hasMore } }".to_owned(),
        format!("{{ audit(filter: {{ channel: \"{channel}\" }}, first: N) {{ hasMore }} }}"),
        format!("{{ channel(id: \"{channel}\") {{ memberPage(first: N) {{ hasMore }} }} }}"),
        format!("{{ channel(id: \"{channel}\") {{ invites(first: N) {{ hasMore }} }} }}"),
        format!("{{ messages(channel: \"{channel}\", count: N) {{ hasMore }} }}"),
        format!("{{ messagesChangedAfter(channel: \"{channel}\", after: \"0\", first: N) {{ hasMore }} }}"),
        format!("{{ channel(id: \"{channel}\") {{ queue {{ items(first: N) {{ id }} }} }} }}"),
        format!("{{ channel(id: \"{channel}\") {{ queue {{ lastQueue(first: N) {{ id }} }} }} }}"),
        format!("{{ reports(channel: \"{channel}\", first: N) {{ hasMore }} }}"),
    ];
    assert_eq!(paged, queries.len(), "a list without a test");
    for query in queries {
        for (rows, fits) in [("100", true), ("1", true), ("101", false), ("0", false), ("-1", false)] {
            let answer = app.ask(Some(&ada), &query.replace('N', rows), json!({})).await;
            let code = &answer["errors"][0]["extensions"]["code"];
            assert_eq!(code.is_null(), fits, "{query} {rows}: {answer}");
            assert!(fits || *code == "invalid", "{answer}");
        }
    }
}

#[tokio::test]
async fn the_schema_describes_itself_only_to_members() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let gast = app.person("Gast", PlatformRole::Guest).await;
    for by in [None, Some(&gast)] {
        let answer = app.ask(by, "{ __schema { queryType { name } } }", json!({})).await;
        assert!(answer["data"]["__schema"].is_null(), "{answer}");
        let answer = app.ask(by, "{ __type(name: \"Account\") { name } __typename }", json!({})).await;
        assert!(answer["data"]["__type"].is_null(), "{answer}");
    }
    let full = app.data(Some(&ada), INTROSPECTION, json!({})).await;
    assert_eq!(full["__schema"]["queryType"]["name"], "Query");
    assert_eq!(app.data(None, "{ __typename }", json!({})).await["__typename"], "Query");
    let open = App::with(Introspection::Everyone).await;
    assert!(open.data(None, INTROSPECTION, json!({})).await["__schema"]["types"].is_array());
}

#[tokio::test]
async fn a_misspelt_field_suggests_nothing() {
    let app = App::new().await;
    let response = app.respond(None, "{ setUpNeede }", json!({})).await;
    assert!(is_request_error(&response));
    assert!(!response.errors[0].message.contains("setUpNeeded"), "{}", response.errors[0].message);
}
