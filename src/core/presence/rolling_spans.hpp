#pragma once
// Rolling spans: how many keys touch each of many spans that overlap, and the peak within each.
//
//   spans        [--------)          a span for each hour, of 24 hours each: an interval meets a run of them
//                   [--------)
//                      [--------)
//
// Spans are in the order of their ends. Their starts mostly are in order too, but where clocks are put they need not be (the same
// time of day comes twice): those are looked at one by one.

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_view.hpp"

namespace headcount::core {

struct span_counts {
  std::int64_t unique_keys = 0;
  std::int64_t highest = 0;
};

// What there is of a presence within each of the spans, which are finite, not empty, and in the order of their ends. Only what is
// in `inside` counts.
std::pmr::vector<span_counts> count_spans(const presence_view &presence, std::span<const interval> spans, interval inside, const context &host);

}  // namespace headcount::core
