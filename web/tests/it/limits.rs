//! Limits: one contract for windows in this process and in Redis, what happens when Redis goes and comes, and two processes
//! that count together.

use std::sync::Arc;

use lockstep::{
    limits::{RedisWindows, Shared, WindowClock},
    vitals,
};
use lockstep_commands::window::{Draw, InProcess, Level, Share, Windows};
use lockstep_domain::time::Timestamp;
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::breaker::{Breaker, FAULTS_MAX, State};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    process::{Server, data_folder},
    redis::Redis,
    store::s3,
};

const SECOND_US: i64 = 1_000_000;
const WINDOW_S: u32 = 60;
const WINDOW_US: i64 = WINDOW_S as i64 * SECOND_US;

fn draw(key: &str, cost: u32, units_max: u32) -> Draw {
    Draw { key: key.to_owned(), cost, share: Share { units_max, window_s: WINDOW_S } }
}

fn shared(redis: &Redis, clock: WindowClock) -> Arc<Shared> {
    shared_of(redis, clock, "one")
}

fn shared_of(redis: &Redis, clock: WindowClock, installation: &str) -> Arc<Shared> {
    let windows = RedisWindows::new(&redis.url(), clock, installation).expect("an address");
    Arc::new(Shared::new(windows, Breaker::new("redis", vitals::elapsed())))
}

/// The contract.
async fn check(windows: Arc<dyn Windows>) {
    exact_boundary(&*windows).await;
    dear_draws(&*windows).await;
    all_or_none(&*windows).await;
    clocks_that_go_back(&*windows).await;
    race(Arc::clone(&windows)).await;
    oracle(&*windows).await;
}

async fn exact_boundary(windows: &dyn Windows) {
    let at = |us| Timestamp(1_700_000_000 * SECOND_US + us);
    let one = [draw("boundary", 1, 3)];
    for (us, remaining) in [(0, 2), (10, 1), (20, 0)] {
        let levels = windows.draw(&one, at(us)).await.expect("within the share");
        assert_eq!(levels, [Level { limit: 3, remaining, reset_at: at(us + WINDOW_US) }]);
    }
    for us in [20, 21, WINDOW_US - 1] {
        let refused = windows.draw(&one, at(us)).await.expect_err("one more than the share");
        assert_eq!(refused.after_us, WINDOW_US - us);
        assert_eq!(refused.level, Level { limit: 3, remaining: 0, reset_at: at(20 + WINDOW_US) });
    }
    assert_eq!(windows.draw(&one, at(WINDOW_US)).await.expect("the first has left")[0].remaining, 0);
    let refused = windows.draw(&one, at(WINDOW_US)).await.expect_err("one left, one came");
    assert_eq!(refused.after_us, 10);
    let look = windows.draw(&[draw("boundary", 0, 3)], at(WINDOW_US + 10)).await.expect("looking is free");
    assert_eq!((look[0].remaining, look[0].reset_at), (1, at(2 * WINDOW_US)));
    windows.forget("boundary").await;
    assert_eq!(windows.draw(&one, at(WINDOW_US + 10)).await.expect("forgotten")[0].remaining, 2);
}

async fn dear_draws(windows: &dyn Windows) {
    let spend = async |cost, us| windows.draw(&[draw("dear", cost, 100)], Timestamp(us)).await;
    for (cost, us) in [(10, 0), (20, 1), (30, 2), (40, 3)] {
        spend(cost, us).await.expect("within the share");
    }
    // Freed at WINDOW, +1, +2, +3: 10, 30, 60, 100.
    for (cost, after) in [(1, 0), (10, 0), (11, 1), (30, 1), (31, 2), (60, 2), (61, 3), (100, 3)] {
        let refused = spend(cost, 10).await.expect_err("nothing is left");
        assert_eq!(refused.after_us, WINDOW_US + after - 10, "{cost}");
    }
    assert_eq!(spend(101, 10).await.expect_err("more than there ever is").after_us, WINDOW_US);
    assert_eq!(spend(60, WINDOW_US + 2).await.expect("freed")[0].remaining, 0);
}

async fn all_or_none(windows: &dyn Windows) {
    let now = Timestamp(0);
    for _ in 0..2 {
        windows.draw(&[draw("narrow", 1, 2), draw("wide", 1, 10)], now).await.expect("fits both");
    }
    for _ in 0..20 {
        let refused = windows.draw(&[draw("wide", 1, 10), draw("narrow", 1, 2)], now).await.expect_err("one is full");
        assert_eq!(refused.level.limit, 2, "it is told of the one that refuses");
    }
    let levels = windows.draw(&[draw("wide", 0, 10), draw("narrow", 0, 2)], now).await.expect("looks");
    assert_eq!((levels[0].remaining, levels[1].remaining), (8, 0), "in the order asked");
}

