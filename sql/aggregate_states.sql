-- The states of the aggregates are values like others: anybody can make an aggregate of the same transition functions
-- and no final function, keep what comes out in a table, and hand it to everything. It answers or refuses.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
\pset null '-'
CREATE AGGREGATE judge.raw_agg(text, timestamptz, timestamptz) (sfunc = headcount_internal.presence_add, stype = headcount.presence, combinefunc = headcount_internal.presence_merge);
CREATE AGGREGATE judge.raw_union(headcount.presence) (sfunc = headcount_internal.presence_merge, stype = headcount.presence);

-- States of every size, from one row in the log to a table of keys, kept in a table.
SELECT oracle.load_random(701, 1200, 0, '2024-01-01', '2024-12-01', users => 1000);
SELECT oracle.keyed_from_sessions();
CREATE TABLE kept AS
    SELECT n, judge.raw_agg(key, started_at, ended_at) AS raw, headcount.presence_agg(key, started_at, ended_at) AS p
    FROM oracle.keyed JOIN unnest(ARRAY[1, 2, 5, 20, 100, 500, 100000]) AS n ON id <= n GROUP BY n;
-- The raw state holds the same, however it is read.
SELECT count(*) AS states, bool_and(headcount.unique_count(raw) = headcount.unique_count(p)) AS keys, bool_and(headcount.max_concurrent(raw) = headcount.max_concurrent(p)) AS peak,
       bool_and(raw::text::headcount.presence OPERATOR(headcount.=) p) AS text, bool_and(raw OPERATOR(headcount.=) p) AS equal,
       bool_and(headcount_internal.presence_send(headcount.presence_union(raw, NULL)) = headcount_internal.presence_send(p)) AS union,
       bool_and(headcount_internal.presence_send(raw) = headcount_internal.presence_send(p)) AS bytes FROM kept;
SELECT n, judge.compare(format('SELECT i.* FROM kept, headcount.intervals(raw) AS i WHERE n = %s', n), format('SELECT i.* FROM kept, headcount.intervals(p) AS i WHERE n = %s', n)) FROM kept WHERE n >= 20 ORDER BY n;
-- Aggregated on, it does not change in its place.
CREATE TABLE before AS SELECT n, md5(textsend(raw::text)) AS t, pg_column_size(raw) AS size FROM kept;
SELECT headcount.unique_count(judge.raw_union(raw)) = headcount.unique_count(headcount.presence_union_agg(p)) AS raw_union,
       headcount_internal.presence_send(headcount.presence_union_agg(raw)) = headcount_internal.presence_send(headcount.presence_union_agg(p)) AS union_agg,
       headcount_internal.presence_send(headcount.presence_union_agg(raw ORDER BY n DESC)) = headcount_internal.presence_send(headcount.presence_union_agg(p)) AS descending FROM kept;
SELECT count(*) AS windows, bool_and(headcount.unique_count(u) >= headcount.unique_count(raw)) AS grows FROM (SELECT raw, judge.raw_union(raw) OVER (ORDER BY n) AS u FROM kept) AS w;
SELECT judge.compare('SELECT n, md5(textsend(raw::text)), pg_column_size(raw) FROM kept', 'SELECT * FROM before');
-- Values that no aggregate makes: keys that are always there (ann, bob), and sessions without a key.
CREATE TABLE others AS SELECT 'wQEBABH0GNAAAAAAAAAAgAIAAAAAAAAAA2FubgcAA2JvYgcA'::headcount.presence AS keys, 'wQEEALKjJcAAwGPTjLUCAAMAAAAAAAAABFD/X9cdFARQ/1/XHRQFBQCw6w4K'::headcount.presence AS sessions;
SELECT c, judge.sqlstate(format('SELECT count(*) FROM others, %s.%s', CASE WHEN c ~ '^presence_(send|out)' THEN 'headcount_internal' ELSE 'headcount' END, c)) IN ('fine', '42804', '42809', '22023', '22004', '22008', '54000', '0A000') AS answers_or_refuses FROM unnest(ARRAY[
    'intervals(keys)', 'keys(keys)', 'timeline(keys)', 'daily_activity(keys, ''UTC'')', 'presence_clip(keys, ''2024-01-01'', ''2024-02-01'')', 'presence_send(keys)', 'presence_out(keys)',
    'intervals(sessions)', 'keys(sessions)', 'keys_at(sessions, ''2024-03-01'')', 'timeline(sessions)', 'daily_activity(sessions, ''UTC'', as_of => ''2024-12-01'')', 'presence_send(sessions)', 'presence_union(sessions, sessions)', 'presence_union(sessions, keys)']) AS c;
