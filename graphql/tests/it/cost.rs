//! A list page with nested levels costs a handful of queries, however long it is.

use std::sync::{Arc, Mutex};

use lockstep_domain::{account::PlatformRole, ids::VideoId};
use serde_json::json;
use tracing::{
    Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt};
use uuid::Uuid;

use crate::app::App;

/// The statements that sqlx sends: it reports each one as an event.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut summary = Summary(String::new());
            event.record(&mut summary);
            // The store's own look at the head of the log and its wake-ups, whether anybody asks or not.
            if !summary.0.contains("FROM es_head") && !summary.0.contains("pg_notify") {
                self.0.lock().unwrap().push(summary.0);
            }
        }
    }
}

struct Summary(String);

impl Visit for Summary {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Statements {
    /// What the work asks the database. Everything runs in this thread.
    async fn of(work: impl Future<Output = ()>) -> Vec<String> {
        let statements = Self::default();
        let subscriber = tracing_subscriber::registry().with(statements.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        work.await;
        drop(guard);
        let sent = statements.0.lock().unwrap();
        sent.clone()
    }
}

#[tokio::test]
async fn fifty_films_with_owners_and_ladders_cost_four_statements() {
    let mut app = App::new().await;
    let people = [app.person("Ada", PlatformRole::Member).await, app.person("Bob", PlatformRole::Member).await];
    for number in 0..50 {
        app.ready_film(&people[number % 2], VideoId(Uuid::new_v4())).await;
    }
    app.quiet().await;
    let query =
        "{ videos(first: 50) { nodes { id title hlsUrl owner { name } renditions { name } } hasMore totalCount } }";
    let sent = Statements::of(async {
        let shown = app.data(Some(&people[0]), query, json!({})).await["videos"].clone();
        let nodes = shown["nodes"].as_array().unwrap();
        assert_eq!((nodes.len(), &shown["totalCount"]), (50, &json!(50)));
        assert!(nodes.iter().all(|node| node["renditions"][0]["name"] == "720p" && node["owner"]["name"].is_string()));
    })
    .await;
    assert_eq!(sent.len(), 4, "films, count, owners, ladders: {sent:#?}");
}

#[tokio::test]
async fn a_page_of_the_library_costs_four_statements_searched_or_not() {
    let mut app = App::new().await;
    let people = [app.person("Ada", PlatformRole::Member).await, app.person("Bob", PlatformRole::Member).await];
    for number in 0..50 {
        app.ready_film(&people[number % 2], VideoId(Uuid::new_v4())).await;
    }
    app.quiet().await;
    let fields = "totalCount hasMore nodes { titleParts { text hit } video { id title tags keeps hlsUrl owner { name } \
                  renditions { name } } }";
    for (argument, most) in [("sort: TITLE", 4), ("search: \"film\"", 3), ("search: \"fillm\"", 3)] {
        let query = format!("{{ library(first: 50, {argument}) {{ {fields} }} }}");
        let sent = Statements::of(async {
            let shown = app.data(Some(&people[0]), &query, json!({})).await["library"].clone();
            assert_eq!((shown["nodes"].as_array().unwrap().len(), &shown["totalCount"]), (50, &json!(50)));
        })
        .await;
        assert!(sent.len() <= most, "{argument}: {sent:#?}");
    }
}

#[tokio::test]
async fn fifty_channels_three_levels_deep_cost_four_statements() {
    let mut app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let gast = app.person("Gast", PlatformRole::Guest).await;
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    for number in 0..50 {
        let channel = app.channel(&ada, &format!("Channel {number}"), "PUBLIC").await;
        let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": video.0 });
        app.change(Some(&ada), "loadVideo", load).await;
        let join = json!({ "operationId": Uuid::new_v4(), "channel": channel });
        app.change(Some(&gast), "joinChannel", join).await;
        let remote = json!({ "operationId": Uuid::new_v4(), "channel": channel, "holder": gast.account.0 });
        app.change(Some(&ada), "changeRemoteMode", remote).await;
        let expires = "2023-12-01T00:00:00Z";
        let invite = json!({ "operationId": Uuid::new_v4(), "channel": channel, "expiresAt": expires, "usesMax": 1 });
        app.change(Some(&ada), "issueInvite", invite).await;
    }
    app.quiet().await;
    let query = "{ channels(first: 50) { id owner { name } memberCount myRole members(first: 2) { account { name } } \
                 playback { video { title renditions { name } } } } }";
    let sent = Statements::of(async {
        let shown = app.data(Some(&gast), query, json!({})).await["channels"].clone();
        let channels = shown.as_array().unwrap();
        assert_eq!(channels.len(), 50);
        for channel in channels {
            assert_eq!(channel["members"].as_array().unwrap().len(), 2, "{channel}");
            assert_eq!(channel["playback"]["video"]["renditions"][0]["name"], "720p", "{channel}");
        }
    })
    .await;
    assert_eq!(sent.len(), 4, "channels, members, films, ladders: {sent:#?}");
    let rights = "{ channels(first: 50) { description slowModeS remoteHolder { name } permissionDefaults { role } \
                  me { role } memberPage(first: 1, filter: EVERYBODY) { hasMore nodes { account { name } } } \
                  invites(first: 1) { nodes { by { name } } } } }";
    let sent = Statements::of(async {
        let shown = app.data(Some(&ada), rights, json!({})).await["channels"].clone();
        for channel in shown.as_array().unwrap() {
            let first = json!({ "hasMore": true, "nodes": [{ "account": { "name": "Ada" } }] });
            assert_eq!(channel["memberPage"], first);
            assert_eq!(channel["remoteHolder"]["name"], "Gast", "{channel}");
            assert_eq!(channel["invites"]["nodes"][0]["by"]["name"], "Ada", "{channel}");
        }
    })
    .await;
    assert_eq!(sent.len(), 3, "channels, pages of members, invites: {sent:#?}");
}
