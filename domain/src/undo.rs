//! Taking a recorded event back: which compensating change leads to the state before it, and when somebody else's later
//! change stands in the way. One small function per kind of stream; whether the actor may make that change is decided
//! by the change's own rules.

use crate::{
    Aggregate,
    channel::{Channel, ChannelChange, ChannelEvent, ChannelState},
    ids::{AccountId, QueueItemId, VideoId},
    member::{Member, MemberEvent, MemberState, Moderation},
    permission::{ChannelRole, Permission},
    playback::{Playback, PlaybackEvent, PlaybackState},
    queue::{LoopMode, Place, Queue, QueueEvent, QueueState},
    time::{MediaTime, Timestamp},
};

/// What an event changed of its stream. Two events with the same facet overwrite each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    Name,
    Description,
    Visibility,
    Defaults(ChannelRole),
    SlowMode,
    Remote,
    /// Which film, and where in it.
    Place,
    Speed,
    Role,
    Override(Permission),
    Mute,
    Ban,
    Admission,
    /// One item of the queue, and where it stands.
    Item(QueueItemId),
    /// All of the queue.
    Queue,
    Autoplay,
    Loop,
}

impl Facet {
    /// What somebody did who changed it again, to be put behind their name.
    pub const fn again(self) -> &'static str {
        match self {
            Self::Name => "renamed it again",
            Self::Description => "described it again",
            Self::Visibility => "changed again who can find it",
            Self::Defaults(_) => "changed again what this role permits",
            Self::SlowMode => "set slow mode again",
            Self::Remote => "gave the remote away again",
            Self::Place => "jumped or loaded a film again",
            Self::Role => "changed this role again",
            Self::Override(_) => "changed this exception again",
            Self::Mute => "muted or unmuted them again",
            Self::Ban => "banned or unbanned them again",
            Self::Admission => "removed them or let them in again",
            Self::Speed => "changed the speed again",
            Self::Item(_) => "changed this in the queue again",
            Self::Queue => "cleared the queue again",
            Self::Autoplay => "switched autoplay again",
            Self::Loop => "changed again what is repeated",
        }
    }
}

/// Why an event cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoUndo {
    #[error("this cannot be undone")]
    NotPossible,
    #[error("there is nothing to go back to")]
    NothingBefore,
    /// `by`: who changed the same again, if a person did.
    #[error("somebody {} since", facet.again())]
    Overtaken { by: Option<AccountId>, facet: Facet },
}

/// A kind of stream whose events can be taken back.
pub trait Undoable: Aggregate {
    /// The change that takes an event back.
    type Back: Clone + std::fmt::Debug + PartialEq + Send + Sync;

    /// What the event changed, if that can be taken back.
    fn facet(event: &Self::Event) -> Option<Facet>;
    /// What whoever takes it back must be permitted.
    fn needs(event: &Self::Event) -> Option<Permission>;
    /// The change from the state `now` back to what was `before` the event; `None`: there was nothing.
    fn back(before: &Self::State, event: &Self::Event, now: &Self::State, at: Timestamp) -> Option<Self::Back>;
}

/// An event in its stream, as somebody wants it taken back.
#[derive(Debug)]
pub struct Undone<'a, A: Aggregate> {
    pub before: &'a A::State,
    pub event: &'a A::Event,
    /// What came after it in its stream, with who did it.
    pub later: &'a [(Option<AccountId>, A::Event)],
    pub asker: AccountId,
    pub at: Timestamp,
}

/// The change that takes the event back, unless that overwrites what somebody else did since.
///
/// # Errors
/// [`NoUndo`]
pub fn way_back<A: Undoable>(undone: &Undone<'_, A>) -> Result<A::Back, NoUndo> {
    let facet = A::facet(undone.event).ok_or(NoUndo::NotPossible)?;
    let mut now = undone.before.clone();
    A::evolve(&mut now, undone.event);
    for (by, event) in undone.later {
        if *by != Some(undone.asker) && A::facet(event) == Some(facet) {
            return Err(NoUndo::Overtaken { by: *by, facet });
        }
        A::evolve(&mut now, event);
    }
    A::back(undone.before, undone.event, &now, undone.at).ok_or(NoUndo::NothingBefore)
}

impl Undoable for Channel {
    type Back = ChannelChange;

    fn facet(event: &ChannelEvent) -> Option<Facet> {
        match event {
            ChannelEvent::Renamed { .. } => Some(Facet::Name),
            ChannelEvent::Described { .. } => Some(Facet::Description),
            ChannelEvent::VisibilityChanged { .. } => Some(Facet::Visibility),
            ChannelEvent::PermissionDefaultsChanged { role, .. } => Some(Facet::Defaults(*role)),
            ChannelEvent::SlowModeSet { .. } => Some(Facet::SlowMode),
            ChannelEvent::RemoteModeChanged { .. } | ChannelEvent::RemoteHandedOver { .. } => Some(Facet::Remote),
            ChannelEvent::Created { .. } | ChannelEvent::Archived {} => None,
        }
    }

