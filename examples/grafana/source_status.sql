-- headcount.source_status shows how far a source is stored to members of the role that owns it. Here the owner, or a superuser, lets
-- one more role see that: a function that runs as whoever makes it, and reads nothing but this view.
--   psql -d DATABASE -v reader=ROLE -f source_status.sql
CREATE SCHEMA IF NOT EXISTS monitoring;
CREATE OR REPLACE FUNCTION monitoring.source_status()
RETURNS TABLE (source text, materialized boolean, exact boolean, stored_until timestamptz, dirty_days integer, log_rows bigint,
               last_refresh timestamptz, last_duration interval, last_error text, rollup_bytes bigint, schedule text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.source, s.materialized, s.exact, s.stored_until, s.dirty_days, s.log_rows,
           s.last_refresh, s.last_duration, s.last_error, s.rollup_bytes, s.schedule
    FROM headcount.source_status AS s
$$;
REVOKE ALL ON FUNCTION monitoring.source_status() FROM PUBLIC;
GRANT USAGE ON SCHEMA monitoring TO :"reader";
GRANT EXECUTE ON FUNCTION monitoring.source_status() TO :"reader";
