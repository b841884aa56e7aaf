-- The views of a materialized source: stored days beside days that are computed as they are asked for.
--
-- A session or denial is read where it meets a live day (the last ones, which are not stored yet), or a dirty run of
-- stored days. What is live is found by the end of sessions, on which there is an index; a dirty run may be long ago,
-- when an index on the end, or on the start, would lead through half of the history. So closed sessions are looked for by
-- class of duration: those of up to an hour can only have started an hour before the run, and so on.

CREATE FUNCTION headcount.live_from_text(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('headcount.live_from(%L::regclass)', format('%I.sessions', name));
END
$$;
COMMENT ON FUNCTION headcount.live_from_text(text) IS 'internal: the expression for the start of the live days of a source';

-- A condition, on session_states AS s, for sessions that end at or after an instant or are open, in the form that
-- create_indexes makes an index for.
CREATE FUNCTION headcount.ends_from(options headcount.source, parts headcount.source_parts, at text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN options.idle_limit IS NULL THEN format('(s.ended_at IS NULL OR s.ended_at >= %s)', at)
                ELSE headcount.end_key_from(parts.naive_end, options.time_zone, at) END;
END
$$;
COMMENT ON FUNCTION headcount.ends_from(headcount.source, headcount.source_parts, text) IS
    'internal: the condition for sessions s that do not end before an instant';

-- Whether a table has an index by class of duration, as create_indexes makes it.
CREATE FUNCTION headcount.has_duration_index(relation regclass) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_index AS i
                        JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                               AND d.refclassid = 'pg_proc'::regclass
                   WHERE i.indrelid = relation AND i.indisvalid
                     AND d.refobjid = 'headcount_internal.duration_class(timestamptz, timestamptz)'::regprocedure);
END
$$;
COMMENT ON FUNCTION headcount.has_duration_index(regclass) IS
    'internal: whether a table has an index by which sessions that meet a span of the past are found';

-- Sessions that meet spans r (from_at, to_at), which are few, each with its span. OFFSET 0 has the spans come first: the
-- planner knows neither how few they are nor the values of c.since. Without an index one pass over the table does for
-- all of them; create_indexes makes the views anew.
CREATE FUNCTION headcount.sessions_in(spans text, options headcount.source, parts headcount.source_parts, columns text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    closed constant text := CASE WHEN headcount.has_duration_index(options.sessions) THEN $q$
      SELECT s.*, r.from_at, r.to_at
      FROM %2$s AS r
           CROSS JOIN LATERAL headcount_internal.duration_classes(r.from_at) AS k
           CROSS JOIN LATERAL (
               SELECT %1$s
               FROM (%3$s) AS s
               WHERE headcount_internal.duration_class(s.started_at, s.closed_at) = k.class
                 AND headcount_internal.class_start(s.started_at) > k.since AND headcount_internal.class_start(s.started_at) < r.to_at
                 AND s.closed_at >= r.from_at
               OFFSET 0) AS s$q$
    ELSE $q$
      SELECT s.*, r.from_at, r.to_at
      FROM (SELECT min(r.from_at) AS from_at, max(r.to_at) AS to_at FROM %2$s AS r HAVING count(*) > 0) AS x
           CROSS JOIN LATERAL (
               SELECT %1$s
               FROM (%3$s) AS s
               WHERE s.started_at < x.to_at AND s.closed_at >= x.from_at AND s.closed_at < 'infinity'
               OFFSET 0) AS s
           JOIN %2$s AS r ON s.started_at < r.to_at AND s.end_at >= r.from_at$q$ END;
BEGIN
    RETURN format(closed || $q$
      UNION ALL
      SELECT s.*, r.from_at, r.to_at
      FROM %2$s AS r
           CROSS JOIN LATERAL (SELECT %1$s FROM (%3$s) AS s WHERE %4$s AND s.started_at < r.to_at OFFSET 0) AS s$q$,
        columns, spans, parts.session_states,
        CASE WHEN options.idle_limit IS NULL THEN 's.ended_at IS NULL' ELSE $q$(s.end_key IS NULL OR s.end_key = 'infinity')$q$ END);
END
$$;
COMMENT ON FUNCTION headcount.sessions_in(text, headcount.source, headcount.source_parts, text) IS
    'internal: the query for the sessions that meet some spans of time';

-- What collects sessions for daily_sets. `keys` and `further` are columns before and after the state, each with its comma.
CREATE FUNCTION headcount.collect_sessions(options headcount.source, item text, keys text, as_of text, further text DEFAULT '') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$SELECT %1$sheadcount_internal.daily_session_agg(s.user_name, s.host, s.started_at, s.end_at, %2$L::text, %3$s, s.from_at, s.to_at) AS state%4$s
      FROM (%5$s) AS s$q$, keys, options.time_zone, as_of, further, item);
END
$$;
COMMENT ON FUNCTION headcount.collect_sessions(headcount.source, text, text, text, text) IS
    'internal: the query that collects sessions for stored or live days';

CREATE FUNCTION headcount.session_columns(options headcount.source) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('s.user_name, s.host, s.server, s.started_at, s.%I AS end_at, s.is_realtime', headcount.end_column(options));
END
$$;
COMMENT ON FUNCTION headcount.session_columns(headcount.source) IS 'internal: the columns of session_states that collect_sessions reads';

CREATE FUNCTION headcount.live_sessions(name text, options headcount.source, parts headcount.source_parts) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live_from constant text := headcount.live_from_text(name);
BEGIN
    RETURN format($q$
      SELECT %s, (SELECT %s) AS from_at, NULL::timestamptz AS to_at
      FROM (%s) AS s
      WHERE %s
      UNION ALL%s$q$,
        headcount.session_columns(options), live_from, parts.session_states, headcount.ends_from(options, parts, live_from),
        headcount.sessions_in(format('%I.rollup_dirty', name), options, parts, headcount.session_columns(options)));
END
$$;
COMMENT ON FUNCTION headcount.live_sessions(text, headcount.source, headcount.source_parts) IS
    'internal: the query for the sessions of a source on days that are not read from its rollup';

CREATE FUNCTION headcount.live_denials(name text, options headcount.source, keys text, condition text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$SELECT %5$sheadcount_internal.daily_denial_agg(d.user_name, d.denied_at, %4$L::text, (SELECT headcount.as_of())) AS state
      FROM (
      SELECT d.user_name, d.server, d.denied_at
      FROM %1$I.denials AS d
      WHERE NOT d.is_false_denial AND d.denied_at >= %2$s%3$s
      UNION ALL
      SELECT d.user_name, d.server, d.denied_at
      FROM %1$I.rollup_dirty AS r JOIN %1$I.denials AS d ON d.denied_at >= r.from_at AND d.denied_at < r.to_at
      WHERE NOT d.is_false_denial%3$s) AS d$q$,
        name, headcount.live_from_text(name), condition, options.time_zone, keys);
END
$$;
COMMENT ON FUNCTION headcount.live_denials(text, headcount.source, text, text) IS
    'internal: the query that collects the denials of a source on days that are not read from its rollup';

-- The lists with the numbers of the users of two states. Only those of their buckets are read, so the cost follows these
-- users, not all there ever were.
CREATE FUNCTION headcount.known_users(name text, states text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$(SELECT array_agg(u.list) AS lists
                  FROM headcount_internal.dictionary_buckets(%2$s, (SELECT r.user_buckets FROM headcount.rollup AS r WHERE r.sessions_view = %3$L::regclass)) AS b (bucket)
                       JOIN %1$I.rollup_users AS u ON u.bucket = b.bucket)$q$, name, states, format('%I.sessions', name));
END
$$;
COMMENT ON FUNCTION headcount.known_users(text, text) IS 'internal: the query for the numbers of users that some days have in common with stored ones';

-- The condition for rows d of rollup_days that are as the tables are now.
CREATE FUNCTION headcount.is_stored(name text, slice "char") RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$d.slice = %1$L AND d.day < (SELECT headcount.live_day(%2$L::regclass))
        AND NOT EXISTS (SELECT FROM %3$I.rollup_dirty AS r WHERE d.day >= r.from_day AND d.day < r.to_day)$q$,
        slice, format('%I.sessions', name), name);
