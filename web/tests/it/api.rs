//! A GraphQL client with a cookie jar: state is set up as data.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use reqwest::Body;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Clone)]
pub struct Api {
    client: reqwest::Client,
    pub url: String,
    cookie: String,
}

impl Api {
    /// Uses up the set-up link.
    pub async fn set_up(url: &str, link: &str) -> Self {
        let token = link.split("token=").nth(1).expect("a token");
        let mut api = Self { client: client(), url: url.to_owned(), cookie: String::new() };
        api.sign(
            "mutation($i: SetUpInput!) { setUp(input: $i) { __typename ... on Refused { message } } }",
            json!({ "token": token, "name": "Ada", "password": "correct horse battery" }),
        )
        .await;
        api
    }

    /// The same person at another address.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The session, as a `Cookie` header.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// A guest by name.
    pub async fn guest(url: &str, name: &str) -> Self {
        let mut api = Self { client: client(), url: url.to_owned(), cookie: String::new() };
        let mutation =
            "mutation($i: JoinAsGuestInput!) { joinAsGuest(input: $i) { __typename ... on Refused { message } } }";
        api.sign(mutation, json!({ "name": name })).await;
        api
    }

    /// A member by name, where registration is open.
    pub async fn register(url: &str, name: &str) -> Self {
        let mut api = Self { client: client(), url: url.to_owned(), cookie: String::new() };
        let mutation = "mutation($i: RegisterInput!) { register(input: $i) { __typename ... on Refused { message } } }";
        api.sign(mutation, json!({ "name": name, "password": "correct horse battery" })).await;
        api
    }

    /// One request, and all of its answer.
    pub async fn raw(&self, query: &str, variables: Value) -> reqwest::Response {
        let post = self.client.post(format!("{}/graphql", self.url)).header("origin", &self.url);
        let body = json!({ "query": query, "variables": variables });
        post.header("cookie", &self.cookie).json(&body).send().await.expect("answers")
    }

    /// The session as a cookie header.
    pub fn session(&self) -> &str {
        &self.cookie
    }

    async fn sign(&mut self, mutation: &str, input: Value) {
        let answer = self
            .client
            .post(format!("{}/graphql", self.url))
            .header("origin", &self.url)
            .json(&json!({ "query": mutation, "variables": { "i": input } }))
            .send()
            .await
            .expect("answers");
        let cookie = answer.headers().get("set-cookie").map(|value| value.to_str().expect("text").to_owned());
        let body = answer.text().await.expect("a body");
        let cookie = cookie.unwrap_or_else(|| panic!("no session: {body}"));
        self.cookie = cookie.split(';').next().expect("a pair").to_owned();
    }

    /// One request; `None` when the server is away or faults.
    pub async fn ask(&self, query: &str, variables: Value) -> Option<Value> {
        self.try_ask(query, variables).await.ok()
    }

    /// One request; `Err` says what came instead of data.
    async fn try_ask(&self, query: &str, variables: Value) -> Result<Value, String> {
        let answer = self
            .client
            .post(format!("{}/graphql", self.url))
            .header("origin", &self.url)
            .header("cookie", &self.cookie)
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let body: Value = answer.json().await.map_err(|error| error.to_string())?;
        if body["errors"].is_array() { Err(body.to_string()) } else { Ok(body["data"].clone()) }
    }

    /// A mutation with an `operationId`: repeated with the same id until it is answered, as a client does.
    pub async fn until_answered(&self, query: &str, input: Value) -> Value {
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        let mut instead = String::new();
        for _ in 0..600 {
            pause.tick().await;
            match self.try_ask(query, json!({ "i": input })).await {
                Ok(data) => return data,
                Err(error) => instead = error,
            }
        }
        panic!("no answer: {query}: {instead}");
    }

