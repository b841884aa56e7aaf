#include "pg/boundary.hpp"

#include "pg/compat.hpp"

namespace headcount::pg {
namespace {

int sqlstate_of(core::fault kind) {
  switch (kind) {
    case core::fault::invalid_argument: return ERRCODE_INVALID_PARAMETER_VALUE;
    case core::fault::missing_argument: return ERRCODE_NULL_VALUE_NOT_ALLOWED;
    case core::fault::damaged_bytes: return ERRCODE_DATA_CORRUPTED;
    case core::fault::damaged_text: return ERRCODE_INVALID_TEXT_REPRESENTATION;
    case core::fault::damaged_message: return ERRCODE_INVALID_BINARY_REPRESENTATION;
    case core::fault::out_of_range: return ERRCODE_DATETIME_VALUE_OUT_OF_RANGE;
    case core::fault::number_too_small: case core::fault::number_too_large: return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    case core::fault::wrong_context: return ERRCODE_WRONG_OBJECT_TYPE;
    case core::fault::mixed_keys: return ERRCODE_DATATYPE_MISMATCH;
    case core::fault::mixed_dictionaries: return ERRCODE_DATATYPE_MISMATCH;
    case core::fault::too_large: return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
    case core::fault::forgotten: return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
    case core::fault::not_written: return ERRCODE_IO_ERROR;
  }
  return ERRCODE_INTERNAL_ERROR;
}

// As much of a text as there is room for, in whole characters.
template <std::size_t room>
void copy_text(char (&to)[room], std::string_view text) {
  const int length = static_cast<int>(std::min<std::size_t>(text.size(), INT_MAX));
  const auto fits = static_cast<std::size_t>(pg_mbcliplen(text.data(), length, static_cast<int>(room - 1)));
  std::memcpy(to, text.data(), fits);
  to[fits] = '\0';
}

}  // namespace

void failure::set(int sqlstate, const char *message, const core::source_place &where) {
  sqlstate_ = sqlstate;
  copy_text(message_, message);
  file_ = where.file;
  function_ = where.function;
  line_ = where.line;
}

void failure::from_core(const core::error &error) {
  set(sqlstate_of(error.kind()), error.what(), error.where());
  copy_text(detail_, error.detail());
  copy_text(hint_, error.hint());
}

void failure::out_of_memory() { set(ERRCODE_OUT_OF_MEMORY, "out of memory", core::source_place::current()); }

void failure::unexpected(const char *what) { set(ERRCODE_INTERNAL_ERROR, what, core::source_place::current()); }

void failure::fill_in() const {
  errcode(sqlstate_);
  errmsg_internal("%s", message_);
  if (detail_[0] != '\0') errdetail_internal("%s", detail_);
  if (hint_[0] != '\0') errhint("%s", hint_);
}

void failure::raise() const {
  if (kind_ == kind::backend) PG_RE_THROW();
  errstart_cold(ERROR, TEXTDOMAIN);
  fill_in();
  errfinish(file_, line_, function_);
  pg_unreachable();
}

void failure::report(FunctionCallInfo fcinfo) const {
  if (kind_ == kind::backend || !compat::wants_soft_errors(fcinfo)) raise();
  if (!compat::begin_soft_error(fcinfo)) return;
  fill_in();
  compat::finish_soft_error(fcinfo, file_, line_, function_);
}

}  // namespace headcount::pg
