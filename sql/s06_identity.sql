-- S6  A user or host is the value of the expression, byte for byte; NULL and '' are nobody, and reported.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Eight spellings of which none equals another: 8 users.
SELECT headcount.unique_count(k), headcount.unique_count(headcount.presence_agg(k, timestamptz '2024-06-15 10:00')) FROM (VALUES
    ('anna'), ('Anna'), ('anna '), (' anna'), ('é'), (U&'e\0301'), ('ß'), ('ss')) AS v (k);
-- The aggregates skip NULL and take '' as a key like any other, as count(DISTINCT) does: 2.
SELECT headcount.unique_count(k), count(DISTINCT k), headcount.unique_count(headcount.presence_agg(k, timestamptz '2024-06-15 10:00')),
       headcount.max_concurrent(k, timestamptz '2024-06-15 10:00', NULL) FROM (VALUES (NULL), (''), ('a')) AS v (k);

-- In a source they are nobody. 15 June: anna on h1; NULL and '' users on h2, h3, whose hosts count all the same;
-- bert with no host ('' and NULL) counts as a user alone. So 2 users, and hosts h1, h2, h3 at once: 3.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-15 10:00', '2024-06-15 12:00'),
    (NULL,   'h2', 's', '2024-06-15 10:00', '2024-06-15 12:00'),
    ('',     'h3', 's', '2024-06-15 10:00', '2024-06-15 12:00'),
    ('bert', '',   's', '2024-06-15 10:00', '2024-06-15 12:00'),
    ('bert', NULL, 's', '2024-06-15 10:00', '2024-06-15 12:00'),
    (NULL,   NULL, 's', '2024-06-14 10:00', '2024-06-14 12:00');
-- A denial without a user counts nowhere, not even in denials: 1 and 1.
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES
    ('cora', 's', '2024-06-15 10:00'), (NULL, 's', '2024-06-15 10:00'), ('', 's', '2024-06-15 10:00'), ('', 's', '2024-06-13 10:00');
SELECT judge.source('s06', oracle.params('2024-06-15 11:00'));
-- The first day is the 15th: on the 13th and 14th there was nobody. Users anna, bert, cora (denied) under 2019.
SELECT * FROM s06.daily_user_counts;
SELECT daily_users FROM s06.daily_user_counts_2013;
-- The row of nobody is a session all the same, and online; the list of users knows only users.
SELECT user_name, online_count, hosts FROM s06.online_users ORDER BY user_name;
SELECT count(*), count(user_name), count(nullif(host, '')) FROM s06.online_sessions;
SELECT rule, session_rows, denial_rows FROM s06.data_quality WHERE rule IN ('no_user', 'no_host') ORDER BY rule;
SELECT * FROM headcount.online_counts('s06', ARRAY['anna', '', NULL, 'Anna'], '2024-06-15 11:00') WITH ORDINALITY ORDER BY 3;

-- One expression folds users everywhere: sessions, denials, asked-for names, drill-downs. Four spellings, one user.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at) VALUES
    ('Anna@realm', 'h1', 's', '2024-06-15 10:00'), ('ANNA', 'H1', 's', '2024-06-15 10:00'), ('@realm', 'h2', 's', '2024-06-15 10:00');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('aNNa@other', 's', '2024-06-15 10:30'), ('anna', 's', '2024-06-15 10:30:01');
SELECT headcount.create_source('s06fold', 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at',
    user_identity => 'lower(split_part(user_name, ''@'', 1))',
    denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', time_zone => 'UTC');
SET headcount.as_of = '2024-06-15 11:00+00';
-- 1 user, denied 2 times; hosts h1, H1, h2 are three: the identity is of users. What folds to '' is nobody.
SELECT total_users, daily_users, denial_users, denials, concurrent_hosts FROM s06fold.daily_user_counts;
SELECT user_name, online_count, hosts FROM s06fold.online_users;
SELECT user_name, online_count FROM headcount.online_counts('s06fold', ARRAY['ANNA@somewhere', 'anna', 'bert']) WITH ORDINALITY AS o (user_name, online_count, n) ORDER BY n;
SELECT * FROM headcount.users_on('s06fold', '2024-06-15', 'denied');
SELECT * FROM headcount.users_on('s06fold', '2024-06-15', 'used');
SELECT rule, session_rows FROM s06fold.data_quality WHERE rule = 'no_user';
SELECT headcount.drop_source('s06fold');

-- Hostile names survive every path unchanged, and stay apart: as keys, as rows, as asked-for names.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at)
SELECT n, n, n, '2024-06-15 10:00', '2024-06-15 12:00' FROM unnest(oracle.hostile_names()) AS n;
INSERT INTO oracle.denial (user_name, host, server, denied_at) SELECT n, n, n, '2024-06-15 11:00' FROM unnest(oracle.hostile_names()) AS n;
SELECT judge.run('s06', oracle.params('2024-06-15 11:30'));
SELECT judge.compare('SELECT headcount.keys(headcount.presence_agg(user_name, started_at, ended_at)) FROM oracle.session', 'SELECT unnest(oracle.hostile_names())');
SELECT judge.compare('SELECT headcount.keys(headcount.presence_agg(user_name, started_at, ended_at)::text::headcount.presence) FROM oracle.session', 'SELECT unnest(oracle.hostile_names())');

-- Random rows, a third of them without user or host.
SELECT oracle.load_random(106, 400, 200, '2024-06-01', '2024-06-20', users => 8, hosts => 4);
UPDATE oracle.session SET user_name = CASE WHEN oracle.dice(106, id, 'u', 2) = 0 THEN '' END WHERE oracle.dice(106, id, 'n', 3) = 0;
UPDATE oracle.session SET host = CASE WHEN oracle.dice(106, id, 'h', 2) = 0 THEN '' END WHERE oracle.dice(106, id, 'm', 3) = 0;
SELECT judge.run('s06', oracle.params('2024-06-15 12:00'));
SELECT headcount.drop_source('s06');
