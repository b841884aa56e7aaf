-- Peaks of sessions, and of what they weigh, by day: columns concurrent_sessions and concurrent_weight of the daily views. The state
-- is that of max_concurrent, of sessions that each count for themselves: nothing is united, and it can be sent and combined anywhere.

CREATE FUNCTION headcount_internal.level_add(headcount_internal.aggregate_state, timestamptz, timestamptz, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_level_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.level_add(headcount_internal.aggregate_state, timestamptz, timestamptz, timestamptz, timestamptz) IS 'transition function: what of a session is within a span';

CREATE FUNCTION headcount_internal.level_add(headcount_internal.aggregate_state, bigint, timestamptz, timestamptz, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_level_add_weight' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.level_add(headcount_internal.aggregate_state, bigint, timestamptz, timestamptz, timestamptz, timestamptz) IS 'transition function: what of a session is within a span, with what it weighs';

CREATE FUNCTION headcount_internal.level_final(headcount_internal.aggregate_state) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_level_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.level_final(headcount_internal.aggregate_state) IS 'final function: the state as it is, without free space';

CREATE AGGREGATE headcount_internal.level_agg(started_at timestamptz, ended_at timestamptz, from_at timestamptz, to_at timestamptz) (
    SFUNC = headcount_internal.level_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.level_final, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.level_agg(timestamptz, timestamptz, timestamptz, timestamptz) IS
    'what of sessions is within [from_at, to_at), for level_peaks; NULL is no bound, and each row may have its own';

CREATE AGGREGATE headcount_internal.level_agg(weight bigint, started_at timestamptz, ended_at timestamptz, from_at timestamptz, to_at timestamptz) (
    SFUNC = headcount_internal.level_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.level_final, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.level_agg(bigint, timestamptz, timestamptz, timestamptz, timestamptz) IS
    'the same with what each session weighs; NULL does not count';

CREATE FUNCTION headcount_internal.level_peaks(sessions headcount_internal.aggregate_state, time_zone text, as_of timestamptz, OUT day date, OUT concurrent bigint) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_level_peaks' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.level_peaks(headcount_internal.aggregate_state, text, timestamptz) IS
    'the most sessions that were there at once on each day up to that of as_of, or the most that they weighed, from what level_agg collected; days with nothing are left out';

CREATE TYPE headcount_internal.day_peaks AS (
    day                 date,
    concurrent_users    integer,
    concurrent_sessions integer,
    concurrent_weight   bigint
);
COMMENT ON TYPE headcount_internal.day_peaks IS 'the most users and sessions that were there at once on a day, and the most that sessions weighed';

CREATE FUNCTION headcount_internal.collected_peaks(users bytea, sessions headcount_internal.aggregate_state, weights headcount_internal.aggregate_state, time_zone text, as_of timestamptz)
RETURNS SETOF headcount_internal.day_peaks
LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.day, max(p.users), max(p.sessions)::integer, max(p.weight)
    FROM (SELECT u.day, u.concurrent AS users, NULL::bigint AS sessions, NULL::bigint AS weight FROM headcount_internal.daily_peaks(users) AS u
          UNION ALL SELECT s.day, NULL, s.concurrent, NULL FROM headcount_internal.level_peaks(sessions, time_zone, as_of) AS s
          UNION ALL SELECT w.day, NULL, NULL, w.concurrent FROM headcount_internal.level_peaks(weights, time_zone, as_of) AS w) AS p
    GROUP BY p.day
$$;
COMMENT ON FUNCTION headcount_internal.collected_peaks(bytea, headcount_internal.aggregate_state, headcount_internal.aggregate_state, text, timestamptz) IS
    'the peaks of the days of which something was collected: users as the hosts of daily_session_agg, sessions and weights by level_agg';
