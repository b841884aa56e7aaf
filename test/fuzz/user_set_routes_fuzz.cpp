// Any bytes at all as a small set of users in the making: they are refused, or a set of them has their numbers. And sets of the fuzzer's
// choice, by several routes: what operations and counters say of them is what it is by the numbers themselves.

#include <algorithm>
#include <deque>
#include <iterator>
#include <unordered_map>

#include "core/sets/multiset_counter.hpp"
#include "fuzz/fuzzing.hpp"
#include "support/user_sets.hpp"

namespace headcount::test {
namespace {

using core::set_operation;

void sort_out(numbers &all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

void read_log(const bytes &log) {
  const host with;
  numbers expected;
  core::dictionary_id dictionary;
  const bool is_sound = can_read([&] {
    const core::number_log_reader reader(log);
    dictionary = reader.dictionary();
    reader.for_each([&](std::uint32_t each) { expected.push_back(each); });
    sort_out(expected);
    const auto sorted = reader.sorted(with.memory());
    require(std::equal(sorted.begin(), sorted.end(), expected.begin(), expected.end()), "sorted they are each there once");
  });
  if (!is_sound) return;
  core::user_set set(with.memory());
  set.set_dictionary(dictionary);
  for (const std::uint32_t each : expected) require(set.add(each), "each is new");
  const bytes canonical = bytes_of(set, with);
  require(members_of(canonical, with) == expected, "a set has the numbers of the log");
  require(expected.empty() || core::user_set_reader(canonical).dictionary() == dictionary, "of the same dictionary");
}

// Few or many, beside each other or not, and the last that there are.
numbers any_set(choices &choose) {
  numbers made;
  for (unsigned ranges = choose(4); ranges-- > 0;) {
    const unsigned kind = choose(8);
    const std::uint32_t first = kind == 0 ? core::last_user_number - choose(256) : choose(3) * 65536 + choose(256) * (kind == 1 ? 256 : 16);
    const std::uint32_t step = 1 + (kind == 2 ? choose(32) : 0), count = kind == 3 ? 256 * choose(20) : choose(100);
    for (std::uint32_t at = 0; at < count && std::uint64_t{first} + std::uint64_t{at} * step <= core::last_user_number; ++at) made.push_back(first + at * step);
  }
  sort_out(made);
  return made;
}

void check_operations(const numbers &a, const numbers &b, const context &with) {
  const bytes left = canonical_of(a, with), right = canonical_of(b, with);
  numbers both, common, rest;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  require(combined(set_operation::unite, left, right, with) == canonical_of(both, with), "what either has");
  require(combined(set_operation::intersect, left, right, with) == canonical_of(common, with), "what both have");
  require(combined(set_operation::subtract, left, right, with) == canonical_of(rest, with), "what one has alone");
  core::user_set made(with.memory);
  for (const std::uint32_t each : a) made.add(each);
  made.unite(core::user_set_reader(right), with);
  require(made.cardinality() == both.size() && bytes_of(made, with) == canonical_of(both, with), "added to, and united");
}

void run(choices choose) {
  const host with;
  // A window over sets: they come, and the oldest one goes.
  std::deque<numbers> window;
  std::unordered_map<std::uint32_t, unsigned> expected;
  core::multiset_counter counter(with.memory());
  for (int left = 12; choose.any_left() && left > 0; --left) {
    if (choose(3) == 0 && !window.empty()) {
      require(counter.remove(core::user_set_reader(canonical_of(window.front(), with)), with), "what was added can go");
      for (const std::uint32_t each : window.front())
        if (--expected[each] == 0) expected.erase(each);
      window.pop_front();
    } else {
      window.push_back(any_set(choose));
      counter.add(core::user_set_reader(canonical_of(window.back(), with)), with);
      for (const std::uint32_t each : window.back()) ++expected[each];
      if (window.size() > 1) check_operations(window.front(), window.back(), with);
    }
    require(counter.cardinality() == expected.size(), "as many as are in any set of the window");
  }
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  bytes log = copy_of_input(data, size);
  read_log(log);
  if (log.size() >= 8) {
    log[0] = std::byte{headcount::core::user_set_magic};
    log[1] = std::byte{headcount::core::user_set_version};
    log[2] &= std::byte{1};
    log[3] = static_cast<std::byte>(headcount::core::user_set_form::log);
    read_log(log);
    if (log.size() >= headcount::core::number_log_editor::content_at(log)) {
      const auto count = static_cast<std::uint32_t>((log.size() - headcount::core::number_log_editor::content_at(log)) / 4);
      std::memcpy(log.data() + 4, &count, sizeof count);
      read_log(log);
    }
  }
  run(choices(input_of(data, size)));
  return 0;
}
