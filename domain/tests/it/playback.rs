//! The shared timeline: loading, playing, pausing, seeking, the end.

use lockstep_domain::{
    Aggregate,
    ids::VideoId,
    permission::{ChannelRole, Permission},
    playback::{
        Loadable, Playback, PlaybackCommand as Do, PlaybackError as No, PlaybackEvent as Did, PlaybackState,
        ReleaseCause,
    },
    standing::{Denied, Standing},
    time::{MediaTime, RATE_NORMAL_PPM, Timestamp},
};
use proptest::{prelude::*, sample::select};

use crate::{
    actor::{denials, standing, standings, with_remote, without},
    check::{Given, repeats, total},
    sample::{BOB, FILM, OTHER_FILM, entry as item, playbacks, secs, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Playback> {
    crate::check::given(history)
}

fn viewer() -> Standing {
    standing(ChannelRole::Viewer)
}

fn load_by(standing: Standing, video: VideoId, at: i64) -> Do {
    Do::LoadVideo { standing, video, duration: secs(60), playable: true, at: wall(at) }
}

fn load(video: VideoId, at: i64) -> Do {
    load_by(viewer(), video, at)
}

fn play(position: Option<i64>, at: i64) -> Do {
    Do::Play { standing: viewer(), position: position.map(secs), hold: false, at: wall(at) }
}

fn pause(position: Option<i64>, at: i64) -> Do {
    Do::Pause { standing: viewer(), position: position.map(secs), at: wall(at) }
}

fn seek(position: MediaTime, at: i64) -> Do {
    Do::Seek { standing: viewer(), position, at: wall(at) }
}

fn loaded(video: VideoId, at: i64) -> Did {
    Did::VideoLoaded { video, duration_us: secs(60), at_us: wall(at), item: None }
}

fn played(position: i64, at: i64) -> Did {
    Did::Played { position_us: secs(position), at_us: wall(at) }
}

fn paused(position: i64, at: i64) -> Did {
    Did::Paused { position_us: secs(position), at_us: wall(at) }
}

fn seeked(position: i64, at: i64) -> Did {
    Did::Seeked { position_us: secs(position), at_us: wall(at), from_us: None }
}

fn seeked_from(from: i64, position: i64, at: i64) -> Did {
    Did::Seeked { position_us: secs(position), at_us: wall(at), from_us: Some(secs(from)) }
}

fn ended(at: i64) -> Did {
    Did::Ended { at_us: wall(at) }
}

#[test]
fn a_video_is_loaded_paused_at_its_start() {
    given([]).when(load(FILM, 0)).then([loaded(FILM, 0)]);
    given([loaded(FILM, 0)]).when(load(FILM, 5)).then([]);
    given([loaded(FILM, 0)]).when(load(OTHER_FILM, 5)).then([loaded(OTHER_FILM, 5)]);
    given([loaded(FILM, 0), played(0, 1)]).when(load(FILM, 5)).then([loaded(FILM, 5)]);
    given([loaded(FILM, 0), seeked(9, 1)]).when(load(FILM, 5)).then([loaded(FILM, 5)]);
}

#[test]
fn a_video_that_is_not_ready_is_not_loaded() {
    let load = |playable, duration| Do::LoadVideo { standing: viewer(), video: FILM, duration, playable, at: wall(0) };
    given([]).when(load(false, secs(60))).refused(No::NotPlayable);
    given([]).when(load(true, secs(0))).refused(No::NotPlayable);
    given([]).when(load(true, secs(-1))).refused(No::NotPlayable);
}

#[test]
fn it_plays_from_where_it_is() {
    given([loaded(FILM, 0)]).when(play(None, 1)).then([played(0, 1)]);
    given([loaded(FILM, 0), seeked(9, 1)]).when(play(None, 2)).then([played(9, 2)]);
    given([loaded(FILM, 0)]).when(play(Some(7), 1)).then([played(7, 1)]);
    given([loaded(FILM, 0), played(0, 1)]).when(play(Some(7), 2)).then([]);
}

#[test]
fn play_at_the_end_starts_again() {
    given([loaded(FILM, 0), played(0, 1), ended(61)]).when(play(None, 62)).then([played(0, 62)]);
    given([loaded(FILM, 0), seeked(60, 1)]).when(play(None, 2)).then([played(0, 2)]);
    given([loaded(FILM, 0)]).when(play(Some(60), 1)).then([played(0, 1)]);
}

#[test]
fn it_pauses_where_the_timeline_is() {
    given([loaded(FILM, 0), played(0, 1)]).when(pause(None, 8)).then([paused(7, 8)]);
    given([loaded(FILM, 0), played(30, 1)]).when(pause(Some(37), 9)).then([paused(37, 9)]);
    given([loaded(FILM, 0), played(0, 1), paused(7, 8)]).when(pause(None, 9)).then([]);
    given([loaded(FILM, 0)]).when(pause(None, 9)).then([]);
}

#[test]
fn a_pause_stays_within_the_film() {
    given([loaded(FILM, 0), played(0, 1)]).when(pause(None, 100)).then([paused(60, 100)]);
    given([loaded(FILM, 0), played(0, 1)]).when(pause(Some(61), 2)).then([paused(60, 2)]);
    given([loaded(FILM, 0), played(0, 1)]).when(pause(Some(-1), 2)).then([paused(0, 2)]);
    // A wall clock that went back never moves the film back.
    given([loaded(FILM, 0), played(5, 10)]).when(pause(None, 3)).then([paused(5, 3)]);
}

#[test]
fn a_seek_moves_the_film() {
    given([loaded(FILM, 0)]).when(seek(secs(30), 1)).then([seeked_from(0, 30, 1)]);
    given([loaded(FILM, 0)]).when(seek(secs(60), 1)).then([seeked_from(0, 60, 1)]);
    given([loaded(FILM, 0), played(0, 1)]).when(seek(secs(30), 2)).then([seeked_from(1, 30, 2)]);
    given([loaded(FILM, 0), seeked(30, 1)]).when(seek(secs(30), 2)).then([]);
    // While it plays, the same place at another time is another seek: the film has moved on.
    given([loaded(FILM, 0), played(0, 1), seeked(30, 2)]).when(seek(secs(30), 9)).then([seeked_from(37, 30, 9)]);
}

#[test]
fn a_position_lies_within_the_film() {
    let end = secs(60);
    given([loaded(FILM, 0)]).when(seek(MediaTime(end.0 + 1), 1)).refused(No::PastEnd { end });
    given([loaded(FILM, 0)]).when(seek(MediaTime(-1), 1)).refused(No::BeforeStart);
    given([loaded(FILM, 0)]).when(play(Some(-1), 1)).refused(No::BeforeStart);
    assert_eq!(No::PastEnd { end }.to_string(), "the video ends at 60000 ms");
}

#[test]
fn it_ends_when_the_film_is_over() {
    let end = |video, at| Do::End { video, at: wall(at) };
    let playing = || [loaded(FILM, 0), played(50, 1)];
    given(playing()).when(end(FILM, 11)).then([ended(11)]);
    given(playing()).when(end(FILM, 10)).then([]);
    given(playing()).when(end(OTHER_FILM, 11)).then([]);
    given([loaded(FILM, 0), seeked(60, 1)]).when(end(FILM, 11)).then([]);
    given([]).when(end(FILM, 11)).then([]);
}

#[test]
fn nothing_plays_before_something_is_loaded() {
    given([]).when(play(None, 1)).refused(No::NoVideo);
    given([]).when(pause(None, 1)).refused(No::NoVideo);
    given([]).when(seek(secs(0), 1)).refused(No::NoVideo);
}

/// Everything somebody does to the film, and what it takes.
fn acts() -> [(Permission, fn(Standing) -> Do); 4] {
    [
        (Permission::LoadVideo, |standing| load_by(standing, OTHER_FILM, 1)),
        (Permission::PlayPause, |standing| Do::Play { standing, position: None, hold: false, at: wall(1) }),
        (Permission::PlayPause, |standing| Do::Pause { standing, position: None, at: wall(1) }),
        (Permission::Seek, |standing| Do::Seek { standing, position: secs(1), at: wall(1) }),
    ]
}

#[test]
fn only_who_may_acts() {
    for (permission, act) in acts() {
        for (standing, denied) in denials() {
            given([loaded(FILM, 0)]).when(act(standing)).refused(No::Denied(denied));
        }
        let kept = without(viewer(), permission);
        given([loaded(FILM, 0)]).when(act(kept)).refused(No::Denied(Denied::Role(permission)));
    }
}

#[test]
fn one_remote_keeps_every_other_hand_off_the_film() {
    let owner = with_remote(standing(ChannelRole::Owner), BOB);
    for (_, act) in acts() {
        let denied = Denied::NotTheRemote { holder: BOB };
        given([loaded(FILM, 0)]).when(act(owner.clone())).refused(No::Denied(denied));
    }
}

#[test]
fn the_timeline_is_a_line() {
    let timeline = Playback::fold(&[loaded(FILM, 0), played(10, 100)]);
    for (at, position) in [(90, 10), (100, 10), (101, 11), (150, 60), (1_000, 60)] {
        assert_eq!(timeline.position_at(wall(at)), secs(position), "at {at}");
    }
    assert_eq!(timeline.rate_ppm(), RATE_NORMAL_PPM);
    let timeline = Playback::fold(&[loaded(FILM, 0), played(10, 100), paused(17, 107)]);
    assert_eq!(timeline.position_at(wall(1_000)), secs(17));
    assert_eq!(timeline.rate_ppm(), 0);
    assert_eq!(PlaybackState::default().position_at(wall(1)), secs(0));
}

fn positions() -> impl Strategy<Value = MediaTime> {
    prop_oneof![4 => (-1_i64..70).prop_map(secs), 1 => any::<i64>().prop_map(MediaTime)]
}

fn walls() -> impl Strategy<Value = Timestamp> {
    prop_oneof![4 => (0_i64..100).prop_map(wall), 1 => any::<i64>().prop_map(Timestamp)]
}

fn commands() -> impl Strategy<Value = Do> {
    let standing = || prop_oneof![3 => Just(viewer()), 1 => standings()];
    let film = || select(vec![FILM, OTHER_FILM]);
    let maybe = || proptest::option::of(positions());
    prop_oneof![
        (standing(), film(), positions(), any::<bool>(), walls()).prop_map(
            |(standing, video, duration, playable, at)| Do::LoadVideo { standing, video, duration, playable, at }
        ),
        (standing(), maybe(), any::<bool>(), walls()).prop_map(|(standing, position, hold, at)| Do::Play {
            standing,
            position,
            hold,
            at
        }),
        shared(),
        (standing(), maybe(), walls()).prop_map(|(standing, position, at)| Do::Pause { standing, position, at }),
        (standing(), positions(), walls()).prop_map(|(standing, position, at)| Do::Seek { standing, position, at }),
        (film(), walls()).prop_map(|(video, at)| Do::End { video, at }),
    ]
}

/// What concerns everybody's viewing at once.
fn shared() -> impl Strategy<Value = Do> {
    let films = || {
        (select(vec![FILM, OTHER_FILM]), positions(), any::<bool>(), proptest::option::of(0_u128..3))
            .prop_map(|(video, duration, playable, n)| Loadable { video, duration, playable, item: n.map(item) })
    };
    let rates = || prop_oneof![select(vec![500_000, 1_000_000, 1_500_000, 2_000_000]), any::<i64>()];
    let causes = || select(vec![ReleaseCause::Ready, ReleaseCause::Deadline]);
    let maybe = || proptest::option::of(positions());
    prop_oneof![
        (standings(), films(), walls()).prop_map(|(standing, film, at)| Do::PlayItem { standing, film, at }),
        (films(), walls()).prop_map(|(film, at)| Do::Advance { film, at }),
        (standings(), rates(), maybe(), walls()).prop_map(|(standing, rate_ppm, position, at)| Do::ChangeRate {
            standing,
            rate_ppm,
            position,
            at
        }),
        (causes(), walls()).prop_map(|(cause, at)| Do::Release { cause, at }),
        (standings(), walls()).prop_map(|(standing, at)| Do::StartNow { standing, at }),
        (0_u64..4, walls()).prop_map(|(load, at)| Do::Skip { load, at }),
    ]
}

/// Stored events nobody should have written: every integer there is.
fn stored() -> impl Strategy<Value = Did> {
    prop_oneof![
        select(playbacks()),
        (positions(), walls()).prop_map(|(duration_us, at_us)| Did::VideoLoaded {
            video: FILM,
            duration_us,
            at_us,
            item: None
        }),
        (positions(), walls()).prop_map(|(position_us, at_us)| Did::Played { position_us, at_us }),
        (positions(), walls()).prop_map(|(position_us, at_us)| Did::Seeked { position_us, at_us, from_us: None }),
        (any::<i64>(), positions(), walls()).prop_map(|(rate_ppm, position_us, at_us)| Did::RateChanged {
            rate_ppm,
            position_us,
            at_us
        }),
        walls().prop_map(|at_us| Did::Ended { at_us }),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Playback>(Did::TYPES, stored(), commands());
}

#[test]
fn any_history_folds() {
    total::<Playback>(stored(), commands());
}

proptest! {
    /// Whatever was decided, the film is somewhere in it.
    #[test]
    fn the_film_is_somewhere_in_it(commands in proptest::collection::vec(commands(), 0..40), at in walls()) {
        let mut state = PlaybackState::default();
        for command in &commands {
            for event in Playback::decide(&state, command).unwrap_or_default() {
                Playback::evolve(&mut state, &event);
            }
            prop_assert!((secs(0)..=state.duration).contains(&state.position), "{state:?}");
            prop_assert!((secs(0)..=state.duration).contains(&state.position_at(at)), "{state:?}");
        }
    }
}
