#include "core/presence/keyed_intervals.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::keyed_intervals;

entries content_of(const keyed_intervals &table, const context &with) { return read_all(presence_view(table), with); }

std::vector<interval> found(const keyed_intervals &table, std::string_view key, const context &with) {
  std::pmr::vector<interval> to(with.memory);
  EXPECT_TRUE(table.find(view_of(key), to)) << key;
  return {to.begin(), to.end()};
}

void expect_model(key_type type, const rows &arrived, const char *what) {
  const host host;
  keyed_intervals table(type, host.memory());
  fill(table, arrived);
  const entries model = model_of(type, arrived);
  EXPECT_EQ(content_of(table, host), model) << what;
  EXPECT_EQ(table.size(), model.size()) << what;
  if (type == key_type::session) return;
  for (const entry &each : model) EXPECT_EQ(found(table, each.key, host), each.intervals) << what;
}

rows one_key(const std::vector<interval> &intervals) {
  rows made;
  for (const interval &each : intervals) made.push_back({"k", each});
  return made;
}

TEST(keyed_intervals, starts_empty) {
  const host host;
  const keyed_intervals table(key_type::text, host.memory());
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.type(), key_type::text);
  EXPECT_TRUE(content_of(table, host).empty());
  std::pmr::vector<interval> to(host.memory());
  EXPECT_FALSE(table.find(view_of("k"), to));
}

TEST(keyed_intervals, in_order_of_time) {
  std::vector<interval> intervals;
  for (instant at = 0; at < 500; ++at) intervals.push_back({at * 10, at * 10 + 4});
  expect_model(key_type::text, one_key(intervals), "apart");
  for (interval &each : intervals) each.end = each.start + 10;
  expect_model(key_type::text, one_key(intervals), "touching");
  for (interval &each : intervals) each.end = each.start + 25;
  expect_model(key_type::text, one_key(intervals), "overlapping");
}

TEST(keyed_intervals, in_reverse_order_of_time) {
  std::vector<interval> intervals;
  for (instant at = 500; at > 0; --at) intervals.push_back({at * 10, at * 10 + 4});
  expect_model(key_type::text, one_key(intervals), "apart");
  for (interval &each : intervals) each.end = each.start + 10;
  expect_model(key_type::text, one_key(intervals), "touching");
}

// Each of the ways in which a new interval can lie to the latest one, with closed ones before it or none.
TEST(keyed_intervals, every_position_to_the_latest_interval) {
  for (const bool closed_before : {false, true}) {
    for (instant start = 0; start < 24; ++start) {
      for (instant end = start + 1; end < 25; ++end) {
        std::vector<interval> intervals{{10, 15}};
        if (closed_before) intervals.insert(intervals.begin(), {{1, 3}, {5, 7}});
        intervals.push_back({start, end});
        expect_model(key_type::text, one_key(intervals), "one more");
        intervals.push_back({20, 21});
        expect_model(key_type::text, one_key(intervals), "and another");
      }
    }
  }
}

