//! Captions: who adds them to a film, and what a file of them must be.

use lockstep_domain::{
    Personal,
    account::{AccountState, PlatformRole},
    captions::{
        CAPTION_BYTES_MAX, CUES_MAX, Cue, Unreadable, Wrong, from_ass, from_mov_text, from_subrip, from_webvtt,
        language, read, webvtt,
    },
    ids::AccountId,
    video::{
        CAPTIONS_MAX, CaptionOrigin, CaptionTrack, LABEL_CHARS_MAX, Status, VideoCommand as Do, VideoError as No,
        VideoEvent as Did,
    },
};
use proptest::{prelude::*, sample::select};

use crate::{
    sample::{ADA, BOB, named},
    video::{given, processing, ready},
};

fn member() -> AccountState {
    AccountState { role: Some(PlatformRole::Member), ..AccountState::default() }
}

fn administrator() -> AccountState {
    AccountState { role: Some(PlatformRole::Administrator), ..AccountState::default() }
}

fn track(id: &str) -> CaptionTrack {
    CaptionTrack {
        id: id.into(),
        language: Some("de".into()),
        label: named(ADA, "Deutsch"),
        object_key: format!("v/film/text/{id}.vtt"),
        origin: CaptionOrigin::Upload,
    }
}

fn upload_as(by: AccountId, actor: AccountState, captions: CaptionTrack) -> Do {
    Do::UploadCaptions { captions, by, actor }
}

fn upload(captions: CaptionTrack) -> Do {
    upload_as(ADA, member(), captions)
}

fn remove_as(by: AccountId, actor: AccountState, id: &str) -> Do {
    Do::RemoveCaptions { id: id.into(), by, actor }
}

fn added(id: &str) -> Did {
    Did::CaptionsAdded { captions: track(id) }
}

/// Uploads and removals, for the properties of films.
pub fn captions_by(who: impl Strategy<Value = AccountId>) -> impl Strategy<Value = Do> {
    (who, select(vec!["s1", "u1", "u2"]), any::<bool>())
        .prop_map(|(by, id, add)| if add { upload_as(by, member(), track(id)) } else { remove_as(by, member(), id) })
}

#[test]
fn the_owner_and_administrators_add_captions_and_take_them_away() {
    given(ready()).when(upload(track("u1"))).then([added("u1")]);
    given(ready()).when(upload_as(BOB, administrator(), track("u1"))).then([added("u1")]);
    given(ready()).when(upload_as(BOB, member(), track("u1"))).refused(No::NotPermitted);
    let suspended = |actor| AccountState { suspended: true, ..actor };
    given(ready()).when(upload_as(ADA, suspended(member()), track("u1"))).refused(No::NotPermitted);
    given(ready()).when(upload_as(BOB, suspended(administrator()), track("u1"))).refused(No::NotPermitted);
    let with = || [ready(), vec![added("u1")]].concat();
    let gone = |by| Did::CaptionsRemoved { id: "u1".into(), by };
    given(with()).when(remove_as(ADA, member(), "u1")).then([gone(ADA)]);
    given(with()).when(remove_as(BOB, administrator(), "u1")).then([gone(BOB)]);
    given(with()).when(remove_as(BOB, member(), "u1")).refused(No::NotPermitted);
    given(with()).when(remove_as(ADA, member(), "u2")).then([]);
}

#[test]
fn captions_are_refused_with_the_reason() {
    given([]).when(upload(track("u1"))).refused(No::Unknown);
    given(processing()).when(upload(track("u1"))).refused(No::WrongStatus(Status::Processing));
    for language in ["d", "deutsch!", "de-", "de_DE", "123"] {
        given(ready())
            .when(upload(CaptionTrack { language: Some(language.into()), ..track("u1") }))
            .refused(No::Language);
    }
    for label in [String::new(), "x".repeat(LABEL_CHARS_MAX + 1), "a\u{7}b".into()] {
        given(ready()).when(upload(CaptionTrack { label: named(ADA, &label), ..track("u1") })).refused(No::Label);
    }
    given(ready()).when(upload(CaptionTrack { label: Personal::Erased, ..track("u1") })).refused(No::Label);
    let full = || [ready(), (0..CAPTIONS_MAX).map(|n| added(&format!("u{n}"))).collect()].concat();
    given(full()).when(upload(track("more"))).refused(No::TooManyCaptions);
    given(full()).when(upload(track("u3"))).then([]);
}

const SUBRIP: &str = "\u{feff}1\r\n00:00:01,500 --> 00:00:03,000\r\n{\\an8}<font color=\"red\">Hello</font> <I>there</I>\r\nR&D <3\r\n\r\n\
    2\r\n01:02:03,004 --> 01:02:05,000 X1:0\r\n<b>unclosed\r\n";

