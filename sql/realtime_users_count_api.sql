-- The API "Realtime Users Count": every return type, column and option of its page and of the report's API, and what they
-- refuse. Each case has a name, which docs/api-coverage.md knows. The files of headcount_export have tests of their own.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
\pset null '-'
CREATE SCHEMA license_log;
CREATE TABLE license_log.usage (who text, host text, server text, came timestamptz, went timestamptz);
CREATE TABLE license_log.denied (who text, server text, at timestamptz);
INSERT INTO license_log.usage VALUES
    ('anna', 'h1', 'rt', '2024-05-01 10:00', '2024-05-01 11:00'), ('anna', 'h1', 'rt', '2024-06-10 10:00', '2024-06-10 11:00'), ('bert', 'h2', 'rt', '2024-06-10 10:30', '2024-06-11 01:00'),
    ('cora', 'h3', 'other', '2024-06-10 10:45', '2024-06-10 12:00'), ('anna', 'h2', 'rt', '2024-06-12 10:00', '2024-06-12 11:00'),
    ('dora', 'h4', 'rt', '2024-06-14 23:00', NULL);
INSERT INTO license_log.denied VALUES ('emil', 'rt', '2024-06-11 10:00'), ('emil', 'rt', '2024-06-11 10:01'), ('anna', 'rt', '2024-06-11 12:00'), ('bert', 'rt', '2024-06-13 09:00');
SELECT headcount.create_source('license', 'license_log.usage', 'who', 'host', 'came', 'went', server => 'server', realtime_servers => '{rt}',
    denials => 'license_log.denied', denied_user => 'who', denied_at => 'at', denied_server => 'server', sessions_when => 'came >= ''2024-06-10''',
    time_zone => 'UTC', licensing_model => '2019', materialized => false);
SET headcount.as_of = '2024-06-15 12:00';

CREATE FUNCTION license_log.report(return_type text, options json DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(headcount.realtime_users_count('license', return_type, options), 'UTF8')
$$;
-- The days and the count of a json report, which is what most options change; or what is refused.
CREATE FUNCTION license_log.outcome(options json, source text DEFAULT 'license', return_type text DEFAULT 'json') RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text; state text; message text; detail text; hint text;
BEGIN
    answer := convert_from(headcount.realtime_users_count(source, return_type, options), 'UTF8');
    IF lower(return_type) <> 'json' THEN
        RETURN answer;
    END IF;
    RETURN format('%s of %s', (SELECT string_agg(right(r ->> 'ucd', 2), ' ') FROM json_array_elements(answer::json -> 'data') AS r), answer::json ->> 'totalCount');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', state, message, nullif(detail, ''), nullif(hint, ''));
END
$$;

-- Return types and columns ------------------------------------------------------------------------------------------------

-- What is there to be reported: the days that are over.
SELECT * FROM license.realtime_users_count;
-- type-json: the default; columns ucd, uct, ucdy, ucde, ucch in that order, numbers as numbers, a date as YYYY-MM-DD
SELECT convert_from(headcount.realtime_users_count('license'), 'UTF8');
-- type-csv: full names as header, each line with CR LF
SELECT replace(license_log.report('csv'), E'\r\n', E'<CRLF>\n');
-- type-case: of any case
SELECT license_log.report('Json') = license_log.report('JSON') AS json, license_log.report('CSV') = license_log.report('csv') AS csv;
-- type-unknown
SELECT t, license_log.outcome('{}', return_type => t) FROM unnest(ARRAY['xls', 'XML', '', 'json; DROP TABLE license_log.usage', NULL]) AS t;
-- type-export: without the other extension there are no such files
DROP EXTENSION IF EXISTS headcount_export;
SELECT t, license_log.outcome('{}', return_type => t) FROM unnest(ARRAY['XLSX', 'pdf', 'Html']) AS t;
-- rows-days: a row for each past day, idle ones too, and none of today
SELECT license_log.outcome('{}'), license_log.report('csv') LIKE '%2024-06-15%' AS today;
-- model-2019: users and denials on any server, ever
SELECT license_log.report('csv', '{"sd":"2024-06-11","ed":"2024-06-11"}');
-- model-2013: the last days, realtime servers, no denials among the users
SELECT headcount.alter_source('license', licensing_model => '2013', window_days => 2, sessions_when => 'true', reset => NULL);
SELECT license_log.report('csv', '{"sd":"2024-06-09"}');
SELECT headcount.alter_source('license', licensing_model => '2019', sessions_when => 'came >= ''2024-06-10''', reset => '{window_days}');
-- as-of: an argument, or the setting, which stays as it was
SELECT convert_from(headcount.realtime_users_count('license', 'csv', as_of => '2024-06-12 00:00'), 'UTF8');
SELECT current_setting('headcount.as_of') AS as_of;
-- rows-none: nothing there yet, in either form
SELECT convert_from(headcount.realtime_users_count('license', t, as_of => '2024-06-01 00:00'), 'UTF8') FROM unnest(ARRAY['json', 'csv']) AS t;
-- styles: the reader's settings change nothing
SET datestyle = 'SQL, DMY'; SET timezone = 'Pacific/Auckland';
SELECT license_log.report('csv', '{"sd":"2024-06-13","filter":[{"property":"ucd","operator":"lt","value":"2024-06-14"}]}'), license_log.report('json', '{"sd":"2024-06-13","limit":1}');
SET datestyle = 'ISO, YMD'; SET timezone = 'UTC';
-- source-unknown
SELECT s, license_log.outcome('{}', s) FROM unnest(ARRAY['nowhere', 'license_log', 'license"; DROP TABLE license_log.usage; --', '', NULL]) AS s;

-- sd and ed ---------------------------------------------------------------------------------------------------------------

-- sd-ed: both included, either alone, one day, outside the data
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"sd":"2024-06-11"}', '{"ed":"2024-06-11"}', '{"sd":"2024-06-11","ed":"2024-06-13"}', '{"sd":"2024-06-12","ed":"2024-06-12"}', '{"sd":"2025-01-01"}',
    '{"ed":"2024-02-29"}', '{"sd":null,"ed":null}']::json[]) AS o;
