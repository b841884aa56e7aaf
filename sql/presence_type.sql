-- The type: text and binary forms round-trip exactly, bytes are canonical, damage is an error and nothing else.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'
CREATE TABLE subject (name text PRIMARY KEY, p headcount.presence);

SELECT oracle.load_random(201, 500, 100, '2024-01-01', '2024-03-01');
INSERT INTO subject
SELECT 'text', headcount.presence_agg(user_name, started_at, ended_at) FROM oracle.session UNION ALL
SELECT 'bigint', headcount.presence_agg(id % 40, started_at, ended_at) FROM oracle.session UNION ALL
SELECT 'negative bigint', headcount.presence_agg(k, timestamptz '2024-01-01') FROM unnest(ARRAY[0, -1, 9223372036854775807, -9223372036854775808]) AS k UNION ALL
SELECT 'uuid', headcount.presence_agg(md5(coalesce(user_name, ''))::uuid, started_at, ended_at) FROM oracle.session UNION ALL
SELECT 'instants', headcount.presence_agg(user_name, denied_at) FROM oracle.denial UNION ALL
SELECT 'empty string', headcount.presence_agg(''::text, timestamptz '2024-01-01', NULL::timestamptz) UNION ALL
SELECT 'earliest', headcount.presence_agg('a'::text, timestamptz '4713-01-01 00:00 BC', timestamptz '294276-12-31 23:59:59.999999') UNION ALL
SELECT 'hostile', headcount.presence_agg(n, timestamptz '2024-01-01', timestamptz '2024-01-02') FROM unnest(oracle.hostile_names()) AS n UNION ALL
SELECT 'large', headcount.presence_agg(i, timestamptz '2024-01-01' + (i * 7919 % 100000) * interval '1 minute', timestamptz '2024-01-01' + (i * 7919 % 100000 + 60) * interval '1 minute') FROM generate_series(1, 20000) AS i;
-- Nothing left, but not NULL: what a clip to nowhere gives.
INSERT INTO subject SELECT 'empty', headcount.presence_clip(p, '1999-01-01', '1999-01-01') FROM subject WHERE name = 'text';

-- Text and binary, there and back. presence_send is what COPY BINARY and libpq see.
SELECT name, p::text::headcount.presence::text = p::text AS text_form,
       headcount_internal.presence_send(p::text::headcount.presence) = headcount_internal.presence_send(p) AS bytes,
       (SELECT array_agg(i ORDER BY i) FROM headcount.intervals(p) AS i) IS NOT DISTINCT FROM
       (SELECT array_agg(i ORDER BY i) FROM headcount.intervals(p::text::headcount.presence) AS i) AS rows
FROM subject ORDER BY name;

-- Binary COPY into a file and back.
CREATE TABLE copied (LIKE subject);
CREATE FUNCTION judge.file(name text) RETURNS text LANGUAGE sql AS $$ SELECT current_setting('data_directory') || '/' || name $$;
DO $$ BEGIN
    EXECUTE format('COPY subject TO %L WITH (FORMAT binary)', judge.file('headcount_presence.bin'));
    EXECUTE format('COPY copied FROM %L WITH (FORMAT binary)', judge.file('headcount_presence.bin'));
END $$;
SELECT judge.compare('SELECT name, headcount_internal.presence_send(p) FROM copied', 'SELECT name, headcount_internal.presence_send(p) FROM subject');
SELECT judge.compare('SELECT name, p::text FROM copied', 'SELECT name, p::text FROM subject');

