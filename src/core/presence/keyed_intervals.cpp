#include "core/presence/keyed_intervals.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>

#include "core/base/byte_buffer.hpp"
#include "core/time/unite.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::size_t arena_start = 16 * 1024;

// From here on, a disordered key is united each time that its closed intervals have doubled.
constexpr std::uint64_t least_to_compact = 64;

}  // namespace

keyed_intervals::keyed_intervals(key_type type, std::pmr::memory_resource *memory)
    : type_(type), memory_(memory), arena_(arena_start, memory), table_(memory, &arena_), sessions_(memory) {}

std::size_t keyed_intervals::size() const {
  settled();
  return type_ == key_type::session ? sessions_.size() : table_.size();
}

bool keyed_intervals::find(key_view key, std::pmr::vector<interval> &to) const {
  if (type_ == key_type::session) return false;  // they have no keys to be found by
  settled();
  const std::uint32_t found = table_.find(key);
  if (found == table::npos) return false;
  collect(table_[found], to);
  return true;
}

void keyed_intervals::settle() {
  table_.settle(
      [](const record &soon, interval) {
        if (soon.wide.closed != nullptr)
          __builtin_prefetch(soon.wide.closed->items() + place_of(soon.narrow.closed_count).at, 1);
      },
      begin, [this](std::uint32_t number, interval when) { unite_with(table_[number], when); });
}

void keyed_intervals::add_long(key_view long_key, interval when) {
  table_.add_now(long_key, when, begin,
                 [this](std::uint32_t number, interval more) { unite_with(table_[number], more); });
}

void keyed_intervals::begin(record &of, interval when) {
  of.wide = {when, nullptr};
  of.narrow = {0, 0};
}

// The latest interval is the last one to arrive, not the last one in time: a scan that begins in the middle of a table
// and comes round to its start goes on in order.
void keyed_intervals::unite_with(record &of, interval when) {
  if (when.start >= of.wide.latest.start && when.start <= of.wide.latest.end) {
    of.wide.latest.end = std::max(of.wide.latest.end, when.end);
    return;
  }
  if (when.start < of.wide.latest.start) {
    if (when.end >= of.wide.latest.start) {
      of.wide.latest = {when.start, std::max(of.wide.latest.end, when.end)};
      if (of.narrow.closed_count != 0) of.narrow.disordered = 1;
      return;
    }
    of.narrow.disordered = 1;
  }
  store(of, of.wide.latest);
  of.wide.latest = when;
}

// Chunks of 3, 7, 15 and 31 fill up at 3, 10, 25 and 56 closed intervals, the larger ones every 63 from then on.
keyed_intervals::place keyed_intervals::place_of(std::uint32_t closed_count) {
  std::uint32_t size_class = 0;
  while (size_class + 1 < chunk_capacity.size() && closed_count >= chunk_capacity[size_class])
    closed_count -= chunk_capacity[size_class++];
  return {size_class, closed_count % chunk_capacity[size_class]};
}

void keyed_intervals::store(record &of, interval when) {
  if (of.narrow.disordered != 0 && of.wide.closed != nullptr && place_of(of.narrow.closed_count).at == 0 &&
      of.narrow.closed_count >= of.wide.closed->compact_at)
    compact(of);
  append(of, when);
}

void keyed_intervals::append(record &of, interval when) {
  const place next = place_of(of.narrow.closed_count);
  if (next.at == 0) add_chunk(of, next.size_class);
  of.wide.closed->items()[next.at] = when;
  of.narrow.closed_count = (of.narrow.closed_count + 1) & 0x7fffffffU;  // says to the compiler that it fits
}

// Unites the closed intervals of a disordered key. They may still reach into the latest, so it stays disordered.
void keyed_intervals::compact(record &of) {
  std::pmr::vector<interval> all(memory_);
  collect_closed(of, all);
  const std::size_t left = unite(all);
  for (std::uint32_t count = of.narrow.closed_count; count != 0;) {
    const place last = place_of(count - 1);
    chunk *const freed = std::exchange(of.wide.closed, of.wide.closed->earlier);
    freed->earlier = std::exchange(free_chunks_[last.size_class], freed);
    count -= last.at + 1;
  }
  of.narrow.closed_count = 0;
  for (std::size_t at = 0; at < left; ++at) append(of, all[at]);
  of.wide.closed->compact_at = std::max<std::uint64_t>(least_to_compact, 2 * left);
}

void keyed_intervals::add_chunk(record &of, std::uint32_t size_class) {
  chunk *made = free_chunks_[size_class];
  if (made != nullptr) {
    free_chunks_[size_class] = made->earlier;
  } else {
    const std::size_t bytes = sizeof(chunk) + chunk_capacity[size_class] * sizeof(interval);
    made = static_cast<chunk *>(arena_.allocate(bytes, alignof(chunk)));
  }
  made->earlier = of.wide.closed;
  made->compact_at = of.wide.closed == nullptr ? least_to_compact : of.wide.closed->compact_at;
  of.wide.closed = made;
}

void keyed_intervals::collect(const record &from, std::pmr::vector<interval> &to) {
  const std::size_t first = to.size();
  collect_closed(from, to);
  to.push_back(from.wide.latest);
  if (from.narrow.disordered != 0) to.resize(first + unite(std::span(to).subspan(first)));
}

// Appends the closed intervals, in order of arrival.
void keyed_intervals::collect_closed(const record &from, std::pmr::vector<interval> &to) {
  to.resize(to.size() + from.narrow.closed_count);
  interval *end = to.data() + to.size();
  const chunk *each = from.wide.closed;
  for (std::uint32_t count = from.narrow.closed_count; count != 0; each = each->earlier) {
    const std::uint32_t here = place_of(count - 1).at + 1;
    end -= here;
    std::copy_n(each->items(), here, end);
    count -= here;
  }
}

void keyed_intervals::sort_sessions(std::pmr::vector<interval> &sessions) {
  const auto before = [](const interval &a, const interval &b) {
    return std::tuple(a.start, a.end) < std::tuple(b.start, b.end);
  };
  if (!std::is_sorted(sessions.begin(), sessions.end(), before)) std::sort(sessions.begin(), sessions.end(), before);
}

}  // namespace headcount::core
