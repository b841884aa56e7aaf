-- The registry of sources: what each one was told, one row a source.
--
-- A source is known by its view "sessions", so it follows when its schema is renamed. Its owner is the owner of that
-- view. Expressions are stored as headcount_internal.resolve_expression() wrote them, every name qualified, so that the views can
-- be made anew without the search path of whoever created the source.
--
-- DROP SCHEMA ... CASCADE leaves a row behind that points to no view. Nobody sees such rows (find_source joins
-- pg_class), pg_dump skips them, and a view that comes to have the same OID takes the row over.

CREATE TABLE headcount.source (
    sessions_view       regclass PRIMARY KEY,
    sessions            regclass NOT NULL,
    user_name           text NOT NULL,
    host                text NOT NULL,
    started_at          text NOT NULL,
    ended_at            text NOT NULL,
    server              text,
    last_seen           text,
    idle_limit          interval,
    sessions_when       text,
    user_identity       text,
    realtime_servers    text[],
    denials             regclass,
    denied_user         text,
    denied_at           text,
    denied_host         text,
    denied_server       text,
    denied_when         text,
    false_denial_before interval,
    false_denial_after  interval,
    time_zone           text NOT NULL,
    licensing_model     text NOT NULL,
    window_days         integer NOT NULL,
    materialized        boolean NOT NULL,
    tracking            text NOT NULL,
    tracking_days       integer NOT NULL
);

COMMENT ON TABLE headcount.source IS
    'the sources and the options they were created with; change them with create_source, alter_source and drop_source';
COMMENT ON COLUMN headcount.source.sessions_view IS 'the view "sessions" of the source: its schema is the source''s name, its owner the source''s owner';
COMMENT ON COLUMN headcount.source.sessions IS 'the relation that the sessions are read from';
COMMENT ON COLUMN headcount.source.denials IS 'the relation that the denials are read from, NULL for none';
COMMENT ON COLUMN headcount.source.idle_limit IS 'in seconds, so that it means the same in every time zone';
COMMENT ON COLUMN headcount.source.false_denial_before IS 'both limits are NULL where false denials are not looked for';

-- Without the condition a row that points to no view would be dumped as a number, and point to something else after
-- the restore.
SELECT pg_catalog.pg_extension_config_dump('headcount.source',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) sessions_view)');

-- A trigger rather than row level security: under the latter a dump by anybody but a superuser would fail.
CREATE FUNCTION headcount.guard_source() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner oid;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        SELECT c.relowner INTO owner FROM pg_class AS c WHERE c.oid = OLD.sessions_view;
        IF FOUND AND NOT pg_has_role(owner, 'USAGE') THEN
            RAISE EXCEPTION 'must be owner of source %', OLD.sessions_view USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    -- An instance is of a source by its views: a restore may bring the instances before the rows of headcount.source.
    SELECT c.relowner INTO owner FROM pg_class AS c
    WHERE c.oid = NEW.sessions_view AND c.relkind = 'v' AND c.relname = 'sessions'
      AND (TG_TABLE_NAME <> 'instance'
           OR EXISTS (SELECT FROM pg_class AS v
                      WHERE v.relnamespace = c.relnamespace AND v.relname = 'online_users' AND v.relkind = 'v'));
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not the view "sessions" of a source', NEW.sessions_view USING ERRCODE = 'wrong_object_type';
    ELSIF NOT pg_has_role(owner, 'USAGE') THEN
        RAISE EXCEPTION 'must be owner of source %', NEW.sessions_view USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION headcount.guard_source() IS
    'lets only the owner of a source''s views write its row in headcount.source and those in headcount.instance';

CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON headcount.source
    FOR EACH ROW EXECUTE FUNCTION headcount.guard_source();
COMMENT ON TRIGGER guard ON headcount.source IS 'only the owner of a source''s views may write its row';

-- Nothing that would let anybody lock the whole table: UPDATE of columns, and DELETE through this function.
CREATE PROCEDURE headcount.grant_writing(registry regclass) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE (SELECT format('GRANT SELECT, INSERT, UPDATE (%s) ON %s TO PUBLIC', string_agg(quote_ident(a.attname), ', '), registry)
             FROM pg_attribute AS a WHERE a.attrelid = registry AND a.attnum > 0);
