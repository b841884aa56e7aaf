-- Columns concurrent_users, concurrent_sessions and concurrent_weight of the daily views, option weight, and max_concurrent with weights.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
SET jit = off;
\pset null '-'

-- By hand. 15 June:
--    anna  10 -------------- 12             2
--          11 --------------------- 13      3             the same user once more: one user, two sessions, 5 together
--    bert         12 ---------------------- 14   4        anna's first one ends as his begins: 3 + 4 = 7
--    cora  23 -------------------- 16 June 1:00  10       carried in over midnight
--    -                                                    nobody on host h9, at 12:30: a session without a user, 1 as nobody says
--    nobody, nowhere                        100           counts nowhere
--    dora  12:00 an instant                 -5            a session, and a user; its weight is none
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at, weight) VALUES
    ('anna', 'h1', 's1', '2024-06-15 10:00', '2024-06-15 12:00', 2), ('anna', 'h2', 's2', '2024-06-15 11:00', '2024-06-15 13:00', 3),
    ('bert', 'h1', 's1', '2024-06-15 12:00', '2024-06-15 14:00', 4), ('cora', 'h1', 's1', '2024-06-15 23:00', '2024-06-16 01:00', 10),
    (NULL, 'h9', NULL, '2024-06-15 12:30', '2024-06-15 12:45', NULL), ('', NULL, 's1', '2024-06-15 12:00', '2024-06-15 14:00', 100),
    ('dora', 'h3', 's2', '2024-06-15 12:00', '2024-06-15 12:00', -5);
SELECT judge.source('peaks', oracle.params('2024-06-18 12:00'));
-- Without the option there is no column for it.
SELECT day, concurrent_hosts, concurrent_users, concurrent_sessions FROM peaks.daily_user_counts ORDER BY day;
SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = 'peaks.daily_user_counts'::regclass AND a.attnum > 7;
SELECT headcount.alter_source('peaks', weight => 'weight');
SELECT day, concurrent_hosts, concurrent_users, concurrent_sessions, concurrent_weight FROM peaks.daily_user_counts ORDER BY day;
SELECT day, server, concurrent_users, concurrent_sessions, concurrent_weight FROM peaks.daily_user_counts_by_server ORDER BY day, server;
SELECT user_name, host, weight FROM peaks.sessions ORDER BY started_at, user_name;
SELECT rule, session_rows, denial_rows, example FROM peaks.data_quality WHERE rule LIKE '%weight%';
-- The same as the sizing functions have it: 12:30 to 12:45 there are 8 in use.
SELECT max(concurrent) FROM headcount.concurrency_profile('peaks', '2024-06-15', '2024-06-16', 'sessions');
SELECT * FROM headcount.concurrency_profile('peaks', '2024-06-15', '2024-06-16', 'weight');
SELECT * FROM headcount.concurrency_percentiles('peaks', '2024-06-15', '2024-06-16', of => 'weight');
SELECT * FROM headcount.concurrency_by_hour_of_week('peaks', '2024-06-15 11:00', '2024-06-15 14:00', 'weight');
-- What each start needs: anna 2, then 2 + 3, bert 3 + 4, h9 7 + 1, cora 10. With 7 licences h9 and cora are refused.
SELECT * FROM headcount.capacity_what_if('peaks', '2024-06-15', '2024-06-16', 'weight');
-- Given up, the column stays, and weights cannot be asked for.
SELECT headcount.alter_source('peaks', reset => '{weight}');
SELECT day, concurrent_sessions, concurrent_weight FROM peaks.daily_user_counts ORDER BY day;
SELECT judge.error($$SELECT * FROM headcount.capacity_what_if('peaks', NULL, NULL, 'weight')$$);
SELECT user_name, weight FROM peaks.sessions WHERE weight IS NOT NULL;

