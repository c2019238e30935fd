//! The program's parts around the schema, in one process and one database.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_graphql::{Request, Response, Variables};
use futures::{Stream, StreamExt};
use lockstep_commands::{
    Actor, Clock, Context, Dispatcher, Ids, Principal, Services, account,
    budget::Costs,
    session,
    setup::SetupLink,
    window::{InProcess, Share},
};
use lockstep_domain::{
    account::PlatformRole,
    ids::{Position, StreamId, VideoId, WebhookId},
    time::{MediaTime, Timestamp},
    video::{RenditionFacts, Source, Video, VideoCommand},
};
use lockstep_event_store::{MasterKey, PostgresStore};
use lockstep_graphql::{
    Anonymous, AppSchema, Bill, CookieConfig, DeliveryToken, DeliveryTokens, Introspection, RequestContext, SchemaDeps,
    SignInProvider, TrustedDocuments, WebhookSecrets, schema,
};
use lockstep_migrations::testing::TestDatabase;
use lockstep_object_store::EmbeddedS3;
use lockstep_projections::{Reader, Runner, Tail};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The provider of sign-ins here.
pub const ISSUER: &str = "https://login.example";

pub struct App {
    pub schema: AppSchema,
    pub services: Services,
    pub reader: Reader,
    pub setup: Arc<SetupLink>,
    pub shutdown: CancellationToken,
    runner: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
    _objects: EmbeddedS3,
    _database: TestDatabase,
}

struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1_000, Ordering::SeqCst))
    }
}

struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        secret[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        secret
    }
}

/// The token of a film is its id; the film with a nil id breaks it.
struct PlainTokens;

impl DeliveryTokens for PlainTokens {
    fn token(&self, video: VideoId, now: Timestamp) -> DeliveryToken {
        assert!(!video.0.is_nil(), "the secret of the token maker");
        DeliveryToken { token: format!("t-{video}"), expires_at: Timestamp(now.0 + 1_000_000) }
    }
}

impl WebhookSecrets for PlainTokens {
    fn secret(&self, webhook: WebhookId, generation: u32) -> String {
        format!("whsec_{webhook}.{generation}")
    }
}

impl App {
    pub async fn new() -> Self {
        Self::with(Introspection::SignedIn).await
    }

    pub async fn with(introspection: Introspection) -> Self {
        Self::on_budget(introspection, Share { units_max: 10_000_000, window_s: 60 }).await
    }

