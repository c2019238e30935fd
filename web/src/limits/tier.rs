//! The table of tiers: what is limited together, and how much of it one caller has.

use lockstep_commands::{budget, throttle, window::Share};

/// What is limited together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Uploads begun over the plain interface.
    Upload,
    /// Everything else of the plain interface.
    General,
    /// Playlists, segments and pictures.
    Streaming,
    /// What asks whether the service is well.
    Status,
    /// Searches over the plain interface.
    Search,
    /// Calls that other services make.
    Webhook,
    /// Tries at one account's password.
    Auth,
    /// Cost points of GraphQL.
    Graphql,
    /// Sockets opened.
    Realtime,
}

/// Every tier, in the order of the table.
pub const TIERS: [Tier; 9] = [
    Tier::Upload,
    Tier::General,
    Tier::Streaming,
    Tier::Status,
    Tier::Search,
    Tier::Webhook,
    Tier::Auth,
    Tier::Graphql,
    Tier::Realtime,
];

/// How many callers' shares all callers behind one address have together.
pub const CALLERS_PER_ADDRESS: u32 = 20;
/// The same for tries at passwords: guessing at many accounts from one place is what it stops.
const PASSWORDS_PER_ADDRESS: u32 = throttle::ADDRESS.units_max / throttle::NAME.units_max;
/// The same for guests: they have no password to guess.
const GUESTS_PER_ADDRESS: u32 = throttle::GUESTS.units_max / throttle::NAME.units_max;
/// What `relaxed` multiplies the table by.
const RELAXED: u32 = 100;

const fn share(units_max: u32, window_s: u32) -> Share {
    Share { units_max, window_s }
}

impl Tier {
    /// In keys, headers and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::General => "general",
            Self::Streaming => "streaming",
            Self::Status => "status",
            Self::Search => "search",
            Self::Webhook => "webhook",
            Self::Auth => "auth",
            Self::Graphql => "graphql",
            Self::Realtime => "realtime",
        }
    }

    /// The setting that says otherwise.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Upload => "LOCKSTEP_LIMIT_UPLOAD",
            Self::General => "LOCKSTEP_LIMIT_GENERAL",
            Self::Streaming => "LOCKSTEP_LIMIT_STREAMING",
            Self::Status => "LOCKSTEP_LIMIT_STATUS",
            Self::Search => "LOCKSTEP_LIMIT_SEARCH",
            Self::Webhook => "LOCKSTEP_LIMIT_WEBHOOK",
            Self::Auth => "LOCKSTEP_LIMIT_AUTH",
            Self::Graphql => "LOCKSTEP_LIMIT_GRAPHQL",
            Self::Realtime => "LOCKSTEP_LIMIT_REALTIME",
        }
    }

    const fn normal(self) -> Share {
        match self {
            Self::Upload => share(20, 900),
            Self::General => share(100, 900),
            Self::Streaming => share(300, 60),
            Self::Status => share(60, 60),
            Self::Search => share(30, 60),
            Self::Webhook => share(100, 60),
            Self::Auth => throttle::NAME,
            Self::Graphql => budget::COST,
            Self::Realtime => share(60, 60),
        }
    }
}

/// A set of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// For installations.
    #[default]
    Normal,
    /// A hundred times that: for development and tests.
    Relaxed,
}

/// The share of every tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table([Share; TIERS.len()]);

impl Table {
    /// The values of a preset.
    pub fn of(preset: Preset) -> Self {
        let times = match preset {
            Preset::Normal => 1,
            Preset::Relaxed => RELAXED,
        };
        Self(TIERS.map(|tier| several(tier.normal(), times)))
    }

    /// With another value for one tier.
    #[must_use]
    pub fn with(mut self, tier: Tier, share: Share) -> Self {
        self.0[tier as usize] = share;
        self
    }

    /// One caller's share.
    pub fn share(&self, tier: Tier) -> Share {
        self.0[tier as usize]
    }

    /// What all callers behind one address have together.
    pub fn of_address(&self, tier: Tier) -> Share {
        several(self.share(tier), CALLERS_PER_ADDRESS)
    }

    /// Tries at passwords, from the tier of one account.
    pub fn tries(&self) -> throttle::Tries {
        let name = self.share(Tier::Auth);
        throttle::Tries {
            name,
            address: several(name, PASSWORDS_PER_ADDRESS),
            guests: several(name, GUESTS_PER_ADDRESS),
        }
    }
}

fn several(share: Share, times: u32) -> Share {
    Share { units_max: share.units_max.saturating_mul(times), ..share }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_its_own_order() {
        for (place, tier) in TIERS.iter().enumerate() {
            assert_eq!(*tier as usize, place, "{tier:?}");
        }
    }

    #[test]
    fn the_values_are_those_of_the_published_table() {
        let table = Table::of(Preset::Normal);
        let values = TIERS.map(|tier| (tier.name(), table.share(tier).units_max, table.share(tier).window_s));
        let expected = [
            ("upload", 20, 900),
            ("general", 100, 900),
            ("streaming", 300, 60),
            ("status", 60, 60),
            ("search", 30, 60),
            ("webhook", 100, 60),
            ("auth", 10, 900),
            ("graphql", 60_000, 60),
            ("realtime", 60, 60),
        ];
        assert_eq!(values, expected);
        assert_eq!(table.tries(), throttle::Tries::default());
        assert_eq!(Table::of(Preset::Relaxed).share(Tier::General), share(10_000, 900));
        assert_eq!(table.of_address(Tier::Streaming), share(6_000, 60));
    }
}
