-- A source that does not exist, by a name that is nearly that of one that does; a source on whose views something else is built.
SET timezone = 'UTC'; SET client_min_messages = warning;
CREATE SCHEMA names;
CREATE TABLE names.login (who text, mac text, came timestamptz, went timestamptz);
SELECT headcount.create_source(name, 'names.login', 'who', 'mac', 'came', 'went') FROM unnest(ARRAY['wireless', 'Wired Löcher', 'vpn']) AS name;

-- What the hint of a statement says, with the SQLSTATE.
CREATE FUNCTION pg_temp.hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; said text; hinted text;
BEGIN
    EXECUTE statement;
    RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT, hinted = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', state, said, NULLIF(hinted, ''));
END
$$;

-- Up to three characters and half of them; whatever the case; the nearest, and of those the first.
SELECT name, pg_temp.hint_of(format('SELECT headcount.users_on(%L, ''2026-01-01'')', name)) AS said
FROM unnest(ARRAY['wireles', 'wierless', 'WIRELESS', 'wired locher', 'Wired Löchr', 'vpm', 'vnp', 'v', 'cable', '', 'names', 'wireless.sessions']) AS name;
SELECT headcount_internal.edit_distance('wireless', 'wirless'), headcount_internal.edit_distance('Löcher', 'Locher'), headcount_internal.edit_distance('a', 'bcdefgh') > 3 AS far,
       headcount_internal.edit_distance('', ''), headcount_internal.edit_distance(repeat('ö', 128), 'a') IS NULL AS too_long,
       judge.sqlstate(format('SELECT headcount.users_on(%L, ''2026-01-01'')', repeat('wireless', 400))) AS long_name;

-- Every function that takes the name of a source, but those for one that is not there yet, or may be gone: those that do not hint are named.
SELECT count(*) > 25 AS many, string_agg(concat_ws(': ', c.function, c.said), chr(10)) FILTER (WHERE c.said <> '42704 | source "wirelss" does not exist | Perhaps you meant the source "wireless".') AS without
FROM (SELECT p.proname AS function, pg_temp.hint_of(format('SELECT headcount.%I(%s)', p.proname, string_agg(
                 CASE WHEN a.name IN ('source', 'name') THEN format('%I => ''wirelss''', a.name)
                      WHEN a.name = 'user_names' THEN 'user_names => ''{anna}''' WHEN a.name = 'day' THEN 'day => ''2026-01-01''' WHEN a.name = 'granularity' THEN 'granularity => ''day'''
                      WHEN a.name = 'dimensions' THEN 'dimensions => ''{}''' WHEN a.name = 'smart_ag_id' THEN 'smart_ag_id => ''sag-1''' WHEN a.name = 'region_id' THEN 'region_id => ''region'''
                      WHEN a.name = 'key' THEN 'key => ''0123456789abcdef'''
                      ELSE format('%I => NULL::%s', a.name, a.type::regtype) END, ', ' ORDER BY a.place))) AS said
      FROM pg_proc AS p,
           LATERAL (SELECT t.place, t.type, p.proargnames[t.place] AS name FROM unnest(p.proargtypes) WITH ORDINALITY AS t (type, place)) AS a
      WHERE p.pronamespace = 'headcount'::regnamespace AND p.prokind = 'f' AND p.proname NOT IN ('create_source', 'create_freeradius_source', 'create_flexnet_source', 'create_federation', 'unschedule_refresh')
            AND (p.proargnames[1] = 'source' AND p.proargtypes[0] = 'text'::regtype OR p.proname IN ('alter_source', 'drop_source', 'create_instance'))
            AND a.place <= p.pronargs - p.pronargdefaults
      GROUP BY p.oid, p.proname) AS c;
CALL headcount.refresh('wirelss');
CALL headcount.rebuild('wirelss');

-- DROP TABLE ... CASCADE takes the views along, and leaves what is stored.
CREATE TABLE names.gone (LIKE names.login);
SELECT headcount.create_source('Gone', 'names.gone', 'who', 'mac', 'came', 'went') <> '' AS made;
DROP TABLE names.gone CASCADE;
SELECT pg_temp.hint_of('SELECT headcount.drop_source(''Gone'')') AS dropped, pg_temp.hint_of('SELECT headcount.create_source(''Gone'', ''names.login'', ''who'', ''mac'', ''came'', ''went'')') AS made;
DROP SCHEMA "Gone" CASCADE;
SELECT headcount.create_source('Gone', 'names.login', 'who', 'mac', 'came', 'went') <> '' AS made, headcount.drop_source('Gone');

-- A federation, and options of alter_source.
SELECT pg_temp.hint_of('SELECT headcount.drop_federation(''wireless'')') AS federation,
       pg_temp.hint_of('SELECT headcount.alter_source(''vpn'', reset => ''{idle_limits}'')') AS an_option,
       left(pg_temp.hint_of('SELECT headcount.alter_source(''vpn'', reset => ''{nothing}'')'), 80) AS no_option;

-- A stranger learns no more than the catalogs tell him.
CREATE ROLE names_stranger;
SET ROLE names_stranger;
SELECT pg_temp.hint_of('SELECT headcount.drop_source(''wirelss'')') AS misspelt, pg_temp.hint_of('SELECT headcount.drop_source(''wireless'')') AS not_his;
RESET ROLE;
DROP ROLE names_stranger;

-- What is built on a source stops drop_source: a view, whatever is in its schema. Nothing is gone then.
CREATE VIEW names.report AS SELECT day, daily_users FROM wireless.daily_user_counts;
SELECT headcount.drop_source('wireless');
SELECT judge.sqlstate('SELECT headcount.drop_source(''wireless'')') AS state, (SELECT count(*) FROM names.report) AS report, (SELECT exact FROM headcount.source_status WHERE source = 'wireless') AS exact;
SELECT headcount.drop_source('wireless', cascade => true);
SELECT to_regclass('names.report') IS NULL AS report_is_gone, to_regnamespace('wireless') IS NULL AS source_is_gone, to_regclass('names.login') IS NOT NULL AS table_stays;
CREATE TABLE "Wired Löcher".mine ();
SELECT headcount.drop_source('Wired Löcher');
SELECT headcount.drop_source('Wired Löcher', cascade => true);
SELECT headcount.drop_source('vpn');
DROP SCHEMA names CASCADE;
