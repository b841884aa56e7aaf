#include "core/report/daily_levels.hpp"

#include <gtest/gtest.h>

#include <map>

#include "core/base/error.hpp"
#include "core/presence/polled.hpp"
#include "core/sizing/level_sweep.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::session_events;

struct weighed {
  interval when;
  std::int64_t weight;
};

void fill(session_events &events, const std::vector<weighed> &from) {
  for (const weighed &each : from) {
    if (events.type() == key_type::session)
      events.add({}, each.when);
    else
      events.add(core::bigint_key(each.weight), each.when);
  }
}

bytes written(const session_events &events, const context &with) {
  core::byte_buffer buffer(with.memory);
  events.write(buffer, with);
  return {buffer.data(), buffer.data() + buffer.size()};
}

std::int64_t level_at(const std::vector<weighed> &all, instant at) {
  std::int64_t level = 0;
  for (const weighed &each : all) level += each.when.start <= at && at < each.when.end ? each.weight : 0;
  return level;
}

using levels = std::map<core::day_number, std::int64_t>;

levels levels_of(const session_events &events, const core::time_zone &zone, instant as_of, const context &with) {
  levels found;
  for (const core::daily_level &each : core::find_daily_levels(events, zone, as_of, with)) found[each.day] = each.highest;
  return found;
}

TEST(daily_levels, of_nobody_and_of_what_is_carried_in) {
  const host with;
  session_events events(key_type::session, with.memory());
  EXPECT_TRUE(levels_of(events, utc, 10 * days, with).empty());
  events.add({}, {days + 1, 3 * days});  // ends as day 3 begins
  EXPECT_EQ(levels_of(events, utc, 10 * days, with), (levels{{1, 1}, {2, 1}}));
  EXPECT_EQ(levels_of(events, utc, days, with), levels());
  EXPECT_EQ(levels_of(events, utc, 2 * days, with), (levels{{1, 1}, {2, 1}}));
  events.add({}, {3 * days, forever});
  EXPECT_EQ(levels_of(events, utc, 3 * days - 1, with), (levels{{1, 1}, {2, 1}}));
  EXPECT_EQ(levels_of(events, utc, 5 * days, with), (levels{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}}));
}

// The twin tries the first instant of each day, and each start in it.
TEST(daily_levels, agree_with_every_instant_tried) {
  dice roll(8101);
  for (const named_zone &named : all_zones) {
    for (int round = 0; round < 25; ++round) {
      const host with;
      const bool is_weighted = roll.one_in(2);
      const core::time_zone &zone = *named.zone;
      std::vector<weighed> all;
      for (std::int64_t left = roll.between(0, 40); left > 0; --left) {
        weighed one{{roll.between(27, 74) * days + roll.between(-20, 20) * hours, 0}, is_weighted ? roll.between(0, 5) : 1};
        if (roll.one_in(3)) one.when.start = zone.start_of(static_cast<core::day_number>(roll.between(28, 73)));
        one.when.end = roll.one_in(8)   ? forever
                       : roll.one_in(4) ? one.when.start + 1
                       : roll.one_in(3) ? zone.start_of(core::day_of(one.when.start, zone) + 1)
                                        : one.when.start + 1 + roll.between(0, 70) * hours;
        all.push_back(one);
      }
      session_events events(is_weighted ? key_type::bigint : key_type::session, with.memory());
      fill(events, all);
      instant as_of = roll.between(40, 75) * days;
      if (roll.one_in(2)) as_of = zone.start_of(static_cast<core::day_number>(roll.between(40, 72))) - roll.between(0, 1);
      levels expected;
      for (core::day_number day = 20; day <= core::day_of(as_of, zone); ++day) {
        const instant from = zone.start_of(day), to = std::min(zone.start_of(day + 1), as_of + 1);
        if (from >= to) continue;
        std::int64_t best = level_at(all, from);
        for (const weighed &each : all)
          if (each.when.start >= from && each.when.start < to) best = std::max(best, level_at(all, each.when.start));
        if (best > 0) expected[day] = best;
      }
      ASSERT_EQ(levels_of(events, zone, as_of, with), expected) << named.name << " round " << round;
      session_events again(events.type(), with.memory());
      again.merge(written(events, with), with);
      ASSERT_EQ(levels_of(again, zone, as_of, with), expected) << named.name << " handed over";
    }
  }
}

