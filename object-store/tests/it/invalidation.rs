//! CloudFront's API as the program calls it, against a server that answers as it is told.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use axum::{Router, extract::State, http::StatusCode};
use lockstep_object_store::{
    breaker::{Breaker, FAULTS_MAX, State as Breaking},
    cloudfront::{CloudFrontApi, CloudFrontSettings, InvalidationError, Invalidations, PATHS_MAX},
};

type Answer = (StatusCode, &'static str);

/// The next answer, and how often it was asked.
type Server = Arc<Mutex<(Answer, usize)>>;

async fn start() -> (CloudFrontApi, Breaker, Server) {
    let server: Server = Arc::new(Mutex::new(((StatusCode::CREATED, ""), 0)));
    let router = Router::new().fallback(|State(server): State<Server>| async move {
        let mut server = server.lock().unwrap();
        server.1 += 1;
        server.0
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = CloudFrontSettings {
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        distribution: "E1".to_owned(),
        access_key: "access".to_owned(),
        secret_key: "very secret".to_owned(),
    };
    let router = router.with_state(Arc::clone(&server));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let breaker = Breaker::new("the CDN", Arc::new(|| Duration::ZERO));
    let now = Arc::new(|| UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    (CloudFrontApi::new(settings, breaker.clone(), now).unwrap(), breaker, server)
}

fn paths(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("/v/{at}/*")).collect()
}

#[tokio::test]
async fn what_is_busy_is_worth_another_try_and_what_refuses_is_not() {
    let (api, _, server) = start().await;
    let error = |code| format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>");
    let busy: &'static str = error("TooManyInvalidationsInProgress").leak();
    let denied: &'static str = error("AccessDenied").leak();
    let unavailable = |text: &str| Err(InvalidationError::Unavailable(text.to_owned()));
    let refused = |text: &str| Err(InvalidationError::Refused(text.to_owned()));
    let cases = [
        (StatusCode::CREATED, "", Ok(())),
        (StatusCode::BAD_REQUEST, busy, unavailable("400 TooManyInvalidationsInProgress")),
        (StatusCode::TOO_MANY_REQUESTS, "", unavailable("429")),
        (StatusCode::SERVICE_UNAVAILABLE, "<html>", unavailable("503")),
        (StatusCode::FORBIDDEN, denied, refused("403 AccessDenied")),
        (StatusCode::NOT_FOUND, "", refused("404")),
        (StatusCode::FOUND, "", refused("302")),
    ];
    for (status, text, expected) in cases {
        server.lock().unwrap().0 = (status, text);
        assert_eq!(api.invalidate(&paths(1), "event").await, expected, "{status}");
    }
    let asked = server.lock().unwrap().1;
    for count in [0, PATHS_MAX + 1] {
        let answer = api.invalidate(&paths(count), "event").await;
        assert!(matches!(answer, Err(InvalidationError::Refused(_))), "{count} paths");
    }
    assert_eq!(server.lock().unwrap().1, asked, "such a wish is not sent");
}

#[tokio::test]
async fn an_api_that_is_out_of_order_is_left_alone_for_a_while() {
    let (api, breaker, server) = start().await;
    server.lock().unwrap().0 = (StatusCode::INTERNAL_SERVER_ERROR, "");
    for _ in 0..FAULTS_MAX + 3 {
        assert!(matches!(api.invalidate(&paths(1), "event").await, Err(InvalidationError::Unavailable(_))));
    }
    assert_eq!((breaker.state(), server.lock().unwrap().1), (Breaking::Open, FAULTS_MAX as usize));
}

#[tokio::test]
async fn its_keys_are_not_printed() {
    let (api, _, _) = start().await;
    let printed = format!("{api:?}");
    assert!(printed.contains("E1") && !printed.contains("secret") && !printed.contains("access"), "{printed}");
}
