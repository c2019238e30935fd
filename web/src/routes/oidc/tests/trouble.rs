//! The provider is away, or talks nonsense: everybody else goes on.

use lockstep_object_store::breaker::{FAULTS_MAX, State};

use super::*;

#[tokio::test]
async fn a_provider_that_is_away_is_not_asked_for_a_minute_and_passwords_go_on() {
    let site = Site::new().await;
    site.person("Ada", PlatformRole::Member).await;
    site.provider.manners().is_down = true;
    let start = async || {
        let answer = site.browser().post("/auth/oidc/start", json!({ "purpose": "sign_in", "returnTo": "/" })).await;
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (503, &json!("provider_away")));
        answer.header("retry-after").to_owned()
    };
    for _ in 0..FAULTS_MAX - 1 {
        assert_eq!(start().await, "5");
    }
    assert_eq!(site.breaker.state(), State::Closed);
    start().await;
    assert_eq!(site.breaker.state(), State::Open);
    let asked = site.provider.asked("metadata");
    assert_eq!(start().await, "60");
    assert_eq!(site.provider.asked("metadata"), asked, "it is not asked any more");
    account::sign_in(&site.services, "Ada", PASSWORD).await.expect("passwords go on");
    site.provider.manners().is_down = false;
    site.clock.pass(60);
    site.provider.manners().now_s += 60;
    assert_eq!(site.browser().sign_in("Bob").await, "/");
    assert_eq!(site.breaker.state(), State::Closed);
}

#[tokio::test]
async fn a_provider_that_goes_away_meanwhile_is_said_at_the_sign_in() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let address = browser.set_out(json!({})).await;
    let (code, state) = site.provider.agree(&address, "Ada");
    site.provider.manners().is_down = true;
    assert_eq!(browser.come_back(&code, &state).await.to(), "/sign-in?problem=provider_away");
    site.provider.manners().is_down = false;
    assert_eq!(browser.sign_in("Ada").await, "/");
}

#[tokio::test]
async fn refusals_by_the_provider_are_no_faults() {
    let site = Site::new().await;
    for _ in 0..FAULTS_MAX * 2 {
        let mut browser = site.browser();
        let address = browser.set_out(json!({})).await;
        let (_, state) = site.provider.agree(&address, "Ada");
        assert_eq!(browser.come_back("made-up", &state).await.to(), "/sign-in?problem=provider_refused");
    }
    assert_eq!(site.breaker.state(), State::Closed);
}

#[tokio::test]
async fn what_the_provider_said_about_itself_is_used_for_an_hour_and_in_need_for_a_day() {
    let site = Site::new().await;
    let set_out = async || {
        let answer = site.browser().post("/auth/oidc/start", json!({ "purpose": "sign_in", "returnTo": "/" })).await;
        answer.status.as_u16()
    };
    assert_eq!((set_out().await, set_out().await), (200, 200));
    assert_eq!(site.provider.asked("metadata"), 1);
    site.clock.pass(3_600);
    assert_eq!((set_out().await, site.provider.asked("metadata")), (200, 2));
    site.provider.manners().is_down = true;
    site.clock.pass(3_600);
    assert_eq!((set_out().await, site.provider.asked("metadata")), (200, 3), "what it said last still holds");
    site.clock.pass(24 * 3_600);
    assert_eq!(set_out().await, 503);
}
