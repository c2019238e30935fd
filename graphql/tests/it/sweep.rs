//! Whoever names a thing that is not theirs gets the answer they would get for a thing that does not exist: every field
//! of the schema that takes an id, generated from the SDL. A new field without a row here fails.
//!
//! Eve, a registered member, asks about what is in Ada's private channel; each call is made once with the real ids and
//! once with made-up ones, and the two answers must be the same to the letter.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, InputObjectType, ServiceDocument, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use futures::StreamExt;
use lockstep_commands::Principal;
use lockstep_domain::{
    account::PlatformRole,
    ids::{ChannelId, Position, VideoId},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::App;

/// What an argument of type `UUID`, or one that opens something by its text, names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Names {
    Channel,
    Slug,
    Account,
    Message,
    Video,
    Invite,
    QueueItem,
    Report,
    /// A session of somebody else, as its owner's list names it.
    Session,
    /// What opens somebody else's account.
    Identity,
    RegistrationLink,
    ApiToken,
    Webhook,
    WebhookDelivery,
    RegistrationToken,
    ResetToken,
    SetUpToken,
    /// Chosen by the client anew: names nothing that is there.
    Fresh,
}

/// Whether the two answers are the same, and if not, why that is right.
enum Answer {
    Same,
    Differs(&'static str),
    /// Not called here: it would make the asker somebody else to the channel.
    Apart(&'static str),
}

use Answer::{Apart, Differs, Same};

/// `channels::who_knocks_hears_the_answer` and `a_private_channel_tells_strangers_nothing_but_where_its_door_is`.
const DOOR: &str = "who knows a private channel's exact address may knock, and learns no more";
/// `channels::an_invite_shows_its_channel_while_it_is_good_and_lets_people_in`.
const INVITED: &str = "who holds an invite may know where it leads";
/// `people::a_registration_link_is_issued_used_and_taken_back`, and the links' tests of `commands`.
const LINKED: &str = "who holds a one-time link may use it";
const OWN: &str = "it names nothing, and changes the asker";
const FILMS: &str = "every registered member sees every film";

/// Every root field that takes an id, what each of its ids names, and whether it may tell them apart.
const ROWS: &[(&str, &[(&str, Names)], Answer)] = &[
    ("video", &[("id", Names::Video)], Differs(FILMS)),
    ("library", &[("owner", Names::Account)], Same),
    ("filmEvents", &[("video", Names::Video)], Same),
    ("editFilm", &FILM, Same),
    ("trashFilm", &FILM, Same),
    ("restoreFilm", &FILM, Same),
    ("purgeFilm", &FILM, Same),
    ("retryFilm", &FILM, Same),
    ("editFilms", &SOME_FILMS, Same),
    ("trashFilms", &SOME_FILMS, Same),
    ("restoreFilms", &SOME_FILMS, Same),
    ("purgeFilms", &SOME_FILMS, Same),
    ("channel", &[("id", Names::Channel), ("slug", Names::Slug)], Same),
    ("confirmUpload", &[("operationId", Names::Fresh), ("video", Names::Video)], Same),
    ("signUploadParts", &[("operationId", Names::Fresh), ("video", Names::Video)], Same),
    ("abortUpload", &[("operationId", Names::Fresh), ("video", Names::Video)], Same),
    ("uploadParts", &[("video", Names::Video)], Same),
    ("uploadCaptions", &[("operationId", Names::Fresh), ("video", Names::Video)], Differs(FILMS)),
    ("removeCaptions", &[("operationId", Names::Fresh), ("video", Names::Video)], Differs(FILMS)),
    ("choosePoster", &[("operationId", Names::Fresh), ("video", Names::Video)], Same),
    ("resetPoster", &[("operationId", Names::Fresh), ("video", Names::Video)], Same),
    ("createChannel", &[("operationId", Names::Fresh), ("slug", Names::Fresh)], Same),
    ("renameChannel", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("joinChannel", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("leaveChannel", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("banMember", &MEMBER, Same),
    ("unbanMember", &MEMBER, Same),
    ("grantRole", &MEMBER, Same),
    ("describeChannel", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("changeChannelVisibility", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("changePermissionDefaults", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("setSlowMode", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("archiveChannel", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("issueInvite", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("approveJoin", &MEMBER, Same),
    ("declineJoin", &MEMBER, Same),
    ("removeMember", &MEMBER, Same),
    ("muteMember", &MEMBER, Same),
    ("unmuteMember", &MEMBER, Same),
    ("overridePermission", &MEMBER, Same),
    ("handOverRemote", &MEMBER, Same),
    (
        "changeRemoteMode",
        &[("operationId", Names::Fresh), ("channel", Names::Channel), ("holder", Names::Account)],
        Same,
    ),
    ("askToJoin", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Apart(DOOR)),
    ("channelDoor", &[("slug", Names::Slug)], Differs(DOOR)),
    ("doorAnswers", &[("channel", Names::Channel)], Same),
    ("invite", &[("code", Names::Invite)], Differs(INVITED)),
    ("redeemInvite", &[("operationId", Names::Fresh), ("code", Names::Invite)], Apart(INVITED)),
    ("revokeInvite", &[("operationId", Names::Fresh), ("invite", Names::Invite)], Same),
    ("loadVideo", &[("operationId", Names::Fresh), ("channel", Names::Channel), ("video", Names::Video)], Same),
    ("play", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("pause", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("seek", &[("operationId", Names::Fresh), ("channel", Names::Channel)], Same),
    ("undo", &[("channel", Names::Channel)], Same),
    (
        "markRead",
        &[("operationId", Names::Fresh), ("ids", Names::Fresh)],
        Differs("one's own inbox counts one's own marks"),
    ),
    ("audit", &[("channel", Names::Channel)], Same),
    ("auditEvent", &[("channel", Names::Channel)], Same),
    (
        "postMessage",
        &[
            ("operationId", Names::Fresh),
            ("channel", Names::Channel),
            ("id", Names::Fresh),
            ("replyTo", Names::Message),
            ("mentions", Names::Account),
        ],
        Same,
    ),
    (
        "queueVideo",
        &[
            ("operationId", Names::Fresh),
            ("channel", Names::Channel),
            ("video", Names::Video),
            ("before", Names::QueueItem),
        ],
        Same,
    ),
    ("dequeueVideo", &QUEUED, Same),
    (
        "moveInQueue",
        &[
            ("operationId", Names::Fresh),
            ("channel", Names::Channel),
            ("item", Names::QueueItem),
            ("before", Names::QueueItem),
        ],
        Same,
    ),
    ("playNow", &QUEUED, Same),
    (
        "playNext",
        &[
            ("operationId", Names::Fresh),
            ("channel", Names::Channel),
            ("video", Names::Video),
            ("item", Names::QueueItem),
        ],
        Same,
    ),
    ("voteSkip", &CHANNEL, Same),
    ("restoreQueue", &CHANNEL, Same),
    ("clearQueue", &CHANNEL, Same),
    ("releaseHold", &CHANNEL, Same),
    ("setAutoplay", &CHANNEL, Same),
    ("setLoop", &CHANNEL, Same),
    ("changeRate", &CHANNEL, Same),
    ("editMessage", &MESSAGE, Same),
    ("redactMessage", &MESSAGE, Same),
    ("reactToMessage", &MESSAGE, Same),
    ("pinMessage", &MESSAGE, Same),
    ("unpinMessage", &MESSAGE, Same),
    ("reportMessage", &MESSAGE, Same),
    ("resolveReport", &[("operationId", Names::Fresh), ("report", Names::Report)], Same),
    ("message", &[("id", Names::Message)], Same),
    ("messages", &[("channel", Names::Channel), ("around", Names::Message)], Same),
    ("messagesChangedAfter", &[("channel", Names::Channel)], Same),
    ("searchMessages", &[("channel", Names::Channel)], Same),
    ("pinnedMessages", &[("channel", Names::Channel)], Same),
    ("reports", &[("channel", Names::Channel)], Same),
    ("requestUpload", &[("operationId", Names::Fresh)], Same),
    ("videoStatus", &[("id", Names::Video)], Differs(FILMS)),
    ("channelEvents", &[("channel", Names::Channel)], Same),
    ("people", &[("after", Names::Account)], Same),
    ("registration", &[("token", Names::RegistrationToken)], Differs(LINKED)),
    ("register", &[("token", Names::RegistrationToken)], Apart(LINKED)),
    ("resetPassword", &[("token", Names::ResetToken)], Apart(LINKED)),
    ("setUp", &[("token", Names::SetUpToken)], Apart(LINKED)),
    ("changePassword", &[("operationId", Names::Fresh)], Same),
    ("changeDisplayName", &[("operationId", Names::Fresh)], Apart(OWN)),
    ("revokeSession", &[("session", Names::Session)], Same),
    ("unlinkIdentity", &[("operationId", Names::Fresh), ("identity", Names::Identity)], Same),
    ("grantPlatformRole", &PERSON, Same),
    ("suspendAccount", &PERSON, Same),
    ("reinstateAccount", &PERSON, Same),
    ("issuePasswordReset", &PERSON, Same),
    ("changeRegistration", &[("operationId", Names::Fresh)], Same),
    ("issueRegistrationLink", &[("operationId", Names::Fresh)], Same),
    ("createApiToken", &[("operationId", Names::Fresh)], Same),
    ("revokeApiToken", &[("operationId", Names::Fresh), ("apiToken", Names::ApiToken)], Same),
    ("registerWebhook", &[("operationId", Names::Fresh)], Same),
    ("removeWebhook", &[("operationId", Names::Fresh), ("webhook", Names::Webhook)], Same),
    ("enableWebhook", &[("operationId", Names::Fresh), ("webhook", Names::Webhook)], Same),
    ("rotateWebhookSecret", &[("operationId", Names::Fresh), ("webhook", Names::Webhook)], Same),
    ("sendWebhookAgain", &[("operationId", Names::Fresh), ("delivery", Names::WebhookDelivery)], Same),
    ("webhookDeliveries", &[("webhook", Names::Webhook)], Same),
    ("revokeRegistrationLink", &[("operationId", Names::Fresh), ("link", Names::RegistrationLink)], Same),
];

const FILM: [(&str, Names); 2] = [("operationId", Names::Fresh), ("video", Names::Video)];
const SOME_FILMS: [(&str, Names); 2] = [("operationId", Names::Fresh), ("videos", Names::Video)];
const CHANNEL: [(&str, Names); 2] = [("operationId", Names::Fresh), ("channel", Names::Channel)];
const QUEUED: [(&str, Names); 3] =
    [("operationId", Names::Fresh), ("channel", Names::Channel), ("item", Names::QueueItem)];
const MESSAGE: [(&str, Names); 2] = [("operationId", Names::Fresh), ("message", Names::Message)];
const PERSON: [(&str, Names); 2] = [("operationId", Names::Fresh), ("account", Names::Account)];

const MEMBER: [(&str, Names); 3] =
    [("operationId", Names::Fresh), ("channel", Names::Channel), ("account", Names::Account)];

/// Arguments of type `String` that open something.
const OPENING_TEXTS: [&str; 4] = ["slug", "code", "session", "token"];

/// How deep answers are asked for.
const DEPTH: usize = 3;

pub struct Sdl {
    types: BTreeMap<String, TypeDefinition>,
}

impl Sdl {
    pub fn of(app: &App) -> Self {
        let document: ServiceDocument = parse_schema(app.schema.sdl()).expect("the schema's own text");
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.to_string(), definition.node)),
            _ => None,
        });
        Self { types: types.collect() }
    }

    /// (operation, field name, arguments as (name, type), result type) of every root field.
    fn roots(&self) -> Vec<Root> {
        ["Query", "Mutation", "Subscription"]
            .into_iter()
            .flat_map(|operation| self.fields(operation).into_iter().map(move |root| Root { operation, ..root }))
            .collect()
    }

    fn fields(&self, object: &str) -> Vec<Root> {
        let Some(TypeKind::Object(object)) = self.types.get(object).map(|found| &found.kind) else { return vec![] };
        let root = |field: &async_graphql::parser::types::FieldDefinition| Root {
            operation: "",
            name: field.name.node.to_string(),
            arguments: field
                .arguments
                .iter()
                .map(|argument| (argument.node.name.node.to_string(), argument.node.ty.node.clone()))
                .collect(),
            result: named(&field.ty.node),
        };
        object.fields.iter().map(|field| root(&field.node)).collect()
    }

    fn input(&self, name: &str) -> Option<&InputObjectType> {
        match &self.types.get(name)?.kind {
            TypeKind::InputObject(input) => Some(input),
            _ => None,
        }
    }

    /// The arguments and input fields of a root field that name something.
    fn ids(&self, root: &Root) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (name, ty) in &root.arguments {
            match self.input(&named(ty)) {
                Some(input) => found.extend(
                    input
                        .fields
                        .iter()
                        .map(|field| (field.node.name.node.to_string(), named(&field.node.ty.node)))
                        .filter(|(name, ty)| is_id(name, ty))
                        .map(|(name, _)| name),
                ),
                None if is_id(name, &named(ty)) => drop(found.insert(name.clone())),
                None => {}
            }
        }
        found
    }

    /// What can be asked of a type without arguments.
    pub fn selection(&self, ty: &str, depth: usize) -> String {
        let Some(definition) = self.types.get(ty) else { return String::new() };
        match &definition.kind {
            TypeKind::Object(_) if depth == 0 => "{ __typename }".to_owned(),
            TypeKind::Object(_) => {
                let fields =
                    self.fields(ty).into_iter().filter(|field| field.arguments.iter().all(|(_, ty)| ty.nullable));
                let fields: Vec<String> = fields
                    .filter(|field| depth > 1 || self.is_leaf(&field.result))
                    .map(|field| format!("{}{} {}", field.name, field.few(), self.selection(&field.result, depth - 1)))
                    .collect();
                format!("{{ __typename {} }}", fields.join(" "))
            }
            TypeKind::Union(union) => {
                // Fields of one name and several types may not stand beside each other: each gets a name of its own.
                let members = union.members.iter().map(|member| {
                    let fields: Vec<String> = self
                        .fields(&member.node)
                        .into_iter()
                        .filter(|field| field.arguments.iter().all(|(_, ty)| ty.nullable))
                        .filter(|field| self.is_leaf(&field.result))
                        .map(|field| format!("{}_{}: {}", member.node, field.name, field.name))
                        .collect();
                    format!("... on {} {{ __typename {} }}", member.node, fields.join(" "))
                });
                format!("{{ __typename {} }}", members.collect::<Vec<_>>().join(" "))
            }
            _ => String::new(),
        }
    }

    fn is_leaf(&self, ty: &str) -> bool {
        !matches!(
            self.types.get(ty).map(|found| &found.kind),
            Some(TypeKind::Object(_) | TypeKind::Union(_) | TypeKind::Interface(_))
        )
    }

    /// A value of this type that a well-meaning client might send.
    fn value(&self, ty: &Type, ids: &dyn Fn(&str) -> Option<Value>) -> Value {
        if let BaseType::List(inner) = &ty.base {
            return json!([self.value(inner, ids)]);
        }
        let name = named(ty);
        if let Some(input) = self.input(&name) {
            let mut fields = Map::new();
            for field in &input.fields {
                let (field, ty) = (field.node.name.node.as_str(), &field.node.ty.node);
                match ids(field).filter(|_| is_id(field, &named(ty))) {
                    Some(id) => drop(fields.insert(field.to_owned(), id)),
                    None if !ty.nullable => drop(fields.insert(field.to_owned(), self.value(ty, ids))),
                    None => {}
                }
            }
            return Value::Object(fields);
        }
        match (name.as_str(), self.types.get(&name).map(|found| &found.kind)) {
            (_, Some(TypeKind::Enum(words))) => json!(words.values[0].node.value.node.as_str()),
            ("Boolean", _) => json!(true),
            ("Int", _) => json!(1),
            ("Float", _) => json!(1_000_000.0),
            ("DateTime", _) => json!("2033-01-01T00:00:00Z"),
            ("Position", _) => json!("1"),
            ("UUID", _) => json!(Uuid::new_v4()),
            _ => json!("something"),
        }
    }
}

#[derive(Clone)]
struct Root {
    operation: &'static str,
    name: String,
    arguments: Vec<(String, Type)>,
    result: String,
}

impl Root {
    /// Short pages: a whole channel with long ones would be too much for one request.
    fn few(&self) -> &'static str {
        let has = |wanted: &str| self.arguments.iter().any(|(name, _)| name == wanted);
        match () {
            () if has("first") => "(first: 2)",
            () if has("last") => "(last: 2)",
            () => "",
        }
    }
}

fn named(ty: &Type) -> String {
    match &ty.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => named(inner),
    }
}

fn is_id(name: &str, ty: &str) -> bool {
    ty == "UUID" || (ty == "String" && OPENING_TEXTS.contains(&name))
}

/// One call of a root field: its text and variables, with every id through `ids`; optional ids only if named in `with`.
fn call(sdl: &Sdl, root: &Root, with: &BTreeSet<String>, ids: &dyn Fn(&str) -> Option<Value>) -> (String, Value) {
    let chosen = |name: &str| if with.contains(name) { ids(name) } else { None };
    let (mut declared, mut passed, mut variables) = (vec![], vec![], Map::new());
    for (name, ty) in &root.arguments {
        let value = match chosen(name).filter(|_| is_id(name, &named(ty))) {
            Some(id) => id,
            None if sdl.input(&named(ty)).is_some_and(|input| names_one_of(input, with)) => sdl.value(ty, &chosen),
            // Short pages: what they hold is looked at as deep as anything else.
            None if ["first", "last", "count"].contains(&name.as_str()) => json!(1),
            None if ty.nullable => continue,
            None => sdl.value(ty, &chosen),
        };
        declared.push(format!("${name}: {ty}"));
        passed.push(format!("{name}: ${name}"));
        variables.insert(name.clone(), value);
    }
    let operation = root.operation.to_lowercase();
    let selection = sdl.selection(&root.result, DEPTH);
    let (declared, passed) = (brackets(&declared), brackets(&passed));
    (format!("{operation}{declared} {{ {}{passed} {selection} }}", root.name), Value::Object(variables))
}

/// Whether an input object has a field of one of these names that is an id.
fn names_one_of(input: &InputObjectType, names: &BTreeSet<String>) -> bool {
    let field = |name: &str, ty: &Type| names.contains(name) && is_id(name, &named(ty));
    input.fields.iter().any(|found| field(found.node.name.node.as_str(), &found.node.ty.node))
}

fn brackets(parts: &[String]) -> String {
    if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
}

/// Things of Ada's that Eve has no business with.
struct Things(BTreeMap<Names, String>);

impl Things {
    fn made_up() -> Self {
        let id = || Uuid::new_v4().to_string();
        Self(BTreeMap::from([
            (Names::Channel, id()),
            (Names::Slug, format!("nothing-{}", &id()[..8])),
            (Names::Account, id()),
            (Names::Message, id()),
            (Names::Video, id()),
            (Names::QueueItem, id()),
            (Names::Report, id()),
            (Names::Invite, Uuid::new_v4().simple().to_string()),
            (Names::Session, format!("{0}{0}", Uuid::new_v4().simple())),
            (Names::Identity, id()),
            (Names::RegistrationLink, id()),
            (Names::ApiToken, id()),
            (Names::Webhook, id()),
            (Names::WebhookDelivery, id()),
            (Names::RegistrationToken, format!("{}{}", id(), &id()[..7])),
        ]))
    }

    fn id(&self, names: Names) -> Value {
        match names {
            Names::Fresh => json!(Uuid::new_v4()),
            names => json!(self.0[&names]),
        }
    }

    /// The answer without the ids that were asked about, and without those that are new in every answer.
    fn hidden_in(&self, answer: &Value) -> String {
        let mut answer = answer.clone();
        hide_places(&mut answer);
        let text = answer.to_string();
        let text = self.0.iter().fold(text, |text, (names, id)| text.replace(id.as_str(), &format!("<{names:?}>")));
        text.split('"')
            .map(|part| if Uuid::parse_str(part).is_ok() { "<new>" } else { part })
            .collect::<Vec<_>>()
            .join("\"")
    }
}

/// Where in the log the asker's own command went says nothing about others' things.
fn hide_places(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name.to_lowercase().ends_with("position") && value.is_string() {
                    *value = json!("<position>");
                }
                hide_places(value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_places),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn world(app: &App) -> (Principal, Principal, Things) {
    let ada = app.person("Ada", PlatformRole::Member).await;
    let eve = app.person("Eve", PlatformRole::Member).await;
    let bob = app.person("Bob", PlatformRole::Member).await;
    let root = app.person("Root", PlatformRole::Administrator).await;
    let channel = app.channel(&ada, "Speakeasy", "PRIVATE").await;
    let slug = app.data(Some(&ada), "query($id: UUID!) { channel(id: $id) { slug } }", json!({ "id": channel }));
    app.settle().await;
    let slug = slug.await["channel"]["slug"].as_str().expect("a slug").to_owned();
    let video = VideoId(Uuid::new_v4());
    app.ready_film(&ada, video).await;
    let load = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": video.0 });
    assert_eq!(app.change(Some(&ada), "loadVideo", load).await["__typename"], "Changed");
    let invite =
        json!({ "operationId": Uuid::new_v4(), "channel": channel, "expiresAt": "2023-12-01T00:00:00Z", "usesMax": 9 });
    let issued = app.change(Some(&ada), "issueInvite", invite).await;
    let link = json!({ "operationId": Uuid::new_v4(), "expiresAt": "2023-11-20T00:00:00Z", "uses": 9 });
    let link = app.change(Some(&root), "issueRegistrationLink", link).await;
    let links = app.data(Some(&root), "{ registrationLinks { id } }", json!({})).await;
    let message = Uuid::new_v4();
    let said = json!({ "operationId": Uuid::new_v4(), "channel": channel, "id": message, "text": "between us" });
    assert_eq!(app.change(Some(&ada), "postMessage", said).await["__typename"], "MessagePosted");
    let queue = json!({ "operationId": Uuid::new_v4(), "channel": channel, "video": video.0 });
    assert_eq!(app.change(Some(&ada), "queueVideo", queue).await["__typename"], "Changed");
    for (by, field, account) in [(&bob, "askToJoin", None), (&ada, "approveJoin", Some(bob.account.0))] {
        let mut input = json!({ "operationId": Uuid::new_v4(), "channel": channel });
        account.into_iter().for_each(|account| input["account"] = json!(account));
        assert_eq!(app.change(Some(by), field, input).await["__typename"], "Changed", "{field}");
    }
    let join = json!({ "operationId": Uuid::new_v4(), "channel": channel });
    assert_eq!(app.change(Some(&bob), "joinChannel", join).await["__typename"], "Changed");
    let rude = Uuid::new_v4();
    let said = json!({ "operationId": Uuid::new_v4(), "channel": channel, "id": rude, "text": "rude" });
    assert_eq!(app.change(Some(&bob), "postMessage", said).await["__typename"], "MessagePosted");
    let report = json!({ "operationId": Uuid::new_v4(), "message": rude, "reason": "look here" });
    let report = app.change(Some(&ada), "reportMessage", report).await;
    let token = crate::integrations::token(app, &bob, &["VIDEOS_READ"]).await;
    let (webhook, delivery) = crate::integrations::told(app, &root).await;
    let identity = crate::identities::linked(app, &bob, "bob").await;
    app.settle().await;
    let queued = "query($id: UUID!) { channel(id: $id) { queue { items { id } } } }";
    let queued = app.data(Some(&ada), queued, json!({ "id": channel })).await["channel"]["queue"]["items"].clone();
    let things = BTreeMap::from([
        (Names::Channel, channel.to_string()),
        (Names::Slug, slug),
        (Names::Account, bob.account.to_string()),
        (Names::Message, message.to_string()),
        (Names::Video, video.to_string()),
        (Names::QueueItem, queued[0]["id"].as_str().expect("an item").to_owned()),
        (Names::Report, report["id"].as_str().expect("a report").to_owned()),
        (Names::Invite, issued["code"].as_str().expect("a code").to_owned()),
        (Names::Session, bob.session_hash.clone()),
        (Names::Identity, identity),
        (Names::RegistrationLink, links["registrationLinks"][0]["id"].as_str().expect("an id").to_owned()),
        (Names::ApiToken, token["id"].as_str().expect("a token").to_owned()),
        (Names::Webhook, webhook),
        (Names::WebhookDelivery, delivery),
        (Names::RegistrationToken, link["token"].as_str().expect("a secret").to_owned()),
    ]);
    (ada, eve, Things(things))
}

async fn answer(app: &App, by: &Principal, root: &Root, (query, variables): (String, Value)) -> Value {
    let answer = match root.operation {
        "Subscription" => app.follow(Some(by), &query, variables).next().await.unwrap_or(Value::Null),
        _ => app.ask(Some(by), &query, variables).await,
    };
    // Two requests that are both refused before anything runs would look alike, and show nothing.
    assert!(!answer.to_string().contains("too complex"), "{query}");
    answer
}

#[tokio::test]
async fn every_field_that_takes_an_id_has_a_row() {
    let app = App::new().await;
    let sdl = Sdl::of(&app);
    let taken: BTreeMap<String, BTreeSet<String>> =
        sdl.roots().iter().map(|root| (root.name.clone(), sdl.ids(root))).filter(|(_, ids)| !ids.is_empty()).collect();
    let rows: BTreeMap<String, BTreeSet<String>> = ROWS
        .iter()
        .map(|(field, ids, _)| ((*field).to_owned(), ids.iter().map(|(name, _)| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(taken, rows, "fields that take ids, against the rows of the sweep");
}

#[tokio::test]
async fn what_is_not_mine_looks_like_what_does_not_exist() {
    let app = App::new().await;
    let sdl = Sdl::of(&app);
    let (_ada, eve, things) = world(&app).await;
    let made_up = Things::made_up();
    let channel = ChannelId(things.0[&Names::Channel].parse().expect("an id"));
    let before = events_of(&app, channel).await;
    let mut told = Vec::new();
    for root in sdl.roots() {
        let Some((_, ids, expected)) = ROWS.iter().find(|(field, ..)| *field == root.name) else { continue };
        if let Apart(why) = expected {
            assert!(!why.is_empty());
            continue;
        }
        for with in variants(&sdl, &root) {
            let names = |name: &str| ids.iter().find(|(id, _)| *id == name).map(|(_, names)| *names);
            let of = |things: &Things| call(&sdl, &root, &with, &|name| names(name).map(|names| things.id(names)));
            let (real, none) = (of(&things), of(&made_up));
            let real = things.hidden_in(&answer(&app, &eve, &root, real).await);
            let none = made_up.hidden_in(&answer(&app, &eve, &root, none).await);
            match expected {
                Same if real != none => told.push(format!("{} {with:?}\n  {real}\n  {none}", root.name)),
                Differs(why) if real == none => told.push(format!("{} {with:?} is the same, not: {why}", root.name)),
                Same | Differs(_) | Apart(_) => {}
            }
        }
    }
    assert_eq!(told, Vec::<String>::new(), "answers that tell a thing from nothing");
    assert_eq!(events_of(&app, channel).await, before, "nothing happened in there");
}

/// Every way to name the required ids with at most one of the optional ones.
fn variants(sdl: &Sdl, root: &Root) -> Vec<BTreeSet<String>> {
    let all = sdl.ids(root);
    let optional: BTreeSet<String> = root
        .arguments
        .iter()
        .filter(|(name, ty)| ty.nullable && all.contains(name))
        .map(|(name, _)| name.clone())
        .collect();
    let required: BTreeSet<String> = all.difference(&optional).cloned().collect();
    if optional.is_empty() || !required.is_empty() {
        return vec![all];
    }
    optional.into_iter().map(|one| BTreeSet::from([one])).collect()
}

/// How much happened in a channel.
async fn events_of(app: &App, channel: ChannelId) -> usize {
    let events = app.services.store.read_after(Position::START, 10_000).await.expect("the log");
    let named = channel.to_string();
    events.iter().filter(|event| event.metadata.channel_id.as_deref() == Some(named.as_str())).count()
}

/// The sweep sees a difference where there is one: for the owner the thing is there.
#[tokio::test]
async fn the_owner_is_told_the_difference() {
    let app = App::new().await;
    let sdl = Sdl::of(&app);
    let (ada, _, things) = world(&app).await;
    let made_up = Things::made_up();
    let root = sdl.roots().into_iter().find(|root| root.name == "channel").expect("a field");
    for (with, names) in [("id", Names::Channel), ("slug", Names::Slug)] {
        let with = BTreeSet::from([with.to_owned()]);
        let of = |things: &Things| call(&sdl, &root, &with, &|_| Some(things.id(names)));
        let real = things.hidden_in(&answer(&app, &ada, &root, of(&things)).await);
        assert!(real.contains("between us") && real.contains("Speakeasy"), "{real}");
        assert_ne!(real, made_up.hidden_in(&answer(&app, &ada, &root, of(&made_up)).await));
    }
}

/// Words of a private channel that must reach nobody outside it, by whatever way: lists, searches, links, events, errors.
const SECRETS: [&str; 4] = ["Speakeasy", "between us", "rude", "look here"];

#[tokio::test]
async fn nothing_of_a_private_channel_shows_through_any_field() {
    let app = App::new().await;
    let sdl = Sdl::of(&app);
    let (_ada, eve, things) = world(&app).await;
    let guest = app.person("Passer-by", PlatformRole::Guest).await;
    let mut seen = Vec::new();
    for root in sdl.roots() {
        let row = ROWS.iter().find(|(field, ..)| *field == root.name);
        if let Some((_, _, Apart(INVITED | DOOR | LINKED) | Differs(INVITED))) = row {
            continue;
        }
        for with in variants(&sdl, &root).into_iter().chain([BTreeSet::new()]) {
            let names = |name: &str| {
                let found = row.and_then(|(_, ids, _)| ids.iter().find(|(id, _)| *id == name));
                found.map(|(_, names)| *names)
            };
            for by in [&eve, &guest] {
                let call = call(&sdl, &root, &with, &|name| names(name).map(|names| things.id(names)));
                let told = match root.operation {
                    // Only a refusal comes at once; what is followed is silent about other people's channels.
                    "Subscription" if row.is_none() => continue,
                    _ => answer(&app, by, &root, call).await.to_string(),
                };
                let shown = SECRETS.iter().filter(|secret| told.contains(**secret));
                seen.extend(shown.map(|secret| format!("{} {with:?} shows {secret}: {told}", root.name)));
            }
        }
    }
    assert_eq!(seen, Vec::<String>::new());
}

/// Mass assignment: an input takes no field it does not have, however privileged its name.
#[tokio::test]
async fn inputs_refuse_fields_they_do_not_have() {
    let app = App::new().await;
    let sdl = Sdl::of(&app);
    let ada = app.person("Ada", PlatformRole::Member).await;
    let before = app.settle().await;
    let mut taken = Vec::new();
    let mut tried = 0;
    for root in sdl.roots().iter().filter(|root| root.operation == "Mutation") {
        for extra in ["platformRole", "owner", "isAdmin", "actor"] {
            let (query, mut variables) = call(&sdl, root, &BTreeSet::new(), &|_| None);
            let Some(input) = variables.get_mut("input").and_then(Value::as_object_mut) else { continue };
            if input.contains_key(extra) {
                continue;
            }
            input.insert(extra.to_owned(), json!("ADMINISTRATOR"));
            tried += 1;
            let answer = app.ask(Some(&ada), &query, variables).await;
            if answer["errors"].is_null() {
                taken.push(format!("{} takes {extra}: {answer}", root.name));
            }
        }
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(taken, Vec::<String>::new());
    assert_eq!(app.settle().await, before, "nothing happened");
}
