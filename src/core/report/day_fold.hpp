#pragma once
// Stored days, with days that were computed anew in place of some of them or after them, as one history: what the reports
// say of each day, and what is to be stored of it.
//
//   stored days    ------------------------------|          numbers, and sets that lie where they are
//   fresh days           ==           =           ====      sets of numbers, from the tables
//                    changed since they were stored   live: not stored yet, or the first of them in part
//
// Totals are numbers too, so that reading costs the days and not the users in them. How many users there were ever, up to
// a day, is how many there are in the end, less those of later days who were new on them: each stored day has the set of
// those who were new. A fresh day opens that of the days behind it, as some users may have been new earlier or later than
// it was stored; nothing else of the past is read. Users of the last days are counted anew where one of them is fresh.

#include <cstdint>
#include <map>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/key.hpp"
#include "core/presence/sweep.hpp"
#include "core/report/numbered_days.hpp"
#include "core/sets/multiset_counter.hpp"
#include "core/sets/user_set.hpp"
#include "core/time/civil.hpp"

namespace headcount::core {

// Where stored sets are. A set that is not opened costs nothing.
class set_store {
 public:
  using handle = std::uintptr_t;  // 0 is the empty set
  // Its canonical bytes, which stay where they are as long as the store.
  virtual key_view open(handle set) = 0;

 protected:
  ~set_store() = default;
};

struct stored_day {
  day_number day = 0;
  std::int64_t used_count = 0, denied_count = 0, daily_count = 0;  // users with a session, denied ones, and of either kind
  std::int64_t new_count = 0;                                       // of either kind, on no day before
  std::int64_t window_count = 0;                                    // on one of the last days, this one included: see window_rule
  std::int64_t denials = 0;
  peak concurrent_hosts;
  set_store::handle used = 0, denied = 0, new_users = 0;

  bool is_idle() const { return daily_count == 0 && denials == 0 && concurrent_hosts.level == 0; }
};

struct changed_run {
  day_number first, end;  // not included
};

// Whose days "the last days" are, and of whom: of users with a session, or of either kind (rule S10).
struct window_rule {
  std::int64_t days = 0;  // 0: of nobody
  bool counts_denied = false;

  friend bool operator==(const window_rule &, const window_rule &) = default;
};

struct history {
  std::span<const stored_day> stored;  // ascending by day
  std::int64_t seen_count = 0;         // how many users any stored day has, also of those that are left out
  set_store::handle seen = 0;          // these
  window_rule stored_window;            // what window_count is of
  std::span<const changed_run> changed;     // runs of stored days, ascending, in place of which fresh ones count
  day_number live_day = 0;              // from this one on only fresh days count
  const numbered_days *fresh = nullptr;
  std::span<const stored_day> parts;    // what is stored of live_day: it counts besides the fresh one, which is of what follows
  window_rule window{1, false};         // what is asked for
};

// What a report says of a day.
struct day_figures {
  day_number day = 0;
  std::int64_t ever_count = 0;  // users of either kind up to this day
  stored_day counts;
};

// What is to be stored of a day.
struct day_patch {
  explicit day_patch(std::pmr::memory_resource *memory) : new_users(memory) {}

  stored_day counts;
  bool has_new_users = false;                // whether they differ from what is stored
  std::pmr::vector<std::uint32_t> new_users;  // ascending
};

class day_fold {
 public:
  // Everything in `from` must outlive this. Throws damaged_bytes, as do the functions.
  day_fold(const history &from, set_store &sets, const context &host);

  // The first day with anything; nothing where there is none. `cut` is the first day that matters: of the stored days before
  // it only the last one need be there, and stands for all of them.
  std::optional<day_number> first_day(std::optional<day_number> cut) const;

