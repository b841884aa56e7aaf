-- Sessions of which a table has the duration, or no end at all.
SET timezone = 'America/New_York'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'
CREATE SCHEMA calls;
CREATE TABLE calls.call (caller text, phone text, at timestamptz, at_local timestamp, took interval, secs numeric(20, 6), until timestamptz, id bigint GENERATED ALWAYS AS IDENTITY);

-- An instant and so much after it: days are of 24 hours, whoever reads and on whatever day; also over the changes of the clock in
-- Warsaw and New York.
SELECT a.at AT TIME ZONE 'UTC' AS starts, d AS duration, headcount_internal.end_after(a.at, d::interval) AT TIME ZONE 'UTC' AS ends
FROM (VALUES (timestamptz '2024-03-30 12:00+00'), ('2024-11-02 12:00+00')) AS a (at), unnest(ARRAY['1 day', '24:00:00', '-00:00:01', '1 mon', '00:00:00.000001']) AS d ORDER BY 1, 2;
SELECT s, headcount_internal.end_after('2024-03-30 12:00+00', s) AT TIME ZONE 'UTC' AS ends
FROM unnest(ARRAY[0, 86400, 0.000001, -1, 'infinity', '-infinity', 'NaN', 1e300, -1e300, 9e9]::double precision[]) AS s;
SELECT headcount_internal.end_after(a, interval '1 hour'), headcount_internal.end_after(a, 3600) FROM unnest(ARRAY[NULL, '-infinity', 'infinity']::timestamptz[]) AS a;

-- The same sessions told in four ways.
INSERT INTO calls.call (caller, phone, at, at_local, took, secs)
SELECT 'c' || oracle.dice(7, n, 'who', 12), 'p' || oracle.dice(7, n, 'phone', 9), t.at, t.at AT TIME ZONE 'Europe/Warsaw', make_interval(secs => d.secs::double precision), d.secs
FROM generate_series(1, 400) AS n,
     LATERAL (SELECT timestamptz '2024-03-25 00:00+00' + make_interval(mins => oracle.dice(7, n, 'at', 14000)) AS at) AS t,
     LATERAL (SELECT CASE oracle.dice(7, n, 'kind', 12) WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN -5 WHEN 3 THEN 200000.000001 ELSE oracle.dice(7, n, 'secs', 20000) END AS secs) AS d;
-- a local time that there is twice, or not at all, is an instant as well
UPDATE calls.call SET at = at_local AT TIME ZONE 'Europe/Warsaw';
UPDATE calls.call SET until = timestamptz 'epoch' + make_interval(secs => extract(epoch FROM at)::double precision) + took;
UPDATE calls.call SET until = to_timestamp(0) + (extract(epoch FROM at) + secs) * interval '1 second' WHERE secs IS NOT NULL;
SELECT headcount.create_source('told', 'calls.call', 'caller', 'phone', 'at', 'until', time_zone => 'Europe/Warsaw') <> '' AS made;
SELECT headcount.create_source(name, 'calls.call', 'caller', 'phone', started_at, NULL, duration => duration, time_zone => 'Europe/Warsaw', materialized => name <> 'by_hand') <> '' AS made
FROM (VALUES ('by_interval', 'at', 'took'), ('by_seconds', 'at', 'secs'), ('by_local', 'at_local', 'secs::integer + (secs - secs::integer)'), ('by_hand', 'at', 'took * 1')) AS v (name, started_at, duration);
SET headcount.as_of = '2024-04-03 15:00+00';
CREATE FUNCTION calls.differences() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    name text; view text; verdict text;
BEGIN
    FOREACH name IN ARRAY ARRAY['by_interval', 'by_seconds', 'by_local', 'by_hand'] LOOP
        FOREACH view IN ARRAY ARRAY['sessions', 'online_users', 'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025'] LOOP
            verdict := judge.compare(format('TABLE %I.%I', name, view), format('TABLE told.%I', view));
            IF verdict NOT LIKE 'equal, %' THEN RETURN NEXT name || '.' || view || ': ' || verdict; END IF;
        END LOOP;
    END LOOP;
