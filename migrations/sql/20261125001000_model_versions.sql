-- Expand: which version of its projection a read model was built by. The running binary survives this because it
-- names the columns it writes; its own rows count as version 1 until a newer binary leads and rebuilds them.

ALTER TABLE es_subscriptions ADD COLUMN model_version integer NOT NULL DEFAULT 1;
