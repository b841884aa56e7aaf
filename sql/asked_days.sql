-- A condition on the day limits what a report reads (asked_days.cpp) and changes nothing else: what comes of it is what comes
-- of a condition on all its rows.
SET client_min_messages = warning;
SET datestyle = 'ISO, YMD';
CREATE SCHEMA asked;
CREATE TABLE asked.login (id integer PRIMARY KEY, who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE asked.refused (who text, nas text, at timestamptz);
INSERT INTO asked.login
SELECT i, 'user ' || i * 7919 % (20 + i / 20), 'mac ' || i * 31 % 17, (ARRAY['n1', 'n2', NULL])[1 + i % 3], t.came, CASE WHEN i % 97 <> 0 THEN t.came + i % 13 * interval '3 hours' END
FROM generate_series(1, 900) AS i
     CROSS JOIN LATERAL (VALUES (timestamptz '2024-01-05 12:00+00' + i * 3571 % 90 * interval '1 day' + i % 24 * interval '1 hour')) AS t (came)
WHERE i * 3571 % 90 NOT BETWEEN 30 AND 50;
INSERT INTO asked.refused SELECT 'user ' || i % 60, 'n' || 1 + i % 3, timestamptz '2024-01-01 08:00+00' + i * 29 % 100 * interval '1 day' FROM generate_series(1, 80) AS i;
SELECT headcount.create_source(s.name, 'asked.login', 'who', 'mac', 'came', 'went', server => 'nas', realtime_servers => '{n1}',
    denials => 'asked.refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas', time_zone => 'Europe/Warsaw', materialized => s.stored) <> '' AS made
FROM (VALUES ('asked_live', false), ('asked_stored', true)) AS s (name, stored);
SET headcount.as_of = '2024-04-20 10:00+00';

-- Every view of either source, with a condition and without one that is understood.
-- What a view gives under each condition, beside what there is of its whole, live, under it; or, as a plan takes most of the time,
-- under every third of them, from another one on for each view.
CREATE FUNCTION asked.all_differences(turn integer DEFAULT NULL) RETURNS TABLE (condition text, view_name text, missing bigint, surplus bigint)
LANGUAGE plpgsql AS $$
DECLARE
    v text;
    s text;
BEGIN
    FOREACH v IN ARRAY ARRAY['daily_user_counts', 'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025', 'daily_user_counts_by_server'] LOOP
        EXECUTE format('CREATE TABLE asked.every AS SELECT * FROM asked_live.%I', v);
        turn := turn + 1;
        FOR condition IN SELECT c.condition FROM asked.conditions AS c WHERE turn IS NULL OR (c.number + turn) % 3 = 0 LOOP
            FOREACH s IN ARRAY ARRAY['asked_live', 'asked_stored'] LOOP
                view_name := s || '.' || v;
                EXECUTE format($q$
                    WITH there AS MATERIALIZED (SELECT c.* FROM %2$I.%1$I AS c WHERE %3$s), wanted AS MATERIALIZED (SELECT c.* FROM asked.every AS c WHERE %3$s)
                    SELECT (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE there) AS m), (SELECT count(*) FROM (TABLE there EXCEPT ALL TABLE wanted) AS m)$q$, v, s, condition)
                INTO missing, surplus;
                IF missing + surplus > 0 THEN
                    RETURN NEXT;
                END IF;
            END LOOP;
        END LOOP;
        DROP TABLE asked.every;
    END LOOP;
