//! Fixed values the tests share, and the sample of every event type that the golden files hold.

use lockstep_domain::{
    Personal,
    account::{AccountEvent, PlatformRole},
    channel::{ChannelEvent, Visibility},
    ids::{
        AccountId, ChannelId, IdentityId, InviteId, MessageId, NotificationId, Position, QueueItemId,
        RegistrationLinkId, VideoId,
    },
    inbox::InboxEvent,
    installation::{InstallationEvent, Registration},
    invite::InviteEvent,
    member::MemberEvent,
    message::MessageEvent,
    permission::{ChannelRole, Permission},
    playback::{HoldReason, PlaybackEvent, ReleaseCause},
    queue::{DequeueCause, LoopMode, QueueEvent, QueueItem},
    report::{ReportAction, ReportEvent},
    signin::{Failing, SignInEvent},
    time::{MediaTime, Timestamp},
    token::{Scope, TokenEvent},
    video::{
        AbortReason, CaptionOrigin, CaptionTrack, Poster, RenditionFacts, RenditionPlan, Source, Storyboard, VideoEvent,
    },
    visit::VisitEvent,
    webhook::{Topic, WebhookEvent},
    work::{Failure, Segment, WorkEvent, WorkItem, WorkKind},
};
use uuid::Uuid;

pub const ADA: AccountId = AccountId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0ada));
pub const BOB: AccountId = AccountId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0b0b));
pub const EVE: AccountId = AccountId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0e5e));
pub const IDENTITY: IdentityId = IdentityId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_01d1));
pub const LINK: RegistrationLinkId = RegistrationLinkId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_011c));
pub const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0c01));
pub const FILM: VideoId = VideoId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0f01));
pub const OTHER_FILM: VideoId = VideoId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0f02));
pub const INVITE: InviteId = InviteId(Uuid::from_u128(0x0192_0000_0000_4000_8000_0000_0000_0a01));
pub const MESSAGE: MessageId = MessageId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0e01));

/// A wall time, this many seconds after a fixed start.
pub fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
}

/// A place in a film, this many seconds from its start.
pub fn secs(seconds: i64) -> MediaTime {
    MediaTime::from_micros(seconds * 1_000_000)
}

pub fn named(account: AccountId, name: &str) -> Personal<String> {
    Personal::new(account, name.to_owned())
}

pub fn accounts() -> Vec<AccountEvent> {
    vec![
        AccountEvent::Registered { name: named(ADA, "Ada"), role: PlatformRole::Administrator },
        AccountEvent::GuestAdmitted { name: named(BOB, "Bob") },
        AccountEvent::Upgraded { name: named(BOB, "Bob B.") },
        AccountEvent::DisplayNameChanged { name: named(ADA, "Ada L.") },
        AccountEvent::PasswordChanged { generation: 2, by: Some(ADA) },
        AccountEvent::PlatformRoleGranted { role: PlatformRole::Administrator, by: ADA },
        AccountEvent::Suspended { by: ADA, reason: Some(named(BOB, "sells tickets")) },
        AccountEvent::Reinstated { by: ADA },
        AccountEvent::IdentityLinked {
            identity: IDENTITY,
            issuer: "https://login.example".into(),
            subject: named(ADA, "248289761001"),
        },
        AccountEvent::IdentityUnlinked { identity: IDENTITY },
    ]
}

pub fn installations() -> Vec<InstallationEvent> {
    vec![
        InstallationEvent::RegistrationChanged { registration: Registration::Open, by: ADA },
        InstallationEvent::RegistrationLinkIssued { link: LINK, by: ADA, expires_at_us: wall(3_600), uses_max: 5 },
        InstallationEvent::RegistrationLinkRevoked { link: LINK, by: BOB },
    ]
}

pub fn channels() -> Vec<ChannelEvent> {
    vec![
        ChannelEvent::Created {
            owner: ADA,
            name: "Film night".into(),
            slug: "film-night".into(),
            visibility: Visibility::Public,
        },
        ChannelEvent::Renamed { name: "Film nights".into() },
        ChannelEvent::Described { description: "Every Friday\nat eight".into() },
        ChannelEvent::VisibilityChanged { visibility: Visibility::Private },
        ChannelEvent::PermissionDefaultsChanged {
            role: ChannelRole::Viewer,
            permissions: [Permission::Chat, Permission::Vote].into_iter().collect(),
        },
        ChannelEvent::SlowModeSet { seconds: 30 },
        ChannelEvent::RemoteModeChanged { holder: Some(ADA) },
        ChannelEvent::RemoteHandedOver { to: BOB, inherited: true },
        ChannelEvent::Archived {},
    ]
}

