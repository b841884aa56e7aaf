#pragma once
// Distinct keys in the making, as flat bytes: what unique_count keeps of a group while it is small, edited in place,
// and what a process hands over of a large one. It never ends up in a table.
//
//   byte  0      magic 0xC6
//         1      version 1
//         2      key type
//         3      0
//         4..7   bytes used, these included, little endian; what follows them is free space
//         8..    keys, in any order: LEB128 length, bytes. In the making a key may be there more than once.

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/base/byte_buffer.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

inline constexpr std::uint8_t key_log_magic = 0xC6, key_log_version = 1;

// Appends keys to bytes that the caller owns.
class key_log_editor {
 public:
  static constexpr std::size_t head_size = 8;
  static constexpr std::size_t length_size(std::size_t length) {
    return (static_cast<std::size_t>(std::bit_width(length | 1U)) + 6) / 7;
  }
  static std::size_t row_size(key_view key) { return length_size(key.size()) + key.size(); }

  // Makes an empty log of `bytes`, which hold at least head_size.
  static void create(std::span<std::byte> bytes, key_type type) {
    const std::array<std::uint8_t, 4> head{key_log_magic, key_log_version, static_cast<std::uint8_t>(type), 0};
    std::memcpy(bytes.data(), head.data(), head.size());
    store_used(bytes, head_size);
  }

  // Appends a key if there is room for it. Returns whether there was.
  static bool append(std::span<std::byte> bytes, key_view key) {
    const std::size_t used = load_used(bytes);
    if (used > bytes.size() || row_size(key) > bytes.size() - used) return false;
    std::byte *at = bytes.data() + used;
    std::size_t length = key.size();
    for (; length >= 0x80U; length >>= 7U) *at++ = static_cast<std::byte>(length | 0x80U);
    *at++ = static_cast<std::byte>(length);
    if (!key.empty()) std::memcpy(at, key.data(), key.size());
    store_used(bytes, used + row_size(key));
    return true;
  }

  static std::uint32_t load_used(key_view bytes) { return xxh64::load<std::uint32_t>(bytes.data() + 4); }

 private:
  static void store_used(std::span<std::byte> bytes, std::size_t used) {
    for (std::size_t at = 0; at < 4; ++at) bytes[4 + at] = static_cast<std::byte>((used >> (8 * at)) & 0xffU);
  }
};

// Reads a log, checking everything: anybody can make up such bytes. Throws damaged_bytes.
class key_log_reader {
 public:
  explicit key_log_reader(key_view bytes) {
    if (bytes.size() < key_log_editor::head_size) byte_reader::throw_damaged("It is too short.");
    const auto byte_at = [&](std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); };
    if (byte_at(0) != key_log_magic || byte_at(1) != key_log_version || byte_at(3) != 0)
      byte_reader::throw_damaged("It is not the state of unique_count.");
    if (byte_at(2) == 0 || byte_at(2) > static_cast<std::uint8_t>(last_key_type))
      byte_reader::throw_damaged("Its key type is unknown.");
    type_ = static_cast<key_type>(byte_at(2));
    const std::size_t used = key_log_editor::load_used(bytes);
    if (used < key_log_editor::head_size || used > bytes.size()) byte_reader::throw_damaged("Its length is wrong.");
    keys_ = bytes.subspan(key_log_editor::head_size, used - key_log_editor::head_size);
  }

  key_type type() const { return type_; }
  std::size_t byte_count() const { return keys_.size(); }

  // Calls visit(key_view) for each key, in order of arrival.
  template <typename Visit>
  void for_each(Visit &&visit) const {
    for (byte_reader reader(keys_); reader.remaining() != 0;) visit(reader.take(reader.take_varint()));
  }

 private:
  key_type type_;
  key_view keys_;
};

}  // namespace headcount::core