    /// An installation where a caller may spend so much.
    pub async fn on_budget(introspection: Introspection, share: Share) -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let (objects, buckets) = EmbeddedS3::open(folder.path(), "http://localhost:1", "interim", "media").unwrap();
        let store = PostgresStore::connect(&database.url(), MasterKey::generate(), "test".to_owned()).await.unwrap();
        let services = Services {
            dispatcher: Dispatcher::new(store.clone()),
            store: store.clone(),
            pool: database.pool().await,
            objects: buckets,
            clock: Arc::new(TickingClock(AtomicI64::new(1_700_000_000_000_000))),
            ids: Arc::new(RandomIds),
            uploads: lockstep_commands::upload::Uploads::default(),
        };
        let shutdown = CancellationToken::new();
        let runner = Runner::new(store.clone(), services.pool.clone());
        let (reader, tail) = (runner.reader(), Tail::new(store));
        let runner = tokio::spawn(runner.run(shutdown.child_token()));
        tokio::spawn(tail.clone().run(shutdown.child_token()));
        let setup = Arc::new(SetupLink::default());
        let deps = SchemaDeps {
            services: services.clone(),
            reader: reader.clone(),
            tail,
            delivery: Arc::new(PlainTokens),
            webhooks: Arc::new(PlainTokens),
            cookie: CookieConfig { name: "__Host-lockstep".to_owned(), secure: true },
            setup: setup.clone(),
            entry: lockstep_commands::entry::Entry::default(),
            provider: Some(SignInProvider { name: "Company account".to_owned(), issuer: ISSUER.to_owned() }),
            introspection,
            trusted: TrustedDocuments::default(),
            anonymous: Anonymous::Open,
            costs: Arc::new(Costs::new(Arc::new(InProcess::default()), share)),
        };
        let schema = schema(deps);
        Self {
            schema,
            services,
            reader,
            setup,
            shutdown,
            runner: Some(runner),
            _folder: folder,
            _objects: objects,
            _database: database,
        }
    }

    /// The answer as a client sees it.
    pub async fn ask(&self, by: Option<&Principal>, query: &str, variables: Value) -> Value {
        serde_json::to_value(self.respond(by, query, variables).await).unwrap()
    }

    pub async fn respond(&self, by: Option<&Principal>, query: &str, variables: Value) -> Response {
        self.schema.execute(request(query, variables), context(by)).await
    }

    /// The data of an answer without errors.
    pub async fn data(&self, by: Option<&Principal>, query: &str, variables: Value) -> Value {
        let answer = self.ask(by, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].clone()
    }

    /// Asks with one input object and gives the only field's payload.
    pub async fn change(&self, by: Option<&Principal>, field: &str, input: Value) -> Value {
        let (input_type, fields) = shape(field);
        let query = format!(
            "mutation($input: {input_type}!) {{ {field}(input: $input) {{ __typename ... on Refused {{ code message retryAfterMs }} {fields} }} }}"
        );
        self.data(by, &query, json!({ "input": input })).await[field].clone()
    }

    pub fn follow(
        &self,
        by: Option<&Principal>,
        query: &str,
        variables: Value,
    ) -> impl Stream<Item = Value> + Unpin + use<> {
        let responses = self.schema.execute_stream(request(query, variables), context(by));
        Box::pin(responses.map(|response| serde_json::to_value(response).unwrap()))
    }

    /// A signed-in person with this role.
    pub async fn person(&self, name: &str, role: PlatformRole) -> Principal {
        let started = match role {
            PlatformRole::Guest => account::admit_guest(&self.services, &self.system(), name).await,
            role => account::register(&self.services, &self.system(), name, "correct horse battery", role).await,
        };
        let started = started.unwrap();
        session::authenticate(&self.services, started.token.expose()).await.unwrap().unwrap()
    }

    pub fn system(&self) -> Context {
        Context {
            actor: Actor::System,
            command_id: Uuid::new_v4().into(),
            correlation_id: "test".to_owned(),
            causation_id: None,
            now: self.services.clock.now(),
        }
    }

    /// One command on a film.
    pub async fn film(&self, video: VideoId, command: VideoCommand) -> Position {
        let stream = StreamId::video(video);
        self.services.dispatcher.execute::<Video>(stream, None, &self.system(), command).await.unwrap().position
    }

    /// A film that can be watched.
    pub async fn ready_film(&self, owner: &Principal, video: VideoId) -> Position {
        self.film(video, upload(owner, video)).await;
        self.film(video, VideoCommand::CompleteUpload).await;
        self.film(video, VideoCommand::StartTranscode).await;
        self.film(video, VideoCommand::RecordProbe { source: source() }).await;
        self.film(video, VideoCommand::CompleteRendition { rendition: rendition() }).await;
        let thumbnail =
            VideoCommand::RecordThumbnail { object_key: format!("v/{video}/thumb.jpg"), width: 640, height: 360 };
        self.film(video, thumbnail).await;
        let completed = VideoCommand::CompleteTranscode {
            hls_key: format!("v/{video}/master.m3u8"),
            dash_key: format!("v/{video}/manifest.mpd"),
            duration: MediaTime(60_000_000),
        };
        self.film(video, completed).await
    }

    /// A channel by its owner; its id.
    pub async fn channel(&self, owner: &Principal, name: &str, visibility: &str) -> Uuid {
        let input = json!({ "operationId": Uuid::new_v4(), "name": name, "visibility": visibility });
        let created = self.change(Some(owner), "createChannel", input).await;
        created["id"].as_str().unwrap_or_else(|| panic!("{created}")).parse().unwrap()
    }

    /// All read models show everything that happened so far.
    pub async fn settle(&self) -> Position {
        let head = self.services.store.head().await.unwrap();
        let names: Vec<_> = lockstep_projections::all().iter().map(|projection| projection.name()).collect();
        while self.reader.wait_for(&names, head).await.is_err() {}
        head
    }

    /// Stops the background work: from here on only requests ask the database.
    pub async fn quiet(&mut self) {
        self.settle().await;
        self.shutdown.cancel();
        self.runner.take().unwrap().await.unwrap();
    }
}

