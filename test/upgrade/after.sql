-- The upgraded cluster goes on: changes are logged, seen and stored. Every row that it prints must be true.
SET timezone = 'UTC'; SET jit = off;
SET client_min_messages = warning;
SET headcount.as_of = '2026-02-01 12:00+00';
CREATE FUNCTION is_same() RETURNS boolean LANGUAGE sql AS $$
    SELECT NOT EXISTS ((TABLE stored.daily_user_counts EXCEPT ALL TABLE live.daily_user_counts) UNION ALL (TABLE live.daily_user_counts EXCEPT ALL TABLE stored.daily_user_counts))
       AND NOT EXISTS ((TABLE stored.daily_user_counts_by_hall EXCEPT ALL TABLE live.daily_user_counts_by_hall) UNION ALL (TABLE live.daily_user_counts_by_hall EXCEPT ALL TABLE stored.daily_user_counts_by_hall))
       AND NOT EXISTS (SELECT FROM headcount.verify('stored'))
$$;
CREATE FUNCTION dirty_days() RETURNS integer LANGUAGE sql AS $$ SELECT s.dirty_days FROM headcount.source_status AS s WHERE s.source = 'stored' AND s.exact $$;
SELECT is_same(), dirty_days() > 0;
CALL headcount.refresh('stored');
SELECT is_same(), dirty_days() = 0;
INSERT INTO login VALUES (5000, 'new', 'host 1', 'nas 0', '2026-01-14 10:00', '2026-01-15 10:00');
UPDATE login SET who = 'changed' WHERE id = 200;
SELECT is_same(), dirty_days() > 0;
CALL headcount.refresh('stored');
SELECT is_same(), dirty_days() = 0;
SELECT headcount.freeze('stored', NULL) IS NOT NULL;
ALTER TABLE login RENAME TO logins;
INSERT INTO logins VALUES (5001, 'newer', 'host 1', 'nas 0', '2026-01-04 10:00', '2026-01-05 10:00');
SELECT is_same(), dirty_days() > 2;      -- these two days, and those that were frozen
CALL headcount.rebuild('stored');
SELECT is_same(), dirty_days() = 0;
SELECT headcount.alter_source('stored', window_days => 3) IS NOT NULL;
SELECT headcount.create_source('another', 'logins', 'who', 'mac', 'came', 'went') IS NOT NULL;
CALL headcount.refresh();
SELECT count(*) = 2 FROM headcount.source_status AS s WHERE s.materialized AND s.exact AND s.dirty_days = 0;
SELECT headcount.drop_source(name) IS NOT NULL FROM unnest(ARRAY['stored', 'live', 'another']) AS name;
