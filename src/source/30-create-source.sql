-- create_source: from the user's own tables to a schema of views.
--
-- The expressions are read under the search path of the caller, so create_source, alter_source, resolve_options and
-- resolve_option have no SET clause: in them every name is qualified. Everything else happens under our own settings.

CREATE FUNCTION headcount_internal.resolve_option(argument text, relation regclass, expression text, kind text, "collation" oid, about text DEFAULT '', OUT sql text, OUT is_naive boolean)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    state    text;
    message  text;
    detail   text;
    hint     text;
BEGIN
    is_naive := false;
    IF expression IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        SELECT r.sql, r.is_naive INTO sql, is_naive FROM headcount_internal.resolve_column(relation, expression, kind, "collation") AS r;
        RETURN;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                                detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
    PERFORM headcount_internal.raise_argument_error(argument, pg_catalog.concat(about, message), state, detail, hint);
END
$$;
COMMENT ON FUNCTION headcount_internal.resolve_option(text, regclass, text, text, oid, text) IS
    'an expression read under the search path of the caller, as SQL that means the same under every path; errors name the argument';

-- A view that is replaced must keep the collations of its columns.
CREATE FUNCTION headcount_internal.kept_collation(name text, view_name text, column_name text) RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.attcollation
    FROM pg_namespace AS n
         JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = view_name
         JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attname = column_name
    WHERE n.nspname = name
$$;
COMMENT ON FUNCTION headcount_internal.kept_collation(text, text, text) IS 'the collation of a column of a view, NULL if there is no such view yet';

