-- unique_count over sets: how many numbers are in any of them, made for windows over days.
-- A frame that only grows has a user_set as its state, which counts its containers. A frame that leaves rows behind has
-- a counter for each number (src/core/sets/multiset_counter.hpp), so that a row costs no more than its own numbers.

CREATE FUNCTION headcount_internal.user_set_merge(headcount.user_set, headcount.user_set, headcount.user_set) RETURNS headcount.user_set
    AS 'MODULE_PATHNAME', 'headcount_user_set_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_merge(headcount.user_set, headcount.user_set, headcount.user_set) IS 'transition function: two sets';

CREATE FUNCTION headcount_internal.user_set_counts_add(internal, headcount.user_set) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_user_set_counts_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_counts_add(internal, headcount.user_set) IS 'transition function of a moving frame: a set';

CREATE FUNCTION headcount_internal.user_set_counts_add(internal, headcount.user_set, headcount.user_set) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_user_set_counts_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_counts_add(internal, headcount.user_set, headcount.user_set) IS 'transition function of a moving frame: two sets';

CREATE FUNCTION headcount_internal.user_set_counts_remove(internal, headcount.user_set) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_user_set_counts_remove' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_counts_remove(internal, headcount.user_set) IS 'inverse transition function of a moving frame: a set';

CREATE FUNCTION headcount_internal.user_set_counts_remove(internal, headcount.user_set, headcount.user_set) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_user_set_counts_remove' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_counts_remove(internal, headcount.user_set, headcount.user_set) IS 'inverse transition function of a moving frame: two sets';

CREATE FUNCTION headcount_internal.user_set_counts_final(internal) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_user_set_counts_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.user_set_counts_final(internal) IS 'final function of a moving frame: how many numbers there are';

CREATE AGGREGATE headcount.unique_count(user_set headcount.user_set) (
    SFUNC = headcount_internal.user_set_merge, STYPE = headcount.user_set, SSPACE = 80,
    FINALFUNC = headcount.cardinality, COMBINEFUNC = headcount_internal.user_set_merge, PARALLEL = SAFE,
    MSFUNC = headcount_internal.user_set_counts_add, MINVFUNC = headcount_internal.user_set_counts_remove, MSTYPE = internal,
    MFINALFUNC = headcount_internal.user_set_counts_final
);
COMMENT ON AGGREGATE headcount.unique_count(headcount.user_set) IS 'how many numbers are in any of the sets; a NULL set is empty';

CREATE AGGREGATE headcount.unique_count(user_set headcount.user_set, other headcount.user_set) (
    SFUNC = headcount_internal.user_set_merge, STYPE = headcount.user_set, SSPACE = 80,
    FINALFUNC = headcount.cardinality, COMBINEFUNC = headcount_internal.user_set_merge, PARALLEL = SAFE,
    MSFUNC = headcount_internal.user_set_counts_add, MINVFUNC = headcount_internal.user_set_counts_remove, MSTYPE = internal,
    MFINALFUNC = headcount_internal.user_set_counts_final
);
COMMENT ON AGGREGATE headcount.unique_count(headcount.user_set, headcount.user_set) IS 'how many numbers are in any of the sets of either column; a NULL set is empty';
