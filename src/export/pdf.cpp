#include "export/pdf.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <new>
#include <vector>

#include <hpdf.h>

#include "core/base/error.hpp"
#include "export/chart.hpp"

#include "core/base/core_only.hpp"

// Where Debian's fonts-dejavu-core puts its fonts.
#ifndef HEADCOUNT_FONTS
#define HEADCOUNT_FONTS "/usr/share/fonts/truetype/dejavu"
#endif

namespace headcount::exporting {
namespace {

// --- text ------------------------------------------------------------------------------------------------------------

// Text that is Western European is set in Helvetica, which every reader has, in Windows code page 1252. Other text is
// set in DejaVu Sans, embedded, where that is installed and the script needs no shaping. What can be set in neither
// becomes
// "?", one for each character: nothing is ever set in the wrong letters.

// The code page's places 0x80 to 0x9f; 0 is none.
constexpr std::array<char16_t, 32> western = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                              0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                              0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                              0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

// The place of a character in the code page; '\0' for none.
char western_place(char32_t character) {
  if ((character >= 0x20 && character < 0x7f) || (character >= 0xa0 && character <= 0xff))
    return static_cast<char>(character);
  const auto *const found = std::find(western.begin(), western.end(), character);
  return character == 0 || found == western.end() ? '\0' : static_cast<char>(0x80 + (found - western.begin()));
}

// What DejaVu Sans has and that reads right when each character stands by itself, from left to right: Latin, Greek,
// Cyrillic, Armenian, Georgian, punctuation, currencies. In ascending order.
struct range {
  char16_t first, last;
};
constexpr range in_dejavu[] = {{0x0020, 0x007e}, {0x00a0, 0x024f}, {0x0370, 0x0377}, {0x037a, 0x037e}, {0x0384, 0x038a},
                               {0x038c, 0x038c}, {0x038e, 0x03a1}, {0x03a3, 0x0482}, {0x048a, 0x0525}, {0x0531, 0x0556},
                               {0x0559, 0x055f}, {0x0561, 0x0587}, {0x10d0, 0x10fc}, {0x1ea0, 0x1ef9}, {0x2010, 0x2027},
                               {0x20a0, 0x20b5}, {0x2116, 0x2122}};

bool is_in_dejavu(char32_t character) {
  return std::any_of(std::begin(in_dejavu), std::end(in_dejavu),
                     [character](range each) { return character >= each.first && character <= each.last; });
}

enum class weight { regular, bold };

// Bytes in the encoding of a font.
struct set_text {
  HPDF_Font font;
  std::string bytes;

  float width(float size) const {
    const auto *const text = reinterpret_cast<const HPDF_BYTE *>(bytes.data());
    return static_cast<float>(HPDF_Font_TextWidth(font, text, static_cast<HPDF_UINT>(bytes.size())).width) * size /
           1000;
  }
};

// --- the document ----------------------------------------------------------------------------------------------------

// libharu keeps its first error, and does no harm until asked for it: no callback leaves its frames.
class document {
 public:
  document() : pdf_(HPDF_New(nullptr, nullptr)) {
    if (pdf_ == nullptr) throw std::bad_alloc();
  }
  document(const document &) = delete;
  document &operator=(const document &) = delete;
  ~document() { HPDF_Free(pdf_); }

  operator HPDF_Doc() const { return pdf_; }

  void throw_on_error() const {
    const HPDF_STATUS status = HPDF_GetError(pdf_);
    if (status == HPDF_OK) return;
    if (status == HPDF_FAILD_TO_ALLOC_MEM) throw std::bad_alloc();
    char code[32];
    std::snprintf(code, sizeof code, "0x%04lX, %lu", status, HPDF_GetErrorDetail(pdf_));
    throw core::error(core::fault::not_written, "could not write a PDF file",
                      std::string("libharu gave the error ") + code + ".");
  }

  set_text set(std::string_view text, weight heavy) {
    std::string bytes;
    bool all = true;
    for (std::string_view left = text; !left.empty();) {
      const char place = western_place(take_character(left));
      all = all && place != '\0';
      bytes += place != '\0' ? place : '?';
    }
    if (all || !has_dejavu(heavy)) return {helvetica(heavy), bytes};
    bytes.clear();
    for (std::string_view left = text; !left.empty();) {
      const std::string_view before = left;
      const bool known = is_in_dejavu(take_character(left));
      bytes += known ? before.substr(0, before.size() - left.size()) : "?";
    }
    return {dejavu(heavy).font, bytes};
  }

 private:
  struct loaded {
    bool tried = false;
    HPDF_Font font = nullptr;
  };

  HPDF_Font helvetica(weight heavy) {
    HPDF_Font const font =
        HPDF_GetFont(pdf_, heavy == weight::bold ? "Helvetica-Bold" : "Helvetica", "WinAnsiEncoding");
    if (font == nullptr) throw_on_error();
    return font;
  }

