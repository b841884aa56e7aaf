#pragma once
// The civil days that a change of sessions touches, for the triggers on a table of sessions.
//
//   INSERT, DELETE   every day that a row meets
//   UPDATE           the days on which, for some key (user, host, server, weight), old and new rows differ in number:
//
//     old      [---------------------->  for ever
//     new      [---------)                           closing a session changes what comes after its end, no more
//     changed            [------------>  for ever
//
// More days than changed are right, and only cost the refresh; fewer would be wrong. All limits here lean on that.
//
// Who asks may need nothing of what changes from some instant on, as nothing is stored of it. That is left out.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/key.hpp"
#include "core/time/civil.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

inline constexpr day_number no_first_day = std::numeric_limits<day_number>::min();  // date '-infinity'
inline constexpr day_number no_last_day = std::numeric_limits<day_number>::max();   // date 'infinity'

// The days from `first` to `last` inclusive, or without end, from when to when they last, and when the first change on them is.
struct day_run {
  day_number first;
  day_number last;
  interval bounds;
  instant from;

  bool holds(interval when) const { return when.start >= bounds.start && when.end <= bounds.end; }
};

// A set of days as runs, sorted and apart from each other by a day at least.
class day_runs {
 public:
  // What a log should have to take for one statement. Beyond it the runs nearest to each other become one.
  static constexpr std::size_t max_runs = 64;

  // What is at or after `until` is left out.
  day_runs(const time_zone &zone, instant until, std::pmr::memory_resource *memory) : zone_(&zone), until_(until), runs_(memory) {}
  day_runs(const day_runs &from, std::pmr::memory_resource *memory)
      : zone_(from.zone_), until_(from.until_), runs_(from.runs_, memory), recent_(from.recent_) {}

  // Adds the days that `when` meets; it is not empty and has a start. Rows come in rough order of time, so nearly
  // all of them meet no other days than the row before did; those cost no conversion.
  void add(interval when) {
    if (when.start >= until_) return;
    when.end = std::min(when.end, until_);
    if (recent_ < runs_.size() && runs_[recent_].holds(when))
      runs_[recent_].from = std::min(runs_[recent_].from, when.start);
    else
      add_elsewhere(when);
  }

  std::span<const day_run> runs() const { return runs_; }

 private:
  void add_elsewhere(interval when);
  void unite_nearest();

  const time_zone *zone_;
  instant until_;
  std::pmr::vector<day_run> runs_;
  std::size_t recent_ = 0;  // where the next row is looked for first
};

class changed_days {
 public:
  // Old and new rows wait for their counterparts. Beyond either limit all days of those that wait count as changed.
  static constexpr std::size_t max_waiting = 100'000;
  static constexpr std::size_t max_key_bytes = std::size_t{16} << 20U;

  // Whose session it is, and what it weighs; no value is SQL's NULL, which is not the same as ''.
  struct session_key {
    std::optional<key_view> user, host, server, weight{};
  };

  changed_days(const time_zone &zone, instant until, std::pmr::memory_resource *memory)
      : runs_(zone, until, memory), keys_(memory), waiting_(memory) {}
  changed_days(const changed_days &) = delete;
  changed_days &operator=(const changed_days &) = delete;

  // Adds a session that was inserted or deleted. `when` is not empty and has a start.
  void add(interval when) { runs_.add(when); }

  // Adds a session as it was before an update, or as it is after it.
  void add_old(const session_key &of, interval when) { add_version(of, when, -1); }
  void add_new(const session_key &of, interval when) { add_version(of, when, 1); }

  // The days that changed, by all that has been added.
  day_runs find(const context &host) const;

 private:
  struct version {
    std::uint64_t hash;
    key_view key;
    interval when;
    std::int64_t count;  // 1 for a new row, -1 for an old one
  };

  void add_version(const session_key &of, interval when, std::int64_t count);
  key_view keep(const session_key &key);
  void give_up_waiting();

  day_runs runs_;
  std::pmr::monotonic_buffer_resource keys_;
  std::size_t key_bytes_ = 0;
  std::pmr::vector<version> waiting_;
};

}  // namespace headcount::core
