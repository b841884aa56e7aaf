#include "core/time/civil.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

[[noreturn]] void throw_too_many_buckets() {
  throw error(fault::too_large, "the range has too many buckets",
              "At most " + std::to_string(max_buckets) + " buckets are made at a time.",
              "Ask for a shorter range or a coarser granularity.");
}

// Refuses what is far too long before anything walks over it: buckets are not twice as long as their size, whatever clocks do.
void check_length(interval window, const bucket_size &size) {
  const auto length = static_cast<std::uint64_t>(window.end) - static_cast<std::uint64_t>(window.start);
  const std::uint64_t sizes = size.ticks != 0 ? length / static_cast<std::uint64_t>(size.ticks)
                                              : length / static_cast<std::uint64_t>(ticks_per_day) / static_cast<std::uint64_t>(size.months != 0 ? size.months * 31 : size.days);
  if (sizes > 2 * static_cast<std::uint64_t>(max_buckets)) throw_too_many_buckets();
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

// Months count from January 2000, days from the first day of 2000 with which weeks begin: 2000-01-01 was a Saturday.
constexpr std::int64_t first_counted_month = 24000;
constexpr std::int64_t first_counted_day(std::int32_t first_weekday) { return (first_weekday + 1) % 7; }

std::int64_t next_start(const bucket_size &size, std::int64_t start) {
  return size.months != 0 ? first_day({month_of(start).value + size.months}) : start + size.days;
}

// Buckets may be larger than the range of time.
instant start_of_day(std::int64_t day, const time_zone &zone) {
  if (day < first_finite / ticks_per_day || day >= end_of_finite / ticks_per_day)
    throw error(fault::out_of_range, "the buckets go beyond the range of time");
  return zone.start_of(static_cast<day_number>(day));
}

// The parts of a day by the wall clock. One begins with the day, where the clock shows a multiple of its length since midnight, and
// where the clock is put into another one: a day of 25 hours has 25 of one hour and four of six, one of which has seven; and
// where the clock is put by half an hour (Lord Howe) one hour has 90 minutes and none is shown twice.
class day_parts {
 public:
  day_parts(std::int64_t length, const time_zone &zone) : length_(length), zone_(zone) {}

  // Appends when those of a day begin that end after `from`, up to the first that begins at `to` or later.
  void append(grid &buckets, day_number day, interval window, ticker &tick) const {
    const instant end = zone_.start_of(day + 1);
    const std::int64_t midnight = std::int64_t{day} * ticks_per_day;
    for (instant at = zone_.start_of(day), segment_end = at; at < end; at = segment_end) {
      if (is_done(buckets, window)) return;
      // up to where the clock is put next
      const std::int64_t offset = zone_.wall_clock(at) - at;
      segment_end = put_after(at, end);
      const std::int64_t clock = at + offset - midnight;
      if (at == zone_.start_of(day) || begins(at, midnight)) add(buckets, at, window);
      instant next = at + (length_ - (clock - floor_div(clock, length_) * length_));
      if (next < window.start) next += (std::min(window.start, segment_end) - next) / length_ * length_;
      for (; next < segment_end; next += length_) {
        if (is_done(buckets, window)) return;
        add(buckets, next, window);
        tick();
      }
    }
  }

  static bool is_done(const grid &buckets, interval window) { return !buckets.bounds.empty() && buckets.bounds.back() >= window.end; }

  static void add(grid &buckets, instant at, interval window) {
    if (buckets.bounds.size() == 1 && at <= window.start) buckets.bounds.clear();
    buckets.bounds.push_back(at);
    if (buckets.size() > static_cast<std::size_t>(max_buckets)) throw_too_many_buckets();
  }

 private:
  // When the clock is put after `at`, or `end`. It is looked at every hour.
  instant put_after(instant at, instant end) const {
    const std::int64_t offset = zone_.wall_clock(at) - at;
    while (at < end) {
      const instant next = std::min(at + ticks_per_hour, end - 1);
      if (zone_.wall_clock(next) - next != offset) return first_with_other_offset(next, at, offset);
      if (next == end - 1) break;
      at = next;
    }
    return end;
  }

  instant first_with_other_offset(instant at, instant before, std::int64_t offset) const {
    while (at - before > 1) {
      const instant middle = before + (at - before) / 2;
      (zone_.wall_clock(middle) - middle == offset ? before : at) = middle;
    }
    return at;
  }

  bool begins(instant put, std::int64_t midnight) const {
    const std::int64_t now = zone_.wall_clock(put) - midnight, before = zone_.wall_clock(put - 1) - midnight;
    return floor_div(now, length_) * length_ == now || floor_div(now, length_) != floor_div(before, length_);
  }

  std::int64_t length_;
  const time_zone &zone_;
};

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
                "Granularities are hour, day, week, month, quarter, year, and intervals, like 15 minutes.");
  }
  return static_cast<granularity>(found - names.begin());
}

