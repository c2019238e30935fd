//! Files that say they are something else, or something else as well: through the doors people use, each is refused with a
//! reason, or taken and then served as nothing that a browser runs.

mod files;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Response, header::HeaderMap};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::Api,
    process::{Server, data_folder},
};

/// What becomes of a file.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// Not even asked for: the code.
    Unwanted(&'static str),
    /// Sent, looked at and rejected: a part of the reason.
    Rejected(&'static str),
    /// Its probe says no: one of these codes.
    Failed(&'static [&'static str]),
    /// A film.
    Ready,
}

/// A file that is sent as a film.
pub struct Film {
    pub name: &'static str,
    pub declared: &'static str,
    pub bytes: Vec<u8>,
    pub end: End,
}

/// Everything that may ever be said about a file of somebody's.
const TYPES: [&str; 8] = [
    "application/vnd.apple.mpegurl",
    "application/dash+xml",
    "video/mp4",
    "video/iso.segment",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/vtt; charset=utf-8",
];
/// In every file of the corpus that could carry it.
pub const MARK: &str = "<script>alert(";

/// The GraphQL and the REST door.
#[derive(Debug, Clone, Copy)]
enum Door {
    Graphql,
    Rest,
}

struct Site {
    server: Server,
    ada: Api,
    web: reqwest::Client,
}

impl Site {
    async fn rest(&self, path: &str, body: Value) -> Value {
        let request = self.web.post(format!("{}{path}", self.server.url));
        let request = request.header("origin", &self.server.url).header("cookie", self.ada.session());
        request.json(&body).send().await.expect("answers").json().await.expect("JSON")
    }