END
$$;
COMMENT ON FUNCTION headcount.is_stored(text, "char") IS 'internal: the condition for stored days d that are read as they are';

-- Every day with something: day, used, denied, denials, concurrent_hosts, concurrent_hosts_at.
CREATE FUNCTION headcount.all_days(name text, options headcount.source, parts headcount.source_parts, model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
    SELECT d.day, d.used, d.denied, d.denials, d.concurrent_hosts, d.concurrent_hosts_at
    FROM %I.rollup_days AS d
    WHERE %s
    UNION ALL
    SELECT c.day, c.used, c.denied, c.denials, c.concurrent_hosts, c.concurrent_hosts_at
    FROM (%s%s) AS s
         CROSS JOIN (%s) AS d
         CROSS JOIN LATERAL %s AS k
         CROSS JOIN LATERAL headcount_internal.daily_sets(s.state, d.state, k.lists) AS c$q$,
        name, headcount.is_stored(name, headcount.model_slice(options, model)),
        headcount.collect_sessions(options, headcount.live_sessions(name, options, parts), '', '(SELECT headcount.as_of())'),
        headcount.realtime_sessions(options, model),
        headcount.live_denials(name, options, '', headcount.realtime_denials(options, model)),
        headcount.known_users(name, 's.state, d.state'));
