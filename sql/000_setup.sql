-- What every test stands on: the extension, the oracle, and the functions that compare the two.
SET client_min_messages = warning;
\set ECHO errors
CREATE EXTENSION headcount CASCADE;
\i test/oracle/oracle.sql
\i test/oracle/data.sql
\i test/oracle/people.sql
\i test/oracle/sizing.sql
CREATE SCHEMA judge;

-- Runs two queries and says whether they give the same rows, both ways; how many rows is part of the verdict, so that
-- two empty answers do not pass for two equal ones. A plan that is kept serves the same queries again, as a client's prepared statements
-- do: views of a source take 5 to 10 ms to plan, more than small tables take to read.
CREATE FUNCTION judge.compare(ours text, theirs text, keep_plan boolean DEFAULT false) RETURNS text LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    rows_ours bigint; rows_theirs bigint; only_ours text[]; only_theirs text[];
    query text := format('
        WITH ours AS MATERIALIZED (%s), theirs AS MATERIALIZED (%s),
        only_ours AS (TABLE ours EXCEPT ALL TABLE theirs), only_theirs AS (TABLE theirs EXCEPT ALL TABLE ours)
        SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs),
               (SELECT array_agg(d::text ORDER BY d::text COLLATE "C") FROM only_ours AS d),
               (SELECT array_agg(d::text ORDER BY d::text COLLATE "C") FROM only_theirs AS d)', ours, theirs);
    plan constant text := 'judge_' || md5(query);
BEGIN
    IF keep_plan THEN
        IF NOT EXISTS (SELECT FROM pg_prepared_statements AS p WHERE p.name = plan) THEN
            EXECUTE format('PREPARE %I AS %s', plan, query);
        END IF;
        query := format('EXECUTE %I', plan);
    END IF;
    EXECUTE query INTO rows_ours, rows_theirs, only_ours, only_theirs;
    IF only_ours IS NULL AND only_theirs IS NULL THEN
        RETURN format('equal, %s rows', rows_ours);
    END IF;
    RETURN format(E'DIFFERENT: %s rows against %s, %s only ours, %s only the oracle''s\n  ours:   %s\n  oracle: %s', rows_ours, rows_theirs,
                  coalesce(cardinality(only_ours), 0), coalesce(cardinality(only_theirs), 0),
                  array_to_string(only_ours[1:5], E'\n          '), array_to_string(only_theirs[1:5], E'\n          '));
END
$$;

