#include "core/time/civil.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "core/base/error.hpp"
#include "support/faults.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::day_number;
using core::granularity;
using core::grid;

std::vector<instant> bounds_of(const grid &buckets) { return {buckets.bounds.begin(), buckets.bounds.end()}; }

// --- days ------------------------------------------------------------------------------------------------------------

TEST(day_of, follows_from_the_bounds) {
  dice roll(60);
  for (const auto &[name, zone] : all_zones) {
    for (int round = 0; round < 3000; ++round) {
      const instant at = roll.between(-400 * days, 400 * days);
      const day_number day = core::day_of(at, *zone);
      EXPECT_LE(zone->start_of(day), at) << name;
      EXPECT_GT(zone->start_of(day + 1), at) << name;
    }
  }
}

TEST(day_of, at_the_bounds_themselves) {
  for (const auto &[name, zone] : all_zones) {
    for (day_number day = -5; day < 210; ++day) {
      const instant start = zone->start_of(day), end = zone->start_of(day + 1);
      if (start == end) continue;
      EXPECT_EQ(core::day_of(start, *zone), day) << name;
      EXPECT_EQ(core::day_of(end - 1, *zone), day) << name;
    }
  }
}

TEST(day_of, far_from_2000) {
  EXPECT_EQ(core::day_of(core::first_finite, utc), -2451545);
  EXPECT_EQ(core::day_of(core::end_of_finite - 1, utc), 109203528 - 2451545 - 1);
  EXPECT_EQ(core::day_of(-1, utc), -1);
  EXPECT_EQ(core::day_of(0, utc), 0);
}

// The zones are the tests' own, so that they are what they are said to be is worth a look.
TEST(zones, have_the_days_that_they_are_said_to_have) {
  const auto length = [](const rule_zone &zone, std::int64_t day) {
    return (zone.start_of(static_cast<day_number>(day + 1)) - zone.start_of(static_cast<day_number>(day))) / hours;
  };
  EXPECT_EQ(length(berlin, spring_2024), 23);
  EXPECT_EQ(length(berlin, autumn_2024), 25);
  EXPECT_EQ(length(berlin, spring_2024 + 1), 24);
  EXPECT_EQ(length(missing_midnight, 100), 23);
  EXPECT_EQ(length(missing_midnight, 199), 25);
  EXPECT_EQ(length(missing_midnight, 200), 24);
  EXPECT_EQ(missing_midnight.wall_clock(missing_midnight.start_of(100)), 100 * days + 1 * hours);
  EXPECT_EQ(length(missing_day, 49), 24);
  EXPECT_EQ(length(missing_day, 50), 0);
  EXPECT_EQ(length(missing_day, 51), 24);
  EXPECT_EQ(length(repeated_day, 69), 48);
}

TEST(day_grid, has_every_day_also_those_of_no_length) {
  const host host;
  const grid buckets = core::day_grid(48, 52, missing_day, host);
  EXPECT_EQ(bounds_of(buckets),
            (std::vector<instant>{48 * days + 10 * hours, 49 * days + 10 * hours, 50 * days + 10 * hours,
                                  50 * days + 10 * hours, 51 * days + 10 * hours, 52 * days + 10 * hours}));
  EXPECT_EQ(buckets.size(), 5U);
}

TEST(day_grid, agrees_with_the_zone) {
  const host host;
  for (const auto &[name, zone] : all_zones) {
    const grid buckets = core::day_grid(-10, 9100, *zone, host);
    ASSERT_EQ(buckets.bounds.size(), 9112U) << name;
    for (std::size_t at = 0; at < buckets.bounds.size(); ++at)
      EXPECT_EQ(buckets.bounds[at], zone->start_of(static_cast<day_number>(at) - 10)) << name << " " << at;
  }
}

