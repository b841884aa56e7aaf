#include "export/html.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <iterator>
#include <span>
#include <utility>

#include "export/chart.hpp"

#include "core/base/core_only.hpp"

namespace headcount::exporting {
namespace {

// The lines have the colours of core/chart in light; dark ones are lighter shades of the same.
constexpr std::string_view style = R"(
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1f23; --soft: #5c6570; --rule: #e2e5e9; --band: #f6f7f9;
  --uct: #0072b2; --ucdy: #009e73; --ucde: #d55e00; --ucch: #aa4a85; --rest: #fafaf5; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e6e8eb; --soft: #9aa3ad; --rule: #2d333a; --band: #1c2025;
    --uct: #56b4e9; --ucdy: #34c89b; --ucde: #ff9248; --ucch: #e08fc0; --rest: #191b1a; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; overflow-x: clip; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.05rem; font-weight: 600; }
.span, .notes { margin: .35rem 0 0; color: var(--soft); }
.notes { font-size: .875rem; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
.figures > div { padding: .75rem 1rem; border-radius: .4rem; background: var(--band); border-left: .2rem solid currentColor; }
.figures dt { color: var(--soft); font-size: .8125rem; overflow-wrap: anywhere; }
.figures dd { margin: 0; color: var(--ink); font-variant-numeric: tabular-nums; }
.figures dd:nth-of-type(1) { font-size: 1.6rem; font-weight: 650; line-height: 1.3; }
.figures dd:nth-of-type(2) { color: var(--soft); font-size: .8125rem; }
.figures dd span { white-space: nowrap; }
figure { margin: 0; padding-bottom: 1.5rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0 0 .75rem; padding: 0; list-style: none;
  font-size: .875rem; }
.legend i { display: inline-block; width: 1.1em; height: .2em; margin-right: .45em; vertical-align: .25em;
  border-radius: 1px; background: currentColor; }
.legend span { color: var(--ink); overflow-wrap: anywhere; }
.plot { position: relative; height: 18rem; margin: 0 .75rem 0 calc(var(--left) + .5rem); touch-action: pan-y; }
.plot svg { display: block; width: 100%; height: 100%; overflow: visible; }
.plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linecap: round; stroke-linejoin: round; }
.grid { stroke: var(--rule); stroke-width: 1px; }
.line { stroke: currentColor; stroke-width: 2px; }
.dense .line { stroke-width: 1px; }
.single .line { stroke-width: .5rem; }
.uct { color: var(--uct); } .ucdy { color: var(--ucdy); } .ucde { color: var(--ucde); }
.ucch { color: var(--ucch); }
.hosts .plot { height: 11rem; }
.level, .tick { position: absolute; color: var(--soft); font-size: .75rem; font-style: normal; line-height: 1;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.level { right: 100%; margin-right: .5rem; transform: translateY(50%); }
.tick { top: 100%; margin-top: .6rem; transform: translateX(-50%); }
.cursor { position: absolute; top: 0; bottom: 0; width: 0; border-left: 1px solid var(--soft); pointer-events: none; }
.cursor > div { position: absolute; top: .25rem; left: .5rem; padding: .35rem .6rem; border: 1px solid var(--rule);
  border-radius: .3rem; background: var(--paper); font-size: .8125rem; line-height: 1.45; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.cursor.turned > div { left: auto; right: .5rem; }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .4rem .75rem; text-align: right; border-bottom: 1px solid var(--rule); }
thead th { position: sticky; top: 0; background: var(--band); font-weight: 600; vertical-align: bottom;
  overflow-wrap: break-word; }
.day { text-align: left; font-weight: 400; white-space: nowrap; }
thead .day { font-weight: 600; white-space: normal; }
.rest > * { background: var(--rest); }
.rest .day::after { content: " " attr(data-weekday); color: var(--soft); font-size: .8em; }
tbody tr:hover > * { background: var(--band); }
@media (max-width: 40rem) {
  main { padding: 1.25rem .75rem 2rem; }
  .plot { height: 14rem; }
  .hosts .plot { height: 9rem; }
  .figures { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .figures > div { padding: .5rem .65rem; }
  .figures dd:nth-of-type(1) { font-size: 1.25rem; }
  .tick:nth-of-type(even) { display: none; }
  table { font-size: .8125rem; }
  thead { font-size: .75rem; }
  .rest .day::after { content: none; }
  th, td { padding: .35rem .3rem; }
}
@media (max-width: 30rem) {
  .rows { overflow-x: auto; }
  thead th { position: static; }
}
@media print { .plot { break-inside: avoid; } thead th { position: static; } }
)";

// Shows the day under the pointer, in either chart, from the points that are part of the page. Neither < nor & is in it, so that the
// page is well-formed as XML.
constexpr std::string_view script = R"(
(function () {
  var points = JSON.parse(document.getElementById('points').textContent);
  var days = points.days.map(function (day) { return Date.parse(day) / 864e5; });
  var first = days[0], span = Math.max(1, days[days.length - 1] - first);
  function nearest(day) {
    var low = 0, high = days.length - 1;
    while (high > low + 1) { var middle = (low + high) >> 1; if (days[middle] > day) high = middle; else low = middle; }
    return day - days[low] > days[high] - day ? high : low;
  }
  document.querySelectorAll('figure').forEach(function (figure) {
    var plot = figure.querySelector('.plot'), cursor = plot.querySelector('.cursor'), words = cursor.firstElementChild;
    var names = Array.from(figure.querySelectorAll('.legend li'));
    function add(text) { words.appendChild(document.createElement('div')).textContent = text; }
    plot.addEventListener('pointermove', function (event) {
      var box = plot.getBoundingClientRect(), at = nearest(first + (event.clientX - box.left) / box.width * span);
      var left = (days[at] - first) / span;
      words.textContent = '';
      add(points.days[at]);
      names.forEach(function (name) {
        var value = points[name.dataset.column][at];
        add(name.textContent.trim() + ': ' + (value === null ? '\u2013' : value.toLocaleString('en')));
      });
      cursor.style.left = 100 * left + '%';
      cursor.className = left > 0.5 ? 'cursor turned' : 'cursor';
      cursor.hidden = false;
    });
    plot.addEventListener('pointerleave', function () { cursor.hidden = true; });
  });
})();
)";

// More points than this run into each other at the usual width of a line.
constexpr std::size_t dense_from = 400;

class page {
 public:
  page(const report &shown, const core::context &host) : shown_(shown), host_(host), text_(host.memory) {}

