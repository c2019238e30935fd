//! One test for each thing that can be wrong with an ID token.

use super::*;

#[tokio::test]
async fn a_token_that_is_right_is_believed() {
    for signing in [Signing::Rs256(0), Signing::Es256] {
        let site = Site::new().await;
        site.provider.manners().signing = signing;
        let mut browser = site.browser();
        assert_eq!(browser.sign_in("Ada").await, "/", "{signing:?}");
        assert_eq!(browser.me().await.name, "Ada");
    }
}

#[tokio::test]
async fn another_issuer_is_not_believed() {
    let site = Site::new().await;
    site.provider.twist(|claims| claims["iss"] = json!("https://login.example"));
    refused(&site, "provider_refused").await;
    site.provider.twist(|claims| drop(claims.as_object_mut().unwrap().remove("iss")));
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn a_token_for_another_client_is_not_believed() {
    let site = Site::new().await;
    site.provider.twist(|claims| claims["aud"] = json!("somebody-else"));
    refused(&site, "provider_refused").await;
    site.provider.twist(|claims| claims["aud"] = json!([]));
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn a_token_for_others_too_is_not_believed() {
    let site = Site::new().await;
    site.provider.twist(|claims| claims["aud"] = json!([CLIENT_ID, "somebody-else"]));
    refused(&site, "provider_refused").await;
    // Nor because it says whom of them it was made for: nobody else is trusted here.
    site.provider.twist(|claims| {
        claims["aud"] = json!([CLIENT_ID, "somebody-else"]);
        claims["azp"] = json!(CLIENT_ID);
    });
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn a_token_made_for_another_party_is_not_believed() {
    let site = Site::new().await;
    site.provider.twist(|claims| claims["azp"] = json!("somebody-else"));
    refused(&site, "provider_refused").await;
    site.provider.twist(|claims| claims["azp"] = json!(CLIENT_ID));
    assert_eq!(site.browser().sign_in("Ada").await, "/");
}

#[tokio::test]
async fn an_expired_token_is_not_believed() {
    let site = Site::new().await;
    let now_s = site.provider.manners().now_s;
    site.provider.twist(move |claims| claims["exp"] = json!(now_s - 60));
    refused(&site, "provider_refused").await;
    site.provider.twist(move |claims| claims["exp"] = json!(now_s - 59));
    assert_eq!(site.browser().sign_in("Ada").await, "/", "clocks may differ by a minute");
}

#[tokio::test]
async fn a_token_from_the_future_or_the_past_is_not_believed() {
    let site = Site::new().await;
    let now_s = site.provider.manners().now_s;
    for issued in [now_s + 61, now_s - 661] {
        site.provider.twist(move |claims| claims["iat"] = json!(issued));
        refused(&site, "provider_refused").await;
    }
    site.provider.twist(move |claims| claims["iat"] = json!(now_s + 60));
    assert_eq!(site.browser().sign_in("Ada").await, "/", "clocks may differ by a minute");
}

#[tokio::test]
async fn a_token_without_this_attempts_nonce_is_not_believed() {
    let site = Site::new().await;
    site.provider.twist(|claims| drop(claims.as_object_mut().unwrap().remove("nonce")));
    refused(&site, "provider_refused").await;
    site.provider.twist(|claims| claims["nonce"] = json!("x".repeat(43)));
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn a_token_that_nobody_signed_is_not_believed() {
    let site = Site::new().await;
    site.provider.manners().signing = Signing::None;
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn a_token_signed_with_a_shared_secret_is_not_believed() {
    let site = Site::new().await;
    for signing in [Signing::ClientSecret, Signing::PublicKey] {
        site.provider.manners().signing = signing;
        refused(&site, "provider_refused").await;
    }
}

/// The provider's own key and a good signature: which algorithms are taken is ours to say, whatever it offers.
#[tokio::test]
async fn a_token_signed_with_another_algorithm_is_not_believed() {
    let site = Site::new().await;
    site.provider.manners().signing = Signing::Rs384;
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn a_token_with_a_bad_signature_is_not_believed() {
    let site = Site::new().await;
    site.provider.manners().signing = Signing::Broken;
    refused(&site, "provider_refused").await;
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_a_minute() {
    let site = Site::new().await;
    site.provider.manners().kid = Some("nobody's");
    for _ in 0..3 {
        refused(&site, "provider_refused").await;
    }
    assert_eq!(site.provider.asked("keys"), 1, "they have just been read");
    site.clock.pass(60);
    site.provider.manners().now_s += 60;
    for _ in 0..3 {
        refused(&site, "provider_refused").await;
    }
    assert_eq!(site.provider.asked("keys"), 2);
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_learned() {
    let site = Site::new().await;
    assert_eq!(site.browser().sign_in("Ada").await, "/");
    {
        let mut manners = site.provider.manners();
        (manners.published, manners.signing) = (vec![1], Signing::Rs256(1));
        manners.now_s += 60;
    }
    site.clock.pass(60);
    assert_eq!(site.browser().sign_in("Ada").await, "/");
    assert_eq!((site.provider.asked("keys"), site.provider.asked("metadata")), (2, 1));
    site.provider.manners().signing = Signing::Rs256(0);
    assert_eq!(site.browser().sign_in("Ada").await, "/sign-in?problem=provider_refused", "the old key is gone");
}

#[tokio::test]
async fn a_subject_that_cannot_be_kept_is_not_believed() {
    let site = Site::new().await;
    for subject in [String::new(), "s".repeat(256), "a\u{0}b".to_owned()] {
        site.provider.twist(move |claims| claims["sub"] = json!(subject));
        refused(&site, "provider_refused").await;
    }
}
