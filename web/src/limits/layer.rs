//! The layer that routes take with a tier: draws before the route runs, and says in every answer where the caller stands.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    http::{header, request::Parts},
    response::Response,
};
use futures::future::BoxFuture;
use lockstep_commands::{
    budget::Caller,
    throttle::subscriber,
    window::{Draw, Exhausted, Level, Share},
};
use sha2::{Digest, Sha256};
use tower::{Layer, Service};

use super::{
    Limits, Tier,
    headers::{self, Allowance},
};
use crate::address;

/// Limits a route to a tier.
#[derive(Clone)]
pub struct LimitLayer {
    limits: Limits,
    tier: Tier,
    only_sockets: bool,
    by_address: bool,
}

impl LimitLayer {
    /// One share for everybody behind an address, as tries at passwords have: who is not signed in yet has no other name.
    #[must_use]
    pub fn by_address(self) -> Self {
        Self { by_address: true, ..self }
    }

    fn share(&self) -> Share {
        let table = &self.limits.table;
        if self.by_address { table.tries().address } else { table.share(self.tier) }
    }

    /// Limits only what asks for a socket: other requests of the route are counted elsewhere.
    #[must_use]
    pub fn only_sockets(self) -> Self {
        Self { only_sockets: true, ..self }
    }
}

/// A limited route.
#[derive(Clone)]
pub struct Limited<S> {
    inner: S,
    layer: LimitLayer,
}

impl Limits {
    /// A layer that limits a route to a tier. Who asks is the [`Caller`] that an earlier layer put into the request's
    /// extensions; else the session's cookie and the address.
    pub fn layer(&self, tier: Tier) -> LimitLayer {
        LimitLayer { limits: self.clone(), tier, only_sockets: false, by_address: false }
    }

    /// Draws one from the share of everybody behind this request's address.
    async fn draw_by_address(&self, tier: Tier, parts: &Parts) -> Option<Result<Level, Exhausted>> {
        let (share, now) = (self.table.tries().address, self.now());
        let key = format!("{}/network/{}", tier.name(), self.address(parts)?);
        let levels = self.windows.draw(&[Draw { key, cost: 1, share }], now).await;
        let untouched = Level { limit: share.units_max, remaining: share.units_max, reset_at: now };
        Some(levels.map(|levels| levels.first().copied().unwrap_or(untouched)))
    }

    /// Draws one for this request; `None` when nobody can be told from it, which is this process itself.
    pub async fn draw_for(&self, tier: Tier, parts: &Parts) -> Option<Result<Level, Exhausted>> {
        let draws = match parts.extensions.get::<Caller>() {
            Some(caller) => vec![self.of(tier, caller)],
            None => self.of_viewer(tier, parts)?,
        };
        let now = self.now();
        let levels = self.windows.draw(&draws, now).await;
        Some(levels.map(|levels| levels.first().copied().unwrap_or(self.untouched(tier, now))))
    }

    fn of(&self, tier: Tier, caller: &Caller) -> Draw {
        Draw { key: caller.key(tier.name()), cost: 1, share: self.table.share(tier) }
    }

    /// A viewer's own share, and that of everybody behind the address: a cookie is easily made up.
    fn of_viewer(&self, tier: Tier, parts: &Parts) -> Option<Vec<Draw>> {
        let address = self.address(parts)?;
        let cookie = self.cookie.token(&parts.headers);
        let viewer = match cookie {
            Some(token) => format!("{address}/{}", hex::encode(&Sha256::digest(token.as_bytes())[..16])),
            None => address.to_string(),
        };
        let name = tier.name();
        let own = Draw { key: format!("{name}/viewer/{viewer}"), cost: 1, share: self.table.share(tier) };
        let all = Draw { key: format!("{name}/network/{address}"), cost: 1, share: self.table.of_address(tier) };
        Some(vec![own, all])
    }

    /// Whose request it is, as far as an address tells.
    fn address(&self, parts: &Parts) -> Option<IpAddr> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
        Some(subscriber(address::client(peer, &parts.headers, &self.trusted)))
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limited<S>;
    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, layer: self.clone() }
    }
}

