//! The database: our own, or one that is given.

use super::{Bounded, ConfigError, Source};

#[derive(Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`; unset means a private PostgreSQL in the data folder.
    pub url: Option<String>,
    /// `LOCKSTEP_DATABASE_CONNECTIONS`, 16.
    pub connections: u32,
}

impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.as_ref().map(|_| "postgres://..");
        f.debug_struct("DatabaseConfig").field("url", &url).field("connections", &self.connections).finish()
    }
}

impl DatabaseConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let url = source.get("DATABASE_URL");
        if let Some(url) = &url
            && !url.starts_with("postgres://")
            && !url.starts_with("postgresql://")
        {
            return Err(ConfigError::new("DATABASE_URL", "starts with postgres://"));
        }
        let connections =
            Bounded { variable: "LOCKSTEP_DATABASE_CONNECTIONS", min: 4, max: 500, default: 16 }.read(source)?;
        Ok(Self { url, connections: connections as u32 })
    }
}
