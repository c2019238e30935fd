//! Films: progress, facts, ladder, and the addresses of their files for those who may watch.

use async_graphql::{Context, Object, SimpleObject};
use lockstep_domain::work;
use lockstep_projections::videos::{self, CaptionRow, Filter, RenditionRow, VideoRow};
use uuid::Uuid;

use super::{
    account::{self, Account},
    captions::{CaptionOrigin, Captions},
    chapter::Chapter,
    delivery::{self, Delivery},
};
use crate::{
    context::Shared,
    loader::{CaptionsOf, LadderOf, WatchedOf},
    problem::{Nullable, Problem},
    scalar::{DateTime, VideoStatus, Visibility, float},
};

/// A film with whether its asker may watch it.
#[derive(Clone)]
pub(crate) struct Video {
    pub row: VideoRow,
    /// Whether the asker may watch it.
    pub deliver: bool,
}

impl Video {
    fn opens(&self) -> bool {
        self.deliver && self.row.is_kept()
    }

    fn url(&self, ctx: &Context<'_>, path: Option<&String>) -> Option<String> {
        let path = path?;
        self.opens().then(|| ctx.deps().delivery.door(self.row.video, ctx.services().clock.now()).url(path))
    }

    fn track(&self, ctx: &Context<'_>, row: CaptionRow) -> Captions {
        let origin = if row.origin == "upload" { CaptionOrigin::Upload } else { CaptionOrigin::Source };
        let url = self.url(ctx, Some(&row.path));
        Captions { id: row.caption_id, language: row.language, label: row.label, origin, url }
    }
}

/// An uploaded film.
#[Object]
impl Video {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.row.video.0
    }
    /// Empty once its owner was erased.
    async fn title(&self) -> &str {
        &self.row.title
    }
    /// The name of the file.
    async fn file_name(&self) -> &str {
        &self.row.file_name
    }
    /// Whose it is.
    async fn owner(&self, ctx: &Context<'_>) -> Nullable<Account> {
        account::load(ctx.loaders(), self.row.owner).await.transpose()
    }
    /// How far it is.
    async fn status(&self) -> VideoStatus {
        self.row.status.into()
    }
    /// Of the transcode, 0 to 100.
    async fn percent(&self) -> i32 {
        self.row.percent
    }
    /// The step of the work it is in.
    async fn stage(&self) -> &str {
        &self.row.stage
    }
    /// Estimated seconds to the end of the transcode.
    async fn eta_s(&self) -> Option<i32> {
        self.row.eta_s.map(|eta| i32::try_from(eta).unwrap_or(i32::MAX))
    }
    /// The size of the file.
    async fn size_bytes(&self) -> f64 {
        float(self.row.size_bytes)
    }
    /// How long it is, in microseconds; null until it was looked at.
    async fn duration_us(&self) -> Option<f64> {
        self.row.duration.map(|duration| float(duration.as_micros()))
    }
    /// Picture points across.
    async fn width(&self) -> Option<i32> {
        self.row.width
    }
    /// Picture points down.
    async fn height(&self) -> Option<i32> {
        self.row.height
    }
    /// The file's container.
    async fn container(&self) -> Option<&str> {
        self.row.container.as_deref()
    }
    /// How the picture is coded.
    async fn video_codec(&self) -> Option<&str> {
        self.row.video_codec.as_deref()
    }
    /// How the sound is coded.
    async fn audio_codec(&self) -> Option<&str> {
        self.row.audio_codec.as_deref()
    }
    /// The sizes it is offered in, best first.
    async fn renditions(&self, ctx: &Context<'_>) -> Result<Vec<Rendition>, Problem> {
        let rows = ctx.loaders().renditions.load_one(LadderOf(self.row.video)).await?;
        Ok(rows.unwrap_or_default().into_iter().map(Rendition::from).collect())
    }
    /// The picture that stands for it: found at first, or chosen by its keeper.
    async fn thumbnail_url(&self, ctx: &Context<'_>) -> Option<String> {
        self.url(ctx, self.row.picture_path())
    }
    /// Whether its keeper chose the picture.
    async fn poster_chosen(&self) -> bool {
        self.row.poster_path.is_some()
    }
    /// The HLS playlist, with a token for the asker; null until it is ready.
    async fn hls_url(&self, ctx: &Context<'_>) -> Option<String> {
        self.url(ctx, self.row.hls_path.as_ref())
    }
    /// The DASH manifest, with a token for the asker; null until it is ready.
    async fn dash_url(&self, ctx: &Context<'_>) -> Option<String> {
        self.url(ctx, self.row.dash_path.as_ref())
    }
    /// Which part of which small picture is shown at which time, as WebVTT.
    async fn storyboard_url(&self, ctx: &Context<'_>) -> Option<String> {
        self.url(ctx, self.row.storyboard_path.as_ref())
    }
    /// In their order; none for a film in one piece.
    async fn chapters(&self) -> Vec<Chapter> {
        self.row.chapters.iter().cloned().map(Chapter::from).collect()
    }
    /// In the order they came.
    async fn captions(&self, ctx: &Context<'_>) -> Result<Vec<Captions>, Problem> {
        let rows = ctx.loaders().captions.load_one(CaptionsOf(self.row.video)).await?;
        Ok(rows.unwrap_or_default().into_iter().map(|row| self.track(ctx, row)).collect())
    }
    /// What opens its files now: swap it into each request, as it changes while a film plays.
    async fn delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            default,
            desc = "Set cookies instead of a query where the site has them; only over HTTP, and for one film at the top of an answer."
        )]
        cookies: bool,
    ) -> Option<Delivery> {
        self.opens().then(|| delivery::open(ctx, self.row.video, cookies))
    }
    /// Why it failed; null if it did not.
    async fn failure(&self) -> Option<Failure> {
        self.row.failure.clone().map(Failure::from)
    }
    /// What it is about.
    async fn description(&self) -> &str {
        &self.row.description
    }
    /// Words to find it by.
    async fn tags(&self) -> &[String] {
        &self.row.tags
    }
    /// Public: every member finds it. Unlisted: who has its link. Private: its owner, and where a channel plays it.
    async fn visibility(&self) -> Visibility {
        self.row.visibility.into()
    }
    /// When it was put into the trash, while it is there.
    async fn trashed_at(&self) -> Option<DateTime> {
        self.row.trashed_at.map(DateTime)
    }
    /// When it is removed for good, while it is in the trash.
    async fn purge_at(&self) -> Option<DateTime> {
        self.row.purge_at.map(DateTime)
    }
    /// Bytes of it in the store: the uploaded file while it is kept, and the finished sizes.
    async fn stored_bytes(&self) -> f64 {
        float(self.row.stored_bytes)
    }
    /// How long people were in channels that played it, all of them together. Whoever watches alone is not counted.
    async fn watched_us(&self, ctx: &Context<'_>) -> Result<f64, Problem> {
        Ok(float(ctx.loaders().watched.load_one(WatchedOf(self.row.video)).await?.unwrap_or(0)))
    }
    /// Whether the asker may edit and delete it.
    async fn keeps(&self, ctx: &Context<'_>) -> bool {
        self.row.is_kept_by(&ctx.viewer())
    }
    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }
}

