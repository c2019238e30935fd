//! Who may see and do what. What somebody may not see looks like what does not exist.

use lockstep_domain::{account::PlatformRole, ids::VideoId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const CHANNEL: &str = "query($id: UUID!) { channel(id: $id) { name messages { nodes { text } } \
                       members { account { name } } playback { ratePpm } } }";

#[tokio::test]
async fn nobody_does_anything_without_signing_in() {
    let app = App::new().await;
    let id = Uuid::new_v4();
    let inputs = [
        ("requestUpload", json!({ "title": "t", "fileName": "f", "sizeBytes": 1.0, "contentType": "video/mp4" })),
        ("confirmUpload", json!({ "video": id })),
        ("editFilm", json!({ "video": id, "title": "t" })),
        ("trashFilm", json!({ "video": id })),
        ("restoreFilm", json!({ "video": id })),
        ("purgeFilm", json!({ "video": id })),
        ("retryFilm", json!({ "video": id })),
        ("editFilms", json!({ "videos": [id] })),
        ("trashFilms", json!({ "videos": [id] })),
        ("restoreFilms", json!({ "videos": [id] })),
        ("purgeFilms", json!({ "videos": [id] })),
        ("signUploadParts", json!({ "video": id, "numbers": [1] })),
        ("abortUpload", json!({ "video": id })),
        ("uploadCaptions", json!({ "video": id, "label": "l", "text": "t" })),
        ("removeCaptions", json!({ "video": id, "captions": "u1" })),
        ("choosePoster", json!({ "video": id, "picture": "" })),
        ("resetPoster", json!({ "video": id })),
        ("createChannel", json!({ "name": "n", "visibility": "PUBLIC" })),
        ("renameChannel", json!({ "channel": id, "name": "n" })),
        ("joinChannel", json!({ "channel": id })),
        ("leaveChannel", json!({ "channel": id })),
        ("askToJoin", json!({ "channel": id })),
        ("archiveChannel", json!({ "channel": id })),
        ("unmuteMember", json!({ "channel": id, "account": id })),
        ("approveJoin", json!({ "channel": id, "account": id })),
        ("declineJoin", json!({ "channel": id, "account": id })),
        ("handOverRemote", json!({ "channel": id, "account": id })),
        ("removeMember", json!({ "channel": id, "account": id })),
        ("muteMember", json!({ "channel": id, "account": id })),
        ("overridePermission", json!({ "channel": id, "account": id, "permission": "CHAT", "granted": true })),
        ("describeChannel", json!({ "channel": id, "description": "d" })),
        ("changeChannelVisibility", json!({ "channel": id, "visibility": "PUBLIC" })),
        ("changePermissionDefaults", json!({ "channel": id, "role": "VIEWER", "permissions": [] })),
        ("setSlowMode", json!({ "channel": id, "seconds": 1 })),
        ("changeRemoteMode", json!({ "channel": id })),
        ("issueInvite", json!({ "channel": id, "expiresAt": "2030-01-01T00:00:00Z", "usesMax": 1 })),
        ("redeemInvite", json!({ "code": id })),
        ("revokeInvite", json!({ "invite": id })),
        ("banMember", json!({ "channel": id, "account": id })),
        ("unbanMember", json!({ "channel": id, "account": id })),
        ("grantRole", json!({ "channel": id, "account": id, "role": "OWNER" })),
        ("loadVideo", json!({ "channel": id, "video": id })),
        ("play", json!({ "channel": id })),
        ("pause", json!({ "channel": id })),
        ("seek", json!({ "channel": id, "positionUs": 1.0 })),
        ("undo", json!({ "channel": id, "position": "1" })),
        ("markRead", json!({ "ids": [id] })),
        ("queueVideo", json!({ "channel": id, "video": id })),
        ("dequeueVideo", json!({ "channel": id, "item": id })),
        ("moveInQueue", json!({ "channel": id, "item": id })),
        ("playNow", json!({ "channel": id, "item": id })),
        ("playNext", json!({ "channel": id, "item": id })),
        ("voteSkip", json!({ "channel": id })),
        ("restoreQueue", json!({ "channel": id })),
        ("clearQueue", json!({ "channel": id })),
        ("releaseHold", json!({ "channel": id })),
        ("setAutoplay", json!({ "channel": id, "on": true })),
        ("setLoop", json!({ "channel": id, "mode": "ONE" })),
        ("changeRate", json!({ "channel": id, "ratePpm": 1_000_000 })),
        ("changePassword", json!({ "current": "correct horse battery", "next": "another good one" })),
        ("changeDisplayName", json!({ "name": "n" })),
        ("revokeSession", json!({ "session": "00" })),
        ("unlinkIdentity", json!({ "identity": id, "password": "correct horse battery" })),
        ("grantPlatformRole", json!({ "account": id, "role": "ADMINISTRATOR" })),
        ("suspendAccount", json!({ "account": id })),
        ("reinstateAccount", json!({ "account": id })),
        ("issuePasswordReset", json!({ "account": id })),
        ("changeRegistration", json!({ "registration": "OPEN" })),
        ("issueRegistrationLink", json!({ "expiresAt": "2023-11-20T00:00:00Z", "uses": 1 })),
        (
            "createApiToken",
            json!({ "name": "n", "scopes": ["UPLOAD"], "expiresAt": "2030-01-01T00:00:00Z", "password": "correct horse battery" }),
        ),
        ("revokeApiToken", json!({ "apiToken": id })),
        ("registerWebhook", json!({ "url": "https://a.example", "topics": ["VIDEO_READY"] })),
        ("removeWebhook", json!({ "webhook": id })),
        ("enableWebhook", json!({ "webhook": id })),
        ("rotateWebhookSecret", json!({ "webhook": id })),
        ("sendWebhookAgain", json!({ "delivery": id })),
        ("revokeRegistrationLink", json!({ "link": id })),
        ("postMessage", json!({ "channel": id, "id": id, "text": "t" })),
        ("editMessage", json!({ "message": id, "text": "t" })),
        ("redactMessage", json!({ "message": id })),
        ("reactToMessage", json!({ "message": id, "emoji": "\u{1F44D}", "on": true })),
        ("pinMessage", json!({ "message": id })),
        ("unpinMessage", json!({ "message": id })),
        ("reportMessage", json!({ "message": id, "reason": "r" })),
        ("resolveReport", json!({ "report": id, "action": "DISMISSED" })),
    ];
    // Every mutation of the schema is either here or makes its own account or has no input.
    let own = ["setUp", "signIn", "signOut", "joinAsGuest", "register", "resetPassword", "revokeOtherSessions"];
    let sdl = app.schema.sdl();
    let mutations = sdl.split("type Mutation {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields = mutations.lines().map(str::trim).filter(|line| line.contains(": ") && !line.starts_with('"'));
    let mut known = 0;
    for field in fields {
        let name = field.split(['(', ':']).next().unwrap();
        assert!(own.contains(&name) || inputs.iter().any(|(known, _)| *known == name), "no access test for {name}");
        known += 1;
    }
    assert_eq!(known, inputs.len() + own.len());
    let head = app.services.store.head().await.unwrap();
    for (field, mut input) in inputs {
        // What is done once anyway has no operation id.
        if !["revokeSession", "undo"].contains(&field) {
            input["operationId"] = json!(Uuid::new_v4());
        }
        assert_eq!(app.change(None, field, input).await["code"], "signed_out", "{field}");
    }
    assert_eq!(app.services.store.head().await.unwrap(), head, "nothing happened");
}

#[tokio::test]
async fn a_private_channel_does_not_exist_for_others() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Administrator).await;
    let channel = app.channel(&ada, "Secret", "PRIVATE").await;
    app.settle().await;
    let of = async |by, id: Uuid| app.ask(by, CHANNEL, json!({ "id": id })).await;
    assert_eq!(of(Some(&ada), channel).await["data"]["channel"]["name"], "Secret");
    let unknown = of(Some(&eve), Uuid::new_v4()).await;
    assert_eq!(unknown["data"]["channel"], Value::Null);
    assert_eq!(of(Some(&eve), channel).await, unknown);
    assert_eq!(of(None, channel).await, unknown);
    let slug = "query($s: String!) { channel(slug: $s) { id } }";
    let by_slug = app.data(Some(&eve), slug, json!({ "s": "secret" })).await;
    assert_eq!(by_slug["channel"], Value::Null);
    let listed = app.data(Some(&eve), "{ channels { id } }", json!({})).await;
    assert_eq!(listed["channels"], json!([]));
    let input = json!({ "operationId": Uuid::new_v4(), "channel": channel });
    assert_eq!(app.change(Some(&eve), "joinChannel", input).await["code"], "not_found");
}

