-- alter_source and drop_source.

-- The options of a source as its views and its settings have them now: names of columns and functions are those of today.
CREATE FUNCTION headcount_internal.options_of(name text, must_be_complete boolean DEFAULT true) RETURNS headcount_internal.options
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source  constant headcount_internal.source := headcount_internal.find_source(name);
    options headcount_internal.options;
    given   jsonb;
    naive   text[];
    known   constant text[] := coalesce(source.dimensions, '{}');
BEGIN
    SELECT jsonb_object_agg(g.option, g.expression), coalesce(array_agg(g.option) FILTER (WHERE g.is_naive), '{}') INTO given, naive
    FROM (SELECT CASE s.name WHEN 'counts' THEN 'sessions_when' ELSE s.name END AS option, s.expression, s.is_naive
          FROM headcount_internal.given_expressions(source.definition) AS s WHERE s.name <> ALL (known)
          UNION ALL
          SELECT CASE d.name WHEN 'counts' THEN 'denied_when' WHEN 'user_name' THEN 'denied_user' WHEN 'host' THEN 'denied_host'
                             WHEN 'server' THEN 'denied_server' ELSE d.name END, d.expression, d.is_naive
          FROM headcount_internal.given_expressions(source.denial_definition) AS d WHERE d.name <> 'user_identity' AND d.name <> ALL (known)) AS g;
    options := jsonb_populate_record(NULL::headcount_internal.options, coalesce(given, '{}') || (to_jsonb(source) - ARRAY['sessions', 'denials']));
    options.sessions := source.sessions;
    options.denials := source.denials;
    options.naive := naive;
    SELECT jsonb_agg(jsonb_build_object('name', n.name, 'sessions', coalesce(s.expression, 'NULL::text'), 'denials', d.expression) ORDER BY n.place) INTO options.dimensions
    FROM unnest(source.dimensions) WITH ORDINALITY AS n (name, place)
         LEFT JOIN headcount_internal.given_expressions(source.definition) AS s ON s.name = n.name
         LEFT JOIN headcount_internal.given_expressions(source.denial_definition) AS d ON d.name = n.name;
    IF must_be_complete AND (options.sessions IS NULL OR options.user_name IS NULL OR options.started_at IS NULL) THEN
        PERFORM headcount_internal.raise_error('55000', format('the definition of source "%s" cannot be followed', name),
            'Its view session_rows is not what headcount made.', 'Say anew what it holds with headcount.alter_source, or make another source.');
    END IF;
    RETURN options;
END
$$;
COMMENT ON FUNCTION headcount_internal.options_of(text, boolean) IS 'the options of a source, with its expressions as its views have them now';

-- An option that is both given and reset is a slip of the pen, one that is neither stays.
CREATE FUNCTION headcount_internal.check_reset(reset text[], given headcount_internal.options) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    resettable constant text[] := ARRAY['host', 'ended_at', 'duration', 'weight', 'server', 'last_seen', 'idle_limit', 'sessions_when', 'user_identity',
        'realtime_servers', 'denials', 'denied_user', 'denied_at', 'denied_host', 'denied_server', 'denied_when',
        'false_denial_before', 'false_denial_after', 'time_zone', 'licensing_model', 'window_days', 'user_limit', 'alerts', 'materialized',
        'tracking', 'tracking_days', 'dimensions', 'exact'];
    each text;
BEGIN
    FOREACH each IN ARRAY coalesce(reset, '{}') LOOP
        IF each IS NULL THEN
            PERFORM headcount_internal.raise_argument_error('reset', 'must not contain nulls', '22004');
        ELSIF each IN ('sessions', 'user_name', 'started_at') THEN
            PERFORM headcount_internal.raise_argument_error('reset', format('option "%s" has no default', each));
        ELSIF each <> ALL (resettable) THEN
            PERFORM headcount_internal.raise_argument_error('reset', format('unknown option "%s"', each),
                hint => coalesce(headcount_internal.nearest_name('option', each, resettable), format('The options are %s.', array_to_string(resettable, ', '))));
        ELSIF to_jsonb(given) -> each <> 'null'::jsonb THEN
            PERFORM headcount_internal.raise_argument_error('reset', format('option "%s" is also given a value', each));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_reset(text[], headcount_internal.options) IS
    'raises an error unless reset names options that have a default and are not given';

