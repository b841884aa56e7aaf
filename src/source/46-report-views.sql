-- The reports of a source, over what is stored if the source is materialized.

-- The report by a dimension that the source has no more goes, or stays without rows if others have views on it.
CREATE FUNCTION headcount_internal.give_up_slice_view(name text, dimension text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    view_name constant text := headcount_internal.slice_view(dimension);
BEGIN
    PERFORM headcount_internal.drop_view(name, view_name);
EXCEPTION WHEN dependent_objects_still_exist THEN
    PERFORM headcount_internal.make_view(name, view_name,
        (SELECT format('SELECT %s WHERE headcount.as_of() IS NULL',
                       string_agg(format('NULL::%s%s AS %I', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attcollation <> 0 THEN ' COLLATE pg_catalog."C"' ELSE '' END, a.attname), ', ' ORDER BY a.attnum))
         FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.%I', name, view_name)) AND a.attnum > 0),
        'no rows: the source has no dimension of this name any more');
END
$$;
COMMENT ON FUNCTION headcount_internal.give_up_slice_view(text, text) IS
    'drops the report by a dimension that a source has no more, or leaves it without rows';

CREATE FUNCTION headcount_internal.make_report_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    model text;
    weighs constant boolean := headcount_internal.shows_weight(name, options);
    estimates constant boolean := headcount_internal.shows_approximate(name, options);
    part   text;
    daily_columns text[] := ARRAY[
        'day', 'civil day in the time zone of the source',
        'total_users', 'models 2013 and 2025: users on one of the last days, this one included; model 2019: users ever seen up to this day',
        'daily_users', 'model 2013: users with a session that day on a realtime server; models 2019 and 2025: users with a session or a denial',
        'denial_users', 'users that were denied that day',
        'denials', 'how many denials there were that day',
        'concurrent_hosts', 'the most hosts that were there at once',
        'concurrent_hosts_at', 'when that was for the first time',
        'complete', 'whether the day is over',
        'concurrent_users', 'the most users that were there at once',
        'concurrent_sessions', 'the most sessions that were there at once'];
BEGIN
    IF weighs THEN
        daily_columns := daily_columns || ARRAY['concurrent_weight', 'the most that sessions that were there at once weighed together'];
    END IF;
    IF estimates THEN
        daily_columns := daily_columns || ARRAY['approximate', 'whether total_users is an estimate, and of a day that is not over daily_users and denial_users may be too: see option exact'];
    END IF;
    IF options.materialized THEN
        PERFORM headcount_internal.make_rollup_views(name, options);
    END IF;
    FOREACH model IN ARRAY headcount_internal.licensing_models() LOOP
        PERFORM headcount_internal.make_view(name, 'daily_user_counts_' || model,
            CASE WHEN NOT options.materialized THEN headcount_internal.daily_query(name, options, model)
                 WHEN options.exact THEN headcount_internal.stored_daily_query(name, options, model)
                 ELSE headcount_internal.sketched_daily_query(name, options, model) END,
            format('users, denials and hosts of each day under licensing model %s', model), daily_columns);
    END LOOP;
    PERFORM headcount_internal.make_view(name, 'daily_user_counts', format($q$
SELECT %s, c.concurrent_users, c.concurrent_sessions%s
FROM %I.%I AS c$q$, headcount_internal.daily_columns(), headcount_internal.optional_columns(name, options, 'c.concurrent_weight', 'c.approximate'), name, 'daily_user_counts_' || options.licensing_model),
        format('users, denials and hosts of each day under licensing model %s', options.licensing_model), daily_columns);
    FOREACH part IN ARRAY 'server'::text || headcount_internal.dimension_names(options.dimensions) LOOP
        PERFORM headcount_internal.make_view(name, headcount_internal.slice_view(part),
            CASE WHEN NOT options.materialized THEN headcount_internal.daily_query(name, options, options.licensing_model, part)
                 WHEN options.exact THEN headcount_internal.stored_slice_query(name, options, part)
                 ELSE headcount_internal.sketched_slice_query(name, options, part) END,
            format('users, denials and hosts of each %s on each day with something, under licensing model %s', part, options.licensing_model),
            daily_columns || ARRAY[part, format('NULL for sessions and denials without a %s', part)]);
    END LOOP;
    PERFORM headcount_internal.give_up_slice_view(name, d) FROM unnest(headcount_internal.dimension_columns(name)) AS d
    WHERE d <> ALL (headcount_internal.dimension_names(options.dimensions));
    -- It stays when the limit is given up, with no rows: others may have views on it.
    IF options.user_limit IS NOT NULL OR to_regclass(format('%I.user_limit_breaches', name)) IS NOT NULL THEN
        PERFORM headcount_internal.make_view(name, 'user_limit_breaches', format($q$
SELECT c.day, c.total_users, l.user_limit, round(100.0 * c.total_users / l.user_limit, 1)::double precision AS percent,
       c.total_users > l.user_limit AS is_over, c.total_users > 1.25 * l.user_limit AS is_over_grace%s
FROM %I.daily_user_counts AS c
     JOIN (VALUES (%s::integer)) AS l (user_limit) ON l.user_limit IS NOT NULL$q$, CASE WHEN estimates THEN ', c.approximate' END, name, coalesce(options.user_limit::text, 'NULL')),
            'the total users of each day beside those that are paid for',
            daily_columns[:4] || ARRAY['user_limit', 'for how many users is paid, option user_limit of the source', 'percent', 'of the limit',
                  'is_over', 'more users than are paid for', 'is_over_grace', 'a quarter more than are paid for']
            || CASE WHEN estimates THEN ARRAY['approximate', 'whether total_users is an estimate'] END);
    END IF;
    IF options.alerts IS NOT NULL OR to_regclass(format('%I.alerts', name)) IS NOT NULL THEN
        PERFORM headcount_internal.make_alerts(name, options);
    END IF;
    PERFORM headcount_internal.make_view(name, 'realtime_users_count', format($q$
SELECT c.day AS ucd, c.total_users AS uct, c.daily_users AS ucdy, c.denial_users AS ucde, c.concurrent_hosts AS ucch
FROM %I.daily_user_counts AS c
WHERE c.complete$q$, name),
        'the report "Realtime Users Count": days that are over',
        ARRAY['ucd', 'date', 'uct', 'total users', 'ucdy', 'daily users', 'ucde', 'denial users', 'ucch', 'concurrent hosts']);
    PERFORM headcount_internal.make_view(name, 'daily_user_sketches',
        CASE WHEN options.materialized THEN headcount_internal.stored_sketch_query(name, options)
             ELSE headcount_internal.sketch_query(name, options) END,
        'approximate sets of users of each day, to unite across sources, servers and clusters',
        ARRAY['used', 'users with a session that day', 'denied', 'users that were denied that day']);
    PERFORM headcount_internal.make_view(name, 'data_quality', headcount_internal.quality_query(name, options),
        'rows that are not what they should be; a row may count under several rules',
        ARRAY['example', 'one such row']);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_report_views(text, headcount_internal.options) IS 'makes or replaces the reports of a source';

-- What is temporary takes the views along when its session ends. Tables and views are refused before.
CREATE FUNCTION headcount_internal.check_lasting(name text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used text;
BEGIN
    SELECT pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) INTO used
    FROM unnest('{session_rows,denial_rows,sessions}'::text[]) AS v
         JOIN pg_rewrite AS r ON r.ev_class = to_regclass(format('%I.%I', check_lasting.name, v))
         JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         CROSS JOIN LATERAL pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) AS o
    WHERE o.schema LIKE 'pg\_temp%'
    ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        PERFORM headcount_internal.raise_error('42P16', 'expressions of a source must not use temporary objects', format('One uses %s.', used));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_lasting(text) IS 'raises an error if the views of a source use anything temporary';

CREATE FUNCTION headcount_internal.make_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.make_base_views(name, options);
    PERFORM headcount_internal.check_lasting(name);
    PERFORM headcount_internal.make_report_views(name, options);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_views(text, headcount_internal.options) IS 'makes or replaces all views of a source';

CREATE FUNCTION headcount_internal.own_views(name text, with_base boolean) RETURNS SETOF regclass
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.oid::regclass
    FROM unnest(ARRAY['data_quality', 'alerts', 'user_limit_breaches', 'daily_user_sketches', 'realtime_users_count', 'daily_user_counts_by_server', 'daily_user_counts',
                      'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025']
                || ARRAY(SELECT headcount_internal.slice_view(d) FROM unnest(headcount_internal.dimension_columns(name)) AS d)
                || CASE WHEN with_base THEN ARRAY['live_denials', 'live_sessions', 'stored_days', 'dirty_days', 'online_users', 'online_sessions', 'denials', 'sessions',
                                                  'session_states', 'denial_rows', 'session_rows'] END) AS v (view_name)
         JOIN pg_namespace AS n ON n.nspname = name
         JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = v.view_name AND c.relkind = 'v'
$$;
COMMENT ON FUNCTION headcount_internal.own_views(text, boolean) IS 'the views of a source that are its reports, and with those that they read';
