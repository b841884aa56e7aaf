-- S3  An open session that was not heard of for the idle limit ends there; a closed one's end is trusted.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- as_of 12:00, idle limit 30 minutes.
--   a  last seen 11:29:59  ->  ended 11:59:59, stale
--   b  last seen 11:30     ->  would end at as_of, which is not before it: still open
--   c  never seen, started 11:00  ->  ended 11:30, stale
--   d  never seen, started 11:45  ->  open
--   e  started 11:50, last seen 10:00, before it  ->  ended one tick after its start, stale
--   f  closed at 11:40, last seen 10:30  ->  its end is trusted
--   g  closed at 13:00, last seen 10:30  ->  online, trusted
--   h  last seen at infinity  ->  open      i  last seen at -infinity  ->  ended one tick after its start
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at, last_seen) VALUES
    ('a', 'ha', 's', '2024-06-15 11:00', NULL, '2024-06-15 11:29:59'),
    ('b', 'hb', 's', '2024-06-15 11:00', NULL, '2024-06-15 11:30'),
    ('c', 'hc', 's', '2024-06-15 11:00', 'infinity', NULL),
    ('d', 'hd', 's', '2024-06-15 11:45', NULL, NULL),
    ('e', 'he', 's', '2024-06-15 11:50', NULL, '2024-06-15 10:00'),
    ('f', 'hf', 's', '2024-06-15 10:00', '2024-06-15 11:40', '2024-06-15 10:30'),
    ('g', 'hg', 's', '2024-06-15 10:00', '2024-06-15 13:00', '2024-06-15 10:30'),
    ('h', 'hh', 's', '2024-06-15 11:00', NULL, 'infinity'),
    ('i', 'hi', 's', '2024-06-15 11:00', NULL, '-infinity');
CREATE TEMP TABLE untouched AS SELECT * FROM oracle.session;
SELECT judge.source('s03', oracle.params('2024-06-15 12:00', idle_limit => '30 minutes'));
SELECT user_name, ended_at, is_open, is_stale FROM s03.sessions ORDER BY user_name;
-- b, d, g, h.
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS online FROM s03.online_users;
-- 9 users. Hosts at 11:00: a b c h i and f g = 7, the most there ever are.
SELECT daily_users, concurrent_hosts, concurrent_hosts_at FROM s03.daily_user_counts;
SELECT rule, session_rows FROM s03.data_quality WHERE rule = 'stale';
SELECT count(*) AS changed FROM (TABLE oracle.session EXCEPT ALL TABLE untouched) AS d;

-- A day later b, d are stale too, and end on the 15th: on the 16th only h is there, and a row says so.
SET headcount.as_of = '2024-06-16 12:00+00';
SELECT day, daily_users FROM s03.daily_user_counts ORDER BY day;
-- Heard of again, b is open again.
UPDATE oracle.session SET last_seen = '2024-06-16 11:55' WHERE user_name = 'b';
SELECT day, daily_users FROM s03.daily_user_counts ORDER BY day;
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS online FROM s03.online_users;

-- Without an idle limit nothing is stale, whatever last_seen says: 15th a b c d e g h i are online with f gone.
SELECT judge.source('s03', oracle.params('2024-06-15 12:00'));
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS online, (SELECT count(*) FROM s03.sessions WHERE is_stale) AS stale FROM s03.online_users;

SELECT oracle.load_random(103, 400, 100, '2024-06-01', '2024-06-20');
SELECT idle, judge.run('s03', oracle.params('2024-06-15 12:00', idle_limit => idle))
FROM unnest(ARRAY[interval '0', '30 minutes', '40 hours']) AS idle;
SELECT headcount.drop_source('s03');
