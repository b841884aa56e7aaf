-- A report whose processes collect together in shared memory is the report that one process makes: whatever the number of
-- workers, however little memory there is, in any kind of query, and for anybody who plays with it.
SET timezone = 'UTC'; SET client_min_messages = warning; SET headcount.as_of = '2024-03-20 12:00';
CREATE SCHEMA collected;
SET search_path = collected;
CREATE TABLE logins (who text, place text, came timestamptz, went timestamptz);
INSERT INTO logins
SELECT CASE WHEN n % 97 <> 0 THEN CASE WHEN n % 13 = 0 THEN 'somebody with a name of more than thirty-two bytes, ' ELSE 'u' END || (n * 7919) % 4001 END,
       CASE WHEN n % 89 <> 0 THEN 'h' || (n * 104729) % 997 END, at,
       CASE n % 50 WHEN 0 THEN NULL WHEN 1 THEN 'infinity' WHEN 2 THEN at WHEN 3 THEN at - interval '1 hour' WHEN 4 THEN at + interval '600 days'
                   WHEN 5 THEN at + interval '200 days' WHEN 6 THEN date_trunc('day', at) + interval '1 day' ELSE at + interval '1 minute' * (n * 31 % 900) END
FROM (SELECT n, timestamptz '2024-01-01' - CASE WHEN n % 5000 = 17 THEN interval '900 days' ELSE interval '0' END + interval '1 second' * (n * 173 % 7000000) AS at
      FROM generate_series(1::bigint, 60000) AS n) AS g;
CREATE TABLE refusals (who text, at timestamptz);
INSERT INTO refusals SELECT 'u' || (n * 31) % 4800, timestamptz '2023-12-28' + interval '1 second' * (n * 911 % 7200000) FROM generate_series(1::bigint, 9000) AS n;
ANALYZE logins, refusals;
SELECT headcount.create_source('together', 'logins', user_name => 'who', host => 'place', started_at => 'came', ended_at => 'went', time_zone => 'Europe/Warsaw',
    denials => 'refusals', denied_user => 'who', denied_at => 'at', materialized => false) IS NOT NULL AS made;

