//! Who is in a room, and what changed since it was last told: at most one frame per [`PRESENCE_INTERVAL_MS`].
//!
//! A visit has one seat, however often its socket breaks: gone, it is told as `away` until the grace is over. In a
//! large room only some seats are told by name, the same ones to everybody, and the rest as a number.

mod delta;
mod peers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lockstep_domain::{
    ids::{AccountId, VisitId},
    permission::ChannelRole,
};
use uuid::Uuid;

pub(crate) use self::{
    delta::Delta,
    peers::{Crowd, Seen},
};
use crate::{
    clock::HubTime,
    outbox::Shared,
    protocol::{Device, Member, Person, PlayerState},
    session::SessionId,
};

/// Presence frames of a room are at least this far apart.
pub const PRESENCE_INTERVAL_MS: i64 = 250;
/// A viewer who comes back with the same visit within this was only away.
pub const AWAY_MS_MAX: i64 = 10_000;
/// Viewers told by name; more are told as a number.
pub const MEMBERS_TOLD_MAX: usize = 200;
/// Bytes of the seats told, as JSON: `joined` must stay below 64 KiB.
const TOLD_BYTES_MAX: usize = 48 * 1024;
/// The same, with those who moderate: they are told first.
const TOLD_WITH_MODERATORS_BYTES_MAX: usize = 58 * 1024;
/// A seat's JSON grows by at most this when its state and error change.
const GROWTH_BYTES_MAX: usize = 32;
/// Seats of one account in one room; beyond it a seat whose socket is gone is not kept.
const SEATS_PER_ACCOUNT_MAX: usize = 20;
/// Above this many seats a mere change of the sync error is not told: it would grow with their square.
const ERROR_MEMBERS_MAX: usize = 50;

/// One visit's place in the room.
#[derive(Debug)]
struct Seat {
    member: Member,
    visit: VisitId,
    /// Sockets open for this visit.
    open: usize,
    /// It is this hub's to tell and to end: its last socket was here.
    held: bool,
    /// What other hubs say of it.
    peers: BTreeMap<Uuid, Seen>,
    away_until: Option<HubTime>,
    /// Bytes it counts among those told by name; `None` when it is told as a number.
    told_bytes: Option<usize>,
}

/// Somebody who comes in.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) session: SessionId,
    pub(crate) visit: VisitId,
    pub(crate) account: Person,
    pub(crate) role: ChannelRole,
    pub(crate) device: Device,
}

/// A visit that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) visit: VisitId,
    pub(crate) account: AccountId,
    /// It ended at this hub, not at one that is gone.
    pub(crate) held: bool,
}

/// The seats of one room, each named by the session that took it.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    seats: BTreeMap<SessionId, Seat>,
    /// Open sessions and the seats they have.
    sessions: BTreeMap<SessionId, SessionId>,
    visits: BTreeMap<(AccountId, VisitId), SessionId>,
    /// Seats by account.
    people: BTreeMap<AccountId, usize>,
    /// Seats whose socket is gone, by the time they are given up.
    away: BTreeSet<(HubTime, SessionId)>,
    untold: BTreeSet<SessionId>,
    told: usize,
    told_bytes: usize,
    /// Visits that have ended and were not asked for yet.
    ended: VecDeque<Ended>,
    delta: Delta,
    /// People at other hubs who have no seat here: there are too many.
    crowds: BTreeMap<Uuid, Crowd>,
    /// Something that other hubs are told is not as it was.
    touched: bool,
    /// Not before this time may the next frame go out.
    quiet_until: HubTime,
}