SELECT judge.sqlstate('SELECT headcount.presence_union(sessions, raw) FROM others, kept') AS mixed;

-- The daily report's state is bytes, which anybody can write. Real ones first, then damaged ones: a row of the report,
-- or an error; the server stays up either way.
CREATE AGGREGATE judge.raw_sessions(text, text, timestamptz, timestamptz, text, timestamptz) (sfunc = headcount_internal.daily_session_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.daily_merge);
CREATE AGGREGATE judge.raw_denials(text, timestamptz, text, timestamptz) (sfunc = headcount_internal.daily_denial_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.daily_merge);
CREATE AGGREGATE judge.merged_report(headcount_internal.aggregate_state) (sfunc = headcount_internal.daily_merge, stype = headcount_internal.aggregate_state, finalfunc = headcount_internal.daily_final);
CREATE TABLE report AS
    SELECT n, judge.raw_sessions(user_name, host, started_at, ended_at, 'Europe/Warsaw', '2024-05-01') AS sessions,
           judge.raw_denials(user_name, started_at, 'Europe/Warsaw', '2024-05-01') FILTER (WHERE id % 7 = 0) AS denials
    FROM oracle.session JOIN unnest(ARRAY[12, 40, 1000]) AS n ON id <= n GROUP BY n;
CREATE TABLE report_before AS SELECT n, md5(sessions) AS s, md5(denials) AS d FROM report;
-- Kept in a table, they answer as within the query; merged with themselves, too, but for the number of denials.
SELECT n, judge.compare(format('SELECT r.* FROM report, headcount_internal.daily_report(sessions, denials) AS r WHERE n = %s', n),
    format($$SELECT r.* FROM (SELECT headcount_internal.daily_session_agg(user_name, host, started_at, ended_at, 'Europe/Warsaw', '2024-05-01') AS s,
                                     headcount_internal.daily_denial_agg(user_name, started_at, 'Europe/Warsaw', '2024-05-01') FILTER (WHERE id %% 7 = 0) AS d
                              FROM oracle.session WHERE id <= %s) AS x, headcount_internal.daily_report(s, d) AS r$$, n)) FROM report ORDER BY n;
SELECT judge.compare('SELECT r.day, r.total_users, r.denial_users, r.concurrent_hosts, r.concurrent_hosts_at FROM (SELECT judge.merged_report(sessions) AS s, judge.merged_report(denials) AS d FROM report) AS m, headcount_internal.daily_report(s, d) AS r',
    'SELECT r.day, r.total_users, r.denial_users, r.concurrent_hosts, r.concurrent_hosts_at FROM report, headcount_internal.daily_report(sessions, denials) AS r WHERE n = 1000');
-- As text, in which Citus sends them, they are packed, and answer alike: alone, merged with others, and packed once more.
CREATE VIEW packed AS SELECT n, sessions::text::headcount_internal.aggregate_state AS sessions, denials::text::headcount_internal.aggregate_state AS denials FROM report;
SELECT n, get_byte(p.sessions, 1) AS version, length(p.sessions::bytea) < length(r.sessions::bytea) AS shorter, p.sessions::text = r.sessions::text AS same_text, length(p.sessions::text) < 1.25 * length(p.sessions::bytea) AS short_text
FROM packed AS p JOIN report AS r USING (n) ORDER BY n;
SELECT n, judge.compare(format('SELECT r.* FROM packed, headcount_internal.daily_report(sessions, denials) AS r WHERE n = %s', n),
    format('SELECT r.* FROM report, headcount_internal.daily_report(sessions, denials) AS r WHERE n = %s', n)) FROM report ORDER BY n;
SELECT judge.compare('SELECT r.* FROM (SELECT judge.merged_report(sessions) AS s, judge.merged_report(denials) AS d FROM (TABLE packed UNION ALL TABLE report) AS u) AS m, headcount_internal.daily_report(s, d) AS r',
    'SELECT r.* FROM (SELECT judge.merged_report(sessions) AS s, judge.merged_report(denials) AS d FROM (TABLE report UNION ALL TABLE report) AS u) AS m, headcount_internal.daily_report(s, d) AS r');
