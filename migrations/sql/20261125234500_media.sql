-- Captions and storyboards (expand): a table and a column that the running program does not know. Only new events fill
-- them, so nothing is built anew.

CREATE TABLE rm_video_captions (
    video_id   uuid   NOT NULL,
    caption_id text   NOT NULL,
    language   text,
    label      text   NOT NULL,
    path       text   NOT NULL,
    origin     text   NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (video_id, caption_id)
);

ALTER TABLE rm_videos ADD COLUMN storyboard_path text;
