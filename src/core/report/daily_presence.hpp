#pragma once
// Sessions and denials as the daily report needs them, collected in one pass: users by the civil days they were there,
// hosts by the instants at which sessions began and ended, denials by day.
//
// The same answers come from presences (core/report/report.hpp), which know more than a report asks for, and cost accordingly.

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>

#include "core/base/context.hpp"
#include "core/report/day_counter.hpp"
#include "core/report/host_events.hpp"
#include "core/report/report.hpp"
#include "core/sets/days_by_key.hpp"
#include "core/time/civil.hpp"

namespace headcount::core {

// Finds the days of instants, most of which are on the day of the one before.
class day_finder {
 public:
  explicit day_finder(const time_zone &zone) : zone_(&zone) {}

  day_number operator()(instant at) {
    if (at < start_ || at >= end_) {
      day_ = day_of(at, *zone_);
      start_ = zone_->start_of(day_);
      end_ = zone_->start_of(day_ + 1);
    }
    return day_;
  }

 private:
  const time_zone *zone_;
  day_number day_ = 0;
  instant start_ = 0, end_ = 0;
};

class daily_presence {
 public:
  // `as_of` is finite: open sessions last until then, inclusive, and nothing after it counts.
  daily_presence(const time_zone &zone, instant as_of, std::pmr::memory_resource *memory)
      : as_of_(as_of),
        memory_(memory),
        starts_(zone),
        ends_(zone),
        users_(memory),
        hosts_(std::in_place, memory),
        denied_(memory),
        denials_(memory) {}
  daily_presence(const daily_presence &) = delete;
  daily_presence &operator=(const daily_presence &) = delete;

  instant as_of() const { return as_of_; }

  // Whether it has events, so that rows can be added; read() may leave peaks in their place.
  bool is_open() const { return hosts_.has_value(); }

  // `when` is not empty and has a start. A session without a user still counts its host, and the other way round.
  void add_session(std::optional<key_view> user, std::optional<key_view> host, interval when) {
    if (when.start > as_of_ || (!user.has_value() && !host.has_value())) return;
    if (when.start < first_) first_ = when.start;
    if (user.has_value()) users_.add(*user, starts_(when.start), ends_(last_instant(when, as_of_)));
    if (host.has_value()) hosts_->add(*host, {when.start, when.end <= as_of_ ? when.end : forever});
  }

  // The same for what of it is in `within`, a span of time.
  void add_session(std::optional<key_view> user, std::optional<key_view> host, interval when, interval within) {
    const interval part{std::max(when.start, within.start), std::min(when.end, within.end)};
    if (part.start < part.end) add_session(user, host, part);
  }

  void add_denial(key_view user, instant at) {
    if (at > as_of_) return;
    if (at < first_) first_ = at;
    const day_number day = starts_(at);
    denied_.add(user, day, day);
    ++denials_[day];
  }

  // Whether nothing that counts was added.
  bool is_empty() const { return first_ == forever; }

  // To add what was collected elsewhere under the same zone and as_of. More denials than can be counted are damaged_bytes.
  days_by_key &users() { return users_; }
  host_events &hosts() { return *hosts_; }
  days_by_key &denied() { return denied_; }
  void add_denials(day_number day, std::int64_t count);
  void note_first(instant at) { first_ = std::min(first_, at); }

  // Adds all of another one of the same zone and as_of, or what such a one wrote; both must be open, else throws
  // invalid_argument. Throws damaged_bytes.
  void merge(const daily_presence &from, const context &host);
  void merge(byte_reader &from, const context &host);
  // Reads into an empty one what another one wrote, open or not. Throws damaged_bytes.
  void read(byte_reader &from, const context &host);
  // No more of it than first(). Throws damaged_bytes.
  static instant read_first(byte_reader &from);
  void write(byte_buffer &to, const context &host) const;
  // All of it in as few bytes as there may be, for a wire; both must be open, else throws invalid_argument. Throws damaged_bytes.
  void write_packed(byte_buffer &to, const context &host) const;
  void read_packed(byte_reader &from, const context &host);
  // The same with the peak of each day in place of the events of hosts: small, and all that a report needs.
  void write_with_peaks(byte_buffer &to, const time_zone &zone, const context &host) const;

  // What it holds, for the report.
  instant first() const { return first_; }  // the first counted instant, `forever` where there is none
  const days_by_key &users() const { return users_; }
  const host_events &hosts() const { return *hosts_; }
  const std::optional<daily_peaks> &peaks() const { return peaks_; }
  const days_by_key &denied() const { return denied_; }
  std::int64_t denials_on(day_number day) const {
    const auto found = denials_.find(day);
    return found == denials_.end() ? 0 : found->second;
  }

 private:
  void check_open() const;
  void write_users(byte_buffer &to, const context &host) const;
  void write_denials(byte_buffer &to) const;
  void read_denials(byte_reader &from);

  instant as_of_;
  std::pmr::memory_resource *memory_;
  instant first_ = forever;
  day_finder starts_, ends_;
  days_by_key users_;
  std::optional<host_events> hosts_;  // nothing where peaks_ are in their place
  std::optional<daily_peaks> peaks_;
  days_by_key denied_;
  std::pmr::unordered_map<day_number, std::int64_t> denials_;
};

// The peak of each day from the first one with data to that of as_of.
daily_peaks find_daily_peaks(const daily_presence &sessions, const time_zone &zone, const context &host);

// The daily report from sessions in one daily_presence and denials in another, or the same, one; both of `zone` and of
// one as_of, which is that of `range`.
daily_user_counts find_daily_user_counts(const daily_presence &sessions, const daily_presence &denials,
                                         licensing_model model, std::int64_t window_days, const day_range &range,
                                         const time_zone &zone, const context &host);

}  // namespace headcount::core
