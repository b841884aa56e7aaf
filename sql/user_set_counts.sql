-- unique_count over sets: whatever the frame and the route, count(DISTINCT) over the same numbers.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
\pset null '-'

-- Rows with two sets each: of all kinds of containers, some empty, some NULL; days with no row and with two.
CREATE TABLE plain AS SELECT DISTINCT id, id % 5 AS g, kind, n FROM (
    SELECT id, 'used' AS kind, oracle.dice(811, id * 1000 + i, 'user', 600) AS n FROM generate_series(1, 45) AS id, generate_series(1, 50) AS i UNION ALL
    SELECT id, 'used', oracle.dice(812, id * 1000 + i, 'sparse', 2147483647) / 40000000 * 40000000 FROM generate_series(1, 45, 4) AS id, generate_series(1, 20) AS i UNION ALL
    SELECT id, 'used', 65300 + id * 20 + i FROM generate_series(2, 45, 6) AS id, generate_series(1, 400) AS i UNION ALL
    SELECT id, 'used', 200000 + 2 * (id + i) FROM unnest(ARRAY[12, 20]) AS id, generate_series(1, 4500) AS i UNION ALL
    SELECT id, 'used', n FROM generate_series(1, 45, 11) AS id, unnest(ARRAY[0, 65535, 65536, 2147418111, 2147418112, 2147483647]) AS n UNION ALL
    SELECT id, 'denied', oracle.dice(813, id * 1000 + i, 'user', 800) FROM generate_series(1, 45) AS id, generate_series(1, 15) AS i) AS s
WHERE NOT (kind = 'used' AND id % 8 = 3 OR kind = 'denied' AND id % 3 = 0 OR id BETWEEN 30 AND 33);
CREATE INDEX ON plain (id);
CREATE TABLE days AS SELECT id, id % 5 AS g, date '2026-03-01' + (id - id / 8 % 2) + id / 15 * 3 AS day,
    CASE WHEN id % 16 <> 11 AND id NOT BETWEEN 31 AND 33 THEN headcount.to_user_set(ARRAY(SELECT n FROM plain AS p WHERE p.id = d.id AND kind = 'used')) END AS used,
    CASE WHEN id % 6 <> 0 AND id NOT BETWEEN 31 AND 33 THEN headcount.to_user_set(ARRAY(SELECT n FROM plain AS p WHERE p.id = d.id AND kind = 'denied')) END AS denied FROM generate_series(1, 45) AS d (id);
ANALYZE plain; ANALYZE days;
SELECT count(*) AS rows, count(DISTINCT day) AS days, max(day) - min(day) + 1 AS span, count(*) FILTER (WHERE used IS NULL) AS null_used, count(*) FILTER (WHERE denied IS NULL) AS null_denied,
       count(*) FILTER (WHERE headcount.cardinality(used) = 0) > count(*) FILTER (WHERE used IS NULL) AS empty_used, max(headcount.cardinality(used)) > 4500 AS large FROM days;