-- sd-ed-wrong: not a date, not this way, not a string; and in the wrong order
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"sd":"15.06.2024"}', '{"sd":"2024-6-1"}', '{"ed":"2024-06-11 "}', '{"ed":"2024-02-30"}', '{"ed":"2024-13-01"}', '{"sd":"0000-01-01"}', '{"sd":""}', '{"sd":"today"}', '{"sd":"infinity"}',
    '{"sd":20240611}', '{"sd":["2024-06-11"]}', '{"ed":true}', '{"sd":"2024-06-11'' OR true --"}', '{"sd":"2024-06-12","ed":"2024-06-11"}']::json[]) AS o;

-- filter ------------------------------------------------------------------------------------------------------------------

-- filter-operators: each of them
SELECT o, license_log.outcome(json_build_object('filter', o)) FROM unnest(ARRAY[
    '[{"property":"ucdy","operator":"eq","value":"1"}]', '[{"property":"ucdy","operator":"gt","value":"1"}]', '[{"property":"ucdy","operator":"lt","value":"3"}]', '[{"property":"ucdy","operator":"eq","value":"0"}]']::json[]) AS o;
-- filter-columns: each of them, the date by dates
SELECT o, license_log.outcome(json_build_object('filter', o)) FROM unnest(ARRAY[
    '[{"property":"ucd","operator":"eq","value":"2024-06-12"}]', '[{"property":"ucd","operator":"lt","value":"2024-06-12"}]', '[{"property":"ucd","operator":"gt","value":"2024-06-12"}]',
    '[{"property":"uct","operator":"gt","value":3}]', '[{"property":"ucdy","operator":"eq","value":3}]', '[{"property":"ucde","operator":"gt","value":0}]', '[{"property":"ucch","operator":"eq","value":1}]']::json[]) AS o;
-- filter-many: all of them hold; none is no condition
SELECT o, license_log.outcome(json_build_object('filter', o)) FROM unnest(ARRAY['[{"property":"ucdy","operator":"gt","value":0},{"property":"ucch","operator":"lt","value":2},{"property":"ucd","operator":"gt","value":"2024-06-11"}]', '[]']::json[]) AS o;
-- filter-forms: values as numbers or strings, operators of any case, the whole as JSON text, numbers of any size
SELECT o, license_log.outcome(json_build_object('filter', o)) FROM unnest(ARRAY['[{"property":"uct","operator":"GT","value":"3"}]', '"[{\"property\":\"uct\",\"operator\":\"gt\",\"value\":\"3\"}]"', '"[]"',
    '[{"property":"uct","operator":"gt","value":-1}]', '[{"property":"uct","operator":"lt","value":"99999999999999999999"}]']::json[]) AS o;
