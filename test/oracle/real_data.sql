-- Acceptance on real logs: loads sessions.csv and denials.csv of a directory, makes a source over them, and compares
-- what the views and functions say with reference.csv, which an independent program computed: once while nothing is
-- stored, and once from stored days.
--
--   psql -v dir=DIRECTORY -d DATABASE -f test/oracle/real_data.sql
--
-- sessions.csv   user_name, host, server, started_at, ended_at (empty: still open)
-- denials.csv    user_name, host, server, denied_at
-- reference.csv  server (* for all), measure, value, first_at (the instant or day at which the value is first reached)
-- Times are the wall clock of the log written as UTC, so the zone is UTC. Prints a line for each measure, and last the
-- number of differences. What it makes lives in the schema real_data and the source real_source, dropped at the end.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?dir}
\else
\echo 'Say where the files are: psql -v dir=DIRECTORY'
\quit
\endif
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE EXTENSION IF NOT EXISTS headcount CASCADE;

CREATE SCHEMA real_data;
CREATE TABLE real_data.session (id bigint GENERATED ALWAYS AS IDENTITY, user_name text, host text, server text, started_at timestamptz, ended_at timestamptz);
CREATE TABLE real_data.denial (user_name text, host text, server text, denied_at timestamptz);
CREATE TABLE real_data.reference (server text, measure text, value bigint, first_at text);
-- \copy reads no variables; a variable that holds the whole command does.
\set load '\\copy real_data.session (user_name, host, server, started_at, ended_at) FROM ''' :dir '/sessions.csv'' WITH (FORMAT csv, HEADER)'
:load
\set load '\\copy real_data.denial FROM ''' :dir '/denials.csv'' WITH (FORMAT csv, HEADER)'
:load
\set load '\\copy real_data.reference FROM ''' :dir '/reference.csv'' WITH (FORMAT csv, HEADER)'
:load
ANALYZE real_data.session;
ANALYZE real_data.denial;

-- The log ends with its last instant; what is open then lasts until then.
SELECT max(t) AS log_end FROM (SELECT started_at FROM real_data.session UNION ALL SELECT ended_at FROM real_data.session UNION ALL SELECT denied_at FROM real_data.denial) AS i (t) \gset
SELECT headcount.create_source('real_source', 'real_data.session', 'user_name', 'host', 'started_at', 'ended_at', server => 'server',
    denials => 'real_data.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_server => 'server', denied_host => 'host',
    time_zone => 'UTC', licensing_model => '2013') \gset
SET headcount.as_of = :'log_end';

-- Every measure for every server and for '*', each from where its user would take it.
CREATE TEMP VIEW day AS
    SELECT server, day, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at FROM real_source.daily_user_counts_by_server
    UNION ALL
    SELECT '*', day, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at FROM real_source.daily_user_counts;

CREATE TEMP TABLE peak AS
    SELECT CASE WHEN grouping(server) = 1 THEN '*' ELSE server END AS server,
           headcount.max_concurrent(started_at, ended_at) AS sessions,
           headcount.unique_count(user_name) AS distinct_users,
           headcount.presence_agg(id, started_at, ended_at) AS of_sessions,
           headcount.presence_agg(user_name, started_at, ended_at) AS of_users,
           headcount.presence_agg(host, started_at, ended_at) AS of_hosts
    FROM real_data.session GROUP BY GROUPING SETS ((server), ());

CREATE TEMP TABLE answer (days text, server text, measure text, source text, value bigint, first_at text);
PREPARE take_answers (text) AS
INSERT INTO answer SELECT $1, a.* FROM (
    SELECT server, 'peak_sessions', 'max_concurrent(start, end)', sessions, NULL FROM peak UNION ALL
    SELECT server, 'peak_sessions', 'peak of a presence', k.concurrent, to_char(k.at, 'YYYY-MM-DD HH24:MI:SS') FROM peak, headcount.peak(of_sessions) AS k UNION ALL
    SELECT server, 'peak_users', 'peak of a presence', k.concurrent, to_char(k.at, 'YYYY-MM-DD HH24:MI:SS') FROM peak, headcount.peak(of_users) AS k UNION ALL
    SELECT server, 'peak_hosts', 'peak of a presence', k.concurrent, to_char(k.at, 'YYYY-MM-DD HH24:MI:SS') FROM peak, headcount.peak(of_hosts) AS k UNION ALL
    (SELECT DISTINCT ON (server) server, 'peak_hosts', 'daily view', concurrent_hosts, to_char(concurrent_hosts_at, 'YYYY-MM-DD HH24:MI:SS') FROM day ORDER BY server, concurrent_hosts DESC, day) UNION ALL
    (SELECT DISTINCT ON (server) server, 'max_daily_users', 'daily view', daily_users, day::text FROM day ORDER BY server, daily_users DESC, day) UNION ALL
    SELECT server, 'sum_daily_users', 'daily view', sum(daily_users), NULL FROM day GROUP BY server UNION ALL
    SELECT server, 'distinct_users', 'unique_count', distinct_users, NULL FROM peak UNION ALL
    SELECT '*', 'distinct_users', 'unique_users', headcount.unique_users('real_source', min(day), max(day)), NULL FROM day UNION ALL
    SELECT server, 'denied_events', 'daily view', sum(denials), NULL FROM day GROUP BY server UNION ALL
    SELECT server, 'denied_user_days', 'daily view', sum(denial_users), NULL FROM day GROUP BY server UNION ALL
    (SELECT DISTINCT ON (server) server, 'max_daily_denied_users', 'daily view', denial_users, day::text FROM day ORDER BY server, denial_users DESC, day)) AS a;
EXECUTE take_answers ('live');
RESET headcount.as_of;
CALL headcount.refresh('real_source');
SET headcount.as_of = :'log_end';
EXECUTE take_answers ('stored');
SELECT format('%s of %s days are stored', count(*) FILTER (WHERE day < headcount_internal.live_day('real_source.rollup_state')), count(*)) AS stored FROM day WHERE server = '*' \gset
SELECT count(*) AS differences_found_by_verify FROM headcount.verify('real_source') \gset

CREATE TEMP TABLE verdict AS
    SELECT a.days, r.server, r.measure, a.source, r.value AS expected, a.value AS got, r.first_at AS expected_at, a.first_at AS got_at,
           a.value IS NOT DISTINCT FROM r.value AND (r.first_at IS NULL OR a.first_at IS NULL AND a.source = 'max_concurrent(start, end)' OR a.first_at IS NOT DISTINCT FROM r.first_at) AS same
    FROM real_data.reference AS r LEFT JOIN answer AS a USING (server, measure);
\pset tuples_only on
\pset format unaligned
\pset fieldsep ' '
SELECT CASE WHEN same THEN 'ok       ' ELSE 'DIFFERENT' END, rpad(coalesce(days, '-'), 7), rpad(server, 10), rpad(measure, 22), rpad(coalesce(source, 'no answer'), 26), coalesce(got::text, '-'), coalesce(got_at, ''),
       CASE WHEN NOT same THEN format('expected %s %s', expected, expected_at) ELSE '' END
FROM verdict ORDER BY server, measure, source, days;
SELECT format('%s sessions, %s denials, %s measures, %s comparisons, %s differences', (SELECT count(*) FROM real_data.session), (SELECT count(*) FROM real_data.denial),
              (SELECT count(*) FROM real_data.reference), count(*), count(*) FILTER (WHERE NOT same)) FROM verdict;
\echo :stored, verify finds :differences_found_by_verify differences
DROP VIEW day;
SELECT headcount.drop_source('real_source') \gset
DROP SCHEMA real_data CASCADE;
