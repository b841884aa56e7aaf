#include "export/chart.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>

#include "core/base/core_only.hpp"

namespace headcount::exporting {
namespace {

std::uint32_t color_of(column_id id) {
  switch (id) {
    case column_id::total_users: return 0x0072b2;
    case column_id::daily_users: return 0x009e73;
    case column_id::denial_users: return 0xd55e00;
    case column_id::concurrent_hosts: return 0xaa4a85;
    default: return 0;
  }
}

// 0 and up to five steps of 1, 2 or 5 times a power of ten.
std::vector<std::int64_t> round_levels(std::int64_t highest) {
  constexpr std::int64_t max_steps = 5;
  std::int64_t power = 1, step = 1;
  for (std::size_t at = 0; step * max_steps < highest; ++at) {
    if (at != 0 && at % 3 == 0) power *= 10;
    step = std::array{1, 2, 5}[at % 3] * power;
  }
  std::vector<std::int64_t> levels{0};
  do levels.push_back(levels.back() + step);
  while (levels.back() < highest);
  return levels;
}

constexpr int max_ticks = 7;

// Every so many days, counted from the first one.
std::vector<day_tick> ticks_of_days(core::day_number first, core::day_number last, int step) {
  std::vector<day_tick> ticks;
  for (core::day_number day = first; day <= last; day += step) ticks.push_back({day, iso(day)});
  return ticks;
}

// The firsts of every so many months, counted from January; a year is written as such.
std::vector<day_tick> ticks_of_months(core::day_number first, core::day_number last, int step) {
  std::vector<day_tick> ticks;
  for (int month = (std::stoi(iso(first)) * 12 / step) * step;; month += step) {
    const core::day_number day = first_of(month / 12, static_cast<unsigned>(month % 12) + 1);
    if (day > last) return ticks;
    if (day >= first) ticks.push_back({day, iso(day).substr(0, step % 12 == 0 ? 4 : 7)});
  }
}

// The finest ticks that are not too many.
std::vector<day_tick> round_ticks(core::day_number first, core::day_number last) {
  const int days = last - first;
  for (const int step : {1, 2, 7, 14})
    if (days / step < max_ticks) return ticks_of_days(first, last, step);
  int step = 1;
  for (const int next : {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000, 24000}) {
    step = next;
    if (days / (step * 30) < max_ticks) break;
  }
  return ticks_of_months(first, last, step);
}

}  // namespace

chart::chart(const report &shown, subject wanted, const core::context &host)
    : rows(shown), of(wanted), by_day(shown.rows(), host.memory) {
  std::size_t place = 0;
  for (const column &each : shown.columns) {
    if (each.id == column_id::day) continue;
    if (subject_of(each.id) == of) lines.push_back({&each, place, color_of(each.id)});
    ++place;
  }
  std::iota(by_day.begin(), by_day.end(), 0U);
  std::stable_sort(by_day.begin(), by_day.end(),
                   [&](std::uint32_t one, std::uint32_t other) { return shown.days[one] < shown.days[other]; });
  if (empty()) return;
  std::int64_t highest = 1;
  core::ticker tick(host);
  for (const chart_line &line : lines) {
    for (const std::uint32_t row : by_day) {
      tick();
      highest = std::max<std::int64_t>(highest, shown.at(row, line.place).value_or(0));
    }
  }
  levels = round_levels(highest);
  ticks = round_ticks(first(), last());
}

}  // namespace headcount::exporting
