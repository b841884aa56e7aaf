#pragma once
// What the tests of user sets share beside the toolbox.

#include <cstdint>
#include <set>
#include <vector>

#include "core/sets/number_log.hpp"
#include "core/sets/user_set.hpp"
#include "core/sets/user_set_bytes.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {

using numbers = std::vector<std::uint32_t>;

inline bytes canonical_of(const numbers &ascending, const context &with) {
  const auto made = core::to_canonical(ascending, 0, with.memory);
  return {made.begin(), made.end()};
}

inline numbers members_of(key_view canonical, const context &with) {
  numbers all;
  core::user_set_reader(canonical).for_each(with, [&](std::uint32_t each) { all.push_back(each); });
  return all;
}

// A set that was read and united with nothing.
inline core::user_set set_of(key_view canonical, const context &with) {
  core::user_set set(with.memory);
  set.unite(core::user_set_reader(canonical), with);
  return set;
}

inline bytes combined(core::set_operation operation, key_view left, key_view right, const context &with) {
  const auto made = core::combine(core::user_set_reader(left), core::user_set_reader(right), operation, 0, with);
  return {made.begin(), made.end()};
}

inline bytes bytes_of(const core::user_set &set, const context &with) {
  const auto made = set.to_bytes(0, with);
  return {made.begin(), made.end()};
}

// Numbers of every kind of container: few and many, runs, whole containers, the last one that there is.
inline numbers random_numbers(dice &roll) {
  std::set<std::uint32_t> all;
  for (std::uint64_t intervals = roll(6); intervals > 0; --intervals) {
    const auto first = static_cast<std::uint32_t>(roll.one_in(8) ? core::last_user_number - roll(70000)
                                                                 : roll(4) * 65536 + roll(65536) * roll(2));
    const std::uint32_t step = 1 + static_cast<std::uint32_t>(roll(2) * roll(20));
    const std::uint64_t count = roll.one_in(3) ? roll(140000) : roll(300);
    for (std::uint64_t at = 0, next = first; at < count && next <= core::last_user_number; ++at, next += step)
      all.insert(static_cast<std::uint32_t>(next));
  }
  return {all.begin(), all.end()};
}

}  // namespace headcount::test
