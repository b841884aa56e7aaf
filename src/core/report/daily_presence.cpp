#include "core/report/daily_presence.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/presence/sweep.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {

// 8 bytes of the first instant, users, denied users; number of days with denials, for each: 4 bytes of day, number of
// denials; then 0 and the events of hosts, or 1 and the peaks: 4 bytes of first day, number of days, for each: level,
// 8 bytes of instant.
void daily_presence::write_users(byte_buffer &to, const context &host) const {
  to.append_word(static_cast<std::uint64_t>(first_), 8);
  users_.write(to, host);
  denied_.write(to, host);
  write_denials(to);
}

void daily_presence::write_denials(byte_buffer &to) const {
  to.append_varint(denials_.size());
  for (const auto &[day, count] : denials_) {
    to.append_word(static_cast<std::uint32_t>(day), 4);
    to.append_varint(static_cast<std::uint64_t>(count));
  }
}

// 8 bytes of the first instant; users, denied users, denials, hosts.
void daily_presence::write_packed(byte_buffer &to, const context &host) const {
  check_open();
  to.append_word(static_cast<std::uint64_t>(first_), 8);
  users_.write_packed(to, host);
  denied_.write_packed(to, host);
  write_denials(to);
  hosts_->write_packed(to, host);
}

void daily_presence::read_packed(byte_reader &from, const context &host) {
  check_open();
  first_ = std::min(first_, read_first(from));
  users_.merge_packed(from, host);
  denied_.merge_packed(from, host);
  read_denials(from);
  hosts_->merge_packed(from, host);
}

void daily_presence::write(byte_buffer &to, const context &host) const {
  check_open();
  write_users(to, host);
  to.append_byte(0);
  hosts_->write(to, host);
}

void daily_presence::write_with_peaks(byte_buffer &to, const time_zone &zone, const context &host) const {
  check_open();
  write_users(to, host);
  to.append_byte(1);
  const daily_peaks found = find_daily_peaks(*this, zone, host);
  to.append_word(static_cast<std::uint32_t>(found.first), 4);
  to.append_varint(found.peaks.size());
  for (const peak &each : found.peaks) {
    to.append_varint(static_cast<std::uint64_t>(each.level));
    to.append_word(static_cast<std::uint64_t>(each.at), 8);
  }
}

void daily_presence::check_open() const {
  if (!is_open())
    throw error(fault::invalid_argument, "collected days cannot be merged once their peaks are found", {},
                "Collect all rows with one aggregate.");
}

void daily_presence::merge(const daily_presence &from, const context &host) {
  check_open();
  from.check_open();
  first_ = std::min(first_, from.first_);
  users_.merge(from.users_, host);
  denied_.merge(from.denied_, host);
  for (const auto &[day, count] : from.denials_) add_denials(day, count);
  hosts_->merge(*from.hosts_, host);
}

void daily_presence::merge(byte_reader &from, const context &host) {
  read(from, host);
  if (!is_open()) check_open();
}

void daily_presence::read_denials(byte_reader &from) {
  for (std::uint64_t days = from.take_varint(); days-- > 0;) {
    const auto day = static_cast<day_number>(static_cast<std::uint32_t>(from.take_word(4)));
    add_denials(day, static_cast<std::int64_t>(from.take_varint()));
  }
}

// So many were not written by anybody who counted them.
void daily_presence::add_denials(day_number day, std::int64_t count) {
  std::int64_t &sum = denials_[day];
  if (count < 0 || __builtin_add_overflow(sum, count, &sum)) byte_reader::throw_damaged("A number is out of range.");
}

instant daily_presence::read_first(byte_reader &from) {
  const auto first = static_cast<instant>(from.take_word(8));
  if (first != forever && (first < first_finite || first >= end_of_finite)) byte_reader::throw_damaged("A time is out of range.");
  return first;
}

void daily_presence::read(byte_reader &from, const context &host) {
  check_open();
  first_ = std::min(first_, read_first(from));
  users_.merge(from, host);
  denied_.merge(from, host);
  read_denials(from);
  if (from.take_word(1) == 0) {
    hosts_->merge(from, host);
    return;
  }
  daily_peaks found(memory_);
  found.first = static_cast<day_number>(static_cast<std::uint32_t>(from.take_word(4)));
  const std::uint64_t count = from.take_varint();
  if (count > from.remaining()) byte_reader::throw_damaged("It has more days than bytes.");
  for (std::uint64_t left = count; left > 0; --left) {
    peak each;
    each.level = static_cast<std::int64_t>(from.take_varint());
    each.at = static_cast<instant>(from.take_word(8));
    found.peaks.push_back(each);
  }
  peaks_.emplace(std::move(found));
  hosts_.reset();
}

daily_peaks find_daily_peaks(const daily_presence &sessions, const time_zone &zone, const context &host) {
  daily_peaks found(host.memory);
  if (!sessions.is_open()) {
    found.first = sessions.peaks()->first;
    found.peaks.assign(sessions.peaks()->peaks.begin(), sessions.peaks()->peaks.end());
    return found;
  }
  const instant as_of = sessions.as_of();
  const auto days = find_days(sessions.first(), {std::nullopt, std::nullopt, as_of}, zone);
  if (!days.has_value()) return found;
  const grid buckets = day_grid(days->first, days->last, zone, host);
  peak_finder swept(buckets.bounds, host);
  sessions.hosts().for_each_change(as_of, host, [&](instant at, std::int64_t level) { swept.add(at, level); });
  swept.finish(until(as_of).end);
  found.first = days->first;
  found.peaks.reserve(buckets.size());
  for (std::size_t at = 0; at < buckets.size(); ++at) found.peaks.push_back(swept[at]);
  return found;
}

daily_user_counts find_daily_user_counts(const daily_presence &sessions, const daily_presence &denials,
                                         licensing_model model, std::int64_t window_days, const day_range &range,
                                         const time_zone &zone, const context &host) {
  check_window_days(window_days);
  daily_user_counts counts(host.memory);
  const auto days = find_days(std::min(sessions.first(), denials.first()), range, zone);
  if (!days.has_value()) return counts;
  const grid buckets = day_grid(days->first, days->last, zone, host);

  const bool trailing = is_trailing(model);
  day_counter active(days->first, buckets.size(), trailing ? std::optional(window_days) : std::nullopt, host);
  day_counter denied(days->first, buckets.size(), std::nullopt, host);
  key_counter count_active(active, host), count_denied(denied, host);
  days_by_key::reader refused(denials.denied(), host.memory);
  std::pmr::vector<bool> met(counts_denied(model) ? denials.denied().size() : 0, false, host.memory);
  sessions.users().for_each(host, [&](std::uint32_t, key_view user, const days_of_key &used) {
    const std::uint32_t number = met.empty() ? days_by_key::npos : refused.find(user);
    if (number == days_by_key::npos) {
      count_active.add(used);
    } else {
      count_active.add(used, refused[number]);
      met[number] = true;
    }
  });
  denials.denied().for_each(host, [&](std::uint32_t number, key_view, const days_of_key &on) {
    count_denied.add(on);
    if (!met.empty() && !met[number]) count_active.add(on);
  });
  put_rows(counts, *days, buckets, active, denied, model, window_days, range.as_of, find_daily_peaks(sessions, zone, host),
           [&](day_number day) { return denials.denials_on(day); });
  return counts;
}

}  // namespace headcount::core