pub fn invites() -> Vec<InviteEvent> {
    vec![
        InviteEvent::Issued { channel: CHANNEL, by: ADA, expires_at_us: wall(3_600), uses_max: 10 },
        InviteEvent::Redeemed { account: BOB },
        InviteEvent::Revoked { by: ADA },
    ]
}

pub fn sign_ins() -> Vec<SignInEvent> {
    vec![
        SignInEvent::SignedIn { account: ADA, session: "0123456789abcdef".into() },
        SignInEvent::SignInFailed { account: Some(ADA), why: Failing::WrongCredentials },
    ]
}

pub fn tokens() -> Vec<TokenEvent> {
    vec![
        TokenEvent::Issued {
            owner: ADA,
            name: named(ADA, "backup script"),
            scopes: Scope::ALL.into(),
            expires_at_us: wall(3_600),
        },
        TokenEvent::Revoked { by: ADA },
    ]
}

pub fn webhooks() -> Vec<WebhookEvent> {
    vec![
        WebhookEvent::Registered {
            owner: ADA,
            url: named(ADA, "https://hooks.example.org/lockstep"),
            topics: Topic::ALL.into(),
            everybody: true,
        },
        WebhookEvent::Disabled { owner: ADA },
        WebhookEvent::Enabled { by: ADA },
        WebhookEvent::Removed { by: ADA },
        WebhookEvent::SecretRotated { by: ADA, generation: 1, old_until_us: wall(86_400) },
    ]
}

pub fn members() -> Vec<MemberEvent> {
    let reason = || Some(named(BOB, "spoilers"));
    vec![
        MemberEvent::JoinRequested {},
        MemberEvent::JoinApproved { by: ADA },
        MemberEvent::JoinDeclined { by: ADA },
        MemberEvent::Joined { role: ChannelRole::Viewer, invite: None },
        MemberEvent::Left {},
        MemberEvent::Removed { by: ADA, reason: reason() },
        MemberEvent::RoleGranted { role: ChannelRole::Moderator, by: ADA },
        MemberEvent::PermissionOverridden { permission: Permission::LoadVideo, granted: Some(false), by: ADA },
        MemberEvent::Muted { by: ADA, until_us: Some(wall(600)), reason: reason() },
        MemberEvent::Unmuted { by: ADA },
        MemberEvent::Banned { by: ADA, reason: None },
        MemberEvent::Unbanned { by: ADA },
    ]
}

pub fn inboxes() -> Vec<InboxEvent> {
    let note = NotificationId(Uuid::from_u128(0x0192_0000_0000_8000_8000_0000_0000_0d01));
    vec![InboxEvent::ReadThrough { position: Position::from_i64(4711) }, InboxEvent::Read { notifications: vec![note] }]
}

pub fn messages() -> Vec<MessageEvent> {
    let (account, emoji) = (ADA, "\u{2764}\u{fe0f}".to_owned());
    vec![
        MessageEvent::Posted {
            channel: CHANNEL,
            author: BOB,
            text: named(BOB, "Look at that!"),
            video: Some(FILM),
            playback_us: Some(MediaTime::from_micros(61_200_000)),
            reply_to: None,
            reply_author: None,
            mentions: vec![],
        },
        MessageEvent::Edited { text: named(BOB, "Look at this!") },
        MessageEvent::Redacted { by: ADA, reason: Some(named(BOB, "not here")) },
        MessageEvent::ReactionAdded { account, emoji: emoji.clone() },
        MessageEvent::ReactionRemoved { account, emoji },
        MessageEvent::Pinned { by: ADA },
        MessageEvent::Unpinned { by: ADA },
    ]
}

pub fn reports() -> Vec<ReportEvent> {
    vec![
        ReportEvent::Filed {
            channel: CHANNEL,
            message: MESSAGE,
            reporter: EVE,
            reason: named(EVE, "This is rude."),
            author: BOB,
            text: named(BOB, "Look at that!"),
            said_at_us: wall(3),
            playback_us: Some(MediaTime::from_micros(61_200_000)),
        },
        ReportEvent::Resolved { by: ADA, action: ReportAction::Muted, note: Some(named(BOB, "for a day")) },
    ]
}

