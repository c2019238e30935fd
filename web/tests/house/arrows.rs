//! The arrows between crates: one that is not drawn here is forbidden, and one that is drawn is there.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::repository::{files, root};

/// Everything the composition root and the benchmarks stand on.
const ALL: &[&str] = &[
    "commands",
    "domain",
    "event-store",
    "graphql",
    "migrations",
    "object-store",
    "projections",
    "sync-hub",
    "transcoder",
];

/// Every crate and the crates it may name.
const ARROWS: [(&str, &[&str]); 11] = [
    ("bench", ALL),
    ("commands", &["domain", "event-store", "object-store"]),
    ("domain", &[]),
    ("event-store", &["domain"]),
    ("graphql", &["commands", "domain", "projections"]),
    ("migrations", &[]),
    ("object-store", &[]),
    ("projections", &["domain", "event-store"]),
    ("sync-hub", &["domain"]),
    ("transcoder", &["commands", "domain", "object-store"]),
    ("web", ALL),
];

/// What tests may name besides: a migrated database everywhere, and here the crates they build a world from.
const TEST_ARROWS: &[(&str, &[&str])] =
    &[("graphql", &["event-store", "object-store"]), ("transcoder", &["event-store"])];

/// The crates that decide: no runtime, no clock, no I/O. These are all they may use.
const PURE: [(&str, &[&str]); 2] = [
    ("domain", &["serde", "serde_json", "thiserror", "uuid"]),
    ("sync-hub", &["bytes", "serde", "serde_json", "thiserror", "uuid"]),
];

/// Crates of others that one crate alone may use.
const KEPT: [(&str, &str); 3] =
    [("ffmpeg-next", "transcoder"), ("rust-embed", "web"), ("async-graphql", "graphql web")];

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo describes the workspace")
}

/// The folder a package of ours lies in, which is how everybody calls it.
fn folder(package: &str) -> Option<&str> {
    if package == "lockstep" { Some("web") } else { package.strip_prefix("lockstep-") }
}

/// Every dependency declared for the kinds asked for, ours by folder and others by package name.
fn declared(metadata: &Metadata, kinds: &[DependencyKind]) -> Arrows {
    let packages = metadata.packages.iter().map(|package| {
        let dependencies = package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
        let names = dependencies.map(|dependency| folder(&dependency.name).unwrap_or(&dependency.name).to_owned());
        (folder(&package.name).expect("a package of ours").to_owned(), names.collect())
    });
    packages.collect()
}

fn among_ours(arrows: &Arrows) -> Arrows {
    let ours = |to: &String| arrows.contains_key(to);
    arrows.iter().map(|(from, to)| (from.clone(), to.iter().filter(|to| ours(to)).cloned().collect())).collect()
}

fn drawn() -> Arrows {
    ARROWS.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(ToString::to_string).collect())).collect()
}

fn built() -> Arrows {
    declared(&metadata(), &[DependencyKind::Normal, DependencyKind::Build])
}

#[test]
fn the_arrows_are_the_ones_drawn() {
    assert_eq!(among_ours(&built()), drawn());
}

#[test]
fn tests_may_name_a_little_more() {
    let drawn = drawn();
    let mut more = among_ours(&declared(&metadata(), &[DependencyKind::Development]));
    for (from, to) in &mut more {
        to.retain(|to| to != "migrations" && !drawn[from].contains(to));
    }
    more.retain(|_, to| !to.is_empty());
    let allowed =
        TEST_ARROWS.iter().map(|(from, to)| ((*from).to_owned(), to.iter().map(ToString::to_string).collect()));
    assert_eq!(more, allowed.collect::<Arrows>(), "what tests name besides, against the list");
}

#[test]
fn what_decides_stands_on_nothing_that_acts() {
    let built = built();
    for (name, allowed) in PURE {
        let complaints: Vec<&String> =
            built[name].iter().filter(|to| *to != "domain" && !allowed.contains(&to.as_str())).collect();
        assert_eq!(complaints, Vec::<&String>::new(), "{name} is pure");
    }
}

#[test]
fn some_crates_stay_in_one_place() {
    let built = built();
    for (name, keepers) in KEPT {
        let users: Vec<&str> =
            built.iter().filter(|(_, to)| to.contains(name)).map(|(from, _)| from.as_str()).collect();
        let strangers: Vec<&&str> =
            users.iter().filter(|user| !keepers.split(' ').any(|keeper| keeper == **user)).collect();
        assert_eq!(strangers, Vec::<&&str>::new(), "{name} belongs to {keepers}");
        assert!(!users.is_empty(), "{name} is not used at all");
    }
}

#[test]
fn the_map_shows_the_same_arrows() {
    let map = files().iter().find(|file| file.path == "ARCHITECTURE.md").expect("there is a map");
    assert_eq!(pictured(&map.text), drawn());
}

/// The rows ``| `crate` | `crate`, `crate` |`` of the map.
fn pictured(map: &str) -> Arrows {
    let section = map.split("\n## Arrows\n").nth(1).unwrap_or_default().split("\n## ").next().unwrap_or_default();
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut arrows = Arrows::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').collect();
        for from in names(cells[1]) {
            let everything = cells[2].contains("every other");
            let to = if everything { ALL.iter().map(ToString::to_string).collect() } else { names(cells[2]) };
            arrows.insert(from, to.into_iter().collect());
        }
    }
    arrows
}

#[test]
fn a_picture_is_read_as_it_is_drawn() {
    let map = "\n## Arrows\n\n| crate | uses |\n|---|---|\n| `a` | `b`, `c` |\n| `b`, `c` | nothing of ours |\n\n## More\n| `x` | `y` |\n";
    let to = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let expected = [("a".to_owned(), to(&["b", "c"])), ("b".to_owned(), to(&[])), ("c".to_owned(), to(&[]))];
    assert_eq!(pictured(map), Arrows::from(expected));
}
