#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "core/context.hpp"
#include "core/instant.hpp"

namespace headcount::core {

// Sorts instants. Least significant digit first, 11 bits a digit, and only the digits in which the values differ: the
// instants of a year differ in 45 bits, so five linear passes replace the 24 levels of a comparison sort of ten
// million. `other` has room for as many, and is overwritten.
inline void radix_sort(std::span<instant> values, std::span<instant> other, const context &host) {
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

  std::span<instant> from = values, to = other.first(values.size());
  for (unsigned shift = 0; shift < 64 && (span >> shift) != 0; shift += digit_bits) {
    const auto digit_of = [&](instant value) {
      return ((static_cast<std::uint64_t>(value) - base) >> shift) & (digits - 1);
    };
    std::array<std::size_t, digits> place{};
    for (const instant value : from) ++place[digit_of(value)];
    std::size_t sum = 0;
    for (std::size_t &each : place) sum += std::exchange(each, sum);
    for (std::size_t start = 0; start < from.size(); start += block) {
      host.poll();
      for (const instant value : from.subspan(start, std::min(block, from.size() - start)))
        to[place[digit_of(value)]++] = value;
    }
    std::swap(from, to);
  }
  if (from.data() != values.data()) std::copy(from.begin(), from.end(), values.begin());
}

inline void radix_sort(std::pmr::vector<instant> &values, const context &host) {
  std::pmr::vector<instant> other(values.size(), host.memory);
  radix_sort(values, other, host);
}

}  // namespace headcount::core
