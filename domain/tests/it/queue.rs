//! The queue: adding, ordering, taking out, the last queue, the votes to skip, and who may do what.

use std::collections::BTreeSet;

use lockstep_domain::{
    Aggregate,
    ids::{AccountId, QueueItemId, VideoId},
    permission::{ChannelRole, Permission},
    queue::{
        DequeueCause, Film, ITEMS_MAX, LoopMode, Place, Queue, QueueCommand as Do, QueueError as No, QueueEvent as Did,
        QueueItem, QueueState,
    },
    standing::{Denied, Standing},
    time::MediaTime,
};
use proptest::{collection::btree_set, option, prelude::*, sample::select};

use crate::{
    actor::{denials, standing, standing_of, standings, with, without},
    check::{Given, repeats, total},
    sample::{ADA, BOB, EVE, FILM, OTHER_FILM, entry as item, queued_item, queues, secs, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Queue> {
    crate::check::given(history)
}

fn owner() -> Standing {
    standing(ChannelRole::Owner)
}

fn viewer(account: AccountId) -> Standing {
    standing_of(account, ChannelRole::Viewer)
}

fn film(video: VideoId) -> Film {
    Film { video, duration: secs(60), playable: true }
}

fn add(standing: Standing, n: u128, place: Place) -> Do {
    Do::Add { standing, item: item(n), film: film(FILM), place, at: wall(0) }
}

fn queued_before(by: AccountId, n: u128, before: Option<u128>) -> Did {
    let before = before.map(item);
    Did::VideoQueued { item: item(n), video: FILM, by, duration_us: secs(60), before, at_us: wall(0) }
}

fn queued(n: u128) -> Did {
    queued_before(BOB, n, None)
}

fn dequeued(n: u128, before: Option<u128>, cause: DequeueCause, by: Option<AccountId>) -> Did {
    let before = before.map(item);
    Did::VideoDequeued { item: item(n), video: FILM, queued_by: BOB, duration_us: secs(60), before, cause, by }
}

fn played(n: u128) -> Did {
    dequeued(n, None, DequeueCause::Loaded, None)
}

fn moved(n: u128, before: Option<u128>, was_before: Option<u128>) -> Did {
    Did::VideoMoved { item: item(n), before: before.map(item), was_before: was_before.map(item), by: Some(ADA) }
}

fn shift(n: u128, place: Place) -> Do {
    Do::Move { standing: owner(), item: item(n), place, at: wall(1) }
}

fn remove(standing: Standing, n: u128) -> Do {
    Do::Remove { standing, item: item(n), at: wall(1) }
}

fn ids(items: &[QueueItem]) -> Vec<QueueItemId> {
    items.iter().map(|held| held.item).collect()
}

fn order(history: &[Did]) -> Vec<QueueItemId> {
    ids(&Queue::fold(history).items)
}

#[test]
fn a_film_is_queued_at_the_end_in_front_or_before_another() {
    given([]).when(add(viewer(BOB), 1, Place::End)).then([queued(1)]);
    let two = || given([queued(1), queued(2)]);
    two().when(add(owner(), 3, Place::Front)).then([queued_before(ADA, 3, Some(1))]);
    two().when(add(owner(), 3, Place::Before(item(2)))).then([queued_before(ADA, 3, Some(2))]);
    two().when(add(owner(), 3, Place::Before(item(9)))).refused(No::NotQueued);
    assert_eq!(order(&[queued(1), queued(2), queued_before(ADA, 3, Some(2))]), [item(1), item(3), item(2)]);
}

#[test]
fn a_film_that_is_not_ready_is_not_queued() {
    let add = |film| Do::Add { standing: owner(), item: item(1), film, place: Place::End, at: wall(0) };
    given([]).when(add(Film { playable: false, ..film(FILM) })).refused(No::NotPlayable);
    given([]).when(add(Film { duration: secs(0), ..film(FILM) })).refused(No::NotPlayable);
}

#[test]
fn a_queue_has_an_end() {
    let full: Vec<Did> = (0..ITEMS_MAX as u128).map(queued).collect();
    given(full.clone()).when(add(owner(), 1_000, Place::End)).refused(No::Full);
    given(full[1..].to_vec()).when(add(owner(), 1_000, Place::End)).then([queued_before(ADA, 1_000, None)]);
    // Restoring goes by the same measure.
    let cleared = Did::Cleared { items: vec![queued_item(5_000)], by: ADA };
    given([cleared].into_iter().chain(full)).when(Do::Restore { standing: owner(), at: wall(1) }).refused(No::Full);
}

#[test]
fn an_item_is_moved_and_its_old_place_is_told() {
    let three = || given([queued(1), queued(2), queued(3)]);
    three().when(shift(3, Place::Front)).then([moved(3, Some(1), None)]);
    three().when(shift(1, Place::End)).then([moved(1, None, Some(2))]);
    three().when(shift(3, Place::Before(item(2)))).then([moved(3, Some(2), None)]);
    three().when(shift(1, Place::Front)).then([]);
    three().when(shift(2, Place::Before(item(2)))).then([]);
    three().when(shift(9, Place::End)).refused(No::NotQueued);
    let events = [queued(1), queued(2), queued(3), moved(3, Some(1), None)];
    assert_eq!(order(&events), [item(3), item(1), item(2)]);
}

#[test]
fn what_leaves_tells_all_it_takes_to_put_it_back() {
    let cause = DequeueCause::Removed;
    given([queued(1), queued(2)]).when(remove(owner(), 1)).then([dequeued(1, Some(2), cause, Some(ADA))]);
    given([queued(1)]).when(remove(owner(), 9)).then([]);
}

#[test]
fn ones_own_item_may_always_be_taken_back_another_by_right() {
    let removed = |by| dequeued(1, None, DequeueCause::Removed, Some(by));
    let kept = Denied::Role(Permission::QueueRemove);
    given([queued(1)]).when(remove(viewer(BOB), 1)).then([removed(BOB)]);
    given([queued(1)]).when(remove(viewer(EVE), 1)).refused(No::Denied(kept));
    given([queued(1)]).when(remove(with(viewer(EVE), Permission::QueueRemove), 1)).then([removed(EVE)]);
}

#[test]
fn an_item_that_was_put_on_leaves_or_goes_to_the_end() {
    let take = Do::TakeLoaded { item: item(1) };
    given([queued(1), queued(2)]).when(take.clone()).then([dequeued(1, Some(2), DequeueCause::Loaded, None)]);
    given([queued(2)]).when(take.clone()).then([]);
    let all = Did::LoopSet { mode: LoopMode::All, by: ADA };
    let back = Did::VideoMoved { item: item(1), before: None, was_before: Some(item(2)), by: None };
    given([queued(1), queued(2), all.clone()]).when(take.clone()).then([back]);
    given([queued(2), queued(1), all]).when(take).then([]);
}

#[test]
fn the_next_film_is_the_first_that_is_not_on() {
    let next = |history: &[Did], on| Queue::fold(history).next(on).map(|held| held.item).collect::<Vec<_>>();
    assert_eq!(next(&[queued(1), queued(2)], None), [item(1), item(2)]);
    assert_eq!(next(&[queued(1), queued(2)], Some(item(1))), [item(2)], "on, and not yet out of the queue");
    let all = Did::LoopSet { mode: LoopMode::All, by: ADA };
    assert_eq!(next(&[queued(1), queued(2), all.clone()], Some(item(1))), [item(2), item(1)]);
    assert_eq!(next(&[queued(1), all], Some(item(1))), [item(1)]);
}

#[test]
fn the_last_queue_is_what_was_played_or_cleared() {
    let last = |history: &[Did]| ids(&Queue::fold(history).last);
    let all = [queued(1), queued(2), queued(3)];
    let removed = |n| dequeued(n, None, DequeueCause::Removed, Some(ADA));
    assert_eq!(last(&[&all[..], &[played(1), removed(2), played(3)]].concat()), [item(1), item(3)]);
    assert_eq!(last(&[&all[..], &[played(1)]].concat()), [], "not empty yet");
    assert_eq!(last(&[queued(1), removed(1)]), [item(1)], "nothing else is left to offer");
    let cleared = Did::Cleared { items: vec![queued_item(2), queued_item(3)], by: ADA };
    given(all.clone())
        .when(Do::Clear { standing: owner(), at: wall(1) })
        .then([Did::Cleared { items: [1, 2, 3].map(queued_item).to_vec(), by: ADA }]);
    given([]).when(Do::Clear { standing: owner(), at: wall(1) }).then([]);
    given([&all[..], &[played(1), cleared]].concat())
        .when(Do::Restore { standing: owner(), at: wall(2) })
        .then([Did::Restored { items: [2, 3].map(queued_item).to_vec(), by: ADA }]);
    given([]).when(Do::Restore { standing: owner(), at: wall(2) }).then([]);
}

fn vote(account: AccountId, skippable: Option<u64>, withdraw: bool) -> Do {
    Do::Vote { standing: viewer(account), skippable, withdraw, at: wall(1) }
}

fn cast(by: AccountId, load: u64) -> Did {
    Did::SkipVoteCast { by, load }
}

#[test]
fn a_vote_is_about_one_load_of_a_film() {
    given([]).when(vote(BOB, Some(3), false)).then([cast(BOB, 3)]);
    given([cast(BOB, 3)]).when(vote(BOB, Some(3), true)).then([Did::SkipVoteWithdrawn { by: BOB, load: 3 }]);
    given([]).when(vote(BOB, Some(3), true)).then([]);
    given([]).when(vote(BOB, None, false)).refused(No::NothingToSkip);
    // The next film begins without votes.
    given([cast(BOB, 3)]).when(vote(BOB, Some(4), false)).then([cast(BOB, 4)]);
    assert_eq!(Queue::fold(&[cast(BOB, 3), cast(EVE, 4)]).votes.by, BTreeSet::from([EVE]));
}

#[test]
fn more_than_half_of_those_who_are_here_and_may_vote() {
    let count =
        |skippable, people: &[AccountId]| Do::CountVotes { skippable, electorate: people.iter().copied().collect() };
    let counted = |have, need| Did::SkipVotesCounted { load: 3, have, need };
    let one = || given([cast(BOB, 3)]);
    one().when(count(Some(3), &[BOB])).then([counted(1, 1)]);
    one().when(count(Some(3), &[BOB, ADA])).then([counted(1, 2)]);
    one().when(count(Some(3), &[BOB, ADA, EVE])).then([counted(1, 2)]);
    one().when(count(Some(3), &[ADA, EVE])).then([]);
    one().when(count(Some(4), &[BOB])).then([]);
    one().when(count(None, &[BOB])).then([]);
    given([cast(BOB, 3), counted(1, 2)]).when(count(Some(3), &[BOB])).then([counted(1, 1)]);
    // Who voted and left does not count.
    given([cast(BOB, 3), counted(1, 2)]).when(count(Some(3), &[ADA])).then([counted(0, 1)]);
}

#[test]
fn settings_are_set_once() {
    let autoplay = |on| Do::SetAutoplay { standing: owner(), on, at: wall(1) };
    given([]).when(autoplay(true)).then([]);
    given([]).when(autoplay(false)).then([Did::AutoplaySet { on: false, by: ADA }]);
    let repeat = |mode| Do::SetLoop { standing: owner(), mode, at: wall(1) };
    given([]).when(repeat(LoopMode::Off)).then([]);
    given([]).when(repeat(LoopMode::One)).then([Did::LoopSet { mode: LoopMode::One, by: ADA }]);
}

type Act = fn(Standing) -> Do;

fn acts() -> [(Permission, Act); 8] {
    [
        (Permission::QueueAdd, |standing| add(standing, 5, Place::End)),
        (Permission::QueueReorder, |standing| add(standing, 5, Place::Front)),
        (Permission::QueueReorder, |standing| Do::Move { standing, item: item(1), place: Place::End, at: wall(1) }),
        (Permission::QueueReorder, |standing| Do::SetAutoplay { standing, on: false, at: wall(1) }),
        (Permission::QueueReorder, |standing| Do::SetLoop { standing, mode: LoopMode::One, at: wall(1) }),
        (Permission::QueueRemove, |standing| Do::Clear { standing, at: wall(1) }),
        (Permission::QueueAdd, |standing| Do::Restore { standing, at: wall(1) }),
        (Permission::Vote, |standing| Do::Vote { standing, skippable: Some(1), withdraw: false, at: wall(1) }),
    ]
}

#[test]
fn only_who_may_acts() {
    for (permission, act) in acts() {
        for (standing, denied) in denials() {
            given([queued(1), queued(2)]).when(act(standing)).refused(No::Denied(denied));
        }
        let kept = without(standing(ChannelRole::Admin), permission);
        given([queued(1), queued(2)]).when(act(kept)).refused(No::Denied(Denied::Role(permission)));
    }
}

fn items() -> impl Strategy<Value = QueueItemId> {
    (0_u128..6).prop_map(item)
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::End), Just(Place::Front), items().prop_map(Place::Before)]
}