    /// The ticket for a file, or the code of the refusal: id, address, headers.
    async fn ticket(&self, film: &Film, door: Door) -> Result<(Uuid, String), String> {
        let (name, bytes, declared) = (film.name, film.bytes.len(), film.declared);
        let (ticket, id, url) = match door {
            Door::Graphql => {
                let query = "mutation($i: RequestUploadInput!) { requestUpload(input: $i) {
                    ... on UploadRequested { video url } ... on Refused { code } } }";
                let input = json!({ "operationId": Uuid::now_v7(), "title": name, "fileName": name, "sizeBytes": bytes,
                    "contentType": declared });
                (self.ada.until_answered(query, input).await["requestUpload"].clone(), "video", "url")
            }
            Door::Rest => {
                let wanted = json!({ "fileName": name, "fileSize": bytes, "contentType": declared });
                let answer = self.rest("/api/upload/generate-presigned-url", wanted).await;
                (
                    if answer["data"].is_object() { answer["data"].clone() } else { answer["error"].clone() },
                    "videoId",
                    "presignedUrl",
                )
            }
        };
        match ticket["code"].as_str() {
            Some(code) => Err(code.to_owned()),
            None => Ok((
                ticket[id].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{ticket}")),
                ticket[url].as_str().expect("an address").to_owned(),
            )),
        }
    }

    /// What the door says once the file has been sent: nothing, or why not.
    async fn confirm(&self, video: Uuid, door: Door) -> Option<String> {
        match door {
            Door::Graphql => {
                let query = "mutation($i: ConfirmUploadInput!) { confirmUpload(input: $i) {
                    ... on Refused { code message } } }";
                let input = json!({ "operationId": Uuid::now_v7(), "video": video });
                let answer = self.ada.until_answered(query, input).await["confirmUpload"].clone();
                answer["code"].as_str().map(|code| format!("{code}: {}", answer["message"]))
            }
            Door::Rest => {
                let answer = self.rest(&format!("/api/upload/confirm/{video}"), json!({})).await;
                answer["error"]["code"].as_str().map(|code| format!("{code}: {}", answer["error"]["message"]))
            }
        }
    }

    /// Sends one file by one door and holds what becomes of it against what was expected: the film's id if it is one, or
    /// what was otherwise.
    async fn send(&self, film: &Film, door: Door) -> Result<Option<Uuid>, String> {
        let ticket = self.ticket(film, door).await;
        let otherwise = |what: &dyn std::fmt::Debug| Err(format!("{} by {door:?}: {what:?}", film.name));
        let (video, url) = match (ticket, film.end) {
            (Err(code), End::Unwanted(expected)) if code == expected => return Ok(None),
            (Ok(ticket), End::Rejected(_) | End::Failed(_) | End::Ready) => ticket,
            (ticket, _) => return otherwise(&ticket),
        };
        let put = self.web.put(&url).header("content-type", film.declared).body(film.bytes.clone());
        assert_eq!(put.send().await.expect("answers").status(), 200, "{}", film.name);
        let said = self.confirm(video, door).await;
        let settled = self.ada.settled(video).await;
        let (status, code) = (settled["status"].as_str(), settled["failure"]["code"].as_str());
        let expected = match (film.end, &said) {
            (End::Rejected(why), Some(said)) => {
                said.starts_with("rejected: ") && said.contains(why) && status == Some("REJECTED")
            }
            (End::Failed(codes), None) => status == Some("FAILED") && code.is_some_and(|code| codes.contains(&code)),
            (End::Ready, None) => status == Some("READY"),
            _ => false,
        };
        if !expected {
            return otherwise(&(said, settled));
        }
        // Whatever became of it, what was sent is at no address.
        for path in [
            format!("/lockstep-interim/u/{video}"),
            format!("/v/{video}/master.m3u8"),
            format!("/api/videos/{video}/segments/u_{video}"),
        ] {
            let status = self.get(&path).await.status();
            if status.is_success() {
                return otherwise(&(path, status));
            }
        }
        Ok(matches!(film.end, End::Ready).then_some(video))
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.web.get(format!("{}{path}", self.server.url)).header("cookie", self.ada.session());
        request.send().await.expect("answers")
    }

    async fn token(&self, video: Uuid) -> String {
        let query = "query($id: UUID!) { video(id: $id) { delivery { token } } }";
        let shown = self.ada.ask(query, json!({ "id": video })).await.expect("answers");
        shown["video"]["delivery"]["token"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
    }

    /// Asks for everything that is stored of a film, whatever its name: what is answered is inert.
    async fn walk(&self, video: Uuid) -> BTreeSet<String> {
        let token = self.token(video).await;
        let stored = stored(self.server.data(), video);
        assert!(stored.len() > 5, "{stored:?}");
        let mut served = BTreeSet::new();
        for file in stored {
            let answer = self.get(&format!("/v/{token}/{file}")).await;
            if answer.status() == 404 {
                continue;
            }
            assert_eq!(answer.status(), 200, "{file}");
            assert_eq!(active(answer.headers()), Vec::<String>::new(), "{file}");
            let bytes = answer.bytes().await.expect("a body");
            assert!(!bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "{file} carries a script");
            served.insert(file);
        }
        let segment = served.iter().find(|file| file.ends_with(".m4s")).expect("a segment").replacen('/', "_", 1);
        let answer = self.get(&format!("/api/videos/{video}/segments/{segment}")).await;
        assert_eq!((answer.status().as_u16(), active(answer.headers())), (200, vec![]), "{segment}");
        served
    }

    /// The code of a change to the film's captions or picture; nothing when it was made.
    async fn change(&self, field: &str, kind: &str, input: Value) -> Option<String> {
        let more = if field == "uploadCaptions" { "... on CaptionsUnreadable { code }" } else { "" };
        let query =
            format!("mutation($i: {kind}!) {{ {field}(input: $i) {{ __typename ... on Refused {{ code }} {more} }} }}");
        let answer = self.ada.until_answered(&query, input).await[field].clone();
        answer["code"].as_str().map(str::to_owned)
    }
}

/// What of an answer would let a browser run what is in it.
fn active(headers: &HeaderMap) -> Vec<String> {
    let said = |name: &str| headers.get(name).map_or("", |value| value.to_str().expect("text")).to_owned();
    let (kind, policy) = (said("content-type"), said("content-security-policy"));
    let mut found = Vec::new();
    if !TYPES.contains(&kind.as_str()) {
        found.push(format!("the type {kind:?}"));
    }
    if said("x-content-type-options") != "nosniff" {
        found.push("types may be guessed".to_owned());
    }
    if !policy.contains("default-src 'none'") || !policy.ends_with("; sandbox") {
        found.push(format!("the policy {policy:?}"));
    }
    let shown = kind.starts_with("image/") || kind.starts_with("text/");
    if shown && said("content-disposition") != "attachment" {
        found.push("shown as a page of its own".to_owned());
    }
    found
}

