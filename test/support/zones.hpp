#pragma once
// Time zones of the tests' own: an offset and the instants at which it changes.

#include <cstdint>
#include <utility>
#include <vector>

#include "core/time/civil.hpp"
#include "core/time/instant.hpp"

namespace headcount::test {

inline constexpr std::int64_t hours = core::ticks_per_hour;
inline constexpr std::int64_t minutes = hours / 60;
inline constexpr std::int64_t days = core::ticks_per_day;

// Converts midnights as PostgreSQL does: what the clocks skip follows the offset before the change, what they show
// twice is taken the second time.
class rule_zone final : public core::time_zone {
 public:
  struct change {
    core::instant at;
    std::int64_t offset;  // from then on, ticks east of UTC
  };

  explicit rule_zone(std::int64_t offset, std::vector<change> changes = {})
      : offset_(offset), changes_(std::move(changes)) {}

  core::instant start_of(core::day_number day) const override {
    const std::int64_t midnight = day * days;
    // The last interval of one offset that has begun by this midnight on its own clock.
    std::int64_t offset = offset_;
    for (const change &each : changes_) {
      if (midnight - each.offset >= each.at)
        offset = each.offset;
      else if (midnight - offset >= each.at)
        return midnight - offset;  // skipped: after the change by the old clock, before it by the new one
    }
    return midnight - offset;
  }

  std::int64_t wall_clock(core::instant at) const override {
    std::int64_t offset = offset_;
    for (const change &each : changes_)
      if (each.at <= at) offset = each.offset;
    return at + offset;
  }

 private:
  std::int64_t offset_;
  std::vector<change> changes_;
};

// Days since 2000-01-01 of 2024-03-31 and 2024-10-27, when Berlin's clocks change at 01:00 UTC.
inline constexpr std::int64_t spring_2024 = 8856, autumn_2024 = 9066;

inline const rule_zone utc(0);

// A 23-hour day in spring, a 25-hour day in autumn.
inline const rule_zone berlin(1 * hours, {{spring_2024 * days + 1 * hours, 2 * hours},
                                          {autumn_2024 * days + 1 * hours, 1 * hours}});

// Clocks change at midnight (as in Beirut or Havana): day 100 has no midnight, day 200 has two.
inline const rule_zone missing_midnight(2 * hours,
                                        {{100 * days - 2 * hours, 3 * hours}, {200 * days - 2 * hours, 2 * hours}});

// A day that does not exist, as Apia's 2011-12-30: day 50 is skipped.
inline const rule_zone missing_day(-10 * hours, {{50 * days + 10 * hours, 14 * hours}});

// A day that comes twice: the clocks go back a whole day at the end of day 70.
inline const rule_zone repeated_day(12 * hours, {{71 * days - 12 * hours, -12 * hours}});

// An offset that is no whole number of hours, as in Kathmandu.
inline const rule_zone quarter_hours(5 * hours + 45 * minutes);

// The clocks change by half an hour, as on Lord Howe Island: forward on day 30 at 02:00, back on day 60 at 02:00.
inline const rule_zone half_hour(10 * hours + 30 * minutes, {{30 * days - 8 * hours - 30 * minutes, 11 * hours},
                                                             {60 * days - 9 * hours, 10 * hours + 30 * minutes}});

struct named_zone {
  const char *name;
  const rule_zone *zone;
};
inline constexpr named_zone all_zones[] = {
    {"UTC", &utc},
    {"23 and 25 hours", &berlin},
    {"a midnight missing, one twice", &missing_midnight},
    {"a day missing", &missing_day},
    {"a day twice", &repeated_day},
    {"quarter hours", &quarter_hours},
    {"half an hour forward and back", &half_hour},
};

}  // namespace headcount::test
