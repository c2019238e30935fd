//! Films in the library: words, visibility, the trash and the end, and who may.

use lockstep_domain::Aggregate;
use lockstep_domain::{
    Personal,
    channel::Visibility,
    ids::AccountId,
    time::{MediaTime, Timestamp},
    video::{
        DESCRIPTION_CHARS_MAX, Edit, Keeper, Place, Poster, Status, TAG_CHARS_MAX, TAGS_MAX, TRASH_LIFE_US, Video,
        VideoCommand as Do, VideoError as No, VideoEvent as Did, Wish,
    },
};
use proptest::{prelude::*, sample::select};

use crate::{
    sample::{ADA, BOB, named, requested, source},
    video::{failed, given, ready, uploaded},
};

const NOW: Timestamp = Timestamp(1_000_000);

fn account(id: AccountId) -> Keeper {
    Keeper::Account { id, administers: false, suspended: false }
}

fn wish(by: Keeper, wish: Wish) -> Do {
    Do::Keep { by, wish, at: NOW }
}

fn ada(of: Wish) -> Do {
    wish(account(ADA), of)
}

fn edit(edit: Edit) -> Do {
    ada(Wish::Edit(edit))
}

fn trashed() -> Did {
    Did::Trashed { purge_at_us: Timestamp(NOW.0 + TRASH_LIFE_US) }
}

fn then(event: Did) -> Vec<Did> {
    [ready(), vec![event]].concat()
}

fn purging() -> Vec<Did> {
    [ready(), vec![trashed(), Did::PurgeStarted {}]].concat()
}

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

#[test]
fn a_film_is_edited_in_parts() {
    let all = Edit {
        title: Some(" Lisbon ".into()),
        description: Some("By the sea.\n".into()),
        tags: Some(tags(&["sea", " Sea", "summer"])),
        visibility: Some(Visibility::Private),
        ..Edit::default()
    };
    given(ready()).when(edit(all)).then([
        Did::Retitled { title: named(ADA, "Lisbon") },
        Did::Described { description: named(ADA, "By the sea.") },
        Did::Tagged { tags: Personal::new(ADA, tags(&["sea", "summer"])) },
        Did::VisibilityChanged { visibility: Visibility::Private },
    ]);
    let same = Edit { title: Some("Holiday".into()), description: Some(" ".into()), ..Edit::default() };
    given(ready()).when(edit(same)).then([]);
    given(ready()).when(edit(Edit { visibility: Some(Visibility::Public), ..Edit::default() })).then([]);
}

#[test]
fn tags_come_and_go_one_by_one() {
    let held = then(Did::Tagged { tags: Personal::new(ADA, tags(&["sea", "summer"])) });
    let change = Edit { add_tags: tags(&["family", "SUMMER"]), remove_tags: tags(&["Sea"]), ..Edit::default() };
    let after = Did::Tagged { tags: Personal::new(ADA, tags(&["summer", "family"])) };
    given(held).when(edit(change)).then([after]);
}

#[test]
fn words_are_bounded() {
    for title in ["", "  ", "a\u{0}b", &"x".repeat(201)] {
        given(ready()).when(edit(Edit { title: Some(title.into()), ..Edit::default() })).refused(No::Title);
    }
    let longest = "é".repeat(DESCRIPTION_CHARS_MAX);
    let fits = Did::Described { description: named(ADA, &longest) };
    given(ready()).when(edit(Edit { description: Some(longest.clone()), ..Edit::default() })).then([fits]);
    for description in [format!("{longest}x"), "a\u{0}b".to_owned()] {
        let of = Edit { description: Some(description), ..Edit::default() };
        given(ready()).when(edit(of)).refused(No::Description);
    }
    let many: Vec<String> = (0..=TAGS_MAX).map(|number| number.to_string()).collect();
    let longest = "é".repeat(TAG_CHARS_MAX);
    for tags in [many, vec![format!("{longest}x")], vec![String::new()], vec!["a,b".into()], vec!["a\nb".into()]] {
        given(ready()).when(edit(Edit { add_tags: tags.clone(), ..Edit::default() })).refused(No::Tags);
        given(ready()).when(edit(Edit { tags: Some(tags), ..Edit::default() })).refused(No::Tags);
    }
}

#[test]
fn only_its_owner_and_administrators_keep_a_film() {
    let wishes = [Wish::Edit(Edit::default()), Wish::Trash, Wish::Restore, Wish::Purge, Wish::FinishPurge, Wish::Retry];
    for of in wishes {
        for history in [uploaded(), ready(), failed(), then(trashed()), purging()] {
            given(history.clone()).when(wish(account(BOB), of.clone())).refused(No::Unknown);
            let suspended = Keeper::Account { id: ADA, administers: false, suspended: true };
            given(history).when(wish(suspended, of.clone())).refused(No::Suspended);
        }
        given([]).when(ada(of)).refused(No::Unknown);
    }
    let administrator = Keeper::Account { id: BOB, administers: true, suspended: false };
    given(ready()).when(wish(administrator, Wish::Trash)).then([trashed()]);
}

#[test]
fn the_trash_gives_back_until_the_purge_begins() {
    for history in [vec![requested()], uploaded(), ready(), failed()] {
        given(history).when(ada(Wish::Trash)).then([trashed()]);
    }
    given(then(trashed())).when(ada(Wish::Restore)).then([Did::Restored {}]);
    given(then(trashed())).when(edit(Edit::default())).refused(No::InTrash);
    for of in [Wish::Restore, Wish::Trash, Wish::Edit(Edit::default()), Wish::Retry] {
        given(purging()).when(ada(of)).refused(No::Unknown);
    }
}

