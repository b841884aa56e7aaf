#pragma once
// Sweeping: how many keys are present at each instant.
//
//   starts   |    |  |              at one instant ends come before starts, so touching intervals of two keys
//   ends         |       |  |       never count as two at once
//   level    1111 22 3333 22 1
//
// Both lists are sorted on their own and merged, so the level is known where it changes and nowhere else.

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_view.hpp"
#include "core/time/instant.hpp"
#include "core/time/instant_list.hpp"

namespace headcount::core {

// Where the presences inside a window start and end.
class event_list {
 public:
  // The window clips: what was carried in starts at its start, what goes on ends at its end.
  event_list(const presence_view &presence, interval window, const context &host);

  // Calls visit(instant at, std::int64_t level) at each instant where the level changes, in order. The first may be at
  // `beginning`, the last is the end of the last interval, unless that is open.
  template <typename Visit>
  void for_each_change(const context &host, Visit &&visit) const {
    ticker tick(host);
    std::size_t start = 0, end = 0;
    std::int64_t level = 0;
    while (start < starts_.size() || end < ends_.size()) {
      tick();
      const instant at = end == ends_.size()       ? starts_[start]
                         : start == starts_.size() ? ends_[end]
                                                   : std::min(starts_[start], ends_[end]);
      const std::int64_t before = level;
      for (; end < ends_.size() && ends_[end] == at; ++end) --level;
      for (; start < starts_.size() && starts_[start] == at; ++start) ++level;
      if (level != before) visit(at, level);
    }
  }

  // The first and the last finite instant, {beginning, beginning} where there is none.
  interval finite_span() const;

 private:
  instant_list starts_;
  instant_list ends_;  // without the open ones
};

// The highest level and where it first held; level 0 has no instants.
struct peak {
  std::int64_t level = 0;
  instant at = 0;
  instant until = 0;  // exclusive; forever where it does not end
};

// The peak within `window`.
peak find_peak(const presence_view &presence, interval window, const context &host);

// Finds the peak within each bucket [bounds[i], bounds[i + 1]), what is carried in included, from changes of level that
// come in order of time. `until` of the peaks is not filled in.
class peak_finder {
 public:
  // `carried` is the level before the first change.
  peak_finder(std::span<const instant> bounds, const context &host, std::int64_t carried = 0)
      : bounds_(bounds), peaks_(bounds.empty() ? 0 : bounds.size() - 1, host.memory), carried_(carried) {}

  void add(instant at, std::int64_t level) {
    if (at >= next_) open_until(at);
    if (begun_ && at < bounds_.back() && level > peaks_[bucket_].level) peaks_[bucket_] = {level, at, 0};
    carried_ = level;
  }

  // After the last change: the level that is left lasts until `end`.
  void finish(instant end) { open_until(end); }

  const peak &operator[](std::size_t bucket) const { return peaks_[bucket]; }
  std::pmr::vector<peak> all() && { return std::move(peaks_); }

 private:
  void open_until(instant at);

  std::span<const instant> bounds_;
  std::pmr::vector<peak> peaks_;
  bool begun_ = false;        // the first bucket has begun
  std::size_t bucket_ = 0;    // the one that has begun last
  instant next_ = beginning;  // when the next one begins
  std::int64_t carried_;
};

// The peak within each bucket [bounds[i], bounds[i + 1]), what is carried in included. `until` is not filled in.
// `inside` clips further: nothing outside of it counts.
std::pmr::vector<peak> find_peaks(const presence_view &presence, std::span<const instant> bounds, interval inside,
                                  const context &host);

struct level_change {
  instant at;
  std::int64_t level;
};

// The changes of level within `window`; begins with the level carried in, at the window's start, unless that is 0.
std::pmr::vector<level_change> find_timeline(const presence_view &presence, interval window, const context &host);

struct level_duration {
  std::int64_t level;
  std::int64_t ticks;
};

// How long each level was held within `window`, ascending, levels that never occurred left out. Infinite bounds are
// drawn in to the first and last finite instant. Level 0 is there only where both bounds are finite.
std::pmr::vector<level_duration> find_time_at_level(const presence_view &presence, interval window,
                                                    const context &host);

}  // namespace headcount::core
