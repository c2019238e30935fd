//! Whose request it is, behind proxies: the connection's peer, unless that is a proxy the operator named.

use std::net::IpAddr;

use http::HeaderMap;

/// Proxies in a row that are looked through.
const HOPS_MAX: usize = 8;

/// The nearest address that is not a trusted proxy. `X-Forwarded-For` is read from the right, as far as those whom it
/// names are trusted to have told the truth; anybody can write anything left of that.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let given = headers.get_all("x-forwarded-for").iter().rev();
    let hops = given.filter_map(|value| value.to_str().ok()).flat_map(|value| value.rsplit(','));
    let mut nearest = peer.to_canonical();
    for hop in hops.take(HOPS_MAX) {
        if !trusted.contains(&nearest) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_proxies_are_believed() {
        let seen = |peer: &str, given: &[&str], trusted: &[&str]| {
            let headers =
                given.iter().map(|value| (http::HeaderName::from_static("x-forwarded-for"), value.parse().unwrap()));
            let trusted: Vec<IpAddr> = trusted.iter().map(|address| address.parse().unwrap()).collect();
            client(peer.parse().unwrap(), &headers.collect(), &trusted).to_string()
        };
        assert_eq!(seen("127.0.0.1", &["192.0.2.7"], &[]), "127.0.0.1", "nobody is trusted unasked");
        assert_eq!(seen("127.0.0.1", &["192.0.2.7"], &["127.0.0.1"]), "192.0.2.7");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, 192.0.2.7"], &["127.0.0.1"]), "192.0.2.7", "what the client wrote");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6", "192.0.2.7"], &["127.0.0.1"]), "192.0.2.7", "in a header of its own");
        assert_eq!(seen("127.0.0.1", &["192.0.2.7, 10.0.0.2"], &["127.0.0.1", "10.0.0.2"]), "192.0.2.7");
        assert_eq!(seen("192.0.2.9", &["127.0.0.1"], &["127.0.0.1"]), "192.0.2.9", "a stranger's header");
        assert_eq!(seen("127.0.0.1", &["nonsense"], &["127.0.0.1"]), "127.0.0.1");
        assert_eq!(seen("::ffff:127.0.0.1", &["2001:db8::1"], &["127.0.0.1"]), "2001:db8::1");
    }
}
