-- The judge, continued: buckets of any interval, and rolling spans. \i after oracle.sql.

-- Buckets that meet [from_at, to_at): of months counted from January 2000; of days from the first day of 2000 with which weeks begin; of
-- minutes as the clock on the wall shows them, minute by minute: one begins with the day, at a multiple of its length since
-- midnight, and where another part of the day comes to be shown. For instants after 2000.
CREATE FUNCTION oracle.interval_buckets(size interval, zone text, from_at timestamptz, to_at timestamptz, week_starts integer)
RETURNS TABLE (lo timestamptz, hi timestamptz) LANGUAGE sql STABLE AS $$
    WITH minute AS (
        SELECT g AS at, d.day, extract(epoch FROM (g AT TIME ZONE zone) - d.day::timestamp) AS second
        FROM (SELECT d::date AS day FROM generate_series(date_trunc('day', (from_at AT TIME ZONE zone) - interval '2 days'), (to_at AT TIME ZONE zone) + interval '2 days', '1 day') AS d) AS d,
             generate_series(oracle.day_start(d.day, zone), oracle.day_start(d.day + 1, zone) - interval '1 minute', '1 minute') AS g
        WHERE size < interval '1 day'),
    part AS (
        SELECT m.*, lag(m.day) OVER w AS day_before, floor(m.second / extract(epoch FROM size)) AS part, lag(floor(m.second / extract(epoch FROM size))) OVER w AS part_before
        FROM minute AS m WINDOW w AS (ORDER BY m.at)),
    bound AS (
        SELECT p.at FROM part AS p WHERE p.day <> p.day_before OR p.part <> p.part_before OR p.second = p.part * extract(epoch FROM size)
        UNION
        SELECT oracle.day_start(g::date, zone)
        FROM (SELECT CASE WHEN extract(month FROM size) > 0 OR extract(year FROM size) > 0 THEN date '2000-01-01'
                          ELSE (SELECT min(d)::date FROM generate_series(timestamp '2000-01-01', '2000-01-07', '1 day') AS d WHERE extract(isodow FROM d) = week_starts) END AS origin) AS o,
             generate_series(o.origin::timestamp, (to_at AT TIME ZONE zone) + 2 * size, size) AS g
        WHERE size >= interval '1 day')
    SELECT b.lo, b.hi FROM (SELECT at AS lo, lead(at) OVER (ORDER BY at) AS hi FROM bound) AS b WHERE oracle.overlaps(b.lo, b.hi, from_at, to_at)
$$;

-- What source_activity tells of some spans, each labelled by an instant.
CREATE FUNCTION oracle.span_counts(p oracle.params, labels timestamptz[], los timestamptz[], his timestamptz[])
RETURNS TABLE (bucket timestamptz, unique_users bigint, concurrent_users bigint, concurrent_hosts bigint, denial_users bigint, denials bigint) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.occupied(p) AS o WHERE (p).model <> '2013' OR o.is_realtime),
    n AS MATERIALIZED (SELECT * FROM oracle.true_denials(p) AS t WHERE (p).model <> '2013' OR t.is_realtime)
    SELECT b.label,
           (SELECT count(DISTINCT s.user_name) FROM s WHERE oracle.overlaps(s.started_at, s.finish, b.lo, b.hi)),
           (SELECT max((SELECT count(DISTINCT s.user_name) FROM s WHERE s.started_at <= c.t AND c.t < s.finish))
            FROM (SELECT b.lo AS t WHERE b.lo < b.hi UNION SELECT s.started_at FROM s WHERE b.lo <= s.started_at AND s.started_at < b.hi) AS c),
           (SELECT max((SELECT count(DISTINCT s.host) FROM s WHERE s.started_at <= c.t AND c.t < s.finish))
            FROM (SELECT b.lo AS t WHERE b.lo < b.hi UNION SELECT s.started_at FROM s WHERE b.lo <= s.started_at AND s.started_at < b.hi) AS c),
           (SELECT count(DISTINCT n.user_name) FROM n WHERE b.lo <= n.denied_at AND n.denied_at < b.hi),
           (SELECT count(*) FROM n WHERE b.lo <= n.denied_at AND n.denied_at < b.hi)
    FROM unnest(labels, los, his) AS b (label, lo, hi)
$$;

-- Each bucket cut to [from_at, to_at).
CREATE FUNCTION oracle.interval_activity(p oracle.params, size interval, from_at timestamptz, to_at timestamptz, week_starts integer)
RETURNS TABLE (bucket timestamptz, unique_users bigint, concurrent_users bigint, concurrent_hosts bigint, denial_users bigint, denials bigint) LANGUAGE sql STABLE AS $$
    SELECT c.* FROM (SELECT array_agg(b.lo ORDER BY b.lo) AS labels, array_agg(greatest(b.lo, from_at) ORDER BY b.lo) AS los, array_agg(least(b.hi, to_at) ORDER BY b.lo) AS his
                     FROM oracle.interval_buckets(size, (p).zone, from_at, to_at, week_starts) AS b) AS x, oracle.span_counts(p, x.labels, x.los, x.his) AS c
$$;

-- So long before each instant of [from_at, to_at), up to as_of, at which a bucket begins: days and months by the calendar, the rest as it passes.
CREATE FUNCTION oracle.rolling_spans(p oracle.params, size interval, span interval, from_at timestamptz, to_at timestamptz, week_starts integer)
RETURNS TABLE (bucket timestamptz, unique_users bigint, concurrent_users bigint, concurrent_hosts bigint, denial_users bigint, denials bigint) LANGUAGE sql STABLE AS $$
    SELECT c.bucket, c.unique_users, coalesce(c.concurrent_users, 0), coalesce(c.concurrent_hosts, 0), c.denial_users, c.denials
    FROM (SELECT array_agg(b.lo ORDER BY b.lo) AS labels,
                 array_agg(((b.lo AT TIME ZONE (p).zone) - date_trunc('day', span)) AT TIME ZONE (p).zone - (span - date_trunc('day', span)) ORDER BY b.lo) FILTER (WHERE date_trunc('day', span) > '0') AS civil,
                 array_agg(b.lo - span ORDER BY b.lo) AS plain
          FROM oracle.interval_buckets(size, (p).zone, from_at, to_at, week_starts) AS b WHERE b.lo >= from_at AND b.lo <= (p).as_of) AS x,
         oracle.span_counts(p, x.labels, coalesce(x.civil, x.plain), x.labels) AS c
$$;

CREATE FUNCTION oracle.interval_presence(size interval, zone text, from_at timestamptz, to_at timestamptz, as_of timestamptz, week_starts integer)
RETURNS TABLE (bucket timestamptz, unique_keys bigint, new_keys bigint, max_concurrent bigint, max_concurrent_at timestamptz) LANGUAGE sql STABLE AS $$
    WITH b AS MATERIALIZED (SELECT b.lo AS label, greatest(b.lo, from_at) AS lo, least(b.hi, to_at) AS hi FROM oracle.interval_buckets(size, zone, from_at, to_at, week_starts) AS b),
    counts AS MATERIALIZED (SELECT * FROM oracle.bucket_counts((SELECT array_agg(tstzrange(lo, hi)) FROM b), as_of))
    SELECT b.label, c.unique_keys, c.new_keys, c.max_concurrent, c.max_concurrent_at FROM b JOIN counts AS c ON c.lo = b.lo
$$;
