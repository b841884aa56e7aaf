-- Evidence follows the model: every function over a source looks at the servers that its numbers look at, and a false denial counts
-- in none. Each licensing model, with realtime servers and false denials, from the tables and stored, against the judge.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;

-- By hand: on Monday anna is let in two seconds after she was denied, bert is denied for good, cora is let in and denied on a server that is no
-- realtime server, and dora is denied just before midnight and let in just after.
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES ('anna', 'h1', 'real', '2024-06-10 09:00:02', '2024-06-10 10:00'), ('cora', 'h2', 'other', '2024-06-10 09:30', '2024-06-10 09:45'),
    ('dora', 'h3', 'real', '2024-06-11 00:00:01', '2024-06-11 01:00');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('anna', 'real', '2024-06-10 09:00'), ('bert', 'real', '2024-06-10 11:00'), ('cora', 'other', '2024-06-10 11:00'), ('dora', 'real', '2024-06-10 23:59:59');
SELECT judge.source('ev', oracle.params('2024-06-12 12:00', 'UTC', '2013', 14, '{real}', NULL, '5 seconds', '2 seconds'));
CREATE FUNCTION judge.evidence() RETURNS TABLE (what text, answer text) LANGUAGE sql AS $$
    SELECT 'report', format('%s daily, %s denied, %s denials, %s hosts', c.daily_users, c.denial_users, c.denials, c.concurrent_hosts) FROM ev.daily_user_counts AS c WHERE c.day = '2024-06-10'
    UNION ALL SELECT 'users_on ' || w, (SELECT string_agg(u, ' ' ORDER BY u) FROM headcount.users_on('ev', '2024-06-10', w) AS u) FROM unnest(ARRAY['daily', 'denied', 'new', 'total', 'used']) AS w
    UNION ALL SELECT 'unique_users ' || w, headcount.unique_users('ev', '2024-06-10', '2024-06-10', w)::text FROM unnest(ARRAY['daily', 'denied', 'new', 'used']) AS w
    UNION ALL SELECT 'hosts_at_peak', (SELECT string_agg(h, ' ' ORDER BY h) FROM headcount.hosts_at_peak('ev', '2024-06-10') AS h)
    UNION ALL SELECT 'source_activity', format('%s users, %s at once, %s hosts, %s denied, %s denials', a.unique_users, a.concurrent_users, a.concurrent_hosts, a.denial_users, a.denials) FROM headcount.source_activity('ev', 'day', '2024-06-10', '2024-06-11') AS a
    UNION ALL SELECT 'rolling', format('%s users, %s at once, %s hosts, %s denied, %s denials', a.unique_users, a.concurrent_users, a.concurrent_hosts, a.denial_users, a.denials) FROM headcount.source_activity('ev', '12 hours', '2024-06-11', '2024-06-11 01:00', span => '24 hours') AS a
    UNION ALL SELECT 'user_lifecycle', format('%s active, %s new', l.active, l.new) FROM headcount.user_lifecycle('ev', 'day', '2024-06-10', '2024-06-10') AS l
    UNION ALL SELECT 'stickiness', s.dau::text FROM headcount.stickiness('ev', '2024-06-10', '2024-06-10') AS s
    UNION ALL SELECT 'user_retention', r.users::text FROM headcount.user_retention('ev', 'day', '2024-06-10', '2024-06-10') AS r
    UNION ALL SELECT 'time_online', string_agg(t.user_name, ' ' ORDER BY t.user_name) FROM headcount.time_online('ev', '2024-06-10', '2024-06-11') AS t
    UNION ALL SELECT 'avoidable_denials', max(a.avoided)::text FROM headcount.avoidable_denials('ev', '2024-06-10', '2024-06-11') AS a
    UNION ALL SELECT 'concurrency_profile', max(p.concurrent)::text FROM headcount.concurrency_profile('ev', '2024-06-10', '2024-06-11') AS p
    UNION ALL SELECT 'capacity_what_if', max(p.refused)::text FROM headcount.capacity_what_if('ev', '2024-06-10', '2024-06-11') AS p
$$;
-- 2013: anna on the realtime server; bert was denied, which makes nobody a user of it.
SELECT * FROM judge.evidence();
-- 2019 and 2025: cora and her server are there too, and who was denied is a user.
SELECT headcount.alter_source('ev', licensing_model => '2019');
CREATE TABLE judge.under_2019 AS SELECT * FROM judge.evidence();
SELECT * FROM judge.under_2019;
SELECT headcount.alter_source('ev', licensing_model => '2025');
SELECT count(*) AS differences FROM judge.under_2019 AS a FULL JOIN judge.evidence() AS b USING (what) WHERE a.answer IS DISTINCT FROM b.answer;
-- Stored, the same.
CALL headcount.refresh('ev');
SELECT count(*) AS differences FROM judge.under_2019 AS a FULL JOIN judge.evidence() AS b USING (what) WHERE a.answer IS DISTINCT FROM b.answer;
DROP TABLE judge.under_2019;
DROP FUNCTION judge.evidence();

