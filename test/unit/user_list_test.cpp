#include "core/user_list.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/error.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::numbered_user;

using users = std::map<std::uint32_t, std::string>;

std::pmr::vector<numbered_user> entries_of(const users &from, std::pmr::memory_resource *memory) {
  std::pmr::vector<numbered_user> made(memory);
  for (const auto &[number, name] : from) made.push_back({view_of(name), number});
  return made;
}

std::map<std::uint32_t, bytes> lists_of(const users &from, std::uint32_t buckets, const host &with) {
  auto entries = entries_of(from, with.memory());
  std::map<std::uint32_t, bytes> lists;
  core::for_each_list(entries, buckets, with, [&](std::uint32_t bucket, std::uint32_t users_in, key_view list) {
    EXPECT_GT(users_in, 0U);
    EXPECT_TRUE(lists.emplace(bucket, bytes(list.begin(), list.end())).second);
  });
  return lists;
}

users read(key_view list) {
  users found;
  core::for_each_user(list, [&](const numbered_user &each) { found[each.number] = string_of(each.name); });
  return found;
}

TEST(user_list, has_these_bytes) {
  const host with;
  const auto lists = lists_of({{5, "al"}, {300, ""}, {301, "bo"}}, 1, with);
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(to_hex(lists.at(0)), "01" "05" "02" "616c" "a702" "00" "01" "02" "626f");
}

TEST(user_list, gives_back_what_was_put_in) {
  const host with;
  std::mt19937 random(11);
  for (int round = 0; round < 30; ++round) {
    users all;
    for (int row = 0; row < 500; ++row)
      all[static_cast<std::uint32_t>(random() % (round % 2 == 0 ? 1000 : core::max_users))] =
          std::string(random() % 40 == 0 ? 5000 : random() % 20, static_cast<char>('a' + random() % 26)) + std::to_string(row);
    const std::uint32_t buckets = 1U << random() % 8;
    users found;
    for (const auto &[bucket, list] : lists_of(all, buckets, with)) {
      const users here = read(list);
      for (const auto &[number, name] : here) EXPECT_EQ(core::bucket_of(view_of(name), buckets), bucket);
      found.insert(here.begin(), here.end());
      // twice as many buckets: none but its own two get these users
      for (const auto &[half, part] : lists_of(here, buckets * 2, with)) EXPECT_EQ(half & (buckets - 1), bucket);
    }
    EXPECT_EQ(found, all);
  }
}

TEST(user_list, refuses_damaged_bytes) {
  for (const char *const hex : {"", "02", "0105", "010502", "01050261", "01 05 00 00 00", "01 05 ff", "01 8080808004 00",
                                "01 ffffffff03 00 01 00", "01 ffffffffffffffffff01 00", "01 05 ffffffffffffffffff01"}) {
    const bytes list = from_hex(hex);
    EXPECT_THROW(read(list), core::error) << hex;
  }
  EXPECT_EQ(read(from_hex("01")), users());
  EXPECT_EQ(read(from_hex("01 00 00")), (users{{0, ""}}));
  EXPECT_EQ(read(from_hex("01 ffffffff03 00")), (users{{core::max_users - 1, ""}}));
}

TEST(user_list, does_not_take_a_number_twice) {
  const host with;
  for (const std::uint32_t number : {0U, 7U}) {
    std::pmr::vector<numbered_user> twice({{view_of("a"), number}, {view_of("b"), number}}, with.memory());
    EXPECT_THROW(core::for_each_list(twice, 1, with, [](auto, auto, auto) {}), core::error);
  }
}

}  // namespace
}  // namespace headcount::test
