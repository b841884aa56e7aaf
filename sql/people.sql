-- People over time: user_lifecycle, stickiness, user_retention, time_online.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- By hand. Monday 2024-06-03 to Friday 2024-06-07:
--          Mon  Tue  Wed  Thu  Fri
--    anna   x    x    x              over midnight twice, in one session
--    bert   x         x              a session each
--    cora        d                   denied, so active under 2019
--    dora                       x    until midnight, which is not Saturday any more
-- Tue: anna retained, cora new, bert dormant. Wed: anna retained, bert resurrected, cora dormant. Thu: nobody, two dormant. Fri: dora new.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-03 23:00', '2024-06-05 01:00'), ('bert', 'h2', 's', '2024-06-03 10:00', '2024-06-03 11:00'), ('bert', 'h2', 's', '2024-06-05 00:00', '2024-06-05 00:00'),
    ('dora', 'h3', 't', '2024-06-07 23:59:59', '2024-06-08 00:00'), ('', 'h4', 's', '2024-06-06 10:00', '2024-06-06 11:00');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('cora', 's', '2024-06-04 12:00');
SELECT judge.source('folk', oracle.params('2024-06-08 12:00'));
SELECT * FROM headcount.user_lifecycle('folk');
-- The same days, whatever else is asked for; what is before the first of them still counts.
SELECT * FROM headcount.user_lifecycle('folk', 'day', '2024-06-05', '2024-06-06');
SELECT * FROM headcount.user_lifecycle('folk', 'WEEK');
SELECT * FROM headcount.user_lifecycle('folk', 'month', '2024-04-15', '2024-06-01');
-- Days without anybody before the first user are zeros if they are asked for; after as_of there are none.
SELECT * FROM headcount.user_lifecycle('folk', 'day', '2024-06-01', '2024-06-03');
SELECT count(*) FROM headcount.user_lifecycle('folk', 'day', '2024-06-09', '2024-06-10');
SELECT * FROM headcount.stickiness('folk');
SELECT * FROM headcount.stickiness('folk', '2024-06-01', '2024-06-03');
-- Those of Monday are two: one is there on Tuesday, both are on Wednesday.
SELECT * FROM headcount.user_retention('folk', 'day');
SELECT * FROM headcount.user_retention('folk');
SELECT * FROM headcount.user_retention('folk', 'day', '2024-06-04', '2024-06-05');
-- anna's two sessions at once count once; what is before and after the span does not count.
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES ('anna', 'h5', 't', '2024-06-04 00:00', '2024-06-04 06:00'), ('anna', 'h5', 't', '2024-06-05 01:00', '2024-06-05 02:00'), ('anna', 'h6', 't', '2024-06-05 12:00', NULL);
SELECT * FROM headcount.time_online('folk', '2024-06-04', '2024-06-05 02:00');
SELECT * FROM headcount.time_online('folk', NULL, NULL);
SELECT count(*) FROM headcount.time_online('folk', '2024-06-09', NULL);
-- Model 2013 looks at realtime servers and knows no denied users: anna on s, bert; dora is on t.
SELECT headcount.alter_source('folk', licensing_model => '2013', realtime_servers => '{s}');
SELECT * FROM headcount.user_lifecycle('folk', 'day', to_day => '2024-06-07');
SELECT * FROM headcount.time_online('folk', NULL, NULL);
-- In Apia Thursday was followed by Saturday: who was there on both is retained.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, started_at, ended_at) VALUES ('u', 'h', '2011-12-29 20:00 Pacific/Apia', '2011-12-31 02:00 Pacific/Apia'), ('v', 'h', '2011-12-29 20:00 Pacific/Apia', '2011-12-29 23:00 Pacific/Apia');
SELECT judge.source('folk', oracle.params('2012-01-01 12:00', 'Pacific/Apia'));
SELECT * FROM headcount.user_lifecycle('folk');
SELECT * FROM headcount.user_retention('folk', 'day');
SELECT day, dau, wau FROM headcount.stickiness('folk');
-- Nobody at all.
TRUNCATE oracle.session, oracle.denial;
SELECT (SELECT count(*) FROM headcount.user_lifecycle('folk')) AS lifecycle, (SELECT count(*) FROM headcount.stickiness('folk')) AS stickiness, (SELECT count(*) FROM headcount.user_retention('folk')) AS retention, (SELECT count(*) FROM headcount.time_online('folk', NULL, NULL)) AS online;
SELECT * FROM headcount.user_lifecycle('folk', 'year', '2011-01-01');
SELECT * FROM headcount.stickiness('folk', '2012-01-01');

