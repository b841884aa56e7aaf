#include "core/base/wide_product.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>

namespace headcount::test {
namespace {

using core::multiply;
using core::multiply_by_halves;
using core::wide_product;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

// On machines that have 128-bit numbers the two ways are compared with each other, on all with what is known.
TEST(wide_product, known_products) {
  struct known {
    std::uint64_t left, right;
    wide_product product;
  };
  for (const auto &[left, right, product] : std::array{
           known{0, most, {0, 0}},
           known{1, most, {most, 0}},
           known{most, most, {1, most - 1}},
           known{std::uint64_t{1} << 32U, std::uint64_t{1} << 32U, {0, 1}},
           known{most, 2, {most - 1, 1}},
           known{0xFFFFFFFFU, 0xFFFFFFFFU, {0xFFFFFFFE00000001U, 0}},
           known{0x123456789ABCDEF0U, 0xFEDCBA9876543210U, {0x236D88FE5618CF00U, 0x121FA00AD77D7422U}},
       }) {
    EXPECT_EQ(multiply(left, right), product) << left << " * " << right;
    EXPECT_EQ(multiply_by_halves(left, right), product) << left << " * " << right;
    EXPECT_EQ(multiply_by_halves(right, left), product) << right << " * " << left;
  }
}

TEST(wide_product, both_ways_agree) {
  std::mt19937_64 random(7);
  for (int at = 0; at < 10000; ++at) {
    const std::uint64_t left = random() >> (random() % 64), right = random() >> (random() % 64);
    EXPECT_EQ(multiply(left, right), multiply_by_halves(left, right)) << left << " * " << right;
  }
}

TEST(wide_product, sums_carry) {
  wide_product sum{most, 3};
  sum += {1, 0};
  EXPECT_EQ(sum, (wide_product{0, 4}));
  sum += {most, 1};
  EXPECT_EQ(sum, (wide_product{most, 5}));
  EXPECT_EQ(core::to_double({0, 1}), 18446744073709551616.0);
  EXPECT_EQ(core::to_double({7, 0}), 7.0);
}

}  // namespace
}  // namespace headcount::test
