#include "core/report/day_fold.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/error.hpp"
#include "support/user_sets.hpp"

namespace headcount::test {
namespace {

using core::day_fold;
using core::day_number;
using core::changed_run;
using users = std::set<std::uint32_t>;

// --- the model: nothing is kept, all is counted from the days --------------------------------------------------------

struct content {
  users used, denied;
  std::int64_t denials = 0, hosts = 0;
  instant hosts_at = 0;

  users either() const {
    users all = used;
    all.insert(denied.begin(), denied.end());
    return all;
  }
  bool is_idle() const { return used.empty() && denied.empty() && denials == 0 && hosts == 0; }
  friend bool operator==(const content &, const content &) = default;
};
using table = std::map<std::int64_t, content>;  // days with something

content content_of(const table &of, std::int64_t day) {
  const auto at = of.find(day);
  return at == of.end() ? content() : at->second;
}

users ever_before(const table &of, std::int64_t end) {
  users all;
  for (auto at = of.begin(); at != of.end() && at->first < end; ++at) all.merge(at->second.either());
  return all;
}

std::int64_t window_on(const table &of, std::int64_t day, core::window_rule window) {
  users all;
  for (auto at = of.upper_bound(day - window.days); at != of.end() && at->first <= day; ++at)
    all.merge(window.counts_denied ? at->second.either() : users(at->second.used));
  return static_cast<std::int64_t>(all.size());
}

std::int64_t size_of(const users &all) { return static_cast<std::int64_t>(all.size()); }

struct stored_row {
  content what;
  users new_users;
  std::int64_t window_count = 0;

  friend bool operator==(const stored_row &, const stored_row &) = default;
};
using stored_rows = std::map<std::int64_t, stored_row>;

// What is to be stored of the days before `end`.
stored_rows rows_of(const table &of, std::int64_t end, core::window_rule window) {
  stored_rows rows;
  users ever;
  for (std::int64_t day = of.empty() ? end : of.begin()->first; day < end; ++day) {
    stored_row row{content_of(of, day), {}, window_on(of, day, window)};
    for (const std::uint32_t user : row.what.either())
      if (ever.insert(user).second) row.new_users.insert(user);
    if (!row.what.is_idle() || row.window_count > 0) rows.emplace(day, row);
  }
  return rows;
}

// Day; users ever, with a session, denied, of either kind, of the last days; denials; peak of hosts, its instant.
using figures = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                           std::int64_t, std::int64_t, instant>;
using report = std::vector<figures>;

report report_of(const table &of, std::int64_t first, std::int64_t last, day_fold::wanted wanted,
                 core::window_rule window) {
  report days;
  users ever = ever_before(of, first);
  for (std::int64_t day = first; day <= last; ++day) {
    const content what = content_of(of, day);
    ever.merge(what.either());
    if (what.is_idle() && !wanted.idle_days) continue;
    days.emplace_back(day, wanted.ever ? size_of(ever) : 0, size_of(what.used), size_of(what.denied),
                      size_of(what.either()), wanted.window ? window_on(of, day, window) : 0, what.denials,
                      what.hosts, what.hosts_at);
  }
  return days;
}

report report_of(day_fold &fold, std::int64_t first, std::int64_t last, day_fold::wanted wanted) {
  report days;
  fold.for_each(static_cast<day_number>(first), static_cast<day_number>(last), wanted,
                [&](const core::day_figures &each) {
                  EXPECT_EQ(each.counts.day, each.day);
                  days.emplace_back(each.day, each.ever_count, each.counts.used_count, each.counts.denied_count,
                                    each.counts.daily_count, each.counts.window_count, each.counts.denials,
                                    each.counts.concurrent_hosts.level, each.counts.concurrent_hosts.at);
                });
  return days;
}

// --- histories -------------------------------------------------------------------------------------------------------

struct past {
  table then, now;                // when the days were stored; clean days are the same in both
  std::int64_t watermark = 0;     // what was there on the days before it is stored
  core::window_rule rows_window{14};  // over which their users of the last days were counted
  core::window_rule stored_window{14}, window{14};
  std::int64_t live_day = 0;
  std::vector<changed_run> changed;

