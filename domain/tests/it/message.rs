//! Chat messages: who may say, edit, take back, react to and pin what.

use lockstep_domain::{
    Aggregate, Personal,
    ids::{AccountId, MessageId},
    message::{
        Message, MessageCommand as Do, MessageError as No, MessageEvent as Did, Pace, Post, ReplyTo, TEXT_CHARS_MAX,
    },
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
};
use proptest::{prelude::*, sample::select};

use crate::{
    actor::{denials, muted, present, standing, standing_of, standings, without},
    check::{Given, repeats, total},
    sample::{ADA, BOB, CHANNEL, EVE, FILM, MESSAGE, messages, named, secs, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Message> {
    crate::check::given(history)
}

fn new(standing: Standing, text: &str) -> Post {
    Post {
        channel: CHANNEL,
        standing,
        text: text.into(),
        video: Some(FILM),
        playback: Some(secs(7)),
        reply_to: None,
        mentions: vec![],
        pace: Pace::Free,
        at: wall(0),
    }
}

fn post_as(standing: Standing, text: &str) -> Do {
    Do::Post(new(standing, text))
}

fn post(text: &str) -> Do {
    post_as(viewer(), text)
}

fn viewer() -> Standing {
    standing_of(BOB, ChannelRole::Viewer)
}

fn moderator() -> Standing {
    standing_of(EVE, ChannelRole::Moderator)
}

fn posted(text: &str) -> Did {
    answer(text, None, vec![])
}

fn answer(text: &str, reply: Option<(MessageId, AccountId)>, mentions: Vec<AccountId>) -> Did {
    Did::Posted {
        channel: CHANNEL,
        author: BOB,
        text: named(BOB, text),
        video: Some(FILM),
        playback_us: Some(secs(7)),
        reply_to: reply.map(|(message, _)| message),
        reply_author: reply.map(|(_, author)| author),
        mentions,
    }
}

fn edit(standing: Standing, text: &str) -> Do {
    Do::Edit { standing, text: text.into(), pace: Pace::Free, at: wall(0) }
}

fn redact(standing: Standing, author: ChannelRole, reason: Option<&str>) -> Do {
    Do::Redact { standing, author: present(author), reason: reason.map(Into::into), at: wall(0) }
}

fn react(standing: Standing, emoji: &str, on: bool) -> Do {
    Do::React { standing, emoji: emoji.into(), on, pace: Pace::Free, at: wall(0) }
}

fn added(account: AccountId, emoji: &str) -> Did {
    Did::ReactionAdded { account, emoji: emoji.into() }
}

fn gone() -> Did {
    Did::Redacted { by: EVE, reason: None }
}

#[test]
fn a_viewer_posts() {
    given([]).when(post("hello")).then([posted("hello")]);
    given([]).when(post("  two\nlines \n")).then([posted("two\nlines")]);
    given([posted("hello")]).when(post("hello")).then([]);
}

#[test]
fn an_id_holds_one_message() {
    given([posted("hello")]).when(post("goodbye")).refused(No::Exists);
    let mut gone = posted("hello");
    let Did::Posted { text, .. } = &mut gone else { unreachable!("it was just made") };
    *text = Personal::Erased;
    given([gone]).when(post("hello")).refused(No::Exists);
}

#[test]
fn text_is_bounded() {
    let longest = "é".repeat(TEXT_CHARS_MAX);
    given([]).when(post(&longest)).then([posted(&longest)]);
    given([]).when(post(&format!("{longest}x"))).refused(No::Length);
    given([]).when(post("")).refused(No::Length);
    given([]).when(post(" \n ")).refused(No::Length);
    given([]).when(post("a\u{0}b")).refused(No::Nul);
}

#[test]
fn only_who_may_chat_chats() {
    for (standing, denied) in denials() {
        given([]).when(post_as(standing, "hello")).refused(No::Denied(denied));
    }
    let until = Some(wall(1));
    given([]).when(post_as(muted(viewer(), until), "hello")).refused(No::Denied(Denied::Muted { until }));
    given([]).when(post_as(muted(viewer(), Some(wall(0))), "hello")).then([posted("hello")]);
    let silent = without(viewer(), Permission::Chat);
    given([]).when(post_as(silent, "hello")).refused(No::Denied(Denied::Role(Permission::Chat)));
}

#[test]
fn an_answer_names_what_it_answers_and_who_said_that() {
    let to = |author| Do::Post(Post { reply_to: Some(ReplyTo { message: MESSAGE, author }), ..new(viewer(), "yes") });
    given([]).when(to(Some(ADA))).then([answer("yes", Some((MESSAGE, ADA)), vec![])]);
    given([]).when(to(None)).refused(No::NothingToAnswer);
}

#[test]
fn mentions_are_members_each_once() {
    let to = |mentions: Vec<(AccountId, bool)>| Do::Post(Post { mentions, ..new(viewer(), "you") });
    given([]).when(to(vec![(EVE, true), (ADA, true), (EVE, true)])).then([answer("you", None, vec![EVE, ADA])]);
    given([]).when(to(vec![(EVE, false)])).refused(No::Mentions);
    let many = |count: u128| (0..count).map(|n| (AccountId(uuid::Uuid::from_u128(n)), true)).collect();
    given([]).when(to(many(11))).refused(No::Mentions);
    let ten: Vec<(AccountId, bool)> = many(10);
    given([]).when(to(ten.clone())).then([answer("you", None, ten.into_iter().map(|(one, _)| one).collect())]);
}

#[test]
fn what_is_said_too_fast_is_refused_with_the_time_to_wait() {
    let slow = Pace::SlowMode { retry_after_ms: 900 };
    given([]).when(Do::Post(Post { pace: slow, ..new(viewer(), "hi") })).refused(No::SlowMode { retry_after_ms: 900 });
    let fast = Pace::TooFast { retry_after_ms: 7 };
    given([]).when(Do::Post(Post { pace: fast, ..new(viewer(), "hi") })).refused(No::TooFast { retry_after_ms: 7 });
    // What was said already waits for nothing.
    given([posted("hi")]).when(Do::Post(Post { pace: slow, ..new(viewer(), "hi") })).then([]);
}

#[test]
fn an_answer_is_stored_with_what_a_reader_needs() {
    let stored = serde_json::json!({"Posted": {
        "channel": CHANNEL, "author": BOB, "video": FILM, "playback_us": 7_000_000,
        "text": {"$personal": {"subject": BOB, "value": "yes"}},
        "reply_to": MESSAGE, "reply_author": ADA, "mentions": [ADA],
    }});
    assert_eq!(serde_json::to_value(answer("yes", Some((MESSAGE, ADA)), vec![ADA])).unwrap(), stored);
    let read: Did = serde_json::from_value(stored).unwrap();
    assert_eq!(read, answer("yes", Some((MESSAGE, ADA)), vec![ADA]));
}

#[test]
fn only_its_author_edits_a_message_and_not_while_muted() {
    let edited = || Did::Edited { text: named(BOB, "better") };
    given([posted("hello")]).when(edit(viewer(), " better ")).then([edited()]);
    given([posted("hello")]).when(edit(viewer(), "hello")).then([]);
    given([posted("hello")]).when(edit(standing(ChannelRole::Owner), "mine")).refused(No::NotYours);
    given([posted("hello")]).when(edit(viewer(), "")).refused(No::Length);
    given([posted("hello"), gone()]).when(edit(viewer(), "again")).refused(No::Redacted);
    given([]).when(edit(viewer(), "better")).refused(No::Unknown);
    let until = Some(wall(9));
    given([posted("hello")]).when(edit(muted(viewer(), until), "x")).refused(No::Denied(Denied::Muted { until }));
}

#[test]
fn a_message_is_taken_back_by_its_author_or_from_above() {
    let by = |by, reason: Option<&str>| Did::Redacted { by, reason: reason.map(|reason| named(BOB, reason)) };
    given([posted("x")]).when(redact(viewer(), ChannelRole::Viewer, None)).then([by(BOB, None)]);
    given([posted("x")]).when(redact(muted(viewer(), None), ChannelRole::Viewer, None)).then([by(BOB, None)]);
    let spam = Some("spam");
    given([posted("x")]).when(redact(moderator(), ChannelRole::Viewer, spam)).then([by(EVE, spam)]);
    given([posted("x")]).when(redact(moderator(), ChannelRole::Moderator, spam)).refused(No::AboveYou);
    given([posted("x")]).when(redact(moderator(), ChannelRole::Owner, spam)).refused(No::AboveYou);
    let other = standing_of(EVE, ChannelRole::Viewer);
    let role = No::Denied(Denied::Role(Permission::Redact));
    given([posted("x")]).when(redact(other, ChannelRole::Viewer, None)).refused(role);
    let long = "x".repeat(501);
    given([posted("x")]).when(redact(moderator(), ChannelRole::Viewer, Some(&long))).refused(No::Reason);
    given([posted("x"), gone()]).when(redact(moderator(), ChannelRole::Viewer, None)).then([]);
    for (standing, denied) in denials() {
        given([posted("x")]).when(redact(standing, ChannelRole::Viewer, None)).refused(No::Denied(denied));
    }
}

#[test]
fn nothing_is_left_of_what_was_taken_back() {
    let state = Message::fold(&[posted("secret"), added(ADA, "\u{1F44D}"), Did::Pinned { by: ADA }, gone()]);
    assert_eq!((state.text, state.reactions.len(), state.pinned), (Personal::Erased, 0, false));
}

#[test]
fn one_person_has_each_emoji_once() {
    let (thumb, heart) = ("\u{1F44D}", "\u{2764}\u{fe0f}");
    given([posted("x")]).when(react(viewer(), thumb, true)).then([added(BOB, thumb)]);
    given([posted("x"), added(BOB, thumb)]).when(react(viewer(), thumb, true)).then([]);
    given([posted("x"), added(BOB, thumb)]).when(react(viewer(), heart, true)).then([added(BOB, heart)]);
    let off = Did::ReactionRemoved { account: BOB, emoji: thumb.into() };
    given([posted("x"), added(BOB, thumb), added(ADA, thumb)]).when(react(viewer(), thumb, false)).then([off]);
    given([posted("x")]).when(react(viewer(), thumb, false)).then([]);
    given([posted("x")]).when(react(viewer(), "ok", true)).refused(No::Emoji);
    given([posted("x"), gone()]).when(react(viewer(), thumb, true)).refused(No::Redacted);
    let until = None;
    let denied = No::Denied(Denied::Muted { until });
    given([posted("x")]).when(react(muted(viewer(), until), thumb, true)).refused(denied);
}

#[test]
fn a_message_has_twenty_different_emoji() {
    let emoji = |n: u32| char::from_u32(0x1F600 + n).unwrap().to_string();
    let full: Vec<Did> = [posted("x")].into_iter().chain((0..20).map(|n| added(ADA, &emoji(n)))).collect();
    given(full.clone()).when(react(viewer(), &emoji(20), true)).refused(No::TooManyEmoji);
    given(full).when(react(viewer(), &emoji(3), true)).then([added(BOB, &emoji(3))]);
}

#[test]
fn who_may_pin_pins_while_there_is_room() {
    let pin = |standing, room| Do::Pin { standing, room, at: wall(0) };
    let unpin = |standing| Do::Unpin { standing, at: wall(0) };
    let pinned = || Did::Pinned { by: EVE };
    given([posted("x")]).when(pin(moderator(), true)).then([pinned()]);
    given([posted("x")]).when(pin(moderator(), false)).refused(No::TooManyPins);
    given([posted("x"), pinned()]).when(pin(moderator(), false)).then([]);
    given([posted("x"), gone()]).when(pin(moderator(), true)).refused(No::Redacted);
    given([posted("x")]).when(pin(viewer(), true)).refused(No::Denied(Denied::Role(Permission::Pin)));
    given([posted("x"), pinned()]).when(unpin(moderator())).then([Did::Unpinned { by: EVE }]);
    given([posted("x")]).when(unpin(moderator())).then([]);
}

fn commands() -> impl Strategy<Value = Do> {
    let text = || select(vec!["hello", " hello ", "goodbye", "", "\u{0}"]).prop_map(str::to_owned);
    let emoji = select(vec!["\u{1F44D}", "\u{2764}", "no"]).prop_map(str::to_owned);
    let paces = vec![Pace::Free, Pace::Free, Pace::SlowMode { retry_after_ms: 1 }, Pace::TooFast { retry_after_ms: 1 }];
    let pace = || select(paces.clone());
    let at = || (0_i64..100).prop_map(wall);
    let said = (standings(), text(), any::<(bool, bool, bool)>(), pace(), at()).prop_map(
        |(standing, text, (video, playback, reply), pace, at)| {
            Do::Post(Post {
                video: video.then_some(FILM),
                playback: playback.then_some(secs(7)),
                reply_to: reply.then_some(ReplyTo { message: MESSAGE, author: Some(ADA) }),
                pace,
                at,
                ..new(standing, &text)
            })
        },
    );
    let edits = (standings(), text(), pace(), at()).prop_map(|(standing, text, pace, at)| Do::Edit {
        standing,
        text,
        pace,
        at,
    });
    let redactions = (standings(), standings(), at()).prop_map(|(standing, author, at)| Do::Redact {
        standing,
        author: author.member,
        reason: None,
        at,
    });
    let reactions = (standings(), emoji, any::<bool>(), pace(), at())
        .prop_map(|(standing, emoji, on, pace, at)| Do::React { standing, emoji, on, pace, at });
    let pins = (standings(), any::<bool>(), at()).prop_map(|(standing, room, at)| Do::Pin { standing, room, at });
    let unpins = (standings(), at()).prop_map(|(standing, at)| Do::Unpin { standing, at });
    prop_oneof![4 => said, 2 => edits, 1 => redactions, 3 => reactions, 2 => pins, 2 => unpins]
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Message>(Did::TYPES, select(messages()), commands());
}

#[test]
fn any_history_folds() {
    total::<Message>(select(messages()), commands());
}
