//! One HTTP request to an address of somebody else's choosing: every address a name stands for is checked, and the checked
//! one is connected to. No redirect, no proxy, and nothing of the answer but its status.

use std::{error::Error, fmt, io, net::IpAddr, net::SocketAddr, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use http::header;
use lockstep_commands::webhook::Attempt;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};

use super::address::is_permitted;
use crate::routes::rest::{ID, SIGNATURE, TIMESTAMP};

/// From the lookup of the name to the answer's headers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// The addresses that a name stands for.
pub type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// As the system knows them.
pub fn system_lookup(name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    Box::pin(async move {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    })
}

/// An address may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this address is not of the public internet")]
struct Closed;

struct Checked {
    lookup: Arc<Lookup>,
    local: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, local) = ((self.lookup)(name.as_str().to_owned()), self.local);
        Box::pin(async move {
            let found: Vec<IpAddr> = found.await?.into_iter().take(ADDRESSES_MAX).collect();
            // One closed address among open ones is a trap, not a mistake.
            if found.is_empty() || !found.iter().all(|address| is_permitted(*address, local)) {
                return Err(Box::new(Closed) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Sends deliveries.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    local: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Client {
    /// `local` permits this machine itself.
    pub fn new(local: bool, lookup: Arc<Lookup>) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Checked { lookup, local }))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            // A connection kept would outlive what its name stood for.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("Lockstep/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, local })
    }

    /// Posts one delivery; only a status of success is one.
    pub async fn post(&self, url: &str, id: &str, timestamp_s: i64, signature: &str, body: String) -> Attempt {
        let failed = |error: &str| Attempt { status: None, error: Some(error.to_owned()) };
        let Some(url) = self.permitted(url) else { return failed(&Closed.to_string()) };
        let request = self
            .http
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(ID, id)
            .header(TIMESTAMP, timestamp_s)
            .header(SIGNATURE, signature)
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => {
                Attempt { status: Some(answer.status().as_u16()), error: None }
            }
            Ok(answer) if answer.status().is_redirection() => {
                Attempt { status: Some(answer.status().as_u16()), error: Some("redirects are not followed".to_owned()) }
            }
            Ok(answer) => Attempt { status: Some(answer.status().as_u16()), error: Some("not a success".to_owned()) },
            Err(error) => failed(why(&error)),
        }
    }

    /// The address, if its form may be connected to: a name is checked when it is looked up, a number here.
    fn permitted(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?;
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let open = number.is_none_or(|address| is_permitted(address, self.local));
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && self.local);
        (open && scheme && url.username().is_empty() && url.password().is_none()).then_some(url)
    }
}

/// In words for the webhook's owner; nothing of what is inside.
fn why(error: &reqwest::Error) -> &'static str {
    let mut cause = error.source();
    while let Some(found) = cause {
        if found.is::<Closed>() {
            return "this address is not of the public internet";
        }
        cause = found.source();
    }
    match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_connect() => "no connection",
        _ => "the connection broke",
    }
}
