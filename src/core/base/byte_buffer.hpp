#pragma once
// Growing bytes whose memory can be handed over, and a reader that never leaves its span.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

// The bytes that a number needs: 0 for 0, else up to 8.
constexpr std::uint8_t bytes_for(std::uint64_t value) {
  return static_cast<std::uint8_t>((static_cast<unsigned>(std::bit_width(value)) + 7) / 8);
}

// The most bytes that one SQL value can hold (PostgreSQL's MaxAllocSize).
inline constexpr std::size_t max_bytes = 0x3fffffff;

[[noreturn]] inline void throw_too_large() {
  throw error(fault::too_large, "value is too large", "A value holds at most 1 GB.",
              "Aggregate a shorter span or fewer keys at a time, for example GROUP BY month.");
}

// Appends bytes; refuse() throws what says that there are too many for a value. release() hands the memory to the caller,
// who frees it through the same resource (or with its arena).
class byte_buffer {
 public:
  explicit byte_buffer(std::pmr::memory_resource *memory, void (*refuse)() = throw_too_large) : memory_(memory), refuse_(refuse) {}
  byte_buffer(const byte_buffer &) = delete;
  byte_buffer &operator=(const byte_buffer &) = delete;
  ~byte_buffer() {
    if (data_ != nullptr) memory_->deallocate(data_, capacity_, alignment);
  }

  std::size_t size() const { return size_; }
  std::byte *data() { return data_; }

  // Makes room for `more` bytes, so that appending that much moves nothing.
  void reserve(std::size_t more) {
    if (more <= capacity_ - size_) return;
    if (more > max_bytes - size_) refuse_();
    const std::size_t larger = std::min(max_bytes, std::max<std::size_t>(size_ + more, capacity_ * 2 + 64));
    auto *const moved = static_cast<std::byte *>(memory_->allocate(larger, alignment));
    if (data_ != nullptr) {
      std::memcpy(moved, data_, size_);
      memory_->deallocate(data_, capacity_, alignment);
    }
    data_ = moved;
    capacity_ = larger;
  }

  void append(const void *from, std::size_t length) {
    reserve(length);
    if (length != 0) std::memcpy(data_ + size_, from, length);
    size_ += length;
  }
  void append(key_view bytes) { append(bytes.data(), bytes.size()); }
  void append_byte(std::uint8_t byte) { append(&byte, 1); }

  // The low `count` bytes of a number, little endian.
  void append_word(std::uint64_t value, std::size_t count) {
    reserve(sizeof value);
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(data_ + size_, &value, sizeof value);
    } else {
      for (std::size_t at = 0; at < count; ++at)
        data_[size_ + at] = static_cast<std::byte>((value >> (8 * at)) & 0xffU);
    }
    size_ += count;
  }

  // LEB128: seven bits a byte, low bits first, the high bit set on all but the last.
  void append_varint(std::uint64_t value) {
    std::uint8_t bytes[10];
    std::size_t length = 0;
    for (; value >= 0x80U; value >>= 7U) bytes[length++] = static_cast<std::uint8_t>(value | 0x80U);
    bytes[length++] = static_cast<std::uint8_t>(value);
    append(bytes, length);
  }

  std::byte *release() { return std::exchange(data_, nullptr); }

 private:
  // No more than any allocator gives by itself, so that what release() hands over can be freed by the host alone.
  static constexpr std::size_t alignment = alignof(std::uint64_t);

  std::pmr::memory_resource *memory_;
  void (*refuse_)();
  std::byte *data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Reads bytes that may be damaged: every read is checked against what is left, and every varint is the shortest one.
class byte_reader {
 public:
  // `message` is that of the error where they are.
  explicit byte_reader(key_view bytes, const char *message = of_presence) : left_(bytes), message_(message) {}

  std::size_t remaining() const { return left_.size(); }

  key_view take(std::uint64_t length) {
    if (length > left_.size()) fail("It ends too early.");
    const key_view taken = left_.first(static_cast<std::size_t>(length));
    left_ = left_.subspan(static_cast<std::size_t>(length));
    return taken;
  }

  std::uint64_t take_varint() {
    std::uint64_t value = 0;
    for (std::size_t at = 0; at < left_.size() && at < 10; ++at) {
      const auto byte = std::to_integer<std::uint64_t>(left_[at]);
      if (at == 9 && byte > 1) break;
      value |= (byte & 0x7fU) << (7 * at);
      if (byte < 0x80U) {
        if (byte == 0 && at > 0) break;  // a longer spelling of a shorter number
        left_ = left_.subspan(at + 1);
        return value;
      }
    }
    fail("A number is cut off or spelled in too many bytes.");
  }

  // A number of `count` bytes, 8 at the most, little endian.
  std::uint64_t take_word(std::size_t count) {
    if (std::endian::native == std::endian::little && left_.size() >= sizeof(std::uint64_t)) {
      std::uint64_t value;
      std::memcpy(&value, left_.data(), sizeof value);
      left_ = left_.subspan(count);
      return count == 8 ? value : value & ((std::uint64_t{1} << (8 * count)) - 1);
    }
    std::uint64_t value = 0;
    const key_view bytes = take(count);
    for (std::size_t at = count; at-- > 0;) value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[at]);
    return value;
  }

  [[noreturn]] static void throw_damaged(const char *detail, source_place where = source_place::current()) {
    throw error(fault::damaged_bytes, of_presence, detail, {}, where);
  }
  [[noreturn]] void fail(const char *detail, source_place where = source_place::current()) const {
    throw error(fault::damaged_bytes, message_, detail, {}, where);
  }

 private:
  static constexpr const char *of_presence = "invalid bytes for type presence";

  key_view left_;
  const char *message_;
};

}  // namespace headcount::core
