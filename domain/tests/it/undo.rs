//! Taking events back: what leads to the state before, and whose later change stands in the way.

use lockstep_domain::{
    Aggregate,
    channel::{Channel, ChannelChange as Want, ChannelCommand, ChannelEvent},
    ids::AccountId,
    member::{Member, MemberCommand, MemberEvent, Moderation},
    permission::{ChannelRole, Permission},
    playback::{Loadable, Playback, PlaybackCommand, PlaybackEvent},
    standing::Standing,
    undo::{Facet, NoUndo, Return, Undoable, Undone, way_back},
};

use crate::{
    actor::{channel, present, standing},
    sample::{ADA, BOB, EVE, FILM, OTHER_FILM, channels, members, playbacks, secs, wall},
};

/// By Ada, at second 100: the event after `before`, with what came later.
fn back<A: Undoable>(
    before: &[A::Event],
    event: &A::Event,
    later: &[(Option<AccountId>, A::Event)],
) -> Result<A::Back, NoUndo> {
    way_back::<A>(&Undone { before: &A::fold(before), event, later, asker: ADA, at: wall(100) })
}

fn renamed(name: &str) -> ChannelEvent {
    ChannelEvent::Renamed { name: name.to_owned() }
}

fn created() -> ChannelEvent {
    channels().remove(0)
}

fn seeked(to: i64, at: i64) -> PlaybackEvent {
    PlaybackEvent::Seeked { position_us: secs(to), at_us: wall(at), from_us: None }
}

fn loaded(video: lockstep_domain::ids::VideoId, at: i64) -> PlaybackEvent {
    PlaybackEvent::VideoLoaded { video, duration_us: secs(60), at_us: wall(at), item: None }
}

#[test]
fn a_new_name_goes_back_to_the_old_one() {
    let want = Ok(Want::Rename { name: "Film night".to_owned() });
    assert_eq!(back::<Channel>(&[created()], &renamed("Kino"), &[]), want);
    let other_things = [(Some(BOB), ChannelEvent::SlowModeSet { seconds: 5 })];
    assert_eq!(back::<Channel>(&[created()], &renamed("Kino"), &other_things), want, "what is not in its way");
    assert_eq!(back::<Channel>(&[created()], &renamed("Kino"), &[(Some(ADA), renamed("Mine"))]), want, "my own");
}

#[test]
fn somebody_elses_later_change_is_not_overwritten() {
    let overtaken = |by, facet| NoUndo::Overtaken { by, facet };
    let later = [(Some(ADA), renamed("Mine")), (Some(BOB), renamed("Bob's"))];
    assert_eq!(back::<Channel>(&[created()], &renamed("Kino"), &later), Err(overtaken(Some(BOB), Facet::Name)));
    let handed = [(None, ChannelEvent::RemoteHandedOver { to: BOB, inherited: true })];
    let given = ChannelEvent::RemoteModeChanged { holder: Some(EVE) };
    assert_eq!(back::<Channel>(&[created()], &given, &handed), Err(overtaken(None, Facet::Remote)));
    let override_of = |permission| MemberEvent::PermissionOverridden { permission, granted: Some(false), by: BOB };
    let joined = MemberEvent::Joined { role: ChannelRole::Viewer, invite: None };
    let chat = override_of(Permission::Chat);
    let elsewhere = [(Some(BOB), override_of(Permission::Seek))];
    let none = Moderation::Override { permission: Permission::Chat, granted: None };
    assert_eq!(back::<Member>(std::slice::from_ref(&joined), &chat, &elsewhere), Ok(none), "another exception");
    let same = [(Some(BOB), override_of(Permission::Chat))];
    let refused = Err(overtaken(Some(BOB), Facet::Override(Permission::Chat)));
    assert_eq!(back::<Member>(&[joined], &chat, &same), refused);
}

