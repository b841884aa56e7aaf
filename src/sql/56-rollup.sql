-- What is stored of a materialized source, and the triggers that keep it exact.
--
--   headcount.rollup          a row for each materialized source: up to which day its days are stored (the frontier)
--   <source>.rollup_days      a row for each stored day with something: sets of users, peaks, sketches
--   <source>.rollup_users     the numbers of users that the sets are of
--   <source>.rollup_changes   days that changed since they were stored, appended by triggers on the user's tables
--   <source>.rollup_dirty     a view: the runs of stored days that such changes are about
--
-- A day is read from rollup_days where it is before the frontier and not dirty; all others are computed from the tables
-- themselves. Both happen in one statement, hence in one snapshot, in which each change is visible together with the row
-- that logs it: so the answer is that of a full recompute, whenever it is asked.

CREATE TABLE headcount.rollup (
    sessions_view      regclass PRIMARY KEY,
    frontier_day       date NOT NULL DEFAULT '-infinity',
    frozen_before      date NOT NULL DEFAULT '-infinity',
    next_number        integer NOT NULL DEFAULT 0,
    relations          regclass[],
    last_refresh       timestamptz,
    last_duration      interval,
    refresh_pid        integer,
    refresh_started_at timestamptz,
    days_done          integer,
    days_total         integer,
    current_day        date
);
COMMENT ON TABLE headcount.rollup IS 'how far the days of each materialized source are stored; read it through source_status and refresh_progress';
COMMENT ON COLUMN headcount.rollup.frontier_day IS 'days before this one are stored, later ones are computed when they are asked for';
COMMENT ON COLUMN headcount.rollup.frozen_before IS 'days before this one stay as they are stored, whatever happens to the tables';
COMMENT ON COLUMN headcount.rollup.next_number IS 'the number that the next new user gets';
COMMENT ON COLUMN headcount.rollup.relations IS 'the tables and partitions whose changes are logged by triggers; NULL where the source is tracked by window';
SELECT pg_catalog.pg_extension_config_dump('headcount.rollup',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) sessions_view)');
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON headcount.rollup
    FOR EACH ROW EXECUTE FUNCTION headcount.guard_source();
COMMENT ON TRIGGER guard ON headcount.rollup IS 'only the owner of a source''s views may write its row';
GRANT SELECT, INSERT, UPDATE, DELETE ON headcount.rollup TO PUBLIC;

CREATE FUNCTION headcount.live_day(sessions_view regclass) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_live_day' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount.live_day(regclass) IS
    'internal: the first day of a source that is computed from its tables, -infinity where all are';

-- STABLE, so that the planner asks it how many rows a condition will leave.
CREATE FUNCTION headcount.live_from(sessions_view regclass) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_live_from' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount.live_from(regclass) IS
    'internal: when the first day of a source that is computed from its tables begins, -infinity where all are';

CREATE FUNCTION headcount.execute_as_owner(sessions_view regclass, command text) RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_execute_as_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount.execute_as_owner(regclass, text) IS
    'internal: executes a command with the rights of the owner of a source, for members of that role, and returns the first value: what others wrote into the definition of a source must not run with the rights of a superuser who refreshes it';

CREATE FUNCTION headcount.source_name(sessions_view regclass) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = sessions_view);
END
$$;
COMMENT ON FUNCTION headcount.source_name(regclass) IS 'internal: the name of a source';

-- The rows of a source's tables as changes of presence: with the end that a session has once all its days are over,
-- which is what stored days know of it.
CREATE FUNCTION headcount.tracked_end(options headcount.source) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN options.idle_limit IS NULL THEN 'r.ended_at'
                ELSE format($q$CASE WHEN r.ended_at < 'infinity'::timestamptz THEN r.ended_at
                 ELSE greatest(r.started_at + '00:00:00.000001'::interval, coalesce(r.last_seen, r.started_at) + %L::interval) END$q$,
                            options.idle_limit) END;
END
$$;
COMMENT ON FUNCTION headcount.tracked_end(headcount.source) IS
    'internal: the expression for the end of session r, for the log of changed days';

