#pragma once
// Points and intervals of time.

#include <cstdint>
#include <limits>

namespace headcount::core {

// Microseconds since 2000-01-01 00:00 UTC: the finest tick there is, and what PostgreSQL's timestamptz holds.
using instant = std::int64_t;

inline constexpr instant beginning = std::numeric_limits<instant>::min();  // timestamptz '-infinity'
inline constexpr instant forever = std::numeric_limits<instant>::max();    // timestamptz 'infinity'

// The finite instants that timestamptz can hold: 4713 BC up to, not including, 294277 AD.
inline constexpr instant first_finite = -211813488000000000;
inline constexpr instant end_of_finite = 9223371331200000000;

inline constexpr std::int64_t ticks_per_second = 1'000'000;
inline constexpr std::int64_t ticks_per_hour = 3600 * ticks_per_second;
inline constexpr std::int64_t ticks_per_day = 24 * ticks_per_hour;

// The quotient rounded down, before 2000 as after it; `by` is positive.
constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Half open, [start, end). `end == forever` is an open end, `start == beginning` reaches back without limit.
struct interval {
  instant start;
  instant end;

  friend bool operator==(const interval &, const interval &) = default;
};

// The instant that follows `at`; what lasts until `at` inclusive ends here.
constexpr instant just_after(instant at) { return at == forever ? forever : at + 1; }

// Unsigned on purpose: the distance of two instants always fits.
constexpr std::uint64_t distance(instant from, instant to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

// Unsigned on the way, where signed numbers could overflow.
constexpr instant later(instant from, std::uint64_t ticks) {
  return static_cast<instant>(static_cast<std::uint64_t>(from) + ticks);
}

// The part of `whole` inside `window`; empty (start >= end) where they do not meet.
constexpr interval clip(interval whole, interval window) {
  return {whole.start > window.start ? whole.start : window.start, whole.end < window.end ? whole.end : window.end};
}

constexpr bool is_empty(interval when) { return when.start >= when.end; }

}  // namespace headcount::core
