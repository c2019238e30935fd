//! Files that are small and would cost much: refused by the probe with a reason, soon, before anything is transcoded.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use lockstep_domain::captions::CUES_MAX;
use lockstep_transcoder::{
    child::{ByteSource, ChildError, Unreadable},
    limits::{
        ADDRESS_SPACE_BYTES, BYTES_FREE, BYTES_PER_S_MAX, CPU_S, CPU_S_PER_MEDIA_S, DESCRIPTORS, STREAMS_MAX,
        is_too_dense, is_too_fast,
    },
    plan,
    protocol::{Job, Task},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clips,
    rig::{self, Kept, Memory},
};

/// A probe says no within this, on a busy machine too.
const SOON: Duration = Duration::from_secs(40);
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

/// The code a probe of these bytes ends with.
async fn refused(bytes: Vec<u8>) -> String {
    let begun = Instant::now();
    let told = rig::refused(&Memory(Bytes::from(bytes))).await;
    assert!(begun.elapsed() < SOON, "{} came after {:?}", told.code, begun.elapsed());
    assert!(!told.retryable && told.reason.ends_with('.'), "{told:?}");
    told.code
}

/// A small clip of one size.
fn clip(folder: &Path, name: &str, size: &str, more: &str) -> Vec<u8> {
    let made = clips::make(folder, name, &format!("-f lavfi -i testsrc2=size={size}:rate=25 {more}"));
    std::fs::read(made).unwrap()
}

/// Replaces what stands `after` bytes behind the last name of a box: brands come before.
fn patch(bytes: &mut [u8], name: &[u8], after: usize, with: &[u8]) {
    let at =
        bytes.windows(name.len()).rposition(|window| window == name).expect("the box is there") + name.len() + after;
    bytes[at..at + with.len()].copy_from_slice(with);
}

#[tokio::test]
async fn pictures_too_large_or_too_small_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let one = format!("-frames:v 1 {H264}");
    assert_eq!(refused(clip(folder.path(), "large.mp4", "8704x4320", &one)).await, "too_large");
    assert_eq!(refused(clip(folder.path(), "thin.mp4", "64x8", &one)).await, "too_small");
    let dot = clip(folder.path(), "dot.avi", "16x16", "-frames:v 1 -vf scale=1:1 -c:v mjpeg -pix_fmt yuvj444p");
    assert_eq!(refused(dot).await, "too_small");
    // A container that tells four thousand million samples of pictures of 64 by 64 is not believed.
    let mut told = clip(folder.path(), "told.mp4", "64x64", &one);
    patch(&mut told, b"avc1", 24, &[0xFF; 4]);
    let probed = rig::probe(&Memory(Bytes::from(told))).await;
    assert_eq!((probed.width, probed.height), (64, 64));
    // The pictures themselves tell them: the header of a JPEG, in a container that tells 64 by 64.
    let mut jpeg = clip(folder.path(), "jpeg.avi", "64x64", "-frames:v 3 -c:v mjpeg -pix_fmt yuvj420p");
    for at in 0..jpeg.len() - 9 {
        if jpeg[at..at + 5] == [0xFF, 0xC0, 0, 17, 8] {
            jpeg[at + 5..at + 9].copy_from_slice(&[0xFF; 4]);
        }
    }
    let code = refused(jpeg).await;
    assert!(["too_large", "undecodable"].contains(&code.as_str()), "{code}");
}

#[tokio::test]
async fn films_of_days_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, apart_s) in [("hundred-hours.mp4", 360_000), ("just-over.mkv", 43_201)] {
        let far =
            format!("-frames:v 2 -vf setpts=N*{apart_s}/TB -fps_mode passthrough -video_track_timescale 100 {H264}");
        assert_eq!(refused(clip(folder.path(), name, "64x64", &far)).await, "too_long", "{name}");
    }
    // Only the header tells a hundred hours: the end is missing.
    let mut told = clip(folder.path(), "told.mp4", "64x64", &format!("-t 1 {H264}"));
    for name in [b"mvhd", b"mdhd"] {
        patch(&mut told, name, 16, &360_000_000_u32.to_be_bytes());
    }
    patch(&mut told, b"tkhd", 20, &360_000_000_u32.to_be_bytes());
    let code = refused(told).await;
    assert!(["too_long", "truncated"].contains(&code.as_str()), "{code}");
}

#[tokio::test]
async fn files_of_five_hundred_tracks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let film = |tracks: usize, name: &str| {
        let sounds = "-map 1:a ".repeat(tracks - 1);
        let inputs = "-f lavfi -i testsrc2=size=64x64:rate=25 -f lavfi -i sine=sample_rate=8000";
        let made =
            clips::make(folder.path(), name, &format!("{inputs} -t 0.2 -map 0:v {sounds} {H264} -c:a pcm_s16le"));
        Memory::file(&made)
    };
    for name in ["tracks.mov", "tracks.mkv"] {
        assert_eq!(rig::refused(&film(500, name)).await.code, "too_much", "{name}");
    }
    let most = rig::probe(&film(STREAMS_MAX as usize, "most.mov")).await;
    assert_eq!(most.sounds.len(), 8, "of more sounds the first are kept");
}

#[tokio::test]
async fn more_pictures_than_anybody_sees_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["fast.mp4", "fast.mkv"] {
        let fast = format!("-vf setpts=N/25000/TB -frames:v 4000 -fps_mode passthrough -enc_time_base 1:100000 {H264}");
        assert_eq!(refused(clip(folder.path(), name, "16x16", &fast)).await, "too_fast", "{name}");
    }
    let film = clips::film(folder.path(), "film.mp4", "64x64", "120", 2);
    assert_eq!(rig::probe(&Memory::file(&film)).await.frame_rate_num, 120);
    assert!(is_too_fast(2_001, 999_999) && !is_too_fast(1_000, 0) && !is_too_fast(7_200_000, 7_200_000_000));
}

