#include "core/sets/days_by_key.hpp"

#include <algorithm>

#include "core/presence/packed_intervals.hpp"
#include "core/presence/presence_view.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

bool comes_before(const day_word &a, const day_word &b) { return a.number < b.number; }

}  // namespace

std::size_t unite_words(std::span<day_word> words) {
  if (words.empty()) return 0;
  if (!std::is_sorted(words.begin(), words.end(), comes_before)) std::sort(words.begin(), words.end(), comes_before);
  std::size_t last = 0;
  for (std::size_t next = 1; next < words.size(); ++next) {
    if (words[next].number == words[last].number)
      words[last].unite(words[next]);
    else
      words[++last] = words[next];
  }
  return last + 1;
}

days_by_key::days_by_key(std::pmr::memory_resource *memory)
    : memory_(memory), arena_(key_arena_start, memory), table_(memory, &arena_) {}

std::uint32_t days_by_key::size() const {
  settled();
  return table_.size();
}

void days_by_key::add_wide(key_view key, day_number first, day_number last) {
  for_each_word(
      first, last, [&](const day_word &word) { add_word(key, word); }, [&](interval stay) { add_stay(key, stay); });
}

// A word without days makes sure that the table knows the key.
void days_by_key::add_stay(key_view key, interval days) {
  if (!stays_.has_value()) stays_.emplace(key_type::text, memory_);
  stays_->add(key, days);
  add_word(key, {{}, static_cast<day_number>(days.start) >> day_word::shift});
}

void days_by_key::settle() {
  table_.settle(
      [](const record &soon, const day_word &days) {
        if (soon.narrow != days.number) __builtin_prefetch(soon.wide.earlier, 1);
      },
      begin, [this](std::uint32_t number, const day_word &days) { unite_with(table_[number], days); });
}

void days_by_key::add_now(key_view key, const day_word &days) {
  table_.add_now(key, days, begin,
                 [this](std::uint32_t number, const day_word &more) { unite_with(table_[number], more); });
}

void days_by_key::begin(record &of, const day_word &days) {
  of.wide = {days.halves, nullptr};
  of.narrow = days.number;
}

// Puts the record's word away, and goes on with that of `days`.
void days_by_key::change_word(record &of, const day_word &days) {
  const day_word done{of.wide.halves, of.narrow};
  word_list *&list = of.wide.earlier;
  of.narrow = days.number;
  of.wide.halves = days.halves;
  if (list == nullptr || list->count == list->capacity) make_room(list);
  day_word *const items = list->items();
  for (std::uint32_t at = list->count, left = near; at-- > 0 && left-- > 0;) {
    if (items[at].number != days.number) continue;
    of.wide.halves[0] |= items[at].halves[0];
    of.wide.halves[1] |= items[at].halves[1];
    items[at] = done;
    return;
  }
  items[list->count++] = done;
}

// Makes room in a list that is full, or not there yet.
void days_by_key::make_room(word_list *&list) {
  if (list != nullptr) list->count = static_cast<std::uint32_t>(unite_words({list->items(), list->count}));
  if (list != nullptr && list->count <= list->capacity / 2) return;
  const auto bytes_of = [](std::uint32_t capacity) { return sizeof(word_list) + capacity * sizeof(day_word); };
  const std::uint32_t capacity = list == nullptr ? first_capacity : 2 * list->capacity;
  auto *const larger = static_cast<word_list *>(memory_->allocate(bytes_of(capacity), alignof(day_word)));
  *larger = {0, capacity};
  if (list != nullptr) {
    larger->count = list->count;
    std::copy_n(list->items(), list->count, larger->items());
    memory_->deallocate(list, bytes_of(list->capacity), alignof(day_word));
  }
  list = larger;
}

days_of_key days_by_key::reader::operator[](std::uint32_t number) {
  const record &from = sets_.table_[number];
  words_.clear();
  if (from.wide.earlier != nullptr)
    words_.assign(from.wide.earlier->items(), from.wide.earlier->items() + from.wide.earlier->count);
  words_.push_back({from.wide.halves, from.narrow});
  stays_.clear();
  if (sets_.stays_.has_value()) sets_.stays_->find(from.key(), stays_);
  return {{words_.data(), unite_words(words_)}, stays_};
}

// number of keys; for each: length, bytes, number of words, the words: 4 bytes of number, 16 of days. Then the long
// stays, as a presence in days.
void days_by_key::write(byte_buffer &to, const context &host) const {
  to.append_varint(size());
  for_each(host, [&](std::uint32_t, key_view key, const days_of_key &days) {
    to.append_varint(key.size());
    to.append(key);
    to.append_varint(days.words.size());
    for (const day_word &each : days.words) {
      to.append_word(static_cast<std::uint32_t>(each.number), 4);
      to.append_word(each.halves[0], 8);
      to.append_word(each.halves[1], 8);
    }
  });
  const auto stays = to_canonical(stays_.has_value() ? presence_view(*stays_) : presence_view(), all_time, 0, host);
  to.append_varint(stays.size());
  to.append(stays);
  host.memory->deallocate(stays.data(), stays.size(), alignof(std::uint64_t));
}

void days_by_key::merge(const days_by_key &from, const context &host) {
  from.for_each(host, [&](std::uint32_t, key_view key, const days_of_key &days) { add(key, days); });
}

void days_by_key::merge(byte_reader &from, const context &host) {
  ticker tick(host);
  for (std::uint64_t keys = from.take_varint(); keys-- > 0;) {
    const key_view key = from.take(from.take_varint());
    for (std::uint64_t words = from.take_varint(); words-- > 0;) {
      const auto number = static_cast<std::int32_t>(static_cast<std::uint32_t>(from.take_word(4)));
      // Such days do not exist, and would not fit into a day_number.
      if (number < (INT32_MIN >> day_word::shift) || number > (INT32_MAX >> day_word::shift))
        byte_reader::throw_damaged("A day is out of range.");
      const std::uint64_t low = from.take_word(8), high = from.take_word(8);
      add_word(key, {{low, high}, number});
    }
    tick();
  }
  const presence_reader stays(from.take(from.take_varint()));
  if (stays.type() == key_type::none) return;
  if (stays.type() != key_type::text) byte_reader::throw_damaged("Its key type is unknown.");
  stays.for_each(host, [&](key_view key, std::span<const interval> intervals) {
    for (const interval &each : intervals) {
      if (each.start < INT32_MIN || each.end > INT32_MAX) byte_reader::throw_damaged("A day is out of range.");
      add_stay(key, each);
    }
  });
}

void days_by_key::write_packed(byte_buffer &to, const context &host) const {
  keyed_intervals in_days(key_type::text, host.memory);
  for_each(host, [&](std::uint32_t, key_view key, const days_of_key &days) {
    for (const day_word &each : days.words)
      for_each_run(each, [&](std::int64_t first, std::int64_t last) { in_days.add(key, {first, last + 1}); });
    for (const interval &each : days.long_stays) in_days.add(key, each);
  });
  pack_intervals(to, in_days, host);
}

void days_by_key::merge_packed(byte_reader &from, const context &host) {
  unpack_intervals(from, host, [this](key_view key, interval days) {
    if (days.start < INT32_MIN || days.end > INT32_MAX) byte_reader::throw_damaged("A day is out of range.");
    add(key, static_cast<day_number>(days.start), static_cast<day_number>(days.end - 1));
  });
}

}  // namespace headcount::core
