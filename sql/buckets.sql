-- Buckets of any interval, weeks that begin with another day, and rolling spans.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\set ECHO none
\i test/oracle/buckets.sql
\set ECHO all

-- By hand: the day of 25 hours in Berlin, 2024-10-27, when 3:00 becomes 2:00. Six hours by the clock are 7, 6, 6 and 6; five are 6, 5, 5, 5, and
-- 4 are left; a quarter of an hour is a hundred times there.
CREATE FUNCTION judge.lengths(size text, from_at timestamptz, to_at timestamptz, zone text, week_starts integer DEFAULT 1) RETURNS interval[] LANGUAGE sql AS $$
    SELECT array_agg(b.next - b.bucket ORDER BY b.bucket)
    FROM (SELECT a.bucket, lead(a.bucket, 1, to_at) OVER (ORDER BY a.bucket) AS next FROM headcount.activity(NULL, size, zone, from_at, to_at, to_at, week_starts) AS a) AS b
$$;
SELECT judge.lengths(size, '2024-10-27 Europe/Berlin', '2024-10-28 Europe/Berlin', 'Europe/Berlin') FROM unnest(ARRAY['6 hours', '5 hours', '12:00', '24 hours', 'P1D']) AS size;
SELECT cardinality(judge.lengths(size, '2024-10-27 Europe/Berlin', '2024-10-28 Europe/Berlin', 'Europe/Berlin')) FROM unnest(ARRAY['15 minutes', '1 hour', '7 minutes', '30 seconds']) AS size;
-- 23 hours: 0:00 to 6:00 are five.
SELECT judge.lengths('6 hours', '2024-03-31 Europe/Berlin', '2024-04-01 Europe/Berlin', 'Europe/Berlin');
-- Without midnight (Beirut, 2024-03-31) the day begins at 1:00; Thursday was followed by Saturday in Apia.
SELECT judge.lengths('6 hours', '2024-03-31 Asia/Beirut', '2024-04-01 Asia/Beirut', 'Asia/Beirut');
SELECT a.bucket AT TIME ZONE 'Pacific/Apia' FROM headcount.activity(NULL, '12 hours', 'Pacific/Apia', '2011-12-29 Pacific/Apia', '2012-01-01 Pacific/Apia', '2012-01-01') AS a;
-- 2000-01-03 was a Monday, so two weeks from 2024-06-03 on; the first Sunday was 2000-01-02, so they begin one day earlier. Ten days
-- count from there as well, five months from January 2000.
SELECT g, w, array_agg(a.bucket::date ORDER BY a.bucket)
FROM (VALUES ('week', 1), ('week', 7), ('week', 3), ('1 week', 7), ('2 weeks', 1), ('2 weeks', 7), ('10 days', 1), ('5 months', 1), ('5 months', 7), ('2 years', 1), ('quarter', 4)) AS s (g, w),
     headcount.activity(NULL, g, 'UTC', '2024-06-05', '2024-06-20', '2025-01-01', w) AS a GROUP BY g, w ORDER BY g, w;
-- Refused.
SELECT g, judge.error(format('SELECT headcount.activity(NULL, %L, ''UTC'', week_starts => %s)', g, w))
FROM (VALUES ('fortnight', '1'), ('1 month 15 days', '1'), ('1 day 12 hours', '1'), ('36 hours', '1'), ('0', '1'), ('-1 hour', '1'), ('1 mon -1 day', '1'), ('week', '0'), ('15 minutes', '8'), ('day', 'NULL'), (NULL, '1')) AS s (g, w);
SELECT judge.error($$SELECT headcount.activity(NULL, '1 second', 'UTC', '2024-01-01', '2025-01-01')$$), judge.error($$SELECT headcount.activity(NULL, '1000000 years', 'UTC', '2024-01-01', '2025-01-01')$$),
       judge.sqlstate($$SELECT headcount.activity(NULL, '3 furlongs', 'UTC')$$) AS no_unit, judge.sqlstate($$SELECT headcount.activity(NULL, '99999999999 years', 'UTC')$$) AS too_long;

