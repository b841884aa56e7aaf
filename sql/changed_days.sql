-- Which civil days a change of sessions touches, and the classes of durations that find sessions of the past.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Nothing changed, and rows that S1 ignores: no start, a start at no finite instant, an end before the start.
SELECT headcount_internal.changed_days_agg(s, e, 'UTC') AS no_rows FROM (SELECT timestamptz '2024-06-15' AS s, timestamptz '2024-06-16' AS e) AS r WHERE false;
SELECT headcount_internal.changed_days_agg(s, e, 'UTC') AS ignored
FROM (VALUES (NULL::timestamptz, timestamptz '2024-06-16'), (NULL, NULL), ('-infinity', '2024-06-16'), ('infinity', NULL), ('infinity', 'infinity'),
             ('2024-06-16', '2024-06-15'), ('2024-06-16', '-infinity'), ('2024-06-16 00:00:00.000001', '2024-06-16')) AS r (s, e);

-- What a session meets: an end is not part of it, one at its start leaves one tick, none or infinity is for ever.
SELECT what, headcount_internal.changed_days_agg(s, e, 'Europe/Warsaw') AS days FROM (VALUES
    ('an hour',          timestamptz '2024-06-15 10:00+02', timestamptz '2024-06-15 11:00+02'),
    ('until midnight',   '2024-06-15 10:00+02',             '2024-06-16 00:00+02'),
    ('one tick more',    '2024-06-15 10:00+02',             '2024-06-16 00:00:00.000001+02'),
    ('from midnight',    '2024-06-15 00:00+02',             '2024-06-15 01:00+02'),
    ('one tick earlier', '2024-06-14 23:59:59.999999+02',   '2024-06-15 01:00+02'),
    ('an instant',       '2024-06-15 00:00+02',             '2024-06-15 00:00+02'),
    ('no end',           '2024-06-15 10:00+02',             NULL),
    ('an end of infinity', '2024-06-15 10:00+02',           'infinity'),
    ('a year',           '2024-06-15 10:00+02',             '2025-06-15 10:00+02'),
    ('all of time',      '4714-11-24 00:00+00 BC',          '294276-12-31 23:59:59.999999+00'),
    ('the last tick',    '294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999+00')) AS r (what, s, e)
GROUP BY what, s, e ORDER BY s, e;
-- The 30th of December 2011 never was in Apia: a session that spans it has it, one before and one after it do not.
SELECT headcount_internal.changed_days_agg(s, e, 'Pacific/Apia') AS spans FROM (VALUES (timestamptz '2011-12-30 09:00+00', timestamptz '2011-12-30 11:00+00')) AS r (s, e);
SELECT headcount_internal.changed_days_agg(s, e, 'Pacific/Apia') AS beside FROM (VALUES (timestamptz '2011-12-30 09:00+00', timestamptz '2011-12-30 10:00+00'), ('2011-12-30 10:00+00', '2011-12-30 11:00+00')) AS r (s, e);
-- Neighbouring days are one run, in whatever order they come.
SELECT headcount_internal.changed_days_agg(d, d + interval '1 hour', 'UTC') AS days FROM unnest(ARRAY['2024-06-15', '2024-06-19', '2024-06-17', '2024-06-16', '2024-06-21']::timestamptz[]) AS d;
SELECT headcount_internal.changed_days_agg(d, CASE WHEN d > '2024-06-18' THEN 'infinity'::timestamptz ELSE d + interval '1 hour' END, 'UTC') AS days FROM unnest(ARRAY['2024-06-15', '2024-06-19', '2024-06-17', '2024-06-25']::timestamptz[]) AS d;

-- The judge, day by day.
CREATE TABLE versions (zone text, round integer, is_new boolean, user_name text, host text, server text, started_at timestamptz, ended_at timestamptz);
CREATE FUNCTION pg_temp.days(s timestamptz, e timestamptz, zone text) RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT d::date FROM generate_series(oracle.day_of(s, zone)::timestamp,
        least(CASE WHEN e = 'infinity' THEN date '2025-01-01' ELSE oracle.day_of(e - oracle.tick(), zone) END, '2025-01-01'), '1 day') AS d
$$;
CREATE FUNCTION pg_temp.days(found date[]) RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT d::date FROM generate_series(1, cardinality(found), 2) AS i,
        generate_series(found[i]::timestamp, least(found[i + 1], '2025-01-01'), '1 day') AS d