-- Refused.
SELECT c, judge.error('SELECT * FROM headcount.' || c) FROM unnest(ARRAY[
    'user_lifecycle(''nowhere'')', 'user_lifecycle(NULL)', 'user_lifecycle(''folk'', ''hour'')', 'user_lifecycle(''folk'', ''fortnight'')', 'user_lifecycle(''folk'', NULL)', 'user_lifecycle(''folk'', ''day'', ''2024-06-02'', ''2024-06-01'')',
    'stickiness(''nowhere'')', 'stickiness(''folk'', ''2024-06-02'', ''2024-06-01'')', 'stickiness(''folk'', as_of => ''-infinity'')',
    'user_retention(''nowhere'')', 'user_retention(''folk'', ''hour'')', 'user_retention(''folk'', ''week'', ''2024-06-02'', ''2024-06-01'')',
    'user_lifecycle(''folk'', ''year'', ''2024-06-02'', as_of => ''20000-01-01'')', 'stickiness(''folk'', ''2024-06-02'', as_of => ''20000-01-01'')', 'user_retention(''folk'', ''year'', ''2024-06-02'', as_of => ''20000-01-01'')',
    'time_online(''nowhere'', NULL, NULL)', 'time_online(''folk'', ''2024-06-02 00:00+00'', ''2024-06-01 00:00+00'')']) AS c;

-- Random rows against the judge: from the tables, stored, dirty, never refreshed; models, zones, servers, stale, false denials.
CREATE FUNCTION judge.people(name text, p oracle.params, days date[]) RETURNS TABLE (what text, verdict text) LANGUAGE plpgsql AS $$
DECLARE
    i integer; bounds text;
BEGIN
    FOR i IN 1 .. cardinality(days) / 2 LOOP
        bounds := format('%L, %L', days[2 * i - 1], days[2 * i]);
        FOREACH what IN ARRAY ARRAY['day', 'week', 'month', 'quarter', 'year'] LOOP
            verdict := judge.compare(format('SELECT * FROM headcount.user_lifecycle(%L, %L, %s)', name, what, bounds), format('SELECT * FROM oracle.user_lifecycle(%L, %L, %s)', p, what, bounds));
            what := 'lifecycle ' || what; RETURN NEXT;
        END LOOP;
        FOREACH what IN ARRAY ARRAY['day', 'week', 'month'] LOOP
            verdict := judge.compare(format('SELECT * FROM headcount.user_retention(%L, %L, %s)', name, what, bounds), format('SELECT * FROM oracle.user_retention(%L, %L, %s)', p, what, bounds));
            what := 'retention ' || what; RETURN NEXT;
        END LOOP;
        what := 'stickiness';
        verdict := judge.compare(format('SELECT * FROM headcount.stickiness(%L, %s)', name, bounds), format('SELECT * FROM oracle.stickiness(%L, %s)', p, bounds)); RETURN NEXT;
        IF days[2 * i] IS NOT NULL THEN
            what := 'time_online';
            verdict := judge.compare(format('SELECT * FROM headcount.time_online(%L, %L, %L)', name, days[2 * i - 1] + interval '90 minutes', days[2 * i] + interval '3 hours'),
                                     format('SELECT * FROM oracle.time_online(%L, %L, %L)', p, days[2 * i - 1] + interval '90 minutes', days[2 * i] + interval '3 hours')); RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
