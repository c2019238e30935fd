//! What the read models show of settings, standings and invites, and their renewal when their meaning changes.

use lockstep_domain::{
    ids::AccountId,
    member::Mute,
    permission::{ChannelRole, Defaults, Permission},
    time::Timestamp,
};
use lockstep_projections::{
    Runner, all, channels, invites,
    member_page::{self, Page, Place, Which},
    members,
};
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, Story, invite, names, story};

async fn shown() -> (Fixture, Story) {
    let fixture = Fixture::new().await;
    let story = story(&fixture).await;
    fixture.apply_all().await;
    (fixture, story)
}

fn version(name: &str) -> i32 {
    all().iter().find(|projection| projection.name() == name).unwrap().version()
}

#[tokio::test]
async fn a_channel_shows_its_settings_and_the_askers_own_standing() {
    let (fixture, story) = shown().await;
    let row = channels::by_id(&fixture.pool, Some(story.guest), story.channel).await.unwrap().unwrap();
    assert_eq!((row.description.as_str(), row.slow_mode_s), ("Films on Fridays", 30));
    assert_eq!(row.remote.as_ref().map(|holder| holder.name.as_str()), Some("Gast"));
    let viewer = [Permission::Chat, Permission::Vote].into_iter().collect();
    assert_eq!(row.defaults, Defaults { viewer, ..Defaults::default() });
    let mine = row.mine.as_ref().unwrap();
    assert_eq!(mine.mute, Some(Mute { until: Some(Timestamp(99)) }));
    assert_eq!(mine.overrides, [(Permission::Pin, true)].into_iter().collect(), "an exception taken back is none");
    let standing = row.standing(story.guest);
    assert!(
        standing.may(Permission::Chat, Timestamp(98)).is_err() && standing.may(Permission::Chat, Timestamp(99)).is_ok()
    );
    assert!(standing.may(Permission::Seek, Timestamp(0)).is_ok(), "the remote is theirs");
    let ada = channels::by_id(&fixture.pool, Some(story.ada), story.channel).await.unwrap().unwrap();
    assert!(ada.standing(story.ada).may(Permission::Seek, Timestamp(0)).is_err(), "not the owner's");
}

#[tokio::test]
async fn pages_of_people_go_on_where_the_last_ended_and_hold_whom_they_say() {
    let (fixture, story) = shown().await;
    let page = async |which, search: Option<&str>, after, first| {
        let page = Page { which, search: search.map(str::to_owned), first, after };
        member_page::of_channels(&fixture.pool, &[story.channel, story.private], &page).await.unwrap()
    };
    let named = |rows: &[members::MemberRow]| rows.iter().map(|row| row.account.name.clone()).collect::<Vec<_>>();
    let first = page(Which::Everybody, None, Place::START, 1).await;
    assert_eq!(named(&first), ["Ada L."]);
    assert_eq!(named(&page(Which::Everybody, None, Place::from(&first[0]), 5).await), ["Gast"]);
    assert_eq!(named(&page(Which::Banned, None, Place::START, 5).await), ["Troll"]);
    assert_eq!(named(&page(Which::Everybody, Some("gAs"), Place::START, 5).await), ["Gast"]);
    assert_eq!(named(&page(Which::Everybody, Some("%"), Place::START, 5).await), Vec::<String>::new());
    assert!(page(Which::Asking, None, Place::START, 5).await.is_empty(), "an answer ends the asking");
    assert!(page(Which::Absent, None, Place::START, 5).await.is_empty());
}

