#pragma once
// Numbers of few bits, one behind the other: the lowest bits of a byte come first.

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/byte_buffer.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

// A number is written as its high bits in unary and its low ones as they are (Golomb and Rice): how many low ones there are
// follows from the mean of the numbers. What is far beyond the mean is written in full.
inline constexpr unsigned max_unary = 24;

// How many low bits numbers of this mean have best.
constexpr unsigned low_bits_for(std::uint64_t mean) {
  const std::uint64_t middle = mean / 16 * 11 + mean % 16 * 11 / 16;  // the median, if they are spread at random
  return middle == 0 ? 0 : static_cast<unsigned>(std::bit_width(middle)) - 1;
}

class bit_writer {
 public:
  explicit bit_writer(byte_buffer &to) : to_(to) {}

  // The low `count` bits of a number, 32 at the most.
  void put(std::uint64_t value, unsigned count) {
    held_ |= (value & ((std::uint64_t{1} << count) - 1)) << used_;
    for (used_ += count; used_ >= 8; used_ -= 8, held_ >>= 8U) to_.append_byte(static_cast<std::uint8_t>(held_));
  }

  void put_number(std::uint64_t value, unsigned low_bits) {
    const std::uint64_t high = value >> low_bits;
    if (high >= max_unary) {
      put((1U << max_unary) - 1, max_unary);
      put_all(value, 64);
      return;
    }
    put((1U << high) - 1, static_cast<unsigned>(high) + 1);
    put_all(value, low_bits);
  }

  // What is left of the last byte is 0.
  void finish() {
    if (used_ > 0) to_.append_byte(static_cast<std::uint8_t>(held_));
    held_ = used_ = 0;
  }

 private:
  void put_all(std::uint64_t value, unsigned count) {
    for (; count > 32; count -= 32, value >>= 32U) put(value, 32);
    put(value, count);
  }

  byte_buffer &to_;
  std::uint64_t held_ = 0;
  unsigned used_ = 0;
};

// Throws damaged_bytes where there are not as many.
class bit_reader {
 public:
  explicit bit_reader(key_view bytes) : bytes_(bytes) {}

  // A number of `count` bits, 32 at the most.
  std::uint64_t take(unsigned count) {
    while (held_bits_ < count) {
      if (next_ == bytes_.size()) byte_reader::throw_damaged("It ends too early.");
      held_ |= std::to_integer<std::uint64_t>(bytes_[next_++]) << held_bits_;
      held_bits_ += 8;
    }
    const std::uint64_t value = held_ & ((std::uint64_t{1} << count) - 1);
    held_ >>= count;
    held_bits_ -= count;
    return value;
  }

  std::uint64_t take_number(unsigned low_bits) {
    std::uint64_t high = 0;
    while (high < max_unary && take(1) == 1) ++high;
    return high == max_unary ? take_all(64) : (high << low_bits) | take_all(low_bits);
  }

 private:
  std::uint64_t take_all(unsigned count) {
    std::uint64_t value = 0;
    unsigned at = 0;
    for (; count - at > 32; at += 32) value |= take(32) << at;
    return value | take(count - at) << at;
  }

  key_view bytes_;
  std::size_t next_ = 0;
  std::uint64_t held_ = 0;
  unsigned held_bits_ = 0;
};

}  // namespace headcount::core
