#pragma once
// How many were there, for how long, and how many each start met.
//
//   window        [                            )
//   intervals   ----)     [----)  [-)                 carried in: 1
//                   [---------)
//   level        1  1     2   1   2 1       0         each held for some time
//   met             0     1       1                   by each start, ends before starts; starts at one instant one
//                                                     after the other
//
// Capacity N turns away each start that met N or more, and lacks for as long as the level is above N. With weights the
// level is their sum, each start adds its own, and N turns it away if that would be more than N; of starts at one
// instant the lightest comes first.

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_view.hpp"
#include "core/presence/session_events.hpp"
#include "core/time/civil.hpp"
#include "core/time/instant.hpp"
#include "core/time/instant_list.hpp"

namespace headcount::core {

// The starts and ends inside a finite window.
class level_sweep {
 public:
  // Throws out_of_range where the window is longer than a duration can say.
  level_sweep(const presence_view &presence, interval window, const context &host);

  // Calls held(interval, level) for each stretch of one level, which together are the window, and met(level, weight),
  // weight being 1, for each start in it.
  template <typename Held, typename Met>
  void run(const context &host, Held &&held, Met &&met) const {
    ticker tick(host);
    instant since = window_.start;
    std::int64_t level = carried_;
    std::size_t start = 0, end = 0;
    while (start < starts_.size() || end < ends_.size()) {
      tick();
      const instant at = end == ends_.size()       ? starts_[start]
                         : start == starts_.size() ? ends_[end]
                                                   : std::min(starts_[start], ends_[end]);
      if (at > since) held(interval{since, at}, level);
      since = at;
      for (; end < ends_.size() && ends_[end] == at; ++end) --level;
      for (; start < starts_.size() && starts_[start] == at; ++start) met(level++, std::int64_t{1});
    }
    if (window_.end > since) held(interval{since, window_.end}, level);
  }

 private:
  interval window_;
  std::int64_t carried_ = 0;  // there already when the window begins
  instant_list starts_;
  instant_list ends_;  // before the end of the window
};

// The same for sessions with weights.
class weight_sweep {
 public:
  // Throws out_of_range where the window is longer than a duration can say.
  weight_sweep(const session_events &sessions, interval window);

  template <typename Held, typename Met>
  void run(const context &host, Held &&held, Met &&met) const {
    listener<Held, Met> here(window_, held, met);
    sessions_.sweep(host, here);
    here.finish();
  }

 private:
  template <typename Held, typename Met>
  class listener final : public level_listener {
   public:
    listener(interval window, Held &held, Met &met) : window_(window), since_(window.start), held_(held), met_(met) {}

    void hear(instant at, std::int64_t level, std::span<const std::int64_t> starts, std::int64_t after) override {
      if (at >= window_.end) return;
      if (at >= window_.start) {
        if (at > since_) held_(interval{since_, at}, level_);
        since_ = at;
        for (const std::int64_t weight : starts) {
          met_(level, weight);
          level += weight;
        }
      }
      level_ = after;
    }

    void finish() {
      if (window_.end > since_) held_(interval{since_, window_.end}, level_);
    }

   private:
    interval window_;
    instant since_;
    std::int64_t level_ = 0;
    Held &held_;
    Met &met_;
  };

  const session_events &sessions_;
  interval window_;
};

inline constexpr int hours_per_day = 24, days_per_week = 7, hours_per_week = hours_per_day * days_per_week;

// A stretch of time within one hour of the week: 0 is the one after midnight of a Monday.
struct week_hour {
  interval when;
  int hour_of_week;
};

// The finite window, cut where a civil day begins and where the clock on the wall shows another hour. The weekday is
// that of the civil day, the hour that of the clock: where clocks go back an hour comes twice, where they go forward
// one is missing. Throws too_large.
std::pmr::vector<week_hour> week_hours(interval window, const time_zone &zone, const context &host);

// Hours of the day, and days of the week from Monday on: a bit each.
struct hours_and_weekdays {
  std::uint32_t hours;
  std::uint32_t weekdays;

