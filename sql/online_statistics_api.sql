-- The API DescribeUserOnlineClientStatistics: every parameter, response field and error of its page, and instances.
-- Each case has a name, which docs/api-coverage.md knows.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
\pset null '-'
\set describe headcount.describe_user_online_client_statistics
\set request '14846a6a-2192-4f6a-b272-b8bd68ebc89b'
CREATE SCHEMA vpn_log;
CREATE TABLE vpn_log.login (who text, host text, gateway text, came timestamptz, went timestamptz);
-- As of noon doctest has two connections to gw1 and one to gw2, anna@x.org one to gw2; bert has gone.
INSERT INTO vpn_log.login VALUES
    ('doctest', 'h1', 'gw1', '2024-06-15 10:00', NULL), ('doctest', 'h2', 'gw1', '2024-06-15 11:00', '2024-06-15 13:00'),
    ('doctest', 'h3', 'gw2', '2024-06-15 11:30', NULL), ('anna@x.org', 'h4', 'gw2', '2024-06-15 09:00', NULL),
    ('bert', 'h5', 'gw1', '2024-06-15 08:00', '2024-06-15 12:00'), (repeat('l', 33), 'h6', 'gw1', '2024-06-15 08:00', NULL);
SELECT headcount.create_source('vpn', 'vpn_log.login', 'who', 'host', 'came', 'went', server => 'gateway', time_zone => 'UTC', materialized => false);
SELECT headcount.create_source('guests', 'vpn_log.login', 'upper(who)', 'host', 'came', 'went', sessions_when => 'who = ''doctest''',
    user_identity => 'lower(user_name)', time_zone => 'UTC', materialized => false);

