-- What create_source remarks, and what it does not: everything is made as it was said.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres;
\pset null '-'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE COLLATION judge.ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE SCHEMA advice;
SET search_path = advice, public;
CREATE TABLE login (name text, folded citext, collated text COLLATE judge.ignore_case, number numeric, account numeric(5), host text,
                    came timestamptz, went timestamptz, local timestamp, day date, said text, seconds integer);
INSERT INTO login SELECT 'n' || i, 'n' || i, 'n' || i, i, i, 'h' || i, timestamptz '2026-01-01 10:00' + i * interval '1 day', timestamptz '2026-01-01 11:00' + i * interval '1 day',
    timestamp '2026-01-01 10:00', '2026-01-01', '2026-01-01 10:00', 60 FROM generate_series(1, 5) AS i;
-- the words of PostgreSQL's own that differ between versions are not shown
SET client_min_messages = notice;

-- Nothing to remark, and what to do next.
SELECT headcount.create_source('plain', 'login', 'name', 'host', 'came', 'went');
SELECT headcount.create_source('views', 'login', 'lower(folded)', NULL, 'local', 'local + seconds * interval ''1 second''', time_zone => 'Asia/Kolkata', materialized => false);
SELECT headcount.create_source('Zones', 'login', 'account', 'lower(collated)', 'local', 'went', time_zone => 'Etc/GMT+5');
SELECT headcount.create_source('identity', 'login', 'folded', 'host', 'came', 'went', user_identity => 'lower(user_name)', time_zone => 'GMT+0');
SELECT headcount.create_source('lasts', 'login', 'name', 'host', 'local', NULL, duration => 'seconds', time_zone => 'Asia/Kolkata');
SELECT headcount.create_source('example.org', 'login', 'name', 'host', 'came', 'went');

-- An end that reads the clock.
SELECT headcount.create_source('clock1', 'login', 'name', 'host', 'came', 'coalesce(went, now())', materialized => false);
SELECT headcount.create_source('clock2', 'login', 'name', 'host', 'came', 'CASE WHEN seconds > 0 THEN went ELSE current_timestamp END', materialized => false);
SELECT headcount.create_source('clock3', 'login', 'name', 'host', 'local', 'coalesce(local, localtimestamp)', materialized => false);
-- Instants that depend on who reads.
SELECT headcount.create_source('casts', 'login', 'name', 'host', 'day::timestamptz', 'said::timestamptz', last_seen => 'local::timestamptz',
    denials => 'login', denied_user => 'name', denied_at => 'to_timestamp(said, ''YYYY-MM-DD HH24:MI'')', materialized => false);
SELECT headcount.create_source('mixed', 'login', 'name', 'host', 'came', 'coalesce(went, day)', materialized => false);
-- Names that are equal for their type.
SELECT headcount.create_source('loose', 'login', 'folded', 'collated', 'came', 'went', denials => 'login', denied_user => 'folded', denied_at => 'came', materialized => false);
SELECT headcount.create_source('numbers', 'login', 'number', 'folded::varchar', 'came', 'went', materialized => false);
-- Constants, and a name between too many quotes.
SELECT headcount.create_source('constant', 'login', '''name''', '''h1''', 'came', 'went', materialized => false);
-- A zone that is not where it seems to be.
SELECT headcount.create_source('posix1', 'login', 'name', 'host', 'came', 'went', time_zone => '+05:30', materialized => false);
SELECT headcount.create_source('posix2', 'login', 'name', 'host', 'came', 'went', time_zone => 'utc-2', materialized => false);
-- The schema in the name.
SELECT headcount.create_source('public.b', 'login', 'name', 'host', 'came', 'went', materialized => false);
-- Start and end in the place of each other; nothing is said of a row or two that are wrong.
SELECT headcount.create_source('swapped', 'login', 'name', 'host', 'went', 'came', materialized => false);
UPDATE login SET went = came - interval '1 hour' WHERE name IN ('n1', 'n2');
SELECT headcount.create_source('some', 'login', 'name', 'host', 'came', 'went', materialized => false);
-- Values that stand for none.
UPDATE login SET went = '9999-12-31' WHERE name = 'n3';
SELECT headcount.create_source('far', 'login', 'name', 'host', 'came', 'went', materialized => false);
SELECT headcount.create_source('near', 'login', 'name', 'host', 'came', 'nullif(went, ''9999-12-31 00:00:00+00'')', materialized => false);
UPDATE login SET went = '0001-01-01', came = '0001-01-01' WHERE name = 'n3';
SELECT headcount.create_source('early', 'login', 'name', 'host', 'came', 'went', materialized => false);
-- Infinite times stand for none by themselves. An expression that fails for a row says so when it is read.
UPDATE login SET went = 'infinity', came = '-infinity' WHERE name = 'n3';
SELECT headcount.create_source('infinite', 'login', 'name', 'host', 'came', 'went', materialized => false);
SELECT headcount.create_source('fails', 'login', 'name', 'host', 'came', 'went + interval ''1 second'' / (1 / (seconds - 60))', materialized => false);
-- Nothing is read of a view, which can be dear.
CREATE SEQUENCE reads;
CREATE VIEW dear AS SELECT name, host, came, went FROM login WHERE nextval('reads') > 0;
SELECT headcount.create_source('view', 'dear', 'name', 'host', 'came', 'went', materialized => false);
SELECT is_called FROM reads;