  bool holds(int hour_of_week) const {
    return (hours >> (hour_of_week % hours_per_day) & 1U) != 0 &&
           (weekdays >> (hour_of_week / hours_per_day) & 1U) != 0;
  }
};

// For how many ticks each level was held.
class level_times {
 public:
  explicit level_times(std::pmr::memory_resource *memory) : ticks_(memory), rare_(memory) {}

  void add(std::int64_t level, std::int64_t ticks) {
    total_ += ticks;
    if (level >= first_rare) {
      rare_[level] += ticks;
      return;
    }
    if (ticks_.empty()) lowest_ = level;
    if (level < lowest_) make_room_below(level);
    const auto at = static_cast<std::size_t>(level - lowest_);
    if (at >= ticks_.size()) ticks_.resize(at + 1);
    ticks_[at] += ticks;
  }

  std::int64_t total() const { return total_; }
  // The highest level, -1 where there is no time.
  std::int64_t peak() const {
    return rare_.empty() ? lowest_ + static_cast<std::int64_t>(ticks_.size()) - 1 : rare_.rbegin()->first;
  }
  double mean() const;

  // The lowest level that, with those below it, has at least this share of the time. There is some time.
  std::int64_t percentile(double fraction) const;

  // Calls visit(level, ticks, ticks at it or below) for each level with some time, ascending.
  template <typename Visit>
  void for_each(Visit &&visit) const {
    std::int64_t so_far = 0;
    for (std::size_t at = 0; at < ticks_.size(); ++at) {
      if (ticks_[at] == 0) continue;
      so_far += ticks_[at];
      visit(lowest_ + static_cast<std::int64_t>(at), ticks_[at], so_far);
    }
    for (const auto &[level, ticks] : rare_) {
      so_far += ticks;
      visit(level, ticks, so_far);
    }
  }

  // What part of the total some ticks are: the same quotient wherever shares are told or compared.
  double share_of(std::int64_t ticks) const { return static_cast<double>(ticks) / static_cast<double>(total_); }

 private:
  // For as many levels again, so that a level that falls step by step does not move all of them at each step.
  void make_room_below(std::int64_t level) {
    const std::int64_t lowest = std::max<std::int64_t>(level - static_cast<std::int64_t>(ticks_.size()), 0);
    ticks_.insert(ticks_.begin(), static_cast<std::size_t>(lowest_ - lowest), 0);
    lowest_ = lowest;
  }

  // So many people at once are few places' peak; weights may be any, and far apart. Half a megabyte for each hour of the week.
  static constexpr std::int64_t first_rare = 65536;

  std::int64_t lowest_ = 0;
  std::pmr::vector<std::int64_t> ticks_;  // from that level on: an hour of the week sees some of all levels
  std::pmr::map<std::int64_t, std::int64_t> rare_;  // the levels from first_rare on
  std::int64_t total_ = 0;
};

// The time at each level in the window, all of it or that of some hours and weekdays.
level_times find_level_times(const presence_view &presence, interval window, const context &host);
level_times find_level_times(const presence_view &presence, interval window, hours_and_weekdays counted,
                             const time_zone &zone, const context &host);
level_times find_level_times(const session_events &sessions, interval window, const context &host);
level_times find_level_times(const session_events &sessions, interval window, hours_and_weekdays counted,
                             const time_zone &zone, const context &host);

// The same for each hour of the week.
std::pmr::vector<level_times> find_week_levels(const presence_view &presence, interval window, const time_zone &zone,
                                               const context &host);
std::pmr::vector<level_times> find_week_levels(const session_events &sessions, interval window, const time_zone &zone,
                                               const context &host);

// What a capacity would have meant.
struct capacity {
  std::int64_t size;
  std::int64_t refused;  // starts
  std::int64_t lacking;  // ticks above it
};

struct capacities {
  explicit capacities(std::pmr::memory_resource *memory) : all(memory) {}
  std::pmr::vector<capacity> all;  // from 0 to the peak; none in an empty window
  std::int64_t starts = 0;
};

// Throws too_large where the peak is beyond max_capacities.
inline constexpr std::int64_t max_capacities = 10'000'000;
capacities find_capacities(const presence_view &presence, interval window, const context &host);
capacities find_capacities(const session_events &sessions, interval window, const context &host);

}  // namespace headcount::core
