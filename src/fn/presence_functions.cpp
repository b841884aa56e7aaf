// What a presence can be asked.

#include "core/presence/sweep.hpp"
#include "pg/presence_value.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// Puts one row for each key that `wanted` likes, in canonical order.
template <typename Wanted>
Datum put_keys(FunctionCallInfo fcinfo, const core::presence_view &presence, Wanted &&wanted) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer text;
  std::pmr::string shown(work.host().memory);
  presence.for_each(work, [&](core::key_view key, std::span<const core::interval> intervals) {
    if (!wanted(intervals)) return;
    shown.clear();
    core::append_text(shown, presence.type(), key);
    rows.put(pg::field(text(shown)));
  });
  return rows.result(fcinfo);
}

auto present_at(core::instant at) {
  return [at](std::span<const core::interval> intervals) {
    return std::any_of(intervals.begin(), intervals.end(), [at](const core::interval &each) { return core::is_online(each, at); });
  };
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_presence_union) {
  const core::presence_view left = pg::presence_argument(fcinfo, 0), right = pg::presence_argument(fcinfo, 1);
  const pg::workspace work;
  core::keyed_intervals both(core::common_type(left.type(), right.type()), work.host().memory);
  core::add_all(both, left, work);
  core::add_all(both, right, work);
  return pg::make_presence(core::presence_view(both), core::all_time, work);
}

HEADCOUNT_FUNCTION(headcount_presence_clip) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  return pg::make_presence(presence, pg::window_arguments(fcinfo, 1), work);
}

HEADCOUNT_FUNCTION(headcount_unique_count) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  return Int64GetDatum(static_cast<std::int64_t>(presence.key_count(work)));
}

HEADCOUNT_FUNCTION(headcount_keys) {
  return put_keys(fcinfo, pg::presence_argument(fcinfo, 0), [](auto) { return true; });
}

HEADCOUNT_FUNCTION(headcount_keys_at) {
  if (PG_ARGISNULL(1)) return pg::row_set(fcinfo).result(fcinfo);
  return put_keys(fcinfo, pg::presence_argument(fcinfo, 0), present_at(PG_GETARG_TIMESTAMPTZ(1)));
}

HEADCOUNT_FUNCTION(headcount_concurrent_at) {
  if (PG_ARGISNULL(1)) return pg::null_result(fcinfo);
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const auto wanted = present_at(PG_GETARG_TIMESTAMPTZ(1));
  const pg::workspace work;
  std::int64_t count = 0;
  presence.for_each_unordered(
      work, [&](core::key_view, std::span<const core::interval> intervals) { count += wanted(intervals) ? 1 : 0; });
  return Int64GetDatum(count);
}

HEADCOUNT_FUNCTION(headcount_intervals) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer text;
  std::pmr::string shown(work.host().memory);
  presence.for_each(work, [&](core::key_view key, std::span<const core::interval> intervals) {
    shown.clear();
    core::append_text(shown, presence.type(), key);
    const pg::field name(text(shown));
    for (const core::interval &each : intervals) {
      rows.put(name, pg::field::of_time(each.start),
               core::is_open(each) ? pg::field() : pg::field::of_time(each.end));
    }
  });
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_max_concurrent) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = PG_NARGS() == 1 ? core::all_time : pg::window_arguments(fcinfo, 1);
  return Int64GetDatum(core::find_peak(presence, window, work).level);
}

HEADCOUNT_FUNCTION(headcount_peak) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = pg::window_arguments(fcinfo, 1);
  const core::peak best = core::find_peak(presence, window, work);
  const bool none = best.level == 0;
  return pg::make_row(fcinfo, pg::field::of(best.level), pg::instant_of(best),
                      none ? pg::field() : pg::field::of_time(best.until));
}

HEADCOUNT_FUNCTION(headcount_timeline) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = pg::window_arguments(fcinfo, 1);
  pg::row_set rows(fcinfo);
  for (const core::level_change &each : core::find_timeline(presence, window, work))
    rows.put(pg::field::of_time(each.at), pg::field::of(each.level));
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_time_at_level) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = pg::window_arguments(fcinfo, 1);
  pg::row_set rows(fcinfo);
  for (const core::level_duration &each : core::find_time_at_level(presence, window, work)) {
    Interval duration{};
    duration.time = each.ticks;
    rows.put(pg::field::of(each.level), pg::field(IntervalPGetDatum(&duration)));
  }
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
