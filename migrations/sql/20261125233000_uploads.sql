-- Expand: what uploads are counted and found by, read straight from the log. Indexes only; the running program is not
-- affected.

-- An account's uploads.
CREATE INDEX events_uploads_by_owner ON events ((payload -> 'UploadRequested' ->> 'owner'), global_position)
    WHERE event_type = 'UploadRequested' AND aggregate_type = 'video';

-- How an upload ended.
CREATE INDEX events_upload_ends ON events (aggregate_id, event_type)
    WHERE aggregate_type = 'video'
      AND event_type IN ('UploadCompleted', 'UploadRejected', 'UploadAborted', 'Purged');

-- The same file of the same account.
CREATE INDEX events_upload_fingerprints ON events ((payload -> 'UploadFingerprinted' ->> 'fingerprint'), global_position)
    WHERE event_type = 'UploadFingerprinted' AND aggregate_type = 'video';
