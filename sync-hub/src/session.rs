//! One socket's state: hello → join → joined, its rates and what waits for it.

use std::fmt;

use lockstep_domain::ids::ChannelId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{
    bucket::{Bucket, Rate},
    clock::HubTime,
    hub::io::Standing,
    outbox::Outbox,
    protocol::{Join, Person},
};

/// One socket, numbered by the process so that no two hubs of an installation give the same; a string on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// From the connection to the `join` frame.
pub(crate) const JOIN_MS_MAX: i64 = 5_000;
/// From the `join` frame to the answer of the store.
pub(crate) const ADMISSION_MS_MAX: i64 = 10_000;
/// Commands of one session that may be running.
pub(crate) const COMMANDS_MAX: usize = 16;

const INTENTS: Rate = Rate { burst: 5, interval_ms: 1_000 };
const CHATS: Rate = Rate { burst: 10, interval_ms: 500 };
const REPORTS: Rate = Rate { burst: 4, interval_ms: 500 };
const TYPINGS: Rate = Rate { burst: 2, interval_ms: 1_000 };
const BURSTS: Rate = Rate { burst: 5, interval_ms: 400 };
const FRAMES: Rate = Rate { burst: 60, interval_ms: 33 };

/// How far a session got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    Greeted { until: HubTime },
    Joining { join: Join, standing: Option<Standing>, until: HubTime },
    Joined { channel: ChannelId, version: u64 },
}

/// One signed-in socket.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) account: Person,
    pub(crate) stage: Stage,
    pub(crate) outbox: Outbox,
    pub(crate) commands_running: usize,
    /// The member stream's version of the last ban or leave the feed told.
    pub(crate) expelled_version: u64,
    pub(crate) intents: Bucket,
    pub(crate) chats: Bucket,
    pub(crate) reports: Bucket,
    pub(crate) typings: Bucket,
    pub(crate) bursts: Bucket,
    pub(crate) frames: Bucket,
    /// Until when its right to react need not be asked for again.
    pub(crate) may_react_until: HubTime,
}

impl Session {
    pub(crate) fn greeted(account: Person, now: HubTime) -> Self {
        Self {
            account,
            stage: Stage::Greeted { until: now.plus_ms(JOIN_MS_MAX) },
            outbox: Outbox::default(),
            commands_running: 0,
            expelled_version: 0,
            intents: Bucket::full(INTENTS, now),
            chats: Bucket::full(CHATS, now),
            reports: Bucket::full(REPORTS, now),
            typings: Bucket::full(TYPINGS, now),
            bursts: Bucket::full(BURSTS, now),
            frames: Bucket::full(FRAMES, now),
            may_react_until: HubTime::default(),
        }
    }
    /// The channel it is in or is joining.
    pub(crate) fn channel(&self) -> Option<ChannelId> {
        match self.stage {
            Stage::Greeted { .. } => None,
            Stage::Joining { join: Join { channel, .. }, .. } | Stage::Joined { channel, .. } => Some(channel),
        }
    }
    /// When it must have come further.
    pub(crate) fn due(&self) -> Option<HubTime> {
        match self.stage {
            Stage::Greeted { until } | Stage::Joining { until, .. } => Some(until),
            Stage::Joined { .. } => None,
        }
    }
    /// Whether a ban or leave came after the standing its admission rests on; false while that is being read.
    pub(crate) fn is_expelled(&self) -> bool {
        let known = match &self.stage {
            Stage::Greeted { .. } => None,
            Stage::Joining { standing, .. } => standing.as_ref().map(|standing| standing.version),
            Stage::Joined { version, .. } => Some(*version),
        };
        known.is_some_and(|known| known < self.expelled_version)
    }
}
