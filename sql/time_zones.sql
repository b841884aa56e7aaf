-- One zone of each name in a session: what is remembered of it is right, and costs nothing however often zones change.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';

-- Rows in turn in many zones, on days near and far, against PostgreSQL's own conversion.
SELECT count(*) AS conversions, count(*) FILTER (WHERE headcount.day_start(day, zone) <> day::timestamp AT TIME ZONE zone) AS wrong
FROM generate_series(1, 60000) AS i,
     LATERAL (SELECT date '1960-01-01' + i * 7919 % 40000 AS day, (ARRAY['UTC', 'Europe/Warsaw', 'america/new_york', 'Pacific/Apia', 'Asia/Kathmandu', 'EST', '<+03>-3', 'UTC-5'])[1 + i % 8] AS zone) AS r;

-- 100,000 changes of zone within one query keep no memory.
WITH days AS MATERIALIZED (
    SELECT count(headcount.day_of(timestamptz '2024-01-01 12:00' + i * interval '1 hour', CASE i % 2 WHEN 0 THEN 'Europe/Warsaw' ELSE 'America/New_York' END)) AS days
    FROM generate_series(1, 100000) AS i)
SELECT days, (SELECT sum(total_bytes) < 64 * 1024 * 1024 FROM pg_backend_memory_contexts WHERE days > 0) AS in_bounds FROM days;

-- An abbreviation means what it is set to mean, at any time.
SELECT headcount.day_start('2024-01-01', 'EST');
SET timezone_abbreviations = 'Australia';
SELECT headcount.day_start('2024-01-01', 'EST');
RESET timezone_abbreviations;
SELECT headcount.day_start('2024-01-01', 'EST');

-- Names that are none, and one that is as long as PostgreSQL reads.
SELECT name, judge.sqlstate(format('SELECT headcount.day_of(now(), %L)', name)) FROM unnest(ARRAY['', 'Mars/Olympus', 'Żółw', 'UTC ']) AS name;
SELECT headcount_internal.check_time_zone('<' || repeat('X', 249) || '>-3') IS NOT NULL AS known, judge.sqlstate($$SELECT headcount_internal.check_time_zone('<' || repeat('X', 300) || '>-3')$$);
