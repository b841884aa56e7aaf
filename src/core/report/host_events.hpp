#pragma once
// When sessions began and ended at each host, so that the peak of hosts active at once can be found.
//
//   hosts    numbered in order of arrival
//   slices   72 minutes of time each (2^32 ticks); an event is one word in a slice:
//
//              63        32  31  30        0
//              +----------+----+-----------+
//              | tick     |kind| host      |     kind 0: a session ends, 1: one begins
//              +----------+----+-----------+
//
// Nothing is united as it comes. At the end each slice is sorted on its own, within the cache, and one pass over all
// counts the sessions of each host: a host is there while it has one. Sorted words have ends before starts, so that
// sessions that touch, and those of one host that overlap, come out as if they had been united first (rule S7).
//
// Uniting each host's intervals instead takes a visit to memory for each session and another to read them back in
// order of time: three times as much for ten million sessions of fifty thousand hosts.

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/error.hpp"
#include "core/base/key_table.hpp"
#include "core/base/radix_sort.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

class host_events {
 public:
  explicit host_events(std::pmr::memory_resource *memory);
  host_events(const host_events &) = delete;
  host_events &operator=(const host_events &) = delete;
  ~host_events();

  // `when` is not empty and has a start. An end of `forever` is none.
  void add(key_view host, interval when) {
    if (!table::is_short(host)) {
      add_now(host, when);
    } else if (table_.hold(host, when)) {
      settle();
    }
  }

  // Calls visit(instant, std::int64_t level) for each instant at which the number of hosts may have changed, in order,
  // up to `last` inclusive.
  template <typename Visit>
  void for_each_change(instant last, const context &host, Visit &&visit) const {
    settled();
    std::pmr::vector<std::uint32_t> sessions(table_.size(), host.memory);
    std::pmr::vector<event> sorted(host.memory), other(host.memory);
    std::int64_t level = 0;
    for (const slice *each : slices_in_order(host)) {
      host.poll();
      const std::uint64_t from = static_cast<std::uint64_t>(each->number) << tick_bits;
      if (static_cast<instant>(from) > last) break;
      sort(*each, sorted, other, host);
      for (std::size_t at = 0; at < sorted.size();) {
        const std::uint64_t tick = sorted[at] >> tick_shift;
        const std::int64_t before = level;
        const auto now = static_cast<instant>(from | tick);
        if (now > last) return;
        do {
          // Without branches: whether a session begins or ends is as good as random.
          const event here = sorted[at++];
          const std::uint32_t begun = (here >> kind_shift) & 1U;
          std::uint32_t &count = sessions[here & max_hosts];
          level += static_cast<std::int64_t>(begun & (count == 0 ? 1U : 0U));
          count += 2 * begun - 1;
          level -= static_cast<std::int64_t>((begun ^ 1U) & (count == 0 ? 1U : 0U));
        } while (at < sorted.size() && sorted[at] >> tick_shift == tick);
        if (level != before) visit(now, level);
      }
    }
  }

  // Adds all of another one, or what another one wrote; throws damaged_bytes.
  void merge(const host_events &from, const context &host);
  void merge(byte_reader &from, const context &host);
  void write(byte_buffer &to, const context &host) const;

 private:
  using event = std::uint64_t;
  static constexpr unsigned tick_bits = 32, tick_shift = 32, kind_shift = 31;
  static constexpr event begins = event{1} << kind_shift;
  static constexpr std::uint32_t max_hosts = 0x7fffffff;
  // Blocks of 128 bytes first, since there may be many slices with little in them, of 8 kB in the end.
  static constexpr std::size_t least_block = 128, max_block = 8192;
  static constexpr std::size_t first_slots = 64;

  struct block {
    block *earlier;
    std::size_t capacity;
    event *items() { return reinterpret_cast<event *>(this + 1); }
    const event *items() const { return reinterpret_cast<const event *>(this + 1); }
  };

  struct slice {
    std::int64_t number;  // instant >> tick_bits
    block *newest;        // nullptr where the place is free
    event *next;          // in the newest block
    event *end;
  };

  struct nothing {
    std::uint64_t unused[3];
  };
  using table = key_table<nothing, std::uint32_t, interval>;

  void add_now(key_view host, interval when);
  std::uint32_t number_of(key_view host);
  void settle();
  void settled() const { const_cast<host_events *>(this)->settle(); }
  void add_session(std::uint32_t host, interval when) {
    put(when.start, begins | host);
    if (when.end != forever) put(when.end, host);
  }
  void put(instant at, event what) {
    slice &into = slice_of(at >> tick_bits);
    put(into, (static_cast<std::uint64_t>(at) << tick_shift) | what);
  }
  void put(slice &into, event word) {
    if (into.next == into.end) add_block(into);
    *into.next++ = word;
  }
  slice &slice_of(std::int64_t number) {
    const slice &guess = slices_[recent_[number & 1]];
    return const_cast<slice &>(guess.number == number && guess.newest != nullptr ? guess : find_slice(number));
  }
  slice &find_slice(std::int64_t number);
  std::size_t probe(std::int64_t number) const;
  void grow_slices();
  void add_block(slice &to);
  std::pmr::vector<const slice *> slices_in_order(const context &host) const;
  static std::size_t count_events(const slice &of) {
    std::size_t count = 0;
    for_each_block(of, [&](std::span<const event> events) { count += events.size(); });
    return count;
  }
  // Calls visit(std::span<const event>) for each block.
  template <typename Visit>
  static void for_each_block(const slice &of, Visit &&visit) {
    const event *end = of.next;
    for (const block *each = of.newest; each != nullptr; each = each->earlier) {
      visit(std::span<const event>(each->items(), end));
      if (each->earlier != nullptr) end = each->earlier->items() + each->earlier->capacity;
    }
  }
  static void sort(const slice &from, std::pmr::vector<event> &sorted, std::pmr::vector<event> &other,
                   const context &host);

  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // long names
  table table_;
  std::pmr::vector<slice> slices_;  // open addressing by number, a power of two of them; those without a block are free
  std::size_t slice_count_ = 0;
  std::array<std::size_t, 2> recent_{};  // where the last even and the last odd slice are
};

}  // namespace headcount::core
