//! What a source tells of its chapters, put in order.

use lockstep_domain::{
    Personal,
    time::MediaTime,
    video::{CHAPTER_TITLE_CHARS_MAX, CHAPTERS_MAX, Chapter, Source, chapters},
};
use serde_json::json;

use crate::sample;

fn check(found: &[(i64, &str)], wanted: &[(i64, &str)]) {
    let at = |list: &[(i64, &str)]| -> Vec<(MediaTime, String)> {
        list.iter().map(|(s, title)| (MediaTime::from_micros(s * 1_000_000), (*title).to_owned())).collect()
    };
    assert_eq!(chapters(at(found), MediaTime::from_micros(60_000_000)), at(wanted));
}

#[test]
fn chapters_are_put_in_order_inside_the_film() {
    check(&[(30, "End"), (0, "Beginning")], &[(0, "Beginning"), (30, "End")]);
    check(&[(-2, "Early"), (30, " On\ttwo\nlines "), (60, "Past the end")], &[(0, "Early"), (30, "On two lines")]);
    check(&[(0, "A"), (30, "B"), (30, "C")], &[(0, "A"), (30, "B")]);
    check(&[(10, "Starts late")], &[(0, ""), (10, "Starts late")]);
    check(&[(0, "All in one piece")], &[]);
    check(&[], &[]);
}

#[test]
fn chapters_are_bounded() {
    let many = (0..500).map(|n| (MediaTime::from_micros(n * 1_000), "x".repeat(300))).collect();
    let kept = chapters(many, MediaTime::from_micros(60_000_000));
    assert_eq!(kept.len(), CHAPTERS_MAX);
    assert!(kept.iter().all(|(_, title)| title.len() == CHAPTER_TITLE_CHARS_MAX));
}

#[test]
fn a_source_may_name_its_chapters() {
    let title = Personal::new(sample::ADA, "Beginning".to_owned());
    let source = Source { chapters: vec![Chapter { start_us: MediaTime::from_micros(0), title }], ..sample::source() };
    let stored = serde_json::to_value(&source).unwrap();
    let titled = json!({"$personal": {"subject": sample::ADA, "value": "Beginning"}});
    assert_eq!(stored["chapters"], json!([{"start_us": 0, "title": titled}]));
    assert_eq!(serde_json::from_value::<Source>(stored).unwrap(), source);
    assert!(serde_json::to_value(sample::source()).unwrap().get("chapters").is_none());
}
