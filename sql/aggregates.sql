-- Every aggregate, one template: serial = parallel = partitionwise, nothing, all NULL, shared state, window frames,
-- FILTER, GROUPING SETS, spilling, and its support functions called by hand. Very many groups: aggregates_many.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'

-- 15,000 rows of 500 keys in three types; some NULL, reversed, open, instants.
CREATE TABLE events (id int, grp int, fifth int, host text, kt text, kb bigint, ku uuid, s timestamptz, e timestamptz, p headcount.presence, us headcount.user_set) PARTITION BY HASH (grp);
CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE events_2 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO events
SELECT i, i % 7, i % 5, 'host ' || k % 20, 'user ' || k, k, md5(k::text)::uuid, s, e, headcount.presence_agg('user ' || k, s, e), headcount.to_user_set(ARRAY[k, i, i + 100000]::int[])
FROM (SELECT i, CASE WHEN i % 50 = 0 THEN NULL ELSE i * 7919 % 500 END AS k,
             CASE WHEN i % 97 = 0 THEN NULL ELSE timestamptz '2024-01-01' + (i * 104729 % 50000) * interval '10 minutes' END AS s,
             timestamptz '2024-01-01' + (i * 104729 % 50000 + CASE WHEN i % 11 = 0 THEN 0 WHEN i % 101 = 0 THEN -5 WHEN i % 199 = 0 THEN NULL ELSE i % 13 END) * interval '10 minutes' AS e
      FROM generate_series(1::bigint, 15000) AS i) AS r
GROUP BY i, k, s, e;
ALTER TABLE events_0 SET (parallel_workers = 2); ALTER TABLE events_1 SET (parallel_workers = 2); ALTER TABLE events_2 SET (parallel_workers = 2);
ANALYZE events (id, grp, fifth);

CREATE FUNCTION judge.report(sessions bytea, denials bytea) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT md5(string_agg(r::text, ',' ORDER BY day)) FROM headcount_internal.daily_report(sessions, denials) AS r $$;
CREATE FUNCTION judge.levels(sessions headcount_internal.aggregate_state) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT md5(string_agg(p::text, ',' ORDER BY day)) FROM headcount_internal.level_peaks(sessions, 'Europe/Warsaw', '2024-02-01') AS p $$;

-- The aggregates and what to compare of them.
CREATE TABLE calls (name text, expression text);
INSERT INTO calls VALUES
    ('presence_agg(text, s, e)',   'md5(headcount_internal.presence_send(headcount.presence_agg(kt, s, e)))'),
    ('presence_agg(bigint, s, e)', 'md5(headcount_internal.presence_send(headcount.presence_agg(kb, s, e)))'),
    ('presence_agg(uuid, s, e)',   'md5(headcount_internal.presence_send(headcount.presence_agg(ku, s, e)))'),
    ('presence_agg(text, at)',     'md5(headcount_internal.presence_send(headcount.presence_agg(kt, s)))'),
    ('presence_agg(bigint, at)',   'md5(headcount_internal.presence_send(headcount.presence_agg(kb, s)))'),
    ('presence_agg(uuid, at)',     'md5(headcount_internal.presence_send(headcount.presence_agg(ku, s)))'),
    ('presence_union_agg(presence)', 'md5(headcount_internal.presence_send(headcount.presence_union_agg(p)))'),
    ('user_set_agg(integer)',      'md5(headcount_internal.user_set_send(headcount.user_set_agg(id)))'),
    ('user_set_union_agg(user_set)', 'md5(headcount_internal.user_set_send(headcount.user_set_union_agg(us)))'),
    ('unique_count(text)',         'headcount.unique_count(kt)'),
    ('unique_count(bigint)',       'headcount.unique_count(kb)'),
    ('unique_count(uuid)',         'headcount.unique_count(ku)'),
    ('unique_count(user_set)',     'headcount.unique_count(us)'),
    ('presence_agg(text, at, gap)', 'md5(headcount_internal.presence_send(headcount.presence_agg(kt, s, interval ''2 hours'')))'),
    ('presence_agg(bigint, at, gap)', 'md5(headcount_internal.presence_send(headcount.presence_agg(kb, s, interval ''1 day'')))'),
    ('presence_agg(uuid, at, gap)', 'md5(headcount_internal.presence_send(headcount.presence_agg(ku, s, interval ''1 second'')))'),
    ('unique_count(two user_sets)', 'headcount.unique_count(us, us)'),
    ('max_concurrent(text, s, e)', 'headcount.max_concurrent(kt, s, e)'),
    ('max_concurrent(bigint, s, e)', 'headcount.max_concurrent(kb, s, e)'),
    ('max_concurrent(uuid, s, e)', 'headcount.max_concurrent(ku, s, e)'),
    ('max_concurrent(s, e)',       'headcount.max_concurrent(s, e)'),
    ('max_concurrent(text, w, s, e)', 'headcount.max_concurrent(kt, id, s, e)'),
    ('max_concurrent(bigint, w, s, e)', 'headcount.max_concurrent(kb, id, s, e)'),
    ('max_concurrent(uuid, w, s, e)', 'headcount.max_concurrent(ku, id, s, e)'),
    ('level_agg',                  'judge.levels(headcount_internal.level_agg(s, e, ''2024-01-10'', ''2024-01-20''))'),
    ('level_agg with weights',     'judge.levels(headcount_internal.level_agg(id, s, e, NULL, NULL))'),
    ('online_count(s, e, as_of)',  'headcount.online_count(s, e, ''2024-06-01'')'),
    ('daily_session_agg',          'judge.report(headcount_internal.daily_session_agg(kt, host, s, e, ''Europe/Warsaw'', ''2024-02-01''), NULL)'),
    ('daily_session_agg within',   'judge.report(headcount_internal.daily_session_agg(kt, host, s, e, ''Europe/Warsaw'', ''2024-02-01'', ''2024-01-10'', ''2024-01-20''), NULL)'),
    ('daily_session_agg together', 'judge.report(headcount_internal.daily_session_agg(kt, host, s, e, ''Europe/Warsaw'', ''2024-02-01'', ''2019'', NULL, ''none'', (SELECT headcount_internal.shared_area())), NULL)'),
    ('daily_denial_agg',           'judge.report(NULL, headcount_internal.daily_denial_agg(kt, s, ''Europe/Warsaw'', ''2024-02-01''))'),
    ('daily_denial_agg together',  'judge.report(NULL, headcount_internal.daily_denial_agg(kt, s, ''Europe/Warsaw'', ''2024-02-01'', (SELECT headcount_internal.shared_area())))');