#[test]
fn the_film_goes_back_to_where_it_was() {
    let before = [loaded(FILM, 0), PlaybackEvent::Played { position_us: secs(5), at_us: wall(10) }];
    assert_eq!(back::<Playback>(&before, &seeked(50, 17), &[]), Ok(Return::To(secs(12))), "it had played on");
    let paused = [(Some(BOB), PlaybackEvent::Paused { position_us: secs(51), at_us: wall(18) })];
    assert_eq!(back::<Playback>(&before, &seeked(50, 17), &paused), Ok(Return::To(secs(12))), "a pause stays");
    let further = [(Some(BOB), seeked(40, 20))];
    let overtaken = Err(NoUndo::Overtaken { by: Some(BOB), facet: Facet::Place });
    assert_eq!(back::<Playback>(&before, &seeked(50, 17), &further), overtaken);
    let mine = [(Some(ADA), loaded(OTHER_FILM, 20))];
    assert_eq!(back::<Playback>(&before, &seeked(50, 17), &mine), Err(NoUndo::NothingBefore), "a place in its film");
}

#[test]
fn the_film_before_comes_back_with_its_place() {
    let before = [loaded(FILM, 0), seeked(30, 1)];
    let film = Return::Film { video: FILM, position: secs(30) };
    assert_eq!(back::<Playback>(&before, &loaded(OTHER_FILM, 9), &[]), Ok(film));
    assert_eq!(back::<Playback>(&[], &loaded(FILM, 0), &[]), Err(NoUndo::NothingBefore));
}

#[test]
fn what_was_done_to_a_member_is_taken_back() {
    let joined = || MemberEvent::Joined { role: ChannelRole::Viewer, invite: None };
    let check = |before: &[MemberEvent], event: MemberEvent, expected: Moderation| {
        let history: Vec<_> = std::iter::once(joined()).chain(before.iter().cloned()).collect();
        assert_eq!(back::<Member>(&history, &event, &[]), Ok(expected), "{event:?}");
    };
    let muted = |until: i64| MemberEvent::Muted { by: BOB, until_us: Some(wall(until)), reason: None };
    let unmuted = || MemberEvent::Unmuted { by: BOB };
    let role = |role| MemberEvent::RoleGranted { role, by: BOB };
    check(&[], role(ChannelRole::Admin), Moderation::GrantRole { role: ChannelRole::Viewer });
    check(&[], muted(900), Moderation::Unmute);
    check(&[muted(900)], muted(950), Moderation::Mute { until: Some(wall(900)), reason: None });
    check(&[muted(50)], muted(950), Moderation::Unmute);
    check(&[muted(900)], unmuted(), Moderation::Mute { until: Some(wall(900)), reason: None });
    check(&[], MemberEvent::Banned { by: BOB, reason: None }, Moderation::Unban);
    check(&[], MemberEvent::Unbanned { by: BOB }, Moderation::Ban { reason: None });
    check(&[], MemberEvent::Removed { by: BOB, reason: None }, Moderation::Readmit);
    assert_eq!(back::<Member>(&[joined(), muted(50)], &unmuted(), &[]), Err(NoUndo::NothingBefore), "it had run out");
}

/// Every event type either says it cannot be taken back, or leads back: what it changed is then as it was before.
#[test]
fn every_event_that_can_be_taken_back_leads_back() {
    let owner = || Standing { channel: channel_named(), ..standing(ChannelRole::Owner) };
    let before = Channel::fold(&[created()]);
    for event in channels().into_iter().skip(1) {
        let (mut now, asked) = (before.clone(), back::<Channel>(&[created()], &event, &[]));
        assert_eq!(asked.is_ok(), Channel::facet(&event).is_some(), "{event:?}");
        assert_eq!(asked.is_ok(), Channel::needs(&event).is_some(), "{event:?}");
        let Ok(change) = asked else { continue };
        Channel::evolve(&mut now, &event);
        let command = ChannelCommand::Change { standing: owner(), change, at: wall(100) };
        for event in Channel::decide(&now, &command).unwrap() {
            Channel::evolve(&mut now, &event);
        }
        assert_eq!(now, before, "{event:?}");
    }
    let start = [MemberEvent::Joined { role: ChannelRole::Viewer, invite: None }];
    let before = Member::fold(&start);
    for event in members() {
        let (mut now, asked) = (before.clone(), back::<Member>(&start, &event, &[]));
        assert_eq!(asked.as_ref().err() != Some(&NoUndo::NotPossible), Member::facet(&event).is_some(), "{event:?}");
        let Ok(moderation) = asked else { continue };
        assert_eq!(Some(moderation.needs()), Member::needs(&event), "{event:?}");
        Member::evolve(&mut now, &event);
        let command = MemberCommand::Moderate { target: BOB, standing: owner(), moderation, at: wall(100) };
        for event in Member::decide(&now, &command).unwrap() {
            Member::evolve(&mut now, &event);
        }
        // Who was sent away comes back by themselves, once the door is open again.
        let expected = match event {
            MemberEvent::Removed { .. } => lockstep_domain::member::MemberState { present: false, ..before.clone() },
            MemberEvent::Banned { .. } => {
                lockstep_domain::member::MemberState { present: false, admitted: false, ..before.clone() }
            }
            MemberEvent::Unbanned { .. } => continue,
            _ => before.clone(),
        };
        assert_eq!(now, expected, "{event:?}");
    }
}

