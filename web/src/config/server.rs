//! The public face: port, address, origin, tokens.

use std::net::IpAddr;

use lockstep_domain::installation::Registration;
use lockstep_graphql::Anonymous;

use super::{Bounded, ConfigError, Source};
use crate::{auth::is_local, gate};

#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// `PORT`, 8080. 0 takes a free one.
    pub port: u16,
    /// `LOCKSTEP_BIND`, 127.0.0.1: who may connect. A reverse proxy on the same machine needs nothing else.
    pub bind: IpAddr,
    /// `LOCKSTEP_PUBLIC_URL`, `http://localhost:PORT`: fixes the Origin check, links, the presign host and the cookie.
    pub public_url: Option<String>,
    /// `LOCKSTEP_TOKEN_LIFE_S`, 600: how long a delivery link works, seconds.
    pub token_life_s: u64,
    /// `LOCKSTEP_SOCKETS_PER_ADDRESS_MAX`, 200: sockets of each kind from one address. Many people share one.
    pub sockets_per_address_max: usize,
    /// `LOCKSTEP_REGISTRATION`, unset: `open`, `invite-only` or `closed` fixes who may register, whatever
    /// administrators choose.
    pub registration: Option<Registration>,
    /// `LOCKSTEP_GRAPHQL_ANONYMOUS`, `open` where only this machine can ask, else `trusted`: whether `/graphql` runs any
    /// document for those without an account, or only the pages' own.
    pub graphql_anonymous: Option<Anonymous>,
    /// `LOCKSTEP_TRUSTED_PROXIES`, none: IP addresses, separated by commas, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// `LOCKSTEP_DEMO`, on: whether an empty installation gets the demo clip and its channel.
    pub demo: bool,
    /// `LOCKSTEP_MEDIA_PROGRAM`: the program that decodes and encodes; `lockstep-media` beside this one.
    pub media_program: Option<std::path::PathBuf>,
    /// `LOCKSTEP_TRANSCODE_SLOTS`, 1: work items at once.
    pub transcode_slots: usize,
}

impl ServerConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let port = Bounded { variable: "PORT", min: 0, max: 65_535, default: 8080 }.read(source)?;
        let bind = source.get("LOCKSTEP_BIND").unwrap_or_else(|| "127.0.0.1".to_owned());
        let bind =
            bind.parse().map_err(|_| ConfigError::new("LOCKSTEP_BIND", format!("is an IP address, not {bind:?}")))?;
        let public_url =
            source.get("LOCKSTEP_PUBLIC_URL").map(|url| origin("LOCKSTEP_PUBLIC_URL", &url)).transpose()?;
        let life = Bounded { variable: "LOCKSTEP_TOKEN_LIFE_S", min: 5, max: 86_400, default: 600 };
        let sockets = Bounded {
            variable: "LOCKSTEP_SOCKETS_PER_ADDRESS_MAX",
            min: 1,
            max: 100_000,
            default: gate::SOCKETS_PER_ADDRESS_MAX as u64,
        };
        let slots = Bounded { variable: "LOCKSTEP_TRANSCODE_SLOTS", min: 1, max: 64, default: 1 };
        let demo = match source.get("LOCKSTEP_DEMO").as_deref() {
            None | Some("on" | "1" | "true") => true,
            Some("off" | "0" | "false") => false,
            Some(other) => return Err(ConfigError::new("LOCKSTEP_DEMO", format!("is on or off, not {other:?}"))),
        };
        Ok(Self {
            port: port as u16,
            bind,
            public_url,
            token_life_s: life.read(source)?,
            sockets_per_address_max: sockets.read(source)? as usize,
            registration: source.get("LOCKSTEP_REGISTRATION").map(|text| registration(&text)).transpose()?,
            graphql_anonymous: source.get("LOCKSTEP_GRAPHQL_ANONYMOUS").map(|text| anonymous(&text)).transpose()?,
            trusted_proxies: proxies(source.get("LOCKSTEP_TRUSTED_PROXIES").as_deref().unwrap_or_default())?,
            demo,
            media_program: source.get("LOCKSTEP_MEDIA_PROGRAM").map(Into::into),
            transcode_slots: slots.read(source)? as usize,
        })
    }

    /// What is run for those without an account. An installation that others can reach is not for development.
    pub fn anonymous(&self, public_url: &str) -> Anonymous {
        let here = self.bind.is_loopback() && is_local(public_url);
        self.graphql_anonymous.unwrap_or(if here { Anonymous::Open } else { Anonymous::Trusted })
    }

    /// The public URL once the port is known, without a trailing slash.
    pub fn public_url(&self, port: u16) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://localhost:{port}"))
    }
}

