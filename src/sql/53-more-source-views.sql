-- The views of a source, continued: sketches, data quality, and making them all.

CREATE FUNCTION headcount.hll_schema() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hll text;
BEGIN
    SELECT quote_ident(n.nspname) INTO hll
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'hll';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'extension "hll" is not installed' USING ERRCODE = 'undefined_object';
    END IF;
    RETURN hll;
END
$$;
COMMENT ON FUNCTION headcount.hll_schema() IS 'internal: the quoted name of the schema of postgresql-hll';

-- Sketches of postgresql-hll, with the parameters spelled out: its defaults can be changed in a session, and sketches
-- of different parameters do not unite.
CREATE FUNCTION headcount.sketch_text(expression text, condition text DEFAULT 'true') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('%1$s.hll_add_agg(%1$s.hll_hash_text(%2$s), 11, 5, -1, 1) FILTER (WHERE %3$s)', headcount.hll_schema(), expression, condition);
END
$$;
COMMENT ON FUNCTION headcount.sketch_text(text, text) IS 'internal: the aggregate that makes a sketch of users';

CREATE FUNCTION headcount.empty_sketch() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('%s.hll_empty(11, 5, -1, 1)', headcount.hll_schema());
END
$$;
COMMENT ON FUNCTION headcount.empty_sketch() IS 'internal: the expression for a sketch of nobody';

CREATE FUNCTION headcount.sketch_view(name text, options headcount.source) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$
WITH present AS MATERIALIZED (
    SELECT used.users, used.hosts, refused.users AS refused
    FROM (SELECT headcount.presence_agg(s.user_name, s.started_at, s.ended_at) FILTER (WHERE s.user_name <> ''::text) AS users,
                 headcount.presence_agg(s.host, s.started_at, s.ended_at) FILTER (WHERE s.host <> ''::text) AS hosts
          FROM %1$I.sessions AS s) AS used
         CROSS JOIN (SELECT headcount.presence_agg(d.user_name, d.denied_at) AS users
                     FROM %1$I.denials AS d WHERE NOT d.is_false_denial) AS refused)
SELECT c.day, coalesce(u.sketch, %2$s) AS used, coalesce(d.sketch, %2$s) AS denied
FROM present AS p
     CROSS JOIN LATERAL headcount.daily_user_counts(p.users, p.refused, p.hosts, %3$L, '2019', %4$s,
                                                    NULL::date, NULL::date, headcount.as_of()) AS c
     LEFT JOIN (SELECT k.day, %5$s AS sketch
                FROM present AS p CROSS JOIN LATERAL headcount.daily_keys(p.users, %3$L, NULL::date, NULL::date, headcount.as_of()) AS k
                GROUP BY k.day) AS u ON u.day = c.day
     LEFT JOIN (SELECT k.day, %5$s AS sketch
                FROM present AS p CROSS JOIN LATERAL headcount.daily_keys(p.refused, %3$L, NULL::date, NULL::date, headcount.as_of()) AS k
                GROUP BY k.day) AS d ON d.day = c.day
ORDER BY c.day$q$,
        name, headcount.empty_sketch(), options.time_zone, options.window_days, headcount.sketch_text('k.key'));
END
$$;
COMMENT ON FUNCTION headcount.sketch_view(text, headcount.source) IS
    'internal: the query behind the sketches of a source';

-- A time in the zone of the source, whatever that of the reader; to_char gives NULL for infinite times.
CREATE FUNCTION headcount.time_text(expression text, time_zone text, missing text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$coalesce(to_char(%1$s AT TIME ZONE %2$L, 'YYYY-MM-DD HH24:MI:SS.US'), %1$s::text, %3$L)$q$,
                  expression, time_zone, missing);
END
$$;
COMMENT ON FUNCTION headcount.time_text(text, text, text) IS 'internal: an expression that prints a time in the zone of a source';

