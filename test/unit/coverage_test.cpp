#include "core/presence/coverage.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::coverage;

struct counts {
  std::vector<std::int64_t> touched, fresh, ever;

  friend bool operator==(const counts &, const counts &) = default;
  friend void PrintTo(const counts &from, std::ostream *to) {
    *to << "touched " << testing::PrintToString(from.touched) << ", fresh " << testing::PrintToString(from.fresh)
        << ", ever " << testing::PrintToString(from.ever);
  }
};

counts cover(const entries &keys, const std::vector<instant> &bounds, interval inside, std::int64_t window) {
  const host host;
  coverage cover(bounds, inside, window, host);
  for (const entry &each : keys) cover.add(each.intervals);
  cover.finish();
  counts found;
  for (std::size_t at = 0; at + 1 < bounds.size(); ++at) {
    found.touched.push_back(cover.touched(at));
    found.fresh.push_back(cover.fresh(at));
    found.ever.push_back(cover.ever(at));
  }
  return found;
}

// Key by key, bucket by bucket, straight from what the counts are said to mean.
counts cover_slowly(const entries &keys, const std::vector<instant> &bounds, interval inside, std::int64_t window) {
  counts expected;
  const std::int64_t buckets = bounds.empty() ? 0 : static_cast<std::int64_t>(bounds.size()) - 1;
  if (buckets == 0) return expected;
  const auto touches = [&](const entry &key, std::int64_t bucket) {
    if (bucket < 0) return false;
    const auto at = static_cast<std::size_t>(bucket);
    const interval when = core::clip({bounds[at], bounds[at + 1]}, inside);
    return std::any_of(key.intervals.begin(), key.intervals.end(),
                       [&](const interval &each) { return !core::is_empty(core::clip(each, when)); });
  };
  const interval span = core::clip(inside, {bounds.front(), bounds.back()});
  for (std::int64_t bucket = 0; bucket < buckets; ++bucket) {
    std::int64_t touched = 0, fresh = 0, ever = 0;
    for (const entry &key : keys) {
      bool within = false, before = false;
      for (std::int64_t back = 0; back < std::min(window, buckets); ++back) within |= touches(key, bucket - back);
      for (std::int64_t earlier = 0; earlier < bucket; ++earlier) before |= touches(key, earlier);
      const bool old = key.intervals.front().start < span.start;
      touched += within ? 1 : 0;
      fresh += touches(key, bucket) && !before && !old ? 1 : 0;
      const bool seen = old && key.intervals.front().start < span.end;
      ever += touches(key, bucket) || before || seen ? 1 : 0;
    }
    expected.touched.push_back(touched);
    expected.fresh.push_back(fresh);
    expected.ever.push_back(ever);
  }
  return expected;
}

TEST(coverage, of_one_key) {
  const std::vector<instant> bounds{0, 10, 20, 30, 40};
  const entries key{{"k", {{12, 13}, {25, 31}}}};
  EXPECT_EQ(cover(key, bounds, core::all_time, 1), (counts{{0, 1, 1, 1}, {0, 1, 0, 0}, {0, 1, 1, 1}}));
}

TEST(coverage, ends_at_a_bound_do_not_touch_what_follows) {
  const std::vector<instant> bounds{0, 10, 20, 30};
  EXPECT_EQ(cover({{"k", {{5, 10}}}}, bounds, core::all_time, 1).touched, (std::vector<std::int64_t>{1, 0, 0}));
  EXPECT_EQ(cover({{"k", {{5, 11}}}}, bounds, core::all_time, 1).touched, (std::vector<std::int64_t>{1, 1, 0}));
  EXPECT_EQ(cover({{"k", {{10, 11}}}}, bounds, core::all_time, 1).touched, (std::vector<std::int64_t>{0, 1, 0}));
}

TEST(coverage, several_intervals_in_a_bucket_count_once) {
  EXPECT_EQ(cover({{"k", {{1, 2}, {4, 5}, {8, 11}, {12, 13}}}}, {0, 10, 20}, core::all_time, 1),
            (counts{{1, 1}, {1, 0}, {1, 1}}));
}

