//! Claims on work items: one worker at a time, takeover on the database's clock, the stale one refused.

use lockstep_commands::{
    Actor, CommandError, Services,
    transcode::{self, Claim, Claimed},
};
use lockstep_domain::{
    ids::VideoId,
    time::MediaTime,
    work::{Segment, WorkError},
};
use uuid::Uuid;

use crate::world::World;

async fn claim(world: &World, services: &Services, video: VideoId, worker: &str) -> Claimed {
    let context = world.context(Actor::Worker(worker.to_owned()));
    transcode::claim(services, &context, video, 1, worker).await.unwrap()
}

fn held(claimed: Claimed) -> Claim {
    match claimed {
        Claimed::Held(claim, _) => claim,
        other => panic!("{other:?}"),
    }
}

async fn let_lapse(world: &World, video: VideoId) {
    sqlx::query("UPDATE work_leases SET lease_until = clock_timestamp() - interval '1 second' WHERE video_id = $1")
        .bind(video.0)
        .execute(&world.services.pool)
        .await
        .unwrap();
}

fn segment() -> Segment {
    Segment {
        rendition: "360p".to_owned(),
        number: 1,
        pts_us: MediaTime::ZERO,
        duration_us: MediaTime::from_millis(4000),
        bytes: 1,
        sha256: "aa".to_owned(),
        codecs: None,
    }
}

#[tokio::test]
async fn one_worker_at_a_time_and_a_lapsed_one_is_refused() {
    let world = World::new().await;
    let other = world.other_process().await;
    let video = VideoId(Uuid::now_v7());
    let first = held(claim(&world, &world.services, video, "a").await);
    assert_eq!(first.attempt, 1);
    assert_eq!(claim(&world, &other, video, "b").await, Claimed::Busy);
    assert!(transcode::heartbeat(&world.services, &first).await.unwrap());
    let_lapse(&world, video).await;
    let second = held(claim(&world, &other, video, "b").await);
    assert_eq!((second.attempt, second.worker.as_str()), (2, "b"));
    assert!(!transcode::heartbeat(&world.services, &first).await.unwrap());
    let context = || world.context(Actor::Worker("a".to_owned()));
    let late = transcode::publish_segment(&world.services, &context(), &first, segment()).await;
    assert_eq!(late.unwrap_err(), CommandError::Refused(WorkError::Stale));
    transcode::publish_segment(&other, &context(), &second, segment()).await.unwrap();
    transcode::complete_item(&other, &context(), &second).await.unwrap();
    assert_eq!(claim(&world, &world.services, video, "a").await, Claimed::Done);
    let leases: i64 =
        sqlx::query_scalar("SELECT count(*) FROM work_leases").fetch_one(&world.services.pool).await.unwrap();
    assert_eq!(leases, 0);
}

#[tokio::test]
async fn of_many_that_claim_at_once_one_gets_it() {
    let world = World::new().await;
    let video = VideoId(Uuid::now_v7());
    let mut claims = Vec::new();
    for n in 0..8 {
        let services = world.services.clone();
        let worker = format!("w{n}");
        let context = world.context(Actor::Worker(worker.clone()));
        claims.push(tokio::spawn(async move { transcode::claim(&services, &context, video, 3, &worker).await }));
    }
    let mut winners = 0;
    for claim in claims {
        match claim.await.unwrap().unwrap() {
            Claimed::Held(..) => winners += 1,
            Claimed::Busy => {}
            Claimed::Done => panic!("nothing is done"),
        }
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_released_item_is_free_at_once() {
    let world = World::new().await;
    let video = VideoId(Uuid::now_v7());
    let first = held(claim(&world, &world.services, video, "a").await);
    transcode::release(&world.services, &world.context(Actor::Worker("a".to_owned())), &first).await.unwrap();
    assert_eq!(held(claim(&world, &world.services, video, "b").await).attempt, 2);
}
