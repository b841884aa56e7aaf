-- The judge: every number of Headcount once more, in slow and obvious SQL.
--
-- Nothing here calls a headcount function, and nothing here is clever. A day is two bounds; a user was there that
-- day when one of his rows overlaps them; a peak is found by trying every instant at which it could begin. Speed does
-- not matter, agreement with the rules S1 to S11 does: read a function beside its rule and see that it is right.
--
-- First part:  keyed rows       (table oracle.keyed)                    judge the type presence and its aggregates
-- Second part: sessions, denials (tables oracle.session, oracle.denial)  judge a source and its views
--
-- All text is compared byte for byte (S6): '=' and DISTINCT do so under every deterministic collation.

CREATE SCHEMA oracle;

-- One row is one interval of one key, as it would be handed to presence_agg(key, started_at, ended_at).
CREATE TABLE oracle.keyed (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    key        text,
    started_at timestamptz,
    ended_at   timestamptz
);

CREATE TABLE oracle.session (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    user_name  text,
    host       text,
    server     text,
    started_at timestamptz,
    ended_at   timestamptz,
    last_seen  timestamptz,
    weight     bigint
);

CREATE TABLE oracle.denial (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    user_name  text,
    host       text,
    server     text,
    denied_at  timestamptz
);

-- What a source is told, and what its reader asks for.
CREATE TYPE oracle.params AS (
    as_of               timestamptz,
    zone                text,
    model               text,
    window_days         integer,     -- NULL: 30 under 2025, else 14
    realtime_servers    text[],      -- NULL: all are
    idle_limit          interval,    -- NULL: no session is ever stale
    false_denial_before interval,    -- both NULL: the option is off
    false_denial_after  interval,
    from_day            date,
    to_day              date
);

CREATE FUNCTION oracle.params(
    as_of timestamptz, zone text DEFAULT 'UTC', model text DEFAULT '2019', window_days integer DEFAULT NULL,
    realtime_servers text[] DEFAULT NULL, idle_limit interval DEFAULT NULL,
    false_denial_before interval DEFAULT NULL, false_denial_after interval DEFAULT NULL,
    from_day date DEFAULT NULL, to_day date DEFAULT NULL)
RETURNS oracle.params LANGUAGE sql IMMUTABLE AS $$
    SELECT ROW(as_of, zone, model, window_days, realtime_servers, idle_limit,
               false_denial_before, false_denial_after, from_day, to_day)::oracle.params
$$;

CREATE FUNCTION oracle.last_days(p oracle.params) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((p).window_days, CASE (p).model WHEN '2025' THEN 30 ELSE 14 END)
$$;

-------------------------------------------------------------------------------------------------------------------
-- Time: ticks, days, buckets
-------------------------------------------------------------------------------------------------------------------

-- The finest step of a timestamptz.
CREATE FUNCTION oracle.tick() RETURNS interval LANGUAGE sql IMMUTABLE AS $$ SELECT interval '1 microsecond' $$;

