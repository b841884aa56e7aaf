-- What the role needs that the exporter connects as, and no more: no view that it reads has a name of a user but for the examples of
-- data_quality, which it does not ask for. Run it as the owner of the source, or as a superuser, once for each source:
--   psql -d DATABASE -v source=wifi -v reader=prometheus -f setup.sql
\set ON_ERROR_STOP on
GRANT SELECT ON :"source".online_users, :"source".online_sessions, :"source".daily_user_counts TO :"reader";
GRANT SELECT (rule, session_rows, denial_rows) ON :"source".data_quality TO :"reader";
-- this one is there if the source has the option alerts
SELECT format('GRANT SELECT ON %s TO %I', view, :'reader') FROM to_regclass(format('%I.alerts', :'source')) AS view WHERE view IS NOT NULL \gexec
\ir ../grafana/source_status.sql
