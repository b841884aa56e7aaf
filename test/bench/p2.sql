-- P2: one number over all rows.
-- A section begins with:  -- @ name | engine | pace | answers | against | words

-- @ p2-max | postgres | all | max | p2-max | **ours**: `max_concurrent(host, started_at, ended_at)`
SELECT headcount.max_concurrent(host, started_at, ended_at) FROM sessions;

-- @ p2-max-shuffled | postgres | all | max | p2-max | **ours**: the same, random arrival
SELECT headcount.max_concurrent(host, started_at, ended_at) FROM sessions_shuffled;

-- @ p2-max-duckdb | duckdb | all | max | p2-max | DuckDB: expert sweep
WITH spans AS (
    SELECT host, epoch_us(started_at) AS s,
           greatest(coalesce(epoch_us(ended_at), 4102444800000000), epoch_us(started_at) + 1) AS e
    FROM sessions),
pieces AS MATERIALIZED (
    SELECT greatest(s, before) AS s, e
    FROM (SELECT s, e, coalesce(max(e) OVER (PARTITION BY host ORDER BY s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
          FROM spans) AS w
    WHERE e > before)
SELECT max(level)::bigint
FROM (SELECT sum(((key & 1) * 2 - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
      FROM (SELECT s * 2 + 1 AS key FROM pieces UNION ALL SELECT e * 2 FROM pieces) AS events) AS levels;

-- @ p2-max-plain | postgres | few | max | p2-max | plain SQL: pieces by a window, sweep over one number
WITH pieces AS MATERIALIZED (
    SELECT greatest(s, before) AS s, e
    FROM (SELECT s, e, coalesce(max(e) OVER (PARTITION BY host ORDER BY s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
          FROM (SELECT host, (date_part('epoch', started_at) * 1000000)::bigint AS s,
                       greatest(coalesce((date_part('epoch', ended_at) * 1000000)::bigint, 4102444800000000),
                                (date_part('epoch', started_at) * 1000000)::bigint + 1) AS e
                FROM sessions) AS spans) AS w
    WHERE e > before)
SELECT max(level)
FROM (SELECT sum(((key & 1) * 2 - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
      FROM (SELECT s * 2 + 1 AS key FROM pieces UNION ALL SELECT e * 2 FROM pieces) AS events) AS levels;

-- @ p2-max-naive | postgres | few | max | p2-max | plain SQL: `range_agg` and a sweep
WITH united AS MATERIALIZED (
    SELECT unnest(range_agg(tstzrange(started_at, greatest(coalesce(ended_at, 'infinity'), started_at + interval '1 microsecond')))) AS span
    FROM sessions GROUP BY host)
SELECT max(level)
FROM (SELECT sum(delta) OVER (ORDER BY at, delta ROWS UNBOUNDED PRECEDING) AS level
      FROM (SELECT lower(span) AS at, 1 AS delta FROM united UNION ALL SELECT upper(span), -1 FROM united) AS events) AS levels;

-- @ p2-unique | postgres | all | unique | p2-unique | **ours**: `unique_count(user_name)`
SELECT headcount.unique_count(user_name) FROM sessions;

-- @ p2-unique-shuffled | postgres | all | unique | p2-unique | **ours**: the same, random arrival
SELECT headcount.unique_count(user_name) FROM sessions_shuffled;

-- @ p2-unique-hll | postgres | all | about unique | p2-unique | postgresql-hll, approximate: `hll_cardinality(hll_add_agg(hll_hash_text(user_name)))`
SELECT round(hll_cardinality(hll_add_agg(hll_hash_text(user_name))))::bigint FROM sessions;

-- @ p2-unique-duckdb | duckdb | all | unique | p2-unique | DuckDB: `count(DISTINCT user_name)`
SELECT count(DISTINCT user_name) FROM sessions;

-- @ p2-unique-plain | postgres | all | unique | p2-unique | plain SQL: the best we can write (parallel DISTINCT, then count)
SELECT count(*) FROM (SELECT DISTINCT user_name FROM sessions WHERE user_name IS NOT NULL) AS users;

-- @ p2-unique-naive | postgres | few | unique | p2-unique | plain SQL: `count(DISTINCT user_name)`
SELECT count(DISTINCT user_name) FROM sessions;
