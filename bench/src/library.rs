//! A library of 100,000 films: lists, filters and searches as the library's page asks for them, beside the plain way over
//! the same rows in the same run: pages by OFFSET, searches by ILIKE.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lockstep_domain::{
    Personal,
    aggregate::Event,
    ids::{AccountId, CommandId, StreamId, VideoId},
    time::{MediaTime, Timestamp},
    video::{Source, Status, VideoEvent},
};
use lockstep_event_store::{Append, EventStore, Expected, MasterKey, Metadata, NewEvent, PostgresStore};
use lockstep_migrations::cluster::{Cluster, ClusterOptions};
use lockstep_projections::{
    library::{self, After, Filter, Search, Sort},
    rebuild,
    videos::Asker,
};
use sqlx::{Execute, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    append::tempfile_folder,
    report::{Line, machine},
};

const FILMS: u64 = 100_000;
const OWNERS: u64 = 200;
/// Appends under way at the same time.
const APPENDS: usize = 256;
/// Times each question is asked.
const ASKED: u64 = 200;
/// As the page asks for them: one more than it shows.
const PAGE: i64 = 21;
/// What was promised of each of them.
const P95_MAX: Duration = Duration::from_millis(50);
const SYLLABLES: [&str; 24] = [
    "la", "bor", "mi", "sun", "ter", "vo", "lis", "na", "ka", "ren", "do", "wal", "fi", "gor", "mon", "tes", "pe",
    "ru", "shi", "lo", "den", "ha", "zu", "bri",
];

