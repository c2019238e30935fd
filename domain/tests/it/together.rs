//! Starting together, the shared speed, going on to the next film, and skipping.

use lockstep_domain::{
    Aggregate,
    permission::{ChannelRole, Permission},
    playback::{
        HOLD_MS_MAX, HoldReason, Loadable, Playback, PlaybackCommand as Do, PlaybackError as No, PlaybackEvent as Did,
        ReleaseCause,
    },
    standing::{Denied, Standing},
};

use crate::{
    actor::{denials, standing, with_remote, without},
    check::given,
    sample::{BOB, FILM, OTHER_FILM, entry as item, secs, wall},
};

fn viewer() -> Standing {
    standing(ChannelRole::Viewer)
}
fn from_queue(n: Option<u128>) -> Loadable {
    Loadable { video: OTHER_FILM, duration: secs(60), playable: true, item: n.map(item) }
}
fn loaded(at: i64) -> Did {
    Did::VideoLoaded { video: FILM, duration_us: secs(60), at_us: wall(at), item: None }
}
fn item_loaded(n: u128, at: i64) -> Did {
    Did::VideoLoaded { video: OTHER_FILM, duration_us: secs(60), at_us: wall(at), item: Some(item(n)) }
}
fn held(position: i64, at: i64) -> Did {
    let (reason, deadline_us) = (HoldReason::Start, wall(at + HOLD_MS_MAX / 1_000));
    Did::Held { reason, position_us: secs(position), deadline_us, at_us: wall(at) }
}
fn released(cause: ReleaseCause, position: i64, at: i64) -> Did {
    Did::Released { cause, position_us: secs(position), at_us: wall(at) }
}
fn played(position: i64, at: i64) -> Did {
    Did::Played { position_us: secs(position), at_us: wall(at) }
}
fn ended(at: i64) -> Did {
    Did::Ended { at_us: wall(at) }
}
fn rated(rate_ppm: i64, position: i64, at: i64) -> Did {
    Did::RateChanged { rate_ppm, position_us: secs(position), at_us: wall(at) }
}
fn play(hold: bool, at: i64) -> Do {
    Do::Play { standing: viewer(), position: None, hold, at: wall(at) }
}
fn rate(rate_ppm: i64, position: Option<i64>, at: i64) -> Do {
    Do::ChangeRate { standing: viewer(), rate_ppm, position: position.map(secs), at: wall(at) }
}

#[test]
fn a_film_that_was_only_loaded_waits_for_those_who_are_there() {
    given::<Playback>([loaded(0)]).when(play(true, 1)).then([held(0, 1)]);
    given::<Playback>([loaded(0)]).when(play(false, 1)).then([played(0, 1)]);
    // Once it ran, play is play.
    let paused = Did::Paused { position_us: secs(7), at_us: wall(8) };
    given::<Playback>([loaded(0), played(0, 1), paused]).when(play(true, 9)).then([played(7, 9)]);
}

#[test]
fn what_waits_is_released_once_and_stands_still_until_then() {
    let waiting = || given::<Playback>([loaded(0), held(3, 1)]);
    for cause in [ReleaseCause::Ready, ReleaseCause::Deadline] {
        waiting().when(Do::Release { cause, at: wall(4) }).then([released(cause, 3, 4)]);
    }
    let now = |standing| Do::StartNow { standing, at: wall(4) };
    waiting().when(now(viewer())).then([released(ReleaseCause::Person, 3, 4)]);
    waiting().when(play(true, 4)).then([]);
    waiting()
        .when(Do::Pause { standing: viewer(), position: None, at: wall(4) })
        .then([Did::Paused { position_us: secs(3), at_us: wall(4) }]);
    given::<Playback>([loaded(0)]).when(now(viewer())).then([]);
    let state = Playback::fold(&[loaded(0), held(3, 1)]);
    assert_eq!((state.position_at(wall(100)), state.rate_ppm()), (secs(3), 0));
    let state = Playback::fold(&[loaded(0), held(3, 1), released(ReleaseCause::Ready, 3, 4)]);
    assert_eq!(state.position_at(wall(6)), secs(5));
    for (standing, denied) in denials() {
        waiting().when(now(standing)).refused(No::Denied(denied));
    }
}

