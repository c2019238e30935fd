//! Which settings go together, and what is said about those that do not.

use std::collections::HashMap;

use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey, rand_core::OsRng};

use super::*;

struct Given<'a>(HashMap<&'a str, &'a str>);

impl Source for Given<'_> {
    fn get(&self, variable: &str) -> Option<String> {
        self.0.get(variable).map(|value| (*value).to_owned())
    }
}

/// A key in a file, and another that is too short.
struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bits) in [("good", 2_048), ("short", 1_024)] {
            let pem = RsaPrivateKey::new(&mut OsRng, bits).unwrap().to_pkcs8_pem(Default::default()).unwrap();
            std::fs::write(folder.path().join(name), pem.as_bytes()).unwrap();
        }
        std::fs::write(folder.path().join("text"), "not a key").unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// What a whole set says with these changed; an empty value takes one out.
fn read(keys: &Keys, changed: &[(&str, &str)]) -> Result<Option<CdnConfig>, ConfigError> {
    let good = keys.file("good");
    let mut given = HashMap::from([
        ("S3_ENDPOINT", "https://s3.eu-west-1.amazonaws.com"),
        ("S3_ACCESS_KEY_ID", "a"),
        ("S3_SECRET_ACCESS_KEY", "b"),
        ("LOCKSTEP_PUBLIC_URL", "https://watch.example.org"),
        ("LOCKSTEP_CDN_URL", "https://cdn.example.org"),
        ("LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "K2JCJMDEHXQW5F"),
        ("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", good.as_str()),
    ]);
    for (variable, value) in changed {
        given.insert(variable, value);
    }
    given.retain(|_, value| !value.is_empty());
    let source = Given(given);
    CdnConfig::read(&source, &ServerConfig::read(&source)?, &ObjectsConfig::read(&source)?)
}

#[test]
fn a_whole_set_is_taken_and_none_means_none() {
    let keys = Keys::new();
    let plain = read(&keys, &[]).unwrap().unwrap();
    assert_eq!(
        (plain.url.as_str(), &plain.cookie_domain, &plain.invalidation),
        ("https://cdn.example.org", &None, &None)
    );
    let more = [
        ("LOCKSTEP_CDN_COOKIE_DOMAIN", ".Example.org"),
        ("LOCKSTEP_CLOUDFRONT_HASH", "sha256"),
        ("LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID", "E2QWRUHAPOMQZL"),
    ];
    let whole = read(&keys, &more).unwrap().unwrap();
    assert_eq!((whole.cookie_domain.as_deref(), whole.key.hash_name()), (Some("example.org"), Some("SHA256")));
    let wanted = InvalidationConfig { distribution: "E2QWRUHAPOMQZL".to_owned(), endpoint: API.to_owned() };
    assert_eq!(whole.invalidation, Some(wanted));
    let none = ["LOCKSTEP_CDN_URL", "LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY"];
    assert!(read(&keys, &none.map(|variable| (variable, ""))).unwrap().is_none());
}

#[test]
fn each_wrong_combination_is_named_with_what_is_expected() {
    let keys = Keys::new();
    let (short, text, none) = (keys.file("short"), keys.file("text"), keys.file("none"));
    let cookie = ("LOCKSTEP_CDN_COOKIE_DOMAIN", "example.org");
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: &[Case<'_>] = &[
        (&[("LOCKSTEP_CDN_URL", "")], "LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "without LOCKSTEP_CDN_URL"),
        (&[("LOCKSTEP_CDN_URL", "cdn.example.org")], "LOCKSTEP_CDN_URL", "https://host"),
        (&[("LOCKSTEP_CDN_URL", "https://cdn.example.org/films")], "LOCKSTEP_CDN_URL", "https://host"),
        (&[("LOCKSTEP_CDN_URL", "http://cdn.example.org")], "LOCKSTEP_CDN_URL", "is https"),
        (&[("LOCKSTEP_CDN_URL", "https://watch.example.org")], "LOCKSTEP_CDN_URL", "another origin"),
        (&[("S3_ENDPOINT", "")], "LOCKSTEP_CDN_URL", "needs S3_ENDPOINT"),
        (&[("LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "")], "LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "together"),
        (&[("LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "a b")], "LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", "letters and digits"),
        (&[("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", "")], "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", "together"),
        (&[("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", &none)], "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", "cannot be read"),
        (&[("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", &text)], "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", "no RSA private key"),
        (&[("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", &short)], "LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", "2048 bits"),
        (&[("LOCKSTEP_CLOUDFRONT_HASH", "md5")], "LOCKSTEP_CLOUDFRONT_HASH", "sha1 or sha256"),
        (&[("LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID", "E1/../x")], "LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID", "letters"),
        (&[("LOCKSTEP_CLOUDFRONT_ENDPOINT", "https://x")], "LOCKSTEP_CLOUDFRONT_ENDPOINT", "without"),
        (&[("LOCKSTEP_CDN_COOKIE_DOMAIN", "org")], "LOCKSTEP_CDN_COOKIE_DOMAIN", "is a domain"),
        (&[("LOCKSTEP_CDN_COOKIE_DOMAIN", "a;b.c")], "LOCKSTEP_CDN_COOKIE_DOMAIN", "is a domain"),
        (&[("LOCKSTEP_CDN_COOKIE_DOMAIN", "ple.org")], "LOCKSTEP_CDN_COOKIE_DOMAIN", "no domain of https://watch"),
        (&[cookie, ("LOCKSTEP_CDN_URL", "https://d1.cloudfront.net")], "LOCKSTEP_CDN_COOKIE_DOMAIN", "no domain of"),
        (&[cookie, ("LOCKSTEP_PUBLIC_URL", "")], "LOCKSTEP_CDN_COOKIE_DOMAIN", "needs LOCKSTEP_PUBLIC_URL"),
        (&[cookie, ("LOCKSTEP_PUBLIC_URL", "http://watch.example.org")], "LOCKSTEP_CDN_COOKIE_DOMAIN", "needs https"),
    ];
    for (changed, variable, problem) in cases {
        let error = read(&keys, changed).expect_err(variable);
        assert_eq!(error.variable, *variable, "{changed:?}: {error}");
        assert!(error.problem.contains(problem), "{changed:?}: {error}");
    }
}
