-- S7  Hosts are united first, then counted; ends come before starts; what was carried in over midnight counts.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- One host twice at once, across two servers, is one host. Below, on 15 June:
--   h1  10-12 on s1, 11-13 on s2     h2  12:30-14 on s1
-- Sessions at once: 2 at 11 (both of h1), again 2 at 12:30. Hosts: 1, then 2 from 12:30 to 13:00.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('a', 'h1', 's1', '2024-06-15 10:00', '2024-06-15 12:00'),
    ('b', 'h1', 's2', '2024-06-15 11:00', '2024-06-15 13:00'),
    ('c', 'h2', 's1', '2024-06-15 12:30', '2024-06-15 14:00');
SELECT judge.source('s07', oracle.params('2024-06-16 12:00'));
SELECT day, concurrent_hosts, concurrent_hosts_at FROM s07.daily_user_counts ORDER BY day;
SELECT day, server, concurrent_hosts, concurrent_hosts_at FROM s07.daily_user_counts_by_server ORDER BY day, server;
SELECT headcount.max_concurrent(started_at, ended_at) AS sessions, headcount.max_concurrent(host, started_at, ended_at) AS hosts FROM oracle.session;
SELECT * FROM headcount.hosts_at_peak('s07', '2024-06-15') ORDER BY 1;
-- The level of 2 lasts from 12:30 to 13:00, where h1 goes.
SELECT k.* FROM (SELECT headcount.presence_agg(host, started_at, ended_at) AS p FROM oracle.session) AS a, headcount.peak(p) AS k;
-- h1 goes on without a gap where its sessions overlap or touch: one interval 10:00-13:00.
SELECT i.* FROM (SELECT headcount.presence_agg(host, started_at, ended_at) AS p FROM oracle.session) AS a, headcount.intervals(p) AS i ORDER BY 1, 2;

-- A host that goes and one that comes at the same instant are never two (touching ends); the level stays 1 from 10 to 12,
-- so its until is 12, not 11, and its timeline has no row at 11.
SELECT k.* FROM (SELECT headcount.presence_agg(h, s, e) AS p FROM (VALUES
    ('h1', timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 11:00'), ('h2', '2024-06-15 11:00', '2024-06-15 12:00')) AS v (h, s, e)) AS a, headcount.peak(p) AS k;
SELECT k.* FROM (SELECT headcount.presence_agg(h, s, e) AS p FROM (VALUES
    ('h1', timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 11:00'), ('h2', '2024-06-15 11:00', '2024-06-15 12:00')) AS v (h, s, e)) AS a, headcount.timeline(p) AS k ORDER BY 1;

-- Carried in over midnight: two hosts from the 14th into the 15th, gone at 00:30; one later at 10. The 15th's peak is 2,
-- at 00:00. The trap: five sessions that span days with no event on the days between give 5 on each of them.
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at)
SELECT 'u' || i, 'h' || i, 's', timestamptz '2024-03-01 20:00', timestamptz '2024-03-04 09:00' FROM generate_series(1, 5) AS i
UNION ALL VALUES ('late', 'h9', 's', timestamptz '2024-03-04 10:00', timestamptz '2024-03-04 11:00');
SELECT judge.source('s07', oracle.params('2024-03-05 12:00'));
-- 1st 5 at 20:00; 2nd, 3rd and 4th 5 at 00:00; 5th 0.
SELECT day, daily_users, concurrent_hosts, concurrent_hosts_at FROM s07.daily_user_counts ORDER BY day;

-- The earliest of equal peaks.
TRUNCATE oracle.session;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('a', 'h1', 's', '2024-06-15 08:00', '2024-06-15 18:00'),
    ('b', 'h2', 's', '2024-06-15 15:00', '2024-06-15 16:00'),
    ('c', 'h3', 's', '2024-06-15 09:00', '2024-06-15 10:00'),
    ('d', 'h4', 's', '2024-06-15 10:00', '2024-06-15 10:00');
SELECT judge.source('s07', oracle.params('2024-06-15 20:00'));
SELECT day, concurrent_hosts, concurrent_hosts_at FROM s07.daily_user_counts ORDER BY day;   -- 2 at 09:00

-- Random rows: many users on few hosts over several servers; hosts' presence against the oracle too.
SELECT oracle.load_random(107, 250, 50, '2024-06-01', '2024-06-12', users => 50, hosts => 9);
SELECT judge.run('s07', oracle.params('2024-06-11 12:00', 'Asia/Kolkata'));
SELECT oracle.keyed_from_sessions('host');
SELECT judge.presence_verdict('Asia/Kolkata', '2024-06-11 12:00');
-- max_concurrent over sessions: each row is a key of its own.
UPDATE oracle.keyed SET key = id;
SELECT headcount.max_concurrent(started_at, ended_at) = (SELECT concurrent FROM oracle.peak()) AS equal, headcount.max_concurrent(started_at, ended_at) > 20 AS many FROM oracle.keyed;
SELECT headcount.drop_source('s07');
