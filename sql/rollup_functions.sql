-- unique_users, users_on and source_activity read stored days where they can: the same answers as from the tables.
SET client_min_messages = warning;
SET TimeZone = 'Europe/Warsaw';
CREATE TABLE logins (id integer, usr text, host text, srv text, s timestamptz, e timestamptz);
CREATE TABLE refusals (usr text, at timestamptz, srv text);
-- Times are about now, where stored days end; the last session is open. The session's today is that of the sources.
INSERT INTO logins SELECT i, 'u' || i * 7 % 50, 'h' || i % 20, 's' || i % 3, b.at, b.at + i % 37 * interval '1 hour'
FROM generate_series(1, 990) AS i, LATERAL (SELECT now() - (1000 - i) * interval '1 hour' AS at) AS b;
INSERT INTO refusals SELECT 'u' || i % 60, now() - i * interval '5 hours', 's' || i % 3 FROM generate_series(1, 150) AS i;
SELECT headcount.create_source(name, 'logins', 'usr', 'host', 's', 'e', server => 'srv', realtime_servers => ARRAY['s1'], denials => 'refusals',
    denied_user => 'usr', denied_at => 'at', denied_server => 'srv', time_zone => 'Europe/Warsaw', materialized => name = 'kept')
FROM unnest(ARRAY['kept', 'live']) AS name;
CALL headcount.refresh('kept');
INSERT INTO logins VALUES (1001, 'fresh', 'h', 's1', now(), NULL), (1002, 'u7', 'h', 's1', now(), NULL);

