//! Random schedules of grants, revocations and commands, through the API and through sockets, judged by the oracle:
//! nothing forbidden ever shows in the log, and everything permitted does.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use async_graphql::{Request, Variables};
use lockstep_commands::{Clock, Principal, entry::Entry, session};
use lockstep_domain::{
    account::{Account, AccountCommand, AccountState, PlatformRole},
    ids::{AccountId, Position, StreamId, VideoId},
    time::{MediaTime, Timestamp},
    video::{RenditionFacts, Source, Video, VideoCommand},
};
use lockstep_graphql::{
    AppSchema, Bill, CookieConfig, DeliveryToken, DeliveryTokens, Introspection, RequestContext, SchemaDeps,
};
use lockstep_projections::{Reader, RecordedEvent, Tail};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    oracle::{GRID, OWNER, Oracle, Try, Verdict, Who},
    world::{Socket, Viewer, World},
};

const SEEDS: [u64; 4] = [1, 7, 23, 4_242];
const STEPS: usize = 90;
const PEOPLE: usize = 5;
/// A socket's tries before another one is opened: fewer than the hub's own pace permits at once.
const SOCKET_TRIES_MAX: usize = 4;
/// Longer than any film seeks to, so that none ends by itself.
const RATES: [i64; 3] = [500_000, 1_000_000, 2_000_000];
const FILM: MediaTime = MediaTime(7_200_000_000);

/// A clock that only the test moves.
pub struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct NoTokens;

impl DeliveryTokens for NoTokens {
    fn token(&self, video: VideoId, now: Timestamp) -> DeliveryToken {
        DeliveryToken { token: video.to_string(), expires_at: now }
    }
}

/// The same numbers from the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).expect("small")
    }
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Api,
    Socket,
}

struct Play {
    world: World,
    clock: Arc<HandClock>,
    schema: AppSchema,
    people: Vec<(Viewer, Principal)>,
    sockets: Vec<Option<(Socket, usize)>>,
    film: VideoId,
    /// Those that were said, in order.
    messages: Vec<Uuid>,
    oracle: Oracle,
    dice: Dice,
    seed: u64,
    step: usize,
    last: Position,
}

#[tokio::test]
async fn nothing_forbidden_is_ever_in_the_log_and_everything_permitted_is() {
    let runs = SEEDS.map(|seed| tokio::spawn(async move { Play::new(seed).await.run().await }));
    let (mut happened, mut forbidden) = ([0, 0], [0, 0]);
    for run in runs {
        let (done, refused) = run.await.expect("see the seed above");
        for way in 0..2 {
            happened[way] += done[way];
            forbidden[way] += refused[way];
        }
    }
    // A schedule that only succeeds, or only fails, would show nothing.
    for way in 0..2 {
        assert!(happened[way] >= 25 && forbidden[way] >= 15, "happened {happened:?}, forbidden {forbidden:?}");
    }
}

