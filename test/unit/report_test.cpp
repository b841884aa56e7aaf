#include "core/report/report.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "core/base/error.hpp"
#include "support/faults.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::day_number;
using core::day_range;
using core::licensing_model;

// --- the model: every number from its definition, day by day and key by key ------------------------------------------

struct slow_presence {
  bytes log;
  entries keys;  // as far as they count at as_of

  slow_presence(key_type type, const rows &from, instant as_of)
      : log(log_of(type, from)), keys(clip_slowly(type, model_of(type, from), {beginning, core::just_after(as_of)})) {}

  presence_view view() const { return presence_view(log); }

  instant first() const {
    instant first = forever;
    for (const entry &key : keys) first = std::min(first, key.intervals.front().start);
    return first;
  }
};

bool touches(const entry &key, interval when) {
  return std::any_of(key.intervals.begin(), key.intervals.end(),
                     [&](const interval &each) { return !core::is_empty(core::clip(each, when)); });
}

// The keys that touch the interval. Nameless ones get a number for a name.
std::set<std::string> names_in(const slow_presence &presence, interval when) {
  std::set<std::string> found;
  for (std::size_t at = 0; at < presence.keys.size(); ++at)
    if (touches(presence.keys[at], when))
      found.insert(presence.keys[at].key.empty() ? "#" + std::to_string(at) : presence.keys[at].key);
  return found;
}

std::int64_t count(const std::set<std::string> &names) { return static_cast<std::int64_t>(names.size()); }

std::set<std::string> operator+(std::set<std::string> left, const std::set<std::string> &right) {
  left.insert(right.begin(), right.end());
  return left;
}

std::pair<std::int64_t, instant> peak_slowly(const slow_presence &presence, interval when) {
  std::vector<instant> candidates{when.start};
  for (const entry &key : presence.keys)
    for (const interval &each : key.intervals)
      if (each.start > when.start && each.start < when.end) candidates.push_back(each.start);
  std::sort(candidates.begin(), candidates.end());
  std::pair<std::int64_t, instant> best{0, 0};
  if (core::is_empty(when)) return best;
  for (const instant at : candidates) {
    std::int64_t level = 0;
    for (const entry &key : presence.keys) level += touches(key, {at, at + 1}) ? 1 : 0;
    if (level > best.first) best = {level, at};
  }
  return best;
}

interval day_slowly(std::int64_t day, const core::time_zone &zone) {
  return {zone.start_of(static_cast<day_number>(day)), zone.start_of(static_cast<day_number>(day + 1))};
}

std::int64_t day_of_slowly(instant at, const core::time_zone &zone) {
  std::int64_t day = at / days - 5;
  while (day_slowly(day, zone).end <= at) ++day;
  return day;
}

struct slow_days {
  std::int64_t first = 0, last = -1;
  bool unbounded = false;  // one of the two is not to be had
};

slow_days days_slowly(const day_range &range, instant first_data, const core::time_zone &zone) {
  slow_days found;
  if (!range.first.has_value() && first_data == forever) return found;
  if ((!range.first.has_value() && first_data == beginning) || (!range.last.has_value() && range.as_of == forever)) {
    found.unbounded = true;
    return found;
  }
  found.first = range.first.has_value() ? *range.first : day_of_slowly(first_data, zone);
  const std::int64_t today = range.as_of == forever ? INT32_MAX : day_of_slowly(range.as_of, zone);
  found.last = range.last.has_value() ? std::min<std::int64_t>(*range.last, today) : today;
  return found;
}

// --- random worlds ---------------------------------------------------------------------------------------------------

struct world {
  const rule_zone *zone;
  const char *zone_name;
  day_range range;
  rows sessions, denials, hosts;
  std::int64_t window_days;
};

