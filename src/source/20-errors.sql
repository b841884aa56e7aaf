-- Errors that name the argument at fault, and what every function over a source begins with.

CREATE FUNCTION headcount_internal.raise_argument_error(argument text, problem text, state text DEFAULT '22023', detail text DEFAULT NULL, hint text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.raise_error(state, format('argument "%s": %s', argument, problem), detail, hint);
END
$$;
COMMENT ON FUNCTION headcount_internal.raise_argument_error(text, text, text, text, text) IS 'raises an error that names the argument at fault';

CREATE FUNCTION headcount_internal.check_required(argument text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value IS NULL THEN
        PERFORM headcount_internal.raise_argument_error(argument, 'must not be null', '22004');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_required(text, text) IS 'raises an error that names the argument if it is null';

CREATE FUNCTION headcount_internal.check_day_order(from_day date, to_day date) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF from_day > to_day THEN
        PERFORM headcount_internal.raise_error('22023', format('from_day (%s) is after to_day (%s)', from_day, to_day));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_day_order(date, date) IS 'raises an error if the first of some days is after the last; NULL is no bound';

CREATE FUNCTION headcount_internal.check_time_order(from_at timestamptz, to_at timestamptz) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF from_at > to_at THEN
        PERFORM headcount_internal.raise_error('22023', format('from_at (%s) is after to_at (%s)', from_at, to_at));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_time_order(timestamptz, timestamptz) IS 'raises an error if a span of time ends before it begins; NULL is no bound';

CREATE FUNCTION headcount_internal.edit_distance(one text, other text) RETURNS integer
    AS 'MODULE_PATHNAME', 'headcount_edit_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.edit_distance(text, text) IS
    'how many characters must be inserted, deleted or replaced to make one text of another, or more than 3 if it is more than that; NULL for texts of more than 255 bytes';

-- As PostgreSQL does for columns: up to three characters away, and at most half of them.
CREATE FUNCTION headcount_internal.nearest_name(kind text, name text, names text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('Perhaps you meant the %s "%s".', kind, n.name)
    FROM unnest(names) AS n (name) CROSS JOIN LATERAL headcount_internal.edit_distance(lower(nearest_name.name), lower(n.name)) AS d (distance)
    WHERE d.distance <= 3 AND d.distance <= char_length(nearest_name.name) / 2
    ORDER BY d.distance, n.name COLLATE "C" LIMIT 1
$$;
COMMENT ON FUNCTION headcount_internal.nearest_name(text, text, text[]) IS 'a hint at the one of some names that a misspelt one may stand for, NULL if none is near';

-- DROP TABLE ... CASCADE takes the views of a source along, not what is stored.
CREATE FUNCTION headcount_internal.hint_at_remains(name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('The views of a source of this name were dropped. What is left of it goes with DROP SCHEMA %s CASCADE.', quote_ident(n.nspname))
    FROM pg_namespace AS n
    WHERE n.nspname = name AND EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.reloftype = 'headcount_internal.settings'::regtype)
$$;
COMMENT ON FUNCTION headcount_internal.hint_at_remains(text) IS 'a hint at a schema that has what is stored of a source but is none any more, NULL if there is no such schema';

CREATE FUNCTION headcount_internal.find_source(source text) RETURNS headcount_internal.source
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source headcount_internal.source := headcount_internal.look_up_source(source);
BEGIN
    PERFORM headcount_internal.check_required('source', source);
    IF found_source.sessions_view IS NULL THEN
        PERFORM headcount_internal.raise_error('42704', format('source "%s" does not exist', source), NULL,
            coalesce(headcount_internal.hint_at_remains(source), headcount_internal.nearest_name('source', source, ARRAY(SELECT a.source FROM headcount_internal.all_sources() AS a))));
    END IF;
    RETURN found_source;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_source(text) IS 'a source by its name, or an error if there is none';

CREATE FUNCTION headcount_internal.find_own_source(source text) RETURNS headcount_internal.source
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source headcount_internal.source := headcount_internal.find_source(source);
BEGIN
    IF NOT (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = found_source.sessions_view) THEN
        PERFORM headcount_internal.raise_error('42501', format('must be owner of source "%s"', source));
    END IF;
    RETURN found_source;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_own_source(text) IS 'a source that the current role owns, or an error';

CREATE FUNCTION headcount_internal.find_materialized(source text) RETURNS headcount_internal.source
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source headcount_internal.source := headcount_internal.find_own_source(source);
BEGIN
    IF NOT found_source.materialized THEN
        PERFORM headcount_internal.raise_error('55000', format('source "%s" is not materialized', source), NULL,
            format('Nothing of it is stored. headcount.alter_source(%L, materialized => true) changes that.', source));
    END IF;
    RETURN found_source;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_materialized(text) IS 'a materialized source that the current role owns, or an error';

-- Whoever asks for users of a source without sets has its tables read.
CREATE FUNCTION headcount_internal.has_sets(source headcount_internal.source) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT source.materialized AND source.exact
$$;
COMMENT ON FUNCTION headcount_internal.has_sets(headcount_internal.source) IS 'whether sets of the users of stored days are kept of a source';

CREATE FUNCTION headcount_internal.check_users_not_frozen(source text, options headcount_internal.source, from_day date) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    frozen_day constant date := headcount_internal.frozen_before(options.state);
BEGIN
    IF NOT options.exact AND isfinite(frozen_day) AND from_day < frozen_day THEN
        PERFORM headcount_internal.raise_error('55000', format('days of source "%s" before %s are frozen', source, frozen_day),
            'Who was there on them is not stored, only sketches are, and the tables need not tell it any more.',
            format('Ask for days from %s on. Its views have the numbers of frozen days.', frozen_day));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_users_not_frozen(text, headcount_internal.source, date) IS
    'raises an error if days from one on, frozen ones among them, are asked for users of a source that stores none';

CREATE FUNCTION headcount_internal.source_name(view regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = view
$$;
COMMENT ON FUNCTION headcount_internal.source_name(regclass) IS 'the name of a source: the schema of its views';

CREATE FUNCTION headcount_internal.relation_name(relation regclass) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation
$$;
COMMENT ON FUNCTION headcount_internal.relation_name(regclass) IS 'the name of a relation with that of its schema';

-- All sources of this database: schemas with the views and the table of settings that headcount makes.
CREATE FUNCTION headcount_internal.all_sources() RETURNS TABLE (source text, owner oid, sessions_view regclass)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT n.nspname::text, v.relowner, v.oid::regclass
    FROM pg_class AS s
         JOIN pg_namespace AS n ON n.oid = s.relnamespace
         JOIN pg_class AS v ON v.relnamespace = n.oid AND v.relname = 'sessions' AND v.relkind = 'v'
    WHERE s.relname = 'settings' AND s.reloftype = 'headcount_internal.settings'::regtype
      AND (headcount_internal.look_up_source(n.nspname::text, false)).sessions_view IS NOT NULL
$$;
COMMENT ON FUNCTION headcount_internal.all_sources() IS 'the sources of this database';
