//! The text tracks of a source as WebVTT files. No decoder is needed: the packets are text.

use ffmpeg_next as ff;
use lockstep_domain::{
    captions::{self, CAPTION_BYTES_MAX, CUES_MAX, Cue, END_MS_MAX},
    video::{LABEL_CHARS_MAX, TextKind},
    work::Failure,
};
use lockstep_transcoder::protocol::{CaptionsTask, SegmentHead, TEXT};

use crate::{Bench, fail, libav, open, pictures};

/// How long words without an end are shown, milliseconds.
const SHOWN_MS: i64 = 3_000;
/// Packets between two progress frames.
const PROGRESS_PACKETS: u32 = 200;
/// Packets that may be unreadable before the rest is left out.
const BAD_PACKETS_MAX: u32 = 5_000;

/// Takes out every track; one without words, or with too many, is left out.
pub fn run(bench: &Bench, task: &CaptionsTask) -> Result<(), Failure> {
    let clock = lockstep_transcoder::plan::clock(25, 1);
    let zero_us = pictures::Pictures::open(bench, clock)?.origin_us();
    let mut input = open::open(bench)?;
    let wanted: Vec<usize> = task.tracks.iter().filter_map(|track| usize::try_from(track.stream).ok()).collect();
    let pictures = open::video_stream(&input);
    libav::keep_words(&mut input, &wanted, pictures);
    let mut found: Vec<Vec<Cue>> = task.tracks.iter().map(|_| Vec::new()).collect();
    let (mut packets, mut bad_packets) = (0_u32, 0_u32);
    loop {
        let mut packet = ff::Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(ff::Error::InvalidData) if bad_packets < BAD_PACKETS_MAX => {
                bad_packets += 1;
                continue;
            }
            Err(_) => break,
        }
        packets += 1;
        if packets % PROGRESS_PACKETS == 0 {
            bench.wire.progress(0).map_err(|_| fail::gone())?;
        }
        let Some(place) = wanted.iter().position(|stream| *stream == packet.stream()) else { continue };
        let Some(base) = input.stream(packet.stream()).map(|stream| stream.time_base()) else { continue };
        // One more than may be is enough to know that the track is left out.
        if found[place].len() <= CUES_MAX {
            found[place].extend(cue(&packet, base, zero_us, task.tracks[place].kind));
        }
    }
    for ((number, track), cues) in (1..).zip(&task.tracks).zip(&found) {
        send(bench, number, label(&input, track.stream), cues)?;
    }
    Ok(())
}

/// The words of one packet, on the film's time axis.
fn cue(packet: &ff::Packet, base: ff::Rational, zero_us: i64, kind: TextKind) -> Option<Cue> {
    let thousandths = ff::Rational(1, 1000);
    let start = pictures::rescale(packet.pts().or(packet.dts())?, base, thousandths) - zero_us / 1000;
    let lasts = Some(pictures::rescale(packet.duration(), base, thousandths)).filter(|ms| *ms > 0).unwrap_or(SHOWN_MS);
    let data = packet.data()?;
    let words = String::from_utf8_lossy(data);
    let text = match kind {
        TextKind::Subrip => captions::from_subrip(&words),
        TextKind::Ass => captions::from_ass(&words),
        TextKind::MovText => captions::from_mov_text(data),
        TextKind::Webvtt => captions::from_webvtt(&words),
    };
    let (start_ms, end_ms) = (u32::try_from(start.max(0)).ok()?, u32::try_from(start + lasts).ok()?);
    let shown = !text.is_empty() && end_ms > start_ms && end_ms <= END_MS_MAX;
    shown.then_some(Cue { start_ms, end_ms, text })
}

fn send(bench: &Bench, number: u32, label: Option<String>, cues: &[Cue]) -> Result<(), Failure> {
    let text = captions::webvtt(cues);
    if cues.is_empty() || cues.len() > CUES_MAX || text.len() > CAPTION_BYTES_MAX {
        return Ok(());
    }
    let rendition = TEXT.to_owned();
    let segment = SegmentHead { rendition, number, pts_us: 0, duration_us: 0, codecs: None, label };
    bench.wire.segment(&segment, text.as_bytes()).map_err(|_| fail::gone())
}

/// What the file calls the track.
fn label(input: &ff::format::context::Input, stream: u32) -> Option<String> {
    let stream = input.stream(usize::try_from(stream).ok()?)?;
    let told = stream.metadata().get("title")?.to_owned();
    let label: String = told.chars().filter(|c| !c.is_control()).take(LABEL_CHARS_MAX).collect();
    Some(label.trim().to_owned()).filter(|label| !label.is_empty())
}
