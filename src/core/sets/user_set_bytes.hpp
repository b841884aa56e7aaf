#pragma once
// The canonical bytes of a set of user numbers: stored, sent, compared, hashed. The same set gives the same bytes,
// whatever the order of arrival, the split into workers, or the machine.
//
//   byte  0      magic 0xC3
//         1      version 1
//         2      1 if the numbers are those of a dictionary, 0 if they are just numbers, or none
//         3      form 0: canonical (1 is a log of numbers in the making, see number_log.hpp)
//         4..7   check sum: low 32 bits of XXH64 over the bytes from 8 on, seeded with bytes 0..3
//         8..23  if byte 2 says so: which dictionary, 16 bytes that are not all zero
//         then   the set in the portable format of Roaring bitmaps, which other programs read too:
//
//   head         without runs   12346 (4 bytes), number of containers (4)
//                with runs      12347 (2), number of containers less one (2), a bit for each container: is it of runs?
//   containers   for each its key, the high 16 bits of its numbers, ascending (2); how many numbers, less one (2)
//   offsets      for each where its content begins, counted from the first of the head (4); none where there are runs and fewer than 4
//   content      array    the low 16 bits of each number, ascending (2 each); where there are up to 4,096 numbers
//                bitset   a bit for each possible number (8,192); where there are more
//                runs     how many (2), and for each its first number and its length less one (2 each), ascending
//
// All numbers are little endian. The format leaves it to the writer what is written as runs. Here it is every container
// that gets shorter by it.

#include <array>
#include <bit>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/error.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

inline constexpr std::uint8_t user_set_magic = 0xC3;
inline constexpr std::uint8_t user_set_version = 1;
inline constexpr std::size_t user_set_head_size = 8;
enum class user_set_form : std::uint8_t { canonical = 0, log = 1 };

// Which dictionary the numbers of a set are of. Each source numbers its own users, so the numbers of two dictionaries have
// nothing to do with each other. All zero: none, the numbers stand for themselves. An empty set is of none either.
struct dictionary_id {
  static constexpr std::size_t size = 16;
  std::array<std::byte, size> bytes{};

  bool is_none() const { return *this == dictionary_id{}; }
  friend bool operator==(const dictionary_id &, const dictionary_id &) = default;
};

// Reads it from the bytes of either form, whose first four bytes have been checked.
dictionary_id read_dictionary_id(key_view bytes);

// How many bytes are before the content of a set of this dictionary.
constexpr std::size_t user_set_content_at(bool has_dictionary) {
  return user_set_head_size + (has_dictionary ? dictionary_id::size : 0);
}

[[noreturn]] void throw_mixed_dictionaries(const dictionary_id &left, const dictionary_id &right,
                                           source_place where = source_place::current());

// Numbers are SQL integers from 0 on.
inline constexpr std::uint32_t last_user_number = 0x7fffffff;

[[noreturn]] void throw_damaged_user_set(const char *detail, source_place where = source_place::current());

// Reads and checks the first four bytes of either form. Throws damaged_bytes.
user_set_form read_user_set_form(key_view bytes);

// The numbers that share their high 16 bits, as they lie in the bytes.
struct container {
  enum class shape { array, bitset, runs };
  static constexpr std::size_t max_in_array = 4096, bitset_words = 1024, bitset_bytes = 8192;
  using bitset = std::array<std::uint64_t, bitset_words>;
  using bitset_view = std::span<std::uint64_t, bitset_words>;
  using const_bitset_view = std::span<const std::uint64_t, bitset_words>;
  using short_run = std::pair<std::uint32_t, std::uint32_t>;  // its first and its last number, of the low 16 bits

  shape form;
  std::uint32_t key;
  std::uint32_t cardinality;
  key_view content;

  std::uint32_t value_at(std::size_t number) const { return xxh64::load<std::uint16_t>(content.data() + 2 * number); }
  std::size_t run_count() const { return value_at(0); }
  short_run run_at(std::size_t number) const {
    const std::uint32_t first = value_at(1 + 2 * number);
    return {first, first + value_at(2 + 2 * number)};
  }
  // Sets the bits of its numbers, which have been checked.
  void add_to(bitset_view words) const;
  void load(bitset &words) const {
    words.fill(0);
    add_to(words);
  }

  bool contains(std::uint32_t low) const;

  // Throws damaged_bytes unless the content is what the rest says. Returns how many runs it has, whatever its form.
  std::size_t check() const;

  // Calls visit(std::uint32_t) with each number, low 16 bits, ascending.
  template <typename Visit>
  void for_each(Visit &&visit) const {
    switch (form) {
      case shape::array:
        for (std::size_t at = 0; at < cardinality; ++at) visit(value_at(at));
        break;
      case shape::bitset:
        for (std::uint32_t at = 0; at < bitset_words; ++at)
          for (auto word = xxh64::load<std::uint64_t>(content.data() + 8 * at); word != 0; word &= word - 1)
            visit(64 * at + static_cast<std::uint32_t>(std::countr_zero(word)));
        break;
      case shape::runs:
        for (std::size_t at = 0; at < run_count(); ++at)
          for (auto [low, last] = run_at(at); low <= last; ++low) visit(low);
        break;
    }
  }
};

