-- create_source: from the user's own tables to a schema of views.
--
-- The expressions are read under the search path of the caller, so create_source and resolve_argument have no SET
-- clause: in them every name is qualified. Everything else happens in functions with a fixed path.

CREATE FUNCTION headcount.resolve_argument(argument text, relation regclass, expression text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
DECLARE
    resolved text;
    state    text;
    message  text;
    detail   text;
    hint     text;
BEGIN
    IF expression IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        SELECT r.sql INTO resolved FROM headcount_internal.resolve_expression(relation, expression) AS r;
        RETURN resolved;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                                detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
    PERFORM headcount.raise_argument_error(argument, message, state, detail, hint);
END
$$;
COMMENT ON FUNCTION headcount.resolve_argument(text, regclass, text) IS
    'internal: an expression read under the caller''s search path, as SQL that means the same under every path; errors name the argument';

CREATE FUNCTION headcount.check_source_name(name text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name IS NULL THEN
        PERFORM headcount.raise_argument_error('name', 'must not be null', '22004');
    ELSIF name = '' THEN
        PERFORM headcount.raise_argument_error('name', 'must not be empty', '42602');
    ELSIF octet_length(name) > 63 THEN
        PERFORM headcount.raise_argument_error('name', 'is longer than 63 bytes', '42622',
            format('"%s" takes %s bytes.', name, octet_length(name)));
    ELSIF EXISTS (SELECT FROM pg_namespace AS n
                  JOIN pg_class AS c ON c.relnamespace = n.oid
                  JOIN headcount.source AS s ON s.sessions_view = c.oid
                  WHERE n.nspname = check_source_name.name) THEN
        RAISE EXCEPTION 'source "%" already exists', name USING ERRCODE = 'duplicate_schema',
            HINT = 'Change it with headcount.alter_source, or drop it with headcount.drop_source.';
    ELSIF EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = check_source_name.name) THEN
        RAISE EXCEPTION 'schema "%" already exists', name USING ERRCODE = 'duplicate_schema',
            HINT = 'A source is a schema of its own. Choose another name.';
    ELSIF starts_with(name, 'pg_') OR name IN ('public', 'information_schema') THEN
        RAISE EXCEPTION 'unacceptable source name "%"', name USING ERRCODE = 'reserved_name',
            DETAIL = 'Schemas of this name belong to PostgreSQL.';
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check_source_name(text) IS
    'internal: raises an error unless a source can be created under this name';

CREATE FUNCTION headcount.check_relation(argument text, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    class pg_class;
BEGIN
    IF relation IS NULL THEN
        PERFORM headcount.raise_argument_error(argument, 'must not be null', '22004');
    END IF;
    SELECT c.* INTO class FROM pg_class AS c WHERE c.oid = relation;
    IF NOT FOUND THEN
        PERFORM headcount.raise_argument_error(argument, format('relation with OID %s does not exist', relation::oid), '42P01');
    ELSIF class.relkind NOT IN ('r', 'p', 'f', 'v', 'm') THEN
        PERFORM headcount.raise_argument_error(argument, format('"%s" is not a table or view', class.relname), '42809');
    ELSIF class.relpersistence = 't' THEN
        PERFORM headcount.raise_argument_error(argument, format('relation "%s" is temporary', class.relname), '42809',
            hint => 'The views of a source outlive the session. Use an ordinary or an unlogged table.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check_relation(text, regclass) IS
    'internal: raises an error unless a source can read from this relation';

-- Seconds only: days and months would make a limit depend on the reader's time zone.
CREATE FUNCTION headcount.check_limit(argument text, value interval) RETURNS interval
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    ELSIF value < interval '0' THEN
        PERFORM headcount.raise_argument_error(argument, format('must not be negative, but is %s', value));
    ELSIF value > interval '36525 days' THEN      -- keeps arithmetic with it inside the range of timestamps
        PERFORM headcount.raise_argument_error(argument, 'must be at most 100 years');
    ELSIF date_part('year', value) <> 0 OR date_part('month', value) <> 0 THEN
        PERFORM headcount.raise_argument_error(argument, 'must not be given in months or years',
            hint => 'Months differ in length. Give the limit in days, hours or minutes.');
    END IF;
    RETURN make_interval(secs => extract(epoch FROM value)::double precision);
END
$$;
COMMENT ON FUNCTION headcount.check_limit(text, interval) IS
    'internal: a limit as seconds, days being of 24 hours, or an error that names the argument';

CREATE FUNCTION headcount.check_required(argument text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value IS NULL THEN
        PERFORM headcount.raise_argument_error(argument, 'must not be null', '22004');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check_required(text, text) IS 'internal: raises an error that names the argument where it is null';

-- Everything about the options that can be told without looking at the expressions.
CREATE FUNCTION headcount.check_source(options headcount.source) RETURNS headcount.source
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given text;
BEGIN
    PERFORM headcount.check_relation('sessions', options.sessions);
    PERFORM headcount.check_required('user_name', options.user_name);
    PERFORM headcount.check_required('host', options.host);
    PERFORM headcount.check_required('started_at', options.started_at);
    PERFORM headcount.check_required('ended_at', options.ended_at);
    PERFORM headcount.check_required('time_zone', options.time_zone);
    PERFORM headcount.check_required('licensing_model', options.licensing_model);
    PERFORM headcount.check_required('window_days', options.window_days::text);
    PERFORM headcount.check_required('materialized', options.materialized::text);
    PERFORM headcount.check_required('tracking', options.tracking);
    PERFORM headcount.check_required('tracking_days', options.tracking_days::text);

    IF options.idle_limit IS NOT NULL AND options.last_seen IS NULL THEN
        PERFORM headcount.raise_argument_error('idle_limit', 'needs "last_seen"',
            hint => 'Say with last_seen when a session was last heard of.');
    END IF;
    options.idle_limit := headcount.check_limit('idle_limit', options.idle_limit);

    IF options.realtime_servers IS NOT NULL THEN
        IF options.server IS NULL THEN
            PERFORM headcount.raise_argument_error('realtime_servers', 'needs "server"',
                hint => 'Say with server which server a session belongs to.');
        ELSIF array_ndims(options.realtime_servers) > 1 THEN
            PERFORM headcount.raise_argument_error('realtime_servers', 'must have one dimension', '2202E');
        ELSIF array_position(options.realtime_servers, NULL) IS NOT NULL THEN
            PERFORM headcount.raise_argument_error('realtime_servers', 'must not contain nulls', '22004');
        END IF;
    END IF;

    IF options.denials IS NULL THEN
        given := CASE WHEN options.denied_user IS NOT NULL THEN 'denied_user'
                      WHEN options.denied_at IS NOT NULL THEN 'denied_at'
                      WHEN options.denied_host IS NOT NULL THEN 'denied_host'
                      WHEN options.denied_server IS NOT NULL THEN 'denied_server'
                      WHEN options.denied_when IS NOT NULL THEN 'denied_when'
                      WHEN options.false_denial_before IS NOT NULL THEN 'false_denial_before'
                      WHEN options.false_denial_after IS NOT NULL THEN 'false_denial_after' END;
        IF given IS NOT NULL THEN
            PERFORM headcount.raise_argument_error(given, 'needs "denials"',
                hint => 'Say with denials which table the denials are in.');
        END IF;
    ELSE
        PERFORM headcount.check_relation('denials', options.denials);
        PERFORM headcount.check_required('denied_user', options.denied_user);
        PERFORM headcount.check_required('denied_at', options.denied_at);
        options.false_denial_before := headcount.check_limit('false_denial_before', options.false_denial_before);
        options.false_denial_after := headcount.check_limit('false_denial_after', options.false_denial_after);
        -- one limit given: the other takes its default
        IF options.false_denial_before IS NULL AND options.false_denial_after IS NOT NULL THEN
            options.false_denial_before := interval '5 seconds';
        ELSIF options.false_denial_after IS NULL AND options.false_denial_before IS NOT NULL THEN
            options.false_denial_after := interval '2 seconds';
        END IF;
    END IF;

    BEGIN
        options.time_zone := headcount_internal.check_time_zone(options.time_zone);
    EXCEPTION WHEN invalid_parameter_value THEN
        PERFORM headcount.raise_argument_error('time_zone', SQLERRM,
            hint => 'The view pg_timezone_names lists the time zones.');
    END;
    -- PostgreSQL takes any word with a digit behind it for a zone of its own making ("Europe/Warsaw2" is 2 hours from UTC).
    IF strpos(options.time_zone, '/') > 0
       AND NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE lower(z.name) = lower(options.time_zone)) THEN
        PERFORM headcount.raise_argument_error('time_zone', format('time zone "%s" not recognized', options.time_zone),
            hint => 'The view pg_timezone_names lists the time zones.');
    END IF;
    IF options.licensing_model NOT IN ('2013', '2019') THEN
        PERFORM headcount.raise_argument_error('licensing_model', format('"%s" is not a licensing model', options.licensing_model),
            hint => 'The licensing models are 2013 and 2019.');
    ELSIF options.window_days < 1 THEN
        PERFORM headcount.raise_argument_error('window_days', format('must be at least 1, but is %s', options.window_days));
    ELSIF options.tracking NOT IN ('auto', 'trigger', 'window') THEN
        PERFORM headcount.raise_argument_error('tracking', format('"%s" is not a way of tracking', options.tracking),
            hint => 'The ways of tracking are auto, trigger and window.');
    ELSIF options.tracking = 'trigger' AND EXISTS (
            SELECT FROM pg_class AS c WHERE c.oid IN (options.sessions, options.denials) AND c.relkind NOT IN ('r', 'p')) THEN
        PERFORM headcount.raise_argument_error('tracking', 'trigger needs ordinary or partitioned tables', '42809',
            hint => 'Views, materialized views and foreign tables can be tracked by window.');
    ELSIF options.tracking_days < 1 THEN
        PERFORM headcount.raise_argument_error('tracking_days', format('must be at least 1, but is %s', options.tracking_days));
    END IF;
    RETURN options;
END
$$;
COMMENT ON FUNCTION headcount.check_source(headcount.source) IS
    'internal: the options of a source with limits in seconds and defaults filled in, or an error that names the argument at fault';

CREATE FUNCTION headcount.build_source(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    BEGIN
        EXECUTE format('CREATE SCHEMA %I', name);
    EXCEPTION WHEN unique_violation THEN      -- by somebody who was a moment earlier, and has just committed
        RAISE EXCEPTION 'schema "%" already exists', name USING ERRCODE = 'duplicate_schema';
    END;
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', name,
                   format('Who was here and when, read from %s by Headcount', options.sessions));
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', name);
    IF options.materialized THEN
        PERFORM headcount.make_rollup_tables(name);
    END IF;
    PERFORM headcount.make_views(name, options);
    SELECT c.oid INTO STRICT options.sessions_view
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = build_source.name AND c.relname = 'sessions';
    -- the row of a source whose schema was dropped, and whose OID has come round again
    PERFORM headcount.delete_registration('source', options.sessions_view);
    PERFORM headcount.delete_registration('rollup', options.sessions_view);
    INSERT INTO headcount.source SELECT options.*;
    IF options.materialized THEN
        PERFORM headcount.start_rollup(name, options);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.build_source(text, headcount.source) IS
    'internal: makes the schema and the views of a source and registers it; the options have been checked';

CREATE FUNCTION headcount.create_source(
    name text, sessions regclass, user_name text, host text, started_at text, ended_at text,
    server text DEFAULT NULL, last_seen text DEFAULT NULL, idle_limit interval DEFAULT NULL,
    sessions_when text DEFAULT NULL, user_identity text DEFAULT NULL, realtime_servers text[] DEFAULT NULL,
    denials regclass DEFAULT NULL, denied_user text DEFAULT NULL, denied_at text DEFAULT NULL,
    denied_host text DEFAULT NULL, denied_server text DEFAULT NULL, denied_when text DEFAULT NULL,
    false_denial_before interval DEFAULT NULL, false_denial_after interval DEFAULT NULL,
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'), licensing_model text DEFAULT '2019',
    window_days integer DEFAULT 14, materialized boolean DEFAULT true,
    tracking text DEFAULT 'auto', tracking_days integer DEFAULT 2)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_variable
DECLARE
    options headcount.source;
BEGIN
    options.sessions := sessions;
    options.user_name := user_name;
    options.host := host;
    options.started_at := started_at;
    options.ended_at := ended_at;
    options.server := server;
    options.last_seen := last_seen;
    options.idle_limit := idle_limit;
    options.sessions_when := sessions_when;
    options.user_identity := user_identity;
    options.realtime_servers := realtime_servers;
    options.denials := denials;
    options.denied_user := denied_user;
    options.denied_at := denied_at;
    options.denied_host := denied_host;
    options.denied_server := denied_server;
    options.denied_when := denied_when;
    options.false_denial_before := false_denial_before;
    options.false_denial_after := false_denial_after;
    options.time_zone := time_zone;
    options.licensing_model := licensing_model;
    options.window_days := window_days;
    options.materialized := materialized;
    options.tracking := tracking;
    options.tracking_days := tracking_days;

    PERFORM headcount.check_source_name(name);
    options := headcount.check_source(options);
    options := headcount.resolve_source(options);
    PERFORM headcount.build_source(name, options);
END
$$;
COMMENT ON FUNCTION headcount.create_source(text, regclass, text, text, text, text, text, text, interval, text, text,
    text[], regclass, text, text, text, text, text, interval, interval, text, text, integer, boolean, text, integer) IS
    'makes a source: a schema of views over the sessions, and the denials, of a table that already exists. The text arguments are SQL expressions over its columns';

-- Under the caller's search path, hence no SET clause.
CREATE FUNCTION headcount.resolve_source(options headcount.source) RETURNS headcount.source
LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
BEGIN
    options.user_name := headcount.resolve_argument('user_name', options.sessions, options.user_name);
    options.host := headcount.resolve_argument('host', options.sessions, options.host);
    options.started_at := headcount.resolve_argument('started_at', options.sessions, options.started_at);
    options.ended_at := headcount.resolve_argument('ended_at', options.sessions, options.ended_at);
    options.server := headcount.resolve_argument('server', options.sessions, options.server);
    options.last_seen := headcount.resolve_argument('last_seen', options.sessions, options.last_seen);
    options.sessions_when := headcount.resolve_argument('sessions_when', options.sessions, options.sessions_when);
    options.user_identity := headcount.resolve_argument('user_identity', 'headcount.identity_input', options.user_identity);
    options.denied_user := headcount.resolve_argument('denied_user', options.denials, options.denied_user);
    options.denied_at := headcount.resolve_argument('denied_at', options.denials, options.denied_at);
    options.denied_host := headcount.resolve_argument('denied_host', options.denials, options.denied_host);
    options.denied_server := headcount.resolve_argument('denied_server', options.denials, options.denied_server);
    options.denied_when := headcount.resolve_argument('denied_when', options.denials, options.denied_when);
    RETURN options;
END
$$;
COMMENT ON FUNCTION headcount.resolve_source(headcount.source) IS
    'internal: the options with every expression resolved under the caller''s search path';
