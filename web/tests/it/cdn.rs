//! Films behind a CDN: the real program beside stand-ins for CloudFront, its API and S3, from the upload to the deletion.

mod api;
mod edge;
mod sigv4;

use std::{
    collections::BTreeSet,
    sync::LazyLock,
    time::{Duration, Instant},
};

use lockstep_object_store::cloudfront::{Hash, SigningKey, policy};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey, rand_core::OsRng};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    api::{Api, change},
    process::{Server, data_folder, film, run, stable_port},
    roles::stored,
    store::s3,
};
use api::{CloudFront, DISTRIBUTION};
use edge::Edge;

/// Seconds that access lives here at most, and half of it at least: enough to ask for every file on a busy machine.
const LIFE_S: u64 = 20;
/// Time for a busy machine, and for what is done every quarter of a minute.
const MARGIN: Duration = Duration::from_secs(60);
const PAIR_ID: &str = "K1TESTKEY";
/// Follows nothing by itself.
static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client"));

/// An installation's surroundings.
struct World {
    data: TempDir,
    store: String,
    edge: Edge,
    cloudfront: CloudFront,
    pem: String,
    port: u16,
    env: Vec<(&'static str, String)>,
    _objects: TempDir,
}

/// How a film's files are reached.
#[derive(Clone)]
struct Access {
    base: String,
    query: String,
    cookie: Option<String>,
}

impl World {
    async fn new(more: &[(&'static str, &str)]) -> Self {
        let (data, objects) = (data_folder(), data_folder());
        let store = s3(objects.path()).await;
        let key = RsaPrivateKey::new(&mut OsRng, 2_048).expect("a key");
        let pem = key.to_pkcs8_pem(Default::default()).expect("in PEM").to_string();
        let file = data.path().join("cloudfront.pem");
        std::fs::write(&file, &pem).expect("a file");
        let edge = Edge::start(&format!("{store}/lockstep-media"), PAIR_ID, key.to_public_key()).await;
        let (cloudfront, port) = (CloudFront::start(edge.clone()).await, stable_port());
        let site = format!("http://127.0.0.1:{port}");
        edge.admit(&site);
        let mut env = vec![
            ("S3_ENDPOINT", store.clone()),
            ("S3_ACCESS_KEY_ID", "access".to_owned()),
            ("S3_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("LOCKSTEP_TOKEN_LIFE_S", LIFE_S.to_string()),
            ("LOCKSTEP_REGISTRATION", "open".to_owned()),
            ("LOCKSTEP_PUBLIC_URL", site),
            ("LOCKSTEP_CDN_URL", edge.url.clone()),
            ("LOCKSTEP_CLOUDFRONT_KEY_PAIR_ID", PAIR_ID.to_owned()),
            ("LOCKSTEP_CLOUDFRONT_PRIVATE_KEY", file.display().to_string()),
            ("LOCKSTEP_CLOUDFRONT_DISTRIBUTION_ID", DISTRIBUTION.to_owned()),
            ("LOCKSTEP_CLOUDFRONT_ENDPOINT", cloudfront.url.clone()),
        ];
        env.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Self { data, store, edge, cloudfront, pem, port, env, _objects: objects }
    }

    fn env(&self) -> Vec<(&str, &str)> {
        self.env.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    async fn start(&self) -> Server {
        Server::start(self.data.path(), self.port, &self.env()).await
    }

    /// Everything the bucket holds of a film, without the prefix.
    async fn stored(&self, video: Uuid) -> Vec<String> {
        let prefix = format!("v/{video}/");
        let keys = stored(&self.store).media.list(&prefix, 1_000).await.expect("lists");
        keys.iter().map(|key| key[prefix.len()..].to_owned()).collect()
    }

    /// Those of these files that are delivered.
    async fn opened(&self, files: &[String], access: &Access) -> BTreeSet<String> {
        let mut open = BTreeSet::new();
        for file in files {
            if access.get(file, &[]).await.status() == 200 {
                open.insert(file.clone());
            }
        }
        open
    }

    /// Signed as the program signs, for whatever and as long as the test wants.
    fn signed(&self, resource: &str, expires_s: i64) -> String {
        let key = SigningKey::from_pem(PAIR_ID, &self.pem, Hash::Sha1).expect("a key");
        key.query(&key.sign(&policy(resource, expires_s)))
    }
}

impl Access {
    fn url(&self, file: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{file}{mark}{}", self.base, self.query)
    }

    async fn get(&self, file: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let cookie = self.cookie.as_deref().map(|cookie| ("cookie", cookie));
        fetch(&self.url(file), headers.iter().copied().chain(cookie)).await
    }
}

async fn fetch<'a>(url: &str, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> reqwest::Response {
    let request = headers.into_iter().fold(CLIENT.get(url), |request, (name, value)| request.header(name, value));
    request.send().await.expect("answers")
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

/// What this account is given for a film; `None` when it may not see it.
async fn access(api: &Api, video: Uuid, cookies: bool) -> Option<Access> {
    let query = "query($id: UUID!, $c: Boolean!) { video(id: $id) { delivery(cookies: $c) { base query cookies } } }";
    let answer = api.raw(query, json!({ "id": video, "c": cookies })).await;
    let set = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().expect("text").to_owned());
    let set: Vec<String> = set.collect();
    let body: Value = answer.json().await.expect("JSON");
    let given = &body["data"]["video"]["delivery"];
    if given.is_null() {
        assert!(set.is_empty(), "cookies for nobody: {set:?}");
        return None;
    }
    assert_eq!(given["cookies"], json!(!set.is_empty()), "{given} {set:?}");
    for cookie in &set {
        let wanted = format!("; Domain=127.0.0.1; Path=/v/{video}/; Max-Age=");
        assert!(cookie.contains(&wanted) && cookie.ends_with("; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
    }
    let pairs: Vec<&str> = set.iter().map(|cookie| cookie.split(';').next().expect("a pair")).collect();
    let text = |name: &str| given[name].as_str().expect("text").to_owned();
    let cookie = (!pairs.is_empty()).then(|| pairs.join("; "));
    Some(Access { base: text("base"), query: text("query"), cookie })
}

async fn set_visibility(api: &Api, video: Uuid, visibility: &str) {
    change(api, "editFilm", "EditFilmInput", json!({ "video": video, "visibility": visibility })).await;
}

/// Waits until this holds, no longer than access lives and a margin.
async fn within_a_life(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let (begun, mut pause) = (Instant::now(), tokio::time::interval(Duration::from_millis(200)));
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(LIFE_S) + MARGIN, "not in time: {what}");
        pause.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_films_files_come_from_the_cdn_for_who_may_watch_it_and_nobody_else() {
    let world = World::new(&[("LOCKSTEP_CDN_COOKIE_DOMAIN", "127.0.0.1")]).await;
    let server = world.start().await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let video = ada.upload(&film(world.data.path(), 6, "320x240")).await;
    assert_eq!(ada.settled(video).await["status"], "READY");
    set_visibility(&ada, video, "PRIVATE").await;
    let files = world.stored(video).await;

    // Its owner, by addresses and by cookies.
    let signed = access(&ada, video, false).await.expect("hers");
    let by_cookies = access(&ada, video, true).await.expect("hers");
    assert_eq!(signed.base, format!("{}/v/{video}/", world.edge.url));
    assert!(signed.cookie.is_none() && by_cookies.cookie.is_some() && by_cookies.query.is_empty());
    let tree = world.opened(&files, &signed).await;
    assert_eq!(tree, files.iter().cloned().collect(), "all that is stored");
    assert!(tree.len() >= 10 && tree.contains("master.m3u8") && tree.contains("storyboard.vtt"), "{tree:?}");
    let fetched = world.edge.fetched();
    let fresh = access(&ada, video, true).await.expect("hers");
    assert_eq!(world.opened(&files, &fresh).await, tree, "by cookies");
    assert_eq!(world.edge.fetched(), fetched, "kept by path: no signature or cookie is part of the key");
    as_a_cdn_wants_it(&world, &fresh).await;

    // Nobody, and whoever alters or makes up a signature, or has one of another film or key.
    let fresh = access(&ada, video, false).await.expect("hers");
    let stranger = SigningKey::from_pem(PAIR_ID, &other_key(), Hash::Sha1).expect("a key");
    let own = format!("{}*", fresh.base);
    let in_an_hour = jiff::Timestamp::now().as_second() + 3_600;
    let wrong = [
        String::new(),
        fresh.query.replace("Signature=", "Signature=A"),
        fresh.query.replace("Policy=eyJTdGF0ZW1lbnQi", "Policy=eyJTdGF0ZW1lbnQx"),
        world.signed(&format!("{}/v/{}/*", world.edge.url, Uuid::now_v7()), in_an_hour),
        world.signed(&own, jiff::Timestamp::now().as_second() - 1),
        stranger.query(&stranger.sign(&policy(&own, in_an_hour))),
    ];
    for query in wrong {
        let open = world.opened(&files, &Access { query: query.clone(), ..fresh.clone() }).await;
        assert_eq!(open, BTreeSet::new(), "{query}");
    }
    for file in &files {
        let bare = fetch(&format!("{}/lockstep-media/v/{video}/{file}", world.store), []).await;
        assert_eq!(bare.status(), 403, "{file} at the bare store");
    }

    // Somebody else; a member of a channel that plays it, until being sent away.
    let bob = Api::guest(&server.url, "Bob").await;
    assert!(access(&bob, video, true).await.is_none());
    let (club, query, cookies) = played_to(&ada, &bob, video).await;
    assert_eq!(world.opened(&files, &query).await, tree, "as a member");
    assert_eq!(world.opened(&files, &cookies).await, tree, "as a member, by cookies");
    let him = bob.ask("{ me { id } }", json!({})).await.expect("answers")["me"]["id"].clone();
    change(&ada, "removeMember", "ModerateInput", json!({ "channel": club, "account": him })).await;
    within_a_life("what was held opens nothing any more", async || {
        access(&bob, video, true).await.is_none()
            && world.opened(&files, &query).await.is_empty()
            && world.opened(&files, &cookies).await.is_empty()
    })
    .await;
    assert!(world.edge.kept(&format!("/v/{video}/")) >= tree.len(), "although everything is still kept");
    programs_are_led(&server, &ada, video).await;
    server.stop();
}

fn other_key() -> String {
    RsaPrivateKey::new(&mut OsRng, 2_048).expect("a key").to_pkcs8_pem(Default::default()).expect("in PEM").to_string()
}

/// A channel of Ada's that plays it, with Bob in it; what he is given, by addresses and by cookies.
async fn played_to(ada: &Api, bob: &Api, video: Uuid) -> (Value, Access, Access) {
    let club = json!({ "name": "Club", "visibility": "PRIVATE" });
    let club = change(ada, "createChannel", "CreateChannelInput", club).await["id"].clone();
    change(ada, "loadVideo", "LoadVideoInput", json!({ "channel": club, "video": video })).await;
    let expires = jiff::Timestamp::now() + Duration::from_secs(3_600);
    let invite = json!({ "channel": club, "expiresAt": expires.to_string(), "usesMax": 1 });
    let code = change(ada, "issueInvite", "IssueInviteInput", invite).await["code"].clone();
    change(bob, "redeemInvite", "RedeemInviteInput", json!({ "code": code })).await;
    within_a_life("he sees it", async || access(bob, video, false).await.is_some()).await;
    let given = async |cookies| access(bob, video, cookies).await.expect("played");
    (club, given(false).await, given(true).await)
}

/// What objects say of themselves, parts of them, and who may read them from a page.
async fn as_a_cdn_wants_it(world: &World, access: &Access) {
    for (file, control, kind) in [
        ("master.m3u8", "public, max-age=300", "application/vnd.apple.mpegurl"),
        ("manifest.mpd", "public, max-age=300", "application/dash+xml"),
        ("thumb.jpg", "public, max-age=31536000, immutable", "image/jpeg"),
        ("storyboard.vtt", "public, max-age=31536000, immutable", "text/vtt; charset=utf-8"),
    ] {
        let whole = access.get(file, &[]).await;
        assert_eq!((whole.status().as_u16(), header(&whole, "x-cache")), (200, "Hit"), "{file}");
        assert_eq!((header(&whole, "cache-control"), header(&whole, "content-type")), (control, kind), "{file}");
        assert!(!header(&whole, "etag").is_empty() && !header(&whole, "last-modified").is_empty(), "{file}");
        assert_eq!(header(&whole, "accept-ranges"), "bytes");
        assert_eq!(header(&whole, "access-control-allow-origin"), format!("http://127.0.0.1:{}", world.port));
        let (tag, whole) = (header(&whole, "etag").to_owned(), whole.bytes().await.expect("a body"));
        for (range, part) in
            [("bytes=0-3", 0..4), ("bytes=2-", 2..whole.len()), ("bytes=-5", whole.len() - 5..whole.len())]
        {
            let partial = access.get(file, &[("range", range), ("if-range", &tag)]).await;
            assert_eq!(partial.status(), 206, "{file} {range}");
            let wanted = format!("bytes {}-{}/{}", part.start, part.end - 1, whole.len());
            assert_eq!(header(&partial, "content-range"), wanted);
            assert_eq!(partial.bytes().await.expect("a body"), whole.slice(part), "{file} {range}");
        }
        let older = access.get(file, &[("range", "bytes=0-3"), ("if-range", "\"older\"")]).await;
        assert_eq!(older.status(), 200, "of another version the whole");
        assert_eq!(access.get(file, &[("range", "bytes=99999999-")]).await.status(), 416);
    }
}

/// Programs have no cookies and swap nothing: they are led on, file by file.
async fn programs_are_led(server: &Server, ada: &Api, video: Uuid) {
    let session = ("cookie", ada.session());
    let manifest = fetch(&format!("{}/api/videos/{video}/master.m3u8", server.url), [session]).await;
    let (status, manifest) = (manifest.status(), format!("{}{}", server.url, header(&manifest, "location")));
    assert!(status == 302 && manifest.contains("/v/"), "{status} {manifest}");
    let text = fetch(&manifest, []).await.text().await.expect("a playlist");
    let list = text.lines().find(|line| line.ends_with("/playlist.m3u8")).expect("a rendition");
    let folder = manifest.trim_end_matches("master.m3u8");
    assert_eq!(fetch(&format!("{folder}{list}"), []).await.status(), 200);
    let segment = list.replace("playlist.m3u8", "00001.m4s");
    let named = segment.replacen('/', "_", 1);
    for door in [format!("{folder}{segment}"), format!("{}/api/videos/{video}/segments/{named}", server.url)] {
        let led = fetch(&door, [session]).await;
        assert_eq!((led.status().as_u16(), header(&led, "cache-control")), (302, "no-store"), "{door}");
        let address = header(&led, "location").to_owned();
        assert!(address.contains(&format!("/v/{video}/{segment}?Expires=")), "{address}");
        assert_eq!(fetch(&address, [("range", "bytes=0-7")]).await.status(), 206);
        let other = address.replace("00001.m4s", "init.mp4");
        assert_eq!(fetch(&other, []).await.status(), 403, "it opens this one file");
    }
    let page = fetch(&server.url, []).await;
    let policy = header(&page, "content-security-policy").to_owned();
    let cdn = access(ada, video, false).await.expect("hers").base;
    let cdn = cdn.split("/v/").next().expect("an origin");
    for directive in ["img-src", "media-src", "connect-src"] {
        let sources = policy.split("; ").find(|part| part.starts_with(directive)).expect("a directive");
        assert!(sources.split(' ').any(|source| source == cdn), "{sources}");
    }
    // In a list nobody sets hundreds of cookies.
    let list = ada.raw("{ videos(first: 5) { nodes { delivery(cookies: true) { query cookies } } } }", json!({})).await;
    assert!(list.headers().get("set-cookie").is_none());
    let list: Value = list.json().await.expect("JSON");
    let first = &list["data"]["videos"]["nodes"][0]["delivery"];
    assert!(first["cookies"] == false && first["query"].as_str().is_some_and(|query| !query.is_empty()), "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_private_closes_within_a_life_and_what_is_deleted_is_forgotten_through_a_crash() {
    let world = World::new(&[("LOCKSTEP_CLOUDFRONT_HASH", "sha256")]).await;
    let server = world.start().await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let bob = Api::register(&server.url, "Bob").await;
    let video = ada.upload(&film(world.data.path(), 6, "320x240")).await;
    assert_eq!(ada.settled(video).await["status"], "READY");
    set_visibility(&ada, video, "PUBLIC").await;
    let files = world.stored(video).await;

    // Public, so his; then private: what he holds is cached and signed, and ends with its life all the same.
    let mut held = None;
    within_a_life("he sees it", async || {
        held = access(&bob, video, false).await;
        held.is_some()
    })
    .await;
    let held = held.expect("his");
    assert!(held.query.contains("Hash-Algorithm=SHA256"), "{}", held.query);
    assert_eq!(world.opened(&files, &held).await.len(), files.len());
    let token = bob.ask("query($id: UUID!) { video(id: $id) { delivery { token } } }", json!({ "id": video })).await;
    let token = token.expect("answers")["video"]["delivery"]["token"].as_str().expect("a token").to_owned();
    let own = Access { base: format!("{}/v/{token}/", server.url), query: String::new(), cookie: None };
    assert_eq!(own.get("master.m3u8", &[]).await.status(), 200);
    set_visibility(&ada, video, "PRIVATE").await;
    within_a_life("he is given nothing", async || access(&bob, video, false).await.is_none()).await;
    within_a_life("what he holds opens nothing, at the CDN or here", async || {
        world.opened(&files, &held).await.is_empty() && own.get("master.m3u8", &[]).await.status() == 403
    })
    .await;
    let hers = access(&ada, video, false).await.expect("hers");
    assert_eq!(hers.get("thumb.jpg", &[]).await.status(), 200, "to its owner it is open");

    // Deleted while CloudFront's API is away: copies are served to a signature that lasts, and the film is not over.
    let lasting =
        Access { query: world.signed(&format!("{}*", hers.base), jiff::Timestamp::now().as_second() + 3_600), ..hers };
    world.opened(&files, &lasting).await;
    world.cloudfront.be_away(true);
    for field in ["trashFilm", "purgeFilm"] {
        change(&ada, field, "FilmInput", json!({ "video": video })).await;
    }
    within_a_life("nothing is stored", async || world.stored(video).await.is_empty()).await;
    within_a_life("the CDN was to be told", async || !world.cloudfront.asked().is_empty()).await;
    assert_eq!(lasting.get("thumb.jpg", &[]).await.status(), 200, "a copy");
    server.kill().await;
    world.cloudfront.be_away(false);
    let server = world.start().await;
    within_a_life("it is told after the crash", async || lasting.get("thumb.jpg", &[]).await.status() != 200).await;
    assert_eq!(world.opened(&files, &lasting).await, BTreeSet::new(), "the signature is good, and nothing is there");
    let purged = async || server.events().iter().any(|event| event["type"] == "Purged");
    within_a_life("it is over", purged).await;
    let log = server.events();
    let begun = log.iter().find(|event| event["type"] == "PurgeStarted").expect("begun")["event_id"].clone();
    let asked = world.cloudfront.asked();
    assert!(asked.len() >= 2, "away, then there: {asked:?}");
    for (reference, paths) in asked {
        assert_eq!((json!(reference), paths), (begun.clone(), format!("/v/{video}/*")), "the same wish each time");
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_who_delivers_and_whether_it_asks_for_signatures() {
    let world = World::new(&[]).await;
    let says = async |changed: Option<String>| {
        let mut env = world.env.clone();
        env.extend(changed.map(|url| ("LOCKSTEP_CDN_URL", url)));
        let data = world.data.path().to_owned();
        let run = move || {
            let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
            run(&["doctor"], &data, &env).1
        };
        tokio::task::spawn_blocking(run).await.expect("runs")
    };
    let well = says(None).await;
    for part in ["ok    delivery: by http://127.0.0.1:", "signed addresses", PAIR_ID, "SHA1", DISTRIBUTION] {
        assert!(well.contains(part), "{part}: {well}");
    }
    // Something that hands out anything to anybody; and nothing at all.
    let open = axum::Router::new().fallback(|| async { "a playlist" });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, open).await });
    let wrong = says(Some(url)).await;
    assert!(wrong.contains("WRONG delivery") && wrong.contains("restrict viewer access"), "{wrong}");
    let absent = says(Some("http://127.0.0.1:1".to_owned())).await;
    assert!(absent.contains("WRONG delivery") && absent.contains("Check LOCKSTEP_CDN_URL"), "{absent}");
}
