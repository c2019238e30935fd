//! Given events, these rows; and the same events again change nothing.

use lockstep_domain::{
    account::{AccountEvent, PlatformRole},
    channel::{ChannelEvent, Visibility},
    ids::VideoId,
    invite::InviteEvent,
    member::MemberEvent,
    message::MessageEvent,
    permission::ChannelRole,
    playback::PlaybackEvent,
    queue::QueueEvent,
    report::ReportEvent,
    time::{MediaTime, Timestamp},
    video::{Status, VideoEvent},
};
use lockstep_projections::{accounts, channels, members, messages, playback, videos};
use uuid::Uuid;

use crate::fixture::{Fixture, Story, story};

async fn shown() -> (Fixture, Story) {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    fixture.apply_all().await;
    (fixture, story)
}

#[tokio::test]
async fn the_story_has_every_event_type() {
    let (fixture, _) = shown().await;
    let mut told: Vec<String> = sqlx::query_scalar("SELECT DISTINCT aggregate_type || '.' || event_type FROM events")
        .fetch_all(&fixture.pool)
        .await
        .unwrap();
    told.sort();
    let kinds = [
        ("account", AccountEvent::TYPES),
        ("channel", ChannelEvent::TYPES),
        ("invite", InviteEvent::TYPES),
        ("member", MemberEvent::TYPES),
        ("message", MessageEvent::TYPES),
        ("playback", PlaybackEvent::TYPES),
        ("queue", QueueEvent::TYPES),
        ("report", ReportEvent::TYPES),
        ("video", VideoEvent::TYPES),
    ];
    let mut all: Vec<String> =
        kinds.iter().flat_map(|(kind, types)| types.iter().map(move |name| format!("{kind}.{name}"))).collect();
    all.sort();
    assert_eq!(told, all, "replay tests prove nothing about event types that the story leaves out");
}

#[tokio::test]
async fn replaying_the_log_changes_no_row() {
    let (fixture, _) = shown().await;
    let once = fixture.rows().await;
    assert!(once.len() > 10, "{once:#?}");
    fixture.apply_all().await;
    assert_eq!(once, fixture.rows().await);
}

#[tokio::test]
async fn an_older_event_never_overwrites_a_newer_row() {
    let (fixture, _) = shown().await;
    let rows = fixture.rows().await;
    for event in fixture.events().await.iter().rev() {
        fixture.apply(std::slice::from_ref(event)).await;
        assert_eq!(rows, fixture.rows().await, "{} of {}", event.event_type, event.stream);
    }
}

#[tokio::test]
async fn accounts_show_the_newest_name_and_the_role() {
    let (fixture, story) = shown().await;
    let unknown = lockstep_domain::ids::AccountId(Uuid::new_v4());
    let mut rows = accounts::by_ids(&fixture.pool, &[story.ada, story.guest, unknown]).await.unwrap();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let shown: Vec<_> = rows.iter().map(|row| (row.account, row.name.as_str(), row.role)).collect();
    assert_eq!(shown, [(story.ada, "Ada L.", PlatformRole::Administrator), (story.guest, "Gast", PlatformRole::Guest)]);
}

#[tokio::test]
async fn people_are_found_by_name_page_by_page() {
    let (fixture, story) = shown().await;
    let names =
        |rows: &[accounts::PersonRow]| -> Vec<String> { rows.iter().map(|row| row.account.name.clone()).collect() };
    let members = accounts::people(&fixture.pool, "", false, None, 10).await.unwrap();
    assert_eq!(names(&members), ["Ada L.", "Paula", "Troll"], "a guest who registered is one of them");
    assert_eq!(
        (members[1].suspended, members[1].suspended_reason.as_str()),
        (true, ""),
        "the last suspension's reason"
    );
    let first = accounts::people(&fixture.pool, "", true, None, 2).await.unwrap();
    assert_eq!(names(&first), ["Ada L.", "Gast"]);
    let after = accounts::people(&fixture.pool, "", true, Some(story.guest), 10).await.unwrap();
    assert_eq!(names(&after), ["Paula", "Troll"]);
    assert_eq!(names(&accounts::people(&fixture.pool, "RO", true, None, 10).await.unwrap()), ["Troll"]);
    assert_eq!(accounts::people(&fixture.pool, "%", true, None, 10).await.unwrap(), [], "text, not a pattern");
}

