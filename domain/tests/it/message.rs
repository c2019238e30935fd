//! Chat messages: who may post, and what.

use lockstep_domain::{
    Personal,
    message::{Message, MessageCommand as Do, MessageError as No, MessageEvent as Did, TEXT_CHARS_MAX},
    permission::{ChannelRole, Permission},
    standing::{Denied, Standing},
};
use proptest::{prelude::*, sample::select};

use crate::{
    actor::{denials, muted, standing_of, standings, without},
    check::{Given, repeats, total},
    sample::{BOB, CHANNEL, FILM, messages, named, secs, wall},
};

fn given(history: impl IntoIterator<Item = Did>) -> Given<Message> {
    crate::check::given(history)
}

fn post_as(standing: Standing, text: &str) -> Do {
    Do::Post { channel: CHANNEL, standing, text: text.into(), video: Some(FILM), playback: Some(secs(7)), at: wall(0) }
}

fn post(text: &str) -> Do {
    post_as(viewer(), text)
}

fn viewer() -> Standing {
    standing_of(BOB, ChannelRole::Viewer)
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

fn commands() -> impl Strategy<Value = Do> {
    let text = select(vec!["hello", " hello ", "goodbye", "", "\u{0}"]).prop_map(str::to_owned);
    (standings(), text, any::<(bool, bool)>(), 0_i64..100).prop_map(|(standing, text, (video, playback), at)| {
        Do::Post {
            channel: CHANNEL,
            standing,
            text,
            video: video.then_some(FILM),
            playback: playback.then_some(secs(7)),
            at: wall(at),
        }
    })
}

#[test]
fn a_repeat_yields_nothing() {
    repeats::<Message>(Did::TYPES, select(messages()), commands());
}

#[test]
fn any_history_folds() {
    total::<Message>(select(messages()), commands());
}
