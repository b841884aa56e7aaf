-- The whole daily report in one pass: what the views of a source read.

CREATE TYPE headcount.daily_user_count AS (
    day                 date,
    total_users         integer,
    daily_users         integer,
    denial_users        integer,
    denials             integer,
    concurrent_hosts    integer,
    concurrent_hosts_at timestamptz,
    complete            boolean
);
COMMENT ON TYPE headcount.daily_user_count IS 'a row of the daily report';

-- The state is opaque bytes: it never outlives the query.
CREATE FUNCTION headcount.daily_report_add(bytea, text, text, timestamptz, timestamptz, boolean, text, text, integer, timestamptz) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_report_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount.daily_report_add(bytea, text, text, timestamptz, timestamptz, boolean, text, text, integer, timestamptz) IS 'transition function: a session or a denial';

CREATE FUNCTION headcount.daily_report_merge(bytea, bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_daily_report_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount.daily_report_merge(bytea, bytea) IS 'combine function: the rows of two states';

CREATE FUNCTION headcount.daily_report_final(bytea) RETURNS headcount.daily_user_count[]
    AS 'MODULE_PATHNAME', 'headcount_daily_report_final' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount.daily_report_final(bytea) IS 'final function: the rows of the report';

CREATE AGGREGATE headcount.daily_report_agg(user_name text, host text, started_at timestamptz, ended_at timestamptz, is_denial boolean,
                                            time_zone text, licensing_model text, window_days integer, as_of timestamptz) (
    SFUNC = headcount.daily_report_add, STYPE = bytea, SSPACE = 1000000,
    FINALFUNC = headcount.daily_report_final, COMBINEFUNC = headcount.daily_report_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.daily_report_agg(text, text, timestamptz, timestamptz, boolean, text, text, integer, timestamptz)
    IS 'the daily report from sessions and denials (started_at is when a denial was); NULL and empty names are nobody, the last four arguments are the same for all rows';
