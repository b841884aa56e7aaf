#include "core/presence/packed_intervals.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::bit_reader;
using core::bit_writer;
using core::byte_buffer;
using core::byte_reader;
using core::keyed_intervals;

bytes bytes_of(const byte_buffer &buffer) {
  auto &from = const_cast<byte_buffer &>(buffer);
  return {from.data(), from.data() + from.size()};
}

TEST(bits, numbers_come_back_whatever_low_bits_they_have) {
  const host with;
  std::mt19937_64 random(3);
  for (unsigned low_bits = 0; low_bits <= 63; ++low_bits) {
    byte_buffer buffer(with.memory());
    bit_writer writer(buffer);
    std::vector<std::uint64_t> numbers{0, 1, UINT64_MAX};
    for (int at = 0; at < 200; ++at) numbers.push_back(random() >> (random() % 64));
    for (const std::uint64_t each : numbers) writer.put_number(each, low_bits);
    writer.finish();
    const bytes written = bytes_of(buffer);
    bit_reader reader(written);
    for (const std::uint64_t each : numbers) ASSERT_EQ(reader.take_number(low_bits), each) << low_bits;
    EXPECT_THROW(reader.take(32), core::error);
  }
}

TEST(printable, every_length_comes_back_and_other_texts_are_refused) {
  std::mt19937 random(4);
  for (std::size_t length = 0; length < 70; ++length) {
    bytes from(length);
    for (std::byte &each : from) each = random() % 4 == 0 ? std::byte{0xff} : static_cast<std::byte>(random() & 0xffU);
    std::string text(core::printable_size(length), ' ');
    core::write_printable(from, text.data());
    ASSERT_EQ(core::bytes_of_printable(text.size()), length);
    bytes back(length);
    ASSERT_TRUE(core::read_printable(text, back.data()));
    EXPECT_EQ(back, from);
    for (const char each : text) EXPECT_TRUE(each > ' ' && each <= '~' && each != '"' && each != '\'' && each != '\\');
    if (text.empty()) continue;
    text[random() % text.size()] = '\\';
    EXPECT_FALSE(core::read_printable(text, back.data()));
  }
  std::byte room[8];
  EXPECT_FALSE(core::read_printable("~~", room));  // more than 13 bits
  EXPECT_FALSE(core::read_printable("~", room));   // more than 6
}

using unpacked = std::vector<std::pair<std::string, std::pair<instant, instant>>>;

unpacked unpack(const bytes &packed, const context &with) {
  unpacked found;
  byte_reader reader(packed);
  core::unpack_intervals(reader, with, [&](key_view key, interval when) { found.emplace_back(string_of(key), std::pair(when.start, when.end)); });
  EXPECT_EQ(reader.remaining(), 0U);
  return found;
}

// Ticks that starts and ends are multiples of, and how many bytes an interval may take.
struct density {
  std::int64_t unit;
  double most_bytes;
};

TEST(packed_intervals, come_back_and_take_less_where_times_are_whole_seconds) {
  const host with;
  for (const auto &[unit, most_bytes] : {density{1, 12}, density{1'000, 10.5}, density{1'000'000, 7.5}}) {
    std::mt19937_64 random(5);
    keyed_intervals table(key_type::text, with.memory());
    for (int row = 0; row < 4000; ++row) {
      const auto start = static_cast<instant>(random() % 31'536'000'000'000ULL) / unit * unit;
      const auto length = static_cast<instant>(random() % 14'400'000'000ULL) / unit * unit;
      table.add(view_of("host " + std::to_string(random() % 400)), {start, row % 97 == 0 ? forever : start + std::max<instant>(length, 1)});
      if (row % 50 == 0) table.add(view_of("an instant"), {start, start + 1});
    }
    unpacked expected;
    std::size_t intervals = 0;
    table.for_each(with, true, [&](key_view key, std::span<const interval> each) {
      for (const interval &when : each) expected.emplace_back(string_of(key), std::pair(when.start, when.end));
      intervals += each.size();
    });
    byte_buffer buffer(with.memory());
    core::pack_intervals(buffer, table, with);
    EXPECT_EQ(unpack(bytes_of(buffer), with), expected) << unit;
    EXPECT_LT(static_cast<double>(buffer.size()), most_bytes * static_cast<double>(intervals)) << unit;
  }
}

TEST(packed_intervals, take_extreme_times_and_strange_keys) {
  const host with;
  keyed_intervals table(key_type::text, with.memory());
  const instant early = core::first_finite, late = forever - 1;
  table.add(view_of(""), {early, early + 1});
  table.add(view_of(""), {late - 1, late});
  table.add(view_of("a"), {early, forever});
  table.add(view_of("ab"), {late, forever});
  table.add(view_of(std::string(300, 'a')), {-1, 0});
  byte_buffer buffer(with.memory()), nothing(with.memory());
  core::pack_intervals(buffer, table, with);
  EXPECT_EQ(unpack(bytes_of(buffer), with), (unpacked{{"", {early, early + 1}}, {"", {late - 1, late}}, {"a", {early, forever}}, {std::string(300, 'a'), {-1, 0}}, {"ab", {late, forever}}}));
  core::pack_intervals(nothing, keyed_intervals(key_type::text, with.memory()), with);
  EXPECT_EQ(unpack(bytes_of(nothing), with), unpacked{});
}

TEST(packed_intervals, damaged_bytes_are_refused_or_read) {
  const host with;
  std::mt19937 random(6);
  keyed_intervals table(key_type::text, with.memory());
  for (int row = 0; row < 60; ++row) table.add(view_of("key " + std::to_string(row % 7)), {row * 1000, row % 13 == 0 ? forever : row * 1000 + 1 + row});
  byte_buffer buffer(with.memory());
  core::pack_intervals(buffer, table, with);
  const bytes whole = bytes_of(buffer);
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    bytes damaged = whole;
    if (random() % 4 == 0) damaged.resize(random() % damaged.size());
    for (unsigned changes = random() % 4; changes-- > 0 && !damaged.empty();) damaged[random() % damaged.size()] = static_cast<std::byte>(random() & 0xffU);
    try {
      byte_reader reader(damaged);
      core::unpack_intervals(reader, with, [&](key_view, interval when) { ASSERT_LT(when.start, when.end); });
    } catch (const core::error &error) {
      EXPECT_EQ(error.kind(), core::fault::damaged_bytes);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace headcount::test
