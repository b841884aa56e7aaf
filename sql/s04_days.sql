-- S4  A civil day runs from its midnight to the next, each converted on its own.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Warsaw, the 23 hours of 31 March 2024: 2024-03-30 23:00Z to 2024-03-31 22:00Z. In UTC:
--   last     ends 03-30 23:00   only the 30th           first    instant at 23:00   the 31st
--   evening  instant at 21:59:59.999999, the 31st       next     instant at 22:00, the 1st
--   both     22:30 to 23:30     the 30th and the 31st
-- Expected: 30th 2 (last, both), 31st 3 (first, evening, both), 1 April 1 (next).
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('last',    'h1', 's', '2024-03-30 20:00+00', '2024-03-30 23:00+00'),
    ('first',   'h2', 's', '2024-03-30 23:00+00', '2024-03-30 23:00+00'),
    ('evening', 'h3', 's', '2024-03-31 21:59:59.999999+00', '2024-03-31 21:59:59.999999+00'),
    ('next',    'h4', 's', '2024-03-31 22:00+00', '2024-03-31 22:00+00'),
    ('both',    'h5', 's', '2024-03-30 22:30+00', '2024-03-30 23:30+00');
SELECT judge.source('s04', oracle.params('2024-04-02 12:00+00', 'Europe/Warsaw'));
SELECT day, daily_users, concurrent_hosts, concurrent_hosts_at, complete FROM s04.daily_user_counts ORDER BY day;

-- The day has 23 hours, its hour 02:00 does not exist; the one in October has 25, its hour 02:00 twice. One user who
-- stays: as many hourly buckets as there are hours, and bounds 23 and 25 hours apart.
SELECT day, count(*) AS hours, min(bucket) AS first, max(bucket) AS last
FROM (SELECT headcount.presence_agg('stays'::text, timestamptz '2024-01-01', timestamptz '2025-01-01') AS p) AS a,
     (VALUES (date '2024-03-31'), ('2024-06-15'), ('2024-10-27')) AS d (day),
     LATERAL headcount.activity(p, 'hour', 'Europe/Warsaw', day::timestamp AT TIME ZONE 'Europe/Warsaw', (day + 1)::timestamp AT TIME ZONE 'Europe/Warsaw', '2026-01-01')
WHERE unique_keys = 1 GROUP BY day ORDER BY day;

-- Santiago, 8 September 2024: midnight does not exist, the day begins at 01:00 (04:00Z) and has 23 hours.
--   before  instant at 03:59:59.999999Z  the 7th          at  instant at 04:00Z  the 8th
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('before', 'h1', 's', '2024-09-08 03:59:59.999999+00', '2024-09-08 03:59:59.999999+00'),
    ('at',     'h2', 's', '2024-09-08 04:00+00', '2024-09-08 04:00+00'),
    ('end',    'h3', 's', '2024-09-09 02:59:59.999999+00', '2024-09-09 02:59:59.999999+00');
SELECT judge.source('s04', oracle.params('2024-09-09 12:00+00', 'America/Santiago'));
SELECT day, daily_users, concurrent_hosts_at FROM s04.daily_user_counts ORDER BY day;

-- Apia, 30 December 2011 never was: 29 December ended at 10:00Z of the 30th, and 31 December began there. The 30th has
-- a row of zeros. Somebody who stayed throughout was there on the 29th and the 31st, not on the 30th; the last two
-- days of the 31st are the 30th and the 31st, of the 30th the 29th and nothing.
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('throughout', 'h1', 's', '2011-12-30 00:00+00', '2011-12-30 20:00+00'),
    ('until',      'h2', 's', '2011-12-30 00:00+00', '2011-12-30 10:00+00'),
    ('from',       'h3', 's', '2011-12-30 10:00+00', '2011-12-30 11:00+00');