  loaded &dejavu(weight heavy) { return dejavu_[heavy == weight::bold ? 1 : 0]; }

  // Whether the font is there; it is loaded when it is first asked for.
  bool has_dejavu(weight heavy) {
    loaded &face = dejavu(heavy);
    if (!face.tried) {
      face.tried = true;
      const char *const file =
          heavy == weight::bold ? HEADCOUNT_FONTS "/DejaVuSans-Bold.ttf" : HEADCOUNT_FONTS "/DejaVuSans.ttf";
      const char *const name = HPDF_LoadTTFontFromFile(pdf_, file, HPDF_TRUE);
      if (name != nullptr) face.font = HPDF_GetFont(pdf_, name, "UTF-8");
      if (face.font != nullptr) {
        embed_all(face.font);
      } else {
        if (HPDF_GetError(pdf_) == HPDF_FAILD_TO_ALLOC_MEM) throw std::bad_alloc();
        HPDF_ResetError(pdf_);  // not installed
      }
    }
    return face.font != nullptr;
  }

  // libharu embeds a glyph once its width is asked for, and the parts that it is made of, but not their parts unless
  // they were asked for themselves before: Cyrillic IO is made of IE, which is made of Latin E. Asked for in this order
  // none is missing.
  static void embed_all(HPDF_Font font) {
    for (const range each : in_dejavu)
      for (unsigned character = each.first; character <= each.last; ++character)
        HPDF_Font_GetUnicodeWidth(font, static_cast<HPDF_UNICODE>(character));
  }

  HPDF_Doc pdf_;
  std::array<loaded, 2> dejavu_;
};

// --- the layout ------------------------------------------------------------------------------------------------------

// All in points, from the lower left corner of an A4 page.
constexpr float page_width = 595.276F, page_height = 841.89F;
constexpr float left = 48, right = page_width - 48, top = page_height - 52, bottom = 60, footer = 36;
constexpr float title_size = 19, text_size = 9.5F, small_size = 8;
constexpr float row_height = 15.5F, widest_column = 108;
constexpr std::size_t max_title_lines = 3;

// libharu holds all pages until the last one is made, some 800 bytes a row: this is 200 MB, and 4,800 pages.
constexpr std::size_t max_rows = 250'000;

struct shade {
  float red, green, blue;
};
constexpr shade ink = {0.11F, 0.12F, 0.14F}, soft = {0.36F, 0.40F, 0.44F}, rule = {0.86F, 0.88F, 0.90F};

constexpr shade shade_of(std::uint32_t color) {
  return {static_cast<float>(color >> 16U & 0xffU) / 255, static_cast<float>(color >> 8U & 0xffU) / 255,
          static_cast<float>(color & 0xffU) / 255};
}

enum class side { start, middle, end };

class layout {
 public:
  layout(const report &shown, const core::context &host)
      : shown_(shown),
        host_(host),
        drawn_{{shown, subject::users, host}, {shown, subject::hosts, host}},
        column_width_(std::min(widest_column, (right - left) / static_cast<float>(shown.columns.size()))) {}

  std::pmr::string render() {
    HPDF_SetCompressionMode(pdf_, HPDF_COMP_ALL);
    HPDF_UseUTFEncodings(pdf_);
    HPDF_SetCurrentEncoder(pdf_, "UTF-8");
    set_information();
    begin_page();
    put_title();
    for (const chart &each : drawn_)
      if (!each.empty()) put_chart(each);
    count_pages();
    put_header();
    for (std::size_t row = 0; row < shown_.rows(); ++row) {
      if (y_ - row_height < bottom) {
        end_page();
        begin_page();
        put_header();
      }
      put_row(row);
    }
    end_page();
    return bytes();
  }

 private:
  // Characters beyond the first 65,536 are unknown to libharu.
  void set_information() {
    std::string title;
    for (std::string_view from = shown_.title; !from.empty();) {
      const std::string_view before = from;
      title += take_character(from) > 0xffff ? "?" : before.substr(0, before.size() - from.size());
    }
    HPDF_SetInfoAttr(pdf_, HPDF_INFO_TITLE, title.c_str());
    std::tm at{};
    gmtime_r(&shown_.made_at, &at);
    HPDF_SetInfoDateAttr(pdf_, HPDF_INFO_CREATION_DATE,
                         {at.tm_year + 1900, at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, 'Z', 0, 0});
  }

