-- Expand: the picture a film's keeper chose. The running binary leaves the new column alone; its read model of version 2 is
-- rebuilt by the next one.
ALTER TABLE rm_videos ADD COLUMN poster_path text;
