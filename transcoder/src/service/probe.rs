//! The first item of every film: look at the source, then plan the others.

use lockstep_commands::{transcode, transcode::Claim};
use lockstep_domain::{
    Personal,
    ids::{AccountId, StreamId, VideoId},
    video::{Chapter, Source, Status, Video},
};
use tokio_util::sync::CancellationToken;

use super::{
    board::Film,
    item::{FAULT_REST, Trouble, child, conclude, take, while_held},
    schedule::End,
    shared::{Shared, insist},
};
use crate::{
    child::{ChildError, Refused, Sink},
    plan,
    protocol::{Done, Progress, SegmentHead, Task},
};

/// A probe makes no segments.
struct Nothing;

#[async_trait::async_trait]
impl Sink for Nothing {
    async fn segment(&mut self, head: SegmentHead, _: bytes::Bytes) -> Result<(), Refused> {
        Err(Refused(format!("a probe sent a segment of {}", head.rendition)))
    }
    async fn progress(&mut self, _: Progress) {}
}

/// Claims the probe, looks, plans.
pub async fn run(shared: &Shared, video: VideoId, film: &Film, tries: u32, cancel: &CancellationToken) -> End {
    let claim = match take(shared, video, film, transcode::PROBE_ITEM).await {
        Ok((claim, _)) => claim,
        Err(End::Over) => return replan(shared, video, film).await,
        Err(end) => return end,
    };
    let ended = while_held(shared, &claim, cancel, look(shared, &claim, film)).await;
    conclude(shared, &claim, film, tries, ended).await
}

async fn look(shared: &Shared, claim: &Claim, film: &Film) -> Result<(), Trouble> {
    let context = shared.context(&film.correlation);
    insist(|| transcode::start(&shared.services, &context, claim.video)).await?;
    let finished = child(shared, film, Task::Probe, &mut Nothing).await?;
    let Done::Probed(mut source) = finished.done else {
        let log = "a probe ended without an answer".to_owned();
        return Err(Trouble::Child(ChildError::Crashed { how: "protocol".to_owned(), log }));
    };
    claim_titles(&mut source, film.state.owner);
    // Without the chapters, whose titles are somebody's words.
    let facts = Source { chapters: vec![], ..source.clone() };
    tracing::info!(video = %claim.video, source = ?facts, sandbox = ?finished.sandbox, "probed");
    let context = shared.context(&film.correlation);
    insist(|| transcode::record_probe(&shared.services, &context, claim.video, source.clone())).await?;
    note_plan(shared, claim.video, film, &source).await?;
    let context = shared.context(&film.correlation);
    insist(|| transcode::complete_item(&shared.services, &context, claim)).await?;
    Ok(())
}

/// The words in a film are its owner's, who can have them erased.
fn claim_titles(source: &mut Source, owner: Option<AccountId>) {
    let chapters = std::mem::take(&mut source.chapters);
    let Some(owner) = owner else { return };
    let titled = chapters.into_iter().map(|chapter| {
        let title = chapter.title.value().cloned().unwrap_or_default();
        Chapter { title: Personal::new(owner, title), ..chapter }
    });
    source.chapters = titled.collect();
}

async fn note_plan(shared: &Shared, video: VideoId, film: &Film, source: &Source) -> Result<(), Trouble> {
    let planned = plan::plan(source);
    let context = shared.context(&film.correlation);
    let note = || {
        let (renditions, items) = (planned.renditions.clone(), planned.items.clone());
        transcode::plan(&shared.services, &context, video, renditions, items)
    };
    insist(note).await?;
    Ok(())
}

/// The probe is done but the board shows no plan: the feed is behind, or a worker died between the two.
async fn replan(shared: &Shared, video: VideoId, film: &Film) -> End {
    let Ok(held) = shared.services.dispatcher.load::<Video>(&StreamId::video(video)).await else {
        return End::Later(FAULT_REST);
    };
    if held.state.status != Status::Processing || !held.state.items.is_empty() {
        return End::Over;
    }
    let Some(source) = held.state.source else { return End::Later(FAULT_REST) };
    match note_plan(shared, video, film, &source).await {
        Ok(()) => End::Over,
        Err(_) => End::Later(FAULT_REST),
    }
}
