-- Data to be judged on: random with a fixed seed, and adversarial by construction.
--
-- Chance is md5 of (seed, row, purpose), not random(): PostgreSQL 15 changed its generator, and the same rows are
-- wanted everywhere. Times lie on a coarse grid, so that touching ends, equal instants and duplicates are common.
-- Each load_* function empties oracle.session and oracle.denial first.

-- A die with `sides` sides: 0 .. sides - 1.
CREATE FUNCTION oracle.dice(seed integer, row_number bigint, purpose text, sides integer)
RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (('x' || substr(md5(seed || ':' || row_number || ':' || purpose), 1, 8))::bit(32)::bigint % sides)::integer
$$;

-- Names that have broken something somewhere. None of them is NULL or ''.
CREATE FUNCTION oracle.hostile_names() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY[
        'x"; DROP TABLE oracle.session; --', E'Robert''); DROP TABLE students;--', 'back\slash', '\x00', 'two  spaces',
        ' leading', 'trailing ', ' ', E'new\nline', E'tab\there', E'carriage\rreturn', 'NULL', 'null', '{}', '(,)', '%s%n',
        'anna', 'Anna', 'ANNA', 'anna@realm', 'REALM\anna',
        'zażółć', 'Zażółć', 'é', U&'e\0301', 'ß', 'ss', U&'\+01F600', U&'\202Ereversed', U&'\200B', 'ı', 'i', 'I', 'İ',
        repeat('long', 500), repeat('long', 500) || '.', repeat(U&'\+01F600', 300)]
$$;

CREATE FUNCTION oracle.random_name(seed integer, row_number bigint, purpose text, how_many integer)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN oracle.dice(seed, row_number, purpose || '?', 40) = 0 THEN NULL
        WHEN oracle.dice(seed, row_number, purpose || '?', 40) = 1 THEN ''
        WHEN oracle.dice(seed, row_number, purpose || '?', 40) < 8
            THEN (oracle.hostile_names())[1 + oracle.dice(seed, row_number, purpose || 'h', cardinality(oracle.hostile_names()))]
        ELSE left(purpose, 1) || oracle.dice(seed, row_number, purpose, how_many) END
$$;

-- Sessions and denials between from_at and to_at on a grid; some begin before and end after, some are open,
-- instants, reversed, infinite, without a start, or in the future of any as_of up to to_at.
CREATE FUNCTION oracle.load_random(seed integer, sessions integer, denials integer, from_at timestamptz, to_at timestamptz,
                                   grid interval DEFAULT '30 minutes', users integer DEFAULT 40, hosts integer DEFAULT 12)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    steps integer := floor(extract(epoch FROM to_at - from_at) / extract(epoch FROM grid));
