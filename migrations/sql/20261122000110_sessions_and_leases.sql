-- Expand: tables that are not in the log because they must not be kept for ever (secrets, leases).

CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    account_id   uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE credentials (
    account_id   uuid PRIMARY KEY,
    login_name   text NOT NULL,
    password_phc text NOT NULL
);
CREATE UNIQUE INDEX credentials_login_name ON credentials (lower(login_name));

-- Who works on which piece of a transcode, on this database's clock.
CREATE TABLE work_leases (
    video_id     uuid NOT NULL,
    item         int  NOT NULL,
    worker       text NOT NULL,
    attempt      int  NOT NULL,
    lease_until  timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (video_id, item)
);
