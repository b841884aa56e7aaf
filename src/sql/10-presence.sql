-- The type presence: src/core/presence/presence_bytes.hpp has its bytes.

CREATE TYPE headcount.presence;

CREATE FUNCTION headcount_internal.presence_in(cstring) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_in(cstring) IS 'input function of type presence';

CREATE FUNCTION headcount_internal.presence_out(headcount.presence) RETURNS cstring
    AS 'MODULE_PATHNAME', 'headcount_presence_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_out(headcount.presence) IS 'output function of type presence';

CREATE FUNCTION headcount_internal.presence_recv(internal) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_recv(internal) IS 'binary input function of type presence';

CREATE FUNCTION headcount_internal.presence_send(headcount.presence) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_presence_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_send(headcount.presence) IS 'binary output function of type presence';

CREATE TYPE headcount.presence (
    INPUT = headcount_internal.presence_in,
    OUTPUT = headcount_internal.presence_out,
    RECEIVE = headcount_internal.presence_recv,
    SEND = headcount_internal.presence_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE headcount.presence IS 'who was present when: a set of keys, each with disjoint intervals';

-- Canonical bytes make equality plain: the same set, the same bytes.
CREATE FUNCTION headcount_internal.presence_eq(headcount.presence, headcount.presence) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_presence_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.presence_eq(headcount.presence, headcount.presence) IS 'whether two presences hold the same keys at the same times';

CREATE FUNCTION headcount_internal.presence_ne(headcount.presence, headcount.presence) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_presence_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.presence_ne(headcount.presence, headcount.presence) IS 'whether two presences differ';

CREATE FUNCTION headcount_internal.presence_hash(headcount.presence) RETURNS integer
    AS 'MODULE_PATHNAME', 'headcount_presence_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.presence_hash(headcount.presence) IS 'hash of a presence, the same on every machine';

CREATE FUNCTION headcount_internal.presence_hash_extended(headcount.presence, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_presence_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.presence_hash_extended(headcount.presence, bigint) IS 'seeded 64-bit hash of a presence';

CREATE OPERATOR headcount.= (
    LEFTARG = headcount.presence, RIGHTARG = headcount.presence, FUNCTION = headcount_internal.presence_eq,
    COMMUTATOR = OPERATOR(headcount.=), NEGATOR = OPERATOR(headcount.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR headcount.= (headcount.presence, headcount.presence) IS 'same keys at the same times';

CREATE OPERATOR headcount.<> (
    LEFTARG = headcount.presence, RIGHTARG = headcount.presence, FUNCTION = headcount_internal.presence_ne,
    COMMUTATOR = OPERATOR(headcount.<>), NEGATOR = OPERATOR(headcount.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR headcount.<> (headcount.presence, headcount.presence) IS 'not the same keys at the same times';

CREATE OPERATOR FAMILY headcount.presence_hash_ops USING hash;
COMMENT ON OPERATOR FAMILY headcount.presence_hash_ops USING hash IS 'equality of presences';
CREATE OPERATOR CLASS headcount.presence_hash_ops
    DEFAULT FOR TYPE headcount.presence USING hash FAMILY headcount.presence_hash_ops AS
    OPERATOR 1 headcount.=,
    FUNCTION 1 headcount_internal.presence_hash(headcount.presence),
    FUNCTION 2 headcount_internal.presence_hash_extended(headcount.presence, bigint);
COMMENT ON OPERATOR CLASS headcount.presence_hash_ops USING hash IS 'equality of presences';