world random_world(dice &roll) {
  const auto &[name, zone] = all_zones[roll(std::size(all_zones))];
  // Days around which something happens to the clocks of one zone or another.
  constexpr std::int64_t places[] = {27, 47, 58, 68, 97, 197, spring_2024 - 3, autumn_2024 - 3};
  const std::int64_t place = places[roll(std::size(places))];
  // Coarse, so that much begins and ends at midnight, at as_of, and at once.
  const std::int64_t unit = roll.one_in(2) ? 6 * hours : roll.one_in(2) ? 1 * hours : 30 * minutes;
  const std::int64_t origin = zone->start_of(static_cast<day_number>(place));
  const auto instant_here = [&] { return origin + roll.between(0, 8 * days / unit) * unit; };
  const auto presences = [&](std::uint64_t most, std::uint64_t keys, bool instants) {
    rows made(roll(most));
    for (row &each : made) {
      const instant start = instant_here();
      each = {"key" + std::to_string(roll(keys)), {start, start + 1}};
      if (instants) continue;
      if (!roll.one_in(5)) each.when.end = start + roll.between(1, roll.one_in(4) ? 80 : 8) * unit;
      if (roll.one_in(9)) each.when.end = forever;
      if (roll.one_in(60)) each.when.start = beginning;
    }
    return made;
  };
  world made{zone, name, {{}, {}, instant_here()}, {}, {}, {}, roll.between(1, 6)};
  if (roll.one_in(8)) made.range.as_of = forever;
  if (roll.one_in(3)) made.range.as_of = origin + 20 * days;
  if (roll.one_in(3)) made.range.first = static_cast<day_number>(place + roll.between(-3, 8));
  if (roll.one_in(3)) made.range.last = static_cast<day_number>(place + roll.between(-1, 12));
  if (roll.one_in(20)) made.window_days = roll.between(100, 100'000);
  made.sessions = presences(14, 5, false);
  made.denials = presences(8, 7, true);
  made.hosts = presences(14, 4, false);
  return made;
}

std::string told(const world &of, int round) {
  std::string text =
      "round " + std::to_string(round) + ", " + of.zone_name + ", as of " + std::to_string(of.range.as_of);
  for (const auto &[name, list] : {std::pair("session", &of.sessions), {"denial", &of.denials}, {"host", &of.hosts}})
    for (const row &each : *list)
      text += std::string("\n  ") + name + " " + each.key + " " + std::to_string(each.when.start) + " " +
              std::to_string(each.when.end);
  return text;
}

// Runs `action`; it must complain of a missing argument exactly where the model says so. Returns whether it went well.
bool goes_well(bool unbounded, const std::function<void()> &action) {
  try {
    action();
    EXPECT_FALSE(unbounded) << "a report without a first or a last day";
    return !unbounded;
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::missing_argument);
    EXPECT_TRUE(unbounded) << error.what();
    return false;
  }
}

// --- activity --------------------------------------------------------------------------------------------------------

void expect_activity(const core::activity_row &row, const slow_presence &presence, interval bucket, interval whole) {
  const interval when = core::clip(bucket, whole);
  std::int64_t fresh = 0;
  for (const entry &key : presence.keys)
    fresh += touches(key, when) && key.intervals.front().start >= whole.start &&
             !touches(key, {whole.start, std::max(when.start, whole.start)});
  const auto [level, at] = peak_slowly(presence, when);
  EXPECT_EQ(row.start, bucket.start);
  EXPECT_EQ(row.unique_keys, count(names_in(presence, when)));
  EXPECT_EQ(row.new_keys, fresh);
  EXPECT_EQ(row.highest.level, level);
  if (level != 0) {
    EXPECT_EQ(row.highest.at, at);
  }
}

TEST(daily_activity, agrees_with_the_model) {
  dice roll(80);
  for (int round = 0; round < 4000; ++round) {
    const host host;
    const world here = random_world(roll);
    SCOPED_TRACE(told(here, round));
    const key_type type = roll.one_in(5) ? key_type::session : key_type::text;
    rows arrived = here.sessions;
    if (type == key_type::session)
      for (row &each : arrived) each.key.clear();
    const slow_presence sessions(type, arrived, here.range.as_of);
    const slow_days expected = days_slowly(here.range, sessions.first(), *here.zone);
    core::daily_activity found(host.memory());
    if (!goes_well(expected.unbounded,
                   [&] { found = core::find_daily_activity(sessions.view(), here.range, *here.zone, host); }))
      continue;
    ASSERT_EQ(static_cast<std::int64_t>(found.rows.size()),
              std::max<std::int64_t>(0, expected.last - expected.first + 1));
    if (found.rows.empty()) continue;
    EXPECT_EQ(found.first, expected.first);
    const interval whole{day_slowly(expected.first, *here.zone).start, day_slowly(expected.last, *here.zone).end};
    for (std::size_t at = 0; at < found.rows.size(); ++at)
      expect_activity(found.rows[at], sessions, day_slowly(expected.first + static_cast<std::int64_t>(at), *here.zone),
                      whole);
  }
}

