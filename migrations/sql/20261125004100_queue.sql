-- The queue's read model, and what the timeline's gained (expand): a new table and new columns with a default, which
-- the running binary does not know and so leaves alone. Derived from the log and rebuilt from it at any time.

CREATE TABLE rm_queues (
    channel_id  uuid   PRIMARY KEY,
    -- The folded queue: items in order, what happens at a film's end, the votes to skip, the last queue.
    state       jsonb  NOT NULL,
    -- The load whose votes are over, because another film came or it ended.
    closed_load bigint NOT NULL DEFAULT 0,
    position    bigint NOT NULL
);

ALTER TABLE rm_playback ADD COLUMN held boolean NOT NULL DEFAULT false;
ALTER TABLE rm_playback ADD COLUMN speed_ppm bigint NOT NULL DEFAULT 1000000;
