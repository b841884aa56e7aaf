-- A source with exact => false against an exact one over the same tables: stored days have sketches of users, and no names. What
-- needs no sketches of several days is the same; total users are within the error that sketches have.
SET client_min_messages = warning;
SELECT judge.noon_zone() AS noon \gset
SET TimeZone = :'noon'; SET datestyle = 'ISO, YMD'; SET jit = off;
CREATE SCHEMA twin;
CREATE TABLE twin.login (id bigint GENERATED ALWAYS AS IDENTITY, who text, mac text, nas text, kind text, seats integer, came timestamptz, went timestamptz);
CREATE TABLE twin.refused (id bigint GENERATED ALWAYS AS IDENTITY, who text, mac text, nas text, kind text, at timestamptz);
CREATE PROCEDURE twin.make(VARIADIC options text[]) LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sketched', 'precise'] LOOP
        IF EXISTS (SELECT FROM pg_namespace WHERE nspname = name) THEN
            PERFORM headcount.drop_source(name);
        END IF;
        EXECUTE format($q$SELECT headcount.create_source(%L, 'twin.login', 'who', 'mac', 'came', 'went', weight => 'seats', server => 'nas', realtime_servers => '{n1,n2}', user_limit => 50,
            denials => 'twin.refused', denied_user => 'who', denied_at => 'at', denied_host => 'mac', denied_server => 'nas', dimensions => '{"kind": "kind"}', exact => %L%s)$q$,
            name, name = 'precise', array_to_string(options, ''));
    END LOOP;
END
$$;

-- The daily views, with the columns of what one is about.
CREATE FUNCTION twin.views() RETURNS TABLE (view_name text, key text) LANGUAGE sql AS $$
    VALUES ('daily_user_counts', 'NULL::text'), ('daily_user_counts_2013', 'NULL::text'), ('daily_user_counts_2019', 'NULL::text'), ('daily_user_counts_2025', 'NULL::text'),
           ('daily_user_counts_by_server', 'server'), ('daily_user_counts_by_kind', 'kind')
$$;

