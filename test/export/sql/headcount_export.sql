-- The report as a file: what is in it is what was put in, wrong shapes are refused, nothing is left behind.
SET client_min_messages = warning; SET datestyle = 'ISO, YMD';
\pset null '-'
CREATE EXTENSION headcount_export;
SELECT d.classid::regclass, pg_describe_object(d.classid, d.objid, 0) AS object,
       obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) IS NOT NULL AS has_comment
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'headcount_export' AND d.deptype = 'e' ORDER BY 1;

-- Rows as the report has them, with a hole here and there, not in the order of their days.
CREATE TABLE counts AS
SELECT n, date '2024-02-25' + (n * 37) % 100 AS ucd, n * n AS uct, n + 300 AS ucdy, nullif(n % 7, 3) AS ucde, nullif(n * 11 % 50, 0) AS ucch
FROM generate_series(0, 99) AS n;
-- Any columns of it in any order, as a file.
CREATE FUNCTION file(format text, ids text[] DEFAULT '{ucd,uct,ucdy,ucde,ucch}', title text DEFAULT 'Realtime Users Count', rows bigint DEFAULT 100, titles text[] DEFAULT NULL) RETURNS bytea LANGUAGE sql STABLE AS $$
    WITH shown AS (SELECT * FROM counts ORDER BY n LIMIT rows)
    SELECT headcount_export.render(format, title, ids, coalesce(titles, (SELECT array_agg('Title of ' || id ORDER BY place) FROM unnest(ids) WITH ORDINALITY AS i (id, place))),
        coalesce((SELECT array_agg(ucd ORDER BY n) FROM shown), '{}'),
        coalesce((SELECT array_agg((to_jsonb(shown) ->> id)::integer ORDER BY n, place) FROM shown, unnest(ids) WITH ORDINALITY AS i (id, place) WHERE id <> 'ucd'), '{}'))
$$;

-- What kind of file it is: how it begins, how it ends.
SELECT ids, rows, substring(x, 1, 4) = '\x504b0304' AND substring(x, length(x) - 21, 4) = '\x504b0506' AS xlsx,
       substring(p, 1, 5) = '%PDF-' AND substring(p, length(p) - 5) = '%%EOF\012' AS pdf,
       convert_from(h, 'UTF8') LIKE E'<!DOCTYPE html>\n<html lang="en">%</html>\n' AS html
FROM unnest(ARRAY['ucd,uct,ucdy,ucde,ucch', 'ucch,ucde,ucdy,uct,ucd', 'ucd', 'ucch', 'uct', 'ucdy,ucd', 'ucd,ucch', 'ucde,uct']) AS ids, unnest(ARRAY[0, 1, 100]) AS rows,
     file('xlsx', ('{' || ids || '}')::text[], rows => rows) AS x, file('pdf', ('{' || ids || '}')::text[], rows => rows) AS p, file('html', ('{' || ids || '}')::text[], rows => rows) AS h
ORDER BY length(ids), ids, rows;
-- The same rows make the same bytes, within a transaction.
BEGIN;
SELECT format, file(format) = file(format) AS same FROM unnest('{xlsx,pdf,html}'::text[]) AS format;
COMMIT;

