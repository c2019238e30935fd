-- Expand: since when a name is taken. A name whose account no log knows is given back after a while: a crash, or an answer
-- that was lost on its way, had left it behind.
ALTER TABLE credentials ADD COLUMN reserved_at timestamptz NOT NULL DEFAULT now();

-- The next thing each webhook is to be told.
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (webhook_id, next_at) WHERE state = 'waiting';

-- Which visits somebody in a channel is there by: one whose end was never told keeps no later one from ending.
CREATE TABLE rm_watching_visits (
    visit_id   uuid PRIMARY KEY,
    channel_id uuid   NOT NULL,
    account_id uuid   NOT NULL,
    came_us    bigint NOT NULL
);
CREATE INDEX rm_watching_visits_of ON rm_watching_visits (channel_id, account_id);

