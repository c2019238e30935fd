//! Channels. What happens inside is shown only to those who may read it.

use async_graphql::{Context, Object};
use lockstep_domain::permission::Permission;
use lockstep_projections::{
    activity,
    channels::ChannelRow,
    member_page::{Page, Which},
    queues::QueueRow,
};
use uuid::Uuid;

use super::{
    account::Account,
    activity::{ActivityPage, page as activity_page},
    invite::InvitePage,
    member::Member,
    member_page::{MemberFilter, MemberPage, needs, place},
    message::MessagePage,
    queue::Queue,
    timeline::Timeline,
};
use crate::{
    context::Shared,
    limits::{cost, page},
    loader::{InvitesOf, MemberPageOf, MembersOf, MessagesOf, QueueOf},
    permission::{self, MyStanding, RolePermissions},
    problem::{Nullable, Problem, nullable},
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

impl Channel {
    /// Whether the asker's standing permits this, for what only some may see.
    fn permitted(&self, ctx: &Context<'_>, permission: Permission) -> Result<(), Problem> {
        let asker = ctx.asker().ok_or(Problem::SignedOut)?;
        let may = self.row.standing(asker).may(permission, ctx.services().clock.now());
        may.map_err(|_| Problem::NotPermitted)
    }
}

/// A place where people watch together.
#[Object]
impl Channel {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.row.channel.0
    }
    /// Its name in addresses.
    async fn slug(&self) -> &str {
        &self.row.slug
    }
    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }
    /// Who can find it.
    async fn visibility(&self) -> Visibility {
        self.row.visibility.into()
    }
    /// Whose it is.
    async fn owner(&self) -> Option<Account> {
        Some(self.row.owner.clone().into())
    }
    /// How many have joined.
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
    /// Its people by what they are to the channel, in pages.
    #[graphql(complexity = "cost(first, 50, child_complexity)")]
    async fn member_page(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "MemberFilter::Present")] filter: MemberFilter,
        search: Option<String>,
        #[graphql(default = 50)] first: Option<i32>,
        after: Option<String>,
    ) -> Nullable<MemberPage> {
        nullable(async {
            let (which, first, after) = (Which::from(filter), page(first, 50)?, place(after.as_deref())?);
            if let Some(permission) = needs(which) {
                self.permitted(ctx, permission)?;
            }
            if !self.inside {
                return Ok(Some(MemberPage::default()));
            }
            let search = search.filter(|text| !text.trim().is_empty()).map(|text| text.trim().to_owned());
            // One more than asked tells whether there are more.
            let key = MemberPageOf {
                channel: self.row.channel,
                page: Page { which, search, first: first as i64 + 1, after },
            };
            let rows = ctx.loaders().member_pages.load_one(key).await?;
            Ok(Some(MemberPage::of(rows.unwrap_or_default(), first)))
        })
        .await
    }
    /// The newest invites before `before`, for those who may issue some.
    #[graphql(complexity = "cost(first, 20, child_complexity)")]
    async fn invites(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20)] first: Option<i32>,
        before: Option<Position>,
    ) -> Nullable<InvitePage> {
        nullable(async {
            let first = page(first, 20)?;
            self.permitted(ctx, Permission::Invite)?;
            let before = before.map(|position| position.0);
            let key = InvitesOf { channel: self.row.channel, first: first as i64 + 1, before };
            let rows = ctx.loaders().invites.load_one(key).await?;
            Ok(Some(InvitePage::of(rows.unwrap_or_default(), first)))
        })
        .await
    }
    /// Where the asker stands, and what that permits now.
    async fn me(&self, ctx: &Context<'_>) -> Option<MyStanding> {
        ctx.asker().map(|asker| MyStanding::of(&self.row, asker, ctx.services().clock.now()))
    }
    /// What it is about.
    async fn description(&self) -> &str {
        &self.row.description
    }
    /// Whether it is closed for good.
    async fn archived(&self) -> bool {
        self.row.archived
    }
    /// Pause between two messages of one person, seconds; 0 is off.
    async fn slow_mode_s(&self) -> i32 {
        i32::try_from(self.row.slow_mode_s).unwrap_or(i32::MAX)
    }
    /// Who has the one remote; null: everybody whose role permits it shares the remote.
    async fn remote_holder(&self) -> Option<Account> {
        self.row.remote.clone().filter(|_| self.inside).map(Account::from)
    }
    /// What each role permits; shown inside.
    async fn permission_defaults(&self) -> Vec<RolePermissions> {
        if self.inside { permission::defaults(&self.row.defaults) } else { vec![] }
    }
    /// The asker's role; null for who has not joined.
    async fn my_role(&self) -> Option<ChannelRole> {
        self.row.mine.as_ref().filter(|mine| !mine.banned).and_then(|mine| mine.role).map(ChannelRole::from)
    }
    /// What plays, and how.
    async fn playback(&self) -> Option<Timeline> {
        self.row.playback.clone().filter(|_| self.inside).map(|row| Timeline { row })
    }
    /// Absent to those who may not see inside.
    async fn queue(&self, ctx: &Context<'_>) -> Nullable<Queue> {
        nullable(async {
            if !self.inside {
                return Ok(None);
            }
            let row = ctx.loaders().queues.load_one(QueueOf(self.row.channel)).await?;
            let row = row.unwrap_or_else(|| QueueRow::empty(self.row.channel));
            Ok(Some(Queue { row, asker: ctx.asker() }))
        })
        .await
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
        let page = activity::Page { before, after, kind, ..activity::Page::default() };
        activity_page(ctx, self.row.channel, first, page).await
    }
    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }
}
