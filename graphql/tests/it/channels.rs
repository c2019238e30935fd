//! A channel's settings, its people, its invites and its door, as each kind of person sees them.

use futures::StreamExt;
use lockstep_commands::Principal;
use lockstep_domain::account::PlatformRole;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

/// The input of a command in this channel.
fn of(channel: Uuid, more: Value) -> Value {
    let mut input = json!({ "operationId": Uuid::new_v4(), "channel": channel });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

fn on(channel: Uuid, person: &Principal, more: Value) -> Value {
    let mut input = of(channel, more);
    input["account"] = json!(person.account.0);
    input
}

struct Club {
    app: App,
    ada: Principal,
    bob: Principal,
    eve: Principal,
    channel: Uuid,
}

/// Ada's channel with Bob in it, and Eve outside.
async fn club(visibility: &str) -> Club {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Guest).await;
    let channel = app.channel(&ada, "Club", "PUBLIC").await;
    app.change(Some(&bob), "joinChannel", of(channel, json!({}))).await;
    if visibility != "PUBLIC" {
        app.change(Some(&ada), "changeChannelVisibility", of(channel, json!({ "visibility": visibility }))).await;
    }
    app.settle().await;
    Club { app, ada, bob, eve, channel }
}

impl Club {
    async fn act(&self, by: &Principal, field: &str, input: Value) -> Value {
        let answer = self.app.change(Some(by), field, input).await;
        self.app.settle().await;
        answer
    }
    async fn see(&self, by: Option<&Principal>, fields: &str) -> Value {
        let query = format!("query($id: UUID!) {{ channel(id: $id) {{ {fields} }} }}");
        self.app.data(by, &query, json!({ "id": self.channel })).await["channel"].clone()
    }
    async fn slug(&self) -> String {
        self.see(Some(&self.ada), "slug").await["slug"].as_str().unwrap().to_owned()
    }
    async fn door(&self, by: Option<&Principal>, slug: &str) -> Value {
        let query = "query($s: String!) { channelDoor(slug: $s) { id visibility asking } }";
        self.app.data(by, query, json!({ "s": slug })).await["channelDoor"].clone()
    }
    async fn invite(&self, by: &Principal, uses: i32) -> Value {
        let input = of(self.channel, json!({ "expiresAt": "2023-12-01T00:00:00Z", "usesMax": uses }));
        self.act(by, "issueInvite", input).await
    }
}

#[tokio::test]
async fn who_has_issued_an_invite_reads_it_or_that_it_is_not_there_yet() {
    let club = club("PRIVATE").await;
    // The read model of invites stands still, the others go on.
    let mut held = club.app.services.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE rm_invites IN SHARE ROW EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let input = of(club.channel, json!({ "expiresAt": "2023-12-01T00:00:00Z", "usesMax": 1 }));
    let issued = club.app.change(Some(&club.ada), "issueInvite", input).await;
    let query =
        "query($id: UUID!, $at: Position) { channel(id: $id, minPosition: $at) { invites { nodes { code } } } }";
    let from = json!({ "id": club.channel, "at": issued["position"] });
    let answer = club.app.ask(Some(&club.ada), query, from.clone()).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "behind", "{answer}");
    held.rollback().await.unwrap();
    let read = club.app.data(Some(&club.ada), query, from).await;
    assert_eq!(read["channel"]["invites"]["nodes"], json!([{ "code": issued["code"] }]));
}

#[tokio::test]
async fn settings_are_changed_by_who_may_and_shown() {
    let club = club("PUBLIC").await;
    let change = async |by: &Principal, field: &str, more: Value| club.act(by, field, of(club.channel, more)).await;
    for (field, more) in [
        ("describeChannel", json!({ "description": "Films" })),
        ("changeChannelVisibility", json!({ "visibility": "UNLISTED" })),
        ("changePermissionDefaults", json!({ "role": "VIEWER", "permissions": ["CHAT"] })),
        ("setSlowMode", json!({ "seconds": 20 })),
        ("changeRemoteMode", json!({ "holder": club.bob.account.0 })),
    ] {
        assert_eq!(change(&club.bob, field, more.clone()).await["code"], "not_permitted", "{field}");
        assert_eq!(change(&club.eve, field, more.clone()).await["code"], "not_a_member", "{field}");
        let done = change(&club.ada, field, more).await;
        assert_eq!(done["changed"], true, "{field}: {done}");
    }
    let fields = "description visibility slowModeS remoteHolder { name } permissionDefaults { role permissions }";
    let shown = club.see(Some(&club.bob), fields).await;
    assert_eq!(
        (&shown["description"], &shown["visibility"], &shown["slowModeS"]),
        (&json!("Films"), &json!("UNLISTED"), &json!(20))
    );
    assert_eq!(shown["remoteHolder"]["name"], "Bob");
    assert_eq!(shown["permissionDefaults"][0], json!({ "role": "VIEWER", "permissions": ["CHAT"] }));
    assert_eq!(shown["permissionDefaults"][3]["permissions"].as_array().unwrap().len(), 20);
    assert_eq!(change(&club.ada, "setSlowMode", json!({ "seconds": -1 })).await["code"], "slow_mode");
    let given = club.act(&club.bob, "handOverRemote", on(club.channel, &club.ada, json!({}))).await;
    assert_eq!(given["changed"], true);
    let outside = club.see(None, fields).await;
    assert_eq!((&outside["remoteHolder"], &outside["permissionDefaults"]), (&Value::Null, &json!([])));
    assert_eq!(change(&club.bob, "archiveChannel", json!({})).await["code"], "not_permitted");
    assert_eq!(change(&club.ada, "archiveChannel", json!({})).await["changed"], true);
    assert_eq!(change(&club.ada, "describeChannel", json!({ "description": "" })).await["code"], "archived");
}

