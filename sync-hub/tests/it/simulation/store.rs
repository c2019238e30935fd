//! The durable side: one log, the real playback rules, idempotent commands.

use std::collections::BTreeMap;

use lockstep_domain::{
    Aggregate,
    channel::{ChannelState, Visibility},
    ids::{AccountId, ChannelId, CommandId, MessageId, Position, VideoId},
    member::MemberState,
    permission::ChannelRole,
    playback::{Playback, PlaybackCommand, PlaybackEvent, PlaybackState},
    standing::Standing as DomainStanding,
    time::{MediaTime, Timestamp},
};
use lockstep_sync_hub::{
    Change, ChangeKind, Command, Done, Fact, FeedEvent, HubTime, PlaybackSnapshot, Refusal, Snapshot, Standing,
    protocol::{Actor, Person},
};

/// One channel's durable state.
#[derive(Default, Clone)]
pub struct Channel {
    pub playback: PlaybackState,
    pub last: Option<(Position, ChangeKind, i64)>,
    pub members: BTreeMap<AccountId, (MemberState, u64)>,
}

#[derive(Default)]
pub struct Store {
    pub log: Vec<FeedEvent>,
    pub channels: BTreeMap<ChannelId, Channel>,
    /// Receipts by actor, channel and operation.
    pub receipts: BTreeMap<(AccountId, ChannelId, CommandId), Done>,
    pub messages: BTreeMap<MessageId, Position>,
    /// How long films are, when not [`DURATION`].
    pub duration: Option<MediaTime>,
    /// Wall times of playback events.
    recorded: BTreeMap<Position, i64>,
}

/// Where a film is: at `position` at wall time `since`.
#[derive(Debug, Clone, Copy)]
pub struct Film {
    pub playing: bool,
    pub position: MediaTime,
    pub since: i64,
    pub speed_ppm: i64,
}

pub const DURATION: MediaTime = MediaTime(8_000_000);

/// Every channel here: public, open, somebody's.
fn open() -> ChannelState {
    ChannelState { owner: Some(AccountId::default()), visibility: Some(Visibility::Public), ..ChannelState::default() }
}

impl Store {
    pub fn head(&self) -> Position {
        Position::from_i64(i64::try_from(self.log.len()).unwrap())
    }

    pub fn append(
        &mut self,
        channel: ChannelId,
        account: Option<AccountId>,
        op: Option<CommandId>,
        fact: Fact,
    ) -> Position {
        let position = Position::from_i64(self.head().as_i64() + 1);
        let actor = Actor { id: account.map_or("system".to_owned(), |id| id.to_string()), name: String::new() };
        self.log.push(FeedEvent { position, channel, command: op, actor, fact });
        position
    }

    /// Runs a command at this wall time (µs), as the command layer does.
    pub fn command(
        &mut self,
        wall: i64,
        channel: ChannelId,
        account: Option<AccountId>,
        op: Option<CommandId>,
        command: &Command,
    ) -> Result<Done, Refusal> {
        let key = account.zip(op).map(|(account, op)| (account, channel, op));
        if let Some(receipt) = key.and_then(|key| self.receipts.get(&key)) {
            return Ok(receipt.clone());
        }
        let standing = account.map(|account| {
            let member = self.channels.entry(channel).or_default().members[&account].0.clone();
            DomainStanding { account, member, channel: open(), suspended: false }
        });
        let at = Timestamp(wall);
        let may = || standing.clone().ok_or_else(|| Refusal::new("signed_out", ""));
        let decided = match command {
            Command::Chat { id, text, .. } => return self.chat(channel, account, op, *id, text),
            Command::MayReact => return Ok(Done { position: self.head(), changed: false }),
            Command::Arrive { .. } | Command::Depart { .. } => {
                return Ok(Done { position: self.head(), changed: true });
            }
            Command::InheritRemote { .. } => {
                // These rooms have no one remote.
                return Ok(Done { position: self.head(), changed: false });
            }
            Command::Play { position, hold } => {
                PlaybackCommand::Play { standing: may()?, position: *position, hold: *hold, at }
            }
            Command::ChangeRate { rate_ppm, position } => {
                PlaybackCommand::ChangeRate { standing: may()?, rate_ppm: *rate_ppm, position: *position, at }
            }
            Command::Release { cause } => PlaybackCommand::Release { cause: *cause, at },
            Command::CountVotes { .. } => return Ok(Done { position: self.head(), changed: false }),
            Command::Pause { position } => PlaybackCommand::Pause { standing: may()?, position: *position, at },
            Command::Seek { position } => PlaybackCommand::Seek { standing: may()?, position: *position, at },
            Command::End { video } => PlaybackCommand::End { video: *video, at },
            Command::Load { video } => {
                let duration = self.duration.unwrap_or(DURATION);
                PlaybackCommand::LoadVideo { standing: may()?, video: *video, duration, playable: true, at }
            }
        };
        let state = self.channels.entry(channel).or_default().playback.clone();
        let events = Playback::decide(&state, &decided).map_err(|error| Refusal::new("refused", error.to_string()))?;
        let Some(event) = events.first() else { return Ok(Done { position: self.head(), changed: false }) };
        let position = self.playback(wall, channel, account, op, event);
        let done = Done { position, changed: true };
        key.map(|key| self.receipts.insert(key, done.clone()));
        Ok(done)
    }

