-- The civil days that sessions meet, as the triggers on a table of sessions log them. It gives
-- {from, to, from, to, ...}, both days inclusive, sorted, at most 64 pairs; the last day may be 'infinity'.

CREATE FUNCTION headcount_internal.changed_days_add(internal, timestamptz, timestamptz, text) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_changed_days_add' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.changed_days_add(internal, timestamptz, timestamptz, text) IS 'transition function: a session that was inserted or deleted';

CREATE FUNCTION headcount_internal.changed_days_final(internal) RETURNS date[]
    AS 'MODULE_PATHNAME', 'headcount_changed_days_final' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.changed_days_final(internal) IS 'final function: pairs of days, NULL where nothing changed';

CREATE AGGREGATE headcount_internal.changed_days_agg(started_at timestamptz, ended_at timestamptz, time_zone text) (
    SFUNC = headcount_internal.changed_days_add, STYPE = internal, SSPACE = 512,
    FINALFUNC = headcount_internal.changed_days_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.changed_days_agg(timestamptz, timestamptz, text)
    IS 'the civil days that sessions meet, as {from, to, from, to, ...}; time_zone is that of the first row';
