#include "core/report/shared_rows.hpp"

#include <algorithm>

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// Pieces of work: large enough that taking them costs nothing, small enough that nobody waits long for the last one.
constexpr std::uint32_t users_at_once = 4096, hosts_at_once = 8192;
constexpr std::uint32_t ranges_per_process = 4;
// What is carried into the ranges takes no more than this, or than the events themselves.
constexpr std::uint64_t min_carried_bytes = std::uint64_t{16} << 20U;
// A longer report has a row for every day of centuries, and is not made faster by this.
constexpr std::size_t max_days = 100'000;

using published_slice = shared_events::published_slice;

struct denial_day {
  std::int64_t day, count;
};

// Denials are fewer than sessions: who was denied is looked up among the users, and counted anew where that counts.
template <typename EachDenied, typename CountDenied, typename DenialsOn>
daily_user_counts counts_of(shared_rows &sessions, instant first_denial, EachDenied &&each_denied,
                            CountDenied &&count_denied, DenialsOn &&denials_on, licensing_model model,
                            std::int64_t window_days, const day_range &range, const time_zone &zone,
                            const context &host) {
  check_window_days(window_days);
  daily_user_counts counts(host.memory);
  const auto days = find_days(std::min(sessions.first(), first_denial), range, zone);
  if (!days.has_value()) return counts;
  const grid buckets = day_grid(days->first, days->last, zone, host);
  day_counter active(days->first, buckets.size(), is_trailing(model) ? std::optional(window_days) : std::nullopt, host);
  day_counter denied(days->first, buckets.size(), std::nullopt, host);
  key_counter count_active(active, host);
  sessions.add_counts(active);
  count_denied(denied);
  if (counts_denied(model) && !sessions.with_denials()) {
    each_denied([&](key_view user, const days_of_key &on) {
      const days_of_key used = sessions.days_of(user);
      count_active.add(used, -1);
      count_active.add(used, on);
    });
  }
  put_rows(counts, *days, buckets, active, denied, model, window_days, range.as_of, sessions.peaks(host), denials_on);
  return counts;
}

}  // namespace

// What a process publishes; its lists follow.
struct shared_rows::part {
  handle earlier;
  instant first;
  std::uint64_t extents, slices, denials;

  handle *extent_list() { return reinterpret_cast<handle *>(this + 1); }
  published_slice *slice_list() { return reinterpret_cast<published_slice *>(extent_list() + extents); }
  denial_day *denial_list() { return reinterpret_cast<denial_day *>(slice_list() + slices); }
};

struct shared_rows::day_result {
  std::int64_t on, total, level;
  instant at;
};

// What is to be done, and where the results go.
struct shared_rows::plan {
  std::int64_t first_day;
  std::uint64_t days;
  std::uint32_t ranges, hosts;
  handle slice_list, carried, results;
  // where in the list of slices each range begins, and where the last one ends
  std::uint64_t *range_starts() { return reinterpret_cast<std::uint64_t *>(this + 1); }
  const std::uint64_t *range_starts() const { return reinterpret_cast<const std::uint64_t *>(this + 1); }
};

shared_rows::shared_rows(head &of, shared_space &space, const time_zone &zone, instant as_of,
                         std::optional<std::int64_t> window_days, std::pmr::memory_resource *memory)
    : head_(of),
      space_(space),
      zone_(zone),
      as_of_(as_of),
      window_days_(window_days),
      memory_(memory),
      starts_(zone),
      ends_(zone),
      users_(of.users, space, memory),
      hosts_(of.hosts, space, memory),
      denials_(memory) {}

daily_presence &shared_rows::overflowing() {
  if (!overflow_.has_value()) {
    overflow_.emplace(zone_, as_of_, memory_);
    head_.overflowed.store(1, std::memory_order_relaxed);
  }
  overflow_->note_first(first_);
  return *overflow_;
}

void shared_rows::add_session(std::optional<key_view> user, std::optional<key_view> host_key, interval when,
                              const context &host) {
  if (when.start > as_of_ || (!user.has_value() && !host_key.has_value())) return;
  if (when.start < first_) first_ = when.start;
  if (user.has_value())
    users_.add(
        *user, starts_(when.start), ends_(last_instant(when, as_of_)), host,
        [this](key_view key, day_number first, day_number last) { overflowing().users().add(key, first, last); });
  if (host_key.has_value())
    hosts_.add(*host_key, {when.start, when.end <= as_of_ ? when.end : forever}, host,
               [this](key_view key, interval kept) { overflowing().hosts().add(key, kept); });
}

