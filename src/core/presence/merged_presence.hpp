#pragma once
// Several canonical presences read as their union, key by key: what parallel workers hand over is never poured into
// one table, which would cost a look-up for each interval, but walked side by side, since all of it is in key order.

#include <algorithm>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/presence/presence_bytes.hpp"
#include "core/time/unite.hpp"

namespace headcount::core {

class merged_presence {
 public:
  explicit merged_presence(std::pmr::memory_resource *memory) : parts_(memory) {}

  // The bytes behind the reader must outlive this. Key types must be the same.
  void add(const presence_reader &part) {
    if (part.key_count() != 0) parts_.push_back(part);
  }

  bool empty() const { return parts_.empty(); }
  std::size_t part_count() const { return parts_.size(); }
  void clear() { parts_.clear(); }

  // Calls visit(key_view) with the bytes of each part.
  template <typename Visit>
  void for_each_part(Visit &&visit) const {
    for (const presence_reader &each : parts_) visit(each.bytes());
  }

  key_type type() const { return parts_.empty() ? key_type::none : parts_.front().type(); }

  instant first_start() const {
    instant first = forever;
    for (const presence_reader &each : parts_) first = std::min(first, each.first_start());
    return first;
  }

  // Calls visit(key_view, std::span<const interval>) for each key, in canonical order.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    if (parts_.size() == 1) {
      parts_.front().for_each(host, visit);
      return;
    }
    ticker tick(host);
    std::pmr::vector<presence_reader::cursor> cursors(host.memory);
    cursors.reserve(parts_.size());
    for (const presence_reader &each : parts_) {
      cursors.emplace_back(each, host.memory);
      if (!cursors.back().next()) cursors.pop_back();
    }
    const bool nameless = type() == key_type::session;
    const auto comes_before = [nameless](const presence_reader::cursor &a, const presence_reader::cursor &b) {
      if (!nameless) return compare(a.key(), b.key()) < 0;
      const interval &left = a.intervals().front(), &right = b.intervals().front();
      return left.start != right.start ? left.start < right.start : left.end < right.end;
    };
    std::pmr::vector<interval> united(host.memory), before(host.memory);
    while (!cursors.empty()) {
      tick();
      const auto first = std::min_element(cursors.begin(), cursors.end(), comes_before);
      const key_view key = first->key();
      united.assign(first->intervals().begin(), first->intervals().end());
      bool alone = true;
      if (!nameless) {
        for (auto other = first + 1; other != cursors.end(); ++other) {
          if (compare(key, other->key()) != 0) continue;
          alone = false;
          before.swap(united);
          united.resize(before.size() + other->intervals().size());
          std::merge(before.begin(), before.end(), other->intervals().begin(), other->intervals().end(), united.begin(),
                     starts_before);
        }
      }
      visit(key, std::span<const interval>(united.data(), alone ? united.size() : unite_sorted(united)));
      // Every cursor that stands on the key moves on; those at their end are dropped.
      std::size_t kept = 0;
      for (std::size_t at = 0; at < cursors.size(); ++at) {
        const bool here = nameless ? &cursors[at] == &*first : compare(key, cursors[at].key()) == 0;
        if (here && !cursors[at].next()) continue;
        if (kept != at) cursors[kept] = std::move(cursors[at]);
        ++kept;
      }
      cursors.erase(cursors.begin() + static_cast<std::ptrdiff_t>(kept), cursors.end());
    }
  }

 private:
  std::pmr::vector<presence_reader> parts_;
};

}  // namespace headcount::core
