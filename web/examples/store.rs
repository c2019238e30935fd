//! An S3 store for browser tests with several nodes: `store FOLDER` keeps its files there, says its address on a line and
//! runs until its input ends.
#![allow(clippy::disallowed_methods, reason = "a helper of tests reads their settings")]

#[path = "../tests/it/store.rs"]
mod store;

use std::io::Read;

#[tokio::main]
async fn main() {
    let folder = std::env::args_os().nth(1).expect("usage: store FOLDER");
    println!("{}", store::s3(folder.as_ref()).await);
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    ended.await.expect("it reads").expect("an input");
}
