-- Forgetting: forget_users, freeze(..., forget_names => true). Numbers stay, names go, who comes back is known.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
CREATE TABLE logins (id integer, usr text, host text, srv text, s timestamptz, e timestamptz);
CREATE TABLE refusals (usr text, at timestamptz, srv text);
INSERT INTO logins SELECT i, 'user' || i * 7 % 50, 'h' || i % 20, 's' || i % 3, t.at, t.at + i % 37 * interval '1 hour'
FROM generate_series(1, 990) AS i, LATERAL (SELECT timestamptz '2024-03-01 05:00+00' + i * interval '1 hour' AS at) AS t;
INSERT INTO logins VALUES (0, 'hermit', 'h', 's1', '2024-02-20 10:00', '2024-02-20 11:00');
INSERT INTO refusals SELECT 'user' || i % 60, timestamptz '2024-04-10 05:00+00' - i * interval '5 hours', 's' || i % 3 FROM generate_series(1, 150) AS i;
SELECT headcount.create_source('kept', 'logins', 'lower(usr)', 'host', 's', 'e', server => 'srv', realtime_servers => ARRAY['s1'], denials => 'refusals',
    denied_user => 'usr', denied_at => 'at', denied_server => 'srv', user_identity => 'lower(user_name)', time_zone => 'UTC');
CALL headcount.refresh('kept');
-- Everything that counts, before and after.
CREATE FUNCTION judge.numbers() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'day ' || c::text FROM kept.daily_user_counts_2013 AS c WHERE c.day < '2024-06-01' UNION ALL SELECT 'day ' || c::text FROM kept.daily_user_counts_2019 AS c WHERE c.day < '2024-06-01'
    UNION ALL SELECT 'day ' || c::text FROM kept.daily_user_counts_2025 AS c WHERE c.day < '2024-06-01' UNION ALL SELECT 'server ' || c::text FROM kept.daily_user_counts_by_server AS c WHERE c.day < '2024-06-01'
    UNION ALL SELECT 'sketch ' || k.day || md5(k.used::text) FROM kept.daily_user_sketches AS k WHERE k.day < '2024-06-01'
    UNION ALL SELECT format('unique %s %s', what, headcount.unique_users('kept', '2024-03-05', '2024-04-02', what)) FROM unnest(ARRAY['daily', 'used', 'denied', 'new']) AS what
    UNION ALL SELECT 'week ' || l::text FROM headcount.user_lifecycle('kept', 'week', to_day => '2024-05-31') AS l UNION ALL SELECT 'stick ' || l::text FROM headcount.stickiness('kept', to_day => '2024-05-31') AS l
    UNION ALL SELECT 'stay ' || l::text FROM headcount.user_retention('kept', 'week', to_day => '2024-05-31') AS l UNION ALL SELECT 'at ' || a::text FROM headcount.source_activity('kept', 'week', NULL, '2024-06-01') AS a
