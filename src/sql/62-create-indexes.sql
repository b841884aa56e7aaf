-- create_indexes: the few indexes that the views profit from, on the user's own expressions.
--
--   sessions (user) WHERE end IS NULL    online_users and online_counts: the open sessions of some users
--   sessions (end)                       online_*: everything open, and what ends in the future; functions over a span
--   sessions (class of duration, start)  what is stored of past days, where a change is late
--   sessions (user, start)               where false denials are looked for: what a user got at about that time
--   denials  (at)                        functions over a span of time
--
-- The end is written as the view sessions has it, NULLIF(end, 'infinity'), so that ended_at is served too. With an
-- idle_limit it depends on what is now, and no index can; then it is the user's own expression, for online_* alone.
--
-- Each is first made on an empty copy of the table. That tells whether its expressions are immutable, and how
-- PostgreSQL writes them, which is what decides whether the table has such an index already.

CREATE FUNCTION headcount.index_keys(index regclass) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT array_agg(format('%s collate %s class %s', pg_get_indexdef(i.indexrelid, k::integer, false),
                                    i.indcollation[k - 1], o.opcfamily) ORDER BY k)
            FROM pg_index AS i
                 CROSS JOIN generate_series(1, i.indnkeyatts) AS k
                 JOIN pg_opclass AS o ON o.oid = i.indclass[k - 1]
            WHERE i.indexrelid = index);
END
$$;
COMMENT ON FUNCTION headcount.index_keys(regclass) IS 'internal: the keys of an index as text, the same for equivalent keys';

-- NULL where it cannot be made, otherwise whether the relation has an index that serves as well: a B-tree that begins
-- with the same keys and covers the same rows.
CREATE FUNCTION headcount.has_index(relation regclass, definition text) RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_keys  text[];
    wanted_where text;
    has          boolean;
BEGIN
    BEGIN
        EXECUTE format('CREATE TEMPORARY TABLE headcount_probe ON COMMIT DROP AS SELECT * FROM %s LIMIT 0', headcount.relation_name(relation));
        EXECUTE format('CREATE INDEX headcount_probe_index ON pg_temp.headcount_probe %s', definition);
        wanted_keys := headcount.index_keys(to_regclass('pg_temp.headcount_probe_index'));
        SELECT coalesce(pg_get_expr(i.indpred, i.indrelid), '') INTO wanted_where
        FROM pg_index AS i WHERE i.indexrelid = to_regclass('pg_temp.headcount_probe_index');
        RAISE EXCEPTION USING ERRCODE = 'HC000';      -- takes the probe away
    EXCEPTION
        WHEN SQLSTATE 'HC000' THEN
            NULL;
        WHEN invalid_object_definition THEN           -- not immutable
            RETURN NULL;
    END;
    SELECT coalesce(bool_or((headcount.index_keys(i.indexrelid))[1:cardinality(wanted_keys)] = wanted_keys), false) INTO has
    FROM pg_index AS i
         JOIN pg_class AS c ON c.oid = i.indexrelid
         JOIN pg_am AS a ON a.oid = c.relam
    WHERE i.indrelid = relation AND i.indisvalid AND a.amname = 'btree'
      AND coalesce(pg_get_expr(i.indpred, i.indrelid), '') = wanted_where;
    RETURN has;
END
$$;
COMMENT ON FUNCTION headcount.has_index(regclass, text) IS
    'internal: whether a relation has an equivalent index, NULL where the definition is not immutable';

