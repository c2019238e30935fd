//! Several processes, one system: an API that keeps everything in a given database and S3 store, and beside it a
//! projector, a hub and a transcoder.

use std::process::{Command, Stdio};

use axum::{body::Body, extract::Request, response::IntoResponse};
use lockstep_migrations::testing::TestDatabase;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tower::ServiceExt;

use crate::{
    api::Api,
    process::{PROGRAM, Server, data_folder, events, film},
};

/// An S3 store of its own on a free port: s3s over a folder.
pub async fn s3(folder: &std::path::Path) -> String {
    for bucket in ["lockstep-interim", "lockstep-media"] {
        std::fs::create_dir_all(folder.join(bucket)).expect("a bucket");
    }
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).expect("a store"));
    builder.set_auth(SimpleAuth::from_single("access", "secret"));
    let service = builder.build();
    let router = axum::Router::new().fallback(move |request: Request| {
        let service = service.clone();
        async move {
            match service.oneshot(request).await {
                Ok(response) => response.map(Body::new),
                Err(error) => (http::StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")).into_response(),
            }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

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