  // Calls visit(const day_figures &) for the days from `first` to `last` in order: each of them, or those with something.
  // What is not wanted is not counted, and 0.
  struct wanted {
    bool ever, window, idle_days;
  };
  template <typename Visit>
  void for_each(day_number first, day_number last, wanted figures, Visit &&visit) {
    std::int64_t ever = figures.ever ? begin_totals() : 0;
    std::size_t at = 0;
    ticker tick(host_);
    for (; at < entries_.size() && entries_[at].day < first; ++at)
      if (figures.ever) ever += new_on(entries_[at]);
    for (std::int64_t day = first; day <= last; ++day) {
      tick();
      const bool is_here = at < entries_.size() && entries_[at].day == day;
      if (!is_here && !figures.idle_days) {
        if (at == entries_.size()) break;
        day = std::int64_t{entries_[at].day} - 1;
        continue;
      }
      day_figures found;
      found.day = static_cast<day_number>(day);
      if (is_here) {
        found.counts = counts_of(entries_[at]);
        if (figures.ever) ever += new_on(entries_[at]);
      }
      found.counts.day = found.day;
      found.ever_count = ever;
      found.counts.window_count = figures.window ? window_of(is_here ? entries_[at].stored : nullptr, found.day) : 0;
      if (is_here) ++at;
      if (figures.idle_days || !found.counts.is_idle()) visit(found);
    }
  }

  // Calls visit(const day_patch &) for each day before `end` of which something else is to be stored than there is. A day
  // with nothing at all is not to be stored; nor, if idle days are not wanted, one that only has users of the last days.
  template <typename Visit>
  void for_each_patch(day_number end, bool idle_days, Visit &&visit) {
    (void)begin_totals();
    const auto days = patched_days(end);
    for (const day_number day : days) {
      if (!idle_days && entry_on(day) == nullptr) continue;
      day_patch patch(host_.memory);
      if (make_patch(day, patch)) visit(static_cast<const day_patch &>(patch));
    }
  }

  // All users of stored days once the patches are stored, and how many. After for_each_patch.
  std::span<std::byte> seen_bytes(std::size_t reserved);
  std::int64_t seen_count() const { return seen_count_; }
  bool has_changed_seen() const { return has_changed_seen_; }

 private:
  struct entry {
    day_number day;
    const stored_day *stored;   // as it is stored, if it is
    const numbered_day *fresh;  // what is there now, if anything is and it is a fresh day
    bool is_fresh;
  };
  // Users whose first day is another one now, by the day that it was, or by the one that it is; no_day where there is none. The
  // numbers of a day are ascending.
  using moves = std::pmr::multimap<day_number, std::uint32_t>;
  static constexpr day_number no_day = INT32_MAX;

  bool is_fresh(day_number day) const;
  void add_parts();
  stored_day counts_of(const entry &of) const;
  std::pmr::vector<std::uint32_t> members(set_store::handle used, set_store::handle denied);
  std::pmr::vector<std::uint32_t> members(const numbered_day *fresh) const;
  void read(set_store::handle set, std::pmr::vector<std::uint32_t> &to);
  std::optional<user_set_reader> reader_of(set_store::handle set);
  std::pmr::vector<std::uint32_t> new_later();
  std::pmr::vector<std::uint32_t> moved(const moves &by, day_number day) const;
  std::int64_t begin_totals();
  void find_moves();
  void find_live_totals();
  user_set &seen();
  std::int64_t new_on(const entry &of) const;
  std::int64_t window_of(const stored_day *stored, day_number day);
  std::int64_t count_window(day_number day);
  template <typename Visit>
  void for_each_set(std::size_t at, Visit &&visit);
  key_view bytes_of(std::size_t at, bool of_denied);
  std::pmr::vector<day_number> patched_days(day_number end) const;
  bool make_patch(day_number day, day_patch &patch);
  const entry *entry_on(day_number day) const;
  bool is_window_stored(day_number day) const;

  const history from_;
  set_store &sets_;
  const context &host_;
  std::pmr::vector<entry> entries_;  // ascending
  numbered_day with_parts_;          // live_day, if there are parts
  bool has_totals_ = false;
  std::int64_t ever_before_ = 0;      // before the first entry
  moves moved_from_, moved_to_;       // on days before live_day
  std::pmr::vector<std::int64_t> new_counts_;                   // by entry
  std::pmr::vector<std::pmr::vector<std::uint32_t>> live_new_;  // by entry, of live days
  std::optional<user_set> seen_;
  std::int64_t seen_count_ = 0;
  bool has_changed_seen_ = false;

  // Users of the days in [window_begin_, window_end_), by entry.
  std::optional<multiset_counter> window_;
  std::size_t window_begin_ = 0, window_end_ = 0;
  std::pmr::vector<key_view> set_bytes_[2];  // used and denied, by entry, once they were asked for
};

}  // namespace headcount::core