TEST(day_grid, first_after_last_is_no_day) {
  const host host;
  EXPECT_EQ(core::day_grid(5, 4, utc, host).size(), 0U);
  EXPECT_EQ(core::day_grid(5, 5, utc, host).size(), 1U);
  EXPECT_EQ(core::day_grid(INT32_MAX, INT32_MIN, utc, host).size(), 0U);
}

// Midnights that run backwards, which no zone should have.
class backward_zone final : public core::time_zone {
 public:
  instant start_of(day_number day) const override { return day * days - (day == 3 ? 2 * days : 0); }
  std::int64_t wall_clock(instant at) const override { return at; }
};

TEST(day_grid, bounds_never_run_backwards) {
  const host host;
  EXPECT_EQ(bounds_of(core::day_grid(1, 4, backward_zone(), host)),
            (std::vector<instant>{1 * days, 2 * days, 2 * days, 4 * days, 5 * days}));
}

TEST(day_grid, more_than_most_buckets_are_refused) {
  const host host;
  constexpr auto most = static_cast<day_number>(core::max_buckets);
  EXPECT_EQ(core::day_grid(0, most - 1, utc, host).size(), static_cast<std::size_t>(most));
  expect_fault(core::fault::too_large, [&] { core::day_grid(0, most, utc, host); });
  expect_fault(core::fault::too_large, [&] { core::day_grid(INT32_MIN, INT32_MAX, utc, host); });
}

// --- granularity -----------------------------------------------------------------------------------------------------

TEST(granularity, is_read_in_any_case) {
  EXPECT_EQ(core::parse_granularity("hour"), granularity::hour);
  EXPECT_EQ(core::parse_granularity("Day"), granularity::day);
  EXPECT_EQ(core::parse_granularity("WEEK"), granularity::week);
  EXPECT_EQ(core::parse_granularity("month"), granularity::month);
  EXPECT_EQ(core::parse_granularity("Quarter"), granularity::quarter);
  EXPECT_EQ(core::parse_granularity("yeAR"), granularity::year);
}

TEST(granularity, anything_else_is_refused) {
  for (const char *name : {"", "hou", "hours", "days", " day", "day ", "minute", "decade",
                           "\xe4"
                           "day"})
    expect_fault(core::fault::invalid_argument, [&] { core::parse_granularity(name); });
}

// --- civil grids -----------------------------------------------------------------------------------------------------

constexpr granularity of_days[] = {granularity::day, granularity::week, granularity::month, granularity::quarter,
                                   granularity::year};

// Which bucket a day belongs to, by the standard library's calendar.
std::int64_t label(granularity size, std::int64_t day) {
  const auto date = std::chrono::sys_days(std::chrono::days(day + 10957));  // 1970-01-01 to 2000-01-01
  const std::chrono::year_month_day civil(date);
  const std::int64_t month = int{civil.year()} * 12 + static_cast<int>(unsigned{civil.month()}) - 1;
  switch (size) {
    case granularity::hour: break;
    case granularity::day: return day;
    case granularity::week: {
      const auto since_monday = std::chrono::weekday(date) - std::chrono::Monday;
      return day - since_monday.count();
    }
    case granularity::month: return month;
    case granularity::quarter: return (month + 12 * 10000) / 3;
    case granularity::year: return int{civil.year()};
  }
  return 0;
}

// Day by day: a bucket begins where the label changes, counts where it has a length and meets the window.
std::vector<instant> civil_slowly(granularity size, interval window, const core::time_zone &zone) {
  std::vector<instant> bounds;
  const std::int64_t from = window.start / days - 400, to = window.end / days + 400;
  for (std::int64_t day = from; day <= to; ++day) {
    if (label(size, day) == label(size, day - 1)) continue;
    const instant start = zone.start_of(static_cast<day_number>(day));
    if (!bounds.empty() && start == bounds.back()) continue;
    bounds.push_back(start);
  }
  const auto after = [&](instant at) { return std::upper_bound(bounds.begin(), bounds.end(), at); };
  return {after(window.start) - 1, after(window.end - 1) + 1};
}

