//! Unsafe code: denied everywhere, but for the modules named here.

use crate::repository::{File, files};

/// Where it is allowed, and why. This list only shrinks: an entry that is not needed any more fails.
const AUDITED: [(&str, &str); 3] = [
    (
        "migrations/src/cluster/system.rs",
        "system calls for the database's own user and its end, which std has no words for",
    ),
    ("transcoder/src/bin/lockstep_media/libav.rs", "the few libav calls that ffmpeg-next has no safe form of"),
    ("transcoder/src/bin/lockstep_media/sandbox.rs", "the system calls by which the child gives up its rights"),
];

/// Files with the word in code: a block, a function, a trait or its implementation.
fn unsafe_files(files: &[File]) -> Vec<&str> {
    let words = [" {", " fn ", " impl", " trait", " extern"].map(|next| format!("{}safe{next}", "un"));
    let holds = |file: &&File| {
        let mut code = file.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.any(|line| words.iter().any(|word| line.contains(word)))
    };
    let mut found: Vec<&str> =
        files.iter().filter(|file| file.is_rust()).filter(holds).map(|file| file.path.as_str()).collect();
    found.sort_unstable();
    found
}

/// Manifests of members that do not take the workspace's lints, and a workspace that does not deny.
fn undenied(files: &[File]) -> Vec<&str> {
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let lax = manifests.filter(|file| match file.path.as_str() {
        "Cargo.toml" => !file.text.contains("\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n"),
        _ => !file.text.contains("\n[lints]\nworkspace = true\n"),
    });
    lax.map(|file| file.path.as_str()).collect()
}

#[test]
fn unsafe_code_is_in_the_audited_modules_only() {
    assert_eq!(unsafe_files(files()), AUDITED.map(|(path, _)| path));
    assert!(AUDITED.iter().all(|(_, why)| why.len() > 20), "a reason is a sentence");
}

#[test]
fn every_crate_denies_unsafe_code() {
    assert!(files().iter().filter(|file| file.path.ends_with("Cargo.toml")).count() > 10);
    assert_eq!(undenied(files()), Vec::<&str>::new());
}

#[test]
fn unsafe_code_and_a_lax_manifest_are_found() {
    let block = format!("fn f() {{\n    {}safe {{ g() }}\n}}\n", "un");
    let remark = format!("// {block}\nfn f() {{}}\n");
    let code = [File::new("a/src/a.rs", &block), File::new("b/src/b.rs", &remark.replace('\n', " "))];
    assert_eq!(unsafe_files(&code), ["a/src/a.rs"]);
    let manifests = [
        File::new("Cargo.toml", "[workspace]\n\n[workspace.lints.rust]\nunsafe_code = \"warn\"\n"),
        File::new("a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n"),
        File::new("b/Cargo.toml", "[package]\n"),
    ];
    assert_eq!(undenied(&manifests), ["Cargo.toml", "b/Cargo.toml"]);
}
