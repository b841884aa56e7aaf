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

-- The states are opaque bytes: they are made to be handed to daily_report within the query.
CREATE FUNCTION headcount_internal.daily_session_add(bytea, text, text, timestamptz, timestamptz, text, timestamptz) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_session_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_session_add(bytea, text, text, timestamptz, timestamptz, text, timestamptz) IS 'transition function: a session';

CREATE FUNCTION headcount_internal.daily_session_add(bytea, text, text, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_session_add_within' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_session_add(bytea, text, text, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz) IS
    'transition function: what of a session is within a span';

CREATE FUNCTION headcount_internal.daily_denial_add(bytea, text, timestamptz, text, timestamptz) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_denial_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_denial_add(bytea, text, timestamptz, text, timestamptz) IS 'transition function: a denial';

CREATE FUNCTION headcount_internal.daily_merge(bytea, bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_merge(bytea, bytea) IS 'combine function: the rows of two states';

CREATE FUNCTION headcount_internal.daily_final(bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_final' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.daily_final(bytea) IS 'final function: what was collected, with the peak of each day in place of the events of hosts';

CREATE AGGREGATE headcount_internal.daily_session_agg(user_name text, host text, started_at timestamptz, ended_at timestamptz,
                                             time_zone text, as_of timestamptz) (
    SFUNC = headcount_internal.daily_session_add, STYPE = bytea, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_session_agg(text, text, timestamptz, timestamptz, text, timestamptz)
    IS 'sessions for daily_report; NULL and empty names are nobody, the last two arguments are the same for all rows';

CREATE AGGREGATE headcount_internal.daily_session_agg(user_name text, host text, started_at timestamptz, ended_at timestamptz,
                                             time_zone text, as_of timestamptz, from_at timestamptz, to_at timestamptz) (
    SFUNC = headcount_internal.daily_session_add, STYPE = bytea, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_session_agg(text, text, timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz)
    IS 'what of sessions is within [from_at, to_at), for daily_sets; NULL is no bound, and each row may have its own';

CREATE AGGREGATE headcount_internal.daily_denial_agg(user_name text, denied_at timestamptz, time_zone text, as_of timestamptz) (
    SFUNC = headcount_internal.daily_denial_add, STYPE = bytea, SSPACE = 50000,
    FINALFUNC = headcount_internal.daily_final, COMBINEFUNC = headcount_internal.daily_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.daily_denial_agg(text, timestamptz, text, timestamptz)
    IS 'denials for daily_report; NULL and empty names are nobody, the last two arguments are the same for all rows';

CREATE FUNCTION headcount_internal.daily_report(sessions bytea, denials bytea, licensing_model text DEFAULT '2019', window_days integer DEFAULT NULL)
    RETURNS SETOF headcount_internal.daily_user_count
    AS 'MODULE_PATHNAME', 'headcount_daily_report' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.daily_report(bytea, bytea, text, integer)
    IS 'the daily report from what daily_session_agg and daily_denial_agg collected; NULL is no rows, window_days NULL is what the model says';
