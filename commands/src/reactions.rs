//! Event → next command. A reaction's operation id follows from the event, so doing it again does nothing.

mod queue;

use std::{sync::Arc, time::Duration};

use lockstep_domain::{
    aggregate::Event,
    ids::{AccountId, Position, VideoId},
    video::VideoEvent,
};
use lockstep_event_store::{RecordedEvent, answered};
use uuid::Uuid;

use crate::{CommandError, Context, Services, captions, library, loose, poster, session, upload, video};

/// Events taken from the log at a time.
const BATCH_EVENTS: usize = 200;
/// How often requested uploads are looked for.
pub const SWEEP_EVERY: Duration = Duration::from_secs(15);
/// Every so many sweeps the folders of films deleted a while ago are looked into: ten minutes.
const LATE_EVERY_SWEEPS: u32 = 40;
/// Each so many sweeps one also gives old uploads up and looks through the interim bucket: every five minutes.
const THOROUGH_EVERY: u32 = 20;
/// How often a failed reaction is tried before it is left and reported.
const TRIES_MAX: u32 = 5;
/// The reactions' checkpoint.
const NAME: &str = "reactions";

/// Follows the log and sends the commands that events call for; also sweeps uploads. Ends when dropped.
pub async fn run(services: Services) {
    let follow = follow(services.clone());
    let sweep = sweep(services);
    tokio::join!(follow, sweep);
}

