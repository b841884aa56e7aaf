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

// That a session begins or ends at a host, as one word in its slice of time.
struct host_event {
  using word = std::uint64_t;

  static constexpr unsigned tick_bits = 32, tick_shift = 32, kind_shift = 31;
  static constexpr std::uint32_t max_hosts = 0x7fffffff;

  static std::int64_t slice_of(instant at) { return at >> tick_bits; }
  static word of(instant at, bool begins, std::uint32_t host) {
    return (static_cast<std::uint64_t>(at) << tick_shift) | (word{begins} << kind_shift) | host;
  }
  static std::uint32_t host(word event) { return static_cast<std::uint32_t>(event) & max_hosts; }
  static std::uint32_t begun(word event) { return static_cast<std::uint32_t>(event >> kind_shift) & 1U; }

  // Sorts the events of a slice; which host comes first at one instant does not matter. `other` is room to work in.
  static void sort(std::pmr::vector<word> &events, std::pmr::vector<word> &other, const context &host) {
    if (other.size() < events.size()) other.resize(events.size());
    radix_sort(
        std::span(events), std::span(other).first(events.size()), [](word each) { return each >> kind_shift; }, host);
  }

  // Counts on with the events of a slice: the sessions of each host, and how many hosts have any. Calls visit(instant,
  // std::int64_t level) where that may have changed, up to `last` inclusive. Returns false if it came to later ones.
  template <typename Visit>
  static bool sweep(std::span<const word> sorted, std::int64_t slice, std::span<std::uint32_t> sessions,
                    std::int64_t &level, instant last, Visit &&visit) {
    const std::uint64_t from = static_cast<std::uint64_t>(slice) << tick_bits;
    for (std::size_t at = 0; at < sorted.size();) {
      const std::uint64_t tick = sorted[at] >> tick_shift;
      const std::int64_t before = level;
      const auto now = static_cast<instant>(from | tick);
      if (now > last) return false;
      do {
        // Without branches: whether a session begins or ends is as good as random.
        const word here = sorted[at++];
        const std::uint32_t starts = begun(here);
        std::uint32_t &count = sessions[host(here)];
        level += static_cast<std::int64_t>(starts & (count == 0 ? 1U : 0U));
        count += 2 * starts - 1;
        level -= static_cast<std::int64_t>((starts ^ 1U) & (count == 0 ? 1U : 0U));
      } while (at < sorted.size() && sorted[at] >> tick_shift == tick);
      if (level != before) visit(now, level);
    }
    return true;
  }
};

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
      if (static_cast<instant>(static_cast<std::uint64_t>(each->number) << host_event::tick_bits) > last) break;
      sort(*each, sorted, other, host);
      if (!host_event::sweep(sorted, each->number, sessions, level, last, visit)) return;
    }
  }

  // Adds events with hosts of another numbering, of `hosts` numbers. key_of(number) is the key of a host; it is asked
  // for those alone that have events, since others may be in the making. each_slice(add) calls add(slice number,
  // std::span<const std::uint64_t> events).
  template <typename KeyOf, typename EachSlice>
  void merge_numbered(std::uint32_t hosts, const context &host, KeyOf &&key_of, EachSlice &&each_slice) {
    constexpr std::uint32_t unknown = UINT32_MAX;
    std::pmr::vector<std::uint32_t> numbers(hosts, unknown, host.memory);
    each_slice([&](std::int64_t slice_number, std::span<const event> events) {
      if (events.empty()) return;
      slice &into = find_slice(slice_number);
      for (const event one : events) {
        std::uint32_t &number = numbers[host_event::host(one)];
        if (number == unknown) number = number_of(key_of(host_event::host(one)));
        put(into, (one & ~event{max_hosts}) | number);
      }
      host.poll();
    });
  }

  // Adds all of another one, or what another one wrote; throws damaged_bytes.
  void merge(const host_events &from, const context &host);
  void merge(byte_reader &from, const context &host);
  void write(byte_buffer &to, const context &host) const;
  // The same in as few bytes as there may be, as the intervals of hosts; throws damaged_bytes.
  void merge_packed(byte_reader &from, const context &host);
  void write_packed(byte_buffer &to, const context &host) const;

 private:
  using event = host_event::word;
  static constexpr std::uint32_t max_hosts = host_event::max_hosts;
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
    std::int64_t number;  // host_event::slice_of()
    block *newest;        // nullptr where the place is free
    event *next;          // in the newest block
    event *end;
  };

  using table = key_table<no_wide_record, std::uint32_t, interval>;

  void add_now(key_view host, interval when);
  std::uint32_t number_of(key_view host);
  void settle();
  void settled() const { const_cast<host_events *>(this)->settle(); }
  void add_session(std::uint32_t host, interval when) {
    put(slice_of(host_event::slice_of(when.start)), host_event::of(when.start, true, host));
    if (when.end != forever) put(slice_of(host_event::slice_of(when.end)), host_event::of(when.end, false, host));
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
