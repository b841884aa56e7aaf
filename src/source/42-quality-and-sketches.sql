-- The views of a source, continued: sketches and data quality.

CREATE FUNCTION headcount_internal.hll_schema() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hll text;
BEGIN
    SELECT quote_ident(n.nspname) INTO hll
    FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'hll';
    IF NOT FOUND THEN
        PERFORM headcount_internal.raise_error('42704', 'extension "hll" is not installed');
    END IF;
    RETURN hll;
END
$$;
COMMENT ON FUNCTION headcount_internal.hll_schema() IS 'the quoted name of the schema of postgresql-hll';

-- Sketches of postgresql-hll, with the parameters spelled out: its defaults can be changed in a session, and sketches
-- of different parameters do not unite.
CREATE FUNCTION headcount_internal.sketch_text(expression text, condition text DEFAULT 'true') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('%1$s.hll_add_agg(%1$s.hll_hash_text(%2$s), 11, 5, -1, 1) FILTER (WHERE %3$s)', headcount_internal.hll_schema(), expression, condition);
END
$$;
COMMENT ON FUNCTION headcount_internal.sketch_text(text, text) IS 'the aggregate that makes a sketch of users';

CREATE FUNCTION headcount_internal.empty_sketch() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('%s.hll_empty(11, 5, -1, 1)', headcount_internal.hll_schema());
END
$$;
COMMENT ON FUNCTION headcount_internal.empty_sketch() IS 'the expression for a sketch of nobody';

CREATE FUNCTION headcount_internal.sketch_query(name text, options headcount_internal.options) RETURNS text
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
     CROSS JOIN LATERAL headcount.daily_user_counts(p.users, p.refused, p.hosts, %3$L, '2019', 1,
                                                    NULL::date, NULL::date, %5$s) AS c
     LEFT JOIN (SELECT k.day, %4$s AS sketch
                FROM present AS p CROSS JOIN LATERAL headcount.daily_keys(p.users, %3$L, NULL::date, NULL::date, %5$s) AS k
                GROUP BY k.day) AS u ON u.day = c.day
     LEFT JOIN (SELECT k.day, %4$s AS sketch
                FROM present AS p CROSS JOIN LATERAL headcount.daily_keys(p.refused, %3$L, NULL::date, NULL::date, %5$s) AS k
                GROUP BY k.day) AS d ON d.day = c.day
ORDER BY c.day$q$,
        name, headcount_internal.empty_sketch(), options.time_zone, headcount_internal.sketch_text('k.key'), headcount_internal.as_of_text());
END
$$;
COMMENT ON FUNCTION headcount_internal.sketch_query(text, headcount_internal.options) IS
    'the query behind the sketches of a source';

