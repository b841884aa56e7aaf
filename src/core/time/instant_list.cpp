#include "core/time/instant_list.hpp"

#include <bit>

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::size_t max_slices = 512;

}  // namespace

// The first few tell the range. What lies outside of it later goes to the first or last slice: slices need not be even
// for the result to be right.
void instant_list::slice_up() {
  const auto [lowest, highest] = std::minmax_element(few_.begin(), few_.end());
  first_ = *lowest;
  const std::uint64_t span = static_cast<std::uint64_t>(*highest) - static_cast<std::uint64_t>(first_);
  const auto bits = static_cast<unsigned>(std::bit_width(span)), slice_bits = 9U;
  static_assert(max_slices == 1U << slice_bits);
  shift_ = bits > slice_bits ? bits - slice_bits : 0;
  slices_.resize(max_slices);
  for (const instant each : few_) put(each);
  few_.clear();
}

void instant_list::put(instant at) {
  const std::uint64_t offset = static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(first_);
  slice &into = slices_[at < first_ ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(offset >> shift_, max_slices - 1))];
  const std::size_t place = into.count % block_capacity;
  if (place == 0) {
    auto *const made = static_cast<block *>(memory_->allocate(sizeof(block), alignof(block)));
    made->earlier = into.newest;
    into.newest = made;
  }
  into.newest->items[place] = at;
  ++into.count;
}

void instant_list::sort(const context &host) {
  if (slices_.empty()) {
    radix_sort(few_, host);
    return;
  }
  std::size_t total = 0, largest = 0;
  for (const slice &each : slices_) total += each.count, largest = std::max(largest, each.count);
  few_.resize(total);
  std::pmr::vector<instant> other(largest, host.memory);
  std::size_t first = 0;
  for (slice &each : slices_) {
    const std::span<instant> sorted(few_.data() + first, each.count);
    for (std::size_t left = each.count; left != 0;) {
      const std::size_t here = (left - 1) % block_capacity + 1;
      std::copy_n(each.newest->items.begin(), here, sorted.begin() + static_cast<std::ptrdiff_t>(left - here));
      left -= here;
      block *const done = std::exchange(each.newest, each.newest->earlier);
      memory_->deallocate(done, sizeof(block), alignof(block));
    }
    radix_sort(sorted, other, host);
    first += each.count;
  }
}

void instant_list::free_blocks() {
  for (slice &each : slices_) {
    while (each.newest != nullptr) {
      block *const done = std::exchange(each.newest, each.newest->earlier);
      memory_->deallocate(done, sizeof(block), alignof(block));
    }
  }
}

}  // namespace headcount::core
