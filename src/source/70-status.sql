-- verify, source_status, refresh_progress, schedule_refresh.

-- The users of one set and not the other, for people to look at.
CREATE FUNCTION headcount_internal.set_text(name text, set headcount.user_set, other headcount.user_set) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    only_here constant headcount.user_set := headcount.to_user_set(ARRAY(SELECT m.number FROM headcount.members(set OPERATOR(headcount.-) other) AS m (number) LIMIT 5));
    names    text[];
BEGIN
    EXECUTE format('SELECT array_agg(quote_literal(u.name) ORDER BY u.name COLLATE "C")
                    FROM %s AS g CROSS JOIN LATERAL headcount_internal.user_names(g.pages, $1, ''a forgotten one'') AS u (name)', headcount_internal.page_groups_text(format('%I.rollup_dictionary', name))) INTO names USING only_here;
    names := names || array_fill('a new one'::text, ARRAY[headcount.cardinality(only_here)::integer - coalesce(cardinality(names), 0)]);
    RETURN format('%s users%s', headcount.cardinality(set), ', ' || NULLIF(array_to_string(names, ', '), '') || ' among them');
END
$$;
COMMENT ON FUNCTION headcount_internal.set_text(text, headcount.user_set, headcount.user_set) IS
    'how many users are in a set, and some that are not in another one';

-- The rows of stored days.
CREATE FUNCTION headcount_internal.stored_rows_text(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT d.* FROM %I.rollup_days AS d WHERE NOT %s', name, headcount_internal.is_idle('d'))
$$;
COMMENT ON FUNCTION headcount_internal.stored_rows_text(text) IS 'the query for the stored days of a source with something';

-- The parts of the day of the watermark as a row of that day, $4; $1 is when it begins, $2 where they end.
CREATE FUNCTION headcount_internal.part_rows_text(name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('SELECT r.scope, r.slice, $4 AS day, %s, NULL::integer AS used_count, NULL::integer AS denied_count, NULL::integer AS daily_count FROM %I.rollup_today AS r WHERE r.from_at >= $1 AND r.from_at < $2 GROUP BY r.scope, r.slice',
                  headcount_internal.united_parts_text(), name);
END
$$;
COMMENT ON FUNCTION headcount_internal.part_rows_text(text) IS 'the query for what is stored of the day of the watermark of a source';

-- Stored and recomputed rows of some days side by side, of all slices of a scope: $1 to $3 as in scope_query, $4 and $5 bound the
-- days.
CREATE FUNCTION headcount_internal.verify_query(name text, options headcount_internal.options, stored text, scope "char") RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
WITH clean AS (
    SELECT $4 + i AS day FROM generate_series(0, $5 - $4 - 1) AS i
    WHERE NOT EXISTS (SELECT FROM %1$I.dirty_days AS x WHERE $4 + i >= x.from_day AND $4 + i < x.to_day)),
collected AS MATERIALIZED (SELECT c.*, k.pages FROM (%5$s) AS c CROSS JOIN LATERAL %6$s AS k),
stored AS (SELECT d.* FROM (%3$s) AS d JOIN clean AS c ON c.day = d.day WHERE d.scope = %4$L),
computed AS MATERIALIZED (SELECT c.slice, n.* FROM collected AS c CROSS JOIN LATERAL (%2$s) AS n),
recomputed AS (SELECT n.* FROM computed AS n JOIN clean AS c ON c.day = n.day)
SELECT x.day, x.column_name || %8$s, x.stored, x.recomputed
FROM (SELECT coalesce(s.day, r.day) AS day, %4$L::"char" AS scope, coalesce(s.slice, r.slice) AS slice, v.*
FROM stored AS s FULL JOIN recomputed AS r ON r.day = s.day AND %7$s
     CROSS JOIN LATERAL (VALUES (s.used OPERATOR(headcount.=) r.used, s.denied OPERATOR(headcount.=) r.denied)) AS e (used, denied)
     CROSS JOIN LATERAL (VALUES
        ('used', e.used, CASE WHEN e.used IS NOT TRUE THEN headcount_internal.set_text(%1$L, s.used, r.used) END,
                         CASE WHEN e.used IS NOT TRUE THEN headcount_internal.set_text(%1$L, r.used, s.used) END),
        ('denied', e.denied, CASE WHEN e.denied IS NOT TRUE THEN headcount_internal.set_text(%1$L, s.denied, r.denied) END,
                             CASE WHEN e.denied IS NOT TRUE THEN headcount_internal.set_text(%1$L, r.denied, s.denied) END),
        ('denials', s.denials = r.denials, s.denials::text, r.denials::text),
        ('concurrent_hosts', s.concurrent_hosts = r.concurrent_hosts, s.concurrent_hosts::text, r.concurrent_hosts::text),
        ('concurrent_hosts_at', s.concurrent_hosts_at IS NOT DISTINCT FROM r.concurrent_hosts_at, s.concurrent_hosts_at::text, r.concurrent_hosts_at::text),
        ('concurrent_users', s.concurrent_users IS NOT DISTINCT FROM r.concurrent_users, s.concurrent_users::text, r.concurrent_users::text),
        ('concurrent_sessions', s.concurrent_sessions IS NOT DISTINCT FROM r.concurrent_sessions, s.concurrent_sessions::text, r.concurrent_sessions::text),
        ('concurrent_weight', s.concurrent_weight IS NOT DISTINCT FROM r.concurrent_weight, s.concurrent_weight::text, r.concurrent_weight::text),
        ('used_sketch', s.used_sketch::text IS NOT DISTINCT FROM r.used_sketch::text, s.used_sketch::text, r.used_sketch::text),
        ('denied_sketch', s.denied_sketch::text IS NOT DISTINCT FROM r.denied_sketch::text, s.denied_sketch::text, r.denied_sketch::text)%9$s)
        AS v (column_name, is_same, stored, recomputed)
      WHERE v.is_same IS NOT TRUE) AS x
ORDER BY 1, 2$q$, name, headcount_internal.day_rows_query(name, scope, options.exact), stored, scope, headcount_internal.scope_query(name, options, scope, false),
        headcount_internal.known_users(name, 'c.sessions, c.denials', headcount_internal.has_slices(scope)), headcount_internal.same_slice('s', 'r'),
        headcount_internal.scope_text('x', headcount_internal.dimension_names(options.dimensions)),
        -- those of parts of a day are not stored; those of exact sources are compared with their sets
        CASE WHEN NOT options.exact THEN (SELECT string_agg(format($v$,
        (%1$L, s.%1$I IS NULL OR s.%1$I = r.%1$I, s.%1$I::text, r.%1$I::text)$v$, c), '') FROM unnest(ARRAY['used_count', 'denied_count', 'daily_count']) AS c) END);
END
$$;
COMMENT ON FUNCTION headcount_internal.verify_query(text, headcount_internal.options, text, "char") IS 'the query for the differences between stored and recomputed days of a source';

-- What is stored of totals, beside what follows from the stored sets: changed days are in both as they were stored. $1 and
-- $2 bound the days that are shown.
CREATE FUNCTION headcount_internal.verify_totals_query(name text, names text[], window_days integer, window_model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted constant text := CASE WHEN window_model = '2025' THEN 'users' ELSE 'used' END;
BEGIN
    RETURN format($q$
WITH sets AS (SELECT d.*, d.used OPERATOR(headcount.|) d.denied AS users FROM %1$I.rollup_days AS d),
rows AS (
    SELECT d.*, d.users OPERATOR(headcount.-) headcount.user_set_union_agg(d.users) OVER (PARTITION BY d.scope, d.slice ORDER BY d.day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS really_new,
           headcount.unique_count(d.%6$s) OVER (PARTITION BY d.scope, d.slice ORDER BY d.day RANGE BETWEEN %2$L::interval PRECEDING AND CURRENT ROW) AS really_there,
           lead(d.day) OVER (PARTITION BY d.scope, d.slice ORDER BY d.day) AS next_day, %5$s AS left_over
    FROM sets AS d),
seen AS (SELECT d.scope, d.slice, headcount.user_set_union_agg(d.users) AS users FROM sets AS d GROUP BY d.scope, d.slice)
SELECT v.day, v.column_name || %7$s, v.stored, v.recomputed
FROM (SELECT r.scope, r.slice, r.day, v.*
      FROM rows AS r CROSS JOIN LATERAL (VALUES
          ('used_count', r.used_count = headcount.cardinality(r.used), r.used_count::text, headcount.cardinality(r.used)::text),
          ('denied_count', r.denied_count = headcount.cardinality(r.denied), r.denied_count::text, headcount.cardinality(r.denied)::text),
          ('daily_count', r.daily_count = headcount.cardinality(r.users), r.daily_count::text, headcount.cardinality(r.users)::text),
          ('new_users', r.new_users OPERATOR(headcount.=) r.really_new AND r.new_count = headcount.cardinality(r.really_new), r.new_count::text, headcount.cardinality(r.really_new)::text),
          ('window_count', %3$s OR r.window_count = r.really_there, r.window_count::text, r.really_there::text)) AS v (column_name, is_same, stored, recomputed)
      UNION ALL      -- the day after, if nobody is there but users of the last days
      SELECT r.scope, r.slice, r.day + 1, 'window_count', r.left_over = 0, NULL, r.left_over::text
      FROM rows AS r WHERE headcount_internal.has_slices(r.scope) IS FALSE AND r.next_day IS DISTINCT FROM r.day + 1 AND r.day + 1 < (SELECT w.watermark FROM %1$I.rollup_state AS w)
      UNION ALL
      SELECT coalesce(t.scope, s.scope), coalesce(t.slice, s.slice), NULL, 'seen', t.seen OPERATOR(headcount.=) u.users AND t.seen_count = headcount.cardinality(u.users), t.seen_count::text, headcount.cardinality(u.users)::text
      FROM %1$I.rollup_totals AS t FULL JOIN seen AS s ON t.scope = s.scope AND %4$s
           CROSS JOIN LATERAL (VALUES (coalesce(s.users, headcount.to_user_set('{}')))) AS u (users)) AS v
WHERE v.is_same IS NOT TRUE AND (v.day IS NULL OR v.day >= $1 AND v.day <= $2)
ORDER BY 1, 2$q$, name, make_interval(days => greatest(window_days, 1) - 1), (window_days = 0)::text, headcount_internal.same_slice('t', 's'),
        CASE WHEN window_days < 2 THEN '0' ELSE format('headcount.unique_count(d.%s) OVER (PARTITION BY d.scope, d.slice ORDER BY d.day RANGE BETWEEN %L::interval PRECEDING AND CURRENT ROW)',
                                                       counted, make_interval(days => window_days - 2)) END, counted, headcount_internal.scope_text('v', names));
END
$$;
COMMENT ON FUNCTION headcount_internal.verify_totals_query(text, text[], integer, text) IS 'the query for differences between stored totals and the stored sets that they are about';

-- Runs as the owner. Days from `first` to before `next`, or of the latter's day only what is before to_at, whose stored rows are those
-- of `stored`.
CREATE FUNCTION headcount_internal.verify_span(name text, options headcount_internal.options, stored text, first date, next date, to_at timestamptz)
RETURNS TABLE (day date, column_name text, stored_value text, recomputed text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' SET jit = off AS $$
#variable_conflict use_variable
DECLARE
    from_at constant timestamptz := headcount.day_start(first, options.time_zone);
    scope   "char";
BEGIN
    FOREACH scope IN ARRAY headcount_internal.scopes(options) LOOP
        RETURN QUERY EXECUTE headcount_internal.verify_query(name, options, stored, scope) USING from_at, to_at, to_at - interval '1 microsecond', first, next;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.verify_span(text, headcount_internal.options, text, date, date, timestamptz) IS
    'the differences between what is stored of some days of a source and its tables';

-- Runs as the owner.
CREATE FUNCTION headcount_internal.verify_days(source text, from_day date, to_day date)
RETURNS TABLE (day date, column_name text, stored text, recomputed text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
DECLARE
    found    constant headcount_internal.source := headcount_internal.find_materialized(source);
    options  constant headcount_internal.options := headcount_internal.options_of(source);
    state    constant headcount_internal.rollup_state := headcount_internal.rollup_row(found.state);
    part_day constant date := headcount_internal.part_day(found.state);
    first    date;
    next     date;
    last     date;
BEGIN
    PERFORM headcount_internal.check_day_order(from_day, to_day);
    IF headcount_internal.is_tracked(found.state) THEN
        RETURN QUERY SELECT NULL::date, 'tracking', f.found, f.expected FROM headcount_internal.tracking_faults(found) AS f;
    END IF;

    IF options.exact THEN      -- of sketches no totals are stored
        RETURN QUERY EXECUTE headcount_internal.verify_totals_query(source, headcount_internal.dimension_names(options.dimensions), coalesce(state.window_days, 0), state.window_model)
            USING coalesce(from_day, '-infinity'), coalesce(to_day, 'infinity');
    END IF;

    IF part_day >= coalesce(from_day, part_day) AND part_day <= coalesce(to_day, part_day) THEN
        RETURN QUERY SELECT * FROM headcount_internal.verify_span(source, options, headcount_internal.part_rows_text(source), part_day, part_day + 1,
                                                                  headcount_internal.live_from(found.state));
    END IF;
    -- frozen days need not be what the tables say; days that are not stored cannot be wrong
    first := least(headcount_internal.first_stored_day(source), headcount_internal.first_day(source, options.time_zone));
    IF first IS NULL THEN      -- neither stored nor in the tables
        RETURN;
    END IF;
    first := greatest(first, from_day, headcount_internal.frozen_before(found.state));
    last := least(headcount_internal.live_day(found.state) - 1, to_day);
    WHILE first <= last LOOP
        next := least(first + headcount_internal.batch_days(found, 366), last + 1);
        RETURN QUERY SELECT * FROM headcount_internal.verify_span(source, options, headcount_internal.stored_rows_text(source), first, next,
                                                                  headcount.day_start(next, options.time_zone));
        first := next;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.verify_days(text, date, date) IS
    'the differences between the stored days of a source and its tables';

CREATE FUNCTION headcount.verify(source text, from_day date DEFAULT NULL, to_day date DEFAULT NULL)
RETURNS TABLE (day date, column_name text, stored text, recomputed text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
#variable_conflict use_variable
BEGIN
    RETURN QUERY SELECT v.* FROM json_to_recordset(headcount_internal.execute_as_owner((headcount_internal.find_materialized(source)).sessions_view,
        format('SELECT coalesce(json_agg(v), ''[]'') FROM headcount_internal.verify_days(%L, %L, %L) AS v', source, from_day, to_day))::json)
        AS v (day date, column_name text, stored text, recomputed text);
END
$$;
COMMENT ON FUNCTION headcount.verify(text, date, date) IS
    'the differences between the stored days of a source and its tables, and triggers that do not log changes: no rows if all is true. headcount.invalidate mends days, headcount.rebuild days and triggers';

-- A name that pg_cron does not cut off.
CREATE FUNCTION headcount_internal.job_name(source text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'headcount refresh ' || CASE WHEN octet_length(source) <= 45 THEN source ELSE md5(source) END
$$;
COMMENT ON FUNCTION headcount_internal.job_name(text) IS 'the name of the job of pg_cron that refreshes a source';

CREATE FUNCTION headcount_internal.jobs_of(source text) RETURNS TABLE (job bigint, schedule text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- in this order: whoever may not enter the schema may not even ask about the table
    IF (CASE WHEN NOT headcount_internal.has_cron() THEN false
             WHEN NOT has_schema_privilege('cron', 'USAGE') THEN false
             ELSE has_table_privilege('cron.job', 'SELECT') END) THEN
        RETURN QUERY EXECUTE 'SELECT j.jobid, j.schedule FROM cron.job AS j WHERE j.jobname = $1 AND j.database = current_database() ORDER BY j.jobid'
            USING headcount_internal.job_name(source);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.jobs_of(text) IS 'the jobs of pg_cron that refresh a source, as far as the caller can see them';

CREATE FUNCTION headcount_internal.schedule_of(source text) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(j.schedule, ', ' ORDER BY j.job) FROM headcount_internal.jobs_of(source) AS j
$$;
COMMENT ON FUNCTION headcount_internal.schedule_of(text) IS 'when pg_cron refreshes a source, NULL where it does not, or where the caller cannot see it';

CREATE FUNCTION headcount_internal.drop_jobs(source text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job bigint;
BEGIN
    FOR job IN SELECT j.job FROM headcount_internal.jobs_of(source) AS j LOOP
        EXECUTE 'SELECT cron.unschedule($1)' USING job;
    END LOOP;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_jobs(text) IS 'ends the jobs of pg_cron that refresh a source, and tells whether there were any';

-- What is stored of each source. What others may not know of it is NULL: they learn what PostgreSQL's catalogs tell them
-- anyway. Nothing that the owner of a source wrote is run for it.
CREATE VIEW headcount.source_status AS
SELECT a.source, pg_catalog.pg_get_userbyid(a.owner)::text AS owner, s.materialized, headcount_internal.is_exact(s) AS exact,
       r.first_day,
       CASE WHEN pg_catalog.isfinite(r.watermark) AND headcount_internal.stored_counts(s.state) THEN COALESCE(r.today_ends[pg_catalog.cardinality(r.today_ends)], headcount.day_start(r.watermark, r.time_zone))
            WHEN pg_catalog.isfinite(r.frozen_before) THEN headcount.day_start(r.frozen_before, r.time_zone) END AS stored_until,
       l.days AS dirty_days, l.log_rows, r.last_refresh, r.last_duration, r.last_error,
       headcount_internal.rollup_bytes(s.state) AS rollup_bytes, headcount_internal.schedule_of(a.source) AS schedule, s.time_zone
FROM headcount_internal.all_sources() AS a
     CROSS JOIN LATERAL headcount_internal.look_up_source(a.source, false) AS s
     LEFT JOIN LATERAL headcount_internal.rollup_row(s.state) AS r ON true
     CROSS JOIN LATERAL headcount_internal.log_facts(r.log, GREATEST(r.frozen_before, r.first_day), r.watermark) AS l;
COMMENT ON VIEW headcount.source_status IS 'what is stored of each source, and how far it is up to date; of sources of others only what everybody may know';
COMMENT ON COLUMN headcount.source_status.exact IS 'whether the views are what a full recompute would give at every snapshot: not if the source has exact => false, is tracked by window, its definition cannot be followed, a column that it reads was renamed and another has that name now, or a trigger is missing or disabled';
COMMENT ON COLUMN headcount.source_status.first_day IS 'the first stored day with anything';
COMMENT ON COLUMN headcount.source_status.stored_until IS 'what is before this instant is read as it is stored, the rest is computed when it is asked for; if the definition, the tables or the triggers of the source are not what they were, all but frozen days is computed until a refresh';
COMMENT ON COLUMN headcount.source_status.dirty_days IS 'stored days that changed since, computed when they are asked for until a refresh stores them';
COMMENT ON COLUMN headcount.source_status.log_rows IS 'how many changes are logged that no refresh has seen';
COMMENT ON COLUMN headcount.source_status.last_duration IS 'how long the last refresh took, up to its last step';
COMMENT ON COLUMN headcount.source_status.last_error IS 'why the last refresh failed, NULL if it did not';
COMMENT ON COLUMN headcount.source_status.schedule IS 'when pg_cron refreshes the source, as far as the reader may see it';
COMMENT ON COLUMN headcount.source_status.time_zone IS 'of which zone its days are; NULL while somebody has its settings locked';
GRANT SELECT ON headcount.source_status TO PUBLIC;

CREATE VIEW headcount.refresh_progress AS
SELECT a.source, r.refresh_started_at AS started_at, r.days_done, r.days_total, r.current_day
FROM headcount_internal.all_sources() AS a
     CROSS JOIN LATERAL headcount_internal.look_up_source(a.source, false) AS s
     CROSS JOIN LATERAL headcount_internal.rollup_row(s.state) AS r
WHERE EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS p WHERE p.pid OPERATOR(pg_catalog.=) r.refresh_pid);
COMMENT ON VIEW headcount.refresh_progress IS 'the refreshes of one''s own sources that are under way, as of their last step';
COMMENT ON COLUMN headcount.refresh_progress.current_day IS 'the last day that was stored';
GRANT SELECT ON headcount.refresh_progress TO PUBLIC;

CREATE FUNCTION headcount_internal.require_cron() RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT headcount_internal.has_cron() THEN
        PERFORM headcount_internal.raise_error('0A000', 'extension "pg_cron" is not installed in this database', NULL,
            'pg_cron is created in one database, the one that cron.database_name names; from there cron.schedule_in_database can run CALL headcount.refresh() in this one. So can any other scheduler.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.require_cron() IS 'raises an error where pg_cron is not installed';

CREATE FUNCTION headcount.schedule_refresh(source text, schedule text DEFAULT '*/5 * * * *') RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job bigint;
BEGIN
    PERFORM headcount_internal.find_materialized(source);
    PERFORM headcount_internal.require_cron();
    EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO job
        USING headcount_internal.job_name(source), schedule, format('CALL headcount.refresh(%L)', source);
    RETURN job;
END
$$;
COMMENT ON FUNCTION headcount.schedule_refresh(text, text) IS
    'lets pg_cron refresh a source, every five minutes where nothing else is said, and returns the number of the job; a second call changes the schedule';

CREATE FUNCTION headcount.unschedule_refresh(source text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.require_cron();
    RETURN headcount_internal.drop_jobs(source);
END
$$;
COMMENT ON FUNCTION headcount.unschedule_refresh(text) IS
    'ends the schedule of a source, also of one that was renamed since; false where it had none';
