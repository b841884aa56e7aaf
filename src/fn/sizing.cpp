// How many licences are needed: time at each level, by hour of the week, and what each capacity would have meant.

#include "core/sizing/level_sweep.hpp"
#include "pg/key_state.hpp"
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

// A level as a result: those of people are integers, sums of weights need not be.
pg::field level_field(std::int64_t level) {
  if (level > PG_INT32_MAX)
    throw core::error(core::fault::number_too_large, "a level is more than an integer holds", {}, "Count weight in larger units.");
  return pg::field::of_integer(level);
}

// Those there, a presence or events: the functions below take either.
using core::presence_view, core::session_events;

// (there, from_at, to_at, time_zone, hours, weekdays): hours and weekdays are a bit each, NULL is all of them
template <typename There>
Datum level_times(FunctionCallInfo fcinfo, const There &there, const pg::workspace &work, pg::row_set &rows) {
  const core::interval window = finite_window(fcinfo, 1);
  const core::level_times times =
      PG_ARGISNULL(4) || PG_ARGISNULL(5)
          ? core::find_level_times(there, window, work)
          : core::find_level_times(there, window, {static_cast<std::uint32_t>(PG_GETARG_INT32(4)), static_cast<std::uint32_t>(PG_GETARG_INT32(5))},
                                   pg::zone_argument(fcinfo, 3), work);
  times.for_each([&](std::int64_t level, std::int64_t ticks, std::int64_t so_far) {
    duration held(ticks);
    rows.put(level_field(level), held.field(), share(times.share_of(ticks)), share(times.share_of(so_far)));
  });
  return rows.result(fcinfo);
}

// (there, from_at, to_at, time_zone)
template <typename There>
Datum week_levels(FunctionCallInfo fcinfo, const There &there, const pg::workspace &work, pg::row_set &rows) {
  const core::interval window = finite_window(fcinfo, 1);
  const auto week = core::find_week_levels(there, window, pg::zone_argument(fcinfo, 3), work);
  for (int at = 0; at < core::hours_per_week; ++at) {
    const core::level_times &times = week[static_cast<std::size_t>(at)];
    if (times.total() == 0) continue;
    rows.put(pg::field::of_integer(at / core::hours_per_day + 1), pg::field::of_integer(at % core::hours_per_day),
             level_field(times.peak()), share(times.mean()), level_field(times.percentile(0.95)));
  }
  return rows.result(fcinfo);
}

// (there, from_at, to_at)
template <typename There>
Datum capacities(FunctionCallInfo fcinfo, const There &there, const pg::workspace &work, pg::row_set &rows) {
  const core::interval window = finite_window(fcinfo, 1);
  const core::capacities found = core::find_capacities(there, window, work);
  for (const core::capacity &each : found.all) {
    duration lacking(each.lacking);
    rows.put(pg::field::of_integer(each.size), pg::field::of_integer(each.refused),
             found.starts == 0 ? pg::field() : share(static_cast<double>(each.refused) / static_cast<double>(found.starts)),
             lacking.field());
  }
  return rows.result(fcinfo);
}

template <typename Read>
Datum with_presence(FunctionCallInfo fcinfo, Read &&read) {
  const presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  return read(fcinfo, presence, work, rows);
}

// Sessions with weights; NULL is none.
template <typename Read>
Datum with_events(FunctionCallInfo fcinfo, Read &&read) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  if (!PG_ARGISNULL(0)) return pg::read_events(fcinfo, 0, work, [&](const session_events &events) { return read(fcinfo, events, work, rows); });
  const session_events nobody(core::key_type::session, work.host().memory);
  return read(fcinfo, nobody, work, rows);
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_level_times) { return with_presence(fcinfo, level_times<presence_view>); }
HEADCOUNT_FUNCTION(headcount_weight_times) { return with_events(fcinfo, level_times<session_events>); }

HEADCOUNT_FUNCTION(headcount_week_levels) { return with_presence(fcinfo, week_levels<presence_view>); }
HEADCOUNT_FUNCTION(headcount_week_weights) { return with_events(fcinfo, week_levels<session_events>); }

HEADCOUNT_FUNCTION(headcount_capacities) { return with_presence(fcinfo, capacities<presence_view>); }
HEADCOUNT_FUNCTION(headcount_weight_capacities) { return with_events(fcinfo, capacities<session_events>); }

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
