-- check: each thing that can be missing is found, and its statement mends it.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
SET jit = off;
-- By an owner who is no superuser: whoever has a source asks.
CREATE ROLE regress_headcount_checker;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_headcount_checker', current_database()) \gexec
GRANT CREATE ON SCHEMA public TO regress_headcount_checker;
SET ROLE regress_headcount_checker;
CREATE TABLE logins (who text, mac text, came timestamptz, went timestamptz) WITH (autovacuum_enabled = off);
CREATE TABLE refusals (who text, at timestamptz) WITH (autovacuum_enabled = off);
INSERT INTO logins SELECT 'u' || n % 20, 'h', now() - interval '1 hour' * n, now() - interval '1 hour' * (n - 1) FROM generate_series(1, 200) AS n;
INSERT INTO refusals SELECT 'u1', now() - interval '1 day';
SELECT headcount.create_source('looked_at', 'logins', 'who', 'mac', 'came', 'went', denials => 'refusals', denied_user => 'who', denied_at => 'at') <> '' AS made;
SELECT subject, finding, statement FROM headcount.check('looked_at');
-- Its statements, but for the schedule, which needs pg_cron, leave nothing to do.
SELECT c.statement FROM headcount.check('looked_at') AS c WHERE c.subject IN ('index', 'statistics', 'refresh') \gexec
SELECT subject FROM headcount.check('looked_at');
ANALYZE logins;
SELECT subject FROM headcount.check('looked_at');
-- Trackers that are switched off; a definition that nobody can follow; a log that grows; an error.
ALTER TABLE logins DISABLE TRIGGER USER;
SELECT subject, regexp_replace(finding, 'trigger "[^"]*"', 'trigger') AS finding, statement FROM headcount.check('looked_at') WHERE subject = 'tracking';
CALL headcount.rebuild('looked_at');
SELECT subject FROM headcount.check('looked_at') WHERE subject <> 'schedule';
INSERT INTO looked_at.invalidation_log (from_day, to_day) SELECT current_date - 3, current_date - 3 FROM generate_series(1, 100001);
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'refresh';
DELETE FROM looked_at.invalidation_log;
UPDATE looked_at.rollup_state SET last_error = 'out of luck';
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'refresh';
UPDATE looked_at.rollup_state SET last_error = NULL, watermark = watermark - 3, bounds_mark = headcount_internal.bounds_mark(time_zone, first_day, watermark - 3), today_ends = NULL, last_refresh = '2024-03-01 12:00';
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'refresh';
-- a rebuild that was interrupted before it stored anything
BEGIN;
UPDATE looked_at.rollup_state SET watermark = '-infinity', first_day = NULL, bounds_mark = 0;
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'refresh';
ROLLBACK;
SELECT headcount.alter_source('looked_at', tracking => 'window');
CALL headcount.refresh('looked_at');
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'tracking';
SELECT headcount.alter_source('looked_at', started_at => 'to_timestamp(extract(epoch from came))', tracking => 'auto');
SELECT headcount.alter_source('looked_at', started_at => 'came + (went - came) * 0', sessions_when => 'current_user <> ''x''');
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'tracking';
-- Without stored days; other settings.
SELECT headcount.alter_source('looked_at', started_at => 'came', reset => '{sessions_when}', materialized => false);
SELECT subject, finding, statement FROM headcount.check('looked_at');
RESET ROLE;
UPDATE pg_class SET reltuples = 2e6 WHERE oid = 'logins'::regclass;
SET ROLE regress_headcount_checker;
SELECT subject, finding, statement FROM headcount.check('looked_at') WHERE subject = 'stored days';
SET jit = on;
SELECT count(*) = CASE WHEN pg_jit_available() THEN 1 ELSE 0 END AS told FROM headcount.check('looked_at') WHERE subject = 'jit';
RESET jit;
-- An update that is due.
SELECT headcount.version() = e.extversion AS is_one_version FROM pg_extension AS e WHERE e.extname = 'headcount';
RESET ROLE;
BEGIN;
UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'headcount';
SELECT subject, replace(finding, headcount.version(), 'NOW') AS finding, statement FROM headcount.check('looked_at') WHERE subject = 'version';
ROLLBACK;
SET ROLE regress_headcount_checker;
-- Partitions; for the owner alone.
CREATE TABLE parts (who text, came timestamptz NOT NULL, went timestamptz) PARTITION BY RANGE (came);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') WITH (autovacuum_enabled = off);
INSERT INTO parts VALUES ('a', '2024-03-01', '2024-03-02');
SELECT headcount.create_source('parted', 'parts', 'who', NULL, 'came', 'went', materialized => false) <> '' AS made;
SELECT subject, finding, statement FROM headcount.check('parted') WHERE subject = 'statistics';
GRANT SELECT ON looked_at.sessions TO PUBLIC;
RESET ROLE;
CREATE ROLE regress_headcount_reader;
SET ROLE regress_headcount_reader;
SELECT * FROM headcount.check('looked_at');
SELECT * FROM headcount.check('nothing');
-- A job of a role that owns nothing says so.
SET client_min_messages = notice;
CALL headcount.refresh();
RESET client_min_messages;
RESET ROLE;
SELECT headcount.drop_source(s) FROM unnest(ARRAY['looked_at', 'parted']) AS s;
DROP TABLE logins, refusals, parts;
DROP OWNED BY regress_headcount_checker;
DROP ROLE regress_headcount_checker, regress_headcount_reader;
