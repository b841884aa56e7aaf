// Classes of durations, for an index that finds the sessions of a span of the past; and ends that follow from durations.

#include <algorithm>
#include <cmath>

#include "core/time/duration_class.hpp"
#include "pg/compat.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// Days and ticks apart: each may lead out of 64 bits, and the other back.
core::instant end_after(core::instant start, std::int64_t days, std::int64_t ticks) {
  if (TIMESTAMP_NOT_FINITE(start)) return start;
  days += start / USECS_PER_DAY + ticks / USECS_PER_DAY;
  constexpr std::int64_t most = core::end_of_finite / USECS_PER_DAY + 2;
  days = std::clamp(days, -most, most);
  const std::int64_t end = days * USECS_PER_DAY + start % USECS_PER_DAY + ticks % USECS_PER_DAY;
  return std::clamp(end, core::first_finite, core::end_of_finite - 1);
}

}  // namespace

// (started_at, ended_at)
HEADCOUNT_FUNCTION(headcount_duration_class) {
  const core::interval when{PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1)};
  if (TIMESTAMP_NOT_FINITE(when.start) || TIMESTAMP_NOT_FINITE(when.end) || when.end < when.start)
    return pg::null_result(fcinfo);
  return Int32GetDatum(core::class_of(when));
}

// (started_at)
HEADCOUNT_FUNCTION(headcount_class_start) { return fcinfo->args[0].value; }

// (started_at, duration): an instant, and so many ticks, whatever the session's time zone makes of days. What is beyond all
// times is the last or the first of them: it has an end.
HEADCOUNT_FUNCTION(headcount_end_after_interval) {
  const core::instant start = PG_GETARG_TIMESTAMPTZ(0);
  const Interval *const duration = PG_GETARG_INTERVAL_P(1);
  if (const int sign = pg::compat::infinity_of(*duration); sign != 0) return TimestampTzGetDatum(sign > 0 ? DT_NOEND : DT_NOBEGIN);
  // months are of 30 days, as extract(epoch) has them
  return TimestampTzGetDatum(end_after(start, std::int64_t{duration->month} * DAYS_PER_MONTH + duration->day, duration->time));
}

// (started_at, seconds)
HEADCOUNT_FUNCTION(headcount_end_after_seconds) {
  const double seconds = PG_GETARG_FLOAT8(1);
  if (std::isnan(seconds)) return pg::null_result(fcinfo);
  if (std::isinf(seconds)) return TimestampTzGetDatum(seconds > 0 ? DT_NOEND : DT_NOBEGIN);
  constexpr double most = 9e12;  // beyond all times there are, in seconds, and in ticks within 64 bits
  return TimestampTzGetDatum(end_after(PG_GETARG_TIMESTAMPTZ(0), 0, std::llround(std::clamp(seconds, -most, most) * 1e6)));
}

// (from_at)
HEADCOUNT_FUNCTION(headcount_duration_classes) {
  const core::instant from = PG_GETARG_TIMESTAMPTZ(0);
  pg::row_set rows(fcinfo);
  const auto put = [&](core::duration_class each) {
    rows.put(pg::field(Int32GetDatum(each)), pg::field::of_time(core::since(each, from)));
  };
  put(core::shortest_class);
  for (core::duration_class each = core::first_long_class; each <= core::last_class; ++each) put(each);
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
