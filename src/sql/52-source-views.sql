-- The views of a source, as text.
--
-- They are SELECTs over subselects and nothing else, which the planner flattens: a condition on sessions.user_name
-- becomes one on the user's own column and finds its index. So '' stays '' in them (a NULLIF would hide the column), and
-- the places that count say user_name <> ''.
--
-- Nothing in a view depends on settings of its reader: zones and limits are constants, and what prints, prints in the
-- source's zone. "Now" is headcount.as_of() everywhere.

-- An expression of a source, resolved once more (which also proves that what the registry holds is one expression and
-- nothing else), as SQL of the type that the views need.
--   kind text:     text, compared byte for byte; raw is what an index for it would be made on
--   kind time:     timestamptz; raw is the same before its zone was applied, for conditions that an index can serve
--   kind boolean:  boolean
CREATE FUNCTION headcount.typed_expression(argument text, relation regclass, expression text, kind text, time_zone text,
                                           OUT sql text, OUT raw text, OUT naive boolean, OUT collation_name text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    resolved_type      regtype;
    resolved_collation oid;
    base               pg_type;
    coll               record;
BEGIN
    naive := false;
    collation_name := 'pg_catalog."default"';
    IF expression IS NULL THEN
        sql := CASE kind WHEN 'text' THEN 'NULL::text' WHEN 'time' THEN 'NULL::timestamptz' ELSE 'true' END;
        RETURN;
    END IF;
    raw := headcount.resolve_argument(argument, relation, expression);
    IF raw !~ '^([a-z_][a-z0-9_]*|"([^"]|"")*")$' THEN      -- all but a bare column
        raw := '(' || raw || ')';
    END IF;
    SELECT r.type, r."collation" INTO resolved_type, resolved_collation
    FROM headcount_internal.resolve_expression(relation, expression) AS r;
    SELECT t.* INTO base FROM pg_type AS t WHERE t.oid = resolved_type;
    WHILE base.typtype = 'd' LOOP
        SELECT t.* INTO base FROM pg_type AS t WHERE t.oid = base.typbasetype;
    END LOOP;

    IF kind = 'text' THEN
        -- only types whose text is the same whatever the reader's settings
        IF base.typcategory NOT IN ('S', 'X', 'E')
           AND base.oid::regtype NOT IN ('smallint', 'integer', 'bigint', 'numeric', 'oid', 'uuid', 'inet', 'cidr', 'macaddr', 'macaddr8') THEN
            PERFORM headcount.raise_argument_error(argument, format('expression is of type %s, not text', resolved_type), '42804',
                hint => 'Write an expression that gives text.');
        END IF;
        sql := CASE WHEN resolved_type = 'text'::regtype THEN raw ELSE raw || '::pg_catalog.text' END;
        IF resolved_type NOT IN ('text'::regtype, 'character varying'::regtype) THEN      -- an index on varchar serves text
            raw := sql;
        END IF;
        SELECT c.collisdeterministic AS deterministic, format('%I.%I', n.nspname, c.collname) AS name INTO coll
        FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
        WHERE c.oid = resolved_collation;
        IF coll.deterministic THEN
            collation_name := coll.name;
        ELSIF coll.name IS NOT NULL OR base.typcollation <> 0 THEN
            -- equal must mean the same bytes, which the database's default collation guarantees
            sql := '(' || sql || ' COLLATE pg_catalog."default")';
            raw := sql;
        END IF;
    ELSIF kind = 'time' THEN
        IF base.oid = 'timestamptz'::regtype THEN
            sql := CASE WHEN base.oid = resolved_type THEN raw ELSE raw || '::timestamptz' END;
        ELSIF base.oid = 'timestamp'::regtype THEN
            naive := true;
            raw := CASE WHEN base.oid = resolved_type THEN raw ELSE raw || '::timestamp' END;
            sql := format('(%s AT TIME ZONE %L)', raw, time_zone);
        ELSE
            PERFORM headcount.raise_argument_error(argument,
                format('expression is of type %s, not timestamp with time zone', resolved_type), '42804',
                hint => CASE WHEN base.typcategory = 'N'
                             THEN format('Where it holds seconds since 1970, write to_timestamp(%s).', expression)
                             WHEN base.oid = 'date'::regtype
                             THEN format('Write (%s)::timestamp for the start of the day in the time zone of the source.', expression)
                             ELSE 'Write an expression that gives a timestamp with or without time zone.' END);
        END IF;
    ELSIF base.oid <> 'boolean'::regtype THEN
        PERFORM headcount.raise_argument_error(argument, format('expression is of type %s, not boolean', resolved_type), '42804');
    ELSE
        sql := raw;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.typed_expression(text, regclass, text, text, text) IS
    'internal: an expression of a source as SQL of type text, timestamptz or boolean, or an error that names the argument';

CREATE FUNCTION headcount.column_collation(name text, view_name text, column_name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', cn.nspname, co.collname)
            FROM pg_namespace AS n
                 JOIN pg_class AS c ON c.relnamespace = n.oid
                 JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
                 JOIN pg_collation AS co ON co.oid = a.attcollation
                 JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
            WHERE n.nspname = column_collation.name AND c.relname = view_name AND a.attname = column_name);
END
$$;
COMMENT ON FUNCTION headcount.column_collation(text, text, text) IS
    'internal: the collation of a column of a view that exists, else NULL';

-- A view that is replaced must keep the collations of its columns. Where it is the same one, the planner drops the clause.
CREATE FUNCTION headcount.keep_collation(name text, view_name text, column_name text, expression text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN expression || coalesce(' COLLATE ' || headcount.column_collation(name, view_name, column_name), '');
END
$$;
COMMENT ON FUNCTION headcount.keep_collation(text, text, text, text) IS
    'internal: an expression for a column of a view, with the collation that the column has where the view exists';

-- The subselects that the views of a source are made of:
--   session_rows   every row of the table: user_name, host, server, started_at, ended_at, last_seen, end_key
--   session_states the same, with effective ends and flags (rules S1 to S3), not yet filtered
--   counts         the condition for rows whose times count, on session_states AS s
--   naive_end      whether end_key is a timestamp without time zone
--   near           true for every session that is online, and in a form that an index on the user's column can serve
--   denial_rows    every row of the denials: user_name, host, server, denied_at
--   granted        where false denials are looked for: the condition that denial d is one
--   identity       the body of identity_of, $1 being the name
CREATE TYPE headcount.source_parts AS (
    session_rows text, session_states text, counts text, near text, naive_end boolean, denial_rows text, granted text, identity text);
COMMENT ON TYPE headcount.source_parts IS 'internal: the subselects that the views of a source are made of';

-- Other FROM items than the tables are given where one partition is looked at by itself (log_relation).
CREATE FUNCTION headcount.make_parts(name text, options headcount.source, sessions_item text DEFAULT NULL, denials_item text DEFAULT NULL)
RETURNS headcount.source_parts
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e_user   record := headcount.typed_expression('user_name', options.sessions, options.user_name, 'text', options.time_zone);
    e_host   record := headcount.typed_expression('host', options.sessions, options.host, 'text', options.time_zone);
    e_server record := headcount.typed_expression('server', options.sessions, options.server, 'text', options.time_zone);
    e_start  record := headcount.typed_expression('started_at', options.sessions, options.started_at, 'time', options.time_zone);
    e_end    record := headcount.typed_expression('ended_at', options.sessions, options.ended_at, 'time', options.time_zone);
    e_seen   record := headcount.typed_expression('last_seen', options.sessions, options.last_seen, 'time', options.time_zone);
    e_when   record := headcount.typed_expression('sessions_when', options.sessions, options.sessions_when, 'boolean', options.time_zone);
    e_same   record := headcount.typed_expression('user_identity', 'headcount.identity_input', options.user_identity, 'text', options.time_zone);
    d_user   record;
    d_host   record;
    d_server record;
    d_at     record;
    d_when   record;
    stale    text;
    user_collation text;
    parts    headcount.source_parts;
BEGIN
    -- No alias for the table: an expression may name it.
    parts.session_rows := format(
        'SELECT %s AS user_name, %s AS host, %s AS server, %s AS started_at, %s AS ended_at, %s AS last_seen, %s AS end_key FROM %s%s',
        CASE WHEN options.user_identity IS NULL THEN headcount.keep_collation(name, 'sessions', 'user_name', e_user.sql) ELSE e_user.sql END,
        headcount.keep_collation(name, 'sessions', 'host', e_host.sql), headcount.keep_collation(name, 'sessions', 'server', e_server.sql),
        e_start.sql, e_end.sql, e_seen.sql, e_end.raw,
        coalesce(sessions_item, headcount.relation_name(options.sessions)), CASE WHEN options.sessions_when IS NULL THEN '' ELSE ' WHERE ' || e_when.sql END);
    IF options.user_identity IS NULL THEN
        parts.identity := 'SELECT $1';
    ELSE
        parts.session_rows := format(
            'SELECT %s AS user_name, host, server, started_at, ended_at, last_seen, end_key FROM (%s) AS identity_input',
            headcount.keep_collation(name, 'sessions', 'user_name', e_same.sql), parts.session_rows);
        parts.identity := format('SELECT %s FROM (SELECT $1 COLLATE %s AS user_name) AS identity_input', e_same.sql, e_user.collation_name);
    END IF;
    user_collation := coalesce(headcount.column_collation(name, 'sessions', 'user_name'),
        CASE WHEN options.user_identity IS NOT NULL AND e_same.collation_name <> 'pg_catalog."default"' THEN e_same.collation_name
             ELSE e_user.collation_name END);

    stale := CASE WHEN options.idle_limit IS NULL THEN 'false'
                  ELSE format('coalesce(r.last_seen, r.started_at) < headcount.as_of() - %L::interval', options.idle_limit) END;
    parts.session_states := format($q$
SELECT r.user_name, r.host, r.server, r.started_at, r.last_seen, r.end_key, r.ended_at AS closed_at,
       %s AS ended_at,
       %s AS is_open,
       %s AS is_stale,
       %s AS is_realtime
FROM (%s) AS r$q$,
        CASE WHEN options.idle_limit IS NULL THEN $q$NULLIF(r.ended_at, 'infinity'::timestamptz)$q$
             ELSE format($q$CASE WHEN r.ended_at < 'infinity'::timestamptz THEN r.ended_at
            WHEN %s THEN greatest(r.started_at + '00:00:00.000001'::interval, coalesce(r.last_seen, r.started_at) + %L::interval) END$q$,
                         stale, options.idle_limit) END,
        CASE WHEN options.idle_limit IS NULL THEN $q$(r.ended_at IS NULL OR r.ended_at = 'infinity'::timestamptz)$q$
             ELSE format($q$((r.ended_at IS NULL OR r.ended_at = 'infinity'::timestamptz) AND NOT %s)$q$, stale) END,
        CASE WHEN options.idle_limit IS NULL THEN 'false'
             ELSE format($q$((r.ended_at IS NULL OR r.ended_at = 'infinity'::timestamptz) AND %s)$q$, stale) END,
        CASE WHEN options.realtime_servers IS NULL THEN 'true'
             ELSE format('coalesce(r.server = ANY (%L::text[]), false)', options.realtime_servers) END,
        parts.session_rows);
    parts.counts := $q$s.started_at > '-infinity'::timestamptz AND s.started_at <= headcount.as_of()
  AND (s.closed_at IS NULL OR s.closed_at >= s.started_at)$q$;
    parts.naive_end := e_end.naive;
    parts.near := headcount.end_key_from(e_end.naive, options.time_zone, 'headcount.as_of()');

    IF options.denials IS NULL THEN
        parts.denial_rows := format('SELECT %s AS user_name, %s AS host, %s AS server, NULL::timestamptz AS denied_at WHERE false',
            headcount.keep_collation(name, 'denials', 'user_name', 'NULL::text'), headcount.keep_collation(name, 'denials', 'host', 'NULL::text'),
            headcount.keep_collation(name, 'denials', 'server', 'NULL::text'));
    ELSE
        d_user := headcount.typed_expression('denied_user', options.denials, options.denied_user, 'text', options.time_zone);
        d_host := headcount.typed_expression('denied_host', options.denials, options.denied_host, 'text', options.time_zone);
        d_server := headcount.typed_expression('denied_server', options.denials, options.denied_server, 'text', options.time_zone);
        d_at := headcount.typed_expression('denied_at', options.denials, options.denied_at, 'time', options.time_zone);
        d_when := headcount.typed_expression('denied_when', options.denials, options.denied_when, 'boolean', options.time_zone);
        parts.denial_rows := format('SELECT %s AS user_name, %s AS host, %s AS server, %s AS denied_at FROM %s%s',
            CASE WHEN options.user_identity IS NULL THEN headcount.keep_collation(name, 'denials', 'user_name', d_user.sql) ELSE d_user.sql END,
            headcount.keep_collation(name, 'denials', 'host', d_host.sql), headcount.keep_collation(name, 'denials', 'server', d_server.sql),
            d_at.sql, coalesce(denials_item, headcount.relation_name(options.denials)), CASE WHEN options.denied_when IS NULL THEN '' ELSE ' WHERE ' || d_when.sql END);
        IF options.user_identity IS NOT NULL THEN
            parts.denial_rows := format('SELECT %s AS user_name, host, server, denied_at FROM (%s) AS identity_input',
                                  headcount.keep_collation(name, 'denials', 'user_name', e_same.sql), parts.denial_rows);
        END IF;
        -- The denial takes the collation of the session, for the sake of the index on the sessions.
        IF options.false_denial_before IS NOT NULL THEN
            parts.granted := format($q$EXISTS (
    SELECT 1 FROM %I.sessions AS s
    WHERE s.user_name = d.user_name COLLATE %s
      AND s.started_at >= d.denied_at - %L::interval AND s.started_at <= d.denied_at + %L::interval)$q$,
                name, user_collation, options.false_denial_before, options.false_denial_after);
        END IF;
    END IF;
    RETURN parts;
END
$$;
COMMENT ON FUNCTION headcount.make_parts(text, headcount.source, text, text) IS
    'internal: the subselects that the views of a source are made of';

-- Naive columns are compared as they are, with a day to spare for what a time zone can do to them.
CREATE FUNCTION headcount.end_key_from(is_naive boolean, time_zone text, at text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN is_naive THEN format($q$(s.end_key IS NULL OR s.end_key >= (%s AT TIME ZONE %L) - '1 day'::interval)$q$, at, time_zone)
                ELSE format('(s.end_key IS NULL OR s.end_key >= %s)', at) END;
END
$$;
COMMENT ON FUNCTION headcount.end_key_from(boolean, text, text) IS
    'internal: a condition, in a form that an index on the user''s column can serve, that all sessions s meet whose end in the table is not before an instant';

CREATE FUNCTION headcount.end_column(options headcount.source) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- the same but for an infinite end
    RETURN CASE WHEN options.idle_limit IS NULL THEN 'closed_at' ELSE 'ended_at' END;
END
$$;
COMMENT ON FUNCTION headcount.end_column(headcount.source) IS 'internal: the column of session_states by which sessions are counted';

CREATE FUNCTION headcount.relation_name(relation regclass) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation);
END
$$;
COMMENT ON FUNCTION headcount.relation_name(regclass) IS 'internal: the name of a relation with that of its schema';

-- Where false denials are looked for, there are two halves: each is a join that the planner can do in any way, and who
-- asks for one kind only gets only its half. A flag computed row by row would search the sessions for every denial.
CREATE FUNCTION headcount.denials_view(parts headcount.source_parts) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    half constant text := $q$
SELECT d.user_name, d.host, d.server, d.denied_at, %s AS is_false_denial
FROM (%s) AS d
WHERE d.user_name <> ''::text AND d.denied_at > '-infinity'::timestamptz AND d.denied_at <= headcount.as_of()%s$q$;
BEGIN
    IF parts.granted IS NULL THEN
        RETURN format(half, 'false', parts.denial_rows, '');
    END IF;
    RETURN format(half, 'false', parts.denial_rows, ' AND NOT ' || parts.granted) || '
UNION ALL' || format(half, 'true', parts.denial_rows, ' AND ' || parts.granted);
END
$$;
COMMENT ON FUNCTION headcount.denials_view(headcount.source_parts) IS 'internal: the query behind the denials of a source';

-- Model 2013 looks at realtime servers only; where none are named, all are. What is stored of days has the same letters.
CREATE FUNCTION headcount.model_slice(options headcount.source, model text) RETURNS "char"
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN model = '2013' AND options.realtime_servers IS NOT NULL THEN 'r' ELSE 'a' END;
END
$$;
COMMENT ON FUNCTION headcount.model_slice(headcount.source, text) IS
    'internal: which sessions and denials a licensing model looks at: r those of realtime servers, a all';

CREATE FUNCTION headcount.realtime_sessions(options headcount.source, model text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN headcount.model_slice(options, model) = 'r' THEN ' WHERE s.is_realtime' ELSE '' END;
END
$$;
COMMENT ON FUNCTION headcount.realtime_sessions(headcount.source, text) IS
    'internal: the WHERE clause that leaves the sessions s that a licensing model looks at';

CREATE FUNCTION headcount.realtime_denials(options headcount.source, model text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN headcount.model_slice(options, model) = 'r'
                THEN format(' AND d.server = ANY (%L::text[])', options.realtime_servers) ELSE '' END;
END
$$;
COMMENT ON FUNCTION headcount.realtime_denials(headcount.source, text) IS
    'internal: the further condition that leaves the denials d that a licensing model looks at';

-- What a licensing model looks at (rule S10), collected for daily_report by one aggregate over the sessions and one over
-- the denials, of each server where by_server is set. They are not united into one set of rows: each row would pass
-- through two more plan nodes on its way. What has no times that count is left out by the aggregate itself. The subselect
-- asks for as_of once, not for every row.
CREATE FUNCTION headcount.collected_sessions(options headcount.source, parts headcount.source_parts, model text, by_server boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
      SELECT %sheadcount_internal.daily_session_agg(s.user_name, s.host, s.started_at, s.%I, %L::text, (SELECT headcount.as_of())) AS state
      FROM (%s) AS s%s%s$q$,
        CASE WHEN by_server THEN 's.server COLLATE pg_catalog."C" AS server, ' END,
        headcount.end_column(options),
        options.time_zone, parts.session_states, headcount.realtime_sessions(options, model),
        CASE WHEN by_server THEN ' GROUP BY 1' END);
END
$$;
COMMENT ON FUNCTION headcount.collected_sessions(headcount.source, headcount.source_parts, text, boolean) IS
    'internal: the query that collects the sessions of a daily report';

CREATE FUNCTION headcount.collected_denials(name text, options headcount.source, model text, by_server boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
      SELECT %sheadcount_internal.daily_denial_agg(d.user_name, d.denied_at, %L::text, (SELECT headcount.as_of())) AS state
      FROM %I.denials AS d
      WHERE NOT d.is_false_denial%s%s$q$,
        CASE WHEN by_server THEN 'd.server COLLATE pg_catalog."C" AS server, ' END,
        options.time_zone, name, headcount.realtime_denials(options, model), CASE WHEN by_server THEN ' GROUP BY 1' END);
END
$$;
COMMENT ON FUNCTION headcount.collected_denials(text, headcount.source, text, boolean) IS
    'internal: the query that collects the denials of a daily report';

CREATE FUNCTION headcount.daily_view(name text, options headcount.source, parts headcount.source_parts, model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete
FROM (%s) AS s
     CROSS JOIN (%s) AS d
     CROSS JOIN LATERAL headcount_internal.daily_report(s.state, d.state, %L::text, %s) AS c
ORDER BY c.day$q$,
        headcount.collected_sessions(options, parts, model, false), headcount.collected_denials(name, options, model, false),
        model, options.window_days);
END
$$;
COMMENT ON FUNCTION headcount.daily_view(text, headcount.source, headcount.source_parts, text) IS
    'internal: the query behind the daily report of a source under one licensing model';

-- Rows without a server make a report of their own, so the join is on more than the server.
CREATE FUNCTION headcount.same_server() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT $q$coalesce(d.server, ''::text) = coalesce(s.server, ''::text) AND (d.server IS NULL) = (s.server IS NULL)$q$
$$;
COMMENT ON FUNCTION headcount.same_server() IS
    'internal: the condition that sessions s and denials d are of the same server, or of none, which can be merged and hashed';

CREATE FUNCTION headcount.server_view(name text, options headcount.source, parts headcount.source_parts) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
SELECT c.day, coalesce(s.server, d.server) AS server,
       c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete
FROM (%s) AS s
     FULL JOIN (%s) AS d ON %s
     CROSS JOIN LATERAL headcount_internal.daily_report(s.state, d.state, %L::text, %s) AS c
WHERE c.daily_users > 0 OR c.denial_users > 0 OR c.concurrent_hosts > 0
ORDER BY c.day, coalesce(s.server, d.server)$q$,
        headcount.collected_sessions(options, parts, options.licensing_model, true),
        headcount.collected_denials(name, options, options.licensing_model, true), headcount.same_server(),
        options.licensing_model, options.window_days);
END
$$;
COMMENT ON FUNCTION headcount.server_view(text, headcount.source, headcount.source_parts) IS
    'internal: the query behind the daily report of a source by server';
