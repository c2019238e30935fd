//! Routes that cannot do without the database: they are answered at once while it is away, and in time while it is silent.

use std::{
    convert::Infallible,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde_json::json;
use tower::{Layer, Service};

use super::{DatabaseWatch, Standing};

/// What whoever is turned away is told to wait.
pub const RETRY_AFTER_S: u64 = 1;
/// How long a request may take while the database is silent.
const ANSWER_MAX: Duration = Duration::from_millis(900);

/// 503 with when to come again.
pub fn unavailable() -> Response {
    let message = "this cannot be answered now, try again";
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": "unavailable" } }] });
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Answers 503 at once while the database is away, also to requests that were under way; and whoever has waited for
/// [`ANSWER_MAX`] while it is silent.
#[derive(Clone)]
pub struct NeedsDatabase(pub(super) DatabaseWatch);

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
                () = database.clone().until(|standing| *standing == Standing::Away) => Ok(unavailable()),
                () = overdue(database) => Ok(unavailable()),
                answer = inner.call(request) => answer.map(told_when),
            }
        })
    }
}

/// Returns when a request that began now has waited long enough, and the database is silent: what became of a change is
/// unknown then, and operation ids make asking again safe.
async fn overdue(database: DatabaseWatch) {
    tokio::time::sleep(ANSWER_MAX).await;
    database.until(|standing| *standing != Standing::There).await;
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
    use std::sync::Arc;

    use axum::{Router, body::Body, routing::get};
    use tokio::sync::{Notify, watch};
    use tower::ServiceExt;

    use super::*;
    use crate::vitals::note;

    fn route(database: &DatabaseWatch) -> Router {
        Router::new()
            .route("/now", get(|| async { "here" }))
            .route("/never", get(std::future::pending::<&'static str>))
            .route("/busy", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
            .layer(database.layer())
    }

    /// Nothing here takes that long on a healthy machine.
    const PATIENCE: Duration = Duration::from_secs(30);

    async fn ask(router: Router, path: &str) -> Response {
        router.oneshot(Request::builder().uri(path).body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_request_does_not_wait_for_a_database_that_is_away() {
        let (standing, seen) = watch::channel(Standing::There);
        let router = route(&DatabaseWatch(seen));
        assert_eq!(ask(router.clone(), "/now").await.status(), StatusCode::OK);
        assert_eq!(ask(router.clone(), "/busy").await.headers()["retry-after"], "1");
        let waiting = tokio::spawn(ask(router.clone(), "/never"));
        tokio::task::yield_now().await;
        note(&standing, Standing::Away);
        let waited = tokio::time::timeout(PATIENCE, waiting).await.expect("whoever waits is told").unwrap();
        for answer in [waited, ask(router.clone(), "/now").await] {
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        note(&standing, Standing::There);
        assert_eq!(ask(router, "/now").await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_silent_database_costs_a_request_a_second_and_a_slow_request_nothing() {
        let (_well, seen) = watch::channel(Standing::There);
        let (_silent, silent) = watch::channel(Standing::Silent);
        let (well, silent) = (DatabaseWatch(seen), DatabaseWatch(silent));
        let opened = Arc::new(Notify::new());
        let open = Arc::clone(&opened);
        let slow = Router::new().route("/slow", get(|| async move { open.notified().await })).layer(well.layer());
        // It began before the other one, so it is at least as old when that is answered.
        let mut slow = tokio::spawn(ask(slow, "/slow"));
        tokio::task::yield_now().await;
        assert_eq!(ask(route(&silent), "/now").await.status(), StatusCode::OK, "who need not wait is answered");
        let waited =
            tokio::time::timeout(PATIENCE, ask(route(&silent), "/never")).await.expect("told before it is away");
        assert_eq!(
            (waited.status(), &waited.headers()["retry-after"]),
            (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
        );
        assert!(futures::poll!(&mut slow).is_pending(), "a busy machine is no outage");
        opened.notify_one();
        assert_eq!(slow.await.unwrap().status(), StatusCode::OK);
    }
}
