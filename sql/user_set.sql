-- The type user_set: its algebra against plain SQL over the same numbers, its aggregates by every route, its bytes.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
\pset null '-'

-- The same sets as arrays and as user_sets, with containers of each kind: arrays, bitsets (even, dense), runs.
CREATE TABLE plain AS SELECT name, array_agg(DISTINCT n ORDER BY n) AS ns FROM (
    SELECT 'sparse' AS name, oracle.dice(801, i, 'sparse', 2147483647) AS n FROM generate_series(1, 400) AS i UNION ALL
    SELECT 'dense', oracle.dice(801, i, 'dense', 9000) FROM generate_series(1, 9000) AS i UNION ALL
    SELECT 'even', i FROM generate_series(0, 12000, 2) AS i UNION ALL
    SELECT 'run', i FROM generate_series(65000, 70000) AS i UNION ALL
    SELECT 'runs', i FROM generate_series(0, 9000) AS i WHERE i % 100 < 30 UNION ALL
    SELECT 'mixed', 3 * i FROM generate_series(0, 3000) AS i UNION ALL SELECT 'mixed', i FROM generate_series(200000, 203000) AS i UNION ALL
    SELECT 'edges', i FROM unnest(ARRAY[0, 65535, 65536, 131071, 2147418111, 2147418112, 2147483647]) AS i UNION ALL
    SELECT 'zero', 0) AS s GROUP BY name
UNION ALL SELECT 'empty', '{}';
ALTER TABLE plain ADD PRIMARY KEY (name);
CREATE TABLE subject AS SELECT name, headcount.to_user_set(ns) AS s FROM plain;

SELECT judge.compare('SELECT name, m FROM subject, headcount.members(s) AS m', 'SELECT name, n FROM plain, unnest(ns) AS n') AS members;
SELECT judge.compare('SELECT name, ord, m FROM subject, headcount.members(s) WITH ORDINALITY AS m (m, ord)', 'SELECT name, ord, n FROM plain, unnest(ns) WITH ORDINALITY AS n (n, ord)') AS ascending;
SELECT judge.compare('SELECT name, headcount.cardinality(s) FROM subject', 'SELECT name, pg_catalog.cardinality(ns)::bigint FROM plain') AS cardinality;
-- At, just before and just after every 50th number, and where containers meet.
CREATE TABLE asked AS SELECT DISTINCT n::integer FROM (
    SELECT n + d AS n FROM plain, unnest(ns) WITH ORDINALITY AS u (n, ord), generate_series(-1::bigint, 1) AS d WHERE ord % 50 < 2
    UNION ALL SELECT n FROM unnest(ARRAY[-2147483648, -1, 0, 1, 65534, 65535, 65536, 131071, 131072, 2147483647]) AS n) AS a WHERE n BETWEEN -2147483648 AND 2147483647;
