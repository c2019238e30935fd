//! A provider of the test's own: what it says about itself, its keys and its token endpoint over real HTTP. Each token can
//! be twisted before it is signed, and signed as it should not be.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use openidconnect::url::Url;
use p256::ecdsa::signature::Signer as _;
use rsa::{
    pkcs8::{EncodePublicKey, LineEnding},
    signature::{SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub const CLIENT_ID: &str = "lockstep";
pub const CLIENT_SECRET: &str = "between the two of us";

/// Made once: a test needs a key, not one of its own.
static RSA: LazyLock<[rsa::RsaPrivateKey; 2]> = LazyLock::new(|| {
    let key = || rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
    [key(), key()]
});

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// With the n-th RSA key.
    Rs256(usize),
    Es256,
    /// Rightly, with the first RSA key and an algorithm that is not taken here.
    Rs384,
    /// Not at all, and it says so.
    None,
    /// With the client's secret as the key.
    ClientSecret,
    /// With the public key as the key of an HMAC: whoever takes it for one is fooled.
    PublicKey,
    /// It says one thing and is another.
    Broken,
}

pub type Twist = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// What the provider does next.
pub struct Manners {
    pub signing: Signing,
    pub twist: Twist,
    /// The `kid` of the token; `None` for the key's own.
    pub kid: Option<&'static str>,
    /// Which RSA keys are published.
    pub published: Vec<usize>,
    /// Whether it says that it names itself in every answer.
    pub says_issuer: bool,
    /// It answers nothing but 503.
    pub is_down: bool,
    /// Wall time, seconds.
    pub now_s: i64,
}

/// What the person agreed to.
struct Grant {
    subject: String,
    nonce: Option<String>,
    challenge: String,
    redirect: String,
}

struct Inner {
    issuer: String,
    manners: Mutex<Manners>,
    grants: Mutex<HashMap<String, Grant>>,
    asked: Mutex<Vec<&'static str>>,
}

#[derive(Clone)]
pub struct FakeProvider(Arc<Inner>);

impl FakeProvider {
    pub async fn start(now_s: i64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let manners = Manners {
            signing: Signing::Rs256(0),
            twist: Arc::new(|_| {}),
            kid: None,
            published: vec![0],
            says_issuer: false,
            is_down: false,
            now_s,
        };
        let inner = Inner { issuer, manners: Mutex::new(manners), grants: Mutex::default(), asked: Mutex::default() };
        let provider = Self(Arc::new(inner));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    pub fn manners(&self) -> MutexGuard<'_, Manners> {
        self.0.manners.lock().unwrap()
    }

    /// The claims of every token from now on.
    pub fn twist(&self, twist: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.manners().twist = Arc::new(twist);
    }

    /// How often this was asked for.
    pub fn asked(&self, what: &str) -> usize {
        self.0.asked.lock().unwrap().iter().filter(|asked| **asked == what).count()
    }

    /// Somebody says at this address who they are; the code and the state that their browser brings back.
    pub fn agree(&self, address: &Url, subject: &str) -> (String, String) {
        let said: HashMap<String, String> = address.query_pairs().into_owned().collect();
        let expected = [("response_type", "code"), ("client_id", CLIENT_ID), ("code_challenge_method", "S256")];
        for (name, value) in expected {
            assert_eq!(said.get(name).map(String::as_str), Some(value), "{address}");
        }
        assert!(said["scope"].split(' ').any(|scope| scope == "openid"), "{address}");
        assert!(said["state"].len() >= 43 && said["nonce"].len() >= 43 && said["state"] != said["nonce"]);
        let code = Uuid::new_v4().simple().to_string();
        let grant = Grant {
            subject: subject.to_owned(),
            nonce: said.get("nonce").cloned(),
            challenge: said["code_challenge"].clone(),
            redirect: said["redirect_uri"].clone(),
        };
        self.0.grants.lock().unwrap().insert(code.clone(), grant);
        (code, said["state"].clone())
    }

    fn come(&self, what: &'static str) -> Option<Response> {
        self.0.asked.lock().unwrap().push(what);
        self.manners().is_down.then(|| StatusCode::SERVICE_UNAVAILABLE.into_response())
    }

    fn id_token(&self, grant: &Grant) -> String {
        let manners = self.manners();
        let mut claims = json!({
            "iss": self.0.issuer, "sub": grant.subject, "aud": CLIENT_ID, "name": grant.subject,
            "email": "ada@example.org", "email_verified": true,
            "iat": manners.now_s, "exp": manners.now_s + 300, "nonce": grant.nonce,
        });
        (manners.twist)(&mut claims);
        sign(&claims, manners.signing, manners.kid)
    }
}

async fn metadata(State(provider): State<FakeProvider>) -> Response {
    if let Some(down) = provider.come("metadata") {
        return down;
    }
    let issuer = provider.issuer();
    let mut metadata = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        // It would also sign otherwise, with our secret, or not at all.
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "RS384", "HS256", "none"],
    });
    if provider.manners().says_issuer {
        metadata["authorization_response_iss_parameter_supported"] = json!(true);
    }
    Json(metadata).into_response()
}

