-- From a number to its evidence: unique_users, users_on, hosts_at_peak.
--
-- Stored days come from the tables of the rollup, up to the first one that changed since: the same users, without reading
-- their history.

-- A condition for sessions s that have an instant in common with [from_at, to_at), where from_at is not after as_of: open
-- sessions last until then. Its parts stand alone so that indexes on the start and on the end can serve them; the last
-- one is about ends, which are exclusive except for a session of one instant.
CREATE FUNCTION headcount_internal.meets_span(from_at text DEFAULT '$1', to_at text DEFAULT '$2') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('s.started_at < %2$s AND (s.ended_at IS NULL OR s.ended_at >= %1$s) AND (s.ended_at IS DISTINCT FROM %1$s OR s.started_at = %1$s)',
                  from_at, to_at)
$$;
COMMENT ON FUNCTION headcount_internal.meets_span(text, text) IS 'the condition for sessions s that meet a span of time';

-- Where the stored days of a source that can be read for a question about some days end: at the first one that has to be
-- computed anew. NULL if nothing is stored.
CREATE FUNCTION headcount_internal.stored_until(source text, options headcount_internal.source, from_day date, to_day date) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dirty_day date;
BEGIN
    IF NOT headcount_internal.has_sets(options) THEN
        PERFORM headcount_internal.check_users_not_frozen(source, options, from_day);
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT min(r.from_day) FROM %I.dirty_days AS r WHERE r.from_day <= $2 AND r.to_day > $1', source)
        INTO dirty_day USING from_day, to_day;
    RETURN NULLIF(least(headcount_internal.live_day(options.state), dirty_day), '-infinity');
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_until(text, headcount_internal.source, date, date) IS
    'before which day the stored days of a source can be read for a question about some days, NULL where none can';

-- What a kind of users is: rows of the tables, and sets of stored days. What the licensing model of a source leaves out is
-- left out of all kinds (S10).
CREATE TYPE headcount_internal.user_kind AS (scope "char", has_sessions boolean, has_denials boolean, is_new boolean);
COMMENT ON TYPE headcount_internal.user_kind IS 'where the users of one kind are found';

CREATE FUNCTION headcount_internal.find_user_kind(options headcount_internal.source, what text) RETURNS headcount_internal.user_kind
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    has_denials constant boolean := options.licensing_model <> '2013';
    scope       constant "char" := headcount_internal.model_scope(options.realtime_servers, options.licensing_model);
    kind        headcount_internal.user_kind;
BEGIN
    PERFORM headcount_internal.check_required('what', what);
    kind := CASE
        WHEN what IN ('daily', 'total') THEN ROW(scope, true, has_denials, false)
        WHEN what = 'used' THEN ROW(scope, true, false, false)
        WHEN what = 'denied' THEN ROW(scope, false, true, false)
        WHEN what = 'new' THEN ROW(scope, true, has_denials, true) END;
    IF kind IS NULL THEN
        PERFORM headcount_internal.raise_argument_error('what', format('"%s" is not a set of users', what),
                                               hint => 'The sets are daily, used, denied, total and new.');
    END IF;
    RETURN kind;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_user_kind(headcount_internal.source, text) IS
    'where the users of one kind are found, or an error for a kind that does not exist';

