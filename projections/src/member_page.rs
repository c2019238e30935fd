//! Pages of a channel's people: those here, everybody, those who are banned, those who ask to be let in.

use lockstep_domain::ids::ChannelId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::members::{COLUMNS, MemberRow};

/// Which people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// Have joined and not left.
    Present,
    /// Have ever joined and are not banned.
    Everybody,
    /// Have joined once, and are not here and not banned.
    Absent,
    Banned,
    /// Wait for somebody to approve.
    Asking,
}

impl Which {
    const fn condition(self) -> &'static str {
        match self {
            Self::Present => "n.present",
            Self::Everybody => "n.role IS NOT NULL AND NOT n.banned",
            Self::Absent => "n.role IS NOT NULL AND NOT n.present AND NOT n.banned",
            Self::Banned => "n.banned",
            Self::Asking => "n.asking",
        }
    }
}

/// Where a page ends; the next one begins after it. Those with more rights come first, then who joined earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// 1 is the owner, 4 a viewer.
    pub rank: i32,
    pub joined_at_us: i64,
    pub account: Uuid,
}

impl Place {
    /// Before everybody.
    pub const START: Self = Self { rank: 0, joined_at_us: 0, account: Uuid::nil() };
}

impl From<&MemberRow> for Place {
    fn from(row: &MemberRow) -> Self {
        Self { rank: 4 - row.role as i32, joined_at_us: row.joined_at_us, account: row.account.account.0 }
    }
}

/// What is asked of each channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Page {
    pub which: Which,
    /// Part of a name, if it matters.
    pub search: Option<String>,
    pub first: i64,
    pub after: Place,
}

/// The same page of each channel, in the order of [`Place`].
pub async fn of_channels(pool: &PgPool, channels: &[ChannelId], page: &Page) -> Result<Vec<MemberRow>, sqlx::Error> {
    let channels: Vec<Uuid> = channels.iter().map(|id| id.0).collect();
    let condition = page.which.condition();
    sqlx::query_as(&format!(
        "SELECT {COLUMNS}
         FROM unnest($1::uuid[]) AS c (channel_id)
         CROSS JOIN LATERAL (
             SELECT * FROM (
                 SELECT n.*, coalesce(n.joined_at_us, 0) AS since,
                     array_position(ARRAY['owner', 'admin', 'moderator', 'viewer'], coalesce(n.role, 'viewer')) AS rank
                 FROM rm_members n
                 WHERE n.channel_id = c.channel_id AND {condition}
                   AND ($6::text IS NULL OR EXISTS (
                       SELECT 1 FROM rm_accounts s WHERE s.account_id = n.account_id AND s.name ILIKE $6))
             ) ranked
             WHERE (rank, since, account_id) > ($3::int, $4::bigint, $5::uuid)
             ORDER BY rank, since, account_id LIMIT $2
         ) m
         LEFT JOIN rm_accounts a ON a.account_id = m.account_id
         ORDER BY m.channel_id, m.rank, m.since, m.account_id"
    ))
    .bind(channels)
    .bind(page.first)
    .bind(page.after.rank)
    .bind(page.after.joined_at_us)
    .bind(page.after.account)
    .bind(page.search.as_deref().map(containing))
    .fetch_all(pool)
    .await
}

/// The pattern of a text that contains this one; its wildcards are letters.
fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}