  bool is_fresh(std::int64_t day) const {
    bool is = day >= live_day;
    for (const changed_run &run : changed) is = is || (day >= run.first && day < run.end);
    return is;
  }
  std::int64_t first_fresh() const { return changed.empty() ? live_day : changed.front().first; }
};

// Where stored sets are, with a note of what they are and of those that were opened.
class noted_sets final : public core::set_store {
 public:
  enum class kind { seen, used, denied, new_users, part };
  struct note {
    kind what;
    std::int64_t day;
    bytes set;
    bool is_opened;
  };

  explicit noted_sets(const context &with) : with_(with) {}

  handle put(kind what, std::int64_t day, const users &all) {
    notes_.push_back({what, day, canonical_of(numbers(all.begin(), all.end()), with_), false});
    return notes_.size();
  }
  key_view open(handle set) override {
    note &each = notes_.at(set - 1);
    each.is_opened = true;
    return each.set;
  }

  std::deque<note> &notes() { return notes_; }
  std::size_t opened() const { return count([](const note &) { return true; }); }
  std::size_t opened(kind what) const { return count([what](const note &each) { return each.what == what; }); }
  void forget_opened() {
    for (note &each : notes_) each.is_opened = false;
  }

 private:
  template <typename Choice>
  std::size_t count(Choice &&choice) const {
    std::size_t found = 0;
    for (const note &each : notes_) found += each.is_opened && choice(each) ? 1U : 0U;
    return found;
  }

  const context &with_;
  std::deque<note> notes_;
};
using kind = noted_sets::kind;

// A past as the fold takes it. Of the stored days before `cut` only the last one is there.
class laid_out {
 public:
  laid_out(const past &of, dice &roll, const context &with, std::int64_t cut = INT64_MIN)
      : sets(with), fresh_(with.memory) {
    // the empty set is stored, or nothing is
    const auto put = [&](kind what, std::int64_t day, const users &all) {
      return all.empty() && roll.one_in(2) ? 0 : sets.put(what, day, all);
    };
    const stored_rows rows = rows_of(of.then, of.watermark, of.rows_window);
    auto first = rows.lower_bound(cut);
    if (first != rows.begin()) --first;
    for (auto at = cut == INT64_MIN ? rows.begin() : first; at != rows.end(); ++at) {
      const auto &[day, row] = *at;
      core::stored_day made;
      made.day = static_cast<day_number>(day);
      made.used_count = size_of(row.what.used);
      made.denied_count = size_of(row.what.denied);
      made.daily_count = size_of(row.what.either());
      made.new_count = size_of(row.new_users);
      made.window_count = row.window_count;
      made.denials = row.what.denials;
      made.concurrent_hosts = {row.what.hosts, row.what.hosts_at, 0};
      made.used = put(kind::used, day, row.what.used);
      made.denied = put(kind::denied, day, row.what.denied);
      made.new_users = put(kind::new_users, day, row.new_users);
      stored_.push_back(made);
    }
    const users seen = ever_before(of.then, of.watermark);
    history.stored = stored_;
    history.seen_count = size_of(seen);
    history.seen = put(kind::seen, INT64_MAX, seen);
    history.stored_window = of.stored_window;
    history.changed = of.changed;
    history.live_day = static_cast<day_number>(of.live_day);
    history.window = of.window;

    table fresh;
    for (const auto &[day, what] : of.now)
      if (of.is_fresh(day)) fresh.emplace(day, what);
    if (fresh.empty() && roll.one_in(2)) return;
    history.fresh = &fresh_;
    if (fresh.empty()) return;
    // Who is there on a clean day does not count twice, nor if he is somebody else.
    const bool has_more = roll.one_in(4);
    fresh_.first = static_cast<day_number>(fresh.begin()->first - static_cast<std::int64_t>(roll(3)));
    const std::int64_t last = fresh.rbegin()->first + static_cast<std::int64_t>(roll(3));
    for (std::int64_t day = fresh_.first; day <= last; ++day) {
      content what = content_of(fresh, day);
      if (has_more && !of.is_fresh(day)) what = {{3, 70, 1U << 30U}, {71}, 5, 99, 7};
      core::numbered_day &made = fresh_.rows.emplace_back(with.memory);
      made.used.assign(what.used.begin(), what.used.end());
      made.denied.assign(what.denied.begin(), what.denied.end());
      made.denials = what.denials;
      made.concurrent_hosts = {what.hosts, what.hosts_at, 0};
    }
  }
  laid_out(const laid_out &) = delete;

