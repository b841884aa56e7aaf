#pragma once
// Spans of days that are looked at on their own.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "core/time/civil.hpp"

namespace headcount::core {

// The days from `first` to before `end`; there is at least one.
struct day_span {
  day_number first, end;
  friend bool operator==(const day_span &, const day_span &) = default;
};

// Sorts spans and unites those that touch or overlap. If more than `max_spans` are left, gaps between them are filled as
// well, the narrow ones first: each span costs a query a look-up of its own, and a day more in one costs next to nothing.
inline void unite_spans(std::pmr::vector<day_span> &spans, std::size_t max_spans) {
  std::sort(spans.begin(), spans.end(), [](const day_span &one, const day_span &other) { return one.first < other.first; });
  for (std::int64_t gap = 0;; gap = gap == 0 ? 1 : 2 * gap) {
    auto kept = spans.begin();
    for (auto each = spans.begin(); each != spans.end(); ++each) {
      if (each == spans.begin()) continue;
      if (std::int64_t{each->first} - kept->end <= gap)
        kept->end = std::max(kept->end, each->end);
      else
        *++kept = *each;
    }
    if (!spans.empty()) spans.erase(kept + 1, spans.end());
    if (spans.size() <= max_spans) return;
  }
}

}  // namespace headcount::core
