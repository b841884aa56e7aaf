#pragma once
// A presence in the making, once it is large: a hash table from key to intervals, which unites them as they arrive.
//
//   waiting   the last rows, held back until a batch is full
//   slots     open addressing, linear probing: 32 bits of hash and the number of the record
//   records   64 bytes, one cache line: the latest interval, the key (up to 32 bytes of it)
//   chunks    the earlier intervals of a key, newest chunk first; 3, 7, 15, 31, then 63 intervals each
//
//   arrival in time order     touches the latest interval: that one grows; else it is closed into a chunk
//   arrival out of order      the same, but the key is marked disordered: it is united when it is read, and when its
//   closed
//                             intervals have doubled since, so that retries cannot pile up
//
// A row touches a slot, a record and the end of a chunk, each of them somewhere in more memory than the caches hold:
// three misses of 100 to 200 ns one after the other. So rows wait until there are enough of them to fetch all slots
// at once, then all records, then all chunks.
//
// Everything lives in the memory resource given, and nothing but it: an owner that is an arena need not destroy it.

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/context.hpp"
#include "core/hash.hpp"
#include "core/instant.hpp"
#include "core/key.hpp"

namespace headcount::core {

class keyed_intervals {
 public:
  keyed_intervals(key_type type, std::pmr::memory_resource *memory);
  keyed_intervals(const keyed_intervals &) = delete;
  keyed_intervals &operator=(const keyed_intervals &) = delete;
  ~keyed_intervals();

  key_type type() const { return type_; }

  // Adds the interval to the key's. `stretch` is not empty. The row may wait; every reader below takes it in first.
  void add(key_view key, interval stretch) {
    note(stretch);
    if (type_ == key_type::session) {
      sessions_.push_back(stretch);
    } else if (key.size() > inline_bytes) {
      add_long(key, stretch);
    } else {
      row &held = waiting_[waiting_count_];
      held.stretch = stretch;
      held.key.load(key);
      held.tag = held.key.tag();
      if (++waiting_count_ == waiting_.size()) settle();
    }
  }

  // The number of keys.
  std::size_t size() const;

  // The earliest start of all, `forever` where there is none.
  instant first_start() const { return first_start_; }

  // Appends the key's intervals, sorted and disjoint, to `to`. Returns whether the key is there.
  bool find(key_view key, std::pmr::vector<interval> &to) const;

  // Calls visit(key_view, std::span<const interval>) for each key, with its intervals sorted and disjoint.
  // In canonical order if `sorted`, else as they come.
  template <typename Visit>
  void for_each(const context &host, bool sorted, Visit &&visit) const {
    settled();
    ticker tick(host);
    std::pmr::vector<interval> intervals(host.memory);
    if (type_ == key_type::session) {
      intervals = sessions_;
      if (sorted) sort_sessions(intervals);
      for (const interval &each : intervals) {
        visit(key_view{}, std::span<const interval>(&each, 1));
        tick();
      }
      return;
    }
    std::pmr::vector<std::uint32_t> order(host.memory);
    if (sorted) order = sorted_records(host);
    for (std::uint32_t at = 0; at < count_; ++at) {
      const record &each = record_at(sorted ? order[at] : at);
      if (at + ahead < count_) fetch(record_at(sorted ? order[at + ahead] : at + ahead));
      intervals.clear();
      collect(each, intervals);
      visit(each.key(), std::span<const interval>(intervals));
      tick();
    }
  }

 private:
  static constexpr std::size_t inline_bytes = 32;
  // Enough rows to hide a miss behind the others, few enough to stay in the first-level cache: 64 to 256 measured
  // alike.
  static constexpr std::size_t batch = 128;
  static constexpr std::array<std::uint32_t, 5> chunk_capacity{3, 7, 15, 31, 63};

  struct chunk {
    chunk *earlier;
    std::uint64_t compact_at;  // in the newest chunk: how many closed intervals are enough to unite them again
    interval *items() { return reinterpret_cast<interval *>(this + 1); }
    const interval *items() const { return reinterpret_cast<const interval *>(this + 1); }
  };

  // A key of up to 32 bytes, padded with zeros: copied, hashed and compared as words.
  struct short_key {
    std::array<std::uint64_t, inline_bytes / 8> words;
    std::uint32_t length;

