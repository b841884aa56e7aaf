#include "core/presence/presence_view.hpp"

#include <string>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {

key_type common_type(key_type left, key_type right) {
  if (left == right || right == key_type::none) return left;
  if (left == key_type::none) return right;
  throw error(fault::mixed_keys, "presences over keys of different types cannot be combined",
              std::string("One has keys of type ") + name_of(left) + ", the other of type " + name_of(right) + ".",
              "Cast the keys to one type, for example to text, before aggregating.");
}

void add_all(keyed_intervals &table, const presence_view &presence, const context &host) {
  presence.for_each_unordered(host, [&](key_view key, std::span<const interval> intervals) {
    for (const interval &each : intervals) table.add(key, each);
  });
}

namespace {

// The part of sorted, disjoint `intervals` inside `window`. `scratch` is overwritten and may back the result.
std::span<const interval> clip_all(std::span<const interval> intervals, interval window,
                                   std::pmr::vector<interval> &scratch) {
  if (window == all_time) return intervals;
  scratch.clear();
  for (const interval &each : intervals)
    if (const interval part = clip(each, window); !is_empty(part)) scratch.push_back(part);
  return scratch;
}

}  // namespace

std::span<std::byte> to_canonical(const presence_view &presence, interval window, std::size_t reserved,
                                  const context &host) {
  std::pmr::vector<interval> scratch(host.memory);
  instant first = presence.first_start();
  if (window != all_time) {
    first = forever;
    presence.for_each_unordered(host, [&](key_view, std::span<const interval> intervals) {
      const auto part = clip_all(intervals, window, scratch);
      if (!part.empty()) first = std::min(first, part.front().start);
    });
  }
  presence_writer writer(presence.type(), first, reserved, host.memory);
  if (presence.type() == key_type::session && window != all_time) {
    // Clipping may change the order of sessions, which is that of their intervals.
    keyed_intervals sessions(key_type::session, host.memory);
    presence.for_each_unordered(host, [&](key_view key, std::span<const interval> intervals) {
      for (const interval &each : clip_all(intervals, window, scratch)) sessions.add(key, each);
    });
    sessions.for_each(host, true, [&](key_view key, std::span<const interval> part) { writer.add(key, part); });
    return writer.finish();
  }
  presence.for_each(host, [&](key_view key, std::span<const interval> intervals) {
    if (const auto part = clip_all(intervals, window, scratch); !part.empty()) writer.add(key, part);
  });
  return writer.finish();
}

}  // namespace headcount::core
