//! How long whoever fetches an object straight from the bucket, such as a CDN, may keep it.

/// Stored with an object as its `Cache-Control`. `public` is for the CDN that checks each viewer's signature before it
/// answers from what it kept; without one the bucket answers nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Never written again under its key: a year, the most that is customary (RFC 9111 4.2.1).
    ForEver,
    /// Five minutes: manifests, written once, yet all that names the rest.
    Shortly,
}

impl Caching {
    /// The value of `Cache-Control`.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::ForEver => "public, max-age=31536000, immutable",
            Self::Shortly => "public, max-age=300",
        }
    }
}
