//! Runs `lockstep-media` on a local file and keeps what it makes.

use std::{collections::BTreeMap, path::Path, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use lockstep_domain::{video::Source, work::Failure};
use lockstep_transcoder::{
    child::{ByteSource, ChildError, Finished, MediaProgram, Refused, Sink, Unreadable},
    plan,
    protocol::{Done, Job, Progress, Sandbox, SegmentHead, Task},
};
use tokio_util::sync::CancellationToken;

/// The program this test run built.
pub fn program() -> MediaProgram {
    MediaProgram::new(env!("CARGO_BIN_EXE_lockstep-media"))
}

/// A file in memory.
pub struct Memory(pub Bytes);

impl Memory {
    pub fn file(path: &Path) -> Self {
        Self(Bytes::from(std::fs::read(path).expect("the clip is there")))
    }
}

#[async_trait]
impl ByteSource for Memory {
    async fn read(&self, start: u64, bytes: u32) -> Result<Bytes, Unreadable> {
        let at = |position: u64| usize::try_from(position).unwrap().min(self.0.len());
        Ok(self.0.slice(at(start)..at(start + u64::from(bytes))))
    }
}

/// Everything a child sent.
#[derive(Default)]
pub struct Kept {
    pub segments: BTreeMap<(String, u32), (SegmentHead, Bytes)>,
    pub progress: Vec<i64>,
}

#[async_trait]
impl Sink for Kept {
    async fn segment(&mut self, head: SegmentHead, bytes: Bytes) -> Result<(), Refused> {
        let before = self.segments.insert((head.rendition.clone(), head.number), (head, bytes));
        assert!(before.is_none(), "a segment came twice");
        Ok(())
    }
    async fn progress(&mut self, progress: Progress) {
        self.progress.push(progress.done_us);
    }
}

impl Kept {
    /// Init and media segments of one rendition, one after the other, as a file.
    pub fn join(&self, rendition: &str, folder: &Path) -> std::path::PathBuf {
        let path = folder.join(format!("{rendition}.mp4"));
        let parts: Vec<&[u8]> = self.of(rendition).map(|(_, bytes)| bytes.as_ref()).collect();
        std::fs::write(&path, parts.concat()).expect("the temporary folder can be written");
        path
    }

    /// Segments of one rendition in order, the init segment first.
    pub fn of(&self, rendition: &str) -> impl Iterator<Item = &(SegmentHead, Bytes)> {
        self.segments.iter().filter(move |((name, _), _)| name == rendition).map(|(_, segment)| segment)
    }
}

/// Runs one task.
pub async fn run(program: &MediaProgram, source: &Memory, task: Task, kept: &mut Kept) -> Result<Finished, ChildError> {
    let job = Job { source_bytes: source.0.len() as u64, task };
    let cancel = CancellationToken::new();
    let run = program.run(&job, source, kept, &cancel);
    tokio::time::timeout(Duration::from_secs(300), run).await.expect("a child always ends")
}

/// Probes a film that must be one.
pub async fn probe(source: &Memory) -> Source {
    match try_probe(&program(), source).await {
        Ok((source, _)) => source,
        Err(error) => panic!("{error}"),
    }
}

pub async fn try_probe(program: &MediaProgram, source: &Memory) -> Result<(Source, Sandbox), ChildError> {
    let finished = run(program, source, Task::Probe, &mut Kept::default()).await?;
    match finished.done {
        Done::Probed(source) => Ok((source, finished.sandbox)),
        Done::Encoded => panic!("a probe encodes nothing"),
    }
}

/// The failure a probe must end in.
pub async fn refused(source: &Memory) -> Failure {
    match try_probe(&program(), source).await {
        Err(ChildError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

/// Encodes every item of the plan, each in a child of its own.
pub async fn encode_all(source: &Memory, probed: &Source) -> Kept {
    use lockstep_domain::work::WorkKind;
    let mut kept = Kept::default();
    for item in plan::plan(probed).items {
        let task = match item.kind {
            WorkKind::Thumbnail => Task::Thumbnail(plan::thumbnail_task(probed)),
            WorkKind::Audio => Task::Audio(plan::audio_task(probed, 1)),
            WorkKind::Sound { track } => Task::Audio(plan::audio_task(probed, track)),
            WorkKind::Captions => Task::Captions(plan::captions_task(probed)),
            WorkKind::Chunk { first_segment, last_segment } => {
                Task::Chunk(plan::chunk_task(probed, first_segment, last_segment))
            }
        };
        let mut one = Kept::default();
        let finished = run(&program(), source, task, &mut one).await;
        assert!(finished.is_ok(), "{finished:?}");
        for (key, segment) in one.segments {
            // Every chunk sends the init segments again: they must be the same.
            if let Some(held) = kept.segments.insert(key.clone(), segment.clone()) {
                assert_eq!(held, segment, "{key:?}");
            }
        }
    }
    kept
}
