#pragma once
// Which days each key was there: what a daily report needs of its users, and no more.
//
//   words         128 days each, a bit a day; the latest word of a key is in its record, the earlier ones are in a list
//   long stays    intervals of more than 512 days: first and last day, in a keyed_intervals that counts in days
//
// A year of a user takes three or four words, whatever happens in it, where exact intervals would take one for each
// session. Rows that come in order of time touch the record alone.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/key_table.hpp"
#include "core/presence/keyed_intervals.hpp"
#include "core/time/civil.hpp"

namespace headcount::core {

// Days number * 128 to number * 128 + 127, the first in the lowest bit of the first half.
struct day_word {
  static constexpr int shift = 7;

  std::array<std::uint64_t, 2> halves;
  std::int32_t number;

  // Of days that are in one word.
  static day_word of(day_number first, day_number last) {
    const auto mask = [](unsigned from, unsigned to) {  // bits of one half
      return (~std::uint64_t{0} << from) & (~std::uint64_t{0} >> (63 - to));
    };
    const auto from = static_cast<unsigned>(first) & 127U, to = static_cast<unsigned>(last) & 127U;
    return {{from < 64 ? mask(from, std::min(to, 63U)) : 0, to >= 64 ? mask(std::max(from, 64U) - 64, to - 64) : 0},
            first >> shift};
  }

  std::int64_t first_day() const { return std::int64_t{number} << shift; }
  void unite(const day_word &other) {
    halves[0] |= other.halves[0];
    halves[1] |= other.halves[1];
  }
};

// Calls visit(first, last) for each run of days, in order; those of neighbouring halves are not joined.
template <typename Visit>
void for_each_run(const day_word &word, Visit &&visit) {
  std::int64_t base = word.first_day();
  for (const std::uint64_t half : word.halves) {
    for (std::uint64_t left = half; left != 0;) {
      const int first = std::countr_zero(left), length = std::countr_one(left >> first);
      visit(base + first, base + first + length - 1);
      if (first + length == 64) break;
      left &= ~std::uint64_t{0} << (first + length);
    }
    base += 64;
  }
}

// Sorts words, and makes one of those that come twice. Returns how many remain, at the front.
std::size_t unite_words(std::span<day_word> words);

// What is known of one key. Words are ascending; long stays are in days, sorted and disjoint, and may overlap words.
struct days_of_key {
  std::span<const day_word> words;
  std::span<const interval> long_stays;
};

// Intervals of more words than these are long stays: shorter ones are cheaper as words, longer ones would let a row
// with a start long ago take any memory.
inline constexpr std::int32_t max_words = 4;

// Calls add_word(const day_word &) for each word of the days from `first` to `last`, both included, or else
// add_stay(interval) for all of them at once.
template <typename AddWord, typename AddStay>
void for_each_word(day_number first, day_number last, AddWord &&add_word, AddStay &&add_stay) {
  const std::int32_t from = first >> day_word::shift, to = last >> day_word::shift;
  if (to - from >= max_words) {
    add_stay(interval{first, std::int64_t{last} + 1});
    return;
  }
  for (std::int32_t number = from; number <= to; ++number) {
    const day_number begin = number << day_word::shift, end = begin + ((1 << day_word::shift) - 1);
    add_word(day_word::of(std::max(first, begin), std::min(last, end)));
  }
}

class days_by_key {
 public:
  explicit days_by_key(std::pmr::memory_resource *memory);
  days_by_key(const days_by_key &) = delete;
  days_by_key &operator=(const days_by_key &) = delete;

  // The key was there from `first` to `last`, both included.
  void add(key_view key, day_number first, day_number last) {
    if (first >> day_word::shift == last >> day_word::shift)
      add_word(key, day_word::of(first, last));
    else
      add_wide(key, first, last);
  }

  // The same for all of these days.
  void add(key_view key, const days_of_key &days) {
    for (const day_word &each : days.words) add_word(key, each);
    for (const interval &each : days.long_stays) add_stay(key, each);
  }

  // The number of keys.
  std::uint32_t size() const;

  // Reads single keys, by name or by number in order of arrival. What it returns is valid until it is asked again.
  class reader {
   public:
    reader(const days_by_key &sets, std::pmr::memory_resource *memory) : sets_(sets), words_(memory), stays_(memory) {
      sets.settled();
    }
    // The number of a key, days_by_key::npos where it is not there.
    std::uint32_t find(key_view key) const { return sets_.table_.find(key); }
    days_of_key operator[](std::uint32_t number);

   private:
    const days_by_key &sets_;
    std::pmr::vector<day_word> words_;
    std::pmr::vector<interval> stays_;
  };
  static constexpr std::uint32_t npos = UINT32_MAX;

  // Calls visit(std::uint32_t number, key_view, days_of_key) for each key, in order of arrival.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    reader read(*this, host.memory);
    ticker tick(host);
    for (std::uint32_t at = 0; at < table_.size(); ++at) {
      if (at + ahead < table_.size()) __builtin_prefetch(table_[at + ahead].wide.earlier);
      visit(at, table_[at].key(), read[at]);
      tick();
    }
  }

  // Calls visit(std::uint32_t number, key_view) for each key, in order of arrival.
  template <typename Visit>
  void for_each_key(const context &host, Visit &&visit) const {
    settled();
    ticker tick(host);
    for (std::uint32_t at = 0; at < table_.size(); ++at) {
      visit(at, table_[at].key());
      tick();
    }
  }

  // Adds all of another one, or what another one wrote; throws damaged_bytes.
  void merge(const days_by_key &from, const context &host);
  void merge(byte_reader &from, const context &host);
  void write(byte_buffer &to, const context &host) const;
  // The same in as few bytes as there may be, as intervals of days; throws damaged_bytes.
  void merge_packed(byte_reader &from, const context &host);
  void write_packed(byte_buffer &to, const context &host) const;

 private:
  // What a year needs beside the word in the record, in as many bytes as PostgreSQL's allocator rounds to.
  static constexpr std::uint32_t first_capacity = 5;
  // Rows in any order find the word that they are about among this many, so that words do not come twice.
  static constexpr std::uint32_t near = 8;
  static constexpr std::uint32_t ahead = 8;

  struct word_list {
    std::uint32_t count;
    std::uint32_t capacity;
    day_word *items() { return reinterpret_cast<day_word *>(this + 1); }
    const day_word *items() const { return reinterpret_cast<const day_word *>(this + 1); }
  };
  struct recent {
    std::array<std::uint64_t, 2> halves;
    word_list *earlier;
  };
  using table = key_table<recent, std::int32_t, day_word>;  // the narrow part is the number of the word
  using record = table::record;
  static_assert(npos == table::npos);

  void add_word(key_view key, const day_word &days) {
    if (!table::is_short(key)) {
      add_now(key, days);
    } else if (table_.hold(key, days)) {
      settle();
    }
  }
  void add_wide(key_view key, day_number first, day_number last);
  void add_stay(key_view key, interval days);
  void add_now(key_view key, const day_word &days);
  void settle();
  void settled() const { const_cast<days_by_key *>(this)->settle(); }
  static void begin(record &of, const day_word &days);
  void unite_with(record &of, const day_word &days) {
    if (of.narrow == days.number) {
      of.wide.halves[0] |= days.halves[0];
      of.wide.halves[1] |= days.halves[1];
    } else {
      change_word(of, days);
    }
  }
  void change_word(record &of, const day_word &days);
  void make_room(word_list *&list);

  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // long keys
  table table_;
  std::optional<keyed_intervals> stays_;  // of keys that are in the table too
};

}  // namespace headcount::core