TEST(civil_grid, agrees_with_the_calendar) {
  dice roll(61);
  for (const auto &[name, zone] : all_zones) {
    for (const granularity size : of_days) {
      for (int round = 0; round < 40; ++round) {
        const host host;
        const instant start = roll.between(-3000 * days, 9200 * days);
        const interval window{start, start + roll.between(1, roll.one_in(2) ? 40 * hours : 900 * days)};
        EXPECT_EQ(bounds_of(core::civil_grid(size, window, *zone, host)), civil_slowly(size, window, *zone))
            << name << ", granularity " << static_cast<int>(size) << ", from " << window.start << " to " << window.end;
      }
    }
  }
}

TEST(civil_grid, a_window_at_the_bounds_takes_no_neighbour) {
  const host host;
  for (const auto &[name, zone] : all_zones) {
    for (const granularity size : of_days) {
      const std::vector<instant> two_years = civil_slowly(size, {40 * days, 770 * days}, *zone);
      for (std::size_t at = 0; at + 1 < two_years.size(); ++at) {
        const interval bucket{two_years[at], two_years[at + 1]};
        EXPECT_EQ(bounds_of(core::civil_grid(size, bucket, *zone, host)),
                  (std::vector<instant>{bucket.start, bucket.end}))
            << name;
      }
    }
  }
}

TEST(civil_grid, a_day_that_is_not_there_gives_no_bucket) {
  const host host;
  const grid buckets =
      core::civil_grid(granularity::day, {48 * days + 10 * hours, 53 * days + 10 * hours}, missing_day, host);
  EXPECT_EQ(bounds_of(buckets),
            (std::vector<instant>{48 * days + 10 * hours, 49 * days + 10 * hours, 50 * days + 10 * hours,
                                  51 * days + 10 * hours, 52 * days + 10 * hours, 53 * days + 10 * hours}));
}

TEST(civil_grid, an_empty_window_has_no_buckets) {
  const host host;
  for (const granularity size : {granularity::hour, granularity::day, granularity::year}) {
    EXPECT_EQ(core::civil_grid(size, {5, 5}, utc, host).size(), 0U);
    EXPECT_EQ(core::civil_grid(size, {6, 5}, utc, host).size(), 0U);
    EXPECT_EQ(core::civil_grid(size, {5, 6}, utc, host).size(), 1U);
  }
}

constexpr bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

// Month by month over all years that timestamptz has, and counted up by hand.
TEST(civil_grid, months_quarters_and_years_of_all_of_time) {
  const host host;
  constexpr std::int64_t first_year = -4712, last_year = 294276;
  std::vector<instant> months, quarters, years;
  std::int64_t day = -2451545 + 38;  // Julian day 0 was a 24 November, 38 days before the year began
  for (std::int64_t year = first_year; year <= last_year; ++year) {
    for (int month = 1; month <= 12; ++month) {
      months.push_back(day * days);
      if (month % 3 == 1) quarters.push_back(day * days);
      if (month == 1) years.push_back(day * days);
      day += month == 2 ? (is_leap(year) ? 29 : 28) : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }
  }
  ASSERT_EQ(day * days, core::end_of_finite);
  ASSERT_EQ(years[2000 - first_year], 0);
  // Not to the very end: a zone need not know when the day after the last one begins.
  const interval window{months.front(), months[months.size() - 24]};
  for (const auto &[size, all] : {std::pair(granularity::month, &months), std::pair(granularity::quarter, &quarters),
                                  std::pair(granularity::year, &years)}) {
    const grid buckets = core::civil_grid(size, window, utc, host);
    ASSERT_LE(buckets.bounds.size(), all->size());
    EXPECT_GE(buckets.bounds.back(), window.end);
    EXPECT_TRUE(std::equal(buckets.bounds.begin(), buckets.bounds.end(), all->begin())) << static_cast<int>(size);
  }
}

