#pragma once
// SipHash-2-4 with 128 bits, after the public specification of Aumasson and Bernstein: a hash under a key. Whoever does not know
// the key learns from hashes which names are the same, and nothing else. The same value on every machine.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/hash.hpp"

namespace headcount::core {

class keyed_hash {
 public:
  static constexpr std::size_t key_size = 16, size = 16;

  explicit keyed_hash(std::span<const std::byte, key_size> key)
      : low_(xxh64::load<std::uint64_t>(key.data())), high_(xxh64::load<std::uint64_t>(key.data() + 8)) {}

  std::array<std::byte, size> operator()(std::span<const std::byte> bytes) const {
    state mixed{{0x736f6d6570736575U ^ low_, 0x646f72616e646f6dU ^ high_ ^ 0xeeU, 0x6c7967656e657261U ^ low_, 0x7465646279746573U ^ high_}};
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) mixed.take(xxh64::load<std::uint64_t>(bytes.data() + at));
    std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56U;
    for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) last |= std::to_integer<std::uint64_t>(bytes[at]) << shift;
    mixed.take(last);
    std::array<std::byte, size> hash;
    mixed.words[2] ^= 0xeeU;
    mixed.give(hash.data());
    mixed.words[1] ^= 0xddU;
    mixed.give(hash.data() + 8);
    return hash;
  }

 private:
  struct state {
    std::array<std::uint64_t, 4> words;

    void round() {
      auto &[a, b, c, d] = words;
      a += b, b = std::rotl(b, 13), b ^= a, a = std::rotl(a, 32);
      c += d, d = std::rotl(d, 16), d ^= c;
      a += d, d = std::rotl(d, 21), d ^= a;
      c += b, b = std::rotl(b, 17), b ^= c, c = std::rotl(c, 32);
    }
    void take(std::uint64_t word) {
      words[3] ^= word;
      round();
      round();
      words[0] ^= word;
    }
    void give(std::byte *to) {
      for (int left = 4; left > 0; --left) round();
      std::uint64_t word = words[0] ^ words[1] ^ words[2] ^ words[3];
      for (std::size_t at = 0; at < 8; ++at, word >>= 8U) to[at] = static_cast<std::byte>(word & 0xffU);
    }
  };

  std::uint64_t low_, high_;
};

}  // namespace headcount::core