-- filter-with-dates: sd and ed hold as well; totalCount is after all of them
SELECT license_log.outcome('{"sd":"2024-06-11","ed":"2024-06-13","filter":[{"property":"ucde","operator":"gt","value":0}],"limit":1}');
-- filter-wrong: column, operator, value, shape
SELECT o, license_log.outcome(json_build_object('filter', o)) FROM unnest(ARRAY[
    '[{"property":"day","operator":"eq","value":"1"}]', '[{"property":"UCT","operator":"eq","value":"1"}]', '[{"property":"","operator":"eq","value":"1"}]', '[{"property":["uct"],"operator":"eq","value":"1"}]',
    '[{"property":"uct","operator":"ge","value":"1"}]', '[{"property":"uct","operator":"","value":"1"}]', '[{"property":"uct","operator":"=","value":"1"}]',
    '[{"property":"uct","operator":"eq","value":"many"}]', '[{"property":"uct","operator":"eq","value":1.5}]', '[{"property":"uct","operator":"eq","value":""}]', '[{"property":"uct","operator":"eq","value":[1]}]', '[{"property":"uct","operator":"eq","value":true}]',
    '[{"property":"ucd","operator":"eq","value":"yesterday"}]', '[{"property":"ucd","operator":"eq","value":20240611}]',
    '[{"property":"uct","operator":"eq"}]', '[{"operator":"eq","value":"1"}]', '[{"property":"uct","value":"1"}]', '[{"property":"uct","operator":"eq","value":null}]', '[{"property":"uct","operator":"eq","value":"1","or":"true"}]',
    '{"property":"uct","operator":"eq","value":"1"}', '"uct > 1"', '""', '[1]', '["uct"]', '[[]]', '5', 'true', '"[{"', '"5"']::json[]) AS o;
-- filter-most: a hundred of them
SELECT n, license_log.outcome(json_build_object('filter', (SELECT json_agg('{"property":"ucdy","operator":"gt","value":0}'::json) FROM generate_series(1, n)))),
       license_log.outcome(json_build_object('order', (SELECT json_agg('{"property":"ucd","direction":"DESC"}'::json)::text FROM generate_series(1, n))))
FROM unnest(ARRAY[100, 101, 20000]) AS n;
-- filter-injection: text of an option never becomes code
SELECT o, license_log.outcome(json_build_object('filter', o)) FROM unnest(ARRAY[
    '[{"property":"uct > 0 OR true --","operator":"eq","value":"1"}]', '[{"property":"uct\" > 0; DROP TABLE license_log.usage; --","operator":"eq","value":"1"}]', '[{"property":"uct","operator":"= 1 OR 1 =","value":"1"}]',
    '[{"property":"uct","operator":"eq","value":"1 OR true"}]', '[{"property":"uct","operator":"eq","value":"1; DROP TABLE license_log.usage"}]', '[{"property":"ucd","operator":"eq","value":"2024-06-11'' OR ''1''=''1"}]']::json[]) AS o;

-- order -------------------------------------------------------------------------------------------------------------------

