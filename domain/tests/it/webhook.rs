//! Webhooks: registered within bounds, disabled by the program, kept by their owner alone.

use std::collections::BTreeSet;

use lockstep_domain::{
    Aggregate,
    account::{AccountState, PlatformRole},
    webhook::{
        LIVE_MAX, OLD_HOURS_MAX, OLD_SECRETS_MAX, Topic, URL_CHARS_MAX, Webhook, WebhookCommand as Do,
        WebhookError as No, WebhookEvent as Did, WebhookState,
    },
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, EVE, named, wall, webhooks},
};

const URL: &str = "https://hooks.example.org/a?b=c";

fn given(history: impl IntoIterator<Item = Did>) -> Given<Webhook> {
    crate::check::given(history)
}

fn account(role: PlatformRole) -> AccountState {
    AccountState { role: Some(role), ..AccountState::default() }
}

fn register_as(account: AccountState, url: &str, topics: &[Topic], everybody: bool, live: usize) -> Do {
    let topics: BTreeSet<Topic> = topics.iter().copied().collect();
    Do::Register { owner: ADA, account, url: url.to_owned(), topics, everybody, live }
}

fn register(url: &str) -> Do {
    register_as(account(PlatformRole::Member), url, &[Topic::VideoReady], false, 0)
}

fn registered(url: &str) -> Did {
    let topics = BTreeSet::from([Topic::VideoReady]);
    Did::Registered { owner: ADA, url: named(ADA, url), topics, everybody: false }
}

#[test]
fn members_are_told_of_their_own_films_and_administrators_of_all() {
    given([]).when(register(URL)).then([registered(URL)]);
    let by = |account, everybody| register_as(account, URL, &[Topic::VideoReady], everybody, 0);
    given([]).when(by(account(PlatformRole::Member), true)).refused(No::NotPermitted);
    given([]).when(by(account(PlatformRole::Guest), false)).refused(No::Guest);
    let suspended = AccountState { suspended: true, ..account(PlatformRole::Administrator) };
    given([]).when(by(suspended, true)).refused(No::Suspended);
    let topics = BTreeSet::from([Topic::VideoReady]);
    let all = Did::Registered { owner: ADA, url: named(ADA, URL), topics, everybody: true };
    given([]).when(by(account(PlatformRole::Administrator), true)).then([all]);
}

#[test]
fn addresses_are_https_and_plain() {
    for right in ["https://a.example", "https://a.example:8443/x?y=z", "http://localhost:9000/x", "http://127.0.0.1/x"]
    {
        given([]).when(register(right)).then([registered(right)]);
    }
    let long = format!("https://a.example/{}", "x".repeat(URL_CHARS_MAX));
    for wrong in [
        "",
        "a.example",
        "http://a.example",
        "ftp://a.example",
        "https://",
        "https:///x",
        "https://ada:pw@a.example",
        "https://a.example/ b",
        "https://a.example/\u{7}",
        "https://a.example\\@b",
        "https://a.example/#x",
        "http://localhost.evil.example",
        &long,
    ] {
        given([]).when(register(wrong)).refused(No::Url);
    }
}

#[test]
fn topics_and_numbers_have_bounds() {
    let member = || account(PlatformRole::Member);
    given([]).when(register_as(member(), URL, &[], false, 0)).refused(No::NoTopic);
    given([]).when(register_as(member(), URL, &[Topic::VideoReady], false, LIVE_MAX)).refused(No::TooMany);
    given([]).when(register_as(member(), URL, &[Topic::VideoReady], false, LIVE_MAX - 1)).then([registered(URL)]);
}

#[test]
fn it_is_registered_once() {
    given([registered(URL)]).when(register(URL)).then([]);
    given([registered(URL)]).when(register("https://b.example")).refused(No::Exists);
    given([registered(URL), Did::Removed { by: ADA }]).when(register(URL)).refused(No::Exists);
}

#[test]
fn the_program_disables_and_the_owner_enables() {
    let disabled = || Did::Disabled { owner: ADA };
    given([registered(URL)]).when(Do::Disable).then([disabled()]);
    given([registered(URL), disabled()]).when(Do::Disable).then([]);
    given([]).when(Do::Disable).then([]);
    given([registered(URL), disabled()]).when(Do::Enable { by: ADA }).then([Did::Enabled { by: ADA }]);
    given([registered(URL)]).when(Do::Enable { by: ADA }).then([]);
    given([registered(URL), disabled()]).when(Do::Enable { by: EVE }).refused(No::Unknown);
}