CREATE FUNCTION judge.people_verdict(name text, p oracle.params, days date[]) RETURNS SETOF text LANGUAGE sql AS $$
    WITH v AS MATERIALIZED (SELECT * FROM judge.people(name, p, days))
    SELECT format('%s: %s', what, verdict) FROM v WHERE verdict NOT LIKE 'equal, %'
    UNION ALL SELECT format('%s comparisons, %s rows', count(*), sum(substring(verdict FROM '(\d+) rows')::bigint)) FROM v
$$;
\set spans '{NULL,NULL,2024-06-10,2024-06-20,2024-05-20,2024-06-05,2024-07-02,2024-08-01,2024-06-14,2024-06-14}'
SELECT oracle.load_random(801, 250, 120, '2024-05-28', '2024-07-10');
\set p 'oracle.params(\'2024-07-01 12:00\', \'America/Santiago\', \'2019\', 14, NULL, \'30 hours\', \'5 seconds\', \'2 seconds\')'
SELECT judge.source('folk', :p);
-- never refreshed
SELECT judge.people_verdict('folk', :p, :'spans');
-- stored
CALL headcount.refresh('folk');
SELECT bool_or(headcount_internal.live_day('folk.rollup_state') > '2024-06-20') AS stored;
SELECT judge.people_verdict('folk', :p, :'spans');
-- dirty: sessions come, go and change on some days, users that no stored day knows among them
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) SELECT 'late' || i % 3, 'h', 's1', d, d + i * interval '5 hours' FROM generate_series(1, 6) AS i, LATERAL (SELECT '2024-06-01 22:00'::timestamptz + i * interval '4 days' AS d) AS t;
DELETE FROM oracle.session WHERE id % 9 = 0;
UPDATE oracle.session SET user_name = 'moved' WHERE id % 31 = 0;
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('never in', 's1', '2024-06-12 10:00'), ('never in', 's1', '2024-06-25 10:00');
SELECT count(*) > 3 AS dirty FROM folk.dirty_days;
SELECT judge.people_verdict('folk', :p, :'spans');
-- long ago, by the index for that
SELECT count(*) > 0 AS made FROM headcount.create_indexes('folk') AS i;
SELECT judge.people_verdict('folk', :p, :'spans');
DO $$ BEGIN
    EXECUTE (SELECT string_agg(format('DROP INDEX %s', i.indexrelid::regclass), '; ') FROM pg_index AS i WHERE i.indrelid IN ('oracle.session'::regclass, 'oracle.denial'::regclass) AND NOT i.indisprimary);
END $$;
-- not stored at all
SELECT headcount.alter_source('folk', materialized => false);
SELECT judge.people_verdict('folk', :p, :'spans');
-- another model, other zones
\set p 'oracle.params(\'2024-07-01 12:00\', \'Australia/Lord_Howe\', \'2013\', 7, \'{s0,s1}\', \'30 hours\')'
SELECT judge.source('folk', :p);
SELECT judge.people_verdict('folk', :p, :'spans');
CALL headcount.refresh('folk');
SELECT judge.people_verdict('folk', :p, :'spans');
DELETE FROM oracle.session WHERE id % 10 = 1;
SELECT judge.people_verdict('folk', :p, :'spans');
-- Everything around the bounds of a day, of 23 hours, of 25, and of none.
\set around '{NULL,NULL,2024-03-30,2024-04-01}'
SELECT oracle.load_around('2024-03-31', 'Asia/Beirut');
SELECT judge.source('folk', oracle.params('2024-04-02', 'Asia/Beirut'));
SELECT judge.people_verdict('folk', oracle.params('2024-04-02', 'Asia/Beirut'), :'around');
CALL headcount.refresh('folk');
SELECT judge.people_verdict('folk', oracle.params('2024-04-02', 'Asia/Beirut'), :'around');
SELECT oracle.load_around('2011-12-30', 'Pacific/Apia');
SELECT judge.source('folk', oracle.params('2012-01-02', 'Pacific/Apia'));
SELECT judge.people_verdict('folk', oracle.params('2012-01-02', 'Pacific/Apia'), '{NULL,NULL,2011-12-29,2011-12-31,2011-12-30,2012-01-01}');
CALL headcount.refresh('folk');
SELECT judge.people_verdict('folk', oracle.params('2012-01-02', 'Pacific/Apia'), '{NULL,NULL,2011-12-29,2011-12-31,2011-12-30,2012-01-01}');

