-- Who refreshes: schedules without pg_cron are an error that says what to do, and materialized views over the views of a
-- source, which people have scheduled already, go on working.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
SET headcount.as_of = '2024-04-15 12:00+00';
CREATE SCHEMA app;
CREATE TABLE app.login (who text, mac text, came timestamptz, went timestamptz);
INSERT INTO app.login SELECT 'user ' || i % 7, 'host ' || i % 5, timestamptz '2024-04-01 20:00+00' + i * interval '7 hours', timestamptz '2024-04-02 01:00+00' + i * interval '7 hours' FROM generate_series(1, 30) AS i;
SELECT headcount.create_source('stored', 'app.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
SELECT headcount.create_source('live', 'app.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC', materialized => false);

\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT headcount.schedule_refresh('stored');
SELECT headcount.schedule_refresh('stored', 'nonsense');
SELECT headcount.unschedule_refresh('stored');
SELECT headcount.schedule_refresh('live');
SELECT headcount.schedule_refresh('nobody');
SELECT source, schedule FROM headcount.source_status ORDER BY 1;

-- A materialized view holds what was there when it was refreshed, whether days are stored, dirty or live.
CREATE MATERIALIZED VIEW app.daily AS SELECT * FROM stored.daily_user_counts;
CREATE UNIQUE INDEX ON app.daily (day);
CREATE MATERIALIZED VIEW app.sketches AS SELECT * FROM stored.daily_user_sketches;
CREATE UNIQUE INDEX ON app.sketches (day);
CREATE FUNCTION judge.materialized() RETURNS text LANGUAGE sql AS $$
    SELECT judge.compare('TABLE app.daily', 'TABLE live.daily_user_counts') || '; '
        || judge.compare('SELECT day, used::text FROM app.sketches', 'SELECT day, used::text FROM live.daily_user_sketches')
$$;
SELECT judge.materialized();
CALL headcount.refresh('stored');
INSERT INTO app.login VALUES ('late', 'host 1', '2024-04-07 10:00', '2024-04-08 10:00');
SELECT judge.materialized() ~ '^DIFFERENT';
REFRESH MATERIALIZED VIEW CONCURRENTLY app.daily;
REFRESH MATERIALIZED VIEW CONCURRENTLY app.sketches;
SELECT judge.materialized();
CALL headcount.refresh('stored');
DELETE FROM app.login WHERE who = 'late';
CALL headcount.refresh('stored');
REFRESH MATERIALIZED VIEW CONCURRENTLY app.daily;
REFRESH MATERIALIZED VIEW CONCURRENTLY app.sketches;
SELECT judge.materialized();

-- alter_source leaves it where it is; drop_source knows of it.
SELECT headcount.alter_source('stored', materialized => false);
REFRESH MATERIALIZED VIEW CONCURRENTLY app.daily;
SELECT headcount.alter_source('stored', materialized => true);
REFRESH MATERIALIZED VIEW CONCURRENTLY app.daily;
SELECT judge.compare('TABLE app.daily', 'TABLE live.daily_user_counts');
SELECT judge.sqlstate($$SELECT headcount.drop_source('stored')$$);

DROP MATERIALIZED VIEW app.daily, app.sketches;
DROP FUNCTION judge.materialized;
SELECT headcount.drop_source('stored'), headcount.drop_source('live');
DROP SCHEMA app CASCADE;
