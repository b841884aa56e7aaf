#include "core/time/changed_days.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/error.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::changed_days;
using core::day_number;
using core::day_runs;
using core::no_first_day;
using core::no_last_day;

using pairs = std::vector<std::pair<day_number, day_number>>;

pairs pairs_of(const day_runs &found) {
  pairs all;
  for (const core::day_run &run : found.runs()) all.emplace_back(run.first, run.last);
  return all;
}

// Sets of days up to a horizon that no finite interval of these tests reaches.
constexpr day_number horizon = 3000;
using day_set = std::set<day_number>;

day_set days_in(const day_runs &found) {
  day_set all;
  std::int64_t before = INT64_MIN;
  for (const core::day_run &run : found.runs()) {
    EXPECT_LE(run.first, run.last);
    if (!all.empty()) {
      EXPECT_GT(run.first - before, 1) << "runs that could be one";
    }
    for (day_number day = run.first; day <= std::min(run.last, horizon); ++day) all.insert(day);
    before = run.last;
  }
  return all;
}

// The days whose bounds hold an instant of the interval, and those without length between them: S4 as it is written.
void add_days(day_set &to, interval when, const core::time_zone &zone) {
  const auto holds = [&](day_number day, instant at) {
    return zone.start_of(day) <= at && at < zone.start_of(day + 1);
  };
  day_number day = -horizon;
  while (!holds(day, when.start)) ++day;
  for (; day <= horizon; ++day) {
    to.insert(day);
    if (when.end != forever && holds(day, when.end - 1)) return;
  }
}

struct session {
  std::string user;
  std::string host;
  interval when;
};

changed_days::session_key key_of(const session &from) { return {view_of(from.user), view_of(from.host), {}}; }

// The model: between two instants at which anything begins or ends, count.
day_set changed_slowly(const std::vector<session> &old_rows, const std::vector<session> &new_rows,
                       const core::time_zone &zone) {
  using key = std::pair<std::string, std::string>;
  std::map<key, std::set<instant>> bounds;
  for (const auto *rows : {&old_rows, &new_rows})
    for (const session &each : *rows) {
      bounds[{each.user, each.host}].insert(each.when.start);
      bounds[{each.user, each.host}].insert(each.when.end);
    }
  const auto count = [](const std::vector<session> &rows, const key &of, instant at) {
    return std::count_if(rows.begin(), rows.end(), [&](const session &each) {
      return each.user == of.first && each.host == of.second && each.when.start <= at && at < each.when.end;
    });
  };
  day_set all;
  for (const auto &[of, instants] : bounds)
    for (auto at = instants.begin(); std::next(at) != instants.end(); ++at)
      if (count(old_rows, of, *at) != count(new_rows, of, *at)) add_days(all, {*at, *std::next(at)}, zone);
  return all;
}

changed_days &fill(changed_days &days, const std::vector<session> &old_rows, const std::vector<session> &new_rows) {
  for (const session &each : old_rows) days.add_old(key_of(each), each.when);
  for (const session &each : new_rows) days.add_new(key_of(each), each.when);
  return days;
}

pairs changes(const std::vector<session> &old_rows, const std::vector<session> &new_rows) {
  const host with;
  changed_days changed(utc, core::forever, with.memory());
  return pairs_of(fill(changed, old_rows, new_rows).find(with));
}

constexpr interval between(std::int64_t from_day, std::int64_t from_hour, std::int64_t to_day, std::int64_t to_hour) {
  return {from_day * days + from_hour * hours, to_day * days + to_hour * hours};
}
constexpr interval open_from(std::int64_t day, std::int64_t hour) { return {day * days + hour * hours, forever}; }

// Asks of it are counted.
class counting_zone final : public core::time_zone {
 public:
  instant start_of(day_number day) const override {
    ++asked;
    return berlin.start_of(day);
  }
  std::int64_t wall_clock(instant at) const override { return berlin.wall_clock(at); }

