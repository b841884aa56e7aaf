#pragma once
// How many keys were there on each of a list of days, and either within the days before it, or ever before: what the
// daily reports count from days_by_key.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/sweep.hpp"
#include "core/report/report.hpp"
#include "core/rules.hpp"
#include "core/sets/days_by_key.hpp"
#include "core/time/civil.hpp"
#include "core/time/unite.hpp"

namespace headcount::core {

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

  // A key's words and runs come in order, the next key's after next_key(). A weight of -1 takes back what was counted
  // of a key.
  void next_key(std::int64_t weight = 1) { counted_ = 0, known_ = false, weight_ = weight; }

  void add(const day_word &word) {
    const std::int64_t base = word.first_day() - first_;
    const bool inside = base >= 0 && base + (std::int64_t{1} << day_word::shift) <= days_;
    if (inside && !window_days_.has_value()) {
      std::int64_t at = base;
      for (const std::uint64_t half : word.halves) {
        if (half != 0) see(at + std::countr_zero(half));
        for (std::uint64_t left = half; left != 0; left &= left - 1)
          on_[static_cast<std::size_t>(at + std::countr_zero(left))] += weight_;
        at += 64;
      }
    } else {
      for_each_run(word, [this](std::int64_t first, std::int64_t last) { add_run(first, last); });
    }
  }

  void add_run(std::int64_t first, std::int64_t last) {
    first -= first_, last -= first_;
    const std::int64_t from = std::max<std::int64_t>(first, 0), to = std::min(last + 1, days_);
    if (from < to) {
      changes_[static_cast<std::size_t>(from)] += weight_;
      changes_[static_cast<std::size_t>(to)] -= weight_;
    }
    if (!window_days_.has_value()) {
      see(from);
      return;
    }
    // The run, stretched by the window, as far as it is not counted yet.
    const std::int64_t start = std::max(from, counted_), end = std::min(last + *window_days_, days_);
    if (start >= end) return;
    total_[static_cast<std::size_t>(start)] += weight_;
    total_[static_cast<std::size_t>(end)] -= weight_;
    counted_ = end;
  }

  void finish() {
    std::partial_sum(changes_.begin(), changes_.end(), changes_.begin());
    std::partial_sum(total_.begin(), total_.end(), total_.begin());
    for (std::size_t at = 0; at < on_.size(); ++at) on_[at] += changes_[at];
  }
  // What another one has counted on a day, before this one is finished itself.
  void add_finished(std::int64_t day, std::int64_t on, std::int64_t total) {
    const std::int64_t at = day - first_;
    if (at < 0 || at >= days_) return;
    on_[static_cast<std::size_t>(at)] += on;
    total_[static_cast<std::size_t>(at)] += total;
    total_[static_cast<std::size_t>(at) + 1] -= total;
  }
  std::int64_t on(std::size_t day) const { return on_[day]; }
  std::int64_t total(std::size_t day) const { return total_[day]; }

 private:
  // The key is there on day `at` of the list, or before all of it where that is 0.
  void see(std::int64_t at) {
    if (!known_ && at < days_) total_[static_cast<std::size_t>(at)] += weight_;
    known_ = true;
  }

  std::int64_t first_, days_;
  std::optional<std::int64_t> window_days_;
  std::pmr::vector<std::int64_t> on_, changes_, total_;  // changes_ is another part of on_, day by day its difference
  std::int64_t counted_ = 0;                             // days before this one have this key in total_ already
  bool known_ = false;                                   // this key is counted as seen
  std::int64_t weight_ = 1;
};

// Counts the days of one key at a time.
class key_counter {
 public:
  key_counter(day_counter &to, const context &host) : to_(to), runs_(host.memory) {}

  void add(const days_of_key &days, std::int64_t weight = 1) { add(days, {}, weight); }

  // Counts the days that the key has in either.
  void add(const days_of_key &one, const days_of_key &other, std::int64_t weight = 1) {
    to_.next_key(weight);
    if (one.long_stays.empty() && other.long_stays.empty()) {
      merge_words(one.words, other.words, [this](const day_word &word) { to_.add(word); });
      return;
    }
    runs_.clear();
    for (const days_of_key *each : {&one, &other}) {
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
  static void merge_words(std::span<const day_word> one, std::span<const day_word> other, Visit &&visit) {
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

// The peaks of consecutive days; other days have none.
struct daily_peaks {
  explicit daily_peaks(std::pmr::memory_resource *memory) : peaks(memory) {}

  day_number first = 0;
  std::pmr::vector<peak> peaks;

  peak of(day_number day) const {
    const std::int64_t at = std::int64_t{day} - first;
    return at >= 0 && at < static_cast<std::int64_t>(peaks.size()) ? peaks[static_cast<std::size_t>(at)] : peak{};
  }
};

// Puts what was counted on `days`, whose bounds are in `buckets`, into rows; denials_on(day_number) is the number of
// denials.
template <typename DenialsOn>
void put_rows(daily_user_counts &to, const reported_days &days, const grid &buckets, day_counter &active,
              day_counter &denied, licensing_model model, std::int64_t window_days, instant as_of,
              const daily_peaks &peaks, DenialsOn &&denials_on) {
  active.finish();
  denied.finish();
  to.first = days.first;
  to.rows.reserve(buckets.size());
  for (std::size_t at = 0; at < buckets.size(); ++at) {
    const auto day = static_cast<day_number>(days.first + static_cast<std::int64_t>(at));
    // A session that spans a day of no length has that day here, but is not there on it. Longer windows that end with
    // the day have the day before it.
    const bool exists = has_length(buckets.bounds[at], buckets.bounds[at + 1]);
    const bool missed = is_trailing(model) && window_days == 1 && !exists;
    to.rows.push_back({missed ? 0 : active.total(at), exists ? active.on(at) : 0, denied.on(at), denials_on(day),
                       peaks.of(day), buckets.bounds[at + 1] <= as_of});
  }
}

}  // namespace headcount::core