SELECT judge.source('s04', oracle.params('2012-01-02 12:00+00', 'Pacific/Apia', '2013', 2));
-- total over two days: 29th 2; 30th 2 (of the 29th); 31st 2; 1 January 2 (of the 31st); 2 January 0; 3 January 0
SELECT day, total_users, daily_users, concurrent_hosts, concurrent_hosts_at, complete FROM s04.daily_user_counts ORDER BY day;
-- No bucket for a day that never was, a row of zeros for it in the daily report.
SELECT array_agg(bucket ORDER BY bucket) AS buckets
FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
     headcount.activity(p, 'day', 'Pacific/Apia', '2011-12-29 10:00+00', '2011-12-31 10:00+00', '2012-01-01');
SELECT day, unique_keys, new_keys, max_concurrent, max_concurrent_at
FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
     headcount.daily_activity(p, 'Pacific/Apia', to_day => '2011-12-31', as_of => '2012-01-02') ORDER BY day;

-- Havana, 3 November 2024: at 01:00 the clock goes back to 00:00, so midnight comes twice, at 04:00Z and 05:00Z. PostgreSQL
-- takes the second; what lies between, though the wall says 3 November, is of the 2nd, which has 25 hours.
--   first   04:30Z, the 2nd          second  05:00Z, the 3rd
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('first',  'h1', 's', '2024-11-03 04:30+00', '2024-11-03 04:30+00'),
    ('second', 'h2', 's', '2024-11-03 05:00+00', '2024-11-03 05:00+00');
SELECT judge.source('s04', oracle.params('2024-11-03 04:45+00', 'America/Havana'));
SELECT day, daily_users, complete FROM s04.daily_user_counts ORDER BY day;
SET headcount.as_of = '2024-11-03 05:00+00';
SELECT day, daily_users, complete FROM s04.daily_user_counts ORDER BY day;
SELECT day, unique_keys, new_keys FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a,
    headcount.daily_activity(p, 'America/Havana', as_of => '2024-11-03 04:45+00') ORDER BY day;
SELECT oracle.keyed_from_sessions();
SELECT judge.run('s04', oracle.params('2024-11-03 04:45+00', 'America/Havana'));

-- Naive columns are read in the source's zone, whatever the session's. 00:30 in Kathmandu (+05:45) on the 15th is
-- 18:45Z of the 14th; read in UTC it would be 06:15 there.
CREATE TABLE naive (u text, h text, s timestamp, e timestamp, d timestamp);
INSERT INTO naive VALUES ('anna', 'h1', '2024-06-15 00:30', '2024-06-15 01:00', '2024-06-15 23:59:59.999999');
SELECT headcount.create_source('s04naive', 'naive', 'u', 'h', 's', 'e', denials => 'naive', denied_user => 'u', denied_at => 'd', time_zone => 'Asia/Kathmandu');
SET headcount.as_of = '2024-06-16 12:00+00';
SELECT started_at, ended_at FROM s04naive.sessions;
SELECT denied_at FROM s04naive.denials;
SELECT day, daily_users, denial_users, concurrent_hosts_at FROM s04naive.daily_user_counts ORDER BY day;
SET timezone = 'America/New_York';
SELECT day, daily_users, denial_users, concurrent_hosts_at AT TIME ZONE 'UTC' AS utc FROM s04naive.daily_user_counts ORDER BY day;
SET timezone = 'UTC';
SELECT headcount.drop_source('s04naive');
DROP TABLE naive;

-- Every pair of instants around the bounds of such days, sessions and denials, against the oracle.
SELECT zone, day, judge.run_around('s04', day, zone) FROM (VALUES
        ('Europe/Warsaw', date '2024-03-31'), ('Europe/Warsaw', '2024-10-27'), ('America/Santiago', '2024-09-08'),
        ('America/Havana', '2024-11-03'), ('Pacific/Apia', '2011-12-30'), ('Asia/Kathmandu', '2024-06-15')) AS z (zone, day);

-- The answer does not depend on the session's zone.
SELECT oracle.load_around('2024-03-31', 'Europe/Warsaw');
SELECT judge.source('s04', oracle.params('2024-04-02 12:00+00', 'Europe/Warsaw'));
CREATE TEMP TABLE in_utc AS SELECT * FROM s04.daily_user_counts;
SET timezone = 'Pacific/Apia';
SELECT judge.compare('TABLE s04.daily_user_counts', 'TABLE in_utc');
SET timezone = 'UTC';
SELECT headcount.drop_source('s04');