$$;
CREATE VIEW counted AS
    SELECT zone, round, is_new, user_name, host, server, started_at, oracle.finish(started_at, ended_at, 'infinity') AS finish FROM versions
    WHERE oracle.has_start(started_at) AND started_at < 'infinity' AND NOT oracle.is_reversed(started_at, ended_at);
-- 120 statements around days on which clocks change or a day is left out, each with old and new rows; some without a start,
-- reversed, instants.
CREATE FUNCTION pg_temp.dice(n integer, purpose text, sides integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT oracle.dice(803, n, purpose, sides)
$$;
CREATE TABLE changes AS
    SELECT n, zone, r.round, 'u' || pg_temp.dice(n, 'user', 2) AS u, nullif('h' || pg_temp.dice(n, 'host', 2), 'h0') AS h, nullif('v' || pg_temp.dice(n, 'server', 2), 'v0') AS v, s,
           CASE pg_temp.dice(n, 'end', 20) WHEN 0 THEN NULL WHEN 1 THEN NULL WHEN 2 THEN 'infinity' WHEN 3 THEN s WHEN 4 THEN s - interval '3 hours' ELSE t END AS e,
           t + pg_temp.dice(n, 'later', 30) * interval '3 hours' AS later, pg_temp.dice(n, 'what', 20) AS what
    FROM generate_series(1, 1200) AS n, LATERAL (SELECT pg_temp.dice(n, 'round', 120) AS round) AS r
         JOIN (VALUES (0, 'Europe/Warsaw', date '2024-03-31'), (1, 'Europe/Warsaw', '2024-10-27'), (2, 'Pacific/Apia', '2011-12-30'), (3, 'America/Havana', '2024-11-03')) AS z (place, zone, around) ON place = r.round % 4,
         LATERAL (SELECT CASE pg_temp.dice(n, 'start', 25) WHEN 0 THEN NULL WHEN 1 THEN '-infinity'
             ELSE around::timestamp AT TIME ZONE zone + (pg_temp.dice(n, 'hours', 160) - 80) * interval '3 hours' + (pg_temp.dice(n, 'tick', 3) - 1) * oracle.tick() END) AS starts (s),
         LATERAL (SELECT s + pg_temp.dice(n, 'length', 30) * interval '3 hours' + pg_temp.dice(n, 'end tick', 2) * oracle.tick()) AS ends (t);
INSERT INTO versions
    SELECT zone, round, false, u, h, v, s, e FROM changes WHERE what <> 0
    UNION ALL
    SELECT zone, round, true, CASE what WHEN 7 THEN 'u9' ELSE u END, CASE what WHEN 8 THEN 'h9' ELSE h END, CASE what WHEN 9 THEN 'v9' ELSE v END,
           CASE WHEN what IN (10, 11) THEN later ELSE s END, CASE WHEN what IN (2, 3, 4) THEN later WHEN what IN (5, 6) THEN NULL ELSE e END FROM changes WHERE what <> 1;
SELECT (SELECT count(*) FROM versions) AS rows, count(DISTINCT round) AS updates, count(DISTINCT what) AS kinds FROM changes;

SELECT judge.compare('SELECT zone, round, is_new, pg_temp.days(headcount_internal.changed_days_agg(started_at, ended_at, zone)) FROM versions GROUP BY zone, round, is_new',
                     'SELECT DISTINCT zone, round, is_new, pg_temp.days(started_at, finish, zone) FROM counted') AS inserts_and_deletes;
SELECT judge.compare('SELECT zone, round, is_new, pg_temp.days(headcount_internal.changed_days_agg(started_at, ended_at, zone ORDER BY md5(versions::text))) FROM versions GROUP BY zone, round, is_new',
                     'SELECT DISTINCT zone, round, is_new, pg_temp.days(started_at, finish, zone) FROM counted') AS in_any_order;
-- Runs are apart from each other, in order, and begin at some time.
SELECT count(*) AS runs, bool_and(f <= t AND isfinite(f) AND (before IS NULL OR f > before + 1)) AS disjoint
FROM (SELECT zone, round, f, t, lag(t) OVER (PARTITION BY zone, round ORDER BY i) AS before
      FROM (SELECT zone, round, headcount_internal.changed_days_agg(started_at, ended_at, zone) AS found FROM versions GROUP BY zone, round) AS a,
           generate_series(1, cardinality(found), 2) AS i, LATERAL (SELECT found[i] AS f, found[i + 1] AS t) AS run) AS r;

-- More than 64 runs: the nearest become one, no day is lost. 100 days, 2, 3, 4, ... days apart.
CREATE TABLE apart AS SELECT timestamptz '2000-01-01 10:00+00' + (n * (n + 1) / 2 - 1) * interval '1 day' AS s FROM generate_series(1, 100) AS n;
SELECT cardinality(found) / 2 AS runs, found[1:4] AS first, found[127:128] AS last,
       (SELECT count(*) FROM apart WHERE s::date NOT IN (SELECT pg_temp.days(found))) AS lost, (SELECT count(*) FROM pg_temp.days(found)) AS days
FROM (SELECT headcount_internal.changed_days_agg(s, s, 'UTC') AS found FROM apart) AS a;
SELECT cardinality(found) / 2 BETWEEN 2 AND 64 AS few, (SELECT count(*) FROM apart WHERE s::date NOT IN (SELECT pg_temp.days(found))) AS lost
FROM (SELECT headcount_internal.changed_days_agg(s, s, 'UTC' ORDER BY md5(s::text)) AS found FROM apart) AS a;

-- A window frame that grows: the state goes on after it has been read.
SELECT n, headcount_internal.changed_days_agg(s, e, 'UTC') OVER (ORDER BY n) AS days
FROM (VALUES (1, timestamptz '2024-06-10', timestamptz '2024-06-12'), (2, '2024-06-20', '2024-06-21'), (3, '2024-06-12', '2024-06-14'), (4, '2024-06-25', NULL)) AS v (n, s, e);

-- What is refused: no zone, an unknown one, calls by hand.
SELECT judge.error($$SELECT headcount_internal.changed_days_agg(now(), now(), NULL)$$) AS no_zone,
       judge.sqlstate($$SELECT headcount_internal.changed_days_agg(now(), now(), 'Mars/Olympus')$$) AS unknown_zone;
-- Nobody has a value of type internal to call them with; who binds the library's function to other types is refused too.
SELECT judge.refuses_internal($$SELECT headcount_internal.changed_days_add(NULL::internal, now(), now(), 'UTC')$$) AS add,
       judge.refuses_internal($$SELECT headcount_internal.changed_days_final(NULL::internal)$$) AS final;
CREATE FUNCTION add_by_hand(bigint, timestamptz, timestamptz, text) RETURNS bigint AS '$libdir/headcount', 'headcount_changed_days_add' LANGUAGE C;
SELECT judge.error($$SELECT add_by_hand(NULL, now(), now(), 'UTC')$$);
DROP FUNCTION add_by_hand(bigint, timestamptz, timestamptz, text);

-- As a trigger calls it, with transition tables.
CREATE TABLE watched (id integer, u text, h text, s timestamptz, e timestamptz);
CREATE TABLE dirty (n integer GENERATED ALWAYS AS IDENTITY, what text, days date[]);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN INSERT INTO dirty (what, days) SELECT TG_OP, headcount_internal.changed_days_agg(s, e, 'Europe/Warsaw') FROM after;
        WHEN 'DELETE' THEN INSERT INTO dirty (what, days) SELECT TG_OP, headcount_internal.changed_days_agg(s, e, 'Europe/Warsaw') FROM before;
        ELSE INSERT INTO dirty (what, days) SELECT TG_OP, headcount_internal.changed_days_agg(s, e, 'Europe/Warsaw') FROM (TABLE before UNION ALL TABLE after) AS v;
    END CASE;
    RETURN NULL;
END $$;
CREATE TRIGGER inserted AFTER INSERT ON watched REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION watch();
CREATE TRIGGER updated AFTER UPDATE ON watched REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION watch();
CREATE TRIGGER deleted AFTER DELETE ON watched REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION watch();
INSERT INTO watched VALUES (1, 'anna', 'h1', '2024-06-10 12:00+02', NULL), (2, 'bert', 'h2', '2024-06-01 12:00+02', '2024-06-02 12:00+02');
UPDATE watched SET e = '2024-06-15 12:00+02' WHERE id = 1;
UPDATE watched SET h = h;
UPDATE watched SET u = 'carl' WHERE id = 2;
DELETE FROM watched WHERE false;
DELETE FROM watched;
SELECT what, days FROM dirty ORDER BY n;
DROP TABLE watched, dirty;
DROP FUNCTION watch;

-- Classes of durations: the bits of the length in microseconds, from 72 minutes on; none for what is not finite or reversed.
SELECT d, headcount_internal.duration_class('2024-06-15', timestamptz '2024-06-15' + d) AS class FROM unnest(ARRAY['0', '1 microsecond', '1 hour', '4294.967295 seconds', '4294.967296 seconds', '8589.934591 seconds', '8589.934592 seconds', '1 day', '1000 days', '-1 microsecond']::interval[]) AS d;
SELECT headcount_internal.duration_class('4714-11-24 00:00+00 BC', '294276-12-31 23:59:59.999999+00') AS longest, headcount_internal.duration_class('2024-06-15', NULL) AS open,
       headcount_internal.duration_class('2024-06-15', 'infinity') AS for_ever, headcount_internal.duration_class('-infinity', '2024-06-15') AS no_start, headcount_internal.duration_class('infinity', 'infinity') AS neither;
SELECT count(*), count(DISTINCT class), min(class), max(class), count(*) FILTER (WHERE since = '-infinity') AS from_any_start, max(since) AS latest FROM headcount_internal.duration_classes('2024-06-15');
SELECT bool_and(since = '2024-06-15'::timestamptz - (2 ^ greatest(class, 32)) * oracle.tick()) AS two_to_the_class FROM headcount_internal.duration_classes('2024-06-15') WHERE class < 50;
SELECT DISTINCT since FROM headcount_internal.duration_classes('-infinity');
SELECT DISTINCT since FROM headcount_internal.duration_classes('infinity');
SELECT count(*) AS nothing FROM headcount_internal.duration_classes(NULL);

-- They find exactly the sessions that meet a span, whose ends, instants and borders of classes lie around its bounds.
CREATE TABLE logins AS
    SELECT n, s, CASE pg_temp.dice(n, 'end', 50) WHEN 0 THEN NULL WHEN 1 THEN s - interval '1 hour' WHEN 2 THEN s
                     ELSE s + ((1::bigint << pg_temp.dice(n, 'bits', 47)) / 1000 * (1000 + pg_temp.dice(n, 'more', 1000))) * oracle.tick() END AS e
    FROM generate_series(1, 20000) AS n, LATERAL (SELECT timestamptz '2024-01-01' + pg_temp.dice(n, 'start', 365 * 24 * 6) * interval '10 minutes') AS r (s)
    UNION ALL
    SELECT 0, ended + (beside - (1::bigint << bits)) * oracle.tick(), ended
    FROM generate_series(0, 47) AS bits, generate_series(-1, 1) AS beside, generate_series(-1, 1) AS b, LATERAL (SELECT timestamptz '2024-06-15' + b * oracle.tick()) AS r (ended);
CREATE INDEX ON logins (headcount_internal.duration_class(s, e), s);
ANALYZE logins;
CREATE FUNCTION pg_temp.meet(f timestamptz, t timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT l.* FROM headcount_internal.duration_classes(%1$L) AS c, LATERAL (
                       SELECT * FROM logins WHERE headcount_internal.duration_class(s, e) = c.class AND s > c.since AND s < %2$L AND (e > %1$L OR (e = s AND s >= %1$L)) OFFSET 0) AS l', f, t)
$$;
SELECT f, t, judge.compare(pg_temp.meet(f, t), format('SELECT * FROM logins WHERE e >= s AND oracle.overlaps(s, oracle.finish(s, e, ''infinity''), %L, %L)', f, t))
FROM (VALUES (timestamptz '2024-06-15', timestamptz '2024-06-16'), ('2024-06-15', '2024-06-15 00:00:00.000001'), ('2024-03-01', '2024-04-01'), ('2023-01-01', '2024-01-02'), ('2024-12-31', '2030-01-01'),
             ('-infinity', 'infinity'), ('infinity', 'infinity')) AS spans (f, t);
-- By the index, one range of it for each class, though the planner cannot know how few rows that will be.
SELECT p ~ 'Function Scan on duration_classes' AS by_class, p ~ 'Index Cond: .*duration_class.* = c\.class.* > c\.since.* < ''2024-06-16' AS by_range, p ~ 'Seq Scan' AS by_all
FROM judge.plan(pg_temp.meet('2024-06-15', '2024-06-16')) AS p;
DROP TABLE versions, changes, apart, logins CASCADE;
