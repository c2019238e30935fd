//! What others wrote and we build on: where it comes from, under which licence, exactly which version, and without known
//! faults except those that `deny.toml` names with the day and the reason. Works without a network.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{
    Metadata, MetadataCommand,
    semver::{Version, VersionReq},
};
use serde_json::Value;

use crate::repository::{files, root};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM: &str = "https://registry.npmjs.org/";
const NPM_LOCKS: [&str; 2] = ["web/e2e/package-lock.json", "web/ui/package-lock.json"];

fn text_of(path: &str) -> &'static str {
    let file = files().iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("{path} is there")).text
}

/// Everything that is built here; fails where the lock file is not exactly what the manifests ask for.
fn resolved() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--offline", "--locked", "--filter-platform", &platform].map(str::to_owned))
        .exec()
        .expect("the lock file is exact, and what it names was fetched by the build")
}

/// Name, version, source and checksum of each entry of a `Cargo.lock`; ours have neither source nor checksum.
struct Locked<'a> {
    name: &'a str,
    version: &'a str,
    source: Option<&'a str>,
    checksum: Option<&'a str>,
}

fn locked(lock: &str) -> Vec<Locked<'_>> {
    let field = |entry: &'static str, text: &str| -> Option<std::ops::Range<usize>> {
        let from = text.find(&format!("\n{entry} = \""))? + entry.len() + 5;
        Some(from..from + text[from..].find('"')?)
    };
    let entries = lock.split("\n[[package]]").skip(1);
    entries
        .map(|entry| {
            let of = |name| field(name, entry).map(|range| &entry[range]);
            let (name, version) = (of("name").unwrap_or_default(), of("version").unwrap_or_default());
            Locked { name, version, source: of("source"), checksum: of("checksum") }
        })
        .collect()
}

/// Entries from elsewhere than crates.io, or without the checksum that makes them exact.
fn strangers(lock: &str, ours: &BTreeSet<&str>) -> Vec<String> {
    let strange = |entry: &&Locked<'_>| match entry.source {
        None => !ours.contains(entry.name),
        Some(source) => source != CRATES_IO || entry.checksum.is_none_or(|sum| sum.len() != 64),
    };
    locked(lock).iter().filter(strange).map(|entry| format!("{} {}", entry.name, entry.version)).collect()
}

/// The quoted words of a list in `deny.toml`: `allow = ["…", "…"]`.
fn listed<'a>(deny: &'a str, list: &str) -> Vec<&'a str> {
    let rest = deny.split(&format!("\n{list} = [")).nth(1).unwrap_or_default();
    rest.split("\n]").next().unwrap_or_default().split('"').skip(1).step_by(2).collect()
}

/// Whether an SPDX expression can be met: each part that AND joins by one that OR offers. An old `/` is an OR.
fn permitted(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    either(&mut words, allowed) && words.is_empty()
}

fn either(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = all(words, allowed);
    while let [word, rest @ ..] = *words
        && *word == "OR"
    {
        *words = rest;
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = one(words, allowed);
    while let [word, rest @ ..] = *words
        && *word == "AND"
    {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = either(words, allowed);
            let closed = words.first() == Some(&")");
            *words = words.get(1..).unwrap_or_default();
            met && closed
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.contains(licence)
        }
        [] => false,
    }
}

/// One line of `docs/advisories.tsv`.
struct Advisory<'a> {
    id: &'a str,
    package: &'a str,
    /// Versions without the fault.
    sound: Vec<VersionReq>,
}

fn advisories(table: &str) -> Vec<Advisory<'_>> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [id, package, _, patched, unaffected] = cells[..] else { panic!("not a line of the list: {line}") };
            let ranges = patched.split(';').chain(unaffected.split(';')).map(str::trim).filter(|text| !text.is_empty());
            let range = |text: &str| VersionReq::parse(text).unwrap_or_else(|error| panic!("{id}: {text}: {error}"));
            Advisory { id, package, sound: ranges.map(range).collect() }
        })
        .collect()
}

