// The functions behind the aggregates. Those that give a presence keep one as their state; unique_count and
// max_concurrent keep no more than they are asked for.

#include "core/presence/polled.hpp"
#include "core/presence/sweep.hpp"
#include "pg/key_state.hpp"
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

// How long a key is there after it was seen, in ticks. Throws invalid_argument.
std::int64_t gap_argument(FunctionCallInfo fcinfo, int number) {
  pg::require_argument(fcinfo, number, "max_gap");
  const Interval gap = *PG_GETARG_INTERVAL_P(number);
  if (gap.month != 0) {
    throw core::error(core::fault::invalid_argument, "argument \"max_gap\" must not have months or years", {},
                      "Months differ in length. Say it in days, hours, minutes or seconds.");
  }
  std::int64_t ticks = 0;
  if (__builtin_mul_overflow(std::int64_t{gap.day}, core::ticks_per_day, &ticks) ||
      __builtin_add_overflow(ticks, gap.time, &ticks))
    throw core::error(core::fault::out_of_range, "argument \"max_gap\" is out of range");
  if (ticks <= 0) throw core::error(core::fault::invalid_argument, "argument \"max_gap\" must be longer than nothing");
  return ticks;
}

// (state, key, at, max_gap)
template <typename Key>
Datum add_polled(FunctionCallInfo fcinfo) {
  pg::presence_state state(fcinfo);
  const std::int64_t gap = gap_argument(fcinfo, 3);
  if (!PG_ARGISNULL(1)) {
    if (const auto when = pg::instant_arguments(fcinfo, 2)) {
      const pg::workspace work;
      const core::polled_key key(gap, Key(fcinfo, 1).key, work.host().memory, Key::type);
      state.add(core::key_type::text, key, core::stretched(when->start, gap));
    }
  }
  return state.result();
}

// (state): of that, the stays.
Datum make_stays(FunctionCallInfo fcinfo, core::key_type type) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const pg::workspace work;
  core::keyed_intervals stays(type, work.host().memory);
  core::for_each_stay(pg::presence_argument(fcinfo, 0), type, work,
                      [&](core::key_view key, core::interval when) { stays.add(key, when); });
  return pg::make_presence(core::presence_view(stays), core::all_time, work);
}

// (state, key): of unique_count.
template <typename Key>
Datum add_unique(FunctionCallInfo fcinfo) {
  pg::key_state<pg::unique_keys> state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add(Key::type, Key(fcinfo, 1).key, {});
  return state.result();
}

// (state, key, started_at, ended_at): of max_concurrent.
template <typename Key>
Datum add_concurrent(FunctionCallInfo fcinfo) {
  pg::key_state<pg::concurrent_sessions> state(fcinfo);
  if (!PG_ARGISNULL(1)) {
    if (const auto when = pg::session_arguments(fcinfo, 2)) state.add(Key::type, Key(fcinfo, 1).key, *when);
  }
  return state.result();
}

// (state, key, weight, started_at, ended_at): of max_concurrent with weights.
template <typename Key>
Datum add_weighted(FunctionCallInfo fcinfo) {
  pg::key_state<pg::concurrent_sessions> state(fcinfo);
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) return state.result();
  const std::int64_t weight = PG_GETARG_INT64(2);
  if (weight < 0) throw core::error(core::fault::invalid_argument, "argument \"weight\" must not be negative");
  if (const auto when = pg::session_arguments(fcinfo, 3)) {
    const pg::workspace work;
    state.add(core::key_type::text, core::weighted_key(weight, Key(fcinfo, 1).key, work.host().memory), *when);
  }
  return state.result();
}

// (state, state): combine function of either.
template <typename Kind>
Datum merge_states(FunctionCallInfo fcinfo) {
  pg::key_state<Kind> state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add_argument(1);
  return state.result();
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_presence_add_text) { return add_session<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_bigint) { return add_session<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_uuid) { return add_session<pg::uuid_key_argument>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_presence_add_instant_text) { return add_instant<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_instant_bigint) { return add_instant<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_instant_uuid) { return add_instant<pg::uuid_key_argument>(fcinfo); }

