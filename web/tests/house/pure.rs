//! Clocks, random ids and the environment: read where the program is put together, passed in everywhere else.

use crate::repository::{File, files};

/// Put together, so that this file does not hold them itself.
const FROM_OUTSIDE: [&str; 5] = [
    concat!("SystemTime", "::now"),
    concat!("Instant", "::now"),
    concat!("now", "_v7"),
    concat!("new", "_v4"),
    concat!("env", "::var"),
];

/// Where they may be read: the composition root, tools for developers, tests, and the child program.
fn may_look_outside(file: &File) -> bool {
    let places = ["web/", "bench/", "migrations/", "transcoder/src/bin/"];
    file.is_test() || places.iter().any(|place| file.path.starts_with(place))
}

fn looks_outside(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !may_look_outside(file)) {
        for (number, line) in file.code() {
            found.extend(
                FROM_OUTSIDE
                    .iter()
                    .filter(|text| line.contains(**text))
                    .map(|text| format!("{}:{number} uses {text}", file.path)),
            );
        }
    }
    found
}

/// What decides is not asynchronous either.
fn waits(files: &[File]) -> Vec<String> {
    let pure = |file: &&File| ["domain/src/", "sync-hub/src/"].iter().any(|place| file.path.starts_with(place));
    let mut found = Vec::new();
    for file in files.iter().filter(pure) {
        let lines = file.code().filter(|(_, line)| line.contains("async ") || line.contains(".await"));
        found.extend(lines.map(|(number, _)| format!("{}:{number}", file.path)));
    }
    found
}

#[test]
fn time_ids_and_settings_are_passed_in() {
    assert_eq!(looks_outside(files()), Vec::<String>::new());
}

#[test]
fn what_decides_does_not_wait() {
    assert_eq!(waits(files()), Vec::<String>::new());
}

#[test]
fn a_look_outside_is_found() {
    for text in FROM_OUTSIDE {
        let line = format!("//! A file.\n// {text}\nlet x = {text}();\n#[cfg(test)]\nmod tests {{ {text} }}\n");
        let expected = format!("domain/src/a.rs:3 uses {text}");
        let allowed = ["web/src/a.rs", "transcoder/src/bin/a.rs", "domain/tests/it/a.rs", "bench/src/a.rs", "a.md"];
        let mut all: Vec<File> = allowed.iter().map(|path| File::new(path, &line)).collect();
        all.push(File::new("domain/src/a.rs", &line));
        assert_eq!(looks_outside(&all), [expected]);
    }
}

#[test]
fn waiting_is_found() {
    let text = "//! A file.\npub async fn wait() {\n    x.await;\n}\n";
    let found = waits(&[File::new("domain/src/a.rs", text), File::new("web/src/a.rs", text)]);
    assert_eq!(found, ["domain/src/a.rs:2", "domain/src/a.rs:3"]);
}
