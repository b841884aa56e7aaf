// The daily report in one pass over sessions and one over denials: daily_session_agg, daily_denial_agg, daily_report.

#include "fn/report_row.hpp"
#include "pg/daily_value.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// A name; NULL and '' are nobody.
std::optional<core::key_view> name_argument(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number)) return std::nullopt;
  const core::key_view name = pg::bytes_argument(fcinfo, number);
  if (name.empty()) return std::nullopt;
  return name;
}

pg::daily_settings settings_arguments(FunctionCallInfo fcinfo, int first) {
  return {&pg::zone_argument(fcinfo, first), pg::instant_argument(fcinfo, first + 1, "as_of")};
}

// Adds the session of arguments 1 to 4 to a state that is not new.
Datum add_session(pg::daily_state &state, FunctionCallInfo fcinfo) {
  if (const auto when = pg::session_arguments(fcinfo, 3))
    state.add_session(name_argument(fcinfo, 1), name_argument(fcinfo, 2), *when);
  return state.result();
}

// Adds the denial of arguments 1 and 2 to a state that is not new.
Datum add_denial(pg::daily_state &state, FunctionCallInfo fcinfo) {
  const auto user = name_argument(fcinfo, 1);
  const auto at = pg::instant_arguments(fcinfo, 2);
  if (user && at) state.add_denial(*user, at->start);
  return state.result();
}

}  // namespace

// (state, user_name, host, started_at, ended_at, time_zone, as_of)
HEADCOUNT_FUNCTION(headcount_daily_session_add) {
  pg::daily_state state(fcinfo);
  if (state.is_new()) state.create(settings_arguments(fcinfo, 5));
  return add_session(state, fcinfo);
}

// (state, user_name, host, started_at, ended_at, time_zone, as_of, licensing_model, window_days, denials, area): the
// same, together with the other processes of the query, which count at once what the model asks for
HEADCOUNT_FUNCTION(headcount_daily_session_add_shared) {
  pg::daily_state state(fcinfo);
  if (state.is_new()) {
    const core::licensing_model model = core::parse_licensing_model(pg::text_argument(fcinfo, 7, "licensing_model"));
    const std::int32_t window_days = pg::window_days_argument(fcinfo, 8, model);
    core::check_window_days(window_days);
    const auto [zone, as_of] = settings_arguments(fcinfo, 5);
    const pg::area_name refused = core::counts_denied(model) ? pg::area_argument(fcinfo, 9) : pg::area_name{};
    state.create({zone, as_of, core::is_trailing(model) ? window_days : 0, false, refused},
                 pg::area_argument(fcinfo, 10));
  }
  return add_session(state, fcinfo);
}

// The same with from_at and to_at: what is not between them is left out; NULL is no bound
HEADCOUNT_FUNCTION(headcount_daily_session_add_within) {
  pg::daily_state state(fcinfo);
  if (state.is_new()) state.create(settings_arguments(fcinfo, 5));
  if (const auto when = pg::session_arguments(fcinfo, 3))
    state.add_session(name_argument(fcinfo, 1), name_argument(fcinfo, 2), *when, pg::window_arguments(fcinfo, 7));
  return state.result();
}

// (state, user_name, denied_at, time_zone, as_of)
HEADCOUNT_FUNCTION(headcount_daily_denial_add) {
  pg::daily_state state(fcinfo);
  if (state.is_new()) state.create(settings_arguments(fcinfo, 3));
  return add_denial(state, fcinfo);
}

// The same with an area, together with the other processes of the query
HEADCOUNT_FUNCTION(headcount_daily_denial_add_shared) {
  pg::daily_state state(fcinfo);
  if (state.is_new()) {
    const auto [zone, as_of] = settings_arguments(fcinfo, 3);
    state.create({zone, as_of, 0, true, {}}, pg::area_argument(fcinfo, 5));
  }
  return add_denial(state, fcinfo);
}

HEADCOUNT_FUNCTION(headcount_daily_merge) {
  pg::daily_state state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add_argument(1);
  return state.result();
}

// Where denials were collected together, for the aggregate over the sessions.
HEADCOUNT_FUNCTION(headcount_collected_area) { return pg::area_result(pg::collected_area(fcinfo, 0)); }

// What the aggregates give: the state with the peaks found.
HEADCOUNT_FUNCTION(headcount_daily_final) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  return pg::with_peaks(fcinfo);
}

// (sessions, denials, licensing_model, window_days)
HEADCOUNT_FUNCTION(headcount_daily_report) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const core::licensing_model model = core::parse_licensing_model(pg::text_argument(fcinfo, 2, "licensing_model"));
  const std::int32_t window_days = pg::window_days_argument(fcinfo, 3, model);
  core::check_window_days(window_days);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  const pg::zone &zone = *collected.settings().time_zone;
  const core::day_range range{std::nullopt, std::nullopt, collected.settings().as_of};
  const auto find = [&](auto &sessions, auto &denials) {
    return core::find_daily_user_counts(sessions, denials, model, window_days, range, zone, work);
  };
  core::shared_rows *const sessions = collected.shared_sessions(), *const denials = collected.shared_denials();
  const std::int64_t window = core::is_trailing(model) ? window_days : 0;
  const bool counted = sessions != nullptr && sessions->window_days().value_or(0) == window &&
                       (!sessions->with_denials() || (core::counts_denied(model) && collected.counted_together()));
  const auto counts = !counted             ? find(collected.sessions(), collected.denials())
                      : denials != nullptr ? find(*sessions, *denials)
                                           : find(*sessions, collected.denials());
  for (std::size_t at = 0; at < counts.rows.size(); ++at) {
    put_report_row(rows, counts.first + static_cast<core::day_number>(at), counts.rows[at]);
  }
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
