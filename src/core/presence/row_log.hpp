#pragma once
// A presence in the making, while it is small: rows in order of arrival, in flat bytes that grow in place.
//
//   byte  0..3   presence_head, form 1
//         4..7   bytes used, these included
//         8..11  number of rows
//        12..    rows: length of the key (4 bytes), key, start (8 bytes), end (8 bytes), unaligned
//
// All numbers are little endian: a presence goes to another server in its canonical form, but the state of max_concurrent,
// which is such a log too while it is small, goes as it is.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_bytes.hpp"
#include "core/time/unite.hpp"

namespace headcount::core {

// Appends rows to bytes that the caller owns.
class row_log_editor {
 public:
  static constexpr std::size_t head_size = 12;
  static constexpr std::size_t row_size(key_view key) { return 4 + key.size() + sizeof(interval); }

  // Makes an empty log of `bytes`, which hold at least head_size.
  static void create(std::span<std::byte> bytes, key_type type) {
    const presence_head head{presence_magic, presence_version, type, presence_form::log};
    std::memcpy(bytes.data(), &head, sizeof head);
    store(bytes.data() + 4, static_cast<std::uint32_t>(head_size));
    store(bytes.data() + 8, std::uint32_t{0});
  }

  // Appends a row if there is room for it. Returns whether there was.
  static bool append(std::span<std::byte> bytes, key_view key, interval when) {
    const std::size_t used = load<std::uint32_t>(bytes.data() + 4);
    if (used > bytes.size() || row_size(key) > bytes.size() - used) return false;
    std::byte *at = bytes.data() + used;
    store(at, static_cast<std::uint32_t>(key.size()));
    if (!key.empty()) std::memcpy(at + 4, key.data(), key.size());
    store(at + 4 + key.size(), static_cast<std::uint64_t>(when.start));
    store(at + 4 + key.size() + 8, static_cast<std::uint64_t>(when.end));
    store(bytes.data() + 4, static_cast<std::uint32_t>(used + row_size(key)));
    store(bytes.data() + 8, load<std::uint32_t>(bytes.data() + 8) + 1);
    return true;
  }

  template <typename Word>
  static Word load(const std::byte *from) {
    return xxh64::load<Word>(from);
  }

 private:
  template <typename Word>
  static void store(std::byte *to, Word value) {
    value = xxh64::load<Word>(reinterpret_cast<const std::byte *>(&value));  // turns it around where that is needed
    std::memcpy(to, &value, sizeof value);
  }
};

// Reads a log. Checks lengths, since a log may have been stored by an aggregate of somebody's own making.
class row_log_reader {
 public:
  explicit row_log_reader(key_view bytes) : type_(read_head(bytes).type) {
    if (bytes.size() < row_log_editor::head_size) byte_reader::throw_damaged("It is too short.");
    const auto used = row_log_editor::load<std::uint32_t>(bytes.data() + 4);
    rows_ = row_log_editor::load<std::uint32_t>(bytes.data() + 8);
    if (used < row_log_editor::head_size || used > bytes.size()) byte_reader::throw_damaged("Its length is wrong.");
    body_ = bytes.subspan(row_log_editor::head_size, used - row_log_editor::head_size);
  }

  key_type type() const { return type_; }
  std::uint32_t row_count() const { return rows_; }

  // The earliest start of all, `forever` where there is none.
  instant first_start() const {
    instant first = forever;
    for_each_row([&](key_view, interval when) { first = std::min(first, when.start); });
    return first;
  }

  // Calls visit(key_view, interval) for each row, in order of arrival.
  template <typename Visit>
  void for_each_row(Visit &&visit) const {
    byte_reader reader(body_);
    for (std::uint32_t at = 0; at < rows_; ++at) {
      const key_view key = reader.take(row_log_editor::load<std::uint32_t>(reader.take(4).data()));
      const std::byte *const times = reader.take(sizeof(interval)).data();
      const interval when{static_cast<instant>(row_log_editor::load<std::uint64_t>(times)),
                          static_cast<instant>(row_log_editor::load<std::uint64_t>(times + 8))};
      check_row(key, when);
      visit(key, when);
    }
    if (reader.remaining() != 0) byte_reader::throw_damaged("Bytes follow its last row.");
  }

  // Calls visit(key_view, std::span<const interval>) for each key, in canonical order.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    struct row {
      key_view key;
      interval when;
    };
    std::pmr::vector<row> rows(host.memory);
    // A damaged count must not ask for memory: no row is shorter than that of an empty key.
    rows.reserve(std::min<std::size_t>(rows_, body_.size() / row_log_editor::row_size({})));
    for_each_row([&](key_view key, interval when) { rows.push_back({key, when}); });
    std::sort(rows.begin(), rows.end(), [](const row &a, const row &b) {
      if (const int order = compare(a.key, b.key); order != 0) return order < 0;
      return a.when.start != b.when.start ? a.when.start < b.when.start : a.when.end < b.when.end;
    });
    ticker tick(host);
    std::pmr::vector<interval> intervals(host.memory);
    for (std::size_t first = 0, next = 0; first < rows.size(); first = next) {
      intervals.clear();
      do intervals.push_back(rows[next++].when);
      while (type_ != key_type::session && next < rows.size() && compare(rows[first].key, rows[next].key) == 0);
      visit(rows[first].key, std::span<const interval>(intervals.data(), unite(intervals)));
      tick();
    }
  }

 private:
  void check_row(key_view key, interval when) const {
    const bool fits = type_ == key_type::text || (type_ == key_type::bigint && key.size() == 8) ||
                      (type_ == key_type::uuid && key.size() == 16) || (type_ == key_type::session && key.empty());
    if (!fits) byte_reader::throw_damaged("A key is not of its type.");
    const auto in_range = [](instant at) { return at >= first_finite && at <= end_of_finite; };
    if (is_empty(when) || (when.start != beginning && !in_range(when.start)) ||
        (when.end != forever && !in_range(when.end)))
      byte_reader::throw_damaged("A time is out of range.");
  }

  key_type type_;
  std::uint32_t rows_ = 0;
  key_view body_;
};

}  // namespace headcount::core