-- One pass over the sessions, one over the denials, and one over the open sessions, which are few and have an index.
CREATE FUNCTION headcount.quality_view(options headcount.source, parts headcount.source_parts) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    session_text text := format(
        $q$format('session of user %%L, host %%L, server %%L, from %%s to %%s', s.user_name, s.host, s.server, %s, %s) COLLATE pg_catalog."C"$q$,
        headcount.time_text('s.started_at', options.time_zone, 'never'), headcount.time_text('s.closed_at', options.time_zone, 'open'));
    denial_text text := format(
        $q$format('denial of user %%L, host %%L, server %%L, at %%s', d.user_name, d.host, d.server, %s) COLLATE pg_catalog."C"$q$,
        headcount.time_text('d.denied_at', options.time_zone, 'never'));
    rules text[] := ARRAY['reversed', 'no_start', 'future', 'no_user', 'no_host', 'stale'];
    session_conditions text[] := ARRAY[
        's.closed_at < s.started_at',
        $q$s.started_at IS NULL OR s.started_at = '-infinity'::timestamptz$q$,
        's.started_at > headcount.as_of()',
        $q$s.user_name IS NULL OR s.user_name = ''::text$q$,
        $q$s.host IS NULL OR s.host = ''::text$q$,
        's.is_stale AND ' || parts.counts];
    denial_conditions text[] := ARRAY[
        'false',
        $q$d.denied_at IS NULL OR d.denied_at = '-infinity'::timestamptz$q$,
        'd.denied_at > headcount.as_of()',
        $q$d.user_name IS NULL OR d.user_name = ''::text$q$,
        CASE WHEN options.denied_host IS NULL THEN 'false' ELSE $q$d.host IS NULL OR d.host = ''::text$q$ END,
        'false'];
    session_list text := '';
    denial_list text := '';
    rule_list text := '';
    r text;
