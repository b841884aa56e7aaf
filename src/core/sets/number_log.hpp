#pragma once
// A set of user numbers in the making, while it is small: numbers in order of arrival, in flat bytes that grow in
// place.
//
//   byte  0..3   as in user_set_bytes.hpp, form 1
//         4..7   how many numbers               (native order: a log never leaves the server)
//         8..    the numbers, 4 bytes each; the rest is free

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/sets/user_set_bytes.hpp"

namespace headcount::core {

// Appends numbers to bytes that the caller owns.
class number_log_editor {
 public:
  static constexpr std::size_t head_size = 8, number_size = sizeof(std::uint32_t);
  static constexpr std::size_t size_of(std::size_t count) { return head_size + number_size * count; }

  // Makes an empty log of `bytes`, which hold at least head_size.
  static void create(std::span<std::byte> bytes) {
    const std::uint8_t head[] = {user_set_magic, user_set_version, 0, static_cast<std::uint8_t>(user_set_form::log)};
    std::memcpy(bytes.data(), head, sizeof head);
    store(bytes.data() + 4, 0);
  }

  // Appends a number if there is room for it. Returns whether there was.
  static bool append(std::span<std::byte> bytes, std::uint32_t number) {
    const std::uint32_t count = load(bytes.data() + 4);
    if (count >= (bytes.size() - head_size) / number_size) return false;
    store(bytes.data() + size_of(count), number);
    store(bytes.data() + 4, count + 1);
    return true;
  }

  static std::uint32_t load(const std::byte *from) {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }

 private:
  static void store(std::byte *to, std::uint32_t value) { std::memcpy(to, &value, sizeof value); }
};

// Reads a log. Checks it, since a log may have been stored by an aggregate of somebody's own making.
class number_log_reader {
 public:
  explicit number_log_reader(key_view bytes) {
    using editor = number_log_editor;
    if (read_user_set_form(bytes) != user_set_form::log) throw_damaged_user_set("Its form is unknown.");
    const std::size_t count = editor::load(bytes.data() + 4);
    if (count > (bytes.size() - editor::head_size) / editor::number_size)
      throw_damaged_user_set("It has more numbers than bytes.");
    numbers_ = bytes.subspan(editor::head_size, count * editor::number_size);
    for_each([](std::uint32_t number) {
      if (number > last_user_number) throw_damaged_user_set("A number is out of range.");
    });
  }

  // Calls visit(std::uint32_t) with each number, in order of arrival.
  template <typename Visit>
  void for_each(Visit &&visit) const {
    for (std::size_t at = 0; at < numbers_.size(); at += number_log_editor::number_size)
      visit(number_log_editor::load(numbers_.data() + at));
  }

  // The numbers, ascending and without duplicates.
  std::pmr::vector<std::uint32_t> sorted(std::pmr::memory_resource *memory) const {
    std::pmr::vector<std::uint32_t> numbers(numbers_.size() / number_log_editor::number_size, memory);
    if (!numbers.empty()) std::memcpy(numbers.data(), numbers_.data(), numbers_.size());
    sort_out(numbers);
    return numbers;
  }

  static void sort_out(std::pmr::vector<std::uint32_t> &numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  }

 private:
  key_view numbers_;
};

}  // namespace headcount::core
