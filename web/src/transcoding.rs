//! Where the program that decodes and encodes is.

use std::path::PathBuf;

use lockstep_commands::Services;
use lockstep_transcoder::{Transcoder, TranscoderOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// `LOCKSTEP_MEDIA_PROGRAM`, else `lockstep-media` beside this program.
pub fn media_program(config: &Config) -> PathBuf {
    config.server.media_program.clone().unwrap_or_else(|| {
        std::env::current_exe()
            .ok()
            .and_then(|own| Some(own.parent()?.join("lockstep-media")))
            .unwrap_or_else(|| "lockstep-media".into())
    })
}

/// Runs it once: `Err` says why it does not start (a missing FFmpeg library, a missing file).
pub async fn check(config: &Config) -> Result<String, String> {
    let program = media_program(config);
    let run = tokio::process::Command::new(&program).arg("--version").stdin(std::process::Stdio::null()).output();
    let output = match tokio::time::timeout(std::time::Duration::from_secs(10), run).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{} cannot be started: {error}", program.display())),
        Err(_) => return Err(format!("{} does not answer", program.display())),
    };
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: {}", program.display(), said.lines().next().unwrap_or("it failed without a word")))
    }
}

/// Starts the worker of this process.
pub fn start(config: &Config, services: &Services, shutdown: CancellationToken) -> JoinHandle<()> {
    let options = TranscoderOptions {
        worker: crate::backend::node_name(),
        media_program: media_program(config),
        concurrency: config.server.transcode_slots,
    };
    tokio::spawn(Transcoder::new(services.clone(), options).run(shutdown))
}
