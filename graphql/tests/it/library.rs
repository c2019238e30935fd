//! The library through the real schema: editing, visibility, lists, search, the trash, many at once.

use lockstep_commands::Principal;
use lockstep_domain::{account::PlatformRole, ids::VideoId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const LIST: &str = "query($search: String, $trash: Boolean, $sort: LibrarySort, $after: String, $first: Int) { \
    library(search: $search, trash: $trash, sort: $sort, after: $after, first: $first) { totalCount hasMore near endCursor \
    nodes { video { id title hlsUrl keeps } titleParts { text hit } excerpt { text hit } } } }";

async fn film(app: &App, owner: &Principal, title: &str) -> VideoId {
    let video = VideoId(Uuid::new_v4());
    app.ready_film(owner, video).await;
    edit(app, owner, video, json!({ "title": title })).await;
    video
}

async fn edit(app: &App, by: &Principal, video: VideoId, mut input: Value) -> Value {
    input["operationId"] = json!(Uuid::new_v4());
    input["video"] = json!(video.0);
    app.change(Some(by), "editFilm", input).await
}

async fn one(app: &App, by: &Principal, field: &str, video: VideoId) -> Value {
    app.change(Some(by), field, json!({ "operationId": Uuid::new_v4(), "video": video.0 })).await
}

async fn many(app: &App, by: &Principal, field: &str, videos: &[VideoId]) -> Value {
    let videos: Vec<Uuid> = videos.iter().map(|video| video.0).collect();
    app.change(Some(by), field, json!({ "operationId": Uuid::new_v4(), "videos": videos })).await
}

async fn list(app: &App, by: &Principal, variables: Value) -> Value {
    app.settle().await;
    app.data(Some(by), LIST, variables).await["library"].clone()
}

fn titles(page: &Value) -> Vec<&str> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["video"]["title"].as_str().unwrap()).collect()
}

async fn seen(app: &App, by: &Principal, video: VideoId) -> Value {
    app.settle().await;
    let query = "query($id: UUID!) { video(id: $id) { title delivery { token } } }";
    app.data(Some(by), query, json!({ "id": video.0 })).await["video"].clone()
}

#[tokio::test]
async fn a_search_finds_words_their_beginnings_and_one_wrong_letter() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let lisbon = film(&app, &ada, "Holiday in Lisbon").await;
    film(&app, &ada, "Winter").await;
    let words = json!({ "description": "Two weeks on the coast, <b>sunshine</b> every day.", "tags": ["family"] });
    edit(&app, &ada, lisbon, words).await;
    let search = async |text: &str| list(&app, &ada, json!({ "search": text })).await;
    for text in ["lisbon", "LIS", "sunsh", "family", "holiday coast"] {
        let page = search(text).await;
        assert_eq!(
            (titles(&page), &page["near"], &page["totalCount"]),
            (vec!["Holiday in Lisbon"], &json!(false), &json!(1))
        );
    }
    for typo in ["holidya", "hollday", "lisbn", "lissbon", "winetr", "holyda"] {
        let page = search(typo).await;
        assert_eq!((titles(&page).len(), &page["near"]), (1, &json!(true)), "{typo}: {page}");
    }
    for none in ["zebra", "hollow", "lisbon zebra", "' | !", "%"] {
        let page = search(none).await;
        assert!(titles(&page).is_empty() || none.chars().all(|c| !c.is_alphanumeric()), "{none}: {page}");
    }
    let page = search("lis sunshine").await;
    let parts = json!([{ "text": "Holiday in ", "hit": false }, { "text": "Lisbon", "hit": true }]);
    assert_eq!(page["nodes"][0]["titleParts"], parts);
    let excerpt = page["nodes"][0]["excerpt"].as_array().unwrap().clone();
    assert!(excerpt.contains(&json!({ "text": "sunshine", "hit": true })), "{excerpt:?}");
}

