//! Taking back what was done to the queue: it is then as it was, and a later change by somebody else stands in the way.

use lockstep_domain::{
    Aggregate,
    ids::AccountId,
    permission::ChannelRole,
    queue::{DequeueCause, Film, LoopMode, Place, Queue, QueueCommand, QueueEvent, QueueState},
    undo::{Facet, NoUndo, Requeue, Undoable, Undone, way_back},
};

use crate::{
    actor::standing,
    sample::{ADA, BOB, FILM, entry, queued_item, queues, secs, wall},
};

fn queued(n: u128) -> QueueEvent {
    QueueEvent::VideoQueued {
        item: entry(n),
        video: FILM,
        by: BOB,
        duration_us: secs(60),
        before: None,
        at_us: wall(0),
    }
}

fn dequeued(n: u128, before: Option<u128>, cause: DequeueCause) -> QueueEvent {
    let (video, duration_us, before) = (FILM, secs(60), before.map(entry));
    QueueEvent::VideoDequeued { item: entry(n), video, queued_by: BOB, duration_us, before, cause, by: Some(ADA) }
}

fn moved(n: u128, before: Option<u128>, was_before: Option<u128>) -> QueueEvent {
    let (before, was_before) = (before.map(entry), was_before.map(entry));
    QueueEvent::VideoMoved { item: entry(n), before, was_before, by: Some(ADA) }
}

fn cleared() -> QueueEvent {
    QueueEvent::Cleared { items: [1, 2, 3].map(queued_item).to_vec(), by: ADA }
}

fn back(event: &QueueEvent, later: &[(Option<AccountId>, QueueEvent)]) -> Result<Requeue, NoUndo> {
    let before = Queue::fold(&[1, 2, 3].map(queued));
    way_back::<Queue>(&Undone { before: &before, event, later, asker: ADA, at: wall(9) })
}

/// The command that the way back is run by.
fn command(back: Requeue) -> QueueCommand {
    let (standing, at) = (standing(ChannelRole::Owner), wall(9));
    match back {
        Requeue::Remove { item } => QueueCommand::Remove { standing, item, at },
        Requeue::PutBack { item, video, place } => {
            QueueCommand::Add { standing, item, film: Film { video, duration: secs(60), playable: true }, place, at }
        }
        Requeue::Move { item, place } => QueueCommand::Move { standing, item, place, at },
        Requeue::Restore => QueueCommand::Restore { standing, at },
        Requeue::Autoplay { on } => QueueCommand::SetAutoplay { standing, on, at },
        Requeue::Loop { mode } => QueueCommand::SetLoop { standing, mode, at },
    }
}

fn shape(state: &QueueState) -> (Vec<lockstep_domain::ids::QueueItemId>, bool, LoopMode) {
    (state.items.iter().map(|held| held.item).collect(), state.autoplay, state.loop_mode)
}

#[test]
fn the_queue_is_as_it_was() {
    let before = Queue::fold(&[1, 2, 3].map(queued));
    let events = [
        queued(4),
        dequeued(1, Some(2), DequeueCause::Removed),
        dequeued(2, Some(3), DequeueCause::Loaded),
        dequeued(3, None, DequeueCause::Removed),
        moved(1, None, Some(2)),
        moved(3, Some(1), None),
        cleared(),
        QueueEvent::AutoplaySet { on: false, by: ADA },
        QueueEvent::LoopSet { mode: LoopMode::All, by: ADA },
    ];
    for event in events {
        let mut now = before.clone();
        Queue::evolve(&mut now, &event);
        assert_ne!(shape(&now), shape(&before), "{event:?} changes something");
        let done = Queue::decide(&now, &command(back(&event, &[]).unwrap())).unwrap();
        assert!(!done.is_empty(), "{event:?}");
        for event in &done {
            Queue::evolve(&mut now, event);
        }
        assert_eq!(shape(&now), shape(&before), "{event:?}");
    }
}

#[test]
fn a_later_change_of_the_same_stands_in_the_way_and_of_another_does_not() {
    let by_bob = |event| [(Some(BOB), event)];
    let overtaken = |facet| Err(NoUndo::Overtaken { by: Some(BOB), facet });
    let event = moved(1, None, Some(2));
    assert_eq!(back(&event, &by_bob(moved(1, Some(3), None))), overtaken(Facet::Item(entry(1))));
    let place = Place::Before(entry(2));
    assert_eq!(back(&event, &by_bob(moved(3, Some(2), None))), Ok(Requeue::Move { item: entry(1), place }));
    // What stood behind it is gone: the end is where it can go.
    let gone = by_bob(dequeued(2, Some(3), DequeueCause::Loaded));
    assert_eq!(back(&event, &gone), Ok(Requeue::Move { item: entry(1), place: Place::End }));
    assert_eq!(back(&queued(4), &by_bob(dequeued(4, None, DequeueCause::Removed))), overtaken(Facet::Item(entry(4))));
    let everything = QueueEvent::Cleared { items: [1, 2, 3, 4].map(queued_item).to_vec(), by: BOB };
    assert_eq!(back(&queued(4), &by_bob(everything)), Err(NoUndo::NothingBefore), "it is gone with all the others");
    let restored = QueueEvent::Restored { items: [1, 2, 3].map(queued_item).to_vec(), by: BOB };
    assert_eq!(back(&cleared(), &by_bob(restored)), Err(NoUndo::NothingBefore), "it is full again");
    let autoplay = |on| QueueEvent::AutoplaySet { on, by: BOB };
    assert_eq!(back(&autoplay(false), &by_bob(autoplay(true))), overtaken(Facet::Autoplay));
}

#[test]
fn votes_and_what_took_something_back_are_not_taken_back() {
    for event in queues() {
        let not = matches!(
            event,
            QueueEvent::SkipVoteCast { .. }
                | QueueEvent::SkipVoteWithdrawn { .. }
                | QueueEvent::SkipVotesCounted { .. }
                | QueueEvent::Restored { .. }
        );
        assert_eq!(Queue::facet(&event).is_none(), not, "{event:?}");
        assert_eq!(Queue::needs(&event).is_none(), not, "{event:?}");
        assert_eq!(back(&event, &[]) == Err(NoUndo::NotPossible), not, "{event:?}");
    }
}
