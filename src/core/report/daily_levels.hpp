#pragma once
// The highest level of each civil day, of sessions that each count for themselves or of their weights: the columns
// concurrent_sessions and concurrent_weight of the daily report.
//
//   day             |       1       |       2       |       3       |
//   level           0  2       1                 3      as_of
//   peak                    2               3             3           what is carried in over midnight counts, unless it ends then

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/session_events.hpp"
#include "core/time/civil.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

struct daily_level {
  day_number day;
  std::int64_t highest;
};

// The days with a level above 0, in order; nothing after `as_of`, which is finite, counts. Throws damaged_bytes, and
// number_too_large.
std::pmr::vector<daily_level> find_daily_levels(const session_events &sessions, const time_zone &zone, instant as_of,
                                                const context &host);

}  // namespace headcount::core
