#pragma once
// Civil days in a time zone, and the grids of buckets made of them.
//
// Day d is [d 00:00, d + 1 00:00), each bound converted on its own: 23- and 25-hour days, midnights that do not exist
// and days of no length (Apia, 2011-12-30) come out as the zone's rules have them. The day of an instant follows from
// the bounds, not from its wall clock.

#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

// Days since 2000-01-01, as PostgreSQL's date.
using day_number = std::int32_t;

// More buckets than this are refused: a report of 27,000 years, or an hourly one of 1,100.
inline constexpr std::int64_t max_buckets = 10'000'000;

// What the host knows of a time zone.
class time_zone {
 public:
  time_zone() = default;
  time_zone(const time_zone &) = delete;
  time_zone &operator=(const time_zone &) = delete;
  virtual ~time_zone() = default;

  // When the day begins. Throws where that is beyond the range of time.
  virtual instant start_of(day_number day) const = 0;

  // What the clock on the wall shows at a finite instant, in ticks since 2000-01-01 00:00 by that clock.
  virtual std::int64_t wall_clock(instant at) const = 0;
};

// The day whose bounds hold the finite instant.
day_number day_of(instant at, const time_zone &zone);

enum class granularity { hour, day, week, month, quarter, year };

// Reads "hour" ... "year", in any case. Throws invalid_argument.
granularity parse_granularity(std::string_view name);

// How large buckets are: of months, counted from January 2000; of days, counted from the first day of 2000 with which weeks
// begin; or of less than a day, counted from each midnight by the clock on the wall, the last one of a day as short as it comes.
struct bucket_size {
  bucket_size() = default;
  // NOLINTNEXTLINE: a name is a size
  bucket_size(granularity name, std::int32_t first_weekday = 1);

  // Of an interval as it is written: one of months, days and ticks, positive; times of whole days are days. Weeks begin with
  // first_weekday, 1 being Monday and 7 Sunday. Throws invalid_argument, with the interval as `text`.
  static bucket_size of(std::int64_t months, std::int64_t days, std::int64_t ticks, std::int32_t first_weekday, std::string_view text);

  bool is_of_days() const { return ticks == 0; }

  std::int64_t months = 0, days = 0, ticks = 0;  // one of them
  std::int32_t first_weekday = 1;
};

// Throws invalid_argument.
void check_first_weekday(std::int32_t first_weekday);

// The first day of the bucket that holds `day`, of buckets of days or months.
std::int64_t first_day_of_bucket(const bucket_size &size, std::int64_t day);

// Consecutive buckets [bounds[i], bounds[i + 1]).
struct grid {
  explicit grid(std::pmr::memory_resource *memory) : bounds(memory) {}

  std::pmr::vector<instant> bounds;

  std::size_t size() const { return bounds.empty() ? 0 : bounds.size() - 1; }
};

// The days `first` to `last`, one bucket each, also those of no length. Throws too_large.
grid day_grid(day_number first, day_number last, const time_zone &zone, const context &host);

// The civil buckets that meet the finite window, those of no length left out. Throws too_large, and out_of_range where they go
// beyond the range of time.
grid civil_grid(const bucket_size &size, interval window, const time_zone &zone, const context &host);

// Finds buckets. Civil buckets are nearly even, so a guess lands within a step or two.
class bucket_finder {
 public:
  explicit bucket_finder(std::span<const instant> bounds)
      : bounds_(bounds),
        width_(bounds.size() < 2 ? 1
                                 : (static_cast<double>(bounds.back()) - static_cast<double>(bounds.front())) /
                                       static_cast<double>(bounds.size() - 1)) {}

  // The last bucket that starts at or before `at`, which is at or after the first bound and before the last.
  std::size_t operator()(instant at) const {
    const double guess = (static_cast<double>(at) - static_cast<double>(bounds_.front())) / width_;
    auto bucket = static_cast<std::size_t>(guess > 0 ? guess : 0);
    if (bucket > bounds_.size() - 2) bucket = bounds_.size() - 2;
    while (bounds_[bucket] > at) --bucket;
    while (bounds_[bucket + 1] <= at) ++bucket;
    return bucket;
  }

 private:
  std::span<const instant> bounds_;
  double width_;
};

}  // namespace headcount::core
