//! The log on its way to the hub: followed, decoded, names added.

mod chat;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp as WallTime;
use lockstep_commands::Services;
use lockstep_domain::{
    Aggregate,
    account::Account,
    channel::{Channel, ChannelEvent},
    ids::{AccountId, ChannelId, Position, StreamId, member_parts},
    member::{Member, MemberEvent},
    message::Message,
    playback::{Playback, PlaybackEvent},
    queue::{Queue, QueueEvent},
    report::Report,
    time::Timestamp,
};
use lockstep_event_store::{Feed, RecordedEvent};
use lockstep_sync_hub::{Change, Fact, FeedEvent, Input, Noun, protocol::Actor};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Events handed to the hub at once: a batch of chat must fit a healthy session's queue several times.
const BATCH_EVENTS_MAX: usize = 64;
/// Batches between the follower and the hub.
const BATCHES_MAX: usize = 4;
/// Names kept; beyond it all are looked up anew.
const NAMES_MAX: usize = 10_000;
/// Pause between attempts to learn where the log ends.
const START_RETRY: Duration = Duration::from_millis(250);

/// Follows the log from its present end; `None` when the process ends first.
pub(super) async fn start(
    services: &Services,
    shutdown: &CancellationToken,
    tracker: &TaskTracker,
) -> Option<(Position, mpsc::Receiver<Input>)> {
    let head = tokio::select! {
        head = head(services) => head,
        () = shutdown.cancelled() => return None,
    };
    let (sender, batches) = mpsc::channel(BATCHES_MAX);
    let mut follower =
        Follower { services: services.clone(), names: HashMap::new(), messages: chat::Messages::default() };
    let mut feed = Feed::new(Arc::clone(&services.store), head);
    let following = async move {
        loop {
            let recorded = feed.next(BATCH_EVENTS_MAX).await;
            let input = follower.decode(recorded, feed.position()).await;
            if sender.send(input).await.is_err() {
                return;
            }
        }
    };
    let shutdown = shutdown.clone();
    tracker.spawn(async move {
        tokio::select! { () = following => {}, () = shutdown.cancelled() => {} }
    });
    Some((head, batches))
}

async fn head(services: &Services) -> Position {
    loop {
        match services.store.head().await {
            Ok(head) => return head,
            Err(error) => {
                tracing::warn!(%error, "the hub cannot reach the log, trying again");
                tokio::time::sleep(START_RETRY).await;
            }
        }
    }
}

struct Follower {
    services: Services,
    names: HashMap<AccountId, String>,
    messages: chat::Messages,
}

/// Whom it is about stays between the reporter and the moderators.
const REPORTED: Fact = Fact::Changed { noun: Noun::Report, account: None };

impl Follower {
    async fn decode(&mut self, recorded: Vec<RecordedEvent>, through: Position) -> Input {
        let mut events = Vec::with_capacity(recorded.len());
        for recorded in recorded {
            if let Some(event) = self.event(recorded).await {
                events.push(event);
            }
        }
        Input::Feed { events, through }
    }

    async fn event(&mut self, recorded: RecordedEvent) -> Option<FeedEvent> {
        let (channel, fact) = match recorded.stream.kind() {
            Playback::KIND => (recorded.stream.id().parse().ok()?, Fact::Playback(change(read(&recorded)?))),
            Queue::KIND => (recorded.stream.id().parse().ok()?, queue(&read(&recorded)?)),
            Message::KIND => self.message(&recorded).await?,
            Report::KIND => (recorded.metadata.channel_id.as_ref()?.parse().ok()?, REPORTED),
            Member::KIND => member(&recorded)?,
            Channel::KIND => (recorded.stream.id().parse().ok()?, of_channel(&read(&recorded)?)),
            Account::KIND => {
                // The name may have changed.
                let account: AccountId = recorded.stream.id().parse().ok()?;
                self.names.remove(&account);
                return None;
            }
            _ => return None,
        };
        let actor = self.actor(recorded.metadata.actor).await;
        let command = recorded.metadata.command_id.and_then(|id| id.parse().ok());
        Some(FeedEvent { position: recorded.position, channel, command, actor, fact })
    }

    async fn actor(&mut self, id: String) -> Actor {
        let name = match id.parse() {
            Ok(account) => self.name(account).await,
            Err(_) => String::new(),
        };
        Actor { id, name }
    }

