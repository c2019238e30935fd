//! Finding films.

use async_graphql::{Context, Object};
use lockstep_domain::ids::VideoId;
use lockstep_projections::{
    channels,
    videos::{self, Filter},
};
use uuid::Uuid;

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::video::{Video, VideoPage},
    problem::{Nullable, Problem, nullable},
    scalar::{Position, VideoStatus},
};

/// The read models that a film is shown from.
const READ: &[&str] = &["videos", "accounts"];
/// Characters of a search.
const SEARCH_CHARS_MAX: usize = 100;

#[derive(Default)]
pub(crate) struct Videos;

#[Object(name = "VideoQueries")]
impl Videos {
    /// The film of this id; guests see what a channel of theirs plays.
    async fn video(&self, ctx: &Context<'_>, id: Uuid, min_position: Option<Position>) -> Nullable<Video> {
        nullable(async {
            at_least(ctx, READ, min_position).await?;
            readable(ctx, VideoId(id)).await
        })
        .await
    }

    /// All films, newest first. For members, not for guests.
    #[graphql(complexity = "cost(first, 24, child_complexity)")]
    async fn videos(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 24)] first: Option<i32>,
        after: Option<String>,
        status: Option<VideoStatus>,
        search: Option<String>,
        min_position: Option<Position>,
    ) -> Nullable<VideoPage> {
        nullable(async {
            ctx.asker().ok_or(Problem::SignedOut)?;
            if !ctx.is_member() {
                return Err(Problem::NotPermitted);
            }
            let after = after.map(|cursor| cursor.parse().map_err(|_| Problem::Invalid("not a cursor".to_owned())));
            let search = search.map(|text| text.chars().take(SEARCH_CHARS_MAX).collect());
            let filter = Filter { status: status.map(Into::into), search, asker: ctx.viewer() };
            let first = page(first, 24)?;
            at_least(ctx, READ, min_position).await?;
            let mut rows = videos::list(ctx.reader().pool(), &filter, after.transpose()?, first as i64 + 1).await?;
            let has_more = rows.len() > first;
            rows.truncate(first);
            let nodes = rows.into_iter().map(|row| Video { row, deliver: true }).collect();
            Ok(Some(VideoPage { nodes, has_more, filter }))
        })
        .await
    }
}

/// The film, if the asker may watch it.
pub(crate) async fn readable(ctx: &Context<'_>, id: VideoId) -> Result<Option<Video>, Problem> {
    let Some(asker) = ctx.asker() else { return Ok(None) };
    let pool = ctx.reader().pool();
    let Some(row) = ctx.loaders().videos.load_one(id).await? else { return Ok(None) };
    let opens = ctx.is_member() && row.opens_for(&ctx.viewer());
    let opens = opens || row.is_kept() && channels::plays_for(pool, asker, id).await?;
    Ok(opens.then_some(Video { row, deliver: true }))
}