TEST(coverage, windows_look_back) {
  const std::vector<instant> bounds{0, 1, 2, 3, 4, 5, 6, 7};
  const entries key{{"k", {{1, 2}, {3, 4}}}};
  EXPECT_EQ(cover(key, bounds, core::all_time, 2).touched, (std::vector<std::int64_t>{0, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(cover(key, bounds, core::all_time, 3).touched, (std::vector<std::int64_t>{0, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(cover(key, bounds, core::all_time, 100).touched, (std::vector<std::int64_t>{0, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(cover(key, bounds, core::all_time, INT64_MAX).touched, (std::vector<std::int64_t>{0, 1, 1, 1, 1, 1, 1}));
}

TEST(coverage, who_was_there_before_the_grid_is_not_new) {
  const std::vector<instant> bounds{10, 20, 30};
  const entries keys{{"away since", {{5, 6}}}, {"back", {{5, 6}, {22, 23}}}, {"stays", {{9, 11}}}, {"new", {{10, 11}}}};
  EXPECT_EQ(cover(keys, bounds, core::all_time, 1), (counts{{2, 1}, {1, 0}, {4, 4}}));
}

TEST(coverage, nothing_after_inside_counts) {
  const std::vector<instant> bounds{0, 10, 20, 30};
  const entries keys{{"open", {{5, forever}}}, {"late", {{16, 17}}}};
  EXPECT_EQ(cover(keys, bounds, {beginning, 16}, 1), (counts{{1, 1, 0}, {1, 0, 0}, {1, 1, 1}}));
  EXPECT_EQ(cover(keys, bounds, {beginning, 17}, 1), (counts{{1, 2, 0}, {1, 1, 0}, {1, 2, 2}}));
  EXPECT_EQ(cover(keys, bounds, {beginning, 0}, 1), (counts{{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}));
}

TEST(coverage, buckets_of_no_length_are_touched_by_windows_only) {
  const std::vector<instant> bounds{0, 10, 10, 20};
  const entries key{{"k", {{5, 15}}}};
  EXPECT_EQ(cover(key, bounds, core::all_time, 1), (counts{{1, 0, 1}, {1, 0, 0}, {1, 1, 1}}));
  EXPECT_EQ(cover(key, bounds, core::all_time, 2).touched, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(cover({{"k", {{10, 15}}}}, bounds, core::all_time, 1), (counts{{0, 0, 1}, {0, 0, 1}, {0, 0, 1}}));
}

TEST(coverage, a_grid_of_one_bucket_of_no_length_has_who_was_there_before) {
  const entries keys{{"before", {{5, 6}}}, {"through", {{5, 15}}}, {"after", {{10, 15}}}};
  EXPECT_EQ(cover(keys, {10, 10}, core::all_time, 1), (counts{{0}, {0}, {2}}));
}

TEST(coverage, no_buckets) {
  EXPECT_EQ(cover({{"k", {{5, 15}}}}, {}, core::all_time, 1), counts());
  EXPECT_EQ(cover({{"k", {{5, 15}}}}, {10}, core::all_time, 1), counts());
}

TEST(coverage, runs_go_around_buckets_of_no_length) {
  const host host;
  const std::vector<instant> bounds{0, 10, 20, 20, 20, 30, 40};
  const coverage cover(bounds, {beginning, 35}, 1, host);
  const auto runs = [&](std::vector<interval> intervals) {
    std::vector<std::pair<std::size_t, std::size_t>> all;
    cover.for_each_run(intervals, [&](std::size_t first, std::size_t last) { all.emplace_back(first, last); });
    return all;
  };
  using list = std::vector<std::pair<std::size_t, std::size_t>>;
  EXPECT_EQ(runs({{5, 38}}), (list{{0, 1}, {4, 5}}));
  EXPECT_EQ(runs({{5, 6}, {10, 20}}), (list{{0, 0}, {1, 1}}));
  EXPECT_EQ(runs({{20, 21}}), (list{{4, 4}}));
  EXPECT_EQ(runs({{-5, 0}, {35, 40}}), list());
}

TEST(coverage, agrees_with_the_model) {
  dice roll(70);
  for (const key_type type : {key_type::text, key_type::session}) {
    for (int round = 0; round < 6000; ++round) {
      const crowd among{.keys = 1 + roll(6), .longest = roll.between(1, 25), .endless = roll(15)};
      const entries keys = model_of(type, random_rows(type, roll(12), among, roll));
      std::vector<instant> bounds(roll(10));
      for (instant &each : bounds) each = roll.between(-4, 46);
      std::sort(bounds.begin(), bounds.end());
      // A start inside the grid makes no sense with totals that begin before it, and nobody asks for it.
      const interval inside{beginning, roll.one_in(3) ? forever : roll.between(-5, 48)};
      const std::int64_t window = roll.between(1, 12);
      EXPECT_EQ(cover(keys, bounds, inside, window), cover_slowly(keys, bounds, inside, window)) << "round " << round;
    }
  }
}

// As activity() asks: clipped on both sides, with the grid around it.
TEST(coverage, clipped_on_both_sides_agrees_with_the_model) {
  dice roll(71);
  for (int round = 0; round < 4000; ++round) {
    const entries keys = model_of(key_type::text, random_rows(key_type::text, roll(12), {.keys = 4}, roll));
    std::vector<instant> bounds(2 + roll(8));
    for (instant &each : bounds) each = roll.between(-4, 46);
    std::sort(bounds.begin(), bounds.end());
    const interval inside{roll.between(-5, 48), roll.between(-5, 48)};
    const counts found = cover(keys, bounds, inside, 1), expected = cover_slowly(keys, bounds, inside, 1);
    EXPECT_EQ(found.touched, expected.touched) << "round " << round;
    EXPECT_EQ(found.fresh, expected.fresh) << "round " << round;
  }
}

}  // namespace
}  // namespace headcount::test
