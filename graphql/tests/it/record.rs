//! Who did what, over the schema: the activity of a channel, taking back, notifications, and the list of the log.

use futures::StreamExt;
use lockstep_commands::{Principal, member};
use lockstep_domain::{
    account::PlatformRole,
    ids::{AccountId, ChannelId, VideoId},
    permission::ChannelRole,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const ACTIVITY: &str = "query($id: UUID!, $first: Int, $before: Position, $kind: String) { channel(id: $id) { \
    activity(first: $first, before: $before, kind: $kind) { hasMore endCursor nodes { position eventType kind \
    actor { name } target { name } videoTitle facet from to fromUs toUs undoable undoes } } } }";

async fn activity(app: &App, by: &Principal, channel: Uuid) -> Vec<Value> {
    app.settle().await;
    let data = app.data(Some(by), ACTIVITY, json!({ "id": channel })).await;
    data["channel"]["activity"]["nodes"].as_array().unwrap().clone()
}

fn of<'a>(actions: &'a [Value], event_type: &str) -> &'a Value {
    actions.iter().find(|action| action["eventType"] == event_type).unwrap_or_else(|| panic!("{actions:#?}"))
}

async fn act(app: &App, by: &Principal, field: &str, channel: Uuid, more: Value) -> Value {
    let mut input = json!({ "operationId": Uuid::new_v4(), "channel": channel });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.change(Some(by), field, input).await
}

async fn undo(app: &App, by: &Principal, channel: Uuid, action: &Value) -> Value {
    let input = json!({ "channel": channel, "position": action["position"] });
    app.change(Some(by), "undo", input).await
}

async fn promote(app: &App, by: &Principal, channel: Uuid, account: AccountId, role: ChannelRole) {
    let context = lockstep_commands::Context { actor: lockstep_commands::Actor::Account(by.account), ..app.system() };
    member::grant_role(&app.services, &context, ChannelId(channel), account, role).await.unwrap();
}

/// Ada's public channel with Bob in it.
async fn club(app: &App) -> (Principal, Principal, Uuid) {
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    act(app, &bob, "joinChannel", channel, json!({})).await;
    (ada, bob, channel)
}

#[tokio::test]
async fn what_is_done_is_listed_and_taken_back_once() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    act(&app, &ada, "renameChannel", channel, json!({ "name": "Kino" })).await;
    let actions = activity(&app, &ada, channel).await;
    let types: Vec<&str> = actions.iter().map(|action| action["eventType"].as_str().unwrap()).collect();
    assert_eq!(types, ["Renamed", "Joined", "Joined", "Created"]);
    let renamed = of(&actions, "Renamed").clone();
    assert_eq!(
        (&renamed["from"], &renamed["to"], &renamed["undoable"]),
        (&json!("Club"), &json!("Kino"), &json!(true))
    );
    let as_bob = activity(&app, &bob, channel).await;
    assert_eq!(of(&as_bob, "Renamed")["undoable"], false, "a viewer does not edit");
    assert_eq!(undo(&app, &bob, channel, &renamed).await["code"], "not_permitted");
    let done = undo(&app, &ada, channel, &renamed).await;
    assert_eq!(done["changed"], true, "{done}");
    assert_eq!(undo(&app, &ada, channel, &renamed).await, done, "twice is once");
    let actions = activity(&app, &ada, channel).await;
    assert_eq!(actions.len(), 5);
    assert_eq!((&actions[0]["to"], &actions[0]["undoes"]), (&json!("Club"), &renamed["position"]));
    assert_eq!(undo(&app, &ada, channel, of(&actions, "Joined")).await["code"], "not_undoable");
    let events = app.services.store.read_channel(ChannelId(channel), Default::default(), 100).await.unwrap();
    let (first, last) = (events.iter().find(|event| event.event_type == "Renamed").unwrap(), events.last().unwrap());
    assert_eq!(last.metadata.causation_id, Some(first.event_id.to_string()));
}

