-- What the role needs that Grafana connects as: SELECT on views of a source, and how far it is stored. Run it as the owner of the
-- source, or as a superuser, once for each source:
--   psql -d DATABASE -v source=wifi -v reader=grafana -f setup.sql
-- The functions of the dashboard (source_activity, concurrency_…) ask for SELECT on sessions and denials, whose rows have names.
\set ON_ERROR_STOP on
GRANT SELECT ON :"source".online_users, :"source".online_sessions, :"source".sessions, :"source".denials, :"source".daily_user_counts,
    :"source".daily_user_counts_by_server, :"source".data_quality TO :"reader";
-- these two are there if the source has the options alerts and user_limit
SELECT format('GRANT SELECT ON %s TO %I', view, :'reader')
FROM unnest(ARRAY['alerts', 'user_limit_breaches']) AS name, to_regclass(format('%I.%I', :'source', name)) AS view WHERE view IS NOT NULL \gexec
\ir source_status.sql
