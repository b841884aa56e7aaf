#include "core/shared/shared_events.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {

std::size_t shared_events::probe(std::int64_t number) const {
  const std::size_t mask = slices_.size() - 1;
  auto at = static_cast<std::size_t>(number) & mask;
  while (slices_[at].newest != nullptr && slices_[at].number != number) at = (at + 1) & mask;
  return at;
}

// The slice of a number, which is new if it is not there yet; nullptr where there is no room for it.
shared_events::slice *shared_events::find_slice(std::int64_t number) {
  std::size_t at = probe(number);
  if (slices_[at].newest == nullptr) {
    slice made{number, nullptr, nullptr, nullptr, 0, 0};
    if (!add_chunk(made)) return nullptr;
    if (2 * ++slice_count_ > slices_.size()) {
      grow_slices();
      at = probe(number);
    }
    slices_[at] = made;
  }
  recent_[number & 1] = at;
  return &slices_[at];
}

void shared_events::grow_slices() {
  std::pmr::vector<slice> before(slices_.size() * 2, slices_.get_allocator());
  before.swap(slices_);
  for (const slice &each : before)
    if (each.newest != nullptr) slices_[probe(each.number)] = each;
  recent_ = {};
}

// A small chunk first, since there may be many slices with little in them.
bool shared_events::add_chunk(slice &to) {
  const std::uint32_t units = to.newest == nullptr ? small_units : large_units;
  const std::uint32_t at = take_units(units);
  if (at == 0) return false;
  if (to.newest != nullptr) {
    to.newest->count = static_cast<std::uint32_t>(to.next - to.newest->events());
    to.before += to.newest->count;
  }
  chunk *const made = chunk_at(at);
  *made = {to.newest_unit, 0};
  to.newest = made;
  to.newest_unit = at;
  to.next = made->events();
  to.end = to.next + capacity(units);
  return true;
}

// So many units beside each other, 0 where there is no room.
std::uint32_t shared_events::take_units(std::uint32_t units) {
  if (extents_.empty() || next_unit_ + units > extent_units) {
    if (extents_.size() >= UINT32_MAX / extent_units - 1) return 0;
    extents_.reserve(extents_.size() + 1);
    extent_handles_.reserve(extent_handles_.size() + 1);
    const shared_space::handle made = space_.allocate(extent_units * unit_bytes);
    if (made == shared_space::none) return 0;
    extents_.push_back(space_.address(made));
    extent_handles_.push_back(made);
    next_unit_ = 0;
  }
  const auto at = static_cast<std::uint32_t>((extents_.size() - 1) * extent_units + next_unit_ + 1);
  next_unit_ += units;
  return at;
}

std::pmr::vector<shared_events::published_slice> shared_events::slices(std::pmr::memory_resource *memory) {
  std::pmr::vector<published_slice> found(memory);
  found.reserve(slice_count_);
  for (slice &each : slices_) {
    if (each.newest == nullptr) continue;
    each.newest->count = static_cast<std::uint32_t>(each.next - each.newest->events());
    found.push_back({each.number, each.newest_unit, 0, std::uint64_t{each.before} + each.newest->count});
  }
  return found;
}

}  // namespace headcount::core
