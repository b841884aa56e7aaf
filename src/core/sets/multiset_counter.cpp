#include "core/sets/multiset_counter.hpp"

#include <algorithm>

#include "core/base/core_only.hpp"
#include "core/base/count_bits.hpp"

namespace headcount::core {
namespace {

template <typename Words>
bool is_empty(const Words &words) {
  std::uint64_t any = 0;
  for (const std::uint64_t word : words) any |= word;
  return any == 0;
}

// How many numbers are in one and not in the other.
template <typename Words, typename OtherWords>
std::uint64_t count_without(const Words &words, const OtherWords &other) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < words.size(); ++at) count += count_bits(words[at] & ~other[at]);
  return count;
}

}  // namespace

void multiset_counter::add(const user_set_reader &set, const context &host) {
  for_each_block(set, host, [this](block &digits, plane_view added) {
    plane carry, counted{};
    std::copy(added.begin(), added.end(), carry.begin());
    for (plane &digit : digits) {
      for (std::size_t at = 0; at < block_words; ++at) {
        const std::uint64_t was = digit[at];
        digit[at] = was ^ carry[at];
        carry[at] &= was;
        counted[at] |= was;
      }
    }
    if (!is_empty(carry)) digits.push_back(carry);
    cardinality_ += count_without(added, counted);
  });
}

bool multiset_counter::remove(const user_set_reader &set, const context &host) {
  bool all_known = true;
  for_each_block(set, host, [&](block &digits, plane_view removed) {
    plane borrow, counted{};
    std::copy(removed.begin(), removed.end(), borrow.begin());
    for (plane &digit : digits) {
      for (std::size_t at = 0; at < block_words; ++at) {
        digit[at] ^= borrow[at];
        borrow[at] &= digit[at];
        counted[at] |= digit[at];
      }
    }
    all_known = all_known && is_empty(borrow);
    cardinality_ -= count_without(removed, counted);
  });
  return all_known;
}

// Calls visit(block &, plane_view) with the counters and the numbers of each block where the set has any, once the set
// has been checked.
template <typename Visit>
void multiset_counter::for_each_block(const user_set_reader &set, const context &host, Visit &&visit) {
  set.check(host);
  container::bitset words;
  set.roaring().for_each_container([&](const container &here) {
    here.load(words);
    for (std::size_t first = 0; first < words.size(); first += block_words) {
      const plane_view numbers(words.data() + first, block_words);
      if (!is_empty(numbers)) visit(blocks_[here.key << 16U | static_cast<std::uint32_t>(64 * first)], numbers);
    }
    host.poll();
  });
}

}  // namespace headcount::core
