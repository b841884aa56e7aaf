-- Dimensions: what a source is sliced by besides servers, and source_counts_by, beside the oracle: live, stored, dirty, by model, in
-- zones whose clocks change, with false denials, as of other instants, with frozen days.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
SET jit = off;
\pset null '-'

-- By hand. Two users of two features on two sites, and one with neither; a denial of a feature, which no site has. The whole has 3
-- users on 1 June, though the features have 2 and 1, and the sites 2 and 1: anna is on both.
CREATE SCHEMA dims;
CREATE TABLE dims.login (id integer GENERATED ALWAYS AS IDENTITY, who text, host text, feature text, nas text, came timestamptz, went timestamptz);
CREATE TABLE dims.refusal (who text, feature text, at timestamptz);
INSERT INTO dims.login (who, host, feature, nas, came, went) VALUES
    ('anna', 'h1', 'cad', 'north-1', '2024-06-01 10:00', '2024-06-01 12:00'), ('anna', 'h1', 'sim', 'south-1', '2024-06-01 11:00', '2024-06-01 12:00'),
    ('bert', 'h2', 'cad', 'north-2', '2024-06-01 11:00', '2024-06-02 01:00'), ('cora', 'h3', NULL, NULL, '2024-06-01 11:30', '2024-06-01 11:40');
INSERT INTO dims.refusal VALUES ('dora', 'sim', '2024-06-02 09:00');
SET client_min_messages = notice;
SET headcount.as_of = '2024-06-03 12:00';
SELECT headcount.create_source('logins', 'dims.login', 'who', 'host', 'came', 'went', denials => 'dims.refusal', denied_user => 'who', denied_at => 'at',
    time_zone => 'UTC', dimensions => '{"feature": "feature", "site": "split_part(nas, ''-'', 1)"}');
SET client_min_messages = warning;
SELECT a.attname, a.atttypid::regtype FROM pg_attribute AS a WHERE a.attrelid = 'logins.sessions'::regclass AND a.attnum > 8 ORDER BY a.attnum;
SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = 'logins.denials'::regclass AND a.attnum > 5 ORDER BY a.attnum;
SELECT user_name, feature, site FROM logins.sessions ORDER BY 1, 2;
SELECT day, feature, total_users, daily_users, denial_users, denials, concurrent_hosts FROM logins.daily_user_counts_by_feature ORDER BY day, feature;
SELECT day, site, total_users, daily_users, denial_users, denials, concurrent_hosts FROM logins.daily_user_counts_by_site ORDER BY day, site;
SELECT day, values, level, total_users, daily_users, denial_users, denials, concurrent_hosts, complete FROM headcount.source_counts_by('logins', '{feature,site}');
SELECT day, values, level, total_users, daily_users FROM headcount.source_counts_by('logins', '{}', '2024-06-02', '2024-06-02');
RESET headcount.as_of;

-- What is told apart for denials, and taken away again; the names of what is stored stay.
SELECT headcount.alter_source('logins', dimensions => '{"site": {"sessions": "split_part(nas, ''-'', 1)", "denials": "''all sites''"}, "nas": "nas"}');
SELECT DISTINCT site, nas FROM logins.denials;
CALL headcount.refresh('logins');
SELECT dimensions FROM logins.settings;
SELECT scope, array_agg(DISTINCT slice ORDER BY slice) FROM logins.rollup_totals GROUP BY scope ORDER BY scope;
SELECT * FROM headcount.verify('logins');
SELECT c.* FROM logins.settings AS s, headcount_internal.split_columns(s.session_columns) AS c WHERE c.reader IN ('feature', 'site', 'nas');

-- A session that moves from one feature to another changes its days, though nothing else reads the column.
CREATE FUNCTION dims.dirty_after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    dirty text;
BEGIN
    EXECUTE statement;
    SELECT coalesce(string_agg(format('%s to %s', d.from_day, d.to_day - 1), ', ' ORDER BY d.from_day), 'nothing') INTO dirty FROM logins.dirty_days AS d;
    RAISE EXCEPTION USING ERRCODE = 'HC001', MESSAGE = dirty;
EXCEPTION WHEN SQLSTATE 'HC001' THEN
    RETURN SQLERRM;
