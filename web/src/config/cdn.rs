//! A CDN in front of the media bucket: CloudFront, or nothing.

use std::time::Duration;

use lockstep_object_store::cloudfront::{Cdn, Hash, KeyError, SigningKey};

use super::{ConfigError, ObjectsConfig, ServerConfig, Source, server::origin};

/// Every other variable of this concern, each of which means nothing without `LOCKSTEP_CDN_URL`.
const WITH_URL: [&str; 6] = [
    "LOCKSTEP_CDN_COOKIE_DOMAIN",
    "LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID",
    "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY",
    "LOCKSTEP_CLOUDFRONT_HASH",
    "LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID",
    "LOCKSTEP_CLOUDFRONT_ENDPOINT",
];
/// Where CloudFront's API is, for every region.
const API: &str = "https://cloudfront.amazonaws.com";
/// Longest id of a distribution, in characters.
const DISTRIBUTION_CHARS_MAX: usize = 64;

#[derive(Debug, Clone)]
pub struct CdnConfig {
    /// `LOCKSTEP_CDN_URL`: `https://host` of the distribution; plain http on this machine only, for tests.
    pub url: String,
    /// `LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID`, `LOCKSTEP_CLOUDFRONT_PRIVATE_KEY` (a file in PEM) and `LOCKSTEP_CLOUDFRONT_HASH`
    /// (`sha1` or `sha256`): what signs for viewers.
    pub key: SigningKey,
    /// `LOCKSTEP_CDN_COOKIE_DOMAIN`: what the names of the site and of the CDN end in; players get cookies for it. Unset,
    /// each address carries its signature.
    pub cookie_domain: Option<String>,
    /// How copies of deleted films are forgotten.
    pub invalidation: Option<InvalidationConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidationConfig {
    /// `LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID`.
    pub distribution: String,
    /// `LOCKSTEP_CLOUDFRONT_ENDPOINT`, CloudFront's own: where its API is. For tests.
    pub endpoint: String,
}

impl CdnConfig {
    pub(super) fn read(
        source: &dyn Source,
        server: &ServerConfig,
        objects: &ObjectsConfig,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(url) = source.get("LOCKSTEP_CDN_URL") else {
            return match WITH_URL.into_iter().find(|variable| source.get(variable).is_some()) {
                Some(alone) => Err(ConfigError::new(alone, "means nothing without LOCKSTEP_CDN_URL")),
                None => Ok(None),
            };
        };
        let url = origin("LOCKSTEP_CDN_URL", &url)?;
        if !is_secure(&url) {
            return Err(ConfigError::new("LOCKSTEP_CDN_URL", "is https://…: what signs is in every request"));
        }
        if objects.s3.is_none() {
            let problem = "needs S3_ENDPOINT: a CDN reads the bucket itself, and the embedded store has no door";
            return Err(ConfigError::new("LOCKSTEP_CDN_URL", problem));
        }
        if server.public_url.as_ref() == Some(&url) {
            let problem = "is another origin than LOCKSTEP_PUBLIC_URL: /v/… there is ours";
            return Err(ConfigError::new("LOCKSTEP_CDN_URL", problem));
        }
        let cookie_domain = source.get("LOCKSTEP_CDN_COOKIE_DOMAIN");
        let cookie_domain = cookie_domain.map(|domain| domain_of_both(&domain, &url, server)).transpose()?;
        Ok(Some(Self { key: key(source)?, cookie_domain, invalidation: invalidation(source)?, url }))
    }

    /// What signs with it; nothing lives longer than delivery tokens do.
    pub fn cdn(&self, server: &ServerConfig) -> Cdn {
        let life = Duration::from_secs(server.token_life_s);
        Cdn::new(&self.url, self.key.clone(), life, self.cookie_domain.as_deref())
    }
}

fn key(source: &dyn Source) -> Result<SigningKey, ConfigError> {
    let needed = |variable| {
        let wanting = || ConfigError::new(variable, "must be set together with LOCKSTEP_CDN_URL");
        source.get(variable).ok_or_else(wanting)
    };
    let hash = match source.get("LOCKSTEP_CLOUDFRONT_HASH").as_deref() {
        None | Some("sha1") => Hash::Sha1,
        Some("sha256") => Hash::Sha256,
        Some(other) => {
            return Err(ConfigError::new("LOCKSTEP_CLOUDFRONT_HASH", format!("is sha1 or sha256, not {other:?}")));
        }
    };
    let (pair_id, file) = (needed("LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID")?, needed("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY")?);
    let pem = std::fs::read_to_string(&file)
        .map_err(|error| ConfigError::new("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", format!("cannot be read: {error}")))?;
    SigningKey::from_pem(pair_id.trim(), &pem, hash).map_err(|error| match error {
        KeyError::PairId => ConfigError::new("LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", error.to_string()),
        KeyError::NoKey | KeyError::Short => ConfigError::new("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", error.to_string()),
    })
}

fn invalidation(source: &dyn Source) -> Result<Option<InvalidationConfig>, ConfigError> {
    let endpoint = source.get("LOCKSTEP_CLOUDFRONT_ENDPOINT");
    let Some(distribution) = source.get("LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID") else {
        return match endpoint {
            Some(_) => {
                let problem = "means nothing without LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID";
                Err(ConfigError::new("LOCKSTEP_CLOUDFRONT_ENDPOINT", problem))
            }
            None => Ok(None),
        };
    };
    let distribution = distribution.trim().to_owned();
    let plain = distribution.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || !(1..=DISTRIBUTION_CHARS_MAX).contains(&distribution.len()) {
        let problem = "is the distribution's id, letters and digits, for example E2QWRUHAPOMQZL";
        return Err(ConfigError::new("LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID", problem));
    }
    let endpoint = endpoint.map(|url| origin("LOCKSTEP_CLOUDFRONT_ENDPOINT", &url)).transpose()?;
    if endpoint.as_deref().is_some_and(|url| !is_secure(url)) {
        return Err(ConfigError::new("LOCKSTEP_CLOUDFRONT_ENDPOINT", "is https://…, or on this machine"));
    }
    Ok(Some(InvalidationConfig { distribution, endpoint: endpoint.unwrap_or_else(|| API.to_owned()) }))
}

/// A cookie set by the site reaches the CDN only under a domain that both names end in, and is sent over https only.
fn domain_of_both(domain: &str, cdn: &str, server: &ServerConfig) -> Result<String, ConfigError> {
    let wrong = |problem: String| ConfigError::new("LOCKSTEP_CDN_COOKIE_DOMAIN", problem);
    let domain = domain.trim().trim_start_matches('.').to_ascii_lowercase();
    let plain = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if !plain || !(domain.contains('.') || domain == "localhost") {
        return Err(wrong(format!("is a domain, for example example.org, not {domain:?}")));
    }
    let Some(site) = &server.public_url else {
        return Err(wrong("needs LOCKSTEP_PUBLIC_URL: the site's name ends in it".to_owned()));
    };
    for url in [site.as_str(), cdn] {
        let host = host(url);
        if host != domain && !host.ends_with(&format!(".{domain}")) {
            return Err(wrong(format!("is no domain of {url}; without a common one leave it unset")));
        }
        if !is_secure(url) {
            return Err(wrong(format!("needs https, which {url} is not")));
        }
    }
    Ok(domain)
}

/// https, or this machine.
fn is_secure(origin: &str) -> bool {
    origin.starts_with("https://") || matches!(host(origin), "localhost" | "127.0.0.1" | "[::1]")
}

fn host(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests;
