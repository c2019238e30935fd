//! From a cookie to a person.

use std::sync::Arc;

use http::HeaderMap;
use lockstep_commands::{LoadError, Principal, Services, session};

/// How the session cookie is named and guarded; follows from the public URL.
#[derive(Debug, Clone)]
pub struct SessionCookie {
    pub name: &'static str,
    pub secure: bool,
}

impl SessionCookie {
    /// `__Host-` works on https and on localhost; plain http elsewhere gets a cookie without Secure.
    pub fn for_url(public_url: &str) -> Self {
        let host = public_url.split("://").nth(1).unwrap_or_default();
        let local = ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|name| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')));
        // Chromium takes Secure cookies from http://localhost but not from http://127.0.0.1.
        let localhost = local && host.starts_with("localhost");
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

/// Turns headers into principals.
#[derive(Clone)]
pub struct Authenticator {
    services: Services,
    cookie: Arc<SessionCookie>,
}

impl Authenticator {
    pub fn new(services: Services, cookie: SessionCookie) -> Self {
        Self { services, cookie: Arc::new(cookie) }
    }

    /// Who sent these headers; `None` for nobody or a dead session.
    pub async fn principal(&self, headers: &HeaderMap) -> Result<Option<Principal>, LoadError> {
        match self.cookie.token(headers) {
            Some(token) => session::authenticate(&self.services, token).await,
            None => Ok(None),
        }
    }
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
