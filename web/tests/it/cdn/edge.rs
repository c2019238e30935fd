//! A stand-in for CloudFront: checks a viewer's signature as its developer guide says, answers from what it kept by path, and
//! fetches the rest from the bucket with signed requests of its own, as with origin access control. Written from the
//! guide, not from our signer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use rsa::{Pkcs1v15Sign, RsaPublicKey, sha2::Sha256};
use sha1::{Digest, Sha1};

use super::sigv4;

/// One object as the origin answered it.
#[derive(Clone)]
struct Copy {
    headers: HeaderMap,
    bytes: bytes::Bytes,
    /// Of when it is kept no longer.
    until: Instant,
}

/// The distribution. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    /// Who may read answers, by CORS.
    site: Mutex<String>,
    origin: String,
    keys: HashMap<String, RsaPublicKey>,
    kept: Mutex<HashMap<String, Copy>>,
    fetched: Mutex<Vec<String>>,
}

impl Edge {
    /// In front of a bucket's address, for one key of a key group.
    pub async fn start(origin: &str, pair_id: &str, key: RsaPublicKey) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            site: Mutex::default(),
            origin: origin.to_owned(),
            keys: HashMap::from([(pair_id.to_owned(), key)]),
            kept: Mutex::default(),
            fetched: Mutex::default(),
        });
        let edge = Self { url, inner };
        let router = Router::new().fallback(answer).with_state(edge.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        edge
    }

    /// The response headers policy names this site.
    pub fn admit(&self, site: &str) {
        *self.inner.site.lock().expect("unpoisoned") = site.to_owned();
    }

    /// What was fetched from the bucket so far.
    pub fn fetched(&self) -> usize {
        self.inner.fetched.lock().expect("unpoisoned").len()
    }

    /// What is kept below this path.
    pub fn kept(&self, prefix: &str) -> usize {
        self.kept_all().keys().filter(|path| path.starts_with(prefix)).count()
    }

    /// An invalidation: `*` at the end stands for everything.
    pub fn forget(&self, pattern: &str) {
        let whole = |path: &str| pattern.strip_suffix('*').map_or(path == pattern, |prefix| path.starts_with(prefix));
        self.kept_all().retain(|path, _| !whole(path));
    }

    fn kept_all(&self) -> MutexGuard<'_, HashMap<String, Copy>> {
        self.inner.kept.lock().expect("unpoisoned")
    }

    /// Whether a signature in the query, or else in cookies, opens this address now.
    fn opens(&self, path: &str, query: &str, headers: &HeaderMap) -> bool {
        let given: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies: HashMap<&str, &str> = cookies
            .flat_map(|value| value.split("; "))
            .filter_map(|pair| pair.strip_prefix("CloudFront-")?.split_once('='))
            .collect();
        let signed = if given.contains_key("Signature") { given } else { cookies };
        // What signs is no part of what is signed.
        let own = ["Policy", "Signature", "Key-Pair-Id", "Expires", "Hash-Algorithm"];
        let rest = query.split('&').filter(|pair| !own.contains(&pair.split('=').next().unwrap_or_default()));
        let rest = rest.filter(|pair| !pair.is_empty()).collect::<Vec<_>>().join("&");
        let url = format!("{}{path}{}{rest}", self.url, if rest.is_empty() { "" } else { "?" });
        self.is_valid(&signed, &url).unwrap_or(false)
    }

    fn is_valid(&self, signed: &HashMap<&str, &str>, url: &str) -> Option<bool> {
        let key = self.inner.keys.get(*signed.get("Key-Pair-Id")?)?;
        let policy = match (signed.get("Policy"), signed.get("Expires")) {
            (Some(policy), _) => String::from_utf8(decode(policy)?).ok()?,
            (None, expires) => format!(
                "{{\"Statement\":[{{\"Resource\":\"{url}\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{}}}}}}}]}}",
                expires?
            ),
        };
        let signature = decode(signed.get("Signature")?)?;
        let verified = match signed.get("Hash-Algorithm").copied() {
            None | Some("SHA1") => {
                key.verify(Pkcs1v15Sign::new::<Sha1>(), &<Sha1 as Digest>::digest(&policy), &signature)
            }
            Some("SHA256") => {
                key.verify(Pkcs1v15Sign::new::<Sha256>(), &<Sha256 as Digest>::digest(&policy), &signature)
            }
            Some(_) => return Some(false),
        };
        let policy: serde_json::Value = serde_json::from_str(&policy).ok()?;
        let statement = &policy["Statement"][0];
        let until_s = statement["Condition"]["DateLessThan"]["AWS:EpochTime"].as_u64()?;
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(verified.is_ok() && now_s < until_s && matches(statement["Resource"].as_str()?, url))
    }

    /// What is kept of this path, else what the bucket says; whether it was kept.
    async fn object(&self, path: &str) -> Result<(Copy, bool), StatusCode> {
        let kept = self.kept_all().get(path).cloned();
        if let Some(copy) = kept.filter(|copy| Instant::now() < copy.until) {
            return Ok((copy, true));
        }
        self.inner.fetched.lock().expect("unpoisoned").push(path.to_owned());
        let url = format!("{}{path}", self.inner.origin);
        let answer = sigv4::get(&url).await;
        if answer.status() != 200 {
            return Err(answer.status());
        }
        let headers = answer.headers().clone();
        let until = Instant::now() + lifetime(&headers);
        let copy = Copy { headers, bytes: answer.bytes().await.expect("a body"), until };
        self.kept_all().insert(path.to_owned(), copy.clone());
        Ok((copy, false))
    }
}

