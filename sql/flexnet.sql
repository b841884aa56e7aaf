-- Debug logs of FlexNet licence servers: from lines to tables to a source. The logs are made up, after the vendor's documented
-- forms; test/unit/debug_log_test.cpp has the forms one by one.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'
CREATE SCHEMA licences;
SET search_path = licences, public;
SELECT headcount.create_flexnet_tables();

-- Two vendor daemons, a midnight without a date, a restart, a checkin without a checkout, a checkout without a checkin.
CREATE TABLE log (name text, log text);
INSERT INTO log VALUES ('first', $log$
 8:00:00 (lmgrd) -----------------------------------------------
 8:00:00 (lmgrd) Server's System Date and Time: Wed Mar 06 2024 08:00:00 CET
 8:00:01 (lmgrd) FlexNet Licensing (v11.18.1.0 build 279785 x64_n6) started on lic1 (linux) (3/6/2024)
 8:00:01 (lmgrd) Started cadd (pid 3860)
 8:00:01 (lmgrd) Started simd (pid 3861)
 8:00:02 (cadd) FlexNet Licensing version v11.18.1.0 build 279785 x64_n6
 8:00:02 (cadd) Server started on lic1 for:	draw		render
 9:00:00 (cadd) OUT: "draw" anna@ws1  
 9:00:00 (cadd) OUT: "draw" anna@ws1  
 9:30:00 (simd) OUT: "solve" bert@ws2  (4 licenses) 
 9:31:00 (cadd) DENIED: "render" Carla Maria@ws3  (Licensed number of users already reached. (-4,342))
 9:31:30 (cadd) OUT: "render" Carla Maria@ws3  
 9:40:00 (cadd) UNSUPPORTED: "fly" (00B0 EF6E ) dora@ws4  (No such feature exists. (-5,346))
10:00:00 (cadd) IN: "draw" anna@ws1  
10:05:00 (cadd) IN: "draw" emil@ws5  
14:00:01 (lmgrd) TIMESTAMP 3/6/2024
20:00:00 (simd) DENIED: "solve" anna@ws1  (8 licenses) (Users are queued for this feature. (-24,332))
23:59:59 (simd) OUT: "solve" anna@ws1  (2 licenses) 
 0:10:00 (cadd) IN: "draw" anna@ws1  (INACTIVE)
 1:00:00 (lmgrd) cadd exited with status 58 (Exited because another server was running)
 1:00:05 (lmgrd) REStarted cadd (internet tcp_port 43893 pid 22246)
 2:00:00 (simd) IN: "solve" anna@ws1  (2 licenses) 
 2:00:01 (lmgrd) TIMESTAMP 3/7/2024
$log$);
SELECT line, at, daemon, event, feature, user_name, host, licenses, reason, code, minor_code FROM log, headcount.flexnet_events(log, 'Europe/Berlin') WHERE event <> 'START' ORDER BY line;
SELECT * FROM headcount.import_flexnet_log('lic1', (SELECT log FROM log), 'Europe/Berlin');
SELECT server, daemon, feature, user_name, host, licenses, started_at, ended_at FROM flexnet_sessions ORDER BY started_at, position;
SELECT s.user_name, s.feature, e.event, e.reason FROM flexnet_sessions AS s LEFT JOIN flexnet_ends AS e ON e.id = s.ended_by ORDER BY s.started_at, s.position;
SELECT daemon, event, feature, user_name, host, licenses, denied_at, reason, code, minor_code FROM flexnet_denials ORDER BY denied_at;

-- Once more: nothing is new. Then the log as it goes on, with what was there before: only its end is.
SELECT new_sessions, changed_sessions, new_denials, known, lone_checkins FROM headcount.import_flexnet_log('lic1', (SELECT log FROM log), 'Europe/Berlin');
INSERT INTO log SELECT 'longer', log || $log$ 7:00:00 (simd) IN: "solve" bert@ws2  (4 licenses) 
 8:00:01 (lmgrd) TIMESTAMP 3/7/2024
 9:00:00 (cadd) OUT: "draw" anna@ws1  
