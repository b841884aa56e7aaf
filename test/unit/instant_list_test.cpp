#include "core/time/instant_list.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

void expect_sorts(const std::vector<instant> &values, const char *what) {
  const host host;
  core::instant_list list(host.memory());
  for (const instant each : values) list.add(each);
  list.sort(host);
  std::vector<instant> expected = values;
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(list.size(), values.size()) << what;
  EXPECT_TRUE(std::equal(list.begin(), list.end(), expected.begin(), expected.end())) << what << ", " << values.size();
  EXPECT_EQ(list.empty(), values.empty());
  if (values.empty()) return;
  EXPECT_EQ(list.front(), expected.front());
  EXPECT_EQ(list.back(), expected.back());
  EXPECT_EQ(list[values.size() / 2], expected[values.size() / 2]);
}

// On both sides of where slices begin, and of where a block of a slice is full.
constexpr std::size_t sizes[] = {0, 1, 2, 127, 128, 8191, 8192, 8193, 8192 + 127 * 5, 100'000};

TEST(instant_list, sorts_any_values) {
  dice roll(55);
  for (const std::size_t size : sizes) {
    std::vector<instant> values(size);
    for (instant &each : values) each = static_cast<instant>(roll(UINT64_MAX));
    expect_sorts(values, "any values");
    for (instant &each : values) each = roll.between(0, 1'000'000'000'000);
    expect_sorts(values, "values close together");
    for (instant &each : values) each = roll.between(0, 300);
    expect_sorts(values, "fewer values than slices");
  }
}

// The slices are those of the first few; what comes later lies before them, behind them, or in one of them.
TEST(instant_list, the_first_few_need_not_be_like_the_rest) {
  dice roll(56);
  std::vector<instant> values(8192);
  for (instant &each : values) each = roll.between(1'000'000, 2'000'000);
  for (int count = 0; count < 20'000; ++count) {
    const std::uint64_t where = roll(5);
    values.push_back(where == 0   ? roll.between(-9'000'000, 1'000'000)
                     : where == 1 ? roll.between(2'000'000, 90'000'000)
                     : where == 2 ? roll.between(1'500'000, 1'500'010)
                     : where == 3 ? beginning
                                  : forever);
  }
  expect_sorts(values, "others before and behind");
  std::fill(values.begin(), values.begin() + 8192, 7);
  expect_sorts(values, "the first few are one");
}

TEST(instant_list, sorted_and_reversed) {
  std::vector<instant> values(30'000);
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<instant>(at) * 977 - 5'000'000;
  expect_sorts(values, "sorted");
  std::reverse(values.begin(), values.end());
  expect_sorts(values, "reversed");
}

TEST(instant_list, gives_its_memory_back_unsorted) {
  const host host;
  {
    core::instant_list list(host.memory());
    for (instant at = 0; at < 20'000; ++at) list.add(at * 7919 % 20'000);
  }
  EXPECT_EQ(host.held_memory(), 0U);
}

}  // namespace
}  // namespace headcount::test