#[test]
fn a_purge_begins_in_the_trash_and_ends_when_nothing_is_stored() {
    given(ready()).when(ada(Wish::Purge)).refused(No::NotInTrash);
    given(then(trashed())).when(ada(Wish::Purge)).then([Did::PurgeStarted {}]);
    given(then(trashed())).when(wish(Keeper::Program, Wish::Purge)).then([]);
    let later = Do::Keep { by: Keeper::Program, wish: Wish::Purge, at: Timestamp(NOW.0 + TRASH_LIFE_US) };
    given(then(trashed())).when(later).then([Did::PurgeStarted {}]);
    given(then(trashed())).when(wish(Keeper::Program, Wish::FinishPurge)).refused(No::NotInTrash);
    given(purging()).when(ada(Wish::FinishPurge)).refused(No::Unknown);
    given(purging()).when(wish(Keeper::Program, Wish::FinishPurge)).then([Did::Purged {}]);
}

#[test]
fn the_transcoder_changes_nothing_of_a_film_that_goes() {
    for command in [Do::CompleteUpload, Do::StartTranscode, Do::RecordInterimRemoved] {
        given(purging()).when(command).refused(No::Unknown);
    }
}

#[test]
fn what_failed_is_tried_again_while_its_source_is_there() {
    given(failed()).when(ada(Wish::Retry)).then([Did::TranscodeStarted {}]);
    given(ready()).when(ada(Wish::Retry)).then([]);
    given(uploaded()).when(ada(Wish::Retry)).refused(No::WrongStatus(Status::Uploaded));
    let gone = [failed(), vec![Did::InterimObjectRemoved {}]].concat();
    given(gone).when(ada(Wish::Retry)).refused(No::SourceGone);
}

#[test]
fn a_film_opens_for_whom_it_is() {
    let opens = |history: &[Did], by| Video::fold(history).opens_for(by);
    let private = then(Did::VisibilityChanged { visibility: Visibility::Private });
    assert!(opens(&ready(), Some(BOB)) && opens(&private, Some(ADA)) && opens(&private, None));
    assert!(!opens(&private, Some(BOB)) && !opens(&[], None));
    assert!(!opens(&then(trashed()), Some(ADA)) && !opens(&purging(), None));
    assert!(matches!(Video::fold(&then(trashed())).place, Place::Trash { .. }));
}

pub fn wishes() -> impl Strategy<Value = Do> {
    let words = || proptest::option::of(select(vec!["Holiday", "Lisbon", ""]).prop_map(str::to_owned));
    let list = || proptest::collection::vec(select(vec!["sea", "Sea", "family"]).prop_map(str::to_owned), 0..3);
    let visibility = proptest::option::of(select(vec![Visibility::Public, Visibility::Private]));
    let edit = (words(), words(), proptest::option::of(list()), list(), list(), visibility).prop_map(
        |(title, description, tags, add_tags, remove_tags, visibility)| {
            Wish::Edit(Edit { title, description, tags, add_tags, remove_tags, visibility })
        },
    );
    let of = prop_oneof![
        1 => edit,
        2 => select(vec![Wish::Trash, Wish::Restore, Wish::Purge, Wish::FinishPurge, Wish::Retry]),
        1 => select(vec!["a", "b"]).prop_map(|name| Wish::ChoosePoster(poster(name, None))),
        1 => Just(Wish::ResetPoster),
    ];
    let by = select(vec![account(ADA), account(ADA), account(BOB), Keeper::Program]);
    (by, of, 0_i64..3).prop_map(|(by, wish, life)| Do::Keep { by, wish, at: Timestamp(NOW.0 + life * TRASH_LIFE_US) })
}

fn poster(name: &str, at_us: Option<MediaTime>) -> Poster {
    Poster { object_key: format!("v/film/poster/{name}.jpg"), width: 640, height: 360, at_us }
}

#[test]
fn a_chosen_picture_stands_for_a_film_until_another_does() {
    let (a, b) = (poster("a", None), poster("b", Some(MediaTime(7))));
    let choose = |poster: &Poster| ada(Wish::ChoosePoster(poster.clone()));
    let chosen = |poster: &Poster, replaces: Option<&Poster>| Did::PosterChosen {
        poster: poster.clone(),
        replaces: replaces.map(|held| held.object_key.clone()),
    };
    let reset = |held: &Poster| Did::PosterReset { replaces: held.object_key.clone() };
    given(ready()).when(choose(&a)).then([chosen(&a, None)]);
    given(then(chosen(&a, None))).when(choose(&a)).then([]);
    let probed = Did::SourceProbed { source: source() };
    given([ready(), vec![probed, chosen(&a, None)]].concat()).when(choose(&b)).then([chosen(&b, Some(&a))]);
    given(then(chosen(&a, None))).when(ada(Wish::ResetPoster)).then([reset(&a)]);
    given(ready()).when(ada(Wish::ResetPoster)).then([]);
    let late = poster("c", Some(MediaTime(i64::MAX)));
    given(ready()).when(choose(&late)).refused(No::PastEnd);
    given(uploaded()).when(choose(&a)).refused(No::WrongStatus(Status::Uploaded));
    given(then(trashed())).when(choose(&a)).refused(No::InTrash);
    given(then(trashed())).when(ada(Wish::ResetPoster)).refused(No::InTrash);
    given(ready()).when(wish(account(BOB), Wish::ChoosePoster(a.clone()))).refused(No::Unknown);
    given(purging()).when(choose(&a)).refused(No::Unknown);
}
