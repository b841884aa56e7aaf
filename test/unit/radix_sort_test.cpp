#include "core/base/radix_sort.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

void expect_sorts(const std::vector<instant> &values, const char *what) {
  const host host;
  std::pmr::vector<instant> sorted(values.begin(), values.end(), host.memory());
  core::radix_sort(sorted, host);
  std::vector<instant> expected = values;
  std::sort(expected.begin(), expected.end());
  EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), expected.begin(), expected.end()))
      << what << ", " << values.size() << " values";
}

// On both sides of where counting takes over from comparing.
constexpr std::size_t sizes[] = {0, 1, 2, 3, 100, 2047, 2048, 2049, 5000, 70000};

TEST(radix_sort, any_values) {
  dice roll(2);
  for (const std::size_t size : sizes) {
    std::vector<instant> values(size);
    for (instant &each : values) each = static_cast<instant>(roll(UINT64_MAX));
    expect_sorts(values, "any values");
  }
}

// Each span needs another number of digits, the last one a digit that is cut off by bit 63.
TEST(radix_sort, every_span) {
  dice roll(3);
  for (unsigned bits = 0; bits < 64; ++bits) {
    std::vector<instant> values(3000);
    const std::uint64_t base = roll(UINT64_MAX), most = (std::uint64_t{1} << bits) - 1;
    const auto low = static_cast<instant>(base % (UINT64_MAX / 2 - most + 1));
    for (instant &each : values) each = low + static_cast<instant>(most == 0 ? 0 : roll(most));
    values[1000] = low, values[2000] = low + static_cast<instant>(most);
    expect_sorts(values, "a span");
  }
}

TEST(radix_sort, both_ends_of_time) {
  dice roll(4);
  std::vector<instant> values(4000);
  for (instant &each : values) {
    const std::uint64_t side = roll(4);
    each = side == 0 ? beginning : side == 1 ? forever : side == 2 ? -1 : roll.between(-1000, 1000);
  }
  expect_sorts(values, "both ends of time");
}

TEST(radix_sort, equal_values) { expect_sorts(std::vector<instant>(5000, -7), "equal values"); }

TEST(radix_sort, sorted_and_reversed) {
  std::vector<instant> values(5000);
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<instant>(at * 977) - 1'000'000;
  expect_sorts(values, "sorted");
  std::reverse(values.begin(), values.end());
  expect_sorts(values, "reversed");
}

TEST(radix_sort, can_be_interrupted) {
  const host host;
  std::pmr::vector<instant> values(5000, host.memory());
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = -static_cast<instant>(at);
  polls_allowed = polls;
  EXPECT_THROW(core::radix_sort(values, host), interrupted);
  polls_allowed = UINT64_MAX;
}

}  // namespace
}  // namespace headcount::test
