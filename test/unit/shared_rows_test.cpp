#include "core/report/shared_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <cstring>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "core/rules.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::daily_presence;
using core::day_number;
using core::day_range;
using core::licensing_model;
using core::shared_rows;
using core::shared_space;

constexpr std::int64_t slice_ticks = std::int64_t{1} << core::host_event::tick_bits;

// --- memory, and threads in place of processes -----------------------------------------------------------------------

// What is new in it is garbage, so that what nobody initialized shows. Handles are no addresses. Who is given memory
// learns nothing of other threads by that, so that the thread sanitizer sees what the users of it forget.
class test_space final : public shared_space {
 public:
  struct limits {
    std::size_t allocations = SIZE_MAX;
    std::size_t bytes = SIZE_MAX;
    std::size_t least = 0, most = SIZE_MAX;     // other pieces are not given
    std::size_t all_but = SIZE_MAX;             // the number of an allocation that is not given
    std::function<void(std::size_t)> on_entry;  // called with the number of bytes
  };

  test_space() = default;
  explicit test_space(limits within) : within_(std::move(within)) {}
  ~test_space() override {
    for (const auto &each : segments_)
      if (std::byte *const block = each.load(); block != nullptr) ::operator delete(block, alignment);
  }

  handle allocate(std::size_t bytes) override {
    if (within_.on_entry) within_.on_entry(bytes);
    const std::size_t number = asked_.fetch_add(1, std::memory_order_relaxed);
    const bool fits = number < within_.allocations && number != within_.all_but && bytes >= within_.least &&
                      bytes <= within_.most &&
                      bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= within_.bytes;
    if (!fits) {
      refused_.store(true, std::memory_order_relaxed);
      return none;
    }
    auto *const block = static_cast<std::byte *>(::operator new(bytes, alignment));
    std::memset(block, 0xab, bytes);
    const std::size_t segment = segment_count_.fetch_add(1, std::memory_order_relaxed);
    segments_.at(segment).store(block, std::memory_order_relaxed);
    return handle{segment + 1} << offset_bits;
  }

  std::byte *address(handle of) override {
    return segments_.at((of >> offset_bits) - 1).load(std::memory_order_relaxed) +
           (of & ((handle{1} << offset_bits) - 1));
  }

  bool has_refused() const { return refused_.load(std::memory_order_relaxed); }
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::align_val_t alignment{64};
  static constexpr unsigned offset_bits = 40;

  limits within_;
  std::atomic<std::size_t> asked_{0}, bytes_{0}, segment_count_{0};
  std::atomic<bool> refused_{false};
  std::array<std::atomic<std::byte *>, 8192> segments_{};
};

// Polls of one thread; from then on they throw.
thread_local std::uint64_t polls_left = UINT64_MAX;

void poll_of_thread() {
  if (polls_left == 0) throw interrupted();
  --polls_left;
}

struct thread_host {
  arena memory;
  context with{&memory, poll_of_thread};
};

// What several threads collect together.
class collection {
 public:
  struct worker {
    worker(collection &in, const core::time_zone &zone, instant as_of, std::optional<std::int64_t> window)
        : rows(*in.head_, *in.space_, zone, as_of, window, host.with.memory) {}

    thread_host host;
    shared_rows rows;
    bool interrupted = false;
  };

  collection(const core::time_zone &zone, instant as_of, std::optional<std::int64_t> window,
             test_space::limits within = {})
      : zone_(zone), as_of_(as_of), window_(window), space_(std::make_unique<test_space>(std::move(within))) {}

  // Calls add(shared_rows &, row, const context &) for each of `rows`, in one of the threads, and counts. Who is among
  // `denials` counts as a user.
  template <typename Row, typename Add>
  void fill(const std::vector<Row> &rows, std::size_t threads, dice &roll, Add add, collection *denials = nullptr,
            std::uint64_t polls_of_first = UINT64_MAX) {
    std::vector<std::vector<const Row *>> dealt(threads);
    // Not evenly: one may get nearly all, another one none.
    const std::size_t favourite = roll(threads);
    const bool fair = roll.one_in(2);
    for (const Row &each : rows) dealt[fair || roll.one_in(8) ? roll(threads) : favourite].push_back(&each);
    for (std::size_t at = 0; at < threads; ++at) workers_.emplace_back(*this, zone_, as_of_, window_);
    std::barrier between(static_cast<std::ptrdiff_t>(threads));
    const std::size_t planner = roll(threads);
    std::vector<std::thread> running;
    for (std::size_t at = 0; at < threads; ++at) {
      running.emplace_back([&, at] {
        worker &self = workers_[at];
        const context &with = self.host.with;
        std::optional<worker> denied;
        if (denials != nullptr) denied.emplace(*denials, zone_, as_of_, std::nullopt);
        shared_rows *const counted = denied.has_value() ? &denied->rows : nullptr;
        polls_left = at == 0 ? polls_of_first : UINT64_MAX;
        try {
          for (const Row *each : dealt[at]) add(self.rows, *each, with);
          // Processes without a row may not even exist.
          if (!dealt[at].empty() || at == 0) self.rows.publish(with);
          between.arrive_and_wait();
          if (at == planner) self.rows.make_plan(counted, with);
          between.arrive_and_wait();
          self.rows.find_changes(with);
          between.arrive_and_wait();
          self.rows.carry(with);
          between.arrive_and_wait();
          self.rows.count(counted, with);
        } catch (const interrupted &) {
          self.interrupted = true;
          between.arrive_and_drop();
        }
      });
    }
    for (std::thread &each : running) each.join();
    leader_.emplace(*this, zone_, as_of_, window_);
  }