/// One rung of a film's ladder.
#[derive(SimpleObject)]
pub(crate) struct Rendition {
    /// Its name in addresses, as 720p.
    pub name: String,
    /// Picture points across; 0 for sound.
    pub width: i32,
    /// Picture points down; 0 for sound.
    pub height: i32,
    /// Bits per second at the peak.
    pub bandwidth_bps: i32,
    /// RFC 6381; empty until it is complete.
    pub codecs: String,
    /// Whether all of it is there.
    pub complete: bool,
}

impl From<RenditionRow> for Rendition {
    fn from(row: RenditionRow) -> Self {
        Self {
            name: row.name,
            width: row.width,
            height: row.height,
            bandwidth_bps: i32::try_from(row.bandwidth_bps).unwrap_or(i32::MAX),
            codecs: row.codecs,
            complete: row.complete,
        }
    }
}

/// Why a film cannot be watched.
#[derive(SimpleObject)]
pub(crate) struct Failure {
    /// The step of the work.
    pub stage: String,
    /// A stable word to branch on.
    pub code: String,
    /// Why, for people.
    pub reason: String,
    /// Whether another try may help.
    pub retryable: bool,
}

impl From<work::Failure> for Failure {
    fn from(failure: work::Failure) -> Self {
        Self { stage: failure.stage, code: failure.code, reason: failure.reason, retryable: failure.retryable }
    }
}

/// A page with the filter that counts all pages.
pub(crate) struct VideoPage {
    pub nodes: Vec<Video>,
    pub has_more: bool,
    pub filter: Filter,
}

/// Films, newest first.
#[Object]
impl VideoPage {
    /// The rows of this page.
    async fn nodes(&self) -> &[Video] {
        &self.nodes
    }
    /// Whether there are more rows after this page.
    async fn has_more(&self) -> bool {
        self.has_more
    }
    /// Give it as `after` for the next page.
    async fn end_cursor(&self) -> Option<String> {
        self.nodes.last().map(|video| video.row.created_position.to_string())
    }
    /// How many there are on all pages.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32, Problem> {
        let count = videos::count(ctx.reader().pool(), &self.filter).await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}
