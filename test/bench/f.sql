-- F: what the field asks for: peaks, licences, people over time, buckets, slices; each beside the best plain SQL that we can write.
-- A section begins with:  -- @ name | engine | pace | answers | against | words

-- @ f-peaks | postgres | all | peaks | f-peaks | **ours**: peaks of users and sessions, each day
SELECT day, concurrent_users, concurrent_sessions FROM ordered.daily_user_counts_2019 ORDER BY day;

-- @ f-peaks-plain | postgres | few | peaks | f-peaks | plain SQL: `range_agg`, two sweeps
WITH calendar AS (
    SELECT day::date FROM generate_series((SELECT date_trunc('day', least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials)))),
                                          timestamptz :'as_of', interval '1 day') AS day),
bounded AS (
    SELECT user_name, (date_part('epoch', started_at) * 1000000)::bigint AS s,
           (date_part('epoch', greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond')) * 1000000)::bigint AS e
    FROM sessions),
united AS (SELECT unnest(range_agg(int8range(s, e))) AS span FROM bounded GROUP BY user_name),
user_levels AS (
    SELECT key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT lower(span) * 4 + 2 AS key FROM united UNION ALL SELECT upper(span) * 4 FROM united
          UNION ALL SELECT (date_part('epoch', day) * 1000000)::bigint * 4 + 1 FROM calendar) AS events),
session_levels AS (
    SELECT key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT s * 4 + 2 AS key FROM bounded UNION ALL SELECT e * 4 FROM bounded
          UNION ALL SELECT (date_part('epoch', day) * 1000000)::bigint * 4 + 1 FROM calendar) AS events),
user_peaks AS (SELECT date '1970-01-01' + (at / 86400000000)::integer AS day, max(level) AS level FROM user_levels
               WHERE kind > 0 AND at <= (SELECT date_part('epoch', timestamptz :'as_of') * 1000000) GROUP BY 1),
session_peaks AS (SELECT date '1970-01-01' + (at / 86400000000)::integer AS day, max(level) AS level FROM session_levels
                  WHERE kind > 0 AND at <= (SELECT date_part('epoch', timestamptz :'as_of') * 1000000) GROUP BY 1)
SELECT day, coalesce(u.level, 0), coalesce(s.level, 0) FROM calendar LEFT JOIN user_peaks AS u USING (day) LEFT JOIN session_peaks AS s USING (day) ORDER BY day;

-- @ f-weight | postgres | all | weight | f-weight | **ours**: peak of weight, each day
SELECT day, concurrent_weight FROM weighed.daily_user_counts_2019 ORDER BY day;

-- @ f-weight-plain | postgres | few | weight | f-weight | plain SQL: a sweep
WITH calendar AS (
    SELECT day::date FROM generate_series((SELECT date_trunc('day', min(started_at)) FROM sessions), timestamptz :'as_of', interval '1 day') AS day),