#[tokio::test]
async fn an_erased_name_is_empty() {
    let fixture = Fixture::new().await;
    let account = lockstep_domain::ids::AccountId(Uuid::new_v4());
    let event = AccountEvent::GuestAdmitted { name: lockstep_domain::Personal::Erased };
    fixture.append(lockstep_domain::ids::StreamId::account(account), None, &[event]).await;
    fixture.apply_all().await;
    assert_eq!(accounts::by_ids(&fixture.pool, &[account]).await.unwrap()[0].name, "");
}

#[tokio::test]
async fn a_finished_film_shows_its_facts_and_paths() {
    let (fixture, story) = shown().await;
    let rows = videos::by_ids(&fixture.pool, &[story.video]).await.unwrap();
    let row = &rows[0];
    assert_eq!((row.status, row.percent, row.eta_s), (Status::Ready, 100, None));
    assert_eq!(row.title, "A 100% good film");
    assert_eq!(row.duration, Some(MediaTime(60_040_000)));
    assert_eq!((row.width, row.height, row.container.as_deref()), (Some(1920), Some(1080), Some("mp4")));
    assert_eq!(row.hls_path.as_deref(), Some("master.m3u8"));
    assert_eq!(row.dash_path.as_deref(), Some("manifest.mpd"));
    assert_eq!(row.thumbnail_path.as_deref(), Some("thumb.jpg"));
    assert_eq!(row.storyboard_path.as_deref(), Some("storyboard.vtt"));
    let chapters: Vec<_> = row.chapters.iter().map(|chapter| (chapter.start_us, chapter.title.as_str())).collect();
    assert_eq!(chapters, [(0, "Beginning"), (30_000_000, "End")]);
    let captions = videos::captions(&fixture.pool, &[row.video]).await.unwrap();
    let shown: Vec<_> =
        captions.iter().map(|row| (row.path.as_str(), row.label.as_str(), row.origin.as_str())).collect();
    let expected = [("text/s1.vtt", "English s1", "source"), ("text/u1.vtt", "English u1", "upload")];
    assert_eq!(shown, expected, "what was removed does not come back");
    assert_eq!(row.version, 22);
    assert_eq!(row.poster_path, None, "the first picture stands for it again");
    assert_eq!(row.failure, None);
    let ladder = videos::renditions(&fixture.pool, &[story.video, story.failed]).await.unwrap();
    let ladder: Vec<_> = ladder.iter().map(|row| (row.name.as_str(), row.complete, row.bandwidth_bps)).collect();
    assert_eq!(ladder, [("720p", true, 3_000_000), ("360p", false, 1_000)]);
}

#[tokio::test]
async fn a_failed_film_says_why() {
    let (fixture, story) = shown().await;
    let rows = videos::by_ids(&fixture.pool, &[story.failed]).await.unwrap();
    assert_eq!(rows[0].status, Status::Failed);
    assert_eq!(rows[0].failure.as_ref().unwrap().code, "not_a_video");
}

#[tokio::test]
async fn films_are_listed_newest_first_and_found_literally() {
    let (fixture, story) = shown().await;
    let asker = videos::Asker { account: None, administers: true };
    let all = videos::Filter { asker, ..videos::Filter::default() };
    let first = videos::list(&fixture.pool, &all, None, 2).await.unwrap();
    assert_eq!(first[1].video, story.failed);
    let next = videos::list(&fixture.pool, &all, Some(first[1].created_position), 2).await.unwrap();
    assert_eq!(next.iter().map(|row| row.video).collect::<Vec<VideoId>>(), [story.video]);
    assert_eq!(videos::count(&fixture.pool, &all).await.unwrap(), 3);
    let find = async |status, search: &str| {
        let filter = videos::Filter { status, search: Some(search.to_owned()), asker };
        let rows = videos::list(&fixture.pool, &filter, None, 10).await.unwrap();
        assert_eq!(videos::count(&fixture.pool, &filter).await.unwrap(), rows.len() as i64);
        rows.len()
    };
    assert_eq!(find(None, "100%").await, 1);
    assert_eq!(find(None, "1_0%").await, 0, "wildcards are letters");
    assert_eq!(find(None, "FILM").await, 2);
    assert_eq!(find(Some(Status::Rejected), "film").await, 1);
}

