//! What one process does: everything, or some of the four parts, as in `serve --role api,hub`.

use std::{fmt, str::FromStr};

/// A part of the program that can run in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// GraphQL, the older API, pages, uploads and delivery.
    Api,
    /// The sync hub and its sockets.
    Hub,
    /// Work items of transcodes.
    Transcoder,
    /// Read models, reactions and webhooks.
    Projector,
}

const ROLES: [Role; 4] = [Role::Api, Role::Hub, Role::Transcoder, Role::Projector];
/// The word for all of them, and the embedded parts.
const ALL: &str = "all";

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Hub => "hub",
            Self::Transcoder => "transcoder",
            Self::Projector => "projector",
        }
    }
}

/// The roles of one process; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// By their place in [`ROLES`].
    has: [bool; ROLES.len()],
    is_all: bool,
}

/// Roles that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolesError {
    #[error("{0:?} is no role: these are all, api, hub, transcoder and projector, the last four also by commas")]
    Unknown(String),
    #[error("all stands alone: it is every role already")]
    AllAndMore,
    #[error("{0} is there twice")]
    Twice(&'static str),
}

impl Roles {
    /// Everything in one process, the embedded parts among it.
    pub const ALL: Self = Self { has: [true; ROLES.len()], is_all: true };

    pub fn has(self, role: Role) -> bool {
        self.has[role as usize]
    }

    /// Whether it was asked for everything: only then it may bring its own database and store, and the demo.
    pub fn is_all(self) -> bool {
        self.is_all
    }

    /// Whether this process listens on the public port.
    pub fn listens(self) -> bool {
        self.has(Role::Api) || self.has(Role::Hub)
    }
}

impl FromStr for Roles {
    type Err = RolesError;

    fn from_str(text: &str) -> Result<Self, RolesError> {
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        if names == [ALL] {
            return Ok(Self::ALL);
        }
        let mut has = [false; ROLES.len()];
        for name in names {
            if name == ALL {
                return Err(RolesError::AllAndMore);
            }
            let role = ROLES.into_iter().find(|role| role.name() == name);
            let role = role.ok_or_else(|| RolesError::Unknown(name.to_owned()))?;
            if std::mem::replace(&mut has[role as usize], true) {
                return Err(RolesError::Twice(role.name()));
            }
        }
        Ok(Self { has, is_all: false })
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all {
            return f.write_str(ALL);
        }
        let names: Vec<&str> = ROLES.into_iter().filter(|role| self.has(*role)).map(Role::name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Roles, RolesError> {
        text.parse()
    }

    #[test]
    fn roles_are_one_or_several_by_commas() {
        assert_eq!(read("all"), Ok(Roles::ALL));
        for role in ROLES {
            let one = read(role.name()).unwrap();
            assert_eq!(ROLES.map(|other| one.has(other)), ROLES.map(|other| other == role));
            assert_eq!((one.listens(), one.is_all()), (matches!(role, Role::Api | Role::Hub), false));
        }
        let four = read("projector, hub,api,transcoder").unwrap();
        assert_eq!(four.to_string(), "api,hub,transcoder,projector");
        assert!(ROLES.iter().all(|role| four.has(*role)) && !four.is_all(), "but nothing embedded");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for text in ["all,api", "hub,all", "all,all"] {
            assert_eq!(read(text), Err(RolesError::AllAndMore), "{text}");
        }
        assert_eq!(read("api,hub,api"), Err(RolesError::Twice("api")));
        for (text, part) in [("", ""), ("api,", ""), ("API", "API"), ("api;hub", "api;hub"), ("worker", "worker")] {
            assert_eq!(read(text), Err(RolesError::Unknown(part.to_owned())), "{text}");
        }
    }
}