END
$$;
SELECT what, dims.dirty_after(statement) AS dirty FROM (VALUES
    ('another feature', $q$UPDATE dims.login SET feature = 'sim' WHERE who = 'bert'$q$),
    ('none',            $q$UPDATE dims.login SET feature = NULL WHERE who = 'bert'$q$),
    ('empty',           $q$UPDATE dims.login SET feature = '' WHERE who = 'cora'$q$),
    ('another nas',     $q$UPDATE dims.login SET nas = 'north-9' WHERE who = 'bert'$q$),
    ('nothing new',     $q$UPDATE dims.login SET nas = 'north-2' WHERE who = 'bert'$q$),
    ('changed places',  $q$UPDATE dims.login SET feature = CASE feature WHEN 'cad' THEN 'sim' ELSE 'cad' END WHERE who = 'anna'$q$),
    ('a denial',        $q$UPDATE dims.refusal SET feature = 'cad'$q$))
    AS v (what, statement);

-- Taken away, a dimension leaves its column, with nothing in it, and its view only if somebody built on that.
CREATE VIEW dims.of_site AS SELECT * FROM logins.daily_user_counts_by_site;
SELECT headcount.alter_source('logins', dimensions => '{"site": null, "nas": null}');
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'logins'::regnamespace AND c.relname ~ '_by_' ORDER BY 1;
SELECT count(*), count(site), count(nas), count(feature) FROM logins.sessions;
TABLE dims.of_site;
SELECT headcount.alter_source('logins', dimensions => '{"site": "nas"}');
SELECT DISTINCT site FROM dims.of_site ORDER BY 1;
SELECT headcount.alter_source('logins', reset => '{dimensions}');
SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'logins'::regnamespace AND c.relname ~ '_by_' ORDER BY 1;
DROP VIEW dims.of_site;
-- A table of denials that is given later is tried too.
SELECT headcount.alter_source('logins', reset => '{denials}', dimensions => '{"feature": "upper(feature)"}');
SELECT headcount.alter_source('logins', denials => 'dims.refusal', denied_user => 'who', denied_at => 'at');
SELECT DISTINCT feature FROM logins.denials;

-- Errors name the dimension.
SELECT what, judge.error(format('SELECT headcount.create_source(''no'', ''dims.login'', ''who'', ''host'', ''came'', ''went'', dimensions => %L)', what))
FROM unnest(ARRAY['[]', '"x"', 'null', '{"a": 1}', '{"a": null}', '{"a": ["x"]}', '{"a": {}}', '{"a": {"sessions": 1}}', '{"a": {"sessions": "nas", "people": "x"}}',
    '{"a": {"sessions": "nas", "denials": "who"}}', '{"a": {"sessions": "nas", "sessions": "who"}}', '{"a": "nas", "a": "who"}', '{"": "nas"}', '{"server": "nas"}', '{"ctid": "nas"}', '{"total_users": "nas"}',
    '{"a": "nowhere"}', '{"a": "came"}', '{"a": "random()::text"}', '{"a": "count(*)"}', '{"a": ""}',
    '{"' || repeat('x', 43) || '": "nas"}', '{"1":"nas","2":"nas","3":"nas","4":"nas","5":"nas","6":"nas","7":"nas","8":"nas","9":"nas"}']) AS what;
SELECT judge.error($$SELECT headcount.create_source('no', 'dims.login', 'who', 'host', 'came', 'went', denials => 'dims.refusal', denied_user => 'who', denied_at => 'at',
    dimensions => '{"a": {"sessions": "nas", "denials": "nas"}}')$$);
SELECT count(*) FROM pg_namespace WHERE nspname = 'no';
CREATE VIEW logins.daily_user_counts_by_taken AS SELECT 1 AS one;
SELECT judge.error($$SELECT headcount.alter_source('logins', dimensions => '{"taken": "nas"}')$$);
SELECT judge.error($$SELECT headcount.alter_source('logins', dimensions => '{"feature": "nas"}', reset => '{dimensions}')$$);
DROP VIEW logins.daily_user_counts_by_taken;
SELECT headcount.alter_source('logins', dimensions => '{"site": "nas"}');
SELECT what, judge.error(format('SELECT * FROM headcount.source_counts_by(''logins'', %L)', what))
FROM unnest(ARRAY[NULL, '{feature,feature}', '{Feature}', '{host}', '{feature,NULL}', '{{feature,site}}', '{feature,site,server,feature,site}']) AS what;
SELECT judge.error($$SELECT * FROM headcount.source_counts_by('nowhere', '{}')$$), judge.error($$SELECT * FROM headcount.source_counts_by('logins', '{}', '2024-06-02', '2024-06-01')$$);
SELECT count(*) FROM headcount.source_counts_by('logins', '{feature}', '2024-06-02', '2024-06-01'::date + 1, '2024-01-01');

