-- How many licences: concurrency_profile, concurrency_percentiles, concurrency_by_hour_of_week, capacity_what_if,
-- avoidable_denials.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- By hand. Monday 2024-06-10, 8:00 to 12:00:
--    h1   8:00 ------------ 10:00
--    h2        9:00 --------------------- 11:00
--    h3             9:30 -- 10:00
--    h4                     10:00 10:00                   an instant: one microsecond
--    h1                     10:00 ------- 10:30            touches the first one, so h1 starts once
-- Levels: 1 from 8, 2 from 9, 3 from 9:30 to 10:00; then h1, h2 and h4: 3 for a microsecond, 2 to 10:30, 1 to 11, 0 to 12.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-10 08:00', '2024-06-10 10:00'), ('bert', 'h2', 's', '2024-06-10 09:00', '2024-06-10 11:00'), ('anna', 'h3', 't', '2024-06-10 09:30', '2024-06-10 10:00'),
    ('cora', 'h4', 's', '2024-06-10 10:00', '2024-06-10 10:00'), ('anna', 'h1', 't', '2024-06-10 10:00', '2024-06-10 10:30');
-- dora tries three times, the third more than ten minutes after the second: two demands. emil's one is open from 9:05 to 9:13,
-- fred's meets it. On server t nobody else asks.
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES
    ('dora', 's', '2024-06-10 09:00'), ('dora', 's', '2024-06-10 09:08'), ('dora', 's', '2024-06-10 09:30'),
    ('emil', 's', '2024-06-10 09:05'), ('emil', 's', '2024-06-10 09:13'), ('fred', 's', '2024-06-10 09:07'), ('gina', 't', '2024-06-10 09:07');
SELECT judge.source('size', oracle.params('2024-06-15 12:00'));
SELECT * FROM headcount.concurrency_profile('size', '2024-06-10 08:00', '2024-06-10 12:00');
-- Users: anna 8:00 to 10:30, bert 9:00 to 11:00, cora an instant.
SELECT * FROM headcount.concurrency_profile('size', '2024-06-10 08:00', '2024-06-10 12:00', of => 'users');
-- 3 at the most in half an hour and a microsecond of four hours; a quarter of the time nobody is there.
SELECT * FROM headcount.concurrency_percentiles('size', '2024-06-10 08:00', '2024-06-10 12:00');
SELECT * FROM headcount.concurrency_percentiles('size', '2024-06-10 08:00', '2024-06-10 12:00', '{1,0,0.25,0.25,0.250001,0.875}');
SELECT weekday, hour, peak, round(mean::numeric, 6) AS mean, p95 FROM headcount.concurrency_by_hour_of_week('size', '2024-06-10 08:00', '2024-06-10 12:00');
-- Four starts: h1 met 0, h2 1, h3 2, h4 2. With 2, h3 and h4 had been refused.
SELECT * FROM headcount.capacity_what_if('size', '2024-06-10 08:00', '2024-06-10 12:00');
-- What is carried in is no start, nor is what touches it: h1 at 10:00 had been there since 8:00.
SELECT * FROM headcount.capacity_what_if('size', '2024-06-10 10:00', '2024-06-10 12:00');
SELECT * FROM headcount.capacity_what_if('size', '2024-06-10 10:00', '2024-06-10 12:00', 'sessions');
-- Three starts at one instant meet 0, 1 and 2, in whatever order.
INSERT INTO oracle.session (user_name, host, started_at, ended_at) SELECT 'u' || i, 'x' || i, '2024-06-11 08:00', '2024-06-11 09:00' FROM generate_series(1, 3) AS i;
SELECT * FROM headcount.capacity_what_if('size', '2024-06-11 08:00', '2024-06-11 12:00');
-- Hours and weekdays: Monday from 9 to 11 is in; from Tuesday 8:00 on it is not.
SELECT concurrent, duration FROM headcount.concurrency_profile('size', '2024-06-10 08:00', '2024-06-11 08:00', hours => '[9,11)', weekdays => '{1}');
SELECT count(*) FROM headcount.concurrency_profile('size', '2024-06-10 08:00', '2024-06-10 12:00', weekdays => '{2,7}');
-- Demands of s: dora 9:00 to 9:08 met 0, emil 9:05 to 9:13 met 1, fred at 9:07 met 2, dora at 9:30 met 0; of t: gina met 0.
-- One more lets in dora's three denials and gina's, two more emil's two, three more fred's.
SELECT * FROM headcount.avoidable_denials('size', '2024-06-10', '2024-06-11');
SELECT * FROM headcount.avoidable_denials('size', '2024-06-10', '2024-06-11', retry => '0');
-- With an hour to retry dora is one demand.
SELECT * FROM headcount.avoidable_denials('size', NULL, NULL, retry => '1 hour');
SELECT count(*) FROM headcount.avoidable_denials('size', '2024-06-12', NULL);

