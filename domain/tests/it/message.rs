//! Chat messages: who may post, and what.

use lockstep_domain::{
    Personal,
    member::MemberState,
    message::{Message, MessageCommand as Do, MessageError as No, MessageEvent as Did, TEXT_CHARS_MAX},
    permission::ChannelRole,
};
use proptest::{prelude::*, sample::select};

use crate::{
    check::{Given, repeats, total},
    member::{present, standings},
    sample::{ADA, BOB, CHANNEL, FILM, messages, named, secs},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Message> {
    crate::check::given(history)
}

fn post_as(standing: MemberState, channel_open: bool, text: &str) -> Do {
    Do::Post {
        channel: CHANNEL,
        author: BOB,
        standing,
        channel_open,
        text: text.into(),
        video: Some(FILM),
        playback: Some(secs(7)),
    }
}

fn post(text: &str) -> Do {
    post_as(present(ChannelRole::Viewer), true, text)
}

fn posted(text: &str) -> Did {
    Did::Posted { channel: CHANNEL, author: BOB, text: named(BOB, text), video: Some(FILM), playback_us: Some(secs(7)) }
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
    let Did::Posted { text, .. } = &mut gone;
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
fn only_members_chat_and_only_while_it_is_open() {
    given([]).when(post_as(MemberState::default(), true, "hello")).refused(No::NotPermitted);
    let banned = MemberState { banned: true, ..present(ChannelRole::Viewer) };
    given([]).when(post_as(banned, true, "hello")).refused(No::NotPermitted);
    let gone = MemberState { present: false, ..present(ChannelRole::Owner) };
    given([]).when(post_as(gone, true, "hello")).refused(No::NotPermitted);
    given([]).when(post_as(present(ChannelRole::Owner), false, "hello")).refused(No::ChannelClosed);
}

fn commands() -> impl Strategy<Value = Do> {
    let text = select(vec!["hello", " hello ", "goodbye", "", "\u{0}"]).prop_map(str::to_owned);
    (select(vec![ADA, BOB]), standings(), any::<bool>(), text, any::<(bool, bool)>()).prop_map(
        |(author, standing, channel_open, text, (video, playback))| Do::Post {
            channel: CHANNEL,
            author,
            standing,
            channel_open,
            text,
            video: video.then_some(FILM),
            playback: playback.then_some(secs(7)),
        },
    )
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Message>(Did::TYPES, select(messages()), commands());
}

#[test]
fn any_history_folds() {
    total::<Message>(select(messages()), commands());
}
