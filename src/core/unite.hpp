#pragma once
// Uniting the intervals of one key.
//
//   before   [----)  [--)            after   [------)  [----)
//              [---)   [--)
//                          (touching ends unite: nobody left in between)

#include <algorithm>
#include <span>

#include "core/instant.hpp"

namespace headcount::core {

// Sorts `intervals` and unites those that overlap or touch, in place. Returns how many remain, at the front.
inline std::size_t unite(std::span<interval> intervals) {
  if (intervals.empty()) return 0;
  std::sort(intervals.begin(), intervals.end(), [](const interval &a, const interval &b) { return a.start < b.start; });
  std::size_t last = 0;
  for (std::size_t next = 1; next < intervals.size(); ++next) {
    if (intervals[next].start <= intervals[last].end)
      intervals[last].end = std::max(intervals[last].end, intervals[next].end);
    else
      intervals[++last] = intervals[next];
  }
  return last + 1;
}

}  // namespace headcount::core
