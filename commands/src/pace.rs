//! How fast one person may talk in one channel: slow mode and the flood limit, on the database's clock for every
//! process alike. What is counted is who asked, not what came of it.

use lockstep_domain::{
    ids::{AccountId, ChannelId},
    message::Pace,
    permission::ChannelRole,
    standing::Standing,
};
use uuid::Uuid;

use crate::{CommandError, Services};

/// Messages and edits of one person in one channel within [`WINDOW_MS`].
pub const MESSAGES_MAX: i32 = 5;
/// Reactions of one person in one channel within [`WINDOW_MS`].
pub const REACTIONS_MAX: i32 = 10;
/// The time the flood limits look back over.
pub const WINDOW_MS: i64 = 5_000;

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Says something new: slow mode bites, and starts again.
    Say {
        slow_mode_s: u32,
    },
    /// Edits: within the flood limit of what is said.
    Edit,
    React,
}

impl Turn {
    /// Saying something: those who moderate are exempt from slow mode.
    pub(crate) fn say(standing: &Standing) -> Self {
        let exempt = standing.member.role >= Some(ChannelRole::Moderator);
        Self::Say { slow_mode_s: if exempt { 0 } else { standing.channel.slow_mode_s } }
    }
}

/// Takes a turn, once per operation, or says how long to wait for it.
///
/// # Errors
/// [`CommandError::Unavailable`] when the database cannot be asked: nobody is let through uncounted.
pub(crate) async fn take<E>(
    services: &Services,
    channel: ChannelId,
    account: AccountId,
    operation: Uuid,
    turn: Turn,
) -> Result<Pace, CommandError<E>> {
    let (kind, slow_ms, burst) = match turn {
        Turn::Say { slow_mode_s } => ("say", Some(i64::from(slow_mode_s) * 1_000), MESSAGES_MAX),
        Turn::Edit => ("say", None, MESSAGES_MAX),
        Turn::React => ("react", None, REACTIONS_MAX),
    };
    let (slow, fast): (i64, i64) =
        sqlx::query_as("SELECT o_slow_wait_ms, o_burst_wait_ms FROM chat_pace_take($1, $2, $3, $4, $5, $6, $7)")
            .bind(channel.0)
            .bind(account.0)
            .bind(kind)
            .bind(operation)
            .bind(slow_ms)
            .bind(burst)
            .bind(WINDOW_MS)
            .fetch_one(&services.pool)
            .await
            .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    Ok(match (u64::try_from(slow).unwrap_or(0), u64::try_from(fast).unwrap_or(0)) {
        (0, 0) => Pace::Free,
        (retry_after_ms, fast) if retry_after_ms >= fast => Pace::SlowMode { retry_after_ms },
        (_, retry_after_ms) => Pace::TooFast { retry_after_ms },
    })
}
