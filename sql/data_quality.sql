-- data_quality: every rule has its row, also with 0; a row may count under several; what it says is what is left out.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- as_of 15 June 12:00, idle limit an hour.
--    rows                                                               rules
--  1 reversed                                                           reversed
--  2 no start                                                           no_start
--  3 start -infinity                                                    no_start
--  4 a tick after as_of                                                 future
--  5 no user, no host                                                   no_user no_host
--  6 '' user                                                            no_user
--  7 '' host, reversed, in the future                                   no_host reversed future
--  8 open, last seen two hours ago                                      stale
--  9, 10 open, same user, host, server and start                        duplicate_open (2 rows)
-- 11 as 9, but closed                                                   -
-- 12, 13 closed twice alike                                             -
-- 14 starts at as_of                                                    -
TRUNCATE oracle.session, oracle.denial RESTART IDENTITY;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at, last_seen) VALUES
    ('a', 'h', 's', '2024-06-15 10:00', '2024-06-15 09:00', NULL),
    ('b', 'h', 's', NULL, '2024-06-15 09:00', NULL),
    ('c', 'h', 's', '-infinity', '2024-06-15 09:00', NULL),
    ('d', 'h', 's', '2024-06-15 12:00:00.000001', NULL, NULL),
    (NULL, NULL, 's', '2024-06-15 10:00', '2024-06-15 11:00', NULL),
    ('', 'h', 's', '2024-06-15 10:00', '2024-06-15 11:00', NULL),
    ('e', '', 's', '2024-06-15 13:00', '2024-06-15 11:00', NULL),
    ('f', 'h', 's', '2024-06-15 09:00', NULL, '2024-06-15 10:00'),
    ('g', 'h', 's', '2024-06-15 11:30', NULL, NULL),
    ('g', 'h', 's', '2024-06-15 11:30', 'infinity', NULL),
    ('g', 'h', 's', '2024-06-15 11:30', '2024-06-15 11:40', NULL),
    ('h', 'h', 's', '2024-06-15 11:30', '2024-06-15 11:40', NULL),
    ('h', 'h', 's', '2024-06-15 11:30', '2024-06-15 11:40', NULL),
    ('i', 'h', 's', '2024-06-15 12:00', NULL, NULL);
-- Denials: one without an instant, one in the future and without a user, one without a host, one right.
INSERT INTO oracle.denial (user_name, host, server, denied_at) VALUES
    ('a', 'h', 's', NULL), ('', 'h', 's', '2024-06-15 13:00'), ('b', NULL, 's', '2024-06-15 10:00'), ('c', 'h', 's', '2024-06-15 10:00');
SELECT judge.source('dq', oracle.params('2024-06-15 12:00', idle_limit => '1 hour'));
-- reversed 2, no_start 2 and 1, future 2 and 1, no_user 2 and 1, no_host 2 and 1, stale 1, duplicate_open 2
SELECT rule, session_rows, denial_rows, example IS NOT NULL AS has_example FROM dq.data_quality ORDER BY rule;
-- An example names what is wrong; nobody's name breaks it.
SELECT count(*) FROM dq.data_quality WHERE example IS NULL AND session_rows + denial_rows > 0;

-- Nothing wrong: every rule still there, with zeros. Nothing at all: the same.
DELETE FROM oracle.session WHERE user_name IS DISTINCT FROM 'h';
TRUNCATE oracle.denial;
SELECT rule, session_rows, denial_rows, example FROM dq.data_quality ORDER BY rule;
TRUNCATE oracle.session;
SELECT count(*), sum(session_rows + denial_rows) FROM dq.data_quality;

-- A source without last_seen, denials or server has the same rules.
INSERT INTO oracle.session (user_name, host, server, started_at) VALUES ('a', 'h', 's1', '2024-06-15 10:00'), ('a', 'h', 's2', '2024-06-15 10:00'), (E'x"; DROP\nTABLE', 'h', 's2', NULL);
SELECT headcount.create_source('dqbare', 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', time_zone => 'UTC');
-- without a server the two open rows are duplicates
SELECT rule, session_rows, denial_rows FROM dqbare.data_quality ORDER BY rule;
-- What it was not given stays so, however often its views are made anew.
CREATE TABLE dqbare_before AS SELECT rule, session_rows, denial_rows FROM dqbare.data_quality;
SELECT headcount.alter_source('dqbare', time_zone => zone) FROM unnest('{Asia/Tokyo,Europe/Paris,UTC}'::text[]) AS zone;
SELECT judge.compare('SELECT rule, session_rows, denial_rows FROM dqbare.data_quality', 'TABLE dqbare_before');
SELECT has_servers FROM headcount_internal.look_up_source('dqbare');
DROP TABLE dqbare_before;
SELECT headcount.drop_source('dqbare');

SELECT oracle.load_random(501, 500, 300, '2024-06-01', '2024-06-20', '6 hours', 5, 3);
SELECT judge.source('dq', oracle.params('2024-06-10 12:00', idle_limit => '40 hours'));
SELECT at, judge.compare('SELECT rule, session_rows, denial_rows FROM dq.data_quality', format('SELECT * FROM oracle.data_quality(%L)', p))
FROM (SELECT at, oracle.params(at, idle_limit => '40 hours') AS p, set_config('headcount.as_of', at::text, false) FROM unnest(ARRAY[timestamptz '2024-06-10 12:00', '2024-06-30', '2024-05-01']) AS at) AS x;
SELECT headcount.drop_source('dq');