/// Of `public, max-age=…`; whatever else is not kept.
fn lifetime(headers: &HeaderMap) -> std::time::Duration {
    let control = headers.get(header::CACHE_CONTROL).map_or("", |value| value.to_str().expect("text"));
    let age = control.split(", ").find_map(|part| part.strip_prefix("max-age=")?.parse().ok());
    std::time::Duration::from_secs(if control.contains("public") { age.unwrap_or(0) } else { 0 })
}

/// `*` stands for any characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| matches(after, &rest[at..]))
        }),
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .chars()
        .map(|c| match c {
            '-' => '+',
            '_' => '=',
            '~' => '/',
            c => c,
        })
        .collect();
    BASE64_STANDARD.decode(plain).ok()
}

async fn answer(State(edge): State<Edge>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut response = respond(&edge, &parts).await;
    let site = edge.inner.site.lock().expect("unpoisoned").clone();
    let headers = response.headers_mut();
    // The response headers policy of docs/delivery.md.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_str(&site).expect("an origin"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn respond(edge: &Edge, request: &Parts) -> Response {
    let (path, query) = (request.uri.path(), request.uri.query().unwrap_or_default());
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return bare(StatusCode::METHOD_NOT_ALLOWED);
    }
    if !edge.opens(path, query, &request.headers) {
        return bare(StatusCode::FORBIDDEN);
    }
    let (copy, kept) = match edge.object(path).await {
        Ok(found) => found,
        Err(status) => return bare(status),
    };
    let mut response = part(&copy, &request.headers);
    for name in [header::CONTENT_TYPE, header::CACHE_CONTROL, header::ETAG, header::LAST_MODIFIED] {
        response.headers_mut().extend(copy.headers.get(&name).cloned().map(|value| (name, value)));
    }
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response.headers_mut().insert("x-cache", HeaderValue::from_static(if kept { "Hit" } else { "Miss" }));
    if request.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The whole, or the one range that was asked for: `bytes=a-b`, `bytes=a-`, `bytes=-n`.
fn part(copy: &Copy, headers: &HeaderMap) -> Response {
    let length = copy.bytes.len();
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| copy.headers.get(header::ETAG) == Some(tag));
    let wanted = headers.get(header::RANGE).filter(|_| same).and_then(|range| range.to_str().ok());
    let wanted = wanted.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = wanted else { return Response::new(Body::from(copy.bytes.clone())) };
    let (from, to) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) => (first, length),
        (Err(_), Ok(count)) => (length.saturating_sub(count), length),
        (Err(_), Err(_)) => return Response::new(Body::from(copy.bytes.clone())),
    };
    if from >= to {
        let mut refused = bare(StatusCode::RANGE_NOT_SATISFIABLE);
        let range = HeaderValue::from_str(&format!("bytes */{length}")).expect("text");
        refused.headers_mut().insert(header::CONTENT_RANGE, range);
        return refused;
    }
    let mut partial = Response::new(Body::from(copy.bytes.slice(from..to)));
    *partial.status_mut() = StatusCode::PARTIAL_CONTENT;
    let range = HeaderValue::from_str(&format!("bytes {from}-{}/{length}", to - 1)).expect("text");
    partial.headers_mut().insert(header::CONTENT_RANGE, range);
    partial
}

fn bare(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
