#include "core/keyed_intervals.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>

#include "core/byte_buffer.hpp"
#include "core/unite.hpp"

#include "core/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::size_t first_slots = 1024;
constexpr std::size_t arena_start = 16 * 1024;

// From here on, a disordered key is united each time that its closed intervals have doubled.
constexpr std::uint32_t least_to_compact = 64;

constexpr bool is_power_of_two(std::uint32_t number) { return (number & (number - 1)) == 0; }

}  // namespace

keyed_intervals::keyed_intervals(key_type type, std::pmr::memory_resource *memory)
    : type_(type), memory_(memory), arena_(arena_start, memory), slots_(memory), blocks_(memory), sessions_(memory) {
  if (type != key_type::session) slots_.resize(first_slots);
}

void keyed_intervals::add(key_view key, interval stretch) {
  if (type_ == key_type::session) {
    sessions_.push_back(stretch);
    return;
  }
  const std::uint64_t hash = hash_bytes(key);
  slot *const found = probe(key, hash);
  if (found->number == 0) {
    insert(*found, key, hash, stretch);
    return;
  }
  record &of = record_at(found->number - 1);
  if (stretch.start > of.latest.end) {
    close(of, of.latest);
    of.latest = stretch;
  } else if (stretch.start >= of.latest.start) {
    of.latest.end = std::max(of.latest.end, stretch.end);
  } else if (stretch.end >= of.latest.start) {
    of.latest = {stretch.start, std::max(of.latest.end, stretch.end)};
    if (of.closed_count != 0) of.disordered = 1;  // it may now reach into a closed one
  } else {
    of.disordered = 1;
    close(of, stretch);
  }
}

bool keyed_intervals::find(key_view key, std::pmr::vector<interval> &to) const {
  if (type_ == key_type::session) return false;  // they have no keys to be found by
  const slot *const found = probe(key, hash_bytes(key));
  if (found->number == 0) return false;
  collect(record_at(found->number - 1), to);
  return true;
}

// The slot of the key, or the free slot where it belongs.
keyed_intervals::slot *keyed_intervals::probe(key_view key, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32U);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const slot &here = slots_[at];
    if (here.number == 0 || (here.tag == tag && compare(record_at(here.number - 1).key(), key) == 0))
      return const_cast<slot *>(&here);
  }
}

void keyed_intervals::insert(slot &free, key_view key, std::uint64_t hash, interval stretch) {
  if (count_ == UINT32_MAX - 1 || key.size() > UINT32_MAX) throw_too_large();
  if ((count_ & ((1U << block_bits) - 1)) == 0) {
    blocks_.reserve(blocks_.size() + 1);  // so that the block cannot be lost
    blocks_.push_back(static_cast<record *>(memory_->allocate(sizeof(record) << block_bits, alignof(record))));
  }
  record *const made = &record_at(count_);
  made->hash = hash;
  made->latest = stretch;
  made->closed = nullptr;
  made->length = static_cast<std::uint32_t>(key.size());
  made->closed_count = 0;
  made->disordered = 0;
  if (key.size() <= record::inline_bytes) {
    if (!key.empty()) std::memcpy(made->near.data(), key.data(), key.size());
  } else {
    auto *const copy = static_cast<std::byte *>(arena_.allocate(key.size(), 1));
    std::memcpy(copy, key.data(), key.size());
    made->far = copy;
  }
  free = {static_cast<std::uint32_t>(hash >> 32U), ++count_};
  if (std::size_t{count_} * 2 > slots_.size()) grow_slots();
}

void keyed_intervals::grow_slots() {
  std::pmr::vector<slot> larger(slots_.size() * 2, memory_);
  const std::size_t mask = larger.size() - 1;
  for (std::uint32_t number = 0; number < count_; ++number) {
    const std::uint64_t hash = record_at(number).hash;
    std::size_t at = hash & mask;
    while (larger[at].number != 0) at = (at + 1) & mask;
    larger[at] = {static_cast<std::uint32_t>(hash >> 32U), number + 1};
  }
  slots_.swap(larger);
}

void keyed_intervals::close(record &of, interval stretch) {
  if (of.disordered != 0 && of.closed_count >= least_to_compact && is_power_of_two(of.closed_count)) compact(of);
  store(of, stretch);
}

// Unites the closed intervals of a disordered key. They may still reach into the latest, so it stays disordered.
void keyed_intervals::compact(record &of) {
  std::pmr::vector<interval> all(memory_);
  all.reserve(of.closed_count);
  for (const chunk *each = of.closed; each != nullptr; each = each->earlier)
    all.insert(all.end(), each->items(), each->items() + each->count);
  const std::size_t left = unite(all);
  if (left == all.size()) return;
  while (of.closed != nullptr) {
    chunk *const freed = std::exchange(of.closed, of.closed->earlier);
    freed->earlier = std::exchange(free_chunks_[freed->size_class], freed);
  }
  of.closed_count = 0;
  for (std::size_t at = 0; at < left; ++at) store(of, all[at]);
}

void keyed_intervals::store(record &of, interval stretch) {
  if (of.closed == nullptr || of.closed->count == chunk_capacity[of.closed->size_class]) add_chunk(of);
  of.closed->items()[of.closed->count++] = stretch;
  of.closed_count = (of.closed_count + 1) & 0x7fffffffU;  // says to the compiler that it fits
}

void keyed_intervals::add_chunk(record &of) {
  const std::uint32_t size_class =
      of.closed == nullptr ? 0 : std::min<std::uint32_t>(of.closed->size_class + 1, chunk_capacity.size() - 1);
  chunk *made = free_chunks_[size_class];
  if (made != nullptr) {
    free_chunks_[size_class] = made->earlier;
  } else {
    const std::size_t bytes = sizeof(chunk) + chunk_capacity[size_class] * sizeof(interval);
    made = static_cast<chunk *>(arena_.allocate(bytes, alignof(chunk)));
  }
  *made = {of.closed, 0, size_class};
  of.closed = made;
}

void keyed_intervals::collect(const record &from, std::pmr::vector<interval> &to) {
  const std::size_t first = to.size();
  to.resize(first + from.closed_count);
  interval *end = to.data() + to.size();
  for (const chunk *each = from.closed; each != nullptr; each = each->earlier) {
    end -= each->count;
    std::copy_n(each->items(), each->count, end);
  }
  to.push_back(from.latest);
  if (from.disordered != 0) to.resize(first + unite(std::span(to).subspan(first)));
}

std::pmr::vector<std::uint32_t> keyed_intervals::sorted_records(const context &host) const {
  std::pmr::vector<std::uint32_t> order(count_, host.memory);
  for (std::uint32_t at = 0; at < count_; ++at) order[at] = at;
  host.poll();
  std::sort(order.begin(), order.end(),
            [this](std::uint32_t a, std::uint32_t b) { return compare(record_at(a).key(), record_at(b).key()) < 0; });
  host.poll();
  return order;
}

void keyed_intervals::sort_sessions(std::pmr::vector<interval> &sessions) {
  std::sort(sessions.begin(), sessions.end(), [](const interval &a, const interval &b) {
    return std::tuple(a.start, a.end) < std::tuple(b.start, b.end);
  });
}

}  // namespace headcount::core
