//! Who did what: the activity of a channel, the notifications of a person, the list of the log.

use lockstep_domain::{
    Personal,
    aggregate::Event,
    channel::ChannelEvent,
    ids::{AccountId, ChannelId, CommandId, MessageId, NotificationId, Position, StreamId, VideoId, WebhookId},
    inbox::InboxEvent,
    member::MemberEvent,
    permission::{ChannelRole, Permission},
    playback::PlaybackEvent,
    right::Grant,
    time::{MediaTime, Timestamp},
    video::VideoEvent,
    webhook::{Topic, WebhookEvent},
    work::Failure,
};
use lockstep_event_store::{Append, Expected, Metadata, NewEvent};
use lockstep_projections::{
    activity::{self, ActivityRow, Page},
    audit::{self, Filter},
    checksum,
    notifications::{self, KEPT_MAX, List},
    rebuild,
};
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use crate::fixture::{Fixture, Story, personal, requested, story};

/// Appends as somebody.
struct By<'a> {
    fixture: &'a Fixture,
    account: AccountId,
    channel: Option<ChannelId>,
    cause: Option<String>,
}

impl<'a> By<'a> {
    fn new(fixture: &'a Fixture, account: AccountId, channel: ChannelId) -> Self {
        Self { fixture, account, channel: Some(channel), cause: None }
    }
    fn because(self, event: &lockstep_projections::RecordedEvent) -> Self {
        Self { cause: Some(event.event_id.to_string()), ..self }
    }
    async fn json(&self, stream: StreamId, event_type: &str, payload: Value) -> Position {
        let append = Append {
            stream,
            expected: Expected::Any,
            guards: vec![],
            command_id: CommandId(Uuid::new_v4()),
            metadata: Metadata {
                actor: self.account.to_string(),
                channel_id: self.channel.map(|id| id.to_string()),
                causation_id: self.cause.clone(),
                ..Metadata::default()
            },
            occurred_at: Timestamp(1),
            events: vec![NewEvent { event_type: event_type.to_owned(), event_version: "1".to_owned(), payload }],
        };
        self.fixture.store.append(append).await.unwrap().position
    }
    async fn event<E: Event>(&self, stream: StreamId, event: E) -> Position {
        self.json(stream, event.event_type(), serde_json::to_value(&event).unwrap()).await
    }
    async fn member(&self, account: AccountId, event: MemberEvent) -> Position {
        self.event(StreamId::member(self.channel.unwrap(), account), event).await
    }
}

async fn told() -> (Fixture, Story) {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    (fixture, story)
}

async fn actions(fixture: &Fixture, channel: ChannelId, page: Page) -> Vec<ActivityRow> {
    activity::page(&fixture.pool, channel, &page).await.unwrap()
}

fn all() -> Page {
    Page { limit: 100, ..Page::default() }
}

async fn unread(fixture: &Fixture, of: AccountId) -> i64 {
    notifications::unread(&fixture.pool, of).await.unwrap()
}

async fn kinds(fixture: &Fixture, of: AccountId) -> Vec<String> {
    let list = List { limit: 100, ..List::default() };
    let rows = notifications::list(&fixture.pool, of, list).await.unwrap();
    rows.into_iter().rev().map(|row| row.kind).collect()
}

#[tokio::test]
async fn every_shared_action_is_told_with_what_it_changed() {
    let (fixture, story) = told().await;
    fixture.apply_all().await;
    let rows = actions(&fixture, story.channel, all()).await;
    let events = fixture.store.read_channel(story.channel, Position::START, 1_000).await.unwrap();
    let aside = |event: &&lockstep_projections::RecordedEvent| {
        !["message", "report"].contains(&event.stream.kind()) && event.event_type != "SkipVotesCounted"
    };
    assert_eq!(rows.len(), events.iter().filter(aside).count(), "one row each");
    assert!(rows.windows(2).all(|pair| pair[0].position > pair[1].position), "newest first");
    let find = |name: &str| rows.iter().find(|row| row.event_type == name).unwrap();
    let renamed = find("Renamed");
    assert_eq!((&renamed.before, &renamed.after), (&Some(json!("cinema")), &Some(json!("Kino"))));
    assert_eq!(renamed.needs, Some(Permission::EditChannel));
    let together = actions(&fixture, story.private, all()).await;
    let shared = |name: &str| together.iter().find(|row| row.event_type == name).unwrap();
    let faster = shared("RateChanged");
    assert!(faster.before.is_some() && faster.after != faster.before, "{faster:?}");
    let moved = shared("VideoMoved");
    assert_eq!((moved.facet.as_deref(), moved.video.is_some()), (Some("item"), true), "which film");
    let role = find("RoleGranted");
    assert_eq!((&role.before, &role.after), (&Some(json!("viewer")), &Some(json!("moderator"))));
    assert_eq!((role.target, role.facet.as_deref()), (Some(story.guest), Some("role")));
    let seek = find("Seeked");
    let place = |us: i64| Some(json!({ "video": story.video, "position_us": us }));
    assert_eq!((&seek.before, &seek.after), (&place(3_000_000), &place(9_000_000)));
    assert_eq!((seek.video, find("Played").needs), (Some(story.video), None));
    let ended = rows.iter().find(|row| row.event_type == "Ended").unwrap();
    assert_eq!(ended.after, place(60_000_000));
    assert_eq!(find("Muted").after, Some(json!({ "muted": true, "until_us": null })));
    let texts: Vec<String> =
        sqlx::query_scalar("SELECT t::text FROM rm_activity t").fetch_all(&fixture.pool).await.unwrap();
    assert!(texts.iter().all(|text| !text.contains("shouting")), "no reason is copied");
}

