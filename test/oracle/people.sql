-- The judge of src/source/88-people.sql: the same answers in slow, obvious SQL. See test/oracle/oracle.sql.

-- Who was active on which day: those behind daily_users. The days are from the first that has one to that of as_of.
CREATE FUNCTION oracle.active_days(p oracle.params) RETURNS TABLE (day date, user_name text) LANGUAGE sql STABLE AS $$
    SELECT d::date, u FROM generate_series(
        (SELECT oracle.day_of(min(t), (p).zone) FROM (SELECT started_at FROM oracle.occupied(p) UNION ALL SELECT denied_at FROM oracle.true_denials(p)) AS s (t))::timestamp,
        oracle.day_of((p).as_of, (p).zone)::timestamp, '1 day') AS d, oracle.users_between(p, d::date, d::date, 'daily') AS u
$$;

-- The buckets there are between those of two days; a civil day that does not exist is none, nor is a bucket of such days only.
CREATE FUNCTION oracle.bucket_list(p oracle.params, granularity text, from_day date, to_day date) RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT DISTINCT date_trunc(granularity, d)::date
    FROM generate_series(date_trunc(granularity, from_day::timestamp), to_day::timestamp, '1 day') AS d
    WHERE oracle.day_start(d::date, (p).zone) < oracle.day_start(d::date + 1, (p).zone)
$$;

CREATE FUNCTION oracle.user_lifecycle(p oracle.params, granularity text, from_day date, to_day date)
RETURNS TABLE (bucket date, active bigint, new bigint, retained bigint, resurrected bigint, dormant bigint) LANGUAGE sql STABLE AS $$
    WITH a AS MATERIALIZED (SELECT DISTINCT date_trunc(granularity, d.day::timestamp)::date AS bucket, d.user_name FROM oracle.active_days(p) AS d),
    b AS MATERIALIZED (
        SELECT b.bucket, (SELECT max(e) FROM oracle.bucket_list(p, granularity, b.bucket - 400, b.bucket) AS e WHERE e < b.bucket) AS before
        FROM oracle.bucket_list(p, granularity, coalesce(from_day, (SELECT min(a.bucket) FROM a)), least(to_day, oracle.day_of((p).as_of, (p).zone))) AS b (bucket))
    SELECT b.bucket,
           (SELECT count(*) FROM a WHERE a.bucket = b.bucket),
           (SELECT count(*) FROM a WHERE a.bucket = b.bucket AND NOT EXISTS (SELECT FROM a AS o WHERE o.user_name = a.user_name AND o.bucket < b.bucket)),
           (SELECT count(*) FROM a WHERE a.bucket = b.bucket AND EXISTS (SELECT FROM a AS o WHERE o.user_name = a.user_name AND o.bucket = b.before)),
           (SELECT count(*) FROM a WHERE a.bucket = b.bucket AND EXISTS (SELECT FROM a AS o WHERE o.user_name = a.user_name AND o.bucket < b.bucket)
                                     AND NOT EXISTS (SELECT FROM a AS o WHERE o.user_name = a.user_name AND o.bucket = b.before)),
           (SELECT count(*) FROM a WHERE a.bucket = b.before AND NOT EXISTS (SELECT FROM a AS o WHERE o.user_name = a.user_name AND o.bucket = b.bucket))
    FROM b
$$;

CREATE FUNCTION oracle.stickiness(p oracle.params, from_day date, to_day date)
RETURNS TABLE (day date, dau bigint, wau bigint, mau bigint, dau_per_mau float8) LANGUAGE sql STABLE AS $$
    WITH a AS MATERIALIZED (SELECT * FROM oracle.active_days(p)),
    counted AS (
        SELECT d::date AS day,
               (SELECT count(DISTINCT a.user_name) FROM a WHERE a.day = d::date) AS dau,
               (SELECT count(DISTINCT a.user_name) FROM a WHERE a.day BETWEEN d::date - 6 AND d::date) AS wau,
               (SELECT count(DISTINCT a.user_name) FROM a WHERE a.day BETWEEN d::date - 29 AND d::date) AS mau
        FROM generate_series(coalesce(from_day, (SELECT min(a.day) FROM a))::timestamp, least(to_day, oracle.day_of((p).as_of, (p).zone))::timestamp, '1 day') AS d)
    SELECT c.day, c.dau, c.wau, c.mau, c.dau::float8 / nullif(c.mau, 0)::float8 FROM counted AS c
$$;

CREATE FUNCTION oracle.user_retention(p oracle.params, granularity text, from_day date, to_day date)
RETURNS TABLE (cohort date, period bigint, users bigint, share float8) LANGUAGE sql STABLE AS $$
    WITH a AS MATERIALIZED (SELECT DISTINCT date_trunc(granularity, d.day::timestamp)::date AS bucket, d.user_name FROM oracle.active_days(p) AS d),
    firsts AS MATERIALIZED (SELECT a.user_name, min(a.bucket) AS bucket FROM a GROUP BY 1),
    b AS MATERIALIZED (
        SELECT b.bucket, row_number() OVER (ORDER BY b.bucket) AS n
        FROM oracle.bucket_list(p, granularity, coalesce(from_day, (SELECT min(a.bucket) FROM a)), least(to_day, oracle.day_of((p).as_of, (p).zone))) AS b (bucket))
    SELECT c.bucket, o.n - c.n,
           (SELECT count(*) FROM firsts AS f JOIN a ON a.user_name = f.user_name AND a.bucket = o.bucket WHERE f.bucket = c.bucket),
           (SELECT count(*) FROM firsts AS f JOIN a ON a.user_name = f.user_name AND a.bucket = o.bucket WHERE f.bucket = c.bucket)::float8
             / (SELECT count(*) FROM firsts AS f WHERE f.bucket = c.bucket)::float8
    FROM b AS c JOIN b AS o ON o.n >= c.n WHERE EXISTS (SELECT FROM firsts AS f WHERE f.bucket = c.bucket)
$$;

-- Time online: cut the span wherever one of the user's sessions begins or ends, and add up the pieces that one of them covers.
CREATE FUNCTION oracle.time_online(p oracle.params, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (user_name text, sessions bigint, time_online interval) LANGUAGE sql STABLE AS $$
    WITH span AS (SELECT from_at AS lo, least(to_at, (p).as_of + oracle.tick()) AS hi),
    s AS MATERIALIZED (
        SELECT o.user_name, o.started_at, o.finish FROM oracle.occupied(p) AS o, span
        WHERE o.user_name IS NOT NULL AND ((p).model <> '2013' OR o.is_realtime) AND oracle.overlaps(o.started_at, o.finish, lo, hi)),
    cuts AS (
        SELECT s.user_name, greatest(s.started_at, lo) AS t FROM s, span UNION SELECT s.user_name, least(s.finish, hi) FROM s, span),
    pieces AS (SELECT c.user_name, c.t AS lo, lead(c.t) OVER (PARTITION BY c.user_name ORDER BY c.t) AS hi FROM cuts AS c),
    covered AS (
        SELECT i.user_name, sum(extract(epoch FROM i.hi - i.lo) * 1000000) AS ticks FROM pieces AS i
        WHERE i.hi IS NOT NULL AND EXISTS (SELECT FROM s WHERE s.user_name = i.user_name AND s.started_at <= i.lo AND i.lo < s.finish) GROUP BY 1)
    SELECT v.user_name, (SELECT count(*) FROM s WHERE s.user_name = v.user_name), v.ticks * oracle.tick() FROM covered AS v
$$;
