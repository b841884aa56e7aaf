-- From a number to its evidence: unique_users, users_on, hosts_at_peak.

-- A condition for sessions s that have an instant in common with [$1, $2), where $1 is not after as_of: open sessions
-- last until then. Its parts stand alone so that indexes on the start and on the end can serve them; the last one is
-- about ends, which are exclusive except for a session of one instant.
CREATE FUNCTION headcount.meets_span() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 's.started_at < $2 AND (s.ended_at IS NULL OR s.ended_at >= $1) AND (s.ended_at IS DISTINCT FROM $1 OR s.started_at = $1)'
$$;
COMMENT ON FUNCTION headcount.meets_span() IS 'internal: the condition for sessions s that meet the span from $1 to $2';

-- A query for the names, each once, of the users of one kind over [$1, $2); $3 are the realtime servers. What a
-- licensing model leaves out is left out of new users, and where asked also of the denied ones and the total.
CREATE FUNCTION headcount.users_query(source text, options headcount.source, what text, as_reported boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_2013  constant boolean := options.licensing_model = '2013';
    realtime constant boolean := is_2013 AND options.realtime_servers IS NOT NULL;
    s_realtime constant text := CASE WHEN realtime THEN ' AND s.is_realtime' ELSE '' END;
    d_realtime constant text := CASE WHEN realtime THEN ' AND d.server = ANY ($3)' ELSE '' END;
    -- names are the same when their bytes are, and are listed in that order
    sessions constant text := format($q$SELECT s.user_name COLLATE pg_catalog."C" AS user_name, s.started_at AS at
        FROM %I.sessions AS s WHERE s.user_name <> ''$q$, source);
    denials  constant text := format($q$SELECT d.user_name COLLATE pg_catalog."C" AS user_name, d.denied_at AS at
        FROM %I.denials AS d WHERE NOT d.is_false_denial$q$, source);
    used     constant text := sessions || ' AND ' || headcount.meets_span();
    denied   constant text := denials || ' AND d.denied_at >= $1 AND d.denied_at < $2';
    rows     text;
BEGIN
    CASE
        WHEN what = 'used' THEN
            rows := used;
        WHEN what = 'denied' THEN
            rows := denied || CASE WHEN as_reported THEN d_realtime ELSE '' END;
        WHEN what = 'total' AND as_reported AND is_2013 THEN
            rows := used || s_realtime;
        WHEN what = 'total' THEN
            rows := used || ' UNION ALL ' || denied;
        WHEN what = 'new' AND is_2013 THEN
            rows := sessions || ' AND s.started_at < $2' || s_realtime;
        WHEN what = 'new' THEN
            rows := sessions || ' AND s.started_at < $2 UNION ALL ' || denials || ' AND d.denied_at < $2';
        WHEN what IS NULL THEN
            PERFORM headcount.raise_argument_error('what', 'must not be null', '22004');
        ELSE
            PERFORM headcount.raise_argument_error('what', format('"%s" is not a set of users', what),
                                                   hint => 'The sets are used, denied, total and new.');
    END CASE;
    RETURN format('SELECT r.user_name FROM (%s) AS r GROUP BY r.user_name%s', rows,
                  CASE WHEN what = 'new' THEN ' HAVING min(r.at) >= $1' ELSE '' END);
END
$$;
COMMENT ON FUNCTION headcount.users_query(text, headcount.source, text, boolean) IS
    'internal: the query for the users of a source that are behind a number';

CREATE FUNCTION headcount.unique_users(source text, from_day date, to_day date, what text DEFAULT 'used') RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options headcount.source := headcount.find_source(source);
    query   text := headcount.users_query(source, options, what, false);
    from_at timestamptz := CASE WHEN isfinite(from_day) THEN headcount.day_start(from_day, options.time_zone)
                                ELSE coalesce(from_day, '-infinity')::timestamptz END;
    to_at   timestamptz := CASE WHEN isfinite(to_day) THEN headcount.day_start(to_day + 1, options.time_zone)
                                ELSE coalesce(to_day, 'infinity')::timestamptz END;
    users   integer;
BEGIN
    IF from_day > to_day THEN
        RAISE EXCEPTION 'from_day (%) is after to_day (%)', from_day, to_day USING ERRCODE = 'invalid_parameter_value';
    ELSIF from_at >= to_at OR from_at > headcount.as_of() THEN      -- a day that the zone skipped, or one to come
        RETURN 0;
    END IF;
    EXECUTE format('SELECT count(*)::integer FROM (%s) AS u', query) INTO users USING from_at, to_at, options.realtime_servers;
    RETURN users;
END
$$;
COMMENT ON FUNCTION headcount.unique_users(text, date, date, text) IS
    'how many users had a session (used), were denied (denied), did either (total) or appeared for the first time (new) on the days from from_day to to_day, both included, NULL being no bound; needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.users_on(source text, day date, what text DEFAULT 'used', as_of timestamptz DEFAULT headcount.as_of())
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    options headcount.source := headcount.find_source(source);
    query   text := headcount.users_query(source, options, what, true);
    from_at timestamptz := headcount.day_start(day, options.time_zone);
    to_at   timestamptz := headcount.day_start(day + 1, options.time_zone);
BEGIN
    PERFORM headcount.check_required('day', day::text);
    as_of := headcount.set_as_of(as_of);
    IF from_at > as_of THEN
        RETURN;
    END IF;
    IF what = 'total' THEN
        from_at := CASE WHEN options.licensing_model = '2013'
                        THEN headcount.day_start(day - (options.window_days - 1), options.time_zone) ELSE '-infinity' END;
    END IF;
    IF from_at < to_at THEN
        RETURN QUERY EXECUTE query || ' ORDER BY r.user_name' USING from_at, to_at, options.realtime_servers;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.users_on(text, date, text, timestamptz) IS
    'the users that had a session that day (used), are behind its denial_users (denied) or total_users (total), or appeared that day for the first time under the model of the source (new); needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.hosts_at_peak(source text, day date, as_of timestamptz DEFAULT headcount.as_of()) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    options headcount.source := headcount.find_source(source);
    from_at timestamptz := headcount.day_start(day, options.time_zone);
    to_at   timestamptz := headcount.day_start(day + 1, options.time_zone);
BEGIN
    PERFORM headcount.check_required('day', day::text);
    as_of := headcount.set_as_of(as_of);
    to_at := least(to_at, as_of + interval '1 microsecond');
    IF from_at < to_at THEN
        RETURN QUERY EXECUTE format($q$
            SELECT k.host
            FROM (SELECT headcount.presence_agg(s.host, s.started_at, s.ended_at) AS hosts
                  FROM %I.sessions AS s WHERE s.host <> '' AND %s%s) AS p
                 CROSS JOIN LATERAL headcount.peak(p.hosts, $1, $2) AS top
                 CROSS JOIN LATERAL headcount.keys_at(p.hosts, coalesce(top.at, $1)) AS k (host)      -- no peak: nobody is there
            ORDER BY k.host COLLATE pg_catalog."C"$q$,
            source, headcount.meets_span(),
            CASE WHEN options.licensing_model = '2013' AND options.realtime_servers IS NOT NULL THEN ' AND s.is_realtime' ELSE '' END)
            USING from_at, to_at;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.hosts_at_peak(text, date, timestamptz) IS
    'the hosts that were there at the instant concurrent_hosts_at of a day, as many as concurrent_hosts; needs SELECT on the view sessions of the source';
