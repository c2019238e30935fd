//! A channel's queue.

use async_graphql::{Context, Enum, Object, SimpleObject};
use lockstep_domain::{ids::AccountId, queue::QueueItem as Item};
use lockstep_projections::queues::QueueRow;
use uuid::Uuid;

use super::{account, account::Account, video::Video};
use crate::{
    context::Shared,
    problem::{Nullable, Problem, nullable},
    scalar::{DateTime, float},
};

/// Rows of a queue; the queue itself is bounded by the domain.
const ROWS_MAX: i32 = crate::limits::PAGE_MAX;
/// A queue is read as a whole, and its films and people in one batch: this many rows cost as one.
const ROWS_PER_COST: usize = 10;

/// What a list of the queue costs.
fn cost(first: Option<i32>, each: usize) -> usize {
    let rows = first.unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX).unsigned_abs() as usize;
    rows.div_ceil(ROWS_PER_COST) * each
}

/// What happens when a film ends.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_domain::queue::LoopMode")]
pub(crate) enum LoopMode {
    /// Not at all.
    Off,
    /// The same film again.
    One,
    /// A film goes to the end of the queue instead of out of it.
    All,
}

/// The votes to go on to the next film.
#[derive(SimpleObject)]
pub(crate) struct SkipVotes {
    /// How many have voted.
    pub have: i32,
    /// More than half of those who are here and may vote; absent while nobody has voted.
    pub need: Option<i32>,
    /// Whether the asker has voted.
    pub mine: bool,
}

/// What a channel plays next.
pub(crate) struct Queue {
    /// Of a channel that the asker may see inside.
    pub row: QueueRow,
    pub asker: Option<AccountId>,
}

/// The films that come next, first one first, and how the channel goes on by itself.
#[Object]
impl Queue {
    /// What waits, in order.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn items(&self, #[graphql(default = 100)] first: Option<i32>) -> Result<Vec<QueueItem>, Problem> {
        rows(&self.row.state.items, first)
    }
    /// Whether the next film starts by itself when one ends.
    async fn autoplay(&self) -> bool {
        self.row.state.autoplay
    }
    /// What is repeated.
    #[graphql(name = "loop")]
    async fn loop_mode(&self) -> LoopMode {
        self.row.state.loop_mode.into()
    }
    /// Votes to skip what plays.
    async fn skip_votes(&self) -> SkipVotes {
        let votes = &self.row.votes;
        let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        SkipVotes {
            have: i32::try_from(votes.by.len()).unwrap_or(i32::MAX),
            need: votes.counted.map(|(_, need)| number(need)),
            mine: self.asker.is_some_and(|asker| votes.by.contains(&asker)),
        }
    }
    /// What was in the queue when it last was emptied or cleared.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn last_queue(&self, #[graphql(default = 100)] first: Option<i32>) -> Result<Vec<QueueItem>, Problem> {
        rows(&self.row.state.last, first)
    }
}

fn rows(items: &[Item], first: Option<i32>) -> Result<Vec<QueueItem>, Problem> {
    match first.unwrap_or(ROWS_MAX) {
        rows @ 1..=ROWS_MAX => {
            Ok(items.iter().take(rows.unsigned_abs() as usize).cloned().map(|item| QueueItem { item }).collect())
        }
        _ => Err(Problem::Invalid(format!("a queue has 1 to {ROWS_MAX} rows"))),
    }
}

/// A film in a queue.
pub(crate) struct QueueItem {
    item: Item,
}

/// A film in a queue.
#[Object]
impl QueueItem {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.item.item.0
    }
    /// Absent when it is not there any more.
    async fn video(&self, ctx: &Context<'_>) -> Nullable<Video> {
        nullable(async {
            let row = ctx.loaders().videos.load_one(self.item.video).await?;
            // Guests may watch a film when it is on, not before.
            Ok(row.map(|row| Video { deliver: ctx.is_member() && row.opens_for(&ctx.viewer()), row }))
        })
        .await
    }
    /// Microseconds.
    async fn duration_us(&self) -> f64 {
        float(self.item.duration_us.as_micros())
    }
    /// Who queued it.
    async fn by(&self, ctx: &Context<'_>) -> Nullable<Account> {
        account::load(ctx.loaders(), self.item.by).await.transpose()
    }
    /// When it was added.
    async fn added_at(&self) -> DateTime {
        DateTime(self.item.at_us)
    }
}
