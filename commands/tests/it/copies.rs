//! Copies of a deleted film in a CDN: when it is told, how often, and when a purge goes on without it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lockstep_commands::{
    CommandError, captions, library,
    library::TOLD_FOR,
    video::{VideoRefusal, system_context},
};
use lockstep_domain::{
    ids::{StreamId, VideoId},
    video::{Place, Video},
};
use lockstep_object_store::cloudfront::{InvalidationError, Invalidations};
use uuid::Uuid;

use crate::{library::ready, support::World};

/// A CDN that writes down what it is told, and answers as it is to.
#[derive(Clone, Default)]
struct Cdn {
    told: Arc<Mutex<Vec<(String, String)>>>,
    away: Arc<Mutex<Option<InvalidationError>>>,
}

#[async_trait]
impl Invalidations for Cdn {
    async fn invalidate(&self, paths: &[String], reference: &str) -> Result<(), InvalidationError> {
        self.told.lock().unwrap().push((paths.join(" "), reference.to_owned()));
        self.away.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Cdn {
    fn before(world: &World) -> Self {
        let cdn = Self::default();
        world.services.objects.media.cached_by(Arc::new(cdn.clone()));
        cdn
    }

    fn is(&self, away: Option<InvalidationError>) {
        *self.away.lock().unwrap() = away;
    }

    fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap().clone()
    }
}

async fn place(world: &World, video: VideoId) -> Place {
    world.services.dispatcher.load::<Video>(&StreamId::video(video)).await.expect("a film").state.place
}

async fn purge_begun(world: &World) -> VideoId {
    let ada = world.account("Ada").await;
    let video = ready(world, ada).await;
    library::trash(&world.services, &world.context(ada), video).await.expect("trashed");
    library::purge(&world.services, &world.context(ada), video).await.expect("begun");
    video
}

async fn finish(world: &World, video: VideoId) -> Result<(), CommandError<VideoRefusal>> {
    let context = system_context(Uuid::now_v7(), world.services.clock.now(), None);
    library::finish_purge(&world.services, &context, video).await.map(drop)
}

#[tokio::test]
async fn a_purge_ends_once_the_cdn_was_told_with_the_same_reference_each_time() {
    let world = World::new().await;
    let cdn = Cdn::before(&world);
    let video = purge_begun(&world).await;
    for away in [InvalidationError::Unavailable("503".into()), InvalidationError::Refused("403".into())] {
        cdn.is(Some(away));
        let waits = finish(&world, video).await;
        assert!(matches!(waits, Err(CommandError::Unavailable(_))), "{waits:?}");
        assert_eq!(place(&world, video).await, Place::Purging);
    }
    cdn.is(None);
    finish(&world, video).await.expect("ends");
    assert_eq!(place(&world, video).await, Place::Purged);
    let event: Uuid = sqlx::query_scalar("SELECT event_id FROM events WHERE event_type = 'PurgeStarted'")
        .fetch_one(&world.services.pool)
        .await
        .unwrap();
    assert_eq!(cdn.told(), vec![(format!("/v/{video}/*"), event.to_string()); 3]);
    finish(&world, video).await.expect("has ended");
    assert_eq!(cdn.told().len(), 3, "what is over is not told again");
}

#[tokio::test]
async fn a_cdn_that_cannot_be_told_for_a_day_holds_no_purge_up() {
    let world = World::new().await;
    let cdn = Cdn::before(&world);
    let video = purge_begun(&world).await;
    cdn.is(Some(InvalidationError::Refused("403".into())));
    world.clock.advance(i64::try_from(TOLD_FOR.as_micros()).unwrap() - 1);
    assert!(finish(&world, video).await.is_err(), "a moment too early");
    world.clock.advance(1);
    finish(&world, video).await.expect("ends without it");
    assert_eq!(place(&world, video).await, Place::Purged);
}

#[tokio::test]
async fn captions_that_were_taken_away_are_forgotten_as_well() {
    let world = World::new().await;
    let cdn = Cdn::before(&world);
    let ada = world.account("Ada").await;
    let video = ready(&world, ada).await;
    captions::discard(&world.services, video, "u1").await.expect("gone");
    let key = format!("v/{video}/text/u1.vtt");
    assert_eq!(cdn.told(), [(format!("/{key}"), key)]);
}
