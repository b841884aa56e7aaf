-- Ways around the triggers and the definition of a materialized source: tables that are written through others, partitions
-- that leave and come back, expressions that depend on more than columns, functions that do something while a trigger
-- reads them. After each its views are those of an unmaterialized twin.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
CREATE FUNCTION judge.make_pair(tables text, what text, condition text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM headcount.create_source(name, tables::regclass, what, 'm', 'came', 'went', time_zone => 'UTC', materialized => name = 'stored', sessions_when => condition)
    FROM unnest(ARRAY['stored', 'live']) AS name;
END
$$;
-- How the stored source is tracked, and its report against the twin's.
CREATE FUNCTION judge.pair(OUT tracked boolean, OUT exact boolean, OUT verdict text) LANGUAGE plpgsql AS $$
BEGIN
    tracked := headcount_internal.is_tracked('stored.rollup_state');
    exact := (SELECT s.exact FROM headcount.source_status AS s WHERE s.source = 'stored');
    verdict := regexp_replace(judge.compare('TABLE stored.daily_user_counts', 'TABLE live.daily_user_counts'), 'equal, \d{3,} rows', 'equal');
END
$$;
CREATE FUNCTION judge.drop_pair() RETURNS void LANGUAGE sql AS $$ SELECT headcount.drop_source(name) FROM unnest(ARRAY['stored', 'live']) AS name $$;
-- Days with one user each, so that a difference shows.
CREATE FUNCTION judge.fill(tables text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %s (u, m, came, went) SELECT ''User'' || i, ''m'' || i, d, d + interval ''1 hour'' FROM generate_series(1, 3) AS i, LATERAL (SELECT timestamptz ''2024-03-01 10:00'' + i * interval ''1 day'' AS d) AS x', tables);
END
$$;

-- A partition as a source: rows come through the parent too, whose triggers are not ours. It is tracked by window.
CREATE TABLE whole (u text, m text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT judge.fill('whole');
SELECT judge.make_pair('part', 'u');
SELECT tracked, exact FROM judge.pair();
SELECT judge.sqlstate($$SELECT headcount.alter_source('stored', tracking => 'trigger')$$) AS by_trigger;
SELECT judge.drop_pair();
-- A table that gets a parent later, or is attached to one.
CREATE TABLE alone (u text, m text, came timestamptz, went timestamptz);
CREATE TABLE parent (u text, m text, came timestamptz, went timestamptz);
SELECT judge.fill('alone');
SELECT judge.make_pair('alone', 'u');
CALL headcount.refresh('stored');
SELECT * FROM judge.pair();
ALTER TABLE alone INHERIT parent;
DELETE FROM parent WHERE u = 'User2';
SELECT * FROM judge.pair();
\set VERBOSITY sqlstate
CALL headcount.refresh('stored');
\set VERBOSITY default
SELECT verdict FROM judge.pair();
ALTER TABLE alone NO INHERIT parent;
CALL headcount.rebuild('stored');
SELECT * FROM judge.pair();
CREATE TABLE above (u text, m text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
ALTER TABLE above ATTACH PARTITION alone FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO above VALUES ('late', 'm', '2024-03-02 12:00', '2024-03-02 13:00');
SELECT verdict FROM judge.pair();
SELECT judge.drop_pair();
DROP TABLE whole, above, parent;

-- A partition that is detached, changed and attached again between two refreshes.
CREATE TABLE whole (u text, m text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT judge.fill('whole');
INSERT INTO whole SELECT lower(u), m, came, went FROM whole;
SELECT judge.make_pair('whole', 'u');
CALL headcount.refresh('stored');
SELECT * FROM judge.pair();
ALTER TABLE whole DETACH PARTITION part;
ALTER TABLE part ALTER u TYPE text USING lower(u);
ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT verdict FROM judge.pair();
CALL headcount.refresh('stored');
SELECT * FROM judge.pair();
-- The same within one session whose trigger has read the partition before: columns change places.
INSERT INTO whole VALUES ('once', 'm', '2024-03-03 10:00', '2024-03-05 10:00');
ALTER TABLE whole DETACH PARTITION part;
ALTER TABLE part RENAME came TO x; ALTER TABLE part RENAME u TO came; ALTER TABLE part RENAME m TO u; ALTER TABLE part RENAME came TO m; ALTER TABLE part RENAME x TO came;
ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CALL headcount.refresh('stored');
UPDATE part SET u = 'only one';
SELECT * FROM judge.pair();
SELECT judge.drop_pair();
DROP TABLE whole;

-- Of a reference to the whole row PostgreSQL does not say which columns it is about: changes are not tracked by triggers.
CREATE TABLE rows_of (u text, m text, came timestamptz, went timestamptz);
CREATE FUNCTION judge.who(r rows_of) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT r.u $$;
SELECT judge.fill('rows_of');
SELECT judge.make_pair('rows_of', 'u', 'rows_of IS NOT NULL');
SELECT tracked, exact FROM judge.pair();
SELECT judge.drop_pair(), judge.make_pair('rows_of', 'judge.who(rows_of)');
SELECT tracked, exact FROM judge.pair();
SELECT judge.drop_pair();
DROP FUNCTION judge.who(rows_of);
DROP TABLE rows_of;

-- What the owner leaves out of the view "sessions" he does not leave out of the report; a refresh stores all of its days.
CREATE TABLE narrowed (u text, m text, came timestamptz, went timestamptz);
SELECT judge.fill('narrowed');
SELECT judge.make_pair('narrowed', 'u');
SELECT pg_get_viewdef('stored.sessions') AS sessions \gset
SELECT format('CREATE OR REPLACE VIEW stored.sessions AS %s AND s.user_name <> ''User1''', rtrim(:'sessions', ';')) AS narrow \gset
:narrow;
CALL headcount.refresh('stored');
SELECT verdict FROM judge.pair();
SELECT count(*) FROM headcount.verify('stored');
SELECT judge.drop_pair();

-- An expression that changes the triggers of its own table while it is read for a new partition.
CREATE TABLE busy (u text, m text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
CREATE FUNCTION judge.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION judge.meddle() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t regclass;
BEGIN
    FOR t IN SELECT c.oid FROM pg_class AS c WHERE c.relname IN ('busy_1', 'busy_2') LOOP
        BEGIN
            EXECUTE format('CREATE TRIGGER meddled_%s AFTER INSERT ON %s EXECUTE FUNCTION judge.nothing()', (random() * 1e9)::integer, t);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    RETURN '';
END
$$;
CREATE FUNCTION judge.meddling(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN t || judge.meddle(); EXCEPTION WHEN OTHERS THEN RETURN t; END $$;
SELECT judge.make_pair('busy', $$u || judge.meddling('')$$);
CALL headcount.refresh('stored');
CREATE TABLE busy_1 PARTITION OF busy FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT judge.fill('busy_1');
CALL headcount.refresh('stored');
CREATE TABLE busy_2 PARTITION OF busy DEFAULT;
INSERT INTO busy_2 VALUES ('other', 'm', '2023-03-01 10:00', '2023-03-01 11:00');
CALL headcount.refresh('stored');
SELECT verdict FROM judge.pair();
SELECT judge.drop_pair();
DROP TABLE busy, narrowed;

-- The usual way to a wider column: another one is filled, then both are renamed. The source goes on with the old column, and
-- says that it is not exact until it is told which one is meant. A column that was just renamed is no matter.
CREATE TABLE wider (u integer, m text, came timestamptz, went timestamptz);
INSERT INTO wider SELECT i, 'm' || i, d, d + interval '1 hour' FROM generate_series(1, 3) AS i, LATERAL (SELECT timestamptz '2024-03-01 10:00' + i * interval '1 day' AS d) AS x;
SELECT judge.make_pair('wider', 'u');
CALL headcount.refresh('stored');
ALTER TABLE wider RENAME m TO mac;
SELECT * FROM judge.pair();
ALTER TABLE wider ADD COLUMN u_new bigint;
UPDATE wider SET u_new = u;
BEGIN;
ALTER TABLE wider RENAME u TO u_old;
ALTER TABLE wider RENAME u_new TO u;
COMMIT;
CALL headcount.refresh('stored');
INSERT INTO wider (u, mac, came, went) VALUES (5000000000, 'm9', '2024-03-03 10:00', '2024-03-03 11:00');
SELECT * FROM judge.pair();
SELECT column_name, stored, recomputed FROM headcount.verify('stored');
SET quote_all_identifiers = on;
SELECT exact FROM headcount.source_status WHERE source = 'stored';
RESET quote_all_identifiers;
SELECT headcount.alter_source(name, window_days => 7) FROM unnest(ARRAY['stored', 'live']) AS name;
SELECT * FROM judge.pair();
SELECT headcount.alter_source(name, user_name => 'u') FROM unnest(ARRAY['stored', 'live']) AS name;
CALL headcount.refresh('stored');
SELECT * FROM judge.pair();
SELECT u FROM headcount.users_on('stored', '2024-03-03') AS u;
SELECT judge.drop_pair();
DROP TABLE wider;

-- A source by an odd name, and what a source answers: a few functions with values, nothing that a caller writes.
CREATE TABLE odd (u text, m text, came timestamptz, went timestamptz);
SELECT judge.fill('odd');
SELECT headcount.create_source('x<days>', 'odd', 'u', 'm', 'came', 'went', time_zone => 'UTC') IS NOT NULL AS made;
CALL headcount.refresh('x<days>');
SELECT count(*), headcount.unique_users('x<days>', '2024-03-01', '2024-03-31') AS users FROM headcount.users_on('x<days>', '2024-03-02', 'new');
CREATE ROLE regress_headcount_nobody;
GRANT USAGE ON SCHEMA judge TO regress_headcount_nobody;
SET ROLE regress_headcount_nobody;
SELECT judge.sqlstate($$SELECT * FROM headcount_internal.read_source('pg_catalog', 'users_of', '{2024-03-02,used,now}') AS r (u text)$$) AS no_source,
       judge.sqlstate($$SELECT * FROM headcount_internal.read_source('x<days>', 'users_of', '{2024-03-02,used,now}') AS r (u text)$$) AS not_his,
       judge.sqlstate($$SELECT * FROM headcount_internal.read_source('x<days>', 'execute_quietly(''SELECT 1'') --', '{}') AS r (u text)$$) AS not_asked;
RESET ROLE;
GRANT SELECT ON "x<days>".sessions, "x<days>".denials TO regress_headcount_nobody;
SET ROLE regress_headcount_nobody;
SELECT * FROM headcount_internal.read_source('x<days>', 'users_of', '{2024-03-02,used,2024-04-01 00:00+00}') AS r (u text);
SELECT judge.sqlstate($$SELECT * FROM headcount_internal.read_source('x<days>', 'hosts_of', '{"2024-03-02'''') UNION SELECT rolpassword FROM pg_authid --"}') AS r (u text)$$) AS quoted;
RESET ROLE;
-- Nor is an id taken by a registration without an instance, or by one that was there once.
SELECT judge.sqlstate($$SELECT headcount_internal.register_instance('an id', 'r', '"x<days>".sessions', NULL)$$) AS no_instance;
SELECT headcount.create_instance('an id', 'r', 'x<days>');
DELETE FROM "x<days>".instances;
SELECT headcount.create_source('victim', 'odd', 'u', 'm', 'came', 'went', time_zone => 'UTC', materialized => false) IS NOT NULL AS made, headcount.create_instance('an id', 'r', 'victim');
INSERT INTO "x<days>".instances VALUES ('an id', 'r', NULL);
SELECT i.source FROM headcount_internal.present_instance AS i WHERE i.smart_ag_id = 'an id';
SELECT headcount.drop_source(name) FROM unnest(ARRAY['x<days>', 'victim']) AS name;
DROP OWNED BY regress_headcount_nobody;
DROP ROLE regress_headcount_nobody;
DROP TABLE odd;
DROP FUNCTION judge.make_pair(text, text, text), judge.pair(), judge.drop_pair(), judge.fill(text), judge.meddling(text), judge.meddle(), judge.nothing();
