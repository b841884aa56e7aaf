#include "core/presence/presence_builder.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::presence_builder;

// Enough distinct keys that their canonical bytes are kept as a part of their own (64 kB and more).
rows large_rows(key_type type, dice &roll) {
  return random_rows(type, 9000, {.keys = 6000, .last_tick = 100'000'000, .longest = 50'000'000}, roll);
}

TEST(presence_builder, starts_empty) {
  const host host;
  presence_builder builder(key_type::text, host.memory());
  EXPECT_EQ(builder.type(), key_type::text);
  EXPECT_EQ(builder.view(host).key_count(host), 0U);
  EXPECT_EQ(to_hex(canonical_of(builder.view(host), host)), to_hex(canonical_of(presence_view(), host)));
}

TEST(presence_builder, the_empty_presence_adds_nothing) {
  const host host;
  presence_builder builder(key_type::text, host.memory());
  builder.add_canonical(canonical_of(presence_view(), host), host);
  EXPECT_EQ(builder.view(host).key_count(host), 0U);
}

TEST(presence_builder, rows_and_presences_small_and_large_in_any_order) {
  dice roll(46);
  for (const key_type type : all_types) {
    for (int round = 0; round < 3; ++round) {
      const host host;
      presence_builder builder(type, host.memory());
      rows all;
      for (int step = 0; step < 9; ++step) {
        const rows more = roll.one_in(2) ? large_rows(type, roll) : random_rows(type, roll(40), {.keys = 9}, roll);
        if (roll.one_in(3)) {
          for (const row &each : more) builder.add(view_of(each.key), each.when);
        } else {
          builder.add_canonical(canonical_of(type, more, host), host);
        }
        all.insert(all.end(), more.begin(), more.end());
        // Looking at it in between changes nothing.
        if (roll.one_in(3)) (void)builder.view(host);
      }
      EXPECT_TRUE(canonical_of(builder.view(host), host) == canonical_of(type, all, host)) << core::name_of(type);
      EXPECT_TRUE(canonical_of(builder.view(host), host) == canonical_of(type, all, host)) << "read again";
    }
  }
}

// More parts than are kept side by side: they are folded into one.
TEST(presence_builder, many_large_parts_are_folded) {
  const host host;
  dice roll(47);
  presence_builder builder(key_type::bigint, host.memory());
  rows all;
  for (int part = 0; part < 40; ++part) {
    const rows more = large_rows(key_type::bigint, roll);
    const bytes canonical = canonical_of(key_type::bigint, more, host);
    ASSERT_GT(canonical.size(), 64U * 1024U);
    builder.add_canonical(canonical, host);
    all.insert(all.end(), more.begin(), more.end());
  }
  EXPECT_TRUE(canonical_of(builder.view(host), host) == canonical_of(key_type::bigint, all, host));
}

TEST(presence_builder, does_not_hold_on_to_the_callers_bytes) {
  const host host;
  dice roll(48);
  const rows some = large_rows(key_type::text, roll);
  const bytes expected = canonical_of(key_type::text, some, host);
  bytes lent = expected;
  presence_builder builder(key_type::text, host.memory());
  builder.add_canonical(lent, host);
  std::fill(lent.begin(), lent.end(), std::byte{0});
  EXPECT_TRUE(canonical_of(builder.view(host), host) == expected);
}

TEST(presence_builder, damaged_bytes_are_refused) {
  const host host;
  dice roll(49);
  for (const std::size_t count : {std::size_t{5}, std::size_t{9000}}) {
    bytes canonical = canonical_of(key_type::text, random_rows(key_type::text, count, {.keys = 9000}, roll), host);
    canonical[canonical.size() / 2] ^= std::byte{1};
    presence_builder builder(key_type::text, host.memory());
    EXPECT_THROW(builder.add_canonical(canonical, host), core::error);
    EXPECT_EQ(builder.view(host).key_count(host), 0U);
  }
}

}  // namespace
}  // namespace headcount::test
