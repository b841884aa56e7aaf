// Memory runs out at every allocation there is: what comes of it is std::bad_alloc or the right answer, nothing is written
// past, and nothing is held that the host does not know of (the sanitizers look at both).

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <new>

#include "core/flexnet/debug_log.hpp"
#include "core/flexnet/pair_checkouts.hpp"
#include "core/presence/polled.hpp"
#include "core/presence/session_events.hpp"
#include "core/presence/sweep.hpp"
#include "core/report/daily_presence.hpp"
#include "core/report/day_fold.hpp"
#include "core/report/numbered_days.hpp"
#include "core/report/report.hpp"
#include "core/sets/dictionary_page.hpp"
#include "core/sets/key_set.hpp"
#include "core/sets/multiset_counter.hpp"
#include "core/sizing/level_sweep.hpp"
#include "core/time/changed_days.hpp"
#include "support/toolbox.hpp"
#include "support/user_sets.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

// Gives memory so many times.
class limited final : public std::pmr::memory_resource {
 public:
  // From the `fails_at`th allocation on, counted from 0, there is no more, or only that one fails.
  limited(std::uint64_t fails_at, bool recovers) : fails_at_(fails_at), recovers_(recovers) {}

  std::uint64_t allocations() const { return allocations_; }

 private:
  void *do_allocate(std::size_t size, std::size_t alignment) override {
    const std::uint64_t number = allocations_++;
    if (number == fails_at_ || (number > fails_at_ && !recovers_)) throw std::bad_alloc();
    return arena_.allocate(size, alignment);
  }
  void do_deallocate(void *block, std::size_t size, std::size_t alignment) override {
    arena_.deallocate(block, size, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override { return this == &other; }

  arena arena_;
  std::uint64_t fails_at_;
  bool recovers_;
  std::uint64_t allocations_ = 0;
};

// Goes through the kernel and tells what it found.
using tour = std::function<std::string(const context &)>;

void fail_each_allocation_of(const tour &walk) {
  limited plenty(UINT64_MAX, false);
  const std::string expected = walk({&plenty, poll});
  ASSERT_FALSE(expected.empty());
  ASSERT_GT(plenty.allocations(), 3U);
  std::uint64_t failed = 0;
  for (const bool recovers : {false, true}) {
    for (std::uint64_t at = 0; at < plenty.allocations(); ++at) {
      limited memory(at, recovers);
      try {
        EXPECT_EQ(walk({&memory, poll}), expected) << "without allocation " << at;
      } catch (const std::bad_alloc &) {
        ++failed;
      }
      EXPECT_GT(memory.allocations(), at) << "allocations are not the same each time";
    }
  }
  EXPECT_GE(failed, plenty.allocations());
}

bytes written_by(core::byte_buffer &from) { return {from.data(), from.data() + from.size()}; }

std::string told(const std::pmr::vector<core::activity_row> &rows) {
  std::string all;
  for (const core::activity_row &each : rows)
    all += std::to_string(each.start) + ' ' + std::to_string(each.unique_keys) + ' ' + std::to_string(each.new_keys) +
           ' ' + std::to_string(each.highest.level) + '\n';
  return all;
}

// Names of up to 14, 32 and more bytes, in some hundred days.
struct crowd_of_days {
  crowd_of_days(std::uint64_t seed, int count) {
    dice roll(seed);
    for (int at = 0; at < count; ++at) {
      const std::uint64_t who = roll(60);
      const std::string name =
          "user " + std::to_string(who) + std::string(who % 3 * 14, 'n') + std::string(who % 20 == 0 ? 30 : 0, 'm');
      const instant start = roll.between(0, 200 * days);
      all.push_back({name, {start, roll.one_in(20) ? forever : start + 1 + roll.between(0, roll.one_in(9) ? 150 * days : days)}});
    }
  }
  rows all;
};

TEST(allocations, of_a_presence) {
  const crowd_of_days crowd(1, 80);
  rows many;  // more than 64 kB, so that they are kept as a part
  for (int at = 0; at < 400; ++at) many.push_back({std::string(180, 'h') + std::to_string(at), {at, at + 100}});
  const host plenty;
  const bytes large = canonical_of(key_type::text, many, plenty);
  fail_each_allocation_of([&](const context &with) {
    core::presence_builder builder(key_type::text, with.memory);
    for (const row &each : crowd.all) builder.add(view_of(each.key), each.when);
    for (int part = 0; part < 18; ++part) builder.add_canonical(large, with);
    const bytes whole = canonical_of(builder.view(with), with);
    const presence_view read(whole);
    core::merged_presence merged(with.memory);
    merged.add(core::presence_reader(whole));
    merged.add(core::presence_reader(large));
    const bytes clipped = canonical_of(presence_view(merged), with, {50, 100 * days});
    return std::to_string(core::hash_bytes(whole)) + ' ' + std::to_string(core::hash_bytes(clipped)) + ' ' +
           std::to_string(core::find_peak(read, core::all_time, with).level);
  });
}

TEST(allocations, of_what_is_read_off_a_presence) {
  const crowd_of_days crowd(2, 120);
  const host plenty;
  const bytes presence = canonical_of(key_type::text, crowd.all, plenty);
  fail_each_allocation_of([&](const context &with) {
    const presence_view view(presence);
    const interval window{10 * days, 150 * days};
    const core::day_range range{{}, {}, 190 * days};
    std::string all = told(core::find_daily_activity(view, range, berlin, with).rows) +
                      told(core::find_activity(view, core::granularity::week, window, 190 * days, berlin, with));
    for (const std::int64_t each : core::find_rolling_activity(view, 14, range, berlin, with).unique_keys)
      all += std::to_string(each) + ' ';
    for (const core::level_change &each : core::find_timeline(view, window, with)) all += std::to_string(each.level);
    for (const core::level_duration &each : core::find_time_at_level(view, window, with))
      all += std::to_string(each.ticks) + ' ';
    core::find_level_times(view, window, {0xff00, 0x1f}, berlin, with).for_each(
        [&](std::int64_t level, std::int64_t ticks, std::int64_t) { all += std::to_string(level) + ':' + std::to_string(ticks) + ' '; });
    for (const core::level_times &each : core::find_week_levels(view, window, berlin, with)) all += std::to_string(each.peak());
    for (const core::capacity &each : core::find_capacities(view, window, with).all) all += std::to_string(each.refused) + ' ';
    for (const core::daily_user_count &each :
         core::find_daily_user_counts({view, view, view}, core::licensing_model::model_2019, 14, range, berlin, with).rows)
      all += std::to_string(each.total_users) + ' ' + std::to_string(each.concurrent_hosts.level) + ' ';
    return all;
  });
}

TEST(allocations, of_max_concurrent) {
  const crowd_of_days crowd(3, 400);
  fail_each_allocation_of([&](const context &with) {
    core::session_events events(key_type::text, with.memory), other(key_type::text, with.memory), third(key_type::text, with.memory);
    for (const row &each : crowd.all) events.add(view_of(each.key), each.when);
    for (int at = 0; at < 9000; ++at) other.add(view_of("host number " + std::to_string(at % 700)), {at, at + 100});
    core::byte_buffer written(with.memory), again(with.memory);
    events.write(written, with);
    other.write(again, with);
    third.merge(written_by(written), with);
    for (int part = 0; part < 3; ++part) third.merge(written_by(again), with);
    third.merge(events, with);
    return std::to_string(third.highest(with)) + ' ' + std::to_string(other.highest(with));
  });
}

TEST(allocations, of_sets_of_keys_and_of_users) {
  const crowd_of_days crowd(4, 200);
  numbers some, others;  // in containers of every kind
  for (std::uint32_t at = 0; at < 5000; ++at) some.push_back(at * 3), others.push_back(at < 3000 ? at : at * 70);
  fail_each_allocation_of([&](const context &with) {
    core::key_set keys(key_type::text, with.memory), merged(key_type::text, with.memory);
    for (const row &each : crowd.all) keys.add(view_of(each.key));
    for (int at = 0; at < 600; ++at) keys.add(view_of(std::to_string(at)));
    core::byte_buffer written(with.memory);
    keys.write(written, with);
    const bytes log = written_by(written);
    merged.merge(core::key_log_reader(log), with);
    merged.merge(keys, with);
    const bytes one = canonical_of(some, with), other = canonical_of(others, with);
    core::user_set set = set_of(one, with);
    set.unite(core::user_set_reader(other), with);
    core::multiset_counter counter(with.memory);
    for (int times = 0; times < 3; ++times) counter.add(core::user_set_reader(one), with);
    counter.add(core::user_set_reader(other), with);
    counter.remove(core::user_set_reader(one), with);
    std::string all = std::to_string(merged.size()) + ' ' + std::to_string(core::hash_bytes(bytes_of(set, with))) + ' ' + std::to_string(counter.cardinality());
    for (const auto operation : {core::set_operation::unite, core::set_operation::intersect, core::set_operation::subtract})
      all += ' ' + std::to_string(core::hash_bytes(combined(operation, one, other, with)));
    return all;
  });
}

TEST(allocations, of_the_daily_report) {
  const crowd_of_days crowd(5, 120);
  fail_each_allocation_of([&](const context &with) {
    const instant as_of = 190 * days;
    core::daily_presence sessions(berlin, as_of, with.memory), denials(berlin, as_of, with.memory), parts(berlin, as_of, with.memory), packed(berlin, as_of, with.memory);
    for (const row &each : crowd.all) {
      sessions.add_session(view_of(each.key), view_of("host of " + each.key), each.when);
      denials.add_denial(view_of(each.key), each.when.start);
    }
    core::byte_buffer written(with.memory), wire(with.memory), peaks(with.memory);
    sessions.write(written, with);
    sessions.write_packed(wire, with);
    sessions.write_with_peaks(peaks, berlin, with);
    core::byte_reader from({written.data(), written.size()}), off_wire({wire.data(), wire.size()});
    parts.merge(from, with);
    parts.merge(sessions, with);
    packed.read_packed(off_wire, with);
    std::string all;
    for (const auto *each : {&sessions, &parts, &packed}) {
      for (const core::daily_user_count &day : core::find_daily_user_counts(*each, denials, core::licensing_model::model_2013, 14, {{}, {}, as_of}, berlin, with).rows)
        all += std::to_string(day.total_users) + ' ' + std::to_string(day.denial_users) + ' ' + std::to_string(day.concurrent_hosts.level) + ' ';
    }
    return all;
  });
}

// A store of sets that the host's memory has nothing to do with.
class kept_sets final : public core::set_store {
 public:
  handle put(bytes set) { return sets_.push_back(std::move(set)), sets_.size(); }
  core::key_view open(handle set) override { return sets_.at(set - 1); }

 private:
  std::vector<bytes> sets_;
};

TEST(allocations, of_stored_days) {
  const crowd_of_days crowd(6, 200);
  const host plenty;
  kept_sets sets;
  std::vector<core::stored_day> stored;
  std::map<std::uint32_t, int> seen;
  for (core::day_number day = 0; day < 60; ++day) {
    numbers used;
    for (std::uint32_t at = 0; at < 20; ++at) used.push_back(static_cast<std::uint32_t>(day) + at * at);
    numbers fresh;
    for (const std::uint32_t each : used)
      if (seen[each]++ == 0) fresh.push_back(each);
    core::stored_day made;
    made.day = day;
    made.used_count = made.daily_count = made.window_count = 20;
    made.new_count = static_cast<std::int64_t>(fresh.size());
    made.used = sets.put(canonical_of(used, plenty));
    made.new_users = sets.put(canonical_of(fresh, plenty));
    stored.push_back(made);
  }
  numbers all_seen;
  for (const auto &[number, times] : seen) all_seen.push_back(number);
  const auto all_set = sets.put(canonical_of(all_seen, plenty));
  const std::vector<core::changed_run> changed{{10, 12}, {30, 31}};
  fail_each_allocation_of([&](const context &with) {
    core::daily_presence sessions(utc, 70 * days, with.memory), denials(utc, 70 * days, with.memory);
    for (const row &each : crowd.all) sessions.add_session(view_of(each.key), view_of("h"), each.when);
    denials.add_denial(view_of("somebody else"), 65 * days);
    core::user_numbers known(sessions.users(), denials.denied(), with);
    std::string all;
    {
      std::pmr::vector<core::numbered_user> some(with.memory);
      some.push_back({view_of("user 1"), 7});
      some.push_back({view_of("user 2"), 9});
      core::for_each_page(some, 4, with, [&](std::int32_t, std::uint32_t, key_view page) { known.learn(page); });
      all += std::to_string(known.number_the_rest(100, 1000).size()) + '\n';
    }
    const core::numbered_days fresh = core::find_numbered_days(sessions, denials, known, utc, with);
    const core::history history{stored, static_cast<std::int64_t>(all_seen.size()), all_set, {14, false}, changed, 60, &fresh, {}, {30, true}};
    {
      core::day_fold fold(history, sets, with);
      fold.for_each(0, 70, {true, true, true}, [&](const core::day_figures &each) {
        all += std::to_string(each.ever_count) + ' ' + std::to_string(each.counts.window_count) + ' ' + std::to_string(each.counts.daily_count) + '\n';
      });
    }
    core::day_fold fold(history, sets, with);
    fold.for_each_patch(71, true, [&](const core::day_patch &each) {
      all += std::to_string(each.counts.day) + ' ' + std::to_string(each.counts.new_count) + ' ' + std::to_string(each.new_users.size()) + '\n';
    });
    return all + std::to_string(core::hash_bytes(fold.seen_bytes(0)));
  });
}

TEST(allocations, of_changed_days_and_polled_rows) {
  const crowd_of_days crowd(7, 400);
  fail_each_allocation_of([&](const context &with) {
    core::changed_days changed(berlin, forever, with.memory);
    core::keyed_intervals table(key_type::text, with.memory);
    int number = 0;
    for (const row &each : crowd.all) {
      const key_view name = view_of(each.key);
      if (++number % 3 == 0) changed.add(each.when);
      if (number % 3 == 1) changed.add_old({name, {}, {}}, each.when), changed.add_new({name, {}, {}}, {each.when.start, forever});
      const interval stay = core::stretched(each.when.start, 500);
      table.add(core::polled_key(500, name, with.memory), stay);
    }
    std::string all;
    const core::day_runs runs = changed.find(with);
    for (const core::day_run &run : runs.runs()) all += std::to_string(run.first) + '-' + std::to_string(run.last) + ' ';
    core::for_each_stay(presence_view(table), key_type::text, with, [&](key_view key, interval when) { all += std::to_string(key.size() + static_cast<std::size_t>(when.end)) + ' '; });
    return all;
  });
}

TEST(allocations, of_a_debug_log) {
  struct collector final : core::log_sink {
    std::string all;
    void put(const core::log_record &each) override { all += std::to_string(each.at) + std::string(each.user) + '\n'; }
  };
  std::string log = "0:00:00 (lmgrd) TIMESTAMP 3/1/2024\n";
  std::vector<std::int32_t> events;
  for (int at = 0; at < 200; ++at) {
    log += std::to_string(at / 60 % 24) + ':' + (at % 60 < 10 ? "0" : "") + std::to_string(at % 60) + ":00 (demo" + std::to_string(at % 40) + ") OUT: \"f" + std::to_string(at % 7) + "\" anna@ws7\n";
    events.push_back(at % 3 == 2 ? -1 : 1);
  }
  fail_each_allocation_of([&](const context &with) {
    collector sink;
    core::read_debug_log(log, berlin, {}, with, sink);
    for (const std::int32_t partner : core::pair_checkouts(events, with)) sink.all += std::to_string(partner) + ' ';
    return sink.all;
  });
}

}  // namespace
}  // namespace headcount::test
