#pragma once
// A set of user numbers in the making, while it is small: numbers in order of arrival, in flat bytes that grow in
// place.
//
//   byte  0..3   as in user_set_bytes.hpp, form 1
//         4..7   how many numbers               (native order: a log never leaves the server)
//         8..23  if byte 2 says so: the dictionary, as there
//         then   the numbers, 4 bytes each; the rest is free

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
  static constexpr std::size_t number_size = sizeof(std::uint32_t);
  static constexpr std::size_t size_of(std::size_t count, bool has_dictionary = false) {
    return user_set_content_at(has_dictionary) + number_size * count;
  }
  // Where the numbers of a log begin.
  static std::size_t content_at(key_view bytes) { return user_set_content_at(bytes[2] != std::byte{0}); }

  // Makes an empty log of `bytes`, which hold at least size_of(0, ...).
  static void create(std::span<std::byte> bytes, const dictionary_id &dictionary = {}) {
    const bool has_dictionary = !dictionary.is_none();
    const std::uint8_t head[] = {user_set_magic, user_set_version, static_cast<std::uint8_t>(has_dictionary ? 1 : 0),
                                 static_cast<std::uint8_t>(user_set_form::log)};
    std::memcpy(bytes.data(), head, sizeof head);
    store(bytes.data() + 4, 0);
    if (has_dictionary) std::memcpy(bytes.data() + user_set_head_size, dictionary.bytes.data(), dictionary_id::size);
  }

  // Appends a number if there is room for it. Returns whether there was.
  static bool append(std::span<std::byte> bytes, std::uint32_t number) {
    const std::uint32_t count = load(bytes.data() + 4);
    const std::size_t begin = content_at(bytes);
    if (count >= (bytes.size() - begin) / number_size) return false;
    store(bytes.data() + begin + number_size * count, number);
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
    const std::size_t count = editor::load(bytes.data() + 4), begin = editor::content_at(bytes);
    if (count > (bytes.size() - begin) / editor::number_size) throw_damaged_user_set("It has more numbers than bytes.");
    dictionary_ = read_dictionary_id(bytes);
    numbers_ = bytes.subspan(begin, count * editor::number_size);
    for_each([](std::uint32_t number) {
      if (number > last_user_number) throw_damaged_user_set("A number is out of range.");
    });
  }

  bool empty() const { return numbers_.empty(); }
  const dictionary_id &dictionary() const { return dictionary_; }

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
  dictionary_id dictionary_;
};

}  // namespace headcount::core