void check_first_weekday(std::int32_t first_weekday) {
  if (first_weekday < 1 || first_weekday > 7)
    throw error(fault::invalid_argument, "argument \"week_starts\" must be from 1 to 7, but is " + std::to_string(first_weekday), {},
                "1 is Monday, 7 is Sunday.");
}

bucket_size::bucket_size(granularity name, std::int32_t weekday) : first_weekday(weekday) {
  check_first_weekday(weekday);
  switch (name) {
    case granularity::hour: ticks = ticks_per_hour; break;
    case granularity::day: days = 1; break;
    case granularity::week: days = 7; break;
    case granularity::month: months = 1; break;
    case granularity::quarter: months = 3; break;
    case granularity::year: months = 12; break;
  }
}

bucket_size bucket_size::of(std::int64_t months, std::int64_t days, std::int64_t ticks, std::int32_t first_weekday, std::string_view text) {
  static constexpr const char *hint = "Buckets are of whole months, of whole days, or of less than a day: 3 months, 10 days, 15 minutes.";
  const auto refuse = [text](const char *why) { throw error(fault::invalid_argument, "granularity \"" + std::string(text) + "\" " + why, {}, hint); };
  check_first_weekday(first_weekday);
  if (months < 0 || days < 0 || ticks < 0 || (months == 0 && days == 0 && ticks == 0)) refuse("is not positive");
  if ((months != 0) + (days != 0) + (ticks != 0) > 1) refuse("is of months, days and times at once");
  if (ticks > ticks_per_day && ticks % ticks_per_day != 0) refuse("is longer than a day, but not of whole days");
  bucket_size size;
  size.first_weekday = first_weekday;
  size.months = months;
  size.days = ticks >= ticks_per_day ? ticks / ticks_per_day : days;
  size.ticks = ticks >= ticks_per_day ? 0 : ticks;
  return size;
}

std::int64_t first_day_of_bucket(const bucket_size &size, std::int64_t day) {
  if (size.months != 0) {
    const std::int64_t months = month_of(day).value - first_counted_month;
    return first_day({first_counted_month + floor_div(months, size.months) * size.months});
  }
  const std::int64_t first = first_counted_day(size.first_weekday);
  return first + floor_div(day - first, size.days) * size.days;
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

grid civil_grid(const bucket_size &size, interval window, const time_zone &zone, const context &host) {
  grid buckets(host.memory);
  if (is_empty(window)) return buckets;
  check_length(window, size);
  ticker tick(host);
  if (!size.is_of_days()) {
    const day_parts parts(size.ticks, zone);
    std::int64_t day = day_of(window.start, zone);
    for (; !day_parts::is_done(buckets, window); ++day) {
      parts.append(buckets, static_cast<day_number>(day), window, tick);
      if (start_of_day(day + 1, zone) >= window.end) break;
      tick();
    }
    // the last one ends with its day
    if (!day_parts::is_done(buckets, window)) day_parts::add(buckets, start_of_day(day + 1, zone), window);
    return buckets;
  }
  std::int64_t day = first_day_of_bucket(size, day_of(window.start, zone));
  instant start = start_of_day(day, zone);
  buckets.bounds.push_back(start);
  while (start < window.end) {
    day = next_start(size, day);
    const instant next = start_of_day(day, zone);
    if (next > start) buckets.bounds.push_back(next);
    start = std::max(start, next);
    if (buckets.size() > static_cast<std::size_t>(max_buckets)) throw_too_many_buckets();
    tick();
  }
  return buckets;
}

}  // namespace headcount::core
