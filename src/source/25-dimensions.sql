-- Dimensions: what a source is told to slice by besides servers.
--
-- An option of its own is a JSON object, {"feature": "feature_name", "site": {"sessions": "site", "denials": "location"}}; while a
-- source is made or altered an array in the same order, of {"name", "sessions", "denials"}; in the settings of the source the
-- names. The expressions are columns of the definition, under these names, at its end. A column of a view cannot be taken away,
-- so those of dimensions that a source has no more stay, with NULLs.
--
-- What is stored of days is stored of a scope, and of a slice: one value of a dimension, NULL for what has none.
--
--   a   all servers           s        each server                    1 … 8  each value of that dimension
--   r   realtime servers               (they are realtime or not)     A … H  the same on realtime servers

-- Who reads views and stored days by a column of theirs must not meet another one of that name.
CREATE FUNCTION headcount_internal.reserved_columns() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['user_name', 'host', 'server', 'started_at', 'ended_at', 'duration', 'weight', 'given_weight', 'present_user', 'last_seen', 'end_key', 'counts', 'user_identity',
                 'closed_at', 'end_at', 'is_open', 'is_stale', 'is_realtime', 'denied_at', 'is_false_denial', 'from_at', 'to_at', 'online_for',
                 'day', 'total_users', 'daily_users', 'denial_users', 'denials', 'concurrent_hosts', 'concurrent_hosts_at', 'complete',
                 'concurrent_users', 'concurrent_sessions', 'concurrent_weight', 'approximate',
                 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']
$$;
COMMENT ON FUNCTION headcount_internal.reserved_columns() IS 'the names that no dimension can have, since columns of the views of sources have them';

CREATE FUNCTION headcount_internal.dimension_error(problem text, state text DEFAULT '22023', detail text DEFAULT NULL, hint text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT headcount_internal.raise_argument_error('dimensions', problem, state, detail, hint)
$$;
COMMENT ON FUNCTION headcount_internal.dimension_error(text, text, text, text) IS 'raises an error about the option "dimensions"';

CREATE FUNCTION headcount_internal.check_dimension_name(name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name = '' THEN
        PERFORM headcount_internal.dimension_error('a dimension must have a name', '42602');
    ELSIF octet_length(name) > 42 THEN      -- the name of its view is 21 bytes longer
        PERFORM headcount_internal.dimension_error(format('the name of dimension "%s" is longer than 42 bytes', name), '42622');
    ELSIF name = ANY (headcount_internal.reserved_columns()) THEN
        PERFORM headcount_internal.dimension_error(format('dimension "%s" has the name of a column that the views of the source have', name), '42701',
            hint => 'Choose another name.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_dimension_name(text) IS 'raises an error unless a dimension can have this name';

-- One member of the object. What is said once is for sessions, and is tried on denials.
CREATE FUNCTION headcount_internal.read_dimension(name text, value json, may_remove boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind constant text := json_typeof(value);
    each record;
    said jsonb := jsonb_build_object('name', name, 'is_new', true, 'is_tried', kind = 'string');
BEGIN
    PERFORM headcount_internal.check_dimension_name(name);
    IF kind = 'string' THEN
        RETURN said || jsonb_build_object('sessions', value #>> '{}', 'denials', value #>> '{}');
    ELSIF kind = 'null' AND may_remove THEN
        RETURN jsonb_build_object('name', name, 'is_removed', true);
    ELSIF kind <> 'object' THEN
        PERFORM headcount_internal.dimension_error(format('the expression of dimension "%s" must be a string', name), detail => format('It is %s.', value),
            hint => 'Write, for example, {"feature": "feature_name"}.');
    END IF;
    FOR each IN SELECT v.key, v.value, json_typeof(v.value) AS kind FROM json_each(value) AS v LOOP
        IF each.key NOT IN ('sessions', 'denials') THEN
            PERFORM headcount_internal.dimension_error(format('dimension "%s" has no expression for "%s"', name, each.key), hint => 'There is one for sessions, and one for denials.');
        ELSIF said ? each.key THEN
            PERFORM headcount_internal.dimension_error(format('dimension "%s" is given twice for %s', name, each.key));
        ELSIF each.kind <> 'string' AND NOT (each.kind = 'null' AND each.key = 'denials') THEN
            PERFORM headcount_internal.dimension_error(format('the expression of dimension "%s" for %s must be a string', name, each.key), detail => format('It is %s.', each.value));
        END IF;
        said := said || jsonb_build_object(each.key, each.value #>> '{}');
    END LOOP;
    IF NOT said ? 'sessions' THEN
        PERFORM headcount_internal.dimension_error(format('dimension "%s" has no expression for sessions', name));
    END IF;
    RETURN said || CASE WHEN said ? 'denials' THEN '{}' ELSE '{"denials": null}'::jsonb END;
END
$$;
COMMENT ON FUNCTION headcount_internal.read_dimension(text, json, boolean) IS 'one dimension as an owner of a source gives it, or an error';

CREATE FUNCTION headcount_internal.read_dimensions(dimensions json, may_remove boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    each record;
    said jsonb := '[]';
BEGIN
    IF dimensions IS NULL THEN
        RETURN NULL;
    ELSIF json_typeof(dimensions) <> 'object' THEN
        PERFORM headcount_internal.dimension_error('must be a JSON object', hint => 'Write, for example, {"feature": "feature_name", "site": "split_part(nas, ''-'', 1)"}.');
    END IF;
    FOR each IN SELECT v.key, v.value, count(*) OVER (PARTITION BY v.key) AS times FROM json_each(dimensions) WITH ORDINALITY AS v (key, value, place) ORDER BY v.place LOOP
        IF each.times > 1 THEN
            PERFORM headcount_internal.dimension_error(format('dimension "%s" is given twice', each.key));
        END IF;
        said := said || headcount_internal.read_dimension(each.key, each.value, may_remove);
    END LOOP;
    RETURN said;
END
$$;
COMMENT ON FUNCTION headcount_internal.read_dimensions(json, boolean) IS
    'the option "dimensions" as its owner gives it, as an array; a dimension that is null is taken away, where it may be';

-- Those that are given are added to the present ones, take their place, or take them away. With a table of denials that is given
-- too, present ones that have nothing for denials are tried on it.
CREATE FUNCTION headcount_internal.merge_dimensions(present jsonb, given jsonb, has_new_denials boolean, has_denials boolean) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(m.dimension ORDER BY m.place)
    FROM (SELECT coalesce(g.dimension, CASE WHEN NOT has_denials THEN p.dimension || '{"denials": null}'
                                            WHEN has_new_denials AND p.dimension ->> 'denials' IS NULL THEN p.dimension || jsonb_build_object('denials', p.dimension -> 'sessions', 'is_tried', true)
                                            ELSE p.dimension END) AS dimension,
                 coalesce(p.place, 100 + g.place) AS place
          FROM jsonb_array_elements(present) WITH ORDINALITY AS p (dimension, place)
               FULL JOIN jsonb_array_elements(given) WITH ORDINALITY AS g (dimension, place) ON g.dimension ->> 'name' = p.dimension ->> 'name') AS m
    WHERE NOT m.dimension ? 'is_removed'
$$;
COMMENT ON FUNCTION headcount_internal.merge_dimensions(jsonb, jsonb, boolean, boolean) IS 'the dimensions of a source after some are given, which may take others away';

-- Like resolve_option under the caller's search path, hence no SET clause.
CREATE FUNCTION headcount_internal.try_denial_dimension(dimension text, denials regclass, expression text, "collation" oid) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    sql pg_catalog.text;
BEGIN
    SELECT r.sql INTO sql FROM headcount_internal.resolve_column(denials, expression, 'text', "collation") AS r;
    RETURN sql;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'dimension "%": denials have no value', dimension
        USING DETAIL = pg_catalog.format('Its expression is not one over table "%s": %s.', headcount_internal.relation_name(denials), SQLERRM),
              HINT = 'Say both apart: {"name": {"sessions": "...", "denials": "..."}}.';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION headcount_internal.try_denial_dimension(text, regclass, text, oid) IS
    'the expression of a dimension for sessions as one over the denials, NULL with a notice if it is none';

CREATE FUNCTION headcount_internal.dimension_names(dimensions jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(SELECT d.dimension ->> 'name' FROM jsonb_array_elements(dimensions) WITH ORDINALITY AS d (dimension, place) ORDER BY d.place)
$$;
COMMENT ON FUNCTION headcount_internal.dimension_names(jsonb) IS 'the names of the dimensions of a source';

-- The same in every view, so that it can be replaced.
CREATE FUNCTION headcount_internal.dimension_columns(name text, dimensions jsonb DEFAULT NULL) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.columns || ARRAY(SELECT n.name FROM unnest(headcount_internal.dimension_names(dimensions)) WITH ORDINALITY AS n (name, place) WHERE n.name <> ALL (p.columns) ORDER BY n.place)
    FROM (SELECT ARRAY(SELECT a.attname::text FROM pg_attribute AS a
                       WHERE a.attrelid = to_regclass(format('%I.session_rows', dimension_columns.name)) AND a.attnum > 0
                         AND a.attname::text <> ALL (headcount_internal.reserved_columns()) ORDER BY a.attnum) AS columns) AS p
$$;
COMMENT ON FUNCTION headcount_internal.dimension_columns(text, jsonb) IS 'the columns that views of a source have for its dimensions, also for those that it has no more';

CREATE FUNCTION headcount_internal.dimension_list(name text, alias text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(string_agg(format(', %s.%I', alias, c.name), '' ORDER BY c.place), '')
    FROM unnest(headcount_internal.dimension_columns(dimension_list.name)) WITH ORDINALITY AS c (name, place)
$$;
COMMENT ON FUNCTION headcount_internal.dimension_list(text, text) IS 'these columns of something, to be put behind others';

-- For views that belong to a dimension that the source has, or had.
CREATE FUNCTION headcount_internal.slice_view(dimension text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'daily_user_counts_by_' || dimension
$$;
COMMENT ON FUNCTION headcount_internal.slice_view(text) IS 'the name of the view of a report by a dimension, or by server';

CREATE FUNCTION headcount_internal.check_dimensions(name text, dimensions jsonb, denials oid) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    each jsonb;
BEGIN
    IF jsonb_array_length(dimensions) > 8 THEN
        PERFORM headcount_internal.dimension_error(format('there are %s dimensions, but at most 8 are possible', jsonb_array_length(dimensions)), '54000');
    END IF;
    FOR each IN SELECT d FROM jsonb_array_elements(dimensions) AS d LOOP
        IF denials IS NULL AND each ->> 'denials' IS NOT NULL AND NOT coalesce((each ->> 'is_tried')::boolean, false) THEN
            PERFORM headcount_internal.dimension_error(format('dimension "%s" for denials needs "denials"', each ->> 'name'),
                hint => 'Say with denials which table the denials are in.');
        ELSIF to_regclass(format('%I.%I', name, headcount_internal.slice_view(each ->> 'name'))) IS NOT NULL
              AND each ->> 'name' <> ALL (headcount_internal.dimension_columns(name)) THEN
            PERFORM headcount_internal.dimension_error(format('dimension "%s" needs the name "%s", which something else has', each ->> 'name', headcount_internal.slice_view(each ->> 'name')), '42P07',
                hint => 'Choose another name.');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_dimensions(text, jsonb, oid) IS 'raises an error unless a source can have all of these dimensions';

-- What is given for denials where there are none is nothing.
CREATE FUNCTION headcount_internal.resolved_dimension(dimension jsonb, sessions text, denials text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('name', dimension ->> 'name', 'sessions', sessions, 'denials', denials)
$$;
COMMENT ON FUNCTION headcount_internal.resolved_dimension(jsonb, text, text) IS 'a dimension with its expressions as SQL';

CREATE FUNCTION headcount_internal.dimensions_to_resolve(name text, dimensions jsonb)
RETURNS TABLE (dimension jsonb, title text, is_new boolean, is_tried boolean, sessions text, denials text, session_collation oid, denial_collation oid)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 8 SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.dimension, d.dimension ->> 'name', coalesce((d.dimension ->> 'is_new')::boolean, false), coalesce((d.dimension ->> 'is_tried')::boolean, false),
           d.dimension ->> 'sessions', d.dimension ->> 'denials',
           (SELECT a.attcollation FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.session_rows', dimensions_to_resolve.name)) AND a.attname = d.dimension ->> 'name'),
           (SELECT a.attcollation FROM pg_attribute AS a WHERE a.attrelid = to_regclass(format('%I.denial_rows', dimensions_to_resolve.name)) AND a.attname = d.dimension ->> 'name')
    FROM jsonb_array_elements(dimensions) WITH ORDINALITY AS d (dimension, place) ORDER BY d.place
$$;
COMMENT ON FUNCTION headcount_internal.dimensions_to_resolve(text, jsonb) IS
    'the dimensions of a source, with the collations that its views have for them already';

-- The letters of scopes.
CREATE FUNCTION headcount_internal.dimension_scope(number integer, is_realtime boolean) RETURNS "char"
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT substr(CASE WHEN is_realtime THEN 'ABCDEFGH' ELSE '12345678' END, number, 1)::"char"
$$;
COMMENT ON FUNCTION headcount_internal.dimension_scope(integer, boolean) IS 'the scope of what is stored of each value of the dimension of this number';

CREATE FUNCTION headcount_internal.slice_column(scope "char", names text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN scope = 's' THEN 'server' ELSE names[NULLIF(greatest(strpos('12345678', scope::text), strpos('ABCDEFGH', scope::text)), 0)] END
$$;
COMMENT ON FUNCTION headcount_internal.slice_column("char", text[]) IS 'the column by whose values what is stored of a scope is sliced, NULL if it is not';

CREATE FUNCTION headcount_internal.is_realtime_scope(scope "char") RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT scope = 'r' OR strpos('ABCDEFGH', scope::text) > 0
$$;
COMMENT ON FUNCTION headcount_internal.is_realtime_scope("char") IS 'whether a scope is of realtime servers only';

-- For verify.
CREATE FUNCTION headcount_internal.scope_text(alias text, names text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$concat(' on ' || headcount_internal.slice_column(%1$s.scope, %2$L::text[]) || format(' %%L', %1$s.slice),
        CASE WHEN headcount_internal.is_realtime_scope(%1$s.scope) THEN ' on realtime servers' END)$q$, alias, names)
$$;
COMMENT ON FUNCTION headcount_internal.scope_text(text, text[]) IS 'the expression that says in words what a stored row is about';
