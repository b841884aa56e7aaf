-- How many there were, for how long: what the functions of src/source/87-sizing.sql ask of a presence.

-- The state of presence_agg as it is: what reads it at once needs no canonical bytes of it.
CREATE AGGREGATE headcount_internal.presence_state(key text, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.presence_add, STYPE = headcount.presence, SSPACE = 256,
    COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.presence_state(text, timestamptz, timestamptz) IS 'who was present when, to be read at once and not to be kept';

CREATE FUNCTION headcount_internal.presence_add(headcount.presence, timestamptz, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_session' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add(headcount.presence, timestamptz, timestamptz) IS 'transition function: a session that counts for itself';

CREATE AGGREGATE headcount_internal.presence_state(started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.presence_add, STYPE = headcount.presence, SSPACE = 256,
    COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.presence_state(timestamptz, timestamptz) IS 'sessions that count for themselves, to be read at once and not to be kept';

CREATE FUNCTION headcount_internal.level_times(presence headcount.presence, from_at timestamptz, to_at timestamptz, time_zone text, hours integer, weekdays integer,
                                               OUT concurrent integer, OUT duration interval, OUT share float8, OUT at_most_share float8) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_level_times' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount_internal.level_times(headcount.presence, timestamptz, timestamptz, text, integer, integer) IS
    'for how long each number of keys was present, what part of the time that is, and this or less: in some hours of the day and on some days of the week, a bit each, from 0 on and from Monday on';

CREATE FUNCTION headcount_internal.week_levels(presence headcount.presence, from_at timestamptz, to_at timestamptz, time_zone text,
                                               OUT weekday integer, OUT hour integer, OUT peak integer, OUT mean float8, OUT p95 integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_week_levels' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 168;
COMMENT ON FUNCTION headcount_internal.week_levels(headcount.presence, timestamptz, timestamptz, text) IS
    'how many keys were present in each hour of the week: at most, on average, and at most for 95 % of the time';

CREATE FUNCTION headcount_internal.capacities(presence headcount.presence, from_at timestamptz, to_at timestamptz,
                                              OUT capacity integer, OUT refused integer, OUT refused_share float8, OUT lacking_for interval) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_capacities' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount_internal.capacities(headcount.presence, timestamptz, timestamptz) IS
    'how many starts each capacity would have turned away, and for how long more were present than that';

-- The same of sessions with weights, collected by level_agg.
CREATE FUNCTION headcount_internal.weight_times(sessions headcount_internal.aggregate_state, from_at timestamptz, to_at timestamptz, time_zone text, hours integer, weekdays integer,
                                               OUT concurrent integer, OUT duration interval, OUT share float8, OUT at_most_share float8) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_weight_times' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount_internal.weight_times(headcount_internal.aggregate_state, timestamptz, timestamptz, text, integer, integer) IS
    'for how long sessions weighed how much, and what part of the time that is, and this or less';

CREATE FUNCTION headcount_internal.week_weights(sessions headcount_internal.aggregate_state, from_at timestamptz, to_at timestamptz, time_zone text,
                                               OUT weekday integer, OUT hour integer, OUT peak integer, OUT mean float8, OUT p95 integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_week_weights' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 168;
COMMENT ON FUNCTION headcount_internal.week_weights(headcount_internal.aggregate_state, timestamptz, timestamptz, text) IS
    'how much sessions weighed in each hour of the week: at most, on average, and at most for 95 % of the time';

CREATE FUNCTION headcount_internal.weight_capacities(sessions headcount_internal.aggregate_state, from_at timestamptz, to_at timestamptz,
                                              OUT capacity integer, OUT refused integer, OUT refused_share float8, OUT lacking_for interval) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_weight_capacities' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount_internal.weight_capacities(headcount_internal.aggregate_state, timestamptz, timestamptz) IS
    'how many starts each capacity would have turned away by what they weigh, and for how long sessions weighed more than that';

CREATE FUNCTION headcount_internal.times_present(presence headcount.presence, from_at timestamptz, to_at timestamptz, OUT key text, OUT duration interval) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_times_present' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10000;
COMMENT ON FUNCTION headcount_internal.times_present(headcount.presence, timestamptz, timestamptz) IS 'for how long each key was present, those left out that were not at all';