  mutable int asked = 0;
};

// Refuses as PostgreSQL does where a day would begin beyond the range of time.
class bounded_zone final : public core::time_zone {
 public:
  explicit bounded_zone(std::int64_t offset) : offset_(offset) {}
  instant start_of(day_number day) const override {
    const instant start = day * days - offset_;
    for (const instant at : {day * days, start})
      if (at < core::first_finite || at >= core::end_of_finite) throw core::error(core::fault::out_of_range, "beyond");
    return start;
  }
  std::int64_t wall_clock(instant at) const override { return at + offset_; }

 private:
  std::int64_t offset_;
};

// --- without counterparts --------------------------------------------------------------------------------------------

TEST(changed_days, nothing_was_changed) {
  const host with;
  const changed_days changed(utc, core::forever, with.memory());
  EXPECT_TRUE(changed.find(with).runs().empty());
}

TEST(changed_days, an_interval_changes_the_days_it_meets_and_no_other) {
  const host with;
  const auto days_of = [&](interval each) {
    changed_days changed(utc, core::forever, with.memory());
    changed.add(each);
    return pairs_of(changed.find(with));
  };
  EXPECT_EQ(days_of(between(10, 0, 11, 0)), (pairs{{10, 10}}));
  EXPECT_EQ(days_of({10 * days, 11 * days + 1}), (pairs{{10, 11}}));
  EXPECT_EQ(days_of({10 * days - 1, 11 * days}), (pairs{{9, 10}}));
  EXPECT_EQ(days_of({10 * days, 10 * days + 1}), (pairs{{10, 10}}));
  EXPECT_EQ(days_of(between(-3, 5, 400, 5)), (pairs{{-3, 400}}));
  EXPECT_EQ(days_of(open_from(10, 23)), (pairs{{10, no_last_day}}));
}

TEST(changed_days, neighbouring_days_are_one_run) {
  const host with;
  changed_days changed(utc, core::forever, with.memory());
  const auto add_day = [&](std::int64_t day) { changed.add(between(day, 6, day, 7)); };
  for (const std::int64_t day : {10, 20, 12, 22, 18}) add_day(day);
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{10, 10}, {12, 12}, {18, 18}, {20, 20}, {22, 22}}));
  add_day(11);
  add_day(21);
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{10, 12}, {18, 18}, {20, 22}}));
  changed.add(open_from(19, 0));
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{10, 12}, {18, no_last_day}}));
  add_day(500);
  changed.add(open_from(600, 0));
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{10, 12}, {18, no_last_day}}));
  changed.add(between(8, 0, 18, 1));
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{8, no_last_day}}));
}

TEST(changed_days, random_intervals_in_every_zone) {
  std::mt19937 random(7);
  for (const named_zone &zone : all_zones)
    for (int round = 0; round < 40; ++round) {
      const host with;
      changed_days changed(*zone.zone, core::forever, with.memory());
      day_set model;
      for (int row = 0; row < 1 + round; ++row) {
        // Around the days on which the clocks of these zones change, on bounds of days and beside them.
        const std::int64_t around[] = {30, 50, 60, 70, 100, 200, spring_2024 - 8800, autumn_2024 - 9000};
        const instant start = (around[random() % 8] + static_cast<std::int64_t>(random() % 5) - 2) * days +
                              static_cast<std::int64_t>(random() % 48) * 30 * minutes -
                              static_cast<std::int64_t>(random() % 3);
        const std::int64_t length =
            static_cast<std::int64_t>(random() % 100) * 30 * minutes + static_cast<std::int64_t>(random() % 3);
        const interval each{start, random() % 200 == 0 ? forever : start + std::max<std::int64_t>(length, 1)};
        changed.add(each);
        add_days(model, each, *zone.zone);
      }
      EXPECT_EQ(days_in(changed.find(with)), model) << zone.name;
    }
}

