// Reports from stored days with those that changed or are not stored yet, and what is to be stored of them: the day fold.

#include "core/report/day_fold.hpp"
#include "core/report/report.hpp"
#include "core/sets/user_set_bytes.hpp"
#include "fn/report_row.hpp"
#include "pg/daily_value.hpp"
#include "pg/dictionary.hpp"
#include "pg/rows.hpp"
#include "pg/stored_days_value.hpp"
#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// Two arguments of type date[], with the first days of runs and the days after their last ones. Sorted and without overlaps.
std::pmr::vector<core::changed_run> runs_arguments(FunctionCallInfo fcinfo, int first, const core::context &host) {
  std::pmr::vector<core::changed_run> runs(host.memory);
  if (PG_ARGISNULL(first) || PG_ARGISNULL(first + 1)) return runs;
  Datum *days[2] = {nullptr, nullptr};
  int counts[2] = {0, 0};
  pg::call([&] {
    for (int at = 0; at < 2; ++at) {
      bool *nulls = nullptr;
      deconstruct_array(PG_GETARG_ARRAYTYPE_P(first + at), DATEOID, sizeof(DateADT), true, TYPALIGN_INT, &days[at], &nulls, &counts[at]);
    }
  });
  for (int at = 0; at < std::min(counts[0], counts[1]); ++at) runs.push_back({DatumGetDateADT(days[0][at]), DatumGetDateADT(days[1][at])});
  std::sort(runs.begin(), runs.end(), [](const core::changed_run &a, const core::changed_run &b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (const core::changed_run &run : runs) {
    if (run.end <= run.first) continue;
    if (kept != 0 && run.first <= runs[kept - 1].end)
      runs[kept - 1].end = std::max(runs[kept - 1].end, run.end);
    else
      runs[kept++] = run;
  }
  runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(kept), runs.end());
  return runs;
}

// Two arguments: how many days, NULL or less than one being none, and the licensing model whose users of the last days are meant.
core::window_rule window_arguments(FunctionCallInfo fcinfo, int first) {
  const std::int32_t days = PG_ARGISNULL(first) ? 0 : PG_GETARG_INT32(first);
  if (days < 1) return {};
  return {days, core::counts_denied(core::parse_licensing_model(pg::text_argument(fcinfo, first + 1, "window_model")))};
}

// Eleven arguments: days, seen_count, seen, sessions, denials, pages, changed_from, changed_to, live_day, stored_window_days,
// stored_window_model.
class fold_arguments {
 public:
  fold_arguments(FunctionCallInfo fcinfo, int first, core::window_rule window, const pg::zone &zone, const core::context &host)
      : stored_(pg::stored_days_argument(fcinfo, first, host)),
        parts_(host.memory),
        changed_(runs_arguments(fcinfo, first + 6, host)),
        fresh_(host.memory),
        sets_(host.memory) {
    pg::require_argument(fcinfo, first + 8, "live_day");
    const pg::daily_arguments collected(fcinfo, first + 3, host);
    if (!collected.empty()) {
      pg::check_same(collected.settings(), {&zone, collected.settings().as_of});
      fresh_ = pg::numbered_days(collected, fcinfo, first + 5, host);
    }
    from_.stored = stored_;
    from_.seen_count = PG_ARGISNULL(first + 1) ? 0 : PG_GETARG_INT32(first + 1);
    from_.seen = pg::set_argument(fcinfo, first + 2);
    from_.changed = changed_;
    from_.live_day = PG_GETARG_DATEADT(first + 8);
    from_.stored_window = window_arguments(fcinfo, first + 9);
    from_.fresh = &fresh_;
    from_.window = window;
  }
  fold_arguments(const fold_arguments &) = delete;

  // An argument like `days`, with what is stored of parts of a live day.
  void add_parts(FunctionCallInfo fcinfo, int number, const core::context &host) {
    parts_ = pg::stored_days_argument(fcinfo, number, host);
    from_.parts = parts_;
  }

  const core::history &history() const { return from_; }
  core::set_store &sets() { return sets_; }

 private:
  std::pmr::vector<core::stored_day> stored_, parts_;
  std::pmr::vector<core::changed_run> changed_;
  core::numbered_days fresh_;
  pg::datum_sets sets_;
  core::history from_;
};

}  // namespace