TEST(civil_grid, the_29th_of_february) {
  const host host;
  // 2000 (a leap year by the rule of 400), 2023 (none), 2024 (one), 2100 (none by the rule of 100).
  const std::pair<std::int64_t, int> februaries[] = {{31, 29}, {8432, 28}, {8797, 29}, {36556, 28}};
  for (const auto &[first, length] : februaries) {
    const interval february{first * days, (first + length) * days};
    EXPECT_EQ(bounds_of(core::civil_grid(granularity::month, february, utc, host)),
              (std::vector<instant>{february.start, february.end}))
        << first;
  }
}

// A window that begins anywhere in a month, above all on the last day of the 400 years after which the calendar
// repeats.
TEST(civil_grid, every_day_of_800_years_knows_its_month_and_year) {
  const host host;
  const auto day_number_of = [](std::chrono::year_month_day date) {
    return std::int64_t{(std::chrono::sys_days(date) - std::chrono::sys_days(std::chrono::January / 1 / 2000)).count()};
  };
  for (std::int64_t day = -146097; day < 146097; ++day) {
    const std::chrono::year_month_day date(std::chrono::sys_days(std::chrono::days(day + 10957)));
    const auto month = date.year() / date.month() / 1, year = date.year() / 1 / 1;
    const std::pair<granularity, interval> expected[] = {
        {granularity::month, {day_number_of(month) * days, day_number_of(month + std::chrono::months(1)) * days}},
        {granularity::year, {day_number_of(year) * days, day_number_of(year + std::chrono::years(1)) * days}}};
    for (const auto &[size, bucket] : expected) {
      const grid buckets = core::civil_grid(size, {day * days, day * days + 1}, utc, host);
      ASSERT_EQ(buckets.bounds.size(), 2U) << day;
      ASSERT_EQ((interval{buckets.bounds[0], buckets.bounds[1]}), bucket) << day;
    }
  }
}

TEST(civil_grid, weeks_begin_on_monday) {
  const host host;
  // 2000-01-01 was a Saturday.
  EXPECT_EQ(bounds_of(core::civil_grid(granularity::week, {0, 3 * days}, utc, host)),
            (std::vector<instant>{-5 * days, 2 * days, 9 * days}));
}

TEST(civil_grid, more_than_most_buckets_are_refused) {
  const host host;
  constexpr std::int64_t most = core::max_buckets;
  EXPECT_EQ(core::civil_grid(granularity::day, {0, most * days}, utc, host).size(), static_cast<std::size_t>(most));
  EXPECT_EQ(core::civil_grid(granularity::hour, {0, most * hours}, utc, host).size(), static_cast<std::size_t>(most));
  for (const auto &[size, width] : {std::pair(granularity::day, days), std::pair(granularity::hour, hours)})
    expect_fault(core::fault::too_large, [&, &size = size, &width = width] {
      core::civil_grid(size, {0, most * width + 1}, utc, host);
    });
}

// Before the zone is asked about each bucket: all of time has 2.5 billion hours.
TEST(civil_grid, far_too_many_are_refused_at_once) {
  class asked_zone final : public core::time_zone {
   public:
    core::instant start_of(core::day_number day) const override { return ++asked, utc.start_of(day); }
    std::int64_t wall_clock(core::instant at) const override { return ++asked, utc.wall_clock(at); }
    mutable int asked = 0;
  };
  const host host;
  const asked_zone zone;
  const interval all_time{core::first_finite, core::end_of_finite - 1};
  for (const core::bucket_size &size : {core::bucket_size(granularity::hour), core::bucket_size::of(0, 0, 1, 1, "1 tick")})
    expect_fault(core::fault::too_large, [&] { core::civil_grid(size, all_time, zone, host); });
  expect_fault(core::fault::too_large, [&] { core::civil_grid(granularity::hour, {0, 2300LL * 366 * days}, zone, host); });
  EXPECT_EQ(zone.asked, 0);
  // but 200,000 years have few months
  EXPECT_EQ(core::civil_grid(granularity::month, {0, 200000LL * 365 * days}, utc, host).size(), 2398407U);
}

