//! A database with a log, and events to put into it.

use std::sync::Arc;

use lockstep_domain::{
    Personal,
    account::{AccountEvent, PlatformRole},
    aggregate::Event,
    channel::{ChannelEvent, Visibility},
    ids::{
        AccountId, ChannelId, CommandId, IdentityId, InviteId, MessageId, Position, QueueItemId, ReportId, StreamId,
        VideoId,
    },
    invite::InviteEvent,
    member::MemberEvent,
    message::MessageEvent,
    permission::{ChannelRole, Permission},
    playback::{HoldReason, PlaybackEvent, ReleaseCause},
    queue::{DequeueCause, LoopMode, QueueEvent, QueueItem},
    report::{ReportAction, ReportEvent},
    time::{MediaTime, Timestamp},
    video::{
        CaptionOrigin, CaptionTrack, Chapter, Poster, RenditionFacts, RenditionPlan, Source, Storyboard, VideoEvent,
    },
};
use lockstep_event_store::{Append, EventStore, Expected, MasterKey, Metadata, NewEvent, PostgresStore};
use lockstep_migrations::testing::TestDatabase;
use lockstep_projections::{Projection, RecordedEvent, all};
use sqlx::PgPool;
use uuid::Uuid;

pub struct Fixture {
    pub store: Arc<dyn EventStore>,
    pub pool: PgPool,
    _database: TestDatabase,
}

impl Fixture {
    pub async fn new() -> Self {
        let database = TestDatabase::create().await;
        let store = PostgresStore::connect(&database.url(), MasterKey::generate(), "test".to_owned()).await.unwrap();
        Self { store, pool: database.pool().await, _database: database }
    }

    /// Appends to the stream whatever its version.
    pub async fn append<E: Event>(&self, stream: StreamId, channel: Option<ChannelId>, events: &[E]) -> Position {
        let events = events
            .iter()
            .map(|event| NewEvent {
                event_type: event.event_type().to_owned(),
                event_version: event.event_version().to_owned(),
                payload: serde_json::to_value(event).unwrap(),
            })
            .collect();
        let append = Append {
            stream,
            expected: Expected::Any,
            guards: vec![],
            command_id: CommandId(Uuid::new_v4()),
            metadata: Metadata {
                actor: "system".to_owned(),
                channel_id: channel.map(|id| id.to_string()),
                ..Metadata::default()
            },
            occurred_at: Timestamp(1),
            events,
        };
        self.store.append(append).await.unwrap().position
    }

    pub async fn events(&self) -> Vec<RecordedEvent> {
        self.store.read_after(Position::START, 10_000).await.unwrap()
    }

    /// Applies the whole log to every read model, without checkpoints.
    pub async fn apply_all(&self) {
        self.apply(&self.events().await).await;
    }

    pub async fn apply(&self, events: &[RecordedEvent]) {
        let mut tx = self.pool.begin().await.unwrap();
        for projection in all() {
            for event in events.iter().filter(|event| projection.kinds().contains(&event.stream.kind())) {
                projection.apply(&mut tx, event).await.unwrap();
            }
        }
        tx.commit().await.unwrap();
    }

    /// Every row of every read model as text.
    pub async fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for table in all().iter().flat_map(|projection| projection.tables().to_vec()) {
            let sql = format!("SELECT t::text FROM {} t ORDER BY {}", table.name, table.key);
            let texts: Vec<String> = sqlx::query_scalar(&sql).fetch_all(&self.pool).await.unwrap();
            rows.extend(texts.into_iter().map(|text| format!("{}: {text}", table.name)));
        }
        rows
    }
}

pub fn names() -> Vec<&'static str> {
    all().iter().map(|projection| Projection::name(projection.as_ref())).collect()
}

/// The people, place and film of a small story.
pub struct Story {
    pub ada: AccountId,
    pub guest: AccountId,
    pub troll: AccountId,
    pub channel: ChannelId,
    pub private: ChannelId,
    pub video: VideoId,
    pub failed: VideoId,
    pub messages: [MessageId; 3],
    pub last: Position,
}

pub fn personal(subject: AccountId, text: &str) -> Personal<String> {
    Personal::new(subject, text.to_owned())
}

pub fn requested(owner: AccountId, video: VideoId, title: &str) -> VideoEvent {
    VideoEvent::UploadRequested {
        owner,
        title: personal(owner, title),
        file_name: personal(owner, "film.mp4"),
        size_bytes: 5_000,
        content_type: "video/mp4".to_owned(),
        object_key: format!("u/{video}"),
    }
}

