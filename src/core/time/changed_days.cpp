#include "core/time/changed_days.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/hash.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// Nearer to the ends of time than this, a day may have bounds beyond them, which zones refuse to give; a trigger must
// not fail for that. No zone is ten days away from UTC.
constexpr std::int64_t margin = 10 * ticks_per_day;
constexpr instant first_sure = first_finite + margin, last_sure = end_of_finite - margin;

day_run run_of(interval when, const time_zone &zone) {
  day_run run{no_first_day, no_last_day, {beginning, forever}, when.start};
  const instant last = when.end - 1;
  if (when.start >= first_sure) {
    run.first = day_of(std::min(when.start, last_sure), zone);
    run.bounds.start = zone.start_of(run.first);
  }
  if (last <= last_sure) {
    run.last = day_of(std::max(last, first_sure), zone);
    run.bounds.end = zone.start_of(run.last + 1);
  }
  return run;
}

void unite_with(day_run &run, const day_run &other) {
  run = {std::min(run.first, other.first),
         std::max(run.last, other.last),
         {std::min(run.bounds.start, other.bounds.start), std::max(run.bounds.end, other.bounds.end)},
         std::min(run.from, other.from)};
}

}  // namespace

void day_runs::add_elsewhere(interval when) {
  // Only the last run that begins no later than the interval can hold it.
  auto from = std::upper_bound(runs_.begin(), runs_.end(), when.start,
                               [](instant start, const day_run &run) { return start < run.bounds.start; });
  if (from != runs_.begin() && (from - 1)->holds(when)) {
    (from - 1)->from = std::min((from - 1)->from, when.start);
    recent_ = static_cast<std::size_t>(from - 1 - runs_.begin());
    return;
  }
  const day_run added = run_of(when, *zone_);
  // Those that meet it or lie beside it become one with it.
  from = std::lower_bound(runs_.begin(), runs_.end(), std::int64_t{added.first} - 1,
                          [](const day_run &run, std::int64_t before) { return run.last < before; });
  const auto to = std::upper_bound(from, runs_.end(), added.last,
                                   [](day_number last, const day_run &run) { return last < std::int64_t{run.first} - 1; });
  if (from == to) {
    from = runs_.insert(from, added);
  } else {
    unite_with(*from, added);
    unite_with(*from, *(to - 1));
    runs_.erase(from + 1, to);
  }
  recent_ = static_cast<std::size_t>(from - runs_.begin());
  if (runs_.size() > max_runs) unite_nearest();
}

void day_runs::unite_nearest() {
  std::size_t nearest = 0;
  const auto gap_after = [this](std::size_t at) { return std::int64_t{runs_[at + 1].first} - runs_[at].last; };
  for (std::size_t at = 1; at + 1 < runs_.size(); ++at)
    if (gap_after(at) < gap_after(nearest)) nearest = at;
  unite_with(runs_[nearest], runs_[nearest + 1]);
  runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(nearest) + 1);
}

// One string of bytes for all of it: before each its length, or a number that is no length where there is none.
key_view changed_days::keep(const session_key &key) {
  constexpr std::uint64_t none = ~std::uint64_t{0};
  const std::array parts{key.user, key.host, key.server, key.weight};
  std::size_t size = 0;
  for (const auto &part : parts) size += sizeof none + (part ? part->size() : 0);
  auto *const bytes = static_cast<std::byte *>(keys_.allocate(size, 1));
  key_bytes_ += size;
  std::byte *to = bytes;
  for (const auto &part : parts) {
    const std::uint64_t length = part ? part->size() : none;
    std::memcpy(to, &length, sizeof length);
    to += sizeof length;
    if (part) to = std::copy(part->begin(), part->end(), to);
  }
  return {bytes, size};
}

void changed_days::add_version(const session_key &of, interval when, std::int64_t count) {
  if (waiting_.size() == max_waiting || key_bytes_ > max_key_bytes) give_up_waiting();
  const key_view key = keep(of);
  waiting_.push_back({hash_bytes(key), key, when, count});
}

void changed_days::give_up_waiting() {
  for (const version &each : waiting_) runs_.add(each.when);
  waiting_.clear();
  keys_.release();
  key_bytes_ = 0;
}

day_runs changed_days::find(const context &host) const {
  struct event {
    const version *of;
    instant at;
    std::int64_t count;
  };
  const auto compare_keys = [](const event &a, const event &b) {
    if (a.of->hash != b.of->hash) return a.of->hash < b.of->hash ? -1 : 1;
    return compare(a.of->key, b.of->key);
  };
  std::pmr::vector<event> events(host.memory);
  events.reserve(2 * waiting_.size());
  for (const version &each : waiting_) {
    events.push_back({&each, each.when.start, each.count});
    if (each.when.end != forever) events.push_back({&each, each.when.end, -each.count});
  }
  std::sort(events.begin(), events.end(), [&](const event &a, const event &b) {
    const int order = compare_keys(a, b);
    return order != 0 ? order < 0 : a.at < b.at;
  });

  ticker tick(host);
  day_runs found(runs_, host.memory);
  for (std::size_t next = 0; next < events.size();) {
    const event &first = events[next];  // of this key
    std::int64_t more = 0;              // new sessions less old ones
    instant since = first.at;
    for (; next < events.size() && compare_keys(first, events[next]) == 0; ++next) {
      const event &here = events[next];
      if (more != 0 && since < here.at) found.add({since, here.at});
      more += here.count;
      since = here.at;
      tick();
    }
    if (more != 0) found.add({since, forever});
  }
  return found;
}

}  // namespace headcount::core