#[test]
fn a_shared_speed_carries_the_film() {
    given::<Playback>([loaded(0), played(10, 0)]).when(rate(1_500_000, None, 4)).then([rated(1_500_000, 14, 4)]);
    // Where the hub's timeline will be when everybody changes.
    given::<Playback>([loaded(0), played(10, 0)]).when(rate(500_000, Some(15), 4)).then([rated(500_000, 15, 4)]);
    given::<Playback>([loaded(0)]).when(rate(1_000_000, None, 1)).then([]);
    let state = Playback::fold(&[loaded(0), played(10, 0), rated(1_500_000, 14, 4)]);
    assert_eq!((state.position_at(wall(8)), state.rate_ppm()), (secs(20), 1_500_000));
    // It outlives a pause and a film.
    let state = Playback::fold(&[loaded(0), rated(2_000_000, 0, 1), item_loaded(1, 2), played(0, 3)]);
    assert_eq!(state.position_at(wall(13)), secs(20));
    for wrong in [0, -1_000_000, 250_000, 2_250_000, 1_100_000, i64::MAX] {
        given::<Playback>([loaded(0)]).when(rate(wrong, None, 1)).refused(No::Rate);
    }
    given::<Playback>([]).when(rate(1_500_000, None, 1)).refused(No::NoVideo);
    let kept = without(viewer(), Permission::ChangeRate);
    let change = Do::ChangeRate { standing: kept, rate_ppm: 1_500_000, position: None, at: wall(1) };
    given::<Playback>([loaded(0)]).when(change).refused(No::Denied(Denied::Role(Permission::ChangeRate)));
}

#[test]
fn the_end_comes_sooner_at_a_higher_speed() {
    let end = |at| Do::End { video: FILM, at: wall(at) };
    let fast = || given::<Playback>([loaded(0), rated(2_000_000, 0, 0), played(0, 0)]);
    fast().when(end(29)).then([]);
    fast().when(end(30)).then([ended(30)]);
}

#[test]
fn an_item_is_put_on_and_names_itself() {
    let on = |standing| Do::PlayItem { standing, film: from_queue(Some(1)), at: wall(5) };
    given::<Playback>([loaded(0), played(0, 1)]).when(on(viewer())).then([item_loaded(1, 5), held(0, 5)]);
    let gone = Loadable { playable: false, ..from_queue(Some(1)) };
    given::<Playback>([]).when(Do::PlayItem { standing: viewer(), film: gone, at: wall(5) }).refused(No::NotPlayable);
    for (standing, denied) in denials() {
        given::<Playback>([]).when(on(standing)).refused(No::Denied(denied));
    }
    let denied = Denied::NotTheRemote { holder: BOB };
    given::<Playback>([]).when(on(with_remote(viewer(), BOB))).refused(No::Denied(denied));
}

#[test]
fn the_next_film_follows_one_that_ended_and_nothing_else() {
    let next = || Do::Advance { film: from_queue(Some(2)), at: wall(70) };
    let history = [loaded(0), played(0, 1), ended(61)];
    given::<Playback>(history.clone()).when(next()).then([item_loaded(2, 70), held(0, 70)]);
    given::<Playback>(history[..2].to_vec()).when(next()).then([]);
    // Somebody was faster.
    given::<Playback>([&history[..], &[played(0, 62)]].concat()).when(next()).then([]);
    given::<Playback>([&history[..], &[loaded(62)]].concat()).when(next()).then([]);
    // The speed is no touch.
    given::<Playback>([&history[..], &[rated(1_500_000, 60, 62)]].concat())
        .when(next())
        .then([item_loaded(2, 70), held(0, 70)]);
}

#[test]
fn a_skip_leaves_the_load_that_was_voted_about() {
    let skip = |load| Do::Skip { load, at: wall(10) };
    let skipped = || Did::Skipped { from_us: secs(9), at_us: wall(10) };
    given::<Playback>([loaded(0), played(0, 1)]).when(skip(1)).then([skipped()]);
    given::<Playback>([loaded(0), played(0, 1)]).when(skip(2)).then([]);
    given::<Playback>([loaded(0), played(0, 1), ended(5)]).when(skip(1)).then([]);
    given::<Playback>([]).when(skip(0)).then([]);
    let state = Playback::fold(&[loaded(0), played(0, 1), skipped()]);
    assert_eq!((state.playing, state.ended, state.position), (false, true, secs(60)));
}