-- Rolling spans. anna is there from 8:00 to 10:00 on the first day, bert from 9:00 to 9:30, cora is denied at 9:59:59 and at 10:00.
--   4 hours that end at 9:00  [5, 9)    anna
--                      10:00  [6, 10)   anna, bert, both at once; cora's first denial
--                      13:00  [9, 13)   anna, bert; both denials
--                      14:00  [10, 14)  nobody: an end is exclusive; the second denial
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES ('anna', 'h1', 's', '2024-06-10 08:00', '2024-06-10 10:00'), ('bert', 'h2', 's', '2024-06-10 09:00', '2024-06-10 09:30');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('cora', 's', '2024-06-10 09:59:59'), ('cora', 's', '2024-06-10 10:00');
SELECT judge.source('roll', oracle.params('2024-06-15 12:00'));
SELECT * FROM headcount.source_activity('roll', 'hour', '2024-06-10 08:30', '2024-06-10 15:00', span => '4 hours');
-- From the first data on, if nothing is said, which is no bucket's beginning here; to as_of, included.
SELECT count(*), min(bucket), max(bucket) FROM headcount.source_activity('roll', 'hour', NULL, NULL, as_of => '2024-06-10 12:00', span => '1 day');
SELECT bucket, unique_users FROM headcount.source_activity('roll', 'day', '2024-06-10', NULL, span => '2 days') ORDER BY bucket;
-- A bucket is of the rows in it only.
SELECT * FROM headcount.source_activity('roll', '30 minutes', '2024-06-10 09:15', '2024-06-10 10:15');
SELECT c, judge.error('SELECT * FROM headcount.source_activity(''roll'', ' || c || ')') FROM unnest(ARRAY['''hour'', NULL, NULL, span => ''0''', '''hour'', NULL, NULL, span => ''-1 day''', '''hour'', NULL, NULL, span => ''1 mon -1 day''',
    '''hour'', NULL, NULL, span => ''1 day -1 hour''', '''hour'', NULL, NULL, week_starts => 9', '''hour'', NULL, NULL, week_starts => 9, span => ''1 day''', '''1 month 1 day'', NULL, NULL', '''x'', NULL, NULL, span => ''1 hour''']) AS c;
-- Nobody at all.
TRUNCATE oracle.session, oracle.denial;
SELECT (SELECT count(*) FROM headcount.source_activity('roll', '1 hour', NULL, NULL, span => '1 day')) AS spans, (SELECT count(*) FROM headcount.source_activity('roll', '15 minutes', NULL, NULL)) AS buckets;
SELECT * FROM headcount.source_activity('roll', '3 hours', '2024-06-10', '2024-06-10 06:00', span => '1 day');

-- Random rows against the judge: never refreshed, stored, dirty, not stored; models, zones, stale sessions, false denials.
CREATE FUNCTION judge.buckets(name text, p oracle.params, from_at timestamptz, to_at timestamptz, turn integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    size text; week_starts integer; span interval; verdicts text[] := '{}'; verdict text; what text; lo timestamptz;
BEGIN
    -- from a midnight, and from where it was asked: every third of them each, which ones depends on the turn
    FOREACH lo IN ARRAY ARRAY[oracle.day_start(oracle.day_of(from_at, p.zone), p.zone), from_at] LOOP
        FOR size, week_starts IN VALUES ('90 minutes', 1), ('7 hours', 1), ('12 hours', 1), ('week', 7), ('10 days', 1), ('2 weeks', 4), ('48 hours', 1), ('2 months', 1) LOOP
            turn := turn + 1;
            CONTINUE WHEN turn % 3 > 0;
            what := format('%s from %s', size, lo);
            verdict := judge.compare(format('SELECT a.* FROM headcount.source_activity(%L, %L, %L, %L, %L, %s) AS a', name, size, lo, to_at, p.as_of, week_starts),
                                     format('SELECT * FROM oracle.interval_activity(%L, %L, %L, %L, %s)', p, CASE size WHEN 'week' THEN '7 days' WHEN '48 hours' THEN '2 days' ELSE size END, lo, least(to_at, p.as_of + oracle.tick()), week_starts));
            verdicts := verdicts || verdict;
            IF verdict NOT LIKE 'equal, %' THEN
                RETURN NEXT what || ': ' || verdict;
            END IF;
        END LOOP;
        FOR size, span IN VALUES ('6 hours', interval '24 hours'), ('6 hours', '1 day'), ('5 hours', '1 month'), ('12 hours', '1 day 3 hours'), ('1 day', '1 day'), ('1 day', '7 days'), ('2 days', '10 days'), ('7 days', '1 month'), ('1 month', '30 days') LOOP
            turn := turn + 1;
            CONTINUE WHEN turn % 3 > 0;
            what := format('%s before each %s from %s', span, size, lo);
            verdict := judge.compare(format('SELECT a.* FROM headcount.source_activity(%L, %L, %L, %L, %L, span => %L) AS a', name, size, lo, to_at, p.as_of, span),
                                     format('SELECT * FROM oracle.rolling_spans(%L, %L, %L, %L, %L, 1)', p, size, span, lo, to_at));
            verdicts := verdicts || verdict;
            IF verdict NOT LIKE 'equal, %' THEN
                RETURN NEXT what || ': ' || verdict;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NEXT format('%s comparisons, %s rows', cardinality(verdicts), (SELECT sum(substring(v FROM '(\d+) rows')::bigint) FROM unnest(verdicts) AS v));
END
$$;
SELECT oracle.load_random(811, 120, 60, '2024-10-15', '2024-11-20');
\set p 'oracle.params(\'2024-11-15 12:00\', \'Europe/Berlin\', \'2019\', 14, NULL, \'30 hours\', \'5 seconds\', \'2 seconds\')'
SELECT judge.source('roll', :p);
SELECT * FROM judge.buckets('roll', :p, '2024-10-24 05:37', '2024-11-08 03:00', 0);
CALL headcount.refresh('roll');
SELECT * FROM judge.buckets('roll', :p, '2024-10-24 05:37', '2024-11-08 03:00', 1);
UPDATE oracle.session SET user_name = 'moved' WHERE id % 31 = 0;
DELETE FROM oracle.session WHERE id % 19 = 0;
SELECT count(*) > 1 AS dirty FROM roll.dirty_days;
SELECT * FROM judge.buckets('roll', :p, '2024-10-24 05:37', '2024-11-08 03:00', 2);
\set p 'oracle.params(\'2024-11-15 12:00\', \'Australia/Lord_Howe\', \'2013\', 7, \'{s0,s1}\', \'30 hours\')'
SELECT judge.source('roll', :p);
CALL headcount.refresh('roll');
SELECT * FROM judge.buckets('roll', :p, '2024-10-24 05:37', '2024-11-08 03:00', 0);
SELECT headcount.alter_source('roll', materialized => false);
SELECT oracle.keyed_from_sessions();
SELECT size, judge.compare(format('SELECT a.* FROM (SELECT headcount.presence_agg(key, started_at, ended_at) AS p FROM oracle.keyed) AS k, headcount.activity(k.p, %L, ''Australia/Lord_Howe'', ''2024-09-30 05:37'', ''2024-10-25 03:00'', ''2024-11-15 12:00'', %s) AS a', size, week_starts),
    format('SELECT * FROM oracle.interval_presence(%L, ''Australia/Lord_Howe'', ''2024-09-30 05:37'', ''2024-10-25 03:00'', ''2024-11-15 12:00'', %s)', size, week_starts))
FROM (VALUES ('20 minutes', 1), ('5 hours', 1), ('7 days', 6), ('3 days', 1), ('4 months', 1)) AS s (size, week_starts);
TRUNCATE oracle.keyed;
SELECT * FROM judge.buckets('roll', :p, '2024-10-24 05:37', '2024-11-08 03:00', 1);
-- Around the bounds of days of 23 hours, of 25, of none, and where midnight comes twice.
SELECT z, (SELECT count(*) FROM oracle.load_around(d, z)), (SELECT count(*) FROM judge.source('roll', oracle.params(d + 2, z))),
       ARRAY(SELECT judge.buckets('roll', oracle.params(d + 2, z), d - 1, d + 2, turn)) AS verdict
FROM (VALUES (date '2024-03-31', 'Asia/Beirut', 0), ('2011-12-30', 'Pacific/Apia', 1), ('2024-11-03', 'America/Havana', 2)) AS s (d, z, turn);

-- What is frozen comes from stored days where these answer the question, and is an error where they cannot, never less than there was.
SELECT oracle.load_random(812, 120, 60, '2024-05-28', '2024-07-10');
\set p 'oracle.params(\'2024-07-10 12:00\', \'Europe/Warsaw\')'
SELECT judge.source('roll', :p);
CALL headcount.refresh('roll');
CREATE FUNCTION judge.rolled() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT a::text FROM headcount.source_activity('roll', '10 days', '2024-05-28 Europe/Warsaw', '2024-06-12 Europe/Warsaw') AS a
    UNION ALL SELECT a::text FROM headcount.source_activity('roll', 'day', '2024-06-01', '2024-06-15 Europe/Warsaw', span => '5 days') AS a
$$;
CREATE TABLE judge.before AS SELECT * FROM judge.rolled() AS r (row);
SELECT headcount.freeze('roll', '2024-06-15');
DELETE FROM oracle.session WHERE coalesce(ended_at, 'infinity') < '2024-06-14';
DELETE FROM oracle.denial WHERE denied_at < '2024-06-14';
SELECT judge.compare('SELECT * FROM judge.rolled()', 'SELECT * FROM judge.before');
SELECT c, judge.error('SELECT * FROM headcount.source_activity(''roll'', ' || c || ')') FROM unnest(ARRAY['''hour'', ''2024-06-10'', ''2024-06-11''', '''15 minutes'', NULL, NULL', '''day'', ''2024-06-10 05:00'', ''2024-06-20''',
    '''hour'', ''2024-06-15 05:00'', ''2024-06-20'', span => ''1 day''', '''hour'', ''2024-06-16 05:00'', ''2024-06-20'', span => ''1 day''', '''hour'', NULL, NULL, span => ''1 day''', '''hour'', ''2024-06-16'', ''2024-06-20''']) AS c;
DROP TABLE judge.before;
SELECT headcount.drop_source('roll');
TRUNCATE oracle.session, oracle.denial;
RESET headcount.as_of;
DROP FUNCTION judge.rolled(), judge.buckets(text, oracle.params, timestamptz, timestamptz, integer), judge.lengths(text, timestamptz, timestamptz, text, integer);
DROP FUNCTION oracle.interval_presence(interval, text, timestamptz, timestamptz, timestamptz, integer), oracle.rolling_spans(oracle.params, interval, interval, timestamptz, timestamptz, integer),
    oracle.interval_activity(oracle.params, interval, timestamptz, timestamptz, integer), oracle.span_counts(oracle.params, timestamptz[], timestamptz[], timestamptz[]), oracle.interval_buckets(interval, text, timestamptz, timestamptz, integer);
