-- What is stored of a source, over the reference set of a year that ends now.

SET timezone = 'UTC';
SET client_min_messages = warning;
-- As a table that people have: a key, and indexes of its own.
ALTER TABLE sessions ADD COLUMN id bigserial PRIMARY KEY;
CREATE INDEX ON sessions (started_at);
VACUUM ANALYZE sessions;
CREATE EXTENSION headcount CASCADE;
SELECT headcount.create_source(name, 'sessions', user_name => 'user_name', host => 'host', started_at => 'started_at', ended_at => 'ended_at',
    time_zone => 'UTC', denials => 'denials', denied_user => 'user_name', denied_at => 'denied_at', materialized => name = 'kept')
FROM unnest(ARRAY['kept', 'live']) AS name;
SELECT headcount.create_indexes('kept');
ANALYZE sessions;
ANALYZE denials;
CREATE MATERIALIZED VIEW plain AS SELECT * FROM live.daily_user_counts WITH NO DATA;

-- 500 sessions of the last two hours, and 500 on two days of the year, end a minute later.
CREATE PROCEDURE change(seed integer) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sessions SET ended_at = ended_at + interval '1 minute'
    WHERE id IN (SELECT id FROM sessions WHERE started_at > now() - interval '2 hours' AND ended_at IS NOT NULL LIMIT 500);
    UPDATE sessions SET ended_at = ended_at + interval '1 minute'
    WHERE id IN (SELECT s.id FROM generate_series(0, 1) AS i,
                     LATERAL (SELECT id FROM sessions WHERE started_at >= current_date - 20 - (seed * 37 + i * 151) % 330 AND started_at < current_date - 20 - (seed * 37 + i * 151) % 330 + interval '20 hours'
                                AND ended_at < started_at + interval '3 hours' ORDER BY started_at LIMIT 250) AS s);
END
$$;
-- One late change, for reading a year with a dirty day.
CREATE PROCEDURE change_one() LANGUAGE sql AS $$
    UPDATE sessions SET ended_at = ended_at + interval '1 minute' WHERE id = (SELECT id FROM sessions WHERE started_at >= current_date - 100 AND ended_at IS NOT NULL ORDER BY started_at LIMIT 1)
$$;
CHECKPOINT;