events AS (
    SELECT (date_part('epoch', started_at) * 1000000)::bigint * 4 + 2 AS key, 1 + length(user_name) % 3 AS change FROM sessions
    UNION ALL SELECT (date_part('epoch', greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond')) * 1000000)::bigint * 4, -1 - length(user_name) % 3 FROM sessions
    UNION ALL SELECT (date_part('epoch', day) * 1000000)::bigint * 4 + 1, 0 FROM calendar),
levels AS (SELECT key >> 2 AS at, key & 3 AS kind, sum(change) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level FROM events),
peaks AS (SELECT date '1970-01-01' + (at / 86400000000)::integer AS day, max(level) AS level FROM levels
          WHERE kind > 0 AND at <= (SELECT date_part('epoch', timestamptz :'as_of') * 1000000) GROUP BY 1)
SELECT day, coalesce(level, 0) FROM calendar LEFT JOIN peaks USING (day) ORDER BY day;

-- @ f-profile | postgres | all | profile | f-profile | **ours**: `concurrency_profile`, the year
SELECT concurrent, (extract(epoch FROM duration) * 1000000)::bigint FROM headcount.concurrency_profile('ordered', '2025-01-01', :'as_of') ORDER BY 1;

-- @ f-profile-plain | postgres | few | profile | f-profile | plain SQL: `range_agg`, a sweep
WITH united AS MATERIALIZED (
    SELECT unnest(range_agg(int8range((date_part('epoch', started_at) * 1000000)::bigint,
        (date_part('epoch', least(greatest(coalesce(ended_at, 'infinity'), started_at + interval '1 microsecond'), :'as_of')) * 1000000)::bigint))) AS span
    FROM sessions WHERE started_at < :'as_of' GROUP BY host),
levels AS (
    SELECT lead(key >> 2) OVER w - (key >> 2) AS length, sum(((key & 3) - 1)::integer) OVER w AS level
    FROM (SELECT lower(span) * 4 + 2 AS key FROM united UNION ALL SELECT upper(span) * 4 FROM united
          UNION ALL SELECT (date_part('epoch', bound) * 1000000)::bigint * 4 + 1 FROM unnest(ARRAY[timestamptz '2025-01-01', :'as_of']) AS bound) AS events
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING))
SELECT level, sum(length) FROM levels WHERE length > 0 GROUP BY level ORDER BY level;

-- @ f-heat | postgres | all | heat | f-heat | **ours**: `concurrency_by_hour_of_week`, the year
SELECT weekday, hour, peak, round(mean::numeric, 6), p95 FROM headcount.concurrency_by_hour_of_week('ordered', '2025-01-01', :'as_of') ORDER BY 1, 2;

-- @ f-heat-plain | postgres | few | heat | f-heat | plain SQL: `range_agg`, a sweep, windows
WITH united AS MATERIALIZED (
    SELECT unnest(range_agg(int8range((date_part('epoch', started_at) * 1000000)::bigint,
        (date_part('epoch', least(greatest(coalesce(ended_at, 'infinity'), started_at + interval '1 microsecond'), :'as_of')) * 1000000)::bigint))) AS span
    FROM sessions WHERE started_at < :'as_of' GROUP BY host),
levels AS (
    SELECT key >> 2 AS at, lead(key >> 2) OVER w - (key >> 2) AS length, sum(((key & 3) - 1)::integer) OVER w AS level
    FROM (SELECT lower(span) * 4 + 2 AS key FROM united UNION ALL SELECT upper(span) * 4 FROM united
          UNION ALL SELECT (date_part('epoch', h) * 1000000)::bigint * 4 + 1 FROM generate_series(timestamptz '2025-01-01', :'as_of', interval '1 hour') AS h) AS events
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)),
hours AS (SELECT (at / 86400000000 + 3) % 7 + 1 AS weekday, at / 3600000000 % 24 AS hour, level, sum(length) AS length
          FROM levels WHERE length > 0 GROUP BY 1, 2, 3),
shares AS (SELECT weekday, hour, level, length, sum(length) OVER (PARTITION BY weekday, hour ORDER BY level) AS at_most, sum(length) OVER (PARTITION BY weekday, hour) AS whole FROM hours)
SELECT weekday, hour, max(level), round((sum(level * length) / max(whole))::numeric, 6), min(level) FILTER (WHERE at_most >= 0.95 * whole)
FROM shares GROUP BY weekday, hour ORDER BY weekday, hour;

-- @ f-what-if | postgres | all | what-if | f-what-if | **ours**: `capacity_what_if`, the year, every capacity
SELECT capacity, refused, (extract(epoch FROM lacking_for) * 1000000)::bigint FROM headcount.capacity_what_if('ordered', '2025-01-01', :'as_of') ORDER BY 1;

-- @ f-what-if-plain | postgres | few | what-if | f-what-if | plain SQL: `range_agg`, a sweep, sums from above
WITH united AS MATERIALIZED (
    SELECT unnest(range_agg(int8range((date_part('epoch', started_at) * 1000000)::bigint,
        (date_part('epoch', least(greatest(coalesce(ended_at, 'infinity'), started_at + interval '1 microsecond'), :'as_of')) * 1000000)::bigint))) AS span
    FROM sessions WHERE started_at < :'as_of' GROUP BY host),