#[tokio::test]
async fn somebody_elses_later_change_is_named() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    promote(&app, &ada, channel, bob.account, ChannelRole::Admin).await;
    act(&app, &ada, "renameChannel", channel, json!({ "name": "Kino" })).await;
    let renamed = of(&activity(&app, &ada, channel).await, "Renamed").clone();
    act(&app, &bob, "renameChannel", channel, json!({ "name": "Bob's" })).await;
    let refused = undo(&app, &ada, channel, &renamed).await;
    assert_eq!((&refused["code"], &refused["message"]), (&json!("overtaken"), &json!("Bob renamed it again since")));
    let elsewhere = app.channel(&ada, "Other", "PUBLIC").await;
    assert_eq!(undo(&app, &ada, elsewhere, &renamed).await["code"], "not_found", "of its own channel only");
}

#[tokio::test]
async fn the_film_and_its_place_come_back() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    let films = [VideoId(Uuid::new_v4()), VideoId(Uuid::new_v4())];
    for film in films {
        app.ready_film(&ada, film).await;
    }
    act(&app, &bob, "loadVideo", channel, json!({ "video": films[0].0 })).await;
    act(&app, &bob, "seek", channel, json!({ "positionUs": 30e6 })).await;
    let actions = activity(&app, &ada, channel).await;
    let seek = of(&actions, "Seeked");
    assert_eq!((&seek["fromUs"], &seek["toUs"], &seek["videoTitle"]), (&json!(0.0), &json!(30e6), &json!("A film")));
    act(&app, &ada, "loadVideo", channel, json!({ "video": films[1].0 })).await;
    assert_eq!(undo(&app, &ada, channel, seek).await["code"], "nothing_before", "its film is not on");
    let loaded = of(&activity(&app, &ada, channel).await, "VideoLoaded").clone();
    assert_eq!(undo(&app, &bob, channel, &loaded).await["changed"], true);
    app.settle().await;
    let query = "query($id: UUID!) { channel(id: $id) { playback { positionUs ratePpm video { id } } } }";
    let playback = app.data(Some(&ada), query, json!({ "id": channel })).await["channel"]["playback"].clone();
    assert_eq!(playback, json!({ "positionUs": 30e6, "ratePpm": 0, "video": { "id": films[0].0 } }));
}

#[tokio::test]
async fn the_queue_and_the_speed_are_taken_back() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    let films = [VideoId(Uuid::new_v4()), VideoId(Uuid::new_v4())];
    for film in films {
        app.ready_film(&ada, film).await;
        let queued = act(&app, &ada, "queueVideo", channel, json!({ "video": film.0 })).await;
        assert_eq!(queued["changed"], true, "{queued}");
    }
    let query =
        "query($id: UUID!) { channel(id: $id) { queue { items { id video { id } } } playback { video { id } } } }";
    let queue = async || {
        app.settle().await;
        let shown = app.data(Some(&ada), query, json!({ "id": channel })).await["channel"]["queue"]["items"].clone();
        shown
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["id"].clone(), item["video"]["id"].clone()))
            .collect::<Vec<_>>()
    };
    let full = queue().await;
    let taken = act(&app, &ada, "dequeueVideo", channel, json!({ "item": full[0].0 })).await;
    assert_eq!(taken["changed"], true, "{taken}");
    let removed = of(&activity(&app, &ada, channel).await, "VideoDequeued").clone();
    assert_eq!((&removed["videoTitle"], &removed["undoable"]), (&json!("A film"), &json!(true)));
    assert_eq!(undo(&app, &ada, channel, &removed).await["changed"], true);
    assert_eq!(queue().await, full, "in its old place");
    let next = act(&app, &ada, "clearQueue", channel, json!({})).await;
    assert_eq!((&next["changed"], queue().await.len()), (&json!(true), 0));
    let cleared = of(&activity(&app, &ada, channel).await, "Cleared").clone();
    assert_eq!(undo(&app, &ada, channel, &cleared).await["changed"], true);
    assert_eq!(queue().await, full);
    assert_eq!(undo(&app, &ada, channel, &cleared).await["changed"], true, "twice is once");
    assert_eq!(queue().await, full);
    act(&app, &bob, "loadVideo", channel, json!({ "video": films[0].0 })).await;
    act(&app, &bob, "changeRate", channel, json!({ "ratePpm": 1_500_000 })).await;
    let faster = of(&activity(&app, &ada, channel).await, "RateChanged").clone();
    assert_eq!((&faster["from"], &faster["to"]), (&json!("1000000"), &json!("1500000")));
    assert_eq!(undo(&app, &ada, channel, &faster).await["changed"], true);
    let slower = of(&activity(&app, &ada, channel).await, "RateChanged").clone();
    assert_eq!((&slower["to"], &slower["undoes"]), (&json!("1000000"), &faster["position"]));
}

