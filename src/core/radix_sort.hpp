#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <utility>
#include <vector>

#include "core/context.hpp"
#include "core/instant.hpp"

namespace headcount::core {

// Sorts instants. Least significant digit first, 11 bits a digit, and only the digits in which the values differ: the
// instants of a year differ in 45 bits, so five linear passes replace the 24 levels of a comparison sort of ten
// million.
inline void radix_sort(std::pmr::vector<instant> &values, const context &host) {
  constexpr std::size_t small = 2048;  // below it the counting tables cost more than they save
  if (std::is_sorted(values.begin(), values.end())) return;
  if (values.size() < small) {
    std::sort(values.begin(), values.end());
    return;
  }
  constexpr unsigned digit_bits = 11;
  constexpr std::size_t digits = std::size_t{1} << digit_bits;
  constexpr std::size_t block = 1U << 20U;  // rows between two polls

  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  const auto base = static_cast<std::uint64_t>(*lowest);
  const std::uint64_t span = static_cast<std::uint64_t>(*highest) - base;

  std::pmr::vector<instant> other(values.size(), host.memory);
  for (unsigned shift = 0; shift < 64 && (span >> shift) != 0; shift += digit_bits) {
    const auto digit_of = [&](instant value) {
      return ((static_cast<std::uint64_t>(value) - base) >> shift) & (digits - 1);
    };
    std::array<std::size_t, digits> place{};
    for (const instant value : values) ++place[digit_of(value)];
    std::size_t sum = 0;
    for (std::size_t &each : place) sum += std::exchange(each, sum);
    for (std::size_t from = 0; from < values.size(); from += block) {
      host.poll();
      const std::size_t to = std::min(values.size(), from + block);
      for (std::size_t at = from; at < to; ++at) other[place[digit_of(values[at])]++] = values[at];
    }
    values.swap(other);
  }
}

}  // namespace headcount::core
