-- The judge of src/source/87-sizing.sql: the same answers in slow, obvious SQL. See test/oracle/oracle.sql.

-- What is counted: the united intervals of hosts or users (S7), or sessions as they are, 1 each or what they weigh, on the
-- servers that the model looks at, up to as_of.
CREATE FUNCTION oracle.counted(p oracle.params, what text)
RETURNS TABLE (key text, started_at timestamptz, finish timestamptz, weight bigint) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (
        SELECT CASE what WHEN 'hosts' THEN o.host WHEN 'users' THEN o.user_name ELSE row_number() OVER ()::text END AS key, o.started_at, o.finish,
               CASE what WHEN 'weight' THEN o.weight ELSE 1 END AS weight
        FROM oracle.occupied(p) AS o WHERE ((p).model <> '2013' OR o.is_realtime) AND (o.user_name IS NOT NULL OR o.host IS NOT NULL)),
    begins AS (
        SELECT DISTINCT a.key, a.started_at, CASE WHEN what = 'weight' THEN a.weight ELSE 1 END AS weight FROM s AS a
        WHERE a.key IS NOT NULL AND a.weight IS NOT NULL AND NOT EXISTS (SELECT FROM s AS b WHERE b.key = a.key AND b.started_at < a.started_at AND b.finish >= a.started_at)),
    ends AS (
        SELECT DISTINCT a.key, a.finish FROM s AS a
        WHERE NOT EXISTS (SELECT FROM s AS b WHERE b.key = a.key AND b.started_at <= a.finish AND b.finish > a.finish))
    SELECT b.key, b.started_at, (SELECT min(e.finish) FROM ends AS e WHERE e.key = b.key AND e.finish > b.started_at), b.weight FROM begins AS b
$$;