#[tokio::test]
async fn pages_go_both_ways_and_by_kind() {
    let (fixture, story) = told().await;
    fixture.apply_all().await;
    let everything = actions(&fixture, story.channel, all()).await;
    let positions = |rows: &[ActivityRow]| rows.iter().map(|row| row.position).collect::<Vec<_>>();
    let first = actions(&fixture, story.channel, Page { limit: 4, ..Page::default() }).await;
    let before = Some(first[3].position);
    let second = actions(&fixture, story.channel, Page { limit: 4, before, ..Page::default() }).await;
    assert_eq!(positions(&[first.clone(), second.clone()].concat()), positions(&everything[..8]));
    let back = Page { limit: 3, after: Some(second[0].position), ..Page::default() };
    assert_eq!(positions(&actions(&fixture, story.channel, back).await), positions(&first[1..]));
    let members = Page { kind: Some("member".to_owned()), ..all() };
    let members = actions(&fixture, story.channel, members).await;
    assert_eq!(members.len(), everything.iter().filter(|row| row.kind == "member").count());
    assert!(members.len() > 5 && members.iter().all(|row| row.kind == "member"));
}

#[tokio::test]
async fn only_the_last_change_of_a_thing_can_be_taken_back_and_what_took_it_back_says_so() {
    let (fixture, story) = told().await;
    let ada = By::new(&fixture, story.ada, story.channel);
    let stream = StreamId::channel(story.channel);
    let rename = |name: &str| ChannelEvent::Renamed { name: name.to_owned() };
    let one = ada.event(stream.clone(), rename("One")).await;
    let two = ada.event(stream.clone(), rename("Two")).await;
    ada.event(stream.clone(), ChannelEvent::SlowModeSet { seconds: 7 }).await;
    let undone = fixture.store.read_at(&[two]).await.unwrap().remove(0);
    fixture.apply_all().await;
    let row = async |position| {
        let rows = actions(&fixture, story.channel, all()).await;
        rows.into_iter().find(|row| row.position == position).unwrap()
    };
    assert_eq!((row(one).await.needs, row(two).await.needs), (None, Some(Permission::EditChannel)));
    let back = By::new(&fixture, story.ada, story.channel).because(&undone);
    let back = back.event(stream, rename("One")).await;
    fixture.apply_all().await;
    assert_eq!((row(back).await.undoes, row(two).await.needs), (Some(two), None));
    assert_eq!(row(one).await.undoes, None);
}

