#include "export/report.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "core/base/error.hpp"

#include "core/base/core_only.hpp"

namespace headcount::exporting {
namespace {

using std::chrono::sys_days;

constexpr sys_days epoch = std::chrono::year{2000} / 1 / 1;

constexpr core::day_number number_of(sys_days day) { return static_cast<core::day_number>((day - epoch).count()); }

// What YYYY-MM-DD can say.
constexpr core::day_number first_day = number_of(std::chrono::year{1} / 1 / 1);
constexpr core::day_number last_day = number_of(std::chrono::year{9999} / 12 / 31);

// Far beyond any heading, and within what a cell and a PDF string hold.
constexpr std::size_t longest_text = 1000;

void check_text(std::string_view what, std::string_view text) {
  if (text.size() <= longest_text) return;
  throw core::error(
      core::fault::invalid_argument, std::string(what) + " is too long",
      "It has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(longest_text) + " are written.");
}

[[noreturn]] void throw_unknown(std::string_view what, std::string_view name, const char *hint) {
  throw core::error(core::fault::invalid_argument, "unknown " + std::string(what) + " \"" + std::string(name) + "\"",
                    {}, hint);
}

}  // namespace

format parse_format(std::string_view name) {
  if (name == "xlsx") return format::xlsx;
  if (name == "pdf") return format::pdf;
  if (name == "html") return format::html;
  throw_unknown("format", name, "Formats are xlsx, pdf and html.");
}

column_id parse_column_id(std::string_view name) {
  const auto *const found = std::find(std::begin(column_names), std::end(column_names), name);
  if (found == std::end(column_names)) throw_unknown("column", name, "Columns are ucd, uct, ucdy, ucde and ucch.");
  return static_cast<column_id>(found - std::begin(column_names));
}

bool report::shows_day() const {
  return std::any_of(columns.begin(), columns.end(), [](const column &each) { return each.id == column_id::day; });
}

void check(const report &shown, const core::context &host) {
  check_text("title", shown.title);
  for (const std::string &each : shown.notes) check_text("a note", each);
  if (shown.columns.empty()) throw core::error(core::fault::invalid_argument, "the report shows no column");
  for (const column &each : shown.columns) {
    check_text("title of a column", each.title);
    if (std::count_if(shown.columns.begin(), shown.columns.end(), [&](const column &c) { return c.id == each.id; }) > 1)
      throw core::error(core::fault::invalid_argument,
                        "column \"" + std::string(name_of(each.id)) + "\" is there more than once");
  }
  if (shown.numbers.size() != shown.rows() * shown.width()) {
    throw core::error(core::fault::invalid_argument, "values do not fit days and columns",
                      std::to_string(shown.rows()) + " days of " + std::to_string(shown.width()) + " values are " +
                          std::to_string(shown.rows() * shown.width()) + ", not " +
                          std::to_string(shown.numbers.size()) + ".");
  }
  core::ticker tick(host);
  for (const core::day_number day : shown.days) {
    tick();
    if (day < first_day || day > last_day)
      throw core::error(core::fault::out_of_range, "a day is beyond what files hold",
                        "Days go from " + iso(first_day) + " to " + iso(last_day) + ".",
                        "Restrict the report to the days that matter.");
  }
  for (const number &each : shown.numbers) {
    tick();
    if (each.value_or(0) < 0)
      throw core::error(core::fault::invalid_argument, "value " + std::to_string(*each) + " is below 0");
  }
}

bool is_weekend(core::day_number day) {
  // 2000-01-01 was a Saturday.
  return ((day % 7) + 7) % 7 < 2;
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string notes_line(const report &shown, std::string_view between) {
  std::string line;
  for (const std::string &each : shown.notes) line.append(each).append(between);
  std::tm at{};
  gmtime_r(&shown.made_at, &at);
  std::array<char, 40> made{};
  return line.append(made.data(), std::strftime(made.data(), made.size(), "made %Y-%m-%d %H:%M UTC", &at));
}

std::string iso(core::day_number day) {
  const std::chrono::year_month_day date(epoch + std::chrono::days(day));
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()));
  return text;
}

core::day_number first_of(int year, unsigned month) {
  return number_of(std::chrono::year{year} / std::chrono::month{month} / 1);
}

char32_t take_character(std::string_view &text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  char32_t character = length == 1 ? first : first & (0x7fU >> length);
  for (std::size_t at = 1; at < length && at < text.size(); ++at)
    character = character << 6U | (static_cast<unsigned char>(text[at]) & 0x3fU);
  text.remove_prefix(std::min(length, text.size()));
  return character;
}

bool is_blank(std::string_view text) {
  constexpr std::u32string_view spaces =
      U" \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
      U"\u2028\u2029\u202f\u205f\u3000";
  while (!text.empty())
    if (spaces.find(take_character(text)) == spaces.npos) return false;
  return true;
}

std::string printable(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t character = take_character(text);
    const bool held = character >= 0x20 && (character < 0x7f || character > 0x9f) && (character & 0xfffeU) != 0xfffe;
    clean += held ? before.substr(0, before.size() - text.size()) : " ";
  }
  return clean;
}

}  // namespace headcount::exporting