/// Every event type of every read model happens at least once.
pub async fn story(fixture: &Fixture) -> Story {
    let [ada, guest, troll] = [0; 3].map(|_| AccountId(Uuid::new_v4()));
    let [channel, private] = [0; 2].map(|_| ChannelId(Uuid::new_v4()));
    let [video, failed] = [0; 2].map(|_| VideoId(Uuid::new_v4()));
    let messages = [0; 3].map(|_| MessageId(Uuid::new_v4()));
    people(fixture, ada, guest, troll).await;
    films(fixture, ada, video, failed).await;
    let create = |name: &str, visibility| ChannelEvent::Created {
        owner: ada,
        name: name.to_owned(),
        slug: name.to_owned(),
        visibility,
    };
    let opened = [
        create("cinema", Visibility::Private),
        ChannelEvent::Renamed { name: "Kino".to_owned() },
        ChannelEvent::VisibilityChanged { visibility: Visibility::Public },
        ChannelEvent::Described { description: "Films on Fridays".to_owned() },
        ChannelEvent::PermissionDefaultsChanged {
            role: ChannelRole::Viewer,
            permissions: [Permission::Chat, Permission::Vote].into_iter().collect(),
        },
        ChannelEvent::SlowModeSet { seconds: 30 },
        ChannelEvent::RemoteModeChanged { holder: Some(ada) },
        ChannelEvent::RemoteHandedOver { to: guest, inherited: false },
    ];
    fixture.append(StreamId::channel(channel), Some(channel), &opened).await;
    let secret = [create("secret", Visibility::Private), ChannelEvent::Archived {}];
    fixture.append(StreamId::channel(private), Some(private), &secret).await;
    members(fixture, channel, ada, guest, troll).await;
    let played = [
        PlaybackEvent::VideoLoaded { video, duration_us: MediaTime(60_000_000), at_us: Timestamp(10), item: None },
        PlaybackEvent::Played { position_us: MediaTime(0), at_us: Timestamp(20) },
        PlaybackEvent::Ended { at_us: Timestamp(60_000_020) },
        PlaybackEvent::Played { position_us: MediaTime(0), at_us: Timestamp(70_000_000) },
        PlaybackEvent::Paused { position_us: MediaTime(3_000_000), at_us: Timestamp(73_000_000) },
        PlaybackEvent::Seeked {
            position_us: MediaTime(9_000_000),
            at_us: Timestamp(74_000_000),
            from_us: Some(MediaTime(3_000_000)),
        },
    ];
    watched_together(fixture, private, video, ada).await;
    let mut last = fixture.append(StreamId::playback(channel), Some(channel), &played).await;
    for (number, message) in messages.into_iter().enumerate() {
        let posted = MessageEvent::Posted {
            channel,
            author: guest,
            text: personal(guest, &format!("hello {number}")),
            video: Some(video),
            playback_us: Some(MediaTime(1_000)),
            reply_to: (number > 0).then(|| messages[0]),
            reply_author: (number > 0).then_some(guest),
            mentions: if number > 0 { vec![ada] } else { vec![] },
        };
        last = fixture.append(StreamId::message(message), Some(channel), &[posted]).await;
    }
    last = talked(fixture, channel, (ada, guest), messages).await.max(last);
    Story { ada, guest, troll, channel, private, video, failed, messages, last }
}

/// What became of the messages: the first is edited, reacted to and pinned, the second pinned and let go, the last
/// taken back after all of that, and reported before.
async fn talked(
    fixture: &Fixture,
    channel: ChannelId,
    (ada, guest): (AccountId, AccountId),
    messages: [MessageId; 3],
) -> Position {
    let added = |account, emoji: &str| MessageEvent::ReactionAdded { account, emoji: emoji.to_owned() };
    let removed = |account, emoji: &str| MessageEvent::ReactionRemoved { account, emoji: emoji.to_owned() };
    let first = [
        MessageEvent::Edited { text: personal(guest, "hello again") },
        added(ada, "A"),
        added(guest, "B"),
        added(guest, "A"),
        removed(guest, "B"),
        MessageEvent::Pinned { by: ada },
    ];
    fixture.append(StreamId::message(messages[0]), Some(channel), &first).await;
    let second = [MessageEvent::Pinned { by: ada }, MessageEvent::Unpinned { by: ada }];
    fixture.append(StreamId::message(messages[1]), Some(channel), &second).await;
    let filed = |message, text: &str| ReportEvent::Filed {
        channel,
        message,
        reporter: ada,
        reason: personal(ada, "rude"),
        author: guest,
        text: personal(guest, text),
        said_at_us: Timestamp(5),
        playback_us: None,
    };
    let resolved = ReportEvent::Resolved { by: ada, action: ReportAction::Redacted, note: None };
    let report = || StreamId::report(ReportId(Uuid::new_v4()));
    fixture.append(report(), Some(channel), &[filed(messages[2], "hello 2"), resolved]).await;
    fixture.append(report(), Some(channel), &[filed(messages[1], "hello 1")]).await;
    let last = [
        MessageEvent::Edited { text: personal(guest, "hush") },
        added(ada, "A"),
        MessageEvent::Pinned { by: ada },
        MessageEvent::Redacted { by: ada, reason: Some(personal(guest, "not here")) },
    ];
    fixture.append(StreamId::message(messages[2]), Some(channel), &last).await
}

