//! The papers: decision records have their parts and no gap in their numbers, and links between files lead somewhere.

use std::path::Path;

use crate::repository::{File, files, root};

/// What every decision record has, in order.
const PARTS: [&str; 3] = ["\n## Context\n", "\n## Decision\n", "\n## Consequences\n"];

fn records(files: &[File]) -> Vec<&File> {
    files.iter().filter(|file| file.path.starts_with("docs/adr/0")).collect()
}

fn incomplete(records: &[&File]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let number = format!("{:04}", index + 1);
        if !record.path.starts_with(&format!("docs/adr/{number}-")) || !record.text.starts_with(&format!("# {number} "))
        {
            found.push(format!("{} is not number {number}", record.path));
        }
        let places: Vec<Option<usize>> = PARTS.iter().map(|part| record.text.find(part)).collect();
        if places.contains(&None) || !places.is_sorted() {
            found.push(format!("{} lacks a part", record.path));
        }
    }
    found
}

/// Links of Markdown files to files, without the ones to other sites.
fn broken_links(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = root().join(&file.path).parent().map(Path::to_owned).unwrap_or_default();
        let prose = file.text.split("```").step_by(2);
        let targets = prose.flat_map(|text| text.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
        let paths = targets.filter(|to| !to.contains("://") && !to.starts_with('#') && !to.contains([' ', '\n']));
        let missing = paths.filter(|to| !folder.join(to.split('#').next().unwrap_or_default()).exists());
        found.extend(missing.map(|to| format!("{} -> {to}", file.path)));
    }
    found
}

#[test]
fn decision_records_are_complete() {
    let records = records(files());
    assert!(records.len() >= 6, "found {} records", records.len());
    assert_eq!(incomplete(&records), Vec::<String>::new());
}

#[test]
fn links_lead_somewhere() {
    assert_eq!(broken_links(files()), Vec::<String>::new());
}

#[test]
fn a_gap_and_a_missing_part_are_found() {
    let whole = |number: &str| format!("# {number} A title\n{}", PARTS.join("text\n"));
    let one = File::new("docs/adr/0001-a.md", &whole("0001"));
    let three = File::new("docs/adr/0003-c.md", &whole("0003"));
    assert_eq!(incomplete(&[&one, &three]), ["docs/adr/0003-c.md is not number 0002"]);
    let partial = File::new("docs/adr/0001-a.md", "# 0001 A title\n\n## Context\n\n## Decision\n");
    assert_eq!(incomplete(&[&partial]), ["docs/adr/0001-a.md lacks a part"]);
}

#[test]
fn a_broken_link_is_found() {
    let text = "[a](Cargo.toml) [b](https://example.org/x) [c](missing.md#part) ```[d](none)``` [e](#here)";
    assert_eq!(broken_links(&[File::new("README.md", text)]), ["README.md -> missing.md#part"]);
}