    void load(key_view key);
    std::uint32_t tag() const { return static_cast<std::uint32_t>(hash_words(words, length) >> 32U); }
    key_view view() const { return {reinterpret_cast<const std::byte *>(words.data()), length}; }
  };

  struct alignas(64) record {
    interval latest;
    chunk *closed;  // the newest; closed_count says how full it is
    std::uint32_t closed_count : 31;
    std::uint32_t disordered : 1;
    std::uint32_t length;
    union {
      std::array<std::uint64_t, inline_bytes / 8> words;
      const std::byte *far;
    };

    key_view key() const {
      return {length <= inline_bytes ? reinterpret_cast<const std::byte *>(words.data()) : far, length};
    }
    bool has_key(const short_key &key) const { return length == key.length && words == key.words; }
    bool has_key(key_view long_key) const { return length == long_key.size() && compare(key(), long_key) == 0; }
  };
  static_assert(sizeof(record) == 64);

  struct slot {
    std::uint32_t tag;     // of the key; its low bits say where the search for it begins
    std::uint32_t number;  // of the record, counted from 1; 0 is free
  };

  struct row {
    short_key key;
    std::uint32_t tag;
    interval stretch;
    std::uint32_t number;  // of the record that it probably is about, 0 where there was none
  };

  // The place of the newest closed interval but one: where in which chunk the next one goes.
  struct place {
    std::uint32_t size_class;
    std::uint32_t at;  // 0: a new chunk is needed
  };
  static place place_of(std::uint32_t closed_count);

  // Blocks of 256, 512, 1024, ... records: growing moves nothing.
  static constexpr unsigned first_block_bits = 8;
  static constexpr std::size_t block_size(std::size_t block) { return std::size_t{1} << (first_block_bits + block); }

  record &record_at(std::uint32_t number) const {
    const std::uint32_t shifted = number + (1U << first_block_bits);
    const auto width = static_cast<unsigned>(std::bit_width(shifted)) - 1;
    return blocks_[width - first_block_bits][shifted - (1U << width)];
  }
  static std::uint32_t tag_of(key_view long_key) { return static_cast<std::uint32_t>(hash_bytes(long_key) >> 32U); }

  // Each for a short_key and for a key_view that is too long to be one.
  template <typename Key>
  slot *probe(const Key &key, std::uint32_t tag) const;
  template <typename Key>
  void apply(const Key &key, std::uint32_t tag, std::uint32_t number, interval stretch);
  template <typename Key>
  void insert(slot &free, const Key &key, std::uint32_t tag, interval stretch);
  void add_long(key_view long_key, interval stretch);
  static void set_key(record &of, const short_key &key);
  void set_key(record &of, key_view long_key);

  void note(interval stretch) {
    if (stretch.start < first_start_) first_start_ = stretch.start;
  }
  void settle();
  // Waiting rows are there already as far as anybody can see; taking them in changes no answer.
  void settled() const { const_cast<keyed_intervals *>(this)->settle(); }
  void grow_slots();
  void unite_with(record &of, interval stretch);
  void store(record &of, interval stretch);
  void append(record &of, interval stretch);
  void compact(record &of);
  void add_chunk(record &of, std::uint32_t size_class);
  // The intervals of a key lie anywhere; they are asked for some keys before it is their turn.
  static constexpr std::uint32_t ahead = 8;
  static void fetch(const record &soon) {
    if (soon.closed == nullptr) return;
    __builtin_prefetch(soon.closed);
    __builtin_prefetch(soon.closed->items() + 3);
    __builtin_prefetch(soon.closed->items() + 7);
  }
  static void collect(const record &from, std::pmr::vector<interval> &to);
  static void collect_closed(const record &from, std::pmr::vector<interval> &to);
  std::pmr::vector<std::uint32_t> sorted_records(const context &host) const;
  static void sort_sessions(std::pmr::vector<interval> &sessions);

  key_type type_;
  std::uint32_t count_ = 0;
  std::uint32_t waiting_count_ = 0;
  instant first_start_ = forever;
  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // chunks and long keys
  std::pmr::vector<slot> slots_;               // a power of two of them
  std::pmr::vector<record *> blocks_;
  std::array<chunk *, chunk_capacity.size()> free_chunks_{};
  std::pmr::vector<interval> sessions_;  // key_type::session only
  std::pmr::vector<row> waiting_;
};

}  // namespace headcount::core