#[tokio::test]
async fn my_standing_is_what_i_may_do_and_why_not_the_rest() {
    let club = club("PUBLIC").await;
    let me = async |by: &Principal| {
        club.see(Some(by), "me { role present muted mutedUntil banned permissions denials { permission code message } overrides { permission granted } }").await["me"].clone()
    };
    let mine = me(&club.bob).await;
    assert_eq!((&mine["role"], &mine["present"]), (&json!("VIEWER"), &json!(true)));
    assert!(mine["permissions"].as_array().unwrap().contains(&json!("CHAT")));
    let why = |mine: &Value, permission: &str| {
        let denials = mine["denials"].as_array().unwrap();
        denials.iter().find(|denial| denial["permission"] == permission).map(|denial| denial["code"].clone())
    };
    assert_eq!(why(&mine, "BAN"), Some(json!("not_permitted")));
    let exception = on(club.channel, &club.bob, json!({ "permission": "BAN", "granted": true }));
    assert_eq!(club.act(&club.ada, "overridePermission", exception).await["changed"], true);
    let mute = on(club.channel, &club.bob, json!({ "until": "2023-11-20T00:00:00Z", "reason": "loud" }));
    assert_eq!(club.act(&club.ada, "muteMember", mute).await["changed"], true);
    let holder = of(club.channel, json!({ "holder": club.ada.account.0 }));
    club.act(&club.ada, "changeRemoteMode", holder).await;
    let mine = me(&club.bob).await;
    assert_eq!(why(&mine, "BAN"), None);
    assert_eq!(mine["overrides"], json!([{ "permission": "BAN", "granted": true }]));
    assert_eq!((why(&mine, "CHAT"), &mine["muted"]), (Some(json!("muted")), &json!(true)));
    assert!(mine["mutedUntil"].as_str().unwrap().starts_with("2023-11-20"));
    assert_eq!(why(&mine, "SEEK"), Some(json!("not_the_remote")));
    assert_eq!(club.act(&club.ada, "unmuteMember", on(club.channel, &club.bob, json!({}))).await["changed"], true);
    assert_eq!(why(&me(&club.bob).await, "CHAT"), None);
    let stranger = me(&club.eve).await;
    assert_eq!((&stranger["role"], &stranger["permissions"]), (&Value::Null, &json!([])));
    assert_eq!(club.see(None, "me { role }").await["me"], Value::Null);
}

