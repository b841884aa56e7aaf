#pragma once
// Products of two words, and sums of them, where 64 bits do not do: with the compiler's 128-bit numbers, and without on
// machines that have none.

#include <cstdint>

namespace headcount::core {

struct wide_product {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  bool operator==(const wide_product &) const = default;
};

// By halves: schoolbook multiplication.
constexpr wide_product multiply_by_halves(std::uint64_t left, std::uint64_t right) {
  constexpr auto low_half = [](std::uint64_t word) { return word & 0xFFFFFFFFU; };
  constexpr auto high_half = [](std::uint64_t word) { return word >> 32U; };
  const std::uint64_t low = low_half(left) * low_half(right);
  const std::uint64_t one = high_half(left) * low_half(right) + high_half(low);
  const std::uint64_t other = low_half(left) * high_half(right) + low_half(one);
  return {other << 32U | low_half(low), high_half(left) * high_half(right) + high_half(one) + high_half(other)};
}

constexpr wide_product multiply(std::uint64_t left, std::uint64_t right) {
#ifdef __SIZEOF_INT128__
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(left) * right;
  return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64U)};
#else
  return multiply_by_halves(left, right);
#endif
}

constexpr wide_product &operator+=(wide_product &sum, const wide_product &more) {
  sum.low += more.low;
  sum.high += more.high + (sum.low < more.low ? 1U : 0U);
  return sum;
}

constexpr double to_double(const wide_product &sum) {
#ifdef __SIZEOF_INT128__
  __extension__ using wide = unsigned __int128;
  return static_cast<double>(static_cast<wide>(sum.high) << 64U | sum.low);
#else
  return static_cast<double>(sum.high) * 18446744073709551616.0 + static_cast<double>(sum.low);
#endif
}

}  // namespace headcount::core
