-- The views of a source: small ones over each other, which a person can read with \d+.
--
--   session_rows, denial_rows   the definition: every row of the tables, with the columns that the owner of the source wrote
--   session_states              the same with effective ends and flags (rules S1 to S3), not yet filtered
--   sessions, denials           the rows that count
--   online_sessions, online_users, data_quality, daily_...      what people ask for
--
-- and, if the source is materialized,
--
--   dirty_days                  the stored days that changed since
--   stored_days                 the rows of rollup_days that count
--   live_sessions, live_denials what is read from the tables, on all other days
--
-- They are SELECTs over subselects and nothing else, which the planner flattens: a condition on sessions.user_name
-- becomes one on the user's own column and finds its index. So '' stays '' in them (a NULLIF would hide the column), and
-- the places that count say user_name <> ''.
--
-- Nothing in a view depends on settings of its reader: zones and limits are constants, and what prints, prints in the
-- source's zone. "Now" is headcount.as_of() everywhere, over tables of Citus written so that it reaches other servers as a value (41-values.sql);
-- so is all else that the server alone knows that is asked.

-- CREATE OR REPLACE, so that alter_source keeps grants and whatever people built on the views.
-- (Citus warns of each view that it does not copy to its workers, where nobody needs it.)
--
-- Views that show some of the people only are security barriers: else a condition of a reader, and what it tells of a row, might come
-- before that of the view. (Equality is leakproof, and still finds the index. Tables of Citus do without.)
CREATE FUNCTION headcount_internal.make_view(name text, view_name text, query text, comment text, column_comments text[] DEFAULT '{}')
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = error AS $$
DECLARE
    on_shards constant boolean := coalesce(headcount_internal.is_on_shards(to_regclass(format('%I.session_rows', name))), false)
                               OR coalesce(headcount_internal.is_on_shards(to_regclass(format('%I.denial_rows', name))), false);
    is_foreign constant boolean := coalesce(headcount_internal.is_foreign(headcount_internal.definition_table(to_regclass(format('%I.session_rows', name)))), false);
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW %I.%I%s AS %s', name, view_name,
        CASE WHEN view_name IN ('online_sessions', 'online_users') AND NOT on_shards THEN ' WITH (security_barrier)' END, CASE WHEN on_shards THEN query ELSE headcount_internal.without_values(query, is_foreign) END);
    EXECUTE format('COMMENT ON VIEW %I.%I IS %L', name, view_name, comment);
    FOR i IN 1 .. cardinality(column_comments) / 2 LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', name, view_name, column_comments[2 * i - 1], column_comments[2 * i]);
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.make_view(text, text, text, text, text[]) IS 'makes or replaces one view of a source, with its comments';

