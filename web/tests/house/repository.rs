//! The repository as the checks see it: every file that is, or could be, under version control.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// One file: its path from the root, with `/`, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Tests, examples and benchmarks: not what is shipped.
    pub fn is_test(&self) -> bool {
        let path = &self.path;
        path.contains("/tests/")
            || path.contains("/examples/")
            || path.ends_with("/tests.rs")
            || path.starts_with("bench/")
    }

    /// The text without the tests at its end, which rustfmt's order of items puts last.
    pub fn shipped(&self) -> &str {
        self.text.split("\n#[cfg(test)]\n").next().unwrap_or_default()
    }

    /// Line numbers from 1, and lines that are not comments.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.shipped().lines().enumerate();
        lines.map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

pub fn root() -> PathBuf {
    let web = Path::new(env!("CARGO_MANIFEST_DIR"));
    web.parent().expect("the package lies in a folder of the workspace").to_owned()
}

/// Every text file, tracked or new, without what `.gitignore` names.
pub fn files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let paths = listed().unwrap_or_else(|| walked(&root(), ""));
        assert!(paths.len() > 100, "found only {} files", paths.len());
        paths.into_iter().filter_map(read).collect()
    })
}

/// Binary files, links that lead nowhere and files deleted but not yet committed are passed over.
fn read(path: String) -> Option<File> {
    let text = fs::read_to_string(root().join(&path)).ok()?;
    Some(File { path, text })
}

/// As git knows them; `None` outside a checkout.
fn listed() -> Option<Vec<String>> {
    if !root().join(".git").exists() {
        return None;
    }
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(root()).args(arguments).output().ok()?;
    let paths = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| paths.split_terminator('\0').map(str::to_owned).collect())
}

/// As they lie in an unpacked archive.
fn walked(folder: &Path, prefix: &str) -> Vec<String> {
    let built = ["target", "node_modules", "dist", "results"];
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            if !built.contains(&name.as_str()) && name != ".git" {
                paths.extend(walked(&entry.path(), &format!("{prefix}{name}/")));
            }
        } else {
            paths.push(format!("{prefix}{name}"));
        }
    }
    paths
}

#[test]
fn a_checkout_and_an_archive_hold_the_same_code() {
    let code = |paths: Vec<String>| {
        let mut code: Vec<String> = paths.into_iter().filter(|path| path.ends_with(".rs")).collect();
        code.sort();
        code
    };
    let walked = code(walked(&root(), ""));
    assert!(walked.contains(&"web/tests/house/repository.rs".to_owned()));
    if let Some(listed) = listed() {
        let listed: Vec<String> = code(listed).into_iter().filter(|path| root().join(path).exists()).collect();
        assert_eq!(walked, listed);
    }
}
