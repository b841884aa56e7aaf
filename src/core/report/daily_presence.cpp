#include "core/report/daily_presence.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/base/error.hpp"
#include "core/presence/sweep.hpp"
#include "core/time/unite.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// Calls visit(first, last) for each run of days, in order; those of neighbouring halves are not joined.
template <typename Visit>
void for_each_run(const day_word &word, Visit &&visit) {
  std::int64_t base = word.first_day();
  for (const std::uint64_t half : word.halves) {
    for (std::uint64_t left = half; left != 0;) {
      const int first = std::countr_zero(left), length = std::countr_one(left >> first);
      visit(base + first, base + first + length - 1);
      if (first + length == 64) break;
      left &= ~std::uint64_t{0} << (first + length);
    }
    base += 64;
  }
}

// Of a list of days: how many keys were there on each, and either within the `window_days` before it, or ever before.
class day_counter {
 public:
  // For `count` days from `first` on. No window_days: ever before.
  day_counter(std::int64_t first, std::size_t count, std::optional<std::int64_t> window_days, const context &host)
      : first_(first),
        days_(static_cast<std::int64_t>(count)),
        window_days_(window_days),
        on_(count + 1, host.memory),
        changes_(count + 1, host.memory),
        total_(count + 1, host.memory) {}

  // A key's words and runs come in order, the next key's after next_key().
  void next_key() { counted_ = 0, known_ = false; }

  void add(const day_word &word) {
    const std::int64_t base = word.first_day() - first_;
    const bool inside = base >= 0 && base + (std::int64_t{1} << day_word::shift) <= days_;
    if (inside && !window_days_.has_value()) {
      std::int64_t at = base;
      for (const std::uint64_t half : word.halves) {
        if (half != 0) see(at + std::countr_zero(half));
        for (std::uint64_t left = half; left != 0; left &= left - 1)
          ++on_[static_cast<std::size_t>(at + std::countr_zero(left))];
        at += 64;
      }
    } else {
      for_each_run(word, [this](std::int64_t first, std::int64_t last) { add_run(first, last); });
    }
  }

  void add_run(std::int64_t first, std::int64_t last) {
    first -= first_, last -= first_;
    const std::int64_t from = std::max<std::int64_t>(first, 0), to = std::min(last + 1, days_);
    if (from < to) ++changes_[static_cast<std::size_t>(from)], --changes_[static_cast<std::size_t>(to)];
    if (!window_days_.has_value()) {
      see(from);
      return;
    }
    // The run, stretched by the window, as far as it is not counted yet.
    const std::int64_t start = std::max(from, counted_), end = std::min(last + *window_days_, days_);
    if (start >= end) return;
    ++total_[static_cast<std::size_t>(start)], --total_[static_cast<std::size_t>(end)];
    counted_ = end;
  }

  void finish() {
    std::partial_sum(changes_.begin(), changes_.end(), changes_.begin());
    std::partial_sum(total_.begin(), total_.end(), total_.begin());
    for (std::size_t at = 0; at < on_.size(); ++at) on_[at] += changes_[at];
  }
  std::int64_t on(std::size_t day) const { return on_[day]; }
  std::int64_t total(std::size_t day) const { return total_[day]; }

 private:
  // The key is there on day `at` of the list, or before all of it where that is 0.
  void see(std::int64_t at) {
    if (!known_ && at < days_) ++total_[static_cast<std::size_t>(at)];
    known_ = true;
  }

  std::int64_t first_, days_;
  std::optional<std::int64_t> window_days_;
  std::pmr::vector<std::int64_t> on_, changes_, total_;  // changes_ is another part of on_, day by day its difference
  std::int64_t counted_ = 0;                             // days before this one have this key in total_ already
  bool known_ = false;                                   // this key is counted as seen
};

// Counts the days of one key at a time.
class key_counter {
 public:
  key_counter(day_counter &to, const context &host) : to_(to), runs_(host.memory) {}

  void add(const days_by_key::days_of_key &days) { add(days, {}); }

