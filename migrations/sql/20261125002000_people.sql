-- Expand: what sessions tell about themselves, links that let people in, and what the read model shows of a
-- suspension. New tables and columns with defaults; the running program reads and writes what it knew.

-- Where a session was started from, shown to its owner; bounded, because the browser wrote it.
ALTER TABLE sessions ADD COLUMN user_agent text NOT NULL DEFAULT '' CHECK (char_length(user_agent) <= 200);
ALTER TABLE sessions ADD COLUMN address text NOT NULL DEFAULT '' CHECK (char_length(address) <= 45);
-- Every process with open sockets asks for what was revoked lately.
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- How often the password was changed: the event of a change is noted again where a crash kept it out of the log.
ALTER TABLE credentials ADD COLUMN generation integer NOT NULL DEFAULT 0;

-- The secrets of registration links; terms are in the log, here only what a use needs.
CREATE TABLE registration_links (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    link_id      uuid NOT NULL UNIQUE,
    issued_at    timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    uses_max     integer NOT NULL CHECK (uses_max > 0),
    uses         integer NOT NULL DEFAULT 0 CHECK (uses BETWEEN 0 AND uses_max),
    revoked_at   timestamptz
);

-- Links that set a new password, each once.
CREATE TABLE password_resets (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    account_id   uuid NOT NULL,
    issued_by    uuid NOT NULL,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX password_resets_account ON password_resets (account_id);

ALTER TABLE rm_accounts ADD COLUMN suspended boolean NOT NULL DEFAULT false;
ALTER TABLE rm_accounts ADD COLUMN suspended_reason text NOT NULL DEFAULT '';
CREATE INDEX rm_accounts_by_name ON rm_accounts (lower(name), account_id);

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON registration_links, password_resets TO lockstep_app;
    END IF;
END $$;
