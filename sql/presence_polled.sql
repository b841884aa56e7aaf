-- presence_agg(key, at, max_gap): polled snapshots. Seen again within max_gap is one stay.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'
-- By hand, polled every five minutes, ten minutes allowed: a is missed at 8:05 and stays; b goes unseen for longer than that
-- by a microsecond; c is seen once.
CREATE TABLE judge.seen (key text, at timestamptz);
INSERT INTO judge.seen VALUES ('a', '2024-06-10 08:00'), ('a', '2024-06-10 08:10'), ('a', '2024-06-10 08:15'), ('b', '2024-06-10 08:00'), ('b', '2024-06-10 08:10:00.000001'), ('c', '2024-06-10 08:05'), ('c', '2024-06-10 08:05'),
    (NULL, '2024-06-10 08:00'), ('d', NULL), ('e', 'infinity'), ('f', '-infinity'), ('', '2024-06-10 08:00');
SELECT i.* FROM (SELECT headcount.presence_agg(key, at, interval '10 minutes') AS p FROM judge.seen) AS s, headcount.intervals(s.p) AS i;
-- Nobody.
SELECT headcount.presence_agg(key, at, interval '10 minutes') IS NULL AS none FROM judge.seen WHERE false;
SELECT headcount.unique_count(headcount.presence_agg(key, at, interval '10 minutes')) FROM judge.seen WHERE key IS NULL;

-- The judge: sorted by time, an instant begins a stay if the one before is longer ago than that.
CREATE FUNCTION judge.stays(max_gap interval) RETURNS TABLE (key text, started_at timestamptz, ended_at timestamptz) LANGUAGE sql AS $$
    WITH s AS (SELECT DISTINCT s.key, s.at FROM judge.seen AS s WHERE s.key IS NOT NULL AND isfinite(s.at)),
    b AS (SELECT s.key, s.at, coalesce(extract(epoch FROM s.at - lag(s.at) OVER w) > extract(epoch FROM max_gap), true) AS begins FROM s WINDOW w AS (PARTITION BY s.key ORDER BY s.at)),
    n AS (SELECT b.key, b.at, count(*) FILTER (WHERE b.begins) OVER (PARTITION BY b.key ORDER BY b.at) AS stay FROM b)
    SELECT n.key, min(n.at), max(n.at) + oracle.tick() FROM n GROUP BY n.key, n.stay
$$;
CREATE FUNCTION judge.polled(type text, max_gap interval) RETURNS text LANGUAGE sql AS $$
    SELECT judge.compare(format('SELECT i.* FROM (SELECT headcount.presence_agg(key::%s, at, %L::interval) AS p FROM judge.seen) AS s, headcount.intervals(s.p) AS i', type, max_gap), format('SELECT * FROM judge.stays(%L)', max_gap))
$$;
SELECT judge.polled('text', g) FROM unnest(ARRAY['1 microsecond', '5 minutes', '10 minutes', '1 day', '30 hours -1 day', '10000000 days']::interval[]) AS g;
-- Random snapshots, in any order, twice, with hostile and long names.
TRUNCATE judge.seen;
INSERT INTO judge.seen SELECT oracle.random_name(901, i, 'user', 12), '2024-10-26 20:00'::timestamptz + oracle.dice(901, i, 'at', 900) * interval '5 minutes' + oracle.dice(901, i, 'late', 3) * oracle.tick() FROM generate_series(1, 6000) AS i;
SELECT g, judge.polled('text', g) FROM unnest(ARRAY['1 microsecond', '5 minutes', '10 minutes', '00:10:00.000001', '1 hour', '1 day', '3 days']::interval[]) AS g;
CREATE TABLE judge.names AS TABLE judge.seen;
UPDATE judge.seen SET key = (oracle.dice(902, ('x' || substr(md5(key), 1, 8))::bit(32)::bigint, 'n', 9) - 4)::text WHERE key IS NOT NULL;
SELECT g, judge.polled('bigint', g) FROM unnest(ARRAY['5 minutes', '1 hour']::interval[]) AS g;
UPDATE judge.seen SET key = md5(key)::uuid::text WHERE key IS NOT NULL;
SELECT g, judge.polled('uuid', g) FROM unnest(ARRAY['5 minutes', '1 hour', '30 days']::interval[]) AS g;
TRUNCATE judge.seen;
INSERT INTO judge.seen TABLE judge.names;
DROP TABLE judge.names;

