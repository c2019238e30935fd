//! The subscriptions' socket over real sessions: it ends with its session within a second.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use lockstep_commands::{Actor, Context, account, session};
use serde_json::json;
use uuid::Uuid;

use super::{
    ORIGIN, Site,
    sockets::{Client, connect},
};
use crate::{
    auth::{Authenticator, SessionCookie},
    routes::graphql::{GraphqlState, router, socket::PROTOCOL},
};

#[tokio::test]
async fn a_session_that_is_revoked_closes_its_subscriptions_within_a_second() {
    let site = Site::new().await;
    let authenticator = Authenticator::new(site.services.clone(), SessionCookie::for_url(ORIGIN));
    tokio::spawn(authenticator.clone().follow(site.shutdown.clone()));
    let state = GraphqlState { authenticate: Arc::new(authenticator), ..site.state.clone() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let guest = async |name| {
        let context = Context {
            actor: Actor::System,
            command_id: Uuid::new_v4().into(),
            correlation_id: "test".to_owned(),
            causation_id: None,
            now: site.services.clock.now(),
        };
        account::admit_guest(&site.services, &context, name).await.unwrap()
    };
    let ready = async |token: &str| {
        let cookie = format!("__Host-lockstep={token}");
        let headers = [("origin", ORIGIN), ("cookie", cookie.as_str()), ("sec-websocket-protocol", PROTOCOL)];
        let mut client = Client(connect(address, &headers).await.unwrap());
        client.send(json!({ "type": "connection_init", "payload": {} })).await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    };
    let (ann, ben) = (guest("ann").await, guest("ben").await);
    let (mut hers, mut his) = (ready(ann.token.expose()).await, ready(ben.token.expose()).await);
    session::revoke(&site.services, &ann.principal.session_hash).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(1), hers.closed()).await.expect("within a second");
    assert_eq!(closed.0, 4401);
    his.send(json!({ "type": "ping" })).await;
    assert_eq!(his.hear().await, json!({ "type": "pong" }), "somebody else's goes on");
}
