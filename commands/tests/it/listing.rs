//! The one check of a store against the log: every object in the films' folders is one the log says is there, and every
//! object the log says is there, is. For a log at rest: nothing is being uploaded or transcoded.

use std::collections::BTreeSet;

use lockstep_commands::Services;
use lockstep_domain::{
    ids::{StreamId, VideoId},
    video::{Place, Status, Video, VideoState},
    work::Work,
};

/// Panics with the difference.
pub async fn listing_equals_log(services: &Services) {
    let ids: Vec<(String,)> =
        sqlx::query_as("SELECT aggregate_id FROM events WHERE event_type = 'UploadRequested' ORDER BY 1")
            .fetch_all(&services.pool)
            .await
            .expect("the log answers");
    let (mut interim, mut media, mut open) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (id,) in ids {
        let video: VideoId = id.parse().expect("a film");
        let film = services.dispatcher.load::<Video>(&StreamId::video(video)).await.expect("loads").state;
        if matches!(film.place, Place::Purging | Place::Purged) {
            continue;
        }
        if film.status == Status::Uploading {
            open.extend(film.upload_id.clone().map(|upload| (film.object_key.clone(), upload)));
        } else if !film.interim_removed {
            interim.insert(film.object_key.clone());
        }
        media.extend(made(services, video, &film).await);
    }
    let objects = &services.objects;
    let listed: BTreeSet<String> = objects.interim.list("", 10_000).await.expect("lists").into_iter().collect();
    assert_eq!(listed, interim, "uploaded files (left: the store, right: the log)");
    let listed: BTreeSet<String> = objects.media.list("", 10_000).await.expect("lists").into_iter().collect();
    let orphans: Vec<_> = listed.difference(&media).collect();
    let lost: Vec<_> = media.difference(&listed).collect();
    assert!(orphans.is_empty() && lost.is_empty(), "orphans: {orphans:?}, lost: {lost:?}");
    let uploads = objects.interim.list_multiparts("").await.expect("lists");
    let listed: BTreeSet<_> = uploads.into_iter().map(|upload| (upload.key, upload.upload_id)).collect();
    assert_eq!(listed, open, "uploads in parts (left: the store, right: the log)");
}

/// What was made of a film, by what the log says of it and of its work items.
async fn made(services: &Services, video: VideoId, film: &VideoState) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    keys.extend(film.hls_key.iter().chain(&film.dash_key).chain(&film.thumbnail_key).cloned());
    keys.extend(film.storyboard.iter().map(|board| board.object_key.clone()));
    keys.extend(film.poster.iter().map(|poster| poster.object_key.clone()));
    keys.extend(film.captions.iter().map(|track| track.object_key.clone()));
    keys.extend(film.completed.iter().map(|rendition| format!("v/{video}/{}/playlist.m3u8", rendition.name)));
    for item in &film.items {
        let work = services.dispatcher.load::<Work>(&StreamId::work(video, item.number)).await.expect("loads").state;
        keys.extend(work.segments.iter().filter_map(|segment| {
            let (name, number) = (segment.rendition.as_str(), segment.number);
            match name {
                "thumb" => Some(format!("v/{video}/thumb.jpg")),
                // Of these the film itself says which are left.
                "text" => None,
                "tiles" => Some(format!("v/{video}/tiles/{number:05}.jpg")),
                _ if number == 0 => Some(format!("v/{video}/{name}/init.mp4")),
                _ => Some(format!("v/{video}/{name}/{number:05}.m4s")),
            }
        }));
    }
    keys
}