/// The same numbers in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Of 13,824 words; some are had more often than others.
    fn word(&mut self) -> String {
        let common = self.below(3) == 0;
        let mut syllable = || SYLLABLES[self.below(if common { 4 } else { 24 }) as usize];
        [syllable(), syllable(), syllable()].concat()
    }

    fn words(&mut self, count: u64) -> String {
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

pub async fn run() -> anyhow::Result<()> {
    let folder = tempfile_folder()?;
    let cluster = tokio::task::spawn_blocking({
        let folder = folder.clone();
        move || Cluster::start(ClusterOptions::new(folder))
    })
    .await??;
    let outcome = measured(&cluster).await;
    tokio::task::spawn_blocking(move || cluster.stop()).await?;
    std::fs::remove_dir_all(&folder).ok();
    outcome
}

async fn measured(cluster: &Cluster) -> anyhow::Result<()> {
    cluster.ensure_database("library").await?;
    let url = cluster.url("library");
    let pool = PgPool::connect(&url).await?;
    lockstep_migrations::migrate(&pool).await?;
    let store: Arc<dyn EventStore> =
        PostgresStore::connect(&url, MasterKey::from_bytes([7; 32]), "bench".to_owned()).await?;
    let started = Instant::now();
    fill(&store).await?;
    eprintln!("{FILMS} films in the log after {:.0} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let rebuilt = rebuild(&pool, &store, "videos").await?;
    eprintln!("{} events projected in {:.0} s", rebuilt.events, started.elapsed().as_secs_f64());
    sqlx::query("VACUUM ANALYZE rm_videos").execute(&pool).await?;
    lists(&pool).await?;
    searches(&pool).await
}

async fn fill(store: &Arc<dyn EventStore>) -> anyhow::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..FILMS {
        if tasks.len() >= APPENDS
            && let Some(done) = tasks.join_next().await
        {
            done??;
        }
        let store = Arc::clone(store);
        tasks.spawn(async move { store.append(film(number)?).await.map(drop).map_err(anyhow::Error::from) });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn owner(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(u128::from(number % OWNERS) + 1))
}

/// A film's events: three of four are ready, every tenth is private.
fn film(number: u64) -> anyhow::Result<Append> {
    let (dice, owner) = (&mut Dice(number), owner(number));
    let video = VideoId(Uuid::from_u128(0x1000_0000 + u128::from(number)));
    let text = |text: String| Personal::new(owner, text);
    let length = dice.below(3);
    let mut events = vec![VideoEvent::UploadRequested {
        owner,
        title: text(dice.words(2 + length)),
        file_name: text("film.mp4".to_owned()),
        size_bytes: 1_000_000 + dice.below(4_000_000_000),
        content_type: "video/mp4".to_owned(),
        object_key: format!("u/{video}"),
    }];
    if number.is_multiple_of(2) {
        events.push(VideoEvent::Described { description: text(dice.words(20)) });
        events.push(VideoEvent::Tagged { tags: Personal::new(owner, vec![dice.word(), dice.word()]) });
    }
    if !number.is_multiple_of(4) {
        let duration_us = MediaTime(1_000_000 * (10 + dice.below(10_000) as i64));
        events.push(VideoEvent::SourceProbed { source: source(duration_us) });
        let (hls_key, dash_key) = (format!("v/{video}/master.m3u8"), format!("v/{video}/manifest.mpd"));
        events.push(VideoEvent::TranscodeCompleted { hls_key, dash_key, duration_us });
    }
    if number.is_multiple_of(10) {
        events.push(VideoEvent::VisibilityChanged { visibility: lockstep_domain::channel::Visibility::Private });
    }
    let events = events.iter().map(|event| {
        let payload = serde_json::to_value(event)?;
        Ok(NewEvent { event_type: event.event_type().to_owned(), event_version: "1".to_owned(), payload })
    });
    Ok(Append {
        stream: StreamId::video(video),
        expected: Expected::Any,
        guards: vec![],
        command_id: CommandId(Uuid::from_u128(u128::from(number) + 1)),
        metadata: Metadata { actor: "system".to_owned(), ..Metadata::default() },
        occurred_at: Timestamp(1),
        events: events.collect::<anyhow::Result<_>>()?,
    })
}

fn source(duration_us: MediaTime) -> Source {
    Source {
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: None,
        duration_us,
        width: 1920,
        height: 1080,
        rotation_degrees: 0,
        frame_rate_num: 25,
        frame_rate_den: 1,
        audio_channels: 0,
        sounds: vec![],
        texts: vec![],
        chapters: vec![],
    }
}

fn filter(number: u64) -> Filter {
    let asker = Asker { account: Some(owner(number)), administers: false };
    Filter { asker, ..Filter::default() }
}

/// A page somewhere in each order, beside the same page by OFFSET.
async fn lists(pool: &PgPool) -> anyhow::Result<()> {
    let orders = [
        ("newest", Sort::Newest, "created_position DESC"),
        ("oldest", Sort::Oldest, "created_position"),
        ("by title", Sort::Title, "lower(title), created_position"),
        ("longest", Sort::Longest, "coalesce(duration_us, 0) DESC, created_position DESC"),
        ("largest", Sort::Largest, "size_bytes DESC, created_position DESC"),
    ];
    let positions: Vec<i64> =
        sqlx::query_scalar("SELECT created_position FROM rm_videos ORDER BY 1").fetch_all(pool).await?;
    for (name, sort, order) in orders {
        let (mut ours, mut peer) = (vec![], vec![]);
        for asked in 0..ASKED {
            let dice = &mut Dice(asked);
            let place = dice.below(FILMS - 1_000);
            let after = lockstep_domain::ids::Position::from_i64(positions[place as usize]);
            ours.push(timed(library::list(pool, &filter(asked), sort, Some(After::Film(after)), PAGE)).await?);
            let sql = format!(
                "SELECT * FROM rm_videos WHERE shelf = 'library' AND (visibility = 'public' OR owner_id = $1)
                 ORDER BY {order} LIMIT $2 OFFSET $3"
            );
            let page = sqlx::query(&sql).bind(owner(asked).0).bind(PAGE).bind(place as i64);
            peer.push(timed(page.fetch_all(pool)).await?);
        }
        tell(&format!("library, {name}"), ours, peer, "the same page by OFFSET")?;
        explain(pool, library::sorted(&filter(1), sort, None, PAGE)).await?;
    }
    let (mut ours, mut peer) = (vec![], vec![]);
    for asked in 0..ASKED {
        let failed = Filter { statuses: vec![Status::Uploading], owner: Some(owner(asked)), ..filter(asked) };
        ours.push(timed(library::list(pool, &failed, Sort::Newest, None, PAGE)).await?);
        let plain = "SELECT * FROM rm_videos WHERE status = 'uploading' AND owner_id = $1 ORDER BY title LIMIT $2";
        peer.push(timed(sqlx::query(plain).bind(owner(asked).0).bind(PAGE).fetch_all(pool)).await?);
    }
    tell("library, one owner and status", ours, peer, "sorted by title without an index for it")?;
    let (mut ours, mut peer) = (vec![], vec![]);
    for asked in 0..ASKED {
        ours.push(timed(library::count(pool, &filter(asked))).await?);
        peer.push(timed(sqlx::query("SELECT count(*) FROM rm_videos WHERE title <> ''").fetch_all(pool)).await?);
    }
    tell("library, count", ours, peer, "an exact count of every row")
}

/// Searches of each kind, beside ILIKE over the title alone.
async fn searches(pool: &PgPool) -> anyhow::Result<()> {
    let kinds: [(&str, fn(&mut Dice, &str) -> String); 5] = [
        ("a word", |_, title| title.split(' ').next_back().unwrap_or(title).to_owned()),
        ("two words", |_, title| title.split(' ').take(2).collect::<Vec<_>>().join(" ")),
        ("three letters", |dice, _| dice.word().chars().take(3).collect()),
        ("a word with a wrong letter", |dice, title| wrong(dice, title.split(' ').next().unwrap_or(title))),
        ("nothing", |dice, _| format!("{}q{}", dice.word(), dice.word())),
    ];
    let titles: Vec<String> =
        sqlx::query_scalar("SELECT title FROM rm_videos ORDER BY created_position").fetch_all(pool).await?;
    for (name, of) in kinds {
        let (mut ours, mut peer, mut none) = (vec![], vec![], 0);
        for asked in 0..ASKED {
            let dice = &mut Dice(asked + 7);
            let title = &titles[dice.below(FILMS) as usize];
            let text = of(dice, title);
            let found = Filter { search: Search::of(&text), ..filter(asked) };
            let started = Instant::now();
            let rows = library::list(pool, &found, Sort::Newest, None, PAGE).await?;
            ours.push(started.elapsed());
            none += usize::from(rows.is_empty());
            let plain = "SELECT * FROM rm_videos WHERE title || '' ILIKE $1 AND shelf = 'library'
                         AND (visibility = 'public' OR owner_id = $3) ORDER BY title LIMIT $2";
            let plain = sqlx::query(plain).bind(format!("%{text}%")).bind(PAGE).bind(owner(asked).0);
            peer.push(timed(plain.fetch_all(pool)).await?);
            if asked == 0 {
                let search = found.search.as_ref().ok_or_else(|| anyhow::anyhow!("no words in {text:?}"))?;
                explain(pool, library::found(&found, search, None, PAGE)).await?;
            }
        }
        eprintln!("{name}: {none} of {ASKED} found nothing");
        tell(&format!("library, search for {name}"), ours, peer, "ILIKE over the title alone")?;
    }
    Ok(())
}

/// The word with one letter changed, left out, doubled, or swapped with the next.
fn wrong(dice: &mut Dice, word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = 1 + dice.below(letters.len() as u64 - 2) as usize;
    match dice.below(4) {
        0 => letters[at] = 'x',
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, letters[at]),
        _ => letters.swap(at, at + 1),
    }
    letters.into_iter().collect()
}

async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<Duration, E> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed())
}

fn tell(name: &str, mut ours: Vec<Duration>, mut peer: Vec<Duration>, peer_name: &str) -> anyhow::Result<()> {
    let p95 = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() * 95 / 100]
    };
    let (ours, peer) = (p95(&mut ours), p95(&mut peer));
    let verdict = if ours <= P95_MAX { "within" } else { "OVER" };
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    Line {
        name,
        ours: ms(ours),
        peer: ms(peer),
        peer_name,
        ratio: ms(peer) / ms(ours),
        unit: "ms, 95th percentile, less is better",
        conditions: format!("{FILMS} films, {ASKED} times, {verdict} {} ms, {}", P95_MAX.as_millis(), machine()),
    }
    .print()
}

/// The plan of a statement as it ran, to the error output.
async fn explain(pool: &PgPool, mut query: QueryBuilder<'static, Postgres>) -> anyhow::Result<()> {
    let mut built = query.build();
    let arguments = built.take_arguments().map_err(|error| anyhow::anyhow!("{error}"))?.unwrap_or_default();
    let sql = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {}", built.sql());
    let lines: Vec<String> = sqlx::query_scalar_with(&sql, arguments).fetch_all(pool).await?;
    eprintln!("{}", lines.join("\n"));
    Ok(())
}