-- The state combines: in parallel, by groups, in a window, with FILTER, spilled; and the stays of one key are those of all.
CREATE TABLE judge.whole AS SELECT headcount.presence_agg(key, at, interval '10 minutes') AS p FROM judge.seen;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
ANALYZE judge.seen;
SELECT judge.plan($$SELECT headcount.presence_agg(key, at, interval '10 minutes') FROM judge.seen$$) ~ 'Finalize Aggregate.*Gather.*Partial Aggregate' AS parallel;
SELECT headcount.presence_agg(key, at, interval '10 minutes') OPERATOR(headcount.=) (SELECT p FROM judge.whole) AS same FROM judge.seen;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;
SELECT headcount.presence_union_agg(g.p) OPERATOR(headcount.=) (SELECT p FROM judge.whole) AS by_key FROM (SELECT headcount.presence_agg(key, at, interval '10 minutes') AS p FROM judge.seen GROUP BY key) AS g;
SELECT headcount.presence_agg(key, at, interval '10 minutes' ORDER BY at DESC) OPERATOR(headcount.=) (SELECT p FROM judge.whole) AS backwards FROM judge.seen;
SET work_mem = '64kB';
SELECT count(*) AS groups, sum(headcount.unique_count(g.p)) AS keys FROM (SELECT headcount.presence_agg(key, at, interval '10 minutes') AS p FROM judge.seen GROUP BY key, at) AS g;
RESET work_mem;
-- A frame that grows reads the state and leaves it as it is.
SELECT count(*) AS frames, count(DISTINCT p) AS different FROM (SELECT headcount.presence_agg(key, at, interval '10 minutes') OVER (ORDER BY at ROWS UNBOUNDED PRECEDING)::text AS p FROM (SELECT * FROM judge.seen WHERE key = 'u3' AND isfinite(at) ORDER BY at LIMIT 40) AS s) AS w;
SELECT headcount.presence_agg(key, at, interval '10 minutes') FILTER (WHERE key = 'u3') OPERATOR(headcount.=) (SELECT headcount.presence_agg(key, at, interval '10 minutes') FROM judge.seen WHERE key = 'u3') AS filtered FROM judge.seen;
-- Two that share a state.
SELECT headcount.presence_agg(key, at, interval '10 minutes') OPERATOR(headcount.=) headcount.presence_agg(key, at, interval '10 minutes') AS shared FROM judge.seen;

-- Servers send each other the state as the text of a presence, which takes text for keys of type text.
CREATE AGGREGATE judge.state_of(text, timestamptz, headcount_internal.gap) (SFUNC = headcount_internal.presence_add_polled, STYPE = headcount.presence, COMBINEFUNC = headcount_internal.presence_merge);
CREATE AGGREGATE judge.state_of(bigint, timestamptz, headcount_internal.gap) (SFUNC = headcount_internal.presence_add_polled, STYPE = headcount.presence, COMBINEFUNC = headcount_internal.presence_merge);
CREATE AGGREGATE judge.state_of(uuid, timestamptz, headcount_internal.gap) (SFUNC = headcount_internal.presence_add_polled, STYPE = headcount.presence, COMBINEFUNC = headcount_internal.presence_merge);
SELECT headcount_internal.presence_stays_text(judge.state_of(key, at, interval '10 minutes')::text::headcount.presence) OPERATOR(headcount.=) headcount.presence_agg(key, at, interval '10 minutes') AS text,
       headcount_internal.presence_stays_bigint(judge.state_of(hashtext(key)::bigint << 20, at, interval '10 minutes')::text::headcount.presence) OPERATOR(headcount.=) headcount.presence_agg(hashtext(key)::bigint << 20, at, interval '10 minutes') AS bigint,
       headcount_internal.presence_stays_uuid(judge.state_of(md5(key)::uuid, at, interval '10 minutes')::text::headcount.presence) OPERATOR(headcount.=) headcount.presence_agg(md5(key)::uuid, at, interval '10 minutes') AS uuid FROM judge.seen;
DROP AGGREGATE judge.state_of(text, timestamptz, headcount_internal.gap), judge.state_of(bigint, timestamptz, headcount_internal.gap), judge.state_of(uuid, timestamptz, headcount_internal.gap);

-- Refused.
SELECT c, judge.error('SELECT ' || c) FROM unnest(ARRAY[
    'headcount.presence_agg(key, at, interval ''0'') FROM judge.seen', 'headcount.presence_agg(key, at, interval ''-1 second'') FROM judge.seen', 'headcount.presence_agg(key, at, interval ''1 month'') FROM judge.seen', 'headcount.presence_agg(key, at, interval ''1 year'') FROM judge.seen',
    'headcount.presence_agg(key, at, NULL::interval) FROM judge.seen', 'headcount.presence_agg(key, at, interval ''2147483647 days'') FROM judge.seen', 'headcount.presence_agg(''a''::text, ''294276-12-31 23:00+00''::timestamptz, interval ''2 hours'')',
    'headcount.presence_agg(key, at, CASE WHEN at > ''2024-10-28'' THEN interval ''1 hour'' ELSE interval ''2 hours'' END) FROM judge.seen',
    'headcount_internal.presence_stays_text(headcount.presence_agg(key, at)) FROM judge.seen', 'headcount_internal.presence_stays_bigint(headcount.presence_agg(1::bigint, at)) FROM judge.seen', 'headcount_internal.presence_stays_uuid(p) FROM judge.whole',
    'headcount_internal.presence_add_polled(NULL, ''a''::text, now(), interval ''1 hour'')']) AS c;
DROP TABLE judge.seen, judge.whole;
