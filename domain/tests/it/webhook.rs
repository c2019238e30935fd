//! Webhooks: registered within bounds, disabled by the program, kept by their owner alone.

use std::collections::BTreeSet;

use lockstep_domain::{
    account::{AccountState, PlatformRole},
    webhook::{LIVE_MAX, Topic, URL_CHARS_MAX, Webhook, WebhookCommand as Do, WebhookError as No, WebhookEvent as Did},
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    sample::{ADA, EVE, named, webhooks},
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
