// What is stored of days, from what daily_session_agg and daily_denial_agg collected: daily_names, daily_sets,
// daily_peaks.

#include "core/numbered_days.hpp"
#include "core/user_set_bytes.hpp"
#include "pg/daily_value.hpp"
#include "pg/rows.hpp"
#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

std::string_view text_of(core::key_view name) { return {reinterpret_cast<const char *>(name.data()), name.size()}; }

// Two arrays of one length: names, and the number of each.
void add_numbers(core::user_numbers &to, FunctionCallInfo fcinfo, int first) {
  if (PG_ARGISNULL(first) || PG_ARGISNULL(first + 1)) return;
  struct elements {
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
  } names, numbers;
  pg::call([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(first), TEXTOID, -1, false, TYPALIGN_INT, &names.values, &names.nulls,
                      &names.count);
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(first + 1), INT4OID, sizeof(std::int32_t), true, TYPALIGN_INT,
                      &numbers.values, &numbers.nulls, &numbers.count);
  });
  if (names.count != numbers.count)
    throw core::error(core::fault::invalid_argument, "arguments \"names\" and \"numbers\" must have the same length");
  to.reserve(static_cast<std::size_t>(names.count));
  for (int at = 0; at < names.count; ++at) {
    if (names.nulls[at] || numbers.nulls[at])
      throw core::error(core::fault::missing_argument, "arguments \"names\" and \"numbers\" must not contain nulls");
    to.add(pg::bytes_of(names.values[at]), pg::user_number(DatumGetInt32(numbers.values[at])));
  }
}

pg::field set_field(const std::pmr::vector<std::uint32_t> &numbers, std::pmr::memory_resource *memory) {
  return pg::field(pg::value_result(core::to_canonical(numbers, VARHDRSZ, memory)));
}

}  // namespace

// (sessions, denials)
HEADCOUNT_FUNCTION(daily_names) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer name;
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  const core::day_sets &denied = collected.denials().denied();
  const core::day_sets::reader used(collected.sessions().users(), work.host().memory);
  collected.sessions().users().for_each_key(
      work, [&](std::uint32_t, core::key_view user) { rows.put(pg::field(name(text_of(user)))); });
  denied.for_each_key(work, [&](std::uint32_t, core::key_view user) {
    if (used.find(user) == core::day_sets::nowhere) rows.put(pg::field(name(text_of(user))));
  });
  return rows.result(fcinfo);
}

// (sessions, denials)
HEADCOUNT_FUNCTION(daily_users) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer name;
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  const pg::zone zone(collected.settings().time_zone);
  const auto span = core::find_days(collected.sessions(), collected.denials(), zone);
  if (!span.has_value()) return rows.result(fcinfo);
  std::pmr::vector<core::day_number> days(work.host().memory);
  for (const bool denied : {false, true}) {
    const core::day_sets &users = denied ? collected.denials().denied() : collected.sessions().users();
    users.for_each(work, [&](std::uint32_t, core::key_view user, const core::day_sets::days_of_key &there) {
      days.clear();
      core::for_each_day(there, span->first, span->last, [&](core::day_number day) { days.push_back(day); });
      std::sort(days.begin(), days.end());
      const pg::field who(name(text_of(user)));
      for (auto day = days.begin(); day != days.end(); day = std::upper_bound(day, days.end(), *day))
        if (zone.start_of(*day) < zone.start_of(*day + 1))  // else the zone skipped it
          rows.put(pg::field::of_day(*day), who, pg::field(BoolGetDatum(denied)));
    });
  }
  return rows.result(fcinfo);
}

// (sessions, denials, names, numbers)
HEADCOUNT_FUNCTION(daily_sets) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  core::user_numbers numbers(work.host().memory);
  add_numbers(numbers, fcinfo, 2);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  const pg::zone zone(collected.settings().time_zone);
  const auto days = core::find_numbered_days(collected.sessions(), collected.denials(), numbers, zone, work);
  for (std::size_t at = 0; at < days.rows.size(); ++at) {
    const core::numbered_day &each = days.rows[at];
    if (each.is_idle()) continue;
    rows.put(pg::field::of_day(days.first + static_cast<core::day_number>(at)),
             set_field(each.used, work.host().memory), set_field(each.denied, work.host().memory),
             pg::field::of_integer(each.denials), pg::field::of_integer(each.concurrent_hosts.level),
             pg::instant_of(each.concurrent_hosts));
  }
  return rows.result(fcinfo);
}

// (sessions)
HEADCOUNT_FUNCTION(daily_peaks) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const pg::daily_argument sessions(fcinfo, 0, work);
  if (sessions.rows() == nullptr) return rows.result(fcinfo);
  const pg::zone zone(sessions.settings().time_zone);
  const core::daily_peaks found = core::find_daily_peaks(*sessions.rows(), zone, work);
  for (std::size_t at = 0; at < found.peaks.size(); ++at) {
    if (found.peaks[at].level == 0) continue;
    rows.put(pg::field::of_day(found.first + static_cast<core::day_number>(at)),
             pg::field::of_integer(found.peaks[at].level), pg::instant_of(found.peaks[at]));
  }
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
