//! How many sockets may be open: per account and per address, counted while they are.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap};
use lockstep_domain::ids::AccountId;

use crate::address;

/// Sockets of one account at one endpoint.
pub const SOCKETS_PER_ACCOUNT_MAX: usize = 20;
/// Sockets from one address at one endpoint, unless the operator says otherwise: many people share one.
pub const SOCKETS_PER_ADDRESS_MAX: usize = 200;

/// Whose sockets are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Account(AccountId),
    Address(IpAddr),
}

/// The counts of one endpoint. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<Mutex<HashMap<Key, usize>>>,
    per_address_max: usize,
    /// Whose `X-Forwarded-For` is believed.
    trusted: Arc<[IpAddr]>,
}

/// One socket's place; dropping it gives the place back.
#[derive(Debug)]
pub struct Pass {
    gate: Gate,
    key: Option<Key>,
}

impl Gate {
    /// A gate with nobody through it.
    pub fn new(per_address_max: usize) -> Self {
        Self { open: Arc::default(), per_address_max, trusted: Arc::default() }
    }
    /// The same behind these proxies.
    pub fn behind(self, trusted: impl Into<Arc<[IpAddr]>>) -> Self {
        Self { trusted: trusted.into(), ..self }
    }
    /// The address a request's socket is counted under; an IPv6 network of 64 bits is one address. Somebody at this
    /// machine is not counted.
    pub fn caller(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        match address::client(peer.ip(), headers, &self.trusted) {
            ip if ip.is_loopback() => None,
            IpAddr::V6(ip) => Some(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64))),
            ip @ IpAddr::V4(_) => Some(ip),
        }
    }
    /// A place for this account's socket; `None` when it has as many as it may.
    pub fn account(&self, account: AccountId) -> Option<Pass> {
        self.take(Key::Account(account), SOCKETS_PER_ACCOUNT_MAX)
    }
    /// A place for a socket from this address; `None` when it has as many as it may. Without one nothing is counted.
    pub fn address(&self, address: Option<IpAddr>) -> Option<Pass> {
        match address {
            Some(address) => self.take(Key::Address(address), self.per_address_max),
            None => Some(Pass { gate: self.clone(), key: None }),
        }
    }

    fn take(&self, key: Key, max: usize) -> Option<Pass> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Pass { gate: self.clone(), key: Some(key) })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut open = self.gate.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(peer: &str, forwarded: &[&'static str]) -> Option<String> {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", http::HeaderValue::from_static(value));
        }
        let proxy = [std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        Gate::new(1).behind(proxy).caller(&extensions, &headers).map(|ip| ip.to_string())
    }

    #[test]
    fn a_place_comes_back_with_its_socket() {
        let gate = Gate::new(2);
        let (home, office) = ("192.0.2.1".parse().ok(), "192.0.2.2".parse().ok());
        let (first, second) = (gate.address(home).unwrap(), gate.address(home).unwrap());
        assert!(gate.address(home).is_none());
        assert!(gate.address(office).is_some(), "another address has places of its own");
        drop(first);
        let third = gate.address(home).unwrap();
        assert!(gate.address(home).is_none());
        drop((second, third));
        assert!(gate.open.lock().unwrap().is_empty(), "nothing is kept for who is gone");
    }

    #[test]
    fn an_account_has_twenty_sockets() {
        let gate = Gate::new(1);
        let account = AccountId(uuid::Uuid::from_u128(1));
        let passes: Vec<Pass> = (0..20).map(|_| gate.account(account).unwrap()).collect();
        assert!(gate.account(account).is_none());
        drop(passes);
        assert!(gate.account(account).is_some());
    }

    #[test]
    fn whoever_is_not_counted_is_always_let_in() {
        let gate = Gate::new(1);
        let passes: Vec<Pass> = (0..1_000).map(|_| gate.address(None).unwrap()).collect();
        assert_eq!(passes.len(), 1_000);
    }

    #[test]
    fn a_proxy_on_this_machine_says_for_whom_and_nobody_else_is_believed() {
        assert_eq!(counted("127.0.0.1", &[]), None);
        assert_eq!(counted("127.0.0.1", &["192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(counted("::ffff:127.0.0.1", &["6.6.6.6, 192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(counted("::1", &["6.6.6.6", "192.0.2.9"]).as_deref(), Some("192.0.2.9"));
        assert_eq!(counted("192.0.2.1", &["6.6.6.6"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(counted("2001:db8::1:2:3:4", &[]).as_deref(), Some("2001:db8::"));
    }
}