// Each start needs what is there before it and at its instant, the lighter ones that start with it, and itself.
TEST(daily_levels, weights_are_swept_as_tick_by_tick) {
  dice roll(8102);
  for (int round = 0; round < 200; ++round) {
    const host with;
    std::vector<weighed> all;
    for (std::int64_t left = roll.between(0, 20); left > 0; --left) {
      const instant start = roll.between(-5, 40);
      all.push_back({{start, roll.one_in(6) ? forever : start + 1 + roll.between(0, 12)}, roll.one_in(15) ? 70'000 : roll.between(0, 4)});
    }
    session_events events(key_type::bigint, with.memory());
    fill(events, all);
    const interval window{roll.between(-3, 20), roll.between(21, 45)};
    std::map<std::int64_t, std::int64_t> held, found;
    for (instant at = window.start; at < window.end; ++at) ++held[level_at(all, at)];
    const core::level_times times = core::find_level_times(events, window, with);
    times.for_each([&](std::int64_t level, std::int64_t ticks, std::int64_t) { found[level] = ticks; });
    ASSERT_EQ(found, held);
    EXPECT_EQ(times.peak(), held.rbegin()->first);

    std::vector<std::int64_t> needed;
    for (std::size_t at = 0; at < all.size(); ++at) {
      const weighed &one = all[at];
      if (one.when.start < window.start || one.when.start >= window.end) continue;
      std::int64_t need = one.weight;
      for (std::size_t before = 0; before < all.size(); ++before) {
        const weighed &other = all[before];
        const bool is_there = other.when.start < one.when.start && other.when.end > one.when.start;
        const bool is_first = other.when.start == one.when.start &&
                              (other.weight < one.weight || (other.weight == one.weight && before < at));
        if (is_there || is_first) need += other.weight;
      }
      needed.push_back(need);
    }
    const core::capacities sized = core::find_capacities(events, window, with);
    EXPECT_EQ(sized.starts, static_cast<std::int64_t>(needed.size()));
    ASSERT_EQ(sized.all.size(), static_cast<std::size_t>(held.rbegin()->first + 1));
    for (const core::capacity &each : sized.all) {
      if (each.size > 100 && each.size % 997 != 0) continue;
      ASSERT_EQ(each.refused, std::count_if(needed.begin(), needed.end(), [&](std::int64_t need) { return need > each.size; }));
      std::int64_t lacking = 0;
      for (const auto &[level, ticks] : held) lacking += level > each.size ? ticks : 0;
      ASSERT_EQ(each.lacking, lacking);
    }
  }
}

TEST(daily_levels, too_much_is_an_error) {
  const host with;
  session_events events(key_type::bigint, with.memory());
  events.add(core::bigint_key(core::max_capacities + 1), {0, 10});
  EXPECT_THROW(core::find_capacities(events, {0, 20}, with), core::error);
  EXPECT_THROW(core::find_capacities(events, {5, 20}, with), core::error);
  events.add(core::bigint_key(INT64_MAX), {5, 10});
  EXPECT_THROW(core::find_daily_levels(events, utc, days, with), core::error);
  session_events negative(key_type::bigint, with.memory());
  negative.add(core::bigint_key(-1), {0, 10});
  EXPECT_THROW(core::find_daily_levels(negative, utc, days, with), core::error);
  session_events named(key_type::text, with.memory());
  named.add(view_of("a"), {0, 10});
  EXPECT_THROW(core::find_daily_levels(named, utc, days, with), core::error);
}

// A key weighs what the heaviest of its sessions there does.
TEST(daily_levels, keys_with_weights) {
  dice roll(8103);
  for (int round = 0; round < 200; ++round) {
    const host with;
    struct keyed {
      int key;
      weighed one;
    };
    std::vector<keyed> all;
    session_events events(key_type::text, with.memory()), plain(key_type::text, with.memory());
    const bool ones = roll.one_in(4);
    for (std::int64_t left = roll.between(0, 30); left > 0; --left) {
      const instant start = roll.between(-5, 40);
      all.push_back({static_cast<int>(roll.between(0, 6)),
                     {{start, roll.one_in(6) ? forever : start + 1 + roll.between(0, 12)}, ones ? 1 : roll.between(0, 300)}});
      const auto key = key_for(key_type::text, static_cast<unsigned>(all.back().key));
      events.add(core::weighted_key(all.back().one.weight, view_of(key), with.memory()), all.back().one.when);
      plain.add(view_of(key), all.back().one.when);
    }
    std::int64_t expected = 0;
    for (instant at = -5; at <= 40; ++at) {
      std::map<int, std::int64_t> heaviest;
      for (const keyed &each : all)
        if (each.one.when.start <= at && at < each.one.when.end)
          heaviest[each.key] = std::max(heaviest[each.key], each.one.weight);
      std::int64_t sum = 0;
      for (const auto &[key, weight] : heaviest) sum += weight;
      expected = std::max(expected, sum);
    }
    ASSERT_EQ(events.highest_weight(with), expected);
    if (ones) {
      EXPECT_EQ(plain.highest(with), expected);
    }
    session_events again(key_type::text, with.memory());
    again.merge(written(events, with), with);
    ASSERT_EQ(again.highest_weight(with), expected);
  }
}

TEST(daily_levels, damaged_weights_are_noticed_and_too_large_ones_refused) {
  const host with;
  struct deaf final : core::level_listener {
    void hear(instant, std::int64_t, std::span<const std::int64_t>, std::int64_t) override {}
  };
  const auto fault_of = [](auto &&ask) -> std::optional<core::fault> {
    try {
      ask();
    } catch (const core::error &error) {
      return error.kind();
    }
    return std::nullopt;
  };
  const auto sweep_of = [&](const session_events &events) { return fault_of([&] { deaf heard; events.sweep(with, heard); }); };
  const auto highest_of = [&](const session_events &events) { return fault_of([&] { (void)events.highest_weight(with); }); };

  const std::int64_t most = INT64_MAX;
  session_events negative(key_type::bigint, with.memory()), heavy(key_type::bigint, with.memory()), named(key_type::uuid, with.memory());
  negative.add(core::bigint_key(-1), {0, 5});
  heavy.add(core::bigint_key(most), {0, 5});
  EXPECT_EQ(sweep_of(heavy), std::nullopt);
  heavy.add(core::bigint_key(1), {4, 9});
  named.add(view_of("0123456789abcdef"), {0, 5});
  EXPECT_EQ(sweep_of(negative), core::fault::damaged_bytes);
  EXPECT_EQ(sweep_of(heavy), core::fault::number_too_large);
  EXPECT_EQ(sweep_of(named), core::fault::damaged_bytes) << "another kind of state";
  EXPECT_EQ(highest_of(named), core::fault::damaged_bytes) << "another kind of state";

  session_events keyed(key_type::text, with.memory()), wrong(key_type::text, with.memory());
  keyed.add(core::weighted_key(most, view_of("a"), with.memory()), {0, 5});
  EXPECT_EQ(highest_of(keyed), std::nullopt);
  keyed.add(core::weighted_key(1, view_of("b"), with.memory()), {4, 9});
  EXPECT_EQ(highest_of(keyed), core::fault::number_too_large);
  wrong.add(view_of(std::string(9, '\xff') + "\x01" + "c"), {0, 5});
  EXPECT_EQ(highest_of(wrong), core::fault::damaged_bytes) << "a weight beyond what a bigint holds";

  const auto read = [&](const char *hex) {
    session_events events(session_events::type_of(from_hex(hex)), with.memory());
    events.merge(from_hex(hex), with);
    return events.type() == key_type::session ? sweep_of(events) : highest_of(events);
  };
  //             head              last instant     keys and events
  EXPECT_EQ(read("c5010400 0000000000000000 00 02 81 03 01 02"), std::nullopt);
  EXPECT_EQ(read("c5010400 0000000000000000 00 01 01 03"), core::fault::damaged_bytes) << "an end without a start";
  EXPECT_EQ(read("c5010100 0000000000000000 01 020561 02 81 03 01 02"), std::nullopt);
  EXPECT_EQ(read("c5010100 0000000000000000 01 020561 01 01 03"), core::fault::damaged_bytes) << "an end without a start";
}

}  // namespace
}  // namespace headcount::test
