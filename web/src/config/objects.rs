//! The object store: our own, or one that speaks S3.

use super::{ConfigError, Source};

/// A given S3 store.
#[derive(Clone)]
pub struct S3Config {
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
}

impl std::fmt::Debug for S3Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Config").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
pub struct ObjectsConfig {
    /// `S3_ENDPOINT`, `S3_REGION`, `S3_ACCESS_KEY_ID`, `S3_SECRET_ACCESS_KEY`; unset means the store in the process.
    pub s3: Option<S3Config>,
    /// `S3_INTERIM_BUCKET`, `lockstep-interim`: uploads arrive here.
    pub interim_bucket: String,
    /// `S3_MEDIA_BUCKET`, `lockstep-media`: finished streams.
    pub media_bucket: String,
}

impl ObjectsConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let s3 = match source.get("S3_ENDPOINT") {
            None => None,
            Some(endpoint) => Some(S3Config {
                endpoint,
                region: source.get("S3_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
                access_key: needed(source, "S3_ACCESS_KEY_ID")?,
                secret_key: needed(source, "S3_SECRET_ACCESS_KEY")?,
            }),
        };
        Ok(Self {
            s3,
            interim_bucket: source.get("S3_INTERIM_BUCKET").unwrap_or_else(|| "lockstep-interim".to_owned()),
            media_bucket: source.get("S3_MEDIA_BUCKET").unwrap_or_else(|| "lockstep-media".to_owned()),
        })
    }
}

fn needed(source: &dyn Source, variable: &'static str) -> Result<String, ConfigError> {
    source.get(variable).ok_or_else(|| ConfigError::new(variable, "must be set together with S3_ENDPOINT"))
}
