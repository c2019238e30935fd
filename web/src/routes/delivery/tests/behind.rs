//! Where a CDN stands in front of the bucket.

use axum::http::{Method, StatusCode, header};
use lockstep_object_store::cloudfront::{Hash, LIFE_MAX, SigningKey};
use rsa::{RsaPrivateKey, pkcs8::EncodePrivateKey, rand_core::OsRng};

use super::{Cdn, Fixture, MORE, NOW_S, OTHER_VIDEO, SEGMENT, VIDEO, Withdrawn, content, keys};

fn cdn() -> Cdn {
    let key = RsaPrivateKey::new(&mut OsRng, 2_048).unwrap().to_pkcs8_pem(Default::default()).unwrap();
    let key = SigningKey::from_pem("K1TEST", &key, Hash::Sha1).unwrap();
    Cdn::new("https://cdn.example", key, LIFE_MAX, None)
}

#[tokio::test]
async fn what_never_changes_leads_there_file_by_file_and_manifests_stay() {
    let cdn = cdn();
    let film = Fixture::behind(NOW_S, Withdrawn::fixed([]), Some(cdn.clone())).await;
    for path in ["thumb.jpg", "720p/init.mp4", SEGMENT].into_iter().chain(MORE) {
        for method in [Method::GET, Method::HEAD] {
            let led = film.send(method, &format!("/v/{}/{path}", film.token), &[]).await;
            assert_eq!(led.status, StatusCode::FOUND, "{path}");
            assert_eq!(led.header(header::LOCATION), cdn.file(VIDEO, path, NOW_S), "{path}");
            assert_eq!(led.header(header::CACHE_CONTROL), "no-store");
        }
    }
    for path in ["master.m3u8", "manifest.mpd", "720p/playlist.m3u8"] {
        let answer = film.get(path, &[]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &content()), "{path}");
    }
}

#[tokio::test]
async fn nobody_is_led_there_without_a_right() {
    let gone = Fixture::behind(NOW_S, Withdrawn::fixed([VIDEO]), Some(cdn())).await;
    assert_eq!(gone.get(SEGMENT, &[]).await.status, StatusCode::NOT_FOUND);
    let film = Fixture::behind(NOW_S, Withdrawn::fixed([]), Some(cdn())).await;
    let forged = film.send(Method::GET, &format!("/v/x{}/{SEGMENT}", film.token), &[]).await;
    assert_eq!((forged.status, forged.header(header::LOCATION)), (StatusCode::FORBIDDEN, ""));
    let other = keys().token(OTHER_VIDEO, NOW_S);
    for path in ["notes.txt", "..%2f1/thumb.jpg"] {
        let answer = film.send(Method::GET, &format!("/v/{other}/{path}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}
