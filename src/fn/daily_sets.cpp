// What is stored of days, from what daily_session_agg and daily_denial_agg collected: sets of users, whose numbers are in
// a dictionary, and peaks.

#include <deque>
#include <optional>

#include "core/report/numbered_days.hpp"
#include "core/sets/user_filter.hpp"
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
  core::for_each_page(users, buckets, host, [&](std::int32_t bucket, std::uint32_t count, core::key_view page) {
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

// (sessions, denials, buckets, key_page): with a key also those that forgotten users would be in, and that of the key
HEADCOUNT_FUNCTION(headcount_dictionary_buckets) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty() || PG_ARGISNULL(2)) return rows.result(fcinfo);
  const std::uint32_t buckets = buckets_argument(fcinfo, 2);
  std::pmr::vector<std::int32_t> wanted(work.host().memory);
  std::optional<core::keyed_hash> hash;
  if (!PG_ARGISNULL(3)) {
    hash = core::key_in_page(pg::bytes_argument(fcinfo, 3));
    wanted.push_back(core::key_bucket);
  }
  const auto want = [&](std::uint32_t, core::key_view user) {
    wanted.push_back(static_cast<std::int32_t>(core::bucket_of(user, buckets)));
    if (hash.has_value()) wanted.push_back(core::bucket_of_forgotten((*hash)(user), buckets));
  };
  collected.sessions().users().for_each_key(work, want);
  collected.denials().denied().for_each_key(work, want);
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const std::int32_t bucket : wanted) rows.put(pg::field::of_integer(bucket));
  return rows.result(fcinfo);
}

// (sessions, denials, key_page): with a key also as those that forgotten users would be
HEADCOUNT_FUNCTION(headcount_user_filter) {
  const pg::workspace work;
  const pg::daily_arguments collected(fcinfo, 0, work);
  if (collected.empty()) return pg::null_result(fcinfo);
  std::optional<core::keyed_hash> hash;
  if (!PG_ARGISNULL(2)) hash = core::key_in_page(pg::bytes_argument(fcinfo, 2));
  const core::days_by_key &used = collected.sessions().users(), &denied = collected.denials().denied();
  const std::size_t size = core::user_filter::bytes_for((std::size_t{used.size()} + denied.size()) * (hash.has_value() ? 2 : 1));
  const std::span<std::byte> bytes = pg::empty_value(size);
  const std::span<std::byte> filter = bytes.subspan(VARHDRSZ);
  const auto note = [&](std::uint32_t, core::key_view user) {
    core::user_filter::add(filter, user);
    if (hash.has_value()) core::user_filter::add(filter, (*hash)(user));
  };
  used.for_each_key(work, note);
  denied.for_each_key(work, note);
  return pg::value_result(bytes);
}

// (page, filter)
HEADCOUNT_FUNCTION(headcount_filtered_page) {
  const pg::workspace work;
  const core::key_view page = pg::bytes_argument(fcinfo, 0);
  const core::user_filter wanted(pg::bytes_argument(fcinfo, 1));
  const core::page_kind kind = core::kind_of_page(page);
  if (kind == core::page_kind::key) return pg::copied_value(page);
  core::page_builder left(kind, work.host().memory);
  core::for_each_user(page, [&](const core::numbered_user &user) {
    if (wanted.may_have(user.name)) left.add(user);
  });
  return pg::copied_value(left.bytes());
}

// (names, buckets)
HEADCOUNT_FUNCTION(headcount_name_buckets) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  const std::uint32_t buckets = buckets_argument(fcinfo, 1);
  std::pmr::vector<std::uint32_t> wanted(work.host().memory);
  pg::for_each_argument_name(fcinfo, 0, [&](core::key_view name) { wanted.push_back(core::bucket_of(name, buckets)); });
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (const std::uint32_t bucket : wanted) rows.put(pg::field::of_integer(bucket));
  return rows.result(fcinfo);
}

// (key): a page of it
HEADCOUNT_FUNCTION(headcount_key_page) {
  const core::key_view key = pg::bytes_argument(fcinfo, 0);
  if (key.size() != core::keyed_hash::key_size)
    throw core::error(core::fault::invalid_argument, "argument \"key\" must be of 16 bytes, but is of " + std::to_string(key.size()));
  const auto page = core::page_of_key(key.first<core::keyed_hash::key_size>());
  return pg::copied_value(page);
}

// (pages, names, key_page, buckets): the users of some pages, those of some names, or if names is NULL all, by hashes from now on
HEADCOUNT_FUNCTION(headcount_forget_names) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::require_argument(fcinfo, 2, "key_page");
  const core::keyed_hash hash = core::key_in_page(pg::bytes_argument(fcinfo, 2));
  std::pmr::vector<core::key_view> names(work.host().memory);
  const bool is_about_all = PG_ARGISNULL(1);
  if (!is_about_all) pg::for_each_argument_name(fcinfo, 1, [&](core::key_view name) { names.push_back(name); });
  const auto is_before = [](core::key_view a, core::key_view b) { return core::compare(a, b) < 0; };
  std::sort(names.begin(), names.end(), is_before);
  std::pmr::deque<std::array<std::byte, core::keyed_hash::size>> hashes(work.host().memory);
  std::pmr::vector<core::numbered_user> users(work.host().memory);
  pg::for_each_argument_page(fcinfo, 0, [&](core::key_view page) {
    core::for_each_user(page, [&](const core::numbered_user &user) {
      users.push_back(user);
      if (user.is_forgotten || (!is_about_all && !std::binary_search(names.begin(), names.end(), user.name, is_before))) return;
      users.back() = {hashes.emplace_back(hash(user.name)), user.number, true};
    });
  });
  put_pages(rows, users, buckets_argument(fcinfo, 3), work);
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

// (pages, numbers, forgotten): `forgotten` is shown for names that were; if it is NULL they are an error
HEADCOUNT_FUNCTION(headcount_user_names) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::text_buffer name;
  if (PG_ARGISNULL(1)) return rows.result(fcinfo);
  const core::user_set_reader numbers = pg::user_set_argument(fcinfo, 1, work);
  bool meets_forgotten = false;
  pg::for_each_argument_page(fcinfo, 0, [&](core::key_view page) {
    core::for_each_user(page, [&](const core::numbered_user &user) {
      if (!numbers.contains(user.number)) return;
      if (!user.is_forgotten)
        rows.put(pg::field(name(user.name)));
      else if (PG_ARGISNULL(2))
        meets_forgotten = true;
      else
        rows.put(pg::field(name(pg::bytes_argument(fcinfo, 2))));
    });
  });
  if (meets_forgotten)
    throw core::error(core::fault::forgotten, "names of users on the days that are asked for have been forgotten", {},
                      "How many users there were is still known: headcount.unique_users and the views count them.");
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
