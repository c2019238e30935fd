//! Where a right came from, by examples; and that it agrees with how rights are decided.

use lockstep_domain::{
    Aggregate,
    account::AccountState,
    channel::{Channel, ChannelEvent},
    ids::{AccountId, Position},
    member::{Member, MemberEvent},
    permission::{ChannelRole, Permission},
    right::{Grant, Sources},
    standing::Standing,
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    actor::permissions,
    sample::{ADA, BOB, channels, members, wall},
};

fn at(position: i64) -> Position {
    Position::from_i64(position)
}

/// Created at 1 by Ada; then Bob's member events and the channel's, each at its number.
struct Story(Sources);

impl Story {
    fn new() -> Self {
        let mut sources = Sources::default();
        sources.channel(&channels()[0], at(1));
        Self(sources)
    }
    fn channel(mut self, position: i64, event: ChannelEvent) -> Self {
        self.0.channel(&event, at(position));
        self
    }
    fn bob(mut self, position: i64, event: MemberEvent) -> Self {
        self.0.member(&event, at(position));
        self
    }
    #[track_caller]
    fn gives(&self, permission: Permission, expected: Option<Grant>) {
        assert_eq!(self.0.grant(BOB, permission), expected, "{permission:?}");
    }
}

fn joined(role: ChannelRole) -> MemberEvent {
    MemberEvent::Joined { role, invite: None }
}

fn granted(role: ChannelRole) -> MemberEvent {
    MemberEvent::RoleGranted { role, by: ADA }
}

fn excepted(permission: Permission, granted: Option<bool>) -> MemberEvent {
    MemberEvent::PermissionOverridden { permission, granted, by: ADA }
}

fn by_role(role: ChannelRole, given: i64, defaults: Option<i64>) -> Option<Grant> {
    Some(Grant::Role { role, given: at(given), defaults: defaults.map(at) })
}

#[test]
fn the_role_that_was_granted_gives_what_it_permits() {
    let story = Story::new().bob(2, joined(ChannelRole::Viewer)).bob(3, granted(ChannelRole::Moderator));
    story.gives(Permission::Ban, by_role(ChannelRole::Moderator, 3, None));
    story.gives(Permission::EditChannel, None);
    // Coming back is no new grant.
    let back = story.bob(4, MemberEvent::Left {}).bob(5, joined(ChannelRole::Moderator));
    back.gives(Permission::Ban, by_role(ChannelRole::Moderator, 3, None));
}

#[test]
fn a_change_of_what_the_role_permits_is_part_of_it() {
    let permissions = [Permission::Ban].into_iter().collect();
    let changed = ChannelEvent::PermissionDefaultsChanged { role: ChannelRole::Viewer, permissions };
    let story = Story::new().bob(2, joined(ChannelRole::Viewer)).channel(3, changed);
    story.gives(Permission::Ban, by_role(ChannelRole::Viewer, 2, Some(3)));
    story.gives(Permission::Chat, None);
}

#[test]
fn an_exception_gives_and_takes() {
    let story = Story::new().bob(2, joined(ChannelRole::Viewer)).bob(3, excepted(Permission::Ban, Some(true)));
    story.gives(Permission::Ban, Some(Grant::Override(at(3))));
    let taken = story.bob(4, excepted(Permission::Chat, Some(false)));
    taken.gives(Permission::Chat, None);
    let back = taken.bob(5, excepted(Permission::Chat, None));
    back.gives(Permission::Chat, by_role(ChannelRole::Viewer, 2, None));
}

#[test]
fn with_one_remote_its_holder_has_the_right_by_it() {
    let one = |holder| ChannelEvent::RemoteModeChanged { holder };
    let story = Story::new().bob(2, joined(ChannelRole::Viewer)).channel(3, one(Some(ADA)));
    story.gives(Permission::Seek, None);
    story.gives(Permission::Chat, by_role(ChannelRole::Viewer, 2, None));
    let handed = story.channel(4, ChannelEvent::RemoteHandedOver { to: BOB, inherited: false });
    handed.gives(Permission::Seek, Some(Grant::Remote(at(4))));
    assert_eq!(handed.0.handed_over(BOB), Some(Grant::Remote(at(4))));
    let shared = handed.channel(5, one(None));
    shared.gives(Permission::Seek, by_role(ChannelRole::Viewer, 2, None));
    assert_eq!(shared.0.handed_over(BOB), None, "a viewer manages no roles");
}

#[test]
fn the_owner_has_everything_from_the_beginning() {
    Story::new()
        .bob(2, joined(ChannelRole::Owner))
        .gives(Permission::EditChannel, by_role(ChannelRole::Owner, 2, None));
}

proptest! {
    /// Whoever is in and may, has it from somewhere; whoever may not, from nowhere.
    #[test]
    fn a_source_is_found_exactly_for_what_is_permitted(
        channel_events in vec(select(channels()), 0..12),
        member_events in vec(select(members()), 0..12),
        permission in permissions(),
    ) {
        let mut sources = Sources::default();
        let mut channel_state = Channel::fold(&[channels().remove(0)]);
        for event in channel_events.iter().filter(|event| !matches!(event, ChannelEvent::Archived {})) {
            Channel::evolve(&mut channel_state, event);
            sources.channel(event, at(1));
        }
        let member_events: Vec<_> = std::iter::once(joined(ChannelRole::Viewer)).chain(member_events).collect();
        let mut member = Member::fold(&member_events);
        member_events.iter().for_each(|event| sources.member(event, at(1)));
        // Only where the right comes from is asked: being there, banned or muted is another matter.
        (member.present, member.banned, member.mute) = (true, false, None);
        let account: AccountId = BOB;
        let standing = Standing::new(account, &AccountState::default(), member, channel_state);
        prop_assert_eq!(sources.grant(account, permission).is_some(), standing.may(permission, wall(0)).is_ok());
    }
}
