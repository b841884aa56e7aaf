#pragma once
// A hash table from keys to records of one cache line, made for millions of rows in any order.
//
//   waiting   the last rows, held back until a batch is full
//   slots     open addressing, linear probing: 32 bits of hash and the number of the record
//   records   64 bytes, one cache line: what is known of the key, and the key itself (up to 32 bytes of it)
//
// A row touches a slot, a record and perhaps something that the record leads to, each of them somewhere in more memory
// than the caches hold: misses of 100 to 200 ns one after the other. So rows wait until there are enough of them to
// fetch all slots at once, then all records, then all that these lead to.
//
// Everything lives in the memory resource given, and nothing but it: an owner that is an arena need not destroy it.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

// Bytes of the first block of an arena for long keys, which few tables have.
inline constexpr std::size_t key_arena_start = 1024;

// A key of up to 32 bytes, padded with zeros: copied, hashed and compared as words.
struct short_key {
  static constexpr std::size_t max_bytes = 32;

  std::array<std::uint64_t, max_bytes / 8> words;
  std::uint32_t length;

  // Whole words, then what is left of the last one, all without a call to memcpy.
  void load(key_view key) {
    length = static_cast<std::uint32_t>(key.size());
    words = {};
    const std::byte *const from = key.data();
    const std::size_t whole = key.size() / 8, rest = key.size() % 8;
    if constexpr (std::endian::native != std::endian::little) {
      if (!key.empty()) std::memcpy(words.data(), from, key.size());
      return;
    }
    for (std::size_t at = 0; at < whole; ++at) words[at] = xxh64::load<std::uint64_t>(from + 8 * at);
    if (rest == 0) return;
    if (whole != 0) {
      words[whole] = xxh64::load<std::uint64_t>(from + key.size() - 8) >> (8 * (8 - rest));
    } else if (rest >= 4) {
      words[0] = xxh64::load<std::uint32_t>(from) | std::uint64_t{xxh64::load<std::uint32_t>(from + rest - 4)}
                                                        << (8 * (rest - 4));
    } else {
      for (std::size_t at = 0; at < rest; ++at) words[0] |= std::to_integer<std::uint64_t>(from[at]) << (8 * at);
    }
  }
  std::uint32_t tag() const { return static_cast<std::uint32_t>(hash_words(words, length) >> 32U); }
};

// What fills the place of a wide record in tables that keep a number for each key and nothing else.
struct no_wide_record {
  std::uint64_t unused[3];
};

// Rows of short keys that wait until there are enough of them to be looked up together.
template <typename Row>
class waiting_rows {
 public:
  struct waiting_row {
    short_key key;
    std::uint32_t tag;
    std::uint32_t number;  // of the record that it probably is about, counted from 1, 0 where there was none
    Row row;
  };

  explicit waiting_rows(std::pmr::memory_resource *memory) : rows_(batch, memory) {}

  // Holds a row back. Returns whether it is time to take all of them in.
  bool hold(key_view key, const Row &row) {
    waiting_row &held = rows_[count_];
    held.row = row;
    held.key.load(key);
    held.tag = held.key.tag();
    return ++count_ == rows_.size();
  }

  // All of them, to be taken in before another one is held back.
  std::span<waiting_row> take() { return {rows_.data(), std::exchange(count_, 0)}; }

 private:
  // Enough rows to hide a miss behind the others, few enough to stay in the first-level cache: 64 to 256 measured
  // alike.
  static constexpr std::size_t batch = 128;

  std::uint32_t count_ = 0;
  std::pmr::vector<waiting_row> rows_;
};

// Wide is 24 bytes of what is known of a key, Narrow another 4; Row is what a waiting row says about its key.
template <typename Wide, typename Narrow, typename Row>
class key_table {
 public:
  struct alignas(64) record {
    Wide wide;
    Narrow narrow;
    std::uint32_t length;
    union {
      std::array<std::uint64_t, short_key::max_bytes / 8> words;
      const std::byte *far;
    };