  // One that was made after the others were through.
  shared_rows &leader() { return leader_->rows; }
  worker &operator[](std::size_t number) { return workers_[number]; }
  std::size_t size() const { return workers_.size(); }
  const test_space &space() const { return *space_; }
  bool has_overflow() const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const worker &each) { return each.rows.overflow() != nullptr; });
  }

 private:
  const core::time_zone &zone_;
  instant as_of_;
  std::optional<std::int64_t> window_;
  std::unique_ptr<test_space> space_;
  std::unique_ptr<shared_rows::head> head_ = std::make_unique<shared_rows::head>();
  std::deque<worker> workers_;
  std::optional<worker> leader_;
};

// --- rows ------------------------------------------------------------------------------------------------------------

using name = std::optional<std::string>;

struct session {
  name user, at;  // a host
  interval when;
};

struct denial {
  std::string user;
  instant at;
};

struct log {
  const core::time_zone *zone = &utc;
  instant as_of = 0;
  std::vector<session> sessions;
  std::vector<denial> denials;
};

struct question {
  licensing_model model = licensing_model::model_2019;
  std::int64_t window = 14;

  std::optional<std::int64_t> window_of_totals() const {
    return core::is_trailing(model) ? std::optional(window) : std::nullopt;
  }
};

constexpr licensing_model all_models[] = {licensing_model::model_2013, licensing_model::model_2019,
                                          licensing_model::model_2025};
constexpr std::int64_t all_windows[] = {1, 14, 30, 400};

std::optional<key_view> key_of(const name &from) {
  return from.has_value() ? std::optional(view_of(*from)) : std::nullopt;
}

void add_session(shared_rows &to, const session &each, const context &with) {
  to.add_session(key_of(each.user), key_of(each.at), each.when, with);
}
void add_denial(shared_rows &to, const denial &each, const context &with) {
  to.add_denial(view_of(each.user), each.at, with);
}

// Lengths on both sides of 32, what is padded with zeros beside what ends with them, the empty one. Some crowds have
// all keys in one part of the table, which then grows from its first slots on.
std::vector<std::string> some_names(std::size_t count, char kind, bool crowded) {
  std::vector<std::string> made;
  for (std::size_t number = 0; made.size() < count; ++number) {
    std::string each = kind + std::to_string(number);
    switch (number % 16) {
      case 1: each.resize(32, '-'); break;
      case 2: each.resize(33, '-'); break;
      case 3: each += std::string(60 + number % 7, 'x'); break;
      case 4: each = kind + std::to_string(number - 4) + '\0'; break;
      default: break;
    }
    if (number == 5) each.clear();
    if (number == 6) each.resize(20000, 'y');  // more than what is taken at once for such
    core::short_key key{};
    if (each.size() <= core::short_key::max_bytes) key.load(view_of(each));
    if (!crowded || each.size() > core::short_key::max_bytes || key.tag() >> 26U == 11) made.push_back(std::move(each));
  }
  return made;
}

struct shape {
  std::size_t sessions, denials, users, hosts;
  std::int64_t days;
  bool crowded = false;
};

// A zone in which day `day` begins with a slice.
rule_zone zone_that_begins_a_slice(std::int64_t day) { return rule_zone((day * days) & (slice_ticks - 1)); }
const rule_zone aligned = zone_that_begins_a_slice(9000);

const core::time_zone &some_zone(dice &roll) {
  const std::uint64_t number = roll(std::size(all_zones) + 2);
  return number < std::size(all_zones) ? *all_zones[number].zone : aligned;
}

