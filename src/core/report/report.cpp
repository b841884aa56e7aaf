#include "core/report/report.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"
#include "core/presence/coverage.hpp"
#include "core/time/unite.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// The first instant in `presence` that counts at `as_of`; forever where nothing does.
instant first_instant(const presence_view &presence, instant as_of) {
  const instant first = presence.first_start();
  return first <= as_of ? first : forever;
}

[[noreturn]] void throw_unbounded(const char *side, const char *argument) {
  throw error(fault::missing_argument, std::string("the report has no ") + side, {},
              std::string("Give the argument \"") + argument + "\".");
}

// A grid that begins early enough for the first day's window to look back over, as far as there are data.
struct windowed_grid {
  grid days;
  std::size_t lead;  // buckets before the first day of the report
};

windowed_grid make_windowed_grid(reported_days days, std::int64_t window_days, instant first_data, const time_zone &zone,
                                 const context &host) {
  std::int64_t lead = 0;
  if (first_data != forever) {
    lead = window_days - 1;
    if (first_data != beginning)
      lead = std::min<std::int64_t>(lead, std::int64_t{days.first} - day_of(first_data, zone));
    lead = std::clamp<std::int64_t>(lead, 0, max_buckets);
  }
  return {day_grid(static_cast<day_number>(days.first - lead), days.last, zone, host), static_cast<std::size_t>(lead)};
}

void add_all(coverage &to, const presence_view &presence, const context &host) {
  presence.for_each_unordered(host, [&](key_view, std::span<const interval> intervals) { to.add(intervals); });
}

// Users of sessions or denials: each key once, with what it has in either. Denials are the few, so they are the table,
// and what of it was met among the sessions is left out in the second pass.
void add_union(coverage &to, const presence_view &sessions, const presence_view &denials, const context &host) {
  const key_type type = common_type(sessions.type(), denials.type());
  if (denials.type() == key_type::none || sessions.type() == key_type::none) {
    add_all(to, sessions, host);
    add_all(to, denials, host);
    return;
  }
  keyed_intervals denied(type, host.memory), met(type, host.memory);
  add_all(denied, denials, host);
  std::pmr::vector<interval> both(host.memory);
  sessions.for_each_unordered(host, [&](key_view key, std::span<const interval> intervals) {
    both.clear();
    if (!denied.find(key, both)) {
      to.add(intervals);
      return;
    }
    both.insert(both.end(), intervals.begin(), intervals.end());
    both.resize(unite(both));
    to.add(both);
    met.add(key, both.front());
  });
  denied.for_each(host, false, [&](key_view key, std::span<const interval> intervals) {
    both.clear();
    if (!met.find(key, both)) to.add(intervals);
  });
}

std::pmr::vector<activity_row> fill_activity(const presence_view &presence, const grid &buckets, interval inside,
                                             const context &host) {
  std::pmr::vector<activity_row> rows(buckets.size(), host.memory);
  coverage keys(buckets.bounds, inside, 1, host);
  add_all(keys, presence, host);
  keys.finish();
  const auto peaks = find_peaks(presence, buckets.bounds, inside, host);
  for (std::size_t at = 0; at < rows.size(); ++at)
    rows[at] = {buckets.bounds[at], keys.touched(at), keys.fresh(at), peaks[at]};
  return rows;
}

}  // namespace

std::optional<reported_days> find_days(instant first_data, const day_range &range, const time_zone &zone) {
  if (range.as_of == beginning) return std::nullopt;
  reported_days days{};
  if (range.first.has_value()) {
    days.first = *range.first;
  } else {
    if (first_data == forever) return std::nullopt;
    if (first_data == beginning) throw_unbounded("first day", "from_day");
    days.first = day_of(first_data, zone);
  }
  if (range.as_of != forever) {
    days.last = day_of(range.as_of, zone);
    if (range.last.has_value()) days.last = std::min(days.last, *range.last);
  } else {
    if (!range.last.has_value()) throw_unbounded("last day", "to_day");
    days.last = *range.last;
  }
  if (days.first > days.last) return std::nullopt;
  return days;
}

std::optional<reported_days> find_days(const presence_view &presence, const day_range &range, const time_zone &zone) {
  return find_days(first_instant(presence, range.as_of), range, zone);
}

daily_activity find_daily_activity(const presence_view &presence, const day_range &range, const time_zone &zone,
                                   const context &host) {
  daily_activity activity(host.memory);
  const auto days = find_days(presence, range, zone);
  if (!days.has_value()) return activity;
  activity.first = days->first;
  activity.rows = fill_activity(presence, day_grid(days->first, days->last, zone, host), until(range.as_of), host);
  return activity;
}