-- None is missing: the aggregates of the schema are as many as these. (changed_days_agg is for triggers: never parallel,
-- never handed on, see changed_days; stored_days_agg reads what is stored, which is little; presence_state is presence_agg without
-- its final function, see sizing.)
SELECT count(*) = (SELECT count(*) FROM calls) AS complete, bool_and(p.proparallel = 's') AS parallel_safe, bool_and(a.aggcombinefn <> 0) AS combines,
       bool_and(a.aggtranstype <> 'internal'::regtype) AS concrete_state
FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid
WHERE p.pronamespace IN ('headcount'::regnamespace, 'headcount_internal'::regnamespace) AND p.proname NOT IN ('changed_days_agg', 'stored_days_agg', 'presence_state');

CREATE FUNCTION judge.answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE a text;
BEGIN EXECUTE format('SELECT string_agg(q::text, E''\n'' ORDER BY q::text COLLATE "C") FROM (%s) AS q', query) INTO a; RETURN a; END $$;
CREATE FUNCTION judge.mode(mode text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(name, value, false) FROM (VALUES
        ('max_parallel_workers_per_gather', CASE WHEN mode LIKE '%parallel%' THEN '3' ELSE '0' END),
        ('parallel_setup_cost', '0'), ('parallel_tuple_cost', '0'), ('min_parallel_table_scan_size', '0'),
        ('enable_partitionwise_aggregate', CASE WHEN mode LIKE '%partitionwise%' THEN 'on' ELSE 'off' END),
        ('enable_hashagg', CASE WHEN mode LIKE '%sorted%' THEN 'off' ELSE 'on' END)) AS v (name, value);
END $$;

-- One number over everything, and one per group of other than the partition key: serial, parallel, by partition.
-- The plans are what they are called: workers make states ("Partial"), the leader merges ("Finalize").
CREATE FUNCTION judge.modes() RETURNS TABLE (name text, grouped boolean, distinct_answers bigint, parallel boolean, partitionwise boolean, whole_groups boolean) LANGUAGE plpgsql AS $$
DECLARE
    c record; q text; answers text[]; m text;
BEGIN
    FOR c IN SELECT * FROM calls LOOP
        FOREACH grouped IN ARRAY ARRAY[false, true] LOOP
            name := c.name; answers := '{}';
            q := CASE WHEN grouped THEN format('SELECT fifth, %s FROM events GROUP BY fifth', c.expression) ELSE format('SELECT %s FROM events', c.expression) END;
            FOREACH m IN ARRAY ARRAY['serial', 'serial sorted', 'parallel', 'parallel sorted', 'partitionwise', 'parallel partitionwise'] LOOP
                PERFORM judge.mode(m);
                answers := answers || judge.answer(q);
            END LOOP;
            SELECT count(DISTINCT a) INTO distinct_answers FROM unnest(answers) AS a;
            PERFORM judge.mode('parallel');
            parallel := judge.plan(q) ~ 'Finalize (Hash|Group)?Aggregate.*Gather.*Partial (Hash|Group)?Aggregate';
            PERFORM judge.mode('partitionwise');
            partitionwise := judge.plan(q) ~ 'Finalize (Hash|Group)?Aggregate.*Append.*Partial (Hash|Group)?Aggregate';
            -- by the partition key each partition finishes its groups alone
            whole_groups := judge.plan(format('SELECT grp, %s FROM events GROUP BY grp', c.expression)) ~ 'Append.*Aggregate';
            RETURN NEXT;
        END LOOP;
    END LOOP;
    PERFORM judge.mode('serial');
END $$;
SELECT * FROM judge.modes();

-- That one answer is the right one.
TRUNCATE oracle.keyed;
INSERT INTO oracle.keyed (key, started_at, ended_at) SELECT kt, s, e FROM events WHERE grp = 3 AND id < 6000;
SELECT headcount.unique_count(kt) = count(DISTINCT kt) AS t, headcount.unique_count(kb) = count(DISTINCT kb) AS b, headcount.unique_count(ku) = count(DISTINCT ku) AS u FROM events;
SELECT headcount.max_concurrent(key, started_at, ended_at) = (SELECT concurrent FROM oracle.peak()) AS peak,
       headcount.unique_count(headcount.presence_agg(key, started_at, ended_at)) = (SELECT count(DISTINCT key) FROM oracle.spans()) AS keys FROM oracle.keyed;
SELECT judge.compare('SELECT i.key, i.started_at, i.ended_at FROM (SELECT headcount.presence_agg(key, started_at, ended_at) AS p FROM oracle.keyed) AS a, headcount.intervals(p) AS i', 'SELECT * FROM oracle.intervals()');
-- Instants: as if each were a session that ends as it starts.
SELECT headcount_internal.presence_send(headcount.presence_agg(kt, s)) = headcount_internal.presence_send(headcount.presence_agg(kt, s, s)) AS instants FROM events;
-- All keys at once are the rows' own presences united; a text key is the same key whatever brought it.
SELECT headcount_internal.presence_send(headcount.presence_union_agg(p)) = headcount_internal.presence_send(headcount.presence_agg(kt, s, e)) AS united FROM events;
SELECT headcount.online_count(s, e, '2024-06-01') = count(*) FILTER (WHERE s <= '2024-06-01' AND coalesce(e, 'infinity') >= s AND (e IS NULL OR e > '2024-06-01' OR e = s AND s = '2024-06-01')) AS online,
       headcount.online_count(s, e, '2024-06-01') > 0 AS some FROM events;
-- varchar and integer reach the overloads by themselves; another type is a clear refusal.
SELECT headcount.unique_count(kt::varchar) AS varchar, headcount.unique_count(kb::integer) AS integer, headcount.unique_count(kb::smallint) AS smallint FROM events WHERE id < 100;
SELECT judge.sqlstate('SELECT headcount.unique_count(now())') AS timestamptz_key, judge.sqlstate('SELECT headcount.unique_count(1.5)') AS numeric_key;

-- No rows; and rows of which none counts: NULL keys, NULL starts. NULL for a presence, 0 for a number.
SELECT name, judge.answer(format('SELECT %s FROM events WHERE false', expression)) AS no_rows,
       judge.answer(format('SELECT %s FROM (SELECT NULL::int AS id, NULL::text AS host, NULL::text AS kt, NULL::bigint AS kb, NULL::uuid AS ku, NULL::timestamptz AS s, NULL::timestamptz AS e, NULL::headcount.presence AS p, NULL::headcount.user_set AS us FROM generate_series(1, 1000)) AS n', expression)) AS all_null
FROM calls ORDER BY name COLLATE "C";

-- Two aggregates with one state, beside others with a FILTER: the same as each alone.
CREATE FUNCTION judge.together() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT judge.compare(
        'SELECT grp, headcount.unique_count(kt) AS a, headcount.unique_count(kt) FILTER (WHERE id % 2 = 0) AS b, headcount_internal.presence_send(headcount.presence_agg(kt, s, e)) AS c,
                headcount.max_concurrent(kt, s, e) AS d, headcount.max_concurrent(s, e) AS e, headcount_internal.presence_send(headcount.presence_agg(kt, s, e) FILTER (WHERE id % 3 = 0)) AS f,
                headcount.unique_count(headcount.presence_agg(kt, s, e)) AS g, headcount.max_concurrent(headcount.presence_agg(kt, s, e)) AS h FROM events GROUP BY grp',
        'SELECT a.*, b.b, c.c, d.d, e.e, f.f, c.g, d.d AS h FROM
            (SELECT grp, headcount.unique_count(kt) AS a FROM events GROUP BY grp) AS a JOIN
            (SELECT grp, headcount.unique_count(kt) AS b FROM events WHERE id % 2 = 0 GROUP BY grp) AS b USING (grp) JOIN
            (SELECT grp, headcount_internal.presence_send(headcount.presence_agg(kt, s, e)) AS c, headcount.unique_count(headcount.presence_agg(kt, s, e)) AS g FROM events GROUP BY grp) AS c USING (grp) JOIN
            (SELECT grp, headcount.max_concurrent(kt, s, e) AS d FROM events GROUP BY grp) AS d USING (grp) JOIN
            (SELECT grp, headcount.max_concurrent(s, e) AS e FROM events GROUP BY grp) AS e USING (grp) JOIN
            (SELECT grp, headcount_internal.presence_send(headcount.presence_agg(kt, s, e)) AS f FROM events WHERE id % 3 = 0 GROUP BY grp) AS f USING (grp)')
$$;
SELECT judge.together();
SELECT judge.mode('parallel partitionwise');
SELECT judge.together();
SELECT judge.mode('serial');

-- DISTINCT and ORDER BY inside change nothing.
SELECT headcount.unique_count(DISTINCT kt) = headcount.unique_count(kt) AS distinct, headcount.max_concurrent(kt, s, e ORDER BY e DESC) = headcount.max_concurrent(kt, s, e) AS ordered FROM events;

-- Grouping sets, hashed and sorted, against one query a set.
CREATE FUNCTION judge.grouping_sets(expression text) RETURNS text LANGUAGE sql AS $$
    SELECT judge.compare(format('SELECT grp, id %% 3 AS m, %s AS x FROM events WHERE id < 5000 GROUP BY GROUPING SETS ((grp), (id %% 3), (grp, id %% 3), ())', expression),
                         format('SELECT grp, NULL::int, %1$s FROM events WHERE id < 5000 GROUP BY grp UNION ALL SELECT NULL, id %% 3, %1$s FROM events WHERE id < 5000 GROUP BY id %% 3
                                 UNION ALL SELECT grp, id %% 3, %1$s FROM events WHERE id < 5000 GROUP BY grp, id %% 3 UNION ALL SELECT NULL, NULL, %1$s FROM events WHERE id < 5000', expression)) $$;
SELECT name, judge.grouping_sets(expression) FROM calls ORDER BY name COLLATE "C";
SELECT judge.mode('serial sorted');
SELECT judge.grouping_sets(expression) AS sorted, count(*) FROM calls GROUP BY 1;
SELECT judge.mode('serial');

-- Window frames: running, sliding by rows, sliding by time; each frame against a query over its rows alone.
CREATE TABLE few AS SELECT row_number() OVER (ORDER BY s, id) AS n, * FROM events WHERE id % 75 = 1 AND s IS NOT NULL;
CREATE FUNCTION judge.window_frames(expression text) RETURNS TABLE (running text, by_rows text, by_time text, partitioned text) LANGUAGE plpgsql AS $$
DECLARE
    over text := regexp_replace(expression, '(headcount(?:_internal)?\.(presence_agg|presence_union_agg|user_set_agg|user_set_union_agg|unique_count|max_concurrent|online_count|daily_session_agg|daily_denial_agg|level_agg)\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))', '\1 OVER w');
BEGIN
    running := judge.compare(format('SELECT n, %s FROM few WINDOW w AS (ORDER BY n)', over),
                             format('SELECT n, (SELECT %s FROM few WHERE n <= o.n) FROM few AS o', expression));
    by_rows := judge.compare(format('SELECT n, %s FROM few WINDOW w AS (ORDER BY n ROWS BETWEEN 7 PRECEDING AND 3 FOLLOWING)', over),
                             format('SELECT n, (SELECT %s FROM few WHERE n BETWEEN o.n - 7 AND o.n + 3) FROM few AS o', expression));
    by_time := judge.compare(format('SELECT n, %s FROM few WINDOW w AS (ORDER BY s RANGE BETWEEN interval ''14 days'' PRECEDING AND CURRENT ROW)', over),
                             format('SELECT n, (SELECT %s FROM few WHERE s BETWEEN o.s - interval ''14 days'' AND o.s) FROM few AS o', expression));
    partitioned := judge.compare(format('SELECT n, %s FROM few WINDOW w AS (PARTITION BY grp)', over),
                             format('SELECT n, (SELECT %s FROM few WHERE grp = o.grp) FROM few AS o', expression));
    RETURN NEXT;
END $$;
SELECT name, w.* FROM calls, LATERAL judge.window_frames(expression) AS w ORDER BY name COLLATE "C";

-- Memory of 64 kB: hashed groups spill and come back, the answers stay.
CREATE TABLE spilled AS SELECT name, judge.answer(format('SELECT id %% 4000 AS g, %s AS x FROM events GROUP BY 1', expression)) AS before FROM calls;
SET work_mem = '64kB';
SELECT count(*) AS calls, bool_and(judge.answer(format('SELECT id %% 4000 AS g, %s AS x FROM events GROUP BY 1', expression)) = before) AS same FROM spilled JOIN calls USING (name);
RESET work_mem;

-- The support functions are SQL functions and can be called by anybody. Whatever they are handed - nothing, stored
-- values - they refuse or answer; they never crash, and never change what a table keeps. 0A000 or 42846, as the minor
-- version has it: a NULL of type internal cannot even be written.
CREATE TABLE kept AS SELECT headcount.presence_agg(kt, s, e) AS p FROM events WHERE id < 100 UNION ALL SELECT headcount.presence_agg(kt, s, e) FROM events;
CREATE TABLE kept_before AS SELECT headcount_internal.presence_send(p) AS b FROM kept;
CREATE FUNCTION judge.support_calls() RETURNS TABLE (call text) LANGUAGE sql AS $$
    WITH f AS (
        SELECT DISTINCT s.fn FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid,
            LATERAL (VALUES (a.aggtransfn::oid), (a.aggcombinefn::oid), (a.aggfinalfn::oid), (a.aggserialfn::oid), (a.aggdeserialfn::oid), (a.aggmtransfn::oid), (a.aggminvtransfn::oid), (a.aggmfinalfn::oid)) AS s (fn)
        WHERE p.pronamespace IN ('headcount'::regnamespace, 'headcount_internal'::regnamespace) AND s.fn <> 0),
    args AS (
        SELECT f.fn, v.variant, string_agg(
            CASE WHEN v.variant = 0 OR t.type = 'internal'::regtype THEN format('NULL::%s', t.type::regtype)
                 WHEN t.type = 'headcount.presence'::regtype THEN CASE WHEN v.variant = 1 THEN 'p' WHEN t.n = 1 THEN 'p' ELSE '(SELECT p FROM kept LIMIT 1)' END
                 WHEN t.type IN ('bytea'::regtype, 'headcount_internal.aggregate_state'::regtype) THEN CASE v.variant WHEN 1 THEN 'headcount_internal.presence_send(p)' ELSE '''\xc1010000''::bytea' END
                 WHEN t.type = 'timestamptz'::regtype THEN 'timestamptz ''2024-01-01'''
                 WHEN t.type = 'text'::regtype THEN '''x''::text' WHEN t.type = 'bigint'::regtype THEN '1::bigint'
                 WHEN t.type = 'uuid'::regtype THEN '''00000000-0000-0000-0000-000000000000''::uuid'
                 ELSE format('NULL::%s', t.type::regtype) END, ', ' ORDER BY t.n) AS list
        FROM f JOIN pg_proc AS p ON p.oid = f.fn, unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, n), generate_series(0, 2) AS v (variant)
        GROUP BY 1, 2)
    SELECT format('SELECT %s(%s) FROM kept', fn::regproc, list) FROM args $$;
SELECT count(*) > 10 AS calls FROM judge.support_calls();
SELECT state, string_agg(call, E'\n') AS calls FROM (SELECT judge.sqlstate(call) AS state, call FROM judge.support_calls() AS c) AS s
WHERE state NOT IN ('fine', '0A000', '39P01', '39P03', '39000', '42809', '42846', '22023', '55000', 'XX001') GROUP BY 1;
SELECT judge.compare('SELECT headcount_internal.presence_send(p) FROM kept', 'SELECT b FROM kept_before');
DROP TABLE events, calls, few, spilled, kept, kept_before;
