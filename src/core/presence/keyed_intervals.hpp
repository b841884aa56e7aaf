#pragma once
// A presence in the making, once it is large: a table from key to intervals, which unites them as they arrive.
//
//   records   the latest interval of each key (core/base/key_table.hpp)
//   chunks    its earlier intervals, newest chunk first; 3, 7, 15, 31, then 63 intervals each
//
//   arrival in time order     touches the latest interval: that one grows; else it is closed into a chunk
//   arrival out of order      the same, but the key is marked disordered: it is united when it is read, and when its
//   closed
//                             intervals have doubled since, so that retries cannot pile up
//
// Everything lives in the memory resource given, and nothing but it: an owner that is an arena need not destroy it.

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/key.hpp"
#include "core/base/key_table.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

class keyed_intervals {
 public:
  keyed_intervals(key_type type, std::pmr::memory_resource *memory);
  keyed_intervals(const keyed_intervals &) = delete;
  keyed_intervals &operator=(const keyed_intervals &) = delete;

  key_type type() const { return type_; }

  // Adds the interval to the key's. `when` is not empty. The row may wait; every reader below takes it in first.
  void add(key_view key, interval when) {
    note(when);
    if (type_ == key_type::session) {
      sessions_.push_back(when);
    } else if (!table::is_short(key)) {
      add_long(key, when);
    } else if (table_.hold(key, when)) {
      settle();
    }
  }

  // The number of keys.
  std::size_t size() const;

  // The earliest start of all, `forever` where there is none.
  instant first_start() const { return first_start_; }

  // Appends the key's intervals, sorted and disjoint, to `to`. Returns whether the key is there.
  bool find(key_view key, std::pmr::vector<interval> &to) const;

  // Calls visit(key_view, std::span<const interval>) for each key, with its intervals sorted and disjoint.
  // In canonical order if `sorted`, else as they come.
  template <typename Visit>
  void for_each(const context &host, bool sorted, Visit &&visit) const {
    settled();
    ticker tick(host);
    std::pmr::vector<interval> intervals(host.memory);
    if (type_ == key_type::session) {
      intervals = sessions_;
      if (sorted) sort_sessions(intervals);
      for (const interval &each : intervals) {
        visit(key_view{}, std::span<const interval>(&each, 1));
        tick();
      }
      return;
    }
    std::pmr::vector<std::uint32_t> order(host.memory);
    if (sorted) order = table_.sorted(host);
    for (std::uint32_t at = 0; at < table_.size(); ++at) {
      const record &each = table_[sorted ? order[at] : at];
      if (at + ahead < table_.size()) fetch_chunk(table_[sorted ? order[at + ahead] : at + ahead]);
      intervals.clear();
      collect(each, intervals);
      visit(each.key(), std::span<const interval>(intervals));
      tick();
    }
  }

 private:
  static constexpr std::array<std::uint32_t, 5> chunk_capacity{3, 7, 15, 31, 63};

  struct chunk {
    chunk *earlier;
    std::uint64_t compact_at;  // in the newest chunk: how many closed intervals are enough to unite them again
    interval *items() { return reinterpret_cast<interval *>(this + 1); }
    const interval *items() const { return reinterpret_cast<const interval *>(this + 1); }
  };

  struct recent {
    interval latest;
    chunk *closed;  // the newest; closed_count says how full it is
  };
  struct counts {
    std::uint32_t closed_count : 31;
    std::uint32_t disordered : 1;
  };
  using table = key_table<recent, counts, interval>;
  using record = table::record;

  // The place of the newest closed interval but one: where in which chunk the next one goes.
  struct place {
    std::uint32_t size_class;
    std::uint32_t at;  // 0: a new chunk is needed
  };
  static place place_of(std::uint32_t closed_count);

  void note(interval when) {
    if (when.start < first_start_) first_start_ = when.start;
  }
  void add_long(key_view long_key, interval when);
  void settle();
  // Waiting rows are there already as far as anybody can see; taking them in changes no answer.
  void settled() const { const_cast<keyed_intervals *>(this)->settle(); }
  static void begin(record &of, interval when);
  void unite_with(record &of, interval when);
  void store(record &of, interval when);
  void append(record &of, interval when);
  void compact(record &of);
  void add_chunk(record &of, std::uint32_t size_class);
  // The intervals of a key lie anywhere; they are asked for some keys before it is their turn.
  static constexpr std::uint32_t ahead = 8;
  static void fetch_chunk(const record &soon) {
    if (soon.wide.closed == nullptr) return;
    __builtin_prefetch(soon.wide.closed);
    __builtin_prefetch(soon.wide.closed->items() + 3);
    __builtin_prefetch(soon.wide.closed->items() + 7);
  }
  static void collect(const record &from, std::pmr::vector<interval> &to);
  static void collect_closed(const record &from, std::pmr::vector<interval> &to);
  static void sort_sessions(std::pmr::vector<interval> &sessions);

  key_type type_;
  instant first_start_ = forever;
  std::pmr::memory_resource *memory_;
  std::pmr::monotonic_buffer_resource arena_;  // chunks and long keys
  table table_;
  std::array<chunk *, chunk_capacity.size()> free_chunks_{};
  std::pmr::vector<interval> sessions_;  // key_type::session only
};

}  // namespace headcount::core
