//! One batch per kind of row and level of a request, so that a nested list costs a handful of queries.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use lockstep_domain::ids::{AccountId, ChannelId, MessageId, Position, VideoId};
use lockstep_projections::{
    QueryError, ReadError, Reader, RecordedEvent,
    accounts::{self, AccountRow},
    channels::{self, ChannelRow},
    invites::{self, InviteRow},
    member_page::{self, Page},
    members::{self, MemberRow},
    messages::{self, MessageRow, ReactionRow},
    queues::{self, QueueRow},
    videos::{self, CaptionRow, RenditionRow, VideoRow},
    watching,
};

use crate::batch::Spawner;

/// Reads rows for a loader.
#[derive(Clone)]
pub(crate) struct Rows(Reader);

type Cached = DataLoader<Rows, HashMapCache>;

/// The loaders of one request.
pub(crate) struct Loaders {
    pub accounts: Cached,
    pub videos: Cached,
    pub renditions: Cached,
    pub captions: Cached,
    pub watched: Cached,
    pub members: Cached,
    pub messages: Cached,
    pub events: Cached,
    pub channels: Cached,
    pub member_pages: Cached,
    pub invites: Cached,
    pub queues: Cached,
}

impl Loaders {
    /// `remember`: rows once read are read no more. Not for subscriptions, which live long.
    pub(crate) fn new(reader: &Reader, spawner: &Spawner, remember: bool) -> Self {
        let make = || {
            let (rows, spawner) = (Rows(reader.clone()), spawner.clone());
            let loader = DataLoader::with_cache(rows, move |work| spawner.spawn(work), HashMapCache::default());
            loader.enable_all_cache(remember);
            // Whoever drives the request knows when a batch is full: no time to wait for.
            loader.delay(Duration::ZERO)
        };
        Self {
            accounts: make(),
            videos: make(),
            renditions: make(),
            captions: make(),
            watched: make(),
            members: make(),
            messages: make(),
            events: make(),
            channels: make(),
            member_pages: make(),
            invites: make(),
            queues: make(),
        }
    }
}

impl Loader<AccountId> for Rows {
    type Value = AccountRow;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[AccountId]) -> Result<HashMap<AccountId, AccountRow>, Self::Error> {
        let rows = accounts::by_ids(self.0.pool(), keys).await?;
        Ok(rows.into_iter().map(|row| (row.account, row)).collect())
    }
}

impl Loader<VideoId> for Rows {
    type Value = VideoRow;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[VideoId]) -> Result<HashMap<VideoId, VideoRow>, Self::Error> {
        let rows = videos::by_ids(self.0.pool(), keys).await?;
        Ok(rows.into_iter().map(|row| (row.video, row)).collect())
    }
}

/// An event of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EventAt(pub Position);

impl Loader<EventAt> for Rows {
    type Value = Arc<RecordedEvent>;
    type Error = Arc<ReadError>;
    async fn load(&self, keys: &[EventAt]) -> Result<HashMap<EventAt, Arc<RecordedEvent>>, Self::Error> {
        let positions: Vec<Position> = keys.iter().map(|key| key.0).collect();
        let events = self.0.store().read_at(&positions).await?;
        Ok(events.into_iter().map(|event| (EventAt(event.position), Arc::new(event))).collect())
    }
}

/// A channel as somebody sees it: ask [`ChannelRow::visible`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ChannelFor {
    pub asker: Option<AccountId>,
    pub channel: ChannelId,
}

impl Loader<ChannelFor> for Rows {
    type Value = ChannelRow;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[ChannelFor]) -> Result<HashMap<ChannelFor, ChannelRow>, Self::Error> {
        let mut found = HashMap::new();
        for (asker, channels) in grouped(keys.iter().map(|key| (key.asker, key.channel))) {
            for row in channels::by_ids(self.0.pool(), asker, &channels).await? {
                found.insert(ChannelFor { asker, channel: row.channel }, row);
            }
        }
        Ok(found)
    }
}

/// The queue of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QueueOf(pub ChannelId);

impl Loader<QueueOf> for Rows {
    type Value = QueueRow;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[QueueOf]) -> Result<HashMap<QueueOf, QueueRow>, Self::Error> {
        let channels: Vec<ChannelId> = keys.iter().map(|key| key.0).collect();
        let rows = queues::by_channels(self.0.pool(), &channels).await?;
        Ok(rows.into_iter().map(|row| (QueueOf(row.channel), row)).collect())
    }
}

/// The ladder of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LadderOf(pub VideoId);

impl Loader<LadderOf> for Rows {
    type Value = Vec<RenditionRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[LadderOf]) -> Result<HashMap<LadderOf, Vec<RenditionRow>>, Self::Error> {
        let ids: Vec<VideoId> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<LadderOf, Vec<RenditionRow>> = HashMap::new();
        for row in videos::renditions(self.0.pool(), &ids).await? {
            found.entry(LadderOf(VideoId(row.video_id))).or_default().push(row);
        }
        Ok(found)
    }
}

/// The captions of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CaptionsOf(pub VideoId);

