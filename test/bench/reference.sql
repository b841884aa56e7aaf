-- The reference set. psql variables: rows, users, as_of; where they are given, begins, and only_sessions, which leaves out what
-- is not about sessions and denials as they arrive. Everything follows from the number of a row through hashes that give
-- the same values in every version of PostgreSQL, so no seed has to be set and any two machines get the same rows.

SET timezone = 'UTC';
SET jit = off;
SET work_mem = '1GB';               -- for the one sort below
SET max_parallel_workers_per_gather = 0;   -- a row number must belong to the same row every time

-- 53 bits of a hash as a fraction in [0, 1).
CREATE FUNCTION uniform(number bigint, seed bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((hashint8extended(number, seed) >> 11) & 9007199254740991)::double precision / 9007199254740992.0
$$;

-- A few names have much, most have little: the square of a uniform number, so that the busiest of n names gets
-- 1/sqrt(n) of the rows and the quietest still about half the average.
CREATE FUNCTION skewed(number bigint, seed bigint, names bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT floor(uniform(number, seed) ^ 2 * names)::bigint $$;

-- What a RADIUS server writes as Calling-Station-Id: 17 bytes, no common prefix worth speaking of.
CREATE FUNCTION station(number bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '02-' || substr(h, 1, 2) || '-' || substr(h, 3, 2) || '-' || substr(h, 5, 2) || '-' || substr(h, 7, 2) || '-' || substr(h, 9, 2)
    FROM (SELECT lpad(to_hex((number * 2654435761 + 1442695) & 1099511627775), 10, '0') AS h) AS hex
$$;

\if :{?begins} \else \set begins '2025-01-01 00:00:00' \endif
BEGIN;
CREATE TABLE reference AS
SELECT timestamptz :'begins' AS begins, timestamptz :'as_of' AS as_of,
       greatest(:users, 1)::bigint AS users, greatest(:rows / 200, 1)::bigint AS hosts, greatest(:rows / 50, 1)::bigint AS groups;

-- In order of arrival. Lengths are exponential with a mean of two hours; who is still there at the end is open, and so
-- is one session in 5,000 whose stop record got lost.
CREATE TABLE sessions (user_name text, host text, started_at timestamptz, ended_at timestamptz);
INSERT INTO sessions
SELECT user_name, host, started_at, CASE WHEN ended_at < as_of AND NOT is_lost THEN ended_at END
FROM (SELECT 'user' || skewed(n, 1, users) AS user_name, station(skewed(n, 2, hosts)) AS host, started_at, as_of,
             started_at + interval '1 second' * (-7200 * ln(1 - uniform(n, 3))) AS ended_at,
             uniform(n, 4) < 0.0002 AS is_lost
      FROM (SELECT n, users, hosts, as_of, begins + (as_of - begins) * ((n + uniform(n, 5)) / :rows) AS started_at
            FROM reference, generate_series(0::bigint, :rows - 1) AS n) AS arrival) AS s;

\if :{?only_sessions} \else
-- The same rows as they lie after years of updates, or after a load from many places.
CREATE TABLE sessions_shuffled (LIKE sessions);
INSERT INTO sessions_shuffled
SELECT * FROM sessions ORDER BY timestamp_hash_extended(started_at AT TIME ZONE 'UTC', 6), started_at, host;

\endif

-- One name in twenty was never let in.
CREATE TABLE denials (user_name text, denied_at timestamptz);
INSERT INTO denials
SELECT 'user' || skewed(n, 7, users + users / 20), begins + (as_of - begins) * ((n + uniform(n, 8)) / (:rows / 10))
FROM reference, generate_series(0::bigint, :rows / 10 - 1) AS n;

\if :{?only_sessions} \else
-- Many small groups, five rows each, their rows far apart: every group is open until the last row.
CREATE TABLE visits (room integer, badge text, entered_at timestamptz, left_at timestamptz);
INSERT INTO visits
SELECT room, 'user' || skewed(room * 3 + floor(3 * uniform(n, 9))::bigint, 10, users), entered_at,
       entered_at + interval '1 second' * (-7200 * ln(1 - uniform(n, 11)))
FROM (SELECT n, n % groups AS room, users, begins + (as_of - begins) * ((n + uniform(n, 12)) / (groups * 5)) AS entered_at
      FROM reference, generate_series(0::bigint, groups * 5 - 1) AS n) AS v;
\endif
COMMIT;

-- Visibility map and statistics as on a table that autovacuum has been to.
VACUUM ANALYZE sessions;
VACUUM ANALYZE denials;
\if :{?only_sessions} \else
VACUUM ANALYZE sessions_shuffled;
VACUUM ANALYZE visits;
\endif
CHECKPOINT;