CREATE FUNCTION headcount_internal.resolve_dimensions(name text, dimensions jsonb, sessions oid, denials oid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    each     record;
    sql      pg_catalog.text;
    resolved pg_catalog.jsonb := '[]';
BEGIN
    FOR each IN SELECT * FROM headcount_internal.dimensions_to_resolve(name, dimensions) LOOP
        sql := each.sessions;
        IF each.is_new THEN
            sql := (headcount_internal.resolve_option('dimensions', sessions::pg_catalog.regclass, sql, 'text', each.session_collation, pg_catalog.format('dimension "%s": ', each.title))).sql;
        END IF;
        IF denials IS NULL THEN
            each.denials := NULL;
        ELSIF each.is_tried THEN
            each.denials := headcount_internal.try_denial_dimension(each.title, denials::pg_catalog.regclass, each.denials, each.denial_collation);
        ELSIF each.is_new THEN
            each.denials := (headcount_internal.resolve_option('dimensions', denials::pg_catalog.regclass, each.denials, 'text', each.denial_collation, pg_catalog.format('dimension "%s" for denials: ', each.title))).sql;
        END IF;
        resolved := resolved OPERATOR(pg_catalog.||) headcount_internal.resolved_dimension(each.dimension, sql, each.denials);
    END LOOP;
    RETURN CASE WHEN resolved OPERATOR(pg_catalog.<>) '[]' THEN resolved END;
END
$$;
COMMENT ON FUNCTION headcount_internal.resolve_dimensions(text, jsonb, oid, oid) IS
    'the dimensions of a source with those that are given resolved under the search path of the caller, NULL for none';

-- The options of `given` that are there, resolved, in place of those of `options`.
CREATE FUNCTION headcount_internal.resolve_options(name text, options headcount_internal.options, given headcount_internal.options) RETURNS headcount_internal.options
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    each     record;
    resolved record;
    changes  pg_catalog.jsonb := '{}';
    naive    pg_catalog.text[] := coalesce(options.naive, '{}');
BEGIN
    FOR each IN SELECT * FROM headcount_internal.expression_options(name, given, options) LOOP
        resolved := headcount_internal.resolve_option(each.option, each.relation, each.expression, each.kind, each."collation");
        changes := pg_catalog.jsonb_set(changes, ARRAY[each.option], pg_catalog.to_jsonb(resolved.sql));
        naive := pg_catalog.array_remove(naive, each.option);
        IF resolved.is_naive THEN
            naive := pg_catalog.array_append(naive, each.option);
        END IF;
    END LOOP;
    options := pg_catalog.jsonb_populate_record(options, changes);
    options.dimensions := headcount_internal.resolve_dimensions(name, options.dimensions, options.sessions, options.denials);
    options.naive := ARRAY(SELECT n FROM pg_catalog.unnest(naive) AS n WHERE pg_catalog.to_jsonb(options) OPERATOR(pg_catalog.->>) n IS NOT NULL);
    RETURN options;
END
$$;
COMMENT ON FUNCTION headcount_internal.resolve_options(text, headcount_internal.options, headcount_internal.options) IS
    'the options of a source with those that are given resolved under the search path of the caller';

CREATE FUNCTION headcount_internal.expression_options(name text, given headcount_internal.options, options headcount_internal.options)
RETURNS TABLE (option text, relation regclass, expression text, kind text, "collation" oid)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.option, o.relation::regclass, o.expression, o.kind, headcount_internal.kept_collation(name, o.view_name, o.column_name)
    FROM (VALUES ('user_name', options.sessions, given.user_name, 'text', 'session_rows', CASE WHEN options.user_identity IS NULL THEN 'user_name' END),
                 ('host', options.sessions, given.host, 'text', 'session_rows', 'host'),
                 ('server', options.sessions, given.server, 'text', 'session_rows', 'server'),
                 ('started_at', options.sessions, given.started_at, 'time', NULL, NULL),
                 ('ended_at', options.sessions, given.ended_at, 'time', NULL, NULL),
                 ('duration', options.sessions, given.duration, 'duration', NULL, NULL),
                 ('weight', options.sessions, given.weight, 'weight', NULL, NULL),
                 ('last_seen', options.sessions, given.last_seen, 'time', NULL, NULL),
                 ('sessions_when', options.sessions, given.sessions_when, 'boolean', NULL, NULL),
                 ('user_identity', 'headcount_internal.identity_input'::regclass, given.user_identity, 'text', 'session_rows', 'user_name'),
                 ('denied_user', options.denials, given.denied_user, 'text', 'denial_rows', CASE WHEN options.user_identity IS NULL THEN 'user_name' END),
                 ('denied_host', options.denials, given.denied_host, 'text', 'denial_rows', 'host'),
                 ('denied_server', options.denials, given.denied_server, 'text', 'denial_rows', 'server'),
                 ('denied_at', options.denials, given.denied_at, 'time', NULL, NULL),
                 ('denied_when', options.denials, given.denied_when, 'boolean', NULL, NULL))
         AS o (option, relation, expression, kind, view_name, column_name)
    WHERE o.expression IS NOT NULL
$$;
COMMENT ON FUNCTION headcount_internal.expression_options(text, headcount_internal.options, headcount_internal.options) IS
    'the options that are expressions and given: what they are about, of which kind they are, and the collation that a view has for them already';

CREATE FUNCTION headcount_internal.check_source_name(name text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name IS NULL THEN
        PERFORM headcount_internal.raise_argument_error('name', 'must not be null', '22004');
    ELSIF name = '' THEN
        PERFORM headcount_internal.raise_argument_error('name', 'must not be empty', '42602');
    ELSIF octet_length(name) > 63 THEN
        PERFORM headcount_internal.raise_argument_error('name', 'is longer than 63 bytes', '42622', format('"%s" takes %s bytes.', name, octet_length(name)));
    ELSIF starts_with(name, 'pg_') OR name IN ('public', 'information_schema', 'headcount', 'headcount_internal') THEN
        PERFORM headcount_internal.raise_error('42939', format('unacceptable source name "%s"', name),
            CASE WHEN name LIKE 'headcount%' THEN 'This schema belongs to the extension.' ELSE 'Schemas of this name belong to PostgreSQL.' END);
    ELSIF (headcount_internal.look_up_source(name)).sessions_view IS NOT NULL THEN
        PERFORM headcount_internal.raise_error('42P06', format('source "%s" already exists', name), NULL,
            'Change it with headcount.alter_source, or drop it with headcount.drop_source.');
    ELSIF EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = check_source_name.name) AND NOT headcount_internal.is_empty_schema(name) THEN
        PERFORM headcount_internal.raise_error('42P06', format('schema "%s" already exists', name), NULL,
            coalesce(headcount_internal.hint_at_remains(name), 'A source is a schema of its own. Choose another name.'));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_source_name(text) IS 'raises an error unless a source can be created under this name';

-- An empty schema of one's own may become a source: DROP EXTENSION ... CASCADE leaves such schemas.
CREATE FUNCTION headcount_internal.is_empty_schema(name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_namespace AS n
                   WHERE n.nspname = name AND n.nspowner = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user)
                     AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid))