#[tokio::test]
async fn a_ban_is_taken_back_by_who_may_unban() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    act(&app, &ada, "banMember", channel, json!({ "account": bob.account.0 })).await;
    let banned = of(&activity(&app, &ada, channel).await, "Banned").clone();
    assert_eq!((&banned["target"]["name"], &banned["undoable"]), (&json!("Bob"), &json!(true)));
    assert_eq!(undo(&app, &bob, channel, &banned).await["code"], "banned");
    assert_eq!(undo(&app, &ada, channel, &banned).await["changed"], true);
    assert_eq!(act(&app, &bob, "joinChannel", channel, json!({})).await["changed"], true);
}

#[tokio::test]
async fn outsiders_see_no_activity() {
    let app = App::new().await;
    let (_, bob, channel) = club(&app).await;
    app.settle().await;
    let none = app.data(None, ACTIVITY, json!({ "id": channel })).await;
    assert_eq!(none["channel"]["activity"]["nodes"], json!([]));
    let page = json!({ "id": channel, "first": 2 });
    let first = app.data(Some(&bob), ACTIVITY, page).await["channel"]["activity"].clone();
    assert_eq!((first["nodes"].as_array().unwrap().len(), &first["hasMore"]), (2, &json!(true)));
    let next = json!({ "id": channel, "first": 2, "before": first["endCursor"] });
    let next = app.data(Some(&bob), ACTIVITY, next).await["channel"]["activity"].clone();
    assert_eq!((&next["nodes"][0]["eventType"], &next["hasMore"]), (&json!("Created"), &json!(false)));
    let wrong = app.ask(Some(&bob), ACTIVITY, json!({ "id": channel, "kind": "message" })).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "invalid");
}

const NOTES: &str = "query($unread: Boolean) { unreadCount notifications(unreadOnly: $unread) { hasMore endCursor \
    nodes { id position kind read path channelName detail reason actor { name } } } }";
const NEWS: &str = "subscription($after: Position) { notifications(after: $after) \
    { unreadCount notification { position kind detail } } }";

#[tokio::test]
async fn notifications_are_told_counted_and_marked() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    promote(&app, &ada, channel, bob.account, ChannelRole::Moderator).await;
    let context = lockstep_commands::Context { actor: lockstep_commands::Actor::Account(ada.account), ..app.system() };
    let why = Some("too loud".to_owned());
    member::mute(&app.services, &context, ChannelId(channel), bob.account, None, why).await.unwrap();
    app.settle().await;
    let notes = app.data(Some(&bob), NOTES, json!({})).await;
    assert_eq!(notes["unreadCount"], 2);
    let [muted, role] = &notes["notifications"]["nodes"].as_array().unwrap()[..] else { panic!("{notes}") };
    assert_eq!(
        (&muted["kind"], &muted["reason"], &muted["read"]),
        (&json!("muted"), &json!("too loud"), &json!(false))
    );
    assert_eq!(
        (&role["kind"], &role["detail"], &role["actor"]["name"]),
        (&json!("role_granted"), &json!("moderator"), &json!("Ada"))
    );
    assert!(role["path"].as_str().unwrap().starts_with("/c/club"), "{role}");
    assert_eq!(app.data(Some(&ada), NOTES, json!({})).await["unreadCount"], 0, "not what she did herself");
    let mark = |more: Value| {
        let mut input = json!({ "operationId": Uuid::new_v4() });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    assert_eq!(app.change(Some(&bob), "markRead", mark(json!({ "ids": [muted["id"]] }))).await["changed"], true);
    // Somebody else's id marks nothing of theirs.
    app.change(Some(&ada), "markRead", mark(json!({ "ids": [role["id"]] }))).await;
    app.settle().await;
    let left = app.data(Some(&bob), NOTES, json!({ "unread": true })).await;
    assert_eq!((&left["unreadCount"], &left["notifications"]["nodes"][0]["id"]), (&json!(1), &role["id"]));
    app.change(Some(&bob), "markRead", mark(json!({ "through": muted["position"] }))).await;
    app.settle().await;
    assert_eq!(app.data(Some(&bob), NOTES, json!({})).await["unreadCount"], 0);
    assert_eq!(app.data(None, "{ unreadCount }", json!({})).await["unreadCount"], 0);
    let future = app.change(Some(&bob), "markRead", mark(json!({ "through": "999999" }))).await;
    assert_eq!(future["code"], "future");
}

