-- The library (expand): what its keepers changed of a film, and indexes to find films by. New columns have a default, which the
-- running binary leaves alone; its read model of version 1 is rebuilt by the next one. pg_trgm is a trusted extension of
-- PostgreSQL's own packages: whoever may create tables in this database may create it.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE rm_videos
    ADD COLUMN description   text   NOT NULL DEFAULT '',
    ADD COLUMN tags          text[] NOT NULL DEFAULT '{}',
    -- The tags as one text, for the search.
    ADD COLUMN tag_words     text   NOT NULL DEFAULT '',
    ADD COLUMN visibility    text   NOT NULL DEFAULT 'public',
    ADD COLUMN shelf         text   NOT NULL DEFAULT 'library',
    ADD COLUMN trashed_at_us bigint,
    ADD COLUMN purge_at_us   bigint,
    ADD COLUMN stored_bytes  bigint NOT NULL DEFAULT 0,
    -- What a search looks into: title, tags and description, weighed. Not generated: a rebuild copies whole rows.
    ADD COLUMN document      tsvector NOT NULL DEFAULT '';

CREATE FUNCTION library_document(p_title text, p_tags text, p_description text) RETURNS tsvector
LANGUAGE sql IMMUTABLE
AS $$
    SELECT setweight(to_tsvector('simple'::regconfig, p_title), 'A')
        || setweight(to_tsvector('simple'::regconfig, p_tags), 'B')
        || setweight(to_tsvector('simple'::regconfig, p_description), 'D')
$$;

-- Every word that was ever in a title. It names no film, and what it leads to is a search like any other.
CREATE TABLE rm_video_words (word text PRIMARY KEY);
CREATE INDEX rm_video_words_like ON rm_video_words USING gin (word gin_trgm_ops);

CREATE INDEX rm_videos_words ON rm_videos USING gin (document);
CREATE INDEX rm_videos_by_title ON rm_videos (lower(title), created_position);
CREATE INDEX rm_videos_by_length ON rm_videos (coalesce(duration_us, 0), created_position);
CREATE INDEX rm_videos_by_size ON rm_videos (size_bytes, created_position);
CREATE INDEX rm_videos_by_owner ON rm_videos (owner_id, created_position);
CREATE INDEX rm_videos_by_status ON rm_videos (status, created_position);
CREATE INDEX rm_videos_off_shelf ON rm_videos (trashed_at_us) WHERE shelf <> 'library';

-- A search for words like these, where nothing has the words themselves: a letter left out, doubled, wrong or swapped.
-- The threshold of likeness holds inside this function alone.
CREATE FUNCTION library_near(p_words text[]) RETURNS tsquery
LANGUAGE sql STABLE SET pg_trgm.similarity_threshold = '0.25'
AS $$
    SELECT to_tsquery('simple'::regconfig,
                      string_agg('(' || coalesce(likes, quote_literal(asked) || ':*') || ')', ' & '))
    FROM unnest(p_words) asked, LATERAL (
        SELECT string_agg(quote_literal(l.word), ' | ') AS likes FROM (
            SELECT w.word FROM rm_video_words w WHERE w.word % asked
            ORDER BY similarity(w.word, asked) DESC, w.word LIMIT 4) l) found
$$;