pub fn playbacks() -> Vec<PlaybackEvent> {
    vec![
        PlaybackEvent::VideoLoaded { video: FILM, duration_us: secs(60), at_us: wall(0), item: None },
        PlaybackEvent::Played { position_us: secs(0), at_us: wall(1) },
        PlaybackEvent::Paused { position_us: secs(7), at_us: wall(8) },
        PlaybackEvent::Seeked { position_us: secs(30), at_us: wall(9), from_us: None },
        PlaybackEvent::Ended { at_us: wall(40) },
        PlaybackEvent::Held { reason: HoldReason::Start, position_us: secs(0), deadline_us: wall(51), at_us: wall(41) },
        PlaybackEvent::Released { cause: ReleaseCause::Ready, position_us: secs(0), at_us: wall(43) },
        PlaybackEvent::RateChanged { rate_ppm: 1_500_000, position_us: secs(4), at_us: wall(47) },
        PlaybackEvent::Skipped { from_us: secs(10), at_us: wall(51) },
    ]
}

/// The `n`-th item of a queue.
pub fn entry(n: u128) -> QueueItemId {
    QueueItemId(Uuid::from_u128(0x1_0000 + n))
}

pub fn queued_item(n: u128) -> QueueItem {
    QueueItem { item: entry(n), video: FILM, by: BOB, duration_us: secs(60), at_us: wall(0) }
}

pub fn queues() -> Vec<QueueEvent> {
    vec![
        QueueEvent::VideoQueued {
            item: entry(1),
            video: FILM,
            by: BOB,
            duration_us: secs(60),
            before: Some(entry(2)),
            at_us: wall(0),
        },
        QueueEvent::VideoDequeued {
            item: entry(1),
            video: FILM,
            queued_by: BOB,
            duration_us: secs(60),
            before: Some(entry(2)),
            cause: DequeueCause::Removed,
            by: Some(ADA),
        },
        QueueEvent::VideoMoved { item: entry(1), before: Some(entry(3)), was_before: Some(entry(2)), by: Some(ADA) },
        QueueEvent::SkipVoteCast { by: BOB, load: 3 },
        QueueEvent::SkipVoteWithdrawn { by: BOB, load: 3 },
        QueueEvent::SkipVotesCounted { load: 3, have: 2, need: 3 },
        QueueEvent::Cleared { items: vec![queued_item(1)], by: ADA },
        QueueEvent::Restored { items: vec![queued_item(1)], by: ADA },
        QueueEvent::AutoplaySet { on: false, by: ADA },
        QueueEvent::LoopSet { mode: LoopMode::All, by: ADA },
    ]
}

pub fn visits() -> Vec<VisitEvent> {
    vec![
        VisitEvent::Arrived { channel: CHANNEL, account: BOB },
        VisitEvent::Departed { channel: CHANNEL, account: BOB },
    ]
}

pub fn works() -> Vec<WorkEvent> {
    vec![
        WorkEvent::Claimed { worker: "worker-a".into(), attempt: 1 },
        WorkEvent::SegmentPublished { attempt: 1, segment: segment() },
        WorkEvent::WorkCompleted { attempt: 1 },
        WorkEvent::ClaimLapsed { attempt: 1 },
        WorkEvent::WorkFailed { attempt: 1, failure: failure() },
        WorkEvent::Reopened {},
    ]
}

pub fn videos() -> Vec<VideoEvent> {
    vec![
        requested(),
        VideoEvent::UploadCompleted {},
        VideoEvent::UploadRejected { reason: "the file is not the declared size".into() },
        VideoEvent::TranscodeStarted {},
        VideoEvent::SourceProbed { source: source() },
        planned(),
        VideoEvent::TranscodeProgressed { percent: 42, stage: "encode".into(), eta_s: Some(30) },
        VideoEvent::RenditionCompleted { rendition: rendition("720p") },
        VideoEvent::ThumbnailsGenerated { object_key: "v/film/thumb.jpg".into(), width: 640, height: 360 },
        VideoEvent::CaptionsAdded { captions: captions() },
        VideoEvent::CaptionsRemoved { id: "s1".into(), by: ADA },
        VideoEvent::StoryboardGenerated { storyboard: storyboard() },
        completed(),
        VideoEvent::TranscodeFailed { failure: failure() },
        VideoEvent::InterimObjectRemoved {},
        VideoEvent::Retitled { title: named(ADA, "Holiday in Lisbon") },
        VideoEvent::Described { description: named(ADA, "Two weeks by the sea.") },
        VideoEvent::Tagged { tags: Personal::new(ADA, vec!["sea".to_owned(), "summer".to_owned()]) },
        VideoEvent::VisibilityChanged { visibility: Visibility::Unlisted },
        VideoEvent::Trashed { purge_at_us: wall(604_800) },
        VideoEvent::Restored {},
        VideoEvent::PurgeStarted {},
        VideoEvent::Purged {},
        VideoEvent::UploadFingerprinted { fingerprint: "5f".repeat(32) },
        VideoEvent::MultipartStarted { upload_id: "b2f7".into(), part_bytes: 8_388_608, parts: 38 },
        VideoEvent::UploadAborted { reason: AbortReason::Abandoned },
        VideoEvent::PosterChosen { poster: poster(), replaces: Some("v/film/poster/a.png".into()) },
        VideoEvent::PosterReset { replaces: "v/film/poster/b.jpg".into() },
    ]
}

