//! What one account may upload, whoever asks at once, and the same file again.

use lockstep_commands::{
    CommandError, Services,
    upload::{self, Limits, QuotaKind, Uploads, Usage},
    video::{self, Upload, VideoRefusal},
};
use lockstep_domain::{
    ids::{AccountId, VideoId},
    video::AbortReason,
};

use crate::{multipart::large, support::World};

const ASKED_AT_ONCE: usize = 50;

fn small(bytes: u64) -> Upload {
    Upload { size_bytes: bytes, ..large(None) }
}

async fn ask(services: &Services, world: &World, by: AccountId, upload: Upload) -> Result<VideoId, VideoRefusal> {
    match video::request_upload(services, &world.context(by), upload).await {
        Ok(ticket) => Ok(ticket.video),
        Err(CommandError::Refused(refusal)) => Err(refusal),
        Err(fault) => panic!("{fault}"),
    }
}

/// Fifty at once over two processes, each with turns of its own: they share the database alone.
async fn at_once(limits: Limits, bytes: u64) -> (World, AccountId, Vec<Result<VideoId, VideoRefusal>>) {
    let mut world = World::new().await;
    world.services.uploads = Uploads::new(limits);
    let pool = world.database.pool().await;
    let node = Services { uploads: Uploads::new(limits), pool, ..world.other_node().await };
    let ada = world.account("Ada").await;
    let nodes = [&world.services, &node];
    let asked = (0..ASKED_AT_ONCE).map(|index| ask(nodes[index % 2], &world, ada, small(bytes)));
    let answers = futures::future::join_all(asked).await;
    (world, ada, answers)
}

#[tokio::test]
async fn fifty_at_once_get_no_further_than_the_limit() {
    let cases = [
        (Limits { bytes_max: 7_500, ..Limits::default() }, QuotaKind::Bytes, 7, 7_000, 7_500),
        (Limits { films_max: 7, ..Limits::default() }, QuotaKind::Films, 7, 7, 7),
        (Limits { unfinished_max: 7, ..Limits::default() }, QuotaKind::Unfinished, 7, 7, 7),
    ];
    for (limits, kind, granted, used, allowed) in cases {
        let (world, ada, answers) = at_once(limits, 1_000).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), granted, "{kind:?}");
        for refusal in answers.into_iter().filter_map(Result::err) {
            assert_eq!(refusal, VideoRefusal::Quota { kind, used, allowed });
        }
        let usage = upload::usage(&world.services.pool, ada).await.expect("counted");
        assert_eq!(usage, Usage { bytes: 7_000, films: 7, unfinished: 7 });
    }
}

#[tokio::test]
async fn what_is_given_up_counts_no_more_and_others_count_apart() {
    let mut world = World::new().await;
    world.services.uploads = Uploads::new(Limits { films_max: 1, ..Limits::default() });
    let (ada, bob) = (world.account("Ada").await, world.account("Bob").await);
    let first = ask(&world.services, &world, ada, small(1_000)).await.expect("requested");
    let refused = VideoRefusal::Quota { kind: QuotaKind::Films, used: 1, allowed: 1 };
    assert_eq!(ask(&world.services, &world, ada, small(1_000)).await, Err(refused.clone()));
    assert_eq!(refused.to_string(), "you have 1 films of 1: remove some first");
    ask(&world.services, &world, bob, small(1_000)).await.expect("another's films are another's");
    upload::abort(&world.services, &world.context(ada), first, AbortReason::Withdrawn).await.expect("aborted");
    ask(&world.services, &world, ada, small(1_000)).await.expect("there is room again");
}

#[tokio::test]
async fn a_repeat_of_a_granted_request_is_not_counted_again() {
    let mut world = World::new().await;
    world.services.uploads = Uploads::new(Limits { films_max: 1, ..Limits::default() });
    let ada = world.account("Ada").await;
    let context = world.context(ada);
    let first = video::request_upload(&world.services, &context, small(1_000)).await.expect("requested");
    let again = video::request_upload(&world.services, &context, small(1_000)).await.expect("repeated");
    assert_eq!((again.video, again.outcome.position), (first.video, first.outcome.position));
}

#[tokio::test]
async fn the_same_file_is_found_for_its_account_alone() {
    let world = World::new().await;
    let (ada, bob) = (world.account("Ada").await, world.account("Bob").await);
    let print = "5f".repeat(32);
    let file = |again| Upload { again, size_bytes: 1_000, ..large(Some(&print)) };
    let first = ask(&world.services, &world, ada, file(false)).await.expect("requested");
    assert_eq!(ask(&world.services, &world, ada, file(false)).await, Err(VideoRefusal::Duplicate(first)));
    ask(&world.services, &world, bob, file(false)).await.expect("nobody learns what others have");
    let second = ask(&world.services, &world, ada, file(true)).await.expect("asked for again");
    assert_eq!(
        ask(&world.services, &world, ada, file(false)).await,
        Err(VideoRefusal::Duplicate(second)),
        "the newest"
    );
    for video in [first, second] {
        upload::abort(&world.services, &world.context(ada), video, AbortReason::Withdrawn).await.expect("aborted");
    }
    ask(&world.services, &world, ada, file(false)).await.expect("given up is not there");
    let other = Upload { fingerprint: Some("nonsense".to_owned()), ..file(false) };
    ask(&world.services, &world, ada, other).await.expect("whatever it is, it is bound to the account and hashed");
}
