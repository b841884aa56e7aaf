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
constexpr std::uint64_t least_to_compact = 64;

}  // namespace

keyed_intervals::keyed_intervals(key_type type, std::pmr::memory_resource *memory)
    : type_(type),
      memory_(memory),
      arena_(arena_start, memory),
      slots_(memory),
      blocks_(memory),
      sessions_(memory),
      waiting_(memory) {
  if (type == key_type::session) return;
  slots_.resize(first_slots);
  waiting_.resize(batch);
}

keyed_intervals::~keyed_intervals() {
  for (std::size_t at = 0; at < blocks_.size(); ++at)
    memory_->deallocate(blocks_[at], sizeof(record) * block_size(at), alignof(record));
}

std::size_t keyed_intervals::size() const {
  settled();
  return type_ == key_type::session ? sessions_.size() : count_;
}

// Whole words, then what is left of the last one, all without a call to memcpy.
void keyed_intervals::short_key::load(key_view key) {
  length = static_cast<std::uint32_t>(key.size());
  words = {};
  const std::byte *const from = key.data();
  const std::size_t whole = key.size() / 8, rest = key.size() % 8;
  if constexpr (std::endian::native != std::endian::little) {
    if (!key.empty()) std::memcpy(words.data(), from, key.size());
    return;
  }
  for (std::size_t at = 0; at < whole; ++at) words[at] = xxh64::load<std::uint64_t>(from + 8 * at);
  if (rest == 0) return;
  if (whole != 0) {
    words[whole] = xxh64::load<std::uint64_t>(from + key.size() - 8) >> (8 * (8 - rest));
  } else if (rest >= 4) {
    words[0] = xxh64::load<std::uint32_t>(from) | std::uint64_t{xxh64::load<std::uint32_t>(from + rest - 4)}
                                                      << (8 * (rest - 4));
  } else {
    for (std::size_t at = 0; at < rest; ++at) words[0] |= std::to_integer<std::uint64_t>(from[at]) << (8 * at);
  }
}

bool keyed_intervals::find(key_view key, std::pmr::vector<interval> &to) const {
  if (type_ == key_type::session) return false;  // they have no keys to be found by
  settled();
  const slot *found = nullptr;
  if (key.size() > inline_bytes) {
    found = probe(key, tag_of(key));
  } else {
    short_key wanted;
    wanted.load(key);
    found = probe(wanted, wanted.tag());
  }
  if (found->number == 0) return false;
  collect(record_at(found->number - 1), to);
  return true;
}

// Takes in the waiting rows, one kind of memory after the other.
void keyed_intervals::settle() {
  const std::span<row> rows(waiting_.data(), waiting_count_);
  const std::size_t mask = slots_.size() - 1;
  for (const row &each : rows) __builtin_prefetch(&slots_[each.tag & mask]);
  for (row &each : rows) {
    std::size_t at = each.tag & mask;
    while (slots_[at].number != 0 && slots_[at].tag != each.tag) at = (at + 1) & mask;
    each.number = slots_[at].number;
    if (each.number != 0) __builtin_prefetch(&record_at(each.number - 1), 1);
  }
  for (const row &each : rows) {
    if (each.number == 0) continue;
    const record &of = record_at(each.number - 1);
    if (of.closed != nullptr) __builtin_prefetch(of.closed->items() + place_of(of.closed_count).at, 1);
  }
  waiting_count_ = 0;
  for (const row &each : rows) apply(each.key, each.tag, each.number, each.stretch);
}

// `number` is a guess at the record, 0 for none.
template <typename Key>
void keyed_intervals::apply(const Key &key, std::uint32_t tag, std::uint32_t number, interval stretch) {
  if (number == 0 || !record_at(number - 1).has_key(key)) {
    slot *const found = probe(key, tag);
    if (found->number == 0) {
      insert(*found, key, tag, stretch);
      return;
    }
    number = found->number;
  }
  unite_with(record_at(number - 1), stretch);
}

