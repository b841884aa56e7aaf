-- A materialized source against its twin over the same tables of which nothing is stored: whatever happens to the
-- tables, and whenever it is stored, the views of both say the same.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
CREATE SCHEMA twin;
CREATE TABLE twin.session (id bigint GENERATED ALWAYS AS IDENTITY, user_name text, host text, server text,
                           started_at timestamptz, ended_at timestamptz, last_seen timestamptz);
CREATE TABLE twin.denial (id bigint GENERATED ALWAYS AS IDENTITY, user_name text, host text, server text, denied_at timestamptz);

-- One of some values, by chance.
CREATE FUNCTION twin.pick(seed integer, purpose text, VARIADIC choices text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT choices[1 + oracle.dice(seed, 0, purpose, cardinality(choices))]
$$;

-- An instant: of the last weeks or the next days, at or beside a midnight, on a day that its zone cut short or left out,
-- or none at all.
CREATE FUNCTION twin.instant(seed integer, i bigint, purpose text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN k < 45 THEN now() - interval '30 minutes' * oracle.dice(seed, i, purpose || 'past', 2000)
        WHEN k < 60 THEN oracle.day_start(current_date - oracle.dice(seed, i, purpose || 'day', 30), zone) + oracle.tick() * (oracle.dice(seed, i, purpose || 'tick', 3) - 1)
        WHEN k < 75 THEN oracle.day_start(odd + oracle.dice(seed, i, purpose || 'day', 4) - 1, zone) + oracle.tick() * (oracle.dice(seed, i, purpose || 'tick', 3) - 1)
        WHEN k < 85 THEN odd::timestamptz + interval '20 minutes' * oracle.dice(seed, i, purpose || 'past', 300)
        WHEN k < 92 THEN now() + interval '10 minutes' * (oracle.dice(seed, i, purpose || 'future', 500) - 10)
        WHEN k < 94 THEN now() - interval '1 day' * oracle.dice(seed, i, purpose || 'past', (current_date - odd) * 5 / 4)
        WHEN k < 96 THEN '-infinity' WHEN k < 98 THEN 'infinity' END
    FROM (SELECT oracle.dice(seed, i, purpose || '?', 100) AS k,
                 twin.pick(seed, 'zone' || i, 'Europe/Warsaw', 'Pacific/Apia', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'UTC') AS zone,
                 twin.pick(seed, 'odd' || i, VARIADIC current_setting('twin.odd_days')::text[])::date AS odd) AS chance
$$;

CREATE FUNCTION twin.end_of(seed integer, i bigint, started_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN k < 15 THEN NULL WHEN k < 18 THEN 'infinity' WHEN k < 19 THEN '-infinity'
        WHEN k < 25 THEN started_at
        WHEN k < 29 THEN started_at + oracle.tick()
        WHEN k < 33 THEN started_at - interval '1 hour'
        WHEN k < 38 THEN twin.instant(seed, i, 'end')
        WHEN k < 50 THEN started_at + interval '11 hours' * oracle.dice(seed, i, 'days', 30)
        WHEN k < 52 THEN started_at + interval '400 days' * oracle.dice(seed, i, 'years', 4)
        ELSE started_at + interval '25 minutes' * oracle.dice(seed, i, 'length', 30) END
    FROM (SELECT oracle.dice(seed, i, 'kind', 100) AS k) AS chance
$$;

CREATE FUNCTION twin.add_sessions(seed integer, how_many integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO twin.session (user_name, host, server, started_at, ended_at, last_seen)
    SELECT oracle.random_name(seed, i, 'user', 25), oracle.random_name(seed, i, 'host', 8),
           CASE oracle.dice(seed, i, 'server', 12) WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 's' || oracle.dice(seed, i, 'server', 3) END,
           s.started_at, twin.end_of(seed, i, s.started_at),
           CASE oracle.dice(seed, i, 'seen?', 4) WHEN 0 THEN NULL WHEN 1 THEN twin.instant(seed, i, 'seen')
                ELSE s.started_at + interval '3 hours' * oracle.dice(seed, i, 'seen', 12) END
    FROM (SELECT i, twin.instant(seed, i, 'start') AS started_at FROM generate_series(1, how_many) AS i) AS s
$$;

-- Denials at any time, and around midnights and the starts of sessions, where they are false or just not.
CREATE FUNCTION twin.add_denials(seed integer, how_many integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO twin.denial (user_name, host, server, denied_at)
    SELECT oracle.random_name(seed, -i, 'user', 30), oracle.random_name(seed, -i, 'host', 8), 's' || oracle.dice(seed, -i, 'server', 4),
           twin.instant(seed, -i, 'denied')
    FROM generate_series(1, how_many) AS i;
    INSERT INTO twin.denial (user_name, host, server, denied_at)
    SELECT user_name, host, server, started_at + (ARRAY[interval '0', '5 seconds', '5.000001 seconds', '-2 seconds', '-2.000001 seconds',
                                                        '3 hours', '-26 hours'])[1 + oracle.dice(seed, id, 'off', 7)]
    FROM twin.session WHERE isfinite(started_at) AND oracle.dice(seed, id, 'denied', 9) = 0;
$$;

-- What happens to tables of sessions. Some of it happens in subtransactions, which may be rolled back.
CREATE PROCEDURE twin.change(seed integer) LANGUAGE plpgsql AS $$
DECLARE
    what text := twin.pick(seed, 'change', 'open', 'close', 'close all', 'interim', 'interim', 'rename', 'move', 'delete', 'delete old',
                           'add', 'add', 'deny', 'deny', 'undeny', 'truncate', 'swap', 'upsert', 'switch');
    one_of integer := (ARRAY[2, 7, 40])[1 + oracle.dice(seed, 0, 'one of', 3)];
BEGIN
    CASE what
        WHEN 'open' THEN UPDATE twin.session SET ended_at = NULL WHERE oracle.dice(seed, id, 'x', one_of) = 0;
        WHEN 'close' THEN UPDATE twin.session SET ended_at = twin.end_of(seed, id, started_at) WHERE oracle.dice(seed, id, 'x', one_of) = 0;
        WHEN 'close all' THEN UPDATE twin.session SET ended_at = greatest(started_at, now()) WHERE ended_at IS NULL AND isfinite(started_at);
        WHEN 'interim' THEN UPDATE twin.session SET last_seen = twin.instant(seed, id, 'seen') WHERE oracle.dice(seed, id, 'x', one_of) = 0;
        WHEN 'rename' THEN UPDATE twin.session SET user_name = oracle.random_name(seed, id, 'user', 25) WHERE oracle.dice(seed, id, 'x', one_of) = 0;
        WHEN 'move' THEN UPDATE twin.session SET started_at = twin.instant(seed, id, 'start') WHERE oracle.dice(seed, id, 'x', one_of) = 0;
        WHEN 'delete' THEN DELETE FROM twin.session WHERE oracle.dice(seed, id, 'x', one_of) = 0;
        WHEN 'delete old' THEN DELETE FROM twin.session WHERE ended_at < now() - interval '20 days' AND oracle.dice(seed, id, 'x', 2) = 0;
        WHEN 'add' THEN PERFORM twin.add_sessions(seed, 15);
        WHEN 'deny' THEN PERFORM twin.add_denials(seed, 8);
        WHEN 'undeny' THEN UPDATE twin.denial SET denied_at = twin.instant(seed, id, 'denied') WHERE oracle.dice(seed, id, 'y', one_of) = 0;
        WHEN 'truncate' THEN
            IF oracle.dice(seed, 0, 'truncate', 3) = 0 THEN TRUNCATE twin.session; ELSE TRUNCATE twin.denial; END IF;
            PERFORM twin.add_sessions(seed, 40);
        WHEN 'swap' THEN      -- two rows exchange what they are: nothing changes
            UPDATE twin.session AS s SET (user_name, host, server, started_at, ended_at, last_seen)
                = (SELECT o.user_name, o.host, o.server, o.started_at, o.ended_at, o.last_seen FROM twin.session AS o WHERE o.id = 2 * a.sum - s.id)
            FROM (SELECT avg(id) AS sum FROM (SELECT id FROM twin.session ORDER BY oracle.dice(seed, id, 'swap', 1000), id LIMIT 2) AS t) AS a
            WHERE s.id IN (SELECT id FROM twin.session ORDER BY oracle.dice(seed, id, 'swap', 1000), id LIMIT 2);
        WHEN 'upsert' THEN      -- changed and put back, and changed and rolled back
            UPDATE twin.session SET host = host || '!' WHERE oracle.dice(seed, id, 'x', one_of) = 0;
            UPDATE twin.session SET host = left(host, -1) WHERE right(host, 1) = '!';
            BEGIN
                DELETE FROM twin.session;
                PERFORM 1 / 0;
            EXCEPTION WHEN division_by_zero THEN
                PERFORM twin.add_sessions(seed, 3);
            END;
        WHEN 'switch' THEN UPDATE twin.session SET server = twin.pick(seed, 'server' || id, 's0', 's1', 's2', '', NULL) WHERE oracle.dice(seed, id, 'x', one_of) = 0;
    END CASE;
END
$$;

-- Two dimensions, one, or none: of each the report is there, with rows that have no value.
CREATE FUNCTION twin.dimensions(seed integer) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE oracle.dice(seed, 0, 'two', 3)
        WHEN 0 THEN '{"letter": "right(nullif(host, ''''), 1)", "team": {"sessions": "lower(right(user_name, 1))", "denials": "server"}}'
        WHEN 1 THEN '{"team": {"sessions": "CASE WHEN host > ''h3'' THEN server END"}}' END::json
$$;

-- Sources stored and live, of options by chance.
CREATE PROCEDURE twin.make(seed integer) LANGUAGE plpgsql AS $$
DECLARE
    naive boolean := oracle.dice(seed, 0, 'naive', 4) = 0;
    idle  interval := twin.pick(seed, 'idle', NULL, '20 minutes', '6 hours', '3 days')::interval;
    before interval := twin.pick(seed, 'before', NULL, '0', '5 seconds', '26 hours')::interval;
    after interval := CASE WHEN before IS NULL THEN NULL ELSE twin.pick(seed, 'after', '0', '2 seconds', '3 hours')::interval END;
    servers text[] := twin.pick(seed, 'servers', NULL, '{s1}', '{s0,"",nowhere}')::text[];
    server text := CASE WHEN servers IS NOT NULL OR oracle.dice(seed, 0, 'server', 3) > 0 THEN 'server' END;
    time text := CASE WHEN naive THEN '%I AT TIME ZONE ''Asia/Tokyo''' ELSE '%I' END;
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['live', 'stored'] LOOP
        IF EXISTS (SELECT FROM pg_namespace WHERE nspname = each) THEN
            PERFORM headcount.drop_source(each);
        END IF;
        PERFORM headcount.create_source(each, 'twin.session', 'user_name', 'host', format(time, 'started_at'), format(time, 'ended_at'),
            server => server, last_seen => format(time, 'last_seen'), idle_limit => idle,
            sessions_when => twin.pick(seed, 'when', NULL, NULL, 'host <> ''h3'' OR host IS NULL'),
            user_identity => twin.pick(seed, 'identity', NULL, 'lower(user_name)'), realtime_servers => servers,
            denials => 'twin.denial', denied_user => 'user_name', denied_at => format(time, 'denied_at'),
            denied_server => CASE WHEN server IS NOT NULL THEN 'server' END, denied_when => twin.pick(seed, 'refused', NULL, NULL, 'host <> ''h2'''),
            false_denial_before => before, false_denial_after => after,
            time_zone => twin.pick(seed, 'zone', 'Europe/Warsaw', 'Pacific/Apia', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Pacific/Kiritimati'),
            licensing_model => twin.pick(seed, 'model', '2013', '2019', '2025'), window_days => twin.pick(seed, 'window', '1', '2', '14', NULL)::integer,
            materialized => each = 'stored', dimensions => twin.dimensions(seed));
    END LOOP;
    IF oracle.dice(seed, 0, 'indexes', 2) = 0 THEN
        PERFORM headcount.create_indexes('stored');
    END IF;
END
$$;

-- What differs, now or as of another instant.
CREATE FUNCTION twin.differences(at text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    what text; verdict text;
    columns text := 'day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions';
BEGIN
    PERFORM set_config('headcount.as_of', at, true);
    FOREACH what IN ARRAY ARRAY[columns || ' FROM %s.daily_user_counts_2013', columns || ' FROM %s.daily_user_counts_2019', columns || ' FROM %s.daily_user_counts_2025',
            'server, ' || columns || ' FROM %s.daily_user_counts_by_server', '* FROM %s.realtime_users_count',
            'day, public.hll_cardinality(used), public.hll_cardinality(denied) FROM %s.daily_user_sketches']
            || ARRAY(SELECT '* FROM %s.' || c.relname FROM pg_class AS c WHERE c.relnamespace = 'live'::regnamespace AND c.relname IN ('daily_user_counts_by_letter', 'daily_user_counts_by_team')) LOOP
        verdict := judge.compare(format('SELECT ' || what, 'stored'), format('SELECT ' || what, 'live'));
        IF verdict NOT LIKE 'equal, %' THEN
            RETURN NEXT format(E'as of %s: %s\n%s', at, what, verdict);
        END IF;
    END LOOP;
    PERFORM set_config('headcount.as_of', '', true);
END
$$;

-- As of now, of days long gone, of midnights, of instants within stored and live days, and of the future.
CREATE FUNCTION twin.as_of(seed integer) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce((CASE oracle.dice(seed, 0, 'as of', 8)
        WHEN 0 THEN oracle.day_start(current_date - oracle.dice(seed, 0, 'as of day', 25), s.time_zone)
        WHEN 1 THEN oracle.day_start(twin.pick(seed, 'odd', VARIADIC current_setting('twin.odd_days')::text[])::date + oracle.dice(seed, 0, 'as of day', 6) - 1, s.time_zone)
                    + oracle.tick() * (oracle.dice(seed, 0, 'tick', 3) - 1)
        WHEN 2 THEN now() - interval '17 minutes' * oracle.dice(seed, 0, 'as of', 3000)
        WHEN 3 THEN now() - interval '1 day' * oracle.dice(seed, 0, 'as of', 5000)
        WHEN 4 THEN now() + interval '7 hours' * oracle.dice(seed, 0, 'as of', 300)
        WHEN 5 THEN now() - interval '10 minutes' * oracle.dice(seed, 0, 'as of', 3) END)::text, '')
    FROM stored.settings AS s);
END
$$;

-- Steps of everything. A history of one seed is the same every day, but for what "now" makes of it.
CREATE PROCEDURE twin.run(seed integer, steps integer, is_long boolean DEFAULT false) LANGUAGE plpgsql AS $$
DECLARE
    found   text;
    n       integer;
    frozen  date;
    checks  integer := 0;
BEGIN
    TRUNCATE twin.session, twin.denial RESTART IDENTITY;
    PERFORM set_config('twin.odd_days', CASE WHEN is_long THEN '{2011-12-29,2017-10-14,2025-10-04,2026-03-28}' ELSE '{2025-10-04,2026-03-28}' END, false);
    CALL twin.make(seed);
    COMMIT;
    FOR n IN seed * 1000 + 1 .. seed * 1000 + steps LOOP
        IF n % 1000 = 2 THEN
            PERFORM twin.add_sessions(seed, 120), twin.add_denials(seed, 30);
        ELSIF n % 1000 > 2 THEN
            CALL twin.change(n);
        END IF;
        COMMIT;
        CASE oracle.dice(n, 0, 'maintain', 10)
            WHEN 0, 1, 2 THEN CALL headcount.refresh('stored');
            WHEN 3, 4 THEN CALL headcount.refresh('stored', max_days => 1 + oracle.dice(n, 0, 'days', 3));
            WHEN 5 THEN
                PERFORM headcount.invalidate('stored', current_date - oracle.dice(n, 0, 'from', 60) - 20, NULLIF(current_date - oracle.dice(n, 0, 'from', 20), current_date));
            WHEN 6 THEN
                CALL headcount.refresh('stored');
                PERFORM headcount.freeze('stored', least(current_date - oracle.dice(n, 0, 'frozen', 40), (SELECT r.watermark FROM stored.rollup_state AS r)));
                COMMIT;
                CALL twin.change(n + 500);
                CALL headcount.refresh('stored');
                PERFORM headcount.freeze('stored', NULL);
            WHEN 7 THEN
                IF oracle.dice(n, 0, 'rebuild', 3) = 0 THEN
                    CALL headcount.rebuild('stored');
                END IF;
            ELSE NULL;
        END CASE;
        COMMIT;
        FOR found IN SELECT d FROM (SELECT '' AS instant UNION SELECT twin.as_of(n)) AS at, twin.differences(at.instant) AS d LOOP
            RAISE WARNING 'seed %, step %: %', seed, n, found;
        END LOOP;
        checks := checks + 1;
        COMMIT;
    END LOOP;
    CALL headcount.refresh('stored');
    FOR found IN SELECT v::text FROM headcount.verify('stored') AS v UNION ALL SELECT twin.differences('') LOOP
        RAISE WARNING 'seed %, at the end: %', seed, found;
    END LOOP;
    IF NOT EXISTS (SELECT FROM stored.rollup_days) OR EXISTS (SELECT FROM stored.invalidation_log) OR checks < steps THEN
        RAISE WARNING 'seed %: nothing was stored', seed;
    END IF;
END
$$;

CALL twin.run(1, 6);
CALL twin.run(7, 4, is_long => true);
-- More of them where somebody asks for it: script/torture.
\getenv histories HEADCOUNT_HISTORIES
\getenv seed HEADCOUNT_STRESS_SEED
CREATE PROCEDURE twin.more(first_seed integer, how_many integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR seed IN first_seed .. first_seed + how_many - 1 LOOP
        CALL twin.run(seed, 8, is_long => seed % 4 = 0);
    END LOOP;
END
$$;
\if :{?histories}
CALL twin.more(:seed, :histories);
\endif

-- Sources over little or nothing: no rows, rows of the future only, denials only, hosts only, filled and emptied.
CREATE PROCEDURE twin.edge(what text, VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    found     text;
BEGIN
    TRUNCATE twin.session, twin.denial;
    CALL headcount.refresh('stored');
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
        COMMIT;
        FOR found IN SELECT d FROM (VALUES (''), (current_date::text), ((current_date - 3)::text), ((current_date + 40)::text)) AS at (instant),
                                   twin.differences(at.instant) AS d LOOP
            RAISE WARNING '% after %: %', what, statement, found;
        END LOOP;
        COMMIT;
        CALL headcount.refresh('stored');
        FOR found IN SELECT twin.differences('') UNION ALL SELECT v::text FROM headcount.verify('stored') AS v LOOP
            RAISE WARNING '% after % and a refresh: %', what, statement, found;
        END LOOP;
        COMMIT;
    END LOOP;
END
$$;
DO $$
BEGIN
    CALL twin.make(10);
    COMMIT;
    CALL twin.edge('nothing', 'SELECT');
    CALL twin.edge('the future', $q$INSERT INTO twin.session (user_name, host, server, started_at, ended_at) VALUES ('f', 'h', 's1', now() + interval '2 days', NULL)$q$,
        $q$UPDATE twin.session SET started_at = now() - interval '2 days'$q$);
    CALL twin.edge('denials only', $q$INSERT INTO twin.denial (user_name, server, denied_at) VALUES ('d', 's1', now() - interval '5 days'), ('d', 's1', now())$q$);
    CALL twin.edge('hosts only', $q$INSERT INTO twin.session (user_name, host, server, started_at) VALUES (NULL, 'h', 's1', now() - interval '5 days'), ('', 'h', '', now() - interval '9 days')$q$);
    CALL twin.edge('truncated and refilled', 'SELECT twin.add_sessions(5, 30)', 'TRUNCATE twin.session', 'SELECT twin.add_sessions(6, 30)');
    CALL twin.edge('years', $q$INSERT INTO twin.session (user_name, host, server, started_at, ended_at) VALUES ('y', 'h', 's1', '2003-05-05', now() - interval '3 days')$q$,
        $q$INSERT INTO twin.session (user_name, host, server, started_at, ended_at) VALUES ('z', 'h', 's1', '1999-12-31', '2000-01-01')$q$,
        $q$DELETE FROM twin.session WHERE user_name = 'y'$q$);
END
$$;
SELECT headcount.drop_source('stored'), headcount.drop_source('live');

-- What a change makes dirty: from the end on where a session is closed, what is gained where a stale one is heard of
-- again, and nothing by an interim update.
SELECT judge.noon_zone() AS noon \gset
SET TimeZone = :'noon';
CREATE TABLE twin.login (id integer, who text, mac text, came timestamptz, went timestamptz, seen timestamptz);
SELECT headcount.create_source('stored', 'twin.login', 'who', 'mac', 'came', 'went', last_seen => 'seen', idle_limit => '6 hours', time_zone => :'noon');
SELECT headcount.create_source('live', 'twin.login', 'who', 'mac', 'came', 'went', last_seen => 'seen', idle_limit => '6 hours', time_zone => :'noon', materialized => false);
INSERT INTO twin.login
SELECT i, 'user ' || i, 'host ' || i, current_date - 20, CASE WHEN i > 2 THEN current_date - 10 END, CASE i WHEN 1 THEN now() WHEN 2 THEN current_date - 15 END
FROM generate_series(1, 5) AS i;
CALL headcount.refresh('stored');
CREATE FUNCTION twin.dirty_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    dirty text;
BEGIN
    EXECUTE statement;
    SELECT coalesce(string_agg(format('%s to %s', d.from_day - current_date, d.to_day - 1 - current_date), ', ' ORDER BY d.from_day), 'nothing')
    INTO dirty FROM stored.dirty_days AS d;
    RAISE EXCEPTION USING ERRCODE = 'HC001', MESSAGE = dirty;
EXCEPTION WHEN SQLSTATE 'HC001' THEN
    RETURN SQLERRM;
END
$$;
SELECT what, twin.dirty_after(statement) AS dirty FROM (VALUES
    ('closed now',           $q$UPDATE twin.login SET went = now() WHERE id = 1$q$),
    ('closed 5 days ago',    $q$UPDATE twin.login SET went = now() - interval '5 days' WHERE id = 1$q$),
    ('heard of',             $q$UPDATE twin.login SET seen = now() WHERE id = 1$q$),
    ('heard of again',       $q$UPDATE twin.login SET seen = current_date - 12 + time '03:00' WHERE id = 2$q$),
    ('something else',       $q$UPDATE twin.login SET id = id + 100$q$),
    ('another host',         $q$UPDATE twin.login SET mac = 'x' WHERE id = 4$q$),
    ('deleted',              $q$DELETE FROM twin.login WHERE id = 4$q$),
    ('scattered',            $q$INSERT INTO stored.invalidation_log SELECT current_date - 3 * i, current_date - 3 * i FROM generate_series(1, 5) AS i$q$),
    ('too scattered',        $q$INSERT INTO stored.invalidation_log SELECT current_date - 3 * i, current_date - 3 * i FROM generate_series(1, 40) AS i$q$))
    AS v (what, statement);

-- With the indexes that create_indexes makes, sessions are read through these, and none in another way.
SELECT headcount.create_indexes('stored');
SET enable_seqscan = off;
SELECT judge.plan('SELECT * FROM stored.daily_user_counts') ~ 'Seq Scan on login' AS reads_all;
RESET enable_seqscan;
SELECT headcount.alter_source('stored', reset => '{idle_limit,last_seen}');
CALL headcount.refresh('stored');
SELECT headcount.create_indexes('stored');
SET enable_seqscan = off;
SELECT judge.plan('SELECT * FROM stored.daily_user_counts') ~ 'Seq Scan on login' AS reads_all;
RESET enable_seqscan;

-- Frozen days outlive what they were made of; given up, they are what the tables say.
SELECT headcount.alter_source('live', reset => '{idle_limit,last_seen}');
CALL headcount.refresh('stored');
SELECT headcount.freeze('stored', current_date - 8);
DELETE FROM twin.login WHERE went < now() - interval '8 days';
CALL headcount.refresh('stored');
SELECT total_users, daily_users, complete FROM stored.daily_user_counts WHERE day IN (current_date - 12, current_date - 9, current_date - 8, current_date) ORDER BY day;
SELECT * FROM headcount.verify('stored');
SELECT headcount.freeze('stored', NULL);
SELECT judge.compare('SELECT * FROM stored.daily_user_counts', 'SELECT * FROM live.daily_user_counts');
CALL headcount.refresh('stored');
SELECT judge.compare('SELECT * FROM stored.daily_user_counts', 'SELECT * FROM live.daily_user_counts');
SELECT * FROM headcount.verify('stored');

-- No row, however odd, fails whoever writes it, and once it is gone all is as before.
SELECT headcount.alter_source('stored', started_at => 'nullif(came, ''epoch'')', last_seen => 'seen', idle_limit => '1 hour');
SELECT headcount.alter_source('live', started_at => 'nullif(came, ''epoch'')', last_seen => 'seen', idle_limit => '1 hour');
CALL headcount.refresh('stored');
INSERT INTO twin.login (who, came) VALUES ('the last tick', '294276-12-31 23:59:59.999999+00'), ('before time', '4714-11-24 00:00+00 BC');
UPDATE twin.login SET came = '4714-11-24 00:00:01+00 BC' WHERE who = 'before time';
UPDATE twin.login SET seen = '294276-12-31 23:59:59.999999+00';
DELETE FROM twin.login WHERE who IN ('the last tick', 'before time');
UPDATE twin.login SET seen = NULL;
SELECT judge.compare('SELECT * FROM stored.daily_user_counts', 'SELECT * FROM live.daily_user_counts');
CALL headcount.refresh('stored');
SELECT judge.compare('SELECT * FROM stored.daily_user_counts', 'SELECT * FROM live.daily_user_counts');
SELECT headcount.create_source('odd', 'twin.login', 'who', 'mac', 'to_timestamp(who::float8)', 'went', time_zone => 'UTC');
INSERT INTO twin.login (who) VALUES ('not a number');
DELETE FROM twin.login;
CALL headcount.refresh('odd');
SELECT count(*) FROM odd.daily_user_counts;
SELECT headcount.drop_source('odd');

-- What depends on more than a row cannot be tracked by the changes of rows.
CREATE TABLE twin.person (id integer, name text);
SET client_min_messages = notice;
SELECT headcount.create_source('odd', 'twin.login', '(SELECT p.name FROM twin.person AS p WHERE p.id = login.id)', 'mac', 'came', 'went', time_zone => 'UTC');
SELECT headcount.drop_source('odd');
SELECT headcount.create_source('odd', 'twin.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC', sessions_when => 'came > now() - interval ''30 days''');
SELECT exact FROM headcount.source_status WHERE source = 'odd';
SELECT headcount.drop_source('odd');
SELECT judge.error($q$SELECT headcount.create_source('odd', 'twin.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC', sessions_when => 'current_user = who', tracking => 'trigger')$q$);
SELECT headcount.create_source('odd', 'twin.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC', sessions_when => 'to_tsvector(''simple'', who) @@ ''a''::tsquery');
SELECT headcount.drop_source('odd');
SET client_min_messages = warning;

-- What the owner of a source wrote runs as the owner, whoever asks for it.
CREATE ROLE regress_rollup_owner;
CREATE TABLE twin.loot (who text, what text);
GRANT INSERT ON twin.loot TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA twin TO regress_rollup_owner;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_rollup_owner', current_database()); END $$;
SET ROLE regress_rollup_owner;
CREATE FUNCTION twin.note(what text, value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_rollup_owner' THEN
        INSERT INTO twin.loot VALUES (current_user, what);
    END IF;
    RETURN value;
END
$$;
CREATE FUNCTION twin.note_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM twin.note(TG_OP || ' of ' || TG_TABLE_NAME, ''); RETURN NULL; END $$;
CREATE TABLE twin.own (who text, mac text, came timestamptz, went timestamptz);
INSERT INTO twin.own SELECT 'user ' || i, 'host', now() - interval '5 days', now() - interval '4 days' FROM generate_series(1, 3) AS i;
SELECT headcount.create_source('owned', 'twin.own', 'twin.note(''reading'', who) || twin.note(''planning'', '''')', 'mac', 'came', 'went', time_zone => :'noon');
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON owned.rollup_days FOR EACH STATEMENT EXECUTE FUNCTION twin.note_write();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON owned.rollup_dictionary FOR EACH STATEMENT EXECUTE FUNCTION twin.note_write();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON owned.invalidation_log FOR EACH STATEMENT EXECUTE FUNCTION twin.note_write();
ALTER TABLE owned.invalidation_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY note ON owned.invalidation_log USING (twin.note('status', '') = '');
RESET ROLE;
CALL headcount.refresh('owned');
CALL headcount.refresh();
CALL headcount.rebuild('owned');
SELECT headcount.invalidate('owned', NULL, NULL);
CALL headcount.refresh('owned');
SELECT * FROM headcount.verify('owned');
SELECT headcount.freeze('owned', current_date - 3), headcount.freeze('owned', NULL);
SELECT dirty_days > 0 FROM headcount.source_status WHERE source = 'owned';
SELECT headcount.alter_source('owned', window_days => 3), headcount.alter_source('owned', time_zone => 'Europe/Warsaw'),
       headcount.alter_source('owned', materialized => false), headcount.alter_source('owned', materialized => true);
SELECT * FROM twin.loot;
-- ... and what is made belongs to the owner.
SELECT c.relname, pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.relnamespace = 'owned'::regnamespace AND c.relkind = 'r' ORDER BY 1;
SELECT p.proname, pg_get_userbyid(p.proowner) FROM pg_proc AS p WHERE p.pronamespace = 'owned'::regnamespace ORDER BY 1;
CALL headcount.refresh('owned');
-- Whoever takes a table away from the owner of a source is not stopped, nor is anybody by a source that is not whole.
ALTER TABLE twin.own OWNER TO CURRENT_USER;
SELECT exact FROM headcount.source_status WHERE source = 'owned';
ALTER TABLE twin.own OWNER TO regress_rollup_owner;
CALL headcount.refresh('owned');
SELECT exact FROM headcount.source_status WHERE source = 'owned';
ALTER FUNCTION twin.pick(integer, text, text[]) COST 10;
SELECT exact FROM headcount.source_status WHERE source = 'owned';
ALTER TABLE owned.invalidation_log RENAME TO gone;
SELECT exact, dirty_days FROM headcount.source_status WHERE source = 'owned';
DROP SCHEMA twin, owned, stored, live CASCADE;
DROP OWNED BY regress_rollup_owner;
DROP ROLE regress_rollup_owner;