fn channel_named() -> lockstep_domain::channel::ChannelState {
    channel(lockstep_domain::channel::Visibility::Public)
}

#[test]
fn only_where_the_film_is_and_how_fast_it_runs_is_taken_back() {
    for event in playbacks() {
        let can = matches!(
            event,
            PlaybackEvent::VideoLoaded { .. } | PlaybackEvent::Seeked { .. } | PlaybackEvent::RateChanged { .. }
        );
        assert_eq!(Playback::facet(&event).is_some(), can);
        assert_eq!(Playback::needs(&event).is_some(), can);
        assert_eq!(back::<Playback>(&[loaded(FILM, 0)], &event, &[]).is_ok(), can, "{event:?}");
    }
    let faster = |rate_ppm| PlaybackEvent::RateChanged { rate_ppm, position_us: secs(1), at_us: wall(1) };
    let before = [loaded(FILM, 0), faster(1_500_000)];
    assert_eq!(back::<Playback>(&before, &faster(2_000_000), &[]), Ok(Return::Speed { rate_ppm: 1_500_000 }));
}

#[test]
fn a_film_is_put_back_paused_where_it_was() {
    let film = Loadable { video: FILM, duration: secs(60), playable: true, item: None };
    let put =
        |position| PlaybackCommand::PutBack { standing: standing(ChannelRole::Viewer), film, position, at: wall(9) };
    let moved = |to| PlaybackEvent::Seeked { position_us: secs(to), at_us: wall(9), from_us: Some(secs(0)) };
    let given = || crate::check::given::<Playback>([loaded(OTHER_FILM, 0)]);
    given().when(put(secs(30))).then([loaded(FILM, 9), moved(30)]);
    given().when(put(secs(0))).then([loaded(FILM, 9)]);
    given().when(put(secs(90))).then([loaded(FILM, 9), moved(60)]);
    for permission in [Permission::LoadVideo, Permission::Seek] {
        let standing = crate::actor::without(standing(ChannelRole::Viewer), permission);
        let denied = lockstep_domain::standing::Denied::Role(permission);
        given()
            .when(PlaybackCommand::PutBack { standing, film, position: secs(3), at: wall(9) })
            .refused(denied.into());
    }
    let gone = Loadable { playable: false, ..film };
    let standing = standing(ChannelRole::Viewer);
    given()
        .when(PlaybackCommand::PutBack { standing, film: gone, position: secs(1), at: wall(9) })
        .refused(lockstep_domain::playback::PlaybackError::NotPlayable);
}

#[test]
fn who_was_sent_away_is_let_in_again() {
    let joined = MemberEvent::Joined { role: ChannelRole::Viewer, invite: None };
    let removed = MemberEvent::Removed { by: ADA, reason: None };
    let readmit =
        |standing| MemberCommand::Moderate { target: BOB, standing, moderation: Moderation::Readmit, at: wall(0) };
    let given = |events: Vec<MemberEvent>| crate::check::given::<Member>(events);
    let by_moderator = || readmit(standing(ChannelRole::Moderator));
    given(vec![joined.clone(), removed.clone()]).when(by_moderator()).then([MemberEvent::JoinApproved { by: ADA }]);
    given(vec![joined.clone()]).when(by_moderator()).then([]);
    given(vec![]).when(by_moderator()).refused(lockstep_domain::member::MemberError::NotAMember);
    let denied = lockstep_domain::standing::Denied::Role(Permission::Approve);
    given(vec![joined, removed]).when(readmit(standing(ChannelRole::Viewer))).refused(denied.into());
    assert!(present(ChannelRole::Viewer).admitted);
}
