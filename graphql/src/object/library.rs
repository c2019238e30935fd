//! Films as the library lists them, and what it holds.

use async_graphql::{Context, Enum, Object, SimpleObject, Union};
use lockstep_projections::{
    library::{self, Filter, Found, Part, Search, Tally},
    videos::Shelf,
};
use uuid::Uuid;

use super::video::Video;
use crate::{
    answer::Refused,
    context::Shared,
    problem::Problem,
    scalar::{Position, VideoStatus, float},
};

/// Characters of a description around what was searched for.
const EXCERPT_CHARS: usize = 160;

/// The order of a list without a search.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "lockstep_projections::library::Sort")]
pub(crate) enum LibrarySort {
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
    /// By title.
    Title,
    /// The longest first.
    Longest,
    /// The largest first.
    Largest,
}

/// A part of a text, and whether it is what was searched for.
#[derive(SimpleObject)]
pub(crate) struct TextPart {
    /// The text.
    text: String,
    /// Whether the search found this part.
    hit: bool,
}

impl From<Part> for TextPart {
    fn from(part: Part) -> Self {
        Self { text: part.text, hit: part.hit }
    }
}

/// A film of the list.
pub(crate) struct LibraryEntry {
    pub found: Found,
    pub search: Option<Search>,
}

/// A film of the list, and why it was found.
#[Object]
impl LibraryEntry {
    /// The film it is about.
    async fn video(&self) -> Video {
        Video { row: self.found.film.clone(), deliver: true }
    }
    /// The title in parts; one part without a search.
    async fn title_parts(&self) -> Vec<TextPart> {
        let title = &self.found.film.title;
        match &self.search {
            Some(search) => library::parts(title, search, self.found.near).into_iter().map(TextPart::from).collect(),
            None => vec![TextPart { text: title.clone(), hit: false }],
        }
    }
    /// Of the description, what is around the words searched for; empty where they are not in it.
    async fn excerpt(&self) -> Vec<TextPart> {
        let search = self.search.iter();
        search
            .flat_map(|search| library::excerpt(&self.found.film.description, search, EXCERPT_CHARS))
            .map(TextPart::from)
            .collect()
    }
}

/// A page with the filter that counts all pages.
pub(crate) struct LibraryPage {
    pub nodes: Vec<LibraryEntry>,
    pub has_more: bool,
    pub end_cursor: Option<String>,
    pub filter: Filter,
}

/// Films of the library.
#[Object]
impl LibraryPage {
    /// The rows of this page.
    async fn nodes(&self) -> &[LibraryEntry] {
        &self.nodes
    }
    /// Whether there are more rows after this page.
    async fn has_more(&self) -> bool {
        self.has_more
    }
    /// Give it as `after` for the next page of the same list.
    async fn end_cursor(&self) -> Option<&str> {
        self.end_cursor.as_deref()
    }
    /// How many there are on all pages; 10,001 stands for more than 10,000, and a search finds at most 500.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32, Problem> {
        let count = match (&self.filter.search, self.nodes.first()) {
            (Some(_), first) => first.and_then(|entry| entry.found.total).unwrap_or(0),
            (None, _) => library::count(ctx.reader().pool(), &self.filter).await?,
        };
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
    /// Nothing has the words searched for: these only have words like them.
    async fn near(&self) -> bool {
        self.nodes.first().is_some_and(|entry| entry.found.near)
    }
}

/// The films of one status.
#[derive(SimpleObject)]
pub(crate) struct LibraryTally {
    /// How far it is.
    status: VideoStatus,
    /// How many films.
    films: i32,
    /// In the store.
    stored_bytes: f64,
    /// How long, in microseconds.
    duration_us: f64,
}

/// What of the library the asker may find, and the trash they keep.
#[derive(SimpleObject)]
pub(crate) struct LibraryStatistics {
    /// Sums by status.
    by_status: Vec<LibraryTally>,
    /// How many films.
    films: i32,
    /// Bytes in the store.
    stored_bytes: f64,
    /// Of all films together.
    duration_us: f64,
    /// Sums of the trash.
    trashed: i32,
    /// What emptying the trash would free.
    trashed_bytes: f64,
    /// How long people were in channels that played these films, all of them together. Whoever watches alone is not counted.
    watched_us: f64,
}

impl LibraryStatistics {
    pub(crate) fn new(tallies: Vec<Tally>, watched_us: i64) -> Self {
        let (trash, kept): (Vec<Tally>, Vec<Tally>) =
            tallies.into_iter().partition(|tally| tally.shelf == Shelf::Trash);
        let sum = |of: &[Tally], what: fn(&Tally) -> i64| of.iter().map(what).sum::<i64>();
        let films = |of: &[Tally]| i32::try_from(sum(of, |tally| tally.films)).unwrap_or(i32::MAX);
        Self {
            films: films(&kept),
            stored_bytes: float(sum(&kept, |tally| tally.stored_bytes)),
            duration_us: float(sum(&kept, |tally| tally.duration_us)),
            trashed: films(&trash),
            trashed_bytes: float(sum(&trash, |tally| tally.stored_bytes)),
            watched_us: float(watched_us),
            by_status: kept.into_iter().map(LibraryTally::from).collect(),
        }
    }
}

impl From<Tally> for LibraryTally {
    fn from(tally: Tally) -> Self {
        Self {
            status: tally.status.into(),
            films: i32::try_from(tally.films).unwrap_or(i32::MAX),
            stored_bytes: float(tally.stored_bytes),
            duration_us: float(tally.duration_us),
        }
    }
}

/// What became of one film of many.
#[derive(SimpleObject)]
pub(crate) struct FilmAnswer {
    /// The film it is about.
    pub video: Uuid,
    /// Whether something changed.
    pub changed: bool,
    /// The word of the refusal, where it was refused.
    pub code: Option<String>,
    /// Why not, for people; null where it was done.
    pub message: Option<String>,
}

/// Each film of many has its own answer.
#[derive(SimpleObject)]
pub(crate) struct FilmsAnswered {
    /// An answer for each film, in the order asked.
    pub answers: Vec<FilmAnswer>,
    /// The last change; none where every film was refused.
    pub position: Option<Position>,
}

/// What comes of it, or why not.
#[derive(Union)]
pub(crate) enum FilmsPayload {
    FilmsAnswered(FilmsAnswered),
    Refused(Refused),
}
