\echo Use "CREATE EXTENSION headcount CASCADE" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

-- Fails where the name is taken: a schema that somebody prepared in advance must not become ours.
CREATE SCHEMA headcount;
COMMENT ON SCHEMA headcount IS 'who is online now, and how many users and hosts were there each day';
GRANT USAGE ON SCHEMA headcount TO PUBLIC;
