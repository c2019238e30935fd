//! What the rows of films say of the library, and what leaves it.

use lockstep_domain::{
    channel::Visibility,
    ids::{StreamId, VideoId},
    time::Timestamp,
    video::VideoEvent,
};
use lockstep_projections::{
    library::{self, Filter, Search, Sort},
    videos::{self, Asker, Shelf},
};
use uuid::Uuid;

use crate::fixture::{Fixture, personal, requested, story};

#[tokio::test]
async fn a_film_shows_its_words_and_how_much_is_stored() {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    fixture.apply_all().await;
    let row = videos::by_ids(&fixture.pool, &[story.video]).await.unwrap().pop().unwrap();
    assert_eq!((row.description.as_str(), row.tags.join(",")), ("Two weeks by the sea.", "sea,summer".to_owned()));
    assert_eq!(
        (row.visibility, row.shelf, row.trashed_at, row.purge_at),
        (Visibility::Unlisted, Shelf::Library, None, None)
    );
    assert_eq!(row.stored_bytes, 1, "the source is gone, one byte of a rendition is there");
}

#[tokio::test]
async fn what_left_the_library_is_withdrawn() {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    let video = VideoId(Uuid::new_v4());
    let trashed = VideoEvent::Trashed { purge_at_us: Timestamp(7) };
    fixture.append(StreamId::video(video), None, &[requested(story.ada, video, "Bin"), trashed]).await;
    fixture.apply_all().await;
    let withdrawn = library::withdrawn(&fixture.pool, 0).await.unwrap();
    assert!(withdrawn.contains(&video) && !withdrawn.contains(&story.video), "{withdrawn:?}");
    assert_eq!(library::withdrawn(&fixture.pool, i64::MAX).await.unwrap(), vec![]);
    let asker = Asker { account: Some(story.ada), administers: false };
    let trash = Filter { asker, trash: true, ..Filter::default() };
    let found = library::list(&fixture.pool, &trash, Sort::default(), None, 10).await.unwrap();
    assert_eq!(found.iter().map(|found| found.film.title.as_str()).collect::<Vec<_>>(), ["Bin"]);
    assert_eq!(found[0].film.purge_at, Some(Timestamp(7)));
}

#[tokio::test]
async fn the_best_match_comes_first() {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    for (title, description) in [("Sea of stars", ""), ("A walk", "The sea, the sea."), ("Over the sea", "")] {
        let video = VideoId(Uuid::new_v4());
        let events = [
            requested(story.ada, video, title),
            VideoEvent::Described { description: personal(story.ada, description) },
        ];
        fixture.append(StreamId::video(video), None, &events).await;
    }
    fixture.apply_all().await;
    let asker = Asker { account: Some(Uuid::new_v4().into()), administers: false };
    let filter = Filter { asker, search: Search::of("sea"), ..Filter::default() };
    let found = library::list(&fixture.pool, &filter, Sort::default(), None, 10).await.unwrap();
    let titles: Vec<_> = found.iter().map(|found| found.film.title.as_str()).collect();
    assert_eq!(titles, ["Sea of stars", "Over the sea", "A walk"]);
}