-- The options that are given, over those that are reset to their defaults, over the present ones. What is said about
-- denials goes with them.
CREATE FUNCTION headcount_internal.merge_options(present headcount_internal.options, given headcount_internal.options, reset text[]) RETURNS headcount_internal.options
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    defaults constant jsonb := jsonb_build_object('time_zone', current_setting('TimeZone'), 'licensing_model', '2019',
                                                  'materialized', true, 'tracking', 'auto', 'tracking_days', 2, 'exact', true);
    cleared  text[] := coalesce(reset, '{}');
    merged   headcount_internal.options;
BEGIN
    -- either says when a session ends
    IF given.duration IS NOT NULL AND given.ended_at IS NULL THEN
        cleared := cleared || 'ended_at'::text;
    ELSIF given.ended_at IS NOT NULL AND given.duration IS NULL THEN
        cleared := cleared || 'duration'::text;
    END IF;
    IF 'denials' = ANY (cleared) THEN
        cleared := cleared || ARRAY['denied_user', 'denied_at', 'denied_host', 'denied_server', 'denied_when', 'false_denial_before', 'false_denial_after'];
    END IF;
    merged := jsonb_populate_record(NULL::headcount_internal.options,
        (to_jsonb(present) - cleared) || (SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') FROM jsonb_each(defaults) AS d WHERE d.key = ANY (cleared))
        || jsonb_strip_nulls(to_jsonb(given)));
    merged.dimensions := headcount_internal.merge_dimensions(CASE WHEN 'dimensions' = ANY (cleared) THEN NULL ELSE present.dimensions END,
        given.dimensions, given.denials IS NOT NULL, merged.denials IS NOT NULL);
    RETURN merged;
END
$$;
COMMENT ON FUNCTION headcount_internal.merge_options(headcount_internal.options, headcount_internal.options, text[]) IS
    'the options of a source after some are given and some are reset';

-- Runs as the owner, before the first of them is replaced or loses a trigger. A refresh locks the row of rollup_state before it reads
-- anything; so it comes first here.
CREATE FUNCTION headcount_internal.lock_for_change(name text, source headcount_internal.source, with_base boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF with_base AND source.materialized THEN
        EXECUTE format('SELECT FROM %I.rollup_state AS r FOR UPDATE', name);
    END IF;
    PERFORM headcount_internal.lock_relations(ARRAY(
        SELECT t.relation FROM headcount_internal.tracking_trigger AS t WHERE with_base AND t.definition IN (source.definition, source.denial_definition)
        UNION SELECT headcount_internal.own_views(name, with_base)));
END
$$;
COMMENT ON FUNCTION headcount_internal.lock_for_change(text, headcount_internal.source, boolean) IS
    'locks the reports of a source, or all of its views and the tables that have its triggers; in whatever order others lock them, nobody is in a deadlock by that';

-- Runs as the owner: what is made belongs to him, and what he wrote runs as him.
CREATE FUNCTION headcount_internal.change_source(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source constant headcount_internal.source := headcount_internal.find_source(name);
    kept   headcount_internal.options;
    is_same_base boolean := false;
    state  headcount_internal.rollup_state;
BEGIN
    BEGIN
        kept := headcount_internal.options_of(name);
        -- how days are counted is no part of what is stored
        kept.licensing_model := options.licensing_model;
        kept.window_days := options.window_days;
        kept.user_limit := options.user_limit;
        kept.alerts := options.alerts;
        is_same_base := kept IS NOT DISTINCT FROM options AND NOT headcount_internal.is_written_otherwise(name, source);
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        NULL;      -- the definition was changed by hand, and is made anew here
    END;
    IF is_same_base THEN
        PERFORM headcount_internal.lock_for_change(name, source, with_base => false);
        PERFORM headcount_internal.make_settings(name, options);
        PERFORM headcount_internal.make_report_views(name, options);
        RETURN;
    END IF;
    IF source.materialized THEN
        state := headcount_internal.read_rollup(name);
        IF isfinite(state.frozen_before) THEN
            PERFORM headcount_internal.raise_error('55000', format('source "%s" has frozen days', name),
                format('Days before %s cannot be computed anew.', state.frozen_before),
                'Give them up with headcount.freeze(source, NULL), or make another source.');
        END IF;
    END IF;
    PERFORM headcount_internal.lock_for_change(name, source);
    IF source.materialized THEN
        PERFORM headcount_internal.drop_triggers(source);
        EXECUTE format('DELETE FROM %I.rollup_days', name);
        EXECUTE format('DELETE FROM %I.rollup_today', name);
        EXECUTE format('DELETE FROM %I.rollup_totals', name);
        EXECUTE format('DELETE FROM %I.rollup_dictionary', name);
        EXECUTE format('DELETE FROM %s', headcount_internal.relation_name(state.log));
        EXECUTE format('DELETE FROM %I.rollup_state', name);
    ELSIF options.materialized THEN
        PERFORM headcount_internal.make_rollup_tables(name);
    END IF;
    PERFORM headcount_internal.make_settings(name, options);
    PERFORM headcount_internal.make_views(name, options);
    PERFORM headcount_internal.note_columns(name);
    IF options.materialized THEN
        PERFORM headcount_internal.start_tracking(name);
    ELSIF source.materialized THEN
        PERFORM headcount_internal.drop_rollup_tables(name);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.change_source(text, headcount_internal.options) IS
    'makes the views of a source anew, in place, and what is stored of it; the options have been checked and resolved';

-- Two changes of one source come one after the other, the second to what the first has left.
CREATE FUNCTION headcount_internal.lock_source(name text, source headcount_internal.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.execute_as_owner(source.sessions_view, format('LOCK TABLE %I.settings IN SHARE ROW EXCLUSIVE MODE', name));
    IF (headcount_internal.look_up_source(name)).sessions_view IS DISTINCT FROM source.sessions_view THEN
        PERFORM headcount_internal.raise_error('42704', format('source "%s" does not exist', name));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.lock_source(text, headcount_internal.source) IS 'makes other changes of a source wait for the end of this transaction';

-- Like create_source under the caller's search path, hence no SET clause: the expressions given here are read under it.
-- Those that stay come from the views. A NULL leaves an option as it is.
CREATE FUNCTION headcount.alter_source(
    name text, sessions regclass DEFAULT NULL, user_name text DEFAULT NULL, host text DEFAULT NULL,
    started_at text DEFAULT NULL, ended_at text DEFAULT NULL,
    duration text DEFAULT NULL, weight text DEFAULT NULL, user_limit integer DEFAULT NULL, server text DEFAULT NULL, last_seen text DEFAULT NULL, idle_limit interval DEFAULT NULL,
    sessions_when text DEFAULT NULL, user_identity text DEFAULT NULL, realtime_servers text[] DEFAULT NULL,
    denials regclass DEFAULT NULL, denied_user text DEFAULT NULL, denied_at text DEFAULT NULL,
    denied_host text DEFAULT NULL, denied_server text DEFAULT NULL, denied_when text DEFAULT NULL,
    false_denial_before interval DEFAULT NULL, false_denial_after interval DEFAULT NULL,
    time_zone text DEFAULT NULL, licensing_model text DEFAULT NULL,
    window_days integer DEFAULT NULL, materialized boolean DEFAULT NULL,
    tracking text DEFAULT NULL, tracking_days integer DEFAULT NULL, alerts jsonb DEFAULT NULL,
    reset text[] DEFAULT NULL, dimensions json DEFAULT NULL, exact boolean DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_variable
DECLARE
    source  headcount_internal.source := headcount_internal.find_own_source(name);
    given   headcount_internal.options := ROW(sessions, user_name, host, started_at, ended_at, duration, weight, server, last_seen, idle_limit, sessions_when,
        user_identity, realtime_servers, denials, denied_user, denied_at, denied_host, denied_server, denied_when, false_denial_before,
        false_denial_after, time_zone, licensing_model, window_days, user_limit, alerts, materialized, tracking, tracking_days, headcount_internal.read_dimensions(dimensions, true), NULL, exact);
    options headcount_internal.options;
BEGIN
    PERFORM headcount_internal.check_reset(reset, given);
    PERFORM headcount_internal.lock_source(name, source);
    options := headcount_internal.check_options(headcount_internal.merge_options(headcount_internal.options_of(name, false), given, reset));
    PERFORM headcount_internal.check_dimensions(name, options.dimensions, options.denials);
    options := headcount_internal.resolve_options(name, options, given);
    PERFORM headcount_internal.execute_as_owner(source.sessions_view,
        pg_catalog.format('SELECT headcount_internal.change_source(%L, %L::headcount_internal.options)', name, options));
END
$$;
COMMENT ON FUNCTION headcount.alter_source(text, regclass, text, text, text, text, text, text, integer, text, text, interval, text, text,
    text[], regclass, text, text, text, text, text, interval, interval, text, text, integer, boolean, text, integer, jsonb, text[], json, boolean) IS
    'changes options of a source; NULL leaves an option as it is, reset names those to set back to their defaults; dimensions are added or changed one by one, and null takes one away. Grants on the views, and what was built on them, stay';

CREATE FUNCTION headcount_internal.drop_instances(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I.instances', name);
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_instances(text) IS 'drops the table of the instances of a source, if it has one';

-- Runs as the owner.
CREATE FUNCTION headcount_internal.drop_source(name text, with_others boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source     constant headcount_internal.source := headcount_internal.find_source(name);
    views      text;
    dependents text;
BEGIN
    PERFORM headcount_internal.lock_for_change(name, source);
    PERFORM headcount_internal.drop_triggers(source);
    IF with_others THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
        RETURN;
    END IF;
    -- ours in one statement, as they depend on each other; whatever else is in the schema stops the DROP SCHEMA
    SELECT string_agg(headcount_internal.relation_name(v), ', ') INTO views FROM headcount_internal.own_views(name, true) AS v;
    PERFORM headcount_internal.drop_sharing(name);
    EXECUTE 'DROP VIEW ' || views;
    PERFORM headcount_internal.drop_rollup_tables(name);
    PERFORM headcount_internal.drop_instances(name);
    EXECUTE format('DROP TABLE %I.settings', name);
    EXECUTE format('DROP FUNCTION IF EXISTS %I.identity_of(text)', name);
    EXECUTE format('DROP SCHEMA %I', name);
EXCEPTION WHEN dependent_objects_still_exist THEN
    -- PostgreSQL's own hint is about the command, which nobody wrote
    GET STACKED DIAGNOSTICS dependents = PG_EXCEPTION_DETAIL;
    PERFORM headcount_internal.raise_error('2BP01', format('cannot drop source "%s" because other objects depend on it', name), dependents,
        format('Use headcount.drop_source(%L, cascade => true) to drop these too.', name));
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_source(text, boolean) IS 'drops a source and its schema, and with the second argument whatever else is in it';

CREATE FUNCTION headcount.drop_source(name text, cascade boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source constant headcount_internal.source := headcount_internal.find_own_source(name);
BEGIN
    PERFORM headcount_internal.lock_source(name, source);
    PERFORM headcount_internal.drop_jobs(name);
    PERFORM headcount_internal.unregister_instances(source.sessions_view);
    PERFORM headcount_internal.execute_as_owner(source.sessions_view, format('SELECT headcount_internal.drop_source(%L, %L)', name, cascade));
END
$$;
COMMENT ON FUNCTION headcount.drop_source(text, boolean) IS
    'drops a source: its views and its schema, never the tables that it reads. With cascade also what depends on the views, and whatever else is in the schema';
