//! The committed OpenAPI document is the API's, complete, and described.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Site;
use crate::routes::rest::document;

/// Set to anything: the file is written anew instead of compared.
const UPDATE: &str = "LOCKSTEP_UPDATE_OPENAPI";

fn parsed() -> Value {
    serde_json::from_str(&document()).unwrap()
}

#[test]
fn the_committed_document_is_the_api() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == document(), "openapi.json has drifted: run this test with {UPDATE}=1 and commit the file");
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let site = Site::new().await;
    let served = site.send("GET", "/api/openapi.json", &[], "").await;
    assert_eq!((served.status.as_u16(), served.json()), (200, parsed()));
}

/// Every route of the router, as its source has them, has its path in the document.
#[test]
fn every_address_is_in_the_document() {
    let source = include_str!("../../rest.rs");
    let routes: BTreeSet<&str> = source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let undocumented = BTreeSet::from(["/api", "/api/", "/api/{*rest}", "/api/openapi.json"]);
    let document = parsed();
    let paths: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(routes.difference(&undocumented).copied().collect::<BTreeSet<_>>(), paths);
}

#[test]
fn everything_in_the_document_is_described() {
    let document = parsed();
    let said = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let summary = said(&operation["summary"]) || said(&operation["description"]);
            assert!(summary, "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let named = matches!(parameter["name"].as_str(), Some("limit" | "page"));
                assert!(said(&parameter["description"]) || named, "{method} {path}: {parameter}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(said(&response["description"]), "{method} {path} {status}");
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(said(&schema["description"]), "{name}");
        let open = schema["properties"].is_object() && schema["additionalProperties"] != Value::Bool(false);
        let sent = ["UploadWanted", "PartsWanted", "EditVideo", "ProcessingComplete"].contains(&name.as_str());
        assert!(!(sent && open), "{name} takes what it does not know");
    }
}
