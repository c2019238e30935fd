//! Seats at other hubs. A visit has one seat wherever its socket is: the hub that had its last socket holds the seat,
//! tells the others of it and ends it; the others show what it says. When a hub is gone, its seats are away as if all
//! its sockets had broken, and whoever comes back to any hub gets the own one again.

use std::collections::{BTreeMap, BTreeSet};

use lockstep_domain::ids::{AccountId, Position, VisitId};
use uuid::Uuid;

use super::{Presence, Seat};
use crate::{
    bus::{OTHERS_MAX, RoomNews, SEATS_BYTES_MAX, SEATS_MAX, Seating},
    clock::HubTime,
    protocol::{Member, PlayerState},
    session::SessionId,
};

/// One seat as another hub sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) member: Member,
    pub(crate) visit: VisitId,
    /// A socket of it is open there.
    pub(crate) here: bool,
    /// Its player is ready for the film as of this position of the log.
    pub(crate) ready: Option<Position>,
}

/// People at another hub beyond those with a seat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Crowd {
    pub(crate) others: BTreeSet<AccountId>,
    pub(crate) more: usize,
    /// Sockets of them that are not ready for the film as of the change at `as_of`.
    pub(crate) unready: usize,
    pub(crate) as_of: Option<Position>,
}

impl Seat {
    /// A socket of it is open at another hub.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.peers.values().any(|seen| seen.here)
    }
    /// Nobody holds it any more.
    fn is_orphan(&self) -> bool {
        !self.held && self.peers.is_empty()
    }
}

impl Presence {
    /// Everybody with a socket open, here or at another hub.
    pub(crate) fn here(&self) -> impl Iterator<Item = &Member> {
        self.seats.values().filter(|seat| seat.open > 0 || seat.is_elsewhere()).map(|seat| &seat.member)
    }
    /// The accounts of everybody with a socket open, as far as they are known.
    pub(crate) fn accounts_here(&self) -> BTreeSet<AccountId> {
        let crowds = self.crowds.values().flat_map(|crowd| crowd.others.iter().copied());
        self.here().map(|member| member.account.id).chain(crowds).collect()
    }
    /// Those with a socket open at another hub and none here.
    pub(crate) fn elsewhere(&self) -> impl Iterator<Item = &Seen> {
        let seats = self.seats.values().filter(|seat| seat.open == 0);
        seats.filter_map(|seat| seat.peers.values().find(|seen| seen.here))
    }
    /// How many in the crowds of other hubs are not ready for the film as of this change.
    pub(crate) fn unready_in_crowds(&self, at: Position) -> usize {
        let unready = |crowd: &Crowd| match crowd.as_of == Some(at) {
            true => crowd.unready,
            false => crowd.others.len() + crowd.more,
        };
        self.crowds.values().map(unready).sum()
    }
    pub(super) fn people_in_crowds(&self) -> usize {
        if self.crowds.is_empty() {
            return 0;
        }
        let others: BTreeSet<&AccountId> = self.crowds.values().flat_map(|crowd| &crowd.others).collect();
        let more: usize = self.crowds.values().map(|crowd| crowd.more).sum();
        others.into_iter().filter(|account| !self.people.contains_key(*account)).count() + more
    }

    /// Whether there is something that other hubs were not told; asked once.
    pub(crate) fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// Takes everything a hub says of the room; what it said before and says no more is over there.
    pub(crate) fn hear(&mut self, node: Uuid, seats: Vec<Seen>, crowd: Crowd, orphaned_until: HubTime) {
        let listed: BTreeSet<SessionId> = seats.iter().map(|seen| seen.member.session).collect();
        let known = self.seats.iter().filter(|(_, seat)| seat.peers.contains_key(&node));
        let over: Vec<SessionId> = known.map(|(id, _)| *id).filter(|id| !listed.contains(id)).collect();
        for seen in seats {
            self.see(node, seen);
        }
        for id in over {
            // What it ended it had told as away before; anything else may have been meant for this hub.
            let ended = self.seats.get(&id).is_some_and(|seat| seat.peers.get(&node).is_some_and(|seen| !seen.here));
            self.lose_seat(node, id, (!ended).then_some(orphaned_until));
        }
        let before = self.people_in_crowds();
        match crowd.others.is_empty() {
            true => self.crowds.remove(&node),
            false => self.crowds.insert(node, crowd),
        };
        if before != self.people_in_crowds() {
            self.delta.count();
        }
    }

