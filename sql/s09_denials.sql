-- S9  A denial is an instant: denial_users are the distinct users denied that day, denials how many there were.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- 15 June: anna three times (retries), bert once; at the midnight that ends it cora, who so belongs to the 16th; a tick
-- before it dora, the 15th. A denial without a user, without an instant, and one after as_of count nowhere.
-- Expected: 15th 3 users (anna, bert, dora), 5 denials; 16th 1 (cora), 1.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES
    ('anna', 's', '2024-06-15 09:00'), ('anna', 's', '2024-06-15 09:00'), ('anna', 't', '2024-06-15 10:00'),
    ('bert', 's', '2024-06-15 00:00'), ('cora', 's', '2024-06-16 00:00'), ('dora', 's', '2024-06-15 23:59:59.999999'),
    ('', 's', '2024-06-15 10:00'), ('emil', 's', NULL), ('fred', 's', '-infinity'), ('gina', 's', '2024-06-16 12:00:00.000001'), ('hugo', 's', 'infinity');
SELECT judge.source('s09', oracle.params('2024-06-16 12:00'));
SELECT * FROM s09.daily_user_counts ORDER BY day;
-- Denied but never in: no daily users under 2013, which counts who used; denial users all the same.
SELECT day, total_users, daily_users, denial_users, denials FROM s09.daily_user_counts_2013 ORDER BY day;
-- On the servers: anna on s and t; total_users are the server's own.
SELECT day, server, total_users, denial_users, denials FROM s09.daily_user_counts_by_server ORDER BY day, server;
SELECT user_name, denied_at, is_false_denial FROM s09.denials ORDER BY denied_at, user_name;
SELECT rule, denial_rows FROM s09.data_quality ORDER BY rule;
SELECT u FROM headcount.users_on('s09', '2024-06-15', 'denied') AS u ORDER BY 1;

-- Through the functions: a presence of instants.
SELECT d.day, d.daily_users, d.denial_users FROM
    (SELECT headcount.presence_agg(user_name, denied_at) AS n FROM oracle.denial WHERE user_name <> '') AS a,
    headcount.daily_user_counts(NULL, n, NULL, 'UTC', as_of => '2024-06-16 12:00') AS d ORDER BY day;

-- A source that was told of no denials has none.
SELECT headcount.create_source('s09none', 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', time_zone => 'UTC');
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES ('anna', 'h1', 's', '2024-06-16 10:00', NULL);
SELECT total_users, daily_users, denial_users, denials FROM s09none.daily_user_counts;
SELECT count(*) FROM s09none.denials;
SELECT rule, denial_rows FROM s09none.data_quality WHERE denial_rows <> 0;
SELECT headcount.drop_source('s09none');

-- Denials at every bound of a short day.
SELECT oracle.load_around('2024-03-31', 'Europe/Warsaw');
TRUNCATE oracle.session;
SELECT judge.run('s09', oracle.params('2024-04-03 12:00', 'Europe/Warsaw'));
SELECT oracle.load_random(109, 30, 400, '2024-06-01', '2024-06-12', users => 15);
SELECT judge.run('s09', oracle.params('2024-06-11 12:00', 'Europe/Warsaw', '2013'));
SELECT headcount.drop_source('s09');
