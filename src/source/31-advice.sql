-- What create_source remarks: mistakes that everybody makes once, where they are made. All of it is advice, and no error: what
-- was written is right, and may be meant.

CREATE FUNCTION headcount_internal.expression_traits(relation regclass, expression text, OUT reads_clock boolean, OUT reads_zone boolean,
                                                     OUT is_constant boolean, OUT looseness text) RETURNS record
    AS 'MODULE_PATHNAME', 'headcount_expression_traits' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.expression_traits(regclass, text) IS
    'what is odd in an expression over the columns of a table: it reads the clock; it makes an instant by the time zone of the session; it is the same for all rows; values that are equal for their type need not have the same bytes: citext, collation or numeric';

CREATE FUNCTION headcount_internal.remark(argument text, problem text, detail text, hint text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE NOTICE 'argument "%": %', argument, problem USING DETAIL = detail, HINT = hint;
END
$$;
COMMENT ON FUNCTION headcount_internal.remark(text, text, text, text) IS 'a notice about an argument';

CREATE FUNCTION headcount_internal.remark_on_name(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = split_part(name, '.', 1)) AND strpos(name, '.') > 0 THEN
        PERFORM headcount_internal.remark('name', format('"%s" is a name with a dot in it', name),
            format('A source is a schema of its own, and not in schema "%s".', split_part(name, '.', 1)),
            format('Name it "%s", unless the dot is meant.', split_part(name, '.', 2)));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.remark_on_name(text) IS 'what is odd in the name of a source';

-- A word with an offset in it is a zone by the rules of POSIX, for which a plus is west.
CREATE FUNCTION headcount_internal.remark_on_zone(time_zone text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    east interval;
BEGIN
    IF time_zone !~* '^(utc|gmt|ut|z)?[+-]?[0-9]{1,2}(:?[0-9]{2}){0,2}$' THEN
        RETURN;
    END IF;
    east := (timestamptz '2000-01-01 00:00+00' AT TIME ZONE time_zone) - timestamp '2000-01-01 00:00';
    IF east <> interval '0' THEN
        PERFORM headcount_internal.remark('time_zone', format('"%s" is %s hours %s of Greenwich', time_zone, to_char(greatest(east, - east), 'FMHH24:MI'),
                                                              CASE WHEN east > interval '0' THEN 'east' ELSE 'west' END),
            'In a number of hours a plus is west and a minus is east, as POSIX has it.',
            'Name a place, such as Asia/Kolkata: the view pg_timezone_names lists them. Only places have summer time.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.remark_on_zone(text) IS 'what is odd in the time zone of a source';

CREATE FUNCTION headcount_internal.remark_on_expressions(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT o.option, o.kind, t.*, o.option IN ('user_name', 'denied_user') AS is_user
        FROM headcount_internal.expression_options(name, options, options) AS o
             CROSS JOIN LATERAL headcount_internal.expression_traits(o.relation, o.expression) AS t
        WHERE o.option <> 'user_identity' AND o.kind IN ('text', 'time')
    LOOP
        IF each.kind = 'time' AND each.reads_clock THEN
            PERFORM headcount_internal.remark(each.option, 'the expression reads the clock',
                'Where it does, no session is open, and each read finds another time.',
                'An end that is NULL is an open session, which lasts until now: leave it NULL.');
        ELSIF each.kind = 'time' AND each.reads_zone THEN
            PERFORM headcount_internal.remark(each.option, 'the instant depends on the time zone of whoever reads',
                'A date, a text or a timestamp without time zone becomes one with time zone by the setting TimeZone.',
                format('Cast to timestamp: that is read in the time zone of the source, %s.', options.time_zone));
        END IF;
        IF each.kind = 'text' AND each.is_constant AND (each.is_user OR each.option = 'host') THEN
            PERFORM headcount_internal.remark(each.option, 'the expression is the same for all rows', 'So all sessions are those of one.',
                CASE WHEN each.option = 'host' THEN 'Name a column, or say host => NULL if the table has none.' ELSE 'Name a column.' END);
        ELSIF each.kind = 'text' AND (each.option = 'host' OR each.is_user AND options.user_identity IS NULL) THEN
            IF each.looseness = 'numeric' THEN
                PERFORM headcount_internal.remark(each.option, 'numbers are compared as text', 'The type is numeric, for which 5 and 5.0 are equal; here they are two.',
                    'Say trim_scale of it, or cast it to bigint.');
            ELSIF each.looseness IS NOT NULL THEN
                PERFORM headcount_internal.remark(each.option, 'names are compared byte by byte',
                    format('%s, for which names can be equal that are two here, such as Anna and anna.',
                           CASE each.looseness WHEN 'citext' THEN 'The type is citext' ELSE 'The collation is not deterministic' END),
                    CASE WHEN each.is_user THEN 'Say user_identity => ''lower(user_name)''.' ELSE 'Say lower of it.' END);
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.remark_on_expressions(text, headcount_internal.options) IS 'what is odd in the expressions of a source';

-- The first rows of a table tell what nobody sees in an expression. Where an expression fails for one of them, that is for the
-- reads to say.
CREATE FUNCTION headcount_internal.remark_on_rows(options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seen record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = options.sessions AND c.relkind IN ('r', 'p', 'm')) THEN
        RETURN;      -- the first rows of a view can take as long as all
    END IF;
    EXECUTE format($q$
        SELECT count(*) FILTER (WHERE r.started_at < 'infinity' AND r.ended_at > '-infinity') AS closed, count(*) FILTER (WHERE r.ended_at < r.started_at) AS reversed,
               max(r.ended_at) FILTER (WHERE r.ended_at < 'infinity' AND r.ended_at >= '9000-01-01') AS far_end,
               min(r.ended_at) FILTER (WHERE r.ended_at > '-infinity' AND r.ended_at < '0100-01-01') AS early_end,
               min(r.started_at) FILTER (WHERE r.started_at > '-infinity' AND r.started_at < '0100-01-01') AS early_start
        FROM (SELECT %s AS started_at, %s AS ended_at FROM (SELECT * FROM %s LIMIT 1000) AS %I) AS r$q$,
        options.started_at, coalesce(options.ended_at, 'NULL::timestamptz'), headcount_internal.relation_name(options.sessions),
        (SELECT c.relname FROM pg_class AS c WHERE c.oid = options.sessions)) INTO seen;
    IF coalesce(seen.far_end, seen.early_end) IS NOT NULL THEN
        PERFORM headcount_internal.remark('ended_at', format('there are sessions that end in the year %s', date_part('year', coalesce(seen.far_end, seen.early_end))),
            'If that stands for no end, it does not mean so here: an open session has an end of NULL or infinity.',
            format('Say nullif(..., ''%s'').', coalesce(seen.far_end, seen.early_end)));
    ELSIF seen.reversed >= 2 AND seen.reversed * 2 > seen.closed THEN
        PERFORM headcount_internal.remark('ended_at', 'most sessions end before they start',
            format('It is so for %s of the first %s that have ended; none of them counts.', seen.reversed, seen.closed), 'Have started_at and ended_at changed places?');
    END IF;
    IF seen.early_start IS NOT NULL THEN
        PERFORM headcount_internal.remark('started_at', format('there are sessions that start in the year %s', date_part('year', seen.early_start)),
            'They count, and reports begin there.', format('Say nullif(..., ''%s'') if that stands for no start.', seen.early_start));
    END IF;
EXCEPTION WHEN OTHERS THEN
    NULL;
END
$$;
COMMENT ON FUNCTION headcount_internal.remark_on_rows(headcount_internal.options) IS 'what is odd in the first rows of the sessions of a source';

CREATE FUNCTION headcount_internal.has_cron() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron')
$$;
COMMENT ON FUNCTION headcount_internal.has_cron() IS 'whether pg_cron is installed in this database';

CREATE FUNCTION headcount_internal.remark_on_source(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.remark_on_name(name);
    PERFORM headcount_internal.remark_on_zone(options.time_zone);
    PERFORM headcount_internal.remark_on_expressions(name, options);
    PERFORM headcount_internal.remark_on_rows(options);
    RAISE NOTICE 'look at %.online_users, %.daily_user_counts and %.data_quality', quote_ident(name), quote_ident(name), quote_ident(name)
        USING HINT = format('%sheadcount.create_indexes(%L, dry_run => true) prints indexes that help. GRANT SELECT on a view is all that a reader needs.',
                            CASE WHEN options.materialized THEN format('CALL headcount.refresh(%L) stores the days that are over; %s. ', name,
                                CASE WHEN headcount_internal.has_cron() THEN format('headcount.schedule_refresh(%L) has pg_cron do that', name) ELSE 'let a scheduler do that' END) END, name);
END
$$;
COMMENT ON FUNCTION headcount_internal.remark_on_source(text, headcount_internal.options) IS 'what is odd in a source that was just made, and what to do next';

-- How a source that is tracked by window can be exact.
CREATE FUNCTION headcount_internal.way_to_exactness(obstacle text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN obstacle LIKE '%not an ordinary or partitioned table' THEN 'To be exact, a source needs a table: docs/sources.md has one that triggers on the rows behind a view keep.'
                WHEN obstacle LIKE '%belongs to another role' THEN 'To be exact, a source belongs to the owner of the table.'
                WHEN obstacle LIKE '%a function that is not immutable' THEN 'To be exact, an expression depends on nothing but the row. Where it adds an interval to a time, give the interval as duration.'
                WHEN obstacle LIKE '%a value that depends on settings'
                    THEN 'To be exact, say how it is written: encode(..., ''hex'') of a bytea, ...::numeric of a floating-point number, a place such as ''Europe/Paris'' for a time zone.' END
$$;
COMMENT ON FUNCTION headcount_internal.way_to_exactness(text) IS 'how a source can be tracked by triggers, in spite of an obstacle, NULL if that is not said in a sentence';
