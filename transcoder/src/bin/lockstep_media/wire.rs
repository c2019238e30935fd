//! The child's end of the pipes to its parent.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use lockstep_transcoder::protocol::{HEAD_BYTES, Job, Kind, Progress, Range, SegmentHead, head, parse_head};
use serde::Serialize;

/// Both pipes, shared between the job and libav's reader (same thread).
#[derive(Clone)]
pub struct Wire {
    pipes: Arc<Mutex<Pipes>>,
    source_failed: Arc<AtomicBool>,
}

struct Pipes {
    input: File,
    output: File,
}

impl Wire {
    /// Duplicates stdin and stdout, so that nothing else writes into the frames.
    pub fn take_over() -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { pipes: Arc::new(Mutex::new(Pipes { input, output })), source_failed: Arc::default() })
    }

    /// The first frame from the parent.
    pub fn job(&self) -> io::Result<Job> {
        let (kind, body) = self.lock().receive()?;
        if kind != Kind::Job {
            return Err(io::Error::other("the first frame is not a job"));
        }
        serde_json::from_slice(&body).map_err(io::Error::other)
    }

    /// True once the parent said that the source cannot be read.
    pub fn source_failed(&self) -> bool {
        self.source_failed.load(Ordering::Relaxed)
    }

    pub fn send_json(&self, kind: Kind, body: &impl Serialize) -> io::Result<()> {
        self.lock().send(kind, &[&serde_json::to_vec(body)?])
    }

    /// One finished segment.
    pub fn segment(&self, segment: &SegmentHead, bytes: &[u8]) -> io::Result<()> {
        let json = serde_json::to_vec(segment)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        self.lock().send(Kind::Segment, &[&length.to_le_bytes(), &json, bytes])
    }

    pub fn progress(&self, done_us: i64) -> io::Result<()> {
        self.send_json(Kind::Progress, &Progress { done_us })
    }

    /// Bytes of the source from `start`: at most `bytes`, fewer or none at its end.
    pub fn range(&self, start: u64, bytes: u32) -> io::Result<Vec<u8>> {
        let mut pipes = self.lock();
        pipes.send(Kind::Range, &[&serde_json::to_vec(&Range { start, bytes })?])?;
        match pipes.receive()? {
            (Kind::Bytes, body) => Ok(body),
            (_, reason) => {
                self.source_failed.store(true, Ordering::Relaxed);
                Err(io::Error::other(String::from_utf8_lossy(&reason).into_owned()))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pipes> {
        self.pipes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Pipes {
    fn receive(&mut self) -> io::Result<(Kind, Vec<u8>)> {
        let mut bytes = [0; HEAD_BYTES];
        self.input.read_exact(&mut bytes)?;
        let (kind, length) = parse_head(bytes).ok_or_else(|| io::Error::other("not a frame"))?;
        let mut body = vec![0; length as usize];
        self.input.read_exact(&mut body)?;
        Ok((kind, body))
    }

    fn send(&mut self, kind: Kind, parts: &[&[u8]]) -> io::Result<()> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length).map_err(io::Error::other)?;
        self.output.write_all(&head(kind, length))?;
        for part in parts {
            self.output.write_all(part)?;
        }
        Ok(())
    }
}
