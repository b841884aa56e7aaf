-- S8  A row for each day from the first with data (or from_day) to to_day (or the day of as_of), idle days too.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Data on 3 and 6 June, as of 8 June: rows 3 to 8, zeros on 4, 5, 7 and 8; the 8th is not complete.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-03 10:00', '2024-06-03 11:00'),
    ('bert', 'h2', 's', '2024-06-06 10:00', '2024-06-06 11:00');
SELECT judge.source('s08', oracle.params('2024-06-08 12:00'));
SELECT * FROM s08.daily_user_counts ORDER BY day;
-- The report has the complete days only.
SELECT * FROM s08.realtime_users_count ORDER BY ucd;
-- Per server, only days with something.
SELECT day, server, daily_users FROM s08.daily_user_counts_by_server ORDER BY day;

-- A filter on the view gives the same numbers: the total knows the days before it.
SELECT day, total_users, daily_users FROM s08.daily_user_counts WHERE day BETWEEN '2024-06-05' AND '2024-06-06' ORDER BY day;

-- The function, with what may be asked of it. Days before the first with data are zeros when asked for.
CREATE TEMP TABLE h AS SELECT headcount.presence_agg(user_name, started_at, ended_at) AS u, headcount.presence_agg(host, started_at, ended_at) AS h FROM oracle.session;
SELECT d.* FROM h, headcount.daily_user_counts(u, NULL, h, 'UTC', from_day => '2024-06-02', to_day => '2024-06-04', as_of => '2024-06-08 12:00') AS d ORDER BY day;
-- 2019 totals count all history, whatever from_day says: 2 on the 7th. to_day is cut to the day of as_of, which is not complete.
SELECT d.day, d.total_users, d.complete FROM h, headcount.daily_user_counts(u, NULL, h, 'UTC', from_day => '2024-06-07', to_day => '2030-01-01', as_of => '2024-06-08 12:00') AS d ORDER BY day;
-- So they do on a day of no length that is asked for by itself.
SELECT d.day, d.total_users, d.daily_users FROM headcount.daily_user_counts((SELECT headcount.presence_agg('anna', timestamptz '2011-12-28 10:00+00', timestamptz '2011-12-28 11:00+00')), NULL, NULL,
    'Pacific/Apia', from_day => '2011-12-30', to_day => '2011-12-30', as_of => '2012-01-01 00:00+00') AS d;
-- from_day after to_day, from_day after as_of: no row. Nobody at all: no row; nobody, but days asked for: zeros.
SELECT count(*) FROM h, headcount.daily_user_counts(u, NULL, h, 'UTC', from_day => '2024-06-05', to_day => '2024-06-04', as_of => '2024-06-08 12:00') AS d;
SELECT count(*) FROM h, headcount.daily_user_counts(u, NULL, h, 'UTC', from_day => '2024-06-09', as_of => '2024-06-08 12:00') AS d;
SELECT count(*) FROM headcount.daily_user_counts(NULL, NULL, NULL, 'UTC', as_of => '2024-06-08 12:00') AS d;
SELECT * FROM headcount.daily_user_counts(NULL, NULL, NULL, 'UTC', from_day => '2024-06-07', as_of => '2024-06-08 12:00') AS d ORDER BY day;
SELECT * FROM headcount.daily_activity(NULL, 'UTC', from_day => '2024-06-07', as_of => '2024-06-08 12:00') ORDER BY day;
SELECT * FROM headcount.rolling_activity(NULL, 14, 'UTC', from_day => '2024-06-07', as_of => '2024-06-08 12:00') ORDER BY day;

-- The first day is that of the first user, denial or host of the model. A denial on the 1st: it starts 2019's report
-- (as a user) and 2013's (as a denial). A session on another than the realtime server on 30 May: 2019's alone. A host
-- without a user on 31 May on the realtime server: 2013's. Nobody on nowhere on 29 May: none.
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('cora', 's', '2024-06-01 12:00');
SELECT judge.source('s08', oracle.params('2024-06-08 12:00', realtime_servers => '{s}'));
SELECT (SELECT min(day) FROM s08.daily_user_counts_2013) AS first_2013, (SELECT min(day) FROM s08.daily_user_counts_2019) AS first_2019;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('dora', 'h3', 'other', '2024-05-30 10:00', '2024-05-30 11:00'), (NULL, 'h3', 's', '2024-05-31 10:00', '2024-05-31 11:00'),
    (NULL, '', 's', '2024-05-29 10:00', '2024-05-29 11:00');
SELECT (SELECT min(day) FROM s08.daily_user_counts_2013) AS first_2013, (SELECT min(day) FROM s08.daily_user_counts_2019) AS first_2019;

-- An empty source has no rows at all.
TRUNCATE oracle.session, oracle.denial;
SELECT count(*) FROM s08.daily_user_counts;
SELECT count(*) FROM s08.daily_user_counts_by_server;
SELECT count(*) FROM s08.realtime_users_count;
SELECT count(*) FROM s08.online_users;
SELECT headcount.unique_users('s08', '2024-06-01', '2024-06-08');

-- Every range of days, both models, over sparse random rows, through the function.
SELECT oracle.load_random(108, 40, 20, '2024-06-01', '2024-07-20');
CREATE TEMP TABLE r AS SELECT (SELECT headcount.presence_agg(user_name, started_at, ended_at) FROM oracle.session WHERE user_name <> '') AS u,
    (SELECT headcount.presence_agg(user_name, denied_at) FROM oracle.denial WHERE user_name <> '') AS d,
    (SELECT headcount.presence_agg(host, started_at, ended_at) FROM oracle.session WHERE host <> '') AS h;
SELECT model, f, t, judge.compare(
    format('SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.concurrent_hosts, c.concurrent_hosts_at, c.complete FROM r, headcount.daily_user_counts(u, d, h, ''Europe/Warsaw'', %L, 5, %L, %L, ''2024-07-10 12:00'') AS c', model, f, t),
    format('SELECT day, total_users, daily_users, denial_users, concurrent_hosts, concurrent_hosts_at, complete FROM oracle.daily_user_counts(%L)',
           oracle.params('2024-07-10 12:00', 'Europe/Warsaw', model, 5, from_day => f, to_day => t)))
FROM unnest(ARRAY['2013', '2019', '2025']) AS model, unnest(ARRAY[NULL, date '2024-05-01', '2024-06-20']) AS f, unnest(ARRAY[NULL, date '2024-06-25', '2024-12-31']) AS t
ORDER BY 1, 2, 3;
SELECT headcount.drop_source('s08');
