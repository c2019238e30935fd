-- Chat (expand): what a message became, reactions, pins, reports, and the pace people talk at. The running binary
-- survives this: new columns have defaults, and nothing reads the new tables yet.

-- `position` stays the place where a message was said, by which pages are ordered; `changed_position` is the last
-- event the row shows.
ALTER TABLE rm_messages
    ADD COLUMN changed_position bigint NOT NULL DEFAULT 0,
    ADD COLUMN edited_at_us     bigint,
    ADD COLUMN redacted_by      uuid,
    ADD COLUMN redaction_reason text,
    ADD COLUMN pinned_position  bigint,
    ADD COLUMN reply_to         uuid,
    ADD COLUMN reply_author     uuid,
    ADD COLUMN mentions         uuid[] NOT NULL DEFAULT '{}';
CREATE INDEX rm_messages_changed ON rm_messages (channel_id, greatest(position, changed_position));
CREATE INDEX rm_messages_pinned ON rm_messages (channel_id) WHERE pinned_position IS NOT NULL;
-- 'simple': no language is assumed, words are found as they were written, whatever their case.
CREATE INDEX rm_messages_words ON rm_messages USING gin (to_tsvector('simple', text));

-- A reaction taken back stays as a row, so that an older event replayed does not bring it back.
CREATE TABLE rm_message_reactions (
    message_id uuid    NOT NULL,
    emoji      text    NOT NULL,
    account_id uuid    NOT NULL,
    present    boolean NOT NULL,
    position   bigint  NOT NULL,
    PRIMARY KEY (message_id, emoji, account_id)
);

CREATE TABLE rm_reports (
    report_id         uuid   PRIMARY KEY,
    channel_id        uuid   NOT NULL,
    message_id        uuid   NOT NULL,
    reporter_id       uuid   NOT NULL,
    reason            text   NOT NULL,
    author_id         uuid   NOT NULL,
    text              text   NOT NULL,
    said_at_us        bigint NOT NULL,
    playback_us       bigint,
    filed_at_us       bigint NOT NULL,
    filed_position    bigint NOT NULL,
    resolved_by       uuid,
    action            text,
    note              text,
    resolved_at_us    bigint,
    resolved_position bigint
);
CREATE INDEX rm_reports_queue ON rm_reports (channel_id, filed_position DESC);

-- Who last said something where, on this database's clock, for every process alike. Unlogged: it changes with each
-- message and no message may wait for it to be durable; after a crash of the database everybody starts afresh.
CREATE UNLOGGED TABLE chat_pace (
    channel_id     uuid NOT NULL,
    account_id     uuid NOT NULL,
    kind           text NOT NULL,
    last_operation uuid,
    last_at        timestamptz,
    recent         timestamptz[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (channel_id, account_id, kind)
);

-- Takes one turn, or says how long to wait. The row's lock makes turns of one person follow each other, whichever
-- process asks. The same operation takes its turn once. p_slow_ms NULL: neither waits for slow mode nor starts it.
CREATE FUNCTION chat_pace_take(
    p_channel uuid, p_account uuid, p_kind text, p_operation uuid, p_slow_ms bigint, p_burst int, p_window_ms bigint,
    OUT o_slow_wait_ms bigint, OUT o_burst_wait_ms bigint
) LANGUAGE plpgsql AS $$
DECLARE
    held  chat_pace%ROWTYPE;
    v_now timestamptz;
    v_recent timestamptz[];
BEGIN
    o_slow_wait_ms := 0;
    o_burst_wait_ms := 0;
    INSERT INTO chat_pace (channel_id, account_id, kind) VALUES (p_channel, p_account, p_kind) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT held FROM chat_pace
        WHERE channel_id = p_channel AND account_id = p_account AND kind = p_kind FOR UPDATE;
    IF held.last_operation = p_operation THEN
        RETURN;
    END IF;
    v_now := clock_timestamp();
    IF p_slow_ms IS NOT NULL AND held.last_at IS NOT NULL THEN
        o_slow_wait_ms := greatest(0, p_slow_ms - floor(extract(epoch FROM v_now - held.last_at) * 1000)::bigint);
    END IF;
    v_recent := ARRAY(SELECT at FROM unnest(held.recent) AS at
                      WHERE at > v_now - make_interval(secs => p_window_ms / 1000.0) ORDER BY at);
    IF cardinality(v_recent) >= p_burst THEN
        o_burst_wait_ms := greatest(1, p_window_ms
            - floor(extract(epoch FROM v_now - v_recent[cardinality(v_recent) - p_burst + 1]) * 1000)::bigint);
    END IF;
    IF o_slow_wait_ms > 0 OR o_burst_wait_ms > 0 THEN
        RETURN;
    END IF;
    UPDATE chat_pace SET last_operation = p_operation, recent = v_recent || v_now,
        last_at = CASE WHEN p_slow_ms IS NULL THEN last_at ELSE v_now END
        WHERE channel_id = p_channel AND account_id = p_account AND kind = p_kind;
END
$$;

-- A pin takes its place here before its event; the message's stream stays the truth, and a place whose message is not
-- pinned is given up when places run out.
CREATE TABLE chat_pins (
    channel_id uuid NOT NULL,
    message_id uuid NOT NULL,
    taken_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (channel_id, message_id)
);

CREATE FUNCTION chat_pin_take(p_channel uuid, p_message uuid, p_max int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('chat_pins ' || p_channel::text, 0));
    IF EXISTS (SELECT FROM chat_pins WHERE channel_id = p_channel AND message_id = p_message) THEN
        RETURN true;
    END IF;
    IF (SELECT count(*) FROM chat_pins WHERE channel_id = p_channel) >= p_max THEN
        RETURN false;
    END IF;
    INSERT INTO chat_pins (channel_id, message_id) VALUES (p_channel, p_message);
    RETURN true;
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON rm_message_reactions, rm_reports, chat_pace, chat_pins
            TO lockstep_app;
    END IF;
END $$;
