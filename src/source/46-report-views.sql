-- The reports of a source, over what is stored if the source is materialized.

CREATE FUNCTION headcount_internal.make_report_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    model text;
    daily_columns constant text[] := ARRAY[
        'day', 'civil day in the time zone of the source',
        'total_users', 'model 2013: users with a session in the last days, this one included; model 2019: users ever seen up to this day',
        'daily_users', 'model 2013: users with a session that day on a realtime server; model 2019: users with a session or a denial',
        'denial_users', 'users that were denied that day',
        'denials', 'how many denials there were that day',
        'concurrent_hosts', 'the most hosts that were there at once',
        'concurrent_hosts_at', 'when that was for the first time',
        'complete', 'whether the day is over'];
BEGIN
    IF options.materialized THEN
        PERFORM headcount_internal.make_rollup_views(name, options);
    END IF;
    FOREACH model IN ARRAY ARRAY['2013', '2019'] LOOP
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
    SELECT ARRAY['data_quality', 'daily_user_sketches', 'realtime_users_count', 'daily_user_counts_by_server', 'daily_user_counts',
                 'daily_user_counts_2013', 'daily_user_counts_2019', 'live_denials', 'live_sessions', 'stored_days', 'dirty_days',
                 'online_users', 'online_sessions', 'denials', 'sessions', 'session_states', 'denial_rows', 'session_rows']
$$;
COMMENT ON FUNCTION headcount_internal.view_names() IS 'the views that a source may have, those that read others first';