HEADCOUNT_FUNCTION(headcount_stored_days_add) { return pg::add_stored_day(fcinfo); }
HEADCOUNT_FUNCTION(headcount_stored_days_final) { return pg::finish_stored_days(fcinfo); }

// (source, ..., licensing_model, window_days, time_zone, as_of, cut_day, from_day, to_day, idle_days, parts): the first one is for the
// planner, see source/asked_days.cpp
HEADCOUNT_FUNCTION(headcount_stored_report) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const core::licensing_model model = core::parse_licensing_model(pg::text_argument(fcinfo, 12, "licensing_model"));
  const std::int32_t window_days = pg::window_days_argument(fcinfo, 13, model);
  core::check_window_days(window_days);
  const pg::zone &zone = pg::zone_argument(fcinfo, 14);
  const core::instant as_of = pg::instant_argument(fcinfo, 15, "as_of");
  pg::require_argument(fcinfo, 19, "idle_days");
  fold_arguments arguments(fcinfo, 1, {window_days, core::counts_denied(model)}, zone, work);
  arguments.add_parts(fcinfo, 20, work);
  core::day_fold fold(arguments.history(), arguments.sets(), work);

  const auto first = fold.first_day(pg::finite_day(fcinfo, 16));
  if (!first.has_value()) return rows.result(fcinfo);
  const core::day_number today = core::day_of(as_of, zone);
  const bool is_trailing = core::is_trailing(model), counts_denied = core::counts_denied(model);
  fold.for_each(std::max(*first, pg::finite_day(fcinfo, 17).value_or(*first)), std::min(today, pg::finite_day(fcinfo, 18).value_or(today)),
                {!is_trailing, is_trailing, PG_GETARG_BOOL(19)}, [&](const core::day_figures &each) {
    const core::stored_day &counts = each.counts;
    put_report_row(rows, each.day, {is_trailing ? counts.window_count : each.ever_count, counts_denied ? counts.daily_count : counts.used_count,
                                    counts.denied_count, counts.denials, counts.concurrent_hosts, each.day < today});
  });
  return rows.result(fcinfo);
}

// (..., window_days, window_model, time_zone, end_day, idle_days)
HEADCOUNT_FUNCTION(headcount_stored_patches) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::require_argument(fcinfo, 11, "window_days");
  const pg::zone &zone = pg::zone_argument(fcinfo, 13);
  pg::require_argument(fcinfo, 14, "end_day");
  pg::require_argument(fcinfo, 15, "idle_days");
  fold_arguments arguments(fcinfo, 0, window_arguments(fcinfo, 11), zone, work);
  core::day_fold fold(arguments.history(), arguments.sets(), work);
  fold.for_each_patch(PG_GETARG_DATEADT(14), PG_GETARG_BOOL(15), [&](const core::day_patch &patch) {
    const core::stored_day &counts = patch.counts;
    rows.put(pg::field::of_day(counts.day), pg::field::of_integer(counts.used_count), pg::field::of_integer(counts.denied_count),
             pg::field::of_integer(counts.daily_count),
             patch.has_new_users ? pg::field(pg::value_result(core::to_canonical(patch.new_users, VARHDRSZ, work.host().memory))) : pg::field(),
             pg::field::of_integer(counts.new_count), pg::field::of_integer(counts.window_count), pg::field(BoolGetDatum(counts.is_idle())));
  });
  if (fold.has_changed_seen() || PG_ARGISNULL(2))  // every slice that has stored days is known by its row
    rows.put(pg::field(), pg::field(), pg::field(), pg::field(), pg::field(pg::value_result(fold.seen_bytes(VARHDRSZ))),
             pg::field::of_integer(fold.seen_count()), pg::field(), pg::field());
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