    key_view key() const {
      return {length <= short_key::max_bytes ? reinterpret_cast<const std::byte *>(words.data()) : far, length};
    }
    bool has_key(const short_key &key) const { return length == key.length && words == key.words; }
    bool has_key(key_view long_key) const { return length == long_key.size() && compare(key(), long_key) == 0; }
  };
  static_assert(sizeof(record) == 64);

  // Long keys are kept in `arena`.
  key_table(std::pmr::memory_resource *memory, std::pmr::memory_resource *arena)
      : memory_(memory), arena_(arena), slots_(first_slots, memory), blocks_(memory), waiting_(memory) {}
  key_table(const key_table &) = delete;
  key_table &operator=(const key_table &) = delete;
  ~key_table() {
    for (std::size_t at = 0; at < blocks_.size(); ++at)
      memory_->deallocate(blocks_[at], sizeof(record) * block_size(at), alignof(record));
  }

  // The number of keys, without those of waiting rows.
  std::uint32_t size() const { return count_; }
  // Records are numbered from 0 in order of arrival of their keys, and stay where they are.
  record &operator[](std::uint32_t number) const {
    const std::uint32_t shifted = number + (1U << first_block_bits);
    const auto width = static_cast<unsigned>(std::bit_width(shifted)) - 1;
    return blocks_[width - first_block_bits][shifted - (1U << width)];
  }

  // Holds a row back. Returns whether it is time to settle().
  static bool is_short(key_view key) { return key.size() <= short_key::max_bytes; }
  bool hold(key_view key, const Row &row) { return waiting_.hold(key, row); }

  // Takes in the waiting rows, in order. Calls apply(number, const Row &) for each; where its key is new,
  // make(record &, const Row &) instead, and beforehand fetch(const record &, const Row &) where a record is there.
  template <typename Fetch, typename Make, typename Apply>
  void settle(Fetch &&fetch, Make &&make, Apply &&apply) {
    const std::span<waiting_row> rows = waiting_.take();
    const std::size_t mask = slots_.size() - 1;
    for (const waiting_row &each : rows) __builtin_prefetch(&slots_[each.tag & mask]);
    for (waiting_row &each : rows) {
      std::size_t at = each.tag & mask;
      while (slots_[at].number != 0 && slots_[at].tag != each.tag) at = (at + 1) & mask;
      each.number = slots_[at].number;
      if (each.number != 0) __builtin_prefetch(&(*this)[each.number - 1], 1);
    }
    for (const waiting_row &each : rows)
      if (each.number != 0) fetch((*this)[each.number - 1], each.row);
    for (const waiting_row &each : rows) {
      if (each.number != 0 && (*this)[each.number - 1].has_key(each.key))
        apply(each.number - 1, each.row);
      else
        add(each.key, each.tag, each.row, make, apply);
    }
  }

  // The same at once for one row of any key.
  template <typename Make, typename Apply>
  void add_now(key_view key, const Row &row, Make &&make, Apply &&apply) {
    if (is_short(key)) {
      short_key wanted;
      wanted.load(key);
      add(wanted, wanted.tag(), row, make, apply);
    } else {
      add(key, tag_of(key), row, make, apply);
    }
  }

  static constexpr std::uint32_t npos = UINT32_MAX;

  // The number of the record of a key, `npos` where it has none; waiting rows are not looked at.
  std::uint32_t find(key_view key) const {
    const slot *found = nullptr;
    if (is_short(key)) {
      short_key wanted;
      wanted.load(key);
      found = probe(wanted, wanted.tag());
    } else {
      found = probe(key, tag_of(key));
    }
    return found->number - 1;
  }

  // The numbers of the records, in canonical order of their keys.
  std::pmr::vector<std::uint32_t> sorted(const context &host) const;

 private:
  static constexpr std::size_t first_slots = 256;
  using waiting_row = typename waiting_rows<Row>::waiting_row;

  struct slot {
    std::uint32_t tag;     // of the key; its low bits say where the search for it begins
    std::uint32_t number;  // of the record, counted from 1; 0 is free
  };

  // Blocks of 64, 128, 256, ... records: growing moves nothing.
  static constexpr unsigned first_block_bits = 6;
  static constexpr std::size_t block_size(std::size_t block) { return std::size_t{1} << (first_block_bits + block); }

