//! The library: films by status, owner and words; what it holds; and what happened to a film.

use async_graphql::{Context, Object};
use lockstep_domain::{
    ids::{AccountId, VideoId},
    video::Status,
};
use lockstep_projections::{
    library::{self, After, Filter, Search},
    watching,
};
use uuid::Uuid;

use super::at_least;
use crate::{
    context::Shared,
    limits::{cost, page},
    object::{
        audit::{AuditEntry, AuditPage},
        library::{LibraryEntry, LibraryPage, LibrarySort, LibraryStatistics},
    },
    problem::{Nullable, Problem, nullable},
    scalar::{Position, VideoStatus},
};

/// The read models that a film is shown from.
const READ: &[&str] = &["videos", "accounts"];
/// Stands before the number of films of a search that a page skips.
const FOUND: char = 'n';

#[derive(Default)]
pub(crate) struct Library;

#[Object(name = "LibraryQueries")]
impl Library {
    /// Films, for members. A search is ranked by itself and has no other order.
    #[graphql(complexity = "cost(first, 24, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "each is one of the list's filters")]
    async fn library(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 24)] first: Option<i32>,
        after: Option<String>,
        statuses: Option<Vec<VideoStatus>>,
        owner: Option<Uuid>,
        #[graphql(desc = "The trash instead: one's own, and for administrators everybody's.")] trash: Option<bool>,
        search: Option<String>,
        sort: Option<LibrarySort>,
        min_position: Option<Position>,
    ) -> Nullable<LibraryPage> {
        nullable(async {
            members_only(ctx)?;
            let (first, after) = (page(first, 24)?, after.map(|cursor| parsed(&cursor)).transpose()?);
            let filter = Filter {
                asker: ctx.viewer(),
                statuses: statuses.unwrap_or_default().into_iter().map(Status::from).collect(),
                owner: owner.map(AccountId),
                trash: trash.unwrap_or(false),
                search: search.as_deref().and_then(Search::of),
            };
            at_least(ctx, READ, min_position).await?;
            let sort = sort.map_or_else(Default::default, Into::into);
            let mut rows = library::list(ctx.reader().pool(), &filter, sort, after, first as i64 + 1).await?;
            let has_more = rows.len() > first;
            rows.truncate(first);
            let end_cursor = rows.last().map(|last| match &filter.search {
                Some(_) => format!("{FOUND}{}", skipped(after) + rows.len() as i64),
                None => last.film.created_position.to_string(),
            });
            let entry = |found| LibraryEntry { found, search: filter.search.clone() };
            let nodes = rows.into_iter().map(entry).collect();
            Ok(Some(LibraryPage { nodes, has_more, end_cursor, filter }))
        })
        .await
    }

    /// Counts, bytes and lengths of what the asker may find.
    async fn library_statistics(
        &self,
        ctx: &Context<'_>,
        min_position: Option<Position>,
    ) -> Nullable<LibraryStatistics> {
        nullable(async {
            members_only(ctx)?;
            at_least(ctx, READ, min_position).await?;
            let (pool, viewer) = (ctx.reader().pool(), ctx.viewer());
            let watched_us = watching::total(pool, &viewer).await?;
            Ok(Some(LibraryStatistics::new(library::tally(pool, &viewer).await?, watched_us)))
        })
        .await
    }

    /// What happened to a film, newest first. For its owner and administrators.
    #[graphql(complexity = "cost(first, 30, child_complexity)")]
    async fn film_events(
        &self,
        ctx: &Context<'_>,
        video: Uuid,
        #[graphql(default = 30)] first: Option<i32>,
        before: Option<Position>,
    ) -> Nullable<AuditPage> {
        nullable(async {
            let first = page(first, 30)?;
            let row = ctx.loaders().videos.load_one(VideoId(video)).await?;
            row.filter(|row| row.opens_for(&ctx.viewer()) && row.is_kept_by(&ctx.viewer())).ok_or(Problem::NotFound)?;
            let (pool, before) = (ctx.reader().pool(), before.map(|before| before.0));
            let mut found = library::events(pool, VideoId(video), before, first as i64 + 1).await?;
            let has_more = found.len() > first;
            found.truncate(first);
            let end_cursor = found.last().copied().map(Position);
            Ok(Some(AuditPage { nodes: AuditEntry::read(ctx, None, &found).await?, has_more, end_cursor }))
        })
        .await
    }
}

fn members_only(ctx: &Context<'_>) -> Result<(), Problem> {
    ctx.asker().ok_or(Problem::SignedOut)?;
    if ctx.is_member() { Ok(()) } else { Err(Problem::NotPermitted) }
}

fn parsed(cursor: &str) -> Result<After, Problem> {
    let found = cursor.strip_prefix(FOUND).and_then(|number| number.parse().ok()).map(After::Found);
    let film = || cursor.parse().ok().map(After::Film);
    found.or_else(film).ok_or_else(|| Problem::Invalid("not a cursor".to_owned()))
}

fn skipped(after: Option<After>) -> i64 {
    match after {
        Some(After::Found(skipped)) => skipped.clamp(0, library::RANKED_MAX),
        Some(After::Film(_)) | None => 0,
    }
}
