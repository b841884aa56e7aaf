#pragma once
// Coverage: how many keys touch each bucket of a grid.
//
// A key touches the runs of buckets that its intervals meet. Each run is noted at its two ends only, and one pass over
// the grid sums the notes up, so the cost is that of the intervals, not of the days that they span.
//
//   intervals   [--)     [-----)                     window of 3 days: each run reaches 2 buckets further
//   buckets     | 1 | 0 | 1 | 1 | 0 | 0 |            | 1 | 1 | 1 | 1 | 1 | 1 |

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_view.hpp"
#include "core/time/civil.hpp"

namespace headcount::core {

// Counts keys over the buckets of a grid.
class coverage {
 public:
  // Only what lies in `inside` counts, except that a key present before it, or before the grid, is not new.
  // `window` is the number of buckets, the current one included, over which touched() looks back.
  coverage(std::span<const instant> bounds, interval inside, std::int64_t window, const context &host);

  // Takes in a key with its sorted, disjoint intervals.
  void add(std::span<const interval> intervals);

  // Sums up; call once, after the last add().
  void finish();

  // Keys that touch bucket i or one of the window - 1 buckets before it.
  std::int64_t touched(std::size_t bucket) const { return touched_[bucket]; }

  // Keys that touch bucket i and nothing before it.
  std::int64_t fresh(std::size_t bucket) const { return fresh_[bucket]; }

  // Keys that touch bucket i or anything before it.
  std::int64_t ever(std::size_t bucket) const { return ever_[bucket]; }

  // Calls visit(first, last) for each run of touched buckets, ascending; buckets of no length belong to none.
  template <typename Visit>
  void for_each_run(std::span<const interval> intervals, Visit &&visit) const {
    for (const interval &each : intervals) {
      const interval part = clip(each, span_);
      if (is_empty(part)) continue;
      const std::size_t last = find_(part.end - 1);
      std::size_t first = find_(part.start);
      for (const std::size_t gap : gaps_) {
        if (gap < first || gap >= last) continue;
        if (gap > first) visit(first, gap - 1);
        first = gap + 1;
      }
      visit(first, last);
    }
  }

 private:
  interval span_;  // where grid and `inside` meet
  std::int64_t window_;
  bucket_finder find_;
  std::pmr::vector<std::size_t> gaps_;  // buckets of no length: a handful in the history of all time zones
  std::pmr::vector<std::int64_t> touched_;
  std::pmr::vector<std::int64_t> fresh_;
  std::pmr::vector<std::int64_t> ever_;
  std::int64_t old_ = 0;  // keys present before the grid
};

}  // namespace headcount::core
