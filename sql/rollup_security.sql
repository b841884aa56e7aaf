-- What roles that own nothing of a source, or its owner, could try with what is stored of it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE ROLE regress_headcount_owner;
CREATE ROLE regress_headcount_stranger;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_headcount_owner, regress_headcount_stranger', current_database()); END $$;
GRANT USAGE ON SCHEMA judge TO PUBLIC;

SET ROLE regress_headcount_owner;
CREATE SCHEMA his;
CREATE TABLE his.login (who text, mac text, came timestamptz, went timestamptz);
INSERT INTO his.login SELECT 'user ' || i, 'host ' || i, '2024-03-01 10:00', '2024-03-02 10:00' FROM generate_series(1, 5) AS i;
SELECT headcount.create_source('sound', 'his.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
SELECT headcount.create_source('plain', 'his.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC', materialized => false);
CALL headcount.refresh('sound');
RESET ROLE;
CREATE VIEW judge.state AS
    SELECT (SELECT count(*) FROM sound.invalidation_log) AS logged, (SELECT exact FROM headcount.source_status WHERE source = 'sound') AS exact,
           split_part(judge.compare('TABLE sound.daily_user_counts', 'TABLE plain.daily_user_counts'), ',', 1) AS verdict;
TABLE judge.state;

-- A trigger of a stranger, made by hand like one of ours, belongs to no source, whatever it is told and on whatever table:
-- nothing is logged, nothing runs, and no shape of it does any harm.
SET ROLE regress_headcount_stranger;
CREATE SCHEMA strange;
CREATE TABLE strange.login (who text, mac text, came timestamptz, went timestamptz);
CREATE TABLE strange.seen (by name);
CREATE FUNCTION strange.look(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO strange.seen VALUES (current_user); RETURN $1; END $$;
CREATE FUNCTION strange.make_triggers() RETURNS SETOF text LANGUAGE sql AS $make$
SELECT judge.sqlstate(format('CREATE TRIGGER t%s %s EXECUTE FUNCTION headcount_internal.log_changes(%s)', n, shape, arguments))
FROM unnest(ARRAY['AFTER INSERT ON strange.login REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'AFTER DELETE ON strange.login REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT',
                  'BEFORE INSERT ON strange.login FOR EACH STATEMENT', 'AFTER INSERT OR UPDATE OR DELETE ON strange.login FOR EACH STATEMENT',
                  'AFTER UPDATE ON strange.login REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'AFTER INSERT ON strange.login FOR EACH ROW']) WITH ORDINALITY AS s (shape, n),
     unnest(ARRAY[$$'UTC', '-1', '-1', '-1'$$]) AS arguments
UNION ALL SELECT judge.sqlstate($$CREATE TRIGGER empty AFTER INSERT ON strange.login FOR EACH STATEMENT EXECUTE FUNCTION headcount_internal.log_changes()$$)
$make$;
SELECT strange.make_triggers();
INSERT INTO strange.login VALUES ('x', 'y', '2024-03-01', '2024-03-02');
UPDATE strange.login SET who = 'z';
DELETE FROM strange.login;
TABLE strange.seen;
-- To tie it to a source takes the rights of the owner of the table, of the definition and of the log.
SELECT oid AS trigger FROM pg_trigger WHERE tgrelid = 'strange.login'::regclass AND tgname = 't1' \gset
SELECT judge.sqlstate(format('SELECT headcount_internal.link_trigger(%s, ''sound.session_rows'', ''sound.invalidation_log'', ''sound.rollup_state'')', :trigger)) AS others,
       judge.sqlstate('SELECT headcount_internal.link_trigger(0, ''sound.session_rows'', ''sound.invalidation_log'', ''sound.rollup_state'')') AS none,
       judge.sqlstate(format('SELECT headcount_internal.log_table(%s)', :trigger)) AS unlinked,
       judge.sqlstate('SELECT headcount_internal.forget_unlogged_changes(''sound.session_rows'')') AS forget,
       judge.sqlstate('SELECT headcount_internal.wait_for_writers(ARRAY[''pg_class''::regclass])') AS wait;
RESET ROLE;
TABLE judge.state;

-- In a source of his own he can write what he likes: shapes of triggers that are not ours log everything, and so does a
-- definition that means nothing any more; his expressions run as himself, whoever writes, planning too.
SET ROLE regress_headcount_stranger;
SELECT headcount.create_source('odd', 'strange.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'strange.login'::regclass AND tgname !~ '^headcount_' ORDER BY 1;
SELECT strange.make_triggers();
SELECT judge.sqlstate(format('SELECT headcount_internal.link_trigger(%s, ''odd.session_rows'', ''odd.invalidation_log'', ''odd.rollup_state'')', oid)) FROM pg_trigger WHERE tgrelid = 'strange.login'::regclass AND tgname ~ '^(t[3-6]|empty)$';
SET datestyle = ISO;
UPDATE odd.rollup_state SET logged_before = 'infinity';      -- as if all days were stored
DELETE FROM odd.invalidation_log;
INSERT INTO strange.login VALUES ('x', 'y', '2024-03-01', '2024-03-02');
UPDATE strange.login SET mac = 'z';
SELECT DISTINCT from_day, to_day FROM odd.invalidation_log ORDER BY 1, 2;
CREATE FUNCTION strange.fold(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN strange.look($1); END $$;
CREATE OR REPLACE VIEW odd.session_rows AS SELECT strange.fold(who) AS user_name, strange.fold('x') AS host, NULL::text AS server, came AS started_at, went AS ended_at, NULL::timestamptz AS last_seen, NULL::bigint AS weight, went AS end_key FROM strange.login;
RESET ROLE;
DELETE FROM odd.invalidation_log;
UPDATE strange.login SET mac = 'own';
SELECT DISTINCT by FROM strange.seen;
TRUNCATE strange.seen;
SET ROLE regress_headcount_stranger;
CREATE OR REPLACE VIEW odd.session_rows AS SELECT max(who) AS user_name, mac AS host, NULL::text AS server, came AS started_at, went AS ended_at, NULL::timestamptz AS last_seen, NULL::bigint AS weight, went AS end_key FROM strange.login GROUP BY mac, came, went;
DELETE FROM odd.invalidation_log;
INSERT INTO strange.login VALUES ('x', 'y', '2024-03-01', '2024-03-02');
SELECT DISTINCT from_day, to_day FROM odd.invalidation_log ORDER BY 1, 2;
SELECT exact FROM headcount.source_status WHERE source = 'odd';
RESET datestyle;
DROP SCHEMA odd CASCADE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'strange.login'::regclass ORDER BY 1;
RESET ROLE;
TABLE judge.state;
GRANT USAGE ON SCHEMA his, strange TO PUBLIC;

-- A writer's search path reaches into no function of the owner.
SET ROLE regress_headcount_owner;
CREATE FUNCTION his.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lower($1); END $$;
SELECT headcount.alter_source('sound', user_name => 'his.norm(who)');
CALL headcount.refresh('sound');
GRANT SELECT, UPDATE ON his.login TO regress_headcount_stranger;
SET ROLE regress_headcount_stranger;
CREATE FUNCTION strange.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN strange.look($1); END $$;
SET search_path = strange, pg_catalog;
UPDATE his.login SET who = who;
RESET search_path;
TABLE strange.seen;
SET ROLE regress_headcount_owner;
SELECT headcount.alter_source('sound', user_name => 'who');
CALL headcount.refresh('sound');
RESET ROLE;
TABLE judge.state;

-- Nobody can lock, or write, what is not his: neither what is of a source nor what all have in common.
SET ROLE regress_headcount_stranger;
SELECT t AS table, judge.sqlstate(format('LOCK TABLE %s IN SHARE MODE', t)) AS lock, judge.sqlstate(format('SELECT 1 FROM %s FOR UPDATE', t)) AS for_update,
       judge.sqlstate(format('DELETE FROM %s', t)) AS delete, judge.sqlstate(format('TRUNCATE %s', t)) AS truncate, judge.sqlstate(format('INSERT INTO %1$s SELECT * FROM %1$s', t)) AS insert
FROM unnest(ARRAY['sound.settings', 'sound.rollup_state', 'sound.rollup_days', 'sound.invalidation_log', 'headcount_internal.unlogged_change', 'headcount_internal.instance']) AS t;
SELECT judge.sqlstate($$SELECT headcount_internal.execute_as_owner('sound.sessions', 'SELECT 1')$$);
RESET ROLE;
TABLE judge.state;

-- Row level security that comes later applies to the stored days too: they are not used any more.
SET ROLE regress_headcount_owner;
ALTER TABLE his.login ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON his.login USING (who = 'user 1');
SELECT daily_users FROM sound.daily_user_counts WHERE day = '2024-03-01';
ALTER TABLE his.login FORCE ROW LEVEL SECURITY;
SELECT daily_users FROM sound.daily_user_counts WHERE day = '2024-03-01';
SELECT headcount.users_on('sound', '2024-03-01');
SELECT judge.sqlstate($$SELECT headcount.alter_source('sound', tracking => 'trigger')$$);
ALTER TABLE his.login NO FORCE ROW LEVEL SECURITY;
CALL headcount.refresh('sound');
RESET ROLE;
TABLE judge.state;

-- A function that an expression calls gets another body: every session that writes knows it.
SET ROLE regress_headcount_owner;
CREATE FUNCTION his.fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
SELECT headcount.alter_source('sound', user_name => 'his.fold(who)');
SELECT headcount.alter_source('plain', user_name => 'his.fold(who)');
CALL headcount.refresh('sound');
UPDATE his.login SET who = upper(who);
CREATE OR REPLACE FUNCTION his.fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CALL headcount.rebuild('sound');
UPDATE his.login SET who = lower(who) WHERE mac = 'host 1';
RESET ROLE;
TABLE judge.state;

-- Frozen days are not computed, whatever the instant.
SET ROLE regress_headcount_owner;
CALL headcount.refresh('sound');
SELECT headcount.freeze('sound', '2024-03-03');
DELETE FROM his.login;
SELECT day, daily_users, concurrent_hosts FROM sound.daily_user_counts WHERE day < '2024-03-04' ORDER BY day;
SELECT judge.error($$SELECT headcount.hosts_at_peak('sound', '2024-03-01')$$);
-- Fewer days are not frozen by mistake: their rows are gone.
SELECT judge.error($$SELECT headcount.freeze('sound', '2024-03-02')$$);
SELECT judge.error($$SELECT headcount.freeze('sound', '-infinity')$$);
SELECT headcount.freeze('sound', '2024-03-03');
SELECT day, daily_users, concurrent_hosts FROM sound.daily_user_counts WHERE day < '2024-03-04' ORDER BY day;
SELECT count(*) FROM headcount.hosts_at_peak('sound', '2024-03-03');
SET headcount.as_of = '2024-03-01 12:00+00';
SELECT judge.error('SELECT * FROM sound.daily_user_counts');
SELECT judge.error($$SELECT * FROM headcount.users_on('sound', '2024-03-01')$$);
SET headcount.as_of = '2024-03-03 00:00+00';
SELECT day, daily_users, concurrent_hosts FROM sound.daily_user_counts ORDER BY day;
RESET headcount.as_of;
SELECT judge.error($$SELECT headcount.freeze('sound', current_date + 2)$$) ~ '^22023.*are not all over';
SELECT judge.error($$SELECT headcount.freeze('sound', 'infinity')$$);
SELECT headcount.freeze('sound', NULL);
RESET ROLE;

-- What is left of a source goes with its views.
SET ROLE regress_headcount_owner;
SELECT headcount.create_instance('regress-security', 'nowhere', 'sound');
DROP SCHEMA sound, plain CASCADE;
SELECT (SELECT count(*) FROM headcount_internal.all_sources()) AS sources,
       (SELECT count(*) FROM headcount_internal.present_instance WHERE smart_ag_id = 'regress-security') AS instances,
       (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'his.login'::regclass) AS triggers;
RESET ROLE;
DROP SCHEMA his, strange CASCADE;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_headcount_owner, regress_headcount_stranger', current_database()); END $$;
DROP ROLE regress_headcount_owner, regress_headcount_stranger;