    /// A hub is gone, or has left the room: its seats are away until then, or over when it said so itself.
    pub(crate) fn lose(&mut self, node: Uuid, away_until: Option<HubTime>) {
        let known = self.seats.iter().filter(|(_, seat)| seat.peers.contains_key(&node));
        for id in known.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.lose_seat(node, id, away_until);
        }
        if self.crowds.remove(&node).is_some() {
            self.delta.count();
        }
    }

    /// An account may not be here any more: what other hubs say of it counts for nothing.
    pub(crate) fn expel_elsewhere(&mut self, account: AccountId) {
        let theirs = self.seats.iter().filter(|(_, seat)| seat.open == 0 && seat.member.account.id == account);
        for id in theirs.filter(|(_, seat)| !seat.held).map(|(id, _)| *id).collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    fn see(&mut self, node: Uuid, seen: Seen) {
        let (id, key) = (seen.member.session, (seen.member.account.id, seen.visit));
        if let Some(&other) = self.visits.get(&key)
            && seen.here
            && other != id
            && self.seats.get(&other).is_some_and(|seat| seat.held && seat.open == 0)
        {
            // The visit went on there before this seat was heard of.
            self.remove(other);
        }
        match self.seats.get_mut(&id) {
            Some(seat) if (seat.member.account.id, seat.visit) == key => {
                let takes = seen.here && seat.open == 0;
                seat.peers.insert(node, seen);
                if takes {
                    self.touched |= seat.held;
                    seat.held = false;
                }
                if let Some(until) = seat.away_until.take_if(|_| !seat.held) {
                    self.away.remove(&(until, id));
                }
                self.show(id);
            }
            // Two hubs gave the same number: the one that is known here stays.
            Some(_) => {}
            None => self.seat(node, id, seen),
        }
    }

    fn seat(&mut self, node: Uuid, id: SessionId, seen: Seen) {
        let account = seen.member.account.id;
        *self.people.entry(account).or_default() += 1;
        self.visits.entry((account, seen.visit)).or_insert(id);
        self.delta.count();
        let (member, visit) = (seen.member.clone(), seen.visit);
        let peers = BTreeMap::from([(node, seen)]);
        let seat = Seat { member, visit, open: 0, held: false, peers, away_until: None, told_bytes: None };
        self.seats.insert(id, seat);
        self.untold.insert(id);
        self.tell(id);
    }

    fn lose_seat(&mut self, node: Uuid, id: SessionId, away_until: Option<HubTime>) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        seat.peers.remove(&node);
        if !seat.is_orphan() {
            return self.show(id);
        }
        let Some(until) = away_until else {
            self.remove(id);
            return;
        };
        if let Some(before) = seat.away_until.replace(until) {
            self.away.remove(&(before, id));
        }
        self.away.insert((until, id));
        self.show(id);
    }

    /// A seat without a socket here looks as the hub with its socket says.
    pub(super) fn show(&mut self, id: SessionId) {
        let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.open == 0) else { return };
        let before = seat.member.condition();
        match seat.peers.values().find(|seen| seen.here) {
            Some(Seen { member, .. }) => {
                (seat.member.role, seat.member.device) = (member.role, member.device);
                (seat.member.state, seat.member.error_us) = (member.state, member.error_us);
            }
            None => (seat.member.state, seat.member.error_us) = (PlayerState::Away, None),
        }
        if seat.member.condition() != before {
            self.changed(id);
        }
    }

    /// What other hubs are told of the seats held here, in their order, as far as a frame holds them.
    pub(crate) fn tell_peers(&self, news: &mut RoomNews, is_ready: impl Fn(SessionId) -> bool) {
        let mut unready: BTreeMap<SessionId, usize> = BTreeMap::new();
        for (socket, seat) in &self.sessions {
            *unready.entry(*seat).or_default() += usize::from(!is_ready(*socket));
        }
        let mut held: Vec<(&SessionId, &Seat)> = self.seats.iter().filter(|(_, seat)| seat.held).collect();
        held.sort_by_key(|(id, seat)| (seat.told_bytes.is_none(), **id));
        let mut bytes = 0;
        let mut others = BTreeSet::new();
        for (id, seat) in held {
            let sockets = unready.get(id).copied();
            let ready = news.anchor.map(|anchor| anchor.position).filter(|_| sockets == Some(0));
            let seating = seating(seat, ready);
            bytes += serde_json::to_vec(&seating).map_or(0, |text| text.len() + 1);
            if news.seats.len() < SEATS_MAX && bytes <= SEATS_BYTES_MAX {
                news.seats.push(seating);
            } else if seat.open > 0 {
                others.insert(seat.member.account.id);
                news.unready += sockets.filter(|_| seat.member.state != PlayerState::Blocked).unwrap_or_default();
            }
        }
        for seating in &news.seats {
            others.remove(&seating.account.id);
        }
        news.more = others.len().saturating_sub(OTHERS_MAX);
        news.others = others.into_iter().take(OTHERS_MAX).collect();
    }
}

fn seating(seat: &Seat, ready: Option<Position>) -> Seating {
    let Member { session, account, role, device, state, error_us, since_us } = seat.member.clone();
    let state = (seat.open > 0).then_some(state);
    Seating { seat: session, visit: seat.visit, account, role, device, state, error_us, since_us, ready }
}
