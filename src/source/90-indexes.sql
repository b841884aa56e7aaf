-- create_indexes: the few indexes that the views profit from, on the source's own expressions.
--
--   sessions (user) WHERE end IS NULL    online_users and online_counts: the open sessions of some users
--   sessions (end)                       online_*: everything open, and what ends in the future; functions over a recent span
--   sessions (class of duration, start)  functions over a span of the past; what is stored of past days, if a change is late; not for tables of
--                                        Citus, whose shards are asked for all that ends late enough
--   sessions (user, start)               if false denials are looked for: what a user got at about that time
--   denials  (at)                        functions over a span of time
--
-- The end is written as the view sessions has it, NULLIF(end, 'infinity'), so that ended_at is served too. With an
-- idle_limit it depends on what is now, and no index can; then it is the user's own expression, for online_* alone.
--
-- Each is first made on an empty copy of the table. That tells whether its expressions are immutable, and how
-- PostgreSQL writes them, which is what decides whether the table has such an index already. All this runs as the owner
-- of the source, whoever asks: to plan an index is to run what he wrote, and to have it is to run that at every write.

CREATE FUNCTION headcount_internal.index_keys(index regclass) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(format('%s collate %s class %s', pg_get_indexdef(i.indexrelid, k::integer, false), i.indcollation[k - 1], o.opcfamily) ORDER BY k)
    FROM pg_index AS i
         CROSS JOIN generate_series(1, i.indnkeyatts) AS k
         JOIN pg_opclass AS o ON o.oid = i.indclass[k - 1]
    WHERE i.indexrelid = index
$$;
COMMENT ON FUNCTION headcount_internal.index_keys(regclass) IS 'the keys of an index as text, the same for equivalent keys';

