// The type shared_area, whose values only we can make.

#include "pg/shared_area.hpp"

#include "core/base/error.hpp"

namespace headcount::fn {
namespace {

constexpr std::string_view none = "none";

}  // namespace

// An area is named by its query alone: whatever is written is none, and nothing else can be read.
HEADCOUNT_FUNCTION(headcount_shared_area_in) {
  if (std::string_view(PG_GETARG_CSTRING(0)) != none)
    throw core::error(core::fault::damaged_text, "invalid input for type shared_area",
                      "The only value that can be written is none.");
  return pg::area_result({});
}

HEADCOUNT_FUNCTION(headcount_shared_area_out) {
  return CStringGetDatum(pg::call([] { return pstrdup(none.data()); }));
}

// The name of a new area for this query.
HEADCOUNT_FUNCTION(headcount_shared_area) { return pg::area_result(pg::shared_area::make(fcinfo->flinfo->fn_mcxt)); }

}  // namespace headcount::fn
