-- What commands keep besides events. Expand step: new tables and a column with a default, nothing reads them yet.

-- One slug names one channel; taken before the channel's first event.
CREATE TABLE channel_slugs (
    slug       text PRIMARY KEY,
    channel_id uuid NOT NULL
);

-- Where the reactions are in the log.
CREATE TABLE reaction_checkpoints (
    name     text PRIMARY KEY,
    position bigint NOT NULL
);

-- Who administers the installation, known at once while read models lag.
ALTER TABLE credentials ADD COLUMN administrator boolean NOT NULL DEFAULT false;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON channel_slugs, reaction_checkpoints TO lockstep_app;
    END IF;
END $$;