TEST(changed_days, beyond_the_limit_the_nearest_runs_become_one) {
  const host with;
  // Gaps of 2, 3, 4, ... days: the runs in front are the nearest to each other.
  std::vector<day_number> single{0};
  for (day_number gap = 2; single.size() < day_runs::max_runs + 36; ++gap) single.push_back(single.back() + gap);
  pairs expected{{0, single[36]}};
  for (std::size_t at = 37; at < single.size(); ++at) expected.emplace_back(single[at], single[at]);
  ASSERT_EQ(expected.size(), day_runs::max_runs);

  changed_days forward(utc, core::forever, with.memory()), backward(utc, core::forever, with.memory());
  for (const day_number day : single) forward.add(between(day, 1, day, 2));
  EXPECT_EQ(pairs_of(forward.find(with)), expected);
  for (std::size_t at = single.size(); at-- > 0;) backward.add(between(single[at], 1, single[at], 2));
  EXPECT_EQ(pairs_of(backward.find(with)), expected);
}

TEST(changed_days, any_number_of_runs_covers_all_that_changed) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    const host with;
    changed_days changed(berlin, core::forever, with.memory());
    day_set model;
    for (int row = 0; row < 400; ++row) {
      const instant start = static_cast<std::int64_t>(random() % (horizon - 100)) * days;
      const interval each{start, start + 1 + static_cast<std::int64_t>(random() % (2 * days))};
      changed.add(each);
      add_days(model, each, berlin);
    }
    const day_runs found = changed.find(with);
    EXPECT_EQ(found.runs().size(), day_runs::max_runs);
    const day_set covered = days_in(found);
    EXPECT_TRUE(std::includes(covered.begin(), covered.end(), model.begin(), model.end()));
  }
}

TEST(changed_days, the_ends_of_time_fail_nobody) {
  const host with;
  for (const std::int64_t offset : {-24 * hours, -1 * hours, std::int64_t{0}, 15 * hours, 24 * hours, 167 * hours}) {
    const bounded_zone zone(offset);
    const auto days_of = [&](interval each) {
      changed_days changed(zone, core::forever, with.memory());
      changed.add(each);
      changed.add(each);
      return pairs_of(changed.find(with)).at(0);
    };
    const auto earliest = days_of({core::first_finite, core::first_finite + 1});
    EXPECT_EQ(earliest.first, no_first_day);
    EXPECT_LT(earliest.second, core::first_finite / days + 20);
    const auto latest = days_of({core::end_of_finite - 1, core::end_of_finite});
    EXPECT_GT(latest.first, core::end_of_finite / days - 20);
    EXPECT_EQ(latest.second, no_last_day);
    EXPECT_EQ(days_of({core::first_finite, forever}), (std::pair{no_first_day, no_last_day}));
    // Whatever lies in between has the days of any other zone.
    const instant early = core::first_finite + 30 * days, late = core::end_of_finite - 30 * days;
    EXPECT_EQ(days_of({early, late}), (std::pair{core::day_of(early, zone), core::day_of(late - 1, zone)}));
  }
}

