//! Reading a channel's messages, for those who may read it.

use async_graphql::{Context, Object, SimpleObject};
use lockstep_domain::{
    ids::{ChannelId, MessageId},
    message::PINS_MAX,
};
use lockstep_projections::{
    channels,
    messages::{self, MessageRow, Page},
};
use uuid::Uuid;

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::message::{Message, MessagePage},
    problem::{Nullable, Problem, nullable},
    scalar::Position,
};

/// The read models that messages are shown from, and the right to read them.
const READ: &[&str] = &["messages", "accounts", "channels", "members"];
/// Messages found at once.
const FOUND_MAX: i32 = 50;

/// Messages said or changed after a place, each as it is now.
#[derive(SimpleObject)]
pub(crate) struct MessageChanges {
    /// Those changed first before the others.
    pub nodes: Vec<Message>,
    /// Whether there are more: ask again after the last one's `changedPosition`.
    pub has_more: bool,
}

#[derive(Default)]
pub(crate) struct Messages;

#[Object(name = "MessageQueries")]
impl Messages {
    /// One message by its id.
    async fn message(&self, ctx: &Context<'_>, id: Uuid, min_position: Option<Position>) -> Nullable<Message> {
        nullable(async {
            at_least(ctx, READ, min_position).await?;
            let Some(row) = one(ctx, id).await? else { return Ok(None) };
            Ok(readable(ctx, row.channel).await?.then(|| row.into()))
        })
        .await
    }

    /// A channel's messages in the order they were said: the last ones before a place, the first ones after one, or
    /// those around one of them.
    #[graphql(complexity = "cost(count, 30, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "each is one of the list's places")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
        before: Option<Position>,
        after: Option<Position>,
        around: Option<Uuid>,
        #[graphql(default = 30)] count: Option<i32>,
        min_position: Option<Position>,
    ) -> Nullable<MessagePage> {
        nullable(async {
            let (channel, count) = (ChannelId(channel), page(count, 30)?);
            let pool = ctx.reader().pool();
            at_least(ctx, READ, min_position).await?;
            inside(ctx, channel).await?;
            let rows = count as i64 + 1;
            Ok(Some(match (before, after, around) {
                (before, None, None) => {
                    let place = Page::Before(before.map(|position| position.0));
                    MessagePage::of(messages::page(pool, channel, place, rows).await?, count)
                }
                (None, Some(after), None) => {
                    MessagePage::after(messages::page(pool, channel, Page::After(after.0), rows).await?, count)
                }
                (None, None, Some(id)) => {
                    let found = one(ctx, id).await?.filter(|row| row.channel == channel);
                    let Some(row) = found else { return Ok(None) };
                    around_of(ctx, row, count).await?
                }
                _ => return Err(Problem::Invalid("give one of before, after and around".to_owned())),
            }))
        })
        .await
    }

    /// What was said or changed in a channel after a place, to catch up from there.
    #[graphql(complexity = "cost(first, 30, child_complexity)")]
    async fn messages_changed_after(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
        after: Position,
        #[graphql(default = 30)] first: Option<i32>,
        min_position: Option<Position>,
    ) -> Nullable<MessageChanges> {
        nullable(async {
            let (channel, first) = (ChannelId(channel), page(first, 30)?);
            at_least(ctx, READ, min_position).await?;
            inside(ctx, channel).await?;
            let pool = ctx.reader().pool();
            let mut rows = messages::changed_after(pool, channel, after.0, first as i64 + 1).await?;
            let has_more = rows.len() > first;
            rows.truncate(first);
            Ok(Some(MessageChanges { nodes: rows.into_iter().map(Message::from).collect(), has_more }))
        })
        .await
    }

    /// The newest messages with words that begin so, at most 50.
    #[graphql(complexity = "cost(count, 20, child_complexity)")]
    async fn search_messages(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
        words: String,
        before: Option<Position>,
        #[graphql(default = 20)] count: Option<i32>,
    ) -> Nullable<Vec<Message>> {
        nullable(async {
            let (channel, count) = (ChannelId(channel), count.unwrap_or(20));
            if !(1..=FOUND_MAX).contains(&count) {
                return Err(Problem::Invalid(format!("a search finds 1 to {FOUND_MAX} messages")));
            }
            inside(ctx, channel).await?;
            let (pool, before) = (ctx.reader().pool(), before.map(|position| position.0));
            let found = messages::search(pool, channel, &words, before, i64::from(count)).await?;
            let rows = found.ok_or_else(|| Problem::Invalid("give a word to look for".to_owned()))?;
            Ok(Some(rows.into_iter().map(Message::from).collect()))
        })
        .await
    }

    /// A channel's pinned messages, the last pinned first.
    #[graphql(complexity = "10 * child_complexity")]
    async fn pinned_messages(
        &self,
        ctx: &Context<'_>,
        channel: Uuid,
        min_position: Option<Position>,
    ) -> Nullable<Vec<Message>> {
        nullable(async {
            let channel = ChannelId(channel);
            at_least(ctx, READ, min_position).await?;
            inside(ctx, channel).await?;
            let rows = messages::pinned(ctx.reader().pool(), channel, PINS_MAX as i64).await?;
            Ok(Some(rows.into_iter().map(Message::from).collect()))
        })
        .await
    }
}

async fn one(ctx: &Context<'_>, id: Uuid) -> Result<Option<MessageRow>, Problem> {
    Ok(messages::by_ids(ctx.reader().pool(), &[MessageId(id)]).await?.into_iter().next())
}

/// Half of the page before a message, it, and the rest after it.
async fn around_of(ctx: &Context<'_>, row: MessageRow, count: usize) -> Result<MessagePage, Problem> {
    let (pool, channel, place) = (ctx.reader().pool(), row.channel, row.position);
    let half = count / 2;
    let older = messages::page(pool, channel, Page::Before(Some(place)), half as i64 + 1).await?;
    let newer = messages::page(pool, channel, Page::After(place), (count - half) as i64).await?;
    let (has_more, has_newer) = (older.len() > half, newer.len() == count - half);
    let skipped = older.len().saturating_sub(half);
    let newer = newer.into_iter().take(count.saturating_sub(half + 1));
    let rows = older.into_iter().skip(skipped).chain([row]).chain(newer).collect();
    Ok(MessagePage::exactly(rows, has_more, has_newer))
}

async fn readable(ctx: &Context<'_>, channel: ChannelId) -> Result<bool, Problem> {
    let asker = ctx.asker();
    let row = channels::by_id(ctx.reader().pool(), asker, channel).await?;
    Ok(asker.is_some() && row.is_some_and(|row| row.readable()))
}

/// What somebody may not read looks like what does not exist.
async fn inside(ctx: &Context<'_>, channel: ChannelId) -> Result<(), Problem> {
    ctx.asker().ok_or(Problem::SignedOut)?;
    if readable(ctx, channel).await? { Ok(()) } else { Err(Problem::NotFound) }
}
