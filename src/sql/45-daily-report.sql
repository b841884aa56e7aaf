-- The daily report in one pass over the sessions and one over the denials: what the views of a source read.

CREATE TYPE headcount_internal.daily_user_count AS (
    day                 date,
    total_users         integer,
    daily_users         integer,
    denial_users        integer,
    denials             integer,
    concurrent_hosts    integer,
    concurrent_hosts_at timestamptz,
    complete            boolean
);
COMMENT ON TYPE headcount_internal.daily_user_count IS 'a row of the daily report';

-- Memory that a query shares with its parallel workers (src/pg/shared_area.hpp). A subselect asks for it:
-- (SELECT headcount_internal.shared_area()) is computed once, by the leader, and handed to the workers as a value.
CREATE TYPE headcount_internal.shared_area;

CREATE FUNCTION headcount_internal.shared_area_in(cstring) RETURNS headcount_internal.shared_area
    AS 'MODULE_PATHNAME', 'headcount_shared_area_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.shared_area_in(cstring) IS 'input function of type shared_area, which reads the word none only';

CREATE FUNCTION headcount_internal.shared_area_out(headcount_internal.shared_area) RETURNS cstring
    AS 'MODULE_PATHNAME', 'headcount_shared_area_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.shared_area_out(headcount_internal.shared_area) IS 'output function of type shared_area, which writes the word none';

CREATE TYPE headcount_internal.shared_area (
    INPUT = headcount_internal.shared_area_in,
    OUTPUT = headcount_internal.shared_area_out,
    INTERNALLENGTH = 16,
    ALIGNMENT = double
);
COMMENT ON TYPE headcount_internal.shared_area IS 'memory in which the processes of one query collect rows together; means nothing to other queries';

-- Volatile it would fence off the views: PostgreSQL would get no condition from outside into WITH c AS (SELECT … FROM view).
-- A subselect is evaluated once, whatever it is.
CREATE FUNCTION headcount_internal.shared_area() RETURNS headcount_internal.shared_area
    AS 'MODULE_PATHNAME', 'headcount_shared_area' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION headcount_internal.shared_area() IS
    'makes an area for the query that calls it, or none if it could not be used; for a subselect that is the last argument of daily_session_agg or daily_denial_agg';