END
$$;
SELECT count(*) > 300 AS sessions FROM told.sessions;
SELECT * FROM calls.differences();
-- They are tracked by triggers, and have the indexes of others.
SELECT source, exact FROM headcount.source_status ORDER BY source;
SELECT i FROM headcount.create_indexes('by_seconds') AS i;
SELECT i FROM headcount.create_indexes('by_local') AS i;
SELECT * FROM calls.differences();
CALL headcount.refresh('told'); CALL headcount.refresh('by_interval'); CALL headcount.refresh('by_seconds'); CALL headcount.refresh('by_local');
SELECT * FROM calls.differences();
SELECT source, exact, dirty_days FROM headcount.source_status ORDER BY source;
-- A call that takes longer changes the days that it gains.
UPDATE calls.call SET took = took + interval '26 hours', secs = secs + 93600, until = to_timestamp(0) + (extract(epoch FROM at) + secs + 93600) * interval '1 second' WHERE id % 50 = 1 AND secs >= 0;
SELECT source, exact, dirty_days > 0 AS dirty FROM headcount.source_status ORDER BY source;
SELECT * FROM calls.differences();
CALL headcount.refresh('told'); CALL headcount.refresh('by_interval'); CALL headcount.refresh('by_seconds'); CALL headcount.refresh('by_local');
SELECT * FROM calls.differences();
SELECT s, v.* FROM unnest(ARRAY['told', 'by_interval', 'by_seconds', 'by_local']) AS s, headcount.verify(s) AS v;

-- From one to the other, and to the clock of another zone.
SELECT headcount.alter_source('by_local', ended_at => 'until') IS NOT NULL AS altered;
SELECT definition LIKE '%duration%' AS has_duration FROM pg_views WHERE schemaname = 'by_local' AND viewname = 'session_rows';
SELECT headcount.alter_source('by_local', duration => 'secs');
SELECT * FROM calls.differences();
SELECT headcount.alter_source('by_local', time_zone => 'UTC');
SELECT headcount.create_source('told_local', 'calls.call', 'caller', 'phone', 'at_local', '(at_local AT TIME ZONE ''UTC'') + took', time_zone => 'UTC', materialized => false) <> '' AS made;
SELECT judge.compare('TABLE by_local.sessions', 'TABLE told_local.sessions');

-- No end at all: all are open, and end when nobody has heard of them for long enough.
SELECT headcount.create_source('endless', 'calls.call', 'caller', 'phone', 'at', NULL, time_zone => 'Europe/Warsaw') <> '' AS made;
SELECT count(*) = (SELECT count(*) FROM calls.call WHERE at <= headcount.as_of()) AS all_there, bool_and(is_open) AS all_open, bool_and(ended_at IS NULL) AS no_end FROM endless.sessions;
SELECT i FROM headcount.create_indexes('endless') AS i;
SELECT sum(online_count) = (SELECT count(*) FROM endless.sessions) AS online FROM endless.online_users;
SELECT headcount.alter_source('endless', last_seen => 'at', idle_limit => '1 hour');
SELECT headcount.create_source('an_hour', 'calls.call', 'caller', 'phone', 'at', NULL, duration => 'interval ''1 hour''', time_zone => 'Europe/Warsaw') <> '' AS made;
SELECT view, judge.compare(format('TABLE endless.%I', view), format('TABLE an_hour.%I', view)) FROM unnest(ARRAY['online_sessions', 'daily_user_counts_2013', 'daily_user_counts_2019']) AS view;
CALL headcount.refresh('endless'); CALL headcount.refresh('an_hour');
SELECT view, judge.compare(format('TABLE endless.%I', view), format('TABLE an_hour.%I', view)) FROM unnest(ARRAY['online_sessions', 'daily_user_counts_2013', 'daily_user_counts_2019']) AS view;

-- What is refused.
SELECT judge.sqlstate($$SELECT headcount.create_source('bad', 'calls.call', 'caller', 'phone', 'at', 'until', duration => 'took')$$) AS both_given,
       judge.sqlstate($$SELECT headcount.create_source('bad', 'calls.call', 'caller', 'phone', 'at', NULL, duration => 'caller')$$) AS no_duration,
       judge.sqlstate($$SELECT headcount.create_source('bad', 'calls.call', 'caller', 'phone', 'at', NULL, duration => 'until')$$) AS an_instant,
       judge.sqlstate($$SELECT headcount.create_source('bad', 'calls.call', 'caller', 'phone', 'at', NULL, duration => 'random()')$$) AS volatile,
       judge.sqlstate($$SELECT headcount.alter_source('told', ended_at => 'until', duration => 'took')$$) AS both_altered;
RESET headcount.as_of;
SELECT headcount.drop_source(s) FROM unnest(ARRAY['told', 'by_interval', 'by_seconds', 'by_local', 'by_hand', 'told_local', 'endless', 'an_hour']) AS s;
DROP SCHEMA calls CASCADE;