#[tokio::test]
async fn those_who_may_let_people_in_hear_who_asks() {
    let (fixture, story) = told().await;
    let [mod_, asker, viewer] = [0; 3].map(|_| AccountId(Uuid::new_v4()));
    let ada = By::new(&fixture, story.ada, story.channel);
    let joined = |role| MemberEvent::Joined { role, invite: None };
    ada.member(mod_, joined(ChannelRole::Moderator)).await;
    ada.member(viewer, joined(ChannelRole::Viewer)).await;
    let ask = || By::new(&fixture, asker, story.channel);
    ask().member(asker, MemberEvent::JoinRequested {}).await;
    let except =
        |granted| MemberEvent::PermissionOverridden { permission: Permission::Approve, granted, by: story.ada };
    ada.member(mod_, except(Some(false))).await;
    ada.member(viewer, except(Some(true))).await;
    ask().member(asker, MemberEvent::JoinRequested {}).await;
    let no_more = ChannelEvent::PermissionDefaultsChanged {
        role: ChannelRole::Moderator,
        permissions: std::iter::empty().collect(),
    };
    ada.event(StreamId::channel(story.channel), no_more).await;
    ada.member(mod_, except(None)).await;
    ada.member(viewer, MemberEvent::Left {}).await;
    ask().member(asker, MemberEvent::JoinRequested {}).await;
    By::new(&fixture, mod_, story.channel).member(asker, MemberEvent::JoinApproved { by: mod_ }).await;
    fixture.apply_all().await;
    let asked = async |of| kinds(&fixture, of).await.iter().filter(|kind| *kind == "join_requested").count();
    assert_eq!(asked(mod_).await, 1, "as the role permits, then not, by exception and by default");
    assert_eq!(asked(viewer).await, 1, "by exception, while here");
    assert_eq!(asked(story.ada).await, 2 + 3, "the owner always; the story has two");
    assert_eq!(kinds(&fixture, asker).await, ["join_approved"]);
}

#[tokio::test]
async fn people_hear_what_was_done_to_them_and_theirs_but_not_what_they_did() {
    let (fixture, story) = told().await;
    let eve = AccountId(Uuid::new_v4());
    let ada = By::new(&fixture, story.ada, story.channel);
    let by = story.ada;
    for event in [
        MemberEvent::RoleGranted { role: ChannelRole::Moderator, by },
        MemberEvent::Muted { by, until_us: Some(Timestamp(9)), reason: Some(personal(eve, "loud")) },
        MemberEvent::PermissionOverridden { permission: Permission::Chat, granted: Some(false), by },
        MemberEvent::PermissionOverridden { permission: Permission::Chat, granted: None, by },
        MemberEvent::Removed { by, reason: None },
        MemberEvent::Banned { by, reason: None },
    ] {
        ada.member(eve, event).await;
    }
    // Eve's own doing tells her nothing.
    By::new(&fixture, eve, story.channel).member(eve, MemberEvent::Unbanned { by: eve }).await;
    let [film, broken] = [0; 2].map(|_| VideoId(Uuid::new_v4()));
    for video in [film, broken] {
        fixture.append(StreamId::video(video), None, &[requested(eve, video, "Eve's")]).await;
    }
    let done =
        VideoEvent::TranscodeCompleted { hls_key: "h".to_owned(), dash_key: "d".to_owned(), duration_us: MediaTime(1) };
    fixture.append(StreamId::video(film), None, &[done]).await;
    let failure =
        Failure { stage: "probe".to_owned(), code: "x".to_owned(), reason: "no picture".to_owned(), retryable: false };
    fixture.append(StreamId::video(broken), None, &[VideoEvent::TranscodeFailed { failure }]).await;
    fixture.apply_all().await;
    let heard =
        ["role_granted", "muted", "right_taken", "right_usual", "removed", "banned", "video_ready", "video_failed"];
    assert_eq!(kinds(&fixture, eve).await, heard);
    let rows = notifications::list(&fixture.pool, eve, List { limit: 100, ..List::default() }).await.unwrap();
    let [failed, ready, _, _, usual, _, muted, role] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((failed.detail.as_deref(), ready.video), (Some("no picture"), Some(film)));
    assert_eq!(usual.detail.as_deref(), Some("chat"));
    assert_eq!((muted.until, role.detail.as_deref()), (Some(Timestamp(9)), Some("moderator")));
    assert_eq!((role.actor, role.channel), (Some(story.ada), Some(story.channel)));
    let texts: Vec<String> =
        sqlx::query_scalar("SELECT t::text FROM rm_notifications t").fetch_all(&fixture.pool).await.unwrap();
    assert!(texts.iter().all(|text| !text.contains("loud")), "reasons stay in the log");
}

