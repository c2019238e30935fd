//! The stored form of every event, against `tests/golden/`: what was ever written stays readable.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use lockstep_domain::{
    Aggregate, Personal,
    account::{Account, AccountEvent, PlatformRole},
    aggregate::Event,
    channel::{Channel, ChannelEvent, Visibility},
    inbox::{Inbox, InboxEvent},
    installation::{Installation, InstallationEvent},
    invite::{Invite, InviteEvent},
    member::{Member, MemberEvent},
    message::{Message, MessageEvent},
    permission::{ChannelRole, Permission},
    playback::{Playback, PlaybackEvent},
    queue::{Queue, QueueEvent},
    report::{Report, ReportAction, ReportEvent},
    signin::{SignIn, SignInEvent},
    token::{Token, TokenEvent},
    video::{SoundRole, SoundTrack, Source, TextKind, TextTrack, Video, VideoEvent},
    visit::{Visit, VisitEvent},
    webhook::{Webhook, WebhookEvent},
    work::{Work, WorkEvent, WorkKind},
};
use serde_json::{Value, json};

use crate::sample;

/// The largest integer every JSON reader keeps exactly (RFC 7493 section 2.2).
const INTEGER_MAX: i64 = 1 << 53;

/// One event as the tests below need it, whatever its aggregate.
struct Sample {
    file: String,
    json: Value,
    /// Reads stored JSON and writes it again.
    rewrite: fn(Value) -> serde_json::Result<Value>,
    /// Whether the stored JSON reads as exactly this sample.
    reads_as_sample: Box<dyn Fn(Value) -> bool>,
}

fn samples_of<A: Aggregate>(types: &[&str], events: Vec<A::Event>) -> Vec<Sample> {
    let named: Vec<&str> = events.iter().map(Event::event_type).collect();
    assert_eq!(named, types, "one sample for every event type of {}, in order", A::KIND);
    let sample = |event: A::Event| Sample {
        file: format!("{}.{}.v{}.json", A::KIND, event.event_type(), event.event_version()),
        json: serde_json::to_value(&event).unwrap(),
        rewrite: |stored| serde_json::to_value(serde_json::from_value::<A::Event>(stored)?),
        reads_as_sample: Box::new(move |stored| serde_json::from_value::<A::Event>(stored).unwrap() == event),
    };
    events.into_iter().map(sample).collect()
}

