-- People over time: user_lifecycle, stickiness, user_retention, time_online. docs/reference.md defines active, new, retained,
-- resurrected, dormant and cohort.
--
-- Who was active on a day is a set of numbers, stored where days are stored; other days are computed from the tables, and
-- their users get numbers in one go with those (85-evidence.sql). So no name is looked at that stored days know. How many
-- are in common between sets follows from how many there are together: windows of unique_count say that for every bucket in
-- one pass.

CREATE FUNCTION headcount_internal.bucket_name(granularity text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.check_required('granularity', granularity);
    IF lower(granularity) NOT IN ('day', 'week', 'month', 'quarter', 'year') THEN
        PERFORM headcount_internal.raise_argument_error('granularity', format('"%s" is not made of days', granularity),
                                                        hint => 'Granularities are day, week, month, quarter and year.');
    END IF;
    RETURN lower(granularity);
END
$$;
COMMENT ON FUNCTION headcount_internal.bucket_name(text) IS 'the name of buckets that are made of civil days, or an error';

CREATE FUNCTION headcount_internal.bucket_of(granularity text, day date) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT date_trunc(granularity, day::timestamp)::date
$$;
COMMENT ON FUNCTION headcount_internal.bucket_of(text, date) IS 'the first day of the bucket that a day is in; weeks begin on Monday';

CREATE FUNCTION headcount_internal.next_bucket(granularity text, day date, buckets integer DEFAULT 1) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (date_trunc(granularity, day::timestamp) + buckets * CASE granularity WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || granularity)::interval END)::date
$$;
COMMENT ON FUNCTION headcount_internal.next_bucket(text, date, integer) IS 'the first day of the bucket so many after that of a day';

-- Those who count as daily_users on a day, for the days that have any.
CREATE FUNCTION headcount_internal.active_users(source text, options headcount_internal.source, from_day date, to_day date) RETURNS TABLE (day date, users headcount.user_set)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 365 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind     constant headcount_internal.user_kind := headcount_internal.find_user_kind(options, 'daily');
    from_at  constant timestamptz := CASE WHEN isfinite(from_day) THEN headcount.day_start(from_day, options.time_zone) ELSE '-infinity' END;
    to_at    constant timestamptz := headcount.day_start(to_day + 1, options.time_zone);
    unstored headcount_internal.unstored_days;
    sets     text;
