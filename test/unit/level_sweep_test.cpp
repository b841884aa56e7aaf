#include "core/sizing/level_sweep.hpp"

#include <gtest/gtest.h>

#include <map>

#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::capacities;
using core::find_capacities;
using core::find_level_times;
using core::find_week_levels;
using core::level_times;
using core::week_hour;
using core::week_hours;

std::map<std::int64_t, std::int64_t> ticks_of(const level_times &times) {
  std::map<std::int64_t, std::int64_t> ticks;
  times.for_each([&](std::int64_t level, std::int64_t held, std::int64_t) { ticks[level] = held; });
  return ticks;
}

// The level at each tick, one by one.
std::int64_t level_at(const entries &model, instant at) {
  std::int64_t level = 0;
  for (const entry &key : model)
    for (const interval &each : key.intervals) level += each.start <= at && at < each.end ? 1 : 0;
  return level;
}

TEST(level_sweep, of_nobody) {
  const host host;
  EXPECT_EQ(ticks_of(find_level_times(presence_view(), {10, 30}, host)),
            (std::map<std::int64_t, std::int64_t>{{0, 20}}));
  const capacities found = find_capacities(presence_view(), {10, 30}, host);
  ASSERT_EQ(found.all.size(), 1U);
  EXPECT_EQ(found.starts, 0);
  EXPECT_TRUE(ticks_of(find_level_times(presence_view(), {30, 30}, host)).empty());
  EXPECT_TRUE(find_capacities(presence_view(), {30, 10}, host).all.empty());
}

TEST(level_sweep, a_window_longer_than_a_duration_is_refused) {
  const host host;
  EXPECT_THROW(find_capacities(presence_view(), {core::first_finite, core::end_of_finite - 1}, host), core::error);
}

TEST(level_sweep, agrees_with_tick_by_tick) {
  const host host;
  dice roll(7001);
  for (int round = 0; round < 400; ++round) {
    const key_type type = roll.one_in(4) ? key_type::session : key_type::text;
    rows arrived;
    for (std::int64_t left = roll.between(0, 25); left > 0; --left) {
      interval when{roll.between(-5, 40), 0};
      when.end = roll.one_in(6) ? forever : when.start + 1 + roll.between(0, 12);
      if (roll.one_in(15)) when.start = beginning;
      arrived.push_back({key_for(type, static_cast<unsigned>(roll.between(0, 6))), when});
    }
    const bytes log = log_of(type, arrived);
    const entries model = model_of(type, arrived);
    const interval window{roll.between(-3, 20), roll.between(10, 45)};

    std::map<std::int64_t, std::int64_t> held;
    for (instant at = window.start; at < window.end; ++at) ++held[level_at(model, at)];
    const level_times times = find_level_times(presence_view(log), window, host);
    EXPECT_EQ(ticks_of(times), held);

    const capacities found = find_capacities(presence_view(log), window, host);
    if (window.start >= window.end) {
      EXPECT_TRUE(found.all.empty());
      continue;
    }
    // Each start meets those that are there both just before and at its instant, and those before it in line.
    std::map<instant, std::int64_t> in_line;
    std::vector<std::int64_t> met;
    for (const entry &key : model)
      for (const interval &each : key.intervals) {
        if (each.start < window.start || each.start >= window.end) continue;
        std::int64_t there = 0;
        for (const entry &other : model)
          for (const interval &one : other.intervals) there += one.start < each.start && one.end > each.start ? 1 : 0;
        met.push_back(there + in_line[each.start]++);
      }
    EXPECT_EQ(found.starts, static_cast<std::int64_t>(met.size()));
    ASSERT_EQ(found.all.size(), static_cast<std::size_t>(held.rbegin()->first + 1));
    for (const core::capacity &each : found.all) {
      EXPECT_EQ(each.refused,
                std::count_if(met.begin(), met.end(), [&](std::int64_t level) { return level >= each.size; }));
      std::int64_t lacking = 0;
      for (const auto &[level, ticks] : held) lacking += level > each.size ? ticks : 0;
      EXPECT_EQ(each.lacking, lacking);
    }

    double sum = 0;
    for (const auto &[level, ticks] : held) sum += static_cast<double>(level * ticks);
    EXPECT_DOUBLE_EQ(times.mean(), sum / static_cast<double>(times.total()));
    for (const double fraction : {0.0, 0.1, 0.5, 0.95, 1.0}) {
      std::int64_t so_far = 0, expected = -1;
      for (const auto &[level, ticks] : held) {
        so_far += ticks;
        if (expected < 0 && static_cast<double>(so_far) / static_cast<double>(times.total()) >= fraction)
          expected = level;
      }
      EXPECT_EQ(times.percentile(fraction), expected);
    }
  }
}