log random_log(const shape &of, dice &roll) {
  log made;
  made.zone = &some_zone(roll);
  // Around the changes of the zones, around 2000-01-01, and where `aligned` has it.
  const std::int64_t first_days[] = {-400, -3, 0, 30, spring_2024 - 10, autumn_2024 - 10, 8995};
  const std::int64_t first = first_days[roll(std::size(first_days))];
  const instant from = first * days, to = from + of.days * days;
  made.as_of = roll.one_in(2) ? to : from + roll.between(0, (to - from) * 5 / 4);

  // Instants that several rows have, so that sessions touch and ranges begin with events.
  std::vector<instant> common;
  for (int at = 0; at < 20; ++at) {
    const instant any = roll.between(from, to - 1);
    common.push_back(any);
    common.push_back((any / slice_ticks) * slice_ticks + roll.between(-1, 1));
    common.push_back(made.zone->start_of(core::day_of(any, *made.zone)) + roll.between(-1, 1));
  }
  common.push_back(made.as_of);
  common.push_back(made.as_of + 1);
  const auto some_instant = [&] { return roll.one_in(3) ? common[roll(common.size())] : roll.between(from, to - 1); };

  const auto users = some_names(of.users, 'u', of.crowded), hosts = some_names(of.hosts, 'h', of.crowded);
  const bool in_order = roll.one_in(2);
  for (std::size_t at = 0; at < of.sessions; ++at) {
    const instant start = in_order && !roll.one_in(10)
                              ? from + static_cast<instant>(at) * ((to - from) / static_cast<instant>(of.sessions))
                              : some_instant();
    instant end = start + roll.between(1, 2 * days);
    switch (roll(24)) {
      case 0: end = forever; break;
      case 1:
      case 2: end = start + 1; break;
      case 3:
      case 4:
      case 5: end = std::max(start + 1, some_instant()); break;
      case 6: end = start + roll.between(100, 600) * days; break;
      case 7: end = roll.one_in(4) ? start + roll.between(513, 1500) * days : start + hours; break;
      case 8: end = made.as_of + roll.between(0, 2) > start ? made.as_of + roll.between(0, 2) : start + 1; break;
      default: break;
    }
    if (end <= start) end = start + 1;
    made.sessions.push_back({roll.one_in(20) ? name() : name(users[roll(users.size())]),
                             roll.one_in(20) ? name() : name(hosts[roll(hosts.size())]),
                             {start, end}});
  }
  // Of those who have sessions and of others; some of them long before the first one.
  const auto others = some_names(of.users / 2 + 1, 'd', of.crowded);
  const instant before = roll.one_in(2) ? from - 30 * days : from;
  for (std::size_t at = 0; at < of.denials; ++at)
    made.denials.push_back({roll.one_in(3) ? others[roll(others.size())] : users[roll(users.size())],
                            roll.one_in(4) ? some_instant() : roll.between(before, to - 1)});
  return made;
}

// --- the judge -------------------------------------------------------------------------------------------------------

void expect_same(const core::daily_user_counts &found, const core::daily_user_counts &expected) {
  ASSERT_EQ(found.rows.size(), expected.rows.size());
  ASSERT_EQ(found.first, expected.first);
  const auto fields = [](const core::daily_user_count &of) {
    return std::tuple(of.total_users, of.daily_users, of.denial_users, of.denials, of.concurrent_hosts.level,
                      of.concurrent_hosts.at, of.concurrent_hosts.until, of.complete);
  };
  for (std::size_t at = 0; at < found.rows.size(); ++at)
    ASSERT_EQ(fields(found.rows[at]), fields(expected.rows[at])) << "day " << at << " of " << found.rows.size();
}

// What one process collects alone.
struct judge {
  explicit judge(const log &of)
      : sessions(*of.zone, of.as_of, alone.memory()), denials(*of.zone, of.as_of, alone.memory()), rows(of) {
    for (const session &each : of.sessions) sessions.add_session(key_of(each.user), key_of(each.at), each.when);
    for (const denial &each : of.denials) denials.add_denial(view_of(each.user), each.at);
  }

  std::vector<day_range> ranges() const {
    const day_number last = core::day_of(rows.as_of, *rows.zone);
    std::vector<day_range> made{{std::nullopt, std::nullopt, rows.as_of}};
    if (sessions.first() != forever || denials.first() != forever) {
      made.push_back({last - 40, last - 3, rows.as_of});
      made.push_back({last - 1, std::nullopt, rows.as_of});
    }
    return made;
  }

  core::daily_user_counts report(const daily_presence &of, const daily_presence &denied, const question &asked,
                                 const day_range &range) const {
    return core::find_daily_user_counts(of, denied, asked.model, asked.window, range, *rows.zone, alone);
  }

  host alone;
  daily_presence sessions, denials;
  const log &rows;
};

