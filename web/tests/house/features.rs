//! What the table of features promises: each row names a test, and that test is there.

use crate::repository::{File, files};

/// Files whose tables are read: `| feature | proving test | seen failing by |`.
fn tables(files: &[File]) -> Vec<&File> {
    files.iter().filter(|file| ["docs/features.md", "docs/security.md"].contains(&file.path.as_str())).collect()
}

/// Rows of tables: the cells of each line that begins with `|`, without headings and rules.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let rule = |line: &str| line.starts_with('|') && line.chars().all(|c| "|-: ".contains(c));
    let rows: Vec<Vec<&str>> = lines
        .iter()
        .enumerate()
        .filter(|(index, line)| {
            let heads = lines.get(index + 1).is_some_and(|next| rule(next));
            line.starts_with('|') && !rule(line) && !heads
        })
        .map(|(_, line)| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    rows.into_iter()
}

/// `path/to/file::name of the test`, in backticks.
fn references(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(|text| text.split_once("::"))
}

/// Whether a file holds a test of this name: a Rust function, or a title.
fn holds(file: &File, name: &str) -> bool {
    if file.is_rust() {
        return file.text.contains(&format!("fn {name}(")) || file.text.contains(&format!("fn {name}<"));
    }
    ["'", "\"", "`"].iter().any(|quote| file.text.contains(&format!("{quote}{name}{quote}")))
}

fn unproven(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for table in tables(files) {
        for row in rows(&table.text) {
            let feature = row.first().copied().unwrap_or_default();
            let proofs: Vec<(&str, &str)> = row.iter().skip(1).flat_map(|cell| references(cell)).collect();
            let excused = row.iter().any(|cell| cell.starts_with("not here:"));
            if proofs.is_empty() && !excused {
                found.push(format!("{}: «{feature}» names no test", table.path));
            }
            for (path, name) in proofs {
                if !files.iter().any(|file| file.path == path && holds(file, name)) {
                    found.push(format!("{}: «{feature}»: there is no {path}::{name}", table.path));
                }
            }
        }
    }
    found
}

#[test]
fn every_feature_names_a_test_that_is_there() {
    assert!(!tables(files()).is_empty(), "docs/features.md is there");
    let rows: usize = tables(files()).iter().map(|table| rows(&table.text).count()).sum();
    assert!(rows > 20, "found {rows} rows");
    assert_eq!(unproven(files()), Vec::<String>::new());
}

#[test]
fn a_feature_without_its_test_is_found() {
    let table = "| feature | test | seen failing |\n|---|---|---|\n| seek | `a/b.rs::it_seeks` | yes |\n\
                 | play | `a/b.rs::it_plays` | yes |\n| chat | by hand | no |\n| pins | `w/x.spec.ts::a pin stays` | yes |\n\
                 | mail | not here: it has none | |\n";
    let found = unproven(&[
        File::new("docs/features.md", table),
        File::new("a/b.rs", "#[test]\nfn it_seeks() {}\n"),
        File::new("w/x.spec.ts", "test('a pin stays', async () => {});"),
    ]);
    assert_eq!(
        found,
        ["docs/features.md: «play»: there is no a/b.rs::it_plays", "docs/features.md: «chat» names no test",]
    );
}
