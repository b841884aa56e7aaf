#include "core/time/unite.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

std::vector<interval> united(std::vector<interval> intervals) {
  intervals.resize(core::unite(intervals));
  return intervals;
}

using list = std::vector<interval>;

TEST(unite, nothing_stays_nothing) { EXPECT_EQ(united({}), list{}); }

TEST(unite, one_stays_as_it_is) { EXPECT_EQ(united({{3, 4}}), (list{{3, 4}})); }

TEST(unite, sorts_what_is_apart) { EXPECT_EQ(united({{9, 10}, {1, 2}, {5, 6}}), (list{{1, 2}, {5, 6}, {9, 10}})); }

TEST(unite, overlap_unites) { EXPECT_EQ(united({{1, 5}, {3, 8}}), (list{{1, 8}})); }

TEST(unite, touching_ends_unite) { EXPECT_EQ(united({{5, 8}, {1, 5}}), (list{{1, 8}})); }

TEST(unite, one_tick_apart_stays_apart) { EXPECT_EQ(united({{1, 5}, {6, 8}}), (list{{1, 5}, {6, 8}})); }

TEST(unite, what_lies_within_another_does_not_shorten_it) {
  EXPECT_EQ(united({{1, 20}, {2, 3}, {4, 6}, {21, 22}}), (list{{1, 20}, {21, 22}}));
}

TEST(unite, equal_ones_are_one) { EXPECT_EQ(united({{1, 2}, {1, 2}, {1, 2}}), (list{{1, 2}})); }

TEST(unite, equal_starts_keep_the_longest) { EXPECT_EQ(united({{1, 9}, {1, 2}, {1, 5}}), (list{{1, 9}})); }

TEST(unite, a_chain_is_one_whatever_the_order) {
  EXPECT_EQ(united({{6, 8}, {2, 4}, {4, 6}, {8, 9}, {1, 2}}), (list{{1, 9}}));
}

TEST(unite, open_ends_swallow_what_follows) {
  EXPECT_EQ(united({{10, 12}, {5, forever}, {7, forever}, {1, 2}}), (list{{1, 2}, {5, forever}}));
}

TEST(unite, missing_starts_swallow_what_precedes) {
  EXPECT_EQ(united({{beginning, 5}, {beginning, 3}, {1, 2}, {7, 8}}), (list{{beginning, 5}, {7, 8}}));
}

TEST(unite, both_infinities_are_all_of_time) {
  EXPECT_EQ(united({{beginning, 5}, {5, forever}}), (list{{beginning, forever}}));
}

TEST(unite, agrees_with_the_model) {
  dice roll(1);
  for (int round = 0; round < 3000; ++round) {
    list intervals(roll(14));
    for (interval &each : intervals) each = random_interval({.last_tick = 50, .longest = 9}, roll);
    EXPECT_EQ(united(intervals), unite_slowly(intervals)) << "round " << round;
  }
}

}  // namespace
}  // namespace headcount::test
