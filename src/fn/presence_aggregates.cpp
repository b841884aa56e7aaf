// The functions behind the aggregates. All of them but online_count keep a presence as their state.

#include "core/presence/sweep.hpp"
#include "pg/presence_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// (state, key, started_at, ended_at)
template <typename Key>
Datum add_session(FunctionCallInfo fcinfo) {
  pg::presence_state state(fcinfo);
  if (!PG_ARGISNULL(1)) {
    if (const auto when = pg::session_arguments(fcinfo, 2)) state.add(Key::type, Key(fcinfo, 1).key, *when);
  }
  return state.result();
}

// (state, key, at)
template <typename Key>
Datum add_instant(FunctionCallInfo fcinfo) {
  pg::presence_state state(fcinfo);
  if (!PG_ARGISNULL(1)) {
    if (const auto when = pg::instant_arguments(fcinfo, 2)) state.add(Key::type, Key(fcinfo, 1).key, *when);
  }
  return state.result();
}

// (state, key): present at all, which is present always.
template <typename Key>
Datum add_key(FunctionCallInfo fcinfo) {
  pg::presence_state state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add(Key::type, Key(fcinfo, 1).key, core::all_time);
  return state.result();
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_presence_add_text) { return add_session<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_bigint) { return add_session<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_uuid) { return add_session<pg::uuid_key_argument>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_presence_add_instant_text) { return add_instant<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_instant_bigint) { return add_instant<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_instant_uuid) { return add_instant<pg::uuid_key_argument>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_presence_add_key_text) { return add_key<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_key_bigint) { return add_key<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_key_uuid) { return add_key<pg::uuid_key_argument>(fcinfo); }

// (state, started_at, ended_at): a session that counts for itself.
HEADCOUNT_FUNCTION(headcount_presence_add_session) {
  pg::presence_state state(fcinfo);
  if (const auto when = pg::session_arguments(fcinfo, 1)) state.add(core::key_type::session, {}, *when);
  return state.result();
}

// (state, presence): combine function of all, transition function of presence_union_agg.
HEADCOUNT_FUNCTION(headcount_presence_merge) {
  pg::presence_state state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add_argument(1);
  return state.result();
}

// Final functions read the state and leave it as it is: it may be shared, or go on in a window frame.
HEADCOUNT_FUNCTION(headcount_presence_final) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const pg::workspace work;
  return pg::make_presence(pg::presence_argument(fcinfo, 0), core::all_time, work);
}

// (count, started_at, ended_at, as_of): rule S2, connections online at as_of.
HEADCOUNT_FUNCTION(headcount_online_count_add) {
  std::int64_t count = PG_GETARG_INT64(0);
  if (!PG_ARGISNULL(3)) {
    const auto when = pg::session_arguments(fcinfo, 1);
    if (when && core::is_online(*when, PG_GETARG_TIMESTAMPTZ(3))) ++count;
  }
  return Int64GetDatum(count);
}

}  // namespace headcount::fn