TEST(keyed_intervals, any_order_of_few_intervals) {
  std::vector<int> order{0, 1, 2, 3, 4};
  const std::vector<interval> intervals{{0, 2}, {2, 4}, {5, 7}, {6, 9}, {1, 6}};
  do {
    std::vector<interval> arrived;
    for (const int at : order) arrived.push_back(intervals[static_cast<std::size_t>(at)]);
    for (std::size_t count = 1; count <= arrived.size(); ++count)
      expect_model(key_type::text, one_key({arrived.begin(), arrived.begin() + static_cast<std::ptrdiff_t>(count)}),
                   "any order");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(keyed_intervals, out_of_order_at_every_chunk_size) {
  dice roll(30);
  for (std::size_t count = 1; count < 400; count += 1 + count / 16) {
    std::vector<interval> intervals;
    for (std::size_t at = 0; at < count; ++at)
      intervals.push_back({static_cast<instant>(at) * 3, static_cast<instant>(at) * 3 + 1});
    roll.shuffle(intervals);
    expect_model(key_type::text, one_key(intervals), "shuffled");
  }
}

TEST(keyed_intervals, retries_do_not_pile_up) {
  const host host;
  keyed_intervals table(key_type::text, host.memory());
  table.add(view_of("k"), {1'000'000, 1'000'001});
  const auto memory_after = [&](int rounds) {
    for (int round = 0; round < rounds; ++round)
      for (instant at = 0; at < 40; ++at) table.add(view_of("k"), {at * 10, at * 10 + 5});
    return host.max_memory();
  };
  const std::size_t before = memory_after(50);
  EXPECT_EQ(memory_after(2000), before) << "the same 40 intervals again and again take more and more memory";
  std::vector<interval> expected;
  for (instant at = 0; at < 40; ++at) expected.push_back({at * 10, at * 10 + 5});
  expected.push_back({1'000'000, 1'000'001});
  EXPECT_EQ(found(table, "k", host), expected);
}

// Of all numbers of distinct intervals, none makes uniting them again due at every other row.
TEST(keyed_intervals, retries_are_not_united_again_each_time) {
  for (const instant distinct : {62, 63, 64, 65, 126, 127, 128, 255, 1023}) {
    const host host;
    keyed_intervals table(key_type::text, host.memory());
    table.add(view_of("k"), {1'000'000, 1'000'001});
    const auto add_all = [&] {
      for (instant at = 0; at < distinct; ++at) table.add(view_of("k"), {at * 10, at * 10 + 5});
    };
    for (int round = 0; round < 5; ++round) add_all();
    const std::uint64_t before = host.allocations();
    for (int round = 0; round < 20; ++round) add_all();
    // Uniting takes memory to sort in: once for as many rows as there are intervals is what is due.
    EXPECT_LE(host.allocations() - before, 100U) << distinct;
  }
}

TEST(keyed_intervals, gives_its_memory_back) {
  const host host;
  dice roll(36);
  {
    keyed_intervals table(key_type::text, host.memory());
    fill(table, random_rows(key_type::text, 5000, {.keys = 2000}, roll));
    EXPECT_GT(table.size(), 1000U);
  }
  EXPECT_EQ(host.held_memory(), 0U);
}

// A scan that begins in the middle of a table and comes round to its start.
TEST(keyed_intervals, in_order_but_from_the_middle) {
  std::vector<interval> intervals;
  for (instant at = 0; at < 600; ++at) intervals.push_back({at * 10, at * 10 + 4});
  std::rotate(intervals.begin(), intervals.begin() + 300, intervals.end());
  expect_model(key_type::text, one_key(intervals), "rotated");
  intervals.push_back({2995, 3000});
  expect_model(key_type::text, one_key(intervals), "and joined");
}

TEST(keyed_intervals, stays_right_through_compactions) {
  dice roll(31);
  for (int round = 0; round < 40; ++round) {
    std::vector<interval> intervals(700);
    for (interval &each : intervals)
      each = random_interval({.last_tick = roll.between(50, 3000), .longest = 3, .endless = 0}, roll);
    expect_model(key_type::text, one_key(intervals), "many in any order");
  }
}

TEST(keyed_intervals, freed_chunks_are_used_again_by_other_keys) {
  const host host;
  keyed_intervals table(key_type::text, host.memory());
  rows arrived;
  dice roll(32);
  for (int round = 0; round < 6000; ++round)
    arrived.push_back(
        {key_for(key_type::text, roll(6)), random_interval({.last_tick = 400, .longest = 2, .endless = 0}, roll)});
  fill(table, arrived);
  EXPECT_EQ(content_of(table, host), model_of(key_type::text, arrived));
}

TEST(keyed_intervals, keys_of_every_length) {
  rows arrived;
  for (std::size_t length = 0; length < 80; ++length) {
    arrived.push_back({std::string(length, 'a'), {static_cast<instant>(length), static_cast<instant>(length) + 5}});
    arrived.push_back({std::string(length, 'a') + "b", {1, 2}});
  }
  // Short keys are padded with zeros inside, which a key may also end with.
  for (std::size_t zeros = 0; zeros < 40; ++zeros)
    arrived.push_back({"a" + std::string(zeros, '\0'), {static_cast<instant>(zeros), 50}});
  arrived.push_back({std::string(100'000, 'z'), {1, 2}});
  arrived.push_back({std::string(100'000, 'z') + "z", {3, 4}});
  arrived.push_back({std::string("nul\0in it", 9), {3, 4}});
  arrived.push_back({std::string("nul\0at it", 9), {5, 6}});
  const rows once = arrived;
  arrived.insert(arrived.end(), once.begin(), once.end());
  expect_model(key_type::text, arrived, "lengths");
}

TEST(keyed_intervals, does_not_hold_on_to_the_callers_key) {
  const host host;
  keyed_intervals table(key_type::text, host.memory());
  for (const std::size_t length : {5U, 24U, 32U, 33U, 90U}) {
    std::string key(length, 'x');
    table.add(view_of(key), {1, 2});
    key.assign(length, 'y');
    EXPECT_EQ(found(table, std::string(length, 'x'), host), (std::vector<interval>{{1, 2}}));
  }
}

TEST(keyed_intervals, many_keys_grow_the_table) {
  const host host;
  keyed_intervals table(key_type::bigint, host.memory());
  constexpr std::int64_t keys = 40'000;
  for (std::int64_t key = 0; key < keys; ++key) table.add(core::bigint_key(key * 7919 % keys), {key, key + 1});
  for (std::int64_t key = 0; key < keys; ++key) table.add(core::bigint_key(key), {keys * 2, keys * 2 + 1});
  EXPECT_EQ(table.size(), static_cast<std::size_t>(keys));
  std::int64_t next = 0;
  table.for_each(host, true, [&](key_view key, std::span<const interval> intervals) {
    EXPECT_EQ(core::bigint_key::value_of(key), next++);
    EXPECT_EQ(intervals.size(), 2U);
  });
  EXPECT_EQ(next, keys);
  std::pmr::vector<interval> to(host.memory());
  EXPECT_FALSE(table.find(core::bigint_key(keys), to));
}

TEST(keyed_intervals, unordered_reading_gives_the_same_keys) {
  const host host;
  dice roll(33);
  const rows arrived = random_rows(key_type::text, 3000, {.keys = 900}, roll);
  keyed_intervals table(key_type::text, host.memory());
  fill(table, arrived);
  entries all;
  table.for_each(host, false, [&](key_view key, std::span<const interval> intervals) {
    all.push_back({string_of(key), {intervals.begin(), intervals.end()}});
  });
  std::sort(all.begin(), all.end(),
            [](const entry &a, const entry &b) { return core::compare(view_of(a.key), view_of(b.key)) < 0; });
  EXPECT_EQ(all, model_of(key_type::text, arrived));
}

TEST(keyed_intervals, find_appends) {
  const host host;
  keyed_intervals table(key_type::text, host.memory());
  table.add(view_of("k"), {5, 6});
  table.add(view_of("k"), {1, 2});
  std::pmr::vector<interval> to({{0, 9}}, host.memory());
  EXPECT_TRUE(table.find(view_of("k"), to));
  ASSERT_EQ(to.size(), 3U);
  EXPECT_EQ(to[0], (interval{0, 9}));  // not united with what was there before
  EXPECT_EQ(to[1], (interval{1, 2}));
  EXPECT_EQ(to[2], (interval{5, 6}));
}

TEST(keyed_intervals, rows_that_wait_are_there_already) {
  for (int count = 1; count < 300; ++count) {
    const host host;
    keyed_intervals table(key_type::bigint, host.memory());
    for (int key = 0; key < count; ++key) table.add(core::bigint_key(key % 50), {key, key + 1});
    std::pmr::vector<interval> to(host.memory());
    EXPECT_TRUE(table.find(core::bigint_key((count - 1) % 50), to)) << count;
    EXPECT_EQ(to.back(), (interval{count - 1, count})) << count;
    EXPECT_EQ(table.size(), static_cast<std::size_t>(std::min(count, 50)));
  }
}

TEST(keyed_intervals, rows_with_long_keys_may_overtake) {
  rows arrived;
  for (instant at = 0; at < 1000; ++at)
    arrived.push_back({at % 3 == 0 ? std::string(40, 'l') : "short", {at * 7 % 400, at * 7 % 400 + 2}});
  expect_model(key_type::text, arrived, "long among short");
}

TEST(keyed_intervals, knows_the_first_start) {
  const host host;
  for (const key_type type : {key_type::text, key_type::session}) {
    keyed_intervals table(type, host.memory());
    EXPECT_EQ(table.first_start(), forever);
    for (const auto &[start, first] :
         {std::pair<instant, instant>{7, 7}, {9, 7}, {-3, -3}, {beginning, beginning}, {0, beginning}}) {
      table.add({}, {start, 20});
      EXPECT_EQ(table.first_start(), first);
    }
  }
}

TEST(keyed_intervals, sessions_each_count_for_themselves) {
  const rows arrived{{"", {5, 9}}, {"", {1, 3}}, {"", {5, 7}}, {"", {5, 9}}, {"", {3, 5}}};
  expect_model(key_type::session, arrived, "sessions");
  const host host;
  keyed_intervals table(key_type::session, host.memory());
  fill(table, arrived);
  std::pmr::vector<interval> to(host.memory());
  EXPECT_FALSE(table.find({}, to));
  EXPECT_TRUE(to.empty());
}

TEST(keyed_intervals, reading_does_not_change_it) {
  const host host;
  dice roll(34);
  keyed_intervals table(key_type::text, host.memory());
  rows arrived;
  for (int round = 0; round < 200; ++round) {
    arrived.push_back({key_for(key_type::text, roll(3)), random_interval({.last_tick = 90, .longest = 3}, roll)});
    table.add(view_of(arrived.back().key), arrived.back().when);
    const entries model = model_of(key_type::text, arrived);
    EXPECT_EQ(content_of(table, host), model);
    EXPECT_EQ(content_of(table, host), model);
  }
}

TEST(keyed_intervals, agrees_with_the_model) {
  dice roll(35);
  for (const key_type type : all_types) {
    for (int round = 0; round < 400; ++round) {
      const crowd among{
          .keys = 1 + roll(12), .last_tick = roll.between(1, 120), .longest = roll.between(1, 20), .endless = roll(20)};
      expect_model(type, random_rows(type, roll(150), among, roll), core::name_of(type));
    }
  }
}

TEST(keyed_intervals, reading_can_be_interrupted) {
  const host host;
  keyed_intervals table(key_type::bigint, host.memory());
  for (std::int64_t key = 0; key < 5000; ++key) table.add(core::bigint_key(key), {0, 1});
  for (const bool sorted : {false, true}) {
    polls_allowed = polls;
    EXPECT_THROW(table.for_each(host, sorted, [](key_view, std::span<const interval>) {}), interrupted);
    polls_allowed = UINT64_MAX;
  }
}

}  // namespace
}  // namespace headcount::test
