//! The source as libav sees it: a seekable stream of bytes that come from the parent, read ahead.

use std::io::{self, Read, Seek, SeekFrom};

use lockstep_transcoder::protocol::RANGE_BYTES_MAX;

use crate::wire::Wire;

/// The first read after a jump, bytes; it doubles while reads stay in order.
const AHEAD_BYTES_MIN: u32 = 256 << 10;

/// One window of the source.
pub struct Source {
    wire: Wire,
    bytes: u64,
    at: u64,
    window_start: u64,
    window: Vec<u8>,
    ahead: u32,
}

impl Source {
    pub fn new(wire: Wire, bytes: u64) -> Self {
        Self { wire, bytes, at: 0, window_start: 0, window: Vec::new(), ahead: AHEAD_BYTES_MIN }
    }

    fn window_end(&self) -> u64 {
        self.window_start + self.window.len() as u64
    }

    fn fill(&mut self) -> io::Result<()> {
        let in_order = !self.window.is_empty() && self.at == self.window_end();
        self.ahead = if in_order { (self.ahead * 2).min(RANGE_BYTES_MAX) } else { AHEAD_BYTES_MIN };
        let left = u32::try_from(self.bytes - self.at).unwrap_or(u32::MAX);
        self.window = self.wire.range(self.at, self.ahead.min(left))?;
        self.window_start = self.at;
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.bytes || buffer.is_empty() {
            return Ok(0);
        }
        if self.at < self.window_start || self.at >= self.window_end() {
            self.fill()?;
        }
        let from = usize::try_from(self.at - self.window_start).map_err(io::Error::other)?;
        let held = &self.window[from.min(self.window.len())..];
        let count = held.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
