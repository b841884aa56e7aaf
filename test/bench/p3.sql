-- P3: many groups of five rows each. The sum outside makes every group's value be computed, and is compared.
-- A section begins with:  -- @ name | engine | pace | answers | against | words

-- @ p3-base | postgres | all | groups | p3-unique | work_mem 256 MB: `count(*), max(entered_at)`
SET work_mem = '256MB';
SELECT count(*) FROM (SELECT room, count(*) AS n, max(entered_at) AS last FROM visits GROUP BY room) AS g WHERE n > 0 AND last IS NOT NULL;

-- @ p3-unique | postgres | all | badges | p3-unique | work_mem 256 MB: **ours**, `unique_count(badge)`
SET work_mem = '256MB';
SELECT sum(n) FROM (SELECT headcount.unique_count(badge) AS n FROM visits GROUP BY room) AS g;

-- @ p3-presence | postgres | all | groups | p3-unique | work_mem 256 MB: **ours**, `presence_agg(badge, entered_at, left_at)`
SET work_mem = '256MB';
SELECT count(p) FROM (SELECT headcount.presence_agg(badge, entered_at, left_at) AS p FROM visits GROUP BY room) AS g;

-- @ p3-presence-read | postgres | all | badges | p3-unique | work_mem 256 MB: **ours**, `unique_count(presence_agg(…))`
SET work_mem = '256MB';
SELECT sum(headcount.unique_count(p)) FROM (SELECT headcount.presence_agg(badge, entered_at, left_at) AS p FROM visits GROUP BY room) AS g;

-- @ p3-distinct | postgres | all | badges | p3-unique | work_mem 256 MB: plain SQL, `count(DISTINCT badge)`
SET work_mem = '256MB';
SELECT sum(n) FROM (SELECT count(DISTINCT badge) AS n FROM visits GROUP BY room) AS g;

-- @ p3-base-4mb | postgres | all | groups | p3-unique-4mb | work_mem 4 MB: `count(*), max(entered_at)`
SET work_mem = '4MB';
SELECT count(*) FROM (SELECT room, count(*) AS n, max(entered_at) AS last FROM visits GROUP BY room) AS g WHERE n > 0 AND last IS NOT NULL;

-- @ p3-unique-4mb | postgres | all | badges | p3-unique-4mb | work_mem 4 MB: **ours**, `unique_count(badge)`
SET work_mem = '4MB';
SELECT sum(n) FROM (SELECT headcount.unique_count(badge) AS n FROM visits GROUP BY room) AS g;

-- @ p3-presence-4mb | postgres | all | groups | p3-unique-4mb | work_mem 4 MB: **ours**, `presence_agg(badge, entered_at, left_at)`
SET work_mem = '4MB';
SELECT count(p) FROM (SELECT headcount.presence_agg(badge, entered_at, left_at) AS p FROM visits GROUP BY room) AS g;

-- @ p3-presence-read-4mb | postgres | all | badges | p3-unique-4mb | work_mem 4 MB: **ours**, `unique_count(presence_agg(…))`
SET work_mem = '4MB';
SELECT sum(headcount.unique_count(p)) FROM (SELECT headcount.presence_agg(badge, entered_at, left_at) AS p FROM visits GROUP BY room) AS g;

-- @ p3-distinct-4mb | postgres | all | badges | p3-unique-4mb | work_mem 4 MB: plain SQL, `count(DISTINCT badge)`
SET work_mem = '4MB';
SELECT sum(n) FROM (SELECT count(DISTINCT badge) AS n FROM visits GROUP BY room) AS g;

-- @ p3-duckdb | duckdb | all | badges | p3-unique | DuckDB: `count(DISTINCT badge)`
SELECT sum(n)::bigint FROM (SELECT count(DISTINCT badge) AS n FROM visits GROUP BY room) AS g;
