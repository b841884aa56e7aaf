#include "core/presence/rolling_spans.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::span_counts;

// Span by span, key by key.
std::vector<std::pair<std::int64_t, std::int64_t>> count_slowly(const entries &keys, const std::vector<interval> &spans, interval inside) {
  std::vector<std::pair<std::int64_t, std::int64_t>> expected;
  for (const interval &span : spans) {
    const interval when = core::clip(span, inside);
    std::int64_t unique = 0, highest = 0;
    for (const entry &key : keys)
      unique += std::any_of(key.intervals.begin(), key.intervals.end(), [&](const interval &each) { return !core::is_empty(core::clip(each, when)); }) ? 1 : 0;
    for (instant at = when.start; at < when.end; ++at) {
      std::int64_t level = 0;
      for (const entry &key : keys)
        level += std::any_of(key.intervals.begin(), key.intervals.end(), [&](const interval &each) { return each.start <= at && at < each.end; }) ? 1 : 0;
      highest = std::max(highest, level);
    }
    expected.emplace_back(unique, highest);
  }
  return expected;
}

std::vector<std::pair<std::int64_t, std::int64_t>> count(const entries &keys, const std::vector<interval> &spans, interval inside) {
  const host host;
  const bytes canonical = encode(core::key_type::text, keys, host);
  std::vector<std::pair<std::int64_t, std::int64_t>> found;
  for (const span_counts &each : core::count_spans(core::presence_view(core::key_view(canonical)), spans, inside, host)) found.emplace_back(each.unique_keys, each.highest);
  return found;
}

TEST(rolling_spans, overlapping_spans) {
  //   a  [----)      [-)        b    [--------)
  const entries keys{{"a", {{10, 20}, {32, 34}}}, {"b", {{14, 30}}}};
  EXPECT_EQ(count(keys, {{0, 10}, {5, 15}, {10, 20}, {20, 31}, {30, 32}, {10, 33}}, {0, 100}),
            (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 0}, {2, 2}, {2, 2}, {1, 1}, {0, 0}, {2, 2}}));
  EXPECT_EQ(count(keys, {{5, 15}, {12, 33}}, {0, 14}), (std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {1, 1}}));
  EXPECT_TRUE(count(keys, {}, {0, 100}).empty());
}

// Ends in order, starts mostly: where they are not, a key with several intervals counts once all the same.
TEST(rolling_spans, agree_with_each_span_by_itself) {
  dice roll(71);
  for (int round = 0; round < 1500; ++round) {
    const entries keys = model_of(core::key_type::text, random_rows(core::key_type::text, 1 + roll(20), {}, roll));
    std::vector<interval> spans;
    const bool is_wild = roll.one_in(3);
    for (instant end = roll.between(1, 6); end < 50; end += roll.between(0, 4))
      spans.push_back({end - (is_wild ? roll.between(1, 20) : 7 + roll.between(0, 2)), end});
    const interval inside{0, roll.one_in(2) ? 60 : roll.between(1, 50)};
    EXPECT_EQ(count(keys, spans, inside), count_slowly(keys, spans, inside)) << round;
  }
}

TEST(rolling_spans, what_is_out_of_order_is_refused) {
  EXPECT_THROW((void)count({{"a", {{1, 2}}}}, {{0, 10}, {0, 9}}, {0, 20}), core::error);
  EXPECT_THROW((void)count({{"a", {{1, 2}}}}, {{10, 10}}, {0, 20}), core::error);
}

}  // namespace
}  // namespace headcount::test
