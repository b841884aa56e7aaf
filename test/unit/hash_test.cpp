#include "core/base/hash.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

// The buffer of the reference implementation's own sanity check, and what it publishes for its beginnings.
bytes sanity_buffer(std::size_t size) {
  constexpr std::uint64_t prime32 = 2654435761U, prime64 = 11400714785074694797U;
  bytes buffer(size);
  std::uint64_t state = prime32;
  for (std::byte &each : buffer) each = static_cast<std::byte>(state >> 56U), state *= prime64;
  return buffer;
}

struct vector {
  std::size_t size;
  std::uint64_t seed;
  std::uint64_t hash;
};

TEST(hash, published_vectors) {
  constexpr std::uint64_t prime = 2654435761U;
  for (const auto &[size, seed, expected] : {
           vector{0, 0, 0xEF46DB3751D8E999U},
           vector{0, prime, 0xAC75FDA2929B17EFU},
           vector{1, 0, 0xE934A84ADB052768U},
           vector{1, prime, 0x5014607643A9B4C3U},
           vector{4, 0, 0x9136A0DCA57457EEU},
           vector{4, prime, 0xCAAB286BD8E9FDB5U},
           vector{14, 0, 0x8282DCC4994E35C8U},
           vector{14, prime, 0xC3BD6BF63DEB6DF0U},
           vector{222, 0, 0xB641AE8CB691C174U},
           vector{222, prime, 0x20CB8AB7AE10C14AU},
           vector{2367, 0, 0xA82418DDEC0EA581U},
           vector{2367, prime, 0xA36A93C18052673AU},
       })
    EXPECT_EQ(core::hash_bytes(sanity_buffer(size), seed), expected) << size << " bytes, seed " << seed;
}

TEST(hash, published_words) {
  EXPECT_EQ(core::hash_bytes(view_of("a")), 0xD24EC4F1A98C6E5BU);
  EXPECT_EQ(core::hash_bytes(view_of("as")), 0x1C330FB2D66BE179U);
  EXPECT_EQ(core::hash_bytes(view_of("asd")), 0x631C37CE72A97393U);
  EXPECT_EQ(core::hash_bytes(view_of("asdf")), 0x415872F599CEA71EU);
  EXPECT_EQ(core::hash_bytes(view_of("abc")), 0x44BC2CF5AD770999U);
  EXPECT_EQ(core::hash_bytes(view_of("Nobody inspects the spammish repetition")), 0xFBCEA83C8A378BF1U);
  // 63 bytes: lanes, words, half a word and single bytes all take part.
  EXPECT_EQ(core::hash_bytes(view_of("Call me Ishmael. Some years ago--never mind how long precisely-")),
            0x02A2E85470D6FD96U);
}

TEST(hash, does_not_depend_on_alignment) {
  const bytes buffer = sanity_buffer(100);
  bytes shifted(108);
  const std::uint64_t expected = core::hash_bytes(buffer);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::copy(buffer.begin(), buffer.end(), shifted.begin() + static_cast<std::ptrdiff_t>(shift));
    EXPECT_EQ(core::hash_bytes(std::span(shifted).subspan(shift, 100)), expected) << shift;
  }
}

TEST(hash, every_byte_matters) {
  for (const std::size_t size : {1U, 3U, 4U, 7U, 8U, 12U, 31U, 32U, 33U, 64U, 75U}) {
    bytes buffer = sanity_buffer(size);
    const std::uint64_t whole = core::hash_bytes(buffer);
    for (std::byte &each : buffer) {
      each ^= std::byte{1};
      EXPECT_NE(core::hash_bytes(buffer), whole);
      each ^= std::byte{1};
    }
  }
}

}  // namespace
}  // namespace headcount::test