/// Ids of known faults in the lock file, with the package.
fn faults(lock: &str, advisories: &[Advisory<'_>]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let entries = locked(lock);
    for entry in entries.iter().filter(|entry| entry.source.is_some()) {
        let version = Version::parse(entry.version).expect("a version");
        let named = advisories.iter().filter(|advisory| advisory.package == entry.name);
        let faulty = named.filter(|advisory| !advisory.sound.iter().any(|range| range.matches(&version)));
        found.extend(faulty.map(|advisory| (advisory.id.to_owned(), format!("{} {}", entry.name, entry.version))));
    }
    found
}

/// Excused ids with their reasons: `{ id = "…", reason = "<day>: …" }`.
fn excused(deny: &str) -> BTreeMap<&str, &str> {
    let words = listed(deny, "ignore");
    words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Whether a reason begins with the day it was found and goes on with a sentence.
fn is_dated(reason: &str) -> bool {
    reason.split_once(": ").is_some_and(|(day, why)| day.parse::<jiff::civil::Date>().is_ok() && why.len() > 20)
}

/// What is wrong with an npm lock file: from elsewhere, without a sum, or under a licence that is not listed.
fn npm_complaints(lock: &str, allowed: &[&str]) -> Vec<String> {
    let lock: Value = serde_json::from_str(lock).expect("JSON");
    let packages = lock["packages"].as_object().expect("packages");
    let mut found = Vec::new();
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        if package["resolved"].as_str().is_some_and(|from| !from.starts_with(NPM)) || package["link"] == true {
            found.push(format!("{name} comes from elsewhere"));
        }
        if package["integrity"].as_str().is_none_or(|sum| !sum.starts_with("sha512-")) {
            found.push(format!("{name} has no sum"));
        }
        if !package["license"].as_str().is_some_and(|licence| permitted(licence, allowed)) {
            found.push(format!("{name} is under {}", package["license"]));
        }
    }
    found
}

#[test]
fn everything_comes_from_one_registry_exactly_as_it_was() {
    let metadata = resolved();
    let ours = metadata.workspace_packages().into_iter().map(|package| package.name.as_str()).collect();
    let lock = text_of("Cargo.lock");
    assert!(locked(lock).len() > 300, "found {} entries", locked(lock).len());
    assert_eq!(strangers(lock, &ours), Vec::<String>::new());
}

#[test]
fn everything_is_under_a_licence_that_is_listed() {
    let allowed = listed(text_of("deny.toml"), "allow");
    let metadata = resolved();
    let met = |licence: &Option<String>| licence.as_ref().is_some_and(|licence| permitted(licence, &allowed));
    let others = metadata.packages.iter().filter(|package| !met(&package.license));
    let complaints: Vec<String> = others.map(|package| format!("{}: {:?}", package.name, package.license)).collect();
    assert_eq!(complaints, Vec::<String>::new());
    assert!(metadata.packages.len() > 300, "found {}", metadata.packages.len());
}

#[test]
fn the_pages_packages_are_exact_and_under_listed_licences() {
    let allowed = listed(text_of("deny.toml"), "allow");
    for lock in NPM_LOCKS {
        assert_eq!(npm_complaints(text_of(lock), &allowed), Vec::<String>::new(), "{lock}");
    }
}

#[test]
fn known_faults_are_excused_with_a_day_and_a_reason() {
    let advisories = advisories(text_of("docs/advisories.tsv"));
    assert!(advisories.len() > 1_000, "found {} advisories", advisories.len());
    let excused = excused(text_of("deny.toml"));
    let faults = faults(text_of("Cargo.lock"), &advisories);
    let unexcused: Vec<_> = faults.iter().filter(|(id, _)| !excused.contains_key(id.as_str())).collect();
    assert_eq!(unexcused, Vec::<&(String, String)>::new());
    let ids: BTreeSet<&str> = faults.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, excused.keys().copied().collect(), "an excuse that nothing needs any more goes");
    let undated: Vec<_> = excused.iter().filter(|(_, reason)| !is_dated(reason)).collect();
    assert_eq!(undated, Vec::<(&&str, &&str)>::new(), "the day, then why");
}

#[test]
fn a_stranger_in_the_lock_file_is_found() {
    let sum = "0".repeat(64);
    let lock = format!(
        "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"near\"\nversion = \"1.0.0\"\n\
         source = \"{CRATES_IO}\"\nchecksum = \"{sum}\"\n\n[[package]]\nname = \"git\"\nversion = \"1.0.0\"\n\
         source = \"git+https://example.org/x#1\"\n\n[[package]]\nname = \"loose\"\nversion = \"1.0.0\"\n\
         source = \"{CRATES_IO}\"\n\n[[package]]\nname = \"path\"\nversion = \"1.0.0\"\n"
    );
    assert_eq!(strangers(&lock, &BTreeSet::from(["ours"])), ["git 1.0.0", "loose 1.0.0", "path 1.0.0"]);
}

#[test]
fn a_licence_is_met_by_its_expression() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
    for met in
        ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(GPL-3.0 OR MIT) AND Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(permitted(met, &allowed), "{met}");
    }
    for unmet in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND GPL-3.0", "MIT WITH LLVM-exception", "(MIT", "MIT MIT"]
    {
        assert!(!permitted(unmet, &allowed), "{unmet}");
    }
}

#[test]
fn a_known_fault_and_an_excuse_without_a_day_are_found() {
    let lock = format!(
        "\n[[package]]\nname = \"a\"\nversion = \"1.2.0\"\nsource = \"{CRATES_IO}\"\n\
         \n[[package]]\nname = \"a\"\nversion = \"2.0.1\"\nsource = \"{CRATES_IO}\"\n\
         \n[[package]]\nname = \"b\"\nversion = \"0.9.0\"\nsource = \"{CRATES_IO}\"\n"
    );
    let table = "# as of a day\nR-1\ta\tunsound\t>= 2.0.0\t< 1.0.0\nR-2\tb\tvulnerability\t\t\nR-3\tc\tnotice\t\t\n\
                 R-4\ta\tvulnerability\t>= 1.2.0, < 1.3.0; >= 2.0.1\t\n";
    let found: Vec<(String, String)> = faults(&lock, &advisories(table)).into_iter().collect();
    assert_eq!(found, [("R-1".to_owned(), "a 1.2.0".to_owned()), ("R-2".to_owned(), "b 0.9.0".to_owned())]);
    let deny = "\nignore = [\n    { id = \"R-1\", reason = \"2026-01-31: it is never called from here\" },\n]\n";
    assert_eq!(excused(deny), BTreeMap::from([("R-1", "2026-01-31: it is never called from here")]));
    assert!(is_dated("2026-01-31: it is never called from here"));
    for undated in
        ["it is never called from here, really", "2026-02-31: it is never called from here", "2026-01-31: no"]
    {
        assert!(!is_dated(undated), "{undated}");
    }
}

#[test]
fn a_package_of_the_pages_from_elsewhere_is_found() {
    let lock = r#"{ "packages": { "": {}, "node_modules/a": { "integrity": "sha512-x", "license": "MIT" },
        "node_modules/b": { "resolved": "git+https://example.org/b", "integrity": "sha1-x", "license": "GPL-3.0" } } }"#;
    let expected =
        ["node_modules/b comes from elsewhere", "node_modules/b has no sum", "node_modules/b is under \"GPL-3.0\""];
    assert_eq!(npm_complaints(lock, &["MIT"]), expected);
}
