-- The role that the HTTP example connects as. It reads the views of the APIs, and nothing else.
--
--   psql -d DATABASE -v source=vpn -f setup.sql
--
-- As a superuser, or as the owner of the source with CREATEROLE. Can be run again, also for a further source. How the
-- role logs in is for pg_hba.conf to say, or for \password headcount_http.

\set ON_ERROR_STOP on
\if :{?source}
\else
  \set source vpn
\endif
\if :{?role}
\else
  \set role headcount_http
\endif

BEGIN;

SELECT format('CREATE ROLE %I', :'role')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN CONNECTION LIMIT 16;
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '20s';
ALTER ROLE :"role" SET lock_timeout = '5s';
ALTER ROLE :"role" SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE :"role" SET search_path = pg_catalog;

GRANT SELECT ON :"source".online_users, :"source".realtime_users_count TO :"role";
-- Where an instance is one server of the source:
GRANT SELECT ON :"source".online_sessions TO :"role";

COMMIT;
