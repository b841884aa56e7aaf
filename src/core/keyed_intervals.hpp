#pragma once
// A presence in the making, once it is large: a hash table from key to intervals, which unites them as they arrive.
//
//   slots     open addressing, linear probing: 32 bits of hash and the number of the record
//   records   64 bytes, one cache line: hash, the key (up to 24 bytes of it), the latest interval
//   chunks    the earlier intervals of a key, newest chunk first; 3, 7, 15, 31, then 63 intervals each
//
//   arrival in time order     touches the latest interval: that one grows; else it is closed into a chunk
//   arrival out of order      goes into a chunk as it is; the key is marked disordered, and united when it is read and
//                             each time its closed intervals have doubled, so that retries cannot pile up
//
// Everything lives in the memory resource given, and nothing but it: an owner that is an arena need not destroy it.

#include <array>
#include <cstdint>
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
  ~keyed_intervals() = default;

  key_type type() const { return type_; }

  // The number of keys.
  std::size_t size() const { return type_ == key_type::session ? sessions_.size() : count_; }

  // Adds the interval to the key's. `stretch` is not empty.
  void add(key_view key, interval stretch);

  // Appends the key's intervals, sorted and disjoint, to `to`. Returns whether the key is there.
  bool find(key_view key, std::pmr::vector<interval> &to) const;

  // Calls visit(key_view, std::span<const interval>) for each key, with its intervals sorted and disjoint.
  // In canonical order if `sorted`, else as they come.
  template <typename Visit>
  void for_each(const context &host, bool sorted, Visit &&visit) const {
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
      intervals.clear();
      collect(each, intervals);
      visit(each.key(), std::span<const interval>(intervals));
      tick();
    }
  }

 private:
  struct chunk {
    chunk *earlier;
    std::uint32_t count;
    std::uint32_t size_class;
    interval *items() { return reinterpret_cast<interval *>(this + 1); }
    const interval *items() const { return reinterpret_cast<const interval *>(this + 1); }
  };

  struct alignas(64) record {
    static constexpr std::size_t inline_bytes = 24;

    std::uint64_t hash;
    interval latest;
    chunk *closed;
    std::uint32_t length;
    std::uint32_t closed_count : 31;
    std::uint32_t disordered : 1;
    union {
      std::array<std::byte, inline_bytes> near;
      const std::byte *far;
    };

    key_view key() const { return {length <= inline_bytes ? near.data() : far, length}; }
  };
  static_assert(sizeof(record) == 64);

  struct slot {
    std::uint32_t tag;     // high half of the hash
    std::uint32_t number;  // of the record, counted from 1; 0 is free
  };

  // 256 records a block: growing moves nothing, and a block is small beside what made the table necessary.
  static constexpr std::uint32_t block_bits = 8;
  static constexpr std::array<std::uint32_t, 5> chunk_capacity{3, 7, 15, 31, 63};

  record &record_at(std::uint32_t number) const {
    return blocks_[number >> block_bits][number & ((1U << block_bits) - 1)];
  }
  slot *probe(key_view key, std::uint64_t hash) const;
  void insert(slot &free, key_view key, std::uint64_t hash, interval stretch);
  void grow_slots();
  void close(record &of, interval stretch);
  void store(record &of, interval stretch);
  void compact(record &of);
  void add_chunk(record &of);
  static void collect(const record &from, std::pmr::vector<interval> &to);
  std::pmr::vector<std::uint32_t> sorted_records(const context &host) const;
  static void sort_sessions(std::pmr::vector<interval> &sessions);

  key_type type_;
  std::uint32_t count_ = 0;
  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // chunks and long keys
  std::pmr::vector<slot> slots_;               // a power of two of them
  std::pmr::vector<record *> blocks_;
  std::array<chunk *, chunk_capacity.size()> free_chunks_{};
  std::pmr::vector<interval> sessions_;  // key_type::session only
};

}  // namespace headcount::core
