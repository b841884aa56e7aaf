#pragma once
// Durations in classes, so that an index on (class, start) finds the sessions that meet a span of the past.
//
//   class 0        shorter than 2^32 ticks, 72 minutes
//   class 33..64   2^(class - 1) ticks or more, shorter than 2^class
//
// A session of a class that ends at `from` or later starts less than the longest duration of the class before it:
//
//                         from
//   since(class, from) <---- 2^class ---->|
//           (---------------------------->)    no earlier start, so one range of the index for each class
//
// Classes below 72 minutes would save nothing, since the sessions of an hour lie on few pages; they would cost a probe
// each.

#include <bit>
#include <cstdint>

#include "core/time/instant.hpp"

namespace headcount::core {

using duration_class = std::int32_t;

inline constexpr duration_class shortest_class = 0, first_long_class = 33, last_class = 64;

// `when` is finite and not reversed; it may be empty.
constexpr duration_class class_of(interval when) {
  // Unsigned, since all of time is longer than 2^63 ticks.
  const auto bits = static_cast<duration_class>(
      std::bit_width(static_cast<std::uint64_t>(when.end) - static_cast<std::uint64_t>(when.start)));
  return bits < first_long_class ? shortest_class : bits;
}

// The sessions of the class that end at `from` or later start after this instant, `beginning` where that is any.
constexpr instant since(duration_class of, instant from) {
  if (from == beginning || from == forever) return from;
  const int bits = of == shortest_class ? first_long_class - 1 : of;
  const std::uint64_t behind = static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(first_finite);
  if (bits >= 64 || behind >> static_cast<unsigned>(bits) == 0) return beginning;
  return static_cast<instant>(static_cast<std::uint64_t>(from) - (std::uint64_t{1} << static_cast<unsigned>(bits)));
}

}  // namespace headcount::core
