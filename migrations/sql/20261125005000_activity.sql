-- Expand: the read model of what was done in each channel. New tables; the running binary does not know them.

CREATE TABLE rm_activity (
    position     bigint PRIMARY KEY,
    channel_id   uuid   NOT NULL,
    event_id     uuid   NOT NULL,
    -- NULL: the program itself.
    actor_id     uuid,
    kind         text   NOT NULL,
    event_type   text   NOT NULL,
    target_id    uuid,
    video_id     uuid,
    -- What was changed, and from what to what; texts about people are not copied here.
    facet        text,
    before_value jsonb,
    after_value  jsonb,
    -- What whoever takes it back must be permitted; NULL: it cannot be taken back.
    needs        text,
    -- The action that this one took back.
    undoes       bigint,
    at_us        bigint NOT NULL
);
CREATE INDEX rm_activity_newest ON rm_activity (channel_id, position DESC);
CREATE INDEX rm_activity_kind ON rm_activity (channel_id, kind, position DESC);
CREATE INDEX rm_activity_event ON rm_activity (event_id);

-- What each thing that can be changed is now, to tell what the next change replaced.
CREATE TABLE rm_activity_values (
    channel_id uuid   NOT NULL,
    facet      text   NOT NULL,
    value      jsonb,
    -- The last change that can be taken back.
    claimed    bigint NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (channel_id, facet)
);
