#include "core/time/civil.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

[[noreturn]] void throw_too_many_buckets() {
  throw error(fault::too_large, "the range has too many buckets",
              "At most " + std::to_string(max_buckets) + " buckets are made at a time.",
              "Ask for a shorter range or a coarser granularity.");
}

struct month_number {
  std::int64_t value;  // months since January of year 0
};

// Days since 2000-01-01 of the first of a month, and the month of a day, in the proleptic Gregorian calendar.
// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil, civil_from_days);
// std::chrono::year ends at 32767, PostgreSQL's dates do not.
constexpr std::int64_t epoch_shift = 730425;  // days from 0000-03-01 to 2000-01-01

std::int64_t first_day(month_number month) {
  const std::int64_t shifted = month.value - 2;  // years that begin in March
  const std::int64_t year = floor_div(shifted, 12), era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400, month_of_year = shifted - year * 12;
  const std::int64_t day_of_year = (153 * month_of_year + 2) / 5;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - epoch_shift;
}

month_number month_of(std::int64_t day) {
  const std::int64_t shifted = day + epoch_shift, era = floor_div(shifted, 146097);
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  return {(era * 400 + year_of_era) * 12 + (5 * day_of_year + 2) / 153 + 2};
}

constexpr std::int64_t months_in(granularity size) {
  return size == granularity::month ? 1 : size == granularity::quarter ? 3 : 12;
}

// The first day of the civil bucket that holds `day`, and of the next one. 2000-01-03 was a Monday.
std::int64_t bucket_start(granularity size, std::int64_t day) {
  if (size == granularity::day) return day;
  if (size == granularity::week) return floor_div(day - 2, 7) * 7 + 2;
  const std::int64_t months = months_in(size);
  return first_day({floor_div(month_of(day).value, months) * months});
}

std::int64_t next_start(granularity size, std::int64_t start) {
  if (size == granularity::day) return start + 1;
  if (size == granularity::week) return start + 7;
  return first_day({month_of(start).value + months_in(size)});
}

// Hours by the wall clock. They begin where it shows a full hour, and where it is put to another hour: a day of 25
// hours has 25, and where it is put by half an hour (Lord Howe) one hour has 90 minutes and none is shown twice.
class wall_hours {
 public:
  explicit wall_hours(const time_zone &zone) : zone_(zone) {}

  // When the hour began that holds `at`.
  instant start_of(instant at) const {
    const instant start = at - into_hour(zone_.wall_clock(at));
    if (offset(start) == offset(at)) return start;
    const instant put = first_with_offset_of(at, start);
    return begins_hour(put) ? put : start_of(put - 1);
  }

  // When the hour after that of `at` begins.
  instant next(instant at) const {
    const instant next = at + ticks_per_hour - into_hour(zone_.wall_clock(at));
    if (offset(next) == offset(at)) return next;
    const instant put = first_with_offset_of(next, at);
    return begins_hour(put) ? put : this->next(put);
  }

 private:
  static std::int64_t into_hour(std::int64_t clock) {
    return clock - floor_div(clock, ticks_per_hour) * ticks_per_hour;
  }
  std::int64_t offset(instant at) const { return zone_.wall_clock(at) - at; }

  // The clock was put once between `before` and `at`: when.
  instant first_with_offset_of(instant at, instant before) const {
    const std::int64_t wanted = offset(at);
    while (at - before > 1) {
      const instant middle = before + (at - before) / 2;
      (offset(middle) == wanted ? at : before) = middle;
    }
    return at;
  }

  bool begins_hour(instant put) const {
    const std::int64_t clock = zone_.wall_clock(put);
    return into_hour(clock) == 0 ||
           floor_div(clock, ticks_per_hour) != floor_div(zone_.wall_clock(put - 1), ticks_per_hour);
  }

  const time_zone &zone_;
};

void append_hours(grid &to, interval window, const time_zone &zone, const context &host) {
  ticker tick(host);
  const wall_hours hours(zone);
  instant at = hours.start_of(window.start);
  for (to.bounds.push_back(at); at < window.end; to.bounds.push_back(at)) {
    at = hours.next(at);
    if (to.bounds.size() > static_cast<std::size_t>(max_buckets)) throw_too_many_buckets();
    tick();
  }
}

}  // namespace

day_number day_of(instant at, const time_zone &zone) {
  // No zone is a day and a half away from UTC; asking for bounds alone lets the host answer from a cache.
  auto day = static_cast<day_number>(floor_div(at, ticks_per_day) + 1);
  while (zone.start_of(day) > at) --day;
  while (zone.start_of(day + 1) <= at) ++day;
  return day;
}

granularity parse_granularity(std::string_view name) {
  static constexpr std::array<std::string_view, 6> names{"hour", "day", "week", "month", "quarter", "year"};
  const auto same = [&](std::string_view known) {
    return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                      [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
  };
  const auto *const found = std::find_if(names.begin(), names.end(), same);
  if (found == names.end()) {
    throw error(fault::invalid_argument, "unknown granularity \"" + std::string(name) + "\"", {},
                "Granularities are hour, day, week, month, quarter and year.");
  }
  return static_cast<granularity>(found - names.begin());
}

grid day_grid(day_number first, day_number last, const time_zone &zone, const context &host) {
  grid days(host.memory);
  if (first > last) return days;
  if (std::int64_t{last} - first >= max_buckets) throw_too_many_buckets();
  ticker tick(host);
  days.bounds.reserve(static_cast<std::size_t>(std::int64_t{last} - first + 2));
  for (std::int64_t day = first; day <= std::int64_t{last} + 1; ++day) {
    const instant start = zone.start_of(static_cast<day_number>(day));
    // Bounds never run backwards, whatever a zone's history says.
    days.bounds.push_back(days.bounds.empty() ? start : std::max(start, days.bounds.back()));
    tick();
  }
  return days;
}

grid civil_grid(granularity size, interval window, const time_zone &zone, const context &host) {
  grid buckets(host.memory);
  if (is_empty(window)) return buckets;
  if (size == granularity::hour) {
    append_hours(buckets, window, zone, host);
    return buckets;
  }
  ticker tick(host);
  std::int64_t day = bucket_start(size, day_of(window.start, zone));
  instant start = zone.start_of(static_cast<day_number>(day));
  buckets.bounds.push_back(start);
  while (start < window.end) {
    day = next_start(size, day);
    const instant next = zone.start_of(static_cast<day_number>(day));
    if (next > start) buckets.bounds.push_back(next);
    start = std::max(start, next);
    if (buckets.size() > static_cast<std::size_t>(max_buckets)) throw_too_many_buckets();
    tick();
  }
  return buckets;
}

}  // namespace headcount::core
