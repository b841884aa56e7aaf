#include "core/sets/user_filter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::user_filter;

TEST(user_filter, lets_pass_all_of_its_users_and_few_others) {
  for (const std::size_t users : {0U, 1U, 3U, 5U, 100U, 4096U, 50000U}) {
    std::vector<std::byte> room(user_filter::bytes_for(users));
    for (std::size_t user = 0; user < users; ++user) user_filter::add(room, view_of("user " + std::to_string(user)));
    const user_filter filter(room);
    std::size_t others = 0;
    for (std::size_t user = 0; user < users; ++user) EXPECT_TRUE(filter.may_have(view_of("user " + std::to_string(user)))) << user;
    for (int other = 0; other < 10000; ++other) others += filter.may_have(view_of("other " + std::to_string(other))) ? 1 : 0;
    // one in eight is the most that there should be; with few users chance has a say
    EXPECT_LE(others, users == 0 ? 0U : 1600U) << users;
  }
}

TEST(user_filter, has_two_bytes_a_user_up_to_half_a_gigabyte) {
  EXPECT_EQ(user_filter::bytes_for(0), 8U);
  EXPECT_EQ(user_filter::bytes_for(4), 8U);
  EXPECT_EQ(user_filter::bytes_for(5), 16U);
  EXPECT_EQ(user_filter::bytes_for(1000), 2048U);
  EXPECT_EQ(user_filter::bytes_for(500000000), std::size_t{1} << 29U);
}

TEST(user_filter, takes_any_power_of_two_and_nothing_else) {
  std::vector<std::byte> byte(1);
  EXPECT_FALSE(user_filter(byte).may_have(view_of("al")));
  user_filter::add(byte, view_of("al"));
  EXPECT_TRUE(user_filter(byte).may_have(view_of("al")));
  for (const std::size_t size : {0U, 3U, 12U}) {
    const std::vector<std::byte> room(size);
    EXPECT_THROW((void)user_filter(room), core::error) << size;
  }
}

}  // namespace
}  // namespace headcount::test
