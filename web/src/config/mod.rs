//! Settings: one struct per concern, read once at start from the environment, bounded, documented with their variable.

mod cdn;
mod data;
mod database;
mod hub;
mod integrations;
mod limits;
mod objects;
mod oidc;
mod operations;
mod server;
mod tiers;
mod uploads;

pub use cdn::{CdnConfig, InvalidationConfig};
pub use data::DataConfig;
pub use database::DatabaseConfig;
pub use hub::HubConfig;
pub use integrations::IntegrationsConfig;
pub use limits::Bounded;
pub use lockstep_commands::upload::Limits;
pub use objects::{ObjectsConfig, S3Config};
pub use oidc::{ClientSecret, OidcConfig};
pub use operations::OperationsConfig;
pub use server::ServerConfig;
pub use tiers::TiersConfig;

/// A setting that cannot be used; says which and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct ConfigError {
    pub variable: &'static str,
    pub problem: String,
}

impl ConfigError {
    pub(crate) fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self { variable, problem: problem.into() }
    }
}

/// Where settings come from: the environment in the program, a map in tests.
pub trait Source {
    fn get(&self, variable: &str) -> Option<String>;
}

/// The process's environment.
pub struct Environment;

impl Source for Environment {
    #[allow(clippy::disallowed_methods)] // The one place that reads a setting.
    fn get(&self, variable: &str) -> Option<String> {
        std::env::var(variable).ok().filter(|value| !value.trim().is_empty())
    }
}

/// Everything `lockstep` can be told.
#[derive(Debug, Clone)]
pub struct Config {
    pub server: ServerConfig,
    pub data: DataConfig,
    pub database: DatabaseConfig,
    pub objects: ObjectsConfig,
    /// A CDN in front of the media bucket, if there is one.
    pub cdn: Option<CdnConfig>,
    /// What one account may upload.
    pub uploads: Limits,
    pub operations: OperationsConfig,
    pub tiers: TiersConfig,
    pub integrations: IntegrationsConfig,
    pub hub: HubConfig,
    /// The provider that people may sign in with.
    pub oidc: Option<OidcConfig>,
}

/// Every variable that is read, for `unknown settings are reported`.
pub const VARIABLES: &[&str] = &[
    "PORT",
    "LOCKSTEP_BIND",
    "LOCKSTEP_PUBLIC_URL",
    "LOCKSTEP_DATA",
    "LOCKSTEP_MASTER_KEY",
    "LOCKSTEP_REGISTRATION",
    "LOCKSTEP_TRUSTED_PROXIES",
    "LOCKSTEP_GRAPHQL_ANONYMOUS",
    "LOCKSTEP_DEMO",
    "LOCKSTEP_INTERNAL",
    "LOCKSTEP_DRAIN_NOTICE_S",
    "LOCKSTEP_TOKEN_LIFE_S",
    "LOCKSTEP_SOCKETS_PER_ADDRESS_MAX",
    "LOCKSTEP_MEDIA_PROGRAM",
    "LOCKSTEP_TRANSCODE_SLOTS",
    "LOCKSTEP_TEST_POSTGRES",
    "LOCKSTEP_SETUP_TOKEN_FILE",
    "LOCKSTEP_DATABASE_CONNECTIONS",
    "LOCKSTEP_ACCOUNT_BYTES_MAX",
    "LOCKSTEP_ACCOUNT_FILMS_MAX",
    "LOCKSTEP_ACCOUNT_UPLOADS_MAX",
    "LOCKSTEP_LIMITS",
    "LOCKSTEP_LIMIT_UPLOAD",
    "LOCKSTEP_LIMIT_GENERAL",
    "LOCKSTEP_LIMIT_STREAMING",
    "LOCKSTEP_LIMIT_STATUS",
    "LOCKSTEP_LIMIT_SEARCH",
    "LOCKSTEP_LIMIT_WEBHOOK",
    "LOCKSTEP_LIMIT_AUTH",
    "LOCKSTEP_LIMIT_GRAPHQL",
    "LOCKSTEP_LIMIT_REALTIME",
    "LOCKSTEP_ENCODER_SECRET",
    "LOCKSTEP_WEBHOOKS_LOCAL",
    "LOCKSTEP_HUB_CLOCK",
    "LOCKSTEP_CDN_URL",
    "LOCKSTEP_CDN_COOKIE_DOMAIN",
    "LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID",
    "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY",
    "LOCKSTEP_CLOUDFRONT_HASH",
    "LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID",
    "LOCKSTEP_CLOUDFRONT_ENDPOINT",
    "LOCKSTEP_OIDC_ISSUER",
    "LOCKSTEP_OIDC_CLIENT_ID",
    "LOCKSTEP_OIDC_CLIENT_SECRET",
    "LOCKSTEP_OIDC_CLIENT_SECRET_FILE",
    "LOCKSTEP_OIDC_NAME",
    "LOCKSTEP_OIDC_WITHOUT_AUTH_TIME",
];

impl Config {
    /// Reads and checks every setting.
    pub fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let server = ServerConfig::read(source)?;
        let data = DataConfig::read(source)?;
        let uploads = uploads::read(source)?;
        let objects = ObjectsConfig::read(source)?;
        Ok(Self {
            uploads,
            cdn: CdnConfig::read(source, &server, &objects)?,
            operations: OperationsConfig::read(source)?,
            tiers: TiersConfig::read(source)?,
            integrations: IntegrationsConfig::read(source)?,
            hub: HubConfig::read(source)?,
            oidc: OidcConfig::read(source)?,
            database: DatabaseConfig::read(source)?,
            objects,
            server,
            data,
        })
    }
}

/// Names of `LOCKSTEP_*` variables that are set but mean nothing: a typing error is said, not swallowed.
#[allow(clippy::disallowed_methods)] // All of them, to find those nobody reads.
pub fn unknown_variables() -> Vec<String> {
    std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("LOCKSTEP_") && !VARIABLES.contains(&name.as_str()))
        .collect()
}
