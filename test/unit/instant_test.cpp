#include "core/time/instant.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

TEST(instant, the_next_one_follows_but_nothing_follows_forever) {
  EXPECT_EQ(core::just_after(0), 1);
  EXPECT_EQ(core::just_after(-1), 0);
  EXPECT_EQ(core::just_after(forever - 1), forever);
  EXPECT_EQ(core::just_after(forever), forever);
  EXPECT_EQ(core::just_after(beginning), beginning + 1);
}

TEST(instant, clip_keeps_what_is_in_both) {
  EXPECT_EQ(core::clip({1, 9}, {3, 5}), (interval{3, 5}));
  EXPECT_EQ(core::clip({3, 5}, {1, 9}), (interval{3, 5}));
  EXPECT_EQ(core::clip({1, 4}, {3, 9}), (interval{3, 4}));
  EXPECT_EQ(core::clip({beginning, forever}, {3, 9}), (interval{3, 9}));
  EXPECT_TRUE(core::is_empty(core::clip({1, 3}, {3, 9})));  // touching is not meeting
  EXPECT_TRUE(core::is_empty(core::clip({1, 2}, {3, 9})));
  EXPECT_FALSE(core::is_empty(core::clip({1, 4}, {3, 9})));
}

// 4713-01-01 BC (24 Nov -4713) and 294277-01-01, as PostgreSQL's datatype/timestamp.h has them.
TEST(instant, finite_range_is_that_of_timestamptz) {
  EXPECT_EQ(core::first_finite, (std::int64_t{0} - 2451545) * core::ticks_per_day);
  EXPECT_EQ(core::end_of_finite, (std::int64_t{109203528} - 2451545) * core::ticks_per_day);
}

}  // namespace
}  // namespace headcount::test
