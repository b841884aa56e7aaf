\echo Use "CREATE EXTENSION headcount CASCADE" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

-- CREATE EXTENSION makes the schema headcount where there is none, and takes one that is there (a restored dump has made it).
-- One that somebody else prepared in advance must not become ours.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = 'headcount' AND NOT (
            (n.nspowner = current_user::regrole OR (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = n.nspowner))
            AND NOT EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner)
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid <> 'pg_extension'::regclass))) THEN
        RAISE duplicate_schema USING MESSAGE = 'schema "headcount" is another''s, or not empty',
            HINT = 'Drop it, or give it another name.';
    END IF;
END
$$;
COMMENT ON SCHEMA headcount IS 'who is online now, and how many users and hosts were there each day: what people call';
GRANT USAGE ON SCHEMA headcount TO PUBLIC;

CREATE FUNCTION headcount.version() RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_version' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount.version() IS 'the version of the library that the server has loaded; that of the SQL objects is in pg_extension';

-- Everybody's views call functions in it.
CREATE SCHEMA headcount_internal;
COMMENT ON SCHEMA headcount_internal IS 'what the views, types and aggregates of headcount are made of: nothing that people call';
GRANT USAGE ON SCHEMA headcount_internal TO PUBLIC;