// Each minute of the window is in one hour, with the weekday of its civil day and the hour of its clock.
TEST(level_sweep, hours_of_the_week_are_those_of_day_and_clock) {
  const host host;
  for (const named_zone &each : all_zones) {
    const core::time_zone &zone = *each.zone;
    for (const std::int64_t day : {29, 30, 49, 50, 51, 59, 60, 69, 70, 71, 99, 100, 199, 200, 8856, 9066, -3}) {
      const interval window{day * days - 7 * hours + 11, (day + 2) * days + 13 * minutes};
      const auto found = week_hours(window, zone, host);
      ASSERT_FALSE(found.empty());
      EXPECT_EQ(found.front().when.start, window.start) << each.name;
      EXPECT_EQ(found.back().when.end, window.end) << each.name;
      for (std::size_t at = 0; at < found.size(); ++at) {
        if (at > 0) {
          EXPECT_EQ(found[at].when.start, found[at - 1].when.end) << each.name;
        }
        ASSERT_LT(found[at].when.start, found[at].when.end) << each.name;
        for (instant minute = found[at].when.start; minute < found[at].when.end; minute += minutes) {
          const std::int64_t clock = zone.wall_clock(minute), civil = core::day_of(minute, zone);
          const std::int64_t hour = ((clock % days) + days) % days / hours, weekday = ((civil - 2) % 7 + 7) % 7;
          ASSERT_EQ(found[at].hour_of_week, weekday * 24 + hour) << each.name << " " << minute;
        }
      }
    }
  }
}

// As many hours as there are buckets in a grid, no more.
TEST(level_sweep, hours_of_too_long_a_window_are_refused) {
  const host host;
  const interval window{0, 5000LL * 366 * days};
  const auto refused = [](auto &&action) {
    try {
      action();
    } catch (const core::error &error) {
      return error.kind() == core::fault::too_large;
    }
    return false;
  };
  EXPECT_TRUE(refused([&] { week_hours(window, utc, host); }));
  EXPECT_TRUE(refused([&] { find_week_levels(presence_view(), window, utc, host); }));
  EXPECT_TRUE(refused([&] { find_level_times(presence_view(), window, {1, 1}, utc, host); }));
}

TEST(level_sweep, what_is_counted_is_the_whole_in_parts) {
  const host host;
  dice roll(7002);
  for (const named_zone &each : all_zones) {
    rows arrived;
    for (int left = 0; left < 60; ++left) {
      const instant start = roll.between(25, 75) * days + roll.between(0, 96) * 15 * minutes;
      arrived.push_back({key_for(key_type::text, static_cast<unsigned>(roll.between(0, 9))),
                         {start, start + roll.between(1, 200) * 15 * minutes}});
    }
    const bytes log = log_of(key_type::text, arrived);
    const interval window{26 * days + 1, 74 * days - 1};
    std::map<std::int64_t, std::int64_t> whole = ticks_of(find_level_times(presence_view(log), window, host)), in_parts;
    const auto add = [&](const level_times &times) {
      for (const auto &[level, ticks] : ticks_of(times)) in_parts[level] += ticks;
    };
    for (const level_times &hour : find_week_levels(presence_view(log), window, *each.zone, host)) add(hour);
    EXPECT_EQ(in_parts, whole) << each.name;

    in_parts.clear();
    for (unsigned day = 0; day < 7; ++day) {
      add(find_level_times(presence_view(log), window, {0x0003ffU, 1U << day}, *each.zone, host));
      add(find_level_times(presence_view(log), window, {0xfffc00U, 1U << day}, *each.zone, host));
    }
    EXPECT_EQ(in_parts, whole) << each.name;
  }
}

}  // namespace
}  // namespace headcount::test
