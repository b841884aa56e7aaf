// Classes of durations, for an index that finds the sessions of a span of the past.

#include "core/time/duration_class.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"

namespace headcount::fn {

// (started_at, ended_at)
HEADCOUNT_FUNCTION(headcount_duration_class) {
  const core::interval when{PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1)};
  if (TIMESTAMP_NOT_FINITE(when.start) || TIMESTAMP_NOT_FINITE(when.end) || when.end < when.start)
    return pg::null_result(fcinfo);
  return Int32GetDatum(core::class_of(when));
}

// (started_at)
HEADCOUNT_FUNCTION(headcount_class_start) { return fcinfo->args[0].value; }

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