TEST(civil_grid, can_be_interrupted) {
  const host host;
  polls_allowed = polls;
  EXPECT_THROW(core::day_grid(0, 9000, utc, host), interrupted);
  EXPECT_THROW(core::civil_grid(granularity::day, {0, 9000 * days}, utc, host), interrupted);
  EXPECT_THROW(core::civil_grid(granularity::hour, {0, 9000 * hours}, utc, host), interrupted);
  polls_allowed = UINT64_MAX;
}

// --- hours -----------------------------------------------------------------------------------------------------------

// Minute by minute: an hour begins where the wall clock shows a full one, or comes to show another one.
std::vector<instant> hours_slowly(interval window, const core::time_zone &zone) {
  const auto minute_of = [&](instant at) { return (zone.wall_clock(at) + 10000 * days) / minutes; };
  const auto begins = [&](instant at) {
    return minute_of(at) % 60 == 0 || minute_of(at) / 60 != minute_of(at - 1) / 60;
  };
  instant at = window.start - ((window.start % minutes) + minutes) % minutes;
  while (!begins(at)) at -= minutes;
  std::vector<instant> bounds{at};
  do {
    do at += minutes;
    while (!begins(at));
    bounds.push_back(at);
  } while (at < window.end);
  return bounds;
}

TEST(civil_hours, agree_with_the_wall_clock) {
  dice roll(62);
  constexpr std::int64_t near[] = {30, 50, 60, 71, 100, 200, spring_2024, autumn_2024, 1000};
  for (const auto &[name, zone] : all_zones) {
    for (const std::int64_t day : near) {
      for (int round = 0; round < 12; ++round) {
        const host host;
        const instant start = (day - 2) * days + roll.between(0, 60 * 60) * minutes + roll.between(0, minutes - 1);
        const interval window{start, start + roll.between(1, 50 * hours)};
        EXPECT_EQ(bounds_of(core::civil_grid(granularity::hour, window, *zone, host)), hours_slowly(window, *zone))
            << name << ", from " << window.start << " to " << window.end;
      }
    }
  }
}

TEST(civil_hours, a_short_day_has_23_and_a_long_one_25) {
  const host host;
  const auto hours_of = [&](std::int64_t day) {
    const interval window{berlin.start_of(static_cast<day_number>(day)),
                          berlin.start_of(static_cast<day_number>(day + 1))};
    return core::civil_grid(granularity::hour, window, berlin, host).size();
  };
  EXPECT_EQ(hours_of(spring_2024), 23U);
  EXPECT_EQ(hours_of(spring_2024 + 1), 24U);
  EXPECT_EQ(hours_of(autumn_2024), 25U);
}

TEST(civil_hours, across_a_half_hour_step) {
  const host host;
  // 02:00 becomes 02:30: the hour of two has half an hour. Bounds by the wall clock: 1:00, 2:30, 3:00.
  const instant forward = 30 * days - 8 * hours - 30 * minutes;
  EXPECT_EQ(bounds_of(core::civil_grid(granularity::hour, {forward - 1, forward + 1}, half_hour, host)),
            (std::vector<instant>{forward - hours, forward, forward + 30 * minutes}));
  // 02:00 becomes 01:30: the hour of one has an hour and a half.
  const instant back = 60 * days - 9 * hours;
  EXPECT_EQ(bounds_of(core::civil_grid(granularity::hour, {back - 1, back + 1}, half_hour, host)),
            (std::vector<instant>{back - hours, back + 30 * minutes}));
}

// --- buckets of intervals --------------------------------------------------------------------------------------------

core::bucket_size parts(std::int64_t ticks) { return core::bucket_size::of(0, 0, ticks, 1, "parts"); }

