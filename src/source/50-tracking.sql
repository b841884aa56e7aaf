-- How changes of the user's tables get into the invalidation log: triggers, and what is registered of them.

-- The triggers that log changes; definition is NULL for those that belong to no source, such as a dump brings along.
CREATE VIEW headcount_internal.tracking_trigger AS
SELECT t.oid AS trigger, t.tgrelid::regclass AS relation, t.tgname AS name,
       (SELECT d.refobjid::regclass FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid AND c.relkind = 'v'
        WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
          AND d.refobjid <> t.tgrelid AND d.deptype = 'a') AS definition,
       CASE WHEN t.tgtype & 1 <> 0 THEN 'row' WHEN t.tgtype & 4 <> 0 THEN 'insert' WHEN t.tgtype & 8 <> 0 THEN 'delete'
            WHEN t.tgtype & 16 <> 0 THEN 'update' ELSE 'truncate' END AS event,      -- as catalog/pg_trigger.h has them
       t.tgenabled AS enabled, t.tgqual IS NOT NULL AS is_conditional
FROM pg_catalog.pg_trigger AS t
WHERE t.tgfoid OPERATOR(pg_catalog.=) 'headcount_internal.log_changes()'::pg_catalog.regprocedure;
COMMENT ON VIEW headcount_internal.tracking_trigger IS 'the triggers that log changes of the tables of materialized sources';
COMMENT ON COLUMN headcount_internal.tracking_trigger.definition IS 'the view session_rows or denial_rows of the source; NULL if the trigger belongs to none';
GRANT SELECT ON headcount_internal.tracking_trigger TO PUBLIC;