-- A time in the zone of the source, whatever that of the reader; to_char gives NULL for infinite times.
CREATE FUNCTION headcount_internal.time_text(expression text, time_zone text, missing text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format($q$coalesce(to_char(%1$s AT TIME ZONE %2$L, 'YYYY-MM-DD HH24:MI:SS.US'), %1$s::text, %3$L)$q$,
                  expression, time_zone, missing);
END
$$;
COMMENT ON FUNCTION headcount_internal.time_text(text, text, text) IS 'an expression that prints a time in the zone of a source';

-- One pass over the sessions, one over the denials, and one over the open sessions, which are few and have an index.
CREATE FUNCTION headcount_internal.quality_query(name text, options headcount_internal.options) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    session_text text := format(
        $q$format('session of user %%L, host %%L, server %%L, from %%s to %%s', s.user_name, s.host, s.server, %s, %s) COLLATE pg_catalog."C"$q$,
        headcount_internal.time_text('s.started_at', options.time_zone, 'never'), headcount_internal.time_text('s.closed_at', options.time_zone, 'open'));
    denial_text text := format(
        $q$format('denial of user %%L, host %%L, server %%L, at %%s', d.user_name, d.host, d.server, %s) COLLATE pg_catalog."C"$q$,
        headcount_internal.time_text('d.denied_at', options.time_zone, 'never'));
    rules text[] := ARRAY['reversed', 'no_start', 'future', 'no_user', 'no_host', 'stale', 'implausible'];
    session_conditions text[] := ARRAY[
        's.closed_at < s.started_at',
        $q$s.started_at IS NULL OR s.started_at = '-infinity'::timestamptz$q$,
        's.started_at > ' || headcount_internal.as_of_text(),
        $q$s.user_name IS NULL OR s.user_name = ''::text$q$,
        CASE WHEN options.host IS NULL THEN 'false' ELSE $q$s.host IS NULL OR s.host = ''::text$q$ END,
        's.is_stale AND ' || headcount_internal.counts(),
        $q$s.started_at > '-infinity'::timestamptz AND s.started_at < '1990-01-01 00:00:00+00'::timestamptz$q$];
    denial_conditions text[] := ARRAY[
        'false',
        $q$d.denied_at IS NULL OR d.denied_at = '-infinity'::timestamptz$q$,
        'd.denied_at > ' || headcount_internal.as_of_text(),
        $q$d.user_name IS NULL OR d.user_name = ''::text$q$,
        CASE WHEN options.denied_host IS NULL THEN 'false' ELSE $q$d.host IS NULL OR d.host = ''::text$q$ END,
        'false',
        $q$d.denied_at > '-infinity'::timestamptz AND d.denied_at < '1990-01-01 00:00:00+00'::timestamptz$q$];
    weight_rules constant text[] := ARRAY['no_weight', 'bad_weight'];
    session_list text := '';
    denial_list text := '';
    rule_list text := '';
    r text;
BEGIN
    IF headcount_internal.shows_weight(name, options) THEN
        rules := rules || weight_rules;
        session_conditions := session_conditions || CASE WHEN options.weight IS NULL THEN ARRAY['false', 'false']
                                                         ELSE ARRAY['s.given_weight IS NULL', 's.given_weight IS NOT NULL AND s.weight IS NULL'] END;
        denial_conditions := denial_conditions || ARRAY['false', 'false'];
    END IF;
    FOR i IN 1 .. cardinality(rules) LOOP
        r := rules[i];
        session_list := session_list || format('
             count(*) FILTER (WHERE %1$s) AS %2$s, min(%3$s) FILTER (WHERE %1$s) AS %2$s_example,', session_conditions[i], r, session_text);
        denial_list := denial_list || format('
             count(*) FILTER (WHERE %1$s) AS %2$s, min(%3$s) FILTER (WHERE %1$s) AS %2$s_example,', denial_conditions[i], r, denial_text);
        rule_list := rule_list || format('(%1$L::text, s.%1$s, d.%1$s, coalesce(s.%1$s_example, d.%1$s_example)),
            ', r);
        IF r = 'stale' THEN
            rule_list := rule_list || $q$('duplicate_open'::text, o.duplicates, 0::bigint, o.example),
            $q$;
        END IF;
    END LOOP;
    RETURN format($q$
SELECT q.rule, q.session_rows, q.denial_rows, q.example
FROM (SELECT%s
      FROM %I.session_states AS s) AS s
     CROSS JOIN (SELECT%s
      FROM %I.denial_rows AS d) AS d
     CROSS JOIN (SELECT coalesce(sum(g.rows), 0::numeric)::bigint AS duplicates, min(g.example) AS example
      FROM (SELECT count(*) AS rows, min(%s) AS example
            FROM %I.session_states AS s
            WHERE (s.end_key IS NULL OR s.end_key = 'infinity') AND s.is_open AND %s
            GROUP BY s.user_name, s.host, s.server, s.started_at HAVING count(*) > 1) AS g) AS o
     CROSS JOIN LATERAL (VALUES
            %s) AS q (rule, session_rows, denial_rows, example)$q$,
        rtrim(session_list, ','), name, rtrim(denial_list, ','), name, session_text, name, headcount_internal.counts(), rtrim(rule_list, E', \n'));
END
$$;
COMMENT ON FUNCTION headcount_internal.quality_query(text, headcount_internal.options) IS
    'the query behind the data quality of a source';
