#pragma once
// Keys: whose presence it is. Every key is a string of bytes that sorts as its SQL value does.
//
//   text     the bytes themselves
//   bigint   8 bytes, big endian, sign bit flipped
//   uuid     its 16 bytes
//   session  no bytes: a presence of nameless sessions, each of which counts for itself

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <string>

namespace headcount::core {

enum class key_type : std::uint8_t { none = 0, text = 1, bigint = 2, uuid = 3, session = 4 };

inline constexpr key_type last_key_type = key_type::session;

constexpr const char *name_of(key_type type) {
  switch (type) {
    case key_type::none: return "none";
    case key_type::text: return "text";
    case key_type::bigint: return "bigint";
    case key_type::uuid: return "uuid";
    case key_type::session: return "session";
  }
  return "unknown";
}

using key_view = std::span<const std::byte>;

// Byte for byte, the shorter first: the canonical order of keys.
inline int compare(key_view left, key_view right) {
  const std::size_t common = std::min(left.size(), right.size());
  if (common != 0) {
    if (const int order = std::memcmp(left.data(), right.data(), common); order != 0) return order;
  }
  return left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0;
}

// The bytes of a bigint key, and back.
class bigint_key {
 public:
  explicit bigint_key(std::int64_t value) {
    auto bits = static_cast<std::uint64_t>(value) ^ sign_bit;
    for (std::size_t at = bytes_.size(); at-- > 0; bits >>= 8U) bytes_[at] = static_cast<std::byte>(bits & 0xffU);
  }
  operator key_view() const { return bytes_; }

  static std::int64_t value_of(key_view key) {
    std::uint64_t bits = 0;
    for (const std::byte byte : key) bits = (bits << 8U) | std::to_integer<std::uint64_t>(byte);
    return static_cast<std::int64_t>(bits ^ sign_bit);
  }

 private:
  static constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63U;
  std::array<std::byte, 8> bytes_;
};

// The key as SQL shows it.
inline void append_text(std::pmr::string &to, key_type type, key_view key) {
  if (type == key_type::bigint && key.size() == 8) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bigint_key::value_of(key)).ptr;
    to.append(digits.data(), end);
  } else if (type == key_type::uuid && key.size() == 16) {
    constexpr const char *hex = "0123456789abcdef";
    for (std::size_t at = 0; at < key.size(); ++at) {
      if (at == 4 || at == 6 || at == 8 || at == 10) to.push_back('-');
      to.push_back(hex[std::to_integer<unsigned>(key[at] >> 4U)]);
      to.push_back(hex[std::to_integer<unsigned>(key[at] & std::byte{15})]);
    }
  } else {
    to.append(reinterpret_cast<const char *>(key.data()), key.size());
  }
}

}  // namespace headcount::core