TEST(daily_activity, counts_nameless_sessions_each) {
  const host host;
  const bytes log = log_of(key_type::session, {{"", {0, days + 1}}, {"", {0, 5}}, {"", {days, days + 9}}});
  const auto found = core::find_daily_activity(presence_view(log), {{}, {}, 2 * days - 1}, utc, host);
  ASSERT_EQ(found.rows.size(), 2U);
  EXPECT_EQ(found.rows[0].unique_keys, 2);
  EXPECT_EQ(found.rows[0].new_keys, 2);
  EXPECT_EQ(found.rows[0].highest.level, 2);
  EXPECT_EQ(found.rows[1].unique_keys, 2);
  EXPECT_EQ(found.rows[1].new_keys, 1);
  EXPECT_EQ(found.rows[1].highest.at, days);
}

TEST(activity, agrees_with_the_model) {
  dice roll(81);
  for (int round = 0; round < 4000; ++round) {
    const host host;
    const world here = random_world(roll);
    const auto size = static_cast<core::granularity>(roll(6));
    const instant as_of = here.range.as_of;
    const slow_presence sessions(key_type::text, here.sessions, as_of);
    const instant somewhere = here.sessions.empty() ? 60 * days : here.sessions[0].when.start;
    interval window = core::all_time;
    if (somewhere != beginning && !roll.one_in(3)) window.start = somewhere + roll.between(-50, 50) * hours;
    if (somewhere != beginning && !roll.one_in(3)) window.end = somewhere + roll.between(-50, 90) * hours;
    SCOPED_TRACE(told(here, round) + "\n  window " + std::to_string(window.start) + " " + std::to_string(window.end));

    std::pmr::vector<core::activity_row> found(host.memory());
    const bool nothing = window.start == beginning && sessions.first() == forever;
    const bool unbounded = !nothing && ((window.start == beginning && sessions.first() == beginning) ||
                                        (window.end == forever && as_of == forever));
    if (!goes_well(unbounded,
                   [&] { found = core::find_activity(sessions.view(), size, window, as_of, *here.zone, host); }))
      continue;
    if (nothing) {
      EXPECT_TRUE(found.empty());
      continue;
    }
    if (window.start == beginning) window.start = sessions.first();
    if (window.end == forever) window.end = core::just_after(as_of);
    // That the grid is right is for civil_test.cpp to say.
    const core::grid buckets = core::civil_grid(size, window, *here.zone, host);
    ASSERT_EQ(found.size(), buckets.size());
    for (std::size_t at = 0; at < found.size(); ++at)
      expect_activity(found[at], sessions, {buckets.bounds[at], buckets.bounds[at + 1]}, window);
  }
}

// --- trailing windows ------------------------------------------------------------------------------------------------

TEST(rolling_activity, agrees_with_the_model) {
  dice roll(82);
  for (int round = 0; round < 4000; ++round) {
    const host host;
    const world here = random_world(roll);
    SCOPED_TRACE(told(here, round));
    const slow_presence sessions(key_type::text, here.sessions, here.range.as_of);
    const slow_days expected = days_slowly(here.range, sessions.first(), *here.zone);
    const std::int64_t window =
        sessions.first() == beginning ? std::min<std::int64_t>(here.window_days, 200) : here.window_days;
    core::rolling_activity found(host.memory());
    if (!goes_well(expected.unbounded,
                   [&] { found = core::find_rolling_activity(sessions.view(), window, here.range, *here.zone, host); }))
      continue;
    ASSERT_EQ(static_cast<std::int64_t>(found.unique_keys.size()),
              std::max<std::int64_t>(0, expected.last - expected.first + 1));
    for (std::size_t at = 0; at < found.unique_keys.size(); ++at) {
      const std::int64_t day = expected.first + static_cast<std::int64_t>(at);
      const interval when{day_slowly(day - window + 1, *here.zone).start, day_slowly(day, *here.zone).end};
      EXPECT_EQ(found.unique_keys[at], count(names_in(sessions, when))) << "day " << at;
    }
  }
}

// S5: the window is civil dates, and one that does not exist is one of them.
TEST(rolling_activity, a_missing_day_is_one_of_the_window) {
  const host host;
  const instant on_day_48 = missing_day.start_of(48) + 5 * hours;
  const bytes log = log_of(key_type::text, {{"k", {on_day_48, on_day_48 + 1}}});
  const auto found =
      core::find_rolling_activity(presence_view(log), 3, {48, 53, missing_day.start_of(54)}, missing_day, host);
  EXPECT_EQ(std::vector<std::int64_t>(found.unique_keys.begin(), found.unique_keys.end()),
            (std::vector<std::int64_t>{1, 1, 1, 0, 0, 0}));
}

