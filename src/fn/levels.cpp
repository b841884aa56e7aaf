// Peaks of sessions, and of what they weigh, by day: the state is that of max_concurrent, of sessions that each count for themselves.

#include "core/report/daily_levels.hpp"
#include "pg/key_state.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::fn {
namespace {

// (..., started_at, ended_at, from_at, to_at): what of a session is between the latter two, NULL being no bound.
std::optional<core::interval> part_arguments(FunctionCallInfo fcinfo, int first) {
  const auto when = pg::session_arguments(fcinfo, first);
  if (!when.has_value()) return std::nullopt;
  const core::interval part = core::clip(*when, pg::window_arguments(fcinfo, first + 2));
  if (core::is_empty(part)) return std::nullopt;
  return part;
}

}  // namespace

// (state, started_at, ended_at, from_at, to_at)
HEADCOUNT_FUNCTION(headcount_level_add) {
  pg::key_state<pg::concurrent_sessions> state(fcinfo);
  if (const auto part = part_arguments(fcinfo, 1)) state.add(core::key_type::session, {}, *part);
  return state.result();
}

// (state, weight, started_at, ended_at, from_at, to_at)
HEADCOUNT_FUNCTION(headcount_level_add_weight) {
  pg::key_state<pg::concurrent_sessions> state(fcinfo);
  if (PG_ARGISNULL(1)) return state.result();
  const std::int64_t weight = PG_GETARG_INT64(1);
  if (weight < 0) throw core::error(core::fault::invalid_argument, "argument \"weight\" must not be negative");
  if (const auto part = part_arguments(fcinfo, 2)) state.add(core::key_type::bigint, core::bigint_key(weight), *part);
  return state.result();
}

// (state): the same, without the free space of a small one.
HEADCOUNT_FUNCTION(headcount_level_final) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  if (pg::expanded_keys<pg::concurrent_sessions>::of(fcinfo->args[0].value) != nullptr) return fcinfo->args[0].value;
  const core::key_view bytes = pg::bytes_argument(fcinfo, 0);
  if (!pg::concurrent_sessions::is_log(bytes)) return fcinfo->args[0].value;
  (void)pg::concurrent_sessions::reader(bytes);  // refuses what is no log
  return pg::copied_value(bytes.first(core::row_log_editor::load<std::uint32_t>(bytes.data() + 4)));
}

// (state, time_zone, as_of)
HEADCOUNT_FUNCTION(headcount_level_peaks) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0)) return rows.result(fcinfo);
  const pg::zone &zone = pg::zone_argument(fcinfo, 1);
  const core::instant as_of = pg::instant_argument(fcinfo, 2, "as_of");
  if (TIMESTAMP_NOT_FINITE(as_of)) throw core::error(core::fault::invalid_argument, "argument \"as_of\" must be finite");
  pg::read_events(fcinfo, 0, work, [&](const core::session_events &events) {
    for (const core::daily_level &each : core::find_daily_levels(events, zone, as_of, work))
      rows.put(pg::field::of_day(each.day), pg::field::of(each.highest));
  });
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