  // Has parts of the live day stored: what there is on it is in one of them or more, or in what is fresh of it. Returns how many.
  std::size_t store_parts(dice &roll) {
    const std::int64_t at = std::int64_t{history.live_day} - fresh_.first;
    if (history.fresh == nullptr || at < 0 || at >= static_cast<std::int64_t>(fresh_.rows.size())) return 0;
    core::numbered_day &row = fresh_.rows[static_cast<std::size_t>(at)];
    for (std::uint64_t left = 1 + roll(3); left > 0; --left) {
      core::stored_day part;
      part.day = history.live_day;
      const bool takes_all = roll.one_in(3);
      const auto share = [&](std::pmr::vector<std::uint32_t> &from) {
        users here;
        std::erase_if(from, [&](std::uint32_t user) {
          if (!takes_all && !roll.one_in(3)) return false;
          here.insert(user);
          return takes_all || roll.one_in(2);
        });
        return here.empty() && roll.one_in(2) ? 0 : sets.put(kind::part, part.day, here);
      };
      part.used = share(row.used);
      part.denied = share(row.denied);
      part.denials = takes_all ? row.denials : static_cast<std::int64_t>(roll(static_cast<std::uint64_t>(row.denials) + 1));
      row.denials -= part.denials;
      // the highest level is here or there, and if it is in both it is the earlier one that counts
      core::peak other = row.concurrent_hosts;
      if (roll.one_in(2)) {
        other.at += 1;
      } else {
        other.level = takes_all ? 0 : static_cast<std::int64_t>(roll(static_cast<std::uint64_t>(other.level) + 1));
        other.at = other.level == row.concurrent_hosts.level ? other.at + 1 : other.at - 1;
      }
      part.concurrent_hosts = other;
      if (takes_all || roll.one_in(2)) std::swap(part.concurrent_hosts, row.concurrent_hosts);
      parts_.push_back(part);
    }
    roll.shuffle(parts_);
    history.parts = parts_;
    return parts_.size();
  }

  noted_sets sets;
  core::history history;