-- All columns, or those that are exact.
CREATE FUNCTION twin.differences(at timestamptz DEFAULT NULL, with_totals boolean DEFAULT true, condition text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    part    record;
    list    text;
    verdict text;
BEGIN
    PERFORM set_config('headcount.as_of', coalesce(at::text, ''), true);
    FOR part IN SELECT * FROM twin.views() UNION ALL VALUES ('realtime_users_count', NULL), ('user_limit_breaches', NULL), ('daily_user_sketches', NULL) LOOP
        SELECT string_agg(CASE WHEN a.attname IN ('used', 'denied') THEN a.attname || '::text' ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum) INTO list
        FROM pg_attribute AS a WHERE a.attrelid = format('precise.%I', part.view_name)::regclass AND a.attnum > 0
                                 AND (with_totals OR a.attname NOT IN ('total_users', 'uct', 'percent', 'is_over', 'is_over_grace'));
        verdict := judge.compare(format('SELECT %s FROM sketched.%I %s', list, part.view_name, condition), format('SELECT %s FROM precise.%I %s', list, part.view_name, condition));
        IF verdict NOT LIKE 'equal, %' THEN
            RETURN format('as of %s: %s %s', at, part.view_name, verdict);
        END IF;
    END LOOP;
    PERFORM set_config('headcount.as_of', '', true);
    RETURN 'none';
END
$$;

-- How far off totals are, in standard errors of a sketch of 2^11 registers: 1.04 / sqrt(2^11), which is 2.3 percent.
CREATE FUNCTION twin.errors(OUT view_name text, OUT rows bigint, OUT estimates bigint, OUT worst float8, OUT squares float8) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN SELECT * FROM twin.views() LOOP
        view_name := part.view_name;
        EXECUTE format($q$
            SELECT count(*), count(*) FILTER (WHERE s.approximate), max(s.error), avg(s.error ^ 2) FILTER (WHERE s.approximate)
            FROM (SELECT s.approximate, abs(s.total_users - p.total_users)::float8 / greatest(p.total_users, 1) / (1.04 / sqrt(2 ^ 11)) AS error
                  FROM (SELECT *, %2$s AS key FROM sketched.%1$I) AS s JOIN (SELECT *, %2$s AS key FROM precise.%1$I) AS p ON p.day = s.day AND p.key IS NOT DISTINCT FROM s.key) AS s$q$, part.view_name, part.key)
            INTO rows, estimates, worst, squares;
        RETURN NEXT;
    END LOOP;
END
$$;

-- A crowd: 4,000 users in two months of a year ago.
SET TimeZone = 'Europe/Warsaw';
INSERT INTO twin.login (who, mac, nas, kind, seats, came, went)
SELECT 'user ' || (i * 7919) % (400 + i / 8), 'mac ' || i % 97, CASE WHEN i % 11 > 0 THEN 'n' || i % 3 END, CASE WHEN i % 7 > 0 THEN 'k' || i % 4 END, i % 5, t, t + interval '1 minute' * ((i * 37) % 900)
FROM (SELECT i, timestamptz '2025-01-01 00:00+00' + interval '4 minutes' * i AS t FROM generate_series(1, 20000) AS i) AS i;
INSERT INTO twin.refused (who, mac, nas, kind, at)
SELECT 'user ' || (i * 104729) % 4000, 'mac ' || i % 50, 'n' || i % 3, 'k' || i % 4, timestamptz '2025-01-01 00:00+00' + interval '17 minutes' * i FROM generate_series(1, 4500) AS i;
ANALYZE twin.login, twin.refused;
CALL twin.make(', time_zone => ''Europe/Warsaw''');
SET headcount.as_of = '2025-03-05 10:00+00';
-- nothing is stored: sketches of all days are made as they are read
SELECT twin.differences('2025-03-05 10:00+00', false);
CALL headcount.refresh('sketched');
CALL headcount.refresh('precise');
SELECT twin.differences('2025-03-05 10:00+00', false);
-- 5 standard errors bound the worst of hundreds, which are no independent ones; the mean of squares is about 1
SELECT e.view_name, e.rows > 60 AS has_rows, e.estimates > e.rows / 2 AS has_estimates, e.worst > 0 AS is_off, e.worst < 5 AS is_bounded, e.squares < 2 AS is_usual FROM twin.errors() AS e;
-- what is no estimate is right; all users never become fewer; totals are no less than what is known
SELECT count(*) > 0 AS has_small, bool_and(s.total_users = p.total_users) AS are_same FROM sketched.daily_user_counts_by_kind AS s JOIN precise.daily_user_counts_by_kind AS p ON p.day = s.day AND p.kind IS NOT DISTINCT FROM s.kind WHERE NOT s.approximate;
SELECT count(*) FROM (SELECT c.total_users - lag(c.total_users) OVER (ORDER BY c.day) AS step FROM sketched.daily_user_counts_2019 AS c) AS c WHERE c.step < 0;
SELECT count(*) FROM sketched.daily_user_counts_2025 AS c WHERE c.total_users < c.daily_users OR c.denial_users > c.daily_users;
-- conditions on the day read less, and say the same
SELECT judge.compare(format('SELECT * FROM sketched.%I WHERE day >= ''2025-01-20'' AND day <= ''2025-01-22''', v.view_name), format('SELECT * FROM (SELECT * FROM sketched.%I OFFSET 0) AS c WHERE day >= ''2025-01-20'' AND day <= ''2025-01-22''', v.view_name)),
       judge.compare(format('SELECT * FROM sketched.%I WHERE day > ''2025-03-01''', v.view_name), format('SELECT * FROM (SELECT * FROM sketched.%I OFFSET 0) AS c WHERE day > ''2025-03-01''', v.view_name))
FROM twin.views() AS v;
SELECT judge.plan('SELECT * FROM sketched.daily_user_counts_2013 WHERE day >= ''2025-02-10''') LIKE '%days_before(GREATEST(''-infinity''::date, ''2025-02-10''::date), 13)%' AS is_limited;
-- no names, no numbers, and as many bytes for any number of users
SELECT (SELECT count(*) FROM sketched.rollup_dictionary) AS names, (SELECT count(*) FROM sketched.rollup_totals) AS totals,
       (SELECT count(*) FROM sketched.rollup_days AS d WHERE headcount.cardinality(d.used) + headcount.cardinality(d.denied) + headcount.cardinality(d.new_users) > 0) AS sets,
       (SELECT count(*) FROM sketched.rollup_days AS d WHERE d::text LIKE '%user %' OR d::text LIKE '%' || encode('user ', 'hex') || '%') AS found,
       (SELECT max(pg_column_size(d.used_sketch)) <= 1320 AND max(d.used_count) > 400 FROM sketched.rollup_days AS d) AS is_constant;
SELECT v.day, v.column_name FROM headcount.verify('sketched') AS v;

-- The functions, most of which read the tables, so that they are exact.
RESET headcount.as_of;
CREATE FUNCTION twin.compare_calls(call text) RETURNS text LANGUAGE sql AS $$
    SELECT judge.compare(format(call, 'sketched'), format(call, 'precise'))
$$;
SELECT c.call, twin.compare_calls(c.call)
FROM (VALUES ('SELECT headcount.unique_users(%L, ''2025-01-10'', ''2025-01-16'')'),
             ('SELECT headcount.unique_users(%L, ''2025-01-10'', NULL, ''new'')'),
             ('SELECT headcount.unique_users(%L, NULL, NULL, ''denied'')'),
             ('SELECT headcount.users_on(%L, ''2025-01-10'')'),
             ('SELECT headcount.users_on(%L, ''2025-01-10'', ''new'')'),
             ('SELECT headcount.users_on(%L, ''2025-01-10'', ''total'')'),
             ('SELECT headcount.hosts_at_peak(%L, ''2025-01-10'')'),
             ('SELECT * FROM headcount.source_activity(%L, ''week'', ''2025-01-01'', ''2025-03-01'')'),
             ('SELECT * FROM headcount.source_activity(%L, ''day'', ''2025-01-03'', ''2025-01-09'', span => ''7 days'')'),
             ('SELECT * FROM headcount.source_activity(%L, ''hour'', ''2025-01-10'', ''2025-01-11'')'),
             ('SELECT * FROM headcount.user_lifecycle(%L, ''week'', to_day => ''2025-02-25'')'),
             ('SELECT * FROM headcount.stickiness(%L, ''2025-02-01'', ''2025-02-05'')'),
             ('SELECT * FROM headcount.user_retention(%L, ''week'', ''2025-01-10'', ''2025-02-25'')'),
             ('SELECT * FROM headcount.time_online(%L, ''2025-01-10'', ''2025-01-12'')'),
             ('SELECT * FROM headcount.concurrency_profile(%L, ''2025-01-10'', ''2025-01-12'', ''users'')'),
             ('SELECT * FROM headcount.avoidable_denials(%L, ''2025-01-10'', ''2025-01-20'')'),
             ('SELECT day, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM headcount.daily_user_counts(%L, ''2025-01-10'', ''2025-01-12'')'),
             ('SELECT c.day, c.values::text, c.level, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_users, c.concurrent_weight FROM headcount.source_counts_by(%L, ''{server,kind}'', ''2025-01-10'', ''2025-01-12'') AS c'),
             ('SELECT * FROM headcount.online_counts(%L, ''{user 1,user 2}'', ''2025-01-10 10:00+00'')'),
             ('SELECT q.* FROM %I.data_quality AS q'),
             ('SELECT count(*) FROM %I.sessions')) AS c (call);
SELECT headcount.forget_users('sketched', '{user 1,user 2}');

-- A village: of so few users sketches have lists, so all numbers are exact, through whatever happens. Today is stored in parts.
SET TimeZone = :'noon';
TRUNCATE twin.login, twin.refused;
CALL twin.make(', licensing_model => ''2025'', window_days => 5, false_denial_before => ''5 seconds''');
INSERT INTO twin.login (who, mac, nas, kind, seats, came, went)
SELECT 'user ' || (i * i) % 83, 'mac ' || i % 5, CASE WHEN i % 11 > 0 THEN 'n' || i % 3 END, CASE WHEN i % 7 > 0 THEN 'k' || i % 4 END, i % 4, now() - interval '5 hours' * i, CASE WHEN i % 40 > 0 THEN now() - interval '5 hours' * i + interval '11 hours' * (i % 5) END
FROM generate_series(1, 200) AS i;
INSERT INTO twin.refused (who, mac, nas, kind, at) SELECT 'user ' || i % 71, 'mac ' || i % 9, 'n' || i % 4, 'k' || i % 5, now() - interval '3 hours' * i FROM generate_series(1, 200) AS i;
INSERT INTO twin.refused (who, nas, at) SELECT s.who, 'n1', s.came - interval '2 seconds' FROM twin.login AS s WHERE s.id % 9 = 0;
SELECT twin.differences();
CALL headcount.refresh('sketched');
SELECT (SELECT count(DISTINCT d.from_at) FROM sketched.rollup_today AS d) > 2 AS has_parts, bool_or(c.approximate) AS is_approximate, count(*) > 40 AS has_days FROM sketched.daily_user_counts AS c;
SELECT twin.differences();
SELECT * FROM headcount.verify('sketched');
SELECT twin.differences(now() - interval '17 hours' * i) FROM generate_series(1, 5) AS i;
-- late changes dirty what they change
INSERT INTO twin.login (who, mac, nas, kind, seats, came, went) VALUES ('late', 'mac late', 'n1', 'k1', 9, now() - interval '10 days', now() - interval '8 days'), (NULL, 'mac none', NULL, NULL, 1, now() - interval '70 days', now() - interval '69 days');
UPDATE twin.login SET who = 'renamed' WHERE id % 50 = 1;
DELETE FROM twin.refused WHERE id % 20 = 1;
SELECT s.exact, s.dirty_days > 2 AS is_dirty FROM headcount.source_status AS s WHERE s.source = 'sketched';
SELECT twin.differences();
CALL headcount.refresh('sketched', max_days => 2);
SELECT twin.differences();
CALL headcount.refresh('sketched');
SELECT s.dirty_days, s.log_rows FROM headcount.source_status AS s WHERE s.source = 'sketched';
SELECT twin.differences();
SELECT * FROM headcount.verify('sketched');
-- a day without anything of what there was
DELETE FROM twin.login WHERE came < now() - interval '60 days';
SELECT twin.differences();
CALL headcount.refresh('sketched');
SELECT twin.differences();
-- another model, and another window, change nothing that is stored
SELECT headcount.alter_source(s, licensing_model => '2013', window_days => 9) FROM unnest(ARRAY['sketched', 'precise']) AS s;
SELECT s.stored_until IS NOT NULL AS is_stored FROM headcount.source_status AS s WHERE s.source = 'sketched';
SELECT twin.differences();
CALL headcount.refresh('sketched');
SELECT twin.differences();
-- verify finds what is wrong, and invalidate mends it
UPDATE sketched.rollup_days SET used_sketch = denied_sketch, used_count = used_count + 1 WHERE scope = 'a' AND day = current_date - 3;
SELECT current_date - v.day AS days_ago, v.column_name FROM headcount.verify('sketched') AS v;
SELECT headcount.invalidate('sketched', current_date - 3, current_date - 3);
CALL headcount.refresh('sketched');
SELECT count(*) FROM headcount.verify('sketched');
CALL headcount.rebuild('sketched');
SELECT twin.differences();
-- federations get users from the tables
CREATE FUNCTION twin.shared(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    users bigint;
BEGIN
    EXECUTE headcount_internal.shared_people_query(name, headcount_internal.options_of(name), 'a') || ' SELECT count(DISTINCT p.hash) FROM people AS p WHERE p.day <= $3' INTO users
        USING decode(repeat('ab', 16), 'hex'), current_date - 30, current_date, now() - interval '30 days', now();
    RETURN users;
END
$$;
SELECT twin.shared('sketched') > 50 AS has_users, twin.shared('sketched') = twin.shared('precise') AS are_same;
-- tracked by window
SELECT headcount.alter_source(s, tracking => 'window') FROM unnest(ARRAY['sketched', 'precise']) AS s;
CALL headcount.refresh('sketched');
INSERT INTO twin.login (who, mac, nas, came, went) VALUES ('of today', 'mac 1', 'n1', now() - interval '20 minutes', now() - interval '10 minutes');
SELECT s.exact, s.stored_until IS NOT NULL AS is_stored FROM headcount.source_status AS s WHERE s.source = 'sketched';
SELECT twin.differences();
SELECT headcount.alter_source(s, tracking => 'auto') FROM unnest(ARRAY['sketched', 'precise']) AS s;
CALL headcount.refresh('sketched');
-- a crowd today: parts of it are stored, so that users of today are estimates
INSERT INTO twin.login (who, mac, nas, came, went) SELECT 'crowd ' || i, 'mac 1', 'n1', current_date + interval '2 minutes' * (i % 300), current_date + interval '2 minutes' * (i % 300) + interval '5 minutes' FROM generate_series(1, 3000) AS i;
SELECT s.approximate, s.daily_users = p.daily_users AS is_same FROM sketched.daily_user_counts AS s JOIN precise.daily_user_counts AS p ON p.day = s.day WHERE s.day = current_date;
CALL headcount.refresh('sketched');
SELECT s.approximate, abs(s.daily_users - p.daily_users) < 5 * 1.04 / sqrt(2 ^ 11) * p.daily_users AS is_bounded, s.total_users >= s.daily_users AS is_consistent
FROM sketched.daily_user_counts AS s JOIN precise.daily_user_counts AS p ON p.day = s.day WHERE s.day = current_date;
SELECT twin.differences(current_date - interval '1 minute');
DELETE FROM twin.login WHERE who LIKE 'crowd %';
CALL headcount.refresh('sketched');
SELECT twin.differences();

-- Frozen days keep their numbers, of which there is no evidence any more.
SELECT headcount.freeze('sketched', current_date - 20, forget_names => true);
CREATE TABLE twin.before AS SELECT * FROM sketched.daily_user_counts;
DELETE FROM twin.login WHERE went < current_date - 22;
CALL headcount.refresh('sketched');
SELECT judge.compare('SELECT * FROM sketched.daily_user_counts', 'SELECT * FROM twin.before');
CALL headcount.rebuild('sketched');
SELECT judge.compare('SELECT * FROM sketched.daily_user_counts', 'SELECT * FROM twin.before');
SELECT * FROM headcount.verify('sketched');
SELECT c.call, regexp_replace(judge.error(format(c.call, 'sketched')), '\d{4}-\d\d-\d\d', 'a day') AS result
FROM (VALUES ('SELECT headcount.unique_users(%L, current_date - 30, current_date - 25)'),
             ('SELECT headcount.unique_users(%L, current_date - 19, current_date - 15)'),
             ('SELECT headcount.unique_users(%L, current_date - 19, current_date - 15, ''new'')'),
             ('SELECT headcount.users_on(%L, current_date - 21)'),
             ('SELECT headcount.users_on(%L, current_date - 15, ''total'')'),
             ('SELECT headcount.users_on(%L, current_date - 20)'),
             ('SELECT * FROM headcount.source_activity(%L, ''day'', current_date - 30, current_date - 25)'),
             ('SELECT * FROM headcount.source_activity(%L, ''day'', current_date - 15, current_date - 12)'),
             ('SELECT * FROM headcount.stickiness(%L, current_date - 5, current_date - 5)'),
             ('SELECT * FROM headcount.user_lifecycle(%L, ''day'', current_date - 5, current_date - 5)'),
             ('SELECT headcount.hosts_at_peak(%L, current_date - 25)'),
             ('SELECT headcount.alter_source(%L, exact => true)'),
             ('SELECT headcount.daily_user_counts(%L, current_date - 30, current_date - 25)')) AS c (call);
DO $$ BEGIN PERFORM headcount.users_on('sketched', '2000-01-01'); EXCEPTION WHEN object_not_in_prerequisite_state THEN
    DECLARE detail text; hint text; BEGIN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT; RAISE WARNING '% %', detail, regexp_replace(hint, '\d{4}-\d\d-\d\d', 'a day'); END; END $$;
SELECT headcount.freeze('sketched', NULL);

-- The option. What is stored goes when it changes, and columns stay.
SELECT headcount.create_source('changing', 'twin.login', 'who', 'mac', 'came', 'went');
CREATE FUNCTION twin.columns() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = 'changing.daily_user_counts'::regclass AND a.attnum > 8
$$;
SELECT twin.columns();
CALL headcount.refresh('changing');
SELECT headcount.alter_source('changing', exact => false);
SELECT twin.columns(), s.exact, s.stored_until, s.materialized FROM headcount.source_status AS s WHERE s.source = 'changing';
CALL headcount.refresh('changing');
SELECT headcount.alter_source('changing', weight => 'seats');
SELECT twin.columns();
SELECT headcount.alter_source('changing', reset => '{exact}');
SELECT twin.columns(), s.exact, s.stored_until FROM headcount.source_status AS s WHERE s.source = 'changing';
CALL headcount.refresh('changing');
SELECT count(*) > 0 AS has_names FROM changing.rollup_dictionary;
SELECT count(*) FILTER (WHERE c.approximate) FROM changing.daily_user_counts AS c;
SELECT headcount.alter_source('changing', materialized => false);
SELECT count(*) FILTER (WHERE c.approximate) FROM changing.daily_user_counts AS c;
SELECT headcount.alter_source('changing', materialized => true, exact => false, tracking => 'window');
CALL headcount.refresh('changing');
SELECT c.subject, c.finding, c.statement FROM headcount.check('changing') AS c WHERE c.subject IN ('approximate', 'tracking');
SELECT c.subject FROM headcount.check('sketched') AS c WHERE c.subject IN ('approximate', 'tracking');
SELECT judge.error(format('SELECT headcount.%s', c)) FROM unnest(ARRAY[
    'create_source(''odd'', ''twin.login'', ''who'', ''mac'', ''came'', ''went'', materialized => false, exact => false)',
    'create_source(''odd'', ''twin.login'', ''who'', ''mac'', ''came'', ''went'', exact => NULL)',
    'create_source(''odd'', ''twin.login'', ''who'', ''mac'', ''came'', ''went'', dimensions => ''{"approximate": "kind"}'')',
    'alter_source(''changing'', materialized => false)',
    'alter_source(''changing'', exact => true, reset => ''{exact}'')']) AS c;

-- Readers need no more than SELECT on the view; others get nothing.
CREATE ROLE sketch_reader;
CREATE ROLE sketch_stranger;
GRANT SELECT ON sketched.daily_user_counts TO sketch_reader;
GRANT USAGE ON SCHEMA judge TO sketch_reader, sketch_stranger;
SET ROLE sketch_reader;
SET search_path = '';
SELECT judge.sqlstate('SELECT * FROM sketched.daily_user_counts'), judge.sqlstate('SELECT * FROM sketched.daily_user_counts WHERE day > current_date - 3'), judge.sqlstate('SELECT * FROM sketched.daily_user_counts_2013'), judge.sqlstate('SELECT * FROM sketched.rollup_days');
SET ROLE sketch_stranger;
SELECT judge.sqlstate('SELECT * FROM sketched.daily_user_counts'), judge.sqlstate('SELECT headcount.alter_source(''sketched'', exact => true)'), judge.sqlstate('SELECT headcount.unique_users(''sketched'', NULL, NULL)');
-- what it is made of gives an answer or an error by hand, too
SELECT judge.sqlstate('SELECT * FROM headcount_internal.sketched_report(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)'),
       judge.sqlstate('SELECT * FROM headcount_internal.sketched_report(NULL, ARRAY[NULL, ROW(NULL, NULL, NULL, 1, 1, 1, 1, 1, NULL)]::headcount_internal.sketched_day[], ''2013'', 14, ''UTC'', now(), ''-infinity'', ''infinity'', true)'),
       judge.sqlstate('SELECT * FROM headcount_internal.sketched_report(NULL, ARRAY[ROW(''2025-01-01'', NULL, NULL, 1, 1, 1, 1, 1, NULL)]::headcount_internal.sketched_day[], ''2013'', 0, ''UTC'', now(), ''-infinity'', ''infinity'', false)'),
       judge.sqlstate('SELECT * FROM headcount_internal.sketched_report(NULL, ARRAY[ROW(''2025-01-01'', NULL, NULL, 1, 1, 1, 1, 1, NULL)]::headcount_internal.sketched_day[], ''2013'', 14, ''nowhere/at all'', now(), ''-infinity'', ''infinity'', false)');
RESET ROLE;
RESET search_path;
REVOKE USAGE ON SCHEMA judge FROM sketch_reader, sketch_stranger;
REVOKE ALL ON sketched.daily_user_counts FROM sketch_reader;
DROP ROLE sketch_reader, sketch_stranger;
SELECT headcount.drop_source(s) FROM unnest(ARRAY['sketched', 'precise', 'changing']) AS s;
DROP SCHEMA twin CASCADE;
