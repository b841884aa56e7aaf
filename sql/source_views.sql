-- The views of a source: against the oracle under both models with every option, over every kind of table; who may read
-- them; and that filters reach the indexes of the user's table.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- Everything at once: realtime servers, idle limit, false denials, a zone with a short day.
SELECT oracle.load_random(401, 400, 200, '2024-03-15', '2024-04-20');
SELECT judge.source('views', oracle.params('2024-04-15 12:00', 'Europe/Warsaw', '2013', 14, '{s0,s2}', '30 hours', '5 seconds', '2 seconds'));
SELECT * FROM judge.source_against_oracle('views', oracle.params('2024-04-15 12:00', 'Europe/Warsaw', '2013', 14, '{s0,s2}', '30 hours', '5 seconds', '2 seconds'));
SELECT model, zone, judge.run('views', oracle.params('2024-04-15 12:00', zone, model, 7, servers, idle, before, after))
FROM (VALUES ('2019', 'America/Santiago', NULL::text[], NULL::interval, NULL::interval, NULL::interval), ('2019', 'Asia/Kathmandu', '{s1}', '2 hours', '10 minutes', '10 minutes'),
             ('2013', 'Pacific/Auckland', '{s0,s1,s2,s3}', '30 hours', NULL, '1 hour')) AS v (model, zone, servers, idle, before, after);

-- The names and types of the contract, in its order.
SELECT table_name, string_agg(column_name || ' ' || CASE data_type WHEN 'timestamp with time zone' THEN 'timestamptz' WHEN 'USER-DEFINED' THEN udt_name ELSE data_type END, ', ' ORDER BY ordinal_position) AS columns
FROM information_schema.columns WHERE table_schema = 'views' AND NOT starts_with(table_name, 'rollup_') GROUP BY 1 ORDER BY 1;

-- Sketches: the distinct users of a day on any server, near enough (exact while few), and what they unite to.
SELECT count(*) > 20 AS days, bool_and(coalesce(round(hll_cardinality(k.used)), 0) = o.used) AS used, bool_and(coalesce(round(hll_cardinality(k.denied)), 0) = o.denied) AS denied
FROM views.daily_user_sketches AS k,
    LATERAL (SELECT oracle.unique_users(p, k.day, k.day, 'used') AS used, oracle.unique_users(p, k.day, k.day, 'denied') AS denied
             FROM oracle.params('2024-04-15 12:00', 'Pacific/Auckland', '2019', 7, '{s0,s1,s2,s3}', '30 hours', NULL, '1 hour') AS p) AS o;
SELECT abs(hll_cardinality(hll_union_agg(used)) - oracle.unique_users(oracle.params('2024-04-15 12:00', 'Pacific/Auckland', idle_limit => '30 hours'), '2024-03-01', '2024-04-15', 'used')) < 5 AS united FROM views.daily_user_sketches;

-- The view follows the table at once: a row more, a row less.
SELECT judge.source('views', oracle.params('2024-04-15 12:00'));
CREATE TEMP TABLE before AS SELECT * FROM views.daily_user_counts;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES ('somebody new', 'new host', 's0', '2024-04-01 10:00', '2024-04-02 10:00');
SELECT day, a.total_users - b.total_users AS total, a.daily_users - b.daily_users AS daily FROM views.daily_user_counts AS a JOIN before AS b USING (day) WHERE day BETWEEN '2024-03-31' AND '2024-04-03' ORDER BY day;
DELETE FROM oracle.session WHERE user_name = 'somebody new';
SELECT judge.compare('TABLE views.daily_user_counts', 'TABLE before');

-- sessions_when and denied_when leave rows out, everywhere.
SELECT headcount.create_source('part', 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', server => 'server', sessions_when => 'server = ''s1''',
    denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_server => 'server', denied_when => 'server <> ''s1''', time_zone => 'UTC');
SELECT count(*) FILTER (WHERE server = 's1') > 0 AS some, count(*) FILTER (WHERE server IS DISTINCT FROM 's1') AS others FROM part.sessions;
SELECT count(*) FILTER (WHERE server <> 's1') > 0 AS some, count(*) FILTER (WHERE coalesce(server, 's1') = 's1') AS others FROM part.denials;
SELECT (SELECT session_rows FROM part.data_quality WHERE rule = 'no_user') = (SELECT count(*) FROM oracle.session WHERE coalesce(user_name, '') = '' AND server = 's1') AS quality;
SELECT headcount.drop_source('part');