  // Counts the days that the key has in either.
  void add(const days_by_key::days_of_key &one, const days_by_key::days_of_key &other) {
    to_.next_key();
    if (one.long_stays.empty() && other.long_stays.empty()) {
      for_each_word(one.words, other.words, [this](const day_word &word) { to_.add(word); });
      return;
    }
    runs_.clear();
    for (const days_by_key::days_of_key *each : {&one, &other}) {
      for (const day_word &word : each->words)
        for_each_run(word, [this](std::int64_t first, std::int64_t last) { runs_.push_back({first, last + 1}); });
      runs_.insert(runs_.end(), each->long_stays.begin(), each->long_stays.end());
    }
    runs_.resize(unite(runs_));
    for (const interval &each : runs_) to_.add_run(each.start, each.end - 1);
  }

 private:
  // Both ascending: a merge.
  template <typename Visit>
  static void for_each_word(std::span<const day_word> one, std::span<const day_word> other, Visit &&visit) {
    auto left = one.begin(), right = other.begin();
    while (left != one.end() || right != other.end()) {
      const bool take_left = right == other.end() || (left != one.end() && left->number <= right->number);
      day_word next = take_left ? *left++ : *right++;
      if (take_left && right != other.end() && right->number == next.number) next.unite(*right++);
      visit(next);
    }
  }

  day_counter &to_;
  std::pmr::vector<interval> runs_;
};

}  // namespace

// 8 bytes of the first instant, users, denied users; number of days with denials, for each: 4 bytes of day, number of
// denials; then 0 and the events of hosts, or 1 and the peaks: 4 bytes of first day, number of days, for each: level,
// 8 bytes of instant.
void daily_presence::write_users(byte_buffer &to, const context &host) const {
  to.append_word(static_cast<std::uint64_t>(first_), 8);
  users_.write(to, host);
  denied_.write(to, host);
  to.append_varint(denials_.size());
  for (const auto &[day, count] : denials_) {
    to.append_word(static_cast<std::uint32_t>(day), 4);
    to.append_varint(static_cast<std::uint64_t>(count));
  }
}

void daily_presence::write(byte_buffer &to, const context &host) const {
  check_open();
  write_users(to, host);
  to.append_byte(0);
  hosts_->write(to, host);
}

void daily_presence::write_with_peaks(byte_buffer &to, const time_zone &zone, const context &host) const {
  check_open();
  write_users(to, host);
  to.append_byte(1);
  const daily_peaks found = find_daily_peaks(*this, zone, host);
  to.append_word(static_cast<std::uint32_t>(found.first), 4);
  to.append_varint(found.peaks.size());
  for (const peak &each : found.peaks) {
    to.append_varint(static_cast<std::uint64_t>(each.level));
    to.append_word(static_cast<std::uint64_t>(each.at), 8);
  }
}

void daily_presence::check_open() const {
  if (!is_open())
    throw error(fault::invalid_argument, "collected days cannot be merged once their peaks are found", {},
                "Collect all rows with one aggregate.");
}

void daily_presence::merge(const daily_presence &from, const context &host) {
  check_open();
  from.check_open();
  first_ = std::min(first_, from.first_);
  users_.merge(from.users_, host);
  denied_.merge(from.denied_, host);
  for (const auto &[day, count] : from.denials_) denials_[day] += count;
  hosts_->merge(*from.hosts_, host);
}

void daily_presence::merge(byte_reader &from, const context &host) {
  read(from, host);
  if (!is_open()) check_open();
}