// --- the daily report ------------------------------------------------------------------------------------------------

void expect_daily_user_counts(const world &here, licensing_model model) {
  const host host;
  const instant as_of = here.range.as_of;
  const slow_presence sessions(key_type::text, here.sessions, as_of), denials(key_type::text, here.denials, as_of),
      hosts(key_type::text, here.hosts, as_of);
  const instant first_data = std::min({sessions.first(), denials.first(), hosts.first()});
  const slow_days expected = days_slowly(here.range, first_data, *here.zone);
  const std::int64_t window =
      std::min(sessions.first(), denials.first()) == beginning ? std::min<std::int64_t>(here.window_days, 200) : here.window_days;
  core::daily_user_counts found(host.memory());
  if (!goes_well(expected.unbounded, [&] {
        found = core::find_daily_user_counts({sessions.view(), denials.view(), hosts.view()},
                                             model, window, here.range, *here.zone, host);
      }))
    return;
  ASSERT_EQ(static_cast<std::int64_t>(found.rows.size()),
            std::max<std::int64_t>(0, expected.last - expected.first + 1));
  if (!found.rows.empty()) {
    EXPECT_EQ(found.first, expected.first);
  }
  std::int64_t total_before = 0;
  for (std::size_t at = 0; at < found.rows.size(); ++at) {
    const core::daily_user_count &row = found.rows[at];
    const std::int64_t number = expected.first + static_cast<std::int64_t>(at);
    const interval day = day_slowly(number, *here.zone);
    const auto used = names_in(sessions, day), denied = names_in(denials, day);
    const interval last_days{day_slowly(number - window + 1, *here.zone).start, day.end};
    if (model == licensing_model::model_2013) {
      EXPECT_EQ(row.daily_users, count(used));
      EXPECT_EQ(row.total_users, count(names_in(sessions, last_days)));
    } else if (model == licensing_model::model_2025) {
      EXPECT_EQ(row.daily_users, count(used + denied));
      EXPECT_EQ(row.total_users, count(names_in(sessions, last_days) + names_in(denials, last_days)));
    } else {
      EXPECT_EQ(row.daily_users, count(used + denied));
      EXPECT_EQ(row.total_users, count(names_in(sessions, {beginning, day.end}) + names_in(denials, {beginning, day.end})));
      EXPECT_GE(row.total_users, total_before);
      EXPECT_LE(row.denial_users, row.daily_users);
      total_before = row.total_users;
    }
    const auto [level, when] = peak_slowly(hosts, day);
    EXPECT_GE(row.total_users, row.daily_users);
    EXPECT_EQ(row.denial_users, count(denied));
    EXPECT_EQ(row.concurrent_hosts.level, level);
    if (level != 0) {
      EXPECT_EQ(row.concurrent_hosts.at, when);
    }
    EXPECT_LE(row.concurrent_hosts.level, count(names_in(hosts, day)));
    EXPECT_EQ(row.complete, day.end <= as_of);
  }
}

TEST(daily_user_counts, model_2013_agrees_with_the_model) {
  dice roll(83);
  for (int round = 0; round < 4000; ++round) {
    const world here = random_world(roll);
    SCOPED_TRACE(told(here, round));
    expect_daily_user_counts(here, licensing_model::model_2013);
  }
}

TEST(daily_user_counts, model_2019_agrees_with_the_model) {
  dice roll(84);
  for (int round = 0; round < 4000; ++round) {
    const world here = random_world(roll);
    SCOPED_TRACE(told(here, round));
    expect_daily_user_counts(here, licensing_model::model_2019);
  }
}

TEST(daily_user_counts, model_2025_agrees_with_the_model) {
  dice roll(85);
  for (int round = 0; round < 4000; ++round) {
    const world here = random_world(roll);
    SCOPED_TRACE(told(here, round));
    expect_daily_user_counts(here, licensing_model::model_2025);
  }
}

core::daily_user_counts report(const rows &sessions, const rows &denials, const rows &hosts, licensing_model model,
                               std::int64_t window, const day_range &range, const context &with,
                               const rule_zone &zone = utc) {
  const bytes logs[] = {log_of(key_type::text, sessions), log_of(key_type::text, denials),
                        log_of(key_type::text, hosts)};
  return core::find_daily_user_counts({presence_view(logs[0]), presence_view(logs[1]), presence_view(logs[2])},
                                      model, window, range, zone, with);
}

