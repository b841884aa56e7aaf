#include "core/presence/packed_intervals.hpp"

#include <array>

#include "core/base/core_only.hpp"

namespace headcount::core {

namespace {

// What clocks tell, in ticks.
constexpr std::array<std::uint64_t, 3> possible_units{1'000'000, 1'000, 1};

}  // namespace

void pack_intervals(byte_buffer &to, const keyed_intervals &table, const context &host) {
  const instant first = table.first_start();
  instant last = first;
  std::uint64_t lengths = 0, keys = 0, closed = 0;
  std::array<bool, possible_units.size()> fits{true, true, true}, has_odd{};
  const auto since = [](instant from, instant at) { return static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(from); };
  table.for_each(host, false, [&](key_view, std::span<const interval> intervals) {
    ++keys;
    for (const interval &each : intervals) {
      last = std::max(last, each.start);
      const std::uint64_t start = since(first, each.start), end = each.end == forever ? 0 : since(first, each.end);
      for (std::size_t at = 0; at + 1 < possible_units.size(); ++at) {
        if (!fits[at]) continue;
        const std::uint64_t rest = end % possible_units[at];
        fits[at] = start % possible_units[at] == 0 && rest <= 1;
        has_odd[at] = has_odd[at] || rest == 1;
      }
      if (each.end == forever) continue;
      last = std::max(last, each.end);
      lengths += since(each.start, each.end) / 2;  // no sum of them is too large
      ++closed;
    }
  });
  to.append_varint(keys);
  if (keys == 0) return;
  const auto which = static_cast<std::size_t>(std::find(fits.begin(), fits.end(), true) - fits.begin());
  const std::uint64_t unit = possible_units[which], span = since(first, last) / unit;
  const unsigned odd_bits = has_odd[which] ? 1 : 0;
  const unsigned length_bits = closed == 0 ? 0 : low_bits_for((lengths / closed * 2 / unit) << odd_bits);
  to.append_word(static_cast<std::uint64_t>(first), 8);
  to.append_varint(unit * 2 + odd_bits);
  to.append_varint(span);
  to.append_byte(static_cast<std::uint8_t>(length_bits));

  byte_buffer bits(host.memory), names(host.memory);
  bit_writer writer(bits);
  std::pmr::vector<std::byte> before(host.memory);
  table.for_each(host, true, [&](key_view key, std::span<const interval> intervals) {
    const auto shared = static_cast<std::size_t>(std::mismatch(key.begin(), key.end(), before.begin(), before.end()).first - key.begin());
    names.append_varint(shared);
    names.append_varint(key.size() - shared);
    names.append(key.subspan(shared));
    before.assign(key.begin(), key.end());
    const bool is_open = intervals.back().end == forever;
    names.append_varint(intervals.size() * 2 + (is_open ? 1U : 0U));
    const unsigned low_bits = gap_bits(span, intervals.size());
    instant at = first;
    for (const interval &each : intervals) {
      writer.put_number(since(at, each.start) / unit, low_bits);
      if (each.end == forever) break;  // it is the last one
      const std::uint64_t length = since(each.start, each.end), odd = odd_bits == 0 ? 0 : since(first, each.end) % unit;
      writer.put_number(((length / unit) << odd_bits) + odd, length_bits);
      at = each.end - static_cast<instant>(odd);
    }
  });
  writer.finish();
  to.append_varint(bits.size());
  to.append(bits.data(), bits.size());
  to.append(names.data(), names.size());
}

}  // namespace headcount::core