impl Loader<CaptionsOf> for Rows {
    type Value = Vec<CaptionRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[CaptionsOf]) -> Result<HashMap<CaptionsOf, Vec<CaptionRow>>, Self::Error> {
        let ids: Vec<VideoId> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<CaptionsOf, Vec<CaptionRow>> = HashMap::new();
        for row in videos::captions(self.0.pool(), &ids).await? {
            found.entry(CaptionsOf(VideoId(row.video_id))).or_default().push(row);
        }
        Ok(found)
    }
}

/// How long a film was watched, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WatchedOf(pub VideoId);

impl Loader<WatchedOf> for Rows {
    type Value = i64;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[WatchedOf]) -> Result<HashMap<WatchedOf, i64>, Self::Error> {
        let ids: Vec<VideoId> = keys.iter().map(|key| key.0).collect();
        let rows = watching::of_films(self.0.pool(), &ids).await?;
        Ok(rows.into_iter().map(|(video, watched_us)| (WatchedOf(video), watched_us)).collect())
    }
}

/// The first people present in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MembersOf {
    pub channel: ChannelId,
    pub first: i64,
}

impl Loader<MembersOf> for Rows {
    type Value = Vec<MemberRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[MembersOf]) -> Result<HashMap<MembersOf, Vec<MemberRow>>, Self::Error> {
        let mut found: HashMap<MembersOf, Vec<MemberRow>> = HashMap::new();
        for (first, channels) in grouped(keys.iter().map(|key| (key.first, key.channel))) {
            for row in members::present_in_channels(self.0.pool(), &channels, first).await? {
                found.entry(MembersOf { channel: row.channel, first }).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// A page of a channel's people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MemberPageOf {
    pub channel: ChannelId,
    pub page: Page,
}

impl Loader<MemberPageOf> for Rows {
    type Value = Vec<MemberRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[MemberPageOf]) -> Result<HashMap<MemberPageOf, Vec<MemberRow>>, Self::Error> {
        let mut found: HashMap<MemberPageOf, Vec<MemberRow>> = HashMap::new();
        for (page, channels) in grouped(keys.iter().map(|key| (key.page.clone(), key.channel))) {
            for row in member_page::of_channels(self.0.pool(), &channels, &page).await? {
                found.entry(MemberPageOf { channel: row.channel, page: page.clone() }).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// The newest invites of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InvitesOf {
    pub channel: ChannelId,
    pub first: i64,
    pub before: Option<Position>,
}

impl Loader<InvitesOf> for Rows {
    type Value = Vec<InviteRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[InvitesOf]) -> Result<HashMap<InvitesOf, Vec<InviteRow>>, Self::Error> {
        let mut found: HashMap<InvitesOf, Vec<InviteRow>> = HashMap::new();
        for ((first, before), channels) in grouped(keys.iter().map(|key| ((key.first, key.before), key.channel))) {
            for row in invites::of_channels(self.0.pool(), &channels, first, before).await? {
                found.entry(InvitesOf { channel: row.channel, first, before }).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// The last messages of a channel, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MessagesOf {
    pub channel: ChannelId,
    pub last: i64,
    pub before: Option<Position>,
}

impl Loader<MessagesOf> for Rows {
    type Value = Vec<MessageRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[MessagesOf]) -> Result<HashMap<MessagesOf, Vec<MessageRow>>, Self::Error> {
        let mut found: HashMap<MessagesOf, Vec<MessageRow>> = HashMap::new();
        for ((last, before), channels) in grouped(keys.iter().map(|key| ((key.last, key.before), key.channel))) {
            for row in messages::last_of_channels(self.0.pool(), &channels, last, before).await? {
                found.entry(MessagesOf { channel: row.channel, last, before }).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// One message, of whichever channel: whoever asks has seen another that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MessageOf(pub MessageId);

impl Loader<MessageOf> for Rows {
    type Value = MessageRow;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[MessageOf]) -> Result<HashMap<MessageOf, MessageRow>, Self::Error> {
        let ids: Vec<MessageId> = keys.iter().map(|key| key.0).collect();
        let rows = messages::by_ids(self.0.pool(), &ids).await?;
        Ok(rows.into_iter().map(|row| (MessageOf(row.message), row)).collect())
    }
}

/// The reactions to a message, as one asker sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ReactionsOf {
    pub message: MessageId,
    pub asker: Option<AccountId>,
}

impl Loader<ReactionsOf> for Rows {
    type Value = Vec<ReactionRow>;
    type Error = Arc<QueryError>;
    async fn load(&self, keys: &[ReactionsOf]) -> Result<HashMap<ReactionsOf, Vec<ReactionRow>>, Self::Error> {
        let mut found: HashMap<ReactionsOf, Vec<ReactionRow>> = HashMap::new();
        // One request has one asker.
        let asker = keys.first().and_then(|key| key.asker);
        let ids: Vec<MessageId> = keys.iter().map(|key| key.message).collect();
        for row in messages::reactions(self.0.pool(), asker, &ids).await? {
            found.entry(ReactionsOf { message: row.message, asker }).or_default().push(row);
        }
        Ok(found)
    }
}

/// Keys that differ only in the channel share a query.
fn grouped<K: Eq + std::hash::Hash>(keys: impl Iterator<Item = (K, ChannelId)>) -> HashMap<K, Vec<ChannelId>> {
    let mut groups: HashMap<K, Vec<ChannelId>> = HashMap::new();
    for (key, channel) in keys {
        groups.entry(key).or_default().push(channel);
    }
    groups
}