-- The last Sunday of October in Berlin: 2:00 to 3:00 comes twice. h is there from 1:30 to 3:30, so three hours.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, started_at, ended_at) VALUES ('u', 'h', '2024-10-27 01:30 Europe/Berlin', '2024-10-27 03:30 Europe/Berlin');
SELECT judge.source('size', oracle.params('2024-11-15 12:00', 'Europe/Berlin'));
SELECT * FROM headcount.concurrency_profile('size', '2024-10-27 00:00 Europe/Berlin', '2024-10-28 00:00 Europe/Berlin');
SELECT * FROM headcount.concurrency_profile('size', '2024-10-27 00:00 Europe/Berlin', '2024-10-28 00:00 Europe/Berlin', hours => '[2,3)');
SELECT * FROM headcount.concurrency_by_hour_of_week('size', '2024-10-27 00:00 Europe/Berlin', '2024-10-28 00:00 Europe/Berlin') WHERE peak > 0;
-- In Apia there was no Friday, 2011-12-30: Thursday 23:00, then Saturday 0:00.
SELECT headcount.alter_source('size', time_zone => 'Pacific/Apia');
SELECT weekday, count(*), min(hour), max(hour) FROM headcount.concurrency_by_hour_of_week('size', '2011-12-29 00:00 Pacific/Apia', '2012-01-01 00:00 Pacific/Apia') GROUP BY weekday ORDER BY weekday;

-- As of an instant amid sessions: open ones last until then and it included; time to come is no time at which nobody is there.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, started_at, ended_at) VALUES ('u', 'h', '2024-06-10 08:00', NULL), ('v', 'i', '2024-06-10 09:00', '2024-06-10 20:00'), ('w', 'j', '2024-06-10 10:00', NULL);
INSERT INTO oracle.denial (user_name, denied_at) VALUES ('x', '2024-06-10 10:00'), ('x', '2024-06-10 10:00:00.000001');
SELECT judge.source('size', oracle.params('2024-06-10 10:00'));
SELECT * FROM headcount.concurrency_profile('size', NULL, NULL);
SELECT * FROM headcount.concurrency_profile('size', '2024-06-10 07:00', '2030-01-01', as_of => '2024-06-10 09:30');
SELECT * FROM headcount.concurrency_profile('size', '-infinity', 'infinity', as_of => '2024-06-10 08:00');
SELECT capacity, refused, lacking_for FROM headcount.capacity_what_if('size', NULL, NULL);
SELECT * FROM headcount.avoidable_denials('size', NULL, NULL);
SELECT (SELECT count(*) FROM headcount.concurrency_profile('size', '2024-06-11', '2024-06-12')) AS later, (SELECT count(*) FROM headcount.capacity_what_if('size', '2024-06-10 09:00', '2024-06-10 09:00')) AS nothing,
       (SELECT count(*) FROM headcount.concurrency_percentiles('size', '2024-06-11', NULL)) AS percentiles, (SELECT count(*) FROM headcount.concurrency_by_hour_of_week('size', '2024-06-11', NULL)) AS hours;
SELECT * FROM headcount.concurrency_profile('size', '2024-06-01', '2024-06-02');
SELECT * FROM headcount.capacity_what_if('size', '2024-06-01', '2024-06-02');
-- A source with nothing in it has no first session.
TRUNCATE oracle.session, oracle.denial;
SELECT count(*) FROM headcount.concurrency_profile('size', NULL, NULL);
SELECT count(*) FROM headcount.avoidable_denials('size', NULL, NULL);