fn proxies(text: &str) -> Result<Vec<IpAddr>, ConfigError> {
    let wrong = |part: &str| {
        let problem = format!("is IP addresses separated by commas, not {part:?}");
        ConfigError::new("LOCKSTEP_TRUSTED_PROXIES", problem)
    };
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().map_err(|_| wrong(part))).collect()
}

fn anonymous(text: &str) -> Result<Anonymous, ConfigError> {
    match text.trim() {
        "open" => Ok(Anonymous::Open),
        "trusted" => Ok(Anonymous::Trusted),
        other => Err(ConfigError::new("LOCKSTEP_GRAPHQL_ANONYMOUS", format!("is trusted or open, not {other:?}"))),
    }
}

fn registration(text: &str) -> Result<Registration, ConfigError> {
    match text.trim() {
        "open" => Ok(Registration::Open),
        "invite-only" => Ok(Registration::InviteOnly),
        "closed" => Ok(Registration::Closed),
        other => {
            Err(ConfigError::new("LOCKSTEP_REGISTRATION", format!("is open, invite-only or closed, not {other:?}")))
        }
    }
}

/// `scheme://host[:port]`, nothing after it.
pub(super) fn origin(variable: &'static str, url: &str) -> Result<String, ConfigError> {
    let wrong = || ConfigError::new(variable, format!("is https://host or http://host:port, not {url:?}"));
    let url = url.trim().trim_end_matches('/');
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(wrong)?;
    let authority = uri.authority().ok_or_else(wrong)?;
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(wrong());
    }
    Ok(format!("{scheme}://{}", authority.as_str().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use lockstep_graphql::Anonymous;

    use super::{ServerConfig, origin};
    use crate::config::{ConfigError, Source};

    struct Given<'a>(&'a [(&'a str, &'a str)]);

    impl Source for Given<'_> {
        fn get(&self, variable: &str) -> Option<String> {
            self.0.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn whoever_can_be_reached_by_others_runs_trusted_documents_only() {
        const MODE: &str = "LOCKSTEP_GRAPHQL_ANONYMOUS";
        const NAME: (&str, &str) = ("LOCKSTEP_PUBLIC_URL", "https://watch.example");
        let check = |given: &[(&str, &str)], expected: Anonymous| {
            let server = ServerConfig::read(&Given(given)).unwrap();
            assert_eq!(server.anonymous(&server.public_url(8080)), expected, "{given:?}");
        };
        check(&[], Anonymous::Open);
        check(&[NAME], Anonymous::Trusted);
        check(&[("LOCKSTEP_BIND", "0.0.0.0")], Anonymous::Trusted);
        check(&[NAME, (MODE, "open")], Anonymous::Open);
        check(&[(MODE, "trusted")], Anonymous::Trusted);
        let wrong = ServerConfig::read(&Given(&[(MODE, "none")])).unwrap_err();
        assert_eq!(wrong, ConfigError::new(MODE, "is trusted or open, not \"none\""));
    }

    #[test]
    fn a_public_url_is_an_origin() {
        let origin = |url| origin("LOCKSTEP_PUBLIC_URL", url);
        assert_eq!(origin("https://Watch.example/").as_deref(), Ok("https://watch.example"));
        assert_eq!(origin("http://localhost:9000").as_deref(), Ok("http://localhost:9000"));
        for wrong in ["ftp://x", "localhost:80", "https://a/b", "https://u@h", ""] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