fn films() -> impl Strategy<Value = Film> {
    let durations = prop_oneof![4 => Just(secs(60)), 1 => any::<i64>().prop_map(MediaTime)];
    (select(vec![FILM, OTHER_FILM]), durations, prop::bool::weighted(0.9))
        .prop_map(|(video, duration, playable)| Film { video, duration, playable })
}

fn modes() -> impl Strategy<Value = LoopMode> {
    select(vec![LoopMode::Off, LoopMode::One, LoopMode::All])
}

fn commands() -> impl Strategy<Value = Do> {
    let who = || prop_oneof![3 => Just(owner()), 1 => standings()];
    let loads = || option::of(0_u64..3);
    let at = wall(1);
    prop_oneof![
        3 => (who(), items(), films(), places())
            .prop_map(move |(standing, item, film, place)| Do::Add { standing, item, film, place, at }),
        1 => (who(), items()).prop_map(move |(standing, item)| Do::Remove { standing, item, at }),
        1 => (who(), items(), places()).prop_map(move |(standing, item, place)| Do::Move { standing, item, place, at }),
        1 => items().prop_map(|item| Do::TakeLoaded { item }),
        1 => (who(), loads(), any::<bool>())
            .prop_map(move |(standing, skippable, withdraw)| Do::Vote { standing, skippable, withdraw, at }),
        1 => (loads(), btree_set(select(vec![ADA, BOB, EVE]), 0..4))
            .prop_map(|(skippable, electorate)| Do::CountVotes { skippable, electorate }),
        1 => who().prop_map(move |standing| Do::Clear { standing, at }),
        1 => who().prop_map(move |standing| Do::Restore { standing, at }),
        1 => (who(), any::<bool>()).prop_map(move |(standing, on)| Do::SetAutoplay { standing, on, at }),
        1 => (who(), modes()).prop_map(move |(standing, mode)| Do::SetLoop { standing, mode, at }),
    ]
}

