#include "core/sizing/level_sweep.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/wide_product.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// 2000-01-03 was a Monday.
int hour_of_week(day_number day, std::int64_t clock) {
  const std::int64_t hour = floor_div(clock, ticks_per_hour);
  const std::int64_t since_monday = std::int64_t{day} - 2;
  const std::int64_t weekday = since_monday - floor_div(since_monday, days_per_week) * days_per_week;
  return static_cast<int>(weekday * hours_per_day + (hour - floor_div(hour, hours_per_day) * hours_per_day));
}

// Walks over stretches of time that come in order, and calls visit(stretch of the hour, hour of the week) for what they
// have in common with each hour.
class hour_walk {
 public:
  explicit hour_walk(const std::pmr::vector<week_hour> &hours) : hours_(hours) {}

  template <typename Visit>
  void operator()(interval when, Visit &&visit) {
    for (; at_ < hours_.size() && hours_[at_].when.start < when.end; ++at_) {
      const interval part = clip(when, hours_[at_].when);
      if (!is_empty(part)) visit(part, hours_[at_].hour_of_week);
      if (hours_[at_].when.end > when.end) return;
    }
  }

 private:
  const std::pmr::vector<week_hour> &hours_;
  std::size_t at_ = 0;
};

constexpr auto nothing = [](std::int64_t, std::int64_t) {};

void check_length(interval window) {
  if (window.start < 0 && window.end > window.start + forever) {
    throw error(fault::out_of_range, "time at a level is out of range", "The range is longer than an interval can say.",
                "Give bounds that are closer together.");
  }
}

}  // namespace

level_sweep::level_sweep(const presence_view &presence, interval window, const context &host)
    : window_(window), starts_(host.memory), ends_(host.memory) {
  check_length(window);
  presence.for_each_unordered(host, [&](key_view, std::span<const interval> intervals) {
    for (const interval &each : intervals) {
      if (is_empty(clip(each, window))) continue;
      if (each.start < window.start)
        ++carried_;
      else
        starts_.add(each.start);
      if (each.end < window.end) ends_.add(each.end);
    }
  });
  starts_.sort(host);
  ends_.sort(host);
}

weight_sweep::weight_sweep(const session_events &sessions, interval window) : sessions_(sessions), window_(window) {
  check_length(window);
}

std::pmr::vector<week_hour> week_hours(interval window, const time_zone &zone, const context &host) {
  std::pmr::vector<week_hour> hours(host.memory);
  if (is_empty(window)) return hours;
  ticker tick(host);
  const grid by_clock = civil_grid(granularity::hour, window, zone, host);
  hours.reserve(by_clock.size());
  day_number day = day_of(window.start, zone);
  instant next_day = zone.start_of(day + 1);
  for (std::size_t at = 0; at < by_clock.size(); ++at) {
    tick();
    interval rest = clip({by_clock.bounds[at], by_clock.bounds[at + 1]}, window);
    while (!is_empty(rest)) {
      while (next_day <= rest.start) next_day = zone.start_of(++day + 1);
      const interval part{rest.start, std::min(rest.end, next_day)};
      hours.push_back({part, hour_of_week(day, zone.wall_clock(part.start))});
      rest.start = part.end;
    }
  }
  return hours;
}

double level_times::mean() const {
  wide_product sum;  // neither is negative
  for_each([&](std::int64_t level, std::int64_t ticks, std::int64_t) {
    sum += multiply(static_cast<std::uint64_t>(level), static_cast<std::uint64_t>(ticks));
  });
  return to_double(sum) / static_cast<double>(total_);
}

std::int64_t level_times::percentile(double fraction) const {
  std::int64_t lowest = -1;
  for_each([&](std::int64_t level, std::int64_t, std::int64_t so_far) {
    if (lowest < 0 && share_of(so_far) >= fraction) lowest = level;
  });
  return lowest;
}

