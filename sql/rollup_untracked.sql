-- Changes that no trigger sees, and triggers that go: verify names what is wrong, invalidate mends days, source_status
-- says what is no longer promised, and the user's own commands never fail because of us.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
SET headcount.as_of = '2024-04-15 12:00+00';
CREATE ROLE regress_headcount_keeper;
CREATE ROLE regress_headcount_other;
CREATE SCHEMA app AUTHORIZATION regress_headcount_keeper;
CREATE FUNCTION judge.run_as(role name, statement text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE statement;
    RESET ROLE;
END
$$;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_headcount_keeper', current_database()); END $$;
GRANT USAGE, CREATE ON SCHEMA app TO regress_headcount_other;
SET ROLE regress_headcount_keeper;
CREATE TABLE app.login (id integer PRIMARY KEY, who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE app.refused (id integer, who text, at timestamptz);
INSERT INTO app.login SELECT i, 'user ' || i % 7, 'host ' || i % 5, 'nas ' || i % 2, timestamptz '2024-04-01 20:00+00' + i * interval '7 hours', timestamptz '2024-04-02 01:00+00' + i * interval '7 hours' FROM generate_series(1, 30) AS i;
INSERT INTO app.refused SELECT i, 'user ' || i % 9, timestamptz '2024-04-02 00:00+00' + i * interval '5 hours' FROM generate_series(1, 30) AS i;
SELECT headcount.create_source('stored', 'app.login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'app.refused', denied_user => 'who', denied_at => 'at', time_zone => 'UTC');
SELECT headcount.create_source('live', 'app.login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'app.refused', denied_user => 'who', denied_at => 'at', time_zone => 'UTC', materialized => false);
RESET ROLE;
CREATE VIEW judge.status AS
SELECT s.exact, CASE WHEN s.dirty_days > 300 THEN 'all' ELSE s.dirty_days::text END AS dirty_days, headcount_internal.live_day('stored.rollup_state') > '-infinity' AS stored,
       judge.compare('TABLE stored.daily_user_counts_by_server', 'TABLE live.daily_user_counts_by_server') NOT LIKE 'equal, %' AS wrong
FROM headcount.source_status AS s WHERE s.source = 'stored';

-- Nothing stored yet: nothing that could be wrong.
SELECT count(*) FROM headcount.verify('stored');
CALL headcount.refresh('stored');
TABLE judge.status;

-- Loads with triggers switched off: everything is computed, and nothing stored, until they are back.
ALTER TABLE app.login DISABLE TRIGGER USER;
TABLE judge.status;
SELECT * FROM headcount.verify('stored');
\set SHOW_CONTEXT never
CALL headcount.refresh('stored');
DELETE FROM app.login WHERE id = 10;
ALTER TABLE app.login ENABLE TRIGGER USER;
SELECT tgname ~ '_row$' AS for_rows, tgenabled, count(*) FROM pg_trigger WHERE tgrelid = 'app.login'::regclass AND NOT tgisinternal GROUP BY 1, 2 ORDER BY 1;
TABLE judge.status;
-- Enabled like any others, they would miss what a subscription applies: the next refresh makes them anew.
CALL headcount.refresh('stored');
SELECT tgname ~ '_row$' AS for_rows, tgenabled, count(*) FROM pg_trigger WHERE tgrelid = 'app.login'::regclass AND NOT tgisinternal GROUP BY 1, 2 ORDER BY 1;
TABLE judge.status;

-- A log whose rows were lost.
DELETE FROM app.login WHERE id = 4;
UPDATE app.login SET who = 'user 100' WHERE id = 9;
INSERT INTO app.login VALUES (100, 'user 1', 'host 99', 'nas 3', '2024-03-30 10:00+00', '2024-03-30 11:00+00');
TABLE judge.status;
DELETE FROM stored.invalidation_log;
TABLE judge.status;
SELECT * FROM headcount.verify('stored') WHERE column_name NOT LIKE '%sketch';
SELECT day, column_name FROM headcount.verify('stored', '2024-04-04', '2024-04-30');
SELECT headcount.invalidate('stored', '2024-03-30', '2024-03-30');
SELECT headcount.invalidate('stored', '2024-04-02', '2024-04-04');
TABLE judge.status;
SELECT count(*) FROM headcount.verify('stored');
CALL headcount.refresh('stored');
TABLE judge.status;
SELECT count(*) FROM headcount.verify('stored');
UPDATE app.login SET who = 'seen' WHERE id = 5;
TABLE judge.status;
CALL headcount.refresh('stored');

ALTER TABLE app.refused DISABLE TRIGGER ALL;
DELETE FROM stored.invalidation_log;
UPDATE app.refused SET at = at + interval '1 day' WHERE id = 3;
SELECT column_name, stored, recomputed ~ '^trigger for [a-z]+ on app.refused$' AS expected FROM headcount.verify('stored') WHERE day IS NULL;
SELECT day, column_name, stored, recomputed FROM headcount.verify('stored') WHERE column_name = 'denials' ORDER BY 1;
ALTER TABLE app.refused ENABLE TRIGGER ALL;
SELECT headcount.invalidate('stored', NULL, NULL);
TABLE judge.status;
CALL headcount.refresh('stored');
TABLE judge.status;

-- One trigger dropped, one enabled for half of what it is for.
SELECT judge.run_as('regress_headcount_keeper', format('DROP TRIGGER %I ON app.login', t.tgname)) FROM pg_trigger AS t WHERE t.tgrelid = 'app.login'::regclass AND t.tgname ~ '_delete$';
SELECT judge.run_as('regress_headcount_keeper', format('ALTER TABLE app.login ENABLE REPLICA TRIGGER %I', t.tgname)) FROM pg_trigger AS t WHERE t.tgrelid = 'app.login'::regclass AND t.tgname ~ '_insert$';
TABLE judge.status;
SELECT * FROM headcount.verify('stored');
DELETE FROM app.login WHERE id = 6;
CALL headcount.refresh('stored');
TABLE judge.status;
CALL headcount.rebuild('stored');
TABLE judge.status;
DELETE FROM app.login WHERE id = 7;
TABLE judge.status;
SELECT headcount.alter_source('stored', tracking => 'trigger');
SELECT count(*) FROM headcount.verify('stored');
CALL headcount.refresh('stored');
TABLE judge.status;

-- However a trigger is kept from being fired, what happens meanwhile is not lost.
SELECT tgname AS insertion FROM pg_trigger WHERE tgrelid = 'app.login'::regclass AND tgname ~ '_insert$' \gset
ALTER TABLE app.login ENABLE REPLICA TRIGGER :"insertion";
INSERT INTO app.login VALUES (101, 'user 1', 'host 98', 'nas 3', '2024-04-03 10:00+00', '2024-04-03 11:00+00');
ALTER TABLE app.login ENABLE TRIGGER USER;
TABLE judge.status;
CALL headcount.refresh('stored');
SELECT tgname AS insertion FROM pg_trigger WHERE tgrelid = 'app.login'::regclass AND tgname ~ '_insert$' \gset
ALTER TRIGGER :"insertion" ON app.login RENAME TO other;
ALTER TABLE app.login DISABLE TRIGGER other;
INSERT INTO app.login VALUES (102, 'user 1', 'host 97', 'nas 3', '2024-04-03 10:00+00', '2024-04-03 11:00+00');
ALTER TABLE app.login ENABLE TRIGGER other;
TABLE judge.status;
CALL headcount.refresh('stored');
TABLE judge.status;

-- A publication of all tables has ours too.
SET client_min_messages = error;
CREATE PUBLICATION regress_headcount_all FOR ALL TABLES;
SET client_min_messages = warning;
UPDATE app.login SET mac = 'host 96' WHERE id = 102;
CALL headcount.refresh('stored');
DROP PUBLICATION regress_headcount_all;
TABLE judge.status;

-- Days are not frozen without what a new partition has of them.
SET ROLE regress_headcount_keeper;
CREATE TABLE app.parted (who text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
CREATE TABLE app.part_1 PARTITION OF app.parted FOR VALUES FROM ('2024-04-01') TO ('2024-04-05');
CREATE TABLE app.part_2 (who text, came timestamptz, went timestamptz);
INSERT INTO app.parted VALUES ('ann', '2024-04-02', '2024-04-03');
INSERT INTO app.part_2 VALUES ('bob', '2024-04-06', '2024-04-07');
SELECT headcount.create_source('parted', 'app.parted', 'who', 'who', 'came', 'went', time_zone => 'UTC');
CALL headcount.refresh('parted');
SELECT stored_until > current_date - 2 AS is_stored FROM headcount.source_status WHERE source = 'parted';
ALTER TABLE app.parted ATTACH PARTITION app.part_2 FOR VALUES FROM ('2024-04-05') TO ('2024-04-09');
RESET ROLE;
SELECT judge.error($$SELECT headcount.freeze('parted', '2024-04-08')$$);
SET ROLE regress_headcount_keeper;
-- Nothing stored is read then, and whoever looks is told.
SELECT exact, stored_until FROM headcount.source_status WHERE source = 'parted';
SELECT finding, statement FROM headcount.check('parted') WHERE subject IN ('tracking', 'stored days', 'refresh');
CALL headcount.refresh('parted');
SELECT stored_until > current_date - 2 AS is_stored FROM headcount.source_status WHERE source = 'parted';
SELECT finding, statement FROM headcount.check('parted') WHERE subject IN ('tracking', 'stored days', 'refresh');
SELECT headcount.freeze('parted', '2024-04-08');
ALTER TABLE app.parted DETACH PARTITION app.part_2;
SELECT exact, stored_until AT TIME ZONE 'UTC' AS stored_until FROM headcount.source_status WHERE source = 'parted';
CALL headcount.refresh('parted');
SELECT max(total_users) FROM parted.daily_user_counts;
SELECT headcount.freeze('parted', NULL);
SELECT headcount.drop_source('parted');
DROP TABLE app.parted;
RESET ROLE;

-- Frozen days are not asked for.
SELECT headcount.freeze('stored', '2024-04-05');
SET session_replication_role = replica;
DELETE FROM app.login WHERE came < '2024-04-04';
RESET session_replication_role;
SELECT count(*) FROM headcount.verify('stored');
SELECT exact, stored, wrong FROM judge.status;
SELECT headcount.freeze('stored', NULL);
SELECT headcount.invalidate('stored', NULL, '2024-04-04');
CALL headcount.refresh('stored');
TABLE judge.status;

-- The table becomes unlogged, or somebody else's: the triggers go, and the commands succeed.
SET client_min_messages = error;
ALTER TABLE app.login SET UNLOGGED;
TABLE judge.status;
ALTER TABLE app.login SET LOGGED;
SELECT headcount.alter_source('stored', reset => '{tracking}');
CALL headcount.refresh('stored');
TABLE judge.status;
ALTER TABLE app.refused OWNER TO regress_headcount_other;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.refused'::regclass;
ALTER TABLE app.refused OWNER TO regress_headcount_keeper;
TABLE judge.status;
CALL headcount.refresh('stored');
TABLE judge.status;

-- A column that the views read is dropped with them: writers notice nothing.
ALTER TABLE app.login DROP COLUMN nas CASCADE;
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('app.login'::regclass, 'app.refused'::regclass) AND NOT tgisinternal;
INSERT INTO app.login VALUES (200, 'after', 'h', '2024-04-10', '2024-04-11');
SELECT source FROM headcount.source_status WHERE source = 'stored';

DROP SCHEMA stored, live CASCADE;
DROP SCHEMA app CASCADE;
DROP FUNCTION judge.run_as;
DROP OWNED BY regress_headcount_keeper, regress_headcount_other;
DROP ROLE regress_headcount_keeper, regress_headcount_other;