 private:
  std::vector<core::stored_day> stored_, parts_;
  core::numbered_days fresh_;
};

std::uint32_t random_user(dice &roll, bool is_fresh) {
  constexpr std::uint32_t unknown = 1U << 30U;
  const bool is_unknown = is_fresh && roll.one_in(6);
  return is_unknown ? unknown + static_cast<std::uint32_t>(roll(6)) : static_cast<std::uint32_t>(roll(41));
}

content random_content(dice &roll, std::uint64_t most, bool is_fresh) {
  content what;
  for (std::uint64_t left = roll(most + 1); left > 0; --left) what.used.insert(random_user(roll, is_fresh));
  for (std::uint64_t left = roll(3) == 0 ? roll(most + 1) : 0; left > 0; --left)
    what.denied.insert(random_user(roll, is_fresh));
  // Sessions and denials of nobody are there too.
  what.denials = size_of(what.denied) + (roll.one_in(8) ? 1 : 0);
  what.hosts = what.used.empty() && !roll.one_in(8) ? 0 : roll.between(1, 5);
  what.hosts_at = what.hosts == 0 ? 0 : roll.between(1, 1000);
  return what;
}

content changed_content(content what, dice &roll, std::uint64_t most) {
  const auto take_one = [&](users &from) {
    if (!from.empty()) from.erase(std::next(from.begin(), static_cast<std::ptrdiff_t>(roll(from.size()))));
  };
  switch (roll(8)) {
    case 0: return {};
    case 1: return random_content(roll, most, true);
    case 2: what.used.insert(random_user(roll, true)); break;
    case 3: what.denied.insert(random_user(roll, true)); break;
    case 4: take_one(what.used); break;
    case 5: take_one(what.denied); break;
    case 6: std::swap(what.used, what.denied); break;
    default: break;
  }
  return what;
}

std::vector<changed_run> random_runs(dice &roll, std::int64_t from, std::int64_t end) {
  std::vector<changed_run> runs;
  for (std::int64_t day = from; day < end && !roll.one_in(5);) {
    const std::int64_t first = day + (roll.one_in(3) ? 0 : roll.between(0, 12));
    day = std::min(end, first + (roll.one_in(10) ? 100 : roll.between(1, 6)));
    if (first < day) runs.push_back({static_cast<day_number>(first), static_cast<day_number>(day)});
  }
  return runs;
}

core::window_rule random_window(dice &roll) {
  constexpr std::int64_t windows[] = {1, 3, 14};
  return {windows[roll(3)], roll.one_in(2)};
}

// The days before `watermark` are stored, those that are asked about reach to `end`.
struct shape {
  std::int64_t first, watermark, live_day, end;
  std::vector<changed_run> changed;
};

past random_past(dice &roll, const shape &of) {
  past made;
  made.watermark = of.watermark;
  made.live_day = of.live_day;
  made.changed = of.changed;
  made.window = random_window(roll);
  made.stored_window = roll.one_in(3) ? random_window(roll) : made.window;
  made.rows_window = made.stored_window;
  const std::uint64_t idle = 1 + roll(2) * roll(12), most = 1 + roll(2) * roll(8);
  for (std::int64_t day = of.first; day < of.watermark; ++day)
    if (roll.one_in(idle)) made.then[day] = random_content(roll, most, false);
  made.now = made.then;
  for (std::int64_t day = of.first - 3; day < std::max(of.watermark, of.end); ++day) {
    if (!made.is_fresh(day)) continue;
    if (day < of.live_day || (day < of.watermark && roll.one_in(2)))
      made.now[day] = changed_content(made.now[day], roll, most);
    else
      made.now[day] = roll.one_in(idle) ? random_content(roll, most, true) : content();
  }
  for (table *const each : {&made.then, &made.now})
    std::erase_if(*each, [](const auto &day) { return day.second.is_idle(); });
  return made;
}

past random_past_to_read(dice &roll) {
  const std::int64_t first = roll.between(-30, 30), end = first + roll.between(0, 60);
  if (roll.one_in(10)) return random_past(roll, {first, INT32_MIN, INT32_MIN, end, {}});
  const std::int64_t watermark = roll.between(first, end);
  // a reader of the past does not know of the last ones
  const std::int64_t live_day = roll.one_in(4) ? roll.between(first - 2, watermark) : watermark;
  const bool is_clean = roll.one_in(4);
  return random_past(roll, {first, watermark, live_day, end,
                            is_clean ? std::vector<changed_run>() : random_runs(roll, first - 3, live_day)});
}

// --- reports ---------------------------------------------------------------------------------------------------------

TEST(day_fold, reports_are_those_of_what_is_there_now) {
  dice roll(71);
  for (int round = 0; round < 600; ++round) {
    const host with;
    const past of = random_past_to_read(roll);
    laid_out all(of, roll, with);
    day_fold fold(all.history, all.sets, with);
    const auto first_day = fold.first_day(std::nullopt);
    ASSERT_EQ(first_day.has_value(), !of.now.empty()) << "round " << round;
    ASSERT_TRUE(of.now.empty() || *first_day == of.now.begin()->first) << "round " << round;
    const std::int64_t first = first_day.value_or(3) + (roll.one_in(2) ? 0 : roll.between(-5, 30));
    const std::int64_t last = roll.one_in(4) ? first + roll.between(-1, 10) : 70;
    const day_fold::wanted wanted{!roll.one_in(4), !roll.one_in(4), !roll.one_in(3)};
    ASSERT_EQ(report_of(fold, first, last, wanted), report_of(of.now, first, last, wanted, of.window))
        << "round " << round;
  }
}

TEST(day_fold, reports_need_no_days_long_before_what_is_asked) {
  dice roll(72);
  int left_out = 0;
  for (int round = 0; round < 600; ++round) {
    const host with;
    const past of = random_past_to_read(roll);
    if (of.live_day == INT32_MIN) continue;
    const std::int64_t asked = roll.one_in(2) ? of.first_fresh() + roll.between(-5, 5) : roll.between(-30, 90);
    const std::int64_t cut = std::min(asked, of.first_fresh()) - (of.window.days - 1);
    laid_out all(of, roll, with, cut);
    left_out += all.history.stored.size() < rows_of(of.then, of.watermark, of.rows_window).size() ? 1 : 0;
    day_fold fold(all.history, all.sets, with);
    const auto first_day = fold.first_day(static_cast<day_number>(cut));
    ASSERT_EQ(first_day.has_value(), !of.now.empty()) << "round " << round;
    if (!first_day.has_value()) continue;
    const std::int64_t first = std::max<std::int64_t>(*first_day, asked);
    ASSERT_EQ(first, std::max(of.now.begin()->first, asked)) << "round " << round;
    const day_fold::wanted wanted{true, true, !roll.one_in(3)};
    ASSERT_EQ(report_of(fold, first, 90, wanted), report_of(of.now, first, 90, wanted, of.window)) << "round " << round;
  }
  EXPECT_GT(left_out, 100);
}

TEST(day_fold, stored_parts_of_a_day_count_with_what_follows) {
  dice roll(73);
  std::size_t parts = 0, without_more = 0;
  for (int round = 0; round < 1500; ++round) {
    const host with;
    const past of = random_past_to_read(roll);
    laid_out all(of, roll, with);
    const std::size_t here = all.store_parts(roll);
    parts += here;
    without_more += here != 0 && all.history.fresh->rows[static_cast<std::size_t>(all.history.live_day - all.history.fresh->first)].is_idle() ? 1U : 0U;
    day_fold fold(all.history, all.sets, with);
    const auto first_day = fold.first_day(std::nullopt);
    ASSERT_EQ(first_day.has_value(), !of.now.empty()) << "round " << round;
    ASSERT_EQ(report_of(fold, -40, 70, {true, true, true}), report_of(of.now, -40, 70, {true, true, true}, of.window)) << "round " << round;
  }
  EXPECT_GT(parts, 500U);
  EXPECT_GT(without_more, 50U);
}

TEST(day_fold, a_part_is_a_day_if_nothing_follows) {
  const host with;
  noted_sets sets(with);
  core::stored_day part;
  part.used = sets.put(kind::part, 5, {1, 2});
  part.denied = sets.put(kind::part, 5, {2, 3});
  part.denials = 4;
  part.concurrent_hosts = {2, 77, 0};
  core::history only;
  only.live_day = 5;
  only.parts = {&part, 1};
  day_fold fold(only, sets, with);
  EXPECT_EQ(fold.first_day(std::nullopt), 5);
  EXPECT_EQ(report_of(fold, 4, 6, {true, true, false}), (report{{5, 3, 2, 2, 3, 2, 4, 2, 77}}));
}

TEST(day_fold, nothing_is_no_days) {
  const host with;
  noted_sets sets(with);
  const core::history nothing;
  day_fold fold(nothing, sets, with);
  EXPECT_EQ(fold.first_day(std::nullopt), std::nullopt);
  EXPECT_EQ(fold.first_day(5), std::nullopt);
  EXPECT_EQ(report_of(fold, 1, 3, {true, true, false}), report());
  EXPECT_EQ(report_of(fold, 1, 3, {true, true, true}), report_of(table(), 1, 3, {true, true, true}, {1}));
  fold.for_each_patch(100, true, [](const core::day_patch &patch) { ADD_FAILURE() << patch.counts.day; });
  EXPECT_FALSE(fold.has_changed_seen());
  EXPECT_EQ(members_of(fold.seen_bytes(0), with), numbers());
}

// --- patches ---------------------------------------------------------------------------------------------------------

// What is stored once the patches are, as store_scope in 60-refresh.sql does it: fresh days are taken away, and stored
// again if there is a patch.
stored_rows patched(const past &of, day_fold &fold, std::int64_t end) {
  const stored_rows before = rows_of(of.then, of.watermark, of.rows_window);
  stored_rows rows = before;
  std::erase_if(rows, [&](const auto &row) { return of.is_fresh(row.first); });
  std::int64_t last = INT64_MIN;
  fold.for_each_patch(static_cast<day_number>(end), true, [&](const core::day_patch &patch) {
    const std::int64_t day = patch.counts.day;
    EXPECT_LT(last, day);
    EXPECT_LT(day, end);
    last = day;
    const content what = content_of(of.now, day);
    EXPECT_EQ(patch.counts.used_count, size_of(what.used));
    EXPECT_EQ(patch.counts.denied_count, size_of(what.denied));
    EXPECT_EQ(patch.counts.daily_count, size_of(what.either()));
    EXPECT_EQ(patch.counts.denials, what.denials);
    EXPECT_EQ(patch.counts.concurrent_hosts.level, what.hosts);
    EXPECT_EQ(patch.counts.concurrent_hosts.at, what.hosts_at);
    EXPECT_EQ(patch.counts.is_idle(), what.is_idle());
    // A row that is stored again needs all of its columns.
    EXPECT_TRUE(patch.has_new_users || what.is_idle() || !of.is_fresh(day));
    const auto old = before.find(day);
    users new_users;
    if (patch.has_new_users)
      new_users.insert(patch.new_users.begin(), patch.new_users.end());
    else if (old != before.end())
      new_users = old->second.new_users;
    EXPECT_TRUE(std::is_sorted(patch.new_users.begin(), patch.new_users.end(), std::less_equal<>()));
    EXPECT_EQ(patch.counts.new_count, size_of(new_users));
    const stored_row row{what, new_users, patch.counts.window_count};
    const bool is_nothing = what.is_idle() && row.window_count == 0;
    EXPECT_FALSE(old == before.end() ? is_nothing : !of.is_fresh(day) && old->second == row) << "no change on " << day;
    if (is_nothing)
      rows.erase(day);
    else
      rows[day] = row;
  });
  return rows;
}

void check_patches(past of, std::int64_t end, dice &roll, const std::string &where) {
  const host with;
  // of a window of no days nothing is stored
  if (roll.one_in(8)) of.window = of.stored_window = of.rows_window = {};
  laid_out all(of, roll, with);
  day_fold fold(all.history, all.sets, with);
  const stored_rows rows = patched(of, fold, end), expected = rows_of(of.now, end, of.window);
  for (std::int64_t day = -40; day < 100; ++day) {
    const auto found = rows.find(day), right = expected.find(day);
    ASSERT_EQ(found == rows.end(), right == expected.end()) << where << ", day " << day;
    if (found == rows.end()) continue;
    EXPECT_EQ(found->second.window_count, right->second.window_count) << where << ", day " << day;
    EXPECT_EQ(found->second.new_users, right->second.new_users) << where << ", day " << day;
    EXPECT_EQ(found->second.what, right->second.what) << where << ", day " << day;
  }
  const users before = ever_before(of.then, of.watermark), seen = ever_before(of.now, end);
  EXPECT_TRUE(fold.has_changed_seen() || seen == before) << where;
  EXPECT_EQ(fold.seen_count(), size_of(seen)) << where;
  const auto made = fold.seen_bytes(4);
  EXPECT_EQ(to_hex(made.first(4)), "00000000") << where;
  EXPECT_EQ(members_of(made.subspan(4), with), numbers(seen.begin(), seen.end())) << where;
}

TEST(day_fold, what_is_stored_of_changed_days_is_as_if_they_had_been_stored_so) {
  dice roll(73);
  for (int round = 0; round < 500; ++round) {
    const std::int64_t first = roll.between(-30, 30), watermark = first + roll.between(0, 60);
    std::vector<changed_run> runs = random_runs(roll, first - 3, watermark);
    if (!roll.one_in(4) && runs.size() > 1) runs = {runs[roll(runs.size())]};
    const past of = random_past(roll, {first, watermark, watermark, watermark, runs});
    check_patches(of, watermark, roll, "round " + std::to_string(round));
  }
}

TEST(day_fold, new_days_are_stored_behind_those_that_are) {
  dice roll(74);
  for (int round = 0; round < 500; ++round) {
    const std::int64_t first = roll.between(-30, 30), end = first + roll.between(0, 60);
    const bool has_nothing = roll.one_in(5);
    const std::int64_t watermark = has_nothing ? first : roll.between(first, end);
    past of = random_past(roll, {first, watermark, watermark, end, {}});
    if (has_nothing && roll.one_in(2)) of.live_day = INT32_MIN;
    check_patches(of, end, roll, "round " + std::to_string(round));
  }
}

TEST(day_fold, changed_and_new_days_are_stored_together) {
  dice roll(75);
  for (int round = 0; round < 300; ++round) {
    const std::int64_t first = roll.between(-30, 30), end = first + roll.between(0, 60);
    const std::int64_t watermark = roll.between(first, end);
    const past of = random_past(roll, {first, watermark, watermark, end, random_runs(roll, first - 3, watermark)});
    check_patches(of, end, roll, "round " + std::to_string(round));
  }
}

// What is stored of idle days comes and goes with it. Where it was 0, rows may still be there of one before.
TEST(day_fold, users_of_the_last_days_are_stored_for_another_window) {
  dice roll(76);
  for (int round = 0; round < 300; ++round) {
    const std::int64_t first = roll.between(-30, 30), watermark = first + roll.between(0, 60);
    past of = random_past(roll, {first, watermark, watermark, watermark, {}});
    of.stored_window = roll.one_in(3) ? core::window_rule() : random_window(roll);
    of.rows_window = of.stored_window.days == 0 && roll.one_in(2) ? random_window(roll) : of.stored_window;
    check_patches(of, watermark, roll, "round " + std::to_string(round));
  }
}

// --- what is opened --------------------------------------------------------------------------------------------------

// Stored are the days from 0 to 39, some of them idle, all with users of the last days.
past clean_past() {
  past made;
  made.watermark = made.live_day = 40;
  made.window = made.stored_window = made.rows_window = {7};
  for (std::uint32_t day = 0; day < 40; ++day)
    if (day % 5 != 3) made.then[day] = {{day / 2, day / 2 + 1, 30}, {day % 4}, 2, 3, 1};
  made.now = made.then;
  return made;
}

TEST(day_fold, clean_history_is_read_without_its_sets) {
  dice roll(77);
  const host with;
  const past of = clean_past();
  laid_out all(of, roll, with);
  day_fold ever(all.history, all.sets, with), window(all.history, all.sets, with), both(all.history, all.sets, with);
  EXPECT_EQ(report_of(ever, 0, 45, {true, false, true}), report_of(of.now, 0, 45, {true, false, true}, {7}));
  EXPECT_EQ(report_of(window, 0, 39, {false, true, true}), report_of(of.now, 0, 39, {false, true, true}, {7}));
  EXPECT_EQ(report_of(both, 0, 45, {true, true, false}), report_of(of.now, 0, 45, {true, true, false}, {7}));
  EXPECT_EQ(all.sets.opened(), 0U);
  // An idle live day has users of the last days too, which nobody counted yet.
  EXPECT_EQ(report_of(window, 40, 45, {false, true, true}), report_of(of.now, 40, 45, {false, true, true}, {7}));
  EXPECT_EQ(all.sets.opened(), all.sets.opened(kind::used));
  EXPECT_LE(all.sets.opened(), 6U);
  day_fold patches(all.history, all.sets, with);
  all.sets.forget_opened();
  patches.for_each_patch(40, true, [](const core::day_patch &patch) { ADD_FAILURE() << patch.counts.day; });
  EXPECT_EQ(all.sets.opened(), 0U);
}

TEST(day_fold, a_live_day_opens_the_users_ever_or_those_of_the_last_days) {
  dice roll(78);
  const host with;
  past of = clean_past();
  of.now[40] = {{1, 35, 1U << 30U}, {36}, 1, 1, 1};
  laid_out all(of, roll, with);
  day_fold ever(all.history, all.sets, with), window(all.history, all.sets, with);
  EXPECT_EQ(report_of(ever, 0, 40, {true, false, true}), report_of(of.now, 0, 40, {true, false, true}, {7}));
  EXPECT_EQ(all.sets.opened(), 1U);
  EXPECT_EQ(all.sets.opened(kind::seen), 1U);
  all.sets.forget_opened();
  EXPECT_EQ(report_of(window, 0, 40, {false, true, true}), report_of(of.now, 0, 40, {false, true, true}, {7}));
  EXPECT_EQ(all.sets.opened(), all.sets.opened(kind::used));
  EXPECT_GT(all.sets.opened(), 0U);
  EXPECT_LE(all.sets.opened(), 6U);
}

TEST(day_fold, nothing_is_opened_before_the_first_fresh_day) {
  dice roll(79);
  for (int round = 0; round < 200; ++round) {
    const host with;
    past of = random_past_to_read(roll);
    of.rows_window = of.stored_window = of.window;
    laid_out all(of, roll, with);
    day_fold ever(all.history, all.sets, with), window(all.history, all.sets, with);
    (void)report_of(ever, -40, 90, {true, false, true});
    for (const noted_sets::note &each : all.sets.notes())
      EXPECT_FALSE(each.is_opened && each.day < of.first_fresh()) << "round " << round << ", day " << each.day;
    all.sets.forget_opened();
    (void)report_of(window, -40, 90, {false, true, true});
    EXPECT_EQ(all.sets.opened(), all.sets.opened(kind::used) + (of.window.counts_denied ? all.sets.opened(kind::denied) : 0))
        << "round " << round;
    for (const noted_sets::note &each : all.sets.notes())
      EXPECT_FALSE(each.is_opened && each.day <= of.first_fresh() - of.window.days) << "round " << round;
  }
}

// --- damage, and patience --------------------------------------------------------------------------------------------

TEST(day_fold, damage_is_noticed_in_what_is_opened_and_does_no_harm_in_the_rest) {
  dice roll(80);
  int noticed[4] = {};
  for (int round = 0; round < 60; ++round) {
    const host with;
    const past of = random_past_to_read(roll);
    laid_out all(of, roll, with);
    const bool is_report = roll.one_in(2);
    const day_fold::wanted wanted{roll.one_in(2), roll.one_in(2), true};
    const auto ask = [&] {
      day_fold fold(all.history, all.sets, with);
      if (is_report) return report_of(fold, -40, 90, wanted);
      report patches;
      fold.for_each_patch(90, true, [&](const core::day_patch &patch) {
        patches.emplace_back(patch.counts.day, 0, 0, 0, 0, patch.counts.window_count, patch.new_users.size(), 0, 0);
      });
      return patches;
    };
    all.sets.forget_opened();
    const report right = ask();
    std::vector<bool> is_opened;
    for (const noted_sets::note &each : all.sets.notes()) is_opened.push_back(each.is_opened);
    for (std::size_t at = 0; at < is_opened.size(); ++at) {
      noted_sets::note &each = all.sets.notes()[at];
      std::byte &damaged = each.set[roll(each.set.size())];
      const std::byte bit = std::byte{1} << static_cast<unsigned>(roll(8));
      damaged ^= bit;
      try {
        EXPECT_EQ(ask(), right) << "round " << round;
        // All users are at hand where a day changed, but it may be that none of them has to be looked for.
        EXPECT_TRUE(!is_opened[at] || each.what == kind::seen) << "round " << round << ", day " << each.day;
      } catch (const core::error &error) {
        EXPECT_EQ(error.kind(), core::fault::damaged_bytes) << error.what();
        EXPECT_TRUE(is_opened[at]) << "round " << round << ", day " << each.day;
        ++noticed[static_cast<std::size_t>(each.what)];
      }
      damaged ^= bit;
    }
  }
  for (const int times : noticed) EXPECT_GT(times, 10);
}

TEST(day_fold, reports_of_many_days_can_be_interrupted) {
  const host with;
  noted_sets sets(with);
  const core::history nothing;
  day_fold fold(nothing, sets, with);
  polls_allowed = polls;
  EXPECT_THROW(report_of(fold, 0, 10'000, {true, true, true}), interrupted);
  polls_allowed = UINT64_MAX;
}

}  // namespace
}  // namespace headcount::test