-- Who may read the views may ask, and nobody else; a new view is as closed as others.
CREATE ROLE dims_reader;
GRANT SELECT ON logins.sessions, logins.denials TO dims_reader;
GRANT USAGE ON SCHEMA judge TO dims_reader;
SET ROLE dims_reader;
SELECT count(*) > 0 FROM headcount.source_counts_by('logins', '{feature,site}');
SELECT judge.sqlstate('TABLE logins.daily_user_counts_by_feature');
RESET ROLE;
REVOKE SELECT ON logins.denials FROM dims_reader;
SET ROLE dims_reader;
SELECT judge.sqlstate($$SELECT * FROM headcount.source_counts_by('logins', '{feature}')$$);
RESET ROLE;
DROP OWNED BY dims_reader;
DROP ROLE dims_reader;

-- Beside the oracle.
CREATE PROCEDURE dims.compare(p oracle.params, what text) LANGUAGE plpgsql AS $$
DECLARE
    each    text;
    verdict text;
    source  text;
BEGIN
    PERFORM set_config('headcount.as_of', (p).as_of::text, false);
    FOREACH source IN ARRAY ARRAY['stored', 'live'] LOOP
        FOREACH each IN ARRAY ARRAY['letter', 'team', 'server'] LOOP
            verdict := judge.compare(format('TABLE %I.%I', source, 'daily_user_counts_by_' || each), format('SELECT * FROM oracle.by_dimension(%L, %L)', p, each));
            IF verdict NOT LIKE 'equal, %' OR verdict = 'equal, 0 rows' THEN
                RAISE WARNING '%, % by %: %', what, source, each, verdict;
            END IF;
        END LOOP;
    END LOOP;
    verdict := judge.compare('SELECT day, values::text, level, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM headcount.source_counts_by(''stored'', ''{letter,server}'')',
        format('SELECT day, fixed::text, level, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM oracle.counts_by(%L, ''{letter,server}'')', p));
    IF verdict NOT LIKE 'equal, %' OR verdict = 'equal, 0 rows' THEN
        RAISE WARNING '%, counts by: %', what, verdict;
    END IF;
    -- three at once, and of some days
    verdict := judge.compare('SELECT day, values::text, level, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM headcount.source_counts_by(''live'', ''{team,server,letter}'')',
        'SELECT day, values::text, level, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM headcount.source_counts_by(''stored'', ''{letter,team,server}'')');
    IF verdict NOT LIKE 'equal, %' OR verdict = 'equal, 0 rows' THEN
        RAISE WARNING '%, three at once: %', what, verdict;
    END IF;
    FOR each IN SELECT format('%L::date, %L::date', d - 3, d + n) FROM generate_series(1, 2) AS n, LATERAL (SELECT (min(c.day) + max(c.day - '2000-01-01'::date) / 2 - (min(c.day) - '2000-01-01'::date) / 2 + n) AS d FROM live.daily_user_counts AS c) AS m LOOP
        verdict := judge.compare(format('SELECT day, values::text, level, total_users, daily_users, denials FROM headcount.source_counts_by(''stored'', ''{server,team}'', %s)', each),
            format('SELECT c.day, c.values::text, c.level, c.total_users, c.daily_users, c.denials FROM headcount.source_counts_by(''live'', ''{server,team}'') AS c, (SELECT %s) AS d (f, t) WHERE c.day BETWEEN d.f AND d.t', each));
        IF verdict NOT LIKE 'equal, %' OR verdict = 'equal, 0 rows' THEN
            RAISE WARNING '%, %: %', what, each, verdict;
        END IF;
    END LOOP;
    PERFORM set_config('headcount.as_of', '', false);
END
$$;

CREATE PROCEDURE dims.run(seed integer, p oracle.params) LANGUAGE plpgsql AS $$
DECLARE
    each text;
