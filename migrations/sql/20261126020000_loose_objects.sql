-- Expand: objects of films that may have to go, kept apart from the log because they are no facts about a film: what is
-- stored before the log says so (if nobody ever says so, it goes), and what the log does not want any more.
CREATE TABLE loose_objects (
    object_key text PRIMARY KEY,
    video_id   uuid NOT NULL,
    -- From then on whatever the log does not name is removed.
    due        timestamptz NOT NULL
);
CREATE INDEX loose_objects_due ON loose_objects (due);
