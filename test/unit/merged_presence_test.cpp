#include "core/presence/merged_presence.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::merged_presence;
using core::presence_reader;

entries content_of(const merged_presence &merged, const context &with) {
  entries all;
  merged.for_each(with, [&](key_view key, std::span<const interval> intervals) {
    all.push_back({string_of(key), {intervals.begin(), intervals.end()}});
  });
  return all;
}

void expect_merged(key_type type, const std::vector<rows> &parts) {
  const host host;
  std::vector<bytes> kept;
  kept.reserve(parts.size());
  merged_presence merged(host.memory());
  rows all;
  std::size_t filled = 0;
  for (const rows &each : parts) {
    kept.push_back(canonical_of(type, each, host));
    merged.add(presence_reader(kept.back()));
    all.insert(all.end(), each.begin(), each.end());
    filled += each.empty() ? 0 : 1;
  }
  const entries model = model_of(type, all);
  EXPECT_EQ(content_of(merged, host), model);
  EXPECT_EQ(merged.part_count(), filled);
  EXPECT_EQ(merged.empty(), all.empty());
  EXPECT_EQ(merged.type(), all.empty() ? key_type::none : type);
  instant first = forever;
  for (const row &each : all) first = std::min(first, each.when.start);
  EXPECT_EQ(merged.first_start(), first);
  EXPECT_EQ(to_hex(canonical_of(presence_view(merged), host)), to_hex(encode(type, model, host)));
  EXPECT_EQ(presence_view(merged).key_count(host), model.size());
}

TEST(merged_presence, nothing_is_empty) {
  expect_merged(key_type::text, {});
  expect_merged(key_type::text, {{}, {}});
}

TEST(merged_presence, one_part_is_itself) { expect_merged(key_type::text, {{}, {{"a", {1, 2}}, {"b", {3, 4}}}, {}}); }

TEST(merged_presence, keys_in_one_part_or_the_other) {
  expect_merged(key_type::text, {{{"a", {1, 2}}, {"d", {3, 4}}}, {{"b", {5, 6}}, {"c", {7, 8}}, {"e", {9, 10}}}});
}

TEST(merged_presence, the_same_key_in_all_parts) {
  expect_merged(key_type::text, {{{"k", {1, 3}}, {"k", {9, 11}}}, {{"k", {3, 5}}}, {{"k", {2, 4}}, {"k", {7, 9}}}});
}

TEST(merged_presence, what_touches_across_parts_unites) {
  expect_merged(key_type::text, {{{"k", {1, 5}}}, {{"k", {5, 9}}}, {{"k", {beginning, 1}}}, {{"k", {9, forever}}}});
}

TEST(merged_presence, sessions_stay_apart_and_in_order) {
  expect_merged(key_type::session, {{{"", {1, 5}}, {"", {2, 3}}}, {{"", {1, 5}}, {"", {1, 4}}}, {{"", {0, forever}}}});
}

TEST(merged_presence, parts_that_end_at_once_and_parts_that_go_on) {
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      for (int third = 0; third < 4; ++third) {
        std::vector<rows> parts(3);
        for (int at = 0; at < 3; ++at)
          for (int key = 0; key < (at == 0 ? first : at == 1 ? second : third); ++key)
            parts[static_cast<std::size_t>(at)].push_back({"key" + std::to_string(key), {at * 2, at * 2 + 2}});
        expect_merged(key_type::text, parts);
      }
    }
  }
}

TEST(merged_presence, parts_are_handed_back) {
  const host host;
  const bytes first = canonical_of(key_type::text, {{"a", {1, 2}}}, host),
              second = canonical_of(key_type::text, {{"b", {1, 2}}}, host);
  merged_presence merged(host.memory());
  merged.add(presence_reader(first));
  merged.add(presence_reader(second));
  std::vector<std::string> parts;
  merged.for_each_part([&](key_view part) { parts.push_back(to_hex(part)); });
  EXPECT_EQ(parts, (std::vector<std::string>{to_hex(first), to_hex(second)}));
  merged.clear();
  EXPECT_TRUE(merged.empty());
}

TEST(merged_presence, agrees_with_the_model) {
  dice roll(45);
  for (const key_type type : all_types) {
    for (int round = 0; round < 500; ++round) {
      std::vector<rows> parts(roll(7));
      const crowd among{.keys = 1 + roll(12), .last_tick = roll.between(1, 60), .longest = roll.between(1, 9)};
      for (rows &each : parts) each = random_rows(type, roll(25), among, roll);
      expect_merged(type, parts);
    }
  }
}

TEST(merged_presence, can_be_interrupted) {
  const host host;
  rows many;
  for (std::uint64_t number = 0; number < 5000; ++number) many.push_back({key_for(key_type::bigint, number), {0, 1}});
  const bytes part = canonical_of(key_type::bigint, many, host);
  merged_presence merged(host.memory());
  merged.add(presence_reader(part));
  merged.add(presence_reader(part));
  polls_allowed = polls;
  EXPECT_THROW(content_of(merged, host), interrupted);
  polls_allowed = UINT64_MAX;
}

}  // namespace
}  // namespace headcount::test