#[tokio::test]
async fn who_is_named_or_answered_hears_it_once() {
    let (fixture, story) = told().await;
    let [eve, bob] = [0; 2].map(|_| AccountId(Uuid::new_v4()));
    let post = async |extra: Value| {
        let mut posted = json!({
            "channel": story.channel, "author": story.ada, "text": personal(story.ada, "hi"),
            "video": null, "playback_us": null,
        });
        posted.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let ada = By::new(&fixture, story.ada, story.channel);
        let stream = StreamId::message(MessageId(Uuid::new_v4()));
        ada.json(stream, "Posted", json!({ "Posted": posted })).await
    };
    fixture.apply_all().await;
    let mentions = async || kinds(&fixture, story.ada).await.iter().filter(|kind| *kind == "mention").count();
    let before = mentions().await;
    post(json!({})).await;
    let at = post(json!({ "mentions": [eve, eve, story.ada], "reply_author": bob })).await;
    post(json!({ "mentions": [bob], "reply_author": bob })).await;
    fixture.apply_all().await;
    assert_eq!(kinds(&fixture, eve).await, ["mention"]);
    assert_eq!(kinds(&fixture, bob).await, ["reply", "reply"]);
    assert_eq!(mentions().await, before, "not by oneself");
    let event = fixture.store.read_at(&[at]).await.unwrap().remove(0);
    let concerned = [eve, bob, story.guest].map(|account| notifications::may_concern(&event, account));
    assert_eq!(concerned, [true, true, false]);
}

