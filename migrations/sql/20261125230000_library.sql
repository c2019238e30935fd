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
    ADD COLUMN stored_bytes  bigint NOT NULL DEFAULT 0;

CREATE INDEX rm_videos_words ON rm_videos
    USING gin (to_tsvector('simple'::regconfig, title || ' ' || tag_words || ' ' || description));
CREATE INDEX rm_videos_like ON rm_videos USING gin (title gin_trgm_ops);
CREATE INDEX rm_videos_by_title ON rm_videos (lower(title), created_position);
CREATE INDEX rm_videos_by_length ON rm_videos (coalesce(duration_us, 0), created_position);
CREATE INDEX rm_videos_by_size ON rm_videos (size_bytes, created_position);
CREATE INDEX rm_videos_by_owner ON rm_videos (owner_id, created_position);
CREATE INDEX rm_videos_by_status ON rm_videos (status, created_position);
CREATE INDEX rm_videos_off_shelf ON rm_videos (trashed_at_us) WHERE shelf <> 'library';

-- Titles with a word like each of these, the most alike first: a letter left out, doubled, wrong or swapped. Only those of films the asker
-- may find. The threshold of likeness holds inside this function alone.
CREATE FUNCTION library_like(p_words text[], p_asker uuid, p_all boolean, p_limit integer)
RETURNS TABLE (video_id uuid, likeness real)
LANGUAGE sql STABLE SET pg_trgm.word_similarity_threshold = '0.4'
AS $$
    SELECT v.video_id, word_similarity(array_to_string(p_words, ' '), v.title) FROM rm_videos v
    WHERE array_to_string(p_words, ' ') <% v.title
      AND NOT EXISTS (SELECT 1 FROM unnest(p_words) word WHERE NOT word <% v.title)
      AND v.shelf = 'library' AND (p_all OR v.visibility = 'public' OR v.owner_id = p_asker)
    ORDER BY 2 DESC, v.created_position DESC LIMIT p_limit
$$;