// (state, started_at, ended_at): a session that counts for itself.
HEADCOUNT_FUNCTION(headcount_presence_add_session) {
  pg::presence_state state(fcinfo);
  if (const auto when = pg::session_arguments(fcinfo, 1)) state.add(core::key_type::session, {}, *when);
  return state.result();
}

HEADCOUNT_FUNCTION(headcount_presence_add_polled_text) { return add_polled<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_polled_bigint) { return add_polled<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_presence_add_polled_uuid) { return add_polled<pg::uuid_key_argument>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_presence_stays_text) { return make_stays(fcinfo, core::key_type::text); }
HEADCOUNT_FUNCTION(headcount_presence_stays_bigint) { return make_stays(fcinfo, core::key_type::bigint); }
HEADCOUNT_FUNCTION(headcount_presence_stays_uuid) { return make_stays(fcinfo, core::key_type::uuid); }

// (state, presence): combine function of these, transition function of presence_union_agg.
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

HEADCOUNT_FUNCTION(headcount_unique_keys_add_text) { return add_unique<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_unique_keys_add_bigint) { return add_unique<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_unique_keys_add_uuid) { return add_unique<pg::uuid_key_argument>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_unique_keys_merge) { return merge_states<pg::unique_keys>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_unique_keys_count) {
  if (PG_ARGISNULL(0)) return Int64GetDatum(0);
  if (const auto *const keys = pg::expanded_keys<pg::unique_keys>::of(fcinfo->args[0].value))
    return Int64GetDatum(static_cast<std::int64_t>(keys->table.size()));
  const pg::workspace work;
  const core::key_log_reader log(pg::bytes_argument(fcinfo, 0));
  return Int64GetDatum(static_cast<std::int64_t>(core::count_distinct(log, work)));
}

HEADCOUNT_FUNCTION(headcount_concurrent_add_text) { return add_concurrent<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_concurrent_add_bigint) { return add_concurrent<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_concurrent_add_uuid) { return add_concurrent<pg::uuid_key_argument>(fcinfo); }

// (state, started_at, ended_at): a session that counts for itself.
HEADCOUNT_FUNCTION(headcount_concurrent_add_session) {
  pg::key_state<pg::concurrent_sessions> state(fcinfo);
  if (const auto when = pg::session_arguments(fcinfo, 1)) state.add(core::key_type::session, {}, *when);
  return state.result();
}

HEADCOUNT_FUNCTION(headcount_concurrent_add_weighted_text) { return add_weighted<pg::text_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_concurrent_add_weighted_bigint) { return add_weighted<pg::bigint_key_argument>(fcinfo); }
HEADCOUNT_FUNCTION(headcount_concurrent_add_weighted_uuid) { return add_weighted<pg::uuid_key_argument>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_concurrent_highest_weight) {
  if (PG_ARGISNULL(0)) return Int64GetDatum(0);
  const pg::workspace work;
  return Int64GetDatum(pg::read_events(fcinfo, 0, work, [&](const core::session_events &events) { return events.highest_weight(work); }));
}

HEADCOUNT_FUNCTION(headcount_concurrent_merge) { return merge_states<pg::concurrent_sessions>(fcinfo); }

HEADCOUNT_FUNCTION(headcount_concurrent_highest) {
  if (PG_ARGISNULL(0)) return Int64GetDatum(0);
  const pg::workspace work;
  if (const auto *const sessions = pg::expanded_keys<pg::concurrent_sessions>::of(fcinfo->args[0].value))
    return Int64GetDatum(sessions->table.highest(work));
  const core::key_view bytes = pg::bytes_argument(fcinfo, 0);
  if (pg::concurrent_sessions::is_log(bytes)) {
    (void)pg::concurrent_sessions::reader(bytes);  // refuses what is no log
    return Int64GetDatum(core::find_peak(core::presence_view(bytes), core::all_time, work).level);
  }
  core::session_events sessions(core::session_events::type_of(bytes), work.host().memory);
  sessions.merge(bytes, work);
  return Int64GetDatum(sessions.highest(work));
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
