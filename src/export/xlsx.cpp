#include "export/xlsx.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <new>
#include <utility>
#include <vector>

#include <strings.h>
#include <xlsxwriter.h>

#include "core/base/error.hpp"
#include "export/chart.hpp"

#include "core/base/core_only.hpp"

namespace headcount::exporting {
namespace {

constexpr std::size_t max_rows = LXW_ROW_MAX - 1;  // below the header

// 2000-01-01 where 1900-01-01 is day 1 and the year 1900 has a day too many.
constexpr double serial_of_epoch = 36526;

constexpr double day_width = 12;

// Up to a month of days are marked one by one: a line needs two points to be seen.
constexpr std::size_t max_marked = 31;

constexpr const char *chart_data = "Chart data";  // the hidden sheet

constexpr const char *not_written = "could not write an xlsx file";

// Spreadsheets disagree about what comes before (Lotus took 1900 for a leap year).
const core::day_number first_day = first_of(1900, 3);

double serial_of(core::day_number day) { return day + serial_of_epoch; }

void throw_on(lxw_error status) {
  if (status == LXW_NO_ERROR) return;
  if (status == LXW_ERROR_MEMORY_MALLOC_FAILED) throw std::bad_alloc();
  throw core::error(core::fault::not_written, not_written, lxw_strerror(status));
}

template <typename Object>
Object *must_have(Object *object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

// A workbook that is written by close(), or freed without a trace.
class workbook {
 public:
  workbook(const char *file, lxw_workbook_options options) {
    rows_.reserve(2);
    book_ = must_have(workbook_new_opt(file, &options));
  }
  workbook(const workbook &) = delete;
  workbook &operator=(const workbook &) = delete;
  ~workbook() {
    if (book_ == nullptr) return;
    close_rows();
    lxw_workbook_free(book_);
  }

  operator lxw_workbook *() const { return book_; }

  // No other reason than a folder that cannot be written to makes the library refuse.
  lxw_worksheet *add_sheet(const char *name) {
    lxw_worksheet *const sheet = workbook_add_worksheet(book_, name);
    if (sheet == nullptr) throw_on(LXW_ERROR_CREATING_TMPFILE);
    rows_.push_back(sheet->optimize_tmpfile);
    return sheet;
  }

  // The library writes rows without looking at whether they arrive; whether the archive does, it knows. Both lie on one
  // disk, so one that is full shows here or there.
  void close() {
    for (std::FILE *const each : rows_) {
      if (std::fflush(each) != 0 || std::ferror(each) != 0)
        throw core::error(core::fault::not_written, not_written, "A temporary file did not take all its rows.",
                          "Look whether the disk is full.");
    }
    const lxw_error status = workbook_close(std::exchange(book_, nullptr));
    if (status == LXW_ERROR_CREATING_XLSX_FILE) close_rows();
    throw_on(status);
  }

 private:
  // Only the library's writing of the archive closes them.
  void close_rows() {
    for (std::FILE *const each : rows_) std::fclose(each);
  }

  lxw_workbook *book_ = nullptr;
  std::vector<std::FILE *> rows_;  // of each sheet, until it goes into the archive
};

// In formulas the library leaves a name of these bare, whether it could be a number or a reference (2026, A1, RC, TRUE)
// or not.
bool is_bare(char each) { return (each & 0x80) == 0 && (std::isalnum(each) != 0 || each == '_' || each == '.'); }

// The title as far as a sheet's name may hold it: 31 UTF-16 units, none of []:*?/\, no apostrophe at either end, no
// escape of Excel's (_x0041_), not what Excel or we keep for ourselves; and so that formulas put it in quotes.
std::string sheet_name(std::string_view title) {
  constexpr std::size_t longest = 31;
  constexpr std::string_view refused = "[]:*?/\\", trimmed = " '";
  std::string name;
  std::size_t units = 0;
  while (!title.empty()) {
    const std::string_view before = title;
    const char32_t character = take_character(title);
    units += character > 0xffff ? 2 : 1;
    if (units > longest) break;
    const bool taken = character > 0x7f || refused.find(static_cast<char>(character)) == std::string_view::npos;
    const bool escape = character == '_' && title.starts_with('x');
    name += taken && !escape ? before.substr(0, before.size() - title.size()) : " ";
  }
  name.erase(0, std::min(name.find_first_not_of(trimmed), name.size()));
  name.erase(name.find_last_not_of(trimmed) + 1);
  const bool reserved = strcasecmp(name.c_str(), "History") == 0 || strcasecmp(name.c_str(), chart_data) == 0;
  if (name.empty() || name == "Report" || reserved) return "Report";
  return std::all_of(name.begin(), name.end(), is_bare) ? sheet_name("Report " + name) : name;
}

class writer {
 public:
  writer(const report &shown, workbook &book, const core::context &host)
      : shown_(shown),
        book_(book),
        host_(host),
        bold_(must_have(workbook_add_format(book))),
        right_(must_have(workbook_add_format(book))),
        date_(must_have(workbook_add_format(book))) {
    for (lxw_format *const header : {bold_, right_}) {
      format_set_bold(header);
      format_set_bottom(header, LXW_BORDER_THIN);
      format_set_text_wrap(header);
    }
    format_set_align(right_, LXW_ALIGN_RIGHT);
    format_set_num_format(date_, "yyyy-mm-dd");
    format_set_align(date_, LXW_ALIGN_LEFT);
  }

  void write() {
    set_properties();
    const std::string name = sheet_name(shown_.title);
    lxw_worksheet *const sheet = book_.add_sheet(name.c_str());
    put_sheet(sheet);
    std::vector<chart> charts;
    for (const subject of : all_subjects)
      if (chart drawn(shown_, of, host_); !drawn.empty()) charts.push_back(std::move(drawn));
    if (charts.empty()) return;
    const bool as_it_is = shown_.shows_day() && !charts.front().single_day() &&
                          std::is_sorted(shown_.days.begin(), shown_.days.end());
    if (!as_it_is) put_chart_data(charts);
    std::size_t place = 0;
    lxw_row_t row = 1;
    for (const chart &drawn : charts) {
      if (as_it_is) {
        put_chart(drawn, sheet, row, name.c_str(), place_of_day(), [this](const chart_line &line) {
          return static_cast<std::size_t>(line.shown - shown_.columns.data());
        });
      } else {
        put_chart(drawn, sheet, row, chart_data, 0, [&place](const chart_line &) { return ++place; });
      }
      row += rows_of_chart + 1;
    }
  }

 private:
  void set_properties() {
    lxw_doc_properties properties{};
    properties.title = const_cast<char *>(shown_.title.c_str());
    const std::string notes = notes_line(shown_, ", ");
    properties.comments = const_cast<char *>(notes.c_str());
    properties.created = shown_.made_at;
    throw_on(workbook_set_properties(book_, &properties));
  }

  std::size_t place_of_day() const {
    const auto found = std::find_if(shown_.columns.begin(), shown_.columns.end(),
                                    [](const column &each) { return each.id == column_id::day; });
    return static_cast<std::size_t>(found - shown_.columns.begin());
  }

  lxw_row_t last_row() const { return static_cast<lxw_row_t>(shown_.rows()); }

  static void put_number(lxw_worksheet *sheet, std::size_t row, std::size_t place, double value, lxw_format *format) {
    throw_on(worksheet_write_number(sheet, static_cast<lxw_row_t>(row), static_cast<lxw_col_t>(place), value, format));
  }
  static void put_text(lxw_worksheet *sheet, std::size_t row, std::size_t place, const std::string &text,
                       lxw_format *format) {
    throw_on(worksheet_write_string(sheet, static_cast<lxw_row_t>(row), static_cast<lxw_col_t>(place), text.c_str(),
                                    format));
  }

  void put_sheet(lxw_worksheet *sheet) {
    const auto columns = static_cast<lxw_col_t>(shown_.columns.size());
    worksheet_freeze_panes(sheet, 1, 0);
    worksheet_set_paper(sheet, 9);  // A4
    throw_on(worksheet_repeat_rows(sheet, 0, 0));
    throw_on(worksheet_set_footer(sheet, "&C&P / &N"));
    for (lxw_col_t place = 0; place < columns; ++place) {
      const std::string &title = shown_.columns[place].title;
      // Beside the words there is the button of the filter.
      const double wide = std::clamp(static_cast<double>(title.size()) + 4, day_width, 40.0);
      throw_on(worksheet_set_column(sheet, place, place, wide, nullptr));
      put_text(sheet, 0, place, title, shown_.columns[place].id == column_id::day ? bold_ : right_);
    }
    core::ticker tick(host_);
    for (std::size_t row = 0; row < shown_.rows(); ++row) {
      tick();
      std::size_t place = 0;
      for_each_cell(shown_, row, [&](const column &, const number *value) {
        if (value == nullptr)
          put_number(sheet, row + 1, place, serial_of(shown_.days[row]), date_);
        else if (*value)
          put_number(sheet, row + 1, place, **value, nullptr);
        ++place;
      });
    }
    const auto last_column = static_cast<lxw_col_t>(columns - 1);
    throw_on(worksheet_print_area(sheet, 0, 0, last_row(), last_column));
    worksheet_fit_to_pages(sheet, 1, 0);
    if (shown_.rows() != 0) throw_on(worksheet_autofilter(sheet, 0, 0, last_row(), last_column));
  }

  // A hidden sheet with what the charts show, by day, where the report itself is in another order or without days. A
  // single day is text there: LibreOffice takes a lonely date for its year.
  void put_chart_data(const std::vector<chart> &charts) {
    lxw_worksheet *const sheet = book_.add_sheet(chart_data);
    worksheet_hide(sheet);
    throw_on(worksheet_set_column(sheet, 0, 0, day_width, nullptr));
    put_text(sheet, 0, 0, "Date", bold_);
    std::size_t place = 0;
    for (const chart &drawn : charts)
      for (const chart_line &line : drawn.lines) put_text(sheet, 0, ++place, line.shown->title, right_);
    core::ticker tick(host_);
    std::size_t row = 0;
    for (const std::uint32_t from : charts.front().by_day) {
      tick();
      ++row;
      if (charts.front().single_day())
        put_text(sheet, row, 0, iso(shown_.days[from]), nullptr);
      else
        put_number(sheet, row, 0, serial_of(shown_.days[from]), date_);
      place = 0;
      for (const chart &drawn : charts) {
        for (const chart_line &line : drawn.lines) {
          ++place;
          if (const number &value = shown_.at(from, line.place)) put_number(sheet, row, place, *value, nullptr);
        }
      }
    }
  }

  // A chart is 360 points of a screen high, a row 20.
  static constexpr lxw_row_t rows_of_chart = 18;

  // Beside the table, of columns of the sheet `data`.
  template <typename PlaceOf>
  void put_chart(const chart &drawn, lxw_worksheet *sheet, lxw_row_t row, const char *data, std::size_t day_place,
                 PlaceOf &&place_of) {
    lxw_chart *const made = must_have(workbook_add_chart(book_, LXW_CHART_LINE));
    for (const chart_line &line : drawn.lines) {
      lxw_chart_series *const series = must_have(chart_add_series(made, nullptr, nullptr));
      const auto days = static_cast<lxw_col_t>(day_place), place = static_cast<lxw_col_t>(place_of(line));
      chart_series_set_categories(series, data, 1, days, last_row(), days);
      chart_series_set_values(series, data, 1, place, last_row(), place);
      chart_series_set_name_range(series, data, 0, place);
      lxw_chart_line pen{};
      pen.color = line.color;
      pen.width = 1.75F;
      chart_series_set_line(series, &pen);
      if (shown_.rows() <= max_marked) put_marks(series, line.color);
    }
    chart_title_off(made);
    chart_legend_set_position(made, LXW_CHART_LEGEND_TOP);
    chart_axis_set_num_format(made->x_axis, "yyyy-mm-dd");
    const auto interval = static_cast<std::uint16_t>(std::clamp<std::size_t>(shown_.rows() / 6, 1, 65535));
    chart_axis_set_interval_unit(made->x_axis, interval);
    chart_axis_set_interval_tick(made->x_axis, interval);
    chart_axis_set_min(made->y_axis, 0);
    lxw_chart_line faint{};
    faint.color = 0xd9dce0;
    faint.width = 0.75F;
    chart_axis_major_gridlines_set_line(made->y_axis, &faint);
    lxw_chart_options options{};
    options.x_scale = 1.6;
    options.y_scale = 1.25;
    options.object_position = LXW_OBJECT_DONT_MOVE_DONT_SIZE;
    options.description = const_cast<char *>(drawn.of == subject::hosts ? "Line chart of hosts by day" : "Line chart of users by day");
    throw_on(worksheet_insert_chart_opt(sheet, row, static_cast<lxw_col_t>(shown_.columns.size() + 1), made, &options));
  }

  static void put_marks(lxw_chart_series *series, std::uint32_t color) {
    chart_series_set_marker_type(series, LXW_CHART_MARKER_CIRCLE);
    chart_series_set_marker_size(series, 5);
    lxw_chart_fill fill{};
    fill.color = color;
    chart_series_set_marker_fill(series, &fill);
    lxw_chart_line edge{};
    edge.color = color;
    chart_series_set_marker_line(series, &edge);
  }

  const report &shown_;
  workbook &book_;
  const core::context &host_;
  lxw_format *bold_;
  lxw_format *right_;
  lxw_format *date_;
};

}  // namespace

void write_xlsx(const report &shown, const char *file, const char *folder, const core::context &host) {
  if (std::any_of(shown.days.begin(), shown.days.end(), [](core::day_number day) { return day < first_day; })) {
    throw core::error(core::fault::out_of_range, "a day is beyond what an xlsx file holds",
                      "Its days begin with " + iso(first_day) + ".",
                      "Restrict the report to the days that matter, or ask for pdf or html.");
  }
  if (shown.rows() > max_rows) {
    throw core::error(core::fault::too_large, "too many rows for an xlsx file",
                      "A sheet holds " + std::to_string(max_rows) + " rows below its header; the report has " +
                          std::to_string(shown.rows()) + ".",
                      "Restrict the report to fewer days.");
  }
  lxw_workbook_options options{};
  options.constant_memory = LXW_TRUE;
  options.tmpdir = const_cast<char *>(folder);
  workbook book(file, options);
  writer(shown, book, host).write();
  book.close();
}

}  // namespace headcount::exporting
