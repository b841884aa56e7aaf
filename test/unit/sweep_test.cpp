#include "core/presence/sweep.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

// A presence with what the sweeps of it are compared with: the level at an instant is the number of keys with an
// interval around it, nothing else.
struct sample {
  bytes log;
  entries model;

  sample(key_type type, const rows &arrived) : log(log_of(type, arrived)), model(model_of(type, arrived)) {}
  explicit sample(const rows &arrived) : sample(key_type::text, arrived) {}

  presence_view view() const { return presence_view(log); }

  std::int64_t level_at(instant at) const {
    std::int64_t level = 0;
    for (const entry &key : model)
      for (const interval &each : key.intervals) level += each.start <= at && at < each.end ? 1 : 0;
    return level;
  }

  // Where the level may change, inside the window or at its start, ascending.
  std::vector<instant> edges(interval window) const {
    std::vector<instant> all{window.start};
    for (const entry &key : model) {
      for (const interval &each : key.intervals) {
        for (const instant at : {each.start, each.end})
          if (at > window.start && at < window.end) all.push_back(at);
      }
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }

  core::peak peak_in(interval window) const {
    core::peak best;
    if (core::is_empty(window)) return best;
    const std::vector<instant> all = edges(window);
    for (std::size_t at = 0; at < all.size(); ++at) {
      if (level_at(all[at]) <= best.level) continue;
      std::size_t next = at + 1;
      while (next < all.size() && level_at(all[next]) == level_at(all[at])) ++next;
      best = {level_at(all[at]), all[at], next < all.size() ? all[next] : window.end};
    }
    return best;
  }
};

interval random_window(dice &roll) {
  interval window{roll.between(-3, 45), roll.between(-3, 45)};
  if (roll.one_in(4)) window.start = beginning;
  if (roll.one_in(4)) window.end = forever;
  return window;
}

rows any_rows(key_type type, dice &roll) {
  return random_rows(type, roll(25), {.keys = 1 + roll(9), .longest = roll.between(1, 12), .endless = roll(14)}, roll);
}

void expect_peak(const core::peak &found, const core::peak &expected, const char *what) {
  EXPECT_EQ(found.level, expected.level) << what;
  if (expected.level == 0) return;
  EXPECT_EQ(found.at, expected.at) << what;
  EXPECT_EQ(found.until, expected.until) << what;
}

// --- peak ------------------------------------------------------------------------------------------------------------

TEST(peak, nothing_has_no_peak) {
  const host host;
  EXPECT_EQ(core::find_peak(presence_view(), core::all_time, host).level, 0);
  EXPECT_EQ(core::find_peak(sample({{"a", {1, 5}}}).view(), {5, 9}, host).level, 0);
  EXPECT_EQ(core::find_peak(sample({{"a", {1, 5}}}).view(), {4, 4}, host).level, 0);
  EXPECT_EQ(core::find_peak(sample({{"a", {1, 5}}}).view(), {4, 2}, host).level, 0);
}

TEST(peak, ends_come_before_starts) {
  const host host;
  const sample touching({{"a", {1, 5}}, {"b", {5, 9}}});
  expect_peak(core::find_peak(touching.view(), core::all_time, host), {1, 1, 9}, "a leaves as b comes");
}

TEST(peak, is_the_earliest_of_equals) {
  const host host;
  const sample twice({{"a", {1, 10}}, {"b", {2, 3}}, {"c", {5, 6}}});
  expect_peak(core::find_peak(twice.view(), core::all_time, host), {2, 2, 3}, "two peaks of two");
}

TEST(peak, a_key_counts_once_whatever_its_intervals) {
  const host host;
  const sample united({{"a", {1, 5}}, {"a", {2, 9}}, {"a", {2, 3}}});
  expect_peak(core::find_peak(united.view(), core::all_time, host), {1, 1, 9}, "one key");
  const sample sessions(key_type::session, {{"", {1, 5}}, {"", {2, 9}}, {"", {2, 3}}});
  expect_peak(core::find_peak(sessions.view(), core::all_time, host), {3, 2, 3}, "three sessions");
}

TEST(peak, may_never_end_and_never_have_begun) {
  const host host;
  const sample endless({{"a", {beginning, forever}}, {"b", {beginning, 7}}});
  expect_peak(core::find_peak(endless.view(), core::all_time, host), {2, beginning, 7}, "from the beginning");
  expect_peak(core::find_peak(endless.view(), {7, forever}, host), {1, 7, forever}, "for ever");
}

TEST(peak, what_is_carried_in_counts_from_the_windows_start) {
  const host host;
  const sample carried({{"a", {1, 9}}, {"b", {2, 8}}});
  expect_peak(core::find_peak(carried.view(), {5, 7}, host), {2, 5, 7}, "carried in");
}

TEST(peak, agrees_with_the_model) {
  dice roll(50);
  for (const key_type type : all_types) {
    for (int round = 0; round < 1200; ++round) {
      const host host;
      const sample sample(type, any_rows(type, roll));
      const interval window = random_window(roll);
      expect_peak(core::find_peak(sample.view(), window, host), sample.peak_in(window), "any rows");
    }
  }
}

// --- peaks of buckets ------------------------------------------------------------------------------------------------

void expect_peaks(const sample &sample, const std::vector<instant> &bounds, interval inside) {
  const host host;
  const auto peaks = core::find_peaks(sample.view(), bounds, inside, host);
  ASSERT_EQ(peaks.size(), bounds.empty() ? 0 : bounds.size() - 1);
  for (std::size_t at = 0; at < peaks.size(); ++at) {
    const core::peak expected = sample.peak_in(core::clip({bounds[at], bounds[at + 1]}, inside));
    EXPECT_EQ(peaks[at].level, expected.level) << "bucket " << at;
    if (expected.level != 0) {
      EXPECT_EQ(peaks[at].at, expected.at) << "bucket " << at;
    }
  }
}

TEST(peaks, no_bounds_no_buckets) {
  const sample sample({{"a", {1, 5}}});
  expect_peaks(sample, {}, core::all_time);
  expect_peaks(sample, {3}, core::all_time);
}

TEST(peaks, carried_over_every_bound) {
  const sample sample({{"a", {1, 100}}, {"b", {15, 35}}});
  expect_peaks(sample, {0, 10, 20, 30, 40, 50}, core::all_time);
}

TEST(peaks, leaving_at_a_bound_does_not_count_after_it) {
  expect_peaks(sample({{"a", {1, 10}}, {"b", {10, 20}}}), {0, 10, 20, 30}, core::all_time);
  expect_peaks(sample({{"a", {1, 10}}, {"b", {3, 10}}, {"c", {10, 12}}}), {0, 10, 20}, core::all_time);
}

TEST(peaks, one_leaves_and_one_comes_at_a_bound) {
  // The level does not change there, so there is no event; the bucket still begins with it.
  expect_peaks(sample({{"a", {1, 10}}, {"b", {10, 20}}, {"c", {5, 20}}}), {0, 10, 20}, core::all_time);
}

TEST(peaks, buckets_of_no_length_have_none) {
  const sample sample({{"a", {1, 100}}, {"b", {10, 11}}, {"c", {8, 10}}});
  expect_peaks(sample, {0, 10, 10, 20}, core::all_time);
  expect_peaks(sample, {10, 10, 10, 20}, core::all_time);
  expect_peaks(sample, {0, 10, 10}, core::all_time);
  expect_peaks(sample, {0, 10, 10, 10, 10, 12, 12}, core::all_time);
  expect_peaks(sample, {10, 10}, core::all_time);
}

TEST(peaks, nothing_outside_of_inside_counts) {
  const sample sample({{"a", {1, forever}}, {"b", {beginning, 25}}});
  expect_peaks(sample, {0, 10, 20, 30, 40}, {beginning, 22});
  expect_peaks(sample, {0, 10, 20, 30, 40}, {12, 14});
  expect_peaks(sample, {0, 10, 20, 30, 40}, {50, 60});
  expect_peaks(sample, {0, 10, 20, 30, 40}, {14, 12});
}

TEST(peaks, agree_with_the_model) {
  dice roll(51);
  for (const key_type type : all_types) {
    for (int round = 0; round < 1200; ++round) {
      std::vector<instant> bounds(roll(9));
      for (instant &each : bounds) each = roll.between(-4, 46);
      std::sort(bounds.begin(), bounds.end());
      interval inside = core::all_time;
      if (roll.one_in(2)) inside = random_window(roll);
      expect_peaks(sample(type, any_rows(type, roll)), bounds, inside);
    }
  }
}

// --- timeline --------------------------------------------------------------------------------------------------------

void expect_timeline(const sample &sample, interval window) {
  const host host;
  const auto changes = core::find_timeline(sample.view(), window, host);
  std::vector<std::pair<instant, std::int64_t>> found, expected;
  for (const core::level_change &each : changes) found.emplace_back(each.at, each.level);
  std::int64_t before = 0;
  if (!core::is_empty(window)) {
    for (const instant at : sample.edges(window)) {
      if (sample.level_at(at) == before) continue;
      before = sample.level_at(at);
      expected.emplace_back(at, before);
    }
  }
  EXPECT_EQ(found, expected);
}

TEST(timeline, of_two_keys) {
  const host host;
  const auto changes = core::find_timeline(sample({{"a", {1, 5}}, {"b", {3, 9}}}).view(), core::all_time, host);
  ASSERT_EQ(changes.size(), 4U);
  const std::pair<instant, std::int64_t> expected[] = {{1, 1}, {3, 2}, {5, 1}, {9, 0}};
  for (std::size_t at = 0; at < 4; ++at) {
    EXPECT_EQ(changes[at].at, expected[at].first);
    EXPECT_EQ(changes[at].level, expected[at].second);
  }
}

TEST(timeline, does_not_say_that_nothing_changes) {
  expect_timeline(sample({{"a", {1, 5}}, {"b", {5, 9}}}), core::all_time);
}

TEST(timeline, begins_with_what_is_carried_in_and_does_not_reach_the_windows_end) {
  expect_timeline(sample({{"a", {1, 5}}, {"b", {3, 9}}}), {4, 9});
  expect_timeline(sample({{"a", {beginning, forever}}}), {4, 9});
}

TEST(timeline, agrees_with_the_model) {
  dice roll(52);
  for (const key_type type : all_types)
    for (int round = 0; round < 1200; ++round) expect_timeline(sample(type, any_rows(type, roll)), random_window(roll));
}

// --- time at level ---------------------------------------------------------------------------------------------------

void expect_time_at_level(const sample &sample, interval window) {
  const host host;
  std::map<std::int64_t, std::int64_t> found, expected;
  for (const auto &[level, ticks] : core::find_time_at_level(sample.view(), window, host)) {
    EXPECT_TRUE(found.empty() || found.rbegin()->first < level) << "levels do not ascend";
    found[level] = ticks;
  }
  const bool bounded = window.start != beginning && window.end != forever;
  if (!core::is_empty(window)) {
    // Tick by tick, from the first to the last finite instant where the window has no bounds of its own.
    std::optional<instant> first, last;
    for (const entry &key : sample.model) {
      for (const interval &each : key.intervals) {
        const interval part = core::clip(each, window);
        if (core::is_empty(part)) continue;
        for (const instant at : {part.start, part.end}) {
          if (at == beginning || at == forever) continue;
          first = std::min(first.value_or(at), at), last = std::max(last.value_or(at), at);
        }
      }
    }
    if (window.start != beginning) first = window.start;
    if (window.end != forever) last = window.end;
    if (first.has_value() && last.has_value())
      for (instant at = *first; at < *last; ++at) ++expected[sample.level_at(at)];
    if (!bounded) expected.erase(0);
  }
  EXPECT_EQ(found, expected);
}

TEST(time_at_level, of_two_keys) {
  expect_time_at_level(sample({{"a", {1, 5}}, {"b", {3, 9}}}), {0, 20});
  expect_time_at_level(sample({{"a", {1, 5}}, {"b", {3, 9}}}), {4, 6});
}

TEST(time_at_level, nobody_is_level_0_all_the_time) {
  const host host;
  const auto durations = core::find_time_at_level(presence_view(), {3, 8}, host);
  ASSERT_EQ(durations.size(), 1U);
  EXPECT_EQ(durations[0].level, 0);
  EXPECT_EQ(durations[0].ticks, 5);
  EXPECT_TRUE(core::find_time_at_level(presence_view(), {8, 3}, host).empty());
  EXPECT_TRUE(core::find_time_at_level(presence_view(), core::all_time, host).empty());
}

TEST(time_at_level, open_ends_count_up_to_the_last_finite_instant) {
  expect_time_at_level(sample({{"a", {1, forever}}, {"b", {3, 9}}}), core::all_time);
  expect_time_at_level(sample({{"a", {beginning, 7}}, {"b", {3, 9}}}), core::all_time);
  expect_time_at_level(sample({{"a", {beginning, forever}}}), core::all_time);
  expect_time_at_level(sample({{"a", {beginning, forever}}}), {3, forever});
  expect_time_at_level(sample({{"a", {beginning, forever}}}), {3, 9});
}

TEST(time_at_level, agrees_with_the_model) {
  dice roll(53);
  for (const key_type type : all_types)
    for (int round = 0; round < 1200; ++round)
      expect_time_at_level(sample(type, any_rows(type, roll)), random_window(roll));
}

// --- scale -----------------------------------------------------------------------------------------------------------

TEST(sweep, many_rows_take_the_radix_sort) {
  const host host;
  core::keyed_intervals table(key_type::bigint, host.memory());
  // Key k is there from k to k + 1000, so the level climbs to 1000 and stays.
  constexpr std::int64_t keys = 20'000;
  for (std::int64_t key = keys; key-- > 0;) table.add(core::bigint_key(key), {key, key + 1000});
  expect_peak(core::find_peak(presence_view(table), core::all_time, host), {1000, 999, keys}, "a plateau");
  const auto durations = core::find_time_at_level(presence_view(table), core::all_time, host);
  ASSERT_EQ(durations.size(), 1000U);
  for (std::size_t at = 0; at < 999; ++at) EXPECT_EQ(durations[at].ticks, 2);
  EXPECT_EQ(durations[999].ticks, keys - 999);
}

TEST(sweep, can_be_interrupted) {
  const host host;
  core::keyed_intervals table(key_type::session, host.memory());
  for (std::int64_t at = 0; at < 5000; ++at) table.add({}, {at, at + 3});
  const core::event_list events(presence_view(table), core::all_time, host);
  polls_allowed = polls;
  EXPECT_THROW(events.for_each_change(host, [](instant, std::int64_t) {}), interrupted);
  polls_allowed = UINT64_MAX;
}

}  // namespace
}  // namespace headcount::test