-- A query for the names, each once, of the users of one kind over [from_at, to_at), which are $1 and $2 in it, the days from $4
-- to $5; $3 are the realtime servers, and $6 is where stored days end, $7 when (until_at, NULL where those are not read).
CREATE FUNCTION headcount_internal.users_query(source text, options headcount_internal.source, kind headcount_internal.user_kind,
    from_at timestamptz, to_at timestamptz, until_at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reads_stored constant boolean := until_at IS NOT NULL;
    -- names are the same when their bytes are, and are listed in that order
    sessions constant text := format($q$SELECT s.user_name COLLATE pg_catalog."C" AS user_name, s.started_at AS at
        FROM %%s AS s WHERE s.user_name <> ''%s AND %%s$q$, CASE WHEN kind.scope = 'r' THEN ' AND s.is_realtime' ELSE '' END);
    denials  constant text := format($q$SELECT d.user_name COLLATE pg_catalog."C" AS user_name, d.denied_at AS at
        FROM %I.denials AS d WHERE NOT d.is_false_denial%s AND $q$, source, CASE WHEN kind.scope = 'r' THEN ' AND d.server = ANY ($3)' ELSE '' END);
    -- the users of stored days: a condition for those days follows, and stored_end
    stored     constant text := format($q$SELECT u.name AS user_name, NULL::timestamptz AS at
        FROM %4$s AS g CROSS JOIN LATERAL headcount_internal.user_names(g.pages,
                                  (SELECT headcount.user_set_union_agg(x.users)
                                   FROM %1$I.rollup_days AS d CROSS JOIN LATERAL (VALUES %2$s) AS x (users)
                                   WHERE d.scope = %3$L AND $q$, source,
        CASE WHEN kind.has_sessions AND kind.has_denials THEN '(d.used), (d.denied)' WHEN kind.has_sessions THEN '(d.used)' ELSE '(d.denied)' END,
        kind.scope, headcount_internal.page_groups_text(format('%I.rollup_dictionary', source)));
    stored_end constant text := ')) AS u (name)';
    live_from  constant text := CASE WHEN reads_stored THEN 'greatest($1, $7)' ELSE '$1' END;
    rows       text[] := '{}';
BEGIN
    IF kind.is_new AND NOT reads_stored THEN      -- all there ever were, by when they came
        rows := rows || format(sessions, format('%I.sessions', source), 's.started_at < $2');
        IF kind.has_denials THEN
            rows := rows || (denials || 'd.denied_at < $2');
        END IF;
        RETURN format('SELECT r.user_name FROM (%s) AS r GROUP BY r.user_name HAVING min(r.at) >= $1', array_to_string(rows, ' UNION ALL '));
    END IF;
    IF kind.has_sessions THEN
        rows := rows || format(sessions, headcount_internal.sessions_around(source, options, greatest(from_at, until_at), to_at, live_from, '$2'),
                               headcount_internal.meets_span(live_from, '$2'));
    END IF;
    IF kind.has_denials THEN
        rows := rows || concat(denials, 'd.denied_at >= ', live_from, ' AND d.denied_at < $2');
    END IF;
    IF reads_stored THEN
        rows := rows || concat(stored, 'd.day >= $4 AND d.day <= $5 AND d.day < $6', stored_end);
    END IF;
    IF NOT kind.is_new THEN
        RETURN format('SELECT r.user_name FROM (%s) AS r GROUP BY r.user_name', array_to_string(rows, ' UNION ALL '));
    END IF;
    -- those of the days, less those of all days before
    RETURN format('SELECT r.user_name FROM (%s) AS r EXCEPT (%s)', array_to_string(rows, ' UNION ALL '), concat_ws(' UNION ALL ',
        format('SELECT r.user_name FROM (%s) AS r', concat(stored, 'd.day < least($4, $6)', stored_end)),
        format('SELECT r.user_name FROM (%s) AS r', format(sessions, headcount_internal.sessions_around(source, options, until_at, from_at, '$7', '$1'),
                                                           headcount_internal.meets_span('$7', '$1'))),
        CASE WHEN kind.has_denials THEN format('SELECT r.user_name FROM (%sd.denied_at >= $7 AND d.denied_at < $1) AS r', denials) END));
END
$$;
COMMENT ON FUNCTION headcount_internal.users_query(text, headcount_internal.source, headcount_internal.user_kind, timestamptz, timestamptz, timestamptz) IS
    'the query for the users of a source that are behind a number';

-- Which of some days are read from the tables. A run of changed days that is long ago is read by itself (sessions_around says
-- how); otherwise all from its first day on are, rather than to read the last sessions once for each of several runs.
CREATE TYPE headcount_internal.unstored_days AS (live_day date, from_days date[], to_days date[], from_ats timestamptz[], to_ats timestamptz[]);
COMMENT ON TYPE headcount_internal.unstored_days IS 'the day from which on the days of a source are read from its tables, and the runs before that are too, to_days not included';

CREATE FUNCTION headcount_internal.find_unstored_days(source text, options headcount_internal.source, from_day date, to_day date, from_at timestamptz) RETURNS headcount_internal.unstored_days
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unstored headcount_internal.unstored_days;
BEGIN
    EXECUTE format($q$
SELECT least(k.live_day, min(r.from_day) FILTER (WHERE NOT r.is_old)), array_agg(r.from_day) FILTER (WHERE r.is_old), array_agg(r.to_day) FILTER (WHERE r.is_old),
       array_agg(greatest(r.from_at, $3)) FILTER (WHERE r.is_old), array_agg(r.to_at) FILTER (WHERE r.is_old)
FROM (SELECT headcount_internal.live_day(%2$s) AS live_day OFFSET 0) AS k
     LEFT JOIN (SELECT r.*, $4 AND headcount_internal.is_long_ago(r.from_at, r.to_at) AS is_old
                FROM %1$I.dirty_days AS r WHERE r.from_day <= $2 AND r.to_day > $1) AS r ON true
GROUP BY k.live_day$q$, source, headcount_internal.state_of(source))
        INTO unstored USING from_day, to_day, from_at, headcount_internal.has_duration_index(options.sessions);
    RETURN unstored;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_unstored_days(text, headcount_internal.source, date, date, timestamptz) IS
    'which of the days from from_day, which begins at from_at, to to_day are read from the tables of a materialized source, from -infinity on if all are';

-- A query for the days with something of those from $1 to $2, which are [$3, $4): stored ones, and those from $5 on, which begins at
-- $6, and of some runs, $7 to $10, as they are in the tables. Users are numbers in all of them, so that nobody's name is
-- asked for but of those who were there on the latter: others than stored days know get numbers that no stored user has.
CREATE FUNCTION headcount_internal.day_sets_query(source text, options headcount_internal.source, kind headcount_internal.user_kind, is_live boolean, has_runs boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns  constant text := format('s.user_name, s.started_at, s.%I AS end_at, s.is_realtime', headcount_internal.end_column(options.idle_limit));
    stored   constant text := format('SELECT d.day, d.used, d.denied FROM %I.rollup_days AS d WHERE d.scope = %L AND d.day >= $1 AND d.day <= $2 AND d.day < $5%s',
        source, kind.scope, CASE WHEN has_runs THEN ' AND NOT EXISTS (SELECT FROM unnest($7, $8) AS r (from_day, to_day) WHERE d.day >= r.from_day AND d.day < r.to_day)' ELSE '' END);
    denials  constant text := format('SELECT d.user_name, d.denied_at FROM %I.denials AS d WHERE NOT d.is_false_denial%s',
        source, headcount_internal.scope_denials(kind.scope, options.realtime_servers));
    sessions text[] := '{}';
    refused  text[] := '{}';
BEGIN
    IF is_live THEN
        sessions := sessions || format('SELECT %s, $6 AS from_at, $4 AS to_at FROM %I.session_states AS s WHERE %s AND s.started_at < $4',
                                       columns, source, headcount_internal.ends_from(source, options, '$6'));
        refused := refused || concat(denials, ' AND d.denied_at >= $6 AND d.denied_at < $4');
    END IF;
    IF has_runs THEN
        sessions := sessions || format('SELECT s.* FROM (%s) AS s', headcount_internal.sessions_by_class(
            '(SELECT r.from_at, least(r.to_at, $4) AS to_at FROM unnest($9, $10) AS r (from_at, to_at))', source, options.sessions, options.idle_limit, columns));
        refused := refused || format('SELECT d.* FROM unnest($9, $10) AS r (from_at, to_at) CROSS JOIN LATERAL (%s AND d.denied_at >= r.from_at AND d.denied_at < least(r.to_at, $4) OFFSET 0) AS d', denials);
    END IF;
    IF NOT (is_live OR has_runs) THEN
        RETURN stored;
    END IF;
    RETURN format('%1$s UNION ALL SELECT l.day, headcount_internal.in_dictionary(l.used, %4$s), headcount_internal.in_dictionary(l.denied, %4$s) FROM %2$s CROSS JOIN LATERAL %3$s AS k CROSS JOIN LATERAL headcount_internal.daily_sets(s.state, d.state, k.pages) AS l',
        stored,
        headcount_internal.side_by_side(
            CASE WHEN kind.has_sessions THEN format('headcount_internal.daily_session_agg(s.user_name, NULL::text, s.started_at, s.end_at, %L::text, (SELECT %s), s.from_at, s.to_at) AS state
FROM (%s) AS s%s', options.time_zone, headcount_internal.as_of_text(), array_to_string(sessions, ' UNION ALL '), headcount_internal.scope_sessions(kind.scope, ' WHERE')) ELSE 'NULL::bytea AS state' END,
            CASE WHEN kind.has_denials THEN format('headcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, (SELECT %s)) AS state
FROM (%s) AS d', options.time_zone, headcount_internal.as_of_text(), array_to_string(refused, ' UNION ALL ')) ELSE 'NULL::bytea AS state' END),
        headcount_internal.known_users(source, 's.state, d.state'), headcount_internal.dictionary_text(source));
END
$$;
COMMENT ON FUNCTION headcount_internal.day_sets_query(text, headcount_internal.source, headcount_internal.user_kind, boolean, boolean) IS
    'the query for the sets of users of some days of a materialized source, stored or not';

-- Runs as the owner.
CREATE FUNCTION headcount_internal.unique_users_of(source text, from_day date, to_day date, what text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options   constant headcount_internal.source := headcount_internal.find_source(source);
    kind      constant headcount_internal.user_kind := headcount_internal.find_user_kind(options, what);
    first_day constant date := coalesce(from_day, '-infinity');
    last_day  constant date := coalesce(to_day, 'infinity');
    from_at   constant timestamptz := CASE WHEN isfinite(first_day) THEN headcount.day_start(first_day, options.time_zone) ELSE first_day::timestamptz END;
    to_at     constant timestamptz := CASE WHEN isfinite(last_day) THEN headcount.day_start(last_day + 1, options.time_zone) ELSE last_day::timestamptz END;
    -- who is new was on none of all days before
    seen_from constant date := CASE WHEN kind.is_new THEN '-infinity' ELSE first_day END;
    seen_at   constant timestamptz := CASE WHEN kind.is_new THEN '-infinity' ELSE from_at END;
    unstored  headcount_internal.unstored_days;
    sets      text;
    users     integer;
BEGIN
    PERFORM headcount_internal.check_day_order(from_day, to_day);
    IF from_at >= to_at OR from_at > headcount.as_of() THEN      -- a day that the zone skipped, or one to come
        RETURN 0;
    END IF;
    IF headcount_internal.has_sets(options) THEN
        unstored := headcount_internal.find_unstored_days(source, options, seen_from, last_day, seen_at);
    ELSE
        PERFORM headcount_internal.check_users_not_frozen(source, options, seen_from);
    END IF;
    IF NOT coalesce(isfinite(unstored.live_day), false) THEN
        EXECUTE format('SELECT count(*)::integer FROM (%s) AS u', headcount_internal.users_query(source, options, kind, from_at, to_at, NULL)) INTO users
            USING from_at, to_at, options.realtime_servers;
        RETURN users;
    END IF;
    sets := headcount_internal.day_sets_query(source, options, kind, unstored.live_day <= last_day, unstored.from_days IS NOT NULL);
    EXECUTE format(CASE WHEN kind.is_new THEN $q$
SELECT coalesce(headcount.cardinality(headcount.user_set_difference(headcount.user_set_union_agg(u.users) FILTER (WHERE x.day >= $11),
            coalesce(headcount.user_set_union_agg(u.users) FILTER (WHERE x.day < $11), headcount.to_user_set('{}')))), 0)::integer
FROM (%s) AS x CROSS JOIN LATERAL (VALUES %s) AS u (users)$q$
        ELSE 'SELECT coalesce(headcount.unique_count(u.users), 0)::integer FROM (%s) AS x CROSS JOIN LATERAL (VALUES %s) AS u (users)' END, sets,
            CASE WHEN NOT kind.has_denials THEN '(x.used)' WHEN NOT kind.has_sessions THEN '(x.denied)' ELSE '(x.used), (x.denied)' END)
        INTO users
        USING seen_from, last_day, seen_at, to_at, unstored.live_day, greatest(headcount.day_start(unstored.live_day, options.time_zone), seen_at),
              unstored.from_days, unstored.to_days, unstored.from_ats, unstored.to_ats, first_day;
    RETURN users;
END
$$;
COMMENT ON FUNCTION headcount_internal.unique_users_of(text, date, date, text) IS 'what unique_users tells, for the owner of the source';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.users_of(source text, day date, what text, as_of timestamptz) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options  constant headcount_internal.source := headcount_internal.find_source(source);
    kind     constant headcount_internal.user_kind := headcount_internal.find_user_kind(options, what);
    from_day date := day;
    from_at  timestamptz;
    to_at    constant timestamptz := headcount.day_start(day + 1, options.time_zone);
    until    date;
    until_at timestamptz;
BEGIN
    IF what = 'total' THEN
        from_day := CASE WHEN headcount_internal.is_trailing(options.licensing_model)
                         THEN headcount_internal.days_before(day, headcount_internal.window_days(options.licensing_model, options.window_days) - 1) ELSE '-infinity' END;
    END IF;
    until := headcount_internal.stored_until(source, options, CASE WHEN kind.is_new THEN '-infinity' ELSE from_day END, day);
    IF headcount.day_start(day, options.time_zone) > as_of THEN
        RETURN;
    END IF;
    IF headcount_internal.has_sets(options) AND headcount_internal.forgetting_key(source) IS NOT NULL THEN      -- the names are in the tables, but those of frozen days
        until := NULLIF(least(until, headcount_internal.frozen_before(options.state)), '-infinity');
    END IF;
    from_at := CASE WHEN isfinite(from_day) THEN headcount.day_start(from_day, options.time_zone) ELSE '-infinity' END;
    until_at := headcount.day_start(until, options.time_zone);
    IF from_at < to_at THEN
        RETURN QUERY EXECUTE format('SELECT u.user_name::text FROM (%s) AS u ORDER BY u.user_name',
                                    headcount_internal.users_query(source, options, kind, from_at, to_at, until_at))
            USING from_at, to_at, options.realtime_servers, from_day, day, until, until_at;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.users_of(text, date, text, timestamptz) IS 'what users_on tells, for the owner of the source';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.hosts_of(source text, day date, as_of timestamptz) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    options headcount_internal.source := headcount_internal.find_source(source);
    from_at timestamptz := headcount.day_start(day, options.time_zone);
    to_at   timestamptz := headcount.day_start(day + 1, options.time_zone);
BEGIN
    to_at := least(to_at, as_of + interval '1 microsecond');
    IF headcount_internal.frozen_before(options.state) > day THEN
        PERFORM headcount_internal.raise_error('55000', format('day %s of source "%s" is frozen', day, source),
            'Its hosts are not stored, and the tables need not have its sessions any more.');
    END IF;
    IF from_at < to_at THEN
        RETURN QUERY EXECUTE format($q$
            SELECT k.host
            FROM (SELECT headcount.presence_agg(s.host, s.started_at, s.ended_at) AS hosts
                  FROM %s AS s WHERE s.host <> '' AND %s%s) AS p
                 CROSS JOIN LATERAL headcount.peak(p.hosts, $1, $2) AS top
                 CROSS JOIN LATERAL headcount.keys_at(p.hosts, coalesce(top.at, $1)) AS k (host)      -- no peak: nobody is there
            ORDER BY k.host COLLATE pg_catalog."C"$q$,
            headcount_internal.sessions_around(source, options, from_at, to_at, '$1', '$2'), headcount_internal.meets_span(),
            CASE headcount_internal.model_scope(options.realtime_servers, options.licensing_model) WHEN 'r' THEN ' AND s.is_realtime' ELSE '' END)
            USING from_at, to_at;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.hosts_of(text, date, timestamptz) IS 'what hosts_at_peak tells, for the owner of the source';

CREATE FUNCTION headcount.unique_users(source text, from_day date, to_day date, what text DEFAULT 'daily') RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source);
    RETURN (SELECT u.users FROM headcount_internal.read_source(source, 'unique_users_of', ARRAY[from_day::text, to_day::text, what]) AS u (users integer));
END
$$;
COMMENT ON FUNCTION headcount.unique_users(text, date, date, text) IS
    'how many users of a source count on any of the days from from_day to to_day, both included, NULL being no bound, under its licensing model: as daily_users (daily, or total), with a session (used), denied (denied), or for the first time (new); needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.users_on(source text, day date, what text DEFAULT 'daily', as_of timestamptz DEFAULT headcount.as_of()) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_required('day', day::text);
    as_of := headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT u.user_name FROM headcount_internal.read_source(source, 'users_of', ARRAY[day::text, what, as_of::text]) AS u (user_name text);
END
$$;
COMMENT ON FUNCTION headcount.users_on(text, date, text, timestamptz) IS
    'the users behind daily_users (daily), denial_users (denied) or total_users (total) of a day, those with a session on a server that the licensing model looks at (used), or those that count that day for the first time (new); needs SELECT on the views sessions and denials of the source';

CREATE FUNCTION headcount.hosts_at_peak(source text, day date, as_of timestamptz DEFAULT headcount.as_of()) RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_required('day', day::text);
    as_of := headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT h.host FROM headcount_internal.read_source(source, 'hosts_of', ARRAY[day::text, as_of::text]) AS h (host text);
END
$$;
COMMENT ON FUNCTION headcount.hosts_at_peak(text, date, timestamptz) IS
    'the hosts that were there at the instant concurrent_hosts_at of a day, as many as concurrent_hosts; needs SELECT on the view sessions of the source';
