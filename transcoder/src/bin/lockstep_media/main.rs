//! `lockstep-media`: the one program that links libav. A child of the transcoder that reads one job and the
//! source's bytes from a pipe and writes segments to another.
//!
//! It never sees a path, a URL or a credential; before the first byte of media it gives up the network, new
//! files and most of its resources (`sandbox`), and libav may only use the demuxers and decoders listed in
//! `open`. A distributed binary of it is GPL-3.0-or-later, because Debian's FFmpeg and x264 are.

mod audio;
mod captions;
mod chunk;
mod encoder;
mod fail;
mod graph;
mod jpeg;
#[allow(unsafe_code, reason = "the few libav calls that ffmpeg-next has no safe form of")]
mod libav;
mod open;
mod pictures;
mod probe;
#[allow(unsafe_code, reason = "prctl, setrlimit and unshare are plain system calls")]
mod sandbox;
mod source;
mod thumbnail;
mod tiles;
mod tracks;
mod wire;

use std::process::ExitCode;

use lockstep_domain::work::Failure;
use lockstep_transcoder::protocol::{Done, Job, Kind, Task};
use wire::Wire;

/// What a job may use.
pub struct Bench {
    pub wire: Wire,
    pub source_bytes: u64,
    /// False only in the positive control of the hostile-files test.
    pub allow_list: bool,
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("--version") {
        println!("lockstep-media {} with libavcodec {}", env!("CARGO_PKG_VERSION"), libav::version());
        return ExitCode::SUCCESS;
    }
    let switches = sandbox::Switches::from_arguments(std::env::args().skip(1));
    sandbox::close_inherited();
    let Ok(wire) = Wire::take_over() else { return ExitCode::from(2) };
    let Ok(job) = wire.job() else { return ExitCode::from(2) };
    let applied = sandbox::enter(&switches, job.task.media_s());
    libav::prepare();
    let bench = Bench { wire: wire.clone(), source_bytes: job.source_bytes, allow_list: switches.allow_list };
    let told = wire.send_json(Kind::Sandbox, &applied).and_then(|()| match run(&bench, &job) {
        Ok(done) => wire.send_json(Kind::Done, &done),
        Err(failure) => wire.send_json(Kind::Error, &failure),
    });
    // Tearing libav down takes time and can only crash: everything is written, so the process just ends.
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn run(bench: &Bench, job: &Job) -> Result<Done, Failure> {
    if job.source_bytes == 0 {
        return Err(fail::empty());
    }
    let result = match &job.task {
        Task::Probe => probe::run(bench).map(Done::Probed),
        Task::Chunk(task) => chunk::run(bench, task).map(|()| Done::Encoded),
        Task::Audio(task) => audio::run(bench, task).map(|()| Done::Encoded),
        Task::Captions(task) => captions::run(bench, task).map(|()| Done::Encoded),
        Task::Thumbnail(task) => thumbnail::run(bench, task).map(|()| Done::Encoded),
    };
    // Whatever libav made of it: bytes that could not be fetched are not the file's fault.
    if bench.wire.source_failed() { Err(fail::unavailable()) } else { result }
}
