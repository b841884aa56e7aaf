-- Each function on a presence: a case computed by hand, bounds, nobody, NULL, and random rows against the oracle.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- 15 June:      10   11   12   13   14   15
--   anna         [---------)    [----)               10-12, 13-14
--   bert              [--------------)               11-14
--   cora                   [--------------- ...      12-
CREATE TABLE j AS SELECT headcount.presence_agg(k, s, e) AS p FROM (VALUES
    ('anna', timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 12:00'), ('anna', '2024-06-15 13:00', '2024-06-15 14:00'),
    ('bert', '2024-06-15 11:00', '2024-06-15 14:00'), ('cora', '2024-06-15 12:00', NULL)) AS v (k, s, e);

SELECT headcount.unique_count(p) FROM j;
SELECT k FROM j, headcount.keys(p) AS k ORDER BY k;
SELECT i.* FROM j, headcount.intervals(p) AS i ORDER BY 1, 2;

-- At 12:00 anna has just gone and cora just come: bert, cora. Before the first nobody, at the end of time cora.
SELECT t, headcount.concurrent_at(p, t), (SELECT array_agg(k ORDER BY k) FROM headcount.keys_at(p, t) AS k)
FROM j, unnest(ARRAY[timestamptz '-infinity', '2024-06-15 09:59:59.999999', '2024-06-15 10:00', '2024-06-15 12:00', '2024-06-15 13:59:59.999999', '2024-06-15 14:00', '294276-12-31 23:59:59']) AS t ORDER BY t;

-- Levels: 10-11 1, 11-12 2, 12-13 2, 13-14 3, then 1 for ever. The peak is 3 at 13:00 until 14:00.
SELECT headcount.max_concurrent(p) FROM j;
SELECT k.* FROM j, headcount.peak(p) AS k;
-- At 12:00 one goes and one comes: the level stays, so there is no row.
SELECT k.* FROM j, headcount.timeline(p) AS k ORDER BY at;
-- From 10:00 to the last finite instant, 14:00: level 1 an hour, 2 two hours, 3 an hour.
SELECT k.* FROM j, headcount.time_at_level(p) AS k ORDER BY 1;

-- Bounds. [11:30, 13:00): never more than 2, at 11:30 already, until 13:00, where the span ends. Before 10:00: nobody.
SELECT k.* FROM j, headcount.peak(p, '2024-06-15 11:30', '2024-06-15 13:00') AS k;
SELECT headcount.max_concurrent(p, '2024-06-15 11:30', '2024-06-15 13:00'), headcount.max_concurrent(p, '2024-06-15 13:00'), headcount.max_concurrent(p, to_at => '2024-06-15 10:00') FROM j;
SELECT k.* FROM j, headcount.peak(p, to_at => '2024-06-15 10:00') AS k;
-- cora alone after 14:00, for ever.
SELECT k.* FROM j, headcount.peak(p, '2024-06-15 14:00') AS k;
-- A row at 11:30 for who is there (anna, bert), and each change after it; the change at 14:00 is outside.
SELECT k.* FROM j, headcount.timeline(p, '2024-06-15 11:30', '2024-06-15 14:00') AS k ORDER BY at;
-- At 09:00 nobody is there: no row at the bound.
SELECT k.* FROM j, headcount.timeline(p, '2024-06-15 09:00', '2024-06-15 11:30') AS k ORDER BY at;
-- 09:00 to 15:00: level 0 for an hour, 1 for two, 2 for two, 3 for one: six hours.
SELECT k.*, sum(duration) OVER () FROM j, headcount.time_at_level(p, '2024-06-15 09:00', '2024-06-15 15:00') AS k ORDER BY 1;
-- A span before anybody came, with one bound: no level. A span without an instant has no peak and no time.
SELECT count(*) FROM j, headcount.time_at_level(p, to_at => '2024-06-15 09:00') AS k;
SELECT k.* FROM j, headcount.peak(p, '2024-06-15 11:30', '2024-06-15 11:30') AS k;
SELECT count(*) FROM j, headcount.timeline(p, '2024-06-15 11:30', '2024-06-15 11:30') AS k;

-- Clip: what is left of each within [11:00, 13:00); bounds may be infinite.
SELECT i.* FROM j, headcount.intervals(headcount.presence_clip(p, '2024-06-15 11:00', '2024-06-15 13:00')) AS i ORDER BY 1, 2;
SELECT i.* FROM j, headcount.intervals(headcount.presence_clip(p, '2024-06-15 14:00', 'infinity')) AS i ORDER BY 1, 2;
SELECT headcount.presence_clip(p, '-infinity', 'infinity')::text = p::text AS whole, headcount.unique_count(headcount.presence_clip(p, '2024-06-15 09:00', '2024-06-15 10:00')) AS none FROM j;

-- Union: anna's gap from 12 to 13 closed by a second presence; keys of either; NULL is empty.
SELECT i.* FROM j, headcount.intervals(p OPERATOR(headcount.||) (SELECT headcount.presence_agg(k, s, e) FROM (VALUES
    ('anna', timestamptz '2024-06-15 12:00', timestamptz '2024-06-15 13:00'), ('dora', '2024-06-15 10:00', '2024-06-15 10:00')) AS v (k, s, e))) AS i ORDER BY 1, 2;
SELECT headcount.presence_union(p, NULL)::text = p::text AS right_null, headcount.presence_union(NULL, p)::text = p::text AS left_null, headcount.presence_union(p, p)::text = p::text AS itself,
       headcount.unique_count(headcount.presence_union(NULL, NULL)) AS nobody FROM j;

-- Days, hours, weeks. As of 16 June 01:30 cora is there on the 15th and 16th.
SELECT k.* FROM j, headcount.daily_activity(p, 'UTC', as_of => '2024-06-16 01:30') AS k ORDER BY day;
-- From the middle of 11 to the middle of 13: buckets carry the civil hour's name, numbers are of the part inside. anna
-- and bert at 11:30; at 12 bert and cora, who is new; at 13 all three.
SELECT k.* FROM j, headcount.activity(p, 'hour', 'UTC', '2024-06-15 11:30', '2024-06-15 13:30', '2024-06-16 01:30') AS k ORDER BY bucket;
SELECT g, k.* FROM j, unnest(ARRAY['day', 'week', 'month', 'quarter', 'year']) AS g, headcount.activity(p, g, 'UTC', as_of => '2024-06-16 01:30') AS k ORDER BY bucket DESC, g;
SELECT k.* FROM j, headcount.rolling_activity(p, 2, 'UTC', as_of => '2024-06-17 00:00') AS k ORDER BY day;
-- as_of before an end cuts it; what starts after as_of is ignored: at 12:30 there was no hour 13, and cora was new.
SELECT k.* FROM j, headcount.activity(p, 'hour', 'UTC', as_of => '2024-06-15 12:30') AS k ORDER BY bucket;

-- Nobody: a NULL presence, and an empty one.
SELECT n, headcount.unique_count(p) AS unique, (SELECT count(*) FROM headcount.keys(p)) AS keys, (SELECT count(*) FROM headcount.intervals(p)) AS intervals,
       (SELECT count(*) FROM headcount.keys_at(p, now())) AS keys_at, headcount.concurrent_at(p, now()) AS concurrent_at, headcount.max_concurrent(p), headcount.peak(p),
       (SELECT count(*) FROM headcount.timeline(p)) AS timeline, (SELECT count(*) FROM headcount.time_at_level(p)) AS levels,
       (SELECT count(*) FROM headcount.daily_activity(p, 'UTC')) AS daily, (SELECT count(*) FROM headcount.activity(p, 'hour', 'UTC')) AS activity,
       (SELECT count(*) FROM headcount.rolling_activity(p, 14, 'UTC')) AS rolling, headcount.unique_count(headcount.presence_clip(p, '-infinity', 'infinity')) AS clipped
FROM (SELECT 'null' AS n, NULL::headcount.presence AS p UNION ALL SELECT 'empty', headcount.presence_clip(p, '1999-01-01', '1999-01-01') FROM j) AS x;
SELECT k.* FROM headcount.time_at_level(NULL, '2024-06-15 09:00', '2024-06-15 10:00') AS k;
SELECT k.* FROM headcount.activity(NULL, 'day', 'UTC', '2024-06-15 09:00', '2024-06-16 10:00', '2024-07-01') AS k ORDER BY bucket;

-- Keys of two types do not mix; the empty presence goes with any.
SELECT judge.sqlstate($$SELECT headcount.presence_union(headcount.presence_agg(1::bigint, now()), headcount.presence_agg('1'::text, now()))$$) AS bigint_text,
       judge.sqlstate($$SELECT headcount.presence_union(headcount.presence_agg('00000000-0000-0000-0000-000000000000'::uuid, now()), headcount.presence_agg('1'::text, now()))$$) AS uuid_text,
       judge.sqlstate($$SELECT headcount.presence_union_agg(p) FROM (SELECT headcount.presence_agg(1::bigint, now()) AS p UNION ALL SELECT headcount.presence_agg('1'::text, now())) AS x$$) AS aggregate,
       judge.sqlstate($$SELECT headcount.presence_union(headcount.presence_clip(headcount.presence_agg(1::bigint, now()), '1999-01-01', '1999-01-01'), headcount.presence_agg('1'::text, now()))$$) AS empty;
-- bigint and uuid keys read as text.
SELECT k FROM (SELECT headcount.presence_agg(b, now()) AS p FROM unnest(ARRAY[-5, 0, 9223372036854775807]) AS b) AS a, headcount.keys(p) AS k ORDER BY k::bigint;
SELECT i.key FROM (SELECT headcount.presence_agg('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, now()) AS p) AS a, headcount.intervals(p) AS i;

-- What is asked for wrongly: bounds the wrong way round, no zone, no such zone or granularity, windows of no days.
SELECT call, judge.sqlstate('SELECT count(*) FROM j, headcount.' || call) FROM unnest(ARRAY[
    'max_concurrent(p, ''2024-06-16'', ''2024-06-15'')', 'peak(p, ''2024-06-16'', ''2024-06-15'')', 'timeline(p, ''2024-06-16'', ''2024-06-15'')',
    'time_at_level(p, ''2024-06-16'', ''2024-06-15'')', 'presence_clip(p, ''2024-06-16'', ''2024-06-15'')', 'activity(p, ''day'', ''UTC'', ''2024-06-16'', ''2024-06-15'')',
    'daily_activity(p, ''Mars/Olympus'')', 'activity(p, ''day'', '''')', 'rolling_activity(p, 14, ''Europe/Atlantis'')', 'activity(p, ''decade'', ''UTC'')', 'activity(p, '''', ''UTC'')',
    'rolling_activity(p, 0, ''UTC'')', 'rolling_activity(p, -1, ''UTC'')', 'daily_user_counts(p, NULL, NULL, ''UTC'', ''2013'', 0)', 'daily_user_counts(p, NULL, NULL, ''UTC'', ''2014'')',
    'daily_user_counts(p, NULL, NULL, ''UTC'', '''')', 'daily_user_counts(p, NULL, NULL, ''nowhere'')']) AS call;
-- Days the wrong way round are no days, not an error.
SELECT (SELECT count(*) FROM headcount.daily_activity(p, 'UTC', '2024-06-16', '2024-06-15')) AS daily, (SELECT count(*) FROM headcount.rolling_activity(p, 14, 'UTC', '2024-06-16', '2024-06-15')) AS rolling FROM j;

-- Extreme times neither crash nor wrap. A key from the first to the last instant that PostgreSQL knows.
CREATE TABLE x AS SELECT headcount.presence_agg('k'::text, timestamptz '4714-11-24 00:00+00 BC', timestamptz '294276-12-31 23:59:59.999999+00') AS p;
SELECT headcount.unique_count(p), headcount.max_concurrent(p), k.* FROM x, headcount.peak(p) AS k;
SELECT headcount.unique_count(headcount.presence_agg('k'::text, timestamptz '294276-12-31 23:59:59.999999+00')) AS last_tick, headcount.unique_count(headcount.presence_agg('k'::text, timestamptz '294276-12-31 23:59:59.999999+00', NULL)) AS open;
SELECT k.* FROM x, headcount.rolling_activity(p, 2147483647, 'UTC', '2024-06-15', '2024-06-15', '2024-06-15 12:00') AS k;
SELECT k.day, k.unique_keys FROM x, headcount.daily_activity(p, 'Pacific/Kiritimati', '2024-06-15', '2024-06-15', '2024-06-20') AS k;
SELECT call, judge.sqlstate('SELECT count(*) FROM x, headcount.' || call) IN ('fine', '22004', '22008', '22023') AS refused_or_fine FROM unnest(ARRAY[
    'daily_activity(p, ''UTC'', ''infinity'', NULL)', 'daily_activity(p, ''UTC'', ''-infinity'', ''2024-06-15'', ''2024-06-15'')', 'daily_activity(p, ''UTC'', ''2024-06-15'', NULL, ''infinity'')',
    'daily_activity(p, ''UTC'', ''2024-06-15'', NULL, ''-infinity'')', 'activity(p, ''year'', ''UTC'', ''-infinity'', ''infinity'')', 'activity(p, ''year'', ''UTC'', as_of => ''infinity'')',
    'rolling_activity(p, 14, ''UTC'', ''-infinity'')', 'daily_user_counts(p, p, p, ''UTC'', from_day => ''-infinity'')', 'daily_user_counts(p, p, p, ''UTC'', from_day => ''2024-06-15'', as_of => ''infinity'')']) AS call;

-- Long loops listen: ten million hours can be cancelled.
SET statement_timeout = '300ms';
SELECT judge.sqlstate($$SELECT count(*) FROM x, headcount.activity(p, 'hour', 'Europe/Warsaw', '1000-01-01', '3000-01-01', '9999-01-01')$$) AS cancelled;
RESET statement_timeout;

-- What SQL may assume: everything can run in a worker; set-returning functions say how many rows to expect.
SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'headcount'::regnamespace AND p.proname IN
    ('presence_union', 'presence_clip', 'unique_count', 'keys', 'intervals', 'keys_at', 'concurrent_at', 'max_concurrent', 'peak', 'timeline', 'time_at_level', 'daily_activity', 'activity', 'rolling_activity', 'daily_user_counts')
    AND p.proargtypes[0] = 'headcount.presence'::regtype AND (p.proparallel <> 's' OR p.proretset AND p.prorows = 0) ORDER BY 1;

-- Random rows, around every kind of day, read in several zones.
SELECT oracle.load_random(301, 150, 0, '2024-03-20', '2024-04-15');
SELECT oracle.keyed_from_sessions();
SELECT zone, judge.presence_verdict(zone, as_of) FROM (VALUES ('Europe/Warsaw', timestamptz '2024-04-05 12:00'), ('Asia/Kolkata', '2024-04-01 00:00'), ('America/St_Johns', '2024-05-01 00:00')) AS z (zone, as_of);
SELECT oracle.load_random(302, 150, 0, '2011-12-20', '2012-01-10');
SELECT oracle.keyed_from_sessions();
SELECT judge.presence_verdict('Pacific/Apia', '2012-01-08 12:00');
SELECT oracle.load_random(303, 200, 0, '2024-09-01', '2024-09-20', '1 hour', 5, 5);
SELECT oracle.keyed_from_sessions();
SELECT judge.presence_verdict('America/Santiago', '2024-09-15 12:00');
-- Every start is one of two instants, every end one of two others: ties everywhere.
TRUNCATE oracle.keyed;
INSERT INTO oracle.keyed (key, started_at, ended_at) SELECT 'k' || i % 7, timestamptz '2024-06-15' + oracle.dice(3, i, 's', 4) * interval '1 hour', timestamptz '2024-06-15' + (3 + oracle.dice(3, i, 'e', 3)) * interval '1 hour' FROM generate_series(1, 60) AS i;
SELECT judge.presence_verdict('UTC', '2024-06-17 12:00');
DROP TABLE j, x;
