//! Given what was said and done to it, what the chat shows.

use lockstep_domain::{
    ids::{MessageId, Position},
    report::ReportAction,
};
use lockstep_projections::{
    messages::{self, MessageRow, Page, ReactionRow},
    reports,
};

use crate::fixture::{Fixture, Story, story};

async fn shown() -> (Fixture, Story) {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    fixture.apply_all().await;
    (fixture, story)
}

fn ids(rows: &[MessageRow]) -> Vec<MessageId> {
    rows.iter().map(|row| row.message).collect()
}

#[tokio::test]
async fn a_message_shows_what_became_of_it() {
    let (fixture, story) = shown().await;
    let rows = messages::page(&fixture.pool, story.channel, Page::Before(None), 10).await.unwrap();
    assert_eq!(ids(&rows), story.messages);
    let [first, second, last] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((first.text.as_str(), first.edited_at.is_some(), first.pinned), ("hello again", true, true));
    assert!(first.changed > last.position && first.position < second.position, "changed late, said first");
    assert_eq!((second.edited_at, second.pinned, &second.redacted), (None, false, &None));
    assert_eq!((second.reply_to, &second.mentions), (Some((story.messages[0], Some(story.guest))), &vec![story.ada]));
    assert_eq!((last.text.as_str(), last.pinned), ("", false));
    assert_eq!(last.redacted, Some((story.ada, Some("not here".to_owned()))));
    let of = async |asker| messages::reactions(&fixture.pool, asker, &story.messages).await.unwrap();
    let reaction = |mine| ReactionRow { message: story.messages[0], emoji: "A".to_owned(), count: 2, mine };
    assert_eq!(of(Some(story.guest)).await, [reaction(true)], "taken away or taken back: gone");
    assert_eq!((of(Some(story.troll)).await, of(None).await), (vec![reaction(false)], vec![reaction(false)]));
    let pinned = messages::pinned(&fixture.pool, story.channel, 10).await.unwrap();
    assert_eq!(ids(&pinned), [story.messages[0]]);
}

#[tokio::test]
async fn nothing_of_what_was_taken_back_is_in_any_row_but_the_report() {
    let (fixture, _) = shown().await;
    let rows = fixture.rows().await;
    let with = |text: &str| {
        rows.iter().filter(|row| row.contains(text)).map(|row| row.split(':').next().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(with("hush"), Vec::<&str>::new());
    assert_eq!(with("hello 2"), ["rm_reports"]);
}

#[tokio::test]
async fn pages_go_both_ways_and_changes_follow_a_place() {
    let (fixture, story) = shown().await;
    let of = async |page| messages::page(&fixture.pool, story.channel, page, 2).await.unwrap();
    let newest = of(Page::Before(None)).await;
    assert_eq!(ids(&newest), story.messages[1..]);
    assert_eq!(ids(&of(Page::Before(Some(newest[0].position))).await), story.messages[..1]);
    assert_eq!(ids(&of(Page::After(newest[0].position)).await), story.messages[2..]);
    assert_eq!(ids(&of(Page::After(Position::START)).await), story.messages[..2]);
    let all = messages::page(&fixture.pool, story.channel, Page::Before(None), 10).await.unwrap();
    let changed = async |after| messages::changed_after(&fixture.pool, story.channel, after, 10).await.unwrap();
    assert_eq!(ids(&changed(all[2].position).await), story.messages, "each changed after the last was said");
    assert_eq!(ids(&changed(all[0].changed).await), story.messages[1..]);
    assert!(changed(all[2].changed).await.is_empty());
}

#[tokio::test]
async fn words_are_found_in_their_channel_only_and_never_when_taken_back() {
    let (fixture, story) = shown().await;
    let find = async |channel, words: &str| {
        messages::search(&fixture.pool, channel, words, None, 50).await.unwrap().map(|rows| ids(&rows))
    };
    let [first, second, _] = story.messages;
    assert_eq!(find(story.channel, "HEL").await, Some(vec![second, first]), "beginnings of words, newest first");
    assert_eq!(find(story.channel, "hello ag").await, Some(vec![first]));
    assert_eq!(find(story.channel, "hush").await, Some(vec![]));
    assert_eq!(find(story.private, "hello").await, Some(vec![]));
    assert_eq!(find(story.channel, " '!&| ").await, None);
}

#[tokio::test]
async fn reports_keep_the_evidence_by_channel() {
    let (fixture, story) = shown().await;
    let of = async |channel, open| reports::of_channel(&fixture.pool, channel, open, None, 10).await.unwrap();
    let all = of(story.channel, false).await;
    assert_eq!(all.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(), ["hello 1", "hello 2"]);
    assert_eq!(all[1].resolution.as_ref().unwrap().action, ReportAction::Redacted);
    assert_eq!(of(story.channel, true).await, all[..1]);
    assert!(of(story.private, false).await.is_empty());
}