-- What a statement answers or raises: SQLSTATE, message, detail and hint.
CREATE FUNCTION vpn_log.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; state text; message text; detail text; hint text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', state, message, nullif(detail, ''), nullif(hint, ''));
END
$$;
-- The same for the API: what it is called with, and only the entries of the answer.
CREATE FUNCTION vpn_log.describe(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE outcome text := vpn_log.outcome(format('SELECT headcount.describe_user_online_client_statistics(%s, as_of => ''2024-06-15 12:00'')', arguments));
BEGIN
    IF outcome !~ '^{' THEN
        RETURN outcome;
    END IF;
    RETURN (SELECT string_agg(concat_ws('=', e ->> 'UserName', e ->> 'OnlineCount'), ' ')
            FROM json_array_elements(outcome::json -> 'UserStatistics' -> 'Statistics') AS e);
END
$$;

-- Instances ---------------------------------------------------------------------------------------------------------------

-- instance-create: a whole source, one server of it, another region.
SELECT headcount.create_instance('sag-sfjg', 'cn-shanghai', 'vpn');
SELECT headcount.create_instance('sag-gw2', 'eu-central-1', 'vpn', 'gw2');
SELECT headcount.create_instance('sag-guests', 'eu-central-1', 'guests');
SELECT smart_ag_id, region_id, sessions_view, server FROM headcount_internal.present_instance ORDER BY 1;
-- instance-refused: taken, unknown or empty.
SELECT c, vpn_log.outcome('SELECT headcount.' || c) FROM unnest(ARRAY[
    'create_instance(''sag-sfjg'', ''eu-central-1'', ''guests'')', 'create_instance(''sag-x'', ''cn-shanghai'', ''nowhere'')', 'create_instance(''sag-x'', ''cn-shanghai'', NULL)',
    'create_instance('''', ''cn-shanghai'', ''vpn'')', 'create_instance(NULL, ''cn-shanghai'', ''vpn'')', 'create_instance(''sag-x'', '''', ''vpn'')', 'create_instance(''sag-x'', NULL, ''vpn'')',
    'create_instance(''sag-x'', ''cn-shanghai'', ''vpn'', '''')', 'create_instance(''sag-x'', ''cn-shanghai'', ''guests'', ''gw1'')',
    'drop_instance(''sag-x'')', 'drop_instance('''')', 'drop_instance(NULL)', 'drop_instance(''x''''; DROP TABLE vpn_log.login; --'')']) AS c;
SELECT count(*) FROM headcount_internal.present_instance;
-- instance-long: ids have 200 bytes at most
SELECT n, vpn_log.outcome(format('SELECT headcount.create_instance(%L, ''us-east-1'', ''vpn'')', repeat('ä', n) || 'x')),
       vpn_log.outcome(format('SELECT headcount.drop_instance(%L)', repeat('ä', n) || 'x')) LIKE '42704 |%' AS unknown
FROM unnest(ARRAY[99, 100, 100000]) AS n;

-- The answer --------------------------------------------------------------------------------------------------------------

-- response-json: RequestId in upper case, UserStatistics, UserName, OnlineCount as a string.
SELECT :describe('cn-shanghai', ARRAY['doctest'], request_id => :'request', as_of => '2024-06-15 12:00');
-- response-xml: the page's own example, at a time when nobody is online.
SELECT :describe('cn-shanghai', ARRAY['doctest'], format => 'xml', request_id => :'request', as_of => '2024-06-14');
-- response-many: entries follow each other without a gap.
SELECT :describe('cn-shanghai', ARRAY['doctest', 'bert'], NULL, 'XML', :'request', '2024-06-15 12:00');
SELECT :describe('cn-shanghai', ARRAY['doctest', 'bert'], NULL, 'Json', :'request', '2024-06-15 12:00');
-- response-parses: clients find their way in it
SELECT (:describe('cn-shanghai', ARRAY['doctest', 'bert'], as_of => '2024-06-15 12:00'))::json #>> '{UserStatistics,Statistics,0,OnlineCount}' AS online_count;
-- request-id: a new one for each call, in the form of a UUID, upper case.
SELECT a ~ '^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$' AS form, a <> b AS new
FROM (SELECT :describe('cn-shanghai', ARRAY['doctest'])::json ->> 'RequestId' AS a, :describe('cn-shanghai', ARRAY['doctest'])::json ->> 'RequestId' AS b) AS r;
-- format-unknown
SELECT f, vpn_log.describe(format('''cn-shanghai'', ARRAY[''doctest''], format => %L', f)) FROM unnest(ARRAY['yaml', '', NULL]) AS f;
-- request-id-null
SELECT vpn_log.describe('''cn-shanghai'', ARRAY[''doctest''], request_id => NULL');

-- UserNames.N -------------------------------------------------------------------------------------------------------------

-- names-order: an entry for each name, in the order asked, twice if asked twice, 0 for nobody; letter case counts.
SELECT vpn_log.describe('''cn-shanghai'', ARRAY[''nobody'', ''anna@x.org'', ''doctest'', ''Doctest'', ''bert'', ''doctest'']');
-- names-12: the page's request example
SELECT vpn_log.describe('''cn-shanghai'', ''{12}''');
-- names-50: as many as may be
SELECT vpn_log.describe('''cn-shanghai'', (SELECT array_agg(''user'' || i ORDER BY i) FROM generate_series(1, 50) AS i)') ~ '^user1=0 user2=0 .* user50=0$' AS fifty;
-- names-51: one too many, whatever they are and whatever the instance
SELECT vpn_log.describe('''cn-shanghai'', (SELECT array_agg(''user'' || i) FROM generate_series(1, 51) AS i)');
SELECT vpn_log.describe('''nowhere'', array_fill(''''::text, ARRAY[51]), ''''');
-- names-none: no names
SELECT n, vpn_log.describe('''cn-shanghai'', ' || n) FROM unnest(ARRAY['NULL', '''{}''', 'ARRAY[]::text[]']) AS n;
-- names-empty: an empty name or none, first of all faults of names, and before the instance
SELECT n, vpn_log.describe('''nowhere'', ' || n) FROM unnest(ARRAY['ARRAY['''']', 'ARRAY[NULL]::text[]', 'ARRAY[''doctest'', '''']', 'ARRAY[''doctest'', NULL]', 'ARRAY[''not valid'', '''']']) AS n;
-- names-33: the longest name
SELECT vpn_log.describe(format('''cn-shanghai'', ARRAY[%L]', repeat('l', 33))), vpn_log.describe(format('''cn-shanghai'', ARRAY[%L]', repeat('m', 33)));
-- names-34: one character more
SELECT vpn_log.describe(format('''cn-shanghai'', ARRAY[%L]', repeat('l', 34)));
-- names-valid: what a name may be made of
SELECT vpn_log.describe('''cn-shanghai'', ARRAY[''a'', ''Z'', ''0'', ''a_@.-'', ''9-_.@'']');
-- names-invalid: other characters, a wrong first one, code; before the instance
SELECT n, vpn_log.describe(format('''nowhere'', ARRAY[''doctest'', %L]', n))
FROM unnest(ARRAY['_a', '@a', '.a', '-a', ' a', 'a b', 'a ', E'a\n', E'a\nb', 'a/b', 'a"b', 'a<b', 'a&b', 'ä', 'aß', 'a'';DROP TABLE x;--', '%', 'a%s']) AS n;
-- names-dimensions: an array of arrays is a list all the same
SELECT vpn_log.describe('''cn-shanghai'', ''{{doctest,bert},{nobody,doctest}}''');

-- RegionId and SmartAGId --------------------------------------------------------------------------------------------------

-- region-one: the id may be left out where there is one instance
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}''');
-- region-two: and only there
SELECT vpn_log.describe('''eu-central-1'', ''{doctest}''');
-- instance-given
SELECT i, vpn_log.describe(format('''eu-central-1'', ''{doctest,anna@x.org}'', %L', i)) FROM unnest(ARRAY['sag-gw2', 'sag-guests']) AS i;
-- instance-empty
SELECT r, vpn_log.describe(format('%L, ''{doctest}'', ''''', r)) FROM unnest(ARRAY['cn-shanghai', 'eu-central-1', 'nowhere']) AS r;
-- instance-unknown: no such id, another's region, code
SELECT i, vpn_log.describe(format('''cn-shanghai'', ''{doctest}'', %L', i)) FROM unnest(ARRAY['sag-unknown', 'sag-gw2', 'SAG-SFJG', 'x'' OR true --', '%', 'vpn']) AS i;
-- region-unknown: with an id or without
SELECT r, vpn_log.describe(format('%L, ''{doctest}''', r)), vpn_log.describe(format('%L, ''{doctest}'', ''sag-sfjg''', r)) FROM unnest(ARRAY['nowhere', '', 'CN-SHANGHAI', 'x'' OR true --', NULL]) AS r;

-- server-given: sessions of that server only; every name still gets its entry, in the order asked
SELECT vpn_log.describe('''eu-central-1'', ''{bert,doctest,anna@x.org,doctest}'', ''sag-gw2''');
-- identity: asked-for names stand for whom the source says, and are answered as asked
SELECT vpn_log.describe('''eu-central-1'', ''{doctest,DOCTEST,anna@x.org}'', ''sag-guests''');
SELECT headcount.alter_source('guests', server => 'gateway');
SELECT headcount.create_instance('sag-guests-1', 'eu-north-1', 'guests', 'gw1');
SELECT vpn_log.describe('''eu-north-1'', ''{doctest,DocTest,anna@x.org}''');
SELECT headcount.drop_instance('sag-guests-1');
-- as-of: an argument, or the setting; it stays as it was
SELECT :describe('cn-shanghai', ARRAY['bert', 'doctest'], as_of => '2024-06-15 11:59')::json -> 'UserStatistics' AS a_minute_before;
SET headcount.as_of = '2024-06-15 10:30';
SELECT :describe('cn-shanghai', ARRAY['bert', 'doctest'])::json -> 'UserStatistics' AS by_the_setting, :describe('eu-central-1', ARRAY['anna@x.org'], 'sag-gw2')::json -> 'UserStatistics' AS on_a_server;
SELECT current_setting('headcount.as_of') AS as_of;
RESET headcount.as_of;

-- Error envelopes ---------------------------------------------------------------------------------------------------------

-- error-codes: of this API, and others; without a message the API's own
SELECT s, headcount.describe_error(s, NULL, :'request', 'smartag.example.org', 'json') FROM unnest(ARRAY['SG001', 'SG002', 'SG003', 'SG004', 'SG005', '42501', '22023', 'XX000', '', NULL]) AS s;
-- error-json
SELECT headcount.describe_error('SG004', 'The specified SAG instance does not exist.', :'request', 'smartag.example.org', 'json');
-- error-xml
SELECT headcount.describe_error('SG004', 'The specified SAG instance does not exist.', :'request', 'smartag.example.org', 'XML');
-- error-escaped: in either format, with what XML cannot say
SELECT headcount.describe_error('XX000', E'a "b" <c> & \'d\' ]]> \\ \t\n\r \x01 \x1f ä', :'request', '<host>&', f) FROM unnest(ARRAY['xml', 'json']) AS f;
SELECT headcount.describe_error('XX000', E'a "b" \\ \n\t\x01', :'request', '"', 'json')::json ->> 'Message' = E'a "b" \\ \n\t\x01' AS json_keeps_it;
-- error-nulls
SELECT headcount.describe_error(NULL, NULL, NULL, NULL, f) FROM unnest(ARRAY['xml', 'json']) AS f;
-- error-format
SELECT f, vpn_log.outcome(format('SELECT headcount.describe_error(''SG001'', ''m'', NULL, ''h'', %L)', f)) FROM unnest(ARRAY['html', '', NULL]) AS f;
-- error-round-trip: from the call to the envelope
CREATE FUNCTION vpn_log.serve(region_id text, user_names text[], smart_ag_id text, format text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN headcount.describe_user_online_client_statistics(region_id, user_names, smart_ag_id, format);
EXCEPTION WHEN OTHERS THEN
    RETURN headcount.describe_error(SQLSTATE, SQLERRM, '14846a6a-2192-4f6a-b272-b8bd68ebc89b', 'h', format);
END
$$;
SELECT vpn_log.serve('cn-shanghai', '{a,b c}', NULL, 'xml'), vpn_log.serve('eu-central-1', '{a}', NULL, 'json');

-- Rights ------------------------------------------------------------------------------------------------------------------

CREATE ROLE regress_headcount_reader;
CREATE ROLE regress_headcount_server_reader;
CREATE ROLE regress_headcount_other;
GRANT USAGE ON SCHEMA vpn_log TO PUBLIC;
GRANT SELECT ON vpn.online_users TO regress_headcount_reader;
GRANT SELECT ON vpn.online_sessions TO regress_headcount_server_reader;
-- rights-none: without SELECT on the view
SET ROLE regress_headcount_other;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}'''), vpn_log.describe('''eu-central-1'', ''{doctest}'', ''sag-gw2''');
-- rights-view: with it, and nothing else
SET ROLE regress_headcount_reader;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}'''), vpn_log.describe('''eu-central-1'', ''{doctest}'', ''sag-gw2'''), vpn_log.outcome('SELECT count(*) FROM vpn_log.login') AS login;
-- rights-server: one server is read from the sessions
SET ROLE regress_headcount_server_reader;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}'''), vpn_log.describe('''eu-central-1'', ''{doctest}'', ''sag-gw2'''), vpn_log.outcome('SELECT count(*) FROM vpn_log.login') AS login;
-- rights-owner: instances belong to the owner of their source
SET ROLE regress_headcount_other;
SELECT c, vpn_log.outcome(c) FROM unnest(ARRAY['SELECT headcount.create_instance(''sag-x'', ''cn-shanghai'', ''vpn'')', 'SELECT headcount.drop_instance(''sag-sfjg'')', 'DELETE FROM headcount_internal.instance',
    'UPDATE headcount_internal.instance SET region_id = ''x''', 'INSERT INTO headcount_internal.instance (smart_ag_id, region_id, sessions_view) VALUES (''sag-x'', ''cn-shanghai'', ''vpn.sessions''::regclass)', 'SELECT headcount_internal.register_instance(''sag-x'', ''cn-shanghai'', ''vpn.sessions'', NULL)', 'SELECT headcount_internal.unregister_instances(''vpn.sessions'')', 'TRUNCATE headcount_internal.instance']) AS c;
RESET ROLE;
-- rights-other: who owns a source registers it, and cannot take over the id of another's, whatever he writes where he may
GRANT CREATE ON DATABASE :"DBNAME" TO regress_headcount_other;
GRANT SELECT ON vpn_log.login TO regress_headcount_other;
SET ROLE regress_headcount_other;
SELECT headcount.create_source('others', 'vpn_log.login', 'who', 'host', 'came', 'went', time_zone => 'UTC', materialized => false);
SELECT headcount.create_instance('sag-other', 'ap-south-1', 'others');
SELECT vpn_log.describe('''ap-south-1'', ''{doctest}''');
SELECT vpn_log.outcome('UPDATE headcount_internal.instance SET sessions_view = ''vpn.sessions''::regclass WHERE smart_ag_id = ''sag-other''');
-- rights-no-source: a row written by hand, beside create_instance, takes no id away
INSERT INTO others.instances VALUES ('sag-sfjg', 'cn-shanghai', NULL);
SELECT source FROM headcount_internal.find_instance('cn-shanghai', 'sag-sfjg');
DELETE FROM others.instances WHERE smart_ag_id = 'sag-sfjg';
-- rights-region: what somebody else registers in a region matters to those who may read it, and to superusers
SELECT headcount.create_instance('sag-intruder', 'cn-shanghai', 'others'), headcount.create_instance('sag-guest', 'eu-central-1', 'others');
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}''');
SET ROLE regress_headcount_reader;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}'''), vpn_log.describe('''cn-shanghai'', ''{doctest}'', ''sag-intruder'''), vpn_log.describe('''ap-south-1'', ''{doctest}''');
SET ROLE regress_headcount_server_reader;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}'''), vpn_log.describe('''eu-central-1'', ''{doctest}''');
RESET ROLE;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}''');
GRANT SELECT ON others.online_users TO regress_headcount_reader;
SET ROLE regress_headcount_reader;
SELECT vpn_log.describe('''cn-shanghai'', ''{doctest}''');
RESET ROLE;
SELECT headcount.drop_instance('sag-intruder'), headcount.drop_instance('sag-guest');

-- When the source goes ----------------------------------------------------------------------------------------------------

-- instance-drop: the other one of the region can now be left out
SELECT headcount.drop_instance('sag-gw2');
SELECT vpn_log.describe('''eu-central-1'', ''{doctest}'''), vpn_log.describe('''eu-central-1'', ''{doctest}'', ''sag-gw2''');
-- instance-rename: it follows its source
ALTER SCHEMA guests RENAME TO visitors;
SELECT vpn_log.describe('''eu-central-1'', ''{doctest}''');
-- instance-source-dropped: an instance goes with its source
SELECT headcount.drop_source('visitors');
SELECT vpn_log.describe('''eu-central-1'', ''{doctest}'', ''sag-guests'''), vpn_log.outcome('SELECT headcount.drop_instance(''sag-guests'')');
-- instance-schema-dropped: however that went; its id is free
DROP SCHEMA others CASCADE;
SELECT vpn_log.describe('''ap-south-1'', ''{doctest}'''), vpn_log.outcome('SELECT headcount.drop_instance(''sag-other'')');
SELECT headcount.create_instance('sag-other', 'ap-south-1', 'vpn');
SELECT vpn_log.describe('''ap-south-1'', ''{doctest}''');
SELECT headcount.drop_source('vpn');
SELECT count(*) FROM headcount_internal.present_instance;

DROP OWNED BY regress_headcount_reader, regress_headcount_server_reader, regress_headcount_other;
DROP ROLE regress_headcount_reader, regress_headcount_server_reader, regress_headcount_other;
DROP SCHEMA vpn_log CASCADE;
