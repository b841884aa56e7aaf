-- What is stored of days: users as sets of numbers, numbers of denials, peaks.

CREATE TYPE headcount.daily_set AS (
    day                 date,
    used                headcount.user_set,
    denied              headcount.user_set,
    denials             integer,
    concurrent_hosts    integer,
    concurrent_hosts_at timestamptz
);
COMMENT ON TYPE headcount.daily_set IS 'a day with its users as sets of numbers';

CREATE FUNCTION headcount.daily_names(sessions bytea, denials bytea) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'headcount_daily_names' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount.daily_names(bytea, bytea) IS
    'the users that daily_session_agg and daily_denial_agg collected, each once';

CREATE FUNCTION headcount.daily_users(sessions bytea, denials bytea, OUT day date, OUT user_name text, OUT is_denied boolean) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_users' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10000;
COMMENT ON FUNCTION headcount.daily_users(bytea, bytea) IS
    'the users of each day that daily_session_agg and daily_denial_agg collected: those with a session, and those that were denied';

CREATE FUNCTION headcount.daily_sets(sessions bytea, denials bytea, names text[], numbers integer[]) RETURNS SETOF headcount.daily_set
    AS 'MODULE_PATHNAME', 'headcount_daily_sets' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount.daily_sets(bytea, bytea, text[], integer[]) IS
    'the days with something, from what daily_session_agg and daily_denial_agg collected: names and numbers say what number a user has, those who have none are numbered from 1073741824 on';

CREATE FUNCTION headcount.daily_peaks(sessions bytea, OUT day date, OUT concurrent integer, OUT at timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_peaks' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount.daily_peaks(bytea) IS
    'the most hosts that were there at once on each day, from what daily_session_agg collected, and when that was for the first time';