-- An identity over user_name, with that name replaced by the expression it stands for. As it was deparsed, it holds
-- string literals, quoted names, and words; only a word is the column, and only where it is not part of another name.
CREATE FUNCTION headcount.replace_user_name(identity text, expression text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token    text;
    previous text := '';
    replaced text := '';
BEGIN
    FOR token IN
        SELECT m[1] FROM regexp_matches(identity, $re$('(?:[^']|'')*'|"(?:[^"]|"")*"|[[:alpha:]_][[:alnum:]_$]*|.)$re$, 'g') AS m
    LOOP
        replaced := replaced || CASE WHEN token = 'user_name' AND previous <> '.' THEN expression ELSE token END;
        previous := token;
    END LOOP;
    RETURN replaced;
END
$$;
COMMENT ON FUNCTION headcount.replace_user_name(text, text) IS
    'internal: the expression user_identity with another expression in place of the column user_name';

-- A column stands alone, an expression in parentheses. What typed_expression made is in them already.
CREATE FUNCTION headcount.index_key(expression text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN expression ~ '^([a-z_][a-z0-9_]*|"([^"]|"")*"|[(].*[)])$' THEN expression ELSE '(' || expression || ')' END;
END
$$;
COMMENT ON FUNCTION headcount.index_key(text) IS 'internal: an expression as a key of an index';

CREATE FUNCTION headcount.wanted_indexes(options headcount.source) RETURNS TABLE (relation regclass, definition text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    zone    constant text := options.time_zone;
    e_user  record := headcount.typed_expression('user_name', options.sessions, options.user_name, 'text', zone);
    e_same  record := headcount.typed_expression('user_identity', 'headcount.identity_input', options.user_identity, 'text', zone);
    e_start record := headcount.typed_expression('started_at', options.sessions, options.started_at, 'time', zone);
    e_end   record := headcount.typed_expression('ended_at', options.sessions, options.ended_at, 'time', zone);
    d_at    record;
    the_user text := e_user.raw;
    the_end text := e_end.raw;
BEGIN
    IF options.user_identity IS NOT NULL THEN
        the_user := headcount.replace_user_name(e_same.sql, e_user.sql);
    END IF;
    IF options.idle_limit IS NULL THEN
        the_end := format('(NULLIF(%s, %L::timestamptz))', e_end.sql, 'infinity');
    END IF;
    relation := options.sessions;
    definition := format('(%s) WHERE %s IS NULL', headcount.index_key(the_user), headcount.index_key(the_end));
    RETURN NEXT;
    definition := format('(%s)', headcount.index_key(the_end));
    RETURN NEXT;
    IF options.materialized THEN
        definition := format('(headcount_internal.duration_class(%1$s, %2$s), headcount_internal.class_start(%1$s))', e_start.sql, e_end.sql);
        RETURN NEXT;
    END IF;
    IF options.false_denial_before IS NOT NULL THEN
        definition := format('(%s, %s)', headcount.index_key(the_user), headcount.index_key(e_start.sql));
        RETURN NEXT;
    END IF;
    IF options.denials IS NOT NULL THEN
        d_at := headcount.typed_expression('denied_at', options.denials, options.denied_at, 'time', zone);
        relation := options.denials;
        definition := format('(%s)', headcount.index_key(d_at.sql));
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.wanted_indexes(headcount.source) IS
    'internal: the indexes that the views of a source profit from';

CREATE FUNCTION headcount.create_indexes(source text, dry_run boolean DEFAULT false) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    options headcount.source := headcount.find_source(source);
    wanted  record;
    has     boolean;
    had_duration_index constant boolean := headcount.has_duration_index(options.sessions);
    statement text;
BEGIN
    FOR wanted IN
        SELECT w.relation, w.definition, c.relkind
        FROM headcount.wanted_indexes(options) AS w JOIN pg_class AS c ON c.oid = w.relation
    LOOP
        IF wanted.relkind NOT IN ('r', 'p', 'm') THEN
            RAISE NOTICE '% cannot have indexes, skipping', wanted.relation;
            CONTINUE;
        END IF;
        has := headcount.has_index(wanted.relation, wanted.definition);
        statement := format('CREATE INDEX ON %s %s', headcount.relation_name(wanted.relation), wanted.definition);
        IF has IS NULL THEN
            RAISE NOTICE 'skipping an index whose expressions are not immutable: %', statement;
        ELSIF NOT has THEN
            IF NOT dry_run THEN
                EXECUTE statement;
            END IF;
            RETURN NEXT statement;
        END IF;
    END LOOP;
    IF options.materialized AND had_duration_index <> headcount.has_duration_index(options.sessions) THEN
        PERFORM headcount.execute_as_owner(options.sessions_view, format('SELECT headcount.rebuild_views(%L, s) FROM headcount.source AS s WHERE s.sessions_view = %s::oid',
                                                                         source, options.sessions_view::oid));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.create_indexes(text, boolean) IS
    'makes the few indexes that the views of a source profit from, where the tables do not have them yet, and tells the statements; with dry_run it only tells them, to be run with CONCURRENTLY where writers must not wait. Needs ownership of the tables';