-- Open: no end is known.
CREATE FUNCTION oracle.is_open(ended_at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT ended_at IS NULL OR ended_at = 'infinity'
$$;

-- S1, S2: a start that is there. 'infinity' lies after every as_of.
CREATE FUNCTION oracle.has_start(started_at timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT started_at IS NOT NULL AND started_at <> '-infinity'
$$;

CREATE FUNCTION oracle.is_reversed(started_at timestamptz, ended_at timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(ended_at < started_at, false)
$$;

-- S1, S2: the first instant after a session, where as_of may be 'infinity' (then open sessions never finish).
CREATE FUNCTION oracle.finish(started_at timestamptz, ended_at timestamptz, as_of timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT least(CASE WHEN oracle.is_open(ended_at)   THEN 'infinity'
                      WHEN ended_at = started_at      THEN started_at + oracle.tick()
                      ELSE ended_at END,
                 as_of + oracle.tick())
$$;

-- S4: the first instant of a civil day.
CREATE FUNCTION oracle.day_start(day date, zone text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT day::timestamp AT TIME ZONE zone
$$;

-- S4: the civil day of an instant is the one between whose bounds it lies.
CREATE FUNCTION oracle.day_of(at timestamptz, zone text) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT d FROM (SELECT (at AT TIME ZONE zone)::date + n AS d FROM generate_series(-2, 2) AS n) AS near
    WHERE oracle.day_start(d, zone) <= at AND at < oracle.day_start(d + 1, zone)
$$;

CREATE FUNCTION oracle.overlaps(a timestamptz, b timestamptz, c timestamptz, d timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(a, c) < least(b, d)      -- [a, b) and [c, d) have an instant in common
$$;

-- The civil buckets that intersect [from_at, to_at), unclipped. Hours are hours of the clock on the wall (each
-- occurs once for each time that the clock shows it); the others are made of civil days.
CREATE FUNCTION oracle.buckets(granularity text, zone text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (lo timestamptz, hi timestamptz) LANGUAGE sql STABLE AS $$
    SELECT lo, hi FROM (
        SELECT t AS lo, lead(t) OVER (ORDER BY t) AS hi
        FROM (SELECT DISTINCT date_trunc('hour', g, zone) AS t
              FROM generate_series(from_at - interval '3 hours', to_at + interval '3 hours', '15 minutes') AS g) AS hours
        WHERE granularity = 'hour'
        UNION ALL
        SELECT oracle.day_start(d::date, zone), oracle.day_start((d + step)::date, zone)
        FROM (VALUES ('day', interval '1 day'), ('week', '7 days'), ('month', '1 month'), ('quarter', '3 months'),
                     ('year', '1 year')) AS steps (name, step),
             generate_series(date_trunc(name, from_at AT TIME ZONE zone) - 2 * step,
                             date_trunc(name, to_at AT TIME ZONE zone) + 2 * step, step) AS d
        WHERE granularity = name) AS b
    WHERE lo < hi AND oracle.overlaps(lo, hi, from_at, to_at)
$$;

-------------------------------------------------------------------------------------------------------------------
-- First part: keyed rows
-------------------------------------------------------------------------------------------------------------------

-- What counts of oracle.keyed: [started_at, finish) of each key.
CREATE FUNCTION oracle.spans(as_of timestamptz DEFAULT 'infinity')
RETURNS TABLE (key text, started_at timestamptz, finish timestamptz) LANGUAGE sql STABLE AS $$
    SELECT k.key, k.started_at, oracle.finish(k.started_at, k.ended_at, as_of)
    FROM oracle.keyed AS k
    WHERE k.key IS NOT NULL AND oracle.has_start(k.started_at) AND k.started_at <> 'infinity'
      AND NOT oracle.is_reversed(k.started_at, k.ended_at) AND k.started_at <= as_of
$$;

-- The united intervals: a start that no other span of the key covers or touches begins one; it ends at the first
-- finish at which no span of the key goes on.
CREATE FUNCTION oracle.intervals()
RETURNS TABLE (key text, started_at timestamptz, ended_at timestamptz) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.spans()),
    begins AS (
        SELECT DISTINCT a.key, a.started_at FROM s AS a
        WHERE NOT EXISTS (SELECT FROM s AS b WHERE b.key = a.key AND b.started_at < a.started_at AND b.finish >= a.started_at)),
    ends AS (
        SELECT DISTINCT a.key, a.finish FROM s AS a
        WHERE NOT EXISTS (SELECT FROM s AS b WHERE b.key = a.key AND b.started_at <= a.finish AND b.finish > a.finish))
    SELECT b.key, b.started_at,
           nullif((SELECT min(e.finish) FROM ends AS e WHERE e.key = b.key AND e.finish > b.started_at), 'infinity')
    FROM begins AS b
$$;

-- The same, cut to [from_at, to_at): what presence_clip leaves.
CREATE FUNCTION oracle.clipped(from_at timestamptz, to_at timestamptz)
RETURNS TABLE (key text, started_at timestamptz, ended_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT i.key, greatest(i.started_at, from_at), nullif(least(coalesce(i.ended_at, 'infinity'), to_at), 'infinity')
    FROM oracle.intervals() AS i
    WHERE oracle.overlaps(i.started_at, coalesce(i.ended_at, 'infinity'), from_at, to_at)
$$;

CREATE FUNCTION oracle.keys_at(at timestamptz) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT s.key FROM oracle.spans() AS s WHERE s.started_at <= at AND at < s.finish
$$;

-- S7: coverage only rises at a start, so the highest coverage in [from_at, to_at) begins at from_at or at a start.
CREATE FUNCTION oracle.peak(from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity',
                            as_of timestamptz DEFAULT 'infinity',
                            OUT concurrent bigint, OUT at timestamptz) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.spans(as_of)),
    candidates AS (
        SELECT from_at AS t WHERE from_at < to_at
        UNION
        SELECT s.started_at FROM s WHERE from_at <= s.started_at AND s.started_at < to_at),
    tried AS (
        SELECT c.t, (SELECT count(DISTINCT s.key) FROM s WHERE s.started_at <= c.t AND c.t < s.finish) AS n
        FROM candidates AS c)
    SELECT coalesce(max(n), 0), (array_agg(t ORDER BY n DESC, t) FILTER (WHERE n > 0))[1] FROM tried
$$;

-- Each instant at which the coverage is not what it was just before, within [from_at, to_at); and from_at itself
-- when it is finite and somebody is there.
CREATE FUNCTION oracle.timeline(from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity')
RETURNS TABLE (at timestamptz, concurrent bigint) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.spans()),
    instants AS (
        SELECT s.started_at AS t FROM s UNION SELECT s.finish FROM s WHERE s.finish < 'infinity'
        UNION SELECT from_at WHERE from_at > '-infinity' AND from_at < 'infinity'),
    levels AS (
        SELECT t,
               (SELECT count(DISTINCT s.key) FROM s WHERE s.started_at <= t AND t < s.finish) AS n,
               (SELECT count(DISTINCT s.key) FROM s WHERE s.started_at <= t - oracle.tick() AND t - oracle.tick() < s.finish) AS before
        FROM instants WHERE t >= from_at AND t < to_at)
    SELECT t, n FROM levels WHERE n <> before AND t <> from_at OR n > 0 AND t = from_at
$$;

-- The end of the peak: the first later instant at which the coverage is another one.
CREATE FUNCTION oracle.peak_until(from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity')
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p.at IS NOT NULL THEN
               least(to_at, coalesce((SELECT min(t.at) FROM oracle.timeline(p.at) AS t WHERE t.at > p.at), 'infinity')) END
    FROM oracle.peak(from_at, to_at) AS p
$$;

-- How long each level lasted. Where a bound is not finite, the first or the last finite instant of the united intervals
-- stands for it, and then level 0 is not told.
CREATE FUNCTION oracle.time_at_level(from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity')
RETURNS TABLE (concurrent bigint, duration interval) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.spans()),
    united AS MATERIALIZED (SELECT * FROM oracle.intervals()),
    instants AS (SELECT u.started_at AS t FROM united AS u UNION SELECT u.ended_at FROM united AS u WHERE u.ended_at IS NOT NULL),
    span AS (SELECT CASE WHEN isfinite(from_at) THEN from_at ELSE min(t) END AS lo,
                    CASE WHEN isfinite(to_at)   THEN to_at   ELSE max(t) END AS hi FROM instants),
    cuts AS (SELECT t FROM instants, span WHERE t > lo AND t < hi UNION SELECT lo FROM span UNION SELECT hi FROM span),
    pieces AS (SELECT t AS lo, lead(t) OVER (ORDER BY t) AS hi FROM cuts),
    levels AS (
        SELECT p.lo, p.hi, (SELECT count(DISTINCT s.key) FROM s WHERE s.started_at <= p.lo AND p.lo < s.finish) AS n
        FROM pieces AS p WHERE p.hi IS NOT NULL)
    SELECT n, sum(hi - lo) FROM levels
    WHERE n > 0 OR isfinite(from_at) AND isfinite(to_at)
    GROUP BY n
$$;

-- Unique keys, keys seen for the first time, and the peak of each bucket of a table of buckets.
CREATE FUNCTION oracle.bucket_counts(buckets tstzrange[], as_of timestamptz)
RETURNS TABLE (lo timestamptz, unique_keys bigint, new_keys bigint, max_concurrent bigint, max_concurrent_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.spans(as_of)),
    firsts AS MATERIALIZED (SELECT s.key, min(s.started_at) AS first_at FROM s GROUP BY s.key),
    b AS (SELECT lower(r) AS lo, upper(r) AS hi FROM unnest(buckets) AS r)
    SELECT b.lo,
           (SELECT count(DISTINCT s.key) FROM s WHERE oracle.overlaps(s.started_at, s.finish, b.lo, b.hi)),
           (SELECT count(*) FROM firsts AS f WHERE b.lo <= f.first_at AND f.first_at < b.hi),
           p.concurrent, p.at
    FROM b, LATERAL oracle.peak(b.lo, b.hi, as_of) AS p
$$;

-- S8: the days of a report; from the first day with data to the day of as_of, unless asked otherwise.
CREATE FUNCTION oracle.report_days(first_at timestamptz, zone text, from_day date, to_day date, as_of timestamptz)
RETURNS TABLE (day date, lo timestamptz, hi timestamptz) LANGUAGE sql STABLE AS $$
    SELECT d::date, oracle.day_start(d::date, zone), oracle.day_start(d::date + 1, zone)
    FROM generate_series(coalesce(from_day, oracle.day_of(first_at, zone))::timestamp,
                         least(to_day, oracle.day_of(as_of, zone))::timestamp, '1 day') AS d
$$;

CREATE FUNCTION oracle.daily_activity(zone text, from_day date, to_day date, as_of timestamptz)
RETURNS TABLE (day date, unique_keys bigint, new_keys bigint, max_concurrent bigint, max_concurrent_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH days AS MATERIALIZED (
        SELECT * FROM oracle.report_days((SELECT min(started_at) FROM oracle.spans(as_of)), zone, from_day, to_day, as_of)),
    counts AS MATERIALIZED (
        SELECT * FROM oracle.bucket_counts((SELECT array_agg(tstzrange(lo, hi)) FROM days WHERE lo < hi), as_of))
    SELECT d.day, coalesce(c.unique_keys, 0), coalesce(c.new_keys, 0), coalesce(c.max_concurrent, 0), c.max_concurrent_at
    FROM days AS d LEFT JOIN counts AS c ON c.lo = d.lo AND d.lo < d.hi
$$;

CREATE FUNCTION oracle.activity(granularity text, zone text, from_at timestamptz, to_at timestamptz, as_of timestamptz)
RETURNS TABLE (bucket timestamptz, unique_keys bigint, new_keys bigint, max_concurrent bigint, max_concurrent_at timestamptz)
LANGUAGE sql STABLE AS $$
    WITH span AS (SELECT coalesce(from_at, (SELECT min(started_at) FROM oracle.spans(as_of))) AS f,
                         coalesce(to_at, as_of + oracle.tick()) AS t),
    b AS MATERIALIZED (
        SELECT b.lo AS label, greatest(b.lo, f) AS lo, least(b.hi, t) AS hi
        FROM span, LATERAL oracle.buckets(granularity, zone, f, t) AS b),
    counts AS MATERIALIZED (
        SELECT * FROM oracle.bucket_counts((SELECT array_agg(tstzrange(lo, hi)) FROM b), as_of))
    SELECT b.label, c.unique_keys, c.new_keys, c.max_concurrent, c.max_concurrent_at FROM b JOIN counts AS c ON c.lo = b.lo
$$;

-- S5: the last N days of d are the civil dates d-N+1 .. d.
CREATE FUNCTION oracle.rolling_activity(window_days integer, zone text, from_day date, to_day date, as_of timestamptz)
RETURNS TABLE (day date, unique_keys bigint) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.spans(as_of))
    SELECT d.day, (SELECT count(DISTINCT s.key) FROM s
                   WHERE oracle.overlaps(s.started_at, s.finish, oracle.day_start(d.day - window_days + 1, zone), d.hi))
    FROM oracle.report_days((SELECT min(started_at) FROM oracle.spans(as_of)), zone, from_day, to_day, as_of) AS d
$$;

-------------------------------------------------------------------------------------------------------------------
-- Second part: sessions and denials
-------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION oracle.is_realtime(server text, p oracle.params) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT (p).realtime_servers IS NULL OR coalesce(server = ANY ((p).realtime_servers), false)
$$;

-- S3: an open session that was last heard of more than the idle limit before as_of.
CREATE FUNCTION oracle.is_stale(s oracle.session, p oracle.params) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (p).idle_limit IS NOT NULL AND oracle.is_open((s).ended_at)
       AND coalesce((s).last_seen, (s).started_at) + (p).idle_limit < (p).as_of
$$;

-- What a session takes where nobody says is 1; what is negative, or more than 10^12, is no weight.
CREATE FUNCTION oracle.weight_of(weight bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN weight IS NULL THEN 1 WHEN weight BETWEEN 0 AND 1000000000000 THEN weight END
$$;

-- S1 to S3: the sessions whose times count, with their effective end (NULL: open).
CREATE FUNCTION oracle.sessions(p oracle.params)
RETURNS TABLE (user_name text, host text, server text, started_at timestamptz, ended_at timestamptz,
               is_open boolean, is_stale boolean, is_realtime boolean, last_seen timestamptz, weight bigint) LANGUAGE sql STABLE AS $$
    SELECT s.user_name, s.host, s.server, s.started_at,
           CASE WHEN oracle.is_stale(s, p)
                    THEN greatest(coalesce(s.last_seen, s.started_at) + (p).idle_limit, s.started_at + oracle.tick())
                WHEN oracle.is_open(s.ended_at) THEN NULL
                ELSE s.ended_at END,
           oracle.is_open(s.ended_at) AND NOT oracle.is_stale(s, p),
           oracle.is_stale(s, p),
           oracle.is_realtime(s.server, p),
           s.last_seen,
           oracle.weight_of(s.weight)
    FROM oracle.session AS s
    WHERE oracle.has_start(s.started_at) AND s.started_at <= (p).as_of
      AND NOT oracle.is_reversed(s.started_at, s.ended_at)
$$;

-- What they occupy; no user and no host is NULL (S6).
CREATE FUNCTION oracle.occupied(p oracle.params)
RETURNS TABLE (user_name text, host text, server text, is_realtime boolean, started_at timestamptz, finish timestamptz, weight bigint)
LANGUAGE sql STABLE AS $$
    SELECT nullif(s.user_name, ''), nullif(s.host, ''), s.server, s.is_realtime,
           s.started_at, oracle.finish(s.started_at, s.ended_at, (p).as_of), s.weight
    FROM oracle.sessions(p) AS s
$$;

-- S9, S11: the denials that happened, and whether each was false: its user got a session (on whatever server) that
-- starts within the limits, both included. The option is on when a limit is given; the other is then its default.
CREATE FUNCTION oracle.denials(p oracle.params)
RETURNS TABLE (user_name text, host text, server text, denied_at timestamptz, is_false_denial boolean, is_realtime boolean)
LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.occupied(p))
    SELECT d.user_name, d.host, d.server, d.denied_at,
           ((p).false_denial_before IS NOT NULL OR (p).false_denial_after IS NOT NULL)
           AND EXISTS (SELECT FROM s
                       WHERE s.user_name = d.user_name
                         AND s.started_at >= d.denied_at - coalesce((p).false_denial_before, interval '5 seconds')
                         AND s.started_at <= d.denied_at + coalesce((p).false_denial_after, interval '2 seconds')),
           oracle.is_realtime(d.server, p)
    FROM oracle.denial AS d
    WHERE oracle.has_start(d.denied_at) AND d.denied_at <= (p).as_of AND d.user_name <> ''    -- of nobody: counts nowhere
$$;

-- The denials that count.
CREATE FUNCTION oracle.true_denials(p oracle.params)
RETURNS TABLE (user_name text, server text, is_realtime boolean, denied_at timestamptz, host text) LANGUAGE sql STABLE AS $$
    SELECT d.user_name, d.server, d.is_realtime, d.denied_at, d.host FROM oracle.denials(p) AS d
    WHERE NOT d.is_false_denial
$$;

-- What sources of tests are sliced by: the dimension "letter" is right(nullif(host, ''), 1) of both tables, "team" is
-- nullif(lower(right(user_name, 1)), '') of sessions, and denials have none.
CREATE FUNCTION oracle.dimension(name text, of_denial boolean, user_name text, host text, server text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE name WHEN 'server' THEN server
                     WHEN 'letter' THEN right(nullif(host, ''), 1)
                     WHEN 'team' THEN CASE WHEN NOT of_denial THEN nullif(lower(right(user_name, 1)), '') END END
$$;

-- Whether a row has these values, {"letter": "x", "server": null}; NULL is a value like others.
CREATE FUNCTION oracle.fits(fixed jsonb, of_denial boolean, user_name text, host text, server text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(bool_and(oracle.dimension(f.key, of_denial, user_name, host, server) IS NOT DISTINCT FROM f.value), true) FROM jsonb_each_text(fixed) AS f
$$;

-- S8 to S10, of all rows or of those with some values. Peaks of sessions, and of what they weigh, are those of sessions with a user
-- or a host, nothing united.
CREATE FUNCTION oracle.daily_counts(p oracle.params, fixed jsonb)
RETURNS TABLE (day date, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint, concurrent_weight numeric) LANGUAGE sql STABLE AS $$
    WITH
    -- what the model looks at
    s AS MATERIALIZED (SELECT * FROM oracle.occupied(p) AS o
                       WHERE ((p).model <> '2013' OR o.is_realtime)
                         AND oracle.fits(fixed, false, o.user_name, o.host, o.server)),
    n AS MATERIALIZED (SELECT * FROM oracle.true_denials(p) AS t
                       WHERE ((p).model <> '2013' OR t.is_realtime)
                         AND oracle.fits(fixed, true, t.user_name, t.host, t.server)),
    days AS MATERIALIZED (
        SELECT * FROM oracle.report_days(
            (SELECT min(t) FROM (SELECT s.started_at FROM s WHERE s.user_name IS NOT NULL OR s.host IS NOT NULL
                                 UNION ALL SELECT n.denied_at FROM n) AS all_starts (t)),
            (p).zone, (p).from_day, (p).to_day, (p).as_of)),
    tried AS MATERIALIZED (
        SELECT d.day, c.t, l.*
        FROM days AS d,
             LATERAL (SELECT d.lo AS t WHERE d.lo < d.hi
                      UNION SELECT s.started_at FROM s WHERE d.lo <= s.started_at AND s.started_at < d.hi) AS c,
             LATERAL (SELECT count(DISTINCT s.host) AS hosts, count(DISTINCT s.user_name) AS users,
                             count(*) FILTER (WHERE s.user_name IS NOT NULL OR s.host IS NOT NULL) AS sessions,
                             sum(s.weight) FILTER (WHERE s.user_name IS NOT NULL OR s.host IS NOT NULL) AS weight
                      FROM s WHERE s.started_at <= c.t AND c.t < s.finish) AS l),
    peaks AS (
        SELECT t.day, max(t.hosts) AS hosts, (array_agg(t.t ORDER BY t.hosts DESC, t.t))[1] AS t,
               max(t.users) AS users, max(t.sessions) AS sessions, max(t.weight) AS weight
        FROM tried AS t GROUP BY t.day)
    SELECT d.day,
           CASE (p).model
           WHEN '2019' THEN         -- all history up to and including the day, sessions and denials
               (SELECT count(DISTINCT u) FROM (SELECT s.user_name FROM s WHERE s.started_at < d.hi
                                               UNION SELECT n.user_name FROM n WHERE n.denied_at < d.hi) AS x (u))
           WHEN '2013' THEN         -- the last N civil days, sessions only
               (SELECT count(DISTINCT s.user_name) FROM s
                WHERE oracle.overlaps(s.started_at, s.finish, oracle.day_start(d.day - oracle.last_days(p) + 1, (p).zone), d.hi))
           WHEN '2025' THEN         -- the last N civil days, sessions and denials
               (SELECT count(DISTINCT u) FROM (SELECT s.user_name FROM s
                                               WHERE oracle.overlaps(s.started_at, s.finish, oracle.day_start(d.day - oracle.last_days(p) + 1, (p).zone), d.hi)
                                               UNION SELECT n.user_name FROM n
                                               WHERE oracle.day_start(d.day - oracle.last_days(p) + 1, (p).zone) <= n.denied_at AND n.denied_at < d.hi) AS x (u))
           END,
           CASE
           WHEN (p).model <> '2013' THEN
               (SELECT count(DISTINCT u) FROM (SELECT s.user_name FROM s WHERE oracle.overlaps(s.started_at, s.finish, d.lo, d.hi)
                                               UNION SELECT n.user_name FROM n WHERE d.lo <= n.denied_at AND n.denied_at < d.hi) AS x (u))
           ELSE
               (SELECT count(DISTINCT s.user_name) FROM s WHERE oracle.overlaps(s.started_at, s.finish, d.lo, d.hi))
           END,
           (SELECT count(DISTINCT n.user_name) FROM n WHERE d.lo <= n.denied_at AND n.denied_at < d.hi),
           (SELECT count(*) FROM n WHERE d.lo <= n.denied_at AND n.denied_at < d.hi),
           coalesce(k.hosts, 0),
           CASE WHEN k.hosts > 0 THEN k.t END,
           d.hi <= (p).as_of,
           coalesce(k.users, 0), coalesce(k.sessions, 0), coalesce(k.weight, 0)
    FROM days AS d LEFT JOIN peaks AS k ON k.day = d.day
$$;

CREATE FUNCTION oracle.daily_user_counts(p oracle.params)
RETURNS TABLE (day date, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint) LANGUAGE sql STABLE AS $$
    SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete,
           c.concurrent_users, c.concurrent_sessions
    FROM oracle.daily_counts(p, '{}') AS c
$$;

-- A row for each day and combination of values of these dimensions with something that day; of none, every day of the whole.
CREATE FUNCTION oracle.combinations(p oracle.params, dimensions text[])
RETURNS TABLE (day date, fixed jsonb, level integer, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint, concurrent_weight numeric) LANGUAGE sql STABLE AS $$
    SELECT c.day, v.fixed, cardinality(dimensions), c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete,
           c.concurrent_users, c.concurrent_sessions, c.concurrent_weight
    FROM (SELECT DISTINCT (SELECT coalesce(jsonb_object_agg(d, oracle.dimension(d, r.of_denial, r.user_name, r.host, r.server)), '{}') FROM unnest(dimensions) AS d)
          FROM (SELECT false AS of_denial, s.user_name, s.host, s.server FROM oracle.session AS s
                UNION SELECT true, d.user_name, d.host, d.server FROM oracle.denial AS d) AS r) AS v (fixed),
         LATERAL oracle.daily_counts(p, v.fixed) AS c
    WHERE cardinality(dimensions) = 0 OR c.daily_users > 0 OR c.denial_users > 0 OR c.concurrent_hosts > 0
$$;

-- The same of each subset of the dimensions.
CREATE FUNCTION oracle.counts_by(p oracle.params, dimensions text[])
RETURNS TABLE (day date, fixed jsonb, level integer, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint, concurrent_weight numeric) LANGUAGE sql STABLE AS $$
    SELECT c.*
    FROM generate_series(0, (1 << cardinality(dimensions)) - 1) AS b,
         LATERAL oracle.combinations(p, ARRAY(SELECT dimensions[n] FROM generate_series(1, cardinality(dimensions)) AS n WHERE b & (1 << (n - 1)) > 0)) AS c
$$;

CREATE FUNCTION oracle.weighted_by_dimension(p oracle.params, name text)
RETURNS TABLE (day date, value text, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint, concurrent_weight numeric) LANGUAGE sql STABLE AS $$
    SELECT c.day, c.fixed ->> name, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete,
           c.concurrent_users, c.concurrent_sessions, c.concurrent_weight
    FROM oracle.combinations(p, ARRAY[name]) AS c
$$;

CREATE FUNCTION oracle.by_dimension(p oracle.params, name text)
RETURNS TABLE (day date, value text, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint) LANGUAGE sql STABLE AS $$
    SELECT c.day, c.value, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at,
           c.complete, c.concurrent_users, c.concurrent_sessions
    FROM oracle.weighted_by_dimension(p, name) AS c
$$;

-- A row for each day and server with something that day.
CREATE FUNCTION oracle.weighted_by_server(p oracle.params)
RETURNS TABLE (day date, server text, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint, concurrent_weight numeric) LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.weighted_by_dimension(p, 'server')
$$;

CREATE FUNCTION oracle.by_server(p oracle.params)
RETURNS TABLE (day date, server text, total_users bigint, daily_users bigint, denial_users bigint, denials bigint,
               concurrent_hosts bigint, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users bigint, concurrent_sessions bigint) LANGUAGE sql STABLE AS $$
    SELECT c.day, c.server, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at,
           c.complete, c.concurrent_users, c.concurrent_sessions
    FROM oracle.weighted_by_server(p) AS c
$$;

-- The report's own columns: complete days only.
CREATE FUNCTION oracle.realtime_users_count(p oracle.params)
RETURNS TABLE (ucd date, uct bigint, ucdy bigint, ucde bigint, ucch bigint) LANGUAGE sql STABLE AS $$
    SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.concurrent_hosts
    FROM oracle.daily_user_counts(p) AS c WHERE c.complete
$$;

-- S2: online is who is there at as_of.
CREATE FUNCTION oracle.online_sessions(p oracle.params)
RETURNS TABLE (user_name text, host text, server text, started_at timestamptz, online_for interval) LANGUAGE sql STABLE AS $$
    SELECT s.user_name, s.host, s.server, s.started_at, (p).as_of - s.started_at
    FROM oracle.sessions(p) AS s
    WHERE s.started_at <= (p).as_of
      AND (s.is_open OR s.ended_at > (p).as_of OR s.started_at = (p).as_of AND s.ended_at = (p).as_of)
$$;

CREATE FUNCTION oracle.online_users(p oracle.params)
RETURNS TABLE (user_name text, online_count bigint, hosts bigint, first_started_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT o.user_name, count(*), count(DISTINCT nullif(o.host, '')), min(o.started_at)
    FROM oracle.online_sessions(p) AS o WHERE o.user_name <> '' GROUP BY o.user_name
$$;

CREATE FUNCTION oracle.online_counts(p oracle.params, user_names text[])
RETURNS TABLE (ord bigint, user_name text, online_count bigint) LANGUAGE sql STABLE AS $$
    SELECT a.ord, a.name, (SELECT count(*) FROM oracle.online_sessions(p) AS o WHERE o.user_name = a.name AND a.name <> '')
    FROM unnest(user_names) WITH ORDINALITY AS a (name, ord)
$$;

-- Who stands behind a number over the days from_day .. to_day, on the servers that the model looks at: with a session
-- ('used'), denied ('denied'); 'daily' and 'total' are those with a session, or under 2019 and 2025 with either.
CREATE FUNCTION oracle.users_between(p oracle.params, from_day date, to_day date, what text)
RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT s.user_name FROM oracle.occupied(p) AS s
    WHERE what IN ('used', 'daily', 'total') AND s.user_name IS NOT NULL AND ((p).model <> '2013' OR s.is_realtime)
      AND oracle.overlaps(s.started_at, s.finish, oracle.day_start(from_day, (p).zone), oracle.day_start(to_day + 1, (p).zone))
    UNION
    SELECT n.user_name FROM oracle.true_denials(p) AS n
    WHERE (what = 'denied' OR what IN ('daily', 'total') AND (p).model <> '2013') AND ((p).model <> '2013' OR n.is_realtime)
      AND oracle.day_start(from_day, (p).zone) <= n.denied_at AND n.denied_at < oracle.day_start(to_day + 1, (p).zone)
$$;

CREATE FUNCTION oracle.unique_users(p oracle.params, from_day date, to_day date, what text)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM oracle.users_between(p, from_day, to_day, what)
$$;

-- All kinds follow the model: 2013 knows sessions on realtime servers only, 2019 and 2025 everything.
CREATE FUNCTION oracle.users_on(p oracle.params, the_day date, what text)
RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH seen AS (      -- what makes a user "of the model"
        SELECT s.user_name, s.started_at, s.finish FROM oracle.occupied(p) AS s
        WHERE s.user_name IS NOT NULL AND ((p).model <> '2013' OR s.is_realtime)
        UNION ALL
        SELECT n.user_name, n.denied_at, n.denied_at + oracle.tick() FROM oracle.true_denials(p) AS n
        WHERE (p).model <> '2013'),
    bounds AS (SELECT oracle.day_start(the_day, (p).zone) AS lo, oracle.day_start(the_day + 1, (p).zone) AS hi,
                      CASE (p).model WHEN '2019' THEN '-infinity'
                                     ELSE oracle.day_start(the_day - oracle.last_days(p) + 1, (p).zone) END AS window_lo)
    SELECT u.name FROM oracle.users_between(p, the_day, the_day, what) AS u (name) WHERE what IN ('daily', 'used', 'denied')
    UNION
    SELECT f.user_name FROM (SELECT seen.user_name, min(seen.started_at) AS first_at FROM seen GROUP BY 1) AS f, bounds
    WHERE what = 'new' AND lo <= f.first_at AND f.first_at < hi
    UNION
    SELECT seen.user_name FROM seen, bounds
    WHERE what = 'total' AND oracle.overlaps(seen.started_at, seen.finish, window_lo, hi)
$$;

CREATE FUNCTION oracle.hosts_at_peak(p oracle.params, the_day date) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT s.host FROM oracle.occupied(p) AS s, oracle.daily_user_counts(p) AS c
    WHERE c.day = the_day AND s.host IS NOT NULL AND ((p).model <> '2013' OR s.is_realtime)
      AND s.started_at <= c.concurrent_hosts_at AND c.concurrent_hosts_at < s.finish
$$;

-- The buckets that intersect [from_at, to_at), each cut to it, on the servers that the model looks at. Users are those
-- with a session.
CREATE FUNCTION oracle.source_activity(p oracle.params, granularity text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (bucket timestamptz, unique_users bigint, concurrent_users bigint, concurrent_hosts bigint,
               denial_users bigint, denials bigint) LANGUAGE sql STABLE AS $$
    WITH s AS MATERIALIZED (SELECT * FROM oracle.occupied(p) AS o WHERE (p).model <> '2013' OR o.is_realtime),
    n AS MATERIALIZED (SELECT * FROM oracle.true_denials(p) AS t WHERE (p).model <> '2013' OR t.is_realtime),
    b AS MATERIALIZED (SELECT lo AS label, greatest(lo, from_at) AS lo, least(hi, to_at) AS hi
                       FROM oracle.buckets(granularity, (p).zone, from_at, to_at))
    SELECT b.label,
           (SELECT count(DISTINCT s.user_name) FROM s WHERE oracle.overlaps(s.started_at, s.finish, b.lo, b.hi)),
           (SELECT max((SELECT count(DISTINCT s.user_name) FROM s WHERE s.started_at <= c.t AND c.t < s.finish))
            FROM (SELECT b.lo AS t UNION SELECT s.started_at FROM s WHERE b.lo <= s.started_at AND s.started_at < b.hi) AS c),
           (SELECT max((SELECT count(DISTINCT s.host) FROM s WHERE s.started_at <= c.t AND c.t < s.finish))
            FROM (SELECT b.lo AS t UNION SELECT s.started_at FROM s WHERE b.lo <= s.started_at AND s.started_at < b.hi) AS c),
           (SELECT count(DISTINCT n.user_name) FROM n WHERE b.lo <= n.denied_at AND n.denied_at < b.hi),
           (SELECT count(*) FROM n WHERE b.lo <= n.denied_at AND n.denied_at < b.hi)
    FROM b
$$;

-- Every rule over the rows as they are; a row may break several.
CREATE FUNCTION oracle.data_quality(p oracle.params)
RETURNS TABLE (rule text, session_rows bigint, denial_rows bigint) LANGUAGE sql STABLE AS $$
    SELECT 'reversed', (SELECT count(*) FROM oracle.session WHERE ended_at < started_at), 0::bigint
    UNION ALL
    SELECT 'no_start', (SELECT count(*) FROM oracle.session WHERE NOT oracle.has_start(started_at)),
                       (SELECT count(*) FROM oracle.denial  WHERE NOT oracle.has_start(denied_at))
    UNION ALL
    SELECT 'future',   (SELECT count(*) FROM oracle.session WHERE started_at > (p).as_of),
                       (SELECT count(*) FROM oracle.denial  WHERE denied_at  > (p).as_of)
    UNION ALL
    SELECT 'no_user',  (SELECT count(*) FROM oracle.session WHERE user_name IS NULL OR user_name = ''),
                       (SELECT count(*) FROM oracle.denial  WHERE user_name IS NULL OR user_name = '')
    UNION ALL
    SELECT 'no_host',  (SELECT count(*) FROM oracle.session WHERE host IS NULL OR host = ''),
                       (SELECT count(*) FROM oracle.denial  WHERE host IS NULL OR host = '')
    UNION ALL
    SELECT 'stale',    (SELECT count(*) FROM oracle.sessions(p) WHERE is_stale), 0
    UNION ALL
    SELECT 'implausible', (SELECT count(*) FROM oracle.session WHERE oracle.has_start(started_at) AND started_at < timestamptz '1990-01-01 00:00+00'),
                          (SELECT count(*) FROM oracle.denial  WHERE oracle.has_start(denied_at) AND denied_at < timestamptz '1990-01-01 00:00+00')
    UNION ALL
    SELECT 'duplicate_open', (SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM oracle.sessions(p) WHERE is_open
                                                  GROUP BY user_name, host, server, started_at HAVING count(*) > 1) AS g), 0
$$;
