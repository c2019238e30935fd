//! How long films were watched: who was there while they played, and no longer than they played.

use lockstep_domain::{
    ids::{AccountId, ChannelId, StreamId, VideoId, VisitId},
    playback::PlaybackEvent,
    time::{MediaTime, Timestamp},
    visit::VisitEvent,
};
use lockstep_projections::{
    videos::Asker,
    watching::{self, VISIT_US_MAX},
};
use uuid::Uuid;

use crate::fixture::{Fixture, requested};

const SECOND: i64 = 1_000_000;

/// A channel, a film of a minute, and a log whose clock the test says.
struct Evening {
    fixture: Fixture,
    channel: ChannelId,
    film: VideoId,
    events: Vec<i64>,
}

impl Evening {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let film = VideoId(Uuid::new_v4());
        let owner = AccountId(Uuid::new_v4());
        fixture.append(StreamId::video(film), None, &[requested(owner, film, "Film")]).await;
        let mut evening = Self { fixture, channel: ChannelId(Uuid::new_v4()), film, events: vec![0] };
        let loaded = PlaybackEvent::VideoLoaded {
            video: film,
            duration_us: MediaTime(60 * SECOND),
            at_us: Timestamp(0),
            item: None,
        };
        evening.plays(0, loaded).await;
        evening
    }

    async fn plays(&mut self, at_s: i64, event: PlaybackEvent) {
        self.fixture.append(StreamId::playback(self.channel), Some(self.channel), &[event]).await;
        self.events.push(at_s * SECOND);
    }

    async fn play(&mut self, at_s: i64, from_s: i64) {
        let position_us = MediaTime(from_s * SECOND);
        self.plays(at_s, PlaybackEvent::Played { position_us, at_us: Timestamp(0) }).await;
    }

    async fn pause(&mut self, at_s: i64, place_s: i64) {
        let position_us = MediaTime(place_s * SECOND);
        self.plays(at_s, PlaybackEvent::Paused { position_us, at_us: Timestamp(0) }).await;
    }

    async fn comes(&mut self, at_s: i64, visit: VisitId, account: AccountId) {
        let event = VisitEvent::Arrived { channel: self.channel, account };
        self.fixture.append(StreamId::visit(visit), Some(self.channel), &[event]).await;
        self.events.push(at_s * SECOND);
    }

    async fn goes(&mut self, at_s: i64, visit: VisitId, account: AccountId) {
        let event = VisitEvent::Departed { channel: self.channel, account };
        self.fixture.append(StreamId::visit(visit), Some(self.channel), &[event]).await;
        self.events.push(at_s * SECOND);
    }

    /// Seconds the film was watched by everybody together.
    async fn watched_s(&self) -> i64 {
        let mut events = self.fixture.events().await;
        for (event, at_us) in events.iter_mut().zip(&self.events) {
            event.recorded_at = Timestamp(*at_us);
        }
        self.fixture.apply(&events).await;
        // Once more changes nothing.
        self.fixture.apply(&events).await;
        let found = watching::of_films(&self.fixture.pool, &[self.film]).await.unwrap();
        let all = watching::total(&self.fixture.pool, &Asker { account: None, administers: true }).await.unwrap();
        let one = found.first().map_or(0, |(_, watched)| *watched);
        assert_eq!(all, one);
        one / SECOND
    }
}

fn visit() -> VisitId {
    VisitId(Uuid::new_v4())
}

fn account() -> AccountId {
    AccountId(Uuid::new_v4())
}

#[tokio::test]
async fn who_is_there_while_it_plays_watches_it() {
    let mut evening = Evening::new().await;
    let (ada, bob, window) = (account(), account(), visit());
    evening.comes(0, window, ada).await;
    evening.play(10, 0).await; // Ada alone
    let late = visit();
    evening.comes(15, late, bob).await;
    evening.pause(20, 10).await; // Ada 10, Bob 5
    evening.play(50, 10).await;
    evening.goes(53, window, ada).await; // Ada 3
    evening.pause(60, 20).await; // Bob 10
    assert_eq!(evening.watched_s().await, 28);
}

#[tokio::test]
async fn two_windows_count_once_and_an_empty_channel_not_at_all() {
    let mut evening = Evening::new().await;
    let (ada, one, two) = (account(), visit(), visit());
    evening.play(0, 0).await;
    evening.comes(10, one, ada).await;
    evening.comes(12, two, ada).await;
    evening.goes(15, one, ada).await;
    evening.goes(20, two, ada).await;
    evening.pause(40, 40).await;
    assert_eq!(evening.watched_s().await, 10);
}

#[tokio::test]
async fn a_film_that_nobody_stopped_is_over_at_its_end() {
    let mut evening = Evening::new().await;
    let (ada, window) = (account(), visit());
    evening.comes(0, window, ada).await;
    evening.play(0, 20).await;
    let faster =
        PlaybackEvent::RateChanged { rate_ppm: 2_000_000, position_us: MediaTime(40 * SECOND), at_us: Timestamp(0) };
    evening.plays(20, faster).await; // 20 s, and 20 s of film are left at twice the speed
    evening.goes(5_000, window, ada).await;
    assert_eq!(evening.watched_s().await, 30);
}

#[tokio::test]
async fn a_visit_that_was_never_told_to_end_lengthens_no_later_one() {
    let mut evening = Evening::new().await;
    let (ada, ghost, window) = (account(), visit(), visit());
    evening.comes(0, ghost, ada).await;
    let next_day_s = 2 * VISIT_US_MAX / SECOND;
    evening.comes(next_day_s, window, ada).await;
    evening.play(next_day_s + 10, 0).await;
    evening.goes(next_day_s + 15, window, ada).await;
    evening.pause(next_day_s + 50, 40).await;
    assert_eq!(evening.watched_s().await, 5, "she was there for five seconds");
}

#[tokio::test]
async fn a_visit_that_never_ends_counts_for_half_a_day() {
    let mut evening = Evening::new().await;
    let (ghost, window) = (account(), visit());
    evening.comes(0, window, ghost).await;
    let half_a_day_s = VISIT_US_MAX / SECOND;
    evening.play(half_a_day_s - 5, 0).await;
    evening.pause(half_a_day_s + 30, 35).await;
    evening.play(half_a_day_s + 100, 0).await;
    evening.pause(half_a_day_s + 110, 10).await;
    assert_eq!(evening.watched_s().await, 5);
}