#[tokio::test]
async fn a_late_subscriber_gets_each_notification_once() {
    let app = App::new().await;
    let (ada, bob, channel) = club(&app).await;
    let roles = [ChannelRole::Moderator, ChannelRole::Admin, ChannelRole::Viewer];
    promote(&app, &ada, channel, bob.account, roles[0]).await;
    let after = app.settle().await;
    promote(&app, &ada, channel, bob.account, roles[1]).await;
    let mut late = app.follow(Some(&bob), NEWS, json!({ "after": after.to_string() }));
    let mut fresh = app.follow(Some(&bob), NEWS, json!({ "after": "0" }));
    let detail = |news: Value| news["data"]["notifications"]["notification"]["detail"].clone();
    assert_eq!(detail(fresh.next().await.unwrap()), "moderator");
    assert_eq!(detail(fresh.next().await.unwrap()), "admin");
    assert_eq!(detail(late.next().await.unwrap()), "admin");
    promote(&app, &ada, channel, bob.account, roles[2]).await;
    let last = late.next().await.unwrap();
    assert_eq!(last["data"]["notifications"]["unreadCount"], 3);
    assert_eq!((detail(last), detail(fresh.next().await.unwrap())), (json!("viewer"), json!("viewer")));
    let read = json!({ "operationId": Uuid::new_v4(), "through": app.settle().await.to_string() });
    app.change(Some(&bob), "markRead", read).await;
    let elsewhere = json!({ "data": { "notifications": { "unreadCount": 0, "notification": null } } });
    assert_eq!(late.next().await.unwrap(), elsewhere, "what is read on one device is read on all");
    let nobody = app.follow(None, NEWS, json!({})).next().await.unwrap();
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "signed_out");
}

const AUDIT: &str = "query($filter: AuditFilter, $first: Int, $before: Position) { \
    audit(filter: $filter, first: $first, before: $before) { hasMore endCursor nodes { position eventType kind by \
    actor { name } target { name } channel { name } correlationId } } }";
const EVENT: &str = "query($position: Position!, $channel: UUID) { auditEvent(position: $position, channel: $channel) { \
    json cause { eventType } effects { eventType position } right { permission by role given { eventType } \
    defaults { eventType } } } }";

#[tokio::test]
async fn the_log_is_listed_for_those_who_answer_for_it_and_nobody_else() {
    let app = App::new().await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let (ada, bob, channel) = club(&app).await;
    act(&app, &bob, "postMessage", channel, json!({ "id": Uuid::new_v4(), "text": "a secret word" })).await;
    act(&app, &ada, "banMember", channel, json!({ "account": bob.account.0 })).await;
    app.settle().await;
    let listed = async |by: &Principal, filter: Value| app.ask(Some(by), AUDIT, json!({ "filter": filter })).await;
    let nodes = |answer: &Value| answer["data"]["audit"]["nodes"].as_array().unwrap().clone();
    let all = nodes(&listed(&root, json!({})).await);
    assert_eq!(
        (&all[0]["eventType"], &all[0]["target"]["name"], &all[0]["actor"]["name"]),
        (&json!("Banned"), &json!("Bob"), &json!("Ada"))
    );
    let bans = nodes(
        &listed(&root, json!({ "kind": "member", "eventType": "Banned", "actor": ada.account.0.to_string() })).await,
    );
    assert_eq!(bans, [all[0].clone()]);
    let paged = app.data(Some(&root), AUDIT, json!({ "first": 1, "before": all[0]["position"] })).await;
    assert_eq!(paged["audit"]["nodes"][0], all[1]);
    let cat = app.person("Cat", PlatformRole::Member).await;
    act(&app, &cat, "joinChannel", channel, json!({})).await;
    // The owner sees her channel alone; a viewer, a stranger and nobody see what does not exist.
    let own = nodes(&listed(&ada, json!({ "channel": channel })).await);
    assert_eq!((own.len(), &own[0]["eventType"], &own[1]["eventType"]), (6, &json!("Joined"), &json!("Banned")));
    let hidden = json!("not_found");
    let there = json!({ "channel": channel });
    for (by, filter) in [(&ada, json!({})), (&bob, there.clone()), (&bob, json!({})), (&cat, there)] {
        let refused = listed(by, filter).await;
        assert_eq!((&refused["data"]["audit"], &refused["errors"][0]["extensions"]["code"]), (&Value::Null, &hidden));
    }
    let kinds = app.data(None, "{ auditKinds { kind eventTypes } }", json!({})).await["auditKinds"].clone();
    for event in &all {
        let known = kinds.as_array().unwrap().iter().find(|kind| kind["kind"] == event["kind"]).expect("a kind");
        assert!(known["eventTypes"].as_array().unwrap().contains(&event["eventType"]), "{event}");
        let asked = json!({ "kind": event["kind"], "eventType": event["eventType"] });
        assert!(nodes(&listed(&root, asked).await).contains(event), "{event}");
    }
    let elsewhere = all.iter().find(|event| event["kind"] == "account").unwrap();
    let asked = json!({ "position": elsewhere["position"], "channel": channel });
    assert_eq!(app.data(Some(&ada), EVENT, asked).await["auditEvent"], Value::Null, "not of her channel");
}

