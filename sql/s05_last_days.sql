-- S5  "Last N days" of day d are the civil dates d-N+1 .. d.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- One user for a single day, 1 June, N = 3: in the total of 1, 2 and 3 June, gone on the 4th. A second from the last
-- tick of 2 June into 3 June: on both days, so in the totals of 2 to 5 June.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-01 10:00', '2024-06-01 11:00'),
    ('bert', 'h1', 's', '2024-06-02 23:59:59.999999', '2024-06-03 00:00:00.000001');
SELECT judge.source('s05', oracle.params('2024-06-07 12:00', model => '2013', window_days => 3));
-- totals 1 2 2 1 1 0 0
SELECT day, total_users, daily_users FROM s05.daily_user_counts ORDER BY day;
SELECT day, unique_keys FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
    headcount.rolling_activity(p, 3, 'UTC', as_of => '2024-06-07 12:00') ORDER BY day;

-- N = 1 is the day itself; N is 14 when nothing is said: 1 June is in the window of 14 June, not of 15 June.
SELECT day, unique_keys FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
    headcount.rolling_activity(p, 1, 'UTC', as_of => '2024-06-04 12:00') ORDER BY day;
SELECT day, total_users FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session WHERE user_name = 'anna') AS a,
    headcount.daily_user_counts(p, NULL, NULL, 'UTC', '2013', from_day => '2024-06-13', to_day => '2024-06-16', as_of => '2024-06-20') ORDER BY day;

-- A date range limits the rows, not the data: the windows of 3 and 4 June reach back before from_day.
SELECT day, unique_keys FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
    headcount.rolling_activity(p, 3, 'UTC', '2024-06-03', '2024-06-04', '2024-06-07 12:00') ORDER BY day;

-- A session that ends at midnight leaves the window a day sooner than one that ends a tick later.
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('sharp', 'h1', 's', '2024-06-01 22:00', '2024-06-02 00:00'),
    ('late',  'h2', 's', '2024-06-01 22:00', '2024-06-02 00:00:00.000001');
SELECT judge.source('s05', oracle.params('2024-06-05 12:00', model => '2013', window_days => 2));
-- 1st: 2; 2nd: 2 (both in the last two days); 3rd: late alone; 4th: none
SELECT day, total_users, daily_users FROM s05.daily_user_counts ORDER BY day;

-- Windows over days of 23, 25 and 0 hours count dates, not hours.
SELECT zone, day, unique_keys FROM (VALUES
        ('Europe/Warsaw', timestamptz '2024-03-30 22:59+00', date '2024-03-30'), ('Europe/Warsaw', '2024-10-26 21:59+00', '2024-10-26'),
        ('Pacific/Apia', '2011-12-30 09:59+00', '2011-12-29')) AS z (zone, at, first),
    LATERAL (SELECT headcount.presence_agg('k'::text, t) AS p FROM (VALUES (at)) AS v (t)) AS a,
    LATERAL headcount.rolling_activity(p, 2, zone, first, first + 2, '2025-01-01') ORDER BY 1, 2;

-- Random rows with gaps, windows of 1, 2, 7 and 14 days.
SELECT oracle.load_random(105, 60, 40, '2024-03-01', '2024-05-20', users => 25);
SELECT n, judge.run('s05', oracle.params('2024-05-10 12:00', 'Europe/Warsaw', '2013', n)) FROM unnest(ARRAY[1, 2, 7, 14]) AS n;
SELECT headcount.drop_source('s05');