BEGIN
    TRUNCATE oracle.session, oracle.denial RESTART IDENTITY;

    INSERT INTO oracle.session (user_name, host, server, started_at, ended_at, last_seen, weight)
    SELECT oracle.random_name(seed, i, 'user', users), oracle.random_name(seed, i, 'host', hosts),
           CASE WHEN oracle.dice(seed, i, 'server', 20) > 0 THEN 's' || oracle.dice(seed, i, 'server', 3) END,
           s.started_at,
           CASE WHEN k < 20 THEN NULL                                                     -- open
                WHEN k < 24 THEN 'infinity'                                               -- open, said otherwise
                WHEN k < 34 THEN s.started_at                                             -- an instant
                WHEN k < 38 THEN s.started_at - grid                                      -- reversed
                WHEN k < 40 THEN '-infinity'                                              -- reversed, or no start either
                WHEN k < 46 THEN s.started_at + oracle.tick()
                WHEN k < 60 THEN s.started_at + grid * oracle.dice(seed, i, 'days', 200)  -- days long
                ELSE s.started_at + grid * (1 + oracle.dice(seed, i, 'length', 6)) END,
           CASE oracle.dice(seed, i, 'seen', 6)
                WHEN 0 THEN NULL WHEN 1 THEN s.started_at - grid WHEN 2 THEN s.started_at
                ELSE s.started_at + grid * oracle.dice(seed, i, 'seen', 100) END,
           CASE oracle.dice(seed, i, 'weight?', 30)
                WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN -1 WHEN 3 THEN 1000000000000 WHEN 4 THEN 1000000000001
                ELSE 1 + oracle.dice(seed, i, 'weight', 5) END
    FROM (SELECT i, oracle.dice(seed, i, 'kind', 200) AS k,
                 CASE WHEN oracle.dice(seed, i, 'start?', 100) = 0 THEN NULL
                      WHEN oracle.dice(seed, i, 'start?', 100) = 1 THEN '-infinity'
                      WHEN oracle.dice(seed, i, 'start?', 100) = 2 THEN 'infinity'
                      ELSE from_at + grid * oracle.dice(seed, i, 'start', steps) END AS started_at
          FROM generate_series(1, sessions) AS i) AS s;

    -- Retries: the same row once more.
    INSERT INTO oracle.session (user_name, host, server, started_at, ended_at, last_seen, weight)
    SELECT user_name, host, server, started_at, ended_at, last_seen, weight
    FROM oracle.session WHERE oracle.dice(seed, id, 'again', 12) = 0;

    INSERT INTO oracle.denial (user_name, host, server, denied_at)
    SELECT oracle.random_name(seed, -i, 'user', users + 10), oracle.random_name(seed, -i, 'host', hosts),
           CASE WHEN oracle.dice(seed, -i, 'server', 20) > 0 THEN 's' || oracle.dice(seed, -i, 'server', 4) END,
           CASE WHEN oracle.dice(seed, -i, 'at?', 60) = 0 THEN NULL
                WHEN oracle.dice(seed, -i, 'at?', 60) = 1 THEN '-infinity'
                WHEN oracle.dice(seed, -i, 'at?', 60) = 2 THEN 'infinity'
                ELSE from_at + grid * oracle.dice(seed, -i, 'at', steps) END
    FROM generate_series(1, denials) AS i;

    -- Denied, and let in just before or just after: at, inside and outside the limits of S11 (5 s before, 2 s after).
    INSERT INTO oracle.denial (user_name, host, server, denied_at)
    SELECT user_name, host, server,
           started_at + (ARRAY[interval '0', '5 seconds', '5.000001 seconds', '-2 seconds', '-2.000001 seconds', '3 seconds',
                               '-1 second', '1 minute'])[1 + oracle.dice(seed, id, 'off', 8)]
    FROM oracle.session
    WHERE isfinite(started_at) AND oracle.dice(seed, id, 'denied', 4) = 0;
END
$$;

-- Everything that can happen around the bounds of one civil day: a session for each pair of instants at, one tick
-- before and one tick after the bounds of the days around it, each of another user on one of a few hosts; the same
-- instants as denials; and open sessions from each.
CREATE FUNCTION oracle.load_around(the_day date, zone text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE oracle.session, oracle.denial RESTART IDENTITY;

    WITH bounds AS (
        SELECT DISTINCT oracle.day_start(the_day + n, zone) AS t FROM generate_series(-1, 2) AS n),
    instants AS (
        SELECT t - oracle.tick() AS t FROM bounds UNION SELECT t FROM bounds UNION SELECT t + oracle.tick() FROM bounds
        UNION SELECT t + interval '90 minutes' FROM bounds UNION SELECT t - interval '90 minutes' FROM bounds),
    pairs AS (
        SELECT row_number() OVER (ORDER BY a.t, b.t) AS i, a.t AS s, b.t AS e FROM instants AS a JOIN instants AS b ON a.t <= b.t)
    INSERT INTO oracle.session (user_name, host, server, started_at, ended_at)
    SELECT 'u' || i % 97, 'h' || i % 13, 's' || i % 2, s, e FROM pairs
    UNION ALL
    SELECT 'open' || row_number() OVER (ORDER BY t), 'o' || row_number() OVER (ORDER BY t), 's0', t, NULL FROM instants
    WHERE t > oracle.day_start(the_day, zone);

    INSERT INTO oracle.denial (user_name, server, denied_at)
    SELECT 'd' || row_number() OVER (ORDER BY started_at), 's' || row_number() OVER (ORDER BY started_at) % 3, started_at
    FROM (SELECT DISTINCT started_at FROM oracle.session) AS s;
END
$$;

-- The sessions as keyed rows, of users or of hosts.
CREATE FUNCTION oracle.keyed_from_sessions(what text DEFAULT 'user') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE oracle.keyed RESTART IDENTITY;
    INSERT INTO oracle.keyed (key, started_at, ended_at)
    SELECT CASE what WHEN 'user' THEN user_name ELSE host END, started_at, ended_at FROM oracle.session ORDER BY id;
END
$$;
