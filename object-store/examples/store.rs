//! An S3 store over a folder, for tests whose processes need one between them: `store FOLDER`. It prints its address and
//! ends when its input does. Its keys are `access` and `secret`, its buckets those that Lockstep has by default.

use std::{io::Read, path::PathBuf};

use axum::{Router, body::Body, extract::Request, http::StatusCode, response::IntoResponse};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tower::ServiceExt;

const BUCKETS: [&str; 2] = ["lockstep-interim", "lockstep-media"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Some(folder) = std::env::args().nth(1).map(PathBuf::from) else { anyhow::bail!("usage: store FOLDER") };
    for bucket in BUCKETS {
        std::fs::create_dir_all(folder.join(bucket))?;
    }
    let files = s3s_fs::FileSystem::new(&folder).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single("access", "secret"));
    let service = builder.build();
    let router = Router::new().fallback(move |request: Request| {
        let service = service.clone();
        async move {
            match service.oneshot(request).await {
                Ok(response) => response.map(Body::new),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")).into_response(),
            }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let parent = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        _ = parent => {}
    }
    Ok(())
}
