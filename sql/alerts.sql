-- Alerts: a view of those of now, and a notice of each new one by a refresh.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET client_min_messages = warning;
SELECT judge.noon_zone() AS noon \gset
SET TimeZone = :'noon';
CREATE TABLE logins (who text, mac text, came timestamptz, went timestamptz, seen timestamptz);
CREATE TABLE refusals (who text, at timestamptz);
INSERT INTO logins SELECT 'u' || n, 'h', now() - interval '2 days', now() - interval '2 days' FROM generate_series(1, 10) AS n;
SELECT headcount.create_source('alarm', 'logins', 'who', 'mac', 'came', 'went', last_seen => 'seen', idle_limit => '1 hour', licensing_model => '2025', user_limit => 20,
    denials => 'refusals', denied_user => 'who', denied_at => 'at', alerts => '{"user_limit": 90, "denial_rate": 25, "stale_share": 50}') <> '' AS made;
GRANT SELECT ON alarm.alerts TO PUBLIC;
SELECT * FROM alarm.alerts;
CALL headcount.refresh('alarm');
SELECT alerted FROM alarm.rollup_state;

-- 18 of 20 are not above 90 percent, 19 are. A denied user is one as well under 2025.
INSERT INTO logins SELECT 'u' || n, 'h', now(), now() FROM generate_series(11, 18) AS n;
SELECT alert, current_date - day AS days_ago, value, threshold FROM alarm.alerts;
INSERT INTO refusals SELECT 'denied', now() FROM generate_series(1, 3);
SELECT alert, current_date - day AS days_ago, value, threshold FROM alarm.alerts;
-- 3 denied ones of 11 today
INSERT INTO refusals VALUES ('u1', now()), ('u2', now());
SELECT alert, current_date - day AS days_ago, value, threshold FROM alarm.alerts;
-- A refresh gives notice of each once (test/t/027_alerts.pl hears it).
CREATE FUNCTION notices() RETURNS SETOF text LANGUAGE sql AS $$ SELECT replace(a, ' ' || current_date, ' today') FROM unnest((SELECT alerted FROM alarm.rollup_state)) AS a $$;
CALL headcount.refresh('alarm');
SELECT * FROM notices();
CALL headcount.refresh('alarm');
SELECT * FROM notices();
-- Two of three without an end are stale; what is over is told again if it comes back.
INSERT INTO logins VALUES ('u1', 'h', now() - interval '5 hours', NULL, now() - interval '2 hours'), ('u2', 'h', now() - interval '5 hours', NULL, now() - interval '90 minutes'), ('u3', 'h', now(), NULL, now());
DELETE FROM refusals WHERE who IN ('u1', 'u2');
SELECT alert, current_date - day AS days_ago, value, threshold FROM alarm.alerts;
CALL headcount.refresh('alarm');
SELECT * FROM notices();
-- Of yesterday what came to be known since.
INSERT INTO logins SELECT 'u' || n, 'h', now() - interval '1 day', now() - interval '1 day' FROM generate_series(1, 3) AS n;
INSERT INTO refusals VALUES ('u1', now() - interval '1 day');
SELECT alert, current_date - day AS days_ago, value, threshold FROM alarm.alerts;
-- At another instant, by a reader with nothing but the view; by a source of which nothing is stored.
CREATE ROLE regress_headcount_reader;
SET ROLE regress_headcount_reader;
SELECT alert, value FROM alarm.alerts;
SET headcount.as_of = '2000-01-01';
SELECT alert, value FROM alarm.alerts;
RESET headcount.as_of;
RESET ROLE;
SELECT headcount.create_source('live_alarm', 'logins', 'who', 'mac', 'came', 'went', licensing_model => '2025', user_limit => 20, materialized => false,
    denials => 'refusals', denied_user => 'who', denied_at => 'at', alerts => '{"user_limit": 90}') <> '' AS made;
SELECT judge.compare($$SELECT alert, day, value FROM live_alarm.alerts$$, $$SELECT alert, day, value FROM alarm.alerts WHERE alert = 'user_limit'$$);
-- Other thresholds, none, and back.
SELECT headcount.alter_source('alarm', alerts => '{"denial_rate": 0}');
SELECT alert, current_date - day AS days_ago, value, threshold FROM alarm.alerts;
SELECT headcount.alter_source('alarm', reset => '{alerts}');
SELECT count(*) FROM alarm.alerts;
CALL headcount.refresh('alarm');
SELECT alerted FROM alarm.rollup_state;
-- What is refused.
SELECT a, judge.sqlstate(format('SELECT headcount.alter_source(%L, alerts => %L)', 'alarm', a)) FROM unnest(ARRAY['[]', '90', '{"users": 3}', '{"denial_rate": "5"}', '{"denial_rate": -1}', '{"denial_rate": null}', '{}']) AS a;
SELECT judge.sqlstate($$SELECT headcount.alter_source('alarm', alerts => '{"user_limit": 90}', reset => '{user_limit}')$$) AS no_limit;
SELECT headcount.drop_source(s) FROM unnest(ARRAY['alarm', 'live_alarm']) AS s;
DROP TABLE logins, refusals;
DROP FUNCTION notices;
DROP OWNED BY regress_headcount_reader;
DROP ROLE regress_headcount_reader;
