// Reports over civil days and other buckets of a time zone.

#include "core/presence/coverage.hpp"
#include "core/presence/rolling_spans.hpp"
#include "core/report/report.hpp"
#include "pg/presence_value.hpp"
#include "pg/rows.hpp"
#include "pg/settings.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::fn {
namespace {

// (..., from_day, to_day, as_of)
core::day_range range_arguments(FunctionCallInfo fcinfo, int first) {
  return {pg::day_argument(fcinfo, first, "from_day"), pg::day_argument(fcinfo, first + 1, "to_day", true),
          pg::instant_argument(fcinfo, first + 2, "as_of")};
}

// The zone of each row, mostly that of the row before, which the function call of the plan remembers.
const pg::zone &remembered_zone(FunctionCallInfo fcinfo, int number) {
  const auto *known = static_cast<const pg::zone *>(fcinfo->flinfo->fn_extra);
  if (known == nullptr || known->name() != pg::zone_name_argument(fcinfo, number)) {
    known = &pg::zone_argument(fcinfo, number);
    fcinfo->flinfo->fn_extra = const_cast<pg::zone *>(known);
  }
  return *known;
}

pg::field day_after(core::day_number first, std::size_t at) {
  return pg::field::of_day(first + static_cast<core::day_number>(at));
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_daily_activity) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const pg::zone &zone = pg::zone_argument(fcinfo, 1);
  const auto activity = core::find_daily_activity(presence, range_arguments(fcinfo, 2), zone, work);
  pg::row_set rows(fcinfo);
  for (std::size_t at = 0; at < activity.rows.size(); ++at) {
    const core::activity_row &each = activity.rows[at];
    rows.put(day_after(activity.first, at), pg::field::of(each.unique_keys), pg::field::of(each.new_keys),
             pg::field::of(each.highest.level), pg::instant_of(each.highest));
  }
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_activity) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const core::bucket_size size = pg::bucket_size_argument(fcinfo, 1, 6);
  const pg::zone &zone = pg::zone_argument(fcinfo, 2);
  const core::interval window = pg::window_arguments(fcinfo, 3);
  const core::instant as_of = pg::instant_argument(fcinfo, 5, "as_of");
  pg::row_set rows(fcinfo);
  for (const core::activity_row &each : core::find_activity(presence, size, window, as_of, zone, work)) {
    rows.put(pg::field::of_time(each.start), pg::field::of(each.unique_keys), pg::field::of(each.new_keys),
             pg::field::of(each.highest.level), pg::instant_of(each.highest));
  }
  return rows.result(fcinfo);
}

// (granularity, day, week_starts): NULL for buckets of less than a day
HEADCOUNT_FUNCTION(headcount_bucket_day) {
  const core::bucket_size size = pg::bucket_size_argument(fcinfo, 0, 2);
  if (!size.is_of_days() || PG_ARGISNULL(1) || DATE_NOT_FINITE(PG_GETARG_DATEADT(1))) return pg::null_result(fcinfo);
  const std::int64_t first = core::first_day_of_bucket(size, PG_GETARG_DATEADT(1));
  if (first < core::first_finite / core::ticks_per_day) throw core::error(core::fault::out_of_range, "the buckets go beyond the range of time");
  return DateADTGetDatum(static_cast<DateADT>(first));
}