impl<S> Service<Request> for Limited<S>
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
        let layer = self.layer.clone();
        Box::pin(async move {
            let (share, LimitLayer { limits, tier, only_sockets, by_address }) = (layer.share(), layer);
            if only_sockets && !request.headers().contains_key(header::UPGRADE) {
                return inner.call(request).await;
            }
            let (parts, body): (Parts, Body) = request.into_parts();
            let drawn = match by_address {
                true => limits.draw_by_address(tier, &parts).await,
                false => limits.draw_for(tier, &parts).await,
            };
            let level = match drawn {
                Some(Err(exhausted)) => return Ok(headers::refusal(tier.name(), share, &exhausted, limits.now())),
                Some(Ok(level)) => Some(level),
                None => None,
            };
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            if let Some(level) = level {
                let allowance = Allowance { name: tier.name(), share, level };
                headers::write(response.headers_mut(), &allowance, limits.now());
            }
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, http::StatusCode, routing::get};
    use lockstep_commands::Clock;
    use lockstep_domain::{ids::AccountId, time::Timestamp};
    use tower::ServiceExt;

    use super::*;
    use crate::{
        auth::SessionCookie,
        limits::{CALLERS_PER_ADDRESS, Preset, Table},
    };

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp(1_700_000_000_000_000)
        }
    }

    fn limits() -> Limits {
        let table = Table::of(Preset::Normal).with(Tier::General, Share { units_max: 2, window_s: 60 });
        let cookie = SessionCookie::for_url("http://watch.test");
        Limits::in_process(table, Arc::new(Noon), cookie).behind([[10, 0, 0, 1].into()])
    }

    fn limited() -> Router {
        let limits = limits();
        Router::new().route("/", get(|| async { "here" })).route_layer(limits.layer(Tier::General))
    }

    struct From<'r> {
        peer: &'r str,
        forwarded: Option<&'r str>,
        session: Option<&'r str>,
        caller: Option<Caller>,
    }

    const HOME: From<'_> = From { peer: "192.0.2.1", forwarded: None, session: None, caller: None };

    async fn ask(router: &Router, from: From<'_>) -> StatusCode {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.peer.parse().unwrap(), 1)));
        let headers = request.headers_mut();
        from.forwarded.map(|value| headers.insert("x-forwarded-for", value.parse().unwrap()));
        from.session.map(|token| headers.insert("cookie", format!("lockstep={token}").parse().unwrap()));
        from.caller.map(|caller| request.extensions_mut().insert(caller));
        router.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn each_viewer_behind_an_address_has_a_share_and_all_have_one_together() {
        let router = limited();
        for viewer in 0..CALLERS_PER_ADDRESS {
            let name = viewer.to_string();
            let from = || From { session: Some(&name), ..HOME };
            assert_eq!(ask(&router, from()).await, StatusCode::OK);
            assert_eq!(ask(&router, from()).await, StatusCode::OK);
            assert_eq!(ask(&router, from()).await, StatusCode::TOO_MANY_REQUESTS, "{viewer} has had its share");
        }
        let made_up = From { session: Some("one-more"), ..HOME };
        assert_eq!(ask(&router, made_up).await, StatusCode::TOO_MANY_REQUESTS, "so has the address");
        assert_eq!(ask(&router, From { peer: "192.0.2.2", ..HOME }).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn where_only_sockets_count_other_requests_do_not() {
        let layer = limits().layer(Tier::General).only_sockets();
        let router = Router::new().route("/", get(|| async { "here" })).route_layer(layer);
        for _ in 0..10 {
            assert_eq!(ask(&router, HOME).await, StatusCode::OK);
        }
        for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new("192.0.2.1".parse().unwrap(), 1)));
            request.headers_mut().insert("upgrade", "websocket".parse().unwrap());
            assert_eq!(router.clone().oneshot(request).await.unwrap().status(), expected);
        }
    }

    #[tokio::test]
    async fn where_an_address_counts_no_cookie_gives_another_share() {
        let layer = limits().layer(Tier::Auth).by_address();
        let router = Router::new().route("/", get(|| async { "here" })).route_layer(layer);
        let share = Table::of(Preset::Normal).tries().address;
        for n in 0..share.units_max {
            let made_up = n.to_string();
            assert_eq!(ask(&router, From { session: Some(&made_up), ..HOME }).await, StatusCode::OK);
        }
        assert_eq!(ask(&router, From { session: Some("one-more"), ..HOME }).await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(ask(&router, From { peer: "192.0.2.2", ..HOME }).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn only_named_proxies_say_for_whom() {
        let router = limited();
        for n in 0..10 {
            let claim = format!("198.51.100.{n}");
            let expected = if n < 2 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
            assert_eq!(ask(&router, From { forwarded: Some(&claim), ..HOME }).await, expected, "a stranger's word");
            let behind = From { peer: "10.0.0.1", forwarded: Some(&claim), ..HOME };
            assert_eq!(ask(&router, behind).await, StatusCode::OK, "a proxy's word");
        }
    }

    #[tokio::test]
    async fn a_known_caller_is_counted_wherever_they_are() {
        let router = limited();
        let ada = || Some(Caller::Account(AccountId(uuid::Uuid::from_u128(1))));
        for (peer, expected) in
            [("192.0.2.1", StatusCode::OK), ("192.0.2.2", StatusCode::OK), ("192.0.2.3", StatusCode::TOO_MANY_REQUESTS)]
        {
            assert_eq!(ask(&router, From { peer, caller: ada(), ..HOME }).await, expected);
        }
        let bob = Some(Caller::Account(AccountId(uuid::Uuid::from_u128(2))));
        assert_eq!(ask(&router, From { caller: bob, ..HOME }).await, StatusCode::OK);
    }
}
