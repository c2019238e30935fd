//! What a channel plays next: its queue, how it goes on by itself, and the votes to leave the present film.
//!
//! An item leaves the queue after it was put on: `VideoLoaded` in `playback-<channel>` names it, and a reaction takes
//! it out here. A crash between the two leaves an item that is on and still queued; [`QueueState::next`] passes it over.

mod state;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, event_names,
    ids::{AccountId, QueueItemId, VideoId},
    permission::Permission,
    standing::{Denied, Standing},
    time::{MediaTime, Timestamp},
};

pub use self::state::{QueueState, SkipVotes};

/// The most items in one queue.
pub const ITEMS_MAX: usize = 100;

/// A film in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueItem {
    pub item: QueueItemId,
    pub video: VideoId,
    /// Who queued it.
    pub by: AccountId,
    pub duration_us: MediaTime,
    pub at_us: Timestamp,
}

/// What happens when a film ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopMode {
    #[default]
    Off,
    /// The same film again.
    One,
    /// A film goes to the end of the queue instead of out of it.
    All,
}

/// Why an item left the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DequeueCause {
    /// It was put on.
    Loaded,
    Removed,
}

/// `before` is the item it stands in front of, absent at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum QueueEvent {
    VideoQueued {
        item: QueueItemId,
        video: VideoId,
        by: AccountId,
        duration_us: MediaTime,
        before: Option<QueueItemId>,
        at_us: Timestamp,
    },
    /// With all it takes to put the item back where it was.
    VideoDequeued {
        item: QueueItemId,
        video: VideoId,
        queued_by: AccountId,
        duration_us: MediaTime,
        before: Option<QueueItemId>,
        cause: DequeueCause,
        /// Absent: the program itself.
        by: Option<AccountId>,
    },
    VideoMoved {
        item: QueueItemId,
        before: Option<QueueItemId>,
        /// Where it stood.
        was_before: Option<QueueItemId>,
        /// Absent: the program itself.
        by: Option<AccountId>,
    },
    /// `load` names the film on the screen, as playback counts its loads.
    SkipVoteCast {
        by: AccountId,
        load: u64,
    },
    SkipVoteWithdrawn {
        by: AccountId,
        load: u64,
    },
    /// How the votes stood among those present who may vote. From `need` on, the film is skipped.
    SkipVotesCounted {
        load: u64,
        have: u32,
        need: u32,
    },
    Cleared {
        items: Vec<QueueItem>,
        by: AccountId,
    },
    Restored {
        items: Vec<QueueItem>,
        by: AccountId,
    },
    AutoplaySet {
        on: bool,
        by: AccountId,
    },
    LoopSet {
        mode: LoopMode,
        by: AccountId,
    },
}
event_names!(QueueEvent {
    VideoQueued,
    VideoDequeued,
    VideoMoved,
    SkipVoteCast,
    SkipVoteWithdrawn,
    SkipVotesCounted,
    Cleared,
    Restored,
    AutoplaySet,
    LoopSet,
});

/// A film to be queued, as looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Film {
    pub video: VideoId,
    pub duration: MediaTime,
    pub playable: bool,
}

/// Where in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    End,
    /// Before every other: what plays next.
    Front,
    Before(QueueItemId),
}