// Minute by minute: a part begins with its day, where the wall clock shows a multiple of its length since midnight, or comes to
// show another part.
std::vector<instant> parts_slowly(std::int64_t length, interval window, const core::time_zone &zone) {
  const auto begins = [&](instant at) {
    const day_number day = core::day_of(at, zone);
    const auto part = [&](instant of) { return (zone.wall_clock(of) - std::int64_t{day} * days + 100 * length) / length; };
    return at == zone.start_of(day) || (zone.wall_clock(at) - std::int64_t{day} * days) % length == 0 || part(at) != part(at - 1);
  };
  instant at = window.start - ((window.start % minutes) + minutes) % minutes;
  while (!begins(at)) at -= minutes;
  std::vector<instant> bounds{at};
  do {
    do at += minutes;
    while (!begins(at));
    bounds.push_back(at);
  } while (at < window.end);
  return bounds;
}

TEST(civil_parts, agree_with_the_wall_clock) {
  dice roll(64);
  constexpr std::int64_t lengths[] = {minutes, 7 * minutes, 15 * minutes, 40 * minutes, hours, 90 * minutes, 5 * hours, 6 * hours, 7 * hours, 23 * hours};
  constexpr std::int64_t near[] = {30, 50, 60, 71, 100, 200, spring_2024, autumn_2024, 1000};
  for (const auto &[name, zone] : all_zones) {
    for (const std::int64_t day : near) {
      for (const std::int64_t length : lengths) {
        const host host;
        const instant start = (day - 2) * days + roll.between(0, 60 * 60) * minutes + roll.between(0, minutes - 1);
        const interval window{start, start + roll.between(1, 50 * hours)};
        EXPECT_EQ(bounds_of(core::civil_grid(parts(length), window, *zone, host)), parts_slowly(length, window, *zone))
            << name << ", " << length / minutes << " minutes, from " << window.start << " to " << window.end;
      }
    }
  }
}

TEST(civil_parts, of_a_day_of_25_hours) {
  const host host;
  const interval day{berlin.start_of(autumn_2024), berlin.start_of(autumn_2024 + 1)};
  const auto after = [&](std::initializer_list<std::int64_t> lengths) {
    std::vector<instant> bounds{day.start};
    for (const std::int64_t each : lengths) bounds.push_back(bounds.back() + each * hours);
    return bounds;
  };
  EXPECT_EQ(bounds_of(core::civil_grid(parts(6 * hours), day, berlin, host)), after({7, 6, 6, 6}));
  EXPECT_EQ(bounds_of(core::civil_grid(parts(5 * hours), day, berlin, host)), after({6, 5, 5, 5, 4}));
  EXPECT_EQ(core::civil_grid(parts(15 * minutes), day, berlin, host).size(), 100U);
}

// What lies before the window costs nothing.
TEST(civil_parts, microseconds_late_in_a_day) {
  const host host;
  EXPECT_EQ(bounds_of(core::civil_grid(parts(3), {20 * hours, 20 * hours + 4}, utc, host)), (std::vector<instant>{20 * hours, 20 * hours + 3, 20 * hours + 6}));
  expect_fault(core::fault::too_large, [&] { core::civil_grid(parts(1), {0, days}, utc, host); });
}

