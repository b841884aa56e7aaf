-- P1: the whole daily report from raw rows, under both licensing models.
-- A section begins with:  -- @ name | engine | pace | answers | against | words

-- @ p1-2019 | postgres | all | 2019 | p1-2019 | 2019: **ours**
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete
FROM ordered.daily_user_counts_2019;

-- @ p1-2019-shuffled | postgres | all | 2019 | p1-2019 | 2019: **ours**, random arrival
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete
FROM shuffled.daily_user_counts_2019;

-- @ p1-2019-duckdb | duckdb | all | 2019 | p1-2019 | 2019: DuckDB, expert SQL
WITH calendar AS (
    SELECT unnest(range(least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials))::date::timestamp,
                        TIMESTAMP :'as_of' + INTERVAL 1 MICROSECOND, INTERVAL 1 DAY))::date AS day),
stays AS (
    SELECT user_name, started_at::date AS first, greatest(started_at, coalesce(ended_at - INTERVAL 1 MICROSECOND, TIMESTAMP :'as_of'))::date AS last
    FROM sessions),
user_days AS MATERIALIZED (
    SELECT DISTINCT user_name, day FROM (
        SELECT user_name, first AS day FROM stays
        UNION ALL SELECT user_name, unnest(range(first::timestamp + INTERVAL 1 DAY, last::timestamp + INTERVAL 1 MICROSECOND, INTERVAL 1 DAY))::date FROM stays WHERE last > first
        UNION ALL SELECT user_name, denied_at::date FROM denials) AS d),
daily AS (SELECT day, count(*) AS users FROM user_days GROUP BY day),
newcomers AS (SELECT day, count(*) AS users FROM (SELECT min(day) AS day FROM user_days GROUP BY user_name) AS f GROUP BY day),
spans AS (
    SELECT host, epoch_us(started_at) AS s,
           greatest(coalesce(epoch_us(ended_at), epoch_us(TIMESTAMP :'as_of') + 1), epoch_us(started_at) + 1) AS e
    FROM sessions),
pieces AS MATERIALIZED (
    SELECT greatest(s, before) AS s, e
    FROM (SELECT s, e, coalesce(max(e) OVER (PARTITION BY host ORDER BY s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
          FROM spans) AS w
    WHERE e > before),
levels AS (          -- one window over all: cutting it by day takes DuckDB four times the work
    SELECT key >> 2 AS moment, key & 3 AS kind, (sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING))::bigint AS level
    FROM (SELECT s * 4 + 2 AS key FROM pieces UNION ALL SELECT e * 4 FROM pieces
          UNION ALL SELECT epoch_us(day::timestamp) * 4 + 1 FROM calendar) AS events),
peaks AS (
    SELECT DATE '1970-01-01' + n::integer AS day, top // 86400000000 AS level,
           make_timestamp(n * 86400000000 + 86399999999 - top % 86400000000) AS moment
    FROM (SELECT moment // 86400000000 AS n, max(level * 86400000000 + (86399999999 - moment % 86400000000)) AS top
          FROM levels WHERE kind > 0 AND moment <= epoch_us(TIMESTAMP :'as_of') GROUP BY 1) AS p),
refused AS (SELECT denied_at::date AS day, count(DISTINCT user_name) AS users, count(*) AS denials FROM denials GROUP BY 1)
SELECT day, (sum(coalesce(newcomers.users, 0)) OVER (ORDER BY day))::bigint AS total_users, coalesce(daily.users, 0) AS daily_users, coalesce(refused.users, 0) AS denial_users,
       coalesce(denials, 0) AS denials, coalesce(level, 0) AS concurrent_hosts,
       CASE WHEN level > 0 THEN moment::varchar || '+00' END AS concurrent_hosts_at, day < (TIMESTAMP :'as_of')::date AS complete
FROM calendar LEFT JOIN daily USING (day) LEFT JOIN newcomers USING (day) LEFT JOIN refused USING (day) LEFT JOIN peaks USING (day)
ORDER BY day;

-- @ p1-2019-plain | postgres | few | 2019 | p1-2019 | 2019: plain SQL, the best we can write
WITH calendar AS (
    SELECT day::date FROM generate_series((SELECT date_trunc('day', least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials)))),
                                          timestamptz :'as_of', interval '1 day') AS day),