/// A channel of its own: a queue, a vote, a hold and a speed.
async fn watched_together(fixture: &Fixture, channel: ChannelId, video: VideoId, by: AccountId) {
    let [first, second] = [1, 2].map(|n| QueueItemId(Uuid::from_u128(n)));
    let at_us = Timestamp(5);
    let queued =
        |item| QueueEvent::VideoQueued { item, video, by, duration_us: MediaTime(60_000_000), before: None, at_us };
    let entry = QueueItem { item: second, video, by, duration_us: MediaTime(60_000_000), at_us };
    let before = [
        queued(first),
        queued(second),
        QueueEvent::VideoMoved { item: second, before: Some(first), was_before: None, by: Some(by) },
        QueueEvent::AutoplaySet { on: false, by },
        QueueEvent::LoopSet { mode: LoopMode::All, by },
    ];
    fixture.append(StreamId::queue(channel), Some(channel), &before).await;
    let played = [
        PlaybackEvent::VideoLoaded { video, duration_us: MediaTime(60_000_000), at_us, item: Some(first) },
        PlaybackEvent::Held { reason: HoldReason::Start, position_us: MediaTime(0), deadline_us: Timestamp(15), at_us },
        PlaybackEvent::Released { cause: ReleaseCause::Ready, position_us: MediaTime(0), at_us: Timestamp(6) },
        PlaybackEvent::RateChanged { rate_ppm: 1_500_000, position_us: MediaTime(1), at_us: Timestamp(7) },
    ];
    fixture.append(StreamId::playback(channel), Some(channel), &played).await;
    let voted = [
        QueueEvent::VideoDequeued {
            item: first,
            video,
            queued_by: by,
            duration_us: MediaTime(60_000_000),
            before: None,
            cause: DequeueCause::Loaded,
            by: None,
        },
        QueueEvent::SkipVoteCast { by, load: 1 },
        QueueEvent::SkipVoteWithdrawn { by, load: 1 },
        QueueEvent::SkipVoteCast { by, load: 1 },
        QueueEvent::SkipVotesCounted { load: 1, have: 1, need: 1 },
        QueueEvent::Cleared { items: vec![entry.clone()], by },
        QueueEvent::Restored { items: vec![entry], by },
    ];
    fixture.append(StreamId::queue(channel), Some(channel), &voted).await;
    let skipped = PlaybackEvent::Skipped { from_us: MediaTime(2), at_us: Timestamp(8) };
    fixture.append(StreamId::playback(channel), Some(channel), &[skipped]).await;
}

async fn people(fixture: &Fixture, ada: AccountId, guest: AccountId, troll: AccountId) {
    let registered = AccountEvent::Registered { name: personal(ada, "Ada"), role: PlatformRole::Administrator };
    let renamed = AccountEvent::DisplayNameChanged { name: personal(ada, "Ada L.") };
    fixture.append(StreamId::account(ada), None, &[registered, renamed]).await;
    let registered_guest = AccountId(Uuid::new_v4());
    let upgraded = [
        AccountEvent::GuestAdmitted { name: personal(registered_guest, "Passer-by") },
        AccountEvent::Upgraded { name: personal(registered_guest, "Paula") },
        AccountEvent::PasswordChanged { generation: 1, by: None },
        AccountEvent::PlatformRoleGranted { role: PlatformRole::Administrator, by: ada },
        AccountEvent::Suspended { by: ada, reason: Some(personal(registered_guest, "sells tickets")) },
        AccountEvent::Reinstated { by: ada },
        AccountEvent::Suspended { by: ada, reason: None },
    ];
    fixture.append(StreamId::account(registered_guest), None, &upgraded).await;
    let admitted = AccountEvent::GuestAdmitted { name: personal(guest, "Gast") };
    fixture.append(StreamId::account(guest), None, &[admitted]).await;
    let troll_name = AccountEvent::Registered { name: personal(troll, "Troll"), role: PlatformRole::Member };
    let identity = IdentityId(Uuid::new_v4());
    let since = [
        AccountEvent::PasswordChanged { generation: 1, by: None },
        AccountEvent::PlatformRoleGranted { role: PlatformRole::Administrator, by: ada },
        AccountEvent::PlatformRoleGranted { role: PlatformRole::Member, by: ada },
        AccountEvent::Suspended { by: ada, reason: None },
        AccountEvent::Reinstated { by: ada },
        AccountEvent::IdentityLinked {
            identity,
            issuer: "https://login.example".to_owned(),
            subject: personal(troll, "troll-1"),
        },
        AccountEvent::IdentityUnlinked { identity },
    ];
    fixture.append(StreamId::account(troll), None, &[troll_name]).await;
    fixture.append(StreamId::account(troll), None, &since).await;
}

