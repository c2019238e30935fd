//! A rebuild gives the same rows, byte for byte, while the log goes on.

use lockstep_domain::ids::{AccountId, StreamId, VideoId};
use lockstep_projections::{RebuildError, Runner, checksum, rebuild};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::fixture::{Fixture, names, requested, story};

#[tokio::test]
async fn a_rebuild_gives_equal_rows_for_every_read_model() {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    let runner = Runner::new(fixture.store.clone(), fixture.pool.clone());
    let (reader, shutdown) = (runner.reader(), CancellationToken::new());
    let running = tokio::spawn(runner.run(shutdown.clone()));
    reader.wait_for(&names(), story.last).await.unwrap();
    let rows = fixture.rows().await;
    for name in names() {
        let before = checksum(&fixture.pool, name).await.unwrap();
        let rebuilt = rebuild(&fixture.pool, &fixture.store, name).await.unwrap();
        assert_eq!(rebuilt.position, story.last, "{name}");
        assert_eq!(checksum(&fixture.pool, name).await.unwrap(), before, "{name}");
    }
    assert_eq!(fixture.rows().await, rows);
    // The live runner goes on where the rebuild ended.
    let video = VideoId(Uuid::new_v4());
    let position = fixture.append(StreamId::video(video), None, &[requested(story.ada, video, "Next")]).await;
    reader.wait_for(&names(), position).await.unwrap();
    assert_eq!(fixture.rows().await.len(), rows.len() + 3, "the film, its word, and whose it is");
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_rebuild_mends_damaged_rows() {
    let fixture = Fixture::new().await;
    story(&fixture).await;
    fixture.apply_all().await;
    let right = checksum(&fixture.pool, "videos").await.unwrap();
    sqlx::query("UPDATE rm_videos SET title = 'damaged'").execute(&fixture.pool).await.unwrap();
    assert_ne!(checksum(&fixture.pool, "videos").await.unwrap(), right);
    rebuild(&fixture.pool, &fixture.store, "videos").await.unwrap();
    assert_eq!(checksum(&fixture.pool, "videos").await.unwrap(), right);
}

#[tokio::test]
async fn rebuilds_while_the_log_grows_lose_nothing() {
    let fixture = Fixture::new().await;
    let owner = AccountId(Uuid::new_v4());
    let runner = Runner::new(fixture.store.clone(), fixture.pool.clone());
    let (reader, shutdown) = (runner.reader(), CancellationToken::new());
    let running = tokio::spawn(runner.run(shutdown.clone()));
    let writing = async {
        let mut last = lockstep_domain::ids::Position::START;
        for number in 0..60 {
            let video = VideoId(Uuid::new_v4());
            let event = requested(owner, video, &format!("Film {number}"));
            last = fixture.append(StreamId::video(video), None, &[event]).await;
        }
        last
    };
    let rebuilding = async {
        for _ in 0..5 {
            rebuild(&fixture.pool, &fixture.store, "videos").await.unwrap();
        }
    };
    let (last, ()) = tokio::join!(writing, rebuilding);
    reader.wait_for(&["videos"], last).await.unwrap();
    let live = checksum(&fixture.pool, "videos").await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM rm_videos").fetch_one(&fixture.pool).await.unwrap();
    assert_eq!(count, 60);
    rebuild(&fixture.pool, &fixture.store, "videos").await.unwrap();
    assert_eq!(checksum(&fixture.pool, "videos").await.unwrap(), live);
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn an_unknown_name_is_refused() {
    let fixture = Fixture::new().await;
    let refused = rebuild(&fixture.pool, &fixture.store, "nonsense").await;
    assert!(matches!(refused, Err(RebuildError::Unknown(name)) if name == "nonsense"));
}
