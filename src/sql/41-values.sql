-- Values that reach other servers (src/source/values.cpp): of what only the server knows that is asked, a view writes
--
--   headcount_internal.as_value((SELECT headcount.as_of() FROM headcount_internal.here))
--
-- Citus evaluates that subselect itself, since it reads a table that is not distributed, and sends its value to the workers. Views over
-- other tables have as_of() in its place, and in other queries the planner makes that of it.

CREATE TABLE headcount_internal.here (is_here boolean NOT NULL);
INSERT INTO headcount_internal.here VALUES (true);
COMMENT ON TABLE headcount_internal.here IS 'one row, on each server its own: a subselect that reads it is evaluated on the server that is asked';
GRANT SELECT ON headcount_internal.here TO PUBLIC;

CREATE FUNCTION headcount_internal.as_value_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_as_value_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.as_value_support(internal) IS 'planner support of as_value';

CREATE FUNCTION headcount_internal.as_value(timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_as_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT headcount_internal.as_value_support;
COMMENT ON FUNCTION headcount_internal.as_value(timestamptz) IS 'an instant that a subselect tells, as the server knows it that is asked';

CREATE FUNCTION headcount_internal.as_value(date) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_as_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT headcount_internal.as_value_support;
COMMENT ON FUNCTION headcount_internal.as_value(date) IS 'a day that a subselect tells, as the server knows it that is asked';

CREATE FUNCTION headcount_internal.as_value(boolean) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_as_value' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE SUPPORT headcount_internal.as_value_support;
COMMENT ON FUNCTION headcount_internal.as_value(boolean) IS 'yes or no that a subselect tells, as the server knows it that is asked';

-- Tables of Citus: some queries have to be written in another way for them.
CREATE FUNCTION headcount_internal.is_on_shards(relation regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_is_on_shards' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.is_on_shards(regclass) IS 'whether Citus keeps the rows of a table, of one of its partitions, or of a table that a view reads, on shards or as a reference table';

CREATE FUNCTION headcount_internal.is_in_one_place_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_is_in_one_place_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.is_in_one_place_support(internal) IS 'planner support of is_in_one_place';

CREATE FUNCTION headcount_internal.is_in_one_place(relation regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_is_in_one_place' LANGUAGE C STABLE STRICT PARALLEL SAFE SUPPORT headcount_internal.is_in_one_place_support;
COMMENT ON FUNCTION headcount_internal.is_in_one_place(regclass) IS
    'in a view, true; an error when the view is planned and Citus keeps the rows of the table by then, for a view that is made in another way for such tables';

-- The text of that, for what an expression gives.
CREATE FUNCTION headcount_internal.value_text(expression text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('headcount_internal.as_value((SELECT %s FROM headcount_internal.here))', expression)
$$;
COMMENT ON FUNCTION headcount_internal.value_text(text) IS 'the expression for what another one gives on the server that is asked';

-- Foreign tables: postgres_fdw sends the value of a subselect, and no function of ours. (A table of which only some partitions are
-- foreign is none: the planner estimates nothing from a subselect, so the others would be read from end to end.)
CREATE FUNCTION headcount_internal.is_foreign(relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(bool_and(c.relkind = 'f'), false)
    FROM (SELECT relation AS oid WHERE (SELECT r.relkind FROM pg_class AS r WHERE r.oid = relation) <> 'p'
          UNION ALL SELECT p.relid FROM pg_partition_tree(relation) AS p WHERE p.isleaf) AS t
         JOIN pg_class AS c ON c.oid = t.oid AND c.relkind <> 'p'
$$;
COMMENT ON FUNCTION headcount_internal.is_foreign(regclass) IS 'whether a table, or each of its partitions, is a foreign one';

-- A query that is for tables of this server, hence has no need of that.
CREATE FUNCTION headcount_internal.without_values(query text, is_foreign boolean DEFAULT false) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT regexp_replace(
        CASE WHEN is_foreign THEN regexp_replace(query,
            'headcount_internal\.as_value\(\(SELECT (headcount\.as_of\(\)|headcount_internal\.(?:live_from|named_from)\([^()]*\)) FROM headcount_internal\.here\)\)', '(SELECT \1)', 'g')
        ELSE query END,
        'headcount_internal\.as_value\(\(SELECT (.*?) FROM headcount_internal\.here\)\)', '\1', 'g')
$$;
COMMENT ON FUNCTION headcount_internal.without_values(text, boolean) IS
    'a query with what value_text was given in place of what it made of it, or, for foreign tables, a subselect of that where instants are concerned';

CREATE FUNCTION headcount_internal.as_of_text() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT headcount_internal.value_text('headcount.as_of()')
$$;
COMMENT ON FUNCTION headcount_internal.as_of_text() IS 'the expression for the instant that views read as now';
