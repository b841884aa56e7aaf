#include "core/presence/coverage.hpp"

#include <algorithm>

#include "core/base/core_only.hpp"

namespace headcount::core {

coverage::coverage(std::span<const instant> bounds, interval inside, std::int64_t window, const context &host)
    : span_(bounds.empty() ? interval{0, 0} : clip(inside, {bounds.front(), bounds.back()})),
      window_(window),
      find_(bounds),
      gaps_(host.memory),
      touched_(std::max<std::size_t>(bounds.size(), 1), host.memory),
      fresh_(touched_.size(), host.memory),
      ever_(touched_.size(), host.memory) {
  for (std::size_t at = 0; at + 1 < bounds.size(); ++at)
    if (bounds[at] == bounds[at + 1]) gaps_.push_back(at);
}

void coverage::add(std::span<const interval> intervals) {
  const std::size_t buckets = touched_.size() - 1;
  std::size_t counted = 0;  // buckets before this one have this key already
  for_each_run(intervals, [&](std::size_t first, std::size_t last) {
    // The run, stretched by the window, as far as it is not counted yet.
    const std::size_t from = std::max(first, counted);
    const auto reach = static_cast<std::size_t>(std::min<std::int64_t>(window_, static_cast<std::int64_t>(buckets)));
    const std::size_t to = std::min(last + reach, buckets);
    if (from >= to) return;
    ++touched_[from];
    --touched_[to];
    counted = to;
  });
  if (intervals.front().start < span_.start) {
    if (intervals.front().start < span_.end) ++old_;  // also where the grid is a day of no length
  } else if (intervals.front().start < span_.end) {
    ++fresh_[find_(intervals.front().start)];
  }
}

void coverage::finish() {
  std::int64_t touching = 0, seen = old_;
  for (std::size_t at = 0; at < touched_.size(); ++at) {
    touching += touched_[at];
    touched_[at] = touching;
    seen += fresh_[at];
    ever_[at] = seen;
  }
}

}  // namespace headcount::core