#[tokio::test]
async fn pages_of_people_are_for_those_with_the_right() {
    let club = club("PUBLIC").await;
    let names = async |by: Option<&Principal>, filter: &str| {
        let query = format!(
            "query($id: UUID!) {{ channel(id: $id) {{ memberPage(filter: {filter}) {{ nodes {{ account {{ name }} }} }} }} }}"
        );
        let answer = club.app.ask(by, &query, json!({ "id": club.channel })).await;
        if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
            assert_eq!(answer["data"]["channel"]["memberPage"], Value::Null);
            return code.to_owned();
        }
        let nodes = answer["data"]["channel"]["memberPage"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["account"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    club.act(&club.eve, "joinChannel", of(club.channel, json!({}))).await;
    assert_eq!(names(Some(&club.bob), "PRESENT").await, "Ada Bob Eve");
    club.act(&club.eve, "leaveChannel", of(club.channel, json!({}))).await;
    assert_eq!(names(Some(&club.bob), "ABSENT").await, "Eve");
    club.act(&club.ada, "banMember", on(club.channel, &club.eve, json!({ "reason": "spoilers" }))).await;
    assert_eq!(names(Some(&club.ada), "BANNED").await, "Eve");
    assert_eq!(names(Some(&club.bob), "BANNED").await, "not_permitted");
    assert_eq!(names(Some(&club.bob), "ASKING").await, "not_permitted");
    assert_eq!(names(None, "BANNED").await, "signed_out");
    assert_eq!(names(None, "EVERYBODY").await, "", "no one outside sees who is in");
    assert_eq!(names(Some(&club.eve), "EVERYBODY").await, "", "nor does who is banned");
    assert_eq!(names(Some(&club.ada), "EVERYBODY").await, "Ada Bob");
    let page = "query($id: UUID!, $after: String) { channel(id: $id) { memberPage(first: 1, after: $after, filter: EVERYBODY) { nodes { account { name } } hasMore endCursor } } }";
    let first =
        club.app.data(Some(&club.ada), page, json!({ "id": club.channel })).await["channel"]["memberPage"].clone();
    assert_eq!((&first["nodes"][0]["account"]["name"], &first["hasMore"]), (&json!("Ada"), &json!(true)));
    let after = json!({ "id": club.channel, "after": first["endCursor"] });
    let second = club.app.data(Some(&club.ada), page, after).await["channel"]["memberPage"].clone();
    assert_eq!((&second["nodes"][0]["account"]["name"], &second["hasMore"]), (&json!("Bob"), &json!(false)));
    let bad = club.app.ask(Some(&club.ada), page, json!({ "id": club.channel, "after": "1.x.y" })).await;
    assert_eq!(bad["errors"][0]["extensions"]["code"], "invalid");
}

#[tokio::test]
async fn a_removed_member_comes_back_where_the_door_is_open_only() {
    let club = club("PRIVATE").await;
    assert_eq!(club.act(&club.ada, "removeMember", on(club.channel, &club.bob, json!({}))).await["changed"], true);
    assert_eq!(club.see(Some(&club.bob), "name").await, Value::Null, "a private channel is gone for them");
    assert_eq!(club.act(&club.bob, "joinChannel", of(club.channel, json!({}))).await["code"], "private");
    club.act(&club.ada, "changeChannelVisibility", of(club.channel, json!({ "visibility": "PUBLIC" }))).await;
    assert_eq!(club.act(&club.bob, "joinChannel", of(club.channel, json!({}))).await["changed"], true);
}

#[tokio::test]
async fn an_invite_shows_its_channel_while_it_is_good_and_lets_people_in() {
    let club = club("PRIVATE").await;
    let preview = async |by: Option<&Principal>, code: &Value| {
        let query = "query($c: String!) { invite(code: $c) { __typename ... on InvitePreview { name slug memberCount joined by { name } } ... on Refused { code } } }";
        club.app.data(by, query, json!({ "c": code })).await["invite"].clone()
    };
    assert_eq!(club.invite(&club.bob, 1).await["code"], "not_permitted");
    assert_eq!(club.invite(&club.eve, 1).await["code"], "not_found", "a stranger learns nothing");
    let issued = club.invite(&club.ada, 1).await;
    let code = issued["code"].clone();
    let shown = preview(None, &code).await;
    assert_eq!(
        (&shown["name"], &shown["by"]["name"], &shown["joined"]),
        (&json!("Club"), &json!("Ada"), &json!(false))
    );
    assert_eq!(preview(None, &json!(Uuid::new_v4())).await, json!({ "__typename": "Refused", "code": "not_found" }));
    assert_eq!(preview(None, &json!("no code")).await["code"], "not_found");
    let redeem = |code: &Value| json!({ "operationId": Uuid::new_v4(), "code": code });
    let redeemed = club.act(&club.eve, "redeemInvite", redeem(&code)).await;
    assert_eq!((&redeemed["channel"], &redeemed["slug"]), (&json!(club.channel), &json!(club.slug().await)));
    assert_eq!(club.see(Some(&club.eve), "myRole").await["myRole"], "VIEWER");
    assert_eq!(preview(None, &code).await["code"], "used_up");
    assert_eq!(preview(Some(&club.eve), &code).await["joined"], true);
    let dan = club.app.person("Dan", PlatformRole::Guest).await;
    assert_eq!(club.act(&dan, "redeemInvite", redeem(&code)).await["code"], "used_up");
    let second = club.invite(&club.ada, 5).await;
    let revoke = |by| club.act(by, "revokeInvite", json!({ "operationId": Uuid::new_v4(), "invite": second["id"] }));
    assert_eq!(revoke(&club.bob).await["code"], "not_permitted");
    assert_eq!(revoke(&dan).await["code"], "not_found");
    assert_eq!(revoke(&club.ada).await["changed"], true);
    assert_eq!(preview(None, &second["code"]).await["code"], "revoked");
    assert_eq!(club.act(&dan, "redeemInvite", redeem(&second["code"])).await["code"], "revoked");
    let third = club.invite(&club.ada, 5).await;
    club.act(&club.ada, "banMember", on(club.channel, &dan, json!({}))).await;
    assert_eq!(preview(Some(&dan), &third["code"]).await["code"], "banned");
    assert_eq!(club.act(&dan, "redeemInvite", redeem(&third["code"])).await["code"], "banned");
    let listed =
        club.see(Some(&club.ada), "invites(first: 2) { nodes { code used revoked usesMax } hasMore endCursor }").await;
    let nodes = listed["invites"]["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), &nodes[0]["code"], &listed["invites"]["hasMore"]), (2, &third["code"], &json!(true)));
    assert_eq!(nodes[1]["revoked"], true);
    let query = "query($id: UUID!) { channel(id: $id) { invites { nodes { code } } } }";
    let refused = club.app.ask(Some(&club.bob), query, json!({ "id": club.channel })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "not_permitted");
}

#[tokio::test]
async fn who_knocks_hears_the_answer() {
    let club = club("PRIVATE").await;
    let slug = club.slug().await;
    let ask = || of(club.channel, json!({}));
    let mut answers = club.app.follow(
        Some(&club.eve),
        "subscription($id: UUID!) { doorAnswers(channel: $id) { asking admitted banned } }",
        json!({ "id": club.channel }),
    );
    let mut next = async || answers.next().await.unwrap()["data"]["doorAnswers"].clone();
    let stands = |asking, admitted| json!({ "asking": asking, "admitted": admitted, "banned": false });
    assert_eq!(next().await, stands(false, false));
    assert_eq!(club.act(&club.eve, "askToJoin", ask()).await["changed"], true);
    assert_eq!(next().await, stands(true, false));
    assert_eq!(club.door(Some(&club.eve), &slug).await["asking"], true);
    let asking = club.see(Some(&club.ada), "memberPage(filter: ASKING) { nodes { account { name } asking } }").await;
    assert_eq!(asking["memberPage"]["nodes"], json!([{ "account": { "name": "Eve" }, "asking": true }]));
    let eve = || on(club.channel, &club.eve, json!({}));
    assert_eq!(club.act(&club.bob, "approveJoin", eve()).await["code"], "not_permitted");
    assert_eq!(club.act(&club.ada, "declineJoin", eve()).await["changed"], true);
    assert_eq!(next().await, stands(false, false));
    assert_eq!(club.act(&club.eve, "joinChannel", ask()).await["code"], "not_found");
    club.act(&club.eve, "askToJoin", ask()).await;
    assert_eq!(next().await, stands(true, false));
    assert_eq!(club.act(&club.ada, "approveJoin", eve()).await["changed"], true);
    assert_eq!(next().await, stands(false, true));
    assert_eq!(club.door(Some(&club.eve), &slug).await, Value::Null, "the door stands open: the channel is seen");
    assert_eq!(club.act(&club.eve, "joinChannel", ask()).await["changed"], true);
}

#[tokio::test]
async fn a_private_channel_tells_strangers_nothing_but_where_its_door_is() {
    let club = club("PRIVATE").await;
    let slug = club.slug().await;
    let everything = "id slug name visibility description archived memberCount myRole createdAt slowModeS owner { name } \
        remoteHolder { name } members { account { name } } memberPage { nodes { account { name } } } playback { ratePpm } \
        messages { nodes { text } } me { role } permissionDefaults { role }";
    let query = format!("query($id: UUID, $slug: String) {{ channel(id: $id, slug: $slug) {{ {everything} }} }}");
    for by in [None, Some(&club.eve)] {
        for (real, random) in [
            (json!({ "id": club.channel }), json!({ "id": Uuid::new_v4() })),
            (json!({ "slug": slug }), json!({ "slug": "nothing-here" })),
        ] {
            let answer = club.app.ask(by, &query, real).await;
            assert_eq!(answer, club.app.ask(by, &query, random).await);
            assert_eq!(answer["data"]["channel"], Value::Null);
        }
        let door = json!({ "id": club.channel, "visibility": "PRIVATE", "asking": false });
        assert_eq!(club.door(by, &slug).await, door);
        assert_eq!(club.door(by, "nothing-here").await, Value::Null);
        assert_eq!(club.door(by, &slug[..slug.len() - 1]).await, Value::Null, "only at exactly its address");
    }
    assert_eq!(club.door(Some(&club.bob), &slug).await, Value::Null, "who is in needs no door");
}

#[tokio::test]
async fn a_strangers_command_is_refused_as_if_the_channel_were_not_there() {
    let club = club("PRIVATE").await;
    let bob = club.bob.account.0;
    let film = Uuid::new_v4();
    let inputs = [
        ("renameChannel", json!({ "name": "x" })),
        ("describeChannel", json!({ "description": "x" })),
        ("changeChannelVisibility", json!({ "visibility": "PUBLIC" })),
        ("changePermissionDefaults", json!({ "role": "VIEWER", "permissions": ["CHAT"] })),
        ("setSlowMode", json!({ "seconds": 5 })),
        ("changeRemoteMode", json!({})),
        ("handOverRemote", json!({ "account": bob })),
        ("archiveChannel", json!({})),
        ("leaveChannel", json!({})),
        ("approveJoin", json!({ "account": bob })),
        ("declineJoin", json!({ "account": bob })),
        ("removeMember", json!({ "account": bob })),
        ("muteMember", json!({ "account": bob })),
        ("unmuteMember", json!({ "account": bob })),
        ("banMember", json!({ "account": bob })),
        ("unbanMember", json!({ "account": bob })),
        ("grantRole", json!({ "account": bob, "role": "VIEWER" })),
        ("overridePermission", json!({ "account": bob, "permission": "CHAT", "granted": false })),
        ("issueInvite", json!({ "expiresAt": "2023-12-01T00:00:00Z", "usesMax": 1 })),
        ("loadVideo", json!({ "video": film })),
        ("play", json!({})),
        ("pause", json!({})),
        ("seek", json!({ "positionUs": 1.0 })),
        ("postMessage", json!({ "id": Uuid::new_v4(), "text": "hi" })),
    ];
    let strange = async || {
        for (field, more) in &inputs {
            let here = club.app.change(Some(&club.eve), field, of(club.channel, more.clone())).await;
            let nowhere = club.app.change(Some(&club.eve), field, of(Uuid::new_v4(), more.clone())).await;
            // Positions of nothing done differ by what else happened.
            if *field == "leaveChannel" {
                assert_eq!((&here["changed"], &nowhere["changed"]), (&json!(false), &json!(false)));
            } else {
                assert_eq!(here, nowhere, "{field}");
                assert_eq!(here["code"], "not_found", "{field}");
            }
        }
    };
    strange().await;
    club.act(&club.ada, "archiveChannel", of(club.channel, json!({}))).await;
    strange().await;
    assert_eq!(club.door(Some(&club.eve), &club.slug().await).await, Value::Null, "nobody knocks at a closed channel");
}

#[tokio::test]
async fn who_is_banned_from_a_private_channel_sees_as_much_as_of_a_random_one() {
    let club = club("PRIVATE").await;
    let slug = club.slug().await;
    assert_eq!(club.act(&club.ada, "banMember", on(club.channel, &club.bob, json!({}))).await["changed"], true);
    assert_eq!(club.see(Some(&club.bob), "name").await, Value::Null);
    assert_eq!(club.door(Some(&club.bob), &slug).await, Value::Null);
    // They were told of the ban: a command says so again.
    let said = of(club.channel, json!({ "id": Uuid::new_v4(), "text": "hi" }));
    assert_eq!(club.app.change(Some(&club.bob), "postMessage", said).await["code"], "banned");
    let followed = club.app.follow(
        Some(&club.bob),
        "subscription($id: UUID!) { channelEvents(channel: $id) { kind } }",
        json!({ "id": club.channel }),
    );
    let answer = Box::pin(followed).next().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "not_found");
}

#[tokio::test]
async fn a_channel_turned_private_keeps_those_in_it_and_an_unlisted_one_is_seen_by_its_link() {
    let club = club("PRIVATE").await;
    let said = of(club.channel, json!({ "id": Uuid::new_v4(), "text": "still here" }));
    assert!(club.act(&club.bob, "postMessage", said).await["position"].is_string());
    club.act(&club.ada, "changeChannelVisibility", of(club.channel, json!({ "visibility": "UNLISTED" }))).await;
    let listed = club.app.data(Some(&club.eve), "{ channels { id } }", json!({})).await;
    assert_eq!(listed["channels"], json!([]));
    let slug = club.slug().await;
    let query = "query($s: String!) { channel(slug: $s) { name } }";
    let found = club.app.data(Some(&club.eve), query, json!({ "s": slug })).await;
    assert_eq!(found["channel"]["name"], "Club");
}
