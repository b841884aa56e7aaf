-- Storing days: refresh, rebuild, freeze, invalidate.
--
-- A refresh takes rows of the log away before it computes the days that they are about, under READ COMMITTED (refresh.cpp
-- sees to that): every order of commits leaves either the log row or the recomputed day. Two refreshes of one source wait
-- for each other, on the row of its rollup_state, which its owner alone can lock; neither readers nor writers ask for it.
-- What runs here runs as the owner of the source (execute_as_owner), under settings of our own.

CREATE FUNCTION headcount_internal.read_rollup(name text, may_wait boolean DEFAULT true) RETURNS headcount_internal.rollup_state
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state headcount_internal.rollup_state;
BEGIN
    IF NOT may_wait THEN
        IF (headcount_internal.rollup_row(to_regclass(format('%I.rollup_state', name)))).definition IS NOT NULL THEN
            EXECUTE format('SELECT r.* FROM %I.rollup_state AS r FOR UPDATE SKIP LOCKED', name) INTO state;
        END IF;
        RETURN state;
    END IF;
    -- alter_source puts another row in its place: who waited for the one that was finds the new one when he looks again
    FOR attempt IN 1 .. 10 LOOP
        EXECUTE format('SELECT r.* FROM %I.rollup_state AS r FOR UPDATE', name) INTO state;
        EXIT WHEN state.definition IS NOT NULL;
    END LOOP;
    IF state.definition IS NULL THEN
        PERFORM headcount_internal.raise_error('55000', format('source "%s" has lost its state', name), NULL,
            format('Make it anew: headcount.alter_source(%1$L, materialized => false), then true.', name));
    END IF;
    RETURN state;
END
$$;
COMMENT ON FUNCTION headcount_internal.read_rollup(text, boolean) IS 'what is stored of a source, locked, for its owner; without waiting NULL if somebody else has it locked, or there is nothing';

