-- Functions over a span of the past: sessions are found by class of duration where create_indexes has made the index for
-- that, in one pass without it, and the answers are the same. The rows are of 2024, so every span is long ago.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;

-- Spans that begin and end where sessions do, and a tick beside that; some are empty.
CREATE TABLE judge.span AS
SELECT i AS id, at AS from_at, at + oracle.dice(611, i, 'length', 40) * interval '30 minutes' + oracle.dice(611, i, 'late', 3) * oracle.tick() AS to_at
FROM generate_series(1, 25) AS i,
     LATERAL (SELECT '2024-05-31'::timestamptz + oracle.dice(611, i, 'from', 1600) * interval '30 minutes' - oracle.dice(611, i, 'early', 2) * oracle.tick() AS at) AS b;

-- What the functions say of these, and of each day.
CREATE FUNCTION judge.old_answers(name text, as_of timestamptz) RETURNS TABLE (what text, id integer, answer text) LANGUAGE sql AS $$
    SELECT 'source_activity', s.id, a::text FROM judge.span AS s CROSS JOIN LATERAL headcount.source_activity(name, 'hour', s.from_at, s.to_at, as_of) AS a
    UNION ALL SELECT 'hosts_at_peak', i, h FROM generate_series(0, 35) AS i CROSS JOIN LATERAL headcount.hosts_at_peak(name, '2024-05-31'::date + i, as_of) AS h
    UNION ALL SELECT 'users_on ' || w, i, u FROM generate_series(0, 35) AS i CROSS JOIN unnest(ARRAY['daily', 'used', 'denied', 'new']) AS w
                   CROSS JOIN LATERAL headcount.users_on(name, '2024-05-31'::date + i, w, as_of) AS u
$$;
CREATE FUNCTION judge.oracle_answers(p oracle.params) RETURNS TABLE (what text, id integer, answer text) LANGUAGE sql AS $$
    SELECT 'source_activity', s.id, a::text FROM judge.span AS s CROSS JOIN LATERAL oracle.source_activity(p, 'hour', s.from_at, s.to_at) AS a
    UNION ALL SELECT 'hosts_at_peak', i, h FROM generate_series(0, 35) AS i CROSS JOIN LATERAL oracle.hosts_at_peak(p, '2024-05-31'::date + i) AS h
    UNION ALL SELECT 'users_on ' || w, i, u FROM generate_series(0, 35) AS i CROSS JOIN unnest(ARRAY['daily', 'used', 'denied', 'new']) AS w
                   CROSS JOIN LATERAL oracle.users_on(p, '2024-05-31'::date + i, w) AS u
$$;
CREATE FUNCTION judge.reads_by_class(name text) RETURNS boolean LANGUAGE sql AS $$
    SELECT headcount_internal.sessions_around(name, headcount_internal.find_source(name), '2024-06-10', '2024-06-11', '$1', '$2') LIKE '%duration_classes%'