#[derive(Debug, Clone, PartialEq)]
pub enum QueueCommand {
    /// Elsewhere than at the end needs the right to reorder as well.
    Add {
        standing: Standing,
        item: QueueItemId,
        film: Film,
        place: Place,
        at: Timestamp,
    },
    Remove {
        standing: Standing,
        item: QueueItemId,
        at: Timestamp,
    },
    Move {
        standing: Standing,
        item: QueueItemId,
        place: Place,
        at: Timestamp,
    },
    /// By a reaction: this item was put on.
    TakeLoaded {
        item: QueueItemId,
    },
    /// `skippable`: the load that is on the screen, if one can be left.
    Vote {
        standing: Standing,
        skippable: Option<u64>,
        withdraw: bool,
        at: Timestamp,
    },
    /// `electorate`: those present who may vote.
    CountVotes {
        skippable: Option<u64>,
        electorate: BTreeSet<AccountId>,
    },
    Clear {
        standing: Standing,
        at: Timestamp,
    },
    Restore {
        standing: Standing,
        at: Timestamp,
    },
    SetAutoplay {
        standing: Standing,
        on: bool,
        at: Timestamp,
    },
    SetLoop {
        standing: Standing,
        mode: LoopMode,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    #[error("a queue has at most {ITEMS_MAX} videos")]
    Full,
    #[error("this is not in the queue any more")]
    NotQueued,
    #[error("this video is not ready to play")]
    NotPlayable,
    #[error("nothing is playing that could be skipped")]
    NothingToSkip,
    #[error(transparent)]
    Denied(#[from] Denied),
}

pub struct Queue;

impl Aggregate for Queue {
    const KIND: &'static str = "queue";
    type State = QueueState;
    type Command = QueueCommand;
    type Event = QueueEvent;
    type Error = QueueError;

    fn decide(state: &QueueState, command: &QueueCommand) -> Result<Vec<QueueEvent>, QueueError> {
        match command {
            QueueCommand::Add { standing, item, film, place, at } => {
                standing.may(Permission::QueueAdd, *at)?;
                if *place != Place::End {
                    standing.may(Permission::QueueReorder, *at)?;
                }
                add(state, standing.account, *item, film, *place, *at)
            }
            QueueCommand::Remove { standing, item, at } => remove(state, standing, *item, *at),
            QueueCommand::Move { standing, item, place, at } => {
                standing.may(Permission::QueueReorder, *at)?;
                state.item(*item).ok_or(QueueError::NotQueued)?;
                move_item(state, *item, *place, Some(standing.account))
            }
            QueueCommand::TakeLoaded { item } => take_loaded(state, *item),
            QueueCommand::Vote { standing, skippable, withdraw, at } => {
                standing.may(Permission::Vote, *at)?;
                vote(state, standing.account, *skippable, *withdraw)
            }
            QueueCommand::CountVotes { skippable, electorate } => Ok(count(state, *skippable, electorate)),
            QueueCommand::Clear { standing, at } => {
                standing.may(Permission::QueueRemove, *at)?;
                let cleared = QueueEvent::Cleared { items: state.items.clone(), by: standing.account };
                Ok(if state.items.is_empty() { vec![] } else { vec![cleared] })
            }
            QueueCommand::Restore { standing, at } => {
                standing.may(Permission::QueueAdd, *at)?;
                restore(state, standing.account)
            }
            QueueCommand::SetAutoplay { standing, on, at } => {
                standing.may(Permission::QueueReorder, *at)?;
                let set = QueueEvent::AutoplaySet { on: *on, by: standing.account };
                Ok(if state.autoplay == *on { vec![] } else { vec![set] })
            }
            QueueCommand::SetLoop { standing, mode, at } => {
                standing.may(Permission::QueueReorder, *at)?;
                let set = QueueEvent::LoopSet { mode: *mode, by: standing.account };
                Ok(if state.loop_mode == *mode { vec![] } else { vec![set] })
            }
        }
    }

    fn evolve(state: &mut QueueState, event: &QueueEvent) {
        match event {
            QueueEvent::VideoQueued { item, video, by, duration_us, before, at_us } => {
                let queued =
                    QueueItem { item: *item, video: *video, by: *by, duration_us: *duration_us, at_us: *at_us };
                state.fill(&queued);
                state.put(queued, *before);
            }
            QueueEvent::VideoDequeued { item, cause, .. } => dequeued(state, *item, *cause),
            QueueEvent::VideoMoved { item, before, .. } => {
                if let Some(held) = state.take(*item) {
                    state.put(held, *before);
                }
            }
            QueueEvent::SkipVoteCast { by, load } => {
                state.votes_for(*load).by.insert(*by);
            }
            QueueEvent::SkipVoteWithdrawn { by, load } => {
                state.votes_for(*load).by.remove(by);
            }
            QueueEvent::SkipVotesCounted { load, have, need } => {
                state.votes_for(*load).counted = Some((*have, *need));
            }
            QueueEvent::Cleared { items, by: _ } => {
                state.items.clear();
                state.emptied(items.clone());
            }
            QueueEvent::Restored { items, by: _ } => {
                for item in items {
                    state.fill(item);
                    state.put(item.clone(), None);
                }
                state.last.clear();
            }
            QueueEvent::AutoplaySet { on, by: _ } => state.autoplay = *on,
            QueueEvent::LoopSet { mode, by: _ } => state.loop_mode = *mode,
        }
    }
}

fn add(
    state: &QueueState,
    by: AccountId,
    item: QueueItemId,
    film: &Film,
    place: Place,
    at: Timestamp,
) -> Result<Vec<QueueEvent>, QueueError> {
    if state.item(item).is_some() {
        return Ok(vec![]);
    }
    if !film.playable || film.duration <= MediaTime::ZERO {
        return Err(QueueError::NotPlayable);
    }
    if state.items.len() >= ITEMS_MAX {
        return Err(QueueError::Full);
    }
    let before = before(state, item, place)?;
    Ok(vec![QueueEvent::VideoQueued { item, video: film.video, by, duration_us: film.duration, before, at_us: at }])
}

/// The item in front of which `item` comes to stand.
fn before(state: &QueueState, item: QueueItemId, place: Place) -> Result<Option<QueueItemId>, QueueError> {
    match place {
        Place::End => Ok(None),
        Place::Front => Ok(state.items.iter().map(|held| held.item).find(|held| *held != item)),
        Place::Before(other) if other == item => Ok(state.follower(item)),
        Place::Before(other) => state.item(other).map(|held| Some(held.item)).ok_or(QueueError::NotQueued),
    }
}

fn remove(
    state: &QueueState,
    standing: &Standing,
    item: QueueItemId,
    at: Timestamp,
) -> Result<Vec<QueueEvent>, QueueError> {
    standing.is_in()?;
    let Some(held) = state.item(item) else { return Ok(vec![]) };
    // What somebody queued themselves they may always take back.
    if held.by != standing.account {
        standing.may(Permission::QueueRemove, at)?;
    }
    Ok(vec![dequeue(state, held, DequeueCause::Removed, Some(standing.account))])
}

fn dequeue(state: &QueueState, held: &QueueItem, cause: DequeueCause, by: Option<AccountId>) -> QueueEvent {
    QueueEvent::VideoDequeued {
        item: held.item,
        video: held.video,
        queued_by: held.by,
        duration_us: held.duration_us,
        before: state.follower(held.item),
        cause,
        by,
    }
}

fn dequeued(state: &mut QueueState, item: QueueItemId, cause: DequeueCause) {
    let Some(taken) = state.take(item) else { return };
    if cause == DequeueCause::Removed {
        state.filling.retain(|held| held.item != item);
    }
    if state.items.is_empty() {
        let mut last = std::mem::take(&mut state.filling);
        if last.is_empty() {
            last.push(taken);
        }
        state.emptied(last);
    }
}

fn move_item(
    state: &QueueState,
    item: QueueItemId,
    place: Place,
    by: Option<AccountId>,
) -> Result<Vec<QueueEvent>, QueueError> {
    let (before, was_before) = (before(state, item, place)?, state.follower(item));
    let moved = QueueEvent::VideoMoved { item, before, was_before, by };
    Ok(if before == was_before { vec![] } else { vec![moved] })
}

fn take_loaded(state: &QueueState, item: QueueItemId) -> Result<Vec<QueueEvent>, QueueError> {
    match state.item(item) {
        None => Ok(vec![]),
        Some(_) if state.loop_mode == LoopMode::All => move_item(state, item, Place::End, None),
        Some(held) => Ok(vec![dequeue(state, held, DequeueCause::Loaded, None)]),
    }
}

fn vote(
    state: &QueueState,
    by: AccountId,
    skippable: Option<u64>,
    withdraw: bool,
) -> Result<Vec<QueueEvent>, QueueError> {
    let load = skippable.ok_or(QueueError::NothingToSkip)?;
    let voted = state.votes.load == load && state.votes.by.contains(&by);
    Ok(match (withdraw, voted) {
        (false, false) => vec![QueueEvent::SkipVoteCast { by, load }],
        (true, true) => vec![QueueEvent::SkipVoteWithdrawn { by, load }],
        (false, true) | (true, false) => vec![],
    })
}

fn count(state: &QueueState, skippable: Option<u64>, electorate: &BTreeSet<AccountId>) -> Vec<QueueEvent> {
    let Some(load) = skippable.filter(|load| *load == state.votes.load) else { return vec![] };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let have = number(state.votes.by.intersection(electorate).count());
    // More than half.
    let need = number(electorate.len() / 2 + 1);
    let known = state.votes.counted == Some((have, need)) || (state.votes.counted.is_none() && have == 0);
    if known { vec![] } else { vec![QueueEvent::SkipVotesCounted { load, have, need }] }
}

fn restore(state: &QueueState, by: AccountId) -> Result<Vec<QueueEvent>, QueueError> {
    let items: Vec<QueueItem> = state.last.iter().filter(|held| state.item(held.item).is_none()).cloned().collect();
    if items.is_empty() {
        return Ok(vec![]);
    }
    if state.items.len() + items.len() > ITEMS_MAX {
        return Err(QueueError::Full);
    }
    Ok(vec![QueueEvent::Restored { items, by }])
}
