#include "core/sets/dictionary_page.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core/base/error.hpp"
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

std::map<std::int32_t, bytes> pages_of(const users &from, std::uint32_t buckets, const host &with) {
  auto entries = entries_of(from, with.memory());
  std::map<std::int32_t, bytes> pages;
  core::for_each_page(entries, buckets, with, [&](std::int32_t bucket, std::uint32_t users_in, key_view page) {
    EXPECT_GT(users_in, 0U);
    EXPECT_TRUE(pages.emplace(bucket, bytes(page.begin(), page.end())).second);
  });
  return pages;
}

users read(key_view page) {
  users found;
  core::for_each_user(page, [&](const numbered_user &each) { found[each.number] = string_of(each.name); });
  return found;
}

TEST(dictionary_page, has_these_bytes) {
  const host with;
  const auto pages = pages_of({{5, "al"}, {300, ""}, {301, "bo"}}, 1, with);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(to_hex(pages.at(0)), "01" "05" "02" "616c" "a702" "00" "01" "02" "626f");
}

TEST(dictionary_page, gives_back_what_was_put_in) {
  const host with;
  std::mt19937 random(11);
  for (int round = 0; round < 30; ++round) {
    users all;
    for (int row = 0; row < 500; ++row)
      all[static_cast<std::uint32_t>(random() % (round % 2 == 0 ? 1000 : core::max_users))] =
          std::string(random() % 40 == 0 ? 5000 : random() % 20, static_cast<char>('a' + random() % 26)) + std::to_string(row);
    const std::uint32_t buckets = 1U << random() % 8;
    users found;
    for (const auto &[bucket, page] : pages_of(all, buckets, with)) {
      const users here = read(page);
      for (const auto &[number, name] : here) EXPECT_EQ(static_cast<std::int32_t>(core::bucket_of(view_of(name), buckets)), bucket);
      found.insert(here.begin(), here.end());
      // twice as many buckets: none but its own two get these users
      for (const auto &[half, part] : pages_of(here, buckets * 2, with)) EXPECT_EQ(half & static_cast<std::int32_t>(buckets - 1), bucket);
    }
    EXPECT_EQ(found, all);
  }
}

TEST(dictionary_page, refuses_damaged_bytes) {
  for (const char *const hex : {"", "00", "04", "0105", "0205", "0205 000102", "03", "03 000102030405060708090a0b0c0d0e", "03 000102030405060708090a0b0c0d0e0f00",
                                "02 05 000102030405060708090a0b0c0d0e0f 00 000102030405060708090a0b0c0d0e0f", "010502", "01050261", "01 05 00 00 00", "01 05 ff", "01 8080808004 00",
                                "01 ffffffff03 00 01 00", "01 ffffffffffffffffff01 00", "01 05 ffffffffffffffffff01"}) {
    const bytes page = from_hex(hex);
    EXPECT_THROW(read(page), core::error) << hex;
  }
  EXPECT_EQ(read(from_hex("01")), users());
  EXPECT_EQ(read(from_hex("01 00 00")), (users{{0, ""}}));
  EXPECT_EQ(read(from_hex("01 ffffffff03 00")), (users{{core::max_users - 1, ""}}));
}

// Forgotten users are in buckets below 0, by their hashes; with twice as many buckets those of one go to two.
TEST(dictionary_page, keeps_hashes_of_forgotten_users) {
  const host with;
  const core::keyed_hash hash(core::forgetting_key{});
  std::vector<std::array<std::byte, core::keyed_hash::size>> hashes;
  for (int name = 0; name < 200; ++name) hashes.push_back(hash(view_of(std::to_string(name))));
  std::pmr::vector<numbered_user> all(with.memory());
  for (std::uint32_t number = 0; number < 200; ++number) all.push_back({hashes[number], number * 3, number % 2 == 0});
  for (const std::uint32_t buckets : {1U, 8U, 16U}) {
    std::size_t found = 0;
    core::for_each_page(all, buckets, with, [&](std::int32_t bucket, std::uint32_t count, key_view page) {
      EXPECT_EQ(core::kind_of_page(page), bucket < 0 ? core::page_kind::forgotten : core::page_kind::users);
      EXPECT_GT(bucket, core::key_bucket);
      if (bucket < 0) {
        EXPECT_LE(-1 - bucket, static_cast<std::int32_t>(buckets - 1));
      }
      core::for_each_user(page, [&](const numbered_user &each) {
        EXPECT_EQ(each.is_forgotten, bucket < 0);
        EXPECT_EQ(core::compare(each.name, hashes[each.number / 3]), 0);
        if (bucket < 0) {
          EXPECT_EQ(core::bucket_of_forgotten(each.name, buckets), bucket);
        }
        ++found;
        --count;
      });
      EXPECT_EQ(count, 0U);
    });
    EXPECT_EQ(found, 200U);
  }
}

TEST(dictionary_page, keeps_a_key) {
  core::forgetting_key key{std::byte{1}, std::byte{2}};
  const auto page = core::page_of_key(key);
  EXPECT_EQ(core::kind_of_page(page), core::page_kind::key);
  EXPECT_EQ(read(page), users());
  EXPECT_EQ(core::key_in_page(page)(view_of("anna")), core::keyed_hash(key)(view_of("anna")));
  EXPECT_THROW((void)core::key_in_page(view_of("\x01")), core::error);
}

TEST(dictionary_page, does_not_take_a_number_twice) {
  const host with;
  for (const std::uint32_t number : {0U, 7U}) {
    std::pmr::vector<numbered_user> twice({{view_of("a"), number}, {view_of("b"), number}}, with.memory());
    EXPECT_THROW(core::for_each_page(twice, 1, with, [](auto, auto, auto) {}), core::error);
  }
}

}  // namespace
}  // namespace headcount::test
