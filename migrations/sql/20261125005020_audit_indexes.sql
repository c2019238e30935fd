-- Expand: what the administrators' list asks the log by. Indexes only; the running binary survives them.

CREATE INDEX events_actor ON events ((metadata ->> 'actor'), global_position);
CREATE INDEX events_type ON events (aggregate_type, event_type, global_position);
CREATE INDEX events_recorded ON events (recorded_at, global_position);
CREATE INDEX events_cause ON events ((metadata ->> 'causation_id'), global_position)
    WHERE metadata ->> 'causation_id' IS NOT NULL;
