-- What a presence can be asked. A NULL presence is empty, so none of these is STRICT.
-- COST: reading a presence is a walk over all of it, some thousand times the price of an operator.

CREATE FUNCTION headcount.presence_union(presence headcount.presence, other headcount.presence) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_union' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.presence_union(headcount.presence, headcount.presence) IS 'all that is in either presence';

CREATE OPERATOR headcount.|| (
    LEFTARG = headcount.presence, RIGHTARG = headcount.presence, FUNCTION = headcount.presence_union,
    COMMUTATOR = OPERATOR(headcount.||)
);
COMMENT ON OPERATOR headcount.|| (headcount.presence, headcount.presence) IS 'all that is in either presence';

CREATE FUNCTION headcount.presence_clip(presence headcount.presence, from_at timestamptz, to_at timestamptz)
    RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_clip' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.presence_clip(headcount.presence, timestamptz, timestamptz) IS 'the part of a presence within [from_at, to_at); NULL is no bound';

CREATE FUNCTION headcount.unique_count(presence headcount.presence) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_unique_count' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.unique_count(headcount.presence) IS 'the number of keys';

CREATE FUNCTION headcount.keys(presence headcount.presence) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'headcount_keys' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION headcount.keys(headcount.presence) IS 'the keys, in byte order';

CREATE FUNCTION headcount.intervals(presence headcount.presence, OUT key text, OUT started_at timestamptz, OUT ended_at timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_intervals' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10000;
COMMENT ON FUNCTION headcount.intervals(headcount.presence) IS 'every interval of every key; ended_at NULL is open';

CREATE FUNCTION headcount.keys_at(presence headcount.presence, at timestamptz) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'headcount_keys_at' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount.keys_at(headcount.presence, timestamptz) IS 'the keys present at an instant: the evidence behind a number';

CREATE FUNCTION headcount.concurrent_at(presence headcount.presence, at timestamptz) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_concurrent_at' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.concurrent_at(headcount.presence, timestamptz) IS 'the number of keys present at an instant';

CREATE FUNCTION headcount.max_concurrent(presence headcount.presence, from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity')
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_max_concurrent' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.max_concurrent(headcount.presence, timestamptz, timestamptz) IS 'the highest number of keys at once within [from_at, to_at)';

CREATE FUNCTION headcount.peak(presence headcount.presence, from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity',
                               OUT concurrent bigint, OUT at timestamptz, OUT until timestamptz)
    RETURNS record
    AS 'MODULE_PATHNAME', 'headcount_peak' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.peak(headcount.presence, timestamptz, timestamptz) IS 'the highest number of keys at once, when it was first reached and when that ended';

CREATE FUNCTION headcount.timeline(presence headcount.presence, from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity',
                                   OUT at timestamptz, OUT concurrent bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_timeline' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10000;
COMMENT ON FUNCTION headcount.timeline(headcount.presence, timestamptz, timestamptz) IS 'the number of keys present, at each instant where it changes within [from_at, to_at)';

CREATE FUNCTION headcount.time_at_level(presence headcount.presence, from_at timestamptz DEFAULT '-infinity', to_at timestamptz DEFAULT 'infinity',
                                        OUT concurrent bigint, OUT duration interval)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_time_at_level' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount.time_at_level(headcount.presence, timestamptz, timestamptz) IS 'how long each number of keys was present; level 0 only where both bounds are finite';
