-- source_counts_by: the daily report by several dimensions at once, with true totals at every level.
--
-- The whole and the values of one dimension come from the views of the source, hence from stored days where there are any. What
-- several dimensions have in common is stored nowhere: one pass over the sessions, and one over the denials, collects each set
-- of two dimensions and more (GROUPING SETS), and each combination of values has a report of its own.

-- What is asked about, as columns.
CREATE FUNCTION headcount_internal.check_asked_dimensions(source text, options headcount_internal.source, dimensions text[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known constant text[] := 'server'::text || options.dimensions;
    each  text;
BEGIN
    PERFORM headcount_internal.check_required('dimensions', dimensions::text);
    IF array_ndims(dimensions) > 1 THEN
        PERFORM headcount_internal.raise_argument_error('dimensions', 'must be a plain list', '2202E');
    ELSIF array_position(dimensions, NULL) IS NOT NULL THEN
        PERFORM headcount_internal.raise_argument_error('dimensions', 'must not contain nulls', '22004');
    ELSIF cardinality(dimensions) > 4 THEN
        PERFORM headcount_internal.raise_argument_error('dimensions', format('names %s dimensions, but at most 4 are possible', cardinality(dimensions)), '54000',
            hint => 'Each one more doubles what is counted.');
    END IF;
    FOREACH each IN ARRAY dimensions LOOP
        IF each <> ALL (known) THEN
            PERFORM headcount_internal.raise_argument_error('dimensions', format('source "%s" has no dimension "%s"', source, each), '42703',
                hint => format('What it can be sliced by: %s.', array_to_string(known, ', ')));
        ELSIF cardinality(array_positions(dimensions, each)) > 1 THEN
            PERFORM headcount_internal.raise_argument_error('dimensions', format('"%s" is named twice', each));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_asked_dimensions(text, headcount_internal.source, text[]) IS 'raises an error unless a source can be sliced by all of these, each named once, and they are few';

-- Nothing of several dimensions is stored, so frozen days cannot answer, nor can days on whose totals they tell.
CREATE FUNCTION headcount_internal.check_thawed(source text, options headcount_internal.source, from_day date) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    frozen_before constant date := headcount_internal.frozen_before(options.state);
    days_before   constant integer := headcount_internal.window_days(options.licensing_model, options.window_days) - 1;
BEGIN
    IF isfinite(frozen_before) IS NOT TRUE THEN
        RETURN;
    ELSIF NOT headcount_internal.is_trailing(options.licensing_model) THEN
        PERFORM headcount_internal.raise_error('55000', format('days of source "%s" before %s are frozen', source, frozen_before),
            'Total users of a day are those of all days before it, and of frozen ones it is not stored what dimensions have in common.', 'Ask for one dimension at a time.');
    ELSIF coalesce(from_day, '-infinity') < frozen_before + days_before THEN
        PERFORM headcount_internal.raise_error('55000', format('days of source "%s" before %s are frozen', source, frozen_before),
            'It is not stored what dimensions have in common on them.', format('Ask for one dimension at a time, or give a from_day that is not before %s.', frozen_before + days_before));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_thawed(text, headcount_internal.source, date) IS 'raises an error if frozen days of a source tell on what is asked of days from one on';

-- Grouped by each set of at least two of the columns k1, k2, ... of some rows s, with g1, g2, ... for whether a column is not in the set. One
-- pass over the rows; over tables of Citus, which knows no GROUPING SETS, one for each set.
CREATE FUNCTION headcount_internal.grouped_query(columns integer, list text, rows text, on_shards boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN on_shards THEN string_agg(format('SELECT %s, %s, %s FROM %s GROUP BY %s', s.keys, s.bits, list, rows, s.fixed), E'\nUNION ALL ' ORDER BY s.number)
                ELSE format('SELECT %s, %s, %s FROM %s GROUP BY GROUPING SETS (%s)',
                            (SELECT string_agg('k' || n, ', ' ORDER BY n) FROM generate_series(1, columns) AS n),
                            (SELECT string_agg(format('GROUPING(k%s) AS g%1$s', n), ', ' ORDER BY n) FROM generate_series(1, columns) AS n),
                            list, rows, string_agg(format('(%s)', s.fixed), ', ' ORDER BY s.number)) END
    FROM (SELECT b.number, count(*) FILTER (WHERE i.is_in) AS size, string_agg('k' || n, ', ' ORDER BY n) FILTER (WHERE i.is_in) AS fixed,
                 string_agg(CASE WHEN i.is_in THEN 'k' || n ELSE format('NULL::text COLLATE pg_catalog."C" AS k%s', n) END, ', ' ORDER BY n) AS keys,
                 string_agg(format('%s AS g%s', CASE WHEN i.is_in THEN 0 ELSE 1 END, n), ', ' ORDER BY n) AS bits
          FROM generate_series(1, (1 << columns) - 1) AS b (number) CROSS JOIN generate_series(1, columns) AS n
               CROSS JOIN LATERAL (SELECT b.number & (1 << (n - 1)) > 0 AS is_in) AS i
          GROUP BY b.number) AS s
    WHERE s.size > 1
$$;
COMMENT ON FUNCTION headcount_internal.grouped_query(integer, text, text, boolean) IS 'the query for a list of aggregates of some rows, grouped by all sets of two and more of so many columns';

-- Functions of their own, as Citus would take a subselect in their place for one that stands alone.
CREATE FUNCTION headcount_internal.fixed_values(names text[], "values" text[], is_any integer[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_object_agg(v.name, v.value) FROM unnest(names, "values", is_any) AS v (name, value, is_any) WHERE v.is_any = 0
$$;
COMMENT ON FUNCTION headcount_internal.fixed_values(text[], text[], integer[]) IS 'an object of those of some dimensions that have a value in a group, is_any being 0';

CREATE FUNCTION headcount_internal.combination_report(session_state bytea, denial_state bytea, users bytea, levels headcount_internal.aggregate_state, weights headcount_internal.aggregate_state,
    licensing_model text, window_days integer, time_zone text, as_of timestamptz, from_day date, to_day date)
RETURNS TABLE (day date, total_users integer, daily_users integer, denial_users integer, denials integer, concurrent_hosts integer, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users integer, concurrent_sessions integer, concurrent_weight bigint)
LANGUAGE sql STABLE PARALLEL SAFE COST 20000 ROWS 365 SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete,
           coalesce(p.concurrent_users, 0), coalesce(p.concurrent_sessions, 0), coalesce(p.concurrent_weight, 0)
    FROM headcount_internal.live_report(NULL::regclass, session_state, denial_state, licensing_model, window_days, time_zone, as_of, false, from_day, to_day) AS c
         LEFT JOIN headcount_internal.collected_peaks(users, levels, weights, time_zone, as_of) AS p ON p.day = c.day
    WHERE c.daily_users > 0 OR c.denial_users > 0 OR c.concurrent_hosts > 0
$$;
COMMENT ON FUNCTION headcount_internal.combination_report(bytea, bytea, bytea, headcount_internal.aggregate_state, headcount_internal.aggregate_state, text, integer, text, timestamptz, date, date) IS
    'the daily report with its peaks, days with something only, from what was collected of one combination of values';

-- The rows of each combination of values: $1 is from when on sessions and denials matter, NULL for ever, $2 until when, $3 and $4
-- are the days.
CREATE FUNCTION headcount_internal.combinations_query(source text, options headcount_internal.source, dimensions text[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope constant "char" := headcount_internal.model_scope(options.realtime_servers, options.licensing_model);
    on_shards constant boolean := headcount_internal.is_on_shards(options);
    as_of constant text := format('(SELECT %s)', headcount_internal.as_of_text());
    -- all in the order of the names
    list    text;
    denied  text;
    same    text;
    fixed   text;
    any_of  text;
BEGIN
    SELECT string_agg(format('s.%I COLLATE pg_catalog."C" AS k%s', d.name, d.place), ', ' ORDER BY d.place),
           string_agg(format('d.%I COLLATE pg_catalog."C" AS k%s', d.name, d.place), ', ' ORDER BY d.place),
           string_agg(format('s.g%1$s = d.g%1$s AND coalesce(s.k%1$s, %2$L::text) = coalesce(d.k%1$s, %2$L::text) AND (s.k%1$s IS NULL) = (d.k%1$s IS NULL)', d.place, ''), ' AND ' ORDER BY d.place),
           string_agg(format('coalesce(s.k%1$s, d.k%1$s)', d.place), ', ' ORDER BY d.place), string_agg(format('coalesce(s.g%1$s, d.g%1$s)', d.place), ', ' ORDER BY d.place)
    INTO list, denied, same, fixed, any_of
    FROM unnest(dimensions) WITH ORDINALITY AS d (name, place);
    RETURN format($q$
SELECT headcount_internal.fixed_values(%4$L, ARRAY[%5$s], ARRAY[%6$s]), %7$s - (%8$s), %9$s, c.concurrent_users, c.concurrent_sessions, %10$s
FROM (%1$s) AS s
     FULL JOIN (%2$s) AS d ON %3$s
     CROSS JOIN LATERAL headcount_internal.combination_report(s.state, d.state, s.users, s.levels, s.weights, %11$L, %12$s, %13$L, headcount.as_of(), $3, $4) AS c$q$,
        headcount_internal.grouped_query(cardinality(dimensions),
            format('headcount_internal.daily_session_agg(s.user_name, s.host, s.started_at, s.end_at, %L::text, %s) AS state, %s', options.time_zone, as_of,
                   headcount_internal.peak_states(headcount_internal.has_weight(options), options.time_zone, 's.user_name', as_of)),
            format($q$(SELECT s.user_name, s.host, s.started_at, s.%1$I AS end_at, s.weight, NULL::timestamptz AS from_at, NULL::timestamptz AS to_at, %2$s
            FROM %3$I.session_states AS s WHERE ($1 IS NULL OR %4$s) AND s.started_at < $2%5$s) AS s$q$, headcount_internal.end_column(options.idle_limit), list, source,
                   headcount_internal.ends_from(source, options, '$1'), headcount_internal.scope_sessions(scope, ' AND')), on_shards),
        headcount_internal.grouped_query(cardinality(dimensions),
            format('headcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, %s) AS state', options.time_zone, as_of),
            format($q$(SELECT d.user_name, d.denied_at, %s
            FROM %I.denials AS d WHERE NOT d.is_false_denial AND ($1 IS NULL OR d.denied_at >= $1) AND d.denied_at < $2%s) AS d$q$, denied, source,
                   headcount_internal.scope_denials(scope, options.realtime_servers)), on_shards),
        same, dimensions, fixed, any_of, cardinality(dimensions), replace(any_of, '), ', ') + '), headcount_internal.daily_columns(),
        CASE WHEN headcount_internal.has_weight(options) THEN 'c.concurrent_weight' ELSE 'NULL::bigint' END,
        options.licensing_model, headcount_internal.window_days(options.licensing_model, options.window_days), options.time_zone);
END
$$;
COMMENT ON FUNCTION headcount_internal.combinations_query(text, headcount_internal.source, text[]) IS
    'the query for the daily report of each combination of values of two dimensions and more';

-- Runs as the owner; headcount.as_of is set. Groups are sorted for: hashed, each would have a memory context in one list. What would be
-- compiled is longer than what is computed.
CREATE FUNCTION headcount_internal.counts_by_of(source text, dimensions text[], from_day date, to_day date)
RETURNS TABLE (day date, "values" json, level integer, total_users integer, daily_users integer, denial_users integer, denials integer,
               concurrent_hosts integer, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users integer, concurrent_sessions integer, concurrent_weight bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET enable_hashagg = off SET jit = off AS $$
DECLARE
    options   constant headcount_internal.source := headcount_internal.find_source(source);
    last_day  constant date := least(to_day, headcount.day_of(headcount.as_of(), options.time_zone));
    from_at   timestamptz;
    parts     text;
BEGIN
    PERFORM headcount_internal.check_asked_dimensions(source, options, dimensions);
    PERFORM headcount_internal.check_day_order(from_day, to_day);
    IF last_day = '-infinity' OR from_day > last_day THEN
        RETURN;
    END IF;
    from_day := NULLIF(from_day, '-infinity');
    -- the whole and each one dimension, as constants, so that only these days are read
    SELECT string_agg(format('SELECT %s, %s, %s, c.concurrent_users, c.concurrent_sessions, %s FROM %I.%I AS c%s', v.fixed, v.level, headcount_internal.daily_columns(),
                             CASE WHEN headcount_internal.has_weight(options) THEN 'c.concurrent_weight' ELSE 'NULL::bigint' END, source, v.view_name, v.condition), ' UNION ALL ')
    INTO parts
    FROM (SELECT 0 AS level, '''{}''::jsonb' AS fixed, 'daily_user_counts' AS view_name
          UNION ALL SELECT 1, format('jsonb_build_object(%L, c.%I)', d, d), headcount_internal.slice_view(d) FROM unnest(dimensions) AS d) AS w
         CROSS JOIN LATERAL (SELECT w.*, concat(format(' WHERE c.day <= %L::date', last_day), CASE WHEN from_day IS NOT NULL THEN format(' AND c.day >= %L::date', from_day) END) AS condition) AS v;
    IF cardinality(dimensions) > 1 THEN
        PERFORM headcount_internal.check_thawed(source, options, from_day);
        IF headcount_internal.is_trailing(options.licensing_model) THEN
            from_at := headcount.day_start(headcount_internal.days_before(from_day, headcount_internal.window_days(options.licensing_model, options.window_days) - 1), options.time_zone);
        END IF;
        parts := concat(parts, ' UNION ALL ', headcount_internal.combinations_query(source, options, dimensions));
    END IF;
    RETURN QUERY EXECUTE format('SELECT c.day, c.values::text::json, c.level, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete,
               c.concurrent_users, c.concurrent_sessions, c.concurrent_weight
        FROM (%s) AS c (values, level, day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions, concurrent_weight)
        ORDER BY c.day, c.level, c.values::text COLLATE pg_catalog."C"', parts)
        USING from_at, headcount.day_start(last_day + 1, options.time_zone), from_day, last_day;
END
$$;
COMMENT ON FUNCTION headcount_internal.counts_by_of(text, text[], date, date) IS 'what source_counts_by tells, for the owner of the source';

CREATE FUNCTION headcount.source_counts_by(source text, dimensions text[], from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (day date, "values" json, level integer, total_users integer, daily_users integer, denial_users integer, denials integer,
               concurrent_hosts integer, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users integer, concurrent_sessions integer, concurrent_weight bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 1000
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'counts_by_of', ARRAY[dimensions::text, from_day::text, to_day::text])
        AS c (day date, "values" json, level integer, total_users integer, daily_users integer, denial_users integer, denials integer,
              concurrent_hosts integer, concurrent_hosts_at timestamptz, complete boolean,
               concurrent_users integer, concurrent_sessions integer, concurrent_weight bigint);
END
$$;
COMMENT ON FUNCTION headcount.source_counts_by(text, text[], date, date, timestamptz) IS
    'the daily report of a source for each combination of values of some of its dimensions, server being one, for each subset of them (level says of how many the values are given) and for the whole, from from_day to to_day, both included, NULL being no bound; needs SELECT on the views sessions and denials of the source';
