#include "core/presence/session_events.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "core/base/error.hpp"
#include "core/presence/sweep.hpp"
#include "support/faults.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::session_events;

constexpr std::int64_t hours = core::ticks_per_hour, years = 366 * core::ticks_per_day;

void fill(session_events &events, const rows &from) {
  for (const row &each : from) events.add(view_of(each.key), each.when);
}

bytes written(const session_events &events, const context &with) {
  core::byte_buffer buffer(with.memory);
  events.write(buffer, with);
  return {buffer.data(), buffer.data() + buffer.size()};
}

// The twin: intervals of each key united first, then swept.
std::int64_t highest_of(key_type type, const rows &from, const context &with) {
  core::keyed_intervals table(type, with.memory);
  fill(table, from);
  return core::find_peak(presence_view(table), core::all_time, with).level;
}

std::int64_t highest_of(const bytes &state, const context &with) {
  session_events events(session_events::type_of(state), with.memory);
  events.merge(state, with);
  return events.highest(with);
}

TEST(session_events, none_is_none) {
  const host with;
  for (const key_type type : all_types) {
    const session_events events(type, with.memory());
    EXPECT_EQ(events.highest(with), 0);
    EXPECT_EQ(highest_of(written(events, with), with), 0);
  }
}

TEST(session_events, touching_and_overlapping_sessions_of_a_key_are_one) {
  const host with;
  const rows arrived{{"a", {0, 10}},  {"a", {10, 20}}, {"a", {5, 12}},
                     {"b", {20, 21}}, {"b", {20, 21}}, {"c", {20, 25}}};
  session_events events(key_type::text, with.memory());
  fill(events, arrived);
  EXPECT_EQ(events.highest(with), 2);
  session_events nameless(key_type::session, with.memory());
  for (const row &each : arrived) nameless.add({}, each.when);
  EXPECT_EQ(nameless.highest(with), 3);
}