TEST(bucket_size, days_and_months_count_from_2000) {
  const host host;
  const auto first = [](std::int64_t months, std::int64_t number, std::int32_t weekday, std::int64_t day) {
    return core::first_day_of_bucket(core::bucket_size::of(months, number, 0, weekday, "size"), day);
  };
  // 2000-01-01 was a Saturday: the first Monday is day 2, the first Sunday day 1.
  EXPECT_EQ(first(0, 7, 1, 0), -5);
  EXPECT_EQ(first(0, 7, 7, 0), -6);
  EXPECT_EQ(first(0, 7, 6, 0), 0);
  EXPECT_EQ(first(0, 14, 1, 10), 2);
  EXPECT_EQ(first(0, 14, 1, 1), -12);
  EXPECT_EQ(first(0, 10, 1, 12), 12);
  EXPECT_EQ(first(0, 10, 1, 11), 2);
  EXPECT_EQ(first(5, 0, 1, 151), 0);      // 2000-05-31
  EXPECT_EQ(first(5, 0, 1, 152), 152);    // 2000-06-01
  EXPECT_EQ(first(12, 0, 1, -1), -365);   // 1999
  EXPECT_EQ(first(120, 0, 1, 9000), 7305);  // 2020-01-01
  for (std::int32_t weekday = 1; weekday <= 7; ++weekday)
    for (std::int64_t day = -30; day < 30; ++day) {
      EXPECT_EQ(first(0, 7, weekday, day), core::first_day_of_bucket({granularity::week, weekday}, day));
      EXPECT_EQ((first(0, 7, weekday, day) + 70 + 5) % 7 + 1, weekday) << day;  // day 0 is 6, a Saturday
      EXPECT_LE(first(0, 7, weekday, day), day);
      EXPECT_GT(first(0, 7, weekday, day) + 7, day);
    }
}

TEST(bucket_size, is_of_one_unit) {
  const auto refuses = [](std::int64_t months, std::int64_t number, std::int64_t ticks, std::int32_t weekday = 1) {
    expect_fault(core::fault::invalid_argument, [&] { (void)core::bucket_size::of(months, number, ticks, weekday, "size"); });
  };
  refuses(0, 0, 0);
  refuses(-1, 0, 0);
  refuses(0, -1, 0);
  refuses(0, 0, -1);
  refuses(1, 15, 0);
  refuses(0, 1, hours);
  refuses(0, 0, 36 * hours);
  refuses(0, 1, 0, 0);
  refuses(0, 1, 0, 8);
  EXPECT_EQ(core::bucket_size::of(0, 0, 48 * hours, 1, "size").days, 2);
  EXPECT_TRUE(core::bucket_size::of(0, 0, 24 * hours, 1, "size").is_of_days());
  EXPECT_FALSE(core::bucket_size::of(0, 0, 24 * hours - 1, 1, "size").is_of_days());
  expect_fault(core::fault::out_of_range, [] {
    const host host;
    core::civil_grid(core::bucket_size::of(2000000000, 0, 0, 1, "size"), {0, 1}, utc, host);
  });
}

// --- finding buckets -------------------------------------------------------------------------------------------------

TEST(bucket_finder, finds_the_last_bucket_that_starts_at_or_before) {
  dice roll(63);
  for (int round = 0; round < 2000; ++round) {
    std::vector<instant> bounds(2 + roll(12));
    const std::int64_t scale = roll.one_in(2) ? 20 : core::first_finite / -50;
    for (instant &each : bounds) each = roll.between(-scale, scale);
    std::sort(bounds.begin(), bounds.end());
    const core::bucket_finder find(bounds);
    if (bounds.front() == bounds.back()) continue;
    for (int tries = 0; tries < 20; ++tries) {
      const instant at = roll.between(bounds.front(), bounds.back() - 1);
      const auto expected = std::upper_bound(bounds.begin(), bounds.end(), at) - bounds.begin() - 1;
      EXPECT_EQ(find(at), static_cast<std::size_t>(expected));
    }
    EXPECT_EQ(
        find(bounds.back() - 1),
        static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), bounds.back()) - bounds.begin() - 1));
  }
}

TEST(bucket_finder, all_of_time_in_two_buckets) {
  const std::vector<instant> bounds{core::first_finite, 0, core::end_of_finite};
  const core::bucket_finder find(bounds);
  EXPECT_EQ(find(core::first_finite), 0U);
  EXPECT_EQ(find(-1), 0U);
  EXPECT_EQ(find(0), 1U);
  EXPECT_EQ(find(core::end_of_finite - 1), 1U);
}

}  // namespace
}  // namespace headcount::test
