//! Tidiness: what every file begins with, and what no file holds.

use crate::repository::{File, files};

fn without_a_purpose(files: &[File]) -> Vec<&str> {
    let silent = files.iter().filter(|file| file.is_rust() && !file.text.starts_with("//! "));
    silent.map(|file| file.path.as_str()).collect()
}

/// Put together, so that this file does not hold them itself.
fn unfinished() -> [(&'static str, &'static [&'static str]); 6] {
    [
        (concat!("to", "do!("), &["rs"]),
        (concat!("unimpl", "emented!("), &["rs"]),
        (concat!("db", "g!("), &["rs"]),
        (concat!("#[ign", "ore"), &["rs"]),
        (concat!("test.on", "ly("), &["ts", "js"]),
        (concat!("describe.on", "ly("), &["ts", "js"]),
    ]
}

fn left_over(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for (text, endings) in unfinished() {
        let searched =
            files.iter().filter(|file| file.path.rsplit('.').next().is_some_and(|end| endings.contains(&end)));
        found
            .extend(searched.filter(|file| file.text.contains(text)).map(|file| format!("{} holds {text}", file.path)));
    }
    found
}

/// Folders of one person's machine.
const MACHINE: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Such a folder at the start of a word: a path, and not the middle of an address.
fn machine_paths(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            let starts = |folder: &str| {
                let mut at = line.match_indices(folder).map(|(at, _)| at);
                at.any(|at| line[..at].chars().next_back().is_none_or(|before| " \t\"'`=(:<>[,;".contains(before)))
            };
            if MACHINE.iter().any(|folder| starts(folder)) {
                found.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    found
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_eq!(without_a_purpose(files()), Vec::<&str>::new());
}

#[test]
fn nothing_is_left_unfinished() {
    assert_eq!(left_over(files()), Vec::<String>::new());
}

#[test]
fn nothing_depends_on_where_it_was_written() {
    assert_eq!(machine_paths(files()), Vec::<String>::new());
}

#[test]
fn a_silent_file_is_found() {
    let found = [
        File::new("a.rs", "//! Says.\n"),
        File::new("b.rs", "// Says.\n"),
        File::new("c.rs", "\n//! Late.\n"),
        File::new("d.ts", ""),
    ];
    assert_eq!(without_a_purpose(&found), ["b.rs", "c.rs"]);
}

#[test]
fn every_left_over_is_found() {
    for (text, endings) in unfinished() {
        for ending in endings {
            let found =
                left_over(&[File::new(&format!("a.{ending}"), &format!("x\n    {text}")), File::new("b.md", text)]);
            assert_eq!(found, [format!("a.{ending} holds {text}")]);
        }
    }
}

#[test]
fn a_machine_path_is_found() {
    for folder in MACHINE {
        let text = format!("fine\nlet x = \"{folder}x\";\nhttps://example.org{folder}\n{folder}y\n");
        assert_eq!(machine_paths(&[File::new("a.rs", &text)]), ["a.rs:2", "a.rs:4"]);
    }
}
