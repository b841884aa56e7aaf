#pragma once
// Distinct keys, once they are many: the table of unique_count (core/sets/key_log.hpp while they are few).
//
//   slots      keys of up to 15 bytes, which most are, as they are: open addressing, linear probing
//                bytes 0..14  the key, padded with zeros     byte 15  its length + 1, 0 where the slot is free
//   longer_    longer ones (core/base/key_table.hpp)
//
// A key that lies in its slot is found by one visit to memory where the table of records takes two, of less than half
// of the memory.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/key_table.hpp"
#include "core/sets/key_log.hpp"

namespace headcount::core {

class key_set {
 public:
  key_set(key_type type, std::pmr::memory_resource *memory)
      : type_(type), memory_(memory), arena_(key_arena_start, memory), slots_(first_slots, memory) {}
  key_set(const key_set &) = delete;
  key_set &operator=(const key_set &) = delete;

  key_type type() const { return type_; }

  void add(key_view key) {
    if (key.size() > max_in_slot) {
      add_longer(key);
      return;
    }
    // What is held back is looked up once its slot has had time to arrive from memory.
    waiting &held = waiting_[waiting_count_];
    held.key = slot_of(key);
    held.hash = hash_words({held.key[0], held.key[1], 0, 0}, 0);
    __builtin_prefetch(&slots_[static_cast<std::size_t>(held.hash) & (slots_.size() - 1)]);
    if (++waiting_count_ == waiting_.size()) settle();
  }

  std::size_t size() const {
    settled();
    return count_ + (longer_.has_value() ? longer_->size() : 0);
  }

  // Calls visit(key_view) for each key, in any order.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    settled();
    ticker tick(host);
    for (const slot &each : slots_) {
      tick();
      if (const std::size_t length = length_of(each); length != 0) visit(bytes_of(each).first(length - 1));
    }
    for (std::uint32_t at = 0; longer_.has_value() && at < longer_->size(); ++at, tick()) visit((*longer_)[at].key());
  }

  void merge(const key_set &from, const context &host) {
    from.for_each(host, [this](key_view key) { add(key); });
  }

  void merge(const key_log_reader &from, const context &host) {
    ticker tick(host);
    from.for_each([&](key_view key) { add(key), tick(); });
  }

  // Appends a key_log of all of them.
  void write(byte_buffer &to, const context &host) const {
    std::size_t bytes = key_log_editor::head_size;
    for_each(host, [&](key_view key) { bytes += key_log_editor::row_size(key); });
    to.reserve(bytes);
    to.append_byte(key_log_magic);
    to.append_byte(key_log_version);
    to.append_byte(static_cast<std::uint8_t>(type_));
    to.append_byte(0);
    to.append_word(bytes, 4);
    for_each(host, [&](key_view key) {
      to.append_varint(key.size());
      to.append(key);
    });
  }

 private:
  using slot = std::array<std::uint64_t, 2>;
  static constexpr std::size_t max_in_slot = sizeof(slot) - 1;
  static constexpr std::size_t first_slots = 256;

  struct waiting {
    slot key;
    std::uint64_t hash;
  };
  struct no_row {};
  using table = key_table<no_wide_record, std::uint32_t, no_row>;

  static constexpr auto made = [](table::record &, no_row) {};
  static constexpr auto known = [](std::uint32_t, no_row) {};

  static std::span<const std::byte> bytes_of(const slot &of) { return std::as_bytes(std::span(of)); }
  static std::size_t length_of(const slot &of) { return std::to_integer<std::size_t>(bytes_of(of)[max_in_slot]); }
  static slot slot_of(key_view key) {
    short_key words;
    words.load(key);
    slot filled{words.words[0], words.words[1]};
    constexpr unsigned last_byte = std::endian::native == std::endian::little ? 56 : 0;
    filled[1] |= static_cast<std::uint64_t>(key.size() + 1) << last_byte;
    return filled;
  }

  void add_longer(key_view key) {
    if (!longer_.has_value()) longer_.emplace(memory_, &arena_);
    if (!table::is_short(key))
      longer_->add_now(key, {}, made, known);
    else if (longer_->hold(key, {}))
      settle_longer();
  }

  void settle() {
    const std::size_t count = std::exchange(waiting_count_, 0);
    for (std::size_t at = 0; at < count; ++at) put(waiting_[at].key, waiting_[at].hash);
  }
  void settle_longer() {
    longer_->settle([](const table::record &, no_row) {}, made, known);
  }
  // Waiting keys are there already as far as anybody can see.
  void settled() const {
    auto *const changed = const_cast<key_set *>(this);
    changed->settle();
    if (longer_.has_value()) changed->settle_longer();
  }

  void put(const slot &key, std::uint64_t hash) {
    const std::size_t at = probe(slots_, key, hash);
    if (length_of(slots_[at]) != 0) return;
    slots_[at] = key;
    // Neighbours share a cache line, so a quarter of free slots is enough.
    if (++count_ > slots_.size() / 4 * 3) grow();
  }

  // The slot of the key, or the free slot where it belongs.
  static std::size_t probe(const std::pmr::vector<slot> &slots, const slot &key, std::uint64_t hash) {
    const std::size_t mask = slots.size() - 1;
    std::size_t at = static_cast<std::size_t>(hash) & mask;
    while (slots[at] != key && length_of(slots[at]) != 0) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::pmr::vector<slot> larger(slots_.size() * 2, memory_);
    for (const slot &each : slots_)
      if (length_of(each) != 0) larger[probe(larger, each, hash_words({each[0], each[1], 0, 0}, 0))] = each;
    slots_.swap(larger);
  }

  key_type type_;
  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // keys of more than 32 bytes
  std::pmr::vector<slot> slots_;               // a power of two of them
  std::size_t count_ = 0;                      // of keys in them
  std::array<waiting, 32> waiting_;
  std::size_t waiting_count_ = 0;
  std::optional<table> longer_;
};

// How many distinct keys are in a log.
inline std::size_t count_distinct(const key_log_reader &log, const context &host) {
  // So few are compared with each other: a table takes longer to make.
  std::array<key_view, 16> seen;
  std::size_t count = 0;
  bool few = true;
  log.for_each([&](key_view key) {
    const auto same = [key](key_view other) { return key.size() == other.size() && compare(key, other) == 0; };
    if (!few || std::any_of(seen.begin(), seen.begin() + count, same)) return;
    if (count == seen.size())
      few = false;
    else
      seen[count++] = key;
  });
  if (few) return count;
  key_set all(log.type(), host.memory);
  all.merge(log, host);
  return all.size();
}

}  // namespace headcount::core