TEST(changed_days, what_is_late_enough_is_left_out) {
  std::mt19937_64 random(17);
  constexpr std::int64_t span = 12 * 24;
  const auto instant_of = [&](std::int64_t most) { return static_cast<instant>(random() % static_cast<std::uint64_t>(most)) * hours; };
  for (int round = 0; round < 500; ++round) {
    const host with;
    const instant until = instant_of(span) + static_cast<instant>(random() % 3) - 1;
    changed_days changed(berlin, until, with.memory());
    std::vector<session> old_rows, new_rows;
    day_set model;
    instant first = forever;
    const auto random_session = [&] {
      const instant start = instant_of(span);
      return session{"u" + std::to_string(random() % 2), "h", {start, random() % 5 == 0 ? forever : start + 1 + instant_of(40)}};
    };
    for (auto left = random() % 4; left > 0; --left) old_rows.push_back(random_session());
    for (auto left = random() % 4; left > 0; --left) new_rows.push_back(random_session());
    fill(changed, old_rows, new_rows);
    // hour by hour, and what lies between
    std::set<instant> bounds{until};
    for (const auto *rows : {&old_rows, &new_rows})
      for (const session &each : *rows) bounds.insert({each.when.start, each.when.end});
    const auto count = [](const std::vector<session> &rows, const std::string &user, instant at) {
      return std::count_if(rows.begin(), rows.end(), [&](const session &each) { return each.user == user && each.when.start <= at && at < each.when.end; });
    };
    for (auto at = bounds.begin(); std::next(at) != bounds.end() && *at < until; ++at)
      for (const char *const user : {"u0", "u1"})
        if (count(old_rows, user, *at) != count(new_rows, user, *at)) {
          add_days(model, {*at, *std::next(at)}, berlin);
          first = std::min(first, *at);
        }
    if (random() % 2 == 0) {
      const session more = random_session();
      changed.add(more.when);
      if (more.when.start < until) {
        add_days(model, {more.when.start, std::min(more.when.end, until)}, berlin);
        first = std::min(first, more.when.start);
      }
    }
    const day_runs found = changed.find(with);
    ASSERT_EQ(days_in(found), model) << "round " << round;
    instant found_first = forever;
    for (const core::day_run &run : found.runs()) {
      found_first = std::min(found_first, run.from);
      ASSERT_GE(run.from, run.bounds.start) << "round " << round;
      ASSERT_LT(run.from, run.bounds.end) << "round " << round;
    }
    ASSERT_EQ(found_first, first) << "round " << round;
  }
}

TEST(changed_days, rows_of_one_day_are_converted_once) {
  const host with;
  const counting_zone zone;
  changed_days changed(zone, core::forever, with.memory());
  for (int row = 0; row < 10'000; ++row) {
    const std::int64_t start = spring_2024 * days + (row * 7 % 300) * minutes;
    changed.add({start, start + 3 * hours});
  }
  EXPECT_LT(zone.asked, 20);
  // Runs that are known hold rows in any order.
  changed.add(between(spring_2024 + 30, 0, spring_2024 + 40, 0));
  zone.asked = 0;
  for (int row = 0; row < 10'000; ++row) {
    const std::int64_t start = (spring_2024 + row % 2 * 33) * days;
    changed.add({start, start + 2 * hours});
  }
  EXPECT_EQ(zone.asked, 0);
}

TEST(changed_days, a_statement_of_one_row_takes_little_memory) {
  const host with;
  changed_days inserted(utc, core::forever, with.memory()), updated(utc, core::forever, with.memory());
  EXPECT_EQ(with.max_memory(), 0U);
  inserted.add(open_from(1, 1));
  EXPECT_LE(with.max_memory(), 32U);
  fill(updated, {{"anna", "h1", open_from(1, 1)}}, {{"anna", "h1", between(1, 1, 1, 2)}});
  EXPECT_LE(with.max_memory(), 2048U);
}

// --- with counterparts -----------------------------------------------------------------------------------------------

TEST(changed_days, what_stays_the_same_cancels) {
  const session anna{"anna", "h1", between(5, 1, 7, 2)}, open{"bert", "h2", open_from(3, 0)};
  EXPECT_EQ(changes({anna, open}, {anna, open}), pairs{});
  EXPECT_EQ(changes({anna, open, anna}, {anna, anna, open}), pairs{});
  EXPECT_EQ(changes({}, {}), pairs{});
}

