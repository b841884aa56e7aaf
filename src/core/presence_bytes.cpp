#include "core/presence_bytes.hpp"

#include <algorithm>
#include <tuple>

#include "core/error.hpp"

#include "core/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::size_t head_size = 8;
constexpr std::uint64_t no_end = 1, no_start = 2;

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63U);
}

constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
}

// Unsigned on purpose: the distance of two instants always fits.
constexpr std::uint64_t distance(instant from, instant to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

instant checked_finite(instant at) {
  if (at < first_finite || at > end_of_finite) byte_reader::throw_damaged("A time is out of range.");
  return at;
}

instant later(instant from, std::uint64_t ticks) {
  if (ticks > distance(from, end_of_finite)) byte_reader::throw_damaged("A time is out of range.");
  return from + static_cast<instant>(ticks);
}

std::uint32_t check_sum(const std::byte *head, key_view rest) {
  return static_cast<std::uint32_t>(hash_bytes(rest, xxh64::load<std::uint32_t>(head)));
}

}  // namespace

presence_head read_head(key_view bytes) {
  if (bytes.size() < head_size) byte_reader::throw_damaged("It is too short.");
  const auto byte_at = [&](std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); };
  if (byte_at(0) != presence_magic) byte_reader::throw_damaged("It does not begin as a presence does.");
  if (byte_at(1) != presence_version) {
    throw error(fault::damaged_bytes, "invalid bytes for type presence",
                "Its format is version " + std::to_string(byte_at(1)) + ", this extension reads version " +
                    std::to_string(presence_version) + ".",
                "It may have been written by a later version of headcount.");
  }
  if (byte_at(2) > static_cast<std::uint8_t>(last_key_type)) byte_reader::throw_damaged("Its key type is unknown.");
  if (byte_at(3) > static_cast<std::uint8_t>(presence_form::log)) byte_reader::throw_damaged("Its form is unknown.");
  return {byte_at(0), byte_at(1), static_cast<key_type>(byte_at(2)), static_cast<presence_form>(byte_at(3))};
}

presence_writer::presence_writer(key_type type, std::size_t keys, std::size_t reserved,
                                 std::pmr::memory_resource *memory)
    : type_(keys == 0 ? key_type::none : type), reserved_(reserved), buffer_(memory) {
  for (std::size_t at = 0; at < reserved; ++at) buffer_.append_byte(0);
  buffer_.append_byte(presence_magic);
  buffer_.append_byte(presence_version);
  buffer_.append_byte(static_cast<std::uint8_t>(type_));
  buffer_.append_byte(static_cast<std::uint8_t>(presence_form::canonical));
  for (int at = 0; at < 4; ++at) buffer_.append_byte(0);
  buffer_.append_varint(keys);
}

void presence_writer::add(key_view key, std::span<const interval> intervals) {
  if (type_ == key_type::text) buffer_.append_varint(key.size());
  buffer_.append(key);
  const bool starts = intervals.front().start != beginning, ends = intervals.back().end != forever;
  buffer_.append_varint(intervals.size() * 4 + (starts ? 0 : no_start) + (ends ? 0 : no_end));
  const interval *before = nullptr;
  for (const interval &each : intervals) {
    if (each.start == beginning) {
      if (each.end != forever) buffer_.append_varint(zigzag(each.end));
    } else {
      buffer_.append_varint(before == nullptr ? zigzag(each.start) : distance(before->end, each.start) - 1);
      if (each.end != forever) buffer_.append_varint(distance(each.start, each.end) - 1);
    }
    before = &each;
  }
}

std::span<std::byte> presence_writer::finish() {
  std::byte *const head = buffer_.data() + reserved_;
  const std::uint32_t sum = check_sum(head, {head + head_size, buffer_.size() - reserved_ - head_size});
  for (std::size_t at = 0; at < 4; ++at) head[4 + at] = static_cast<std::byte>((sum >> (8 * at)) & 0xffU);
  const std::size_t size = buffer_.size();
  return {buffer_.release(), size};
}

presence_reader::presence_reader(key_view bytes) {
  const presence_head head = read_head(bytes);
  if (head.form != presence_form::canonical) byte_reader::throw_damaged("Its form is unknown.");
  type_ = head.type;
  const key_view rest = bytes.subspan(head_size);
  if (xxh64::load<std::uint32_t>(bytes.data() + 4) != check_sum(bytes.data(), rest))
    byte_reader::throw_damaged("Its check sum does not match.");
  byte_reader reader(rest);
  keys_ = reader.take_varint();
  body_ = rest.last(reader.remaining());
  if ((keys_ == 0) != (type_ == key_type::none)) byte_reader::throw_damaged("An empty presence has no key type.");
  if (keys_ > body_.size()) byte_reader::throw_damaged("It has more keys than bytes.");
}

key_view presence_reader::read_key(byte_reader &reader, const key_view *before) const {
  std::uint64_t length = 0;
  switch (type_) {
    case key_type::text: length = reader.take_varint(); break;
    case key_type::bigint: length = 8; break;
    case key_type::uuid: length = 16; break;
    case key_type::none:
    case key_type::session: return {};
  }
  const key_view key = reader.take(length);
  if (before != nullptr && compare(*before, key) >= 0) byte_reader::throw_damaged("Its keys are out of order.");
  return key;
}

void presence_reader::read_intervals(byte_reader &reader, std::pmr::vector<interval> &intervals) {
  const std::uint64_t shape = reader.take_varint();
  const std::uint64_t count = shape / 4;
  if (count == 0) byte_reader::throw_damaged("A key has no intervals.");
  // Each interval but one that is all of time takes a byte at the least: bounds what a damaged count can ask for.
  if (count > reader.remaining() + 1) byte_reader::throw_damaged("It has more intervals than bytes.");
  intervals.clear();
  intervals.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t at = 0; at < count; ++at) {
    const bool starts = at != 0 || (shape & no_start) == 0, ends = at + 1 != count || (shape & no_end) == 0;
    interval each{beginning, forever};
    if (starts) {
      if (at == 0) {
        each.start = checked_finite(unzigzag(reader.take_varint()));
      } else {
        const std::uint64_t gap = reader.take_varint();
        each.start = later(later(intervals.back().end, gap), 1);
      }
      if (ends) each.end = later(later(each.start, reader.take_varint()), 1);
    } else if (ends) {
      each.end = checked_finite(unzigzag(reader.take_varint()));
    }
    intervals.push_back(each);
  }
}

void presence_reader::check_session(std::span<const interval> intervals, const interval *before) {
  if (intervals.size() != 1) byte_reader::throw_damaged("A session has one interval.");
  const auto rank = [](const interval &each) { return std::tuple(each.start, each.end); };
  if (before != nullptr && rank(*before) > rank(intervals.front()))
    byte_reader::throw_damaged("Its sessions are out of order.");
}

}  // namespace headcount::core