#[tokio::test]
async fn the_event_behind_a_row_tells_what_led_to_it_and_what_allowed_it() {
    let app = App::new().await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let (ada, bob, channel) = club(&app).await;
    promote(&app, &ada, channel, bob.account, ChannelRole::Admin).await;
    act(&app, &bob, "renameChannel", channel, json!({ "name": "Bob's" })).await;
    let renamed = of(&activity(&app, &ada, channel).await, "Renamed").clone();
    undo(&app, &ada, channel, &renamed).await;
    let event = async |by: &Principal, position: &Value| {
        let asked = json!({ "position": position, "channel": channel });
        app.data(Some(by), EVENT, asked).await["auditEvent"].clone()
    };
    let shown = event(&root, &renamed["position"]).await;
    let right = json!({
        "permission": "edit_channel", "by": "role", "role": "admin",
        "given": { "eventType": "RoleGranted" }, "defaults": null,
    });
    assert_eq!((&shown["right"], &shown["cause"]), (&right, &Value::Null));
    assert_eq!(shown["effects"][0]["eventType"], "Renamed");
    assert_eq!(event(&ada, &shown["effects"][0]["position"]).await["cause"]["eventType"], "Renamed");
}

#[tokio::test]
async fn texts_about_people_are_open_only_to_those_who_may_read_them_there() {
    let app = App::new().await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let secret = app.channel(&ada, "Secret", "PRIVATE").await;
    act(&app, &ada, "postMessage", secret, json!({ "id": Uuid::new_v4(), "text": "a secret word" })).await;
    let at = app.settle().await.to_string();
    let json_of = async |by: &Principal, position: &str| {
        let asked = json!({ "position": position, "channel": secret });
        app.data(Some(by), EVENT, asked).await["auditEvent"]["json"].as_str().unwrap().to_owned()
    };
    assert!(json_of(&ada, &at).await.contains("a secret word"));
    let found = app
        .data(
            Some(&ada),
            "query($id: UUID!) { channel(id: $id) { messages { nodes { id } } } }",
            json!({ "id": secret }),
        )
        .await;
    let message = found["channel"]["messages"]["nodes"][0]["id"].clone();
    let closed = json_of(&root, &at).await;
    assert!(!closed.contains("a secret word") && closed.contains("(not yours to read)"), "{closed}");
    let context = lockstep_commands::Context { actor: lockstep_commands::Actor::Account(ada.account), ..app.system() };
    let life = lockstep_domain::time::Timestamp(context.now.0 + 3_600_000_000);
    let issued = lockstep_commands::invite::issue(&app.services, &context, ChannelId(secret), life, 1).await.unwrap();
    let text = json_of(&root, &issued.outcome.position.to_string()).await;
    assert!(!text.contains(&issued.invite.to_string()), "whoever has its id is invited: {text}");
    let redacted = json!({ "operationId": Uuid::new_v4(), "message": message });
    assert_eq!(app.change(Some(&ada), "redactMessage", redacted).await["changed"], true);
    app.settle().await;
    let gone = json_of(&ada, &at).await;
    assert!(!gone.contains("a secret word") && gone.contains("(not yours to read)"), "taken back for all: {gone}");
}