TEST(changed_days, closing_changes_what_comes_after_the_end) {
  EXPECT_EQ(changes({{"anna", "h1", open_from(3, 0)}}, {{"anna", "h1", between(3, 0, 9, 12)}}),
            (pairs{{9, no_last_day}}));
  // At midnight: the day that begins there is the first that changes.
  EXPECT_EQ(changes({{"anna", "h1", open_from(3, 0)}}, {{"anna", "h1", between(3, 0, 9, 0)}}),
            (pairs{{9, no_last_day}}));
  EXPECT_EQ(changes({{"anna", "h1", between(3, 0, 9, 12)}}, {{"anna", "h1", open_from(3, 0)}}),
            (pairs{{9, no_last_day}}));
}

TEST(changed_days, moving_an_end_changes_what_lies_between) {
  EXPECT_EQ(changes({{"anna", "h1", between(3, 0, 9, 12)}}, {{"anna", "h1", between(3, 0, 15, 0)}}), (pairs{{9, 14}}));
  EXPECT_EQ(changes({{"anna", "h1", between(3, 0, 9, 12)}}, {{"anna", "h1", between(5, 0, 9, 12)}}), (pairs{{3, 4}}));
  EXPECT_EQ(changes({{"anna", "h1", between(3, 0, 9, 12)}}, {{"anna", "h1", between(20, 0, 20, 1)}}),
            (pairs{{3, 9}, {20, 20}}));
}

TEST(changed_days, another_user_host_or_server_changes_the_days_of_both) {
  const host with;
  const auto moved = [&](const changed_days::session_key &from, const changed_days::session_key &to) {
    changed_days changed(utc, core::forever, with.memory());
    changed.add_old(from, between(3, 0, 4, 0));
    changed.add_new(to, between(3, 0, 6, 0));
    return pairs_of(changed.find(with));
  };
  const auto a = view_of("a"), b = view_of("b"), ab = view_of("ab"), none = view_of("");
  EXPECT_EQ(moved({a, a, a}, {a, a, a}), (pairs{{4, 5}}));
  EXPECT_EQ(moved({a, a, a}, {b, a, a}), (pairs{{3, 5}}));
  EXPECT_EQ(moved({a, a, a}, {a, b, a}), (pairs{{3, 5}}));
  EXPECT_EQ(moved({a, a, a}, {a, a, b}), (pairs{{3, 5}}));
  EXPECT_EQ(moved({{}, {}, {}}, {{}, {}, {}}), (pairs{{4, 5}}));
  EXPECT_EQ(moved({{}, a, a}, {none, a, a}), (pairs{{3, 5}}));
  EXPECT_EQ(moved({{}, a, {}}, {a, {}, {}}), (pairs{{3, 5}}));
  EXPECT_EQ(moved({ab, none, a}, {a, b, a}), (pairs{{3, 5}}));
}

TEST(changed_days, sessions_are_counted) {
  const session one{"anna", "h1", between(3, 0, 9, 0)};
  EXPECT_EQ(changes({one, one}, {one}), (pairs{{3, 8}}));
  // One session that becomes two which follow each other, and back.
  const std::vector<session> split{{"anna", "h1", between(3, 0, 6, 6)}, {"anna", "h1", between(6, 6, 9, 0)}};
  EXPECT_EQ(changes({one}, split), pairs{});
  EXPECT_EQ(changes(split, {one}), pairs{});
  EXPECT_EQ(changes({one}, {one, {"anna", "h1", between(5, 0, 6, 0)}}), (pairs{{5, 5}}));
}