#[tokio::test]
async fn a_public_channel_is_seen_from_outside_but_not_its_inside() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let channel = app.channel(&ada, "Open", "PUBLIC").await;
    let said = json!({ "operationId": Uuid::new_v4(), "channel": channel, "id": Uuid::new_v4(), "text": "hi" });
    app.change(Some(&ada), "postMessage", said).await;
    app.settle().await;
    let inside = async |by| app.data(by, CHANNEL, json!({ "id": channel })).await["channel"].clone();
    assert_eq!(inside(Some(&bob)).await["messages"]["nodes"], json!([{ "text": "hi" }]));
    let outside = json!({ "name": "Open", "messages": { "nodes": [] }, "members": [], "playback": null });
    assert_eq!(inside(None).await, outside);
    let ban = json!({ "operationId": Uuid::new_v4(), "channel": channel, "account": bob.account.0 });
    app.change(Some(&ada), "banMember", ban).await;
    app.settle().await;
    assert_eq!(inside(Some(&bob)).await, outside, "a ban closes the inside");
}

#[tokio::test]
async fn guests_see_only_films_that_a_channel_of_theirs_plays() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let gast = app.person("Gast", PlatformRole::Guest).await;
    let (played, other) = (VideoId(Uuid::new_v4()), VideoId(Uuid::new_v4()));
    app.ready_film(&ada, played).await;
    app.ready_film(&ada, other).await;
    let channel = app.channel(&ada, "Open", "PUBLIC").await;
    let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": played.0 });
    app.change(Some(&ada), "loadVideo", load).await;
    app.settle().await;
    let see = async |by, video: VideoId| {
        let query = "query($id: UUID!) { video(id: $id) { hlsUrl delivery { token } } }";
        app.data(by, query, json!({ "id": video.0 })).await["video"].clone()
    };
    assert_eq!(see(Some(&gast), played).await["delivery"]["token"], format!("t-{played}"));
    assert_eq!(see(Some(&gast), other).await, Value::Null);
    assert_eq!(see(None, played).await, Value::Null);
    assert_eq!(see(Some(&ada), other).await["delivery"]["token"], format!("t-{other}"));
    let list = "{ videos { nodes { id } } }";
    let code = async |by| app.ask(by, list, json!({})).await["errors"][0]["extensions"]["code"].clone();
    assert_eq!((code(Some(&gast)).await, code(None).await), (json!("not_permitted"), json!("signed_out")));
    let upload = json!({ "operationId": Uuid::new_v4(), "title": "t", "fileName": "f", "sizeBytes": 1.0, "contentType": "video/mp4" });
    assert_eq!(app.change(Some(&gast), "requestUpload", upload).await["code"], "guest");
    let create = json!({ "operationId": Uuid::new_v4(), "name": "n", "visibility": "PUBLIC" });
    assert_eq!(app.change(Some(&gast), "createChannel", create).await["code"], "guest");
}

#[tokio::test]
async fn only_administrators_see_the_projections() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Administrator).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let head = app.settle().await;
    let query = "{ projections { name position lagPositions faulted } }";
    let shown = app.data(Some(&ada), query, json!({})).await["projections"].clone();
    assert_eq!(shown.as_array().unwrap().len(), lockstep_projections::all().len());
    let at_head = json!({ "name": "accounts", "position": head.to_string(), "lagPositions": 0, "faulted": false });
    assert_eq!(shown[0], at_head);
    for by in [None, Some(&bob)] {
        let refused = app.ask(by, query, json!({})).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "not_permitted");
        assert_eq!(refused["data"]["projections"], Value::Null);
    }
}