-- Refused.
SELECT c, judge.error('SELECT * FROM headcount.' || c) FROM unnest(ARRAY[
    'concurrency_profile(''nowhere'', NULL, NULL)', 'concurrency_profile(NULL, NULL, NULL)', 'concurrency_profile(''size'', ''2024-06-11 00:00+00'', ''2024-06-10 00:00+00'')',
    'concurrency_profile(''size'', NULL, NULL, ''weight'')', 'concurrency_profile(''size'', NULL, NULL, ''seats'')', 'concurrency_profile(''size'', NULL, NULL, NULL)',
    'concurrency_profile(''size'', NULL, NULL, hours => ''[9,25)'')', 'concurrency_profile(''size'', NULL, NULL, hours => ''[-1,5)'')', 'concurrency_profile(''size'', NULL, NULL, hours => ''empty'')',
    'concurrency_profile(''size'', NULL, NULL, weekdays => ''{0}'')', 'concurrency_profile(''size'', NULL, NULL, weekdays => ''{1,8}'')', 'concurrency_profile(''size'', NULL, NULL, weekdays => ''{NULL}'')', 'concurrency_profile(''size'', NULL, NULL, weekdays => ''{}'')',
    'concurrency_percentiles(''size'', NULL, NULL, ''{1.5}'')', 'concurrency_percentiles(''size'', NULL, NULL, ''{-0.1}'')', 'concurrency_percentiles(''size'', NULL, NULL, ''{NaN}'')', 'concurrency_percentiles(''size'', NULL, NULL, ''{NULL}'')', 'concurrency_percentiles(''size'', NULL, NULL, NULL)',
    'concurrency_by_hour_of_week(''size'', NULL, NULL, ''weight'')', 'capacity_what_if(''size'', NULL, NULL, ''weight'')', 'capacity_what_if(''size'', NULL, NULL, as_of => ''infinity'')',
    'avoidable_denials(''size'', NULL, NULL, ''-1 second'')', 'avoidable_denials(''size'', NULL, NULL, NULL)', 'avoidable_denials(''nowhere'', NULL, NULL)']) AS c;
SELECT judge.sqlstate($$SELECT headcount_internal.level_times(NULL, '-infinity', 'infinity', 'UTC', NULL, NULL)$$) AS no_bounds, judge.sqlstate($$SELECT headcount_internal.capacities(NULL, '4713-01-01 BC', '294276-01-01')$$) AS too_long,
       judge.sqlstate($$SELECT headcount_internal.week_levels(NULL, '2024-01-01', '2024-01-02', 'Mars')$$) AS zone, (SELECT count(*) FROM headcount_internal.capacities(NULL, '2024-01-01', '2024-01-02')) AS nobody;

-- Random rows: hosts, users and sessions; models, realtime servers, stale sessions, false denials; zones with changes of the
-- clock, a tick around them; spans that begin and end where sessions do and beside that.
CREATE FUNCTION judge.sizing(name text, p oracle.params, spans timestamptz[]) RETURNS TABLE (what text, verdict text) LANGUAGE plpgsql AS $$
DECLARE
    counted text; lo timestamptz; hi timestamptz; i integer; hours text; days text;
BEGIN
    FOR i IN 1 .. cardinality(spans) / 2 LOOP
        lo := spans[2 * i - 1]; hi := spans[2 * i];
        FOREACH counted IN ARRAY ARRAY['hosts', 'users', 'sessions'] LOOP
            what := format('profile %s', counted);
            verdict := judge.compare(format('SELECT * FROM headcount.concurrency_profile(%L, %L, %L, %L)', name, lo, hi, counted),
                                     format('SELECT * FROM oracle.concurrency_profile(%L, %L, %L, %L, NULL, NULL)', p, counted, lo, hi)); RETURN NEXT;
            hours := (ARRAY['[2,3)', '[0,24)', '[22,24)', NULL])[1 + i % 4]; days := (ARRAY['{7}', '{1,2,3,4,5}', NULL])[1 + i % 3];
            what := format('profile %s %s %s', counted, hours, days);
            verdict := judge.compare(format('SELECT * FROM headcount.concurrency_profile(%L, %L, %L, %L, %L, %L)', name, lo, hi, counted, hours, days),
                                     format('SELECT * FROM oracle.concurrency_profile(%L, %L, %L, %L, %L, %L)', p, counted, lo, hi, hours, days)); RETURN NEXT;
            what := format('percentiles %s', counted);
            verdict := judge.compare(format('SELECT * FROM headcount.concurrency_percentiles(%L, %L, %L, ''{0,0.1,0.3333,0.5,0.9,0.95,0.99,1}'', %L, %L, %L)', name, lo, hi, counted, hours, days),
                                     format('SELECT * FROM oracle.concurrency_percentiles(%L, %L, %L, %L, %L, %L, ''{0,0.1,0.3333,0.5,0.9,0.95,0.99,1}'')', p, counted, lo, hi, hours, days)); RETURN NEXT;
            what := format('hours of week %s', counted);
            verdict := judge.compare(format('SELECT * FROM headcount.concurrency_by_hour_of_week(%L, %L, %L, %L)', name, lo, hi, counted),
                                     format('SELECT * FROM oracle.concurrency_by_hour_of_week(%L, %L, %L, %L)', p, counted, lo, hi)); RETURN NEXT;
            what := format('capacity %s', counted);
            verdict := judge.compare(format('SELECT * FROM headcount.capacity_what_if(%L, %L, %L, %L)', name, lo, hi, counted),
                                     format('SELECT * FROM oracle.capacity_what_if(%L, %L, %L, %L)', p, counted, lo, hi)); RETURN NEXT;
        END LOOP;
        what := 'denials';
        verdict := judge.compare(format('SELECT * FROM headcount.avoidable_denials(%L, %L, %L, %L)', name, lo, hi, (ARRAY['10 minutes', '2 hours', '0', '1 day'])[1 + i % 4]),
                                 format('SELECT * FROM oracle.avoidable_denials(%L, %L, %L, %L)', p, lo, hi, (ARRAY['10 minutes', '2 hours', '0', '1 day'])[1 + i % 4])); RETURN NEXT;
    END LOOP;
