//! From a cookie or an API token to a person, and the news that a session has ended.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use lockstep_commands::{LoadError, Principal, Services, identity::attempt, session, token};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often revoked sessions are asked for while sockets are open: they close within a second of it.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How far back is asked: further than any transaction that revokes takes.
const LOOK_BACK: Duration = Duration::from_secs(30);
/// How often an open socket's session is looked up for its age and its account.
pub const CHECK_EVERY: Duration = Duration::from_secs(60);
/// How often the rows of sessions that ended long ago are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// How the session cookie is named and guarded; follows from the public URL.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    pub name: &'static str,
    pub secure: bool,
}

impl SessionCookie {
    /// `__Host-` works on https and on localhost; plain http elsewhere gets a cookie without Secure.
    pub fn for_url(public_url: &str) -> Self {
        // Chromium takes Secure cookies from http://localhost but not from http://127.0.0.1.
        let localhost = is_local(public_url) && host_of(public_url).starts_with("localhost");
        if public_url.starts_with("https://") || localhost {
            Self { name: "__Host-lockstep", secure: true }
        } else {
            Self { name: "lockstep", secure: false }
        }
    }

    /// The session token in these headers.
    pub fn token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty() && value.len() <= 100)
    }
}

/// Whether a public URL names this machine itself.
pub fn is_local(public_url: &str) -> bool {
    let of_this = |name: &&str| {
        host_of(public_url).strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(of_this)
}

/// The host and port of a URL without a path.
fn host_of(public_url: &str) -> &str {
    public_url.split("://").nth(1).unwrap_or_default()
}

/// Turns headers into principals, and watches the sessions behind open sockets.
#[derive(Clone)]
pub struct Authenticator {
    services: Services,
    cookie: Arc<SessionCookie>,
    endings: Endings,
}

impl Authenticator {
    pub fn new(services: Services, cookie: SessionCookie) -> Self {
        Self { services, cookie: Arc::new(cookie), endings: Endings::default() }
    }

    /// Who sent these headers; `None` for nobody or a dead session.
    pub async fn principal(&self, headers: &HeaderMap) -> Result<Option<Principal>, LoadError> {
        match self.cookie.token(headers) {
            Some(token) => session::authenticate(&self.services, token).await,
            None => Ok(None),
        }
    }

    /// Who sent these headers, by an API token or else by the cookie; `None` for nobody or a dead session.
    ///
    /// # Errors
    /// [`CallerError::Token`] for an `Authorization` that opens nothing: it is never ignored.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Option<Principal>, CallerError> {
        if !is_bearer(headers) {
            return self.principal(headers).await.map_err(CallerError::Unavailable);
        }
        let token = bearer(headers).ok_or(CallerError::Token)?;
        let principal = token::authenticate(&self.services, token).await.map_err(CallerError::Unavailable)?;
        principal.map(Some).ok_or(CallerError::Token)
    }

    /// Sockets that are open in this process, of people who are signed in.
    pub fn watched(&self) -> usize {
        self.endings.held().len()
    }

    /// Returns when the principal's session has ended: at once if it has, else as soon as [`Self::follow`] hears of it, or
    /// by its age within [`CHECK_EVERY`]. A database out of reach ends nothing.
    pub async fn ended(&self, principal: &Principal) {
        // Watched before it is looked up: what ends in between is heard.
        let watch = self.endings.watch(&principal.session_hash);
        loop {
            if let Ok(false) = session::is_alive(&self.services, principal).await {
                return;
            }
            if tokio::time::timeout(CHECK_EVERY, watch.ended.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Tells the sockets of this process which sessions were revoked, by whichever process, until the shutdown. The table
    /// is asked, as readers of the log ask for its head: nothing that could be lost on the way is relied on.
    pub async fn follow(self, shutdown: CancellationToken) {
        let mut look = interval(LOOK_EVERY);
        let mut sweep = interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                _ = look.tick() => self.look().await,
                _ = sweep.tick() => {
                    if let Err(error) = session::sweep(&self.services).await {
                        tracing::warn!(%error, "ended sessions could not be removed");
                    }
                    if let Err(error) = attempt::sweep(&self.services).await {
                        tracing::warn!(%error, "ended attempts to sign in could not be removed");
                    }
                }
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn look(&self) {
        if self.endings.is_empty() {
            return;
        }
        // An error is met, and told, by those who sign in.
        if let Ok(revoked) = session::revoked_lately(&self.services, LOOK_BACK.as_secs_f64()).await {
            self.endings.end(&revoked);
        }
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut due = tokio::time::interval(every);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due
}

/// The sessions behind this process's open sockets.
#[derive(Clone, Default)]
struct Endings {
    watched: Arc<Mutex<HashMap<u64, (String, CancellationToken)>>>,
    next: Arc<AtomicU64>,
}

/// Forgotten when dropped.
struct Watch {
    endings: Endings,
    number: u64,
    ended: CancellationToken,
}

impl Endings {
    fn watch(&self, session_hash: &str) -> Watch {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let ended = CancellationToken::new();
        self.held().insert(number, (session_hash.to_owned(), ended.clone()));
        Watch { endings: self.clone(), number, ended }
    }

    fn end(&self, revoked: &[String]) {
        let revoked: HashSet<&str> = revoked.iter().map(String::as_str).collect();
        if revoked.is_empty() {
            return;
        }
        for (session, ended) in self.held().values() {
            if revoked.contains(session.as_str()) {
                ended.cancel();
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.held().is_empty()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, (String, CancellationToken)>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.endings.held().remove(&self.number);
    }
}

/// Who asks cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    #[error("this token does not work, or not any more")]
    Token,
    #[error(transparent)]
    Unavailable(LoadError),
}

/// Whether a request says by itself whose it is, and needs no cookie.
pub fn is_bearer(headers: &HeaderMap) -> bool {
    headers.contains_key(http::header::AUTHORIZATION)
}

/// The token of `Authorization: Bearer …`, if that is what there is, once.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Before `/graphql`: a token that opens nothing is refused with 401, and no token opens a socket, which would outlive it.
pub async fn only_live_tokens(State(authenticator): State<Authenticator>, request: Request, next: Next) -> Response {
    if !is_bearer(request.headers()) {
        return next.run(request).await;
    }
    let (status, code, message) = match authenticator.caller(request.headers()).await {
        Ok(_) if request.headers().contains_key(http::header::UPGRADE) => {
            (StatusCode::FORBIDDEN, "token_socket", "a token opens no socket")
        }
        Ok(_) => return next.run(request).await,
        Err(CallerError::Token) => (StatusCode::UNAUTHORIZED, "token", "this token does not work, or not any more"),
        Err(CallerError::Unavailable(error)) => {
            tracing::error!(%error, "a token was not looked up");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "this cannot be answered now, try again")
        }
    };
    let error = serde_json::json!({ "message": message, "extensions": { "code": code } });
    (status, Json(serde_json::json!({ "errors": [error] }))).into_response()
}

/// Whether a request comes from our own pages: the Origin header equals the public URL exactly.
pub fn same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    let mut origins = headers.get_all(http::header::ORIGIN).iter();
    matches!((origins.next(), origins.next()), (Some(origin), None) if origin.as_bytes() == public_url.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_follows_the_public_url() {
        assert_eq!(SessionCookie::for_url("https://watch.example").name, "__Host-lockstep");
        assert_eq!(SessionCookie::for_url("http://localhost:8080").name, "__Host-lockstep");
        assert_eq!(SessionCookie::for_url("http://127.0.0.1:8080").name, "lockstep");
        assert_eq!(SessionCookie::for_url("http://localhost.evil.example").name, "lockstep");
    }

    #[test]
    fn only_the_exact_origin_is_ours() {
        let ours = "https://watch.example";
        for (origin, same) in [(ours, true), ("https://watch.example.evil", false), ("null", false), ("", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::ORIGIN, origin.parse().expect("a header"));
            assert_eq!(same_origin(&headers, ours), same, "{origin}");
        }
        assert!(!same_origin(&HeaderMap::new(), ours));
    }
}
