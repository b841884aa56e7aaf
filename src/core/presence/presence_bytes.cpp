#include "core/presence/presence_bytes.hpp"

#include <algorithm>
#include <tuple>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::size_t head_size = 8;
constexpr std::size_t body_offset = head_size + 8 + 8;
constexpr std::uint64_t no_end = 1, no_start = 2;

instant finite_later(instant from, std::uint64_t ticks) {
  if (ticks > distance(from, end_of_finite)) byte_reader::throw_damaged("A time is out of range.");
  return later(from, ticks);
}

constexpr instant base_of(instant first) { return first == beginning ? first_finite : first; }

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

presence_writer::presence_writer(key_type type, instant first, std::size_t reserved, std::pmr::memory_resource *memory)
    : type_(type), first_(first), reserved_(reserved), buffer_(memory) {
  for (std::size_t at = 0; at < reserved + body_offset; ++at) buffer_.append_byte(0);
}

void presence_writer::add(key_view key, std::span<const interval> intervals) {
  ++keys_;
  if (type_ == key_type::text) buffer_.append_varint(key.size());
  buffer_.append(key);
  const bool starts = intervals.front().start != beginning, ends = intervals.back().end != forever;
  buffer_.append_varint(intervals.size() * 4 + (starts ? 0 : no_start) + (ends ? 0 : no_end));
  instant since = base_of(first_);  // where the gap begins
  for (const interval &each : intervals) {
    const bool starts_here = each.start != beginning;
    const std::uint64_t gap = starts_here ? distance(since, each.start) : 0;
    const std::uint64_t length = each.end == forever ? 0
                                 : starts_here       ? distance(each.start, each.end) - 1
                                                     : distance(first_finite, each.end);
    const std::uint8_t gap_bytes = bytes_for(gap), length_bytes = bytes_for(length);
    buffer_.append_byte(static_cast<std::uint8_t>(gap_bytes | (length_bytes << 4U)));
    buffer_.append_word(gap, gap_bytes);
    buffer_.append_word(length, length_bytes);
    since = each.end == forever ? forever : each.end + 1;
  }
}

std::span<std::byte> presence_writer::finish() {
  std::byte *const head = buffer_.data() + reserved_;
  const auto put = [&](std::size_t offset, std::uint64_t value, std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) head[offset + at] = static_cast<std::byte>((value >> (8 * at)) & 0xffU);
  };
  put(0, presence_magic, 1);
  put(1, presence_version, 1);
  put(2, static_cast<std::uint64_t>(keys_ == 0 ? key_type::none : type_), 1);
  put(3, static_cast<std::uint64_t>(presence_form::canonical), 1);
  put(8, keys_ == 0 ? 0 : static_cast<std::uint64_t>(first_), 8);
  put(16, keys_, 8);
  put(4, check_sum(head, {head + head_size, buffer_.size() - reserved_ - head_size}), 4);
  const std::size_t size = buffer_.size();
  return {buffer_.release(), size};
}

presence_reader::presence_reader(key_view bytes) : bytes_(bytes) {
  const presence_head head = read_head(bytes);
  if (head.form != presence_form::canonical) byte_reader::throw_damaged("Its form is unknown.");
  type_ = head.type;
  const key_view rest = bytes.subspan(head_size);
  if (xxh64::load<std::uint32_t>(bytes.data() + 4) != check_sum(bytes.data(), rest))
    byte_reader::throw_damaged("Its check sum does not match.");
  byte_reader reader(rest);
  first_ = static_cast<instant>(reader.take_word(8));
  keys_ = reader.take_word(8);
  body_ = rest.last(reader.remaining());
  if ((keys_ == 0) != (type_ == key_type::none)) byte_reader::throw_damaged("An empty presence has no key type.");
  if (keys_ > body_.size()) byte_reader::throw_damaged("It has more keys than bytes.");
  const bool is_finite = first_ >= first_finite && first_ < end_of_finite;
  if (keys_ == 0 ? first_ != 0 || !body_.empty() : !is_finite && first_ != beginning)
    byte_reader::throw_damaged("Its first start is out of range.");
}

bool presence_reader::cursor::next() {
  if (left_ == 0) {
    if (body_.remaining() != 0) byte_reader::throw_damaged("Bytes follow its last key.");
    if (begun_ && lowest_ != reader_->first_) byte_reader::throw_damaged("Its first start is not the first.");
    return false;
  }
  --left_;
  const key_view key = reader_->read_key(body_);
  if (reader_->type_ == key_type::session) {
    const interval before = begun_ ? intervals_.front() : interval{beginning, beginning};
    reader_->read_intervals(body_, intervals_);
    if (intervals_.size() != 1) byte_reader::throw_damaged("A session has one interval.");
    const interval now = intervals_.front();
    if (std::tuple(before.start, before.end) > std::tuple(now.start, now.end))
      byte_reader::throw_damaged("Its sessions are out of order.");
  } else {
    if (begun_ && compare(key_, key) >= 0) byte_reader::throw_damaged("Its keys are out of order.");
    reader_->read_intervals(body_, intervals_);
  }
  lowest_ = std::min(lowest_, intervals_.front().start);
  key_ = key;
  begun_ = true;
  return true;
}

key_view presence_reader::read_key(byte_reader &reader) const {
  switch (type_) {
    case key_type::text: return reader.take(reader.take_varint());
    case key_type::bigint: return reader.take(8);
    case key_type::uuid: return reader.take(16);
    case key_type::none:
    case key_type::session: break;
  }
  return {};
}

void presence_reader::read_intervals(byte_reader &reader, std::pmr::vector<interval> &intervals) const {
  const std::uint64_t shape = reader.take_varint();
  const std::uint64_t count = shape / 4;
  if (count == 0) byte_reader::throw_damaged("A key has no intervals.");
  // Bounds what a damaged count can ask for: no interval takes less than a byte.
  if (count > reader.remaining()) byte_reader::throw_damaged("It has more intervals than bytes.");
  intervals.resize(static_cast<std::size_t>(count));
  instant since = base_of(first_);
  for (std::size_t at = 0; at < count; ++at) {
    const bool starts = at != 0 || (shape & no_start) == 0, ends = at + 1 != count || (shape & no_end) == 0;
    const auto widths = std::to_integer<std::size_t>(reader.take(1)[0]);
    const std::size_t gap_bytes = widths & 15U, length_bytes = widths >> 4U;
    if (gap_bytes > 8 || length_bytes > 8) byte_reader::throw_damaged("A number is wider than any time.");
    const std::uint64_t gap = reader.take_word(gap_bytes), length = reader.take_word(length_bytes);
    if (bytes_for(gap) != gap_bytes || bytes_for(length) != length_bytes)
      byte_reader::throw_damaged("A number is spelled in too many bytes.");
    if ((!starts && gap != 0) || (!ends && length != 0)) byte_reader::throw_damaged("An end that is none has a time.");
    interval each{beginning, forever};
    if (starts) each.start = finite_later(since, gap);
    if (ends) each.end = starts ? finite_later(finite_later(each.start, length), 1) : finite_later(first_finite, length);
    if (starts && each.start == end_of_finite) byte_reader::throw_damaged("A time is out of range.");
    intervals[at] = each;
    since = ends && at + 1 != count ? finite_later(each.end, 1) : since;
  }
}

}  // namespace headcount::core