-- Frozen days keep their users when the rows are gone; time online is not stored.
SELECT oracle.load_random(802, 200, 80, '2024-05-28', '2024-07-10');
\set p 'oracle.params(\'2024-07-10 12:00\', \'Europe/Warsaw\')'
SELECT judge.source('folk', :p);
SET headcount.as_of = '';
CALL headcount.refresh('folk');
CREATE TABLE judge.before AS SELECT 'l' AS what, l::text AS answer FROM headcount.user_lifecycle('folk', 'day', to_day => '2024-07-09') AS l
    UNION ALL SELECT 'w', l::text FROM headcount.user_lifecycle('folk', 'week', to_day => '2024-07-07') AS l UNION ALL SELECT 's', s::text FROM headcount.stickiness('folk', to_day => '2024-07-09') AS s
    UNION ALL SELECT 'r', r::text FROM headcount.user_retention('folk', 'week', to_day => '2024-07-07') AS r;
SELECT headcount.freeze('folk', '2024-06-15');
DELETE FROM oracle.session WHERE coalesce(ended_at, 'infinity') < '2024-06-10';
DELETE FROM oracle.denial WHERE denied_at < '2024-06-10';
SELECT judge.compare($$SELECT 'l' AS what, l::text AS answer FROM headcount.user_lifecycle('folk', 'day', to_day => '2024-07-09') AS l
    UNION ALL SELECT 'w', l::text FROM headcount.user_lifecycle('folk', 'week', to_day => '2024-07-07') AS l UNION ALL SELECT 's', s::text FROM headcount.stickiness('folk', to_day => '2024-07-09') AS s
    UNION ALL SELECT 'r', r::text FROM headcount.user_retention('folk', 'week', to_day => '2024-07-07') AS r$$, 'SELECT * FROM judge.before');
SELECT judge.error($$SELECT * FROM headcount.time_online('folk', '2024-06-10 00:00+00', NULL)$$) AS frozen, judge.error($$SELECT * FROM headcount.time_online('folk', '2024-06-15 00:00+00', NULL)$$) AS after_that;
DROP TABLE judge.before;

-- SELECT on both views is what a reader needs.
CREATE ROLE regress_people;
GRANT USAGE ON SCHEMA judge TO regress_people;
CREATE VIEW judge.asked AS SELECT unnest(ARRAY['user_lifecycle(''folk'')', 'stickiness(''folk'')', 'user_retention(''folk'')', 'time_online(''folk'', ''2024-06-20'', NULL)']) AS call;
GRANT SELECT ON judge.asked TO regress_people;
SET ROLE regress_people;
SELECT call, judge.sqlstate('SELECT * FROM headcount.' || call) FROM judge.asked;
SELECT judge.sqlstate($$SELECT * FROM headcount_internal.lifecycle_of('folk', 'day', NULL, NULL)$$) AS by_hand;
RESET ROLE;
GRANT SELECT ON folk.sessions TO regress_people;
SET ROLE regress_people;
SELECT call, judge.sqlstate('SELECT * FROM headcount.' || call) FROM judge.asked;
RESET ROLE;
GRANT SELECT ON folk.denials TO regress_people;
SET ROLE regress_people;
SELECT call, judge.sqlstate('SELECT * FROM headcount.' || call) FROM judge.asked;
RESET ROLE;
DROP VIEW judge.asked;
DROP OWNED BY regress_people;
DROP ROLE regress_people;
SELECT headcount.drop_source('folk');
