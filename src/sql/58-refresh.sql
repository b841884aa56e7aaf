-- refresh, rebuild, invalidate, freeze: storing days.
--
-- A step of a refresh runs as the owner of the source, in a transaction of its own. It takes the rows of the log away
-- first and computes the days that they are about second, each with a snapshot of its own: what is committed in between
-- is computed now and, as its row in the log is still there, once more later. The other way round a change could be missed.
-- The lock on the source's row in the registry makes refreshes, and changes of the source, come one after the other;
-- neither readers nor writers ask for it.

-- The sessions and denials of some days, collected: server, sessions, users, denials. $1 and $2 are the bounds of the
-- days, $3 is the last instant in them. Recent sessions are found by their end, see 57-rollup-views.sql.
CREATE FUNCTION headcount.slice_query(name text, options headcount.source, slice "char", is_recent boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts     constant headcount.source_parts := headcount.make_parts(name, options);
    by_server constant boolean := slice = 's';
    server    constant text := CASE WHEN by_server THEN '%1$s.server COLLATE pg_catalog."C" AS server, ' ELSE '' END;
    grouping  constant text := CASE WHEN by_server THEN ' GROUP BY 1' ELSE '' END;
    sessions  text;
    denials   text;
BEGIN
    IF is_recent THEN
        sessions := format('SELECT %s, $1 AS from_at, $2 AS to_at FROM (%s) AS s WHERE %s AND s.started_at < $2',
            headcount.session_columns(options), parts.session_states, headcount.ends_from(options, parts, '$1'));
    ELSE
        sessions := headcount.sessions_in('(SELECT $1 AS from_at, $2 AS to_at)', options, parts, headcount.session_columns(options));
    END IF;
    sessions := headcount.collect_sessions(options, sessions, format(server, 's'), '$3',
        CASE WHEN slice = 'a' THEN format(
                 ', headcount_internal.daily_session_agg(NULL::text, s.user_name, s.started_at, s.end_at, %L::text, $3, s.from_at, s.to_at) AS users',
                 options.time_zone)
             ELSE ', NULL::bytea AS users' END)
        || CASE WHEN slice = 'r' THEN headcount.realtime_sessions(options, '2013') ELSE '' END || grouping;
    denials := format('SELECT %sheadcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, $3) AS state
        FROM %I.denials AS d WHERE NOT d.is_false_denial AND d.denied_at >= $1 AND d.denied_at < $2%s%s',
        format(server, 'd'), options.time_zone, name,
        CASE WHEN slice = 'r' THEN headcount.realtime_denials(options, '2013') ELSE '' END, grouping);
    IF by_server THEN
        RETURN format('SELECT coalesce(s.server, d.server) AS server, s.state AS sessions, s.users, d.state AS denials
            FROM (%s) AS s FULL JOIN (%s) AS d ON %s', sessions, denials, headcount.same_server());
    END IF;
    RETURN format('SELECT NULL::text AS server, s.state AS sessions, s.users, d.state AS denials FROM (%s) AS s CROSS JOIN (%s) AS d',
                  sessions, denials);
END
$$;
COMMENT ON FUNCTION headcount.slice_query(text, headcount.source, "char", boolean) IS
    'internal: the query that collects the sessions and denials of some days of a source';

-- Rows of rollup_days, from what slice_query collected: $1 sessions, $2 users, $3 denials, $4 slice, $5 server, $6 lists
-- of users.
CREATE FUNCTION headcount.day_rows_query() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT $4 AS slice, $5 AS server, c.day, c.used, c.denied, c.denials, c.concurrent_hosts, c.concurrent_hosts_at,
       CASE WHEN $4 = 'a' THEN coalesce(p.concurrent, 0) END AS concurrent_users, k.used_sketch, k.denied_sketch
FROM headcount_internal.daily_sets($1, $3, $6) AS c
     LEFT JOIN headcount_internal.daily_peaks($2) AS p ON p.day = c.day
     LEFT JOIN (SELECT u.day, %s AS used_sketch, %s AS denied_sketch
                FROM headcount_internal.daily_users($1, $3) AS u WHERE $4 = 'a' GROUP BY u.day) AS k ON k.day = c.day$q$,
        headcount.sketch_text('u.user_name', 'NOT u.is_denied'), headcount.sketch_text('u.user_name', 'u.is_denied'));
END
$$;
COMMENT ON FUNCTION headcount.day_rows_query() IS 'internal: the query for the rows that are stored of some days of a source';

CREATE FUNCTION headcount.slices(options headcount.source) RETURNS SETOF "char"
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.slice
    FROM (VALUES ('a'::"char", true), ('r'::"char", options.realtime_servers IS NOT NULL), ('s'::"char", headcount.has_servers(options))) AS v (slice, is_kept)
    WHERE v.is_kept
$$;
COMMENT ON FUNCTION headcount.slices(headcount.source) IS
    'internal: what is stored apart of each day of a source: a all servers, r realtime servers, s each server';

-- New users are appended. Once there are a quarter more than when it was done last, each bucket is made one list again,
-- of 64 to 128 users: what is rewritten over time is some times what there is.
CREATE FUNCTION headcount.pack_rollup_users(name text, view regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    users constant integer := (SELECT r.next_number FROM headcount.rollup AS r WHERE r.sessions_view = view AND r.next_number > 1.25 * r.packed_users);
    buckets integer := 1;
BEGIN
    IF users IS NULL THEN
        RETURN;
    END IF;
    WHILE users > 128 * buckets::bigint LOOP
        buckets := 2 * buckets;
    END LOOP;
    -- the users of one bucket go to some that no others go to
    EXECUTE format('WITH gone AS (DELETE FROM %1$I.rollup_users RETURNING bucket, list)
        INSERT INTO %1$I.rollup_users (bucket, list)
        SELECT p.bucket, p.page
        FROM (SELECT array_agg(g.list) AS lists FROM gone AS g GROUP BY g.bucket) AS b
             CROSS JOIN LATERAL headcount_internal.compact_dictionary(b.lists, $1) AS p', name) USING buckets;
    UPDATE headcount.rollup AS r SET user_buckets = buckets, packed_users = users WHERE r.sessions_view = view;
END
$$;
COMMENT ON FUNCTION headcount.pack_rollup_users(text, regclass) IS
    'internal: puts the users of a source together again in as few lists as there should be, where many came since';

-- The numbers of the users of some days; those who have none yet get one.
CREATE FUNCTION headcount.list_users(name text, view regclass, sessions bytea, denials bytea) RETURNS bytea[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lists bytea[];
    added record;
BEGIN
    EXECUTE format('SELECT k.lists FROM %s AS k', headcount.known_users(name, '$1, $2')) INTO lists USING sessions, denials;
    SELECT array_agg(n.bucket) AS buckets, array_agg(n.page) AS lists, sum(n.users) AS users INTO added
    FROM headcount.rollup AS r CROSS JOIN LATERAL headcount_internal.assign_user_ids(sessions, denials, lists, r.next_number, r.user_buckets) AS n
    WHERE r.sessions_view = view;
    IF added.users > 0 THEN
        EXECUTE format('INSERT INTO %I.rollup_users (bucket, list) SELECT * FROM unnest($1, $2)', name) USING added.buckets, added.lists;
        UPDATE headcount.rollup AS r SET next_number = r.next_number + added.users WHERE r.sessions_view = view;
        PERFORM headcount.pack_rollup_users(name, view);
    END IF;
    RETURN lists || added.lists;
END
$$;
COMMENT ON FUNCTION headcount.list_users(text, regclass, bytea, bytea) IS
    'internal: lists with the numbers of the users that were collected, given out where there were none';

-- Replaces the days from from_day to to_day, the latter not included.
CREATE FUNCTION headcount.store_days(name text, options headcount.source, from_day date, to_day date, is_recent boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    from_at constant timestamptz := headcount.day_start(from_day, options.time_zone);
    to_at   constant timestamptz := headcount.day_start(to_day, options.time_zone);
    last_at constant timestamptz := to_at - interval '1 microsecond';
    insertion constant text := format('INSERT INTO %I.rollup_days %s', name, headcount.day_rows_query());
    slice     "char";
    is_logged constant boolean := (SELECT r.relations IS NOT NULL FROM headcount.rollup AS r WHERE r.sessions_view = options.sessions_view);
    collected record;
    lists     bytea[];
BEGIN
    EXECUTE format('DELETE FROM %I.rollup_days AS d WHERE d.day >= $1 AND d.day < $2', name) USING from_day, to_day;
    FOR slice IN SELECT headcount.slices(options) LOOP
        IF slice = 's' THEN
            FOR collected IN EXECUTE headcount.slice_query(name, options, slice, is_recent) USING from_at, to_at, last_at LOOP
                -- who came since the first slice was read has no number; where changes are logged, his days are read again
                IF NOT is_logged THEN
                    lists := headcount.list_users(name, options.sessions_view, collected.sessions, collected.denials);
                END IF;
                EXECUTE insertion USING collected.sessions, collected.users, collected.denials, slice, collected.server, lists;
            END LOOP;
        ELSE
            -- INTO, not a loop, which PostgreSQL would not run in parallel
            EXECUTE headcount.slice_query(name, options, slice, is_recent) INTO collected USING from_at, to_at, last_at;
            IF slice = 'a' OR NOT is_logged THEN      -- the first one has all users
                lists := headcount.list_users(name, options.sessions_view, collected.sessions, collected.denials);
            END IF;
            EXECUTE insertion USING collected.sessions, collected.users, collected.denials, slice, collected.server, lists;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.store_days(text, headcount.source, date, date, boolean) IS
    'internal: computes some days of a source from its tables and stores them';

-- Logs all days that the rows of one table of a source are about, as if they had been inserted.
CREATE FUNCTION headcount.log_relation(name text, options headcount.source, relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- under the name that the table has in expressions
    as_session constant text := (SELECT format('ONLY %s AS %I', headcount.relation_name(relation), c.relname) FROM pg_class AS c WHERE c.oid = options.sessions);
    as_denial  constant text := (SELECT format('ONLY %s AS %I', headcount.relation_name(relation), c.relname) FROM pg_class AS c WHERE c.oid = options.denials);
    parts      constant headcount.source_parts := headcount.make_parts(name, options, as_session, as_denial);
    stretches  text := '';
BEGIN
    IF relation = ANY (ARRAY(SELECT headcount.relation_tree(options.sessions))) THEN
        -- with what a session does to denials around its start; an open session is there to the end
        stretches := format('SELECT r.started_at - coalesce(%L::interval, ''0'') AS started_at,
            CASE WHEN r.ended_at < ''infinity'' THEN greatest(r.ended_at, r.started_at + coalesce(%L::interval, ''0'')) END AS ended_at FROM (%s) AS r',
            options.false_denial_after, options.false_denial_before, parts.session_rows);
    END IF;
    IF relation = ANY (ARRAY(SELECT headcount.relation_tree(options.denials))) THEN
        stretches := concat_ws(' UNION ALL ', NULLIF(stretches, ''),
                               format('SELECT r.denied_at AS started_at, r.denied_at AS ended_at FROM (%s) AS r', parts.denial_rows));
    END IF;
    EXECUTE format('INSERT INTO %I.rollup_changes (from_day, to_day)
        SELECT d.days[i], d.days[i + 1]
        FROM (SELECT headcount_internal.changed_days_agg(c.started_at, c.ended_at, %L::text) AS days FROM (%s) AS c) AS d,
             generate_series(1, cardinality(d.days), 2) AS i', name, options.time_zone, stretches);
END
$$;
COMMENT ON FUNCTION headcount.log_relation(text, headcount.source, regclass) IS
    'internal: logs the days that the rows of a new partition of a source are about';

-- What became of the partitions since triggers were made. Whoever attaches or drops one need not tell: the views see that
-- the tables are not those whose changes are logged, and compute everything until a refresh comes here.
CREATE FUNCTION headcount.follow_partitions(name text, options headcount.source, state headcount.rollup) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sessions constant regclass[] := ARRAY(SELECT headcount.relation_tree(options.sessions));
    denials  constant regclass[] := ARRAY(SELECT headcount.relation_tree(options.denials));
    relation regclass;
    obstacle text;
BEGIN
    IF state.relations IS NULL OR (state.relations @> (sessions || denials) AND state.relations <@ (sessions || denials)) THEN
        RETURN false;
    END IF;
    -- the log must be read after the triggers are there, which an older snapshot would not show
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'partitions of source "%" came or went', name USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Refresh it in a transaction at isolation level READ COMMITTED.';
    END IF;
    IF NOT state.relations <@ (sessions || denials) THEN      -- nobody can tell any more what was in those that went
        state.frontier_day := state.frozen_before;
        EXECUTE format('DELETE FROM %I.rollup_days AS d WHERE d.day >= $1', name) USING state.frozen_before;
    END IF;
    FOREACH relation IN ARRAY state.relations LOOP
        IF relation <> ALL (sessions || denials) THEN
            PERFORM headcount.drop_triggers(state.trigger_tag, relation);
        END IF;
    END LOOP;
    -- who writes to a partition that is in use must not wait behind this: better luck next time
    PERFORM set_config('lock_timeout', '200ms', true);
    obstacle := headcount.tracking_obstacle(options);
    FOREACH relation IN ARRAY sessions || denials LOOP
        CONTINUE WHEN relation = ANY (state.relations);
        IF obstacle IS NOT NULL THEN
            RAISE EXCEPTION 'changes of "%" cannot be logged', relation USING ERRCODE = 'wrong_object_type', DETAIL = format('%s.', obstacle),
                HINT = format('Make the source track by window: headcount.alter_source(%L, tracking => ''window'').', name);
        END IF;
        PERFORM headcount.drop_triggers(state.trigger_tag, relation);      -- those that it was given as a partition of the other table
        IF relation = ANY (sessions) THEN
            PERFORM headcount.create_triggers(state.trigger_tag, options, relation, false);
        END IF;
        IF relation = ANY (denials) THEN
            PERFORM headcount.create_triggers(state.trigger_tag, options, relation, true);
        END IF;
        PERFORM headcount.log_relation(name, options, relation);
    END LOOP;
    state.relations := ARRAY(SELECT DISTINCT r FROM unnest(sessions || denials) AS r);
    UPDATE headcount.rollup AS r SET relations = state.relations, frontier_day = state.frontier_day
    WHERE r.sessions_view = state.sessions_view;
    RETURN true;
END
$$;
COMMENT ON FUNCTION headcount.follow_partitions(text, headcount.source, headcount.rollup) IS
    'internal: makes the triggers of a source fit the partitions that its tables have now, and says whether any came or went';

-- How many days to compute at once: as many as have some millions of sessions on average.
CREATE FUNCTION headcount.batch_days(options headcount.source, days integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- a few hundred bytes for each session in the process that sums up, which keeps it within 1 GiB
    most_sessions constant double precision := 2e6;
    sessions double precision;
BEGIN
    SELECT sum(CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 64.0 END) INTO sessions
    FROM headcount.relation_tree(options.sessions) AS t (oid) JOIN pg_class AS c ON c.oid = t.oid;
    RETURN greatest(1, least(366, floor(most_sessions * days / greatest(sessions, 1))))::integer;
END
$$;
COMMENT ON FUNCTION headcount.batch_days(headcount.source, integer) IS
    'internal: how many of some days of a source to compute at once';

-- The first day with anything in the tables, NULL where there is none.
CREATE FUNCTION headcount.first_day(name text, time_zone text) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    first_at timestamptz;
BEGIN
    EXECUTE format('SELECT least((SELECT min(s.started_at) FROM %1$I.sessions AS s), (SELECT min(d.denied_at) FROM %1$I.denials AS d))', name)
        INTO first_at;
    RETURN headcount.day_of(first_at, time_zone);
END
$$;
COMMENT ON FUNCTION headcount.first_day(text, text) IS 'internal: the first day on which a source has anything';

CREATE FUNCTION headcount.first_stored_day(name text) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_day date;
BEGIN
    EXECUTE format($q$SELECT min(d.day) FROM %I.rollup_days AS d WHERE d.slice = 'a'$q$, name) INTO first_day;
    RETURN first_day;
END
$$;
COMMENT ON FUNCTION headcount.first_stored_day(text) IS 'internal: the first stored day of a source with anything';

CREATE FUNCTION headcount.day_count(days datemultirange) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(upper(d) - lower(d)), 0)::integer FROM unnest(days) AS d
$$;
COMMENT ON FUNCTION headcount.day_count(datemultirange) IS 'internal: how many days there are in ranges with bounds';

-- Takes the rows of the log away and returns the stored days that they are about. What they say of other days is done
-- with: those are computed anew before they are stored.
CREATE FUNCTION headcount.take_changes(name text, options headcount.source, state headcount.rollup) RETURNS datemultirange
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dirty     datemultirange;
    first_day date;
BEGIN
    EXECUTE format($q$
        WITH gone AS (DELETE FROM %I.rollup_changes RETURNING from_day, to_day)
        SELECT range_agg(daterange(greatest(g.from_day, $1), least(g.to_day, $2 - 1), '[]'))
        FROM gone AS g WHERE g.from_day < $2 AND g.to_day >= $1 AND $1 < $2$q$, name)
        INTO dirty USING state.frozen_before, state.frontier_day;
    first_day := coalesce(headcount.first_stored_day(name), state.frontier_day);
    IF lower(dirty) < first_day THEN      -- days before the first with anything are as empty as ever
        first_day := least(first_day, headcount.first_day(name, options.time_zone));
        dirty := dirty * datemultirange(daterange(first_day, NULL));
    END IF;
    RETURN coalesce(headcount.few_runs(dirty), '{}');
END
$$;
COMMENT ON FUNCTION headcount.take_changes(text, headcount.source, headcount.rollup) IS
    'internal: empties the log of changed days of a source and returns the stored ones among them';

-- Days are not stored while nobody would learn of their changes.
CREATE FUNCTION headcount.check_tracking(name text, view regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fault record;
BEGIN
    SELECT f.* INTO fault FROM headcount.tracking_faults(view) AS f LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'changes of the tables of source "%" are not logged', name USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('%s: %s.', fault.expected, fault.found),
            HINT = format('Enable its triggers, or CALL headcount.rebuild(%L), which makes them anew.', name);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check_tracking(text, regclass) IS
    'internal: raises an error where a trigger that should log changes of a source is missing or does not fire';

-- One transaction's worth: how many days it stored, NULL where none were left to do. Runs as the owner.
CREATE FUNCTION headcount.refresh_step(view regclass, max_days integer, started_at timestamptz, pid integer) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name     constant text := headcount.source_name(view);
    options  constant headcount.source := headcount.find_own_source(name);
    state    headcount.rollup := headcount.find_own_rollup(name);
    target   date;      -- the frontier after all steps
    new_from date;      -- where new days begin
    dirty    datemultirange;
    run      daterange;
    to_do    integer;
    most     integer;
    here     integer;
    done     integer := 0;
BEGIN
    IF headcount.follow_partitions(name, options, state) THEN
        RETURN 0;      -- a step of its own: writers wait for tables that get triggers
    END IF;
    target := greatest(state.frontier_day,
        headcount.day_of(now() - coalesce(options.false_denial_after, interval '0'), options.time_zone)
        - CASE WHEN state.relations IS NULL THEN options.tracking_days - 1 ELSE 0 END);

    dirty := headcount.take_changes(name, options, state);
    -- after it: a trigger that is switched off from here on logs all days (follow_ddl), which stays in the log
    PERFORM headcount.check_tracking(name, view);
    new_from := CASE WHEN isfinite(state.frontier_day) THEN state.frontier_day
                     ELSE least(headcount.first_day(name, options.time_zone), headcount.first_stored_day(name), target) END;
    to_do := headcount.day_count(dirty) + (target - new_from);
    most := least(headcount.batch_days(options, greatest(to_do, 366)), max_days);

    FOR run IN SELECT unnest(dirty) LOOP
        EXIT WHEN done >= most;
        here := least(upper(run) - lower(run), most - done);
        PERFORM headcount.store_days(name, options, lower(run), lower(run) + here, false);
        dirty := dirty - datemultirange(daterange(NULL, lower(run) + here));
        state.current_day := lower(run) + here - 1;
        done := done + here;
    END LOOP;
    EXECUTE format('INSERT INTO %I.rollup_changes (from_day, to_day) SELECT lower(d), upper(d) - 1 FROM unnest($1) AS d', name)
        USING dirty;
    IF isempty(dirty) THEN
        here := least(most - done, target - new_from);
        IF here > 0 THEN
            PERFORM headcount.store_days(name, options, new_from, new_from + here, new_from + here = target);
            state.current_day := new_from + here - 1;
            done := done + here;
        END IF;
        state.frontier_day := new_from + here;
    END IF;

    UPDATE headcount.rollup AS r
    -- a DDL command may have made an end of the triggers meanwhile (mend_triggers), and of the frontier with them
    SET frontier_day = CASE WHEN r.relations IS NOT DISTINCT FROM state.relations THEN state.frontier_day ELSE r.frontier_day END,
        last_refresh = now(),
        last_duration = clock_timestamp() - refresh_step.started_at,
        refresh_pid = CASE WHEN done < to_do THEN pid END,
        refresh_started_at = refresh_step.started_at,
        days_done = CASE WHEN r.refresh_started_at = refresh_step.started_at THEN r.days_done ELSE 0 END + done,
        days_total = CASE WHEN r.refresh_started_at = refresh_step.started_at THEN r.days_done ELSE 0 END + to_do,
        current_day = state.current_day
    WHERE r.sessions_view = view;
    RETURN CASE WHEN done < to_do THEN done END;
END
$$;
COMMENT ON FUNCTION headcount.refresh_step(regclass, integer, timestamptz, integer) IS
    'internal: stores some days of a source, those that changed first, and returns how many; NULL where none are left to do';

-- As find_own_source, but not locked, and of what is stored.
CREATE FUNCTION headcount.find_own_rollup(source text) RETURNS headcount.rollup
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options      constant headcount.source := headcount.find_source(source);
    found_rollup headcount.rollup;
BEGIN
    PERFORM headcount.check_source_owner(source, options.sessions_view);
    SELECT r.* INTO found_rollup FROM headcount.rollup AS r WHERE r.sessions_view = options.sessions_view;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'source "%" is not materialized', source USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('Nothing of it is stored. headcount.alter_source(%L, materialized => true) changes that.', source);
    END IF;
    RETURN found_rollup;
END
$$;
COMMENT ON FUNCTION headcount.find_own_rollup(text) IS
    'internal: what is stored of a source that the current role owns, or an error';

CREATE FUNCTION headcount.sources_to_refresh(source text, max_days integer) RETURNS regclass[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION 'cannot refresh sources in a read-only transaction' USING ERRCODE = 'read_only_sql_transaction',
            HINT = 'A replica has what is stored on its primary: refresh sources there.';
    ELSIF max_days < 1 THEN
        PERFORM headcount.raise_argument_error('max_days', format('must be at least 1, but is %s', max_days));
    ELSIF source IS NOT NULL THEN
        RETURN ARRAY[(headcount.find_own_rollup(source)).sessions_view];
    END IF;
    RETURN ARRAY(SELECT r.sessions_view
                 FROM headcount.rollup AS r
                      JOIN headcount.source AS s ON s.sessions_view = r.sessions_view
                      JOIN pg_class AS c ON c.oid = r.sessions_view
                 WHERE pg_has_role(c.relowner, 'USAGE')
                 ORDER BY r.last_refresh NULLS FIRST);
END
$$;
COMMENT ON FUNCTION headcount.sources_to_refresh(text, integer) IS
    'internal: the sources that a refresh is about: the one that is named, or all that the caller owns';

-- Of several sources the fault of one is a warning, and the others get their turn.
CREATE FUNCTION headcount.run_refresh_step(view regclass, max_days integer, started_at timestamptz, is_tolerant boolean) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    command constant text := format('SELECT headcount.refresh_step(%s::oid, %L::integer, %L::timestamptz, %s)',
                                    view::oid, coalesce(max_days, 366), started_at, pg_backend_pid());
BEGIN
    IF NOT is_tolerant THEN
        RETURN headcount.execute_as_owner(view, command)::integer;
    END IF;
    BEGIN
        RETURN headcount.execute_as_owner(view, command)::integer;
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        RAISE WARNING 'source "%" was not refreshed: %', headcount.source_name(view), SQLERRM USING ERRCODE = SQLSTATE;
        RETURN NULL;
    END;
END
$$;
COMMENT ON FUNCTION headcount.run_refresh_step(regclass, integer, timestamptz, boolean) IS
    'internal: one step of a refresh, with the rights of the owner of the source';

-- Procedures that commit take no SET clause, so every name in them is qualified, operators too.
CREATE PROCEDURE headcount.refresh(source text DEFAULT NULL, max_days integer DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
    sources    pg_catalog.regclass[] := headcount.sources_to_refresh(source, max_days);
    view       pg_catalog.regclass;
    started_at pg_catalog.timestamptz;
    days_left  pg_catalog.int4;
    done       pg_catalog.int4;
BEGIN
    FOREACH view IN ARRAY sources LOOP
        started_at := pg_catalog.clock_timestamp();
        days_left := max_days;
        LOOP
            done := headcount.run_refresh_step(view, days_left, started_at, source IS NULL);
            COMMIT;
            days_left := days_left OPERATOR(pg_catalog.-) done;
            EXIT WHEN done IS NULL OR days_left OPERATOR(pg_catalog.<=) 0;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE headcount.refresh(text, integer) IS
    'stores the days of a source that changed and those that are over, or of every source that the caller owns; commits as it goes, and goes on where an earlier one was interrupted. max_days bounds how many days of each source it computes';

CREATE FUNCTION headcount.forget_days(source text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options constant headcount.source := headcount.find_own_source(source);
    state   constant headcount.rollup := headcount.find_own_rollup(source);
BEGIN
    IF EXISTS (SELECT FROM headcount.tracking_faults(options.sessions_view)) THEN
        PERFORM headcount.drop_triggers(state.trigger_tag);
        UPDATE headcount.rollup AS r SET relations = headcount.create_all_triggers(state.trigger_tag, options)
        WHERE r.sessions_view = options.sessions_view;
    END IF;
    EXECUTE format('DELETE FROM %I.rollup_days AS d WHERE d.day >= $1', source) USING state.frozen_before;
    IF NOT isfinite(state.frozen_before) THEN
        EXECUTE format('DELETE FROM %I.rollup_users', source);
        UPDATE headcount.rollup AS r SET next_number = 0, user_buckets = 1, packed_users = 0 WHERE r.sessions_view = options.sessions_view;
    END IF;
    UPDATE headcount.rollup AS r SET frontier_day = r.frozen_before WHERE r.sessions_view = options.sessions_view;
END
$$;
COMMENT ON FUNCTION headcount.forget_days(text) IS
    'internal: forgets all stored days of a source but the frozen ones, and makes its triggers anew where one is missing or does not fire';

CREATE PROCEDURE headcount.rebuild(source text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM headcount.execute_as_owner((headcount.find_own_rollup(source)).sessions_view,
                                       pg_catalog.format('SELECT headcount.forget_days(%L)', source));
    COMMIT;
    CALL headcount.refresh(source);
END
$$;
COMMENT ON PROCEDURE headcount.rebuild(text) IS
    'stores all days of a source anew, in slices, and mends its triggers; until they are there its views are computed from its tables. Where it is interrupted, refresh goes on';

CREATE FUNCTION headcount.invalidate(source text, from_day date, to_day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state constant headcount.rollup := headcount.find_own_rollup(source);
BEGIN
    PERFORM headcount.check_day_order(from_day, to_day);
    PERFORM headcount.execute_as_owner(state.sessions_view,
        format('INSERT INTO %I.rollup_changes (from_day, to_day) VALUES (%L, %L)', source,
               coalesce(from_day, '-infinity'), coalesce(to_day, 'infinity')));
END
$$;
COMMENT ON FUNCTION headcount.invalidate(text, date, date) IS
    'says that days of a source changed where no trigger saw it: they are computed from its tables until the next refresh stores them. NULL is no bound';

-- Runs as the owner.
CREATE FUNCTION headcount.freeze_days(source text, before_day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    options  constant headcount.source := headcount.find_own_source(source);
    state    constant headcount.rollup := headcount.find_own_rollup(source);
    is_dirty boolean;
BEGIN
    IF before_day = 'infinity' OR before_day > headcount.day_of(now(), options.time_zone) THEN
        PERFORM headcount.raise_argument_error('before_day', format('days before %s are not all over', before_day));
    ELSIF before_day > headcount.live_day(options.sessions_view) THEN      -- of new partitions too nothing is stored
        RAISE EXCEPTION 'days before % are not all stored', before_day USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('Run CALL headcount.refresh(%L) first.', source);
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.rollup_changes AS c WHERE c.from_day < $1 AND c.to_day >= $2)', source)
        INTO is_dirty USING before_day, state.frozen_before;
    IF is_dirty THEN
        RAISE EXCEPTION 'days before % changed since they were stored', before_day USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('Run CALL headcount.refresh(%L) first.', source);
    END IF;
    before_day := coalesce(before_day, '-infinity');
    IF before_day < state.frozen_before THEN      -- what changed while they were frozen is not in the log
        EXECUTE format('INSERT INTO %I.rollup_changes (from_day, to_day) VALUES ($1, $2)', source) USING before_day, state.frozen_before - 1;
    END IF;
    UPDATE headcount.rollup AS r SET frozen_before = before_day WHERE r.sessions_view = options.sessions_view;
END
$$;
COMMENT ON FUNCTION headcount.freeze_days(text, date) IS 'internal: keeps days of a source as they are stored, or gives them up';

CREATE FUNCTION headcount.freeze(source text, before_day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state constant headcount.rollup := headcount.find_own_rollup(source);
BEGIN
    PERFORM headcount.execute_as_owner(state.sessions_view, format('SELECT headcount.freeze_days(%L, %L)', source, before_day));
END
$$;
COMMENT ON FUNCTION headcount.freeze(text, date) IS
    'keeps the days of a source before this one as they are stored, whatever happens to its tables: sessions that were over by then may be deleted. NULL freezes none';

-- Triggers are told the source's expressions as text, in which columns and functions have names. Where a DDL command
-- leaves one without meaning they go, and everything is computed from the tables until somebody mends the source.
CREATE FUNCTION headcount.find_obstacle(view regclass, relation regclass) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options headcount.source;
BEGIN
    SELECT s.* INTO options FROM headcount.source AS s WHERE s.sessions_view = view;
    -- a command about one table must not touch another one: pg_restore runs several at once
    RETURN coalesce(CASE WHEN relation IS NULL OR relation = options.sessions THEN headcount.tracking_obstacle(options, false) END,
                    CASE WHEN relation IS NULL OR relation = options.denials THEN headcount.tracking_obstacle(options, true) END,
                    (SELECT format('"%s" is unlogged, so a crash empties it', c.relname) FROM pg_class AS c WHERE c.oid = relation AND c.relpersistence <> 'p'));
END
$$;
COMMENT ON FUNCTION headcount.find_obstacle(regclass, regclass) IS
    'internal: why changes of a table of a source, or of all, can no longer be logged by triggers; NULL where they can';

-- ALTER TABLE ... ENABLE TRIGGER ALL makes a trigger like any other, that a subscription does not fire.
CREATE FUNCTION headcount.enable_triggers(tag text, relation regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actions text;
BEGIN
    SELECT string_agg(format('ENABLE %s TRIGGER %I', CASE t.event WHEN 'row' THEN 'REPLICA' ELSE 'ALWAYS' END, t.name), ', ') INTO actions
    FROM headcount.tracking_trigger AS t
    WHERE t.relation = enable_triggers.relation AND t.tag = enable_triggers.tag AND t.enabled = 'O';
    IF actions IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', headcount.relation_name(relation), actions);
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.enable_triggers(text, regclass) IS
    'internal: enables the triggers of a source on one table as they were made';

-- A log row, unlike the row of the source in headcount.rollup, is nothing that two commands could wait for.
CREATE FUNCTION headcount.log_all_days(view regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount.execute_as_owner(view, format($q$INSERT INTO %I.rollup_changes (from_day, to_day) VALUES ('-infinity', 'infinity')$q$,
                                                    headcount.source_name(view)));
EXCEPTION WHEN OTHERS OR assert_failure THEN
    RAISE WARNING 'source "%" may be out of date: %', headcount.source_name(view), SQLERRM
        USING HINT = format('CALL headcount.rebuild(%L).', headcount.source_name(view));
END
$$;
COMMENT ON FUNCTION headcount.log_all_days(regclass) IS
    'internal: logs that all days of a source may have changed; at worst a warning';

-- Whoever alters something may be anybody, and what fails here must not fail the command: neither a source of somebody
-- else, nor a table that its owner has just lost.
CREATE FUNCTION headcount.follow_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    touched  record;
    obstacle text;
BEGIN
    FOR touched IN
        SELECT DISTINCT r.sessions_view AS view, r.trigger_tag AS tag, CASE WHEN c.classid = 'pg_class'::regclass THEN c.objid END AS relation
        FROM headcount.rollup AS r
             JOIN pg_class AS v ON v.oid = r.sessions_view
             JOIN pg_event_trigger_ddl_commands() AS c
                 ON NOT c.in_extension AND CASE WHEN c.classid = 'pg_class'::regclass THEN c.objid = ANY (r.relations::oid[]) ELSE TG_TAG <> 'ALTER TABLE' END
        WHERE cardinality(r.relations) > 0
    LOOP
        BEGIN
            obstacle := headcount.execute_as_owner(touched.view,
                format('SELECT headcount.find_obstacle(%s::oid, %L::oid)', touched.view::oid, touched.relation));
        EXCEPTION WHEN OTHERS OR assert_failure THEN
            obstacle := SQLERRM;
        END;
        IF obstacle IS NOT NULL THEN
            PERFORM headcount.drop_triggers(touched.tag);
            UPDATE headcount.rollup AS r SET relations = '{}', frontier_day = r.frozen_before WHERE r.sessions_view = touched.view;
            RAISE WARNING 'changes of the tables of source "%" are no longer logged', headcount.source_name(touched.view) USING DETAIL = format('%s.', obstacle),
                HINT = 'Its views are computed from the tables until headcount.alter_source says anew what they hold.';
        ELSIF touched.relation IS NOT NULL THEN
            PERFORM headcount.enable_triggers(touched.tag, touched.relation);
            IF EXISTS (SELECT FROM headcount.tracking_trigger AS t WHERE t.relation = touched.relation AND t.tag = touched.tag
                         AND (t.enabled = 'D' OR t.enabled = 'R' AND t.event <> 'row')) THEN
                PERFORM headcount.log_all_days(touched.view);
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.follow_ddl() IS
    'notices when a column or a function that the triggers of a materialized source use is renamed, and when they are disabled, or enabled like others';
REVOKE ALL ON FUNCTION headcount.follow_ddl() FROM PUBLIC;
CREATE EVENT TRIGGER headcount_follow_ddl ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA', 'ALTER FUNCTION', 'ALTER ROUTINE', 'ALTER TYPE', 'ALTER DOMAIN')
    EXECUTE FUNCTION headcount.follow_ddl();
ALTER EVENT TRIGGER headcount_follow_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER headcount_follow_ddl IS 'notices when something that the triggers of materialized sources use is renamed, or they are disabled';

-- Triggers do not depend on the views of their source: DROP SCHEMA, or whatever takes the view sessions along. Where one
-- of the triggers itself is dropped, nobody knows from here on what changes.
CREATE FUNCTION headcount.follow_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped constant oid[] := ARRAY(SELECT d.objid FROM pg_event_trigger_dropped_objects() AS d WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0);
BEGIN
    PERFORM headcount.drop_triggers(r.trigger_tag) FROM headcount.rollup AS r WHERE r.sessions_view = ANY (dropped);
    -- a row that a refresh is at stays, and points to nothing
    DELETE FROM headcount.source AS s WHERE s.sessions_view IN (
        SELECT l.sessions_view FROM headcount.source AS l WHERE l.sessions_view = ANY (dropped) FOR UPDATE SKIP LOCKED);
    DELETE FROM headcount.rollup AS r WHERE r.sessions_view IN (
        SELECT l.sessions_view FROM headcount.rollup AS l WHERE l.sessions_view = ANY (dropped) FOR UPDATE SKIP LOCKED);
    PERFORM headcount.log_all_days(t.view)
    FROM (SELECT DISTINCT r.sessions_view AS view
          FROM pg_event_trigger_dropped_objects() AS d JOIN headcount.rollup AS r ON starts_with(d.object_identity, format('headcount_%s_', r.trigger_tag))
               JOIN pg_class AS c ON c.oid = r.sessions_view
          WHERE d.object_type = 'trigger') AS t;
END
$$;
COMMENT ON FUNCTION headcount.follow_drop() IS
    'drops what is left of a source whose views were dropped; notices when a trigger of a materialized source is dropped by itself';
REVOKE ALL ON FUNCTION headcount.follow_drop() FROM PUBLIC;
CREATE EVENT TRIGGER headcount_follow_drop ON sql_drop EXECUTE FUNCTION headcount.follow_drop();
ALTER EVENT TRIGGER headcount_follow_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER headcount_follow_drop IS 'drops what is left of sources whose views were dropped';
