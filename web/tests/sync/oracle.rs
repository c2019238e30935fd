//! The rules about rights in a channel, written plainly a second time: what the program does is judged by this, so it
//! asks none of the program's own code.

use std::collections::{BTreeMap, BTreeSet};

pub type Who = usize;
pub const OWNER: Who = 0;

/// As in the API; the whole grid.
pub const GRID: [&str; 20] = [
    "PLAY_PAUSE",
    "SEEK",
    "CHANGE_RATE",
    "LOAD_VIDEO",
    "QUEUE_ADD",
    "QUEUE_REMOVE",
    "QUEUE_REORDER",
    "VOTE",
    "CHAT",
    "REACT",
    "INVITE",
    "APPROVE",
    "MUTE",
    "KICK",
    "BAN",
    "SLOW_MODE",
    "REDACT",
    "PIN",
    "MANAGE_ROLES",
    "EDIT_CHANNEL",
];
/// From the fewest rights to the most.
pub const ROLES: [&str; 4] = ["VIEWER", "MODERATOR", "ADMIN", "OWNER"];

/// What somebody tries.
#[derive(Debug, Clone, PartialEq)]
pub enum Try {
    Join,
    Leave,
    Play,
    Pause,
    Seek(i64),
    Load,
    /// Parts per million.
    Rate(i64),
    Enqueue,
    ClearQueue,
    Autoplay(bool),
    /// Or takes the vote back.
    Vote(bool),
    Say,
    /// To the first message, or not any more.
    React(bool),
    Pin(bool),
    /// Which of the messages said so far.
    Redact(usize),
    Slow(u32),
    Rename(u64),
    Grant(Who, usize),
    Except(Who, &'static str, Option<bool>),
    Defaults(usize, BTreeSet<&'static str>),
    OneRemote(Option<Who>),
    HandOver(Who),
    /// Until so many microseconds from now; for good without.
    Mute(Who, Option<i64>),
    Unmute(Who),
    Remove(Who),
    Ban(Who),
    Unban(Who),
}

#[derive(Debug, Clone, Default)]
pub struct Person {
    /// 0 is a viewer, 3 the owner.
    role: Option<usize>,
    here: bool,
    banned: bool,
    suspended: bool,
    /// Sent away since the role was given.
    demoted: bool,
    muted: Option<Option<i64>>,
    exceptions: BTreeMap<&'static str, bool>,
}

/// What must come of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Refused; nothing may show in the log.
    Forbidden,
    /// Permitted and without effect: things are so already.
    Idle,
    /// Permitted: this event, once.
    Happens(&'static str),
    /// Permitted; whether things are so already depends on what no rule says.
    Perhaps(&'static str),
    /// Permitted: one of these events, once.
    Either([&'static str; 2]),
}

#[derive(Debug)]
pub struct Oracle {
    people: Vec<Person>,
    roles: [BTreeSet<&'static str>; 3],
    remote: Option<Who>,
    name: Option<u64>,
    archived: bool,
    /// By a removal or a ban, and not come back since.
    sent_away: BTreeSet<Who>,
    playing: bool,
    /// Where the film was put last; unknown once it ran.
    place: Option<i64>,
    loaded: bool,
    /// It ran since it was loaded: it waits for nobody any more.
    started: bool,
    /// It waits for everybody to be ready.
    held: bool,
    rate: i64,
    queued: usize,
    autoplay: bool,
    voted: BTreeSet<Who>,
    /// Who said each message, and whether it was taken back.
    said: Vec<(Who, bool)>,
    reacted: BTreeSet<Who>,
    pinned: bool,
    slow: u32,
}

impl Oracle {
    pub fn new(people: usize) -> Self {
        let viewer = ["PLAY_PAUSE", "SEEK", "CHANGE_RATE", "LOAD_VIDEO", "QUEUE_ADD", "VOTE", "CHAT", "REACT"];
        let order =
            ["QUEUE_REMOVE", "QUEUE_REORDER", "INVITE", "APPROVE", "MUTE", "KICK", "BAN", "SLOW_MODE", "REDACT", "PIN"];
        let mut people = vec![Person::default(); people];
        (people[OWNER].role, people[OWNER].here) = (Some(3), true);
        Self {
            people,
            roles: [
                viewer.into_iter().collect(),
                viewer.into_iter().chain(order).collect(),
                GRID.into_iter().collect(),
            ],
            remote: None,
            name: None,
            archived: false,
            sent_away: BTreeSet::new(),
            playing: false,
            place: None,
            loaded: false,
            started: false,
            held: false,
            rate: 1_000_000,
            queued: 0,
            autoplay: true,
            voted: BTreeSet::new(),
            said: vec![],
            reacted: BTreeSet::new(),
            pinned: false,
            slow: 0,
        }
    }

    pub fn is_here(&self, who: Who) -> bool {
        self.people[who].here
    }
    pub fn suspend(&mut self, who: Who, suspended: bool) {
        self.people[who].suspended = suspended;
    }
    /// The holder was away too long.
    pub fn inherited(&mut self, who: Who) {
        self.remote = Some(who);
    }
    /// Everybody was ready, or was waited for long enough.
    pub fn released(&mut self) {
        (self.held, self.started, self.playing, self.place) = (false, true, true, None);
    }
    pub fn messages(&self) -> usize {
        self.said.len()
    }
    pub fn archive(&mut self) {
        self.archived = true;
    }
    pub fn defaults(&self, role: usize) -> BTreeSet<&'static str> {
        self.roles[role].clone()
    }

    /// In the channel and able to act at all.
    fn active(&self, who: Who) -> bool {
        let person = &self.people[who];
        person.here && !person.banned && !person.suspended && !self.archived
    }

    /// What role and exceptions give, whatever the remote and mutes say.
    fn holds(&self, who: Who, permission: &str) -> bool {
        let person = &self.people[who];
        match person.role {
            None => false,
            Some(3) => true,
            Some(role) => match person.exceptions.get(permission) {
                Some(granted) => *granted,
                None => self.roles[role].contains(permission),
            },
        }
    }

    fn may(&self, who: Who, permission: &str, now: i64) -> bool {
        if !self.active(who) {
            return false;
        }
        let muted = match self.people[who].muted {
            None => false,
            Some(None) => true,
            Some(Some(until)) => now < until,
        };
        if muted && matches!(permission, "CHAT" | "REACT") {
            return false;
        }
        match self.remote {
            Some(holder) if matches!(permission, "PLAY_PAUSE" | "SEEK" | "CHANGE_RATE" | "LOAD_VIDEO") => holder == who,
            _ => self.holds(who, permission),
        }
    }

    /// The right, and a higher role than the other's.
    fn may_on(&self, who: Who, permission: &str, other: Who, now: i64) -> bool {
        self.may(who, permission, now) && self.people[who].role > self.people[other].role
    }

    pub fn judge(&self, who: Who, wish: &Try, now: i64) -> Verdict {
        use Verdict::{Forbidden, Happens, Idle};
        let unless = |same: bool, event: &'static str| if same { Idle } else { Happens(event) };
        let person = &self.people[who];
        match wish {
            Try::Join if person.suspended || person.banned || self.archived => Forbidden,
            Try::Join => unless(person.here, "Joined"),
            Try::Leave => unless(!person.here, "Left"),
            Try::Play if !self.may(who, "PLAY_PAUSE", now) || !self.loaded => Forbidden,
            Try::Play if self.playing || self.held => Idle,
            // It may wait for others.
            Try::Play if !self.started => Verdict::Either(["Played", "Held"]),
            Try::Play => Happens("Played"),
            Try::Pause if !self.may(who, "PLAY_PAUSE", now) || !self.loaded => Forbidden,
            Try::Pause => unless(!self.playing && !self.held, "Paused"),
            Try::Seek(_) if !self.may(who, "SEEK", now) || !self.loaded => Forbidden,
            Try::Seek(place) => unless(!self.playing && self.place == Some(*place), "Seeked"),
            Try::Load if !self.may(who, "LOAD_VIDEO", now) => Forbidden,
            // Paused before it began to move, the film may be at its start.
            Try::Load if self.loaded && !self.playing && self.place.is_none() => Verdict::Perhaps("VideoLoaded"),
            Try::Load => unless(self.loaded && !self.playing && !self.held && self.place == Some(0), "VideoLoaded"),
            Try::Rate(_) | Try::Enqueue | Try::ClearQueue | Try::Autoplay(_) | Try::Vote(_) => {
                self.judge_queue(who, wish, now)
            }
            Try::React(_) | Try::Pin(_) | Try::Redact(_) | Try::Slow(_) => self.judge_chat(who, wish, now),
            Try::Say if !self.may(who, "CHAT", now) => Forbidden,
            Try::Say => Happens("Posted"),
            Try::Rename(_) if !self.may(who, "EDIT_CHANNEL", now) => Forbidden,
            Try::Rename(name) => unless(self.name == Some(*name), "Renamed"),
            Try::Grant(other, role) => {
                let known = self.people[*other].role;
                let permitted = self.may_on(who, "MANAGE_ROLES", *other, now) && known.is_some();
                if !permitted || person.role <= Some(*role) {
                    return Forbidden;
                }
                unless(known == Some(*role) && !self.people[*other].demoted, "RoleGranted")
            }
            Try::Except(other, permission, granted) => {
                let target = &self.people[*other];
                let permitted = self.may_on(who, "MANAGE_ROLES", *other, now) && target.role.is_some();
                if !permitted || !self.holds(who, permission) {
                    return Forbidden;
                }
                unless(target.exceptions.get(permission) == granted.as_ref(), "PermissionOverridden")
            }
            Try::Defaults(role, wanted) => {
                if !self.may(who, "EDIT_CHANNEL", now) || *role == 3 || person.role <= Some(*role) {
                    return Forbidden;
                }
                let held = &self.roles[*role];
                if held.symmetric_difference(wanted).any(|permission| !self.holds(who, permission)) {
                    return Forbidden;
                }
                unless(held == wanted, "PermissionDefaultsChanged")
            }
            Try::OneRemote(holder) => {
                let fits = holder.is_none_or(|holder| self.people[holder].here && !self.people[holder].banned);
                if !self.may(who, "EDIT_CHANNEL", now) || !fits {
                    return Forbidden;
                }
                unless(self.remote == *holder, "RemoteModeChanged")
            }
            Try::HandOver(to) => self.hand_over(who, *to, now),
            Try::Mute(other, until) => {
                if !self.may_on(who, "MUTE", *other, now) || self.people[*other].role.is_none() {
                    return Forbidden;
                }
                unless(self.people[*other].muted == Some(until.map(|from_now| now + from_now)), "Muted")
            }
            Try::Unmute(other) if !self.may_on(who, "MUTE", *other, now) => Forbidden,
            Try::Unmute(other) => unless(self.people[*other].muted.is_none(), "Unmuted"),
            Try::Remove(other) if !self.may_on(who, "KICK", *other, now) => Forbidden,
            // In an open channel nobody but who was sent away or put out is not let in.
            Try::Remove(other) => unless(!self.admitted(*other), "Removed"),
            Try::Ban(other) if !self.may_on(who, "BAN", *other, now) => Forbidden,
            Try::Ban(other) => unless(self.people[*other].banned, "Banned"),
            Try::Unban(other) if !self.may_on(who, "BAN", *other, now) => Forbidden,
            Try::Unban(other) => unless(!self.people[*other].banned, "Unbanned"),
        }
    }

    fn judge_queue(&self, who: Who, wish: &Try, now: i64) -> Verdict {
        use Verdict::{Forbidden, Happens, Idle};
        let unless = |same: bool, event: &'static str| if same { Idle } else { Happens(event) };
        match wish {
            Try::Rate(_) if !self.may(who, "CHANGE_RATE", now) || !self.loaded => Forbidden,
            Try::Rate(rate) => unless(self.rate == *rate, "RateChanged"),
            Try::Enqueue if !self.may(who, "QUEUE_ADD", now) => Forbidden,
            Try::Enqueue => Happens("VideoQueued"),
            Try::ClearQueue if !self.may(who, "QUEUE_REMOVE", now) => Forbidden,
            Try::ClearQueue => unless(self.queued == 0, "Cleared"),
            Try::Autoplay(_) if !self.may(who, "QUEUE_REORDER", now) => Forbidden,
            Try::Autoplay(on) => unless(self.autoplay == *on, "AutoplaySet"),
            Try::Vote(_) if !self.may(who, "VOTE", now) || !self.loaded => Forbidden,
            Try::Vote(false) => unless(self.voted.contains(&who), "SkipVoteCast"),
            Try::Vote(true) => unless(!self.voted.contains(&who), "SkipVoteWithdrawn"),
            other => panic!("not about the queue: {other:?}"),
        }
    }

    fn judge_chat(&self, who: Who, wish: &Try, now: i64) -> Verdict {
        use Verdict::{Forbidden, Happens, Idle};
        let unless = |same: bool, event: &'static str| if same { Idle } else { Happens(event) };
        let (_, first_redacted) = self.said[0];
        match wish {
            Try::React(_) if !self.may(who, "REACT", now) || first_redacted => Forbidden,
            Try::React(true) => unless(self.reacted.contains(&who), "ReactionAdded"),
            Try::React(false) => unless(!self.reacted.contains(&who), "ReactionRemoved"),
            Try::Pin(_) if !self.may(who, "PIN", now) => Forbidden,
            Try::Pin(true) if first_redacted => Forbidden,
            Try::Pin(true) => unless(self.pinned, "Pinned"),
            Try::Pin(false) => unless(!self.pinned, "Unpinned"),
            Try::Redact(message) => {
                let (author, redacted) = self.said[*message];
                let own = author == who && self.active(who);
                let permitted = own || (author != who && self.may_on(who, "REDACT", author, now));
                if permitted { unless(redacted, "Redacted") } else { Forbidden }
            }
            Try::Slow(_) if !self.may(who, "SLOW_MODE", now) => Forbidden,
            Try::Slow(seconds) => unless(self.slow == *seconds, "SlowModeSet"),
            other => panic!("not about the chat: {other:?}"),
        }
    }

    fn hand_over(&self, who: Who, to: Who, now: i64) -> Verdict {
        let Some(holder) = self.remote.filter(|_| self.active(who)) else { return Verdict::Forbidden };
        if holder == to {
            return Verdict::Idle;
        }
        let permitted = holder == who || self.may(who, "MANAGE_ROLES", now);
        if permitted && self.people[to].here && !self.people[to].banned {
            Verdict::Happens("RemoteHandedOver")
        } else {
            Verdict::Forbidden
        }
    }

    /// Came in and was not sent away since; leaving by oneself keeps it.
    fn admitted(&self, who: Who) -> bool {
        self.people[who].role.is_some() && !self.people[who].banned && !self.sent_away.contains(&who)
    }

    /// The film waits: what was tried made it so.
    pub fn waits(&mut self) {
        self.held = true;
    }

    /// What has happened, as the log says it did.
    pub fn happened(&mut self, who: Who, wish: &Try, now: i64) {
        match wish {
            Try::Join => {
                let person = &self.people[who];
                let role = if person.demoted { 0 } else { person.role.unwrap_or(0) };
                (self.people[who].role, self.people[who].here) = (Some(if who == OWNER { 3 } else { role }), true);
                self.people[who].demoted = false;
                self.sent_away.remove(&who);
            }
            Try::Leave => self.people[who].here = false,
            Try::Play => (self.playing, self.started, self.place) = (true, true, None),
            Try::Pause => (self.playing, self.held, self.place) = (false, false, None),
            Try::Seek(place) => self.place = Some(*place),
            Try::Load => {
                (self.loaded, self.playing, self.held, self.started, self.place) = (true, false, false, false, Some(0));
                self.voted.clear();
            }
            Try::Rate(rate) => self.rate = *rate,
            Try::Enqueue => self.queued += 1,
            Try::ClearQueue => self.queued = 0,
            Try::Autoplay(on) => self.autoplay = *on,
            Try::Vote(false) => drop(self.voted.insert(who)),
            Try::Vote(true) => drop(self.voted.remove(&who)),
            Try::Say => self.said.push((who, false)),
            Try::React(true) => drop(self.reacted.insert(who)),
            Try::React(false) => drop(self.reacted.remove(&who)),
            Try::Pin(on) => self.pinned = *on,
            Try::Redact(message) => {
                self.said[*message].1 = true;
                if *message == 0 {
                    (self.pinned, self.reacted) = (false, BTreeSet::new());
                }
            }
            Try::Slow(seconds) => self.slow = *seconds,
            Try::Rename(name) => self.name = Some(*name),
            Try::Grant(other, role) => {
                (self.people[*other].role, self.people[*other].demoted) = (Some(*role), false);
            }
            Try::Except(other, permission, granted) => {
                match granted {
                    Some(granted) => self.people[*other].exceptions.insert(permission, *granted),
                    None => self.people[*other].exceptions.remove(permission),
                };
            }
            Try::Defaults(role, wanted) => self.roles[*role] = wanted.clone(),
            Try::OneRemote(holder) => self.remote = *holder,
            Try::HandOver(to) => self.remote = Some(*to),
            Try::Mute(other, until) => self.people[*other].muted = Some(until.map(|from_now| now + from_now)),
            Try::Unmute(other) => self.people[*other].muted = None,
            Try::Remove(other) => {
                self.people[*other].here = false;
                self.people[*other].demoted = self.people[*other].role > Some(0);
                self.sent_away.insert(*other);
            }
            Try::Ban(other) => {
                (self.people[*other].banned, self.people[*other].here) = (true, false);
                self.people[*other].demoted = self.people[*other].role > Some(0);
                self.sent_away.insert(*other);
            }
            Try::Unban(other) => self.people[*other].banned = false,
        }
    }
}
