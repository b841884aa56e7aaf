// Presences as a whole: whatever way the same rows take, they end as the same bytes, and the operations obey their
// laws.

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

constexpr int rounds = 500;  // for each type of keys

rows any_rows(key_type type, dice &roll) {
  return random_rows(
      type, roll(60),
      {.keys = 1 + roll(15), .last_tick = roll.between(1, 80), .longest = roll.between(1, 9), .endless = roll(20)},
      roll);
}

interval any_window(dice &roll) {
  interval window{roll.between(-2, 60), roll.between(-2, 90)};
  if (roll.one_in(5)) window.start = beginning;
  if (roll.one_in(5)) window.end = forever;
  return window;
}

// The rows as a state on its way: a log, or canonical bytes.
bytes any_state(key_type type, const rows &part, dice &roll, const context &with) {
  return roll.one_in(2) ? log_of(type, part) : canonical_of(type, part, with);
}

bytes union_of(key_type type, const bytes &left, const bytes &right, const context &with) {
  core::keyed_intervals table(type, with.memory);
  add_all(table, presence_view(left), with);
  add_all(table, presence_view(right), with);
  return canonical_of(presence_view(table), with);
}

bytes merged_union_of(const bytes &left, const bytes &right, const context &with) {
  const bytes parts[] = {canonical_of(presence_view(left), with), canonical_of(presence_view(right), with)};
  core::merged_presence merged(with.memory);
  for (const bytes &each : parts) merged.add(core::presence_reader(each));
  return canonical_of(presence_view(merged), with);
}

// The ways in which an aggregate unites two states: into a table, side by side, or row by row into a log.
bytes any_union(key_type type, const bytes &left, const bytes &right, dice &roll, const context &with) {
  if (roll.one_in(3)) return union_of(type, left, right, with);
  if (roll.one_in(2)) return merged_union_of(left, right, with);
  rows both;
  for (const bytes *side : {&left, &right})
    for (const entry &key : decode(*side, with))
      for (const interval &each : key.intervals) both.push_back({key.key, each});
  return log_of(type, both);
}

template <typename Law>
void for_all(std::uint64_t seed, Law &&law) {
  dice roll(seed);
  for (const key_type type : all_types) {
    for (int round = 0; round < rounds; ++round) {
      const host host;
      SCOPED_TRACE(std::string(core::name_of(type)) + ", round " + std::to_string(round));
      law(type, roll, host);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(algebra, any_order_any_split_any_tree_the_same_bytes) {
  for_all(90, [](key_type type, dice &roll, const host &host) {
    rows arrived = any_rows(type, roll);
    const std::string expected = to_hex(encode(type, model_of(type, arrived), host));
    roll.shuffle(arrived);

    std::vector<bytes> states;
    for (std::size_t from = 0; from < arrived.size() || states.empty();) {
      const std::size_t to = std::min<std::size_t>(arrived.size(), from + roll(20));
      states.push_back(any_state(
          type,
          {arrived.begin() + static_cast<std::ptrdiff_t>(from), arrived.begin() + static_cast<std::ptrdiff_t>(to)},
          roll, host));
      from = to;
    }
    while (states.size() > 1) {
      const std::size_t which = roll(states.size() - 1);
      states[which] = any_union(type, states[which], states.back(), roll, host);
      states.pop_back();
    }
    EXPECT_EQ(to_hex(canonical_of(presence_view(states[0]), host)), expected);
  });
}

TEST(algebra, decoding_gives_what_was_encoded) {
  for_all(91, [](key_type type, dice &roll, const host &host) {
    const rows arrived = any_rows(type, roll);
    const bytes canonical = canonical_of(type, arrived, host);
    EXPECT_EQ(decode(canonical, host), model_of(type, arrived));
    EXPECT_EQ(to_hex(canonical_of(presence_view(canonical), host)), to_hex(canonical));
  });
}

TEST(algebra, union_commutes) {
  for_all(92, [](key_type type, dice &roll, const host &host) {
    const bytes a = any_state(type, any_rows(type, roll), roll, host),
                b = any_state(type, any_rows(type, roll), roll, host);
    EXPECT_EQ(to_hex(union_of(type, a, b, host)), to_hex(union_of(type, b, a, host)));
  });
}

TEST(algebra, union_associates) {
  for_all(93, [](key_type type, dice &roll, const host &host) {
    const bytes a = any_state(type, any_rows(type, roll), roll, host),
                b = any_state(type, any_rows(type, roll), roll, host),
                c = any_state(type, any_rows(type, roll), roll, host);
    EXPECT_EQ(to_hex(union_of(type, union_of(type, a, b, host), c, host)),
              to_hex(union_of(type, a, union_of(type, b, c, host), host)));
  });
}

TEST(algebra, union_with_itself_is_itself_but_for_sessions) {
  for_all(94, [](key_type type, dice &roll, const host &host) {
    const bytes a = canonical_of(type, any_rows(type, roll), host);
    const bytes twice = union_of(type, a, a, host);
    if (type == key_type::session)
      EXPECT_EQ(presence_view(twice).key_count(host), 2 * presence_view(a).key_count(host));
    else
      EXPECT_EQ(to_hex(twice), to_hex(a));
  });
}

TEST(algebra, union_with_nothing_is_itself) {
  for_all(95, [](key_type type, dice &roll, const host &host) {
    const bytes a = canonical_of(type, any_rows(type, roll), host), nothing = canonical_of(presence_view(), host);
    EXPECT_EQ(to_hex(union_of(type, a, nothing, host)), to_hex(a));
  });
}

TEST(algebra, clipping_twice_is_clipping_to_the_intersection) {
  for_all(96, [](key_type type, dice &roll, const host &host) {
    const bytes a = any_state(type, any_rows(type, roll), roll, host);
    const interval first = any_window(roll), second = any_window(roll);
    const bytes once = canonical_of(presence_view(a), host, first);
    EXPECT_EQ(to_hex(canonical_of(presence_view(once), host, second)),
              to_hex(canonical_of(presence_view(a), host, core::clip(first, second))));
  });
}

TEST(algebra, clipping_a_union_is_the_union_of_the_clipped) {
  for_all(97, [](key_type type, dice &roll, const host &host) {
    const bytes a = any_state(type, any_rows(type, roll), roll, host),
                b = any_state(type, any_rows(type, roll), roll, host);
    const interval window = any_window(roll);
    EXPECT_EQ(to_hex(canonical_of(presence_view(union_of(type, a, b, host)), host, window)),
              to_hex(union_of(type, canonical_of(presence_view(a), host, window),
                              canonical_of(presence_view(b), host, window), host)));
  });
}

// What is cut in two at any instant and put together again is whole, unless each piece counts for itself.
TEST(algebra, what_is_cut_heals) {
  for_all(98, [](key_type type, dice &roll, const host &host) {
    if (type == key_type::session) return;
    const bytes a = canonical_of(type, any_rows(type, roll), host);
    const instant cut = roll.between(-2, 90);
    EXPECT_EQ(to_hex(union_of(type, canonical_of(presence_view(a), host, {beginning, cut}),
                              canonical_of(presence_view(a), host, {cut, forever}), host)),
              to_hex(a));
  });
}

}  // namespace
}  // namespace headcount::test