// All that may be different: how much there is, how far apart, how many keys, open ends, arrival.
TEST(session_events, agree_with_the_sweep_of_a_presence) {
  dice roll(31);
  for (const key_type type : all_types) {
    for (int round = 0; round < 60; ++round) {
      const host with;
      const auto far = static_cast<unsigned>(roll(5));
      const std::int64_t last[] = {40, hours, years, 300 * years, 200'000 * years};
      const crowd among{.keys = 1 + roll(far % 2 == 0 ? 8 : 3000),
                        .last_tick = last[far],
                        .longest = far == 0 ? 8 : last[far] / static_cast<std::int64_t>(1 + roll(1000)),
                        .endless = roll(3) * 6};
      const rows arrived = random_rows(type, roll(round % 10 == 0 ? 30'000 : 300), among, roll);
      session_events events(type, with.memory());
      fill(events, arrived);
      const std::int64_t expected = highest_of(type, arrived, with);
      ASSERT_EQ(events.highest(with), expected) << core::name_of(type) << " round " << round;
      ASSERT_EQ(events.highest(with), expected) << "asked again";
      ASSERT_EQ(highest_of(written(events, with), with), expected) << "handed over";
    }
  }
}

TEST(session_events, split_any_way_and_merged_are_the_same) {
  dice roll(32);
  for (const key_type type : all_types) {
    for (int round = 0; round < 6; ++round) {
      const host with;
      const crowd among{.keys = 1 + roll(2000), .last_tick = years, .longest = 20 * hours, .endless = 300};
      // Parts on both sides of what is kept as it is, and more of them than are kept.
      const rows arrived = random_rows(type, round % 3 == 0 ? 60'000 : 2000, among, roll);
      const std::size_t parts = 1 + roll(round % 3 == 0 ? 5 : 24);
      std::vector<std::unique_ptr<session_events>> split;
      for (std::size_t at = 0; at < parts; ++at) split.push_back(std::make_unique<session_events>(type, with.memory()));
      session_events merged(type, with.memory());
      for (const row &each : arrived) {
        const std::size_t to = roll(parts + 1);
        (to == parts ? merged : *split[to]).add(view_of(each.key), each.when);
      }
      for (std::size_t at = 0; at < parts; ++at) {
        if (at % 2 == 0)
          merged.merge(written(*split[at], with), with);
        else
          merged.merge(*split[at], with);
      }
      const std::int64_t expected = highest_of(type, arrived, with);
      EXPECT_EQ(merged.highest(with), expected) << core::name_of(type);
      const bytes state = written(merged, with);
      EXPECT_EQ(highest_of(state, with), expected) << core::name_of(type) << " handed on";
      merged.merge(state, with);  // the same rows once more: keys are there already, sessions are there twice
      EXPECT_EQ(merged.highest(with), type == key_type::session ? 2 * expected : expected);
    }
  }
}

TEST(session_events, times_at_both_ends_of_what_there_is) {
  const host with;
  const rows arrived{{"a", {core::first_finite, core::first_finite + 1}},
                     {"b", {core::first_finite, core::end_of_finite}},
                     {"c", {core::end_of_finite - 1, core::end_of_finite}},
                     {"d", {core::end_of_finite - 1, forever}},
                     {"e", {beginning, forever}}};
  session_events events(key_type::text, with.memory());
  fill(events, arrived);
  EXPECT_EQ(events.highest(with), 4);
  EXPECT_EQ(highest_of(written(events, with), with), 4);
}

TEST(session_events, take_memory_for_what_they_hold) {
  const host with;
  dice roll(33);
  session_events events(key_type::text, with.memory());
  for (int at = 0; at < 1000; ++at) {
    const instant start = roll.between(0, 50'000 * years);
    events.add(view_of("user" + std::to_string(roll(20))), {start, start + hours});
  }
  EXPECT_EQ(events.highest(with), 1);
  EXPECT_LT(with.max_memory(), 150'000U);
}

TEST(session_events, types_do_not_mix) {
  const host with;
  session_events bigints(key_type::bigint, with.memory()), texts(key_type::text, with.memory());
  EXPECT_THROW(texts.merge(written(bigints, with), with), core::error);
}

TEST(session_events, a_long_loop_can_be_interrupted) {
  const host with;
  dice roll(34);
  session_events events(key_type::text, with.memory());
  fill(events, random_rows(key_type::text, 50'000, {.keys = 500, .last_tick = years, .longest = hours}, roll));
  polls = 0;
  polls_allowed = 3;
  EXPECT_THROW((void)events.highest(with), interrupted);
  polls_allowed = UINT64_MAX;
}

// --- damage ----------------------------------------------------------------------------------------------------------

void expect_damaged_state(const bytes &state, const char *what) {
  const host with;
  expect_fault(core::fault::damaged_bytes, [&] { (void)highest_of(state, with); }, what);
}

//                     head     last event       keys      events: a begins 3 ticks after `beginning`, ends 2 later
constexpr const char *head = "c5010100 0000000000000000 ";

TEST(session_events, damage_is_noticed) {
  const auto state = [](const char *rest) { return from_hex(std::string(head) + rest); };
  const host with;
  EXPECT_EQ(highest_of(state("01 0161 02 81 03 01 02"), with), 1);
  EXPECT_EQ(highest_of(from_hex("c5010400 0000000000000000 00 02 81 03 81 02"), with), 2);  // without keys
  expect_damaged_state(from_hex("c5010100 00000000000000"), "a head cut off");
  expect_damaged_state(from_hex("c4010100 0000000000000000 00 00"), "another magic");
  expect_damaged_state(from_hex("c5020100 0000000000000000 00 00"), "another version");
  expect_damaged_state(from_hex("c5010000 0000000000000000 00 00"), "no key type");
  expect_damaged_state(from_hex("c5010500 0000000000000000 00 00"), "an unknown key type");
  expect_damaged_state(from_hex("c5010101 0000000000000000 00 00"), "something where nothing is");
  expect_damaged_state(state("05 0161 00"), "more keys than bytes");
  expect_damaged_state(state("01 0561 00"), "a key cut off");
  expect_damaged_state(state("01 0161 05 81 03"), "more events than bytes");
  expect_damaged_state(state("01 0161 02 81 03"), "an event too few");
  expect_damaged_state(state("01 0161 01 81 03 01 02"), "bytes behind the last event");
  expect_damaged_state(state("01 0161 01 89 0300000000000000 00"), "a gap of 9 bytes");
  expect_damaged_state(state("01 0161 01 d1 03 0000000000"), "a number of 5 bytes");
  expect_damaged_state(state("01 0161 02 91 03 01 01 02"), "a key that is not there");
  expect_damaged_state(state("00 01 81 03"), "an event of no key");
  expect_damaged_state(from_hex("c5010400 0000000000000000 01 00 00"), "a session with a key");
  expect_damaged_state(from_hex("c5010400 0000000000000000 00 01 91 03 01"), "a session with a number");
  expect_damaged_state(state("01 0161 01 88 ffffffffffffffff"), "a time beyond all");
  expect_damaged_state(state("01 0161 02 81 03 00"), "an end behind a start of the same instant");
  expect_damaged_state(state("01 0161 01 01 03"), "an end without a start");
  expect_damaged_state(from_hex("c5010400 0000000000000000 00 01 01 03"), "an end of nobody");
}

TEST(session_events, no_damage_leads_out_of_the_bytes) {
  dice roll(35);
  for (const key_type type : all_types) {
    const host kept;
    session_events events(type, kept.memory());
    fill(events, random_rows(type, 200, {.keys = 20, .endless = 20}, roll));
    const bytes sound = written(events, kept);
    for (std::size_t size = 0; size < sound.size(); ++size)
      expect_damaged_state({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)}, "truncated");
    for (int round = 0; round < 2000; ++round) {
      const host with;
      bytes state = sound;
      for (std::uint64_t changes = 1 + roll(3); changes > 0; --changes)
        state[roll(state.size())] = static_cast<std::byte>(roll(256));
      try {
        (void)highest_of(state, with);
      } catch (const core::error &error) {
        EXPECT_EQ(error.kind(), core::fault::damaged_bytes);
      }
    }
  }
}

}  // namespace
}  // namespace headcount::test