-- The statement that logs the days on which old and new rows differ. Either may be NULL: rows that came, or went.
--
-- Where false denials are looked for, the start of a session reaches the denials around it: a stretch of its own, apart
-- from the presence, since it is of another user's rows that it makes a difference to.
CREATE FUNCTION headcount.log_statement(name text, options headcount.source, of_denials boolean, old_rows text, new_rows text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rows_of  text[] := ARRAY[old_rows, new_rows];
    parts    headcount.source_parts;
    is_update constant boolean := old_rows IS NOT NULL AND new_rows IS NOT NULL;
    presence text[] := '{}';
    grants   text[] := '{}';
    columns  text;
    days     text;
BEGIN
    FOR i IN 1 .. 2 LOOP
        CONTINUE WHEN rows_of[i] IS NULL;
        parts := headcount.make_parts(name, options, rows_of[i], rows_of[i]);
        IF of_denials THEN
            presence := presence || format(
                'SELECT %s AS is_new, r.user_name, r.host, r.server, r.denied_at AS started_at, r.denied_at AS ended_at FROM (%s) AS r',
                (i = 2)::text, parts.denial_rows);
        ELSE
            presence := presence || format(
                'SELECT %s AS is_new, r.user_name, r.host, r.server, r.started_at, %s AS ended_at FROM (%s) AS r',
                (i = 2)::text, headcount.tracked_end(options), parts.session_rows);
            IF options.false_denial_before IS NOT NULL THEN
                grants := grants || format($q$SELECT %s AS is_new, r.user_name, NULL::text AS host, NULL::text AS server,
                   r.started_at - %L::interval AS started_at, r.started_at + %L::interval AS ended_at
            FROM (%s) AS r
            WHERE r.started_at > '-infinity'::timestamptz AND (r.ended_at IS NULL OR r.ended_at >= r.started_at)$q$,
                    (i = 2)::text, options.false_denial_after, options.false_denial_before + interval '1 microsecond', parts.session_rows);
            END IF;
        END IF;
    END LOOP;
    columns := CASE WHEN is_update THEN 'c.is_new, c.user_name, c.host, c.server, ' ELSE '' END;
    days := format('(SELECT headcount.changed_days_agg(%sc.started_at, c.ended_at, %L::text) FROM (%s) AS c)',
                   columns, options.time_zone, array_to_string(presence, ' UNION ALL '));
    IF grants <> '{}' THEN
        days := days || format(' || (SELECT headcount.changed_days_agg(%sc.started_at, c.ended_at, %L::text) FROM (%s) AS c)',
                               columns, options.time_zone, array_to_string(grants, ' UNION ALL '));
    END IF;
    RETURN format('INSERT INTO %I.rollup_changes (from_day, to_day)
            SELECT d.days[i], d.days[i + 1] FROM (SELECT %s AS days) AS d, generate_series(1, cardinality(d.days), 2) AS i',
                  name, days);
END
$$;
COMMENT ON FUNCTION headcount.log_statement(text, headcount.source, boolean, text, text) IS
    'internal: the statement by which a trigger of a source logs the days that a change is about';

-- Rows as a FROM item under the name of their table, which expressions may use.
CREATE FUNCTION headcount.rows_as(relation regclass, item text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%s AS %I', item, c.relname) FROM pg_class AS c WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION headcount.rows_as(regclass, text) IS 'internal: a FROM item under the name of a table';

-- The trigger function of one table of a source. Statements log all that they changed at once; row by row it is only
-- done where nothing fires statement triggers, which is when a subscription applies changes.
CREATE FUNCTION headcount.make_trigger_function(name text, options headcount.source, of_denials boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation constant regclass := CASE WHEN of_denials THEN options.denials ELSE options.sessions END;
    function_name constant text := format('%I.%I', name, CASE WHEN of_denials THEN 'log_denial_changes' ELSE 'log_session_changes' END);
    old_rows constant text := headcount.rows_as(relation, 'old_rows');
    new_rows constant text := headcount.rows_as(relation, 'new_rows');
    old_row  constant text := headcount.rows_as(relation, '(SELECT OLD.*)');
    new_row  constant text := headcount.rows_as(relation, '(SELECT NEW.*)');
BEGIN
    EXECUTE format($f$CREATE OR REPLACE FUNCTION %s() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L$f$, function_name, format($b$
#variable_conflict use_column
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO %I.rollup_changes (from_day, to_day) VALUES ('-infinity', 'infinity');
    ELSIF TG_LEVEL = 'STATEMENT' THEN
        IF TG_OP = 'INSERT' THEN
            %s;
        ELSIF TG_OP = 'UPDATE' THEN
            %s;
        ELSE
            %s;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        %s;
    ELSIF TG_OP = 'UPDATE' THEN
        %s;
    ELSE
        %s;
    END IF;
    RETURN NULL;
END
$b$, name,
        headcount.log_statement(name, options, of_denials, NULL, new_rows),
        headcount.log_statement(name, options, of_denials, old_rows, new_rows),
        headcount.log_statement(name, options, of_denials, old_rows, NULL),
        headcount.log_statement(name, options, of_denials, NULL, new_row),
        headcount.log_statement(name, options, of_denials, old_row, new_row),
        headcount.log_statement(name, options, of_denials, old_row, NULL)));
    EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', function_name);
    EXECUTE format('COMMENT ON FUNCTION %s() IS %L', function_name,
                   format('logs the days that changes of %s are about', relation));
END
$$;
COMMENT ON FUNCTION headcount.make_trigger_function(text, headcount.source, boolean) IS
    'internal: makes or replaces the function behind the triggers on one table of a source';

-- A table with its partitions, or other children, at any depth.
CREATE FUNCTION headcount.relation_tree(root regclass) RETURNS SETOF regclass
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY WITH RECURSIVE tree AS (
        SELECT root::oid AS oid WHERE root IS NOT NULL
        UNION
        SELECT i.inhrelid FROM tree JOIN pg_inherits AS i ON i.inhparent = tree.oid)
    SELECT tree.oid::regclass FROM tree;
END
$$;
COMMENT ON FUNCTION headcount.relation_tree(regclass) IS 'internal: a table with its partitions or other children, at any depth';

-- The triggers on one table: one for each kind of statement, fired whatever session_replication_role says, and one for
-- rows that a subscription applies.
CREATE FUNCTION headcount.create_triggers(name text, relation regclass, of_denials boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    function_name constant text := CASE WHEN of_denials THEN 'log_denial_changes' ELSE 'log_session_changes' END;
    the_table constant text := headcount.relation_name(relation);
    is_leaf   constant boolean := (SELECT c.relkind = 'r' FROM pg_class AS c WHERE c.oid = relation);
    -- unlike those of any other source of the table, whatever either is renamed to
    suffix    constant text := left(md5(gen_random_uuid()::text), 12);
    event        text;
    trigger_name text;
BEGIN
    FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ROW'] LOOP
        CONTINUE WHEN event = 'ROW' AND NOT is_leaf;
        trigger_name := format('headcount_%s_%s_%s', CASE WHEN of_denials THEN 'denials' ELSE 'sessions' END, lower(event), suffix);
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION %I.%I()', trigger_name,
            CASE WHEN event = 'ROW' THEN 'INSERT OR UPDATE OR DELETE' ELSE event END, the_table,
            CASE event WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
                       WHEN 'UPDATE' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT'
                       WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT'
                       WHEN 'ROW' THEN 'FOR EACH ROW'
                       ELSE 'FOR EACH STATEMENT' END, name, function_name);
        EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', the_table,
                       CASE WHEN event = 'ROW' THEN 'REPLICA' ELSE 'ALWAYS' END, trigger_name);
        EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, the_table,
                       format('logs changed days for the source %s', name));
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.create_triggers(text, regclass, boolean) IS
    'internal: makes the triggers that log changes of one table for a source';

CREATE FUNCTION headcount.drop_triggers(name text, from_relation regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_trigger record;
BEGIN
    FOR found_trigger IN
        SELECT t.tgname, t.tgrelid::regclass AS relation
        FROM pg_trigger AS t
             JOIN pg_proc AS p ON p.oid = t.tgfoid
             JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname = name AND p.proname IN ('log_session_changes', 'log_denial_changes')
          AND t.tgrelid = coalesce(from_relation, t.tgrelid)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found_trigger.tgname, headcount.relation_name(found_trigger.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.drop_triggers(text, regclass) IS
    'internal: drops the triggers that log changes for a source, on one table or on all';

-- Why the changes of a table cannot be logged by triggers, NULL where they can.
CREATE FUNCTION headcount.tracking_obstacle(name text, options headcount.source, of_denials boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation constant regclass := CASE WHEN of_denials THEN options.denials ELSE options.sessions END;
    item     constant text := headcount.rows_as(relation, format('(SELECT * FROM %s LIMIT 0)', headcount.relation_name(relation)));
    parts    headcount.source_parts;
    obstacle text;
BEGIN
    SELECT CASE WHEN c.relkind NOT IN ('r', 'p') THEN format('"%s" is not an ordinary or partitioned table', c.relname)
                WHEN c.relpersistence <> 'p' THEN format('"%s" is unlogged, so a crash empties it', c.relname)
                WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN format('"%s" belongs to another role', c.relname) END
    INTO obstacle
    FROM headcount.relation_tree(relation) AS t (oid) JOIN pg_class AS c ON c.oid = t.oid
    ORDER BY 1 NULLS LAST LIMIT 1;
    IF obstacle IS NULL THEN
        BEGIN
            parts := headcount.make_parts(name, options, item, item);
            EXECUTE format('SELECT FROM (%s) AS r LIMIT 0', CASE WHEN of_denials THEN parts.denial_rows ELSE parts.session_rows END);
        EXCEPTION WHEN OTHERS THEN
            obstacle := format('an expression asks for more than the columns of a row of "%s": %s', relation, SQLERRM);
        END;
    END IF;
    RETURN obstacle;
END
$$;
COMMENT ON FUNCTION headcount.tracking_obstacle(text, headcount.source, boolean) IS
    'internal: why changes of a table of a source cannot be logged by triggers, NULL where they can';

-- Makes the triggers that are missing on the tables of a source, or says that it is tracked by window.
CREATE FUNCTION headcount.start_tracking(name text, options headcount.source) RETURNS regclass[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    obstacle text;
    relation regclass;
    relations regclass[];
BEGIN
    IF options.tracking = 'window' THEN
        RETURN NULL;
    END IF;
    obstacle := coalesce(headcount.tracking_obstacle(name, options, false),
                         CASE WHEN options.denials IS NOT NULL THEN headcount.tracking_obstacle(name, options, true) END);
    IF obstacle IS NOT NULL AND options.tracking = 'trigger' THEN
        PERFORM headcount.raise_argument_error('tracking', 'trigger is not possible', '0A000', detail => format('%s.', obstacle),
            hint => 'Track the source by window.');
    ELSIF obstacle IS NOT NULL THEN
        RAISE NOTICE 'source "%" is tracked by window: %', name, obstacle;
        RETURN NULL;
    END IF;
    PERFORM headcount.make_trigger_function(name, options, false);
    FOR relation IN SELECT * FROM headcount.relation_tree(options.sessions) LOOP
        PERFORM headcount.create_triggers(name, relation, false);
        relations := relations || relation;
    END LOOP;
    IF options.denials IS NOT NULL THEN
        PERFORM headcount.make_trigger_function(name, options, true);
        FOR relation IN SELECT * FROM headcount.relation_tree(options.denials) LOOP
            PERFORM headcount.create_triggers(name, relation, true);
            IF relation <> ALL (relations) THEN
                relations := relations || relation;
            END IF;
        END LOOP;
    END IF;
    RETURN relations;
END
$$;
COMMENT ON FUNCTION headcount.start_tracking(text, headcount.source) IS
    'internal: makes the triggers that log changes of the tables of a source and returns these tables, NULL where it is tracked by window';

-- The tables of a materialized source, before its views.
CREATE FUNCTION headcount.make_rollup_tables(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hll constant text := headcount.hll_schema();
BEGIN
    EXECUTE format($q$CREATE TABLE %1$I.rollup_days (
        slice               "char" NOT NULL,
        server              text COLLATE pg_catalog."C",
        day                 date NOT NULL,
        used                headcount.user_set NOT NULL,
        denied              headcount.user_set NOT NULL,
        denials             integer NOT NULL,
        concurrent_hosts    integer NOT NULL,
        concurrent_hosts_at timestamptz,
        concurrent_users    integer,
        used_sketch         %2$s.hll,
        denied_sketch       %2$s.hll)$q$, name, hll);
    EXECUTE format('CREATE INDEX ON %I.rollup_days (slice, day)', name);
    EXECUTE format('CREATE TABLE %I.rollup_users (name text COLLATE pg_catalog."C" NOT NULL, number integer NOT NULL)', name);
    -- of any length, which a B-tree does not take; unique because refreshes come one after the other
    EXECUTE format('CREATE INDEX ON %I.rollup_users USING hash (name)', name);
    EXECUTE format('CREATE TABLE %I.rollup_changes (from_day date NOT NULL, to_day date NOT NULL)', name);
    -- appended to by every writer: nothing may make them wait, and dead rows go early
    EXECUTE format('ALTER TABLE %I.rollup_changes SET (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 1000)', name);
    EXECUTE format('COMMENT ON TABLE %I.rollup_days IS %L', name, 'the stored days of the source; its views read them');
    EXECUTE format('COMMENT ON COLUMN %I.rollup_days.slice IS %L', name, 'what the row is about: a all servers, r realtime servers, s one server');
    EXECUTE format('COMMENT ON TABLE %I.rollup_users IS %L', name, 'the numbers that the users have in the sets of rollup_days');
    EXECUTE format('COMMENT ON TABLE %I.rollup_changes IS %L', name, 'days that changed since they were stored, as triggers logged them');
END
$$;
COMMENT ON FUNCTION headcount.make_rollup_tables(text) IS 'internal: makes the tables of a materialized source';

-- The runs of stored days that logged changes are about: [from_day, to_day).
CREATE FUNCTION headcount.make_dirty_view(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount.make_view(name, 'rollup_dirty', format($q$
SELECT lower(d.days) AS from_day, upper(d.days) AS to_day,
       lower(d.days)::timestamp AT TIME ZONE %2$L AS from_at, upper(d.days)::timestamp AT TIME ZONE %2$L AS to_at
FROM unnest((SELECT range_agg(daterange(greatest(c.from_day, k.frozen_before), least(c.to_day, k.live_day - 1), '[]'::text))
             FROM (SELECT r.frozen_before, headcount.live_day(r.sessions_view) AS live_day
                   FROM headcount.rollup AS r WHERE r.sessions_view = %3$L::regclass OFFSET 0) AS k
                  JOIN %1$I.rollup_changes AS c ON c.from_day < k.live_day AND c.to_day >= k.frozen_before
                                                   AND k.frozen_before < k.live_day)) AS d (days)$q$,
        name, options.time_zone, format('%I.sessions', name)),
        'the runs of stored days that changed since they were stored');
END
$$;
COMMENT ON FUNCTION headcount.make_dirty_view(text, headcount.source) IS
    'internal: makes the view of the stored days of a source that changed since';

CREATE FUNCTION headcount.hll_schema() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hll text;
BEGIN
    SELECT quote_ident(n.nspname) INTO hll
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'hll';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'extension "hll" is not installed' USING ERRCODE = 'undefined_object';
    END IF;
    RETURN hll;
END
$$;
COMMENT ON FUNCTION headcount.hll_schema() IS 'internal: the quoted name of the schema of postgresql-hll';