pub fn request(query: &str, variables: Value) -> Request {
    Request::new(query).variables(Variables::from_json(variables))
}

pub fn context(by: Option<&Principal>) -> RequestContext {
    RequestContext {
        principal: by.cloned(),
        request_id: "request-1".to_owned(),
        remote_ip: None,
        user_agent: None,
        bill: Bill::default(),
    }
}

/// The input type of a mutation, and what its tests look at.
fn shape(field: &str) -> (&'static str, &'static str) {
    let changed = "... on Changed { position version changed }";
    let signed = "... on SignedIn { position account { id name role } }";
    match field {
        "setUp" => ("SetUpInput", signed),
        "signIn" => ("SignInInput", signed),
        "joinAsGuest" => ("JoinAsGuestInput", signed),
        "register" => ("RegisterInput", signed),
        "resetPassword" => ("ResetPasswordInput", signed),
        "changePassword" => ("ChangePasswordInput", signed),
        "changeDisplayName" => ("ChangeDisplayNameInput", changed),
        "revokeSession" => ("RevokeSessionInput", changed),
        "unlinkIdentity" => ("UnlinkIdentityInput", changed),
        "grantPlatformRole" => ("GrantPlatformRoleInput", changed),
        "suspendAccount" => ("SuspendAccountInput", changed),
        "reinstateAccount" => ("AccountInput", changed),
        "changeRegistration" => ("ChangeRegistrationInput", changed),
        "issuePasswordReset" => ("AccountInput", "... on LinkIssued { token expiresAt position }"),
        "issueRegistrationLink" => ("IssueRegistrationLinkInput", "... on LinkIssued { token expiresAt position }"),
        "revokeRegistrationLink" => ("RevokeRegistrationLinkInput", changed),
        "requestUpload" => {
            ("RequestUploadInput", "... on UploadRequested { video url headers { name value } expiresAt position }")
        }
        "editFilm" => ("EditFilmInput", changed),
        "trashFilm" | "restoreFilm" | "purgeFilm" | "retryFilm" => ("FilmInput", changed),
        "editFilms" => ("EditFilmsInput", "... on FilmsAnswered { position answers { video changed code message } }"),
        "trashFilms" | "restoreFilms" | "purgeFilms" => {
            ("FilmsInput", "... on FilmsAnswered { position answers { video changed code message } }")
        }
        "uploadCaptions" => (
            "UploadCaptionsInput",
            "... on Changed { position version changed } ... on CaptionsUnreadable { code message line }",
        ),
        "removeCaptions" => ("RemoveCaptionsInput", changed),
        "choosePoster" => ("ChoosePosterInput", changed),
        "resetPoster" => ("ResetPosterInput", changed),
        "confirmUpload" => ("ConfirmUploadInput", changed),
        "createChannel" => ("CreateChannelInput", "... on ChannelCreated { id slug position }"),
        "renameChannel" => ("RenameChannelInput", changed),
        "joinChannel" | "leaveChannel" | "askToJoin" | "archiveChannel" => ("ChannelInput", changed),
        "unbanMember" | "unmuteMember" | "approveJoin" | "declineJoin" | "handOverRemote" => ("MemberInput", changed),
        "banMember" | "removeMember" => ("ModerateInput", changed),
        "muteMember" => ("MuteMemberInput", changed),
        "overridePermission" => ("OverridePermissionInput", changed),
        "describeChannel" => ("DescribeChannelInput", changed),
        "changeChannelVisibility" => ("ChangeVisibilityInput", changed),
        "changePermissionDefaults" => ("ChangePermissionDefaultsInput", changed),
        "setSlowMode" => ("SetSlowModeInput", changed),
        "changeRemoteMode" => ("ChangeRemoteModeInput", changed),
        "issueInvite" => ("IssueInviteInput", "... on InviteIssued { id code position }"),
        "redeemInvite" => ("RedeemInviteInput", "... on InviteRedeemed { channel slug position }"),
        "revokeInvite" => ("RevokeInviteInput", changed),
        "grantRole" => ("GrantRoleInput", changed),
        "signUploadParts" => ("SignUploadPartsInput", "... on UploadPartsSigned { expiresAt }"),
        "abortUpload" => ("AbortUploadInput", changed),
        "loadVideo" => ("LoadVideoInput", changed),
        "play" | "pause" => ("PlayInput", changed),
        "seek" => ("SeekInput", changed),
        "undo" => ("UndoInput", changed),
        "markRead" => ("MarkReadInput", changed),
        "editMessage" => ("EditMessageInput", changed),
        "redactMessage" => ("RedactMessageInput", changed),
        "reactToMessage" => ("ReactInput", changed),
        "pinMessage" | "unpinMessage" => ("MessageInput", changed),
        "reportMessage" => ("ReportMessageInput", "... on ReportFiled { id position }"),
        "resolveReport" => ("ResolveReportInput", changed),
        "queueVideo" => ("QueueVideoInput", changed),
        "dequeueVideo" | "playNow" => ("QueueItemInput", changed),
        "moveInQueue" => ("MoveInQueueInput", changed),
        "playNext" => ("PlayNextInput", changed),
        "voteSkip" => ("VoteSkipInput", changed),
        "restoreQueue" | "clearQueue" | "releaseHold" => ("ChannelInput", changed),
        "setAutoplay" => ("SetAutoplayInput", changed),
        "setLoop" => ("SetLoopInput", changed),
        "changeRate" => ("ChangeRateInput", changed),
        "createApiToken" => ("CreateApiTokenInput", "... on ApiTokenCreated { id token position }"),
        "revokeApiToken" => ("RevokeApiTokenInput", changed),
        "registerWebhook" => ("RegisterWebhookInput", "... on WebhookRegistered { id secret position }"),
        "removeWebhook" | "enableWebhook" => ("WebhookInput", changed),
        "rotateWebhookSecret" => {
            ("RotateWebhookSecretInput", "... on WebhookSecretRotated { id secret oldSecretsUntil position }")
        }
        "sendWebhookAgain" => ("SendAgainInput", changed),
        "postMessage" => ("PostMessageInput", "... on MessagePosted { id position }"),
        other => panic!("no such mutation: {other}"),
    }
}

pub fn upload(owner: &Principal, video: VideoId) -> VideoCommand {
    VideoCommand::RequestUpload {
        owner: owner.account,
        title: "A film".to_owned(),
        file_name: "film.mp4".to_owned(),
        size_bytes: 1_000,
        content_type: "video/mp4".to_owned(),
        object_key: format!("u/{video}"),
        fingerprint: None,
    }
}

fn source() -> Source {
    Source {
        container: "mp4".to_owned(),
        video_codec: "h264".to_owned(),
        audio_codec: Some("aac".to_owned()),
        duration_us: MediaTime(60_000_000),
        width: 1280,
        height: 720,
        rotation_degrees: 0,
        frame_rate_num: 25,
        frame_rate_den: 1,
        audio_channels: 2,
        sounds: vec![],
        texts: vec![],
        chapters: vec![],
    }
}

fn rendition() -> RenditionFacts {
    RenditionFacts {
        name: "720p".to_owned(),
        width: 1280,
        height: 720,
        bandwidth_bps: 3_000_000,
        average_bandwidth_bps: 2_000_000,
        codecs: "avc1.64001f".to_owned(),
        bytes: 1,
        segments: 15,
    }
}