BEGIN
    IF headcount_internal.has_sets(options) THEN
        unstored := headcount_internal.find_unstored_days(source, options, from_day, to_day, from_at);
    ELSE
        PERFORM headcount_internal.check_users_not_frozen(source, options, from_day);
    END IF;
    IF isfinite(unstored.live_day) THEN
        sets := headcount_internal.day_sets_query(source, options, kind, unstored.live_day <= to_day, unstored.from_days IS NOT NULL);
    ELSE
        sets := format('SELECT l.day, l.used, l.denied FROM %s CROSS JOIN LATERAL headcount_internal.daily_sets(s.state, d.state, NULL) AS l',
            headcount_internal.side_by_side(
                format('headcount_internal.daily_session_agg(s.user_name, NULL::text, s.started_at, s.%I, %L::text, (SELECT %s), NULLIF($3, %L), $4) AS state
FROM %I.session_states AS s WHERE %s AND s.started_at < $4%s', headcount_internal.end_column(options.idle_limit), options.time_zone, headcount_internal.as_of_text(), '-infinity', source,
                    headcount_internal.ends_from(source, options, '$3'), headcount_internal.scope_sessions(kind.scope, ' AND')),
                CASE WHEN kind.has_denials THEN format('headcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, (SELECT %s)) AS state
FROM %I.denials AS d WHERE NOT d.is_false_denial AND d.denied_at >= $3 AND d.denied_at < $4%s', options.time_zone, headcount_internal.as_of_text(), source, headcount_internal.scope_denials(kind.scope, options.realtime_servers))
                     ELSE 'NULL::bytea AS state' END));
    END IF;
    RETURN QUERY EXECUTE format('SELECT a.day, a.users FROM (SELECT x.day, %s AS users FROM (%s) AS x WHERE x.day >= $1 AND x.day <= $2 OFFSET 0) AS a WHERE headcount.cardinality(a.users) > 0',
                                CASE WHEN kind.has_denials THEN 'headcount.user_set_union(x.used, x.denied)' ELSE 'x.used' END, sets)
        USING from_day, to_day, from_at, to_at, unstored.live_day, greatest(headcount.day_start(NULLIF(unstored.live_day, '-infinity'), options.time_zone), from_at),
              unstored.from_days, unstored.to_days, unstored.from_ats, unstored.to_ats;
END
$$;
COMMENT ON FUNCTION headcount_internal.active_users(text, headcount_internal.source, date, date) IS
    'the users behind daily_users of some days of a source, as sets of numbers that mean the same in all of them';

-- The last of the days that are asked for: as_of has a day too, and the bucket of to_day is looked at as a whole.
CREATE FUNCTION headcount_internal.last_asked_day(options headcount_internal.source, granularity text, to_day date) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN isfinite(coalesce(to_day, 'infinity')) AND to_day < last_day THEN least(headcount_internal.next_bucket(granularity, to_day) - 1, last_day)
                WHEN to_day = '-infinity' THEN NULL ELSE last_day END
    FROM (SELECT headcount.day_of(headcount.as_of(), options.time_zone) AS last_day) AS d
$$;
COMMENT ON FUNCTION headcount_internal.last_asked_day(headcount_internal.source, text, date) IS 'the last day of the last bucket that is asked for, or the day of as_of if that is before';

-- Every bucket with users up to last_day, since who is new was in none before, and every bucket from two before the first
-- that is asked for on, with users or not. A day that the time zone skipped makes no bucket.
CREATE FUNCTION headcount_internal.active_buckets(source text, options headcount_internal.source, granularity text, from_day date, last_day date)
RETURNS TABLE (bucket date, users headcount.user_set, is_asked boolean)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 365 SET search_path = pg_catalog, pg_temp AS $$
    WITH active AS MATERIALIZED (
        SELECT headcount_internal.bucket_of(granularity, a.day) AS bucket, headcount.user_set_union_agg(a.users) AS users
        FROM headcount_internal.active_users(source, options, '-infinity', last_day) AS a GROUP BY 1),
    asked AS MATERIALIZED (
        SELECT headcount_internal.bucket_of(granularity, coalesce(NULLIF(from_day, '-infinity'), (SELECT min(a.bucket) FROM active AS a))) AS first_bucket),
    spine AS (
        SELECT DISTINCT headcount_internal.bucket_of(granularity, k.first_day + i) AS bucket
        FROM (SELECT headcount_internal.next_bucket(granularity, a.first_bucket, -2) AS first_day FROM asked AS a) AS k
             CROSS JOIN LATERAL generate_series(0, headcount_internal.days_between(k.first_day, last_day) - 1) AS i
        WHERE headcount.day_start(k.first_day + i, (options).time_zone) < headcount.day_start(k.first_day + i + 1, (options).time_zone))
    SELECT b.bucket, b.users, b.bucket >= k.first_bucket
    FROM asked AS k CROSS JOIN (SELECT coalesce(a.bucket, s.bucket) AS bucket, a.users FROM active AS a FULL JOIN spine AS s ON s.bucket = a.bucket) AS b
$$;
COMMENT ON FUNCTION headcount_internal.active_buckets(text, headcount_internal.source, text, date, date) IS
    'the users of buckets of days of a source, all there are up to a day';

-- The functions whose names end in _of run as the owner of the source; headcount.as_of is set.
CREATE FUNCTION headcount_internal.lifecycle_of(source text, granularity text, from_day date, to_day date)
RETURNS TABLE (bucket date, active integer, new integer, retained integer, resurrected integer, dormant integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options  constant headcount_internal.source := headcount_internal.find_source(source);
    last_day constant date := headcount_internal.last_asked_day(options, granularity, to_day);
BEGIN
    RETURN QUERY
    SELECT e.bucket, e.active::integer, (e.ever - e.ever_before)::integer, (e.active + e.active_before - e.either)::integer,
           (e.either - e.active_before - (e.ever - e.ever_before))::integer, (e.either - e.active)::integer
    FROM (SELECT c.*, lag(c.ever, 1, 0::bigint) OVER w AS ever_before, lag(c.active, 1, 0::bigint) OVER w AS active_before
          FROM (SELECT b.bucket, b.is_asked, coalesce(headcount.cardinality(b.users), 0) AS active,
                       headcount.unique_count(b.users) OVER (ORDER BY b.bucket ROWS UNBOUNDED PRECEDING) AS ever,
                       headcount.unique_count(b.users) OVER (ORDER BY b.bucket ROWS 1 PRECEDING) AS either
                FROM headcount_internal.active_buckets(source, options, granularity, from_day, last_day) AS b) AS c
          WINDOW w AS (ORDER BY c.bucket)) AS e
    WHERE e.is_asked
    ORDER BY e.bucket;
END
$$;
COMMENT ON FUNCTION headcount_internal.lifecycle_of(text, text, date, date) IS 'what user_lifecycle tells, for the owner of the source';

CREATE FUNCTION headcount_internal.stickiness_of(source text, from_day date, to_day date)
RETURNS TABLE (day date, dau integer, wau integer, mau integer, dau_per_mau float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options   constant headcount_internal.source := headcount_internal.find_source(source);
    first_day constant date := NULLIF(from_day, '-infinity');
    last_day  constant date := headcount_internal.last_asked_day(options, 'day', to_day);
BEGIN
    IF first_day > last_day THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH active AS MATERIALIZED (SELECT a.* FROM headcount_internal.active_users(source, options, coalesce(first_day - 29, '-infinity'), last_day) AS a),
    asked AS MATERIALIZED (SELECT coalesce(first_day, (SELECT min(a.day) FROM active AS a)) AS first_day)
    SELECT c.day, c.dau::integer, c.wau::integer, c.mau::integer, c.dau::float8 / NULLIF(c.mau, 0)::float8
    FROM (SELECT g.day, k.first_day, coalesce(headcount.cardinality(a.users), 0) AS dau,
                 headcount.unique_count(a.users) OVER (ORDER BY g.day ROWS 6 PRECEDING) AS wau,
                 headcount.unique_count(a.users) OVER (ORDER BY g.day ROWS 29 PRECEDING) AS mau
          FROM asked AS k CROSS JOIN LATERAL generate_series(0, headcount_internal.days_between(k.first_day - 29, last_day) - 1) AS i
               CROSS JOIN LATERAL (SELECT k.first_day - 29 + i AS day) AS g LEFT JOIN active AS a ON a.day = g.day) AS c
    WHERE c.day >= c.first_day
    ORDER BY c.day;
END
$$;
COMMENT ON FUNCTION headcount_internal.stickiness_of(text, date, date) IS 'what stickiness tells, for the owner of the source';

CREATE FUNCTION headcount_internal.retention_of(source text, granularity text, from_day date, to_day date)
RETURNS TABLE (cohort date, period integer, users integer, share float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options  constant headcount_internal.source := headcount_internal.find_source(source);
    last_day constant date := headcount_internal.last_asked_day(options, granularity, to_day);
BEGIN
    RETURN QUERY
    WITH asked AS MATERIALIZED (      -- all that is before the first cohort is one
        SELECT b.bucket, headcount.user_set_union_agg(b.users) AS users, row_number() OVER (ORDER BY b.bucket NULLS FIRST)::integer AS place
        FROM (SELECT CASE WHEN a.is_asked THEN a.bucket END AS bucket, a.users FROM headcount_internal.active_buckets(source, options, granularity, from_day, last_day) AS a) AS b
        GROUP BY b.bucket),
    cohort AS MATERIALIZED (
        SELECT c.bucket, c.place, c.users, headcount.cardinality(c.users) AS size
        FROM (SELECT a.bucket, a.place, headcount.user_set_difference(a.users,
                         headcount.user_set_union_agg(a.users) OVER (ORDER BY a.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS users
              FROM asked AS a) AS c
        WHERE c.bucket IS NOT NULL AND headcount.cardinality(c.users) > 0)
    SELECT c.bucket, a.place - c.place, headcount.intersection_cardinality(c.users, a.users)::integer, headcount.intersection_cardinality(c.users, a.users)::float8 / c.size::float8
    FROM cohort AS c JOIN asked AS a ON a.place >= c.place
    ORDER BY c.place, a.place;
END
$$;
COMMENT ON FUNCTION headcount_internal.retention_of(text, text, date, date) IS 'what user_retention tells, for the owner of the source';

-- The times of all users come out of one presence; how many sessions each had, it does not know. Names are the same when their
-- bytes are.
CREATE FUNCTION headcount_internal.times_online_of(source text, from_at timestamptz, to_at timestamptz)
RETURNS TABLE (user_name text, sessions integer, time_online interval)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options constant headcount_internal.source := headcount_internal.find_source(source);
    span    constant headcount_internal.span := headcount_internal.counted_span(source, options, from_at, to_at);
    rows    text;
BEGIN
    IF span IS NOT NULL THEN
        rows := format($q$%s AS s WHERE s.user_name <> '' AND %s%s$q$,
            headcount_internal.sessions_around(source, options, span.from_at, span.to_at, '$1', '$2'), headcount_internal.meets_span(),
            headcount_internal.scope_sessions(headcount_internal.model_scope(options.realtime_servers, options.licensing_model), ' AND'));
        RETURN QUERY EXECUTE format($q$
SELECT n.user_name, n.sessions, t.duration
FROM (SELECT s.user_name COLLATE pg_catalog."C" AS user_name, count(*)::integer AS sessions FROM %1$s GROUP BY 1) AS n
     JOIN (SELECT t.key COLLATE pg_catalog."C" AS key, t.duration
           FROM (SELECT headcount_internal.presence_state(s.user_name, s.started_at, s.ended_at) AS presence FROM %1$s) AS p
                CROSS JOIN LATERAL headcount_internal.times_present(p.presence, $1, $2) AS t) AS t ON t.key = n.user_name
ORDER BY n.user_name$q$, rows)
            USING span.from_at, span.to_at;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.times_online_of(text, timestamptz, timestamptz) IS 'what time_online tells, for the owner of the source';

CREATE FUNCTION headcount.user_lifecycle(source text, granularity text DEFAULT 'day', from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (bucket date, active integer, new integer, retained integer, resurrected integer, dormant integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 365 SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_day_order(from_day, to_day), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'lifecycle_of', ARRAY[headcount_internal.bucket_name(granularity), from_day::text, to_day::text])
        AS l (bucket date, active integer, new integer, retained integer, resurrected integer, dormant integer);
END
$$;
COMMENT ON FUNCTION headcount.user_lifecycle(text, text, date, date, timestamptz) IS
    'for each day, week, month, quarter or year from that of from_day to that of to_day: how many users were active (counted as daily_users on one of its days), how many of these never before (new), in the bucket before (retained), before but not in that (resurrected), and how many were active in the bucket before and are not in this one (dormant); NULL is the first day with a user, or the day of as_of. Needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.stickiness(source text, from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (day date, dau integer, wau integer, mau integer, dau_per_mau float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 365 SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_day_order(from_day, to_day), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'stickiness_of', ARRAY[from_day::text, to_day::text])
        AS s (day date, dau integer, wau integer, mau integer, dau_per_mau float8);
END
$$;
COMMENT ON FUNCTION headcount.stickiness(text, date, date, timestamptz) IS
    'for each day from from_day to to_day: how many users were active that day, in the last 7 days and in the last 30 days, that day included, and the first as a share of the last; NULL is the first day with a user, or the day of as_of. Needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.user_retention(source text, granularity text DEFAULT 'week', from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (cohort date, period integer, users integer, share float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1000 SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_day_order(from_day, to_day), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'retention_of', ARRAY[headcount_internal.bucket_name(granularity), from_day::text, to_day::text])
        AS r (cohort date, period integer, users integer, share float8);
END
$$;
COMMENT ON FUNCTION headcount.user_retention(text, text, date, date, timestamptz) IS
    'for the users who were new in each day, week, month, quarter or year from that of from_day to that of to_day (a cohort): how many of them were active in the bucket so many periods after it, up to that of to_day, and what share that is; NULL is the first day with a user, or the day of as_of. Needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.time_online(source text, from_at timestamptz, to_at timestamptz, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (user_name text, sessions integer, time_online interval)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1000 SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_time_order(from_at, to_at), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'times_online_of', ARRAY[from_at::text, to_at::text])
        AS t (user_name text, sessions integer, time_online interval);
END
$$;
COMMENT ON FUNCTION headcount.time_online(text, timestamptz, timestamptz, timestamptz) IS
    'the users with a session in [from_at, to_at), on the servers that the licensing model of the source looks at: how many sessions, and for how long they were online, sessions at the same time counted once; NULL is the first session, or as_of. Needs SELECT on the view sessions of the source';
