#include "core/rules.hpp"

#include <gtest/gtest.h>

namespace {

using headcount::core::beginning;
using headcount::core::forever;
using headcount::core::instant;
using headcount::core::interval;
namespace core = headcount::core;

TEST(rules, s1_a_session_occupies_its_time) {
  EXPECT_EQ(core::occupied(5, 9), (interval{5, 9}));
  EXPECT_EQ(core::occupied(5, 5), (interval{5, 6}));
  EXPECT_EQ(core::occupied(5, 4), std::nullopt);
  EXPECT_EQ(core::occupied(5, beginning), std::nullopt);
  EXPECT_EQ(core::occupied(5, forever), (interval{5, forever}));
  EXPECT_EQ(core::occupied(5, std::nullopt), (interval{5, forever}));
  for (const auto start : {std::optional<instant>(), std::optional(beginning), std::optional(forever)})
    EXPECT_EQ(core::occupied(start, 9), std::nullopt);
  EXPECT_EQ(core::occupied(7), (interval{7, 8}));
  EXPECT_EQ(core::occupied(forever), std::nullopt);
}

TEST(rules, s2_open_lasts_until_as_of_inclusive) {
  EXPECT_TRUE(core::is_online({5, forever}, 5));
  EXPECT_TRUE(core::is_online({5, 6}, 5));
  EXPECT_FALSE(core::is_online({5, 6}, 6));
  EXPECT_FALSE(core::is_online({5, 6}, 4));
  EXPECT_EQ(core::until(5), (interval{beginning, 6}));
  EXPECT_EQ(core::until(forever), (interval{beginning, forever}));
  EXPECT_EQ(core::last_instant({5, 9}, 8), 8);
  EXPECT_EQ(core::last_instant({5, 9}, 9), 8);
  EXPECT_EQ(core::last_instant({5, forever}, 7), 7);
}

TEST(rules, s3_stale_ends_no_earlier_than_a_tick_after_the_start) {
  EXPECT_EQ(core::stale_end(10, std::nullopt, 5), 15);
  EXPECT_EQ(core::stale_end(10, 30, 5), 35);
  EXPECT_EQ(core::stale_end(10, 2, 5), 11);
  EXPECT_EQ(core::stale_end(10, forever, 5), forever);
  EXPECT_EQ(core::stale_end(10, beginning, 5), 11);
}

TEST(rules, s4_a_day_may_have_no_length) {
  EXPECT_TRUE(core::has_length(5, 6));
  EXPECT_FALSE(core::has_length(5, 5));
}

TEST(rules, s11_a_start_makes_the_denials_around_it_false) {
  EXPECT_EQ(core::false_denials(100, 5, 2), (interval{98, 106}));
  EXPECT_EQ(core::false_denials(core::first_finite, 5, 2).start, core::first_finite);
  EXPECT_EQ(core::false_denials(core::end_of_finite - 1, 5, 2).end, core::end_of_finite);
}

}  // namespace
