#pragma once
// The canonical bytes of a presence: stored, sent, compared, hashed. The same set gives the same bytes, whatever the
// order of arrival, the split into workers, or the machine.
//
//   byte  0      magic 0xC1
//         1      version 1
//         2      key type (key_type; none for the empty presence, which has no key)
//         3      form 0: canonical (1 is a log of rows in the making, see row_log.hpp)
//         4..7   check sum: low 32 bits of XXH64 over the bytes from 8 on, seeded with bytes 0..3
//         8..15  the first start of all, or `beginning` where one has none; 0 in the empty presence
//        16..23  number of keys
//        24..    the keys, ascending byte for byte and without duplicates:
//
//   key          text: length (LEB128), bytes   bigint: 8 bytes   uuid: 16 bytes   session: nothing
//                LEB128 of number of intervals * 4 + (2 if the first has no start) + (1 if the last has no end)
//   interval     a byte: how many bytes the gap takes (low half) and the length (high half), 0 to 8 each, as few as
//   hold it
//                gap: how far it starts behind the end before, less one (what touches is united); the first interval
//                of a key counts from the first start of all, or from first_finite where that has none
//                length, less one: one tick, an instant, takes no byte at all
//                Where there is no start, the gap is 0 and the length is the distance of the end from first_finite;
//                where there is no end, the length is 0.
//
// All numbers of fixed width are little endian. Keys of type session stand for themselves: they come in order of their
// one interval, equal ones may repeat. Nothing may follow the last key.
//
// Byte counts beside each other in one byte, rather than a continuation bit in each: an interval of a few hours takes
// 10 bytes instead of 11, and reading it takes two unaligned loads instead of eleven steps.

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

inline constexpr std::uint8_t presence_magic = 0xC1;
inline constexpr std::uint8_t presence_version = 1;
enum class presence_form : std::uint8_t { canonical = 0, log = 1 };

// The four bytes that every flat form begins with.
struct presence_head {
  std::uint8_t magic;
  std::uint8_t version;
  key_type type;
  presence_form form;
};
static_assert(sizeof(presence_head) == 4);

// Reads and checks the first four bytes. Throws damaged_bytes.
presence_head read_head(key_view bytes);

// Writes canonical bytes. Keys must come in canonical order, the intervals of a key sorted and disjoint.
class presence_writer {
 public:
  // `first` is the earliest start of all. `reserved` bytes are left free in front, for the length word of a PostgreSQL
  // value.
  presence_writer(key_type type, instant first, std::size_t reserved, std::pmr::memory_resource *memory);

  void add(key_view key, std::span<const interval> intervals);

  // Completes the head and hands over the memory: the reserved bytes, then the canonical bytes.
  std::span<std::byte> finish();

 private:
  key_type type_;
  instant first_;
  std::uint64_t keys_ = 0;
  std::size_t reserved_;
  byte_buffer buffer_;
};

// Reads canonical bytes, checking everything: a damaged presence throws damaged_bytes before it can mislead.
class presence_reader {
 public:
  explicit presence_reader(key_view bytes);

  key_view bytes() const { return bytes_; }
  key_type type() const { return type_; }
  std::uint64_t key_count() const { return keys_; }
  // The earliest start of all, `forever` where there is none.
  instant first_start() const { return keys_ == 0 ? forever : first_; }

  // Goes from key to key, in canonical order.
  class cursor {
   public:
    cursor(const presence_reader &reader, std::pmr::memory_resource *memory)
        : reader_(&reader), left_(reader.keys_), body_(reader.body_), intervals_(memory) {}

    // Moves to the next key. Returns whether there is one.
    bool next();

    key_view key() const { return key_; }
    std::span<const interval> intervals() const { return intervals_; }

   private:
    const presence_reader *reader_;
    std::uint64_t left_;
    bool begun_ = false;
    instant lowest_ = forever;
    byte_reader body_;
    key_view key_;
    std::pmr::vector<interval> intervals_;
  };

  // Calls visit(key_view, std::span<const interval>) for each key, in canonical order.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    ticker tick(host);
    cursor at(*this, host.memory);
    while (at.next()) {
      visit(at.key(), at.intervals());
      tick();
    }
  }

 private:
  key_view read_key(byte_reader &reader) const;
  void read_intervals(byte_reader &reader, std::pmr::vector<interval> &intervals) const;

  key_view bytes_;
  key_type type_;
  std::uint64_t keys_ = 0;
  instant first_ = 0;
  key_view body_;  // the keys
};

}  // namespace headcount::core
