//! Real encodes of small clips: what comes out joins, starts at zero and decodes clean.

use std::path::Path;

use lockstep_domain::{
    time::MediaTime,
    work::{Segment, WorkKind},
};
use lockstep_transcoder::{
    child::ChildError,
    manifest::{Ledger, dash, hls},
    plan,
    protocol::{SegmentHead, Task, failure},
};

use crate::{
    clips,
    rig::{self, Kept, Memory},
};

pub fn ledger_segment(head: &SegmentHead, bytes: usize) -> Segment {
    Segment {
        rendition: head.rendition.clone(),
        number: head.number,
        pts_us: MediaTime::from_micros(head.pts_us),
        duration_us: MediaTime::from_micros(head.duration_us),
        bytes: bytes as u64,
        sha256: String::new(),
        codecs: head.codecs.clone(),
    }
}

/// Each rung: decodes without a word, pictures evenly apart from zero on, IDR pictures every two seconds at the most.
fn check_rung(kept: &Kept, rendition: &str, folder: &Path, frames: usize, frame_ticks: i64, gop_frames: usize) {
    let path = kept.join(rendition, folder);
    assert_eq!(clips::decode(&path).len(), frames, "{rendition}");
    let packets = clips::packets(&path);
    let mut times: Vec<i64> = packets.iter().map(|packet| packet.pts).collect();
    times.sort_unstable();
    let expected: Vec<i64> = (0..frames as i64).map(|n| n * frame_ticks).collect();
    assert_eq!(times, expected, "{rendition}");
    assert!(packets.windows(2).all(|pair| pair[0].dts + frame_ticks == pair[1].dts), "{rendition}: decode times join");
    let keys: Vec<i64> = packets.iter().filter(|packet| packet.key).map(|packet| packet.pts / frame_ticks).collect();
    let wanted: Vec<i64> = (0..frames as i64).step_by(gop_frames).collect();
    assert_eq!(keys, wanted, "{rendition}");
}

#[tokio::test]
async fn two_chunks_join_in_every_rung() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Memory::file(&clips::film(folder.path(), "film.mp4", "640x480", "25", 10));
    let probed = rig::probe(&clip).await;
    assert_eq!((probed.width, probed.height, probed.duration_us), (640, 480, MediaTime::from_millis(10_000)));
    assert_eq!((probed.frame_rate_num, probed.frame_rate_den), (25, 1));
    let plan = plan::plan(&probed);
    let chunks = plan.items.iter().filter(|item| matches!(item.kind, WorkKind::Chunk { .. })).count();
    assert_eq!(chunks, 2);
    let kept = rig::encode_all(&clip, &probed).await;
    for rung in ["480p", "360p"] {
        check_rung(&kept, rung, folder.path(), 250, 4096, 50);
    }
    for number in 1..=3 {
        let spans: Vec<(i64, i64)> = ["480p", "360p"]
            .map(|rung| &kept.segments[&(rung.to_owned(), number)].0)
            .map(|head| (head.pts_us, head.duration_us))
            .to_vec();
        assert_eq!(spans[0], spans[1], "segments are as long in every rung");
    }
    check_sound(&kept, "audio", folder.path(), 10.0);
    let (poster, jpeg) = &kept.segments[&("thumb".to_owned(), 1)];
    assert_eq!(poster.pts_us, 1_000_000);
    assert_eq!(jpeg[..3], [0xff, 0xd8, 0xff]);
    let published: Vec<Segment> =
        kept.segments.values().map(|(head, bytes)| ledger_segment(head, bytes.len())).collect();
    let ledger = Ledger::new(&probed, &plan.renditions, &published).expect("the film is whole");
    play_manifests(&ledger, &kept, folder.path());
}

pub fn check_sound(kept: &Kept, rendition: &str, folder: &Path, seconds: f64) {
    let path = kept.join(rendition, folder);
    let packets = clips::packets(&path);
    assert_eq!(packets[0].pts, 0);
    assert!(packets.windows(2).all(|pair| pair[0].pts + 1024 == pair[1].pts));
    let end = packets.last().unwrap().pts + 1024;
    assert!((end as f64 / 48_000.0 - seconds).abs() < 0.022, "{end}");
    clips::decode(&path);
}

