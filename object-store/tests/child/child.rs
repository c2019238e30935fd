//! A process for the tests to kill: goes through the sequence on the folder it is given and says what was acknowledged. With
//! a number it ends by itself, as if killed, before the so many-th flush to the disk.

mod sequence;

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder"));
    let last: u32 = arguments.next().map_or(u32::MAX, |number| number.parse().expect("a number"));
    let flushes = AtomicU32::new(0);
    let sync = move |path: &Path| {
        if flushes.fetch_add(1, Ordering::SeqCst) >= last {
            std::process::abort();
        }
        std::fs::File::open(path)?.sync_all()
    };
    let (embedded, buckets) = sequence::open(&folder, Some(Arc::new(sync)));
    sequence::go(&embedded, &buckets, |step| {
        println!("{step}");
        std::io::stdout().flush().expect("somebody listens");
    })
    .await;
}
