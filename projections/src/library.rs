//! The library as a list: filtered, sorted, searched and counted. A page costs one statement, its count another.
//!
//! A search finds films whose title, tags or description have words that begin with those asked for; where none does, films
//! that have words like them (one letter wrong). Of what it finds, the newest [`RANKED_MAX`] are ranked.

mod parts;

use lockstep_domain::{
    ids::{AccountId, Position, VideoId},
    video::Status,
};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder, Row, postgres::PgRow};

use crate::{
    videos::{Asker, COLUMNS, Shelf, VideoRow},
    words::{self, Word},
};

pub use parts::{Part, excerpt, parts};

/// Films of one search that are ranked; older ones are left out.
pub const RANKED_MAX: i64 = 500;
/// Films that are counted; more are "more than".
pub const COUNTED_MAX: i64 = 10_000;
/// Words of one search; more are left out.
pub const WORDS_MAX: usize = 8;
/// Characters of one search; more are left out.
pub const SEARCH_CHARS_MAX: usize = 100;
/// The order of a list without a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Newest,
    Oldest,
    Title,
    Longest,
    Largest,
}

/// What a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub asker: Asker,
    pub statuses: Vec<Status>,
    pub owner: Option<AccountId>,
    /// The asker's trash instead of the library.
    pub trash: bool,
    pub search: Option<Search>,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
}

impl Search {
    /// The words of a text; `None`: it has none.
    pub fn of(text: &str) -> Option<Self> {
        let text: String = text.chars().take(SEARCH_CHARS_MAX).collect();
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(WORDS_MAX)
            .map(str::to_lowercase)
            .collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// In lower case.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Letters and digits alone, so nothing in it is an operator.
    fn query(&self) -> String {
        self.words.iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & ")
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The film of this creation, in the list's order.
    Film(Position),
    /// So many films of a search.
    Found(i64),
}

/// A film of a list.
#[derive(Debug, Clone)]
pub struct Found {
    pub film: VideoRow,
    /// It is only like what was searched for.
    pub near: bool,
    /// How many the whole search found, of those ranked.
    pub total: Option<i64>,
}

impl FromRow<'_, PgRow> for Found {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { film: VideoRow::from_row(row)?, near: row.try_get("near")?, total: row.try_get("total")? })
    }
}

/// The films after `after`.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    sort: Sort,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut query = match &filter.search {
        Some(search) => found(filter, search, after, limit),
        None => sorted(filter, sort, after, limit),
    };
    query.build_query_as().fetch_all(pool).await
}

/// The films after so many others of the same list or search.
pub async fn page(
    pool: &PgPool,
    filter: &Filter,
    sort: Sort,
    skipped: i64,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let skipped = skipped.clamp(0, COUNTED_MAX);
    let mut query = match &filter.search {
        Some(search) => found(filter, search, Some(After::Found(skipped)), limit),
        None => sorted(filter, sort, None, limit),
    };
    if filter.search.is_none() {
        query.push(" OFFSET ").push_bind(skipped);
    }
    query.build_query_as().fetch_all(pool).await
}

/// The statement of a list in an order, for those who want to see its plan.
pub fn sorted(filter: &Filter, sort: Sort, after: Option<After>, limit: i64) -> QueryBuilder<'static, Postgres> {
    let (key, of_cursor, way) = match sort {
        _ if filter.trash => ("v.created_position", "c.created_position", "DESC"),
        Sort::Newest => ("v.created_position", "c.created_position", "DESC"),
        Sort::Oldest => ("v.created_position", "c.created_position", "ASC"),
        Sort::Title => ("lower(v.title)", "lower(c.title)", "ASC"),
        Sort::Longest => ("coalesce(v.duration_us, 0)", "coalesce(c.duration_us, 0)", "DESC"),
        Sort::Largest => ("v.size_bytes", "c.size_bytes", "DESC"),
    };
    let beyond = if way == "DESC" { "<" } else { ">" };
    let mut query = QueryBuilder::new("SELECT ");
    query.push(COLUMNS).push(", false AS near, NULL::bigint AS total FROM rm_videos v WHERE ");
    narrow(&mut query, filter);
    if let Some(After::Film(position)) = after {
        query.push(format!(
            " AND ({key}, v.created_position) {beyond} ((SELECT {of_cursor} FROM rm_videos c WHERE c.created_position = "
        ));
        query.push_bind(position.as_i64()).push("), ").push_bind(position.as_i64()).push(")");
    }
    query.push(format!(" ORDER BY {key} {way}, v.created_position {way} LIMIT ")).push_bind(limit);
    query
}