// What is in shared memory and what did not fit, put together.
void merge_all(daily_presence &to, collection &from, bool denials, const context &with) {
  if (denials)
    from.leader().add_denials_to(to, with);
  else
    from.leader().add_sessions_to(to, with);
  for (std::size_t at = 0; at < from.size(); ++at)
    if (const daily_presence *const rest = from[at].rows.overflow(); rest != nullptr) to.merge(*rest, with);
}

void check_merged(collection &sessions, collection &denials, const judge &by, const question &asked) {
  const host with;
  daily_presence all(*by.rows.zone, by.rows.as_of, with.memory()), denied(*by.rows.zone, by.rows.as_of, with.memory());
  merge_all(all, sessions, false, with);
  merge_all(denied, denials, true, with);
  EXPECT_EQ(all.first(), by.sessions.first());
  EXPECT_EQ(denied.first(), by.denials.first());
  for (const day_range &range : by.ranges())
    expect_same(by.report(all, denied, asked, range), by.report(by.sessions, by.denials, asked, range));
}

// The reports of complete sessions, with denials that were collected together, if they are complete too, and alone.
void check_complete(collection &sessions, collection &denials, const judge &by, const question &asked) {
  const host with;
  EXPECT_EQ(sessions.leader().first(), by.sessions.first());
  for (const day_range &range : by.ranges()) {
    const auto expected = by.report(by.sessions, by.denials, asked, range);
    expect_same(core::find_daily_user_counts(sessions.leader(), by.denials, asked.model, asked.window, range,
                                             *by.rows.zone, with),
                expected);
    if (denials.leader().is_complete())
      expect_same(core::find_daily_user_counts(sessions.leader(), denials.leader(), asked.model, asked.window, range,
                                               *by.rows.zone, with),
                  expected);
  }
}

// As the leader does it: denials first, since sessions are counted together with them, if they are complete and if the
// model has it so; or else when the report is made.
void collect(collection &sessions, collection &denials, const log &rows, const question &asked, std::size_t threads,
             dice &roll) {
  denials.fill(rows.denials, threads, roll, add_denial);
  const bool together = core::counts_denied(asked.model) && denials.leader().is_complete() && !roll.one_in(4);
  sessions.fill(rows.sessions, threads, roll, add_session, together ? &denials : nullptr);
}

void check(const log &rows, const question &asked, std::size_t threads, dice &roll) {
  const judge by(rows);
  collection sessions(*rows.zone, rows.as_of, asked.window_of_totals()), denials(*rows.zone, rows.as_of, std::nullopt);
  collect(sessions, denials, rows, asked, threads, roll);
  ASSERT_TRUE(sessions.leader().is_complete());
  ASSERT_TRUE(denials.leader().is_complete());
  ASSERT_FALSE(sessions.has_overflow() || denials.has_overflow());
  check_complete(sessions, denials, by, asked);
  check_merged(sessions, denials, by, asked);
}

constexpr std::size_t thread_counts[] = {1, 2, 3, 5};

// --- the table of keys -----------------------------------------------------------------------------------------------

// Between two looks at a slot, another process may put another key there. It takes two free processors, and some luck,
// to see that it did.
TEST(shared_days, keys_that_are_made_at_the_same_time_are_not_taken_for_each_other) {
  constexpr std::size_t threads = 2, keys = 2000, rounds = 1200;
  // Made before the race, so that nothing but the table takes time in it.
  std::array<std::vector<std::string>, threads> names;
  for (std::size_t of = 0; of < threads; ++of)
    for (std::size_t key = 0; key < keys; ++key) names[of].push_back(std::to_string(of) + "k" + std::to_string(key));
  const auto full = [](key_view, day_number, day_number) { FAIL() << "there is room"; };
  std::size_t wrong = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    test_space space;
    const auto head = std::make_unique<core::shared_days::head>();
    std::barrier go(threads);
    // The keys of one are there on another day than those of the other.
    const auto race = [&](std::size_t self) {
      thread_host host;
      core::shared_days table(*head, space, &host.memory);
      const auto day = static_cast<day_number>(self);
      go.arrive_and_wait();
      for (const std::string &each : names[self]) table.add(view_of(each), day, day, host.with, full);
      table.settle(host.with, full);
    };
    std::thread other(race, 1);
    race(0);
    other.join();

    const host with;
    core::shared_days table(*head, space, with.memory());
    for (std::size_t of = 0; of < threads; ++of) {
      for (const std::string &each : names[of]) {
        const std::uint32_t found = table.find(view_of(each));
        const auto days = found == core::shared_days::npos ? core::days_of_key{} : table[found];
        if (days.words.size() != 1 || days.words[0].halves[0] != std::uint64_t{1} << of) ++wrong;
      }
    }
  }
  EXPECT_EQ(wrong, 0U);
}