#[tokio::test]
async fn what_was_read_stays_read_and_a_rebuild_knows_it() {
    let (fixture, story) = told().await;
    let eve = AccountId(Uuid::new_v4());
    let ada = By::new(&fixture, story.ada, story.channel);
    let muted = || MemberEvent::Muted { by: story.ada, until_us: None, reason: None };
    let mut at = Vec::new();
    for _ in 0..4 {
        at.push(ada.member(eve, muted()).await);
    }
    fixture.apply_all().await;
    assert_eq!(unread(&fixture, eve).await, 4);
    let rows = notifications::list(&fixture.pool, eve, List { limit: 10, ..List::default() }).await.unwrap();
    let inbox = async |event: InboxEvent| fixture.append(StreamId::inbox(eve), None, &[event]).await;
    inbox(InboxEvent::ReadThrough { position: at[1] }).await;
    let other = NotificationId(Uuid::new_v4());
    inbox(InboxEvent::Read { notifications: vec![rows[0].notification, other] }).await;
    fixture.apply_all().await;
    let list = List { limit: 10, unread_only: true, ..List::default() };
    let left = notifications::list(&fixture.pool, eve, list).await.unwrap();
    assert_eq!(left.iter().map(|row| row.position).collect::<Vec<_>>(), [at[2]]);
    assert_eq!(unread(&fixture, eve).await, 1);
    let rows = fixture.rows().await;
    fixture.apply_all().await;
    assert_eq!(fixture.rows().await, rows, "the same events again change nothing");
    for name in ["activity", "notifications"] {
        let before = checksum(&fixture.pool, name).await.unwrap();
        sqlx::query("INSERT INTO es_subscriptions (name, position) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(fixture.store.head().await.unwrap().as_i64())
            .execute(&fixture.pool)
            .await
            .unwrap();
        rebuild(&fixture.pool, &fixture.store, name).await.unwrap();
        assert_eq!(checksum(&fixture.pool, name).await.unwrap(), before, "{name}");
    }
}

#[tokio::test]
async fn the_newest_notifications_are_kept() {
    let (fixture, story) = told().await;
    let eve = AccountId(Uuid::new_v4());
    let granted = MemberEvent::RoleGranted { role: ChannelRole::Viewer, by: story.ada };
    let many: Vec<MemberEvent> = std::iter::repeat_n(granted, 60).collect();
    for _ in 0..9 {
        fixture.append(StreamId::member(story.channel, eve), Some(story.channel), &many).await;
    }
    fixture.apply_all().await;
    let oldest = async || {
        let sql = "SELECT count(*), min(position) FROM rm_notifications WHERE recipient_id = $1";
        let row = sqlx::query(sql).bind(eve.0).fetch_one(&fixture.pool).await.unwrap();
        (row.get::<i64, _>(0), row.get::<i64, _>(1))
    };
    let head = fixture.store.head().await.unwrap().as_i64();
    assert_eq!(oldest().await, (KEPT_MAX, head - KEPT_MAX + 1));
    fixture.apply_all().await;
    assert_eq!(oldest().await, (KEPT_MAX, head - KEPT_MAX + 1), "and a replay keeps the same");
}

#[tokio::test]
async fn the_log_is_listed_by_who_what_where_and_when() {
    let (fixture, story) = told().await;
    let eve = AccountId(Uuid::new_v4());
    let ada = By::new(&fixture, story.ada, story.channel);
    let first = ada.member(eve, MemberEvent::Joined { role: ChannelRole::Viewer, invite: None }).await;
    let second = ada.member(eve, MemberEvent::Banned { by: story.ada, reason: None }).await;
    let seek = PlaybackEvent::Seeked { position_us: MediaTime(1), at_us: Timestamp(1), from_us: None };
    let third = By::new(&fixture, eve, story.private).event(StreamId::playback(story.private), seek).await;
    let found = async |filter: Filter, before| audit::list(&fixture.pool, &filter, before, 100).await.unwrap();
    let by_ada = Filter { actor: Some(story.ada.to_string()), ..Filter::default() };
    assert_eq!(found(by_ada.clone(), None).await, [second, first]);
    assert_eq!(found(by_ada.clone(), Some(second)).await, [first]);
    let action = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let bans = Filter { actions: vec![action("member", "Banned"), action("playback", "Seeked")], ..by_ada.clone() };
    assert_eq!(found(bans, None).await, [second]);
    let there = Filter { channel: Some(story.private), ..Filter::default() };
    assert_eq!(found(there, None).await.first(), Some(&third));
    let events = fixture.store.read_at(&[first, second]).await.unwrap();
    let from = Filter { from: Some(events[1].recorded_at), ..Filter::default() };
    assert_eq!(found(from, None).await, [third, second]);
    let until = Filter { until: Some(events[1].recorded_at), ..by_ada.clone() };
    assert_eq!(found(until, None).await, [first]);
    let later = Filter { from: Some(Timestamp(i64::MAX / 4)), ..Filter::default() };
    assert_eq!(found(later, None).await, []);
    assert_eq!(audit::list(&fixture.pool, &Filter::default(), None, 2).await.unwrap(), [third, second]);
}

#[tokio::test]
async fn causes_effects_and_what_gave_the_right_are_found() {
    let (fixture, story) = told().await;
    let ada = By::new(&fixture, story.ada, story.channel);
    let guest = By::new(&fixture, story.guest, story.channel);
    let granted = ada.member(story.guest, MemberEvent::RoleGranted { role: ChannelRole::Admin, by: story.ada }).await;
    let ban = guest.member(story.troll, MemberEvent::Banned { by: story.guest, reason: None }).await;
    let event = fixture.store.read_at(&[ban]).await.unwrap().remove(0);
    let because = By::new(&fixture, story.ada, story.channel).because(&event);
    let unban = because.member(story.troll, MemberEvent::Unbanned { by: story.ada }).await;
    let undoing = fixture.store.read_at(&[unban]).await.unwrap().remove(0);
    assert_eq!(audit::cause(&fixture.pool, &undoing).await.unwrap(), Some(ban));
    assert_eq!(audit::effects(&fixture.pool, &event).await.unwrap(), [unban]);
    assert_eq!(audit::cause(&fixture.pool, &event).await.unwrap(), None);
    let right = audit::granted(fixture.store.as_ref(), &event).await.unwrap();
    let by_role = Grant::Role { role: ChannelRole::Admin, given: granted, defaults: None };
    assert_eq!(right, Some((Permission::Ban, by_role)), "as it stood then");
    // The story's channel has one remote, which the guest holds since it was handed over.
    let seek = PlaybackEvent::Seeked { position_us: MediaTime(1), at_us: Timestamp(1), from_us: None };
    let seek = guest.event(StreamId::playback(story.channel), seek).await;
    let seek = fixture.store.read_at(&[seek]).await.unwrap().remove(0);
    let handed = fixture.events().await.into_iter().find(|event| event.event_type == "RemoteHandedOver").unwrap();
    let right = audit::granted(fixture.store.as_ref(), &seek).await.unwrap();
    assert_eq!(right, Some((Permission::Seek, Grant::Remote(handed.position))));
}

/// Events in the log when its plans are looked at.
const MANY: i64 = 100_000;

#[tokio::test]
async fn no_filter_of_the_list_scans_the_whole_log() {
    let fixture = Fixture::new().await;
    let (actor, channel) = (Uuid::new_v4(), Uuid::new_v4());
    // 1 000 people in 100 channels, mostly seeking; one person and one channel of interest among them.
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             global_position, event_id, recorded_at)
         SELECT CASE WHEN n % 10 = 0 THEN 'member' ELSE 'playback' END, n::text, 1,
                CASE WHEN n % 10 <> 0 THEN 'Seeked' WHEN n % 1000 = 0 THEN 'Banned' ELSE 'Joined' END, '1', '{}',
                jsonb_build_object(
                    'actor', CASE WHEN n % 777 = 0 THEN $1 ELSE md5((n % 1000)::text) END,
                    'channel_id', CASE WHEN n % 99 = 0 THEN $2::uuid ELSE md5((n % 100)::text)::uuid END,
                    'causation_id', md5(n::text)),
                n, md5(n::text)::uuid, timestamptz '2026-01-01' + n * interval '1 second'
         FROM generate_series(1, $3) AS n",
    )
    .bind(actor.to_string())
    .bind(channel)
    .bind(MANY)
    .execute(&fixture.pool)
    .await
    .unwrap();
    sqlx::query("ANALYZE events").execute(&fixture.pool).await.unwrap();
    let day = Timestamp(1_767_312_000_000_000);
    let who = Filter { actor: Some(actor.to_string()), ..Filter::default() };
    let what = Filter { actions: vec![("member".to_owned(), "Banned".to_owned())], ..Filter::default() };
    let place = Filter { channel: Some(ChannelId(channel)), ..Filter::default() };
    let all = Filter { actor: who.actor.clone(), actions: what.actions.clone(), ..place.clone() };
    for (name, filter) in [("none", Filter::default()), ("who", who), ("what", what), ("where", place), ("all", all)] {
        let statement = audit::select(&filter, 1, i64::MAX, 31).into_sql();
        plan(&fixture, name, &statement, &filter).await;
    }
    // The bounds of a time, and causes, are single reads of an index.
    let timed = Filter { from: Some(day), until: Some(Timestamp(day.0 + 60_000_000)), ..Filter::default() };
    assert_eq!(audit::list(&fixture.pool, &timed, None, 100).await.unwrap().len(), 60);
    let bound = "SELECT global_position FROM events WHERE recorded_at >= timestamptz '2026-01-02' \
                 ORDER BY recorded_at ASC, global_position ASC LIMIT 1";
    let effects = "SELECT global_position FROM events WHERE metadata ->> 'causation_id' = 'x' \
                   ORDER BY global_position LIMIT 50";
    for statement in [bound, effects] {
        let lines: Vec<String> =
            sqlx::query_scalar(&format!("EXPLAIN {statement}")).fetch_all(&fixture.pool).await.unwrap();
        assert!(!lines.iter().any(|line| line.contains("Seq Scan")), "{statement}: {lines:#?}");
    }
}