/// Files below the film's folder in the media bucket, wherever that is.
fn stored(data: &Path, video: Uuid) -> Vec<String> {
    let mut folders = vec![data.to_owned()];
    let mut found = Vec::new();
    let ours = PathBuf::from("v").join(video.to_string());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("postgres") {
                folders.push(path);
            } else if let Some((_, rest)) =
                path.to_str().and_then(|path| path.split_once(&format!("/{}/", ours.display())))
            {
                found.push(rest.to_owned());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_something_else_is_refused_or_served_as_nothing_that_runs() {
    let data = data_folder();
    let server = Server::start(data.path(), 0, &[]).await;
    let ada = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let web = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let site = Site { server, ada, web };
    let films = files::films(data.path());
    let (captions, pictures) = (files::captions(), files::pictures(data.path()));
    let count = films.len() + captions.len() + pictures.len();
    assert!(count >= 60, "{count} files");

    let (mut ready, mut otherwise) = (Vec::new(), Vec::new());
    let mut keep = |sent: Result<Option<Uuid>, String>| match sent {
        Ok(film) => ready.extend(film),
        Err(what) => otherwise.push(what),
    };
    for (film, door) in films.iter().zip([Door::Graphql, Door::Rest].into_iter().cycle()) {
        keep(site.send(film, door).await);
    }
    // By each door the same is said.
    for film in films.iter().filter(|film| !matches!(film.end, End::Ready | End::Failed(_))).step_by(5) {
        for door in [Door::Graphql, Door::Rest] {
            keep(site.send(film, door).await);
        }
    }
    assert_eq!(otherwise, Vec::<String>::new());
    assert!(ready.len() >= 3, "{ready:?}");
    for video in &ready {
        site.walk(*video).await;
    }

    let film = ready[0];
    for (name, text, code) in captions {
        let input = json!({ "operationId": Uuid::now_v7(), "video": film, "label": name, "text": text });
        let said = site.change("uploadCaptions", "UploadCaptionsInput", input).await;
        if said.as_deref() != code {
            otherwise.push(format!("{name}: {said:?}"));
        }
    }
    let mut chosen = 0;
    for (name, bytes, code) in pictures {
        let input = json!({ "operationId": Uuid::now_v7(), "video": film, "picture": BASE64_STANDARD.encode(bytes) });
        let said = site.change("choosePoster", "ChoosePosterInput", input).await;
        if said.as_deref() != code {
            otherwise.push(format!("{name}: {said:?}"));
        } else if said.is_none() {
            chosen += 1;
            let served = site.walk(film).await;
            assert!(served.iter().any(|file| file.starts_with("poster/")), "{name}: {served:?}");
        }
    }
    assert_eq!(otherwise, Vec::<String>::new());
    assert!(chosen >= 3, "{chosen} pictures were taken");
    let served = site.walk(film).await;
    assert!(served.iter().filter(|file| file.starts_with("text/")).count() >= 3, "{served:?}");
    site.server.stop();
}

#[test]
fn an_answer_that_runs_is_found() {
    let headers = |pairs: &[(&'static str, &'static str)]| {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
            .collect::<HeaderMap>()
    };
    let inert = [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("content-disposition", "attachment"),
    ];
    assert_eq!(active(&headers(&inert)), Vec::<String>::new());
    for (left_out, found) in [(0, 1), (1, 1), (2, 1), (3, 1)] {
        let rest: Vec<_> = inert.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, pair)| *pair).collect();
        assert_eq!(active(&headers(&rest)).len(), found, "without {:?}", inert[left_out]);
    }
    let page = [inert[1], inert[2], ("content-type", "text/html")];
    assert_eq!(active(&headers(&page)), ["the type \"text/html\"", "shown as a page of its own"]);
}
