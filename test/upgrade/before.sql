-- A cluster to upgrade: a source in the middle of things, with stored, dirty and frozen days, and its unmaterialized twin.
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION headcount CASCADE;
CREATE TABLE login (id integer PRIMARY KEY, who text, mac text, nas text, came timestamptz, went timestamptz, heard timestamptz);
CREATE TABLE refused (who text, nas text, at timestamptz);
INSERT INTO login
SELECT i, 'user ' || i % 17, 'host ' || i % 23, 'nas ' || i % 3, timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes',
       CASE WHEN i % 10 > 0 THEN timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes' + i % 7 * interval '3 hours' END,
       timestamptz '2026-01-01 00:00+00' + i * interval '100 minutes'
FROM generate_series(1, 400) AS i;
INSERT INTO refused SELECT 'user ' || i % 29, 'nas ' || i % 3, timestamptz '2026-01-02 12:00+00' + i * interval '5 hours' FROM generate_series(1, 90) AS i;
SELECT headcount.create_source(name, 'login', 'who', 'mac', 'came', 'went', server => 'nas', last_seen => 'heard', idle_limit => '30 hours',
    denials => 'refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas', realtime_servers => '{nas 0,nas 1}',
    false_denial_before => '5 seconds', time_zone => 'Europe/Warsaw', materialized => name = 'stored',
    weight => '1 + id % 4', dimensions => '{"hall": "left(mac, 6)"}')
FROM unnest(ARRAY['stored', 'live']) AS name;
CREATE TABLE kept AS SELECT headcount.presence_agg(who, came, went) AS p, headcount.user_set_agg(id) AS s FROM login;
SELECT headcount.create_instance('sag-1', 'here', 'stored', 'nas 1');
CALL headcount.refresh('stored');
SELECT headcount.freeze('stored', '2026-01-05');
UPDATE login SET went = went + interval '30 hours' WHERE id IN (150, 250);
DELETE FROM login WHERE id = 300;
INSERT INTO refused VALUES ('user 1000', 'nas 1', '2026-01-20 10:00+00');
