//! Tries at a password, counted by address and by account: a sliding window, in this process.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
};

use lockstep_domain::time::Timestamp;

/// Whom tries are counted against.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Counted {
    /// An IPv4 address, or the /64 network of an IPv6 one: that is what one subscriber has.
    Address(IpAddr),
    /// A login name in lower case, whether there is such an account or not.
    Name(String),
}

impl Counted {
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            v4 => v4,
        })
    }

    pub fn name(name: &str) -> Self {
        Self::Name(name.trim().chars().take(NAME_CHARS_MAX).collect::<String>().to_lowercase())
    }

    fn limit(&self) -> Limit {
        match self {
            Self::Address(_) => ADDRESS,
            Self::Name(_) => NAME,
        }
    }
}

/// How many tries in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub tries_max: usize,
    pub window_s: i64,
}

/// From one address: a household or an office behind it signs in within this.
pub const ADDRESS: Limit = Limit { tries_max: 60, window_s: 600 };
/// On one account, from everywhere.
pub const NAME: Limit = Limit { tries_max: 10, window_s: 600 };
/// Addresses and names remembered; beyond it the one untouched for longest is forgotten.
pub const REMEMBERED_MAX: usize = 50_000;
/// Characters of a name that tell names apart.
const NAME_CHARS_MAX: usize = 64;

/// Try again after this many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many tries: wait {} before the next one", if *after_s < 90 { format!("{after_s} seconds") } else { format!("{} minutes", after_s.div_ceil(60)) })]
pub struct Throttled {
    pub after_s: u32,
}

/// Counts tries. The counts may be this process's, or shared between processes.
pub trait Throttle: Send + Sync + 'static {
    /// Counts one try against each, or none if one of them has had its share.
    ///
    /// # Errors
    /// [`Throttled`], with the longest wait among them.
    fn admit(&self, counted: &[Counted], now: Timestamp) -> Result<(), Throttled>;
    /// Forgets the tries counted against it.
    fn forgive(&self, counted: &Counted);
}

/// Counts in this process's memory.
#[derive(Default)]
pub struct InProcess(Mutex<HashMap<Counted, VecDeque<Timestamp>>>);

impl Throttle for InProcess {
    fn admit(&self, counted: &[Counted], now: Timestamp) -> Result<(), Throttled> {
        let mut held = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let waits = counted.iter().filter_map(|one| wait_s(held.get_mut(one)?, one.limit(), now));
        if let Some(after_s) = waits.max() {
            return Err(Throttled { after_s });
        }
        for one in counted {
            if !held.contains_key(one) && held.len() >= REMEMBERED_MAX {
                make_room(&mut held, now);
            }
            held.entry(one.clone()).or_default().push_back(now);
        }
        Ok(())
    }

    fn forgive(&self, counted: &Counted) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(counted);
    }
}

/// How long until the next try, if the window is full; drops what has left the window.
fn wait_s(tries: &mut VecDeque<Timestamp>, limit: Limit, now: Timestamp) -> Option<u32> {
    let window_us = limit.window_s * 1_000_000;
    while tries.front().is_some_and(|first| now.0 - first.0 >= window_us) {
        tries.pop_front();
    }
    if tries.len() < limit.tries_max {
        return None;
    }
    let left_us = tries.front().map_or(0, |first| first.0 + window_us - now.0);
    Some(u32::try_from(left_us.max(1).div_euclid(1_000_000) + 1).unwrap_or(u32::MAX))
}

/// Forgets what has left its window; if that is nothing, whoever was untouched for longest.
fn make_room(held: &mut HashMap<Counted, VecDeque<Timestamp>>, now: Timestamp) {
    held.retain(|one, tries| tries.back().is_some_and(|last| now.0 - last.0 < one.limit().window_s * 1_000_000));
    if held.len() < REMEMBERED_MAX {
        return;
    }
    let oldest =
        held.iter().min_by_key(|(_, tries)| tries.back().copied().unwrap_or_default()).map(|(one, _)| one.clone());
    if let Some(oldest) = oldest {
        held.remove(&oldest);
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
    fn the_window_slides() {
        let throttle = InProcess::default();
        let ada = [Counted::name(" Ada ")];
        for second in 0..10 {
            throttle.admit(&ada, Timestamp(second * SECOND)).unwrap();
        }
        let refused = throttle.admit(&[Counted::name("ADA")], Timestamp(100 * SECOND));
        assert_eq!(refused, Err(Throttled { after_s: 501 }), "the first try leaves the window at 600 s");
        throttle.admit(&[Counted::name("bob")], Timestamp(100 * SECOND)).unwrap();
        throttle.admit(&ada, Timestamp(600 * SECOND)).unwrap();
        assert!(throttle.admit(&ada, Timestamp(600 * SECOND)).is_err(), "one left, one came");
    }

    #[test]
    fn a_refused_try_counts_against_nobody() {
        let throttle = InProcess::default();
        let (ada, here) = (Counted::name("ada"), v6("192.0.2.7"));
        for _ in 0..NAME.tries_max {
            throttle.admit(&[ada.clone()], Timestamp(0)).unwrap();
        }
        for _ in 0..1_000 {
            throttle.admit(&[here.clone(), ada.clone()], Timestamp(0)).unwrap_err();
        }
        throttle.admit(&[here], Timestamp(0)).unwrap();
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = InProcess::default();
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() + 10 {
            throttle.admit(&[Counted::address(IpAddr::from(number.to_be_bytes()))], Timestamp(0)).unwrap();
        }
        assert_eq!(throttle.0.lock().unwrap().len(), REMEMBERED_MAX);
    }
}