namespace {

template <typename Sweep>
level_times times_of(const Sweep &sweep, const context &host) {
  level_times times(host.memory);
  sweep.run(
      host, [&](interval when, std::int64_t level) { times.add(level, when.end - when.start); }, nothing);
  return times;
}

template <typename Sweep>
level_times times_of(const Sweep &sweep, interval window, hours_and_weekdays counted, const time_zone &zone,
                     const context &host) {
  std::pmr::vector<week_hour> hours = week_hours(window, zone, host);
  std::erase_if(hours, [&](const week_hour &each) { return !counted.holds(each.hour_of_week); });
  level_times times(host.memory);
  hour_walk in_hours(hours);
  sweep.run(
      host,
      [&](interval when, std::int64_t level) {
        in_hours(when, [&](interval part, int) { times.add(level, part.end - part.start); });
      },
      nothing);
  return times;
}

template <typename Sweep>
std::pmr::vector<level_times> week_of(const Sweep &sweep, interval window, const time_zone &zone, const context &host) {
  const std::pmr::vector<week_hour> hours = week_hours(window, zone, host);
  std::pmr::vector<level_times> week(host.memory);
  week.reserve(hours_per_week);
  for (int at = 0; at < hours_per_week; ++at) week.emplace_back(host.memory);
  hour_walk in_hours(hours);
  sweep.run(
      host,
      [&](interval when, std::int64_t level) {
        in_hours(when, [&](interval part, int hour) {
          week[static_cast<std::size_t>(hour)].add(level, part.end - part.start);
        });
      },
      nothing);
  return week;
}

template <typename Sweep>
capacities capacities_of(const Sweep &sweep, const context &host) {
  capacities found(host.memory);
  level_times times(host.memory);
  std::pmr::vector<std::int64_t> met(host.memory);  // how many starts were one too many for each capacity, and those below
  sweep.run(
      host, [&](interval when, std::int64_t level) { times.add(level, when.end - when.start); },
      [&](std::int64_t level, std::int64_t weight) {
        ++found.starts;
        const std::int64_t needed = level + weight;
        if (needed > max_capacities)
          throw error(fault::too_large, "there are too many capacities to tell", "Each one up to the peak has a row.",
                      "Ask for a shorter span, or count weight in larger units.");
        if (needed == 0) return;
        const auto at = static_cast<std::size_t>(needed - 1);
        if (at >= met.size()) met.resize(at + 1);
        ++met[at];
      });
  const std::int64_t peak = times.peak();  // who starts is there for a tick at least, so no start needs more
  if (peak < 0) return found;
  if (peak > max_capacities)
    throw error(fault::too_large, "there are too many capacities to tell", "Each one up to the peak has a row.",
                "Ask for a shorter span, or count weight in larger units.");
  found.all.resize(static_cast<std::size_t>(peak) + 1);
  std::pmr::vector<std::int64_t> held(found.all.size(), host.memory);
  times.for_each(
      [&](std::int64_t level, std::int64_t ticks, std::int64_t) { held[static_cast<std::size_t>(level)] = ticks; });
  std::int64_t refused = 0, lacking = 0;
  for (std::int64_t size = peak; size >= 0; --size) {
    const auto at = static_cast<std::size_t>(size);
    if (at < met.size()) refused += met[at];
    found.all[at] = {size, refused, lacking};
    lacking += held[at];
  }
  return found;
}

}  // namespace

level_times find_level_times(const presence_view &presence, interval window, const context &host) {
  return times_of(level_sweep(presence, window, host), host);
}

level_times find_level_times(const session_events &sessions, interval window, const context &host) {
  return times_of(weight_sweep(sessions, window), host);
}

level_times find_level_times(const presence_view &presence, interval window, hours_and_weekdays counted,
                             const time_zone &zone, const context &host) {
  return times_of(level_sweep(presence, window, host), window, counted, zone, host);
}

level_times find_level_times(const session_events &sessions, interval window, hours_and_weekdays counted,
                             const time_zone &zone, const context &host) {
  return times_of(weight_sweep(sessions, window), window, counted, zone, host);
}

std::pmr::vector<level_times> find_week_levels(const presence_view &presence, interval window, const time_zone &zone,
                                               const context &host) {
  return week_of(level_sweep(presence, window, host), window, zone, host);
}

std::pmr::vector<level_times> find_week_levels(const session_events &sessions, interval window, const time_zone &zone,
                                               const context &host) {
  return week_of(weight_sweep(sessions, window), window, zone, host);
}

capacities find_capacities(const presence_view &presence, interval window, const context &host) {
  return capacities_of(level_sweep(presence, window, host), host);
}

capacities find_capacities(const session_events &sessions, interval window, const context &host) {
  return capacities_of(weight_sweep(sessions, window), host);
}

}  // namespace headcount::core
