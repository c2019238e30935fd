-- Expand: the read model of notifications, with what it must know to find the people concerned. New tables; the running
-- binary does not know them.

CREATE TABLE rm_notifications (
    notification_id uuid    PRIMARY KEY,
    recipient_id    uuid    NOT NULL,
    position        bigint  NOT NULL,
    kind            text    NOT NULL,
    actor_id        uuid,
    channel_id      uuid,
    video_id        uuid,
    message_id      uuid,
    -- Of a channel that the recipient was in, as it was called then.
    channel_name    text,
    detail          text,
    until_us        bigint,
    read            boolean NOT NULL DEFAULT false,
    at_us           bigint  NOT NULL
);
CREATE INDEX rm_notifications_newest ON rm_notifications (recipient_id, position DESC);

-- How far each person has read everything.
CREATE TABLE rm_notifications_read (
    account_id uuid   PRIMARY KEY,
    through    bigint NOT NULL,
    position   bigint NOT NULL
);

-- Who may let people in.
CREATE TABLE rm_notifications_members (
    channel_id uuid    NOT NULL,
    account_id uuid    NOT NULL,
    role       text,
    present    boolean NOT NULL,
    banned     boolean NOT NULL,
    approves   boolean,
    position   bigint  NOT NULL,
    PRIMARY KEY (channel_id, account_id)
);
CREATE TABLE rm_notifications_defaults (
    channel_id uuid    NOT NULL,
    role       text    NOT NULL,
    approves   boolean NOT NULL,
    position   bigint  NOT NULL,
    PRIMARY KEY (channel_id, role)
);
-- What channels are called.
CREATE TABLE rm_notifications_names (
    channel_id uuid   PRIMARY KEY,
    name       text   NOT NULL,
    position   bigint NOT NULL
);
-- Whose film, and whose invite.
CREATE TABLE rm_notifications_owners (
    kind       text   NOT NULL,
    id         uuid   NOT NULL,
    owner_id   uuid   NOT NULL,
    channel_id uuid,
    PRIMARY KEY (kind, id)
);
