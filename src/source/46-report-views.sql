-- The reports of a source, over what is stored if the source is materialized.

CREATE FUNCTION headcount_internal.make_report_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    model text;
    daily_columns constant text[] := ARRAY[
        'day', 'civil day in the time zone of the source',
        'total_users', 'models 2013 and 2025: users on one of the last days, this one included; model 2019: users ever seen up to this day',
        'daily_users', 'model 2013: users with a session that day on a realtime server; models 2019 and 2025: users with a session or a denial',
        'denial_users', 'users that were denied that day',
        'denials', 'how many denials there were that day',
        'concurrent_hosts', 'the most hosts that were there at once',
        'concurrent_hosts_at', 'when that was for the first time',
        'complete', 'whether the day is over'];
BEGIN
    IF options.materialized THEN
        PERFORM headcount_internal.make_rollup_views(name, options);
    END IF;
    FOREACH model IN ARRAY headcount_internal.licensing_models() LOOP
        PERFORM headcount_internal.make_view(name, 'daily_user_counts_' || model,
            CASE WHEN options.materialized THEN headcount_internal.stored_daily_query(name, options, model)
                 ELSE headcount_internal.daily_query(name, options, model, false) END,
            format('users, denials and hosts of each day under licensing model %s', model), daily_columns);
    END LOOP;
    PERFORM headcount_internal.make_view(name, 'daily_user_counts', format($q$
SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete
FROM %I.%I AS c$q$, name, 'daily_user_counts_' || options.licensing_model),
        format('users, denials and hosts of each day under licensing model %s', options.licensing_model), daily_columns);
    PERFORM headcount_internal.make_view(name, 'daily_user_counts_by_server',
        CASE WHEN options.materialized THEN headcount_internal.stored_server_query(name, options)
             ELSE headcount_internal.daily_query(name, options, options.licensing_model, true) END,
        format('users, denials and hosts of each server on each day with something, under licensing model %s', options.licensing_model),
        daily_columns || ARRAY['server', 'NULL for sessions and denials without a server']);
    -- It stays when the limit is given up, with no rows: others may have views on it.
    IF options.user_limit IS NOT NULL OR to_regclass(format('%I.user_limit_breaches', name)) IS NOT NULL THEN
        PERFORM headcount_internal.make_view(name, 'user_limit_breaches', format($q$
SELECT c.day, c.total_users, l.user_limit, round(100.0 * c.total_users / l.user_limit, 1)::double precision AS percent,
       c.total_users > l.user_limit AS is_over, c.total_users > 1.25 * l.user_limit AS is_over_grace
FROM %I.daily_user_counts AS c
     JOIN (VALUES (%s::integer)) AS l (user_limit) ON l.user_limit IS NOT NULL$q$, name, coalesce(options.user_limit::text, 'NULL')),
            'the total users of each day beside those that are paid for',
            daily_columns[:4] || ARRAY['user_limit', 'for how many users is paid, option user_limit of the source', 'percent', 'of the limit',
                  'is_over', 'more users than are paid for', 'is_over_grace', 'a quarter more than are paid for']);
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

CREATE FUNCTION headcount_internal.make_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.make_base_views(name, options);
    PERFORM headcount_internal.make_report_views(name, options);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_views(text, headcount_internal.options) IS 'makes or replaces all views of a source';

-- In the order in which they can be dropped.
CREATE FUNCTION headcount_internal.view_names() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['data_quality', 'alerts', 'user_limit_breaches', 'daily_user_sketches', 'realtime_users_count', 'daily_user_counts_by_server', 'daily_user_counts',
                 'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025', 'live_denials', 'live_sessions', 'stored_days', 'dirty_days',
                 'online_users', 'online_sessions', 'denials', 'sessions', 'session_states', 'denial_rows', 'session_rows']
$$;
COMMENT ON FUNCTION headcount_internal.view_names() IS 'the views that a source may have, those that read others first';