-- order-default: by date
SELECT license_log.outcome('{"order":[]}');
-- order-columns: each of them, either way; days decide between equals
SELECT c, license_log.outcome(json_build_object('order', json_build_array(json_build_object('property', c, 'direction', 'ASC')))), license_log.outcome(json_build_object('order', json_build_array(json_build_object('property', c, 'direction', 'DESC'))))
FROM unnest(ARRAY['ucd', 'uct', 'ucdy', 'ucde', 'ucch']) AS c;
-- order-many: the second column decides between equals of the first
SELECT license_log.outcome('{"order":[{"property":"ucch","direction":"ASC"},{"property":"ucd","direction":"DESC"}]}');
-- order-forms: of any case, or the whole as JSON text
SELECT license_log.outcome('{"order":[{"property":"ucd","direction":"desc"}]}'), license_log.outcome('{"order":"[{\"property\":\"ucd\",\"direction\":\"DESC\"}]"}');
-- order-csv: it holds for files too
SELECT license_log.report('csv', '{"order":[{"property":"ucd","direction":"DESC"}],"limit":2}');
-- order-wrong
SELECT o, license_log.outcome(json_build_object('order', o)) FROM unnest(ARRAY['[{"property":"name","direction":"ASC"}]', '[{"property":"uct","direction":"UP"}]', '[{"property":"uct"}]', '[{"direction":"ASC"}]', '[{"property":"uct","direction":1}]',
    '[{"property":"uct","direction":"ASC","nulls":"first"}]', '"uct"', '"uct DESC"', '{}', '["uct"]', '1']::json[]) AS o;
-- order-injection
SELECT o, license_log.outcome(json_build_object('order', o)) FROM unnest(ARRAY['[{"property":"(SELECT pg_sleep(9))","direction":"ASC"}]', '[{"property":"uct; DROP TABLE license_log.usage","direction":"ASC"}]', '[{"property":"uct","direction":"ASC; DROP TABLE license_log.usage"}]']::json[]) AS o;

-- offset and limit --------------------------------------------------------------------------------------------------------

-- page: after filter and order; totalCount stays
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"limit":2}', '{"offset":3}', '{"offset":"1","limit":"2"}', '{"offset":0,"limit":100}', '{"offset":5}', '{"offset":"99999999999999999999","limit":"99999999999999999999"}',
    '{"offset":1,"limit":1,"filter":[{"property":"ucdy","operator":"gt","value":0}],"order":[{"property":"ucd","direction":"DESC"}]}', '{"offset":null,"limit":null}']::json[]) AS o;
-- page-beyond: a page with nothing on it is an empty one
SELECT license_log.report('json', '{"offset":5}'), license_log.report('csv', '{"offset":5}');
-- page-wrong: limit 0, negative, not a number
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"limit":0}', '{"limit":"0"}', '{"limit":-1}', '{"limit":"abc"}', '{"limit":""}', '{"limit":1.5}', '{"limit":true}', '{"limit":[1]}', '{"limit":"1; DROP TABLE license_log.usage"}', '{"limit":"ALL"}',
    '{"offset":-1}', '{"offset":"abc"}', '{"offset":" 1"}', '{"offset":{}}', '{"offset":"1 LIMIT 1"}']::json[]) AS o;

-- fieldVisibility ---------------------------------------------------------------------------------------------------------

-- visibility: the order of the keys is the order of the columns; columns that are not mentioned follow; numbers or strings; JSON text
SELECT o, replace(license_log.report('csv', json_build_object('sd', '2024-06-11', 'ed', '2024-06-11', 'fieldVisibility', o)), E'\r\n', ' / ') FROM unnest(ARRAY['{"ucd":"1","uct":"0"}', '{"ucch":"1","ucd":"1"}', '{"ucd":"0"}',
    '{"ucch":1,"ucde":1,"ucdy":1,"uct":1,"ucd":1}', '{"uct":"1","ucd":"0","ucdy":"0","ucde":"0","ucch":"0"}', '{}', '"{\"ucdy\":\"1\",\"ucde\":\"0\"}"']::json[]) AS o;
-- visibility-json: does nothing there
SELECT license_log.report('json', '{"sd":"2024-06-11","ed":"2024-06-11","fieldVisibility":{"ucch":"1","ucd":"0"}}'), license_log.outcome('{"fieldVisibility":{"ucd":"0","uct":"0","ucdy":"0","ucde":"0","ucch":"0"}}');
-- visibility-none: a file without columns
SELECT license_log.outcome('{"fieldVisibility":{"ucd":"0","uct":"0","ucdy":"0","ucde":"0","ucch":"0"}}', return_type => 'csv');
-- visibility-wrong: for every return type
SELECT o, license_log.outcome(json_build_object('fieldVisibility', o)) FROM unnest(ARRAY['{"day":"1"}', '{"ucd":"yes"}', '{"ucd":2}', '{"ucd":true}', '{"ucd":null}', '{"ucd":["1"]}', '{"ucd":"1","ucd":"0"}', '{"":"1"}', '[]', '["ucd"]', '"ucd"', '1',
    '{"ucd\" FROM pg_authid; --":"1"}', '{"ucd":"1; DROP TABLE license_log.usage"}']::json[]) AS o;

