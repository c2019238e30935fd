-- Read models (expand): what a channel's settings and a member's standing hold besides what was shown before, and
-- invites. The running binary survives this because every new column has a default and none that it reads changes.
-- The new columns are filled when the newer binary rebuilds both read models from the log.

ALTER TABLE rm_channels
    ADD COLUMN description           text    NOT NULL DEFAULT '',
    ADD COLUMN slow_mode_s           integer NOT NULL DEFAULT 0,
    ADD COLUMN remote_id             uuid,   -- NULL: everybody whose role permits it has the remote
    ADD COLUMN viewer_permissions    text[], -- NULL: as a new channel's
    ADD COLUMN moderator_permissions text[],
    ADD COLUMN admin_permissions     text[];

ALTER TABLE rm_members
    ADD COLUMN asking         boolean NOT NULL DEFAULT false,
    ADD COLUMN admitted       boolean NOT NULL DEFAULT false,
    ADD COLUMN muted          boolean NOT NULL DEFAULT false,
    ADD COLUMN muted_until_us bigint,  -- NULL while muted: not by itself
    ADD COLUMN overrides      jsonb   NOT NULL DEFAULT '{}';
CREATE INDEX rm_members_asking ON rm_members (channel_id) WHERE asking;
CREATE INDEX rm_members_banned ON rm_members (channel_id) WHERE banned;

CREATE TABLE rm_invites (
    invite_id     uuid    PRIMARY KEY,
    channel_id    uuid    NOT NULL,
    by_id         uuid    NOT NULL,
    issued_at_us  bigint  NOT NULL,
    expires_at_us bigint  NOT NULL,
    uses_max      integer NOT NULL,
    redeemed_by   uuid[]  NOT NULL,
    revoked       boolean NOT NULL,
    issued_position bigint NOT NULL,
    position      bigint  NOT NULL
);
CREATE INDEX rm_invites_newest ON rm_invites (channel_id, issued_position DESC);
