//! Stream names, ids and positions: their text is stored and handed out, so it is fixed here.

use lockstep_domain::{
    Aggregate,
    account::Account,
    channel::Channel,
    ids::{AccountId, IdError, Position, ReportId, StreamId, VideoId, member_parts, work_parts},
    invite::Invite,
    member::Member,
    message::Message,
    playback::Playback,
    video::Video,
    visit::Visit,
    work::Work,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::sample::{ADA, BOB, CHANNEL, FILM, INVITE, MESSAGE};

#[test]
fn stream_names_are_fixed() {
    let visit = lockstep_domain::ids::VisitId(FILM.0);
    for (stream, kind, name) in [
        (StreamId::account(ADA), Account::KIND, format!("account-{ADA}")),
        (StreamId::video(FILM), Video::KIND, format!("video-{FILM}")),
        (StreamId::channel(CHANNEL), Channel::KIND, format!("channel-{CHANNEL}")),
        (StreamId::member(CHANNEL, BOB), Member::KIND, format!("member-{CHANNEL}.{BOB}")),
        (StreamId::invite(INVITE), Invite::KIND, format!("invite-{INVITE}")),
        (StreamId::queue(CHANNEL), "queue", format!("queue-{CHANNEL}")),
        (StreamId::report(ReportId(FILM.0)), "report", format!("report-{FILM}")),
        (StreamId::playback(CHANNEL), Playback::KIND, format!("playback-{CHANNEL}")),
        (StreamId::message(MESSAGE), Message::KIND, format!("message-{MESSAGE}")),
        (StreamId::visit(visit), Visit::KIND, format!("visit-{FILM}")),
        (StreamId::work(FILM, 7), Work::KIND, format!("work-{FILM}.7")),
    ] {
        assert_eq!(stream.to_string(), name);
        assert_eq!(stream.kind(), kind);
        assert_eq!(name.parse(), Ok(stream));
    }
}

#[test]
fn what_is_no_stream_name_is_refused() {
    for text in ["", "account", "-", "account-", "-x"] {
        assert_eq!(text.parse::<StreamId>(), Err(IdError::NotAStream(text.to_owned())));
    }
}

#[test]
#[should_panic(expected = "a stream type has no '-'")]
fn a_stream_type_has_no_dash() {
    let _ = StreamId::new("admin-log", "2026-01-01");
}

#[test]
fn compound_ids_come_apart() {
    assert_eq!(member_parts(StreamId::member(CHANNEL, BOB).id()), Some((CHANNEL, BOB)));
    assert_eq!(work_parts(StreamId::work(FILM, 7).id()), Some((FILM, 7)));
    for text in ["", ".", &format!("{CHANNEL}"), &format!("{CHANNEL}."), &format!("{CHANNEL}.x")] {
        assert_eq!((member_parts(text), work_parts(text)), (None, None), "{text}");
    }
}

#[test]
fn ids_are_uuids() {
    assert_eq!(ADA.to_string().parse::<AccountId>(), Ok(ADA));
    assert_eq!("ada".parse::<VideoId>(), Err(IdError::NotAnId("video")));
    assert_eq!(serde_json::to_value(ADA).unwrap(), serde_json::json!("01920000-0000-7000-8000-000000000ada"));
}

#[test]
fn positions_count_up_from_the_start() {
    assert_eq!(Position::default(), Position::START);
    assert_eq!("0".parse(), Ok(Position::START));
    for text in ["", "-1", "x", "1.5", "9223372036854775808"] {
        assert_eq!(text.parse::<Position>(), Err(IdError::NotAPosition), "{text}");
    }
}

proptest! {
    #[test]
    fn text_comes_back(id in any::<u128>(), item in any::<u32>(), position in 0..=i64::MAX) {
        let video = VideoId(Uuid::from_u128(id));
        let stream = StreamId::work(video, item);
        prop_assert_eq!(work_parts(stream.id()), Some((video, item)));
        prop_assert_eq!(stream.to_string().parse(), Ok(stream));
        let position = Position::from_i64(position);
        prop_assert_eq!(position.to_string().parse(), Ok(position));
    }

    #[test]
    fn any_text_is_a_stream_name_or_refused(text in ".{0,20}") {
        if let Ok(stream) = text.parse::<StreamId>() {
            prop_assert!(!stream.kind().contains('-') && !stream.kind().is_empty() && !stream.id().is_empty());
            prop_assert_eq!(stream.to_string(), text);
        }
    }
}
