#pragma once
// Polled snapshots: a key seen again within a gap has been there all the while (presence_agg with max_gap).
//
//   seen          |   |  |         |                max_gap ---)
//   stretched     [---)  [---)     [---)            each instant by the gap; what touches or overlaps is united,
//                     [---)                         as in any presence
//   stays         [------)         |                in the end each is cut back to a tick after its last instant
//
// Uniting does not depend on the order of arrival, nor on who saw what, so the state is a presence like any other: of
// the stretched instants. The gap is part of its keys, in front (LEB128, ticks), so that it goes wherever they go:
//
//   key of the state     gap, key             type text, whatever type the key is of

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

// A key of the state.
class polled_key {
 public:
  polled_key(std::int64_t gap, key_view key, std::pmr::memory_resource *memory) : long_(memory) {
    std::size_t length = 0;
    auto rest = static_cast<std::uint64_t>(gap);
    for (; rest >= 0x80U; rest >>= 7U) room_[length++] = static_cast<std::byte>(rest | 0x80U);
    room_[length++] = static_cast<std::byte>(rest);
    if (key.size() <= room_.size() - length) {
      if (!key.empty()) std::memcpy(room_.data() + length, key.data(), key.size());
      bytes_ = {room_.data(), length + key.size()};
    } else {
      long_.assign(room_.begin(), room_.begin() + static_cast<std::ptrdiff_t>(length));
      long_.insert(long_.end(), key.begin(), key.end());
      bytes_ = long_;
    }
  }
  polled_key(const polled_key &) = delete;
  polled_key &operator=(const polled_key &) = delete;

  operator key_view() const { return bytes_; }

 private:
  std::array<std::byte, 64> room_;  // for keys of ordinary length, without asking for memory for each row
  std::pmr::vector<std::byte> long_;
  key_view bytes_;
};

// The instant `at`, stretched. Throws out_of_range.
inline interval stretched(instant at, std::int64_t gap) {
  if (at > end_of_finite - gap)
    throw error(fault::out_of_range, "timestamp out of range", "It is too late for a gap of that length after it.");
  return {at, at + gap};
}

// Calls visit(key_view, interval) for each stay of each key. Throws invalid_argument where rows had different gaps, and
// damaged_bytes where this is no such state over keys of the type.
template <typename Visit>
void for_each_stay(const presence_view &state, key_type type, const context &host, Visit &&visit) {
  if (state.type() != key_type::none && state.type() != key_type::text)
    byte_reader::throw_damaged("It is not the state of presence_agg with max_gap.");
  std::uint64_t gap = 0;
  state.for_each_unordered(host, [&](key_view bytes, std::span<const interval> intervals) {
    byte_reader reader(bytes);
    const std::uint64_t own_gap = reader.take_varint();
    const key_view key = reader.take(reader.remaining());
    if (own_gap == 0 || own_gap > static_cast<std::uint64_t>(forever) ||
        (type == key_type::bigint && key.size() != 8) || (type == key_type::uuid && key.size() != 16))
      byte_reader::throw_damaged("It is not the state of presence_agg with max_gap.");
    if (gap != 0 && own_gap != gap) {
      throw error(fault::invalid_argument, "argument \"max_gap\" must be the same for all rows", {},
                  "Group rows by their gap, and unite the presences with presence_union_agg.");
    }
    gap = own_gap;
    for (const interval &each : intervals) {
      if (each.start == beginning || each.end == forever ||
          static_cast<std::uint64_t>(each.end) - static_cast<std::uint64_t>(each.start) < gap)
        byte_reader::throw_damaged("It is not the state of presence_agg with max_gap.");
      visit(key, interval{each.start, just_after(each.end - static_cast<std::int64_t>(gap))});
    }
  });
}

}  // namespace headcount::core
