//! Two processes, one system: an API that keeps everything in a given database and S3 store, and a transcoder beside it.

use std::process::{Command, Stdio};

use axum::{body::Body, extract::Request, response::IntoResponse};
use lockstep_migrations::testing::TestDatabase;
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tower::ServiceExt;

use crate::{
    api::Api,
    process::{PROGRAM, Server, data_folder, film},
};

/// An S3 store of its own on a free port: s3s over a folder.
async fn s3(folder: &std::path::Path) -> String {
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
    // The API process runs everything but the transcoder.
    let api = Server::start_role(data.path(), "api", &env).await;
    let projector = worker(data.path(), "projector", &env);
    let transcoder = worker(data.path(), "transcoder", &env);
    let ada = Api::set_up(&api.url, api.setup_link.as_deref().expect("a link")).await;
    let clip = film(data.path(), 6, "320x240");
    let video = ada.upload(&clip).await;
    let settled = ada.settled(video).await;
    assert_eq!(settled["status"], "READY", "{settled}");
    let token = settled["delivery"]["token"].as_str().expect("a token");
    let master = reqwest::get(format!("{}/v/{token}/master.m3u8", api.url)).await.expect("answers");
    assert_eq!(master.status(), 200);
    assert!(master.text().await.expect("text").starts_with("#EXTM3U"));
    for mut child in [projector, transcoder] {
        let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(child.wait().expect("ends").success(), "a worker ends cleanly on SIGTERM");
    }
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