END
$$;
COMMENT ON PROCEDURE headcount.grant_writing(regclass) IS 'internal: lets the owners of sources write their rows in a table';
REVOKE ALL ON PROCEDURE headcount.grant_writing(regclass) FROM PUBLIC;
CALL headcount.grant_writing('headcount.source');

CREATE FUNCTION headcount.delete_registration(registry text, sessions_view regclass, smart_ag_id text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_delete_registration' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount.delete_registration(text, regclass, text) IS
    'internal: deletes the row of a source in source or rollup, or its instances, or one of them; for members of the role that owns the source, or for all where it is gone';

-- What user_identity is resolved against: one column user_name, no rows.
CREATE VIEW headcount.identity_input AS SELECT NULL::text AS user_name WHERE false;
COMMENT ON VIEW headcount.identity_input IS 'internal: the column that an expression user_identity is about';
COMMENT ON COLUMN headcount.identity_input.user_name IS 'the value of the expression user_name or denied_user of a source';
GRANT SELECT ON headcount.identity_input TO PUBLIC;

CREATE FUNCTION headcount.raise_error(state text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- RAISE takes no NULL, and prints an empty DETAIL or HINT
    IF detail <> '' AND hint <> '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail, HINT = hint;
    ELSIF detail <> '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail;
    ELSIF hint <> '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, HINT = hint;
    ELSE
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.raise_error(text, text, text, text) IS
    'internal: raises an error with the given SQLSTATE; an empty DETAIL or HINT is left out';

CREATE FUNCTION headcount.raise_argument_error(argument text, problem text, state text DEFAULT '22023',
                                               detail text DEFAULT NULL, hint text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount.raise_error(state, format('argument "%s": %s', argument, problem), detail, hint);
END
$$;
COMMENT ON FUNCTION headcount.raise_argument_error(text, text, text, text, text) IS
    'internal: raises an error that names the argument at fault';

CREATE FUNCTION headcount.check_day_order(from_day date, to_day date) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF from_day > to_day THEN
        RAISE EXCEPTION 'from_day (%) is after to_day (%)', from_day, to_day USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check_day_order(date, date) IS
    'internal: raises an error where the first of some days is after the last; NULL is no bound';

CREATE FUNCTION headcount.find_source(source text) RETURNS headcount.source
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source headcount.source;
BEGIN
    IF source IS NULL THEN
        PERFORM headcount.raise_argument_error('source', 'must not be null', '22004');
    END IF;
    SELECT s.* INTO found_source
    FROM pg_namespace AS n
         JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'sessions' AND c.relkind = 'v'
         JOIN headcount.source AS s ON s.sessions_view = c.oid
    WHERE n.nspname = find_source.source;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'source "%" does not exist', source USING ERRCODE = 'undefined_object';
    END IF;
    RETURN found_source;
END
$$;
COMMENT ON FUNCTION headcount.find_source(text) IS 'internal: the registry''s row of a source, or an error where there is none';

CREATE FUNCTION headcount.check_source_owner(source text, sessions_view regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = sessions_view) THEN
        RAISE EXCEPTION 'must be owner of source "%"', source USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
COMMENT ON FUNCTION headcount.check_source_owner(text, regclass) IS
    'internal: raises an error unless the current role owns the source with this view';

-- Locked, so that two changes of one source come one after the other, the second to what the first has left.
CREATE FUNCTION headcount.find_own_source(source text) RETURNS headcount.source
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source headcount.source := headcount.find_source(source);
BEGIN
    PERFORM headcount.check_source_owner(source, found_source.sessions_view);
    SELECT s.* INTO found_source FROM headcount.source AS s WHERE s.sessions_view = found_source.sessions_view FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'source "%" does not exist', source USING ERRCODE = 'undefined_object';
    END IF;
    RETURN found_source;
END
$$;
COMMENT ON FUNCTION headcount.find_own_source(text) IS
    'internal: the registry''s row of a source that the current role owns, locked, or an error';