levels AS MATERIALIZED (
    SELECT key & 1 AS kind, lead(key >> 1) OVER w - (key >> 1) AS length, sum(((key & 1) * 2 - 1)::integer) OVER w AS level
    FROM (SELECT lower(span) * 2 + 1 AS key FROM united UNION ALL SELECT upper(span) * 2 FROM united) AS events
    WINDOW w AS (ORDER BY key ROWS UNBOUNDED PRECEDING)),
by_level AS (SELECT level, count(*) FILTER (WHERE kind = 1) AS starts, sum(length) AS length FROM levels GROUP BY level)
SELECT n, coalesce(sum(starts) FILTER (WHERE level > n), 0), coalesce(sum(length) FILTER (WHERE level > n), 0)
FROM generate_series(0, (SELECT max(level) FROM by_level)) AS n CROSS JOIN by_level GROUP BY n ORDER BY n;

-- @ f-lifecycle | postgres | all | lifecycle | f-lifecycle | **ours**: `user_lifecycle` by day, the year, nothing stored
SELECT * FROM headcount.user_lifecycle('ordered', 'day') ORDER BY 1;

-- @ f-lifecycle-plain | postgres | few | lifecycle | f-lifecycle | plain SQL: users and days, windows
WITH stays AS (
    SELECT DISTINCT user_name COLLATE "C" AS user_name, (started_at AT TIME ZONE 'UTC')::date AS first,
           (greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')) AT TIME ZONE 'UTC')::date AS last
    FROM sessions),
user_days AS (
    SELECT user_name, day FROM (
        SELECT user_name, first AS day FROM stays
        UNION ALL SELECT user_name, first + n FROM stays CROSS JOIN LATERAL generate_series(1, last - first) AS n WHERE last > first
        UNION ALL SELECT user_name COLLATE "C", (denied_at AT TIME ZONE 'UTC')::date FROM denials) AS d
    GROUP BY user_name, day),
neighbours AS MATERIALIZED (
    SELECT day, lag(day) OVER w AS before, lead(day) OVER w AS after FROM user_days WINDOW w AS (PARTITION BY user_name ORDER BY day)),
active AS (SELECT day, count(*) AS users, count(*) FILTER (WHERE before IS NULL) AS new, count(*) FILTER (WHERE before = day - 1) AS retained,
                  count(*) FILTER (WHERE before < day - 1) AS resurrected, count(*) FILTER (WHERE after IS NULL OR after > day + 1) AS leaving
           FROM neighbours GROUP BY day)
SELECT d.day::date, coalesce(a.users, 0), coalesce(a.new, 0), coalesce(a.retained, 0), coalesce(a.resurrected, 0), coalesce(b.leaving, 0)
FROM generate_series((SELECT min(day) FROM active)::timestamp, :'as_of'::timestamp, interval '1 day') AS d (day)
LEFT JOIN active AS a ON a.day = d.day LEFT JOIN active AS b ON b.day = d.day - interval '1 day' ORDER BY 1;

-- @ f-stickiness | postgres | all | stickiness | f-stickiness | **ours**: `stickiness`, the year, nothing stored
SELECT day, dau, wau, mau FROM headcount.stickiness('ordered') ORDER BY 1;

-- @ f-stickiness-plain | postgres | few | stickiness | f-stickiness | plain SQL: each day of a user counts until his next one
WITH stays AS (
    SELECT DISTINCT user_name COLLATE "C" AS user_name, (started_at AT TIME ZONE 'UTC')::date AS first,
           (greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')) AT TIME ZONE 'UTC')::date AS last
    FROM sessions),
user_days AS (
    SELECT user_name, day FROM (
        SELECT user_name, first AS day FROM stays
        UNION ALL SELECT user_name, first + n FROM stays CROSS JOIN LATERAL generate_series(1, last - first) AS n WHERE last > first
        UNION ALL SELECT user_name COLLATE "C", (denied_at AT TIME ZONE 'UTC')::date FROM denials) AS d
    GROUP BY user_name, day),
nexts AS MATERIALIZED (SELECT day, lead(day) OVER (PARTITION BY user_name ORDER BY day) AS next FROM user_days),
changes AS (
    SELECT day, count(*) AS dau, count(*) AS week, count(*) AS month FROM nexts GROUP BY day
    UNION ALL SELECT least(day + 7, next), 0, -count(*), 0 FROM nexts GROUP BY 1
    UNION ALL SELECT least(day + 30, next), 0, 0, -count(*) FROM nexts GROUP BY 1),
by_day AS (SELECT day, sum(dau) AS dau, sum(week) AS week, sum(month) AS month FROM changes GROUP BY day)
SELECT * FROM (SELECT d.day::date AS day, coalesce(c.dau, 0), sum(c.week) OVER (ORDER BY d.day), sum(c.month) OVER (ORDER BY d.day)
FROM generate_series((SELECT min(day) FROM by_day)::timestamp, :'as_of'::timestamp, interval '1 day') AS d (day) LEFT JOIN by_day AS c ON c.day = d.day) AS s ORDER BY day;

-- @ f-retention | postgres | all | retention | f-retention | **ours**: `user_retention` by week, the year, nothing stored
SELECT cohort, period, users FROM headcount.user_retention('ordered', 'week') WHERE users > 0 ORDER BY 1, 2;

-- @ f-retention-plain | postgres | few | retention | f-retention | plain SQL: users and weeks, their first
WITH stays AS (
    SELECT DISTINCT user_name COLLATE "C" AS user_name, date_trunc('week', started_at)::date AS first,
           date_trunc('week', greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')))::date AS last
    FROM sessions),
user_weeks AS MATERIALIZED (
    SELECT user_name, week FROM (
        SELECT user_name, first AS week FROM stays
        UNION ALL SELECT user_name, first + 7 * n FROM stays CROSS JOIN LATERAL generate_series(1, (last - first) / 7) AS n WHERE last > first
        UNION ALL SELECT user_name COLLATE "C", date_trunc('week', denied_at)::date FROM denials) AS w
    GROUP BY user_name, week),
firsts AS (SELECT user_name, min(week) AS cohort FROM user_weeks GROUP BY user_name)
SELECT cohort, (week - cohort) / 7 AS period, count(*) FROM user_weeks JOIN firsts USING (user_name) GROUP BY 1, 2 ORDER BY 1, 2;

-- @ f-time | postgres | all | time | f-time | **ours**: `time_online`, the year
SELECT user_name, sessions, (extract(epoch FROM time_online) * 1000000)::bigint FROM headcount.time_online('ordered', '2025-01-01', :'as_of') ORDER BY user_name COLLATE "C";

-- @ f-time-plain | postgres | few | time | f-time | plain SQL: `range_agg` for each user
WITH united AS (
    SELECT user_name, count(*) AS sessions, range_agg(int8range((date_part('epoch', started_at) * 1000000)::bigint,
        (date_part('epoch', least(greatest(coalesce(ended_at, 'infinity'), started_at + interval '1 microsecond'), :'as_of')) * 1000000)::bigint)) AS spans
    FROM sessions WHERE started_at < :'as_of' GROUP BY user_name)
SELECT user_name, sessions, (SELECT sum(upper(s) - lower(s)) FROM unnest(spans) AS s)::bigint FROM united ORDER BY user_name COLLATE "C";

-- @ f-stays | postgres | all | stays | f-stays | **ours**: `presence_agg(user_name, started_at, interval '1 hour')`, how many stays
SELECT count(*) FROM headcount.intervals((SELECT headcount.presence_agg(user_name, started_at, interval '1 hour') FROM sessions));

-- @ f-stays-plain | postgres | few | stays | f-stays | plain SQL: gaps by a window
SELECT count(*) FROM (SELECT started_at - lag(started_at) OVER (PARTITION BY user_name ORDER BY started_at) AS gap FROM sessions) AS g
WHERE gap IS NULL OR gap > interval '1 hour';

-- @ f-rolling | postgres | all | rolling | f-rolling | **ours**: users of the 24 hours before each hour, a month
SELECT bucket, unique_users FROM headcount.source_activity('ordered', '1 hour', '2025-11-01', '2025-12-01', span => '24 hours') ORDER BY 1;

-- @ f-rolling-plain | postgres | few | rolling | f-rolling | plain SQL: `range_agg` of sessions a day longer, a sweep
WITH united AS MATERIALIZED (
    SELECT unnest(range_agg(int8range((date_part('epoch', started_at) * 1000000)::bigint,
        (date_part('epoch', greatest(coalesce(ended_at, timestamptz :'as_of'), started_at + interval '1 microsecond') + interval '24 hours') * 1000000)::bigint))) AS span
    FROM sessions WHERE started_at < '2025-12-01' AND (ended_at IS NULL OR greatest(ended_at, started_at + interval '1 microsecond') > timestamptz '2025-10-31') GROUP BY user_name),
levels AS (
    SELECT key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT lower(span) * 4 + 2 AS key FROM united UNION ALL SELECT upper(span) * 4 FROM united
          UNION ALL SELECT (date_part('epoch', h) * 1000000)::bigint * 4 + 1 FROM generate_series(timestamptz '2025-11-01', '2025-11-30 23:00', interval '1 hour') AS h) AS events)
SELECT to_timestamp(at / 1000000), level FROM levels WHERE kind = 1 ORDER BY at;

-- @ f-quarters | postgres | all | quarters | f-quarters | **ours**: users and the peak of hosts, each quarter of an hour, a month
SELECT bucket, unique_users, concurrent_hosts FROM headcount.source_activity('ordered', '15 minutes', '2025-11-01', '2025-12-01') ORDER BY 1;

-- @ f-quarters-plain | postgres | few | quarters | f-quarters | plain SQL: a row for each quarter of each session, `range_agg`, a sweep
WITH spans AS MATERIALIZED (
    SELECT user_name, host, started_at AS s, greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond') AS e
    FROM sessions WHERE started_at < '2025-12-01' AND (ended_at IS NULL OR greatest(ended_at, started_at + interval '1 microsecond') > timestamptz '2025-11-01')),
quarters AS (SELECT b AS bucket FROM generate_series(timestamptz '2025-11-01', '2025-11-30 23:45', interval '15 minutes') AS b),
users AS (
    SELECT bucket, count(DISTINCT user_name) AS users
    FROM spans CROSS JOIN LATERAL generate_series(date_bin('15 minutes', greatest(s, '2025-11-01'), '2025-11-01'), least(e, '2025-12-01') - interval '1 microsecond', interval '15 minutes') AS bucket
    GROUP BY bucket),
united AS (SELECT unnest(range_agg(tstzrange(s, e))) AS span FROM spans GROUP BY host),
levels AS (
    SELECT key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT (date_part('epoch', lower(span)) * 1000000)::bigint * 4 + 2 AS key FROM united
          UNION ALL SELECT (date_part('epoch', upper(span)) * 1000000)::bigint * 4 FROM united
          UNION ALL SELECT (date_part('epoch', bucket) * 1000000)::bigint * 4 + 1 FROM quarters) AS events),
peaks AS (SELECT to_timestamp(at / 900000000 * 900) AS bucket, max(level) AS level FROM levels WHERE kind > 0 GROUP BY 1)
SELECT bucket, coalesce(users, 0), coalesce(level, 0) FROM quarters LEFT JOIN users USING (bucket) LEFT JOIN peaks USING (bucket) ORDER BY bucket;

-- @ f-slices | postgres | all | slices | f-slices | **ours**: daily and total users of 16 sites, nothing stored
SELECT day, site, total_users, daily_users FROM sliced.daily_user_counts_by_site WHERE daily_users > 0 ORDER BY 1, 2;

-- @ f-slices-plain | postgres | few | slices | f-slices | plain SQL: users, sites and days, their first
WITH stays AS (
    SELECT DISTINCT user_name COLLATE "C" AS user_name, substr(host, 4, 1) COLLATE "C" AS site, (started_at AT TIME ZONE 'UTC')::date AS first,
           (greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')) AT TIME ZONE 'UTC')::date AS last
    FROM sessions),
user_days AS MATERIALIZED (
    SELECT user_name, site, day FROM (
        SELECT user_name, site, first AS day FROM stays
        UNION ALL SELECT user_name, site, first + n FROM stays CROSS JOIN LATERAL generate_series(1, last - first) AS n WHERE last > first) AS d
    GROUP BY user_name, site, day),
newcomers AS (SELECT site, day, count(*) AS users FROM (SELECT site, min(day) AS day FROM user_days GROUP BY user_name, site) AS f GROUP BY site, day),
daily AS (SELECT site, day, count(*) AS users FROM user_days GROUP BY site, day)
SELECT day, site, sum(coalesce(n.users, 0)) OVER (PARTITION BY site ORDER BY day), d.users FROM daily AS d LEFT JOIN newcomers AS n USING (site, day) ORDER BY day, site;

-- @ f-counts-by | postgres | all | counts-by | f-counts-by | **ours**: `source_counts_by` of 16 sites and 10 realms, with their peaks of hosts
SELECT day, values ->> 'site', values ->> 'realm', daily_users, concurrent_hosts FROM headcount.source_counts_by('sliced', '{site,realm}') WHERE daily_users > 0 ORDER BY 1, 2, 3;

-- @ f-counts-by-plain | postgres | few | counts-by | f-counts-by | plain SQL: `GROUPING SETS`, `range_agg`, a sweep for each combination
WITH spans AS MATERIALIZED (
    SELECT user_name COLLATE "C" AS user_name, host COLLATE "C" AS host, substr(host, 4, 1) COLLATE "C" AS site, right(user_name, 1) COLLATE "C" AS realm, started_at AS s,
           greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond') AS e
    FROM sessions),
user_days AS (
    SELECT DISTINCT user_name, site, realm, day::date AS day
    FROM spans CROSS JOIN LATERAL generate_series(date_trunc('day', s), e - interval '1 microsecond', interval '1 day') AS day),
daily AS (SELECT day, site, realm, count(DISTINCT user_name) AS users FROM user_days GROUP BY GROUPING SETS ((day), (day, site), (day, realm), (day, site, realm))),
united AS (
    SELECT site, realm, unnest(range_agg(int8range((date_part('epoch', s) * 1000000)::bigint, (date_part('epoch', e) * 1000000)::bigint))) AS span
    FROM spans GROUP BY GROUPING SETS ((host), (host, site), (host, realm), (host, site, realm))),
levels AS (
    SELECT site, realm, key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (PARTITION BY site, realm ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT site, realm, lower(span) * 4 + 2 AS key FROM united UNION ALL SELECT site, realm, upper(span) * 4 FROM united
          UNION ALL SELECT site, realm, (date_part('epoch', day) * 1000000)::bigint * 4 + 1 FROM daily) AS events),
peaks AS (SELECT site, realm, date '1970-01-01' + (at / 86400000000)::integer AS day, max(level) AS level FROM levels
          WHERE kind > 0 AND at <= (SELECT date_part('epoch', timestamptz :'as_of') * 1000000) GROUP BY 1, 2, 3)
SELECT d.day, d.site, d.realm, d.users, p.level
FROM daily AS d JOIN peaks AS p ON p.day = d.day AND p.site IS NOT DISTINCT FROM d.site AND p.realm IS NOT DISTINCT FROM d.realm ORDER BY 1, 2, 3;
