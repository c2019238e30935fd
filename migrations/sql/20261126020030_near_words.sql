-- Expand: what counts as a word like another. Likeness of letter triples alone found something for every jumble; now at most
-- two letters may be wrong, in the whole word or in as much of it as was typed. fuzzystrmatch is a trusted extension of
-- PostgreSQL's own packages, as pg_trgm is.

CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

-- The letters that are wrong in one word, as far as it was typed; more than two are three.
CREATE FUNCTION library_wrong_letters(p_word text, p_asked text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT
AS $$
    SELECT least(levenshtein_less_equal(p_word, p_asked, 2),
                 levenshtein_less_equal(left(p_word, length(p_asked)), p_asked, 2), 3)
$$;

CREATE OR REPLACE FUNCTION library_near(p_words text[]) RETURNS tsquery
LANGUAGE sql STABLE SET pg_trgm.similarity_threshold = '0.25'
AS $$
    SELECT to_tsquery('simple'::regconfig,
                      string_agg('(' || coalesce(likes, quote_literal(asked) || ':*') || ')', ' & '))
    FROM unnest(p_words) asked, LATERAL (
        SELECT string_agg(quote_literal(l.word), ' | ') AS likes FROM (
            SELECT c.word FROM (
                SELECT w.word, similarity(w.word, asked) AS likeness FROM rm_video_words w WHERE w.word % asked
                ORDER BY 2 DESC, w.word LIMIT 50) c
            -- Of a short word every letter counts.
            WHERE library_wrong_letters(c.word, asked) <= CASE WHEN length(asked) < 4 THEN 1 ELSE 2 END
            ORDER BY library_wrong_letters(c.word, asked), c.likeness DESC, c.word LIMIT 4) l) found
$$;
