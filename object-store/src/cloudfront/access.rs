//! What a viewer is given for one film behind the CDN: a policy for the film's folder, in the query of its addresses or in
//! cookies, for a few minutes.
//!
//! As with delivery tokens, time is cut into buckets of half a life: what is given within a bucket is the same for everybody,
//! so that one signature serves all, and ends with the bucket after it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use super::signing::{Signed, SigningKey, policy};

/// The longest that anything given to a viewer may open a film.
pub const LIFE_MAX: Duration = Duration::from_secs(600);
/// The shortest: two buckets of one second.
const LIFE_S_MIN: i64 = 2;
/// Films whose signatures of this bucket are kept; each is a few hundred bytes.
const KEPT_MAX: usize = 10_000;

/// Access to the media bucket through a CDN. Cheap to clone.
#[derive(Clone)]
pub struct Cdn(Arc<Inner>);

struct Inner {
    origin: String,
    key: SigningKey,
    bucket_s: i64,
    cookie_domain: Option<String>,
    kept: Mutex<Kept>,
}

/// Signatures of one bucket.
#[derive(Default)]
struct Kept {
    bucket: i64,
    of: HashMap<Uuid, Arc<Signed>>,
}

impl Cdn {
    /// `origin`: `scheme://host[:port]` of the CDN. `life` is held within 2 seconds and [`LIFE_MAX`]. `cookie_domain`: what
    /// the site's and the CDN's names end in, if cookies are to be given.
    #[must_use]
    pub fn new(origin: &str, key: SigningKey, life: Duration, cookie_domain: Option<&str>) -> Self {
        let life_s = i64::try_from(life.min(LIFE_MAX).as_secs()).unwrap_or(LIFE_S_MIN).max(LIFE_S_MIN);
        Self(Arc::new(Inner {
            origin: origin.to_owned(),
            key,
            bucket_s: life_s / 2,
            cookie_domain: cookie_domain.map(str::to_owned),
            kept: Mutex::default(),
        }))
    }

    /// `scheme://host[:port]`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Where a film's files are: put the path inside its folder behind it.
    #[must_use]
    pub fn base(&self, video: Uuid) -> String {
        format!("{}/v/{video}/", self.0.origin)
    }

    /// First Unix second at which what is given at `now_s` opens nothing any more.
    #[must_use]
    pub fn expires_at_s(&self, now_s: i64) -> i64 {
        (now_s.div_euclid(self.0.bucket_s) + 2) * self.0.bucket_s
    }

    /// The query that opens any file of the film.
    #[must_use]
    pub fn query(&self, video: Uuid, now_s: i64) -> String {
        self.0.key.query(&self.signed(video, now_s))
    }

    /// `Set-Cookie` values that open any file of the film, for this folder alone; `None` where cookies are not given.
    #[must_use]
    pub fn cookies(&self, video: Uuid, now_s: i64) -> Option<Vec<String>> {
        let domain = self.0.cookie_domain.as_ref()?;
        let left_s = self.expires_at_s(now_s) - now_s;
        let attributes = format!("Domain={domain}; Path=/v/{video}/; Max-Age={left_s}; Secure; HttpOnly; SameSite=Lax");
        let cookies = self.0.key.cookies(&self.signed(video, now_s));
        Some(cookies.into_iter().map(|(name, value)| format!("{name}={value}; {attributes}")).collect())
    }

    /// The address of one file that opens this file alone.
    #[must_use]
    pub fn file(&self, video: Uuid, path: &str, now_s: i64) -> String {
        self.0.key.canned_url(&format!("{}{path}", self.base(video)), self.expires_at_s(now_s))
    }

    fn signed(&self, video: Uuid, now_s: i64) -> Arc<Signed> {
        let bucket = now_s.div_euclid(self.0.bucket_s);
        let kept = || self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut kept = kept();
            if kept.bucket != bucket || kept.of.len() >= KEPT_MAX {
                *kept = Kept { bucket, of: HashMap::new() };
            }
            if let Some(signed) = kept.of.get(&video) {
                return Arc::clone(signed);
            }
        }
        // Signed outside of the lock: others are not kept waiting. Two may do it, to the same end.
        let signed = Arc::new(self.0.key.sign(&policy(&format!("{}*", self.base(video)), self.expires_at_s(now_s))));
        let mut kept = kept();
        if kept.bucket == bucket {
            kept.of.insert(video, Arc::clone(&signed));
        }
        signed
    }
}

/// The key is not printed.
impl fmt::Debug for Cdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { origin, key, bucket_s, cookie_domain, .. } = &*self.0;
        let mut shown = f.debug_struct("Cdn");
        shown.field("origin", origin).field("key", key).field("bucket_s", bucket_s);
        shown.field("cookie_domain", cookie_domain).finish()
    }
}

#[cfg(test)]
mod tests {
    use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey, rand_core::OsRng};

    use super::*;
    use crate::cloudfront::Hash;

    /// A bucket's first second.
    const START_S: i64 = 1_800_000_000;
    const FILM: Uuid = Uuid::from_u128(1);

    fn cdn(life: Duration, cookie_domain: Option<&str>) -> Cdn {
        let key = RsaPrivateKey::new(&mut OsRng, 2_048).unwrap().to_pkcs8_pem(Default::default()).unwrap();
        let key = SigningKey::from_pem("K1TEST", &key, Hash::Sha1).unwrap();
        Cdn::new("https://cdn.example", key, life, cookie_domain)
    }

    #[test]
    fn nothing_given_opens_a_film_for_longer_than_ten_minutes() {
        for (life, most_s) in [(600, 600), (86_400, 600), (15, 15), (0, 2)] {
            let cdn = cdn(Duration::from_secs(life), None);
            for now_s in START_S..START_S + 700 {
                let left_s = cdn.expires_at_s(now_s) - now_s;
                assert!((1..=most_s).contains(&left_s), "{left_s} of {life}");
            }
        }
    }

    #[test]
    fn one_signature_serves_everybody_within_its_bucket_and_names_its_film_alone() {
        let cdn = cdn(LIFE_MAX, None);
        let first = cdn.query(FILM, START_S);
        assert_eq!(cdn.query(FILM, START_S + 299), first);
        assert_ne!(cdn.query(FILM, START_S + 300), first);
        assert_ne!(cdn.query(Uuid::from_u128(2), START_S), first);
        assert_eq!(cdn.0.kept.lock().unwrap().of.len(), 1, "what was before is not kept");
        let one = cdn.file(FILM, "thumb.jpg", START_S);
        assert!(one.starts_with(&format!("https://cdn.example/v/{FILM}/thumb.jpg?Expires={}", START_S + 600)), "{one}");
    }

    #[test]
    fn cookies_are_for_the_films_folder_secure_and_out_of_reach_of_scripts() {
        assert_eq!(cdn(LIFE_MAX, None).cookies(FILM, START_S), None);
        let cookies = cdn(LIFE_MAX, Some("example.org")).cookies(FILM, START_S + 100).unwrap();
        assert_eq!(cookies.len(), 3);
        let wanted = format!("; Domain=example.org; Path=/v/{FILM}/; Max-Age=500; Secure; HttpOnly; SameSite=Lax");
        for cookie in cookies {
            assert!(cookie.starts_with("CloudFront-") && cookie.ends_with(&wanted), "{cookie}");
        }
    }
}
