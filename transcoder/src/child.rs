//! Running one `lockstep-media` child: its frames answered, its segments handed on, its silence bounded.
//!
//! The child gets no environment, no arguments of ours and no file; the source's bytes come from a
//! [`ByteSource`]. It is killed when it says nothing new for too long, when its claim is gone, and when dropped.

use std::{path::PathBuf, process::Stdio, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use lockstep_domain::work::Failure;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::limits::SILENCE_MAX;
use crate::protocol::{self, Done, HEAD_BYTES, Job, Kind, Progress, RANGE_BYTES_MAX, Range, Sandbox, SegmentHead};

/// Bytes of the child's own words that are kept for the log.
const LOG_BYTES_MAX: usize = 8 << 10;
/// How long a child may take to end after its last frame.
const EXIT_WAIT: Duration = Duration::from_secs(5);

/// The source's bytes, wherever they are.
#[async_trait]
pub trait ByteSource: Send + Sync {
    /// At most `bytes` bytes from `start`; fewer or none at the end.
    async fn read(&self, start: u64, bytes: u32) -> Result<Bytes, Unreadable>;
}

/// The source cannot be read now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Where the child's results go.
#[async_trait]
pub trait Sink: Send {
    /// A finished segment. An error kills the child.
    async fn segment(&mut self, head: SegmentHead, bytes: Bytes) -> Result<(), Refused>;
    /// Media time worked through.
    async fn progress(&mut self, progress: Progress);
}

/// The receiver does not want (or cannot take) what the child made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The program and its limits.
#[derive(Debug, Clone)]
pub struct MediaProgram {
    pub path: PathBuf,
    /// Nothing in the product sets these; see the switches of the hostile-files test.
    pub arguments: Vec<String>,
    /// A child without a new segment or new progress for this long is killed.
    pub silence_max: Duration,
}

impl MediaProgram {
    /// The program at this path with the product's limits.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: Vec::new(), silence_max: SILENCE_MAX }
    }
}

/// Why a child ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    /// The child says why, in words for the uploader.
    #[error("{}: {}", .0.code, .0.reason)]
    Failed(Failure),
    /// It died: a crash in a decoder, or a limit of the kernel.
    #[error("lockstep-media died ({how}): {log}")]
    Crashed { how: String, log: String },
    #[error("lockstep-media made no progress for {0:?}")]
    Silent(Duration),
    #[error("stopped from outside")]
    Cancelled,
    #[error("the result was refused: {0}")]
    Refused(String),
    #[error("lockstep-media cannot be started: {0}")]
    NotStarted(String),
}

/// A job's result, and what the child had given up before it began.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    pub done: Done,
    pub sandbox: Sandbox,
}

impl MediaProgram {
    /// Runs one job to its end.
    pub async fn run(
        &self,
        job: &Job,
        source: &dyn ByteSource,
        sink: &mut dyn Sink,
        cancel: &CancellationToken,
    ) -> Result<Finished, ChildError> {
        let mut child = self.start()?;
        let (Some(input), Some(output), Some(log)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ChildError::NotStarted("no pipes".to_owned()));
        };
        let log = tokio::spawn(last_words(log));
        let mut talk = Talk { input, output, source, sink, sandbox: Sandbox::default() };
        let spoken = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(ChildError::Cancelled),
            spoken = talk.run(job, self.silence_max) => spoken,
        };
        let sandbox = talk.sandbox.clone();
        // Closes the pipes: a child that still writes ends by itself.
        drop(talk);
        let how = end(&mut child, spoken.is_ok()).await;
        let log = log.await.unwrap_or_default();
        match spoken {
            Ok(Some(done)) => Ok(Finished { done, sandbox }),
            Ok(None) => Err(ChildError::Crashed { how, log }),
            Err(error) => Err(error),
        }
    }

    fn start(&self) -> Result<Child, ChildError> {
        Command::new(&self.path)
            .args(&self.arguments)
            .env_clear()
            // Few arenas: each reserves address space, which is limited.
            .env("MALLOC_ARENA_MAX", "2")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| ChildError::NotStarted(format!("{}: {error}", self.path.display())))
    }
}

/// Waits for the child, killing it first unless it is done; says how it ended.
async fn end(child: &mut Child, done: bool) -> String {
    if !done {
        let _ = child.start_kill();
    }
    match tokio::time::timeout(EXIT_WAIT, child.wait()).await {
        Ok(Ok(status)) => status.to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => {
            let _ = child.start_kill();
            let _ = child.wait().await;
            "it did not end".to_owned()
        }
    }
}

