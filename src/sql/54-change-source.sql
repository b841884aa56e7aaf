-- alter_source and drop_source.

-- An option that is both given and reset is a slip of the pen, one that is neither stays.
CREATE FUNCTION headcount.check_reset(reset text[], given text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    resettable constant text[] := ARRAY['server', 'last_seen', 'idle_limit', 'sessions_when', 'user_identity',
        'realtime_servers', 'denials', 'denied_user', 'denied_at', 'denied_host', 'denied_server', 'denied_when',
        'false_denial_before', 'false_denial_after', 'time_zone', 'licensing_model', 'window_days', 'materialized',
        'tracking', 'tracking_days'];
    each text;
BEGIN
    FOREACH each IN ARRAY coalesce(reset, '{}') LOOP
        IF each IS NULL THEN
            PERFORM headcount.raise_argument_error('reset', 'must not contain nulls', '22004');
        ELSIF each IN ('sessions', 'user_name', 'host', 'started_at', 'ended_at') THEN
            PERFORM headcount.raise_argument_error('reset', format('option "%s" has no default', each));
        ELSIF each <> ALL (resettable) THEN
            PERFORM headcount.raise_argument_error('reset', format('unknown option "%s"', each),
                hint => format('The options are %s.', array_to_string(resettable, ', ')));
        ELSIF each = ANY (given) THEN
            PERFORM headcount.raise_argument_error('reset', format('option "%s" is also given a value', each));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.check_reset(text[], text[]) IS
    'internal: raises an error unless reset names options that have a default and are not given';

CREATE FUNCTION headcount.reset_options(options headcount.source, reset text[]) RETURNS headcount.source
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY coalesce(reset, '{}') LOOP
        CASE
            WHEN each = 'server' THEN options.server := NULL;
            WHEN each = 'last_seen' THEN options.last_seen := NULL;
            WHEN each = 'idle_limit' THEN options.idle_limit := NULL;
            WHEN each = 'sessions_when' THEN options.sessions_when := NULL;
            WHEN each = 'user_identity' THEN options.user_identity := NULL;
            WHEN each = 'realtime_servers' THEN options.realtime_servers := NULL;
            WHEN each = 'denials' THEN      -- what is said about denials goes with them
                options.denials := NULL;
                options.denied_user := NULL;
                options.denied_at := NULL;
                options.denied_host := NULL;
                options.denied_server := NULL;
                options.denied_when := NULL;
                options.false_denial_before := NULL;
                options.false_denial_after := NULL;
            WHEN each = 'denied_user' THEN options.denied_user := NULL;
            WHEN each = 'denied_at' THEN options.denied_at := NULL;
            WHEN each = 'denied_host' THEN options.denied_host := NULL;
            WHEN each = 'denied_server' THEN options.denied_server := NULL;
            WHEN each = 'denied_when' THEN options.denied_when := NULL;
            WHEN each = 'false_denial_before' THEN options.false_denial_before := NULL;
            WHEN each = 'false_denial_after' THEN options.false_denial_after := NULL;
            WHEN each = 'time_zone' THEN options.time_zone := current_setting('TimeZone');
            WHEN each = 'licensing_model' THEN options.licensing_model := '2019';
            WHEN each = 'window_days' THEN options.window_days := 14;
            WHEN each = 'materialized' THEN options.materialized := true;
            WHEN each = 'tracking' THEN options.tracking := 'auto';
            WHEN each = 'tracking_days' THEN options.tracking_days := 2;
        END CASE;
    END LOOP;
    RETURN options;
END
$$;
COMMENT ON FUNCTION headcount.reset_options(headcount.source, text[]) IS
    'internal: the options of a source with some of them set back to their defaults';

-- Nothing stored counts from here on. The tables stay for the views that read them.
CREATE FUNCTION headcount.stop_rollup(name text, view regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state headcount.rollup;
BEGIN
    SELECT r.* INTO state FROM headcount.rollup AS r WHERE r.sessions_view = view;
    IF isfinite(state.frozen_before) THEN
        RAISE EXCEPTION 'source "%" has frozen days', name USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('Days before %s cannot be computed anew.', state.frozen_before),
            HINT = 'Give them up with headcount.freeze(source, NULL), or make another source.';
    END IF;
    PERFORM headcount.delete_registration('rollup', view);
    PERFORM headcount.drop_triggers(state.trigger_tag);
    EXECUTE format('DELETE FROM %I.rollup_days', name);
    EXECUTE format('DELETE FROM %I.rollup_users', name);
    EXECUTE format('DELETE FROM %I.rollup_changes', name);
END
$$;
COMMENT ON FUNCTION headcount.stop_rollup(text, regclass) IS
    'internal: drops the triggers of a source and forgets its stored days; an error where days are frozen';

-- What there is of them, without a word about the rest.
CREATE FUNCTION headcount.drop_rollup_tables(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS %I.rollup_dirty', name);
    EXECUTE format('DROP TABLE IF EXISTS %1$I.rollup_days, %1$I.rollup_users, %1$I.rollup_changes', name);
END
$$;
COMMENT ON FUNCTION headcount.drop_rollup_tables(text) IS
    'internal: drops the tables of a source that no view of it reads any more';

CREATE FUNCTION headcount.rebuild_views(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before headcount.source;
    kept   headcount.source := options;
BEGIN
    SELECT s.* INTO before FROM headcount.source AS s WHERE s.sessions_view = options.sessions_view;
    -- how days are counted is no part of what is stored
    kept.licensing_model := before.licensing_model;
    kept.window_days := before.window_days;
    IF options.materialized AND NOT before.materialized THEN
        PERFORM headcount.make_rollup_tables(name);
    END IF;
    IF before.materialized AND kept IS DISTINCT FROM before THEN
        PERFORM headcount.stop_rollup(name, options.sessions_view);
    END IF;
    PERFORM headcount.make_views(name, options);
    IF before.materialized AND NOT options.materialized THEN
        PERFORM headcount.drop_rollup_tables(name);
    END IF;
    UPDATE headcount.source AS s SET
        (sessions, user_name, host, started_at, ended_at, server, last_seen, idle_limit, sessions_when, user_identity,
         realtime_servers, denials, denied_user, denied_at, denied_host, denied_server, denied_when,
         false_denial_before, false_denial_after, time_zone, licensing_model, window_days, materialized, tracking,
         tracking_days)
        = ROW(options.sessions, options.user_name, options.host, options.started_at, options.ended_at, options.server,
         options.last_seen, options.idle_limit, options.sessions_when, options.user_identity,
         options.realtime_servers, options.denials, options.denied_user, options.denied_at, options.denied_host,
         options.denied_server, options.denied_when, options.false_denial_before, options.false_denial_after,
         options.time_zone, options.licensing_model, options.window_days, options.materialized, options.tracking,
         options.tracking_days)
    WHERE s.sessions_view = options.sessions_view;
    IF options.materialized AND kept IS DISTINCT FROM before THEN
        PERFORM headcount.start_rollup(name, options);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.rebuild_views(text, headcount.source) IS
    'internal: makes the views of a source anew, in place, and registers its options; these have been checked';

-- With the rights of the owner: what is made belongs to them, and what they wrote runs as them. Under this path the text
-- of the options names every relation with its schema.
CREATE FUNCTION headcount.change_source(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount.execute_as_owner(options.sessions_view,
        format('SELECT headcount.rebuild_views(%L, %L::headcount.source)', name, options));
END
$$;
COMMENT ON FUNCTION headcount.change_source(text, headcount.source) IS
    'internal: makes the views of a source anew with the rights of its owner; the options have been checked';

-- Like create_source under the caller's search path, hence no SET clause: the expressions given here are read under it.
-- Those that stay were written under pg_catalog alone, and are read that way again: a function of the same name on the
-- path of whoever alters the source must not slip in. A NULL leaves an option as it is.
CREATE FUNCTION headcount.alter_source(
    name text, sessions regclass DEFAULT NULL, user_name text DEFAULT NULL, host text DEFAULT NULL,
    started_at text DEFAULT NULL, ended_at text DEFAULT NULL,
    server text DEFAULT NULL, last_seen text DEFAULT NULL, idle_limit interval DEFAULT NULL,
    sessions_when text DEFAULT NULL, user_identity text DEFAULT NULL, realtime_servers text[] DEFAULT NULL,
    denials regclass DEFAULT NULL, denied_user text DEFAULT NULL, denied_at text DEFAULT NULL,
    denied_host text DEFAULT NULL, denied_server text DEFAULT NULL, denied_when text DEFAULT NULL,
    false_denial_before interval DEFAULT NULL, false_denial_after interval DEFAULT NULL,
    time_zone text DEFAULT NULL, licensing_model text DEFAULT NULL,
    window_days integer DEFAULT NULL, materialized boolean DEFAULT NULL,
    tracking text DEFAULT NULL, tracking_days integer DEFAULT NULL,
    reset text[] DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_variable
DECLARE
    options headcount.source := headcount.find_own_source(name);
    given   headcount.source;
BEGIN
    PERFORM headcount.check_reset(reset, pg_catalog.array_remove(ARRAY[
        CASE WHEN server IS NOT NULL THEN 'server' END,
        CASE WHEN last_seen IS NOT NULL THEN 'last_seen' END,
        CASE WHEN idle_limit IS NOT NULL THEN 'idle_limit' END,
        CASE WHEN sessions_when IS NOT NULL THEN 'sessions_when' END,
        CASE WHEN user_identity IS NOT NULL THEN 'user_identity' END,
        CASE WHEN realtime_servers IS NOT NULL THEN 'realtime_servers' END,
        CASE WHEN denials IS NOT NULL THEN 'denials' END,
        CASE WHEN denied_user IS NOT NULL THEN 'denied_user' END,
        CASE WHEN denied_at IS NOT NULL THEN 'denied_at' END,
        CASE WHEN denied_host IS NOT NULL THEN 'denied_host' END,
        CASE WHEN denied_server IS NOT NULL THEN 'denied_server' END,
        CASE WHEN denied_when IS NOT NULL THEN 'denied_when' END,
        CASE WHEN false_denial_before IS NOT NULL THEN 'false_denial_before' END,
        CASE WHEN false_denial_after IS NOT NULL THEN 'false_denial_after' END,
        CASE WHEN time_zone IS NOT NULL THEN 'time_zone' END,
        CASE WHEN licensing_model IS NOT NULL THEN 'licensing_model' END,
        CASE WHEN window_days IS NOT NULL THEN 'window_days' END,
        CASE WHEN materialized IS NOT NULL THEN 'materialized' END,
        CASE WHEN tracking IS NOT NULL THEN 'tracking' END,
        CASE WHEN tracking_days IS NOT NULL THEN 'tracking_days' END], NULL));
    options := headcount.reset_options(options, reset);

    options.sessions := coalesce(sessions, options.sessions);
    options.denials := coalesce(denials, options.denials);
    options.idle_limit := coalesce(idle_limit, options.idle_limit);
    options.realtime_servers := coalesce(realtime_servers, options.realtime_servers);
    options.false_denial_before := coalesce(false_denial_before, options.false_denial_before);
    options.false_denial_after := coalesce(false_denial_after, options.false_denial_after);
    options.time_zone := coalesce(time_zone, options.time_zone);
    options.licensing_model := coalesce(licensing_model, options.licensing_model);
    options.window_days := coalesce(window_days, options.window_days);
    options.materialized := coalesce(materialized, options.materialized);
    options.tracking := coalesce(tracking, options.tracking);
    options.tracking_days := coalesce(tracking_days, options.tracking_days);
    given.sessions := options.sessions;
    given.denials := options.denials;
    given.user_name := user_name;
    given.host := host;
    given.started_at := started_at;
    given.ended_at := ended_at;
    given.server := server;
    given.last_seen := last_seen;
    given.sessions_when := sessions_when;
    given.user_identity := user_identity;
    given.denied_user := denied_user;
    given.denied_at := denied_at;
    given.denied_host := denied_host;
    given.denied_server := denied_server;
    given.denied_when := denied_when;
    -- what expressions there are has to be known before they are read, to name the argument that is missing
    options.user_name := coalesce(user_name, options.user_name);
    options.host := coalesce(host, options.host);
    options.started_at := coalesce(started_at, options.started_at);
    options.ended_at := coalesce(ended_at, options.ended_at);
    options.server := coalesce(server, options.server);
    options.last_seen := coalesce(last_seen, options.last_seen);
    options.sessions_when := coalesce(sessions_when, options.sessions_when);
    options.user_identity := coalesce(user_identity, options.user_identity);
    options.denied_user := coalesce(denied_user, options.denied_user);
    options.denied_at := coalesce(denied_at, options.denied_at);
    options.denied_host := coalesce(denied_host, options.denied_host);
    options.denied_server := coalesce(denied_server, options.denied_server);
    options.denied_when := coalesce(denied_when, options.denied_when);
    options := headcount.check_source(options);
    given := headcount.resolve_source(given);
    options.user_name := coalesce(given.user_name, options.user_name);
    options.host := coalesce(given.host, options.host);
    options.started_at := coalesce(given.started_at, options.started_at);
    options.ended_at := coalesce(given.ended_at, options.ended_at);
    options.server := coalesce(given.server, options.server);
    options.last_seen := coalesce(given.last_seen, options.last_seen);
    options.sessions_when := coalesce(given.sessions_when, options.sessions_when);
    options.user_identity := coalesce(given.user_identity, options.user_identity);
    options.denied_user := coalesce(given.denied_user, options.denied_user);
    options.denied_at := coalesce(given.denied_at, options.denied_at);
    options.denied_host := coalesce(given.denied_host, options.denied_host);
    options.denied_server := coalesce(given.denied_server, options.denied_server);
    options.denied_when := coalesce(given.denied_when, options.denied_when);
    PERFORM headcount.change_source(name, options);
END
$$;
COMMENT ON FUNCTION headcount.alter_source(text, regclass, text, text, text, text, text, text, interval, text, text,
    text[], regclass, text, text, text, text, text, interval, interval, text, text, integer, boolean, text, integer, text[]) IS
    'changes options of a source; NULL leaves an option as it is, reset names those to set back to their defaults. Grants on the views, and what was built on them, stay';

CREATE FUNCTION headcount.drop_source(name text, cascade boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    options headcount.source := headcount.find_own_source(name);
    tag     constant text := (SELECT r.trigger_tag FROM headcount.rollup AS r WHERE r.sessions_view = options.sessions_view);
    views   text;
BEGIN
    PERFORM headcount.delete_registration('source', options.sessions_view);
    PERFORM headcount.delete_registration('rollup', options.sessions_view);
    PERFORM headcount.drop_triggers(tag);
    PERFORM headcount.drop_jobs(name);
    IF drop_source.cascade THEN
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
        RETURN;
    END IF;
    -- ours in one statement, as they depend on each other; whatever else is in the schema stops the DROP SCHEMA
    SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ') INTO views
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = name AND c.relkind = 'v'
      AND c.relname IN ('sessions', 'denials', 'online_users', 'online_sessions', 'daily_user_counts',
                        'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_by_server',
                        'realtime_users_count', 'daily_user_sketches', 'data_quality', 'rollup_dirty');
    EXECUTE 'DROP VIEW ' || views;
    PERFORM headcount.drop_rollup_tables(name);
    EXECUTE format('DROP FUNCTION IF EXISTS %I.identity_of(text)', name);
    EXECUTE format('DROP SCHEMA %I', name);
END
$$;
COMMENT ON FUNCTION headcount.drop_source(text, boolean) IS
    'drops a source: its views and its schema, never the tables that it reads. With cascade also what depends on the views, and whatever else is in the schema';
