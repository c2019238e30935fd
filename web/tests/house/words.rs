//! Stored words: where code names an event type or a stream type as text, the domain knows it.

use std::collections::BTreeSet;

use lockstep_domain::{
    Aggregate,
    account::*,
    channel::*,
    inbox::*,
    installation::{Installation, InstallationEvent},
    invite::*,
    member::*,
    message::*,
    playback::*,
    queue::*,
    report::*,
    signin::{SignIn, SignInEvent},
    token::{Token, TokenEvent},
    video::*,
    visit::*,
    webhook::{Webhook, WebhookEvent},
    work::*,
};

use crate::repository::{File, files};

fn event_types() -> BTreeSet<&'static str> {
    let types = [
        AccountEvent::TYPES,
        InstallationEvent::TYPES,
        ChannelEvent::TYPES,
        InboxEvent::TYPES,
        InviteEvent::TYPES,
        MemberEvent::TYPES,
        MessageEvent::TYPES,
        PlaybackEvent::TYPES,
        QueueEvent::TYPES,
        ReportEvent::TYPES,
        SignInEvent::TYPES,
        TokenEvent::TYPES,
        VideoEvent::TYPES,
        VisitEvent::TYPES,
        WebhookEvent::TYPES,
        WorkEvent::TYPES,
    ];
    types.into_iter().flatten().copied().collect()
}

fn stream_types() -> BTreeSet<&'static str> {
    BTreeSet::from([
        Account::KIND,
        Installation::KIND,
        Channel::KIND,
        Inbox::KIND,
        Invite::KIND,
        Member::KIND,
        Message::KIND,
        Playback::KIND,
        Queue::KIND,
        Report::KIND,
        SignIn::KIND,
        Token::KIND,
        Video::KIND,
        Visit::KIND,
        Webhook::KIND,
        Work::KIND,
    ])
}

/// Every quoted word on shipped lines that speak of a subject, with its place. Declarations (`.d.ts`) are generated.
fn quoted<'a>(files: &'a [File], subjects: &'a [&str]) -> Vec<(String, &'a str)> {
    let endings = [".rs", ".sql", ".ts", ".svelte"];
    let searched = files.iter().filter(|file| !file.is_test() && endings.iter().any(|end| file.path.ends_with(end)));
    let mut found = Vec::new();
    for file in searched.filter(|file| ![".test.", ".d."].iter().any(|part| file.path.contains(part))) {
        for (number, line) in file.code().filter(|(_, line)| subjects.iter().any(|subject| line.contains(subject))) {
            let words = line.split(['\'', '"']).skip(1).step_by(2).filter(|text| is_word(text));
            found.extend(words.map(|word| (format!("{}:{number}", file.path), word)));
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Event types begin with a capital; other words on such lines are column names and the like.
fn unknown_event_types(files: &[File]) -> Vec<String> {
    let known = event_types();
    let named = quoted(files, &["event_type", "eventType"]).into_iter();
    let types = named.filter(|(_, word)| word.starts_with(|first: char| first.is_ascii_uppercase()));
    types.filter(|(_, word)| !known.contains(word)).map(|(place, word)| format!("{place} {word}")).collect()
}

fn unknown_stream_types(files: &[File]) -> Vec<String> {
    let known = stream_types();
    let named = quoted(files, &["aggregate_type = ", "aggregate_type IN ", "aggregate_type="]).into_iter();
    let types = named.filter(|(_, word)| word.starts_with(|first: char| first.is_ascii_lowercase()));
    types.filter(|(_, word)| !known.contains(word)).map(|(place, word)| format!("{place} {word}")).collect()
}

#[test]
fn event_types_in_text_are_known() {
    assert_eq!(unknown_event_types(files()), Vec::<String>::new());
}

#[test]
fn stream_types_in_text_are_known() {
    assert_eq!(unknown_stream_types(files()), Vec::<String>::new());
}

#[test]
fn an_unknown_word_is_found() {
    let text =
        "WHERE e.event_type IN ('Posted', 'Posten') AND aggregate_type = 'message'\nAND aggregate_type = 'note'\n";
    let read = [File::new("commands/src/a.rs", text), File::new("commands/tests/it/a.rs", text)];
    assert_eq!(unknown_event_types(&read), ["commands/src/a.rs:1 Posten"]);
    assert_eq!(unknown_stream_types(&read), ["commands/src/a.rs:2 note"]);
}