    fn playback(
        &mut self,
        wall: i64,
        channel: ChannelId,
        account: Option<AccountId>,
        op: Option<CommandId>,
        event: &PlaybackEvent,
    ) -> Position {
        let change = match event {
            PlaybackEvent::VideoLoaded { video, duration_us, .. } => {
                Change::Loaded { video: *video, duration: *duration_us }
            }
            PlaybackEvent::Played { position_us, .. } => Change::Played { position: *position_us },
            PlaybackEvent::Paused { position_us, .. } => Change::Paused { position: *position_us },
            PlaybackEvent::Seeked { position_us, .. } => Change::Seeked { position: *position_us },
            PlaybackEvent::Ended { .. } | PlaybackEvent::Skipped { .. } => Change::Ended,
            PlaybackEvent::Held { position_us, deadline_us, at_us, .. } => {
                Change::Held { position: *position_us, wait_us: deadline_us.0 - at_us.0 }
            }
            PlaybackEvent::Released { position_us, .. } => Change::Released { position: *position_us },
            PlaybackEvent::RateChanged { rate_ppm, position_us, .. } => {
                Change::RateChanged { rate_ppm: *rate_ppm, position: *position_us }
            }
        };
        let position = self.append(channel, account, op, Fact::Playback(change));
        let held = self.channels.entry(channel).or_default();
        Playback::evolve(&mut held.playback, event);
        held.last = Some((position, change.kind(), wall));
        self.recorded.insert(position, wall);
        position
    }

    fn chat(
        &mut self,
        channel: ChannelId,
        account: Option<AccountId>,
        op: Option<CommandId>,
        id: MessageId,
        text: &str,
    ) -> Result<Done, Refusal> {
        let account = account.expect("people chat");
        let member = &self.channels.entry(channel).or_default().members[&account].0;
        if member.banned || !member.present {
            return Err(Refusal::new("not_permitted", ""));
        }
        assert!(!self.messages.contains_key(&id), "a message was posted twice");
        let author = Person { id: account, name: String::new() };
        let fact = Fact::Message {
            id,
            author,
            text: text.to_owned(),
            sent_at: String::new(),
            playback: None,
            reply_to: None,
            mentions: vec![],
        };
        let position = self.append(channel, Some(account), op, fact);
        self.messages.insert(id, position);
        let done = Done { position, changed: true };
        op.map(|op| self.receipts.insert((account, channel, op), done.clone()));
        Ok(done)
    }

    /// The channel's film after the event at `upto`.
    pub fn film(&self, channel: ChannelId, upto: i64) -> Option<Film> {
        let (mut film, mut speed_ppm): (Option<Film>, i64) = (None, 1_000_000);
        for event in self.log.iter().filter(|event| event.channel == channel && event.position.as_i64() <= upto) {
            let Fact::Playback(change) = event.fact else { continue };
            let playing = film.is_some_and(|film| film.playing);
            let wall = self.recorded[&event.position];
            let (playing, position) = match change {
                Change::Loaded { .. } => (false, MediaTime::ZERO),
                Change::Played { position } | Change::Released { position } => (true, position),
                Change::Paused { position } | Change::Held { position, .. } => (false, position),
                Change::Seeked { position } => (playing, position),
                Change::RateChanged { rate_ppm, position } => {
                    speed_ppm = rate_ppm;
                    (playing, position)
                }
                Change::Ended => (false, DURATION),
            };
            film = Some(Film { playing, position, since: wall, speed_ppm });
        }
        film
    }

    pub fn join(&mut self, channel: ChannelId, account: AccountId) {
        let members = &mut self.channels.entry(channel).or_default().members;
        let (state, version) = members.entry(account).or_default();
        if !state.banned && !state.present {
            *state = MemberState { role: Some(ChannelRole::Viewer), present: true, ..MemberState::default() };
            *version += 1;
        }
    }
    pub fn ban(&mut self, channel: ChannelId, account: AccountId, banned: bool) {
        let (state, version) = self.channels.entry(channel).or_default().members.entry(account).or_default();
        if state.banned == banned || state.role.is_none() {
            return;
        }
        (state.banned, state.present) = (banned, false);
        *version += 1;
        let version = *version;
        if banned {
            self.append(channel, None, None, Fact::Banned { account, version });
        }
    }

    pub fn standing(&self, channel: ChannelId, account: AccountId) -> Result<Standing, Refusal> {
        match self.channels.get(&channel).and_then(|held| held.members.get(&account)) {
            Some((state, version)) if state.present && !state.banned => {
                Ok(Standing { role: ChannelRole::Viewer, version: *version })
            }
            _ => Err(Refusal::new("not_a_member", "")),
        }
    }

    pub fn snapshot(&self, channel: ChannelId, wall: i64, read_at: HubTime) -> Snapshot {
        let held = self.channels.get(&channel).cloned().unwrap_or_default();
        let Some((position, last, recorded)) = held.last else {
            return Snapshot {
                playback: None,
                position: Position::START,
                remote: None,
                channel_position: Position::START,
            };
        };
        let video: VideoId = held.playback.video.expect("loaded before anything else");
        let playback = PlaybackSnapshot {
            video,
            duration: held.playback.duration,
            position: held.playback.position,
            playing: held.playback.playing,
            speed_ppm: held.playback.speed_ppm,
            held_us: held.playback.held_until.map(|until| until.0 - held.playback.at.0),
            last,
            elapsed_us: wall - recorded,
            read_at,
        };
        Snapshot { playback: Some(playback), position, remote: None, channel_position: Position::START }
    }
}