-- The log is known by its OID, whatever it is called by now.
CREATE FUNCTION headcount_internal.log_name(name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    log regclass;
BEGIN
    EXECUTE format('SELECT r.log FROM %I.rollup_state AS r', name) INTO log;
    RETURN headcount_internal.relation_name(log);
END
$$;
COMMENT ON FUNCTION headcount_internal.log_name(text) IS 'the name of the invalidation log of a source, for its owner';

-- The sessions and denials of some days, collected, of each slice if the scope has slices: slice, sessions, peaks, denials. $1 and $2 are the bounds of the
-- days, $3 is the last instant in them. Recent sessions are found by their end, see 44-rollup-views.sql. Whose sessions began
-- before $1 may be known from what is stored.
CREATE FUNCTION headcount_internal.scope_query(name text, options headcount_internal.options, scope "char", is_recent boolean, are_known boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part     constant text := headcount_internal.slice_column(scope, headcount_internal.dimension_names(options.dimensions));
    sessions  text;
BEGIN
    IF is_recent THEN
        sessions := format('SELECT %s, $1 AS from_at, $2 AS to_at FROM %I.session_states AS s WHERE %s AND s.started_at < $2',
            headcount_internal.session_columns(options), name, headcount_internal.ends_from(options, '$1'));
    ELSE
        sessions := headcount_internal.sessions_in('(SELECT $1 AS from_at, $2 AS to_at)', name, options);
    END IF;
    RETURN format('SELECT %s AS slice, s.state AS sessions, (SELECT array_agg(p) FROM headcount_internal.collected_peaks(s.users, s.levels, s.weights, %L::text, $3) AS p) AS peaks,
       d.state AS denials FROM %s',
        CASE WHEN part IS NULL THEN 'NULL::text' ELSE 'coalesce(s.slice, d.slice)' END, options.time_zone,
        headcount_internal.side_by_side(
            format('headcount_internal.daily_session_agg(%s, s.host, s.started_at, s.end_at, %L::text, $3, s.from_at, s.to_at) AS state, %s
        FROM (%s) AS s%s', CASE WHEN are_known THEN 'CASE WHEN s.started_at >= $1 THEN s.user_name END' ELSE 's.user_name' END, options.time_zone,
                headcount_internal.peak_states(options.weight IS NOT NULL, options.time_zone, 's.user_name', '$3'),
                sessions, headcount_internal.scope_sessions(scope, ' WHERE')),
            format('headcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, $3) AS state
        FROM %I.denials AS d WHERE NOT d.is_false_denial AND d.denied_at >= $1 AND d.denied_at < $2%s',
                options.time_zone, name, headcount_internal.scope_denials(scope, options.realtime_servers)), part));
END
$$;
COMMENT ON FUNCTION headcount_internal.scope_query(text, headcount_internal.options, "char", boolean, boolean) IS
    'the query that collects the sessions and denials of some days of a source';

-- The dictionary of a source that its sets are of.
CREATE FUNCTION headcount_internal.dictionary_text(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(SELECT w.dictionary FROM %I.rollup_state AS w)', name)
$$;
COMMENT ON FUNCTION headcount_internal.dictionary_text(text) IS 'the expression for the dictionary that the sets of a source are of';

-- What is computed of some days, from what was collected, c: sessions, peaks, denials, pages of the dictionary.
CREATE FUNCTION headcount_internal.day_rows_query(name text, scope "char", is_exact boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT is_exact THEN      -- sets of nobody, and how many there were
        RETURN $q$
SELECT n.day, e.nobody AS used, e.nobody AS denied, n.denials, n.concurrent_hosts, n.concurrent_hosts_at,
       coalesce(p.concurrent_users, 0) AS concurrent_users, coalesce(p.concurrent_sessions, 0) AS concurrent_sessions, p.concurrent_weight, n.used AS used_sketch, n.denied AS denied_sketch,
       n.used_count, n.denied_count, n.daily_count
FROM headcount_internal.sketched_days(c.sessions, c.denials) AS n
     LEFT JOIN unnest(c.peaks) AS p ON p.day = n.day
     CROSS JOIN (VALUES (headcount.to_user_set('{}'))) AS e (nobody)$q$;
    END IF;
    RETURN format($q$
SELECT n.day, headcount_internal.in_dictionary(n.used, %3$s) AS used, headcount_internal.in_dictionary(n.denied, %3$s) AS denied, n.denials, n.concurrent_hosts, n.concurrent_hosts_at,
       coalesce(p.concurrent_users, 0) AS concurrent_users, coalesce(p.concurrent_sessions, 0) AS concurrent_sessions, p.concurrent_weight, k.used_sketch, k.denied_sketch
FROM headcount_internal.daily_sets(c.sessions, c.denials, c.pages) AS n
     LEFT JOIN unnest(c.peaks) AS p ON p.day = n.day
     LEFT JOIN (SELECT u.day, %1$s AS used_sketch, %2$s AS denied_sketch
                FROM headcount_internal.daily_users(c.sessions, c.denials) AS u WHERE %4$L = 'a' GROUP BY u.day) AS k ON k.day = n.day$q$,
        headcount_internal.sketch_text('u.user_name', 'NOT u.is_denied'), headcount_internal.sketch_text('u.user_name', 'u.is_denied'), headcount_internal.dictionary_text(name), scope);
END
$$;
COMMENT ON FUNCTION headcount_internal.day_rows_query(text, "char", boolean) IS 'the query for what is computed of some days of a source, to be joined with what was collected, c';

-- That of all servers first: once it is collected all users have numbers, which those of slices are stored by.
CREATE FUNCTION headcount_internal.scopes(options headcount_internal.options) RETURNS "char"[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['a'::"char"] || CASE WHEN options.realtime_servers IS NOT NULL THEN '{r}'::"char"[] END || CASE WHEN headcount_internal.has_servers(options) THEN '{s}'::"char"[] END
        || ARRAY(SELECT headcount_internal.dimension_scope(n, r)
                 FROM unnest(CASE WHEN options.realtime_servers IS NULL THEN '{false}' ELSE '{false,true}'::boolean[] END) AS r
                      CROSS JOIN generate_series(1, jsonb_array_length(options.dimensions)) AS n
                 ORDER BY r, n)
$$;
COMMENT ON FUNCTION headcount_internal.scopes(headcount_internal.options) IS
    'what is stored apart of each day of a source, in the order in which it is collected: a all servers, r realtime servers, s each server, and each value of dimensions';

-- New users are appended. Once there are a quarter more than when it was done last, each bucket is made one page again,
-- of 64 to 128 users: what is rewritten over time is some times what there is.
CREATE FUNCTION headcount_internal.compact_dictionary_of(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    users   integer;
    buckets integer := 1;
BEGIN
    EXECUTE format('SELECT r.next_user_id FROM %I.rollup_state AS r WHERE r.next_user_id > 1.25 * r.compacted_users', name) INTO users;
    IF users IS NULL THEN
        RETURN;
    END IF;
    WHILE users > 128 * buckets::bigint LOOP
        buckets := 2 * buckets;
    END LOOP;
    -- the users of one bucket go to some that no others go to
    EXECUTE format('WITH gone AS (DELETE FROM %1$I.rollup_dictionary WHERE bucket <> -2147483648 RETURNING bucket, page)
        INSERT INTO %1$I.rollup_dictionary (bucket, page)
        SELECT p.bucket, p.page
        FROM (SELECT array_agg(g.page) AS pages FROM gone AS g GROUP BY g.bucket) AS b
             CROSS JOIN LATERAL headcount_internal.compact_dictionary(b.pages, $1) AS p', name) USING buckets;
    EXECUTE format('UPDATE %I.rollup_state SET dictionary_buckets = $1, compacted_users = $2', name) USING buckets, users;
END
$$;
COMMENT ON FUNCTION headcount_internal.compact_dictionary_of(text) IS
    'puts the users of a source together again in as few pages as there should be, if many came since';

CREATE FUNCTION headcount_internal.forgetting_key(name text) RETURNS bytea
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page bytea;
BEGIN
    EXECUTE 'SELECT ' || headcount_internal.key_page_text(name) INTO page;
    RETURN page;
END
$$;
COMMENT ON FUNCTION headcount_internal.forgetting_key(text) IS 'the page with the key of the forgotten names of a source, NULL if none were; for its owner';

-- Replaces names in the dictionary by hashes: the numbers stay, so that all that is counted stays, and who comes back has his number
-- again. The key is of this source, and goes with its tables. Runs as the owner.
CREATE FUNCTION headcount_internal.forget_names_of(name text, names text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state     constant headcount_internal.rollup_state := headcount_internal.read_rollup(name);
    source    constant headcount_internal.source := headcount_internal.find_materialized(name);
    old_page  constant bytea := headcount_internal.forgetting_key(name);
    -- of a version 4 uuid the first six bytes are random
    key_page  constant bytea := coalesce(old_page, headcount_internal.key_page(substr(uuid_send(gen_random_uuid()), 1, 6) || substr(uuid_send(gen_random_uuid()), 1, 6) || substr(uuid_send(gen_random_uuid()), 1, 4)));
    forgotten bigint;
BEGIN
    IF names IS NOT NULL AND source.has_identity THEN
        EXECUTE format('SELECT coalesce(array_agg(%I.identity_of(n)), ''{}'') FROM unnest($1) AS n', name) INTO names USING names;
    END IF;
    EXECUTE format('WITH gone AS (DELETE FROM %1$I.rollup_dictionary AS l WHERE l.bucket >= 0 AND ($1 IS NULL OR l.bucket IN (SELECT headcount_internal.name_buckets($1, $2))) RETURNING l.bucket, l.page),
        page AS (SELECT p.* FROM %2$s AS b CROSS JOIN LATERAL headcount_internal.forget_names(b.pages, $1, $3, $2) AS p),
        put AS (INSERT INTO %1$I.rollup_dictionary (bucket, page) SELECT p.bucket, p.page FROM page AS p)
        SELECT coalesce(sum(p.users), 0) FROM page AS p WHERE p.bucket < 0', name, headcount_internal.page_groups_text('gone')) INTO forgotten USING names, state.dictionary_buckets, key_page;
    IF forgotten > 0 AND old_page IS NULL THEN
        EXECUTE format('INSERT INTO %I.rollup_dictionary (bucket, page) VALUES (-2147483648, $1)', name) USING key_page;
    END IF;
    RETURN forgotten;
END
$$;
COMMENT ON FUNCTION headcount_internal.forget_names_of(text, text[]) IS 'forgets these names, or if that is NULL all, in what is stored of a source, and returns how many it knew';

CREATE FUNCTION headcount.forget_users(source text, user_names text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.find_materialized(source), headcount_internal.check_required('user_names', user_names::text);
    RETURN headcount_internal.execute_as_owner((headcount_internal.find_materialized(source)).sessions_view,
        format('SELECT headcount_internal.forget_names_of(%L, %L::text[])', source, user_names))::bigint;
END
$$;
COMMENT ON FUNCTION headcount.forget_users(text, text[]) IS
    'replaces the names of users in what is stored of a source by hashes under a key of its own, and returns how many names it knew: all numbers stay as they are, and who comes back is known again, but who was there can no longer be told of frozen days with them. Rows of tables are not touched';

-- The numbers of the users of some days; those who have none yet get one.
CREATE FUNCTION headcount_internal.number_users_of(name text, sessions bytea, denials bytea) RETURNS bytea[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bytea[];
    added record;
BEGIN
    EXECUTE format('SELECT k.pages FROM %s AS k', headcount_internal.known_users(name, '$1, $2')) INTO known USING sessions, denials;
    EXECUTE format('SELECT array_agg(n.bucket) AS buckets, array_agg(n.page) AS pages, sum(n.users) AS users
        FROM %I.rollup_state AS r CROSS JOIN LATERAL headcount_internal.assign_user_ids($1, $2, $3, r.next_user_id, r.dictionary_buckets) AS n', name)
        INTO added USING sessions, denials, known;
    IF added.users > 0 THEN
        EXECUTE format('INSERT INTO %I.rollup_dictionary (bucket, page) SELECT * FROM unnest($1, $2)', name) USING added.buckets, added.pages;
        EXECUTE format('UPDATE %I.rollup_state SET next_user_id = next_user_id + $1', name) USING added.users;
        PERFORM headcount_internal.compact_dictionary_of(name);
    END IF;
    RETURN known || added.pages;
END
$$;
COMMENT ON FUNCTION headcount_internal.number_users_of(text, bytea, bytea) IS
    'pages with the numbers of the users that were collected, given out if there were none';

-- Users of longer windows are counted when they are asked for: each day would be due on too many others. So are those of sketches.
CREATE FUNCTION headcount_internal.stored_window(options headcount_internal.options, OUT days integer, OUT model text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN w.days <= 400 AND options.exact THEN w.days ELSE 0 END, m.model
    FROM (SELECT CASE options.licensing_model WHEN '2019' THEN '2013' ELSE options.licensing_model END AS model) AS m
         CROSS JOIN LATERAL headcount_internal.window_days(m.model, options.window_days) AS w (days)
$$;
COMMENT ON FUNCTION headcount_internal.stored_window(headcount_internal.options) IS
    'over how many days the users are counted that are stored of a day, 0 if none are, and under which licensing model; other models count them as they are read';

-- Whether something else is to be stored of the last days than there is.
CREATE FUNCTION headcount_internal.has_other_window(state headcount_internal.rollup_state, options headcount_internal.options) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (state.window_days, state.window_model) IS DISTINCT FROM (w.days, w.model) FROM headcount_internal.stored_window(options) AS w
$$;
COMMENT ON FUNCTION headcount_internal.has_other_window(headcount_internal.rollup_state, headcount_internal.options) IS
    'whether the users of the last days are stored over another number of days, or under another licensing model, than the options of the source say';

CREATE FUNCTION headcount_internal.given_text() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'SELECT NULL::text AS slice, $4 AS sessions, $5 AS peaks, $6 AS denials'
$$;
COMMENT ON FUNCTION headcount_internal.given_text() IS 'the query for what scope_query collected of a scope without slices, as parameters';

CREATE FUNCTION headcount_internal.given_slices_text(slices text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT u.slice, u.sessions, u.peaks, u.denials FROM unnest(%s) AS u', slices)
$$;
COMMENT ON FUNCTION headcount_internal.given_slices_text(text) IS 'the query for what collect_slices collected, a parameter';

-- What scope_query collected, or the same as parameters, with the numbers of its users. If changes are not logged, those who came
-- since the first scope was read get one; if they are, their days are read again.
CREATE FUNCTION headcount_internal.collected_text(name text, scope "char", collected text, pages text, is_tracked boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN NOT headcount_internal.has_slices(scope) THEN format('SELECT c.*, %s AS pages FROM (%s) AS c', pages, collected)
                WHEN is_tracked THEN format('SELECT c.*, k.pages FROM (%s) AS c CROSS JOIN LATERAL %s AS k', collected, headcount_internal.known_users(name, 'c.sessions, c.denials', true))
                ELSE format('SELECT c.*, headcount_internal.number_users_of(%L, c.sessions, c.denials) AS pages FROM (%s OFFSET 0) AS c', name, collected) END
$$;
COMMENT ON FUNCTION headcount_internal.collected_text(text, "char", text, text, boolean) IS
    'the query for what was collected of some days of a source, with the numbers of its users';

-- Stores what was collected of the days from from_day to to_day, the latter not included, in place of what is stored of them,
-- and what this changes of other days; all slices of a scope at once. Days from the watermark on are new. What collects, slices, has
-- the bounds of the days and the last instant in them as $1 to $3, and what was collected before as $20; NULL is what is given. Returns how many of the days have
-- something.
CREATE FUNCTION headcount_internal.store_scope(name text, options headcount_internal.options, state headcount_internal.rollup_state, scope "char", slices text,
    sessions bytea, peaks headcount_internal.day_peaks[], denials bytea, pages bytea[], from_day date, to_day date, is_tracked boolean,
    collected headcount_internal.collected_slice[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' SET jit = off AS $$
DECLARE
    -- no days at all are those before which nothing is stored
    from_at    constant timestamptz := CASE WHEN isfinite(from_day) THEN headcount.day_start(from_day, options.time_zone) END;
    to_at      constant timestamptz := CASE WHEN isfinite(to_day) THEN headcount.day_start(to_day, options.time_zone) END;
    is_changed constant boolean := from_day < state.watermark;
    wanted     constant record := headcount_internal.stored_window(options);
    in_scope   constant text := headcount_internal.in_scope(scope, 'd', 'p');
    -- of a slice those days are not kept that are there for users of the last days alone
    idle_days  constant boolean := NOT headcount_internal.has_slices(scope);
    hashes     constant text := current_setting('enable_hashagg');
    patches    headcount_internal.slice_patch[];
    stored     bigint;
BEGIN
    -- a dimension may have more values than the planner knows of: hashed, each would have a memory context in one long list
    PERFORM set_config('enable_hashagg', 'off', true) WHERE scope <> ALL ('{a,r,s}');
    EXECUTE format($q$
WITH collected AS MATERIALIZED (%3$s),
computed AS MATERIALIZED (SELECT c.slice, n.* FROM collected AS c CROSS JOIN LATERAL (%7$s) AS n),
patch AS MATERIALIZED (
    SELECT c.slice, p.day, headcount_internal.in_dictionary(p.new_users, %5$s) AS new_users, p.used_count, p.denied_count, p.daily_count, p.new_count, p.window_count, p.is_idle
    FROM collected AS c
         LEFT JOIN LATERAL (SELECT t.seen_count, t.seen FROM %1$I.rollup_totals AS t WHERE %6$s OFFSET 0) AS t ON true
         CROSS JOIN LATERAL %4$s AS r
         CROSS JOIN LATERAL headcount_internal.stored_patches(r.days, t.seen_count, t.seen, c.sessions, c.denials, c.pages, $10, $11, $12, $13, $14, $15, $16, $17, $18, %8$L) AS p),
gone AS (DELETE FROM %1$I.rollup_days AS d WHERE d.scope = %2$L AND d.day >= $8 AND d.day < $9),
stored AS (
    INSERT INTO %1$I.rollup_days (scope, slice, day, used, denied, denials, concurrent_hosts, concurrent_hosts_at, concurrent_users, concurrent_sessions, concurrent_weight,
            used_sketch, denied_sketch, new_users, used_count, denied_count, daily_count, new_count, window_count)
    SELECT %2$L, n.*, p.new_users, p.used_count, p.denied_count, p.daily_count, p.new_count, p.window_count
    FROM computed AS n JOIN patch AS p ON p.day = n.day%9$s
    RETURNING 1)
SELECT (SELECT count(*) FROM stored),
       (SELECT array_agg(ROW(p.slice, p.day, p.new_users, p.new_count, p.window_count, p.is_idle)::headcount_internal.slice_patch)
        FROM patch AS p WHERE p.day IS NULL OR p.is_idle OR p.day < $8 OR p.day >= $9)$q$,
        name, scope,
        headcount_internal.collected_text(name, scope, coalesce(slices, headcount_internal.given_text()), '$7', is_tracked),
        headcount_internal.stored_days_text(name, headcount_internal.in_scope(scope, 'd', 'c') || ' AND d.day >= $19'),
        headcount_internal.dictionary_text(name), headcount_internal.in_scope(scope, 't', 'c'), headcount_internal.day_rows_query(name, scope, true), idle_days,
        CASE WHEN headcount_internal.has_slices(scope) THEN ' AND ' || headcount_internal.same_slice('p', 'n') ELSE '' END)
        INTO stored, patches
        USING from_at, to_at, to_at - interval '1 microsecond', sessions, peaks, denials, pages, from_day, to_day,
              CASE WHEN is_changed THEN ARRAY[from_day] END, CASE WHEN is_changed THEN ARRAY[to_day] END,
              greatest(from_day, state.watermark), state.window_days, state.window_model, wanted.days, wanted.model, options.time_zone,
              greatest(to_day, state.watermark),
              -- of days before those only the last ones matter, unless the users of all last days are counted anew
              CASE WHEN headcount_internal.has_other_window(state, options) THEN '-infinity'
                   ELSE headcount_internal.days_before(least(from_day, state.watermark), greatest(state.window_days, 1) - 1) END,
              collected;
    PERFORM set_config('enable_hashagg', hashes, true);
    -- unnest() is taken for few rows, so each is looked up by an index
    EXECUTE format($q$
WITH p AS (SELECT p.* FROM unnest($1) AS p WHERE p.day IS NOT NULL),
     changed AS (UPDATE %1$I.rollup_days AS d
                 SET new_users = coalesce(p.new_users, d.new_users), new_count = p.new_count, window_count = p.window_count
                 FROM p WHERE %2$s AND d.day = p.day AND NOT (p.is_idle AND p.window_count = 0)),
     gone AS (DELETE FROM %1$I.rollup_days AS d USING p WHERE %2$s AND d.day = p.day AND p.is_idle AND p.window_count = 0)
INSERT INTO %1$I.rollup_days (scope, slice, day, used, denied, denials, concurrent_hosts, concurrent_users, concurrent_sessions,
        new_users, used_count, denied_count, daily_count, new_count, window_count)
SELECT %3$L, p.slice, p.day, e.nobody, e.nobody, 0, 0, 0, 0, e.nobody, 0, 0, 0, 0, p.window_count
FROM p CROSS JOIN (VALUES (headcount.to_user_set('{}'))) AS e (nobody)
WHERE %4$L AND p.is_idle AND p.window_count > 0 AND NOT EXISTS (SELECT FROM %1$I.rollup_days AS d WHERE %2$s AND d.day = p.day)$q$, name, in_scope, scope, idle_days)
        USING patches;
    EXECUTE format($q$
WITH p AS (SELECT p.* FROM unnest($1) AS p WHERE p.day IS NULL),
     changed AS (UPDATE %1$I.rollup_totals AS d SET seen_count = p.new_count, seen = p.new_users FROM p WHERE %2$s)
INSERT INTO %1$I.rollup_totals (scope, slice, seen_count, seen)
SELECT %3$L, p.slice, p.new_count, p.new_users FROM p WHERE NOT EXISTS (SELECT FROM %1$I.rollup_totals AS d WHERE %2$s)$q$, name, in_scope, scope)
        USING patches;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION headcount_internal.store_scope(text, headcount_internal.options, headcount_internal.rollup_state, "char", text, bytea, headcount_internal.day_peaks[], bytea, bytea[], date, date, boolean,
    headcount_internal.collected_slice[]) IS
    'stores what was collected of some days of all servers or of the realtime ones, or collects that of each slice and stores it, and what follows from it for other days';

-- Citus refuses some statements that read its tables and write to one of this server alone, or fails within. So what is collected of
-- its tables is read apart.
CREATE FUNCTION headcount_internal.collect_slices(query text, from_at timestamptz, to_at timestamptz) RETURNS headcount_internal.collected_slice[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    slices headcount_internal.collected_slice[];
BEGIN
    EXECUTE format('SELECT array_agg(ROW(c.slice, c.sessions, c.peaks, c.denials)::headcount_internal.collected_slice) FROM (%s) AS c', query)
        INTO slices USING from_at, to_at, to_at - interval '1 microsecond';
    RETURN slices;
END
$$;
COMMENT ON FUNCTION headcount_internal.collect_slices(text, timestamptz, timestamptz) IS 'what a query of scope_query collects of the slices of a scope';

-- The same for a source without sets of users: each day stands for itself, so nothing follows for others.
CREATE FUNCTION headcount_internal.store_sketched_days(name text, options headcount_internal.options, from_day date, to_day date, is_recent boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' SET jit = off AS $$
DECLARE
    from_at constant timestamptz := headcount.day_start(from_day, options.time_zone);
    to_at   constant timestamptz := headcount.day_start(to_day, options.time_zone);
    last_at constant timestamptz := to_at - interval '1 microsecond';
    hashes  constant text := current_setting('enable_hashagg');
    on_shards constant boolean := headcount_internal.is_on_shards(headcount_internal.find_source(name));
    scope     "char";
    collects  text;
    slices    headcount_internal.collected_slice[];
    collected record;
    here      bigint;
    stored    bigint := 0;
BEGIN
    FOREACH scope IN ARRAY headcount_internal.scopes(options) LOOP
        collects := headcount_internal.scope_query(name, options, scope, is_recent);
        IF headcount_internal.has_slices(scope) THEN      -- of which there may be many, see store_scope
            PERFORM set_config('enable_hashagg', 'off', true) WHERE scope <> 's';
            IF on_shards THEN
                slices := headcount_internal.collect_slices(collects, from_at, to_at);
                collects := headcount_internal.given_slices_text('$9');
            END IF;
        ELSE
            EXECUTE collects INTO collected USING from_at, to_at, last_at;
            collects := headcount_internal.given_text();
        END IF;
        EXECUTE format('DELETE FROM %I.rollup_days AS d WHERE d.scope = %L AND d.day >= $1 AND d.day < $2', name, scope) USING from_day, to_day;
        EXECUTE format($q$
WITH collected AS MATERIALIZED (%3$s),
computed AS MATERIALIZED (SELECT c.slice, n.* FROM collected AS c CROSS JOIN LATERAL (%4$s) AS n)      -- with a condition, once for each day
INSERT INTO %1$I.rollup_days (scope, slice, day, used, denied, denials, concurrent_hosts, concurrent_hosts_at, concurrent_users, concurrent_sessions, concurrent_weight,
        used_sketch, denied_sketch, new_users, used_count, denied_count, daily_count, new_count, window_count)
SELECT %2$L, n.slice, n.day, n.used, n.denied, n.denials, n.concurrent_hosts, n.concurrent_hosts_at, n.concurrent_users, n.concurrent_sessions, n.concurrent_weight,
       n.used_sketch, n.denied_sketch, n.used, n.used_count, n.denied_count, n.daily_count, 0, 0
FROM computed AS n
WHERE n.day >= $7 AND n.day < $8 AND NOT %5$s$q$, name, scope, collects, headcount_internal.day_rows_query(name, scope, false), headcount_internal.is_idle('n'))
            USING from_at, to_at, last_at, collected.sessions, collected.peaks, collected.denials, from_day, to_day, slices;
        GET DIAGNOSTICS here = ROW_COUNT;
        stored := stored + here;
        PERFORM set_config('enable_hashagg', hashes, true);
    END LOOP;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION headcount_internal.store_sketched_days(text, headcount_internal.options, date, date, boolean) IS
    'computes some days of a source from its tables and stores them, with sketches of their users';

-- Replaces the days from from_day to to_day, the latter not included, and returns how many rows it stored.
CREATE FUNCTION headcount_internal.store_days(name text, options headcount_internal.options, state headcount_internal.rollup_state, from_day date, to_day date, is_recent boolean, is_tracked boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    from_at constant timestamptz := headcount.day_start(from_day, options.time_zone);
    to_at   constant timestamptz := headcount.day_start(to_day, options.time_zone);
    on_shards constant boolean := headcount_internal.is_on_shards(headcount_internal.find_source(name));
    scope     "char";
    collects  text;
    slices    headcount_internal.collected_slice[];
    collected record;
    pages     bytea[];
    stored    bigint := 0;
BEGIN
    -- what is ours first: who waits for that holds up nobody with what he has read of the tables
    EXECUTE format('LOCK TABLE %I.rollup_days IN ROW EXCLUSIVE MODE', name);
    IF NOT options.exact THEN
        RETURN headcount_internal.store_sketched_days(name, options, from_day, to_day, is_recent);
    END IF;
    FOREACH scope IN ARRAY headcount_internal.scopes(options) LOOP
        IF headcount_internal.has_slices(scope) THEN
            collects := headcount_internal.scope_query(name, options, scope, is_recent);
            IF on_shards THEN
                slices := headcount_internal.collect_slices(collects, from_at, to_at);
                collects := headcount_internal.given_slices_text('$20');
            END IF;
            -- also those that have nothing on these days any more
            PERFORM headcount_internal.store_scope(name, options, state, scope, format($q$SELECT coalesce(c.slice, g.slice) AS slice, c.sessions, c.peaks, c.denials
    FROM (%s) AS c FULL JOIN (SELECT DISTINCT d.slice FROM %I.rollup_days AS d WHERE d.scope = %L AND d.day >= $8 AND d.day < $9 AND NOT %s) AS g ON %s$q$,
                collects, name, scope, headcount_internal.is_idle('d'), headcount_internal.same_slice('g', 'c')),
                NULL, NULL, NULL, NULL, from_day, to_day, is_tracked, slices);
        ELSE
            -- INTO, and nothing else in the statement, which PostgreSQL would not run in parallel
            EXECUTE headcount_internal.scope_query(name, options, scope, is_recent) INTO collected USING from_at, to_at, to_at - interval '1 microsecond';
            IF scope = 'a' OR NOT is_tracked THEN      -- the first one has all users
                pages := headcount_internal.number_users_of(name, collected.sessions, collected.denials);
            END IF;
            stored := stored + headcount_internal.store_scope(name, options, state, scope, NULL, collected.sessions, collected.peaks, collected.denials, pages, from_day, to_day, is_tracked);
        END IF;
    END LOOP;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION headcount_internal.store_days(text, headcount_internal.options, headcount_internal.rollup_state, date, date, boolean, boolean) IS
    'computes some days of a source from its tables and stores them';

-- Counts the users of the last days anew, from what is stored.
CREATE FUNCTION headcount_internal.store_windows(name text, options headcount_internal.options, state headcount_internal.rollup_state) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope "char";
BEGIN
    FOREACH scope IN ARRAY headcount_internal.scopes(options) LOOP
        PERFORM headcount_internal.store_scope(name, options, state, scope,
            format('SELECT t.slice, NULL::bytea AS sessions, NULL::headcount_internal.day_peaks[] AS peaks, NULL::bytea AS denials FROM %I.rollup_totals AS t WHERE t.scope = %L', name, scope),
            NULL, NULL, NULL, NULL, state.watermark, state.watermark, true);
    END LOOP;
    IF (headcount_internal.stored_window(options)).days = 0 THEN
        EXECUTE format('DELETE FROM %I.rollup_days AS d WHERE %s', name, headcount_internal.is_idle('d'));
    END IF;
    EXECUTE format('UPDATE %I.rollup_state SET (window_days, window_model) = (SELECT w.days, w.model FROM headcount_internal.stored_window($1) AS w)', name) USING options;
END
$$;
COMMENT ON FUNCTION headcount_internal.store_windows(text, headcount_internal.options, headcount_internal.rollup_state) IS
    'has what is stored of the days of a source be about as many last days as its options say, and under the licensing model that they say';

CREATE FUNCTION headcount_internal.fail_untracked(name text, detail text, hint text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.raise_error('55000', format('changes of the tables of source "%s" are not logged', name), detail, hint);
END
$$;
COMMENT ON FUNCTION headcount_internal.fail_untracked(text, text, text) IS 'raises the error that days are not stored while nobody would learn of their changes';

-- Triggers where they are missing, or were made by somebody else than this database (a dump), or fire for half of what they
-- are for. Returns all triggers of the source. Who writes to such a table must not wait behind this: better luck next time.
CREATE FUNCTION headcount_internal.mend_triggers(name text, source headcount_internal.source) RETURNS oid[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    part record;
BEGIN
    -- what is left on tables that were detached
    PERFORM headcount_internal.drop_triggers(source, r.relation)
    FROM (SELECT DISTINCT t.relation FROM headcount_internal.tracking_trigger AS t WHERE t.definition IN (source.definition, source.denial_definition)) AS r
    WHERE r.relation <> ALL (headcount_internal.tracked_relations(source));
    FOR part IN
        SELECT w.relation, bool_or(NOT w.of_denials) AS of_sessions, bool_or(w.of_denials) AS of_denials
        FROM headcount_internal.wanted_triggers(source) AS w
        GROUP BY w.relation HAVING bool_or(w.found IS NOT NULL)
    LOOP
        PERFORM headcount_internal.drop_triggers(source, part.relation, also_orphans => true);
        IF part.of_sessions THEN
            PERFORM headcount_internal.create_triggers(name, source, part.relation, false);
        END IF;
        IF part.of_denials THEN
            PERFORM headcount_internal.create_triggers(name, source, part.relation, true);
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT t.trigger FROM headcount_internal.tracking_trigger AS t WHERE t.definition IN (source.definition, source.denial_definition));
END
$$;
COMMENT ON FUNCTION headcount_internal.mend_triggers(text, headcount_internal.source) IS
    'makes the triggers of a source that are missing or wrong, drops those on tables that are no part of it any more, and returns all it has';

-- Nothing stored counts any more but the frozen days, and all is registered as it is now. Tables are locked last, and
-- only if they get triggers.
CREATE FUNCTION headcount_internal.start_over(name text, source headcount_internal.source, is_tracked boolean, is_redefined boolean) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    triggers oid[];
    obstacle text;
BEGIN
    IF is_tracked AND source.tracking = 'auto' AND headcount_internal.is_on_shards(source) THEN
        is_tracked := false;
        PERFORM headcount_internal.drop_triggers(source);
        RAISE NOTICE 'source "%" is tracked by window from now on: its tables are tables of Citus', name
            USING DETAIL = format('Its views compute the last %s days from the tables at each read. Older days are stored, and what changes in them is not noticed.', source.tracking_days);
    END IF;
    PERFORM headcount_internal.forget_stored_days(name);
    EXECUTE format('DELETE FROM %s', headcount_internal.log_name(name));
    PERFORM headcount_internal.forget_unlogged_changes(source.definition);
    PERFORM headcount_internal.forget_unlogged_changes(source.denial_definition);
    EXECUTE format('UPDATE %I.rollup_state AS r SET awaits_writers = r.awaits_writers OR $1', name) USING is_redefined;
    IF is_tracked THEN
        obstacle := headcount_internal.tracking_obstacle(source);
        IF obstacle IS NOT NULL THEN
            PERFORM headcount_internal.fail_untracked(name, format('%s.', obstacle),
                format('Say anew what it holds, or track it by window: headcount.alter_source(%L, tracking => ''window'').', name));
        END IF;
        triggers := headcount_internal.mend_triggers(name, source);
    END IF;
    PERFORM headcount_internal.register(name, triggers);
END
$$;
COMMENT ON FUNCTION headcount_internal.start_over(text, headcount_internal.source, boolean, boolean) IS
    'forgets what is stored of a source but frozen days, mends its triggers, and registers it as it is now; days wait for the writers of now if it was redefined';

CREATE FUNCTION headcount_internal.forget_stored_days(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    frozen_before date;
BEGIN
    EXECUTE format('UPDATE %I.rollup_state SET watermark = frozen_before, today_ends = NULL RETURNING frozen_before', name) INTO frozen_before;
    EXECUTE format('DELETE FROM %I.rollup_today', name);
    EXECUTE format('DELETE FROM %I.rollup_days AS d WHERE d.day >= $1', name) USING frozen_before;
    EXECUTE format('DELETE FROM %I.rollup_totals', name);
    -- Another dictionary from here on. The users of frozen days keep their numbers in it; but this may be a copy of a database,
    -- and the other one goes on giving out the same numbers.
    EXECUTE format('UPDATE %I.rollup_state SET dictionary = gen_random_uuid()', name);
    EXECUTE format('UPDATE %I.rollup_days SET used = headcount_internal.in_dictionary(used, %2$s), denied = headcount_internal.in_dictionary(denied, %2$s),
        new_users = headcount_internal.in_dictionary(new_users, %2$s)', name, headcount_internal.dictionary_text(name));
    EXECUTE format('INSERT INTO %1$I.rollup_totals (scope, slice, seen_count, seen)
        SELECT d.scope, d.slice, sum(d.new_count), headcount.user_set_union_agg(d.new_users) FROM %1$I.rollup_days AS d
        WHERE %2$L GROUP BY d.scope, d.slice', name, headcount_internal.has_sets(headcount_internal.find_source(name)));
    -- whoever was forgotten stays so, though the tables may have his name
    IF NOT isfinite(frozen_before) THEN
        EXECUTE format('DELETE FROM %I.rollup_dictionary AS l WHERE l.bucket >= 0', name);
        EXECUTE format('UPDATE %I.rollup_state SET first_day = NULL', name);
        IF headcount_internal.forgetting_key(name) IS NULL THEN
            EXECUTE format('UPDATE %I.rollup_state SET next_user_id = 0, dictionary_buckets = 1, compacted_users = 0', name);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.forget_stored_days(text) IS 'forgets all stored days of a source but the frozen ones';

-- New partitions get triggers, and the days that their rows are about are logged. Who writes to one that is in use must
-- not wait behind this: better luck next time.
CREATE FUNCTION headcount_internal.follow_partitions(name text, source headcount_internal.source, state headcount_internal.rollup_state) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    obstacle constant text := headcount_internal.tracking_obstacle(source);
    part      record;
    made      oid[];
    triggers  oid[] := '{}';
    relations regclass[] := '{}';
BEGIN
    IF obstacle IS NOT NULL THEN
        PERFORM headcount_internal.fail_untracked(name, format('%s.', obstacle),
            format('Make the source track by window: headcount.alter_source(%L, tracking => ''window'').', name));
    END IF;
    FOR part IN
        SELECT headcount_internal.source_tables(source.definition) AS relation, false AS of_denials
        UNION ALL SELECT headcount_internal.source_tables(source.denial_definition), true
    LOOP
        CONTINUE WHEN part.relation = ANY (state.relations);
        made := headcount_internal.create_triggers(name, source, part.relation, part.of_denials);
        PERFORM headcount_internal.log_table(made[1]);
        triggers := triggers || made;
        IF part.relation <> ALL (relations) THEN
            relations := relations || part.relation;
        END IF;
    END LOOP;
    EXECUTE format('UPDATE %I.rollup_state AS r SET relations = r.relations || $1, triggers = r.triggers || $2,
        tracking_mark = headcount_internal.add_marks(r.tracking_mark, headcount_internal.tracking_mark($2, $1)), registered_at = clock_timestamp()', name)
        USING relations, triggers;
END
$$;
COMMENT ON FUNCTION headcount_internal.follow_partitions(text, headcount_internal.source, headcount_internal.rollup_state) IS
    'makes triggers on the partitions that the tables of a source got';

-- What PostgreSQL's own catalog says of a table of Citus is about no rows.
CREATE FUNCTION headcount_internal.shard_bytes(relation regclass) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bytes bigint;
BEGIN
    EXECUTE 'SELECT pg_catalog.citus_relation_size($1)' INTO bytes USING relation;
    RETURN bytes;
END
$$;
COMMENT ON FUNCTION headcount_internal.shard_bytes(regclass) IS 'how many bytes a table of Citus takes on all shards';

-- How many days to compute at once: as many as have some millions of sessions on average.
CREATE FUNCTION headcount_internal.batch_days(source headcount_internal.source, days integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- a few hundred bytes for each session in the process that sums up, which keeps it within 1 GiB
    max_sessions constant double precision := 2e6;
    sessions double precision;
BEGIN
    SELECT sum(CASE WHEN headcount_internal.is_on_shards(c.oid) AND c.relkind = 'r' THEN headcount_internal.shard_bytes(c.oid) / 64.0
                    WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 64.0 END) INTO sessions
    FROM headcount_internal.source_tables(source.definition) AS t (oid) JOIN pg_class AS c ON c.oid = t.oid;
    sessions := greatest(coalesce(sessions, max_sessions), 1);
    RETURN greatest(1, least(CASE WHEN sessions < 1e5 THEN 7300 ELSE 366 END, floor(max_sessions * days / sessions)))::integer;
END
$$;
COMMENT ON FUNCTION headcount_internal.batch_days(headcount_internal.source, integer) IS 'how many of some days of a source to compute at once';

-- The first day with anything in the tables, NULL if there is none.
CREATE FUNCTION headcount_internal.first_day(name text, time_zone text) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    first_at timestamptz;
BEGIN
    EXECUTE format('SELECT least((SELECT min(s.started_at) FROM %1$I.session_states AS s WHERE %2$s), (SELECT min(d.denied_at) FROM %1$I.denials AS d))',
                   name, headcount_internal.counts())
        INTO first_at;
    RETURN headcount.day_of(first_at, time_zone);
END
$$;
COMMENT ON FUNCTION headcount_internal.first_day(text, text) IS 'the first day on which a source has anything';

-- The first day from this one on with anything in the tables, NULL if there is none: what lies between two sessions that
-- are centuries apart need not be looked at day by day.
CREATE FUNCTION headcount_internal.next_day(name text, time_zone text, from_day date) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    from_at constant timestamptz := headcount.day_start(from_day, time_zone);
    next_at timestamptz;
BEGIN
    EXECUTE format('SELECT least((SELECT min(greatest(s.started_at, $1)) FROM %1$I.session_states AS s WHERE %2$s AND (s.ended_at IS NULL OR s.ended_at >= $1)),
                                 (SELECT min(d.denied_at) FROM %1$I.denials AS d WHERE d.denied_at >= $1))', name, headcount_internal.counts())
        INTO next_at USING from_at;
    RETURN headcount.day_of(next_at, time_zone);
END
$$;
COMMENT ON FUNCTION headcount_internal.next_day(text, text, date) IS 'the first day from this one on, on which a source has anything';

CREATE FUNCTION headcount_internal.first_stored_day(name text) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_day date;
BEGIN
    EXECUTE format($q$SELECT min(d.day) FROM %I.rollup_days AS d WHERE d.scope = 'a'$q$, name) INTO first_day;
    RETURN first_day;
END
$$;
COMMENT ON FUNCTION headcount_internal.first_stored_day(text) IS 'the first stored day of a source with anything';

CREATE FUNCTION headcount_internal.is_stored(name text, day date) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.rollup_days AS d WHERE d.day = $1)', name) INTO found USING day;
    RETURN found;
END
$$;
COMMENT ON FUNCTION headcount_internal.is_stored(text, date) IS 'whether anything is stored of a day of a source, be it users of the last days';

-- Of the parts of the day of the watermark those that end at these instants, which are the first of them.
CREATE FUNCTION headcount_internal.keep_parts(name text, ends timestamptz[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.rollup_today AS d WHERE d.from_at >= $1', name) USING coalesce(ends[cardinality(ends)], '-infinity');
    EXECUTE format('UPDATE %I.rollup_state SET today_ends = $1', name) USING NULLIF(ends, '{}');
END
$$;
COMMENT ON FUNCTION headcount_internal.keep_parts(text, timestamptz[]) IS 'forgets what is stored of the day of the watermark of a source after an instant at which a part of it ends, or all';

CREATE FUNCTION headcount_internal.day_count(days datemultirange) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(upper(d) - lower(d)), 0)::integer FROM unnest(days) AS d
$$;
COMMENT ON FUNCTION headcount_internal.day_count(datemultirange) IS 'how many days there are in ranges with bounds';

-- Takes the rows of the log away and returns the stored days that they are about. Of the day of the watermark those parts are
-- forgotten that changed, and what follows them. What the log says of other days is done with: those are computed anew before
-- they are stored.
CREATE FUNCTION headcount_internal.take_changes(name text, time_zone text, state headcount_internal.rollup_state) RETURNS datemultirange
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dirty      datemultirange;
    first_day  date;
    changed_at timestamptz;      -- the first change of the day of the watermark
BEGIN
    EXECUTE format($q$
        WITH gone AS (DELETE FROM %s RETURNING from_day, to_day, from_at)
        SELECT range_agg(daterange(greatest(g.from_day, $1), least(g.to_day, $2 - 1), '[]')) FILTER (WHERE g.from_day < $2 AND g.to_day >= $1 AND $1 < $2),
               min(coalesce(g.from_at, '-infinity')) FILTER (WHERE g.to_day >= $2)
        FROM gone AS g$q$, headcount_internal.relation_name(state.log))
        INTO dirty, changed_at USING state.frozen_before, state.watermark;
    IF changed_at IS NOT NULL AND state.today_ends IS NOT NULL THEN
        PERFORM headcount_internal.keep_parts(name, ARRAY(SELECT e FROM unnest(state.today_ends) AS e WHERE e <= changed_at ORDER BY e));
    END IF;
    first_day := coalesce(headcount_internal.first_stored_day(name), state.watermark);
    IF lower(dirty) < first_day THEN      -- days before the first with anything are as empty as ever
        first_day := least(first_day, headcount_internal.first_day(name, time_zone));
        dirty := dirty * datemultirange(daterange(first_day, NULL));
    END IF;
    -- as for who reads them while they are dirty: not too many runs, each of which costs a query of its own
    RETURN coalesce((
        SELECT range_agg(daterange(r.from_day, r.to_day))
        FROM (SELECT array_agg(lower(d)) AS from_days, array_agg(upper(d) - 1) AS to_days FROM unnest(dirty) AS d) AS x
             CROSS JOIN LATERAL headcount_internal.day_runs(x.from_days, x.to_days, upper(dirty), time_zone) AS r), '{}');
END
$$;
COMMENT ON FUNCTION headcount_internal.take_changes(text, text, headcount_internal.rollup_state) IS
    'empties the log of changed days of a source and returns the stored ones among them';

-- The views of a source for tables in one place say so, those for tables of Citus do not.
CREATE FUNCTION headcount_internal.is_written_otherwise(name text, source headcount_internal.source) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT headcount_internal.is_on_shards(source) = EXISTS (
           SELECT FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
           WHERE r.ev_class = to_regclass(format('%I.session_states', name))
             AND d.refobjid = 'headcount_internal.is_in_one_place(regclass)'::regprocedure)
       AND (SELECT c.relkind IN ('r', 'p', 'v') FROM pg_class AS c WHERE c.oid = source.sessions)
$$;
COMMENT ON FUNCTION headcount_internal.is_written_otherwise(text, headcount_internal.source) IS
    'whether the views of a source were made for tables in one place that Citus has spread since, or the other way round';

-- Makes what is registered of a source fit what it is now. Returns whether it had to: then that was a step of its own, as
-- writers wait for tables that get triggers.
CREATE FUNCTION headcount_internal.catch_up(name text, source headcount_internal.source, state headcount_internal.rollup_state) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    differs    record;
    is_tracked constant boolean := state.relations IS NOT NULL;
    fault      record;
BEGIN
    IF headcount_internal.is_written_otherwise(name, source) THEN      -- for what its tables were, or were not, at the time
        PERFORM headcount_internal.make_views(name, headcount_internal.options_of(name));
    END IF;
    differs := headcount_internal.state_difference(source.state);
    IF differs.policies THEN
        PERFORM headcount_internal.fail_untracked(name, 'Row level security applies to the owner of the source.',
            format('Grant him BYPASSRLS, or track the source by window: headcount.alter_source(%L, tracking => ''window'').', name));
    ELSIF NOT (differs.definition OR differs.triggers OR differs.gone OR differs.unlogged OR differs.bounds) THEN
        IF differs.come THEN
            PERFORM headcount_internal.follow_partitions(name, source, state);
        END IF;
        RETURN differs.come;
    END IF;
    -- a trigger that somebody switched off or dropped is left to him
    SELECT f.* INTO fault FROM headcount_internal.tracking_faults(source) AS f WHERE f.found IN ('disabled', 'missing', 'conditional') LIMIT 1;
    IF FOUND AND is_tracked THEN
        PERFORM headcount_internal.fail_untracked(name, format('%s: %s.', fault.expected, fault.found),
            format('Enable its triggers, or CALL headcount.rebuild(%L), which makes them anew.', name));
    END IF;
    PERFORM headcount_internal.start_over(name, source, is_tracked, differs.definition);
    RETURN true;
END
$$;
COMMENT ON FUNCTION headcount_internal.catch_up(text, headcount_internal.source, headcount_internal.rollup_state) IS
    'makes what is registered of a source fit what it is now, and says whether anything had to be done';

-- What a refresh waits for: who began to write under another definition, or before he could know that changes of more days
-- are to be logged.
CREATE FUNCTION headcount_internal.awaited(state headcount_internal.rollup_state) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' AS $$
    SELECT format('%s %s', state.registered_at, state.logged_before)
$$;
COMMENT ON FUNCTION headcount_internal.awaited(headcount_internal.rollup_state) IS 'a mark of what writers must have heard of before days are stored';

-- Runs as the owner, in a transaction of its own: whoever writes may be about to wait for what a refresh has locked.
CREATE FUNCTION headcount_internal.wait_for_source(view regclass) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state headcount_internal.rollup_state;
BEGIN
    EXECUTE format('SELECT r.* FROM %I.rollup_state AS r', headcount_internal.source_name(view)) INTO state;
    PERFORM headcount_internal.wait_for_writers(state.relations);
    RETURN headcount_internal.awaited(state);
END
$$;
COMMENT ON FUNCTION headcount_internal.wait_for_source(regclass) IS
    'waits until all transactions have ended that write to the tables of a source by now, and returns what they may not have heard of';

-- One transaction's worth: how many days it stored, NULL if none were left to do; -2 less so many if writers have to be waited
-- for. Those who wrote before what `waited` says have been. Runs as the owner.
CREATE FUNCTION headcount_internal.refresh_step(view regclass, max_days integer, started_at timestamptz, pid integer, waited text) RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name     constant text := headcount_internal.source_name(view);
    state    headcount_internal.rollup_state := headcount_internal.read_rollup(name);      -- first: what comes next is as whoever had it locked has left it
    source   constant headcount_internal.source := headcount_internal.find_materialized(name);
    options  constant headcount_internal.options := headcount_internal.options_of(name);
    is_tracked constant boolean := state.relations IS NOT NULL;
    target   date;      -- the watermark after all steps
    has_waited boolean;
    must_wait boolean := false;
    new_from date;      -- where new days begin
    dirty    datemultirange;
    run      daterange;
    to_do    integer;
    most     integer;
    here     integer;
    done     integer := 0;
    stored   bigint;
    skipped  integer := 0;
BEGIN
    -- those that a dump brought
    PERFORM headcount_internal.register_instance(i.smart_ag_id, i.region_id, view, i.server)
    FROM headcount_internal.instances_of(name) AS i
    WHERE NOT EXISTS (SELECT FROM headcount_internal.instance AS r WHERE r.smart_ag_id = i.smart_ag_id AND r.sessions_view = view);
    IF headcount_internal.catch_up(name, source, state) THEN
        RETURN 0;
    END IF;
    has_waited := NOT is_tracked OR coalesce(waited = headcount_internal.awaited(state), false);
    IF state.awaits_writers THEN
        IF NOT has_waited THEN
            RETURN -2;
        END IF;
        EXECUTE format('UPDATE %I.rollup_state SET awaits_writers = false', name);
    END IF;
    IF headcount_internal.has_other_window(state, options) THEN
        PERFORM headcount_internal.store_windows(name, options, state);
        state := headcount_internal.read_rollup(name);
    END IF;
    target := greatest(state.watermark,
        headcount.day_of(now() - make_interval(secs => state.grace / 1e6), options.time_zone) - CASE WHEN is_tracked THEN 0 ELSE options.tracking_days - 1 END);
    -- Changes of new days are logged before these are stored (see log_until in change_log.hpp). Meanwhile stored days are.
    IF is_tracked AND target > state.watermark AND NOT (has_waited AND headcount.day_start(target, options.time_zone) <= state.logged_before) THEN
        EXECUTE format('UPDATE %I.rollup_state SET logged_before = greatest(logged_before, $1)', name) USING headcount.day_start(target, options.time_zone);
        must_wait := true;
    END IF;
    dirty := headcount_internal.take_changes(name, options.time_zone, state);
    new_from := CASE WHEN must_wait OR isfinite(state.watermark) THEN state.watermark
                     ELSE least(headcount_internal.first_day(name, options.time_zone), headcount_internal.first_stored_day(name), target) END;
    to_do := headcount_internal.day_count(dirty) + CASE WHEN must_wait THEN 0 ELSE target - new_from END;
    most := least(headcount_internal.batch_days(source, greatest(to_do, 366)), NULLIF(max_days, 0));

    FOR run IN SELECT unnest(dirty) LOOP
        EXIT WHEN done >= most;
        here := least(upper(run) - lower(run), most - done);
        PERFORM headcount_internal.store_days(name, options, state, lower(run), lower(run) + here, false, is_tracked);
        dirty := dirty - datemultirange(daterange(NULL, lower(run) + here));
        state.current_day := lower(run) + here - 1;
        done := done + here;
    END LOOP;
    EXECUTE format('INSERT INTO %s (from_day, to_day) SELECT lower(d), upper(d) - 1 FROM unnest($1) AS d', headcount_internal.relation_name(state.log))
        USING dirty;
    IF isempty(dirty) AND NOT must_wait THEN
        here := least(most - done, target - new_from);
        IF here > 0 THEN
            -- what lies between days with something is skipped, once nobody of the last days is left to be counted
            stored := headcount_internal.store_days(name, options, state, new_from, new_from + here, new_from + here = target, is_tracked);
            IF stored = 0 AND new_from + here < target AND NOT headcount_internal.is_stored(name, new_from + here - 1) THEN
                skipped := coalesce(least(headcount_internal.next_day(name, options.time_zone, new_from + here), target), target) - (new_from + here);
            END IF;
            state.current_day := new_from + here - 1;
            done := done + here;
        END IF;
        IF new_from + here + skipped > state.watermark THEN
            PERFORM headcount_internal.keep_parts(name, '{}');
        END IF;
        state.watermark := new_from + here + skipped;
    END IF;
    state.first_day := headcount_internal.first_stored_day(name);

    EXECUTE format($q$UPDATE %I.rollup_state AS r SET
        watermark = $1, first_day = $2, bounds_mark = headcount_internal.bounds_mark(r.time_zone, $2, $1),
        last_refresh = now(), last_duration = clock_timestamp() - $3, last_error = NULL,
        refresh_pid = CASE WHEN $4 + $8 < $5 THEN $6 END, refresh_started_at = $3,
        days_done = CASE WHEN r.refresh_started_at = $3 THEN r.days_done ELSE 0 END + $4 + $8,
        days_total = CASE WHEN r.refresh_started_at = $3 THEN r.days_done ELSE 0 END + $5,
        current_day = $7$q$, name)
        USING state.watermark, state.first_day, started_at, done, to_do, pid, state.current_day, skipped;
    RETURN CASE WHEN must_wait THEN -2 - done WHEN done + skipped < to_do THEN done END;
END
$$;
COMMENT ON FUNCTION headcount_internal.refresh_step(regclass, integer, timestamptz, integer, text) IS
    'stores some days of a source, those that changed first, and returns how many; NULL if none are left to do; -2 less so many if writers have to be waited for before it goes on; 0 as max_days is no limit';

-- What is over of today is stored too, once all days are: in parts of three hours, of which the last one grows. A change of one
-- has those that follow computed anew, since most late changes are of the last hours.
CREATE FUNCTION headcount_internal.part_start(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT date_bin('3 hours', at, '2000-01-01 00:00:00+00'::timestamptz)
$$;
COMMENT ON FUNCTION headcount_internal.part_start(timestamptz) IS 'when the part of a day begins that an instant is in, if the day does not begin later';

-- Up to which instant it can be stored: what changes later need not be logged, so sessions that start or end while they are
-- written had better be later.
CREATE FUNCTION headcount_internal.storable_until(state headcount_internal.rollup_state) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT now() - make_interval(secs => state.grace / 1e6) - interval '10 seconds'
$$;
COMMENT ON FUNCTION headcount_internal.storable_until(headcount_internal.rollup_state) IS 'the instant before which a source can be stored by now';

-- Runs as the owner.
CREATE FUNCTION headcount_internal.offer_today(view regclass) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name  constant text := headcount_internal.source_name(view);
    state headcount_internal.rollup_state := headcount_internal.read_rollup(name, may_wait => false);
    until constant timestamptz := headcount_internal.storable_until(state);
BEGIN
    -- another refresh that has it locked sees to today itself
    IF state.relations IS NULL OR state.awaits_writers OR headcount.day_of(until, state.time_zone) IS DISTINCT FROM state.watermark THEN
        RETURN NULL;
    END IF;
    state.logged_before := greatest(state.logged_before, until);
    EXECUTE format('UPDATE %I.rollup_state SET logged_before = $1', name) USING state.logged_before;
    RETURN headcount_internal.awaited(state);
END
$$;
COMMENT ON FUNCTION headcount_internal.offer_today(regclass) IS
    'has changes of what is over of today logged, if that is to be stored of a source, and returns a mark of what writers must have heard of before';

-- Runs as the owner, in a transaction of its own.
CREATE FUNCTION headcount_internal.today_writers_are_gone(view regclass) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN headcount_internal.writers_are_gone((headcount_internal.rollup_row(to_regclass(format('%I.rollup_state', headcount_internal.source_name(view))))).relations, 250);
END
$$;
COMMENT ON FUNCTION headcount_internal.today_writers_are_gone(regclass) IS
    'whether all transactions that write to the tables of a source by now end soon: nobody waits long for what is over of today';

-- What stored parts r of a day, or of one of its parts, come to together.
CREATE FUNCTION headcount_internal.united_parts_text() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('headcount.user_set_union_agg(r.used) AS used, headcount.user_set_union_agg(r.denied) AS denied, sum(r.denials)::integer AS denials,
       max(r.concurrent_hosts) AS concurrent_hosts, (array_agg(r.concurrent_hosts_at ORDER BY r.concurrent_hosts DESC, r.concurrent_hosts_at))[1] AS concurrent_hosts_at,
       max(r.concurrent_users) AS concurrent_users, max(r.concurrent_sessions) AS concurrent_sessions, max(r.concurrent_weight) AS concurrent_weight, %1$s.hll_union_agg(r.used_sketch) AS used_sketch, %1$s.hll_union_agg(r.denied_sketch) AS denied_sketch',
        headcount_internal.hll_schema());
END
$$;
COMMENT ON FUNCTION headcount_internal.united_parts_text() IS 'the columns of one row that stored parts of a day come to together';

-- Stores what was collected of the day of the watermark from one instant to another, which are in one part of it.
CREATE FUNCTION headcount_internal.store_part(name text, options headcount_internal.options, day date, from_at timestamptz, to_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' SET jit = off AS $$
DECLARE
    day_at  constant timestamptz := headcount.day_start(day, options.time_zone);
    part_at constant timestamptz := greatest(headcount_internal.part_start(from_at), day_at);
    last_at constant timestamptz := to_at - interval '1 microsecond';
    on_shards constant boolean := headcount_internal.is_on_shards(headcount_internal.find_source(name));
    scope     "char";
    collects  text;
    slices    headcount_internal.collected_slice[];
    collected record;
    pages     bytea[];
BEGIN
    FOREACH scope IN ARRAY headcount_internal.scopes(options) LOOP
        -- who was there before is in what is stored of before
        collects := headcount_internal.scope_query(name, options, scope, true, from_at > day_at);
        IF NOT headcount_internal.has_slices(scope) THEN
            EXECUTE collects INTO collected USING from_at, to_at, last_at;
            collects := headcount_internal.given_text();
            IF scope = 'a' AND options.exact THEN      -- the first one, which has all users; who comes later is logged
                pages := headcount_internal.number_users_of(name, collected.sessions, collected.denials);
            END IF;
        ELSIF on_shards THEN
            slices := headcount_internal.collect_slices(collects, from_at, to_at);
            collects := headcount_internal.given_slices_text('$10');
        END IF;
        EXECUTE format($q$
WITH collected AS MATERIALIZED (%3$s),
old AS (DELETE FROM %1$I.rollup_today AS d USING collected AS c WHERE %5$s AND d.from_at = $8 RETURNING d.*),
rows AS (
    SELECT d.slice, d.used, d.denied, d.denials, d.concurrent_hosts, d.concurrent_hosts_at, d.concurrent_users, d.concurrent_sessions, d.concurrent_weight, d.used_sketch, d.denied_sketch FROM old AS d
    UNION ALL
    SELECT c.slice, n.used, n.denied, n.denials, n.concurrent_hosts, n.concurrent_hosts_at, n.concurrent_users, n.concurrent_sessions, n.concurrent_weight, n.used_sketch, n.denied_sketch
    FROM collected AS c CROSS JOIN LATERAL (%4$s) AS n WHERE n.day = $9)
INSERT INTO %1$I.rollup_today (scope, slice, from_at, used, denied, denials, concurrent_hosts, concurrent_hosts_at, concurrent_users, concurrent_sessions, concurrent_weight, used_sketch, denied_sketch)
SELECT %2$L, r.slice, $8, %6$s
FROM rows AS r GROUP BY r.slice$q$, name, scope, CASE WHEN options.exact THEN headcount_internal.collected_text(name, scope, collects, '$7', true) ELSE collects END,
            headcount_internal.day_rows_query(name, scope, options.exact), headcount_internal.in_scope(scope, 'd', 'c'), headcount_internal.united_parts_text())
            USING from_at, to_at, last_at, collected.sessions, collected.peaks, collected.denials, pages, part_at, day, slices;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.store_part(text, headcount_internal.options, date, timestamptz, timestamptz) IS
    'computes what is over of the day of the watermark of a source from where its stored parts end, or a part begins, and stores it';

-- Runs as the owner, after those have been waited for of whom offer_today told.
CREATE FUNCTION headcount_internal.store_today(view regclass, waited text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name    constant text := headcount_internal.source_name(view);
    options headcount_internal.options;
    state   headcount_internal.rollup_state := headcount_internal.read_rollup(name, may_wait => false);
    differs record;
    until   timestamptz;
    from_at timestamptz;
    to_at   timestamptz;
BEGIN
    IF waited IS DISTINCT FROM headcount_internal.awaited(state) THEN      -- it is another one by now
        RETURN;
    END IF;
    options := headcount_internal.options_of(name);
    differs := headcount_internal.state_difference(to_regclass(format('%I.rollup_state', name)));
    IF differs.definition OR differs.triggers OR differs.gone OR differs.come OR differs.unlogged
       OR differs.bounds OR differs.policies THEN
        RETURN;      -- the next refresh sees to it
    END IF;
    EXECUTE format('LOCK TABLE %I.rollup_today IN ROW EXCLUSIVE MODE', name);
    EXECUTE format('INSERT INTO %s (from_day, to_day) SELECT lower(d), upper(d) - 1 FROM unnest($1) AS d', headcount_internal.relation_name(state.log))
        USING headcount_internal.take_changes(name, options.time_zone, state);
    state := headcount_internal.read_rollup(name);
    until := least(state.logged_before, headcount_internal.storable_until(state));
    from_at := coalesce(state.today_ends[cardinality(state.today_ends)], headcount.day_start(state.watermark, options.time_zone));
    IF headcount.day_of(until, options.time_zone) IS DISTINCT FROM state.watermark OR until <= from_at THEN
        RETURN;
    END IF;
    WHILE from_at < until LOOP
        to_at := least(until, headcount_internal.part_start(from_at) + interval '3 hours');
        PERFORM headcount_internal.store_part(name, options, state.watermark, from_at, to_at);
        IF from_at > headcount_internal.part_start(from_at) AND state.today_ends IS NOT NULL THEN      -- the last part has grown
            state.today_ends := state.today_ends[:cardinality(state.today_ends) - 1];
        END IF;
        state.today_ends := state.today_ends || to_at;
        from_at := to_at;
    END LOOP;
    EXECUTE format('UPDATE %I.rollup_state AS r SET today_ends = $1, last_duration = clock_timestamp() - r.refresh_started_at', name) USING state.today_ends;
END
$$;
COMMENT ON FUNCTION headcount_internal.store_today(regclass, text) IS 'stores what is over of today of a source';

CREATE FUNCTION headcount_internal.note_failure(view regclass, message text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('UPDATE %I.rollup_state SET last_error = $1, refresh_pid = NULL', headcount_internal.source_name(view)) USING message;
END
$$;
COMMENT ON FUNCTION headcount_internal.note_failure(regclass, text) IS 'notes why a refresh of a source failed';

CREATE FUNCTION headcount_internal.sources_to_refresh(source text, max_days integer) RETURNS oid[]
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found oid[];
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        PERFORM headcount_internal.raise_error('25006', 'cannot refresh sources in a read-only transaction', NULL,
            'A replica has what is stored on its primary: refresh sources there.');
    ELSIF max_days < 1 THEN
        PERFORM headcount_internal.raise_argument_error('max_days', format('must be at least 1, but is %s', max_days));
    ELSIF source IS NOT NULL THEN
        RETURN ARRAY[(headcount_internal.find_materialized(source)).sessions_view];
    END IF;
    found := ARRAY(SELECT a.sessions_view::oid
                   FROM headcount_internal.all_sources() AS a
                        CROSS JOIN LATERAL headcount_internal.look_up_source(a.source, false) AS s
                        LEFT JOIN LATERAL headcount_internal.rollup_row(s.state) AS r ON true
                   WHERE pg_has_role(a.owner, 'USAGE') AND s.state IS NOT NULL
                   ORDER BY r.last_refresh NULLS FIRST);
    IF found = '{}' THEN      -- a job of a role that owns none would look as if all were well
        RAISE NOTICE 'there is no source to refresh' USING DETAIL = format('No materialized source belongs to role "%s", or to one that it is a member of.', current_user);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION headcount_internal.sources_to_refresh(text, integer) IS
    'the sources that a refresh is about: the one that is named, or all that the caller owns';

CREATE PROCEDURE headcount.refresh(source text DEFAULT NULL, max_days integer DEFAULT NULL)
    AS 'MODULE_PATHNAME', 'headcount_refresh' LANGUAGE C;
COMMENT ON PROCEDURE headcount.refresh(text, integer) IS
    'stores the days of a source that changed and those that are over, or of every source that the caller owns; commits as it goes, and goes on where an earlier one was interrupted. max_days bounds how many days of each source it computes';

CREATE FUNCTION headcount_internal.forget_days(view regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name   constant text := headcount_internal.source_name(view);
    state  constant headcount_internal.rollup_state := headcount_internal.read_rollup(name);
    source constant headcount_internal.source := headcount_internal.find_materialized(name);
BEGIN
    PERFORM headcount_internal.start_over(name, source, state.relations IS NOT NULL, (headcount_internal.state_difference(source.state)).definition);
END
$$;
COMMENT ON FUNCTION headcount_internal.forget_days(regclass) IS
    'forgets all stored days of a source but the frozen ones, and makes its triggers anew';

CREATE PROCEDURE headcount.rebuild(source text)
    AS 'MODULE_PATHNAME', 'headcount_rebuild' LANGUAGE C;
COMMENT ON PROCEDURE headcount.rebuild(text) IS
    'stores all days of a source anew, in slices, and makes its triggers anew; until they are there its views are computed from its tables. If it is interrupted, refresh goes on';

CREATE FUNCTION headcount_internal.invalidate_days(name text, from_day date, to_day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (from_day, to_day) VALUES ($1, $2)', headcount_internal.log_name(name)) USING from_day, to_day;
END
$$;
COMMENT ON FUNCTION headcount_internal.invalidate_days(text, date, date) IS 'logs days of a source as changed, for its owner';

CREATE FUNCTION headcount.invalidate(source text, from_day date, to_day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
DECLARE
    found_source constant headcount_internal.source := headcount_internal.find_materialized(source);
BEGIN
    PERFORM headcount_internal.check_day_order(from_day, to_day);
    PERFORM headcount_internal.execute_as_owner(found_source.sessions_view,
        format('SELECT headcount_internal.invalidate_days(%L, %L, %L)', source, coalesce(from_day, '-infinity'), coalesce(to_day, 'infinity')));
END
$$;
COMMENT ON FUNCTION headcount.invalidate(text, date, date) IS
    'says that days of a source changed where no trigger saw it: they are computed from its tables until the next refresh stores them. NULL is no bound';

-- Runs as the owner.
CREATE FUNCTION headcount_internal.freeze_days(name text, before_day date) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    state    constant headcount_internal.rollup_state := headcount_internal.read_rollup(name);
    source   constant headcount_internal.source := headcount_internal.find_materialized(name);
    is_dirty boolean;
BEGIN
    IF before_day < state.frozen_before THEN
        PERFORM headcount_internal.raise_error('55000', format('days before %s are frozen', state.frozen_before),
            format('From %s on they would be computed from the rows that are still there, and what is stored of them would be lost.', before_day),
            'headcount.freeze(source, NULL) gives up what is stored, and computes from the tables.');
    ELSIF before_day = 'infinity' OR before_day > headcount.day_of(now(), source.time_zone) THEN
        PERFORM headcount_internal.raise_argument_error('before_day', format('days before %s are not all over', before_day));
    ELSIF before_day > headcount_internal.live_day(source.state) THEN      -- of new partitions too nothing is stored
        PERFORM headcount_internal.raise_error('55000', format('days before %s are not all stored', before_day), NULL,
            format('Run CALL headcount.refresh(%L) first.', name));
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE c.from_day < $1 AND c.to_day >= $2)', headcount_internal.relation_name(state.log))
        INTO is_dirty USING before_day, state.frozen_before;
    IF is_dirty THEN
        PERFORM headcount_internal.raise_error('55000', format('days before %s changed since they were stored', before_day), NULL,
            format('Run CALL headcount.refresh(%L) first.', name));
    END IF;
    IF before_day IS NULL AND isfinite(state.frozen_before) THEN      -- what changed while they were frozen is not in the log
        PERFORM headcount_internal.invalidate_days(name, '-infinity', state.frozen_before - 1);
    END IF;
    EXECUTE format('UPDATE %I.rollup_state SET frozen_before = $1', name) USING coalesce(before_day, '-infinity');
END
$$;
COMMENT ON FUNCTION headcount_internal.freeze_days(text, date) IS 'keeps days of a source as they are stored, or gives them up';

CREATE FUNCTION headcount.freeze(source text, before_day date, forget_names boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
DECLARE
    sessions_view constant regclass := (headcount_internal.find_materialized(source)).sessions_view;
BEGIN
    PERFORM headcount_internal.check_required('forget_names', forget_names::text);
    IF forget_names AND before_day IS NULL THEN
        PERFORM headcount_internal.raise_argument_error('forget_names', 'needs days to freeze', hint => 'Names are forgotten together with days that are frozen; headcount.forget_users forgets some at any time.');
    END IF;
    PERFORM headcount_internal.execute_as_owner(sessions_view, format('SELECT headcount_internal.freeze_days(%L, %L)', source, before_day));
    IF forget_names THEN
        PERFORM headcount_internal.execute_as_owner(sessions_view, format('SELECT headcount_internal.forget_names_of(%L, NULL)', source));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.freeze(text, date, boolean) IS
    'keeps the days of a source before this one as they are stored, whatever happens to its tables: sessions that were over by then may be deleted. A day before those that are frozen is an error; NULL gives all of them up, and computes them from the rows that are there. With forget_names the names of all users known by then are forgotten, see headcount.forget_users';
