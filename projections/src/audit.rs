//! The log itself as a list for those who answer for it: filtered, newest first, with what caused what and which event
//! gave the right that was used.

use lockstep_domain::{
    channel::ChannelEvent,
    ids::{AccountId, ChannelId, Position, StreamId},
    invite::InviteEvent,
    member::MemberEvent,
    message::MessageEvent,
    permission::Permission,
    playback::PlaybackEvent,
    queue::QueueEvent,
    report::ReportEvent,
    right::{self, Grant, Sources},
    time::Timestamp,
};
use lockstep_event_store::{EventStore, ReadError, RecordedEvent};
use serde::Deserialize;
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

/// Events caused by one event that are shown.
pub const EFFECTS_MAX: i64 = 50;
/// Events of a stream read at a time.
const PAGE_EVENTS: usize = 1_000;

/// What is looked for; everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// As in the log: an account id, `system` or `worker:<name>`.
    pub actor: Option<String>,
    /// Stream kinds with event types; none: all.
    pub actions: Vec<(String, String)>,
    pub channel: Option<ChannelId>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// The positions of the newest events that meet the filter, before `before`.
pub async fn list(
    pool: &PgPool,
    filter: &Filter,
    before: Option<Position>,
    limit: i64,
) -> Result<Vec<Position>, sqlx::Error> {
    let Some((low, high)) = bounds(pool, filter, before).await? else { return Ok(vec![]) };
    let mut query = select(filter, low, high, limit);
    let rows: Vec<i64> = query.build_query_scalar().fetch_all(pool).await?;
    Ok(rows.into_iter().map(Position::from_i64).collect())
}

/// The statement of [`list`], for those who want to see its plan.
pub fn select(filter: &Filter, low: i64, high: i64, limit: i64) -> QueryBuilder<'static, Postgres> {
    let mut query = QueryBuilder::new("");
    if filter.actions.is_empty() {
        query.push("SELECT e.global_position FROM events e WHERE e.global_position >= ").push_bind(low);
        query.push(" AND e.global_position <= ").push_bind(high);
        narrow(&mut query, filter);
    } else {
        // Each action by its own index, merged: none is searched for among the others. Whole rows are compared and
        // ordered, not their parts, because the planner would else walk the log backwards in the hope of finding
        // enough soon, however rare the action is.
        let (kinds, types): (Vec<String>, Vec<String>) = filter.actions.iter().cloned().unzip();
        query.push("SELECT e.global_position FROM unnest(");
        query.push_bind(kinds).push("::text[], ").push_bind(types).push(
            "::text[]) AS a (kind, type) CROSS JOIN LATERAL (SELECT e.global_position FROM events e \
             WHERE (e.aggregate_type, e.event_type, e.global_position) >= (a.kind, a.type, ",
        );
        query.push_bind(low);
        query.push(") AND (e.aggregate_type, e.event_type, e.global_position) <= (a.kind, a.type, ");
        query.push_bind(high).push(")");
        narrow(&mut query, filter);
        query.push(" ORDER BY e.aggregate_type DESC, e.event_type DESC, e.global_position DESC LIMIT ");
        query.push_bind(limit).push(") e WHERE true");
    }
    query.push(" ORDER BY e.global_position DESC LIMIT ").push_bind(limit);
    query
}

fn narrow(query: &mut QueryBuilder<'static, Postgres>, filter: &Filter) {
    if let Some(actor) = &filter.actor {
        query.push(" AND e.metadata ->> 'actor' = ").push_bind(actor.clone());
    }
    if let Some(channel) = filter.channel {
        query.push(" AND e.channel_id = ").push_bind(channel.0);
    }
}

