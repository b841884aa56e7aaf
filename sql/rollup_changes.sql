-- Every way in which the tables of a materialized source can change: after each its views are those of an unmaterialized
-- twin, before a refresh and after one. "tracked" says how the source knows: days are dirty, all is live, or nothing is
-- stored that the change is about.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
SET jit = off; SET headcount.as_of = '2024-04-15 12:00+00';

-- Partitions of two levels with columns in another order, denials in a plain table, all options that reach across rows.
SELECT oracle.load_random(701, 300, 150, '2024-03-01', '2024-04-20');
CREATE SCHEMA app;
CREATE TABLE app.realm (id integer PRIMARY KEY);
INSERT INTO app.realm SELECT generate_series(0, 9);
CREATE TABLE app.login (id bigint, realm integer REFERENCES app.realm ON DELETE CASCADE, who text, mac text, nas text, came timestamptz, went timestamptz, heard timestamptz)
    PARTITION BY RANGE (came);
CREATE TABLE app.early PARTITION OF app.login FOR VALUES FROM (MINVALUE) TO ('2024-03-15') PARTITION BY HASH (came);
CREATE TABLE app.early_0 PARTITION OF app.early FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.early_1 PARTITION OF app.early FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.late (gone integer, heard timestamptz, went timestamptz, came timestamptz, nas text, mac text, who text, realm integer, id bigint);
ALTER TABLE app.late DROP COLUMN gone;
ALTER TABLE app.login ATTACH PARTITION app.late FOR VALUES FROM ('2024-03-15') TO ('2024-04-05');
CREATE TABLE app.rest PARTITION OF app.login DEFAULT;
CREATE TABLE app.refused (id bigint PRIMARY KEY, who text, nas text, at timestamptz);
INSERT INTO app.login SELECT id, id % 10, user_name, host, server, started_at, ended_at, last_seen FROM oracle.session;
INSERT INTO app.refused SELECT id, user_name, server, denied_at FROM oracle.denial;

-- The one is made from the other's options, so that they stay twins whatever is renamed.
CREATE FUNCTION judge.make_twins() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. 1 LOOP
        PERFORM headcount.create_source((ARRAY['stored', 'live'])[i + 1], 'app.login', 'who', 'mac', 'came', 'went', server => 'nas',
            last_seen => 'heard', idle_limit => '30 hours', realtime_servers => '{s0,s2}', user_identity => 'lower(user_name)',
            denials => 'app.refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas',
            false_denial_before => '5 seconds', false_denial_after => '2 seconds', time_zone => 'Europe/Warsaw',
            window_days => 5, materialized => i = 0);
    END LOOP;
END
$$;
SELECT judge.make_twins();

-- The views that are stored of one source against those of the other.
CREATE FUNCTION judge.twins(stored text DEFAULT 'stored') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    part    text[];
    verdict text;
    rows    bigint := 0;
BEGIN
    FOREACH part SLICE 1 IN ARRAY ARRAY[['daily_user_counts_2013', '*'], ['daily_user_counts_2019', '*'], ['daily_user_counts_2025', '*'], ['daily_user_counts_by_server', '*'],
            ['daily_user_sketches', 'day, used::text, denied::text']] LOOP
        verdict := judge.compare(format('SELECT %s FROM %I.%s', part[2], stored, part[1]), format('SELECT %s FROM live.%s', part[2], part[1]), keep_plan => true);
        IF verdict NOT LIKE 'equal, %' THEN
            RETURN part[1] || ' ' || verdict;
        END IF;
        rows := rows + substring(verdict FROM '\d+')::bigint;
    END LOOP;
    RETURN CASE WHEN rows > 100 THEN 'equal' ELSE format('equal, but only %s rows', rows) END;
END
$$;

CREATE FUNCTION judge.tracked(name text DEFAULT 'stored') RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN headcount_internal.live_day(format('%I.rollup_state', name)::regclass) = '-infinity' THEN 'all live'
                WHEN (SELECT s.dirty_days FROM headcount.source_status AS s WHERE s.source = name) > 0 THEN 'dirty days' ELSE 'clean' END
$$;