void shared_rows::add_denial(key_view user, instant at, const context &host) {
  if (at > as_of_) return;
  if (at < first_) first_ = at;
  const day_number day = starts_(at);
  users_.add(user, day, day, host,
             [this](key_view key, day_number first, day_number last) { overflowing().denied().add(key, first, last); });
  ++denials_[day];
}

void shared_rows::publish(const context &host) {
  // Who overflowed has rows of one kind: a collection of denials has no hosts.
  const bool denials = !denials_.empty();
  users_.settle(host, [&](key_view key, day_number first, day_number last) {
    (denials ? overflowing().denied() : overflowing().users()).add(key, first, last);
  });
  hosts_.settle(host, [this](key_view key, interval kept) { overflowing().hosts().add(key, kept); });
  const auto slices = hosts_.slices(host.memory);
  const auto extents = hosts_.extents();
  const std::size_t bytes = sizeof(part) + extents.size_bytes() + slices.size() * sizeof(published_slice) +
                            denials_.size() * sizeof(denial_day);
  const handle made = space_.allocate(bytes);
  if (made == shared_space::none) {
    // Nobody will find what is only known here, so it goes with what did not fit.
    daily_presence &kept = overflowing();
    for (const auto &[day, count] : denials_) kept.add_denials(day, count);
    published_events own(space_, host.memory);
    own.add_part(extents);
    kept.hosts().merge_numbered(
        hosts_.host_count(), host, [this](std::uint32_t at) { return hosts_.host_key(at); },
        [&](auto &&add) {
          for (const published_slice &each : slices)
            own.for_each_chunk(each, [&](std::span<const std::uint64_t> some) { add(each.number, some); });
        });
    return;
  }
  part &mine = *new (part_at(made)) part{shared_space::none, first_, extents.size(), slices.size(), denials_.size()};
  std::copy(extents.begin(), extents.end(), mine.extent_list());
  std::copy(slices.begin(), slices.end(), mine.slice_list());
  denial_day *to = mine.denial_list();
  for (const auto &[day, count] : denials_) *to++ = {day, count};
  mine.earlier = head_.parts.load(std::memory_order_relaxed);
  while (!head_.parts.compare_exchange_weak(mine.earlier, made, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

// Calls visit(part &, std::uint32_t number) for each part, in the same order in every process.
template <typename Visit>
void shared_rows::for_each_part(Visit &&visit) const {
  std::uint32_t number = 0;
  for (handle at = head_.parts.load(std::memory_order_acquire); at != shared_space::none; ++number) {
    part &each = *part_at(at);
    visit(each, number);
    at = each.earlier;
  }
}

instant shared_rows::first() const {
  instant found = forever;
  for_each_part([&](const part &each, std::uint32_t) { found = std::min(found, each.first); });
  return found;
}

published_events shared_rows::events() {
  published_events found(space_, memory_);
  for_each_part([&](part &each, std::uint32_t) { found.add_part({each.extent_list(), static_cast<std::size_t>(each.extents)}); });
  return found;
}

void shared_rows::make_plan(const shared_rows *denials, const context &host) {
  if (head_.overflowed.load(std::memory_order_relaxed) != 0) return;
  const instant first_denial = denials == nullptr ? forever : denials->first();
  const auto days = find_days(std::min(first(), first_denial), {std::nullopt, std::nullopt, as_of_}, zone_);
  const std::size_t day_count = days.has_value() ? static_cast<std::size_t>(days->last - days->first) + 1 : 0;
  if (day_count > max_days) return;

  std::pmr::vector<published_slice> slices(host.memory);
  std::uint64_t events = 0;
  std::uint32_t part_count = 0;
  for_each_part([&](part &each, std::uint32_t number) {
    for (std::uint64_t slice = 0; slice < each.slices; ++slice) {
      slices.push_back(each.slice_list()[slice]);
      slices.back().part = number;
      events += slices.back().events;
    }
    part_count = number + 1;
    host.poll();
  });
  std::sort(slices.begin(), slices.end(),
            [](const published_slice &a, const published_slice &b) { return a.number < b.number; });

  const std::uint32_t hosts = hosts_.host_count();
  const std::uint64_t carried_bytes = std::max<std::uint64_t>(hosts, 1) * sizeof(std::uint32_t);
  const std::uint64_t budget = std::max(min_carried_bytes, events * sizeof(host_event::word));
  const std::uint64_t wanted =
      part_count <= 1
          ? 1
          : std::clamp<std::uint64_t>(budget / carried_bytes, 1, std::uint64_t{part_count} * ranges_per_process);
  std::pmr::vector<std::uint64_t> starts(host.memory);
  std::uint64_t before = 0;
  for (std::size_t at = 0; at < slices.size(); ++at) {
    const bool begins = at == 0 || slices[at].number != slices[at - 1].number;
    if (begins && before * wanted >= starts.size() * events) starts.push_back(at);
    before += slices[at].events;
  }
  const auto ranges = static_cast<std::uint32_t>(starts.size());
  starts.push_back(slices.size());

  plan made{};
  made.first_day = days.has_value() ? days->first : 0;
  made.days = day_count;
  made.ranges = ranges;
  made.hosts = hosts;
  const auto room = [&](std::uint64_t bytes) {
    return space_.allocate(static_cast<std::size_t>(std::max<std::uint64_t>(bytes, 8)));
  };
  made.slice_list = room(slices.size() * sizeof(published_slice));
  made.carried = room(ranges * carried_bytes);
  made.results = room(day_count * sizeof(day_result));
  const handle at = room(sizeof(plan) + starts.size() * sizeof(std::uint64_t));
  if (made.slice_list == shared_space::none || made.carried == shared_space::none ||
      made.results == shared_space::none || at == shared_space::none)
    return;
  std::copy(slices.begin(), slices.end(), reinterpret_cast<published_slice *>(space_.address(made.slice_list)));
  std::fill_n(results_of(made), day_count, day_result{});
  plan &shared = *new (space_.address(at)) plan(made);
  std::copy(starts.begin(), starts.end(), shared.range_starts());
  head_.plan.store(at, std::memory_order_release);
}

shared_rows::plan *shared_rows::the_plan() {
  const handle at = head_.plan.load(std::memory_order_acquire);
  return at == shared_space::none ? nullptr : reinterpret_cast<plan *>(space_.address(at));
}

bool shared_rows::is_complete() const {
  return head_.plan.load(std::memory_order_acquire) != shared_space::none &&
         head_.overflowed.load(std::memory_order_relaxed) == 0;
}

const published_slice *shared_rows::slices_of(const plan &by) {
  return reinterpret_cast<const published_slice *>(space_.address(by.slice_list));
}

shared_rows::day_result *shared_rows::results_of(const plan &by) {
  return reinterpret_cast<day_result *>(space_.address(by.results));
}

// The sessions of each host that a range begins with; before they are carried, what it changes.
std::uint32_t *shared_rows::sessions_of(const plan &by, std::uint32_t range) {
  return reinterpret_cast<std::uint32_t *>(space_.address(by.carried)) + std::size_t{range} * by.hosts;
}

// Nothing is carried out of the last range.
void shared_rows::find_changes(const context &host) {
  plan *const by = the_plan();
  if (by == nullptr || by->ranges < 2) return;
  published_events from = events();
  const published_slice *const slices = slices_of(*by);
  for (std::uint32_t range; (range = head_.next_changes.fetch_add(1, std::memory_order_relaxed)) < by->ranges - 1;) {
    std::uint32_t *const sessions = sessions_of(*by, range);
    std::fill_n(sessions, by->hosts, 0U);
    for (std::uint64_t at = by->range_starts()[range]; at < by->range_starts()[range + 1]; ++at) {
      host.poll();
      from.for_each_chunk(slices[at], [&](std::span<const std::uint64_t> some) {
        for (const std::uint64_t each : some) sessions[host_event::host(each)] += 2 * host_event::begun(each) - 1;
      });
    }
  }
}

void shared_rows::carry(const context &host) {
  plan *const by = the_plan();
  if (by == nullptr || by->ranges == 0) return;
  std::pmr::vector<std::uint32_t> sums(hosts_at_once, host.memory);
  for (std::uint32_t block;
       (block = head_.next_hosts.fetch_add(1, std::memory_order_relaxed)) <= by->hosts / hosts_at_once;) {
    host.poll();
    const std::uint32_t first = block * hosts_at_once, count = std::min(hosts_at_once, by->hosts - first);
    std::fill(sums.begin(), sums.end(), 0U);
    for (std::uint32_t range = 0; range < by->ranges; ++range) {
      std::uint32_t *const sessions = sessions_of(*by, range) + first;
      const bool last = range + 1 == by->ranges;
      for (std::uint32_t at = 0; at < count; ++at) {
        const std::uint32_t change = last ? 0 : sessions[at];
        sessions[at] = sums[at];
        sums[at] += change;
      }
    }
  }
}

// Calls visit(key_view, number) for each key of the blocks that nobody else took.
template <typename Visit>
void shared_rows::for_each_of_block(std::atomic<std::uint32_t> &next, shared_days &of, const context &host,
                                    Visit &&visit) {
  constexpr std::uint32_t ahead = 8;
  const std::uint32_t keys = of.size();
  for (std::uint32_t block; (block = next.fetch_add(1, std::memory_order_relaxed)) <= keys / users_at_once;) {
    host.poll();
    const std::uint32_t first = block * users_at_once, last = std::min(keys, first + users_at_once);
    for (std::uint32_t at = first; at < last; ++at) {
      if (at + ahead < last) of.prefetch(at + ahead);
      if (of.has(at)) visit(of.key(at), at);
    }
  }
}

void shared_rows::count(shared_rows *denials, const context &host) {
  plan *const by = the_plan();
  if (by == nullptr || by->days == 0) return;
  published_events from = events();
  const auto last_day = static_cast<day_number>(by->first_day + static_cast<std::int64_t>(by->days) - 1);
  const grid days = day_grid(static_cast<day_number>(by->first_day), last_day, zone_, host);
  for (std::uint32_t range; (range = head_.next_range.fetch_add(1, std::memory_order_relaxed)) < by->ranges;)
    sweep(*by, range, days, from, host);

  day_counter counter(by->first_day, static_cast<std::size_t>(by->days), window_days_, host);
  key_counter count_days(counter, host);
  bool any = false;
  for_each_of_block(head_.next_users, users_, host, [&](key_view user, std::uint32_t number) {
    any = true;
    count_days.add(users_[number], denials == nullptr ? days_of_key{} : denials->days_of(user));
  });
  if (denials != nullptr) {
    head_.with_denials.store(1, std::memory_order_relaxed);
    for_each_of_block(head_.next_denied, denials->users_, host, [&](key_view user, std::uint32_t number) {
      if (users_.find(user) != shared_days::npos) return;
      any = true;
      count_days.add(denials->users_[number]);
    });
  }
  if (!any) return;
  counter.finish();
  day_result *const results = results_of(*by);
  const shared_lock::guard locked(head_.lock, host);
  for (std::size_t day = 0; day < by->days; ++day) {
    results[day].on += counter.on(day);
    results[day].total += counter.total(day);
  }
}

// A day that more than one range has a part of has the highest of their peaks, and of equal ones the earliest. So it
// does not matter that a range does not know since when the level that it begins with has held.
void shared_rows::sweep(const plan &by, std::uint32_t range, const grid &days, published_events &from,
                        const context &host) {
  const published_slice *const slices = slices_of(by);
  const std::uint64_t begin = by.range_starts()[range], end = by.range_starts()[range + 1];
  const auto start_of = [&](std::uint64_t slice) {
    return static_cast<instant>(static_cast<std::uint64_t>(slices[slice].number) << host_event::tick_bits);
  };
  const instant starts = range == 0 ? days.bounds.front() : start_of(begin);
  const instant ends = range + 1 == by.ranges ? until(as_of_).end : start_of(end);
  const auto day_at = [&](instant at) {
    return std::upper_bound(days.bounds.begin(), days.bounds.end() - 1, at) - days.bounds.begin() - 1;
  };
  const auto first_day = day_at(starts), last_day = day_at(ends - 1);
  std::pmr::vector<instant> bounds(days.bounds.begin() + first_day, days.bounds.begin() + last_day + 2, host.memory);
  bounds.front() = starts;

  const std::span<std::uint32_t> sessions(sessions_of(by, range), by.hosts);
  auto level = static_cast<std::int64_t>(by.hosts) - std::count(sessions.begin(), sessions.end(), 0U);
  peak_finder swept(bounds, host, level);
  std::pmr::vector<host_event::word> sorted(host.memory), other(host.memory);
  for (std::uint64_t at = begin; at < end;) {
    host.poll();
    const std::int64_t number = slices[at].number;
    sorted.clear();
    for (; at < end && slices[at].number == number; ++at)
      from.for_each_chunk(slices[at], [&](std::span<const host_event::word> some) {
        sorted.insert(sorted.end(), some.begin(), some.end());
      });
    host_event::sort(sorted, other, host);
    host_event::sweep(sorted, number, sessions, level, as_of_,
                      [&](instant now, std::int64_t changed) { swept.add(now, changed); });
  }
  swept.finish(ends);

  day_result *const results = results_of(by);
  const shared_lock::guard locked(head_.lock, host);
  for (std::size_t day = 0; day + 1 < bounds.size(); ++day) {
    const peak &found = swept[day];
    day_result &into = results[static_cast<std::size_t>(first_day) + day];
    if (found.level > into.level || (found.level == into.level && found.at < into.at)) {
      into.level = found.level;
      into.at = found.at;
    }
  }
}

void shared_rows::add_counts(day_counter &to) {
  plan *const by = the_plan();
  const day_result *const results = results_of(*by);
  for (std::size_t day = 0; day < by->days; ++day)
    to.add_finished(by->first_day + static_cast<std::int64_t>(day), results[day].on, results[day].total);
}

daily_peaks shared_rows::peaks(const context &host) {
  daily_peaks found(host.memory);
  plan *const by = the_plan();
  const day_result *const results = results_of(*by);
  found.first = static_cast<day_number>(by->first_day);
  for (std::size_t day = 0; day < by->days; ++day) found.peaks.push_back({results[day].level, results[day].at, 0});
  return found;
}

const std::pmr::unordered_map<day_number, std::int64_t> &shared_rows::denials() {
  denials_.clear();
  for_each_part([this](part &each, std::uint32_t) {
    for (std::uint64_t day = 0; day < each.denials; ++day)
      denials_[static_cast<day_number>(each.denial_list()[day].day)] += each.denial_list()[day].count;
  });
  return denials_;
}

void shared_rows::add_sessions_to(daily_presence &to, const context &host) {
  to.note_first(first());
  for_each_user(host, [&](key_view user, const days_of_key &days) { to.users().add(user, days); });
  published_events from = events();
  to.hosts().merge_numbered(
      hosts_.host_count(), host, [this](std::uint32_t at) { return hosts_.host_key(at); },
      [&](auto &&add) {
        for_each_part([&](part &each, std::uint32_t number) {
          for (std::uint64_t slice = 0; slice < each.slices; ++slice) {
            published_slice one = each.slice_list()[slice];
            one.part = number;
            from.for_each_chunk(one, [&](std::span<const std::uint64_t> some) { add(one.number, some); });
          }
        });
      });
}

void shared_rows::add_denials_to(daily_presence &to, const context &host) {
  to.note_first(first());
  for_each_user(host, [&](key_view user, const days_of_key &days) { to.denied().add(user, days); });
  for (const auto &[day, count] : denials()) to.add_denials(day, count);
}

daily_user_counts find_daily_user_counts(shared_rows &sessions, shared_rows &denials, licensing_model model,
                                         std::int64_t window_days, const day_range &range, const time_zone &zone,
                                         const context &host) {
  const auto &by_day = denials.denials();
  return counts_of(
      sessions, denials.first(), [&](auto &&visit) { denials.for_each_user(host, visit); },
      [&](day_counter &denied) { denials.add_counts(denied); },
      [&](day_number day) {
        const auto found = by_day.find(day);
        return found == by_day.end() ? std::int64_t{0} : found->second;
      },
      model, window_days, range, zone, host);
}

daily_user_counts find_daily_user_counts(shared_rows &sessions, const daily_presence &denials, licensing_model model,
                                         std::int64_t window_days, const day_range &range, const time_zone &zone,
                                         const context &host) {
  return counts_of(
      sessions, denials.first(),
      [&](auto &&visit) {
        denials.denied().for_each(host, [&](std::uint32_t, key_view user, const days_of_key &on) { visit(user, on); });
      },
      [&](day_counter &denied) {
        key_counter count_days(denied, host);
        denials.denied().for_each(host, [&](std::uint32_t, key_view, const days_of_key &on) { count_days.add(on); });
      },
      [&](day_number day) { return denials.denials_on(day); }, model, window_days, range, zone, host);
}

}  // namespace headcount::core
