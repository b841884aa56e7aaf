#pragma once
// The table of keys of core/base/key_table, for several processes at once.
//
//   parts     the table is cut by hash into parts, each with slots of its own
//   slots     32 bits of hash and the number of a record in one word, which is written last, after the record
//   records   64 bytes, one cache line, as there
//
// Looking up takes no lock. A key that was not found is looked for again under the lock of its part, and made there. A
// part that grows gets new slots, and the old ones stay: who still reads them finds all keys that were there, and asks
// again for the others.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"
#include "core/base/key_table.hpp"
#include "core/shared/space.hpp"

namespace headcount::core {

// Wide is 24 bytes of what is known of a key, Narrow another 4, both zero for a new key; Row is what a waiting row says
// about its key.
template <typename Wide, typename Narrow, typename Row>
class shared_keys {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  struct alignas(64) record {
    Wide wide;
    Narrow narrow;
    std::uint32_t length;  // `unused` where the record is not in use
    union {
      std::array<std::uint64_t, short_key::max_bytes / 8> words;
      shared_space::handle far;  // of a longer key
    };
    static constexpr std::uint32_t unused = UINT32_MAX;
  };
  static_assert(sizeof(record) == 64);

 private:
  // The number is counted from 1, so that 0 is a free slot.
  using slot = std::atomic<std::uint64_t>;

  struct part {
    shared_lock lock;
    std::uint32_t keys;
    std::uint32_t slot_bits;
    std::atomic<shared_space::handle> slots;
  };
  static constexpr unsigned part_bits = 6, first_slot_bits = 6;
  static constexpr std::size_t part_count = std::size_t{1} << part_bits;

 public:
  // What lies in shared memory; all zeros in the beginning.
  struct head {
    std::array<part, part_count> parts;
    typename shared_array<record>::head records;
  };

  shared_keys(head &of, shared_space &space, std::pmr::memory_resource *memory)
      : head_(of), space_(space), records_(of.records, space, memory), waiting_(memory) {}
  shared_keys(const shared_keys &) = delete;
  shared_keys &operator=(const shared_keys &) = delete;

  // Records have smaller numbers, but there may be numbers without a record in use.
  std::uint32_t size() const { return records_.size(); }
  record &operator[](std::uint32_t number) const { return records_[number]; }
  static bool is_used(const record &of) { return of.length != record::unused; }

  key_view key_of(const record &of) const {
    if (of.length <= short_key::max_bytes) return {reinterpret_cast<const std::byte *>(of.words.data()), of.length};
    return {space_.address(of.far), of.length};
  }

  // Holds a row of a short key back. Returns whether it is time to settle().
  bool hold(key_view key, const Row &row) { return waiting_.hold(key, row); }

  // Takes in the waiting rows, in order: apply(number, const Row &) for each, or full(key_view, const Row &) where
  // there is no room for its key; fetch(const record &, const Row &) beforehand where a record is there, else
  // make(record &, const Row &), before anybody can see it.
  template <typename Fetch, typename Make, typename Apply, typename Full>
  void settle(const context &host, Fetch &&fetch, Make &&make, Apply &&apply, Full &&full) {
    const std::span<waiting_row> rows = waiting_.take();
    for (const waiting_row &each : rows) {
      const seen_part &in = seen_[part_of(each.tag)];
      if (in.slots != nullptr) __builtin_prefetch(&in.slots[each.tag & in.mask]);
    }
    for (waiting_row &each : rows) {
      each.number = guess(each.tag);
      if (each.number != 0) __builtin_prefetch(&records_[each.number - 1]);
    }
    for (const waiting_row &each : rows)
      if (each.number != 0) fetch(records_[each.number - 1], each.row);
    for (const waiting_row &each : rows) {
      std::uint32_t number = each.number - 1;
      if (each.number == 0 || !has_key(number, each.key))
        number = find_or_make(each.key, each.tag, each.row, make, host);
      if (number != npos)
        apply(number, each.row);
      else
        full(key_view(reinterpret_cast<const std::byte *>(each.key.words.data()), each.key.length), each.row);
    }
  }

  // The number of the record of a row's key, which is made if it is not there; npos where there is no room.
  template <typename Make>
  std::uint32_t number_of(key_view key, const Row &row, const context &host, Make &&make) {
    if (key.size() > short_key::max_bytes) return find_or_make(key, tag_of(key), row, make, host);
    short_key wanted;
    wanted.load(key);
    return find_or_make(wanted, wanted.tag(), row, make, host);
  }

  // The number of the record of a key, npos where it has none. Nobody may add any more.
  std::uint32_t find(key_view key) {
    if (key.size() > short_key::max_bytes) return find(key, tag_of(key));
    short_key wanted;
    wanted.load(key);
    return find(wanted, wanted.tag());
  }

 private:
  using waiting_row = typename waiting_rows<Row>::waiting_row;

  // What this process knows of a part.
  struct seen_part {
    slot *slots = nullptr;
    std::uint64_t mask = 0;
    shared_space::handle from = shared_space::none;
  };

  // The high bits say in which part, the low ones where in it.
  static std::size_t part_of(std::uint32_t tag) { return tag >> (32 - part_bits); }
  static std::uint32_t tag_of(key_view long_key) { return static_cast<std::uint32_t>(hash_bytes(long_key) >> 32U); }

  bool has_key(std::uint32_t number, const short_key &key) const {
    const record &of = records_[number];
    return of.length == key.length && of.words == key.words;
  }
  bool has_key(std::uint32_t number, key_view long_key) const {
    const record &of = records_[number];
    return of.length == long_key.size() && compare(key_of(of), long_key) == 0;
  }

