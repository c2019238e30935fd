//! Chat through the schema: what is said and what becomes of it, who may, and who may see it.

use lockstep_commands::{Principal, channel, member};
use lockstep_domain::{
    account::PlatformRole,
    ids::{ChannelId, CommandId},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const THUMB: &str = "\u{1F44D}";
const PARTS: &str = "id text position changedPosition pinned editedAt author { name } mentions \
    redacted { reason by { name } } reactions { emoji count mine } replyTo { id text redacted author { name } }";

struct Club {
    app: App,
    ada: Principal,
    bob: Principal,
    channel: Uuid,
}

impl Club {
    async fn new() -> Self {
        let app = App::new().await;
        let ada = app.person("Ada", PlatformRole::Member).await;
        let bob = app.person("Bob", PlatformRole::Member).await;
        let channel = app.channel(&ada, "Club", "PRIVATE").await;
        Self { app, ada, bob, channel }.with_bob().await
    }

    async fn with_bob(self) -> Self {
        // Into a private channel by being let in.
        let (services, id) = (&self.app.services, ChannelId(self.channel));
        member::ask_to_join(services, &self.context(&self.bob), id).await.unwrap();
        member::approve(services, &self.context(&self.ada), id, self.bob.account).await.unwrap();
        member::join(services, &self.context(&self.bob), id, None).await.unwrap();
        self
    }

    fn context(&self, by: &Principal) -> lockstep_commands::Context {
        lockstep_commands::Context {
            actor: lockstep_commands::Actor::Account(by.account),
            command_id: CommandId(Uuid::new_v4()),
            ..self.app.system()
        }
    }

    async fn say(&self, by: &Principal, more: Value) -> Value {
        let mut input = json!({ "operationId": Uuid::new_v4(), "channel": self.channel, "id": Uuid::new_v4() });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.change(Some(by), "postMessage", input).await
    }

    async fn on(&self, by: &Principal, field: &str, message: &Value, more: Value) -> Value {
        let mut input = json!({ "operationId": Uuid::new_v4(), "message": message });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.change(Some(by), field, input).await
    }

    async fn read(&self, by: &Principal, field: &str, arguments: &str, inner: &str) -> Value {
        self.app.settle().await;
        let query = format!("query($c: UUID!) {{ {field}(channel: $c{arguments}) {{ {inner} }} }}");
        self.app.ask(Some(by), &query, json!({ "c": self.channel })).await
    }
}

#[tokio::test]
async fn a_conversation_shows_what_became_of_it() {
    let club = Club::new().await;
    let (ada, bob) = (&club.ada, &club.bob);
    let first = club.say(bob, json!({ "text": "first" })).await;
    let answer = json!({ "text": "answer", "replyTo": first["id"], "mentions": [bob.account.0] });
    let second = club.say(ada, answer).await;
    assert_eq!(club.on(bob, "editMessage", &first["id"], json!({ "text": "better" })).await["changed"], true);
    for by in [ada, bob] {
        let on = club.on(by, "reactToMessage", &first["id"], json!({ "emoji": THUMB, "on": true })).await;
        assert_eq!(on["changed"], true);
    }
    club.on(ada, "reactToMessage", &first["id"], json!({ "emoji": THUMB, "on": false })).await;
    assert_eq!(club.on(bob, "pinMessage", &first["id"], json!({})).await["code"], "not_permitted");
    club.on(ada, "pinMessage", &first["id"], json!({})).await;
    let shown = club.read(bob, "messages", "", &format!("nodes {{ {PARTS} }} hasMore")).await;
    let nodes = &shown["data"]["messages"]["nodes"];
    assert_eq!((&nodes[0]["text"], &nodes[0]["pinned"]), (&json!("better"), &json!(true)), "{shown}");
    assert_eq!(nodes[0]["reactions"], json!([{ "emoji": THUMB, "count": 1, "mine": true }]));
    let quote = json!({ "id": first["id"], "text": "better", "redacted": false, "author": { "name": "Bob" } });
    assert_eq!((&nodes[1]["replyTo"], &nodes[1]["mentions"]), (&quote, &json!([bob.account.0])));
    let pinned = club.read(bob, "pinnedMessages", "", "id").await;
    assert_eq!(pinned["data"]["pinnedMessages"], json!([{ "id": first["id"] }]));

    assert_eq!(club.on(bob, "redactMessage", &second["id"], json!({})).await["code"], "not_permitted");
    club.on(ada, "redactMessage", &first["id"], json!({ "reason": "not here" })).await;
    let shown = club.read(bob, "messages", "", &format!("nodes {{ {PARTS} }}")).await;
    let nodes = &shown["data"]["messages"]["nodes"];
    assert_eq!(
        (&nodes[0]["text"], &nodes[0]["reactions"], &nodes[0]["pinned"]),
        (&json!(""), &json!([]), &json!(false))
    );
    assert_eq!(nodes[0]["redacted"], json!({ "reason": "not here", "by": { "name": "Ada" } }));
    assert_eq!((&nodes[1]["replyTo"]["text"], &nodes[1]["replyTo"]["redacted"]), (&json!(""), &json!(true)));
}

#[tokio::test]
async fn a_mute_keeps_from_saying_editing_and_reacting() {
    let club = Club::new().await;
    let (ada, bob) = (&club.ada, &club.bob);
    let said = club.say(bob, json!({ "text": "before" })).await;
    let id = ChannelId(club.channel);
    member::mute(&club.app.services, &club.context(ada), id, bob.account, None, None).await.unwrap();
    assert_eq!(club.say(bob, json!({ "text": "after" })).await["code"], "muted");
    assert_eq!(club.on(bob, "editMessage", &said["id"], json!({ "text": "after" })).await["code"], "muted");
    let react = json!({ "emoji": THUMB, "on": true });
    assert_eq!(club.on(bob, "reactToMessage", &said["id"], react).await["code"], "muted");
    let back = club.on(bob, "redactMessage", &said["id"], json!({})).await;
    assert_eq!(back["changed"], true, "one's own may always be taken back");
    let shown = club.read(ada, "messages", "", "nodes { text }").await;
    assert_eq!(shown["data"]["messages"]["nodes"], json!([{ "text": "" }]));
}

#[tokio::test]
async fn slow_mode_and_floods_say_how_long_to_wait() {
    let club = Club::new().await;
    let (ada, bob) = (&club.ada, &club.bob);
    for _ in 0..5 {
        assert_eq!(club.say(ada, json!({ "text": "quick" })).await["__typename"], "MessagePosted");
    }
    let flood = club.say(ada, json!({ "text": "quick" })).await;
    assert_eq!(flood["code"], "too_fast");
    assert!((1..=5_000).contains(&flood["retryAfterMs"].as_i64().unwrap()), "{flood}");
    let slow = channel::set_slow_mode(&club.app.services, &club.context(ada), ChannelId(club.channel), 30).await;
    slow.unwrap();
    assert_eq!(club.say(bob, json!({ "text": "one" })).await["__typename"], "MessagePosted");
    let wait = club.say(bob, json!({ "text": "two" })).await;
    assert_eq!(wait["code"], "slow_mode_wait");
    assert!((20_000..=30_000).contains(&wait["retryAfterMs"].as_i64().unwrap()), "{wait}");
}

#[tokio::test]
async fn pages_search_and_changes_are_for_those_inside() {
    let club = Club::new().await;
    let (ada, bob) = (&club.ada, &club.bob);
    let mut said = Vec::new();
    for n in 0..8 {
        let by = if n % 2 == 0 { ada } else { bob };
        said.push(club.say(by, json!({ "text": format!("word{n}") })).await);
    }
    let texts = |page: &Value| -> Vec<String> {
        let nodes = page["nodes"].as_array().unwrap_or_else(|| panic!("{page}"));
        nodes.iter().map(|node| node["text"].as_str().unwrap().to_owned()).collect()
    };
    let inner = "nodes { text } hasMore hasNewer startCursor endCursor";
    let around = format!(", around: {}, count: 4", said[3]["id"]);
    let page = club.read(bob, "messages", &around, inner).await["data"]["messages"].clone();
    assert_eq!(texts(&page), ["word1", "word2", "word3", "word4"]);
    assert_eq!((&page["hasMore"], &page["hasNewer"]), (&json!(true), &json!(true)));
    let after = format!(", after: {}, count: 10", page["endCursor"]);
    let newer = club.read(bob, "messages", &after, inner).await["data"]["messages"].clone();
    assert_eq!(
        (texts(&newer), &newer["hasNewer"]),
        (vec!["word5".into(), "word6".into(), "word7".into()], &json!(false))
    );
    let head = club.app.settle().await;
    club.on(ada, "redactMessage", &said[2]["id"], json!({})).await;
    club.on(bob, "editMessage", &said[1]["id"], json!({ "text": "word1 again" })).await;
    let changes = format!(", after: \"{head}\"");
    let changed = club.read(bob, "messagesChangedAfter", &changes, "nodes { text } hasMore").await;
    assert_eq!(texts(&changed["data"]["messagesChangedAfter"]), ["", "word1 again"]);
    let found = club.read(bob, "searchMessages", ", words: \"wor\", count: 50", "text").await;
    assert_eq!(found["data"]["searchMessages"].as_array().unwrap().len(), 7, "not what was taken back");
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    let many = club.read(bob, "searchMessages", ", words: \"wor\", count: 51", "text").await;
    assert_eq!(code(&many), "invalid");

    let eve = club.app.person("Eve", PlatformRole::Administrator).await;
    for (field, arguments, inner) in [
        ("messages", "", "hasMore"),
        ("messagesChangedAfter", ", after: \"0\"", "hasMore"),
        ("searchMessages", ", words: \"word\"", "text"),
        ("pinnedMessages", "", "text"),
    ] {
        let refused = club.read(&eve, field, arguments, inner).await;
        assert_eq!((code(&refused), &refused["data"][field]), (json!("not_found"), &Value::Null), "{field}");
    }
    let one = "query($id: UUID!) { message(id: $id) { text } }";
    let of = async |by| club.app.data(Some(by), one, json!({ "id": said[5]["id"] })).await["message"].clone();
    assert_eq!((of(bob).await, of(&eve).await), (json!({ "text": "word5" }), Value::Null));
}

#[tokio::test]
async fn moderators_see_their_own_channels_reports_with_the_evidence() {
    let club = Club::new().await;
    let (ada, bob) = (&club.ada, &club.bob);
    let eve = club.app.person("Eve", PlatformRole::Administrator).await;
    let other = club.app.channel(&eve, "Elsewhere", "PUBLIC").await;
    let rude = club.say(bob, json!({ "text": "rude words" })).await;
    let after = club.app.settle().await.to_string();
    let events = "subscription($id: UUID!, $after: Position) { channelEvents(channel: $id, after: $after) { kind } }";
    let mut stream = club.app.follow(Some(bob), events, json!({ "id": club.channel, "after": after }));
    let filed = club.on(ada, "reportMessage", &rude["id"], json!({ "reason": "look" })).await;
    assert_eq!(filed["__typename"], "ReportFiled", "{filed}");
    club.on(bob, "editMessage", &rude["id"], json!({ "text": "kind words" })).await;
    club.on(bob, "redactMessage", &rude["id"], json!({})).await;
    let next = futures::StreamExt::next(&mut stream).await.unwrap();
    assert_eq!(next["data"]["channelEvents"]["kind"], "message", "a report is told to no subscriber");
    let inner = "nodes { id text reason action author { name } reporter { name } }";
    let queue = club.read(ada, "reports", "", inner).await["data"]["reports"]["nodes"].clone();
    let evidence = json!([{ "id": filed["id"], "text": "rude words", "reason": "look", "action": null,
                            "author": { "name": "Bob" }, "reporter": { "name": "Ada" } }]);
    assert_eq!(queue, evidence);

    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    assert_eq!(code(&club.read(bob, "reports", "", "hasMore").await), "not_permitted");
    assert_eq!(code(&club.read(&eve, "reports", "", "hasMore").await), "not_permitted", "another channel's owner");
    let own =
        club.app.data(Some(&eve), "query($c: UUID!) { reports(channel: $c) { nodes { id } } }", json!({ "c": other }));
    assert_eq!(own.await["reports"]["nodes"], json!([]), "and her own queue does not show it");
    let resolve = async |by: &Principal, action: &str| {
        let input = json!({ "operationId": Uuid::new_v4(), "report": filed["id"], "action": action });
        club.app.change(Some(by), "resolveReport", input).await
    };
    assert_eq!(resolve(&eve, "BANNED").await["code"], "not_found");
    assert_eq!(resolve(ada, "MUTED").await["changed"], true);
    assert_eq!(club.say(bob, json!({ "text": "still here?" })).await["code"], "muted", "what was resolved was done");
    assert_eq!(club.read(ada, "reports", "", "nodes { id }").await["data"]["reports"]["nodes"], json!([]));
}
