//! The internal listener: metrics and readiness for operators, never on the public port. It is there before the public
//! one and ends with the process, so that a drain can be watched to its end.

use std::net::SocketAddr;

use anyhow::Context;
use axum::{Router, http::header, routing::get};
use tokio::net::TcpListener;

use crate::metrics::Levels;

/// The format that Prometheus 2 and later asks for.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Opens the listener and says where.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be opened: set LOCKSTEP_INTERNAL to another"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics and readiness are served");
    Ok(listener)
}

/// Serves until the process ends.
pub fn start(listener: TcpListener, levels: Levels, health: Router) {
    let metrics = get(move || {
        let levels = levels.clone();
        async move { ([(header::CONTENT_TYPE, PROMETHEUS)], levels.text().await) }
    });
    let router = Router::new().route("/metrics", metrics).merge(health);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "metrics are not served any more");
        }
    });
}
