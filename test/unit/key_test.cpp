#include "core/base/key.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

std::string shown(key_type type, key_view key) {
  std::pmr::string text;
  core::append_text(text, type, key);
  return std::string(text);
}

TEST(key, bigint_round_trips_and_sorts_as_numbers) {
  const std::int64_t values[] = {INT64_MIN, INT64_MIN + 1, -4294967296, -256,  -255,          -2,       -1, 0, 1, 127,
                                 128,       255,           256,         65536, INT64_MAX - 1, INT64_MAX};
  for (std::size_t at = 0; at < std::size(values); ++at) {
    const core::bigint_key key(values[at]);
    EXPECT_EQ(core::bigint_key::value_of(key), values[at]);
    EXPECT_EQ(shown(key_type::bigint, key), std::to_string(values[at]));
    if (at > 0) {
      EXPECT_LT(core::compare(core::bigint_key(values[at - 1]), key), 0) << values[at];
    }
  }
}

TEST(key, bigint_bytes_are_big_endian_with_the_sign_flipped) {
  EXPECT_EQ(to_hex(core::bigint_key(0)), "8000000000000000");
  EXPECT_EQ(to_hex(core::bigint_key(-1)), "7fffffffffffffff");
  EXPECT_EQ(to_hex(core::bigint_key(0x0102030405060708)), "8102030405060708");
}

TEST(key, uuid_is_shown_as_sql_shows_it) {
  EXPECT_EQ(shown(key_type::uuid, from_hex("00112233445566778899AABBCCDDEEFF")),
            "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(key, text_is_shown_as_it_is) {
  EXPECT_EQ(shown(key_type::text, view_of("J\xc3\xb6rg O'Neill\n")), "J\xc3\xb6rg O'Neill\n");
  EXPECT_EQ(shown(key_type::text, {}), "");
}

TEST(key, text_is_appended) {
  std::pmr::string text("key ");
  core::append_text(text, key_type::bigint, core::bigint_key(-5));
  EXPECT_EQ(text, "key -5");
}

TEST(key, order_is_that_of_unsigned_bytes_the_shorter_first) {
  const std::string sorted[] = {"",        std::string(1, '\0'), "A", "AB", "B", "a", "a\x7f", "a\x80", "\x80", "\xff",
                                "\xff\xff"};
  for (std::size_t a = 0; a < std::size(sorted); ++a) {
    for (std::size_t b = 0; b < std::size(sorted); ++b) {
      const int order = core::compare(view_of(sorted[a]), view_of(sorted[b]));
      EXPECT_EQ(order < 0, a < b) << a << " " << b;
      EXPECT_EQ(order == 0, a == b) << a << " " << b;
    }
  }
}

TEST(key, every_type_has_a_name) {
  EXPECT_STREQ(core::name_of(key_type::none), "none");
  EXPECT_STREQ(core::name_of(key_type::text), "text");
  EXPECT_STREQ(core::name_of(key_type::bigint), "bigint");
  EXPECT_STREQ(core::name_of(key_type::uuid), "uuid");
  EXPECT_STREQ(core::name_of(key_type::session), "session");
}

}  // namespace
}  // namespace headcount::test
