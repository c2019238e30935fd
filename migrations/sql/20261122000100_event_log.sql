-- Expand: the event log. One head row orders every append; es_append is the only way in for the application.
-- The first seven columns of events are the table of the postgres-es crate, so that crate reads and writes it unchanged.

CREATE TABLE es_head (
    id            smallint PRIMARY KEY DEFAULT 0 CHECK (id = 0),
    epoch         uuid   NOT NULL DEFAULT gen_random_uuid(),
    last_position bigint NOT NULL,
    commit_no     bigint NOT NULL,
    last_hash     bytea  NOT NULL
) WITH (fillfactor = 10);  -- room on the page for heap-only updates: this row changes once per batch

INSERT INTO es_head (last_position, commit_no, last_hash) VALUES (0, 0, decode(repeat('00', 32), 'hex'));

-- The compatibility path only (plain INSERTs of postgres-es in tests): gap-free, but it holds the head until COMMIT.
CREATE FUNCTION es_next_position() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    UPDATE public.es_head SET last_position = last_position + 1 WHERE id = 0 RETURNING last_position
$$;

CREATE TABLE events (
    aggregate_type  text COLLATE "C" NOT NULL,  -- compared byte by byte: quick, and the same under every ICU version
    aggregate_id    text COLLATE "C" NOT NULL,
    sequence        bigint NOT NULL CHECK (sequence > 0),
    event_type      text   NOT NULL,
    event_version   text   NOT NULL,
    payload         jsonb  NOT NULL,
    metadata        jsonb  NOT NULL,
    global_position bigint NOT NULL DEFAULT es_next_position(),
    event_id        uuid   NOT NULL DEFAULT gen_random_uuid(),
    occurred_at     timestamptz NOT NULL DEFAULT clock_timestamp(),  -- the caller's clock: never used for order
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),  -- this database's clock, one reading per commit
    leaf_hash       bytea CHECK (octet_length(leaf_hash) = 32),
    channel_id      uuid GENERATED ALWAYS AS ((metadata ->> 'channel_id')::uuid) STORED,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE UNIQUE INDEX events_position ON events (global_position);
CREATE UNIQUE INDEX events_event_id ON events (event_id);
CREATE INDEX events_channel ON events (channel_id, global_position) WHERE channel_id IS NOT NULL;

CREATE TABLE es_commits (
    commit_no      bigint PRIMARY KEY,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    previous_hash  bytea  NOT NULL,
    hash           bytea  NOT NULL,
    node           text   NOT NULL
);

CREATE FUNCTION es_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION es_refuse_change();
CREATE TRIGGER es_commits_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON es_commits
    FOR EACH STATEMENT EXECUTE FUNCTION es_refuse_change();

