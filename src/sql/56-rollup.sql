-- What is stored of a materialized source, and the triggers that keep it exact.
--
--   headcount.rollup          a row for each materialized source: up to which day its days are stored (the frontier)
--   <source>.rollup_days      a row for each stored day with something: sets of users, peaks, sketches
--   <source>.rollup_users     the numbers of users that the sets are of, in lists of some dozens (src/core/sets/dictionary_page.hpp)
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
    user_buckets       integer NOT NULL DEFAULT 1,
    packed_users       integer NOT NULL DEFAULT 0,
    relations          regclass[],
    trigger_tag        text UNIQUE,
    logged_sessions    text[],
    logged_denials     text[],
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
COMMENT ON COLUMN headcount.rollup.user_buckets IS 'among how many buckets the lists of users are shared out';
COMMENT ON COLUMN headcount.rollup.packed_users IS 'how many users there were when each bucket was made one list';
COMMENT ON COLUMN headcount.rollup.trigger_tag IS 'by which the triggers on these tables know the source, whatever it is renamed to';
COMMENT ON COLUMN headcount.rollup.logged_sessions IS 'how these triggers read a row of the sessions: expressions that headcount wrote, like those in logged_denials';
COMMENT ON COLUMN headcount.rollup.relations IS 'the tables and partitions whose changes are logged by triggers; NULL where the source is tracked by window';
SELECT pg_catalog.pg_extension_config_dump('headcount.rollup',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) sessions_view)');
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON headcount.rollup
    FOR EACH ROW EXECUTE FUNCTION headcount.guard_source();
COMMENT ON TRIGGER guard ON headcount.rollup IS 'only the owner of a source''s views may write its row';
CALL headcount.grant_writing('headcount.rollup');

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

CREATE FUNCTION headcount.log_changes() RETURNS trigger
    AS 'MODULE_PATHNAME', 'headcount_log_changes' LANGUAGE C;
COMMENT ON FUNCTION headcount.log_changes() IS
    'internal: logs the days that a statement changed, for the source that its arguments tell';

-- How triggers read the rows of a table: the name of the table in the expressions, the time zone; the user, host, server,
-- start, end and the condition of a row; how long before and after a false denial a session may
-- start, in microseconds, -1 where they are not looked for.
--
-- The end is the one that a session has once all its days are over, which is what stored days know of it.
CREATE FUNCTION headcount.logged_columns(options headcount.source, of_denials boolean) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation  constant regclass := CASE WHEN of_denials THEN options.denials ELSE options.sessions END;
    the_table constant text := (SELECT c.relname FROM pg_class AS c WHERE c.oid = relation);
    zone      constant text := options.time_zone;
    looks     constant boolean := options.false_denial_before IS NOT NULL AND NOT of_denials;
    e_user    record;
    e_host    record;
    e_server  record;
    e_start   record;
    e_end     record;
    e_seen    record;
    e_when    record;
    e_same    record := headcount.typed_expression('user_identity', 'headcount.identity_input', options.user_identity, 'text', zone);
    the_user  text;
    the_end   text;
BEGIN
    IF of_denials THEN
        e_user := headcount.typed_expression('denied_user', relation, options.denied_user, 'text', zone);
        e_host := headcount.typed_expression('denied_host', relation, options.denied_host, 'text', zone);
        e_server := headcount.typed_expression('denied_server', relation, options.denied_server, 'text', zone);
        e_start := headcount.typed_expression('denied_at', relation, options.denied_at, 'time', zone);
        e_when := headcount.typed_expression('denied_when', relation, options.denied_when, 'boolean', zone);
        the_end := e_start.sql;
    ELSE
        e_user := headcount.typed_expression('user_name', relation, options.user_name, 'text', zone);
        e_host := headcount.typed_expression('host', relation, options.host, 'text', zone);
        e_server := headcount.typed_expression('server', relation, options.server, 'text', zone);
        e_start := headcount.typed_expression('started_at', relation, options.started_at, 'time', zone);
        e_end := headcount.typed_expression('ended_at', relation, options.ended_at, 'time', zone);
        e_seen := headcount.typed_expression('last_seen', relation, options.last_seen, 'time', zone);
        e_when := headcount.typed_expression('sessions_when', relation, options.sessions_when, 'boolean', zone);
        the_end := e_end.sql;
        IF options.idle_limit IS NOT NULL THEN
            the_end := format($q$CASE WHEN %1$s < 'infinity'::timestamptz THEN %1$s
                ELSE greatest(%2$s + '00:00:00.000001'::interval, coalesce(%3$s, %2$s) + %4$L::interval) END$q$,
                e_end.sql, e_start.sql, e_seen.sql, options.idle_limit);
        END IF;
    END IF;
    the_user := e_user.sql;
    IF options.user_identity IS NOT NULL THEN
        the_user := headcount.replace_user_name(e_same.sql, format('(%s)', e_user.sql));
    END IF;
    RETURN ARRAY[the_table, zone, the_user, e_host.sql, e_server.sql, e_start.sql, the_end, e_when.sql,
        CASE WHEN looks THEN (extract(epoch FROM options.false_denial_before) * 1000000)::bigint ELSE -1 END::text,
        CASE WHEN looks THEN (extract(epoch FROM options.false_denial_after) * 1000000)::bigint ELSE -1 END::text];