-- The span cut wherever the level, the hour of the clock or the civil day may change: clocks change, and hours and days
-- begin, at a quarter of an hour.
CREATE FUNCTION oracle.level_pieces(p oracle.params, what text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (weekday integer, hour integer, n bigint, ticks numeric) LANGUAGE sql STABLE AS $$
    WITH c AS MATERIALIZED (SELECT * FROM oracle.counted(p, what)),
    span AS (SELECT from_at AS lo, least(to_at, (p).as_of + oracle.tick()) AS hi),
    cuts AS (
        SELECT lo AS t FROM span UNION SELECT hi FROM span UNION SELECT c.started_at FROM c UNION SELECT c.finish FROM c
        UNION SELECT g FROM span, generate_series(date_trunc('hour', lo, 'UTC'), hi, '15 minutes') AS g),
    pieces AS (SELECT t AS lo, lead(t) OVER (ORDER BY t) AS hi FROM cuts, span WHERE t >= span.lo AND t <= span.hi)
    SELECT extract(isodow FROM oracle.day_of(i.lo, (p).zone))::integer, extract(hour FROM i.lo AT TIME ZONE (p).zone)::integer,
           (SELECT coalesce(sum(c.weight), 0)::bigint FROM c WHERE c.started_at <= i.lo AND i.lo < c.finish),
           extract(epoch FROM i.hi - i.lo) * 1000000
    FROM pieces AS i WHERE i.hi IS NOT NULL AND from_at < least(to_at, (p).as_of + oracle.tick())
$$;

CREATE FUNCTION oracle.concurrency_profile(p oracle.params, what text, from_at timestamptz, to_at timestamptz, hours int4range, weekdays integer[])
RETURNS TABLE (concurrent bigint, duration interval, share float8, at_most_share float8) LANGUAGE sql STABLE AS $$
    WITH counted AS MATERIALIZED (
        SELECT * FROM oracle.level_pieces(p, what, from_at, to_at) AS l WHERE (hours IS NULL OR l.hour <@ hours) AND (weekdays IS NULL OR l.weekday = ANY (weekdays))),
    held AS (SELECT n, sum(ticks) AS ticks FROM counted GROUP BY n)
    SELECT h.n, h.ticks * oracle.tick(), h.ticks::float8 / (SELECT sum(ticks) FROM counted)::float8,
           (SELECT sum(k.ticks) FROM held AS k WHERE k.n <= h.n)::float8 / (SELECT sum(ticks) FROM counted)::float8
    FROM held AS h
$$;

CREATE FUNCTION oracle.concurrency_percentiles(p oracle.params, what text, from_at timestamptz, to_at timestamptz, hours int4range, weekdays integer[], fractions float8[])
RETURNS TABLE (fraction float8, concurrent bigint) LANGUAGE sql STABLE AS $$
    WITH profile AS MATERIALIZED (SELECT * FROM oracle.concurrency_profile(p, what, from_at, to_at, hours, weekdays))
    SELECT f, (SELECT min(r.concurrent) FROM profile AS r WHERE r.at_most_share >= f) FROM unnest(fractions) AS f WHERE EXISTS (SELECT FROM profile)
$$;

CREATE FUNCTION oracle.concurrency_by_hour_of_week(p oracle.params, what text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (weekday integer, hour integer, peak bigint, mean float8, p95 bigint) LANGUAGE sql STABLE AS $$
    WITH held AS MATERIALIZED (SELECT l.weekday, l.hour, l.n, sum(l.ticks) AS ticks FROM oracle.level_pieces(p, what, from_at, to_at) AS l GROUP BY 1, 2, 3)
    SELECT c.weekday, c.hour, max(c.n), sum(c.n * c.ticks)::float8 / sum(c.ticks)::float8,
           (SELECT min(k.n) FROM held AS k WHERE k.weekday = c.weekday AND k.hour = c.hour
                AND (SELECT sum(b.ticks) FROM held AS b WHERE b.weekday = c.weekday AND b.hour = c.hour AND b.n <= k.n)::float8 / sum(c.ticks)::float8 >= 0.95)
    FROM held AS c GROUP BY c.weekday, c.hour
$$;

-- What would have been needed for a start: who was there just before and stays, who starts at the same instant and is before it
-- in line (the lightest first), and itself.
CREATE FUNCTION oracle.capacity_what_if(p oracle.params, what text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (capacity integer, refused bigint, refused_share float8, lacking_for interval) LANGUAGE sql STABLE AS $$
    WITH c AS MATERIALIZED (SELECT * FROM oracle.counted(p, what)),
    pieces AS MATERIALIZED (SELECT * FROM oracle.level_pieces(p, what, from_at, to_at)),
    starts AS MATERIALIZED (
        SELECT (SELECT coalesce(sum(o.weight), 0) FROM c AS o WHERE o.started_at < s.started_at AND o.finish > s.started_at)
               + sum(s.weight) OVER (PARTITION BY s.started_at ORDER BY s.weight, s.key ROWS UNBOUNDED PRECEDING) AS needed
        FROM c AS s WHERE from_at <= s.started_at AND s.started_at < to_at)
    SELECT size, (SELECT count(*) FROM starts WHERE needed > size), (SELECT count(*) FROM starts WHERE needed > size)::float8 / nullif((SELECT count(*) FROM starts), 0)::float8,
           coalesce((SELECT sum(ticks) FROM pieces WHERE n > size), 0) * oracle.tick()
    FROM generate_series(0, (SELECT max(n) FROM pieces)) AS size
$$;

-- A denial with none of its user and server within `retry` before it begins a demand, which has all until the next that does.
CREATE FUNCTION oracle.avoidable_denials(p oracle.params, from_at timestamptz, to_at timestamptz, retry interval)
RETURNS TABLE (extra bigint, avoided bigint, avoided_share float8) LANGUAGE sql STABLE AS $$
    WITH d AS MATERIALIZED (
        SELECT n.user_name COLLATE "C" AS user_name, coalesce('=' || n.server, '') AS server, n.denied_at AS at FROM oracle.true_denials(p) AS n
        WHERE ((p).model <> '2013' OR n.is_realtime) AND from_at <= n.denied_at AND n.denied_at < to_at),
    begins AS MATERIALIZED (
        SELECT DISTINCT b.user_name, b.server, b.at FROM d AS b
        WHERE NOT EXISTS (SELECT FROM d AS e WHERE e.user_name = b.user_name AND e.server = b.server AND e.at < b.at AND b.at - e.at <= retry)),
    bounds AS (
        SELECT b.*, (SELECT min(n.at) FROM begins AS n WHERE n.user_name = b.user_name AND n.server = b.server AND n.at > b.at) AS next_at FROM begins AS b),
    demands AS MATERIALIZED (
        SELECT b.user_name, b.server, b.at AS lo, greatest(max(e.at), b.at + oracle.tick()) AS hi, count(*) AS denials
        FROM bounds AS b JOIN d AS e ON e.user_name = b.user_name AND e.server = b.server AND e.at >= b.at AND (b.next_at IS NULL OR e.at < b.next_at)
        GROUP BY b.user_name, b.server, b.at),
    met AS MATERIALIZED (
        SELECT a.denials, (SELECT count(*) FROM demands AS o WHERE o.server = a.server AND o.hi > a.lo AND (o.lo < a.lo OR o.lo = a.lo AND o.user_name < a.user_name)) AS open
        FROM demands AS a)
    SELECT k, (SELECT sum(denials) FROM met WHERE open < k)::bigint, (SELECT sum(denials) FROM met WHERE open < k)::float8 / (SELECT sum(denials) FROM met)::float8
    FROM generate_series(1, (SELECT max(open) + 1 FROM met)) AS k
$$;