  void begin_page() {
    host_.poll();
    page_ = HPDF_AddPage(pdf_);
    if (page_ == nullptr) pdf_.throw_on_error();
    HPDF_Page_SetSize(page_, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
    HPDF_Page_SetLineCap(page_, HPDF_ROUND_END);
    HPDF_Page_SetLineJoin(page_, HPDF_ROUND_JOIN);
    ++page_number_;
    y_ = top;
  }

  void end_page() {
    const std::string number = std::to_string(page_number_) + " / " + std::to_string(pages_);
    color(soft);
    put(number, right, footer, side::end, small_size, weight::regular);
    put(cut(shown_.title, small_size, weight::regular, right - left - 80), left, footer, side::start, small_size,
        weight::regular);
    pdf_.throw_on_error();
  }

  // Every page but the first holds a header and rows.
  void count_pages() {
    const auto holds = [](float from) {
      return static_cast<std::size_t>(std::max(0.0F, (from - row_height - bottom) / row_height));
    };
    const std::size_t here = std::min(holds(y_), shown_.rows()), further = holds(top);
    pages_ = 1 + (shown_.rows() - here + further - 1) / further;
  }

  // --- text

  void color(const shade &of) { HPDF_Page_SetRGBFill(page_, of.red, of.green, of.blue); }
  void pen(const shade &of, float width) {
    HPDF_Page_SetRGBStroke(page_, of.red, of.green, of.blue);
    HPDF_Page_SetLineWidth(page_, width);
  }

  void put(const set_text &text, float x, float y, side to, float size) {
    const float before = to == side::start ? 0 : text.width(size) / (to == side::middle ? 2 : 1);
    HPDF_Page_BeginText(page_);
    HPDF_Page_SetFontAndSize(page_, text.font, size);
    HPDF_Page_TextOut(page_, x - before, y, text.bytes.c_str());
    HPDF_Page_EndText(page_);
  }
  void put(std::string_view text, float x, float y, side to, float size, weight heavy) {
    put(pdf_.set(text, heavy), x, y, to, size);
  }

  // How many bytes of the text fit, whole characters.
  std::size_t fitting(std::string_view text, float size, weight heavy, float room) {
    std::size_t fits = 0;
    for (std::string_view rest = text; !rest.empty();) {
      take_character(rest);
      const std::size_t next = text.size() - rest.size();
      if (pdf_.set(text.substr(0, next), heavy).width(size) > room) break;
      fits = next;
    }
    return fits;
  }

  // The text, or as much of it as fits before an ellipsis.
  std::string cut(std::string_view text, float size, weight heavy, float room) {
    static constexpr const char *ellipsis = "\u2026";
    if (fitting(text, size, heavy, room) == text.size()) return std::string(text);
    const float for_ellipsis = pdf_.set(ellipsis, heavy).width(size);
    return std::string(text.substr(0, fitting(text, size, heavy, room - for_ellipsis))) + ellipsis;
  }

  // Lines broken at spaces where there are any; the last one that there may be is cut.
  std::vector<std::string> lines_of(std::string_view text, float size, weight heavy, float room) {
    std::vector<std::string> lines;
    while (!text.empty()) {
      std::size_t length = fitting(text, size, heavy, room);
      if (length == text.size() || lines.size() + 1 == max_title_lines) {
        lines.push_back(cut(text, size, heavy, room));
        break;
      }
      if (const std::size_t space = text.rfind(' ', length); space != std::string_view::npos && space > 0)
        length = space;
      lines.emplace_back(text.substr(0, length));
      text.remove_prefix(std::min(text.find_first_not_of(' ', length), text.size()));
    }
    return lines;
  }

  void put_title() {
    color(ink);
    for (const std::string &line : lines_of(shown_.title, title_size, weight::bold, right - left)) {
      y_ -= title_size;
      put(line, left, y_, side::start, title_size, weight::bold);
      y_ -= 5;
    }
    std::string span = std::to_string(shown_.rows()) + (shown_.rows() == 1 ? " day" : " days");
    const chart &any = drawn_[0];
    if (!any.by_day.empty()) span += ", " + iso(any.first()) + " to " + iso(any.last());
    color(soft);
    for (const std::string &line : {span, notes_line(shown_, ", ")}) {
      y_ -= text_size + 3;
      put(cut(line, text_size, weight::regular, right - left), left, y_, side::start, text_size, weight::regular);
    }
    y_ -= 25;
  }

  // --- chart

  void put_chart(const chart &drawn) {
    constexpr float key = 14;
    const float height = drawn.of == subject::hosts ? 80 : 170;
    put_legend(drawn);
    const std::string highest = grouped(drawn.top());
    const float x0 = left + pdf_.set(highest, weight::regular).width(small_size) + 6, x1 = right - 16;
    const float y1 = y_ - 8, y0 = y1 - height;
    const auto x_of = [&](core::day_number day) {
      const auto span = static_cast<float>(std::max(drawn.last() - drawn.first(), 1));
      return x0 + (x1 - x0) * static_cast<float>(day - drawn.first()) / span;
    };
    const auto y_of = [&](std::int64_t value) {
      return y0 + (y1 - y0) * static_cast<float>(value) / static_cast<float>(drawn.top());
    };
    color(soft);
    for (const std::int64_t level : drawn.levels) {
      pen(level == 0 ? soft : rule, 0.5F);
      line(x0, y_of(level), x1, y_of(level));
      put(grouped(level), x0 - 6, y_of(level) - small_size / 3, side::end, small_size, weight::regular);
    }
    for (const day_tick &each : drawn.ticks) {
      pen(soft, 0.5F);
      line(x_of(each.day), y0, x_of(each.day), y0 - 3);
      put(each.label, x_of(each.day), y0 - key, side::middle, small_size, weight::regular);
    }
    for (const chart_line &each : drawn.lines) {
      pen(shade_of(each.color), drawn.single_day() ? 5 : 1.2F);
      bool any = false;
      draw_line(
          drawn, each, host_,
          [&](core::day_number day, std::int32_t value) {
            any = true;
            HPDF_Page_MoveTo(page_, x_of(day), y_of(value));
          },
          [&](core::day_number day, std::int32_t value) { HPDF_Page_LineTo(page_, x_of(day), y_of(value)); });
      if (any) HPDF_Page_Stroke(page_);
    }
    y_ = y0 - key - 26;
  }

  void line(float x0, float y0, float x1, float y1) {
    HPDF_Page_MoveTo(page_, x0, y0);
    HPDF_Page_LineTo(page_, x1, y1);
    HPDF_Page_Stroke(page_);
  }

  void put_legend(const chart &drawn) {
    constexpr float dash = 14, gap = 22;
    const float room = (right - left) / static_cast<float>(drawn.lines.size()) - dash - gap;
    float x = left;
    for (const chart_line &each : drawn.lines) {
      pen(shade_of(each.color), 2);
      line(x, y_ + small_size / 3, x + dash, y_ + small_size / 3);
      color(ink);
      const set_text title = pdf_.set(cut(each.shown->title, text_size, weight::regular, room), weight::regular);
      put(title, x + dash + 5, y_, side::start, text_size);
      x += dash + 5 + title.width(text_size) + gap;
    }
    y_ -= 12;
  }

  // --- table

  // Where the text of a column goes: days to the left, numbers to the right.
  float edge_of(std::size_t place, bool is_day) const {
    if (is_day) return left + column_width_ * static_cast<float>(place) + (place == 0 ? 0 : 12);
    return left + column_width_ * static_cast<float>(place + 1) - 6;
  }

  float table_width() const { return column_width_ * static_cast<float>(shown_.columns.size()); }

  void put_header() {
    y_ -= row_height;
    color(ink);
    for (std::size_t place = 0; place < shown_.columns.size(); ++place) {
      const column &each = shown_.columns[place];
      const bool is_day = each.id == column_id::day;
      put(cut(each.title, text_size, weight::bold, column_width_ - 14), edge_of(place, is_day), y_ + 5,
          is_day ? side::start : side::end, text_size, weight::bold);
    }
    pen(soft, 0.75F);
    line(left, y_, left + table_width(), y_);
    pen(rule, 0.5F);
  }

  void put_row(std::size_t row) {
    y_ -= row_height;
    std::size_t place = 0;
    for_each_cell(shown_, row, [&](const column &, const number *value) {
      const bool is_day = value == nullptr;
      if (is_day || *value) {
        put(is_day ? iso(shown_.days[row]) : grouped(**value), edge_of(place, is_day), y_ + 4.5F,
            is_day ? side::start : side::end, text_size, weight::regular);
      }
      ++place;
    });
    line(left, y_, left + table_width(), y_);
  }

  std::pmr::string bytes() {
    HPDF_SaveToStream(pdf_);
    pdf_.throw_on_error();
    std::pmr::string file(HPDF_GetStreamSize(pdf_), '\0', host_.memory);
    auto size = static_cast<HPDF_UINT32>(file.size());
    HPDF_ReadFromStream(pdf_, reinterpret_cast<HPDF_BYTE *>(file.data()), &size);
    pdf_.throw_on_error();
    return file;
  }

  const report &shown_;
  const core::context &host_;
  const chart drawn_[std::size(all_subjects)];
  const float column_width_;
  document pdf_;
  HPDF_Page page_ = nullptr;
  float y_ = 0;  // the upper edge of what comes next
  std::size_t page_number_ = 0;
  std::size_t pages_ = 1;
};

}  // namespace

std::pmr::string render_pdf(const report &shown, const core::context &host) {
  if (shown.rows() > max_rows) {
    throw core::error(core::fault::too_large, "too many rows for a PDF file",
                      "At most " + std::to_string(max_rows) + " rows are written; the report has " +
                          std::to_string(shown.rows()) + ".",
                      "Restrict the report to fewer days, or ask for xlsx.");
  }
  return layout(shown, host).render();
}

}  // namespace headcount::exporting