-- How many answers there were, and how many of them differ.
CREATE FUNCTION judge.both_ways(model text, OUT asked text, OUT answers bigint, OUT different bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    PERFORM headcount.alter_source(name, licensing_model => model) FROM unnest(ARRAY['kept', 'live']) AS name;
    RETURN QUERY
        SELECT 'users_on ' || what, count(*), count(*) FILTER (WHERE
            ARRAY(SELECT headcount.users_on('kept', day, what)) IS DISTINCT FROM ARRAY(SELECT headcount.users_on('live', day, what)))
        FROM unnest(ARRAY['daily', 'used', 'denied', 'total', 'new']) AS what, generate_series(-45, 1) AS i, LATERAL (SELECT current_date + i AS day) AS d GROUP BY what
        UNION ALL
        SELECT 'unique_users ' || what, count(*), count(*) FILTER (WHERE
            headcount.unique_users('kept', day, day + n, what) IS DISTINCT FROM headcount.unique_users('live', day, day + n, what))
        FROM unnest(ARRAY['daily', 'used', 'denied', 'total', 'new']) AS what, generate_series(-45, 1, 3) AS i, LATERAL (SELECT current_date + i AS day) AS d,
             unnest(ARRAY[0, 3, 20, NULL]) AS n GROUP BY what
        UNION ALL
        SELECT 'source_activity ' || granularity, count(*), count(*) FILTER (WHERE
            ARRAY(SELECT a::text FROM headcount.source_activity('kept', granularity, from_at, to_at) AS a) IS DISTINCT FROM
            ARRAY(SELECT a::text FROM headcount.source_activity('live', granularity, from_at, to_at) AS a))
        FROM unnest(ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year']) AS granularity,
             unnest(ARRAY[-50, -41, -33.4, -5, NULL]) AS f, unnest(ARRAY[-20, -15.5, 3, NULL]) AS t,
             LATERAL (SELECT date_trunc('day', now(), 'Europe/Warsaw') + f * interval '1 day' AS from_at, date_trunc('day', now(), 'Europe/Warsaw') + t * interval '1 day' AS to_at) AS b
        WHERE coalesce(f < t, true) GROUP BY granularity
        ORDER BY 1;
END
$$;
SELECT * FROM judge.both_ways('2019');
SELECT * FROM judge.both_ways('2013');
SELECT asked, different FROM judge.both_ways('2025') WHERE different > 0;
-- From here on numbers are fixed, so no day may end meanwhile.
SELECT judge.noon_zone() AS noon \gset
SET TimeZone = :'noon';
SELECT headcount.alter_source(name, time_zone => :'noon') FROM unnest(ARRAY['kept', 'live']) AS name;
CALL headcount.refresh('kept');
SELECT asked, different FROM judge.both_ways('2019') WHERE different > 0;
-- They do read stored days, up to the first dirty one; SELECT on the views is enough for that.
SELECT headcount_internal.stored_until('kept', headcount_internal.find_source('kept'), '-infinity', 'infinity') = (SELECT (r.watermark) FROM kept.rollup_state AS r) AS stored;
UPDATE logins SET e = e + interval '2 days' WHERE id = 500;
SELECT headcount_internal.stored_until('kept', headcount_internal.find_source('kept'), '-infinity', 'infinity') = (SELECT min(from_day) FROM kept.dirty_days) AS up_to_dirty_ones,
       headcount_internal.stored_until('kept', headcount_internal.find_source('kept'), '-infinity', current_date - 30) = (SELECT (r.watermark) FROM kept.rollup_state AS r) AS not_these_days;
SELECT asked, different FROM judge.both_ways('2019') WHERE different > 0;
-- Changed days that are long ago, and a user who is not stored yet on one of them and today, with and without the index by
-- which these are read alone: then stored days count from there on too, and he counts once.
INSERT INTO logins VALUES (1004, 'nobody knew', 'h', 's1', now() - interval '30 days', now() - interval '30 days'), (1005, 'nobody knew', 'h', 's1', now(), NULL);
INSERT INTO refusals VALUES ('nobody knew', now() - interval '12 days', 's1'), ('denied alone', now() - interval '12 days', 's1'), ('denied alone', now(), 's1');
CREATE FUNCTION judge.unstored() RETURNS TABLE (live_from_today boolean, runs integer) LANGUAGE sql AS $$
    SELECT u.live_day >= current_date - 1, cardinality(u.from_days) FROM headcount_internal.find_unstored_days('kept', headcount_internal.find_source('kept'), '-infinity', 'infinity', '-infinity') AS u
$$;
SELECT * FROM judge.unstored();
SELECT asked, different FROM judge.both_ways('2019') WHERE different > 0;
SELECT count(*) FROM headcount.create_indexes('kept');
SELECT * FROM judge.unstored();
SELECT asked, different FROM judge.both_ways('2019') WHERE different > 0;
SELECT asked, different FROM judge.both_ways('2025') WHERE different > 0;
SELECT asked, different FROM judge.both_ways('2013') WHERE different > 0;
SELECT headcount.unique_users('kept', current_date - 31, current_date) - headcount.unique_users('kept', current_date - 29, current_date - 13) AS others,
       headcount.unique_users('kept', current_date - 31, current_date, 'new') AS new;
DROP FUNCTION judge.unstored();
SELECT headcount.alter_source(name, licensing_model => '2019') FROM unnest(ARRAY['kept', 'live']) AS name;
DELETE FROM logins WHERE id > 1003;
DELETE FROM refusals WHERE usr IN ('nobody knew', 'denied alone');
CALL headcount.refresh('kept');
CREATE ROLE regress_headcount_reader;
GRANT SELECT ON kept.sessions, kept.denials TO regress_headcount_reader;
GRANT USAGE ON SCHEMA judge TO regress_headcount_reader;
SET ROLE regress_headcount_reader;
SELECT headcount.unique_users('kept', NULL, current_date) AS users;
RESET ROLE;
-- Once history is frozen and its rows are gone, stored days are all there is.
SELECT headcount.freeze('kept', current_date - 10);
CREATE TABLE answers AS SELECT what, n, ARRAY(SELECT headcount.users_on('kept', current_date - n, what)) AS users, headcount.unique_users('kept', NULL, current_date - n, what) AS count
FROM unnest(ARRAY['daily', 'used', 'denied', 'total', 'new']) AS what, unnest(ARRAY[30, 15, 0]) AS n;
DELETE FROM logins WHERE e < now() - interval '20 days';
INSERT INTO logins VALUES (1003, 'u7', 'h', 's1', now() - interval '5 days', now() - interval '5 days');
SELECT count(*) AS answers, count(*) FILTER (WHERE users IS DISTINCT FROM ARRAY(SELECT headcount.users_on('kept', current_date - n, what)) OR count <> headcount.unique_users('kept', NULL, current_date - n, what)) AS different FROM answers;
SET ROLE regress_headcount_reader;
SELECT judge.sqlstate($$SELECT headcount.unique_users('kept', NULL, current_date)$$) AS frozen_days, judge.sqlstate($$SELECT headcount.users_on('kept', current_date)$$) AS today;
RESET ROLE;
SELECT headcount.drop_source(name) FROM unnest(ARRAY['kept', 'live']) AS name;
DROP OWNED BY regress_headcount_reader;
DROP ROLE regress_headcount_reader;
DROP TABLE logins, refusals, answers;
DROP FUNCTION judge.both_ways(text);
