//! Several processes, one system: an API that keeps everything in a given database and S3 store, and beside it a
//! projector, a hub and a transcoder.

use std::process::{Command, Stdio};

use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::{Buckets, S3Settings};

use crate::{
    api::Api,
    process::{PROGRAM, Server, data_folder, events, film},
    store::{BUCKETS, s3},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transcoder_in_a_process_of_its_own_makes_films_ready() {
    let database = TestDatabase::create().await;
    let (data, objects) = (data_folder(), data_folder());
    let endpoint = s3(objects.path()).await;
    let key = "5a".repeat(32);
    let url = database.url();
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("LOCKSTEP_MASTER_KEY", key.as_str()),
        ("S3_ENDPOINT", endpoint.as_str()),
        ("S3_ACCESS_KEY_ID", "access"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
        ("LOCKSTEP_TRANSCODE_SLOTS", "1"),
    ];
    // Four processes share nothing but the database and the store.
    let api = Server::start_role(data.path(), "api", &env).await;
    let projector = worker(data.path(), "projector", &env);
    let transcoder = worker(data.path(), "transcoder", &env);
    let hub = Server::start_role(data.path(), "hub", &env).await;
    let ada = Api::set_up(&api.url, api.setup_link.as_deref().expect("a link")).await;
    let clip = film(data.path(), 6, "320x240");
    let video = ada.upload(&clip).await;
    let settled = ada.settled(video).await;
    assert_eq!(settled["status"], "READY", "{settled}");
    // 6 s in two renditions: two segments and a beginning each.
    assert_eq!(ada.stream_files(&settled).await, 2 * 3);
    // Deleted for good, nothing of it is left.
    let stored = stored(&endpoint);
    assert!(!stored.media.list(&format!("v/{video}/"), 100).await.expect("lists").is_empty());
    for field in ["trashFilm", "purgeFilm"] {
        let mutation = format!("mutation($i: FilmInput!) {{ {field}(input: $i) {{ __typename }} }}");
        let input = serde_json::json!({ "operationId": uuid::Uuid::now_v7(), "video": video });
        assert_eq!(ada.until_answered(&mutation, input).await[field]["__typename"], "Changed", "{field}");
    }
    let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
    for (bucket, prefix) in [(&stored.media, format!("v/{video}/")), (&stored.interim, format!("u/{video}"))] {
        let mut left = bucket.list(&prefix, 100).await.expect("lists");
        for _ in 0..600 {
            if left.is_empty() {
                break;
            }
            pause.tick().await;
            left = bucket.list(&prefix, 100).await.expect("lists");
        }
        assert!(left.is_empty(), "a minute later there are still {left:?}");
    }
    let log = events(data.path(), &env);
    let mut actors = log.iter().filter_map(|event| event["metadata"]["actor"].as_str()).collect::<Vec<_>>();
    actors.retain(|actor| actor.starts_with("worker:"));
    let own = format!(".{}.", transcoder.id());
    assert!(!actors.is_empty() && actors.iter().all(|actor| actor.contains(&own)), "{own} worked: {actors:?}");
    for mut child in [projector, transcoder] {
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(child.wait().expect("ends").success(), "a worker ends cleanly on SIGTERM");
    }
    hub.stop();
    api.stop();
}

/// The store as the program sees it.
pub fn stored(endpoint: &str) -> Buckets {
    let [interim, media] = BUCKETS.map(str::to_owned);
    let settings = S3Settings {
        endpoint_url: endpoint.to_owned(),
        public_url: None,
        region: "us-east-1".to_owned(),
        access_key: "access".to_owned(),
        secret_key: "secret".to_owned(),
        path_style: true,
        interim,
        media,
    };
    Buckets::connect(&settings).expect("settings")
}

fn worker(data: &std::path::Path, role: &str, env: &[(&str, &str)]) -> std::process::Child {
    Command::new(PROGRAM)
        .args(["serve", "--role", role])
        .env("LOCKSTEP_DATA", data)
        .env("LOG_LEVEL", "warn")
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts")
}
