//! What operators watch and how a process ends.

use std::{net::SocketAddr, time::Duration};

use super::{Bounded, ConfigError, Source};

#[derive(Debug, Clone, Default)]
pub struct OperationsConfig {
    /// `LOCKSTEP_INTERNAL`, unset: address and port of a second listener with `/metrics` and `/readyz`, for example
    /// `127.0.0.1:9464`. It is for operators: keep it away from the internet. Port 0 takes a free one.
    pub internal: Option<SocketAddr>,
    /// `LOCKSTEP_DRAIN_NOTICE_S`, 0: how long after SIGTERM `/readyz` says 503 before sockets are sent away and the
    /// listener closes, seconds. As long as a balancer needs to notice.
    pub drain_notice: Duration,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, unset: where spans are sent, for example `http://127.0.0.1:4318` (OTLP over HTTP).
    pub spans_to: Option<String>,
}

impl OperationsConfig {
    pub(super) fn read(source: &dyn Source) -> Result<Self, ConfigError> {
        let internal = source.get("LOCKSTEP_INTERNAL").map(|text| {
            let wrong = || ConfigError::new("LOCKSTEP_INTERNAL", format!("is ADDRESS:PORT, not {text:?}"));
            text.trim().parse().map_err(|_| wrong())
        });
        let notice = Bounded { variable: "LOCKSTEP_DRAIN_NOTICE_S", min: 0, max: 60, default: 0 };
        Ok(Self {
            internal: internal.transpose()?,
            drain_notice: Duration::from_secs(notice.read(source)?),
            spans_to: source.get("OTEL_EXPORTER_OTLP_ENDPOINT").map(|url| url.trim().to_owned()),
        })
    }
}
