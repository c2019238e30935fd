//! What only some may read stays theirs through every way to it that who-did-what opened: activity, notifications
//! (list, count and subscription), the list of the log and single events of it, and their errors. What is asked for is
//! generated from the SDL, so that a new field is looked at too.

use std::collections::BTreeSet;

use futures::StreamExt;
use lockstep_commands::{Actor, Context, Principal, channel, invite, member};
use lockstep_domain::{
    account::PlatformRole,
    ids::{ChannelId, Position},
    permission::ChannelRole,
    time::Timestamp,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{app::App, sweep::Sdl};

const SAID: &str = "words among members";
const WHY_MUTED: &str = "reason of the mute";
const WHY_BANNED: &str = "reason of the ban";
const OLD_NAME: &str = "Name before the ban";
const NEW_NAME: &str = "Name after the ban";

/// A private channel and everybody who has, had or wants something to do with it.
struct World {
    channel: ChannelId,
    invite: String,
    owner: Principal,
    viewer: Principal,
    banned: Principal,
    declined: Principal,
    stranger: Principal,
    root: Principal,
}

fn acting(app: &App, by: &Principal) -> Context {
    Context { actor: Actor::Account(by.account), ..app.system() }
}

async fn world(app: &App) -> World {
    let root = app.person("Root", PlatformRole::Administrator).await;
    let owner = app.person("Owner", PlatformRole::Member).await;
    let viewer = app.person("Viewer", PlatformRole::Member).await;
    let banned = app.person("Banned", PlatformRole::Member).await;
    let declined = app.person("Declined", PlatformRole::Member).await;
    let stranger = app.person("Stranger", PlatformRole::Member).await;
    let channel = ChannelId(app.channel(&owner, OLD_NAME, "PRIVATE").await);
    let services = &app.services;
    let as_owner = || acting(app, &owner);
    for guest in [&viewer, &banned] {
        member::ask_to_join(services, &acting(app, guest), channel).await.unwrap();
        member::approve(services, &as_owner(), channel, guest.account).await.unwrap();
        member::join(services, &acting(app, guest), channel, None).await.unwrap();
    }
    member::ask_to_join(services, &acting(app, &declined), channel).await.unwrap();
    member::decline(services, &as_owner(), channel, declined.account).await.unwrap();
    member::grant_role(services, &as_owner(), channel, viewer.account, ChannelRole::Moderator).await.unwrap();
    let life = Timestamp(services.clock.now().0 + 3_600_000_000);
    let issued = invite::issue(services, &as_owner(), channel, life, 1).await.unwrap();
    let said = json!({ "operationId": Uuid::new_v4(), "channel": channel.0, "id": Uuid::new_v4(), "text": SAID });
    assert_eq!(app.change(Some(&owner), "postMessage", said).await["__typename"], "MessagePosted");
    let why = |text: &str| Some(text.to_owned());
    member::mute(services, &as_owner(), channel, viewer.account, None, why(WHY_MUTED)).await.unwrap();
    member::ban(services, &as_owner(), channel, banned.account, why(WHY_BANNED)).await.unwrap();
    channel::rename(services, &as_owner(), channel, NEW_NAME).await.unwrap();
    let invite = issued.invite.to_string();
    World { channel, invite, owner, viewer, banned, declined, stranger, root }
}

/// Everything that these fields tell somebody, as one text.
async fn told(app: &App, sdl: &Sdl, by: Option<&Principal>, world: &World, head: Position) -> String {
    let mut text = String::new();
    let (page, news) = (sdl.selection("NotificationPage", 3), sdl.selection("NotificationNews", 3));
    let mut ask = async |query: String, variables: Value| {
        let answer = app.ask(by, &query, variables).await;
        assert!(!answer.to_string().contains("too complex"), "{query}");
        text.push_str(&answer.to_string());
    };
    ask(format!("{{ unreadCount notifications(first: 5) {page} }}"), json!({})).await;
    let activity = sdl.selection("ActivityPage", 3);
    for kind in ["playback", "channel", "member", "invite"] {
        let asked =
            format!("query($id: UUID!) {{ channel(id: $id) {{ activity(first: 10, kind: \"{kind}\") {activity} }} }}");
        ask(asked, json!({ "id": world.channel.0 })).await;
    }
    let (list, event) = (sdl.selection("AuditPage", 2), sdl.selection("AuditEvent", 3));
    for filter in [json!({}), json!({ "channel": world.channel.0 })] {
        ask(
            format!("query($filter: AuditFilter) {{ audit(filter: $filter, first: 30) {list} }}"),
            json!({ "filter": filter }),
        )
        .await;
    }
    for position in 1..=head.as_i64() {
        for channel in [Value::Null, json!(world.channel.0)] {
            let asked = json!({ "position": position.to_string(), "channel": channel });
            ask(format!("query($position: Position!, $channel: UUID) {{ auditEvent(position: $position, channel: $channel) {event} }}"), asked).await;
        }
    }
    let count = app.ask(by, "{ unreadCount }", json!({})).await["data"]["unreadCount"].as_u64().unwrap_or(0);
    let query = format!("subscription {{ notifications(after: \"0\") {news} }}");
    let heard: Vec<Value> = app.follow(by, &query, json!({})).take(count as usize).collect().await;
    text + &json!(heard).to_string()
}

#[tokio::test]
async fn what_only_some_may_read_stays_theirs_through_every_way_to_it() {
    let app = App::new().await;
    let world = world(&app).await;
    let head = app.settle().await;
    let sdl = Sdl::of(&app);
    let secrets = [SAID, WHY_MUTED, WHY_BANNED, OLD_NAME, NEW_NAME, world.invite.as_str()];
    // The administrator of the installation sees what happened, and no text about people where they are not in.
    let table: [(&str, Option<&Principal>, &[&str]); 7] = [
        ("owner", Some(&world.owner), &[SAID, WHY_MUTED, WHY_BANNED, OLD_NAME, NEW_NAME]),
        ("viewer", Some(&world.viewer), &[WHY_MUTED, OLD_NAME, NEW_NAME]),
        ("banned", Some(&world.banned), &[WHY_BANNED, OLD_NAME]),
        ("declined", Some(&world.declined), &[]),
        ("stranger", Some(&world.stranger), &[]),
        ("administrator", Some(&world.root), &[OLD_NAME, NEW_NAME]),
        ("nobody", None, &[]),
    ];
    for (who, by, may) in table {
        let text = told(&app, &sdl, by, &world, head).await;
        let found: BTreeSet<&str> = secrets.into_iter().filter(|secret| text.contains(secret)).collect();
        assert_eq!(found, may.iter().copied().collect(), "what the {who} is told");
    }
    for (by, unread) in [(&world.stranger, 0), (&world.declined, 1), (&world.banned, 2), (&world.viewer, 3)] {
        assert_eq!(app.data(Some(by), "{ unreadCount }", json!({})).await["unreadCount"], unread);
    }
}