#[tokio::test]
async fn pages_go_on_where_the_last_ended_in_every_order() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    for title in ["delta film", "alpha film", "charlie film", "bravo film", "echo film"] {
        film(&app, &ada, title).await;
    }
    let orders = [
        (json!({ "sort": "NEWEST" }), "ebcad"),
        (json!({ "sort": "OLDEST" }), "dacbe"),
        (json!({ "sort": "TITLE" }), "abcde"),
        (json!({ "sort": "LARGEST" }), "ebcad"),
        (json!({ "sort": "LONGEST" }), "ebcad"),
        (json!({ "search": "film" }), "ebcad"),
    ];
    for (mut variables, order) in orders {
        variables["first"] = json!(2);
        let mut told = String::new();
        loop {
            let page = list(&app, &ada, variables.clone()).await;
            assert_eq!(page["totalCount"], 5);
            told.extend(titles(&page).iter().map(|title| title.chars().next().unwrap()));
            variables["after"] = page["endCursor"].clone();
            if page["hasMore"] == json!(false) {
                break;
            }
        }
        assert_eq!(told, order, "{variables}");
    }
}

#[tokio::test]
async fn filters_narrow_by_status_and_owner() {
    let app = App::new().await;
    let (ada, bob) = (app.person("Ada", PlatformRole::Member).await, app.person("Bob", PlatformRole::Member).await);
    film(&app, &ada, "Done").await;
    film(&app, &bob, "Of Bob").await;
    let wish = json!({ "operationId": Uuid::new_v4(), "title": "On its way", "fileName": "way.mp4",
        "sizeBytes": 1_000, "contentType": "video/mp4" });
    app.change(Some(&ada), "requestUpload", wish).await;
    app.settle().await;
    let query = "query($statuses: [VideoStatus!], $owner: UUID) { library(statuses: $statuses, owner: $owner) { \
        totalCount nodes { video { title } } } }";
    let viewer = app.person("Viewer", PlatformRole::Member).await;
    let (ready, both) = (json!(["READY"]), json!(["READY", "UPLOADING"]));
    let (ada, bob) = (ada.account.0, bob.account.0);
    for (statuses, owner, expected) in [
        (json!(null), json!(null), vec!["On its way", "Of Bob", "Done"]),
        (ready.clone(), json!(null), vec!["Of Bob", "Done"]),
        (json!(["UPLOADING"]), json!(null), vec!["On its way"]),
        (both, json!(ada), vec!["On its way", "Done"]),
        (ready, json!(bob), vec!["Of Bob"]),
        (json!(["FAILED"]), json!(bob), vec![]),
    ] {
        let page =
            app.data(Some(&viewer), query, json!({ "statuses": statuses, "owner": owner })).await["library"].clone();
        assert_eq!(titles(&page), expected, "{statuses} {owner}");
        assert_eq!(page["totalCount"], json!(expected.len()));
    }
}

#[tokio::test]
async fn a_private_film_is_its_owners_and_an_unlisted_one_opens_by_its_link() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let video = film(&app, &ada, "Wedding").await;
    for (visibility, listed, opens) in [("PUBLIC", true, true), ("UNLISTED", false, true), ("PRIVATE", false, false)] {
        edit(&app, &ada, video, json!({ "visibility": visibility })).await;
        for search in [None, Some("wedding"), Some("weddign")] {
            let page = list(&app, &eve, json!({ "search": search })).await;
            assert_eq!(titles(&page).len(), usize::from(listed), "{visibility} {search:?}");
            assert_eq!(titles(&list(&app, &ada, json!({ "search": search })).await).len(), 1);
            assert_eq!(titles(&list(&app, &root, json!({ "search": search })).await).len(), 1);
        }
        assert_eq!(seen(&app, &eve, video).await["title"].is_string(), opens, "{visibility}");
        let old = app.data(Some(&eve), "{ videos { nodes { id } } }", json!({})).await;
        assert_eq!(old["videos"]["nodes"].as_array().unwrap().len(), usize::from(listed));
    }
    assert_eq!(edit(&app, &eve, video, json!({ "title": "x" })).await["code"], "not_found");
    assert_eq!(edit(&app, &root, video, json!({ "title": "Tidied" })).await["__typename"], "Changed");
    let channel = app.channel(&ada, "Party", "PUBLIC").await;
    let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": video.0 });
    assert_eq!(app.change(Some(&ada), "loadVideo", load).await["__typename"], "Changed");
    assert_eq!(seen(&app, &eve, video).await["title"], "Tidied", "a channel of hers plays it");
}