CREATE VIEW reports AS
    SELECT 2013 AS model, day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM together.daily_user_counts_2013 UNION ALL SELECT 2019, day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM together.daily_user_counts_2019
    UNION ALL SELECT 2025, r.* FROM (SELECT headcount_internal.daily_denial_agg(who, at, 'Europe/Warsaw', (SELECT headcount.as_of()), (SELECT headcount_internal.shared_area())) AS state FROM refusals) AS d,
        LATERAL (SELECT headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', (SELECT headcount.as_of()), '2025', 30, 'none', (SELECT headcount_internal.shared_area())) AS state FROM logins) AS s,
        LATERAL headcount_internal.daily_report(s.state, d.state, '2025', 30) AS r;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE alone AS SELECT * FROM reports;
SELECT model, count(*) AS days, max(total_users) AS total, sum(daily_users) AS daily, sum(denial_users) AS denied, sum(denials) AS denials, max(concurrent_hosts) AS hosts
FROM alone GROUP BY model ORDER BY model;
-- judged by the slow oracle elsewhere (rule_s10, oracle); here all ways must agree
CREATE FUNCTION differences(setting text, value text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    PERFORM set_config(setting, value, false);
    CREATE TEMP TABLE together_now AS SELECT * FROM reports;   -- so that the workers do not depend on what compares
    SELECT count(*) INTO n FROM ((TABLE alone EXCEPT ALL TABLE together_now) UNION ALL (TABLE together_now EXCEPT ALL TABLE alone)) AS d;
    DROP TABLE together_now;
    RETURN n;
END $$;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
ALTER TABLE logins SET (parallel_workers = 4); ALTER TABLE refusals SET (parallel_workers = 4);
SELECT sum(differences('max_parallel_workers_per_gather', w::text)) AS by_workers FROM generate_series(0, 4) AS w;

-- The plan is the one that is meant: workers collect, twice.
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;
SELECT count(*) FILTER (WHERE line ~ 'Partial Aggregate') AS partial
FROM plan('SELECT day, total_users, concurrent_hosts FROM together.daily_user_counts_2019') AS line;

-- Too little memory at any moment: what does not fit is collected by each process alone.
SELECT sum(differences('headcount.shared_memory', kb::text)) AS by_memory
FROM (SELECT n * n * 7 AS kb FROM generate_series(0, 45, 5) AS n) AS g;
RESET headcount.shared_memory;

-- Only one of the two in parallel; a leader that collects nothing.
ALTER TABLE refusals SET (parallel_workers = 0);
SELECT differences('parallel_leader_participation', 'on') AS denials_alone;
ALTER TABLE refusals SET (parallel_workers = 4); ALTER TABLE logins SET (parallel_workers = 0);
SELECT differences('parallel_leader_participation', 'on') AS sessions_alone;
ALTER TABLE logins SET (parallel_workers = 4);
SELECT differences('parallel_leader_participation', 'off') AS without_leader;
RESET parallel_leader_participation;

-- No workers to be had, though the plan has some.
SELECT differences('max_parallel_workers', '0') AS none_to_be_had;
RESET max_parallel_workers;

-- In a cursor that is read in part, in a prepared statement that is run again, for each row of another table, and twice in
-- one query.
SET max_parallel_workers_per_gather = 4;
BEGIN;
DECLARE days CURSOR FOR SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM together.daily_user_counts_2019 ORDER BY day;
FETCH 1 FROM days;
CLOSE days;
COMMIT;
PREPARE again AS SELECT sum(total_users) = (SELECT sum(total_users) FROM alone WHERE model = 2019) AS same FROM together.daily_user_counts_2019;
EXECUTE again; EXECUTE again;
SET plan_cache_mode = force_generic_plan; EXECUTE again; RESET plan_cache_mode;
SELECT n, (SELECT sum(r.daily_users) + n - n FROM together.daily_user_counts_2019 AS r) = (SELECT sum(daily_users) FROM alone WHERE model = 2019) AS same FROM generate_series(1, 3) AS n;
SELECT count(*) AS rows FROM together.daily_user_counts_2019 AS a JOIN together.daily_user_counts_2019 AS b USING (day, total_users, daily_users, concurrent_hosts_at)
    JOIN alone AS c USING (day, total_users, daily_users) WHERE c.model = 2019;

-- What a stranger may try. An area cannot be written down, and means nothing to another query.
SELECT 'none'::headcount_internal.shared_area;
SELECT max(who)::headcount_internal.shared_area FROM logins;
CREATE TABLE kept AS SELECT headcount_internal.shared_area() AS area FROM generate_series(1, 2);
SELECT area, count(*) FROM (SELECT area::text FROM kept) AS k GROUP BY area;
CREATE FUNCTION total(state bytea) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT sum(daily_users) FROM headcount_internal.daily_report(state, NULL, '2019', 14) $$;
SELECT total(headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00', '2019', 14, 'none', (SELECT area FROM kept LIMIT 1)))
     = (SELECT total(headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00')) FROM logins) AS kept_area FROM logins;
-- One area for two aggregates, for groups, for rows of other settings, and for another table.
WITH one AS MATERIALIZED (SELECT headcount_internal.shared_area() AS area)
SELECT total(a) = total(c) AS first, total(b) = total(d) AS second FROM (
    SELECT headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00', '2019', 14, 'none', (SELECT area FROM one)) AS a,
           headcount_internal.daily_session_agg(place, who, came, went, 'Asia/Tokyo', '2024-03-20 12:00', '2019', 14, 'none', (SELECT area FROM one)) AS b,
           headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00') AS c,
           headcount_internal.daily_session_agg(place, who, came, went, 'Asia/Tokyo', '2024-03-20 12:00') AS d FROM logins) AS l;
SELECT count(*) AS groups, bool_and(total(a) = total(b)) AS same FROM (
    SELECT headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area())) AS a,
           headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00') AS b FROM logins GROUP BY place) AS by_place;
SELECT total(headcount_internal.daily_session_agg(who, place, came, went, zone, '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area()))) > 0 AS odd_settings
FROM (SELECT *, CASE WHEN length(who) % 2 = 0 THEN 'UTC' ELSE 'UTC' END AS zone FROM logins) AS l;
-- What was collected is there within its query only. (If a process comes too late to take part, the leader puts together what all
-- have, and that stays: then once more.)
DO $do$
BEGIN
    FOR i IN 1 .. 100 LOOP
        DROP TABLE IF EXISTS state;
        EXECUTE $$CREATE TABLE state AS SELECT headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area())) AS state FROM logins$$;
        EXIT WHEN (SELECT substr(s.state, 1, 2) = '\xc203' FROM state AS s);
    END LOOP;
END
$do$;
-- The leader reads them: an error of a worker is told with one line more.
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM state, headcount_internal.daily_report(state, NULL, '2019', 14);
SELECT count(*) FROM state, headcount_internal.daily_users(state, NULL);
SET max_parallel_workers_per_gather = 4;
-- Other questions than the one it was counted for are answered all the same, in that query.
SELECT (SELECT sum(total_users) FROM headcount_internal.daily_report(s.state, NULL, '2013', 3)) = (SELECT sum(total_users) FROM headcount_internal.daily_report(a.state, NULL, '2013', 3)) AS other_window,
       (SELECT count(*) FROM headcount_internal.daily_users(s.state, NULL)) = (SELECT count(*) FROM headcount_internal.daily_users(a.state, NULL)) AS users
FROM (SELECT headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area())) AS state FROM logins) AS s,
     (SELECT headcount_internal.daily_session_agg(who, place, came, went, 'Europe/Warsaw', '2024-03-20 12:00') AS state FROM logins) AS a;

-- Nor does it matter which denials, or which model, were meant at first.
CREATE FUNCTION figures(sessions bytea, denials bytea, model text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT md5(string_agg(r::text, ',' ORDER BY day)) FROM headcount_internal.daily_report(sessions, denials, model, 14) AS r $$;
CREATE FUNCTION other_questions() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH d AS MATERIALIZED (SELECT headcount_internal.daily_denial_agg(who, at, 'UTC', '2024-03-20 12:00', (SELECT headcount_internal.shared_area())) AS state FROM refusals),
         e AS MATERIALIZED (SELECT headcount_internal.daily_denial_agg(who || 'e', at, 'UTC', '2024-03-20 12:00', (SELECT headcount_internal.shared_area())) AS state FROM refusals)
    SELECT concat_ws(' ', figures(s.state, d.state, '2025'), figures(s.state, d.state, '2013'), figures(s.state, NULL, '2025'), figures(s.state, e.state, '2025'), figures(s.state, e.state, '2019'))
    FROM d, e, (SELECT headcount_internal.daily_session_agg(who, place, came, went, 'UTC', '2024-03-20 12:00', '2025', 14,
                    (SELECT headcount_internal.collected_area(d.state) FROM d), (SELECT headcount_internal.shared_area())) AS state FROM logins) AS s $$;
CREATE TABLE other AS SELECT other_questions() AS together;
SET max_parallel_workers_per_gather = 0;
SELECT together = other_questions() AS same FROM other;
SET max_parallel_workers_per_gather = 4;
-- Two areas in one node, in the other order behind it; more areas than a process may have; one that an outer query made.
SELECT total(x) = total(y) AS crossed FROM (
    SELECT headcount_internal.daily_session_agg(who, place, came, went, 'UTC', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area())) AS x,
           headcount_internal.daily_session_agg(who, place, came, went, 'UTC', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area())) AS y FROM logins) AS c;
SELECT random() >= 0 AND total(headcount_internal.daily_session_agg(who, place, came, went, 'UTC', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area()))) > 0 AS one,
       total(headcount_internal.daily_session_agg(who, place, came, went, 'UTC', '2024-03-20 12:00', '2019', 14, 'none', (SELECT headcount_internal.shared_area()))) > 0 AS two FROM logins ORDER BY 2;