TEST(changed_days, random_updates_against_counting) {
  std::mt19937 random(23);
  for (const named_zone &zone : all_zones)
    for (int round = 0; round < 60; ++round) {
      const host with;
      const auto some_interval = [&]() -> interval {
        const instant start =
            static_cast<std::int64_t>(20 + random() % 100) * days + static_cast<std::int64_t>(random() % 8) * 3 * hours;
        return {start, random() % 4 == 0 ? forever : start + 1 + static_cast<std::int64_t>(random() % 30) * 3 * hours};
      };
      const auto some_name = [&](char letter) {
        return letter + std::to_string(random() % 3) + std::string(random() % 5 == 0 ? 50 : 0, 'x');
      };
      std::vector<session> old_rows, new_rows;
      for (int row = 0; row < 1 + round / 2; ++row) {
        session each{some_name('u'), some_name('h'), some_interval()};
        old_rows.push_back(each);
        switch (random() % 6) {
          case 0: each.when.end = each.when.start + 30 * hours; break;
          case 1: each.when.end = forever; break;
          case 2: each.when = some_interval(); break;
          case 3: each.user = some_name('u'); break;
          default: break;
        }
        if (random() % 20 != 0) new_rows.push_back(each);
      }
      std::shuffle(new_rows.begin(), new_rows.end(), random);
      changed_days changed(*zone.zone, core::forever, with.memory());
      fill(changed, old_rows, new_rows);
      EXPECT_EQ(days_in(changed.find(with)), changed_slowly(old_rows, new_rows, *zone.zone)) << zone.name;
      EXPECT_EQ(days_in(changed.find(with)), days_in(changed.find(with))) << "asked twice";
    }
}

TEST(changed_days, both_kinds_of_rows_meet) {
  const host with;
  changed_days changed(utc, core::forever, with.memory());
  changed.add(between(1, 0, 2, 0));
  fill(changed, {{"anna", "h1", open_from(5, 0)}}, {{"anna", "h1", between(5, 0, 7, 0)}});
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{1, 1}, {7, no_last_day}}));
  changed.add(between(3, 0, 4, 0));
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{1, 1}, {3, 3}, {7, no_last_day}}));
}

TEST(changed_days, too_many_to_wait_change_all_their_days) {
  const host with;
  const session early{"anna", "h1", between(1, 0, 2, 0)}, late{"anna", "h1", between(9, 0, 10, 0)};
  changed_days changed(utc, core::forever, with.memory());
  for (std::size_t row = 0; row < changed_days::max_waiting / 2; ++row) fill(changed, {early}, {early});
  EXPECT_EQ(pairs_of(changed.find(with)), pairs{});  // as many as may wait
  fill(changed, {late}, {late});
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{1, 1}}));  // what came later still has its counterparts
  fill(changed, {{"bert", "h1", open_from(20, 0)}}, {{"bert", "h1", between(20, 0, 20, 5)}});
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{1, 1}, {20, no_last_day}}));
}

TEST(changed_days, memory_is_bounded) {
  const host with;
  changed_days changed(utc, core::forever, with.memory());
  const std::string long_name(100'000, 'x');
  for (int row = 0; row < 2'000; ++row) {
    const session each{long_name, "h1", between(1, 0, 2, 0)};
    fill(changed, {each}, {each});
  }
  EXPECT_LT(with.max_memory(), 4 * changed_days::max_key_bytes);
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{1, 1}}));
  const session brief{"anna", "h1", between(9, 0, 10, 0)};
  fill(changed, {brief, brief}, {brief, brief});
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{1, 1}}));  // after the long ones there is room again
  const std::size_t so_far = with.max_memory();
  for (std::size_t row = 0; row < 5 * changed_days::max_waiting; ++row)
    changed.add_old({view_of("anna"), {}, {}}, between(1, 0, 2, 0));
  EXPECT_LT(with.max_memory(), so_far + 24 * changed_days::max_waiting * 8);
}

TEST(changed_days, can_be_interrupted) {
  const host with;
  changed_days changed(utc, core::forever, with.memory());
  for (int row = 0; row < 10'000; ++row) changed.add_new({view_of("anna"), {}, {}}, open_from(row, 0));
  polls_allowed = polls;
  EXPECT_THROW((void)changed.find(with), interrupted);
  polls_allowed = UINT64_MAX;
  EXPECT_EQ(pairs_of(changed.find(with)), (pairs{{0, no_last_day}}));
}

}  // namespace
}  // namespace headcount::test
