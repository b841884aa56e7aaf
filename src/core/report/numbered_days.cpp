#include "core/report/numbered_days.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// Appends the number of each user to the days that he was there. Users are taken in order of their numbers, so that
// every day comes out sorted.
void append_users(numbered_days &to, const days_by_key &users, std::span<const std::uint32_t> numbers,
                  std::pmr::vector<std::uint32_t> numbered_day::*list, const context &host) {
  struct entry {
    std::uint32_t number, user;
  };
  std::pmr::vector<entry> order(host.memory);
  order.reserve(numbers.size());
  for (std::uint32_t user = 0; user < numbers.size(); ++user) order.push_back({numbers[user], user});
  std::sort(order.begin(), order.end(), [](const entry &a, const entry &b) { return a.number < b.number; });

  const auto count = static_cast<std::int64_t>(to.rows.size());
  days_by_key::reader read(users, host.memory);
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

user_numbers::user_numbers(const days_by_key &used, const days_by_key &denied, const context &host)
    : host_(host),
      used_(used, host),
      denied_(denied, host),
      hashes_(host.memory) {}

void user_numbers::know_by(const keyed_hash &key) {
  has_key_ = true;
  hashes_.clear();
  hashes_.reserve(std::size_t{used_.users.size()} + denied_.users.size());
  for (side *const each : {&used_, &denied_})
    each->users.for_each_key(host_, [&](std::uint32_t at, key_view name) { hashes_.push_back({key(name), &each->numbers[at]}); });
  std::sort(hashes_.begin(), hashes_.end());
}

void user_numbers::learn(key_view page) {
  for_each_user(page, [this](const numbered_user &user) {
    if (user.is_forgotten) {
      if (!has_key_) throw error(fault::damaged_bytes, "invalid page of users", "The key of the names that were forgotten is missing.");
      hashed wanted{{}, nullptr};
      std::copy(user.name.begin(), user.name.end(), wanted.hash.begin());
      const auto [first, last] = std::equal_range(hashes_.begin(), hashes_.end(), wanted);
      std::for_each(first, last, [&](const hashed &each) { *each.number = user.number; });
      return;
    }
    for (side *const each : {&used_, &denied_})
      if (const std::uint32_t at = each->find.find(user.name); at != days_by_key::npos) each->numbers[at] = user.number;
  });
}

std::pmr::vector<numbered_user> user_numbers::number_the_rest(std::uint32_t next, std::uint32_t end) {
  std::pmr::vector<numbered_user> added(host_.memory);
  const auto number = [&](std::uint32_t &of, key_view name) {
    if (of != unknown) return;
    if (next >= end) throw error(fault::too_large, "a source cannot have more than " + std::to_string(end) + " users");
    of = next++;
    added.push_back({name, of});
  };
  used_.users.for_each_key(host_, [&](std::uint32_t at, key_view name) { number(used_.numbers[at], name); });
  denied_.users.for_each_key(host_, [&](std::uint32_t at, key_view name) {
    if (const std::uint32_t there = used_.find.find(name); there != days_by_key::npos)
      denied_.numbers[at] = used_.numbers[there];
    number(denied_.numbers[at], name);
  });
  return added;
}

std::optional<reported_days> find_days(const daily_presence &sessions, const daily_presence &denials,
                                  const time_zone &zone) {
  return find_days(std::min(sessions.first(), denials.first()), {std::nullopt, std::nullopt, sessions.as_of()}, zone);
}

numbered_days find_numbered_days(const daily_presence &sessions, const daily_presence &denials,
                                 const user_numbers &numbers, const time_zone &zone, const context &host) {
  numbered_days found(host.memory);
  const auto days = find_days(sessions, denials, zone);
  if (!days.has_value()) return found;
  const grid buckets = day_grid(days->first, days->last, zone, host);
  found.first = days->first;
  found.rows.reserve(buckets.size());
  for (std::size_t at = 0; at < buckets.size(); ++at) found.rows.emplace_back(host.memory);

  append_users(found, sessions.users(), numbers.of_used(), &numbered_day::used, host);
  append_users(found, denials.denied(), numbers.of_denied(), &numbered_day::denied, host);
  const daily_peaks peaks = find_daily_peaks(sessions, zone, host);
  for (std::size_t at = 0; at < buckets.size(); ++at) {
    numbered_day &row = found.rows[at];
    const auto day = static_cast<day_number>(days->first + static_cast<std::int64_t>(at));
    row.denials = denials.denials_on(day);
    row.concurrent_hosts = peaks.of(day);
    // A session that spans a day of no length is not there on it.
    if (!has_length(buckets.bounds[at], buckets.bounds[at + 1])) row = numbered_day(host.memory);
  }
  return found;
}

}  // namespace headcount::core
