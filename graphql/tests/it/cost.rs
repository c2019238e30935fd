//! A list page with nested levels costs a handful of queries, however long it is.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use lockstep_domain::{account::PlatformRole, ids::VideoId};
use serde_json::json;
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt};
use uuid::Uuid;

use crate::app::App;

/// Counts the statements that sqlx sends: it reports each one as an event.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Statements {
    /// How many statements the work needs. Everything runs in this thread.
    async fn of(work: impl Future<Output = ()>) -> usize {
        let statements = Self::default();
        let subscriber = tracing_subscriber::registry().with(statements.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        work.await;
        drop(guard);
        statements.0.load(Ordering::SeqCst)
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
    let query = "{ videos(first: 50) { nodes { id title hlsUrl owner { name } renditions { name } } hasMore totalCount } }";
    let count = Statements::of(async {
        let shown = app.data(Some(&people[0]), query, json!({})).await["videos"].clone();
        let nodes = shown["nodes"].as_array().unwrap();
        assert_eq!((nodes.len(), &shown["totalCount"]), (50, &json!(50)));
        assert!(nodes.iter().all(|node| node["renditions"][0]["name"] == "720p" && node["owner"]["name"].is_string()));
    })
    .await;
    assert_eq!(count, 4, "films, count, owners, ladders");
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
    }
    app.quiet().await;
    let query = "{ channels(first: 50) { id owner { name } memberCount myRole members(first: 2) { account { name } } \
                 playback { video { title renditions { name } } } } }";
    let count = Statements::of(async {
        let shown = app.data(Some(&gast), query, json!({})).await["channels"].clone();
        let channels = shown.as_array().unwrap();
        assert_eq!(channels.len(), 50);
        for channel in channels {
            assert_eq!(channel["members"].as_array().unwrap().len(), 2, "{channel}");
            assert_eq!(channel["playback"]["video"]["renditions"][0]["name"], "720p", "{channel}");
        }
    })
    .await;
    assert_eq!(count, 4, "channels, members, films, ladders");
}