$log$ FROM log;
SELECT new_sessions, changed_sessions, new_denials, known, lone_checkins FROM headcount.import_flexnet_log('lic1', (SELECT log FROM log WHERE name = 'longer'), 'Europe/Berlin');
SELECT user_name, feature, started_at, ended_at FROM flexnet_sessions WHERE user_name = 'bert' OR ended_at IS NULL ORDER BY started_at;
-- Another server that says the same is another server.
SELECT new_sessions, known FROM headcount.import_flexnet_log('lic2', (SELECT log FROM log WHERE name = 'longer'), 'Europe/Berlin');
SELECT server, count(*) FROM flexnet_sessions GROUP BY server ORDER BY server;

-- A source over it: by hand, on 6 March anna, bert and Carla Maria had sessions and Carla Maria and anna were denied (dora asked
-- for what there is not); on 7 March anna, bert and Carla Maria.
SELECT headcount.create_flexnet_source('cad', sessions_when => 'server = ''lic1''', denied_when => 'event = ''DENIED'' AND server = ''lic1''', time_zone => 'Europe/Berlin');
SET headcount.as_of = '2024-03-07 10:00+01';
SELECT day, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at FROM cad.daily_user_counts ORDER BY day;
SELECT day, server, daily_users, concurrent_hosts FROM cad.daily_user_counts_by_server ORDER BY day, server;
-- Licences: a second before midnight anna has 1 and takes 2 more, bert has 4, Carla Maria 1.
SELECT day, concurrent_users, concurrent_sessions, concurrent_weight FROM cad.daily_user_counts ORDER BY day;
SELECT user_name, host, server, started_at FROM cad.online_sessions;
SELECT exact FROM headcount.source_status WHERE source = 'cad';
-- What an import changes is logged, so stored days stay right.
CALL headcount.refresh('cad');
DELETE FROM flexnet_sessions WHERE server = 'lic2'; DELETE FROM flexnet_ends WHERE server = 'lic2'; DELETE FROM flexnet_denials WHERE server = 'lic2';
SELECT new_sessions, changed_sessions FROM headcount.import_flexnet_log('lic1', '2024-03-06T22:00:00+01:00 (cadd) OUT: "draw" late@ws9
2024-03-06T23:00:00+01:00 (cadd) IN: "draw" late@ws9');
SELECT day, daily_users, concurrent_hosts, denials FROM cad.daily_user_counts ORDER BY day;
RESET headcount.as_of;
SELECT headcount.drop_source('cad');

-- From a file: its lines are copied as they are, each transaction one file. An overlap between two files doubles nothing.
TRUNCATE flexnet_sessions, flexnet_ends, flexnet_denials;
CREATE FUNCTION judge.lines(log text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT regexp_split_to_table(log, E'\n') $$;
INSERT INTO flexnet_lines (line) SELECT judge.lines(log) FROM log WHERE name = 'first';
INSERT INTO flexnet_lines (line) SELECT judge.lines(log) FROM log WHERE name = 'longer';
SELECT new_sessions, changed_sessions, new_denials, known, lone_checkins FROM headcount.import_flexnet_log('lic1', time_zone => 'Europe/Berlin');
SELECT count(*) FROM flexnet_lines;
SELECT count(*) AS sessions, count(ended_at) AS ended, (SELECT count(*) FROM flexnet_denials) AS denials FROM flexnet_sessions;
SELECT count(*) FROM headcount.import_flexnet_log('lic1');

-- Random logs against a slow pairing of their events, line by line: pieces of a log in any order, with overlaps, restarts and
-- identical lines in one second, end as the whole log does.
CREATE FUNCTION judge.random_log(seed integer, events integer) RETURNS TABLE (at timestamptz, line text) LANGUAGE sql AS $$
    SELECT p.at, format('%sZ (%s) %s', to_char(p.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'), p.daemon,
                    CASE WHEN oracle.dice(seed, i, 'restart', 40) = 0 THEN 'EXITING DUE TO SIGNAL 15'
                         ELSE format('%s: "f%s" user%s@host%s  (%s licenses)', (ARRAY['OUT', 'IN', 'OUT', 'IN', 'DENIED'])[1 + oracle.dice(seed, i, 'event', 5)],
                                     oracle.dice(seed, i, 'feature', 2), oracle.dice(seed, i, 'user', 2), oracle.dice(seed, i, 'host', 2), 1 + oracle.dice(seed, i, 'licences', 3)) END)
    FROM (SELECT i, timestamptz '2024-03-01 00:00Z' + sum(oracle.dice(seed, i, 'pause', 3)) OVER (ORDER BY i) * interval '1 second' AS at,
                 'd' || oracle.dice(seed, i, 'daemon', 2) AS daemon
          FROM generate_series(1, events) AS i) AS p ORDER BY i
$$;
CREATE FUNCTION judge.slow_sessions(log text) RETURNS TABLE (daemon text, feature text, user_name text, host text, licenses integer, started_at timestamptz, ended_at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    e record;
    ended bigint;
BEGIN
    CREATE TEMP TABLE slow (line bigint, daemon text, feature text, user_name text, host text, licenses integer, started_at timestamptz, ended_at timestamptz);
    FOR e IN SELECT * FROM headcount.flexnet_events(log, 'UTC') AS f ORDER BY f.line LOOP
        IF e.event = 'OUT' THEN
            INSERT INTO slow VALUES (e.line, e.daemon, e.feature, e.user_name, e.host, e.licenses, e.at);
        ELSIF e.event = 'STOP' THEN
            UPDATE slow AS s SET ended_at = e.at WHERE s.ended_at IS NULL AND s.daemon = e.daemon;
        ELSIF e.event = 'IN' THEN
            SELECT s.line INTO ended FROM slow AS s WHERE s.ended_at IS NULL AND (s.daemon, s.feature, s.user_name, s.host) = (e.daemon, e.feature, e.user_name, e.host)
            ORDER BY s.licenses <> e.licenses, s.line LIMIT 1;
            UPDATE slow AS s SET ended_at = e.at WHERE s.line = ended;
        END IF;
    END LOOP;
    RETURN QUERY SELECT s.daemon, s.feature, s.user_name, s.host, s.licenses, s.started_at, s.ended_at FROM slow AS s;
    DROP TABLE slow;
END
$$;
CREATE FUNCTION judge.pieces(seed integer, events integer, pieces integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    whole   text := (SELECT string_agg(l.line, E'\n' ORDER BY l.n) FROM (SELECT r.line, row_number() OVER () AS n FROM judge.random_log(seed, events) AS r) AS l);
    verdict text;
BEGIN
    DELETE FROM licences.flexnet_sessions; DELETE FROM licences.flexnet_ends; DELETE FROM licences.flexnet_denials;
    PERFORM headcount.import_flexnet_log('lic', (SELECT string_agg(l.line, E'\n' ORDER BY l.n) FROM (SELECT r.*, row_number() OVER () AS n FROM judge.random_log(seed, events) AS r) AS l
                WHERE l.at >= timestamptz '2024-03-01 00:00Z' + (p - 1) * (events / pieces) * interval '1 second'
                  AND l.at < timestamptz '2024-03-01 00:00Z' + (p + 0.5) * (events / pieces) * interval '1 second'), 'UTC')
    FROM (SELECT p FROM generate_series(0, pieces + 1) AS p ORDER BY oracle.dice(seed, p, 'order', 1000), p) AS p;
    RETURN judge.compare('SELECT daemon, feature, user_name, host, licenses, started_at, ended_at FROM licences.flexnet_sessions', format('SELECT * FROM judge.slow_sessions(%L)', whole))
        || ', ' || (SELECT count(ended_at) > 0.3 * count(*) AND count(*) > count(ended_at) FROM licences.flexnet_sessions)::text
        || ', ' || judge.compare('SELECT daemon, event, feature, user_name, host, at FROM licences.flexnet_ends', format('SELECT daemon, event, coalesce(feature, ''''), coalesce(user_name, ''''), coalesce(host, ''''), at FROM headcount.flexnet_events(%L, ''UTC'') WHERE event IN (''IN'', ''STOP'')', whole));
END
$$;
SELECT seed, pieces, judge.pieces(seed, 1500, pieces) FROM (VALUES (1, 1), (2, 2), (3, 5), (4, 12), (5, 40)) AS v (seed, pieces);

-- What can be wrong.
SELECT judge.error($$SELECT * FROM headcount.flexnet_events(NULL, 'UTC')$$);
SELECT judge.error($$SELECT * FROM headcount.flexnet_events('9:00:00 (d) OUT: f anna@ws1', 'UTC')$$);
SELECT judge.error($$SELECT * FROM headcount.flexnet_events('', 'UTC', 'infinity')$$);
SELECT judge.sqlstate($$SELECT * FROM headcount.flexnet_events('', 'Nowhere/At all')$$);
SELECT judge.error($$SELECT * FROM headcount.import_flexnet_log('lic1', '9:00:00 (d) OUT: f anna@ws1', 'UTC')$$);
SELECT judge.error($$SELECT * FROM headcount.import_flexnet_log('lic1', '9:00:00 (d) OUT: f anna@ws1', 'CET')$$);
SELECT judge.error($$SELECT * FROM headcount.import_flexnet_log(NULL, '')$$);
SELECT judge.error($$SELECT * FROM headcount.import_flexnet_log('lic1', '', 'UTC', schema_name => 'public')$$);
SET search_path = public;
SELECT judge.error($$SELECT * FROM headcount.import_flexnet_log('lic1', '', 'UTC')$$);
SELECT judge.error($$SELECT headcount.create_flexnet_source('cad')$$);
SELECT judge.error($$SELECT headcount.create_flexnet_tables(NULL)$$), judge.sqlstate($$SELECT headcount.create_flexnet_tables('licences')$$), judge.sqlstate($$SELECT headcount.create_flexnet_tables('nowhere')$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT judge.error($$SELECT * FROM headcount.import_flexnet_log('lic1', '', 'UTC', schema_name => 'licences')$$);
COMMIT;
SELECT headcount_internal.pair_checkouts('{}'), headcount_internal.pair_checkouts('{1,NULL,-1,-1,2}'), headcount_internal.pair_checkouts('{{1,2},{-2,-1}}');
-- Bytes that are no log.
SELECT count(*) FROM headcount.flexnet_events(repeat(E'\n', 1000) || repeat('(', 100000) || E'\n9:00:00 (d) ' || repeat('(', 100000) || E'\n9:00:00 (d) OUT: "f" ' || repeat('(', 100000), 'UTC');
-- Names of any length.
SELECT new_sessions, known FROM headcount.import_flexnet_log('lic1', format('2024-03-06T22:00:00Z (cadd) OUT: "%s" %s@ws9', repeat('f', 20000), repeat('u', 20000)), 'UTC', schema_name => 'licences');

-- Who may: the owner of the tables, and members of his role; and what is in the tables runs as him, whoever calls.
CREATE ROLE regress_headcount_licences;
CREATE ROLE regress_headcount_stranger;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_headcount_licences', current_database()) AS grant_create \gset
:grant_create;
SET ROLE regress_headcount_licences;
CREATE SCHEMA theirs;
SELECT headcount.create_flexnet_tables('theirs') IS NOT NULL AS made;
CREATE TABLE theirs.who (who text);
CREATE FUNCTION theirs.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO theirs.who VALUES (current_user); RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT ON theirs.flexnet_sessions FOR EACH ROW EXECUTE FUNCTION theirs.note();
GRANT USAGE ON SCHEMA theirs TO regress_headcount_stranger;
RESET ROLE;
SELECT new_sessions FROM headcount.import_flexnet_log('lic1', '2024-03-06T22:00:00+01:00 (cadd) OUT: "draw" anna@ws9', 'UTC', schema_name => 'theirs');
SELECT * FROM theirs.who;
GRANT USAGE ON SCHEMA judge TO regress_headcount_stranger;
SET ROLE regress_headcount_stranger;
SELECT judge.sqlstate($$SELECT * FROM headcount.import_flexnet_log('lic1', '2024-03-06T22:00:00+01:00 (cadd) OUT: "draw" evil@ws9', 'UTC', schema_name => 'theirs')$$);
RESET ROLE;
DROP OWNED BY regress_headcount_licences, regress_headcount_stranger;
DROP ROLE regress_headcount_licences, regress_headcount_stranger;
DROP FUNCTION judge.lines, judge.random_log, judge.slow_sessions, judge.pieces;
DROP SCHEMA licences CASCADE;