END
$$;
CREATE FUNCTION judge.sizing_verdict(p oracle.params, spans timestamptz[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM judge.source('size', p);
    RETURN QUERY WITH v AS MATERIALIZED (SELECT * FROM judge.sizing('size', p, spans))
        SELECT format('%s: %s', what, verdict) FROM v WHERE verdict NOT LIKE 'equal, %'
        UNION ALL SELECT format('%s comparisons, %s rows', count(*), sum(substring(verdict FROM '(\d+) rows')::bigint)) FROM v;
END
$$;
SELECT oracle.load_random(701, 250, 120, '2024-10-24', '2024-11-03');
SELECT judge.sizing_verdict(oracle.params('2024-11-01 12:00', 'Europe/Warsaw', '2019', 14, NULL, NULL, NULL, NULL),
    ARRAY['2024-10-24', '2024-11-02', '2024-10-26 22:00', '2024-10-27 23:00', '2024-10-27 00:30', '2024-10-27 01:30', '2024-10-28 11:59:59.999999', '2024-10-28 12:00:00.000001']::timestamptz[]);
SELECT judge.sizing_verdict(oracle.params('2024-10-31 12:00', 'Australia/Lord_Howe', '2013', 7, '{s0,s1}', '30 hours', '5 seconds', '2 seconds'),
    ARRAY['2024-10-25', '2024-10-30', '2024-10-30 12:00', '2024-10-31 13:00', '2024-10-31 12:00', '2024-10-31 12:00:00.000001']::timestamptz[]);
-- Clocks go forward by half an hour on Lord Howe, and back on 2024-04-07; a midnight twice in Havana, none in Beirut.
SELECT oracle.load_random(702, 120, 60, '2024-04-05', '2024-04-09', '15 minutes', 12, 5);
SELECT judge.sizing_verdict(oracle.params('2024-04-08 12:00', 'Australia/Lord_Howe', '2019'), ARRAY['2024-04-05 03:10', '2024-04-08 13:00', '2024-04-06 14:30', '2024-04-06 15:30']::timestamptz[]);
SELECT oracle.load_random(703, 120, 60, '2023-11-03', '2023-11-07', '15 minutes', 12, 5);
SELECT judge.sizing_verdict(oracle.params('2023-11-06 12:00', 'America/Havana', '2019'), ARRAY['2023-11-03', '2023-11-07', '2023-11-05 04:00', '2023-11-05 06:00']::timestamptz[]);
SELECT oracle.load_around('2024-03-31', 'Asia/Beirut');
SELECT judge.sizing_verdict(oracle.params('2024-04-02', 'Asia/Beirut', '2019'), ARRAY['2024-03-29', '2024-04-02']::timestamptz[]);
-- Found by the index for spans of the past, and by several processes.
SELECT oracle.load_random(704, 400, 100, '2024-06-01', '2024-06-11');
SELECT judge.source('size', oracle.params('2024-06-11', 'Asia/Kathmandu', '2013', 14, '{s0,s2}', '20 hours'));
SELECT count(*) > 0 AS made FROM headcount.create_indexes('size') AS i;
SELECT headcount_internal.sessions_around('size', headcount_internal.find_source('size'), '2024-06-03', '2024-06-04', '$1', '$3') LIKE '%duration_classes%' AS by_class;
SELECT bool_and(verdict LIKE 'equal, %') AS equal, count(*) FROM judge.sizing('size', oracle.params('2024-06-11', 'Asia/Kathmandu', '2013', 14, '{s0,s2}', '20 hours'), ARRAY['2024-06-03', '2024-06-04', '2024-06-05 01:00', '2024-06-05 01:30']::timestamptz[]);
DO $$ BEGIN
    EXECUTE (SELECT string_agg(format('DROP INDEX %s', i.indexrelid::regclass), '; ') FROM pg_index AS i WHERE i.indrelid IN ('oracle.session'::regclass, 'oracle.denial'::regclass) AND NOT i.indisprimary);
END $$;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SELECT bool_and(verdict LIKE 'equal, %') AS equal, count(*) FROM judge.sizing('size', oracle.params('2024-06-11', 'Asia/Kathmandu', '2013', 14, '{s0,s2}', '20 hours'), ARRAY['2024-06-01', '2024-06-11']::timestamptz[]);
SELECT judge.plan(replace(replace(headcount_internal.counted_query('size', headcount_internal.find_source('size'), 'users', ROW('2024-06-01', '2024-06-11')::headcount_internal.span), '$1', quote_literal('2024-05-31 23:59:59.999999')), '$3', quote_literal('2024-06-11'))) ~ 'Finalize Aggregate.*Gather.*Partial Aggregate' AS parallel;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET max_parallel_workers_per_gather;

-- Whatever a reader has set, the answer is the same; the setting headcount.as_of stays as it was.
SELECT judge.source('size', oracle.params('2024-06-11', 'Asia/Kathmandu'));
CREATE TABLE judge.answer AS SELECT * FROM headcount.concurrency_percentiles('size', '2024-06-02', '2024-06-09', '{0.1234567890123456,0.3333333333333333,0.95}') AS p;
SET timezone = 'America/New_York'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = -15; SET intervalstyle = sql_standard; SET search_path = judge;
SELECT judge.compare($$SELECT * FROM headcount.concurrency_percentiles('size', '2024-06-02 00:00+00'::timestamptz, '2024-06-09 00:00+00'::timestamptz, '{0.1234567890123456,0.3333333333333333,0.95}')$$, 'SELECT * FROM judge.answer');
SELECT count(*) FROM headcount.avoidable_denials('size', NULL, NULL, retry => '30 hours -1 day');
RESET search_path; RESET intervalstyle; RESET extra_float_digits; SET datestyle = 'ISO, YMD'; SET timezone = 'UTC';
SELECT current_setting('headcount.as_of')::timestamptz AS as_of;
DROP TABLE judge.answer;

-- SELECT on the views is what a reader needs; the answer is the owner's.
CREATE ROLE regress_sizing;
GRANT USAGE ON SCHEMA judge TO regress_sizing;
CREATE VIEW judge.asked AS SELECT unnest(ARRAY['concurrency_profile(''size'', NULL, NULL)', 'concurrency_percentiles(''size'', NULL, NULL)', 'concurrency_by_hour_of_week(''size'', NULL, NULL)', 'capacity_what_if(''size'', NULL, NULL)', 'avoidable_denials(''size'', NULL, NULL)']) AS call;
GRANT SELECT ON judge.asked TO regress_sizing;
SET ROLE regress_sizing;
SELECT call, judge.sqlstate('SELECT * FROM headcount.' || call) FROM judge.asked;
SELECT judge.sqlstate($$SELECT * FROM headcount_internal.profile_of('size', NULL, NULL, 'hosts', NULL, NULL)$$) AS by_hand;
RESET ROLE;
GRANT SELECT ON size.sessions TO regress_sizing;
SET ROLE regress_sizing;
SELECT call, judge.sqlstate('SELECT * FROM headcount.' || call) FROM judge.asked;
RESET ROLE;
GRANT SELECT ON size.denials TO regress_sizing;
SET ROLE regress_sizing;
SELECT call, judge.sqlstate('SELECT * FROM headcount.' || call) FROM judge.asked;
RESET ROLE;
DROP VIEW judge.asked;
DROP OWNED BY regress_sizing;
DROP ROLE regress_sizing;

-- Of frozen days the tables need not have the sessions any more: asked for these it is an error, whatever is after them is answered.
SET headcount.as_of = '';
CALL headcount.refresh('size');
SELECT headcount.freeze('size', '2024-06-05');
SELECT c, judge.error('SELECT * FROM headcount.' || c) FROM unnest(ARRAY['concurrency_profile(''size'', NULL, NULL)', 'capacity_what_if(''size'', ''2024-06-04 18:14:59+00'', ''2024-06-09'')', 'avoidable_denials(''size'', NULL, NULL)',
    'capacity_what_if(''size'', ''2024-06-04 18:15+00'', ''2024-06-09'')', 'concurrency_profile(''size'', ''2024-06-01'', ''2024-06-01'')', 'avoidable_denials(''size'', ''2024-06-05'', NULL)']) AS c;
SELECT headcount.drop_source('size');
