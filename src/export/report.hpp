#pragma once
// The report to write: what a file shows, whatever its format. No PostgreSQL, no library here.

#include <cstdint>
#include <ctime>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/time/civil.hpp"

namespace headcount::exporting {

enum class format { xlsx, pdf, html };

// Throws invalid_argument.
format parse_format(std::string_view name);

// The report's columns under their own names: ucd, uct, ucdy, ucde, ucch.
enum class column_id { day, total_users, daily_users, denial_users, concurrent_hosts };
inline constexpr std::string_view column_names[] = {"ucd", "uct", "ucdy", "ucde", "ucch"};

// Throws invalid_argument.
column_id parse_column_id(std::string_view name);

inline std::string_view name_of(column_id id) { return column_names[static_cast<std::size_t>(id)]; }

struct column {
  column_id id;
  std::string title;
};

using number = std::optional<std::int32_t>;

struct report {
  explicit report(std::pmr::memory_resource *memory) : columns(memory), days(memory), numbers(memory) {}

  std::string title;
  std::vector<std::string> notes;           // what the numbers are of, a few words each
  std::pmr::vector<column> columns;         // as shown, in their order
  std::pmr::vector<core::day_number> days;  // of every row, also where the column is not shown
  std::pmr::vector<number> numbers;         // row by row, the columns in their order without the day
  std::time_t made_at = 0;

  std::size_t rows() const { return days.size(); }
  // How many of the columns are numbers.
  std::size_t width() const { return columns.size() - (shows_day() ? 1 : 0); }
  bool shows_day() const;
  const number &at(std::size_t row, std::size_t place) const { return numbers[row * width() + place]; }
};

// Throws invalid_argument or out_of_range where the parts do not make up a report that every format can hold.
void check(const report &shown, const core::context &host);

// Calls `show(column, nullptr)` for the day and `show(column, &number)` for the others, as the row shows them.
template <typename Show>
void for_each_cell(const report &shown, std::size_t row, Show &&show) {
  std::size_t place = 0;
  for (const column &each : shown.columns) show(each, each.id == column_id::day ? nullptr : &shown.at(row, place++));
}

// YYYY-MM-DD
std::string iso(core::day_number day);

// Saturday or Sunday.
bool is_weekend(core::day_number day);

// With a comma after each thousand.
std::string grouped(std::int64_t value);

// What the numbers are of and when the report was made, the latter in UTC: a line below its title.
std::string notes_line(const report &shown, std::string_view between);

// Days since 2000-01-01 of the first of a month.
core::day_number first_of(int year, unsigned month);

// Takes the next character off valid UTF-8.
char32_t take_character(std::string_view &text);

// Whether printable text is nothing but spaces, of any of Unicode's kinds.
bool is_blank(std::string_view text);

// The text with a space for every character that XML and HTML cannot hold: control characters, U+FFFE, U+FFFF.
std::string printable(std::string_view text);

}  // namespace headcount::exporting
