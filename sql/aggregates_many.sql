-- Very many small groups, and one very large one.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;

-- 200,000 groups of 3 rows, hashed, spilled and sorted: linear, so far below the limit; quadratic would take minutes.
CREATE TABLE many AS SELECT i / 3 AS g, 'k' || i AS k, i::bigint AS b, timestamptz '2024-01-01' + i * interval '1 minute' AS s FROM generate_series(0, 599999) AS i;
ANALYZE many;
SET statement_timeout = '30s';
CREATE FUNCTION judge.many() RETURNS TABLE (groups bigint, keys numeric, peaks numeric, sessions numeric, bytes boolean) LANGUAGE sql AS $$
    SELECT count(*), sum(u), sum(m), sum(c), bool_and(headcount.unique_count(p) = 3)
    FROM (SELECT headcount.unique_count(b) AS u, headcount.max_concurrent(k, s, s + interval '90 seconds') AS m, headcount.max_concurrent(s, NULL) AS c, headcount.presence_agg(k, s) AS p FROM many GROUP BY g) AS a $$;
-- 600,000 keys; of three that start a minute apart and last 90 seconds two are there at once; open, all three.
SET work_mem = '1GB';
SELECT * FROM judge.many();
SET work_mem = '64kB';
SELECT * FROM judge.many();
SET enable_hashagg = off;
SELECT * FROM judge.many();
RESET enable_hashagg;
RESET work_mem;
-- One group of all: 600,000 keys.
SELECT headcount.unique_count(k), headcount.max_concurrent(k, s, NULL), headcount.unique_count(headcount.presence_agg(b, s)) FROM many;
RESET statement_timeout;
DROP TABLE many;
