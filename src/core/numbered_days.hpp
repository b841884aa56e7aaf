#pragma once
// The days of collected sessions and denials with their users as numbers: what is stored of a day, and what is put
// beside stored days where it is not stored yet.

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/civil.hpp"
#include "core/context.hpp"
#include "core/daily_presence.hpp"
#include "core/key.hpp"
#include "core/sweep.hpp"

namespace headcount::core {

// Calls visit(day_number) for each day from `first` to `last` that a key was there. Days may come twice, and runs of them
// in any order.
template <typename Visit>
void for_each_day(const day_sets::days_of_key &days, std::int64_t first, std::int64_t last, Visit &&visit) {
  for (const day_word &word : days.words) {
    std::int64_t base = word.first_day();
    for (const std::uint64_t half : word.halves) {
      for (std::uint64_t left = half; left != 0; left &= left - 1) {
        const std::int64_t day = base + std::countr_zero(left);
        if (day >= first && day <= last) visit(static_cast<day_number>(day));
      }
      base += 64;
    }
  }
  for (const interval &stay : days.long_stays)
    for (std::int64_t day = std::max(stay.start, first); day < stay.end && day <= last; ++day)
      visit(static_cast<day_number>(day));
}

// From the names of users to their numbers. Names are kept by whoever gave them.
class user_numbers {
 public:
  // Users who have no number yet get one from here on. Those who have one are below it.
  static constexpr std::uint32_t first_unknown = 1U << 30U;

  explicit user_numbers(std::pmr::memory_resource *memory) : numbers_(memory) {}

  void reserve(std::size_t count) { numbers_.reserve(count); }
  // Throws invalid_argument unless number < first_unknown.
  void add(key_view name, std::uint32_t number);
  // The number of a user, who gets one where there is none.
  std::uint32_t operator[](key_view name);

 private:
  struct hash {
    std::size_t operator()(key_view name) const { return static_cast<std::size_t>(hash_bytes(name)); }
  };
  struct equal {
    bool operator()(key_view a, key_view b) const { return a.size() == b.size() && compare(a, b) == 0; }
  };
  std::pmr::unordered_map<key_view, std::uint32_t, hash, equal> numbers_;
  std::uint32_t unknown_ = 0;
};

struct numbered_day {
  explicit numbered_day(std::pmr::memory_resource *memory) : used(memory), denied(memory) {}

  bool is_idle() const { return used.empty() && denied.empty() && denials == 0 && concurrent_hosts.level == 0; }

  std::pmr::vector<std::uint32_t> used, denied;  // ascending
  std::int64_t denials = 0;
  peak concurrent_hosts;
};

struct numbered_days {
  explicit numbered_days(std::pmr::memory_resource *memory) : rows(memory) {}

  day_number first = 0;
  std::pmr::vector<numbered_day> rows;  // consecutive days; those that do not exist in the zone are idle
};

// The days from the first one with data to that of as_of, from sessions in one daily_presence and denials in another,
// or the same, one; both of `zone` and of one as_of.
numbered_days find_numbered_days(const daily_presence &sessions, const daily_presence &denials, user_numbers &numbers,
                                 const time_zone &zone, const context &host);

// The days from the first one with data to that of as_of, nothing where there are no data.
std::optional<day_span> find_days(const daily_presence &sessions, const daily_presence &denials, const time_zone &zone);

}  // namespace headcount::core
