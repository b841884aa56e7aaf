-- The views of a source with exact => false: of each stored day a sketch of its users, one of those that were denied, and how
-- many there were, which was counted exactly when the day was computed. No name is stored, and no number of one.
--
-- Stored days, parts of today, and live days give rows of the same form, sketched_day. Where a day has one row, its users are
-- those that were counted; where it has several, those of their sketches united. The users of several days are always those of
-- sketches. What needs no names is what it is for other sources.

-- The schema of postgresql-hll is known when it is installed, not when this is written.
DO $$
DECLARE
    hll constant text := headcount_internal.hll_schema();
BEGIN
    EXECUTE pg_catalog.format($q$CREATE TYPE headcount_internal.sketched_day AS (
        day                 date,
        used                %1$s.hll,
        denied              %1$s.hll,
        used_count          integer,
        denied_count        integer,
        daily_count         integer,
        denials             integer,
        concurrent_hosts    integer,
        concurrent_hosts_at timestamptz)$q$, hll);
    -- The body is text, so that it does not depend on aggregates that updates of postgresql-hll drop and make anew. A sketch of type
    -- 3 or more holds no list of its users any more. Days are numbers in the window, so that no date is beyond the calendar. What is
    -- known to be there for certain is a lower bound of what is estimated; and all users there ever were never become fewer, though
    -- an estimate may.
    EXECUTE pg_catalog.format($q$
CREATE FUNCTION headcount_internal.sketched_report(source regclass, days headcount_internal.sketched_day[], licensing_model text, window_days integer,
    time_zone text, as_of timestamptz, from_day date, to_day date, idle_days boolean)
RETURNS TABLE (day date, total_users integer, daily_users integer, denial_users integer, denials integer, concurrent_hosts integer,
               concurrent_hosts_at timestamptz, complete boolean, approximate boolean)
LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 365 SET search_path = pg_catalog, pg_temp AS $f$
    WITH given AS MATERIALIZED (
        SELECT d.day, %1$s.hll_union_agg(d.used) AS used, %1$s.hll_union_agg(d.denied) AS denied,
               CASE WHEN count(*) = 1 THEN max(d.used_count) END AS used_count, CASE WHEN count(*) = 1 THEN max(d.denied_count) END AS denied_count,
               CASE WHEN count(*) = 1 THEN max(d.daily_count) END AS daily_count, sum(d.denials)::integer AS denials, max(d.concurrent_hosts) AS concurrent_hosts,
               (array_agg(d.concurrent_hosts_at ORDER BY d.concurrent_hosts DESC, d.concurrent_hosts_at))[1] AS concurrent_hosts_at
        FROM unnest(days) AS d
        GROUP BY d.day),
    bounds AS MATERIALIZED (
        SELECT greatest((SELECT min(g.day) FROM given AS g), from_day) AS first_day, least(to_day, t.today) AS last_day, t.today
        FROM (SELECT headcount.day_of(as_of, time_zone) AS today) AS t),
    spine AS (
        SELECT g.day FROM given AS g
        UNION
        SELECT b.first_day + i
        FROM bounds AS b CROSS JOIN LATERAL generate_series(0, CASE WHEN b.first_day <= b.last_day AND isfinite(b.first_day) AND isfinite(b.last_day) THEN b.last_day - b.first_day ELSE -1 END) AS i
        WHERE idle_days),
    counted AS (
        SELECT s.day, s.day - date '2000-01-01' AS number, g.denials, g.concurrent_hosts, g.concurrent_hosts_at,
               coalesce(g.denied_count, e.denied, 0) AS denial_users,
               CASE WHEN licensing_model = '2013' THEN coalesce(g.used_count, e.used, 0) ELSE coalesce(g.daily_count, greatest(e.used_or_denied, e.used, e.denied), 0) END AS daily_users,
               CASE WHEN licensing_model = '2013' THEN g.used ELSE coalesce(%1$s.hll_union(g.used, g.denied), g.used, g.denied) END AS users
        FROM spine AS s LEFT JOIN given AS g ON g.day = s.day
             CROSS JOIN LATERAL (SELECT round(%1$s.hll_cardinality(g.used))::integer AS used, round(%1$s.hll_cardinality(g.denied))::integer AS denied,
                                        round(%1$s.hll_cardinality(%1$s.hll_union(g.used, g.denied)))::integer AS used_or_denied) AS e),
    united AS (
        SELECT c.*, %1$s.hll_union_agg(c.users) OVER w AS all_users, max(c.daily_users) OVER w AS least_users
        FROM counted AS c
        WINDOW w AS (ORDER BY c.number RANGE BETWEEN CASE WHEN licensing_model = '2019' THEN 2147483647 ELSE window_days - 1 END PRECEDING AND CURRENT ROW)),
    estimated AS (
        SELECT u.*, greatest(round(%1$s.hll_cardinality(u.all_users))::integer, u.least_users) AS estimate, coalesce(%1$s.hll_type(u.all_users) > 2, false) AS is_estimate
        FROM united AS u)
    SELECT e.day, CASE WHEN licensing_model = '2019' THEN max(e.estimate) OVER (ORDER BY e.number) ELSE e.estimate END, e.daily_users, e.denial_users, coalesce(e.denials, 0),
           coalesce(e.concurrent_hosts, 0), e.concurrent_hosts_at, e.day < b.today, e.is_estimate
    FROM estimated AS e CROSS JOIN bounds AS b
    WHERE e.day >= b.first_day AND e.day <= b.last_day
    ORDER BY e.day
$f$ $q$, hll);
    -- The numbers of users are given out here, and mean nothing elsewhere.
    EXECUTE pg_catalog.format($q$
CREATE FUNCTION headcount_internal.sketched_days(sessions bytea, denials bytea) RETURNS SETOF headcount_internal.sketched_day
LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 10 SET search_path = pg_catalog, pg_temp AS $f$
    SELECT n.day, k.used, k.denied, headcount.cardinality(n.used)::integer, headcount.cardinality(n.denied)::integer,
           headcount.cardinality(headcount.user_set_union(n.used, n.denied))::integer, n.denials, n.concurrent_hosts, n.concurrent_hosts_at
    FROM headcount_internal.daily_sets(sessions, denials, NULL::bytea[]) AS n
         LEFT JOIN (SELECT u.day, %1$s AS used, %2$s AS denied FROM headcount_internal.daily_users(sessions, denials) AS u GROUP BY u.day) AS k ON k.day = n.day
$f$ $q$, headcount_internal.sketch_text('u.user_name', 'NOT u.is_denied'), headcount_internal.sketch_text('u.user_name', 'u.is_denied'));
END
$$;
COMMENT ON TYPE headcount_internal.sketched_day IS 'what is known of a day, or of a part of it, of a source without sets of users; the counts are NULL for parts';
COMMENT ON FUNCTION headcount_internal.sketched_days(bytea, bytea) IS
    'the days with something, with sketches of their users, from what daily_session_agg and daily_denial_agg collected';
