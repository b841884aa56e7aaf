#pragma once
// What the tests of the kernel share: a host, rows, every way to build a presence from them, and a slow, obvious model.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory_resource>
#include <new>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/key.hpp"
#include "core/presence/keyed_intervals.hpp"
#include "core/presence/presence_builder.hpp"
#include "core/presence/presence_bytes.hpp"
#include "core/presence/presence_view.hpp"
#include "core/presence/row_log.hpp"
#include "core/time/instant.hpp"

namespace headcount::test {

using core::beginning;
using core::context;
using core::forever;
using core::instant;
using core::interval;
using core::key_type;
using core::key_view;
using core::presence_view;

// As a memory context does, frees at its end what its users left behind (keyed_intervals counts on that). Each block is
// one of the heap's own, so that the address sanitizer sees every step beside it.
class arena final : public std::pmr::memory_resource {
 public:
  arena() = default;
  arena(const arena &) = delete;
  arena &operator=(const arena &) = delete;
  ~arena() override {
    for (const auto &[block, was] : blocks_) give_back(block, was);
  }

  std::size_t held() const { return held_; }
  std::size_t most() const { return most_; }
  std::uint64_t allocations() const { return allocations_; }

 private:
  struct shape {
    std::size_t size;
    std::size_t alignment;
  };

  static void give_back(void *block, shape was) { ::operator delete(block, std::align_val_t(was.alignment)); }

  void *do_allocate(std::size_t size, std::size_t alignment) override {
    void *const block = ::operator new(size, std::align_val_t(alignment));
    blocks_.emplace(block, shape{size, alignment});
    ++allocations_;
    held_ += size;
    most_ = std::max(most_, held_);
    return block;
  }

  void do_deallocate(void *block, std::size_t size, std::size_t alignment) override {
    const auto found = blocks_.find(block);
    // Handed back in another shape than it was given, which PostgreSQL's pfree would not see. What a byte_buffer
    // released may come back at the length in use.
    if (found == blocks_.end() || found->second.size < size || found->second.alignment != alignment) std::terminate();
    held_ -= found->second.size;
    give_back(block, found->second);
    blocks_.erase(found);
  }

  bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override { return this == &other; }

  std::map<void *, shape> blocks_;
  std::size_t held_ = 0;
  std::size_t most_ = 0;
  std::uint64_t allocations_ = 0;
};

inline std::uint64_t polls = 0;
inline std::uint64_t polls_allowed = UINT64_MAX;  // from then on a poll throws

struct interrupted : std::runtime_error {
  interrupted() : std::runtime_error("interrupted") {}
};

inline void poll() {
  if (++polls > polls_allowed) throw interrupted();
}

// A host for the length of a test.
class host {
 public:
  operator const context &() const { return context_; }
  std::pmr::memory_resource *memory() const { return context_.memory; }
  std::size_t held_memory() const { return arena_.held(); }
  std::size_t max_memory() const { return arena_.most(); }
  std::uint64_t allocations() const { return arena_.allocations(); }

 private:
  arena arena_;
  context context_{&arena_, poll};
};

using bytes = std::vector<std::byte>;

inline key_view view_of(std::string_view text) {
  return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}
inline std::string string_of(key_view key) { return {reinterpret_cast<const char *>(key.data()), key.size()}; }

inline bytes from_hex(std::string_view hex) {
  bytes made;
  std::string digits;
  for (const char each : hex) {
    if (each == ' ') continue;
    digits.push_back(each);
    if (digits.size() < 2) continue;
    made.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return made;
}

inline std::string to_hex(key_view from) {
  std::string made;
  for (const std::byte each : from) {
    made.push_back("0123456789abcdef"[std::to_integer<unsigned>(each >> 4U)]);
    made.push_back("0123456789abcdef"[std::to_integer<unsigned>(each & std::byte{15})]);
  }
  return made;
}

struct row {
  std::string key;
  interval when;
};
using rows = std::vector<row>;

// A key as a reader hands it out.
struct entry {
  std::string key;
  std::vector<interval> intervals;

  friend bool operator==(const entry &, const entry &) = default;
};
using entries = std::vector<entry>;

inline bool starts_earlier(const interval &a, const interval &b) {
  return a.start != b.start ? a.start < b.start : a.end < b.end;
}

// The model: any two intervals of a key that overlap or touch become one, until there are none.
inline std::vector<interval> unite_slowly(std::vector<interval> all) {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t a = 0; a < all.size() && !changed; ++a) {
      for (std::size_t b = a + 1; b < all.size() && !changed; ++b) {
        if (all[a].start > all[b].end || all[b].start > all[a].end) continue;
        all[a] = {std::min(all[a].start, all[b].start), std::max(all[a].end, all[b].end)};
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(b));
        changed = true;
      }
    }
  }
  std::sort(all.begin(), all.end(), starts_earlier);
  return all;
}

inline entries model_of(key_type type, const rows &from) {
  entries all;
  if (type == key_type::session) {
    for (const row &each : from) all.push_back({"", {each.when}});
    std::sort(all.begin(), all.end(),
              [](const entry &a, const entry &b) { return starts_earlier(a.intervals[0], b.intervals[0]); });
    return all;
  }
  const auto unsigned_order = [](const std::string &a, const std::string &b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
      return static_cast<unsigned char>(left) < static_cast<unsigned char>(right);
    });
  };
  std::map<std::string, std::vector<interval>, decltype(unsigned_order)> keys(unsigned_order);
  for (const row &each : from) keys[each.key].push_back(each.when);
  for (auto &[key, intervals] : keys) all.push_back({key, unite_slowly(intervals)});
  return all;
}