stays AS (          -- distinct first, in parallel; COLLATE "C" for the sorts
    SELECT DISTINCT user_name COLLATE "C" AS user_name, (started_at AT TIME ZONE 'UTC')::date AS first,
           (greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')) AT TIME ZONE 'UTC')::date AS last
    FROM sessions),
user_days AS MATERIALIZED (
    SELECT user_name, day FROM (
        SELECT user_name, first AS day FROM stays
        UNION ALL SELECT user_name, first + n FROM stays CROSS JOIN LATERAL generate_series(1, last - first) AS n WHERE last > first
        UNION ALL SELECT user_name COLLATE "C", (denied_at AT TIME ZONE 'UTC')::date FROM denials) AS d
    GROUP BY user_name, day),
daily AS (SELECT day, count(*) AS users FROM user_days GROUP BY day),
newcomers AS (SELECT day, count(*) AS users FROM (SELECT min(day) AS day FROM user_days GROUP BY user_name) AS f GROUP BY day),
united AS MATERIALIZED (
    SELECT unnest(range_agg(tstzrange(started_at, greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond')))) AS span
    FROM sessions GROUP BY host),
levels AS (          -- one number for time and kind sorts fastest: ends before midnights (what was carried in) before starts
    SELECT key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT (date_part('epoch', lower(span)) * 1000000)::bigint * 4 + 2 AS key FROM united
          UNION ALL SELECT (date_part('epoch', upper(span)) * 1000000)::bigint * 4 FROM united
          UNION ALL SELECT (date_part('epoch', day) * 1000000)::bigint * 4 + 1 FROM calendar) AS events),
peaks AS (          -- the highest level and, of its instants, the first, as one number
    SELECT date '1970-01-01' + (at / 86400000000)::integer AS day, max(level * 86400000000 + (86399999999 - at % 86400000000)) AS peak
    FROM levels WHERE kind > 0 AND at <= (SELECT date_part('epoch', timestamptz :'as_of') * 1000000) GROUP BY 1),
refused AS (
    SELECT (denied_at AT TIME ZONE 'UTC')::date AS day, count(DISTINCT user_name) AS users, count(*) AS denials FROM denials GROUP BY 1)
SELECT day, sum(coalesce(newcomers.users, 0)) OVER (ORDER BY day) AS total_users, coalesce(daily.users, 0) AS daily_users, coalesce(refused.users, 0) AS denial_users,
       coalesce(denials, 0) AS denials, coalesce(peak / 86400000000, 0) AS concurrent_hosts,
       CASE WHEN peak >= 86400000000 THEN (day::timestamp AT TIME ZONE 'UTC') + interval '1 microsecond' * (86399999999 - peak % 86400000000) END AS concurrent_hosts_at,
       day < (timestamptz :'as_of' AT TIME ZONE 'UTC')::date AS complete
FROM calendar LEFT JOIN daily USING (day) LEFT JOIN newcomers USING (day) LEFT JOIN refused USING (day) LEFT JOIN peaks USING (day)
ORDER BY day;

-- @ p1-2019-naive | postgres | slow | 2019 | p1-2019 | 2019: plain SQL, naive (a row for every day of every session, `range_agg`)
WITH calendar AS (
    SELECT day::date FROM generate_series((SELECT date_trunc('day', least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials)))),
                                          timestamptz :'as_of', interval '1 day') AS day),
user_days AS MATERIALIZED (
    SELECT DISTINCT user_name, day::date
    FROM sessions CROSS JOIN LATERAL generate_series(date_trunc('day', started_at), greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')), interval '1 day') AS day
    UNION SELECT user_name, (denied_at AT TIME ZONE 'UTC')::date FROM denials),
daily AS (SELECT day, count(DISTINCT user_name) AS users FROM user_days GROUP BY day),
totals AS (
    SELECT day, sum(count(user_name)) OVER (ORDER BY day) AS users
    FROM calendar LEFT JOIN (SELECT user_name, min(day) AS day FROM user_days GROUP BY user_name) AS f USING (day) GROUP BY day),
united AS MATERIALIZED (
    SELECT unnest(range_agg(tstzrange(started_at, greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond')))) AS span
    FROM sessions GROUP BY host),
levels AS (
    SELECT at, delta, sum(delta) OVER (ORDER BY at, delta ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT lower(span) AS at, 1 AS delta FROM united UNION ALL SELECT upper(span), -1 FROM united
          UNION ALL SELECT day::timestamp AT TIME ZONE 'UTC', 0 FROM calendar) AS events),
peaks AS (
    SELECT DISTINCT ON (day) (at AT TIME ZONE 'UTC')::date AS day, level, at
    FROM levels WHERE delta >= 0 AND at <= :'as_of' ORDER BY day, level DESC, at),
refused AS (
    SELECT (denied_at AT TIME ZONE 'UTC')::date AS day, count(DISTINCT user_name) AS users, count(*) AS denials FROM denials GROUP BY 1)
SELECT day, coalesce(totals.users, 0) AS total_users, coalesce(daily.users, 0) AS daily_users, coalesce(refused.users, 0) AS denial_users,
       coalesce(denials, 0) AS denials, coalesce(level, 0) AS concurrent_hosts, CASE WHEN level > 0 THEN at END AS concurrent_hosts_at,
       day < (timestamptz :'as_of' AT TIME ZONE 'UTC')::date AS complete
FROM calendar LEFT JOIN daily USING (day) LEFT JOIN totals USING (day) LEFT JOIN refused USING (day) LEFT JOIN peaks USING (day)
ORDER BY day;

-- @ p1-2013 | postgres | all | 2013 | p1-2013 | 2013: **ours**
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete
FROM ordered.daily_user_counts_2013;

-- @ p1-2013-shuffled | postgres | all | 2013 | p1-2013 | 2013: **ours**, random arrival
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete
FROM shuffled.daily_user_counts_2013;

-- @ p1-2013-duckdb | duckdb | all | 2013 | p1-2013 | 2013: DuckDB, expert SQL
WITH calendar AS (
    SELECT unnest(range(least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials))::date::timestamp,
                        TIMESTAMP :'as_of' + INTERVAL 1 MICROSECOND, INTERVAL 1 DAY))::date AS day),
stays AS (
    SELECT user_name, started_at::date AS first, greatest(started_at, coalesce(ended_at - INTERVAL 1 MICROSECOND, TIMESTAMP :'as_of'))::date AS last
    FROM sessions),
user_days AS MATERIALIZED (
    SELECT DISTINCT user_name, day FROM (
        SELECT user_name, first AS day FROM stays
        UNION ALL SELECT user_name, unnest(range(first::timestamp + INTERVAL 1 DAY, last::timestamp + INTERVAL 1 MICROSECOND, INTERVAL 1 DAY))::date FROM stays WHERE last > first) AS d),
daily AS (SELECT day, count(*) AS users FROM user_days GROUP BY day),
leaving AS (
    SELECT least(day + 14, next) AS day, count(*) AS users
    FROM (SELECT day, lead(day) OVER (PARTITION BY user_name ORDER BY day) AS next FROM user_days) AS n GROUP BY 1),
spans AS (
    SELECT host, epoch_us(started_at) AS s,
           greatest(coalesce(epoch_us(ended_at), epoch_us(TIMESTAMP :'as_of') + 1), epoch_us(started_at) + 1) AS e
    FROM sessions),
pieces AS MATERIALIZED (
    SELECT greatest(s, before) AS s, e
    FROM (SELECT s, e, coalesce(max(e) OVER (PARTITION BY host ORDER BY s ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
          FROM spans) AS w
    WHERE e > before),
levels AS (          -- one window over all: cutting it by day takes DuckDB four times the work
    SELECT key >> 2 AS moment, key & 3 AS kind, (sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING))::bigint AS level
    FROM (SELECT s * 4 + 2 AS key FROM pieces UNION ALL SELECT e * 4 FROM pieces
          UNION ALL SELECT epoch_us(day::timestamp) * 4 + 1 FROM calendar) AS events),
peaks AS (
    SELECT DATE '1970-01-01' + n::integer AS day, top // 86400000000 AS level,
           make_timestamp(n * 86400000000 + 86399999999 - top % 86400000000) AS moment
    FROM (SELECT moment // 86400000000 AS n, max(level * 86400000000 + (86399999999 - moment % 86400000000)) AS top
          FROM levels WHERE kind > 0 AND moment <= epoch_us(TIMESTAMP :'as_of') GROUP BY 1) AS p),
refused AS (SELECT denied_at::date AS day, count(DISTINCT user_name) AS users, count(*) AS denials FROM denials GROUP BY 1)
SELECT day, (sum(coalesce(daily.users, 0) - coalesce(leaving.users, 0)) OVER (ORDER BY day))::bigint AS total_users, coalesce(daily.users, 0) AS daily_users, coalesce(refused.users, 0) AS denial_users,
       coalesce(denials, 0) AS denials, coalesce(level, 0) AS concurrent_hosts,
       CASE WHEN level > 0 THEN moment::varchar || '+00' END AS concurrent_hosts_at, day < (TIMESTAMP :'as_of')::date AS complete
FROM calendar LEFT JOIN daily USING (day) LEFT JOIN leaving USING (day) LEFT JOIN refused USING (day) LEFT JOIN peaks USING (day)
ORDER BY day;

-- @ p1-2013-plain | postgres | few | 2013 | p1-2013 | 2013: plain SQL, the best we can write
WITH calendar AS (
    SELECT day::date FROM generate_series((SELECT date_trunc('day', least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials)))),
                                          timestamptz :'as_of', interval '1 day') AS day),
stays AS (          -- distinct first, in parallel; COLLATE "C" for the sorts
    SELECT DISTINCT user_name COLLATE "C" AS user_name, (started_at AT TIME ZONE 'UTC')::date AS first,
           (greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')) AT TIME ZONE 'UTC')::date AS last
    FROM sessions),
user_days AS MATERIALIZED (
    SELECT user_name, day FROM (
        SELECT user_name, first AS day FROM stays
        UNION ALL SELECT user_name, first + n FROM stays CROSS JOIN LATERAL generate_series(1, last - first) AS n WHERE last > first) AS d
    GROUP BY user_name, day),
daily AS (SELECT day, count(*) AS users FROM user_days GROUP BY day),
leaving AS (          -- a day counts for 14, or until the user's next day
    SELECT least(day + 14, next) AS day, count(*) AS users
    FROM (SELECT day, lead(day) OVER (PARTITION BY user_name ORDER BY day) AS next FROM user_days) AS n GROUP BY 1),
united AS MATERIALIZED (
    SELECT unnest(range_agg(tstzrange(started_at, greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond')))) AS span
    FROM sessions GROUP BY host),
levels AS (          -- one number for time and kind sorts fastest: ends before midnights (what was carried in) before starts
    SELECT key >> 2 AS at, key & 3 AS kind, sum(((key & 3) - 1)::integer) OVER (ORDER BY key ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT (date_part('epoch', lower(span)) * 1000000)::bigint * 4 + 2 AS key FROM united
          UNION ALL SELECT (date_part('epoch', upper(span)) * 1000000)::bigint * 4 FROM united
          UNION ALL SELECT (date_part('epoch', day) * 1000000)::bigint * 4 + 1 FROM calendar) AS events),
peaks AS (          -- the highest level and, of its instants, the first, as one number
    SELECT date '1970-01-01' + (at / 86400000000)::integer AS day, max(level * 86400000000 + (86399999999 - at % 86400000000)) AS peak
    FROM levels WHERE kind > 0 AND at <= (SELECT date_part('epoch', timestamptz :'as_of') * 1000000) GROUP BY 1),
refused AS (
    SELECT (denied_at AT TIME ZONE 'UTC')::date AS day, count(DISTINCT user_name) AS users, count(*) AS denials FROM denials GROUP BY 1)
SELECT day, sum(coalesce(daily.users, 0) - coalesce(leaving.users, 0)) OVER (ORDER BY day) AS total_users, coalesce(daily.users, 0) AS daily_users, coalesce(refused.users, 0) AS denial_users,
       coalesce(denials, 0) AS denials, coalesce(peak / 86400000000, 0) AS concurrent_hosts,
       CASE WHEN peak >= 86400000000 THEN (day::timestamp AT TIME ZONE 'UTC') + interval '1 microsecond' * (86399999999 - peak % 86400000000) END AS concurrent_hosts_at,
       day < (timestamptz :'as_of' AT TIME ZONE 'UTC')::date AS complete
FROM calendar LEFT JOIN daily USING (day) LEFT JOIN leaving USING (day) LEFT JOIN refused USING (day) LEFT JOIN peaks USING (day)
ORDER BY day;

-- @ p1-2013-naive | postgres | slow | 2013 | p1-2013 | 2013: plain SQL, naive (every day joined with its 14 days)
WITH calendar AS (
    SELECT day::date FROM generate_series((SELECT date_trunc('day', least((SELECT min(started_at) FROM sessions), (SELECT min(denied_at) FROM denials)))),
                                          timestamptz :'as_of', interval '1 day') AS day),
user_days AS MATERIALIZED (
    SELECT DISTINCT user_name, day::date
    FROM sessions CROSS JOIN LATERAL generate_series(date_trunc('day', started_at), greatest(started_at, coalesce(ended_at - interval '1 microsecond', :'as_of')), interval '1 day') AS day),
daily AS (SELECT day, count(DISTINCT user_name) AS users FROM user_days GROUP BY day),
totals AS (
    SELECT c.day, count(DISTINCT user_name) AS users
    FROM calendar AS c JOIN user_days AS u ON u.day BETWEEN c.day - 13 AND c.day GROUP BY c.day),
united AS MATERIALIZED (
    SELECT unnest(range_agg(tstzrange(started_at, greatest(coalesce(ended_at, timestamptz :'as_of' + interval '1 microsecond'), started_at + interval '1 microsecond')))) AS span
    FROM sessions GROUP BY host),
levels AS (
    SELECT at, delta, sum(delta) OVER (ORDER BY at, delta ROWS UNBOUNDED PRECEDING) AS level
    FROM (SELECT lower(span) AS at, 1 AS delta FROM united UNION ALL SELECT upper(span), -1 FROM united
          UNION ALL SELECT day::timestamp AT TIME ZONE 'UTC', 0 FROM calendar) AS events),
peaks AS (
    SELECT DISTINCT ON (day) (at AT TIME ZONE 'UTC')::date AS day, level, at
    FROM levels WHERE delta >= 0 AND at <= :'as_of' ORDER BY day, level DESC, at),
refused AS (
    SELECT (denied_at AT TIME ZONE 'UTC')::date AS day, count(DISTINCT user_name) AS users, count(*) AS denials FROM denials GROUP BY 1)
SELECT day, coalesce(totals.users, 0) AS total_users, coalesce(daily.users, 0) AS daily_users, coalesce(refused.users, 0) AS denial_users,
       coalesce(denials, 0) AS denials, coalesce(level, 0) AS concurrent_hosts, CASE WHEN level > 0 THEN at END AS concurrent_hosts_at,
       day < (timestamptz :'as_of' AT TIME ZONE 'UTC')::date AS complete
FROM calendar LEFT JOIN daily USING (day) LEFT JOIN totals USING (day) LEFT JOIN refused USING (day) LEFT JOIN peaks USING (day)
ORDER BY day;
