//! Sizes: files and functions that one person can hold in the head.

use crate::repository::{File, files};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Longer than that, and why. This list only shrinks: an entry that is not needed any more fails.
const LONG_FILES: &[(&str, &str)] = &[];
/// `path` and function name, and why.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

fn long_files(files: &[File]) -> Vec<String> {
    let ours = files.iter().filter(|file| file.is_rust() && !file.is_test());
    ours.filter(|file| file.text.lines().count() > FILE_LINES_MAX).map(|file| file.path.clone()).collect()
}

/// Paths and names of functions with too many lines, as rustfmt lays them out: an end stands under its beginning.
fn long_functions(files: &[File]) -> Vec<(String, String)> {
    let mut long = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_test()) {
        let mut open: Vec<(String, String, usize)> = Vec::new();
        for (number, line) in file.code() {
            if let Some(name) = function(line) {
                let indent = line.len() - line.trim_start().len();
                open.push((format!("{}}}", " ".repeat(indent)), name.to_owned(), number));
            }
            if let Some((end, name, begin)) = open.last()
                && line == end
            {
                if number - begin + 1 > FUNCTION_LINES_MAX {
                    long.push((file.path.clone(), name.clone()));
                }
                open.pop();
            }
        }
    }
    long
}

/// The name, where a function with a body begins on this line.
fn function(line: &str) -> Option<&str> {
    let signature = line.trim_start();
    let words = ["pub", "async", "const", "unsafe", "extern", "fn"];
    let starts = words.iter().any(|word| signature.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '('])));
    if !starts || signature.ends_with([';', '}']) {
        return None;
    }
    let (before, after) = match signature.strip_prefix("fn ") {
        Some(rest) => ("", rest),
        None => signature.split_once(" fn ")?,
    };
    let plain = !before.contains(['=', '{']);
    plain.then(|| after.split(['(', '<']).next().unwrap_or_default())
}

#[test]
fn files_stay_small() {
    let allowed: Vec<&str> = LONG_FILES.iter().map(|(path, _)| *path).collect();
    assert_eq!(long_files(files()), allowed, "files longer than {FILE_LINES_MAX} lines, against the list");
}

#[test]
fn functions_stay_small() {
    let allowed: Vec<(String, String)> =
        LONG_FUNCTIONS.iter().map(|(path, name, _)| ((*path).to_owned(), (*name).to_owned())).collect();
    assert_eq!(long_functions(files()), allowed, "functions longer than {FUNCTION_LINES_MAX} lines, against the list");
}

#[test]
fn every_exception_says_why() {
    let reasons = LONG_FILES.iter().map(|(_, why)| *why).chain(LONG_FUNCTIONS.iter().map(|(_, _, why)| *why));
    assert!(reasons.into_iter().all(|why| why.len() > 20), "a reason is a sentence");
}

#[test]
fn a_long_file_is_found() {
    let long = "//! Long.\n".repeat(FILE_LINES_MAX + 1);
    let found = long_files(&[
        File::new("web/src/long.rs", &long),
        File::new("web/src/short.rs", &long[10..]),
        File::new("web/tests/it/long.rs", &long),
        File::new("web/ui/long.ts", &long),
    ]);
    assert_eq!(found, ["web/src/long.rs"]);
}

#[test]
fn a_long_function_is_found() {
    let body = "        let _ = 1;\n".repeat(FUNCTION_LINES_MAX - 1);
    let text = format!(
        "impl X {{\n    pub(crate) async fn long<T>(\n        x: T,\n    ) {{\n{body}    }}\n    fn short(&self) {{\n        {{\n        }}\n    }}\n    \
         fn declared();\n}}\nfn fits() {{\n{}}}\n",
        &body[..body.len() - 19]
    );
    let found = long_functions(&[File::new("web/src/x.rs", &text)]);
    assert_eq!(found, [("web/src/x.rs".to_owned(), "long".to_owned())]);
}
