#pragma once
// How many of the sets in a window frame hold each number, so that a set can leave the frame again.
//
// Counters are kept as planes of bits: bit n of plane p is binary digit p of the counter of number n. A set is then
// added to 64 counters at once, as an adder made of gates does it, and no counter overflows: there comes another plane.
//
//   numbers        0 1 2 3 4 5
//   plane 0        1 1 0 0 0 1        counters 1 3 2 0 0 1
//   plane 1        0 1 1 0 0 0        plus the set {1, 2, 4} is 1 4 3 0 1 1, which takes a plane 2

#include <array>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/sets/user_set_bytes.hpp"

namespace headcount::core {

class multiset_counter {
 public:
  explicit multiset_counter(std::pmr::memory_resource *memory) : blocks_(memory) {}

  // Throws damaged_bytes before anything has been counted.
  void add(const user_set_reader &set, const context &host);

  // Returns whether all of the set had been added; if not, the counters are of no more use. Throws damaged_bytes.
  bool remove(const user_set_reader &set, const context &host);

  // How many numbers are in any of the sets.
  std::uint64_t cardinality() const { return cardinality_; }

 private:
  // 4,096 numbers: a number far from all others takes 512 bytes. Larger blocks are hardly faster, smaller ones slower.
  static constexpr std::size_t block_words = 64;
  using plane = std::array<std::uint64_t, block_words>;
  using plane_view = std::span<const std::uint64_t, block_words>;
  using block = std::pmr::vector<plane>;

  template <typename Visit>
  void for_each_block(const user_set_reader &set, const context &host, Visit &&visit);

  std::uint64_t cardinality_ = 0;
  std::pmr::map<std::uint32_t, block> blocks_;  // by the high bits of their numbers
};

}  // namespace headcount::core