async fn clocks_that_go_back(windows: &dyn Windows) {
    let one = [draw("clock", 1, 2)];
    windows.draw(&one, Timestamp(9 * WINDOW_US)).await.expect("the first");
    let level = windows.draw(&one, Timestamp(9 * WINDOW_US - 5)).await.expect("a little earlier")[0];
    assert_eq!(level.reset_at, Timestamp(10 * WINDOW_US), "as if at the same time");
    windows.draw(&one, Timestamp(9 * WINDOW_US - 5)).await.expect_err("both are counted");
    windows.draw(&one, Timestamp(7 * WINDOW_US)).await.expect("set back by more than a window it starts afresh");
}

/// A hundred at once: exactly the share gets in.
async fn race(windows: Arc<dyn Windows>) {
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let windows = Arc::clone(&windows);
            tokio::spawn(async move { windows.draw(&[draw("race", 1, 37)], Timestamp(5)).await.is_ok() })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += usize::from(task.await.expect("ends"));
    }
    assert_eq!(admitted, 37);
}

/// A random history against the definition: admitted while what was drawn within the last window, and this, is the share at
/// most.
async fn oracle(windows: &dyn Windows) {
    let mut random = StdRng::seed_from_u64(7);
    let (mut held, mut now, mut refusals) = (Vec::<(i64, u32)>::new(), 0, 0);
    for step in 0..600 {
        now += random.random_range(0..4) * SECOND_US;
        let cost = random.random_range(1..30);
        held.retain(|(at, _)| now - at < WINDOW_US);
        let used: u32 = held.iter().map(|(_, cost)| cost).sum();
        let drawn = windows.draw(&[draw("oracle", cost, 100)], Timestamp(now)).await;
        assert_eq!(drawn.is_ok(), used + cost <= 100, "step {step}: {used} and {cost}: {drawn:?}");
        match drawn {
            Ok(levels) => {
                held.push((now, cost));
                assert_eq!(levels[0].remaining, 100 - used - cost, "step {step}");
            }
            Err(exhausted) => {
                refusals += 1;
                let free_at = now + exhausted.after_us;
                let then: u32 = held.iter().filter(|(at, _)| free_at - at < WINDOW_US).map(|(_, cost)| cost).sum();
                let before: u32 =
                    held.iter().filter(|(at, _)| free_at - 1 - at < WINDOW_US).map(|(_, cost)| cost).sum();
                assert!(then + cost <= 100 && before + cost > 100, "step {step}: the wait is exact");
            }
        }
    }
    assert!((100..500).contains(&refusals), "both answers are seen: {refusals} refusals");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_in_this_process_keep_the_contract() {
    check(Arc::new(InProcess::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_in_redis_keep_the_contract() {
    let redis = Redis::start().await;
    let windows = shared(&redis, WindowClock::Caller);
    check(windows.clone()).await;
    assert_eq!(windows.fallen(), 0, "every draw was Redis's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_draw_from_one_share_by_the_clock_of_redis() {
    let redis = Redis::start().await;
    let nodes = [shared(&redis, WindowClock::Server), shared(&redis, WindowClock::Server)];
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let windows = Arc::clone(&nodes[n % 2]);
            // Two processes an hour apart.
            let now = Timestamp(i64::try_from(n % 2).expect("0 or 1") * 3_600 * SECOND_US);
            tokio::spawn(async move { windows.draw(&[draw("together", 1, 37)], now).await.is_ok() })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += usize::from(task.await.expect("ends"));
    }
    assert_eq!((admitted, nodes[0].fallen() + nodes[1].fallen()), (37, 0));
    // Another installation on the same Redis has drawn nothing.
    let staging = shared_of(&redis, WindowClock::Server, "staging");
    let untouched = staging.draw(&[draw("together", 0, 37)], Timestamp(0)).await.expect("looks")[0];
    assert_eq!((untouched.remaining, staging.fallen()), (37, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_stay_on_while_redis_is_away_and_after_it_is_back() {
    let redis = Redis::start().await;
    let windows = shared(&redis, WindowClock::Caller);
    let spend = async |us| windows.draw(&[draw("ada", 1, 10)], Timestamp(us)).await;
    for us in 0..6 {
        spend(us).await.expect("by Redis");
    }
    let gone = redis.kill();
    for us in 6..10 {
        spend(us).await.expect("by this process, which knows of the six");
    }
    assert_eq!(spend(10).await.expect_err("the eleventh").after_us, WINDOW_US - 10);
    assert_eq!((windows.fallen(), windows.breaker().state()), (5, State::Open));
    for _ in 0..20 {
        spend(11).await.expect_err("limits are on");
    }
    assert_eq!(windows.breaker().counts().faults, u64::from(FAULTS_MAX), "it is not asked any more");
    windows.look().await;
    assert_eq!(windows.breaker().state(), State::Open, "it is still away");

    let redis = gone.restart().await;
    windows.look().await;
    assert_eq!(windows.breaker().state(), State::Closed);
    // Redis has lost the window; this process has not.
    assert_eq!(spend(20).await.expect_err("still the same window").after_us, WINDOW_US - 20);
    let fallen = windows.fallen();
    spend(WINDOW_US).await.expect("the first draw has left the window");
    assert_eq!(windows.fallen(), fallen, "shared again");
    let other = shared(&redis, WindowClock::Caller);
    let seen = other.draw(&[draw("ada", 0, 10)], Timestamp(WINDOW_US)).await.expect("looks")[0];
    assert!(seen.remaining < 10, "another process sees it: {seen:?}");
}

/// One request to a server behind a proxy on this machine, as if from this address.
async fn ask(server: &Server, path: &str, from: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(format!("{}{path}", server.url)).header("x-forwarded-for", from);
    request.send().await.expect("answers")
}

fn said<'r>(answer: &'r reqwest::Response, name: &str) -> &'r str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tier_is_counted_by_subscriber_and_said_in_every_answer() {
    let data = data_folder();
    let env = [("LOCKSTEP_TRUSTED_PROXIES", "127.0.0.1"), ("LOCKSTEP_LIMIT_STREAMING", "3/600")];
    let server = Server::start(data.path(), 0, &env).await;
    let film = "/v/not-a-token/master.m3u8";
    for (host, remaining) in [("1", "2"), ("ffff:2", "1"), ("3", "0")] {
        let answer = ask(&server, film, &format!("2001:db8:1:2::{host}")).await;
        assert_eq!((answer.status().as_u16(), said(&answer, "x-ratelimit-limit")), (403, "3"));
        assert_eq!(said(&answer, "x-ratelimit-remaining"), remaining);
        assert_eq!(said(&answer, "ratelimit-policy"), "\"streaming\";q=3;w=600");
        assert!(said(&answer, "ratelimit").starts_with(&format!("\"streaming\";r={remaining};t=")));
    }
    let refused = ask(&server, film, "2001:db8:1:2::4").await;
    assert_eq!(refused.status(), 429);
    let after_s: i64 = said(&refused, "retry-after").parse().expect("seconds");
    let reset_s: i64 = said(&refused, "x-ratelimit-reset").parse().expect("seconds");
    assert!((500..=600).contains(&after_s), "{after_s}");
    let now_s = lockstep_commands::Clock::now(&lockstep::system::SystemClock).0 / SECOND_US;
    assert!((reset_s - now_s - after_s).abs() <= 15, "{reset_s} is about {after_s} s from {now_s}");
    assert_eq!(refused.json::<Value>().await.expect("JSON")["code"], "rate_limited");
    for elsewhere in ["2001:db8:1:3::1", "192.0.2.7"] {
        assert_eq!(ask(&server, film, elsewhere).await.status(), 403, "{elsewhere}");
    }
    // What a client writes left of its proxy's word changes nothing.
    let forged = ask(&server, film, "192.0.2.99, 2001:db8:1:2::5").await;
    assert_eq!(forged.status(), 429);
    assert_eq!(said(&ask(&server, "/healthz", "2001:db8:1:2::1").await, "x-ratelimit-limit"), "", "not limited");
    assert_eq!(said(&ask(&server, "/readyz", "2001:db8:1:2::1").await, "x-ratelimit-limit"), "6000");
    server.stop();
}

const SIGN_IN: &str = "mutation($i: SignInInput!) { signIn(input: $i) { ... on Refused { code retryAfterMs } } }";

async fn sign_in(server: &Server, name: &str) -> Value {
    let body = json!({ "query": SIGN_IN, "variables": { "i": { "name": name, "password": "not this one" } } });
    let request = reqwest::Client::new().post(format!("{}/graphql", server.url)).json(&body);
    let answer: Value = request.send().await.expect("answers").json().await.expect("JSON");
    answer["data"]["signIn"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_a_password_are_counted_over_all_processes() {
    let (database, redis) = (TestDatabase::create().await, Redis::start().await);
    let (data, objects) = (data_folder(), data_folder());
    let (url, key, redis_url, endpoint) = (database.url(), "5a".repeat(32), redis.url(), s3(objects.path()).await);
    let env = [
        ("DATABASE_URL", url.as_str()),
        ("LOCKSTEP_MASTER_KEY", key.as_str()),
        ("REDIS_URL", redis_url.as_str()),
        ("LOCKSTEP_LIMIT_AUTH", "10/900"),
        ("S3_ENDPOINT", endpoint.as_str()),
        ("S3_ACCESS_KEY_ID", "access"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
    ];
    let nodes =
        [Server::start_role(data.path(), "api", &env).await, Server::start_role(data.path(), "api", &env).await];
    for n in 0..10 {
        assert_eq!(sign_in(&nodes[n % 2], "Ada").await["code"], "wrong_credentials", "try {n}");
    }
    for node in &nodes {
        let refused = sign_in(node, "ada").await;
        assert_eq!(refused["code"], "throttled");
        assert!(refused["retryAfterMs"].as_i64().is_some_and(|ms| (800_000..=900_000).contains(&ms)), "{refused}");
        assert_eq!(sign_in(node, "bob").await["code"], "wrong_credentials", "another account");
    }
    nodes.into_iter().for_each(Server::stop);
}
