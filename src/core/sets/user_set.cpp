#include "core/sets/user_set.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

container::bitset_view bits_of(std::pmr::vector<std::uint64_t> &words) {
  return container::bitset_view(words.data(), container::bitset_words);
}

}  // namespace

// From then on its numbers are bits.
void user_set::spread(block &from) {
  from.many.resize(container::bitset_words);
  for (const std::uint16_t low : from.few) from.many[low / 64U] |= std::uint64_t{1} << (low % 64U);
  from.few = std::pmr::vector<std::uint16_t>(from.few.get_allocator());
}

bool user_set::add(std::uint32_t number) {
  block &to = block_of(number >> 16U);
  const auto low = static_cast<std::uint16_t>(number & 0xffffU);
  if (to.many.empty()) {
    const auto at = std::lower_bound(to.few.begin(), to.few.end(), low);
    if (at != to.few.end() && *at == low) return false;
    if (to.few.size() < container::max_in_array) {
      to.few.insert(at, low);
      ++cardinality_;
      return true;
    }
    spread(to);
  }
  std::uint64_t &word = to.many[low / 64U];
  const bool is_new = (word >> (low % 64U) & 1U) == 0;
  cardinality_ += is_new ? 1 : 0;
  word |= std::uint64_t{1} << (low % 64U);
  return is_new;
}

void user_set::unite(const user_set_reader &other, const context &host) {
  other.check(host);
  if (other.cardinality() == 0) return;
  if (cardinality_ != 0 && dictionary_ != other.dictionary()) throw_mixed_dictionaries(dictionary_, other.dictionary());
  dictionary_ = other.dictionary();
  other.roaring().for_each_container([&](const container &added) {
    host.poll();
    block &to = block_of(added.key);
    if (to.many.empty() && to.few.size() + added.cardinality <= container::max_in_array) {
      std::pmr::vector<std::uint16_t> low(host.memory), united(to.few.get_allocator());
      low.reserve(added.cardinality);
      added.for_each([&](std::uint32_t each) { low.push_back(static_cast<std::uint16_t>(each)); });
      united.reserve(to.few.size() + low.size());
      std::set_union(to.few.begin(), to.few.end(), low.begin(), low.end(), std::back_inserter(united));
      cardinality_ += united.size() - to.few.size();
      to.few = std::move(united);
    } else {
      if (to.many.empty()) spread(to);
      const container::bitset_view words = bits_of(to.many);
      const std::uint32_t before = count_numbers(words);
      added.add_to(words);
      cardinality_ += count_numbers(words) - before;
    }
  });
}

std::span<std::byte> user_set::to_bytes(std::size_t reserved, const context &host) const {
  user_set_writer writer(host.memory);
  for (const auto &[key, here] : blocks_) {
    host.poll();
    if (here.many.empty())
      writer.add(key, here.few);
    else
      writer.add(key, std::span<const std::uint64_t, container::bitset_words>(here.many));
  }
  return writer.finish(reserved, dictionary_);
}

}  // namespace headcount::core
