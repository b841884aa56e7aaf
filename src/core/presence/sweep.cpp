#include "core/presence/sweep.hpp"

#include <algorithm>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {

event_list::event_list(const presence_view &presence, interval window, const context &host)
    : starts_(host.memory), ends_(host.memory) {
  presence.for_each_unordered(host, [&](key_view, std::span<const interval> intervals) {
    for (const interval &each : intervals) {
      const interval part = clip(each, window);
      if (is_empty(part)) continue;
      starts_.add(part.start);
      if (part.end != forever) ends_.add(part.end);
    }
  });
  starts_.sort(host);
  ends_.sort(host);
}

interval event_list::finite_span() const {
  const auto first_start = std::upper_bound(starts_.begin(), starts_.end(), beginning);
  instant first = forever, last = beginning;
  if (first_start != starts_.end()) first = *first_start, last = starts_.back();
  if (!ends_.empty()) first = std::min(first, ends_.front()), last = std::max(last, ends_.back());
  return first == forever ? interval{beginning, beginning} : interval{first, last};
}

peak find_peak(const presence_view &presence, interval window, const context &host) {
  peak best;
  bool at_best = false;  // whether the level still is the best one
  event_list(presence, window, host).for_each_change(host, [&](instant at, std::int64_t level) {
    if (at_best) best.until = at;
    at_best = level > best.level;
    if (at_best) best = {level, at, forever};
  });
  return best;
}

// Begins each bucket that starts before `at`, or at it, at the level carried into it.
void peak_finder::open_until(instant at) {
  while (!peaks_.empty()) {
    const std::size_t next = begun_ ? bucket_ + 1 : 0;
    next_ = next < peaks_.size() ? bounds_[next] : forever;
    if (next == peaks_.size() || next_ > at) return;
    begun_ = true;
    bucket_ = next;
    const bool lasts = bounds_[next + 1] > next_;  // a day that does not exist has no peak
    if (lasts && carried_ > 0 && next_ < at) peaks_[next] = {carried_, next_, 0};
  }
}

std::pmr::vector<peak> find_peaks(const presence_view &presence, std::span<const instant> bounds, interval inside,
                                  const context &host) {
  if (bounds.size() < 2) return std::pmr::vector<peak>(host.memory);
  peak_finder peaks(bounds, host);
  const interval window = clip(inside, {bounds.front(), bounds.back()});
  event_list(presence, window, host).for_each_change(host, [&](instant at, std::int64_t level) {
    peaks.add(at, level);
  });
  return std::move(peaks).all();
}

std::pmr::vector<level_change> find_timeline(const presence_view &presence, interval window, const context &host) {
  std::pmr::vector<level_change> changes(host.memory);
  event_list(presence, window, host).for_each_change(host, [&](instant at, std::int64_t level) {
    if (at < window.end) changes.push_back({at, level});
  });
  return changes;
}

std::pmr::vector<level_duration> find_time_at_level(const presence_view &presence, interval window,
                                                    const context &host) {
  const bool bounded = window.start != beginning && window.end != forever;
  const event_list events(presence, window, host);
  const interval span = events.finite_span();
  std::pmr::vector<level_duration> durations(host.memory);
  if (!bounded && span.start == beginning) return durations;  // nobody, and no bounds to be nobody between
  if (window.start == beginning) window.start = span.start;
  if (window.end == forever) window.end = span.end;
  if (window.start < 0 && window.end > window.start + forever)
    throw error(fault::out_of_range, "time at a level is out of range", "The range is longer than an interval can say.",
                "Give bounds that are closer together.");

  std::pmr::vector<std::int64_t> ticks(1, host.memory);
  instant since = window.start;
  std::int64_t level = 0;
  const auto hold_until = [&](instant at) {
    const instant to = std::min(at, window.end);
    if (to > since) ticks[static_cast<std::size_t>(level)] += to - since, since = to;
  };
  events.for_each_change(host, [&](instant at, std::int64_t next) {
    hold_until(at);
    level = next;
    if (static_cast<std::size_t>(level) >= ticks.size()) ticks.resize(static_cast<std::size_t>(level) + 1);
  });
  hold_until(window.end);

  for (std::size_t at = bounded ? 0 : 1; at < ticks.size(); ++at)
    if (ticks[at] != 0) durations.push_back({static_cast<std::int64_t>(at), ticks[at]});
  return durations;
}

}  // namespace headcount::core
