-- Expand: API tokens, webhooks and what they were sent. New tables; the running program knows nothing of them.

-- The secrets of API tokens; terms are in the log, here only what a request needs to find them.
CREATE TABLE api_tokens (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    token_id     uuid NOT NULL UNIQUE,
    account_id   uuid NOT NULL,
    prefix       text NOT NULL CHECK (char_length(prefix) <= 16),
    issued_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    ended_at     timestamptz
);
CREATE INDEX api_tokens_account ON api_tokens (account_id) WHERE ended_at IS NULL;

-- Which webhooks there are; what they want is in the log.
CREATE TABLE webhooks (
    webhook_id    uuid PRIMARY KEY,
    account_id    uuid NOT NULL,
    everybody     boolean NOT NULL DEFAULT false,
    registered_at timestamptz NOT NULL DEFAULT now(),
    ended_at      timestamptz
);
CREATE INDEX webhooks_account ON webhooks (account_id) WHERE ended_at IS NULL;
CREATE INDEX webhooks_everybody ON webhooks (webhook_id) WHERE everybody AND ended_at IS NULL;

-- What webhooks are sent, once for each event: the id follows from the webhook and the event.
CREATE TABLE webhook_deliveries (
    delivery_id uuid PRIMARY KEY,
    webhook_id  uuid NOT NULL,
    topic       text NOT NULL,
    video_id    uuid NOT NULL,
    owner_id    uuid NOT NULL,
    happened_us bigint NOT NULL,
    position    bigint NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    last_status integer,
    last_error  text CHECK (char_length(last_error) <= 200),
    ended_at    timestamptz
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_shown ON webhook_deliveries (webhook_id, position DESC);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- What the external encoder told us, so that a repeat has no second effect and another text under the same id is refused.
CREATE TABLE encoder_calls (
    delivery_id text PRIMARY KEY CHECK (char_length(delivery_id) <= 64),
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    received_at timestamptz NOT NULL DEFAULT now()
);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON api_tokens, webhooks, webhook_deliveries, encoder_calls TO lockstep_app;
    END IF;
END $$;