$$;
COMMENT ON FUNCTION headcount_internal.is_empty_schema(text) IS 'whether a schema belongs to the current role and has nothing in it';

CREATE FUNCTION headcount_internal.check_relation(argument text, relation regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    class pg_class;
BEGIN
    IF relation IS NULL THEN
        PERFORM headcount_internal.raise_argument_error(argument, 'must not be null', '22004');
    END IF;
    SELECT c.* INTO class FROM pg_class AS c WHERE c.oid = relation;
    IF NOT FOUND THEN
        PERFORM headcount_internal.raise_argument_error(argument, format('relation with OID %s does not exist', relation::oid), '42P01');
    ELSIF class.relkind NOT IN ('r', 'p', 'f', 'v', 'm') THEN
        PERFORM headcount_internal.raise_argument_error(argument, format('"%s" is not a table or view', class.relname), '42809');
    ELSIF class.relpersistence = 't' THEN
        PERFORM headcount_internal.raise_argument_error(argument, format('relation "%s" is temporary', class.relname), '42809',
            hint => 'The views of a source outlive the session. Use an ordinary or an unlogged table.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_relation(text, regclass) IS
    'raises an error unless a source can read from this relation';

-- Seconds only: days and months would make a limit depend on the reader's time zone.
CREATE FUNCTION headcount_internal.check_limit(argument text, value interval) RETURNS interval
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    ELSIF value < interval '0' THEN
        PERFORM headcount_internal.raise_argument_error(argument, format('must not be negative, but is %s', value));
    ELSIF value > interval '36525 days' THEN      -- keeps arithmetic with it inside the range of timestamps
        PERFORM headcount_internal.raise_argument_error(argument, 'must be at most 100 years');
    ELSIF date_part('year', value) <> 0 OR date_part('month', value) <> 0 THEN
        PERFORM headcount_internal.raise_argument_error(argument, 'must not be given in months or years',
            hint => 'Months differ in length. Give the limit in days, hours or minutes.');
    END IF;
    RETURN make_interval(secs => extract(epoch FROM value)::double precision);
END
$$;
COMMENT ON FUNCTION headcount_internal.check_limit(text, interval) IS
    'a limit as seconds, days being of 24 hours, or an error that names the argument';

CREATE FUNCTION headcount_internal.check_licensing(licensing_model text, window_days integer) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF licensing_model <> ALL (headcount_internal.licensing_models()) THEN
        PERFORM headcount_internal.raise_argument_error('licensing_model', format('"%s" is not a licensing model', licensing_model),
            hint => 'The licensing models are 2013, 2019 and 2025.');
    ELSIF window_days NOT BETWEEN 1 AND 36525 THEN
        PERFORM headcount_internal.raise_argument_error('window_days', format('must be from 1 to 36525 days (a hundred years), but is %s', window_days));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_licensing(text, integer) IS
    'raises an error unless there is such a licensing model, and as many last days are possible; NULL is as the model has it';

-- The alerts of 65-alerts.sql and their thresholds.
CREATE FUNCTION headcount_internal.check_alerts(alerts jsonb, user_limit integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known constant text[] := ARRAY['user_limit', 'denial_rate', 'stale_share'];
    each  record;
BEGIN
    IF jsonb_typeof(alerts) <> 'object' THEN
        PERFORM headcount_internal.raise_argument_error('alerts', 'must be a JSON object', hint => 'Write, for example, {"user_limit": 90, "denial_rate": 5}.');
    END IF;
    FOR each IN SELECT * FROM jsonb_each(coalesce(alerts, '{}')) LOOP
        IF each.key <> ALL (known) THEN
            PERFORM headcount_internal.raise_argument_error('alerts', format('"%s" is not an alert', each.key),
                hint => 'The alerts are user_limit, denial_rate and stale_share.');
        ELSIF jsonb_typeof(each.value) <> 'number' OR (each.value #>> '{}')::numeric NOT BETWEEN 0 AND 1000000 THEN
            PERFORM headcount_internal.raise_argument_error('alerts', format('"%s" must be a percentage from 0 on, but is %s', each.key, each.value));
        ELSIF each.key = 'user_limit' AND user_limit IS NULL THEN
            PERFORM headcount_internal.raise_argument_error('alerts', '"user_limit" needs the option "user_limit"',
                hint => 'Say with user_limit how many users are paid for.');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_alerts(jsonb, integer) IS 'raises an error unless the option "alerts" of a source names alerts, each with a percentage';

-- What an abbreviation means is a setting of whoever reads ("EST" is in America or in Australia), and days that are stored would be
-- of one meaning and days that are computed of another. It also leaves out summer time: for AT TIME ZONE "CET" is an hour, all year.
-- Abbreviations are those that PostgreSQL comes with set, whatever is set here.
CREATE FUNCTION headcount_internal.check_zone_of_days(time_zone text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET timezone_abbreviations = 'Default' AS $$
DECLARE
    known text;
BEGIN
    BEGIN
        known := headcount_internal.check_time_zone(time_zone);
    EXCEPTION WHEN invalid_parameter_value THEN
        PERFORM headcount_internal.raise_argument_error('time_zone', SQLERRM,
            hint => 'The view pg_timezone_names lists the time zones.');
    END;
    -- PostgreSQL takes any word with a digit behind it for a zone of its own making ("Europe/Warsaw2" is 2 hours from UTC). The only
    -- places with digits are these. (pg_timezone_names would tell, but fails where /etc/localtime is missing, as in some containers.)
    IF known ~ '/' AND known ~ '[0-9]' AND known !~* '^(posix/)?etc/gmt(0|[+-][0-9]|[+]1[0-2]|-1[0-4])$' THEN
        PERFORM headcount_internal.raise_argument_error('time_zone', format('time zone "%s" not recognized', known),
            hint => 'The view pg_timezone_names lists the time zones.');
    ELSIF headcount_internal.is_abbreviation(known) THEN
        PERFORM headcount_internal.raise_argument_error('time_zone', format('"%s" is an abbreviation', known),
            detail => 'What it means is a setting, timezone_abbreviations, and it has no summer time.',
            hint => 'Name a place, such as Europe/Paris: the view pg_timezone_names lists them.');
    END IF;
    RETURN known;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_zone_of_days(text) IS 'the name of a time zone that means the same whatever is set, else an error';

-- Everything about the options that can be told without looking at the expressions.
CREATE FUNCTION headcount_internal.check_options(options headcount_internal.options) RETURNS headcount_internal.options
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given text;
BEGIN
    PERFORM headcount_internal.check_relation('sessions', options.sessions);
    PERFORM headcount_internal.check_required('user_name', options.user_name);
    PERFORM headcount_internal.check_required('started_at', options.started_at);
    PERFORM headcount_internal.check_required('time_zone', options.time_zone);
    PERFORM headcount_internal.check_required('licensing_model', options.licensing_model);
    PERFORM headcount_internal.check_required('materialized', options.materialized::text);
    PERFORM headcount_internal.check_required('exact', options.exact::text);
    PERFORM headcount_internal.check_required('tracking', options.tracking);
    PERFORM headcount_internal.check_required('tracking_days', options.tracking_days::text);

    IF options.ended_at IS NOT NULL AND options.duration IS NOT NULL THEN
        PERFORM headcount_internal.raise_argument_error('duration', 'is given besides "ended_at"',
            hint => 'Say when a session ended, or how long it took: pass NULL as the other one.');
    ELSIF options.idle_limit IS NOT NULL AND options.last_seen IS NULL THEN
        PERFORM headcount_internal.raise_argument_error('idle_limit', 'needs "last_seen"',
            hint => 'Say with last_seen when a session was last heard of; if nobody knows that, last_seen => ''started_at'' has sessions end so long after their start.');
    END IF;
    options.idle_limit := headcount_internal.check_limit('idle_limit', options.idle_limit);

    IF options.realtime_servers IS NOT NULL THEN
        IF options.server IS NULL THEN
            PERFORM headcount_internal.raise_argument_error('realtime_servers', 'needs "server"',
                hint => 'Say with server which server a session belongs to.');
        ELSIF array_ndims(options.realtime_servers) > 1 THEN
            PERFORM headcount_internal.raise_argument_error('realtime_servers', 'must have one dimension', '2202E');
        ELSIF array_position(options.realtime_servers, NULL) IS NOT NULL THEN
            PERFORM headcount_internal.raise_argument_error('realtime_servers', 'must not contain nulls', '22004');
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
            PERFORM headcount_internal.raise_argument_error(given, 'needs "denials"',
                hint => 'Say with denials which table the denials are in.');
        END IF;
    ELSE
        PERFORM headcount_internal.check_relation('denials', options.denials);
        PERFORM headcount_internal.check_required('denied_user', options.denied_user);
        PERFORM headcount_internal.check_required('denied_at', options.denied_at);
        options.false_denial_before := headcount_internal.check_limit('false_denial_before', options.false_denial_before);
        options.false_denial_after := headcount_internal.check_limit('false_denial_after', options.false_denial_after);
        -- one limit given: the other takes its default
        IF options.false_denial_before IS NULL AND options.false_denial_after IS NOT NULL THEN
            options.false_denial_before := interval '5 seconds';
        ELSIF options.false_denial_after IS NULL AND options.false_denial_before IS NOT NULL THEN
            options.false_denial_after := interval '2 seconds';
        END IF;
    END IF;

    options.time_zone := headcount_internal.check_zone_of_days(options.time_zone);
    PERFORM headcount_internal.check_licensing(options.licensing_model, options.window_days);
    PERFORM headcount_internal.check_alerts(options.alerts, options.user_limit);
    IF options.user_limit < 1 THEN
        PERFORM headcount_internal.raise_argument_error('user_limit', format('must be at least 1, but is %s', options.user_limit));
    ELSIF options.tracking NOT IN ('auto', 'trigger', 'window') THEN
        PERFORM headcount_internal.raise_argument_error('tracking', format('"%s" is not a way of tracking', options.tracking),
            hint => 'The ways of tracking are auto, trigger and window.');
    ELSIF options.tracking = 'trigger' AND EXISTS (
            SELECT FROM pg_class AS c WHERE c.oid IN (options.sessions, options.denials) AND c.relkind NOT IN ('r', 'p')) THEN
        PERFORM headcount_internal.raise_argument_error('tracking', 'trigger needs ordinary or partitioned tables', '42809',
            hint => 'Views, materialized views and foreign tables can be tracked by window.');
    ELSIF options.tracking_days NOT BETWEEN 1 AND 36525 THEN
        PERFORM headcount_internal.raise_argument_error('tracking_days', format('must be from 1 to 36525 days (a hundred years), but is %s', options.tracking_days));
    ELSIF NOT options.exact AND NOT options.materialized THEN
        PERFORM headcount_internal.raise_argument_error('exact', 'false needs "materialized"',
            hint => 'It says how days are stored. A source of which nothing is stored is computed from its tables, which is exact.');
    END IF;
    RETURN options;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_options(headcount_internal.options) IS
    'the options of a source with limits in seconds and defaults filled in, or an error that names the argument at fault';

CREATE FUNCTION headcount.create_source(
    name text, sessions regclass, user_name text, host text, started_at text, ended_at text,
    duration text DEFAULT NULL, weight text DEFAULT NULL, user_limit integer DEFAULT NULL, server text DEFAULT NULL, last_seen text DEFAULT NULL, idle_limit interval DEFAULT NULL,
    sessions_when text DEFAULT NULL, user_identity text DEFAULT NULL, realtime_servers text[] DEFAULT NULL,
    denials regclass DEFAULT NULL, denied_user text DEFAULT NULL, denied_at text DEFAULT NULL,
    denied_host text DEFAULT NULL, denied_server text DEFAULT NULL, denied_when text DEFAULT NULL,
    false_denial_before interval DEFAULT NULL, false_denial_after interval DEFAULT NULL,
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'), licensing_model text DEFAULT '2019',
    window_days integer DEFAULT NULL, materialized boolean DEFAULT true,
    tracking text DEFAULT 'auto', tracking_days integer DEFAULT 2, alerts jsonb DEFAULT NULL, dimensions json DEFAULT NULL,
    exact boolean DEFAULT true)
RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_variable
DECLARE
    options headcount_internal.options := ROW(sessions, user_name, host, started_at, ended_at, duration, weight, server, last_seen, idle_limit, sessions_when,
        user_identity, realtime_servers, denials, denied_user, denied_at, denied_host, denied_server, denied_when, false_denial_before,
        false_denial_after, time_zone, licensing_model, window_days, user_limit, alerts, materialized, tracking, tracking_days, headcount_internal.read_dimensions(dimensions), NULL, exact);
BEGIN
    PERFORM headcount_internal.check_source_name(name);
    options := headcount_internal.check_options(options);
    PERFORM headcount_internal.check_dimensions(name, options.dimensions, options.denials);
    options := headcount_internal.resolve_options(name, options, options);
    RETURN headcount_internal.execute_quietly(pg_catalog.format('SELECT headcount_internal.build_source(%L, %L::headcount_internal.options)', name, options));
END
$$;
COMMENT ON FUNCTION headcount.create_source(text, regclass, text, text, text, text, text, text, integer, text, text, interval, text, text,
    text[], regclass, text, text, text, text, text, interval, interval, text, text, integer, boolean, text, integer, jsonb, json, boolean) IS
    'makes a source: a schema of views over the sessions, and the denials, of a table that already exists, and says what it made. The text arguments are SQL expressions over the columns of the table; host is NULL if it has none, ended_at if it has durations or no ends; dimensions name further ones to slice by; with exact => false stored days have sketches of users in place of sets, and no names';

CREATE FUNCTION headcount_internal.build_source(name text, options headcount_internal.options) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tracked text := 'its views are computed from the table whenever they are read';
BEGIN
    IF NOT headcount_internal.is_empty_schema(name) THEN
        BEGIN
            EXECUTE format('CREATE SCHEMA %I', name);
        EXCEPTION WHEN unique_violation THEN      -- by somebody who was a moment earlier, and has just committed
            PERFORM headcount_internal.raise_error('42P06', format('schema "%s" already exists', name));
        END;
    END IF;
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', name, format('Who was here and when, read from %s by Headcount', headcount_internal.relation_name(options.sessions)));
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', name);
    PERFORM headcount_internal.make_settings(name, options);
    IF options.materialized THEN
        PERFORM headcount_internal.make_rollup_tables(name);
    END IF;
    PERFORM headcount_internal.make_views(name, options);
    PERFORM headcount_internal.note_columns(name);
    IF options.materialized THEN
        tracked := headcount_internal.start_tracking(name);
    END IF;
    PERFORM headcount_internal.remark_on_source(name, options);
    RETURN format('source "%s" reads %s; %s', name, headcount_internal.relation_name(options.sessions), tracked);
END
$$;
COMMENT ON FUNCTION headcount_internal.build_source(text, headcount_internal.options) IS
    'makes the schema of a source and what is in it, and says so; the options have been checked and resolved';

-- The one row is replaced, not updated: nothing else in the row is worth keeping.
CREATE FUNCTION headcount_internal.make_settings(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
    session_columns text[];
    denial_columns  text[];
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.settings OF headcount_internal.settings (PRIMARY KEY (time_zone))', name);
    EXECUTE format('COMMENT ON TABLE %I.settings IS %L', name, 'what the source was told besides its expressions; change it with headcount.alter_source');
    EXECUTE format('DELETE FROM %I.settings RETURNING session_columns, denial_columns', name) INTO session_columns, denial_columns;
    EXECUTE format('INSERT INTO %I.settings (time_zone, licensing_model, window_days, user_limit, alerts, realtime_servers, idle_limit, false_denial_before, false_denial_after,
                                             materialized, tracking, tracking_days, session_columns, denial_columns, dimensions, exact)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)', name)
        USING options.time_zone, options.licensing_model, options.window_days, options.user_limit, options.alerts, options.realtime_servers, options.idle_limit,
              options.false_denial_before, options.false_denial_after, options.materialized, options.tracking, options.tracking_days,
              session_columns, denial_columns, NULLIF(headcount_internal.dimension_names(options.dimensions), '{}'), options.exact;
END
$$;
COMMENT ON FUNCTION headcount_internal.make_settings(text, headcount_internal.options) IS 'stores what a source was told besides its expressions';

-- Once the views are made: by which names they know the columns that they read.
CREATE FUNCTION headcount_internal.note_columns(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source constant headcount_internal.source := headcount_internal.find_source(name);
BEGIN
    EXECUTE format('UPDATE %I.settings SET session_columns = $1, denial_columns = $2', name)
        USING headcount_internal.columns_read(source.definition), headcount_internal.columns_read(source.denial_definition);
END
$$;
COMMENT ON FUNCTION headcount_internal.note_columns(text) IS 'notes which columns a definition reads, and what they are called';
