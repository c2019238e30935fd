//! What resolvers are given: the program's parts for the schema's life, and the asker for one request.

use std::{net::IpAddr, sync::Arc};

use async_graphql::Context;
use lockstep_commands::{Actor, Principal, Services, budget::CostBudget, entry::Entry, setup::SetupLink};
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, VideoId, WebhookId},
    time::Timestamp,
};
use lockstep_projections::{Reader, Tail, videos::Asker};
use uuid::Uuid;

use crate::{
    cost::Bill,
    loader::Loaders,
    schema::Introspection,
    trusted::{Anonymous, TrustedDocuments},
};

/// A token that opens one film's files for a while.
#[derive(Debug, Clone)]
pub struct DeliveryToken {
    pub token: String,
    pub expires_at: Timestamp,
}

/// Where one film's files are for a while, and what opens them.
#[derive(Debug, Clone)]
pub struct Door {
    /// What stands before a file's path; ends in `/`.
    pub base: String,
    /// What is put behind the path after a `?`; empty for nothing.
    pub query: String,
    /// `Set-Cookie` values that open the same without a query, where there can be some.
    pub cookies: Option<Vec<String>>,
    pub expires_at: Timestamp,
}

impl Door {
    /// The address of a file.
    pub(crate) fn url(&self, path: &str) -> String {
        let Self { base, query, .. } = self;
        if query.is_empty() { format!("{base}{path}") } else { format!("{base}{path}?{query}") }
    }
}

/// Opens films. Whoever asks has checked the right.
pub trait DeliveryTokens: Send + Sync + 'static {
    /// A token for this film, good from `now` on.
    fn token(&self, video: VideoId, now: Timestamp) -> DeliveryToken;

    /// How a player reaches its files from `now` on: here, unless a CDN does it.
    fn door(&self, video: VideoId, now: Timestamp) -> Door {
        let DeliveryToken { token, expires_at } = self.token(video, now);
        Door { base: format!("/v/{token}/"), query: String::new(), cookies: None, expires_at }
    }
}

/// Knows what each webhook's deliveries are signed with. Whoever asks has registered it.
pub trait WebhookSecrets: Send + Sync + 'static {
    /// The secret of this generation, as its owner writes it down: `whsec_…`.
    fn secret(&self, webhook: WebhookId, generation: u32) -> String;
}

/// How the session cookie is called and sent.
#[derive(Debug, Clone)]
pub struct CookieConfig {
    /// `__Host-lockstep`, or `lockstep` where the site is plain http.
    pub name: String,
    pub secure: bool,
}

impl CookieConfig {
    /// The `Set-Cookie` value that starts or, with an age of 0, ends a session.
    pub fn header(&self, token: &str, age_s: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}", self.name)
    }
}

/// Where people may sign in besides here.
#[derive(Debug, Clone)]
pub struct SignInProvider {
    /// What people know it by.
    pub name: String,
    /// How it names itself.
    pub issuer: String,
}

/// The parts of the program that the schema is made of.
#[derive(Clone)]
pub struct SchemaDeps {
    pub services: Services,
    pub reader: Reader,
    /// Somebody runs it: subscriptions wait for it.
    pub tail: Tail,
    pub delivery: Arc<dyn DeliveryTokens>,
    pub webhooks: Arc<dyn WebhookSecrets>,
    pub cookie: CookieConfig,
    pub setup: Arc<SetupLink>,
    pub entry: Entry,
    /// The provider of sign-ins, if there is one.
    pub provider: Option<SignInProvider>,
    pub introspection: Introspection,
    /// The documents of our own pages.
    pub trusted: TrustedDocuments,
    /// What is run for those without an account.
    pub anonymous: Anonymous,
    /// Pays for every request.
    pub costs: Arc<dyn CostBudget>,
}

/// Who asks, as the transport found out.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub principal: Option<Principal>,
    /// Names the request in logs and in masked errors.
    pub request_id: String,
    pub remote_ip: Option<IpAddr>,
    /// What the browser says it is.
    pub user_agent: Option<String>,
    /// Filled in when the request is charged.
    pub bill: Bill,
}

/// What the resolvers of one request share.
pub(crate) trait Shared {
    fn deps(&self) -> &SchemaDeps;
    fn request(&self) -> &RequestContext;
    fn loaders(&self) -> &Loaders;

    fn services(&self) -> &Services {
        &self.deps().services
    }
    fn reader(&self) -> &Reader {
        &self.deps().reader
    }
    fn principal(&self) -> Option<&Principal> {
        self.request().principal.as_ref()
    }
    fn asker(&self) -> Option<AccountId> {
        self.principal().map(|principal| principal.account)
    }
    /// Signed in and more than a guest.
    fn is_member(&self) -> bool {
        self.principal().is_some_and(|principal| principal.role != PlatformRole::Guest)
    }
    fn is_administrator(&self) -> bool {
        self.principal().is_some_and(|principal| principal.role == PlatformRole::Administrator)
    }
    /// Who looks at films.
    fn viewer(&self) -> Asker {
        Asker { account: self.asker(), administers: self.is_administrator() }
    }
    /// The circumstances of a command by the asker; `None` when nobody is signed in.
    fn acting(&self, operation: Uuid) -> Option<lockstep_commands::Context> {
        self.asker().map(|account| self.command(Actor::Account(account), operation))
    }
    /// The circumstances of a command that makes its own account.
    fn arriving(&self) -> lockstep_commands::Context {
        self.command(Actor::System, self.services().ids.uuid())
    }
    fn command(&self, actor: Actor, operation: Uuid) -> lockstep_commands::Context {
        lockstep_commands::Context {
            actor,
            command_id: operation.into(),
            correlation_id: self.request().request_id.clone(),
            causation_id: None,
            now: self.services().clock.now(),
        }
    }
}

impl Shared for Context<'_> {
    fn deps(&self) -> &SchemaDeps {
        self.data_unchecked()
    }
    fn request(&self) -> &RequestContext {
        self.data_unchecked()
    }
    fn loaders(&self) -> &Loaders {
        self.data_unchecked()
    }
}
