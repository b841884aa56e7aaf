#pragma once
// A line chart over days, of users or of hosts, which each have a scale of their own: which lines, which points, which ticks.
// Whoever draws it does the drawing.

#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "export/report.hpp"

namespace headcount::exporting {

struct chart_line {
  const column *shown;
  std::size_t place;    // among the numbers of a row
  std::uint32_t color;  // 0xRRGGBB, told apart by the colour-blind too (Okabe and Ito)
};

struct day_tick {
  core::day_number day;
  std::string label;
};

enum class subject { users, hosts };
inline constexpr subject all_subjects[] = {subject::users, subject::hosts};

constexpr subject subject_of(column_id id) {
  return id == column_id::concurrent_hosts ? subject::hosts : subject::users;
}
// What a chart of it is called.
constexpr std::string_view heading_of(subject of) { return of == subject::hosts ? "Hosts by day" : "Users by day"; }

struct chart {
  chart(const report &shown, subject of, const core::context &host);

  // Nothing to draw: no row, or no column that is drawn.
  bool empty() const { return lines.empty() || by_day.empty(); }

  core::day_number first() const { return rows.days[by_day.front()]; }
  core::day_number last() const { return rows.days[by_day.back()]; }
  // Lines are dots then, to be drawn larger than a line is wide.
  bool single_day() const { return first() == last(); }
  std::int64_t top() const { return levels.back(); }

  const report &rows;
  subject of;
  std::vector<chart_line> lines;
  std::pmr::vector<std::uint32_t> by_day;  // the rows in the order of their days
  std::vector<std::int64_t> levels;        // from 0 up, round numbers, the last one above or at every point
  std::vector<day_tick> ticks;             // at most seven
};

// Calls begin(day, value) for the first point of each segment of a line and go_on(day, value) for the others; a NULL
// ends a segment. A segment of one point goes on to itself, so that it is drawn as a dot.
template <typename Begin, typename GoOn>
void draw_line(const chart &drawn, const chart_line &line, const core::context &host, Begin &&begin, GoOn &&go_on) {
  core::ticker tick(host);
  std::size_t points = 0;
  core::day_number day = 0;
  std::int32_t value = 0;
  const auto end_segment = [&] {
    if (points == 1) go_on(day, value);
    points = 0;
  };
  for (const std::uint32_t row : drawn.by_day) {
    tick();
    const number &next = drawn.rows.at(row, line.place);
    if (!next) {
      end_segment();
      continue;
    }
    day = drawn.rows.days[row];
    value = *next;
    points++ == 0 ? begin(day, value) : go_on(day, value);
  }
  end_segment();
}

}  // namespace headcount::exporting