/// Times as positions: the log's order is the order of its times. `None`: nothing lies between them.
async fn bounds(pool: &PgPool, filter: &Filter, before: Option<Position>) -> Result<Option<(i64, i64)>, sqlx::Error> {
    let mut low = 1;
    let mut high = before.map_or(i64::MAX, |before| before.as_i64() - 1);
    let at = |compare: &'static str, order: &'static str| {
        format!(
            "SELECT global_position FROM events \
             WHERE recorded_at {compare} timestamptz 'epoch' + $1 * interval '1 microsecond' \
             ORDER BY recorded_at {order}, global_position {order} LIMIT 1"
        )
    };
    if let Some(from) = filter.from {
        let found: Option<i64> =
            sqlx::query_scalar(&at(">=", "ASC")).bind(from.as_micros()).fetch_optional(pool).await?;
        let Some(found) = found else { return Ok(None) };
        low = found;
    }
    if let Some(until) = filter.until {
        let found: Option<i64> =
            sqlx::query_scalar(&at("<", "DESC")).bind(until.as_micros()).fetch_optional(pool).await?;
        let Some(found) = found else { return Ok(None) };
        high = high.min(found);
    }
    Ok((low <= high).then_some((low, high)))
}

/// Where the event is that caused this one.
pub async fn cause(pool: &PgPool, event: &RecordedEvent) -> Result<Option<Position>, sqlx::Error> {
    let cause: Option<Uuid> = event.metadata.causation_id.as_deref().and_then(|id| id.parse().ok());
    let Some(cause) = cause else { return Ok(None) };
    let found: Option<i64> = sqlx::query_scalar("SELECT global_position FROM events WHERE event_id = $1")
        .bind(cause)
        .fetch_optional(pool)
        .await?;
    Ok(found.map(Position::from_i64))
}

/// Where the first events are that this one caused.
pub async fn effects(pool: &PgPool, event: &RecordedEvent) -> Result<Vec<Position>, sqlx::Error> {
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT global_position FROM events WHERE metadata ->> 'causation_id' = $1 ORDER BY global_position LIMIT $2",
    )
    .bind(event.event_id.to_string())
    .bind(EFFECTS_MAX)
    .fetch_all(pool)
    .await?;
    Ok(found.into_iter().map(Position::from_i64).collect())
}

/// The right that an event used.
pub fn right_used(event: &RecordedEvent) -> Option<Permission> {
    let payload = &event.payload;
    match event.stream.kind() {
        "playback" => PlaybackEvent::deserialize(payload).ok().as_ref().and_then(right::of_playback),
        "channel" => ChannelEvent::deserialize(payload).ok().as_ref().and_then(right::of_channel),
        "member" => MemberEvent::deserialize(payload).ok().as_ref().and_then(right::of_member),
        "invite" => InviteEvent::deserialize(payload).ok().as_ref().and_then(right::of_invite),
        "queue" => QueueEvent::deserialize(payload).ok().as_ref().and_then(right::of_queue),
        "report" => ReportEvent::deserialize(payload).ok().as_ref().and_then(right::of_report),
        "message" => MessageEvent::deserialize(payload).ok().as_ref().and_then(right::of_message),
        _ => None,
    }
}

/// What gave the actor the right that this event used, as things stood just before it.
pub async fn granted(store: &dyn EventStore, event: &RecordedEvent) -> Result<Option<(Permission, Grant)>, ReadError> {
    let channel = event.metadata.channel_id.as_deref().and_then(|id| id.parse::<ChannelId>().ok());
    let actor = event.metadata.actor.parse::<AccountId>().ok();
    let (Some(permission), Some(channel), Some(actor)) = (right_used(event), channel, actor) else { return Ok(None) };
    let mut sources = Sources::default();
    for recorded in before(store, &StreamId::channel(channel), event.position).await? {
        if let Ok(decoded) = ChannelEvent::deserialize(&recorded.payload) {
            sources.channel(&decoded, recorded.position);
        }
    }
    for recorded in before(store, &StreamId::member(channel, actor), event.position).await? {
        if let Ok(decoded) = MemberEvent::deserialize(&recorded.payload) {
            sources.member(&decoded, recorded.position);
        }
    }
    let grant = if event.event_type == "RemoteHandedOver" {
        sources.handed_over(actor)
    } else {
        sources.grant(actor, permission)
    };
    Ok(grant.map(|grant| (permission, grant)))
}

async fn before(
    store: &dyn EventStore,
    stream: &StreamId,
    position: Position,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.version);
        let page = store.read_stream(stream, after, PAGE_EVENTS).await?;
        let more = page.len() == PAGE_EVENTS && page.last().is_some_and(|last| last.position < position);
        events.extend(page.into_iter().filter(|event| event.position < position));
        if !more {
            return Ok(events);
        }
    }
}