SELECT judge.sqlstate($$SELECT 'a b'::headcount_internal.aggregate_state$$) AS blank, judge.sqlstate($$SELECT '~~'::headcount_internal.aggregate_state$$) AS too_much, judge.sqlstate($$SELECT '~'::headcount_internal.aggregate_state$$) AS rest,
       ''::headcount_internal.aggregate_state::bytea AS empty;
-- Sessions and denials in one state.
SELECT judge.compare('SELECT r.* FROM (SELECT judge.merged_report(state) AS s FROM (SELECT sessions AS state FROM report WHERE n = 1000 UNION ALL SELECT denials FROM report WHERE n = 1000) AS u) AS m, headcount_internal.daily_report(s, s) AS r',
    'SELECT r.* FROM report, headcount_internal.daily_report(sessions, denials) AS r WHERE n = 1000');
SELECT judge.sqlstate($$SELECT * FROM report, headcount_internal.daily_report(sessions, (SELECT headcount_internal.daily_denial_agg('u', '2024-01-01', 'UTC', '2024-05-01')))$$) AS other_zone,
       judge.sqlstate($$SELECT judge.merged_report(s) FROM (SELECT sessions AS s FROM report UNION ALL SELECT judge.raw_denials('u', '2024-01-01', 'Europe/Warsaw', '2024-05-02')) AS u$$) AS other_as_of,
       judge.sqlstate($$SELECT judge.merged_report(s) FROM (SELECT sessions AS s FROM report UNION ALL SELECT headcount_internal.daily_denial_agg('u', '2024-01-01', 'Europe/Warsaw', '2024-05-01')) AS u$$) AS finished,
       judge.sqlstate($$SELECT headcount_internal.daily_denial_agg('u', '2024-01-01', 'UTC', 'infinity')$$) AS infinite_as_of,
       judge.sqlstate($$SELECT headcount_internal.daily_denial_agg('u', '2024-01-01', NULL, 'infinity')$$) AS no_zone,
       judge.sqlstate($$SELECT * FROM headcount_internal.daily_report(NULL, NULL)$$) AS nothing;

CREATE FUNCTION judge.damaged_state(bytes bytea, seed integer) RETURNS SETOF bytea LANGUAGE sql AS $$
    SELECT substr(bytes, 1, n) FROM generate_series(0, least(length(bytes), 150) - 1) AS n UNION ALL
    SELECT substr(bytes, 1, oracle.dice(seed, i, 'cut', length(bytes))) FROM generate_series(1, 60) AS i UNION ALL
    SELECT set_byte(bytes, n, (get_byte(bytes, n) + 1 + oracle.dice(seed, n, 'byte', 255)) % 256) FROM generate_series(0, least(length(bytes), 150) - 1) AS n UNION ALL
    SELECT set_byte(bytes, n, v) FROM generate_series(0, least(length(bytes), 100) - 1) AS n, unnest(ARRAY[0, 255]) AS v UNION ALL
    SELECT set_byte(bytes, oracle.dice(seed, i, 'at', length(bytes)), oracle.dice(seed, i, 'to', 256)) FROM generate_series(1, 100) AS i UNION ALL
    SELECT bytes || bytes UNION ALL SELECT '\x'::bytea UNION ALL SELECT decode(md5(i::text), 'hex') FROM generate_series(1, 50) AS i
