#pragma once
// Which users may be among some: of a dictionary of all there ever were, what is not about these can be left out without
// looking each of them up. A Bloom filter with one hash function: of others, one in eight to sixteen passes.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/error.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

class user_filter {
 public:
  // For so many users, two bytes for each.
  static std::size_t bytes_for(std::size_t users) { return std::bit_ceil(std::clamp<std::size_t>(2 * users, 8, max_size)); }

  // Reads or fills `bytes`, as many as bytes_for() says; an empty one has all bits 0. Throws invalid_argument for others.
  explicit user_filter(std::span<const std::byte> bytes) : bytes_(bytes) {
    if (!std::has_single_bit(bytes.size()))
      throw error(fault::invalid_argument, "argument \"filter\" must be of a power of two of bytes, but is of " + std::to_string(bytes.size()));
  }

  // Notes a name, or the hash of one that was forgotten.
  static void add(std::span<std::byte> bytes, key_view name) {
    const std::size_t bit = bit_of(name, bytes.size());
    bytes[bit / 8] |= std::byte{1} << (bit % 8);
  }

  bool may_have(key_view name) const {
    const std::size_t bit = bit_of(name, bytes_.size());
    return (bytes_[bit / 8] >> (bit % 8) & std::byte{1}) != std::byte{0};
  }

 private:
  // 268 million users have two bytes each; of more, more others pass.
  static constexpr std::size_t max_size = std::size_t{1} << 29U;

  // By the highest bits: the lowest ones tell the page that a user is in.
  static std::size_t bit_of(key_view name, std::size_t size) {
    return static_cast<std::size_t>(hash_bytes(name) >> (61U - static_cast<unsigned>(std::countr_zero(size))));
  }

  std::span<const std::byte> bytes_;
};

}  // namespace headcount::core