CREATE PROCEDURE judge.change(statement text, INOUT tracked text DEFAULT NULL, INOUT before text DEFAULT NULL,
                              INOUT after text DEFAULT NULL, name text DEFAULT 'stored')
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    COMMIT;
    tracked := judge.tracked(name);
    before := judge.twins(name);
    CALL headcount.refresh(name);
    after := judge.twins(name) || CASE judge.tracked(name) WHEN 'clean' THEN '' ELSE ', but ' || judge.tracked(name) END;
END
$$;
\pset format unaligned
\pset tuples_only on

CALL judge.change('SELECT');      -- nothing stored yet
CALL judge.change('SELECT');      -- everything stored

-- Statements
CALL judge.change($$INSERT INTO app.login VALUES (1001, 1, 'new one', 'h1', 's0', '2024-03-20 10:00', '2024-03-22 10:00', NULL)$$);
CALL judge.change($$INSERT INTO app.login SELECT 1002 + i, 1, 'many ' || i, 'h' || i, 's1', timestamptz '2024-03-10' + i * interval '2 days', NULL, timestamptz '2024-03-11' + i * interval '2 days' FROM generate_series(1, 15) AS i$$);
CALL judge.change($$UPDATE app.login SET went = heard + interval '3 hours' WHERE id > 1002 AND went IS NULL$$);
CALL judge.change($$UPDATE app.login SET heard = heard + interval '4 days' WHERE id % 10 = 3$$);
CALL judge.change($$UPDATE app.login SET who = upper(who), mac = mac || '!' WHERE id % 40 = 7$$);
CALL judge.change($$UPDATE app.login SET nas = 's2' WHERE id % 50 = 9$$);
CALL judge.change($$DELETE FROM app.login WHERE id % 25 = 4$$);
CALL judge.change($$INSERT INTO app.refused VALUES (2001, 'new one', 's0', '2024-03-20 09:59:58'), (2002, 'nobody', 's1', '2024-03-05 12:00')$$);
CALL judge.change($$UPDATE app.login SET came = '2024-03-20 10:01' WHERE id = 1001$$);      -- and a denial is no longer false
CALL judge.change($$UPDATE app.refused SET at = at - interval '3 days' WHERE id % 20 = 1$$);
CALL judge.change($$DELETE FROM app.refused WHERE id % 20 = 2$$);
CALL judge.change($$UPDATE app.login SET id = id$$);      -- nothing that matters
CALL judge.change($$WITH moved AS (DELETE FROM app.login WHERE id = 12 RETURNING *), more AS (INSERT INTO app.refused SELECT 3000, who, nas, came FROM moved)
    INSERT INTO app.login SELECT 5012, realm, 'moved', mac, nas, came - interval '1 day', went, heard FROM moved$$);
CALL judge.change(CASE WHEN current_setting('server_version_num')::integer >= 150000
    THEN $$MERGE INTO app.login AS l USING (SELECT i FROM generate_series(990, 1005) AS i UNION SELECT 30) AS n ON l.id = n.i
        WHEN MATCHED AND n.i = 30 THEN DELETE WHEN MATCHED THEN UPDATE SET went = l.came + interval '50 hours'
        WHEN NOT MATCHED THEN INSERT (id, realm, who, mac, nas, came, went) VALUES (n.i, 1, 'merged', 'h1', 's1', '2024-03-17 03:00', '2024-03-17 04:00')$$
    ELSE $$DELETE FROM app.login WHERE id = 30; UPDATE app.login SET went = came + interval '50 hours' WHERE id BETWEEN 990 AND 1005$$ END);
CALL judge.change($$INSERT INTO app.refused SELECT id, 'again', 's1', '2024-03-13 05:00' FROM app.refused WHERE id % 15 = 5 UNION ALL VALUES (4000, 'newly', 's1', timestamptz '2024-03-14 05:00')
    ON CONFLICT (id) DO UPDATE SET who = excluded.who, at = refused.at - interval '1 day'$$);
CALL judge.change($$DELETE FROM app.realm WHERE id = 5$$);      -- sessions go by the foreign key
CALL judge.change($$SET LOCAL session_replication_role = replica; UPDATE app.login SET who = 'replicated' WHERE id % 30 = 1; DELETE FROM app.refused WHERE id % 20 = 3$$);
BEGIN;
SAVEPOINT one;
UPDATE app.login SET went = came + interval '9 days' WHERE id % 30 = 11;
ROLLBACK TO one;
UPDATE app.login SET went = came + interval '2 days' WHERE id % 30 = 13;
SELECT judge.tracked(), judge.twins();
COMMIT;
CALL judge.change('SELECT');