void keyed_intervals::add_long(key_view long_key, interval stretch) { apply(long_key, tag_of(long_key), 0, stretch); }

// The latest interval is the last one to arrive, not the last one in time: a scan that begins in the middle of a table
// and comes round to its start goes on in order.
void keyed_intervals::unite_with(record &of, interval stretch) {
  if (stretch.start >= of.latest.start && stretch.start <= of.latest.end) {
    of.latest.end = std::max(of.latest.end, stretch.end);
    return;
  }
  if (stretch.start < of.latest.start) {
    if (stretch.end >= of.latest.start) {
      of.latest = {stretch.start, std::max(of.latest.end, stretch.end)};
      if (of.closed_count != 0) of.disordered = 1;
      return;
    }
    of.disordered = 1;
  }
  store(of, of.latest);
  of.latest = stretch;
}

// The slot of the key, or the free slot where it belongs.
template <typename Key>
keyed_intervals::slot *keyed_intervals::probe(const Key &key, std::uint32_t tag) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
    const slot &here = slots_[at];
    if (here.number == 0 || (here.tag == tag && record_at(here.number - 1).has_key(key)))
      return const_cast<slot *>(&here);
  }
}

template <typename Key>
void keyed_intervals::insert(slot &free, const Key &key, std::uint32_t tag, interval stretch) {
  // Tags have 32 bits: with half of the slots free, this many keys still find a place of their own soon enough.
  if (count_ == UINT32_MAX / 2) throw_too_large();
  if (const std::size_t blocks = blocks_.size(); count_ + block_size(0) == block_size(blocks)) {
    blocks_.reserve(blocks + 1);  // so that the block cannot be lost
    blocks_.push_back(static_cast<record *>(memory_->allocate(sizeof(record) * block_size(blocks), alignof(record))));
  }
  record *const made = &record_at(count_);
  made->latest = stretch;
  made->closed = nullptr;
  made->closed_count = 0;
  made->disordered = 0;
  set_key(*made, key);
  free = {tag, ++count_};
  if (std::size_t{count_} * 2 > slots_.size()) grow_slots();
}

void keyed_intervals::set_key(record &of, const short_key &key) {
  of.length = key.length;
  of.words = key.words;
}

void keyed_intervals::set_key(record &of, key_view long_key) {
  if (long_key.size() > UINT32_MAX) throw_too_large();
  of.length = static_cast<std::uint32_t>(long_key.size());
  auto *const copy = static_cast<std::byte *>(arena_.allocate(long_key.size(), 1));
  std::memcpy(copy, long_key.data(), long_key.size());
  of.far = copy;
}

void keyed_intervals::grow_slots() {
  std::pmr::vector<slot> larger(slots_.size() * 2, memory_);
  const std::size_t mask = larger.size() - 1;
  for (const slot &each : slots_) {
    if (each.number == 0) continue;
    std::size_t at = each.tag & mask;
    while (larger[at].number != 0) at = (at + 1) & mask;
    larger[at] = each;
  }
  slots_.swap(larger);
}

// Chunks of 3, 7, 15 and 31 fill up at 3, 10, 25 and 56 closed intervals, the larger ones every 63 from then on.
keyed_intervals::place keyed_intervals::place_of(std::uint32_t closed_count) {
  std::uint32_t size_class = 0;
  while (size_class + 1 < chunk_capacity.size() && closed_count >= chunk_capacity[size_class])
    closed_count -= chunk_capacity[size_class++];
  return {size_class, closed_count % chunk_capacity[size_class]};
}

void keyed_intervals::store(record &of, interval stretch) {
  if (of.disordered != 0 && of.closed != nullptr && place_of(of.closed_count).at == 0 &&
      of.closed_count >= of.closed->compact_at)
    compact(of);
  append(of, stretch);
}