fn samples() -> Vec<Sample> {
    [
        samples_of::<Account>(AccountEvent::TYPES, sample::accounts()),
        samples_of::<Installation>(InstallationEvent::TYPES, sample::installations()),
        samples_of::<Channel>(ChannelEvent::TYPES, sample::channels()),
        samples_of::<Inbox>(InboxEvent::TYPES, sample::inboxes()),
        samples_of::<Invite>(InviteEvent::TYPES, sample::invites()),
        samples_of::<Member>(MemberEvent::TYPES, sample::members()),
        samples_of::<Message>(MessageEvent::TYPES, sample::messages()),
        samples_of::<Report>(ReportEvent::TYPES, sample::reports()),
        samples_of::<Playback>(PlaybackEvent::TYPES, sample::playbacks()),
        samples_of::<Queue>(QueueEvent::TYPES, sample::queues()),
        samples_of::<SignIn>(SignInEvent::TYPES, sample::sign_ins()),
        samples_of::<Token>(TokenEvent::TYPES, sample::tokens()),
        samples_of::<Video>(VideoEvent::TYPES, sample::videos()),
        samples_of::<Visit>(VisitEvent::TYPES, sample::visits()),
        samples_of::<Webhook>(WebhookEvent::TYPES, sample::webhooks()),
        samples_of::<Work>(WorkEvent::TYPES, sample::works()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden"))
}

/// Every golden file by name.
fn golden() -> BTreeMap<String, Value> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let json = serde_json::from_slice(&fs::read(&path).unwrap());
            (name.clone(), json.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect()
}

#[test]
fn every_event_type_has_its_file() {
    let expected: BTreeSet<String> = samples().into_iter().map(|sample| sample.file).collect();
    let found: BTreeSet<String> = golden().into_keys().collect();
    assert_eq!(found, expected);
}

#[test]
fn every_file_reads_and_writes_the_same() {
    let golden = golden();
    for Sample { file, json, rewrite, reads_as_sample } in samples() {
        let stored = golden.get(&file).unwrap_or_else(|| panic!("no {file}; its sample is {json:#}"));
        assert!(reads_as_sample(stored.clone()), "{file} reads as something else");
        assert_eq!(&json, stored, "{file}: the sample is written otherwise");
        assert_eq!(&rewrite(stored.clone()).unwrap(), stored, "{file} is written otherwise");
    }
}

#[test]
fn a_field_added_later_does_not_hurt() {
    for Sample { file, json, reads_as_sample, .. } in samples() {
        let mut newer = json;
        add_field(&mut newer);
        assert!(reads_as_sample(newer), "{file}");
    }
}

/// Adds a field to every object in there, as a later writer may. Not to the outermost: its one key names the event.
fn add_field(json: &mut Value) {
    for (_, inner) in json.as_object_mut().unwrap() {
        walk_mut(inner, &mut |value| {
            // The one key of a work item's kind names the variant, as the outermost one does.
            if let Value::Object(fields) = value
                && !fields.contains_key("chunk")
            {
                fields.insert("added_later".into(), json!(1));
            }
        });
    }
}

/// The fields that may be missing: where a writer had nothing to say, or was older than the field.
const OPTIONAL: [(&str, &str); 20] = [
    ("account.PasswordChanged.v1.json", "by"),
    ("channel.RemoteModeChanged.v1.json", "holder"),
    ("member.Muted.v1.json", "until_us"),
    ("member.PermissionOverridden.v1.json", "granted"),
    ("message.Posted.v1.json", "playback_us"),
    ("message.Posted.v1.json", "video"),
    ("queue.VideoDequeued.v1.json", "before"),
    ("queue.VideoDequeued.v1.json", "by"),
    ("queue.VideoMoved.v1.json", "before"),
    ("queue.VideoMoved.v1.json", "by"),
    ("queue.VideoMoved.v1.json", "was_before"),
    ("queue.VideoQueued.v1.json", "before"),
    ("report.Filed.v1.json", "playback_us"),
    ("signin.SignInFailed.v1.json", "account"),
    ("video.CaptionsAdded.v1.json", "language"),
    ("video.PosterChosen.v1.json", "at_us"),
    ("video.PosterChosen.v1.json", "replaces"),
    ("video.SourceProbed.v1.json", "audio_codec"),
    ("video.TranscodeProgressed.v1.json", "eta_s"),
    ("work.SegmentPublished.v1.json", "codecs"),
];

#[test]
fn only_optional_fields_may_be_missing() {
    let mut missing = BTreeSet::new();
    for Sample { file, json, rewrite, .. } in samples() {
        for field in field_names(&json) {
            let mut older = json.clone();
            walk_mut(&mut older, &mut |value| {
                if let Value::Object(fields) = value {
                    fields.remove(&field);
                }
            });
            // A missing personal field is a gap, as an unreadable one is.
            let personal = PERSONAL.iter().any(|(of, fields)| *of == file && fields.contains(&field.as_str()));
            if rewrite(older).is_ok() && !personal {
                missing.insert((file.clone(), field));
            }
        }
    }
    let expected = OPTIONAL.map(|(file, field)| (file.to_owned(), field.to_owned()));
    assert_eq!(missing, BTreeSet::from(expected));
}

/// The fields of an event and of what is in it, without the name of the event and the inside of personal values.
fn field_names(json: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for event in json.as_object().unwrap().values() {
        walk(event, &mut |value| {
            if let Value::Object(fields) = value {
                names.extend(fields.keys().cloned());
            }
        });
    }
    names.retain(|name| !["$personal", "subject", "value"].contains(&name.as_str()));
    names
}

#[test]
fn numbers_are_integers_everybody_keeps() {
    for (file, stored) in golden() {
        walk(&stored, &mut |value| {
            if let Value::Number(number) = value {
                let exact = number.as_i64().is_some_and(|n| (-INTEGER_MAX..=INTEGER_MAX).contains(&n));
                assert!(exact, "{file} holds {number}");
            }
        });
    }
}

#[test]
fn no_text_holds_what_the_database_cannot() {
    for (file, stored) in golden() {
        walk(&stored, &mut |value| assert!(!value.as_str().is_some_and(|text| text.contains('\0')), "{file}"));
    }
}

/// The fields that name or quote a person. Nothing else may hold such text.
const PERSONAL: [(&str, &[&str]); 20] = [
    ("account.DisplayNameChanged.v1.json", &["name"]),
    ("account.GuestAdmitted.v1.json", &["name"]),
    ("account.IdentityLinked.v1.json", &["subject"]),
    ("account.Registered.v1.json", &["name"]),
    ("account.Suspended.v1.json", &["reason"]),
    ("account.Upgraded.v1.json", &["name"]),
    ("member.Muted.v1.json", &["reason"]),
    ("member.Removed.v1.json", &["reason"]),
    ("message.Edited.v1.json", &["text"]),
    ("message.Posted.v1.json", &["text"]),
    ("message.Redacted.v1.json", &["reason"]),
    ("report.Filed.v1.json", &["reason", "text"]),
    ("report.Resolved.v1.json", &["note"]),
    ("token.Issued.v1.json", &["name"]),
    ("video.CaptionsAdded.v1.json", &["label"]),
    ("video.Described.v1.json", &["description"]),
    ("video.Retitled.v1.json", &["title"]),
    ("video.Tagged.v1.json", &["tags"]),
    ("video.UploadRequested.v1.json", &["file_name", "title"]),
    ("webhook.Registered.v1.json", &["url"]),
];

#[test]
fn what_names_a_person_is_personal() {
    let mut found = BTreeMap::new();
    for (file, stored) in golden() {
        let fields = stored.as_object().unwrap().values().next().unwrap().as_object().unwrap();
        let personal: Vec<String> = fields
            .iter()
            .filter(|(_, value)| value["$personal"]["subject"].is_string())
            .filter(|(_, value)| value["$personal"]["value"].is_string() || value["$personal"]["value"].is_array())
            .map(|(field, _)| field.clone())
            .collect();
        if !personal.is_empty() {
            found.insert(file, personal.into_iter().collect::<BTreeSet<_>>());
        }
    }
    let expected = PERSONAL.map(|(file, fields)| (file.to_owned(), fields.iter().map(ToString::to_string).collect()));
    assert_eq!(found, BTreeMap::from(expected));
}

#[test]
fn an_erased_person_leaves_a_gap_not_an_error() {
    let sealed = json!({"$k": "01920000-0000-7000-8000-000000000ada", "$c": "nobody can open this"});
    for Sample { file, json, rewrite, .. } in samples() {
        let replace = |by: &Value| {
            let mut stored = json.clone();
            walk_mut(&mut stored, &mut |value| {
                if value.get("$personal").is_some() {
                    *value = by.clone();
                }
            });
            stored
        };
        let gap = replace(&json!({"$personal": null}));
        assert_eq!(rewrite(replace(&sealed)).unwrap(), gap, "{file}");
        assert_eq!(rewrite(gap.clone()).unwrap(), gap, "{file}");
    }
}

#[test]
fn stored_words_are_fixed() {
    let roles = [PlatformRole::Administrator, PlatformRole::Member, PlatformRole::Guest];
    assert_eq!(json!(roles), json!(["administrator", "member", "guest"]));
    assert_eq!(json!(ChannelRole::ALL), json!(["viewer", "moderator", "admin", "owner"]));
    let actions = [ReportAction::Redacted, ReportAction::Muted, ReportAction::Banned, ReportAction::Dismissed];
    assert_eq!(json!(actions), json!(["redacted", "muted", "banned", "dismissed"]));
    let visibilities = [Visibility::Public, Visibility::Unlisted, Visibility::Private];
    assert_eq!(json!(visibilities), json!(["public", "unlisted", "private"]));
    let kinds = [
        WorkKind::Chunk { first_segment: 1, last_segment: 2 },
        WorkKind::Audio,
        WorkKind::Thumbnail,
        WorkKind::Sound { track: 2 },
        WorkKind::Captions,
    ];
    let words = json!([
        {"chunk": {"first_segment": 1, "last_segment": 2}}, "audio", "thumbnail", {"sound": {"track": 2}}, "captions"
    ]);
    assert_eq!(json!(kinds), words);
}

#[test]
fn the_words_of_the_grid_are_fixed() {
    let remote = json!(["play_pause", "seek", "change_rate", "load_video"]);
    assert_eq!(json!(Permission::ALL[..4]), remote);
    let queue_and_chat = json!(["queue_add", "queue_remove", "queue_reorder", "vote", "chat", "react"]);
    assert_eq!(json!(Permission::ALL[4..10]), queue_and_chat);
    let order = json!(["invite", "approve", "mute", "kick", "ban", "slow_mode", "redact", "pin"]);
    assert_eq!(json!(Permission::ALL[10..18]), order);
    assert_eq!(json!(Permission::ALL[18..]), json!(["manage_roles", "edit_channel"]));
}

// Two fields that events gained after they were first stored: written only where they hold something.

#[test]
fn a_joined_event_may_name_its_invite() {
    let joined = MemberEvent::Joined { role: ChannelRole::Viewer, invite: Some(sample::INVITE) };
    let stored = json!({"Joined": {"role": "viewer", "invite": "01920000-0000-4000-8000-000000000a01"}});
    assert_eq!(serde_json::to_value(&joined).unwrap(), stored);
    assert_eq!(serde_json::from_value::<MemberEvent>(stored).unwrap(), joined);
}

#[test]
fn a_banned_event_may_give_a_reason_that_is_personal() {
    let banned = |reason| MemberEvent::Banned { by: sample::ADA, reason: Some(reason) };
    let stored = |reason: Value| json!({"Banned": {"by": sample::ADA, "reason": reason}});
    let spoilers = banned(sample::named(sample::BOB, "spoilers"));
    let known = stored(json!({"$personal": {"subject": sample::BOB, "value": "spoilers"}}));
    assert_eq!(serde_json::to_value(&spoilers).unwrap(), known);
    assert_eq!(serde_json::from_value::<MemberEvent>(known).unwrap(), spoilers);
    let sealed = stored(json!({"$k": sample::BOB, "$c": "nobody can open this"}));
    assert_eq!(serde_json::from_value::<MemberEvent>(sealed).unwrap(), banned(Personal::Erased));
}

#[test]
fn a_source_may_name_its_sounds_and_texts() {
    let sound =
        |stream, language: Option<&str>, role| SoundTrack { stream, language: language.map(str::to_owned), role };
    let text = TextTrack { stream: 3, kind: TextKind::MovText, language: Some("pt-BR".to_owned()) };
    let source = Source {
        sounds: vec![sound(1, Some("en"), SoundRole::Main), sound(2, None, SoundRole::Commentary)],
        texts: vec![text],
        ..sample::source()
    };
    let stored = serde_json::to_value(&source).unwrap();
    let sounds = json!([{"stream": 1, "language": "en", "role": "main"}, {"stream": 2, "role": "commentary"}]);
    assert_eq!(stored["sounds"], sounds);
    assert_eq!(stored["texts"], json!([{"stream": 3, "kind": "mov_text", "language": "pt-BR"}]));
    assert_eq!(serde_json::from_value::<Source>(stored).unwrap(), source);
}

fn walk(json: &Value, visit: &mut dyn FnMut(&Value)) {
    visit(json);
    match json {
        Value::Array(values) => values.iter().for_each(|value| walk(value, visit)),
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Depth first, so that what `visit` adds is not visited.
fn walk_mut(json: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    match json {
        Value::Array(values) => values.iter_mut().for_each(|value| walk_mut(value, visit)),
        Value::Object(fields) => fields.values_mut().for_each(|value| walk_mut(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    visit(json);
}
