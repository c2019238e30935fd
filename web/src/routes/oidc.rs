//! `/auth/oidc/…`: a browser sets out to the provider, comes back, and is signed in, linked or confirmed.
//!
//! Setting out is asked for by our own pages only. Coming back is a navigation from another site: it is believed for the
//! browser that set out, once, and always ends at a page of ours.

mod answer;
mod callback;
mod place;
mod start;

#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    http::{HeaderMap, header},
    routing::{get, post},
};
use lockstep_commands::{
    Actor, CommandError, Context, LoadError, Principal, Services,
    account::{AccountRefusal, SignedIn},
    entry::Entry,
    identity::attempt,
    session::{self, Device},
};
use lockstep_graphql::CookieConfig;
use tower_http::request_id::RequestId;
use uuid::Uuid;

use crate::{
    address,
    auth::{Authenticator, SessionCookie},
    limits::{Limits, Tier},
    oidc::{AttemptSecret, CALLBACK, Provider},
};

/// What is sent to us here is a few words.
const BODY_BYTES_MAX: usize = 8 * 1024;
const DAY_S: u64 = 86_400;

/// What signing in by a provider needs.
#[derive(Clone)]
pub struct OidcState {
    pub services: Services,
    pub provider: Provider,
    pub authenticator: Authenticator,
    pub entry: Entry,
    pub cookie: SessionCookie,
    /// The one origin that may set out.
    pub public_url: Arc<str>,
    pub trusted_proxies: Arc<[IpAddr]>,
}

/// The routes, within the limit on tries at passwords.
pub fn router(state: OidcState, limits: &Limits) -> Router {
    Router::new()
        .route("/auth/oidc/start", post(start::start))
        .route("/auth/oidc/name", post(start::choose_name))
        .route(CALLBACK, get(callback::callback))
        .route_layer(limits.layer(Tier::Auth).by_address())
        .with_state(state)
}

/// Who asks, from where.
struct Asked {
    headers: HeaderMap,
    address: Option<IpAddr>,
    request_id: String,
}

impl OidcState {
    fn asked(&self, parts: &axum::http::request::Parts) -> Asked {
        let peer = parts.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
        let address = peer.map(|peer| address::client(peer.0.ip(), &parts.headers, &self.trusted_proxies));
        let named = parts.extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
        let request_id = named.map_or_else(|| self.services.ids.uuid().to_string(), str::to_owned);
        Asked { headers: parts.headers.clone(), address, request_id }
    }

    async fn principal(&self, asked: &Asked) -> Result<Option<Principal>, LoadError> {
        self.authenticator.principal(&asked.headers).await
    }

    fn context(&self, asked: &Asked, actor: Actor) -> Context {
        let operation: Uuid = self.services.ids.uuid();
        Context {
            actor,
            command_id: operation.into(),
            correlation_id: asked.request_id.clone(),
            causation_id: None,
            now: self.services.clock.now(),
        }
    }

    /// The attempt that this browser set out with.
    fn secret(&self, asked: &Asked) -> Option<AttemptSecret> {
        self.attempt_cookie().token(&asked.headers).and_then(AttemptSecret::parse)
    }

    /// Guarded like the session's cookie: of this host alone, out of reach of scripts.
    fn attempt_cookie(&self) -> SessionCookie {
        let name = if self.cookie.secure { "__Host-lockstep-attempt" } else { "lockstep-attempt" };
        SessionCookie { name, secure: self.cookie.secure }
    }

    /// The `Set-Cookie` that keeps an attempt, or with an age of 0 ends it.
    fn keep(&self, secret: Option<&AttemptSecret>) -> String {
        let age_s = secret.map_or(0, |_| u64::from(attempt::LIFE_MINUTES.unsigned_abs()) * 60);
        set_cookie(&self.attempt_cookie(), secret.map_or("", AttemptSecret::expose), age_s)
    }

    /// The `Set-Cookie` of a session that began; the one that asked ends, so that nobody goes on with what they planted.
    async fn begin(
        &self,
        asked: &Asked,
        earlier: Option<&Principal>,
        started: &SignedIn,
    ) -> Result<String, CommandError<AccountRefusal>> {
        let agent = asked.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
        let device = Device { user_agent: agent, address: asked.address };
        session::describe(&self.services, &started.principal.session_hash, &device).await?;
        if let Some(earlier) = earlier {
            session::revoke(&self.services, &earlier.session_hash).await?;
        }
        let age_s = u64::from(session::ABSOLUTE_DAYS.unsigned_abs()) * DAY_S;
        Ok(set_cookie(&self.cookie, started.token.expose(), age_s))
    }
}

fn set_cookie(cookie: &SessionCookie, value: &str, age_s: u64) -> String {
    CookieConfig { name: cookie.name.to_owned(), secure: cookie.secure }.header(value, age_s)
}
