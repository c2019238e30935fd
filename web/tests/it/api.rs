//! A GraphQL client with a cookie jar: state is set up as data.

use std::{path::Path, time::Duration};

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

    /// A guest by name.
    pub async fn guest(url: &str, name: &str) -> Self {
        let mut api = Self { client: client(), url: url.to_owned(), cookie: String::new() };
        let mutation = "mutation($i: JoinAsGuestInput!) { joinAsGuest(input: $i) { __typename ... on Refused { message } } }";
        api.sign(mutation, json!({ "name": name })).await;
        api
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
        let answer = self
            .client
            .post(format!("{}/graphql", self.url))
            .header("origin", &self.url)
            .header("cookie", &self.cookie)
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .ok()?;
        let body: Value = answer.json().await.ok()?;
        if body["errors"].is_array() {
            return None;
        }
        Some(body["data"].clone())
    }

    /// A mutation with an `operationId`: repeated with the same id until it is answered, as a client does.
    pub async fn until_answered(&self, query: &str, input: Value) -> Value {
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..600 {
            pause.tick().await;
            if let Some(data) = self.ask(query, json!({ "i": input })).await {
                return data;
            }
        }
        panic!("no answer: {query}");
    }

    pub async fn create_channel(&self, name: &str) -> Uuid {
        let query = "mutation($i: CreateChannelInput!) { createChannel(input: $i) { ... on ChannelCreated { id } } }";
        let input = json!({ "operationId": Uuid::now_v7(), "name": name, "visibility": "PUBLIC" });
        let data = self.until_answered(query, input).await;
        data["createChannel"]["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{data}"))
    }

    pub async fn join_channel(&self, channel: Uuid) {
        let query = "mutation($i: JoinChannelInput!) { joinChannel(input: $i) { __typename } }";
        let data = self.until_answered(query, json!({ "operationId": Uuid::now_v7(), "channel": channel })).await;
        assert_eq!(data["joinChannel"]["__typename"], "Changed", "{data}");
    }

    /// Requests, PUTs and confirms; each step is repeated until it is answered.
    pub async fn upload(&self, file: &Path) -> Uuid {
        let bytes = std::fs::read(file).expect("reads");
        let input = json!({
            "operationId": Uuid::now_v7(), "title": "Film", "fileName": "film.mp4", "sizeBytes": bytes.len(),
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
            if !self.put(&ticket, bytes.clone()).await {
                continue;
            }
            let answer = self.until_answered(confirm, json!({ "operationId": operation, "video": video })).await;
            if answer["confirmUpload"]["__typename"] == "Changed" {
                return video.parse().expect("an id");
            }
            assert_eq!(answer["confirmUpload"]["code"], "not_arrived", "{answer}");
        }
    }

    async fn put(&self, ticket: &Value, bytes: Vec<u8>) -> bool {
        let mut put = self.client.put(ticket["url"].as_str().expect("a URL")).body(bytes);
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
        for _ in 0..1_500 {
            pause.tick().await;
            let query = "query($id: UUID!) { video(id: $id) { status percent failure { code reason } delivery { token } } }";
            let Some(data) = self.ask(query, json!({ "id": video })).await else { continue };
            if matches!(data["video"]["status"].as_str(), Some("READY" | "FAILED" | "REJECTED")) {
                return data["video"].clone();
            }
        }
        panic!("the film was not settled in time");
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(10)).build().expect("a client")
}