CREATE FUNCTION headcount_internal.drop_view(name text, view_name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('DROP VIEW IF EXISTS %I.%I', name, view_name);
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_view(text, text) IS 'drops a view of a source that nothing of it reads any more, if it is there';

CREATE FUNCTION headcount_internal.text_or_null(expression text, name text, view_name text, column_name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(expression, 'NULL::text' || coalesce((
        SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
        FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
        WHERE c.oid = headcount_internal.kept_collation(name, view_name, column_name)), ''))
$$;
COMMENT ON FUNCTION headcount_internal.text_or_null(text, text, text, text) IS
    'an expression for a column of a view, or NULL with the collation that the column has if the view exists';

CREATE FUNCTION headcount_internal.in_zone(column_name text, options headcount_internal.options, option text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN coalesce(option, column_name) = ANY (options.naive) THEN format('(given.%I AT TIME ZONE %L)', column_name, options.time_zone)
                ELSE format('given.%I', column_name) END
$$;
COMMENT ON FUNCTION headcount_internal.in_zone(text, headcount_internal.options, text) IS
    'a column of times of a definition, read in the zone of the source if it has none of its own';

CREATE FUNCTION headcount_internal.dimension_expressions(name text, view_name text, columns text[], dimensions jsonb, of_rows text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(format(', %s AS %I', headcount_internal.text_or_null(d.dimension ->> of_rows, dimension_expressions.name, view_name, c.name), c.name), '' ORDER BY c.place), '')
    FROM unnest(columns) WITH ORDINALITY AS c (name, place)
         LEFT JOIN jsonb_array_elements(dimensions) AS d (dimension) ON d.dimension ->> 'name' = c.name
$$;
COMMENT ON FUNCTION headcount_internal.dimension_expressions(text, text, text[], jsonb, text) IS
    'the dimensions of a source over the rows of its sessions, or denials, to be put behind other columns';

-- What the owner wrote is the inner SELECT, what we make of it the outer one. No alias for the table: an expression may
-- name it.
CREATE FUNCTION headcount_internal.make_definition(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- over given.user_name, which has the name of the column that the option is about
    identity constant text := coalesce(options.user_identity, 'given.user_name');
    identity_body text := '$1';
    -- started_at and duration, or else ended_at
    end_at constant text := format('headcount_internal.end_after(%s, given.duration)', headcount_internal.in_zone('started_at', options));
    -- as the owner wrote them, with NULL for those that the source has no more
    dimensions constant text[] := headcount_internal.dimension_columns(name, options.dimensions);
    outer_list constant text := coalesce((SELECT string_agg(format(', given.%I', d.name), '' ORDER BY d.place) FROM unnest(dimensions) WITH ORDINALITY AS d (name, place)), '');
    inner_list constant text := headcount_internal.dimension_expressions(name, 'session_rows', dimensions, options.dimensions, 'sessions');
    denied_list constant text := headcount_internal.dimension_expressions(name, 'denial_rows', dimensions, options.dimensions, 'denials');
BEGIN
    PERFORM headcount_internal.make_view(name, 'session_rows', format($q$
SELECT %s AS user_name, given.host, given.server, %s AS started_at, %s AS ended_at, %s AS last_seen, given.weight, %s AS end_key%s
FROM (SELECT %s AS user_name, %s AS host, %s AS server, %s AS started_at, %s, %s AS last_seen, %s AS weight%s FROM %s) AS given%s$q$,
        identity, headcount_internal.in_zone('started_at', options),
        CASE WHEN options.duration IS NULL THEN headcount_internal.in_zone('ended_at', options) ELSE end_at END,
        headcount_internal.in_zone('last_seen', options),
        CASE WHEN options.duration IS NULL THEN 'given.ended_at' ELSE end_at END, outer_list,
        options.user_name, headcount_internal.text_or_null(options.host, name, 'session_rows', 'host'),
        headcount_internal.text_or_null(options.server, name, 'session_rows', 'server'), options.started_at,
        CASE WHEN options.duration IS NULL THEN coalesce(options.ended_at, 'NULL::timestamptz') || ' AS ended_at' ELSE options.duration || ' AS duration' END,
        coalesce(options.last_seen, 'NULL::timestamptz'), coalesce(options.weight, 'NULL::bigint'), concat(inner_list, ', ' || options.sessions_when || ' AS counts'),
        headcount_internal.relation_name(options.sessions), CASE WHEN options.sessions_when IS NULL THEN '' ELSE ' WHERE given.counts' END),
        'every row of the table of sessions, with the columns that the source was told of: its definition',
        ARRAY['end_key', 'ended_at as it stands in the table, for indexes']);
    IF options.denials IS NULL THEN
        PERFORM headcount_internal.make_view(name, 'denial_rows', format(
            'SELECT %s AS user_name, %s AS host, %s AS server, NULL::timestamptz AS denied_at%s WHERE false',
            headcount_internal.text_or_null(NULL, name, 'denial_rows', 'user_name'), headcount_internal.text_or_null(NULL, name, 'denial_rows', 'host'),
            headcount_internal.text_or_null(NULL, name, 'denial_rows', 'server'), denied_list), 'no rows: the source was told of no denials');
    ELSE
        PERFORM headcount_internal.make_view(name, 'denial_rows', format($q$
SELECT %s AS user_name, given.host, given.server, %s AS denied_at%s
FROM (SELECT %s AS user_name, %s AS host, %s AS server, %s AS denied_at%s FROM %s) AS given%s$q$,
            identity, headcount_internal.in_zone('denied_at', options), outer_list,
            options.denied_user, headcount_internal.text_or_null(options.denied_host, name, 'denial_rows', 'host'),
            headcount_internal.text_or_null(options.denied_server, name, 'denial_rows', 'server'), options.denied_at, concat(denied_list, ', ' || options.denied_when || ' AS counts'),
            headcount_internal.relation_name(options.denials), CASE WHEN options.denied_when IS NULL THEN '' ELSE ' WHERE given.counts' END),
            'every row of the table of denials, with the columns that the source was told of: its definition');
    END IF;
    IF options.user_identity IS NOT NULL THEN
        identity_body := format('%s FROM (SELECT $1 AS user_name) AS given', options.user_identity);
    END IF;
    EXECUTE format('CREATE OR REPLACE FUNCTION %I.identity_of(user_name text) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT %s; END', name, identity_body);
    EXECUTE format('COMMENT ON FUNCTION %I.identity_of(text) IS %L', name, 'who a name stands for: the expression user_identity of the source');
    -- nothing in these is headcount's own, so DROP EXTENSION would leave them
    PERFORM headcount_internal.tie_to_extension(to_regclass(format('%I.%I', name, v))) FROM unnest(ARRAY['session_rows', 'denial_rows']) AS v;
    PERFORM headcount_internal.tie_function_to_extension(to_regprocedure(format('%I.identity_of(text)', name)));
END
$$;
COMMENT ON FUNCTION headcount_internal.make_definition(text, headcount_internal.options) IS 'makes or replaces the views that are the definition of a source';

CREATE FUNCTION headcount_internal.reads_shards(options headcount_internal.options) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT headcount_internal.is_on_shards(options.sessions) OR coalesce(headcount_internal.is_on_shards(options.denials), false)
$$;
COMMENT ON FUNCTION headcount_internal.reads_shards(headcount_internal.options) IS 'whether Citus keeps the rows of one of the tables of a source';

-- A further condition of a view that is made otherwise for tables of Citus; nothing of it is left in a plan.
CREATE FUNCTION headcount_internal.in_one_place(options headcount_internal.options) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(format(' AND headcount_internal.is_in_one_place(%L::regclass)', headcount_internal.relation_name(t)), '')
    FROM unnest(ARRAY[options.sessions, options.denials]) AS t
    WHERE t IS NOT NULL AND (SELECT c.relkind IN ('r', 'p', 'v') FROM pg_class AS c WHERE c.oid = t)
$$;
COMMENT ON FUNCTION headcount_internal.in_one_place(headcount_internal.options) IS 'the condition that the tables of a source are not tables of Citus, after another one; an error where they are';

-- The condition for rows whose times count, on session_states AS s.
CREATE FUNCTION headcount_internal.counts() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$s.started_at > '-infinity'::timestamptz AND s.started_at <= %s
  AND (s.closed_at IS NULL OR s.closed_at >= s.started_at)$q$, headcount_internal.as_of_text())
$$;
COMMENT ON FUNCTION headcount_internal.counts() IS 'the condition for sessions s whose times count';

-- Naive columns are compared as they are, with a day to spare for what a time zone can do to them.
CREATE FUNCTION headcount_internal.end_key_at(is_naive boolean, time_zone text, at text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN is_naive THEN format($q$(%s AT TIME ZONE %L) - '1 day'::interval$q$, at, time_zone) ELSE at END
$$;
COMMENT ON FUNCTION headcount_internal.end_key_at(boolean, text, text) IS
    'what the end of a session in the table is at least if it is not before an instant';

CREATE FUNCTION headcount_internal.end_key_from(is_naive boolean, time_zone text, at text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('(s.end_key IS NULL OR s.end_key >= %s)', headcount_internal.end_key_at(is_naive, time_zone, at))
$$;
COMMENT ON FUNCTION headcount_internal.end_key_from(boolean, text, text) IS
    'a condition, in a form that an index on the user''s column can serve, that all sessions s meet whose end in the table is not before an instant';

-- The column of session_states by which sessions are counted: without idle_limit the same, but for an infinite end.
CREATE FUNCTION headcount_internal.end_column(idle_limit interval) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN idle_limit IS NULL THEN 'closed_at' ELSE 'ended_at' END
$$;
COMMENT ON FUNCTION headcount_internal.end_column(interval) IS 'the column of session_states by which sessions are counted';

CREATE FUNCTION headcount_internal.make_session_states(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_unended constant text := $q$(r.ended_at IS NULL OR r.ended_at = 'infinity'::timestamptz)$q$;
    is_idle    constant text := format('coalesce(r.last_seen, r.started_at) < %s - %L::interval', headcount_internal.as_of_text(), options.idle_limit);
BEGIN
    PERFORM headcount_internal.make_view(name, 'session_states', format($q$
SELECT r.user_name, r.host, r.server, r.started_at, r.last_seen, r.end_key, r.ended_at AS closed_at,
       %s AS ended_at, %s AS is_open, %s AS is_stale, %s AS is_realtime, %s AS weight, r.weight AS given_weight%s
FROM %I.session_rows AS r%s$q$,
        CASE WHEN options.idle_limit IS NULL THEN $q$NULLIF(r.ended_at, 'infinity'::timestamptz)$q$
             ELSE format($q$CASE WHEN r.ended_at < 'infinity'::timestamptz THEN r.ended_at
            WHEN %s THEN greatest(r.started_at + '00:00:00.000001'::interval, coalesce(r.last_seen, r.started_at) + %L::interval) END$q$,
                         is_idle, options.idle_limit) END,
        CASE WHEN options.idle_limit IS NULL THEN is_unended ELSE format('(%s AND NOT %s)', is_unended, is_idle) END,
        CASE WHEN options.idle_limit IS NULL THEN 'false' ELSE format('(%s AND %s)', is_unended, is_idle) END,
        CASE WHEN options.realtime_servers IS NULL THEN 'true' ELSE format('coalesce(r.server = ANY (%L::text[]), false)', options.realtime_servers) END,
        -- beyond that no number is a weight, and their sums fit into a bigint
        CASE WHEN options.weight IS NULL THEN 'r.weight' ELSE $q$CASE WHEN r.weight IS NULL THEN 1::bigint WHEN r.weight >= 0 AND r.weight <= 1000000000000 THEN r.weight END$q$ END,
        headcount_internal.dimension_list(name, 'r'), name, CASE WHEN NOT headcount_internal.reads_shards(options) THEN ' WHERE true' || headcount_internal.in_one_place(options) END),
        'every session with its effective end, whether it counts or not',
        ARRAY['closed_at', 'the end in the table', 'ended_at', 'the effective end; NULL while the session is open',
              'weight', 'what the session takes, 1 if nobody says; NULL if that is no weight']);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_session_states(text, headcount_internal.options) IS 'makes or replaces the view of the sessions of a source with effective ends and flags (rules S1 to S3)';

CREATE FUNCTION headcount_internal.session_user_collation(name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
    WHERE c.oid = headcount_internal.kept_collation(name, 'sessions', 'user_name')
$$;
COMMENT ON FUNCTION headcount_internal.session_user_collation(text) IS 'the collation of the users in the view sessions of a source';

-- Citus joins what is on shards only where both sides are distributed alike by what they are joined by; who a user is may be
-- any expression. So the denials are gathered first, and sent to the sessions.
CREATE FUNCTION headcount_internal.gathered_denials_query(name text, options headcount_internal.options, denials text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
WITH refused AS MATERIALIZED (%2$s),
     let_in AS MATERIALIZED (
    SELECT d.user_name, d.denied_at
    FROM (SELECT DISTINCT r.user_name COLLATE pg_catalog."C" AS user_name, r.denied_at FROM refused AS r) AS d
         JOIN %1$I.sessions AS s ON s.user_name = d.user_name COLLATE %5$s
              AND s.started_at >= d.denied_at - %3$L::interval AND s.started_at <= d.denied_at + %4$L::interval
    GROUP BY d.user_name, d.denied_at)
SELECT d.user_name, d.host, d.server, d.denied_at, l.denied_at IS NOT NULL AS is_false_denial%6$s
FROM refused AS d
     LEFT JOIN let_in AS l ON l.user_name = d.user_name COLLATE pg_catalog."C" AND l.denied_at = d.denied_at$q$,
        name, denials, options.false_denial_before, options.false_denial_after, headcount_internal.session_user_collation(name), headcount_internal.dimension_list(name, 'd'));
END
$$;
COMMENT ON FUNCTION headcount_internal.gathered_denials_query(text, headcount_internal.options, text) IS
    'the query behind the denials of a source over tables of Citus, if false ones are looked for';

-- If false denials are looked for, there is a part for true ones and two for false ones: each is a join that the planner
-- can do in any way, and who asks for one kind only gets only its parts. A flag computed row by row would search the
-- sessions for every denial. The session that makes a denial false starts in the bin of the first instant that is looked
-- at, or in that of the last: bins are as long as what is looked at. They are there for joins by hash, which would
-- otherwise compare each denial of a user with each of his sessions. The denial takes the collation of the session, for
-- the sake of the index on the sessions.
CREATE FUNCTION headcount_internal.denials_query(name text, options headcount_internal.options) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dimensions constant text := headcount_internal.dimension_list(name, 'd');
    part constant text := replace($q$
SELECT d.user_name, d.host, d.server, d.denied_at, %s AS is_false_denial%s
FROM %I.denial_rows AS d
WHERE d.user_name <> ''::text AND d.denied_at > '-infinity'::timestamptz AND d.denied_at <= now_at%s$q$, 'now_at', headcount_internal.as_of_text());
    first_at constant text := format('d.denied_at - %L::interval', options.false_denial_before);
    last_at  constant text := format('d.denied_at + %L::interval', options.false_denial_after);
    bin      constant text := format('date_bin(%L::interval, ', greatest(options.false_denial_before + options.false_denial_after, interval '1 second'));
    origin   constant text := $q$, '2000-01-01 00:00:00+00'::timestamptz)$q$;
    in_one_place constant text := headcount_internal.in_one_place(options);
    same_user text;
    in_time   text;
    in_first  text;
    in_last   text;
BEGIN
    IF options.false_denial_before IS NULL THEN
        RETURN format(part, 'false', dimensions, name, CASE WHEN NOT headcount_internal.reads_shards(options) THEN in_one_place END);
    ELSIF headcount_internal.reads_shards(options) THEN
        RETURN headcount_internal.gathered_denials_query(name, options, format(part, 'false', dimensions, name, ''));
    END IF;
    same_user := format('EXISTS (
    SELECT 1 FROM %I.sessions AS s
    WHERE s.user_name = d.user_name COLLATE %s AND ', name, headcount_internal.session_user_collation(name));
    in_time := format('
      AND s.started_at >= %s AND s.started_at <= %s)', first_at, last_at);
    in_first := concat(same_user, bin, 's.started_at', origin, ' = ', bin, first_at, origin, in_time);
    in_last := concat(same_user, bin, 's.started_at', origin, ' = ', bin, last_at, origin, in_time);
    RETURN concat_ws('
UNION ALL', format(part, 'false', dimensions, name, concat(in_one_place, ' AND NOT ', in_first, ' AND NOT ', in_last)),
                format(part, 'true', dimensions, name, concat(in_one_place, ' AND ', in_first)),
                format(part, 'true', dimensions, name, concat(in_one_place, ' AND NOT ', in_first, ' AND ', in_last)));
END
$$;
COMMENT ON FUNCTION headcount_internal.denials_query(text, headcount_internal.options) IS 'the query behind the denials of a source';

-- Views keep the columns of weights once they have them: others may have views on them.
CREATE FUNCTION headcount_internal.shows_weight(name text, options headcount_internal.options) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT options.weight IS NOT NULL
        OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.sessions', name)) AND a.attname = 'weight' AND NOT a.attisdropped)
$$;
COMMENT ON FUNCTION headcount_internal.shows_weight(text, headcount_internal.options) IS 'whether the views of a source have columns for what its sessions weigh';

CREATE FUNCTION headcount_internal.has_weight(source headcount_internal.source) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM headcount_internal.given_expressions(source.definition) AS g WHERE g.name = 'weight')
$$;
COMMENT ON FUNCTION headcount_internal.has_weight(headcount_internal.source) IS 'whether a source was told what its sessions weigh';

-- In the order in which the view has them, so that it can be replaced; what is new comes last.
CREATE FUNCTION headcount_internal.sessions_list(name text, options headcount_internal.options) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(format(', s.%I', c.name), '' ORDER BY a.attnum, c.place), '')
    FROM unnest(CASE WHEN headcount_internal.shows_weight(sessions_list.name, options) THEN ARRAY['weight'] ELSE '{}' END
                || headcount_internal.dimension_columns(sessions_list.name, options.dimensions)) WITH ORDINALITY AS c (name, place)
         LEFT JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.sessions', sessions_list.name)) AND a.attname = c.name AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION headcount_internal.sessions_list(text, headcount_internal.options) IS 'the columns of the view sessions of a source that not all sources have';

-- What stored days depend on, besides the tables: the marks of rollup_state are about these views.
CREATE FUNCTION headcount_internal.make_base_views(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- an end is exclusive, except for a session of one instant
    online constant text := format($q$%1$I.session_states AS s
WHERE %2$s AND %3$s
  AND (s.ended_at IS NULL OR s.ended_at >= %4$s)
  AND (s.ended_at IS DISTINCT FROM %4$s OR s.started_at = %4$s)$q$,
        name, headcount_internal.end_key_from('ended_at' = ANY (options.naive), options.time_zone, headcount_internal.as_of_text()), headcount_internal.counts(),
        headcount_internal.as_of_text());
BEGIN
    PERFORM headcount_internal.make_definition(name, options);
    PERFORM headcount_internal.make_session_states(name, options);
    PERFORM headcount_internal.make_view(name, 'sessions', format($q$
SELECT s.user_name, s.host, s.server, s.started_at, s.ended_at, s.is_open, s.is_stale, s.is_realtime%s
FROM %I.session_states AS s
WHERE %s$q$, headcount_internal.sessions_list(name, options), name, headcount_internal.counts()),
        'the sessions whose times count',
        ARRAY['ended_at', 'the effective end; NULL while the session is open',
              'is_stale', 'the session has no end, but was not heard of for longer than idle_limit',
              'is_realtime', 'the session is on one of the realtime servers']
        || CASE WHEN headcount_internal.shows_weight(name, options)
                THEN ARRAY['weight', 'what the session takes, 1 if nobody says; NULL if that is negative, or more than 1000000000000, which does not count'] END);
    PERFORM headcount_internal.make_view(name, 'denials', headcount_internal.denials_query(name, options),
        'the denials of a user',
        ARRAY['is_false_denial', 'the user got a session at about the same time, so the denial counts nowhere']);
    PERFORM headcount_internal.make_view(name, 'online_sessions', format($q$
SELECT s.user_name, s.host, s.server, s.started_at, %s - s.started_at AS online_for
FROM %s$q$, headcount_internal.as_of_text(), online),
        'the sessions that are online now');
    PERFORM headcount_internal.make_view(name, 'online_users', format($q$
SELECT s.user_name, count(*)::integer AS online_count,
       (headcount.unique_count(s.host) FILTER (WHERE s.host <> ''::text))::integer AS hosts,
       min(s.started_at) AS first_started_at, max(coalesce(s.last_seen, s.started_at)) AS last_seen
FROM %s AND s.user_name <> ''::text
GROUP BY s.user_name$q$, online),
        'the users that are online now',
        ARRAY['online_count', 'connections', 'hosts', 'different hosts',
              'last_seen', 'when one of the sessions was last heard of, or else started']);
    -- Whoever may not read the tables learns it now, not from the first reader of a view.
    EXECUTE format('SELECT 1 FROM %1$I.sessions LIMIT 0', name);
    EXECUTE format('SELECT 1 FROM %1$I.online_users LIMIT 0', name);
    EXECUTE format('SELECT 1 FROM %1$I.denials LIMIT 0', name);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_base_views(text, headcount_internal.options) IS
    'makes or replaces the definition of a source and the views of its sessions and denials, and checks that their owner may read the tables';

-- Model 2013 looks at realtime servers only; if none are named, all are. What is stored of days has the same letters.
CREATE FUNCTION headcount_internal.model_scope(realtime_servers text[], model text) RETURNS "char"
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN model = '2013' AND realtime_servers IS NOT NULL THEN 'r' ELSE 'a' END::"char"
$$;
COMMENT ON FUNCTION headcount_internal.model_scope(text[], text) IS
    'which sessions and denials a licensing model looks at: r those of realtime servers, a all';

CREATE FUNCTION headcount_internal.scope_sessions(scope "char", before text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN headcount_internal.is_realtime_scope(scope) THEN before || ' s.is_realtime' ELSE '' END
$$;
COMMENT ON FUNCTION headcount_internal.scope_sessions("char", text) IS 'the condition for the sessions s of a scope, after " WHERE" or " AND"';

CREATE FUNCTION headcount_internal.scope_denials(scope "char", realtime_servers text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN headcount_internal.is_realtime_scope(scope) THEN format(' AND d.server = ANY (%L::text[])', realtime_servers) ELSE '' END
$$;
COMMENT ON FUNCTION headcount_internal.scope_denials("char", text[]) IS 'the further condition for the denials d of a scope';

-- Rows without a server, or a value of a dimension, make a report of their own, so the join is on more than the slice; it can be
-- merged and hashed.
CREATE FUNCTION headcount_internal.same_slice(one text, other text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$coalesce(%1$s.slice, ''::text) = coalesce(%2$s.slice, ''::text) AND (%1$s.slice IS NULL) = (%2$s.slice IS NULL)$q$, one, other)
$$;
COMMENT ON FUNCTION headcount_internal.same_slice(text, text) IS 'the condition that two rows are of the same slice: a server, or a value of a dimension, or none';

-- Indexes of stored rows have the hash of a slice: a server's name may be longer than an index can hold.
CREATE FUNCTION headcount_internal.slice_key(slice text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$hashtextextended(coalesce(%s, ''::text), 0)$q$, slice)
$$;
COMMENT ON FUNCTION headcount_internal.slice_key(text) IS 'what the indexes of stored rows have of a slice';

CREATE FUNCTION headcount_internal.is_slice_of(stored text, other text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%s = %s AND %s', headcount_internal.slice_key(stored || '.slice'), headcount_internal.slice_key(other || '.slice'), headcount_internal.same_slice(stored, other))
$$;
COMMENT ON FUNCTION headcount_internal.is_slice_of(text, text) IS 'same_slice for stored rows, which an index finds';

CREATE FUNCTION headcount_internal.has_slices(scope "char") RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT scope <> 'a' AND scope <> 'r'
$$;
COMMENT ON FUNCTION headcount_internal.has_slices("char") IS 'whether what is stored of a scope is stored of each slice apart';

-- In a form for which there is an index.
CREATE FUNCTION headcount_internal.in_scope(scope "char", stored text, other text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%s.scope = %L', stored, scope) || CASE WHEN headcount_internal.has_slices(scope) THEN ' AND ' || headcount_internal.is_slice_of(stored, other) ELSE '' END
$$;
COMMENT ON FUNCTION headcount_internal.in_scope("char", text, text) IS 'the condition for stored rows of a scope that are of the slice of other rows';

CREATE FUNCTION headcount_internal.side_by_side(sessions text, denials text, part text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN part IS NOT NULL THEN format($q$(SELECT s.%4$I COLLATE pg_catalog."C" AS slice, %1$s GROUP BY 1) AS s
     FULL JOIN (SELECT d.%4$I COLLATE pg_catalog."C" AS slice, %2$s GROUP BY 1) AS d ON %3$s$q$, sessions, denials, headcount_internal.same_slice('d', 's'), part)
                ELSE format($q$(SELECT %s) AS s
     CROSS JOIN (SELECT %s) AS d$q$, sessions, denials) END
$$;
COMMENT ON FUNCTION headcount_internal.side_by_side(text, text, text) IS
    'the FROM items s and d of what two SELECT lists, each with its FROM and WHERE, aggregate of sessions s and of denials d: one row, or one for each value of a column, their slice';

CREATE FUNCTION headcount_internal.licensing_models() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['2013', '2019', '2025']
$$;
COMMENT ON FUNCTION headcount_internal.licensing_models() IS 'the licensing models, each of which a source has a report under';

-- As core/rules.hpp has it.
CREATE FUNCTION headcount_internal.window_days(model text, given integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(given, CASE model WHEN '2025' THEN 30 ELSE 14 END)
$$;
COMMENT ON FUNCTION headcount_internal.window_days(text, integer) IS 'of how many days "the last days" are under a licensing model, unless a source was told';

-- How many days before a day matter for its numbers: under a trailing model those of its window, else all there ever were.
CREATE FUNCTION headcount_internal.is_trailing(model text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT model <> '2019'
$$;
COMMENT ON FUNCTION headcount_internal.is_trailing(text) IS 'whether total users under a licensing model are those of the last days';

CREATE FUNCTION headcount_internal.asked_source(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%L::regclass', format('%I.session_rows', name))
$$;
COMMENT ON FUNCTION headcount_internal.asked_source(text) IS 'the constant by which the views of a source that is not materialized ask for days';

-- When the first of the days begins that are asked for and of so many before it, each as its own day.
CREATE FUNCTION headcount_internal.asked_start(name text, time_zone text, days_before integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT headcount_internal.value_text(format('headcount_internal.end_of(headcount_internal.days_before(headcount_internal.asked_from(%s), %s), %L::text)',
                                                headcount_internal.asked_source(name), days_before + 1, time_zone))
$$;
COMMENT ON FUNCTION headcount_internal.asked_start(text, text, integer) IS 'the expression for the instant from which days matter that a query asks for';

-- The conditions for what matters for the days that a query asks for: it ends late enough (ends_from), and starts early enough.
-- Nothing of them is left in the plan of a query that asks for all days.
CREATE FUNCTION headcount_internal.asked_rows(name text, options headcount_internal.options, model text, ends_from text, started_at text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws(E'\n        AND ',
        CASE WHEN headcount_internal.is_trailing(model) THEN format('(NOT %s OR %s)', headcount_internal.value_text(format('headcount_internal.asks_from(%s)', headcount_internal.asked_source(name))), ends_from) END,
        format('(NOT %s OR %s < %s)', headcount_internal.value_text(format('headcount_internal.asks_to(%s)', headcount_internal.asked_source(name))), started_at,
               headcount_internal.value_text(format('headcount_internal.end_of(headcount_internal.asked_to(%s), %L::text)', headcount_internal.asked_source(name), options.time_zone))))
$$;
COMMENT ON FUNCTION headcount_internal.asked_rows(text, headcount_internal.options, text, text, text) IS 'the conditions for the sessions s, or denials d, that matter for the days that a query asks for';

-- Whether anything counts before the days that are asked for: the report begins with the first that does, and has all days from
-- then on, also those with nothing. Mostly what was read tells that; else it is looked for in what was not, which ended
-- before an instant, and the first that is found will do.
CREATE FUNCTION headcount_internal.has_earlier_text(name text, options headcount_internal.options, model text, scope "char", at text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN headcount_internal.is_trailing(model) THEN format($q$%1$s
         AND (headcount_internal.collected_before(s.state, d.state, %2$s)
              OR EXISTS (SELECT 1 FROM %3$I.session_states AS s WHERE %4$s AND %5$s AND (s.user_name <> ''::text OR s.host <> ''::text)%6$s LIMIT 1)
              OR EXISTS (SELECT 1 FROM %3$I.denials AS d WHERE NOT d.is_false_denial AND d.denied_at < %7$s%8$s LIMIT 1))$q$,
        headcount_internal.value_text(format('headcount_internal.asks_from(%s)', headcount_internal.asked_source(name))), headcount_internal.asked_start(name, options.time_zone, 0), name,
        CASE WHEN options.idle_limit IS NULL THEN format('s.ended_at < %s', at) ELSE format('s.end_key < %s', headcount_internal.end_key_at('ended_at' = ANY (options.naive), options.time_zone, at)) END,
        headcount_internal.counts(), headcount_internal.scope_sessions(scope, ' AND'), at, headcount_internal.scope_denials(scope, options.realtime_servers))
    ELSE 'false' END
$$;
COMMENT ON FUNCTION headcount_internal.has_earlier_text(text, headcount_internal.options, text, "char", text) IS
    'the expression that says whether something counts before the days that are asked for';

-- A session of nobody at no host is one nowhere.
CREATE FUNCTION headcount_internal.of_somebody(user_name text DEFAULT 's.user_name') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$(%s <> ''::text OR s.host <> ''::text)$q$, user_name)
$$;
COMMENT ON FUNCTION headcount_internal.of_somebody(text) IS 'the condition for sessions s with a user or a host: others are not counted';

-- The same of the column for what is approximate.
CREATE FUNCTION headcount_internal.shows_approximate(name text, options headcount_internal.options) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT options.exact
        OR EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.daily_user_counts', name)) AND a.attname = 'approximate' AND NOT a.attisdropped)
$$;
COMMENT ON FUNCTION headcount_internal.shows_approximate(text, headcount_internal.options) IS 'whether the daily views of a source have a column for whether their totals are approximate';

-- In the order in which the views have them, so that they can be replaced; what is new comes last.
CREATE FUNCTION headcount_internal.optional_columns(name text, options headcount_internal.options, weight text, approximate text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(format(', %s AS %I', c.value, c.name), '' ORDER BY a.attnum, c.place), '')
    FROM (VALUES (1, 'concurrent_weight', weight, headcount_internal.shows_weight(optional_columns.name, options)),
                 (2, 'approximate', approximate, headcount_internal.shows_approximate(optional_columns.name, options))) AS c (place, name, value, is_shown)
         LEFT JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.daily_user_counts', optional_columns.name)) AND a.attname = c.name AND NOT a.attisdropped
    WHERE c.is_shown
$$;
COMMENT ON FUNCTION headcount_internal.optional_columns(text, headcount_internal.options, text, text) IS 'the columns of the daily views of a source that not all sources have, with the text of their values';

-- The columns of daily views besides those of the report, with the text of their values.
CREATE FUNCTION headcount_internal.peak_columns(name text, options headcount_internal.options, users text, sessions text, weight text, approximate text DEFAULT 'false') RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format(', coalesce(%s, 0)::integer AS concurrent_users, coalesce(%s, 0)::integer AS concurrent_sessions', users, sessions)
        || headcount_internal.optional_columns(name, options, CASE WHEN options.weight IS NOT NULL THEN format('coalesce(%s, 0)::bigint', weight) ELSE 'NULL::bigint' END, approximate)
$$;
COMMENT ON FUNCTION headcount_internal.peak_columns(text, headcount_internal.options, text, text, text, text) IS
    'the columns of a daily view for peaks of users, sessions and weight, and whether its totals are approximate';

-- PostgreSQL leaves out no join on other conditions than these.
CREATE FUNCTION headcount_internal.of_slice(alias text, slice text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$%1$s.slice = coalesce(%2$s, ''::text) AND %1$s.is_none = (%2$s IS NULL)$q$, alias, slice)
$$;
COMMENT ON FUNCTION headcount_internal.of_slice(text, text) IS 'the condition that peaks grouped by slice, with '''' and is_none for none, are of this one';

-- One of these peaks is a subselect p of its own, grouped by day, and joined on the left: who asks for none of its columns has no such
-- join in his plan, as PostgreSQL leaves it out. So what is asked for is what is paid for.
CREATE FUNCTION headcount_internal.peak_join(alias text, collected text, peaks text, part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN part IS NOT NULL THEN format($q$
     LEFT JOIN (SELECT x.slice, x.is_none, p.day, max(p.concurrent) AS concurrent
                FROM (SELECT coalesce(s.%5$I, ''::text) COLLATE pg_catalog."C" AS slice, s.%5$I IS NULL AS is_none, %2$s
                      GROUP BY 1, 2) AS x
                     CROSS JOIN LATERAL %3$s AS p
                GROUP BY x.slice, x.is_none, p.day) AS %1$s ON %1$s.day = c.day AND %4$s$q$, alias, collected, peaks, headcount_internal.of_slice(alias, 'coalesce(s.slice, d.slice)'), part)
    ELSE format($q$
     LEFT JOIN (SELECT p.day, max(p.concurrent) AS concurrent
                FROM (SELECT %2$s) AS x
                     CROSS JOIN LATERAL %3$s AS p
                GROUP BY p.day) AS %1$s ON %1$s.day = c.day$q$, alias, collected, peaks) END
$$;
COMMENT ON FUNCTION headcount_internal.peak_join(text, text, text, text) IS
    'the FROM item of a daily view for one kind of peak, from the SELECT list, with its FROM and WHERE, that collects a state of sessions s, the call that tells the peaks of state x.state, and the column to slice by, if there is one';

-- The peaks u, n and w of users, sessions and weight, of a source of which nothing is stored.
CREATE FUNCTION headcount_internal.live_peak_joins(name text, options headcount_internal.options, scope "char", part text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    end_column constant text := headcount_internal.end_column(options.idle_limit);
    -- of a trailing model of one day: what is not there on the days that are asked for does not matter
    rows       constant text := format('%I.session_states AS s
                      WHERE %s%s', name,
        headcount_internal.asked_rows(name, options, '2013', headcount_internal.ends_from(options, headcount_internal.asked_start(name, options.time_zone, 0)), 's.started_at'),
        headcount_internal.scope_sessions(scope, ' AND'));
    levels     constant text := format('headcount_internal.level_peaks(x.state, %L::text, %s)', options.time_zone, headcount_internal.as_of_text());
BEGIN
    RETURN headcount_internal.peak_join('u', format('headcount_internal.daily_session_agg(NULL::text, s.user_name, s.started_at, s.%I, %L::text, (SELECT %s)) AS state
                      FROM %s', end_column, options.time_zone, headcount_internal.as_of_text(), rows), 'headcount_internal.daily_peaks(x.state)', part)
        || headcount_internal.peak_join('n', format('headcount_internal.level_agg(s.started_at, s.%I, NULL::timestamptz, NULL::timestamptz) AS state
                      FROM %s AND %s', end_column, rows, headcount_internal.of_somebody()), levels, part)
        || CASE WHEN options.weight IS NULL THEN ''
           ELSE headcount_internal.peak_join('w', format('headcount_internal.level_agg(s.weight, s.started_at, s.%I, NULL::timestamptz, NULL::timestamptz) AS state
                      FROM %s AND %s', end_column, rows, headcount_internal.of_somebody()), levels, part) END;
END
$$;
COMMENT ON FUNCTION headcount_internal.live_peak_joins(text, headcount_internal.options, "char", text) IS
    'the FROM items u, n and w of a daily view of a source of which nothing is stored: peaks of users, sessions and weight';

-- The one list of them. A report of parts has the part after the day.
CREATE FUNCTION headcount_internal.daily_columns(part text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws(', ', 'c.day', part, 'c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete')
$$;
COMMENT ON FUNCTION headcount_internal.daily_columns(text) IS 'the columns of a daily report c, with an expression for what part of the source a row is about, if that is given';

-- What a licensing model looks at (rule S10), collected by one aggregate over the sessions and one over the denials, of
-- each slice if there is a column to slice by. They are not united into one set of rows: each row would pass through two more plan
-- nodes on its way. What has no times that count is left out by the aggregate itself. The subselects ask for as_of, for
-- the memory that parallel workers share, and for the denials once, not for every row.
CREATE FUNCTION headcount_internal.daily_query(name text, options headcount_internal.options, model text, part text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope constant "char" := headcount_internal.model_scope(options.realtime_servers, model);
    window_days constant integer := headcount_internal.window_days(model, options.window_days);
    session_text constant text := format('s.user_name, s.host, s.started_at, s.%I, %L::text, (SELECT %s)',
        headcount_internal.end_column(options.idle_limit), options.time_zone, headcount_internal.as_of_text());
    -- a day is read, and what matters for it before
    from_at constant text := headcount_internal.asked_start(name, options.time_zone, window_days - 1);
    session_rows constant text := format('%I.session_states AS s
      WHERE %s%s', name, headcount_internal.asked_rows(name, options, model, headcount_internal.ends_from(options, from_at), 's.started_at'),
        headcount_internal.scope_sessions(scope, ' AND'));
    denial_text  constant text := format('d.user_name, d.denied_at, %L::text, (SELECT %s)', options.time_zone, headcount_internal.as_of_text());
    denial_rows  constant text := format('%I.denials AS d
      WHERE NOT d.is_false_denial AND %s%s', name, headcount_internal.asked_rows(name, options, model, format('d.denied_at >= %s', from_at), 'd.denied_at'),
        headcount_internal.scope_denials(scope, options.realtime_servers));
    -- the report itself, by which the planner finds what days are asked for
    report constant text := format('headcount_internal.live_report(%1$s, s.state, d.state, %2$L::text, %3$s, %4$L::text, %6$s,
         %5$s, %7$s, %8$s)',
        headcount_internal.asked_source(name), model, window_days, options.time_zone,
        CASE WHEN part IS NOT NULL THEN 'false' ELSE headcount_internal.has_earlier_text(name, options, model, scope, from_at) END, headcount_internal.as_of_text(),
        headcount_internal.value_text(format('headcount_internal.asked_from(%s)', headcount_internal.asked_source(name))),
        headcount_internal.value_text(format('headcount_internal.asked_to(%s)', headcount_internal.asked_source(name))));
    peaks constant text := headcount_internal.peak_columns(name, options, 'u.concurrent', 'n.concurrent', 'w.concurrent');
BEGIN
    IF part IS NOT NULL THEN
        RETURN format($q$
SELECT %s%s
FROM %s
     CROSS JOIN LATERAL %s AS c%s
WHERE c.daily_users > 0 OR c.denial_users > 0 OR c.concurrent_hosts > 0
ORDER BY c.day, coalesce(s.slice, d.slice)$q$,
            headcount_internal.daily_columns(format('coalesce(s.slice, d.slice) AS %I', part)), peaks,
            headcount_internal.side_by_side(
                format('headcount_internal.daily_session_agg(%s) AS state
      FROM %s', session_text, session_rows),
                format('headcount_internal.daily_denial_agg(%s) AS state
      FROM %s', denial_text, denial_rows), part),
            report, headcount_internal.live_peak_joins(name, options, scope, part));
    END IF;
    RETURN format($q$
WITH refused AS MATERIALIZED (
    SELECT headcount_internal.daily_denial_agg(%1$s, (SELECT headcount_internal.shared_area())) AS state
    FROM %2$s)
SELECT %10$s%8$s
FROM refused AS d
     CROSS JOIN (SELECT headcount_internal.daily_session_agg(%3$s,
                            %5$L::text, %6$s, (SELECT headcount_internal.collected_area(r.state) FROM refused AS r), (SELECT headcount_internal.shared_area())) AS state
                 FROM %4$s) AS s
     CROSS JOIN LATERAL %7$s AS c%9$s
ORDER BY c.day$q$,
        denial_text, denial_rows, session_text, session_rows, model, window_days, report, peaks,
        headcount_internal.live_peak_joins(name, options, scope, NULL), headcount_internal.daily_columns());
END
$$;
COMMENT ON FUNCTION headcount_internal.daily_query(text, headcount_internal.options, text, text) IS
    'the query behind a daily report of a source of which nothing is stored';