// Words that two processes push at once, or that are too far down a list to be found, come twice.
TEST(shared_days, keeps_every_day_of_a_key_that_all_are_about) {
  constexpr std::size_t threads = 3;
  for (int round = 0; round < 20; ++round) {
    test_space space;
    const auto head = std::make_unique<core::shared_days::head>();
    const auto full = [](key_view, day_number, day_number) { FAIL() << "there is room"; };
    std::barrier go(threads);
    const auto add = [&](std::uint64_t self) {
      thread_host host;
      dice roll(self + static_cast<std::uint64_t>(round) * threads);
      core::shared_days table(*head, space, &host.memory);
      go.arrive_and_wait();
      // All of them all words, each every third day; more words than are looked for.
      std::vector<day_number> mine;
      for (day_number day = -2000; day < 2000; ++day)
        if (static_cast<std::uint64_t>(day + 3000) % threads == self) mine.push_back(day);
      roll.shuffle(mine);
      for (const day_number day : mine) table.add(view_of("key"), day, day, host.with, full);
      table.add(view_of("key"), 5000 + static_cast<day_number>(self) * 400,
                5000 + static_cast<day_number>(self) * 400 + 700, host.with, full);
      table.settle(host.with, full);
    };
    std::vector<std::thread> running;
    for (std::size_t at = 0; at < threads; ++at) running.emplace_back(add, at);
    for (std::thread &each : running) each.join();

    const host with;
    core::shared_days table(*head, space, with.memory());
    const core::days_of_key found = table[table.find(view_of("key"))];
    std::int64_t count = 0;
    for (std::size_t at = 0; at < found.words.size(); ++at) {
      if (at > 0) {
        ASSERT_LT(found.words[at - 1].number, found.words[at].number);
      }
      count += std::popcount(found.words[at].halves[0]) + std::popcount(found.words[at].halves[1]);
    }
    EXPECT_EQ(count, 4000);
    ASSERT_EQ(found.long_stays.size(), 1U);
    EXPECT_EQ(found.long_stays[0], (interval{5000, 6501}));
    EXPECT_EQ(table.find(view_of("another")), core::shared_days::npos);
  }
}

// Rows in any order about the same days find the words that are there.
TEST(shared_days, takes_no_memory_for_days_that_are_known) {
  const host with;
  test_space space;
  const auto head = std::make_unique<core::shared_days::head>();
  core::shared_days table(*head, space, with.memory());
  const auto full = [](key_view, day_number, day_number) { FAIL() << "there is room"; };
  dice roll(37);
  std::size_t after_some = 0;
  for (int row = 0; row < 20'000; ++row) {
    const auto day = static_cast<day_number>(roll(900));
    table.add(view_of("user" + std::to_string(roll(20))), day, day, with, full);
    if (row == 3000) after_some = space.bytes();
  }
  table.settle(with, full);
  EXPECT_EQ(space.bytes(), after_some);
}

// --- the report ------------------------------------------------------------------------------------------------------

TEST(shared_rows, give_the_report_that_one_process_gives) {
  dice roll(41);
  for (std::size_t round = 0; round < 300; ++round) {
    const shape of{static_cast<std::size_t>(roll.between(0, 400)),
                   static_cast<std::size_t>(roll.between(0, 80)),
                   static_cast<std::size_t>(roll.between(1, 60)),
                   static_cast<std::size_t>(roll.between(1, 30)),
                   roll.one_in(2) ? roll.between(1, 5) : roll.between(5, 900),
                   roll.one_in(4)};
    const question asked{all_models[round % 3], all_windows[roll(4)]};
    const std::size_t threads = thread_counts[roll(4)];
    SCOPED_TRACE("round " + std::to_string(round));
    check(random_log(of, roll), asked, threads, roll);
    if (HasFatalFailure()) return;
  }
}

