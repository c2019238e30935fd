//! The end of a film: manifests written and the film declared ready, or its failure declared. Both may be done twice.

use bytes::Bytes;
use lockstep_commands::{CommandError, transcode};
use lockstep_domain::{
    ids::VideoId,
    time::MediaTime,
    video::{Source, Storyboard, VideoError},
    work::Failure,
};
use lockstep_object_store::Caching;

use super::{
    board::Film,
    item::FAULT_REST,
    publish::{Kind, put},
    schedule::End,
    shared::{Shared, insist},
};
use crate::{
    keys,
    manifest::{Ledger, dash, hls},
    plan,
    protocol::{TILES, failure},
    storyboard,
};

const PLAYLIST: Kind = Kind { content_type: "application/vnd.apple.mpegurl", caching: Caching::Shortly };
const MPD: Kind = Kind { content_type: "application/dash+xml", caching: Caching::Shortly };
const VTT: Kind = Kind::lasting("text/vtt; charset=utf-8");

/// Describes the film whose items are all done.
pub async fn run(shared: &Shared, video: VideoId, film: &Film) -> End {
    let Some(source) = &film.state.source else { return End::Later(FAULT_REST) };
    let ledger = match Ledger::new(source, &film.state.renditions, film.segments()) {
        Ok(ledger) => ledger,
        Err(error) => {
            tracing::error!(%video, %error, "the published segments do not make a film");
            let told = failure("package", "incomplete", "The film could not be put together.");
            return fail(shared, video, &film.correlation, told).await;
        }
    };
    match write(shared, video, &ledger).await {
        Ok(()) => {}
        Err(error) => {
            tracing::warn!(%video, %error, "the manifests cannot be stored");
            return End::Later(FAULT_REST);
        }
    }
    if let Err(error) = draw(shared, video, film, source).await {
        tracing::warn!(%video, %error, "the storyboard cannot be told");
        return End::Later(FAULT_REST);
    }
    match declare(shared, video, film, &ledger).await {
        Ok(()) => End::Over,
        Err(CommandError::Refused(error)) => {
            tracing::info!(%video, %error, "the film has ended otherwise");
            End::Over
        }
        Err(error) => {
            tracing::warn!(%video, %error, "the film cannot be declared ready");
            End::Later(FAULT_REST)
        }
    }
}

async fn write(shared: &Shared, video: VideoId, ledger: &Ledger) -> Result<(), lockstep_object_store::ObjectError> {
    let media = &shared.services.objects.media;
    for track in ledger.video.iter().chain(&ledger.audio) {
        let key = keys::playlist(video, &track.plan.name);
        put(media, &key, Bytes::from(hls::media(track)), PLAYLIST).await?;
    }
    put(media, &keys::mpd(video), Bytes::from(dash::mpd(ledger)), MPD).await?;
    put(media, &keys::master(video), Bytes::from(hls::master(ledger)), PLAYLIST).await
}

/// Writes the storyboard over the sheets that are there, and notes it.
async fn draw(shared: &Shared, video: VideoId, film: &Film, source: &Source) -> Result<(), CommandError<VideoError>> {
    let sheets = film.segments().filter(|segment| segment.rendition == TILES).map(|segment| segment.number).collect();
    let Some(board) = storyboard::board(source, &film.state.items, &sheets) else { return Ok(()) };
    let object_key = keys::storyboard(video);
    put(&shared.services.objects.media, &object_key, Bytes::from(board.text), VTT)
        .await
        .map_err(|error| CommandError::Unavailable(error.to_string()))?;
    let told = Storyboard {
        object_key,
        tile_width: storyboard::TILE_WIDTH,
        tile_height: storyboard::TILE_HEIGHT,
        interval_us: storyboard::interval(source),
        tiles: board.tiles,
    };
    let context = shared.context(&film.correlation);
    match insist(|| transcode::record_storyboard(&shared.services, &context, video, told.clone())).await {
        // The film has ended meanwhile: what declares it says so too.
        Ok(_) | Err(CommandError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn declare(
    shared: &Shared,
    video: VideoId,
    film: &Film,
    ledger: &Ledger,
) -> Result<(), CommandError<VideoError>> {
    let services = &shared.services;
    for track in ledger.video.iter().chain(&ledger.audio) {
        let (context, facts) = (shared.context(&film.correlation), track.facts());
        insist(|| transcode::complete_rendition(services, &context, video, facts.clone())).await?;
    }
    if let Some(source) = &film.state.source {
        let (context, poster) = (shared.context(&film.correlation), plan::thumbnail_task(source));
        let (key, size) = (keys::thumbnail(video), (poster.width, poster.height));
        insist(|| transcode::record_thumbnail(services, &context, video, key.clone(), size)).await?;
    }
    let context = shared.context(&film.correlation);
    let manifests = (keys::master(video), keys::mpd(video));
    let duration = MediaTime::from_micros(ledger.duration_us());
    insist(|| transcode::complete(services, &context, video, manifests.clone(), duration)).await?;
    tracing::info!(%video, "ready");
    Ok(())
}

/// Declares that the film failed.
pub async fn fail(shared: &Shared, video: VideoId, correlation: &str, failure: Failure) -> End {
    let context = shared.context(correlation);
    tracing::info!(%video, code = %failure.code, "failed");
    let failed = insist(|| transcode::fail(&shared.services, &context, video, failure.clone())).await;
    match failed {
        Ok(_) | Err(CommandError::Refused(_)) => End::Over,
        Err(_) => End::Later(FAULT_REST),
    }
}
