-- S10 The three licensing models, and the realtime servers.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Realtime server r, other server o, N = 2. One row each, by day:
--              1 June            2 June           3 June          4 June
--   anna       r h1 10-11
--   bert       o h2 10-11
--   cora       denied on r       denied on o      r h3 10-11
--   dora                         denied on r
--   emil       no server h4                                         
-- 2013 (realtime sessions; the last 2 days): daily 1, 0, 1, 0; total 1, 1, 1, 1; denial users (on r) 1, 1, 0, 0;
--       hosts 1, 0, 1, 0.
-- 2019 (sessions and denials anywhere; all history): daily: anna bert cora emil = 4; cora dora = 2; cora 1; 0;
--       total 4, 5, 5, 5; denial users 1, 2, 0, 0; hosts: h1 h2 h4 at once = 3, 0, 1, 0.
-- 2025 (the same, but the last 2 days): total 4, 5, 2 (cora dora), 1 (cora).
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 'r', '2024-06-01 10:00', '2024-06-01 11:00'),
    ('bert', 'h2', 'o', '2024-06-01 10:00', '2024-06-01 11:00'),
    ('emil', 'h4', NULL, '2024-06-01 10:00', '2024-06-01 11:00'),
    ('cora', 'h3', 'r', '2024-06-03 10:00', '2024-06-03 11:00');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES
    ('cora', 'r', '2024-06-01 09:00'), ('cora', 'o', '2024-06-02 09:00'), ('dora', 'r', '2024-06-02 09:00');
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2013', window_days => 2, realtime_servers => '{r}'));
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts FROM s10.daily_user_counts ORDER BY day;
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts FROM s10.daily_user_counts_2019 ORDER BY day;
SELECT judge.compare('TABLE s10.daily_user_counts', 'TABLE s10.daily_user_counts_2013');
SELECT day, server, total_users, daily_users, denial_users, denials FROM s10.daily_user_counts_by_server ORDER BY day, server;
SELECT user_name, is_realtime FROM s10.sessions ORDER BY user_name;

-- The same source under 2019; its own view follows.
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2019', window_days => 2, realtime_servers => '{r}'));
SELECT judge.compare('TABLE s10.daily_user_counts', 'TABLE s10.daily_user_counts_2019');
SELECT day, server, total_users, daily_users, denial_users, denials FROM s10.daily_user_counts_by_server ORDER BY day, server;
SELECT ucd, uct, ucdy, ucde, ucch FROM s10.realtime_users_count ORDER BY ucd;

-- And under 2025.
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2025', window_days => 2, realtime_servers => '{r}'));
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts FROM s10.daily_user_counts ORDER BY day;
SELECT judge.compare('TABLE s10.daily_user_counts', 'TABLE s10.daily_user_counts_2025');
SELECT day, server, total_users, daily_users, denial_users, denials FROM s10.daily_user_counts_by_server ORDER BY day, server;
SELECT what, array_agg(u ORDER BY u) FROM unnest(ARRAY['daily', 'used', 'denied', 'new', 'total']) AS what, LATERAL headcount.users_on('s10', '2024-06-03', what) AS u GROUP BY what ORDER BY what;
-- Unless it is told, a source has 14 last days under 2013 and 30 under 2025, side by side: who came on the 1st counts until the
-- 14th, or the 30th; a denied one, of the 2nd, under 2025 alone, until 1 July.
SELECT judge.source('s10', oracle.params('2024-07-10 12:00', model => model)) FROM unnest(ARRAY['2013', '2019', '2025']) AS model;
DELETE FROM oracle.session WHERE user_name <> 'anna';
DELETE FROM oracle.denial WHERE user_name <> 'dora';
SELECT max(day) FILTER (WHERE c13.total_users > 0) AS last_2013, max(day) FILTER (WHERE c25.total_users > 1) AS last_of_both, max(day) FILTER (WHERE c25.total_users > 0) AS last_2025
FROM s10.daily_user_counts_2013 AS c13 FULL JOIN s10.daily_user_counts_2025 AS c25 USING (day);
CALL headcount.refresh('s10');
SELECT max(day) FILTER (WHERE c13.total_users > 0) AS last_2013, max(day) FILTER (WHERE c25.total_users > 1) AS last_of_both, max(day) FILTER (WHERE c25.total_users > 0) AS last_2025
FROM s10.daily_user_counts_2013 AS c13 FULL JOIN s10.daily_user_counts_2025 AS c25 USING (day);
SELECT headcount.alter_source('s10', licensing_model => '2013');
CALL headcount.refresh('s10');
SELECT max(day) FILTER (WHERE c13.total_users > 0) AS last_2013, max(day) FILTER (WHERE c25.total_users > 1) AS last_of_both, max(day) FILTER (WHERE c25.total_users > 0) AS last_2025
FROM s10.daily_user_counts_2013 AS c13 FULL JOIN s10.daily_user_counts_2025 AS c25 USING (day);
SELECT * FROM headcount.verify('s10');