void daily_presence::read(byte_reader &from, const context &host) {
  check_open();
  first_ = std::min(first_, static_cast<instant>(from.take_word(8)));
  users_.merge(from, host);
  denied_.merge(from, host);
  for (std::uint64_t days = from.take_varint(); days-- > 0;) {
    const auto day = static_cast<day_number>(static_cast<std::uint32_t>(from.take_word(4)));
    denials_[day] += static_cast<std::int64_t>(from.take_varint());
  }
  if (from.take_word(1) == 0) {
    hosts_->merge(from, host);
    return;
  }
  daily_peaks found(memory_);
  found.first = static_cast<day_number>(static_cast<std::uint32_t>(from.take_word(4)));
  const std::uint64_t count = from.take_varint();
  if (count > from.remaining()) byte_reader::throw_damaged("It has more days than bytes.");
  for (std::uint64_t left = count; left > 0; --left) {
    peak each;
    each.level = static_cast<std::int64_t>(from.take_varint());
    each.at = static_cast<instant>(from.take_word(8));
    found.peaks.push_back(each);
  }
  peaks_.emplace(std::move(found));
  hosts_.reset();
}

daily_peaks find_daily_peaks(const daily_presence &sessions, const time_zone &zone, const context &host) {
  daily_peaks found(host.memory);
  if (!sessions.is_open()) {
    found.first = sessions.peaks()->first;
    found.peaks.assign(sessions.peaks()->peaks.begin(), sessions.peaks()->peaks.end());
    return found;
  }
  const instant as_of = sessions.as_of();
  const auto days = find_days(sessions.first(), {std::nullopt, std::nullopt, as_of}, zone);
  if (!days.has_value()) return found;
  const grid buckets = day_grid(days->first, days->last, zone, host);
  peak_finder swept(buckets.bounds, host);
  sessions.hosts().for_each_change(as_of, host, [&](instant at, std::int64_t level) { swept.add(at, level); });
  swept.finish(until(as_of).end);
  found.first = days->first;
  found.peaks.reserve(buckets.size());
  for (std::size_t at = 0; at < buckets.size(); ++at) found.peaks.push_back(swept[at]);
  return found;
}

daily_user_counts find_daily_user_counts(const daily_presence &sessions, const daily_presence &denials,
                                         licensing_model model, std::int64_t window_days, const day_range &range,
                                         const time_zone &zone, const context &host) {
  check_window_days(window_days);
  daily_user_counts counts(host.memory);
  const auto days = find_days(std::min(sessions.first(), denials.first()), range, zone);
  if (!days.has_value()) return counts;
  const grid buckets = day_grid(days->first, days->last, zone, host);

  const bool trailing = is_trailing(model);
  day_counter active(days->first, buckets.size(), trailing ? std::optional(window_days) : std::nullopt, host);
  day_counter denied(days->first, buckets.size(), std::nullopt, host);
  key_counter count_active(active, host), count_denied(denied, host);
  days_by_key::reader refused(denials.denied(), host.memory);
  std::pmr::vector<bool> met(counts_denied(model) ? denials.denied().size() : 0, false, host.memory);
  sessions.users().for_each(host, [&](std::uint32_t, key_view user, const days_by_key::days_of_key &used) {
    const std::uint32_t number = met.empty() ? days_by_key::npos : refused.find(user);
    if (number == days_by_key::npos) {
      count_active.add(used);
    } else {
      count_active.add(used, refused[number]);
      met[number] = true;
    }
  });
  denials.denied().for_each(host, [&](std::uint32_t number, key_view, const days_by_key::days_of_key &on) {
    count_denied.add(on);
    if (!met.empty() && !met[number]) count_active.add(on);
  });
  active.finish();
  denied.finish();

  const daily_peaks peaks = find_daily_peaks(sessions, zone, host);

  counts.first = days->first;
  counts.rows.reserve(buckets.size());
  for (std::size_t at = 0; at < buckets.size(); ++at) {
    const auto day = static_cast<day_number>(days->first + static_cast<std::int64_t>(at));
    // A session that spans a day of no length has that day here, but is not there on it. Longer windows that end with
    // the day have the day before it.
    const bool exists = has_length(buckets.bounds[at], buckets.bounds[at + 1]);
    const bool missed = trailing && window_days == 1 && !exists;
    counts.rows.push_back({missed ? 0 : active.total(at), exists ? active.on(at) : 0, denied.on(at),
                           denials.denials_on(day), peaks.of(day),
                           buckets.bounds[at + 1] <= range.as_of});
  }
  return counts;
}

}  // namespace headcount::core