  // A record whose key has this tag, as in slots; 0 where none is seen.
  std::uint32_t guess(std::uint32_t tag) const {
    const seen_part &in = seen_[part_of(tag)];
    if (in.slots == nullptr) return 0;
    for (std::uint64_t at = tag & in.mask;; at = (at + 1) & in.mask) {
      const std::uint64_t here = in.slots[at].load(std::memory_order_acquire);
      if (here == 0 || static_cast<std::uint32_t>(here >> 32U) == tag) return static_cast<std::uint32_t>(here);
    }
  }

  // The number of the record of a key, npos where it has none; then `free` is the slot where it belongs. That one must
  // not be read again without the lock: another process may put another key there at any time.
  template <typename Key>
  std::uint32_t probe(const seen_part &in, const Key &key, std::uint32_t tag, slot *&free) const {
    for (std::uint64_t at = tag & in.mask;; at = (at + 1) & in.mask) {
      const std::uint64_t here = in.slots[at].load(std::memory_order_acquire);
      free = &in.slots[at];
      if (here == 0) return npos;
      const std::uint32_t number = static_cast<std::uint32_t>(here) - 1;
      if (static_cast<std::uint32_t>(here >> 32U) == tag && has_key(number, key)) return number;
    }
  }

  // Makes sure that this process sees the slots that a part has now: under its lock, or when nobody adds any more.
  void look(seen_part &in, const part &of) {
    const shared_space::handle now = of.slots.load(std::memory_order_relaxed);
    if (in.from == now) return;
    in = {reinterpret_cast<slot *>(space_.address(now)), (std::uint64_t{1} << of.slot_bits) - 1, now};
  }

  template <typename Key>
  std::uint32_t find(const Key &key, std::uint32_t tag) {
    seen_part &in = seen_[part_of(tag)];
    const part &of = head_.parts[part_of(tag)];
    if (of.slots.load(std::memory_order_acquire) == shared_space::none) return npos;
    look(in, of);
    slot *free = nullptr;
    return probe(in, key, tag, free);
  }

  template <typename Key, typename Make>
  std::uint32_t find_or_make(const Key &key, std::uint32_t tag, const Row &row, Make &make, const context &host) {
    seen_part &in = seen_[part_of(tag)];
    slot *free = nullptr;
    if (in.slots != nullptr)
      if (const std::uint32_t number = probe(in, key, tag, free); number != npos) return number;
    part &of = head_.parts[part_of(tag)];
    shared_lock::guard locked(of.lock, host);
    if (of.slots.load(std::memory_order_relaxed) == shared_space::none) {
      if (!grow(in, of)) return npos;
    } else {
      look(in, of);
    }
    if (const std::uint32_t number = probe(in, key, tag, free); number != npos) return number;
    // With half of the slots free, a key finds a place of its own soon enough.
    if (std::uint64_t{of.keys} * 2 > in.mask) {
      if (!grow(in, of)) return npos;
      probe(in, key, tag, free);
    }
    const std::uint32_t made = records_.make([](record &clear) { clear.length = record::unused; }, host);
    if (made == npos) return npos;
    record &into = records_[made];
    new (&into.wide) Wide{};
    into.narrow = {};
    make(into, row);
    if (!set_key(into, key)) return npos;
    ++of.keys;
    free->store(std::uint64_t{tag} << 32U | (made + 1), std::memory_order_release);
    return made;
  }

  bool set_key(record &of, const short_key &key) {
    of.length = key.length;
    of.words = key.words;
    return true;
  }

  bool set_key(record &of, key_view long_key) {
    if (far_left_ < long_key.size()) {
      const std::size_t bytes = std::max(far_block, long_key.size());
      const shared_space::handle block = space_.allocate(bytes);
      if (block == shared_space::none) return false;
      far_next_ = block;
      far_left_ = bytes;
    }
    std::memcpy(space_.address(far_next_), long_key.data(), long_key.size());
    of.far = far_next_;
    of.length = static_cast<std::uint32_t>(long_key.size());
    far_next_ += long_key.size();
    far_left_ -= long_key.size();
    return true;
  }

  // Gives a part its first slots, or twice as many.
  bool grow(seen_part &in, part &of) {
    const seen_part before = in;
    const std::uint32_t bits = before.slots == nullptr ? first_slot_bits : of.slot_bits + 1;
    const std::size_t count = std::size_t{1} << bits;
    const shared_space::handle made = space_.allocate(count * sizeof(slot));
    if (made == shared_space::none) return false;
    in = {new (space_.address(made)) slot[count]{}, count - 1, made};
    if (before.slots != nullptr) {
      for (std::uint64_t from = 0; from <= before.mask; ++from) {
        const std::uint64_t here = before.slots[from].load(std::memory_order_relaxed);
        if (here == 0) continue;
        std::uint64_t at = (here >> 32U) & in.mask;
        while (in.slots[at].load(std::memory_order_relaxed) != 0) at = (at + 1) & in.mask;
        in.slots[at].store(here, std::memory_order_relaxed);
      }
    }
    of.slot_bits = bits;
    of.slots.store(made, std::memory_order_release);
    return true;
  }

  static constexpr std::size_t far_block = 16384;

  head &head_;
  shared_space &space_;
  shared_array<record> records_;
  std::array<seen_part, part_count> seen_{};
  waiting_rows<Row> waiting_;
  shared_space::handle far_next_ = shared_space::none;  // where this process puts long keys
  std::size_t far_left_ = 0;
};

}  // namespace headcount::core