-- Tracked by window: what it costs, and the way out.
SELECT headcount.create_source('window1', 'dear', 'name', 'host', 'came', 'went');
SELECT headcount.create_source('window2', 'login', 'name', 'host', 'came', 'came + seconds * interval ''1 second''');
-- Functions that PostgreSQL calls immutable, though settings say what they give: no trigger could know of whom a row was about.
CREATE TABLE settings (b bytea, f float8, came timestamptz, went timestamptz);
SELECT headcount.create_source('window3', 'settings', 'b::text', NULL, 'came', 'went');
SELECT v.name, headcount.create_source(v.name, 'settings', v.who, NULL, 'came', 'went') ~ 'tracked by trigger' AS by_trigger
FROM (VALUES ('window4', 'f::text'), ('window5', 'quote_ident(encode(b, ''hex''))'), ('window6', 'point(f, f)::text'), ('triggers1', 'encode(b, ''hex'')'), ('triggers2', 'f::numeric::text')) AS v (name, who);
SELECT v.name, headcount.create_source(v.name, 'settings', 'encode(b, ''hex'')', NULL, v.began, 'went') ~ 'tracked by trigger' AS by_trigger
FROM (VALUES ('window7', 'came AT TIME ZONE ''EST'''), ('window8', 'came AT TIME ZONE encode(b, ''escape'')'), ('triggers3', 'came AT TIME ZONE ''Europe/Paris'''), ('triggers4', 'came AT TIME ZONE ''utc'''), ('triggers6', 'came AT TIME ZONE ''Factory'''),
    ('triggers5', 'came AT TIME ZONE ''<+03>-3''')) AS v (name, began);
SELECT source, exact FROM headcount.source_status WHERE source LIKE 'window%' OR source LIKE 'triggers%' ORDER BY 1;

SET client_min_messages = warning;
SELECT count(headcount.drop_source(source)::text) FROM headcount.source_status WHERE source IN ('plain', 'views', 'Zones', 'identity', 'lasts', 'example.org', 'clock1', 'clock2', 'clock3', 'casts', 'mixed', 'loose', 'numbers',
    'constant', 'posix1', 'posix2', 'public.b', 'swapped', 'some', 'far', 'near', 'early', 'infinite', 'fails', 'view', 'window1', 'window2', 'window3', 'window4', 'window5', 'window6', 'window7', 'window8', 'triggers1', 'triggers2', 'triggers3', 'triggers4', 'triggers5', 'triggers6');
DROP TABLE settings;
DROP SCHEMA advice CASCADE;
DROP COLLATION judge.ignore_case;
DROP EXTENSION citext;