#[test]
fn subrip_becomes_webvtt() {
    let cues = read(SUBRIP).unwrap();
    assert_eq!(
        webvtt(&cues),
        "WEBVTT\n\n00:00:01.500 --> 00:00:03.000\nHello <i>there</i>\nR&amp;D &lt;3\n\n\
         01:02:03.004 --> 01:02:05.000\n<b>unclosed</b>\n"
    );
    assert_eq!(read(&webvtt(&cues)).unwrap(), cues, "what is written reads as the same");
}

#[test]
fn webvtt_loses_what_is_no_words() {
    let text = "WEBVTT - some title\nKind: captions\n\nNOTE a remark\nover lines --> here\n\nSTYLE\n::cue { color: red }\n\n\
        intro\n00:01.000 --> 00:02.000 line:0 align:start\n<v Ada>Hi <c.loud>you</c></v> &amp; <u>me</u> & <00:01.500>all\n\n\
        00:05.000 --> 00:06.000\n\n";
    let cues = read(text).unwrap();
    let expected = Cue { start_ms: 1000, end_ms: 2000, text: "Hi you &amp; <u>me</u> &amp; all".into() };
    assert_eq!(cues, [expected]);
}

#[test]
fn a_wrong_file_is_refused_with_its_line() {
    let many = "00:00:01,000 --> 00:00:02,000\nx\n\n".repeat(CUES_MAX + 1);
    for (text, line, wrong) in [
        ("", 1, Wrong::Empty),
        ("WEBVTT\n\nNOTE nothing\n", 1, Wrong::Empty),
        ("Hello", 1, Wrong::Times),
        ("1\n00:00:01,000 --> 00:00:02,000\nfine\n\nHello\n", 5, Wrong::Times),
        ("1\n00:00:01,000 -> 00:00:02,000\nHello\n", 2, Wrong::Times),
        ("1\n00:61:01,000 --> 00:62:02,000\nHello\n", 2, Wrong::Times),
        ("1\n00:00:01,0 --> 00:00:02,000\nHello\n", 2, Wrong::Times),
        ("1\n00:01,000 --> 00:02,000\nHello\n", 2, Wrong::Times),
        ("1\n", 1, Wrong::Times),
        ("1\n00:00:03,000 --> 00:00:02,000\nHello\n", 2, Wrong::Backwards),
        ("1\n00:00:03,000 --> 100:00:02,000\nHello\n", 2, Wrong::TooLate),
        ("1\n00:00:01,000 --> 00:00:02,000\nHe\u{0}llo\n", 3, Wrong::Characters),
        ("1\n00:00:01,000 --> 00:00:02,000\nHe\u{fffd}llo\n", 3, Wrong::Characters),
        (&"x".repeat(CAPTION_BYTES_MAX + 1), 1, Wrong::TooLarge),
        (&many, 3 * u32::try_from(CUES_MAX).unwrap() + 1, Wrong::TooMany),
    ] {
        let shown: String = text.chars().take(60).collect();
        assert_eq!(read(text), Err(Unreadable { line, wrong }), "{shown:?}");
    }
}

#[test]
fn words_are_found_in_every_kind_of_track() {
    assert_eq!(from_ass("12,0,Default,,0,0,0,,{\\i1}Hello{\\i0},\\Nyou {\\b1}& I\\h!"), "<i>Hello</i>,\nyou &amp; I !");
    assert_eq!(from_ass("1,0,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}"), "");
    assert_eq!(from_ass("1,0,Default,,0,0,0,,{\\pos(1,2)}Here"), "Here");
    assert_eq!(from_ass("no fields"), "");
    assert_eq!(from_mov_text(&[0, 5, b'a', b'<', b'b', b'\n', b'c', 0, 0, 0, 12, b's', b't', b'y', b'l']), "a&lt;b\nc");
    assert_eq!(from_mov_text(&[9]), "");
    assert_eq!(from_mov_text(&[0, 200, b'a']), "a");
    assert_eq!(from_subrip("a\n\n\nb </i> <x>c</x>"), "a\nb  c");
    assert_eq!(from_webvtt("1 < 2 <i>a</b></i>"), "1 &lt; 2 <i>a</i>");
}

#[test]
fn languages_are_said_as_browsers_say_them() {
    for (told, expected) in [
        ("eng", Some("en")),
        ("ger", Some("de")),
        ("pt_BR", Some("pt-BR")),
        ("EN", Some("en")),
        ("fil", Some("fil")),
        ("und", None),
        ("", None),
        ("not a language", None),
    ] {
        assert_eq!(language(told).as_deref(), expected, "{told}");
    }
}

proptest! {
    /// Whatever is read is written as a file that reads as the same cues, and never holds markup but the three tags.
    #[test]
    fn what_is_written_is_read_again(words in proptest::collection::vec("[<>&a-c/ib{}\\\\ \n]{0,30}", 1..5)) {
        let text: String = words.iter().map(|words| format!("00:00:01,000 --> 00:00:02,000\nx{words}\n\n")).collect();
        if let Ok(cues) = read(&text) {
            let written = webvtt(&cues);
            prop_assert_eq!(read(&written).unwrap(), cues);
        }
    }
}
