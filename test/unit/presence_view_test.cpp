#include "core/presence/presence_view.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

TEST(presence_view, the_default_is_empty) {
  const host host;
  const presence_view nothing;
  EXPECT_EQ(nothing.type(), key_type::none);
  EXPECT_EQ(nothing.key_count(host), 0U);
  EXPECT_EQ(nothing.first_start(), forever);
  EXPECT_EQ(presence_view(canonical_of(nothing, host)).first_start(), forever);
  EXPECT_TRUE(read_all(nothing, host).empty());
  EXPECT_EQ(to_hex(canonical_of(nothing, host)), to_hex(encode(key_type::none, {}, host)));
}

TEST(presence_view, all_three_forms_read_alike) {
  dice roll(40);
  for (const key_type type : all_types) {
    for (int round = 0; round < 200; ++round) {
      const host host;
      const rows arrived = random_rows(type, 1 + roll(40), {.keys = 1 + roll(9)}, roll);
      const entries model = model_of(type, arrived);
      const bytes log = log_of(type, arrived), canonical = encode(type, model, host);
      core::keyed_intervals table(type, host.memory());
      fill(table, arrived);
      for (const presence_view &view : {presence_view(log), presence_view(canonical), presence_view(table)}) {
        EXPECT_EQ(view.type(), type);
        EXPECT_EQ(view.key_count(host), model.size());
        EXPECT_EQ(read_all(view, host), model);
        instant first = forever;
        for (const entry &each : model) first = std::min(first, each.intervals.front().start);
        EXPECT_EQ(view.first_start(), first);
        std::size_t keys = 0;
        view.for_each_unordered(host, [&](key_view, std::span<const interval>) { ++keys; });
        EXPECT_EQ(keys, model.size());
        EXPECT_EQ(to_hex(canonical_of(view, host)), to_hex(canonical));
      }
    }
  }
}

TEST(presence_view, an_empty_table_or_log_has_the_bytes_of_the_empty_presence) {
  const host host;
  for (const key_type type : all_types) {
    EXPECT_EQ(to_hex(canonical_of(type, {}, host)), to_hex(canonical_of(presence_view(), host)));
    EXPECT_EQ(to_hex(canonical_of(presence_view(log_of(type, {})), host)), to_hex(canonical_of(presence_view(), host)));
  }
}

TEST(presence_view, clip_agrees_with_the_model) {
  dice roll(41);
  for (const key_type type : all_types) {
    for (int round = 0; round < 500; ++round) {
      const host host;
      const rows arrived = random_rows(type, roll(30), {.keys = 1 + roll(6)}, roll);
      const entries model = model_of(type, arrived);
      interval window{roll.between(-2, 44), roll.between(-2, 44)};
      if (roll.one_in(8)) window.start = beginning;
      if (roll.one_in(8)) window.end = forever;
      const std::string expected = to_hex(encode(type, clip_slowly(type, model, window), host));
      const bytes log = log_of(type, arrived), canonical = encode(type, model, host);
      core::keyed_intervals table(type, host.memory());
      fill(table, arrived);
      EXPECT_EQ(to_hex(canonical_of(presence_view(log), host, window)), expected);
      EXPECT_EQ(to_hex(canonical_of(presence_view(canonical), host, window)), expected);
      EXPECT_EQ(to_hex(canonical_of(presence_view(table), host, window)), expected);
    }
  }
}

TEST(presence_view, clip_drops_keys_that_only_touch_the_window) {
  const host host;
  const bytes log = log_of(key_type::text, {{"ends", {1, 5}}, {"starts", {9, 12}}, {"inside", {5, 9}}});
  EXPECT_EQ(decode(canonical_of(presence_view(log), host, {5, 9}), host), (entries{{"inside", {{5, 9}}}}));
  EXPECT_EQ(to_hex(canonical_of(presence_view(log), host, {9, 5})), to_hex(canonical_of(presence_view(), host)));
}

TEST(presence_view, clip_sorts_sessions_anew) {
  const host host;
  const bytes log = log_of(key_type::session, {{"", {1, 9}}, {"", {2, 4}}, {"", {0, 5}}});
  EXPECT_EQ(decode(canonical_of(presence_view(log), host, {3, 20}), host),
            (entries{{"", {{3, 4}}}, {"", {{3, 5}}}, {"", {{3, 9}}}}));
}

TEST(presence_view, types_combine_with_themselves_and_with_nothing) {
  for (const key_type type : all_types) {
    EXPECT_EQ(core::common_type(type, type), type);
    EXPECT_EQ(core::common_type(type, key_type::none), type);
    EXPECT_EQ(core::common_type(key_type::none, type), type);
    for (const key_type other : all_types) {
      if (other == type) continue;
      try {
        core::common_type(type, other);
        ADD_FAILURE() << core::name_of(type) << " with " << core::name_of(other);
      } catch (const core::error &error) {
        EXPECT_EQ(error.kind(), core::fault::mixed_keys);
        EXPECT_NE(error.detail().find(core::name_of(type)), std::string::npos);
        EXPECT_NE(error.detail().find(core::name_of(other)), std::string::npos);
      }
    }
  }
  EXPECT_EQ(core::common_type(key_type::none, key_type::none), key_type::none);
}

TEST(presence_view, damaged_bytes_are_refused) {
  bytes canonical = canonical_of(presence_view(log_of(key_type::text, {{"k", {0, 1}}})), host());
  canonical.back() ^= std::byte{1};
  EXPECT_THROW(presence_view{canonical}, core::error);
}

}  // namespace
}  // namespace headcount::test