impl Play {
    async fn new(seed: u64) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000_000)));
        let (world, owner) = World::with_clock(clock.clone()).await;
        let mut viewers = vec![owner];
        for n in 1..PEOPLE {
            viewers.push(world.viewer(&format!("viewer {n}")).await);
        }
        let mut people = vec![];
        for viewer in viewers {
            let principal = session::authenticate(&world.services, &viewer.token).await.unwrap().expect("a session");
            people.push((viewer, principal));
        }
        let schema = lockstep_graphql::schema(SchemaDeps {
            services: world.services.clone(),
            reader: Reader::new(Arc::clone(&world.services.store), world.services.pool.clone()),
            tail: Tail::new(Arc::clone(&world.services.store)),
            delivery: Arc::new(NoTokens),
            webhooks: Arc::new(lockstep::webhooks::WebhookKeys::new([7; 32])),
            cookie: CookieConfig { name: "lockstep".to_owned(), secure: false },
            setup: Arc::default(),
            entry: Entry::default(),
            provider: None,
            introspection: Introspection::Everyone,
            trusted: lockstep_graphql::TrustedDocuments::default(),
            anonymous: lockstep_graphql::Anonymous::Open,
            costs: Arc::new(lockstep_commands::budget::Costs::default()),
        });
        let film = VideoId(Uuid::now_v7());
        let mut play = Self {
            sockets: people.iter().map(|_| None).collect(),
            oracle: Oracle::new(PEOPLE),
            dice: Dice(seed),
            last: Position::START,
            step: 0,
            world,
            clock,
            schema,
            people,
            film,
            messages: vec![],
            seed,
        };
        play.make_film().await;
        play.last = play.world.services.store.head().await.unwrap();
        play
    }

    async fn run(mut self) -> ([usize; 2], [usize; 2]) {
        let (mut done, mut refused) = ([0, 0], [0, 0]);
        let opening = [Try::Load, Try::Join, Try::Join, Try::Join];
        for (n, wish) in opening.into_iter().enumerate() {
            self.attempt(n, &wish, Way::Api).await;
        }
        self.attempt(OWNER, &Try::Say, Way::Api).await;
        self.attempt(OWNER, &Try::Grant(1, 2), Way::Api).await;
        self.attempt(OWNER, &Try::Grant(2, 1), Way::Api).await;
        for step in 0..STEPS {
            self.step = step;
            self.clock.0.fetch_add(1_000_000, Ordering::SeqCst);
            self.suspensions().await;
            let (who, wish, way) = self.wish();
            match self.attempt(who, &wish, way).await {
                Verdict::Happens(_) | Verdict::Either(_) => done[way as usize] += 1,
                Verdict::Forbidden => refused[way as usize] += 1,
                Verdict::Idle | Verdict::Perhaps(_) => {}
            }
        }
        self.after_the_archive().await;
        (done, refused)
    }

    /// Sometimes an administrator suspends somebody, and soon after takes that back.
    async fn suspensions(&mut self) {
        let (who, suspend) = match self.dice.roll(30) {
            0 => (1 + self.dice.roll(PEOPLE - 1), true),
            1..=4 => (1 + self.dice.roll(PEOPLE - 1), false),
            _ => return,
        };
        let account = self.people[who].0.account;
        let actor = AccountState { role: Some(PlatformRole::Administrator), ..AccountState::default() };
        let by = self.people[OWNER].0.account;
        let command = match suspend {
            true => AccountCommand::Suspend { account, by, actor, reason: None },
            false => AccountCommand::Reinstate { by, actor },
        };
        let (stream, context) = (StreamId::account(account), self.world.context(by));
        self.world.services.dispatcher.execute::<Account>(stream, None, &context, command).await.expect("suspends");
        self.oracle.suspend(who, suspend);
        self.last = self.world.services.store.head().await.unwrap();
    }

    fn wish(&mut self) -> (Who, Try, Way) {
        let who = self.dice.roll(PEOPLE);
        let other = self.dice.roll(PEOPLE);
        // No two seeks of a schedule go to the same place, whole seconds apart.
        let place = i64::try_from(1_000_000 * (1 + self.dice.roll(500)) + self.step).expect("small");
        let socket = self.dice.roll(2) == 0;
        if socket {
            let wish = match self.dice.roll(9) {
                8 => Try::Rate(self.dice.one(&RATES)),
                0 => Try::Play,
                1 => Try::Pause,
                2 => Try::Seek(place),
                3 => Try::Load,
                _ => Try::Say,
            };
            return (who, wish, Way::Socket);
        }
        let permission = self.dice.one(&[
            "CHAT",
            "PLAY_PAUSE",
            "SEEK",
            "LOAD_VIDEO",
            "MUTE",
            "BAN",
            "KICK",
            "MANAGE_ROLES",
            "EDIT_CHANNEL",
            "QUEUE_ADD",
            "REACT",
            "PIN",
            "VOTE",
        ]);
        let on = self.dice.roll(2) == 0;
        let wish = match self.dice.roll(38) {
            0..=3 => Try::Join,
            4 => Try::Leave,
            5 => Try::Play,
            6 => Try::Pause,
            7 => Try::Seek(place),
            8 => Try::Say,
            9 => Try::Rename(self.dice.roll(3) as u64),
            10 | 11 => Try::Grant(other, self.dice.roll(4)),
            12..=14 => Try::Except(other, permission, self.dice.one(&[Some(true), Some(false), Some(false), None])),
            15 | 16 => {
                let role = self.dice.roll(4);
                let mut wanted: BTreeSet<_> = self.oracle.defaults(role.min(2));
                if !wanted.remove(permission) {
                    wanted.insert(self.dice.one(&GRID));
                    wanted.insert(permission);
                }
                Try::Defaults(role, wanted)
            }
            17 => Try::OneRemote(Some(other)),
            18 => Try::OneRemote(None),
            19 => Try::HandOver(other),
            20 => Try::Mute(other, self.dice.one(&[None, Some(3_000_000), Some(20_000_000)])),
            21 => Try::Unmute(other),
            22 => Try::Remove(other),
            23 => Try::Ban(other),
            26 => Try::Rate(self.dice.one(&RATES)),
            27 | 28 => Try::Enqueue,
            29 => Try::ClearQueue,
            30 => Try::Autoplay(on),
            31 => Try::Vote(on),
            32 | 33 => Try::React(on),
            34 => Try::Pin(on),
            35 | 36 => Try::Redact(self.dice.roll(self.oracle.messages())),
            37 => Try::Slow(self.dice.one(&[0, 5, 60])),
            _ => Try::Unban(other),
        };
        (who, wish, Way::Api)
    }

    /// Tries it, and compares what the log says with the oracle's verdict.
    async fn attempt(&mut self, who: Who, wish: &Try, way: Way) -> Verdict {
        let now = self.clock.now().0;
        self.unpaced().await;
        self.inheritances().await;
        let verdict = self.oracle.judge(who, wish, now);
        let said = Uuid::now_v7();
        let accepted = match way {
            Way::Api => self.by_api(who, wish, said).await,
            Way::Socket => self.by_socket(who, wish, said).await,
        };
        let events = self.world.services.store.read_after(self.last, 100).await.unwrap();
        let new: Vec<(&str, &str)> = events
            .iter()
            .filter(|event| event.stream.kind() != "visit" && event.metadata.actor != "system")
            .map(|event| (event.event_type.as_str(), event.metadata.actor.as_str()))
            .collect();
        let actor = self.people[who].0.account.to_string();
        let told = format!(
            "seed {}, step {}: {who} tries {wish:?} by {way:?}: {verdict:?}, accepted: {accepted}, in the log: {new:?}\n{:?}",
            self.seed, self.step, self.oracle
        );
        match verdict {
            Verdict::Forbidden => assert!(!accepted && new.is_empty(), "{told}"),
            Verdict::Idle => assert!(accepted && new.is_empty(), "{told}"),
            Verdict::Happens(event) => {
                assert!(accepted && new == [(event, actor.as_str())], "{told}");
                if *wish == Try::Say {
                    self.messages.push(said);
                }
                self.oracle.happened(who, wish, now);
            }
            Verdict::Either(events) => {
                let one = events.into_iter().find(|event| new == [(*event, actor.as_str())]);
                assert!(accepted && one.is_some(), "{told}");
                match one {
                    Some("Held") => self.oracle.waits(),
                    _ => self.oracle.happened(who, wish, now),
                }
            }
            Verdict::Perhaps(event) => {
                assert!(accepted && (new.is_empty() || new == [(event, actor.as_str())]), "{told}");
                self.oracle.happened(who, wish, now);
            }
        }
        self.inherit(&events);
        verdict
    }

    /// Who spoke when is not what this test is about: everybody may speak at once again.
    async fn unpaced(&self) {
        sqlx::query("DELETE FROM chat_pace").execute(&self.world.services.pool).await.expect("forgotten");
    }

    /// On a slow machine the hub may find the holder of the one remote away for too long.
    async fn inheritances(&mut self) {
        let events = self.world.services.store.read_after(self.last, 100).await.unwrap();
        self.inherit(&events);
    }

    fn inherit(&mut self, events: &[RecordedEvent]) {
        for event in events.iter().filter(|event| event.metadata.actor == "system") {
            if event.event_type == "Released" {
                self.oracle.released();
            }
            let to = &event.payload["RemoteHandedOver"]["to"];
            if let Some(who) = self.people.iter().position(|(viewer, _)| json!(viewer.account) == *to) {
                self.oracle.inherited(who);
            }
        }
        self.last = events.last().map_or(self.last, |event| event.position);
    }

    async fn by_api(&self, who: Who, wish: &Try, said: Uuid) -> bool {
        let account = |who: &Who| self.people[*who].0.account;
        let (field, input, more) = match wish {
            Try::Join => ("joinChannel", "ChannelInput", json!({})),
            Try::Leave => ("leaveChannel", "ChannelInput", json!({})),
            Try::Play => ("play", "PlayInput", json!({})),
            Try::Pause => ("pause", "PlayInput", json!({})),
            Try::Seek(place) => ("seek", "SeekInput", json!({ "positionUs": place })),
            Try::Load => ("loadVideo", "LoadVideoInput", json!({ "video": self.film })),
            Try::Say => ("postMessage", "PostMessageInput", json!({ "id": said, "text": "hello" })),
            Try::Rate(rate) => ("changeRate", "ChangeRateInput", json!({ "ratePpm": rate })),
            Try::Enqueue => ("queueVideo", "QueueVideoInput", json!({ "video": self.film })),
            Try::ClearQueue => ("clearQueue", "ChannelInput", json!({})),
            Try::Autoplay(on) => ("setAutoplay", "SetAutoplayInput", json!({ "on": on })),
            Try::Vote(withdraw) => ("voteSkip", "VoteSkipInput", json!({ "withdraw": withdraw })),
            Try::React(on) => {
                ("reactToMessage", "ReactInput", json!({ "message": self.messages[0], "emoji": "\u{1F44D}", "on": on }))
            }
            Try::Pin(true) => ("pinMessage", "MessageInput", json!({ "message": self.messages[0] })),
            Try::Pin(false) => ("unpinMessage", "MessageInput", json!({ "message": self.messages[0] })),
            Try::Redact(n) => ("redactMessage", "RedactMessageInput", json!({ "message": self.messages[*n] })),
            Try::Slow(seconds) => ("setSlowMode", "SetSlowModeInput", json!({ "seconds": seconds })),
            Try::Rename(name) => ("renameChannel", "RenameChannelInput", json!({ "name": format!("Name {name}") })),
            Try::Grant(other, role) => {
                let role = crate::oracle::ROLES[*role];
                ("grantRole", "GrantRoleInput", json!({ "account": account(other), "role": role }))
            }
            Try::Except(other, permission, granted) => {
                let more = json!({ "account": account(other), "permission": permission, "granted": granted });
                ("overridePermission", "OverridePermissionInput", more)
            }
            Try::Defaults(role, wanted) => {
                let more = json!({ "role": crate::oracle::ROLES[*role], "permissions": wanted });
                ("changePermissionDefaults", "ChangePermissionDefaultsInput", more)
            }
            Try::OneRemote(holder) => {
                ("changeRemoteMode", "ChangeRemoteModeInput", json!({ "holder": holder.as_ref().map(account) }))
            }
            Try::HandOver(to) => ("handOverRemote", "MemberInput", json!({ "account": account(to) })),
            Try::Mute(other, until) => {
                let until = until.map(|from_now| rfc3339(self.clock.now().0 + from_now));
                ("muteMember", "MuteMemberInput", json!({ "account": account(other), "until": until }))
            }
            Try::Unmute(other) => ("unmuteMember", "MemberInput", json!({ "account": account(other) })),
            Try::Remove(other) => ("removeMember", "ModerateInput", json!({ "account": account(other) })),
            Try::Ban(other) => ("banMember", "ModerateInput", json!({ "account": account(other) })),
            Try::Unban(other) => ("unbanMember", "MemberInput", json!({ "account": account(other) })),
        };
        let mut variables = match wish {
            Try::React(_) | Try::Pin(_) | Try::Redact(_) => json!({ "operationId": Uuid::now_v7() }),
            _ => json!({ "operationId": Uuid::now_v7(), "channel": self.world.channel }),
        };
        variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let query = format!(
            "mutation($input: {input}!) {{ {field}(input: $input) {{ __typename ... on Refused {{ code }} }} }}"
        );
        let request = Request::new(query).variables(Variables::from_json(json!({ "input": variables })));
        let context = RequestContext {
            principal: Some(self.people[who].1.clone()),
            request_id: "request".to_owned(),
            remote_ip: None,
            user_agent: None,
            bill: Bill::default(),
        };
        let answer = serde_json::to_value(self.schema.execute(request, context).await).unwrap();
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"][field]["__typename"] != "Refused"
    }

    async fn by_socket(&mut self, who: Who, wish: &Try, said: Uuid) -> bool {
        let mut frame = json!({ "op": Uuid::now_v7() });
        let more = match wish {
            Try::Play => json!({ "t": "intent", "verb": "play" }),
            Try::Pause => json!({ "t": "intent", "verb": "pause" }),
            Try::Seek(place) => json!({ "t": "intent", "verb": "seek", "position_us": place }),
            Try::Load => json!({ "t": "intent", "verb": "load", "video": self.film }),
            Try::Rate(rate) => json!({ "t": "intent", "verb": "rate", "rate_ppm": rate }),
            Try::Say => json!({ "t": "chat", "id": said, "text": "hello" }),
            other => panic!("no frame for {other:?}"),
        };
        frame.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        // A socket that was open before a right was lost is asked first; one that is closed is as good as a refusal.
        let held = self.sockets[who].take().filter(|(_, tries)| *tries < SOCKET_TRIES_MAX);
        let (mut socket, tries) = match held {
            Some(held) => held,
            None => match self.opened(who).await {
                Some(socket) => (socket, 0),
                None => return false,
            },
        };
        match socket.answer(&frame).await {
            Some(answer) => {
                self.sockets[who] = Some((socket, tries + 1));
                answer["t"] == "ack"
            }
            // Left, removed or banned, and back since: the old socket is gone, a new one may be had.
            None if self.oracle.is_here(who) => match self.opened(who).await {
                Some(mut again) => again.answer(&frame).await.is_some_and(|answer| answer["t"] == "ack"),
                None => false,
            },
            None => false,
        }
    }

    /// A joined socket, if this person may have one.
    async fn opened(&self, who: Who) -> Option<Socket> {
        let mut socket = self.world.connect(Some(crate::world::ORIGIN), Some(&self.people[who].0.token)).await.ok()?;
        let join = json!({ "t": "join", "channel": self.world.channel, "visit": Uuid::now_v7() });
        socket.first(&join, &["joined"]).await.map(|_| socket)
    }

    /// The owner closes the channel: nobody does anything any more.
    async fn after_the_archive(&mut self) {
        let input = json!({ "operationId": Uuid::now_v7(), "channel": self.world.channel });
        let query = "mutation($input: ChannelInput!) { archiveChannel(input: $input) { __typename } }";
        let request = Request::new(query).variables(Variables::from_json(json!({ "input": input })));
        let principal = Some(self.people[OWNER].1.clone());
        let context = RequestContext {
            principal,
            request_id: "request".to_owned(),
            remote_ip: None,
            user_agent: None,
            bill: Bill::default(),
        };
        if !self.oracle.is_here(OWNER) {
            self.attempt(OWNER, &Try::Join, Way::Api).await;
        }
        let answer = serde_json::to_value(self.schema.execute(request, context).await).unwrap();
        assert_eq!(answer["data"]["archiveChannel"]["__typename"], "Changed", "seed {}: {answer}", self.seed);
        self.oracle.archive();
        self.last = self.world.services.store.head().await.unwrap();
        for who in 0..PEOPLE {
            for wish in [Try::Join, Try::Play, Try::Say, Try::Rename(9)] {
                self.attempt(who, &wish, Way::Api).await;
            }
            self.attempt(who, &Try::Say, Way::Socket).await;
        }
    }

    /// A finished film.
    async fn make_film(&self) {
        let owner: AccountId = self.people[OWNER].0.account;
        let source = Source {
            container: "mp4".to_owned(),
            video_codec: "h264".to_owned(),
            audio_codec: None,
            duration_us: FILM,
            width: 1280,
            height: 720,
            rotation_degrees: 0,
            frame_rate_num: 25,
            frame_rate_den: 1,
            audio_channels: 0,
            sounds: vec![],
            texts: vec![],
            chapters: vec![],
        };
        let rendition = RenditionFacts {
            name: "720p".to_owned(),
            width: 1280,
            height: 720,
            bandwidth_bps: 3_000_000,
            average_bandwidth_bps: 2_000_000,
            codecs: "avc1.64001f".to_owned(),
            bytes: 1,
            segments: 1_800,
        };
        let upload = VideoCommand::RequestUpload {
            owner,
            title: "A film".to_owned(),
            file_name: "film.mp4".to_owned(),
            size_bytes: 1_000,
            content_type: "video/mp4".to_owned(),
            object_key: format!("u/{}", self.film),
            fingerprint: None,
        };
        let completed = VideoCommand::CompleteTranscode {
            hls_key: format!("v/{}/master.m3u8", self.film),
            dash_key: format!("v/{}/manifest.mpd", self.film),
            duration: FILM,
        };
        let thumbnail =
            VideoCommand::RecordThumbnail { object_key: format!("v/{}/t.jpg", self.film), width: 640, height: 360 };
        for command in [
            upload,
            VideoCommand::CompleteUpload,
            VideoCommand::StartTranscode,
            VideoCommand::RecordProbe { source },
            VideoCommand::CompleteRendition { rendition },
            thumbnail,
            completed,
        ] {
            let (stream, context) = (StreamId::video(self.film), self.world.context(owner));
            self.world.services.dispatcher.execute::<Video>(stream, None, &context, command).await.expect("a film");
        }
    }
}

fn rfc3339(at_us: i64) -> Value {
    json!(jiff::Timestamp::from_microsecond(at_us).unwrap().to_string())
}
