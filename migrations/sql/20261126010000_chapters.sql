-- Chapters of films (expand): a column that the running program does not know and leaves at its default. The read model's
-- version is raised, so what an older program applied meanwhile is built anew.

ALTER TABLE rm_videos ADD COLUMN chapters jsonb NOT NULL DEFAULT '[]';
