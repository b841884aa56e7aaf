-- The state of aggregates that nobody stores: bytes, which each aggregate reads and writes in its own way. A type of its own for the
-- sake of its text, in which Citus sends states from server to server: it is short (src/core/base/printable.hpp), and what is collected for
-- a daily report is packed for the wire (src/core/presence/packed_intervals.hpp).

CREATE TYPE headcount_internal.aggregate_state;

CREATE FUNCTION headcount_internal.aggregate_state_in(cstring) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_aggregate_state_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.aggregate_state_in(cstring) IS 'input function of type aggregate_state';

CREATE FUNCTION headcount_internal.aggregate_state_out(headcount_internal.aggregate_state) RETURNS cstring
    AS 'MODULE_PATHNAME', 'headcount_aggregate_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.aggregate_state_out(headcount_internal.aggregate_state) IS 'output function of type aggregate_state';

CREATE TYPE headcount_internal.aggregate_state (
    INPUT = headcount_internal.aggregate_state_in,
    OUTPUT = headcount_internal.aggregate_state_out,
    STORAGE = extended
);
COMMENT ON TYPE headcount_internal.aggregate_state IS 'the state of an aggregate, which other aggregates of its kind can be given within a query';

CREATE CAST (bytea AS headcount_internal.aggregate_state) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (bytea AS headcount_internal.aggregate_state) IS 'what a final function gave, as a state again';

CREATE CAST (headcount_internal.aggregate_state AS bytea) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (headcount_internal.aggregate_state AS bytea) IS 'the bytes of a state';
