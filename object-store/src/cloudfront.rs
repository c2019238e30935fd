//! CloudFront in front of the media bucket: signed addresses and cookies for viewers, and the call that lets its caches
//! forget a film. Knows keys and addresses only; whoever asks has checked the right.

mod access;
mod invalidation;
mod signing;

pub use access::{Cdn, LIFE_MAX};
pub use invalidation::{CloudFrontApi, CloudFrontSettings, InvalidationError, Invalidations, PATHS_MAX};
pub use signing::{Hash, KeyError, MODULUS_BITS_MIN, Signed, SigningKey, policy};