-- The states are opaque bytes: they are made to be handed to daily_report within the query.
CREATE FUNCTION headcount_internal.daily_session_add(headcount_internal.aggregate_state, text, text, timestamptz, timestamptz, text, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_daily_session_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_session_add(headcount_internal.aggregate_state, text, text, timestamptz, timestamptz, text, timestamptz) IS 'transition function: a session';

CREATE FUNCTION headcount_internal.daily_session_add(headcount_internal.aggregate_state, text, text, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_daily_session_add_within' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_session_add(headcount_internal.aggregate_state, text, text, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz) IS
    'transition function: what of a session is within a span';

CREATE FUNCTION headcount_internal.daily_session_add(headcount_internal.aggregate_state, text, text, timestamptz, timestamptz, text, timestamptz, text, integer, headcount_internal.shared_area, headcount_internal.shared_area)
    RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_daily_session_add_shared' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_session_add(headcount_internal.aggregate_state, text, text, timestamptz, timestamptz, text, timestamptz, text, integer, headcount_internal.shared_area, headcount_internal.shared_area) IS
    'transition function: a session, collected with the other processes of the query';

CREATE FUNCTION headcount_internal.daily_denial_add(headcount_internal.aggregate_state, text, timestamptz, text, timestamptz, headcount_internal.shared_area) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_daily_denial_add_shared' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_denial_add(headcount_internal.aggregate_state, text, timestamptz, text, timestamptz, headcount_internal.shared_area) IS
    'transition function: a denial, collected with the other processes of the query';

CREATE FUNCTION headcount_internal.daily_denial_add(headcount_internal.aggregate_state, text, timestamptz, text, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_daily_denial_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_denial_add(headcount_internal.aggregate_state, text, timestamptz, text, timestamptz) IS 'transition function: a denial';

CREATE FUNCTION headcount_internal.daily_merge(headcount_internal.aggregate_state, headcount_internal.aggregate_state) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_daily_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_merge(headcount_internal.aggregate_state, headcount_internal.aggregate_state) IS 'combine function: the rows of two states';

CREATE FUNCTION headcount_internal.daily_final(headcount_internal.aggregate_state) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_final' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_final(headcount_internal.aggregate_state) IS 'final function: what was collected, with the peak of each day in place of the events of hosts';

CREATE AGGREGATE headcount_internal.daily_session_agg(user_name text, host text, started_at timestamptz, ended_at timestamptz,
                                             time_zone text, as_of timestamptz) (
    SFUNC = headcount_internal.daily_session_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_session_agg(text, text, timestamptz, timestamptz, text, timestamptz)
    IS 'sessions for daily_report; NULL and empty names are nobody, the last two arguments are the same for all rows';

CREATE AGGREGATE headcount_internal.daily_session_agg(user_name text, host text, started_at timestamptz, ended_at timestamptz,
                                             time_zone text, as_of timestamptz, from_at timestamptz, to_at timestamptz) (
    SFUNC = headcount_internal.daily_session_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_session_agg(text, text, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz)
    IS 'what of sessions is within [from_at, to_at), for daily_sets; NULL is no bound, and each row may have its own';

CREATE AGGREGATE headcount_internal.daily_denial_agg(user_name text, denied_at timestamptz, time_zone text, as_of timestamptz) (
    SFUNC = headcount_internal.daily_denial_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_denial_agg(text, timestamptz, text, timestamptz)
    IS 'denials for daily_report; NULL and empty names are nobody, the last two arguments are the same for all rows';

-- All of a query in one area: the processes fill the same tables, and count together. Only within the query that collects
-- can the result be read.
CREATE AGGREGATE headcount_internal.daily_session_agg(user_name text, host text, started_at timestamptz, ended_at timestamptz,
                                             time_zone text, as_of timestamptz, licensing_model text, window_days integer,
                                             denials headcount_internal.shared_area, area headcount_internal.shared_area) (
    SFUNC = headcount_internal.daily_session_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_session_agg(text, text, timestamptz, timestamptz, text, timestamptz, text, integer, headcount_internal.shared_area, headcount_internal.shared_area)
    IS 'sessions for daily_report under a licensing model, collected together by the processes of a query; denials says where daily_denial_agg collected those who are users too, window_days NULL is what the model says';

CREATE AGGREGATE headcount_internal.daily_denial_agg(user_name text, denied_at timestamptz, time_zone text, as_of timestamptz,
                                            area headcount_internal.shared_area) (
    SFUNC = headcount_internal.daily_denial_add, STYPE = headcount_internal.aggregate_state, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_denial_agg(text, timestamptz, text, timestamptz, headcount_internal.shared_area)
    IS 'denials for daily_report, collected together by the processes of a query';

CREATE FUNCTION headcount_internal.collected_area(denials bytea) RETURNS headcount_internal.shared_area
    AS 'MODULE_PATHNAME', 'headcount_collected_area' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.collected_area(bytea) IS
    'where daily_denial_agg collected, for daily_session_agg, which the parallel workers of the sessions can look at; none if it was not there';

CREATE FUNCTION headcount_internal.daily_report(sessions bytea, denials bytea, licensing_model text DEFAULT '2019', window_days integer DEFAULT NULL)
    RETURNS SETOF headcount_internal.daily_user_count
    AS 'MODULE_PATHNAME', 'headcount_daily_report' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.daily_report(bytea, bytea, text, integer)
    IS 'the daily report from what daily_session_agg and daily_denial_agg collected; NULL is no rows, window_days NULL is what the model says';

-- What a view of a source of which nothing is stored makes of it: beside the days that are asked for there may be nothing.
CREATE FUNCTION headcount_internal.live_report(source regclass, sessions bytea, denials bytea, licensing_model text, window_days integer, time_zone text, as_of timestamptz,
        has_earlier boolean, from_day date, to_day date)
    RETURNS SETOF headcount_internal.daily_user_count
    AS 'MODULE_PATHNAME', 'headcount_live_report' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.live_report(regclass, bytea, bytea, text, integer, text, timestamptz, boolean, date, date)
    IS 'the rows of the daily report from from_day to to_day, NULL and infinity being no bounds, from what was collected of these days and of those before that matter for them; has_earlier says that something counts before from_day; by source the planner finds what days are asked for';

CREATE FUNCTION headcount_internal.collected_before(sessions bytea, denials bytea, at timestamptz) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_collected_before' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.collected_before(bytea, bytea, timestamptz)
    IS 'whether anything that daily_session_agg and daily_denial_agg collected is before an instant';