    fn needs(event: &ChannelEvent) -> Option<Permission> {
        Self::facet(event).map(|facet| match facet {
            Facet::SlowMode => Permission::SlowMode,
            _ => Permission::EditChannel,
        })
    }

    fn back(before: &ChannelState, event: &ChannelEvent, _now: &ChannelState, _at: Timestamp) -> Option<ChannelChange> {
        match event {
            ChannelEvent::Renamed { .. } => Some(ChannelChange::Rename { name: before.name.clone() }),
            ChannelEvent::Described { .. } => Some(ChannelChange::Describe { description: before.description.clone() }),
            ChannelEvent::VisibilityChanged { .. } => {
                before.visibility.map(|visibility| ChannelChange::ChangeVisibility { visibility })
            }
            ChannelEvent::PermissionDefaultsChanged { role, .. } => before
                .defaults
                .of(*role)
                .map(|held| ChannelChange::ChangeDefaults { role: *role, permissions: held.clone() }),
            ChannelEvent::SlowModeSet { .. } => Some(ChannelChange::SetSlowMode { seconds: before.slow_mode_s }),
            ChannelEvent::RemoteModeChanged { .. } | ChannelEvent::RemoteHandedOver { .. } => {
                Some(ChannelChange::ChangeRemoteMode { holder: before.remote, holder_present: false })
            }
            ChannelEvent::Created { .. } | ChannelEvent::Archived {} => None,
        }
    }
}

impl Undoable for Member {
    type Back = Moderation;

    fn facet(event: &MemberEvent) -> Option<Facet> {
        match event {
            MemberEvent::RoleGranted { .. } => Some(Facet::Role),
            MemberEvent::PermissionOverridden { permission, .. } => Some(Facet::Override(*permission)),
            MemberEvent::Muted { .. } | MemberEvent::Unmuted { .. } => Some(Facet::Mute),
            MemberEvent::Banned { .. } | MemberEvent::Unbanned { .. } => Some(Facet::Ban),
            MemberEvent::Removed { .. } => Some(Facet::Admission),
            MemberEvent::JoinRequested {}
            | MemberEvent::JoinApproved { .. }
            | MemberEvent::JoinDeclined { .. }
            | MemberEvent::Joined { .. }
            | MemberEvent::Left {} => None,
        }
    }

    fn needs(event: &MemberEvent) -> Option<Permission> {
        match Self::facet(event)? {
            Facet::Mute => Some(Permission::Mute),
            Facet::Ban => Some(Permission::Ban),
            Facet::Admission => Some(Permission::Approve),
            _ => Some(Permission::ManageRoles),
        }
    }

    fn back(before: &MemberState, event: &MemberEvent, _now: &MemberState, at: Timestamp) -> Option<Moderation> {
        // A mute that has run out meanwhile is not put on again.
        let muted = before.is_muted(at).then(|| Moderation::Mute { until: before.muted_until(), reason: None });
        match event {
            MemberEvent::RoleGranted { .. } => before.role.map(|role| Moderation::GrantRole { role }),
            MemberEvent::PermissionOverridden { permission, .. } => Some(Moderation::Override {
                permission: *permission,
                granted: before.overrides.get(permission).copied(),
            }),
            MemberEvent::Muted { .. } => Some(muted.unwrap_or(Moderation::Unmute)),
            MemberEvent::Unmuted { .. } => muted,
            MemberEvent::Banned { .. } => Some(Moderation::Unban),
            MemberEvent::Unbanned { .. } => Some(Moderation::Ban { reason: None }),
            MemberEvent::Removed { .. } => Some(Moderation::Readmit),
            MemberEvent::JoinRequested {}
            | MemberEvent::JoinApproved { .. }
            | MemberEvent::JoinDeclined { .. }
            | MemberEvent::Joined { .. }
            | MemberEvent::Left {} => None,
        }
    }
}

/// How the queue goes back.
#[derive(Debug, Clone, PartialEq)]
pub enum Requeue {
    Remove {
        item: QueueItemId,
    },
    /// Into the queue again, where it was if what stood behind it is still there.
    PutBack {
        item: QueueItemId,
        video: VideoId,
        place: Place,
    },
    Move {
        item: QueueItemId,
        place: Place,
    },
    /// What was in it when it was cleared.
    Restore,
    Autoplay {
        on: bool,
    },
    Loop {
        mode: LoopMode,
    },
}

impl Undoable for Queue {
    type Back = Requeue;

    fn facet(event: &QueueEvent) -> Option<Facet> {
        match event {
            QueueEvent::VideoQueued { item, .. }
            | QueueEvent::VideoDequeued { item, .. }
            | QueueEvent::VideoMoved { item, .. } => Some(Facet::Item(*item)),
            QueueEvent::Cleared { .. } => Some(Facet::Queue),
            QueueEvent::AutoplaySet { .. } => Some(Facet::Autoplay),
            QueueEvent::LoopSet { .. } => Some(Facet::Loop),
            QueueEvent::SkipVoteCast { .. }
            | QueueEvent::SkipVoteWithdrawn { .. }
            | QueueEvent::SkipVotesCounted { .. }
            | QueueEvent::Restored { .. } => None,
        }
    }

