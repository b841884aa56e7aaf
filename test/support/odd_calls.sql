-- Values of each type that functions in C take: NULLs, infinities, the ends of each type, objects that do not exist, damaged and good ones; and
-- calls made of them. sql/odd_calls has each function called, test/torture/leaks watches their memory.
CREATE TEMP TABLE odd AS
SELECT type::regtype, value FROM (VALUES
    ('text', ARRAY['NULL', '''''', '''UTC''', '''rollup''', '''SELECT 1''', 'repeat(''x'', 3000)', '''relname || 1''']),
    ('bytea', ARRAY['NULL', '''''', '''\x01''', 'decode(repeat(''c202'', 500), ''hex'')', '''\xc60101000a0000000161''', '''\xc501010000000000000000000101610281030102''', '(SELECT headcount_internal.daily_session_agg(''u'', ''h'', ''2024-03-01'', ''infinity'', ''UTC'', ''2024-03-05''))']),
    ('text[]', ARRAY['NULL', '''{}''', '''{NULL}''', '''{{a},{b}}''', '''{sessions,nothing}''']),
    ('bytea[]', ARRAY['NULL', '''{}''', 'ARRAY[NULL::bytea]', 'ARRAY[ARRAY[''\x01''::bytea]]', '''{"\\x02"}''']),
    ('integer', ARRAY['NULL', '0', '-1', '1', '''2147483647''', '''-2147483648''']),
    ('integer[]', ARRAY['NULL', '''{}''', '''{{1, 2}, {3, 4}}''', '''{-1}''', '''{NULL, 2147483647}''']),
    ('bigint', ARRAY['NULL', '0', '''9223372036854775807''', '''-9223372036854775808''']),
    ('timestamptz', ARRAY['NULL', '''-infinity''', '''infinity''', '''4713-01-01 BC''', '''294276-12-31 23:59:59.999999''', '''2024-03-01''']),
    ('date', ARRAY['NULL', '''-infinity''', '''infinity''', '''4714-11-24 BC''', '''5874897-12-31''', '''2024-03-01''']),
    ('interval', ARRAY['NULL', '''0''', '''-1 day''', '''1 month''', '''1 microsecond''', '''2147483647 days''', '''-178000000 years''', '''2562047788:00:54.775807''']),
    ('headcount_internal.gap', ARRAY['NULL', '''0''', '''-1 day''', '''1 microsecond''', '''2147483647 days''']),
    ('double precision', ARRAY['NULL', '''NaN''', '''-infinity''', '''infinity''', '1e308', '-1e-308', '9.3e12']),
    ('boolean', ARRAY['NULL', 'true', 'false']),
    ('uuid', ARRAY['NULL', '''00000000-0000-0000-0000-000000000000''']),
    ('regclass', ARRAY['NULL', '''0''', '''4294967295''', '''pg_class''', '''pg_class_oid_index''', '''pg_settings''']),
    ('regprocedure', ARRAY['NULL', '''0''', '''4294967295''', '''pg_catalog.now()''', '''judge.sqlstate(text)''']),
    ('oid', ARRAY['NULL', '''0''', '''1259''', '''4294967295''']),
    ('headcount.presence', ARRAY['NULL', '(SELECT headcount.presence_agg(''a''::text, timestamptz ''4713-01-01 BC'', NULL::timestamptz))', '(SELECT headcount.presence_agg(1::bigint, timestamptz ''2024-03-01'', ''infinity''))', '(SELECT headcount.presence_agg(''a''::text, timestamptz ''-infinity''))']),
    ('headcount.user_set', ARRAY['NULL', 'headcount.to_user_set(''{}'')', 'headcount.to_user_set(''{0, 2147483647}'')']),
    ('oid[]', ARRAY['NULL', '''{}''', '''{0, NULL, 4294967295}''', '''{{1259}}''']),
    ('regclass[]', ARRAY['NULL', '''{}''', '''{pg_class, NULL, 0}''']),
    ('timestamptz[]', ARRAY['NULL', '''{}''', '''{2024-03-01}''', '''{NULL, 2024-03-01}''', '''{-infinity, 4714-11-24 BC, infinity}''']),
    ('date[]', ARRAY['NULL', '''{}''', '''{2024-03-01}''', '''{NULL, 2024-03-01}''', '''{-infinity, infinity}''', '''{4714-11-24 BC, 5874897-12-31}''']),
    ('headcount_internal.aggregate_state', ARRAY['NULL', '''''', '''AAAA''', '''\xc204''::bytea', '''\xc2020355544300000000000000000000000000000000000000''::bytea', '''\xc60100000c000000''::bytea',
        '(SELECT headcount_internal.daily_denial_agg(''a'', ''2024-03-01'', ''UTC'', ''2024-05-01''))']),
    ('headcount_internal.shared_area', ARRAY['NULL', '''none''', '(SELECT headcount_internal.shared_area())']),
    ('cstring', ARRAY['NULL', '''''', '''AAAA''']),
    ('internal', ARRAY['NULL'])) AS v (type, odd), unnest(odd) AS value;
-- The functions in C and the aggregates of the extension that take something.
CREATE TEMP TABLE ours AS
    SELECT p.oid, p.prokind FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    WHERE e.extname = 'headcount' AND p.pronargs > 0 AND (p.prokind = 'a' OR p.prokind = 'f' AND p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'c'));
-- A call of the function or aggregate with values by chance; the number makes it another one.
CREATE FUNCTION pg_temp.odd_call(called oid, nth integer) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT count(called.answer) FROM (SELECT %s(%s)%s LIMIT 1000) AS called (answer)', called::regproc, string_agg(format('%s::%s', a.value, a.type), ', ' ORDER BY n),
                  CASE min(p.prokind) WHEN 'a' THEN ' FROM generate_series(1, 20)' ELSE '' END)
    FROM pg_proc AS p, unnest(p.proargtypes) WITH ORDINALITY AS t (type, n),
         LATERAL (SELECT o.type, o.value FROM odd AS o WHERE o.type = t.type ORDER BY random() LIMIT 1) AS a
    WHERE p.oid = called
$$;
