-- S11 A false denial: its user gets a session within the limits, both included, also across midnight.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Denied at 12:00:00 each; the session starts ...          5 s before .. 2 s after     false?
--   a  5 s before            yes      b  5.000001 s before   no
--   c  2 s after             yes      d  2.000001 s after    no
--   e  at the same time      yes      f  never               no
--   g  1 s after, reversed: no session                       no
--   h  1 s after, an instant                                 yes
--   i  1 s after, on another server                          yes
--   j  1 s after, of another user (J)                        no
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('a', 'h', 's', '2024-06-15 11:59:55', '2024-06-15 13:00'),
    ('b', 'h', 's', '2024-06-15 11:59:54.999999', '2024-06-15 13:00'),
    ('c', 'h', 's', '2024-06-15 12:00:02', '2024-06-15 13:00'),
    ('d', 'h', 's', '2024-06-15 12:00:02.000001', '2024-06-15 13:00'),
    ('e', 'h', 's', '2024-06-15 12:00', NULL),
    ('g', 'h', 's', '2024-06-15 12:00:01', '2024-06-15 12:00'),
    ('h', 'h', 's', '2024-06-15 12:00:01', '2024-06-15 12:00:01'),
    ('i', 'h', 't', '2024-06-15 12:00:01', '2024-06-15 13:00'),
    ('J', 'h', 's', '2024-06-15 12:00:01', '2024-06-15 13:00');
INSERT INTO oracle.denial (user_name, server, denied_at) SELECT unnest(ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']), 's', '2024-06-15 12:00';
SELECT judge.source('s11', oracle.params('2024-06-15 14:00', false_denial_before => '5 seconds', false_denial_after => '2 seconds'));
-- false: a c e h i
SELECT string_agg(user_name, ' ' ORDER BY user_name) FILTER (WHERE is_false_denial) AS false, string_agg(user_name, ' ' ORDER BY user_name) FILTER (WHERE NOT is_false_denial) AS true FROM s11.denials;
-- true: b d f g j = 5 users, 5 denials; users of the day: a b c d e h i J used, f g j denied = 11
SELECT total_users, daily_users, denial_users, denials FROM s11.daily_user_counts;

-- One limit given, the other takes its default: 5 s before, 2 s after. Neither: the option is off.
SELECT judge.source('s11', oracle.params('2024-06-15 14:00', false_denial_before => '0 seconds'));
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS false FROM s11.denials WHERE is_false_denial;     -- c e h i
SELECT judge.source('s11', oracle.params('2024-06-15 14:00', false_denial_after => '3 seconds'));
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS false FROM s11.denials WHERE is_false_denial;     -- a c d e h i
SELECT judge.source('s11', oracle.params('2024-06-15 14:00'));
SELECT count(*) FILTER (WHERE is_false_denial) AS false, count(*) FROM s11.denials;
SELECT denial_users, denials FROM s11.daily_user_counts;

-- Across midnight, and across as_of. anna is denied a second before midnight and let in a second after it: the session
-- of the 16th makes the denial of the 15th false. bert the other way round. Under 2019 nobody then was there on the 15th
-- but bert: first day the 15th with 1 user; the 16th has both.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h', 's', '2024-06-16 00:00:01', NULL), ('bert', 'h', 's', '2024-06-15 23:59:59', NULL);
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('anna', 's', '2024-06-15 23:59:59'), ('bert', 's', '2024-06-16 00:00:01');
SELECT judge.source('s11', oracle.params('2024-06-16 12:00', false_denial_before => '5 seconds'));
SELECT day, total_users, daily_users, denial_users, denials FROM s11.daily_user_counts ORDER BY day;
SELECT count(*) FROM headcount.users_on('s11', '2024-06-15', 'denied');
SELECT headcount.unique_users('s11', '2024-06-01', '2024-06-30', 'denied') AS denied, headcount.unique_users('s11', '2024-06-01', '2024-06-30', 'total') AS total;
-- As of midnight itself anna is not in yet: the denial is not false, so far.
SET headcount.as_of = '2024-06-16 00:00+00';
SELECT day, daily_users, denial_users FROM s11.daily_user_counts ORDER BY day;

-- Only sessions that count make a denial false: a stale one does, it started.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, last_seen) VALUES ('anna', 'h', 's', '2024-06-15 12:00:01', '2024-06-15 12:00:01');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('anna', 's', '2024-06-15 12:00');
SELECT judge.source('s11', oracle.params('2024-06-16 12:00', idle_limit => '1 hour', false_denial_after => '2 seconds'));
SELECT user_name, is_false_denial FROM s11.denials;

-- Random rows, limits and models.
SELECT oracle.load_random(111, 200, 50, '2024-06-01', '2024-06-12', '2 hours');
SELECT model, b, a, judge.run('s11', oracle.params('2024-06-11 12:00', 'Europe/Warsaw', model, 5, '{s0,s1}', NULL, b, a))
FROM (VALUES ('2013', interval '5 seconds', interval '2 seconds'), ('2019', '0', '0'), ('2019', NULL, '1 day'), ('2013', '3 hours', NULL)) AS v (model, b, a);
SELECT headcount.drop_source('s11');