std::uint32_t count_numbers(container::const_bitset_view words);

// Reads the portable format of Roaring bitmaps. Has checked where everything lies when it is made, so that no later
// read leaves the bytes; what the containers hold is checked by container::check. Throws damaged_bytes.
class roaring_reader {
 public:
  explicit roaring_reader(key_view bytes);

  std::uint64_t cardinality() const { return cardinality_; }
  // Its containers, by number in order of their keys.
  std::size_t container_count() const { return count_; }
  std::uint32_t key_at(std::size_t number) const { return xxh64::load<std::uint16_t>(entries_.data() + 4 * number); }
  container container_at(std::size_t number) const { return container_at(number, offset_of(number)); }
  bool contains(std::uint32_t number) const;

  // Calls visit(const container &) for each, in order.
  template <typename Visit>
  void for_each_container(Visit &&visit) const {
    for (std::size_t number = 0, offset = content_; number < count_; ++number) {
      const container here = container_at(number, offset);
      visit(here);
      offset += here.content.size();
    }
  }

 private:
  key_view take(std::size_t offset, std::size_t length) const;
  container container_at(std::size_t number, std::size_t offset) const;
  std::size_t offset_of(std::size_t number) const;

  key_view bytes_;
  std::size_t count_ = 0;
  key_view run_flags_;  // empty where there are no runs
  key_view entries_;    // keys and cardinalities
  key_view offsets_;    // may be left out
  std::size_t content_ = 0;
  std::uint64_t cardinality_ = 0;
};

// How many numbers are in both. What the containers hold need not have been checked: no read leaves the bytes.
std::uint64_t intersection_cardinality(const roaring_reader &left, const roaring_reader &right);

// Reads canonical bytes: head and check sum have been checked as well when it is made.
class user_set_reader {
 public:
  explicit user_set_reader(key_view bytes);

  key_view bytes() const { return bytes_; }
  const dictionary_id &dictionary() const { return dictionary_; }
  const roaring_reader &roaring() const { return roaring_; }
  std::uint64_t cardinality() const { return roaring_.cardinality(); }
  bool contains(std::uint32_t number) const { return roaring_.contains(number); }

  // Checks what is left to check: then these are the bytes that a user_set_writer would write. Throws damaged_bytes.
  void check(const context &host) const;

  // Calls visit(std::uint32_t) with each number, ascending, after a check.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    check(host);
    ticker tick(host);
    roaring_.for_each_container([&](const container &here) {
      here.for_each([&](std::uint32_t low) {
        visit(here.key << 16U | low);
        tick();
      });
    });
  }

 private:
  static key_view checked(key_view bytes);

  key_view bytes_;
  dictionary_id dictionary_;
  roaring_reader roaring_;
};

// The dictionary of a set that has all that is in either; an empty set goes with any. Throws mixed_dictionaries.
dictionary_id common_dictionary(const user_set_reader &left, const user_set_reader &right);

// Writes a set. Keys must come ascending.
class user_set_writer {
 public:
  explicit user_set_writer(std::pmr::memory_resource *memory) : entries_(memory), content_(memory), memory_(memory) {}

  // Adds the numbers of one key, none or more: up to 4,096 of them, ascending, or any in a bitset.
  void add(std::uint32_t key, std::span<const std::uint16_t> numbers);
  void add(std::uint32_t key, container::const_bitset_view numbers);

  // Hands over the memory: `reserved` bytes, for the length word of a PostgreSQL value, then head and bitmap.
  std::span<std::byte> finish(std::size_t reserved, const dictionary_id &dictionary = {});

 private:
  struct entry {
    std::uint32_t key;
    std::uint32_t cardinality;
    std::size_t begin;  // in content_
    bool is_runs;
  };

  bool begin(std::uint32_t key, std::size_t cardinality, std::size_t runs);
  void add_run(std::uint32_t first, std::uint32_t last);

  std::pmr::vector<entry> entries_;
  byte_buffer content_;
  std::pmr::memory_resource *memory_;
};

// The canonical bytes of numbers that are ascending and without duplicates.
std::span<std::byte> to_canonical(std::span<const std::uint32_t> numbers, std::size_t reserved,
                                  std::pmr::memory_resource *memory, const dictionary_id &dictionary = {});

// The same set as one of another dictionary. Throws damaged_bytes.
std::span<std::byte> with_dictionary(const user_set_reader &set, const dictionary_id &dictionary, std::size_t reserved,
                                     const context &host);

// The canonical bytes of the numbers in either set, in both, or in the first alone. Throws damaged_bytes, and
// mixed_dictionaries.
enum class set_operation { unite, intersect, subtract };
std::span<std::byte> combine(const user_set_reader &left, const user_set_reader &right, set_operation operation,
                             std::size_t reserved, const context &host);

}  // namespace headcount::core
