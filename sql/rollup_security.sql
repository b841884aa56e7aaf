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
    SELECT (SELECT count(*) FROM sound.rollup_changes) AS logged, (SELECT exact FROM headcount.source_status WHERE source = 'sound') AS exact,
           split_part(judge.compare('TABLE sound.daily_user_counts', 'TABLE plain.daily_user_counts'), ',', 1) AS verdict;
TABLE judge.state;

-- A trigger of a stranger, with the tag of the source, on a table that is none of it: nothing is logged, nothing runs.
SELECT trigger_tag AS tag FROM headcount.rollup WHERE sessions_view = 'sound.sessions'::regclass \gset
SET ROLE regress_headcount_stranger;
CREATE SCHEMA strange;
CREATE TABLE strange.login (who text, mac text, came timestamptz, went timestamptz);
CREATE TABLE strange.seen (by name);
CREATE FUNCTION strange.look(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO strange.seen VALUES (current_user); RETURN $1; END $$;
CREATE TRIGGER insertion AFTER INSERT ON strange.login REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION headcount.log_changes(:'tag', 'sessions');
CREATE TRIGGER removal AFTER DELETE ON strange.login REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT
    EXECUTE FUNCTION headcount.log_changes(:'tag', 'login', 'UTC', 'strange.look(who)', 'mac', 'NULL::text', 'came', 'went', 'true', '-1', '-1');
INSERT INTO strange.login VALUES ('x', 'y', '2024-03-01', '2024-03-02');
DELETE FROM strange.login;
TABLE strange.seen;
RESET ROLE;
TABLE judge.state;
DROP TRIGGER insertion ON strange.login;
DROP TRIGGER removal ON strange.login;

-- In a row of his own he can write what he likes: the expressions run as himself, wrong ones are not used, and the tag of
-- another source is taken.
SET ROLE regress_headcount_stranger;
SELECT headcount.create_source('odd', 'strange.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
SELECT judge.sqlstate(format('UPDATE headcount.rollup SET trigger_tag = %L WHERE sessions_view = ''odd.sessions''::regclass', :'tag'));
SELECT judge.sqlstate('UPDATE headcount.rollup SET frontier_day = ''infinity'' WHERE sessions_view = ''sound.sessions''::regclass');
CREATE PROCEDURE strange.log_as(text[], OUT days text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM odd.rollup_changes;
    -- a trigger by another name, as what is known of a trigger is remembered
    UPDATE headcount.rollup SET logged_sessions = $1 WHERE sessions_view = 'odd.sessions'::regclass;
    EXECUTE 'DROP TRIGGER IF EXISTS again ON strange.login';
    EXECUTE format('CREATE TRIGGER again AFTER INSERT ON strange.login REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION headcount.log_changes(%L, ''sessions'')',
                   (SELECT trigger_tag FROM headcount.rollup WHERE sessions_view = 'odd.sessions'::regclass));
    EXECUTE 'ALTER TABLE strange.login DISABLE TRIGGER USER, ENABLE TRIGGER again';
    DELETE FROM odd.rollup_changes;
    INSERT INTO strange.login VALUES ('x', 'y', '2024-03-01', '2024-03-02');
    days := (SELECT string_agg(from_day || ' to ' || to_day, ', ') FROM odd.rollup_changes);
END
$$;
SET datestyle = ISO;
CALL strange.log_as(ARRAY['login', 'UTC', 'who', 'mac', 'NULL::text', 'came', 'went', 'true', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login', 'UTC', '5', '6', 'true', 'came', 'went', 'true', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login', 'UTC', 'who', 'mac', 'NULL::text', '7', 'went', 'true', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login', 'UTC', 'who', 'mac', 'NULL::text', 'came', 'went', 'who', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login', 'Nowhere', 'who', 'mac', 'NULL::text', 'came', 'went', 'true', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login', 'UTC', 'who', 'mac', 'NULL::text', 'came', 'went', '(SELECT true)', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login', 'UTC', NULL, 'mac', 'NULL::text', 'came', 'went', 'true', '-1', '-1'], NULL);
CALL strange.log_as(ARRAY['login'], NULL);
CALL strange.log_as('{}', NULL);
CALL strange.log_as(NULL, NULL);
RESET datestyle;
DROP SCHEMA odd CASCADE;
RESET ROLE;
TABLE judge.state;

-- A trigger that belongs to no source any more (a dump of the schema alone) is not his to take over, on a table of others;
-- and on one of his own everything that he wrote runs as himself, planning too.
SET ROLE regress_headcount_owner;
CREATE TABLE his.orphan (who text, mac text, came timestamptz, went timestamptz);
CREATE TRIGGER left_over AFTER INSERT ON his.orphan REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION headcount.log_changes('0123456789ab', 'sessions');
RESET ROLE;
GRANT USAGE ON SCHEMA his, strange TO PUBLIC;
SET ROLE regress_headcount_stranger;
CREATE FUNCTION strange.fold(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN strange.look($1); END $$;
SELECT headcount.create_source('odd', 'strange.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
UPDATE headcount.rollup SET trigger_tag = '0123456789ab', relations = relations || 'his.orphan'::regclass,
    logged_sessions = ARRAY['orphan', 'UTC', $$strange.fold('x')$$, 'mac', 'NULL::text', 'came', 'went', $$strange.fold(who) IS NOT NULL$$, '-1', '-1']
WHERE sessions_view = 'odd.sessions'::regclass;
CREATE TRIGGER mine AFTER INSERT ON strange.login REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION headcount.log_changes('0123456789ab', 'sessions');
RESET ROLE;
INSERT INTO his.orphan VALUES ('secret', 'h', '2024-03-01', '2024-03-02');
TABLE strange.seen;
UPDATE headcount.rollup SET logged_sessions[1] = 'login' WHERE sessions_view = 'odd.sessions'::regclass;
INSERT INTO strange.login VALUES ('own', 'h', '2024-03-01', '2024-03-02');
SELECT DISTINCT by FROM strange.seen;
TRUNCATE strange.seen;
DROP SCHEMA odd CASCADE;
DROP TABLE his.orphan;

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

-- Nobody can lock what everybody reads.
SET ROLE regress_headcount_stranger;
SELECT t AS table, judge.sqlstate(format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', t)) AS lock, judge.sqlstate(format('DELETE FROM %s', t)) AS delete, judge.sqlstate(format('TRUNCATE %s', t)) AS truncate
FROM unnest(ARRAY['headcount.source', 'headcount.rollup', 'headcount.instance']) AS t;
SELECT judge.error($$SELECT headcount.delete_registration('rollup', 'sound.sessions')$$);
SELECT judge.error($$SELECT headcount.delete_registration('pg_class', 'sound.sessions')$$);
SELECT judge.sqlstate($$SELECT headcount.execute_as_owner('sound.sessions', 'SELECT 1')$$);
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
SELECT (SELECT count(*) FROM headcount.source AS s WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.sessions_view)) AS sources,
       (SELECT count(*) FROM headcount.rollup AS r WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = r.sessions_view)) AS rollups,
       (SELECT count(*) FROM headcount.instance WHERE smart_ag_id = 'regress-security') AS instances,
       (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'his.login'::regclass) AS triggers;
RESET ROLE;
DROP SCHEMA his, strange CASCADE;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_headcount_owner, regress_headcount_stranger', current_database()); END $$;
DROP ROLE regress_headcount_owner, regress_headcount_stranger;
