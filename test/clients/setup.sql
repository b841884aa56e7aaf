-- What every client asks for: a source with fixed sessions, read as of an instant that the database is set to, by a role that may
-- read two views and nothing else.
SET client_min_messages = warning;
CREATE EXTENSION headcount CASCADE;
CREATE EXTENSION pg_stat_statements;
CREATE TABLE login (who text, mac text, came timestamptz, went timestamptz);
CREATE TABLE refused (who text, at timestamptz);
INSERT INTO login VALUES
    ('alice', 'laptop', '2026-03-01 09:00+00', '2026-03-02 10:00+00'),
    ('bob', 'desk', '2026-03-02 09:30+00', '2026-03-02 11:00+00'),
    ('carol', 'phone', '2026-03-04 23:00+00', '2026-03-05 01:00+00'),
    ('alice', 'laptop', '2026-03-10 08:00+00', NULL),
    ('alice', 'tablet', '2026-03-10 11:00+00', NULL),
    ('bob', 'desk', '2026-03-10 11:30+00', '2026-03-10 11:45+00');
INSERT INTO refused VALUES ('dave', '2026-03-05 12:00+00'), ('carol', '2026-03-05 13:00+00');
SELECT headcount.create_source('vpn', 'login', 'who', 'mac', 'came', 'went', denials => 'refused', denied_user => 'who', denied_at => 'at',
    time_zone => 'UTC');
CALL headcount.refresh('vpn');
GRANT SELECT ON vpn.daily_user_counts, vpn.online_users TO dashboard;
ALTER DATABASE clients SET headcount.as_of = '2026-03-10 12:00+00';