impl Presence {
    /// The seats told by name and, whatever the crowd, this one.
    pub(crate) fn listed(&self, own: Option<SessionId>) -> Vec<&Member> {
        let listed = self.seats.iter().filter(|(id, seat)| seat.told_bytes.is_some() || Some(**id) == own);
        listed.map(|(_, seat)| &seat.member).collect()
    }
    /// How many people are here, whether told by name or not.
    pub(crate) fn people(&self) -> usize {
        self.people.len() + self.people_in_crowds()
    }
    /// The open sessions.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.keys().copied()
    }
    /// The open sessions and who has their seats.
    pub(crate) fn seated(&self) -> impl Iterator<Item = (SessionId, &Member)> {
        self.sessions.iter().filter_map(|(session, id)| self.seats.get(id).map(|seat| (*session, &seat.member)))
    }
    /// Whether this visit has a seat.
    pub(crate) fn holds(&self, account: AccountId, visit: VisitId) -> bool {
        self.visits.contains_key(&(account, visit))
    }
    /// True when no session is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Takes a seat; the seat and whether the visit had it already.
    pub(crate) fn enter(&mut self, entry: Entry, now: HubTime) -> (SessionId, bool) {
        let Entry { session, visit, account, role, device } = entry;
        let key = (account.id, visit);
        if let Some(&id) = self.visits.get(&key)
            && let Some(seat) = self.seats.get_mut(&id)
        {
            self.sessions.insert(session, id);
            self.touched = true;
            seat.held = true;
            seat.open += 1;
            if let Some(until) = seat.away_until.take() {
                self.away.remove(&(until, id));
            }
            (seat.member.state, seat.member.role, seat.member.device) = (PlayerState::Paused, role, device);
            self.changed(id);
            return (id, true);
        }
        let state = PlayerState::Paused;
        let who = account.id;
        let member = Member { session, account, role, device, state, error_us: None, since_us: now };
        self.sessions.insert(session, session);
        self.visits.insert(key, session);
        *self.people.entry(who).or_default() += 1;
        self.delta.count();
        self.touched = true;
        let peers = BTreeMap::new();
        let seat = Seat { member, visit, open: 1, held: true, peers, away_until: None, told_bytes: None };
        self.seats.insert(session, seat);
        self.untold.insert(session);
        self.tell(session);
        (session, false)
    }

    /// A session is gone; for good when it may not come back.
    pub(crate) fn leave(&mut self, session: SessionId, for_good: bool, now: HubTime) {
        let Some(id) = self.sessions.remove(&session) else { return };
        let Some(seat) = self.seats.get_mut(&id) else { return };
        self.touched = true;
        seat.open -= 1;
        if seat.open > 0 {
            return;
        }
        if !for_good && seat.is_elsewhere() {
            seat.held = false;
            return self.show(id);
        }
        let crowded = self.people.get(&seat.member.account.id).is_some_and(|seats| *seats > SEATS_PER_ACCOUNT_MAX);
        if for_good || crowded {
            return self.vacate(id);
        }
        let until = now.plus_ms(AWAY_MS_MAX);
        seat.away_until = Some(until);
        self.away.insert((until, id));
        (seat.member.state, seat.member.error_us) = (PlayerState::Away, None);
        self.changed(id);
    }

    /// Takes a visit that has ended: it did not come back, or may not.
    pub(crate) fn take_ended(&mut self, now: HubTime) -> Option<Ended> {
        if let Some((until, id)) = self.away.first().copied()
            && until <= now
        {
            self.vacate(id);
        }
        self.ended.pop_front()
    }

    /// Notes a player's report.
    pub(crate) fn report(&mut self, session: SessionId, state: PlayerState, error_us: Option<i64>) {
        let few = self.seats.len() <= ERROR_MEMBERS_MAX;
        let Some(id) = self.sessions.get(&session).copied() else { return };
        let Some(Seat { member, .. }) = self.seats.get_mut(&id) else { return };
        let told = member.state != state || (few && member.error_us != error_us);
        (member.state, member.error_us) = (state, error_us);
        if told {
            self.touched = true;
            self.changed(id);
        }
    }

    /// Gives every seat of this account its new role.
    pub(crate) fn grant(&mut self, account: AccountId, role: ChannelRole) {
        let held = self.seats.values_mut().map(|seat| &mut seat.member);
        let granted = held.filter(|member| member.account.id == account && member.role != role);
        let ids: Vec<SessionId> = granted
            .map(|member| {
                member.role = role;
                member.session
            })
            .collect();
        for id in ids {
            self.tell(id);
            self.changed(id);
        }
    }

    /// When something here is due.
    pub(crate) fn due(&self) -> Option<HubTime> {
        let frame = (!self.delta.is_empty()).then_some(self.quiet_until);
        let ended = (!self.ended.is_empty()).then_some(HubTime::default());
        [frame, ended, self.away.first().map(|(until, _)| *until)].into_iter().flatten().min()
    }
    /// Takes the frame that is due now.
    pub(crate) fn take(&mut self, now: HubTime) -> Option<Shared> {
        if self.delta.is_empty() || self.quiet_until > now {
            return None;
        }
        self.quiet_until = now.plus_ms(PRESENCE_INTERVAL_MS);
        Some(std::mem::take(&mut self.delta).shared(self.people()))
    }

    fn changed(&mut self, id: SessionId) {
        if let Some(seat) = self.seats.get(&id).filter(|seat| seat.told_bytes.is_some()) {
            self.delta.change(seat.member.clone());
        }
    }

    /// Tells a seat by name if there is room for it.
    fn tell(&mut self, id: SessionId) -> bool {
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.told_bytes.is_none()) else { return true };
        let bytes = seat.member.json_bytes() + GROWTH_BYTES_MAX;
        let bytes_after = self.told_bytes + bytes;
        let fits = match seat.member.role {
            ChannelRole::Viewer => self.told < MEMBERS_TOLD_MAX && bytes_after <= TOLD_BYTES_MAX,
            ChannelRole::Moderator | ChannelRole::Admin | ChannelRole::Owner => {
                bytes_after <= TOLD_WITH_MODERATORS_BYTES_MAX
            }
        };
        if fits {
            seat.told_bytes = Some(bytes);
            (self.told, self.told_bytes) = (self.told + 1, bytes_after);
            self.untold.remove(&id);
            self.delta.join(seat.member.clone());
        }
        fits
    }

    /// Ends a visit.
    fn vacate(&mut self, id: SessionId) {
        if let Some(Seat { visit, member, held, .. }) = self.remove(id) {
            self.ended.push_back(Ended { visit, account: member.account.id, held });
        }
    }

    /// Takes a seat away, whatever becomes of its visit.
    fn remove(&mut self, id: SessionId) -> Option<Seat> {
        let seat = self.seats.remove(&id)?;
        seat.away_until.map(|until| self.away.remove(&(until, id)));
        let account = seat.member.account.id;
        if self.visits.get(&(account, seat.visit)) == Some(&id) {
            self.visits.remove(&(account, seat.visit));
        }
        if let Some(seats) = self.people.get_mut(&account) {
            *seats -= 1;
            if *seats == 0 {
                self.people.remove(&account);
            }
        }
        self.touched |= seat.held;
        self.delta.count();
        self.untold.remove(&id);
        let Some(bytes) = seat.told_bytes else { return Some(seat) };
        (self.told, self.told_bytes) = (self.told - 1, self.told_bytes - bytes);
        self.delta.leave(id);
        while let Some(next) = self.untold.first().copied() {
            if !self.tell(next) {
                break;
            }
        }
        Some(seat)
    }
}
