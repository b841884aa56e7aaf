#pragma once
// Bytes as printable ASCII without quotes, backslash and blank, 13 bits in two characters: 1.23 characters a byte, where base64 takes
// 1.33 and hexadecimal digits 2. Bits left at the end make one character if there are at most 6, else two.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/byte_buffer.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

inline constexpr unsigned printable_base = 91;

namespace detail {
constexpr auto printable_characters = [] {
  std::array<char, printable_base> found{};
  std::size_t at = 0;
  for (char c = '!'; c <= '~'; ++c)
    if (c != '"' && c != '\'' && c != '\\') found[at++] = c;
  return found;
}();
constexpr auto printable_values = [] {
  std::array<std::int8_t, 256> found{};
  for (std::int8_t &each : found) each = -1;
  for (std::size_t at = 0; at < printable_base; ++at) found[static_cast<unsigned char>(printable_characters[at])] = static_cast<std::int8_t>(at);
  return found;
}();
}  // namespace detail

constexpr std::size_t printable_size(std::size_t bytes) {
  const std::size_t pairs = bytes * 8 / 13, rest = bytes * 8 % 13;
  return 2 * pairs + (rest == 0 ? 0U : rest <= 6 ? 1U : 2U);
}
constexpr std::size_t bytes_of_printable(std::size_t characters) { return (characters / 2 * 13 + characters % 2 * 6) / 8; }

// Writes printable_size(bytes.size()) characters.
inline void write_printable(key_view bytes, char *to) {
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const std::byte each : bytes) {
    held |= std::to_integer<std::uint32_t>(each) << bits;
    bits += 8;
    if (bits < 13) continue;
    const std::uint32_t value = held & 0x1fffU;
    *to++ = detail::printable_characters[value % printable_base];
    *to++ = detail::printable_characters[value / printable_base];
    held >>= 13U;
    bits -= 13;
  }
  if (bits == 0) return;
  *to++ = detail::printable_characters[held % printable_base];
  if (bits > 6) *to++ = detail::printable_characters[held / printable_base];
}

// Writes bytes_of_printable(text.size()) bytes; false where a character, or what characters stand for, is none of them.
inline bool read_printable(std::string_view text, std::byte *to) {
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const bool is_pair = at + 1 < text.size();
    const int low = detail::printable_values[static_cast<unsigned char>(text[at])], high = is_pair ? detail::printable_values[static_cast<unsigned char>(text[at + 1])] : 0;
    if (low < 0 || high < 0) return false;
    const auto value = static_cast<std::uint32_t>(low) + static_cast<std::uint32_t>(high) * printable_base;
    if (value >> (is_pair ? 13U : 6U) != 0) return false;
    held |= value << bits;
    for (bits += is_pair ? 13 : 6; bits >= 8; bits -= 8, held >>= 8U) *to++ = static_cast<std::byte>(held & 0xffU);
  }
  return held == 0;
}

}  // namespace headcount::core