-- rn and the rest ---------------------------------------------------------------------------------------------------------

-- report-name: for xlsx and pdf; it changes nothing elsewhere
SELECT license_log.report('csv', '{"rn":"Users; DROP TABLE license_log.usage"}') = license_log.report('csv') AS csv, license_log.report('json', '{"rn":2024}') = license_log.report('json') AS json, license_log.outcome('{"rn":""}') AS empty;
-- report-name-wrong
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"rn":["a"]}', '{"rn":{}}', '{"rn":true}']::json[]) AS o;
-- report-name-long: at most 1000 bytes, whether it is shown or not
SELECT t, license_log.outcome(json_build_object('rn', repeat('é', 500)), return_type => t) ~ '5$|^Date,' AS fine, license_log.outcome(json_build_object('rn', repeat('é', 500) || 'x'), return_type => t)
FROM unnest(ARRAY['json', 'csv']) AS t;
-- option-unknown: names are exact
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"page":1}', '{"SD":"2024-06-11"}', '{"":1}', '{"x":null}', '{"sd\"; DROP TABLE license_log.usage; --":1}']::json[]) AS o;
-- options-wrong: not an object
SELECT o, license_log.outcome(o::json) FROM unnest(ARRAY['[]', '"sd"', '1', 'null', '"{}"']) AS o;
-- options-text: what is JSON but no text
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"rn":"\u0000"}', '{"rn":"\ud800"}', '{"sd":"\udc00"}', '{"\u0000":"1"}', '{"filter":[{"property":"\u0000"}]}', '{"filter":"[{\"property\":\"\\u0000\"}]"}',
    '{"order":"[{\"property\":\"\\ud800\"}]"}', '{"fieldVisibility":"{\"\\ud800\":1}"}', '{"limit":"\ud800x"}']::json[]) AS o;
-- options-twice: the last one holds, be it null
SELECT o, license_log.outcome(o) FROM unnest(ARRAY['{"limit":1,"limit":2}', '{"limit":2,"limit":null}', '{"limit":null,"limit":2}', '{"limit":0,"limit":3}', '{"sd":"2024-06-12","sd":null}',
    '{"filter":[{"property":"ucdy","operator":"eq","value":0}],"filter":[{"property":"ucdy","operator":"gt","value":0}]}', '{"order":[{"property":"ucdy","direction":"ASC"}],"order":[{"property":"ucd","direction":"DESC"}]}',
    '{"order":[{"property":"uct","property":"ucd","direction":"DESC"}]}', '{"rn":"a","rn":["a"]}']::json[]) AS o;
-- options-null
SELECT license_log.outcome(NULL);

-- Rights ------------------------------------------------------------------------------------------------------------------

CREATE ROLE regress_headcount_reporter;
CREATE ROLE regress_headcount_nobody;
GRANT USAGE ON SCHEMA license_log TO PUBLIC;
GRANT SELECT ON license.realtime_users_count TO regress_headcount_reporter;
-- rights-view: SELECT on the view is enough, and no more than that
SET ROLE regress_headcount_reporter;
SELECT license_log.outcome('{"limit":2}'), license_log.outcome('{}', return_type => 'csv') LIKE 'Date,%' AS csv;
SELECT count(*) FROM license.daily_user_counts;
SELECT count(*) FROM license_log.usage;
-- rights-none: nothing without it
SET ROLE regress_headcount_nobody;
SELECT license_log.outcome('{}'), license_log.outcome('{}', return_type => 'csv');
RESET ROLE;

-- The injections have left everything as it was.
SELECT (SELECT count(*) FROM license_log.usage) AS usage, (SELECT count(*) FROM license_log.denied) AS denied;
RESET headcount.as_of;
SELECT headcount.drop_source('license');
DROP OWNED BY regress_headcount_reporter, regress_headcount_nobody;
DROP ROLE regress_headcount_reporter, regress_headcount_nobody;
DROP SCHEMA license_log CASCADE;