BEGIN
    TRUNCATE oracle.session, oracle.denial;
    PERFORM oracle.load_random(seed, 90, 25, (p).as_of - interval '12 days', (p).as_of + interval '1 day');
    IF (p).as_of < now() - interval '1 month' THEN      -- nobody stays until today
        UPDATE oracle.session SET ended_at = least(started_at + interval '30 hours', (p).as_of + interval '2 days') WHERE isfinite(started_at) AND (ended_at IS NULL OR ended_at > (p).as_of + interval '2 days');
    END IF;
    FOREACH each IN ARRAY ARRAY['stored', 'live'] LOOP
        PERFORM headcount.create_source(each, 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', server => 'server', last_seen => 'last_seen', idle_limit => (p).idle_limit,
            realtime_servers => (p).realtime_servers, denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_host => 'host', denied_server => 'server',
            false_denial_before => (p).false_denial_before, false_denial_after => (p).false_denial_after, time_zone => (p).zone, licensing_model => (p).model, window_days => (p).window_days,
            materialized => each = 'stored',
            dimensions => '{"letter": "right(nullif(host, ''''), 1)", "team": {"sessions": "nullif(lower(right(user_name, 1)), '''')"}}');
    END LOOP;
    COMMIT;
    CALL dims.compare(p, 'never refreshed');
    CALL headcount.refresh('stored');
    CALL dims.compare(p, 'stored');
    UPDATE oracle.session SET host = host || 'x' WHERE id % 7 = 0;
    UPDATE oracle.denial SET host = 'zz' WHERE id % 5 = 0;
    DELETE FROM oracle.session WHERE id % 11 = 0;
    CALL dims.compare(p, 'dirty');
    CALL headcount.refresh('stored');
    CALL dims.compare(p, 'stored again');
    p.as_of := (p).as_of - interval '100 hours';
    CALL dims.compare(p, 'as of days ago');
    FOR each IN SELECT v::text FROM headcount.verify('stored') AS v LOOP
        RAISE WARNING 'verify: %', each;
    END LOOP;
    PERFORM headcount.drop_source('stored'), headcount.drop_source('live');
    COMMIT;
