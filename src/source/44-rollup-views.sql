-- The views of a materialized source: stored days beside days that are computed as they are asked for.
--
-- A session or denial is read if it meets a live day (the last ones, which are not stored yet; of the first of them the
-- part that is over may be), or a dirty run of stored days. What is live is found by the end of sessions, on which there is an index; a dirty run may be long ago, when an
-- index on the end, or on the start, would lead through half of the history. So closed sessions are looked for by class
-- of duration: those of up to an hour can only have started an hour before the run, and so on.

CREATE FUNCTION headcount_internal.state_of(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%L::regclass', format('%I.rollup_state', name))
$$;
COMMENT ON FUNCTION headcount_internal.state_of(text) IS 'the constant by which the views of a source name its state';

-- A condition, on session_states AS s, for sessions that end at or after an instant or are open, in the form that
-- create_indexes makes an index for; of foreign tables, in the form that is sent to the other server.
CREATE FUNCTION headcount_internal.ends_from(options headcount_internal.options, at text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN options.idle_limit IS NULL AND NOT headcount_internal.is_foreign(options.sessions) THEN format('(s.ended_at IS NULL OR s.ended_at >= %s)', at)
                ELSE headcount_internal.end_key_from('ended_at' = ANY (options.naive), options.time_zone, at) END
$$;
COMMENT ON FUNCTION headcount_internal.ends_from(headcount_internal.options, text) IS 'the condition for sessions s that do not end before an instant';

-- The same for a source that is there, which costs less than to find its options.
CREATE FUNCTION headcount_internal.ends_from(source text, options headcount_internal.source, at text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN options.idle_limit IS NULL AND NOT headcount_internal.is_foreign(options.sessions) THEN format('(s.ended_at IS NULL OR s.ended_at >= %s)', at)
                ELSE headcount_internal.end_key_from((SELECT a.atttypid = 'timestamp'::regtype FROM pg_attribute AS a
                                                      WHERE a.attrelid = to_regclass(format('%I.session_states', source)) AND a.attname = 'end_key'),
                                                     options.time_zone, at) END
$$;
COMMENT ON FUNCTION headcount_internal.ends_from(text, headcount_internal.source, text) IS 'the condition for sessions s of a source that do not end before an instant';

-- Whether a table has an index by class of duration, as create_indexes makes it.
CREATE FUNCTION headcount_internal.has_duration_index(relation regclass) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT headcount_internal.is_on_shards(relation) AND EXISTS (SELECT FROM pg_index AS i
                        JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                               AND d.refclassid = 'pg_proc'::regclass
                   WHERE i.indrelid = relation AND i.indisvalid
                     AND d.refobjid = 'headcount_internal.duration_class(timestamptz, timestamptz)'::regprocedure)
$$;
COMMENT ON FUNCTION headcount_internal.has_duration_index(regclass) IS
    'whether a table has an index by which sessions that meet a span of the past are found, and is not on shards, where spans are joined with it';

CREATE FUNCTION headcount_internal.session_columns(options headcount_internal.options, user_name text DEFAULT 's.user_name') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%s AS user_name, s.host, s.server, s.started_at, s.%I AS end_at, s.is_realtime, s.weight, s.user_name AS present_user', user_name, headcount_internal.end_column(options.idle_limit))
        || coalesce((SELECT string_agg(format(', s.%I', d), '') FROM unnest(headcount_internal.dimension_names(options.dimensions)) AS d), '')
$$;
COMMENT ON FUNCTION headcount_internal.session_columns(headcount_internal.options, text) IS 'the columns of session_states that stored and live days are computed from';

-- From the first of some spans to the end of the last, with all of them; and these again, r. Whoever reads a table for all
-- of them at once names a column of the table in a sub-select of the latter, so that the planner does not read the table
-- for each.
CREATE FUNCTION headcount_internal.outline(spans text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT min(r.from_at) AS from_at, max(r.to_at) AS to_at, array_agg(r.from_at) AS from_ats, array_agg(r.to_at) AS to_ats FROM %s AS r HAVING count(*) > 0)', spans)
$$;
COMMENT ON FUNCTION headcount_internal.outline(text) IS 'the query for one span around some, with their bounds';

CREATE FUNCTION headcount_internal.outlined() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'unnest(x.from_ats, x.to_ats) AS r (from_at, to_at)'
$$;
COMMENT ON FUNCTION headcount_internal.outlined() IS 'the spans that an outline x is around';

-- A condition that leaves out the partitions in which no session of an index range can be, beside that range. Partitions
-- are left out by what is said of the column itself; the OR keeps the planner from taking an index on the start alone for
-- it, which has all classes of duration. Columns without a time zone are compared as instants, which leaves out none.
CREATE FUNCTION headcount_internal.starts_in(relation regclass, since text, until text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE c.relkind WHEN 'p' THEN format(' AND (s.started_at > %s AND s.started_at < %s OR s.started_at IS NULL)', since, until) ELSE '' END
    FROM pg_class AS c WHERE c.oid = relation
$$;
COMMENT ON FUNCTION headcount_internal.starts_in(regclass, text, text) IS
    'for a partitioned table, a further condition for sessions s that start between two instants, by which partitions are left out; nothing for others';

-- Sessions without an end in the table that may meet spans r (from_at, to_at), each with its span.
CREATE FUNCTION headcount_internal.open_sessions_in(spans text, name text, idle_limit interval, columns text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$
SELECT s.*, r.from_at, r.to_at
FROM %2$s AS r
     CROSS JOIN LATERAL (SELECT %1$s FROM %3$I.session_states AS s WHERE %4$s AND s.started_at < r.to_at OFFSET 0) AS s$q$,
        columns, spans, name, CASE WHEN idle_limit IS NULL THEN 's.ended_at IS NULL' ELSE $q$(s.end_key IS NULL OR s.end_key = 'infinity')$q$ END)
$$;
COMMENT ON FUNCTION headcount_internal.open_sessions_in(text, text, interval, text) IS 'the query for the sessions without an end that start before the end of some spans of time';

-- Sessions that meet spans r (from_at, to_at), which are few, each with its span, found by the index by class of duration.
-- OFFSET 0 has the spans come first: the planner knows neither how few they are nor the values of c.since.
CREATE FUNCTION headcount_internal.sessions_by_class(spans text, name text, relation regclass, idle_limit interval, columns text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$
SELECT s.*, r.from_at, r.to_at
FROM %2$s AS r
     CROSS JOIN LATERAL headcount_internal.duration_classes(r.from_at) AS k
     CROSS JOIN LATERAL (
         SELECT %1$s
         FROM %3$I.session_states AS s
         WHERE headcount_internal.duration_class(s.started_at, s.closed_at) = k.class
           AND headcount_internal.class_start(s.started_at) > k.since AND headcount_internal.class_start(s.started_at) < r.to_at
           AND s.closed_at >= r.from_at%4$s
         OFFSET 0) AS s
UNION ALL%5$s$q$, columns, spans, name, headcount_internal.starts_in(relation, 'k.since', 'r.to_at'),
        headcount_internal.open_sessions_in(spans, name, idle_limit, columns))
$$;
COMMENT ON FUNCTION headcount_internal.sessions_by_class(text, text, regclass, interval, text) IS
    'the query for the sessions that meet some spans of time, by the index of create_indexes for these';

-- Sessions of tables on shards that meet spans, each with its span; to_at may be NULL. One join, which Citus sends to the shards
-- with the spans, so that they collect what they find.
CREATE FUNCTION headcount_internal.sessions_joined(spans text, name text, options headcount_internal.options, columns text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$
SELECT %1$s, r.from_at, r.to_at
FROM %2$s AS r
     JOIN %3$I.session_states AS s ON %4$s AND s.started_at < coalesce(r.to_at, 'infinity'::timestamptz)$q$,
        columns, spans, name, headcount_internal.ends_from(options, 'r.from_at'))
$$;
COMMENT ON FUNCTION headcount_internal.sessions_joined(text, text, headcount_internal.options, text) IS
    'the query for the sessions that meet some spans of time, for tables on shards';

-- Sessions that meet spans, as above. Without an index one pass over the table does for all of them; create_indexes makes
-- the view anew.
CREATE FUNCTION headcount_internal.sessions_in(spans text, name text, options headcount_internal.options) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN headcount_internal.has_duration_index(options.sessions)
                THEN headcount_internal.sessions_by_class(spans, name, options.sessions, options.idle_limit, headcount_internal.session_columns(options))
    WHEN headcount_internal.reads_shards(options) THEN headcount_internal.sessions_joined(spans, name, options, headcount_internal.session_columns(options))
    ELSE format($q$
SELECT s.*, r.from_at, r.to_at
FROM %2$s AS x
     CROSS JOIN LATERAL (
         SELECT %1$s
         FROM %3$I.session_states AS s
         WHERE s.started_at < x.to_at AND s.closed_at >= x.from_at AND s.closed_at < 'infinity'
         OFFSET 0) AS s
     CROSS JOIN LATERAL (SELECT * FROM %4$s WHERE s.started_at < r.to_at AND s.end_at >= r.from_at OFFSET 0) AS r
UNION ALL%5$s$q$, headcount_internal.session_columns(options), headcount_internal.outline(spans), name, headcount_internal.outlined(),
        headcount_internal.open_sessions_in(spans, name, options.idle_limit, headcount_internal.session_columns(options))) END
$$;
COMMENT ON FUNCTION headcount_internal.sessions_in(text, text, headcount_internal.options) IS 'the query for the sessions that meet some spans of time';

-- Dimensions at the end, with those that the source has no more, as a view that is replaced has to have them.
CREATE FUNCTION headcount_internal.with_dimensions(name text, options headcount_internal.options, columns text, query text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN d.list IS NULL THEN query ELSE format('SELECT %s%s FROM (%s) AS l', columns, d.list, query) END
    FROM (SELECT string_agg(format(', %s AS %I', CASE WHEN c.name = ANY (headcount_internal.dimension_names(options.dimensions)) THEN format('l.%I', c.name)
                                                      ELSE headcount_internal.text_or_null(NULL, with_dimensions.name, 'session_rows', c.name) END, c.name), '' ORDER BY c.place) AS list
          FROM unnest(headcount_internal.dimension_columns(with_dimensions.name)) WITH ORDINALITY AS c (name, place)) AS d
$$;
COMMENT ON FUNCTION headcount_internal.with_dimensions(text, headcount_internal.options, text, text) IS
    'a query with its columns in order, and the dimensions of a source behind them; the query itself if there are none';

CREATE FUNCTION headcount_internal.make_live_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    in_one_place constant text := headcount_internal.in_one_place(options);
    spans constant text := format('(SELECT headcount_internal.live_from(%1$s) AS from_at, NULL::timestamptz AS to_at, headcount_internal.named_from(%1$s) AS named_from FROM headcount_internal.here
      UNION ALL SELECT r.from_at, r.to_at, ''-infinity''::timestamptz FROM %2$I.dirty_days AS r OFFSET 0)', headcount_internal.state_of(name), name);
    live_from constant text := headcount_internal.value_text(format('headcount_internal.live_from(%s)', headcount_internal.state_of(name)));
BEGIN
    PERFORM headcount_internal.make_view(name, 'live_sessions', headcount_internal.with_dimensions(name, options, 'l.user_name, l.host, l.server, l.started_at, l.end_at, l.is_realtime, l.weight, l.present_user, l.from_at, l.to_at', CASE WHEN headcount_internal.reads_shards(options)
        THEN headcount_internal.sessions_joined(spans, name, options,
            headcount_internal.session_columns(options, 'CASE WHEN s.started_at >= r.named_from THEN s.user_name END'))
        ELSE format($q$
SELECT %s, (SELECT %s) AS from_at, NULL::timestamptz AS to_at
FROM %I.session_states AS s
WHERE %s%s
UNION ALL%s$q$, headcount_internal.session_columns(options, format('CASE WHEN s.started_at >= (SELECT %s) THEN s.user_name END', headcount_internal.value_text(format('headcount_internal.named_from(%s)', headcount_internal.state_of(name))))), live_from, name, headcount_internal.ends_from(options, live_from), in_one_place,
        headcount_internal.sessions_in(format('%I.dirty_days', name), name, options)) END),
        'the sessions on days that are not read from what is stored',
        ARRAY['user_name', 'NULL if who it was is known from what is stored', 'present_user', 'who it was', 'from_at', 'what of the session is before this instant is read from what is stored', 'to_at', 'and what is at or after this one; NULL is no bound']);
    -- What is a false denial is found by an index of create_indexes, or for all denials in one pass over the sessions. Where none
    -- is looked for the aggregate leaves out what does not count, and there are fewer conditions to plan for each partition.
    PERFORM headcount_internal.make_view(name, 'live_denials', format(CASE WHEN headcount_internal.reads_shards(options) THEN $q$
SELECT d.user_name, d.server, d.denied_at%9$s
FROM %7$s AS r JOIN %1$s AS d ON %2$sd.denied_at >= r.from_at AND d.denied_at < coalesce(r.to_at, 'infinity'::timestamptz)$q$ ELSE $q$
SELECT d.user_name, d.server, d.denied_at%9$s
FROM %1$s AS d
WHERE %2$sd.denied_at >= %3$s%8$s
UNION ALL$q$ || CASE WHEN headcount_internal.has_duration_index(options.sessions) THEN $q$
SELECT d.user_name, d.server, d.denied_at%9$s
FROM %4$I.dirty_days AS r
     CROSS JOIN LATERAL (SELECT * FROM %1$s AS d WHERE %2$sd.denied_at >= r.from_at AND d.denied_at < r.to_at OFFSET 0) AS d$q$
        ELSE $q$
SELECT d.user_name, d.server, d.denied_at%9$s
FROM %5$s AS x
     CROSS JOIN LATERAL (SELECT * FROM %1$s AS d WHERE %2$sd.denied_at >= x.from_at AND d.denied_at < x.to_at OFFSET 0) AS d
     CROSS JOIN LATERAL (SELECT * FROM %6$s WHERE d.denied_at >= r.from_at AND d.denied_at < r.to_at OFFSET 0) AS r$q$ END END,
        format('%I.%I', name, CASE WHEN options.false_denial_before IS NULL THEN 'denial_rows' ELSE 'denials' END),
        CASE WHEN options.false_denial_before IS NULL THEN '' ELSE 'NOT d.is_false_denial AND ' END,
        live_from, name, headcount_internal.outline(format('%I.dirty_days', name)), headcount_internal.outlined(), spans, in_one_place, headcount_internal.dimension_list(name, 'd')),
        'the denials on days that are not read from what is stored, without false ones');
END
$$;
COMMENT ON FUNCTION headcount_internal.make_live_views(text, headcount_internal.options) IS
    'makes or replaces the views of the sessions and denials of a source on days that are computed from its tables';

-- Some thousands at a time: one value could not hold all of them.
CREATE FUNCTION headcount_internal.page_groups_text(pages text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT array_agg(l.page) AS pages FROM %s AS l GROUP BY l.bucket / 4096)', pages)
$$;
COMMENT ON FUNCTION headcount_internal.page_groups_text(text) IS 'the query for pages of a dictionary, rows with bucket and page, in groups';

CREATE FUNCTION headcount_internal.key_page_text(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT k.page FROM %I.rollup_dictionary AS k WHERE k.bucket = -2147483648)', name)
$$;
COMMENT ON FUNCTION headcount_internal.key_page_text(text) IS 'the expression for the page with the key of forgotten names, NULL if none were';

-- The pages with the numbers of the users of two states. Only those of their buckets are read, and what is not about them is left out,
-- so the cost follows these users, not all there ever were. Those of slices,
-- each of which has few, are looked up one by one: else the planner could read all pages for each slice.
CREATE FUNCTION headcount_internal.known_users(name text, states text, of_slices boolean DEFAULT false) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$(SELECT array_agg(headcount_internal.filtered_page(u.page, (SELECT headcount_internal.user_filter(%2$s, %4$s)))) AS pages
                  FROM LATERAL headcount_internal.dictionary_buckets(%2$s, (SELECT r.dictionary_buckets FROM %1$I.rollup_state AS r), %4$s) AS b (bucket)
                       %3$s)$q$, name, states,
        format(CASE WHEN of_slices THEN 'CROSS JOIN LATERAL (SELECT p.page FROM %I.rollup_dictionary AS p WHERE p.bucket = b.bucket OFFSET 0) AS u'
                    ELSE 'JOIN %I.rollup_dictionary AS u ON u.bucket = b.bucket' END, name),
        headcount_internal.key_page_text(name))
$$;
COMMENT ON FUNCTION headcount_internal.known_users(text, text, boolean) IS 'the query for the numbers of the users that some days have in common with stored ones';

-- The sessions and denials of live days, collected, of each slice if there is a column to slice by.
CREATE FUNCTION headcount_internal.collected(name text, options headcount_internal.options, scope "char", part text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    until constant text := format('(SELECT %s)', headcount_internal.value_text(format('headcount_internal.end_of(headcount_internal.asked_to(%s), %L::text)', headcount_internal.state_of(name), options.time_zone)));
    now_at constant text := format('(SELECT %s)', headcount_internal.as_of_text());
BEGIN
    RETURN concat(
        headcount_internal.side_by_side(
            format('headcount_internal.daily_session_agg(s.user_name, s.host, s.started_at, s.end_at, %L::text, %s, s.from_at, s.to_at) AS state
      FROM %I.live_sessions AS s WHERE s.from_at < %s%s', options.time_zone, now_at, name, until, headcount_internal.scope_sessions(scope, ' AND')),
            format('headcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, %s) AS state
      FROM %I.live_denials AS d WHERE d.denied_at < %s%s', options.time_zone, now_at, name, until,
                headcount_internal.scope_denials(scope, options.realtime_servers)), part),
        CASE WHEN options.exact THEN format('
     CROSS JOIN LATERAL %s AS k', headcount_internal.known_users(name, 's.state, d.state', part IS NOT NULL)) END);
END
$$;
COMMENT ON FUNCTION headcount_internal.collected(text, headcount_internal.options, "char", text) IS
    'what is collected of the sessions and denials of live days, with the numbers of their users, k, if a source has such';

CREATE FUNCTION headcount_internal.has_servers(options headcount_internal.options) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT options.server IS NOT NULL OR options.denied_server IS NOT NULL
$$;
COMMENT ON FUNCTION headcount_internal.has_servers(headcount_internal.options) IS
    'whether a source knows servers, so that there is something to store of each';

-- A source that knows no servers has one report by server, that of all.
CREATE FUNCTION headcount_internal.slice_scope(options headcount_internal.options, part text, is_realtime boolean) RETURNS "char"
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN part <> 'server' THEN headcount_internal.dimension_scope(array_position(headcount_internal.dimension_names(options.dimensions), part), is_realtime)
                WHEN headcount_internal.has_servers(options) THEN 's'::"char" ELSE 'a'::"char" END
$$;
COMMENT ON FUNCTION headcount_internal.slice_scope(headcount_internal.options, text, boolean) IS 'the scope of what is stored of each server, or of each value of a dimension';

CREATE FUNCTION headcount_internal.make_rollup_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state constant text := headcount_internal.state_of(name);
BEGIN
    PERFORM headcount_internal.make_view(name, 'dirty_days', format($q$
SELECT d.from_day, d.to_day, d.from_at, d.to_at
FROM (SELECT array_agg(greatest(c.from_day, k.frozen_before)) AS from_days, array_agg(c.to_day) AS to_days, min(k.live_day) AS live_day
      FROM (SELECT r.frozen_before, headcount_internal.live_day(%2$s) AS live_day FROM %1$I.rollup_state AS r OFFSET 0) AS k
           JOIN %1$I.invalidation_log AS c ON c.from_day < k.live_day AND c.to_day >= k.frozen_before AND k.frozen_before < k.live_day) AS c
     CROSS JOIN LATERAL headcount_internal.day_runs(c.from_days, c.to_days, c.live_day, %3$L::text) AS d$q$, name, state, options.time_zone),
        'the runs of stored days that changed since they were stored, to_day not included');
    PERFORM headcount_internal.make_view(name, 'stored_days', format($q$
SELECT d.scope, d.slice, d.day, d.used, d.denied, d.denials, d.concurrent_hosts, d.concurrent_hosts_at, d.concurrent_users, d.concurrent_sessions, d.concurrent_weight, d.used_sketch, d.denied_sketch,
       d.used_count, d.denied_count, d.daily_count
FROM %1$I.rollup_days AS d
WHERE d.day < (SELECT headcount_internal.live_day(%2$s))
  AND NOT EXISTS (SELECT FROM %1$I.dirty_days AS r WHERE d.day >= r.from_day AND d.day < r.to_day)$q$, name, state),
        'the stored days that are as the tables are now');
    PERFORM headcount_internal.make_live_views(name, options);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_rollup_views(text, headcount_internal.options) IS
    'makes or replaces the views of a materialized source beneath its reports';

-- generate_series(), but that the planner takes it for what it is here: hardly more than one row.
CREATE FUNCTION headcount_internal.steps(first integer, last integer) RETURNS SETOF integer
    AS 'generate_series_int4' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 ROWS 1;
COMMENT ON FUNCTION headcount_internal.steps(integer, integer) IS 'the numbers from the first to the last, of which there are few';

-- Days d with something, and the idle ones between and after them, with NULLs, up to today.
CREATE FUNCTION headcount_internal.without_gaps(days text, time_zone text, columns text[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT x.day + i AS day, x.today, %s
FROM (SELECT x.*, t.today, lead(x.day, 1, t.today + 1) OVER (ORDER BY x.day) AS next_day
      FROM %s AS x CROSS JOIN (SELECT headcount.day_of(headcount.as_of(), %L::text) AS today) AS t) AS x
     CROSS JOIN LATERAL headcount_internal.steps(0, x.next_day - x.day - 1) AS i$q$,
        (SELECT string_agg(format('CASE WHEN i = 0 THEN x.%1$I END AS %1$I', c), ', ') FROM unnest(columns) AS c), days, time_zone);
END
$$;
COMMENT ON FUNCTION headcount_internal.without_gaps(text, text, text[]) IS 'the query that puts idle days between days with something';

CREATE FUNCTION headcount_internal.stored_days_text(name text, condition text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$(SELECT headcount_internal.stored_days_agg(d.day, d.used, d.denied, d.new_users, d.used_count, d.denied_count, d.daily_count,
                                                  d.new_count, d.window_count, d.denials, d.concurrent_hosts, d.concurrent_hosts_at) AS days
      FROM %I.rollup_days AS d
      WHERE %s)$q$, name, condition)
$$;
COMMENT ON FUNCTION headcount_internal.stored_days_text(text, text) IS 'the query for the stored days d with a condition, as the day fold reads them';

CREATE FUNCTION headcount_internal.is_idle(stored text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(%1$s.daily_count = 0 AND %1$s.denials = 0 AND %1$s.concurrent_hosts = 0)', stored)
$$;
COMMENT ON FUNCTION headcount_internal.is_idle(text) IS 'the condition for stored days with nothing, which are there for the users of the last days';

CREATE FUNCTION headcount_internal.changed_days_text(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT array_agg(x.from_day) AS from_days, array_agg(x.to_day) AS to_days, min(x.from_day) AS first_day
      FROM %I.dirty_days AS x WHERE x.from_day <= headcount_internal.asked_to(%s))', name, headcount_internal.state_of(name))
$$;
COMMENT ON FUNCTION headcount_internal.changed_days_text(text) IS 'the query for the runs of days of a source that changed since they were stored, as far as they matter for the days that are asked for';

CREATE FUNCTION headcount_internal.days_before(day date, days integer) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_days_before' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.days_before(date, integer) IS 'the day so many days before another one, -infinity where the calendar ends';

-- All days from the first of the calendar to the year 3500 are not too many: a range may begin with any implausible row. It may end with an
-- as_of that is thousands of years away.
CREATE FUNCTION headcount_internal.days_between(from_day date, to_day date) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (isfinite(from_day) AND isfinite(to_day) AND from_day <= to_day) IS NOT TRUE THEN
        RETURN 0;
    ELSIF to_day - from_day >= 3000000 THEN
        RAISE program_limit_exceeded USING MESSAGE = 'there are too many days in this range',
            DETAIL = format('The range is from %s to %s.', from_day, to_day), HINT = 'Ask for fewer days, or set headcount.as_of nearer to the sessions.';
    END IF;
    RETURN to_day - from_day + 1;
END
$$;
COMMENT ON FUNCTION headcount_internal.days_between(date, date) IS 'how many days there are from one to another, both of them included; none if one of them is not finite';

-- The first stored day that matters for the days that are asked for: sets of the last days may have to be opened from there on.
CREATE FUNCTION headcount_internal.cut_text(name text, options headcount_internal.options, model text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT headcount_internal.days_before(least(headcount_internal.asked_from(%1$s), x.first_day, headcount_internal.live_day(%1$s)), %2$s) AS day)',
                  headcount_internal.state_of(name), headcount_internal.window_days(model, options.window_days) - 1)
$$;
COMMENT ON FUNCTION headcount_internal.cut_text(text, headcount_internal.options, text) IS 'the query for the first stored day that matters for the days that are asked for';

-- What days a query asks for of a report, see asked_days.cpp. Whoever plans it makes an expression of it.
CREATE FUNCTION headcount_internal.asked_from_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_asked_from_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.asked_from_support(internal) IS 'planner support of asked_from';

CREATE FUNCTION headcount_internal.asked_to_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_asked_to_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.asked_to_support(internal) IS 'planner support of asked_to';

CREATE FUNCTION headcount_internal.asks_from_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_asks_from_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.asks_from_support(internal) IS 'planner support of asks_from';

CREATE FUNCTION headcount_internal.asks_to_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_asks_to_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.asks_to_support(internal) IS 'planner support of asks_to';

-- Of these it makes days of what is compared with a day.
CREATE FUNCTION headcount_internal.day_there(at timestamptz) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_day_there' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.day_there(timestamptz) IS 'the civil day of an instant in the time zone of the session';

CREATE FUNCTION headcount_internal.day_before(at timestamptz) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_day_before' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.day_before(timestamptz) IS 'the civil day before that of an instant in the time zone of the session';

CREATE FUNCTION headcount_internal.asked_from(source regclass) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_asked_from' LANGUAGE C STABLE PARALLEL SAFE SUPPORT headcount_internal.asked_from_support;
COMMENT ON FUNCTION headcount_internal.asked_from(regclass) IS 'in a view, the first day of its report that a query asks for; -infinity if it has no condition on the day that is understood';

CREATE FUNCTION headcount_internal.asked_to(source regclass) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_asked_to' LANGUAGE C STABLE PARALLEL SAFE SUPPORT headcount_internal.asked_to_support;
COMMENT ON FUNCTION headcount_internal.asked_to(regclass) IS 'in a view, the last day of its report that a query asks for; infinity if it has no condition on the day that is understood';

-- Whether there are such days. Whoever plans it knows, so NOT asks_from(source) OR … is what follows, or nothing.
CREATE FUNCTION headcount_internal.asks_from(source regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_asks' LANGUAGE C STABLE PARALLEL SAFE SUPPORT headcount_internal.asks_from_support;
COMMENT ON FUNCTION headcount_internal.asks_from(regclass) IS 'in a view, whether a query has a condition that is understood on the first day of its report';

CREATE FUNCTION headcount_internal.asks_to(source regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_asks' LANGUAGE C STABLE PARALLEL SAFE SUPPORT headcount_internal.asks_to_support;
COMMENT ON FUNCTION headcount_internal.asks_to(regclass) IS 'in a view, whether a query has a condition that is understood on the last day of its report';

-- The parts d of a day that are stored and count, with that day, k.day, if it is asked for.
CREATE FUNCTION headcount_internal.parts_from(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT headcount_internal.part_day(%1$s) AS day, headcount_internal.live_from(%1$s) AS until OFFSET 0) AS k
           JOIN %2$I.rollup_today AS d ON d.from_at < k.until AND k.day <= headcount_internal.asked_to(%1$s)', headcount_internal.state_of(name), name)
$$;
COMMENT ON FUNCTION headcount_internal.parts_from(text) IS 'the FROM items for the stored parts of a day of a source';

CREATE FUNCTION headcount_internal.parts_agg() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'headcount_internal.stored_days_agg(k.day, d.used, d.denied, NULL::headcount.user_set, 0, 0, 0, 0, 0, d.denials, d.concurrent_hosts, d.concurrent_hosts_at) AS parts'::text
$$;
COMMENT ON FUNCTION headcount_internal.parts_agg() IS 'the aggregate that makes one value of stored parts of a day, for stored_report';

-- The rows c of a report: of stored days r, all users t of these, changed days x, and what was collected of those and of live
-- days.
CREATE FUNCTION headcount_internal.stored_report_text(name text, options headcount_internal.options, model text, collected text, idle_days boolean, parts text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$headcount_internal.stored_report(%2$s, r.days, t.seen_count, t.seen, %1$s, x.from_days, x.to_days, headcount_internal.live_day(%2$s),
         (SELECT w.window_days FROM %3$I.rollup_state AS w), (SELECT w.window_model FROM %3$I.rollup_state AS w), %4$L, %5$s, %6$L::text, headcount.as_of(), a.day, headcount_internal.asked_from(%2$s), headcount_internal.asked_to(%2$s), %7$L, %8$s)$q$,
        collected, headcount_internal.state_of(name), name, model, headcount_internal.window_days(model, options.window_days), options.time_zone, idle_days, parts)
$$;
COMMENT ON FUNCTION headcount_internal.stored_report_text(text, headcount_internal.options, text, text, boolean, text) IS
    'the call that makes a report of stored days and of what was collected';

-- Of sessions s: the states that peaks are found in, each of the part of the session from s.from_at to s.to_at.
CREATE FUNCTION headcount_internal.peak_states(weighs boolean, time_zone text, user_name text, as_of text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('headcount_internal.daily_session_agg(NULL::text, %1$s, s.started_at, s.end_at, %2$L::text, %3$s, s.from_at, s.to_at) AS users,
        headcount_internal.level_agg(s.started_at, s.end_at, s.from_at, s.to_at) FILTER (WHERE %4$s) AS levels, %5$s AS weights', user_name, time_zone, as_of,
        headcount_internal.of_somebody(user_name),
        CASE WHEN NOT weighs THEN 'NULL::headcount_internal.aggregate_state'
             ELSE format('headcount_internal.level_agg(s.weight, s.started_at, s.end_at, s.from_at, s.to_at) FILTER (WHERE %s)', headcount_internal.of_somebody(user_name)) END)
$$;
COMMENT ON FUNCTION headcount_internal.peak_states(boolean, text, text, text) IS 'the columns users, levels and weights that collect sessions s for collected_peaks';

-- The peaks q of stored days, of parts of a day, and of live days, joined on the left as peak_join has it.
CREATE FUNCTION headcount_internal.stored_peak_join(name text, options headcount_internal.options, scope "char", scoped text, part text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state    constant text := headcount_internal.state_of(name);
    until    constant text := format('(SELECT %s)', headcount_internal.value_text(format('headcount_internal.end_of(headcount_internal.asked_to(%s), %L::text)', state, options.time_zone)));
    since    constant text := format('(SELECT %s)', headcount_internal.value_text(format('headcount_internal.end_of(headcount_internal.days_before(headcount_internal.asked_from(%s), 1), %L::text)', state, options.time_zone)));
    -- the slice of stored rows d, as peak_join groups by it
    slice    constant text := CASE WHEN part IS NOT NULL THEN $q$coalesce(d.slice, ''::text) AS slice, d.slice IS NULL AS is_none, $q$ ELSE '' END;
    grouped  constant text := CASE WHEN part IS NOT NULL THEN 'e.slice, e.is_none, ' ELSE '' END;
BEGIN
    RETURN format($q$
     LEFT JOIN (SELECT %1$se.day, max(e.concurrent_users) AS users, max(e.concurrent_sessions) AS sessions, max(e.concurrent_weight) AS weight
                FROM (SELECT %2$sd.day, d.concurrent_users, d.concurrent_sessions, d.concurrent_weight
                      FROM %3$I.stored_days AS d WHERE %4$s AND d.day >= headcount_internal.asked_from(%5$s) AND d.day <= headcount_internal.asked_to(%5$s)
                      UNION ALL
                      SELECT %2$sk.day, d.concurrent_users, d.concurrent_sessions, d.concurrent_weight FROM %6$s WHERE %4$s
                      UNION ALL
                      SELECT %7$sp.day, p.concurrent_users, p.concurrent_sessions, p.concurrent_weight
                      FROM (SELECT %8$s%9$s
                            FROM %3$I.live_sessions AS s WHERE s.from_at < %10$s AND (s.to_at IS NULL OR s.to_at > %11$s)%12$s%13$s) AS x
                           CROSS JOIN LATERAL headcount_internal.collected_peaks(x.users, x.levels, x.weights, %14$L::text, headcount.as_of()) AS p) AS e
                GROUP BY %1$se.day) AS q ON q.day = c.day%15$s$q$,
        grouped, slice, name, scoped, state, headcount_internal.parts_from(name), CASE WHEN part IS NOT NULL THEN 'x.slice, x.is_none, ' ELSE '' END,
        CASE WHEN part IS NOT NULL THEN format($q$coalesce(s.%1$I, ''::text) COLLATE pg_catalog."C" AS slice, s.%1$I IS NULL AS is_none, $q$, part) ELSE '' END,
        headcount_internal.peak_states(options.weight IS NOT NULL, options.time_zone, 's.present_user', format('(SELECT %s)', headcount_internal.as_of_text())), until, since,
        headcount_internal.scope_sessions(scope, ' AND'), CASE WHEN part IS NOT NULL THEN ' GROUP BY 1, 2' ELSE '' END, options.time_zone,
        CASE WHEN part IS NOT NULL THEN ' AND ' || headcount_internal.of_slice('q', 't.slice') ELSE '' END);
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_peak_join(text, headcount_internal.options, "char", text, text) IS
    'the FROM item q of a daily view of a materialized source, from the condition for the stored rows d that it is about and the column to slice by, if there is one: peaks of users, sessions and weight';

CREATE FUNCTION headcount_internal.stored_daily_query(name text, options headcount_internal.options, model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope constant "char" := headcount_internal.model_scope(options.realtime_servers, model);
BEGIN
    RETURN format($q$
SELECT %s%s
FROM %s AS x
     CROSS JOIN LATERAL %s AS a
     CROSS JOIN LATERAL (SELECT coalesce(max(b.day), a.day) AS day FROM %I.rollup_days AS b WHERE b.scope = %L AND b.day < a.day AND NOT %s) AS f
     CROSS JOIN LATERAL %s AS r
     CROSS JOIN ((VALUES (1)) AS o (o) LEFT JOIN %I.rollup_totals AS t ON t.scope = %L)
     CROSS JOIN (SELECT %s FROM %s WHERE d.scope = %L) AS p
     CROSS JOIN %s
     CROSS JOIN LATERAL %s AS c%s
ORDER BY c.day$q$,
        headcount_internal.daily_columns(), headcount_internal.peak_columns(name, options, 'q.users', 'q.sessions', 'q.weight'), headcount_internal.changed_days_text(name), headcount_internal.cut_text(name, options, model), name, scope, headcount_internal.is_idle('b'),
        headcount_internal.stored_days_text(name, format('d.scope = %L AND d.day >= f.day', scope)), name, scope,
        headcount_internal.parts_agg(), headcount_internal.parts_from(name), scope,
        headcount_internal.collected(name, options, scope),
        headcount_internal.stored_report_text(name, options, model, 's.state, d.state, k.pages', true, 'p.parts'),
        headcount_internal.stored_peak_join(name, options, scope, format('d.scope = %L', scope), NULL));
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_daily_query(text, headcount_internal.options, text) IS
    'the query behind the daily report of a materialized source under one licensing model';

-- Of all that is stored by server a model may look at some.
CREATE FUNCTION headcount_internal.counted_slices(options headcount_internal.options, part text, scope "char", stored "char") RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('d.scope = %L', stored) || CASE WHEN part = 'server' AND scope = 'r' THEN format(' AND d.slice = ANY (%L::text[])', options.realtime_servers) ELSE '' END
$$;
COMMENT ON FUNCTION headcount_internal.counted_slices(headcount_internal.options, text, "char", "char") IS
    'the condition for the rows d stored by server, or by a dimension, that a model looks at, from its scope and theirs';

-- Each slice has its own history; rows without a server make one of their own, which is that of all of them if the
-- source knows no servers.
CREATE FUNCTION headcount_internal.stored_slice_query(name text, options headcount_internal.options, part text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope  constant "char" := headcount_internal.model_scope(options.realtime_servers, options.licensing_model);
    stored constant "char" := headcount_internal.slice_scope(options, part, scope = 'r');
    counts constant text := headcount_internal.counted_slices(options, part, scope, stored);
BEGIN
    RETURN format($q$
SELECT %14$s%12$s
FROM (SELECT coalesce(d.slice, s.slice) AS slice, d.seen_count, d.seen, s.sessions, s.denials, s.pages, s.parts
      FROM (SELECT d.slice, d.seen_count, d.seen FROM %1$I.rollup_totals AS d WHERE %3$s) AS d
           FULL JOIN (SELECT coalesce(s.slice, d.slice) AS slice, s.sessions, s.denials, s.pages, d.parts
                      FROM (SELECT coalesce(s.slice, d.slice) AS slice, s.state AS sessions, d.state AS denials, k.pages
                            FROM %4$s) AS s
                           FULL JOIN (SELECT d.slice, %10$s FROM %11$s WHERE %3$s GROUP BY d.slice) AS d ON %5$s) AS s ON %5$s) AS t
     CROSS JOIN %6$s AS x
     CROSS JOIN LATERAL %7$s AS a
     CROSS JOIN LATERAL %8$s AS r
     CROSS JOIN LATERAL %9$s AS c%13$s
WHERE c.daily_users > 0 OR c.denial_users > 0 OR c.concurrent_hosts > 0
ORDER BY c.day, t.slice$q$,
        name, stored, counts,
        headcount_internal.collected(name, options, scope, part), headcount_internal.same_slice('d', 's'),
        headcount_internal.changed_days_text(name), headcount_internal.cut_text(name, options, options.licensing_model),
        headcount_internal.stored_days_text(name, headcount_internal.in_scope(stored, 'd', 't') || ' AND d.day >= a.day'),
        headcount_internal.stored_report_text(name, options, options.licensing_model, 't.sessions, t.denials, t.pages', false, 't.parts'),
        headcount_internal.parts_agg(), headcount_internal.parts_from(name), headcount_internal.peak_columns(name, options, 'q.users', 'q.sessions', 'q.weight'),
        headcount_internal.stored_peak_join(name, options, scope, counts, part), headcount_internal.daily_columns(format('t.slice AS %I', part)));
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_slice_query(text, headcount_internal.options, text) IS
    'the query behind the daily report of a materialized source by server, or by a dimension';

CREATE FUNCTION headcount_internal.stored_sketch_query(name text, options headcount_internal.options) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT e.day, coalesce(e.used, %1$s) AS used, coalesce(e.denied, %1$s) AS denied
FROM (%2$s) AS e
ORDER BY e.day$q$, headcount_internal.empty_sketch(),
        headcount_internal.without_gaps(format($q$(
    SELECT d.day, d.used_sketch AS used, d.denied_sketch AS denied
    FROM %2$I.stored_days AS d
    WHERE d.scope = 'a' AND (d.used_sketch IS NOT NULL OR d.denials > 0 OR d.concurrent_hosts > 0)      -- others have nothing, and begin no report
    UNION ALL
    SELECT l.day, %1$s.hll_union_agg(l.used) AS used, %1$s.hll_union_agg(l.denied) AS denied
    FROM (SELECT c.day, %3$s AS used, %4$s AS denied
          FROM %5$s
               CROSS JOIN LATERAL (SELECT u.day, u.user_name, u.is_denied FROM headcount_internal.daily_users(s.state, d.state) AS u
                                   UNION ALL SELECT p.day, NULL, false FROM headcount_internal.daily_peaks(s.state) AS p) AS c
          GROUP BY c.day
          UNION ALL
          SELECT k.day, d.used_sketch, d.denied_sketch FROM %6$s WHERE d.scope = 'a') AS l
    GROUP BY l.day)$q$,
                headcount_internal.hll_schema(), name, headcount_internal.sketch_text('c.user_name', 'c.user_name IS NOT NULL AND NOT c.is_denied'),
                headcount_internal.sketch_text('c.user_name', 'c.is_denied'), headcount_internal.collected(name, options, 'a'), headcount_internal.parts_from(name)),
            options.time_zone, ARRAY['used', 'denied']));
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_sketch_query(text, headcount_internal.options) IS
    'the query behind the sketches of a materialized source';
