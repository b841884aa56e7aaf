// How many licences are needed: time at each level, by hour of the week, and what each capacity would have meant.

#include "core/sizing/level_sweep.hpp"
#include "pg/presence_value.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::fn {
namespace {

// A value of type interval that stays where it is while a row is made of it.
struct duration {
  Interval value{};
  explicit duration(std::int64_t ticks) { value.time = ticks; }
  pg::field field() { return pg::field(IntervalPGetDatum(&value)); }
};

// Two arguments that bound a finite window.
core::interval finite_window(FunctionCallInfo fcinfo, int first) {
  const core::interval window = pg::window_arguments(fcinfo, first);
  if (window.start == core::beginning || window.start == core::forever || window.end == core::forever || window.end == core::beginning)
    throw core::error(core::fault::invalid_argument, "a range of time must have finite bounds");
  if (window.start < 0 && window.end > window.start + core::forever)
    throw core::error(core::fault::out_of_range, "a range of time must not be longer than an interval can say");
  return window;
}

pg::field share(double value) { return pg::field(Float8GetDatum(value)); }

}  // namespace

// (presence, from_at, to_at, time_zone, hours, weekdays): hours and weekdays are a bit each, NULL is all of them
HEADCOUNT_FUNCTION(headcount_level_times) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = finite_window(fcinfo, 1);
  pg::row_set rows(fcinfo);
  const core::level_times times =
      PG_ARGISNULL(4) || PG_ARGISNULL(5)
          ? core::find_level_times(presence, window, work)
          : core::find_level_times(presence, window, {static_cast<std::uint32_t>(PG_GETARG_INT32(4)), static_cast<std::uint32_t>(PG_GETARG_INT32(5))},
                                   pg::zone_argument(fcinfo, 3), work);
  times.for_each([&](std::int64_t level, std::int64_t ticks, std::int64_t so_far) {
    duration held(ticks);
    rows.put(pg::field::of_integer(level), held.field(), share(times.share_of(ticks)), share(times.share_of(so_far)));
  });
  return rows.result(fcinfo);
}

// (presence, from_at, to_at, time_zone)
HEADCOUNT_FUNCTION(headcount_week_levels) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = finite_window(fcinfo, 1);
  pg::row_set rows(fcinfo);
  const auto week = core::find_week_levels(presence, window, pg::zone_argument(fcinfo, 3), work);
  for (int at = 0; at < core::hours_per_week; ++at) {
    const core::level_times &times = week[static_cast<std::size_t>(at)];
    if (times.total() == 0) continue;
    rows.put(pg::field::of_integer(at / core::hours_per_day + 1), pg::field::of_integer(at % core::hours_per_day),
             pg::field::of_integer(times.peak()), share(times.mean()), pg::field::of_integer(times.percentile(0.95)));
  }
  return rows.result(fcinfo);
}

// (presence, from_at, to_at)
HEADCOUNT_FUNCTION(headcount_capacities) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = finite_window(fcinfo, 1);
  pg::row_set rows(fcinfo);
  const core::capacities found = core::find_capacities(presence, window, work);
  for (const core::capacity &each : found.all) {
    duration lacking(each.lacking);
    rows.put(pg::field::of_integer(each.size), pg::field::of_integer(each.refused),
             found.starts == 0 ? pg::field() : share(static_cast<double>(each.refused) / static_cast<double>(found.starts)),
             lacking.field());
  }
  return rows.result(fcinfo);
}

// (presence, from_at, to_at): for how long each key was there, those that were not left out
HEADCOUNT_FUNCTION(headcount_times_present) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::interval window = finite_window(fcinfo, 1);
  pg::row_set rows(fcinfo);
  pg::text_buffer text;
  std::pmr::string shown(work.host().memory);
  presence.for_each_unordered(work, [&](core::key_view key, std::span<const core::interval> intervals) {
    std::int64_t ticks = 0;
    for (const core::interval &each : intervals) {
      const core::interval part = core::clip(each, window);
      if (!core::is_empty(part)) ticks += part.end - part.start;
    }
    if (ticks == 0) return;
    shown.clear();
    core::append_text(shown, presence.type(), key);
    duration there(ticks);
    rows.put(pg::field(text(shown)), there.field());
  });
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
