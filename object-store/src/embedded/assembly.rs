//! Putting parts together in place: the first part becomes the object and the others are added to it, so a large film needs
//! its size once and a few parts more, not twice.
//!
//! `parts.json` says what there was, from before the first part is touched: until the upload is gone its parts are listed
//! from there. `whole` is what has been put together. A part goes once `whole` is on disk with its bytes, so whoever is cut
//! off goes on from the first part that is still there.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use s3s::dto::{ETag, Part};
use serde::{Deserialize, Serialize};

use super::{
    files::Files,
    multipart::{part_path, write},
};

const RECORD: &str = "parts.json";
const WHOLE: &str = "whole";
/// Parts added between two flushes: so many are on the disk twice.
const FOLD_PARTS: usize = 8;

#[derive(Serialize, Deserialize)]
struct Recorded {
    bytes: u64,
    tag: String,
}

/// The parts of an upload while they become one file.
#[derive(Serialize, Deserialize)]
pub(super) struct Assembly(Vec<Recorded>);

/// Whether the parts of this upload are being put together.
pub(super) fn has_begun(folder: &Path) -> bool {
    folder.join(RECORD).is_file()
}

/// The parts as they were, while they are being put together.
pub(super) fn recorded(folder: &Path) -> io::Result<Option<Vec<Part>>> {
    let Some(Assembly(parts)) = read(folder)? else { return Ok(None) };
    let part = |(index, Recorded { bytes, tag }): (usize, Recorded)| Part {
        part_number: i32::try_from(index + 1).ok(),
        size: i64::try_from(bytes).ok(),
        e_tag: Some(ETag::Strong(tag)),
        ..Default::default()
    };
    Ok(Some(parts.into_iter().enumerate().map(part).collect()))
}

fn read(folder: &Path) -> io::Result<Option<Assembly>> {
    match fs::read(folder.join(RECORD)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Assembly {
    /// Writes down what there is, or goes on with what was written down.
    pub(super) fn begin(files: &Files, folder: &Path, parts: &[Part]) -> io::Result<Self> {
        if let Some(held) = read(folder)? {
            return Ok(held);
        }
        let record = |part: &Part| Recorded {
            bytes: part.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
            tag: part.e_tag.as_ref().map(|tag| tag.value().to_owned()).unwrap_or_default(),
        };
        let begun = Self(parts.iter().map(record).collect());
        write(files, folder, &folder.join(RECORD), &serde_json::to_vec(&begun)?)?;
        Ok(begun)
    }

    /// The whole file, flushed; `None` when it was there before and has become the object.
    pub(super) fn finish(&self, files: &Files, folder: &Path) -> io::Result<Option<PathBuf>> {
        self.fold(folder, &|path| files.flush(path))
    }

    fn fold(&self, folder: &Path, flush: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<Option<PathBuf>> {
        let whole = folder.join(WHOLE);
        let first = part_path(folder, 1);
        if !whole.is_file() {
            if !first.is_file() {
                return Ok(None);
            }
            fs::rename(&first, &whole)?;
            flush(folder)?;
        }
        let is_there = |number: &u32| part_path(folder, *number).is_file();
        let last = u32::try_from(self.0.len()).map_err(io::Error::other)?;
        let next = (2..=last).find(is_there).unwrap_or(last + 1);
        let mut file = File::options().write(true).open(&whole)?;
        // What was added of parts that are still there may be half of them.
        let kept: u64 = self.0.iter().take(next as usize - 1).map(|part| part.bytes).sum();
        if file.metadata()?.len() < kept {
            return Err(io::Error::other("bytes of an upload are missing"));
        }
        file.set_len(kept)?;
        io::Seek::seek(&mut file, io::SeekFrom::End(0))?;
        let numbers: Vec<u32> = (next..=last).collect();
        for some in numbers.chunks(FOLD_PARTS) {
            for number in some {
                // From file to file in the kernel: no byte passes through here.
                io::copy(&mut File::open(part_path(folder, *number))?, &mut file)?;
            }
            flush(&whole)?;
            for number in some {
                fs::remove_file(part_path(folder, *number))?;
            }
        }
        flush(&whole)?;
        Ok(Some(whole))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const PARTS: u32 = 20;

    fn content(number: u32) -> Vec<u8> {
        vec![number as u8; 10 + number as usize]
    }

    fn upload() -> (tempfile::TempDir, Assembly) {
        let folder = tempfile::tempdir().unwrap();
        let part = |number: u32| {
            fs::write(part_path(folder.path(), number), content(number)).unwrap();
            Recorded { bytes: content(number).len() as u64, tag: String::new() }
        };
        let assembly = Assembly((1..=PARTS).map(part).collect());
        (folder, assembly)
    }

    fn whole(folder: &Path) -> Vec<u8> {
        fs::read(folder.join(WHOLE)).unwrap()
    }

    #[test]
    fn cut_off_anywhere_it_goes_on_and_no_byte_is_lost_or_doubled() {
        let expected: Vec<u8> = (1..=PARTS).flat_map(content).collect();
        for cut in 0..10 {
            let (folder, assembly) = upload();
            let (flushes, path) = (Cell::new(0), folder.path());
            let dying = |_: &Path| {
                flushes.set(flushes.get() + 1);
                if flushes.get() > cut { Err(io::Error::other("the end")) } else { Ok(()) }
            };
            let ended = assembly.fold(path, &dying);
            if cut >= 5 {
                assert!(ended.unwrap().is_some(), "{cut} flushes are enough");
            } else {
                assert!(ended.is_err());
                // And half a part on top, as a crash leaves it.
                let mut torn = whole(path);
                torn.extend_from_slice(b"half a part");
                fs::write(path.join(WHOLE), torn).unwrap();
                assert!(assembly.fold(path, &|_| Ok(())).unwrap().is_some());
            }
            assert_eq!(whole(path), expected, "{cut}");
            let left = fs::read_dir(path).unwrap().count();
            assert_eq!(left, 1, "the parts are gone");
            fs::remove_file(path.join(WHOLE)).unwrap();
            assert_eq!(assembly.fold(path, &|_| Ok(())).unwrap(), None, "it has become the object");
        }
    }

    #[test]
    fn no_more_than_a_few_parts_are_there_twice() {
        let (folder, assembly) = upload();
        let path = folder.path();
        let most = Cell::new(0);
        let watching = |_: &Path| {
            let held: u64 = fs::read_dir(path)?.flatten().filter_map(|file| Some(file.metadata().ok()?.len())).sum();
            most.set(most.get().max(held));
            Ok(())
        };
        assembly.fold(path, &watching).unwrap();
        let all: u64 = assembly.0.iter().map(|part| part.bytes).sum();
        let few: u64 = assembly.0.iter().rev().take(8).map(|part| part.bytes).sum();
        assert!(most.get() <= all + few, "{} of {all}", most.get());
    }
}