-- COPY
COPY app.login (id, realm, who, mac, nas, came, went) FROM stdin;
6001	1	copied	h1	s0	2024-03-04 10:00	2024-03-06 10:00
6002	1	copied	h2	s1	2024-03-18 10:00	\N
\.
CALL judge.change('SELECT');
COPY app.late (id, realm, who, mac, nas, came, went) FROM stdin;
6003	1	copied into a partition	h1	s0	2024-03-24 10:00	2024-03-26 10:00
\.
CALL judge.change('SELECT');
COPY app.refused FROM stdin;
6004	copied	s0	2024-03-19 07:00
\.
CALL judge.change('SELECT');
SELECT * FROM headcount.verify('stored');

-- Partitions, directly
CALL judge.change($$INSERT INTO app.late (id, realm, who, mac, nas, came, went) VALUES (7001, 1, 'direct', 'h9', 's1', '2024-03-28 10:00', '2024-03-29 10:00')$$);
CALL judge.change($$UPDATE app.early_1 SET went = came + interval '26 hours' WHERE went IS NULL$$);
CALL judge.change($$UPDATE app.early SET who = 'between' WHERE id % 15 = 6$$);
CALL judge.change($$DELETE FROM app.early_0 WHERE id % 7 = 2$$);
CALL judge.change($$UPDATE app.login SET came = came + interval '20 days', went = went + interval '21 days' WHERE came BETWEEN '2024-03-02' AND '2024-03-05'$$);      -- to another partition
CALL judge.change($$UPDATE app.early SET came = came + interval '1 day', went = went + interval '1 day' WHERE id % 5 = 1 AND came < '2024-03-12'$$);
CALL judge.change($$TRUNCATE app.early_0$$);

