#pragma once
// The canonical bytes of a presence: stored, sent, compared, hashed. The same set gives the same bytes, whatever the
// order of arrival, the split into workers, or the machine.
//
//   byte  0      magic 0xC1
//         1      version 1
//         2      key type (key_type; none for the empty presence, which has no key)
//         3      form 0: canonical (1 is a log of rows in the making, see row_log.hpp)
//         4..7   check sum: low 32 bits of XXH64 over the bytes from 8 on, seeded with bytes 0..3, little endian
//         8..    number of keys, then the keys, ascending byte for byte and without duplicates:
//
//   key          text: length, bytes   bigint: 8 bytes   uuid: 16 bytes   session: nothing
//                number of intervals * 4 + (2 if the first has no start) + (1 if the last has no end)
//   interval     start: the first of a key as a zig-zag number, the others as distance from the end before, less one
//                (never zero: what touches is united)
//                length less one (one tick, an instant, is the number 0), left out where there is no end;
//                an interval without a start gives its end as a zig-zag number instead
//
// Keys of type session stand for themselves: they come in order of their one interval, equal ones may repeat.
// Numbers are LEB128. Nothing may follow the last key.

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/byte_buffer.hpp"
#include "core/context.hpp"
#include "core/hash.hpp"
#include "core/instant.hpp"
#include "core/key.hpp"

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
  // `reserved` bytes are left free in front, for the length word of a PostgreSQL value.
  presence_writer(key_type type, std::size_t keys, std::size_t reserved, std::pmr::memory_resource *memory);

  void add(key_view key, std::span<const interval> intervals);

  // Completes the check sum and hands over the memory: the reserved bytes, then the canonical bytes.
  std::span<std::byte> finish();

 private:
  key_type type_;
  std::size_t reserved_;
  byte_buffer buffer_;
};

// Reads canonical bytes, checking everything: a damaged presence throws damaged_bytes before it can mislead.
class presence_reader {
 public:
  explicit presence_reader(key_view bytes);

  key_type type() const { return type_; }
  std::uint64_t key_count() const { return keys_; }

  // Calls visit(key_view, std::span<const interval>) for each key, in canonical order.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    byte_reader reader(body_);
    ticker tick(host);
    std::pmr::vector<interval> intervals(host.memory);
    key_view before;
    interval before_session{};
    for (std::uint64_t at = 0; at < keys_; ++at) {
      const key_view key = read_key(reader, at == 0 ? nullptr : &before);
      read_intervals(reader, intervals);
      if (type_ == key_type::session) check_session(intervals, at == 0 ? nullptr : &before_session);
      visit(key, std::span<const interval>(intervals));
      if (type_ == key_type::session) before_session = intervals.front();
      before = key;
      tick();
    }
    if (reader.remaining() != 0) byte_reader::throw_damaged("Bytes follow its last key.");
  }

 private:
  key_view read_key(byte_reader &reader, const key_view *before) const;
  static void read_intervals(byte_reader &reader, std::pmr::vector<interval> &intervals);
  static void check_session(std::span<const interval> intervals, const interval *before);

  key_type type_;
  std::uint64_t keys_ = 0;
  key_view body_;  // the keys
};

}  // namespace headcount::core
