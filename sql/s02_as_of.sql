-- S2  Open sessions last until as_of inclusive; what starts later is ignored; what ends later is clipped.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- as_of is 12:00 sharp.                                          online at 12:00?
--   a  open since 11:00                                              yes
--   b  11:00-12:00, ended at as_of                                   no
--   c  11:00-12:00:00.000001, ends a tick later                      yes
--   d  open since 12:00                                              yes
--   e  open since 12:00:00.000001                                    no, future
--   f  an instant at 12:00                                           yes
--   g  11:00-13:00, ends later                                       yes
--   h  an instant a tick before 12:00                                no
--   i  12:00-13:00                                                   yes
--   j  from 13:00 on, closed                                         no, future
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('a', 'ha', 's', '2024-06-15 11:00', NULL),
    ('b', 'hb', 's', '2024-06-15 11:00', '2024-06-15 12:00'),
    ('c', 'hc', 's', '2024-06-15 11:00', '2024-06-15 12:00:00.000001'),
    ('d', 'hd', 's', '2024-06-15 12:00', 'infinity'),
    ('e', 'he', 's', '2024-06-15 12:00:00.000001', NULL),
    ('f', 'hf', 's', '2024-06-15 12:00', '2024-06-15 12:00'),
    ('g', 'hg', 's', '2024-06-15 11:00', '2024-06-15 13:00'),
    ('h', 'hh', 's', '2024-06-15 11:59:59.999999', '2024-06-15 11:59:59.999999'),
    ('i', 'hi', 's', '2024-06-15 12:00', '2024-06-15 13:00'),
    ('j', 'hj', 's', '2024-06-15 13:00', '2024-06-15 14:00');
SELECT judge.source('s02', oracle.params('2024-06-15 12:00'));

-- a, c, d, f, g, i: six, each with one connection.
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS online, sum(online_count) FROM s02.online_users;
SELECT headcount.online_count(started_at, ended_at, '2024-06-15 12:00') FROM oracle.session;

-- The day: everybody but e and j, 8 users. Hosts at 11:59:59.999999: a b c g h = 5; at 12:00: a c d f g i = 6.
SELECT * FROM s02.daily_user_counts;

-- The same through the presence, which keeps what is open open, and takes as_of when read: here 11:30, a b c g.
SELECT day, unique_keys, new_keys, max_concurrent, max_concurrent_at
FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
     headcount.daily_activity(p, 'UTC', as_of => '2024-06-15 11:30');

-- The past is reproduced by setting as_of back: at 11:30 the same four are online, and the 15th has 4 users.
SET headcount.as_of = '2024-06-15 11:30+00';
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS online FROM s02.online_users;
SELECT daily_users, concurrent_hosts, concurrent_hosts_at, complete FROM s02.daily_user_counts;
-- The function's own as_of goes before the setting.
SELECT user_name, online_count FROM headcount.online_counts('s02', ARRAY['b', 'd', 'j'], '2024-06-15 13:30');
-- Before the first start there is nothing: no rows, nobody.
SET headcount.as_of = '2024-06-15 10:59:59.999999+00';
SELECT count(*) FROM s02.daily_user_counts;
SELECT count(*) FROM s02.online_sessions;

-- as_of at midnight belongs to the new day: open a, d, e (and nobody else) are there on the 16th for one tick; the
-- 15th is complete, the 16th is not. On the 15th: all ten; hosts at 12:00:00.000001: a d e g i = 5, at 12:00 six.
SET headcount.as_of = '2024-06-16 00:00+00';
SELECT day, daily_users, concurrent_hosts, concurrent_hosts_at, complete FROM s02.daily_user_counts ORDER BY day;
-- One tick before it, the 15th is still today.
SET headcount.as_of = '2024-06-15 23:59:59.999999+00';
SELECT day, daily_users, complete FROM s02.daily_user_counts ORDER BY day;

-- Unset, the views read as of now(): the open ones are online, and the last row is today, not complete.
RESET headcount.as_of;
SELECT string_agg(user_name, ' ' ORDER BY user_name) AS online FROM s02.online_users;
SELECT count(*) FILTER (WHERE NOT complete) AS partial, max(day) = (now() AT TIME ZONE 'UTC')::date AS up_to_today FROM s02.daily_user_counts;

-- Random rows, as of instants on the grid: in the middle, on a midnight, before the first and after the last row.
SELECT oracle.load_random(102, 400, 200, '2024-06-01', '2024-06-20');
SELECT at, judge.run('s02', oracle.params(at))
FROM unnest(ARRAY[timestamptz '2024-06-10 12:00', '2024-06-11 00:00', '2024-06-01 00:00', '2024-06-25 17:00']) AS at;
SELECT headcount.drop_source('s02');