-- The tables of a materialized source, before its views.
CREATE FUNCTION headcount_internal.make_rollup_tables(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    slice_key  constant text := headcount_internal.slice_key('slice');
    table_name text;
BEGIN
    EXECUTE format('CREATE TABLE %I.rollup_state OF headcount_internal.rollup_state (PRIMARY KEY (definition))', name);
    EXECUTE format('CREATE TABLE %I.rollup_days OF headcount_internal.rollup_day
        (scope NOT NULL, day NOT NULL, used NOT NULL, denied NOT NULL, denials NOT NULL, concurrent_hosts NOT NULL, new_users NOT NULL,
         used_count NOT NULL, denied_count NOT NULL, daily_count NOT NULL, new_count NOT NULL, window_count NOT NULL)', name);
    EXECUTE format('CREATE INDEX ON %I.rollup_days (scope, day)', name);
    EXECUTE format('CREATE INDEX ON %I.rollup_days (scope, %s, day) WHERE scope <> %L AND scope <> %L', name, slice_key, 'a', 'r');
    EXECUTE format('CREATE TABLE %I.rollup_today OF headcount_internal.rollup_part
        (scope NOT NULL, from_at NOT NULL, used NOT NULL, denied NOT NULL, denials NOT NULL, concurrent_hosts NOT NULL)', name);
    EXECUTE format('CREATE INDEX ON %I.rollup_today (scope, from_at)', name);
    EXECUTE format('CREATE TABLE %I.rollup_totals OF headcount_internal.rollup_total (scope NOT NULL, seen_count NOT NULL, seen NOT NULL)', name);
    EXECUTE format('CREATE INDEX ON %I.rollup_totals (scope, %s) WHERE scope <> %L AND scope <> %L', name, slice_key, 'a', 'r');
    EXECUTE format('CREATE TABLE %I.rollup_dictionary OF headcount_internal.dictionary_page (bucket NOT NULL, page NOT NULL)', name);
    EXECUTE format('CREATE INDEX ON %I.rollup_dictionary (bucket)', name);
    EXECUTE format('CREATE TABLE %I.invalidation_log OF headcount_internal.invalidation (from_day NOT NULL, to_day NOT NULL)', name);
    -- appended to by every writer: nothing may make them wait, and dead rows go early
    EXECUTE format('ALTER TABLE %I.invalidation_log SET (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 1000)', name);
    -- for publications of all tables
    FOREACH table_name IN ARRAY ARRAY['rollup_days', 'rollup_today', 'rollup_totals', 'rollup_dictionary', 'invalidation_log'] LOOP
        EXECUTE format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', name, table_name);
    END LOOP;
    EXECUTE format('COMMENT ON TABLE %I.rollup_state IS %L', name, 'how far the days of the source are stored; read it through headcount.source_status');
    EXECUTE format('COMMENT ON TABLE %I.rollup_days IS %L', name, 'the stored days of the source; its views read them');
    EXECUTE format('COMMENT ON TABLE %I.rollup_today IS %L', name, 'what is over of the day that is not stored yet, in parts; the views read them');
    EXECUTE format('COMMENT ON TABLE %I.rollup_totals IS %L', name, 'all users of the stored days');
    EXECUTE format('COMMENT ON TABLE %I.rollup_dictionary IS %L', name, 'the numbers that the users have in the sets of rollup_days');
    EXECUTE format('COMMENT ON TABLE %I.invalidation_log IS %L', name, 'days that changed since they were stored, as triggers logged them');
END
$$;
COMMENT ON FUNCTION headcount_internal.make_rollup_tables(text) IS 'makes the tables of a materialized source';

-- What there is of them, without a word about the rest.
CREATE FUNCTION headcount_internal.drop_rollup_tables(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS %1$I.live_denials, %1$I.live_sessions, %1$I.stored_days, %1$I.dirty_days', name);
    EXECUTE format('DROP TABLE IF EXISTS %1$I.rollup_days, %1$I.rollup_today, %1$I.rollup_totals, %1$I.rollup_dictionary, %1$I.invalidation_log, %1$I.rollup_state', name);
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_rollup_tables(text) IS 'drops the tables of a source that no view of it reads any more';

CREATE FUNCTION headcount_internal.microseconds(span interval) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((extract(epoch FROM span) * 1000000)::bigint, -1)
$$;
COMMENT ON FUNCTION headcount_internal.microseconds(interval) IS 'a limit in microseconds, -1 for none';

-- The triggers on one table: one for each kind of statement, fired whatever session_replication_role says, and one for
-- rows that a subscription applies, which fires no others.
CREATE FUNCTION headcount_internal.create_triggers(name text, source headcount_internal.source, relation regclass, of_denials boolean) RETURNS oid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tag        constant text := left(md5(gen_random_uuid()::text), 12);
    the_table  constant text := headcount_internal.relation_name(relation);
    is_leaf    constant boolean := (SELECT c.relkind = 'r' FROM pg_class AS c WHERE c.oid = relation);
    log        regclass;
    arguments  constant text := format('%L, %L, %L, %L', source.time_zone,
        CASE WHEN of_denials THEN -1 ELSE headcount_internal.microseconds(source.idle_limit) END,
        CASE WHEN of_denials THEN -1 ELSE headcount_internal.microseconds(source.false_denial_before) END,
        CASE WHEN of_denials THEN -1 ELSE headcount_internal.microseconds(source.false_denial_after) END);
    event        text;
    trigger_name text;
    made         oid;
    triggers     oid[] := '{}';
BEGIN
    EXECUTE format('SELECT r.log FROM %I.rollup_state AS r', name) INTO log;
    FOREACH event IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ROW'] LOOP
        CONTINUE WHEN event = 'ROW' AND NOT is_leaf;
        trigger_name := format('headcount_%s_%s_%s', tag, CASE WHEN of_denials THEN 'denials' ELSE 'sessions' END, lower(event));
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s EXECUTE FUNCTION headcount_internal.log_changes(%s)', trigger_name,
            CASE WHEN event = 'ROW' THEN 'INSERT OR UPDATE OR DELETE' ELSE event END, the_table,
            CASE event WHEN 'INSERT' THEN 'REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
                       WHEN 'UPDATE' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT'
                       WHEN 'DELETE' THEN 'REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT'
                       WHEN 'ROW' THEN 'FOR EACH ROW'
                       ELSE 'FOR EACH STATEMENT' END, arguments);
        EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', the_table,
                       CASE WHEN event = 'ROW' THEN 'REPLICA' ELSE 'ALWAYS' END, trigger_name);
        EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', trigger_name, the_table, 'logs changed days for a materialized source of headcount');
        made := (SELECT t.oid FROM pg_trigger AS t WHERE t.tgrelid = relation AND t.tgname = trigger_name);
        PERFORM headcount_internal.link_trigger(made, CASE WHEN of_denials THEN source.denial_definition ELSE source.definition END, log, source.state);
        triggers := triggers || made;
    END LOOP;
    RETURN triggers;
END
$$;
COMMENT ON FUNCTION headcount_internal.create_triggers(text, headcount_internal.source, regclass, boolean) IS
    'makes the triggers that log changes of one table for a source, and returns them, the first of them for INSERT';

-- Citus lets nobody drop what it let somebody distribute, unless it is told that he knows what he does.
CREATE FUNCTION headcount_internal.drop_trigger(trigger_name text, relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    on_shards constant boolean := headcount_internal.is_on_shards(relation);
    before    constant text := current_setting('citus.enable_unsafe_triggers', true);
BEGIN
    IF on_shards THEN
        PERFORM set_config('citus.enable_unsafe_triggers', 'on', true);
    END IF;
    -- PostgreSQL looks for the trigger before it has this lock, and fails where ALTER TABLE ... DISABLE TRIGGER has it meanwhile
    PERFORM headcount_internal.lock_relations(ARRAY[relation]);
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', trigger_name, headcount_internal.relation_name(relation));
    IF on_shards THEN
        PERFORM set_config('citus.enable_unsafe_triggers', before, true);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_trigger(text, regclass) IS 'drops a trigger of ours, if it is there';

-- On one table, or on all; with `also_orphans` also those that belong to no source.
CREATE FUNCTION headcount_internal.drop_triggers(source headcount_internal.source, from_relation regclass DEFAULT NULL, also_orphans boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_trigger record;
BEGIN
    FOR found_trigger IN
        SELECT t.name, t.relation
        FROM headcount_internal.tracking_trigger AS t
        WHERE (from_relation IS NULL OR t.relation = from_relation)
          AND (t.definition IN (source.definition, source.denial_definition)
               OR also_orphans AND t.definition IS NULL
                  AND t.relation IN (SELECT headcount_internal.source_tables(source.definition) UNION SELECT headcount_internal.source_tables(source.denial_definition)))
    LOOP
        PERFORM headcount_internal.drop_trigger(found_trigger.name, found_trigger.relation);
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_triggers(headcount_internal.source, regclass, boolean) IS
    'drops the triggers that log changes for a source, on one table or on all';

-- Why the changes of one of the tables of a source cannot be logged by triggers, NULL if they can.
CREATE FUNCTION headcount_internal.table_obstacle(definition regclass, owner oid) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((
        SELECT CASE WHEN c.relkind NOT IN ('r', 'p') THEN format('"%s" is not an ordinary or partitioned table', c.relname)
                    WHEN c.relpersistence <> 'p' THEN format('"%s" is unlogged, so a crash empties it', c.relname)
                    WHEN headcount_internal.is_on_shards(c.oid) THEN format('"%s" is a table of Citus, which does not tell of its changes here', c.relname)
                    WHEN NOT pg_has_role(owner, c.relowner, 'USAGE') THEN format('"%s" belongs to another role', c.relname)
                    WHEN EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid AND i.inhparent NOT IN (SELECT headcount_internal.source_tables(definition)))
                        THEN format('"%s" is part of a table that the source is not about, through which it can be written to', c.relname)
                    WHEN row_security_active(c.oid) THEN format('"%s" has row level security that applies to the owner of the source', c.relname) END
        FROM headcount_internal.source_tables(definition) AS t (oid) JOIN pg_class AS c ON c.oid = t.oid
        ORDER BY 1 NULLS LAST LIMIT 1),
        'the definition of the source cannot be followed: ' || headcount_internal.definition_obstacle(definition));
END
$$;
COMMENT ON FUNCTION headcount_internal.table_obstacle(regclass, oid) IS
    'why changes of the tables of a definition cannot be logged by triggers, NULL if they can; the caller is the owner';

CREATE FUNCTION headcount_internal.tracking_obstacle(source headcount_internal.source) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner constant oid := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = source.sessions_view);
BEGIN
    RETURN coalesce(headcount_internal.table_obstacle(source.definition, owner),
                    CASE WHEN source.denials IS NOT NULL THEN headcount_internal.table_obstacle(source.denial_definition, owner) END);
END
$$;
COMMENT ON FUNCTION headcount_internal.tracking_obstacle(headcount_internal.source) IS
    'why changes of the tables of a source cannot be logged by triggers, NULL if they can';

CREATE FUNCTION headcount_internal.create_all_triggers(name text, source headcount_internal.source) RETURNS oid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation regclass;
    triggers oid[] := '{}';
BEGIN
    FOR relation IN SELECT headcount_internal.source_tables(source.definition) LOOP
        triggers := triggers || headcount_internal.create_triggers(name, source, relation, false);
    END LOOP;
    FOR relation IN SELECT headcount_internal.source_tables(source.denial_definition) LOOP
        triggers := triggers || headcount_internal.create_triggers(name, source, relation, true);
    END LOOP;
    RETURN triggers;
END
$$;
COMMENT ON FUNCTION headcount_internal.create_all_triggers(text, headcount_internal.source) IS
    'makes the triggers on all tables and partitions of a source, and returns them';

-- The same, where whatever kind of table it is may refuse them: then there are none, and `refusal` says why. What may be otherwise a
-- moment later is no refusal.
CREATE FUNCTION headcount_internal.try_triggers(name text, source headcount_internal.source, OUT triggers oid[], OUT refusal text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    triggers := headcount_internal.create_all_triggers(name, source);
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE ~ '^(40|53|55|57|58|XX)' THEN
        RAISE;
    END IF;
    refusal := 'its triggers cannot be made: ' || SQLERRM;
END
$$;
COMMENT ON FUNCTION headcount_internal.try_triggers(text, headcount_internal.source) IS
    'makes the triggers on all tables and partitions of a source, or none and says why';

CREATE FUNCTION headcount_internal.tracked_relations(source headcount_internal.source) RETURNS regclass[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(t.relation ORDER BY t.relation)
    FROM (SELECT headcount_internal.source_tables(source.definition) UNION SELECT headcount_internal.source_tables(source.denial_definition)) AS t (relation)
$$;
COMMENT ON FUNCTION headcount_internal.tracked_relations(headcount_internal.source) IS 'the tables and partitions of a source';

CREATE FUNCTION headcount_internal.is_on_shards(source headcount_internal.source) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(headcount_internal.is_on_shards(source.sessions), false) OR coalesce(headcount_internal.is_on_shards(source.denials), false)
$$;
COMMENT ON FUNCTION headcount_internal.is_on_shards(headcount_internal.source) IS 'whether Citus keeps the rows of one of the tables of a source';

-- Registers the definition, the triggers and the tables as they are now. What is stored from here on is marked with it.
CREATE FUNCTION headcount_internal.register(name text, triggers oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source    constant headcount_internal.source := headcount_internal.look_up_source(name);
    relations constant regclass[] := CASE WHEN triggers IS NOT NULL THEN headcount_internal.tracked_relations(source) END;
BEGIN
    EXECUTE format($q$
        UPDATE %I.rollup_state AS r
        SET definition = $1, denial_definition = $2, log = coalesce(r.log, $3), relations = $4, triggers = $5,
            definition_mark = headcount_internal.definition_mark($1, $2), tracking_mark = headcount_internal.tracking_mark($5, $4),
            registered_at = clock_timestamp(), time_zone = $6, grace = $7,
            bounds_mark = headcount_internal.bounds_mark($6, r.first_day, r.watermark)$q$, name)
        USING source.definition, source.denial_definition, to_regclass(format('%I.invalidation_log', name)), relations, triggers,
              source.time_zone, greatest(headcount_internal.microseconds(source.false_denial_after), 0);
END
$$;
COMMENT ON FUNCTION headcount_internal.register(text, oid[]) IS
    'notes what a source is now, which triggers log its changes, and marks of both; no triggers if it is tracked by window';

-- Makes the row of rollup_state, and the triggers unless the source is tracked by window; says what that means.
CREATE FUNCTION headcount_internal.start_tracking(name text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source   constant headcount_internal.source := headcount_internal.look_up_source(name);
    obstacle text := CASE WHEN source.tracking = 'window' THEN 'it was asked for' ELSE headcount_internal.tracking_obstacle(source) END;
    triggers oid[];
    publications text;
BEGIN
    EXECUTE format($q$INSERT INTO %1$I.rollup_state (definition, log, watermark, frozen_before, next_user_id, dictionary_buckets, compacted_users, awaits_writers, logged_before, dictionary)
                      VALUES ($1, %2$L, '-infinity', '-infinity', 0, 1, 0, false, '-infinity', gen_random_uuid())$q$, name, format('%I.invalidation_log', name)) USING source.definition;
    IF obstacle IS NULL THEN
        PERFORM headcount_internal.drop_triggers(source, also_orphans => true);
        IF source.tracking = 'auto' THEN
            SELECT t.triggers, t.refusal INTO triggers, obstacle FROM headcount_internal.try_triggers(name, source) AS t;
        ELSE
            triggers := headcount_internal.create_all_triggers(name, source);
        END IF;
    END IF;
    IF obstacle IS NULL THEN
        NULL;
    ELSIF source.tracking = 'trigger' THEN
        PERFORM headcount_internal.raise_argument_error('tracking', 'trigger is not possible', '0A000', format('%s.', obstacle), 'Track the source by window.');
    ELSIF source.tracking = 'auto' THEN
        RAISE NOTICE 'source "%" is tracked by window: %', name, obstacle
            USING DETAIL = format('Its views compute the last %s days from the table at each read. Older days are stored, and what changes in them is not noticed.', source.tracking_days),
                  HINT = concat_ws(' ', 'Give tracking_days as many days as rows still change after, and call headcount.invalidate after changes of older ones.',
                                   headcount_internal.way_to_exactness(obstacle));
    END IF;
    SELECT string_agg(format('"%s"', p.pubname), ', ' ORDER BY p.pubname) INTO publications FROM pg_publication AS p WHERE p.puballtables;
    IF publications IS NOT NULL THEN
        RAISE NOTICE 'a publication of all tables takes those of source "%" along: %', name, publications
            USING DETAIL = 'A subscription stops at a table that its database does not have.',
                  HINT = format('Create the schema %I in the databases of the subscribers too, or publish tables by name.', name);
    END IF;
    PERFORM headcount_internal.register(name, triggers);
    RETURN format('its days are tracked by %s, and stored%s by CALL headcount.refresh(%L)', CASE WHEN obstacle IS NULL THEN 'trigger' ELSE 'window' END, CASE WHEN NOT source.exact THEN ' as sketches' END, name);
END
$$;
COMMENT ON FUNCTION headcount_internal.start_tracking(text) IS
    'begins to keep track of the tables of a source, by triggers if that can be, and says what was begun';

-- The triggers that should log changes of a source, and what is found instead; found is NULL if nothing is wrong.
CREATE FUNCTION headcount_internal.wanted_triggers(source headcount_internal.source) RETURNS TABLE (relation regclass, of_denials boolean, event text, found text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.relation, p.of_denials, e.event,
           CASE WHEN t.is_conditional THEN 'conditional'
                WHEN t.enabled = e.enabled::"char" THEN NULL
                WHEN t.enabled = 'D' THEN 'disabled'
                WHEN t.enabled = 'O' THEN 'not fired for what a subscription applies'
                WHEN t.enabled = 'R' THEN 'fired for what a subscription applies only'
                WHEN t.enabled = 'A' THEN 'fired for all'
                ELSE 'missing' END
    FROM (SELECT headcount_internal.source_tables(source.definition) AS relation, source.definition, false AS of_denials
          UNION ALL SELECT headcount_internal.source_tables(source.denial_definition), source.denial_definition, true) AS p
         JOIN pg_class AS c ON c.oid = p.relation
         JOIN (VALUES ('insert', 'A'), ('update', 'A'), ('delete', 'A'), ('truncate', 'A'), ('row', 'R')) AS e (event, enabled)
             ON e.event <> 'row' OR c.relkind = 'r'
         LEFT JOIN headcount_internal.tracking_trigger AS t ON t.relation = p.relation AND t.definition = p.definition AND t.event = e.event
$$;
COMMENT ON FUNCTION headcount_internal.wanted_triggers(headcount_internal.source) IS
    'the triggers that should log changes of a source, and what is found instead; found is NULL if nothing is wrong';

CREATE FUNCTION headcount_internal.split_columns(columns_read text[]) RETURNS TABLE (reader text, number integer, name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT left(m[3], m[2]::integer), m[1]::integer, substr(m[3], m[2]::integer + 2)
    FROM unnest(columns_read) AS u (u) CROSS JOIN LATERAL regexp_match(u.u, '^(\d+) (\d+) (.*)$') AS r (m)
$$;
COMMENT ON FUNCTION headcount_internal.split_columns(text[]) IS 'the parts of what columns_read tells';

-- Columns that were renamed while others took their names: the definition goes on with the old ones, which need not be
-- what the owner meant.
CREATE FUNCTION headcount_internal.replaced_columns(source headcount_internal.source) RETURNS TABLE (expected text, found text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%s reads column "%s"', o.reader, o.name), format('it reads column "%s", and another column has that name now', p.name)
    FROM (VALUES (source.definition, source.sessions, source.session_columns), (source.denial_definition, source.denials, source.denial_columns)) AS d (definition, relation, columns)
         CROSS JOIN LATERAL headcount_internal.split_columns(d.columns) AS o
         JOIN LATERAL headcount_internal.split_columns(headcount_internal.columns_read(d.definition)) AS p
             ON p.reader = o.reader AND p.number = o.number AND p.name <> o.name
         JOIN pg_attribute AS a ON a.attrelid = d.relation AND a.attname = o.name AND a.attnum > 0
    ORDER BY 1
$$;
COMMENT ON FUNCTION headcount_internal.replaced_columns(headcount_internal.source) IS
    'what the definition of a source reads by another name than when it was made, if another column has that name now';

-- What is wrong with these triggers; no rows if nothing is. A table without any is a new partition, or the source comes
-- from a dump: the next refresh makes them.
CREATE FUNCTION headcount_internal.tracking_faults(source headcount_internal.source) RETURNS TABLE (expected text, found text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('trigger for %s on %s', w.event, w.relation), w.found
    FROM (SELECT w.*, bool_and(w.found IS NOT DISTINCT FROM 'missing') OVER (PARTITION BY w.relation) AS has_none
          FROM headcount_internal.wanted_triggers(source) AS w) AS w
    WHERE w.found IS NOT NULL AND NOT w.has_none
    UNION ALL
    SELECT * FROM headcount_internal.replaced_columns(source)
    ORDER BY 1
$$;
COMMENT ON FUNCTION headcount_internal.tracking_faults(headcount_internal.source) IS
    'which of the triggers that should log changes of a source, and of the columns that it reads, are not as they should be';

-- The condition that what is stored of a source, and what is computed beside it, is of all its rows: none was, or will be, missed.
CREATE FUNCTION headcount_internal.misses_nothing(source headcount_internal.source) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT source.materialized
        OR headcount_internal.is_tracked(source.state)
           AND headcount_internal.definition_obstacle(source.definition) IS NULL
           AND (source.denials IS NULL OR headcount_internal.definition_obstacle(source.denial_definition) IS NULL)
           AND NOT headcount_internal.is_on_shards(source)
           AND NOT EXISTS (SELECT FROM headcount_internal.tracking_faults(source));
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END
$$;
COMMENT ON FUNCTION headcount_internal.misses_nothing(headcount_internal.source) IS
    'whether no change of the tables of a source goes unnoticed';

CREATE FUNCTION headcount_internal.is_exact(source headcount_internal.source) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT source.exact AND headcount_internal.misses_nothing(source)
$$;
COMMENT ON FUNCTION headcount_internal.is_exact(headcount_internal.source) IS
    'whether the views of a source are what a full recompute would give at every snapshot';