-- At random, every function.
CREATE FUNCTION judge.all_evidence(name text, p oracle.params) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    verdicts text[] := '{}'; ask record; verdict text;
BEGIN
    RETURN QUERY SELECT * FROM judge.verdict(name, p);
    FOR ask IN
        SELECT format('headcount.unique_users(%L, %L, %L, ''new'')', name, d, d) AS ours, format('(SELECT count(*) FROM oracle.users_on(%L, %L, ''new''))', p, d) AS theirs FROM unnest(ARRAY['2024-06-03', '2024-06-10']) AS d
        UNION ALL SELECT format('l.* FROM headcount.user_lifecycle(%L, %L, ''2024-06-01'', ''2024-06-13'') AS l', name, g), format('l.* FROM oracle.user_lifecycle(%L, %L, ''2024-06-01'', ''2024-06-13'') AS l', p, g) FROM unnest(ARRAY['day', 'week']) AS g
        UNION ALL SELECT format('l.* FROM headcount.user_retention(%L, ''day'', ''2024-06-05'', ''2024-06-10'') AS l', name), format('l.* FROM oracle.user_retention(%L, ''day'', ''2024-06-05'', ''2024-06-10'') AS l', p)
        UNION ALL SELECT format('l.* FROM headcount.stickiness(%L, ''2024-06-05'', ''2024-06-12'') AS l', name), format('l.* FROM oracle.stickiness(%L, ''2024-06-05'', ''2024-06-12'') AS l', p)
        UNION ALL SELECT format('l.* FROM headcount.time_online(%L, ''2024-06-05 07:30'', ''2024-06-08'') AS l', name), format('l.* FROM oracle.time_online(%L, ''2024-06-05 07:30'', ''2024-06-08'') AS l', p)
        UNION ALL SELECT format('l.* FROM headcount.concurrency_profile(%L, ''2024-06-05 07:30'', ''2024-06-08'', %L) AS l', name, o), format('l.* FROM oracle.concurrency_profile(%L, %L, ''2024-06-05 07:30'', ''2024-06-08'', NULL, NULL) AS l', p, o) FROM unnest(ARRAY['hosts', 'users', 'sessions']) AS o
        UNION ALL SELECT format('l.* FROM headcount.concurrency_percentiles(%L, ''2024-06-05 07:30'', ''2024-06-08'', ''{0.5,0.95,1}'', ''users'') AS l', name), format('l.* FROM oracle.concurrency_percentiles(%L, ''users'', ''2024-06-05 07:30'', ''2024-06-08'', NULL, NULL, ''{0.5,0.95,1}'') AS l', p)
        UNION ALL SELECT format('l.* FROM headcount.concurrency_by_hour_of_week(%L, ''2024-06-05'', ''2024-06-07'') AS l', name), format('l.* FROM oracle.concurrency_by_hour_of_week(%L, ''hosts'', ''2024-06-05'', ''2024-06-07'') AS l', p)
        UNION ALL SELECT format('l.* FROM headcount.capacity_what_if(%L, ''2024-06-05'', ''2024-06-07'') AS l', name), format('l.* FROM oracle.capacity_what_if(%L, ''hosts'', ''2024-06-05'', ''2024-06-07'') AS l', p)
        UNION ALL SELECT format('l.* FROM headcount.avoidable_denials(%L, ''2024-06-02'', ''2024-06-12'', ''3 hours'') AS l', name), format('l.* FROM oracle.avoidable_denials(%L, ''2024-06-02'', ''2024-06-12'', ''3 hours'') AS l', p)
    LOOP
        verdict := judge.compare('SELECT ' || ask.ours, 'SELECT ' || ask.theirs);
        verdicts := verdicts || verdict;
        IF verdict NOT LIKE 'equal, %' THEN
            RETURN NEXT ask.ours || ': ' || verdict;
        END IF;
    END LOOP;
    RETURN NEXT format('%s comparisons, %s rows', cardinality(verdicts), (SELECT sum(substring(v FROM '(\d+) rows')::bigint) FROM unnest(verdicts) AS v));
END
$$;
SELECT oracle.load_random(821, 110, 60, '2024-06-01', '2024-06-14');
\set p 'oracle.params(\'2024-06-12 12:00\', \'Europe/Warsaw\', \'2013\', 7, \'{s0,s1}\', \'30 hours\', \'5 seconds\', \'2 seconds\')'
SELECT judge.source('ev', :p);
SELECT * FROM judge.all_evidence('ev', :p);
CALL headcount.refresh('ev');
SELECT * FROM judge.all_evidence('ev', :p);
\set p 'oracle.params(\'2024-06-12 12:00\', \'Europe/Warsaw\', \'2019\', 7, \'{s0,s1}\', \'30 hours\', \'5 seconds\', \'2 seconds\')'
SELECT headcount.alter_source('ev', licensing_model => '2019');
SELECT * FROM judge.all_evidence('ev', :p);
\set p 'oracle.params(\'2024-06-12 12:00\', \'Europe/Warsaw\', \'2025\', 7, \'{s0,s1}\', \'30 hours\', \'5 seconds\', \'2 seconds\')'
SELECT judge.source('ev', :p);
SELECT * FROM judge.all_evidence('ev', :p);
CALL headcount.refresh('ev');
-- some of the days changed since
DELETE FROM oracle.session WHERE id % 17 = 0;
INSERT INTO oracle.denial (user_name, server, denied_at) SELECT s.user_name, s.server, s.started_at - interval '1 second' FROM oracle.session AS s WHERE s.id % 13 = 0 AND isfinite(s.started_at);
SELECT * FROM judge.all_evidence('ev', :p);
SELECT headcount.drop_source('ev');
TRUNCATE oracle.session, oracle.denial;
RESET headcount.as_of;
DROP FUNCTION judge.all_evidence(text, oracle.params);
