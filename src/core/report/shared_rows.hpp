#pragma once
// Sessions or denials of a daily report, collected by several processes together; core/report/daily_presence is what
// one process collects alone.
//
//   collect   each adds its rows to what all share, and publishes what is its own when no more come
//   plan      one of them cuts time into ranges, when all have published
//   carry     all of them: what each range changes at each host; then, from that, what is carried into each
//   count     all of them: the peaks of each range, the days of each block of users
//
// The caller sees to it that all are through with one step before any begins the next. Within a step, whoever is free
// takes the next piece of work. What a process does alone does not depend on the number of rows, but for one list of
// slices of time.
//
// Where shared memory has no room, a process keeps the rest of its rows for itself; then is_complete() is false, and
// the rows of all must be put together in one daily_presence.

#include <atomic>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>

#include "core/base/context.hpp"
#include "core/report/daily_presence.hpp"
#include "core/report/day_counter.hpp"
#include "core/shared/shared_days.hpp"
#include "core/shared/shared_events.hpp"
#include "core/shared/space.hpp"

namespace headcount::core {

class shared_rows {
 public:
  // What lies in shared memory; all zeros in the beginning.
  struct head {
    shared_days::head users;
    shared_events::head hosts;
    shared_lock lock;
    std::atomic<std::uint32_t> overflowed;    // rows are elsewhere
    std::atomic<shared_space::handle> parts;  // the one that was published last
    std::atomic<shared_space::handle> plan;
    std::atomic<std::uint32_t> with_denials;  // who was denied is counted among the users
    // the pieces of work that are free
    std::atomic<std::uint32_t> next_changes, next_hosts, next_range, next_users, next_denied;
  };

  // `as_of` is finite. Trailing totals are those of the last `window_days`, others those of all days so far.
  shared_rows(head &of, shared_space &space, const time_zone &zone, instant as_of,
              std::optional<std::int64_t> window_days, std::pmr::memory_resource *memory);

  instant as_of() const { return as_of_; }
  std::optional<std::int64_t> window_days() const { return window_days_; }

  // As those of daily_presence. A collection is of sessions or of denials, not of both.
  void add_session(std::optional<key_view> user, std::optional<key_view> host_key, interval when, const context &host);
  void add_denial(key_view user, instant at, const context &host);

  // The steps, in order.
  void publish(const context &host);
  // One of them only. Who is among `denials`, which are complete, will count as a user; nullptr: nobody is.
  void make_plan(const shared_rows *denials, const context &host);
  void find_changes(const context &host);
  void carry(const context &host);
  void count(shared_rows *denials, const context &host);

  // What did not fit, nullptr where all did.
  const daily_presence *overflow() const { return overflow_.has_value() ? &*overflow_ : nullptr; }

  // --- what can be asked after the last step, of any of them, or of one that was made then

  // Whether all rows are in it and counted.
  bool is_complete() const;
  bool with_denials() const { return head_.with_denials.load(std::memory_order_relaxed) != 0; }
  instant first() const;  // the first counted instant, `forever` where there is none
  // The counts by day of a report from first() on; must be complete.
  void add_counts(day_counter &to);
  daily_peaks peaks(const context &host);
  // How many denials there were, by day.
  const std::pmr::unordered_map<day_number, std::int64_t> &denials();
  // Calls visit(key_view user, days_of_key) for each user.
  template <typename Visit>
  void for_each_user(const context &host, Visit &&visit) {
    ticker tick(host);
    for (std::uint32_t at = 0; at < users_.size(); ++at) {
      tick();
      if (users_.has(at)) visit(users_.key(at), users_[at]);
    }
  }
  // The days of one user, none where he is not there; valid until the next question.
  days_of_key days_of(key_view user) {
    const std::uint32_t number = users_.find(user);
    return number == shared_days::npos ? days_of_key{} : users_[number];
  }
  // Adds all of it, but what overflowed, to what one process has.
  void add_sessions_to(daily_presence &to, const context &host);
  void add_denials_to(daily_presence &to, const context &host);

 private:
  using handle = shared_space::handle;
  struct part;
  struct plan;
  struct day_result;

  daily_presence &overflowing();
  part *part_at(handle at) const { return reinterpret_cast<part *>(space_.address(at)); }
  template <typename Visit>
  void for_each_part(Visit &&visit) const;
  plan *the_plan();
  published_events events();
  template <typename Visit>
  void for_each_of_block(std::atomic<std::uint32_t> &next, shared_days &of, const context &host, Visit &&visit);
  void sweep(const plan &by, std::uint32_t range, const grid &days, published_events &events, const context &host);
  const shared_events::published_slice *slices_of(const plan &by);
  day_result *results_of(const plan &by);
  std::uint32_t *sessions_of(const plan &by, std::uint32_t range);

  head &head_;
  shared_space &space_;
  const time_zone &zone_;
  instant as_of_;
  std::optional<std::int64_t> window_days_;
  std::pmr::memory_resource *memory_;
  instant first_ = forever;
  day_finder starts_, ends_;
  shared_days users_;
  shared_events hosts_;
  std::pmr::unordered_map<day_number, std::int64_t> denials_;
  std::optional<daily_presence> overflow_;
};

// The daily report of complete sessions, collected for this model and window, and of denials collected in either way,
// complete too.
daily_user_counts find_daily_user_counts(shared_rows &sessions, shared_rows &denials, licensing_model model,
                                         std::int64_t window_days, const day_range &range, const time_zone &zone,
                                         const context &host);
daily_user_counts find_daily_user_counts(shared_rows &sessions, const daily_presence &denials, licensing_model model,
                                         std::int64_t window_days, const day_range &range, const time_zone &zone,
                                         const context &host);

}  // namespace headcount::core