-- Partitions that come and go
CALL judge.change($$CREATE TABLE app.empty PARTITION OF app.login FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')$$);
CALL judge.change($$ALTER TABLE app.login DETACH PARTITION app.early$$);
CALL judge.change($$DROP TABLE app.empty; UPDATE app.early SET who = 'changed while away' WHERE id % 3 = 1$$);
CALL judge.change($$ALTER TABLE app.login ATTACH PARTITION app.early FOR VALUES FROM (MINVALUE) TO ('2024-03-15')$$);
CALL judge.change($$INSERT INTO app.early_1 (id, realm, who, mac, nas, came, went) SELECT 8000 + i, 1, 'seen again', 'h1', 's1', came, came + interval '1 day' FROM app.early_1, generate_series(1, 2) AS i WHERE came > '2024-03-01'$$);
CREATE TABLE app.april (LIKE app.login);
INSERT INTO app.april SELECT 8100 + i, 1, 'april', 'h' || i, 's0', timestamptz '2024-04-06' + i * interval '9 hours', timestamptz '2024-04-07' + i * interval '9 hours', NULL FROM generate_series(1, 9) AS i;
WITH moved AS (DELETE FROM app.rest WHERE came >= '2024-04-05' AND came < '2024-04-14' RETURNING *) INSERT INTO app.april SELECT * FROM moved;
CALL judge.change($$ALTER TABLE app.login ATTACH PARTITION app.april FOR VALUES FROM ('2024-04-05') TO ('2024-04-14')$$);
CALL judge.change($$DELETE FROM app.april WHERE id % 2 = 0$$);
CALL judge.change($$DROP TABLE app.early_0$$);
CALL judge.change($$CREATE TABLE app.early_0 PARTITION OF app.early FOR VALUES WITH (MODULUS 2, REMAINDER 0); INSERT INTO app.login (id, realm, who, mac, nas, came, went)
    SELECT 8200 + i, 1, 'refilled', 'h' || i, 's0', timestamptz '2024-03-01' + i * interval '11 hours', timestamptz '2024-03-02' + i * interval '11 hours' FROM generate_series(1, 9) AS i$$);
SELECT * FROM headcount.verify('stored');

-- New names
CALL judge.change($$ALTER TABLE app.login RENAME TO "Log ""ins"; INSERT INTO app."Log ""ins" (id, realm, who, mac, nas, came, went) VALUES (9001, 1, 'renamed', 'h1', 's0', '2024-03-21', '2024-03-22')$$);
CALL judge.change($$CREATE SCHEMA other; ALTER TABLE app."Log ""ins" SET SCHEMA other; ALTER TABLE app.late SET SCHEMA other; ALTER TABLE other.late RENAME TO moved; INSERT INTO other.moved (id, realm, who, mac, nas, came, went) VALUES (9004, 1, 'moved', 'h1', 's0', '2024-03-25', '2024-03-26')$$);
CALL judge.change($$UPDATE other.moved SET mac = 'moved' WHERE id % 6 = 1$$);
CALL judge.change($$ALTER SCHEMA other RENAME TO "Another %I"; UPDATE "Another %I"."Log ""ins" SET mac = 'moved on' WHERE id % 9 = 1$$);
CALL judge.change($$ALTER TABLE "Another %I"."Log ""ins" ADD COLUMN more text DEFAULT 'x'; UPDATE "Another %I"."Log ""ins" SET nas = 's1', more = 'y' WHERE id % 14 = 1$$);
CALL judge.change($$ALTER SCHEMA stored RENAME TO "Stored ""%I"; UPDATE "Another %I"."Log ""ins" SET went = came + interval '1 day' WHERE id % 8 = 1$$, name => 'Stored "%I');
CALL judge.change($$INSERT INTO app.refused (id, who, nas, at) VALUES (9005, 'renamed', 's0', '2024-03-07')$$, name => 'Stored "%I');
ALTER SCHEMA "Stored ""%I" RENAME TO stored;

-- A column's new name is known to the views, but not to the options: until they say it anew, all is live.
ALTER TABLE "Another %I"."Log ""ins" RENAME COLUMN who TO "Who %s";
SELECT judge.tracked(), judge.twins();
SELECT judge.error($$CALL headcount.refresh('stored')$$);
INSERT INTO "Another %I".moved (id, realm, "Who %s", mac, nas, came, went) VALUES (9006, 1, 'renamed too', 'h1', 's0', '2024-03-23', '2024-03-24');
SELECT judge.tracked(), judge.twins();
SELECT headcount.alter_source(s, user_name => '"Who %s"') FROM unnest(ARRAY['stored', 'live']) AS s;
CALL judge.change('SELECT');
CALL judge.change($$UPDATE "Another %I".moved SET "Who %s" = 'once more' WHERE id % 11 = 1$$);

-- Everything at once, and nothing
CALL judge.change($$TRUNCATE app.refused$$);
CALL judge.change($$INSERT INTO app.refused (id, who, nas, at) SELECT id, user_name, server, denied_at FROM oracle.denial$$);
CALL judge.change($$TRUNCATE "Another %I"."Log ""ins"$$);
CALL judge.change($$INSERT INTO "Another %I"."Log ""ins" (id, realm, "Who %s", mac, nas, came, went, heard) SELECT id, 0, user_name, host, server, started_at, ended_at, last_seen FROM oracle.session$$);
SELECT * FROM headcount.verify('stored');

-- And the oracle, which knows neither of the two.
CREATE FUNCTION judge.against_oracle(model text) RETURNS text LANGUAGE sql AS $$
    SELECT judge.compare(format('SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM stored.daily_user_counts_%s', model),
        format('SELECT * FROM oracle.daily_user_counts(%L)', oracle.params('2024-04-15 12:00', 'Europe/Warsaw', model, 5, '{s0,s2}', '30 hours', '5 seconds', '2 seconds')))
$$;
UPDATE oracle.session SET user_name = lower(user_name);
UPDATE oracle.denial SET user_name = lower(user_name);
SELECT judge.against_oracle('2013'), judge.against_oracle('2019'), judge.against_oracle('2025');
SELECT judge.compare(format('TABLE stored.%I', v), format('TABLE live.%I', v)) FROM unnest(ARRAY['daily_user_counts', 'realtime_users_count', 'sessions', 'denials', 'online_users', 'online_sessions']) AS v;

SELECT headcount.drop_source('stored'), headcount.drop_source('live');
DROP SCHEMA app, "Another %I" CASCADE;
DROP PROCEDURE judge.change;
DROP FUNCTION judge.make_twins, judge.twins, judge.tracked, judge.against_oracle;