pub fn poster() -> Poster {
    Poster { object_key: "v/film/poster/b.jpg".into(), width: 1_280, height: 720, at_us: Some(secs(7)) }
}

pub fn requested() -> VideoEvent {
    VideoEvent::UploadRequested {
        owner: ADA,
        title: named(ADA, "Holiday"),
        file_name: named(ADA, "holiday.mp4"),
        size_bytes: 1_048_576,
        content_type: "video/mp4".into(),
        object_key: "u/film".into(),
    }
}

pub fn planned() -> VideoEvent {
    VideoEvent::TranscodePlanned { renditions: plan(), items: items() }
}

pub fn completed() -> VideoEvent {
    VideoEvent::TranscodeCompleted {
        hls_key: "v/film/master.m3u8".into(),
        dash_key: "v/film/manifest.mpd".into(),
        duration_us: secs(12),
    }
}

pub fn source() -> Source {
    Source {
        container: "mov,mp4,m4a,3gp,3g2,mj2".into(),
        video_codec: "h264".into(),
        audio_codec: Some("aac".into()),
        duration_us: secs(12),
        width: 1280,
        height: 720,
        rotation_degrees: -90,
        frame_rate_num: 30_000,
        frame_rate_den: 1_001,
        audio_channels: 2,
        sounds: vec![],
        texts: vec![],
        chapters: vec![],
    }
}

pub fn captions() -> CaptionTrack {
    CaptionTrack {
        id: "s1".into(),
        language: Some("en".into()),
        label: named(ADA, "English"),
        object_key: "v/film/text/s1.vtt".into(),
        origin: CaptionOrigin::Source,
    }
}

pub fn storyboard() -> Storyboard {
    Storyboard {
        object_key: "v/film/storyboard.vtt".into(),
        tile_width: 160,
        tile_height: 90,
        interval_us: secs(2),
        tiles: 6,
    }
}

pub fn plan() -> Vec<RenditionPlan> {
    vec![
        RenditionPlan { name: "720p".into(), width: 1280, height: 720, bitrate_bps: 2_500_000 },
        RenditionPlan { name: "audio".into(), width: 0, height: 0, bitrate_bps: 128_000 },
    ]
}

/// One item of every kind.
pub fn items() -> Vec<WorkItem> {
    vec![
        item(0, WorkKind::Chunk { first_segment: 1, last_segment: 2 }, secs(0), secs(8)),
        item(1, WorkKind::Chunk { first_segment: 3, last_segment: 3 }, secs(8), secs(12)),
        item(2, WorkKind::Audio, secs(0), secs(12)),
        item(3, WorkKind::Thumbnail, secs(0), secs(12)),
    ]
}

fn item(number: u32, kind: WorkKind, start_us: MediaTime, end_us: MediaTime) -> WorkItem {
    WorkItem { number, kind, start_us, end_us }
}

pub fn rendition(name: &str) -> RenditionFacts {
    RenditionFacts {
        name: name.into(),
        width: 1280,
        height: 720,
        bandwidth_bps: 3_000_579,
        average_bandwidth_bps: 2_632_168,
        codecs: "avc1.64001f".into(),
        bytes: 3_948_252,
        segments: 3,
    }
}

/// An init segment, so that every field is there.
pub fn segment() -> Segment {
    Segment {
        rendition: "720p".into(),
        number: 0,
        pts_us: secs(0),
        duration_us: secs(0),
        bytes: 812,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        codecs: Some("avc1.64001f".into()),
    }
}

pub fn failure() -> Failure {
    Failure {
        stage: "probe".into(),
        code: "not_a_video".into(),
        reason: "this file has no picture in it".into(),
        retryable: false,
    }
}
