#include "core/presence/rolling_spans.hpp"

#include <algorithm>
#include <bit>

#include "core/base/error.hpp"
#include "core/presence/sweep.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// How many keys meet each span: runs of spans are noted at their two ends, as in coverage.hpp.
class span_coverage {
 public:
  span_coverage(std::span<const interval> spans, const context &host)
      : spans_(spans),
        all_starts_(spans.size(), host.memory),
        any_start_(spans.size(), host.memory),
        notes_(spans.size() + 1, host.memory),
        alone_(host.memory) {
    instant highest = beginning, lowest = forever;
    for (std::size_t at = 0; at < spans.size(); ++at) all_starts_[at] = highest = std::max(highest, spans[at].start);
    for (std::size_t at = spans.size(); at-- > 0;) any_start_[at] = lowest = std::min(lowest, spans[at].start);
  }

  // Takes in a key with its sorted, disjoint intervals.
  void add(std::span<const interval> intervals, interval inside) {
    counted_ = 0;
    alone_.clear();
    for (const interval &each : intervals) {
      const interval part = clip(each, inside);
      if (is_empty(part)) continue;
      const auto ends = std::upper_bound(spans_.begin(), spans_.end(), part.start, [](instant at, const interval &span) { return at < span.end; });
      const auto first = static_cast<std::size_t>(ends - spans_.begin());
      // all spans before `sure` begin before the interval ends, none from `last` on does
      const std::size_t sure = before(all_starts_, part.end), last = before(any_start_, part.end);
      if (const std::size_t from = std::max(first, counted_); from < sure) {
        ++notes_[from];
        --notes_[sure];
        for (const std::size_t at : alone_)
          if (at >= from && at < sure) leave(at);
        std::erase_if(alone_, [&](std::size_t at) { return at >= from && at < sure; });
        counted_ = sure;
      }
      for (std::size_t at = std::max({first, counted_, sure}); at < last; ++at) {
        if (spans_[at].start >= part.end || std::find(alone_.begin(), alone_.end(), at) != alone_.end()) continue;
        ++notes_[at];
        --notes_[at + 1];
        alone_.push_back(at);
      }
    }
  }

  void finish(std::span<span_counts> to) const {
    std::int64_t keys = 0;
    for (std::size_t at = 0; at < to.size(); ++at) to[at].unique_keys = keys += notes_[at];
  }

 private:
  // How many are before `end`, of instants in order.
  static std::size_t before(const std::pmr::vector<instant> &instants, instant end) {
    return static_cast<std::size_t>(std::lower_bound(instants.begin(), instants.end(), end) - instants.begin());
  }
  void leave(std::size_t at) {
    --notes_[at];
    ++notes_[at + 1];
  }

  std::span<const interval> spans_;
  std::pmr::vector<instant> all_starts_, any_start_;  // the latest start up to each span, the earliest from it on
  std::pmr::vector<std::int64_t> notes_;
  std::size_t counted_ = 0;              // spans before this one have the key, or need not be looked at again
  std::pmr::vector<std::size_t> alone_;  // those that have it for themselves
};

// The highest of some neighbours, by a tree over them.
class highest_of {
 public:
  highest_of(std::span<const peak> of, const context &host) : leaves_(std::bit_ceil(std::max<std::size_t>(of.size(), 1))), levels_(2 * leaves_, host.memory) {
    for (std::size_t at = 0; at < of.size(); ++at) levels_[leaves_ + at] = of[at].level;
    for (std::size_t at = leaves_; at-- > 1;) levels_[at] = std::max(levels_[2 * at], levels_[2 * at + 1]);
  }

  // Of [first, end).
  std::int64_t operator()(std::size_t first, std::size_t end) const {
    std::int64_t highest = 0;
    for (first += leaves_, end += leaves_; first < end; first /= 2, end /= 2) {
      if (first % 2 == 1) highest = std::max(highest, levels_[first++]);
      if (end % 2 == 1) highest = std::max(highest, levels_[--end]);
    }
    return highest;
  }

 private:
  std::size_t leaves_;
  std::pmr::vector<std::int64_t> levels_;
};

}  // namespace

std::pmr::vector<span_counts> count_spans(const presence_view &presence, std::span<const interval> spans, interval inside, const context &host) {
  std::pmr::vector<span_counts> counts(spans.size(), host.memory);
  if (spans.empty()) return counts;
  // all bounds cut time into pieces, of each of which the peak is found
  std::pmr::vector<instant> bounds(host.memory);
  for (std::size_t at = 0; at < spans.size(); ++at) {
    if (is_empty(spans[at]) || (at > 0 && spans[at].end < spans[at - 1].end)) throw error(fault::invalid_argument, "spans are empty, or not in order");
    bounds.push_back(spans[at].start);
    bounds.push_back(spans[at].end);
  }
  std::sort(bounds.begin(), bounds.end());
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  const highest_of highest(find_peaks(presence, bounds, inside, host), host);
  const auto place = [&](instant at) { return static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), at) - bounds.begin()); };
  ticker tick(host);
  for (std::size_t at = 0; at < spans.size(); ++at) {
    counts[at].highest = highest(place(spans[at].start), place(spans[at].end));
    tick();
  }
  span_coverage keys(spans, host);
  presence.for_each(host, [&](key_view, std::span<const interval> intervals) { keys.add(intervals, inside); });
  keys.finish(counts);
  return counts;
}

}  // namespace headcount::core