async fn keys(State(provider): State<FakeProvider>) -> Response {
    if let Some(down) = provider.come("keys") {
        return down;
    }
    let published = provider.manners().published.clone();
    let mut keys: Vec<Value> = published.into_iter().map(rsa_jwk).collect();
    keys.push(ec_jwk());
    Json(json!({ "keys": keys })).into_response()
}

async fn token(
    State(provider): State<FakeProvider>,
    headers: HeaderMap,
    Form(said): Form<HashMap<String, String>>,
) -> Response {
    if let Some(down) = provider.come("token") {
        return down;
    }
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let expected =
        format!("Basic {}", BASE64_STANDARD.encode(format!("{CLIENT_ID}:{}", CLIENT_SECRET.replace(' ', "+"))));
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(expected.as_str()) {
        return refuse("invalid_client");
    }
    let grant = provider.0.grants.lock().unwrap().remove(said.get("code").map_or("", String::as_str));
    let Some(grant) = grant else { return refuse("invalid_grant") };
    let verifier = said.get("code_verifier").map_or("", String::as_str);
    let is_his = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == grant.challenge;
    if !is_his || said.get("redirect_uri") != Some(&grant.redirect) || said["grant_type"] != "authorization_code" {
        return refuse("invalid_grant");
    }
    let id_token = provider.id_token(&grant);
    Json(json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
        .into_response()
}

fn rsa_jwk(number: usize) -> Value {
    let key = RSA[number].to_public_key();
    let text = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    // Without `alg`, as many publish theirs: the key itself refuses no algorithm.
    json!({ "kty": "RSA", "use": "sig", "kid": format!("rsa-{number}"), "n": text(key.n()), "e": text(key.e()) })
}

fn ec_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key")
}

fn ec_jwk() -> Value {
    let point = ec_key().verifying_key().to_sec1_point(false);
    let bytes: &[u8] = point.as_bytes();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&bytes[1..33]), URL_SAFE_NO_PAD.encode(&bytes[33..65]));
    json!({ "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": "ec", "x": x, "y": y })
}

fn sign(claims: &Value, signing: Signing, kid: Option<&str>) -> String {
    let (algorithm, own_kid) = match signing {
        Signing::Rs256(0) | Signing::Broken => ("RS256", "rsa-0"),
        Signing::Rs256(_) => ("RS256", "rsa-1"),
        Signing::Rs384 => ("RS384", "rsa-0"),
        Signing::Es256 => ("ES256", "ec"),
        Signing::None => ("none", "rsa-0"),
        Signing::ClientSecret | Signing::PublicKey => ("HS256", "rsa-0"),
    };
    let header = json!({ "alg": algorithm, "typ": "JWT", "kid": kid.unwrap_or(own_kid) });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = match signing {
        Signing::Rs256(number) => rsa_signature(&RSA[number], &signed),
        Signing::Rs384 => {
            rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha384>::new(RSA[0].clone()).sign(signed.as_bytes()).to_vec()
        }
        Signing::Broken => rsa_signature(&RSA[1], &signed),
        Signing::Es256 => {
            let signature: p256::ecdsa::Signature = ec_key().sign(signed.as_bytes());
            signature.to_bytes().to_vec()
        }
        Signing::None => Vec::new(),
        Signing::ClientSecret => hmac(CLIENT_SECRET.as_bytes(), &signed),
        Signing::PublicKey => {
            let pem = RSA[0].to_public_key().to_public_key_pem(LineEnding::LF).expect("a key in text");
            hmac(pem.as_bytes(), &signed)
        }
    };
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn rsa_signature(key: &rsa::RsaPrivateKey, signed: &str) -> Vec<u8> {
    rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(key.clone()).sign(signed.as_bytes()).to_vec()
}

fn hmac(key: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