fn stored() -> impl Strategy<Value = Did> {
    let maybe = || option::of(items());
    prop_oneof![
        select(queues()),
        (items(), maybe()).prop_map(|(item, before)| Did::VideoQueued {
            item,
            video: FILM,
            by: BOB,
            duration_us: secs(60),
            before,
            at_us: wall(0),
        }),
        (items(), maybe(), maybe()).prop_map(|(item, before, was_before)| Did::VideoMoved {
            item,
            before,
            was_before,
            by: None
        }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Queue>(Did::TYPES, stored(), commands());
}

#[test]
fn any_history_folds() {
    total::<Queue>(stored(), commands());
}

proptest! {
    /// Whatever was decided: each item once, never too many, and undoing what an event tells restores the order.
    #[test]
    fn a_queue_is_a_list_of_different_items(commands in proptest::collection::vec(commands(), 0..60)) {
        let mut state = QueueState::default();
        for command in &commands {
            let before = ids(&state.items);
            for event in Queue::decide(&state, command).unwrap_or_default() {
                Queue::evolve(&mut state, &event);
                if let Did::VideoMoved { item, was_before, .. } = event {
                    let mut undone = state.clone();
                    let back = Did::VideoMoved { item, before: was_before, was_before: None, by: None };
                    Queue::evolve(&mut undone, &back);
                    prop_assert_eq!(ids(&undone.items), before.clone());
                }
            }
            let after = ids(&state.items);
            prop_assert_eq!(after.iter().collect::<BTreeSet<_>>().len(), after.len());
            prop_assert!(after.len() <= ITEMS_MAX && state.last.len() <= ITEMS_MAX);
        }
    }
}
