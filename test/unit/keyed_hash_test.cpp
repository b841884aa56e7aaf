// The vectors are those of the reference implementation (vectors.h of SipHash, 128 bits): key 00 01 .. 0f, input 00 01 ...

#include "core/base/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <set>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

std::array<std::byte, 16> counted_key(unsigned first = 0) {
  std::array<std::byte, 16> key;
  for (std::size_t at = 0; at < key.size(); ++at) key[at] = static_cast<std::byte>(first + at);
  return key;
}

bytes counted(std::size_t size) {
  bytes made(size);
  for (std::size_t at = 0; at < size; ++at) made[at] = static_cast<std::byte>(at);
  return made;
}

bytes hash_of(const bytes &input, unsigned first = 0) {
  const auto key = counted_key(first);
  const auto hash = core::keyed_hash(key)(input);
  return {hash.begin(), hash.end()};
}

TEST(keyed_hash, is_that_of_the_reference) {
  EXPECT_EQ(hash_of(counted(0)), from_hex("a3817f04ba25a8e66df67214c7550293"));
  EXPECT_EQ(hash_of(counted(1)), from_hex("da87c1d86b99af44347659119b22fc45"));
  EXPECT_EQ(hash_of(counted(2)), from_hex("8177228da4a45dc7fca38bdef60affe4"));
  EXPECT_EQ(hash_of(counted(3)), from_hex("9c70b60c5267a94e5f33b6b02985ed51"));
}

TEST(keyed_hash, differs_with_each_byte_and_each_key) {
  std::set<bytes> seen;
  for (std::size_t size = 0; size < 70; ++size) {
    EXPECT_TRUE(seen.insert(hash_of(counted(size))).second) << size;
    EXPECT_TRUE(seen.insert(hash_of(counted(size), 1)).second) << size;
    for (std::size_t at = 0; at < size; ++at) {
      bytes changed = counted(size);
      changed[at] ^= std::byte{0x80};
      EXPECT_TRUE(seen.insert(hash_of(changed)).second) << size << ", byte " << at;
    }
  }
}

}  // namespace
}  // namespace headcount::test