void keyed_intervals::append(record &of, interval stretch) {
  const place next = place_of(of.closed_count);
  if (next.at == 0) add_chunk(of, next.size_class);
  of.closed->items()[next.at] = stretch;
  of.closed_count = (of.closed_count + 1) & 0x7fffffffU;  // says to the compiler that it fits
}

// Unites the closed intervals of a disordered key. They may still reach into the latest, so it stays disordered.
void keyed_intervals::compact(record &of) {
  std::pmr::vector<interval> all(memory_);
  collect_closed(of, all);
  const std::size_t left = unite(all);
  for (std::uint32_t count = of.closed_count; count != 0;) {
    const place last = place_of(count - 1);
    chunk *const freed = std::exchange(of.closed, of.closed->earlier);
    freed->earlier = std::exchange(free_chunks_[last.size_class], freed);
    count -= last.at + 1;
  }
  of.closed_count = 0;
  for (std::size_t at = 0; at < left; ++at) append(of, all[at]);
  of.closed->compact_at = std::max<std::uint64_t>(least_to_compact, 2 * left);
}

void keyed_intervals::add_chunk(record &of, std::uint32_t size_class) {
  chunk *made = free_chunks_[size_class];
  if (made != nullptr) {
    free_chunks_[size_class] = made->earlier;
  } else {
    const std::size_t bytes = sizeof(chunk) + chunk_capacity[size_class] * sizeof(interval);
    made = static_cast<chunk *>(arena_.allocate(bytes, alignof(chunk)));
  }
  made->earlier = of.closed;
  made->compact_at = of.closed == nullptr ? least_to_compact : of.closed->compact_at;
  of.closed = made;
}

void keyed_intervals::collect(const record &from, std::pmr::vector<interval> &to) {
  const std::size_t first = to.size();
  collect_closed(from, to);
  to.push_back(from.latest);
  if (from.disordered != 0) to.resize(first + unite(std::span(to).subspan(first)));
}

// Appends the closed intervals, in order of arrival.
void keyed_intervals::collect_closed(const record &from, std::pmr::vector<interval> &to) {
  to.resize(to.size() + from.closed_count);
  interval *end = to.data() + to.size();
  const chunk *each = from.closed;
  for (std::uint32_t count = from.closed_count; count != 0; each = each->earlier) {
    const std::uint32_t here = place_of(count - 1).at + 1;
    end -= here;
    std::copy_n(each->items(), here, end);
    count -= here;
  }
}

// Sorts by the first 16 bytes of the keys, which settles most comparisons without a visit to the records.
std::pmr::vector<std::uint32_t> keyed_intervals::sorted_records(const context &host) const {
  struct entry {
    std::uint64_t high, low;
    std::uint32_t number;
  };
  const auto big_endian = [](key_view key, std::size_t from) {
    std::uint64_t word = 0;
    for (std::size_t at = from; at < from + 8; ++at)
      word = (word << 8U) | (at < key.size() ? std::to_integer<std::uint64_t>(key[at]) : 0);
    return word;
  };
  std::pmr::vector<entry> entries(host.memory);
  entries.reserve(count_);
  for (std::uint32_t at = 0; at < count_; ++at) {
    const key_view key = record_at(at).key();
    entries.push_back({big_endian(key, 0), big_endian(key, 8), at});
  }
  host.poll();
  std::sort(entries.begin(), entries.end(), [this](const entry &a, const entry &b) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return compare(record_at(a.number).key(), record_at(b.number).key()) < 0;
  });
  host.poll();
  std::pmr::vector<std::uint32_t> order(host.memory);
  order.reserve(count_);
  for (const entry &each : entries) order.push_back(each.number);
  return order;
}

void keyed_intervals::sort_sessions(std::pmr::vector<interval> &sessions) {
  const auto before = [](const interval &a, const interval &b) {
    return std::tuple(a.start, a.end) < std::tuple(b.start, b.end);
  };
  if (!std::is_sorted(sessions.begin(), sessions.end(), before)) std::sort(sessions.begin(), sessions.end(), before);
}

}  // namespace headcount::core