-- Of starts at one instant the lightest is first in line: of 0, 1, 2 and 4 they need 0, 1, 3 and 7.
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, started_at, ended_at, weight) SELECT 'u' || w, '2024-06-15 08:00', '2024-06-15 09:00', w FROM unnest('{4,1,2,0}'::int[]) AS w;
SELECT headcount.alter_source('peaks', weight => 'weight');
SELECT capacity, refused FROM headcount.capacity_what_if('peaks', '2024-06-15', '2024-06-16', 'weight');
-- Beyond what a row for each capacity can say, and what an integer can.
INSERT INTO oracle.session (user_name, started_at, ended_at, weight) VALUES ('big', '2024-06-15 08:00', '2024-06-15 09:00', 1000000000000);
SELECT judge.error($$SELECT * FROM headcount.capacity_what_if('peaks', NULL, NULL, 'weight')$$), judge.error($$SELECT * FROM headcount.concurrency_profile('peaks', NULL, NULL, 'weight')$$);
SELECT day, concurrent_weight FROM peaks.daily_user_counts WHERE day <= '2024-06-15';

-- Weights are whole numbers.
SELECT w, judge.error(format($$SELECT headcount.create_source('peaks2', 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', weight => %L)$$, w))
FROM unnest(ARRAY['1.5', 'user_name', 'weight::numeric', 'weight::float8', 'no_such', 'random()::int', 'weight IS NULL', '', 'weight::smallint + 1']) AS w;
SELECT headcount.drop_source('peaks2');
SELECT judge.error($$SELECT headcount.alter_source('peaks', weight => 'weight', reset => '{weight}')$$);

-- Who asks for no such column has nothing of them in his plan.
CREATE FUNCTION judge.peaks_in(query text) RETURNS text LANGUAGE sql AS $$
    SELECT format('users %s, sessions %s, stored %s', CASE WHEN p LIKE '%daily_peaks%' THEN 'yes' ELSE 'no' END, CASE WHEN p LIKE '%level_peaks%' THEN 'yes' ELSE 'no' END, CASE WHEN p LIKE '%collected_peaks%' THEN 'yes' ELSE 'no' END)
    FROM judge.plan(query) AS p
$$;
SELECT headcount.alter_source('peaks', materialized => false);
SELECT q, judge.peaks_in(q) FROM unnest(ARRAY[
    'SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM peaks.daily_user_counts', 'SELECT count(*) FROM peaks.daily_user_counts_2013', 'TABLE peaks.realtime_users_count',
    'SELECT day, concurrent_users FROM peaks.daily_user_counts', 'SELECT day, concurrent_sessions FROM peaks.daily_user_counts WHERE day > ''2024-06-15''', 'TABLE peaks.daily_user_counts_2025',
    'SELECT day, server, daily_users FROM peaks.daily_user_counts_by_server', 'SELECT day, server, concurrent_users FROM peaks.daily_user_counts_by_server',
    'SELECT l.* FROM generate_series(1, 2) AS g, LATERAL (SELECT c.day, c.daily_users FROM peaks.daily_user_counts AS c WHERE c.day >=date ''2024-06-15'' + g OFFSET 0) AS l',
    'WITH c AS (SELECT * FROM peaks.daily_user_counts) SELECT day, total_users FROM c']) AS q;
SELECT headcount.alter_source('peaks', materialized => true);
SELECT q, judge.peaks_in(q) FROM unnest(ARRAY['SELECT day, total_users, complete FROM peaks.daily_user_counts', 'TABLE peaks.realtime_users_count', 'SELECT day, server, denials FROM peaks.daily_user_counts_by_server',
    'SELECT day, concurrent_weight FROM peaks.daily_user_counts', 'SELECT day, server, concurrent_users FROM peaks.daily_user_counts_by_server']) AS q;
SELECT headcount.drop_source('peaks');
RESET headcount.as_of;

-- Against the oracle: every view with weights, live and stored, by model and by server; parts, dirty days, other instants.
CREATE FUNCTION judge.make_peaks(p oracle.params, stored boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM headcount.create_source(CASE WHEN stored THEN 'kept' ELSE 'live' END, 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', weight => 'weight', server => 'server',
        last_seen => 'last_seen', idle_limit => p.idle_limit, realtime_servers => p.realtime_servers, denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_server => 'server',
        false_denial_before => p.false_denial_before, time_zone => p.zone, licensing_model => p.model, window_days => p.window_days, materialized => stored);
END
$$;
CREATE FUNCTION judge.noon_day() RETURNS date LANGUAGE sql STABLE AS $$ SELECT (now() AT TIME ZONE judge.noon_zone())::date $$;
CREATE FUNCTION judge.noon_today() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT (judge.noon_day() + time '12:00') AT TIME ZONE judge.noon_zone() $$;
CREATE FUNCTION judge.peak_params(at timestamptz) RETURNS oracle.params LANGUAGE sql STABLE AS $$ SELECT oracle.params(at, judge.noon_zone(), '2013', 5, '{s0,s1}', '30 hours', '5 seconds', '2 seconds') $$;
-- What differs; nothing where all is as it should be. As of now it is the setting's default that is judged, and what is stored.
CREATE FUNCTION judge.peaks_against_oracle(p oracle.params, sources text[] DEFAULT '{live,kept}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    own constant text := p.model; days constant date := (SELECT max(day) - 4 FROM oracle.daily_counts(p, '{}')); s text; model text; part text[]; verdict text;
BEGIN
    PERFORM set_config('headcount.as_of', CASE WHEN p.as_of = now() THEN '' ELSE p.as_of::text END, true);
    FOREACH s IN ARRAY sources LOOP
        FOREACH model IN ARRAY ARRAY['2013', '2019', '2025'] LOOP
            p.model := model;
            verdict := judge.compare(format('TABLE %I.daily_user_counts_%s', s, model), format('SELECT * FROM oracle.daily_counts(%L, ''{}'')', p));
            IF verdict NOT LIKE 'equal, %' OR verdict LIKE 'equal, 0 %' THEN RETURN NEXT format('%s %s as of %s: %s', s, model, p.as_of, verdict); END IF;
        END LOOP;
        p.model := own;
        FOREACH part SLICE 1 IN ARRAY ARRAY[['* FROM %I.daily_user_counts_by_server', '* FROM oracle.weighted_by_server(%L)', 'true'],
                ['day, concurrent_sessions, concurrent_weight FROM %I.daily_user_counts', 'day, concurrent_sessions, concurrent_weight FROM oracle.daily_counts(%L, ''{}'')', format('day >= %L AND day < %L', days, days + 2)],
                ['day, server, concurrent_users, concurrent_weight FROM %I.daily_user_counts_by_server', 'day, server, concurrent_users, concurrent_weight FROM oracle.weighted_by_server(%L)', format('day = %L', days + 1)]] LOOP
            verdict := judge.compare(format('SELECT ' || part[1] || ' WHERE %s', s, part[3]), format('SELECT ' || part[2] || ' WHERE %s', p, part[3]));
            IF verdict NOT LIKE 'equal, %' THEN RETURN NEXT format('%s %s as of %s: %s', s, part[1], p.as_of, verdict); END IF;
        END LOOP;
    END LOOP;
END
$$;
-- Today at noon, of which the first part is stored.
SELECT oracle.load_random(801, 300, 60, judge.noon_today() - interval '9 days', judge.noon_today() + interval '30 hours');
SELECT judge.make_peaks(p, true), judge.make_peaks(p, false) FROM judge.peak_params(NULL) AS p;
SELECT count(*) AS differences FROM judge.peaks_against_oracle(judge.peak_params(now()));
CALL headcount.refresh('kept');
SELECT count(*) > 0 AS parts FROM kept.rollup_today;
SELECT d FROM unnest(ARRAY[now(), judge.noon_today() - interval '30 hours', judge.noon_today() - interval '36 hours', judge.noon_today() - interval '100 hours 1 microsecond']) AS at, judge.peaks_against_oracle(judge.peak_params(at)) AS d;
SELECT * FROM headcount.verify('kept');
-- Dirty days: sessions go and come, of today too.
DELETE FROM oracle.session WHERE id % 29 = 3;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at, weight) SELECT 'new', h, 's' || n, judge.noon_today() - n * interval '50 hours', judge.noon_today() - n * interval '50 hours' + interval '20 hours', 7 + n FROM generate_series(0, 3) AS n, unnest('{hnew,NULL}'::text[]) AS h;
SELECT count(*) > 0 AS dirty FROM kept.dirty_days;
SELECT judge.peaks_against_oracle(judge.peak_params(now()));
CALL headcount.refresh('kept');
SELECT judge.peaks_against_oracle(judge.peak_params(now()));
-- One weighs more, and nothing else of it changes.
SELECT count(*) AS dirty FROM kept.dirty_days;
UPDATE oracle.session SET weight = 50 WHERE user_name = 'new' AND server = 's2';
SELECT count(*) AS dirty FROM kept.dirty_days;
SELECT judge.peaks_against_oracle(judge.peak_params(now()));
CALL headcount.refresh('kept');
SELECT judge.peaks_against_oracle(judge.peak_params(now()));
SELECT * FROM headcount.verify('kept');
-- What is stored wrongly is told.
UPDATE kept.rollup_days SET concurrent_sessions = concurrent_sessions + 1 WHERE day = judge.noon_day() - 3 AND scope = 'a';
UPDATE kept.rollup_days SET concurrent_weight = 1 WHERE day = judge.noon_day() - 2 AND scope = 's' AND slice = 's2';
UPDATE kept.rollup_days SET concurrent_users = 0 WHERE day = judge.noon_day() - 2 AND scope = 'r';
SELECT judge.noon_day() - day AS days_ago, column_name FROM headcount.verify('kept') ORDER BY 1, 2;
CALL headcount.rebuild('kept');
SELECT judge.peaks_against_oracle(judge.peak_params(now()), '{kept}');
-- Frozen days keep theirs.
CREATE TEMP TABLE before_it AS SELECT * FROM kept.daily_user_counts WHERE day < judge.noon_day() - 3;
SELECT headcount.freeze('kept', judge.noon_day() - 3);
DELETE FROM oracle.session WHERE ended_at < judge.noon_today() - interval '5 days';
SELECT judge.compare('SELECT day, concurrent_users, concurrent_sessions, concurrent_weight FROM kept.daily_user_counts WHERE day < judge.noon_day() - 3', 'SELECT day, concurrent_users, concurrent_sessions, concurrent_weight FROM before_it') LIKE 'equal, %' AS frozen, count(*) > 4 AS days FROM before_it;
SELECT headcount.freeze('kept', NULL);
SELECT headcount.drop_source('kept'), headcount.drop_source('live');
-- Where clocks change, as of instants there, and stored.
SELECT oracle.load_random(803, 200, 30, '2024-10-24', '2024-10-30');
SELECT judge.make_peaks(p, true), judge.make_peaks(p, false) FROM oracle.params(NULL, 'Europe/Warsaw', '2013', 5, '{s0,s1}', '30 hours', '5 seconds') AS p;
CALL headcount.refresh('kept');
SELECT judge.peaks_against_oracle(oracle.params(at, 'Europe/Warsaw', '2013', 5, '{s0,s1}', '30 hours', '5 seconds', '2 seconds'), '{live}') FROM unnest(ARRAY['2024-10-29 12:00', '2024-10-26 22:00', '2024-10-27 22:59:59.999999', '2024-10-25 00:00:00.000001']::timestamptz[]) AS at;
SELECT judge.compare(format('SELECT * FROM kept.%1$s WHERE day < ''2024-11-05''', v), format('SELECT * FROM live.%1$s WHERE day < ''2024-11-05''', v)) FROM unnest('{daily_user_counts_2013,daily_user_counts_2019,daily_user_counts_by_server}'::text[]) AS v;
SELECT headcount.drop_source('kept'), headcount.drop_source('live');
-- Around the bounds of days: a midnight that is not there, one that is there twice, a day that is not there at all.
CREATE FUNCTION judge.peaks_around(the_day date, zone text, at timestamptz) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    p oracle.params := oracle.params(at, zone, '2013', 3, '{s0}');
BEGIN
    PERFORM oracle.load_around(the_day, zone);
    UPDATE oracle.session SET weight = id % 7;
    PERFORM judge.make_peaks(p, false);
    RETURN QUERY SELECT judge.peaks_against_oracle(p, '{live}');
    RETURN QUERY SELECT format('%s days with something', count(*)) FROM live.daily_user_counts WHERE concurrent_weight > 0;
    PERFORM headcount.drop_source('live');
END
$$;
SELECT judge.peaks_around('2024-03-31', 'Asia/Beirut', '2024-04-02'), judge.peaks_around('2023-11-05', 'America/Havana', '2023-11-06 05:00'), judge.peaks_around('2011-12-30', 'Pacific/Apia', '2012-01-02');
-- As of a midnight, at which some end and some begin.
SELECT judge.peaks_around('2024-06-15', 'UTC', '2024-06-15'), judge.peaks_around('2024-06-15', 'UTC', '2024-06-14 23:59:59.999999');

-- By several processes.
SELECT oracle.load_random(802, 400, 60, '2024-10-20', '2024-11-03');
SELECT judge.make_peaks(oracle.params('2024-11-01 12:00', 'UTC', '2019'), false);
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SELECT judge.plan('SELECT day, concurrent_weight FROM live.daily_user_counts') LIKE '%Partial Aggregate%' AS parallel;
SELECT judge.peaks_against_oracle(oracle.params('2024-11-01 12:00', 'UTC', '2019'), '{live}');
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
-- And what is needed for how long, against the oracle.
CREATE FUNCTION judge.weights(lo timestamptz, hi timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    WITH p AS (SELECT oracle.params('2024-11-01 12:00', 'UTC', '2019') AS p)
    SELECT judge.compare(format('SELECT * FROM headcount.concurrency_profile(''live'', %L, %L, ''weight'')', lo, hi), format('SELECT * FROM oracle.concurrency_profile(%L, ''weight'', %L, %L, NULL, NULL)', p, lo, hi)) FROM p
    UNION ALL SELECT judge.compare(format('SELECT * FROM headcount.concurrency_profile(''live'', %L, %L, ''weight'', ''[8,12)'', ''{1,2,3}'')', lo, hi), format('SELECT * FROM oracle.concurrency_profile(%L, ''weight'', %L, %L, ''[8,12)'', ''{1,2,3}'')', p, lo, hi)) FROM p
    UNION ALL SELECT judge.compare(format('SELECT * FROM headcount.concurrency_percentiles(''live'', %L, %L, ''{0,0.5,0.9,1}'', ''weight'')', lo, hi), format('SELECT * FROM oracle.concurrency_percentiles(%L, ''weight'', %L, %L, NULL, NULL, ''{0,0.5,0.9,1}'')', p, lo, hi)) FROM p
    UNION ALL SELECT judge.compare(format('SELECT * FROM headcount.concurrency_by_hour_of_week(''live'', %L, %L, ''weight'')', lo, hi), format('SELECT * FROM oracle.concurrency_by_hour_of_week(%L, ''weight'', %L, %L)', p, lo, hi)) FROM p
    UNION ALL SELECT judge.compare(format('SELECT * FROM headcount.capacity_what_if(''live'', %L, %L, ''weight'')', lo, hi), format('SELECT * FROM oracle.capacity_what_if(%L, ''weight'', %L, %L)', p, lo, hi)) FROM p
$$;
SET headcount.as_of = '2024-11-01 12:00';
UPDATE oracle.session SET weight = id % 9 WHERE weight > 1000;
SELECT judge.weights('2024-10-25', '2024-10-31'), judge.weights('2024-10-27 10:00', '2024-11-05');
SELECT headcount.drop_source('live');

-- max_concurrent with weights. While a key is there it weighs what the heaviest of its sessions there does:
--    a   0 ---------- 4   2
--             2 -------------- 6   5
--    b           3 -- 4   1
--    e                        6   7                an instant, at which a goes
--    a weighs 2, from 2 on 5, until 6; b adds 1 at 3: 6; e alone is 7. c has no weight and f is reversed. With weights of 1 it is the number of keys.
CREATE TEMP TABLE weighed (key text, weight bigint, s integer, e integer);
INSERT INTO weighed VALUES ('a', 2, 0, 4), ('a', 5, 2, 6), ('b', 1, 3, 4), (NULL, 9, 0, 9), ('c', NULL, 0, 9), ('d', 0, 0, 9), ('e', 7, 6, 6), ('f', 9, 4, 3);
CREATE TEMP VIEW rows AS SELECT key, weight, timestamptz '2024-01-01' + s * interval '1 hour' AS s, timestamptz '2024-01-01' + e * interval '1 hour' AS e FROM weighed;
SELECT headcount.max_concurrent(key, weight, s, e) AS weight, headcount.max_concurrent(key, 1::bigint, s, e) AS ones, headcount.max_concurrent(key, s, e) AS keys, headcount.max_concurrent(key, 0::bigint, s, e) AS nothing FROM rows;
SELECT key, headcount.max_concurrent(key, weight, s, e) FROM rows GROUP BY key ORDER BY key;
SELECT headcount.max_concurrent(key, weight, s, e) FILTER (WHERE key = 'b') AS b, headcount.max_concurrent(length(key), 3, s, e) AS bigint, headcount.max_concurrent(md5(key)::uuid, weight, s, e) AS uuid, headcount.max_concurrent(key, weight, s, NULL) AS open FROM rows;
SELECT headcount.max_concurrent(key, weight, s, e) FROM rows WHERE false;
SELECT judge.error('SELECT headcount.max_concurrent(key, -weight, s, e) FROM rows'), judge.error($$SELECT headcount.max_concurrent(k, 9223372036854775807, now(), NULL) FROM unnest('{a,b}'::text[]) AS k$$);
SELECT k, headcount.max_concurrent(key, weight, s, e) OVER (ORDER BY k ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM (SELECT row_number() OVER () AS k, * FROM rows) AS r ORDER BY k;
-- In slow, obvious SQL, on random rows, in groups, and by several processes.
CREATE TABLE judge.weighed AS SELECT i % 5 AS g, 'k' || oracle.dice(9, i, 'k', 40) AS key, oracle.dice(9, i, 'w', 6)::bigint AS weight, timestamptz '2024-01-01' + oracle.dice(9, i, 's', 200) * interval '1 minute' AS s, oracle.dice(9, i, 'l', 30) AS l FROM generate_series(1, 1000) AS i;
CREATE FUNCTION judge.weighed(of_g integer) RETURNS bigint LANGUAGE sql AS $$
    WITH r AS MATERIALIZED (SELECT key, weight, s, s + CASE l WHEN 0 THEN oracle.tick() ELSE l * interval '1 minute' END AS e FROM judge.weighed WHERE of_g IS NULL OR g = of_g)
    SELECT max((SELECT sum(x.w) FROM (SELECT max(r.weight) AS w FROM r WHERE r.s <= c.s AND c.s < r.e GROUP BY r.key) AS x))::bigint FROM (SELECT DISTINCT s FROM r) AS c
$$;
SELECT bool_and(peak = judge.weighed(g)) AS equal, count(*) FROM (SELECT g, headcount.max_concurrent(key, weight, s, s + l * interval '1 minute') AS peak FROM judge.weighed GROUP BY ROLLUP (g)) AS x;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SELECT headcount.max_concurrent(key, weight, s, s + l * interval '1 minute') = judge.weighed(NULL) AS equal FROM judge.weighed;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
-- States by hand, of another aggregate, and forged ones are refused.
SELECT judge.error($$SELECT headcount_internal.concurrent_add(NULL, 'k', 1::bigint, now(), now())$$), judge.error($$SELECT headcount_internal.level_add(NULL, now(), now(), NULL, NULL)$$), judge.error($$SELECT headcount_internal.level_add(NULL, 1, now(), now(), NULL, NULL)$$);
CREATE AGGREGATE judge.raw_levels(bigint, timestamptz, timestamptz, timestamptz, timestamptz) (sfunc = headcount_internal.level_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.concurrent_merge);
CREATE AGGREGATE judge.raw_weights(text, bigint, timestamptz, timestamptz) (sfunc = headcount_internal.concurrent_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.concurrent_merge);
CREATE AGGREGATE judge.raw_bigints(bigint, timestamptz, timestamptz) (sfunc = headcount_internal.concurrent_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.concurrent_merge);
CREATE TABLE judge.states AS SELECT judge.raw_levels(weight, s, s + interval '5 minutes', NULL, NULL) AS levels, judge.raw_weights(key, weight, s, s + interval '5 minutes') AS weights,
    judge.raw_bigints(-weight - 1, s, s) AS negative FROM judge.weighed;
SELECT judge.error('SELECT headcount_internal.level_peaks(weights, ''UTC'', now()) FROM judge.states'), judge.error('SELECT headcount_internal.level_peaks(negative, ''UTC'', now()) FROM judge.states'),
       judge.error('SELECT headcount_internal.concurrent_highest_weight(levels) FROM judge.states');
SELECT headcount_internal.concurrent_highest_weight(weights::text::headcount_internal.aggregate_state) = (SELECT headcount.max_concurrent(key, weight, s, s + interval '5 minutes') FROM judge.weighed) AS sent,
       (SELECT max(p.concurrent) FROM headcount_internal.level_peaks(levels::text::headcount_internal.aggregate_state, 'UTC', '2024-02-01') AS p) = (SELECT max(p.concurrent) FROM headcount_internal.level_peaks(levels, 'UTC', '2024-02-01') AS p) AS levels FROM judge.states;
SELECT judge.sqlstate(format('SELECT headcount_internal.%s', c)) FROM unnest(ARRAY['level_peaks(NULL, ''UTC'', now())', 'level_peaks(''\x''::bytea, ''UTC'', now())', 'level_peaks(''\xc501040000''::bytea, ''UTC'', now())', 'level_peaks((SELECT levels FROM judge.states), ''Mars'', now())',
    'level_peaks((SELECT levels FROM judge.states), ''UTC'', ''infinity'')', 'level_peaks((SELECT levels FROM judge.states), NULL, now())', 'concurrent_highest_weight(''\xff''::bytea)', 'concurrent_highest_weight(NULL)',
    'weight_capacities((SELECT weights FROM judge.states), ''2024-01-01'', ''2024-01-02'')', 'weight_times((SELECT levels FROM judge.states), ''-infinity'', ''2024-01-02'', ''UTC'', NULL, NULL)']) AS c;
-- Whatever bytes of a state are changed, it is read or refused.
DO $$
DECLARE
    state bytea; bytes bytea; n integer := 0; codes text[] := '{}'; code text;
BEGIN
    FOR state IN SELECT levels::bytea FROM judge.states UNION ALL SELECT weights::bytea FROM judge.states LOOP
        FOR i IN 0 .. 400 LOOP
            bytes := set_byte(state, (i * 37) % least(octet_length(state), 1500), oracle.dice(5, i, 'byte', 256));
            IF i % 10 = 0 THEN bytes := substr(bytes, 1, i + 1); END IF;
            code := judge.sqlstate(format('SELECT count(*) FROM headcount_internal.level_peaks(%L::bytea, ''UTC'', ''2024-02-01'')', bytes));
            codes := codes || code || judge.sqlstate(format('SELECT headcount_internal.concurrent_highest_weight(%L::bytea)', bytes));
        END LOOP;
    END LOOP;
    IF EXISTS (SELECT FROM unnest(codes) AS c WHERE c NOT IN ('fine', 'XX001', '22003', '22008')) THEN
        RAISE EXCEPTION '%', (SELECT array_agg(DISTINCT c) FROM unnest(codes) AS c);
    END IF;
END
$$;
DROP TABLE judge.states, judge.weighed;
