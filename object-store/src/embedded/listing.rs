//! Listing keys in byte order. s3s-fs walks the whole bucket for each page, however few keys a prefix has; here the walk
//! begins at the folder that the prefix names, goes in order and ends with the page.

use std::{fs, io, path::Path};

use s3s::{
    S3Error, S3Result,
    dto::{ListObjectsV2Input, ListObjectsV2Output, Object, Timestamp},
    s3_error,
};

use super::files::Files;

/// Keys of one answer, as S3 has it.
const PAGE_KEYS_MAX: usize = 1_000;

struct Wanted<'a> {
    prefix: &'a str,
    /// Only keys behind this one.
    after: Option<&'a str>,
    most: usize,
}

impl Wanted<'_> {
    fn has(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }

    /// Whether a folder, named with its last `/`, may have any of them.
    fn may_have(&self, folder: &str) -> bool {
        let is_near = folder.starts_with(self.prefix) || self.prefix.starts_with(folder);
        is_near && self.after.is_none_or(|after| folder > after || after.starts_with(folder))
    }
}

impl Files {
    pub(super) async fn listed(&self, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        if input.delimiter.is_some() {
            return Err(s3_error!(NotImplemented, "keys are listed without a delimiter"));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.clone().max(input.start_after.clone());
        let most = input.max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE_KEYS_MAX);
        let most = most.min(PAGE_KEYS_MAX);
        let root = self.object_path(&input.bucket, "");
        let found = self.blocking(move |_| {
            // One more, to know whether there is more.
            page(&root, &Wanted { prefix: &prefix, after: after.as_deref(), most: most + 1 })
        });
        let mut found = found.await.map_err(S3Error::internal_error)?;
        let is_truncated = most > 0 && found.len() > most;
        found.truncate(most);
        let next = found.last().and_then(|last| last.key.clone()).filter(|_| is_truncated);
        Ok(ListObjectsV2Output {
            key_count: i32::try_from(found.len()).ok(),
            max_keys: i32::try_from(most).ok(),
            is_truncated: Some(is_truncated),
            contents: Some(found),
            next_continuation_token: next,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            prefix: input.prefix,
            name: Some(input.bucket),
            ..Default::default()
        })
    }
}

/// The first objects of a bucket's folder that are wanted.
fn page(root: &Path, wanted: &Wanted<'_>) -> io::Result<Vec<Object>> {
    let folder = wanted.prefix.rfind('/').map_or("", |slash| &wanted.prefix[..=slash]);
    // It becomes a path; no key is named like this.
    if folder.split('/').rev().skip(1).any(|name| matches!(name, "" | "." | "..")) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    walk(&root.join(folder), folder, wanted, &mut found)?;
    Ok(found)
}

/// `at`: the folder's keys begin with this.
fn walk(folder: &Path, at: &str, wanted: &Wanted<'_>, found: &mut Vec<Object>) -> io::Result<()> {
    let Some(entries) = unless_gone(fs::read_dir(folder))? else { return Ok(()) };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(kind) = unless_gone(entry.file_type())? else { continue };
        // With its slash a folder stands where its keys do.
        names.push(if kind.is_dir() { name + "/" } else { name });
    }
    names.sort_unstable();
    for name in names {
        if found.len() >= wanted.most {
            break;
        }
        let key = format!("{at}{name}");
        if name.ends_with('/') {
            if wanted.may_have(&key) {
                walk(&folder.join(&name), &key, wanted, found)?;
            }
        } else if wanted.has(&key)
            && let Some(about) = unless_gone(fs::metadata(folder.join(&name)))?
        {
            let (last_modified, size) = (about.modified().ok().map(Timestamp::from), i64::try_from(about.len()).ok());
            found.push(Object { key: Some(key), last_modified, size, ..Default::default() });
        }
    }
    Ok(())
}

/// What was deleted between two looks is not there.
fn unless_gone<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In no order; some names sort differently as text than as folders.
    const KEYS: [&str; 9] = ["v/1/b", "v/1/a/x", "v/1/a-b", "v/10/a", "v/1", "v/2/a", "u/1", "v/1/a/y", "v/1/a.b"];

    fn bucket() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for key in KEYS {
            // "v/1" is a folder already.
            let path = folder.path().join(if key == "v/1" { "v/1.0" } else { key });
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, key).unwrap();
        }
        folder
    }

    fn keys(root: &Path, prefix: &str, after: Option<&str>, most: usize) -> Vec<String> {
        let found = page(root, &Wanted { prefix, after, most }).unwrap();
        found.into_iter().filter_map(|object| object.key).collect()
    }

    #[test]
    fn pages_are_in_byte_order_whatever_the_prefix_and_the_size() {
        let bucket = bucket();
        let mut all: Vec<String> = KEYS.map(|key| if key == "v/1" { "v/1.0" } else { key }.to_owned()).to_vec();
        all.sort_unstable();
        for prefix in ["", "v", "v/", "v/1", "v/1/", "v/1/a", "v/1/a/", "v/1/a/x", "u/1", "w", "w/x/", "v/3/"] {
            let expected: Vec<_> = all.iter().filter(|key| key.starts_with(prefix)).cloned().collect();
            for most in 1..=KEYS.len() + 1 {
                let (mut listed, mut after) = (Vec::new(), None);
                loop {
                    let page = keys(bucket.path(), prefix, after.as_deref(), most);
                    assert!(page.len() <= most);
                    let Some(last) = page.last().cloned() else { break };
                    listed.extend(page);
                    after = Some(last);
                }
                assert_eq!(listed, expected, "{prefix} by {most}");
            }
        }
    }

    #[test]
    fn nothing_outside_the_bucket_is_listed() {
        let bucket = bucket();
        let inside = bucket.path().join("v");
        for prefix in ["../", "../u/", "1/../../u/", "/", "//", "./", "1/./a/"] {
            assert_eq!(keys(&inside, prefix, None, 10), Vec::<String>::new(), "{prefix}");
        }
    }
}
