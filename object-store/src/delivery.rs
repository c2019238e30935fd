//! Delivery tokens: the short-lived right to fetch one video's files, carried in the path of their addresses.
//!
//! A token names the video and the time bucket it was made in; a bucket is half a life long. The current and the previous
//! bucket are accepted, so a token works for more than half a life and never longer than one, counted from its making.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Life of a token when nothing else is set.
pub const LIFE_DEFAULT: Duration = Duration::from_secs(600);
/// Shortest life: two buckets of one second.
const LIFE_S_MIN: i64 = 2;
/// Longest life, one day.
const LIFE_S_MAX: i64 = 86_400;
/// How far the clock that made a token may be ahead of the clock that checks it (another node), in seconds.
const SKEW_S_MAX: i64 = 2;
/// Separates this use of the secret from any other.
const PURPOSE: &[u8] = b"lockstep delivery token v1";
const VIDEO_BYTES: usize = 16;
const BUCKET_BYTES: usize = 8;
const MAC_BYTES: usize = 32;
const TOKEN_BYTES: usize = VIDEO_BYTES + BUCKET_BYTES + MAC_BYTES;

/// A token does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Altered, made with another secret, or not a token at all.
    #[error("not a delivery token of this server")]
    Forged,
    /// Genuine, but its time is over; a new one may be asked for.
    #[error("the delivery token has expired")]
    Expired,
}

/// Makes and checks delivery tokens. Nodes that share the secret accept each other's tokens.
#[derive(Clone)]
pub struct DeliveryKeys {
    secret: [u8; 32],
    bucket_s: i64,
}

impl DeliveryKeys {
    /// `life` is cut to whole seconds and held within 2 seconds and one day.
    #[must_use]
    pub fn new(secret: [u8; 32], life: Duration) -> Self {
        let life_s = i64::try_from(life.as_secs()).unwrap_or(LIFE_S_MAX).clamp(LIFE_S_MIN, LIFE_S_MAX);
        Self { secret, bucket_s: life_s / 2 }
    }

    /// The token for `video` at `now_s` (Unix seconds); the same for everybody within one time bucket.
    #[must_use]
    pub fn token(&self, video: Uuid, now_s: i64) -> String {
        let bucket = self.bucket(now_s);
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.extend_from_slice(video.as_bytes());
        token.extend_from_slice(&bucket.to_be_bytes());
        let mac = self.mac(&token).finalize().into_bytes();
        token.extend_from_slice(&mac);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// First Unix second at which the token made at `now_s` is no longer accepted.
    #[must_use]
    pub fn expires_at_s(&self, now_s: i64) -> i64 {
        (self.bucket(now_s) + 2) * self.bucket_s
    }

    /// The video a token is for, if it is genuine and `now_s` (Unix seconds) is within its time.
    ///
    /// # Errors
    /// [`TokenError`]
    pub fn check(&self, token: &str, now_s: i64) -> Result<Uuid, TokenError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Forged)?;
        let bytes: [u8; TOKEN_BYTES] = bytes.try_into().map_err(|_| TokenError::Forged)?;
        let (signed, mac) = bytes.split_at(VIDEO_BYTES + BUCKET_BYTES);
        // Compares in constant time.
        self.mac(signed).verify_slice(mac).map_err(|_| TokenError::Forged)?;
        let (video, bucket) = signed.split_at(VIDEO_BYTES);
        let bucket = bucket.try_into().map_or(i64::MIN, i64::from_be_bytes);
        let newest = self.bucket(now_s.saturating_add(SKEW_S_MAX));
        if bucket < self.bucket(now_s) - 1 || bucket > newest {
            return Err(TokenError::Expired);
        }
        Uuid::from_slice(video).map_err(|_| TokenError::Forged)
    }

    fn bucket(&self, now_s: i64) -> i64 {
        now_s.div_euclid(self.bucket_s)
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("an HMAC takes a key of any length");
        mac.update(PURPOSE);
        mac.update(signed);
        mac
    }
}

/// The secret is not printed.
impl fmt::Debug for DeliveryKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryKeys").field("bucket_s", &self.bucket_s).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE_S: i64 = 600;
    /// A bucket's first second.
    const START_S: i64 = 1_800_000_000;

    fn keys() -> DeliveryKeys {
        DeliveryKeys::new([7; 32], LIFE_DEFAULT)
    }

    #[test]
    fn a_token_lives_more_than_half_a_life_and_never_longer_than_one() {
        let video = Uuid::from_u128(1);
        for made_s in START_S..START_S + LIFE_S {
            let token = keys().token(video, made_s);
            let expires_s = keys().expires_at_s(made_s);
            assert!(expires_s - made_s > LIFE_S / 2 && expires_s - made_s <= LIFE_S, "made at {made_s}");
            assert_eq!(keys().check(&token, made_s), Ok(video));
            assert_eq!(keys().check(&token, expires_s - 1), Ok(video));
            assert_eq!(keys().check(&token, expires_s), Err(TokenError::Expired));
        }
        let at_boundary = keys().token(video, START_S);
        assert_eq!(keys().expires_at_s(START_S), START_S + LIFE_S, "a token made at a boundary lives exactly one life");
        assert_eq!(keys().check(&at_boundary, START_S + LIFE_S - 1), Ok(video));
    }

    #[test]
    fn short_lives_hold_their_bound_too() {
        for life_s in [0, 1, 2, 3, 15] {
            let keys = DeliveryKeys::new([7; 32], Duration::from_secs(life_s));
            let bound_s = i64::try_from(life_s).unwrap().max(LIFE_S_MIN);
            for made_s in START_S..START_S + 60 {
                assert!((1..=bound_s).contains(&(keys.expires_at_s(made_s) - made_s)));
            }
        }
    }

    #[test]
    fn a_token_from_a_clock_slightly_ahead_is_accepted_and_one_from_the_future_is_not() {
        let token = keys().token(Uuid::from_u128(1), START_S);
        assert!(keys().check(&token, START_S - SKEW_S_MAX).is_ok());
        assert_eq!(keys().check(&token, START_S - SKEW_S_MAX - 1), Err(TokenError::Expired));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let token = BASE64_URL_SAFE_NO_PAD.decode(keys().token(Uuid::from_u128(1), START_S)).unwrap();
        for bit in 0..token.len() * 8 {
            let mut altered = token.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let altered = BASE64_URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(keys().check(&altered, START_S), Err(TokenError::Forged), "bit {bit}");
        }
    }

    #[test]
    fn another_secret_and_other_texts_are_refused() {
        let token = keys().token(Uuid::from_u128(1), START_S);
        let other = DeliveryKeys::new([8; 32], LIFE_DEFAULT);
        assert_eq!(other.check(&token, START_S), Err(TokenError::Forged));
        for text in ["", "x", "../..", &token[1..], &format!("{token}A"), &format!("{token}=")] {
            assert_eq!(keys().check(text, START_S), Err(TokenError::Forged), "{text}");
        }
    }

    #[test]
    fn a_token_names_its_video_only() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_ne!(keys().token(one, START_S), keys().token(two, START_S));
        assert_eq!(keys().check(&keys().token(two, START_S), START_S), Ok(two));
    }
}