$$;
-- The same spans in one pass, by the index, and by the index in partitions, with what is open, stale, an instant, reversed,
-- infinite or without a start among the sessions, and an as_of amid them.
CREATE FUNCTION judge.old_spans(p oracle.params, OUT step text, OUT by_class boolean, OUT verdict text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    ours constant text := format('SELECT * FROM judge.old_answers(%%L, %L)', p.as_of);
BEGIN
    PERFORM judge.source('old', p);
    PERFORM headcount.alter_source('old', materialized => false);
    CREATE TEMP TABLE answer AS SELECT * FROM judge.old_answers('old', p.as_of);
    step := 'one pass'; by_class := judge.reads_by_class('old');
    verdict := judge.compare('SELECT * FROM answer', format('SELECT * FROM judge.oracle_answers(%L)', p)); RETURN NEXT;
    PERFORM headcount.create_indexes('old');
    step := 'index'; by_class := judge.reads_by_class('old');
    verdict := judge.compare(format(ours, 'old'), 'SELECT * FROM answer'); RETURN NEXT;
    -- what is not stored of a materialized source is read in the same way
    PERFORM headcount.alter_source('old', materialized => true);
    step := 'index, materialized'; by_class := judge.reads_by_class('old');
    verdict := judge.compare(format(ours, 'old'), 'SELECT * FROM answer'); RETURN NEXT;
    -- times without a time zone, in that of the source, in partitions
    CREATE TABLE naive (user_name text, host text, server text, came timestamp, went timestamp, seen timestamp) PARTITION BY RANGE (came);
    EXECUTE (SELECT string_agg(format('CREATE TABLE naive_%s PARTITION OF naive FOR VALUES FROM (%L) TO (%L)', i, d + 5 * i, d + 5 * i + 5), '; ')
             FROM generate_series(0, 7) AS i CROSS JOIN (VALUES ('2024-06-01'::date)) AS x (d));
    CREATE TABLE naive_rest PARTITION OF naive DEFAULT;
    -- a clock that goes back says half past two twice: what is read from there is not what was written
    INSERT INTO naive SELECT s.user_name, s.host, s.server, s.started_at AT TIME ZONE p.zone, s.ended_at AT TIME ZONE p.zone, s.last_seen AT TIME ZONE p.zone FROM oracle.session AS s;
    PERFORM headcount.create_source('old_naive', 'naive', 'user_name', 'host', 'came', 'went', server => 'server', last_seen => 'seen', idle_limit => p.idle_limit,
        realtime_servers => p.realtime_servers, denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_host => 'host', denied_server => 'server',
        false_denial_before => p.false_denial_before, false_denial_after => p.false_denial_after, time_zone => p.zone, licensing_model => p.model, window_days => p.window_days);
    PERFORM headcount.create_indexes('old_naive');
    step := 'index, naive'; by_class := judge.reads_by_class('old_naive');
    verdict := judge.compare(format(ours, 'old_naive'), 'SELECT * FROM answer'); RETURN NEXT;
    PERFORM headcount.drop_source('old_naive'), headcount.drop_source('old');
    DROP TABLE naive, answer;
    EXECUTE (SELECT string_agg(format('DROP INDEX %s', i.indexrelid::regclass), '; ')
             FROM pg_index AS i WHERE i.indrelid = 'oracle.session'::regclass AND NOT i.indisprimary AND headcount_internal.has_duration_index(i.indrelid));
END
$$;
SELECT oracle.load_random(611, 500, 120, '2024-06-01', '2024-07-10');
SELECT * FROM judge.old_spans(oracle.params('2024-07-01 12:00'));
SELECT * FROM judge.old_spans(oracle.params('2024-06-15 12:00', 'Europe/Warsaw', '2013', 7, '{s0,s1}', '30 hours', '5 seconds', '2 seconds'));
SELECT * FROM judge.old_spans(oracle.params('2024-07-01 12:00', 'Europe/Warsaw', idle_limit => '30 hours'));

-- A recent span is read by the end of sessions, one without bounds as a whole.
SELECT headcount_internal.is_long_ago(now() - interval '6 hours', now() - interval '5 hours') AS hour, headcount_internal.is_long_ago(now() - interval '5 hours', now() - interval '4 hours') AS recent,
       headcount_internal.is_long_ago('-infinity', now() - interval '5 years') AS all_before, headcount_internal.is_long_ago(now() - interval '5 years', 'infinity') AS all_after,
       headcount_internal.is_long_ago(NULL, now()) AS no_bound;

-- Partitions in which no session of a class can be are left out.
CREATE TABLE visit (who text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
SELECT format('CREATE TABLE visit_%s PARTITION OF visit FOR VALUES FROM (%L) TO (%L)', i, d + 7 * i, d + 7 * i + 7) FROM generate_series(0, 9) AS i CROSS JOIN (VALUES ('2024-06-01'::date)) AS x (d) \gexec
INSERT INTO visit SELECT 'u' || i % 9, at, at + i % 7 * interval '20 minutes' FROM generate_series(0, 16000) AS i, LATERAL (SELECT '2024-06-01'::timestamptz + i * interval '6 minutes' AS at) AS b;
CREATE INDEX ON visit (came);
SELECT headcount.create_source('old', 'visit', 'who', 'who', 'came', 'went', time_zone => 'UTC', materialized => false);
SELECT count(*) FROM headcount.create_indexes('old');
-- How often each of them is looked into by the index, of 33 classes.
CREATE FUNCTION judge.partitions_read(query text) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
    line text; lines text[];
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        lines := lines || line;
    END LOOP;
    RETURN (SELECT array_agg(coalesce(substring(l FROM 'loops=(\d+)'), '0')::integer) FROM unnest(lines) AS l WHERE l ~ 'Scan.* (on|using) visit_\d+_duration_class');
END
$$;
SET enable_seqscan = off;
SELECT cardinality(p.read) > 3 AS partitions, 33 = ANY (p.read) AS its_own, 33 > ANY (p.read) AS leaves_out
FROM judge.partitions_read(format('SELECT s.* FROM %s AS s', headcount_internal.sessions_around('old', headcount_internal.find_source('old'), '2024-06-30', '2024-07-01',
         '''2024-06-30''::timestamptz', '''2024-07-01''::timestamptz'))) AS p (read);
RESET enable_seqscan;
SELECT headcount.drop_source('old');
DROP TABLE visit, judge.span;
DROP FUNCTION judge.old_answers(text, timestamptz), judge.oracle_answers(oracle.params), judge.reads_by_class(text), judge.old_spans(oracle.params), judge.partitions_read(text);