  std::pmr::string render() {
    const chart drawn[] = {{shown_, subject::users, host_}, {shown_, subject::hosts, host_}};
    static_assert(std::size(drawn) == std::size(all_subjects));
    const auto is_drawn = [](const chart &each) { return !each.empty(); };
    const chart &any = drawn[0];
    add("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>");
    escape(shown_.title);
    add("</title>\n<style>", style, "</style>\n</head>\n<body>\n<main>\n<h1>");
    escape(shown_.title);
    add("</h1>\n<p class=\"span\">", grouped(static_cast<std::int64_t>(shown_.rows())), shown_.rows() == 1 ? " day" : " days");
    if (!any.by_day.empty()) add(", ", iso(any.first()), " to ", iso(any.last()));
    add("</p>\n<p class=\"notes\">");
    escape(notes_line(shown_, " \u00b7 "));
    add("</p>\n");
    if (!any.by_day.empty()) put_figures(any);
    // one under the other, with their days in the same places
    std::size_t widest = 0;
    for (const chart &each : drawn)
      if (is_drawn(each)) widest = std::max(widest, grouped(each.top()).size());
    for (const chart &each : drawn)
      if (is_drawn(each)) put_chart(each, widest);
    put_table();
    add("</main>\n");
    if (std::any_of(std::begin(drawn), std::end(drawn), is_drawn)) {
      put_points(drawn);
      add("<script>", script, "</script>\n");
    }
    add("</body>\n</html>\n");
    return std::move(text_);
  }

 private:
  void append(std::string_view text) { text_ += text; }
  template <std::integral Number>
  void append(Number value) {
    char digits[24];
    text_.append(digits, std::to_chars(digits, std::end(digits), value).ptr);
  }
  template <typename... Parts>
  void add(const Parts &...parts) {
    (append(parts), ...);
  }

  void escape(std::string_view text) {
    for (const char each : text) {
      switch (each) {
        case '&': add("&amp;"); break;
        case '<': add("&lt;"); break;
        case '>': add("&gt;"); break;
        case '"': add("&quot;"); break;
        default: text_ += each;
      }
    }
  }

  // Where something is, in parts of the whole, as CSS has it.
  void percent(std::int64_t part, std::int64_t whole) {
    const std::int64_t hundredths = part * 10000 / whole;
    add(hundredths / 100, ".", hundredths / 10 % 10, hundredths % 10, "%");
  }

  // Of each number what it was on the last day, and the highest that it was.
  void put_figures(const chart &drawn) {
    if (shown_.width() == 0) return;
    const std::uint32_t last = drawn.by_day.back();
    add("<dl class=\"figures\">\n");
    std::size_t place = 0;
    for (const column &each : shown_.columns) {
      if (each.id == column_id::day) continue;
      std::uint32_t highest = last;
      core::ticker tick(host_);
      for (const std::uint32_t row : drawn.by_day) {
        tick();
        if (shown_.at(row, place).value_or(-1) > shown_.at(highest, place).value_or(-1)) highest = row;
      }
      add("<div class=\"", name_of(each.id), "\"><dt>");
      escape(each.title);
      add("</dt><dd>");
      if (const number &value = shown_.at(last, place)) add(grouped(*value));
      else add("\u2013");
      add("</dd><dd>");
      if (const number &value = shown_.at(highest, place))
        add("highest ", grouped(*value), " on <span>", iso(shown_.days[highest]), "</span>");
      add("</dd></div>\n");
      ++place;
    }
    add("</dl>\n");
  }

