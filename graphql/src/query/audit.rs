//! The log as a list, for administrators, and for owners and admins of a channel as far as that channel goes. Anybody
//! else gets what they would get if it did not exist.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use lockstep_commands::member;
use lockstep_domain::{
    Aggregate,
    account::{Account, AccountEvent},
    channel::{Channel, ChannelEvent},
    ids::ChannelId,
    inbox::{Inbox, InboxEvent},
    installation::{Installation, InstallationEvent},
    invite::{Invite, InviteEvent},
    member::{Member, MemberEvent},
    message::{Message, MessageEvent},
    permission::ChannelRole,
    playback::{Playback, PlaybackEvent},
    queue::{Queue, QueueEvent},
    report::{Report, ReportEvent},
    signin::{SignIn, SignInEvent},
    token::{Token, TokenEvent},
    video::{Video, VideoEvent},
    visit::{Visit, VisitEvent},
    webhook::{Webhook, WebhookEvent},
    work::{Work, WorkEvent},
};
use lockstep_projections::audit::{self, Filter};
use uuid::Uuid;

use crate::{
    context::Shared,
    limits::{cost, page},
    object::audit::{AuditEntry, AuditEvent, AuditPage},
    problem::{Nullable, Problem, nullable},
    scalar::{DateTime, Position},
};

/// Characters of an actor's name in the log.
const ACTOR_CHARS_MAX: usize = 120;

/// The kinds of streams, and the event types of each.
const KINDS: &[(&str, &[&str])] = &[
    (Account::KIND, AccountEvent::TYPES),
    (Channel::KIND, ChannelEvent::TYPES),
    (Inbox::KIND, InboxEvent::TYPES),
    (Installation::KIND, InstallationEvent::TYPES),
    (Invite::KIND, InviteEvent::TYPES),
    (Member::KIND, MemberEvent::TYPES),
    (Message::KIND, MessageEvent::TYPES),
    (Playback::KIND, PlaybackEvent::TYPES),
    (Queue::KIND, QueueEvent::TYPES),
    (Report::KIND, ReportEvent::TYPES),
    (SignIn::KIND, SignInEvent::TYPES),
    (Token::KIND, TokenEvent::TYPES),
    (Video::KIND, VideoEvent::TYPES),
    (Visit::KIND, VisitEvent::TYPES),
    (Webhook::KIND, WebhookEvent::TYPES),
    (Work::KIND, WorkEvent::TYPES),
];

/// What is looked for; everything that is given must hold.
#[derive(InputObject, Default)]
struct AuditFilter {
    /// An account id, `system` or `worker:<name>`.
    actor: Option<String>,
    /// A kind of stream: `account`, `channel`, `member`, `message`, `playback`, `invite`, `video` and so on.
    kind: Option<String>,
    /// One event type of that kind.
    event_type: Option<String>,
    /// Only what happened in this channel.
    channel: Option<Uuid>,
    /// From this moment on.
    from: Option<DateTime>,
    /// Before this moment.
    until: Option<DateTime>,
}

/// A kind of stream with what can happen in it.
#[derive(SimpleObject)]
struct AuditKind {
    /// The kind of stream.
    kind: &'static str,
    /// The names of its events.
    event_types: Vec<&'static str>,
}

#[derive(Default)]
pub(crate) struct Audit;

#[Object(name = "AuditQueries")]
impl Audit {
    /// Events of the log, newest first.
    #[graphql(complexity = "cost(first, 30, child_complexity)")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        filter: Option<AuditFilter>,
        #[graphql(default = 30)] first: Option<i32>,
        before: Option<Position>,
    ) -> Nullable<AuditPage> {
        nullable(async {
            let filter = filter.unwrap_or_default();
            let within = permitted(ctx, filter.channel.map(ChannelId)).await?;
            let (first, filter) = (page(first, 30)?, filter.checked()?);
            let before = before.map(|before| before.0);
            let mut found = audit::list(ctx.reader().pool(), &filter, before, first as i64 + 1).await?;
            let has_more = found.len() > first;
            found.truncate(first);
            let end_cursor = found.last().copied().map(Position);
            let nodes = AuditEntry::read(ctx, within, &found).await?;
            Ok(Some(AuditPage { nodes, has_more, end_cursor }))
        })
        .await
    }

    /// What the list can be narrowed to: the same for everybody, and no secret.
    async fn audit_kinds(&self) -> Vec<AuditKind> {
        let kinds = KINDS.iter().map(|(kind, types)| AuditKind { kind, event_types: types.to_vec() });
        kinds.collect()
    }

    /// One event of the log; with `channel` for those who may see that channel's alone.
    async fn audit_event(&self, ctx: &Context<'_>, position: Position, channel: Option<Uuid>) -> Nullable<AuditEvent> {
        nullable(async {
            let within = permitted(ctx, channel.map(ChannelId)).await?;
            Ok(AuditEntry::read(ctx, within, &[position.0]).await?.pop().map(AuditEvent))
        })
        .await
    }
}

/// What the asker may see: `None` is everything.
async fn permitted(ctx: &Context<'_>, channel: Option<ChannelId>) -> Result<Option<ChannelId>, Problem> {
    if ctx.is_administrator() {
        return Ok(None);
    }
    let (Some(asker), Some(channel)) = (ctx.asker(), channel) else { return Err(Problem::NotFound) };
    let (standing, _) = member::standing_of(ctx.services(), channel, asker).await?;
    match standing.is_in() {
        Ok(role) if role >= ChannelRole::Admin => Ok(Some(channel)),
        _ => Err(Problem::NotFound),
    }
}

impl AuditFilter {
    fn checked(self) -> Result<Filter, Problem> {
        let actor = self.actor.filter(|actor| !actor.is_empty());
        if actor.as_ref().is_some_and(|actor| actor.chars().count() > ACTOR_CHARS_MAX) {
            return Err(Problem::Invalid("no such actor".to_owned()));
        }
        let types = match self.kind.as_deref() {
            None if self.event_type.is_some() => {
                return Err(Problem::Invalid("an event type needs its kind".to_owned()));
            }
            None => &[],
            Some(kind) => {
                let found = KINDS.iter().find(|(name, _)| *name == kind);
                found.ok_or_else(|| Problem::Invalid("no such kind".to_owned()))?.1
            }
        };
        let wanted = self.event_type.as_deref();
        let types: Vec<_> = types.iter().filter(|name| wanted.is_none_or(|wanted| wanted == **name)).collect();
        if types.is_empty() && wanted.is_some() {
            return Err(Problem::Invalid("no such event type of this kind".to_owned()));
        }
        let kind = self.kind.unwrap_or_default();
        Ok(Filter {
            actor,
            actions: types.into_iter().map(|name| (kind.clone(), (*name).to_owned())).collect(),
            channel: self.channel.map(ChannelId),
            from: self.from.map(|from| from.0),
            until: self.until.map(|until| until.0),
        })
    }
}
