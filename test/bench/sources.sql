-- What a run makes anew over the kept tables: the extension as it is installed now, its sources, and their indexes.

SET client_min_messages = warning;
SET timezone = 'UTC';
DROP SCHEMA IF EXISTS ordered, shuffled, small, weighed, sliced CASCADE;
DROP TABLE IF EXISTS sessions_small;
DROP EXTENSION IF EXISTS headcount CASCADE;
DROP EXTENSION IF EXISTS hll CASCADE;
CREATE EXTENSION headcount CASCADE;
CREATE EXTENSION IF NOT EXISTS pg_prewarm;

SELECT headcount.create_source('ordered', 'sessions', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC',
    denials => 'denials', denied_user => 'user_name', denied_at => 'denied_at', materialized => false);
SELECT headcount.create_source('shuffled', 'sessions_shuffled', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC',
    denials => 'denials', denied_user => 'user_name', denied_at => 'denied_at', materialized => false);

-- F: a licence for each session, or two, or three; 16 sites, 10 realms.
SELECT headcount.create_source('weighed', 'sessions', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC', weight => '1 + length(user_name) % 3', materialized => false);
SELECT headcount.create_source('sliced', 'sessions', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC', dimensions => '{"site": "substr(host, 4, 1)", "realm": "right(user_name, 1)"}', materialized => false);

-- P5: a thousandth of the sessions, the latest; indexes as headcount makes them and as one would make them by hand.
CREATE TABLE sessions_small AS SELECT * FROM sessions ORDER BY started_at DESC LIMIT (SELECT greatest(count(*) / 1000, 100) FROM sessions);
SELECT headcount.create_source('small', 'sessions_small', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC', materialized => false);
DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT indexrelid FROM pg_index WHERE indrelid IN ('sessions'::regclass, 'denials'::regclass) LOOP EXECUTE 'DROP INDEX ' || i; END LOOP; END $$;
SELECT headcount.create_indexes('ordered'), headcount.create_indexes('small');
CREATE INDEX ON sessions (user_name) WHERE ended_at IS NULL;
CREATE INDEX ON sessions (ended_at);
VACUUM ANALYZE sessions_small;
ANALYZE sessions;
CREATE OR REPLACE FUNCTION bench_online(query text, times integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    names text[];
    answers text := '';
    answer text;
BEGIN
    FOR i IN 1 .. times LOOP
        SELECT array_agg(u.user_name ORDER BY u.user_name) INTO names
        FROM (SELECT DISTINCT user_name FROM sessions_small ORDER BY 1 OFFSET (i % 20) * 50 LIMIT 50) AS u;
        EXECUTE format('SELECT md5(string_agg(q::text, %L)) FROM (%s) AS q', ',', query) INTO answer USING names;
        answers := md5(answers || answer);
    END LOOP;
    RETURN answers;
END $$;

-- A sequential scan of a large table does not leave it in shared_buffers; this does.
SELECT sum(pg_prewarm(relation)) FROM unnest('{sessions,sessions_shuffled,denials,visits}'::regclass[]) AS relation;