  // The drawing's own units are days from the first one and users, or hosts, so that its points are the data; the labels beside
  // it are text that keeps its size whatever the width.
  void put_chart(const chart &drawn, std::size_t widest) {
    const std::int64_t span = drawn.last() - drawn.first(), width = std::max<std::int64_t>(span, 1);
    const char *const look = drawn.single_day() ? " single" : shown_.rows() > dense_from ? " dense" : "";
    const char *const name_of_chart = drawn.of == subject::hosts ? "hosts" : "users";
    add("<section class=\"", name_of_chart, "\" aria-labelledby=\"", name_of_chart, "-heading\">\n<h2 id=\"", name_of_chart,
        "-heading\">", heading_of(drawn.of), "</h2>\n<figure>\n<ul class=\"legend\">\n");
    for (const chart_line &line : drawn.lines) {
      const std::string_view name = name_of(line.shown->id);
      add("<li class=\"", name, "\" data-column=\"", name, "\"><i></i><span>");
      escape(line.shown->title);
      add("</span></li>\n");
    }
    add("</ul>\n<div class=\"plot", look, "\" style=\"--left: ", widest,
        "ch\">\n<svg role=\"img\" aria-label=\"Line chart; the table has the same numbers\" viewBox=\"0 -", drawn.top(),
        " ", width, " ", drawn.top(), "\" preserveAspectRatio=\"none\">\n<g transform=\"scale(1 -1)\">\n");
    for (const std::int64_t level : drawn.levels) add("<path class=\"grid\" d=\"M0 ", level, "H", width, "\"/>\n");
    for (const chart_line &line : drawn.lines) {
      add("<path class=\"line ", name_of(line.shown->id), "\" data-column=\"", name_of(line.shown->id), "\" d=\"");
      draw_line(
          drawn, line, host_, [&](core::day_number day, int value) { add("M", day - drawn.first(), " ", value); },
          [&](core::day_number day, int value) { add("L", day - drawn.first(), " ", value); });
      add("\"/>\n");
    }
    add("</g>\n</svg>\n");
    for (const std::int64_t level : drawn.levels) {
      add("<i class=\"level\" style=\"bottom: ");
      percent(level, drawn.top());
      add("\">", grouped(level), "</i>\n");
    }
    for (const day_tick &each : drawn.ticks) {
      add("<span class=\"tick\" style=\"left: ");
      percent(each.day - drawn.first(), width);
      add("\">", each.label, "</span>\n");
    }
    add("<div class=\"cursor\" hidden=\"hidden\"><div></div></div>\n</div>\n</figure>\n</section>\n");
  }

  void put_table() {
    add("<section aria-labelledby=\"table-heading\">\n<h2 id=\"table-heading\">Day by day</h2>\n"
        "<div class=\"rows\" tabindex=\"0\">\n<table>\n<caption>");
    escape(shown_.title);
    add("</caption>\n<thead>\n<tr>");
    for (const column &each : shown_.columns) {
      add(each.id == column_id::day ? "<th scope=\"col\" class=\"day\">" : "<th scope=\"col\">");
      escape(each.title);
      add("</th>");
    }
    add("</tr>\n</thead>\n<tbody>\n");
    core::ticker tick(host_);
    for (std::size_t row = 0; row < shown_.rows(); ++row) {
      tick();
      const core::day_number day = shown_.days[row];
      add(is_weekend(day) ? "<tr class=\"rest\">" : "<tr>");
      for_each_cell(shown_, row, [&](const column &, const number *value) {
        if (value == nullptr) {
          add("<th scope=\"row\" class=\"day\"");
          if (is_weekend(day)) add(" data-weekday=\"", is_weekend(day - 1) ? "Sun" : "Sat", "\"");
          add(">", iso(day), "</th>");
        } else if (*value) {
          add("<td>", grouped(**value), "</td>");
        } else {
          add("<td></td>");
        }
      });
      add("</tr>\n");
    }
    add("</tbody>\n</table>\n</div>\n</section>\n");
  }

  // The points of the charts again, as numbers for the script: a JSON object of lists, in the order of the days.
  void put_points(std::span<const chart> charts) {
    add("<script type=\"application/json\" id=\"points\">{\"days\":");
    put_list(charts.front(), [&](std::uint32_t row) { add("\"", iso(shown_.days[row]), "\""); });
    for (const chart &drawn : charts) {
      for (const chart_line &line : drawn.lines) {
        add(",\"", name_of(line.shown->id), "\":");
        put_list(drawn, [&](std::uint32_t row) {
          const number &value = shown_.at(row, line.place);
          value ? add(*value) : add("null");
        });
      }
    }
    add("}</script>\n");
  }

  template <typename Put>
  void put_list(const chart &drawn, Put &&put) {
    core::ticker tick(host_);
    char before = '[';
    for (const std::uint32_t row : drawn.by_day) {
      tick();
      text_ += before;
      put(row);
      before = ',';
    }
    text_ += ']';
  }

  const report &shown_;
  const core::context &host_;
  std::pmr::string text_;
};

}  // namespace

std::pmr::string render_html(const report &shown, const core::context &host) { return page(shown, host).render(); }

}  // namespace headcount::exporting