#[test]
fn only_its_owner_removes_it_and_once() {
    given([registered(URL)]).when(Do::Remove { by: ADA }).then([Did::Removed { by: ADA }]);
    given([registered(URL), Did::Removed { by: ADA }]).when(Do::Remove { by: ADA }).then([]);
    given([registered(URL), Did::Removed { by: ADA }]).when(Do::Enable { by: ADA }).refused(No::Unknown);
    given([registered(URL)]).when(Do::Remove { by: EVE }).refused(No::Unknown);
    given([]).when(Do::Remove { by: ADA }).refused(No::Unknown);
}

const HOUR_S: i64 = 3_600;

fn rotate(generation: u32, at_hour: i64, old_hours: u32) -> Do {
    Do::RotateSecret { by: ADA, generation, now: wall(at_hour * HOUR_S), old_hours }
}

fn rotated(generation: u32, until_hour: i64) -> Did {
    Did::SecretRotated { by: ADA, generation, old_until_us: wall(until_hour * HOUR_S) }
}

#[test]
fn a_secret_is_rotated_by_its_owner_and_old_ones_end() {
    given([registered(URL)]).when(rotate(1, 0, 24)).then([rotated(1, 24)]);
    given([registered(URL), rotated(1, 24)]).when(rotate(2, 1, 24)).then([rotated(2, 25)]);
    given([registered(URL), rotated(1, 24)]).when(rotate(1, 1, 24)).then([]);
    given([registered(URL)]).when(rotate(1, 0, OLD_HOURS_MAX + 1)).refused(No::OldHours);
    given([registered(URL), Did::Removed { by: ADA }]).when(rotate(1, 0, 24)).refused(No::Unknown);
    let theirs = Do::RotateSecret { by: EVE, generation: 1, now: wall(0), old_hours: 24 };
    given([registered(URL)]).when(theirs).refused(No::Unknown);
}

fn signing(history: &[Did], at_hour: i64) -> Vec<u32> {
    Webhook::fold(history).signing(wall(at_hour * HOUR_S))
}

#[test]
fn a_message_is_signed_with_the_new_secret_and_with_those_that_have_not_ended() {
    assert_eq!(signing(&[registered(URL)], 0), [0]);
    let twice = [registered(URL), rotated(1, 24), rotated(2, 36)];
    assert_eq!(signing(&twice, 23), [2, 1, 0]);
    assert_eq!(signing(&twice, 24), [2, 1], "at its end it has ended");
    assert_eq!(signing(&twice, 36), [2]);
    let at_once = [registered(URL), rotated(1, 24), rotated(2, 1)];
    assert_eq!(signing(&at_once, 1), [2], "a leaked one is ended at once, and so are those before it");
    assert_eq!(Webhook::fold(&twice).old_until(wall(0)), Some(wall(36 * HOUR_S)));
    assert_eq!(Webhook::fold(&twice).old_until(wall(36 * HOUR_S)), None);
}

#[test]
fn only_so_many_old_secrets_are_signed_with() {
    let most = OLD_SECRETS_MAX as u32;
    let history = || std::iter::once(registered(URL)).chain((1..=most).map(|n| rotated(n, 24)));
    given(history()).when(rotate(most + 1, 1, 24)).refused(No::TooManySecrets);
    given(history()).when(rotate(most + 1, 24, 24)).then([rotated(most + 1, 48)]);
    given(history()).when(rotate(most + 1, 1, 0)).then([rotated(most + 1, 1)]);
    let state: WebhookState = Webhook::fold(&history().chain([rotated(most + 1, 1)]).collect::<Vec<_>>());
    assert_eq!((state.old.len(), state.signing(wall(HOUR_S))), (OLD_SECRETS_MAX, vec![most + 1]));
}

#[test]
fn topics_are_stored_as_they_are_sent() {
    for topic in Topic::ALL {
        assert_eq!(serde_json::to_value(topic).unwrap(), topic.word());
        assert_eq!(Topic::from_word(topic.word()), Some(topic));
    }
    assert_eq!(Topic::from_word("video.other"), None);
}

fn commands() -> impl Strategy<Value = Do> {
    prop_oneof![
        (select(vec![URL, "https://b.example", ""]), 0..=LIVE_MAX).prop_map(|(url, live)| register_as(
            account(PlatformRole::Member),
            url,
            &[Topic::VideoReady],
            false,
            live
        )),
        Just(Do::Disable),
        select(vec![ADA, EVE]).prop_map(|by| Do::Enable { by }),
        select(vec![ADA, EVE]).prop_map(|by| Do::Remove { by }),
        (1..4_u32, 0..200_i64, 0..=OLD_HOURS_MAX + 1).prop_map(|(generation, hour, old)| rotate(generation, hour, old)),
    ]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Webhook>(Did::TYPES, select(webhooks()), commands());
}

#[test]
fn any_history_folds() {
    total::<Webhook>(select(webhooks()), commands());
}