COMMENT ON FUNCTION headcount_internal.sketched_report(regclass, headcount_internal.sketched_day[], text, integer, text, timestamptz, date, date, boolean) IS
    'the daily report from sketches of users by day; by source the planner finds what days are asked for';

-- All there is of the days that matter for those that are asked for: the last stored one before them is there to say that the report
-- has begun.
CREATE FUNCTION headcount_internal.sketched_rows(name text, options headcount_internal.options, model text, scope "char", condition text, part text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state    constant text := headcount_internal.state_of(name);
    -- of all days if all are the total
    first    constant text := CASE WHEN headcount_internal.is_trailing(model)
        THEN format('headcount_internal.days_before(headcount_internal.asked_from(%s), %s)', state, headcount_internal.window_days(model, options.window_days) - 1) END;
    slice    constant text := CASE WHEN part IS NOT NULL THEN 'd.slice, ' END;
BEGIN
    RETURN format($q$
      SELECT %1$sROW(d.day, d.used_sketch, d.denied_sketch, d.used_count, d.denied_count, d.daily_count, d.denials, d.concurrent_hosts, d.concurrent_hosts_at)::headcount_internal.sketched_day AS day
      FROM %2$I.stored_days AS d WHERE %3$s AND d.day <= headcount_internal.asked_to(%4$s)%5$s
      UNION ALL
      SELECT %1$sROW(k.day, d.used_sketch, d.denied_sketch, NULL, NULL, NULL, d.denials, d.concurrent_hosts, d.concurrent_hosts_at)::headcount_internal.sketched_day
      FROM %6$s WHERE %3$s
      UNION ALL
      SELECT %7$sn
      FROM %8$s
           CROSS JOIN LATERAL headcount_internal.sketched_days(s.state, d.state) AS n$q$,
        slice, name, condition, state,
        CASE WHEN first IS NULL THEN '' WHEN part IS NOT NULL THEN ' AND d.day >= ' || first
             ELSE format(' AND d.day >= coalesce((SELECT max(b.day) FROM %I.stored_days AS b WHERE b.scope = %L AND b.day < %s), %s)', name, scope, first, first) END,
        headcount_internal.parts_from(name), CASE WHEN part IS NOT NULL THEN 'coalesce(s.slice, d.slice), ' END,
        headcount_internal.collected(name, options, headcount_internal.model_scope(options.realtime_servers, model), part));
END
$$;
COMMENT ON FUNCTION headcount_internal.sketched_rows(text, headcount_internal.options, text, "char", text, text) IS
    'the query for what is known of the days that matter for a report, stored or not, from the condition for the stored rows d that it is about and the column to slice by, if there is one';

CREATE FUNCTION headcount_internal.sketched_report_text(name text, options headcount_internal.options, model text, days text, idle_days boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$headcount_internal.sketched_report(%1$s, %2$s, %3$L, %4$s, %5$L::text, headcount.as_of(), headcount_internal.asked_from(%1$s), headcount_internal.asked_to(%1$s), %6$L)$q$,
        headcount_internal.state_of(name), days, model, headcount_internal.window_days(model, options.window_days), options.time_zone, idle_days)
$$;
COMMENT ON FUNCTION headcount_internal.sketched_report_text(text, headcount_internal.options, text, text, boolean) IS 'the call that makes a report of sketches';

CREATE FUNCTION headcount_internal.sketched_daily_query(name text, options headcount_internal.options, model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope  constant "char" := headcount_internal.model_scope(options.realtime_servers, model);
    counts constant text := format('d.scope = %L', scope);
BEGIN
    RETURN format($q$
SELECT %s%s
FROM (SELECT array_agg(e.day) AS days FROM (%s) AS e) AS x
     CROSS JOIN LATERAL %s AS c%s
ORDER BY c.day$q$,
        headcount_internal.daily_columns(), headcount_internal.peak_columns(name, options, 'q.users', 'q.sessions', 'q.weight', 'c.approximate'),
        headcount_internal.sketched_rows(name, options, model, scope, counts), headcount_internal.sketched_report_text(name, options, model, 'x.days', true),
        headcount_internal.stored_peak_join(name, options, scope, counts, NULL));
END
$$;
COMMENT ON FUNCTION headcount_internal.sketched_daily_query(text, headcount_internal.options, text) IS
    'the query behind the daily report under one licensing model of a source without sets of users';

CREATE FUNCTION headcount_internal.sketched_slice_query(name text, options headcount_internal.options, part text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope  constant "char" := headcount_internal.model_scope(options.realtime_servers, options.licensing_model);
    stored constant "char" := headcount_internal.slice_scope(options, part, scope = 'r');
    counts constant text := headcount_internal.counted_slices(options, part, scope, stored);
BEGIN
    RETURN format($q$
SELECT %s%s
FROM (SELECT e.slice, array_agg(e.day) AS days FROM (%s) AS e (slice, day) GROUP BY e.slice) AS t
     CROSS JOIN LATERAL %s AS c%s
WHERE c.daily_users > 0 OR c.denial_users > 0 OR c.concurrent_hosts > 0
ORDER BY c.day, t.slice$q$,
        headcount_internal.daily_columns(format('t.slice AS %I', part)), headcount_internal.peak_columns(name, options, 'q.users', 'q.sessions', 'q.weight', 'c.approximate'),
        headcount_internal.sketched_rows(name, options, options.licensing_model, stored, counts, part),
        headcount_internal.sketched_report_text(name, options, options.licensing_model, 't.days', false),
        headcount_internal.stored_peak_join(name, options, scope, counts, part));
END
$$;
COMMENT ON FUNCTION headcount_internal.sketched_slice_query(text, headcount_internal.options, text) IS
    'the query behind the daily report by server, or by a dimension, of a source without sets of users';