#[tokio::test]
async fn a_film_in_the_trash_is_nowhere_else_and_comes_back() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let video = film(&app, &ada, "Wedding").await;
    assert!(seen(&app, &eve, video).await["delivery"]["token"].is_string());
    assert_eq!(one(&app, &ada, "purgeFilm", video).await["code"], "not_in_trash");
    assert_eq!(one(&app, &ada, "trashFilm", video).await["changed"], true);
    assert_eq!(titles(&list(&app, &ada, json!({})).await).len(), 0);
    assert_eq!(titles(&list(&app, &ada, json!({ "search": "weddin" })).await).len(), 0);
    assert_eq!(titles(&list(&app, &ada, json!({ "trash": true })).await), ["Wedding"]);
    assert_eq!(titles(&list(&app, &eve, json!({ "trash": true })).await).len(), 0, "not hers");
    assert_eq!(seen(&app, &eve, video).await, Value::Null);
    assert_eq!(seen(&app, &ada, video).await, json!({ "title": "Wedding", "delivery": null }));
    let channel = app.channel(&ada, "Party", "PUBLIC").await;
    let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": video.0 });
    assert_eq!(app.change(Some(&ada), "loadVideo", load).await["code"], "not_playable");
    assert_eq!(edit(&app, &ada, video, json!({ "title": "x" })).await["code"], "in_trash");
    assert_eq!(one(&app, &ada, "restoreFilm", video).await["changed"], true);
    assert!(seen(&app, &eve, video).await["delivery"]["token"].is_string());
    one(&app, &ada, "trashFilm", video).await;
    assert_eq!(one(&app, &ada, "purgeFilm", video).await["changed"], true);
    assert_eq!(one(&app, &ada, "restoreFilm", video).await["code"], "not_found");
    assert_eq!(titles(&list(&app, &ada, json!({ "trash": true })).await).len(), 0);
    assert_eq!(seen(&app, &ada, video).await, Value::Null);
}

#[tokio::test]
async fn many_films_at_once_have_an_answer_each() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let films = [film(&app, &ada, "One").await, film(&app, &bob, "Two").await, film(&app, &ada, "Three").await];
    let ids: Vec<Uuid> = films.iter().map(|video| video.0).collect();
    let input =
        json!({ "operationId": Uuid::new_v4(), "videos": ids, "addTags": ["summer"], "visibility": "UNLISTED" });
    let done = app.change(Some(&ada), "editFilms", input).await;
    let codes: Vec<&Value> = done["answers"].as_array().unwrap().iter().map(|answer| &answer["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("not_found"), &Value::Null], "{done}");
    assert_eq!(titles(&list(&app, &bob, json!({})).await), ["Two"]);
    let none = many(&app, &ada, "trashFilms", &[]).await;
    let too_many: Vec<VideoId> = (0..101).map(|_| VideoId(Uuid::new_v4())).collect();
    assert_eq!(
        (&none["code"], &many(&app, &ada, "trashFilms", &too_many).await["code"]),
        (&json!("too_many"), &json!("too_many"))
    );
    let trashed = many(&app, &ada, "trashFilms", &[films[0], films[2]]).await;
    assert_eq!(trashed["answers"][1]["changed"], true);
    app.settle().await;
    let query = "{ libraryStatistics { films trashed trashedBytes storedBytes durationUs byStatus { status films } } }";
    let held = app.data(Some(&ada), query, json!({})).await["libraryStatistics"].clone();
    let expected = json!({ "films": 1, "trashed": 2, "trashedBytes": 2002.0, "storedBytes": 1001.0,
        "durationUs": 60_000_000.0, "byStatus": [{ "status": "READY", "films": 1 }] });
    assert_eq!(held, expected);
}

#[tokio::test]
async fn a_film_tells_its_keepers_what_happened_to_it() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let video = film(&app, &ada, "Wedding").await;
    app.settle().await;
    let query = "query($id: UUID!) { filmEvents(video: $id, first: 2) { hasMore nodes { eventType actor { name } } } }";
    let told = app.data(Some(&ada), query, json!({ "id": video.0 })).await["filmEvents"].clone();
    let nodes = json!([{ "eventType": "Retitled", "actor": { "name": "Ada" } },
        { "eventType": "TranscodeCompleted", "actor": null }]);
    assert_eq!(told, json!({ "hasMore": true, "nodes": nodes }));
    let refused = app.ask(Some(&eve), query, json!({ "id": video.0 })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "not_found");
}