END
$$;
COMMENT ON FUNCTION headcount.logged_columns(headcount.source, boolean) IS
    'internal: how the triggers on one table of a source read its rows';

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

-- The triggers that log changes, by what they are told, not by their names, which can be changed. A table with both
-- sessions and denials has two of each kind.
CREATE VIEW headcount.tracking_trigger AS
SELECT t.tgrelid::regclass AS relation, t.tgname AS name, a.arguments[1] AS tag, a.arguments[2] AS part,
       CASE WHEN t.tgtype & 1 <> 0 THEN 'row' WHEN t.tgtype & 4 <> 0 THEN 'insert' WHEN t.tgtype & 8 <> 0 THEN 'delete'
            WHEN t.tgtype & 16 <> 0 THEN 'update' ELSE 'truncate' END AS event,      -- as catalog/pg_trigger.h has them
       t.tgenabled AS enabled, t.tgqual IS NOT NULL AS is_conditional
FROM pg_catalog.pg_trigger AS t CROSS JOIN LATERAL pg_catalog.string_to_array(pg_catalog.encode(t.tgargs, 'escape'), '\000'::text) AS a (arguments)
WHERE t.tgfoid OPERATOR(pg_catalog.=) 'headcount.log_changes()'::pg_catalog.regprocedure;
COMMENT ON VIEW headcount.tracking_trigger IS 'internal: the triggers that log changes of the tables of materialized sources';
GRANT SELECT ON headcount.tracking_trigger TO PUBLIC;

-- The triggers on one table: one for each kind of statement, fired whatever session_replication_role says, and one for
-- rows that a subscription applies, which fires no others.
CREATE FUNCTION headcount.create_triggers(tag text, options headcount.source, relation regclass, of_denials boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    the_table constant text := headcount.relation_name(relation);
    is_leaf   constant boolean := (SELECT c.relkind = 'r' FROM pg_class AS c WHERE c.oid = relation);
    part      constant text := CASE WHEN of_denials THEN 'denials' ELSE 'sessions' END;
    event        text;
    trigger_name text;
BEGIN
    FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ROW'] LOOP
        CONTINUE WHEN event = 'ROW' AND NOT is_leaf;
        trigger_name := format('headcount_%s_%s_%s', tag, part, lower(event));
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION headcount.log_changes(%L, %L)', trigger_name,
            CASE WHEN event = 'ROW' THEN 'INSERT OR UPDATE OR DELETE' ELSE event END, the_table,
            CASE event WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
                       WHEN 'UPDATE' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT'
                       WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT'
                       WHEN 'ROW' THEN 'FOR EACH ROW'
                       ELSE 'FOR EACH STATEMENT' END, tag, part);
        EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', the_table,
                       CASE WHEN event = 'ROW' THEN 'REPLICA' ELSE 'ALWAYS' END, trigger_name);
        EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, the_table,
                       'logs changed days for a materialized source of headcount');
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.create_triggers(text, headcount.source, regclass, boolean) IS
    'internal: makes the triggers that log changes of one table for a source';

