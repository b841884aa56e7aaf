#include "core/sets/key_set.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/base/error.hpp"
#include "support/faults.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::key_log_editor;
using core::key_log_reader;
using core::key_set;

bytes key_log_of(key_type type, const std::vector<std::string> &keys, std::size_t slack = 0) {
  std::size_t size = key_log_editor::head_size;
  for (const std::string &each : keys) size += key_log_editor::row_size(view_of(each));
  bytes log(size + slack, std::byte{0xff});
  key_log_editor::create(log, type);
  for (const std::string &each : keys) EXPECT_TRUE(key_log_editor::append(log, view_of(each)));
  return log;
}

std::vector<std::string> keys_in(const bytes &log) {
  std::vector<std::string> keys;
  key_log_reader(log).for_each([&](key_view key) { keys.push_back(string_of(key)); });
  return keys;
}

bytes written(const key_set &keys, const context &with) {
  core::byte_buffer buffer(with.memory);
  keys.write(buffer, with);
  return {buffer.data(), buffer.data() + buffer.size()};
}

TEST(key_log, keeps_keys_in_order_of_arrival) {
  const std::vector<std::string> keys{
      "b", "", "a", "b", std::string(127, 'x'), std::string(128, 'y'), std::string(70'000, 'z')};
  for (const std::size_t slack : {std::size_t{0}, std::size_t{1}, std::size_t{100}}) EXPECT_EQ(keys_in(key_log_of(key_type::text, keys, slack)), keys);
  EXPECT_EQ(to_hex(key_log_of(key_type::text, {"ab", ""})),
            "c6010100"
            "0c000000"
            "026162"
            "00");
}

TEST(key_log, a_key_that_does_not_fit_changes_nothing) {
  const std::string key = "somebody";
  const std::size_t needed = key_log_editor::head_size + key_log_editor::row_size(view_of(key));
  for (std::size_t size = key_log_editor::head_size; size < needed; ++size) {
    bytes log(size);
    key_log_editor::create(log, key_type::text);
    const bytes before = log;
    EXPECT_FALSE(key_log_editor::append(log, view_of(key)));
    EXPECT_EQ(log, before);
  }
}

TEST(key_set, counts_what_is_distinct_in_each_form) {
  dice roll(41);
  for (const key_type type : {key_type::text, key_type::bigint, key_type::uuid}) {
    for (int round = 0; round < 300; ++round) {
      const host with;
      std::vector<std::string> keys(roll(round % 30 == 0 ? 5000 : 40));
      for (std::string &each : keys) each = key_for(type, roll(round % 30 == 0 ? 2000 : 1 + roll(30)));
      const std::set<std::string> distinct(keys.begin(), keys.end());
      const bytes log = key_log_of(type, keys);
      EXPECT_EQ(core::count_distinct(key_log_reader(log), with), distinct.size());
      key_set set(type, with.memory());
      for (const std::string &each : keys) set.add(view_of(each));
      EXPECT_EQ(set.size(), distinct.size());
      const bytes handed = written(set, with);
      const std::vector<std::string> read = keys_in(handed);
      EXPECT_EQ(read.size(), distinct.size());
      EXPECT_EQ(std::set<std::string>(read.begin(), read.end()), distinct);
      // Parts that overlap, as bytes and as they are.
      key_set other(type, with.memory());
      for (std::size_t at = 0; at < keys.size(); at += 2) other.add(view_of(keys[at]));
      other.merge(set, with);
      other.merge(key_log_reader(handed), with);
      other.merge(key_log_reader(log), with);
      EXPECT_EQ(other.size(), distinct.size());
    }
  }
}

void expect_damaged_log(const bytes &log, const char *what) {
  const host with;
  expect_fault(core::fault::damaged_bytes, [&] { (void)core::count_distinct(key_log_reader(log), with); }, what);
}

TEST(key_log, damage_is_noticed) {
  expect_damaged_log(from_hex("c60101000c0000"), "a head cut off");
  expect_damaged_log(from_hex("c501010008000000"), "another magic");
  expect_damaged_log(from_hex("c602010008000000"), "another version");
  expect_damaged_log(from_hex("c601000008000000"), "no key type");
  expect_damaged_log(from_hex("c601050008000000"), "an unknown key type");
  expect_damaged_log(from_hex("c601010108000000"), "something where nothing is");
  expect_damaged_log(from_hex("c601010007000000"), "less used than a head");
  expect_damaged_log(from_hex("c601010009000000"), "more used than there is");
  expect_damaged_log(from_hex("c60101000a0000000261"), "a key cut off");
  expect_damaged_log(from_hex("c60101000a000000808001"), "a length cut off");
  expect_damaged_log(from_hex("c6010100130000008080808080808080808001"), "a length in too many bytes");
  const bytes sound = key_log_of(key_type::text, {"abc", "d", std::string(200, 'x')});
  for (std::size_t size = 0; size < sound.size(); ++size)
    expect_damaged_log({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)}, "truncated");
}

}  // namespace
}  // namespace headcount::test
