#pragma once
// Intervals of keys in as few bits as they take, for a wire. Unlike canonical bytes (presence_bytes.hpp) nobody compares them or
// looks for a key in them.
//
//   number of keys (LEB128); if there is none that is all
//   8 bytes     the first start of all
//   LEB128      unit * 2 + (1 if there are odd ticks): all starts and ends are so many ticks apart, or a multiple of it, but that an end may be an
//               odd tick later: an instant takes a tick
//   LEB128      how many units it is from the first start to the last start or end
//   1 byte      how many low bits the lengths have, see bits.hpp
//   LEB128      number of bytes of the bits, the bits: for each interval how many units it starts behind the end before, or behind the first start
//               of all, and how many it takes, if it ends; where there are odd ticks, twice as many, and one more for such a tick, from which
//               the next gap does not count
//   for each key, ascending:
//     LEB128    how many bytes it begins with that the key before begins with too, LEB128 how many follow, these
//     LEB128    number of intervals * 2 + (1 if the last has no end)
//
// How many low bits the gaps of a key have follows from the number of its intervals.

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/bits.hpp"
#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/presence/keyed_intervals.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

// Every interval has a start; keys are texts.
void pack_intervals(byte_buffer &to, const keyed_intervals &table, const context &host);

constexpr unsigned gap_bits(std::uint64_t span, std::uint64_t intervals) { return low_bits_for(span / (intervals + 1)); }

// Calls visit(key_view, interval) for each interval; the key is valid during the call only. Throws damaged_bytes.
template <typename Visit>
void unpack_intervals(byte_reader &from, const context &host, Visit &&visit) {
  std::uint64_t keys = from.take_varint();
  if (keys == 0) return;
  const auto first = static_cast<instant>(from.take_word(8));
  const std::uint64_t kind = from.take_varint(), unit = kind / 2, span = from.take_varint();
  const auto odd_bits = static_cast<unsigned>(kind % 2);
  const auto length_bits = static_cast<unsigned>(from.take_word(1));
  if (unit == 0 || length_bits > 63) byte_reader::throw_damaged("A unit is out of range.");
  if (first == beginning || first == forever) byte_reader::throw_damaged("A time is out of range.");
  bit_reader bits(from.take(from.take_varint()));
  // The instant so many units later, never `forever`.
  const auto after = [unit](instant at, std::uint64_t units) {
    const std::uint64_t room = static_cast<std::uint64_t>(forever) - static_cast<std::uint64_t>(at) - 1;
    if (units > room / unit) byte_reader::throw_damaged("A time is out of range.");
    return static_cast<instant>(static_cast<std::uint64_t>(at) + units * unit);
  };
  std::pmr::vector<std::byte> key(host.memory);
  ticker tick(host);
  for (; keys > 0; --keys) {
    const std::uint64_t shared = from.take_varint();
    if (shared > key.size()) byte_reader::throw_damaged("A key begins with more than there is.");
    const key_view rest = from.take(from.take_varint());
    key.resize(static_cast<std::size_t>(shared));
    key.insert(key.end(), rest.begin(), rest.end());
    const std::uint64_t counted = from.take_varint(), count = counted / 2;
    const unsigned low_bits = gap_bits(span, count);
    instant at = first;
    for (std::uint64_t left = count; left > 0; --left) {
      const instant start = after(at, bits.take_number(low_bits));
      instant end = forever;
      if (left > 1 || counted % 2 == 0) {
        const std::uint64_t length = bits.take_number(length_bits);
        at = after(start, length >> odd_bits);
        end = at + static_cast<instant>(length & odd_bits);
        if (end == start) byte_reader::throw_damaged("An interval is empty.");
      }
      visit(key_view(key), interval{start, end});
      tick();
    }
    tick();
  }
}

}  // namespace headcount::core
