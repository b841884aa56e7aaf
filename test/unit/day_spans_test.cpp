// Spans of days: united where they touch, and where there are too many of them.

#include "core/time/day_spans.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

namespace headcount::core {
namespace {

std::pmr::vector<day_span> united(std::pmr::vector<day_span> spans, std::size_t max_spans = 16) {
  unite_spans(spans, max_spans);
  return spans;
}

TEST(unite_spans, of_nothing) { EXPECT_TRUE(united({}).empty()); }

TEST(unite_spans, sorts_and_unites_what_touches_or_overlaps) {
  EXPECT_EQ(united({{5, 7}, {1, 2}, {2, 4}, {6, 9}}), (std::pmr::vector<day_span>{{1, 4}, {5, 9}}));
}

TEST(unite_spans, one_within_another) { EXPECT_EQ(united({{1, 10}, {2, 3}, {4, 5}}), (std::pmr::vector<day_span>{{1, 10}})); }

TEST(unite_spans, the_ends_of_the_calendar) {
  constexpr day_number first = std::numeric_limits<day_number>::min(), last = std::numeric_limits<day_number>::max();
  EXPECT_EQ(united({{5, last}, {first, 0}}), (std::pmr::vector<day_span>{{first, 0}, {5, last}}));
  EXPECT_EQ(united({{5, last}, {first, 0}}, 1), (std::pmr::vector<day_span>{{first, last}}));
}

TEST(unite_spans, narrow_gaps_are_filled_first) {
  EXPECT_EQ(united({{0, 1}, {2, 3}, {100, 101}}, 2), (std::pmr::vector<day_span>{{0, 3}, {100, 101}}));
}

TEST(unite_spans, no_day_is_lost_and_no_more_are_left) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::pmr::vector<day_span> spans;
    std::set<day_number> days;
    for (int at = 0; at < 40; ++at) {
      const auto first = static_cast<day_number>(random() % 300), length = static_cast<day_number>(1 + random() % 5);
      spans.push_back({first, first + length});
      for (day_number day = first; day < first + length; ++day) days.insert(day);
    }
    const std::size_t max_spans = 1 + random() % 50;
    const auto found = united(spans, max_spans);
    EXPECT_LE(found.size(), max_spans);
    for (std::size_t at = 0; at < found.size(); ++at) {
      EXPECT_LT(found[at].first, found[at].end);
      if (at > 0) {
        EXPECT_GT(found[at].first, found[at - 1].end);
      }
    }
    for (const day_number day : days)
      EXPECT_TRUE(std::any_of(found.begin(), found.end(), [day](const day_span &span) { return day >= span.first && day < span.end; }));
  }
}

}  // namespace
}  // namespace headcount::core
