//! Reading films: by ids, as a list, with their ladders.

use lockstep_domain::{
    channel::Visibility,
    ids::{AccountId, Position, VideoId},
    time::{MediaTime, Timestamp},
    video::Status,
    work::Failure,
};
use sqlx::{FromRow, PgPool, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{ChapterRow, Shelf};
use crate::words::{self, Word};

/// One film as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRow {
    pub video: VideoId,
    pub owner: AccountId,
    /// `""` once its owner was erased.
    pub title: String,
    pub file_name: String,
    pub size_bytes: i64,
    pub status: Status,
    pub percent: i32,
    pub stage: String,
    pub eta_s: Option<i64>,
    pub duration: Option<MediaTime>,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub container: Option<String>,
    pub video_codec: Option<String>,
    pub audio_codec: Option<String>,
    pub thumbnail_path: Option<String>,
    /// Of the picture its keeper chose instead.
    pub poster_path: Option<String>,
    pub hls_path: Option<String>,
    pub dash_path: Option<String>,
    pub storyboard_path: Option<String>,
    /// In their order; empty where the film has none.
    pub chapters: Vec<ChapterRow>,
    pub failure: Option<Failure>,
    pub description: String,
    pub tags: Vec<String>,
    pub visibility: Visibility,
    pub shelf: Shelf,
    pub trashed_at: Option<Timestamp>,
    /// When it is removed for good, while it is in the trash.
    pub purge_at: Option<Timestamp>,
    /// Bytes of it in the store: the source while it is kept, and the finished renditions.
    pub stored_bytes: i64,
    pub created_at: Timestamp,
    /// Orders lists, newest first.
    pub created_position: Position,
    /// The video stream's version that this row shows.
    pub version: i64,
    pub position: Position,
}

impl VideoRow {
    /// Below its folder: the picture that stands for it.
    pub fn picture_path(&self) -> Option<&String> {
        self.poster_path.as_ref().or(self.thumbnail_path.as_ref())
    }

    /// Whether it is there to be watched at all: not in the trash, not gone.
    pub fn is_kept(&self) -> bool {
        self.shelf == Shelf::Library
    }

    /// Whether this asker keeps it: edits, deletes, restores.
    pub fn is_kept_by(&self, asker: &Asker) -> bool {
        asker.administers || asker.account == Some(self.owner)
    }

    /// Whether a member who knows its id may see it, by itself and not because a channel plays it.
    pub fn opens_for(&self, asker: &Asker) -> bool {
        match self.shelf {
            Shelf::Library => self.visibility != Visibility::Private || self.is_kept_by(asker),
            Shelf::Trash => self.is_kept_by(asker),
            Shelf::Purging | Shelf::Purged => false,
        }
    }
}

/// What a [`VideoRow`] is read from, of a table called `v`: all but the document of the search.
pub(crate) const COLUMNS: &str = "v.video_id, v.owner_id, v.title, v.file_name, v.size_bytes, v.status, v.percent, \
    v.stage, v.eta_s, v.duration_us, v.width, v.height, v.container, v.video_codec, v.audio_codec, v.thumbnail_path, \
    v.poster_path, v.storyboard_path, v.chapters, \
    v.hls_path, v.dash_path, v.failure_stage, v.failure_code, v.failure_reason, v.failure_retryable, v.description, \
    v.tags, v.visibility, v.shelf, v.trashed_at_us, v.purge_at_us, v.stored_bytes, v.created_at_us, v.created_position, \
    v.version, v.position";

/// Who looks at films.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asker {
    pub account: Option<AccountId>,
    pub administers: bool,
}

impl FromRow<'_, PgRow> for VideoRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let failure = match row.try_get("failure_code")? {
            None => None,
            Some(code) => Some(Failure {
                stage: row.try_get("failure_stage")?,
                code,
                reason: row.try_get("failure_reason")?,
                retryable: row.try_get("failure_retryable")?,
            }),
        };
        Ok(Self {
            video: VideoId(row.try_get("video_id")?),
            owner: AccountId(row.try_get("owner_id")?),
            title: row.try_get("title")?,
            file_name: row.try_get("file_name")?,
            size_bytes: row.try_get("size_bytes")?,
            status: words::column(row, "status")?,
            percent: row.try_get("percent")?,
            stage: row.try_get("stage")?,
            eta_s: row.try_get("eta_s")?,
            duration: row.try_get::<Option<i64>, _>("duration_us")?.map(MediaTime),
            width: row.try_get("width")?,
            height: row.try_get("height")?,
            container: row.try_get("container")?,
            video_codec: row.try_get("video_codec")?,
            audio_codec: row.try_get("audio_codec")?,
            thumbnail_path: row.try_get("thumbnail_path")?,
            poster_path: row.try_get("poster_path")?,
            hls_path: row.try_get("hls_path")?,
            dash_path: row.try_get("dash_path")?,
            storyboard_path: row.try_get("storyboard_path")?,
            chapters: row.try_get::<Json<_>, _>("chapters")?.0,
            failure,
            description: row.try_get("description")?,
            tags: row.try_get("tags")?,
            visibility: words::column(row, "visibility")?,
            shelf: words::column(row, "shelf")?,
            trashed_at: row.try_get::<Option<i64>, _>("trashed_at_us")?.map(Timestamp),
            purge_at: row.try_get::<Option<i64>, _>("purge_at_us")?.map(Timestamp),
            stored_bytes: row.try_get("stored_bytes")?,
            created_at: Timestamp(row.try_get("created_at_us")?),
            created_position: Position::from_i64(row.try_get("created_position")?),
            version: row.try_get("version")?,
            position: Position::from_i64(row.try_get("position")?),
        })
    }
}

