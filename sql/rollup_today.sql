-- What is over of today is stored too, in parts: a source of which that is so, against its twin of which nothing is stored.
SET client_min_messages = warning;
SELECT judge.noon_zone() AS noon \gset
SET TimeZone = :'noon'; SET datestyle = 'ISO, YMD'; SET jit = off;
CREATE SCHEMA twin;
CREATE TABLE twin.login (id bigint GENERATED ALWAYS AS IDENTITY, who text, mac text, nas text, came timestamptz, went timestamptz, seen timestamptz);
CREATE TABLE twin.refused (id bigint GENERATED ALWAYS AS IDENTITY, who text, nas text, at timestamptz);
CREATE PROCEDURE twin.make(VARIADIC options text[]) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 0 .. 1 LOOP
        IF EXISTS (SELECT FROM pg_namespace WHERE nspname = (ARRAY['stored', 'live'])[i + 1]) THEN
            PERFORM headcount.drop_source((ARRAY['stored', 'live'])[i + 1]);
        END IF;
        EXECUTE format($q$SELECT headcount.create_source(%L, 'twin.login', 'who', 'mac', 'came', 'went', server => 'nas', realtime_servers => '{n1,n2}',
            denials => 'twin.refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas', window_days => 3, dimensions => '{"first": "left(who, 2)"}', materialized => %L%s)$q$,
            (ARRAY['stored', 'live'])[i + 1], i = 0, array_to_string(options, ''));
    END LOOP;
END
$$;

-- How much of today is read that is stored: its parts, and until when.
CREATE FUNCTION twin.parts(OUT parts bigint, OUT until timestamptz) LANGUAGE plpgsql STABLE AS $$
BEGIN
    until := headcount_internal.live_from('stored.rollup_state');
    parts := (SELECT count(DISTINCT d.from_at) FROM stored.rollup_today AS d WHERE d.from_at < until);
END
$$;

