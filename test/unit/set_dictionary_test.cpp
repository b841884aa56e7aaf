// Sets of users that were numbered apart: they know it, and refuse to be combined.

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/sets/number_log.hpp"
#include "support/user_sets.hpp"

namespace headcount::test {
namespace {

core::dictionary_id dictionary(unsigned number) {
  core::dictionary_id made;
  made.bytes.fill(std::byte{0x5a});
  made.bytes[15] = static_cast<std::byte>(number);
  return made;
}

bytes users_of(const numbers &content, const core::dictionary_id &of, const host &with) {
  const auto made = core::to_canonical(content, 0, with.memory(), of);
  return bytes(made.begin(), made.end());
}

core::fault fault_of(const bytes &canonical) {
  try {
    (void)core::user_set_reader(canonical);
  } catch (const core::error &error) {
    return error.kind();
  }
  return core::fault::not_written;
}

constexpr core::set_operation operations[] = {core::set_operation::unite, core::set_operation::intersect,
                                              core::set_operation::subtract};

TEST(set_dictionary, is_in_the_bytes_behind_the_head) {
  const host host;
  const auto plain = users_of({1, 2, 70000}, {}, host), ours = users_of({1, 2, 70000}, dictionary(1), host);
  ASSERT_EQ(ours.size(), plain.size() + core::dictionary_id::size);
  EXPECT_EQ(ours[2], std::byte{1});
  EXPECT_TRUE(std::equal(ours.begin() + 8, ours.begin() + 24, dictionary(1).bytes.begin()));
  EXPECT_TRUE(std::equal(ours.begin() + 24, ours.end(), plain.begin() + 8)) << "the bitmap is what it is without";
  EXPECT_EQ(core::user_set_reader(ours).dictionary(), dictionary(1));
  EXPECT_TRUE(core::user_set_reader(plain).dictionary().is_none());
  EXPECT_EQ(members_of(ours, host), members_of(plain, host));
}

TEST(set_dictionary, of_nobody_is_none) {
  const host host;
  EXPECT_EQ(users_of({}, dictionary(1), host), users_of({}, {}, host));
}

TEST(set_dictionary, stays_with_what_is_combined) {
  const host host;
  const auto left = users_of({1, 2, 3}, dictionary(1), host), right = users_of({3, 4}, dictionary(1), host);
  EXPECT_EQ(combined(core::set_operation::unite, left, right, host), users_of({1, 2, 3, 4}, dictionary(1), host));
  EXPECT_EQ(combined(core::set_operation::intersect, left, right, host), users_of({3}, dictionary(1), host));
  EXPECT_EQ(combined(core::set_operation::subtract, left, right, host), users_of({1, 2}, dictionary(1), host));
  EXPECT_EQ(combined(core::set_operation::subtract, left, left, host), users_of({}, {}, host));
}

TEST(set_dictionary, of_two_sets_must_be_the_same) {
  const host host;
  const auto ours = users_of({1, 2}, dictionary(1), host);
  for (const auto &other : {users_of({2, 3}, dictionary(2), host), users_of({2, 3}, {}, host)}) {
    for (const core::set_operation operation : operations) {
      for (const bool swap : {false, true}) {
        try {
          (void)combined(operation, swap ? other : ours, swap ? ours : other, host);
          ADD_FAILURE() << "was combined";
        } catch (const core::error &error) {
          EXPECT_EQ(error.kind(), core::fault::mixed_dictionaries);
        }
      }
    }
    core::user_set growing(host.memory());
    growing.unite(core::user_set_reader(ours), host);
    EXPECT_THROW(growing.unite(core::user_set_reader(other), host), core::error);
    EXPECT_EQ(bytes_of(growing, host), ours) << "what was refused left nothing behind";
  }
}

TEST(set_dictionary, nobody_goes_with_any) {
  const host host;
  const auto ours = users_of({1, 2}, dictionary(1), host), nobody = users_of({}, {}, host);
  EXPECT_EQ(combined(core::set_operation::unite, ours, nobody, host), ours);
  EXPECT_EQ(combined(core::set_operation::unite, nobody, ours, host), ours);
  EXPECT_EQ(combined(core::set_operation::subtract, ours, nobody, host), ours);
  EXPECT_EQ(combined(core::set_operation::intersect, ours, nobody, host), nobody);
  core::user_set growing(host.memory());
  growing.unite(core::user_set_reader(nobody), host);
  growing.unite(core::user_set_reader(ours), host);
  growing.unite(core::user_set_reader(nobody), host);
  EXPECT_EQ(bytes_of(growing, host), ours);
}

TEST(set_dictionary, can_be_said_anew) {
  const host host;
  const numbers some = {0, 1, 2, 3, 5000, 65535, 65536, 2000000000};
  for (const auto &from : {core::dictionary_id(), dictionary(1)}) {
    const auto made = core::with_dictionary(core::user_set_reader(users_of(some, from, host)), dictionary(2), 0, host);
    EXPECT_EQ(bytes(made.begin(), made.end()), users_of(some, dictionary(2), host));
  }
}

TEST(set_dictionary, is_in_a_log_of_numbers) {
  bytes log(core::number_log_editor::size_of(2, true));
  core::number_log_editor::create(log, dictionary(7));
  EXPECT_TRUE(core::number_log_editor::append(log, 9));
  EXPECT_TRUE(core::number_log_editor::append(log, 4));
  EXPECT_FALSE(core::number_log_editor::append(log, 5)) << "it is full";
  const host host;
  const core::number_log_reader reader(log);
  EXPECT_EQ(reader.dictionary(), dictionary(7));
  const auto sorted = reader.sorted(host.memory());
  EXPECT_EQ(numbers(sorted.begin(), sorted.end()), (numbers{4, 9}));
}

TEST(set_dictionary, damaged_bytes_are_refused) {
  const host host;
  const auto ours = users_of({1, 2}, dictionary(1), host);
  bytes damaged = ours;
  std::fill_n(damaged.begin() + 8, core::dictionary_id::size, std::byte{0});
  fix_check_sum(damaged);
  EXPECT_EQ(fault_of(damaged), core::fault::damaged_bytes) << "no dictionary, though there should be one";
  damaged = ours;
  damaged[2] = std::byte{2};
  EXPECT_EQ(fault_of(damaged), core::fault::damaged_bytes);
  damaged = ours;
  damaged[9] ^= std::byte{1};
  EXPECT_EQ(fault_of(damaged), core::fault::damaged_bytes) << "the check sum covers it";
  for (std::size_t size = 0; size < ours.size(); ++size)
    EXPECT_EQ(fault_of(bytes(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(size))), core::fault::damaged_bytes) << size;
  const auto nobody = users_of({}, {}, host);
  damaged = nobody;
  damaged[2] = std::byte{1};
  damaged.insert(damaged.begin() + 8, dictionary(1).bytes.begin(), dictionary(1).bytes.end());
  fix_check_sum(damaged);
  EXPECT_EQ(fault_of(damaged), core::fault::damaged_bytes) << "nobody has no dictionary";
}

}  // namespace
}  // namespace headcount::test