-- The SQLSTATE that a statement ends with, and 'fine' when it does not fail.
CREATE FUNCTION judge.sqlstate(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'fine';
EXCEPTION WHEN query_canceled OR OTHERS THEN
    RETURN SQLSTATE;
END
$$;

-- Whether PostgreSQL refuses to call a function by hand that takes something of type internal. Which of these codes it has for
-- that depends on the call, and changes from one minor version to the next.
CREATE FUNCTION judge.refuses_internal(call text) RETURNS boolean LANGUAGE sql AS $$
    SELECT judge.sqlstate(call) IN ('0A000', '42846', '42883')
$$;

-- The same with the message, for messages that are our own (PostgreSQL's change from version to version).
CREATE FUNCTION judge.error(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

-- A zone in which it was noon when this session asked first, and in which clocks never change. A test that speaks of today sets it
-- for itself and for its sources: whatever the hour, no day ends while it runs, and every day has 24 hours.
CREATE FUNCTION judge.noon_zone() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(NULLIF(current_setting('judge.noon_zone', true), ''),
                    set_config('judge.noon_zone', 'Etc/GMT' || to_char(extract(hour FROM now() AT TIME ZONE 'UTC') - 12, 'FMSG90'), false))
$$;

-- The plan, for tests that ask whether something occurs in it.
CREATE FUNCTION judge.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text; lines text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END
$$;

-- (Re)makes a source over the oracle's tables with the oracle's parameters, and lets the views read as of its as_of.
CREATE FUNCTION judge.source(name text, p oracle.params) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = name) THEN
        PERFORM headcount.drop_source(name);
    END IF;
    PERFORM headcount.create_source(name, 'oracle.session', user_name => 'user_name', host => 'host',
        started_at => 'started_at', ended_at => 'ended_at', server => 'server',
        last_seen => 'last_seen', idle_limit => p.idle_limit, realtime_servers => p.realtime_servers,
        denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at', denied_host => 'host',
        denied_server => 'server',
        false_denial_before => p.false_denial_before, false_denial_after => p.false_denial_after,
        time_zone => p.zone, licensing_model => p.model, window_days => p.window_days);
    PERFORM set_config('headcount.as_of', p.as_of::text, false);
END
$$;

-- Every view and function of a source against the oracle.
CREATE FUNCTION judge.source_against_oracle(name text, p oracle.params)
RETURNS TABLE (what text, verdict text) LANGUAGE plpgsql AS $$
DECLARE
    s text := quote_ident(name); under oracle.params := p; model text; d date; first_day date; last_day date;
    lo timestamptz; hi timestamptz;
BEGIN
    under.model := '2019';
    SELECT min(day), max(day) INTO first_day, last_day FROM oracle.daily_user_counts(under);

    what := 'daily_user_counts';
    verdict := judge.compare(format('SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM %s.daily_user_counts', s),
                             format('SELECT * FROM oracle.daily_user_counts(%L)', p)); RETURN NEXT;
    FOREACH model IN ARRAY ARRAY['2013', '2019', '2025'] LOOP
        under.model := model;
        what := 'daily_user_counts_' || model;
        verdict := judge.compare(format('SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM %s.%s', s, what),
                                 format('SELECT * FROM oracle.daily_user_counts(%L)', under)); RETURN NEXT;
    END LOOP;
    what := 'daily_user_counts_by_server';
    verdict := judge.compare(format('SELECT day, server, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete, concurrent_users, concurrent_sessions FROM %s.daily_user_counts_by_server', s),
                             format('SELECT * FROM oracle.by_server(%L)', p)); RETURN NEXT;
    what := 'realtime_users_count';
    verdict := judge.compare(format('SELECT ucd, uct, ucdy, ucde, ucch FROM %s.realtime_users_count', s),
                             format('SELECT * FROM oracle.realtime_users_count(%L)', p)); RETURN NEXT;
    what := 'sessions';
    verdict := judge.compare(format('SELECT user_name, host, server, started_at, ended_at, is_open, is_stale, is_realtime FROM %s.sessions', s),
                             format('SELECT user_name, host, server, started_at, ended_at, is_open, is_stale, is_realtime FROM oracle.sessions(%L)', p)); RETURN NEXT;
    what := 'denials';
    verdict := judge.compare(format('SELECT user_name, host, server, denied_at, is_false_denial FROM %s.denials', s),
                             format('SELECT user_name, host, server, denied_at, is_false_denial FROM oracle.denials(%L)', p)); RETURN NEXT;
    what := 'online_sessions';
    verdict := judge.compare(format('SELECT user_name, host, server, started_at, online_for FROM %s.online_sessions', s),
                             format('SELECT * FROM oracle.online_sessions(%L)', p)); RETURN NEXT;
    what := 'online_users';
    verdict := judge.compare(format('SELECT user_name, online_count, hosts, first_started_at FROM %s.online_users', s),
                             format('SELECT * FROM oracle.online_users(%L)', p)); RETURN NEXT;
    what := 'data_quality';
    verdict := judge.compare(format('SELECT rule, session_rows, denial_rows FROM %s.data_quality', s),
                             format('SELECT * FROM oracle.data_quality(%L)', p)); RETURN NEXT;
    what := 'online_counts';
    verdict := judge.compare(format('SELECT ord, user_name, online_count FROM headcount.online_counts(%L, (SELECT array_agg(n ORDER BY n) FROM judge.asked_names() AS n), %L) WITH ORDINALITY AS o (user_name, online_count, ord)', name, p.as_of),
                             format('SELECT * FROM oracle.online_counts(%L, (SELECT array_agg(n ORDER BY n) FROM judge.asked_names() AS n))', p)); RETURN NEXT;

    -- Drill-downs: three days of the report, every kind.
    FOREACH d IN ARRAY ARRAY[first_day, first_day + (last_day - first_day) / 2, last_day] LOOP
        what := 'hosts_at_peak ' || d;
        verdict := judge.compare(format('SELECT * FROM headcount.hosts_at_peak(%L, %L, %L)', name, d, p.as_of),
                                 format('SELECT * FROM oracle.hosts_at_peak(%L, %L)', p, d)); RETURN NEXT;
        FOREACH what IN ARRAY ARRAY['daily', 'used', 'denied', 'new', 'total'] LOOP
            verdict := judge.compare(format('SELECT * FROM headcount.users_on(%L, %L, %L, %L)', name, d, what, p.as_of),
                                     format('SELECT * FROM oracle.users_on(%L, %L, %L)', p, d, what));
            what := format('users_on %s %s', d, what); RETURN NEXT;
        END LOOP;
    END LOOP;
    FOREACH what IN ARRAY ARRAY['daily', 'used', 'denied', 'total'] LOOP
        verdict := judge.compare(
            format('SELECT a, b, headcount.unique_users(%L, %L::date + a, %L::date + b, %L) FROM generate_series(-2, 20, 5) AS a, generate_series(a, 30, 7) AS b', name, first_day, first_day, what),
            format('SELECT a, b, oracle.unique_users(%L, %L::date + a, %L::date + b, %L) FROM generate_series(-2, 20, 5) AS a, generate_series(a, 30, 7) AS b', p, first_day, first_day, what));
        what := 'unique_users ' || what; RETURN NEXT;
    END LOOP;

    -- Charts: from the middle of an hour to the middle of another one.
    lo := least(oracle.day_start(first_day + (last_day - first_day) / 4, p.zone) + interval '5 hours 37 minutes', p.as_of);
    FOREACH what IN ARRAY ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year'] LOOP
        hi := least(lo + CASE what WHEN 'hour' THEN interval '50 hours' ELSE interval '400 hours 11 minutes' END, p.as_of);
        verdict := judge.compare(
            format('SELECT bucket, unique_users, concurrent_users, concurrent_hosts, denial_users, denials FROM headcount.source_activity(%L, %L, %L, %L, %L)', name, what, lo, hi, p.as_of),
            format('SELECT * FROM oracle.source_activity(%L, %L, %L, %L)', p, what, lo, hi));
        what := 'source_activity ' || what; RETURN NEXT;
    END LOOP;
END
$$;

-- Names to ask online_counts for: whoever has a session, and nobodies.
CREATE FUNCTION judge.asked_names() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT DISTINCT user_name FROM oracle.session WHERE user_name <> '' UNION VALUES ('nobody'), ('s"; DROP TABLE x; --')
$$;

-- Only what differs: with nothing to say, the number of comparisons and of rows compared.
CREATE FUNCTION judge.verdict(name text, p oracle.params) RETURNS SETOF text LANGUAGE sql AS $$
    WITH v AS MATERIALIZED (SELECT * FROM judge.source_against_oracle(name, p))
    SELECT what || ': ' || verdict FROM v WHERE verdict NOT LIKE 'equal, %'
    UNION ALL
    SELECT format('%s comparisons, %s rows', count(*), sum(substring(verdict FROM '(\d+) rows')::bigint)) FROM v
$$;

-- Every function of a presence against the oracle, over the rows of oracle.keyed.
CREATE FUNCTION judge.presence_against_oracle(zone text, as_of timestamptz)
RETURNS TABLE (what text, verdict text) LANGUAGE plpgsql AS $$
DECLARE
    t timestamptz[]; f timestamptz; u timestamptz; first_day date; bounds text;
BEGIN
    CREATE TEMP TABLE subject AS SELECT headcount.presence_agg(key, started_at, ended_at) AS p FROM oracle.keyed;
    -- Three instants out of the data, so that bounds fall on starts and ends.
    SELECT ARRAY[percentile_disc(0.2) WITHIN GROUP (ORDER BY started_at), percentile_disc(0.55) WITHIN GROUP (ORDER BY started_at),
                 percentile_disc(0.9) WITHIN GROUP (ORDER BY started_at)] INTO t FROM oracle.spans();
    SELECT oracle.day_of(min(started_at), zone) INTO first_day FROM oracle.spans(as_of);

    what := 'unique_count';   verdict := judge.compare('SELECT headcount.unique_count(p) FROM subject', 'SELECT count(DISTINCT key) FROM oracle.spans()'); RETURN NEXT;
    what := 'keys';           verdict := judge.compare('SELECT headcount.keys(p) FROM subject', 'SELECT DISTINCT key FROM oracle.spans()'); RETURN NEXT;
    what := 'intervals';      verdict := judge.compare('SELECT i.key, i.started_at, i.ended_at FROM subject, headcount.intervals(p) AS i', 'SELECT * FROM oracle.intervals()'); RETURN NEXT;

    -- Instants: at, just before and just after every start and end.
    what := 'concurrent_at';
    verdict := judge.compare('SELECT t, headcount.concurrent_at(p, t) FROM subject, (SELECT DISTINCT at + n * oracle.tick() AS t FROM oracle.timeline(), generate_series(-1, 1) AS n) AS i',
                             'SELECT t, (SELECT count(*) FROM oracle.keys_at(t)) FROM (SELECT DISTINCT at + n * oracle.tick() AS t FROM oracle.timeline(), generate_series(-1, 1) AS n) AS i'); RETURN NEXT;
    what := 'keys_at';
    verdict := judge.compare('SELECT t, k FROM subject, (SELECT DISTINCT at AS t FROM oracle.timeline() LIMIT 50) AS i, headcount.keys_at(p, t) AS k',
                             'SELECT t, k FROM (SELECT DISTINCT at AS t FROM oracle.timeline() LIMIT 50) AS i, oracle.keys_at(t) AS k'); RETURN NEXT;

    -- Spans with no bound, one, both, one tick, and none at all.
    FOREACH bounds IN ARRAY ARRAY['''-infinity'', ''infinity''', format('%L, ''infinity''', t[1]), format('''-infinity'', %L', t[2]),
            format('%L, %L', t[1], t[2]), format('%L, %L', t[2] + interval '7 minutes', t[3] + interval '7 minutes'), format('%L, %L', t[2], t[2] + oracle.tick()),
            format('%L, %L', t[2], t[2])] LOOP
        what := 'max_concurrent'; verdict := judge.compare(format('SELECT headcount.max_concurrent(p, %s) FROM subject', bounds), format('SELECT concurrent FROM oracle.peak(%s)', bounds)); RETURN NEXT;
        what := 'peak';           verdict := judge.compare(format('SELECT k.concurrent, k.at, k.until FROM subject, headcount.peak(p, %s) AS k', bounds), format('SELECT k.concurrent, k.at, oracle.peak_until(%s) FROM oracle.peak(%s) AS k', bounds, bounds)); RETURN NEXT;
        what := 'timeline';       verdict := judge.compare(format('SELECT k.at, k.concurrent FROM subject, headcount.timeline(p, %s) AS k', bounds), format('SELECT * FROM oracle.timeline(%s)', bounds)); RETURN NEXT;
        IF bounds <> format('%L, %L', t[2], t[2]) THEN
            what := 'time_at_level';  verdict := judge.compare(format('SELECT k.concurrent, k.duration FROM subject, headcount.time_at_level(p, %s) AS k WHERE k.duration > ''0''', bounds), format('SELECT * FROM oracle.time_at_level(%s) WHERE duration > ''0''', bounds)); RETURN NEXT;
        END IF;
        what := 'presence_clip';  verdict := judge.compare(format('SELECT k.key, k.started_at, k.ended_at FROM subject, headcount.intervals(headcount.presence_clip(p, %s)) AS k', bounds), format('SELECT * FROM oracle.clipped(%s)', bounds)); RETURN NEXT;
    END LOOP;

    FOREACH bounds IN ARRAY ARRAY['NULL, NULL', format('%L, NULL', first_day + 3), format('%L, %L', first_day - 4, first_day + 9), format('%L, %L', first_day + 5, first_day + 4000),
                                  format('%L, %L', first_day + 5, first_day + 4)] LOOP
        what := 'daily_activity';
        verdict := judge.compare(format('SELECT k.day, k.unique_keys, k.new_keys, k.max_concurrent, k.max_concurrent_at FROM subject, headcount.daily_activity(p, %L, %s, %L) AS k', zone, bounds, as_of),
                                 format('SELECT * FROM oracle.daily_activity(%L, %s, %L)', zone, bounds, as_of)); RETURN NEXT;
        what := 'rolling_activity';
        verdict := judge.compare(format('SELECT n, k.day, k.unique_keys FROM subject, unnest(ARRAY[1, 2, 14]) AS n, headcount.rolling_activity(p, n, %L, %s, %L) AS k', zone, bounds, as_of),
                                 format('SELECT n, k.* FROM unnest(ARRAY[1, 2, 14]) AS n, oracle.rolling_activity(n, %L, %s, %L) AS k', zone, bounds, as_of)); RETURN NEXT;
    END LOOP;

    f := least(t[1], as_of - interval '61 hours') + interval '37 minutes'; u := greatest(least(t[2], as_of), f);
    FOREACH what IN ARRAY ARRAY['hour', 'day', 'week', 'month', 'quarter', 'year'] LOOP
        verdict := judge.compare(format('SELECT k.bucket, k.unique_keys, k.new_keys, k.max_concurrent, k.max_concurrent_at FROM subject, headcount.activity(p, %L, %L, %L, %L, %L) AS k', what, zone, f, CASE what WHEN 'hour' THEN f + interval '60 hours' ELSE u END, as_of),
                                 format('SELECT * FROM oracle.activity(%L, %L, %L, %L, %L)', what, zone, f, CASE what WHEN 'hour' THEN f + interval '60 hours' ELSE u END, as_of));
        what := 'activity ' || what; RETURN NEXT;
    END LOOP;
    FOREACH what IN ARRAY ARRAY['day', 'week', 'month', 'year'] LOOP
        verdict := judge.compare(format('SELECT k.bucket, k.unique_keys, k.new_keys, k.max_concurrent, k.max_concurrent_at FROM subject, headcount.activity(p, %L, %L, NULL, NULL, %L) AS k', what, zone, as_of),
                                 format('SELECT * FROM oracle.activity(%L, %L, NULL, NULL, %L)', what, zone, as_of));
        what := 'activity, no bounds, ' || what; RETURN NEXT;
    END LOOP;
    DROP TABLE subject;
END
$$;

CREATE FUNCTION judge.presence_verdict(zone text, as_of timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    WITH v AS MATERIALIZED (SELECT * FROM judge.presence_against_oracle(zone, as_of))
    SELECT what || ': ' || verdict FROM v WHERE verdict NOT LIKE 'equal, %'
    UNION ALL
    SELECT format('%s comparisons, %s rows', count(*), sum(substring(verdict FROM '(\d+) rows')::bigint)) FROM v
$$;

-- Makes the source and compares everything.
CREATE FUNCTION judge.run(name text, p oracle.params) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM judge.source(name, p);
    RETURN QUERY SELECT judge.verdict(name, p);
END
$$;

CREATE FUNCTION judge.run_around(name text, the_day date, zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM oracle.load_around(the_day, zone);
    RETURN QUERY SELECT judge.run(name, oracle.params((the_day + 3)::timestamptz, zone, window_days => 2));
    PERFORM oracle.keyed_from_sessions();
    RETURN QUERY SELECT judge.presence_verdict(zone, (the_day + 3)::timestamptz);
END
$$;
