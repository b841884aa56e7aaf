-- A member of the federation: some sessions of its own, a source over them, shared under the key of all members.
--
--   psql -v member=1 -v key='a long text that is the key of all members' -f member.sql

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS headcount CASCADE;

CREATE TABLE logins (login text, device text, connected_at timestamptz, disconnected_at timestamptz);
INSERT INTO logins      -- 600 users, half of whom come to other members too
SELECT 'user' || CASE WHEN i % 2 = 0 THEN i % 300 ELSE 300 * :member + i % 300 END, 'device' || (i + :member) % 400,
       timestamptz '2026-03-20 00:00 Europe/Warsaw' + i * interval '5 minutes', timestamptz '2026-03-20 00:00 Europe/Warsaw' + i * interval '5 minutes' + i % 7 * interval '50 minutes'
FROM generate_series(1, 4000) AS i;

SELECT headcount.create_source('wifi', 'logins', user_name => 'login', host => 'device',
           started_at => 'connected_at', ended_at => 'disconnected_at', time_zone => 'Europe/Warsaw');
CALL headcount.refresh('wifi');

SELECT headcount.share_source('wifi', :'key');
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'federated') AS is_new \gset
\if :is_new
CREATE ROLE federated LOGIN;      -- with a password, if members are not on this machine
\endif
GRANT SELECT ON wifi.shared_days TO federated;