-- How many users are paid for: two, under 2025, so 1 June to 30 June is too many for a limit of one, and more than a quarter too many.
SELECT to_regclass('s10.user_limit_breaches') IS NULL AS none_without_limit;
SELECT headcount.alter_source('s10', licensing_model => '2025', user_limit => 1);
SELECT * FROM s10.user_limit_breaches WHERE day IN ('2024-06-01', '2024-06-02', '2024-07-01', '2024-07-02') ORDER BY day;
SELECT min(day), max(day), count(*) FROM s10.user_limit_breaches WHERE is_over;
SELECT judge.sqlstate($$SELECT headcount.alter_source('s10', user_limit => 0)$$) AS at_least_one;
-- Two of two are paid for; a quarter more than four is not yet beyond the grace.
SELECT headcount.alter_source('s10', user_limit => 2);
SELECT count(*) FROM s10.user_limit_breaches WHERE is_over;
INSERT INTO oracle.session (user_name, started_at, ended_at) SELECT 'guest ' || n, '2024-06-01 10:00', '2024-06-01 11:00' FROM generate_series(1, 3) AS n;
SELECT headcount.alter_source('s10', user_limit => 4);
SELECT * FROM s10.user_limit_breaches WHERE day IN ('2024-06-01', '2024-06-02') ORDER BY day;
DELETE FROM oracle.session WHERE user_name LIKE 'guest %';
SELECT headcount.alter_source('s10', reset => ARRAY['user_limit']);
SELECT count(*) FROM s10.user_limit_breaches;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('bert', 'h2', 'o', '2024-06-01 10:00', '2024-06-01 11:00'),
    ('emil', 'h4', NULL, '2024-06-01 10:00', '2024-06-01 11:00'),
    ('cora', 'h3', 'r', '2024-06-03 10:00', '2024-06-03 11:00');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('cora', 'r', '2024-06-01 09:00'), ('cora', 'o', '2024-06-02 09:00');
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2019', window_days => 2, realtime_servers => '{r}'));

-- Evidence follows the model, of every kind.
SELECT what, array_agg(u ORDER BY u) FROM unnest(ARRAY['daily', 'used', 'denied', 'new', 'total']) AS what, LATERAL headcount.users_on('s10', '2024-06-02', what) AS u GROUP BY what ORDER BY what;
-- cora was new on the 1st (a denial makes a user new under 2019); under 2013 she is on the 3rd.
SELECT u AS new_2019 FROM headcount.users_on('s10', '2024-06-03', 'new') AS u;
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2013', window_days => 2, realtime_servers => '{r}'));
SELECT u AS new_2013 FROM headcount.users_on('s10', '2024-06-03', 'new') AS u;
SELECT what, array_agg(u ORDER BY u) FROM unnest(ARRAY['daily', 'used', 'denied', 'new', 'total']) AS what, LATERAL headcount.users_on('s10', '2024-06-02', what) AS u GROUP BY what ORDER BY what;

-- Without realtime_servers all are realtime: the models then differ by denials and window alone. No server is in '{}'.
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2013', window_days => 2));
SELECT day, total_users, daily_users, denial_users, concurrent_hosts FROM s10.daily_user_counts ORDER BY day;
SELECT judge.source('s10', oracle.params('2024-06-04 12:00', model => '2013', realtime_servers => '{}'));
SELECT count(*) FROM s10.daily_user_counts;

-- 2019 totals whatever from_day says: on the 4th, 5.
SELECT d.day, d.total_users, d.daily_users FROM
    (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS u FROM oracle.session) AS a,
    (SELECT headcount.presence_agg(user_name, denied_at) AS n FROM oracle.denial) AS b,
    headcount.daily_user_counts(u, n, NULL, 'UTC', '2019', 2, '2024-06-03', '2024-06-04', '2024-06-04 12:00') AS d ORDER BY day;

-- Random rows under each model, window and set of realtime servers, against the oracle; and what must hold whatever
-- the data: total >= daily, 2019's total never falls, denied <= daily under 2019, hosts at once <= hosts that day.
SELECT oracle.load_random(110, 200, 120, '2024-06-01', '2024-06-30');
SELECT model, servers, judge.run('s10', oracle.params('2024-06-25 12:00', 'Europe/Warsaw', model, 5, servers))
FROM unnest(ARRAY['2013', '2019', '2025']) AS model, (VALUES (NULL), ('{s0}'::text[]), ('{s1,s2,nowhere}')) AS r (servers) ORDER BY 1, 2;
SELECT judge.source('s10', oracle.params('2024-06-25 12:00', 'Europe/Warsaw', '2019', 5));
SELECT count(*) > 20 AS days, bool_and(c13.total_users >= c13.daily_users) AS total13, bool_and(c19.total_users >= c19.daily_users) AS total19,
       bool_and(c19.total_users >= c19.before) AS never_falls, bool_and(c19.denial_users <= c19.daily_users) AS denied,
       bool_and(c19.concurrent_hosts <= (SELECT count(DISTINCT host) FROM s10.sessions AS s
                                         WHERE s.host <> '' AND s.started_at < (c19.day + 1)::timestamp AT TIME ZONE 'Europe/Warsaw'
                                           AND coalesce(s.ended_at, 'infinity') + oracle.tick() > c19.day::timestamp AT TIME ZONE 'Europe/Warsaw')) AS hosts,
       bool_and(c19.concurrent_hosts > 0 OR c19.concurrent_hosts_at IS NULL) AS no_peak_no_instant
FROM (SELECT *, coalesce(lag(total_users) OVER (ORDER BY day), 0) AS before FROM s10.daily_user_counts_2019) AS c19 JOIN s10.daily_user_counts_2013 AS c13 USING (day);
SELECT headcount.drop_source('s10');
