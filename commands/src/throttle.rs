//! Tries at a password, counted by address and by account.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use lockstep_domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::window::{Draw, Exhausted, InProcess, Share, Windows};

/// Whom tries are counted against.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Counted {
    /// An IPv4 address, or the /64 network of an IPv6 one: that is what one subscriber has.
    Address(IpAddr),
    /// A login name in lower case, whether there is such an account or not.
    Name(String),
    /// Like an address, for guests: they have no password to guess, and a party behind one address comes at once.
    Guests(IpAddr),
}

impl Counted {
    pub fn address(address: IpAddr) -> Self {
        Self::Address(subscriber(address))
    }

    pub fn name(name: &str) -> Self {
        Self::Name(name.trim().chars().take(NAME_CHARS_MAX).collect::<String>().to_lowercase())
    }

    pub fn guests(address: IpAddr) -> Self {
        Self::Guests(subscriber(address))
    }

    /// The name of its window. Login names are personal, and the store of windows keeps none.
    fn key(&self) -> String {
        match self {
            Self::Address(address) => format!("try/address/{address}"),
            Self::Guests(address) => format!("try/guests/{address}"),
            Self::Name(name) => format!("try/name/{}", hex::encode(&Sha256::digest(name.as_bytes())[..16])),
        }
    }
}

/// What one subscriber has: an IPv4 address, or the /64 network of an IPv6 one.
pub fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// From one address: a household or an office behind it signs in within this.
pub const ADDRESS: Share = Share { units_max: 60, window_s: 900 };
/// On one account, from everywhere.
pub const NAME: Share = Share { units_max: 10, window_s: 900 };
/// Guests from one address.
pub const GUESTS: Share = Share { units_max: 200, window_s: 900 };
/// Characters of a name that tell names apart.
const NAME_CHARS_MAX: usize = 64;

/// Try again after this many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tries: wait {} before the next one", if *after_s < 90 { format!("{after_s} seconds") } else { format!("{} minutes", after_s.div_ceil(60)) })]
pub struct Throttled {
    pub after_s: u32,
}

/// How many tries are admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    pub address: Share,
    pub name: Share,
    pub guests: Share,
}

impl Default for Tries {
    fn default() -> Self {
        Self { address: ADDRESS, name: NAME, guests: GUESTS }
    }
}

/// Counts tries. The counts may be this process's, or shared between processes.
#[async_trait::async_trait]
pub trait Throttle: Send + Sync + 'static {
    /// Counts one try against each, or none if one of them has had its share.
    ///
    /// # Errors
    /// [`Throttled`], with the longest wait among them.
    async fn admit(&self, counted: &[Counted], now: Timestamp) -> Result<(), Throttled>;
    /// Forgets the tries counted against it.
    async fn forgive(&self, counted: &Counted);
}

/// Counts tries in any windows.
pub struct Counting {
    windows: Arc<dyn Windows>,
    tries: Tries,
}

impl Counting {
    pub fn new(windows: Arc<dyn Windows>, tries: Tries) -> Self {
        Self { windows, tries }
    }
}

impl Default for Counting {
    /// Counts in this process.
    fn default() -> Self {
        Self::new(Arc::new(InProcess::default()), Tries::default())
    }
}

#[async_trait::async_trait]
impl Throttle for Counting {
    async fn admit(&self, counted: &[Counted], now: Timestamp) -> Result<(), Throttled> {
        let share = |one: &Counted| match one {
            Counted::Address(_) => self.tries.address,
            Counted::Name(_) => self.tries.name,
            Counted::Guests(_) => self.tries.guests,
        };
        let draws: Vec<Draw> = counted.iter().map(|one| Draw { key: one.key(), cost: 1, share: share(one) }).collect();
        let drawn = self.windows.draw(&draws, now).await;
        drawn.map(drop).map_err(|exhausted: Exhausted| Throttled { after_s: exhausted.after_s() })
    }

    async fn forgive(&self, counted: &Counted) {
        self.windows.forget(&counted.key()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn v6(text: &str) -> Counted {
        Counted::address(text.parse().unwrap())
    }

    #[test]
    fn addresses_count_by_subscriber() {
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:192.0.2.7"), v6("192.0.2.7"));
        assert_ne!(v6("192.0.2.7"), v6("192.0.2.8"));
    }

    #[test]
    fn no_window_is_named_after_a_person() {
        let key = Counted::name(" Ada Lovelace ").key();
        assert!(!key.to_lowercase().contains("ada"), "{key}");
        assert_eq!(key, Counted::name("ada LOVELACE").key());
        assert_ne!(key, Counted::name("ada").key());
    }

    #[tokio::test]
    async fn the_window_slides() {
        let throttle = Counting::default();
        let ada = [Counted::name(" Ada ")];
        for second in 0..10 {
            throttle.admit(&ada, Timestamp(second * SECOND)).await.unwrap();
        }
        let refused = throttle.admit(&[Counted::name("ADA")], Timestamp(100 * SECOND)).await;
        assert_eq!(refused, Err(Throttled { after_s: 800 }), "the first try leaves the window at 900 s");
        throttle.admit(&[Counted::name("bob")], Timestamp(100 * SECOND)).await.unwrap();
        throttle.admit(&ada, Timestamp(900 * SECOND)).await.unwrap();
        assert!(throttle.admit(&ada, Timestamp(900 * SECOND)).await.is_err(), "one left, one came");
    }

    #[tokio::test]
    async fn a_refused_try_counts_against_nobody() {
        let throttle = Counting::default();
        let (ada, here) = (Counted::name("ada"), v6("192.0.2.7"));
        for _ in 0..NAME.units_max {
            throttle.admit(std::slice::from_ref(&ada), Timestamp(0)).await.unwrap();
        }
        for _ in 0..1_000 {
            throttle.admit(&[here.clone(), ada.clone()], Timestamp(0)).await.unwrap_err();
        }
        throttle.admit(&[here], Timestamp(0)).await.unwrap();
    }
}
