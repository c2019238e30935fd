//! Uploads in parts over the API: the plan, the addresses, what is unfinished, and the refusals with their figures.

use lockstep_domain::account::PlatformRole;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const REQUEST: &str = "mutation($input: RequestUploadInput!) { requestUpload(input: $input) {
    ... on UploadRequested { video url plan { partBytes parts } }
    ... on AlreadyUploaded { video title status }
    ... on QuotaExceeded { code message used allowed }
    ... on Refused { code } } }";
const UNFINISHED: &str = "{ unfinishedUploads { video title fileName sizeBytes plan { parts } received } }";
const LARGE: f64 = 300_000_000.0;

fn wish(bytes: f64, fingerprint: Option<&str>) -> Value {
    json!({ "input": { "operationId": Uuid::new_v4(), "title": "Holiday", "fileName": "holiday.mp4",
        "sizeBytes": bytes, "contentType": "video/mp4", "fingerprint": fingerprint } })
}

#[tokio::test]
async fn a_large_file_gets_a_plan_and_addresses_and_is_listed_for_its_owner() {
    let app = App::new().await;
    let (ada, eve) = (app.person("Ada", PlatformRole::Member).await, app.person("Eve", PlatformRole::Member).await);
    let asked = app.data(Some(&ada), REQUEST, wish(LARGE, None)).await["requestUpload"].clone();
    assert_eq!((&asked["url"], &asked["plan"]), (&json!(""), &json!({ "partBytes": 8_388_608.0, "parts": 36 })));
    let sign = "mutation($input: SignUploadPartsInput!) { signUploadParts(input: $input) {
        ... on UploadPartsSigned { parts { number bytes url headers { name } } } ... on Refused { code } } }";
    let input = |numbers: Value| json!({ "input": { "operationId": Uuid::new_v4(), "video": asked["video"], "numbers": numbers } });
    let signed = app.data(Some(&ada), sign, input(json!([1, 36]))).await["signUploadParts"]["parts"].clone();
    assert_eq!((&signed[0]["bytes"], &signed[1]["bytes"]), (&json!(8_388_608.0), &json!(6_398_720.0)));
    assert!(signed[1]["url"].as_str().is_some_and(|url| url.contains("partNumber=36")), "{signed}");
    for (by, numbers, code) in
        [(&ada, json!([37]), "parts"), (&ada, json!([-1]), "parts"), (&eve, json!([1]), "not_found")]
    {
        assert_eq!(app.data(Some(by), sign, input(numbers)).await["signUploadParts"]["code"], code);
    }
    let listed = app.data(Some(&ada), UNFINISHED, json!({})).await["unfinishedUploads"].clone();
    let expected = json!([{ "video": asked["video"], "title": "Holiday", "fileName": "holiday.mp4",
        "sizeBytes": LARGE, "plan": { "parts": 36 }, "received": [] }]);
    assert_eq!(listed, expected);
    assert_eq!(app.data(Some(&eve), UNFINISHED, json!({})).await["unfinishedUploads"], json!([]));
    let parts = "query($video: UUID!) { uploadParts(video: $video) { received status plan { parts } } }";
    let video = json!({ "video": asked["video"] });
    let own = app.data(Some(&ada), parts, video.clone()).await;
    assert_eq!(own["uploadParts"], json!({ "received": [], "status": "UPLOADING", "plan": { "parts": 36 } }));
    assert_eq!(app.data(Some(&eve), parts, video.clone()).await["uploadParts"], Value::Null);
    let abort = json!({ "operationId": Uuid::new_v4(), "video": asked["video"] });
    assert_eq!(app.change(Some(&ada), "abortUpload", abort).await["changed"], true);
    assert_eq!(app.data(Some(&ada), UNFINISHED, json!({})).await["unfinishedUploads"], json!([]));
    let library = "{ videos { totalCount nodes { id } } }";
    app.settle().await;
    assert_eq!(app.data(Some(&ada), library, json!({})).await["videos"], json!({ "totalCount": 0, "nodes": [] }));
}

#[tokio::test]
async fn the_same_file_and_a_full_account_are_answers_of_their_own() {
    let app = App::new().await;
    let ada = app.person("Ada", PlatformRole::Member).await;
    let print = "5f".repeat(32);
    let first = app.data(Some(&ada), REQUEST, wish(LARGE, Some(&print))).await["requestUpload"].clone();
    let same = app.data(Some(&ada), REQUEST, wish(LARGE, Some(&print))).await["requestUpload"].clone();
    assert_eq!(same, json!({ "video": first["video"], "title": "Holiday", "status": "UPLOADING" }));
    let mut again = wish(LARGE, Some(&print));
    again["input"]["again"] = json!(true);
    assert!(app.data(Some(&ada), REQUEST, again).await["requestUpload"]["plan"].is_object());
    let huge = app.data(Some(&ada), REQUEST, wish(99_000_000_000.0, None)).await["requestUpload"].clone();
    assert!(huge["plan"].is_object(), "{huge}");
    app.data(Some(&ada), REQUEST, wish(99_000_000_000.0, None)).await;
    let full = app.data(Some(&ada), REQUEST, wish(3_000_000_000.0, None)).await["requestUpload"].clone();
    assert_eq!(full["code"], "quota_bytes", "{full}");
    assert_eq!((&full["used"], &full["allowed"]), (&json!(198_600_000_000.0), &json!(200_000_000_000.0)));
    let quota = app.data(Some(&ada), "{ uploadQuota { bytesUsed bytesMax unfinishedUsed unfinishedMax } }", json!({}));
    let expected = json!({ "bytesUsed": 198_600_000_000.0, "bytesMax": 200_000_000_000.0, "unfinishedUsed": 4.0,
        "unfinishedMax": 20.0 });
    assert_eq!(quota.await["uploadQuota"], expected);
}