SELECT count(DISTINCT n) AS sums FROM (SELECT sum(daily_users) AS n FROM together.daily_user_counts_2019 UNION ALL SELECT sum(daily_users) FROM together.daily_user_counts_2019
    UNION ALL SELECT sum(daily_users) FROM together.daily_user_counts_2019 UNION ALL SELECT sum(daily_users) FROM together.daily_user_counts_2019
    UNION ALL SELECT sum(daily_users) FROM together.daily_user_counts_2019 UNION ALL SELECT sum(daily_users) FROM together.daily_user_counts_2019) AS u;
CREATE FUNCTION within(area headcount_internal.shared_area) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
    BEGIN
        PERFORM headcount_internal.daily_session_agg(CASE WHEN who = 'u77' THEN (1 / (length(who) - 3))::text ELSE who END, place, came, went, 'UTC', '2024-03-20 12:00', '2019', 14, 'none', area) FROM logins;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    SELECT total(headcount_internal.daily_session_agg(who, place, came, went, 'UTC', '2024-03-20 12:00', '2019', 14, 'none', area)) INTO n FROM logins;
    RETURN n;
END $$;
SET statement_timeout = '60s';
SELECT count(DISTINCT within(o.area)) AS outer_area FROM (SELECT (SELECT headcount_internal.shared_area()) AS area, count(*) FROM logins) AS o, generate_series(1, 2);
RESET statement_timeout;

-- Errors and cancels in the middle, in the leader or in a worker, leave nothing behind: no lock, no warning, no memory.
CREATE FUNCTION fails(who text, at text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$ BEGIN IF who = at THEN RAISE EXCEPTION 'stop'; END IF; RETURN who; END $$;
CREATE FUNCTION stopped(query text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE query; RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate; END $$;
SELECT stopped(format('SELECT total(headcount_internal.daily_session_agg(fails(who, %L), place, came, went, ''UTC'', ''2024-03-20'', ''2019'', 14, ''none'', (SELECT headcount_internal.shared_area()))) FROM logins', 'u' || n)) AS state, count(*)
FROM generate_series(1, 4000, 400) AS n GROUP BY 1;
DO $$ BEGIN
    FOR ms IN 1 .. 40 BY 3 LOOP
        PERFORM set_config('statement_timeout', ms || 'ms', true);
        PERFORM stopped('SELECT day, total_users, concurrent_hosts FROM together.daily_user_counts_2019');
    END LOOP;
    PERFORM set_config('statement_timeout', '0', true);
END $$;
SELECT differences('statement_timeout', '0') AS after_errors;
DROP VIEW reports;
DROP FUNCTION other_questions;
RESET search_path;
SELECT headcount.drop_source('together') IS NOT NULL AS dropped;
DROP SCHEMA collected CASCADE;