/// One rung of a film's ladder.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RenditionRow {
    pub video_id: Uuid,
    pub name: String,
    pub width: i32,
    pub height: i32,
    pub bandwidth_bps: i64,
    pub codecs: String,
    pub complete: bool,
}

/// What a list of films shows. Uploads that were given up are only in it when asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub status: Option<Status>,
    /// Part of the title, any case.
    pub search: Option<String>,
    pub asker: Asker,
}

impl Filter {
    /// The search text as a LIKE pattern that matches it literally.
    fn pattern(&self) -> Option<String> {
        let text = self.search.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        let mut pattern = String::from("%");
        for c in text.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        Some(pattern)
    }
}

/// The films of these ids, in no order; unknown ids are absent.
pub async fn by_ids(pool: &PgPool, ids: &[VideoId]) -> Result<Vec<VideoRow>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let sql = format!("SELECT {COLUMNS} FROM rm_videos v WHERE v.video_id = ANY($1)");
    sqlx::query_as(&sql).bind(ids).fetch_all(pool).await
}

/// The films after `after`, newest first.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<VideoRow>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM rm_videos v
         WHERE created_position < $1 AND ($3::text IS NULL OR title ILIKE $3)
           AND CASE WHEN $2::text IS NULL THEN status <> 'aborted' ELSE status = $2 END
           AND shelf = 'library' AND ($5 OR visibility = 'public' OR owner_id = $6)
         ORDER BY created_position DESC LIMIT $4"
    );
    sqlx::query_as(&sql)
        .bind(after.map_or(i64::MAX, Position::as_i64))
        .bind(filter.status.map(Word::word))
        .bind(filter.pattern())
        .bind(limit)
        .bind(filter.asker.administers)
        .bind(filter.asker.account.map(|account| account.0))
        .fetch_all(pool)
        .await
}

/// How many films a filter finds.
pub async fn count(pool: &PgPool, filter: &Filter) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM rm_videos
         WHERE CASE WHEN $1::text IS NULL THEN status <> 'aborted' ELSE status = $1 END
           AND ($2::text IS NULL OR title ILIKE $2)
           AND shelf = 'library' AND ($3 OR visibility = 'public' OR owner_id = $4)",
    )
    .bind(filter.status.map(Word::word))
    .bind(filter.pattern())
    .bind(filter.asker.administers)
    .bind(filter.asker.account.map(|account| account.0))
    .fetch_one(pool)
    .await
}

/// The ladders of these films, best picture first, the sound last.
pub async fn renditions(pool: &PgPool, videos: &[VideoId]) -> Result<Vec<RenditionRow>, sqlx::Error> {
    let videos: Vec<Uuid> = videos.iter().map(|id| id.0).collect();
    sqlx::query_as(
        "SELECT video_id, name, width, height, bandwidth_bps, codecs, complete FROM rm_video_renditions
         WHERE video_id = ANY($1) ORDER BY video_id, height DESC, name",
    )
    .bind(videos)
    .fetch_all(pool)
    .await
}

/// How many films are on their way to being watchable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct InWork {
    /// Uploaded, and nobody works on them yet.
    pub waiting: i64,
    pub processing: i64,
}

/// Counts the films in work, for operators.
pub async fn in_work(pool: &PgPool) -> Result<InWork, sqlx::Error> {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE status = $1) AS waiting, count(*) FILTER (WHERE status = $2) AS processing
         FROM rm_videos WHERE status IN ($1, $2) AND shelf = 'library'",
    )
    .bind(Status::Uploaded.word())
    .bind(Status::Processing.word())
    .fetch_one(pool)
    .await
}
