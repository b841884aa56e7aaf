#pragma once
// Sessions collected for one question only: how many keys were present at once? (max_concurrent)
//
// With weights there are two more such questions. Of sessions that each count for themselves: what do those that are there add
// up to? Then the key is the weight (type bigint), so sessions of one weight share a number. Of weighted keys: while a key is
// there it weighs what the heaviest of its sessions there does. Then the weight is in front of the key (LEB128, type text).
//
//   rows      as they come, keys numbered in order of arrival; nothing is united
//   parts     what others wrote, their events in order of time already
//
//             +---------------+---------+--------+
//   event     | tick          | begins? | number |     one word; the number takes as many bits as the last one does
//             +---------------+---------+--------+
//
// At the end events are dropped into buckets of time, each small enough to be sorted within the cache, and one pass
// counts the sessions of each key: a key is there while it has one. Sorted words have ends before starts, so sessions
// of one key that touch or overlap come out as if they had been united (rule S7). Others hand over sorted events, so
// who puts parts together only merges.
//
// Bytes, in which a process hands over what it has (never stored; damaged ones are refused):
//
//   byte  0      magic 0xC5
//         1      version 1
//         2      key type
//         3      0
//         4..11  instant of the last event, by which the reader plans; 0 where there is none
//        12..    LEB128 number of keys, for each LEB128 length, bytes; none for type session
//                LEB128 number of events, for each, in order of time, ends before starts:
//   event        a byte: how many bytes the gap takes (4 bits), and the number (3 bits); the high bit where one begins
//                gap: ticks since the event before, the first one's since `beginning`; number of the key from 0 on

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/key.hpp"
#include "core/base/key_table.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

inline constexpr std::uint8_t events_magic = 0xC5;

// Told of each instant at which sessions begin or end, in order of time.
class level_listener {
 public:
  level_listener() = default;
  level_listener(const level_listener &) = delete;
  level_listener &operator=(const level_listener &) = delete;

  // The level once what ends at the instant has ended, what each start adds to it, the lightest first, and the level after all.
  virtual void hear(instant at, std::int64_t level, std::span<const std::int64_t> starts, std::int64_t after) = 0;

 protected:
  ~level_listener() = default;
};

class session_events {
 public:
  session_events(key_type type, std::pmr::memory_resource *memory);
  session_events(const session_events &) = delete;
  session_events &operator=(const session_events &) = delete;
  ~session_events();

  key_type type() const { return type_; }

  // `when` is not empty. Sessions of type session have no key, and each counts for itself.
  void add(key_view key, interval when) {
    if (type_ == key_type::session) {
      put({when, 0});
    } else if (!table::is_short(key)) {
      put({when, number_in(table_, key)});
    } else if (table_.hold(key, when)) {
      settle();
    }
  }

  // Adds what another one holds, or wrote. Throws damaged_bytes, and mixed_keys.
  void merge(const session_events &from, const context &host);
  void merge(key_view bytes, const context &host);

  void write(byte_buffer &to, const context &host) const;

  // The highest number of keys at once. Throws damaged_bytes where parts cannot be true.
  std::int64_t highest(const context &host) const;

  // Tells of the sum of the weights of the sessions that are there: 1 for type session, the key for type bigint. Throws
  // damaged_bytes, and number_too_large.
  void sweep(const context &host, level_listener &to) const;

  // The highest sum of the weights of keys, which have them in front. Throws the same.
  std::int64_t highest_weight(const context &host) const;

  // The key type that bytes from write() say they have. Throws damaged_bytes.
  static key_type type_of(key_view bytes);

 private:
  class sorted_events;
  class part_reader;
  class part_writer;
  class level_counter;

  struct row {
    interval when;  // a start of `forever` is none: of what others wrote starts and ends come one by one
    std::uint32_t number;
  };
  using table = key_table<no_wide_record, std::uint32_t, interval>;

  // Blocks of 64 rows first, since there may be many groups with little in them, of 4,096 (96 kB) in the end.
  static constexpr std::size_t first_block = 64, max_block = 4096;
  // Less than this costs more as one more part to look at than as rows.
  static constexpr std::size_t least_part_bytes = 64 * 1024;
  static constexpr std::size_t max_parts = 16;
  static constexpr std::size_t part_alignment = alignof(std::uint64_t);

  void put(const row &one) {
    if (next_ == end_) add_block();
    *next_++ = one;
  }
  void put_event(instant at, bool begins, std::uint32_t number) {
    put(begins ? row{{at, forever}, number} : row{{forever, at}, number});
  }
  void add_block();
  // The number of a key, which is new where it is not there yet.
  static std::uint32_t number_in(table &keys, key_view key);
  void settle();
  // Waiting rows are there already as far as anybody can see.
  void settled() const { const_cast<session_events *>(this)->settle(); }
  void keep_part(std::span<std::byte> bytes, const context &host);
  void pour(key_view part, const context &host);
  void write_rows(byte_buffer &to, const context &host) const;
  template <typename Begin, typename Visit>
  void in_order(const context &host, Begin &&begin, Visit &&visit) const;
  bool has_rows() const { return !blocks_.empty(); }

  // Calls visit(const row &) for each row.
  template <typename Visit>
  void for_each_row(const context &host, Visit &&visit) const {
    for (const std::span<row> &block : blocks_) {
      host.poll();
      const std::size_t count =
          &block == &blocks_.back() ? static_cast<std::size_t>(next_ - block.data()) : block.size();
      for (const row &each : block.first(count)) visit(each);
    }
  }

  // Calls visit(instant, bool begins, std::uint32_t number) for each start and each end.
  template <typename Visit>
  void for_each_event(const context &host, Visit &&visit) const {
    for_each_row(host, [&](const row &each) {
      if (each.when.start != forever) visit(each.when.start, true, each.number);
      if (each.when.end != forever) visit(each.when.end, false, each.number);
    });
  }

  key_type type_;
  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // long keys
  table table_;
  std::pmr::vector<std::span<row>> blocks_;
  row *next_ = nullptr;  // in the last block
  row *end_ = nullptr;
  std::pmr::vector<std::span<std::byte>> parts_;
};

}  // namespace headcount::core