    /// The account's name, empty when it was erased or cannot be read now.
    async fn name(&mut self, account: AccountId) -> String {
        if let Some(name) = self.names.get(&account) {
            return name.clone();
        }
        let Ok(loaded) = self.services.dispatcher.load::<Account>(&StreamId::account(account)).await else {
            return String::new();
        };
        let name = loaded.state.name.value().cloned().unwrap_or_default();
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        self.names.insert(account, name.clone());
        name
    }
}

fn member(recorded: &RecordedEvent) -> Option<(ChannelId, Fact)> {
    let (channel, account) = member_parts(recorded.stream.id())?;
    let version = recorded.version;
    let fact = match read(recorded)? {
        MemberEvent::Left {} => Fact::Left { account, version },
        MemberEvent::Removed { .. } => Fact::Removed { account, version },
        MemberEvent::Banned { .. } => Fact::Banned { account, version },
        MemberEvent::RoleGranted { role, .. } => Fact::RoleGranted { account, role, version },
        // Who is in is told by presence; a crowd coming in would make everybody read again a thousand times.
        MemberEvent::Joined { .. } => return None,
        MemberEvent::Unbanned { .. }
        | MemberEvent::JoinRequested {}
        | MemberEvent::JoinApproved { .. }
        | MemberEvent::JoinDeclined { .. }
        | MemberEvent::PermissionOverridden { .. }
        | MemberEvent::Muted { .. }
        | MemberEvent::Unmuted { .. } => Fact::Changed { noun: Noun::Member, account: Some(account) },
    };
    Some((channel, fact))
}

fn of_channel(event: &ChannelEvent) -> Fact {
    match event {
        ChannelEvent::RemoteModeChanged { holder } => Fact::Remote { holder: *holder },
        ChannelEvent::RemoteHandedOver { to, .. } => Fact::Remote { holder: Some(*to) },
        ChannelEvent::Archived {} => Fact::Archived,
        ChannelEvent::Created { .. }
        | ChannelEvent::Renamed { .. }
        | ChannelEvent::Described { .. }
        | ChannelEvent::VisibilityChanged { .. }
        | ChannelEvent::PermissionDefaultsChanged { .. }
        | ChannelEvent::SlowModeSet { .. } => Fact::Changed { noun: Noun::Channel, account: None },
    }
}

fn change(event: PlaybackEvent) -> Change {
    match event {
        PlaybackEvent::VideoLoaded { video, duration_us, .. } => Change::Loaded { video, duration: duration_us },
        PlaybackEvent::Played { position_us, .. } => Change::Played { position: position_us },
        PlaybackEvent::Paused { position_us, .. } => Change::Paused { position: position_us },
        PlaybackEvent::Seeked { position_us, .. } => Change::Seeked { position: position_us },
        PlaybackEvent::Ended { .. } | PlaybackEvent::Skipped { .. } => Change::Ended,
        PlaybackEvent::Held { position_us, deadline_us, at_us, .. } => {
            Change::Held { position: position_us, wait_us: deadline_us.as_micros() - at_us.as_micros() }
        }
        PlaybackEvent::Released { position_us, .. } => Change::Released { position: position_us },
        PlaybackEvent::RateChanged { rate_ppm, position_us, .. } => {
            Change::RateChanged { rate_ppm, position: position_us }
        }
    }
}

fn queue(event: &QueueEvent) -> Fact {
    match event {
        QueueEvent::SkipVoteCast { .. } | QueueEvent::SkipVoteWithdrawn { .. } => Fact::SkipVote,
        QueueEvent::VideoQueued { .. }
        | QueueEvent::VideoDequeued { .. }
        | QueueEvent::VideoMoved { .. }
        | QueueEvent::SkipVotesCounted { .. }
        | QueueEvent::Cleared { .. }
        | QueueEvent::Restored { .. }
        | QueueEvent::AutoplaySet { .. }
        | QueueEvent::LoopSet { .. } => Fact::Changed { noun: Noun::Queue, account: None },
    }
}

/// The event in a record. One that cannot be decoded is skipped: it must not stop every room.
fn read<E: DeserializeOwned>(recorded: &RecordedEvent) -> Option<E> {
    serde_json::from_value(recorded.payload.clone())
        .inspect_err(|error| tracing::error!(%error, position = %recorded.position, "an event cannot be decoded"))
        .ok()
}

fn rfc3339(at: Timestamp) -> String {
    WallTime::from_microsecond(at.as_micros()).map(|at| at.to_string()).unwrap_or_default()
}
