-- How many licences are needed: concurrency_profile, concurrency_percentiles, concurrency_by_hour_of_week, capacity_what_if,
-- avoidable_denials. docs/reference.md defines level, share, start and demand.
--
-- They read the sessions that meet the span, found as source_activity finds them, collected by a parallel aggregate and
-- swept once (src/core/sizing). What the licensing model of the source leaves out is left out here too.

CREATE FUNCTION headcount_internal.hour_bits(hours int4range) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_hour constant integer := coalesce(lower(hours), 0);
    end_hour   constant integer := coalesce(upper(hours), 24);
BEGIN
    IF isempty(hours) OR first_hour < 0 OR end_hour > 24 THEN
        PERFORM headcount_internal.raise_argument_error('hours', format('%s is no range of hours of a day', hours),
            hint => 'Hours go from 0 to 23: [9,18) is from 9:00 to 18:00. Ask for two ranges on their own to go over midnight.');
    END IF;
    RETURN (SELECT sum(1 << h) FROM generate_series(first_hour, end_hour - 1) AS h);
END
$$;
COMMENT ON FUNCTION headcount_internal.hour_bits(int4range) IS 'a range of hours of the day, a bit each, or an error; NULL is all';

CREATE FUNCTION headcount_internal.weekday_bits(weekdays integer[]) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF cardinality(weekdays) = 0 OR EXISTS (SELECT FROM unnest(weekdays) AS w (day) WHERE w.day IS NULL OR w.day < 1 OR w.day > 7) THEN
        PERFORM headcount_internal.raise_argument_error('weekdays', format('%s are no days of the week', weekdays),
            hint => 'Days of the week go from 1, Monday, to 7, Sunday: {1,2,3,4,5} are the working days of many.');
    END IF;
    RETURN coalesce((SELECT bit_or(1 << (w.day - 1)) FROM unnest(weekdays) AS w (day)), 127);
END
$$;
COMMENT ON FUNCTION headcount_internal.weekday_bits(integer[]) IS 'days of the week, a bit each from Monday on, or an error; NULL is all';

