-- S1  A session occupies [started_at, ended_at); an instant occupies one tick; reversed and startless rows never count.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Touching ends: b comes as a goes, so never two at once. One tick more and they are two. One key per case.
--   until_11  [10:00 ... 11:00)
--   from_11                     [11:00 ... 12:00)       expected 1
SELECT headcount.max_concurrent(k, s, e) AS touching FROM (VALUES
    ('until_11', timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 11:00'),
    ('from_11',  '2024-06-15 11:00', '2024-06-15 12:00')) AS v (k, s, e);
-- expected 2
SELECT headcount.max_concurrent(k, s, e) AS one_tick_over FROM (VALUES
    ('until_11', timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 11:00:00.000001'),
    ('from_11',  '2024-06-15 11:00', '2024-06-15 12:00')) AS v (k, s, e);

-- An instant is one tick: inside and at the start of another it overlaps (2, 2), at its end it does not (1); two
-- instants at the same time overlap (2), a tick apart they do not (1).
SELECT name, headcount.max_concurrent(k, s, e) FROM (VALUES
    ('inside', 'a', timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 11:00'), ('inside', 'b', '2024-06-15 10:30', '2024-06-15 10:30'),
    ('start',  'a', '2024-06-15 10:00', '2024-06-15 11:00'), ('start',  'b', '2024-06-15 10:00', '2024-06-15 10:00'),
    ('end',    'a', '2024-06-15 10:00', '2024-06-15 11:00'), ('end',    'b', '2024-06-15 11:00', '2024-06-15 11:00'),
    ('two',    'a', '2024-06-15 10:00', '2024-06-15 10:00'), ('two',    'b', '2024-06-15 10:00', '2024-06-15 10:00'),
    ('apart',  'a', '2024-06-15 10:00', '2024-06-15 10:00'), ('apart',  'b', '2024-06-15 10:00:00.000001', '2024-06-15 10:00:00.000001')
) AS v (name, k, s, e) GROUP BY name ORDER BY name;

-- What counts, and as what:
--   instant    one tick                        open, infinite   never end (NULL)
--   reversed, no_start, minus_infinity, never, nobody           not there at all
--   ends_before_time  starts at a finite time and ends at -infinity: reversed
SELECT i.* FROM (
    SELECT headcount.presence_agg(k, s, e) AS p FROM (VALUES
        ('proper',   timestamptz '2024-06-15 10:00', timestamptz '2024-06-15 11:00'),
        ('instant',  '2024-06-15 10:00', '2024-06-15 10:00'),
        ('tick',     '2024-06-15 10:00', '2024-06-15 10:00:00.000001'),
        ('open',     '2024-06-15 10:00', NULL),
        ('infinite', '2024-06-15 10:00', 'infinity'),
        ('reversed', '2024-06-15 10:00', '2024-06-15 09:59:59.999999'),
        ('ends_before_time', '2024-06-15 10:00', '-infinity'),
        ('no_start', NULL, '2024-06-15 11:00'),
        ('nothing',  NULL, NULL),
        ('minus_infinity', '-infinity', '2024-06-15 11:00'),
        ('minus_infinity', '-infinity', '-infinity'),
        ('never',    'infinity', NULL),
        (NULL,       '2024-06-15 10:00', '2024-06-15 11:00')) AS v (k, s, e)) AS a, headcount.intervals(p) AS i ORDER BY 1, 2;

-- Rows that do not count give no presence at all, and numbers of 0.
SELECT headcount.presence_agg(k, s, e) IS NULL AS no_presence, headcount.max_concurrent(k, s, e), headcount.max_concurrent(s, e) AS sessions,
       headcount.online_count(s, e, '2024-06-15 10:30') AS online
FROM (VALUES ('reversed', timestamptz '2024-06-15 11:00', timestamptz '2024-06-15 10:00'), ('no_start', NULL, NULL), ('minus', '-infinity', '2024-06-15 11:00')) AS v (k, s, e);

-- In a source. Of 15 June:
--   anna   10:00-10:00, h1: an instant, yet the day has one user and one host, never 0 hosts
--   bert   until the midnight that ends the 15th: not there on the 16th
--   cora   from that midnight, an instant: on the 16th alone
--   dora   reversed, emil without a start: nowhere
-- Expected: 15th 2 users, 2 hosts? anna's tick on h1 is inside bert's time on h2: peak 2 at 10:00.
--           16th cora alone: 1 user, 1 host at 00:00.   17th idle: a row of zeros.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-15 10:00', '2024-06-15 10:00'),
    ('bert', 'h2', 's', '2024-06-15 09:00', '2024-06-16 00:00'),
    ('cora', 'h3', 's', '2024-06-16 00:00', '2024-06-16 00:00'),
    ('dora', 'h4', 's', '2024-06-15 10:00', '2024-06-15 09:00'),
    ('emil', 'h5', 's', NULL, '2024-06-15 11:00'),
    ('fred', 'h6', 's', '-infinity', '2024-06-15 11:00');
SELECT judge.source('s01', oracle.params('2024-06-17 12:00'));
SELECT day, daily_users, concurrent_hosts, concurrent_hosts_at FROM s01.daily_user_counts ORDER BY day;
SELECT user_name, started_at, ended_at, is_open FROM s01.sessions ORDER BY user_name;

-- Random rows against the oracle.
SELECT oracle.load_random(101, 250, 100, '2024-06-01', '2024-06-20');
SELECT judge.run('s01', oracle.params('2024-06-17 12:00'));
SELECT oracle.keyed_from_sessions();
SELECT judge.presence_verdict('UTC', '2024-06-17 12:00');
SELECT headcount.drop_source('s01');
