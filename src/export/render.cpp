// headcount_export.render(), and what makes the library loadable.

#include "export/html.hpp"
#include "export/pdf.hpp"
#include "export/report.hpp"
#include "export/xlsx.hpp"
#include "pg/compat.hpp"
#include "pg/memory.hpp"
#include "pg/temporary_file.hpp"
#include "pg/values.hpp"

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

extern "C" {
HEADCOUNT_MODULE_MAGIC("headcount_export");
}

namespace headcount::exporting {
namespace {

struct elements {
  Datum *values;
  bool *nulls;
  int count;
};

// The elements of an array, row by row where it has more than one dimension. Not NULL.
elements array_argument(FunctionCallInfo fcinfo, int number, const char *name, Oid type) {
  pg::require_argument(fcinfo, number, name);
  return pg::call([=] {
    elements found{};
    int16 length = 0;
    bool by_value = false;
    char alignment = 0;
    get_typlenbyvalalign(type, &length, &by_value, &alignment);
    deconstruct_array(DatumGetArrayTypeP(fcinfo->args[number].value), type, length, by_value, alignment, &found.values,
                      &found.nulls, &found.count);
    return found;
  });
}

void require_elements(const elements &list, const char *name) {
  if (std::any_of(list.nulls, list.nulls + list.count, [](bool null) { return null; }))
    throw core::error(core::fault::missing_argument, std::string("argument \"") + name + "\" must not contain nulls");
}

std::string_view name_in(Datum value) {
  const auto *const packed = pg::call([value] { return DatumGetTextPP(value); });
  return {VARDATA_ANY(packed), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(packed))};
}

// Text in UTF-8, whatever the database's encoding, that every format can hold.
std::string printable_text(Datum value) {
  return printable(pg::call([value] {
    const text *const packed = DatumGetTextPP(value);
    return pg_server_to_any(text_to_cstring(packed), static_cast<int>(VARSIZE_ANY_EXHDR(packed)), PG_UTF8);
  }));
}

// (..., title, column_ids, column_titles, days, vals, notes)
report report_arguments(FunctionCallInfo fcinfo, int first, const core::context &host) {
  report shown(host.memory);
  pg::require_argument(fcinfo, first, "title");
  shown.title = printable_text(fcinfo->args[first].value);
  if (is_blank(shown.title)) shown.title = "Realtime Users Count";
  const elements ids = array_argument(fcinfo, first + 1, "column_ids", TEXTOID);
  const elements titles = array_argument(fcinfo, first + 2, "column_titles", TEXTOID);
  const elements days = array_argument(fcinfo, first + 3, "days", DATEOID);
  const elements values = array_argument(fcinfo, first + 4, "vals", INT4OID);
  require_elements(ids, "column_ids");
  require_elements(titles, "column_titles");
  require_elements(days, "days");
  if (ids.count != titles.count) {
    throw core::error(core::fault::invalid_argument, "every column needs one title",
                      std::to_string(ids.count) + " columns have " + std::to_string(titles.count) + " titles.");
  }
  for (int at = 0; at < ids.count; ++at)
    shown.columns.push_back({parse_column_id(name_in(ids.values[at])), printable_text(titles.values[at])});
  shown.days.reserve(static_cast<std::size_t>(days.count));
  for (int at = 0; at < days.count; ++at) shown.days.push_back(DatumGetDateADT(days.values[at]));
  shown.numbers.reserve(static_cast<std::size_t>(values.count));
  for (int at = 0; at < values.count; ++at)
    shown.numbers.push_back(values.nulls[at] ? number() : number(DatumGetInt32(values.values[at])));
  const elements notes = array_argument(fcinfo, first + 5, "notes", TEXTOID);
  require_elements(notes, "notes");
  for (int at = 0; at < notes.count; ++at) shown.notes.push_back(printable_text(notes.values[at]));
  shown.made_at = timestamptz_to_time_t(GetCurrentTransactionStartTimestamp());
  check(shown, host);
  return shown;
}

Datum file_of(const std::pmr::string &bytes) {
  if (bytes.size() > MaxAllocSize - VARHDRSZ) throw core::error(core::fault::too_large, "file is too large");
  return pg::copied_value(std::as_bytes(std::span(bytes)));
}

}  // namespace

// (format, title, column_ids, column_titles, days, vals, notes)
HEADCOUNT_FUNCTION(headcount_export_render) {
  const pg::workspace work;
  const format wanted = parse_format(pg::text_argument(fcinfo, 0, "format"));
  const report shown = report_arguments(fcinfo, 1, work);
  if (wanted == format::html) return file_of(render_html(shown, work));
  if (wanted == format::pdf) return file_of(render_pdf(shown, work));
  pg::temporary_file file;
  write_xlsx(shown, file.name(), file.folder().c_str(), work);
  const Datum bytes = file.read_all();
  file.remove();
  return bytes;
}

}  // namespace headcount::exporting
