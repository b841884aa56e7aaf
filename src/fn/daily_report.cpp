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

struct model_settings {
  core::licensing_model model;
  std::int32_t window_days;
};

// (..., licensing_model, window_days)
model_settings model_arguments(FunctionCallInfo fcinfo, int first) {
  const core::licensing_model model = core::parse_licensing_model(pg::text_argument(fcinfo, first, "licensing_model"));
  const std::int32_t window_days = pg::window_days_argument(fcinfo, first + 1, model);
  core::check_window_days(window_days);
  return {model, window_days};
}

// The report of what was collected, counted already where several processes did that under the same model.
core::daily_user_counts counts_of(const pg::daily_arguments &collected, const model_settings &under, const core::day_range &range, const core::context &host) {
  const pg::zone &zone = *collected.settings().time_zone;
  const auto [model, window_days] = under;
  const auto find = [&](auto &sessions, auto &denials) {
    return core::find_daily_user_counts(sessions, denials, model, window_days, range, zone, host);
  };
  core::shared_rows *const sessions = collected.shared_sessions(), *const denials = collected.shared_denials();
  const std::int64_t window = core::is_trailing(model) ? window_days : 0;
  const bool counted = sessions != nullptr && sessions->window_days().value_or(0) == window &&
                       (!sessions->with_denials() || (core::counts_denied(model) && collected.counted_together()));
  return !counted             ? find(collected.sessions(), collected.denials())
         : denials != nullptr ? find(*sessions, *denials)
                              : find(*sessions, collected.denials());
}

// The rows of the days from `from` to `to`; nothing is no bound.
void put_report(pg::row_set &rows, const core::daily_user_counts &counts, std::optional<core::day_number> from, std::optional<core::day_number> to) {
  for (std::size_t at = 0; at < counts.rows.size(); ++at) {
    const core::day_number day = counts.first + static_cast<core::day_number>(at);
    if (day >= from.value_or(day) && day <= to.value_or(day)) put_report_row(rows, day, counts.rows[at]);
  }
}

// The first counted instant of two arguments, states of sessions and of denials; forever where there is none.
core::instant first_collected(FunctionCallInfo fcinfo, int first) {
  return std::min(pg::first_collected(fcinfo, first), pg::first_collected(fcinfo, first + 1));
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
    const auto [model, window_days] = model_arguments(fcinfo, 7);
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
  const model_settings under = model_arguments(fcinfo, 2);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  put_report(rows, counts_of(collected, under, {std::nullopt, std::nullopt, collected.settings().as_of}, work), std::nullopt, std::nullopt);
  return rows.result(fcinfo);
}

// (source, sessions, denials, licensing_model, window_days, time_zone, as_of, has_earlier, from_day, to_day): the same from
// what meets some days and those before that matter for them. Nothing of it may be on the first of these days, which the report
// has all the same if there is something earlier.
HEADCOUNT_FUNCTION(headcount_live_report) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const model_settings under = model_arguments(fcinfo, 3);
  const pg::zone &zone = pg::zone_argument(fcinfo, 5);
  core::day_range range{std::nullopt, std::nullopt, pg::instant_argument(fcinfo, 6, "as_of")};
  const auto from = pg::finite_day(fcinfo, 8), to = pg::finite_day(fcinfo, 9);
  const bool has_earlier = from.has_value() && !PG_ARGISNULL(7) && PG_GETARG_BOOL(7);
  if (has_earlier && *from > core::day_of(range.as_of, zone)) return rows.result(fcinfo);
  if (has_earlier && first_collected(fcinfo, 1) >= zone.start_of(*from)) range.first = from;
  const pg::daily_arguments collected(fcinfo, 1, work);
  if (!collected.empty()) {
    put_report(rows, counts_of(collected, under, range, work), from, to);
  } else {
    const core::daily_presence nothing(zone, range.as_of, work.host().memory);
    put_report(rows, core::find_daily_user_counts(nothing, nothing, under.model, under.window_days, range, zone, work), from, to);
  }
  return rows.result(fcinfo);
}

// (sessions, denials, at): whether anything that was collected is before an instant
HEADCOUNT_FUNCTION(headcount_collected_before) {
  return BoolGetDatum(first_collected(fcinfo, 0) < pg::instant_argument(fcinfo, 2, "at"));
}

}  // namespace headcount::fn