    fn needs(event: &QueueEvent) -> Option<Permission> {
        match event {
            QueueEvent::VideoQueued { .. } => Some(Permission::QueueRemove),
            QueueEvent::VideoDequeued { .. } | QueueEvent::Cleared { .. } => Some(Permission::QueueAdd),
            QueueEvent::VideoMoved { .. } | QueueEvent::AutoplaySet { .. } | QueueEvent::LoopSet { .. } => {
                Some(Permission::QueueReorder)
            }
            QueueEvent::SkipVoteCast { .. }
            | QueueEvent::SkipVoteWithdrawn { .. }
            | QueueEvent::SkipVotesCounted { .. }
            | QueueEvent::Restored { .. } => None,
        }
    }

    fn back(before: &QueueState, event: &QueueEvent, now: &QueueState, _at: Timestamp) -> Option<Requeue> {
        let place = |behind: Option<QueueItemId>| {
            behind.filter(|behind| now.item(*behind).is_some()).map_or(Place::End, Place::Before)
        };
        let is_in = |item: QueueItemId| now.item(item).is_some();
        match event {
            QueueEvent::VideoQueued { item, .. } => is_in(*item).then_some(Requeue::Remove { item: *item }),
            QueueEvent::VideoDequeued { item, video, before, .. } => {
                (!is_in(*item)).then(|| Requeue::PutBack { item: *item, video: *video, place: place(*before) })
            }
            QueueEvent::VideoMoved { item, was_before, .. } => {
                is_in(*item).then(|| Requeue::Move { item: *item, place: place(*was_before) })
            }
            // Only as long as nothing else was emptied since: else other items would come.
            QueueEvent::Cleared { items, .. } => (now.last == *items).then_some(Requeue::Restore),
            QueueEvent::AutoplaySet { .. } => Some(Requeue::Autoplay { on: before.autoplay }),
            QueueEvent::LoopSet { .. } => Some(Requeue::Loop { mode: before.loop_mode }),
            QueueEvent::SkipVoteCast { .. }
            | QueueEvent::SkipVoteWithdrawn { .. }
            | QueueEvent::SkipVotesCounted { .. }
            | QueueEvent::Restored { .. } => None,
        }
    }
}

/// Where the film goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// In the same film.
    To(MediaTime),
    /// Another film, where it was.
    Film { video: VideoId, position: MediaTime },
    /// The same film at another speed.
    Speed { rate_ppm: i64 },
}

impl Undoable for Playback {
    type Back = Return;

    fn facet(event: &PlaybackEvent) -> Option<Facet> {
        match event {
            PlaybackEvent::VideoLoaded { .. } | PlaybackEvent::Seeked { .. } => Some(Facet::Place),
            PlaybackEvent::RateChanged { .. } => Some(Facet::Speed),
            PlaybackEvent::Played { .. }
            | PlaybackEvent::Paused { .. }
            | PlaybackEvent::Ended { .. }
            | PlaybackEvent::Held { .. }
            | PlaybackEvent::Released { .. }
            | PlaybackEvent::Skipped { .. } => None,
        }
    }

    fn needs(event: &PlaybackEvent) -> Option<Permission> {
        match event {
            PlaybackEvent::VideoLoaded { .. } => Some(Permission::LoadVideo),
            PlaybackEvent::Seeked { .. } => Some(Permission::Seek),
            PlaybackEvent::RateChanged { .. } => Some(Permission::ChangeRate),
            PlaybackEvent::Played { .. }
            | PlaybackEvent::Paused { .. }
            | PlaybackEvent::Ended { .. }
            | PlaybackEvent::Held { .. }
            | PlaybackEvent::Released { .. }
            | PlaybackEvent::Skipped { .. } => None,
        }
    }

    fn back(before: &PlaybackState, event: &PlaybackEvent, now: &PlaybackState, _at: Timestamp) -> Option<Return> {
        let video = before.video?;
        match event {
            PlaybackEvent::VideoLoaded { at_us, .. } => {
                Some(Return::Film { video, position: before.position_at(*at_us) })
            }
            // The place belongs to its film.
            PlaybackEvent::Seeked { at_us, .. } => {
                (now.video == Some(video)).then(|| Return::To(before.position_at(*at_us)))
            }
            PlaybackEvent::RateChanged { .. } => Some(Return::Speed { rate_ppm: before.speed_ppm }),
            PlaybackEvent::Played { .. }
            | PlaybackEvent::Paused { .. }
            | PlaybackEvent::Ended { .. }
            | PlaybackEvent::Held { .. }
            | PlaybackEvent::Released { .. }
            | PlaybackEvent::Skipped { .. } => None,
        }
    }
}
