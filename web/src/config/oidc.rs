//! The provider that people may sign in with, if there is one.

use std::fmt;

use openidconnect::IssuerUrl;

use super::{ConfigError, Source};

/// Characters of the button's label.
const NAME_CHARS_MAX: usize = 40;

/// What a provider knows us by; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// For the provider, nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

/// One provider of sign-ins (OpenID Connect).
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// `LOCKSTEP_OIDC_ISSUER`: the provider as it names itself, exactly; https, or http on this machine for tests.
    pub issuer: IssuerUrl,
    /// `LOCKSTEP_OIDC_CLIENT_ID`: as the provider knows us.
    pub client_id: String,
    /// `LOCKSTEP_OIDC_CLIENT_SECRET`, or the first line of the file `LOCKSTEP_OIDC_CLIENT_SECRET_FILE`.
    pub client_secret: ClientSecret,
    /// `LOCKSTEP_OIDC_NAME`, "your provider": what people know it by.
    pub name: String,
    /// `LOCKSTEP_OIDC_WITHOUT_AUTH_TIME`, off: whether a provider that never says when it asked somebody is believed to have
    /// asked anew because it was told to. The person at the browser can take that out of the address.
    pub without_auth_time: bool,
}

impl OidcConfig {
    /// `None` where nothing is said about a provider.
    pub(super) fn read(source: &dyn Source) -> Result<Option<Self>, ConfigError> {
        let Some(issuer) = source.get("LOCKSTEP_OIDC_ISSUER") else { return unset(source).map(|()| None) };
        let needed = |variable: &'static str| {
            source
                .get(variable)
                .ok_or_else(|| ConfigError::new(variable, "must be set together with LOCKSTEP_OIDC_ISSUER"))
        };
        Ok(Some(Self {
            issuer: parse_issuer(&issuer)?,
            client_id: needed("LOCKSTEP_OIDC_CLIENT_ID")?.trim().to_owned(),
            client_secret: secret(source)?,
            name: name(source.get("LOCKSTEP_OIDC_NAME"))?,
            without_auth_time: without_auth_time(source)?,
        }))
    }

    /// Whether the provider is on this machine, where plain http is permitted.
    pub fn is_local(&self) -> bool {
        self.issuer.url().scheme() == "http"
    }
}

/// Settings of a provider without the provider are a mistake.
fn unset(source: &dyn Source) -> Result<(), ConfigError> {
    for variable in [
        "LOCKSTEP_OIDC_CLIENT_ID",
        "LOCKSTEP_OIDC_CLIENT_SECRET",
        "LOCKSTEP_OIDC_CLIENT_SECRET_FILE",
        "LOCKSTEP_OIDC_NAME",
        "LOCKSTEP_OIDC_WITHOUT_AUTH_TIME",
    ] {
        if source.get(variable).is_some() {
            return Err(ConfigError::new(variable, "says nothing without LOCKSTEP_OIDC_ISSUER"));
        }
    }
    Ok(())
}

fn without_auth_time(source: &dyn Source) -> Result<bool, ConfigError> {
    const VARIABLE: &str = "LOCKSTEP_OIDC_WITHOUT_AUTH_TIME";
    match source.get(VARIABLE).as_deref() {
        None | Some("off" | "0" | "false") => Ok(false),
        Some("on" | "1" | "true") => Ok(true),
        Some(other) => Err(ConfigError::new(VARIABLE, format!("is on or off, not {other:?}"))),
    }
}

fn parse_issuer(text: &str) -> Result<IssuerUrl, ConfigError> {
    let wrong = || {
        let problem = format!("is https://host/path, exactly as the provider names itself, not {text:?}");
        ConfigError::new("LOCKSTEP_OIDC_ISSUER", problem)
    };
    let issuer = IssuerUrl::new(text.trim().to_owned()).map_err(|_| wrong())?;
    let url = issuer.url();
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "https" if plain => Ok(issuer),
        "http" if plain && local => Ok(issuer),
        _ => Err(wrong()),
    }
}

fn secret(source: &dyn Source) -> Result<ClientSecret, ConfigError> {
    const FILE: &str = "LOCKSTEP_OIDC_CLIENT_SECRET_FILE";
    match (source.get("LOCKSTEP_OIDC_CLIENT_SECRET"), source.get(FILE)) {
        (Some(secret), None) => Ok(ClientSecret::new(secret.trim())),
        (None, Some(path)) => {
            let unreadable = |error| ConfigError::new(FILE, format!("names a file that cannot be read: {error}"));
            let text = std::fs::read_to_string(path.trim()).map_err(unreadable)?;
            match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
                Some(line) => Ok(ClientSecret::new(line)),
                None => Err(ConfigError::new(FILE, "names a file whose first line is empty")),
            }
        }
        (Some(_), Some(_)) => Err(ConfigError::new(FILE, "is set beside LOCKSTEP_OIDC_CLIENT_SECRET: keep one")),
        (None, None) => {
            Err(ConfigError::new("LOCKSTEP_OIDC_CLIENT_SECRET", "must be set together with LOCKSTEP_OIDC_ISSUER"))
        }
    }
}

