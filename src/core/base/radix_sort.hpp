#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "core/base/context.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

// Sorts values by key_of(value), an unsigned number. Least significant digit first, 11 bits a digit, and only the
// digits in which the keys differ: the instants of a year differ in 45 bits, so five linear passes replace the 24
// levels of a comparison sort of ten million. `other` has room for as many, and is overwritten.
template <typename Value, typename Key>
void radix_sort(std::span<Value> values, std::span<Value> other, Key &&key_of, const context &host) {
  constexpr std::size_t small = 512;  // below it the counting tables cost more than they save
  const auto comes_before = [&](const Value &a, const Value &b) { return key_of(a) < key_of(b); };
  if (std::is_sorted(values.begin(), values.end(), comes_before)) return;
  if (values.size() < small) {
    std::sort(values.begin(), values.end(), comes_before);
    return;
  }
  constexpr unsigned digit_bits = 11;
  constexpr std::size_t digits = std::size_t{1} << digit_bits;
  constexpr std::size_t block = 1U << 20U;  // values between two polls

  const auto [lowest, highest] = std::minmax_element(values.begin(), values.end(), comes_before);
  const std::uint64_t base = key_of(*lowest), range = key_of(*highest) - base;

  std::span<Value> from = values, to = other.first(values.size());
  for (unsigned shift = 0; shift < 64 && (range >> shift) != 0; shift += digit_bits) {
    const auto digit_of = [&](const Value &value) { return static_cast<std::size_t>((key_of(value) - base) >> shift) & (digits - 1); };
    std::array<std::size_t, digits> place{};
    for (const Value &value : from) ++place[digit_of(value)];
    std::size_t sum = 0;
    for (std::size_t &each : place) sum += std::exchange(each, sum);
    for (std::size_t start = 0; start < from.size(); start += block) {
      host.poll();
      for (const Value &value : from.subspan(start, std::min(block, from.size() - start)))
        to[place[digit_of(value)]++] = value;
    }
    std::swap(from, to);
  }
  if (from.data() != values.data()) std::copy(from.begin(), from.end(), values.begin());
}

// Instants, whose order is that of unsigned numbers once the sign is turned around.
inline void radix_sort(std::span<instant> values, std::span<instant> other, const context &host) {
  radix_sort(
      values, other, [](instant at) { return static_cast<std::uint64_t>(at) ^ (std::uint64_t{1} << 63U); }, host);
}

inline void radix_sort(std::pmr::vector<instant> &values, const context &host) {
  std::pmr::vector<instant> other(values.size(), host.memory);
  radix_sort(values, other, host);
}

}  // namespace headcount::core
