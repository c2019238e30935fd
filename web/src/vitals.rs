//! Which parts are there: the database is looked at all the time, the object store and Redis while their breakers are open.
//!
//! What is known to be away is not waited for: whoever needs the database is answered at once, and again as soon as it is back.

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use lockstep_object_store::{
    Bucket,
    breaker::{Breaker, Elapsed, State},
};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

/// How often the database is looked at, there or away.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A connection that takes longer is not made.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// A database that is silent for longer is away. Long, because a busy machine is silent too; a closed connection is heard at
/// once.
const SILENT_MAX: Duration = Duration::from_secs(3);
/// How often a store whose breaker is open is looked at.
const STORE_LOOK_EVERY: Duration = Duration::from_secs(2);
/// What whoever is turned away is told to wait.
pub const RETRY_AFTER_S: u64 = 1;

/// Time since the process began to count, for breakers.
#[allow(clippy::disallowed_methods)] // The one origin of this process's breakers.
pub fn elapsed() -> Elapsed {
    let origin = Instant::now();
    std::sync::Arc::new(move || origin.elapsed())
}

/// Whether the database is there. Cheap to clone.
#[derive(Clone)]
pub struct DatabaseWatch(watch::Receiver<bool>);

impl DatabaseWatch {
    /// Of this database, which is there now; looks at it until the shutdown when `look` is run.
    pub fn new(url: String, shutdown: CancellationToken) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (there, seen) = watch::channel(true);
        let look = async move {
            tokio::select! {
                () = look(&url, &there) => {}
                () = shutdown.cancelled() => {}
            }
        };
        (Self(seen), look)
    }

    /// Whether it is there.
    pub fn is_there(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns as soon as it is away.
    async fn away(mut self) {
        if self.0.wait_for(|there| !there).await.is_err() {
            // Nobody looks any more: the process ends.
            std::future::pending::<()>().await;
        }
    }

    /// A layer for routes that cannot do without it.
    pub fn layer(&self) -> NeedsDatabase {
        NeedsDatabase(self.clone())
    }
}

async fn look(url: &str, there: &watch::Sender<bool>) {
    loop {
        match timeout(CONNECT_MAX, PgConnection::connect(url)).await {
            Ok(Ok(mut connection)) => {
                note(there, true);
                while let Ok(Ok(())) = timeout(SILENT_MAX, connection.ping()).await {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                // One connection may have been ended for a reason of its own: only a second one tells.
                continue;
            }
            Ok(Err(_)) | Err(_) => note(there, false),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn note(there: &watch::Sender<bool>, now: bool) {
    let changed = there.send_if_modified(|before| std::mem::replace(before, now) != now);
    match (changed, now) {
        (true, true) => tracing::info!("the database is back"),
        (true, false) => tracing::error!("the database is away: requests that need it are turned away"),
        (false, _) => {}
    }
}

/// Closes the store's breaker as soon as the store answers again, until the shutdown.
pub async fn watch_store(bucket: Bucket, breaker: Breaker, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(STORE_LOOK_EVERY) => {}
            () = shutdown.cancelled() => return,
        }
        if breaker.state() != State::Closed && bucket.probe().await.is_ok() {
            breaker.close();
            tracing::info!("the object store is back");
        }
    }
}

/// 503 with when to come again.
pub fn unavailable() -> Response {
    let message = "this cannot be answered now, try again";
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": "unavailable" } }] });
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers 503 at once while the database is away, also to requests that were under way.
#[derive(Clone)]
pub struct NeedsDatabase(DatabaseWatch);

/// A route behind [`NeedsDatabase`].
#[derive(Clone)]
pub struct Needing<S> {
    inner: S,
    database: DatabaseWatch,
}

impl<S> Layer<S> for NeedsDatabase {
    type Service = Needing<S>;
    fn layer(&self, inner: S) -> Needing<S> {
        Needing { inner, database: self.0.clone() }
    }
}

impl<S> Service<Request> for Needing<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let database = self.database.clone();
        Box::pin(async move {
            tokio::select! {
                biased;
                () = database.away() => Ok(unavailable()),
                answer = inner.call(request) => answer.map(told_when),
            }
        })
    }
}

/// Every 503 says when to come again.
fn told_when(mut response: Response) -> Response {
    if response.status() == StatusCode::SERVICE_UNAVAILABLE && !response.headers().contains_key(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    fn route(database: &DatabaseWatch) -> Router {
        Router::new()
            .route("/now", get(|| async { "here" }))
            .route("/never", get(std::future::pending::<&'static str>))
            .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .layer(database.layer())
    }

    async fn ask(router: Router, path: &str) -> Response {
        router.oneshot(Request::builder().uri(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_does_not_wait_for_a_database_that_is_away() {
        let (there, seen) = watch::channel(true);
        let router = route(&DatabaseWatch(seen));
        assert_eq!(ask(router.clone(), "/now").await.status(), StatusCode::OK);
        assert_eq!(ask(router.clone(), "/busy").await.headers()["retry-after"], "1");
        let waiting = tokio::spawn(ask(router.clone(), "/never"));
        tokio::task::yield_now().await;
        note(&there, false);
        let waited = timeout(CONNECT_MAX, waiting).await.expect("whoever waits is told").unwrap();
        for answer in [waited, ask(router.clone(), "/now").await] {
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        note(&there, true);
        assert_eq!(ask(router, "/now").await.status(), StatusCode::OK);
    }
}
