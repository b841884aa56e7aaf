-- verify, source_status, refresh_progress, schedule_refresh.

-- What is wrong with the triggers by which changes of a source are logged; no rows where nothing is.
CREATE FUNCTION headcount.tracking_faults(view regclass) RETURNS TABLE (expected text, found text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options headcount.source;
    state   headcount.rollup;
BEGIN
    SELECT s.* INTO options FROM headcount.source AS s WHERE s.sessions_view = view;
    SELECT r.* INTO state FROM headcount.rollup AS r WHERE r.sessions_view = view;
    IF state.relations IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH logged AS (
        SELECT t.oid AS relation, 'sessions' AS part FROM headcount.relation_tree(options.sessions) AS t (oid)
        UNION ALL
        SELECT t.oid, 'denials' FROM headcount.relation_tree(options.denials) AS t (oid)),
    wanted AS (
        SELECT l.relation, l.part, e.event, e.enabled
        FROM logged AS l
             JOIN pg_class AS c ON c.oid = l.relation AND (l.relation = ANY (state.relations) OR state.relations = '{}')
             JOIN (VALUES ('insert', 'A'), ('update', 'A'), ('delete', 'A'), ('truncate', 'A'), ('row', 'R')) AS e (event, enabled)
                 ON e.event <> 'row' OR c.relkind = 'r')
    SELECT format('trigger for %s on %s', w.event, w.relation::regclass),
           CASE WHEN p.is_conditional THEN 'conditional'
                WHEN p.enabled = 'D' THEN 'disabled'
                WHEN p.enabled = 'O' THEN 'not fired for what a subscription applies'
                WHEN p.enabled = 'R' THEN 'fired for what a subscription applies only'
                WHEN p.enabled = 'A' THEN 'fired for all'
                ELSE 'missing' END
    FROM wanted AS w
         LEFT JOIN headcount.tracking_trigger AS p
             ON p.relation = w.relation AND p.tag = state.trigger_tag AND p.part = w.part AND p.event = w.event
    WHERE p.enabled IS DISTINCT FROM w.enabled::"char" OR p.is_conditional
    UNION ALL
    SELECT 'table rollup_changes', 'missing'
    WHERE NOT EXISTS (SELECT FROM pg_class AS v JOIN pg_class AS c ON c.relnamespace = v.relnamespace
                      WHERE v.oid = view AND c.relname = 'rollup_changes' AND c.relkind = 'r')
    ORDER BY 1;
END
$$;
COMMENT ON FUNCTION headcount.tracking_faults(regclass) IS
    'internal: what of the triggers that should log changes of a source, or of the log, is not as it should be';

-- The users of one set and not the other, for people to look at.
CREATE FUNCTION headcount.set_text(name text, set headcount.user_set, other headcount.user_set) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    only_here constant headcount.user_set := headcount.to_user_set(ARRAY(SELECT m.number FROM headcount.members(set OPERATOR(headcount.-) other) AS m (number) LIMIT 5));
    names    text[];
BEGIN
    EXECUTE format('SELECT array_agg(quote_literal(u.name) ORDER BY u.name COLLATE "C")
                    FROM headcount_internal.user_names((SELECT array_agg(l.list) FROM %I.rollup_users AS l), $1) AS u (name)', name) INTO names USING only_here;
    names := names || array_fill('a new one'::text, ARRAY[headcount.cardinality(only_here)::integer - coalesce(cardinality(names), 0)]);
    RETURN format('%s users%s', headcount.cardinality(set), ', ' || NULLIF(array_to_string(names, ', '), '') || ' among them');
END
$$;
COMMENT ON FUNCTION headcount.set_text(text, headcount.user_set, headcount.user_set) IS
    'internal: how many users are in a set, and some that are not in another one';

-- Stored and recomputed rows of some days side by side: $1 to $6 as in day_rows_query, $7 and $8 bound the days.
CREATE FUNCTION headcount.verify_query(name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
WITH clean AS (
    SELECT $7 + i AS day FROM generate_series(0, $8 - $7 - 1) AS i
    WHERE NOT EXISTS (SELECT FROM %1$I.rollup_dirty AS x WHERE $7 + i >= x.from_day AND $7 + i < x.to_day)),
stored AS (SELECT d.* FROM %1$I.rollup_days AS d JOIN clean AS c ON c.day = d.day WHERE d.slice = $4 AND d.server IS NOT DISTINCT FROM $5),
recomputed AS (SELECT d.* FROM (%2$s) AS d JOIN clean AS c ON c.day = d.day)
SELECT coalesce(s.day, r.day), v.column_name || CASE $4 WHEN 'r' THEN ' on realtime servers' WHEN 's' THEN format(' on server %%L', $5) ELSE '' END,
       v.stored, v.recomputed
FROM stored AS s FULL JOIN recomputed AS r ON r.day = s.day
     CROSS JOIN LATERAL (VALUES (s.used OPERATOR(headcount.=) r.used, s.denied OPERATOR(headcount.=) r.denied)) AS e (used, denied)
     CROSS JOIN LATERAL (VALUES
        ('used', e.used, CASE WHEN e.used IS NOT TRUE THEN headcount.set_text(%1$L, s.used, r.used) END,
                         CASE WHEN e.used IS NOT TRUE THEN headcount.set_text(%1$L, r.used, s.used) END),
        ('denied', e.denied, CASE WHEN e.denied IS NOT TRUE THEN headcount.set_text(%1$L, s.denied, r.denied) END,
                             CASE WHEN e.denied IS NOT TRUE THEN headcount.set_text(%1$L, r.denied, s.denied) END),
        ('denials', s.denials = r.denials, s.denials::text, r.denials::text),
        ('concurrent_hosts', s.concurrent_hosts = r.concurrent_hosts, s.concurrent_hosts::text, r.concurrent_hosts::text),
        ('concurrent_hosts_at', s.concurrent_hosts_at IS NOT DISTINCT FROM r.concurrent_hosts_at, s.concurrent_hosts_at::text, r.concurrent_hosts_at::text),
        ('concurrent_users', s.concurrent_users IS NOT DISTINCT FROM r.concurrent_users, s.concurrent_users::text, r.concurrent_users::text),
        ('used_sketch', s.used_sketch::text IS NOT DISTINCT FROM r.used_sketch::text, s.used_sketch::text, r.used_sketch::text),
        ('denied_sketch', s.denied_sketch::text IS NOT DISTINCT FROM r.denied_sketch::text, s.denied_sketch::text, r.denied_sketch::text))
        AS v (column_name, is_same, stored, recomputed)
WHERE v.is_same IS NOT TRUE
ORDER BY 1, 2$q$, name, headcount.day_rows_query());
END
$$;
COMMENT ON FUNCTION headcount.verify_query(text) IS 'internal: the query for the differences between stored and recomputed days of a source';

-- Runs as the owner.
CREATE FUNCTION headcount.verify_days(source text, from_day date, to_day date)
RETURNS TABLE (day date, column_name text, stored text, recomputed text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
DECLARE
    state   constant headcount.rollup := headcount.find_own_rollup(source);
    options constant headcount.source := headcount.find_source(source);
    first   date;
    next    date;
    last    date;
    from_at timestamptz;
    to_at   timestamptz;
    slice   "char";
    servers text[];
    collected record;
    lists   bytea[];
BEGIN
    PERFORM headcount.check_day_order(from_day, to_day);
    RETURN QUERY SELECT NULL::date, 'tracking', f.found, f.expected FROM headcount.tracking_faults(options.sessions_view) AS f;

    -- frozen days need not be what the tables say; days that are not stored cannot be wrong
    first := least(headcount.first_stored_day(source), headcount.first_day(source, options.time_zone));
    IF first IS NULL THEN      -- neither stored nor in the tables
        RETURN;
    END IF;
    first := greatest(first, from_day, state.frozen_before);
    last := least(headcount.live_day(options.sessions_view) - 1, to_day);
    WHILE first <= last LOOP
        next := least(first + headcount.batch_days(options, 366), last + 1);
        from_at := headcount.day_start(first, options.time_zone);
        to_at := headcount.day_start(next, options.time_zone);
        FOR slice IN SELECT headcount.slices(options) LOOP
            servers := '{}';
            FOR collected IN EXECUTE headcount.slice_query(source, options, slice, false)
                    USING from_at, to_at, to_at - interval '1 microsecond' LOOP
                IF slice = 'a' THEN      -- the first one, which has all users
                    EXECUTE format('SELECT k.lists FROM %s AS k', headcount.known_users(source, '$1, $2'))
                        INTO lists USING collected.sessions, collected.denials;
                END IF;
                RETURN QUERY EXECUTE headcount.verify_query(source)
                    USING collected.sessions, collected.users, collected.denials, slice, collected.server, lists, first, next;
                servers := servers || collected.server;
            END LOOP;
            IF slice = 's' THEN      -- stored servers that the tables have nothing of
                FOR collected IN EXECUTE format('SELECT DISTINCT d.server FROM %I.rollup_days AS d WHERE d.slice = ''s'' AND d.day >= $1 AND d.day < $2', source)
                        USING first, next LOOP
                    CONTINUE WHEN array_position(servers, collected.server) IS NOT NULL;
                    RETURN QUERY EXECUTE headcount.verify_query(source)
                        USING NULL::bytea, NULL::bytea, NULL::bytea, slice, collected.server, lists, first, next;
                END LOOP;
            END IF;
        END LOOP;
        first := next;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.verify_days(text, date, date) IS
    'internal: the differences between the stored days of a source and its tables';

CREATE FUNCTION headcount.verify(source text, from_day date DEFAULT NULL, to_day date DEFAULT NULL)
RETURNS TABLE (day date, column_name text, stored text, recomputed text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    state constant headcount.rollup := headcount.find_own_rollup(source);
BEGIN
    RETURN QUERY SELECT v.* FROM json_to_recordset(headcount.execute_as_owner(state.sessions_view,
        format('SELECT coalesce(json_agg(v), ''[]'') FROM headcount.verify_days(%L, %L, %L) AS v', source, from_day, to_day))::json)
        AS v (day date, column_name text, stored text, recomputed text);
END
$$;
COMMENT ON FUNCTION headcount.verify(text, date, date) IS
    'the differences between the stored days of a source and its tables, and triggers that do not log changes: no rows where all is true. headcount.invalidate mends days, headcount.rebuild days and triggers';

-- What a source's own tables tell. Runs as the owner.
CREATE FUNCTION headcount.rollup_facts(view regclass, OUT first_day date, OUT dirty_days integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name    constant text := headcount.source_name(view);
    state   headcount.rollup;
BEGIN
    SELECT r.* INTO state FROM headcount.rollup AS r WHERE r.sessions_view = view;
    first_day := headcount.first_stored_day(name);
    EXECUTE format($q$
        SELECT headcount.day_count(range_agg(daterange(greatest(c.from_day, $1, $3), least(c.to_day, $2 - 1), '[]')))
        FROM %I.rollup_changes AS c WHERE c.from_day < $2 AND c.to_day >= greatest($1, $3) AND greatest($1, $3) < $2$q$, name)
        INTO dirty_days USING state.frozen_before, state.frontier_day, first_day;
END
$$;
COMMENT ON FUNCTION headcount.rollup_facts(regclass) IS 'internal: first stored day, and days that changed since they were stored';

-- The same for members of the owner's role, NULL for others, and the size for all. Read with the rights of the reader,
-- tables that somebody else made could run anything with them.
CREATE FUNCTION headcount.find_rollup_facts(view regclass, OUT first_day date, OUT dirty_days integer, OUT rollup_bytes bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tables bigint;
BEGIN
    SELECT count(*), sum(pg_total_relation_size(c.oid)) INTO tables, rollup_bytes
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = headcount.source_name(view) AND c.relkind = 'r' AND c.relname IN ('rollup_days', 'rollup_users', 'rollup_changes');
    IF tables = 3 AND (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = view) THEN
        SELECT f.first_day, f.dirty_days INTO first_day, dirty_days
        FROM json_to_record(headcount.execute_as_owner(view,
            format('SELECT row_to_json(f) FROM headcount.rollup_facts(%s::oid) AS f', view::oid))::json) AS f (first_day date, dirty_days integer);
    END IF;
EXCEPTION WHEN OTHERS OR assert_failure THEN      -- one source whose tables are not what they were must not hide the others
    RETURN;
END
$$;
COMMENT ON FUNCTION headcount.find_rollup_facts(regclass) IS
    'internal: first stored day, days that changed since they were stored, and size of what is stored of a source';

-- A name that pg_cron does not cut off.
CREATE FUNCTION headcount.job_name(source text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'headcount refresh ' || CASE WHEN octet_length(source) <= 45 THEN source ELSE md5(source) END
$$;
COMMENT ON FUNCTION headcount.job_name(text) IS 'internal: the name of the job of pg_cron that refreshes a source';

CREATE FUNCTION headcount.jobs_of(source text) RETURNS TABLE (job bigint, schedule text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- in this order: whoever may not enter the schema may not even ask about the table
    IF (CASE WHEN NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN false
             WHEN NOT has_schema_privilege('cron', 'USAGE') THEN false
             ELSE has_table_privilege('cron.job', 'SELECT') END) THEN
        RETURN QUERY EXECUTE 'SELECT j.jobid, j.schedule FROM cron.job AS j WHERE j.jobname = $1 AND j.database = current_database() ORDER BY j.jobid'
            USING headcount.job_name(source);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.jobs_of(text) IS 'internal: the jobs of pg_cron that refresh a source, as far as the caller can see them';

CREATE FUNCTION headcount.schedule_of(source text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(j.schedule, ', ' ORDER BY j.job) FROM headcount.jobs_of(source) AS j
$$;
COMMENT ON FUNCTION headcount.schedule_of(text) IS 'internal: when pg_cron refreshes a source, NULL where it does not, or where the caller cannot see it';

CREATE FUNCTION headcount.drop_jobs(source text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job bigint;
BEGIN
    FOR job IN SELECT j.job FROM headcount.jobs_of(source) AS j LOOP
        EXECUTE 'SELECT cron.unschedule($1)' USING job;
    END LOOP;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION headcount.drop_jobs(text) IS 'internal: ends the jobs of pg_cron that refresh a source, and tells whether there were any';

CREATE VIEW headcount.source_status AS
SELECT n.nspname::text AS source, pg_catalog.pg_get_userbyid(c.relowner)::text AS owner, s.materialized,
       NOT s.materialized OR (r.relations IS NOT NULL AND NOT EXISTS (SELECT FROM headcount.tracking_faults(s.sessions_view))) AS exact,
       f.first_day, CASE WHEN pg_catalog.isfinite(r.frontier_day) THEN r.frontier_day END AS frontier_day, f.dirty_days,
       r.last_refresh, r.last_duration, f.rollup_bytes, headcount.schedule_of(n.nspname::text) AS schedule
FROM headcount.source AS s
     JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) s.sessions_view
     JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     LEFT JOIN headcount.rollup AS r ON r.sessions_view OPERATOR(pg_catalog.=) s.sessions_view
     CROSS JOIN LATERAL headcount.find_rollup_facts(s.sessions_view) AS f;
COMMENT ON VIEW headcount.source_status IS 'what is stored of each source, and how far it is up to date';
COMMENT ON COLUMN headcount.source_status.exact IS 'whether the views are what a full recompute would give at every snapshot: not where the source is tracked by window, or where a trigger is missing or disabled';
COMMENT ON COLUMN headcount.source_status.first_day IS 'the first stored day with anything';
COMMENT ON COLUMN headcount.source_status.frontier_day IS 'days before this one are stored, later ones are computed when they are asked for';
COMMENT ON COLUMN headcount.source_status.dirty_days IS 'stored days that changed since, computed when they are asked for until a refresh stores them';
COMMENT ON COLUMN headcount.source_status.last_duration IS 'how long the last refresh took, up to its last step';
COMMENT ON COLUMN headcount.source_status.schedule IS 'when pg_cron refreshes the source, as far as the reader may see it';
GRANT SELECT ON headcount.source_status TO PUBLIC;

CREATE VIEW headcount.refresh_progress AS
SELECT headcount.source_name(r.sessions_view) AS source, r.refresh_started_at AS started_at, r.days_done, r.days_total, r.current_day
FROM headcount.rollup AS r
WHERE EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.pid OPERATOR(pg_catalog.=) r.refresh_pid);
COMMENT ON VIEW headcount.refresh_progress IS 'the refreshes that are under way, as of their last step';
COMMENT ON COLUMN headcount.refresh_progress.current_day IS 'the last day that was stored';
GRANT SELECT ON headcount.refresh_progress TO PUBLIC;

CREATE FUNCTION headcount.require_cron() RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
        RAISE EXCEPTION 'extension "pg_cron" is not installed in this database' USING ERRCODE = 'feature_not_supported',
            HINT = 'Install it where cron.database_name says, or let any other scheduler run CALL headcount.refresh().';
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.require_cron() IS 'internal: raises an error where pg_cron is not installed';

CREATE FUNCTION headcount.schedule_refresh(source text, schedule text DEFAULT '*/5 * * * *') RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job bigint;
BEGIN
    PERFORM headcount.find_own_rollup(source);
    PERFORM headcount.require_cron();
    EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job
        USING headcount.job_name(source), schedule, format('CALL headcount.refresh(%L)', source);
    RETURN job;
END
$$;
COMMENT ON FUNCTION headcount.schedule_refresh(text, text) IS
    'lets pg_cron refresh a source, every five minutes where nothing else is said, and returns the number of the job; a second call changes the schedule';

CREATE FUNCTION headcount.unschedule_refresh(source text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount.require_cron();
    RETURN headcount.drop_jobs(source);
END
$$;
COMMENT ON FUNCTION headcount.unschedule_refresh(text) IS
    'ends the schedule of a source, also of one that was renamed since; false where it had none';