  static std::uint32_t tag_of(key_view long_key) { return static_cast<std::uint32_t>(hash_bytes(long_key) >> 32U); }

  // Each for a short_key and for a key_view that is too long to be one.

  // The slot of the key, or the free slot where it belongs.
  template <typename Key>
  slot *probe(const Key &key, std::uint32_t tag) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
      const slot &here = slots_[at];
      if (here.number == 0 || (here.tag == tag && (*this)[here.number - 1].has_key(key)))
        return const_cast<slot *>(&here);
    }
  }

  template <typename Key, typename Make, typename Apply>
  void add(const Key &key, std::uint32_t tag, const Row &row, Make &make, Apply &apply) {
    slot *const found = probe(key, tag);
    if (found->number != 0) {
      apply(found->number - 1, row);
      return;
    }
    // Tags have 32 bits: with half of the slots free, this many keys still find a place of their own soon enough.
    if (count_ == UINT32_MAX / 2) throw_too_large();
    if (const std::size_t blocks = blocks_.size(); count_ + block_size(0) == block_size(blocks)) {
      blocks_.reserve(blocks + 1);  // so that the block cannot be lost
      blocks_.push_back(static_cast<record *>(memory_->allocate(sizeof(record) * block_size(blocks), alignof(record))));
    }
    record &made = (*this)[count_];
    set_key(made, key);
    make(made, row);
    *found = {tag, ++count_};
    if (std::size_t{count_} * 2 > slots_.size()) grow_slots();
  }

  static void set_key(record &of, const short_key &key) {
    of.length = key.length;
    of.words = key.words;
  }

  void set_key(record &of, key_view long_key) {
    if (long_key.size() > UINT32_MAX) throw_too_large();
    of.length = static_cast<std::uint32_t>(long_key.size());
    auto *const copy = static_cast<std::byte *>(arena_->allocate(long_key.size(), 1));
    std::memcpy(copy, long_key.data(), long_key.size());
    of.far = copy;
  }

  void grow_slots() {
    std::pmr::vector<slot> larger(slots_.size() * 2, memory_);
    const std::size_t mask = larger.size() - 1;
    for (const slot &each : slots_) {
      if (each.number == 0) continue;
      std::size_t at = each.tag & mask;
      while (larger[at].number != 0) at = (at + 1) & mask;
      larger[at] = each;
    }
    slots_.swap(larger);
  }

  std::pmr::memory_resource *memory_;
  std::pmr::memory_resource *arena_;
  std::uint32_t count_ = 0;
  std::pmr::vector<slot> slots_;  // a power of two of them
  std::pmr::vector<record *> blocks_;
  waiting_rows<Row> waiting_;
};

// Sorts by the first 16 bytes of the keys, which settles most comparisons without a visit to the records.
template <typename Wide, typename Narrow, typename Row>
std::pmr::vector<std::uint32_t> key_table<Wide, Narrow, Row>::sorted(const context &host) const {
  struct entry {
    std::uint64_t high, low;
    std::uint32_t number;
  };
  const auto big_endian = [](key_view key, std::size_t from) {
    std::uint64_t word = 0;
    for (std::size_t at = from; at < from + 8; ++at)
      word = (word << 8U) | (at < key.size() ? std::to_integer<std::uint64_t>(key[at]) : 0);
    return word;
  };
  std::pmr::vector<entry> entries(host.memory);
  entries.reserve(count_);
  for (std::uint32_t at = 0; at < count_; ++at) {
    const key_view key = (*this)[at].key();
    entries.push_back({big_endian(key, 0), big_endian(key, 8), at});
  }
  host.poll();
  std::sort(entries.begin(), entries.end(), [this](const entry &a, const entry &b) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return compare((*this)[a.number].key(), (*this)[b.number].key()) < 0;
  });
  host.poll();
  std::pmr::vector<std::uint32_t> order(host.memory);
  order.reserve(count_);
  for (const entry &each : entries) order.push_back(each.number);
  return order;
}

}  // namespace headcount::core