END
$$;
COMMENT ON FUNCTION headcount.all_days(text, headcount.source, headcount.source_parts, text) IS
    'internal: the query for every day of a source with its sets of users, stored or computed';

-- generate_series(), but that the planner takes it for what it is here: hardly more than one row.
CREATE FUNCTION headcount.steps(first integer, last integer) RETURNS SETOF integer
    AS 'generate_series_int4' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 ROWS 1;
COMMENT ON FUNCTION headcount.steps(integer, integer) IS 'internal: the numbers from the first to the last, of which there are few';

-- Days d with something, and the idle ones between and after them, with NULLs, up to today.
CREATE FUNCTION headcount.without_gaps(days text, time_zone text, columns text[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT x.day + i AS day, x.today, %s
FROM (SELECT x.*, t.today, lead(x.day, 1, t.today + 1) OVER (ORDER BY x.day) AS next_day
      FROM (%s) AS x CROSS JOIN (SELECT headcount.day_of(headcount.as_of(), %L::text) AS today) AS t) AS x
     CROSS JOIN LATERAL headcount.steps(0, x.next_day - x.day - 1) AS i$q$,
        (SELECT string_agg(format('CASE WHEN i = 0 THEN x.%1$I END AS %1$I', c), ', ') FROM unnest(columns) AS c), days, time_zone);
END
$$;
COMMENT ON FUNCTION headcount.without_gaps(text, text, text[]) IS 'internal: the query that puts idle days between days with something';

-- The columns of a report, of rows e with sets of users over a window w of all days up to each.
CREATE FUNCTION headcount.report_columns(model text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$(headcount.unique_count(%s) OVER w)::integer AS total_users, %s::integer AS daily_users,
       headcount.cardinality(e.denied)::integer AS denial_users, coalesce(e.denials, 0) AS denials,
       coalesce(e.concurrent_hosts, 0) AS concurrent_hosts, e.concurrent_hosts_at, e.day < e.today AS complete$q$,
        CASE WHEN model = '2013' THEN 'e.used' ELSE 'e.used, e.denied' END,
        CASE WHEN model = '2013' THEN 'headcount.cardinality(e.used)' ELSE 'headcount.union_cardinality(e.used, e.denied)' END);
END
$$;
COMMENT ON FUNCTION headcount.report_columns(text) IS 'internal: the columns of a daily report over rows with sets of users';

CREATE FUNCTION headcount.stored_daily_view(name text, options headcount.source, parts headcount.source_parts, model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT e.day, %s
FROM (%s) AS e
WINDOW w AS (ORDER BY e.day%s)
ORDER BY e.day$q$,
        headcount.report_columns(model),
        headcount.without_gaps(headcount.all_days(name, options, parts, model), options.time_zone,
                               ARRAY['used', 'denied', 'denials', 'concurrent_hosts', 'concurrent_hosts_at']),
        CASE WHEN model = '2013' THEN format(' ROWS BETWEEN %s PRECEDING AND CURRENT ROW', options.window_days - 1) ELSE '' END);
END
$$;
COMMENT ON FUNCTION headcount.stored_daily_view(text, headcount.source, headcount.source_parts, text) IS
    'internal: the query behind the daily report of a materialized source under one licensing model';

CREATE FUNCTION headcount.has_servers(options headcount.source) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT options.server IS NOT NULL OR options.denied_server IS NOT NULL
$$;
COMMENT ON FUNCTION headcount.has_servers(headcount.source) IS
    'internal: whether a source knows servers, so that there is something to store of each';

-- Each server has its own history; rows without a server make one of their own, which is that of all of them where the
-- source knows no servers.
CREATE FUNCTION headcount.stored_server_view(name text, options headcount.source, parts headcount.source_parts) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    server constant text := '%1$s.server COLLATE pg_catalog."C" AS server, ';
BEGIN
    RETURN format($q$
SELECT * FROM (
SELECT e.day, e.server, %s
FROM (
    SELECT d.day, d.server, d.used, d.denied, d.denials, d.concurrent_hosts, d.concurrent_hosts_at,
           headcount.day_of(headcount.as_of(), %L::text) AS today
    FROM %I.rollup_days AS d
    WHERE %s%s
    UNION ALL
    SELECT c.day, coalesce(s.server, d.server), c.used, c.denied, c.denials, c.concurrent_hosts, c.concurrent_hosts_at,
           headcount.day_of(headcount.as_of(), %L::text)
    FROM (%s%s
      GROUP BY 1) AS s
         FULL JOIN (%s
      GROUP BY 1) AS d ON %s
         CROSS JOIN LATERAL %s AS k
         CROSS JOIN LATERAL headcount_internal.daily_sets(s.state, d.state, k.lists) AS c) AS e
WINDOW w AS (PARTITION BY e.server ORDER BY e.day%s)) AS e
WHERE e.daily_users > 0 OR e.denial_users > 0 OR e.concurrent_hosts > 0
ORDER BY e.day, e.server$q$,
        headcount.report_columns(options.licensing_model), options.time_zone, name,
        headcount.is_stored(name, CASE WHEN headcount.has_servers(options) THEN 's'::"char" ELSE 'a' END),
        headcount.realtime_denials(options, options.licensing_model), options.time_zone,
        headcount.collect_sessions(options, headcount.live_sessions(name, options, parts), format(server, 's'), '(SELECT headcount.as_of())'),
        headcount.realtime_sessions(options, options.licensing_model),
        headcount.live_denials(name, options, format(server, 'd'), headcount.realtime_denials(options, options.licensing_model)),
        headcount.same_server(),
        headcount.known_users(name, 's.state, d.state'),
        CASE WHEN options.licensing_model = '2013'
             THEN format(' RANGE BETWEEN %L::interval PRECEDING AND CURRENT ROW', make_interval(days => options.window_days - 1)) ELSE '' END);
END
$$;
COMMENT ON FUNCTION headcount.stored_server_view(text, headcount.source, headcount.source_parts) IS
    'internal: the query behind the daily report of a materialized source by server';

CREATE FUNCTION headcount.stored_sketch_view(name text, options headcount.source, parts headcount.source_parts) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT e.day, coalesce(e.used, %1$s) AS used, coalesce(e.denied, %1$s) AS denied
FROM (%2$s) AS e
ORDER BY e.day$q$, headcount.empty_sketch(),
        headcount.without_gaps(format($q$
    SELECT d.day, d.used_sketch AS used, d.denied_sketch AS denied
    FROM %I.rollup_days AS d
    WHERE %s
    UNION ALL
    SELECT c.day, %s AS used, %s AS denied
    FROM (%s) AS s
         CROSS JOIN (%s) AS d
         CROSS JOIN LATERAL (SELECT u.day, u.user_name, u.is_denied FROM headcount_internal.daily_users(s.state, d.state) AS u
                             UNION ALL SELECT p.day, NULL, false FROM headcount_internal.daily_peaks(s.state) AS p) AS c
    GROUP BY c.day$q$,
                name, headcount.is_stored(name, 'a'),
                headcount.sketch_text('c.user_name', 'c.user_name IS NOT NULL AND NOT c.is_denied'), headcount.sketch_text('c.user_name', 'c.is_denied'),
                headcount.collect_sessions(options, headcount.live_sessions(name, options, parts), '', '(SELECT headcount.as_of())'),
                headcount.live_denials(name, options, '', '')),
            options.time_zone, ARRAY['used', 'denied']));
END
$$;
COMMENT ON FUNCTION headcount.stored_sketch_view(text, headcount.source, headcount.source_parts) IS
    'internal: the query behind the sketches of a materialized source';