-- The page: its table, the numbers for its script, and the points of its lines are the data.
CREATE TEMP TABLE page AS SELECT xmlparse(document convert_from(file('html'), 'UTF8')) AS page;
CREATE TEMP TABLE shown AS
SELECT r.n, r.ucd, replace(uct, ',', '')::integer AS uct, replace(ucdy, ',', '')::integer AS ucdy, nullif(ucde, '')::integer AS ucde, nullif(ucch, '')::integer AS ucch
FROM page, XMLTABLE('//tbody/tr' PASSING page COLUMNS n FOR ORDINALITY, ucd date PATH 'th', uct text PATH 'td[1]', ucdy text PATH 'td[2]', ucde text PATH 'td[3]', ucch text PATH 'td[4]') AS r;
SELECT count(*) AS rows, count(*) FILTER (WHERE (s.ucd, s.uct, s.ucdy) = (c.ucd, c.uct, c.ucdy) AND s.ucde IS NOT DISTINCT FROM c.ucde AND s.ucch IS NOT DISTINCT FROM c.ucch) AS equal
FROM shown AS s FULL JOIN counts AS c ON c.n = s.n - 1;
CREATE TEMP TABLE points AS SELECT (xpath('//script[@id="points"]/text()', page))[1]::text::jsonb AS points FROM page;
SELECT points -> 'days' = (SELECT jsonb_agg(ucd ORDER BY ucd) FROM counts) AS days,
       points -> 'uct' = (SELECT jsonb_agg(uct ORDER BY ucd) FROM counts) AS uct, points -> 'ucdy' = (SELECT jsonb_agg(ucdy ORDER BY ucd) FROM counts) AS ucdy,
       points -> 'ucde' = (SELECT jsonb_agg(ucde ORDER BY ucd) FROM counts) AS ucde, points -> 'ucch' = (SELECT jsonb_agg(ucch ORDER BY ucd) FROM counts) AS ucch
FROM points;
-- A stretch of one point goes to that point again, so that it is a dot; that is no point of its own.
SELECT line, count(DISTINCT point) AS points, array_agg(DISTINCT point ORDER BY point) = (
    SELECT array_agg(format('%s %s', ucd - date '2024-02-25', value) ORDER BY format('%s %s', ucd - date '2024-02-25', value))
    FROM counts, LATERAL (SELECT (to_jsonb(counts) ->> line)::integer AS value) AS v WHERE value IS NOT NULL) AS equal
FROM page, XMLTABLE('//path[@data-column]' PASSING page COLUMNS line text PATH '@data-column', d text PATH '@d') AS p, regexp_split_to_table(substr(d, 2), '[ML]') AS point
GROUP BY line ORDER BY line;
-- Headers, names, and nothing that is fetched from elsewhere.
SELECT (xpath('//thead//th/text()', page))::text AS headers, (xpath('count(//th[not(@scope)])', page))[1]::text AS without_scope, (xpath('count(//caption)', page))[1]::text AS captions,
       (xpath('string(/html/@lang)', page))[1]::text AS lang, (xpath('count(//meta[@name="viewport"])', page))[1]::text AS viewport,
       (xpath('count(//@src | //@href | //link | //img | //iframe)', page))[1]::text AS loads, page::text ~ 'https?:|@import|url\(' AS other_loads
FROM page;

-- Any text for a title or a header: markup, control characters, other letters, letters beyond the first 65,536.
SELECT t.title, p.title = want AS title, h1 = want AS h1, caption = want AS caption, header = want AS header
FROM (VALUES ('<script>alert("1 & 2")</script>', NULL), ('</title><b>', NULL), (U&'\041E\0442\0447\0451\0442 \62A5\544A \+01F600', NULL), (E'tab\there\x01\x7f', 'tab here  '), ('&amp; ''quotes''', NULL), (']]>', NULL)) AS t (title, becomes),
     LATERAL (SELECT coalesce(becomes, t.title) AS want) AS w,
     XMLTABLE('/html' PASSING xmlparse(document convert_from(file('html', '{ucdy,uct}', t.title, 3, ARRAY[t.title, 'x']), 'UTF8'))
              COLUMNS title text PATH 'head/title', h1 text PATH '//h1', caption text PATH '//caption', header text PATH '//thead/tr/th[1]') AS p;
