#pragma once
// The reports: activity over buckets, trailing windows, and the daily user counts of the two licensing models.

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_view.hpp"
#include "core/presence/sweep.hpp"
#include "core/rules.hpp"
#include "core/time/civil.hpp"

namespace headcount::core {

// Which days a report is about. Open intervals last until `as_of` inclusive, and nothing after it counts.
struct day_range {
  std::optional<day_number> first;  // default: the day of the first data
  std::optional<day_number> last;   // default, and at most: the day of as_of
  instant as_of;
};

struct reported_days {
  day_number first;
  day_number last;
};

// The days that a report has whose data begin at `first_data` (`forever`: there are none); nothing where it has none.
// Throws missing_argument where it would have no first or no last day.
std::optional<reported_days> find_days(instant first_data, const day_range &range, const time_zone &zone);

// The days that a report over `presence` has; nothing where it has none. Throws missing_argument where it would have
// no first or no last day.
std::optional<reported_days> find_days(const presence_view &presence, const day_range &range, const time_zone &zone);

struct activity_row {
  instant start;  // of the bucket
  std::int64_t unique_keys;
  std::int64_t new_keys;
  peak highest;
};

struct daily_activity {
  explicit daily_activity(std::pmr::memory_resource *memory) : rows(memory) {}
  day_number first = 0;  // the day of rows[0]; the others follow, day by day
  std::pmr::vector<activity_row> rows;
};

// Unique and new keys and the peak, for every day of the range.
daily_activity find_daily_activity(const presence_view &presence, const day_range &range, const time_zone &zone,
                                   const context &host);

// The same for the civil buckets that meet the window; an infinite bound is drawn in to the first data, or to `as_of`.
// Throws missing_argument where that leaves the window without an end.
std::pmr::vector<activity_row> find_activity(const presence_view &presence, const bucket_size &size, interval window,
                                             instant as_of, const time_zone &zone, const context &host);

struct rolling_activity {
  explicit rolling_activity(std::pmr::memory_resource *memory) : unique_keys(memory) {}
  day_number first = 0;
  std::pmr::vector<std::int64_t> unique_keys;
};

// Unique keys over the `window_days` civil days that end with each day of the range.
rolling_activity find_rolling_activity(const presence_view &presence, std::int64_t window_days, const day_range &range,
                                       const time_zone &zone, const context &host);

// Reads "2013", "2019" or "2025". Throws invalid_argument.
licensing_model parse_licensing_model(std::string_view name);

// Throws invalid_argument unless there is at least one day in it.
void check_window_days(std::int64_t window_days);

struct daily_user_count {
  std::int64_t total_users;
  std::int64_t daily_users;
  std::int64_t denial_users;
  std::int64_t denials;  // of collected rows; a presence does not know how many
  peak concurrent_hosts;
  bool complete;  // the day is over at as_of
};

struct daily_user_counts {
  explicit daily_user_counts(std::pmr::memory_resource *memory) : rows(memory) {}
  day_number first = 0;
  std::pmr::vector<daily_user_count> rows;
};

// What a daily report is made from.
struct report_input {
  presence_view sessions;  // users by session
  presence_view denials;   // users by denial, instants
  presence_view hosts;     // hosts by session
};

// Model 2013: daily users have a session that day, total users had one in the last `window_days`.
// Model 2019: daily users have a session or a denial that day, total users ever had one.
// Model 2025: daily users as under 2019, total users had one in the last `window_days`.
daily_user_counts find_daily_user_counts(const report_input &input, licensing_model model, std::int64_t window_days,
                                         const day_range &range, const time_zone &zone, const context &host);

}  // namespace headcount::core
