-- What a run makes anew over the kept tables: the extension as it is installed now, and two sources.

SET client_min_messages = warning;
SET timezone = 'UTC';
DROP SCHEMA IF EXISTS ordered, shuffled CASCADE;
DROP EXTENSION IF EXISTS headcount CASCADE;
DROP EXTENSION IF EXISTS hll CASCADE;
CREATE EXTENSION headcount CASCADE;
CREATE EXTENSION IF NOT EXISTS pg_prewarm;

SELECT headcount.create_source('ordered', 'sessions', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC',
    denials => 'denials', denied_user => 'user_name', denied_at => 'denied_at');
SELECT headcount.create_source('shuffled', 'sessions_shuffled', user_name => 'user_name', host => 'host',
    started_at => 'started_at', ended_at => 'ended_at', time_zone => 'UTC',
    denials => 'denials', denied_user => 'user_name', denied_at => 'denied_at');

-- A sequential scan of a large table does not leave it in shared_buffers; this does.
SELECT sum(pg_prewarm(relation)) FROM unnest('{sessions,sessions_shuffled,denials,visits}'::regclass[]) AS relation;