// (presence, from_ats, to_ats, as_of): spans that are empty are left out
HEADCOUNT_FUNCTION(headcount_span_counts) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const core::instant as_of = pg::instant_argument(fcinfo, 3, "as_of");
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) return rows.result(fcinfo);
  Datum *bounds[2] = {nullptr, nullptr};
  int counts[2] = {0, 0};
  pg::call([&] {
    for (int at = 0; at < 2; ++at) deconstruct_array(PG_GETARG_ARRAYTYPE_P(1 + at), TIMESTAMPTZOID, sizeof(TimestampTz), true, TYPALIGN_DOUBLE, &bounds[at], nullptr, &counts[at]);
  });
  std::pmr::vector<core::interval> spans(work.host().memory);
  std::pmr::vector<std::int64_t> places(work.host().memory);
  for (int at = 0; at < std::min(counts[0], counts[1]); ++at) {
    const core::interval span{DatumGetTimestampTz(bounds[0][at]), DatumGetTimestampTz(bounds[1][at])};
    if (span.start == core::beginning || span.end == core::forever) throw core::error(core::fault::out_of_range, "a span must be finite");
    if (core::is_empty(span)) continue;
    spans.push_back(span);
    places.push_back(at + 1);
  }
  const auto found = core::count_spans(presence, spans, core::until(as_of), work);
  for (std::size_t at = 0; at < found.size(); ++at)
    rows.put(pg::field::of(places[at]), pg::field::of(found[at].unique_keys), pg::field::of(found[at].highest));
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_rolling_activity) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  pg::require_argument(fcinfo, 1, "window_days");
  const pg::zone &zone = pg::zone_argument(fcinfo, 2);
  const auto rolling =
      core::find_rolling_activity(presence, PG_GETARG_INT32(1), range_arguments(fcinfo, 3), zone, work);
  pg::row_set rows(fcinfo);
  for (std::size_t at = 0; at < rolling.unique_keys.size(); ++at)
    rows.put(day_after(rolling.first, at), pg::field::of(rolling.unique_keys[at]));
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_daily_user_counts) {
  const core::report_input input{pg::presence_argument(fcinfo, 0), pg::presence_argument(fcinfo, 1),
                                 pg::presence_argument(fcinfo, 2)};
  const pg::workspace work;
  const pg::zone &zone = pg::zone_argument(fcinfo, 3);
  const core::licensing_model model = core::parse_licensing_model(pg::text_argument(fcinfo, 4, "licensing_model"));
  const auto counts =
      core::find_daily_user_counts(input, model, pg::window_days_argument(fcinfo, 5, model), range_arguments(fcinfo, 6), zone, work);
  pg::row_set rows(fcinfo);
  for (std::size_t at = 0; at < counts.rows.size(); ++at) {
    const core::daily_user_count &each = counts.rows[at];
    rows.put(day_after(counts.first, at), pg::field::of_integer(each.total_users),
             pg::field::of_integer(each.daily_users), pg::field::of_integer(each.denial_users),
             pg::field::of_integer(each.concurrent_hosts.level), pg::instant_of(each.concurrent_hosts),
             pg::field(BoolGetDatum(each.complete)));
  }
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_daily_keys) {
  const core::presence_view presence = pg::presence_argument(fcinfo, 0);
  const pg::workspace work;
  const pg::zone &zone = pg::zone_argument(fcinfo, 1);
  const core::day_range range = range_arguments(fcinfo, 2);
  const auto days = core::find_days(presence, range, zone);
  pg::row_set rows(fcinfo);
  if (!days.has_value()) return rows.result(fcinfo);
  const core::grid grid = core::day_grid(days->first, days->last, zone, work);
  const core::coverage coverage(grid.bounds, core::until(range.as_of), 1, work);
  pg::text_buffer text;
  std::pmr::string shown(work.host().memory);
  presence.for_each(work, [&](core::key_view key, std::span<const core::interval> intervals) {
    shown.clear();
    core::append_text(shown, presence.type(), key);
    const pg::field name(text(shown));
    std::size_t next = 0;  // several intervals of a key may touch one day
    coverage.for_each_run(intervals, [&](std::size_t first, std::size_t last) {
      for (next = std::max(first, next); next <= last; ++next) rows.put(day_after(days->first, next), name);
    });
  });
  return rows.result(fcinfo);
}

HEADCOUNT_FUNCTION(headcount_day_of) {
  const TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
  if (TIMESTAMP_NOT_FINITE(at)) return pg::null_result(fcinfo);
  return DateADTGetDatum(core::day_of(at, remembered_zone(fcinfo, 1)));
}

HEADCOUNT_FUNCTION(headcount_day_start) {
  const auto day = pg::day_argument(fcinfo, 0, "day");
  return TimestampTzGetDatum(remembered_zone(fcinfo, 1).start_of(*day));
}

// (day, time_zone): days beyond what timestamptz holds are before or after everything
HEADCOUNT_FUNCTION(headcount_end_of) {
  const DateADT day = PG_GETARG_DATEADT(0);
  const pg::zone &zone = remembered_zone(fcinfo, 1);
  if (day < core::first_finite / core::ticks_per_day) return TimestampTzGetDatum(core::beginning);
  if (day >= core::end_of_finite / core::ticks_per_day - 1) return TimestampTzGetDatum(core::forever);
  return TimestampTzGetDatum(zone.start_of(day + 1));
}

HEADCOUNT_FUNCTION(headcount_check_time_zone) {
  (void)pg::zone_argument(fcinfo, 0);
  return PG_GETARG_DATUM(0);
}

HEADCOUNT_FUNCTION(headcount_is_abbreviation) {
  const std::string_view name = pg::zone_name_argument(fcinfo, 0);
  return pg::call([name] { return BoolGetDatum(pg::is_abbreviation(pnstrdup(name.data(), name.size()))); });
}

HEADCOUNT_FUNCTION(headcount_as_of) { return TimestampTzGetDatum(pg::current_as_of()); }

}  // namespace headcount::fn
