//! The limits and shapes of frames.

use lockstep_sync_hub::protocol::{Chat, ClientFrame, FRAME_BYTES_MAX, FrameError, PlayerState, parse};

use crate::rig::Rig;

fn shape(text: &str) {
    assert!(matches!(parse(text), Err(FrameError::Shape(_))), "{text}: {:?}", parse(text));
}

#[test]
fn frames_of_the_protocol_are_read() {
    let id = "00000000-0000-0000-0000-000000000001";
    assert_eq!(parse(r#"{"t":"probe","n":1,"c0":-5}"#), Ok(ClientFrame::Probe { n: 1, c0: -5 }));
    assert_eq!(parse(r#"{"t":"typing"}"#), Ok(ClientFrame::Typing));
    let report = parse(r#"{"t":"report","state":"hidden","error_us":null,"bound_us":3}"#);
    assert_eq!(
        report,
        Ok(ClientFrame::Report { state: PlayerState::Hidden, error_us: None, bound_us: Some(3), ready: None })
    );
    assert!(matches!(
        parse(&format!(r#"{{"t":"chat","op":"{id}","id":"{id}","text":"{{[\"","playback_us":null}}"#)),
        Ok(ClientFrame::Chat(Chat { text, .. })) if text == "{[\""
    ));
    assert!(matches!(parse(&format!(r#"{{"t":"join","channel":"{id}","visit":"{id}"}}"#)), Ok(ClientFrame::Join(_))));
}

#[test]
fn other_shapes_are_errors() {
    shape("");
    shape("[]");
    shape("{}");
    shape(r#"{"t":"dance"}"#);
    shape(r#"{"t":"join","channel":"x","visit":"y"}"#);
    shape(r#"{"t":"probe","n":1,"c0":1.5}"#);
    shape(r#"{"t":"probe","n":-1,"c0":1}"#);
    shape(r#"{"t":"intent","op":"00000000-0000-0000-0000-000000000001","verb":"explode"}"#);
}

#[test]
fn numbers_a_browser_cannot_hold_are_out_of_range() {
    assert_eq!(parse(r#"{"t":"probe","n":1,"c0":9007199254740993}"#), Err(FrameError::OutOfRange("c0")));
    let seek = r#"{"t":"intent","op":"00000000-0000-0000-0000-000000000001","verb":"seek","position_us":-1}"#;
    assert_eq!(parse(seek), Err(FrameError::OutOfRange("position_us")));
}

#[test]
fn an_intent_carries_what_its_verb_needs() {
    for (verb, field) in [("seek", "position_us"), ("load", "video")] {
        let text = format!(r#"{{"t":"intent","op":"00000000-0000-0000-0000-000000000001","verb":"{verb}"}}"#);
        assert_eq!(parse(&text), Err(FrameError::Missing { verb, field }));
    }
}

#[test]
fn size_and_depth_are_limited() {
    let large = format!(r#"{{"t":"typing","x":"{}"}}"#, "x".repeat(FRAME_BYTES_MAX));
    assert_eq!(parse(&large), Err(FrameError::TooLarge));
    let deep = format!(r#"{{"t":"typing","x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(parse(&deep), Err(FrameError::TooDeep));
}

#[test]
fn a_bad_frame_closes_the_socket() {
    let mut rig = Rig::room([1, 2]);
    rig.take_all();
    rig.text(1, "nonsense");
    assert_eq!(rig.take(1).pop().unwrap()["code"], "bad_frame");
    assert_eq!(rig.closed[&1].0, 4400);
    assert!(!rig.closed.contains_key(&2));
}