async fn members(fixture: &Fixture, channel: ChannelId, ada: AccountId, guest: AccountId, troll: AccountId) {
    let joined = |role| MemberEvent::Joined { role, invite: None };
    let of = |account| StreamId::member(channel, account);
    fixture.append(of(ada), Some(channel), &[joined(ChannelRole::Owner)]).await;
    let back = [
        joined(ChannelRole::Viewer),
        MemberEvent::Left {},
        joined(ChannelRole::Viewer),
        MemberEvent::RoleGranted { role: ChannelRole::Moderator, by: ada },
        MemberEvent::PermissionOverridden { permission: Permission::Ban, granted: Some(false), by: ada },
        MemberEvent::PermissionOverridden { permission: Permission::Pin, granted: Some(true), by: ada },
        MemberEvent::PermissionOverridden { permission: Permission::Ban, granted: None, by: ada },
        MemberEvent::Muted { by: ada, until_us: Some(Timestamp(99)), reason: None },
    ];
    fixture.append(of(guest), Some(channel), &back).await;
    invites(fixture, channel, ada, guest).await;
    let banned = [
        MemberEvent::JoinRequested {},
        MemberEvent::JoinDeclined { by: ada },
        MemberEvent::JoinRequested {},
        MemberEvent::JoinApproved { by: ada },
        joined(ChannelRole::Viewer),
        MemberEvent::Muted { by: ada, until_us: None, reason: Some(personal(troll, "shouting")) },
        MemberEvent::Unmuted { by: ada },
        MemberEvent::Removed { by: ada, reason: None },
        MemberEvent::Banned { by: ada, reason: None },
        MemberEvent::Unbanned { by: ada },
        MemberEvent::Banned { by: ada, reason: None },
    ];
    fixture.append(of(troll), Some(channel), &banned).await;
}

async fn invites(fixture: &Fixture, channel: ChannelId, ada: AccountId, guest: AccountId) {
    let issued = InviteEvent::Issued { channel, by: ada, expires_at_us: Timestamp(5_000), uses_max: 2 };
    let of = |n| StreamId::invite(invite(n));
    let used = [issued.clone(), InviteEvent::Redeemed { account: guest }, InviteEvent::Redeemed { account: ada }];
    fixture.append(of(1), Some(channel), &used).await;
    fixture.append(of(2), Some(channel), &[issued, InviteEvent::Revoked { by: ada }]).await;
}

pub fn invite(n: u128) -> InviteId {
    InviteId(Uuid::from_u128(n))
}

fn captions(owner: AccountId, video: VideoId, id: &str, origin: CaptionOrigin) -> CaptionTrack {
    CaptionTrack {
        id: id.to_owned(),
        language: Some("en".to_owned()),
        label: Personal::new(owner, format!("English {id}")),
        object_key: format!("v/{video}/text/{id}.vtt"),
        origin,
    }
}