-- Over a partitioned table, a view, a materialized view, and a table whose names need quotes: the same numbers.
CREATE SCHEMA "Odd ""Schema";
CREATE TABLE "Odd ""Schema"."Sessions; --" ("User Name" text, "Host" inet, "START" timestamptz, "end" timestamptz, "Sërver" text) PARTITION BY RANGE ("START");
CREATE TABLE "Odd ""Schema".march PARTITION OF "Odd ""Schema"."Sessions; --" FOR VALUES FROM (MINVALUE) TO ('2024-04-01');
CREATE TABLE "Odd ""Schema".rest PARTITION OF "Odd ""Schema"."Sessions; --" DEFAULT;
INSERT INTO "Odd ""Schema"."Sessions; --" SELECT user_name, ('10.0.0.' || oracle.dice(1, id, 'ip', 20))::inet, started_at, ended_at, server FROM oracle.session;
CREATE VIEW "Odd ""Schema"."A view" AS SELECT * FROM "Odd ""Schema"."Sessions; --";
CREATE MATERIALIZED VIEW "Odd ""Schema"."Mat" AS SELECT * FROM "Odd ""Schema"."Sessions; --";
UPDATE oracle.session SET host = '10.0.0.' || oracle.dice(1, id, 'ip', 20);
CREATE FUNCTION judge.other_table(relation text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE verdict text;
BEGIN
    PERFORM headcount.create_source('Other "Source"', relation::regclass, '"User Name"', 'host("Host")', '"START"', '"end"', server => '"Sërver"', time_zone => 'UTC');
    verdict := judge.compare('SELECT day, server, daily_users, concurrent_hosts, concurrent_hosts_at FROM "Other ""Source""".daily_user_counts_by_server',
        format('SELECT day, server, daily_users, concurrent_hosts, concurrent_hosts_at FROM oracle.by_server(%L)', oracle.params('2024-04-15 12:00')));
    PERFORM headcount.drop_source('Other "Source"');
    RETURN verdict;
END $$;
TRUNCATE oracle.denial;
SELECT r, judge.other_table(r) FROM unnest(ARRAY['"Odd ""Schema"."Sessions; --"', '"Odd ""Schema"."A view"', '"Odd ""Schema"."Mat"']) AS r;
DROP SCHEMA "Odd ""Schema" CASCADE;

-- Privileges: SELECT on one view is all that a reader needs and all that he has. He owns nothing, sees no table.
CREATE ROLE regress_headcount_owner;
CREATE ROLE regress_headcount_reader;
CREATE SCHEMA private AUTHORIZATION regress_headcount_owner;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_headcount_owner', current_database()) AS grant_create \gset
:grant_create;
SET ROLE regress_headcount_owner;
CREATE TABLE private.logins (u text, h text, s timestamptz, e timestamptz);
INSERT INTO private.logins VALUES ('anna', 'h1', '2024-06-15 10:00', NULL), ('bert', 'h2', '2024-06-15 11:00', '2024-06-15 12:00');
SELECT headcount.create_source('owned', 'private.logins', 'u', 'h', 's', 'e', time_zone => 'UTC');
GRANT SELECT ON owned.daily_user_counts TO regress_headcount_reader;
RESET ROLE;
SET headcount.as_of = '2024-06-15 13:00+00';
SET ROLE regress_headcount_reader;
SELECT day, total_users, daily_users, concurrent_hosts FROM owned.daily_user_counts;
RESET ROLE;
GRANT USAGE ON SCHEMA judge TO regress_headcount_reader;
SET ROLE regress_headcount_reader;
SELECT v, judge.sqlstate('TABLE owned.' || v) FROM unnest(ARRAY['sessions', 'denials', 'online_users', 'online_sessions', 'daily_user_counts', 'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_by_server', 'realtime_users_count', 'daily_user_sketches', 'data_quality']) AS v;
SELECT c, judge.sqlstate('SELECT * FROM headcount.' || c) FROM unnest(ARRAY['online_counts(''owned'', ''{anna}'')', 'users_on(''owned'', ''2024-06-15'')', 'hosts_at_peak(''owned'', ''2024-06-15'')', 'unique_users(''owned'', ''2024-06-15'', ''2024-06-15'')',
    'source_activity(''owned'', ''day'', ''2024-06-15'', ''2024-06-16'')', 'drop_source(''owned'')', 'alter_source(''owned'', window_days => 3)']) AS c;
SELECT judge.sqlstate('TABLE private.logins') AS base_table, judge.sqlstate('INSERT INTO owned.sessions (user_name) VALUES (''x'')') AS writes;
RESET ROLE;
-- Each view alone is enough for itself, whatever it is made from.
REVOKE SELECT ON ALL TABLES IN SCHEMA owned FROM regress_headcount_reader;
CREATE FUNCTION judge.alone(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE outcome text;
BEGIN
    EXECUTE format('GRANT SELECT ON owned.%I TO regress_headcount_reader', name);
    SET LOCAL ROLE regress_headcount_reader;
    outcome := judge.sqlstate(format('SELECT count(*), max(v::text) FROM owned.%I AS v', name));
    RESET ROLE;
    EXECUTE format('REVOKE SELECT ON owned.%I FROM regress_headcount_reader', name);
    RETURN outcome;
END $$;
SELECT table_name, judge.alone(table_name::text) FROM information_schema.views WHERE table_schema = 'owned' AND NOT starts_with(table_name, 'rollup_') ORDER BY 1;
-- With SELECT on the views a function reads, it answers; by its own right, not the owner's.
GRANT SELECT ON owned.sessions, owned.online_sessions, owned.online_users, owned.denials TO regress_headcount_reader;
SET ROLE regress_headcount_reader;
SELECT user_name, online_count FROM headcount.online_counts('owned', '{anna,bert}', '2024-06-15 11:30') ORDER BY 1;
SELECT u FROM headcount.users_on('owned', '2024-06-15', 'used', '2024-06-15 13:00') AS u ORDER BY 1;
RESET ROLE;
SELECT headcount.drop_source('owned');
DROP OWNED BY regress_headcount_owner, regress_headcount_reader;
DROP ROLE regress_headcount_owner, regress_headcount_reader;

-- Filters reach the indexes of the user's table: by user, and by time where only the open are of interest.
CREATE TABLE radius (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, username text, ip inet, nas inet, started timestamptz, stopped timestamptz, updated timestamptz);
INSERT INTO radius (username, ip, nas, started, stopped, updated)
SELECT 'user' || i % 5000, '10.0.0.0'::inet + i % 3000, '10.1.0.1', timestamptz '2024-01-01' + i * interval '5 minutes', CASE WHEN i < 49900 THEN timestamptz '2024-01-01' + i * interval '5 minutes' + interval '2 hours' END, timestamptz '2024-01-01' + i * interval '5 minutes' + interval '1 hour'
FROM generate_series(1, 50000) AS i;
CREATE INDEX radius_username ON radius (username);
CREATE INDEX radius_open ON radius (started) WHERE stopped IS NULL;
CREATE INDEX radius_started ON radius (started);
ANALYZE radius;
SELECT headcount.create_source('idx', 'radius', 'username', 'host(ip)', 'started', 'stopped', server => 'host(nas)', time_zone => 'UTC');
SELECT headcount.create_source('idxfold', 'radius', 'username', 'host(ip)', 'started', 'stopped', server => 'host(nas)', last_seen => 'updated', idle_limit => '1 day', time_zone => 'UTC');
SET headcount.as_of = '2024-07-01 00:00+00';
SET max_parallel_workers_per_gather = 0;
SELECT what, judge.plan(q) ~ 'radius_(username|started|open)' AS index, judge.plan(q) !~ 'Seq Scan' AS no_seq_scan FROM (VALUES
    ('sessions by user',        'SELECT * FROM idx.sessions WHERE user_name = ''user17'''),
    ('sessions by users',       'SELECT * FROM idx.sessions WHERE user_name IN (''user17'', ''user18'')'),
    ('sessions by start',       'SELECT * FROM idx.sessions WHERE started_at >= ''2024-03-01'' AND started_at < ''2024-03-02'''),
    ('online user',             'SELECT * FROM idx.online_users WHERE user_name = ''user17'''),
    ('online sessions of user', 'SELECT * FROM idx.online_sessions WHERE user_name = ''user17'''),
    ('idle limit, sessions',    'SELECT * FROM idxfold.sessions WHERE user_name = ''user17'''),
    ('idle limit, online user', 'SELECT * FROM idxfold.online_users WHERE user_name = ''user17''')) AS v (what, q);
SELECT count(*) FROM idx.sessions WHERE user_name = 'user17';
-- create_indexes says what it would make, makes it, and then has nothing left to make. They serve who is online.
SELECT headcount.drop_source('idxfold');
DROP INDEX radius_username, radius_open, radius_started;
SELECT count(*) > 0 AS would_make FROM headcount.create_indexes('idx', dry_run => true) AS c;
SELECT count(*) AS made FROM pg_index WHERE indrelid = 'radius'::regclass AND NOT indisprimary;
DO $$ BEGIN PERFORM headcount.create_indexes('idx'); END $$;
SELECT count(*) > 0 AS made FROM pg_index WHERE indrelid = 'radius'::regclass AND NOT indisprimary \gset
SELECT count(*) AS indexes FROM pg_index WHERE indrelid = 'radius'::regclass \gset
DO $$ BEGIN PERFORM headcount.create_indexes('idx'); END $$;
SELECT :'made' AS made, count(*) - :indexes AS made_again FROM pg_index WHERE indrelid = 'radius'::regclass;
ANALYZE radius;
SELECT what, judge.plan(q) !~ 'Seq Scan' AS no_seq_scan FROM (VALUES
    ('online user', 'SELECT * FROM idx.online_users WHERE user_name = ''user17'''),
    ('online_sessions', 'SELECT * FROM idx.online_sessions')) AS v (what, q);
SELECT headcount.drop_source('idx');
DROP TABLE radius;
SELECT headcount.drop_source('views');
