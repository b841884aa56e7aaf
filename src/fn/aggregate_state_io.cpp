// Input and output of the type aggregate_state: what servers send each other of aggregates.

#include "core/base/printable.hpp"
#include "pg/daily_value.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"

namespace headcount::fn {

// What the bytes mean is checked whenever an aggregate reads them, so here they may be any.
HEADCOUNT_FUNCTION(headcount_aggregate_state_in) {
  const std::string_view text(PG_GETARG_CSTRING(0));
  const std::size_t size = core::bytes_of_printable(text.size()) + VARHDRSZ;
  if (size > core::max_bytes) core::throw_too_large();
  auto *const value = static_cast<std::byte *>(pg::call([size] { return palloc(size); }));
  if (!core::read_printable(text, value + VARHDRSZ))
    throw core::error(core::fault::damaged_text, "invalid input syntax for type aggregate_state", "It is not what its output function writes.");
  return pg::value_result({value, size});
}

HEADCOUNT_FUNCTION(headcount_aggregate_state_out) {
  const pg::workspace work;
  const auto packed = pg::packed_state(fcinfo, work);
  const core::key_view bytes = packed.has_value() ? *packed : pg::bytes_argument(fcinfo, 0);
  const std::size_t size = core::printable_size(bytes.size());
  if (size >= core::max_bytes) core::throw_too_large();
  auto *const text = static_cast<char *>(pg::call([size] { return palloc(size + 1); }));
  core::write_printable(bytes, text);
  text[size] = '\0';
  return CStringGetDatum(text);
}

}  // namespace headcount::fn
