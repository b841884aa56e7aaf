-- What docs/objects.md lists, read from a database with the extension: section, key, what stands behind the key, comment. For psql -At
-- with a tab between columns; script/lib/objects.pl makes the page of it. Leaves nothing behind.
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL search_path = headcount, pg_catalog;

WITH members AS (
    SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e' AND e.extname = 'headcount'
), functions AS (
    SELECT CASE p.prokind WHEN 'a' THEN 'Aggregates' WHEN 'p' THEN 'Procedures' ELSE 'Functions' END AS section, p.proname::text AS name,
           format('%s(%s)', p.proname, pg_get_function_arguments(p.oid)) AS key, COALESCE(' → ' || pg_get_function_result(p.oid), '') AS rest, obj_description(p.oid, 'pg_proc') AS comment
    FROM pg_proc AS p JOIN members AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    WHERE p.pronamespace = 'headcount'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_type AS t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))      -- nobody calls them
), others AS (
    SELECT 'Types' AS section, format_type(t.oid, NULL) AS name, format_type(t.oid, NULL) AS key, '' AS rest, obj_description(t.oid, 'pg_type') AS comment
    FROM pg_type AS t JOIN members AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid WHERE t.typnamespace = 'headcount'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
    UNION ALL
    SELECT 'Operators', o.oprname::text || format_type(o.oprleft, NULL), format('%s %s %s', format_type(o.oprleft, NULL), o.oprname, format_type(o.oprright, NULL)), format(' → %s', format_type(o.oprresult, NULL)),
           obj_description(o.oid, 'pg_operator')
    FROM pg_operator AS o JOIN members AS m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid WHERE o.oprnamespace = 'headcount'::regnamespace
    UNION ALL
    SELECT 'Views of all sources', c.relname::text, c.relname::text, '', obj_description(c.oid, 'pg_class')
    FROM pg_class AS c JOIN members AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid WHERE c.relnamespace = 'headcount'::regnamespace AND c.relkind = 'v'
    UNION ALL
    SELECT 'Views of all sources', c.relname::text || to_char(a.attnum, '000'), format('%s.%s', c.relname, a.attname), format(' %s', format_type(a.atttypid, NULL)), col_description(c.oid, a.attnum)
    FROM pg_class AS c JOIN members AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'headcount'::regnamespace AND c.relkind = 'v'
)
SELECT section, key, rest, COALESCE(comment, '')
FROM (TABLE functions UNION ALL TABLE others) AS o
ORDER BY array_position(ARRAY['Functions', 'Procedures', 'Aggregates', 'Types', 'Operators', 'Views of all sources'], section), name COLLATE "C", key COLLATE "C";

-- a source that has every option, and so every view
CREATE TABLE public.session_of_all (id bigint, who text, mac text, nas text, place text, came timestamptz, went timestamptz, heard timestamptz, licences integer);
CREATE TABLE public.denial_of_all (who text, mac text, nas text, at timestamptz);
DO $$
BEGIN
    PERFORM create_source('source', 'public.session_of_all', 'who', 'mac', 'came', 'went', weight => 'licences', server => 'nas', last_seen => 'heard', idle_limit => '1 hour',
        realtime_servers => '{nas1}', denials => 'public.denial_of_all', denied_user => 'who', denied_at => 'at', denied_host => 'mac', denied_server => 'nas',
        false_denial_before => '5 seconds', licensing_model => '2025', user_limit => 10, alerts => '{"user_limit": 90}', dimensions => '{"dimension": "place"}', time_zone => 'UTC');
    PERFORM share_source('source', 'a key of sixteen bytes');
END
$$;
SELECT CASE c.relkind WHEN 'v' THEN 'Views of a source' ELSE 'Tables of a source' END, o.key, o.rest, COALESCE(o.comment, '')
FROM pg_class AS c CROSS JOIN LATERAL (
         SELECT 0 AS place, replace(c.relname, '_by_dimension', '_by_<dimension>') AS key, '' AS rest, obj_description(c.oid, 'pg_class') AS comment
         UNION ALL
         SELECT a.attnum, replace(format('%s.%s', c.relname, CASE a.attname WHEN 'dimension' THEN '<dimension>' ELSE a.attname END), '_by_dimension', '_by_<dimension>'), format(' %s', format_type(a.atttypid, NULL)),
                col_description(c.oid, a.attnum)
         FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'v') AS o
WHERE c.relnamespace = 'source'::regnamespace
  AND (c.relkind = 'v' AND c.relname IN ('sessions', 'denials', 'online_users', 'online_sessions', 'daily_user_counts', 'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025',
           'daily_user_counts_by_server', 'daily_user_counts_by_dimension', 'user_limit_breaches', 'alerts', 'realtime_users_count', 'daily_user_sketches', 'data_quality', 'session_rows', 'denial_rows', 'shared_days')
       OR c.relkind = 'r')
ORDER BY c.relkind DESC, c.relname COLLATE "C", o.place;
ROLLBACK;