#[tokio::test]
async fn a_channel_shows_members_timeline_and_the_askers_standing() {
    let (fixture, story) = shown().await;
    let row = channels::by_slug(&fixture.pool, Some(story.guest), "cinema").await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.visibility, row.archived), ("Kino", Visibility::Public, false));
    assert_eq!((row.owner.name.as_str(), row.member_count, row.owned), ("Ada L.", 2, false));
    assert_eq!(row.mine.unwrap().role, Some(ChannelRole::Moderator));
    assert_eq!(row.playback.as_ref().unwrap().media, MediaTime(9_000_000));
    let own = playback::by_channels(&fixture.pool, &[story.channel]).await.unwrap();
    assert_eq!(row.playback, Some(own[0].clone()));
    assert_eq!((own[0].rate_ppm(), own[0].at, own[0].video), (0, Timestamp(74_000_000), story.video));
    assert_eq!(channels::by_id(&fixture.pool, None, story.channel).await.unwrap().unwrap().mine, None);
}

#[tokio::test]
async fn a_ban_closes_a_channel_and_a_private_one_is_not_seen() {
    let (fixture, story) = shown().await;
    let of = async |asker, channel| channels::by_id(&fixture.pool, asker, channel).await.unwrap().unwrap();
    let troll = of(Some(story.troll), story.channel).await;
    assert!(troll.visible() && !troll.readable());
    assert!(of(Some(story.ada), story.private).await.readable());
    assert!(!of(Some(story.guest), story.private).await.visible());
    assert!(!of(None, story.private).await.visible());
    let listed = channels::list(&fixture.pool, Some(story.ada), 10).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.channel).collect::<Vec<_>>(), [story.channel], "archived ones are not");
    let plays = async |account| channels::plays_for(&fixture.pool, account, story.video).await.unwrap();
    assert!(plays(story.guest).await && !plays(story.troll).await);
    assert!(!channels::plays_for(&fixture.pool, story.guest, story.failed).await.unwrap());
}

#[tokio::test]
async fn members_are_those_present_with_more_rights_first() {
    let (fixture, story) = shown().await;
    let rows = members::present_in_channels(&fixture.pool, &[story.channel, story.private], 10).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.account.name.as_str(), row.role)).collect();
    assert_eq!(rows, [("Ada L.", ChannelRole::Owner), ("Gast", ChannelRole::Moderator)]);
    let one = members::present_in_channels(&fixture.pool, &[story.channel], 1).await.unwrap();
    assert_eq!(one.len(), 1);
    let troll = members::one(&fixture.pool, story.channel, story.troll).await.unwrap().unwrap();
    assert!(troll.banned && !troll.present && troll.role == ChannelRole::Viewer && troll.mute.is_none());
}

#[tokio::test]
async fn the_last_messages_come_in_the_order_of_the_log() {
    let (fixture, story) = shown().await;
    let of = [story.channel, story.private];
    let last = messages::last_of_channels(&fixture.pool, &of, 2, None).await.unwrap();
    let texts: Vec<_> = last.iter().map(|row| (row.text.as_str(), row.author.name.as_str())).collect();
    assert_eq!(texts, [("hello 1", "Gast"), ("", "Gast")], "what was taken back says nothing");
    let before = messages::last_of_channels(&fixture.pool, &of, 2, Some(last[0].position)).await.unwrap();
    assert_eq!(before.iter().map(|row| row.message).collect::<Vec<_>>(), [story.messages[0]]);
}