SELECT judge.compare('SELECT name, n, headcount.contains(s, n), s OPERATOR(headcount.@>) n FROM subject, asked', 'SELECT name, n, n = ANY (ns), n = ANY (ns) FROM plain, asked') AS contains;
-- Pairs of all with all.
CREATE FUNCTION judge.sets_of(e text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT a.name, b.name, ARRAY(SELECT headcount.members(%s)) FROM subject AS a, subject AS b', e) $$;
CREATE FUNCTION judge.arrays_of(e text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT a.name, b.name, ARRAY(SELECT unnest(a.ns) %s SELECT unnest(b.ns) ORDER BY 1) FROM plain AS a, plain AS b', e) $$;
SELECT judge.compare(judge.sets_of('headcount.user_set_union(a.s, b.s)'), judge.arrays_of('UNION')) AS "union",
       judge.compare(judge.sets_of('headcount.user_set_intersection(a.s, b.s)'), judge.arrays_of('INTERSECT')) AS intersection,
       judge.compare(judge.sets_of('headcount.user_set_difference(a.s, b.s)'), judge.arrays_of('EXCEPT')) AS difference;
SELECT count(*) AS pairs,
       bool_and(headcount.cardinality(a.s OPERATOR(headcount.|) b.s) = headcount.union_cardinality(a.s, b.s)) AS union_cardinality,
       bool_and(headcount.cardinality(a.s OPERATOR(headcount.&) b.s) = headcount.intersection_cardinality(a.s, b.s)) AS intersection_cardinality,
       bool_and(a.s OPERATOR(headcount.|) b.s OPERATOR(headcount.=) headcount.user_set_union(a.s, b.s)) AS "|",
       bool_and(a.s OPERATOR(headcount.&) b.s OPERATOR(headcount.=) headcount.user_set_intersection(a.s, b.s)) AS "&",
       bool_and(a.s OPERATOR(headcount.-) b.s OPERATOR(headcount.=) headcount.user_set_difference(a.s, b.s)) AS "-",
       bool_and((a.s OPERATOR(headcount.=) b.s) = (a.name = b.name)) AS "=", bool_and((a.s OPERATOR(headcount.<>) b.s) = (a.name <> b.name)) AS "<>" FROM subject AS a, subject AS b;
-- A NULL set is empty; a NULL number is neither in nor out; a negative one is in no set.
SELECT headcount.cardinality(NULL) AS cardinality, headcount.contains(NULL, 1) AS contains, headcount.contains(s, NULL) AS null_number, headcount.contains(s, -1) AS negative,
       (SELECT count(*) FROM headcount.members(NULL)) AS members, headcount.user_set_union(s, NULL) OPERATOR(headcount.=) s AS "union", headcount.user_set_intersection(NULL, s) OPERATOR(headcount.=) e AS intersection,
       headcount.user_set_difference(s, NULL) OPERATOR(headcount.=) s AS difference, headcount.user_set_union(NULL, NULL) OPERATOR(headcount.=) e AS empty,
       headcount.union_cardinality(s, NULL) AS union_cardinality, headcount.intersection_cardinality(NULL, s) AS intersection_cardinality, headcount.to_user_set(NULL) AS to_user_set
FROM (SELECT (SELECT s FROM subject WHERE name = 'even') AS s, (SELECT s FROM subject WHERE name = 'empty') AS e) AS x;
SELECT (SELECT array_agg(m) FROM headcount.members(headcount.to_user_set(ARRAY[7, NULL, 3, 7, 2147483647, 0])) AS m) AS unsorted,
       (SELECT array_agg(m) FROM headcount.members(headcount.to_user_set(ARRAY[[5, 6], [6, NULL]])) AS m) AS two_dimensions,
       headcount.cardinality(headcount.to_user_set('{}')) AS none;
SELECT judge.error('SELECT headcount.to_user_set(ARRAY[1, -1])') AS array, judge.error('SELECT headcount.user_set_agg(n) FROM (VALUES (1), (-2147483648)) AS v (n)') AS aggregate;

-- Aggregates. Groups of every size: most are small, some are bitmaps (beyond 8,000 numbers), one has the same number over and over.
CREATE TABLE logins AS
    SELECT i AS id, i % 9973 % 60 % 40 % 7 AS g, CASE WHEN i % 97 = 0 THEN NULL WHEN i % 9973 % 60 % 40 % 7 = 3 THEN 42 ELSE oracle.dice(802, i, 'user', 60000) END AS n FROM generate_series(1, 60000) AS i UNION ALL
    SELECT i, 100 + i % 50, i % 1000 FROM generate_series(1, 5000) AS i UNION ALL SELECT 0, 200, NULL;
CREATE INDEX ON logins (id);
ANALYZE logins;
CREATE VIEW by_group AS SELECT g, headcount.user_set_agg(n) AS s FROM logins GROUP BY g;
SET max_parallel_workers_per_gather = 0;
SELECT judge.compare('SELECT g, m FROM by_group, headcount.members(s) AS m', 'SELECT DISTINCT g, n FROM logins WHERE n IS NOT NULL') AS groups;
SELECT max(headcount.cardinality(s)) > 8200 AS bitmaps, min(headcount.cardinality(s)) AS smallest, count(*) FILTER (WHERE s IS NULL) AS null_groups FROM by_group;
CREATE TABLE serial AS SELECT g, headcount_internal.user_set_send(s) AS bytes FROM by_group;
CREATE TABLE serial_all AS SELECT headcount_internal.user_set_send(headcount.user_set_agg(n)) AS bytes FROM logins;
-- In parallel: the same bytes.
-- (A row is dear, so that several processes pay whether or not autovacuum has counted how few there are.)
SET cpu_operator_cost = 1; SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT judge.plan('SELECT headcount.user_set_agg(n) FROM logins') LIKE '%Partial Aggregate%' AS parallel, judge.plan('TABLE by_group') ~ 'Partial (Group|Hash)Aggregate' AS parallel_groups;
SELECT judge.compare('SELECT g, headcount_internal.user_set_send(s) FROM by_group', 'TABLE serial') AS parallel_groups, judge.compare('SELECT headcount_internal.user_set_send(headcount.user_set_agg(n)) FROM logins', 'TABLE serial_all') AS parallel;
SELECT judge.plan('SELECT headcount.user_set_union_agg(s) FROM subject') LIKE '%Partial Aggregate%' AS parallel,
       judge.compare('SELECT headcount.members(headcount.user_set_union_agg(s)) FROM subject', 'SELECT DISTINCT unnest(ns) FROM plain') AS union_agg;
RESET cpu_operator_cost; RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
-- Split into parts and merged; in other orders; spilled to disk.
SELECT parts, headcount_internal.user_set_send(headcount.user_set_union_agg(s)) = (SELECT bytes FROM serial_all) AS merged FROM
    (SELECT parts, headcount.user_set_agg(n) AS s FROM logins, unnest(ARRAY[2, 3, 50, 3000]) AS parts GROUP BY parts, id % parts) AS p GROUP BY parts ORDER BY parts;
SELECT headcount_internal.user_set_send(headcount.user_set_agg(n ORDER BY n)) = bytes AS ascending, headcount_internal.user_set_send(headcount.user_set_agg(n ORDER BY n DESC)) = bytes AS descending,
       headcount_internal.user_set_send(headcount.user_set_agg(DISTINCT n)) = bytes AS distinct FROM logins, serial_all GROUP BY bytes;
SET work_mem = '64kB';
SELECT judge.compare('SELECT g, headcount_internal.user_set_send(s) FROM by_group', 'TABLE serial') AS spilled;
RESET work_mem;
-- FILTER, no rows, only NULLs, only empty sets.
SELECT headcount.cardinality(headcount.user_set_agg(n) FILTER (WHERE n < 100)) = count(DISTINCT n) FILTER (WHERE n < 100) AS filter, headcount.user_set_agg(n) FILTER (WHERE n < 0) AS none, headcount.user_set_agg(n) FILTER (WHERE n IS NULL) AS only_nulls FROM logins;
SELECT headcount.user_set_agg(n) AS no_rows FROM logins WHERE false;
SELECT headcount.user_set_union_agg(s) FILTER (WHERE false) AS no_sets, headcount.user_set_union_agg(NULL) AS null_sets, headcount.cardinality(headcount.user_set_union_agg(s)) AS empty_sets FROM subject WHERE name = 'empty';
SELECT judge.compare('SELECT g, id % 3, headcount.cardinality(headcount.user_set_agg(n)), headcount.user_set_agg(n) IS NULL FROM logins GROUP BY GROUPING SETS ((g), (id % 3), (g, id % 3), ())',
                     'SELECT g, id % 3, count(DISTINCT n), count(n) = 0 FROM logins GROUP BY GROUPING SETS ((g), (id % 3), (g, id % 3), ())') AS grouping_sets;
-- Windows: growing, sliding, and growing beyond what a log holds.
CREATE FUNCTION judge.distinct_before(from_id integer, to_id integer) RETURNS bigint LANGUAGE sql AS $$ SELECT count(DISTINCT n) FROM logins WHERE id BETWEEN from_id AND to_id AND g < 100 $$;
SELECT judge.compare('SELECT id, headcount.cardinality(headcount.user_set_agg(n) OVER (ORDER BY id)) FROM logins WHERE id <= 200 AND g < 100', 'SELECT id, judge.distinct_before(1, id) FROM logins WHERE id <= 200 AND g < 100') AS growing,
       judge.compare('SELECT id, headcount.cardinality(headcount.user_set_agg(n) OVER (ORDER BY id ROWS BETWEEN 20 PRECEDING AND CURRENT ROW)) FROM logins WHERE id BETWEEN 1 AND 500 AND g < 100', 'SELECT id, judge.distinct_before(greatest(id - 20, 1), id) FROM logins WHERE id BETWEEN 1 AND 500 AND g < 100') AS sliding;
SELECT judge.compare('SELECT id, headcount.cardinality(s) FROM (SELECT id, headcount.user_set_agg(n) OVER (ORDER BY id / 2000 RANGE UNBOUNDED PRECEDING) AS s FROM logins WHERE g < 100) AS w WHERE id % 2000 = 5', 'SELECT id, judge.distinct_before(1, id / 2000 * 2000 + 1999) FROM logins WHERE id % 2000 = 5 AND g < 100') AS beyond_a_log;
-- Two aggregates on one state: neither final function harms it.
CREATE AGGREGATE judge.user_count(integer) (sfunc = headcount_internal.user_set_add, stype = headcount.user_set, finalfunc = headcount.cardinality, combinefunc = headcount_internal.user_set_merge, parallel = safe);
SELECT judge.compare('SELECT g, judge.user_count(n), headcount_internal.user_set_send(headcount.user_set_agg(n)), headcount.cardinality(headcount.user_set_agg(n)) FROM logins GROUP BY g',
                     'SELECT g, count(DISTINCT n), s.bytes, count(DISTINCT n) FROM logins JOIN serial AS s USING (g) GROUP BY g, s.bytes') AS shared_state;
SELECT count(*) AS rows, bool_and(c = headcount.cardinality(s)) AS same FROM (SELECT judge.user_count(n) OVER w AS c, headcount.user_set_agg(n) OVER w AS s FROM logins WHERE id < 9500 WINDOW w AS (ORDER BY id / 500)) AS x;
-- States without a final function, kept in a table: answered like any other, and not changed in their place.
CREATE AGGREGATE judge.raw_set(integer) (sfunc = headcount_internal.user_set_add, stype = headcount.user_set);
CREATE AGGREGATE judge.raw_union(headcount.user_set) (sfunc = headcount_internal.user_set_merge, stype = headcount.user_set);
CREATE TABLE raw AS SELECT g, judge.raw_set(n) AS s FROM logins GROUP BY g;
CREATE TABLE raw_before AS SELECT g, md5(textsend(s::text)) AS t, pg_column_size(s) AS size FROM raw;
SELECT judge.compare('SELECT g, headcount_internal.user_set_send(s) FROM raw', 'TABLE serial') AS send, judge.compare('SELECT g, headcount.cardinality(s) FROM raw', 'SELECT g, coalesce(headcount.cardinality(s), 0) FROM by_group') AS cardinality,
       judge.compare('SELECT g, m FROM raw, headcount.members(s) AS m', 'SELECT DISTINCT g, n FROM logins WHERE n IS NOT NULL') AS members, judge.compare('SELECT g, s::text::headcount.user_set::text FROM raw', 'SELECT g, s::text FROM by_group') AS text;
SELECT count(*) AS states, bool_and(r.s OPERATOR(headcount.=) b.s) AS equal, bool_and(r.s OPERATOR(headcount.|) NULL OPERATOR(headcount.=) b.s) AS "union", bool_and(headcount.contains(r.s, 42) = headcount.contains(b.s, 42)) AS contains FROM raw AS r JOIN by_group AS b USING (g) WHERE b.s IS NOT NULL;
SELECT headcount_internal.user_set_send(judge.raw_union(s)) = bytes AS raw_union, headcount_internal.user_set_send(headcount.user_set_union_agg(s ORDER BY g)) = bytes AS ascending, headcount_internal.user_set_send(headcount.user_set_union_agg(s ORDER BY g DESC)) = bytes AS descending FROM raw, serial_all GROUP BY bytes;
SELECT judge.compare('SELECT g, md5(textsend(s::text)), pg_column_size(s) FROM raw', 'TABLE raw_before') AS unchanged;
-- By hand the transition functions refuse; the final function is a function like others.
SELECT judge.error('SELECT headcount_internal.user_set_add(NULL, 1)') AS add, judge.error('SELECT headcount_internal.user_set_merge(s, s) FROM subject') AS merge, bool_and(headcount_internal.user_set_final(s) OPERATOR(headcount.=) s) AS final FROM subject;
-- 200,000 groups of 5 numbers, hashed, spilled and sorted: linear.
CREATE TABLE many AS SELECT i / 5 AS g, (i * 7919::bigint % 500000)::integer AS n FROM generate_series(0, 999999) AS i;
ANALYZE many;
SET max_parallel_workers_per_gather = 0; SET statement_timeout = '30s';
CREATE FUNCTION judge.many_sets() RETURNS TABLE (groups bigint, numbers numeric) LANGUAGE sql AS $$ SELECT count(*), sum(headcount.cardinality(s)) FROM (SELECT headcount.user_set_agg(n) AS s FROM many GROUP BY g) AS a $$;
SET work_mem = '1GB';
SELECT * FROM judge.many_sets();
SET work_mem = '64kB';
SELECT * FROM judge.many_sets();
SET enable_hashagg = off;
SELECT * FROM judge.many_sets();
RESET enable_hashagg; RESET work_mem; RESET statement_timeout; RESET max_parallel_workers_per_gather;
SELECT headcount.cardinality(headcount.user_set_agg(n)) AS one_group FROM many;

-- The same set, the same bytes, everywhere: small ones, spelt out. (A change here breaks stored data and needs a version.)
SELECT ns, headcount_internal.user_set_send(headcount.to_user_set(ns)) FROM unnest(ARRAY['{}', '{0}', '{2147483647}', '{7,8,9}', '{7,8,9,10}', '{1,70000}']::text[]) AS t, LATERAL (SELECT t::integer[] AS ns) AS n;
SELECT headcount_internal.user_set_send(headcount.user_set_agg(i)) AS a_hundred_thousand FROM generate_series(1, 100000) AS i;
-- Text and binary, there and back.
SELECT judge.compare('SELECT name, s::text::headcount.user_set::text, headcount_internal.user_set_send(s::text::headcount.user_set) FROM subject', 'SELECT name, s::text, headcount_internal.user_set_send(s) FROM subject') AS text;
CREATE OR REPLACE FUNCTION judge.file(name text) RETURNS text LANGUAGE sql AS $$ SELECT current_setting('data_directory') || '/' || name $$;
CREATE TABLE copied (LIKE subject);
DO $$ BEGIN
    EXECUTE format('COPY subject TO %L WITH (FORMAT binary)', judge.file('headcount_user_set.bin'));
    EXECUTE format('COPY copied FROM %L WITH (FORMAT binary)', judge.file('headcount_user_set.bin'));
END $$;
SELECT judge.compare('SELECT name, headcount_internal.user_set_send(s) FROM copied', 'SELECT name, headcount_internal.user_set_send(s) FROM subject') AS binary;
-- Hashed: DISTINCT, EXCEPT, joins. There is no order.
SELECT count(DISTINCT name) AS names, count(*) AS sets FROM (SELECT DISTINCT ON (t) name, t FROM (SELECT name, s::text AS t FROM (TABLE subject UNION TABLE copied) AS u) AS v) AS w;
SELECT (SELECT count(*) FROM (SELECT s FROM subject EXCEPT SELECT s FROM copied) AS e) AS except, (SELECT count(*) FROM (SELECT DISTINCT s FROM (TABLE subject UNION ALL TABLE copied) AS u) AS d) AS distinct,
       (SELECT count(*) FROM subject AS a JOIN copied AS b ON a.s OPERATOR(headcount.=) b.s) AS joined, judge.sqlstate('SELECT s FROM subject ORDER BY s') AS order_by;
-- Compressed and out of line.
CREATE TABLE toasted (name text, s headcount.user_set);
INSERT INTO toasted SELECT name, s FROM subject UNION ALL SELECT 'large', headcount.user_set_agg(n) FROM many WHERE n % 3 <> 1;
ALTER TABLE toasted ALTER s SET STORAGE external;
INSERT INTO toasted SELECT name || ' external', headcount.user_set_union(s, NULL) FROM toasted;    -- made anew, not copied compressed
SELECT bool_or(pg_column_size(s) > 60000) AS large, pg_relation_size(reltoastrelid) > 60000 AS out_of_line FROM toasted, pg_class WHERE oid = 'toasted'::regclass GROUP BY reltoastrelid;
SELECT judge.compare('SELECT name, headcount_internal.user_set_send(s) FROM toasted WHERE name NOT LIKE ''large%''', 'SELECT name || suffix, headcount_internal.user_set_send(s) FROM subject, unnest(ARRAY['''', '' external'']) AS suffix') AS stored,
       judge.compare('SELECT headcount.members(s) FROM toasted WHERE name = ''large external''', 'SELECT DISTINCT n FROM many WHERE n % 3 <> 1') AS large;

-- Damage of each kind, but for the first ones with a right check sum: as text, as a message, and as stored bytes.
CREATE TABLE forged (kind, bytes) AS SELECT kind, decode(hex, 'hex') FROM (VALUES
    ('nothing', ''),
    ('too short', 'c3'),
    ('another type', 'c10100000000000000000000'),
    ('a later version', 'c302000000000000'),
    ('a reserved byte', 'c301020000000000'),
    ('a form of its own', 'c301000200000000'),
    ('check sum', 'c3010000000000003a30000000000000'),
    ('cookie', 'c301000026b703393930000000000000'),
    ('cut off', 'c3010000998a27793a3000000100000000000000'),
    ('too many containers', 'c301000016fccef13a300000ffffffff'),
    ('trailing byte', 'c3010000bbd681803a3000000000000000'),
    ('runs that are none', 'c30100007160d1d93b3000000000000000100000000000'),
    ('more runs than containers', 'c3010000082b37ac3b3000000300000300010000000300'),
    ('a negative number', 'c301000097bb64253a3000000100000000800000100000000000'),
    ('equal keys', 'c3010000ad5ec48f3a300000020000000100000001000000180000001a00000000000000'),
    ('keys out of order', 'c301000084d06a993a300000020000000200000001000000180000001a00000000000000'),
    ('offset', 'c3010000a769e0a93a3000000100000000000000000000000000'),
    ('unsorted array', 'c301000050f37b643a30000001000000000001001000000006000500'),
    ('repeated number', 'c301000005e5278f3a30000001000000000001001000000005000500'),
    ('runs with fewer numbers', 'c3010000e97d8c5b3b3000000100000500010000000400'),
    ('a run beyond its container', 'c3010000fecc86f13b30000001000009000100fdff0900'),
    ('runs that touch', 'c3010000d3a3c19f3b300000010000090002000000030004000500'),
    ('runs out of order', 'c3010000614e8ac73b300000010000090002001000030004000500'),
    ('runs that are no shorter', 'c3010000ecfd01783b3000000100000200010007000200'),
    ('an array that is no shorter', 'c3010000a11595713a3000000100000000000300100000000700080009000a00'),
    ('a bitset with fewer numbers', 'c30100009d1d9b953a300000010000000000008010000000' || repeat('55', 8192)),
    ('a bitset that is no shorter', 'c30100009c4cbc863a300000010000000000ffff10000000' || repeat('ff', 8192))) AS v (kind, hex);
CREATE FUNCTION judge.user_set_outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ': ' || SQLERRM || ' / ' || said;
END $$;
SELECT kind, judge.user_set_outcome(format('SELECT %L::headcount.user_set', translate(encode(bytes, 'base64'), E'\n', ''))) AS text FROM forged;
SELECT t, judge.user_set_outcome(format('SELECT %L::headcount.user_set', t)) AS outcome FROM unnest(ARRAY['', 'nonsense', '{1,2}', 'wwE=']) AS t;
CREATE TABLE received (s headcount.user_set);
CREATE FUNCTION judge.receive_user_set(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE o oid;
BEGIN
    -- signature, flags, no extension, one row of one column; the end
    o := lo_from_bytea(0, '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(bytes)) || bytes || '\xffff'::bytea);
    PERFORM lo_export(o, judge.file('headcount_user_set.bin')), lo_unlink(o);
    RETURN judge.user_set_outcome(format('COPY received FROM %L WITH (FORMAT binary)', judge.file('headcount_user_set.bin')));
END $$;
SELECT split_part(judge.receive_user_set(bytes), ' / ', 1) AS message, count(*) FROM forged GROUP BY 1;
SELECT judge.receive_user_set(headcount_internal.user_set_send(s)) AS undamaged, count(*) FROM subject GROUP BY 1;
SELECT judge.compare('SELECT s::text FROM received', 'SELECT s::text FROM subject') AS received;
COPY (SELECT 1 WHERE false) TO PROGRAM 'rm -f headcount_user_set.bin';
-- Stored: a cast that nobody else has makes the damage on disk. What reads the numbers themselves refuses them all; what
-- reads only where they lie may answer where the check sum is right.
CREATE CAST (bytea AS headcount.user_set) WITHOUT FUNCTION;
CREATE TABLE broken AS SELECT kind, bytes::headcount.user_set AS s FROM forged;
SELECT f, left(judge.user_set_outcome(format('SELECT %s FROM broken WHERE kind = %L', f, kind)), 5) AS outcome, count(*) FROM broken, unnest(ARRAY[
    'headcount.user_set_union(s, NULL)', 'headcount.user_set_intersection(s, s)', 'headcount.user_set_difference(NULL, s)',
    'headcount.user_set_union_agg(s)']) AS f GROUP BY 1, 2 ORDER BY 1;
SELECT left(judge.user_set_outcome(format('SELECT count(m) FROM broken, headcount.members(s) AS m WHERE kind = %L', kind)), 5) AS members, count(*) FROM broken GROUP BY 1;
SELECT f, count(*) FILTER (WHERE o LIKE 'XX001: invalid bytes for type user_set%') AS refused, count(*) FILTER (WHERE o = 'accepted') AS answered, count(*) AS all FROM
    (SELECT f, judge.user_set_outcome(format('SELECT %s FROM broken WHERE kind = %L', f, kind)) AS o FROM broken, unnest(ARRAY['headcount.cardinality(s)', 'headcount.union_cardinality(s, s)', 'headcount.intersection_cardinality(s, s)', 'headcount.contains(s, 7)', 's::text', 'headcount_internal.user_set_send(s)', 's OPERATOR(headcount.=) s', 'headcount_internal.user_set_final(s)']) AS f) AS x GROUP BY 1 ORDER BY 1;
-- Logs, which only aggregates keep, are checked too.
SELECT hex, judge.user_set_outcome(format('SELECT headcount.cardinality(%L::bytea::headcount.user_set)', '\x' || hex)) AS log FROM unnest(ARRAY['c3010001ffffffff', 'c30100010100000000', 'c301000101000000000000ff']) AS hex;
DROP CAST (bytea AS headcount.user_set);
-- Any bit of a sound set changed, any end cut off: never taken for a set.
SELECT left(judge.receive_user_set(d), 5) AS outcome, count(*) > 2000 AS many FROM subject, LATERAL (SELECT headcount_internal.user_set_send(s) AS b) AS x, LATERAL (
    SELECT set_bit(b, n, 1 - get_bit(b, n)) FROM generate_series(0::bigint, least(length(b), 80) * 8 - 1) AS n UNION ALL SELECT substr(b, 1, n) FROM generate_series(0, least(length(b), 80) - 1) AS n) AS damage (d)
WHERE name IN ('edges', 'runs', 'mixed', 'empty', 'run') GROUP BY 1;
DROP VIEW by_group;
DROP TABLE plain, subject, asked, logins, serial, serial_all, raw, raw_before, many, copied, toasted, forged, received, broken;
DROP AGGREGATE judge.user_count(integer), judge.raw_set(integer), judge.raw_union(headcount.user_set);