/// The last bytes of a pipe, as text.
async fn last_words(mut pipe: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        let over = kept.len().saturating_sub(LOG_BYTES_MAX);
        kept.drain(..over);
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}

/// What a child says of its own accord.
enum Heard {
    Segment(SegmentHead, Bytes),
    Progress(Progress),
    Done(Done),
    Failed(Failure),
}

/// The conversation with one child.
struct Talk<'a, I, O> {
    input: I,
    output: O,
    source: &'a dyn ByteSource,
    sink: &'a mut dyn Sink,
    sandbox: Sandbox,
}

impl<O: AsyncRead + Unpin + Send> Talk<'_, ChildStdin, O> {
    /// `None` when the child ended without a last frame. Only segments and progress count as signs of life:
    /// a file that makes the demuxer read for ever is stopped too.
    async fn run(&mut self, job: &Job, silence_max: Duration) -> Result<Option<Done>, ChildError> {
        let job = serde_json::to_vec(job).map_err(|error| ChildError::NotStarted(error.to_string()))?;
        if self.send(Kind::Job, &job).await.is_err() {
            return Ok(None);
        }
        let mut silence = std::pin::pin!(sleep(silence_max));
        loop {
            let heard = tokio::select! {
                heard = self.hear() => heard,
                () = &mut silence => return Err(ChildError::Silent(silence_max)),
            };
            match heard {
                Some(Heard::Segment(head, bytes)) => {
                    self.sink.segment(head, bytes).await.map_err(|Refused(why)| ChildError::Refused(why))?;
                }
                Some(Heard::Progress(progress)) => self.sink.progress(progress).await,
                Some(Heard::Done(done)) => return Ok(Some(done)),
                Some(Heard::Failed(failure)) => return Err(ChildError::Failed(failure)),
                None => return Ok(None),
            }
            silence.set(sleep(silence_max));
        }
    }

    /// Answers the child's requests until it says something; `None` when it ended or broke the protocol.
    async fn hear(&mut self) -> Option<Heard> {
        loop {
            let (kind, body) = self.receive().await?;
            match kind {
                Kind::Range => self.answer(&body).await?,
                Kind::Sandbox => self.sandbox = serde_json::from_slice(&body).ok()?,
                Kind::Segment => return split_segment(body).map(|(head, bytes)| Heard::Segment(head, bytes)),
                Kind::Progress => return serde_json::from_slice(&body).ok().map(Heard::Progress),
                Kind::Done => return serde_json::from_slice(&body).ok().map(Heard::Done),
                Kind::Error => return serde_json::from_slice(&body).ok().map(Heard::Failed),
                Kind::Job | Kind::Bytes | Kind::Unavailable => return None,
            }
        }
    }

    /// The next frame; `None` at the end, and for a frame that breaks the protocol.
    async fn receive(&mut self) -> Option<(Kind, Vec<u8>)> {
        let mut head = [0; HEAD_BYTES];
        self.output.read_exact(&mut head).await.ok()?;
        let (kind, length) = protocol::parse_head(head)?;
        let mut body = vec![0; length as usize];
        self.output.read_exact(&mut body).await.ok()?;
        Some((kind, body))
    }

    async fn send(&mut self, kind: Kind, body: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(body.len()).map_err(std::io::Error::other)?;
        self.input.write_all(&protocol::head(kind, length)).await?;
        self.input.write_all(body).await?;
        self.input.flush().await
    }

    async fn answer(&mut self, request: &[u8]) -> Option<()> {
        let range: Range = serde_json::from_slice(request).ok()?;
        let read = self.source.read(range.start, range.bytes.min(RANGE_BYTES_MAX)).await;
        let sent = match read {
            Ok(bytes) => self.send(Kind::Bytes, &bytes).await,
            Err(Unreadable(why)) => self.send(Kind::Unavailable, why.as_bytes()).await,
        };
        sent.ok()
    }
}

fn split_segment(body: Vec<u8>) -> Option<(SegmentHead, Bytes)> {
    let mut body = Bytes::from(body);
    let length = body.get(..4)?.try_into().map(u32::from_le_bytes).ok()?;
    let mut rest = body.split_off(4);
    if rest.len() < length as usize {
        return None;
    }
    let media = rest.split_off(length as usize);
    Some((serde_json::from_slice(&rest).ok()?, media))
}
