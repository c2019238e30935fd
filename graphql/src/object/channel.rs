//! Channels. What happens inside is shown only to those who may read it.

use async_graphql::{Context, Object};
use lockstep_projections::{activity::Page, channels::ChannelRow};
use uuid::Uuid;

use super::{
    account::Account,
    activity::{self, ActivityPage},
    member::Member,
    message::MessagePage,
    timeline::Timeline,
};
use crate::{
    context::Shared,
    limits::{cost, page},
    loader::{MembersOf, MessagesOf},
    problem::Problem,
    scalar::{ChannelRole, DateTime, Position, Visibility},
};

/// A channel with what its asker may see of it.
pub(crate) struct Channel {
    /// Of a channel that the asker may see.
    row: ChannelRow,
    /// Whether the asker is signed in and may see inside.
    inside: bool,
}

impl Channel {
    /// `None`: the asker may not know that it exists.
    pub(crate) fn shown(row: ChannelRow, signed_in: bool) -> Option<Self> {
        let inside = signed_in && row.readable();
        row.visible().then_some(Self { row, inside })
    }
}

/// A place where people watch together.
#[Object]
impl Channel {
    async fn id(&self) -> Uuid {
        self.row.channel.0
    }
    async fn slug(&self) -> &str {
        &self.row.slug
    }
    async fn name(&self) -> &str {
        &self.row.name
    }
    async fn visibility(&self) -> Visibility {
        self.row.visibility.into()
    }
    async fn owner(&self) -> Option<Account> {
        Some(self.row.owner.clone().into())
    }
    async fn member_count(&self) -> i32 {
        i32::try_from(self.row.member_count).unwrap_or(i32::MAX)
    }
    /// Those present, with more rights first.
    #[graphql(complexity = "cost(first, 50, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: Option<i32>,
    ) -> Result<Vec<Member>, Problem> {
        let first = page(first, 50)? as i64;
        if !self.inside {
            return Ok(vec![]);
        }
        let key = MembersOf { channel: self.row.channel, first };
        let rows = ctx.loaders().members.load_one(key).await?;
        Ok(rows.unwrap_or_default().into_iter().map(Member::from).collect())
    }
    async fn my_role(&self) -> Option<ChannelRole> {
        self.row.mine.filter(|mine| !mine.banned).and_then(|mine| mine.role).map(ChannelRole::from)
    }
    async fn playback(&self) -> Option<Timeline> {
        self.row.playback.clone().filter(|_| self.inside).map(|row| Timeline { row })
    }
    /// The newest ones before `before`, in the order they were said.
    #[graphql(complexity = "cost(last, 50, child_complexity)")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] last: Option<i32>,
        before: Option<Position>,
    ) -> Result<MessagePage, Problem> {
        let last = page(last, 50)?;
        if !self.inside {
            return Ok(MessagePage::default());
        }
        // One more than asked tells whether there are older ones.
        let (rows, before) = (last as i64 + 1, before.map(|position| position.0));
        let key = MessagesOf { channel: self.row.channel, last: rows, before };
        let rows = ctx.loaders().messages.load_one(key).await?;
        Ok(MessagePage::of(rows.unwrap_or_default(), last))
    }
    /// What was done here, newest first: the newest of all, those before `before`, or the next ones after `after`.
    #[graphql(complexity = "cost(first, 10, child_complexity)")]
    async fn activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: Option<i32>,
        before: Option<Position>,
        after: Option<Position>,
        kind: Option<String>,
    ) -> Result<ActivityPage, Problem> {
        let first = page(first, 10)?;
        if !self.inside {
            return Ok(ActivityPage::default());
        }
        let (before, after) = (before.map(|before| before.0), after.map(|after| after.0));
        activity::page(ctx, self.row.channel, first, Page { before, after, kind, ..Page::default() }).await
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }
}
