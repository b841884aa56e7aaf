#pragma once
// Uniting the intervals of one key.
//
//   before   [----)  [--)            after   [------)  [----)
//              [---)   [--)
//                          (touching ends unite: nobody left in between)

#include <algorithm>
#include <span>

#include "core/time/instant.hpp"

namespace headcount::core {

inline bool starts_before(const interval &a, const interval &b) { return a.start < b.start; }

// Unites those of `intervals`, sorted by start, that overlap or touch, in place. Returns how many remain, at the front.
inline std::size_t unite_sorted(std::span<interval> intervals) {
  if (intervals.empty()) return 0;
  std::size_t last = 0;
  for (std::size_t next = 1; next < intervals.size(); ++next) {
    if (intervals[next].start <= intervals[last].end)
      intervals[last].end = std::max(intervals[last].end, intervals[next].end);
    else
      intervals[++last] = intervals[next];
  }
  return last + 1;
}

// The same for intervals in any order.
inline std::size_t unite(std::span<interval> intervals) {
  std::sort(intervals.begin(), intervals.end(), starts_before);
  return unite_sorted(intervals);
}

}  // namespace headcount::core
