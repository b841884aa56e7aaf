-- Aggregates. The state of those that give a presence is one; unique_count and max_concurrent keep no more than they are
-- asked for, in bytes of their own. Any state can be sent and combined anywhere; transition functions refuse to be called
-- by hand, since they edit their state in place.
--
-- SSPACE is what a group of some five rows takes; the planner cannot know how many rows a group will have.

CREATE FUNCTION headcount_internal.presence_add(headcount.presence, text, timestamptz, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add(headcount.presence, text, timestamptz, timestamptz) IS 'transition function: a session of a text key';

CREATE FUNCTION headcount_internal.presence_add(headcount.presence, bigint, timestamptz, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add(headcount.presence, bigint, timestamptz, timestamptz) IS 'transition function: a session of a bigint key';

CREATE FUNCTION headcount_internal.presence_add(headcount.presence, uuid, timestamptz, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add(headcount.presence, uuid, timestamptz, timestamptz) IS 'transition function: a session of a uuid key';

CREATE FUNCTION headcount_internal.presence_add_instant(headcount.presence, text, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_instant_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add_instant(headcount.presence, text, timestamptz) IS 'transition function: an instant of a text key';

CREATE FUNCTION headcount_internal.presence_add_instant(headcount.presence, bigint, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_instant_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add_instant(headcount.presence, bigint, timestamptz) IS 'transition function: an instant of a bigint key';

CREATE FUNCTION headcount_internal.presence_add_instant(headcount.presence, uuid, timestamptz) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_instant_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add_instant(headcount.presence, uuid, timestamptz) IS 'transition function: an instant of a uuid key';

-- How long a key may go unseen: an interval, under another name. presence_agg(key, started_at, NULL) would otherwise be ambiguous; of this
-- category timestamptz is the preferred type, so a bare NULL or string is that.
CREATE TYPE headcount_internal.gap;
CREATE FUNCTION headcount_internal.gap_in(cstring, oid, integer) RETURNS headcount_internal.gap AS 'interval_in' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.gap_in(cstring, oid, integer) IS 'input function: as of an interval';
CREATE FUNCTION headcount_internal.gap_out(headcount_internal.gap) RETURNS cstring AS 'interval_out' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.gap_out(headcount_internal.gap) IS 'output function: as of an interval';
CREATE FUNCTION headcount_internal.gap_recv(internal, oid, integer) RETURNS headcount_internal.gap AS 'interval_recv' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.gap_recv(internal, oid, integer) IS 'binary input function: as of an interval';
CREATE FUNCTION headcount_internal.gap_send(headcount_internal.gap) RETURNS bytea AS 'interval_send' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.gap_send(headcount_internal.gap) IS 'binary output function: as of an interval';
CREATE TYPE headcount_internal.gap (
    INPUT = headcount_internal.gap_in, OUTPUT = headcount_internal.gap_out, RECEIVE = headcount_internal.gap_recv, SEND = headcount_internal.gap_send,
    LIKE = interval, CATEGORY = 'D'
);
COMMENT ON TYPE headcount_internal.gap IS 'an interval, as presence_agg takes it for how long a key may go unseen';
CREATE CAST (interval AS headcount_internal.gap) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (interval AS headcount_internal.gap) IS 'so that intervals can be passed';

CREATE FUNCTION headcount_internal.presence_add_polled(headcount.presence, text, timestamptz, headcount_internal.gap) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_polled_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add_polled(headcount.presence, text, timestamptz, headcount_internal.gap) IS 'transition function: an instant at which a text key was seen, with how long it may go unseen';

CREATE FUNCTION headcount_internal.presence_stays_text(headcount.presence) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_stays_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_stays_text(headcount.presence) IS 'final function: the stays of text keys, each from the first to the last instant at which the key was seen';

CREATE FUNCTION headcount_internal.presence_add_polled(headcount.presence, bigint, timestamptz, headcount_internal.gap) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_polled_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add_polled(headcount.presence, bigint, timestamptz, headcount_internal.gap) IS 'transition function: an instant at which a bigint key was seen, with how long it may go unseen';

CREATE FUNCTION headcount_internal.presence_stays_bigint(headcount.presence) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_stays_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_stays_bigint(headcount.presence) IS 'final function: the stays of bigint keys, each from the first to the last instant at which the key was seen';

CREATE FUNCTION headcount_internal.presence_add_polled(headcount.presence, uuid, timestamptz, headcount_internal.gap) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_add_polled_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_add_polled(headcount.presence, uuid, timestamptz, headcount_internal.gap) IS 'transition function: an instant at which a uuid key was seen, with how long it may go unseen';

CREATE FUNCTION headcount_internal.presence_stays_uuid(headcount.presence) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_stays_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_stays_uuid(headcount.presence) IS 'final function: the stays of uuid keys, each from the first to the last instant at which the key was seen';

CREATE FUNCTION headcount_internal.presence_merge(headcount.presence, headcount.presence) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_merge(headcount.presence, headcount.presence) IS 'combine function: the union of two states';

CREATE FUNCTION headcount_internal.presence_final(headcount.presence) RETURNS headcount.presence
    AS 'MODULE_PATHNAME', 'headcount_presence_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.presence_final(headcount.presence) IS 'final function: the canonical presence';

CREATE FUNCTION headcount_internal.unique_keys_add(headcount_internal.aggregate_state, text) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_unique_keys_add_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.unique_keys_add(headcount_internal.aggregate_state, text) IS 'transition function: a text key';

CREATE FUNCTION headcount_internal.unique_keys_add(headcount_internal.aggregate_state, bigint) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_unique_keys_add_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.unique_keys_add(headcount_internal.aggregate_state, bigint) IS 'transition function: a bigint key';

CREATE FUNCTION headcount_internal.unique_keys_add(headcount_internal.aggregate_state, uuid) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_unique_keys_add_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.unique_keys_add(headcount_internal.aggregate_state, uuid) IS 'transition function: a uuid key';

CREATE FUNCTION headcount_internal.unique_keys_merge(headcount_internal.aggregate_state, headcount_internal.aggregate_state) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_unique_keys_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.unique_keys_merge(headcount_internal.aggregate_state, headcount_internal.aggregate_state) IS 'combine function: all keys of two states';

CREATE FUNCTION headcount_internal.unique_keys_count(headcount_internal.aggregate_state) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_unique_keys_count' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.unique_keys_count(headcount_internal.aggregate_state) IS 'final function: the number of keys';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, text, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, text, timestamptz, timestamptz) IS 'transition function: a session of a text key';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, bigint, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, bigint, timestamptz, timestamptz) IS 'transition function: a session of a bigint key';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, uuid, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, uuid, timestamptz, timestamptz) IS 'transition function: a session of a uuid key';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_session' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, timestamptz, timestamptz) IS 'transition function: a session that counts for itself';

CREATE FUNCTION headcount_internal.concurrent_merge(headcount_internal.aggregate_state, headcount_internal.aggregate_state) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_merge' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_merge(headcount_internal.aggregate_state, headcount_internal.aggregate_state) IS 'combine function: all sessions of two states';

CREATE FUNCTION headcount_internal.concurrent_highest(headcount_internal.aggregate_state) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_concurrent_highest' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_highest(headcount_internal.aggregate_state) IS 'final function: the highest number of keys at once';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, text, bigint, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_weighted_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, text, bigint, timestamptz, timestamptz) IS 'transition function: a session of a text key, with what it weighs';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, bigint, bigint, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_weighted_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, bigint, bigint, timestamptz, timestamptz) IS 'transition function: a session of a bigint key, with what it weighs';

CREATE FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, uuid, bigint, timestamptz, timestamptz) RETURNS headcount_internal.aggregate_state
    AS 'MODULE_PATHNAME', 'headcount_concurrent_add_weighted_uuid' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_add(headcount_internal.aggregate_state, uuid, bigint, timestamptz, timestamptz) IS 'transition function: a session of a uuid key, with what it weighs';

CREATE FUNCTION headcount_internal.concurrent_highest_weight(headcount_internal.aggregate_state) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_concurrent_highest_weight' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.concurrent_highest_weight(headcount_internal.aggregate_state) IS 'final function: the highest sum of the weights of keys at once';

CREATE FUNCTION headcount_internal.online_count_add(bigint, timestamptz, timestamptz, timestamptz) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_online_count_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.online_count_add(bigint, timestamptz, timestamptz, timestamptz) IS 'transition function: a connection, if online';

CREATE AGGREGATE headcount.presence_agg(key text, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.presence_add, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(text, timestamptz, timestamptz) IS 'who was present when, from sessions; ended_at NULL is open';

CREATE AGGREGATE headcount.presence_agg(key bigint, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.presence_add, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(bigint, timestamptz, timestamptz) IS 'who was present when, from sessions; ended_at NULL is open';

CREATE AGGREGATE headcount.presence_agg(key uuid, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.presence_add, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(uuid, timestamptz, timestamptz) IS 'who was present when, from sessions; ended_at NULL is open';

CREATE AGGREGATE headcount.presence_agg(key text, at timestamptz) (
    SFUNC = headcount_internal.presence_add_instant, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(text, timestamptz) IS 'who was present when, from instants';

CREATE AGGREGATE headcount.presence_agg(key bigint, at timestamptz) (
    SFUNC = headcount_internal.presence_add_instant, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(bigint, timestamptz) IS 'who was present when, from instants';

CREATE AGGREGATE headcount.presence_agg(key uuid, at timestamptz) (
    SFUNC = headcount_internal.presence_add_instant, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(uuid, timestamptz) IS 'who was present when, from instants';

-- Polled snapshots: src/core/presence/polled.hpp has the state.
CREATE AGGREGATE headcount.presence_agg(key text, at timestamptz, max_gap headcount_internal.gap) (
    SFUNC = headcount_internal.presence_add_polled, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_stays_text, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(text, timestamptz, headcount_internal.gap) IS 'who was present when, from polled snapshots: a key that is seen again within max_gap has been there all the while';

CREATE AGGREGATE headcount.presence_agg(key bigint, at timestamptz, max_gap headcount_internal.gap) (
    SFUNC = headcount_internal.presence_add_polled, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_stays_bigint, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(bigint, timestamptz, headcount_internal.gap) IS 'who was present when, from polled snapshots: a key that is seen again within max_gap has been there all the while';

CREATE AGGREGATE headcount.presence_agg(key uuid, at timestamptz, max_gap headcount_internal.gap) (
    SFUNC = headcount_internal.presence_add_polled, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_stays_uuid, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_agg(uuid, timestamptz, headcount_internal.gap) IS 'who was present when, from polled snapshots: a key that is seen again within max_gap has been there all the while';

CREATE AGGREGATE headcount.presence_union_agg(presence headcount.presence) (
    SFUNC = headcount_internal.presence_merge, STYPE = headcount.presence, SSPACE = 256,
    FINALFUNC = headcount_internal.presence_final, COMBINEFUNC = headcount_internal.presence_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.presence_union_agg(headcount.presence) IS 'the union of presences';

CREATE AGGREGATE headcount.unique_count(key text) (
    SFUNC = headcount_internal.unique_keys_add, STYPE = headcount_internal.aggregate_state, SSPACE = 144,
    FINALFUNC = headcount_internal.unique_keys_count, COMBINEFUNC = headcount_internal.unique_keys_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.unique_count(text) IS 'the number of distinct keys, exact and parallel';

CREATE AGGREGATE headcount.unique_count(key bigint) (
    SFUNC = headcount_internal.unique_keys_add, STYPE = headcount_internal.aggregate_state, SSPACE = 144,
    FINALFUNC = headcount_internal.unique_keys_count, COMBINEFUNC = headcount_internal.unique_keys_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.unique_count(bigint) IS 'the number of distinct keys, exact and parallel';

CREATE AGGREGATE headcount.unique_count(key uuid) (
    SFUNC = headcount_internal.unique_keys_add, STYPE = headcount_internal.aggregate_state, SSPACE = 144,
    FINALFUNC = headcount_internal.unique_keys_count, COMBINEFUNC = headcount_internal.unique_keys_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.unique_count(uuid) IS 'the number of distinct keys, exact and parallel';

CREATE AGGREGATE headcount.max_concurrent(key text, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(text, timestamptz, timestamptz) IS 'the highest number of distinct keys at once';

CREATE AGGREGATE headcount.max_concurrent(key bigint, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(bigint, timestamptz, timestamptz) IS 'the highest number of distinct keys at once';

CREATE AGGREGATE headcount.max_concurrent(key uuid, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(uuid, timestamptz, timestamptz) IS 'the highest number of distinct keys at once';

CREATE AGGREGATE headcount.max_concurrent(started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(timestamptz, timestamptz) IS 'the highest number of sessions at once';

CREATE AGGREGATE headcount.max_concurrent(key text, weight bigint, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest_weight, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(text, bigint, timestamptz, timestamptz) IS 'the highest sum of the weights of distinct keys at once; while a key is there it weighs what the heaviest of its sessions there does';

CREATE AGGREGATE headcount.max_concurrent(key bigint, weight bigint, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest_weight, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(bigint, bigint, timestamptz, timestamptz) IS 'the highest sum of the weights of distinct keys at once; while a key is there it weighs what the heaviest of its sessions there does';

CREATE AGGREGATE headcount.max_concurrent(key uuid, weight bigint, started_at timestamptz, ended_at timestamptz) (
    SFUNC = headcount_internal.concurrent_add, STYPE = headcount_internal.aggregate_state, SSPACE = 256,
    FINALFUNC = headcount_internal.concurrent_highest_weight, COMBINEFUNC = headcount_internal.concurrent_merge, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.max_concurrent(uuid, bigint, timestamptz, timestamptz) IS 'the highest sum of the weights of distinct keys at once; while a key is there it weighs what the heaviest of its sessions there does';

CREATE AGGREGATE headcount.online_count(started_at timestamptz, ended_at timestamptz, as_of timestamptz) (
    SFUNC = headcount_internal.online_count_add, STYPE = bigint, INITCOND = '0', COMBINEFUNC = pg_catalog.int8pl, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount.online_count(timestamptz, timestamptz, timestamptz) IS 'the number of connections online at as_of';
