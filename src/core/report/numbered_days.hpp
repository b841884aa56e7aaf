#pragma once
// The days of collected sessions and denials with their users as numbers: what is stored of a day, and what is put
// beside stored days where it is not stored yet.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/key.hpp"
#include "core/base/keyed_hash.hpp"
#include "core/presence/sweep.hpp"
#include "core/report/daily_presence.hpp"
#include "core/sets/dictionary_page.hpp"
#include "core/time/civil.hpp"

namespace headcount::core {

// Calls visit(day_number) for each day from `first` to `last` that a key was there. Days may come twice, and runs of them
// in any order.
template <typename Visit>
void for_each_day(const days_of_key &days, std::int64_t first, std::int64_t last, Visit &&visit) {
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

// The numbers of the users of collected sessions and denials, out of a dictionary of all users there ever were.
class user_numbers {
 public:
  // The users are those with a session and those that were denied; both sets stay as they are.
  user_numbers(const days_by_key &used, const days_by_key &denied, const context &host);

  // Users whose names were forgotten are known by hashes under this key, which has to come before their pages.
  void know_by(const keyed_hash &key);

  // Takes the numbers of these users out of a page, in which there should be few others. Throws damaged_bytes.
  void learn(key_view page);

  // Gives numbers of [next, end) to the users who have none, and returns these. Throws too_large where they run out.
  std::pmr::vector<numbered_user> number_the_rest(std::uint32_t next, std::uint32_t end);

  // The numbers of the users of either set, in the order of its keys, once all have one.
  std::span<const std::uint32_t> of_used() const { return used_.numbers; }
  std::span<const std::uint32_t> of_denied() const { return denied_.numbers; }

 private:
  static constexpr std::uint32_t unknown = UINT32_MAX;

  struct side {
    side(const days_by_key &of, const context &host)
        : users(of), find(of, host.memory), numbers(of.size(), unknown, host.memory) {}
    const days_by_key &users;
    days_by_key::reader find;
    std::pmr::vector<std::uint32_t> numbers;
  };
  struct hashed {
    std::array<std::byte, keyed_hash::size> hash;
    std::uint32_t *number;  // of the user with this hash
    friend bool operator<(const hashed &a, const hashed &b) { return a.hash < b.hash; }
  };

  const context &host_;
  side used_, denied_;
  // All of them by the hashes of their names, in order, if there is a key.
  std::pmr::vector<hashed> hashes_;
  bool has_key_ = false;
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
// or the same, one; both of `zone` and of one as_of. `numbers` are those of their users, all of whom have one.
numbered_days find_numbered_days(const daily_presence &sessions, const daily_presence &denials,
                                 const user_numbers &numbers, const time_zone &zone, const context &host);

// The days from the first one with data to that of as_of, nothing where there are no data.
std::optional<reported_days> find_days(const daily_presence &sessions, const daily_presence &denials, const time_zone &zone);

}  // namespace headcount::core
