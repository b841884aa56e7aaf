-- Bad input: a clear error with the right SQLSTATE that names the argument, and nothing left behind.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'
CREATE TABLE logins (u text, h text, s timestamptz, e timestamptz, seen timestamptz, n integer, naive timestamp, d date, t text, srv text);
CREATE TABLE refusals (u text, at timestamptz, srv text);
CREATE SEQUENCE a_sequence;
CREATE TABLE catalog_before AS SELECT (SELECT count(*) FROM pg_namespace) AS schemas, (SELECT count(*) FROM pg_class WHERE relkind = 'v') AS views,
    (SELECT count(*) FROM pg_proc) AS functions, (SELECT count(*) FROM pg_trigger) AS triggers;

-- Calls create_source with good arguments, one of them replaced.
CREATE FUNCTION judge.create_with(argument text, value text, more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    arguments text; outcome text;
BEGIN
    SELECT string_agg(format('%s => %s', name, CASE WHEN name = argument THEN value ELSE given END), ', ') INTO arguments
    FROM (SELECT * FROM (VALUES ('name', '''bad'''), ('sessions', '''logins'''), ('user_name', '''u'''), ('host', '''h'''), ('started_at', '''s'''), ('ended_at', '''e''')) AS v (name, given)
          UNION ALL SELECT argument, value WHERE argument NOT IN ('name', 'sessions', 'user_name', 'host', 'started_at', 'ended_at')) AS a;
    outcome := judge.error(format('SELECT headcount.create_source(%s%s)', arguments, more));
    IF outcome = 'fine' THEN PERFORM headcount.drop_source('bad'); END IF;      -- a fault, but let the other cases speak
    RETURN outcome;
END $$;
-- What the error must say besides: the argument's name (or the name taken, the relation missing). Our own messages, or
-- PostgreSQL's under our heading, differ in the rest from version to version; so only this is shown.
CREATE FUNCTION judge.refused(argument text, value text, more text DEFAULT '') RETURNS TABLE (sqlstate text, names_it boolean) LANGUAGE sql AS $$
    SELECT left(e, 5), e ~ argument FROM judge.create_with(argument, value, more) AS e $$;

-- Columns and expressions.
SELECT argument, value, r.* FROM (VALUES
    ('user_name', '''no_such_column'''), ('host', '''no_such_column'''), ('started_at', '''no_such_column'''), ('ended_at', '''no_such_column'''), ('server', '''no_such_column'''),
    ('sessions_when', '''no_such_column = 1'''), ('user_identity', '''no_such_function(user_name)'''),
    ('user_name', '''lower('''), ('user_name', '''u) FROM logins; --'''), ('user_name', '''u; DROP TABLE logins'''), ('user_name', ''''''), ('user_name', 'NULL'), ('user_name', '''   '''), ('user_name', '''u, h'''), ('user_name', '''u AS x'''),
    ('host', '''--'''), ('host', '''/*'''), ('host', '''$$'''), ('host', '''*'''),
    ('user_name', '''count(u)'''), ('user_name', '''row_number() OVER ()'''), ('user_name', '''generate_series(1, 2)::text'''),
    ('user_name', '''s'''), ('host', '''d'''), ('started_at', '''t'''), ('started_at', '''d'''), ('started_at', '''n'''), ('ended_at', '''true'''), ('server', '''s'''), ('sessions_when', '''u'''), ('sessions_when', '''n'''), ('user_identity', '''now()'''), ('user_identity', '''h'''),
    ('user_name', '''$1'''), ('user_name', '''u COLLATE "no such"'''), ('sessions_when', '''true) OR (true''')) AS v (argument, value), LATERAL judge.refused(argument, value) AS r;
-- What becomes a name or an instant by itself is taken: numbers, naive times.
SELECT argument, value, judge.create_with(argument, value) FROM (VALUES ('user_name', '''n'''), ('host', '''n'''), ('server', '''n'''), ('started_at', '''naive'''), ('ended_at', '''naive''')) AS v (argument, value);
SELECT judge.refused('last_seen', '''no_such''', ', idle_limit => ''1 hour'''), judge.refused('last_seen', '''n''', ', idle_limit => ''1 hour''');

-- Options.
SELECT argument, value, r.* FROM (VALUES
    ('time_zone', '''Mars/Olympus'''), ('time_zone', ''''''), ('time_zone', 'NULL'), ('time_zone', '''Europe/Warsaw; DROP TABLE logins'''),
    ('time_zone', '''EST'''), ('time_zone', '''cet'''), ('time_zone', '''IST'''),
    ('licensing_model', '''2014'''), ('licensing_model', ''''''), ('licensing_model', 'NULL'),
    ('window_days', '0'), ('window_days', '-1'), ('user_limit', '0'), ('user_limit', '-3'),
    ('idle_limit', '''1 hour'''), ('false_denial_before', '''-1 second'''), ('tracking', '''sometimes'''), ('tracking_days', '0'), ('materialized', 'NULL')) AS v (argument, value), LATERAL judge.refused(argument, value) AS r;
SELECT judge.refused('idle_limit', '''-1 hour''', ', last_seen => ''seen''') AS idle_limit;
-- Abbreviations are the same whatever they mean in this session; of UTC they are as good as its name.
SET timezone_abbreviations = 'India';
SELECT zone, r.* FROM unnest(ARRAY['EST', 'IST', 'CET']) AS zone, LATERAL judge.refused('time_zone', quote_literal(zone)) AS r;
SELECT zone, judge.create_with('time_zone', quote_literal(zone)) FROM unnest(ARRAY['utc', 'UT', 'GMT', 'Z', 'Zulu', 'PST8PDT', 'Factory', 'Etc/GMT-1']) AS zone;
RESET timezone_abbreviations;
-- A word with a digit is a zone to PostgreSQL, whatever it is; of places only these have one. No list of zones is asked, which some systems cannot read.
SELECT zone, r.* FROM unnest(ARRAY['Europe/Warsaw2', 'Europe2/Warsaw', 'Europe/Warsaw+1', 'Etc/GMT+13', 'Etc/GMT-15', 'Etc/GMT+05', 'Mars/Phobos']) AS zone, LATERAL judge.refused('time_zone', quote_literal(zone)) AS r;
SELECT zone, judge.create_with('time_zone', quote_literal(zone)) FROM unnest(ARRAY['Etc/GMT', 'etc/gmt+12', 'Etc/GMT-14', 'Etc/GMT0', 'America/Port-au-Prince', 'CET-1CEST']) AS zone;
-- Denials: a table without its columns, columns without their table, wrong ones, limits of false denials without denials.
SELECT argument, value, r.* FROM (VALUES
    ('denied_user', '''no_such'''), ('denied_at', '''no_such'''), ('denied_user', '''at'''), ('denied_at', '''u'''), ('denied_server', '''no_such'''), ('denied_when', '''u'''), ('denied_host', '''at''')) AS v (argument, value),
    LATERAL judge.refused(argument, value, ', denials => ''refusals''' || CASE argument WHEN 'denied_user' THEN ', denied_at => ''at''' WHEN 'denied_at' THEN ', denied_user => ''u''' ELSE ', denied_user => ''u'', denied_at => ''at''' END) AS r;
SELECT judge.create_with('denials', '''refusals''') AS denials_without_columns, judge.create_with('denied_user', '''u''') AS columns_without_denials;

-- Tables.
SELECT value, r.sqlstate FROM unnest(ARRAY['''no_such_table''', 'NULL', '''a_sequence''', '0']) AS value, LATERAL judge.refused('sessions', value) AS r;

-- Names: taken ones, none, PostgreSQL's own, the extension's own, too long; quotes are only letters.
SELECT value, r.sqlstate FROM unnest(ARRAY['''public''', '''judge''', '''pg_catalog''', '''pg_mine''', '''information_schema''', '''headcount''', '''''', 'NULL', format('%L', repeat('n', 64)), format('%L', repeat('é', 32))]) AS value, LATERAL judge.refused('name', value) AS r;

-- Nothing left behind, by all of this.
SELECT (SELECT count(*) FROM pg_namespace) - schemas AS schemas, (SELECT count(*) FROM pg_class WHERE relkind = 'v') - views AS views, (SELECT count(*) FROM pg_proc) - functions - 2 AS functions, (SELECT count(*) FROM pg_trigger) - triggers AS triggers FROM catalog_before;
SELECT to_regclass('logins') IS NOT NULL AS table_there, to_regnamespace('bad') IS NULL AS no_schema;

-- Hostile but right: names that are a schema's after all, 63 bytes of them, work and leave nothing when dropped.
CREATE FUNCTION judge.hostile_source(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE days bigint;
BEGIN
    PERFORM headcount.create_source(name, 'logins', 'u', 'h', 's', 'e', denials => 'refusals', denied_user => 'u', denied_at => 'at', server => 'srv', denied_server => 'srv', realtime_servers => ARRAY[name, $q$'); DROP TABLE logins; --$q$], time_zone => 'UTC');
    EXECUTE format('SELECT count(*) FROM %I.daily_user_counts', name) INTO days;
    EXECUTE format('SELECT count(*) FROM %I.daily_user_counts_by_server', name);
    PERFORM headcount.online_counts(name, ARRAY[name]), headcount.users_on(name, '2024-06-15'), headcount.hosts_at_peak(name, '2024-06-15'), headcount.unique_users(name, '2024-06-15', '2024-06-15'), headcount.source_activity(name, 'day', '2024-06-15', '2024-06-16');
    PERFORM headcount.alter_source(name, window_days => 3);
    PERFORM headcount.drop_source(name);
    RETURN days || ' days, dropped: ' || (NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = name));
END $$;
INSERT INTO logins (u, h, s, e) VALUES ('anna', 'h1', now() - interval '1 hour', now());
SELECT n, judge.hostile_source(n) ~ '^[12] days, dropped: t' AS works FROM unnest(ARRAY['x"; DROP TABLE logins; --', 'x''; DROP TABLE logins; --', 'back\slash', '$$', '$body$', '%s %I %L', 'two words', 'UPPER', 'select', 'zażółć', '{}', '1', E'new\nline', repeat('n', 63)]) AS n;
SELECT count(*) AS logins_still_there FROM logins;

-- A taken name stays what it is.
SELECT headcount.create_source('taken', 'logins', 'u', 'h', 's', 'e', time_zone => 'UTC');
SELECT (judge.refused('name', '''taken''')).sqlstate, (SELECT count(*) FROM taken.sessions) AS sessions;
-- The table behind a source cannot go unnoticed; with CASCADE the source's views go, and dropping it then still works.
SELECT judge.sqlstate('DROP TABLE logins') AS drop_table, judge.sqlstate('ALTER TABLE logins DROP COLUMN u') AS drop_column;
SELECT headcount.drop_source('taken');
SELECT judge.sqlstate('SELECT headcount.drop_source(''taken'')') AS dropped_twice;

-- The as_of setting: an instant, or nothing.
SELECT headcount.create_source('clock', 'logins', 'u', 'h', 's', 'e', time_zone => 'UTC');
SELECT value, judge.sqlstate(format('SELECT set_config(''headcount.as_of'', %L, true), (SELECT count(*) FROM clock.sessions)', value)) FROM unnest(ARRAY['2024-06-15 12:00+00', '', 'yesterday noon or so', 'x''; DROP TABLE logins']) AS value;
RESET headcount.as_of;
SELECT headcount.drop_source('clock');

-- Presence: damage is in presence_type; here what the functions refuse. Bounds the wrong way round, two types of key.
SELECT judge.error($$SELECT headcount.presence_union(headcount.presence_agg(1::bigint, now()), headcount.presence_agg('1'::text, now()))$$) AS two_types,
       judge.error($$SELECT headcount.peak(NULL, '2024-06-16', '2024-06-15')$$) AS reversed_span;

-- What is temporary goes with its session, and would take the views along.
CREATE FUNCTION pg_temp.fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat);
SELECT judge.error($$SELECT headcount.create_source('mine', 'logins', 'pg_temp.fold(u)', 'h', 's', 'e')$$) AS a_function,
       judge.error($$SELECT headcount.create_source('mine', 'logins', 'u OPERATOR(pg_temp.===) h', 'h', 's', 'e')$$) AS an_operator,
       judge.error($$SELECT headcount.create_source('mine', 'logins', 'u', 'h', 's', 'e', user_identity => 'pg_temp.fold(user_name)')$$) AS an_identity;
SELECT to_regnamespace('mine') IS NULL AS nothing_is_left;

-- Only the owner and nobody else alters or drops.
CREATE ROLE regress_headcount_other;
SELECT headcount.create_source('mine', 'logins', 'u', 'h', 's', 'e', time_zone => 'UTC');
GRANT USAGE ON SCHEMA judge TO regress_headcount_other;
SET ROLE regress_headcount_other;
SELECT judge.sqlstate('SELECT headcount.drop_source(''mine'')') AS drops, judge.sqlstate('SELECT headcount.alter_source(''mine'', window_days => 3)') AS alters,
       judge.sqlstate('SELECT headcount.create_source(''his'', ''logins'', ''u'', ''h'', ''s'', ''e'')') AS creates;
RESET ROLE;
SELECT count(*) AS still_there FROM mine.sessions;
SELECT headcount.drop_source('mine');
DROP OWNED BY regress_headcount_other;
DROP ROLE regress_headcount_other;
DROP TABLE logins, refusals, catalog_before;
DROP SEQUENCE a_sequence;
