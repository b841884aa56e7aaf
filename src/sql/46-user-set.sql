-- The type user_set: an exact set of user numbers. src/core/sets/user_set_bytes.hpp has its bytes.

CREATE TYPE headcount.user_set;

CREATE FUNCTION headcount_internal.user_set_in(cstring) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_in(cstring) IS 'input function of type user_set';

CREATE FUNCTION headcount_internal.user_set_out(headcount.user_set) RETURNS cstring
    AS 'MODULE_PATHNAME', 'headcount_user_set_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_out(headcount.user_set) IS 'output function of type user_set';

CREATE FUNCTION headcount_internal.user_set_recv(internal) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_recv(internal) IS 'binary input function of type user_set';

CREATE FUNCTION headcount_internal.user_set_send(headcount.user_set) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_user_set_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_send(headcount.user_set) IS 'binary output function of type user_set';

CREATE TYPE headcount.user_set (
    INPUT = headcount_internal.user_set_in,
    OUTPUT = headcount_internal.user_set_out,
    RECEIVE = headcount_internal.user_set_recv,
    SEND = headcount_internal.user_set_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE headcount.user_set IS 'an exact set of user numbers, from 0 to 2147483647, and of which dictionary they are';

-- Canonical bytes make equality plain: the same set, the same bytes.
CREATE FUNCTION headcount_internal.user_set_eq(headcount.user_set, headcount.user_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_user_set_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.user_set_eq(headcount.user_set, headcount.user_set) IS 'whether two sets hold the same numbers of the same dictionary';

CREATE FUNCTION headcount_internal.user_set_ne(headcount.user_set, headcount.user_set) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_user_set_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.user_set_ne(headcount.user_set, headcount.user_set) IS 'whether two sets differ';

CREATE FUNCTION headcount_internal.user_set_hash(headcount.user_set) RETURNS integer
    AS 'MODULE_PATHNAME', 'headcount_user_set_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.user_set_hash(headcount.user_set) IS 'hash of a set, the same on every machine';

CREATE FUNCTION headcount_internal.user_set_hash_extended(headcount.user_set, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_user_set_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.user_set_hash_extended(headcount.user_set, bigint) IS 'seeded 64-bit hash of a set';

CREATE OPERATOR headcount.= (
    LEFTARG = headcount.user_set, RIGHTARG = headcount.user_set, FUNCTION = headcount_internal.user_set_eq,
    COMMUTATOR = OPERATOR(headcount.=), NEGATOR = OPERATOR(headcount.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR headcount.= (headcount.user_set, headcount.user_set) IS 'same numbers of the same dictionary';

CREATE OPERATOR headcount.<> (
    LEFTARG = headcount.user_set, RIGHTARG = headcount.user_set, FUNCTION = headcount_internal.user_set_ne,
    COMMUTATOR = OPERATOR(headcount.<>), NEGATOR = OPERATOR(headcount.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR headcount.<> (headcount.user_set, headcount.user_set) IS 'not the same numbers';

CREATE OPERATOR FAMILY headcount.user_set_hash_ops USING hash;
COMMENT ON OPERATOR FAMILY headcount.user_set_hash_ops USING hash IS 'equality of sets of user numbers';
CREATE OPERATOR CLASS headcount.user_set_hash_ops
    DEFAULT FOR TYPE headcount.user_set USING hash FAMILY headcount.user_set_hash_ops AS
    OPERATOR 1 headcount.=,
    FUNCTION 1 headcount_internal.user_set_hash(headcount.user_set),
    FUNCTION 2 headcount_internal.user_set_hash_extended(headcount.user_set, bigint);
COMMENT ON OPERATOR CLASS headcount.user_set_hash_ops USING hash IS 'equality of sets of user numbers';

-- Aggregates. The state is a user_set; the transition functions edit it in place and refuse to be called by hand.
-- SSPACE is what a group of a dozen numbers takes.

CREATE FUNCTION headcount_internal.user_set_add(headcount.user_set, integer) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_add(headcount.user_set, integer) IS 'transition function: a user number';

CREATE FUNCTION headcount_internal.user_set_merge(headcount.user_set, headcount.user_set) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_merge(headcount.user_set, headcount.user_set) IS 'combine function: the union of two states';

CREATE FUNCTION headcount_internal.user_set_final(headcount.user_set) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_final(headcount.user_set) IS 'final function: the canonical set';

CREATE AGGREGATE headcount.user_set_agg(number integer) (
    SFUNC = headcount_internal.user_set_add, STYPE = headcount.user_set, SSPACE = 80,
    FINALFUNC = headcount_internal.user_set_final, COMBINEFUNC = headcount_internal.user_set_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.user_set_agg(integer) IS 'the set of the numbers; NULLs are skipped';

CREATE AGGREGATE headcount.user_set_union_agg(user_set headcount.user_set) (
    SFUNC = headcount_internal.user_set_merge, STYPE = headcount.user_set, SSPACE = 80,
    FINALFUNC = headcount_internal.user_set_final, COMBINEFUNC = headcount_internal.user_set_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.user_set_union_agg(headcount.user_set) IS 'the union of sets; NULLs are skipped';

-- A NULL set is empty, as a NULL presence is, so none of these is STRICT but for to_user_set.
-- COST: counting and looking up read the bytes as they are; algebra makes bitmaps of them first.

CREATE FUNCTION headcount.to_user_set(numbers integer[]) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_to_user_set' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount.to_user_set(integer[]) IS 'the set of the numbers in an array; NULL elements are skipped';

-- A set knows the dictionary that its numbers are of: each source numbers its own users. Sets of two dictionaries are refused.
CREATE FUNCTION headcount.to_user_set(numbers integer[], dictionary uuid) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_to_user_set' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount.to_user_set(integer[], uuid) IS 'the set of the numbers in an array as users of a dictionary; NULL elements are skipped';

CREATE FUNCTION headcount.dictionary_of(user_set headcount.user_set) RETURNS uuid
    AS 'MODULE_PATHNAME', 'headcount_user_set_dictionary' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount.dictionary_of(headcount.user_set) IS 'the dictionary that the numbers of a set are of; NULL if they are just numbers, and for the empty set';

CREATE FUNCTION headcount_internal.in_dictionary(numbers headcount.user_set, dictionary uuid) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_in_dictionary' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.in_dictionary(headcount.user_set, uuid) IS 'the numbers of a set as users of a dictionary, whatever they were';

CREATE FUNCTION headcount.user_set_union(user_set headcount.user_set, other headcount.user_set) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_union' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.user_set_union(headcount.user_set, headcount.user_set) IS 'all that is in either set';

CREATE FUNCTION headcount.user_set_intersection(user_set headcount.user_set, other headcount.user_set) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_intersection' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.user_set_intersection(headcount.user_set, headcount.user_set) IS 'what is in both sets';

CREATE FUNCTION headcount.user_set_difference(user_set headcount.user_set, other headcount.user_set) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_difference' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.user_set_difference(headcount.user_set, headcount.user_set) IS 'what is in the first set and not in the other';

CREATE FUNCTION headcount.cardinality(user_set headcount.user_set) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_user_set_cardinality' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount.cardinality(headcount.user_set) IS 'how many numbers there are';

CREATE FUNCTION headcount.union_cardinality(user_set headcount.user_set, other headcount.user_set) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_user_set_union_cardinality' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.union_cardinality(headcount.user_set, headcount.user_set) IS 'how many numbers are in either set, without making their union';

CREATE FUNCTION headcount.intersection_cardinality(user_set headcount.user_set, other headcount.user_set) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_user_set_intersection_cardinality' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount.intersection_cardinality(headcount.user_set, headcount.user_set) IS 'how many numbers are in both sets, without making their intersection';

CREATE FUNCTION headcount.contains(user_set headcount.user_set, number integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_user_set_contains' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount.contains(headcount.user_set, integer) IS 'whether a number is in the set';

CREATE FUNCTION headcount.members(user_set headcount.user_set) RETURNS SETOF integer
    AS 'MODULE_PATHNAME', 'headcount_user_set_members' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION headcount.members(headcount.user_set) IS 'the numbers, ascending';

CREATE OPERATOR headcount.| (
    LEFTARG = headcount.user_set, RIGHTARG = headcount.user_set, FUNCTION = headcount.user_set_union,
    COMMUTATOR = OPERATOR(headcount.|)
);
COMMENT ON OPERATOR headcount.| (headcount.user_set, headcount.user_set) IS 'all that is in either set';

CREATE OPERATOR headcount.& (
    LEFTARG = headcount.user_set, RIGHTARG = headcount.user_set, FUNCTION = headcount.user_set_intersection,
    COMMUTATOR = OPERATOR(headcount.&)
);
COMMENT ON OPERATOR headcount.& (headcount.user_set, headcount.user_set) IS 'what is in both sets';

CREATE OPERATOR headcount.- (
    LEFTARG = headcount.user_set, RIGHTARG = headcount.user_set, FUNCTION = headcount.user_set_difference
);
COMMENT ON OPERATOR headcount.- (headcount.user_set, headcount.user_set) IS 'what is in the first set and not in the other';

CREATE OPERATOR headcount.@> (
    LEFTARG = headcount.user_set, RIGHTARG = integer, FUNCTION = headcount.contains, RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR headcount.@> (headcount.user_set, integer) IS 'whether a number is in the set';
