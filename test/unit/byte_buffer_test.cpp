#include "core/base/byte_buffer.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::byte_buffer;
using core::byte_reader;

std::string varint_hex(std::uint64_t value) {
  const host host;
  byte_buffer buffer(host.memory());
  buffer.append_varint(value);
  return to_hex({buffer.data(), buffer.size()});
}

std::uint64_t varint_of(std::string_view hex) {
  const bytes from = from_hex(hex);
  byte_reader reader(from);
  const std::uint64_t value = reader.take_varint();
  EXPECT_EQ(reader.remaining(), 0U);
  return value;
}

template <typename Action>
void expect_damaged(Action &&action, std::string_view what) {
  try {
    action();
    ADD_FAILURE() << "taken as sound: " << what;
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::damaged_bytes) << what;
    EXPECT_STREQ(error.what(), "invalid bytes for type presence");
    EXPECT_FALSE(error.detail().empty());
  }
}

TEST(varint, is_leb128) {
  EXPECT_EQ(varint_hex(0), "00");
  EXPECT_EQ(varint_hex(1), "01");
  EXPECT_EQ(varint_hex(127), "7f");
  EXPECT_EQ(varint_hex(128), "8001");
  EXPECT_EQ(varint_hex(300), "ac02");
  EXPECT_EQ(varint_hex(16383), "ff7f");
  EXPECT_EQ(varint_hex(16384), "808001");
  EXPECT_EQ(varint_hex(UINT64_MAX >> 1U), "ffffffffffffffff7f");
  EXPECT_EQ(varint_hex(std::uint64_t{1} << 63U), "80808080808080808001");
  EXPECT_EQ(varint_hex(UINT64_MAX), "ffffffffffffffffff01");
}

TEST(varint, round_trips_at_every_length) {
  dice roll(5);
  for (unsigned bits = 0; bits <= 64; ++bits) {
    const std::uint64_t power = bits == 64 ? 0 : std::uint64_t{1} << bits;
    for (const std::uint64_t value : {power, power - 1, power + 1, power ^ roll(power == 0 ? UINT64_MAX : power)})
      EXPECT_EQ(varint_of(varint_hex(value)), value);
  }
}

TEST(varint, only_the_shortest_spelling_is_taken) {
  for (const char *hex : {"8000", "ff00", "808000", "80808080808080808000"})
    expect_damaged([&] { varint_of(hex); }, hex);
}

TEST(varint, more_than_64_bits_are_refused) {
  for (const char *hex : {"ffffffffffffffffff02", "ffffffffffffffffff7f", "8080808080808080808001"})
    expect_damaged([&] { varint_of(hex); }, hex);
}

TEST(varint, cut_off_numbers_are_refused) {
  for (const char *hex : {"", "80", "ffff", "ffffffffffffffffff"}) expect_damaged([&] { varint_of(hex); }, hex);
}

TEST(word, is_little_endian_and_as_wide_as_asked) {
  const host host;
  for (std::size_t count = 0; count <= 8; ++count) {
    byte_buffer buffer(host.memory());
    buffer.append_byte(0xEE);
    buffer.append_word(0x8877665544332211U, count);
    EXPECT_EQ(to_hex({buffer.data(), buffer.size()}), "ee" + std::string("1122334455667788").substr(0, 2 * count));
  }
}

// Close to the end of the bytes and far from it are two ways of reading.
TEST(word, round_trips_wherever_it_stands) {
  const host host;
  dice roll(7);
  for (std::size_t count = 0; count <= 8; ++count) {
    for (std::size_t behind = 0; behind < 10; ++behind) {
      const std::uint64_t value = count == 0 ? 0 : roll(UINT64_MAX) >> (64 - 8 * count);
      byte_buffer buffer(host.memory());
      buffer.append_word(value, count);
      buffer.append(view_of(std::string(behind, '\xff')));
      byte_reader reader({buffer.data(), buffer.size()});
      EXPECT_EQ(reader.take_word(count), value);
      EXPECT_EQ(reader.remaining(), behind);
    }
  }
}

TEST(word, does_not_leave_the_bytes) {
  const bytes from = from_hex("01020304050607");
  for (std::size_t size = 0; size < from.size(); ++size)
    expect_damaged([&] { byte_reader(std::span(from).first(size)).take_word(size + 1); }, "one byte too many");
}

TEST(byte_reader, takes_in_order_and_no_more_than_there_is) {
  const bytes from = from_hex("0102030405");
  byte_reader reader(from);
  EXPECT_EQ(to_hex(reader.take(2)), "0102");
  EXPECT_EQ(to_hex(reader.take(0)), "");
  EXPECT_EQ(reader.remaining(), 3U);
  expect_damaged([&] { reader.take(4); }, "one too many");
  expect_damaged([&] { reader.take(UINT64_MAX); }, "far too many");
  EXPECT_EQ(to_hex(reader.take(3)), "030405");
  expect_damaged([&] { reader.take(1); }, "past the end");
}

TEST(byte_reader, a_failed_number_takes_nothing) {
  const bytes from = from_hex("8000");
  byte_reader reader(from);
  expect_damaged([&] { reader.take_varint(); }, "8000");
  EXPECT_EQ(reader.remaining(), 2U);
}

TEST(byte_buffer, keeps_what_was_appended_while_it_grows) {
  const host host;
  byte_buffer buffer(host.memory());
  std::string expected;
  dice roll(6);
  for (int round = 0; round < 500; ++round) {
    const std::string part(roll(60), static_cast<char>('a' + roll(26)));
    expected += part;
    buffer.append(view_of(part));
    buffer.append_byte(static_cast<std::uint8_t>(round & 0x7f));
    expected.push_back(static_cast<char>(round & 0x7f));
  }
  EXPECT_EQ(string_of({buffer.data(), buffer.size()}), expected);
}

TEST(byte_buffer, hands_its_memory_over) {
  const host host;
  byte_buffer buffer(host.memory());
  buffer.append_varint(300);
  const std::size_t size = buffer.size();
  const std::byte *const mine = buffer.release();  // the arena of the host frees it
  EXPECT_EQ(to_hex({mine, size}), "ac02");
}

TEST(byte_buffer, refuses_what_no_value_can_hold) {
  const host host;
  byte_buffer buffer(host.memory());
  buffer.append_byte(1);
  const std::byte byte{};
  const volatile std::size_t too_much = core::max_bytes;  // or the compiler warns of what would be read
  try {
    buffer.append(&byte, too_much);  // refused before a byte of it is read
    FAIL() << "took 1 GB";
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::too_large);
  }
  EXPECT_EQ(buffer.size(), 1U);
  EXPECT_LT(host.max_memory(), 1000U);
}

}  // namespace
}  // namespace headcount::test
