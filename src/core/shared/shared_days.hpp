#pragma once
// Which days each key was there, as core/sets/days_by_key has it, for several processes at once.
//
//   record   the word of days that the key came with
//   nodes    its other words, in a list from the record on, the latest first; long stays in another one
//
// Days are bits that are only ever set, and lists that only grow at their head, so no row waits for another.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "core/base/context.hpp"
#include "core/sets/days_by_key.hpp"
#include "core/shared/shared_keys.hpp"
#include "core/shared/space.hpp"

namespace headcount::core {

class shared_days {
 private:
  using bits = std::atomic<std::uint64_t>;

  // Nodes are numbered from 1 in records and in nodes, so that 0 ends a list.
  struct known {
    std::array<bits, 2> halves;
    std::atomic<std::uint32_t> words, stays;
  };
  struct node {
    std::array<bits, 2> halves;  // in a list of stays, first day and day after the last
    std::int32_t number;         // of the word
    std::uint32_t next;
  };
  using keys = shared_keys<known, std::int32_t, day_word>;  // the narrow part is the number of the word in the record

 public:
  // What lies in shared memory; all zeros in the beginning.
  struct head {
    keys::head users;
    shared_array<node>::head nodes;
  };

  static constexpr std::uint32_t npos = keys::npos;

  shared_days(head &of, shared_space &space, std::pmr::memory_resource *memory)
      : keys_(of.users, space, memory), nodes_(of.nodes, space, memory), words_(memory), stays_(memory) {}

  // The key was there from `first` to `last`, both included. Where there is no room for that, now or when waiting rows
  // are taken in, calls full(key_view, day_number first, day_number last).
  template <typename Full>
  void add(key_view key, day_number first, day_number last, const context &host, Full &&full) {
    if (key.size() <= short_key::max_bytes && first >> day_word::shift == last >> day_word::shift) {
      if (keys_.hold(key, day_word::of(first, last))) settle(host, full);
      return;
    }
    const std::uint32_t number = keys_.number_of(key, {{}, first >> day_word::shift}, host, begin);
    bool room = number != npos;
    if (room)
      for_each_word(
          first, last, [&](const day_word &word) { room = room && unite(number, word, host); },
          [&](interval stay) { room = add_stay(number, stay, host); });
    if (!room) full(key, first, last);
  }

  // Takes in the waiting rows.
  template <typename Full>
  void settle(const context &host, Full &&full) {
    keys_.settle(
        host,
        [this](const keys::record &soon, const day_word &days) {
          if (soon.narrow == days.number) return;
          if (const std::uint32_t next = soon.wide.words.load(std::memory_order_acquire); next != 0)
            __builtin_prefetch(&nodes_[next - 1]);
        },
        begin,
        [&](std::uint32_t number, const day_word &days) {
          if (!unite(number, days, host)) full_word(keys_.key_of(keys_[number]), days, full);
        },
        [&](key_view key, const day_word &days) { full_word(key, days, full); });
  }

  // Keys have smaller numbers, but there may be numbers without a key.
  std::uint32_t size() const { return keys_.size(); }
  bool has(std::uint32_t number) const { return keys::is_used(keys_[number]); }
  key_view key(std::uint32_t number) const { return keys_.key_of(keys_[number]); }
  // The number of a key, npos where it is not there. Nobody may add any more.
  std::uint32_t find(key_view key) { return keys_.find(key); }
  // What is known of a key; valid until the next question. Nobody may add any more.
  days_of_key operator[](std::uint32_t number);
  void prefetch(std::uint32_t number) const {
    if (const std::uint32_t next = keys_[number].wide.words.load(std::memory_order_relaxed); has(number) && next != 0)
      __builtin_prefetch(&nodes_[next - 1]);
  }

 private:
  // Rows find the word that they are about among the latest ones. A key with more words than these, whose rows come in
  // any order, has some of them twice.
  static constexpr unsigned near = 8;

  template <typename Full>
  static void full_word(key_view key, const day_word &days, Full &&full) {
    for_each_run(days, [&](std::int64_t first, std::int64_t last) {
      full(key, static_cast<day_number>(first), static_cast<day_number>(last));
    });
  }

  static void begin(keys::record &of, const day_word &days) { of.narrow = days.number; }
  static void set(bits &in, std::uint64_t days) {
    // Most are set already, and a line that is only read stays in the caches of all.
    if (days & ~in.load(std::memory_order_relaxed)) in.fetch_or(days, std::memory_order_relaxed);
  }
  static void set(std::array<bits, 2> &in, const day_word &days) {
    set(in[0], days.halves[0]);
    set(in[1], days.halves[1]);
  }

  bool unite(std::uint32_t number, const day_word &days, const context &host);
  bool add_stay(std::uint32_t number, interval stay, const context &host);
  bool push(std::atomic<std::uint32_t> &list, std::int32_t number, std::uint64_t low, std::uint64_t high,
            const context &host);

  keys keys_;
  shared_array<node> nodes_;
  std::pmr::vector<day_word> words_;
  std::pmr::vector<interval> stays_;
};

}  // namespace headcount::core
