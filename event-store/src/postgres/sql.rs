//! Every statement of the log's reads and writes. Bound parameters only.

/// The columns of `rows::EventRow`.
macro_rules! event_columns {
    () => {
        "e.global_position, e.aggregate_type, e.aggregate_id, e.sequence, e.event_id, e.event_type, e.event_version, \
         e.payload, e.metadata, e.occurred_at, e.recorded_at"
    };
}

/// No horizon is needed: the head row's lock is released only after the commit is visible.
pub const READ_AFTER: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events e WHERE e.global_position > $1 ORDER BY e.global_position LIMIT $2"
);

pub const READ_AT: &str =
    concat!("SELECT ", event_columns!(), " FROM events e WHERE e.global_position = ANY($1) ORDER BY e.global_position");

pub const READ_CHANNEL: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events e WHERE e.channel_id = $1 AND e.global_position > $2 ORDER BY e.global_position LIMIT $3"
);

/// Several streams in one round trip; `asked` says which.
pub const READ_STREAMS: &str = concat!(
    "SELECT r.n AS asked, e.* FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY \
       AS r(kind, id, after, events_max, n) \
     CROSS JOIN LATERAL (SELECT ",
    event_columns!(),
    " FROM events e WHERE e.aggregate_type = r.kind AND e.aggregate_id = r.id AND e.sequence > r.after \
       ORDER BY e.sequence LIMIT r.events_max) e \
     ORDER BY r.n, e.sequence"
);

pub const FIND_EVENTS: &str = "SELECT event_id, aggregate_type, aggregate_id, sequence, global_position, recorded_at \
     FROM events WHERE event_id = ANY($1)";

pub const EVENTS_FROM: &str = "SELECT event_id, sequence, global_position FROM events \
     WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence >= $3 ORDER BY sequence LIMIT $4";

/// The versions of several streams, in the order asked.
pub const VERSIONS: &str = "SELECT coalesce((SELECT max(e.sequence) FROM events e \
       WHERE e.aggregate_type = s.kind AND e.aggregate_id = s.id), 0) \
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS s(kind, id, n) ORDER BY s.n";

pub const APPEND: &str = "SELECT o_recorded_at, o_last_position, o_status, o_actual, o_guard, o_first \
     FROM es_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";

pub const HEAD: &str = "SELECT last_position FROM es_head WHERE id = 0";
