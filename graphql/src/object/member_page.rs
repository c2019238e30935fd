//! Pages of a channel's people.

use async_graphql::{Enum, SimpleObject};
use lockstep_domain::permission::Permission;
use lockstep_projections::{
    member_page::{Place, Which},
    members::MemberRow,
};

use super::member::Member;
use crate::problem::Problem;

/// Which people of a channel.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_projections::member_page::Which")]
pub(crate) enum MemberFilter {
    /// Have joined and not left.
    Present,
    /// Have ever joined and are not banned.
    Everybody,
    /// Have joined once, and are not here and not banned.
    Absent,
    /// For those who may ban.
    Banned,
    /// Wait to be let in. For those who may do that.
    Asking,
}

/// What somebody must be permitted to see these people, besides being inside.
pub(crate) const fn needs(which: Which) -> Option<Permission> {
    match which {
        Which::Present | Which::Everybody | Which::Absent => None,
        Which::Banned => Some(Permission::Ban),
        Which::Asking => Some(Permission::Approve),
    }
}

/// People of a channel, those with more rights first.
#[derive(SimpleObject, Default)]
pub(crate) struct MemberPage {
    /// The rows of this page.
    pub nodes: Vec<Member>,
    /// Whether there are more.
    pub has_more: bool,
    /// Give it as `after` for the next page.
    pub end_cursor: Option<String>,
}

impl MemberPage {
    /// From up to `first` + 1 rows.
    pub(crate) fn of(mut rows: Vec<MemberRow>, first: usize) -> Self {
        let has_more = rows.len() > first;
        rows.truncate(first);
        let end_cursor = rows.last().map(|row| cursor(&Place::from(row)));
        Self { nodes: rows.into_iter().map(Member::from).collect(), has_more, end_cursor }
    }
}

fn cursor(place: &Place) -> String {
    format!("{}.{}.{}", place.rank, place.joined_at_us, place.account.simple())
}

/// The place a cursor names.
pub(crate) fn place(cursor: Option<&str>) -> Result<Place, Problem> {
    let Some(cursor) = cursor else { return Ok(Place::START) };
    let mut parts = cursor.split('.');
    let parsed = (|| {
        let place = Place {
            rank: parts.next()?.parse().ok()?,
            joined_at_us: parts.next()?.parse().ok()?,
            account: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(place)
    })();
    parsed.ok_or_else(|| Problem::Invalid("not a cursor of this list".to_owned()))
}