// S1, S7: a session of no length still is a host.
TEST(daily_user_counts, an_instant_is_somebody) {
  const host host;
  const auto found = report({{"u", {5, 6}}}, {}, {{"h", {5, 6}}}, licensing_model::model_2019, 14, {{}, {}, 10}, host);
  ASSERT_EQ(found.rows.size(), 1U);
  EXPECT_EQ(found.rows[0].daily_users, 1);
  EXPECT_EQ(found.rows[0].concurrent_hosts.level, 1);
  EXPECT_EQ(found.rows[0].concurrent_hosts.at, 5);
}

// S2: open sessions last until as_of inclusive.
TEST(daily_user_counts, as_of_is_inclusive) {
  const host host;
  for (const auto &[as_of, count] : {std::pair<instant, std::int64_t>{days - 1, 0}, {days, 1}}) {
    const auto found = report({{"u", {days, forever}}, {"early", {0, 1}}}, {}, {}, licensing_model::model_2019, 14,
                              {1, 1, as_of}, host);
    if (count == 0) {
      EXPECT_TRUE(found.rows.empty());  // the day after as_of is no row
      continue;
    }
    ASSERT_EQ(found.rows.size(), 1U);
    EXPECT_EQ(found.rows[0].daily_users, count);
    EXPECT_FALSE(found.rows[0].complete);
  }
}

// S8: idle days are rows of zeros, today is partial.
TEST(daily_user_counts, idle_days_and_today) {
  const host host;
  const auto found = report({{"u", {5, 6}}}, {}, {}, licensing_model::model_2013, 2, {{}, {}, 3 * days}, host);
  ASSERT_EQ(found.rows.size(), 4U);
  EXPECT_EQ(found.first, 0);
  const std::int64_t totals[] = {1, 1, 0, 0};
  for (std::size_t at = 0; at < 4; ++at) {
    EXPECT_EQ(found.rows[at].total_users, totals[at]);
    EXPECT_EQ(found.rows[at].daily_users, at == 0 ? 1 : 0);
    EXPECT_EQ(found.rows[at].concurrent_hosts.level, 0);
    EXPECT_EQ(found.rows[at].complete, at < 3);  // as_of is the first instant of day 3
  }
}

// S10: the total of 2019 is over all history, whatever from_day says.
TEST(daily_user_counts, from_day_does_not_cut_history) {
  const host host;
  const rows sessions{{"old", {0, 1}}, {"new", {5 * days, 5 * days + 1}}}, denials{{"denied", {days, days + 1}}};
  const auto in_2019 = report(sessions, denials, {}, licensing_model::model_2019, 14, {5, 5, 9 * days}, host);
  ASSERT_EQ(in_2019.rows.size(), 1U);
  EXPECT_EQ(in_2019.rows[0].total_users, 3);
  EXPECT_EQ(in_2019.rows[0].daily_users, 1);
  for (const auto &[window, total] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 1}, {6, 2}, {14, 2}}) {
    const auto in_2013 = report(sessions, denials, {}, licensing_model::model_2013, window, {5, 5, 9 * days}, host);
    ASSERT_EQ(in_2013.rows.size(), 1U);
    EXPECT_EQ(in_2013.rows[0].total_users, total) << window;
  }
}

// S7: what is carried in over midnight counts from midnight on, ends before starts.
TEST(daily_user_counts, peaks_carry_over_midnight) {
  const host host;
  const auto found = report({}, {}, {{"a", {days - 5, days + 5}}, {"b", {days - 5, days}}, {"c", {days, days + 1}}},
                            licensing_model::model_2019, 14, {{}, {}, 2 * days - 1}, host);
  ASSERT_EQ(found.rows.size(), 2U);
  EXPECT_EQ(found.rows[0].concurrent_hosts.level, 2);
  EXPECT_EQ(found.rows[1].concurrent_hosts.level, 2);
  EXPECT_EQ(found.rows[1].concurrent_hosts.at, days);
}

// A user may be denied first and have sessions later, in any number: one user.
TEST(daily_user_counts, a_user_with_sessions_and_denials_is_one) {
  const host host;
  const auto found = report({{"u", {2 * days, 2 * days + 5}}, {"u", {4 * days, 4 * days + 5}}},
                            {{"u", {days, days + 1}}, {"u", {4 * days, 4 * days + 1}}}, {}, licensing_model::model_2019,
                            14, {0, 4, 9 * days}, host);
  ASSERT_EQ(found.rows.size(), 5U);
  const std::int64_t daily[] = {0, 1, 1, 0, 1}, total[] = {0, 1, 1, 1, 1};
  for (std::size_t at = 0; at < 5; ++at) {
    EXPECT_EQ(found.rows[at].daily_users, daily[at]);
    EXPECT_EQ(found.rows[at].total_users, total[at]);
  }
}