-- NULL if it cannot be made, otherwise whether the relation has an index that serves as well: a B-tree that begins with
-- the same keys and covers the same rows.
CREATE FUNCTION headcount_internal.has_index(name text, relation regclass, definition text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_keys  text[];
    wanted_where text;
BEGIN
    BEGIN
        EXECUTE format('CREATE TABLE %I.index_probe AS SELECT * FROM %s LIMIT 0', name, headcount_internal.relation_name(relation));
        EXECUTE format('CREATE INDEX index_probe_index ON %I.index_probe %s', name, definition);
        wanted_keys := headcount_internal.index_keys(to_regclass(format('%I.index_probe_index', name)));
        SELECT coalesce(pg_get_expr(i.indpred, i.indrelid), '') INTO wanted_where
        FROM pg_index AS i WHERE i.indexrelid = to_regclass(format('%I.index_probe_index', name));
        RAISE EXCEPTION USING ERRCODE = 'HC000';      -- takes the probe away
    EXCEPTION
        WHEN SQLSTATE 'HC000' THEN
            NULL;
        WHEN invalid_object_definition THEN           -- not immutable
            RETURN NULL;
    END;
    RETURN coalesce((
        SELECT bool_or((headcount_internal.index_keys(i.indexrelid))[1:cardinality(wanted_keys)] = wanted_keys)
        FROM pg_index AS i
             JOIN pg_class AS c ON c.oid = i.indexrelid
             JOIN pg_am AS a ON a.oid = c.relam
        WHERE i.indrelid = relation AND i.indisvalid AND a.amname = 'btree'
          AND coalesce(pg_get_expr(i.indpred, i.indrelid), '') = wanted_where), false);
END
$$;
COMMENT ON FUNCTION headcount_internal.has_index(text, regclass, text) IS
    'whether a relation of a source has an equivalent index, NULL if the definition is not immutable';

-- A column stands alone, an expression in parentheses.
CREATE FUNCTION headcount_internal.index_key(expression text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN expression ~ '^[a-z_][a-z0-9_]*$' THEN expression ELSE '(' || expression || ')' END
$$;
COMMENT ON FUNCTION headcount_internal.index_key(text) IS 'an expression as a key of an index';

CREATE FUNCTION headcount_internal.wanted_indexes(source headcount_internal.source) RETURNS TABLE (relation regclass, definition text)
LANGUAGE sql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
    WITH c AS (
        SELECT max(k.expression) FILTER (WHERE k.name = 'user_name') AS who, max(k.expression) FILTER (WHERE k.name = 'started_at') AS start,
               max(k.expression) FILTER (WHERE k.name = 'ended_at') AS closed,
               bool_or(k.expression !~ '^NULL::') FILTER (WHERE k.name = 'ended_at') AS has_ends,      -- some tables know no ends
               CASE WHEN source.idle_limit IS NULL THEN format('NULLIF(%s, %L::timestamptz)', max(k.expression) FILTER (WHERE k.name = 'ended_at'), 'infinity')
                    ELSE max(k.expression) FILTER (WHERE k.name = 'end_key') END AS ending
        FROM headcount_internal.definition_columns(source.definition) AS k)
    SELECT source.sessions, format(CASE WHEN c.has_ends THEN '(%s) WHERE %s IS NULL' ELSE '(%s)' END, headcount_internal.index_key(c.who), headcount_internal.index_key(c.ending)) FROM c
    UNION ALL SELECT source.sessions, format('(%s)', headcount_internal.index_key(c.ending)) FROM c WHERE c.has_ends
    UNION ALL SELECT source.sessions, format('(headcount_internal.duration_class(%1$s, %2$s), headcount_internal.class_start(%1$s))', c.start, c.closed) FROM c WHERE c.has_ends AND NOT headcount_internal.is_on_shards(source.sessions)
    UNION ALL SELECT source.sessions, format('(%s, %s)', headcount_internal.index_key(c.who), headcount_internal.index_key(c.start)) FROM c WHERE source.false_denial_before IS NOT NULL
    UNION ALL SELECT source.denials, format('(%s)', headcount_internal.index_key(d.expression)) FROM headcount_internal.definition_columns(source.denial_definition) AS d
              WHERE source.denials IS NOT NULL AND d.name = 'denied_at'
$$;
COMMENT ON FUNCTION headcount_internal.wanted_indexes(headcount_internal.source) IS 'the indexes that the views of a source profit from';

-- Runs as the owner of the source.
CREATE FUNCTION headcount_internal.make_indexes(name text, dry_run boolean) RETURNS text[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source    constant headcount_internal.source := headcount_internal.find_own_source(name);
    had_duration_index constant boolean := headcount_internal.has_duration_index(source.sessions);
    wanted     record;
    has        boolean;
    statement  text;
    statements text[] := '{}';
    changed    regclass;
BEGIN
    FOR wanted IN
        SELECT w.relation, w.definition, c.relkind
        FROM headcount_internal.wanted_indexes(source) AS w JOIN pg_class AS c ON c.oid = w.relation
    LOOP
        IF wanted.relkind NOT IN ('r', 'p', 'm') THEN
            RAISE NOTICE '% cannot have indexes, skipping', wanted.relation;
            CONTINUE;
        END IF;
        has := headcount_internal.has_index(name, wanted.relation, wanted.definition);
        statement := format('CREATE INDEX ON %s %s', headcount_internal.relation_name(wanted.relation), wanted.definition);
        IF has IS NULL THEN
            RAISE NOTICE 'skipping an index whose expressions are not immutable: %', statement;
        ELSIF NOT has THEN
            IF NOT dry_run THEN
                EXECUTE statement;
            END IF;
            statements := statements || statement;
        END IF;
    END LOOP;
    IF NOT dry_run AND cardinality(statements) > 0 THEN      -- an index on an expression has no statistics of its own before
        FOR changed IN SELECT DISTINCT w.relation FROM headcount_internal.wanted_indexes(source) AS w LOOP
            EXECUTE format('ANALYZE %s', headcount_internal.relation_name(changed));
        END LOOP;
    END IF;
    IF source.materialized AND had_duration_index <> headcount_internal.has_duration_index(source.sessions) THEN
        PERFORM headcount_internal.make_live_views(name, headcount_internal.options_of(name));
    END IF;
    RETURN statements;
END
$$;
COMMENT ON FUNCTION headcount_internal.make_indexes(text, boolean) IS 'makes the indexes that a source profits from, and returns the statements';

CREATE FUNCTION headcount.create_indexes(source text, dry_run boolean DEFAULT false) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT unnest(headcount_internal.execute_as_owner((headcount_internal.find_own_source(source)).sessions_view,
        format('SELECT headcount_internal.make_indexes(%L, %L)', source, dry_run))::text[]);
END
$$;
COMMENT ON FUNCTION headcount.create_indexes(text, boolean) IS
    'makes the few indexes that the views of a source profit from, if the tables do not have them yet, with their statistics, and tells the statements; with dry_run it only tells them, to be run with CONCURRENTLY if writers must not wait. Needs ownership of the source, whose owner must own the tables';