-- Windows: the oracle asks which rows are in each frame, and counts their numbers.
CREATE FUNCTION judge.counts_over(frame text, filter text DEFAULT 'true') RETURNS text LANGUAGE sql AS $$
    SELECT judge.compare(
        format('SELECT id, headcount.unique_count(used) FILTER (WHERE %2$s) OVER w, headcount.unique_count(used, denied) FILTER (WHERE %2$s) OVER w FROM days WINDOW w AS (%1$s)', frame, filter),
        format('SELECT f.id, count(DISTINCT n) FILTER (WHERE kind = ''used''), count(DISTINCT n) FROM (SELECT id, array_agg(id) FILTER (WHERE %2$s) OVER w AS ids FROM days WINDOW w AS (%1$s)) AS f
                LEFT JOIN plain AS p ON p.id = ANY (ids) GROUP BY f.id', frame, filter)) $$;
SELECT frame, judge.counts_over(frame) FROM unnest(ARRAY[
    'ORDER BY day', 'ORDER BY day, id ROWS UNBOUNDED PRECEDING', 'ORDER BY day DESC, id', 'ORDER BY id % 2', '',
    'ORDER BY day, id ROWS BETWEEN UNBOUNDED PRECEDING AND 3 FOLLOWING', 'ORDER BY day, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING',
    'ORDER BY day, id ROWS BETWEEN 13 PRECEDING AND CURRENT ROW', 'ORDER BY day, id ROWS BETWEEN CURRENT ROW AND CURRENT ROW', 'ORDER BY day, id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING',
    'ORDER BY day, id ROWS BETWEEN 5 PRECEDING AND 3 PRECEDING', 'ORDER BY day, id ROWS BETWEEN 42 FOLLOWING AND 44 FOLLOWING', 'ORDER BY day, id ROWS BETWEEN 2 FOLLOWING AND 1 FOLLOWING',
    'ORDER BY day, id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 'ORDER BY day, id ROWS BETWEEN 1000 PRECEDING AND CURRENT ROW',
    'ORDER BY day RANGE BETWEEN interval ''13 days'' PRECEDING AND CURRENT ROW', 'ORDER BY day RANGE BETWEEN interval ''1 month'' PRECEDING AND interval ''2 days'' FOLLOWING',
    'ORDER BY day RANGE BETWEEN interval ''6 days'' PRECEDING AND interval ''4 days'' PRECEDING', 'ORDER BY day DESC RANGE BETWEEN interval ''3 days'' PRECEDING AND interval ''1 day'' PRECEDING',
    'ORDER BY day GROUPS BETWEEN 2 PRECEDING AND 1 FOLLOWING', 'ORDER BY day, id ROWS BETWEEN 4 PRECEDING AND 4 FOLLOWING EXCLUDE CURRENT ROW', 'ORDER BY day GROUPS BETWEEN 4 PRECEDING AND CURRENT ROW EXCLUDE GROUP',
    'ORDER BY day RANGE BETWEEN interval ''5 days'' PRECEDING AND CURRENT ROW EXCLUDE TIES', 'ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW',
    'PARTITION BY id % 7 ORDER BY day, id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW', 'PARTITION BY id % 7 ORDER BY day', 'PARTITION BY id ORDER BY day']) AS frame;
SELECT frame, filter, judge.counts_over(frame, filter) FROM unnest(ARRAY['ORDER BY day', 'ORDER BY day, id ROWS BETWEEN 13 PRECEDING AND CURRENT ROW', 'ORDER BY day RANGE BETWEEN interval ''13 days'' PRECEDING AND interval ''3 days'' FOLLOWING']) AS frame,
    unnest(ARRAY['id % 3 = 0', 'id > 30', 'used IS NULL', 'false']) AS filter;
-- Columns in turn: what is in both leaves once with each.
SELECT judge.compare('SELECT id, headcount.unique_count(denied, used) OVER w, headcount.unique_count(used, used) OVER w, headcount.unique_count(NULL, denied) OVER w FROM days WINDOW w AS (ORDER BY day, id ROWS BETWEEN 13 PRECEDING AND CURRENT ROW)',
                     'SELECT id, headcount.unique_count(used, denied) OVER w, headcount.unique_count(used) OVER w, headcount.unique_count(denied) OVER w FROM days WINDOW w AS (ORDER BY day, id ROWS BETWEEN 13 PRECEDING AND CURRENT ROW)') AS columns;
-- A volatile argument, for which PostgreSQL counts each frame anew.
SELECT judge.compare('SELECT id, headcount.unique_count(CASE WHEN random() < 2 THEN used END) OVER w FROM days WINDOW w AS (ORDER BY day, id ROWS BETWEEN 13 PRECEDING AND CURRENT ROW)',
                     'SELECT id, headcount.unique_count(used) OVER w FROM days WINDOW w AS (ORDER BY day, id ROWS BETWEEN 13 PRECEDING AND CURRENT ROW)') AS volatile;
-- One that says it is immutable and is not: each call gives a set with a number of its own, so no row leaves as it came.
CREATE SEQUENCE judge.calls;
CREATE FUNCTION judge.never_twice(headcount.user_set) RETURNS headcount.user_set LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN headcount.to_user_set(ARRAY[nextval('judge.calls')::integer]); END $$;
SELECT count(*) AS rows, bool_and(c = least(row, 3)) AS counted_anew, currval('judge.calls') > 100 AS called_again FROM (SELECT row_number() OVER w AS row, headcount.unique_count(judge.never_twice(used)) OVER w AS c FROM days WINDOW w AS (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)) AS x;
-- One window after the other, and again for each row of an outer query.
SELECT judge.compare('SELECT o, id, growing, sliding FROM generate_series(1, 5) AS o, LATERAL (SELECT id, headcount.unique_count(used) OVER (ORDER BY id) AS growing, headcount.unique_count(used) OVER (ORDER BY id ROWS 5 PRECEDING) AS sliding FROM days WHERE id % 5 >= o - 1) AS w',
                     'SELECT o, d.id, (SELECT count(DISTINCT n) FROM plain AS p WHERE kind = ''used'' AND p.id <= d.id AND p.id % 5 >= o - 1),
                             (SELECT count(DISTINCT n) FROM plain AS p WHERE kind = ''used'' AND p.id % 5 >= o - 1 AND p.id IN (SELECT e.id FROM days AS e WHERE e.id <= d.id AND e.id % 5 >= o - 1 ORDER BY e.id DESC LIMIT 6))
                      FROM generate_series(1, 5) AS o, days AS d WHERE d.id % 5 >= o - 1') AS rescans;

-- Plain aggregates: serial, in groups, in parallel, spilled.
CREATE VIEW by_group AS SELECT g, headcount.unique_count(used) AS used, headcount.unique_count(used, denied) AS either FROM days GROUP BY g;
CREATE TABLE expected_groups AS SELECT g, count(DISTINCT n) FILTER (WHERE kind = 'used') AS used, count(DISTINCT n) AS either FROM plain GROUP BY g;
SET max_parallel_workers_per_gather = 0;
SELECT judge.compare('TABLE by_group', 'TABLE expected_groups') AS groups;
SELECT judge.compare('SELECT headcount.unique_count(used), headcount.unique_count(denied), headcount.unique_count(used, denied) FROM days', 'SELECT count(DISTINCT n) FILTER (WHERE kind = ''used''), count(DISTINCT n) FILTER (WHERE kind = ''denied''), count(DISTINCT n) FROM plain') AS serial;
SELECT judge.compare('SELECT id % 4, id % 3, headcount.unique_count(used, denied), headcount.unique_count(used) FILTER (WHERE id > 25) FROM days GROUP BY GROUPING SETS ((id % 4), (id % 3), (id % 4, id % 3), ())',
                     'SELECT id % 4, id % 3, count(DISTINCT n), count(DISTINCT n) FILTER (WHERE id > 25 AND kind = ''used'') FROM plain GROUP BY GROUPING SETS ((id % 4), (id % 3), (id % 4, id % 3), ())') AS grouping_sets;
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT judge.plan('TABLE by_group') ~ 'Partial (Group|Hash)Aggregate' AS parallel_groups, judge.plan('SELECT headcount.unique_count(used, denied) FROM days') LIKE '%Partial Aggregate%' AS parallel;
SELECT judge.compare('TABLE by_group', 'TABLE expected_groups') AS parallel_groups,
       judge.compare('SELECT headcount.unique_count(used), headcount.unique_count(denied), headcount.unique_count(used, denied) FROM days', 'SELECT count(DISTINCT n) FILTER (WHERE kind = ''used''), count(DISTINCT n) FILTER (WHERE kind = ''denied''), count(DISTINCT n) FROM plain') AS parallel;
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
SET work_mem = '64kB';
SELECT judge.compare('SELECT i, headcount.unique_count(used), headcount.unique_count(used, denied) FROM days, generate_series(1, 50) AS i GROUP BY i, id', 'SELECT i, count(n) FILTER (WHERE kind = ''used''), count(DISTINCT n) FROM generate_series(1, 50) AS i, days LEFT JOIN plain USING (id) GROUP BY i, id') AS many_groups;
RESET work_mem;
-- No rows, only NULLs, only empty sets: 0, as count has it.
SELECT headcount.unique_count(used) AS no_rows, headcount.unique_count(used, denied) AS no_rows_either FROM days WHERE false;
SELECT headcount.unique_count(used) AS nulls, headcount.unique_count(used, denied) AS nulls_either, headcount.unique_count(headcount.to_user_set('{}')) AS empty, headcount.unique_count(headcount.to_user_set('{}'), NULL) AS empty_either FROM days WHERE id BETWEEN 31 AND 33;
-- The state is that of the union: neither final function harms it, in a group as in a window.
SELECT judge.compare('SELECT id % 5, headcount.unique_count(used), headcount.user_set_union_agg(used)::text, headcount.unique_count(used) FROM days GROUP BY id % 5',
                     'SELECT id % 5, count(*), headcount.user_set_agg(n)::text, count(*) FROM (SELECT DISTINCT id % 5 AS id, n FROM plain WHERE kind = ''used'') AS p GROUP BY id % 5') AS shared_state;
SELECT count(*) AS rows, bool_and(c = headcount.cardinality(u)) AS same, count(u) AS sets, min(c) AS least FROM (SELECT headcount.unique_count(used) OVER w AS c, headcount.user_set_union_agg(used) OVER w AS u FROM days WHERE id >= 31 WINDOW w AS (ORDER BY id)) AS x;
SELECT judge.compare('SELECT id, headcount.user_set_union_agg(used) OVER (ORDER BY id)::text FROM days WHERE id >= 31', 'SELECT id, (SELECT headcount.user_set_union_agg(used) FROM days AS e WHERE e.id BETWEEN 31 AND d.id)::text FROM days AS d WHERE id >= 31') AS union_over_nulls;
-- Sets as aggregates keep them while they are small, stored by an aggregate without a final function.
CREATE AGGREGATE judge.raw_set(integer) (sfunc = headcount_internal.user_set_add, stype = headcount.user_set);
CREATE TABLE raw AS SELECT id, judge.raw_set(n) AS s FROM plain WHERE kind = 'used' GROUP BY id;
SELECT judge.compare('SELECT id, headcount.unique_count(s) OVER (ORDER BY id), headcount.unique_count(s) OVER (ORDER BY id ROWS 5 PRECEDING) FROM raw',
                     'SELECT id, headcount.unique_count(used) OVER (ORDER BY id), headcount.unique_count(used) OVER (ORDER BY id ROWS 5 PRECEDING) FROM days WHERE EXISTS (SELECT FROM plain AS p WHERE p.id = days.id AND kind = ''used'')') AS raw,
       judge.compare('SELECT headcount.unique_count(s), headcount.unique_count(s, s) FROM raw', 'SELECT headcount.unique_count(used), headcount.unique_count(used) FROM days') AS raw_plain;

-- By hand the functions behind it refuse, as far as they can be called at all.
SELECT f, judge.error(format('SELECT headcount_internal.%s FROM days', f)) AS outcome FROM unnest(ARRAY['user_set_merge(used, used)', 'user_set_merge(used, used, denied)', 'user_set_merge(NULL, NULL, NULL)']) AS f;
SELECT f, judge.refuses_internal(format('SELECT headcount_internal.%s FROM days', f)) AS refused FROM unnest(ARRAY['user_set_counts_add(NULL, used)', 'user_set_counts_add(NULL, used, denied)',
    'user_set_counts_remove(NULL, used)', 'user_set_counts_remove(NULL, used, denied)', 'user_set_counts_final(NULL)']) AS f;
-- Damaged sets, with a right check sum but for the first: an error on every route, wherever in the frame they come.
CREATE CAST (bytea AS headcount.user_set) WITHOUT FUNCTION;
CREATE TABLE broken AS SELECT kind, decode(hex, 'hex')::headcount.user_set AS s FROM (VALUES
    ('check sum', 'c3010000000000003a30000000000000'),
    ('cut off', 'c3010000998a27793a3000000100000000000000'),
    ('unsorted array', 'c301000050f37b643a30000001000000000001001000000006000500'),
    ('repeated number', 'c301000005e5278f3a30000001000000000001001000000005000500'),
    ('a run beyond its container', 'c3010000fecc86f13b30000001000009000100fdff0900'),
    ('runs out of order', 'c3010000614e8ac73b300000010000090002001000030004000500'),
    ('a bitset with fewer numbers', 'c30100009d1d9b953a300000010000000000008010000000' || repeat('55', 8192)),
    ('a log with fewer numbers', 'c3010001ffffffff')) AS v (kind, hex);
DROP CAST (bytea AS headcount.user_set);
SELECT kind, judge.error(format(call, kind)) AS outcome, count(*) AS routes FROM broken, unnest(ARRAY[
    'SELECT headcount.unique_count(s) FROM broken WHERE kind = %L', 'SELECT headcount.unique_count(NULL, s) FROM broken WHERE kind = %L',
    'SELECT headcount.unique_count(s) OVER (ORDER BY id) FROM (SELECT id, used AS s FROM days UNION ALL SELECT 25, s FROM broken WHERE kind = %L) AS x',
    'SELECT headcount.unique_count(s) OVER (ORDER BY id ROWS 5 PRECEDING) FROM (SELECT id, used AS s FROM days UNION ALL SELECT 25, s FROM broken WHERE kind = %L) AS x',
    'SELECT headcount.unique_count(used, s) OVER (ORDER BY id ROWS 5 PRECEDING) FROM (SELECT id, used, denied AS s FROM days UNION ALL SELECT 25, NULL, s FROM broken WHERE kind = %L) AS x']) AS call GROUP BY 1, 2 ORDER BY 1, 2;
DROP VIEW by_group;
DROP TABLE plain, days, expected_groups, raw, broken;
DROP AGGREGATE judge.raw_set(integer);
DROP FUNCTION judge.never_twice(headcount.user_set);
DROP SEQUENCE judge.calls;