-- The same set, the same bytes: rows in any order, split among any number of parts and merged by any path, given twice,
-- given in pieces. Each line: variants of the bytes, expected 1.
CREATE FUNCTION judge.variants() RETURNS TABLE (how text, bytes bytea) LANGUAGE sql AS $$
    SELECT 'by id',        headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at ORDER BY id)) FROM oracle.session UNION ALL
    SELECT 'backwards',    headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at ORDER BY id DESC)) FROM oracle.session UNION ALL
    SELECT 'by start',     headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at ORDER BY started_at)) FROM oracle.session UNION ALL
    SELECT 'by end',       headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at ORDER BY ended_at DESC)) FROM oracle.session UNION ALL
    SELECT 'shuffled',     headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at ORDER BY md5(id::text))) FROM oracle.session UNION ALL
    SELECT 'twice',        headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at)) FROM oracle.session, generate_series(1, 2) UNION ALL
    SELECT 'united rows',  headcount_internal.presence_send(headcount.presence_agg(key, started_at, ended_at)) FROM oracle.intervals() UNION ALL
    SELECT parts || ' parts', headcount_internal.presence_send(headcount.presence_union_agg(p)) FROM
        (SELECT parts, headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session, unnest(ARRAY[2, 3, 7, 100, 1000]) AS parts GROUP BY parts, id % parts) AS s GROUP BY parts UNION ALL
    SELECT 'operator',     headcount_internal.presence_send(
        (SELECT headcount.presence_agg(user_name, started_at, ended_at) FROM oracle.session WHERE id % 2 = 0) OPERATOR(headcount.||)
        (SELECT headcount.presence_agg(user_name, started_at, ended_at) FROM oracle.session WHERE id % 2 = 1)) UNION ALL
    SELECT 'out and in',   headcount_internal.presence_send(headcount.presence_agg(user_name, started_at, ended_at)::text::headcount.presence) FROM oracle.session UNION ALL
    SELECT 'clipped and united', headcount_internal.presence_send(headcount.presence_union(headcount.presence_clip(p, '-infinity', '2024-02-01'), headcount.presence_clip(p, '2024-02-01', 'infinity')))
        FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p FROM oracle.session) AS a
$$;
SELECT oracle.keyed_from_sessions();
SELECT count(*) AS ways, count(DISTINCT bytes) AS variants FROM judge.variants();

-- The empty presence has one form too, whatever it is made from.
SELECT count(DISTINCT headcount_internal.presence_send(headcount.presence_clip(p, '1999-01-01', '1999-01-01'))) FROM subject;
-- Bytes are the same everywhere: one small presence, spelt out. (A change here breaks stored data and needs a version.)
SELECT headcount_internal.presence_send(headcount.presence_agg(k, s, e)) FROM (VALUES
    ('anna', timestamptz '2000-01-01 00:00:00+00', timestamptz '2000-01-01 00:00:01+00'), ('anna', '2000-01-01 00:00:02+00', '2000-01-01 00:00:02+00'), ('b', '2024-06-15 12:00+00', NULL)) AS v (k, s, e);

