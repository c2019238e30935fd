//! The unfinished films and their work items, folded from the feed, and what there is to do about them.

use std::collections::BTreeMap;

use lockstep_domain::{
    Aggregate,
    ids::{VideoId, work_parts},
    time::Timestamp,
    video::{Place, Status, Video, VideoEvent, VideoState},
    work::{Failure, Segment, Work, WorkEvent, WorkItem, WorkState},
};

use super::shared::Shared;

/// Events taken from the feed at a time.
const BATCH_EVENTS: usize = 500;

/// One unfinished film.
#[derive(Debug, Clone)]
pub struct Film {
    /// Films are worked on in the order their uploads were asked for.
    order: u64,
    /// Of the upload.
    pub correlation: String,
    pub state: VideoState,
    pub works: BTreeMap<u32, WorkState>,
    pub started_at: Option<Timestamp>,
}

/// Something a worker can do for a film.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Find out what it is and plan.
    Probe,
    /// One planned item.
    Item(WorkItem),
    /// Every item is done: describe the film.
    Package,
    /// An item failed: so did the film.
    Fail(Failure),
}

impl Task {
    /// Tells tasks of one film apart; the item's number where there is one.
    pub fn number(&self) -> u32 {
        match self {
            Self::Probe => lockstep_commands::transcode::PROBE_ITEM,
            Self::Item(item) => item.number,
            Self::Package => u32::MAX,
            Self::Fail(_) => u32::MAX - 1,
        }
    }
}

/// All unfinished films, and those that failed: they may be tried again.
#[derive(Debug, Default)]
pub struct Board {
    films: BTreeMap<VideoId, Film>,
    seen: u64,
}

impl Board {
    /// The film, while it is unfinished.
    pub fn film(&self, video: VideoId) -> Option<&Film> {
        self.films.get(&video).filter(|film| film.state.status != Status::Failed)
    }

    /// Films that are being transcoded.
    pub fn processing(&self) -> impl Iterator<Item = (VideoId, &Film)> {
        self.films
            .iter()
            .filter(|(_, film)| film.state.status == Status::Processing)
            .map(|(video, film)| (*video, film))
    }

    /// Everything to do, oldest film first, probes before all.
    pub fn tasks(&self) -> Vec<(VideoId, Task)> {
        let mut films: Vec<(&VideoId, &Film)> = self.films.iter().collect();
        films.sort_by_key(|(_, film)| film.order);
        let mut tasks: Vec<(VideoId, Task)> =
            films.into_iter().flat_map(|(video, film)| film.tasks().into_iter().map(|task| (*video, task))).collect();
        tasks.sort_by_key(|(_, task)| !matches!(task, Task::Probe));
        tasks
    }

    fn video_event(&mut self, video: VideoId, event: &VideoEvent, at: Timestamp, correlation: &str) {
        if let VideoEvent::UploadRequested { .. } = event {
            self.seen += 1;
            let (order, correlation) = (self.seen, correlation.to_owned());
            self.films.entry(video).or_insert_with(|| Film {
                order,
                correlation,
                state: VideoState::default(),
                works: BTreeMap::new(),
                started_at: None,
            });
        }
        let Some(film) = self.films.get_mut(&video) else { return };
        Video::evolve(&mut film.state, event);
        match film.state.status {
            Status::Ready | Status::Rejected | Status::Aborted => {
                self.films.remove(&video);
            }
            _ if matches!(film.state.place, Place::Purging | Place::Purged) => {
                self.films.remove(&video);
            }
            Status::Processing => {
                film.started_at.get_or_insert(at);
            }
            Status::Unknown | Status::Uploading | Status::Uploaded | Status::Failed => {}
        }
    }

    fn work_event(&mut self, video: VideoId, item: u32, event: &WorkEvent) {
        if let Some(film) = self.films.get_mut(&video) {
            Work::evolve(film.works.entry(item).or_default(), event);
        }
    }
}

impl Film {
    fn tasks(&self) -> Vec<Task> {
        // In the trash it waits.
        if self.state.place != Place::Library {
            return vec![];
        }
        match self.state.status {
            Status::Uploaded => vec![Task::Probe],
            Status::Processing => self.processing_tasks(),
            Status::Unknown
            | Status::Uploading
            | Status::Ready
            | Status::Failed
            | Status::Rejected
            | Status::Aborted => vec![],
        }
    }

    fn processing_tasks(&self) -> Vec<Task> {
        if let Some(failure) = self.works.values().find_map(|work| work.failure.clone()) {
            return vec![Task::Fail(failure)];
        }
        if self.state.items.is_empty() {
            return vec![Task::Probe];
        }
        let open: Vec<Task> = self.open_items().map(|item| Task::Item(item.clone())).collect();
        if open.is_empty() { vec![Task::Package] } else { open }
    }

    /// Planned items that are not completed.
    pub fn open_items(&self) -> impl Iterator<Item = &WorkItem> {
        self.state.items.iter().filter(|item| !self.works.get(&item.number).is_some_and(|work| work.completed))
    }

    /// Everything published so far.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.works.values().flat_map(|work| &work.segments)
    }
}

/// Keeps the board up to date for ever.
pub async fn follow(shared: &Shared) {
    let target = shared.services.store.head().await.unwrap_or_default();
    let mut feed = lockstep_commands::transcode::follow(&shared.services);
    if target == feed.position() {
        shared.caught_up.send_replace(true);
    }
    loop {
        let events = feed.next(BATCH_EVENTS).await;
        let mut board = shared.board();
        for event in &events {
            let correlation = event.metadata.correlation_id.as_str();
            match event.stream.kind() {
                "video" => {
                    let parsed = event.stream.id().parse().ok().zip(serde_json::from_value(event.payload.clone()).ok());
                    if let Some((video, decoded)) = parsed {
                        board.video_event(video, &decoded, event.recorded_at, correlation);
                    }
                }
                "work" => {
                    let parsed = work_parts(event.stream.id()).zip(serde_json::from_value(event.payload.clone()).ok());
                    if let Some(((video, item), decoded)) = parsed {
                        board.work_event(video, item, &decoded);
                    }
                }
                _ => {}
            }
        }
        drop(board);
        if feed.position() >= target {
            shared.caught_up.send_replace(true);
        }
        shared.changed.notify_one();
    }
}
