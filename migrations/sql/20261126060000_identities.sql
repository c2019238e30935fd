-- Expand: sign-in by a provider. New tables, one new column, and a password that may be missing: the running program
-- finds no password there and lets nobody in by one.

-- Which account an identity opens. The log says so too and decides; this is where a sign-in finds the account.
CREATE TABLE identities (
    -- SHA-256 of issuer and subject: what a provider calls somebody is not readable here.
    key_sha256   bytea PRIMARY KEY CHECK (octet_length(key_sha256) = 32),
    identity_id  uuid NOT NULL UNIQUE,
    account_id   uuid NOT NULL,
    issuer       text NOT NULL CHECK (char_length(issuer) <= 255),
    linked_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);
CREATE INDEX identities_account ON identities (account_id);

-- A browser on its way to the provider and back, for ten minutes, once. The secret is in its cookie only.
CREATE TABLE sign_in_attempts (
    secret_sha256  bytea PRIMARY KEY CHECK (octet_length(secret_sha256) = 32),
    purpose        text NOT NULL CHECK (purpose IN ('sign_in', 'link', 'confirm', 'name')),
    -- Who asked to link or to confirm, and in which session.
    account_id     uuid,
    session_sha256 bytea CHECK (octet_length(session_sha256) = 32),
    -- The registration link they came by.
    link_sha256    bytea CHECK (octet_length(link_sha256) = 32),
    return_to      text NOT NULL CHECK (char_length(return_to) <= 512),
    -- Whom the provider named, while they choose a name here.
    issuer         text CHECK (char_length(issuer) <= 255),
    subject        text CHECK (char_length(subject) <= 255),
    expires_at     timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_ended ON sign_in_attempts (expires_at);

-- When the provider last said anew who sits there: what a password is for accounts without one.
ALTER TABLE sessions ADD COLUMN confirmed_at timestamptz;

-- Accounts that are entered by a provider have a name of their own and no password, until they set one.
ALTER TABLE credentials ALTER COLUMN password_phc DROP NOT NULL;

DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON identities, sign_in_attempts TO lockstep_app;
    END IF;
END $$;