SELECT title, format, length(file(format, '{ucdy,uct}', title, 3, ARRAY[title, title])) > 1000 AS made
FROM unnest(ARRAY['', ' ', '''', 'History', 'chart data', '=1+1', '[]:*?/\', repeat('x', 1000), repeat(U&'\+01F600', 40), '%s &P']) AS title, unnest('{xlsx,pdf,html}'::text[]) AS format
WHERE NOT length(file(format, '{ucdy,uct}', title, 3, ARRAY[title, title])) > 1000;

-- A title of nothing but spaces is none; one day is shown by larger dots; the table scrolls by itself.
SELECT p.title, class, tables
FROM unnest(ARRAY['', '  ', U&'\00A0 \2003\3000', E'\n\t', U&'\00A0.']) AS t (title),
     XMLTABLE('/html' PASSING xmlparse(document convert_from(file('html', '{ucdy,uct}', t.title, 1), 'UTF8'))
              COLUMNS title text PATH 'head/title', class text PATH '//svg/../@class', tables integer PATH 'count(//div[@class="rows"]/table)') AS p;

-- What is wrong is refused, by name.
CREATE FUNCTION fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    EXECUTE statement;
    RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;
SELECT arguments, fails(format('SELECT headcount_export.render(%s)', arguments)) FROM unnest(ARRAY[
    $$NULL, 't', '{ucd}', '{D}', '{}', '{}'$$, $$'xlsx', NULL, '{ucd}', '{D}', '{}', '{}'$$, $$'xlsx', 't', NULL, '{D}', '{}', '{}'$$,
    $$'xlsx', 't', '{ucd}', NULL, '{}', '{}'$$, $$'xlsx', 't', '{ucd}', '{D}', NULL, '{}'$$, $$'xlsx', 't', '{ucd}', '{D}', '{}', NULL$$,
    $$'xlsx', 't', '{NULL}', '{D}', '{}', '{}'$$, $$'xlsx', 't', '{ucd}', '{NULL}', '{}', '{}'$$, $$'xlsx', 't', '{ucd}', '{D}', '{2024-01-01,NULL}', '{}'$$,
    $$'XLSX', 't', '{ucd}', '{D}', '{}', '{}'$$, $$'csv', 't', '{ucd}', '{D}', '{}', '{}'$$, $$'', 't', '{ucd}', '{D}', '{}', '{}'$$,
    $$'pdf', 't', '{}', '{}', '{2024-01-01}', '{}'$$, $$'pdf', 't', '{day}', '{D}', '{}', '{}'$$, $$'pdf', 't', '{ucd,""}', '{D,E}', '{}', '{}'$$,
    $$'pdf', 't', '{uct,ucd,uct}', '{D,E,F}', '{}', '{}'$$, $$'pdf', 't', '{uct,ucd}', '{D}', '{}', '{}'$$,
    $$'html', 't', '{ucd,uct}', '{D,T}', '{2024-01-01}', '{}'$$, $$'html', 't', '{ucd,uct}', '{D,T}', '{2024-01-01}', '{1,2}'$$, $$'html', 't', '{ucd}', '{D}', '{2024-01-01}', '{1}'$$,
    $$'html', 't', '{uct,ucdy}', '{T,D}', '{2024-01-01,2024-01-02}', '{1,2,3}'$$, $$'html', 't', '{uct}', '{T}', '{2024-01-01}', '{-1}'$$,
    $$'html', 't', '{ucd}', '{D}', '{infinity}', '{}'$$, $$'xlsx', 't', '{ucd}', '{D}', '{1900-02-28}', '{}'$$, $$'pdf', 't', '{ucd}', '{D}', '{10000-01-01}', '{}'$$, $$'html', 't', '{ucd}', '{D}', '{0001-12-31 BC}', '{}'$$,
    $$'pdf', 't', '{ucd,uct}', '{D,T}', '{0001-01-01,1900-02-28}', '{1,2}'$$, $$'html', 't', '{ucd,uct}', '{D,T}', '{0001-01-01,1900-02-28}', '{1,2}'$$,
    $$'html', repeat('x', 1001), '{ucd}', '{D}', '{}', '{}'$$, $$'html', 't', '{ucd}', array[repeat('x', 1001)], '{}', '{}'$$,
    $$'html', 't', '{uct,ucdy}', '{T,D}', '{2024-01-01,2024-01-02}', '{{1,2},{3,4}}'$$, $$'xlsx', 't', '{ucd,uct}', '{D,T}', '{1900-03-01,9999-12-31}', '{NULL,2147483647}'$$,
    $$'pdf', 't', '{ucd,uct}', '{D,T}', '{1900-03-01,9999-12-31}', '{NULL,2147483647}'$$, $$'html', 't', '{ucd,uct}', '{D,T}', '{1900-03-01,9999-12-31}', '{0,2147483647}'$$]) AS arguments;
SELECT format, fails(format('SELECT headcount_export.render(%L, ''t'', ''{ucd}'', ''{D}'', array_fill(date ''2024-01-01'', ARRAY[1048576]), ''{}'')', format)) FROM unnest('{xlsx,pdf}'::text[]) AS format;

-- Of each number the last day and the highest one; what the numbers are of, when they were put together.
SELECT f.* FROM xmlparse(document convert_from(headcount_export.render('html', 't', '{ucd,uct,ucch}', '{Date,Total,Hosts}', '{2024-03-03,2024-03-01,2024-03-02}', '{1200,NULL,3400,7,1500,9}'), 'UTF8')) AS page,
     XMLTABLE('//dl/div' PASSING page COLUMNS title text PATH 'dt', last text PATH 'dd[1]', highest text PATH 'dd[2]') AS f;
SELECT regexp_replace((xpath('string(//p[@class="notes"])', xmlparse(document convert_from(headcount_export.render('html', 't', '{ucd,uct}', '{Date,Total}', '{2024-03-03}', '{1}', '{source <a>,time zone UTC}'), 'UTF8'))))[1]::text, '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}', 'then') AS notes;
SELECT notes, fails(format($$SELECT headcount_export.render('pdf', 't', '{ucd}', '{D}', '{}', '{}', %s)$$, notes)) FROM unnest(ARRAY[$$NULL$$, $$'{NULL}'$$, $$ARRAY[repeat('x', 1001)]$$, $$ARRAY[''::text]$$]) AS notes;

-- 100,000 rows.
CREATE TEMP TABLE many AS
SELECT (SELECT array_agg(date '1990-01-01' + n ORDER BY n) FROM generate_series(1, 100000) AS n) AS days, (SELECT array_agg(nullif(m % 5003, 0) ORDER BY m) FROM generate_series(1, 400000) AS m) AS vals;
SELECT format, length(headcount_export.render(format, 'Many', '{ucd,uct,ucdy,ucde,ucch}', '{D,T,U,E,H}', days, vals)) > 1000000 AS large FROM many, unnest('{xlsx,pdf,html}'::text[]) AS format;
SELECT count(*) AS rows, count(*) FILTER (WHERE replace(regexp_replace(row, ' (class="rest"|data-weekday="S..")', '', 'g'), ',', '') = concat('<tr><th scope="row" class="day">', date '1990-01-01' + n::integer, '</th><td>', nullif((4 * n - 3) % 5003, 0), '</td><td>', nullif((4 * n - 2) % 5003, 0), '</td><td>', nullif((4 * n - 1) % 5003, 0), '</td><td>', nullif(4 * n % 5003, 0), '</td></tr>')) AS equal,
       count(*) FILTER (WHERE (row LIKE '<tr class="rest">%') = (extract(isodow FROM date '1990-01-01' + n::integer) > 5) AND coalesce(substring(row FROM 'weekday="(...)"') = to_char(date '1990-01-01' + n::integer, 'Dy'), extract(isodow FROM date '1990-01-01' + n::integer) < 6)) AS weekends,
       count(*) FILTER (WHERE row ~ '>[0-9],[0-9]{3}<' AND row !~ '>[0-9]{4}<') AS grouped
FROM (SELECT row, row_number() OVER (ORDER BY line) AS n
      FROM many, regexp_split_to_table(convert_from(headcount_export.render('html', 'Many', '{ucd,uct,ucdy,ucde,ucch}', '{D,T,U,E,H}', days, vals), 'UTF8'), E'\n') WITH ORDINALITY AS r (row, line)
      WHERE row LIKE '<tr%><th scope="row"%') AS rows;
SELECT count(*) AS temporary_files FROM pg_ls_tmpdir();

DROP FUNCTION file(text, text[], text, bigint, text[]);
DROP EXTENSION headcount_export;
SELECT count(*) AS left_over FROM pg_namespace WHERE nspname = 'headcount_export';
