// daily_report_agg: the whole daily report in one pass over sessions and denials, without a presence in between.

#include "pg/memory.hpp"
#include "pg/report_value.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::fn {
namespace {

// A name; NULL and '' are nobody.
std::optional<core::key_view> name_argument(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number)) return std::nullopt;
  const core::key_view name = pg::bytes_argument(fcinfo, number);
  if (name.empty()) return std::nullopt;
  return name;
}

pg::report_settings settings_arguments(FunctionCallInfo fcinfo, int first) {
  pg::report_settings about{};
  about.time_zone = pg::text_argument(fcinfo, first, "time_zone");
  about.model = core::parse_licensing_model(pg::text_argument(fcinfo, first + 1, "licensing_model"));
  pg::require_argument(fcinfo, first + 2, "window_days");
  about.window_days = PG_GETARG_INT32(first + 2);
  core::check_window_days(about.window_days);
  about.as_of = pg::instant_argument(fcinfo, first + 3, "as_of");
  return about;
}

}  // namespace

// (state, user_name, host, started_at, ended_at, is_denial, time_zone, licensing_model, window_days, as_of)
HEADCOUNT_FUNCTION(daily_report_add) {
  pg::report_state state(fcinfo);
  if (state.is_new()) state.create(settings_arguments(fcinfo, 6));
  if (!PG_ARGISNULL(5) && PG_GETARG_BOOL(5)) {
    const auto user = name_argument(fcinfo, 1);
    const auto at = pg::instant_arguments(fcinfo, 3);
    if (user && at) state.add_denial(*user, *at);
  } else if (const auto stretch = pg::session_arguments(fcinfo, 3)) {
    state.add_session(name_argument(fcinfo, 1), name_argument(fcinfo, 2), *stretch);
  }
  return state.result();
}

HEADCOUNT_FUNCTION(daily_report_merge) {
  pg::report_state state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add_argument(1);
  return state.result();
}

// The rows as an array of daily_user_count.
HEADCOUNT_FUNCTION(daily_report_final) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const pg::workspace work;
  pg::row_array rows(fcinfo);
  struct arguments {
    const core::context &host;
    pg::row_array &rows;
  } closure{work.host(), rows};
  pg::read_report(
      fcinfo, 0,
      [](const pg::report_settings &about, const core::report_input &input, void *made) {
        const auto &[host, to] = *static_cast<arguments *>(made);
        const pg::zone zone(about.time_zone);
        const auto counts = core::find_daily_user_counts(input, about.model, about.window_days,
                                                         {std::nullopt, std::nullopt, about.as_of}, zone, host);
        for (std::size_t at = 0; at < counts.rows.size(); ++at) {
          const core::daily_user_count &each = counts.rows[at];
          to.put(pg::field::of_day(counts.first + static_cast<core::day_number>(at)),
                 pg::field::of_integer(each.total_users), pg::field::of_integer(each.daily_users),
                 pg::field::of_integer(each.denial_users), pg::field::of_integer(each.denials),
                 pg::field::of_integer(each.concurrent_hosts.level), pg::instant_of(each.concurrent_hosts),
                 pg::field(BoolGetDatum(each.complete)));
        }
      },
      &closure);
  return rows.result();
}

}  // namespace headcount::fn
