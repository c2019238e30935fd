//! What other programs tell us, and what we tell them.

use super::{ConfigError, Source};
use crate::routes::rest::SharedSecret;

#[derive(Debug, Clone, Default)]
pub struct IntegrationsConfig {
    /// `LOCKSTEP_ENCODER_SECRET`, none: what an external encoder signs with, `whsec_` and 24 to 64 bytes in base64.
    pub encoder_secret: Option<SharedSecret>,
    /// `LOCKSTEP_WEBHOOKS_LOCAL`, off: whether webhooks may lead to this machine itself. For tests.
    pub webhooks_local: bool,
}

impl IntegrationsConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let secret = source.get("LOCKSTEP_ENCODER_SECRET").map(|text| {
            let wrong = || ConfigError::new("LOCKSTEP_ENCODER_SECRET", "is whsec_ and 24 to 64 bytes in base64");
            SharedSecret::parse(&text).ok_or_else(wrong)
        });
        let webhooks_local = match source.get("LOCKSTEP_WEBHOOKS_LOCAL").as_deref() {
            None | Some("off" | "0" | "false") => false,
            Some("on" | "1" | "true") => true,
            Some(other) => {
                return Err(ConfigError::new("LOCKSTEP_WEBHOOKS_LOCAL", format!("is on or off, not {other:?}")));
            }
        };
        Ok(Self { encoder_secret: secret.transpose()?, webhooks_local })
    }
}