async fn films(fixture: &Fixture, owner: AccountId, video: VideoId, failed: VideoId) {
    let source = Source {
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: None,
        duration_us: MediaTime(60_000_000),
        width: 1920,
        height: 1080,
        rotation_degrees: 0,
        frame_rate_num: 25,
        frame_rate_den: 1,
        audio_channels: 0,
        sounds: vec![],
        texts: vec![],
        chapters: [(0, "Beginning"), (30_000_000, "End")]
            .map(|(at, title)| Chapter { start_us: MediaTime(at), title: Personal::new(owner, title.to_owned()) })
            .to_vec(),
    };
    let plan = |name: &str, height| RenditionPlan { name: name.to_owned(), width: 1, height, bitrate_bps: 1_000 };
    let rendition = RenditionFacts {
        name: "720p".to_owned(),
        width: 1280,
        height: 720,
        bandwidth_bps: 3_000_000,
        average_bandwidth_bps: 2_000_000,
        codecs: "avc1.64001f".to_owned(),
        bytes: 1,
        segments: 15,
    };
    let events = [
        requested(owner, video, "A 100% good film"),
        VideoEvent::UploadCompleted {},
        VideoEvent::TranscodeStarted {},
        VideoEvent::SourceProbed { source },
        VideoEvent::TranscodePlanned { renditions: vec![plan("720p", 720), plan("360p", 360)], items: vec![] },
        VideoEvent::TranscodeProgressed { percent: 40, stage: "encode".to_owned(), eta_s: Some(12) },
        VideoEvent::RenditionCompleted { rendition },
        VideoEvent::ThumbnailsGenerated { object_key: format!("v/{video}/thumb.jpg"), width: 640, height: 360 },
        VideoEvent::CaptionsAdded { captions: captions(owner, video, "s1", CaptionOrigin::Source) },
        VideoEvent::CaptionsAdded { captions: captions(owner, video, "s2", CaptionOrigin::Source) },
        VideoEvent::StoryboardGenerated {
            storyboard: Storyboard {
                object_key: format!("v/{video}/storyboard.vtt"),
                tile_width: 160,
                tile_height: 90,
                interval_us: MediaTime(2_000_000),
                tiles: 30,
            },
        },
        VideoEvent::TranscodeCompleted {
            hls_key: format!("v/{video}/master.m3u8"),
            dash_key: format!("v/{video}/manifest.mpd"),
            duration_us: MediaTime(60_040_000),
        },
        VideoEvent::InterimObjectRemoved {},
        VideoEvent::CaptionsAdded { captions: captions(owner, video, "u1", CaptionOrigin::Upload) },
        VideoEvent::CaptionsRemoved { id: "s2".to_owned(), by: owner },
        VideoEvent::PosterChosen {
            poster: Poster { object_key: format!("v/{video}/poster/a.jpg"), width: 640, height: 360, at_us: None },
            replaces: None,
        },
        VideoEvent::PosterReset { replaces: format!("v/{video}/poster/a.jpg") },
        VideoEvent::Described { description: personal(owner, "Two weeks by the sea.") },
        VideoEvent::Tagged { tags: Personal::new(owner, vec!["sea".to_owned(), "summer".to_owned()]) },
        VideoEvent::VisibilityChanged { visibility: Visibility::Unlisted },
        VideoEvent::Trashed { purge_at_us: Timestamp(9) },
        VideoEvent::Restored {},
    ];
    fixture.append(StreamId::video(video), None, &events).await;
    let failure = lockstep_domain::work::Failure {
        stage: "probe".to_owned(),
        code: "not_a_video".to_owned(),
        reason: "This is not a film.".to_owned(),
        retryable: false,
    };
    let events = [
        requested(owner, failed, "Broken"),
        VideoEvent::UploadCompleted {},
        VideoEvent::TranscodeStarted {},
        VideoEvent::TranscodeFailed { failure },
    ];
    fixture.append(StreamId::video(failed), None, &events).await;
    let rejected = VideoId(Uuid::new_v4());
    let events =
        [requested(owner, rejected, "Not a film"), VideoEvent::UploadRejected { reason: "It is a text.".to_owned() }];
    fixture.append(StreamId::video(rejected), None, &events).await;
    let gone = VideoId(Uuid::new_v4());
    let events = [
        requested(owner, gone, "A"),
        VideoEvent::Retitled { title: personal(owner, "Gone") },
        VideoEvent::Trashed { purge_at_us: Timestamp(9) },
        VideoEvent::PurgeStarted {},
        VideoEvent::Purged {},
    ];
    fixture.append(StreamId::video(gone), None, &events).await;
    let aborted = VideoId(Uuid::new_v4());
    let events = [
        requested(owner, aborted, "Given up"),
        VideoEvent::UploadFingerprinted { fingerprint: "5f".repeat(32) },
        VideoEvent::MultipartStarted { upload_id: "b2f7".to_owned(), part_bytes: 8 << 20, parts: 38 },
        VideoEvent::UploadAborted { reason: lockstep_domain::video::AbortReason::Withdrawn },
    ];
    fixture.append(StreamId::video(aborted), None, &events).await;
}
