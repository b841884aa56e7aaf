#include "core/numbered_days.hpp"

#include <algorithm>

#include "core/error.hpp"

#include "core/core_only.hpp"

namespace headcount::core {
namespace {

// Appends the number of each user to the days that he was there. Users are taken in order of their numbers, so that
// every day comes out sorted.
void append_users(numbered_days &to, const day_sets &users, std::pmr::vector<std::uint32_t> numbered_day::*list,
                  user_numbers &numbers, const context &host) {
  struct entry {
    std::uint32_t number, user;
  };
  std::pmr::vector<entry> order(host.memory);
  order.reserve(users.size());
  users.for_each_key(host, [&](std::uint32_t user, key_view name) { order.push_back({numbers[name], user}); });
  std::sort(order.begin(), order.end(), [](const entry &a, const entry &b) { return a.number < b.number; });

  const auto count = static_cast<std::int64_t>(to.rows.size());
  day_sets::reader read(users, host.memory);
  ticker tick(host);
  for (const entry &each : order) {
    tick();
    for_each_day(read[each.user], to.first, to.first + count - 1, [&](day_number day) {
      auto &there = to.rows[static_cast<std::size_t>(day - to.first)].*list;
      if (there.empty() || there.back() != each.number) there.push_back(each.number);
    });
  }
}

}  // namespace

void user_numbers::add(key_view name, std::uint32_t number) {
  if (number >= first_unknown) throw error(fault::invalid_argument, "user number is too large");
  numbers_.emplace(name, number);
}

std::uint32_t user_numbers::operator[](key_view name) {
  const auto [found, is_new] = numbers_.try_emplace(name, first_unknown + unknown_);
  if (is_new) ++unknown_;
  return found->second;
}

std::optional<day_span> find_days(const daily_presence &sessions, const daily_presence &denials,
                                  const time_zone &zone) {
  return find_days(std::min(sessions.first(), denials.first()), {std::nullopt, std::nullopt, sessions.as_of()}, zone);
}

numbered_days find_numbered_days(const daily_presence &sessions, const daily_presence &denials, user_numbers &numbers,
                                 const time_zone &zone, const context &host) {
  numbered_days found(host.memory);
  const auto days = find_days(sessions, denials, zone);
  if (!days.has_value()) return found;
  const grid buckets = day_grid(days->first, days->last, zone, host);
  found.first = days->first;
  found.rows.reserve(buckets.size());
  for (std::size_t at = 0; at < buckets.size(); ++at) found.rows.emplace_back(host.memory);

  append_users(found, sessions.users(), &numbered_day::used, numbers, host);
  append_users(found, denials.denied(), &numbered_day::denied, numbers, host);
  const daily_peaks peaks = find_daily_peaks(sessions, zone, host);
  for (std::size_t at = 0; at < buckets.size(); ++at) {
    numbered_day &row = found.rows[at];
    const auto day = static_cast<day_number>(days->first + static_cast<std::int64_t>(at));
    row.denials = denials.denials_on(day);
    row.concurrent_hosts = peaks.of(day);
    // A session that spans a day of no length is not there on it.
    if (buckets.bounds[at + 1] <= buckets.bounds[at]) row = numbered_day(host.memory);
  }
  return found;
}

}  // namespace headcount::core