END
$$;
CREATE TABLE asked.conditions (number integer GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO asked.conditions (condition) VALUES
    ('true'), ('day >= ''2024-02-20'''), ('day > ''2024-02-20'''), ('''2024-02-20'' <= day'), ('''2024-02-20'' > day'), ('day <= ''2024-02-03'''), ('day = ''2024-02-10'''),
    ('day BETWEEN ''2024-02-01'' AND ''2024-02-09'''), ('day >= ''2024-03-01'' AND day < ''2024-03-02'' AND day >= ''2023-01-01'''), ('day < ''2023-01-01'''), ('day > ''2025-01-01'''),
    ('day >= timestamp ''2024-03-01 13:00'''), ('day < timestamp ''2024-03-01 13:00'''), ('day > timestamptz ''2024-03-01 23:00+00'''), ('day <= timestamptz ''2024-03-01 23:00+00'''),
    ('day >= ''-infinity'' AND day <= ''infinity'''), ('day >= NULL'), ('NOT day >= ''2024-02-20'''), ('(day >= ''2024-02-20'' OR daily_users > 3)'), ('day IN (''2024-02-20'', ''2024-03-01'')'),
    ('day >= (SELECT date ''2024-02-20'')'), ('day >= date ''2024-03-08'' - 14'), ('day + 1 >= ''2024-02-20'''), ('day >= ''2024-02-20'' AND total_users > 10'), ('day <> ''2024-02-20''');

-- Nothing stored; all stored; some days changed, of which one has nothing any more; at an earlier instant; another window.
SELECT * FROM asked.all_differences(0);
RESET headcount.as_of;
CALL headcount.refresh('asked_stored');
SET headcount.as_of = '2024-04-20 10:00+00';
SELECT * FROM asked.all_differences(1);
DELETE FROM asked.login WHERE came < '2024-01-07' OR came >= '2024-02-24 00:00+01' AND came < '2024-02-27 00:00+01';
DELETE FROM asked.refused WHERE at >= '2024-02-24 00:00+01' AND at < '2024-02-27 00:00+01';
UPDATE asked.login SET who = 'user 3' WHERE id % 50 = 1;
SELECT sum(to_day - from_day) > 5 AS changed FROM asked_stored.dirty_days;
SELECT * FROM asked.all_differences();
SET headcount.as_of = '2024-02-15 18:00+00';
SELECT * FROM asked.all_differences(3);
RESET headcount.as_of;
CALL headcount.refresh('asked_stored');
SELECT * FROM headcount.verify('asked_stored');
SELECT headcount.alter_source(s, window_days => 30) FROM unnest(ARRAY['asked_live', 'asked_stored']) AS s;
SELECT count(*) > 10 AS other_windows FROM headcount_internal.daily_counts_of('asked_stored', NULL, NULL);
SET headcount.as_of = '2024-04-20 10:00+00';
SELECT * FROM asked.all_differences(4);
RESET headcount.as_of;
CALL headcount.refresh('asked_stored');
SELECT window_days FROM asked_stored.rollup_state;
SELECT * FROM headcount.verify('asked_stored');
SET headcount.as_of = '2024-04-20 10:00+00';
SELECT * FROM asked.all_differences(5);
SELECT headcount.alter_source(s, window_days => 5000) FROM unnest(ARRAY['asked_live', 'asked_stored']) AS s;
RESET headcount.as_of;
CALL headcount.refresh('asked_stored');
SELECT window_days FROM asked_stored.rollup_state;
SELECT * FROM headcount.verify('asked_stored');
SET headcount.as_of = '2024-04-20 10:00+00';
SELECT * FROM asked.all_differences(6);

-- What the planner makes of a condition: how often the bounds that it found are in the plan.
CREATE FUNCTION asked.bounds(query text) RETURNS TABLE (from_days bigint, to_days bigint, unknown bigint)
LANGUAGE plpgsql AS $$
DECLARE
    plan text := '';
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
        plan := plan || line || E'\n';
    END LOOP;
    RETURN QUERY SELECT (SELECT count(*) FROM regexp_matches(plan, $r$GREATEST\('-infinity'::date, '2024-03-01'::date\)$r$, 'g')), (SELECT count(*) FROM regexp_matches(plan, $r$LEAST\('infinity'::date, '2024-03-09'::date\)$r$, 'g')),
                        (SELECT count(*) FROM regexp_matches(plan, 'asked_(from|to)', 'g'));
END
$$;
SELECT q.query, b.from_days > 0 AS from_day, b.to_days > 0 AS to_day, b.unknown > 0 AS has_unknown
FROM (VALUES (1, 'SELECT * FROM asked_stored.daily_user_counts WHERE day >= ''2024-03-01'' AND day <= ''2024-03-09'''),
             (2, 'SELECT * FROM asked_stored.daily_user_counts_by_server WHERE day >= ''2024-03-01'' AND day <= ''2024-03-09'''),
             (3, 'SELECT max(total_users) FROM asked_stored.daily_user_counts_2013 WHERE day >= ''2024-03-01'''),
             (4, 'SELECT ucd FROM asked_stored.realtime_users_count WHERE ucd >= ''2024-03-01'' AND ucd <= ''2024-03-09'' ORDER BY 1 LIMIT 3'),
             (5, 'SELECT * FROM (SELECT * FROM asked_stored.daily_user_counts WHERE day >= ''2024-03-01'') AS c WHERE c.day <= ''2024-03-09'''),
             (6, 'SELECT * FROM asked_stored.daily_user_counts AS a JOIN asked_live.daily_user_counts AS b ON b.day = a.day AND a.day >= ''2024-03-01'''),
             (7, 'SELECT * FROM asked.conditions LEFT JOIN asked_stored.daily_user_counts AS a ON a.day >= ''2024-03-01'''),
             (8, 'SELECT * FROM asked_stored.daily_user_counts AS a LEFT JOIN asked.conditions AS b ON a.day >= ''2024-03-01'''),
             (9, 'SELECT * FROM asked_stored.daily_user_counts WHERE day >= clock_timestamp()'),
             (10, 'SELECT * FROM asked_stored.daily_user_counts WHERE day IN (''2024-03-01'', ''2024-03-09'')')) AS q (number, query)
     CROSS JOIN LATERAL asked.bounds(q.query) AS b
ORDER BY q.number;
-- ... and with the values of a prepared statement, custom plan or generic
PREPARE some_days(date, date) AS SELECT day, total_users, daily_users FROM asked_stored.daily_user_counts WHERE day >= $1 AND day < $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE some_days('2024-02-28', '2024-03-02');
EXECUTE some_days('2024-01-04', '2024-01-08');
SET plan_cache_mode = force_custom_plan;
EXECUTE some_days('2024-02-28', '2024-03-02');
RESET plan_cache_mode;

-- The same view twice, with other days each.
SELECT a.day, a.total_users, b.day, b.total_users
FROM asked_stored.daily_user_counts AS a JOIN asked_stored.daily_user_counts AS b ON b.day = a.day + 30
WHERE a.day BETWEEN '2024-02-10' AND '2024-02-11' AND b.day > '2024-03-01' ORDER BY 1;

-- The function of that name: the rows of the view.
SELECT count(*) AS differences
FROM (VALUES (date '2024-02-01', date '2024-02-20'), (NULL, '2024-01-20'), ('2024-04-10', NULL), (NULL, NULL), ('2024-05-01', '2024-05-02')) AS r (from_day, to_day)
     CROSS JOIN LATERAL (SELECT f.* FROM headcount.daily_user_counts('asked_stored', r.from_day, r.to_day, '2024-04-20 10:00+00') AS f
                         EXCEPT ALL SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete FROM asked_live.daily_user_counts AS c WHERE (c.day < r.from_day OR c.day > r.to_day) IS NOT TRUE) AS d;
SELECT day, total_users, daily_users, denial_users, concurrent_hosts, complete FROM headcount.daily_user_counts('asked_stored', '2024-02-01', '2024-02-03', as_of => '2024-02-02 12:00+00');
SELECT judge.error($q$SELECT headcount.daily_user_counts('asked_stored', '2024-02-03', '2024-02-01')$q$);
SELECT judge.error($q$SELECT headcount.daily_user_counts('nothing', '2024-02-01', '2024-02-03')$q$);
CREATE ROLE regress_asked;
GRANT USAGE ON SCHEMA judge TO regress_asked;
SET ROLE regress_asked;
SELECT judge.error($q$SELECT headcount.daily_user_counts('asked_stored', '2024-02-01', '2024-02-03')$q$);
RESET ROLE;
GRANT SELECT ON asked_stored.daily_user_counts TO regress_asked;
SET ROLE regress_asked;
SELECT count(*) FROM headcount.daily_user_counts('asked_stored', '2024-02-01', '2024-02-03');
RESET ROLE;

-- Days between days with something are skipped, but not those whose last days have somebody.
RESET headcount.as_of;
CREATE TABLE asked.rare (who text, came timestamptz, went timestamptz);
INSERT INTO asked.rare VALUES ('ann', '2024-01-10 10:00+00', '2024-01-10 11:00+00'), ('bob', '2024-04-09 10:00+00', '2024-04-09 11:00+00');
SELECT headcount.create_source('asked_rare', 'asked.rare', 'who', NULL, 'came', 'went', time_zone => 'UTC', licensing_model => '2013') <> '' AS made;
CALL headcount.refresh('asked_rare', 1);
CALL headcount.refresh('asked_rare', 1);
CALL headcount.refresh('asked_rare', 1);
SELECT watermark FROM asked_rare.rollup_state;
CALL headcount.refresh('asked_rare', 13);
SELECT watermark FROM asked_rare.rollup_state;
CALL headcount.refresh('asked_rare');
SELECT count(*), min(day), max(day) FROM asked_rare.rollup_days;
SELECT * FROM headcount.verify('asked_rare');
SELECT day, total_users, daily_users FROM asked_rare.daily_user_counts WHERE day BETWEEN '2024-01-22' AND '2024-01-25';
DELETE FROM asked_rare.rollup_days WHERE day = '2024-01-15';
SELECT * FROM headcount.verify('asked_rare');
INSERT INTO asked_rare.rollup_days SELECT d.* FROM asked_rare.rollup_days AS d WHERE d.day = '2024-01-16';
UPDATE asked_rare.rollup_days SET day = '2024-01-15' WHERE ctid = (SELECT max(ctid) FROM asked_rare.rollup_days WHERE day = '2024-01-16');
SELECT * FROM headcount.verify('asked_rare');

-- A longer window is not stored, and what is left of a shorter one begins no report.
SELECT headcount.alter_source('asked_rare', window_days => 500);
CALL headcount.refresh('asked_rare');
DELETE FROM asked.rare WHERE who = 'ann';
CALL headcount.refresh('asked_rare');
SELECT min(day), min(day) FILTER (WHERE total_users > 0) FROM asked_rare.daily_user_counts WHERE day >= '2024-02-01';
-- A zone of a session that skipped a day.
SELECT headcount.alter_source('asked_rare', window_days => 14);
CALL headcount.refresh('asked_rare');
SET TimeZone = 'Pacific/Apia';
INSERT INTO asked.rare VALUES ('sam', '2011-12-30 12:00+00', '2011-12-30 13:00+00');
SELECT day, daily_users FROM asked_rare.daily_user_counts WHERE day >= timestamptz '2011-12-31 00:00+14' AND day < '2012-01-02' ORDER BY day;
RESET TimeZone;
-- The first instants that there are.
DELETE FROM asked.rare WHERE who = 'sam';
CALL headcount.refresh('asked_rare');
INSERT INTO asked.rare VALUES ('old', '4714-11-24 12:00+00 BC', '4714-11-24 13:00+00 BC');
SELECT day, total_users, daily_users FROM asked_rare.daily_user_counts WHERE day < '4713-01-01 BC' AND daily_users > 0;
SELECT day, total_users FROM asked_rare.daily_user_counts WHERE day >= '4714-11-24 BC' ORDER BY day LIMIT 1;
SELECT count(*) FROM asked_rare.daily_user_counts WHERE day >= '4714-11-24 00:00+00 BC'::timestamptz AND day < '2024-01-01' AND daily_users > 0;
SELECT headcount.drop_source('asked_rare');

-- A server that is gone for a while is missing nothing.
CREATE TABLE asked.servers (who text, nas text, came timestamptz, went timestamptz);
INSERT INTO asked.servers VALUES ('ann', 'A', '2024-01-10 10:00+00', '2024-01-10 11:00+00'), ('ann', 'B', '2024-01-10 10:00+00', '2024-01-10 11:00+00'),
    ('bob', 'B', '2024-01-11 10:00+00', '2024-01-11 11:00+00'), ('bob', NULL, '2024-01-12 10:00+00', '2024-01-12 11:00+00'), ('cid', 'A', '2024-01-13 10:00+00', '2024-01-13 11:00+00');
SELECT headcount.create_source('asked_servers', 'asked.servers', 'who', NULL, 'came', 'went', server => 'nas', time_zone => 'UTC', licensing_model => '2013') <> '' AS made;
CALL headcount.refresh('asked_servers', 1);
CALL headcount.refresh('asked_servers', 1);
CALL headcount.refresh('asked_servers', 1);
SELECT * FROM headcount.verify('asked_servers');
CALL headcount.refresh('asked_servers');
SELECT * FROM headcount.verify('asked_servers');
SELECT day, server, total_users, daily_users FROM asked_servers.daily_user_counts_by_server;
SELECT headcount.drop_source('asked_servers');

RESET headcount.as_of;
SELECT headcount.drop_source(s) FROM unnest(ARRAY['asked_live', 'asked_stored']) AS s;
DROP SCHEMA asked CASCADE;
REVOKE USAGE ON SCHEMA judge FROM regress_asked;
DROP ROLE regress_asked;