BEGIN
    FOR i IN 1 .. cardinality(rules) LOOP
        r := rules[i];
        session_list := session_list || format('
             count(*) FILTER (WHERE %1$s) AS %2$s, min(%3$s) FILTER (WHERE %1$s) AS %2$s_example,', session_conditions[i], r, session_text);
        denial_list := denial_list || format('
             count(*) FILTER (WHERE %1$s) AS %2$s, min(%3$s) FILTER (WHERE %1$s) AS %2$s_example,', denial_conditions[i], r, denial_text);
        rule_list := rule_list || format('(%1$L::text, s.%2$s, d.%2$s, coalesce(s.%2$s_example, d.%2$s_example)),
            ', r, r);
    END LOOP;
    RETURN format($q$
SELECT q.rule, q.session_rows, q.denial_rows, q.example
FROM (SELECT%s
      FROM (%s) AS s) AS s
     CROSS JOIN (SELECT%s
      FROM (%s) AS d) AS d
     CROSS JOIN (SELECT coalesce(sum(g.rows), 0::numeric)::bigint AS duplicates, min(g.example) AS example
      FROM (SELECT count(*) AS rows, min(%s) AS example
            FROM (%s) AS s
            WHERE (s.end_key IS NULL OR s.end_key = 'infinity') AND s.is_open AND %s
            GROUP BY s.user_name, s.host, s.server, s.started_at HAVING count(*) > 1) AS g) AS o
     CROSS JOIN LATERAL (VALUES
            %s('duplicate_open'::text, o.duplicates, 0::bigint, o.example)) AS q (rule, session_rows, denial_rows, example)$q$,
        rtrim(session_list, ','), parts.session_states, rtrim(denial_list, ','), parts.denial_rows,
        session_text, parts.session_states, parts.counts, rule_list);
END
$$;
COMMENT ON FUNCTION headcount.quality_view(headcount.source, headcount.source_parts) IS
    'internal: the query behind the data quality of a source';

-- CREATE OR REPLACE, so that alter_source keeps grants and whatever people built on the views.
CREATE FUNCTION headcount.make_view(name text, view_name text, query text, comment text, column_comments text[] DEFAULT '{}')
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW %I.%I AS %s', name, view_name, query);
    EXECUTE format('COMMENT ON VIEW %I.%I IS %L', name, view_name, comment);
    FOR i IN 1 .. cardinality(column_comments) / 2 LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', name, view_name, column_comments[2 * i - 1], column_comments[2 * i]);
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount.make_view(text, text, text, text, text[]) IS
    'internal: makes or replaces one view of a source, with its comments';

CREATE FUNCTION headcount.make_views(name text, options headcount.source) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts headcount.source_parts := headcount.make_parts(name, options);
    model text;
    -- an end is exclusive, except for a session of one instant
    online text := format($q$(%s) AS s
WHERE %s AND %s
  AND (s.ended_at IS NULL OR s.ended_at >= headcount.as_of())
  AND (s.ended_at IS DISTINCT FROM headcount.as_of() OR s.started_at = headcount.as_of())$q$,
        parts.session_states, parts.near, parts.counts);
    daily_columns constant text[] := ARRAY[
        'day', 'civil day in the time zone of the source',
        'total_users', 'model 2013: users with a session in the last days, this one included; model 2019: users ever seen up to this day',
        'daily_users', 'model 2013: users with a session that day on a realtime server; model 2019: users with a session or a denial',
        'denial_users', 'users that were denied that day',
        'denials', 'how many denials there were that day',
        'concurrent_hosts', 'the most hosts that were there at once',
        'concurrent_hosts_at', 'when that was for the first time',
        'complete', 'whether the day is over'];
BEGIN
    PERFORM headcount.make_view(name, 'sessions', format($q$
SELECT s.user_name, s.host, s.server, s.started_at, s.ended_at, s.is_open, s.is_stale, s.is_realtime
FROM (%s) AS s
WHERE %s$q$, parts.session_states, parts.counts),
        'the sessions whose times count',
        ARRAY['ended_at', 'the effective end; NULL while the session is open',
              'is_stale', 'the session has no end, but was not heard of for longer than idle_limit',
              'is_realtime', 'the session is on one of the realtime servers']);

    PERFORM headcount.make_view(name, 'denials', headcount.denials_view(parts),
        'the denials of a user',
        ARRAY['is_false_denial', 'the user got a session at about the same time, so the denial counts nowhere']);

    PERFORM headcount.make_view(name, 'online_sessions', format($q$
SELECT s.user_name, s.host, s.server, s.started_at, headcount.as_of() - s.started_at AS online_for
FROM %s$q$, online),
        'the sessions that are online now');

    PERFORM headcount.make_view(name, 'online_users', format($q$
SELECT s.user_name, count(*)::integer AS online_count,
       (headcount.unique_count(s.host) FILTER (WHERE s.host <> ''::text))::integer AS hosts,
       min(s.started_at) AS first_started_at, max(coalesce(s.last_seen, s.started_at)) AS last_seen
FROM %s AND s.user_name <> ''::text
GROUP BY s.user_name$q$, online),
        'the users that are online now',
        ARRAY['online_count', 'connections', 'hosts', 'different hosts',
              'last_seen', 'when one of the sessions was last heard of, or else started']);

    IF options.materialized THEN
        PERFORM headcount.make_dirty_view(name, options);
    END IF;
    FOREACH model IN ARRAY ARRAY['2013', '2019'] LOOP
        PERFORM headcount.make_view(name, 'daily_user_counts_' || model,
            CASE WHEN options.materialized THEN headcount.stored_daily_view(name, options, parts, model)
                 ELSE headcount.daily_view(name, options, parts, model) END,
            format('users, denials and hosts of each day under licensing model %s', model), daily_columns);
    END LOOP;
    PERFORM headcount.make_view(name, 'daily_user_counts', format($q$
SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete
FROM %I.%I AS c$q$, name, 'daily_user_counts_' || options.licensing_model),
        format('users, denials and hosts of each day under licensing model %s', options.licensing_model), daily_columns);
    PERFORM headcount.make_view(name, 'daily_user_counts_by_server',
        CASE WHEN options.materialized THEN headcount.stored_server_view(name, options, parts)
             ELSE headcount.server_view(name, options, parts) END,
        format('users, denials and hosts of each server on each day with something, under licensing model %s', options.licensing_model),
        daily_columns || ARRAY['server', 'NULL for sessions and denials without a server']);
    PERFORM headcount.make_view(name, 'realtime_users_count', format($q$
SELECT c.day AS ucd, c.total_users AS uct, c.daily_users AS ucdy, c.denial_users AS ucde, c.concurrent_hosts AS ucch
FROM %I.daily_user_counts AS c
WHERE c.complete$q$, name),
        'the report "Realtime Users Count": days that are over',
        ARRAY['ucd', 'date', 'uct', 'total users', 'ucdy', 'daily users', 'ucde', 'denial users', 'ucch', 'concurrent hosts']);
    PERFORM headcount.make_view(name, 'daily_user_sketches',
        CASE WHEN options.materialized THEN headcount.stored_sketch_view(name, options, parts)
             ELSE headcount.sketch_view(name, options) END,
        'approximate sets of users of each day, to unite across sources, servers and clusters',
        ARRAY['used', 'users with a session that day', 'denied', 'users that were denied that day']);
    PERFORM headcount.make_view(name, 'data_quality', headcount.quality_view(options, parts),
        'rows that are not what they should be; a row may count under several rules',
        ARRAY['example', 'one such row']);

    EXECUTE format($q$CREATE OR REPLACE FUNCTION %I.identity_of(user_name text) RETURNS text LANGUAGE sql STABLE
        BEGIN ATOMIC %s; END$q$, name, parts.identity);
    EXECUTE format('COMMENT ON FUNCTION %I.identity_of(text) IS %L', name,
        'who a name stands for: the expression user_identity of the source');

    -- Whoever may not read the tables learns it now, not from the first reader of a view.
    EXECUTE format('SELECT 1 FROM %1$I.sessions LIMIT 0', name);
    EXECUTE format('SELECT 1 FROM %1$I.online_users LIMIT 0', name);
    EXECUTE format('SELECT 1 FROM %1$I.denials LIMIT 0', name);
END
$$;
COMMENT ON FUNCTION headcount.make_views(text, headcount.source) IS
    'internal: makes or replaces the views of a source, and checks that their owner may read the tables';