#[tokio::test]
async fn invites_count_who_came_by_them() {
    let (fixture, story) = shown().await;
    let rows = invites::of_channels(&fixture.pool, &[story.channel], 10, None).await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.invite, row.used, row.revoked)).collect();
    assert_eq!(shown, [(invite(2), 0, true), (invite(1), 2, false)]);
    let older = invites::of_channels(&fixture.pool, &[story.channel], 10, Some(rows[0].issued_position)).await.unwrap();
    assert_eq!(older.iter().map(|row| row.invite).collect::<Vec<_>>(), [invite(1)]);
    let one = invites::by_id(&fixture.pool, invite(1)).await.unwrap().unwrap();
    assert_eq!((one.by.name.as_str(), one.expires_at, one.uses_max), ("Ada L.", Timestamp(5_000), 2));
    assert_eq!(invites::by_id(&fixture.pool, invite(3)).await.unwrap(), None);
}

#[tokio::test]
async fn who_was_sent_away_from_a_private_channel_does_not_see_it() {
    let (fixture, story) = shown().await;
    sqlx::query("UPDATE rm_channels SET visibility = 'private'").execute(&fixture.pool).await.unwrap();
    let visible = async |account: AccountId| {
        channels::by_id(&fixture.pool, Some(account), story.channel).await.unwrap().unwrap().visible()
    };
    assert!(visible(story.guest).await && visible(story.ada).await);
    sqlx::query("UPDATE rm_members SET present = false").execute(&fixture.pool).await.unwrap();
    assert!(visible(story.guest).await, "who left may come back");
    sqlx::query("UPDATE rm_members SET admitted = false").execute(&fixture.pool).await.unwrap();
    assert!(!visible(story.guest).await);
    let listed = channels::list(&fixture.pool, Some(story.guest), 10).await.unwrap();
    assert!(listed.is_empty());
    assert!(!channels::plays_for(&fixture.pool, story.guest, story.video).await.unwrap());
}

#[tokio::test]
async fn rows_of_an_older_version_are_built_anew_at_the_start() {
    let (fixture, story) = shown().await;
    let right = fixture.rows().await;
    // As an older program leaves it: its checkpoint at the head, the new columns never filled.
    for name in names() {
        sqlx::query("INSERT INTO es_subscriptions (name, position, model_version) VALUES ($1, $2, $3)")
            .bind(name)
            .bind(story.last.as_i64())
            .bind(if name == "members" { 1 } else { version(name) })
            .execute(&fixture.pool)
            .await
            .unwrap();
    }
    assert!(version("members") > 1);
    sqlx::query("UPDATE rm_members SET overrides = '{}', admitted = false, muted = false")
        .execute(&fixture.pool)
        .await
        .unwrap();
    sqlx::query("UPDATE rm_videos SET stage = 'kept'").execute(&fixture.pool).await.unwrap();
    let (runner, shutdown) = (Runner::new(fixture.store.clone(), fixture.pool.clone()), CancellationToken::new());
    let reader = runner.reader();
    let running = tokio::spawn(runner.run(shutdown.clone()));
    let built = async || {
        sqlx::query_scalar::<_, i32>("SELECT model_version FROM es_subscriptions WHERE name = 'members'")
            .fetch_one(&fixture.pool)
            .await
            .unwrap()
    };
    while built().await != version("members") {
        tokio::task::yield_now().await;
    }
    let others = |rows: Vec<String>| rows.into_iter().filter(|row| !row.starts_with("rm_videos")).collect::<Vec<_>>();
    assert_eq!(others(fixture.rows().await), others(right));
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM rm_videos WHERE stage = 'kept'")
        .fetch_one(&fixture.pool)
        .await
        .unwrap();
    assert_eq!(kept, 5, "what was of this version is left alone");
    // The live projection goes on.
    let left = fixture.append(
        lockstep_domain::ids::StreamId::member(story.channel, story.guest),
        Some(story.channel),
        &[lockstep_domain::member::MemberEvent::Left {}],
    );
    let position = left.await;
    reader.wait_for(&["members"], position).await.unwrap();
    let guest = members::one(&fixture.pool, story.channel, story.guest).await.unwrap().unwrap();
    assert!(!guest.present && guest.role == ChannelRole::Moderator);
    shutdown.cancel();
    running.await.unwrap();
}
