#include "core/time/duration_class.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/time/instant.hpp"

namespace headcount::test {
namespace {

using core::beginning;
using core::class_of;
using core::duration_class;
using core::end_of_finite;
using core::first_finite;
using core::forever;
using core::instant;

constexpr instant power(int bits) { return instant{1} << bits; }

TEST(duration_class, is_the_number_of_bits_from_72_minutes_on) {
  for (const instant start : {instant{0}, first_finite, instant{-5}}) {
    EXPECT_EQ(class_of({start, start}), 0);
    EXPECT_EQ(class_of({start, start + power(32) - 1}), 0);
    for (int bits = 33; bits < 63; ++bits) {
      EXPECT_EQ(class_of({start, start + power(bits - 1)}), bits);
      EXPECT_EQ(class_of({start, start + power(bits) - 1}), bits);
    }
  }
  EXPECT_EQ(class_of({first_finite, first_finite + power(62)}), 63);
  EXPECT_EQ(class_of({first_finite, end_of_finite - 1}), 64);
}

TEST(duration_class, no_session_that_ends_late_enough_starts_too_early) {
  EXPECT_EQ(core::since(0, 0), -power(32));
  EXPECT_EQ(core::since(40, 7), 7 - power(40));
  EXPECT_EQ(core::since(57, first_finite + power(57)), first_finite);
  EXPECT_EQ(core::since(57, first_finite + power(57) - 1), beginning);
  EXPECT_EQ(core::since(64, end_of_finite - 1), beginning);
  std::mt19937_64 random(3);
  for (duration_class each = core::first_long_class - 1; each <= core::last_class; ++each) {
    const duration_class of = each < core::first_long_class ? core::shortest_class : each;
    for (int round = 0; round < 1000; ++round) {
      // Of the longest of the class, and of any of it.
      const std::uint64_t longest = each == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << each) - 1;
      const std::uint64_t range = static_cast<std::uint64_t>(end_of_finite) - static_cast<std::uint64_t>(first_finite);
      const std::uint64_t length = std::min(round % 2 == 0 ? longest : random() & longest, range - 1);
      const auto start = static_cast<instant>(static_cast<std::uint64_t>(first_finite) + random() % (range - length));
      const auto end = static_cast<instant>(static_cast<std::uint64_t>(start) + length);
      if (class_of({start, end}) == of) {
        EXPECT_LT(core::since(of, end), start);
      }
    }
  }
}

TEST(duration_class, of_infinity_is_infinity) {
  for (const duration_class each : {core::shortest_class, core::first_long_class, core::last_class}) {
    EXPECT_EQ(core::since(each, beginning), beginning);
    EXPECT_EQ(core::since(each, forever), forever);
  }
}

}  // namespace
}  // namespace headcount::test
