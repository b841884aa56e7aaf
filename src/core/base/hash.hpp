#pragma once
// XXH64, after the public specification of Yann Collet's xxHash (doc/xxhash_spec.md, version 0.1.1): the same value on
// every machine and in every version, fast on short keys. Used for hash tables and as a check sum of stored bytes.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/base/wide_product.hpp"

namespace headcount::core {

namespace xxh64 {
inline constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87U, prime2 = 0xC2B2AE3D27D4EB4FU, prime3 = 0x165667B19E3779F9U,
                               prime4 = 0x85EBCA77C2B2AE63U, prime5 = 0x27D4EB2F165667C5U;

template <typename Word>
Word load(const std::byte *from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) {
    Word swapped = 0;
    for (std::size_t at = 0; at < sizeof word; ++at, word >>= 8U) swapped = (swapped << 8U) | (word & 0xffU);
    return swapped;
  }
  return word;
}

inline std::uint64_t round(std::uint64_t lane, std::uint64_t input) {
  return std::rotl(lane + input * prime2, 31) * prime1;
}

inline std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) { return (hash ^ round(0, lane)) * prime1 + prime4; }
}  // namespace xxh64

inline std::uint64_t hash_bytes(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
  using namespace xxh64;
  const std::byte *at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = seed + prime5;
  if (left >= 32) {
    std::uint64_t lane[4] = {seed + prime1 + prime2, seed + prime2, seed, seed - prime1};
    for (; left >= 32; at += 32, left -= 32)
      for (std::size_t i = 0; i < 4; ++i) lane[i] = round(lane[i], load<std::uint64_t>(at + 8 * i));
    hash = std::rotl(lane[0], 1) + std::rotl(lane[1], 7) + std::rotl(lane[2], 12) + std::rotl(lane[3], 18);
    for (const std::uint64_t each : lane) hash = merge(hash, each);
  }
  hash += bytes.size();
  for (; left >= 8; at += 8, left -= 8)
    hash = std::rotl(hash ^ round(0, load<std::uint64_t>(at)), 27) * prime1 + prime4;
  if (left >= 4) {
    hash = std::rotl(hash ^ (load<std::uint32_t>(at) * prime1), 23) * prime2 + prime3;
    at += 4, left -= 4;
  }
  for (; left > 0; ++at, --left) hash = std::rotl(hash ^ (std::to_integer<std::uint64_t>(*at) * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33U)) * prime2;
  hash = (hash ^ (hash >> 29U)) * prime3;
  return hash ^ (hash >> 32U);
}

// A hash of four words for tables in memory, with two multiplications where XXH64 takes a dozen. After the mixing
// function of Wang Yi's wyhash (public domain): both halves of a 128-bit product.
inline std::uint64_t hash_words(const std::array<std::uint64_t, 4> &words, std::uint64_t length) {
  const auto mix = [](std::uint64_t left, std::uint64_t right) {
    const wide_product product = multiply(left, right);
    // The factors are mixed in again, since one that is 0 would wipe out the other.
    return product.low ^ product.high ^ left ^ std::rotl(right, 32);
  };
  const std::uint64_t low = mix(words[0] ^ 0xA0761D6478BD642FU, words[1] ^ 0xE7037ED1A0B428DBU ^ length);
  const std::uint64_t high = mix(words[2] ^ 0x8EBC6AF09C88C6E3U, words[3] ^ 0x589965CC75374CC3U);
  return mix(low ^ high ^ 0x1D8E4E27C47D124FU, length ^ 0xEB44ACCAB455D165U);
}

}  // namespace headcount::core