async fn follow(services: Services) {
    let mut position = loop {
        match checkpoint(&services).await {
            Ok(position) => break position,
            Err(error) => {
                tracing::warn!(%error, "the reactions' checkpoint cannot be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    let mut feed = lockstep_event_store::Feed::new(Arc::clone(&services.store), position);
    loop {
        for event in feed.next(BATCH_EVENTS).await {
            position = event.position;
            react(&services, &event).await;
        }
        if let Err(error) = save(&services, position).await {
            tracing::warn!(%error, "the reactions' checkpoint cannot be saved; they will run again, to no effect");
        }
    }
}

async fn sweep(services: Services) {
    let mut due = tokio::time::interval(SWEEP_EVERY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut uploads = video::UploadSweep::default();
    let mut sweeps: u32 = 0;
    loop {
        due.tick().await;
        let context = || video::system_context(services.ids.uuid(), services.clock.now(), None);
        if let Err(error) = uploads.run(&services, context).await {
            tracing::warn!(%error, "uploads could not be swept");
        }
        if sweeps.is_multiple_of(LATE_EVERY_SWEEPS)
            && let Err(error) = library::sweep_late_objects(&services).await
        {
            tracing::warn!(%error, "late objects could not be swept");
        }
        if let Err(error) = library::sweep_trash(&services, context).await {
            tracing::warn!(%error, "the trash could not be swept");
        }
        if let Err(error) = loose::sweep(&services).await {
            tracing::warn!(%error, "loose objects could not be swept");
        }
        if sweeps.is_multiple_of(THOROUGH_EVERY) {
            if let Err(error) = upload::sweep_abandoned(&services, context).await {
                tracing::warn!(%error, "old uploads could not be swept");
            }
            if let Err(error) = upload::sweep_store(&services, context).await {
                tracing::warn!(%error, "the interim bucket could not be swept");
            }
        }
        sweeps = sweeps.wrapping_add(1);
    }
}

async fn react(services: &Services, event: &RecordedEvent) {
    match event.stream.kind() {
        "video" => {}
        "playback" | "queue" => return queue::react(services, event).await,
        "account" => return end_sessions(services, event).await,
        _ => return,
    }
    let Ok(video) = event.stream.id().parse::<VideoId>() else { return };
    let Ok(decoded) = serde_json::from_value::<VideoEvent>(event.payload.clone()) else {
        tracing::error!(position = %event.position, "an event cannot be decoded; no reaction to it");
        return;
    };
    match decoded {
        VideoEvent::TranscodeCompleted { .. }
        | VideoEvent::UploadRejected { .. }
        | VideoEvent::UploadAborted { .. } => {
            let context = caused_by(services, event, decoded.event_type());
            for attempt in 1..=TRIES_MAX {
                match video::remove_interim(services, &context, video).await {
                    Ok(_) => return,
                    Err(CommandError::Refused(error)) => {
                        tracing::warn!(%video, %error, "the interim object stays");
                        return;
                    }
                    Err(error) if attempt == TRIES_MAX => tracing::error!(%video, %error, "the interim object stays"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt))).await,
                }
            }
        }
        VideoEvent::UploadRequested { .. }
        | VideoEvent::UploadCompleted {}
        | VideoEvent::TranscodeStarted {}
        | VideoEvent::SourceProbed { .. }
        | VideoEvent::TranscodePlanned { .. }
        | VideoEvent::TranscodeProgressed { .. }
        | VideoEvent::RenditionCompleted { .. }
        | VideoEvent::ThumbnailsGenerated { .. }
        | VideoEvent::CaptionsAdded { .. }
        | VideoEvent::StoryboardGenerated { .. }
        | VideoEvent::TranscodeFailed { .. }
        | VideoEvent::UploadFingerprinted { .. }
        | VideoEvent::MultipartStarted { .. }
        | VideoEvent::InterimObjectRemoved {}
        | VideoEvent::Retitled { .. }
        | VideoEvent::Described { .. }
        | VideoEvent::Tagged { .. }
        | VideoEvent::VisibilityChanged { .. }
        | VideoEvent::Trashed { .. }
        | VideoEvent::Restored {}
        | VideoEvent::PosterChosen { replaces: None, .. }
        | VideoEvent::Purged {} => {}
        VideoEvent::CaptionsRemoved { id, by: _ } => {
            // Where it fails the sweep goes on.
            if let Err(error) = captions::discard(services, video, &id).await {
                tracing::warn!(%video, %error, "removed captions are still stored");
            }
        }
        VideoEvent::PosterChosen { replaces: Some(key), .. } | VideoEvent::PosterReset { replaces: key } => {
            if let Err(error) = poster::discard(services, video, &key).await {
                tracing::warn!(%video, %error, "a picture that was replaced is still stored");
            }
        }
        VideoEvent::PurgeStarted {} => {
            let context = caused_by(services, event, decoded.event_type());
            if let Err(error) = library::finish_purge(services, &context, video).await {
                tracing::warn!(%video, %error, "objects of a deleted film are still there; the sweep goes on");
            }
        }
    }
}

/// The sessions of who was suspended or got another role end, also where the command that did it was cut off half way.
/// Those that began since stay.
async fn end_sessions(services: &Services, event: &RecordedEvent) {
    if !matches!(event.event_type.as_str(), "Suspended" | "PlatformRoleGranted") {
        return;
    }
    let Ok(account) = event.stream.id().parse::<AccountId>() else { return };
    for attempt in 1..=TRIES_MAX {
        match session::revoke_all(&services.pool, account, Some(event.recorded_at)).await {
            Ok(()) => return,
            Err(error) if attempt == TRIES_MAX => tracing::error!(%account, %error, "sessions were not ended"),
            Err(_) => tokio::time::sleep(Duration::from_millis(200 * u64::from(attempt))).await,
        }
    }
}

fn caused_by(services: &Services, event: &RecordedEvent, what: &str) -> Context {
    let seed = Context {
        actor: crate::Actor::System,
        command_id: event.event_id.into(),
        correlation_id: event.metadata.correlation_id.clone(),
        causation_id: Some(event.event_id.to_string()),
        now: services.clock.now(),
    };
    let id: Uuid = crate::channel::derived_id(&seed, what);
    Context { command_id: id.into(), ..seed }
}

async fn checkpoint(services: &Services) -> Result<Position, sqlx::Error> {
    let held: Option<i64> = answered(
        sqlx::query_scalar("SELECT position FROM reaction_checkpoints WHERE name = $1")
            .bind(NAME)
            .fetch_optional(&services.pool),
    )
    .await?;
    Ok(Position::from_i64(held.unwrap_or(0)))
}

async fn save(services: &Services, position: Position) -> Result<(), sqlx::Error> {
    answered(
        sqlx::query(
            "INSERT INTO reaction_checkpoints (name, position) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET position = greatest(reaction_checkpoints.position, excluded.position)",
        )
        .bind(NAME)
        .bind(position.as_i64())
        .execute(&services.pool),
    )
    .await
    .map(|_| ())
}