// What is left of the model inside the window.
inline entries clip_slowly(key_type type, const entries &from, interval window) {
  rows left;
  for (const entry &key : from) {
    for (const interval &each : key.intervals) {
      const interval part{std::max(each.start, window.start), std::min(each.end, window.end)};
      if (part.start < part.end) left.push_back({key.key, part});
    }
  }
  return model_of(type, left);
}

// --- the three forms -------------------------------------------------------------------------------------------------

inline bytes log_of(key_type type, const rows &from) {
  using editor = core::row_log_editor;
  std::size_t size = editor::head_size;
  for (const row &each : from) size += editor::row_size(view_of(each.key));
  bytes log(size);
  editor::create(log, type);
  for (const row &each : from)
    if (!editor::append(log, view_of(each.key), each.when)) throw std::logic_error("a log has no room for its rows");
  return log;
}

inline void fill(core::keyed_intervals &table, const rows &from) {
  for (const row &each : from) table.add(view_of(each.key), each.when);
}

inline bytes canonical_of(const presence_view &presence, const context &with, interval window = core::all_time) {
  const auto made = core::to_canonical(presence, window, 0, with);
  return {made.begin(), made.end()};
}

inline bytes canonical_of(key_type type, const rows &from, const context &with) {
  core::keyed_intervals table(type, with.memory);
  fill(table, from);
  return canonical_of(presence_view(table), with);
}

// Canonical bytes straight from the writer, without any of the kernel's own uniting.
inline bytes encode(key_type type, const entries &from, const context &with) {
  instant first = forever;
  for (const entry &each : from) first = std::min(first, each.intervals.front().start);
  core::presence_writer writer(type, first, 0, with.memory);
  for (const entry &each : from) writer.add(view_of(each.key), each.intervals);
  const auto made = writer.finish();
  return {made.begin(), made.end()};
}

inline entries read_all(const presence_view &presence, const context &with) {
  entries all;
  presence.for_each(with, [&](key_view key, std::span<const interval> intervals) {
    all.push_back({string_of(key), {intervals.begin(), intervals.end()}});
  });
  return all;
}

inline entries decode(key_view canonical, const context &with) { return read_all(presence_view(canonical), with); }

// Makes the check sum right, so that what is damaged lies behind it. `canonical` has at least a head.
inline void fix_check_sum(std::span<std::byte> canonical) {
  const auto seed = core::xxh64::load<std::uint32_t>(canonical.data());
  const auto sum = static_cast<std::uint32_t>(core::hash_bytes(canonical.subspan(8), seed));
  for (std::size_t at = 0; at < 4; ++at) canonical[4 + at] = static_cast<std::byte>((sum >> (8 * at)) & 0xffU);
}

// --- chance ----------------------------------------------------------------------------------------------------------

// The same numbers with every compiler and library, which the distributions of <random> do not promise.
class dice {
 public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}

  // One of 0 .. sides - 1.
  std::uint64_t operator()(std::uint64_t sides) { return engine_() % sides; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>((*this)(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool one_in(std::uint64_t sides) { return (*this)(sides) == 0; }

  template <typename Items>
  void shuffle(Items &items) {
    for (std::size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[(*this)(left)]);
  }

 private:
  std::mt19937_64 engine_;
};

inline std::string key_for(key_type type, std::uint64_t number) {
  switch (type) {
    case key_type::none:
    case key_type::session: return {};
    case key_type::bigint: return string_of(core::bigint_key(static_cast<std::int64_t>(number) - 3));
    case key_type::uuid: {
      std::string key(16, '\x5a');
      key[number % 16] = static_cast<char>(number * 37);
      key[15] = static_cast<char>(number);
      return key;
    }
    case key_type::text: break;
  }
  // Lengths on both sides of what a record holds itself (32), prefixes of one another, the empty string, high bytes.
  if (number % 11 == 0) return std::string(number / 11, 'p');
  if (number % 11 == 1) return std::string(29 + number % 5, 'k') + std::to_string(number);
  if (number % 11 == 2) return "\xc3\xa9" + std::to_string(number);
  return "user" + std::to_string(number);
}

struct crowd {
  std::uint64_t keys = 5;
  std::int64_t last_tick = 40;  // few ticks, so that touches and equal instants are common
  std::int64_t longest = 8;
  std::uint64_t endless = 12;  // one row in so many has no end, and one in so many no start; 0 for none
};

inline interval random_interval(const crowd &among, dice &roll) {
  interval made{roll.between(0, among.last_tick), 0};
  made.end = made.start + roll.between(1, among.longest);
  if (among.endless != 0 && roll.one_in(among.endless)) made.end = forever;
  if (among.endless != 0 && roll.one_in(among.endless)) made.start = beginning;
  return made;
}

inline rows random_rows(key_type type, std::size_t count, const crowd &among, dice &roll) {
  rows made(count);
  for (row &each : made) each = {key_for(type, roll(among.keys)), random_interval(among, roll)};
  return made;
}

inline constexpr key_type all_types[] = {key_type::text, key_type::bigint, key_type::uuid, key_type::session};

}  // namespace headcount::test