CREATE FUNCTION headcount.drop_triggers(tag text, from_relation regclass DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_trigger record;
BEGIN
    FOR found_trigger IN
        SELECT t.name, t.relation
        FROM headcount.tracking_trigger AS t
        WHERE t.tag = drop_triggers.tag AND (from_relation IS NULL OR t.relation = from_relation)
    LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', found_trigger.name, headcount.relation_name(found_trigger.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.drop_triggers(text, regclass) IS
    'internal: drops the triggers that log changes for a source, on one table or on all';

-- Triggers of sources that are no more, such as a dump of the schema alone brings along: they do nothing.
CREATE FUNCTION headcount.drop_orphaned_triggers(from_relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    orphan record;
BEGIN
    FOR orphan IN
        SELECT t.name
        FROM headcount.tracking_trigger AS t
        WHERE t.relation = from_relation AND NOT EXISTS (SELECT FROM headcount.rollup AS r WHERE r.trigger_tag = t.tag)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', orphan.name, headcount.relation_name(from_relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.drop_orphaned_triggers(regclass) IS
    'internal: drops the triggers on a table that belong to no source any more';

-- Why the changes of a table cannot be logged by triggers, NULL where they can, or where there is no such table.
CREATE FUNCTION headcount.tracking_obstacle(options headcount.source, of_denials boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation constant regclass := CASE WHEN of_denials THEN options.denials ELSE options.sessions END;
    obstacle text;
BEGIN
    IF relation IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT CASE WHEN c.relkind NOT IN ('r', 'p') THEN format('"%s" is not an ordinary or partitioned table', c.relname)
                WHEN c.relpersistence <> 'p' THEN format('"%s" is unlogged, so a crash empties it', c.relname)
                WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN format('"%s" belongs to another role', c.relname)
                WHEN row_security_active(c.oid) THEN format('"%s" has row level security that applies to the owner of the source', c.relname) END
    INTO obstacle
    FROM headcount.relation_tree(relation) AS t (oid) JOIN pg_class AS c ON c.oid = t.oid
    ORDER BY 1 NULLS LAST LIMIT 1;
    IF obstacle IS NOT NULL THEN
        RETURN obstacle;
    END IF;
    BEGIN
        SELECT format('"%s" has %s', a.expression, headcount_internal.expression_obstacle(a.relation, a.expression)) INTO obstacle
        FROM (VALUES (options.sessions, options.user_name, false), (options.sessions, options.host, false), (options.sessions, options.server, false),
                     (options.sessions, options.started_at, false), (options.sessions, options.ended_at, false),
                     (options.sessions, options.last_seen, false), (options.sessions, options.sessions_when, false),
                     ('headcount.identity_input', options.user_identity, of_denials),
                     (options.denials, options.denied_user, true), (options.denials, options.denied_host, true),
                     (options.denials, options.denied_server, true), (options.denials, options.denied_at, true),
                     (options.denials, options.denied_when, true)) AS a (relation, expression, of_denials)
        WHERE a.of_denials = tracking_obstacle.of_denials AND headcount_internal.expression_obstacle(a.relation, a.expression) IS NOT NULL
        LIMIT 1;
        PERFORM headcount.logged_columns(options, of_denials);
    EXCEPTION WHEN OTHERS THEN
        obstacle := SQLERRM;
    END;
    RETURN obstacle;
END
$$;
COMMENT ON FUNCTION headcount.tracking_obstacle(headcount.source, boolean) IS
    'internal: why changes of a table of a source cannot be logged by triggers, NULL where they can';

CREATE FUNCTION headcount.tracking_obstacle(options headcount.source) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(headcount.tracking_obstacle(options, false), headcount.tracking_obstacle(options, true));
END
$$;
COMMENT ON FUNCTION headcount.tracking_obstacle(headcount.source) IS
    'internal: why changes of the tables of a source cannot be logged by triggers, NULL where they can';

CREATE FUNCTION headcount.create_all_triggers(tag text, options headcount.source) RETURNS regclass[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relations regclass[] := '{}';
    relation  regclass;
BEGIN
    FOR relation IN SELECT * FROM headcount.relation_tree(options.sessions) LOOP
        PERFORM headcount.create_triggers(tag, options, relation, false);
        relations := relations || relation;
    END LOOP;
    FOR relation IN SELECT * FROM headcount.relation_tree(options.denials) LOOP
        PERFORM headcount.create_triggers(tag, options, relation, true);
        IF relation <> ALL (relations) THEN
            relations := relations || relation;
        END IF;
    END LOOP;
    RETURN relations;
END
$$;
COMMENT ON FUNCTION headcount.create_all_triggers(text, headcount.source) IS
    'internal: makes the triggers on all tables and partitions of a source, and returns these';

-- Makes the row in headcount.rollup, and the triggers unless the source is tracked by window.
CREATE FUNCTION headcount.start_rollup(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tag       constant text := left(md5(gen_random_uuid()::text), 12);
    relations regclass[];
    obstacle  constant text := CASE WHEN options.tracking = 'window' THEN 'it was asked for' ELSE headcount.tracking_obstacle(options) END;
BEGIN
    IF obstacle IS NULL THEN
        PERFORM headcount.drop_orphaned_triggers(t.oid)
        FROM (SELECT headcount.relation_tree(options.sessions) UNION SELECT headcount.relation_tree(options.denials)) AS t (oid);
        relations := headcount.create_all_triggers(tag, options);
    ELSIF options.tracking = 'trigger' THEN
        PERFORM headcount.raise_argument_error('tracking', 'trigger is not possible', '0A000', detail => format('%s.', obstacle),
            hint => 'Track the source by window.');
    ELSIF options.tracking = 'auto' THEN
        RAISE NOTICE 'source "%" is tracked by window: %', name, obstacle;
    END IF;
    INSERT INTO headcount.rollup (sessions_view, relations, trigger_tag, logged_sessions, logged_denials)
    VALUES (options.sessions_view, relations, CASE WHEN obstacle IS NULL THEN tag END,
            CASE WHEN obstacle IS NULL THEN headcount.logged_columns(options, false) END,
            CASE WHEN obstacle IS NULL AND options.denials IS NOT NULL THEN headcount.logged_columns(options, true) END);
END
$$;
COMMENT ON FUNCTION headcount.start_rollup(text, headcount.source) IS
    'internal: begins to keep track of the tables of a source, by triggers where that can be';

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
    EXECUTE format('CREATE TABLE %I.rollup_users (bucket integer NOT NULL, list bytea NOT NULL)', name);
    EXECUTE format('CREATE INDEX ON %I.rollup_users (bucket)', name);
    EXECUTE format('CREATE TABLE %I.rollup_changes (from_day date NOT NULL, to_day date NOT NULL)', name);
    -- appended to by every writer: nothing may make them wait, and dead rows go early
    EXECUTE format('ALTER TABLE %I.rollup_changes SET (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 1000)', name);
    -- for publications of all tables
    EXECUTE format('ALTER TABLE %I.rollup_days REPLICA IDENTITY FULL', name);
    EXECUTE format('ALTER TABLE %I.rollup_users REPLICA IDENTITY FULL', name);
    EXECUTE format('ALTER TABLE %I.rollup_changes REPLICA IDENTITY FULL', name);
    EXECUTE format('COMMENT ON TABLE %I.rollup_days IS %L', name, 'the stored days of the source; its views read them');
    EXECUTE format('COMMENT ON COLUMN %I.rollup_days.slice IS %L', name, 'what the row is about: a all servers, r realtime servers, s one server');
    EXECUTE format('COMMENT ON TABLE %I.rollup_users IS %L', name, 'the numbers that the users have in the sets of rollup_days: lists for headcount_internal.user_names');
    EXECUTE format('COMMENT ON TABLE %I.rollup_changes IS %L', name, 'days that changed since they were stored, as triggers logged them');
END
$$;
COMMENT ON FUNCTION headcount.make_rollup_tables(text) IS 'internal: makes the tables of a materialized source';

-- Some days as runs, of which there are not too many: a query reads the sessions of each run on its own. Beyond the limit
-- gaps are filled, the narrow ones first, and what lies in them is computed without need.
CREATE FUNCTION headcount.few_runs(days datemultirange) RETURNS datemultirange
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_runs constant integer := 16;
    span constant datemultirange := datemultirange(range_merge(days));
    gap  integer := 1;
BEGIN
    WHILE (SELECT count(*) FROM unnest(days)) > most_runs LOOP
        gap := 2 * gap;
        days := span * (SELECT range_agg(daterange(lower(d), upper(d) + gap)) FROM unnest(days) AS d);
    END LOOP;
    RETURN days;
END
$$;
COMMENT ON FUNCTION headcount.few_runs(datemultirange) IS 'internal: some days, and where they are too scattered more';

-- ROWS is what the planner shall expect: for the 100 of unnest() it would have the query compiled first.
CREATE FUNCTION headcount.day_runs(days datemultirange, time_zone text)
RETURNS TABLE (from_day date, to_day date, from_at timestamptz, to_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10 ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT isempty(days) THEN
        RETURN QUERY
        SELECT lower(d), upper(d), lower(d)::timestamp AT TIME ZONE time_zone, upper(d)::timestamp AT TIME ZONE time_zone
        FROM unnest(headcount.few_runs(days)) AS d;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.day_runs(datemultirange, text) IS
    'internal: runs of days, [from_day, to_day), and when they begin and end in a time zone';

-- The runs of stored days that logged changes are about.
CREATE FUNCTION headcount.make_dirty_view(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount.make_view(name, 'rollup_dirty', format($q$
SELECT d.from_day, d.to_day, d.from_at, d.to_at
FROM headcount.day_runs((
         SELECT range_agg(daterange(greatest(c.from_day, k.frozen_before), least(c.to_day, k.live_day - 1), '[]'::text))
         FROM (SELECT r.frozen_before, headcount.live_day(r.sessions_view) AS live_day
               FROM headcount.rollup AS r WHERE r.sessions_view = %3$L::regclass OFFSET 0) AS k
              JOIN %1$I.rollup_changes AS c ON c.from_day < k.live_day AND c.to_day >= k.frozen_before
                                               AND k.frozen_before < k.live_day), %2$L::text) AS d$q$,
        name, options.time_zone, format('%I.sessions', name)),
        'the runs of stored days that changed since they were stored');
END
$$;
COMMENT ON FUNCTION headcount.make_dirty_view(text, headcount.source) IS
    'internal: makes the view of the stored days of a source that changed since';
