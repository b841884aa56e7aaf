// What is stored of days, from what daily_session_agg and daily_denial_agg collected: sets of users, whose numbers are in
// a dictionary, and peaks.

#include "core/report/numbered_days.hpp"
#include "core/sets/user_set_bytes.hpp"
#include "pg/daily_value.hpp"
#include "pg/dictionary.hpp"
#include "pg/rows.hpp"
#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// A power of two.
std::uint32_t buckets_argument(FunctionCallInfo fcinfo, int number) {
  pg::require_argument(fcinfo, number, "buckets");
  const std::int32_t buckets = PG_GETARG_INT32(number);
  if (buckets < 1 || !std::has_single_bit(static_cast<std::uint32_t>(buckets)))
    throw core::error(core::fault::invalid_argument, "argument \"buckets\" must be a power of two");
  return static_cast<std::uint32_t>(buckets);
}

// Rows of bucket, page, and how many users are in it.
void put_pages(pg::row_set &rows, std::span<const core::numbered_user> users, std::uint32_t buckets,
               const core::context &host) {
  core::for_each_page(users, buckets, host, [&](std::uint32_t bucket, std::uint32_t count, core::key_view page) {
    rows.put(pg::field::of_integer(bucket), pg::field(pg::copied_value(page)), pg::field::of_integer(count));
  });
}

pg::field set_field(const std::pmr::vector<std::uint32_t> &numbers, std::pmr::memory_resource *memory) {
  return pg::field(pg::value_result(core::to_canonical(numbers, VARHDRSZ, memory)));
}

}  // namespace

// (sessions, denials)
HEADCOUNT_FUNCTION(headcount_daily_users) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer name;
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  const pg::zone &zone = *collected.settings().time_zone;
  const auto span = core::find_days(collected.sessions(), collected.denials(), zone);
  if (!span.has_value()) return rows.result(fcinfo);
  std::pmr::vector<core::day_number> days(work.host().memory);
  for (const bool denied : {false, true}) {
    const core::days_by_key &users = denied ? collected.denials().denied() : collected.sessions().users();
    users.for_each(work, [&](std::uint32_t, core::key_view user, const core::days_of_key &there) {
      days.clear();
      core::for_each_day(there, span->first, span->last, [&](core::day_number day) { days.push_back(day); });
      std::sort(days.begin(), days.end());
      const pg::field who(name(user));
      for (auto day = days.begin(); day != days.end(); day = std::upper_bound(day, days.end(), *day))
        if (core::has_length(zone.start_of(*day), zone.start_of(*day + 1)))
          rows.put(pg::field::of_day(*day), who, pg::field(BoolGetDatum(denied)));
    });
  }
  return rows.result(fcinfo);
}

// (sessions, denials, buckets)
HEADCOUNT_FUNCTION(headcount_dictionary_buckets) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty() || PG_ARGISNULL(2)) return rows.result(fcinfo);
  const std::uint32_t buckets = buckets_argument(fcinfo, 2);
  std::pmr::vector<std::uint32_t> wanted(work.host().memory);
  const auto want = [&](std::uint32_t, core::key_view user) { wanted.push_back(core::bucket_of(user, buckets)); };
  collected.sessions().users().for_each_key(work, want);
  collected.denials().denied().for_each_key(work, want);
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const std::uint32_t bucket : wanted) rows.put(pg::field::of_integer(bucket));
  return rows.result(fcinfo);
}

// (sessions, denials, pages, next_number, buckets)
HEADCOUNT_FUNCTION(headcount_assign_user_ids) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  pg::require_argument(fcinfo, 3, "next_number");
  core::user_numbers numbers = pg::known_numbers(collected, fcinfo, 2, work);
  put_pages(rows, numbers.number_the_rest(pg::user_number(PG_GETARG_INT32(3)), core::max_users), buckets_argument(fcinfo, 4), work);
  return rows.result(fcinfo);
}

// (pages, buckets)
HEADCOUNT_FUNCTION(headcount_compact_dictionary) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  std::pmr::vector<core::numbered_user> users(work.host().memory);
  pg::for_each_argument_page(fcinfo, 0, [&](core::key_view page) {
    core::for_each_user(page, [&](const core::numbered_user &user) { users.push_back(user); });
  });
  put_pages(rows, users, buckets_argument(fcinfo, 1), work);
  return rows.result(fcinfo);
}

// (pages, numbers)
HEADCOUNT_FUNCTION(headcount_user_names) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer name;
  if (PG_ARGISNULL(1)) return rows.result(fcinfo);
  const core::user_set_reader numbers = pg::user_set_argument(fcinfo, 1, work);
  pg::for_each_argument_page(fcinfo, 0, [&](core::key_view page) {
    core::for_each_user(page, [&](const core::numbered_user &user) {
      if (numbers.contains(user.number)) rows.put(pg::field(name(user.name)));
    });
  });
  return rows.result(fcinfo);
}

// (sessions, denials, pages)
HEADCOUNT_FUNCTION(headcount_daily_sets) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return rows.result(fcinfo);
  const auto days = pg::numbered_days(collected, fcinfo, 2, work);
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
HEADCOUNT_FUNCTION(headcount_daily_peaks) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const pg::daily_argument sessions(fcinfo, 0, work);
  if (sessions.is_null()) return rows.result(fcinfo);
  const pg::zone &zone = *sessions.settings().time_zone;
  const core::daily_peaks found = core::find_daily_peaks(sessions.rows(), zone, work);
  for (std::size_t at = 0; at < found.peaks.size(); ++at) {
    if (found.peaks[at].level == 0) continue;
    rows.put(pg::field::of_day(found.first + static_cast<core::day_number>(at)),
             pg::field::of_integer(found.peaks[at].level), pg::instant_of(found.peaks[at]));
  }
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