END
$$;
CALL dims.run(1, oracle.params(now(), 'Europe/Warsaw', '2019'));
CALL dims.run(3, oracle.params(now(), 'Pacific/Apia', '2025', 4, '{s1,s3}', NULL, '5 seconds', '2 seconds'));
CALL dims.run(4, oracle.params('2024-04-02 12:00', 'Europe/Warsaw', '2019'));
-- More of them where somebody asks for it: script/torture.
\getenv histories HEADCOUNT_HISTORIES
\getenv seed HEADCOUNT_STRESS_SEED
CREATE PROCEDURE dims.more(first_seed integer, how_many integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR seed IN first_seed .. first_seed + how_many - 1 LOOP
        CASE seed % 3
            WHEN 0 THEN CALL dims.run(seed, oracle.params(now(), 'America/Sao_Paulo', '2013', 3, '{s1,s2}', '6 hours'));
            WHEN 1 THEN CALL dims.run(seed, oracle.params('2024-10-09 12:00', 'Australia/Lord_Howe', '2013', 2, '{s1}'));
            ELSE CALL dims.run(seed, oracle.params(timestamptz '2024-06-01 00:00' + seed % 400 * interval '13 hours', 'Europe/Warsaw', '2025', 5, NULL, '30 hours', NULL, '2 seconds'));
        END CASE;
    END LOOP;
END
$$;
\if :{?histories}
CALL dims.more(:seed, :histories);
\endif

-- Days of before that are frozen: one dimension is stored, several are not.
TRUNCATE dims.login, dims.refusal;
INSERT INTO dims.login (who, host, feature, nas, came, went)
SELECT 'user ' || i % 7, 'host ' || i % 3, 'f' || i % 2, 'n' || i % 3, current_date - i, current_date - i + interval '90 minutes' FROM generate_series(1, 60) AS i;
SELECT headcount.alter_source('logins', licensing_model => '2025', window_days => 5);
CALL headcount.refresh('logins');
CREATE TABLE dims.before AS SELECT * FROM headcount.source_counts_by('logins', '{feature}') UNION ALL SELECT * FROM headcount.source_counts_by('logins', '{site}');
SELECT headcount.freeze('logins', current_date - 30);
DELETE FROM dims.login WHERE went < current_date - 30;
SELECT judge.compare('SELECT day, values::text, total_users, daily_users, concurrent_hosts FROM dims.before',
    'SELECT day, values::text, total_users, daily_users, concurrent_hosts FROM headcount.source_counts_by(''logins'', ''{feature}'') UNION ALL SELECT day, values::text, total_users, daily_users, concurrent_hosts FROM headcount.source_counts_by(''logins'', ''{site}'')');
SELECT left(judge.error($$SELECT * FROM headcount.source_counts_by('logins', '{feature,site}')$$), 28), left(judge.error($$SELECT * FROM headcount.source_counts_by('logins', '{feature,site}', current_date - 27)$$), 28);
SELECT level, count(*), sum(daily_users) FROM headcount.source_counts_by('logins', '{feature,site}', current_date - 26, current_date - 1) GROUP BY level ORDER BY level;
SELECT headcount.alter_source('logins', licensing_model => '2019');
SELECT left(judge.error($$SELECT * FROM headcount.source_counts_by('logins', '{feature,site}', current_date - 1)$$), 28);
SELECT judge.error($$SELECT headcount.alter_source('logins', dimensions => '{"more": "who"}')$$) ~ 'has frozen days';
SELECT * FROM headcount.verify('logins');

-- Whatever the planner thinks is cheap: all users have numbers before those of slices are stored. A dimension may have a blank in its name.
SELECT headcount.create_source(name, 'dims.login', 'who', 'host', 'came', 'went', time_zone => 'UTC', server => 'nas', dimensions => '{"tool": "feature", "cost centre": "left(nas, 1)"}', materialized => name = 'cheap')
FROM unnest(ARRAY['cheap', 'cheap_live']) AS name;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
CALL headcount.refresh('cheap');
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
INSERT INTO dims.login (who, host, feature, nas, came, went) VALUES ('user 1', 'host 1', 'f1', 'n1', current_date - 7 + interval '1 hour', current_date - 7 + interval '2 hours');
-- A name may be longer than an index can hold.
INSERT INTO dims.login (who, host, feature, nas, came, went) SELECT 'user 2', 'host 2', f.long, f.long, current_date - 7 + interval '1 hour', current_date - 7 + interval '2 hours'
FROM (SELECT string_agg(md5(i::text), '') AS long FROM generate_series(1, 400) AS i) AS f;
SELECT judge.compare('SELECT * FROM cheap.' || v, 'SELECT * FROM cheap_live.' || v) FROM unnest(ARRAY['daily_user_counts_by_tool', '"daily_user_counts_by_cost centre"', 'daily_user_counts_by_server']) AS v;
CALL headcount.refresh('cheap');
SELECT judge.compare('SELECT * FROM cheap.' || v, 'SELECT * FROM cheap_live.' || v) FROM unnest(ARRAY['daily_user_counts_by_tool', '"daily_user_counts_by_cost centre"', 'daily_user_counts_by_server']) AS v;
SELECT * FROM headcount.verify('cheap');
SELECT exact FROM headcount.source_status WHERE source = 'cheap';
SELECT count(*) FROM headcount.check('cheap') WHERE subject IN ('tracking', 'stored days', 'refresh');
SELECT headcount.drop_source(name) FROM unnest(ARRAY['cheap', 'cheap_live']) AS name;
DELETE FROM dims.login WHERE went - came = interval '1 hour';

-- Tracked by window, users of slices get numbers as they come; a source that knows no servers; hosts, or ends, that are not known.
SELECT headcount.create_source('win', 'dims.login', 'who', NULL, 'came', 'went', time_zone => 'UTC', tracking => 'window', dimensions => '{"feature": "feature", "of day": "left(nas, 1)"}');
CALL headcount.refresh('win');
SELECT count(*), sum(daily_users), max(total_users) FROM win."daily_user_counts_by_of day";
SELECT count(*), sum(daily_users), max(total_users) FROM win.daily_user_counts_by_feature;
SELECT * FROM headcount.verify('win');
SELECT count(*) FROM win.daily_user_counts_by_server;
-- renamed, it is the same
ALTER SCHEMA win RENAME TO won;
CALL headcount.refresh('won');
SELECT count(*), sum(daily_users), max(total_users) FROM won."daily_user_counts_by_of day";
ALTER TABLE dims.login RENAME COLUMN feature TO tool;
SELECT headcount.alter_source('won', window_days => 7);
CALL headcount.refresh('won');
SELECT count(*), sum(daily_users), max(total_users) FROM won.daily_user_counts_by_feature;
SELECT headcount.drop_source('won'), headcount.drop_source('logins');
SELECT count(*) FROM pg_namespace WHERE nspname IN ('won', 'logins');
DROP SCHEMA dims CASCADE;