std::pmr::vector<activity_row> find_activity(const presence_view &presence, const bucket_size &size, interval window,
                                             instant as_of, const time_zone &zone, const context &host) {
  std::pmr::vector<activity_row> none(host.memory);
  if (as_of == beginning) return none;
  if (window.start == beginning) {
    const instant first = first_instant(presence, as_of);
    if (first == forever) return none;
    if (first == beginning) throw_unbounded("first bucket", "from_at");
    window.start = first;
  }
  if (window.end == forever) {
    if (as_of == forever) throw_unbounded("last bucket", "to_at");
    window.end = just_after(as_of);
  }
  return fill_activity(presence, civil_grid(size, window, zone, host), clip(window, until(as_of)), host);
}

rolling_activity find_rolling_activity(const presence_view &presence, std::int64_t window_days, const day_range &range,
                                       const time_zone &zone, const context &host) {
  check_window_days(window_days);
  rolling_activity rolling(host.memory);
  const instant first_data = first_instant(presence, range.as_of);
  const auto days = find_days(first_data, range, zone);
  if (!days.has_value()) return rolling;
  const auto [buckets, lead] = make_windowed_grid(*days, window_days, first_data, zone, host);
  coverage keys(buckets.bounds, until(range.as_of), window_days, host);
  add_all(keys, presence, host);
  keys.finish();
  rolling.first = days->first;
  for (std::size_t at = lead; at < buckets.size(); ++at) rolling.unique_keys.push_back(keys.touched(at));
  return rolling;
}

licensing_model parse_licensing_model(std::string_view name) {
  if (name == "2013") return licensing_model::model_2013;
  if (name == "2019") return licensing_model::model_2019;
  if (name == "2025") return licensing_model::model_2025;
  throw error(fault::invalid_argument, "unknown licensing model \"" + std::string(name) + "\"", {},
              "Licensing models are 2013, 2019 and 2025.");
}

void check_window_days(std::int64_t window_days) {
  if (window_days >= 1) return;
  throw error(fault::invalid_argument, "window_days must be at least 1, not " + std::to_string(window_days), {},
              "The last N days of a day include the day itself.");
}

daily_user_counts find_daily_user_counts(const report_input &input, licensing_model model, std::int64_t window_days,
                                         const day_range &range, const time_zone &zone, const context &host) {
  check_window_days(window_days);
  daily_user_counts counts(host.memory);
  const instant first_session = first_instant(input.sessions, range.as_of);
  const instant first_denial = first_instant(input.denials, range.as_of);
  const instant first_data = std::min({first_session, first_denial, first_instant(input.hosts, range.as_of)});
  const auto days = find_days(first_data, range, zone);
  if (!days.has_value()) return counts;

  const bool trailing = is_trailing(model);
  const instant first_user = counts_denied(model) ? std::min(first_session, first_denial) : first_session;
  const windowed_grid windowed = make_windowed_grid(*days, trailing ? window_days : 1, first_user, zone, host);
  const grid &buckets = windowed.days;
  const interval inside = until(range.as_of);
  const auto cover = [&](std::int64_t window, auto add) {
    coverage keys(buckets.bounds, inside, window, host);
    add(keys);
    keys.finish();
    return keys;
  };
  const auto add_users = [&](coverage &keys) {
    if (counts_denied(model))
      add_union(keys, input.sessions, input.denials, host);
    else
      add_all(keys, input.sessions, host);
  };
  const coverage denied = cover(1, [&](coverage &keys) { add_all(keys, input.denials, host); });
  const coverage daily = cover(1, add_users);
  // Where all days count, the daily coverage knows the totals already: every key that was ever seen.
  const coverage window = cover(window_days, [&](coverage &keys) {
    if (trailing) add_users(keys);
  });
  const auto peaks = find_peaks(input.hosts, buckets.bounds, inside, host);

  counts.first = days->first;
  counts.rows.reserve(buckets.size() - windowed.lead);
  for (std::size_t at = windowed.lead; at < buckets.size(); ++at) {
    counts.rows.push_back({trailing ? window.touched(at) : daily.ever(at), daily.touched(at), denied.touched(at),
                           0, peaks[at], buckets.bounds[at + 1] <= range.as_of});
  }
  return counts;
}

}  // namespace headcount::core