$$;
CREATE FUNCTION judge.state_outcome(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM headcount_internal.daily_report(bytes, bytes);
    PERFORM headcount_internal.daily_final(bytes);
    PERFORM judge.merged_report(b) FROM (VALUES (bytes), (bytes)) AS v (b);
    RETURN 'answered or refused';
EXCEPTION WHEN data_corrupted OR character_not_in_repertoire OR invalid_parameter_value OR datetime_field_overflow OR wrong_object_type OR invalid_binary_representation OR null_value_not_allowed OR datatype_mismatch OR program_limit_exceeded THEN
    RETURN 'answered or refused';
WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- Bytes 17 to 24 are as_of: a damaged one may be far in the future, and the report up to there long.
SET statement_timeout = '60s';
SELECT judge.state_outcome(d) AS outcome, count(*) > 400 AS many
FROM report, unnest(ARRAY[sessions, denials]) AS state, judge.damaged_state(state, n) AS d
WHERE n < 100 AND (length(d) < 24 OR substr(d, 17, 8) = substr(state, 17, 8)) GROUP BY 1;
SELECT judge.state_outcome(d) AS outcome, count(*) > 400 AS many
FROM packed, unnest(ARRAY[sessions, denials]::bytea[]) AS state, judge.damaged_state(state, n) AS d
WHERE n < 100 AND (length(d) < 24 OR substr(d, 17, 8) = substr(state, 17, 8)) GROUP BY 1;
RESET statement_timeout;
-- The states of unique_count and max_concurrent are bytes, too. Logs and tables of them, kept in a table: they answer as a
-- presence does, also when merged, whole or in parts.
CREATE AGGREGATE judge.raw_unique(text) (sfunc = headcount_internal.unique_keys_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.unique_keys_merge);
CREATE AGGREGATE judge.merged_unique(headcount_internal.aggregate_state) (sfunc = headcount_internal.unique_keys_merge, stype = headcount_internal.aggregate_state, finalfunc = headcount_internal.unique_keys_count);
CREATE AGGREGATE judge.raw_concurrent(text, timestamptz, timestamptz) (sfunc = headcount_internal.concurrent_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.concurrent_merge);
CREATE AGGREGATE judge.raw_concurrent(timestamptz, timestamptz) (sfunc = headcount_internal.concurrent_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.concurrent_merge);
CREATE AGGREGATE judge.merged_concurrent(headcount_internal.aggregate_state) (sfunc = headcount_internal.concurrent_merge, stype = headcount_internal.aggregate_state, finalfunc = headcount_internal.concurrent_highest);
CREATE TABLE arrived AS SELECT id + 100000 * i AS id, key || '/' || i AS key, started_at + i * interval '1 hour' AS started_at, ended_at + i * interval '1 hour' AS ended_at FROM oracle.keyed, generate_series(0, 19) AS i;
CREATE TABLE collected AS
    SELECT n, judge.raw_unique(key) AS keys, judge.raw_concurrent(key, started_at, ended_at) AS events, judge.raw_concurrent(started_at, ended_at) AS sessions,
           headcount.presence_agg(key, started_at, ended_at) AS p, headcount.presence_agg(id::text, started_at, ended_at) AS each, count(DISTINCT key) AS users
    FROM arrived JOIN unnest(ARRAY[1, 2, 5, 20, 100, 500, 10000000]) AS n ON id <= n GROUP BY n;
SELECT n < 100000 AS small, count(*) AS states, bool_and(headcount_internal.unique_keys_count(keys) = users) AS keys, bool_and(headcount_internal.concurrent_highest(events) = headcount.max_concurrent(p)) AS events,
       bool_and(headcount_internal.concurrent_highest(sessions) = headcount.max_concurrent(each)) AS sessions, max(get_byte(events, 0)) AS magic FROM collected GROUP BY 1 ORDER BY 1;
SELECT parts, judge.merged_unique(keys) = (SELECT users FROM collected ORDER BY n DESC LIMIT 1) AS keys, judge.merged_concurrent(events) = (SELECT headcount.max_concurrent(p) FROM collected ORDER BY n DESC LIMIT 1) AS events,
       judge.merged_concurrent(sessions) = (SELECT headcount.max_concurrent(each) FROM collected ORDER BY n DESC LIMIT 1) AS sessions
FROM (SELECT parts, judge.raw_unique(key) AS keys, judge.raw_concurrent(key, started_at, ended_at) AS events, judge.raw_concurrent(started_at, ended_at) AS sessions
      FROM arrived, unnest(ARRAY[1, 2, 7, 300]) AS parts GROUP BY parts, hashint8(id) % parts) AS s GROUP BY parts ORDER BY parts;
SELECT bool_and(headcount_internal.unique_keys_count(keys::text::headcount_internal.aggregate_state) = users) AS keys, bool_and(headcount_internal.concurrent_highest(events::text::headcount_internal.aggregate_state) = headcount.max_concurrent(p)) AS events
FROM collected;
-- Sessions that are there twice are two, keys are one.
SELECT count(*) AS states, bool_and(keys = users) AS keys, bool_and(events = highest) AS events, bool_and(sessions = 2 * each) AS sessions
FROM (SELECT n, max(users) AS users, max(headcount.max_concurrent(p)) AS highest, max(headcount.max_concurrent(each)) AS each, judge.merged_unique(keys) AS keys, judge.merged_concurrent(events) AS events, judge.merged_concurrent(sessions) AS sessions
      FROM collected, generate_series(1, 2) GROUP BY n) AS twice;
SELECT judge.sqlstate('SELECT judge.merged_unique(k) FROM (SELECT keys AS k FROM collected UNION ALL SELECT events FROM collected) AS u') AS mixed_states,
       judge.sqlstate('SELECT judge.merged_concurrent(e) FROM (SELECT events AS e FROM collected UNION ALL SELECT sessions FROM collected) AS u') AS mixed_keys,
       judge.sqlstate('SELECT headcount_internal.concurrent_highest(headcount_internal.presence_send(p)) FROM collected') AS presence;
CREATE FUNCTION judge.collected_outcome(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['headcount_internal.unique_keys_count($1)', 'headcount_internal.concurrent_highest($1)', '(SELECT judge.merged_unique(b) FROM (VALUES ($1), ($1)) AS v (b))', '(SELECT judge.merged_concurrent(b) FROM (VALUES ($1), ($1)) AS v (b))'] LOOP
        BEGIN
            EXECUTE 'SELECT ' || f USING bytes;
        EXCEPTION WHEN data_corrupted OR datatype_mismatch THEN NULL; END;
    END LOOP;
    RETURN 'answered or refused';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- A large state to damage, with few keys, so that what is behind them is hit as well.
INSERT INTO collected (n, keys, events, sessions)
    SELECT 50, judge.raw_unique(key), judge.raw_concurrent(left(key, 5), started_at, ended_at), judge.raw_concurrent(started_at, ended_at) FROM arrived WHERE id % 7 = 0;
SELECT judge.collected_outcome(d) AS outcome, count(*) > 1500 AS many FROM collected, unnest(ARRAY[keys, events, sessions]) AS state, judge.damaged_state(state, n) AS d WHERE n IN (2, 20, 50) GROUP BY 1;

-- The free space of a small state is in its bytes too, and anybody can make an aggregate that shows them. It has nothing of what the memory had before,
-- such as the names that a function with its owner's rights has read. Each aggregate gets a long text first, for another group.
BEGIN;
CREATE CAST (headcount.presence AS bytea) WITHOUT FUNCTION;
CREATE CAST (headcount.user_set AS bytea) WITHOUT FUNCTION;
CREATE AGGREGATE judge.raw_presence(text, timestamptz, timestamptz) (sfunc = headcount_internal.presence_add, stype = headcount.presence);
CREATE AGGREGATE judge.raw_set(integer) (sfunc = headcount_internal.user_set_add, stype = headcount.user_set);
CREATE FUNCTION judge.shown(of_key text, of_value text) RETURNS TABLE (state text, size integer, has_old boolean) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$SELECT %L, length(b), position('secret' IN encode(b, 'escape')) > 0
        FROM (SELECT g, (%s)::bytea AS b FROM (VALUES (1, repeat('secret', 2000), now()), (2, 'a', now())) AS v (g, k, at) GROUP BY g) AS s WHERE g = 2$q$, of_key, of_value);
END $$;
SELECT s.* FROM (VALUES ('keys', 'judge.raw_unique(k)'), ('events', 'judge.raw_concurrent(k, at, at)'), ('presence', 'judge.raw_presence(k, at, at)'), ('user_set', 'judge.raw_set(length(k))')) AS v (n, a), judge.shown(n, a) AS s;
ROLLBACK;

SELECT judge.compare('SELECT n, md5(sessions), md5(denials) FROM report', 'SELECT * FROM report_before');
DROP VIEW packed;
DROP TABLE kept, before, others, report, report_before, arrived, collected;
DROP AGGREGATE judge.raw_agg(text, timestamptz, timestamptz), judge.raw_union(headcount.presence), judge.raw_unique(text), judge.merged_unique(headcount_internal.aggregate_state), judge.raw_concurrent(text, timestamptz, timestamptz), judge.raw_concurrent(timestamptz, timestamptz), judge.merged_concurrent(headcount_internal.aggregate_state), judge.merged_report(headcount_internal.aggregate_state), judge.raw_sessions(text, text, timestamptz, timestamptz, text, timestamptz), judge.raw_denials(text, timestamptz, text, timestamptz);