    pub async fn create_channel(&self, name: &str) -> Uuid {
        let query = "mutation($i: CreateChannelInput!) { createChannel(input: $i) { ... on ChannelCreated { id } } }";
        let input = json!({ "operationId": Uuid::now_v7(), "name": name, "visibility": "PUBLIC" });
        let data = self.until_answered(query, input).await;
        data["createChannel"]["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{data}"))
    }

    pub async fn join_channel(&self, channel: Uuid) {
        let query = "mutation($i: ChannelInput!) { joinChannel(input: $i) { __typename } }";
        let data = self.until_answered(query, json!({ "operationId": Uuid::now_v7(), "channel": channel })).await;
        assert_eq!(data["joinChannel"]["__typename"], "Changed", "{data}");
    }

    /// The channel's name as the read model has it, once it has it.
    pub async fn channel_name(&self, channel: Uuid) -> String {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..600 {
            pause.tick().await;
            let Some(data) =
                self.ask("query($id: UUID!) { channel(id: $id) { name } }", json!({ "id": channel })).await
            else {
                continue;
            };
            if let Some(name) = data["channel"]["name"].as_str() {
                return name.to_owned();
            }
        }
        panic!("the channel does not show");
    }

    /// Requests, PUTs and confirms; each step is repeated until it is answered.
    pub async fn upload(&self, file: &Path) -> Uuid {
        let bytes = Bytes::from(std::fs::read(file).expect("reads"));
        self.upload_as(bytes.len(), || Body::from(bytes.clone())).await
    }

    /// The same with a body of its own for every PUT.
    pub async fn upload_as(&self, size_bytes: usize, body: impl Fn() -> Body) -> Uuid {
        let input = json!({
            "operationId": Uuid::now_v7(), "title": "Film", "fileName": "film.mp4", "sizeBytes": size_bytes,
            "contentType": "video/mp4",
        });
        let query = "mutation($i: RequestUploadInput!) { requestUpload(input: $i) {
            ... on UploadRequested { video url headers { name value } } ... on Refused { message } } }";
        let confirm = "mutation($i: ConfirmUploadInput!) { confirmUpload(input: $i) {
            __typename ... on Refused { code message } } }";
        let operation = Uuid::now_v7();
        loop {
            let ticket = self.until_answered(query, input.clone()).await["requestUpload"].clone();
            let video = ticket["video"].as_str().unwrap_or_else(|| panic!("{ticket}")).to_owned();
            if !self.put(&ticket, size_bytes, body()).await {
                continue;
            }
            let answer = self.until_answered(confirm, json!({ "operationId": operation, "video": video })).await;
            if answer["confirmUpload"]["__typename"] == "Changed" {
                return video.parse().expect("an id");
            }
            assert_eq!(answer["confirmUpload"]["code"], "not_arrived", "{answer}");
        }
    }

    async fn put(&self, ticket: &Value, size_bytes: usize, body: Body) -> bool {
        let put = self.client.put(ticket["url"].as_str().expect("a URL"));
        let mut put = put.header("content-length", size_bytes).body(body);
        for header in ticket["headers"].as_array().expect("headers") {
            let (name, value) = (header["name"].as_str().expect("a name"), header["value"].as_str().expect("a value"));
            if !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length") {
                put = put.header(name, value);
            }
        }
        put.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// The film's status once it is settled.
    pub async fn settled(&self, video: Uuid) -> Value {
        let mut pause = tokio::time::interval(Duration::from_millis(200));
        for _ in 0..750 {
            pause.tick().await;
            let query =
                "query($id: UUID!) { video(id: $id) { status percent failure { code reason } delivery { token } } }";
            let Some(data) = self.ask(query, json!({ "id": video })).await else { continue };
            if matches!(data["video"]["status"].as_str(), Some("READY" | "FAILED" | "REJECTED")) {
                return data["video"].clone();
            }
        }
        panic!("the film was not settled in time");
    }

    /// Fetches everything a finished film is made of; the number of files below its playlists.
    pub async fn stream_files(&self, settled: &Value) -> usize {
        let token = settled["delivery"]["token"].as_str().expect("a token");
        let master = self.file(token, "master.m3u8").await;
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("text");
        let quoted =
            |line: &str| line.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
        let names = |playlist: &str| -> Vec<String> {
            let lines = playlist.lines().filter(|line| !line.is_empty());
            lines.filter_map(|line| if line.starts_with('#') { quoted(line) } else { Some(line.to_owned()) }).collect()
        };
        let mut files = 0;
        for playlist in names(&text(master)) {
            let folder = playlist.rsplit_once('/').expect("a folder").0;
            for name in names(&text(self.file(token, &playlist).await)) {
                assert!(!self.file(token, &format!("{folder}/{name}")).await.is_empty(), "{name} is empty");
                files += 1;
            }
        }
        files
    }

    async fn file(&self, token: &str, path: &str) -> Bytes {
        let answer = self.client.get(format!("{}/v/{token}/{path}", self.url)).send().await.expect("answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.expect("a body")
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("a client")
}

/// Makes a change through the API; a refusal ends the test. What it answered, with the id or code of what was made.
pub async fn change(api: &Api, field: &str, kind: &str, mut input: Value) -> Value {
    input["operationId"] = json!(Uuid::now_v7());
    let more = match field {
        "createChannel" => "... on ChannelCreated { id }",
        "issueInvite" => "... on InviteIssued { code }",
        _ => "",
    };
    let mutation = format!("mutation($i: {kind}!) {{ {field}(input: $i) {{ __typename {more} }} }}");
    let answer = api.until_answered(&mutation, input).await[field].clone();
    assert_ne!(answer["__typename"], "Refused", "{field}: {answer}");
    answer
}
