#include "core/presence/row_log.hpp"

#include <gtest/gtest.h>

#include "support/faults.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::row_log_editor;
using core::row_log_reader;

rows rows_in(const bytes &log) {
  rows all;
  row_log_reader(log).for_each_row([&](key_view key, interval when) { all.push_back({string_of(key), when}); });
  return all;
}

TEST(row_log, a_new_one_is_empty) {
  bytes log(row_log_editor::head_size);
  for (const key_type type : all_types) {
    row_log_editor::create(log, type);
    const row_log_reader reader(log);
    EXPECT_EQ(reader.type(), type);
    EXPECT_EQ(reader.row_count(), 0U);
    EXPECT_TRUE(rows_in(log).empty());
  }
}

TEST(row_log, keeps_rows_in_order_of_arrival) {
  const rows arrived{
      {"b", {5, 6}}, {"", {beginning, 2}}, {"a", {1, forever}}, {"b", {5, 6}}, {std::string(300, 'x'), {-4, 9}}};
  const bytes log = log_of(key_type::text, arrived);
  const rows read = rows_in(log);
  ASSERT_EQ(read.size(), arrived.size());
  EXPECT_EQ(row_log_reader(log).row_count(), arrived.size());
  for (std::size_t at = 0; at < read.size(); ++at) {
    EXPECT_EQ(read[at].key, arrived[at].key);
    EXPECT_EQ(read[at].when, arrived[at].when);
  }
}

TEST(row_log, a_row_that_does_not_fit_changes_nothing) {
  const std::string key = "somebody";
  const std::size_t needed = row_log_editor::head_size + row_log_editor::row_size(view_of(key));
  for (std::size_t size = row_log_editor::head_size; size < needed; ++size) {
    bytes log(size);
    row_log_editor::create(log, key_type::text);
    const bytes before = log;
    EXPECT_FALSE(row_log_editor::append(log, view_of(key), {1, 2}));
    EXPECT_EQ(log, before);
  }
  bytes log(needed);
  row_log_editor::create(log, key_type::text);
  EXPECT_TRUE(row_log_editor::append(log, view_of(key), {1, 2}));
  EXPECT_FALSE(row_log_editor::append(log, {}, {1, 2}));
  EXPECT_EQ(rows_in(log).size(), 1U);
}

TEST(row_log, slack_behind_the_rows_is_not_read) {
  bytes log(200, std::byte{0xff});
  row_log_editor::create(log, key_type::bigint);
  EXPECT_TRUE(row_log_editor::append(log, core::bigint_key(7), {1, 2}));
  EXPECT_EQ(rows_in(log).size(), 1U);
}

TEST(row_log, reads_keys_as_the_model_does) {
  dice roll(20);
  for (const key_type type : all_types) {
    for (int round = 0; round < 300; ++round) {
      const host host;
      const rows arrived = random_rows(type, roll(50), {.keys = 1 + roll(8)}, roll);
      EXPECT_EQ(decode(log_of(type, arrived), host), model_of(type, arrived)) << core::name_of(type);
    }
  }
}

// --- damage ----------------------------------------------------------------------------------------------------------

// A number in place of another, little endian as all of them are.
template <typename Number>
bytes with(bytes log, std::size_t at, Number number) {
  for (std::size_t place = 0; place < sizeof number; ++place)
    log[at + place] = static_cast<std::byte>(static_cast<std::uint64_t>(number) >> (8 * place));
  return log;
}

void expect_damaged_rows(const bytes &log, const char *what) {
  const host host;
  expect_fault(core::fault::damaged_bytes, [&] { (void)decode(log, host); }, what);
  EXPECT_LT(host.max_memory(), 10'000U) << what;
}

TEST(row_log, wrong_counts_and_lengths_are_noticed) {
  const bytes log = log_of(key_type::text, {{"abc", {1, 2}}, {"d", {3, 4}}});
  const auto size = static_cast<std::uint32_t>(log.size());
  expect_damaged_rows(with<std::uint32_t>(log, 4, size + 1), "more used than there is");
  expect_damaged_rows(with<std::uint32_t>(log, 4, UINT32_MAX), "far more used than there is");
  expect_damaged_rows(with<std::uint32_t>(log, 4, 11), "less used than a head");
  expect_damaged_rows(with<std::uint32_t>(log, 4, size - 1), "the last row cut off");
  expect_damaged_rows(with<std::uint32_t>(log, 8, 3), "one more row than there is");
  expect_damaged_rows(with<std::uint32_t>(log, 8, UINT32_MAX), "far more rows than there are");
  expect_damaged_rows(with<std::uint32_t>(log, 12, 200), "a key longer than the log");
  expect_damaged_rows(with<std::uint32_t>(log, 12, UINT32_MAX), "a key of 4 GB");
  expect_damaged_rows(with<instant>(log, 12 + 4 + 3, 2), "an interval of no length");
  expect_damaged_rows(with<instant>(log, 12 + 4 + 3, forever), "a reversed interval");
}

TEST(row_log, rows_that_cannot_be_are_noticed) {
  const bytes log = log_of(key_type::text, {{"abc", {1, 2}}, {"d", {3, 4}}});
  expect_damaged_rows(with<std::uint32_t>(log, 8, 1), "a row more than it says");
  expect_damaged_rows(with<instant>(log, 12 + 4 + 3, core::first_finite - 1), "a start before time");
  expect_damaged_rows(with<instant>(log, 12 + 4 + 3 + 8, core::end_of_finite + 1), "an end after time");
  expect_damaged_rows(log_of(key_type::bigint, {{"1234567", {1, 2}}}), "a bigint of 7 bytes");
  expect_damaged_rows(log_of(key_type::uuid, {{"12345678", {1, 2}}}), "a uuid of 8 bytes");
  expect_damaged_rows(log_of(key_type::session, {{"k", {1, 2}}}), "a session with a key");
  expect_damaged_rows(log_of(key_type::none, {{"", {1, 2}}}), "a row of no type");
}

TEST(row_log, truncation_is_noticed) {
  const bytes log = log_of(key_type::text, {{"abc", {1, 2}}, {"d", {3, 4}}});
  for (std::size_t size = 0; size < log.size(); ++size)
    expect_damaged_rows({log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size)}, "truncated");
}

TEST(row_log, no_damage_leads_out_of_the_bytes) {
  dice roll(21);
  const bytes sound = log_of(key_type::text, random_rows(key_type::text, 12, {.keys = 20}, roll));
  for (int round = 0; round < 20'000; ++round) {
    const host host;
    bytes log = sound;
    for (std::uint64_t changes = 1 + roll(3); changes > 0; --changes)
      log[roll(log.size())] = static_cast<std::byte>(roll(256));
    try {
      if (core::read_head(log).form != core::presence_form::log) continue;
      (void)decode(log, host);
    } catch (const core::error &error) {
      EXPECT_EQ(error.kind(), core::fault::damaged_bytes);
    }
  }
}

}  // namespace
}  // namespace headcount::test