CREATE FUNCTION headcount_internal.check_counted(source text, counted text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.check_required('of', counted);
    IF counted = 'weight' THEN
        IF NOT headcount_internal.has_weight(headcount_internal.find_source(source)) THEN
            PERFORM headcount_internal.raise_error('55000', format('source "%s" has no weight', source), NULL,
                'Ask for hosts, users or sessions, or say what sessions take with the option "weight" of the source.');
        END IF;
    ELSIF counted NOT IN ('hosts', 'users', 'sessions') THEN
        PERFORM headcount_internal.raise_argument_error('of', format('"%s" is nothing that is counted', counted),
                                                        hint => 'What is counted are hosts, users, sessions and weight.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_counted(text, text) IS 'raises an error unless a source can count this';

CREATE TYPE headcount_internal.span AS (from_at timestamptz, to_at timestamptz);
COMMENT ON TYPE headcount_internal.span IS 'a span of time, [from_at, to_at)';

-- Of frozen days the tables need not have the rows any more.
CREATE FUNCTION headcount_internal.check_not_frozen(source text, options headcount_internal.source, from_at timestamptz) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    frozen_day constant date := headcount_internal.frozen_before(options.state);
BEGIN
    IF isfinite(frozen_day) AND (from_at IS NULL OR from_at < headcount.day_start(frozen_day, options.time_zone)) THEN
        PERFORM headcount_internal.raise_error('55000', format('days of source "%s" before %s are frozen', source, frozen_day),
            'What was there at each instant of them is not stored, and the tables need not tell it any more.',
            format('Give a from_at that is not before %s.', headcount.day_start(frozen_day, options.time_zone)));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_not_frozen(text, headcount_internal.source, timestamptz) IS 'raises an error if a span of time begins on a frozen day of a source, NULL being its first day';

-- Without a bound it goes from the first session of the servers that the model looks at to as_of. What is after as_of has
-- not been yet, so it is no time at which nobody was there.
CREATE FUNCTION headcount_internal.counted_span(source text, options headcount_internal.source, from_at timestamptz, to_at timestamptz) RETURNS headcount_internal.span
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    span headcount_internal.span := ROW(NULLIF(from_at, '-infinity'), least(to_at, headcount.as_of() + interval '1 microsecond'));
BEGIN
    IF span.from_at >= span.to_at THEN
        RETURN NULL;
    END IF;
    PERFORM headcount_internal.check_not_frozen(source, options, span.from_at);
    IF span.from_at IS NULL THEN
        EXECUTE format('SELECT min(s.started_at) FROM %I.sessions AS s%s', source,
                       headcount_internal.scope_sessions(headcount_internal.model_scope(options.realtime_servers, options.licensing_model), ' WHERE')) INTO span.from_at;
    END IF;
    RETURN CASE WHEN span.from_at < span.to_at THEN span END;
END
$$;
COMMENT ON FUNCTION headcount_internal.counted_span(text, headcount_internal.source, timestamptz, timestamptz) IS
    'the span of time that a question is about, NULL if that is none';

-- A query for the presence of what is counted, or its weights, over the span $2 to $3 and one tick before, $1: what touches the span from there
-- is no start in it.
CREATE FUNCTION headcount_internal.counted_query(source text, options headcount_internal.source, counted text, span headcount_internal.span) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT %s AS presence FROM %s AS s WHERE s.started_at < $3 AND (s.ended_at IS NULL OR s.ended_at >= $1) AND %s%s',
        CASE counted WHEN 'hosts' THEN 'headcount_internal.presence_state(s.host, s.started_at, s.ended_at)'
                     WHEN 'users' THEN 'headcount_internal.presence_state(s.user_name, s.started_at, s.ended_at)'
                     WHEN 'weight' THEN 'headcount_internal.level_agg(s.weight, s.started_at, s.ended_at, NULL::timestamptz, NULL::timestamptz)'
                     ELSE 'headcount_internal.presence_state(s.started_at, s.ended_at)' END,
        headcount_internal.sessions_around(source, options, span.from_at - interval '1 microsecond', span.to_at, '$1', '$3'),
        CASE counted WHEN 'hosts' THEN $q$s.host <> ''$q$ WHEN 'users' THEN $q$s.user_name <> ''$q$ ELSE headcount_internal.of_somebody() END,
        headcount_internal.scope_sessions(headcount_internal.model_scope(options.realtime_servers, options.licensing_model), ' AND'))
$$;
COMMENT ON FUNCTION headcount_internal.counted_query(text, headcount_internal.source, text, headcount_internal.span) IS
    'the query for the presence of the hosts, users or sessions of a source over a span of time';

-- The functions whose names end in _of run as the owner of the source; headcount.as_of is set.
CREATE FUNCTION headcount_internal.profile_of(source text, from_at timestamptz, to_at timestamptz, counted text, hours int4range, weekdays integer[])
RETURNS TABLE (concurrent integer, duration interval, share float8, at_most_share float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options constant headcount_internal.source := headcount_internal.find_source(source);
    span    constant headcount_internal.span := headcount_internal.counted_span(source, options, from_at, to_at);
BEGIN
    IF span IS NOT NULL THEN
        RETURN QUERY EXECUTE format('SELECT t.* FROM (%s) AS p CROSS JOIN LATERAL headcount_internal.%s(p.presence, $2, $3, $4, $5, $6) AS t ORDER BY t.concurrent',
                                    headcount_internal.counted_query(source, options, counted, span), CASE counted WHEN 'weight' THEN 'weight_times' ELSE 'level_times' END)
            USING span.from_at - interval '1 microsecond', span.from_at, span.to_at, options.time_zone,
                  CASE WHEN hours IS NOT NULL OR weekdays IS NOT NULL THEN coalesce(headcount_internal.hour_bits(hours), (1 << 24) - 1) END,
                  CASE WHEN hours IS NOT NULL OR weekdays IS NOT NULL THEN headcount_internal.weekday_bits(weekdays) END;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.profile_of(text, timestamptz, timestamptz, text, int4range, integer[]) IS 'what concurrency_profile tells, for the owner of the source';

CREATE FUNCTION headcount_internal.percentiles_of(source text, from_at timestamptz, to_at timestamptz, fractions float8[], counted text, hours int4range, weekdays integer[])
RETURNS TABLE (fraction float8, concurrent integer)
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
    WITH profile AS MATERIALIZED (SELECT p.concurrent, p.at_most_share FROM headcount_internal.profile_of(source, from_at, to_at, counted, hours, weekdays) AS p)
    SELECT f.fraction, (SELECT min(p.concurrent) FROM profile AS p WHERE p.at_most_share >= f.fraction)
    FROM unnest(fractions) WITH ORDINALITY AS f (fraction, place)
    WHERE EXISTS (SELECT FROM profile)
    ORDER BY f.place
$$;
COMMENT ON FUNCTION headcount_internal.percentiles_of(text, timestamptz, timestamptz, float8[], text, int4range, integer[]) IS 'what concurrency_percentiles tells, for the owner of the source';

CREATE FUNCTION headcount_internal.week_hours_of(source text, from_at timestamptz, to_at timestamptz, counted text)
RETURNS TABLE (weekday integer, hour integer, peak integer, mean float8, p95 integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options constant headcount_internal.source := headcount_internal.find_source(source);
    span    constant headcount_internal.span := headcount_internal.counted_span(source, options, from_at, to_at);
BEGIN
    IF span IS NOT NULL THEN
        RETURN QUERY EXECUTE format('SELECT w.* FROM (%s) AS p CROSS JOIN LATERAL headcount_internal.%s(p.presence, $2, $3, $4) AS w ORDER BY w.weekday, w.hour',
                                    headcount_internal.counted_query(source, options, counted, span), CASE counted WHEN 'weight' THEN 'week_weights' ELSE 'week_levels' END)
            USING span.from_at - interval '1 microsecond', span.from_at, span.to_at, options.time_zone;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.week_hours_of(text, timestamptz, timestamptz, text) IS 'what concurrency_by_hour_of_week tells, for the owner of the source';

CREATE FUNCTION headcount_internal.capacities_of(source text, from_at timestamptz, to_at timestamptz, counted text)
RETURNS TABLE (capacity integer, refused integer, refused_share float8, lacking_for interval)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options constant headcount_internal.source := headcount_internal.find_source(source);
    span    constant headcount_internal.span := headcount_internal.counted_span(source, options, from_at, to_at);
BEGIN
    IF span IS NOT NULL THEN
        RETURN QUERY EXECUTE format('SELECT c.* FROM (%s) AS p CROSS JOIN LATERAL headcount_internal.%s(p.presence, $2, $3) AS c ORDER BY c.capacity',
                                    headcount_internal.counted_query(source, options, counted, span), CASE counted WHEN 'weight' THEN 'weight_capacities' ELSE 'capacities' END)
            USING span.from_at - interval '1 microsecond', span.from_at, span.to_at;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.capacities_of(text, timestamptz, timestamptz, text) IS 'what capacity_what_if tells, for the owner of the source';

-- Runs of denials are demands; a sweep over where these begin and end says how many of a server were open when each began.
-- Of those that begin at one instant the first by name counts as the first.
CREATE FUNCTION headcount_internal.avoidable_of(source text, from_at timestamptz, to_at timestamptz, retry interval)
RETURNS TABLE (extra integer, avoided integer, avoided_share float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options constant headcount_internal.source := headcount_internal.find_source(source);
    scope   constant "char" := headcount_internal.model_scope(options.realtime_servers, options.licensing_model);
BEGIN
    PERFORM headcount_internal.check_not_frozen(source, options, NULLIF(from_at, '-infinity'));
    RETURN QUERY EXECUTE format($q$
WITH denied AS (
    SELECT d.server COLLATE pg_catalog."C" AS server, d.user_name COLLATE pg_catalog."C" AS user_name, d.denied_at AS at
    FROM %I.denials AS d WHERE NOT d.is_false_denial AND d.denied_at >= $1 AND d.denied_at < $2%s),
begun AS (
    SELECT d.*, coalesce(d.at - lag(d.at) OVER w > $3, true) AS begins FROM denied AS d WINDOW w AS (PARTITION BY d.server, d.user_name ORDER BY d.at)),
numbered AS (
    SELECT b.*, count(*) FILTER (WHERE b.begins) OVER (PARTITION BY b.server, b.user_name ORDER BY b.at ROWS UNBOUNDED PRECEDING) AS run FROM begun AS b),
demand AS (
    SELECT n.server, n.user_name, min(n.at) AS from_at, greatest(max(n.at), min(n.at) + interval '1 microsecond') AS to_at, count(*) AS denials
    FROM numbered AS n GROUP BY n.server, n.user_name, n.run),
edge AS (
    SELECT d.server, d.from_at AS at, 1 AS step, d.user_name, d.denials FROM demand AS d
    UNION ALL SELECT d.server, d.to_at, -1, d.user_name, 0 FROM demand AS d),
swept AS (
    SELECT e.step, e.denials, sum(e.step) OVER (PARTITION BY e.server ORDER BY e.at, e.step, e.user_name ROWS UNBOUNDED PRECEDING) AS needed FROM edge AS e),
needed AS MATERIALIZED (
    SELECT s.needed AS extra, sum(s.denials) AS denials FROM swept AS s WHERE s.step = 1 GROUP BY s.needed)
SELECT x.extra, (sum(n.denials) OVER (ORDER BY x.extra))::integer, (sum(n.denials) OVER (ORDER BY x.extra))::float8 / (sum(n.denials) OVER ())::float8
FROM generate_series(1, (SELECT max(n.extra) FROM needed AS n)::integer) AS x (extra) LEFT JOIN needed AS n ON n.extra = x.extra
ORDER BY x.extra$q$, source, headcount_internal.scope_denials(scope, options.realtime_servers))
        USING coalesce(from_at, '-infinity'), least(to_at, headcount.as_of() + interval '1 microsecond'), retry;
END
$$;
COMMENT ON FUNCTION headcount_internal.avoidable_of(text, timestamptz, timestamptz, interval) IS 'what avoidable_denials tells, for the owner of the source';

CREATE FUNCTION headcount.concurrency_profile(source text, from_at timestamptz, to_at timestamptz, of text DEFAULT 'hosts', hours int4range DEFAULT NULL, weekdays integer[] DEFAULT NULL, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (concurrent integer, duration interval, share float8, at_most_share float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_counted(source, of), headcount_internal.check_time_order(from_at, to_at),
            headcount_internal.hour_bits(hours), headcount_internal.weekday_bits(weekdays), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'profile_of', ARRAY[from_at::text, to_at::text, of, hours::text, weekdays::text])
        AS p (concurrent integer, duration interval, share float8, at_most_share float8);
END
$$;
COMMENT ON FUNCTION headcount.concurrency_profile(text, timestamptz, timestamptz, text, int4range, integer[], timestamptz) IS
    'for how long each number of hosts, users or sessions was there at once in [from_at, to_at), on the servers that the licensing model of the source looks at, what share of the time that is, and this number or less; NULL is the first session, or as_of; only in the hours and on the days of the week that are named. Needs SELECT on the view sessions of the source';

CREATE FUNCTION headcount.concurrency_percentiles(source text, from_at timestamptz, to_at timestamptz, fractions float8[] DEFAULT '{0.5,0.9,0.95,0.99,1}', of text DEFAULT 'hosts', hours int4range DEFAULT NULL, weekdays integer[] DEFAULT NULL, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (fraction float8, concurrent integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 5
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET extra_float_digits = 1 SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_counted(source, of), headcount_internal.check_time_order(from_at, to_at),
            headcount_internal.hour_bits(hours), headcount_internal.weekday_bits(weekdays), headcount_internal.set_as_of(as_of),
            headcount_internal.check_required('fractions', fractions::text);
    IF EXISTS (SELECT FROM unnest(fractions) AS f (fraction) WHERE f.fraction IS NULL OR NOT f.fraction BETWEEN 0 AND 1) THEN
        PERFORM headcount_internal.raise_argument_error('fractions', 'must be from 0 to 1', hint => 'The 95th percentile is that of 0.95.');
    END IF;
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'percentiles_of', ARRAY[from_at::text, to_at::text, fractions::text, of, hours::text, weekdays::text])
        AS p (fraction float8, concurrent integer);
END
$$;
COMMENT ON FUNCTION headcount.concurrency_percentiles(text, timestamptz, timestamptz, float8[], text, int4range, integer[], timestamptz) IS
    'how many hosts, users or sessions were there at most for each fraction of the time: the lowest number whose at_most_share in concurrency_profile is as high. Needs SELECT on the view sessions of the source';

CREATE FUNCTION headcount.concurrency_by_hour_of_week(source text, from_at timestamptz, to_at timestamptz, of text DEFAULT 'hosts', as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (weekday integer, hour integer, peak integer, mean float8, p95 integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 168
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_counted(source, of), headcount_internal.check_time_order(from_at, to_at), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'week_hours_of', ARRAY[from_at::text, to_at::text, of])
        AS w (weekday integer, hour integer, peak integer, mean float8, p95 integer);
END
$$;
COMMENT ON FUNCTION headcount.concurrency_by_hour_of_week(text, timestamptz, timestamptz, text, timestamptz) IS
    'how many hosts, users or sessions were there at once in each hour of each day of the week (1 is Monday) in the time zone of the source: at most, on average over time, and at most for 95 % of the time. Needs SELECT on the view sessions of the source';

CREATE FUNCTION headcount.capacity_what_if(source text, from_at timestamptz, to_at timestamptz, of text DEFAULT 'hosts', as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (capacity integer, refused integer, refused_share float8, lacking_for interval)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_counted(source, of), headcount_internal.check_time_order(from_at, to_at), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'capacities_of', ARRAY[from_at::text, to_at::text, of])
        AS c (capacity integer, refused integer, refused_share float8, lacking_for interval);
END
$$;
COMMENT ON FUNCTION headcount.capacity_what_if(text, timestamptz, timestamptz, text, timestamptz) IS
    'for every capacity from 0 to the peak: how many starts of hosts, users or sessions in [from_at, to_at) met as many or more, what share of the starts these are, and for how long more were there. Needs SELECT on the view sessions of the source';

CREATE FUNCTION headcount.avoidable_denials(source text, from_at timestamptz, to_at timestamptz, retry interval DEFAULT '10 minutes', as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (extra integer, avoided integer, avoided_share float8)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 20
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_time_order(from_at, to_at), headcount_internal.check_required('retry', retry::text), headcount_internal.set_as_of(as_of);
    IF retry < interval '0' THEN
        PERFORM headcount_internal.raise_argument_error('retry', 'must not be negative');
    END IF;
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'avoidable_of', ARRAY[from_at::text, to_at::text, retry::text])
        AS a (extra integer, avoided integer, avoided_share float8);
END
$$;
COMMENT ON FUNCTION headcount.avoidable_denials(text, timestamptz, timestamptz, interval, timestamptz) IS
    'how many of the true denials in [from_at, to_at) so many more licences on each server would have let in, and what share that is: denials of one user on one server, each within retry of the one before, are one demand for a licence. Needs SELECT on the view denials of the source';