/// ffmpeg plays the film from both manifests, laid out as in the bucket.
fn play_manifests(ledger: &Ledger, kept: &Kept, folder: &Path) {
    let root = folder.join("v");
    for ((rendition, number), (_, bytes)) in &kept.segments {
        let to = root.join(rendition).join(lockstep_transcoder::keys::file_name(*number));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
    for track in ledger.video.iter().chain(&ledger.audio) {
        std::fs::write(root.join(&track.plan.name).join("playlist.m3u8"), hls::media(track)).unwrap();
    }
    std::fs::write(root.join("master.m3u8"), hls::master(ledger)).unwrap();
    std::fs::write(root.join("manifest.mpd"), dash::mpd(ledger)).unwrap();
    for manifest in ["master.m3u8", "manifest.mpd"] {
        let found =
            clips::ffprobe(&root.join(manifest), &["-show_entries", "stream=codec_name,width", "-of", "csv=p=0"]);
        for wanted in ["h264,640", "h264,480", "aac"] {
            assert!(found.contains(wanted), "{manifest}: {found}");
        }
    }
}

#[tokio::test]
async fn a_chunk_encoded_twice_is_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Memory::file(&clips::film(folder.path(), "film.mp4", "320x240", "30000/1001", 6));
    let probed = rig::probe(&clip).await;
    assert_eq!((probed.frame_rate_num, probed.frame_rate_den), (30_000, 1001));
    let mut runs = Vec::new();
    for _ in 0..2 {
        let mut kept = Kept::default();
        let task = Task::Chunk(plan::chunk_task(&probed, 1, 2));
        assert!(rig::run(&rig::program(), &clip, task, &mut kept).await.is_ok());
        runs.push(kept.segments);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_turned_picture_stands_upright_and_needs_no_sound() {
    let folder = tempfile::tempdir().unwrap();
    let flat = clips::make(
        folder.path(),
        "flat.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25 -t 2 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let turn = format!("-i {} -c copy -metadata:s:v rotate=90", flat.display());
    let clip = Memory::file(&clips::make(folder.path(), "turned.mp4", &turn));
    let probed = rig::probe(&clip).await;
    assert_eq!((probed.width, probed.height), (180, 320));
    assert!(matches!(probed.rotation_degrees, 90 | 270), "{}", probed.rotation_degrees);
    assert_eq!((probed.audio_codec.as_deref(), probed.audio_channels), (None, 0));
    let kept = rig::encode_all(&clip, &probed).await;
    assert_eq!(kept.of("audio").count(), 0);
    let path = kept.join("360p", folder.path());
    let size = clips::ffprobe(&path, &["-show_entries", "stream=width,height,sample_aspect_ratio", "-of", "csv=p=0"]);
    assert_eq!(size.trim(), "180,320,1:1");
    assert_eq!(clips::decode(&path).len(), 50);
    assert_upright(&path, &flat, probed.rotation_degrees);
}

/// The turned film's first picture looks like the flat one's, turned by the command line.
fn assert_upright(ours: &Path, flat: &Path, degrees: i32) {
    let turn = if degrees == 90 { "transpose=clock" } else { "transpose=cclock" };
    let output = std::process::Command::new("ffmpeg")
        .args(["-loglevel", "info", "-i"])
        .arg(ours)
        .arg("-i")
        .arg(flat)
        .args(["-lavfi", &format!("[1]{turn}[b];[0][b]psnr"), "-frames:v", "10", "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let average = text.split("average:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("0");
    assert!(average.parse::<f64>().unwrap_or(0.0) > 22.0, "{text}");
}

#[tokio::test]
async fn odd_sizes_become_even_and_square() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips::make(
        folder.path(),
        "odd.mkv",
        "-f lavfi -i testsrc2=size=351x287:rate=30 -t 3 -vf scale=351:287,setsar=16/15 -c:v mpeg4 -q:v 5",
    );
    let clip = Memory::file(&clip);
    let probed = rig::probe(&clip).await;
    assert_eq!((probed.width, probed.height, probed.container.as_str()), (374, 287, "matroska"));
    let kept = rig::encode_all(&clip, &probed).await;
    let path = kept.join("360p", folder.path());
    let size = clips::ffprobe(&path, &["-show_entries", "stream=width,height,sample_aspect_ratio", "-of", "csv=p=0"]);
    assert_eq!(size.trim(), "374,286,1:1");
    check_rung(&kept, "360p", folder.path(), 90, 2048, 60);
}

#[tokio::test]
async fn uneven_frames_keep_their_times_and_every_cut_has_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    // 30 frames per second, but three seconds stand still: no picture between 3.0 and 9.0 seconds.
    let clip = clips::make(
        folder.path(),
        "uneven.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=30 -t 11 -vf select='lt(t,3)+gt(t,9)' -vsync vfr -c:v libx264 -preset \
         ultrafast -pix_fmt yuv420p",
    );
    let clip = Memory::file(&clip);
    let probed = rig::probe(&clip).await;
    let kept = rig::encode_all(&clip, &probed).await;
    let spans: Vec<(i64, i64)> = kept.of("360p").skip(1).map(|(head, _)| (head.pts_us, head.duration_us)).collect();
    let grid = plan::grid(&probed);
    assert_eq!(spans.len(), grid.spans.len());
    for pair in spans.windows(2) {
        assert_eq!(pair[0].0 + pair[0].1, pair[1].0, "segments join: {spans:?}");
    }
    for (span, (pts_us, _)) in grid.spans.iter().zip(&spans) {
        let cut_us = grid.clock.us(span.start);
        assert!((pts_us - cut_us).abs() < 40_000, "a segment starts at its cut: {pts_us} {cut_us}");
    }
    clips::decode(&kept.join("360p", folder.path()));
}

#[tokio::test]
async fn surround_sound_becomes_stereo_from_the_picture_s_zero() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clips::make(
        folder.path(),
        "surround.mkv",
        "-f lavfi -i testsrc2=size=160x120:rate=25 -itsoffset 1.5 -f lavfi -i sine=frequency=1000:sample_rate=48000 -t 5 \
         -c:v libx264 -preset ultrafast -pix_fmt yuv420p -af pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0 -c:a ac3",
    );
    let clip = Memory::file(&clip);
    let probed = rig::probe(&clip).await;
    assert_eq!((probed.audio_codec.as_deref(), probed.audio_channels), (Some("ac3"), 6));
    let kept = rig::encode_all(&clip, &probed).await;
    check_sound(&kept, "audio", folder.path(), 5.0);
    let path = kept.join("audio", folder.path());
    let shape = clips::ffprobe(&path, &["-show_entries", "stream=codec_name,sample_rate,channels", "-of", "csv=p=0"]);
    assert_eq!(shape.trim(), "aac,48000,2");
    let start = silence_end(&path);
    assert!((start - 1.5).abs() < 0.03, "the sound starts where it did: {start}");
}

fn silence_end(path: &Path) -> f64 {
    let output = std::process::Command::new("ffmpeg")
        .args(["-hide_banner", "-i"])
        .arg(path)
        .args(["-af", "silencedetect=noise=-40dB:d=0.5", "-f", "null", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let end = text.split("silence_end: ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("0");
    end.parse().unwrap_or(0.0)
}

#[tokio::test]
async fn a_child_that_gets_no_bytes_says_so() {
    struct Absent;
    #[async_trait::async_trait]
    impl lockstep_transcoder::child::ByteSource for Absent {
        async fn read(&self, _: u64, _: u32) -> Result<bytes::Bytes, lockstep_transcoder::child::Unreadable> {
            Err(lockstep_transcoder::child::Unreadable("the store is away".to_owned()))
        }
    }
    let job = lockstep_transcoder::protocol::Job { source_bytes: 1000, task: Task::Probe };
    let cancel = tokio_util::sync::CancellationToken::new();
    let ended = rig::program().run(&job, &Absent, &mut Kept::default(), &cancel).await;
    let Err(ChildError::Failed(told)) = ended else { panic!("{ended:?}") };
    assert_eq!(told.code, failure("", "source_unavailable", "").code);
    assert!(told.retryable);
}
