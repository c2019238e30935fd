//! Asks a provider of sign-ins who somebody is (OpenID Connect Core 1.0, authorization code with PKCE), and believes only
//! what it has checked.

mod claims;
mod discovery;
mod http;
mod secret;

use std::{sync::Arc, time::Duration};

use lockstep_commands::{Clock, identity::Claimed};
use lockstep_object_store::breaker::{Breaker, OPEN_FOR, State};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken},
    url::Url,
};

pub use self::secret::AttemptSecret;
use self::{
    claims::{Expected, Unverified},
    discovery::{Discovery, Metadata},
    http::ProviderHttp,
};
use crate::config::OidcConfig;

/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/auth/oidc/callback";
/// Characters of a code that are passed on.
pub const CODE_CHARS_MAX: usize = 4_096;
/// When whoever met a provider that does not answer may try again, while its breaker is closed.
const AWAY_S: u64 = 5;

/// What was asked of the provider has no usable answer. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It does not answer, or is not asked now.
    #[error("the provider is away: {why}")]
    Away { why: String, after_s: u64 },
    /// It answered with what is not believed.
    #[error("not believed: {0}")]
    Refused(String),
    /// It has not asked anew who sits there.
    #[error("the provider has not asked anew who it is")]
    NotFresh,
}

impl ProviderError {
    fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The provider of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    config: OidcConfig,
    redirect: RedirectUrl,
    http: ProviderHttp,
    discovery: Discovery,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
}

impl Provider {
    pub fn new(config: OidcConfig, public_url: &str, breaker: Breaker, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let redirect = RedirectUrl::new(format!("{public_url}{CALLBACK}"))?;
        let http = ProviderHttp::new(breaker.clone(), config.is_local())?;
        let discovery = Discovery::new(config.issuer.clone(), Arc::clone(&clock));
        Ok(Self(Arc::new(Inner { config, redirect, http, discovery, breaker, clock })))
    }

    /// What people know it by.
    pub fn name(&self) -> &str {
        &self.0.config.name
    }

    /// How it names itself.
    pub fn issuer(&self) -> &str {
        self.0.config.issuer.as_str()
    }

    /// Where a browser with this secret goes to say who it is; `again`: whoever is signed in there is asked anew.
    pub async fn address(&self, secret: &AttemptSecret, again: bool) -> Result<Url, ProviderError> {
        let metadata = self.metadata().await?;
        let client = self.client(&metadata);
        let verifier = PkceCodeVerifier::new(secret.verifier());
        let (state, nonce) = (CsrfToken::new(secret.state()), Nonce::new(secret.nonce()));
        let mut request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce)
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if again {
            request = request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO);
        }
        Ok(request.url().0)
    }

    /// Refuses an answer that comes from another provider (RFC 9207, section 2.4).
    pub async fn check_issuer(&self, said: Option<&str>) -> Result<(), ProviderError> {
        if said.is_some_and(|said| said != self.issuer()) {
            return Err(ProviderError::refused("the answer names another issuer"));
        }
        let metadata = self.metadata().await?;
        if said.is_none() && discovery::says_issuer(&metadata) {
            return Err(ProviderError::refused("the answer names no issuer, though this provider always does"));
        }
        Ok(())
    }

    /// Whom this code stands for.
    pub async fn claimed(&self, secret: &AttemptSecret, code: String, again: bool) -> Result<Claimed, ProviderError> {
        let metadata = self.metadata().await?;
        let token = self.exchange(&metadata, secret, code).await?;
        let nonce = Nonce::new(secret.nonce());
        let expected = Expected {
            client_id: &self.0.config.client_id,
            nonce: &nonce,
            now: self.0.clock.now(),
            again,
            without_auth_time: self.0.config.without_auth_time,
        };
        match claims::verify(&metadata, &token, &expected) {
            Ok(claimed) => Ok(claimed),
            Err(Unverified::UnknownKey) => {
                let newer =
                    self.0.discovery.newer_keys(&self.0.http, &metadata).await.map_err(|error| self.away(error))?;
                let newer = newer.ok_or_else(|| ProviderError::refused("signed with an unknown key"))?;
                claims::verify(&newer, &token, &expected).map_err(ProviderError::from)
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        secret: &AttemptSecret,
        code: String,
    ) -> Result<CoreIdToken, ProviderError> {
        let client = self.client(metadata);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|_| ProviderError::refused("the provider has no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(secret.verifier()));
        let answer = request.request_async(&self.0.http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(said) => {
                ProviderError::refused(format!("the code was refused: {}", said.error().as_ref()))
            }
            RequestTokenError::Request(error) => self.away(error.to_string()),
            // The body may hold tokens.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                ProviderError::refused("the token endpoint's answer cannot be read")
            }
        })?;
        let token = answer.extra_fields().id_token().cloned();
        token.ok_or_else(|| ProviderError::refused("there is no ID token"))
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let config = &self.0.config;
        let secret = ClientSecret::new(config.client_secret.expose().to_owned());
        let client =
            CoreClient::from_provider_metadata(metadata.clone(), ClientId::new(config.client_id.clone()), Some(secret));
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let client = client.set_redirect_uri(self.0.redirect.clone());
        if in_body { client.set_auth_type(openidconnect::AuthType::RequestBody) } else { client }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        self.0.discovery.metadata(&self.0.http).await.map_err(|error| self.away(error))
    }

    fn away(&self, why: String) -> ProviderError {
        let after_s = if self.0.breaker.state() == State::Closed { AWAY_S } else { OPEN_FOR.as_secs() };
        ProviderError::Away { why, after_s }
    }
}

impl From<Unverified> for ProviderError {
    fn from(error: Unverified) -> Self {
        match error {
            Unverified::NotFresh => Self::NotFresh,
            other => Self::Refused(other.to_string()),
        }
    }
}