-- Damage. Truncated at every length, a byte changed at every place, bytes added: text first.
CREATE FUNCTION judge.damaged(bytes bytea, seed integer) RETURNS SETOF bytea LANGUAGE sql AS $$
    SELECT substr(bytes, 1, n) FROM generate_series(0, least(length(bytes), 200) - 1) AS n UNION ALL
    SELECT substr(bytes, n) FROM generate_series(2, least(length(bytes), 100)) AS n UNION ALL
    SELECT set_byte(bytes, n, (get_byte(bytes, n) + 1 + oracle.dice(seed, n, 'byte', 255)) % 256) FROM generate_series(0, least(length(bytes), 200) - 1) AS n UNION ALL
    SELECT set_bit(bytes, n::bigint, 1 - get_bit(bytes, n::bigint)) FROM generate_series(0, least(length(bytes), 24) * 8 - 1) AS n UNION ALL
    SELECT bytes || bytes UNION ALL SELECT bytes || '\x00' UNION ALL SELECT bytes || '\x0a' UNION ALL SELECT '\x00' || bytes UNION ALL
    SELECT set_byte(set_byte(bytes, a, oracle.dice(seed, i, 'x', 256)), b, oracle.dice(seed, i, 'y', 256) # 1)
    FROM (SELECT i, oracle.dice(seed, i, 'a', length(bytes)) AS a, oracle.dice(seed, i, 'b', length(bytes)) AS b FROM generate_series(1, 100) AS i) AS two
$$;
-- Mutations that by chance give the text back are no damage.
CREATE FUNCTION judge.text_outcome(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE given headcount.presence;
BEGIN
    given := t::headcount.presence;
    -- Base64 has idle bits and skips white space: another spelling of the same bytes is no damage.
    RETURN CASE WHEN EXISTS (SELECT FROM subject AS s WHERE s.p OPERATOR(headcount.=) given) THEN 'another spelling' ELSE 'accepted' END;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
-- Outcomes: every one 22P02, but for other spellings.
SELECT judge.text_outcome(d) AS outcome, count(*) > 0 AS some FROM (
    SELECT translate(encode(d, 'escape'), '\', '/') AS d FROM subject, LATERAL judge.damaged(convert_to(p::text, 'UTF8'), 1) AS d
    WHERE name IN ('bigint', 'uuid', 'instants', 'empty string', 'earliest', 'empty', 'hostile') AND d <> convert_to(p::text, 'UTF8')) AS x
WHERE d NOT IN (SELECT p::text FROM subject) GROUP BY 1 ORDER BY 1;
SELECT t, judge.error(format('SELECT %L::headcount.presence', t)) FROM unnest(ARRAY['', ' ', 'nonsense', '\x', '{}', 'NULL', '0', 'c101']) AS t;

-- Then bytes, as a client would send them: a binary COPY stream of one column, around damaged bytes.
CREATE TABLE received (p headcount.presence);
CREATE FUNCTION judge.receive(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    o oid;
BEGIN
    -- signature, flags, no extension, one row of one column; the end
    o := lo_from_bytea(0, '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(bytes)) || bytes || '\xffff'::bytea);
    PERFORM lo_export(o, judge.file('headcount_presence.bin')), lo_unlink(o);
    BEGIN
        EXECUTE format('COPY received FROM %L WITH (FORMAT binary)', judge.file('headcount_presence.bin'));
    EXCEPTION WHEN OTHERS THEN
        RETURN SQLSTATE;
    END;
    RETURN 'accepted';
END $$;
SELECT judge.receive(headcount_internal.presence_send(p)) AS undamaged, count(*) FROM subject GROUP BY 1;
SELECT judge.compare('SELECT p::text FROM received', 'SELECT p::text FROM subject');
TRUNCATE received;
-- Outcomes: 22P03 for all (08P01 where the message ends early would be as good; nothing else is).
SELECT judge.receive(d) AS outcome, count(*) > 1500 AS many FROM (
    SELECT d FROM subject, LATERAL judge.damaged(headcount_internal.presence_send(p), 2) AS d
    WHERE name IN ('bigint', 'uuid', 'empty string', 'earliest', 'empty') AND d NOT IN (SELECT headcount_internal.presence_send(p) FROM subject)) AS x
GROUP BY 1;
SELECT count(*) AS left_behind FROM received;
COPY (SELECT 1 WHERE false) TO PROGRAM 'rm -f headcount_presence.bin';

-- Equality is equality of the sets; hashing, grouping and DISTINCT follow it. There is no order.
SELECT count(*) AS pairs, count(*) FILTER (WHERE (a.p OPERATOR(headcount.=) b.p) <> (a.name = b.name)) AS wrong,
       count(*) FILTER (WHERE (a.p OPERATOR(headcount.<>) b.p) = (a.name = b.name)) AS wrong_too FROM subject AS a, subject AS b;
SELECT count(*) AS names, (SELECT count(*) FROM (SELECT DISTINCT p FROM (TABLE subject UNION ALL SELECT name, p::text::headcount.presence FROM subject) AS t) AS d) AS presences FROM subject;
SELECT judge.sqlstate('SELECT p FROM subject ORDER BY p') AS order_by;

-- Stored values are canonical, also large and compressed ones, and after an update in place of nothing.
CREATE TABLE stored AS SELECT name, p FROM subject;
UPDATE stored SET p = headcount.presence_union(p, NULL);
SELECT judge.compare('SELECT name, headcount_internal.presence_send(p) FROM stored', 'SELECT name, headcount_internal.presence_send(p) FROM subject');
-- What the table keeps does not change when it is aggregated further.
SELECT headcount.unique_count(headcount.presence_union_agg(p)) > 0 AS ok FROM stored WHERE name IN ('text', 'instants', 'hostile', 'empty');
SELECT judge.compare('SELECT name, headcount_internal.presence_send(p) FROM stored', 'SELECT name, headcount_internal.presence_send(p) FROM subject');
DROP TABLE subject, copied, received, stored;
