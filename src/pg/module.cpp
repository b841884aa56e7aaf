// What makes the library loadable.

#include "pg/boundary.hpp"
#include "pg/compat.hpp"
#include "pg/settings.hpp"

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

extern "C" {
HEADCOUNT_MODULE_MAGIC("headcount");

PGDLLEXPORT void _PG_init(void) { headcount::pg::define_settings(); }
}

namespace headcount::pg {

// ()
HEADCOUNT_FUNCTION(headcount_version) {
  return call([] { return CStringGetTextDatum(HEADCOUNT_VERSION); });
}

}  // namespace headcount::pg
