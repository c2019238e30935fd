-- Expand: how long films were watched. A new read model.

-- What a channel plays, since when, and when it is over by itself.
CREATE TABLE rm_watching (
    channel_id  uuid PRIMARY KEY,
    video_id    uuid,
    duration_us bigint  NOT NULL DEFAULT 0,
    playing     boolean NOT NULL DEFAULT false,
    speed_ppm   bigint  NOT NULL DEFAULT 1000000,
    media_us    bigint  NOT NULL DEFAULT 0,
    since_us    bigint  NOT NULL DEFAULT 0,
    over_us     bigint  NOT NULL DEFAULT 0,
    position    bigint  NOT NULL
);

-- Who is in a channel, with how many windows, and up to when their watching is counted.
CREATE TABLE rm_watching_people (
    channel_id uuid   NOT NULL,
    account_id uuid   NOT NULL,
    windows    bigint NOT NULL,
    came_us    bigint NOT NULL,
    counted_us bigint NOT NULL,
    PRIMARY KEY (channel_id, account_id)
);

CREATE TABLE rm_watched (
    video_id   uuid PRIMARY KEY,
    watched_us bigint NOT NULL
);