/// The statement of a search: the newest that match, ranked; where none does, those with words like the ones asked for.
pub fn found(filter: &Filter, search: &Search, after: Option<After>, limit: i64) -> QueryBuilder<'static, Postgres> {
    let skipped = match after {
        Some(After::Found(skipped)) => skipped.clamp(0, RANKED_MAX),
        Some(After::Film(_)) | None => 0,
    };
    let mut query = QueryBuilder::new("WITH exact AS MATERIALIZED (SELECT v.video_id, v.created_position, ");
    // A word of the title weighs more than one of the rest; the beginning of the title, most.
    query.push("ts_rank(v.document, to_tsquery('simple'::regconfig, ").push_bind(search.query());
    query.push(")) + CASE WHEN starts_with(lower(v.title), ").push_bind(search.words.join(" "));
    query.push(") THEN 1 ELSE 0 END AS score FROM (SELECT v.* FROM rm_videos v WHERE v.document @@ ");
    query.push("to_tsquery('simple'::regconfig, ").push_bind(search.query()).push(") AND ");
    narrow(&mut query, filter);
    query.push(" ORDER BY v.created_position DESC LIMIT ").push_bind(RANKED_MAX).push(") v), ");
    // Materialized: asked once, not once for every film.
    query.push("likely AS MATERIALIZED (SELECT library_near(").push_bind(search.words.clone());
    query.push("::text[]) AS words WHERE NOT EXISTS (SELECT 1 FROM exact)), ");
    query.push("near AS (SELECT n.video_id, n.created_position, ts_rank(n.document, n.words) AS score FROM (");
    query.push("SELECT v.video_id, v.created_position, v.document, l.words FROM likely l ");
    query.push("JOIN rm_videos v ON v.document @@ l.words AND ");
    narrow(&mut query, filter);
    query.push(" ORDER BY v.created_position DESC LIMIT ").push_bind(RANKED_MAX).push(") n), ");
    query.push(
        "everything AS (SELECT *, false AS near FROM exact UNION ALL SELECT *, true FROM near), \
         page AS (SELECT *, count(*) OVER () AS total FROM everything ORDER BY score DESC, created_position DESC LIMIT ",
    );
    query.push_bind(limit).push(" OFFSET ").push_bind(skipped);
    query.push(") SELECT ");
    query.push(COLUMNS).push(
        ", p.near, p.total FROM page p JOIN rm_videos v USING (video_id) ORDER BY p.score DESC, v.created_position DESC",
    );
    query
}

fn narrow(query: &mut QueryBuilder<'static, Postgres>, filter: &Filter) {
    let Asker { account, administers } = filter.asker;
    let account = account.map(|id| id.0);
    if filter.trash {
        query.push("v.shelf = 'trash'");
        if !administers {
            query.push(" AND v.owner_id = ").push_bind(account);
        }
    } else {
        query.push("v.shelf = 'library'");
        if !administers {
            query.push(" AND (v.visibility = 'public' OR v.owner_id = ").push_bind(account).push(")");
        }
    }
    if !filter.statuses.is_empty() {
        let words: Vec<&'static str> = filter.statuses.iter().map(|status| status.word()).collect();
        query.push(" AND v.status = ANY(").push_bind(words).push(")");
    }
    if let Some(owner) = filter.owner {
        query.push(" AND v.owner_id = ").push_bind(owner.0);
    }
}

/// How many films a filter without a search finds, at most [`COUNTED_MAX`] and one.
pub async fn count(pool: &PgPool, filter: &Filter) -> Result<i64, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM rm_videos v WHERE ");
    narrow(&mut query, filter);
    query.push(" LIMIT ").push_bind(COUNTED_MAX + 1).push(") counted");
    query.build_query_scalar().fetch_one(pool).await
}

/// The films of one status that the asker may find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub status: Status,
    pub shelf: Shelf,
    pub films: i64,
    pub stored_bytes: i64,
    pub duration_us: i64,
}

impl FromRow<'_, PgRow> for Tally {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            status: words::column(row, "status")?,
            shelf: words::column(row, "shelf")?,
            films: row.try_get("films")?,
            stored_bytes: row.try_get("stored_bytes")?,
            duration_us: row.try_get("duration_us")?,
        })
    }
}

/// Counts, bytes and lengths of all that the asker may find, and of the trash they keep, by status.
pub async fn tally(pool: &PgPool, asker: &Asker) -> Result<Vec<Tally>, sqlx::Error> {
    sqlx::query_as(
        "SELECT status, shelf, count(*) AS films, sum(stored_bytes)::bigint AS stored_bytes,
             sum(coalesce(duration_us, 0))::bigint AS duration_us
         FROM rm_videos
         WHERE ($1 OR owner_id = $2 OR (visibility = 'public' AND shelf = 'library')) AND shelf IN ('library', 'trash')
         GROUP BY status, shelf ORDER BY shelf, status",
    )
    .bind(asker.administers)
    .bind(asker.account.map(|id| id.0))
    .fetch_all(pool)
    .await
}

/// The newest events of a film before `before`.
pub async fn events(
    pool: &PgPool,
    video: VideoId,
    before: Option<Position>,
    limit: i64,
) -> Result<Vec<Position>, sqlx::Error> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT global_position FROM events WHERE aggregate_type = 'video' AND aggregate_id = $1 AND global_position < $2
         ORDER BY sequence DESC LIMIT $3",
    )
    .bind(video.to_string())
    .bind(before.map_or(i64::MAX, Position::as_i64))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Position::from_i64).collect())
}

/// Films that left the library since this moment: what was handed out for them before opens nothing any more.
pub async fn withdrawn(pool: &PgPool, since_us: i64) -> Result<Vec<VideoId>, sqlx::Error> {
    let rows: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT video_id FROM rm_videos WHERE shelf <> 'library' AND trashed_at_us >= $1")
            .bind(since_us)
            .fetch_all(pool)
            .await?;
    Ok(rows.into_iter().map(VideoId).collect())
}
