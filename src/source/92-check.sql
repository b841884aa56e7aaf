-- check: what is missing or slow about a source, each with the statement that mends it.

-- For owners of the source. Nothing that they wrote is run but by create_indexes, as the owner.
CREATE FUNCTION headcount.check(source text) RETURNS TABLE (subject text, finding text, statement text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
#variable_conflict use_column
DECLARE
    many_rows   constant integer := 100000;      -- of the log: reading a view takes tens of milliseconds more
    asked       constant headcount_internal.source := headcount_internal.find_own_source(source);
    tables      constant regclass[] := array_remove(ARRAY[asked.sessions, asked.denials], NULL);
    refresh     constant text := format('CALL headcount.refresh(%L)', source);
    counts      boolean;      -- whether what is stored is read
    is_unlogged boolean;      -- whether changes may be missed that its triggers should log
    obstacle    text;
    status      record;
BEGIN
    IF asked.sessions IS NULL THEN
        RETURN QUERY SELECT 'definition', 'The view session_rows is not what headcount made, so nothing stored counts.'::text,
            format('SELECT headcount.alter_source(%L, sessions => ...)', source);
        RETURN;
    END IF;

    -- the tables
    RETURN QUERY SELECT 'index', format('Reading %s takes longer than with this index.', CASE WHEN i LIKE '%duration_class%' THEN 'what was long ago' ELSE 'some sessions or denials' END), i
                 FROM headcount.create_indexes(source, dry_run => true) AS i;
    RETURN QUERY SELECT 'statistics', format('%s was never analyzed: plans are made without knowing it.', t), format('ANALYZE %s', headcount_internal.relation_name(t))
                 FROM unnest(ARRAY[asked.definition, asked.denial_definition]) AS d CROSS JOIN LATERAL headcount_internal.definition_table(d) AS t
                 WHERE EXISTS (SELECT FROM headcount_internal.source_tables(d) AS p (oid) JOIN pg_class AS c ON c.oid = p.oid
                               WHERE c.relkind = 'r' AND c.reltuples < 0 AND pg_relation_size(c.oid) > 0);
    RETURN QUERY SELECT 'statistics', format('%s has an index on an expression without statistics.', t), format('ANALYZE %s', headcount_internal.relation_name(t))
                 FROM unnest(tables) AS t
                 WHERE EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
                               WHERE i.indrelid = t AND i.indexprs IS NOT NULL AND c.reltuples > 0 AND pg_has_role(c.relowner, 'USAGE')      -- who may see statistics, and ANALYZE
                                 AND NOT EXISTS (SELECT FROM pg_class AS x JOIN pg_namespace AS n ON n.oid = x.relnamespace
                                                      JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = x.relname WHERE x.oid = i.indexrelid));

    -- stored days
    IF NOT asked.materialized THEN
        IF (SELECT sum(greatest(c.reltuples, 0)) FROM headcount_internal.source_tables(asked.definition) AS t (oid) JOIN pg_class AS c ON c.oid = t.oid) > 1e6 THEN
            RETURN QUERY SELECT 'stored days', 'Its reports are computed from more than a million rows at each read.'::text,
                format('SELECT headcount.alter_source(%1$L, materialized => true); CALL headcount.refresh(%1$L)', source);
        END IF;
    ELSE
        SELECT s.* INTO status FROM headcount.source_status AS s WHERE s.source = $1;
        counts := headcount_internal.stored_counts(asked.state);
        is_unlogged := headcount_internal.is_tracked(asked.state) AND NOT headcount_internal.misses_nothing(asked);
        IF NOT headcount_internal.is_tracked(asked.state) THEN
            obstacle := headcount_internal.tracking_obstacle(asked);
            RETURN QUERY SELECT 'tracking', format('It is tracked by window: changes before the last %s days are not noticed. %s', asked.tracking_days,
                                                   coalesce('The reason: ' || obstacle || '.', 'Triggers would do.')),
                                CASE WHEN obstacle IS NULL THEN format('SELECT headcount.alter_source(%L, tracking => %L)', source, 'trigger')
                                     ELSE format('SELECT headcount.invalidate(%L, ..., ...)', source) END;
        ELSIF is_unlogged THEN
            RETURN QUERY SELECT 'tracking', format('%s: %s.', f.expected, f.found), format('CALL headcount.rebuild(%L)', source) FROM headcount_internal.tracking_faults(asked) AS f ORDER BY f.expected, f.found;
            IF NOT FOUND THEN
                RETURN QUERY SELECT 'tracking', 'Changes may not be logged as its definition is now, so nothing stored counts.'::text, refresh;
            END IF;
        END IF;
        IF NOT counts AND NOT is_unlogged AND status.last_refresh IS NOT NULL THEN
            RETURN QUERY SELECT 'stored days', 'Its definition, tables, triggers or time zone are not what they were when its days were stored, so these are computed at each read.'::text, refresh;
        END IF;
        IF NOT asked.exact THEN
            RETURN QUERY SELECT 'approximate', 'Its days are stored as sketches: total users, once there are more than some 160, are estimates, as column approximate says.'::text,
                format('SELECT headcount.alter_source(%1$L, exact => true); CALL headcount.refresh(%1$L)', source);
        END IF;
        IF status.last_error IS NOT NULL THEN
            RETURN QUERY SELECT 'refresh', format('The last refresh failed: %s', status.last_error), refresh;
        END IF;
        IF status.last_refresh IS NULL THEN
            RETURN QUERY SELECT 'refresh', 'It was never refreshed: nothing is stored.'::text, refresh;
        ELSIF counts AND (status.stored_until IS NULL OR status.stored_until < now() - interval '1 day' - make_interval(days => CASE WHEN headcount_internal.is_tracked(asked.state) THEN 0 ELSE asked.tracking_days END)) THEN
            RETURN QUERY SELECT 'refresh', format('What is stored ends more than a day ago; the last refresh was on %s.', to_char(status.last_refresh AT TIME ZONE asked.time_zone, 'YYYY-MM-DD HH24:MI')), refresh;
        ELSIF status.log_rows > many_rows THEN
            RETURN QUERY SELECT 'refresh', format('%s changes are logged since the last refresh, which each read looks through.', status.log_rows), refresh;
        END IF;
        IF status.schedule IS NULL THEN
            RETURN QUERY SELECT 'schedule',
                CASE WHEN headcount_internal.has_cron() THEN 'pg_cron does not refresh it.'
                     ELSE 'Nobody is known to refresh it: pg_cron is not installed here. Let another scheduler do it.' END,
                CASE WHEN headcount_internal.has_cron() THEN format('SELECT headcount.schedule_refresh(%L)', source) ELSE refresh END;
        END IF;
    END IF;

    -- the server
    RETURN QUERY SELECT 'version', format('The library is of version %s, what is installed of version %s.', headcount.version(), e.extversion), 'ALTER EXTENSION headcount UPDATE'::text
                 FROM pg_extension AS e WHERE e.extname = 'headcount' AND e.extversion <> headcount.version();
    IF pg_jit_available() AND current_setting('jit')::boolean THEN
        RETURN QUERY SELECT 'jit', 'PostgreSQL may compile reports, which takes longer than to run them.'::text, format('ALTER DATABASE %I SET jit = off', current_database());
    END IF;
    IF current_setting('dynamic_shared_memory_type') <> 'posix' THEN
        RETURN QUERY SELECT 'shared memory', 'The processes of a parallel report share memory only if dynamic_shared_memory_type is posix.'::text,
            'ALTER SYSTEM SET dynamic_shared_memory_type = posix'::text;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check(text) IS
    'what is missing or slow about one''s own source: indexes, statistics, stored days, tracking, refreshes, their schedule, versions, settings of the server; each with a statement that mends it';
