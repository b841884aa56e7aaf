#pragma once
// Polled snapshots: a key seen again within a gap has been there all the while (presence_agg with max_gap).
//
//   seen          |   |  |         |                max_gap ---)
//   stretched     [---)  [---)     [---)            each instant by the gap; what touches or overlaps is united,
//                     [---)                         as in any presence
//   stays         [------)         |                in the end each is cut back to a tick after its last instant
//
// Uniting does not depend on the order of arrival, nor on who saw what, so the state is a presence like any other: of
// the stretched instants. The gap is part of its keys, in front, so that it goes wherever they go. Servers send each
// other states as presences, whose keys of type text are text; so the gap is text, and keys of other types are written
// as text:
//
//   key of the state     gap, key             type text, whatever type the key is of
//   gap                  ticks, 5 bits a character from the low ones on: 0x20 + bits, of the last one 0x40 + bits
//   key                  as it is if it is text, else 4 bits a character, the high ones first: 0x40 + bits

#include <array>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/error.hpp"
#include "core/presence/presence_view.hpp"

namespace headcount::core {

// What goes in front of a key.
class key_front {
 public:
  void put(std::uint64_t byte) { bytes_[size_++] = static_cast<std::byte>(byte); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {bytes_.data(), size_}; }

 private:
  std::array<std::byte, 48> bytes_;  // 13 for a gap, 32 for a uuid
  std::size_t size_ = 0;
};

// A key with something in front of it.
class prefixed_key {
 public:
  prefixed_key(const key_front &front, key_view key, std::pmr::memory_resource *memory) : long_(memory) {
    const std::span<const std::byte> first = front.bytes();
    if (first.size() + key.size() <= room_.size()) {
      std::memcpy(room_.data(), first.data(), first.size());
      if (!key.empty()) std::memcpy(room_.data() + first.size(), key.data(), key.size());
      bytes_ = {room_.data(), first.size() + key.size()};
    } else {
      long_.assign(first.begin(), first.end());
      long_.insert(long_.end(), key.begin(), key.end());
      bytes_ = long_;
    }
  }
  prefixed_key(const prefixed_key &) = delete;
  prefixed_key &operator=(const prefixed_key &) = delete;

  operator key_view() const { return bytes_; }

 private:
  std::array<std::byte, 64> room_;  // for keys of ordinary length, without asking for memory for each row
  std::pmr::vector<std::byte> long_;
  key_view bytes_;
};

// A key of the state.
class polled_key : public prefixed_key {
 public:
  polled_key(std::int64_t gap, key_view key, std::pmr::memory_resource *memory, key_type type = key_type::text)
      : prefixed_key(front(gap, type, key), type == key_type::text ? key : key_view{}, memory) {}

 private:
  static key_front front(std::int64_t gap, key_type type, key_view key) {
    key_front made;
    auto rest = static_cast<std::uint64_t>(gap);
    for (; rest >= 32; rest >>= 5U) made.put(0x20U | (rest & 31U));
    made.put(0x40U | rest);
    if (type != key_type::text) {
      for (const std::byte each : key) {
        made.put(0x40U | std::to_integer<unsigned>(each >> 4U));
        made.put(0x40U | std::to_integer<unsigned>(each & std::byte{15}));
      }
    }
    return made;
  }
};

// The key of a weighted session of max_concurrent has its weight in front (LEB128): its state is bytes, and never text.
class weighted_key : public prefixed_key {
 public:
  weighted_key(std::int64_t weight, key_view key, std::pmr::memory_resource *memory)
      : prefixed_key(front(weight), key, memory) {}

 private:
  static key_front front(std::int64_t weight) {
    key_front made;
    auto rest = static_cast<std::uint64_t>(weight);
    for (; rest >= 0x80U; rest >>= 7U) made.put((rest & 0x7FU) | 0x80U);
    made.put(rest);
    return made;
  }
};

// The instant `at`, stretched. Throws out_of_range.
inline interval stretched(instant at, std::int64_t gap) {
  if (at > end_of_finite - gap)
    throw error(fault::out_of_range, "timestamp out of range", "It is too late for a gap of that length after it.");
  return {at, at + gap};
}

// A key of the state taken apart. Throws damaged_bytes where it is none over keys of the type.
class polled_key_reader {
 public:
  polled_key_reader(key_view bytes, key_type type) {
    std::size_t at = 0;
    for (unsigned shift = 0; at == 0 || std::to_integer<unsigned>(bytes[at - 1]) < 0x40U; shift += 5) {
      if (at == bytes.size()) throw_damaged();
      const unsigned digit = std::to_integer<unsigned>(bytes[at++]);
      if (digit < 0x20U || digit >= 0x60U || shift > 60 || (shift == 60 && (digit & 31U) > 7)) throw_damaged();
      gap_ |= static_cast<std::uint64_t>(digit & 31U) << shift;
    }
    if (gap_ == 0) throw_damaged();
    key_ = bytes.subspan(at);
    if (type == key_type::text) return;
    const std::size_t size = type == key_type::bigint ? 8 : 16;
    if (key_.size() != 2 * size) throw_damaged();
    for (std::size_t i = 0; i < size; ++i) read_[i] = (half(2 * i) << 4U) | half(2 * i + 1);
    key_ = {read_.data(), size};
  }
  polled_key_reader(const polled_key_reader &) = delete;
  polled_key_reader &operator=(const polled_key_reader &) = delete;

  [[nodiscard]] std::uint64_t gap() const { return gap_; }
  [[nodiscard]] key_view key() const { return key_; }
  [[noreturn]] static void throw_damaged() {
    byte_reader::throw_damaged("It is not the state of presence_agg with max_gap.");
  }

 private:
  [[nodiscard]] std::byte half(std::size_t at) const {
    if ((key_[at] & std::byte{0xF0}) != std::byte{0x40}) throw_damaged();
    return key_[at] & std::byte{15};
  }

  std::uint64_t gap_ = 0;
  key_view key_;
  std::array<std::byte, 16> read_;
};

// Calls visit(key_view, interval) for each stay of each key. Throws invalid_argument where rows had different gaps, and
// damaged_bytes where this is no such state over keys of the type.
template <typename Visit>
void for_each_stay(const presence_view &state, key_type type, const context &host, Visit &&visit) {
  if (state.type() != key_type::none && state.type() != key_type::text) polled_key_reader::throw_damaged();
  std::uint64_t gap = 0;
  state.for_each_unordered(host, [&](key_view bytes, std::span<const interval> intervals) {
    const polled_key_reader own(bytes, type);
    if (gap != 0 && own.gap() != gap) {
      throw error(fault::invalid_argument, "argument \"max_gap\" must be the same for all rows", {},
                  "Group rows by their gap, and unite the presences with presence_union_agg.");
    }
    gap = own.gap();
    for (const interval &each : intervals) {
      if (each.start == beginning || each.end == forever ||
          static_cast<std::uint64_t>(each.end) - static_cast<std::uint64_t>(each.start) < gap)
        polled_key_reader::throw_damaged();
      visit(own.key(), interval{each.start, just_after(each.end - static_cast<std::int64_t>(gap))});
    }
  });
}

}  // namespace headcount::core