fn name(text: Option<String>) -> Result<String, ConfigError> {
    let Some(text) = text else { return Ok("your provider".to_owned()) };
    let text = text.trim();
    if text.chars().count() > NAME_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(ConfigError::new("LOCKSTEP_OIDC_NAME", format!("has at most {NAME_CHARS_MAX} characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    impl Source for HashMap<&str, String> {
        fn get(&self, variable: &str) -> Option<String> {
            HashMap::get(self, variable).cloned()
        }
    }

    fn settings(with: &[(&'static str, &str)]) -> HashMap<&'static str, String> {
        let whole = [
            ("LOCKSTEP_OIDC_ISSUER", "https://login.example/realms/one"),
            ("LOCKSTEP_OIDC_CLIENT_ID", "lockstep"),
            ("LOCKSTEP_OIDC_CLIENT_SECRET", "very secret"),
        ];
        let mut settings: HashMap<_, _> = whole.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        settings.extend(with.iter().map(|(name, value)| (*name, (*value).to_owned())));
        settings.retain(|_, value| !value.is_empty());
        settings
    }

    fn blamed(with: &[(&'static str, &str)]) -> &'static str {
        OidcConfig::read(&settings(with)).expect_err("refused").variable
    }

    #[test]
    fn a_provider_is_whole_or_not_there() {
        assert!(OidcConfig::read(&HashMap::new()).unwrap().is_none());
        let whole = OidcConfig::read(&settings(&[])).unwrap().unwrap();
        assert_eq!((whole.issuer.as_str(), whole.name.as_str()), ("https://login.example/realms/one", "your provider"));
        assert!(!whole.without_auth_time);
        const WITHOUT: &str = "LOCKSTEP_OIDC_WITHOUT_AUTH_TIME";
        assert!(OidcConfig::read(&settings(&[(WITHOUT, "on")])).unwrap().unwrap().without_auth_time);
        assert_eq!(blamed(&[(WITHOUT, "perhaps")]), WITHOUT);
        for missing in ["LOCKSTEP_OIDC_CLIENT_ID", "LOCKSTEP_OIDC_CLIENT_SECRET"] {
            assert_eq!(blamed(&[(missing, "")]), missing);
        }
        assert_eq!(blamed(&[("LOCKSTEP_OIDC_ISSUER", "")]), "LOCKSTEP_OIDC_CLIENT_ID", "said without a provider");
    }

    #[test]
    fn an_issuer_is_https_or_this_machine() {
        for wrong in [
            "http://login.example",
            "http://localhost.evil.example",
            "ftp://localhost",
            "login.example",
            "https://login.example/?a=b",
            "https://login.example/#a",
            "https://user@login.example",
        ] {
            assert_eq!(blamed(&[("LOCKSTEP_OIDC_ISSUER", wrong)]), "LOCKSTEP_OIDC_ISSUER", "{wrong}");
        }
        for right in ["http://localhost:9000", "http://127.0.0.1:9000", "https://login.example/"] {
            assert!(OidcConfig::read(&settings(&[("LOCKSTEP_OIDC_ISSUER", right)])).is_ok(), "{right}");
        }
    }

    #[test]
    fn the_secret_is_in_one_place_and_never_shown() {
        let whole = OidcConfig::read(&settings(&[])).unwrap().unwrap();
        assert!(!format!("{whole:?}").contains("very secret"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from a file\n").unwrap();
        let path = file.path().to_str().unwrap();
        const SECRET: &str = "LOCKSTEP_OIDC_CLIENT_SECRET";
        const FILE: &str = "LOCKSTEP_OIDC_CLIENT_SECRET_FILE";
        let read = OidcConfig::read(&settings(&[(SECRET, ""), (FILE, path)])).unwrap().unwrap();
        assert_eq!(read.client_secret.expose(), "from a file");
        assert_eq!(blamed(&[(FILE, path)]), FILE, "two of them");
        assert_eq!(blamed(&[(SECRET, ""), (FILE, "/nowhere/at/all")]), FILE);
        std::fs::write(file.path(), "\nsecond line").unwrap();
        assert_eq!(blamed(&[(SECRET, ""), (FILE, path)]), FILE);
    }
}
