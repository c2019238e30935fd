//! What was done in a channel, and whether its asker may take it back.

use async_graphql::{Context, Object, SimpleObject};
use lockstep_commands::member;
use lockstep_domain::{
    ids::{ChannelId, VideoId},
    standing::Standing,
};
use lockstep_projections::activity::{ActivityRow, KINDS, Page, page as rows};
use serde_json::Value;

use super::account::{self, Account};
use crate::{
    context::Shared,
    problem::{Nullable, Problem, nullable},
    scalar::{DateTime, Position, float},
};

/// Something that somebody did in a channel, for everybody in it.
pub(crate) struct Activity {
    row: ActivityRow,
    undoable: bool,
}

/// What was done in a channel, newest first.
#[derive(SimpleObject, Default)]
pub(crate) struct ActivityPage {
    /// The rows of this page.
    pub nodes: Vec<Activity>,
    /// Whether there are more in the direction asked for.
    pub has_more: bool,
    /// Give it as `after` for the page of newer ones.
    pub start_cursor: Option<Position>,
    /// Give it as `before` for the page of older ones.
    pub end_cursor: Option<Position>,
}

/// One page for somebody who may read the channel.
pub(crate) async fn page(
    ctx: &Context<'_>,
    channel: ChannelId,
    first: usize,
    mut asked: Page,
) -> Result<ActivityPage, Problem> {
    if asked.before.is_some() && asked.after.is_some() {
        return Err(Problem::Invalid("give either before or after".to_owned()));
    }
    if asked.kind.as_ref().is_some_and(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(Problem::Invalid(format!("a kind is one of {}", KINDS.join(", "))));
    }
    asked.limit = first as i64 + 1;
    let mut found = rows(ctx.reader().pool(), channel, &asked).await?;
    let has_more = found.len() > first;
    if has_more {
        // The one too many is the farthest: the newest when going forward, else the oldest.
        found.remove(if asked.after.is_some() { 0 } else { first });
    }
    let standing = match ctx.asker() {
        Some(asker) => Some(member::standing_of(ctx.services(), channel, asker).await?.0),
        None => None,
    };
    let now = ctx.services().clock.now();
    let may = |row: &ActivityRow, standing: &Standing| {
        row.needs.is_some_and(|needs| standing.may(needs, now).is_ok() && Some(standing.account) != row.target)
    };
    let cursor = |row: Option<&ActivityRow>| row.map(|row| Position(row.position));
    let (start_cursor, end_cursor) = (cursor(found.first()), cursor(found.last()));
    let nodes = found
        .into_iter()
        .map(|row| Activity { undoable: standing.as_ref().is_some_and(|standing| may(&row, standing)), row });
    Ok(ActivityPage { nodes: nodes.collect(), has_more, start_cursor, end_cursor })
}

/// Something that was done in a channel.
#[Object]
impl Activity {
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.row.position)
    }
    /// `playback`, `channel`, `member` or `invite`.
    async fn kind(&self) -> &str {
        &self.row.kind
    }
    /// The name of the event in the log.
    async fn event_type(&self) -> &str {
        &self.row.event_type
    }
    /// When it happened.
    async fn at(&self) -> DateTime {
        DateTime(self.row.at)
    }
    /// Who did it; nobody when the program did.
    async fn actor(&self, ctx: &Context<'_>) -> Nullable<Account> {
        nullable(async {
            match self.row.actor {
                Some(id) => account::load(ctx.loaders(), id).await,
                None => Ok(None),
            }
        })
        .await
    }
    /// To whom it was done.
    async fn target(&self, ctx: &Context<'_>) -> Nullable<Account> {
        nullable(async {
            match self.row.target {
                Some(id) => account::load(ctx.loaders(), id).await,
                None => Ok(None),
            }
        })
        .await
    }
    /// The title of the film that was on.
    async fn video_title(&self, ctx: &Context<'_>) -> Nullable<String> {
        nullable(async { title(ctx, self.row.video).await }).await
    }
    /// What was changed: `name`, `role`, `override.chat` and the like.
    async fn facet(&self) -> Option<&str> {
        self.row.facet.as_deref()
    }
    /// What it was before.
    async fn from(&self) -> Option<String> {
        text(self.row.before.as_ref())
    }
    /// What it is from then on.
    async fn to(&self) -> Option<String> {
        text(self.row.after.as_ref())
    }
    /// Where the film was before, microseconds.
    async fn from_us(&self) -> Option<f64> {
        place(self.row.before.as_ref())
    }
    /// Where the film was sent or stopped, microseconds.
    async fn to_us(&self) -> Option<f64> {
        place(self.row.after.as_ref())
    }
    /// Whether the asker may take it back now.
    async fn undoable(&self) -> bool {
        self.undoable
    }
    /// The action that this one took back.
    async fn undoes(&self) -> Option<Position> {
        self.row.undoes.map(Position)
    }
}

/// A film's title, batched with others.
pub(crate) async fn title(ctx: &Context<'_>, video: Option<VideoId>) -> Result<Option<String>, Problem> {
    let Some(video) = video else { return Ok(None) };
    Ok(ctx.loaders().videos.load_one(video).await?.map(|row| row.title))
}

/// A plain value in words; places are told as numbers.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Object(_) => None,
    }
}

fn place(value: Option<&Value>) -> Option<f64> {
    value?.get("position_us")?.as_i64().map(float)
}