TEST(shared_rows, are_right_with_many_keys_and_many_rows_too) {
  dice roll(43);
  // Several blocks of users and of hosts, several chunks a slice; then a part that grows often, and few keys.
  check(random_log({200'000, 10'000, 20'000, 9'000, 25}, roll), {licensing_model::model_2025, 14}, 4, roll);
  check(random_log({60'000, 3'000, 20'000, 3'000, 200}, roll), {licensing_model::model_2019, 1}, 3, roll);
  check(random_log({20'000, 500, 1'500, 300, 60, true}, roll), {licensing_model::model_2013, 30}, 5, roll);
  check(random_log({60'000, 10, 3, 2, 2}, roll), {licensing_model::model_2025, 1}, 2, roll);
}

TEST(shared_rows, of_nothing_are_complete) {
  dice roll(47);
  check({&utc, 5 * days, {}, {}}, {}, 2, roll);
  check({&utc, 5 * days, {}, {{"u", days}}}, {}, 2, roll);
  check({&utc, 5 * days, {{"u", std::nullopt, {days, 2 * days}}}, {}}, {}, 2, roll);
  check({&utc, 5 * days, {{std::nullopt, "h", {days, forever}}}, {}}, {}, 1, roll);
  check({&utc, 5 * days, {{"u", "h", {6 * days, 7 * days}}, {std::nullopt, std::nullopt, {0, 1}}}, {{"u", 6 * days}}},
        {}, 3, roll);
}

// --- ranges of time --------------------------------------------------------------------------------------------------

// Rows with the same number of events in each slice, so that each slice begins a range; and enough processes.
struct ranges {
  std::vector<session> rows;
  instant origin;

  instant at(std::int64_t slice, instant offset) const { return origin + slice * slice_ticks + offset; }
  void add(std::string host, instant start, instant end) {
    rows.push_back({std::nullopt, std::move(host), {start, end}});
  }
  // Of a host that is there all the time, so that nobody sees it.
  void fill(std::int64_t slice, int events) {
    for (int each = 0; each < events; each += 2)
      add("filler", at(slice, 1000 + each * 10), at(slice, 1005 + each * 10));
  }

  std::vector<core::peak> peaks(const core::time_zone &zone, instant as_of) {
    dice roll(53);
    std::vector<core::peak> found;
    log made{&zone, as_of, rows, {}};
    for (const std::size_t threads : {2U, 4U}) {
      check(made, {licensing_model::model_2019, 14}, threads, roll);
      collection all(zone, as_of, std::nullopt);
      all.fill(rows, threads, roll, add_session);
      const host with;
      const core::daily_peaks by_day = all.leader().peaks(with);
      found.assign(by_day.peaks.begin(), by_day.peaks.end());
    }
    return found;
  }
};

bool same_peak(const core::peak &of, std::int64_t level, instant at) { return of.level == level && of.at == at; }

TEST(shared_rows, a_range_that_begins_within_a_day_goes_on_with_the_level_carried_into_it) {
  // Two days; level 1 is the filler's.
  ranges data{{}, 2 * days / slice_ticks * slice_ticks + slice_ticks};
  data.add("filler", data.at(0, 0), forever);
  for (int host = 0; host < 5; ++host) data.add("h" + std::to_string(host), data.at(0, 10 + host), data.at(5, 77));
  for (const std::int64_t slice : {1, 2, 3, 4}) data.fill(slice, 12);
  // The day's peak is where it was first, not where a later range began with it, nor where it came again.
  data.add("later", data.at(3, 500), data.at(3, 600));
  data.add("first", data.at(2, 500), data.at(2, 501));
  // Down to the level of those who go on, in another range, then up to the same as before.
  data.fill(6, 12);
  data.fill(7, 12);
  for (int host = 0; host < 5; ++host) data.add("g" + std::to_string(host), data.at(7, 100 + host), forever);
  const auto found = data.peaks(utc, 4 * days + 5);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_TRUE(same_peak(found[0], 7, data.at(2, 500)));
  EXPECT_TRUE(same_peak(found[1], 6, 3 * days));
  EXPECT_TRUE(same_peak(found[2], 6, 4 * days));
}

TEST(shared_rows, a_range_that_begins_at_midnight_does_not_have_who_leaves_then) {
  // 2000-01-01 begins a slice.
  ranges data{{}, 0};
  data.add("filler", data.at(-4, 0), forever);
  for (const std::int64_t slice : {-4, -3, -2, -1, 0, 1, 2, 3}) data.fill(slice, 20);
  data.add("gone", data.at(-2, 50), data.at(0, 0));
  data.add("gone too", data.at(-3, 50), data.at(0, 0));
  data.add("comes then", data.at(0, 0), data.at(1, 0));
  data.add("comes after", data.at(1, 0), data.at(1, 1));
  const auto found = data.peaks(utc, 3 * slice_ticks);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(same_peak(found[0], 3, data.at(-2, 50)));
  EXPECT_TRUE(same_peak(found[1], 2, 0));
}

TEST(shared_rows, a_range_without_a_change_of_level_has_the_one_carried_into_it) {
  // From midnight to midnight nothing but a host that leaves as another comes, at a bound of slices.
  ranges data{{}, 0};
  data.add("filler", data.at(-1, 0), forever);
  data.add("before", data.at(-1, 0), data.at(2, 0));
  data.add("after", data.at(2, 0), data.at(40, 0));
  for (const std::int64_t slice : {-1, 2, 5, 30, 39}) data.fill(slice, 20);
  const auto found = data.peaks(utc, 3 * days);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_TRUE(same_peak(found[0], 2, data.at(-1, 0)));
  EXPECT_TRUE(same_peak(found[1], 2, 0));
  EXPECT_TRUE(same_peak(found[2], 2, days));
  EXPECT_TRUE(same_peak(found[3], 1, 2 * days));
  EXPECT_TRUE(same_peak(found[4], 1, 3 * days));
}

// --- no room ---------------------------------------------------------------------------------------------------------

// Returns whether there was room for all.
bool check_limited(const log &rows, const question &asked, const judge &by, std::size_t threads,
                   const test_space::limits &within, dice &roll) {
  collection sessions(*rows.zone, rows.as_of, asked.window_of_totals(), within),
      denials(*rows.zone, rows.as_of, std::nullopt, within);
  collect(sessions, denials, rows, asked, threads, roll);
  for (collection *const each : {&sessions, &denials}) {
    const bool complete = each->leader().is_complete();
    EXPECT_FALSE(complete && each->has_overflow());
    EXPECT_TRUE(complete || each->space().has_refused());
  }
  if (sessions.leader().is_complete()) check_complete(sessions, denials, by, asked);
  check_merged(sessions, denials, by, asked);
  return !sessions.space().has_refused() && !denials.space().has_refused();
}

TEST(shared_rows, that_do_not_fit_are_kept_by_whoever_had_them) {
  dice roll(59);
  for (const std::size_t threads : {1U, 3U}) {
    const log rows = random_log({700, 150, 90, 40, 500}, roll);
    const judge by(rows);
    std::size_t allocations = 0;
    for (bool all = false; !all; ++allocations) {
      SCOPED_TRACE("allocations " + std::to_string(allocations));
      const question asked{all_models[allocations % 3], 14};
      test_space::limits first, others;
      first.allocations = others.all_but = allocations;
      all = check_limited(rows, asked, by, threads, first, roll);
      // One that did not fit, and all else does, with it the plan.
      check_limited(rows, asked, by, threads, others, roll);
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(allocations, 60U);
  }
}

TEST(shared_rows, that_do_not_fit_may_be_any_of_them) {
  dice roll(61);
  for (int round = 0; round < 40; ++round) {
    const log rows = random_log({1500, 300, 400, 300, 700, roll.one_in(3)}, roll);
    const judge by(rows);
    test_space::limits within;
    switch (round % 4) {
      case 0: within.most = static_cast<std::size_t>(roll.between(500, 20'000)); break;
      case 1: within.most = static_cast<std::size_t>(roll.between(20'000, 400'000)); break;
      default: within.bytes = static_cast<std::size_t>(roll.between(0, 2'000'000)); break;
    }
    SCOPED_TRACE("round " + std::to_string(round));
    check_limited(rows, {all_models[round % 3], 30}, by, 3, within, roll);
    ASSERT_FALSE(HasFailure());
  }
}

// He takes his events with him, of hosts that are known by then; others still make some.
TEST(shared_rows, who_cannot_publish_needs_nothing_of_those_who_still_collect) {
  dice roll(67);
  log rows{&utc, 9 * days, {}, {}};
  for (int at = 0; at < 3000; ++at) {
    const instant start = roll.between(0, slice_ticks - 10);
    rows.sessions.push_back({std::nullopt,
                             std::string(at % 2 == 0 ? 40 : 2, 'h') + std::to_string(at % 2500),
                             {start, start + roll.between(1, 9)}});
  }
  const judge by(rows);
  for (int round = 0; round < 20; ++round) {
    test_space::limits within;
    within.least = 512;  // what is published is less, all that is allocated before is not
    EXPECT_FALSE(check_limited(rows, {}, by, 3, within, roll));
    ASSERT_FALSE(HasFailure());
  }
}

TEST(shared_rows, of_too_many_days_are_put_together_by_one_process) {
  dice roll(71);
  const std::int64_t year_1700 = -109'572, year_2025 = 9'132;
  for (const auto &[first, last, complete] :
       {std::tuple(year_1700, year_2025, false), std::tuple(std::int64_t{-90'000}, std::int64_t{9'999}, true),
        std::tuple(std::int64_t{-90'001}, std::int64_t{9'999}, false)}) {
    const log rows{&utc,
                   last * days + 5,
                   {{"u", "h", {first * days, first * days + 1}},
                    {"v", "h", {last * days, forever}},
                    {"w", "g", {(first + 7) * days, (first + 90'000) * days}}},
                   {{"u", last * days}}};
    const judge by(rows);
    const question asked{licensing_model::model_2025, 30};
    collection sessions(utc, rows.as_of, asked.window), denials(utc, rows.as_of, std::nullopt);
    collect(sessions, denials, rows, asked, 2, roll);
    EXPECT_EQ(sessions.leader().is_complete(), complete);
    EXPECT_TRUE(denials.leader().is_complete());
    EXPECT_FALSE(sessions.has_overflow());
    if (complete) check_complete(sessions, denials, by, asked);
    check_merged(sessions, denials, by, asked);
  }
}

// --- errors ----------------------------------------------------------------------------------------------------------

TEST(shared_rows, a_process_that_is_interrupted_holds_up_nobody) {
  dice roll(73);
  const log rows = random_log({2000, 0, 300, 200, 300}, roll);
  const judge by(rows);
  int interruptions = 0;
  // Who gets how much of the work, and so how many polls, is chance: on a busy machine the others may do all of it.
  for (std::uint64_t round = 0; round < 100 || (interruptions == 0 && round < 10000); ++round) {
    const std::uint64_t polls = round < 100 ? round : 0;
    collection sessions(*rows.zone, rows.as_of, std::nullopt), denials(*rows.zone, rows.as_of, std::nullopt);
    denials.fill(rows.denials, 1, roll, add_denial);
    sessions.fill(rows.sessions, 3, roll, add_session, &denials, polls);
    EXPECT_FALSE(sessions[1].interrupted || sessions[2].interrupted);
    if (sessions[0].interrupted)
      ++interruptions;
    else
      check_complete(sessions, denials, by, {});
  }
  EXPECT_GT(interruptions, 0);
}

// Who waits for a lock may hold another one.
TEST(shared_rows, who_is_interrupted_as_he_waits_leaves_no_lock) {
  constexpr std::size_t first_records = 256 * 64;
  std::promise<void> inside, go;
  const auto may_go = go.get_future().share();
  bool first = true;
  test_space::limits within;
  within.on_entry = [&](std::size_t bytes) {
    if (bytes != first_records || !std::exchange(first, false)) return;
    inside.set_value();
    may_go.wait();
  };
  test_space space(within);
  const auto head = std::make_unique<shared_rows::head>();
  const interval when{5, 6};
  std::thread slow([&] {
    thread_host host;
    shared_rows rows(*head, space, utc, days, std::nullopt, &host.memory);
    rows.add_session(view_of("slow"), std::nullopt, when, host.with);
    rows.publish(host.with);
  });
  inside.get_future().wait();
  // The other one makes the first records, under the lock of all records.
  const auto names = some_names(40, 'u', false);
  for (const std::string &each : names) {
    thread_host host;
    shared_rows rows(*head, space, utc, days, std::nullopt, &host.memory);
    polls_left = 3;
    EXPECT_THROW(
        {
          rows.add_session(view_of(each), std::nullopt, when, host.with);
          rows.publish(host.with);
        },
        interrupted);
  }
  go.set_value();
  slow.join();
  // A lock that somebody took with him would be waited for until this ends.
  polls_left = 100'000;
  thread_host host;
  shared_rows rows(*head, space, utc, days, std::nullopt, &host.memory);
  for (const std::string &each : names) rows.add_session(view_of(each), std::nullopt, when, host.with);
  rows.publish(host.with);
  rows.make_plan(nullptr, host.with);
  rows.find_changes(host.with);
  rows.carry(host.with);
  rows.count(nullptr, host.with);
  polls_left = UINT64_MAX;
  ASSERT_TRUE(rows.is_complete());
  core::day_counter counts(0, 1, std::nullopt, host.with);
  rows.add_counts(counts);
  counts.finish();
  EXPECT_EQ(counts.on(0), 41);
}

TEST(shared_rows, an_error_of_the_space_leaves_no_lock) {
  const auto names = some_names(300, 'u', false);
  for (std::size_t fails = 1; fails < 80; ++fails) {
    std::size_t count = 0;
    test_space::limits within;
    within.on_entry = [&](std::size_t) {
      if (++count == fails) throw std::bad_alloc();
    };
    test_space space(within);
    const auto head = std::make_unique<shared_rows::head>();
    polls_left = 100'000;
    bool failed = false;
    for (int round = 0; round < 2; ++round) {
      thread_host host;
      shared_rows rows(*head, space, utc, days, std::nullopt, &host.memory);
      try {
        for (const std::string &each : names) rows.add_session(view_of(each), view_of(each), {5, 6}, host.with);
        rows.publish(host.with);
        if (round == 0) continue;
        EXPECT_EQ(rows.overflow(), nullptr);
        std::size_t there = 0;
        rows.for_each_user(host.with, [&](key_view, const core::days_of_key &) { ++there; });
        EXPECT_EQ(there, names.size());
      } catch (const std::bad_alloc &) {
        failed = true;
      }
    }
    EXPECT_TRUE(failed);
    polls_left = UINT64_MAX;
  }
}

}  // namespace
}  // namespace headcount::test