-- Appends one batch of commands in one statement. Arrays by prefix: s_ every stream the batch writes or guards,
-- once; c_ one per command; g_ one per guard; e_ one per event, in command order. Indexes are 1-based.
-- The caller puts at most one command per stream into a batch, and never a guard behind a command of the same
-- batch that writes the guarded stream. Per command the answer is A appended, C conflict, G guard failed or
-- D duplicate (its first event is already stored); refused commands cost nothing and burn no position.
CREATE FUNCTION es_append(
    p_node text,
    s_type text[], s_id text[],
    c_stream int[], c_expected bigint[], c_events int[], c_first uuid[],
    g_command int[], g_stream int[], g_version bigint[],
    e_command int[], e_stream_type text[], e_stream_id text[], e_sequence bigint[], e_id uuid[], e_type text[],
    e_version text[], e_payload text[], e_metadata text[], e_occurred timestamptz[], e_leaf bytea[],
    OUT o_recorded_at timestamptz, OUT o_last_position bigint,
    OUT o_status text[], OUT o_actual bigint[], OUT o_guard int[], OUT o_first bigint[]
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp
  SET enable_seqscan = off        -- a plan made while the table was empty must not scan it when it is full
  SET enable_bitmapscan = off
  SET jit = off
AS $$
DECLARE
    h        public.es_head%ROWTYPE;
    s_actual bigint[];
    appended boolean[];
    v_count  bigint;
    v_hash   bytea;
BEGIN
    -- The only lock: order of locks = order of commits = order of positions. Every later statement takes a new
    -- snapshot, so it sees all that was committed before the lock was granted.
    SELECT * INTO STRICT h FROM public.es_head WHERE id = 0 FOR UPDATE;
    o_recorded_at := clock_timestamp();

    SELECT array_agg(coalesce((SELECT max(e.sequence) FROM public.events e
                               WHERE e.aggregate_type = s.t AND e.aggregate_id = s.i), 0) ORDER BY s.n)
      INTO s_actual
      FROM unnest(s_type, s_id) WITH ORDINALITY AS s(t, i, n);

    SELECT array_agg(r.status ORDER BY r.n), array_agg(r.status = 'A' ORDER BY r.n),
           array_agg(s_actual[coalesce(r.guard, r.stream)] ORDER BY r.n),
           array_agg(r.guard ORDER BY r.n),
           array_agg(h.last_position + 1 + r.through - r.taken ORDER BY r.n),
           sum(r.taken)
      INTO o_status, appended, o_actual, o_guard, o_first, v_count
      FROM (
        SELECT d.n, d.status, d.stream, CASE WHEN d.status = 'G' THEN d.guard END AS guard, t.taken,
               sum(t.taken) OVER (ORDER BY d.n ROWS UNBOUNDED PRECEDING) AS through
          FROM (
            -- OFFSET 0 keeps the CASE from being evaluated once per use; a scalar subquery, unlike EXISTS, is
            -- never planned as a hash over the whole log.
            SELECT c.n, c.stream, c.events, g.stream AS guard,
                   CASE WHEN (SELECT e.global_position FROM public.events e WHERE e.event_id = c.first) IS NOT NULL THEN 'D'
                        WHEN s_actual[c.stream] <> c.expected THEN 'C'
                        WHEN g.stream IS NOT NULL THEN 'G'
                        ELSE 'A' END AS status
              FROM unnest(c_stream, c_expected, c_events, c_first) WITH ORDINALITY AS c(stream, expected, events, first, n)
              LEFT JOIN (SELECT f.command, min(f.stream) AS stream
                           FROM unnest(g_command, g_stream, g_version) AS f(command, stream, version)
                          WHERE s_actual[f.stream] <> f.version GROUP BY f.command) g ON g.command = c.n
             OFFSET 0
          ) d CROSS JOIN LATERAL (SELECT CASE WHEN d.status = 'A' THEN d.events ELSE 0 END AS taken) t
      ) r;

    o_last_position := h.last_position + v_count;
    IF v_count = 0 THEN
        RETURN;
    END IF;

    INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                               global_position, event_id, occurred_at, recorded_at, leaf_hash)
    SELECT e.stream_type, e.stream_id, e.sequence, e.type, e.version, e.payload::jsonb, e.metadata::jsonb,
           h.last_position + row_number() OVER (ORDER BY e.n), e.id, e.occurred, o_recorded_at, e.leaf
      FROM unnest(e_command, e_stream_type, e_stream_id, e_sequence, e_id, e_type, e_version, e_payload, e_metadata,
                  e_occurred, e_leaf) WITH ORDINALITY
           AS e(command, stream_type, stream_id, sequence, id, type, version, payload, metadata, occurred, leaf, n)
     WHERE appended[e.command];
    IF NOT FOUND THEN
        RAISE EXCEPTION 'es_append: commands without events';
    END IF;

    SELECT sha256(h.last_hash || int8send(h.commit_no + 1) || int8send(h.last_position + 1)
                  || int8send((extract(epoch FROM o_recorded_at) * 1000000)::bigint)
                  || string_agg(l.leaf, ''::bytea ORDER BY l.n))
      INTO v_hash
      FROM unnest(e_command, e_leaf) WITH ORDINALITY AS l(command, leaf, n)
     WHERE appended[l.command];

    INSERT INTO public.es_commits (commit_no, first_position, last_position, recorded_at, previous_hash, hash, node)
    VALUES (h.commit_no + 1, h.last_position + 1, o_last_position, o_recorded_at, h.last_hash, v_hash, p_node);
    UPDATE public.es_head SET last_position = o_last_position, commit_no = h.commit_no + 1, last_hash = v_hash WHERE id = 0;
END
$$;

-- How far each consumer of the log has come.
CREATE TABLE es_subscriptions (
    name        text   NOT NULL,
    version     int    NOT NULL DEFAULT 1,
    partition   int    NOT NULL DEFAULT 0,
    position    bigint NOT NULL DEFAULT 0,
    epoch       uuid,
    status      text   NOT NULL DEFAULT 'live',
    owner       text,
    lease_until timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version, partition)
);

-- One key per person for ever; a destroyed key leaves a row without key bytes, so that nothing is sealed for them again.
CREATE TABLE es_subject_keys (
    subject      text PRIMARY KEY,
    key_id       uuid NOT NULL UNIQUE,
    wrapped_key  bytea,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL))
);

-- The subject's key: the stored one, or the offered one when there was none.
CREATE FUNCTION es_subject_key(p_subject text, p_key_id uuid, p_wrapped bytea, OUT o_key_id uuid, OUT o_wrapped bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO public.es_subject_keys (subject, key_id, wrapped_key) VALUES (p_subject, p_key_id, p_wrapped)
        ON CONFLICT (subject) DO NOTHING;
    SELECT k.key_id, k.wrapped_key INTO o_key_id, o_wrapped FROM public.es_subject_keys k WHERE k.subject = p_subject;
END
$$;

-- Makes everything sealed for the subject unreadable. True when a key was there to destroy.
CREATE FUNCTION es_destroy_subject_key(p_subject text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE public.es_subject_keys SET wrapped_key = NULL, destroyed_at = clock_timestamp()
        WHERE subject = p_subject AND destroyed_at IS NULL;
    RETURN FOUND;
END
$$;
