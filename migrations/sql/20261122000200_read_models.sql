-- Read models (expand): tables that nothing read before, derived from the log and rebuilt from it at any time.
-- The running binary survives this because it does not know them yet.
--
-- Every row carries the position of the last event it shows; an older event never overwrites it, so a replay
-- changes nothing. Times are microseconds since 1970 (as in the log). Personal values (names, chat text, file
-- names) are plain here: the tables may be dropped and rebuilt, and an erased value comes back as ''.

CREATE TABLE rm_accounts (
    account_id       uuid   PRIMARY KEY,
    name             text   NOT NULL,
    role             text   NOT NULL,
    registered_at_us bigint NOT NULL,
    position         bigint NOT NULL
);

CREATE TABLE rm_videos (
    video_id          uuid    PRIMARY KEY,
    owner_id          uuid    NOT NULL,
    title             text    NOT NULL,
    file_name         text    NOT NULL,
    size_bytes        bigint  NOT NULL,
    content_type      text    NOT NULL,
    status            text    NOT NULL,
    percent           integer NOT NULL DEFAULT 0,
    stage             text    NOT NULL DEFAULT '',
    eta_s             bigint,
    duration_us       bigint,
    width             integer,
    height            integer,
    container         text,
    video_codec       text,
    audio_codec       text,
    thumbnail_path    text,
    hls_path          text,
    dash_path         text,
    failure_stage     text,
    failure_code      text,
    failure_reason    text,
    failure_retryable boolean,
    created_at_us     bigint  NOT NULL,
    created_position  bigint  NOT NULL,
    version           bigint  NOT NULL,
    position          bigint  NOT NULL
);
CREATE INDEX rm_videos_newest ON rm_videos (created_position DESC);

CREATE TABLE rm_video_renditions (
    video_id      uuid    NOT NULL,
    name          text    NOT NULL,
    width         integer NOT NULL,
    height        integer NOT NULL,
    bandwidth_bps bigint  NOT NULL,
    codecs        text    NOT NULL,
    complete      boolean NOT NULL,
    position      bigint  NOT NULL,
    PRIMARY KEY (video_id, name)
);

CREATE TABLE rm_channels (
    channel_id       uuid    PRIMARY KEY,
    owner_id         uuid    NOT NULL,
    name             text    NOT NULL,
    slug             text    NOT NULL,
    visibility       text    NOT NULL,
    archived         boolean NOT NULL,
    created_at_us    bigint  NOT NULL,
    created_position bigint  NOT NULL,
    position         bigint  NOT NULL
);
-- Not unique: who owns a slug is decided on the write side; a read model never refuses an event.
CREATE INDEX rm_channels_slug ON rm_channels (slug);
CREATE INDEX rm_channels_newest ON rm_channels (created_position DESC);

CREATE TABLE rm_members (
    channel_id   uuid    NOT NULL,
    account_id   uuid    NOT NULL,
    role         text,   -- NULL: banned before ever joining
    present      boolean NOT NULL,
    banned       boolean NOT NULL,
    joined_at_us bigint,
    position     bigint  NOT NULL,
    PRIMARY KEY (channel_id, account_id)
);
CREATE INDEX rm_members_present ON rm_members (channel_id) WHERE present;
CREATE INDEX rm_members_account ON rm_members (account_id);

CREATE TABLE rm_messages (
    message_id  uuid   PRIMARY KEY,
    channel_id  uuid   NOT NULL,
    author_id   uuid   NOT NULL,
    text        text   NOT NULL,
    video_id    uuid,
    playback_us bigint,
    sent_at_us  bigint NOT NULL,
    position    bigint NOT NULL
);
CREATE INDEX rm_messages_newest ON rm_messages (channel_id, position DESC);

CREATE TABLE rm_playback (
    channel_id     uuid    PRIMARY KEY,
    video_id       uuid    NOT NULL,
    duration_us    bigint  NOT NULL,
    position_us    bigint  NOT NULL,
    at_us          bigint  NOT NULL,
    playing        boolean NOT NULL,
    recorded_at_us bigint  NOT NULL,
    position       bigint  NOT NULL
);
CREATE INDEX rm_playback_video ON rm_playback (video_id);
