//! AWS Signature Version 4, computed here: to ask a bucket as a distribution does, and to look at who asks an API.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};

const KEYS: (&str, &str) = ("access", "secret");

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The signature of a canonical request. `scope`: date, region and service.
fn signature(canonical: &str, at: &str, scope: [&str; 3]) -> String {
    let hashed = hex::encode(Sha256::digest(canonical));
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{}/aws4_request\n{hashed}", scope.join("/"));
    let key = scope.iter().fold(format!("AWS4{}", KEYS.1).into_bytes(), |key, part| mac(&key, part));
    hex::encode(mac(&mac(&key, "aws4_request"), &text))
}

/// A signed `GET` of an object.
pub async fn get(url: &str) -> reqwest::Response {
    let at = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let (date, body) = (&at[..8], hex::encode(Sha256::digest("")));
    let (host, path) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).expect("a host and a path");
    let names = "host;x-amz-content-sha256;x-amz-date";
    let headers = format!("host:{host}\nx-amz-content-sha256:{body}\nx-amz-date:{at}\n");
    let canonical = format!("GET\n/{path}\n\n{headers}\n{names}\n{body}");
    let signed = signature(&canonical, &at, [date, "us-east-1", "s3"]);
    let credential = format!("{}/{date}/us-east-1/s3/aws4_request", KEYS.0);
    let authorization = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signed}");
    let request = super::CLIENT.get(url).header("authorization", authorization);
    request.header("x-amz-date", at).header("x-amz-content-sha256", body).send().await.expect("the bucket answers")
}

/// Whether a `POST` to this path is signed by the one who may call CloudFront's API.
pub fn is_genuine(path: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (authorization, at) = (text("authorization"), text("x-amz-date"));
    let field = |name: &str| {
        let found = authorization.split([' ', ',']).find_map(|part| part.strip_prefix(name));
        found.unwrap_or_default().to_owned()
    };
    let (credential, names, given) = (field("Credential="), field("SignedHeaders="), field("Signature="));
    let parts: Vec<&str> = credential.split('/').collect();
    let [key, date, "us-east-1", "cloudfront", "aws4_request"] = parts[..] else { return false };
    let canonical: String = names.split(';').map(|name| format!("{name}:{}\n", text(name))).collect();
    let hashed = hex::encode(Sha256::digest(body));
    let canonical = format!("POST\n{path}\n\n{canonical}\n{names}\n{hashed}");
    let expected = signature(&canonical, at, [date, "us-east-1", "cloudfront"]);
    key == KEYS.0 && names.contains("host") && names.contains("x-amz-date") && expected == given
}