#[tokio::test]
async fn a_file_too_large_for_its_film_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut clip = clip(folder.path(), "film.mp4", "64x64", &format!("-t 1 {H264} -movflags +faststart"));
    // A second of film and a box of nothing behind it; pages that nobody writes cost no memory.
    let nothing = BYTES_FREE + BYTES_PER_S_MAX + 1;
    let mut bytes = vec![0; clip.len() + usize::try_from(nothing).unwrap()];
    clip.extend([u32::try_from(nothing).unwrap().to_be_bytes(), *b"free"].concat());
    bytes[..clip.len()].copy_from_slice(&clip);
    assert_eq!(refused(bytes).await, "too_dense");
    assert!(!is_too_dense(BYTES_FREE, 0) && is_too_dense(BYTES_FREE + 1, 0));
    assert!(!is_too_dense(100_000_000_000, 3_600_000_000), "the largest upload, an hour long");
}

#[tokio::test]
async fn an_index_that_tells_more_than_there_is_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let film = clip(folder.path(), "film.mp4", "64x64", &format!("-t 1 {H264} -movflags +faststart"));
    for (name, after) in [(b"stsz", 8), (b"stts", 4), (b"stsc", 4), (b"stco", 4)] {
        for count in [0xFFFF_FFF0_u32, 0x7FFF_FFFF, 100_000_000] {
            let mut bomb = film.clone();
            patch(&mut bomb, name, after, &count.to_be_bytes());
            let begun = Instant::now();
            // Some tables are cut to what is there; what then remains is a film like any other.
            let ended = rig::try_probe(&rig::program(), &Memory(Bytes::from(bomb))).await;
            assert!(matches!(ended, Ok(_) | Err(ChildError::Failed(_))), "{name:?} {count:#x}: {ended:?}");
            assert!(begun.elapsed() < SOON, "{name:?} {count:#x}");
        }
    }
    // Boxes in boxes, a hundred thousand deep.
    let depth = 100_000_u32;
    let mut nested = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
    for level in 0..depth {
        nested.extend([(8 * (depth - level)).to_be_bytes(), *b"moov"].concat());
    }
    let code = refused(nested).await;
    assert!(["truncated", "not_a_video"].contains(&code.as_str()), "{code}");
}

#[tokio::test]
async fn a_text_track_of_more_cues_than_a_film_has_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let film = |cues: usize| {
        let mut words = String::new();
        for cue in 0..cues {
            let (s, ms) = (cue / 1_000, cue % 1_000);
            writeln!(words, "{}\n00:00:{s:02},{ms:03} --> 00:01:00,000\nword\n", cue + 1).unwrap();
        }
        let text: PathBuf = folder.path().join("words.srt");
        std::fs::write(&text, words).unwrap();
        let arguments = format!(
            "-f lavfi -i testsrc2=size=64x64:rate=5:duration=60 -i {} -map 0:v -map 1:s {H264} -c:s srt",
            text.display()
        );
        Memory::file(&clips::make(folder.path(), &format!("{cues}.mkv"), &arguments))
    };
    for (cues, tracks) in [(CUES_MAX, 1), (CUES_MAX + 1, 0)] {
        let film = film(cues);
        let probed = rig::probe(&film).await;
        assert_eq!(probed.texts.len(), 1);
        let mut kept = Kept::default();
        let ended = rig::run(&rig::program(), &film, Task::Captions(plan::captions_task(&probed)), &mut kept).await;
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(kept.segments.len(), tracks, "{cues} cues");
    }
}

/// Reads the limits that the kernel holds our one child to while it waits for its first bytes.
struct Watching {
    seen: Arc<Mutex<Option<String>>>,
}

#[async_trait]
impl ByteSource for Watching {
    async fn read(&self, _: u64, _: u32) -> Result<Bytes, Unreadable> {
        let parent = std::process::id().to_string();
        let stats = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        // `pid (name) state parent …`
        let is_ours = |path: &PathBuf| {
            let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
            stat.split_once(" (lockstep-media) ")
                .is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(parent.as_str()))
        };
        let limits = stats.into_iter().find(is_ours).and_then(|path| std::fs::read_to_string(path.join("limits")).ok());
        let mut seen = self.seen.lock().unwrap();
        *seen = seen.take().or(limits);
        Ok(Bytes::from_static(b"not a film"))
    }
}

#[tokio::test]
async fn the_kernel_holds_the_child_to_its_limits_before_the_first_byte() {
    let source = Watching { seen: Arc::default() };
    let seen = Arc::clone(&source.seen);
    let job = Job { source_bytes: 10, task: Task::Probe };
    let media_s = job.task.media_s();
    let ended = rig::program().run(&job, &source, &mut Kept::default(), &CancellationToken::new()).await;
    assert!(matches!(ended, Err(ChildError::Failed(_))), "{ended:?}");
    let limits = seen.lock().unwrap().take().expect("the child was looked at");
    let of = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {limits}"));
        let words: Vec<String> = line[name.len()..].split_whitespace().take(2).map(str::to_owned).collect();
        assert_eq!(words[0], words[1], "{name}: it cannot be raised again");
        words[0].parse::<u64>().unwrap_or_else(|_| panic!("{line}"))
    };
    assert_eq!(of("Max address space"), ADDRESS_SPACE_BYTES);
    assert_eq!(of("Max cpu time"), CPU_S + CPU_S_PER_MEDIA_S * media_s);
    assert_eq!(of("Max open files"), DESCRIPTORS);
    assert_eq!((of("Max file size"), of("Max core file size")), (0, 0));
}
