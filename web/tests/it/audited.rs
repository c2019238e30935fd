//! What somebody answers for later: who did it, to whom, when, and in which request; still there after a kill.

use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api::Api,
    process::{Server, data_folder, events, film, run},
};

/// An act: the event it must have left, who did it, and to what or whom.
struct Act {
    event: &'static str,
    actor: String,
    target: String,
    request: String,
}

struct Site {
    url: String,
    client: Client,
    acts: Vec<Act>,
}

impl Site {
    /// Asks; the answer to the field, and the request's id.
    async fn ask(&self, cookie: Option<&str>, field: &str, kind: &str, more: &str, input: Value) -> (Value, String) {
        let query =
            format!("mutation($i: {kind}!) {{ {field}(input: $i) {{ __typename ... on Refused {{ code }} {more} }} }}");
        let request = self.client.post(format!("{}/graphql", self.url)).header("origin", &self.url);
        let request = if let Some(cookie) = cookie { request.header("cookie", cookie) } else { request };
        let answer =
            request.json(&json!({ "query": query, "variables": { "i": input } })).send().await.expect("answers");
        let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
        let body: Value = answer.json().await.expect("JSON");
        assert!(body["errors"].is_null(), "{field}: {body}");
        (body["data"][field].clone(), id)
    }

    /// Does what must be in the audit.
    async fn act(
        &mut self,
        by: &Person,
        (field, kind): (&str, &str),
        mut input: Value,
        event: &'static str,
        target: &str,
    ) {
        input["operationId"] = json!(Uuid::now_v7());
        let (answer, request) = self.ask(Some(&by.cookie), field, kind, "", input).await;
        assert_eq!(answer["__typename"], "Changed", "{field}: {answer}");
        self.acts.push(Act { event, actor: by.id.clone(), target: target.to_owned(), request });
    }

    /// Tries to sign in.
    async fn sign_in(&mut self, name: &str, password: &str, event: &'static str, actor: &str, target: &str) {
        let input = json!({ "name": name, "password": password });
        let (answer, request) = self.ask(None, "signIn", "SignInInput", "", input).await;
        assert_eq!(answer["__typename"] == "SignedIn", event == "SignedIn", "{answer}");
        self.acts.push(Act { event, actor: actor.to_owned(), target: target.to_owned(), request });
    }
}

struct Person {
    id: String,
    cookie: String,
}

impl Person {
    async fn of(api: &Api) -> Self {
        let me = api.ask("{ me { id } }", json!({})).await.expect("answers");
        Self { id: me["me"]["id"].as_str().expect("an id").to_owned(), cookie: api.session().to_owned() }
    }
}

/// What is missing in the log of what was done.
fn missing(log: &[Value], acts: &[Act]) -> Vec<String> {
    let left = |act: &&Act| {
        !log.iter().any(|event| {
            let about = event["stream"].as_str().is_some_and(|stream| stream.contains(&act.target))
                || event["payload"].to_string().contains(&act.target);
            let when = event["recorded_at_us"].as_i64().is_some_and(|us| us > 0);
            event["type"] == act.event
                && event["metadata"]["actor"] == act.actor.as_str()
                && event["metadata"]["correlation_id"] == act.request.as_str()
                && about
                && when
        })
    };
    acts.iter()
        .filter(left)
        .map(|act| format!("{} of {} by {} in {}", act.event, act.target, act.actor, act.request))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_answers_for_is_in_the_log_after_a_kill() {
    let data = data_folder();
    let server = Server::start(data.path(), 0, &[]).await;
    let api = Api::set_up(&server.url, server.setup_link.as_deref().expect("a link")).await;
    let ada = Person::of(&api).await;
    let bob = Person::of(&Api::guest(&server.url, "Bob").await).await;
    let channel = api.create_channel("Cinema").await;
    let video = api.upload(&film(data.path(), 1, "64x64")).await;
    let mut site = Site { url: server.url.clone(), client: Client::new(), acts: Vec::new() };

    // Signing in, and failing to.
    site.sign_in("Ada", "correct horse battery", "SignedIn", &ada.id, &ada.id).await;
    site.sign_in("ada", "not the password", "SignInFailed", "system", &ada.id).await;
    site.sign_in("Mallory", "anything at all", "SignInFailed", "system", "wrong_credentials").await;
    // Rights, moderation, deletion.
    let about = |more: Value| {
        let mut input = json!({ "channel": channel });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    };
    site.act(&bob, ("joinChannel", "ChannelInput"), about(json!({})), "Joined", &bob.id).await;
    let role = about(json!({ "account": bob.id, "role": "MODERATOR" }));
    site.act(&ada, ("grantRole", "GrantRoleInput"), role, "RoleGranted", &bob.id).await;
    let message = Uuid::now_v7();
    let said = about(json!({ "operationId": Uuid::now_v7(), "id": message, "text": "what was said" }));
    site.ask(Some(&bob.cookie), "postMessage", "PostMessageInput", "", said).await;
    let redacted = json!({ "message": message, "reason": "rude" });
    site.act(&ada, ("redactMessage", "RedactMessageInput"), redacted, "Redacted", &message.to_string()).await;
    let banned = about(json!({ "account": bob.id, "reason": "rude again" }));
    site.act(&ada, ("banMember", "ModerateInput"), banned, "Banned", &bob.id).await;
    let suspended = json!({ "account": bob.id });
    site.act(&ada, ("suspendAccount", "SuspendAccountInput"), suspended, "Suspended", &bob.id).await;
    site.act(&ada, ("trashFilm", "FilmInput"), json!({ "video": video }), "Trashed", &video.to_string()).await;
    let acts = std::mem::take(&mut site.acts);
    assert!(acts.len() >= 9);

    // The last answer is the last that this process and its database say.
    server.kill_with_postmaster().await;
    let server = Server::start(data.path(), 0, &[]).await;
    let log = events(data.path(), &[]);
    assert_eq!(missing(&log, &acts), Vec::<String>::new());
    let (whole, told) = run(&["events", "verify"], data.path(), &[]);
    assert!(whole, "{told}");
    let text = log.iter().map(Value::to_string).collect::<String>();
    for secret in ["Mallory", "anything at all", "not the password", "correct horse battery"] {
        assert!(!text.contains(secret), "what was typed stays out: {secret}");
    }
    let session = log.iter().find(|event| event["type"] == "SignedIn").expect("is there")["payload"].to_string();
    assert!(session.len() < 200 && session.contains("session"), "{session}");
    server.stop();
}

#[test]
fn an_act_without_its_trace_is_found() {
    let event = json!({ "type": "Banned", "stream": "member-c.bob", "payload": {}, "recorded_at_us": 1_800_000_000_000_000_i64,
        "metadata": { "actor": "ada", "correlation_id": "r1" } });
    let act = |event, actor: &str, target: &str, request: &str| Act {
        event,
        actor: actor.to_owned(),
        target: target.to_owned(),
        request: request.to_owned(),
    };
    assert_eq!(missing(std::slice::from_ref(&event), &[act("Banned", "ada", "bob", "r1")]), Vec::<String>::new());
    for other in [
        act("Removed", "ada", "bob", "r1"),
        act("Banned", "eve", "bob", "r1"),
        act("Banned", "ada", "eve", "r1"),
        act("Banned", "ada", "bob", "r2"),
    ] {
        assert_eq!(missing(std::slice::from_ref(&event), &[other]).len(), 1);
    }
}