$$;
CREATE TABLE judge.before AS SELECT * FROM judge.numbers() AS n (row);
-- Names as bytes that are anywhere in what is stored (a short one could be in a hash by chance).
CREATE FUNCTION judge.names_left(names text[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM unnest(names) AS n WHERE EXISTS (SELECT FROM kept.rollup_dictionary AS l WHERE position(convert_to(n, 'UTF8') IN l.page) > 0)
$$;
SELECT judge.names_left('{user7,user12,user59,nobody}') AS stored;

-- Two of three are known; the identity of the source makes them lower case; a name twice, or NULL, is nothing more.
SELECT headcount.forget_users('kept', '{nobody}') AS forgotten, (SELECT count(*) FROM kept.rollup_dictionary AS l WHERE l.bucket < 0) AS pages;
SELECT headcount.forget_users('kept', ARRAY['USER7', 'user12', 'user12', 'nobody', NULL]);
SELECT headcount.forget_users('kept', ARRAY['user7']), headcount.forget_users('kept', '{}') AS nobody;
SELECT judge.names_left('{user7,user12}') AS left, judge.names_left('{user59}') AS others;
SELECT judge.compare('SELECT * FROM judge.numbers()', 'SELECT * FROM judge.before');
SELECT * FROM headcount.verify('kept');
-- The tables still have the names, and days that are not frozen are theirs.
SELECT count(*) FROM headcount.users_on('kept', '2024-03-10', 'total');
SELECT 'user7' IN (SELECT headcount.users_on('kept', '2024-03-10', 'total')) AS there;

-- Frozen: stored days are all there is.
SELECT headcount.freeze('kept', '2024-04-01');
DELETE FROM logins WHERE e < '2024-04-01';
DELETE FROM refusals WHERE at < '2024-04-01';
SELECT judge.compare('SELECT * FROM judge.numbers()', 'SELECT * FROM judge.before');
SELECT * FROM headcount.verify('kept');
-- user12 or user7 were there, or they were not; a list never is shorter without a word.
SELECT d::date AS day, w.what, judge.error(format('SELECT headcount.users_on(''kept'', %L, %L)', d::date, w.what)) AS users_on
FROM generate_series(timestamp '2024-03-02', '2024-03-08', '2 days') AS d, unnest(ARRAY['daily', 'denied', 'new', 'total']) AS w (what) ORDER BY 1, 2;
DO $$ BEGIN PERFORM headcount.users_on('kept', '2024-03-31', 'total'); EXCEPTION WHEN object_not_in_prerequisite_state THEN
    DECLARE hint text; BEGIN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT; RAISE WARNING '%: %', SQLERRM, hint; END; END $$;
-- A federation cannot hash a name that is gone.
CREATE FUNCTION judge.shared(first date, last date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    users bigint;
BEGIN
    EXECUTE headcount_internal.shared_people_query('kept', headcount_internal.options_of('kept'), 'a') || ' SELECT count(DISTINCT p.hash) FROM people AS p WHERE p.day <= $3' INTO users
        USING '\x000102030405060708090a0b0c0d0e0f'::bytea, first, last, first::timestamptz, last::timestamptz + interval '1 day';
    RETURN users;
END
$$;
SELECT judge.error($$SELECT judge.shared('2024-03-10', '2024-03-31')$$);
SELECT judge.shared('2024-02-20', '2024-02-20') AS others;
-- Days that are not frozen have their users, with the forgotten ones whose rows are there.
SELECT 'user7' IN (SELECT headcount.users_on('kept', '2024-04-05')) AS there, (SELECT count(*) FROM headcount.users_on('kept', '2024-04-05')) AS users;

-- Who comes back has his number: not new, the same total, and no name in what is stored.
SELECT headcount.unique_users('kept', NULL, NULL) AS users, (SELECT total_users FROM kept.daily_user_counts WHERE day = '2024-05-10') AS total;
INSERT INTO logins VALUES (2001, 'USER7', 'h', 's1', '2024-05-10 10:00', '2024-05-10 11:00'), (2002, 'newcomer', 'h', 's1', '2024-05-10 10:00', '2024-05-10 11:00');
INSERT INTO refusals VALUES ('user12', '2024-05-11 10:00', 's1');
SELECT headcount.unique_users('kept', NULL, NULL) AS users, (SELECT total_users FROM kept.daily_user_counts WHERE day = '2024-05-10') AS total, headcount.unique_users('kept', '2024-05-10', '2024-05-11', 'new') AS new;
CALL headcount.refresh('kept');
SELECT headcount.unique_users('kept', NULL, NULL) AS users, (SELECT total_users FROM kept.daily_user_counts WHERE day = '2024-05-10') AS total, headcount.unique_users('kept', '2024-05-10', '2024-05-11', 'new') AS new;
SELECT judge.names_left('{user7,user12}') AS left, judge.names_left('{newcomer}') AS newcomer;
SELECT * FROM headcount.verify('kept');
SELECT headcount.users_on('kept', '2024-05-10');
-- Rebuilding and compacting keep numbers and hashes.
CREATE TABLE judge.again AS SELECT * FROM judge.numbers() AS n (row);
CALL headcount.rebuild('kept');
SELECT judge.compare('SELECT * FROM judge.numbers()', 'SELECT * FROM judge.again');
INSERT INTO logins SELECT 3000 + i, 'guest' || i, 'h', 's1', '2024-05-20 10:00', '2024-05-20 11:00' FROM generate_series(1, 3000) AS i;
CALL headcount.refresh('kept');
SELECT dictionary_buckets > 1 AS compacted, headcount.unique_users('kept', NULL, NULL) AS users FROM kept.rollup_state;
DELETE FROM logins WHERE id > 3000;
CALL headcount.refresh('kept');
SELECT judge.compare('SELECT * FROM judge.numbers()', 'SELECT * FROM judge.again');
SELECT * FROM headcount.verify('kept');
SELECT judge.names_left('{user7,user12}') AS left;

-- All names, while days are frozen; those of later days come from the tables.
SELECT headcount.freeze('kept', '2024-05-01', forget_names => true);
SELECT judge.names_left(ARRAY(SELECT 'user' || i FROM generate_series(1, 60) AS i) || '{newcomer}'::text[]) AS left, count(*) FILTER (WHERE l.bucket >= 0) AS named_pages FROM kept.rollup_dictionary AS l;
SELECT judge.compare('SELECT * FROM judge.numbers()', 'SELECT * FROM judge.again');
SELECT * FROM headcount.verify('kept');
SELECT headcount.users_on('kept', '2024-05-10');
SELECT judge.error($$SELECT headcount.users_on('kept', '2024-04-05')$$);
SELECT count(*) FROM headcount.users_on('kept', '2024-04-29');
INSERT INTO logins VALUES (4001, 'user20', 'h', 's1', '2024-05-12 10:00', '2024-05-12 11:00');
CALL headcount.refresh('kept');
SELECT headcount.unique_users('kept', '2024-05-12', '2024-05-12', 'new') AS new, headcount.unique_users('kept', '2024-05-12', '2024-05-12') AS users, judge.names_left('{user20}') AS left;
DELETE FROM logins WHERE id = 4001;
-- Given up, frozen days come from what rows there are; the names in them are known again by their numbers.
SELECT headcount.freeze('kept', NULL);
CALL headcount.refresh('kept');
SELECT * FROM headcount.verify('kept');
CALL headcount.rebuild('kept');
SELECT * FROM headcount.verify('kept');
SELECT judge.names_left('{user7,user12}') AS left, count(*) FROM headcount.users_on('kept', '2024-04-05');

-- Who owns it may, and nobody else.
SELECT judge.error($$SELECT headcount.freeze('kept', NULL, forget_names => true)$$), judge.error($$SELECT headcount.forget_users('kept', NULL)$$), judge.error($$SELECT headcount.forget_users('none', '{a}')$$);
SELECT headcount.create_source('loose', 'logins', 'usr', 'host', 's', 'e', materialized => false);
SELECT judge.error($$SELECT headcount.forget_users('loose', '{a}')$$);
CREATE ROLE regress_forgetful;
GRANT SELECT ON kept.sessions, kept.denials TO regress_forgetful;
GRANT USAGE ON SCHEMA judge TO regress_forgetful;
SET ROLE regress_forgetful;
SELECT judge.error($$SELECT headcount.forget_users('kept', '{user8}')$$), judge.sqlstate($$SELECT * FROM kept.rollup_dictionary$$) AS dictionary;
RESET ROLE;
DROP OWNED BY regress_forgetful;
DROP ROLE regress_forgetful;
SELECT headcount.drop_source(n) FROM unnest(ARRAY['kept', 'loose']) AS n;
DROP TABLE logins, refusals, judge.before, judge.again;
DROP FUNCTION judge.numbers(), judge.names_left(text[]), judge.shared(date, date);

-- Pages: the functions by hand, and damaged ones.
SELECT headcount_internal.key_page('\x000102030405060708090a0b0c0d0e0f');
SELECT judge.error($$SELECT headcount_internal.key_page('\x00')$$);
\set key '\'\\x03000102030405060708090a0b0c0d0e0f\'::bytea'
-- al is 5, bo is 7: al is forgotten, then both are, with the hash that keyed_hash gives.
SELECT bucket, page, users FROM headcount_internal.forget_names(ARRAY['\x010502616c0202626f'::bytea], '{zz}', :key, 1);
SELECT sign(bucket) AS side, users, substr(page, 1, 2) AS begins, length(page) AS bytes FROM headcount_internal.forget_names(ARRAY['\x010502616c0202626f'::bytea], '{al,al,NULL}', :key, 1) ORDER BY 1;
SELECT substr(page, 3, 16) = uuid_send(headcount_internal.keyed_hash('al', '\x000102030405060708090a0b0c0d0e0f')) AS hash, substr(page, 19, 1) AS step, users FROM headcount_internal.forget_names(ARRAY['\x010502616c0202626f'::bytea], NULL, :key, 1);
SELECT judge.error(format('SELECT headcount_internal.user_names(ARRAY[%L::bytea], headcount.to_user_set(ARRAY[5]))', page)), ARRAY(SELECT headcount_internal.user_names(ARRAY[page], headcount.to_user_set(ARRAY[5, 7]), '?')) AS shown,
       judge.error(format('SELECT headcount_internal.user_names(ARRAY[%L::bytea], headcount.to_user_set(ARRAY[6]))', page)) AS nobody_there FROM headcount_internal.forget_names(ARRAY['\x010502616c0202626f'::bytea], NULL, :key, 1);
SELECT p, judge.sqlstate(format('SELECT headcount_internal.compact_dictionary(ARRAY[%L::bytea], 1)', p)) FROM unnest(ARRAY['\x02', '\x0205', '\x020500', '\x03', '\x0300', '\x04', '\x0205000102030405060708090a0b0c0d0e0f00', '\x03000102030405060708090a0b0c0d0e0f00']) AS p;
SELECT judge.sqlstate(format('SELECT headcount_internal.forget_names(ARRAY[]::bytea[], NULL, %L::bytea, 1)', k)) FROM unnest(ARRAY['\x01', '\x03', '', NULL]) AS k;
SELECT judge.sqlstate($$SELECT headcount_internal.name_buckets('{a}', 3)$$), ARRAY(SELECT headcount_internal.name_buckets('{a,b,NULL}', 1)) AS one, ARRAY(SELECT headcount_internal.name_buckets(NULL, 1)) AS none;