TEST(daily_user_counts, empty_parts_are_nobody) {
  const host host;
  for (const auto model : {licensing_model::model_2013, licensing_model::model_2019}) {
    const auto none = core::find_daily_user_counts({}, model, 14, {{}, {}, 5}, utc, host);
    EXPECT_TRUE(none.rows.empty());
    const auto zeros = core::find_daily_user_counts({}, model, 14, {0, 3, 9 * days}, utc, host);
    ASSERT_EQ(zeros.rows.size(), 4U);
    for (const auto &row : zeros.rows)
      EXPECT_EQ(row.total_users + row.daily_users + row.denial_users + row.concurrent_hosts.level, 0);
    EXPECT_TRUE(core::find_daily_user_counts({}, model, 14, {0, 3, beginning}, utc, host).rows.empty());
  }
}

TEST(daily_user_counts, users_of_two_types_are_refused) {
  const host host;
  const bytes sessions = log_of(key_type::text, {{"u", {0, 1}}});
  const bytes denials = log_of(key_type::bigint, {{key_for(key_type::bigint, 1), {0, 1}}});
  try {
    core::find_daily_user_counts({presence_view(sessions), presence_view(denials), {}}, licensing_model::model_2019,
                                 14, {0, 1, days}, utc, host);
    FAIL() << "no error";
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::mixed_keys);
  }
}

// --- arguments -------------------------------------------------------------------------------------------------------

TEST(report, windows_have_at_least_one_day) {
  const host host;
  for (const std::int64_t window : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
    expect_fault(core::fault::invalid_argument, [&] { core::check_window_days(window); });
    expect_fault(core::fault::invalid_argument, [&] {
      core::find_rolling_activity(presence_view(), window, {0, 1, 0}, utc, host);
    });
    expect_fault(core::fault::invalid_argument, [&] {
      core::find_daily_user_counts({}, licensing_model::model_2019, window, {0, 1, 0}, utc, host);
    });
  }
  EXPECT_NO_THROW(core::check_window_days(1));
  EXPECT_NO_THROW(core::check_window_days(INT64_MAX));
}

TEST(report, the_widest_window_is_no_trouble) {
  const host host;
  const auto found = report({{"u", {0, 1}}}, {}, {}, licensing_model::model_2013, INT64_MAX, {{}, {}, 9 * days}, host);
  ASSERT_EQ(found.rows.size(), 10U);
  EXPECT_EQ(found.rows[9].total_users, 1);
}

TEST(report, models_are_2013_2019_and_2025) {
  EXPECT_EQ(core::parse_licensing_model("2013"), licensing_model::model_2013);
  EXPECT_EQ(core::parse_licensing_model("2019"), licensing_model::model_2019);
  EXPECT_EQ(core::parse_licensing_model("2025"), licensing_model::model_2025);
  EXPECT_EQ(core::default_window_days(licensing_model::model_2013), 14);
  EXPECT_EQ(core::default_window_days(licensing_model::model_2025), 30);
  for (const char *name : {"", "2014", "20190", " 2019", "model_2019"})
    expect_fault(core::fault::invalid_argument, [&] { core::parse_licensing_model(name); });
}

TEST(report, too_many_days_are_refused) {
  const host host;
  expect_fault(core::fault::too_large, [&] {
    core::find_daily_activity(presence_view(), {-2'000'000, 9'000'000, forever}, utc, host);
  });
}

TEST(find_days, agrees_with_the_model) {
  dice roll(85);
  for (int round = 0; round < 4000; ++round) {
    const world here = random_world(roll);
    SCOPED_TRACE(told(here, round));
    const slow_presence sessions(key_type::text, here.sessions, here.range.as_of);
    const slow_days expected = days_slowly(here.range, sessions.first(), *here.zone);
    std::optional<core::reported_days> found;
    if (!goes_well(expected.unbounded, [&] { found = core::find_days(sessions.view(), here.range, *here.zone); }))
      continue;
    EXPECT_EQ(found.has_value(), expected.first <= expected.last);
    if (!found.has_value()) continue;
    EXPECT_EQ(found->first, expected.first);
    EXPECT_EQ(found->last, expected.last);
  }
}

}  // namespace
}  // namespace headcount::test