/// The plan of a statement of the list, its parameters bound as the list binds them.
async fn plan(fixture: &Fixture, name: &str, statement: &str, filter: &Filter) {
    let sql = format!("EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) {statement}");
    let mut query = sqlx::query_scalar::<_, String>(&sql);
    if !filter.actions.is_empty() {
        let (kinds, types): (Vec<String>, Vec<String>) = filter.actions.iter().cloned().unzip();
        query = query.bind(kinds).bind(types);
    }
    query = query.bind(1_i64).bind(i64::MAX);
    if let Some(actor) = &filter.actor {
        query = query.bind(actor.clone());
    }
    if let Some(channel) = filter.channel {
        query = query.bind(channel.0);
    }
    if !filter.actions.is_empty() {
        query = query.bind(31_i64);
    }
    let lines = query.bind(31_i64).fetch_all(&fixture.pool).await.unwrap();
    assert!(!lines.iter().any(|line| line.contains("Seq Scan")), "{name}: {lines:#?}");
    assert!(lines.iter().any(|line| line.contains("Index")), "{name}: {lines:#?}");
    // Walking the log backwards until enough is found is a scan too.
    let removed = lines.iter().filter_map(|line| line.split("Rows Removed by Filter: ").nth(1)?.parse::<i64>().ok());
    assert!(removed.sum::<i64>() < MANY / 10, "{name}: {lines:#?}");
}

#[tokio::test]
async fn who_owns_a_webhook_is_told_that_it_was_stopped() {
    let (fixture, story) = told().await;
    let owner = AccountId(Uuid::new_v4());
    let stream = StreamId::webhook(WebhookId(Uuid::new_v4()));
    let registered = WebhookEvent::Registered {
        owner,
        url: Personal::new(owner, "https://a.example".to_owned()),
        topics: Topic::ALL.into(),
        everybody: false,
    };
    fixture.append(stream.clone(), None, &[registered]).await;
    let at = fixture.append(stream, None, &[WebhookEvent::Disabled { owner }]).await;
    fixture.apply_all().await;
    assert_eq!(kinds(&fixture, owner).await, ["webhook_disabled"]);
    assert!(!kinds(&fixture, story.ada).await.contains(&"webhook_disabled".to_owned()));
    let event = fixture.store.read_at(&[at]).await.unwrap().remove(0);
    assert!(notifications::may_concern(&event, owner));
}
