-- What later versions of PostgreSQL can do to the tables of a source. Stored days stay those of a full recompute, before the next refresh and
-- after it. A version that cannot do a thing is not asked, and prints the same.
SET timezone = 'UTC'; SET client_min_messages = warning;
SELECT current_setting('server_version_num')::integer >= 180000 AS has_virtual_columns, current_setting('server_version_num')::integer >= 190000 AS has_repack \gset
CREATE SCHEMA newer;
CREATE TABLE newer.verdict (step text, fault text);
-- Notes what differs between the source newer_stored and its twin of which nothing is stored, and whether it is exact.
CREATE PROCEDURE newer.judge(step text, is_exact boolean DEFAULT true) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO newer.verdict
    SELECT judge.step, d.row FROM ((SELECT c::text AS row FROM newer_stored.daily_user_counts AS c EXCEPT ALL SELECT c::text FROM newer_live.daily_user_counts AS c)
                              UNION ALL (SELECT c::text FROM newer_live.daily_user_counts AS c EXCEPT ALL SELECT c::text FROM newer_stored.daily_user_counts AS c)) AS d
    UNION ALL SELECT judge.step, 'exact: ' || s.exact FROM headcount.source_status AS s WHERE s.source = 'newer_stored' AND s.exact <> is_exact
    UNION ALL SELECT judge.step, 'no users' WHERE NOT EXISTS (SELECT FROM newer_stored.daily_user_counts AS c WHERE c.daily_users > 0);
END
$$;
CREATE PROCEDURE newer.make(relation regclass, came text, went text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM headcount.create_source(name, relation, 'who', NULL, came, went, time_zone => 'UTC', materialized => name = 'newer_stored') FROM unnest(ARRAY['newer_stored', 'newer_live']) AS name;
END
$$;
CREATE PROCEDURE newer.drop() LANGUAGE plpgsql AS $$BEGIN PERFORM headcount.drop_source(name) FROM unnest(ARRAY['newer_stored', 'newer_live']) AS name; END$$;

-- 18: virtual generated columns. A trigger is not given their values, so the source is tracked by window, which it says.
\if :has_virtual_columns
CREATE TABLE newer.computed (login text, came_s bigint, went_s bigint, who text GENERATED ALWAYS AS (lower(login)) VIRTUAL, came timestamptz GENERATED ALWAYS AS (to_timestamp(came_s)) VIRTUAL);
INSERT INTO newer.computed SELECT 'User ' || i % 5, 1709280000 + i * 7200, 1709280000 + i * 7200 + 3600 FROM generate_series(1, 60) AS i;
INSERT INTO newer.verdict SELECT 'by trigger', s FROM judge.sqlstate('SELECT headcount.create_source(''newer_stored'', ''newer.computed'', ''who'', NULL, ''came'', ''to_timestamp(went_s)'', tracking => ''trigger'')') AS s WHERE s <> '0A000';
CALL newer.make('newer.computed', 'came', 'to_timestamp(went_s)');
CALL headcount.refresh('newer_stored');
CALL newer.judge('virtual columns', false);
INSERT INTO newer.computed SELECT 'Somebody', extract(epoch FROM now() - interval '1 hour'), NULL;
CALL newer.judge('virtual columns, a row of today', false);
UPDATE newer.computed SET login = 'Else' WHERE came_s < 1709300000;
SELECT headcount.invalidate('newer_stored', NULL, NULL) AS said \gset
CALL newer.judge('virtual columns, days that are said to have changed', false);
CALL newer.drop();
-- one that no option reads is in nobody's way
ALTER TABLE newer.computed ADD COLUMN started timestamptz;
UPDATE newer.computed SET started = came;
SELECT headcount.create_source('newer_stored', 'newer.computed', 'login', NULL, 'started', 'to_timestamp(went_s)', time_zone => 'UTC') AS said \gset
SELECT headcount.create_source('newer_live', 'newer.computed', 'login', NULL, 'started', 'to_timestamp(went_s)', time_zone => 'UTC', materialized => false) AS said \gset
CALL headcount.refresh('newer_stored');
UPDATE newer.computed SET login = 'Other' WHERE came_s > 1709600000;
CALL newer.judge('a virtual column that is not read');
CALL newer.drop();
\endif

-- 19: REPACK.
\if :has_repack
CREATE TABLE newer.span (id integer, who text, valid tstzrange);
INSERT INTO newer.span SELECT i, 'user ' || i % 7, tstzrange(timestamptz '2024-03-01' + i * interval '3 hours', timestamptz '2024-03-03' + i * interval '4 hours') FROM generate_series(1, 40) AS i;
CALL newer.make('newer.span', 'lower(valid)', 'upper(valid)');
CALL headcount.refresh('newer_stored');
CALL newer.judge('spans');
UPDATE newer.span SET who = 'stand-in' WHERE id < 20;
REPACK newer.span;
CALL newer.judge('repacked');
UPDATE newer.span SET who = 'late' WHERE id = 39;
CALL newer.judge('repacked and written to');
CALL newer.drop();
\endif

SELECT * FROM newer.verdict;
DROP SCHEMA newer CASCADE;
