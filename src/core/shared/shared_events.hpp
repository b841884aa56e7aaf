#pragma once
// When sessions began and ended at each host, as core/report/host_events has it, for several processes at once.
//
//   hosts    one table for all
//   slices   each process has its own, in chunks of its own, and publishes where they are when it has no more rows
//
// What was published is swept in ranges of slices, which any of them may take: the sessions carried into a range are
// those that began less those that ended in the ranges before it, host by host.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/sweep.hpp"
#include "core/report/host_events.hpp"
#include "core/shared/shared_keys.hpp"
#include "core/shared/space.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

class shared_events {
 private:
  using keys = shared_keys<no_wide_record, std::uint32_t, interval>;

  // Memory of this process comes in extents, chunks of events are in units of it.
  static constexpr std::size_t unit_bytes = 128, extent_units = 2048;
  static constexpr std::uint32_t small_units = 1, large_units = 8;

  struct chunk {
    std::uint32_t earlier;  // the unit where it begins, from 1 on; 0: none
    std::uint32_t count;
    std::uint64_t *events() { return reinterpret_cast<std::uint64_t *>(this + 1); }
    const std::uint64_t *events() const { return reinterpret_cast<const std::uint64_t *>(this + 1); }
  };
  static constexpr std::size_t capacity(std::uint32_t units) {
    return (units * unit_bytes - sizeof(chunk)) / sizeof(std::uint64_t);
  }

 public:
  // What lies in shared memory; all zeros in the beginning.
  struct head {
    keys::head hosts;
  };

  // A slice that was published. All of one number are about the same time.
  struct published_slice {
    std::int64_t number;
    std::uint32_t newest;  // chunk
    std::uint32_t part;    // whose extents it is in: filled in by who reads it
    std::uint64_t events;
  };

  shared_events(head &of, shared_space &space, std::pmr::memory_resource *memory)
      : space_(space),
        hosts_(of.hosts, space, memory),
        extents_(memory),
        extent_handles_(memory),
        slices_(first_slots, memory) {}

  // `when` is not empty and has a start. An end of `forever` is none. Where there is no room for it, now or when
  // waiting rows are taken in, nothing of it is kept and full(key_view, interval) is called.
  template <typename Full>
  void add(key_view host_key, interval when, const context &host, Full &&full) {
    if (host_key.size() <= short_key::max_bytes) {
      if (hosts_.hold(host_key, when)) settle(host, full);
      return;
    }
    const std::uint32_t number = hosts_.number_of(host_key, when, host, [](keys::record &, interval) {});
    if (number == keys::npos || !put(number, when)) full(host_key, when);
  }

  // Takes in the waiting rows.
  template <typename Full>
  void settle(const context &host, Full &&full) {
    hosts_.settle(
        host, [](const keys::record &, interval) {}, [](keys::record &, interval) {},
        [&](std::uint32_t number, interval when) {
          if (!put(number, when)) full(hosts_.key_of(hosts_[number]), when);
        },
        full);
  }

  // Hosts have smaller numbers, but there may be numbers without a host.
  std::uint32_t host_count() const { return hosts_.size(); }
  key_view host_key(std::uint32_t number) const { return hosts_.key_of(hosts_[number]); }

  // What this process has to publish, once no more rows come.
  std::span<const shared_space::handle> extents() const { return extent_handles_; }
  std::pmr::vector<published_slice> slices(std::pmr::memory_resource *memory);

 private:
  static constexpr std::size_t first_slots = 64;

  struct slice {
    std::int64_t number;
    std::uint64_t *next, *end;  // in the newest chunk
    chunk *newest;              // nullptr where the place is free
    std::uint32_t newest_unit;
    std::uint32_t before;  // events in the chunks before
  };

  bool put(std::uint32_t number, interval when) {
    slice *const start = slice_of(host_event::slice_of(when.start));
    if (start == nullptr || !put(*start, host_event::of(when.start, true, number))) return false;
    if (when.end == forever) return true;
    slice *const end = slice_of(host_event::slice_of(when.end));
    if (end != nullptr && put(*end, host_event::of(when.end, false, number))) return true;
    take_back(host_event::slice_of(when.start));
    return false;
  }
  bool put(slice &into, std::uint64_t event) {
    if (into.next == into.end && !add_chunk(into)) return false;
    *into.next++ = event;
    return true;
  }
  // Takes back the last event of a slice, whose newest chunk has one.
  void take_back(std::int64_t number) { --slice_of(number)->next; }

  slice *slice_of(std::int64_t number) {
    slice &guess = slices_[recent_[number & 1]];
    return guess.number == number && guess.newest != nullptr ? &guess : find_slice(number);
  }
  slice *find_slice(std::int64_t number);
  std::size_t probe(std::int64_t number) const;
  void grow_slices();
  bool add_chunk(slice &to);
  std::uint32_t take_units(std::uint32_t units);
  chunk *chunk_at(std::uint32_t unit) const {
    return reinterpret_cast<chunk *>(extents_[(unit - 1) / extent_units] + (unit - 1) % extent_units * unit_bytes);
  }

  shared_space &space_;
  keys hosts_;
  std::pmr::vector<std::byte *> extents_;
  std::pmr::vector<shared_space::handle> extent_handles_;
  std::uint32_t next_unit_ = 0;     // in the last extent
  std::pmr::vector<slice> slices_;  // open addressing by number, a power of two of them
  std::size_t slice_count_ = 0;
  std::array<std::size_t, 2> recent_{};

  friend class published_events;
};

// Reads the chunks that the processes published.
class published_events {
 public:
  published_events(shared_space &space, std::pmr::memory_resource *memory)
      : space_(space), parts_(memory), memory_(memory) {}

  // The extents of the next part; they must stay where they are.
  void add_part(std::span<const shared_space::handle> extents) {
    parts_.emplace_back(part{extents, std::pmr::vector<std::byte *>(extents.size(), nullptr, memory_)});
  }

  // Calls visit(std::span<const std::uint64_t> events) for each chunk of a slice.
  template <typename Visit>
  void for_each_chunk(const shared_events::published_slice &of, Visit &&visit) {
    for (std::uint32_t unit = of.newest; unit != 0;) {
      const shared_events::chunk *const each = chunk_at(parts_[of.part], unit);
      unit = each->earlier;
      if (unit != 0) __builtin_prefetch(chunk_at(parts_[of.part], unit));
      visit(std::span<const std::uint64_t>(each->events(), each->count));
    }
  }

 private:
  struct part {
    std::span<const shared_space::handle> handles;
    std::pmr::vector<std::byte *> extents;
  };

  const shared_events::chunk *chunk_at(part &of, std::uint32_t unit) {
    std::byte *&extent = of.extents[(unit - 1) / shared_events::extent_units];
    if (extent == nullptr) extent = space_.address(of.handles[(unit - 1) / shared_events::extent_units]);
    return reinterpret_cast<const shared_events::chunk *>(extent + (unit - 1) % shared_events::extent_units *
                                                                       shared_events::unit_bytes);
  }

  shared_space &space_;
  std::pmr::vector<part> parts_;
  std::pmr::memory_resource *memory_;
};

}  // namespace headcount::core