-- Every view of one against that of the other, now or as of another instant.
CREATE FUNCTION twin.differences(at timestamptz DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    part    text[];
    verdict text;
BEGIN
    PERFORM set_config('headcount.as_of', coalesce(at::text, ''), true);
    FOREACH part SLICE 1 IN ARRAY ARRAY[['daily_user_counts_2013', '*'], ['daily_user_counts_2019', '*'], ['daily_user_counts_2025', '*'], ['daily_user_counts_by_server', '*'], ['daily_user_counts_by_first', '*'],
            ['realtime_users_count', '*'], ['daily_user_sketches', 'day, used::text, denied::text']] LOOP
        verdict := judge.compare(format('SELECT %s FROM stored.%s', part[2], part[1]), format('SELECT %s FROM live.%s', part[2], part[1]), keep_plan => true);
        IF verdict NOT LIKE 'equal, %' THEN
            RETURN format('as of %s: %s %s', at, part[1], verdict);
        END IF;
    END LOOP;
    PERFORM set_config('headcount.as_of', '', true);
    RETURN 'none';
END
$$;

-- A year of one session a day, so that there are stored days, and a day like others.
CALL twin.make(', time_zone => current_setting(''TimeZone'')');
INSERT INTO twin.login (who, mac, nas, came, went)
SELECT 'user ' || i % 9, 'mac ' || i % 5, 'n' || i % 3, now() - interval '7 hours' * i, now() - interval '7 hours' * i + interval '5 hours' FROM generate_series(1, 90) AS i;
INSERT INTO twin.login (who, mac, nas, came) SELECT 'staying', 'mac 9', 'n1', now() - interval '30 hours';
INSERT INTO twin.login (who, mac, nas, came, went) VALUES ('overnight', 'mac 8', 'n2', current_date - interval '2 hours', current_date + interval '210 minutes');
INSERT INTO twin.refused (who, nas, at) SELECT 'user ' || i % 11, 'n' || i % 4, now() - interval '5 hours' * i FROM generate_series(1, 40) AS i;
SELECT parts, until FROM twin.parts();
CALL headcount.refresh('stored');

-- today: it is noon
SELECT parts > 3 AS has_parts, until > now() - interval '10 minutes' AS is_recent FROM twin.parts();
SELECT s.stored_until = p.until AS says_so, s.dirty_days, s.log_rows FROM headcount.source_status AS s, twin.parts() AS p WHERE s.source = 'stored';
SELECT twin.differences();

-- who comes, goes or is denied now is not logged
INSERT INTO twin.login (who, mac, nas, came) SELECT 'new ' || i, 'mac new', 'n1', now() FROM generate_series(1, 5) AS i;
UPDATE twin.login SET went = now() WHERE who = 'staying';
INSERT INTO twin.refused (who, nas, at) VALUES ('new 1', 'n1', now());
SELECT s.log_rows FROM headcount.source_status AS s WHERE s.source = 'stored';
SELECT twin.differences();

-- a change of an hour ago: what is stored before it counts, what comes after it is computed until a refresh stores it anew
INSERT INTO twin.login (who, mac, nas, came, went) VALUES ('late', 'mac late', 'n2', now() - interval '70 minutes', now() - interval '60 minutes');
SELECT s.log_rows, s.dirty_days FROM headcount.source_status AS s WHERE s.source = 'stored';
SELECT parts > 2 AS has_parts, until <= now() - interval '70 minutes' AS is_before, until > now() - interval '5 hours' AS is_late FROM twin.parts();
SELECT twin.differences();
CREATE TEMP TABLE before AS SELECT d.scope, d.slice, d.from_at, d.xmin AS version FROM stored.rollup_today AS d;
CALL headcount.refresh('stored');
SELECT until > now() - interval '10 minutes' AS is_recent FROM twin.parts();
SELECT count(DISTINCT b.from_at) > 2 AS some_parts_stay FROM before AS b JOIN stored.rollup_today AS d ON d.scope = b.scope AND d.slice IS NOT DISTINCT FROM b.slice AND d.from_at = b.from_at AND d.xmin = b.version;
SELECT twin.differences();

-- a part grows with each refresh
CALL headcount.refresh('stored');
SELECT twin.differences();
SELECT * FROM headcount.verify('stored');

-- a change that is rolled back, one of the night, and one that reaches from yesterday into today
DO $$ BEGIN INSERT INTO twin.login (who, mac, nas, came) VALUES ('nobody', 'mac', 'n1', now() - interval '2 hours'); RAISE EXCEPTION USING ERRCODE = 'division_by_zero'; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
SELECT until > now() - interval '10 minutes' AS is_recent FROM twin.parts();
INSERT INTO twin.refused (who, nas, at) VALUES ('sleepless', 'n1', current_date + interval '1 minute');
SELECT parts, until = current_date AS is_midnight FROM twin.parts();
SELECT twin.differences();
CALL headcount.refresh('stored');
UPDATE twin.login SET went = went + interval '14 hours' WHERE who = 'overnight';
SELECT parts FROM twin.parts();
SELECT twin.differences();
CALL headcount.refresh('stored');
SELECT parts > 3 AS has_parts FROM twin.parts();
SELECT twin.differences();

-- instants of the past: parts that end later are not read
SELECT twin.differences(now() - interval '10 minutes' * i) FROM generate_series(0, 120, 24) AS i;
SELECT set_config('headcount.as_of', (now() - interval '4 hours')::text, false) IS NOT NULL AS is_set;
SELECT parts > 1 AS has_parts, until <= now() - interval '4 hours' AS is_before, until > now() - interval '8 hours' AS is_late FROM twin.parts();
RESET headcount.as_of;

-- days that are asked for, and what is invalidated or truncated
SELECT judge.compare('SELECT * FROM stored.daily_user_counts WHERE day >= current_date', 'SELECT * FROM live.daily_user_counts WHERE day >= current_date');
SELECT judge.compare('SELECT * FROM stored.daily_user_counts WHERE day < current_date', 'SELECT * FROM live.daily_user_counts WHERE day < current_date');
SELECT headcount.invalidate('stored', current_date - 2, current_date - 1);
SELECT parts > 3 AS has_parts FROM twin.parts();
SELECT headcount.invalidate('stored', current_date, NULL);
SELECT parts FROM twin.parts();
SELECT twin.differences();
CALL headcount.refresh('stored', max_days => 1);      -- there is one day more to do
SELECT parts FROM twin.parts();
CALL headcount.refresh('stored');
SELECT parts > 3 AS has_parts FROM twin.parts();
BEGIN;
TRUNCATE twin.refused;
SELECT parts FROM twin.parts();
SELECT twin.differences();
ROLLBACK;
SELECT parts > 3 AS has_parts FROM twin.parts();

-- verify looks at parts too; a wrong one is mended
UPDATE stored.rollup_today SET denials = denials + 1, concurrent_hosts = concurrent_hosts + 1000, used = used OPERATOR(headcount.|) headcount.to_user_set('{0,1,2,3,4,5}'::integer[], headcount.dictionary_of(used))
WHERE scope = 'a' AND from_at = (SELECT min(d.from_at) FROM stored.rollup_today AS d WHERE d.scope = 'a');
SELECT v.day = current_date AS is_today, v.column_name FROM headcount.verify('stored') AS v WHERE v.column_name <> 'concurrent_hosts_at' AND v.column_name <> 'used';
SELECT count(*) FROM headcount.verify('stored', to_day => current_date - 1);
SELECT headcount.invalidate('stored', current_date, current_date);
CALL headcount.refresh('stored');
SELECT * FROM headcount.verify('stored');
SELECT twin.differences();

-- the definition changes: nothing stored counts
CREATE FUNCTION twin.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lower($1); END';
CALL twin.make(', time_zone => current_setting(''TimeZone''), user_identity => ''twin.norm(user_name)''');
CALL headcount.refresh('stored');
SELECT parts > 3 AS has_parts FROM twin.parts();
CREATE OR REPLACE FUNCTION twin.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN left($1, 5); END';
SELECT parts FROM twin.parts();
SELECT twin.differences();
CALL headcount.refresh('stored');
SELECT parts > 3 AS has_parts FROM twin.parts();
SELECT twin.differences();

-- frozen to the beginning of today, and given up
SELECT headcount.freeze('stored', current_date);
DELETE FROM twin.login WHERE went < current_date - interval '1 day';
INSERT INTO twin.login (who, mac, nas, came) VALUES ('now', 'mac', 'n1', now() - interval '20 minutes');
SELECT parts > 2 AS has_parts FROM twin.parts();
SELECT judge.compare('SELECT day, daily_users, concurrent_hosts FROM stored.daily_user_counts WHERE day = current_date', 'SELECT day, daily_users, concurrent_hosts FROM live.daily_user_counts WHERE day = current_date');
SELECT headcount.freeze('stored', NULL);
CALL headcount.refresh('stored');
SELECT twin.differences();

-- Histories by chance, at noon and where the hour is another one, with sessions that go stale and denials that come out false.
-- at_least is how often parts have to be there.
CREATE FUNCTION twin.ago(seed integer, purpose text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT now() - CASE oracle.dice(seed, 0, purpose || '?', 4)
        WHEN 0 THEN interval '1 second' * oracle.dice(seed, 0, purpose, 600) WHEN 1 THEN interval '7 minutes' * oracle.dice(seed, 0, purpose, 40)
        WHEN 2 THEN interval '41 minutes' * oracle.dice(seed, 0, purpose, 40) ELSE interval '3 hours' * oracle.dice(seed, 0, purpose, 20) END
$$;
CREATE PROCEDURE twin.run(seed integer, steps integer, at_least integer, options text) LANGUAGE plpgsql AS $$
DECLARE
    with_parts integer := 0;
    found      text;
    one        bigint;
BEGIN
    TRUNCATE twin.login, twin.refused;
    CALL twin.make(options);
    COMMIT;
    FOR n IN seed * 1000 + 1 .. seed * 1000 + steps LOOP
        SELECT id INTO one FROM twin.login ORDER BY oracle.dice(n, id, 'one', 1000), id LIMIT 1;
        CASE oracle.dice(n, 0, 'what', 7)
            WHEN 0 THEN UPDATE twin.login SET went = CASE WHEN oracle.dice(n, 0, 'ends', 4) > 0 THEN greatest(came, twin.ago(n, 'end')) END WHERE id = one;
            WHEN 1 THEN DELETE FROM twin.login WHERE id = one;
            WHEN 2 THEN UPDATE twin.login SET seen = twin.ago(n, 'seen') WHERE id = one;
            WHEN 3 THEN INSERT INTO twin.refused (who, nas, at) SELECT 'user ' || oracle.dice(n, 0, 'who', 9), 'n' || oracle.dice(n, 0, 'nas', 4), twin.ago(n, 'denied');
            WHEN 4 THEN INSERT INTO twin.refused (who, nas, at) SELECT s.who, s.nas, s.came + interval '1 second' * (oracle.dice(n, 0, 'off', 9) - 4) FROM twin.login AS s WHERE s.id = one;
            ELSE INSERT INTO twin.login (who, mac, nas, came, went, seen)
                 SELECT 'user ' || oracle.dice(n, 0, 'who', 9), 'mac ' || oracle.dice(n, 0, 'mac', 5), 'n' || oracle.dice(n, 0, 'nas', 4), s.came,
                        CASE oracle.dice(n, 0, 'end?', 5) WHEN 0 THEN NULL WHEN 1 THEN s.came ELSE s.came + interval '17 minutes' * oracle.dice(n, 0, 'for', 60) END,
                        s.came + interval '11 minutes' * oracle.dice(n, 0, 'seen', 30)
                 FROM (SELECT twin.ago(n, 'start') AS came) AS s;
        END CASE;
        COMMIT;
        IF oracle.dice(n, 0, 'refresh', 3) = 0 THEN
            CALL headcount.refresh('stored');
        END IF;
        SELECT with_parts + (p.parts > 0)::integer INTO with_parts FROM twin.parts() AS p;
        CONTINUE WHEN oracle.dice(n, 0, 'look', 2) = 0;
        FOREACH found IN ARRAY ARRAY[twin.differences(), twin.differences(twin.ago(n, 'as of'))] LOOP
            IF found <> 'none' THEN
                RAISE WARNING 'seed %, step %: %', seed, n, found;
            END IF;
        END LOOP;
    END LOOP;
    FOR found IN SELECT v::text FROM headcount.verify('stored') AS v LOOP
        RAISE WARNING 'seed %: %', seed, found;
    END LOOP;
    IF with_parts < at_least THEN
        RAISE WARNING 'seed %: parts were there % times', seed, with_parts;
    END IF;
END
$$;
CREATE PROCEDURE twin.more(first_seed integer, how_many integer, VARIADIC options text[]) LANGUAGE plpgsql AS $$
BEGIN
    FOR seed IN first_seed .. first_seed + how_many - 1 LOOP
        CALL twin.run(seed, 24, 0, options[1 + seed % cardinality(options)]);
    END LOOP;
END
$$;
CALL twin.run(1, 24, 6, ', time_zone => current_setting(''TimeZone'')');
CALL twin.run(4, 32, 8, ', time_zone => current_setting(''TimeZone''), last_seen => ''seen'', idle_limit => ''3 hours'', user_identity => ''lower(user_name)'', false_denial_after => ''2 hours'', licensing_model => ''2013''');
CALL twin.run(6, 24, 0, ', time_zone => ''Pacific/Chatham'', last_seen => ''seen'', idle_limit => ''90 minutes''');
-- More of them where somebody asks for it: script/torture.
\getenv histories HEADCOUNT_HISTORIES
\getenv seed HEADCOUNT_STRESS_SEED
\if :{?histories}
CALL twin.more(:seed, :histories,
    ', time_zone => current_setting(''TimeZone'')',
    ', time_zone => current_setting(''TimeZone''), last_seen => ''seen'', idle_limit => ''90 minutes''',
    ', time_zone => current_setting(''TimeZone''), false_denial_before => ''2 seconds'', false_denial_after => ''3 seconds''',
    ', time_zone => current_setting(''TimeZone''), last_seen => ''seen'', idle_limit => ''3 hours'', user_identity => ''lower(user_name)'', false_denial_after => ''2 hours'', licensing_model => ''2013''',
    ', time_zone => ''Asia/Kolkata''',
    ', time_zone => ''Pacific/Chatham'', last_seen => ''seen'', idle_limit => ''90 minutes''');
\endif

SELECT headcount.drop_source(name) FROM unnest(ARRAY['stored', 'live']) AS name;
DROP SCHEMA twin CASCADE;
