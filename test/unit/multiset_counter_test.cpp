#include "core/sets/multiset_counter.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <deque>
#include <map>

#include "core/base/count_bits.hpp"
#include "support/user_sets.hpp"

namespace headcount::test {
namespace {

void add(core::multiset_counter &counts, const bytes &set, const host &with) {
  counts.add(core::user_set_reader(set), with);
}

bool remove(core::multiset_counter &counts, const bytes &set, const host &with) {
  return counts.remove(core::user_set_reader(set), with);
}

TEST(multiset_counter, are_those_of_a_frame_that_moves) {
  dice roll(41);
  for (int round = 0; round < 4; ++round) {
    const host host;
    core::multiset_counter counts(host.memory());
    std::deque<numbers> frame;
    std::map<std::uint32_t, int> model;
    for (int step = 0; step < 40; ++step) {
      if (!frame.empty() && roll(5) < 2) {
        EXPECT_TRUE(remove(counts, canonical_of(frame.front(), host), host)) << "round " << round;
        for (const std::uint32_t each : frame.front())
          if (--model[each] == 0) model.erase(each);
        frame.pop_front();
      } else {
        frame.push_back(random_numbers(roll));
        add(counts, canonical_of(frame.back(), host), host);
        for (const std::uint32_t each : frame.back()) ++model[each];
      }
      ASSERT_EQ(counts.cardinality(), model.size()) << "round " << round << ", step " << step;
    }
    for (const numbers &each : frame) EXPECT_TRUE(remove(counts, canonical_of(each, host), host));
    EXPECT_EQ(counts.cardinality(), 0U);
  }
}

// Digits are carried, and borrowed, through every plane.
TEST(multiset_counter, count_beyond_any_digit) {
  const host host;
  core::multiset_counter counts(host.memory());
  const bytes both = canonical_of({7, 100'000}, host), one = canonical_of({7}, host),
              none = canonical_of(numbers{}, host);
  for (int times = 0; times < 5000; ++times) add(counts, times % 2 == 0 ? both : one, host);
  add(counts, none, host);
  EXPECT_EQ(counts.cardinality(), 2U);
  for (int times = 0; times < 2500; ++times) {
    EXPECT_EQ(counts.cardinality(), 2U);
    EXPECT_TRUE(remove(counts, both, host));
  }
  for (int times = 0; times < 2500; ++times) {
    EXPECT_EQ(counts.cardinality(), 1U);
    EXPECT_TRUE(remove(counts, one, host));
  }
  EXPECT_TRUE(remove(counts, none, host));
  EXPECT_EQ(counts.cardinality(), 0U);
}

TEST(multiset_counter, notice_what_was_never_added) {
  const host host;
  for (const std::uint32_t stranger : {4U, 4095U, 4096U, core::last_user_number}) {
    core::multiset_counter counts(host.memory());
    add(counts, canonical_of({3, 5}, host), host);
    add(counts, canonical_of({5, 70'000}, host), host);
    EXPECT_FALSE(remove(counts, canonical_of({3, stranger}, host), host)) << stranger;
  }
}

TEST(multiset_counter, take_memory_by_what_they_hold) {
  const host host;
  numbers apart, together;
  for (std::uint32_t at = 0; at < 1000; ++at) {
    apart.push_back(at * 2'000'000);
    together.push_back(at);
  }
  const bytes sparse = canonical_of(apart, host), dense = canonical_of(together, host);
  const auto memory_for = [&](const bytes &set) {
    const test::host own;
    core::multiset_counter counts(own.memory());
    for (int day = 0; day < 14; ++day) add(counts, set, host);
    return own.max_memory();
  };
  EXPECT_LT(memory_for(dense), 10'000U);
  EXPECT_LT(memory_for(sparse), 8'000'000U);
}

// Its sum is right, so that it is the containers that tell: nothing has been counted before they do.
TEST(multiset_counter, damage_is_noticed_before_anything_is_counted) {
  const host host;
  core::multiset_counter counts(host.memory());
  bytes damaged = canonical_of({5, 70'000, 70'002}, host);
  std::swap(damaged[damaged.size() - 4], damaged[damaged.size() - 2]);
  fix_check_sum(damaged);
  for (int way = 0; way < 2; ++way) {
    try {
      way == 0 ? add(counts, damaged, host) : static_cast<void>(remove(counts, damaged, host));
      ADD_FAILURE() << "taken";
    } catch (const core::error &error) {
      EXPECT_EQ(error.kind(), core::fault::damaged_bytes);
    }
    EXPECT_EQ(counts.cardinality(), 0U);
  }
}

TEST(multiset_counter, counting_can_be_interrupted) {
  const host host;
  core::multiset_counter counts(host.memory());
  const bytes set = canonical_of({1, 70'000}, host);
  polls_allowed = polls;
  EXPECT_THROW(add(counts, set, host), interrupted);
  polls_allowed = UINT64_MAX;
}

TEST(multiset_counter, count_bits_counts_bits) {
  dice roll(42);
  for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63U})
    EXPECT_EQ(core::count_bits(word), static_cast<std::uint32_t>(std::popcount(word)));
  for (int round = 0; round < 10'000; ++round) {
    const std::uint64_t word = roll(UINT64_MAX) & roll(UINT64_MAX);
    EXPECT_EQ(core::count_bits(word), static_cast<std::uint32_t>(std::popcount(word)));
  }
}

TEST(multiset_counter, what_was_never_added_cannot_go) {
  const host host;
  for (const numbers &stranger : {numbers{4}, numbers{1, 4}, numbers{1, 70'000}}) {
    core::multiset_counter counts(host.memory());
    add(counts, canonical_of({1, 2, 3}, host), host);
    EXPECT_FALSE(remove(counts, canonical_of(stranger, host), host));
  }
  core::multiset_counter counts(host.memory());
  add(counts, canonical_of({1, 2, 3}, host), host);
  EXPECT_TRUE(remove(counts, canonical_of({1, 3}, host), host));
  EXPECT_FALSE(remove(counts, canonical_of({1}, host), host));
}

}  // namespace
}  // namespace headcount::test
