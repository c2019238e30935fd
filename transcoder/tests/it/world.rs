//! A real log, real buckets and uploaded films for the service's tests.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use lockstep_commands::{Actor, Clock, Context, Dispatcher, Ids, Services, transcode, video};
use lockstep_domain::{
    ids::{AccountId, CommandId, VideoId, work_parts},
    time::Timestamp,
    video::VideoEvent,
    work::WorkEvent,
};
use lockstep_event_store::{EventStore, Feed, MasterKey, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::EmbeddedS3;
use lockstep_transcoder::{Transcoder, TranscoderOptions};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// No test waits longer than this for something to happen.
const PATIENCE: Duration = Duration::from_secs(180);

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(since.as_micros() as i64)
    }
}

struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
    fn secret(&self) -> [u8; 32] {
        rand::random()
    }
}

/// One database, one object folder.
pub struct World {
    pub services: Services,
    pub database: TestDatabase,
    _objects: tempfile::TempDir,
}

/// What happened to one film, in the log's order.
#[derive(Debug, Clone)]
pub enum Happened {
    Video(VideoEvent),
    Work(u32, WorkEvent, Timestamp),
}

impl World {
    pub async fn new() -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (_, objects) = EmbeddedS3::open(folder.path(), "http://localhost:1", "interim", "media").unwrap();
        let store = store(&database).await;
        let services = Services {
            dispatcher: Dispatcher::new(Arc::clone(&store)),
            store,
            pool: database.pool().await,
            objects,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        Self { services, database, _objects: folder }
    }

    /// The same world as another process sees it: its own connections and cache.
    pub async fn other_process(&self) -> Services {
        let store = store(&self.database).await;
        Services { dispatcher: Dispatcher::new(Arc::clone(&store)), store, ..self.services.clone() }
    }

    pub fn context(&self, actor: Actor) -> Context {
        let id = Uuid::now_v7();
        Context {
            actor,
            command_id: CommandId(id),
            correlation_id: id.to_string(),
            causation_id: None,
            now: self.services.clock.now(),
        }
    }

    /// Stores a file as an upload that arrived, past every check.
    pub async fn upload(&self, bytes: Bytes) -> VideoId {
        let owner = Actor::Account(AccountId(Uuid::now_v7()));
        let upload = video::Upload {
            title: "A film".to_owned(),
            file_name: "film.mp4".to_owned(),
            size_bytes: (bytes.len() as u64).max(1),
            content_type: "video/mp4".to_owned(),
            fingerprint: None,
            again: false,
        };
        let ticket = video::request_upload(&self.services, &self.context(owner), upload).await.unwrap();
        let key = format!("u/{}", ticket.video);
        self.services.objects.interim.put(&key, bytes, "video/mp4").await.unwrap();
        let stream = lockstep_domain::ids::StreamId::video(ticket.video);
        let command = lockstep_domain::video::VideoCommand::CompleteUpload;
        let context = self.context(Actor::System);
        self.services
            .dispatcher
            .execute::<lockstep_domain::video::Video>(stream, None, &context, command)
            .await
            .unwrap();
        ticket.video
    }

    pub async fn upload_file(&self, path: &Path) -> VideoId {
        self.upload(Bytes::from(std::fs::read(path).unwrap())).await
    }

    /// Starts a transcoder as if it were a process of its own.
    pub async fn transcoder(&self, name: &str, concurrency: usize) -> Running {
        let options = TranscoderOptions {
            worker: name.to_owned(),
            media_program: env!("CARGO_BIN_EXE_lockstep-media").into(),
            concurrency,
        };
        let transcoder = Transcoder::new(self.other_process().await, options);
        let worker = transcoder.worker().to_owned();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(transcoder.run(shutdown.clone()));
        Running { worker, shutdown, task }
    }

    pub fn history(&self, video: VideoId) -> History {
        History { video, feed: transcode::follow(&self.services), seen: Vec::new() }
    }
}

async fn store(database: &TestDatabase) -> Arc<dyn EventStore> {
    PostgresStore::connect(&database.url(), MasterKey::from_bytes([1; 32]), "test".to_owned()).await.unwrap()
}

/// A transcoder at work; dropped without [`Running::stop`] it dies as a killed process does.
pub struct Running {
    pub worker: String,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it stops").unwrap();
    }

    /// Ends everything at once, giving nothing back.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// The events of one film as they come.
pub struct History {
    video: VideoId,
    feed: Feed,
    pub seen: Vec<Happened>,
}

impl History {
    /// Follows the log until this is true of one of the film's events.
    pub async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Happened) -> bool) {
        let follow = async {
            loop {
                let mut found = false;
                for event in self.feed.next(200).await {
                    let happened = match event.stream.kind() {
                        "video" if event.stream.id() == self.video.to_string() => {
                            Happened::Video(serde_json::from_value(event.payload).unwrap())
                        }
                        "work" => match work_parts(event.stream.id()) {
                            Some((video, item)) if video == self.video => {
                                let decoded = serde_json::from_value(event.payload).unwrap();
                                Happened::Work(item, decoded, event.recorded_at)
                            }
                            _ => continue,
                        },
                        _ => continue,
                    };
                    found |= wanted(&happened);
                    self.seen.push(happened);
                }
                if found {
                    return;
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, follow).await;
        assert!(ended.is_ok(), "no {what}: {:#?}", self.seen);
    }

    /// Until the film is ready; anything else it could end in fails the test.
    pub async fn until_ready(&mut self) {
        self.until("end", |happened| match happened {
            Happened::Video(VideoEvent::TranscodeFailed { failure }) => panic!("{failure:?}"),
            Happened::Video(event) => matches!(event, VideoEvent::TranscodeCompleted { .. }),
            Happened::Work(..) => false,
        })
        .await;
    }

    pub fn videos(&self) -> impl Iterator<Item = &VideoEvent> {
        self.seen.iter().filter_map(|happened| match happened {
            Happened::Video(event) => Some(event),
            Happened::Work(..) => None,
        })
    }

    pub fn works(&self) -> impl Iterator<Item = (u32, &WorkEvent, Timestamp)> {
        self.seen.iter().filter_map(|happened| match happened {
            Happened::Work(item, event, at) => Some((*item, event, *at)),
            Happened::Video(_) => None,
        })
    }
}
