#include "core/report/numbered_days.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "core/base/error.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::daily_presence;
using core::day_number;

using names = std::set<std::string>;

// What the numbers stand for: those that were given, and the rest by what is left.
names names_of(const std::pmr::vector<std::uint32_t> &numbers, const std::map<std::uint32_t, std::string> &known) {
  names found;
  std::uint32_t before = 0;
  for (const std::uint32_t number : numbers) {
    EXPECT_TRUE(found.empty() || number > before);
    before = number;
    found.insert(known.at(number));
  }
  return found;
}

TEST(numbered_days, every_day_has_its_users_hosts_and_denials) {
  const host with;
  const auto &zone = utc;
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    const instant as_of = 300 * core::ticks_per_day + 5;
    daily_presence sessions(zone, as_of, with.memory()), denials(zone, as_of, with.memory());
    std::vector<std::string> known_names;
    for (int user = 0; user < 10; ++user) known_names.push_back("user" + std::to_string(user));

    std::map<std::int64_t, names> used, denied;
    std::map<std::int64_t, std::int64_t> refusals;
    std::vector<std::string> kept;
    kept.reserve(600);
    for (int row = 0; row < 400; ++row) {
      const std::string &user = kept.emplace_back("user" + std::to_string(random() % 25));
      const instant start = static_cast<instant>(random() % 290) * core::ticks_per_day + static_cast<instant>(random() % 1000);
      const instant end = start + 1 + static_cast<instant>(random() % 4) * core::ticks_per_day * (random() % 50 == 0 ? 200 : 1);
      sessions.add_session(view_of(user), view_of("h"), {start, end});
      for (std::int64_t day = start / core::ticks_per_day; day <= std::min(end - 1, as_of) / core::ticks_per_day; ++day)
        used[day].insert(user);
    }
    for (int row = 0; row < 100; ++row) {
      const std::string &user = kept.emplace_back("user" + std::to_string(5 + random() % 30));
      const auto day = static_cast<std::int64_t>(random() % 300);
      denials.add_denial(view_of(user), day * core::ticks_per_day);
      denied[day].insert(user);
      ++refusals[day];
    }

    core::user_numbers numbers(sessions.users(), denials.denied(), with);
    std::pmr::vector<core::numbered_user> known(with.memory());
    for (std::uint32_t user = 0; user < 10; ++user) known.push_back({view_of(known_names[user]), 7 * user});
    core::for_each_page(known, 4, with, [&](auto, auto, key_view list) { numbers.learn(list); });
    std::map<std::uint32_t, std::string> meaning;
    for (std::uint32_t user = 0; user < 10; ++user) meaning[7 * user] = known_names[user];
    for (const core::numbered_user &each : numbers.number_the_rest(1000, 2000)) {
      EXPECT_GE(each.number, 1000U);
      EXPECT_TRUE(meaning.emplace(each.number, string_of(each.name)).second);  // one number each
    }
    names all;
    for (const auto &[number, name] : meaning) all.insert(name);
    EXPECT_EQ(all.size(), meaning.size());  // and each user one, denied or not
    const auto found = core::find_numbered_days(sessions, denials, numbers, zone, with);
    for (std::size_t at = 0; at < found.rows.size(); ++at) {
      const std::int64_t day = found.first + static_cast<std::int64_t>(at);
      EXPECT_EQ(names_of(found.rows[at].used, meaning), used[day]);
      EXPECT_EQ(names_of(found.rows[at].denied, meaning), denied[day]);
      EXPECT_EQ(found.rows[at].denials, refusals[day]);
      EXPECT_EQ(found.rows[at].concurrent_hosts.level, used[day].empty() ? 0 : 1);
      EXPECT_EQ(found.rows[at].is_idle(), used[day].empty() && denied[day].empty());
    }
    EXPECT_EQ(found.first + static_cast<std::int64_t>(found.rows.size()) - 1, as_of / core::ticks_per_day);
  }
}

TEST(numbered_days, nothing_is_no_days) {
  const host with;
  const auto &zone = utc;
  const daily_presence none(zone, 1000, with.memory());
  const core::user_numbers numbers(none.users(), none.denied(), with);
  EXPECT_TRUE(core::find_numbered_days(none, none, numbers, zone, with).rows.empty());
}

TEST(numbered_days, a_session_counts_for_what_of_it_is_within_a_span) {
  const host with;
  const auto &zone = utc;
  const instant day = core::ticks_per_day;
  daily_presence sessions(zone, 10 * day - 1, with.memory());
  sessions.add_session(view_of("u"), view_of("h"), {2 * day, 20 * day}, {5 * day, 7 * day});
  sessions.add_session(view_of("before"), view_of("h"), {2 * day, 5 * day}, {5 * day, 7 * day});
  sessions.add_session(view_of("after"), view_of("h"), {7 * day, 8 * day}, {5 * day, 7 * day});
  core::user_numbers numbers(sessions.users(), sessions.denied(), with);
  EXPECT_EQ(numbers.number_the_rest(0, 1).size(), 1U);
  const auto found = core::find_numbered_days(sessions, sessions, numbers, zone, with);
  EXPECT_EQ(found.first, 5);
  EXPECT_EQ(sessions.users().size(), 1U);
  EXPECT_EQ(found.rows[0].concurrent_hosts.at, 5 * day);
  EXPECT_EQ(found.rows[1].used.size(), 1U);
  EXPECT_TRUE(found.rows[2].is_idle());
}

TEST(numbered_days, numbers_run_out) {
  const host with;
  daily_presence sessions(utc, 1000, with.memory());
  for (const char *const user : {"u", "v", "w"}) sessions.add_session(view_of(user), view_of("h"), {1, 2});
  core::user_numbers enough(sessions.users(), sessions.denied(), with), too_few(sessions.users(), sessions.denied(), with);
  EXPECT_EQ(enough.number_the_rest(7, 10).size(), 3U);
  EXPECT_THROW(too_few.number_the_rest(7, 9), core::error);
}

TEST(numbered_days, forgotten_users_are_known_by_their_key_only) {
  const host with;
  daily_presence sessions(utc, 1000, with.memory());
  for (const char *const user : {"u", "v"}) sessions.add_session(view_of(user), view_of("h"), {1, 2});
  const core::keyed_hash key(core::forgetting_key{std::byte{7}});
  const auto hash = key(view_of("v"));
  std::pmr::vector<core::numbered_user> all(with.memory());
  all.push_back({hash, 5, true});
  core::user_numbers keyless(sessions.users(), sessions.denied(), with), known(sessions.users(), sessions.denied(), with);
  known.know_by(key);
  core::for_each_page(all, 1, with, [&](std::int32_t, std::uint32_t, key_view page) {
    try {
      keyless.learn(page);
      ADD_FAILURE() << "learnt without the key";
    } catch (const core::error &error) {
      EXPECT_EQ(error.kind(), core::fault::damaged_bytes);
    }
    known.learn(page);
  });
  EXPECT_EQ(known.number_the_rest(8, 20).size(), 1U);
  EXPECT_EQ((std::vector<std::uint32_t>(known.of_used().begin(), known.of_used().end())), (std::vector<std::uint32_t>{8, 5}));
}

}  // namespace
}  // namespace headcount::test
